"""The one order in which verdicts are tried; the first that applies is the verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shipworthy.decide.record.words import further_cases, listed, number, outcomes_counted, range_words
from shipworthy.define.sizing import is_reached
from shipworthy.records import Coverage, Evidence, FailureModeResult, GateResult, GateStatus, Reason, Verdict

__all__ = ["ORDER", "Situation", "all_met", "reach_verdict"]


@dataclass(frozen=True)
class Situation:
    """All that the verdict depends on.

    Args:
        evidence: What was measured.
        gates: Every gate with its answer.
        coverage: What stands around each class of bad outcome that occurred.
        modes: Every named failure mode with what bounds it.
    """

    evidence: Evidence
    gates: Sequence[GateResult]
    coverage: Sequence[Coverage]
    modes: Sequence[FailureModeResult] = ()

    def blocking(self, *statuses: GateStatus) -> list[GateResult]:
        """Return the blocking gates with one of these answers; a waived one counts only where it is met."""
        return [
            gate
            for gate in self.gates
            if gate.blocking and gate.status in statuses and not (gate.waived and not _is_met(gate))
        ]

    def set_aside(self) -> list[GateResult]:
        """Return the blocking gates that would hold, had nobody waived them."""
        return [gate for gate in self.gates if gate.blocking and gate.waived and not _is_met(gate)]


def _is_met(gate: GateResult) -> bool:
    return gate.status is GateStatus.met


def _roll_back(situation: Situation) -> list[Reason]:
    if situation.evidence.role != "live":
        return []
    return [_gate_reason(gate) for gate in situation.blocking(GateStatus.not_met)]


def _invalid(situation: Situation) -> list[Reason]:
    return [
        Reason("evidence", text, "Repair the evidence and decide again.", "evidence")
        for text in situation.evidence.invalid
    ]


def _hold(situation: Situation) -> list[Reason]:
    order = (GateStatus.not_met, GateStatus.not_measured, GateStatus.not_proven)
    reasons = [_gate_reason(gate) for status in order for gate in situation.blocking(status)]
    reasons += [
        Reason(
            mode.id,
            f"The launch-blocking failure mode {mode.id} has neither a gate nor an acceptance.",
            "Name the gate that bounds it, or accept it with a reason.",
            "outcome",
        )
        for mode in situation.modes
        if mode.severity == "blocker" and mode.gate is None and not mode.accepted
    ]
    reasons += [
        Reason(
            part.outcome,
            f"{_occurred(part)}, and nothing stands around {'it' if part.count == 1 else 'them'}"
            f"{_ended(part)}.",
            "Name a guardrail with tried and caught, or an acceptance with reason and owner.",
            "outcome",
        )
        for part in situation.coverage
        if not part.covered
    ]
    return reasons


def _ship_with_guardrails(situation: Situation) -> list[Reason]:
    reasons = [
        Reason(
            part.outcome, _covered_by(part), "It ships only together with what stands around it.", "outcome"
        )
        for part in situation.coverage
        if part.guardrails
    ]
    return reasons + _set_aside(situation) if reasons else []


def _ship(situation: Situation) -> list[Reason]:
    met = situation.blocking(GateStatus.met)
    waived = situation.set_aside()
    reasons = [Reason("gates", f"{all_met(len(met), len(waived))}.", "", "evidence")]
    reasons += _set_aside(situation)
    reasons += [
        Reason(part.outcome, f"{_occurred(part)}: accepted, {part.accepted}", "", "outcome")
        for part in situation.coverage
        if part.accepted
    ]
    return reasons


def _set_aside(situation: Situation) -> list[Reason]:
    return [_gate_reason(gate) for gate in situation.set_aside()]


#: First match wins.
ORDER: tuple[tuple[Verdict, Callable[[Situation], list[Reason]]], ...] = (
    (Verdict.roll_back, _roll_back),
    (Verdict.invalid, _invalid),
    (Verdict.hold, _hold),
    (Verdict.ship_with_guardrails, _ship_with_guardrails),
    (Verdict.ship, _ship),
)


def reach_verdict(situation: Situation) -> tuple[Verdict, tuple[Reason, ...]]:
    """Return the verdict and what forced it.

    Args:
        situation: All that the verdict depends on.

    Returns:
        The first verdict of ORDER that has a reason, with its reasons.
    """
    for verdict, rule in ORDER:
        reasons = rule(situation)
        if reasons:
            return verdict, tuple(reasons)
    raise AssertionError("shipping always has a reason")


def all_met(blocking: int, waived: int = 0) -> str:
    """Say that every blocking gate is met or waived, as people count.

    Args:
        blocking: How many are met.
        waived: How many are waived without being met.

    >>> all_met(1), all_met(2), all_met(5)
    ('The blocking gate is met', 'Both blocking gates are met', 'All 5 blocking gates are met')
    >>> all_met(3, 1), all_met(0, 2)
    ('3 of 4 blocking gates are met and 1 is waived', 'No blocking gate is met: 2 are waived')
    """
    if waived:
        aside = f"{waived} {'is' if waived == 1 else 'are'} waived"
        if not blocking:
            return f"No blocking gate is met: {aside}"
        is_or_are = "is" if blocking == 1 else "are"
        return f"{blocking} of {blocking + waived} blocking gates {is_or_are} met and {aside}"
    if blocking == 0:
        return "No gate blocks"
    if blocking == 1:
        return "The blocking gate is met"
    return f"{'Both' if blocking == 2 else f'All {blocking}'} blocking gates are met"


def _occurred(part: Coverage) -> str:
    return f"{outcomes_counted(part.count, part.outcome)} occurred"


def _ended(part: Coverage) -> str:
    return f"; an acceptance counts no more: {part.ended}" if part.ended else ""


def _gate_reason(gate: GateResult) -> Reason:
    changes = {
        GateStatus.not_met: "A better system; or another promise: a moved bar is recorded.",
        GateStatus.not_proven: _more_cases(gate),
        GateStatus.not_measured: f"Supply what is missing: {gate.evidence.estimate.unknown}.",
        GateStatus.met: "",
    }
    aside = f" {gate.waiver.sentence}" if gate.waiver is not None else ""
    return Reason(
        gate.evidence.gate_id,
        f"{gate.evidence.rule} is {gate.status.words}. {gate.sentence}{aside}",
        changes[gate.status],
    )


def _more_cases(gate: GateResult) -> str:
    evidence = gate.evidence
    if evidence.settled_even is None or evidence.settled_80 is None:
        value = evidence.estimate.value
        if value is not None and is_reached(evidence.better, evidence.bar, value):
            return "More cases; how many is not known."
        return "A better system: what was seen does not reach the bar."
    even, likely = (further_cases(evidence, cases) for cases in (evidence.settled_even, evidence.settled_80))
    if not even:
        return f"About {likely:,} more cases for an 80% chance of proof; or a better system."
    return f"About {even:,} more cases for an even chance of proof, {likely:,} for 80%; or a better system."


def _covered_by(part: Coverage) -> str:
    names, catch = listed(part.guardrails), part.catch
    if catch is None or catch.value is None:
        return f"{_occurred(part)}, stopped by {names}."
    return (
        f"{_occurred(part)}, stopped by {names}, which caught {number(catch.value, 'share')} of {catch.n} "
        f"tried ({range_words(catch.low, catch.high, 'share')})."
    )
