"""The contract of a metric, its four shapes, and how each shape becomes a confidence distribution."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shipworthy.define.rules import FORMS, GROUP_FORMS, Call
from shipworthy.errors import UsageError, nearest
from shipworthy.evidence.frame import Frame
from shipworthy.registry import Registry
from shipworthy.stats.confidence import (
    ClusterRatio,
    Confidence,
    CountTableMean,
    Mean,
    Normal,
    Proportion,
    TableFunction,
)
from shipworthy.stats.design import design_effect, jackknife_error
from shipworthy.tables.row_plan import FORMER_RANDOM_GROUPS, MOST_GROUPS, RANDOM_GROUPS
from shipworthy.tables.totals import Total

__all__ = [
    "METRICS",
    "CellFunction",
    "CellMean",
    "Definition",
    "Metric",
    "RowMean",
    "Spread",
    "Unmeasurable",
    "design_effect",
    "metric",
]

#: Below so many rows a function of a count table passes at its bar more often than stated (12% at two rows).
FEWEST_DRAWN = 10

Floats = NDArray[np.float64]
Better = Literal["higher", "lower"]


class Unmeasurable(Exception):
    """Why a metric cannot be measured on these rows; it becomes an unknown estimate."""


@dataclass(frozen=True)
class Metric:
    """One metric, bound to one frame.

    Args:
        name: As written in a rule, such as "recall" or "ndcg@10".
        unit: "share", "money", "ms", "points" or "number".
        better: The direction that is better.
        total: What it needs from the rows.
        smallest_n: Below this many units its interval says little, and it says so.
        explored: Whether slices are set against their complement by it.
        wider: The same in wider bins, which tell the effect of clusters; None where its own bins serve.
        settling: The extra pass over the rows that tells its value without bins, asked for only where what
            the bins leave open could change an answer; None where there is none or it bins nothing.
    """

    name: str
    unit: str
    better: Better
    total: Total
    smallest_n: int = field(default=30, kw_only=True)
    explored: bool = field(default=True, kw_only=True)
    wider: Metric | None = field(default=None, kw_only=True)
    settling: Total | None = field(default=None, kw_only=True)

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the metric, for any number of leading axes.

        Args:
            counts: (..., *sizes) counts by key.
            sums: One array of the same shape per sum of the total.

        Returns:
            (...) values; NaN where there is nothing to measure.
        """
        raise NotImplementedError

    def units(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the number of units the value rests on, for any number of leading axes."""
        axes = tuple(range(counts.ndim - len(self.total.by), counts.ndim))
        return np.asarray(counts.sum(axis=axes))

    def binning_error(self, counts: Floats) -> float:
        """Return the largest error that binned scores can have made, 0 where nothing is binned.

        Args:
            counts: (*sizes) counts.
        """
        return 0.0

    def settled(self, binned: Confidence, totals: Sequence[float]) -> Confidence:
        """Return the confidence distribution of the exact pass.

        Args:
            binned: What the bins gave, which tells by how much clusters and weights shrink the count.
            totals: Sums of the exact pass.
        """
        raise NotImplementedError

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return the confidence distribution where rows are independent units.

        Args:
            counts: (*sizes) counts, possibly divided by a design effect.
            sums: One array of that shape per sum, divided likewise.
        """
        raise NotImplementedError

    @property
    def extremes(self) -> tuple[float, float] | None:
        """Smallest and largest value that one further row can have; None where it is no mean of rows."""
        return None

    def with_further(self, counts: Floats, low: int, high: int) -> Confidence:
        """Return the distribution of independent rows and of further ones at either extreme.

        Args:
            counts: (*sizes) counts.
            low: Further rows with the smallest possible value.
            high: Further rows with the largest.
        """
        raise NotImplementedError

    def effect(self, counts: Floats, sums: tuple[Floats, ...]) -> float:
        """Return by how much clusters shrink the count, from groups of them.

        Args:
            counts: (groups, *sizes) counts.
            sums: (groups, *sizes) sums.

        Raises:
            Unmeasurable: Where the groups are too few.
        """
        raise NotImplementedError

    def confidence(self, counts: Floats, sums: tuple[Floats, ...], clustered: bool) -> Confidence:
        """Return the confidence distribution of one population.

        Args:
            counts: (groups, *sizes) counts.
            sums: (groups, *sizes) sums.
            clustered: Whether the groups are needed for the interval.

        Raises:
            Unmeasurable: Where there is nothing to measure.
        """
        whole, whole_sums = counts.sum(axis=0), tuple(part.sum(axis=0) for part in sums)
        if not float(self.units(whole, whole_sums)) > 0:
            raise Unmeasurable(self._empty(whole))
        if not np.isfinite(self.value(whole, whole_sums)):
            raise Unmeasurable(self._empty(whole))
        if not clustered:
            return self.independent(whole, whole_sums)
        return self._clustered(counts, sums, whole, whole_sums)

    def confidence_by(self, counts: Floats, sums: tuple[Floats, ...], spread: Spread) -> Confidence:
        """Return the distribution of one population whose groups are kept apart in wider bins.

        Args:
            counts: (1, *sizes) counts.
            sums: (1, *sizes) sums.
            spread: The groups.

        Raises:
            Unmeasurable: Where there is nothing to measure.
        """
        self.confidence(counts, sums, clustered=False)
        effect = spread.metric.effect(spread.counts, spread.sums)
        return self.confidence(counts / effect, tuple(part / effect for part in sums), clustered=False)

    def _empty(self, whole: Floats) -> str:
        return "no row has what it needs"

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        value, error, groups = jackknife(self, counts, sums)
        return Normal(value, error, max(groups - 1, 1), f"jackknife over {groups} groups of clusters, t")


@dataclass(frozen=True, eq=False)
class Spread:
    """Groups of clusters, kept apart in wider bins.

    Args:
        metric: The metric in those bins.
        counts: (groups, *sizes) counts.
        sums: (groups, *sizes) sums.
    """

    metric: Metric
    counts: Floats
    sums: tuple[Floats, ...]


def jackknife(metric: Metric, counts: Floats, sums: tuple[Floats, ...]) -> tuple[float, float, int]:
    """Return value, delete-a-group standard error and number of occupied groups.

    Source:
        Kott (2001), The delete-a-group jackknife, Journal of Official Statistics 17:521-526.
    """
    axes = tuple(range(1, counts.ndim))
    occupied = counts.sum(axis=axes) > 0
    parts, part_sums = counts[occupied], tuple(part[occupied] for part in sums)
    whole, whole_sums = parts.sum(axis=0), tuple(part.sum(axis=0) for part in part_sums)
    groups = int(occupied.sum())
    value = float(metric.value(whole, whole_sums))
    if groups < 2:
        raise Unmeasurable("all rows belong to one cluster, so there is no interval")
    left_out = metric.value(
        whole - parts, tuple(whole - part for whole, part in zip(whole_sums, part_sums, strict=True))
    )
    left_out = left_out[np.isfinite(left_out)]
    if len(left_out) < 2:
        raise Unmeasurable("too few clusters hold what it needs")
    return value, jackknife_error(left_out), groups


@dataclass(frozen=True, eq=False)
class CellMean(Metric):
    """A mean of fixed values over the cells of a count table: every rate and every cost.

    Args:
        values: (*sizes) value of each cell.
        among: (*sizes) whether the cell counts at all.
        possible: Smallest and largest possible value.
        empty: Why there may be nothing to measure.
    """

    values: Floats
    among: NDArray[np.bool_]
    possible: tuple[float, float] = (0.0, 1.0)
    empty: str = "no row has what it needs"

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the mean over the cells that count."""
        axes = self._axes(counts)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((counts * self.values * self.among).sum(axis=axes)) / self.units(counts, sums)

    def units(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the count over the cells that count."""
        return np.asarray((counts * self.among).sum(axis=self._axes(counts)))

    @property
    def is_rate(self) -> bool:
        """Whether values are 0 and 1 only, so that it is a plain proportion."""
        return bool(np.isin(self.values[self.among], (0.0, 1.0)).all())

    def trials(self, counts: Floats) -> tuple[float, float]:
        """Return successes and trials of a rate.

        Args:
            counts: (*sizes) counts.
        """
        return float((counts * self.values * self.among).sum()), float((counts * self.among).sum())

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return the exact binomial for a rate, the worst-cell Dirichlet otherwise."""
        if self.is_rate:
            return Proportion(*self.trials(counts))
        return CountTableMean(counts[self.among], self.values[self.among], self.possible)

    @property
    def extremes(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return self.possible

    def with_further(self, counts: Floats, low: int, high: int) -> Confidence:
        """Return what `independent` gives with further rows at either extreme."""
        if self.is_rate:
            successes, n = self.trials(counts)
            return Proportion(successes + high, n + low + high)
        return CountTableMean(
            np.append(counts[self.among], [float(low), float(high)]),
            np.append(self.values[self.among], self.possible),
            self.possible,
        )

    def _empty(self, whole: Floats) -> str:
        return self.empty

    def _axes(self, counts: Floats) -> tuple[int, ...]:
        return tuple(range(counts.ndim - self.values.ndim, counts.ndim))

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        axes = tuple(range(1, counts.ndim))
        sizes = (counts * self.among).sum(axis=axes)
        totals = (counts * self.values * self.among).sum(axis=axes)
        if are_clusters(len(counts)) and np.count_nonzero(sizes) > 1:
            return ClusterRatio(totals[sizes > 0], sizes[sizes > 0], *self.possible)
        _value, error, _groups = jackknife(self, counts, sums)
        naive = self.independent(whole, whole_sums)
        effect = design_effect(error, naive.standard_error, float(sizes.sum()), self.events(whole))
        return self.independent(whole / effect, whole_sums)

    def events(self, whole: Floats) -> float:
        """Return the rarer count of a rate, or the count of rows away from the commonest value."""
        inside = (whole * self.among)[self.among]
        values = self.values[self.among]
        commonest = values[int(np.argmax(inside))] if inside.size else 0.0
        return float(inside[values != commonest].sum())


def are_clusters(groups: int) -> bool:
    """Return whether each group is one cluster, so that cluster means can be resampled themselves.

    Args:
        groups: Number of groups; with many clusters, groups hold several each, dealt at random.
    """
    return groups <= MOST_GROUPS and groups not in (RANDOM_GROUPS, FORMER_RANDOM_GROUPS)


@dataclass(frozen=True, eq=False)
class CellFunction(Metric):
    """A function of a count table that is no mean: F1, balanced accuracy.

    Args:
        function: (..., *sizes) counts -> (...) values.
        exact: Where the function is a monotone map of one proportion: counts -> that proportion and the map.
        empty: Why there may be nothing to measure.
        possible: Counts -> (*sizes) which empty cells may yet be filled; none where left out, which calls a
            perfect table certain.
    """

    function: Callable[[Floats], Floats]
    exact: Callable[[Floats], Confidence] | None = None
    empty: str = "no row has what it needs"
    possible: Callable[[Floats], NDArray[np.bool_]] | None = None

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the function of the table."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.function(counts), dtype=float)

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return the exact map where there is one, Dirichlet draws of the table otherwise."""
        if self.exact is not None:
            return self.exact(counts)
        if float(counts.sum()) < FEWEST_DRAWN:
            raise Unmeasurable(f"fewer than {FEWEST_DRAWN} independent rows give it no honest bound")
        held = (counts > 0) | (False if self.possible is None else self.possible(counts))

        def of_draws(draws: Floats) -> Floats:
            tables = np.zeros((draws.shape[0], *counts.shape))
            tables[:, held] = draws
            return self.value(tables, ())

        return TableFunction(counts[held], of_draws, float(self.value(counts, ())))

    def _empty(self, whole: Floats) -> str:
        return self.empty

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        _value, error, _groups = jackknife(self, counts, sums)
        naive = self.independent(whole, whole_sums).standard_error
        effect = design_effect(error, naive, float(whole.sum()), float(whole.sum() - whole.max()))
        return self.independent(whole / effect, whole_sums)


@dataclass(frozen=True, eq=False)
class RowMean(Metric):
    """A mean of a number per unit; its total sums the number, its square, and its presence.

    Args:
        floor: Smallest possible number; None where there is none.
        ceiling: Largest possible number; None where there is none.
        expression: The number, as an expression over the rows.
        empty: Why there may be nothing to measure.
    """

    floor: float | None = None
    ceiling: float | None = None
    expression: Callable[[Frame], str] | None = None
    empty: str = "no row has a number"

    @staticmethod
    def sums_of(expression: str) -> tuple[str, str, str]:
        """Return the three sums a mean needs."""
        return (
            f"({expression})",
            f"({expression}) * ({expression})",
            f"CASE WHEN ({expression}) IS NULL THEN 0 ELSE 1 END",
        )

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the mean over the rows that have the number."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[0] / sums[2])

    def units(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the number of rows that have the number."""
        return np.asarray(sums[2])

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return the t interval with its small-sample guard."""
        n = float(sums[2])
        if n < 2:
            raise Unmeasurable("one row gives no interval")
        return Mean(float(sums[0]), float(sums[1]), n, self.floor, self.ceiling)

    def _empty(self, whole: Floats) -> str:
        return self.empty

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        if self.floor is not None and self.ceiling is not None and are_clusters(len(counts)):
            sizes = sums[2]
            if np.count_nonzero(sizes) > 1:
                return ClusterRatio(sums[0][sizes > 0], sizes[sizes > 0], self.floor, self.ceiling)
        _value, error, _groups = jackknife(self, counts, sums)
        naive, n = self.independent(whole, whole_sums), float(whole_sums[2])
        # Two effective rows are the fewest that have a spread.
        effect = min(design_effect(error, naive.standard_error, n, n), n / 2)
        return self.independent(whole / effect, tuple(part / effect for part in whole_sums))


@dataclass(frozen=True)
class Definition:
    """A catalogue entry.

    Args:
        name: Name in the catalogue, with its parameter where it has one ("ndcg@k").
        make: Binds it to a call and a frame; raises Unmeasurable where columns are missing.
        unit: Unit of its value.
        better: The direction that is better.
        columns: Roles it needs.
        unit_of_total: What one unit of its total is.
        interval: How the shown interval is made.
        gate: How the bound a gate uses is made.
        source: Where the formula comes from.
        example: A rule that uses it.
        smallest_n: Below this many units its interval says little.
        forms: Further rules that use it, where it can be written in several ways.
        numbers: Columns it reads as numbers: by name, or the place of the argument that names one.
        texts: Columns it compares as text, likewise.
    """

    name: str
    make: Callable[[Call, Frame], Metric]
    unit: str
    better: Better
    columns: tuple[str, ...]
    unit_of_total: str
    interval: str
    gate: str
    source: str
    example: str
    smallest_n: int
    forms: tuple[str, ...] = ()
    numbers: tuple[int | str, ...] = ()
    texts: tuple[int | str, ...] = ()

    @property
    def definition(self) -> str:
        """What it is, in words."""
        return " ".join((self.make.__doc__ or "").split())


METRICS: Registry[Definition] = Registry("metric", "shipworthy.evidence.metrics")


def metric(
    name: str,
    *,
    unit: str = "share",
    better: Better = "higher",
    columns: tuple[str, ...] = (),
    unit_of_total: str = "row",
    interval: str = "Wilson, exact (Clopper-Pearson) below ten successes or failures",
    gate: str = "exact one-sided Clopper-Pearson",
    source: str,
    example: str,
    smallest_n: int = 30,
    forms: tuple[str, ...] = (),
    numbers: tuple[int | str, ...] = (),
    texts: tuple[int | str, ...] = (),
) -> Callable[[Callable[[Call, Frame], Metric]], Callable[[Call, Frame], Metric]]:
    """File a function that makes a metric; its docstring is the definition.

    Args:
        name: Name in the catalogue.
        unit: Unit of its value.
        better: The direction that is better.
        columns: Roles it needs.
        unit_of_total: What one unit of its total is.
        interval: How the shown interval is made.
        gate: How the bound a gate uses is made.
        source: Where the formula comes from.
        example: A rule that uses it.
        smallest_n: Below this many units its interval says little.
        forms: Further rules that use it, where it can be written in several ways.
        numbers: Columns it reads as numbers: by name, or the place of the argument that names one.
        texts: Columns it compares as text, likewise.
    """

    def file_it(make: Callable[[Call, Frame], Metric]) -> Callable[[Call, Frame], Metric]:
        METRICS.register(name)(
            Definition(
                name,
                make,
                unit,
                better,
                columns,
                unit_of_total,
                interval,
                gate,
                source,
                example,
                smallest_n,
                forms,
                numbers,
                texts,
            )
        )
        return make

    return file_it


def find_definition(name: str) -> Definition | None:
    """Return the catalogue entry a written name belongs to: ndcg@10 -> ndcg@k; None where there is none."""
    if name in METRICS:
        return METRICS.get(name)
    for mark, stem in (("@", "@k"), ("^", "^k")):
        if mark in name and name.split(mark)[0] + stem in METRICS:
            return METRICS.get(name.split(mark)[0] + stem)
    parts = name.split("_")
    if len(parts) == 3 and parts[1][:1] == "p" and parts[1][1:].isdigit():
        stem = f"{parts[0]}_pN_{parts[2]}"
        return METRICS.get(stem) if stem in METRICS else None
    return None


#: Names that other tools give to a metric -> its name here.
SYNONYMS = {
    "false_positive_rate": "fpr",
    "false_alarm_rate": "fpr",
    "fall_out": "fpr",
    "false_negative_rate": "fnr",
    "miss_rate": "fnr",
    "tpr": "recall",
    "true_positive_rate": "recall",
    "sensitivity": "recall",
    "tnr": "specificity",
    "true_negative_rate": "specificity",
    "selectivity": "specificity",
    "ppv": "precision",
    "positive_predictive_value": "precision",
    "positive_rate": "selection_rate",
    "approval_rate": "selection_rate",
    "acceptance_rate": "selection_rate",
    "acc": "accuracy",
    "f1_score": "f1",
    "f_score": "f1",
    "auroc": "auc",
    "roc_auc": "auc",
    "auc_roc": "auc",
    "pr_auc": "average_precision",
    "auprc": "average_precision",
    "brier_score": "brier",
    "ece": "calibration_error",
    "mean_absolute_error": "mae",
    "root_mean_squared_error": "rmse",
    "cross_entropy": "log_loss",
}


def unknown_metric(name: str, scorers: Iterable[str]) -> UsageError:
    """Return the error for a name that is no metric and no scorer.

    Args:
        name: The name as written.
        scorers: Ids of the spec's scorers.
    """
    same = SYNONYMS.get(re.sub(r"[^a-z0-9]+", "_", name.lower()))
    known = [*METRICS.names(), *FORMS, *GROUP_FORMS, *scorers]
    hint = f"Did you mean {same!r}?" if same is not None else nearest(name, known)
    return UsageError(
        f"No metric or scorer named {name!r}.", fix=f"{hint} `shipworthy metrics` lists them all."
    )


def bind(call: Call, frame: Frame) -> Metric:
    """Return the metric a rule names, bound to rows.

    Args:
        call: The metric call, such as recall or mean(reward).
        frame: The rows.

    Returns:
        The metric.

    Raises:
        UsageError: If no metric and no scorer has the name, or its arguments are wrong.
        Unmeasurable: If the rows lack a column it needs.
    """
    definition = find_definition(call.name)
    if definition is None and call.name in frame.scorers:
        return METRICS.get("pass_rate").make(Call("pass_rate", (call.name,)), frame)
    if definition is None:
        raise unknown_metric(call.name, frame.scorers)
    for column in definition.columns:
        if not frame.has(column):
            raise Unmeasurable(f"the rows have no {column}")
    return definition.make(call, frame)
