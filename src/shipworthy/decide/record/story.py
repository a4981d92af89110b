"""What a record tells first: pure choices that the HTML page and the Markdown comment share."""

from __future__ import annotations

from dataclasses import dataclass

from shipworthy.decide.record import words
from shipworthy.define.rules import GROUP_FORMS
from shipworthy.records import (
    Comparison,
    Coverage,
    Decision,
    Difference,
    Estimate,
    GateResult,
    GateStatus,
    OutcomeShare,
)

__all__ = [
    "HeadlineNumber",
    "Worst",
    "currency",
    "headline",
    "headline_numbers",
    "main_comparison",
    "verify_command",
    "worst_outcome",
]

# Which bad outcome is worst where no costs say so.
_SEVERITY = ("harmful", "false_negative", "wrong", "false_positive", "failed", "poor")

_HEADLINE_NUMBERS = 3


@dataclass(frozen=True, slots=True)
class HeadlineNumber:
    """One of the three numbers that a reader takes away.

    Args:
        label: What was measured.
        value: The number, or "unknown".
        detail: Its range in plain words, or why it is unknown.
        bar: The bar in words; empty where there is none.
        status: The gate's answer; None where no gate asks.
        live: What is live beside it, in words; empty where nothing is known.
    """

    label: str
    value: str
    detail: str
    bar: str = ""
    status: GateStatus | None = None
    live: str = ""


@dataclass(frozen=True, slots=True)
class Worst:
    """The worst class of outcome that occurred, and what stands around it.

    Args:
        coverage: The class with its guardrails.
        share: How often it occurred; None where not counted.
        cost: What one costs; None where no costs are stated.
    """

    coverage: Coverage
    share: OutcomeShare | None
    cost: float | None


def headline(decision: Decision) -> str:
    """Return the headline without the verdict's own words in front of it, which stand above it.

    "Hold: 2 gates are not proven." becomes "2 gates are not proven."
    """
    text = words.visible(decision.headline).strip()
    opening = decision.verdict.words
    if text.lower().startswith(opening):
        rest = text[len(opening) :]
        if rest[:1] in (":", ".", ",", "—") and rest[1:].strip():
            rest = rest[1:].strip()
            return rest[0].upper() + rest[1:]
    return text


def headline_numbers(decision: Decision) -> tuple[HeadlineNumber, ...]:
    """Return at most three numbers: the gates that matter most, and the money where it is known."""
    money = _money_number(decision)
    places = _HEADLINE_NUMBERS - (1 if money else 0)
    gates = sorted(decision.gates, key=lambda result: _urgency(decision, result))
    chosen = sorted(gates[:places], key=decision.gates.index)
    numbers = [_gate_number(decision, result) for result in chosen]
    for part in decision.evidence.metrics:
        if len(numbers) < places and part.metric not in {number.label for number in numbers}:
            numbers.append(_plain_number(decision, part.metric, part.estimate))
    return (*numbers, *([money] if money else []))


def main_comparison(decision: Decision) -> Comparison | None:
    """Return the comparison against live, else against the first baseline."""
    for comparison in decision.evidence.comparisons:
        if comparison.other == "live":
            return comparison
    return decision.evidence.comparisons[0] if decision.evidence.comparisons else None


def worst_outcome(decision: Decision) -> Worst | None:
    """Return the worst class of outcome that occurred: the dearest, or by severity without costs."""
    if not decision.coverage:
        return None
    money = decision.evidence.money
    costs = {outcome: cost for outcome, _, cost, _ in money.by_outcome} if money else {}
    worst = min(
        decision.coverage,
        key=lambda coverage: (-costs.get(coverage.outcome, 0.0), _severity(coverage.outcome)),
    )
    shares = {share.outcome: share for share in decision.evidence.outcomes}
    return Worst(worst, shares.get(worst.outcome), costs.get(worst.outcome))


def currency(decision: Decision) -> str:
    """Return the currency of all money in a decision; empty where none is stated."""
    return decision.evidence.money.currency if decision.evidence.money else ""


def verify_command(decision_id: str) -> str:
    """Return the command that recomputes a decision."""
    return f"shipworthy verify {words.visible(decision_id) or 'DECISION_ID'}"


# -- private -------------------------------------------------------------------------------------------


def _urgency(decision: Decision, result: GateResult) -> tuple[bool, bool, int, int]:
    forced = [reason.of for reason in decision.forced_by]
    gate_id = result.evidence.gate_id
    place = forced.index(gate_id) if gate_id in forced else len(forced)
    unmeasured = result.status is GateStatus.not_measured
    return unmeasured, not result.blocking, place, decision.gates.index(result)


def _gate_number(decision: Decision, result: GateResult) -> HeadlineNumber:
    gate, money = result.evidence, currency(decision)
    estimate = gate.estimate
    if _is_whole_population(decision, result):
        live = _beside(decision, gate.metric, money)
    else:
        live = ""
    return HeadlineNumber(
        label=words.quantity_words(gate),
        value=words.number(estimate.value, estimate.unit, money),
        detail=_detail(estimate, money),
        bar=words.bar_words(gate, money),
        status=result.status,
        live=live,
    )


def _plain_number(decision: Decision, metric: str, estimate: Estimate) -> HeadlineNumber:
    money = currency(decision)
    value = words.number(estimate.value, estimate.unit, money)
    return HeadlineNumber(metric, value, _detail(estimate, money), live=_beside(decision, metric, money))


def _money_number(decision: Decision) -> HeadlineNumber | None:
    money = decision.evidence.money
    if money is None:
        return None
    estimate, per = (money.per_month, "month") if money.per_month else (money.per_case, "case")
    if estimate.value is None:
        return None
    gains = estimate.value < 0
    shown = _turned(estimate) if gains else estimate
    comparison = main_comparison(decision)
    live = ""
    if comparison and comparison.money and comparison.money.value is not None:
        against = _turned(comparison.money) if gains else comparison.money
        live = f"{_against_money(against, money.currency)} than {words.cut(comparison.other)}"
    return HeadlineNumber(
        label=f"{'earned' if gains else 'lost to errors'} a {per}",
        value=words.number(shown.value, "money", money.currency),
        detail=_detail(shown, money.currency),
        live=live,
    )


def _turned(estimate: Estimate) -> Estimate:
    """The same estimate with its sign turned, so that a gain reads as one."""
    low = None if estimate.high is None else -estimate.high
    high = None if estimate.low is None else -estimate.low
    value = None if estimate.value is None else -estimate.value
    return Estimate(value, low, high, estimate.n, estimate.unit, estimate.method)


def _against_money(estimate: Estimate, code: str) -> str:
    value = estimate.value or 0.0
    size = words.number(abs(value), "money", code)
    proven = estimate.low is not None and estimate.high is not None and estimate.low * estimate.high > 0
    return f"{size} {'less' if value < 0 else 'more'}{'' if proven else ' (not proven)'}"


def _detail(estimate: Estimate, code: str) -> str:
    if estimate.value is None:
        return words.visible(estimate.unknown or "")
    return words.range_words(estimate.low, estimate.high, estimate.unit, code)


def _is_whole_population(decision: Decision, result: GateResult) -> bool:
    gate = result.evidence
    form = gate.rule.lstrip().startswith(("delta(", *(f"{name}(" for name in GROUP_FORMS)))
    return "[" not in gate.rule and not form and gate.population == decision.evidence.population


def _beside(decision: Decision, metric: str, code: str) -> str:
    comparison = main_comparison(decision)
    difference = _difference(comparison, metric) if comparison else None
    if comparison is None or difference is None or difference.theirs.value is None:
        return ""
    theirs = words.number(difference.theirs.value, difference.theirs.unit, code)
    if difference.verdict in ("better", "worse"):
        return f"{difference.verdict} than {words.cut(comparison.other)}'s {theirs}"
    return f"{words.cut(comparison.other)}: {theirs}, {words.visible(difference.verdict)}"


def _difference(comparison: Comparison, metric: str) -> Difference | None:
    for difference in comparison.differences:
        if difference.metric == metric and not difference.column:
            return difference
    return None


def _severity(outcome: str) -> int:
    return _SEVERITY.index(outcome) if outcome in _SEVERITY else len(_SEVERITY)
