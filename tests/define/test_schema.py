"""The published JSON Schema: what reads fits it, what is wrong or missing at a level does not."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from shipworthy.cli.schema import command
from shipworthy.define.levels import REQUIRED, Requirement
from shipworthy.define.reading import read_spec, spec_from_text
from shipworthy.define.scaffold import write_product
from shipworthy.define.schema import SCHEMA_FILE, SCHEMA_LINE, schema, schema_text
from shipworthy.define.spec import KINDS, LEVELS
from shipworthy.errors import SpecError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [
    path
    for path in (ROOT / "docs" / "examples").rglob("*.yaml")
    if "shipworthy: 1" in path.read_text("utf-8")
]
SPECS = sorted([*(ROOT / "src").rglob("shipworthy.yaml"), *EXAMPLES])

BASE = """shipworthy: 1
id: made
kind: classifier
decision: {prediction: p, action: [a], actor: b}
golden: {path: g.csv}
gates:
  - accuracy >= 90%
"""

VALIDATOR = jsonschema.Draft202012Validator(schema())


def loaded(text: str) -> Any:
    """Return what an editor sees: YAML 1.2, in which a day is text."""
    return json.loads(json.dumps(YAML(typ="safe").load(text), default=date.isoformat))


def complaints(text: str) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(loaded(text))]


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_spec_that_comes_along_fits(path: Path) -> None:
    assert complaints(path.read_text("utf-8")) == []


SHORT = (
    "metrics: [f1, {id: precision, role: primary}]",
    "costs: {wrong: 3, false_positive: {cost: 4}, true_positive: 5}",
    "guardrails: [{id: a, stops: wrong}, {id: b, stops: [wrong, failed]}]",
    "judges: [{of: correct, sampled: random, labels: l.csv}]",
    "judges: [{of: correct, sampled: random, labels: {path: l.csv, passes: yes}}]",
    "regulated: lending",
    "regulated: [none]",
    "launch: {stages: [{percent: 5, for: 7d}], rollback: {to: a, last_drill: 2026-01-12}}",
    "routing: {score: s, bands: [{from: 0, to: 1, action: a}]}",
    "data: {training_window: {from: 2024-01-01, to: 2024-12-31}}",
)


@pytest.mark.parametrize("line", SHORT)
def test_what_may_be_written_short_fits_and_reads(line: str) -> None:
    text = f"{BASE}{line}\n"
    assert complaints(text) == []
    assert spec_from_text(text, Path("s.yaml")).spec.id == "made"


WRONG = (
    "goldn: 1",
    "kind: clasifier",
    "metrics: [3]",
    "metrics: [{id: a, layer: offlin}]",
    "costs: {wrong: cheap}",
    "costs: {by_group: {a = b: {wrog: 3}}}",
    "guardrails: [{id: a, stops: []}]",
    "regulated: banking",
    "launch: {stages: [{percent: 500}]}",
    "launch: {stages: [{percent: 5, for: 3 weeks}]}",
    "launch: {stages: [{percent: 5, for_: 3d}]}",
    "launch: {rollback: {to: a, last_drill: last week}}",
    "launch: {rollback: {within: 60m}}",
    "routing: {score: s, bands: []}",
    "routing: {score: s, bands: [{to: 1.4, action: a}]}",
    "monitors: [{id: a, series: b, rule: c, do: rollback}]",
    "data: {sources: [{id: a, fresh_within: 24}]}",
    "lint: {ignore: [{rule: SW106, reason: abc, owner: me}]}",
    "version: 1.4",
    "owners: me",
)


@pytest.mark.parametrize("line", WRONG)
def test_what_reading_refuses_an_editor_marks(line: str) -> None:
    text = f"{BASE}{line}\n" if not line.startswith("kind") else BASE.replace("kind: classifier", line)
    assert complaints(text)
    with pytest.raises(SpecError):
        spec_from_text(text, Path("s.yaml"))


def test_sampling_is_one_of_the_known_words() -> None:
    assert complaints(BASE.replace("g.csv}", "g.csv, sampled: {a: random}}")) == []
    assert complaints(BASE.replace("g.csv}", "g.csv, sampled: rndom}"))


def full(kind: str) -> dict[str, Any]:
    name = "loan" if kind == "classifier" else "support"
    found = loaded((ROOT / "docs" / "examples" / f"{name}.yaml").read_text("utf-8"))
    assert isinstance(found, dict)
    return {**found, "kind": kind}


@pytest.mark.parametrize("need", REQUIRED, ids=lambda need: need.key)
def test_an_editor_marks_each_key_that_is_missing_at_its_level_and_not_below(need: Requirement) -> None:
    data = full(
        "classifier"
        if "classifier" in need.kinds and need.key not in ("rubric", "judges")
        else need.kinds[-1]
    )
    if need.when == "unbounded":
        data["gates"] = ["recall >= 0.9"]
    holder = data
    for key in need.keys[:-1]:
        holder = holder[key]
    del holder[need.keys[-1]]
    assert [
        error for error in VALIDATOR.iter_errors(data) if f"'{need.keys[-1]}' is a required" in error.message
    ]
    below = LEVELS.index(need.level) - 1
    if below >= 0:
        assert list(VALIDATOR.iter_errors({**data, "level": LEVELS[below]})) == []


def test_every_key_says_what_it_means() -> None:
    parts = {"": schema(), **schema()["$defs"]}
    silent = [
        f"{part}.{name}"
        for part, described in parts.items()
        for name, key in described.get("properties", {}).items()
        # What is described by the very words of its part says them there.
        if not (key.get("description") or parts[key["$ref"].rpartition("/")[2]]["description"])
    ]
    assert silent == []
    assert all(described.get("description") or part in SMALL for part, described in parts.items() if part)


#: Parts that are described where they are used.
SMALL = {"Amount", "Confirm", "Gain", "Gate", "Labels", "MetricUse"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_product_brings_its_schema_and_names_it(tmp_path: Path, kind: str) -> None:
    write_product(tmp_path / "made", kind)
    file = read_spec(tmp_path / "made")
    assert file.text.splitlines()[0] == SCHEMA_LINE
    assert json.loads((tmp_path / "made" / SCHEMA_FILE).read_text("utf-8")) == schema()
    assert SCHEMA_FILE not in (tmp_path / "made" / ".gitignore").read_text("utf-8")


def test_the_command_prints_it_or_writes_it_beside_the_spec(tmp_path: Path) -> None:
    printed = CliRunner().invoke(command, [])
    assert json.loads(printed.output) == schema()
    written = CliRunner().invoke(command, [str(tmp_path), "--write", "--json"])
    assert json.loads(written.output)["file"] == str(tmp_path / SCHEMA_FILE)
    assert (tmp_path / SCHEMA_FILE).read_text("utf-8") == printed.output
    (tmp_path / SCHEMA_FILE).unlink()
    beside = CliRunner().invoke(command, [str(tmp_path / "shipworthy.yaml"), "--write"])
    assert f"wrote {tmp_path / SCHEMA_FILE}" in beside.output
    refused = CliRunner().invoke(command, [str(tmp_path / "nowhere" / "x.yaml"), "--write"])
    assert "cannot be written" in str(refused.exception)
