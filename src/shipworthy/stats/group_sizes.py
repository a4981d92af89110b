"""What ratio two groups of given sizes can prove."""

from __future__ import annotations

from collections.abc import Callable

from shipworthy.stats.confidence import Proportion, Ratio

__all__ = ["largest_provable_ratio", "smallest_provable_ratio"]


def smallest_provable_ratio(
    bar: float, n: int, reference_rate: float, reference_n: int, confidence: float = 0.95
) -> float | None:
    """Return the smallest ratio of two rates that, once seen, proves that the true one is at least the bar.

    Args:
        bar: The bar, above 0.
        n: Cases of the group, at least 1.
        reference_rate: Rate seen in the reference group, above 0 and at most 1.
        reference_n: Cases of the reference group, at least 1.
        confidence: One-sided confidence, strictly between 0 and 1.

    Returns:
        The ratio, or None where no count of the group could prove it.

    Raises:
        ValueError: If a number lies outside its range.

    Source: the bound of `Ratio` (Fay, Proschan and Brittain 2015, Biometrics 71), searched over all counts.

    >>> round(smallest_provable_ratio(0.8, 500, 0.45, 500), 3)
    0.907
    """
    _check(bar, n, reference_rate, reference_n)
    reference = Proportion(reference_rate * reference_n, reference_n)

    def proves(successes: int) -> bool:
        return Ratio(Proportion(successes, n), reference).bound("lower", confidence) >= bar

    first = _first(proves, n)
    return None if first is None else first / n / reference_rate


def largest_provable_ratio(
    bar: float, n: int, reference_rate: float, reference_n: int, confidence: float = 0.95
) -> float | None:
    """Return the largest ratio of two rates that, once seen, proves that the true one is at most the bar.

    Args:
        bar: The bar, above 0.
        n: Cases of the group, at least 1.
        reference_rate: Rate seen in the reference group, above 0 and at most 1.
        reference_n: Cases of the reference group, at least 1.
        confidence: One-sided confidence, strictly between 0 and 1.

    Returns:
        The ratio, or None where not even a count of zero could prove it.

    Raises:
        ValueError: If a number lies outside its range.

    >>> largest_provable_ratio(1.25, 20, 0.05, 100) is None
    True
    """
    _check(bar, n, reference_rate, reference_n)
    reference = Proportion(reference_rate * reference_n, reference_n)

    def fails(successes: int) -> bool:
        return Ratio(Proportion(successes, n), reference).bound("upper", confidence) > bar

    first = _first(fails, n)
    last = n if first is None else first - 1
    return None if last < 0 else last / n / reference_rate


def _check(bar: float, n: int, reference_rate: float, reference_n: int) -> None:
    if not (bar > 0 and n >= 1 and reference_n >= 1 and 0 < reference_rate <= 1):
        raise ValueError(
            "a provable ratio needs a bar above 0, cases in both groups and a reference rate above 0"
        )


def _first(holds: Callable[[int], bool], n: int) -> int | None:
    """Return the smallest count from 0 to n for which a rising condition holds; None where it never does."""
    low, high = 0, n
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
