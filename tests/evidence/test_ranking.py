"""Ranking metrics: every value of trec_eval's own expected file, other packages, and hand counts."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from making import make_rows
from shipworthy.define.rules import parse_rule
from shipworthy.evidence.estimating import measure
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Unmeasurable, bind
from shipworthy.tables.row_plan import Basis
from shipworthy.tables.totals import Ask, read_totals

#: trec_eval's name -> ours, where the name is the same but for its cut-off.
STEMS = {
    "ndcg_cut": "ndcg@",
    "P": "precision@",
    "recall": "recall@",
    "map_cut": "map@",
    "success": "hit_rate@",
}
WHOLE = {"map": "map", "ndcg": "ndcg", "recip_rank": "mrr"}
#: Values of the file that no metric of the catalogue gives, and why.
NOT_OURS = {
    "counts and not measures of quality": (
        "num_ret",
        "num_rel",
        "num_rel_ret",
        "num_nonrel_judged_ret",
        "relstring",
    ),
    "the cut-off is each query's own number of relevant items": (
        "Rprec",
        "Rprec_mult",
        "Rndcg",
        "relative_P",
        "set_relative_P",
        "ndcg_rel",
    ),
    "interpolated curves": ("iprec_at_recall", "11pt_avg"),
    "for incomplete judgements": ("bpref", "infAP", "unj", "rbp_resid"),
    "the whole returned set, whose size the system chose": (
        "set_P",
        "set_recall",
        "set_map",
        "set_F",
        "utility",
    ),
    "other gains and user models": ("binG", "G", "rbp"),
}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    judged = [line.split() for line in (folder / "qrels-302.test").read_text("utf-8").splitlines() if line]
    returned = [
        line.split() for line in (folder / "results-302.test").read_text("utf-8").splitlines() if line
    ]
    labels = {line[2]: int(line[3]) for line in judged}
    scores = {line[2]: float(line[4]) for line in returned}
    return [
        {"query_id": "302", "case_id": doc, "label": labels.get(doc), "predicted_score": scores.get(doc)}
        for doc in sorted({*labels, *scores})
    ]


def values_of(connection: Any, rows: list[dict[str, Any]], names: list[str]) -> dict[str, float]:
    """Return metrics from their totals, whatever can be said of their intervals."""
    profile = make_rows(connection, "rows", rows, Basis.RANKING)
    bound = {name: bind(parse_rule(f"{name} >= 0").left, Frame(profile, "ranker")) for name in names}
    answers = read_totals(connection, "rows", [Ask(metric.total) for metric in bound.values()])
    found = {}
    for name, metric in bound.items():
        counts, sums = answers[Ask(metric.total)].at(0)
        found[name] = float(metric.value(counts.sum(axis=0), tuple(part.sum(axis=0) for part in sums)))
    return found


def our_name(theirs: str) -> str | None:
    stem, _line, cut = theirs.rpartition("_")
    if stem in STEMS and cut.isdigit():
        return STEMS[stem] + cut
    return WHOLE.get(theirs)


def is_not_ours(theirs: str) -> bool:
    stem = theirs.rpartition("_")[0]
    return any(theirs in names or stem in names for names in NOT_OURS.values())


def test_every_expected_value_of_trec_eval_that_we_have_comes_out(connection: Any, real_data: Any) -> None:
    folder = real_data("trec_single_topic")
    with (folder / "expected.tsv").open(encoding="utf-8") as file:
        expected = {row[0].strip(): row[2].strip() for row in csv.reader(file, delimiter="\t")}
    names = {theirs: our_name(theirs) for theirs in expected}
    ours = {theirs: name for theirs, name in names.items() if name is not None}
    assert len(expected) >= 96
    assert len(ours) == 42
    assert [theirs for theirs, name in names.items() if name is None and not is_not_ours(theirs)] in (
        [],
        ["runid"],
    )
    found = values_of(connection, rows_of(folder), list(ours.values()))
    for theirs, name in ours.items():
        assert f"{found[name]:.4f}" == expected[theirs], theirs


def test_hand_counted_ranking(connection: Any) -> None:
    """Two queries: relevant at places 1 and 3 of 4 with one never returned; then relevant at place 2."""
    rows = [
        {"query_id": "a", "case_id": "1", "label": 2, "predicted_score": 0.9},
        {"query_id": "a", "case_id": "2", "label": 0, "predicted_score": 0.8},
        {"query_id": "a", "case_id": "3", "label": 1, "predicted_score": 0.7},
        {"query_id": "a", "case_id": "4", "label": None, "predicted_score": 0.6},
        {"query_id": "a", "case_id": "5", "label": 1, "predicted_score": None},
        {"query_id": "b", "case_id": "1", "label": 0, "predicted_score": 0.5},
        {"query_id": "b", "case_id": "2", "label": 1, "predicted_score": 0.4},
        # No relevant item: left out of everything but coverage.
        {"query_id": "c", "case_id": "6", "label": 0, "predicted_score": 0.4},
    ]
    found = values_of(
        connection,
        rows,
        ["precision@2", "recall@3", "mrr", "mrr@1", "map", "map@1", "hit_rate@1", "catalogue_coverage@1"],
    )
    assert found["precision@2"] == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert found["recall@3"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["mrr"] == pytest.approx((1 + 1 / 2) / 2)
    assert found["mrr@1"] == pytest.approx((1 + 0) / 2)
    assert found["map"] == pytest.approx(((1 + 2 / 3) / 3 + 1 / 2) / 2)
    assert found["map@1"] == pytest.approx((1 / 3 + 0) / 2)
    assert found["hit_rate@1"] == pytest.approx(1 / 2)
    # Items 1 to 6; each query shows its first: 1, 1 and 6.
    assert found["catalogue_coverage@1"] == pytest.approx(2 / 6)


def test_ties_stand_by_id_descending(connection: Any) -> None:
    rows = [
        {"query_id": "a", "case_id": doc, "label": int(doc == "x9"), "predicted_score": 0.5}
        for doc in ("x1", "x5", "x9")
    ]
    assert values_of(connection, rows, ["mrr"])["mrr"] == 1


@pytest.mark.parametrize("seed", range(5))
def test_gain_and_average_precision_agree_with_scikit_learn(connection: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    queries, size = 7, 15
    label = rng.choice([0, 0, 1, 3], (queries, size))
    label[:, 0] = 1
    score = rng.permuted(np.arange(queries * size).reshape(queries, size) / 7, axis=1)
    rows = [
        {"case_id": f"{d:02}", "query_id": q, "label": label[q, d], "predicted_score": score[q, d]}
        for q in range(queries)
        for d in range(size)
    ]
    found = values_of(connection, rows, ["ndcg", "ndcg@4", "map"])
    assert found["ndcg"] == pytest.approx(ndcg_score(label, score), abs=1e-12)
    assert found["ndcg@4"] == pytest.approx(ndcg_score(label, score, k=4), abs=1e-12)
    theirs = np.mean([average_precision_score(label[q] > 0, score[q]) for q in range(queries)])
    assert found["map"] == pytest.approx(theirs, abs=1e-12)


def test_no_relevant_item_anywhere_is_unknown_and_not_zero(connection: Any) -> None:
    rows = [{"query_id": q, "case_id": d, "label": 0, "predicted_score": 0.5} for q in "ab" for d in "xy"]
    profile = make_rows(connection, "rows", rows, Basis.RANKING)
    for name in ("ndcg@2", "precision@2", "recall@2", "mrr", "map", "hit_rate@2"):
        metric = bind(parse_rule(f"{name} >= 0").left, Frame(profile, "ranker"))
        table = read_totals(connection, "rows", [Ask(metric.total)])[Ask(metric.total)]
        with pytest.raises(Unmeasurable, match="no query has a relevant item"):
            measure(metric, table, 0, profile)


def test_coverage_counts_an_item_that_many_queries_show_once_and_bounds_it_by_its_queries(
    connection: Any,
) -> None:
    rows = [
        {"query_id": f"q{q}", "case_id": f"d{(q + d) % 50}", "label": 0, "predicted_score": 1 - d / 10}
        for q in range(40)
        for d in range(5)
    ]
    profile = make_rows(connection, "rows", rows, Basis.RANKING)
    metric = bind(parse_rule("catalogue_coverage@2 >= 0").left, Frame(profile, "ranker"))
    table = read_totals(connection, "rows", [Ask(metric.total)])[Ask(metric.total)]
    found = measure(metric, table, 0, profile)
    # Queries 0 to 39 show items q and q + 1: items 0 to 40; items up to 43 occur at all.
    assert found.confidence.value == pytest.approx(41 / 44)
    assert found.n == 40
    assert found.bound("lower", 0.95) == pytest.approx(41 / 44 - 2 * np.sqrt(40 * np.log(20) / 2) / 44)


def test_coverage_has_no_paired_difference(connection: Any) -> None:
    rows = [{"query_id": "a", "case_id": d, "label": 1, "predicted_score": 0.5} for d in "xy"]
    profile = make_rows(connection, "rows", rows, Basis.RANKING)
    with pytest.raises(Unmeasurable, match="no paired difference"):
        bind(parse_rule("catalogue_coverage@2 >= 0").left, Frame(profile, "ranker", paired=profile))
