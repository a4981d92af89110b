"""What unscored rows could do to an answer: as if each had turned out at its worst, and at its best."""

from __future__ import annotations

from itertools import product as combinations
from typing import Any

import pytest

from shipworthy.decide.record.html import render_html
from shipworthy.records import Decision, GateResult

#: group -> right, wrong and unscored rows
TWO = {"a": (45, 5, 3), "b": (30, 20, 2)}


def decided(product: Any, rows: list[dict[str, Any]], *gates: str, **spec: Any) -> Decision:
    made = product(
        {"golden.jsonl": rows},
        golden={"path": "golden.jsonl", "sampled": "random", "max_unscored": 0.5},
        systems={"candidate": {"recorded": "golden.jsonl"}},
        gates=list(gates),
        **spec,
    )
    found: Decision = made.decide().decision
    return found


def only(decision: Decision) -> GateResult:
    (gate,) = decision.gates
    return gate


def rows_of(groups: dict[str, tuple[int, int, int]], **turned_right: int | None) -> list[dict[str, Any]]:
    """Rows by group; unscored ones stay so unless it is said how many of a group's turned out right."""
    rows = []
    for group, (right, wrong, lost) in groups.items():
        known = turned_right.get(group)
        highs = 0 if known is None else known
        said = [1] * (right + highs) + [0] * (wrong + (0 if known is None else lost - highs))
        rows += [{"label": 1, "prediction": each, "group": group, "unscored_reason": ""} for each in said]
        if known is None:
            rows += [{"label": 1, "prediction": 1, "group": group, "unscored_reason": "lost"}] * lost
    # A second class, so that the labels are two.
    rows += [{"label": 0, "prediction": 0, "group": group, "unscored_reason": ""} for group in groups]
    return [{"case_id": f"c{index}"} | row for index, row in enumerate(rows)]


def every_outcome(product: Any, rule: str) -> list[GateResult]:
    """Return the gate's answer for each way in which the unscored rows of both groups may have gone."""
    ways = combinations(*(range(lost + 1) for _right, _wrong, lost in TWO.values()))
    return [only(decided(product, rows_of(TWO, a=a, b=b), rule)) for a, b in ways]


@pytest.mark.parametrize(
    "rule",
    [
        "gap(accuracy, group) <= 25pt",
        "gap(accuracy, group, reference=b) <= 60pt",
        "ratio(accuracy, group) >= 0.5",
        "worst(accuracy, group) >= 45%",
        "accuracy[group = a] >= accuracy[group = b] - 5pt",
    ],
)
def test_the_ends_are_those_of_every_way_the_rows_of_both_groups_may_have_gone(
    product: Any, rule: str
) -> None:
    found = only(decided(product, rows_of(TWO), rule)).evidence
    ways = [gate.evidence for gate in every_outcome(product, rule)]
    assert found.unscored == 5
    toward = [way.lower if found.better == "at_least" else way.upper for way in ways]
    worst, best = (found.worst_lower, found.best_lower)
    if found.better == "at_most":
        worst, best = found.worst_upper, found.best_upper
        assert worst == pytest.approx(max(toward), abs=1e-6)
        assert best == pytest.approx(min(toward), abs=1e-6)
    else:
        assert worst == pytest.approx(min(toward), abs=1e-6)
        assert best == pytest.approx(max(toward), abs=1e-6)


def test_rows_that_could_bring_two_groups_together_could_change_an_answer(product: Any) -> None:
    groups = {"a": (190, 10, 0), "b": (140, 50, 10)}
    apart = only(decided(product, rows_of(groups), "gap(accuracy, group) <= 26pt"))
    assert apart.status.words == "not proven"
    assert apart.unscored_could_change
    together = only(decided(product, rows_of(groups, a=0, b=10), "gap(accuracy, group) <= 26pt"))
    assert together.status.words == "met"
    assert apart.evidence.best_upper == pytest.approx(together.evidence.upper)
    far = only(decided(product, rows_of(groups), "gap(accuracy, group) <= 1pt"))
    assert far.status.words == "not met"
    assert not far.unscored_could_change


def test_rows_of_one_group_leave_the_others_as_they_are(product: Any) -> None:
    groups = {"a": (45, 5, 30), "b": (30, 20, 0)}
    gate = only(decided(product, rows_of(groups), "worst(accuracy, group) >= 20%"))
    # Were the 30 rows of a all wrong, 45 of 80 would still be right.
    assert gate.status.words == "met"
    assert not gate.unscored_could_change


def test_equalised_odds_counts_them_in_both_rates(product: Any) -> None:
    gate = only(decided(product, rows_of(TWO), "equalised_odds(group) <= 60pt"))
    assert gate.evidence.unscored == 5
    assert gate.evidence.worst_upper is not None
    assert gate.evidence.upper is not None
    assert gate.evidence.worst_upper > gate.evidence.upper


def test_a_judged_rate_is_bounded_as_if_the_judge_had_been_right_about_them(product: Any) -> None:
    said = [(1, "yes")] * 130 + [(0, "yes")] * 10 + [(1, "no")] * 10 + [(0, "no")] * 50
    labels = [{"case_id": f"c{index}", "verdict": people} for index, (_judge, people) in enumerate(said)]
    judged = [judge for judge, _people in said] + [1] * 500 + [0] * 300

    def found(failed: int, unscored: int) -> GateResult:
        rows = [{"resolved": judge, "failed_reason": "", "unscored_reason": ""} for judge in judged]
        rows += [{"resolved": "", "failed_reason": "timeout", "unscored_reason": ""}] * failed
        rows += [{"resolved": "", "failed_reason": "", "unscored_reason": "judge crashed"}] * unscored
        made = product(
            {
                "answers.jsonl": [{"case_id": f"c{index}"} | row for index, row in enumerate(rows)],
                "labels.jsonl": labels,
            },
            kind="generator",
            golden={"path": "answers.jsonl", "sampled": "random", "max_unscored": 0.5},
            systems={"candidate": {"recorded": "answers.jsonl"}},
            judges=[{"of": "resolved", "labels": "labels.jsonl", "sampled": "random"}],
            gates=["pass_rate(resolved) >= 58%"],
        )
        return only(made.decide().decision)

    open_ended, failed = found(5, 60), found(65, 0)
    # At worst each would have been a no that needs no judge, as a failed row is.
    assert open_ended.evidence.worst_lower == pytest.approx(failed.evidence.lower)
    assert open_ended.evidence.worst_upper == pytest.approx(failed.evidence.upper)
    assert open_ended.evidence.best_lower is not None
    assert open_ended.evidence.lower is not None
    assert open_ended.evidence.best_lower > open_ended.evidence.lower
    assert open_ended.status.words == "met"
    assert open_ended.unscored_could_change
    assert not found(65, 0).unscored_could_change


def test_rows_in_clusters_move_the_bounds_by_their_share(product: Any) -> None:
    rows = rows_of(TWO)
    for index, row in enumerate(rows):
        row["cluster_id"] = str(index // 4)
    found = only(decided(product, rows, "accuracy >= 70%")).evidence
    # 102 rows are scored, 5 are not.
    assert found.lower is not None
    assert found.estimate.n == 102
    assert found.worst_lower == pytest.approx(found.lower * 102 / 107)
    assert found.best_lower == pytest.approx((found.lower * 102 + 5) / 107)


def test_what_is_no_mean_of_rows_does_not_say_that_they_could_not(product: Any) -> None:
    decision = decided(product, rows_of(TWO), "f1 >= 50%")
    gate = only(decision)
    assert gate.evidence.unscored == 5
    assert gate.evidence.worst_lower is None
    assert "whether its 5 unscored rows could change the answer is not known" in render_html(decision)
    assert "is not known" not in render_html(decided(product, rows_of(TWO), "accuracy >= 5%"))
