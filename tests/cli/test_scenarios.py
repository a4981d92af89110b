"""Acceptance scenarios with numbers that people argue about, through `shipworthy check`."""

# ruff: noqa: E501 - specs and tables of cases are read line by line

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest


def write(path: Path, header: str, groups: Iterable[tuple[Sequence[object], int]]) -> Path:
    """Write a CSV file with ids, so many rows of each kind."""
    lines, number = [f"id,{header}"], 0
    for cells, count in groups:
        for _ in range(count):
            lines.append(",".join([f"c{number}", *map(str, cells)]))
            number += 1
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def graded(path: Path, good: int, poor: int, harmful: int) -> Path:
    return write(path, "grade", [(["good"], good), (["poor"], poor), (["harmful"], harmful)])


def confusion(path: Path, tp: int, fp: int, fn: int, tn: int) -> Path:
    return write(path, "label,prediction", [([1, 1], tp), ([0, 1], fp), ([1, 0], fn), ([0, 0], tn)])


# -- N1: 83% works, 6% hallucinates, 11% mediocre -------------------------------------------------------------

PROMISE = ("good >= 80%", "harmful <= 8%")
GUARDRAILS = ("--guardrail", "poor 40/50", "--guardrail", "harmful 46/50")


def test_416_good_and_29_harmful_of_500_ship_with_guardrails_for_poor_and_harmful(ship, tmp_path):
    file = graded(tmp_path / "graded.csv", 416, 55, 29)
    said = ship("check", file, *PROMISE, *GUARDRAILS)
    assert said.code == 4
    assert "SHIP WITH GUARDRAILS" in said.out
    assert "55 poor" in said.flat
    assert "29 harmful" in said.flat
    assert ship("check", file, *PROMISE, *GUARDRAILS, "--guardrails-in-place").code == 0


def test_without_guardrails_the_same_numbers_are_held(ship, tmp_path):
    said = ship("check", graded(tmp_path / "graded.csv", 416, 55, 29), *PROMISE)
    assert said.code == 1
    assert "nothing stands around" in said.flat


def test_a_guardrail_for_one_kind_of_harm_does_not_cover_the_other(ship, tmp_path):
    file = graded(tmp_path / "graded.csv", 416, 55, 29)
    said = ship("check", file, *PROMISE, "--guardrail", "harmful 46/50", "--json")
    assert said.code == 1
    assert [reason["of"] for reason in said.json["forced_by"]] == ["poor"]


def test_415_good_and_30_harmful_of_500_are_not_proven_one_case_short_on_each_side(ship, tmp_path):
    said = ship("check", graded(tmp_path / "graded.csv", 415, 55, 30), *PROMISE, *GUARDRAILS)
    assert said.code == 1
    assert len(re.findall(r"\(1 (?:case )?(?:short|too many)\)", said.flat)) == 2
    assert "at least 416 of 500 would prove it" in said.flat
    assert "at most 29 of 500 would prove it" in said.flat


def test_the_same_rates_on_200_say_how_many_cases_would_settle_it(ship, tmp_path):
    said = ship("check", graded(tmp_path / "graded.csv", 166, 22, 12), *PROMISE, *GUARDRAILS, "--json")
    assert said.code == 1
    found = {
        gate["evidence"]["metric"]: (
            gate["status"],
            gate["evidence"]["cases_even"],
            gate["evidence"]["cases_80"],
        )
        for gate in said.json["gates"]
    }
    assert found == {"good": ("not_proven", 517, 1107), "harmful": ("not_proven", 546, 1101)}


# -- N2: 71% precision, and no idea what to do with that number ------------------------------------------------


def test_precision_of_71_percent_becomes_money_a_break_even_and_three_options(ship, tmp_path):
    file = write(tmp_path / "flags.csv", "label,prediction", [([1, 1], 710), ([0, 1], 290)])
    words = (
        "--cost",
        "false_positive=40",
        "--value",
        "true_positive=120",
        "--volume",
        "1000",
        "--positive",
        "1",
    )
    said = ship("check", file, "precision >= 0.5", *words)
    assert "gain about $73,600 a month at 1,000 cases" in said.flat
    assert "above a precision of 25" in said.flat
    for option in ("Raise the threshold", "Put a person before every flag", "Do not ship"):
        assert option in said.flat
    money = ship("check", file, "precision >= 0.5", *words, "--json").json["evidence"]["money"]
    assert money["per_month"]["value"] == pytest.approx(-73_600)
    assert money["per_month"]["low"] < -73_600 < money["per_month"]["high"] < 0
    assert money["break_even"] == pytest.approx(0.25)
    assert len(money["options"]) == 3


# -- N6: 91% accuracy, an inconvenience or a hazard --------------------------------------------------------------


def test_two_cost_tables_on_the_same_predictions_ship_and_hold(ship, tmp_path):
    file = confusion(tmp_path / "p.csv", 450, 50, 40, 460)
    accepted = ("--accept", "false_positive, false_negative: measured and priced (ana)", "--positive", "1")
    cheap = ("--cost", "false_positive=5", "--cost", "false_negative=2")
    dear = ("--cost", "false_positive=5", "--cost", "false_negative=4,000")
    rules = ("expected_cost <= 10", "accuracy >= 85%")
    ships = ship("check", file, *rules, *accepted, *cheap, "--json")
    holds = ship("check", file, *rules, *accepted, *dear, "--json")
    assert (ships.code, ships.json["verdict"]) == (0, "ship")
    assert (holds.code, holds.json["verdict"]) == (1, "hold")
    assert holds.json["forced_by"][0]["of"] == "expected_cost"
    assert ships.json["evidence"]["metrics"][0]["estimate"]["value"] == pytest.approx(
        (50 * 5 + 40 * 2) / 1000
    )


# By hand: 2 of 4 rows fail, one of each class; each costs the worst stated error, 7, where nothing else is stated.
@pytest.mark.parametrize(("stated", "cost"), [((), 14 / 4), (("--cost", "failed=1"), 2 / 4)])
def test_a_failed_row_costs_the_worst_error_whatever_its_class(ship, tmp_path, stated, cost):
    file = tmp_path / "p.csv"
    file.write_text("case_id,label,prediction\n1,1,1\n2,0,0\n3,1,\n4,0,\n", encoding="utf-8")
    costs = ("--cost", "false_positive=3", "--cost", "false_negative=7", *stated)
    said = ship("check", file, "expected_cost <= 10", "--positive", "1", *costs, "--json")
    assert said.json["gates"][0]["evidence"]["estimate"]["value"] == pytest.approx(cost)


def test_the_share_of_unscored_rows_is_gated_beside_a_live_system(ship, tmp_path):
    file = confusion(tmp_path / "p.csv", 45, 5, 4, 46)
    said = ship(
        "check", file, "unscored_share <= 5%", "delta(unscored_share, live) <= 0", "--live", file, "--json"
    )
    share, delta = said.json["gates"]
    assert share["status"] == "met"
    assert delta["status"] == "not_measured"


# -- N8: 99% accuracy, one group flagged at five times the rate ----------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "ratio"), [("ratio(fpr, group) <= 1.25", 20.0), ("ratio(selection_rate, group) <= 1.25", 5.0)]
)
def test_one_group_flagged_more_often_holds_although_accuracy_passes(ship, tmp_path, rule, ratio):
    kinds = [
        ([1, 1, "A"], 38), ([0, 1, "A"], 10), ([1, 0, "A"], 2), ([0, 0, "A"], 7950),
        ([1, 1, "B"], 10), ([0, 1, "B"], 50), ([1, 0, "B"], 0), ([0, 0, "B"], 1940),
    ]  # fmt: skip
    file = write(tmp_path / "p.csv", "label,prediction,group", kinds)
    words = ("--positive", "1", "--accept", "false_positive, false_negative: reviewed by hand (ana)")
    said = ship("check", file, "accuracy >= 99%", rule, *words, "--json")
    assert said.code == 1
    accuracy, group = said.json["gates"]
    assert (accuracy["status"], group["status"]) == ("met", "not_met")
    assert accuracy["evidence"]["estimate"]["value"] == pytest.approx(0.9938)
    assert group["evidence"]["estimate"]["value"] == pytest.approx(ratio, rel=0.01)
    assert [reason["of"] for reason in said.json["forced_by"]] == [group["evidence"]["gate_id"]]
    assert ship("check", file, "accuracy >= 99%", *words).code == 0


# -- N9: fine in chat, unusable in ads ---------------------------------------------------------------------------------


def test_the_same_latency_sample_passes_one_budget_and_fails_another(ship, tmp_path):
    chance = random.Random(1)
    lines = [f"{i},good,{math.exp(chance.gauss(4.2, 0.35)):.1f}" for i in range(2000)]
    file = tmp_path / "latency.csv"
    file.write_text("\n".join(["id,grade,latency_ms", *lines]) + "\n", encoding="utf-8")
    chat = ship("check", file, "latency_p99_ms <= 200", "--json")
    ads = ship("check", file, "latency_p99_ms <= 120", "--json")
    assert (chat.code, chat.json["gates"][0]["status"]) == (0, "met")
    assert (ads.code, ads.json["gates"][0]["status"]) == (1, "not_met")
    assert "ms" in ads.json["gates"][0]["sentence"]
