"""Every total of every metric of the catalogue, on every engine, against DuckDB's."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from laws.test_metric_laws import BASES, COSTS, EVERY, call_of, random_rows
from making import make_rows
from shipworthy.define.rules import parse_rule
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Unmeasurable, bind
from shipworthy.evidence.populations import numbers_of
from shipworthy.tables.pairs import pair_rows, shared_rows
from shipworthy.tables.row_plan import Basis, RowsProfile
from shipworthy.tables.totals import Ask, Split, read_totals

pytestmark = [pytest.mark.xdist_group("engines"), pytest.mark.filterwarnings("default")]

#: Scores at the ends of bins, and 0.29 and 0.57 as float32.
EDGES = (None, 0, 1, -0.1, 1.2, 0.28999999165534973, 0.5699999928474426, 0.5, 1e-9)
WHOLE = Split("", "0", ("all",))
COLOUR = Split("colour", "CASE WHEN colour IN ('red', 'side 0') THEN 0 ELSE 1 END", ("one", "two"))
NUMBERS = tuple(sorted({name for part in EVERY for name in numbers_of(parse_rule(part.example))}))


def rows_of(basis: str, repeated: bool, changed: int = 0) -> list[dict[str, Any]]:
    """Return rows with every column that any metric asks for, edge scores first."""
    first = next(part for part in EVERY if (part.unit_of_total == "case") == repeated)
    rows = random_rows(first, basis, n=160, seed=3)
    for definition in EVERY:
        for row, more in zip(rows, random_rows(definition, basis, n=160, seed=3), strict=True):
            for name, value in more.items():
                if name not in ("case_id", "repeat", "failed_reason", "unscored_reason"):
                    row.setdefault(name, value)
    rng = random.Random(changed)
    for index, row in enumerate(rows):
        if index < len(EDGES):
            row["predicted_score"] = EDGES[index]
        row["cluster_id"] = f"cluster {index // 4 % 30}"
        if changed and rng.random() < 0.2 and "prediction" in row:
            row["prediction"] = rows[0]["prediction"]
    return rows


def with_nan(connection: Any, table: str) -> str:
    """Return a copy of rows in which a score and a latency are NaN, which no file could bring in."""
    names = [str(row[0]) for row in connection.execute(f"DESCRIBE {table}").fetchall()]
    nan = {"predicted_score": "CAST('NaN' AS DOUBLE)", "latency_ms": "CAST('NaN' AS DOUBLE)"}
    columns = ", ".join(
        f"CASE WHEN case_id IN ('c0020', 'd20') THEN {nan[name]} ELSE {name} END AS {name}"
        if name in nan
        else f'"{name}"'
        for name in names
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table}_nan AS SELECT {columns} FROM {table}")
    return f"{table}_nan"


def asks_of(profile: RowsProfile, *, pairs: bool) -> list[Ask]:
    found = []
    for definition in EVERY:
        if (definition.unit_of_total == "pair of rows") != pairs:
            continue
        try:
            metric = bind(call_of(definition), Frame(profile, "classifier", COSTS))
        except (Unmeasurable, KeyError):
            continue
        found += [Ask(metric.total, split) for split in (WHOLE, COLOUR)]
        # In bins, with the exact pass that settles what they leave open.
        binned = bind(call_of(definition), Frame(profile, "classifier", COSTS).for_spread())
        if binned.settling is not None:
            found += [Ask(binned.settling, split, by_group=False) for split in (WHOLE, COLOUR)]
    return list(dict.fromkeys(found))


def answered(connection: Any, basis: str, repeated: bool) -> tuple[RowsProfile, dict[Any, Any]]:
    profile = make_rows(connection, "ours", rows_of(basis, repeated), basis, scorers=NUMBERS)
    answers = {}
    for table, groups in (("ours", profile.groups), (with_nan(connection, "ours"), 1)):
        found = read_totals(connection, table, asks_of(profile, pairs=False), groups)
        answers |= {(table, ask): part for ask, part in found.items()}
    return profile, answers


def assert_same(ours: Any, theirs: Any) -> None:
    for name in ("populations", "group_codes", "keys", "counts"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name)), name
    assert np.allclose(ours.sums, theirs.sums, rtol=1e-9, atol=0, equal_nan=True)
    assert ours.independent == theirs.independent


@pytest.mark.parametrize(
    ("basis", "repeated"), [*((basis, False) for basis in BASES), (Basis.PREDICTION, True)]
)
def test_every_total_is_the_same_on_every_engine(
    engine: Any, connection: Any, basis: str, repeated: bool
) -> None:
    profile, theirs = answered(engine.connection, basis, repeated)
    expected, ours = answered(connection, basis, repeated)
    assert profile == expected
    assert ours.keys() == theirs.keys()
    assert len(ours) > 20
    for asked, table in ours.items():
        assert_same(table, theirs[asked])


def test_pairs_are_the_same_on_every_engine(engine: Any, connection: Any) -> None:
    found = []
    for each in (connection, engine.connection):
        profile = make_rows(each, "ours", rows_of(Basis.PREDICTION, False), scorers=NUMBERS)
        make_rows(each, "others", rows_of(Basis.PREDICTION, False, changed=5), scorers=NUMBERS)
        shared = shared_rows(each, pair_rows(each, "ours", "others", "pairs"))
        asked = asks_of(profile, pairs=True)
        assert asked
        found.append((shared, read_totals(each, "pairs", asked, 1)))
    assert found[0][0] == found[1][0] > 0
    for asked_for, table in found[0][1].items():
        assert_same(table, found[1][1][asked_for])
