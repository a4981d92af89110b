"""How many cases: what must be seen to prove a bar, with what chance, and how many cases give that chance."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from shipworthy.stats.proportions import check_confidence

Direction = Literal["at_least", "at_most"]

_HALVINGS = 60
SPARE_TEETH = 20


def observed_needed(n: int, bar: float, direction: Direction, confidence: float = 0.95) -> int | None:
    """Count that must be observed in n cases for the exact bound to prove the bar.

    Args:
        n: Number of cases, at least 0.
        bar: The rate to prove, 0 to 1.
        direction: "at_least" (successes) or "at_most" (events).
        confidence: One-sided confidence of the bound, strictly between 0 and 1.

    Returns:
        The smallest number of successes ("at_least") or the largest number of events ("at_most") that still
        proves the bar; None when no count of n does.

    Raises:
        ValueError: If n is negative, the bar is outside 0 to 1 or the confidence not between 0 and 1.

    Source: inversion of Clopper and Pearson (1934), Biometrika 26.

    >>> observed_needed(500, 0.80, "at_least"), observed_needed(299, 0.01, "at_most")
    (416, 0)
    """
    check_rates(confidence, bar)
    if n < 0:
        raise ValueError(f"needs n from 0 up, got {n}")
    if direction == "at_most":
        events = _most_events(n, bar, confidence)
        return None if events < 0 else events
    failures = _most_events(n, 1 - bar, confidence)
    return None if failures < 0 else n - failures


def power(n: int, bar: float, truth: float, direction: Direction, confidence: float = 0.95) -> float:
    """Exact chance that n cases prove the bar when the true rate is `truth`.

    Args:
        n: Number of cases, at least 0.
        bar: The rate to prove, 0 to 1.
        truth: The expected true rate, 0 to 1.
        direction: "at_least" or "at_most".
        confidence: One-sided confidence of the bound, strictly between 0 and 1.

    Returns:
        The chance, 0 to 1.

    Raises:
        ValueError: If n is negative, a rate is outside 0 to 1 or the confidence not between 0 and 1.

    >>> round(power(1107, 0.80, 0.83, "at_least"), 3)
    0.818
    """
    check_rates(confidence, bar, truth)
    needed = observed_needed(n, bar, direction, confidence)
    if needed is None:
        return 0.0
    allowed = needed if direction == "at_most" else n - needed
    rate = truth if direction == "at_most" else 1 - truth
    return float(chance_of_at_most(np.array([allowed]), np.array([n]), rate)[0])


def cases_for_power(
    bar: float,
    truth: float,
    direction: Direction,
    confidence: float = 0.95,
    power: float = 0.80,
    most: int = 10_000_000,
) -> int | None:
    """Smallest number of cases from which on the exact power stays at or above the one wanted.

    Power rises in saw teeth: each further event that is allowed lifts it, then it sinks until the next. So
    the search goes over the allowed number of events and looks at the foot of each tooth; it is exact for
    every n up to `most`.

    Args:
        bar: The rate to prove, 0 to 1.
        truth: The expected true rate, 0 to 1.
        direction: "at_least" or "at_most".
        confidence: One-sided confidence of the bound, strictly between 0 and 1.
        power: Wanted chance of proof, strictly between 0 and 1.
        most: Largest number of cases worth naming.

    Returns:
        The number of cases; None when the truth is not better than the bar or more than `most` are needed.

    Raises:
        ValueError: If a rate is outside 0 to 1, or the confidence or power is not between 0 and 1.

    >>> cases_for_power(0.80, 0.85, "at_least", power=0.5), cases_for_power(0.80, 0.85, "at_least", power=0.8)
    (193, 398)
    """
    check_rates(confidence, bar, truth)
    check_confidence(power)
    limit, rate = (bar, truth) if direction == "at_most" else (1 - bar, 1 - truth)
    if rate >= limit:
        return None
    if rate == 0 or limit >= 1:
        n = int(_cases_allowing(np.array([0]), limit, confidence)[0]) if limit < 1 else 1
        return n if n <= most else None
    if _rough_cases(limit, rate, confidence, power) > 2 * most + 1000:
        return None
    tooth = _first_tooth(limit, rate, confidence, power)
    reach = math.ceil(6 * limit**2 / (limit - rate)) + SPARE_TEETH
    teeth = np.arange(max(0, tooth - reach), tooth + reach)
    low = np.flatnonzero(_foot_power(teeth, limit, rate, confidence) < power)
    allowed = teeth[low[-1]] + 1 if low.size else teeth[0]
    n = int(_cases_allowing(np.array([allowed]), limit, confidence)[0])
    return n if n <= most else None


def cases_for_zero_failures(bar: float, confidence: float = 0.95) -> int:
    """Number of cases without a single event that proves a rate of at most `bar`.

    Args:
        bar: Largest acceptable rate of events, strictly between 0 and 1.
        confidence: One-sided confidence, strictly between 0 and 1.

    Returns:
        The number of cases.

    Raises:
        ValueError: If the bar or the confidence is not between 0 and 1.

    >>> [cases_for_zero_failures(bar) for bar in (0.05, 0.02, 0.01, 0.005, 0.001)]
    [59, 149, 299, 598, 2995]
    """
    check_confidence(confidence)
    check_confidence(bar)
    return math.ceil(math.log(1 - confidence) / math.log1p(-bar))


def cases_for_power_normal(
    gap: float, deviation_per_case: float, confidence: float = 0.95, power: float = 0.80
) -> int:
    """Number of cases after which a mean that is `gap` on the right side of its bar is proved, by the normal.

    Args:
        gap: Distance between the expected truth and the bar, more than 0.
        deviation_per_case: Standard deviation of one case, at least 0, in the unit of the gap.
        confidence: One-sided confidence, strictly between 0 and 1.
        power: Wanted chance of proof, strictly between 0 and 1.

    Returns:
        The number of cases, at least 1.

    Raises:
        ValueError: If the gap is not positive, the deviation negative, or a probability not between 0 and 1.

    Source: Miller (2024), arXiv 2411.00640, section 5, one-sided.

    >>> cases_for_power_normal(0.03, 1 / 3, confidence=0.975)
    969
    """
    check_confidence(confidence)
    check_confidence(power)
    if not (gap > 0 and 0 <= deviation_per_case < math.inf):
        raise ValueError(f"needs a gap > 0 and a deviation from 0 up, got {gap} and {deviation_per_case}")
    z = max(0.0, normal_quantile(confidence) + normal_quantile(power))
    return max(1, math.ceil((z * deviation_per_case / gap) ** 2))


def smallest_detectable_paired(
    n: int, discordance: float, confidence: float = 0.95, power: float = 0.80
) -> float | None:
    """Smallest difference of paired success rates that n cases detect with the wanted chance.

    Made with the normal distribution. Bounds with a pseudo-count are a little more careful: simulated at 200
    to 2,000 pairs, they detected this difference with a chance of 76% to 79% where 80% was wanted.

    Args:
        n: Number of cases, more than 0.
        discordance: Expected share of cases where the two differ, more than 0, at most 1.
        confidence: One-sided confidence, strictly between 0 and 1.
        power: Wanted chance of detection, strictly between 0 and 1.

    Returns:
        The difference, 0 to `discordance`; None when even that largest one is not detected.

    Raises:
        ValueError: If n or the discordance is out of range, or a probability is not between 0 and 1.

    Source: Connor (1987), Biometrics 43.

    >>> round(smallest_detectable_paired(870, 0.1, confidence=0.975), 4)
    0.03
    """
    check_confidence(confidence)
    check_confidence(power)
    if not (n > 0 and 0 < discordance <= 1):
        raise ValueError(f"needs n > 0 and a discordance within 0 to 1, got {n} and {discordance}")

    def detected(gap: float) -> bool:
        spread = normal_quantile(power) * math.sqrt(max(0.0, discordance - gap**2))
        return math.sqrt(n) * gap >= normal_quantile(confidence) * math.sqrt(discordance) + spread

    if not detected(discordance):
        return None
    low, high = 0.0, discordance
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if detected(middle) else (middle, high)
    return high


def smallest_detectable(
    n: int, bar: float, direction: Direction, confidence: float = 0.95, power: float = 0.80
) -> float | None:
    """True rate nearest the bar that n cases prove with the wanted chance.

    Args:
        n: Number of cases, at least 0.
        bar: The rate to prove, 0 to 1.
        direction: "at_least" or "at_most".
        confidence: One-sided confidence of the bound, strictly between 0 and 1.
        power: Wanted chance of proof, strictly between 0 and 1.

    Returns:
        The rate; None when not even a flawless system would be proved.

    Raises:
        ValueError: If n is negative, the bar is outside 0 to 1, or a probability is not between 0 and 1.

    >>> round(smallest_detectable(500, 0.80, "at_least"), 4), smallest_detectable(58, 0.95, "at_least")
    (0.8446, None)
    """
    check_confidence(power)
    needed = observed_needed(n, bar, direction, confidence)
    if needed is None:
        return None
    if direction == "at_most":
        return 1.0 if needed >= n else float(1 - special.betaincinv(n - needed, needed + 1, power))
    return 0.0 if needed <= 0 else float(special.betaincinv(needed, n - needed + 1, power))


def best_provable(n: int, direction: Direction, confidence: float = 0.95) -> float:
    """Strictest bar that n cases can prove at all, when not one of them fails.

    Args:
        n: Number of cases, at least 0.
        direction: "at_least" (the largest provable rate) or "at_most" (the smallest).
        confidence: One-sided confidence of the bound, strictly between 0 and 1.

    Returns:
        The bar, 0 to 1.

    Raises:
        ValueError: If n is negative or the confidence is not between 0 and 1.

    >>> round(best_provable(299, "at_most"), 4), round(best_provable(58, "at_least"), 4)
    (0.01, 0.9497)
    """
    check_confidence(confidence)
    if n < 0:
        raise ValueError(f"needs n from 0 up, got {n}")
    flawless = 0.0 if n == 0 else (1 - confidence) ** (1 / n)
    return flawless if direction == "at_least" else 1 - flawless


def ratio_needed(
    n: float, rate: float, bar: float, confidence: float = 0.95, reference_n: float = math.inf
) -> float:
    """Ratio of two groups' rates that must be observed for its bound to reach the bar.

    Args:
        n: Cases of the group, more than 0.
        rate: Rate of the group, strictly between 0 and 1.
        bar: Smallest acceptable ratio, more than 0.
        confidence: One-sided confidence of the bound, strictly between 0 and 1.
        reference_n: Cases of the reference group; infinite where its rate is as good as known.

    Returns:
        The ratio, at least the bar.

    Raises:
        ValueError: If a number is out of range.

    Source: Katz, Baptista, Azen and Pike (1978), Biometrics 34: the logarithm of the ratio is near normal.

    >>> round(ratio_needed(500, 0.45, 0.80), 2)
    0.87
    """
    check_confidence(confidence)
    if not (n > 0 and reference_n > 0 and 0 < rate < 1 and 0 < bar < math.inf):
        raise ValueError("needs cases and a bar above 0, and a rate strictly between 0 and 1")
    variance = (1 - rate) / (n * rate)
    ratio = bar * math.exp(normal_quantile(confidence) * math.sqrt(variance))
    if math.isinf(reference_n):
        return ratio
    for _ in range(_HALVINGS):
        reference = min(rate / ratio, 1.0)
        whole = variance + (1 - reference) / (reference_n * reference)
        ratio = bar * math.exp(normal_quantile(confidence) * math.sqrt(whole))
    return ratio


def _most_events(n: int, bar: float, confidence: float) -> int:
    """Largest number of events that proves a rate of at most `bar`; -1 when not even none does."""
    if bar >= 1:
        return n
    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        if special.betainc(middle + 1, n - middle, bar) >= confidence:
            low = middle
        else:
            high = middle
    return low


def most_events_each(n: NDArray[np.int64], limit: float, confidence: float) -> NDArray[np.int64]:
    """Largest number of events with which each n proves a rate of at most `limit`; -1 where not even none.

    Args:
        n: Numbers of cases, at least 0, any shape but not empty.
        limit: The rate to prove, strictly between 0 and 1.
        confidence: One-sided confidence of the bound, strictly between 0 and 1.

    Returns:
        The numbers of events, in the same shape.
    """
    sizes = np.asarray(n, dtype=np.int64)
    fewest, most = (_most_events(int(end), limit, confidence) for end in (sizes.min(), sizes.max()))
    if most == fewest:
        return np.full(sizes.shape, fewest)
    # Each further event that is allowed begins at a number of cases; these are far fewer than the numbers.
    begins = _cases_allowing(np.arange(fewest + 1, most + 1), limit, confidence)
    return np.asarray(fewest + np.searchsorted(begins, sizes, side="right"))


def chance_of_at_most(events: NDArray[np.int64], n: NDArray[np.int64], rate: float) -> NDArray[np.float64]:
    """Chance of at most so many events; unlike a binomial function of scipy, without its warnings."""
    rest = n - events
    inside = special.betainc(np.maximum(rest, 1), events + 1.0, 1 - rate)
    return np.where(rest <= 0, 1.0, inside)


def _cases_allowing(events: NDArray[np.int64], limit: float, confidence: float) -> NDArray[np.int64]:
    """Smallest n for which each number of events still proves a rate of at most `limit`, limit < 1."""
    z_spread = normal_quantile(confidence) * math.sqrt(1 - limit)
    root = (z_spread + np.sqrt(z_spread**2 + 4 * (events + 0.5))) / (2 * math.sqrt(limit))
    guess, slack = np.ceil(root**2).astype(np.int64), math.ceil(4 / limit)
    low, high = np.maximum(events, guess - slack), guess + slack
    low = np.where(_proves(events, low, limit, confidence), events, low)
    while not (proved := _proves(events, high, limit, confidence)).all():
        high = np.where(proved, high, 2 * high)
    while (high - low > 1).any():
        middle = (low + high) // 2
        proved = _proves(events, middle, limit, confidence)
        low, high = np.where(proved, low, middle), np.where(proved, middle, high)
    return np.asarray(high)


def _proves(
    events: NDArray[np.int64], n: NDArray[np.int64], limit: float, confidence: float
) -> NDArray[np.bool_]:
    rest = n - events
    beyond = special.betainc(events + 1.0, np.maximum(rest, 1), limit)
    return np.asarray((rest > 0) & (beyond >= confidence))


def _foot_power(
    events: NDArray[np.int64], limit: float, rate: float, confidence: float
) -> NDArray[np.float64]:
    """Power at the largest n at which so many events, and no more, are allowed."""
    return chance_of_at_most(events, _cases_allowing(events + 1, limit, confidence) - 1, rate)


def _first_tooth(limit: float, rate: float, confidence: float, power: float) -> int:
    """Number of allowed events near which the foot of the tooth crosses the wanted power."""

    def enough(events: int) -> bool:
        return bool(_foot_power(np.array([events]), limit, rate, confidence)[0] >= power)

    low, high = -1, 1
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _rough_cases(limit: float, rate: float, confidence: float, power: float) -> float:
    spread = normal_quantile(confidence) * math.sqrt(limit * (1 - limit)) + normal_quantile(
        power
    ) * math.sqrt(rate * (1 - rate))
    return (max(0.0, spread) / (limit - rate)) ** 2


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal distribution."""
    return float(special.ndtri(probability))


def check_rates(confidence: float, *rates: float) -> None:
    """Refuse a confidence that is not between 0 and 1, or a rate outside 0 to 1."""
    check_confidence(confidence)
    for rate in rates:
        if not 0 <= rate <= 1:
            raise ValueError(f"a rate must be within 0 to 1, got {rate}")
