"""Confidence sequences: bounds that hold over all looks at a growing sample, and what a first look leaves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from shipworthy.stats.proportions import check_confidence, check_counts
from shipworthy.stats.sizing import Direction, observed_needed

OVERRUN = 0.2
"""All looks after an exact first one add at most this share of its stated risk: 5% becomes at most 6%."""
HORIZON = 2.0
"""A sequence is tightest at this many times the cases of the first look."""
_MANY_CASES = 100_000
"""From here on whole counts no longer show, and the normal limit replaces the sum over them."""
_STEPS = 100
_MOST_CASES = 10**12


def robbins_interval(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Two-sided confidence sequence of a proportion, from a uniform mixture of likelihood ratios.

    With the stated probability the true proportion lies within the interval after every single case.

    Args:
        successes: Number of successes, 0 to n.
        n: Number of trials, at least 0.
        level: Two-sided level, strictly between 0 and 1.

    Returns:
        Lower and upper end, 0 to 1.

    Raises:
        ValueError: If a count is impossible or the level is not between 0 and 1.

    Source: Robbins (1970), Annals of Mathematical Statistics 41.

    >>> [round(end, 5) for end in robbins_interval(93, 100)]
    [0.81148, 0.98579]
    """
    check_counts(successes, n)
    check_confidence(level)
    mixture = float(special.betaln(successes + 1, n - successes + 1))

    def is_outside(rate: float) -> bool:
        likelihood = special.xlogy(successes, rate) + special.xlog1py(n - successes, -rate)
        return bool(mixture - likelihood >= -math.log(1 - level))

    middle = successes / n if n else 0.5
    return _edge(is_outside, 0.0, middle), _edge(is_outside, 1.0, middle)


def sequence_lower(
    successes: float, n: float, planned: float, confidence: float = 0.95, risk: float | None = None
) -> float:
    """One-sided lower bound of a proportion that holds at every look at a growing sample.

    Likelihood ratios against each rate are mixed over the rates above it only, so that nothing is spent on
    the other side. The bound lies below the exact one of a single look, at every n.

    Args:
        successes: Number of successes, 0 to n; fractions are allowed (effective counts).
        n: Number of trials, at least 0.
        planned: Number of trials at which the bound is to be tightest, more than 0. It must be chosen
            before the sample is seen, and stay the same over all looks.
        confidence: One-sided confidence that the sequence is tuned for, strictly between 0.5 and 1.
        risk: What it may risk over all looks together; by default 1 - confidence.

    Returns:
        The bound, 0 to 1.

    Raises:
        ValueError: If a count is impossible or the confidence is not between 0.5 and 1.

    Source: Howard, Ramdas, McAuliffe and Sekhon (2021), Annals of Statistics 49, one-sided beta-binomial
    mixture; Robbins (1970), Annals of Mathematical Statistics 41.

    >>> round(sequence_lower(840, 1000, planned=1000), 4)
    0.8063
    """
    check_counts(successes, n)
    _check_planned(planned, confidence)
    if successes <= 0:
        return 0.0
    weight = planned / _spread(1 - confidence)
    wanted = -math.log(1 - confidence if risk is None else risk)

    def is_outside(rate: float) -> bool:
        return bool(_log_evidence(np.array(successes), n, rate, weight) >= wanted)

    return _edge(is_outside, 0.0, successes / n)


def sequence_upper(
    successes: float, n: float, planned: float, confidence: float = 0.95, risk: float | None = None
) -> float:
    """One-sided upper bound of a proportion that holds at every look: the mirror of `sequence_lower`.

    Args:
        successes: Number of successes, 0 to n; fractions are allowed (effective counts).
        n: Number of trials, at least 0.
        planned: Number of trials at which the bound is to be tightest, more than 0.
        confidence: One-sided confidence that the sequence is tuned for, strictly between 0.5 and 1.
        risk: What it may risk over all looks together; by default 1 - confidence.

    Returns:
        The bound, 0 to 1.

    Raises:
        ValueError: If a count is impossible or the confidence is not between 0.5 and 1.

    Source: as `sequence_lower`.

    >>> round(sequence_upper(160, 1000, planned=1000), 4)
    0.1937
    """
    check_counts(successes, n)
    return 1.0 - sequence_lower(n - successes, n, planned, confidence, risk)


def sequence_needed(
    n: int,
    bar: float,
    planned: float,
    direction: Direction,
    confidence: float = 0.95,
    risk: float | None = None,
) -> int | None:
    """Count of successes that proves a bar at any look: the fewest for "at_least", the most for "at_most".

    Args:
        n: Number of trials, at least 0.
        bar: The bar, 0 to 1.
        planned: Number of trials at which the sequence is tightest, more than 0.
        direction: "at_least" or "at_most".
        confidence: One-sided confidence that the sequence is tuned for, strictly between 0.5 and 1.
        risk: What it may risk over all looks together; by default 1 - confidence.

    Returns:
        The count; None where no count proves it.

    Raises:
        ValueError: If the confidence is not between 0.5 and 1.

    Source: as `sequence_lower`.

    >>> sequence_needed(1000, 0.80, 1000, "at_least")
    835
    """
    _check_planned(planned, confidence)
    if direction == "at_most":
        most = sequence_needed(n, 1 - bar, planned, "at_least", confidence, risk)
        return None if most is None else n - most
    if bar <= 0:
        return 0
    wanted = -math.log(1 - confidence if risk is None else risk)
    weight = planned / _spread(1 - confidence)

    def proves(count: int) -> bool:
        return bar < 1 and bool(_log_evidence(np.array(float(count)), n, bar, weight) >= wanted)

    if not proves(n):
        return None
    fewest, most = 0, n
    while fewest < most:
        middle = (fewest + most) // 2
        if proves(middle):
            most = middle
        else:
            fewest = middle + 1
    return most


def sequence_cases(
    bar: float,
    truth: float,
    planned: float,
    direction: Direction,
    power: float,
    confidence: float = 0.95,
    risk: float | None = None,
) -> int | None:
    """Cases at which one more look proves a bar by the sequence with a given chance.

    Args:
        bar: The bar, strictly between 0 and 1.
        truth: The expected true proportion, 0 to 1.
        planned: Number of trials at which the sequence is tightest, more than 0.
        direction: "at_least" or "at_most".
        power: Wanted chance of proof, strictly between 0 and 1.
        confidence: One-sided confidence that the sequence is tuned for, strictly between 0.5 and 1.
        risk: What it may risk over all looks together; by default 1 - confidence.

    Returns:
        The number of cases in all; None where the truth is not on the right side of the bar.

    Raises:
        ValueError: If the confidence is not between 0.5 and 1.

    Source: the exact binomial chance of the count that `sequence_needed` asks for.

    >>> sequence_cases(0.80, 0.85, 1000, "at_least", 0.8)
    759
    """
    if direction == "at_most":
        return sequence_cases(1 - bar, 1 - truth, planned, "at_least", power, confidence, risk)
    if truth <= bar:
        return None

    def is_enough(n: int) -> bool:
        needed = sequence_needed(n, bar, planned, "at_least", confidence, risk)
        if needed is None:
            return False
        return needed == 0 or float(special.betainc(needed, n - needed + 1, truth)) >= power

    most = 1
    while not is_enough(most) and most < _MOST_CASES:
        most *= 2
    fewest = most // 2
    while fewest < most:
        middle = (fewest + most) // 2
        if is_enough(middle):
            most = middle
        else:
            fewest = middle + 1
    return most


def mean_interval(
    value: float, standard_error: float, n: float, planned: float, level: float = 0.95
) -> tuple[float, float]:
    """Two-sided asymptotic confidence sequence of a mean, or of any estimate with a standard error.

    Args:
        value: The estimate after n units.
        standard_error: Its standard error after n units, at least 0.
        n: Number of units, more than 0; below about 100 the normal limit is not to be trusted.
        planned: Number of units at which the interval is to be tightest, more than 0.
        level: Two-sided level, strictly between 0 and 1.

    Returns:
        Lower and upper end, in the unit of the value.

    Raises:
        ValueError: If a number is outside its range.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Annals of Statistics 52.

    >>> low, high = mean_interval(0.0, 1 / 1000**0.5, 1000, planned=5000)
    >>> round(high / 2, 4)
    0.0532
    """
    _check_share(n / planned if planned > 0 else 0.0)
    check_confidence(level)
    risk = 1 - level
    spread = n / planned * _spread(risk / 2)
    distance = math.sqrt(2 * (spread + 1) / spread * math.log(math.sqrt(spread + 1) / risk))
    return value - distance * standard_error, value + distance * standard_error


def mean_distance(share: float, confidence: float, risk: float | None = None) -> float:
    """Distance of a one-sided asymptotic confidence sequence from its estimate, in standard errors.

    Args:
        share: Units seen over units planned, more than 0; the sequence is tightest where it is 1.
        confidence: One-sided confidence that the sequence is tuned for, strictly between 0.5 and 1.
        risk: What it may risk over all looks together; by default 1 - confidence.

    Returns:
        The distance, above that of the normal quantile of a single look.

    Raises:
        ValueError: If a number is outside its range.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Annals of Statistics 52.

    >>> round(mean_distance(1.0, 0.95), 2)
    2.78
    """
    _check_share(share)
    _check_planned(1.0, confidence)
    spread = share * _spread(1 - confidence)
    allowed = 1 - confidence if risk is None else risk
    return math.sqrt(2 * (spread + 1) / spread * math.log1p(math.sqrt(spread + 1) / (2 * allowed)))


def risk_left(first_n: int, bar: float, direction: Direction, confidence: float = 0.95) -> float:
    """Risk at which a sequence may run on after an exact first look that did not pass.

    The first look passes a proportion at the bar with some chance, at most the stated risk. Where it does
    not pass, the mixture of likelihood ratios goes on from what it is then worth. This is the risk for the
    sequence at which both together stay within the stated risk and a fifth, however many looks follow.

    Args:
        first_n: Trials at the first look, more than 0.
        bar: The bar, strictly between 0 and 1.
        direction: "at_least" or "at_most".
        confidence: One-sided confidence of the first look, strictly between 0.5 and 1.

    Returns:
        The risk; never more than that of the first look.

    Raises:
        ValueError: If the confidence is not between 0.5 and 1.

    Source: Ville (1939), Etude critique de la notion de collectif, from the first look on.

    >>> round(risk_left(500, 0.80, "at_least"), 4)
    0.0333
    """
    if direction == "at_most":
        return risk_left(first_n, 1 - bar, "at_least", confidence)
    if first_n > _MANY_CASES:
        return risk_left_of_mean(confidence)
    stated = 1 - confidence
    needed = observed_needed(first_n, bar, "at_least", confidence)
    if needed is None:
        return stated
    passing = np.arange(needed, first_n + 1, dtype=np.float64)
    chances = _log_chances(first_n, bar, needed)
    weight = HORIZON * first_n / _spread(stated)
    worth = _log_evidence(passing, first_n, bar, weight)
    return _left(stated, float(np.exp(chances).sum()), float(np.exp(chances + worth).sum()))


def risk_left_of_mean(confidence: float = 0.95) -> float:
    """`risk_left` in the normal limit, for means and everything else that has a standard error.

    Args:
        confidence: One-sided confidence of the first look, strictly between 0.5 and 1.

    Returns:
        The risk; never more than that of the first look.

    Raises:
        ValueError: If the confidence is not between 0.5 and 1.

    Source: Ville (1939); the chance under the mixture by Owen (1956), Annals of Mathematical Statistics 27.

    >>> round(risk_left_of_mean(), 4)
    0.017
    """
    _check_planned(1.0, confidence)
    stated = 1 - confidence
    deviation = math.sqrt(_spread(stated) / HORIZON)
    reach = float(special.ndtri(confidence)) / math.hypot(1.0, deviation)
    passing = float(special.ndtr(-reach) + 2 * special.owens_t(reach, deviation))
    return _left(stated, stated, passing)


def chance_of_ever_passing(cases: Sequence[int], needed: Sequence[int | None], rate: float) -> float:
    """Exact chance that a growing sample reaches the count needed at one of its looks.

    Args:
        cases: Cases at each look, growing, each at least 1.
        needed: Fewest successes that pass at each look; None where none do.
        rate: True rate of success, 0 to 1.

    Returns:
        The chance, 0 to 1.

    Raises:
        ValueError: If the cases do not grow, or not every look has a count.

    Source: recursion over the binomial distribution of each part, as Armitage, McPherson and Rowe (1969),
    JRSS A 132.

    >>> round(chance_of_ever_passing([500, 1000], [416, 822], 0.80), 3)
    0.067
    """
    steps = np.diff([0, *cases])
    if (steps < 1).any() or len(cases) != len(needed):
        raise ValueError("needs growing numbers of cases and a count for each look")
    open_yet, passed = np.array([1.0]), 0.0
    for step, count in zip(steps.tolist(), needed, strict=True):
        open_yet = np.convolve(open_yet, np.exp(_log_chances(step, rate, 0)))
        if count is not None:
            passed += float(open_yet[count:].sum())
            open_yet[count:] = 0.0
    return min(1.0, passed)


def _log_chances(n: int, rate: float, fewest: int) -> NDArray[np.float64]:
    """Logs of the binomial chances of `fewest` to n successes."""
    counts = np.arange(fewest, n + 1, dtype=np.float64)
    ways = special.gammaln(n + 1) - special.gammaln(counts + 1) - special.gammaln(n - counts + 1)
    return np.asarray(ways + special.xlogy(counts, rate) + special.xlog1py(n - counts, -rate))


def _left(stated: float, first_passes: float, passes_under_mixture: float) -> float:
    """Divide what the first look left over what the mixture is worth on average where it did not pass."""
    return min(stated, ((1 + OVERRUN) * stated - first_passes) / (1 - passes_under_mixture))


def _log_evidence(
    successes: NDArray[np.float64], n: float, rate: float, weight: float
) -> NDArray[np.float64]:
    """Log of the mixed likelihood ratio against a rate, over the rates above it.

    The mixture is the part above the rate of Beta(weight * rate, weight * (1 - rate)). At the rate itself
    the ratio is 1 on average after any number of cases, and below it less.
    """
    a, b = weight * rate, weight * (1 - rate)
    after, before = (a + successes, b + n - successes), (a, b)
    with np.errstate(divide="ignore"):
        above = np.log(special.betaincc(*after, rate)) - np.log(special.betaincc(*before, rate))
    likelihood = special.xlogy(successes, rate) + special.xlog1py(n - successes, -rate)
    return np.asarray(special.betaln(*after) - special.betaln(*before) + above - likelihood)


def _edge(is_outside: Callable[[float], bool], far: float, inside: float) -> float:
    """Return the edge between a value that is inside and the far end, from the cautious side."""
    if inside == far:
        return far
    for _ in range(_STEPS):
        middle = (far + inside) / 2
        if is_outside(middle):
            far = middle
        else:
            inside = middle
    return far


def _spread(risk: float) -> float:
    """Variance of the mixture in units of one over the planned number, at which the bound is tightest there.

    Source: Waudby-Smith et al. (2024), section on choosing rho; one-sided with twice the risk.
    """
    return -2 * math.log(2 * risk) + math.log1p(-2 * math.log(2 * risk))


def _check_planned(planned: float, confidence: float) -> None:
    check_confidence(confidence)
    if confidence <= 0.5 or not planned > 0:
        raise ValueError(
            f"needs a confidence above 0.5 and a planned number above 0, got {confidence}, {planned}"
        )


def _check_share(share: float) -> None:
    if not 0 < share < math.inf:
        raise ValueError(f"needs more than 0 units seen and planned, got the share {share}")
