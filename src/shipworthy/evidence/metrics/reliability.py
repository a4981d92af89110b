"""Whether it works every time, or at least once: metrics over the repeats of a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import CellMean, Floats, Metric, RowMean, Unmeasurable, metric
from shipworthy.evidence.metrics.grades import share_of
from shipworthy.evidence.metrics.ranking import cutoff
from shipworthy.evidence.metrics.scores import T_INTERVAL, better_of, number_named
from shipworthy.stats.confidence import Confidence
from shipworthy.tables.totals import Grain, Key, Total

MOST_REPEATS = 255
OVER_CASES = "Dirichlet posterior over cases with one pseudo-count on the worst case"
DRAWS_OVER_CASES = "Dirichlet draws over cases by (repeats, passes)"


def _cell(n: int, c: int) -> int:
    """Return the code of n repeats with c passes: the cells of a triangle, row by row."""
    return n * (n + 1) // 2 + c


CELLS = _cell(MOST_REPEATS + 1, 0)


@dataclass(frozen=True, eq=False)
class OverRepeats(CellMean):
    """A mean over cases of a function of repeats and passes; the slot for NULL holds too many repeats."""

    def confidence(self, counts: Floats, sums: tuple[Floats, ...], clustered: bool) -> Confidence:
        """Return the mean's distribution; refuse cases whose repeats are not told apart."""
        if counts[:, -1].sum() > 0:
            raise Unmeasurable(f"a case has more than {MOST_REPEATS} repeats")
        return super().confidence(counts, sums, clustered)


def _over_repeats(call: Call, frame: Frame, chance: Callable[[int, int, int], float]) -> Metric:
    """Return the mean over cases of `chance(n, c, k)`, for cases with n >= k repeats of which c are right."""
    k = cutoff(call)
    if not frame.has("ok"):
        raise Unmeasurable("no row is right or wrong")
    if k > MOST_REPEATS:
        raise Unmeasurable(f"at most {MOST_REPEATS} repeats are counted")
    inner = (
        "SELECT {population} AS p, min(g) AS g, min(w) AS w, case_id, count(*) AS n, "
        f"sum({frame.column('ok')}) AS c FROM coded WHERE {{where}} GROUP BY {{population}}, case_id"
    )
    code = f"CASE WHEN n <= {MOST_REPEATS} THEN CAST(n * (n + 1) / 2 + c AS INTEGER) END"
    values = np.zeros(CELLS + 1)
    among = np.zeros(CELLS + 1, dtype=bool)
    for n in range(k, MOST_REPEATS + 1):
        for c in range(n + 1):
            values[_cell(n, c)] = chance(n, c, k)
        among[_cell(n, 0) : _cell(n, n) + 1] = True
    return OverRepeats(
        str(call),
        "share",
        "higher",
        Total(by=(Key("repeats_and_passes", code, CELLS),), grain=Grain("case", inner)),
        values,
        among,
        empty=f"no case has {k} repeats",
    )


@metric(
    "pass^k",
    unit_of_total="case",
    interval=DRAWS_OVER_CASES,
    gate=OVER_CASES,
    source="C(c, k) / C(n, k) averaged over cases; Yao et al. (2024), tau-bench, arXiv:2406.12045",
    example="pass^3 >= 70%",
)
def pass_power_k(call: Call, frame: Frame) -> Metric:
    """Chance that k repeats of a case all succeed, averaged over cases with at least k repeats."""
    return _over_repeats(call, frame, lambda n, c, k: comb(c, k) / comb(n, k))


@metric(
    "pass@k",
    unit_of_total="case",
    interval=DRAWS_OVER_CASES,
    gate=OVER_CASES,
    source="1 - C(n - c, k) / C(n, k) averaged over cases; Chen et al. (2021), arXiv:2107.03374",
    example="pass@3 >= 90%",
)
def pass_at_k(call: Call, frame: Frame) -> Metric:
    """Chance that at least one of k repeats of a case succeeds, averaged over cases with at least k repeats.

    It speaks of a product that can tell which of its k tries is right; pass^k of one that cannot.
    """
    return _over_repeats(call, frame, lambda n, c, k: 1 - comb(n - c, k) / comb(n, k))


@metric(
    "worst_of_repeats",
    unit_of_total="case",
    source="Share of cases whose every repeat is right",
    example="worst_of_repeats >= 60%",
)
def worst_of_repeats(call: Call, frame: Frame) -> Metric:
    """Share of cases that are right in every one of their repeats, however many there are.

    More repeats make it harder: compare it only between systems that were asked equally often.
    """
    if not frame.has("ok"):
        raise Unmeasurable("no row is right or wrong")
    key = Key("worst", "CAST(worst AS INTEGER)", 2)
    found = share_of(str(call), key, "higher", "case")
    return CellMean(
        found.name,
        found.unit,
        found.better,
        Total(by=(key,), grain=_cases(f"min({frame.column('ok')})")),
        found.values,
        found.among,
        empty="no case is scored",
    )


@metric(
    "mean_worst",
    unit="number",
    unit_of_total="case",
    interval=f"{T_INTERVAL}, over cases",
    gate=f"{T_INTERVAL}, over cases",
    source="Mean over cases of the worst value among a case's repeats",
    example="mean_worst(reward) >= 0.1",
    numbers=(0,),
)
def mean_worst(call: Call, frame: Frame) -> Metric:
    """Mean over cases of a column's or scorer's worst value among the case's repeats.

    The worst is the smallest value; the largest where lower is better. A case without a value is left out.
    """
    if len(call.arguments) != 1:
        raise UsageError("mean_worst needs one column, as in mean_worst(reward).", fix="Name the column.")
    column = frame.column(number_named(call, 0, frame))
    better = better_of(call, frame)
    total = Total(
        sums=RowMean.sums_of("worst"), grain=_cases(f"{'min' if better == 'higher' else 'max'}({column})")
    )
    return RowMean(str(call), "number", better, total)


def _cases(worst: str) -> Grain:
    return Grain(
        "case",
        f"SELECT {{population}} AS p, min(g) AS g, min(w) AS w, case_id, {worst} AS worst "
        "FROM coded WHERE {where} GROUP BY {population}, case_id",
    )
