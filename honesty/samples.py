"""False passes and coverage, simulated: costs, clusters, weights, means, areas, other functions of counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy import special

from honesty.studies import STATED, Found, Scenario, Study, drawn, generator, meets, share
from honesty.subjects import class_metric, padded, profile, row_mean
from shipworthy.evidence.estimating import measure_arrays
from shipworthy.evidence.metric import Metric
from shipworthy.evidence.metrics.discrimination import Auc
from shipworthy.stats.auc import AreaUnderCurve
from shipworthy.stats.average_precision import AveragePrecision, average_precision
from shipworthy.stats.calibration import debiased_calibration_error, resampled_calibration_error
from shipworthy.stats.confidence import ClusterRatio, Confidence, CountTableMean, Mean, Side, TableFunction
from shipworthy.stats.design import kish_effect
from shipworthy.stats.quantile import BinnedQuantile
from shipworthy.tables.row_plan import RANDOM_GROUPS
from shipworthy.tables.totals import Total

__all__ = ["studies"]

Array = np.ndarray
CLOSE = STATED + 0.01
MOST_COUNTED = 0.92

COSTS = (
    ("correct 0, false alarm 38, miss 4200", (0.0, 38.0, 4200.0), (0.945, 0.05, 0.005), 500),
    ("the same, misses 1 in 500", (0.0, 38.0, 4200.0), (0.948, 0.05, 0.002), 1000),
    ("the same, misses 1 in 50", (0.0, 38.0, 4200.0), (0.88, 0.10, 0.02), 200),
    ("the same, misses 1 in 10", (0.0, 38.0, 4200.0), (0.80, 0.10, 0.10), 60),
    ("gain 25, correct 0, miss 300", (-25.0, 0.0, 300.0), (0.45, 0.50, 0.05), 150),
    ("three grades", (0.0, 1.0, 2.0), (0.3, 0.4, 0.3), 60),
)

SKEWED = {
    "exponential": (lambda g, size: g.exponential(size=size), 1.0),
    "lognormal, log deviation 1": (lambda g, size: g.lognormal(0, 1, size), math.exp(0.5)),
    "lognormal, log deviation 0.5": (lambda g, size: g.lognormal(0, 0.5, size), math.exp(0.125)),
    "half normal": (lambda g, size: np.abs(g.normal(size=size)), math.sqrt(2 / math.pi)),
}
HEAVY = {
    "lognormal, log deviation 1.5": (lambda g, size: g.lognormal(0, 1.5, size), math.exp(1.125)),
    "Pareto, exponent 2.5": (lambda g, size: g.pareto(2.5, size), 1 / 1.5),
    "nine of ten zero, else exponential": (
        lambda g, size: g.exponential(size=size) * (g.random(size) < 0.1),
        0.1,
    ),
}
RANGED = {
    "spread evenly": (lambda g, size: g.random(size), 0.5),
    "near its ceiling, most exactly 1": (lambda g, size: g.beta(1.96, 0.04, size), 0.98),
    "zeros and ones, 9 of 10": (lambda g, size: (g.random(size) < 0.9).astype(float), 0.9),
    "grades 0, 0.5, 1": (lambda g, size: g.choice([0.0, 0.5, 1.0], p=[0.05, 0.15, 0.8], size=size), 0.875),
}


def studies(*, quick: bool, part: float = 1.0) -> list[Study]:
    """Return the simulated studies.

    Args:
        quick: Whether grids and numbers of samples are small.
        part: Part of the full numbers of samples that is drawn.
    """
    return [
        *_costs(quick, part),
        *_clusters(quick, part),
        *_groups(quick, part),
        *_functions(quick, part),
        *_means(quick, part),
        *_areas(quick, part),
        *_calibration(quick, part),
    ]


def _costs(quick: bool, part: float) -> list[Study]:
    runs, chosen = (300, COSTS[:1]) if quick else (drawn(3000, part), COSTS)
    cells = [(f"{words}, n = {n}", values, chances, n) for words, values, chances, n in chosen]
    return [
        Study(
            "cost",
            "Expected cost, with rare and costly errors",
            "false_pass",
            CLOSE,
            tuple(Scenario(f"{w}", partial(cost, "pass", v, p, n, runs)) for w, v, p, n in cells),
            ("Dirichlet, worst-cell",),
        ),
        Study(
            "cost_shown",
            "Expected cost",
            "coverage",
            MOST_COUNTED,
            tuple(Scenario(f"{w}", partial(cost, "cover", v, p, n, runs)) for w, v, p, n in cells),
        ),
    ]


def cost(asked: str, values: tuple[float, ...], chances: tuple[float, ...], n: int, runs: int) -> Found:
    """Rate of a mean over a count table."""
    truth = float(np.dot(values, chances))
    tables = generator("cost", values, chances, n).multinomial(n, chances, size=runs)

    def confidence(table: Array) -> Confidence:
        return CountTableMean(table, np.array(values))

    return rated(asked, tables, confidence, truth, "upper")


def rated(
    asked: str, samples: Array, confidence: Callable[[Array], Confidence], truth: float, side: Side
) -> Found:
    """Return how often a sample passes a bar at the truth ("pass"), or its interval holds the truth.

    Args:
        asked: "pass" or "cover".
        samples: (runs, ...) samples.
        confidence: The confidence distribution of one sample.
        truth: The true value, and the bar.
        side: Side of the bound.
    """
    if asked == "pass":
        return share(samples, lambda sample: meets(confidence(sample).bound(side, 0.95), truth, side))
    return share(samples, lambda sample: holds(confidence(sample).interval(), truth))


def holds(ends: tuple[float, float], truth: float) -> bool:
    """Return whether an interval holds the truth, its ends included."""
    slack = 1e-12 * max(1.0, abs(truth))
    return ends[0] - slack <= truth <= ends[1] + slack


# -- clusters and weights ------------------------------------------------------------------------------


def _clusters(quick: bool, part: float) -> list[Study]:
    runs = 60 if quick else drawn(400, part)
    grid = [
        (count, sizes, rate, icc)
        for count in ([50] if quick else [20, 50, 200])
        for sizes in (["equal"] if quick else ["equal", "unequal", "very unequal"])
        for rate, icc in ([(0.42, 0.5)] if quick else [(0.42, 0.05), (0.42, 0.5), (0.8, 0.5), (0.95, 0.5)])
    ]

    def words(count: int, sizes: str, rate: float, icc: float) -> str:
        return f"{count} clusters of {sizes} size, rate {rate:g}, ICC {icc:g}"

    return [
        Study(
            "clusters",
            "Mean over up to 256 clusters",
            "false_pass",
            CLOSE,
            tuple(Scenario(words(*at), partial(clusters, "pass", *at, runs)) for at in grid),
            ("cluster bootstrap, worst-cluster",),
        ),
        Study(
            "clusters_shown",
            "Mean over clusters",
            "coverage",
            MOST_COUNTED,
            tuple(Scenario(words(*at), partial(clusters, "cover", *at, runs)) for at in grid),
        ),
    ]


def cluster_sizes(random: np.random.Generator, sizes: str, shape: tuple[int, int]) -> Array:
    """Return sizes of clusters: 4 each, geometric with mean 4, or lognormal with log deviation 1.2."""
    if sizes == "equal":
        return np.full(shape, 4)
    if sizes == "unequal":
        return random.geometric(0.25, size=shape)
    return np.ceil(random.lognormal(1, 1.2, size=shape)).astype(np.int64)


def cluster_rates(random: np.random.Generator, rate: float, icc: float, shape: tuple[int, int]) -> Array:
    """Return true rates of clusters: beta distributed with a given mean and intraclass correlation."""
    spread = (1 - icc) / icc
    return random.beta(rate * spread, (1 - rate) * spread, size=shape)


def clusters(asked: str, count: int, sizes: str, rate: float, icc: float, runs: int) -> Found:
    """Rate of a mean over clusters, each its own group."""
    random = generator("clusters", count, sizes, rate, icc)
    held = cluster_sizes(random, sizes, (runs, count))
    right = random.binomial(held, cluster_rates(random, rate, icc, held.shape))
    samples = np.stack([right, held], axis=1)
    return rated(asked, samples, lambda s: ClusterRatio(s[0], s[1], 0.0, 1.0), rate, "lower")


def _groups(quick: bool, part: float) -> list[Study]:
    runs = 200 if quick else drawn(2000, part)
    grid = [
        (count, rate, icc)
        for count in ([400] if quick else [300, 1000, 4000])
        for rate in (0.5, 0.95, 0.99)
        for icc in ([0.5] if quick else [0.05, 0.2, 0.5])
    ]
    weights = [
        (n, rate, spread)
        for n in ([400] if quick else [300, 1000, 4000])
        for rate in (0.5, 0.95, 0.99)
        for spread in ([1.0] if quick else [0.5, 1.0])
    ]
    functions = [
        (name, count, icc)
        for name in ("f1", "balanced_accuracy", "mcc")
        for count in ([400] if quick else [300, 1000])
        for icc in ([0.5] if quick else [0.2, 0.5])
    ]
    means = [
        (count, icc)
        for count in ([400] if quick else [300, 1000])
        for icc in ([0.5] if quick else [0.2, 0.5])
    ]
    few = 40 if quick else drawn(400, part)
    return [
        Study(
            "groups",
            "Share over more than 256 clusters: random groups and a design effect",
            "false_pass",
            CLOSE,
            tuple(
                Scenario(
                    f"{c} clusters of 3, rate {r:g}, ICC {i:g}", partial(grouped_share, "pass", c, r, i, runs)
                )
                for c, r, i in grid
            ),
        ),
        Study(
            "weights",
            "Share over weighted cases: random groups, a design effect and Kish's",
            "false_pass",
            CLOSE,
            tuple(
                Scenario(
                    f"{n} cases, rate {r:g}, lognormal weights with log deviation {s:g}",
                    partial(weighted_share, "pass", n, r, s, runs),
                )
                for n, r, s in weights
            ),
        ),
        Study(
            "groups_function",
            "F1, balanced accuracy, Matthews over more than 256 clusters",
            "false_pass",
            CLOSE,
            tuple(
                Scenario(f"{name}, {c} clusters of 3, ICC {i:g}", partial(grouped_function, name, c, i, few))
                for name, c, i in functions
            ),
        ),
        Study(
            "groups_mean",
            "Mean of exponential numbers over more than 256 clusters",
            "false_pass",
            CLOSE,
            tuple(
                Scenario(f"{c} clusters of 3, ICC {i:g}", partial(grouped_mean, c, i, runs)) for c, i in means
            ),
        ),
        Study(
            "groups_auc",
            "Area under the ROC curve over more than 256 clusters",
            "false_pass",
            CLOSE,
            tuple(
                Scenario(
                    f"{c} clusters of 3, ICC {i:g}, area {grouped_truth(gap):.3f}",
                    partial(grouped_area, c, i, gap, runs),
                )
                for c, i in means
                for gap in (1.0, 3.0)
            ),
        ),
        Study(
            "groups_shown",
            "Share over more than 256 clusters",
            "coverage",
            MOST_COUNTED,
            tuple(
                Scenario(
                    f"{c} clusters of 3, rate {r:g}, ICC {i:g}",
                    partial(grouped_share, "cover", c, r, i, runs),
                )
                for c, r, i in grid
            ),
        ),
    ]


def dealt(random: np.random.Generator, count: int) -> Array:
    """Return the random group of each cluster."""
    return random.integers(0, RANDOM_GROUPS, size=count)


def by_group(groups: Array, amounts: Array) -> Array:
    """Return sums by group, shape (RANDOM_GROUPS,)."""
    return np.bincount(groups, amounts, RANDOM_GROUPS)


def grouped_share(asked: str, count: int, rate: float, icc: float, runs: int) -> Found:
    """Rate of a share over clusters of three, dealt into random groups."""
    random = generator("groups", count, rate, icc)
    metric, found = class_metric("accuracy", 2), 0
    rows = profile(3 * count, ("0", "1"), clustered=True, clusters=count, groups=RANDOM_GROUPS)
    for _ in range(runs):
        groups = dealt(random, count)
        right = random.binomial(3, cluster_rates(random, rate, icc, (1, count))[0])
        confidence = measured(metric, rows, by_group(groups, right), by_group(groups, 3 - right))
        found += asked_of(asked, confidence, rate, "lower")
    return Found(found / runs, runs)


def measured(metric: Metric, rows: object, right: Array, wrong: Array) -> Confidence:
    """Return the confidence in a share from right and wrong answers by group."""
    tables = np.zeros((right.size, 2, 2))
    tables[:, 0, 0], tables[:, 0, 1] = right, wrong
    return measure_arrays(metric, padded(tables), (), rows).confidence  # type: ignore[arg-type]


def asked_of(asked: str, confidence: Confidence, truth: float, side: Side) -> bool:
    """Return whether it passes at the truth, or its interval holds the truth."""
    if asked == "pass":
        return meets(confidence.bound(side, 0.95), truth, side)
    return holds(confidence.interval(), truth)


def weighted_share(asked: str, n: int, rate: float, spread: float, runs: int) -> Found:
    """Rate of a weighted share of independent cases, dealt into random groups."""
    random = generator("weights", n, rate, spread)
    metric, found = class_metric("accuracy", 2), 0
    for _ in range(runs):
        groups, weight = dealt(random, n), random.lognormal(0, spread, n)
        right = (random.random(n) < rate) * weight / weight.mean()
        effect = kish_effect(float(weight.sum()), float((weight**2).sum()), n)
        rows = profile(
            n, ("0", "1"), clustered=True, weighted=True, groups=RANDOM_GROUPS, weight_effect=effect
        )
        whole = by_group(groups, weight / weight.mean())
        confidence = measured(metric, rows, by_group(groups, right), whole - by_group(groups, right))
        found += asked_of(asked, confidence, rate, "lower")
    return Found(found / runs, runs)


def grouped_function(name: str, count: int, icc: float, runs: int) -> Found:
    """False passes of a function of the confusion table over clusters of three rows of one class."""
    random, metric, found = generator("functions", name, count, icc), class_metric(name, 2), 0
    rows = profile(3 * count, ("0", "1"), clustered=True, clusters=count, groups=RANDOM_GROUPS)
    truth = float(metric.value(padded(np.array([[0.7 * 0.95, 0.7 * 0.05], [0.3 * 0.1, 0.3 * 0.9]])), ()))
    for _ in range(runs):
        groups, positive = dealt(random, count), random.random(count) < 0.3
        rates = np.where(
            positive,
            cluster_rates(random, 0.9, icc, (1, count))[0],
            cluster_rates(random, 0.95, icc, (1, count))[0],
        )
        right = random.binomial(3, rates)
        tables = np.zeros((RANDOM_GROUPS, 2, 2))
        for label in (0, 1):
            here = positive == bool(label)
            tables[:, label, label] = by_group(groups, right * here)
            tables[:, label, 1 - label] = by_group(groups, (3 - right) * here)
        confidence = measure_arrays(metric, padded(tables), (), rows).confidence
        found += asked_of("pass", confidence, truth, "lower")
    return Found(found / runs, runs)


def grouped_mean(count: int, icc: float, runs: int) -> Found:
    """False passes of a mean of unknown range over clusters of three."""
    random, metric, found = generator("grouped mean", count, icc), row_mean("mean(number)"), 0
    rows = profile(3 * count, (), clustered=True, clusters=count, groups=RANDOM_GROUPS)
    for _ in range(runs):
        groups = dealt(random, count)
        own, shared = random.exponential(size=(3, count)), random.exponential(size=count)
        values = np.where(random.random((3, count)) < math.sqrt(icc), shared, own)
        sums = tuple(by_group(groups, part.sum(axis=0)) for part in (values, values**2, np.ones_like(values)))
        confidence = measure_arrays(metric, sums[2], sums, rows).confidence
        found += asked_of("pass", confidence, 1.0, "upper")
    return Found(found / runs, runs)


EDGES = np.linspace(-4, 7, 100)
"""Edges of the bins of clustered scores: as if scores had so few values."""


def grouped_truth(gap: float) -> float:
    """Return the area of scores in bins whose classes are so far apart."""
    negative = np.diff(special.ndtr(np.concatenate([[-np.inf], EDGES, [np.inf]])))
    positive = np.diff(special.ndtr(np.concatenate([[-np.inf], EDGES, [np.inf]]) - gap))
    return float(positive @ (np.cumsum(negative) - negative / 2))


def grouped_area(count: int, icc: float, gap: float, runs: int) -> Found:
    """False passes of an area under a curve over clusters of three rows of one class, a fifth positive."""
    random, found, truth = generator("grouped area", count, icc, gap), 0, grouped_truth(gap)
    metric = Auc("auc", "share", "higher", Total())
    rows = profile(3 * count, ("0", "1"), clustered=True, clusters=count, groups=RANDOM_GROUPS)
    for _ in range(runs):
        groups, positive = dealt(random, count), random.random(count) < 0.2
        scores = math.sqrt(icc) * random.normal(size=count) + gap * positive
        scores = scores + math.sqrt(1 - icc) * random.normal(size=(3, count))
        tables = np.zeros((RANDOM_GROUPS, 3, EDGES.size + 2))
        for row in np.searchsorted(EDGES, scores):
            np.add.at(tables, (groups, positive.astype(int), row), 1.0)
        found += asked_of("pass", measure_arrays(metric, tables, (), rows).confidence, truth, "lower")
    return Found(found / runs, runs)


# -- other functions of a count table ------------------------------------------------------------------


def _functions(quick: bool, part: float) -> list[Study]:
    runs = 60 if quick else drawn(300, part)
    grid = [
        (name, n, positive, recall, specificity)
        for name in ("balanced_accuracy", "mcc", "f_beta(beta=2)")
        for n in ([60] if quick else [60, 300])
        for positive in ([0.2] if quick else [0.05, 0.3])
        for recall, specificity in (
            [(0.98, 0.98)] if quick else [(0.7, 0.8), (0.9, 0.95), (0.98, 0.98), (0.95, 0.7)]
        )
    ]
    several = (
        []
        if quick
        else [
            (name, n, accuracy)
            for name in ("f1(average=macro)", "balanced_accuracy", "mcc")
            for n in (100, 400)
            for accuracy in (0.7, 0.95)
        ]
    )

    def of_two(asked: str) -> tuple[Scenario, ...]:
        return tuple(
            Scenario(
                f"{name}, n = {n}, {positive:.0%} positive, recall {recall:g}, specificity {specificity:g}",
                partial(function, asked, name, n, two_classes(positive, recall, specificity), runs),
            )
            for name, n, positive, recall, specificity in grid
        )

    def of_five(asked: str) -> tuple[Scenario, ...]:
        return tuple(
            Scenario(
                f"{name}, five classes, n = {n}, {accuracy:.0%} right",
                partial(function, asked, name, n, five_classes(accuracy), runs),
            )
            for name, n, accuracy in several
        )

    return [
        Study(
            "function",
            "Balanced accuracy, Matthews, F-beta, macro averages",
            "false_pass",
            CLOSE,
            of_two("pass") + of_five("pass"),
            ("Dirichlet draws, worst cell",),
        ),
        Study(
            "function_shown",
            "Balanced accuracy, Matthews, F-beta, macro averages",
            "coverage",
            MOST_COUNTED,
            of_two("cover") + of_five("cover"),
        ),
    ]


def two_classes(positive: float, recall: float, specificity: float) -> tuple[float, ...]:
    """Return the chances of a two-class confusion table, row by row."""
    negative = 1 - positive
    return (
        negative * specificity,
        negative * (1 - specificity),
        positive * (1 - recall),
        positive * recall,
    )


def five_classes(accuracy: float) -> tuple[float, ...]:
    """Return the chances of a confusion table of five classes, from half of all cases to 3 in 100."""
    weights = np.array([0.5, 0.25, 0.15, 0.07, 0.03])
    confusion = np.full((5, 5), (1 - accuracy) / 4)
    np.fill_diagonal(confusion, accuracy)
    return tuple((weights[:, None] * confusion).ravel().tolist())


def function(asked: str, name: str, n: int, chances: tuple[float, ...], runs: int) -> Found:
    """Rate of a function of the confusion table."""
    classes = math.isqrt(len(chances))
    metric = class_metric(name, classes)
    truth = float(metric.value(padded(np.reshape(chances, (classes, classes))), ()))
    tables = generator("function", name, n, chances).multinomial(n, chances, size=runs)
    # What cannot be measured cannot pass; such samples are left out of coverage.
    shaped = tables.reshape(runs, classes, classes)
    shaped = shaped[np.isfinite(metric.value(padded(shaped.astype(float)), ()))]
    found = rated(
        asked,
        shaped,
        lambda t: metric.confidence(padded(t.astype(float))[None], (), False),
        truth,
        "lower",
    )
    return found if asked == "cover" else Found(found.rate * len(shaped) / runs, runs)


# -- means ---------------------------------------------------------------------------------------------


def _means(quick: bool, part: float) -> list[Study]:
    runs = 1000 if quick else drawn(10_000, part)
    counts = [20, 100] if quick else [20, 30, 50, 100, 200, 500, 2000]

    def of(kind: str, asked: str, sizes: list[int], known: str, side: Side) -> tuple[Scenario, ...]:
        named = {"skewed": SKEWED, "heavy": HEAVY, "ranged": RANGED}[kind]
        return tuple(
            Scenario(
                f"{words}, n = {n}, {known}, {'at most' if side == 'upper' else 'at least'}"
                if asked == "pass"
                else f"{words}, n = {n}, {known}",
                partial(mean, asked, kind, words, n, known, side, max(1000, min(runs, 8_000_000 // n))),
            )
            for words in named
            for n in sizes
        )

    both = [10, 100] if quick else [10, 20, 50, 200, 1000]
    return [
        Study(
            "mean_of_unknown_range",
            "Mean of numbers without a known largest value",
            "false_pass",
            CLOSE,
            of("skewed", "pass", counts, "range unknown", "upper")
            + of("skewed", "pass", counts, "floor 0", "upper")
            + of("skewed", "pass", counts, "floor 0", "lower"),
            ("t, guarded against skewness",),
            note="Below 20 values there is no bound: the gate is not proven.",
        ),
        Study(
            "mean_of_heavy_tails",
            "The same with heavier tails, for which no method is honest",
            "false_pass",
            CLOSE,
            of("heavy", "pass", counts, "range unknown", "upper")
            + of("heavy", "pass", counts, "floor 0", "upper"),
            ("t, guarded against skewness",),
            promised=False,
            note="Gate a quantile, or a mean whose range is known: both have exact or close bounds.",
        ),
        Study(
            "mean_of_known_range",
            "Mean of numbers between a known smallest and largest value",
            "false_pass",
            CLOSE,
            of("ranged", "pass", both, "from 0 to 1", "lower")
            + of("ranged", "pass", both, "from 0 to 1", "upper"),
            ("t, guarded by the range",),
        ),
        Study(
            "mean_shown",
            "Mean, range unknown or from 0 up, 30 values or more",
            "coverage",
            MOST_COUNTED,
            of("skewed", "cover", [n for n in counts if n >= 30], "range unknown", "upper")
            + of("skewed", "cover", [n for n in counts if n >= 30], "floor 0", "upper"),
            note="Below 30 values the record says that the interval says little.",
        ),
        Study(
            "mean_of_heavy_tails_shown",
            "Mean with heavier tails",
            "coverage",
            MOST_COUNTED,
            of("heavy", "cover", counts, "floor 0", "upper"),
            promised=False,
        ),
        Study(
            "mean_of_known_range_shown",
            "Mean between a known smallest and largest value",
            "coverage",
            MOST_COUNTED,
            of("ranged", "cover", both, "from 0 to 1", "upper"),
        ),
        Study(
            "quantile_shown",
            "Quantile in bins half a percent wide: order statistics",
            "coverage",
            MOST_COUNTED,
            tuple(
                Scenario(f"{part:.0%} quantile, n = {n}", partial(quantile, part, n, 300 if quick else 3000))
                for part in (0.5, 0.95, 0.99)
                for n in ([100] if quick else [30, 100, 500, 2000])
            ),
        ),
    ]


def mean(asked: str, kind: str, words: str, n: int, known: str, side: Side, runs: int) -> Found:
    """Rate of a mean of one kind of numbers."""
    draw, truth = {"skewed": SKEWED, "heavy": HEAVY, "ranged": RANGED}[kind][words]
    floor = None if known == "range unknown" else 0.0
    ceiling = 1.0 if known == "from 0 to 1" else None
    random, found, left = generator("mean", kind, words, n), 0, runs
    while left:
        now = min(left, max(1, 2_000_000 // n))
        values = draw(random, (now, n))
        for total, squares in zip(values.sum(axis=1), (values**2).sum(axis=1), strict=True):
            confidence = Mean(float(total), float(squares), n, floor, ceiling)
            found += asked_of(asked, confidence, truth, side)
        left -= now
    return Found(found / runs, runs)


def quantile(part: float, n: int, runs: int) -> Found:
    """Coverage of the interval of a quantile of lognormal numbers in narrow bins."""
    edges = np.exp(0.005 * np.arange(-1600, 1601))
    truth, random, found = math.exp(float(special.ndtri(part))), generator("quantile", part, n), 0
    for _ in range(runs):
        places = np.searchsorted(edges, random.lognormal(size=n))
        confidence = BinnedQuantile(np.bincount(places, minlength=edges.size).astype(float), edges, part)
        found += asked_of("cover", confidence, truth, "upper")
    return Found(found / runs, runs)


# -- areas and calibration -----------------------------------------------------------------------------


def _areas(quick: bool, part: float) -> list[Study]:
    runs = 200 if quick else drawn(2000, part)
    grid = [
        (positive, negative, gap)
        for positive, negative in (
            [(50, 200)] if quick else [(20, 200), (50, 50), (50, 1000), (200, 200), (500, 2000)]
        )
        for gap in ([2.0] if quick else [0.3, 0.75, 2.0, 3.0])
    ]

    def words(positive: int, negative: int, gap: float) -> str:
        return f"{positive} positive and {negative} negative cases, area {true_area(gap):.3f}"

    def of(name: str, asked: str, side: Side) -> tuple[Scenario, ...]:
        said = "" if asked == "cover" else (", at least" if side == "lower" else ", at most")
        return tuple(Scenario(words(*at) + said, partial(area, name, asked, *at, side, runs)) for at in grid)

    return [
        Study(
            "auc",
            "Area under the ROC curve",
            "false_pass",
            CLOSE,
            of("auc", "pass", "lower") + of("auc", "pass", "upper"),
            ("DeLong, one worst case per class",),
        ),
        Study("auc_shown", "Area under the ROC curve", "coverage", MOST_COUNTED, of("auc", "cover", "lower")),
        Study(
            "average_precision",
            "Average precision",
            "false_pass",
            CLOSE,
            of("average_precision", "pass", "lower"),
            (),
        ),
        Study(
            "average_precision_shown",
            "Average precision",
            "coverage",
            MOST_COUNTED,
            of("average_precision", "cover", "lower"),
        ),
    ]


def true_area(gap: float) -> float:
    """Return the area for normal scores whose classes are so far apart."""
    return float(special.ndtr(gap / math.sqrt(2)))


def true_precision(positive: int, negative: int, gap: float) -> float:
    """Return the average precision of an endless sample of normal scores with the same mix of classes."""
    at = np.linspace(-6, gap + 6, 20_001)
    found, alarms = special.ndtr(gap - at) * positive, special.ndtr(-at) * negative
    precision = found / (found + alarms)
    density = np.exp(-((at - gap) ** 2) / 2) / math.sqrt(2 * math.pi)
    return float(np.trapezoid(precision * density, at))


def area(name: str, asked: str, positive: int, negative: int, gap: float, side: Side, runs: int) -> Found:
    """Rate of an area under a curve of normal scores."""
    random, found = generator("area", positive, negative, gap), 0
    truth = true_area(gap) if name == "auc" else true_precision(positive, negative, gap)
    for _ in range(runs):
        scores = np.concatenate([random.normal(gap, 1, positive), random.normal(0, 1, negative)])
        hits = (np.argsort(scores) < positive).astype(float)
        confidence: Confidence = AreaUnderCurve(hits, 1 - hits)
        if name != "auc":
            confidence = AveragePrecision(hits, 1 - hits, float(average_precision(hits, 1 - hits)[0]))
        found += asked_of(asked, confidence, truth, side)
    return Found(found / runs, runs)


TRUTHS = {
    "perfect": lambda p: p,
    "five points too low": lambda p: np.clip(p + 0.05, 0, 1),
    "overconfident": lambda p: 0.5 + 0.8 * (p - 0.5),
    "wrong where it is surest": lambda p: np.where(p == p.max(), p - 0.3, p),
}


def _calibration(quick: bool, part: float) -> list[Study]:
    runs = 40 if quick else drawn(300, part)
    grid = [
        (n, words)
        for n in ([1000] if quick else [300, 1000, 5000])
        for words in (["five points too low"] if quick else TRUTHS)
    ]

    def of(asked: str) -> tuple[Scenario, ...]:
        return tuple(Scenario(f"n = {n}, {w}", partial(calibration, asked, n, w, runs)) for n, w in grid)

    return [
        Study(
            "calibration",
            "Calibration error",
            "false_pass",
            CLOSE,
            of("pass"),
            ("Dirichlet draws, worst cell",),
        ),
        Study("calibration_shown", "Calibration error", "coverage", MOST_COUNTED, of("cover")),
    ]


def calibration(asked: str, n: int, words: str, runs: int) -> Found:
    """Rate of the calibration error over 15 bins of equal width and equal use."""
    random, found = generator("calibration", n, words), 0
    predicted = (np.arange(15) + 0.5) / 15
    actual = TRUTHS[words](predicted)
    truth = float(np.sqrt(np.mean((predicted - actual) ** 2)))
    for _ in range(runs):
        cases = random.multinomial(n, np.full(15, 1 / 15))
        happened, held = random.binomial(cases, actual), cases > 0
        table = np.column_stack([cases - happened, happened])[held].ravel()
        value = float(debiased_calibration_error(cases, cases * predicted, happened))
        confidence = TableFunction(table, resampled_calibration_error(predicted[held]), value)
        found += asked_of(asked, confidence, truth, "upper")
    return Found(found / runs, runs)
