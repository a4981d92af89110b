"""Evidence of one gate to its answer: met, not met, not proven, not measured."""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.decide.looking import Seen, risk_in_all
from shipworthy.decide.record.words import (
    confidence_words,
    further_words,
    implied_words,
    number,
    plural,
    range_words,
)
from shipworthy.records import GateEvidence, GateResult, GateStatus, GateWaiver
from shipworthy.stats.multiplicity import chance_one_passes

__all__ = ["judge_gate", "status_of"]


def status_of(evidence: GateEvidence, lower: float | None = None, upper: float | None = None) -> GateStatus:
    """Return a gate's answer from its one-sided bounds.

    Met where the bound is on the right side of the bar, not met where the opposite bound is on the wrong
    side, not proven between them, not measured where there is no value.

    Args:
        evidence: What was measured.
        lower: Lower bound to use instead of the evidence's own.
        upper: Upper bound to use instead of the evidence's own.

    >>> from shipworthy.records import Estimate
    >>> e = GateEvidence("g", "recall >= 0.9", "recall", "at_least", False, 0.9, Estimate(0.95), 0.91, 0.98,
    ...                  0.95, "exact", "all cases")
    >>> status_of(e).words
    'met'
    """
    if evidence.estimate.value is None:
        return GateStatus.not_measured
    low = evidence.lower if lower is None else lower
    high = evidence.upper if upper is None else upper
    # A tie in floating point is a tie: the bar itself suffices unless the rule says otherwise.
    slack = 1e-12 * max(1.0, abs(evidence.bar))
    if evidence.better == "at_least":
        proven = low is not None and (
            low > evidence.bar + slack if evidence.strict else low >= evidence.bar - slack
        )
        refuted = high is not None and (
            high <= evidence.bar - slack if evidence.strict else high < evidence.bar - slack
        )
    else:
        proven = high is not None and (
            high < evidence.bar - slack if evidence.strict else high <= evidence.bar + slack
        )
        refuted = low is not None and (
            low >= evidence.bar + slack if evidence.strict else low > evidence.bar + slack
        )
    if proven:
        return GateStatus.met
    return GateStatus.not_met if refuted else GateStatus.not_proven


def judge_gate(
    evidence: GateEvidence,
    *,
    blocking: bool,
    owner: str | None,
    currency: str,
    before: Sequence[Seen] = (),
    candidates_tried: int = 1,
    waiver: GateWaiver | None = None,
) -> GateResult:
    """Return one gate with its answer in a sentence.

    Args:
        evidence: What was measured.
        blocking: Whether it can hold a release.
        owner: Who answers for it.
        currency: ISO code for amounts of money.
        before: Earlier looks at the same question about the same candidate.
        candidates_tried: Distinct candidates judged by the same question and lineage.
        waiver: Who set it aside.
    """
    status = status_of(evidence)
    is_by_chance = evidence.metric != "failures"
    # What was not measured is no try: it could not have passed.
    is_answered = is_by_chance and status is not GateStatus.not_measured
    return GateResult(
        evidence=evidence,
        status=status,
        blocking=blocking,
        owner=owner,
        sentence=_sentence(evidence, status, currency),
        earlier_looks=len(before),
        candidates_tried=candidates_tried,
        tried_again=_tried_again(evidence, before, candidates_tried) if is_answered else "",
        unscored_could_change=_unscored_could_change(evidence, status),
        risk_in_all=risk_in_all(evidence, before, candidates_tried) if is_by_chance else None,
        waiver=waiver,
    )


def _tried_again(evidence: GateEvidence, before: Sequence[Seen], candidates: int) -> str:
    """Say what trying and looking again do to the stated risk."""
    parts = []
    if candidates > 1:
        chance = chance_one_passes(candidates, 1 - evidence.confidence)
        parts.append(
            f"{candidates} candidates were tried: the chance that one of so many, each exactly at the bar, "
            f"passes is up to {number(chance, 'share')}."
        )
    if before or evidence.over_looks:
        parts.append(f"Look {len(before) + 1} at this candidate: {_looked_again(evidence, before)}.")
    return " ".join(parts)


def _looked_again(evidence: GateEvidence, before: Sequence[Seen]) -> str:
    risk = number(risk_in_all(evidence, before, 1), "share")
    if not evidence.over_looks:
        count = len(before) + 1
        return f"only cases that no earlier one had seen; {count} looks together risk up to {risk}"
    # Only a plain share has an exact sequence.
    most = "at most" if evidence.successes is not None else "about"
    return f"bounds of a confidence sequence; all looks together risk {most} {risk}"


def _unscored_could_change(evidence: GateEvidence, status: GateStatus) -> bool:
    if not evidence.unscored or status is GateStatus.not_measured:
        return False
    cases = [
        (evidence.worst_lower, evidence.worst_upper),
        (evidence.best_lower, evidence.best_upper),
    ]
    return any(
        low is not None and high is not None and status_of(evidence, low, high) is not status
        for low, high in cases
    )


def _sentence(evidence: GateEvidence, status: GateStatus, currency: str) -> str:
    estimate = evidence.estimate
    if estimate.value is None:
        return f"Not measured: {estimate.unknown}."
    unit = estimate.unit
    value = number(estimate.value, unit, currency)
    if evidence.metric == "failures":
        named = ", ".join(evidence.failing[:5]) + ("..." if len(evidence.failing) > 5 else "")
        return f"{int(estimate.value):,} of {estimate.n:,} cases fail" + (f": {named}." if named else ".")
    seen = f"{value} of {estimate.n:,}" if unit in ("share", "ms") else f"{value} over {estimate.n:,}"
    if status in (GateStatus.met, GateStatus.not_met):
        bound = _bound_words(evidence, currency, proving=status is GateStatus.met)
        over = " over all looks" if evidence.over_looks else ""
        return f"{seen}; {bound} at {confidence_words(evidence)}{over}."
    if estimate.low is not None or estimate.high is not None:
        seen += f", {range_words(estimate.low, estimate.high, unit, currency)}"
    return " ".join(filter(None, (f"{seen}.", _what_settles(evidence), implied_words(evidence))))


def _bound_words(evidence: GateEvidence, currency: str, *, proving: bool) -> str:
    """Say the bound that decided: the one toward the bar where it is met, else the opposite one."""
    from_below = (evidence.better == "at_least") == proving
    bound = evidence.lower if from_below else evidence.upper
    shown = number(bound, evidence.estimate.unit, currency, apart_from=evidence.bar)
    return f"{'at least' if from_below else 'at most'} {shown}"


def _what_settles(evidence: GateEvidence) -> str:
    parts = []
    if evidence.needed_now is not None and evidence.successes is not None:
        short = (
            evidence.needed_now - evidence.successes
            if evidence.better == "at_least"
            else evidence.successes - evidence.needed_now
        )
        word = "at least" if evidence.better == "at_least" else "at most"
        if short > 0:
            parts.append(
                f"{evidence.successes:,} counted, {word} {evidence.needed_now:,} of {evidence.estimate.n:,} "
                f"would prove it ({_off_by(short, evidence.better)})."
            )
    elif evidence.needed_now is None and evidence.successes is not None:
        parts.append(f"No result on {evidence.estimate.n:,} cases could prove it.")
    if evidence.cases_even is not None and evidence.cases_80 is not None:
        rows = "rows in all" if evidence.per_case > 1 else "cases in all"
        if evidence.out_of > evidence.estimate.n:
            rows = "of the rows it counts"
        end = f" ({further_words(evidence, evidence.cases_80)})"
        if evidence.again_even is not None and evidence.again_80 is not None:
            rows = rows.replace(" in all", "")
            end = (
                f", judged afresh; added to these and looked at again, {evidence.again_even:,} and "
                f"{evidence.again_80:,} in all ({further_words(evidence, evidence.again_80)})"
            )
        parts.append(
            f"If what was seen is the truth, {evidence.cases_even:,} {rows} give an even chance of "
            f"proof and {evidence.cases_80:,} an 80% chance{end}."
        )
    elif _is_better(evidence):
        parts.append("How many cases would prove it is not known.")
    elif evidence.estimate.value is not None:
        parts.append(
            "What was seen does not reach the bar: if it is the truth, no number of cases proves it; "
            "a better system may."
        )
    return " ".join(parts)


def _off_by(count: int, better: str) -> str:
    return f"{plural(count, 'case')} short" if better == "at_least" else f"{count:,} too many"


def _is_better(evidence: GateEvidence) -> bool:
    value = evidence.estimate.value
    if value is None:
        return False
    return value > evidence.bar if evidence.better == "at_least" else value < evidence.bar
