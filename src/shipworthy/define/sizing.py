"""What the gates of a spec can be proved with: pure numbers about rules, before any system is asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from shipworthy.define.rules import Population
from shipworthy.records import Direction, GateEvidence
from shipworthy.stats.joint_sizing import (
    MeanTarget,
    RateTarget,
    Target,
    cases_for_joint_power,
    joint_chance,
    joint_power,
)
from shipworthy.stats.sizing import (
    best_provable,
    cases_for_zero_failures,
    observed_needed,
    ratio_needed,
    smallest_detectable,
    smallest_detectable_paired,
)

__all__ = [
    "Expected",
    "GateQuestion",
    "GateSize",
    "JointSize",
    "TruthRow",
    "are_disjoint",
    "chance_of_all",
    "flawless_cases",
    "is_reached",
    "on_present_cases",
    "size_gate",
    "size_jointly",
    "spread_of",
]

Form = Literal["rate", "paired", "spread", "list", "unknown"]

EVEN, LIKELY = 0.5, 0.8
#: Distance of the ends of a shown 95% interval from its middle, in standard errors.
TWO_SIDED_Z = 1.959964
#: Truths tried where none is expected: how far they lie from the bar toward a flawless system.
STEPS = (0.1, 0.25, 0.5, 0.75)
#: Differences tried between two systems, beyond the bar.
PAIRED_STEPS = (0.01, 0.02, 0.03, 0.05)


@dataclass(frozen=True, slots=True)
class Expected:
    """The true value that is expected of a gate, and who says so."""

    value: float
    source: str


@dataclass(frozen=True)
class GateQuestion:
    """One gate as far as its size needs it.

    Args:
        gate_id: The gate.
        rule: The rule as written.
        blocking: Whether it can hold a release.
        better: "at_least" or "at_most".
        bar: The bar, in the metric's unit.
        confidence: One-sided confidence of the gate.
        unit: Unit of the bar: "share", "points", "money", "ms" or "number".
        form: "rate" for a plain share, "paired" for a difference of such shares on the same cases, "spread"
            for what has a known deviation, "list" for a must-pass list, "unknown" where nothing is known.
        population: The rows it speaks of.
        why: Why nothing is known, or what is assumed.
        cases: Cases it counts; None where that is not known.
        share: Share of all cases that it counts; None where that is not known.
        expected: The expected truth; None where there is none.
        discordance: Share of cases on which two systems differ, for "paired".
        deviation: Standard deviation of one case, for "spread".
        reach: Distance of the gate's bound from the value with one case, for "spread".
        design_effect: By how much clusters shrink the count, at least 1.
        group: Cases and rate of the smallest group, for a ratio between groups.
    """

    gate_id: str
    rule: str
    blocking: bool
    better: Direction
    bar: float
    confidence: float
    unit: str
    form: Form
    population: Population = field(default_factory=Population)
    why: str = ""
    cases: int | None = None
    share: float | None = None
    expected: Expected | None = None
    discordance: float = 0.1
    deviation: float = 0.0
    reach: float | None = None
    design_effect: float = 1.0
    group: tuple[int, float] | None = None


@dataclass(frozen=True, slots=True)
class TruthRow:
    """What one possible truth would take.

    Args:
        truth: The true value.
        even: Cases that it counts for an even chance of proof; None where too many to name.
        likely: The same for an 80% chance.
        chance: Chance of proof on the cases there are; None where their number is not known.
    """

    truth: float
    even: int | None
    likely: int | None
    chance: float | None


@dataclass(frozen=True)
class GateSize:
    """How many cases a gate takes, and what the cases there are can prove.

    Args:
        question: What was asked.
        needed: Count of successes (at most: of events) out of the cases there are that proves it; None where
            no count does, or where it is no count.
        best_bar: Strictest bar that the cases can prove at all, for a rate.
        flawless: Cases that prove it when not one of them fails, for a rate.
        detectable: The truth nearest the bar, or for two systems the smallest difference, that the cases
            prove with a chance of 80%; None where not even a flawless system would be proved.
        at_expected: What the expected truth takes; None where nothing is expected.
        others: What other truths would take, where nothing is expected.
        ratio_needed: Ratio of groups that must be observed, for a ratio of groups.
    """

    question: GateQuestion
    needed: int | None = None
    best_bar: float | None = None
    flawless: int | None = None
    detectable: float | None = None
    at_expected: TruthRow | None = None
    others: tuple[TruthRow, ...] = ()
    ratio_needed: float | None = None

    def further(self, cases: int | None) -> int | None:
        """Return how many more cases it has to count; None where either number is not known."""
        if cases is None or self.question.cases is None:
            return None
        return max(0, cases - self.question.cases)

    def in_all(self, cases: int | None) -> int | None:
        """Return how many cases the whole set needs for the gate to count so many."""
        if cases is None or not self.question.share:
            return None
        return math.ceil(cases / self.question.share - 1e-9)


@dataclass(frozen=True)
class JointSize:
    """How many cases all blocking gates take together.

    Args:
        gates: Ids of the gates.
        left_out: Ids of blocking gates that are not in it.
        cases: Cases there are; None where that is not known.
        disjoint: Whether no two of them count the same case, so that the middle chance is exact.
        chance: Chance that all are proved on the cases there are, as (at least, about, at most).
        even: Cases in all for an even chance, proofs taken as independent; None where never.
        likely: The same for an 80% chance.
        likely_however: Cases in all for an 80% chance, however the gates depend on each other.
    """

    gates: tuple[str, ...]
    left_out: tuple[str, ...]
    cases: int | None
    disjoint: bool
    chance: tuple[float, float, float] | None
    even: int | None
    likely: int | None
    likely_however: int | None

    def further(self, cases: int | None) -> int | None:
        """Return how many more cases that is; None where either number is not known."""
        return None if cases is None or self.cases is None else max(0, cases - self.cases)


def is_reached(better: Direction, bar: float, truth: float) -> bool:
    """Return whether a truth is on the right side of a bar, so that some number of cases proves it."""
    return truth > bar if better == "at_least" else truth < bar


def size_gate(question: GateQuestion) -> GateSize:
    """Size one gate.

    Args:
        question: The gate.

    Returns:
        Its size; a gate of the form "list" or "unknown" has none.

    >>> asked = GateQuestion("g", "good >= 80%", True, "at_least", 0.8, 0.95, "share", "rate", cases=500,
    ...                      expected=Expected(0.83, "given"))
    >>> size = size_gate(asked)
    >>> size.needed, size.at_expected.even, size.at_expected.likely, size.further(size.at_expected.likely)
    (416, 517, 1107, 607)
    """
    if question.form not in ("rate", "paired", "spread"):
        return GateSize(question, ratio_needed=_ratio_needed(question))
    expected = question.expected
    needed, best_bar, detectable = on_present_cases(question)
    return GateSize(
        question,
        needed=needed,
        best_bar=best_bar,
        flawless=flawless_cases(question),
        detectable=detectable,
        at_expected=_row(question, expected.value) if expected is not None else None,
        others=() if expected is not None else tuple(_row(question, truth) for truth in _truths(question)),
        ratio_needed=_ratio_needed(question),
    )


def size_jointly(
    questions: Sequence[GateQuestion], cases: int | None, left_out: Sequence[str] = ()
) -> JointSize | None:
    """Size all blocking gates that have an expected truth together.

    Args:
        questions: The gates.
        cases: Cases there are in all; None where that is not known.
        left_out: Ids of blocking gates that cannot be sized.

    Returns:
        The size; None where fewer than two blocking gates can be sized.
    """
    blocking = _inferring(questions)
    targets = _joint_targets(blocking)
    if len(targets) < 2:
        return None
    asked = [question for question, _target in targets]
    found = [target for _question, target in targets]
    names = {question.gate_id for question in asked}
    return JointSize(
        gates=tuple(question.gate_id for question in asked),
        left_out=(*left_out, *(q.gate_id for q in blocking if q.gate_id not in names)),
        cases=cases,
        disjoint=all(
            are_disjoint(one.population, other.population)
            for index, one in enumerate(asked)
            for other in asked[:index]
        ),
        chance=joint_power(cases, found) if cases is not None else None,
        even=cases_for_joint_power(found, EVEN),
        likely=cases_for_joint_power(found, LIKELY),
        likely_however=cases_for_joint_power(found, LIKELY, however_dependent=True),
    )


def chance_of_all(questions: Sequence[GateQuestion], cases: int, fewest: int = 2) -> float | None:
    """Return the chance that all blocking gates that have an expected truth are proved, taken as independent.

    It is the middle one of `size_jointly`'s chances, without the search for the cases that would raise it.

    Args:
        questions: The gates.
        cases: Cases there are in all.
        fewest: Number of gates below which there is no answer.

    Returns:
        The chance, 0 to 1; None where fewer than `fewest` blocking gates can be sized.
    """
    targets = _joint_targets(_inferring(questions))
    if len(targets) < fewest:
        return None
    return joint_power(cases, [target for _question, target in targets])[1]


def _inferring(questions: Sequence[GateQuestion]) -> list[GateQuestion]:
    return [question for question in questions if question.blocking and question.form != "list"]


def _joint_targets(questions: Sequence[GateQuestion]) -> list[tuple[GateQuestion, Target]]:
    found = ((question, _target_of_all(question)) for question in questions)
    return [(question, target) for question, target in found if target is not None]


def are_disjoint(one: Population, other: Population) -> bool:
    """Return whether two populations share no case: one column must equal different values in them.

    >>> from shipworthy.define.rules import parse_condition_text as rows
    >>> are_disjoint(rows("stratum = a"), rows("stratum = b")), are_disjoint(rows("plan = a"), Population())
    (True, False)
    """
    fixed = {c.column: set(c.values) for c in one.conditions if c.operator in ("=", "in")}
    return any(
        c.column in fixed and not fixed[c.column] & set(c.values)
        for c in other.conditions
        if c.operator in ("=", "in")
    )


def spread_of(measured: GateEvidence) -> tuple[float, float] | None:
    """Return deviation and reach of one case, from a measured interval and bound.

    Args:
        measured: What was measured for a gate.

    Returns:
        The standard deviation of one case, and the distance of the gate's bound from the value with one
        case, both in the gate's unit; None where an end is open or nothing varies.
    """
    estimate = measured.estimate
    toward = measured.lower if measured.better == "at_least" else measured.upper
    if estimate.value is None or estimate.low is None or estimate.high is None or toward is None:
        return None
    root = math.sqrt(estimate.n)
    deviation = (estimate.high - estimate.low) / (2 * TWO_SIDED_Z) * root
    return (deviation, abs(estimate.value - toward) * root) if deviation > 0 else None


def on_present_cases(question: GateQuestion) -> tuple[int | None, float | None, float | None]:
    """Return what the cases there are can prove.

    Args:
        question: The gate.

    Returns:
        The count that must be observed to prove it, the strictest bar that they can prove, and what they
        detect with a chance of 80%, as in `GateSize`; None for what is not known or never proved.
    """
    if not question.cases:
        return None, None, None
    n = math.floor(question.cases / question.design_effect)
    if question.form == "paired" and n > 0:
        gap = smallest_detectable_paired(n, question.discordance, question.confidence, LIKELY)
        return None, None, gap
    if question.form != "rate":
        return None, None, None
    better, bar, confidence = question.better, question.bar, question.confidence
    needed = observed_needed(n, bar, better, confidence)
    if needed is not None and n < question.cases:
        whole = needed * question.cases / n
        needed = math.ceil(whole) if better == "at_least" else math.floor(whole)
    best = best_provable(n, better, confidence)
    return needed, best, smallest_detectable(n, bar, better, confidence, LIKELY)


def flawless_cases(question: GateQuestion) -> int | None:
    """Return how many cases prove a rate when not one of them fails; None for what is no rate."""
    bar = question.bar if question.better == "at_most" else 1 - question.bar
    if question.form != "rate" or not 0 < bar < 1:
        return None
    return math.ceil(cases_for_zero_failures(bar, question.confidence) * question.design_effect)


def _row(question: GateQuestion, truth: float) -> TruthRow:
    target = _target(question, truth, share=1 / question.design_effect)
    if target is None or not is_reached(question.better, question.bar, truth):
        return TruthRow(truth, None, None, _chance(target, question.cases))
    return TruthRow(truth, target.cases_for(EVEN), target.cases_for(LIKELY), _chance(target, question.cases))


def _chance(target: Target | None, cases: int | None) -> float | None:
    if target is None or cases is None:
        return None
    return joint_chance([joint_power(cases, [target])[1]])[1]


def _target_of_all(question: GateQuestion) -> Target | None:
    """A gate at its expected truth, as a target on its share of all cases; None where one is not known."""
    if question.expected is None or question.share is None or question.share <= 0:
        return None
    return _target(question, question.expected.value, question.share / question.design_effect)


def _target(question: GateQuestion, truth: float, share: float) -> Target | None:
    if question.form == "rate":
        if not 0 < question.bar < 1:
            return None
        # A rate that is 0 or 1 in a sample is not so in the world.
        kept = min(max(truth, 1e-9), 1 - 1e-9)
        return RateTarget(question.bar, kept, question.better, question.confidence, share)
    gap = truth - question.bar if question.better == "at_least" else question.bar - truth
    if question.form == "paired":
        deviation = math.sqrt(max(question.discordance - truth**2, 0.0))
        reach = None
    elif question.form == "spread":
        deviation, reach = question.deviation, question.reach
    else:
        return None
    return MeanTarget(gap, deviation, question.confidence, share, reach)


def _truths(question: GateQuestion) -> list[float]:
    """Truths worth a look where none is expected, from near the bar to far from it."""
    up = question.better == "at_least"
    if question.form == "rate":
        room = 1 - question.bar if up else -question.bar
        return [question.bar + room * step for step in STEPS]
    if question.form == "paired":
        return [question.bar + (step if up else -step) for step in PAIRED_STEPS]
    return []


def _ratio_needed(question: GateQuestion) -> float | None:
    if question.group is None or question.better != "at_least" or question.bar <= 0:
        return None
    n, rate = question.group
    if n < 1 or not 0 < rate < 1:
        return None
    return ratio_needed(n / question.design_effect, rate, question.bar, question.confidence)
