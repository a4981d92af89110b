"""Whether it works every time: metrics over the repeats of a case."""

from __future__ import annotations

from math import comb

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import CellMean, Metric, Unmeasurable, metric
from shipworthy.evidence.metrics.ranking import cutoff
from shipworthy.tables.totals import Grain, Key, Total

MOST_REPEATS = 128


@metric(
    "pass^k",
    unit_of_total="case",
    interval="Dirichlet(1/2) draws over cases by (repeats, passes)",
    gate="Dirichlet posterior over cases with one pseudo-count on the worst case",
    source="C(c, k) / C(n, k) averaged over cases; Yao et al. (2024), tau-bench, arXiv:2406.12045",
    example="pass^3 >= 70%",
)
def pass_power_k(call: Call, frame: Frame) -> Metric:
    """Chance that k repeats of a case all succeed, averaged over cases with at least k repeats."""
    k = cutoff(call)
    if not frame.has("ok"):
        raise Unmeasurable("no row is right or wrong")
    if k > MOST_REPEATS:
        raise Unmeasurable(f"at most {MOST_REPEATS} repeats are counted")
    inner = (
        "SELECT {population} AS p, any_value(g) AS g, any_value(w) AS w, case_id, "
        f"least(count(*), {MOST_REPEATS}) AS n, least(sum({frame.column('ok')}), {MOST_REPEATS}) AS c "
        "FROM coded WHERE {where} GROUP BY 1, case_id"
    )
    size = MOST_REPEATS + 1
    values = np.zeros((size + 1, size + 1))
    among = np.zeros((size + 1, size + 1), dtype=bool)
    for n in range(k, size):
        among[n, : n + 1] = True
        for c in range(k, n + 1):
            values[n, c] = comb(c, k) / comb(n, k)
    by = (Key("n", "n", size), Key("c", "c", size))
    return CellMean(
        str(call),
        "share",
        "higher",
        Total(by=by, grain=Grain("case", inner)),
        values,
        among,
        empty=f"no case has {k} repeats",
    )
