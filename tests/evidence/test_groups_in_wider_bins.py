"""Many groups of clusters are kept apart in wider bins than the value is read from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from making import make_rows
from shipworthy.define.rules import parse_rule
from shipworthy.evidence import frame as frames
from shipworthy.evidence.estimating import measure
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.many import measure_slices, shown_alone
from shipworthy.evidence.metric import Metric, bind
from shipworthy.evidence.pairing import bind_pair
from shipworthy.stats.design import jackknife_error
from shipworthy.tables.pairs import pair_rows
from shipworthy.tables.row_plan import RANDOM_GROUPS, Basis
from shipworthy.tables.totals import Ask, Split, Table, read_totals, table_from_plain

COLOURS = Split("colour", "CASE WHEN colour = 'red' THEN 0 ELSE 1 END", ("red", "other"))
BINNED = ("auc", "calibration_error", "latency_p90_ms")


def clustered_rows(seed: int = 3, clusters: int = 600, size: int = 4) -> list[dict[str, Any]]:
    """Return rows whose scores and latencies go together within a cluster."""
    random = np.random.default_rng(seed)
    found = []
    for cluster in range(clusters):
        label, shift = int(random.random() < 0.4), random.normal()
        for row in range(size):
            logit = 1.2 * (2 * label - 1) + shift + 0.5 * random.normal()
            found.append(
                {
                    "case_id": f"c{cluster:04}-{row}",
                    "cluster_id": f"k{cluster:04}",
                    "label": str(label),
                    "prediction": str(int(logit > 0)),
                    "predicted_score": float(1 / (1 + np.exp(-logit))),
                    "latency_ms": float(100 * np.exp(0.5 * shift + 0.3 * random.normal())),
                    "colour": "red" if cluster % 3 else "blue",
                }
            )
    return found


def bound(connection: Any, name: str, table: str = "rows", seed: int = 3) -> tuple[Metric, Frame]:
    """Return a metric bound to clustered rows in the engine."""
    profile = make_rows(connection, table, clustered_rows(seed), Basis.PREDICTION)
    frame = Frame(profile, "classifier")
    return bind(parse_rule(f"{name} >= 0").left, frame), frame


def narrow_and_wide(connection: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Return what the metric shows with groups kept apart in its own bins, and in wider ones."""
    found = []
    for most in (1_000_000, 100):
        monkeypatch.setattr(frames, "EXACT_ROWS", most)
        metric, frame = bound(connection, name)
        assert frame.profile.groups == RANDOM_GROUPS
        ask = Ask(metric.total)
        table = read_totals(connection, "rows", [ask], frame.profile.groups)[ask]
        assert (table.spread is None) == (most > 100)
        found.append(measure(metric, table, 0, frame.profile))
    return found[0], found[1]


@pytest.mark.parametrize("name", BINNED)
def test_wider_bins_show_the_same_value_and_nearly_the_same_width(
    connection: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow, wide = narrow_and_wide(connection, name, monkeypatch)
    assert wide.n == narrow.n
    assert wide.confidence.value == pytest.approx(narrow.confidence.value, abs=0.002, rel=0.01)
    lengths = [np.diff(found.confidence.interval())[0] for found in (narrow, wide)]
    # The quantile in narrow bins is a step function, whose jackknife is rough.
    assert lengths[1] == pytest.approx(lengths[0], rel=0.5 if name.startswith("latency") else 0.2)


def test_rows_that_go_together_widen_the_interval(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _narrow, wide = narrow_and_wide(connection, "auc", monkeypatch)
    naive = wide.metric.independent(wide.counts, ())
    # Four rows of a cluster share most of their score: independent rows would give about half the length.
    assert np.diff(wide.confidence.interval())[0] > 1.3 * np.diff(naive.interval())[0]


@pytest.mark.parametrize("name", BINNED)
def test_all_slices_at_once_show_what_each_shows_alone_in_wider_bins(
    connection: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "EXACT_ROWS", 100)
    metric, frame = bound(connection, name)
    ask = Ask(metric.total, COLOURS)
    table = read_totals(connection, "rows", [ask], frame.profile.groups)[ask]
    table = replace(table, independent=frozenset())
    (found,) = measure_slices(metric, [table], frame.profile)
    for code, part in enumerate(found):
        alone = shown_alone(metric, table, code, frame.profile)
        length = alone.high - alone.low
        # The calibration error is drawn alone, and found from moments at once; its value takes away the noise
        # of as many rows as the clusters are worth.
        slack = 0.15 * length if name == "calibration_error" else 0.02 * length
        assert part.estimate.value == pytest.approx(alone.value, abs=slack)
        assert part.estimate.low == pytest.approx(alone.low, abs=slack)
        assert part.estimate.high == pytest.approx(alone.high, abs=slack)


def test_the_spread_of_a_quantile_is_that_of_independent_rows_where_rows_are_independent(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "EXACT_ROWS", 100)
    metric, _frame = bound(connection, "latency_p90_ms")
    random = np.random.default_rng(7)
    wide = metric.wider
    assert wide is not None
    effects = []
    for _ in range(40):
        counts = np.zeros((RANDOM_GROUPS, wide.total.by[0].size + 1))
        bins = np.clip(np.round(30 + 2 * random.normal(size=20_000)).astype(int), 0, 60)
        np.add.at(counts, (random.integers(0, RANDOM_GROUPS, 20_000), bins), 1.0)
        whole = counts.sum(axis=0)
        left_out = wide.value(whole - counts, ())
        effects.append((jackknife_error(left_out) / float(wide.naive_error(whole))) ** 2)
    # The mean of 40 ratios of variances with 63 degrees of freedom: 1, give or take 3 * sqrt(2 / 63 / 40).
    assert np.mean(effects) == pytest.approx(1.0, abs=0.12)


def test_totals_in_two_sizes_of_bins_are_stored_and_added_up(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "EXACT_ROWS", 100)
    metric, frame = bound(connection, "auc")
    ask = Ask(metric.total, COLOURS)

    def totals(where: str) -> Table:
        rows = f"(SELECT * FROM rows WHERE {where})"
        return read_totals(connection, rows, [ask], frame.profile.groups)[ask]

    first, second = totals("cluster_id < 'k0300'"), totals("cluster_id >= 'k0300'")
    both = table_from_plain(first.to_plain()) + second
    whole = totals("true")
    assert whole.spread is not None
    assert both.spread is not None
    for code in (0, 1):
        np.testing.assert_allclose(both.at(code)[0], whole.at(code)[0])
        np.testing.assert_allclose(both.spread.at(code)[0], whole.spread.at(code)[0])


@pytest.mark.parametrize("name", BINNED)
def test_pairs_of_clustered_systems_use_wider_bins_too(
    connection: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for most in (1_000_000, 100):
        monkeypatch.setattr(frames, "EXACT_ROWS", most)
        _metric, frame = bound(connection, name)
        other = make_rows(connection, "theirs", _worse(clustered_rows()), Basis.PREDICTION)
        pair_rows(connection, "rows", "theirs", "pairs")
        pair = bind_pair(parse_rule(f"{name} >= 0").left, frame, other)
        split = Split("", "0", ("all",))
        answers = read_totals(connection, "pairs", pair.asks(split), pair.groups)
        found.append(pair.part(answers, split, 0).delta)
    narrow, wide = found
    assert wide.value == pytest.approx(narrow.value, abs=0.003, rel=0.05)
    assert wide.standard_error == pytest.approx(narrow.standard_error, rel=0.5)


def _worse(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    random = np.random.default_rng(11)
    return [
        row
        | {
            "predicted_score": float(np.clip(row["predicted_score"] + 0.2 * random.normal(), 0.001, 0.999)),
            "latency_ms": row["latency_ms"] * 1.3,
        }
        for row in rows
    ]
