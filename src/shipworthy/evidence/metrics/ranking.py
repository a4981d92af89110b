"""Ranking metrics: one unit is a query; items stand by score, ties by id descending, as in trec_eval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import CellMean, Floats, Metric, RowMean, Unmeasurable, metric
from shipworthy.stats.confidence import Confidence
from shipworthy.stats.coverage import Coverage
from shipworthy.tables.totals import Grain, Key, Total

__all__ = ["cutoff"]

NEEDS = ("query_id", "label", "predicted_score")
T_OVER_QUERIES = "t over queries, with a guard for small and skewed samples"
TREC = "as in trec_eval (NIST)"

#: A query without a relevant item has no place where one could be ranked: it is left out of every metric.
NO_RELEVANT = "no query has a relevant item"


def cutoff(call: Call) -> int:
    """Return k of a name such as ndcg@10.

    Raises:
        UsageError: If there is none.
    """
    _stem, _mark, digits = call.name.replace("^", "@").partition("@")
    if not digits or int(digits) < 1:
        raise UsageError(f"{call.name} needs a cut-off, as in ndcg@10.", fix="Write the number after it.")
    return int(digits)


def _items(frame: Frame) -> str:
    """Return SQL of all items with their place by score (`place`) and by relevance (`best`).

    `gain` is the relevance, 0 where an item was never judged; `found` says that the system returned it;
    `hit` that it returned it and it is relevant; `hits_so_far` counts these down to the item's place.
    """
    score = frame.column("predicted_score")
    judged = "coalesce(TRY_CAST(label AS DOUBLE), 0)"
    gain = f"CASE WHEN {judged} > 0 THEN {judged} ELSE 0 END"
    hit = f"CASE WHEN {judged} > 0 AND {score} IS NOT NULL THEN 1 ELSE 0 END"
    by_score = f"PARTITION BY {{population}}, query_id ORDER BY {score} DESC NULLS LAST, case_id DESC"
    return f"""
      SELECT {{population}} AS p, g, w, query_id, case_id, {gain} AS gain, {hit} AS hit,
        {score} IS NOT NULL AS found,
        row_number() OVER ({by_score}) AS place,
        sum({hit}) OVER ({by_score}) AS hits_so_far,
        row_number() OVER (PARTITION BY {{population}}, query_id ORDER BY {gain} DESC NULLS LAST) AS best
      FROM coded WHERE {{where}}"""


def _queries(call: Call, frame: Frame, value: str) -> tuple[str, Grain]:
    """Return one row per query that has a relevant item, and the column of a value computed over its items.

    All ranking metrics share these rows, so that items are put in order once for all of them.
    """
    column = f"of_{call.name.replace('@', '_')}"
    inner = (
        f"SELECT p, min(g) AS g, min(w) AS w, {{values}} FROM ({_items(frame)}) items "
        "GROUP BY p, query_id HAVING max(gain) > 0"
    )
    return column, Grain("query", inner, ((column, value),))


def _mean_over_queries(call: Call, frame: Frame, value: str) -> Metric:
    column, grain = _queries(call, frame, value)
    return RowMean(
        str(call),
        "share",
        "higher",
        Total(sums=RowMean.sums_of(column), grain=grain),
        floor=0.0,
        ceiling=1.0,
        empty=NO_RELEVANT,
    )


def _discounted_gain(call: Call, frame: Frame, k: int | None) -> Metric:
    # The base of the logarithm falls out of the ratio.
    gained = f"CASE WHEN found{_within(k)} THEN gain / ln(place + 1) ELSE 0 END"
    ideal = f"CASE WHEN true{_within(k, 'best')} THEN gain / ln(best + 1) ELSE 0 END"
    return _mean_over_queries(call, frame, f"sum({gained}) / sum({ideal})")


def _reciprocal_rank(call: Call, frame: Frame, k: int | None) -> Metric:
    first = f"min(CASE WHEN hit = 1{_within(k)} THEN place END)"
    return _mean_over_queries(call, frame, f"coalesce(1.0 / {first}, 0.0)")


def _average_precision(call: Call, frame: Frame, k: int | None) -> Metric:
    at_hits = f"CASE WHEN hit = 1{_within(k)} THEN CAST(hits_so_far AS DOUBLE) / place ELSE 0 END"
    relevant = "sum(CASE WHEN gain > 0 THEN 1.0 ELSE 0.0 END)"
    return _mean_over_queries(call, frame, f"sum({at_hits}) / {relevant}")


def _within(k: int | None, place: str = "place") -> str:
    return "" if k is None else f" AND {place} <= {k}"


@metric(
    "ndcg@k",
    columns=NEEDS,
    unit_of_total="query",
    interval=T_OVER_QUERIES,
    gate=T_OVER_QUERIES,
    source=f"Järvelin and Kekäläinen (2002), ACM TOIS 20:422-446; linear gain {TREC}",
    example="ndcg@5 >= 0.6",
)
def ndcg_at_k(call: Call, frame: Frame) -> Metric:
    """Normalised discounted cumulative gain of the first k items, averaged over queries.

    The gain of an item is its relevance, divided by the logarithm of its place plus one; 1 is the best order
    there is. An item without a judgement gains nothing; a query without a relevant item is left out.
    """
    return _discounted_gain(call, frame, cutoff(call))


@metric(
    "ndcg",
    columns=NEEDS,
    unit_of_total="query",
    interval=T_OVER_QUERIES,
    gate=T_OVER_QUERIES,
    source=f"Järvelin and Kekäläinen (2002), ACM TOIS 20:422-446; linear gain {TREC}",
    example="ndcg >= 0.6",
)
def ndcg(call: Call, frame: Frame) -> Metric:
    """Normalised discounted cumulative gain of all returned items, averaged over queries.

    Like ndcg@k without a cut-off; a query without a relevant item is left out.
    """
    return _discounted_gain(call, frame, None)


@metric(
    "precision@k",
    columns=NEEDS,
    unit_of_total="query",
    interval=T_OVER_QUERIES,
    gate=T_OVER_QUERIES,
    source=f"Relevant items among the first k, divided by k; {TREC}: P_k",
    example="precision@3 >= 30%",
)
def precision_at_k(call: Call, frame: Frame) -> Metric:
    """Share of the first k places that hold a relevant item, averaged over queries.

    An item is relevant where its label is above 0. A query that returned fewer than k items has empty places,
    and they count as not relevant; a query without a relevant item is left out.
    """
    k = cutoff(call)
    return _mean_over_queries(call, frame, f"sum(CASE WHEN place <= {k} THEN hit ELSE 0 END) / {k}.0")


@metric(
    "recall@k",
    columns=NEEDS,
    unit_of_total="query",
    interval=T_OVER_QUERIES,
    gate=T_OVER_QUERIES,
    source=f"Relevant items among the first k, divided by all relevant items; {TREC}: recall_k",
    example="recall@3 >= 60%",
)
def recall_at_k(call: Call, frame: Frame) -> Metric:
    """Share of a query's relevant items that are among the first k, averaged over queries.

    Relevant items that the system never returned count against it; a query without one is left out.
    """
    k = cutoff(call)
    hits = f"sum(CASE WHEN place <= {k} THEN CAST(hit AS DOUBLE) ELSE 0 END)"
    return _mean_over_queries(call, frame, f"{hits} / sum(CASE WHEN gain > 0 THEN 1.0 ELSE 0.0 END)")


@metric(
    "mrr",
    columns=NEEDS,
    unit_of_total="query",
    interval=T_OVER_QUERIES,
    gate=T_OVER_QUERIES,
    source=f"Voorhees (1999), TREC-8 question answering track; {TREC}: recip_rank",
    example="mrr >= 0.4",
)
def mrr(call: Call, frame: Frame) -> Metric:
    """Mean reciprocal rank: 1 divided by the place of the first relevant item, averaged over queries.

    0 where no relevant item was returned; a query without a relevant item is left out.
    """
    return _reciprocal_rank(call, frame, None)


@metric(
    "mrr@k",
    columns=NEEDS,
    unit_of_total="query",
    interval=T_OVER_QUERIES,
    gate=T_OVER_QUERIES,
    source="Voorhees (1999), TREC-8 question answering track, cut at place k as in MS MARCO",
    example="mrr@5 >= 0.4",
)
def mrr_at_k(call: Call, frame: Frame) -> Metric:
    """Mean reciprocal rank with only the first k places counted: 0 where none of them is relevant."""
    return _reciprocal_rank(call, frame, cutoff(call))


@metric(
    "map",
    columns=NEEDS,
    unit_of_total="query",
    interval=T_OVER_QUERIES,
    gate=T_OVER_QUERIES,
    source=f"Buckley and Voorhees (2005), TREC, chapter 3; {TREC}: map",
    example="map >= 0.4",
)
def mean_average_precision(call: Call, frame: Frame) -> Metric:
    """Mean average precision: the precision at each relevant item's place, averaged over relevant items.

    Then averaged over queries. A relevant item that was never returned counts as precision 0; a query without
    a relevant item is left out.
    """
    return _average_precision(call, frame, None)


@metric(
    "map@k",
    columns=NEEDS,
    unit_of_total="query",
    interval=T_OVER_QUERIES,
    gate=T_OVER_QUERIES,
    source=f"Buckley and Voorhees (2005), TREC, chapter 3; {TREC}: map_cut_k",
    example="map@5 >= 0.4",
)
def mean_average_precision_at_k(call: Call, frame: Frame) -> Metric:
    """Mean average precision with only the first k places counted, divided by all relevant items."""
    return _average_precision(call, frame, cutoff(call))


@metric(
    "hit_rate@k",
    columns=NEEDS,
    unit_of_total="query",
    source=f"Share of queries with a relevant item among the first k; {TREC}: success_k",
    example="hit_rate@3 >= 70%",
)
def hit_rate(call: Call, frame: Frame) -> Metric:
    """Share of queries with at least one relevant item among the first k.

    A query without a relevant item is left out.
    """
    k = cutoff(call)
    column, grain = _queries(call, frame, f"max(CASE WHEN place <= {k} THEN hit ELSE 0 END)")
    return CellMean(
        str(call),
        "share",
        "higher",
        Total(by=(Key(column, column, 2),), grain=grain),
        np.array([0.0, 1.0, 0.0]),
        np.array([True, True, False]),
        empty=NO_RELEVANT,
    )


@dataclass(frozen=True, eq=False)
class CatalogueCoverage(Metric):
    """Share of the catalogue's items that somebody is shown; its key is 0 unseen, 1 shown, 2 a query.

    Args:
        k: Places that count as shown.
    """

    k: int = 1

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the share of items that are shown."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(counts[..., 1] / (counts[..., 0] + counts[..., 1]))

    def units(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the number of queries."""
        return np.asarray(counts[..., 2])

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return the bound in which every query moves the share by at most k items."""
        return self._bounded(counts, np.ones(round(float(counts[2]))))

    def _empty(self, whole: Floats) -> str:
        return "there is no query"

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        # A group of clusters is taken as one cluster: the bound is wider than need be, never narrower.
        return self._bounded(whole, counts[:, 2])

    def _bounded(self, counts: Floats, queries: Floats) -> Confidence:
        items = float(counts[0] + counts[1])
        return Coverage(float(counts[1]), items, queries * self.k)


@metric(
    "catalogue_coverage@k",
    columns=("query_id", "predicted_score"),
    unit_of_total="query",
    interval="bounded differences: one query changes the share by at most k items (or self-bounding)",
    gate="bounded differences: one query changes the share by at most k items (or self-bounding)",
    source="Ge, Delgado-Battenfeld and Jannach (2010), RecSys; bounds: McDiarmid (1989), "
    "Boucheron, Lugosi and Massart (2013)",
    example="catalogue_coverage@3 >= 50%",
)
def catalogue_coverage(call: Call, frame: Frame) -> Metric:
    """Share of the catalogue's items that appear among the first k places of any query.

    The catalogue is every item that occurs in the rows, judged or returned. It speaks of as many queries as
    there are here: more queries show more items. Distinct items do not add up over parts, so it takes its own
    pass over the rows, has no paired difference, and weights do not touch it.
    """
    if frame.paired is not None:
        raise Unmeasurable("coverage counts distinct items, so it has no paired difference")
    k = cutoff(call)
    score = frame.column("predicted_score")
    inner = f"""
      SELECT p, min(g) AS g, 1.0 AS w, max(CASE WHEN found AND place <= {k} THEN 1 ELSE 0 END) AS kind
      FROM (SELECT {{population}} AS p, g, case_id, {score} IS NOT NULL AS found,
              row_number() OVER (PARTITION BY {{population}}, query_id
                                 ORDER BY {score} DESC NULLS LAST, case_id DESC) AS place
            FROM coded WHERE {{where}}) items GROUP BY p, case_id
      UNION ALL
      SELECT {{population}} AS p, min(g) AS g, 1.0 AS w, 2 AS kind
      FROM coded WHERE {{where}} GROUP BY {{population}}, query_id"""
    total = Total(by=(Key("kind", "kind", 3, is_local=True),), grain=Grain("query", inner))
    return CatalogueCoverage(str(call), "share", "higher", total, k, explored=False)
