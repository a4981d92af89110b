"""Spec and evidence to a decision. Pure: the time is given, nothing is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipworthy.decide.gates import judge_gate
from shipworthy.decide.looking import candidates_tried, looks_before
from shipworthy.decide.record.words import listed, outcomes_counted, plural, range_words, signed
from shipworthy.decide.verdict import Situation, all_met, reach_verdict
from shipworthy.decide.waiting import weigh_waiting
from shipworthy.decide.waiving import is_over, waiver_of
from shipworthy.define.spec import Spec
from shipworthy.records import (
    Coverage,
    Decision,
    Estimate,
    Evidence,
    FailureModeResult,
    GateResult,
    GateStatus,
    Look,
    OutcomeShare,
    Reason,
    SpecChange,
    Together,
    Verdict,
)
from shipworthy.stats.confidence import Proportion
from shipworthy.stats.joint_sizing import joint_chance

__all__ = ["decide"]


def decide(
    spec: Spec,
    evidence: Evidence,
    *,
    spec_hash: str,
    parents: Mapping[str, str],
    looks: Sequence[Look] = (),
    previous: str | None = None,
    decided_at: str = "",
    version: str = "",
    spec_changes: Sequence[SpecChange] = (),
) -> Decision:
    """Judge the evidence by the spec.

    Args:
        spec: The promise.
        evidence: What was measured.
        spec_hash: Hash of the spec's text.
        parents: Hashes of everything it rests on.
        looks: Earlier decisions on the same lineage.
        previous: Id of the previous decision.
        decided_at: ISO 8601 time.
        version: Version of Shipworthy.
        spec_changes: How the promise was moved after earlier decisions.

    Returns:
        The decision.
    """
    currency = spec.costs.currency if spec.costs is not None else ""
    blocking = spec.blocking_gates()
    gates = []
    for gate, measured in zip(spec.gates, evidence.gates, strict=True):
        gates.append(
            judge_gate(
                measured,
                blocking=gate.id in blocking,
                owner=gate.owner,
                currency=currency,
                before=looks_before(looks, evidence.candidate, evidence.sample, measured.question),
                candidates_tried=candidates_tried(looks, evidence.candidate, measured.question),
                waiver=waiver_of(spec, gate, decided_at),
            )
        )
    coverage = _coverage(spec, evidence, decided_at)
    modes = _failure_modes(spec, gates)
    verdict, reasons = reach_verdict(Situation(evidence, gates, coverage, modes))
    return Decision(
        verdict=verdict,
        headline=_of_set(evidence, looks, _headline(verdict, reasons, gates, coverage, evidence)),
        forced_by=reasons,
        gates=tuple(gates),
        coverage=coverage,
        got_worse=_got_worse(evidence, currency),
        chance_all_pass=_joint_chance(gates, evidence.together),
        evidence=evidence,
        not_judged=spec.not_judged(),
        spec_hash=spec_hash,
        parents=dict(parents),
        previous=previous,
        decided_at=decided_at,
        shipworthy_version=version,
        failure_modes=modes,
        spec_changes=tuple(spec_changes),
        waiting=weigh_waiting(spec.costs, evidence, gates, modes) if verdict is Verdict.hold else None,
    )


def _failure_modes(spec: Spec, gates: Sequence[GateResult]) -> tuple[FailureModeResult, ...]:
    status = {gate.evidence.gate_id: gate.status for gate in gates}
    return tuple(
        FailureModeResult(
            id=mode.id,
            severity=mode.severity,
            what=mode.what,
            gate=mode.gate,
            status=status.get(mode.gate) if mode.gate is not None else None,
            accepted=mode.accepted,
            owner=mode.owner,
        )
        for mode in spec.failure_modes
    )


def _coverage(spec: Spec, evidence: Evidence, decided_at: str) -> tuple[Coverage, ...]:
    """Say what stands around each class of bad outcome that occurred, the most frequent first."""
    volume = spec.costs.volume_per_month if spec.costs is not None else None
    bad = sorted((share for share in evidence.outcomes if not share.good), key=lambda share: -share.count)
    return tuple(_cover(spec, evidence, share, volume, decided_at) for share in bad)


def _cover(
    spec: Spec, evidence: Evidence, share: OutcomeShare, volume: float | None, decided_at: str
) -> Coverage:
    guardrails = [g for g in spec.guardrails if share.outcome in g.stops and g.measured and g.caught]
    catch, slips = None, None
    if guardrails:
        best = max(guardrails, key=lambda g: (g.caught or 0) / (g.tried or 1))
        caught = Proportion(float(best.caught or 0), float(best.tried or 0))
        low, high = caught.interval()
        catch = Estimate(caught.value, low, high, best.tried or 0, "share", caught.display_method)
        slips = _slips(share.estimate, volume, catch)
    accepted = next(
        (
            f"{a.reason} ({a.owner})"
            for a in spec.acceptances
            if share.outcome in a.of and not is_over(a.expires, decided_at)
        ),
        None,
    )
    over = [
        f"{a.reason} ({a.owner}), ended on {a.expires}" for a in spec.acceptances if share.outcome in a.of
    ]
    if not guardrails and accepted is not None:
        slips = _slips(share.estimate, volume, None)
    return Coverage(
        outcome=share.outcome,
        count=share.count,
        guardrails=tuple(g.id for g in guardrails),
        catch=catch,
        slips_per_month=slips,
        accepted=accepted,
        ended=over[0] if over and not guardrails and accepted is None else None,
        example_ids=tuple(example.case_id for example in evidence.examples if example.after == share.outcome),
    )


def _slips(share: Estimate, volume: float | None, catch: Estimate | None) -> Estimate | None:
    """Return outcomes per month that nothing stops; its ends take both intervals at their worse ends."""
    if volume is None or share.value is None or share.low is None or share.high is None:
        return None
    missed = (1.0, 1.0, 1.0)
    if catch is not None and catch.value is not None and catch.low is not None and catch.high is not None:
        missed = (1 - catch.value, 1 - catch.high, 1 - catch.low)
    return Estimate(
        volume * share.value * missed[0],
        volume * share.low * missed[1],
        volume * share.high * missed[2],
        share.n,
        "number",
        "both intervals at their ends",
    )


def _got_worse(evidence: Evidence, currency: str) -> tuple[str, ...]:
    """Say what got worse against live or a baseline, even when the verdict is good."""
    found = []
    for comparison in evidence.comparisons:
        if comparison.broke:
            share = comparison.broke / comparison.shared if comparison.shared else 0.0
            found.append(
                f"{comparison.broke:,} cases that {comparison.other} has right are now wrong "
                f"({share:.1%} of {comparison.shared:,}; {comparison.fixed or 0:,} were fixed)."
            )
        for part in comparison.differences:
            if part.verdict == "worse" and part.delta.value is not None:
                found.append(
                    f"{part.metric} is worse than {comparison.other}'s: {_change(part.delta, currency)}."
                )
        for part in comparison.slices:
            if part.verdict == "worse" and part.delta.value is not None:
                found.append(
                    f"On {part.column} = {part.value}, accuracy is worse than {comparison.other}'s: "
                    f"{_change(part.delta, currency)}."
                )
    return tuple(found)


def _change(delta: Estimate, currency: str) -> str:
    value = signed(delta.value, delta.unit, currency)
    if delta.low is None or delta.high is None:
        return value
    return f"{value}, {range_words(delta.low, delta.high, delta.unit, currency)}"


def _joint_chance(
    gates: Sequence[GateResult], together: Together | None
) -> tuple[float, float, float] | None:
    """Return at least, about and at most how likely all blocking gates pass on a fresh sample of this size.

    Gates that bound rates of the same rows go together as they were seen to. "About" takes what is left as
    independent; the ends hold however it depends on each other.
    """
    blocking = [gate.evidence for gate in gates if gate.blocking and gate.evidence.metric != "failures"]
    chances = {gate.gate_id: gate.chance_now for gate in blocking if gate.chance_now is not None}
    if not blocking or len(chances) != len(blocking):
        return None
    exact = {gate.gate_id for gate in blocking if not gate.over_looks}
    if together is not None and exact >= set(together.gate_ids):
        rest = [chance for gate_id, chance in chances.items() if gate_id not in together.gate_ids]
        return joint_chance([*rest, together.chance])
    return joint_chance(list(chances.values()))


def _headline(
    verdict: Verdict,
    reasons: Sequence[Reason],
    gates: Sequence[GateResult],
    coverage: Sequence[Coverage],
    evidence: Evidence,
) -> str:
    blocking = [gate for gate in gates if gate.blocking]
    met = sum(gate.status is GateStatus.met for gate in blocking)
    waived = sum(gate.waived and gate.status is not GateStatus.met for gate in blocking)
    if verdict is Verdict.invalid:
        return f"The evidence cannot be judged: {reasons[0].text}"
    if verdict in (Verdict.hold, Verdict.roll_back):
        forcing = [reason for reason in reasons if reason.kind == "gate"]
        if not forcing:
            bare = listed(outcomes_counted(part.count, part.outcome) for part in coverage if not part.covered)
            return f"{all_met(met, waived)}, but nothing stands around {bare}."
        first = next(gate for gate in gates if gate.evidence.gate_id == forcing[0].of)
        others = len(forcing) - 1
        more = f", nor {'is' if others == 1 else 'are'} {plural(others, 'other gate')}" if others else ""
        said = f"{first.evidence.rule} is {first.status.words}{more}"
        if len(blocking) == 1:
            return f"{said}."
        aside = f", {waived} {'is' if waived == 1 else 'are'} waived" if waived else ""
        counted = f"{met if met else 'none'} of {len(blocking)} blocking gates {_is_or_are(met)} met"
        return f"{said}; {counted}{aside}."
    if verdict is Verdict.ship_with_guardrails:
        names = sorted({name for part in coverage for name in part.guardrails})
        return f"{all_met(met, waived)}; it ships only together with {listed(names)}."
    bad = [part for part in coverage if part.accepted]
    tail = " Bad outcomes that occurred are accepted by name." if bad else ""
    return f"{all_met(met, waived)} on {evidence.subject.cases:,} cases.{tail}"


def _of_set(evidence: Evidence, looks: Sequence[Look], headline: str) -> str:
    """Name the confirmation set where it was used, and say loudly where it was used before."""
    if not evidence.confirmation:
        return headline
    earlier = {look.sample: look.decision_id for look in looks if look.sample != evidence.sample}
    said = f"{headline} This is the confirmation set."
    if not earlier:
        return said
    decisions = f"{plural(len(earlier), 'decision')} on other evidence ({listed(earlier.values())})"
    return f"{said} It was used before, by {decisions}: it confirms no more, it is one more try."


def _is_or_are(count: int) -> str:
    return "are" if count > 1 else "is"
