"""The main job on real data that nobody here wrote."""

# ruff: noqa: E501 - specs and tables of cases are read line by line

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

HAPPY = """\
shipworthy: 1
id: happy
kind: generator
decision: {{prediction: count, action: [show], actor: user}}
golden:
  path: {data}/llm_upgrade_2023/count_happy_numbers.csv
  where: {{model: openaichat/gpt-4-0314}}
  sampled: random
  columns: {{case_id: id, input: query, label: ref_answer, output: answer}}
systems:
{systems}
metrics:
  - {{id: correct, scorer: {{regex: {{pattern: '\\\\boxed\\{{(\\d+)\\}}', group: 1, take: last}}}}}}
gates:
  - correct >= 80%
{gates}
"""
SYSTEM = "  {role}: {{recorded: {data}/llm_upgrade_2023/count_happy_numbers.csv, where: {{model: openaichat/{model}}}}}"

GSM = """\
shipworthy: 1
id: gsm8k
kind: generator
decision: {{prediction: answer, action: [show], actor: student}}
golden:
  path: {file}
  sampled: random
  columns: {{case_id: question, label: ground_truth}}
systems:
  candidate: {{recorded: {file}, columns: {{correct: 175b_verification.is_correct, output: 175b_verification.solution}}}}
  live: {{recorded: {file}, columns: {{correct: 175b_finetuning.is_correct, output: 175b_finetuning.solution}}}}
  baselines:
    small_verified: {{recorded: {file}, columns: {{correct: 6b_verification.is_correct}}}}
    small: {{recorded: {file}, columns: {{correct: 6b_finetuning.is_correct}}}}
gates:
  - accuracy >= 0.55
"""

COMPAS = """\
shipworthy: 1
id: compas
kind: classifier
decision: {{prediction: recidivism, action: [detain, release], actor: judge}}
golden:
  path: {file}
  sampled: random
  columns: {{label: two_year_recid, prediction: score_text, predicted_score: decile_score}}
  positive: [1, Medium, High]
systems:
  candidate: {{recorded: {file}}}
slices: [race, sex]
metrics: [accuracy, fpr, fnr, precision, auc]
gates:
  - accuracy >= 60%
  - recall >= 55%
  - {{id: equal_fpr, rule: "ratio(fpr[race in (African-American, Caucasian)], race) <= 1.25"}}
"""

TAU = """\
shipworthy: 1
id: tau
kind: agent
decision: {{prediction: action, action: [book], actor: agent}}
golden:
  path: {file}
  sampled: random
  columns: {{case_id: task_id, repeat: trial, correct: reward}}
systems:
  candidate: {{recorded: {file}}}
metrics: ["pass^1", "pass^2", "pass^3", "pass^4"]
gates:
  - pass^1 >= 40%
"""


def _product(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shipworthy.yaml").write_text(text, encoding="utf-8")
    return folder


def _metrics(decision) -> dict[str, dict]:
    return {part["metric"]: part["estimate"] for part in decision["evidence"]["metrics"]}


# -- four systems on the same questions ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def gsm(real_folder, tmp_path_factory):
    file = real_folder / "gsm8k_four_systems" / "example_model_solutions.jsonl"
    return _product(tmp_path_factory.mktemp("gsm"), GSM.format(file=file))


@pytest.fixture(scope="module")
def gsm_decision(gsm, ship):
    said = ship("decide", "--product", gsm, "--json")
    assert said.code == 1
    return said.json


def test_the_four_systems_have_the_published_accuracies(gsm_decision):
    found = {}
    for comparison in gsm_decision["evidence"]["comparisons"]:
        (accuracy,) = (part for part in comparison["differences"] if part["metric"] == "accuracy")
        found["candidate"] = accuracy["ours"]["value"]
        found[comparison["other"]] = accuracy["theirs"]["value"]
    assert {name: round(100 * value, 1) for name, value in found.items()} == {
        "small": 21.7,
        "small_verified": 39.0,
        "live": 34.7,
        "candidate": 56.3,
    }
    assert found["candidate"] == pytest.approx(742 / 1319)


def test_a_small_verified_model_against_a_big_one_fixes_209_and_breaks_152(gsm, ship):
    said = ship("compare", "small_verified", "live", "--product", gsm, "--json")
    assert said.code == 0
    found = said.json
    assert (found["fixed"], found["broke"], found["shared"]) == (209, 152, 1319)
    (accuracy,) = (part for part in found["differences"] if part["metric"] == "accuracy")
    delta = accuracy["delta"]
    assert delta["value"] == pytest.approx((209 - 152) / 1319)
    assert 0 < delta["low"] < delta["value"] < delta["high"]
    # Paired: far tighter than two independent samples of 1,319 would allow (about 7.4 points wide).
    assert delta["high"] - delta["low"] < 0.06
    assert found["newly_failing"]


def test_the_comparison_reads_newly_failing_first(gsm, ship):
    text = ship("compare", "small_verified", "live", "--product", gsm).flat
    assert "fixed 209, broke 152" in text
    assert text.index("Newly failing") < text.index("Metrics")


def test_a_bar_just_below_what_was_seen_is_not_proven_and_says_what_would_settle_it(gsm_decision):
    (gate,) = gsm_decision["gates"]
    assert gate["status"] == "not_proven"
    assert gsm_decision["verdict"] == "hold"
    assert "742 counted, at least 756 of 1,319 would prove it (14" in gate["sentence"]
    assert "4,389 cases" in gate["sentence"]
    assert "9,840" in gate["sentence"]


# -- a vendor's silent upgrade ------------------------------------------------------------------------------


def _happy(folder: Path, data: Path, gates: str = "", **models: str) -> Path:
    systems = "\n".join(SYSTEM.format(role=role, data=data, model=model) for role, model in models.items())
    return _product(folder, HAPPY.format(data=data, systems=systems, gates=gates))


@pytest.fixture(scope="module")
def upgrade(real_folder, tmp_path_factory):
    gates = "  - delta(correct, live) > -2pt\n  - negative_flips(live) <= 2%"
    folder = tmp_path_factory.mktemp("upgrade")
    return _happy(folder, real_folder, gates, candidate="gpt-4-0613", live="gpt-4-0314")


def test_june_as_the_candidate_is_held_and_the_collapse_is_named(upgrade, ship):
    said = ship("decide", "--product", upgrade)
    assert said.code == 1
    text = said.flat
    assert "HOLD" in text
    assert "35.2%" in text
    assert "83.6%" in text
    assert "fixed 27, broke 269" in text
    assert text.index("Newly failing cases") < text.index("Against other systems")
    decision = ship("decide", "--product", upgrade, "--json").json
    assert {gate["status"] for gate in decision["gates"]} == {"not_met"}
    (comparison,) = decision["evidence"]["comparisons"]
    assert (comparison["fixed"], comparison["broke"]) == (27, 269)
    assert comparison["newly_failing"][0]["before"] == "right"


def test_the_markdown_and_the_record_list_newly_failing_cases_before_the_fixed_ones(upgrade, ship, tmp_path):
    ship("decide", "--product", upgrade)
    ship("report", "--product", upgrade, "--markdown", tmp_path / "r.md", "--html", tmp_path / "r.html")
    for name in ("r.md", "r.html"):
        text = (tmp_path / name).read_text(encoding="utf-8").lower()
        assert "269" in text
        assert "newly failing" in text
        if "newly fixed" in text:
            assert text.index("newly failing") < text.index("newly fixed")


def test_an_answer_without_a_boxed_number_is_failed(upgrade, real_folder, ship):
    with (real_folder / "llm_upgrade_2023" / "count_happy_numbers.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        rows = list(csv.DictReader(file))
    for system, model in (("live", "gpt-4-0314"), ("candidate", "gpt-4-0613")):
        answers = [row["answer"] for row in rows if row["model"] == f"openaichat/{model}"]
        without = sum(re.search(r"\\boxed\{(\d+)\}", answer) is None for answer in answers)
        run = ship("run", system, "--product", upgrade, "--json").json
        assert run["denominator"]["failed"] == without
        assert run["denominator"]["scored"] == 500 - without
    assert ship("run", "live", "--product", upgrade, "--json").json["denominator"]["failed"] > 0


def test_june_as_what_is_live_is_rolled_back(real_folder, ship, tmp_path):
    product = _happy(tmp_path, real_folder, live="gpt-4-0613")
    said = ship("decide", "--product", product)
    assert said.code == 1
    assert "ROLL BACK" in said.out
    assert ship("decide", "live", "--product", product, "--json").json["verdict"] == "roll_back"


def test_march_as_what_is_live_is_not_rolled_back(real_folder, ship, tmp_path):
    product = _happy(tmp_path, real_folder, live="gpt-4-0314")
    assert ship("decide", "--product", product, "--json").json["verdict"] != "roll_back"


# -- a risk score that errs twice as often on one group ------------------------------------------------------


@pytest.fixture(scope="module")
def compas(real_folder, tmp_path_factory):
    file = real_folder / "compas_two_years" / "compas_two_years.csv"
    return _product(tmp_path_factory.mktemp("compas"), COMPAS.format(file=file))


def test_false_positive_rates_by_group_are_the_published_ones(compas, ship):
    decision = ship("decide", "--product", compas, "--json").json
    found = {
        part["value"]: part["estimate"]
        for part in decision["evidence"]["slices"]
        if part["column"] == "race" and part["metric"] == "fpr"
    }
    assert round(100 * found["African-American"]["value"], 2) == 44.85
    assert round(100 * found["Caucasian"]["value"], 2) == 23.45
    assert _metrics(decision)["auc"]["value"] == pytest.approx(0.702, abs=0.0005)


def test_overall_gates_pass_and_the_group_gate_holds_by_name(compas, ship):
    said = ship("decide", "--product", compas, "--json")
    assert said.code == 1
    gates = {gate["evidence"]["gate_id"]: gate["status"] for gate in said.json["gates"]}
    assert gates == {"accuracy": "met", "recall": "met", "equal_fpr": "not_met"}
    assert said.json["forced_by"][0]["of"] == "equal_fpr"
    assert said.json["headline"].startswith(
        "ratio(fpr[race in (African-American, Caucasian)], race) <= 1.25 is not met"
    )
    text = ship("decide", "--product", compas).flat
    assert "Decided by race African-American over Caucasian" in text


# -- an agent tried four times on each task ------------------------------------------------------------------


@pytest.fixture(scope="module")
def tau(real_folder, tmp_path_factory, ship):
    file = real_folder / "tau_bench_airline_gpt4o" / "rewards.csv"
    product = _product(tmp_path_factory.mktemp("tau"), TAU.format(file=file))
    return ship("decide", "--product", product, "--json").json


def test_passing_k_times_in_a_row_comes_out_as_published(tau):
    found = _metrics(tau)
    assert [round(found[f"pass^{k}"]["value"], 3) for k in (1, 2, 3, 4)] == [0.420, 0.273, 0.220, 0.200]


def test_fifty_tasks_tried_four_times_are_fifty_clusters(tau):
    subject = tau["evidence"]["subject"]
    assert subject["cases"] == 50
    assert subject["denominator"]["planned"] == 200
    found = _metrics(tau)["pass^1"]
    assert found["n"] == 50
    # 200 independent rows would give about 13.6 points; 50 clusters give clearly more.
    assert found["high"] - found["low"] > 0.16
    assert any("50 independent clusters" in note for note in tau["evidence"]["notes"])


def test_real_decisions_verify_and_are_never_written_twice(gsm, upgrade, compas, ship):
    for product in (gsm, upgrade, compas):
        first = ship("decide", "--product", product, "--json").json
        again = ship("decide", "--product", product, "--json").json
        assert again["id"] == first["id"]
        assert again["is_new"] is False
        assert len(list((product / ".shipworthy" / "decisions").iterdir())) == 1
        assert ship("verify", "--product", product).code == 0
        record = json.loads(Path(first["path"]).read_text(encoding="utf-8"))
        assert record["id"] == first["id"]
