"""A rate judged by an instrument that errs, corrected by what people said about some of the same things."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from shipworthy.stats.count_tables import Proportion
from shipworthy.stats.distribution import (
    DISPLAY_DRAWS,
    DRAWS,
    Array,
    BoundedByQuantiles,
    Side,
    order_statistics,
)
from shipworthy.stats.melding import Difference
from shipworthy.stats.proportions import check_confidence, two_sided_z

__all__ = [
    "CheckedAgainstPeople",
    "PoststratifiedDifference",
    "PoweredMean",
    "PredictionPoweredRate",
    "RoganGladenRate",
    "Sums",
    "poststratified_values",
    "powered_mean",
    "powered_values",
    "rogan_gladen_interval",
    "rogan_gladen_values",
    "subset_gap",
]

_SEED = 20_240_611


@dataclass(frozen=True)
class Sums:
    """What a mean needs of things that were both labelled and predicted, or only predicted.

    Args:
        n: Number of things, more than 0.
        predicted: Sum of the predictions.
        predicted_squares: Sum of their squares.
        truth: Sum of the labels; 0 where there are none.
        truth_squares: Sum of their squares.
        products: Sum of label times prediction.
    """

    n: float
    predicted: float
    predicted_squares: float
    truth: float = 0.0
    truth_squares: float = 0.0
    products: float = 0.0


@dataclass(frozen=True)
class PoweredMean:
    """A mean of labels sharpened by predictions.

    Args:
        value: The estimate.
        standard_error: Its standard error.
        weight: How much of the predictions is used, 0 (nothing) to 1.
    """

    value: float
    standard_error: float
    weight: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the normal interval.

        Args:
            level: Two-sided level, strictly between 0 and 1.
        """
        check_confidence(level)
        half = two_sided_z(level) * self.standard_error
        return self.value - half, self.value + half


def powered_mean(labelled: Sums, unlabelled: Sums) -> PoweredMean:
    """Mean of labels of a random subset, sharpened by predictions for all (PPI++).

    Predictions that go against the labels, or with nothing, get the weight 0: the plain mean of the labels
    remains.

    Args:
        labelled: Things with a label and a prediction.
        unlabelled: Other things of the same population with a prediction only.

    Returns:
        The estimate with its standard error and the weight of the predictions.

    Raises:
        ValueError: If either holds nothing.

    Source: Angelopoulos, Duchi and Zrnic (2023), arXiv:2311.01453, for the mean.

    >>> judged = powered_mean(Sums(200, 142, 142, 143, 143, 133), Sums(5000, 3407, 3407))
    >>> round(judged.value, 6), round(judged.weight, 6)
    (0.695035, 0.698077)
    """
    n, others = labelled.n, unlabelled.n
    if not n > 0 or not others > 0:
        raise ValueError(f"needs labelled and unlabelled things, got {n} and {others}")
    truth, seen, elsewhere = labelled.truth / n, labelled.predicted / n, unlabelled.predicted / others
    pooled = (labelled.predicted + unlabelled.predicted) / (n + others)
    squares = labelled.predicted_squares + unlabelled.predicted_squares
    spread = (squares - (n + others) * pooled**2) / max(n + others - 1, 1)
    together = labelled.products / n - truth * seen
    weight = min(1.0, max(0.0, together / ((1 + n / others) * spread))) if spread > 0 else 0.0
    of_rest = (
        labelled.truth_squares - 2 * weight * labelled.products + weight**2 * labelled.predicted_squares
    ) / n - (truth - weight * seen) ** 2
    of_others = unlabelled.predicted_squares / others - elsewhere**2
    variance = max(0.0, of_rest) / n + weight**2 * max(0.0, of_others) / others
    return PoweredMean(truth - weight * (seen - elsewhere), math.sqrt(variance), weight)


def powered_values(tables: Array, others: Array) -> Array:
    """Values of `powered_mean` for yes-or-no verdicts, for any number of leading axes.

    Args:
        tables: (..., 2, 2) labelled counts by the instrument's and by people's verdict, no before yes.
        others: (..., 2) counts of what only the instrument judged, no before yes.

    Returns:
        (...) shares of yes, 0 to 1; the plain share of the labels where nothing else was judged, nan where
        nothing was labelled.

    Source: Angelopoulos, Duchi and Zrnic (2023), arXiv:2311.01453.
    """
    n, rest = tables.sum(axis=(-2, -1)), others.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        truth = tables[..., :, 1].sum(axis=-1) / n
        seen = tables[..., 1, :].sum(axis=-1) / n
        elsewhere = np.where(rest > 0, others[..., 1] / rest, 0.0)
        pooled = (tables[..., 1, :].sum(axis=-1) + others[..., 1]) / (n + rest)
        spread = pooled * (1 - pooled) * (n + rest) / np.maximum(n + rest - 1, 1)
        together = tables[..., 1, 1] / n - truth * seen
        weight = np.where(spread > 0, together / ((1 + n / rest) * spread), 0.0)
        weight = np.where(rest > 0, np.clip(np.nan_to_num(weight), 0.0, 1.0), 0.0)
        return np.asarray(np.clip(truth - weight * (seen - elsewhere), 0.0, 1.0))


def rogan_gladen_values(tables: Array, judged: Array) -> Array:
    """Shares of yes behind an instrument's shares of yes, for any number of leading axes.

    Args:
        tables: (..., 2, 2) counts by the instrument's and by people's verdict, no before yes.
        judged: (..., 2) counts of what the instrument judged, no before yes.

    Returns:
        (...) shares, 0 to 1; nan where people gave one verdict only, or the instrument is no better than
        chance.

    Source: Rogan and Gladen (1978), American Journal of Epidemiology 107.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity = tables[..., 1, 1] / tables[..., :, 1].sum(axis=-1)
        specificity = tables[..., 0, 0] / tables[..., :, 0].sum(axis=-1)
        informed = sensitivity + specificity - 1
        share = judged[..., 1] / judged.sum(axis=-1)
        value = np.clip((share + specificity - 1) / informed, 0.0, 1.0)
    return np.where(informed > 0, value, np.nan)


def rogan_gladen_interval(
    share: float,
    n: float,
    sensitivity: float,
    positives: float,
    specificity: float,
    negatives: float,
    level: float = 0.95,
) -> tuple[float, float]:
    """Interval of the share of yes behind an instrument's share of yes.

    Args:
        share: The instrument's share of yes, 0 to 1.
        n: Things it judged, more than 0.
        sensitivity: Its share of yes among things that are yes, 0 to 1.
        positives: Things that was measured on, more than 0.
        specificity: Its share of no among things that are no, 0 to 1.
        negatives: Things that was measured on, more than 0.
        level: Two-sided level, strictly between 0 and 1.

    Returns:
        Lower and upper end, 0 to 1.

    Raises:
        ValueError: If the smoothed instrument is no better than chance.

    Source: Lee et al. (2025), arXiv:2511.21140, after Lang and Reiczigel (2014), Preventive Veterinary
        Medicine 113.

    >>> [round(end, 6) for end in rogan_gladen_interval(0.4, 1000, 0.9, 200, 0.7, 200)]
    [0.056351, 0.262733]
    """
    z = two_sided_z(level)
    p = (n * share + z**2 / 2) / (n + z**2)
    no = (negatives * specificity + 1) / (negatives + 2)
    yes = (positives * sensitivity + 1) / (positives + 2)
    informed = yes + no - 1
    if informed <= 0:
        raise ValueError(f"the instrument is no better than chance: {yes:.3f} + {no:.3f} <= 1")
    n, negatives, positives = n + z**2, negatives + 2, positives + 2
    rate = (p + no - 1) / informed
    of_no, of_yes = no * (1 - no) / negatives, yes * (1 - yes) / positives
    shift = 2 * z**2 * (rate * of_yes - (1 - rate) * of_no)
    error = math.sqrt(p * (1 - p) / n + (1 - rate) ** 2 * of_no + rate**2 * of_yes) / informed
    return max(0.0, rate + shift - z * error), min(1.0, rate + shift + z * error)


def subset_gap(yes: float, n: float, other_yes: float, others: float) -> float:
    """Return how far a subset's share of yes lies from that of the rest, in standard errors.

    Args:
        yes: Yes in the subset.
        n: Size of the subset, more than 0.
        other_yes: Yes in the rest.
        others: Size of the rest; without any, the gap is 0.

    Source: the pooled two-sample z; for a random subset it is about standard normal.
    """
    if not others:
        return 0.0
    pooled = (yes + other_yes) / (n + others)
    variance = pooled * (1 - pooled) * (1 / n + 1 / others)
    return (yes / n - other_yes / others) / math.sqrt(variance) if variance > 0 else 0.0


@dataclass(frozen=True)
class CheckedAgainstPeople:
    """What an instrument said about things that people judged too.

    Args:
        hits: Both say yes.
        misses: People say yes, the instrument no.
        false_alarms: People say no, the instrument yes.
        right_rejections: Both say no.

    Raises:
        ValueError: If a count is negative or not finite, or there is none.

    >>> round(CheckedAgainstPeople(133, 10, 9, 48).informedness.bound("lower", 0.95), 3)
    0.657
    """

    hits: float
    misses: float
    false_alarms: float
    right_rejections: float

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        counts = (self.hits, self.misses, self.false_alarms, self.right_rejections)
        if not all(0 <= count < math.inf for count in counts) or not sum(counts):
            raise ValueError(f"needs four counts from 0 up and something counted, got {counts}")

    @property
    def n(self) -> float:
        """Things that people judged."""
        return self.people_yes + self.people_no

    @property
    def people_yes(self) -> float:
        """Things that people called yes."""
        return self.hits + self.misses

    @property
    def people_no(self) -> float:
        """Things that people called no."""
        return self.false_alarms + self.right_rejections

    @property
    def has_both(self) -> bool:
        """Whether people said yes of some and no of others, so that both rates can be measured."""
        return self.people_yes > 0 and self.people_no > 0

    @property
    def true_positive_rate(self) -> Proportion:
        """Share of what people called yes that the instrument called yes."""
        return Proportion(self.hits, self.people_yes)

    @property
    def true_negative_rate(self) -> Proportion:
        """Share of what people called no that the instrument called no."""
        return Proportion(self.right_rejections, self.people_no)

    @property
    def informedness(self) -> Difference:
        """True-positive rate less false-positive rate: 0 for an instrument that guesses.

        Source: Youden (1950), Cancer 3.
        """
        return Difference(self.true_positive_rate, Proportion(self.false_alarms, self.people_no))

    def is_better_than_chance(self, confidence: float = 0.95) -> bool:
        """Return whether the lower bound of true-positive plus true-negative rate is above 1.

        Args:
            confidence: One-sided confidence, strictly between 0 and 1.

        Raises:
            ValueError: If people gave one verdict only, or the confidence is not between 0 and 1.
        """
        return self.informedness.bound("lower", confidence) > 0


@dataclass(frozen=True)
class PredictionPoweredRate(BoundedByQuantiles):
    """A share of yes by people's verdicts on a random subset, sharpened by an instrument's verdicts on all.

    The value is PPI++. The normal bound that belongs to it passes what is below the bar up to 25% of the
    time at a stated 5% (60 labels, few noes among them). So the bounds come from the pieces: the share of
    the instrument's yes, and people's share of yes where it says yes and where it says no, each with its own
    exact confidence distribution and melded. An instrument that goes with people no more than by chance gets
    no weight, and the exact bounds of people's verdicts alone remain.

    Args:
        checked: The random subset, judged by both.
        yes: Yes of the instrument among the things that people did not judge.
        n: How many those are, at least 0.

    Raises:
        ValueError: If counts cannot be.

    Source: Angelopoulos, Duchi and Zrnic (2023), arXiv:2311.01453, for the value; Fay, Proschan and
        Brittain (2015), Biometrics 71, for melding.

    >>> rate = PredictionPoweredRate(CheckedAgainstPeople(133, 10, 9, 48), 3407, 5000)
    >>> round(rate.value, 6), 0.64 < rate.bound("lower", 0.95) < 0.66
    (0.695035, True)
    """

    checked: CheckedAgainstPeople
    yes: float
    n: float

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        if not 0 <= self.yes <= self.n < math.inf:
            raise ValueError(f"needs 0 <= yes <= n, got {self.yes} of {self.n}")

    @cached_property
    def powered(self) -> PoweredMean:
        """The PPI++ mean; without anything that only the instrument judged, the mean of people's verdicts."""
        checked = self.checked
        seen = checked.hits + checked.false_alarms
        labelled = Sums(checked.n, seen, seen, checked.people_yes, checked.people_yes, checked.hits)
        if not self.n:
            share = checked.people_yes / checked.n
            return PoweredMean(share, math.sqrt(share * (1 - share) / checked.n), 0.0)
        return powered_mean(labelled, Sums(self.n, self.yes, self.yes))

    @property
    def value(self) -> float:
        """The PPI++ estimate, cut at 0 and 1."""
        return min(1.0, max(0.0, self.powered.value))

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return self._people.method if self._unused else "PPI++, melded exact pieces"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return self._people.display_method if self._unused else "PPI++, half a count per cell"

    @property
    def standard_error(self) -> float:
        """The PPI++ standard error; that of people's verdicts alone where the instrument is not used."""
        return self._people.standard_error if self._unused else self.powered.standard_error

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Percentiles with half a count added to each cell; 92% to 99% coverage from 30 labels on."""
        check_confidence(level)
        if self._unused:
            return self._people.interval(level)
        draws = self._display_draws
        low = order_statistics(draws, np.array([(1 - level) / 2]), "lower")[0]
        high = order_statistics(draws, np.array([(1 + level) / 2]), "upper")[0]
        return min(float(low), self.value), max(float(high), self.value)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the melded share, or of people's exact distribution where the instrument is unused."""
        if self._unused:
            return self._people.quantiles(side, probabilities)
        draws = self._lower_draws if side == "lower" else self._upper_draws
        return order_statistics(draws, probabilities, side)

    @property
    def _unused(self) -> bool:
        return self.powered.weight == 0

    @property
    def _people(self) -> Proportion:
        return Proportion(self.checked.people_yes, self.checked.n)

    @property
    def _said_yes(self) -> tuple[float, float]:
        """How often the instrument says yes and no over all."""
        yes = self.checked.hits + self.checked.false_alarms + self.yes
        return yes, self.checked.n + self.n - yes

    @cached_property
    def _lower_draws(self) -> Array:
        return self._draws(0.0)

    @cached_property
    def _upper_draws(self) -> Array:
        return self._draws(1.0)

    def _draws(self, extra: float) -> Array:
        """Draw the share with one more no (0, for the lower side) or yes (1, the upper) in each piece."""
        random, checked = np.random.default_rng(_SEED), self.checked
        where_yes = _beta(random, checked.hits + extra, checked.false_alarms + 1 - extra)
        where_no = _beta(random, checked.misses + extra, checked.right_rejections + 1 - extra)
        yes, no = self._said_yes
        parts = [_gamma(random, shape) for shape in (yes, 1.0, no)]
        whole = parts[0] + parts[1] + parts[2]
        shares = (parts[0] / whole, (parts[0] + parts[1]) / whole)
        drawn = [share * where_yes + (1 - share) * where_no for share in shares]
        return np.maximum(*drawn) if extra else np.minimum(*drawn)

    @cached_property
    def _display_draws(self) -> Array:
        random, checked = np.random.default_rng(_SEED), self.checked
        few = DISPLAY_DRAWS * 2
        where_yes = _beta(random, checked.hits + 0.5, checked.false_alarms + 0.5, few)
        where_no = _beta(random, checked.misses + 0.5, checked.right_rejections + 0.5, few)
        yes, no = self._said_yes
        share = _beta(random, yes + 0.5, no + 0.5, few)
        return share * where_yes + (1 - share) * where_no


@dataclass(frozen=True, eq=False)
class PoststratifiedDifference(BoundedByQuantiles):
    """A mean difference of two systems by people's verdicts on a random subset, sharpened by an instrument.

    Things are put in strata by what the instrument says of both systems; people's verdicts on a random part
    of each stratum tell its mean difference, and all things tell how large it is. For the lower side one more
    labelled thing that went as badly as can be is dealt to the strata by their size, and one more stands
    beside all of them (for the upper side as well as can be); a stratum that nobody labelled is then the
    worst. At a stated 5% it passed a system exactly at its bar at most 3% of the time in simulation.

    Args:
        labelled: (strata, 3) things labelled for both systems by their difference: -1, 0, 1.
        others: (strata,) further things.

    Raises:
        ValueError: If a count is negative or nothing is labelled.

    Source: Cochran (1977), Sampling Techniques, 5A.9, for post-stratification; for yes-or-no verdicts it
        uses the instrument as far as PPI++ can (Angelopoulos, Duchi and Zrnic 2023). Added cases: ours.

    >>> strata = np.array([[8.0, 2, 0], [5, 160, 5], [0, 3, 17]])
    >>> gained = PoststratifiedDifference(strata, np.array([90.0, 1510, 200]))
    >>> round(gained.value, 4), round(gained.bound("lower", 0.95), 2)
    (0.0535, 0.01)
    """

    labelled: Array
    others: Array

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        if (self.labelled < 0).any() or (self.others < 0).any() or not self.labelled.sum() > 0:
            raise ValueError("needs counts from 0 up, and something labelled")

    @property
    def value(self) -> float:
        """The post-stratified mean difference."""
        return float(poststratified_values(self.labelled, self.others))

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return "paired, post-stratified by the judge, one worst case"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return "paired, post-stratified by the judge"

    @property
    def standard_error(self) -> float:
        """Standard deviation of the draws that are shown."""
        return float(self._display_draws.std())

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Percentiles with half a count in each cell, dealt to the strata by their size."""
        check_confidence(level)
        low = order_statistics(self._display_draws, np.array([(1 - level) / 2]), "lower")[0]
        high = order_statistics(self._display_draws, np.array([(1 + level) / 2]), "upper")[0]
        return min(float(low), self.value), max(float(high), self.value)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the draws with one more thing as bad as can be, or as good."""
        return order_statistics(self._lower if side == "lower" else self._upper, probabilities, side)

    @cached_property
    def _lower(self) -> Array:
        return self._draws(np.array([1.0, 0.0, 0.0]), -1.0, DRAWS)

    @cached_property
    def _upper(self) -> Array:
        return self._draws(np.array([0.0, 0.0, 1.0]), 1.0, DRAWS)

    @cached_property
    def _display_draws(self) -> Array:
        return self._draws(np.full(3, 0.5), 0.0, 2 * DISPLAY_DRAWS)

    def _draws(self, extra: Array, beside: float, draws: int) -> Array:
        """Draw the difference with more labelled things, and one thing beside all of them."""
        random = np.random.default_rng(_SEED)
        occurring = self.labelled.sum(axis=1) + self.others > 0
        labelled, others = self.labelled[occurring], self.others[occurring]
        size = labelled.sum(axis=1) + others
        dealt = labelled + extra * (size / size.sum())[:, None]
        cells = random.standard_gamma(dealt, size=(draws, *labelled.shape))
        whole = cells.sum(axis=-1)
        means = (cells[..., 2] - cells[..., 0]) / np.where(whole > 0, whole, 1.0)
        # Where next to nothing was dealt to a stratum without a label, its draws vanish: all of it is extra.
        means = np.where(whole > 0, means, extra[2] - extra[0])
        sizes = random.standard_gamma(np.append(size, 1.0), size=(draws, len(size) + 1))
        means = np.column_stack([means, np.full(draws, beside)])
        return np.asarray((sizes * means).sum(axis=1) / sizes.sum(axis=1))


def poststratified_values(labelled: Array, others: Array) -> Array:
    """Post-stratified mean differences, for any number of leading axes.

    Args:
        labelled: (..., strata, 3) labelled things by their difference: -1, 0, 1.
        others: (..., strata) further things.

    Returns:
        (...) differences, -1 to 1; a stratum that nobody labelled has the mean of all labelled things, and
        without any label the value is nan.

    Source: Cochran (1977), Sampling Techniques, 5A.9.
    """
    n = labelled.sum(axis=-1)
    gained = labelled[..., 2] - labelled[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        overall = (gained.sum(axis=-1) / n.sum(axis=-1))[..., None]
        means = np.where(n > 0, gained / np.where(n > 0, n, 1.0), overall)
        return np.asarray(((n + others) * means).sum(axis=-1) / (n + others).sum(axis=-1))


@dataclass(frozen=True)
class RoganGladenRate(BoundedByQuantiles):
    """A share of yes behind an instrument's share of yes, by its rates on things from elsewhere.

    It holds where the instrument errs as often on the judged things as on those that people checked. The
    bounds meld the exact confidence distributions of the three rates: the instrument's share of yes, its
    true-positive and its true-negative rate.

    Args:
        checked: Things that both judged; they may be chosen by people's verdict.
        yes: Yes of the instrument among the judged things.
        n: How many those are, more than 0.
        surely_no: Further things that are no without any instrument, at least 0.

    Raises:
        ValueError: If counts cannot be, people gave one verdict only, or the instrument was seen to be no
            better than chance.

    Source: Rogan and Gladen (1978), American Journal of Epidemiology 107; Lee et al. (2025),
        arXiv:2511.21140, for the interval.

    >>> rate = RoganGladenRate(CheckedAgainstPeople(180, 20, 60, 140), 400, 1000)
    >>> round(rate.value, 6), [round(end, 6) for end in rate.interval()]
    (0.166667, [0.056351, 0.262733])
    """

    checked: CheckedAgainstPeople
    yes: float
    n: float
    surely_no: float = 0.0

    def __post_init__(self) -> None:
        """Refuse counts that cannot be, and an instrument that says nothing."""
        if not 0 <= self.yes <= self.n < math.inf or not self.n or not 0 <= self.surely_no < math.inf:
            raise ValueError(f"needs 0 <= yes <= n and n > 0, got {self.yes} of {self.n}")
        if not self.checked.has_both:
            raise ValueError("people gave one verdict only, so one of the two rates is not known")
        if self.checked.informedness.value <= 0:
            raise ValueError("the instrument is no better than chance")

    @property
    def uncut(self) -> float:
        """The estimate among what the instrument judged, before it is cut at 0 and 1."""
        no = self.checked.true_negative_rate.value
        return (self.yes / self.n + no - 1) / self.checked.informedness.value

    @property
    def value(self) -> float:
        """The corrected share of yes over all."""
        return min(1.0, max(0.0, self.uncut)) * self._judged_share

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return "Rogan-Gladen, melded exact pieces"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return "Rogan-Gladen (Lee et al.)" if self._is_smooth else self.method

    @property
    def standard_error(self) -> float:
        """Delta-method standard error, scaled to all."""
        rate, informed = min(1.0, max(0.0, self.uncut)), self.checked.informedness.value
        pieces = (
            Proportion(self.yes, self.n).standard_error,
            (1 - rate) * self.checked.true_negative_rate.standard_error,
            rate * self.checked.true_positive_rate.standard_error,
        )
        return math.hypot(*pieces) / informed * self._judged_share

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of Lee et al.; the melded bounds where some things are surely no, or labels are few."""
        if not self._is_smooth:
            return self._both_bounds(level)
        low, high = rogan_gladen_interval(
            self.yes / self.n,
            self.n,
            self.checked.true_positive_rate.value,
            self.checked.people_yes,
            self.checked.true_negative_rate.value,
            self.checked.people_no,
            level,
        )
        return min(low, self.value), max(high, self.value)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the melded share; a draw in which the instrument guesses counts against the claim."""
        draws = self._lower_draws if side == "lower" else self._upper_draws
        return order_statistics(draws, probabilities, side)

    @property
    def _judged_share(self) -> float:
        return self.n / (self.n + self.surely_no)

    @property
    def _is_smooth(self) -> bool:
        checked = self.checked
        smoothed = (checked.hits + 1) / (checked.people_yes + 2) + (checked.right_rejections + 1) / (
            checked.people_no + 2
        )
        return self.surely_no == 0 and smoothed > 1

    @cached_property
    def _lower_draws(self) -> Array:
        return self._draws(0.0)

    @cached_property
    def _upper_draws(self) -> Array:
        return self._draws(1.0)

    def _draws(self, extra: float) -> Array:
        """Draw the share with one more case in each piece, against "at least" (0) or "at most" (1)."""
        random, checked = np.random.default_rng(_SEED), self.checked
        share = _beta(random, self.yes + extra, self.n - self.yes + 1 - extra)
        yes = _beta(random, checked.hits + 1 - extra, checked.misses + extra)
        no = _beta(random, checked.right_rejections + extra, checked.false_alarms + 1 - extra)
        informed = yes + no - 1
        against = 1.0 if extra else 0.0
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = np.where(informed > 0, np.clip((share + no - 1) / informed, 0.0, 1.0), against)
        if self.surely_no:
            rate = rate * _beta(random, self.n + extra, self.surely_no + 1 - extra)
        return np.asarray(rate)


def _gamma(random: np.random.Generator, shape: float, draws: int = DRAWS) -> Array:
    return random.standard_gamma(shape, draws) if shape > 0 else np.zeros(draws)


def _beta(random: np.random.Generator, a: float, b: float, draws: int = DRAWS) -> NDArray[np.float64]:
    """Draw a beta distribution; a shape of 0 puts it on the end."""
    first, second = _gamma(random, a, draws), _gamma(random, b, draws)
    return np.asarray(first / (first + second))
