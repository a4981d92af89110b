"""A product of every kind through every command; decisions that stay; and what verify says."""

# ruff: noqa: E501 - specs and tables of cases are read line by line

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cli.shipping import recorded, refused, snapshot

KINDS = ("classifier", "regressor", "ranker", "detector", "generator", "rag", "agent")
CODES = {"ship": 0, "ship_with_guardrails": 4, "hold": 1, "roll_back": 1, "invalid": 3}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_product_runs_decides_reports_compares_and_verifies(ship, tmp_path, kind):
    product = tmp_path / "my product"
    made = ship("init", product, "--kind", kind, "--json")
    assert made.code == 0
    assert all(Path(path).is_file() for path in made.json["files"])
    at = ("--product", product)

    run = ship("run", *at, "--json")
    assert run.code == 0
    count = run.json["denominator"]
    assert count["planned"] == count["scored"] + count["failed"] + count["unscored"]

    decided = ship("decide", *at, "--json")
    assert decided.code == CODES[decided.json["verdict"]]
    assert decided.json["is_new"] is True
    text = ship("decide", *at)
    assert text.code == decided.code
    assert decided.json["verdict"].replace("_", " ").upper() in text.out
    assert decided.json["id"] in text.out

    compared = ship("compare", "candidate", "live", *at, "--json")
    assert compared.code == 0
    assert compared.json["differences"]
    assert ship("compare", "candidate", "live", *at).code == 0

    places = {name: tmp_path / f"record.{name}" for name in ("html", "md", "xml")}
    words = ("--html", places["html"], "--markdown", places["md"], "--junit", places["xml"])
    assert ship("report", *at, *words).code == 0
    assert ship("report", decided.json["id"][:6], *at, "--json").json["verdict"] == decided.json["verdict"]
    html = places["html"].read_text(encoding="utf-8")
    assert html.lower().startswith("<!doctype html")
    assert "<script" not in html.lower()
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", html)
    assert not re.search(r"url\(\s*['\"]?(https?:)?//|@import", html)
    assert decided.json["id"] in html
    assert places["md"].read_text(encoding="utf-8").startswith("#")
    suites = ElementTree.parse(places["xml"]).getroot()  # noqa: S314
    cases = list(suites.iter("testcase"))
    assert len(cases) >= len(decided.json["gates"])

    verified = ship("verify", *at, "--json")
    assert (verified.code, verified.json["holds"], verified.json["differences"]) == (0, True, [])


def test_junit_says_failure_error_and_skipped_for_the_three_ways_not_to_be_met(ship, tmp_path):
    gates = "  - accuracy >= 99%\n  - accuracy >= 50%\n  - accuracy >= 94%\n  - latency_p95_ms <= 10"
    product = recorded(tmp_path / "p", gates=gates)
    decided = ship("decide", "--product", product, "--junit", tmp_path / "j.xml", "--json").json
    statuses = [gate["status"] for gate in decided["gates"]]
    assert statuses == ["not_met", "met", "not_proven", "not_measured"]
    inside = [
        [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        for case in ElementTree.parse(tmp_path / "j.xml").getroot().iter("testcase")  # noqa: S314
    ]
    assert inside[:4] == [["failure"], [], ["skipped"], ["error"]]


def test_init_refuses_to_write_over_anything(ship, tmp_path):
    product = recorded(tmp_path / "p")
    before = snapshot(product)
    refused(ship("init", product), 2, str(product))
    assert snapshot(product) == before


def test_deciding_twice_writes_nothing_new(ship, tmp_path):
    product = recorded(tmp_path / "p")
    first = ship("decide", "--product", product, "--json")
    before = snapshot(product)
    again = ship("decide", "--product", product, "--json")
    assert (again.code, again.json["id"], again.json["is_new"]) == (first.code, first.json["id"], False)
    assert snapshot(product) == before
    assert "still stands" in ship("decide", "--product", product).err


# -- verify ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def decided(ship, tmp_path):
    product = recorded(tmp_path / "p")
    said = ship("decide", "--product", product, "--json")
    return product, Path(said.json["path"])


def test_a_changed_spec_does_not_touch_the_record_and_is_said(ship, decided):
    product, _ = decided
    spec = product / "shipworthy.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("50%", "60%"), encoding="utf-8")
    said = ship("verify", "--product", product)
    assert said.code == 0
    assert "holds" in said.flat
    assert "The spec was changed after this decision" in said.flat


@pytest.mark.parametrize("how", ["verdict", "number", "cut", "empty", "hash", "not json", "a list"])
def test_a_tampered_decision_is_refused(ship, decided, how):
    product, path = decided
    text = path.read_text(encoding="utf-8")
    path.write_text(
        {
            "verdict": text.replace('"verdict": "ship"', '"verdict": "hold"', 1),
            "number": text.replace("0.95", "0.96", 1),
            "cut": text[: len(text) // 2],
            "empty": "",
            "hash": re.sub(r'"hash": "sha256:.', '"hash": "sha256:x', text, count=1),
            "not json": "<html>",
            "a list": "[1, 2]",
        }[how],
        encoding="utf-8",
    )
    assert path.read_text(encoding="utf-8") != text
    before = snapshot(product)
    for command in ("verify", "report"):
        refused(ship(command, "--product", product), 3, path.name)
    assert snapshot(product) == before


def test_deciding_after_a_decision_was_tampered_with_still_works(ship, decided):
    product, path = decided
    path.write_text(path.read_text(encoding="utf-8").replace("0.95", "0.96", 1), encoding="utf-8")
    assert ship("decide", "--product", product).code == 0


def _rows(product: Path, system: str = "candidate") -> Path:
    (folder,) = (product / ".shipworthy" / "runs").glob(f"{system}-*")
    return folder / "scores.parquet"


@pytest.mark.parametrize("how", ["one byte", "cut", "empty", "gone"])
def test_tampered_rows_are_refused_by_verify_and_made_again_by_run(ship, decided, how):
    product, _ = decided
    rows = _rows(product)
    content = rows.read_bytes()
    if how == "gone":
        rows.unlink()
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        rows.write_bytes({"one byte": flipped, "cut": content[:middle], "empty": b""}[how])
    refused(ship("verify", "--product", product), 3, "scores.parquet")
    assert ship("run", "--product", product).code == 0
    assert ship("verify", "--product", product).code == 0


def test_a_deleted_run_of_a_recorded_system_is_entered_again(ship, decided):
    product, _ = decided
    shutil.rmtree(product / ".shipworthy" / "runs")
    said = ship("verify", "--product", product)
    assert said.code == 0
    assert "holds" in said.out


def test_a_deleted_run_whose_file_changed_cannot_be_verified(ship, decided):
    product, _ = decided
    shutil.rmtree(product / ".shipworthy" / "runs")
    file = product / "new.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("c0,yes", "c0,no"), encoding="utf-8")
    refused(ship("verify", "--product", product), 3, "candidate-")


@pytest.mark.parametrize("command", ["verify", "decide", "run"])
def test_a_removed_golden_file_is_a_clear_error(ship, decided, command):
    product, _ = decided
    (product / "golden" / "cases.csv").unlink()
    before = snapshot(product)
    refused(ship(command, "--product", product), 2, "cases.csv")
    assert snapshot(product) == before


def test_a_changed_golden_file_is_said_by_verify(ship, decided):
    product, _ = decided
    file = product / "golden" / "cases.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("c0,no", "c0,yes"), encoding="utf-8")
    said = ship("verify", "--product", product)
    assert said.code == 0
    assert "golden set was changed" in said.flat


def test_an_unknown_or_missing_decision_is_named(ship, decided, tmp_path):
    product, _ = decided
    refused(ship("verify", "feedbeef", "--product", product), 2, "feedbeef")
    refused(ship("report", "--product", recorded(tmp_path / "fresh")), 2, "no decision yet")


def test_a_decision_of_a_fresh_clone_verifies(ship, decided, tmp_path):
    product, _ = decided
    clone = tmp_path / "clone"
    shutil.copytree(product, clone, ignore=shutil.ignore_patterns("runs"))
    assert ship("verify", "--product", clone).code == 0


def test_the_decision_file_is_json_that_names_its_parents(decided):
    product, path = decided
    whole = json.loads(path.read_text(encoding="utf-8"))
    parents = whole["decision"]["parents"]
    assert set(parents) >= {"spec", "golden"}
    assert sum(name.startswith("run ") for name in parents) == 2
    assert all(value.startswith("sha256:") for value in parents.values())
    assert product.name == "p"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"verdict": "ship"', '"verdict": "hold"'),
        ('"headline": "', '"headline": "Trust me. '),
        ('"cases": 100', '"cases": 1000'),
        ('"catch": null', '"catch": null, "covered": true'),
    ],
)
def test_a_forged_decision_with_a_right_hash_does_not_come_out_again(ship, decided, old, new):
    from shipworthy.store.hashes import hash_record, short

    product, path = decided
    whole = json.loads(path.read_text(encoding="utf-8"))
    text = json.dumps(whole["decision"])
    assert old in text
    forged = json.loads(text.replace(old, new, 1))
    stated = hash_record(forged)
    content = json.dumps({"format": 1, "id": short(stated), "hash": stated, "decision": forged})
    # Under its old name it is refused as changed; under its new name its numbers do not come out.
    path.write_text(content, encoding="utf-8")
    refused(ship("verify", "--product", product), 3, path.name)
    path.unlink()
    path.with_name(f"{short(stated)}.json").write_text(content, encoding="utf-8")
    said = ship("verify", "--product", product)
    if "covered" in new:
        return  # A key that the record does not know carries nothing.
    assert said.code == 3
    assert "does not hold" in said.out
