"""A metric on two systems over the cases they share, as one paired difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shipworthy.define.rules import Call
from shipworthy.evidence.estimating import measure_arrays, profile_at
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.judging import JudgedDifference, JudgedRate
from shipworthy.evidence.metric import (
    CellFunction,
    CellMean,
    Floats,
    Metric,
    RowMean,
    Spread,
    Unmeasurable,
    are_clusters,
    bind,
    jackknife,
)
from shipworthy.evidence.metrics.latency import LatencyQuantile
from shipworthy.stats.confidence import (
    ClusterRatio,
    Confidence,
    CountTableMean,
    Difference,
    Normal,
)
from shipworthy.stats.design import design_effect, jackknife_error
from shipworthy.stats.paired import PairedProportion
from shipworthy.tables.row_plan import RowsProfile
from shipworthy.tables.totals import Ask, Split, Table, Total

__all__ = ["PairedMetric", "PairedPart", "bind_pair"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PairedPart:
    """One paired difference on one population.

    Args:
        ours: The subject's confidence on the shared rows.
        theirs: The other system's.
        delta: Ours less theirs.
        n: Shared units.
        discordant: (gained, lost) rows of a rate; None where it is no rate.
        blur: Largest error that binning can have made in the difference.
    """

    ours: Confidence
    theirs: Confidence
    delta: Confidence
    n: int
    discordant: tuple[float, float] | None = None
    blur: float = 0.0


@dataclass(frozen=True, eq=False)
class PairedMetric:
    """A metric bound to both sides of a pair.

    Args:
        ours: Bound to the subject's columns.
        theirs: Bound to the other system's columns.
        frame: The subject's frame.
        joint: The total that serves counts of both; None where each side has its own.
        wider: Both sides in wider bins, of which groups of cases are left out in turn where rows are many:
            the spread needs less detail than the value, and many groups of narrow bins are large.
    """

    ours: Metric
    theirs: Metric
    frame: Frame
    joint: Total | None
    wider: tuple[Metric, Metric] | None = None

    @property
    def profile(self) -> RowsProfile:
        """The subject's profile."""
        return self.frame.profile

    def asks(self, split: Split) -> list[Ask]:
        """Return what has to be asked of the paired rows."""
        by_group = self._needs_groups and self._wider is None
        if self.joint is not None:
            return [Ask(self.joint, split, by_group)]
        asks = [Ask(side.total, split, by_group) for side in (self.ours, self.theirs)]
        if self._wider is not None:
            return [*asks, *(Ask(side.total, split) for side in self._wider)]
        return [*asks, Ask(self._of_differences(), split, by_group)] if self._subtracts_rows else asks

    @property
    def _wider(self) -> tuple[Metric, Metric] | None:
        """Both sides in wider bins, where those keep the groups of cases apart."""
        if not self._needs_groups or self.joint is not None:
            return None
        if not self.profile.clustered:
            return self.wider
        if self.ours.wider is None or self.theirs.wider is None:
            return None
        return self.ours.wider, self.theirs.wider

    @property
    def groups(self) -> int:
        """Number of cluster groups that must be kept apart."""
        return self.profile.groups if self._needs_groups else 1

    @property
    def _subtracts_rows(self) -> bool:
        return isinstance(self.ours, RowMean) and self.ours.expression is not None

    @property
    def _needs_groups(self) -> bool:
        if self.profile.clustered:
            return True
        return self.joint is None and not self._subtracts_rows and not isinstance(self.ours, LatencyQuantile)

    def _of_differences(self) -> Total:
        if not isinstance(self.ours, RowMean) or self.ours.expression is None:
            raise TypeError("only a mean of a number per row subtracts row by row")
        theirs = self.ours.expression(self.frame.other())
        return Total(sums=RowMean.sums_of(f"({self.ours.expression(self.frame)}) - ({theirs})"))

    def part(self, answers: dict[Ask, Table], split: Split, code: int | None) -> PairedPart:
        """Return the paired difference on one population.

        Args:
            answers: The answers to `asks`.
            split: The split.
            code: The population's code; None for all of them together.

        Raises:
            Unmeasurable: Where the two share nothing to measure.
        """
        asks = self.asks(split)
        profile = profile_at(answers[asks[0]], code, self.profile)
        seen = self if profile is self.profile else replace(self, frame=replace(self.frame, profile=profile))
        if self.joint is not None:
            counts, _sums = answers[asks[0]].at(code)
            return seen._from_cells(counts)
        return seen._from_sides([answers[ask].at(code) for ask in asks])

    # -- count tables ----------------------------------------------------------------------------------

    def _from_cells(self, counts: Floats) -> PairedPart:
        ours_axes, theirs_axes = self._axes()
        rank = counts.ndim - 1
        our_counts = counts.sum(axis=tuple(1 + axis for axis in range(rank) if axis not in ours_axes))
        their_counts = counts.sum(axis=tuple(1 + axis for axis in range(rank) if axis not in theirs_axes))
        ours = measure_arrays(self.ours, our_counts, (), self.profile)
        theirs = measure_arrays(self.theirs, their_counts, (), self.profile)
        if isinstance(self.ours, JudgedRate) and isinstance(self.theirs, JudgedRate):
            delta = self._delta_of_judged(self.ours, self.theirs, counts, ours.confidence, theirs.confidence)
            return PairedPart(ours.confidence, theirs.confidence, delta, ours.n)
        if isinstance(self.ours, CellMean) and isinstance(self.theirs, CellMean):
            table = self._linear(counts, ours_axes, theirs_axes)
            if table is not None:
                delta, discordant = self._delta_of_cells(counts, *table)
                return PairedPart(ours.confidence, theirs.confidence, delta, ours.n, discordant)
        delta = self._delta_of_function(counts, ours_axes, theirs_axes)
        return PairedPart(ours.confidence, theirs.confidence, delta, ours.n)

    def _delta_of_judged(
        self, ours: JudgedRate, theirs: JudgedRate, counts: Floats, first: Confidence, second: Confidence
    ) -> Confidence:
        """Pair on the cases labelled for both; where they are too few, take the two as independent."""
        paired = JudgedDifference(
            ours.name, ours.unit, ours.better, self.joint or ours.total, ours=ours, theirs=theirs
        )
        try:
            clustered = self.profile.clustered and counts.shape[0] > 1
            return paired.confidence(counts / self.profile.weight_effect, (), clustered)
        except Unmeasurable:
            return Difference(first, second)

    def _axes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if self.joint is None:
            raise TypeError("this pair has no joint table")
        position = {key.name: axis for axis, key in enumerate(self.joint.by)}
        return (
            tuple(position[key.name] for key in self.ours.total.by),
            tuple(position[key.name] for key in self.theirs.total.by),
        )

    def _linear(
        self, counts: Floats, ours_axes: Sequence[int], theirs_axes: Sequence[int]
    ) -> tuple[Floats, Mask] | None:
        """Return value and membership of each joint cell where the difference is a mean of fixed values."""
        if not isinstance(self.ours, CellMean) or not isinstance(self.theirs, CellMean):
            return None
        rank = counts.ndim - 1
        ours_among = _spread(self.ours.among, ours_axes, rank)
        theirs_among = _spread(self.theirs.among, theirs_axes, rank)
        held = counts.sum(axis=0) > 0
        both = np.broadcast_to(ours_among, held.shape), np.broadcast_to(theirs_among, held.shape)
        if (both[0] != both[1])[held].any():
            return None
        difference = _spread(self.ours.values, ours_axes, rank) - _spread(
            self.theirs.values, theirs_axes, rank
        )
        return np.broadcast_to(difference, held.shape), both[0] & both[1]

    def _delta_of_cells(
        self, counts: Floats, values: Floats, among: Mask
    ) -> tuple[Confidence, tuple[float, float] | None]:
        assert isinstance(self.ours, CellMean)  # noqa: S101 - narrowed by the caller
        low, high = self.ours.possible
        spread = (low - high, high - low)
        whole = counts.sum(axis=0)
        signs = np.unique(values[among])
        is_rate = bool(np.isin(signs, (-1.0, 0.0, 1.0)).all()) and self.ours.is_rate
        gained = float(whole[among & (values > 0)].sum())
        lost = float(whole[among & (values < 0)].sum())
        discordant = (gained, lost) if is_rate else None
        axes = tuple(range(1, counts.ndim))
        if self.profile.clustered and counts.shape[0] > 1:
            sizes = (counts * among).sum(axis=axes)
            totals = (counts * values * among).sum(axis=axes)
            if are_clusters(len(counts)) and np.count_nonzero(sizes) > 1:
                return ClusterRatio(totals[sizes > 0], sizes[sizes > 0], *spread), discordant
            return self._shrunk(counts, values, among, spread), discordant
        if is_rate:
            same = whole[among & (values == 0)].sum()
            right = float((whole * _both_right(self.ours, values, among, self._axes()[0]))[among].sum())
            return PairedProportion(right, gained, lost, float(same) - right), discordant
        return CountTableMean(whole[among], values[among], spread), discordant

    def _shrunk(self, counts: Floats, values: Floats, among: Mask, spread: tuple[float, float]) -> Confidence:
        whole = counts.sum(axis=0)
        mean = CellMean(
            self.ours.name,
            self.ours.unit,
            self.ours.better,
            self.joint or self.ours.total,
            values,
            among,
            spread,
        )
        _value, error, _groups = jackknife(mean, counts, ())
        naive = CountTableMean(whole[among], values[among], spread)
        events = float(whole[among & (values != 0)].sum())
        n = float(whole[among].sum())
        effect = design_effect(error, naive.standard_error, n, events, self.profile.weight_effect)
        return CountTableMean(whole[among] / effect, values[among], spread)

    def _delta_of_function(
        self, counts: Floats, ours_axes: Sequence[int], theirs_axes: Sequence[int]
    ) -> Confidence:
        rank = counts.ndim - 1
        our_rest = tuple(axis - rank for axis in range(rank) if axis not in ours_axes)
        their_rest = tuple(axis - rank for axis in range(rank) if axis not in theirs_axes)

        def difference(tables: Floats) -> Floats:
            return np.asarray(
                self.ours.value(tables.sum(axis=our_rest), ())
                - self.theirs.value(tables.sum(axis=their_rest), ())
            )

        def possible(tables: Floats) -> Mask:
            ours, theirs = (
                _possible(self.ours, tables.sum(axis=our_rest)),
                _possible(self.theirs, tables.sum(axis=their_rest)),
            )
            return np.asarray(_spread(ours, ours_axes, rank) & _spread(theirs, theirs_axes, rank))

        joint = CellFunction(
            self.ours.name,
            self.ours.unit,
            self.ours.better,
            self.joint or self.ours.total,
            difference,
            possible=possible,
        )
        clustered = self.profile.clustered and counts.shape[0] > 1
        return joint.confidence(counts / self.profile.weight_effect, (), clustered)

    # -- two sides, by groups or by rows -----------------------------------------------------------------

    def _from_sides(self, parts: list[tuple[Floats, tuple[Floats, ...]]]) -> PairedPart:
        (our_counts, our_sums), (their_counts, their_sums) = parts[0], parts[1]
        spreads: list[Spread | None] = [None, None]
        if self._wider is not None:
            spreads = [Spread(side, *part) for side, part in zip(self._wider, parts[2:], strict=True)]
        ours = measure_arrays(self.ours, our_counts, our_sums, self.profile, spreads[0])
        theirs = measure_arrays(self.theirs, their_counts, their_sums, self.profile, spreads[1])
        if isinstance(self.ours, LatencyQuantile | JudgedRate):
            # Pairing is left out: what one case gives on two systems goes together little, and never less.
            return PairedPart(
                ours.confidence, theirs.confidence, Difference(ours.confidence, theirs.confidence), ours.n
            )
        if self._subtracts_rows:
            difference = RowMean(self.ours.name, self.ours.unit, self.ours.better, self._of_differences())
            delta = measure_arrays(difference, *parts[2], self.profile)
            return PairedPart(ours.confidence, theirs.confidence, delta.confidence, delta.n)
        jackknifed = self._jackknifed(our_counts, our_sums, their_counts, their_sums, parts[2:])
        blur = ours.blur + theirs.blur
        return PairedPart(ours.confidence, theirs.confidence, jackknifed, min(ours.n, theirs.n), blur=blur)

    def _jackknifed(
        self,
        our_counts: Floats,
        our_sums: tuple[Floats, ...],
        their_counts: Floats,
        their_sums: tuple[Floats, ...],
        in_wider_bins: list[tuple[Floats, tuple[Floats, ...]]],
    ) -> Confidence:
        """Leave out one group of cases at a time, from both systems at once: pairing without a join."""
        whole = float(
            self.ours.value(our_counts.sum(axis=0), tuple(part.sum(axis=0) for part in our_sums))
        ) - float(self.theirs.value(their_counts.sum(axis=0), tuple(part.sum(axis=0) for part in their_sums)))
        ours, theirs = self.ours, self.theirs
        if self._wider is not None:
            ours, theirs = self._wider
            (our_counts, our_sums), (their_counts, their_sums) = in_wider_bins
        groups = our_counts.shape[0]
        if groups < 2:
            raise Unmeasurable("all shared rows belong to one cluster, so there is no interval")

        def without(counts: Floats, sums: tuple[Floats, ...], metric: Metric) -> Floats:
            rest = tuple(part.sum(axis=0) - part for part in sums)
            return metric.value(counts.sum(axis=0) - counts, rest)

        left_out = without(our_counts, our_sums, ours) - without(their_counts, their_sums, theirs)
        left_out = left_out[np.isfinite(left_out)]
        if len(left_out) < 2:
            raise Unmeasurable("too few shared cases hold what it needs")
        error = jackknife_error(left_out)
        return Normal(whole, error, len(left_out) - 1, f"paired jackknife over {len(left_out)} groups, t")


def bind_pair(call: Call, frame: Frame, other: RowsProfile) -> PairedMetric:
    """Bind a metric to both sides of a pair.

    Args:
        call: The metric.
        frame: The subject's frame.
        other: The other system's profile.

    Raises:
        Unmeasurable: If either side lacks a column it needs.
    """
    frame = replace(frame, paired=other)
    ours = bind(call, frame)
    try:
        bind(call, replace(frame, profile=_same_classes(other, frame.profile)))
    except Unmeasurable as error:
        raise Unmeasurable(f"the other system: {error}") from None
    theirs = bind(call, frame.other())
    joint = None
    plain = ours.total.grain.name == "row" and not ours.total.grain.inner
    sides = (ours, theirs)
    judged = all(isinstance(side, JudgedRate) and side.is_pairable for side in sides)
    if (isinstance(ours, (CellMean, CellFunction)) or judged) and plain:
        shared = {key.name for key in ours.total.by}
        by = (*ours.total.by, *(key for key in theirs.total.by if key.name not in shared))
        if int(np.prod([key.size + 1 for key in by])) <= 2_000_000:
            joint = Total(by=by)
    coarse = frame.for_slices()
    wider = (bind(call, coarse), bind(call, coarse.other())) if coarse.is_coarse else None
    return PairedMetric(ours, theirs, frame, joint, wider)


def _same_classes(other: RowsProfile, ours: RowsProfile) -> RowsProfile:
    return replace(other, classes=ours.classes, positive=ours.positive, binary=ours.binary)


def _spread(array: NDArray[Any], axes: Sequence[int], rank: int) -> NDArray[Any]:
    """Return an array over some axes as one that broadcasts over all of them."""
    shape = [1] * rank
    for axis, length in zip(axes, array.shape, strict=True):
        shape[axis] = length
    order = np.argsort(axes)
    return np.transpose(array, order).reshape(shape)


def _possible(metric: Metric, counts: Floats) -> Mask:
    """Return which cells of one side may be filled: those that are, and those the metric says may yet be."""
    filled = np.asarray(counts > 0)
    if isinstance(metric, CellFunction) and metric.possible is not None:
        return filled | metric.possible(counts)
    if isinstance(metric, CellMean):
        labelled = filled.any(axis=tuple(range(1, filled.ndim)), keepdims=True)
        ends = metric.values[metric.among].min(), metric.values[metric.among].max()
        return np.asarray(filled | (metric.among & np.isin(metric.values, ends) & labelled))
    return filled


def _both_right(ours: CellMean, values: Floats, among: Mask, axes: Sequence[int]) -> Mask:
    """Return where both sides have the value 1: ours is 1 and the difference 0."""
    mine = np.broadcast_to(_spread(ours.values, axes, values.ndim), values.shape)
    return np.asarray((mine == 1) & (values == 0) & among)
