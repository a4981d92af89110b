"""The one order in which verdicts are tried; the first that applies is the verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shipworthy.records import Coverage, Evidence, GateResult, GateStatus, Reason, Verdict

__all__ = ["ORDER", "Situation", "reach_verdict"]


@dataclass(frozen=True)
class Situation:
    """All that the verdict depends on.

    Args:
        evidence: What was measured.
        gates: Every gate with its answer.
        coverage: What stands around each class of bad outcome that occurred.
    """

    evidence: Evidence
    gates: Sequence[GateResult]
    coverage: Sequence[Coverage]

    def blocking(self, *statuses: GateStatus) -> list[GateResult]:
        """Return the blocking gates with one of these answers."""
        return [gate for gate in self.gates if gate.blocking and gate.status in statuses]


def _roll_back(situation: Situation) -> list[Reason]:
    if situation.evidence.role != "live":
        return []
    return [_gate_reason(gate) for gate in situation.blocking(GateStatus.not_met)]


def _invalid(situation: Situation) -> list[Reason]:
    return [
        Reason("evidence", text, "Repair the evidence and decide again.") for text in situation.evidence.invalid
    ]


def _hold(situation: Situation) -> list[Reason]:
    order = (GateStatus.not_met, GateStatus.not_measured, GateStatus.not_proven)
    reasons = [_gate_reason(gate) for status in order for gate in situation.blocking(status)]
    reasons += [
        Reason(
            part.outcome,
            f"{part.count:,} {part.outcome.replace('_', ' ')} outcomes occurred, and nothing stands around them.",
            "Name a guardrail with tried and caught, or an acceptance with reason and owner.",
        )
        for part in situation.coverage
        if not part.covered
    ]
    return reasons


def _ship_with_guardrails(situation: Situation) -> list[Reason]:
    return [
        Reason(part.outcome, _covered_by(part), "It ships only together with what stands around it.")
        for part in situation.coverage
        if part.guardrails
    ]


def _ship(situation: Situation) -> list[Reason]:
    met = situation.blocking(GateStatus.met)
    reasons = [Reason("gates", f"All {len(met)} blocking gates are met.", "")]
    reasons += [
        Reason(part.outcome, f"{part.count:,} {part.outcome.replace('_', ' ')}: accepted, {part.accepted}", "")
        for part in situation.coverage
        if part.accepted
    ]
    return reasons


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


def _gate_reason(gate: GateResult) -> Reason:
    changes = {
        GateStatus.not_met: "A better system, or another bar, recorded as moved.",
        GateStatus.not_proven: "More cases, or a better system.",
        GateStatus.not_measured: "Supply what is missing.",
        GateStatus.met: "",
    }
    return Reason(
        gate.evidence.gate_id, f"{gate.evidence.rule} is {gate.status.words}. {gate.sentence}", changes[gate.status]
    )


def _covered_by(part: Coverage) -> str:
    names = ", ".join(part.guardrails)
    catch = part.catch
    if catch is None or catch.value is None:
        return f"{part.count:,} {part.outcome.replace('_', ' ')} outcomes, stopped by {names}."
    span = f" ({catch.low:.0%} to {catch.high:.0%})" if catch.low is not None and catch.high is not None else ""
    return (
        f"{part.count:,} {part.outcome.replace('_', ' ')} outcomes, stopped by {names}, "
        f"which caught {catch.value:.0%}{span} of {catch.n}."
    )
