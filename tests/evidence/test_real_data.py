"""Figures that others published, from the data that others recorded."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

AGENT = {"kind": "agent", "metrics": ["pass^1", "pass^2", "pass^3", "pass^4"], "gates": ["pass^1 >= 40%"]}


def shown(evidence: Any) -> dict[str, float]:
    return {part.metric: part.estimate.value for part in evidence.metrics}


def test_compas_error_rates_by_race_are_propublicas(product: Any, real_data: Any) -> None:
    file = str(real_data("compas_two_years") / "compas_two_years.csv")
    made = product(
        golden={
            "path": file,
            "columns": {
                "label": "two_year_recid",
                "prediction": "score_text",
                "predicted_score": "decile_score",
            },
            "positive": ["1", "Medium", "High"],
        },
        systems={"candidate": {"recorded": file}},
        slices=["race"],
        metrics=["fpr", "fnr", "precision", "accuracy", "auc"],
        gates=["fpr[race = African-American] <= fpr[race = Caucasian] + 5pt", "ratio(fpr, race) <= 1.25"],
    )
    evidence = made.decide().decision.evidence
    found = {(part.value, part.metric): part.estimate for part in evidence.slices}
    for race, n, figures in (
        ("African-American", 3696, (44.85, 27.99, 62.97, 63.83)),
        ("Caucasian", 2454, (23.45, 47.72, 59.13, 66.99)),
    ):
        for metric, percent in zip(("fpr", "fnr", "precision", "accuracy"), figures, strict=True):
            assert round(100 * found[race, metric].value, 2) == percent
        assert found[race, "accuracy"].n == n
    assert round(shown(evidence)["auc"], 3) == 0.702
    gap, ratio = evidence.gates
    assert gap.estimate.value == pytest.approx(0.4485 - 0.2345, abs=1e-4)
    assert gap.lower > 0.18
    assert {part.group for part in ratio.parts} >= {"Asian", "Native American"}
    assert any("Fewer than 30 cases" in note for note in ratio.notes)


def test_gsm8k_systems_have_their_accuracies_and_discordant_pairs(product: Any, real_data: Any) -> None:
    file = str(real_data("gsm8k_four_systems") / "example_model_solutions.jsonl")
    use = lambda name: {"recorded": file, "columns": {"correct": f"{name}.is_correct"}}  # noqa: E731
    made = product(
        golden={"path": file, "columns": {"case_id": "question", "label": "ground_truth"}},
        kind="generator",
        systems={
            "candidate": use("6b_verification"),
            "live": use("175b_finetuning"),
            "baselines": {"small": use("6b_finetuning"), "large": use("175b_verification")},
        },
        gates=["accuracy >= 35%", "delta(accuracy, live) >= 0"],
    )
    evidence = made.decide().decision.evidence
    assert round(100 * evidence.gates[0].estimate.value, 2) == 39.04
    against = {part.other: part for part in evidence.comparisons}
    assert (against["live"].fixed, against["live"].broke) == (209, 152)
    assert evidence.gates[1].estimate.value == pytest.approx(57 / 1319)
    theirs = {
        name: round(100 * next(d for d in part.differences if d.metric == "accuracy").theirs.value, 2)
        for name, part in against.items()
    }
    assert theirs == {"live": 34.72, "small": 21.68, "large": 56.25}
    large = made.compare("large", "live")
    assert (large.fixed, large.broke) == (360, 76)


def test_tau_bench_passes_k_times_as_published_and_its_tasks_are_clusters(
    product: Any, real_data: Any
) -> None:
    file = str(real_data("tau_bench_airline_gpt4o") / "rewards.csv")
    made = product(
        golden={"path": file, "columns": {"case_id": "task_id", "repeat": "trial", "correct": "reward"}},
        systems={"candidate": {"recorded": file}},
        **AGENT,
    )
    evidence = made.decide().decision.evidence
    values = shown(evidence)
    assert [round(values[f"pass^{k}"], 3) for k in (1, 2, 3, 4)] == [0.42, 0.273, 0.22, 0.2]
    assert evidence.metrics[0].estimate.n == 50
    assert any("50 independent clusters" in note for note in evidence.notes)


def test_trec_topic_has_the_reference_gain(product: Any, real_data: Any) -> None:
    folder = real_data("trec_single_topic")
    made = product(
        {
            "golden.csv": relevance(folder / "qrels-302.test"),
            "run.csv": retrieved(folder / "results-302.test"),
        },
        kind="ranker",
        systems={"candidate": {"recorded": "run.csv"}},
        metrics=["ndcg@10", "ndcg@500", "ndcg@2000"],
        gates=["ndcg@10 >= 0.5"],
    )
    with (folder / "expected.tsv").open(encoding="utf-8") as file:
        expected = {
            row[0]: float(row[2]) for row in csv.reader(file, delimiter="\t") if row[0].startswith("ndcg")
        }
    run = made.decide().decision.evidence
    values = exact_ndcg(made)
    assert run.gates[0].estimate.value is None or run.gates[0].estimate.n == 1
    assert round(values["ndcg@10"], 4) == 0.7530
    assert round(values["ndcg@2000"], 4) == 0.6617
    assert {round(value, 4) for value in expected.values()} >= {0.6617, 0.7530}


def exact_ndcg(made: Any) -> dict[str, float]:
    """Return ndcg from its totals: one topic has a value and no interval."""
    from shipworthy.define.rules import parse_rule
    from shipworthy.evidence.measuring import frame_of
    from shipworthy.evidence.metric import bind
    from shipworthy.tables.totals import Ask, read_totals

    found = {}
    with made._maker() as maker:
        use = made.spec.systems.candidate
        rows = maker.load(maker.run("candidate", use, made.workspace, Quiet())[0], use, "rows")
        for name in ("ndcg@10", "ndcg@2000"):
            metric = bind(parse_rule(f"{name} >= 0").left, frame_of(made.spec, rows))
            counts, sums = read_totals(maker.connection, "rows", [Ask(metric.total)])[Ask(metric.total)].at(0)
            found[name] = float(metric.value(counts.sum(axis=0), tuple(part.sum(axis=0) for part in sums)))
    return found


class Quiet:
    def __getattr__(self, _name: str) -> Any:
        return lambda *_a, **_k: None


def relevance(path: Path) -> str:
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return "query_id,case_id,label\n" + "".join(f"{topic},{doc},{rel}\n" for topic, _it, doc, rel in lines)


def retrieved(path: Path) -> str:
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return "query_id,case_id,predicted_score\n" + "".join(f"{r[0]},{r[2]},{r[4]}\n" for r in lines)


def test_census_classifier_has_its_area_and_accuracy(product: Any, real_data: Any) -> None:
    file = str(real_data("us_census_employment_ma") / "reference.parquet")
    made = product(
        golden={
            "path": file,
            "columns": {"case_id": "id", "label": "employed", "predicted_score": "predicted_probability"},
        },
        systems={"candidate": {"recorded": file}},
        slices=["SEX"],
        metrics=["accuracy", "auc"],
        gates=["accuracy >= 82%", "auc >= 0.9"],
    )
    evidence = made.decide().decision.evidence
    assert evidence.subject.denominator.planned == 68_785
    assert round(100 * shown(evidence)["accuracy"], 2) == 82.72
    assert shown(evidence)["auc"] == pytest.approx(0.9034, abs=1e-4)
