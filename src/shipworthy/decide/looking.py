"""Looking again and trying again: what earlier looks at a candidate ask of its gates now."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from scipy.special import betaincc, ndtr, ndtri

from shipworthy.define.spec import Gate, Spec
from shipworthy.records import Evidence, GateEvidence, GateLook, Look
from shipworthy.stats.multiplicity import chance_one_passes
from shipworthy.stats.sequential import (
    HORIZON,
    OVERRUN,
    mean_distance,
    risk_left,
    risk_left_of_mean,
    sequence_cases,
    sequence_lower,
    sequence_needed,
    sequence_upper,
)

__all__ = ["Looking", "Seen", "candidates_tried", "further_off", "looks_before", "question_of", "risk_in_all"]


@dataclass(frozen=True)
class Seen:
    """One gate as an earlier look at the same candidate saw it.

    Args:
        cases: Distinct cases of that look.
        gate: The gate.
    """

    cases: int
    gate: GateLook


def question_of(spec: Spec, gate: Gate) -> str:
    """Return what looks are counted by: a rule without its bar, and its population.

    Moving the bar of a gate does not make the next look at it a first one.

    Args:
        spec: The spec.
        gate: One of its gates.
    """
    rule = gate.parsed
    against = f" {rule.right}" if rule.right is not None else ""
    population = str(spec.population_of(gate))
    asked = f"{rule.left} {'at least' if rule.at_least else 'at most'}{against}"
    return f"{asked} on {population}" if population else asked


def looks_before(looks: Sequence[Look], candidate: str, sample: str, question: str) -> tuple[Seen, ...]:
    """Return the looks at one question about one candidate before its present rows were first seen.

    Args:
        looks: Earlier decisions on the same lineage, oldest first.
        candidate: Name of the candidate.
        sample: Name of the present rows; computing the same evidence again is no look.
        question: The question.
    """
    found: dict[str, Seen] = {}
    for look in looks:
        if look.candidate != candidate:
            continue
        if look.sample == sample:
            break
        for gate in look.gates:
            if gate.question == question and gate.n:
                found.setdefault(look.sample, Seen(look.cases, gate))
    return tuple(found.values())


def candidates_tried(looks: Sequence[Look], candidate: str, question: str) -> int:
    """Return how many distinct candidates a question was asked about, this one included.

    Args:
        looks: Earlier decisions on the same lineage.
        candidate: Name of the present candidate.
        question: The question.
    """
    asked = {look.candidate for look in looks if any(gate.question == question for gate in look.gates)}
    return len(asked | {candidate})


def risk_in_all(evidence: GateEvidence, before: Sequence[Seen], candidates: int) -> float:
    """Return the largest chance that one of the candidates, each exactly at the bar, passes at some look.

    Every exact look risks the stated share; a sequence after an exact look adds a fifth of it at most, and
    one from the first look on holds it for all looks. Each other candidate is taken to be looked at as often.

    Args:
        evidence: The gate now.
        before: Earlier looks at this candidate.
        candidates: Candidates tried, at least 1.
    """
    stated = 1 - evidence.confidence
    exact = sum(not seen.gate.over_looks for seen in before) + (not evidence.over_looks)
    of_one = chance_one_passes(exact, stated) if exact else stated
    if evidence.over_looks and exact:
        of_one += OVERRUN * stated
    return chance_one_passes(candidates, min(1.0, of_one))


def further_off(evidence: GateEvidence) -> float:
    """Return by which factor the next look's bound stands further from its estimate than this one's.

    Args:
        evidence: The gate, as settled.
    """
    if evidence.next_confidence is None or evidence.over_looks:
        return 1.0
    return float(ndtri(evidence.next_confidence) / ndtri(evidence.confidence))


@dataclass(frozen=True)
class Looking:
    """What earlier looks ask of one decision.

    Args:
        spec: The spec.
        looks: Earlier decisions on the same lineage, oldest first.
        candidate: Name of the candidate.
        sample: Name of the rows to be judged.
        cases: Distinct cases among them.
        grown: Whether the rows of earlier looks are all among them, unchanged.
    """

    spec: Spec
    looks: Sequence[Look]
    candidate: str
    sample: str
    cases: int
    grown: bool = True

    def before(self, gate: Gate) -> tuple[Seen, ...]:
        """Return the earlier looks at one gate's question about this candidate."""
        return looks_before(self.looks, self.candidate, self.sample, question_of(self.spec, gate))

    @property
    def seen(self) -> tuple[Look, ...]:
        """Earlier looks at this candidate on other rows, whatever they asked."""
        found: dict[str, Look] = {}
        for look in self.looks:
            if look.candidate == self.candidate:
                if look.sample == self.sample:
                    break
                found.setdefault(look.sample, look)
        return tuple(found.values())

    @property
    def wants_fresh(self) -> bool:
        """Whether only cases that no earlier look had seen may be judged."""
        return self.spec.golden.looks == "fresh" and bool(self.seen)

    def asked(self) -> Spec:
        """Return the spec with each gate at the confidence at which one look must be measured.

        A gate on a confidence sequence stands as far from its estimate as the sequence does, in the terms of
        its own method: at the confidence whose normal quantile is the sequence's distance.
        """
        gates = [
            gate.model_copy(update={"stated": self._confidence(gate)}) if self._is_over_looks(gate) else gate
            for gate in self.spec.gates
        ]
        return self.spec.model_copy(update={"gates": gates})

    def settled(self, evidence: Evidence) -> Evidence:
        """Return the evidence with the bounds of confidence sequences, as measured by `asked`.

        Args:
            evidence: What was measured.
        """
        gates = tuple(
            self._settled(gate, measured)
            for gate, measured in zip(self.spec.gates, evidence.gates, strict=True)
        )
        return replace(evidence, gates=gates, candidate=self.candidate, sample=self.sample, grown=self.grown)

    def _settled(self, gate: Gate, measured: GateEvidence) -> GateEvidence:
        asked = replace(measured, question=question_of(self.spec, gate), confidence=gate.confidence)
        if measured.estimate.value is None:
            return asked
        asked = self._sized(gate, asked, measured.confidence)
        if not self._is_over_looks(gate):
            return asked
        if asked.again_80 is not None:
            # Measured at the sequence's distance, it has no size of a single look of its own.
            asked = replace(
                asked, cases_even=asked.again_even, cases_80=asked.again_80, again_even=None, again_80=None
            )
        before = self.before(gate)
        first = before[0].gate.n if before else measured.estimate.n
        if _is_plain_share(measured):
            asked = _of_proportion(asked, first, self._starts_with_sequence(gate))
        else:
            asked = replace(asked, bound_method=f"confidence sequence, asymptotic ({asked.bound_method})")
        over_looks = replace(asked, over_looks=True)
        return _widened(_with_earlier(over_looks, before) if self.grown else over_looks)

    def _sized(self, gate: Gate, evidence: GateEvidence, measured_at: float) -> GateEvidence:
        """Return the evidence with the cases that the next look at this candidate would take."""
        even, likely, n = evidence.cases_even, evidence.cases_80, evidence.estimate.n
        if even is None or likely is None or gate.parsed.left.name == "failures":
            return evidence
        if self.spec.golden.looks == "fresh":
            return replace(evidence, again_even=n + even, again_80=n + likely)
        if gate.balances_costs:
            return evidence
        before = self.before(gate)
        planned = HORIZON * (before[0].gate.n if before else n)
        from_first, confidence = self._starts_with_sequence(gate), gate.confidence
        if _is_plain_share(evidence) and 0 < evidence.bar < 1:
            risk = _sequence_risk(int(planned / HORIZON), evidence, from_first)
            return _sized_proportion(evidence, planned, risk)
        risk = 1 - confidence if from_first else risk_left_of_mean(confidence)
        used = float(ndtri(measured_at))
        # What an 80% chance takes beyond the bound is told by the two sizes, in reaches of that bound.
        beyond = math.sqrt(max(likely, 1) / max(even, 1)) - 1
        even, likely = (_stretched(even, spare, planned, used, confidence, risk) for spare in (0.0, beyond))
        likely = max(even, likely)
        following = float(ndtr(mean_distance(likely / planned, confidence, risk)))
        return replace(evidence, again_even=even, again_80=likely, next_confidence=following)

    def _is_over_looks(self, gate: Gate) -> bool:
        """Return whether a gate needs bounds that hold over all looks.

        A must-pass list infers nothing. A gate that balances costs promises no risk, and what is the cheaper
        choice by all that was seen does not depend on how often it was asked.
        """
        if gate.parsed.left.name == "failures" or self.spec.golden.looks == "fresh" or gate.balances_costs:
            return False
        return bool(self.before(gate)) or self.spec.golden.looks == "many"

    def _starts_with_sequence(self, gate: Gate) -> bool:
        before = self.before(gate)
        return before[0].gate.over_looks if before else self.spec.golden.looks == "many"

    def _confidence(self, gate: Gate) -> float:
        before = self.before(gate)
        share = self.cases / (HORIZON * (before[0].cases if before else self.cases))
        stated = 1 - gate.confidence
        risk = stated if self._starts_with_sequence(gate) else risk_left_of_mean(gate.confidence)
        return float(ndtr(mean_distance(share, gate.confidence, risk)))


def _is_plain_share(evidence: GateEvidence) -> bool:
    """Return whether a gate counts whole successes that no judge's error has to be added to."""
    return evidence.successes is not None and evidence.judge is None


def _sequence_risk(first_n: int, evidence: GateEvidence, from_first: bool) -> float:
    """Return what the exact sequence of a proportion may risk."""
    if from_first or not 0 < evidence.bar < 1:
        return 1 - evidence.confidence
    return risk_left(first_n, evidence.bar, evidence.better, evidence.confidence)


def _sized_proportion(evidence: GateEvidence, planned: float, risk: float) -> GateEvidence:
    """Return a plain proportion with the cases that the next look takes, if what was seen is the truth."""
    bar, better, confidence = evidence.bar, evidence.better, evidence.confidence
    truth = min(max((evidence.successes or 0) / evidence.estimate.n, 1e-9), 1 - 1e-9)
    even, likely = (
        sequence_cases(bar, truth, planned, better, power, confidence, risk) for power in (0.5, 0.8)
    )
    if likely is None:
        return evidence
    needed = sequence_needed(likely, bar, planned, better, confidence, risk)
    if needed is None:
        return replace(evidence, again_even=even, again_80=likely)
    # The chance at the bar to fall short of the count is the confidence of a single exact look at it.
    short = (needed, bar) if better == "at_least" else (likely - needed, 1 - bar)
    following = float(betaincc(short[0], likely - short[0] + 1, short[1])) if short[0] else None
    return replace(evidence, again_even=even, again_80=likely, next_confidence=following)


def _stretched(
    even: int, spare: float, planned: float, distance: float, confidence: float, risk: float
) -> int:
    """Return the cases that a bound takes once it stands as far off as the sequence does at that many cases.

    Only the bound moves off; what a higher chance takes beyond it (`spare`, in reaches of the bound of one
    look) stays, however much further than a normal bound this one reaches.
    """
    found = max(even, 1) * (1 + spare) ** 2
    # The distance hardly depends on the number of cases, so that three steps are plenty.
    for _ in range(3):
        further = mean_distance(found / planned, confidence, risk) / distance
        found = max(even, 1) * (further + spare) ** 2
    return math.ceil(found)


def _of_proportion(evidence: GateEvidence, first_n: int, from_first: bool) -> GateEvidence:
    """Return a plain proportion with the exact sequence's bounds."""
    n, confidence, planned = evidence.estimate.n, evidence.confidence, HORIZON * first_n
    x = evidence.successes or 0
    risk = _sequence_risk(first_n, evidence, from_first)

    def bounds(successes: int, trials: int) -> tuple[float, float]:
        return (
            sequence_lower(successes, trials, planned, confidence, risk),
            sequence_upper(successes, trials, planned, confidence, risk),
        )

    lower, upper = bounds(x, n)
    found = replace(
        evidence,
        lower=lower,
        upper=upper,
        needed_now=sequence_needed(n, evidence.bar, planned, evidence.better, confidence, risk),
        bound_method="confidence sequence, exact (beta-binomial mixture)",
    )
    if not evidence.unscored:
        return found
    all_good, all_bad = bounds(x + evidence.unscored, n + evidence.unscored), bounds(x, n + evidence.unscored)
    worst, best = (all_bad, all_good) if evidence.better == "at_least" else (all_good, all_bad)
    return replace(found, worst_lower=worst[0], worst_upper=worst[1], best_lower=best[0], best_upper=best[1])


def _with_earlier(evidence: GateEvidence, before: Sequence[Seen]) -> GateEvidence:
    """Keep what an earlier look had proven, as far as what is seen now does not speak against it.

    All bounds of the looks hold together, so the nearest counts; it never passes the present value.
    """
    value = evidence.estimate.value
    if value is None:
        return evidence
    held = [seen.gate for seen in before if seen.gate.confidence >= evidence.confidence]
    lower, upper = evidence.lower, evidence.upper
    if lower is not None:
        lower = max([lower, *(min(part.lower, value) for part in held if part.lower is not None)])
    if upper is not None:
        upper = min([upper, *(max(part.upper, value) for part in held if part.upper is not None)])
    if (lower, upper) == (evidence.lower, evidence.upper):
        return evidence
    method = f"{evidence.bound_method}; what an earlier look had proven stands"
    return replace(evidence, lower=lower, upper=upper, bound_method=method)


def _widened(evidence: GateEvidence) -> GateEvidence:
    """Let the interval that is shown hold the bounds, so that a picture never says more than the gate."""
    shown = evidence.estimate
    low = _outer(shown.low, evidence.lower, "low")
    high = _outer(shown.high, evidence.upper, "high")
    if (low, high) == (shown.low, shown.high):
        return evidence
    method = f"{shown.method}, widened to the confidence sequence"
    return replace(evidence, estimate=replace(shown, low=low, high=high, method=method))


def _outer(shown: float | None, bound: float | None, side: Literal["low", "high"]) -> float | None:
    if shown is None or bound is None:
        return None
    return min(shown, bound) if side == "low" else max(shown, bound)
