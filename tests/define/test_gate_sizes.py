"""What the gates of a spec can be proved with."""

from __future__ import annotations

from typing import Any

import pytest

from shipworthy.define.rules import parse_condition_text
from shipworthy.define.sizing import Expected, GateQuestion, are_disjoint, size_gate, size_jointly


def question(rule: str = "good >= 80%", bar: float = 0.80, **more: Any) -> GateQuestion:
    settings: dict[str, Any] = {
        "gate_id": rule.split()[0],
        "rule": rule,
        "blocking": True,
        "better": "at_least" if ">" in rule else "at_most",
        "bar": bar,
        "confidence": 0.95,
        "unit": "share",
        "form": "rate",
        "cases": 500,
        "share": 1.0,
    }
    return GateQuestion(**{**settings, **more})


def expecting(truth: float, **more: Any) -> GateQuestion:
    return question(expected=Expected(truth, "said"), **more)


# spec_and_lint.md, last paragraph: >= 0.80 at 0.83 takes 517 and 1,107 cases; 416 of 500 prove it.
def test_a_rate_is_sized_by_the_reference_numbers():
    size = size_gate(expecting(0.83))
    assert size.needed == 416
    assert (size.at_expected.even, size.at_expected.likely) == (517, 1107)
    assert (size.further(size.at_expected.even), size.further(size.at_expected.likely)) == (17, 607)
    assert size.at_expected.chance == pytest.approx(0.48, abs=0.005)


# spec_and_lint.md 4B-ter: at most 1% on 300 takes no event; 299 is the floor.
def test_a_rare_event_is_proved_by_none_of_enough_cases():
    enough = size_gate(question("leaks <= 1%", 0.01, cases=300))
    assert (enough.needed, enough.flawless) == (0, 299)
    assert size_gate(question("leaks <= 1%", 0.01, cases=298)).needed is None


def test_the_strictest_bar_is_what_flawless_cases_prove():
    size = size_gate(question("leaks <= 1%", 0.01, cases=200))
    assert size.best_bar == pytest.approx(1 - 0.05 ** (1 / 200))
    assert size.detectable is None


# spec_and_lint.md 4B-ter: 500 pairs of which 10% differ detect 3.5 points.
def test_two_systems_are_sized_by_the_cases_on_which_they_differ():
    size = size_gate(question("delta(tone, live) >= -4pt", -0.04, form="paired", unit="points"))
    assert size.detectable == pytest.approx(0.035, abs=0.0005)


# spec_and_lint.md 4B-ter: 500 cases of the group, approval 45%: an observed ratio of 0.87.
def test_a_ratio_of_groups_says_what_must_be_observed():
    ratio = question("ratio(selection_rate, race) >= 0.8", 0.8, form="unknown", group=(500, 0.45))
    assert round(size_gate(ratio).ratio_needed, 2) == 0.87


def test_without_an_expected_truth_several_are_tried_from_near_to_far():
    size = size_gate(question())
    assert size.at_expected is None
    assert [row.truth for row in size.others] == pytest.approx([0.82, 0.85, 0.90, 0.95])
    sizes = [row.likely for row in size.others]
    assert sizes == sorted(sizes, reverse=True)
    below = size_gate(question("harmful <= 8%", 0.08))
    assert [row.truth for row in below.others] == pytest.approx([0.072, 0.06, 0.04, 0.02])


def test_a_truth_on_the_wrong_side_takes_no_number_of_cases():
    row = size_gate(expecting(0.79)).at_expected
    assert (row.even, row.likely) == (None, None)
    assert row.chance < 0.05


def test_clusters_take_as_many_times_the_cases_as_they_shrink_them():
    plain, clustered = size_gate(expecting(0.85)), size_gate(expecting(0.85, design_effect=2.0))
    assert clustered.at_expected.likely == 2 * plain.at_expected.likely
    assert clustered.at_expected.chance < plain.at_expected.chance
    assert clustered.needed > plain.needed


def test_a_share_of_the_set_needs_the_whole_set_to_grow():
    size = size_gate(expecting(0.85, cases=100, share=0.2))
    assert size.in_all(size.at_expected.likely) == 5 * 398


def test_all_gates_take_more_than_each_and_leave_out_what_nobody_expects():
    gates = [expecting(0.85), expecting(0.05, rule="harmful <= 8%", bar=0.08), question("right >= 90%", 0.9)]
    joint = size_jointly(gates, 500)
    assert joint.gates == ("good", "harmful")
    assert joint.left_out == ("right",)
    # Scanned over every n in tests/stats/test_joint_sizing.py.
    assert (joint.likely, joint.likely_however) == (561, 575)
    assert joint.further(joint.likely) == 61


def test_advisory_gates_and_lists_are_no_part_of_the_whole():
    gates = [expecting(0.85), expecting(0.9, rule="right >= 80%", blocking=False), question(form="list")]
    assert size_jointly(gates, 500) is None


def test_gates_on_different_strata_are_independent():
    a, b = parse_condition_text("stratum = a"), parse_condition_text("stratum = b and plan = pro")
    gates = [
        expecting(0.85, population=a, share=0.5, cases=250),
        expecting(0.05, rule="harmful <= 8%", bar=0.08, population=b, share=0.5, cases=250),
    ]
    assert size_jointly(gates, 500).disjoint
    assert not size_jointly([expecting(0.85), gates[1]], 500).disjoint
    assert not are_disjoint(a, parse_condition_text("plan = pro"))
