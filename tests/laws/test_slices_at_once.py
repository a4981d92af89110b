"""Slices measured all at once show what each shows alone, for every metric of the catalogue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import test_metric_laws as laws

from shipworthy.evidence.many import _gap_alone, measure_slices, shown_alone
from shipworthy.evidence.metric import Definition
from shipworthy.records import Estimate
from shipworthy.tables.totals import Ask, read_totals

#: Drawn one by one, found from moments all at once: ends may differ by this share of the interval's length.
DRAWN = 0.15
DRAWN_METHODS = ("Dirichlet", "moments", "square-and-add (Dirichlet")


def many_rows(rows: list[dict[str, Any]], copies: int) -> list[dict[str, Any]]:
    """Return rows several times over, with new ids."""
    return [
        row
        | {"case_id": f"{row['case_id']}.{copy}"}
        | ({"query_id": f"{row['query_id']}.{copy}"} if "query_id" in row else {})
        for copy in range(copies)
        for row in rows
    ]


def same(one: Estimate | None, other: Estimate | None, scale: float) -> None:
    """Check that two estimates show the same."""
    assert (one is None) == (other is None)
    if one is None or other is None:
        return
    assert (one.unknown, one.unit, one.n) == (other.unknown, other.unit, other.n)
    if one.value is None or other.value is None:
        return
    assert one.value == pytest.approx(other.value, abs=1e-9 * max(1.0, scale))
    drawn = one.method.startswith(DRAWN_METHODS) or other.method.startswith(DRAWN_METHODS)
    length = abs((other.high or 0.0) - (other.low or 0.0))
    slack = DRAWN * length if drawn else 1e-9 * max(1.0, scale)
    for mine, theirs in ((one.low, other.low), (one.high, other.high)):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert mine == pytest.approx(theirs, abs=slack)
    if not drawn:
        assert one.method == other.method


@laws.every_metric
@pytest.mark.parametrize("copies", [1, 8])
@pytest.mark.parametrize("groups", ["none", "random"])
def test_all_slices_at_once_show_what_each_shows_alone(
    connection: Any, definition: Definition, copies: int, groups: str
) -> None:
    if definition.unit_of_total != "row":
        pytest.skip("slices are measured over rows")
    made = laws.bench(connection, definition, change=lambda rows: many_rows(rows, copies))
    profile, kept = made.profile, 1
    rows = "rows"
    if groups == "random":
        # As if many clusters had been dealt into random groups.
        rows, kept = (
            "(SELECT * REPLACE (CAST(hash(case_id) % 128 AS SMALLINT) AS cluster_group) FROM rows)",
            128,
        )
        profile = replace(profile, clustered=True)
    ask = Ask(made.metric.total, laws.COLOUR)
    table = read_totals(connection, rows, [ask], kept)[ask]
    table = replace(table, independent=frozenset())
    (found,) = measure_slices(made.metric, [table], profile)
    assert len(found) == 2
    for code, part in enumerate(found):
        alone = shown_alone(made.metric, table, code, profile)
        same(part.estimate, alone, abs(alone.value or 0.0))
        if made.metric.explored:
            gap, p_value = _gap_alone(made.metric, table, code, profile)
            same(part.gap, gap, abs(alone.value or 0.0))
            if p_value is not None and "Dirichlet" not in (part.estimate.method):
                assert part.p_value == pytest.approx(p_value, abs=1e-6)
