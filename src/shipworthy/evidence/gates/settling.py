"""What binned scores leave open, settled by an exact pass over the rows where it could change an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shipworthy.evidence.estimating import Measured, measure
from shipworthy.evidence.gates.setting import Answers, GatePlan
from shipworthy.evidence.metric import Metric
from shipworthy.evidence.pairing import PairedMetric, PairedPart
from shipworthy.records import GateEvidence
from shipworthy.stats.confidence import Normal
from shipworthy.tables.row_plan import RowsProfile
from shipworthy.tables.totals import Ask, Split, Table

__all__ = ["could_change", "exact_asks", "measure_settled", "settled_part", "unsettled"]


def exact_asks(metrics: tuple[Metric, ...], split: Split) -> tuple[Ask, ...]:
    """Return the asks of the exact passes of some metrics; none for those that bin nothing.

    Args:
        metrics: The metrics.
        split: The populations they are measured on.
    """
    return tuple(Ask(each.settling, split, by_group=False) for each in metrics if each.settling is not None)


def could_change(evidence: GateEvidence) -> bool:
    """Return whether what binned scores leave open could change a gate's answer.

    Args:
        evidence: What the bins gave; its bounds count what they leave open against the gate.
    """
    if evidence.lower is None or evidence.upper is None:
        return False
    width = 2 * evidence.blur
    low, high, bar = evidence.lower, evidence.upper, evidence.bar
    return width > 0 and (low <= bar <= low + width or high - width <= bar <= high)


def unsettled(plans: tuple[GatePlan, ...], answers: Answers) -> dict[str, list[Ask]]:
    """Return the exact passes to be asked for, by source.

    Args:
        plans: The gates.
        answers: The answers to what they ask in any case.
    """
    wanted: dict[str, dict[Ask, None]] = {}
    for plan in plans:
        if plan.exact and could_change(plan.finish(answers)):
            for source, ask in plan.exact:
                wanted.setdefault(source, {})[ask] = None
    return {source: list(asks) for source, asks in wanted.items()}


def measure_settled(
    metric: Metric,
    answers: Mapping[Ask, Table],
    ask: Ask,
    code: int,
    profile: RowsProfile,
) -> Measured:
    """Measure a metric on one population, by its exact pass where that was asked for.

    Args:
        metric: The metric.
        answers: The answers of its source.
        ask: What it asks in any case.
        code: The population.
        profile: The rows' profile.

    Raises:
        Unmeasurable: Where there is nothing to measure.
    """
    measured = measure(metric, answers[ask], code, profile)
    for exact in exact_asks((metric,), ask.split):
        if exact in answers:
            _counts, sums = answers[exact].at(code)
            totals = [float(part.sum()) for part in sums]
            return replace(measured, confidence=metric.settled(measured.confidence, totals), blur=0.0)
    return measured


def settled_part(
    pair: PairedMetric, answers: Mapping[Ask, Table], split: Split, part: PairedPart
) -> PairedPart:
    """Return a paired difference around the exact values of both sides, where those were asked for.

    Its error stays that of leaving groups of cases out in bins, which hardly move it.

    Args:
        pair: The metric on both sides.
        answers: The answers of its source.
        split: The population.
        part: What the bins gave.
    """
    asks = exact_asks((pair.ours, pair.theirs), split)
    if len(asks) < 2 or any(ask not in answers for ask in asks) or not isinstance(part.delta, Normal):
        return part
    ours, theirs = (
        side.settled(binned, [float(sums.sum()) for sums in answers[ask].at(0)[1]])
        for side, binned, ask in zip((pair.ours, pair.theirs), (part.ours, part.theirs), asks, strict=True)
    )
    delta = replace(part.delta, value=ours.value - theirs.value)
    return replace(part, ours=ours, theirs=theirs, delta=delta, blur=0.0)
