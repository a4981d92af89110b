"""What lint counts beside a spec: the golden set, runs, decisions, labels and a traffic sample."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import shipworthy as sw
from shipworthy.api.lint import facts_of
from shipworthy.define.lint.facts import Facts, GoldenFacts, RunFacts, Unknown
from shipworthy.define.reading import read_spec

SPEC = """shipworthy: 1
id: made
kind: classifier
decision: {prediction: p, action: [low, high], actor: desk}
golden:
  path: golden.csv
  sampled: {a: random, b: incident}
  strata: {a: 4, b: 2}
  positive: yes
  training: train.csv
  traffic: traffic.csv
slices: [plan]
groups: [age]
metrics: [{id: kind_tone, scorer: judged}]
rubric: [{id: kind_tone, passes_if: no blame}]
judges: [{of: kind_tone, labels: labels.csv, sampled: random}]
systems:
  candidate: {recorded: answers.csv}
  live: {recorded: live.csv}
routing:
  score: predicted_score
  bands: [{to: 0.5, action: low}, {action: high}]
gates:
  - {id: g, rule: accuracy >= 60%, on: all}
  - {id: g_a, rule: "recall[plan = pro] >= 60%", on: a}
  - {id: d, rule: "delta(accuracy, live) > -20pt", on: all}
"""
FILES = {
    "golden.csv": "case_id,label,stratum,plan,age,provenance,input\n"
    "1,yes,a,pro,old,real,hello\n2,no,a,pro,young,real,there\n3,yes,a,free,old,synthetic,you\n"
    "4,yes,a,pro,young,real,all\n5,no,b,free,old,incident,of\n6,no,b,free,young,incident,them\n",
    "train.csv": "case_id,input\n77,hello\n5,other\n6,another\n",
    "traffic.csv": "plan\npro\nfree\nfree\nfree\n",
    "labels.csv": "case_id,verdict\n1,yes\n2,no\n3,\n",
    "answers.csv": "case_id,prediction,predicted_score\n"
    "1,yes,0.9\n2,no,0.5\n3,yes,0.7\n4,no,0.2\n5,no,0.1\n6,no,1\n",
    "live.csv": "case_id,prediction,predicted_score\n"
    "1,no,0.4\n2,no,0.3\n3,yes,0.7\n4,no,0.2\n5,yes,0.6\n6,no,0\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shipworthy.yaml").write_text(SPEC, encoding="utf-8")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def judged(folder: Path) -> Path:
    """The product after a decision; its judged score, which no scorer gives yet, is left out."""
    kept = [line for line in SPEC.splitlines() if not line.startswith(("metrics:", "rubric:", "judges:"))]
    (folder / "shipworthy.yaml").write_text("\n".join(kept) + "\n", encoding="utf-8")
    sw.open_product(folder).decide()
    return folder


def facts(folder: Path) -> Facts:
    return facts_of(read_spec(folder))


def golden(folder: Path) -> GoldenFacts:
    found = facts(folder).golden
    assert isinstance(found, GoldenFacts)
    return found


def test_cases_are_counted_by_stratum_slice_provenance_sampling_and_class(folder: Path) -> None:
    found = golden(folder)
    assert found.cases == 6
    assert found.strata == {"a": 4, "b": 2}
    assert found.slices == {"plan": {"pro": 3, "free": 3}, "age": {"old": 3, "young": 3}}
    assert found.by_stratum["a"] == {"plan": {"pro": 3, "free": 1}, "age": {"old": 2, "young": 2}}
    assert found.provenance == {"real": 3, "incident": 2, "synthetic": 1}
    assert found.sampled == {"random": 4, "incident": 2}
    assert found.positives == 0.5


def test_cases_shared_with_training_are_counted_by_id_or_input(folder: Path) -> None:
    assert golden(folder).shared_with_training == {"train.csv": 2}


def test_the_cases_of_each_gate_are_counted(folder: Path) -> None:
    counted = {name: question.cases for name, question in facts(folder).questions.items()}
    assert (counted["g"], counted["g_a"]) == (6, 2)


def test_repeats_of_a_case_count_once(folder: Path) -> None:
    rows = FILES["golden.csv"].splitlines()
    both = [f"repeat,{rows[0]}", *(f"{repeat},{row}" for row in rows[1:] for repeat in (0, 1))]
    (folder / "golden.csv").write_text("\n".join(both) + "\n", encoding="utf-8")
    assert golden(folder).strata == {"a": 4, "b": 2}


def test_traffic_is_shared_out_by_slice(folder: Path) -> None:
    assert facts(folder).traffic == {"plan": {"pro": 0.25, "free": 0.75}}


def test_labels_that_say_something_are_counted(folder: Path) -> None:
    assert facts(folder).labels == {"kind_tone": 2}


def test_what_is_absent_says_why(folder: Path) -> None:
    for name in ("golden.csv", "traffic.csv", "labels.csv"):
        (folder / name).unlink()
    found = facts(folder)
    assert isinstance(found.golden, Unknown)
    assert "golden.csv" in found.golden.because
    assert isinstance(found.traffic, Unknown)
    assert isinstance(found.labels["kind_tone"], Unknown)
    assert found.files == {
        "golden.path": "golden.csv",
        "golden.traffic": "traffic.csv",
        "judges.0.labels": "labels.csv",
    }
    assert found.runs == Unknown("there is no run yet")


def test_a_decision_tells_values_live_values_discordance_and_bands(judged: Path) -> None:
    found = facts(judged).runs
    assert isinstance(found, RunFacts)
    assert found.candidates == 1
    assert found.first_candidate is not None
    assert found.values["g"] == pytest.approx(5 / 6)
    assert found.live_values["g"] == pytest.approx(3 / 6)
    assert found.discordance["d"] == pytest.approx(2 / 6)
    assert found.band_shares == pytest.approx((2 / 6, 4 / 6))


def test_a_gate_that_was_rewritten_takes_nothing_from_the_last_decision(judged: Path) -> None:
    text = (judged / "shipworthy.yaml").read_text(encoding="utf-8")
    (judged / "shipworthy.yaml").write_text(
        text.replace("accuracy >= 60%", "recall >= 60%"), encoding="utf-8"
    )
    found = facts(judged).runs
    assert isinstance(found, RunFacts)
    assert "g" not in found.values


def test_a_gate_on_an_unknown_metric_or_column_is_an_error(folder: Path) -> None:
    text = SPEC.replace("accuracy >= 60%", "acuracy >= 60%").replace("plan = pro", "paln = pro")
    (folder / "shipworthy.yaml").write_text(text, encoding="utf-8")
    said = [one.what for one in sw.lint(folder).findings if one.code == "SW506"]
    assert len(said) == 2
    assert any("acuracy" in one for one in said)
    assert any("paln" in one for one in said)


def test_a_golden_set_in_a_warehouse_that_is_not_there_stops_nothing(folder: Path) -> None:
    text = SPEC.replace("path: golden.csv", "path: postgres://localhost:1/none/golden")
    (folder / "shipworthy.yaml").write_text(text, encoding="utf-8")
    assert isinstance(facts(folder).golden, Unknown)


def test_an_unknown_level_is_refused(folder: Path) -> None:
    with pytest.raises(sw.ShipworthyError, match="none of judge, launch, operate"):
        sw.lint(folder, level="production")


@pytest.mark.parametrize("name", ["loan.yaml", "support.yaml"])
def test_the_full_examples_of_the_docs_have_no_error_and_miss_only_data(name: str) -> None:
    found = sw.lint(Path(__file__).resolve().parents[2] / "docs" / "examples" / name, today=date(2026, 1, 25))
    assert found.level == "operate"
    assert [(one.code, one.what) for one in found.of("error")] == []
    reasons = " ".join(one.because for one in found.not_looked_at)
    assert "golden set" in reasons
