"""A confidence distribution as evidence for one gate: bounds, what would settle it, what limits it."""

from __future__ import annotations

import bisect
import math
from dataclasses import replace

from scipy.special import ndtr, ndtri

from shipworthy.define.rules import Population, Rule
from shipworthy.define.spec import Gate, Spec
from shipworthy.evidence.estimating import Measured, estimate_of
from shipworthy.evidence.gates.setting import GatePlan, Setting, population_of, words_of
from shipworthy.evidence.metric import CellMean, Metric
from shipworthy.records import Direction, Estimate, GateEvidence, GroupPart
from shipworthy.stats import sizing
from shipworthy.stats.confidence import Confidence, Proportion, Side
from shipworthy.stats.measured_errors import measured_error
from shipworthy.stats.ship_or_hold import Bounded, balanced_bound

__all__ = [
    "direction_of",
    "error_notes",
    "evidence_of",
    "finite",
    "from_confidence",
    "sampling_notes",
    "silent",
    "size_notes",
    "sized",
    "unknown",
    "with_notes",
    "with_parts",
]


def direction_of(rule: Rule) -> Direction:
    """Return which side of the bar a rule asks for."""
    return "at_least" if rule.at_least else "at_most"


def finite(number: float) -> float | None:
    """Return a number, or None where it is not finite."""
    return float(number) if math.isfinite(number) else None


def silent(gate: Gate, rule: Rule, setting: Setting, reason: str) -> GatePlan:
    """Return a plan that asks nothing and says why."""
    population = population_of(gate, rule.left, setting.spec)
    evidence = unknown(gate, rule, str(rule.left), words_of(population), reason, "number")
    return GatePlan(gate, (), {}, lambda _answers: evidence)


def unknown(gate: Gate, rule: Rule, metric: str, words: str, reason: str, unit: str) -> GateEvidence:
    """Return evidence without a value, and why."""
    return GateEvidence(
        gate_id=gate.id,
        rule=rule.text,
        metric=metric,
        better=direction_of(rule),
        strict=rule.operator in ("<", ">"),
        bar=rule.bar,
        estimate=Estimate.unknown_because(reason, unit),
        lower=None,
        upper=None,
        confidence=gate.confidence,
        bound_method="",
        population=words,
    )


def evidence_of(
    gate: Gate, rule: Rule, name: str, measured: Measured, words: str, unscored: int
) -> GateEvidence:
    """Return evidence of a measured metric, with what its unscored rows could do."""
    evidence = from_confidence(
        gate, rule, name, measured.confidence, measured.n, words, measured.metric.unit, measured.blur
    )
    if isinstance(measured.metric, CellMean) and measured.exact and measured.metric.is_rate:
        successes, _n = measured.metric.trials(measured.counts)
        evidence = replace(evidence, successes=round(successes))
    if not unscored:
        return replace(evidence, unscored=0)
    lows, highs = measured.with_further(unscored, 0), measured.with_further(0, unscored)
    if lows is None or highs is None:
        return replace(evidence, unscored=unscored)
    worst, best = (lows, highs) if rule.at_least else (highs, lows)
    return replace(
        evidence,
        unscored=unscored,
        worst_lower=bound_of(worst, "lower", gate),
        worst_upper=bound_of(worst, "upper", gate),
        best_lower=bound_of(best, "lower", gate),
        best_upper=bound_of(best, "upper", gate),
    )


def from_confidence(
    gate: Gate,
    rule: Rule,
    name: str,
    confidence: Confidence,
    n: int,
    words: str,
    unit: str,
    blur: float = 0.0,
) -> GateEvidence:
    """Return evidence of any quantity with a confidence distribution."""
    evidence = GateEvidence(
        gate_id=gate.id,
        rule=rule.text,
        metric=name,
        better=direction_of(rule),
        strict=rule.operator in ("<", ">"),
        bar=rule.bar,
        estimate=estimate_of(confidence, unit, n, blur),
        lower=finite(bound_of(confidence, "lower", gate) - blur),
        upper=finite(bound_of(confidence, "upper", gate) + blur),
        confidence=gate.confidence,
        bound_method=f"{confidence.method}, balanced" if gate.balances_costs else confidence.method,
        population=words,
        blur=blur,
        notes=(
            *(
                [f"Scores are binned; the value may be off by {blur:.4f}, and the bounds say so."]
                if blur > 0.0005
                else []
            ),
            *(() if gate.balances_costs else error_notes(confidence.method)),
        ),
    )
    return sized(evidence, confidence, n, rule, gate)


def sized(evidence: GateEvidence, confidence: Confidence, n: int, rule: Rule, gate: Gate) -> GateEvidence:
    """Add how many cases would settle it if the observed value is the truth."""
    value, bar = confidence.value, rule.bar
    direction = direction_of(rule)
    if not math.isfinite(value):
        return evidence
    if isinstance(confidence, Proportion) and float(confidence.n).is_integer() and 0 < bar < 1:
        truth_is_better = value > bar if rule.at_least else value < bar
        whole = int(confidence.n)
        return replace(
            evidence,
            needed_now=_needed(whole, rule, gate),
            cases_even=_cases(bar, value, direction, gate.confidence, 0.5) if truth_is_better else None,
            cases_80=_cases(bar, value, direction, gate.confidence, 0.8) if truth_is_better else None,
            chance_now=sizing.power(whole, bar, value, direction, gate.confidence),
        )
    error = confidence.standard_error
    if not math.isfinite(error) or n < 2:
        return evidence
    gap = value - bar if rule.at_least else bar - value
    if error == 0:
        return replace(evidence, chance_now=1.0 if gap > 0 else 0.0)
    toward = bound_of(confidence, "lower" if rule.at_least else "upper", gate)
    if not math.isfinite(toward):
        return evidence
    # The bound may stand further off than a normal one would; what it really takes decides the size.
    reach = abs(value - toward)
    chance = float(ndtr((gap - reach) / error))
    if gap <= 0:
        return replace(evidence, chance_now=chance)
    return replace(
        evidence,
        cases_even=math.ceil(n * (reach / gap) ** 2),
        cases_80=math.ceil(n * ((reach + float(ndtri(0.8)) * error) / gap) ** 2),
        chance_now=chance,
    )


def bound_of(of: Bounded, side: Side, gate: Gate) -> float:
    """Return a one-sided bound at a gate's confidence: one that leans to neither side where costs decide."""
    bound = balanced_bound if gate.balances_costs else type(of).bound
    return bound(of, side, gate.confidence)


def _needed(n: int, rule: Rule, gate: Gate) -> int | None:
    """Return the count that would have proven a plain share, out of this many cases."""
    if not gate.balances_costs:
        return sizing.observed_needed(n, rule.bar, direction_of(rule), gate.confidence)

    def proves(count: int) -> bool:
        share = Proportion(count, n)
        if rule.at_least:
            return bound_of(share, "lower", gate) >= rule.bar
        return bound_of(share, "upper", gate) <= rule.bar

    counts = range(n + 1)
    if rule.at_least:
        fewest = bisect.bisect_left(counts, True, key=proves)
        return fewest if fewest <= n else None
    most = bisect.bisect_left(counts, True, key=lambda count: not proves(count)) - 1
    return most if most >= 0 else None


def _cases(bar: float, truth: float, direction: Direction, confidence: float, power: float) -> int | None:
    # A rate that is 0 or 1 in the sample is not so in the world: size for half an event more.
    clipped = min(max(truth, 1e-9), 1 - 1e-9)
    return sizing.cases_for_power(bar, clipped, direction, confidence, power)


def with_notes(evidence: GateEvidence, notes: tuple[str, ...]) -> GateEvidence:
    """Return the evidence with further notes."""
    return replace(evidence, notes=(*evidence.notes, *notes))


def with_parts(evidence: GateEvidence, parts: tuple[GroupPart, ...]) -> GateEvidence:
    """Return the evidence with its groups."""
    return replace(evidence, parts=parts)


def size_notes(measured: Measured) -> tuple[str, ...]:
    """Say where a sample is too small for its interval to say much."""
    if measured.n >= measured.metric.smallest_n:
        return ()
    return (
        f"Only {measured.n} {_units(measured.metric)}: "
        f"below {measured.metric.smallest_n} its interval says little.",
    )


def _units(metric: Metric) -> str:
    return {"query": "queries", "case": "cases"}.get(metric.total.grain.name, "rows")


def error_notes(method: str) -> tuple[str, ...]:
    """Say what was measured of a bound whose risk no theorem holds.

    Args:
        method: Name of the method of the bound.
    """
    error = measured_error(method)
    if error is None:
        return ()
    beyond = f", with heavy tails {error.beyond:.0%}" if error.beyond else ""
    return (
        "This bound is not exact: simulated at a stated 5%, it passed a system exactly at its bar at most "
        f"{error.worst:.1%} of the time{beyond}.",
    )


def sampling_notes(spec: Spec, population: Population) -> tuple[str, ...]:
    """Say how the cases were chosen, where that limits what the bound speaks of."""
    stratum = next(
        (c.values[0] for c in population.conditions if c.column == "stratum" and c.operator == "="), None
    )
    sampling = spec.golden.sampling_of(stratum)
    if sampling in ("curated", "incident"):
        return (f"The cases are {sampling}: this bound covers these cases, not your traffic.",)
    if sampling in ("unknown", "mixed"):
        return (
            "How these cases were sampled is not stated (golden.sampled): "
            "the bound speaks of your traffic only if they are a random sample of it.",
        )
    return ()
