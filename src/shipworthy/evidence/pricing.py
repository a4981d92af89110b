"""Errors in money: per case, per month, by class of outcome, and what else could be done."""

from __future__ import annotations

from collections.abc import Mapping

from shipworthy.define.spec import Costs
from shipworthy.evidence.estimating import Measured, estimate_of
from shipworthy.records import Estimate, HoldCost, Money
from shipworthy.stats.confidence import Affine, Confidence

__all__ = ["break_even_precision", "holding_cost", "price"]


def break_even_precision(costs: Costs) -> float | None:
    """Return the precision at which acting on a positive prediction stops paying.

    A false positive costs C; a hit gains V and avoids the miss M that it would otherwise be:
    p (V + M) = (1 - p) C.

    Args:
        costs: Costs of the spec.

    Returns:
        A share in (0, 1); None where it does not apply.

    >>> break_even_precision(Costs(false_positive=40, true_positive=120))
    0.25
    """
    alarm = costs.of("false_positive")
    gain = -(costs.of("true_positive") or 0.0) + (costs.of("false_negative") or 0.0)
    if alarm is None or alarm <= 0 or gain <= 0:
        return None
    return alarm / (alarm + gain)


def price(
    costs: Costs,
    measured: Measured,
    shares: Mapping[str, float],
    precision: Measured | None,
    base_rate: float | None,
) -> Money:
    """Price the errors of one system.

    Args:
        costs: Costs of the spec.
        measured: Expected cost on the default population.
        shares: Share of rows by class of outcome.
        precision: Precision on the same rows; None where there is none.
        base_rate: Share of positive cases; None where labels are no two classes.
    """
    volume = costs.volume_per_month
    per_case = estimate_of(measured.confidence, "money", measured.n)
    by_outcome = tuple(
        (outcome, share, costs.of(outcome) or 0.0, share * (costs.of(outcome) or 0.0))
        for outcome, share in shares.items()
        if costs.of(outcome) is not None
    )
    per_month = _monthly(measured.confidence, volume, measured.n)
    even = break_even_precision(costs)
    against = _against_none(costs, measured, base_rate)
    return Money(
        currency=costs.currency,
        per_case=per_case,
        per_month=per_month,
        volume_per_month=volume,
        by_outcome=by_outcome,
        break_even=even,
        break_even_note=_break_even_note(even, precision),
        against_none=against,
        options=_options(costs, shares, per_month, even, precision, against),
    )


def _amount(value: float, currency: str, digits: int = 0) -> str:
    """Return money as the records write it: a dollar sign or the code, and the minus before it."""
    sign = "$" if currency.upper() == "USD" else f"{currency} "
    return f"{'−' if round(value, digits) < 0 else ''}{sign}{abs(value):,.{digits}f}"


def _monthly(confidence: Confidence, volume: float | None, n: int) -> Estimate | None:
    return estimate_of(Affine(confidence, volume), "money", n) if volume is not None else None


def _break_even_note(even: float | None, precision: Measured | None) -> str:
    if even is None:
        return ""
    if precision is None:
        return f"Acting on a positive prediction pays above a precision of {even:.1%}."
    found = estimate_of(precision.confidence, "share", precision.n)
    if found.value is None or found.low is None or found.high is None:
        return f"Acting on a positive prediction pays above a precision of {even:.1%}."
    side = "above" if found.low > even else "below" if found.high < even else "not proven to be above"
    return (
        f"Acting on a positive prediction pays above a precision of {even:.1%}; "
        f"observed {found.value:.1%} ({found.low:.1%} to {found.high:.1%}) is {side} it."
    )


def _against_none(costs: Costs, measured: Measured, base_rate: float | None) -> Estimate | None:
    """Return cost per month of never flagging anything, less ours: what the model is worth."""
    if base_rate is None or costs.volume_per_month is None:
        return None
    idle = base_rate * (costs.of("false_negative") or 0.0) + (1 - base_rate) * (
        costs.of("true_negative") or 0.0
    )
    volume = costs.volume_per_month
    return estimate_of(Affine(measured.confidence, -volume, volume * idle), "money", measured.n)


def _options(
    costs: Costs,
    shares: Mapping[str, float],
    per_month: Estimate | None,
    even: float | None,
    precision: Measured | None,
    against: Estimate | None,
) -> tuple[str, ...]:
    """Say what else could be done with a classifier's flags, each with its consequence."""
    volume = costs.volume_per_month
    flagged = shares.get("true_positive", 0.0) + shares.get("false_positive", 0.0)
    if even is None or precision is None or volume is None or flagged <= 0:
        return ()
    currency = costs.currency
    gain = -(costs.of("true_positive") or 0.0) + (costs.of("false_negative") or 0.0)
    alarm = costs.of("false_positive") or 0.0
    flags = volume * flagged
    false_flags = volume * shares.get("false_positive", 0.0)
    options = [
        f"Raise the threshold: it pays while it drops more than {gain / alarm:,.1f} false positives for each "
        f"hit it gives up ({_amount(alarm, currency)} against {_amount(gain, currency)}).",
        _review_option(costs, flags, false_flags, alarm),
    ]
    if against is not None and against.value is not None:
        options.append(_no_ship_option(currency, against))
    elif per_month is not None and per_month.value is not None:
        options.append(f"Do not ship: saves or forgoes {_amount(-per_month.value, currency)} a month.")
    return tuple(options)


def _review_option(costs: Costs, flags: float, false_flags: float, alarm: float) -> str:
    saved = false_flags * alarm
    limit = saved / flags if flags else 0.0
    if costs.review is None:
        return (
            f"Put a person before every flag: saves at most {_amount(saved, costs.currency)} a month "
            "in false positives, so it pays while one look costs less than "
            f"{_amount(limit, costs.currency, 2)}."
        )
    net = saved - flags * costs.review
    word = "gains" if net > 0 else "loses"
    return (
        f"Put a person before every flag: {flags:,.0f} looks at {_amount(costs.review, costs.currency, 2)} "
        f"save at most {_amount(saved, costs.currency)} in false positives, "
        f"so it {word} {_amount(abs(net), costs.currency)} a month."
    )


def _no_ship_option(currency: str, against: Estimate) -> str:
    value, low, high = against.value or 0.0, against.low, against.high
    span = (
        f" (between {_amount(low, currency)} and {_amount(high, currency)})"
        if low is not None and high is not None
        else ""
    )
    word = "forgoes" if value >= 0 else "saves"
    return f"Do not ship: {word} {_amount(abs(value), currency)} a month against flagging nothing{span}."


def holding_cost(delta: Estimate | None, costs: Costs | None, other: str | None) -> HoldCost:
    """Say what holding costs each month against what is live.

    Args:
        delta: Expected cost per month, ours less live's; None where it could not be measured.
        costs: Costs of the spec.
        other: The live system; None where there is none.
    """
    if costs is None:
        reason = "no costs are stated"
    elif other is None:
        reason = "nothing is live to compare with"
    elif costs.volume_per_month is None:
        reason = "no volume_per_month is stated"
    elif delta is None or delta.value is None:
        reason = "the cost difference to live cannot be measured"
    else:
        saved = Estimate(
            -delta.value,
            -delta.high if delta.high is not None else None,
            -delta.low if delta.low is not None else None,
            delta.n,
            "money",
            delta.method,
        )
        return HoldCost(saved, _holding_sentence(saved, costs.currency))
    return HoldCost(Estimate.unknown_because(reason, "money"), f"What holding costs is unknown: {reason}.")


def _holding_sentence(saved: Estimate, currency: str) -> str:
    value, low, high = saved.value or 0.0, saved.low, saved.high
    span = (
        f", between {_amount(low, currency)} and {_amount(high, currency)}"
        if low is not None and high is not None
        else ""
    )
    if low is not None and high is not None and low <= 0 <= high:
        return (
            f"Whether holding costs anything is not shown: about {_amount(value, currency)} a month against "
            f"live{span}."
        )
    if value > 0:
        return f"Each month of holding costs about {_amount(value, currency)} against live{span}."
    return f"Holding saves about {_amount(-value, currency)} a month: live is cheaper{span}."
