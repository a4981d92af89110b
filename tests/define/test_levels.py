"""Keys by level: each level asks for more, each kind and field for its own, and reading agrees."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from shipworthy.define.levels import CONDITIONS, REQUIRED, Requirement, missing_keys
from shipworthy.define.lint.facts import Facts
from shipworthy.define.lint.rule import RULES, Promise
from shipworthy.define.reading import SpecFile, read_spec, spec_from_data, spec_from_text
from shipworthy.define.spec import KINDS, LEVELS, Spec
from shipworthy.errors import SpecError

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"

BASE: dict[str, Any] = {
    "shipworthy": 1,
    "id": "made",
    "kind": "classifier",
    "decision": {"prediction": "p", "action": "a", "actor": "b"},
    "golden": {"path": "g.csv"},
    "gates": ["accuracy >= 90%"],
}


def made(**more: Any) -> Spec:
    return spec_from_data({**BASE, **more}, Path("s.yaml"))


def asked(**more: Any) -> set[str]:
    return {need.key for need in missing_keys(made(**more))}


def test_a_dozen_lines_are_enough_to_be_judged() -> None:
    assert asked() == set()


def test_each_level_asks_for_all_that_the_one_before_asks() -> None:
    judge, launch, operate = (asked(level=level) for level in LEVELS)
    assert judge < launch < operate
    assert "problem.user" in launch
    assert operate - launch >= {"monitors", "learning.retrain", "owners.retraining"}


@pytest.mark.parametrize(
    ("kind", "key"),
    [("rag", "context.retrieval"), ("agent", "context.tools"), ("generator", "context.prompt")],
)
def test_a_kind_asks_for_its_own_keys(kind: str, key: str) -> None:
    gates = ["good >= 90%"]
    assert key in asked(kind=kind, level="launch", gates=gates)
    assert key not in asked(kind="classifier", level="launch")


def test_a_regulated_field_asks_who_could_be_hurt_and_who_signs() -> None:
    more = asked(level="launch", regulated="lending") - asked(level="launch")
    assert more == {"owners.signers", "problem.harm", "costs.by_group", "data.populations", "groups"}
    assert asked(level="launch", regulated="none") == asked(level="launch")


def test_people_who_decide_are_audited_and_others_are_not() -> None:
    def with_band(by: str) -> set[str]:
        return asked(level="operate", routing={"score": "s", "bands": [{"action": "a", "by": by}]})

    assert "routing.override_audit" in with_band("person")
    assert "routing.override_audit" not in with_band("system")
    assert "routing.owner" in with_band("system")
    assert "routing.owner" not in asked(level="operate")


def test_a_rubric_asks_for_judges_and_judges_for_a_rubric() -> None:
    assert "judges" in asked(level="launch", rubric=[{"id": "correct", "passes_if": "it is right"}])
    assert "rubric" in asked(level="launch", judges=[{"of": "correct", "sampled": "random"}])
    assert not {"judges", "rubric"} & asked(level="launch")


def test_an_empty_part_says_nothing() -> None:
    assert "budgets" in asked(level="launch", budgets={})
    assert "budgets" not in asked(level="launch", budgets={"run_cost": 0})


@pytest.mark.parametrize("need", REQUIRED, ids=lambda need: need.key)
def test_the_fix_of_each_requirement_adds_the_key(need: Requirement) -> None:
    tree = YAML(typ="safe").load(need.yaml)
    for key in need.keys:
        assert key in tree
        tree = tree[key]
    assert tree not in (None, "", [], {})
    assert need.level in LEVELS
    assert set(need.kinds) <= set(KINDS)
    assert need.when in CONDITIONS
    assert need.why.endswith(".")
    assert need.why.count(". ") == 0


def merged(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in more.items():
        inside = found.get(key)
        found[key] = merged(inside, value) if isinstance(inside, dict) and isinstance(value, dict) else value
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_spec_of_all_fixes_misses_nothing_and_reads(kind: str) -> None:
    data: dict[str, Any] = {"level": "operate", "regulated": "lending"}
    for need in REQUIRED:
        if kind in need.kinds and need.when in ("", "regulated", "unbounded"):
            data = merged(data, YAML(typ="safe").load(need.yaml))
    data = merged(data, {"kind": kind, "golden": {"strata": {"adversarial": 1}}})
    assert missing_keys(spec_from_data(_days_as_text(data), Path("s.yaml"))) == ()


def _days_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _days_as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_days_as_text(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("need", [need for need in REQUIRED if need.level == "judge"], ids=lambda n: n.key)
def test_reading_refuses_what_even_a_verdict_needs(need: Requirement) -> None:
    data: dict[str, Any] = {**BASE, "decision": dict(BASE["decision"]), "golden": {}}
    data["golden"]["path"] = "g.csv"
    holder = data
    for key in need.keys[:-1]:
        holder = holder[key]
    del holder[need.keys[-1]]
    with pytest.raises(SpecError, match=f"'{need.key}' is missing"):
        spec_from_data(data, Path("s.yaml"))


def findings(text: str) -> list[tuple[str, str]]:
    promise = Promise(spec_from_text(text, Path("s.yaml")), Facts(), date(2026, 2, 1))
    return [(finding.what, finding.fix) for finding in RULES.get("SW001").check(promise)]


def test_lint_names_each_missing_key_with_the_lines_that_add_it() -> None:
    text = (EXAMPLES / "loan.yaml").read_text("utf-8")
    assert findings(text) == []
    without = text.replace(
        "  user: Applicants for personal loans under 20,000 USD, and the underwriters", "  #"
    )
    without = without.replace(" who read their files", "")
    [(what, fix)] = findings(without)
    assert what.startswith("`problem.user` is missing, which level launch asks for")
    assert fix == "problem:\n  user: Underwriters"


def test_lint_leaves_to_another_rule_what_that_rule_says() -> None:
    text = (EXAMPLES / "support.yaml").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("  without_ai:")]
    assert findings("\n".join(lines)) == []
    assert [need.rule for need in missing_keys(spec_from_text("\n".join(lines), Path("s.yaml")).spec)] == [
        "SW103"
    ]


@pytest.mark.parametrize("name", ["minimum", "loan", "support"])
def test_the_examples_have_every_key_of_their_level(name: str) -> None:
    spec = read_spec(EXAMPLES / f"{name}.yaml").spec
    assert missing_keys(spec) == ()
    assert spec.level == ("judge" if name == "minimum" else "operate")


@pytest.mark.parametrize("need", [n for n in REQUIRED if n.level != "judge"], ids=lambda need: need.key)
def test_exactly_the_named_rule_asks_for_a_missing_key(need: Requirement) -> None:
    name = "loan" if "classifier" in need.kinds and need.key not in ("rubric", "judges") else "support"
    data = YAML(typ="safe").load((EXAMPLES / f"{name}.yaml").read_text("utf-8"))
    data["kind"] = need.kinds[-1] if name == "support" else "classifier"
    # Gates that stand for the key, or that speak of it, go with it.
    away = {"budgets": "latency|run_cost", "systems.baselines": "delta"}.get(need.key, "(?!)")
    data["gates"] = [gate for gate in data["gates"] if not re.search(away, gate["rule"])]
    kept = {gate["id"] for gate in data["gates"]}
    data["failure_modes"] = [mode for mode in data["failure_modes"] if mode.get("gate", "g_replay") in kept]
    holder = data
    for key in need.keys[:-1]:
        holder = holder[key]
    del holder[need.keys[-1]]
    spec = spec_from_data(_days_as_text(data), Path("s.yaml"))
    promise = Promise(SpecFile(spec, Path("s.yaml"), "", {(): 1}), Facts(), date(2026, 2, 1))
    asking = {"SW001", need.rule}
    found = {code for code in asking for finding in RULES.get(code).check(promise)}
    assert need.rule in found
    assert found == {need.rule} or need.rule == "SW001"
