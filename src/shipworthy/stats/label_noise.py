"""Wrong labels: what they do to a measured rate, and how many of them a bar survives."""

from __future__ import annotations

from scipy import special

__all__ = [
    "most_wrong_at_all",
    "most_wrong_for_even_chance",
    "observed_rate",
    "true_rate",
    "wrong_that_explains",
]


def observed_rate(rate: float, wrong: float) -> float:
    """Return the rate that is seen when labels are wrong at random.

    Args:
        rate: The true rate, 0 to 1.
        wrong: Share of labels that are wrong whatever the system does, 0 to 1.

    Source: a_obs = a (1 - w) + (1 - a) w; Angluin and Laird (1988), Machine Learning 2.

    >>> round(observed_rate(0.98, 0.02), 4)
    0.9608
    """
    return rate * (1 - wrong) + (1 - rate) * wrong


def true_rate(observed: float, wrong: float) -> float:
    """Return the rate behind one that was seen with labels wrong at random; the inverse of `observed_rate`.

    Args:
        observed: The seen rate, 0 to 1.
        wrong: Share of labels that are wrong, below 0.5.

    Raises:
        ValueError: If half or more of the labels are wrong, so that they say nothing.

    Source: a = (a_obs - w) / (1 - 2 w).

    >>> round(true_rate(0.9608, 0.02), 4)
    0.98
    """
    if not 0 <= wrong < 0.5:
        raise ValueError(f"the share of wrong labels must be from 0 up and below 0.5, got {wrong}")
    return (observed - wrong) / (1 - 2 * wrong)


def most_wrong_at_all(bar: float) -> float:
    """Return the share of wrong labels above which even a perfect system is seen below a bar.

    Args:
        bar: Least rate asked for, above 0.5 and at most 1.

    Source: `observed_rate` of 1 is 1 - w.

    >>> round(most_wrong_at_all(0.98), 10)
    0.02
    """
    return 1 - bar


def most_wrong_for_even_chance(n: int, needed: int) -> float:
    """Return the share of wrong labels up to which a perfect system has an even chance of proof.

    Args:
        n: Cases, more than 0.
        needed: Right answers out of n that prove the bar, 1 to n.

    Source: the w with P(Binomial(n, w) <= n - needed) = 1/2, by the beta form of the binomial.

    >>> round(most_wrong_for_even_chance(500, 496), 5)
    0.00934
    """
    return float(special.betaincinv(n - needed + 1, needed, 0.5))


def wrong_that_explains(observed: float, bar: float) -> float:
    """Return the share of labels wrong at random with which a seen rate stands for a true rate at the bar.

    Args:
        observed: The seen rate, 0 to 1 and at most the bar.
        bar: The bar, above 0.5.

    Source: the w that solves (a_obs - w) / (1 - 2 w) = bar.

    >>> round(true_rate(0.95, wrong_that_explains(0.95, 0.98)), 10)
    0.98
    """
    return (bar - observed) / (2 * bar - 1)
