"""Worked examples: every metric of the catalogue is measured on rows that are shown."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path
from typing import Any

import pytest

from shipworthy.api.worked import work_example
from shipworthy.evidence.metric import METRICS, Definition


@pytest.mark.parametrize("definition", [definition for _name, definition in METRICS], ids=lambda d: d.name)
def test_every_metric_has_an_example_that_is_measured(definition: Definition) -> None:
    example = work_example(definition)
    assert example is not None
    estimate = example.gate.evidence.estimate
    assert estimate.value is not None
    assert 0 < estimate.n <= len(example.rows)
    assert example.gate.sentence
    assert example.rule == definition.example
    assert {*definition.columns} <= set(example.rows[0])


def test_an_example_is_the_same_every_time() -> None:
    definition = METRICS.get("recall")
    first, second = work_example(definition), work_example(definition)
    assert first is not None
    assert first == second


@pytest.mark.parametrize("name", ["recall", "mrr", "rmse", "win_rate", "pass_rate", "pass^k"])
def test_the_command_of_an_example_says_the_same_of_its_rows(
    ship: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = work_example(METRICS.get(name))
    assert example is not None
    with (tmp_path / "example.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(example.rows[0]))
        writer.writeheader()
        writer.writerows(example.rows)
    monkeypatch.chdir(tmp_path)
    gate = ship(*shlex.split(example.command)[1:], "--json").json["gates"][0]
    assert gate["evidence"]["estimate"]["value"] == pytest.approx(example.gate.evidence.estimate.value)
    assert gate["sentence"] == example.gate.sentence


def test_hand_counted_recall(ship: Any) -> None:
    found = ship("metrics", "explain", "recall", "--json").json["worked_example"]
    positive = [row for row in found["rows"] if row["label"] == "yes"]
    hits = sum(row["prediction"] == "yes" for row in positive)
    assert found["gate"]["evidence"]["estimate"]["value"] == pytest.approx(hits / len(positive))


def test_explaining_prints_rows_value_bound_and_answer(ship: Any) -> None:
    said = ship("metrics", "explain", "ndcg@10").out
    for words in (
        "query_id",
        "predicted_score",
        "one unit is a query",
        "bound of the gate",
        "at 95% confidence",
        "ndcg@5 >= 0.6 is",
    ):
        assert words in said
