"""What waiting for more cases would bring and cost: cases for all gates, worth of labels, capped exposure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.special import ndtri

from shipworthy.decide.looking import further_off
from shipworthy.decide.record.words import listed, number, plural
from shipworthy.define.rules import parse_rule
from shipworthy.define.sizing import (
    TWO_SIDED_Z,
    Expected,
    Form,
    GateQuestion,
    is_reached,
    size_jointly,
    spread_of,
)
from shipworthy.define.spec import Costs
from shipworthy.records import (
    Estimate,
    Evidence,
    FailureModeResult,
    GateEvidence,
    GateResult,
    GateStatus,
    Waiting,
)
from shipworthy.stats.ship_or_hold import value_of_cases
from shipworthy.stats.value import MeanBelief, best_number_of_cases, largest_exposure

__all__ = ["weigh_waiting"]

MOST_LABELS = 100_000


def weigh_waiting(
    costs: Costs | None,
    evidence: Evidence,
    gates: Sequence[GateResult],
    modes: Sequence[FailureModeResult] = (),
) -> Waiting:
    """Weigh waiting for more cases against what it costs.

    All money is per month at the stated volume, the candidate set against live by the stated costs alone.

    Args:
        costs: Costs of the spec; None where it states none.
        evidence: What was measured.
        gates: Every gate with its answer.
        modes: Every named failure mode with what bounds it.

    Returns:
        What waiting brings and costs, with the reason where that is not known.
    """
    even, likely, together = _joint_cases(gates)
    delta, reason = _delta_to_live(evidence, costs)
    if costs is not None and delta is None:
        by_gate = _GateWorth.of(costs, gates)
        if by_gate is not None:
            return by_gate.weighed(Waiting(even, likely, together), _against_exposure(gates, modes))
    if costs is None or delta is None:
        words = "What further labels are worth, and which exposure is cheaper than waiting, is unknown"
        return Waiting(even, likely, together, sentences=(f"{words}: {reason}.",))
    worth = _Worth.of(delta, costs)
    labels, best = worth.labels(likely)
    against = _against_exposure(gates, modes)
    exposure = None if against else largest_exposure(worth.waiting, worth.worst)
    return Waiting(
        further_even=even,
        further_80=likely,
        together=together,
        knowing=worth.scale * worth.belief.value_of_knowing(),
        labels=labels,
        best_labels=best,
        cost_of_waiting=worth.waiting,
        worst_loss=worth.worst,
        exposure=exposure,
        exposure_cases=None if exposure is None else exposure * worth.scale,
        sentences=(worth.label_words(labels, best), worth.exposure_words(exposure, against)),
    )


# -- all gates together ----------------------------------------------------------------------------------


def _joint_cases(gates: Sequence[GateResult]) -> tuple[int | None, int | None, str]:
    """Return further cases for an even and an 80% chance that all blocking gates are proven, and words."""
    blocking = [gate for gate in gates if gate.blocking and gate.evidence.metric != "failures"]
    if len(blocking) < 2:
        return _alone(blocking)
    for gate in blocking:
        found = gate.evidence
        if found.estimate.value is None:
            return None, None, f"How many cases prove all gates is unknown: {found.rule} is not measured."
        if not is_reached(found.better, found.bar, found.estimate.value):
            words = f"At what was seen, no number of cases proves all gates: {found.rule} is not reached."
            return None, None, words
    cases = max(_cases_of(gate) for gate in blocking)
    questions = [_question(gate, cases) for gate in blocking]
    joint = size_jointly(questions, cases)
    if joint is None or joint.left_out or joint.even is None or joint.likely is None:
        return None, None, ""
    even, likely = joint.further(joint.even), joint.further(joint.likely)
    if not likely:
        return even, likely, ""
    words = (
        f"If what was seen is the truth, about {plural(even or 0, 'more case')} give an even chance that "
        f"{'both' if len(blocking) == 2 else f'all {len(blocking)}'} blocking gates are proven, and "
        f"{likely:,} an 80% chance, their proofs taken as independent."
    )
    return even, likely, words


def _alone(blocking: Sequence[GateResult]) -> tuple[int | None, int | None, str]:
    """A single gate says itself what settles it."""
    if not blocking:
        return None, None, ""
    question = _question(blocking[0], _cases_of(blocking[0]))
    share = question.share or 1.0
    found = [
        None if cases is None else max(0, round((cases - blocking[0].evidence.estimate.n) / share))
        for cases in (blocking[0].evidence.settled_even, blocking[0].evidence.settled_80)
    ]
    return found[0], found[1], ""


def _share(n: int, cases: int, form: Form) -> float | None:
    if not cases:
        return None
    # Rows of an exact rate are cases of their own; a mean may count several rows of a case.
    return min(1.0, n / cases) if form == "rate" else n / cases


def _cases_of(gate: GateResult) -> int:
    """Return how many cases a gate's rows come from."""
    rows = max(gate.evidence.out_of, gate.evidence.estimate.n)
    return round(rows / gate.evidence.per_case)


def _question(gate: GateResult, cases: int) -> GateQuestion:
    found = gate.evidence
    spread = spread_of(found)
    # A bound that holds over several looks stands further off than the exact one of a single look.
    is_exact = found.successes is not None and not found.over_looks and 0 < found.bar < 1
    form: Form = "rate" if is_exact else "unknown"
    if form == "unknown" and spread is not None:
        form = "spread"
    value = found.estimate.value
    return GateQuestion(
        gate_id=found.gate_id,
        rule=found.rule,
        blocking=True,
        better=found.better,
        bar=found.bar,
        confidence=found.next_confidence or found.confidence,
        unit=found.estimate.unit,
        form=form,
        population=parse_rule(found.rule).left.population,
        cases=found.estimate.n,
        share=_share(found.estimate.n, cases, form),
        expected=None if value is None else Expected(value, "seen"),
        deviation=spread[0] if spread is not None else 0.0,
        reach=spread[1] * further_off(found) if spread is not None else None,
    )


# -- money -----------------------------------------------------------------------------------------------


def _delta_to_live(evidence: Evidence, costs: Costs | None) -> tuple[Estimate | None, str]:
    """Return the cost per month, ours less live's; or why it is not known."""
    if costs is None:
        return None, "no costs are stated"
    if costs.volume_per_month is None:
        return None, "no volume_per_month is stated"
    live = next((part for part in evidence.comparisons if part.other == "live"), None)
    if live is None:
        return None, "nothing is live to compare with"
    delta = live.money
    if delta is None or delta.value is None or delta.low is None or delta.high is None or not delta.n:
        return None, "the cost difference to live cannot be measured"
    return delta, ""


class _Worth:
    """The candidate against live, in money per month.

    Args:
        delta: Cost per month, ours less live's.
        costs: Costs of the spec.
        scale: Cases per month.
    """

    def __init__(self, delta: Estimate, costs: Costs, scale: float) -> None:
        value, low, high = delta.value or 0.0, delta.low or 0.0, delta.high or 0.0
        self.costs, self.scale = costs, scale
        self.waiting, self.worst = -value, high
        self.belief = MeanBelief(-value / scale, (high - low) / (2 * TWO_SIDED_Z) / scale, delta.n)

    @classmethod
    def of(cls, delta: Estimate, costs: Costs) -> _Worth:
        return cls(delta, costs, costs.volume_per_month or 1.0)

    def labels(self, wanted: int | None) -> tuple[tuple[tuple[int, float, float | None], ...], int | None]:
        """Return what some numbers of further cases are worth and cost, and the number that pays best."""
        look = self.costs.review
        best = None
        if look:
            best, _net = best_number_of_cases(self.belief.value_of_cases, look, self.scale, MOST_LABELS)
        n = max(1, round(self.belief.n))
        shown = {cases for cases in (wanted, best, n) if cases and cases <= MOST_LABELS}
        return tuple(
            (cases, self.scale * self.belief.value_of_cases(cases), None if look is None else cases * look)
            for cases in sorted(shown)
        ), best

    def label_words(self, labels: Sequence[tuple[int, float, float | None]], best: int | None) -> str:
        knowing = self.scale * self.belief.value_of_knowing()
        if knowing < 0.5:
            return (
                "By money alone more labels are worth nothing: they would not turn the choice between this "
                "system and live."
            )
        cases, value, cost = next(
            (label for label in labels if label[0] == best), labels[-1] if labels else (0, 0.0, None)
        )
        words = (
            f"By money alone, {plural(cases, 'more labelled case')} would be worth about "
            f"{self._money(value)} for each month that the choice stands; knowing the truth, "
            f"{self._money(knowing)}."
        )
        if cost is None:
            return f"{words} What labels cost is not stated (costs.review)."
        look = self._money(self.costs.review or 0.0)
        if best == 0:
            return f"{words} At {look} a look they cost {self._money(cost)}: within a month none pays."
        return f"{words} At {look} a look they cost {self._money(cost)}, once."

    def exposure_words(self, exposure: float | None, against: str) -> str:
        if against:
            return f"No capped exposure can stand in for waiting: {against}."
        if self.waiting <= 0:
            return "No exposure is cheaper than waiting: by the stated costs live is not dearer."
        if self.worst <= 0:
            return (
                f"Even at the worse end of its interval this system saves {self._money(-self.worst)} a month "
                "against live: by the stated costs every exposure is cheaper than waiting."
            )
        share = exposure or 0.0
        if share >= 1:
            return (
                f"Even at full exposure it would lose at most {self._money(self.worst)} a month at the worse "
                f"end of its interval, less than the {self._money(self.waiting)} that waiting costs."
            )
        cases = plural(max(1, int(share * self.scale)), "case")
        return (
            f"An exposure capped at {number(share, 'share')} of the traffic ({cases} a month) would be "
            f"cheaper than waiting: at the worse end of its interval it loses "
            f"{self._money(share * self.worst)} a month, and waiting costs {self._money(self.waiting)}. Only "
            "what `costs` states is counted."
        )

    def _money(self, amount: float) -> str:
        return number(amount, "money", self.costs.currency)


@dataclass(frozen=True)
class _GateWorth:
    """The one gate that is open, in money per month, by what a wrong ship and a wrong hold cost.

    Args:
        costs: Costs of the spec, which state both.
        gate: The gate.
        distance: How far the estimate stands on the right side of the bar, in points.
        deviation: Standard deviation of one case, in points.
        worst: How far the worse end of its interval stands on the wrong side, in points.
    """

    costs: Costs
    gate: GateEvidence
    distance: float
    deviation: float
    worst: float

    @classmethod
    def of(cls, costs: Costs, gates: Sequence[GateResult]) -> _GateWorth | None:
        """Return what is known, or None where no cost is stated or not exactly one gate is open."""
        waiting = [gate for gate in gates if gate.blocking and gate.status is not GateStatus.met]
        if len(waiting) != 1 or waiting[0].status is not GateStatus.not_proven:
            return None
        found, spread = waiting[0].evidence, spread_of(waiting[0].evidence)
        shown = found.estimate
        if (
            costs.wrong_ship is None
            or costs.wrong_hold is None
            or spread is None
            or found.metric == "failures"
        ):
            return None
        if (
            shown.unit not in ("share", "points")
            or shown.value is None
            or shown.low is None
            or shown.high is None
        ):
            return None
        up = found.better == "at_least"
        distance = shown.value - found.bar if up else found.bar - shown.value
        worst = found.bar - shown.low if up else shown.high - found.bar
        return cls(costs, found, 100 * distance, 100 * spread[0], 100 * worst)

    def weighed(self, known: Waiting, against: str) -> Waiting:
        """Return what waiting brings and costs, added to what is known of the cases it takes."""
        ship, hold = self.costs.wrong_ship or 0.0, self.costs.wrong_hold or 0.0
        cost_of_waiting, worst_loss = hold * self.distance, ship * self.worst
        exposure = None if against else largest_exposure(cost_of_waiting, max(0.0, worst_loss))
        look, best = self.costs.review, None
        labels: tuple[tuple[int, float, float | None], ...] = ()
        if look:
            best, _net = best_number_of_cases(self._value, look, 1.0, MOST_LABELS)
            labels = ((best, self._value(best), best * look),) if best else ()
        volume = self.costs.volume_per_month
        return replace(
            known,
            labels=labels,
            best_labels=best,
            cost_of_waiting=cost_of_waiting,
            worst_loss=worst_loss,
            exposure=exposure,
            exposure_cases=None if exposure is None or volume is None else exposure * volume,
            sentences=(self._label_words(best), self._exposure_words(exposure, cost_of_waiting, against)),
        )

    def _value(self, cases: int) -> float:
        """Return the value of more cases, for each month that the choice stands."""
        n, found = self.gate.estimate.n, self.gate
        reach = None
        if not found.from_costs:
            reach = float(ndtri(found.next_confidence or found.confidence))
        ship, hold = self.costs.wrong_ship or 0.0, self.costs.wrong_hold or 0.0
        error = self.deviation / math.sqrt(n)
        return max(0.0, float(value_of_cases(self.distance, error, n, cases, ship, hold, reach)))

    def _label_words(self, best: int | None) -> str:
        if best is None:
            return "What labels cost is not stated (costs.review), so how many pay is unknown."
        look = number(self.costs.review, "money", self.costs.currency)
        if not best:
            return (
                f"At {look} a look no number of further labelled cases for {self.gate.rule} pays in a month."
            )
        worth = number(self._value(best), "money", self.costs.currency)
        price = number(best * (self.costs.review or 0.0), "money", self.costs.currency)
        return (
            f"{plural(best, 'more labelled case')} for {self.gate.rule} would pay best: worth about {worth} "
            "for each month that the choice stands, by what a wrong ship and a wrong hold cost. "
            f"At {look} a look they cost {price}, once."
        )

    def _exposure_words(self, exposure: float | None, waiting: float, against: str) -> str:
        if against:
            return f"No capped exposure can stand in for waiting: {against}."
        if not exposure:
            return "No exposure is cheaper than waiting: what was seen does not reach the bar."
        share, cost = number(exposure, "share"), number(waiting, "money", self.costs.currency)
        return (
            f"An exposure capped at {share} of the traffic would be cheaper than waiting: at the worse end "
            f"of its interval it loses no more than the {cost} a month that waiting costs, by what a wrong "
            "ship and a wrong hold cost."
        )


def _against_exposure(gates: Sequence[GateResult], modes: Sequence[FailureModeResult]) -> str:
    """Say which gates stand against any exposure: one that is not met, or one on harm that is not proven."""
    blockers = {mode.gate for mode in modes if mode.severity == "blocker"}
    blocking = [gate for gate in gates if gate.blocking and gate.status is not GateStatus.met]
    not_met = [gate.evidence.rule for gate in blocking if gate.status is GateStatus.not_met]
    if not_met:
        return f"{listed(not_met)} {'is' if len(not_met) == 1 else 'are'} not met"
    harm = [
        gate.evidence.rule
        for gate in blocking
        if gate.evidence.metric.startswith("harmful") or gate.evidence.gate_id in blockers
    ]
    return f"{listed(harm)} {'speaks' if len(harm) == 1 else 'speak'} of harm, without proof" if harm else ""
