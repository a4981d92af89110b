"""Ranking metrics: one unit is a query."""

from __future__ import annotations

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Metric, RowMean, metric
from shipworthy.tables.totals import Grain, Total


def cutoff(call: Call) -> int:
    """Return k of a name such as ndcg@10.

    Raises:
        UsageError: If there is none.
    """
    _stem, _mark, digits = call.name.replace("^", "@").partition("@")
    if not digits or int(digits) < 1:
        raise UsageError(f"{call.name} needs a cut-off, as in ndcg@10.", fix="Write the number after it.")
    return int(digits)


@metric(
    "ndcg@k",
    columns=("query_id", "label", "predicted_score"),
    unit_of_total="query",
    interval="t over queries, with a guard for small and skewed samples",
    gate="t over queries, with a guard for small and skewed samples",
    source="Järvelin and Kekäläinen (2002), ACM TOIS 20:422-446; linear gain as in trec_eval",
    example="ndcg@10 >= 0.6",
)
def ndcg(call: Call, frame: Frame) -> Metric:
    """Normalised discounted cumulative gain of the first k items, averaged over queries.

    Items are ordered by score, ties by id descending; an item without a judgement gains nothing; a query
    without a relevant item is left out.
    """
    k = cutoff(call)
    score = frame.column("predicted_score")
    gain = "greatest(coalesce(TRY_CAST(label AS DOUBLE), 0), 0)"
    inner = f"""
      SELECT p, any_value(g) AS g, any_value(w) AS w,
        CASE WHEN sum(ideal) > 0 THEN sum(gained) / sum(ideal) END AS per_query FROM (
        SELECT p, g, w, query_id,
          CASE WHEN rank <= {k} AND scored THEN gain / log2(rank + 1) ELSE 0 END AS gained,
          CASE WHEN best <= {k} THEN gain / log2(best + 1) ELSE 0 END AS ideal
        FROM (SELECT {{population}} AS p, g, w, query_id, {gain} AS gain, {score} IS NOT NULL AS scored,
                row_number() OVER (
                  PARTITION BY query_id ORDER BY {score} DESC NULLS LAST, case_id DESC) AS rank,
                row_number() OVER (PARTITION BY query_id ORDER BY {gain} DESC) AS best
              FROM coded WHERE {{where}}))
      GROUP BY p, query_id"""
    sums = RowMean.sums_of("per_query")
    return RowMean(
        str(call),
        "share",
        "higher",
        Total(sums=sums, grain=Grain("query", inner)),
        floor=0.0,
        ceiling=1.0,
        empty="no query has a relevant item",
    )
