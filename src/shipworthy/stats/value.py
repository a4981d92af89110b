"""What more cases are worth before a choice to ship or hold, and what exposure costs less than waiting."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

Direction = Literal["at_least", "at_most"]


@dataclass(frozen=True)
class RateBelief:
    """What is believed of a rate, and what shipping is worth on either side of its bar.

    Shipping at a true rate on the right side of the bar gains `gain` per unit of distance to the bar, on the
    wrong side it loses `loss` per unit; holding gains and loses nothing.

    Args:
        successes: Parameter a of the beta distribution, more than 0: successes seen and one more.
        failures: Parameter b, more than 0: failures seen and one more.
        bar: The rate at which shipping and holding are worth the same, strictly between 0 and 1.
        gain: Worth of one unit of rate on the right side, in money per case, at least 0.
        loss: Loss of one unit of rate on the wrong side, in money per case, at least 0.
        direction: Whether the rate should be at least or at most the bar.

    Raises:
        ValueError: If a number is out of range.

    Source: Raiffa and Schlaifer (1961), Applied Statistical Decision Theory, chapters 4 and 5.

    >>> belief = RateBelief(46, 6, 0.9, gain=1, loss=5)
    >>> [round(belief.value_of_cases(m), 6) for m in (25, 50, 100, 400)]
    [0.000227, 0.002186, 0.004546, 0.00824]
    """

    successes: float
    failures: float
    bar: float
    gain: float
    loss: float
    direction: Direction = "at_least"

    def __post_init__(self) -> None:
        """Refuse what is no belief."""
        if not (0 < self.successes < math.inf and 0 < self.failures < math.inf and 0 < self.bar < 1):
            raise ValueError("needs two positive parameters and a bar strictly between 0 and 1")
        if not (0 <= self.gain < math.inf and 0 <= self.loss < math.inf):
            raise ValueError(f"needs gain and loss from 0 up, got {self.gain} and {self.loss}")

    @property
    def worth(self) -> float:
        """Expected worth of shipping now, in money per case; below 0 holding is better."""
        return float(self._worth(np.array([0.0]), np.array([0.0]))[0])

    def value_of_knowing(self) -> float:
        """Expected value of knowing the true rate before the choice, in money per case."""
        above, below = self._parts(np.array([0.0]), np.array([0.0]))
        return float(self.loss * below[0]) if self.worth > 0 else float(self.gain * above[0])

    def value_of_cases(self, cases: int) -> float:
        """Expected value of seeing so many more cases before the choice, in money per case.

        Args:
            cases: Further independent cases, at least 0.

        Returns:
            The value, from 0 up to `value_of_knowing`; it never falls as cases are added.

        Raises:
            ValueError: If the number is negative.
        """
        if cases < 0:
            raise ValueError(f"needs cases from 0 up, got {cases}")
        seen = np.arange(cases + 1, dtype=float)
        a, b = self._beta
        logs = special.betaln(a + seen, b + cases - seen) - special.betaln(a, b)
        logs -= special.betaln(seen + 1, cases - seen + 1) + math.log(cases + 1)
        # Only samples that turn the choice are worth anything; the rest cancels exactly.
        turned = -self._worth(seen, cases - seen) if self.worth > 0 else self._worth(seen, cases - seen)
        return float(np.exp(logs) @ np.maximum(turned, 0.0))

    @property
    def _beta(self) -> tuple[float, float]:
        pair = (self.successes, self.failures)
        return pair if self.direction == "at_least" else (pair[1], pair[0])

    def _worth(self, successes: NDArray[np.float64], failures: NDArray[np.float64]) -> NDArray[np.float64]:
        above, below = self._parts(successes, failures)
        return np.asarray(self.gain * above - self.loss * below)

    def _parts(
        self, successes: NDArray[np.float64], failures: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Expected distance above the bar and below it, after more cases were seen."""
        a, b = self._beta[0] + successes, self._beta[1] + failures
        bar = self.bar if self.direction == "at_least" else 1 - self.bar
        mean = a / (a + b)
        below = bar * special.betainc(a, b, bar) - mean * special.betainc(a + 1, b, bar)
        above = mean * special.betainc(b, a + 1, 1 - bar) - bar * special.betainc(b, a, 1 - bar)
        return np.maximum(above, 0.0), np.maximum(below, 0.0)


@dataclass(frozen=True)
class MeanBelief:
    """What is believed of the mean worth of shipping, in money per case; holding is worth 0.

    The belief is normal, and the standard deviation of one case is taken as known.

    Args:
        worth: Estimated worth of shipping, in money per case.
        error: Its standard error, at least 0.
        n: Cases it rests on, more than 0.

    Raises:
        ValueError: If a number is out of range.

    Source: Raiffa and Schlaifer (1961), Applied Statistical Decision Theory, chapter 5.

    >>> belief = MeanBelief(worth=-0.5, error=1.0, n=100)
    >>> [round(belief.value_of_cases(m), 4) for m in (0, 100, 900)], round(belief.value_of_knowing(), 4)
    ([0.0, 0.0998, 0.1799], 0.1978)
    """

    worth: float
    error: float
    n: float

    def __post_init__(self) -> None:
        """Refuse what is no belief."""
        if not (math.isfinite(self.worth) and 0 <= self.error < math.inf and 0 < self.n < math.inf):
            raise ValueError("needs a finite worth, a standard error from 0 up, and n above 0")

    def value_of_knowing(self) -> float:
        """Expected value of knowing the true worth before the choice, in money per case."""
        return _unit_loss(self.worth, self.error)

    def value_of_cases(self, cases: int) -> float:
        """Expected value of seeing so many more cases before the choice, in money per case.

        Args:
            cases: Further independent cases, at least 0.

        Returns:
            The value, from 0 up to `value_of_knowing`; it never falls as cases are added.

        Raises:
            ValueError: If the number is negative.
        """
        if cases < 0:
            raise ValueError(f"needs cases from 0 up, got {cases}")
        return _unit_loss(self.worth, self.error * math.sqrt(cases / (self.n + cases)))


def best_number_of_cases(
    value_of: Callable[[int], float], cost_per_case: float, scale: float = 1.0, most: int = 100_000
) -> tuple[int, float]:
    """Number of further cases whose value exceeds their cost by the most.

    Args:
        value_of: Expected value per decided case of so many further cases; it never falls.
        cost_per_case: Cost of one further case, more than 0, in money.
        scale: Cases that the choice decides about, more than 0.
        most: Largest number of further cases worth naming.

    Returns:
        The number and its net value, in money; (0, 0.0) where no number pays.

    Raises:
        ValueError: If the cost or the scale is not positive.

    >>> belief = RateBelief(46, 6, 0.9, gain=1, loss=5)
    >>> best_number_of_cases(belief.value_of_cases, cost_per_case=1, scale=100_000)[0]
    235
    """
    if not (0 < cost_per_case < math.inf and 0 < scale < math.inf):
        raise ValueError(f"needs a cost and a scale above 0, got {cost_per_case} and {scale}")

    def net(cases: int) -> float:
        return scale * value_of(cases) - cost_per_case * cases

    # The value can rise slowly, then fast, then slowly: look at every scale first, then between the best.
    tried = sorted({round(most ** (step / 60)) for step in range(61)} | {1})
    while True:
        at = max(range(len(tried)), key=lambda index: net(tried[index]))
        low, high = tried[max(at - 1, 0)], tried[min(at + 1, len(tried) - 1)]
        if high - low <= 2:
            break
        tried = sorted({low + round((high - low) * step / 12) for step in range(13)})
    best = tried[at]
    return (best, net(best)) if net(best) > 0 else (0, 0.0)


def largest_exposure(cost_of_waiting: float, worst_loss: float) -> float:
    """Largest share of the traffic whose worst loss does not exceed what waiting costs.

    Both run over the same time, so its length does not matter: a share e loses at most e times the worst loss
    of full exposure, and waiting costs what full exposure is expected to save.

    Args:
        cost_of_waiting: Expected cost of holding, per time, in money; not positive where waiting is free.
        worst_loss: Loss at full exposure at the worse end of what the evidence leaves possible, per time.

    Returns:
        The share, 0 to 1.

    Raises:
        ValueError: If a number is not finite.

    >>> largest_exposure(2_000, 10_000), largest_exposure(2_000, 500), largest_exposure(-10, 500)
    (0.2, 1.0, 0.0)
    """
    if not (math.isfinite(cost_of_waiting) and math.isfinite(worst_loss)):
        raise ValueError(f"needs finite amounts, got {cost_of_waiting} and {worst_loss}")
    if cost_of_waiting <= 0:
        return 0.0
    return 1.0 if worst_loss <= cost_of_waiting else cost_of_waiting / worst_loss


def _unit_loss(worth: float, spread: float) -> float:
    """Expected gain of choosing with hindsight between 0 and a normal worth of this mean and spread."""
    if abs(worth) >= 38 * spread:  # beyond it the density is 0 as a float
        return 0.0
    distance = abs(worth) / spread
    density = math.exp(-(distance**2) / 2) / math.sqrt(2 * math.pi)
    return max(0.0, spread * (density - distance * float(special.ndtr(-distance))))
