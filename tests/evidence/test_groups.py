"""Groups: every one must do, the worst decides, and what cannot be measured proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.define.rules import parse_rule
from shipworthy.errors import ShipworthyError
from shipworthy.evidence.estimating import Measured
from shipworthy.evidence.gates.groups import _Contrast, _extreme
from shipworthy.evidence.metric import METRICS
from shipworthy.records import GateEvidence, GateStatus
from shipworthy.stats.confidence import Difference, Proportion, Ratio

#: group -> hits, false alarms, misses, right rejections
Cells = dict[str, tuple[int, int, int, int]]


RECORDED: dict[str, Any] = {
    "golden": {"path": "golden.csv"},
    "systems": {"candidate": {"recorded": "golden.csv"}},
}


def rows_of(cells: Cells) -> str:
    lines = ["case_id,label,prediction,group,sex"]
    number = 0
    for group, counts in cells.items():
        for (label, said), count in zip(((1, 1), (0, 1), (1, 0), (0, 0)), counts, strict=True):
            for _ in range(count):
                number += 1
                lines.append(f"c{number},{label},{said},{group},{'fm'[number % 2]}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def judge(product: Callable[..., Any]) -> Callable[..., list[GateEvidence]]:
    def judged(cells: Cells, *rules: str) -> list[GateEvidence]:
        made = product({"golden.csv": rows_of(cells)}, gates=list(rules), **RECORDED)
        return list(made.decide().decision.evidence.gates)

    return judged


TWO: Cells = {"a": (80, 20, 20, 180), "b": (30, 30, 20, 120)}
THREE: Cells = TWO | {"c": (45, 10, 5, 140)}


def test_an_accuracy_of_99_percent_hides_a_group_that_is_flagged_five_times_as_often(
    product: Callable[..., Any],
) -> None:
    """8,000 of A with 48 flags, 2,000 of B with 60, base rate 0.5% in both, 62 errors: FPR ratio 20."""
    cells = {"A": (38, 10, 2, 7950), "B": (10, 50, 0, 1940)}
    made = product(
        {"golden.csv": rows_of(cells)},
        **RECORDED,
        gates=["accuracy >= 99%", "ratio(selection_rate, group) >= 0.8", "ratio(fpr, group) <= 1.25"],
    )
    decision = made.decide().decision
    accuracy, flagged, fpr = decision.gates
    assert accuracy.status is GateStatus.met
    assert {flagged.status, fpr.status} == {GateStatus.not_met}
    assert flagged.evidence.estimate.value == pytest.approx(48 / 8000 / (60 / 2000))
    assert fpr.evidence.estimate.value == pytest.approx(20.0)
    assert decision.verdict.value == "hold"
    assert any("proves neither fairness nor compliance" in note for note in flagged.evidence.notes)
    assert not any("compliance" in note for note in fpr.evidence.notes)


def test_the_worst_group_is_bounded_as_if_it_stood_alone(judge: Callable[..., Any]) -> None:
    worst, alone = judge(THREE, "worst(recall, group) >= 0.5", "recall[group = b] >= 0.5")
    assert worst.estimate.value == alone.estimate.value == pytest.approx(30 / 50)
    assert worst.lower == pytest.approx(alone.lower)
    assert worst.estimate.n == alone.estimate.n == 50
    assert worst.notes[0] == "Decided by group b (n 50)."
    assert [part.group for part in worst.parts] == ["a", "b", "c"]


def test_the_worst_of_a_rate_that_should_be_low_is_the_highest(judge: Callable[..., Any]) -> None:
    (worst,) = judge(THREE, "worst(fpr, group) <= 0.5")
    assert worst.estimate.value == pytest.approx(30 / 150)


def test_equalised_odds_is_the_larger_of_the_two_gaps(judge: Callable[..., Any]) -> None:
    """Fairlearn's equalized_odds_difference: max over (TPR, FPR) of the largest less the smallest group's."""
    (odds,) = judge(THREE, "equalised_odds(group) <= 10pt")
    tpr = [tp / (tp + fn) for tp, _fp, fn, _tn in THREE.values()]
    fpr = [fp / (fp + tn) for _tp, fp, _fn, tn in THREE.values()]
    assert odds.estimate.value == pytest.approx(max(max(tpr) - min(tpr), max(fpr) - min(fpr)))
    assert odds.estimate.unit == "points"
    assert len(odds.parts) == 6
    assert odds.metric == "equalised_odds"


def test_gap_and_ratio_are_fairlearns_difference_and_ratio(judge: Callable[..., Any]) -> None:
    """MetricFrame.difference() and .ratio(): largest less smallest, smallest over largest."""
    gap, ratio = judge(THREE, "gap(recall, group) <= 5pt", "ratio(selection_rate, group) >= 0.99")
    recall = [tp / (tp + fn) for tp, _fp, fn, _tn in THREE.values()]
    selected = [(tp + fp) / (tp + fp + fn + tn) for tp, fp, fn, tn in THREE.values()]
    assert gap.estimate.value == pytest.approx(max(recall) - min(recall))
    assert ratio.estimate.value == pytest.approx(min(selected) / max(selected))


def test_a_reference_group_is_what_all_others_are_set_against(judge: Callable[..., Any]) -> None:
    ratio, gap = judge(
        THREE, "ratio(fpr, group, reference=c) <= 5", "gap(recall, group, reference=a) <= 30pt"
    )
    assert ratio.estimate.value == pytest.approx((30 / 150) / (10 / 150))
    assert gap.estimate.value == pytest.approx(45 / 50 - 80 / 100)
    assert "worst of 2 pairs" in ratio.bound_method


def test_columns_cross_into_groups_that_hold_every_row_once(judge: Callable[..., Any]) -> None:
    crossed, single = judge(TWO, "ratio(recall, group, sex) >= 0.5", "ratio(recall, group) >= 0.5")
    assert {part.group for part in crossed.parts} == {"a, f", "a, m", "b, f", "b, m"}
    assert sum(part.estimate.n for part in crossed.parts) == sum(part.estimate.n for part in single.parts)
    assert "by group by sex" in crossed.population


def test_a_crossed_reference_is_named_by_its_values(judge: Callable[..., Any]) -> None:
    (crossed,) = judge(TWO, 'ratio(recall, group, sex, reference="a, f") >= 0.5')
    assert "over a, f" in crossed.notes[0]
    assert "worst of 3 pairs" in crossed.bound_method


def test_a_group_without_cases_to_measure_proves_nothing_and_may_still_be_broken(
    judge: Callable[..., Any],
) -> None:
    cells = THREE | {"d": (0, 3, 0, 40)}
    easy, broken = judge(cells, "worst(recall, group) >= 0.1", "worst(recall, group) >= 0.99")
    assert easy.lower is None
    assert any(note.startswith("d: no case is positive, so nothing") for note in easy.notes)
    assert broken.upper is not None
    assert broken.upper < 0.99


def test_groups_with_fewer_than_thirty_cases_are_named_with_their_size(judge: Callable[..., Any]) -> None:
    cells = TWO | {"tiny": (3, 1, 1, 4)}
    (ratio,) = judge(cells, "ratio(selection_rate, group) >= 0.8")
    assert "Fewer than 30 cases: tiny (9)." in ratio.notes


def test_the_sizes_say_which_ratio_they_could_prove(judge: Callable[..., Any]) -> None:
    (ratio,) = judge(TWO, "ratio(selection_rate, group) >= 0.8")
    note = next(note for note in ratio.notes if note.startswith("The groups' sizes"))
    assert "300 for" in note
    assert "200 for" in note
    assert "can prove 0.8 only where the ratio seen is at least" in note
    (hopeless,) = judge({"a": (2, 0, 0, 2), "b": (2, 1, 0, 2)}, "ratio(selection_rate, group) >= 0.99")
    assert any("too small" in note for note in hopeless.notes)


def test_rows_without_a_group_are_counted(product: Callable[..., Any]) -> None:
    text = rows_of(TWO) + "x1,1,1,,f\nx2,0,0,,m\n"
    made = product({"golden.csv": text}, gates=["gap(recall, group) <= 90pt"], **RECORDED)
    (gap,) = made.decide().decision.evidence.gates
    assert "2 rows have no group and belong to no group." in gap.notes


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("worst(recall, colour) >= 0.5", "colour"),
        ("worst(recall, group, reference=a) >= 0.5", "does not take reference="),
        ("ratio(fpr, group, against=a) <= 2", "does not take against="),
        ("ratio(fpr, group, reference=z) <= 2", "'z' does not occur"),
        ("equalised_odds(group) >= 5pt", "the most allowed"),
        ("equalised_odds <= 5pt", "needs a column"),
        ("worst(recall) >= 0.5", "needs a metric and a column"),
        ("worst(recall, group) >= 90", "Did you mean 90%"),
        ("equalized_odds(group) <= 5pt", "equalised_odds"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_way_out(
    judge: Callable[..., Any], rule: str, said: str
) -> None:
    with pytest.raises(ShipworthyError) as caught:
        judge(TWO, rule)
    assert said in str(caught.value)


counts = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=2, max_size=6)


@settings(max_examples=40, deadline=None)
@given(groups=counts, is_ratio=st.booleans(), side=st.sampled_from(["lower", "upper"]), up=st.booleans())
def test_leaving_out_pairs_that_cannot_be_the_worst_changes_nothing(
    groups: list[tuple[int, int]], is_ratio: bool, side: str, up: bool
) -> None:
    measured = [
        Measured(METRICS, Proportion(hits, hits + rest), hits + rest, np.zeros(1), True)  # type: ignore[arg-type]
        for hits, rest in groups
    ]
    contrasts = [_Contrast("a over b", a, b, is_ratio, ("a", "b")) for a, b in permutations(measured, 2)]
    _found, bound = _extreme(contrasts, side, 0.95, "upper" if up else "lower")  # type: ignore[arg-type]
    assert bound == pytest.approx(brute_force(contrasts, side, up), rel=0.02, abs=0.01)


def brute_force(contrasts: Sequence[_Contrast], side: str, up: bool) -> float:
    form = Ratio if contrasts[0].is_ratio else Difference
    bounds = [
        form(c.own.confidence, c.other.confidence).bound(side, 0.95)  # type: ignore[arg-type]
        for c in contrasts
        if c.other is not None
    ]
    return max(bounds) if up else min(bounds)


def test_compas_groups_are_propublicas_and_hold(product: Any, real_data: Any) -> None:
    """FPR 44.85 and 23.45%, FNR 27.99 and 47.72% (ProPublica 2016, and the data's own read-me)."""
    file = str(real_data("compas_two_years") / "compas_two_years.csv")
    made = product(
        golden={
            "path": file,
            "columns": {"label": "two_year_recid", "prediction": "score_text"},
            "positive": ["1", "Medium", "High"],
        },
        systems={"candidate": {"recorded": file}},
        gates=[
            "ratio(fpr[race in (African-American, Caucasian)], race, reference=Caucasian) <= 1.25",
            "equalised_odds(race)[race in (African-American, Caucasian)] <= 10pt",
            "worst(fnr[race in (African-American, Caucasian)], race) <= 40%",
            "ratio(fpr, race, sex) <= 1.25",
        ],
    )
    decision = made.decide().decision
    ratio, odds, worst, crossed = (gate.evidence for gate in decision.gates)
    assert ratio.estimate.value == pytest.approx(0.4485 / 0.2345, abs=2e-3)
    assert odds.estimate.value == pytest.approx(max(0.4485 - 0.2345, 0.4772 - 0.2799), abs=1e-4)
    assert round(100 * worst.estimate.value, 2) == 47.72
    assert {gate.status for gate in decision.gates} == {GateStatus.not_met}
    assert len(crossed.parts) == 12


def test_every_example_of_a_group_form_parses_to_its_metric_and_columns() -> None:
    call = parse_rule('worst(f1(average=macro), "device type", plan) >= 70%').left
    assert str(call) == 'worst(f1(average=macro), "device type", plan)'
