"""The guard in front of the other engines, and what one expression says on each of them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from shipworthy.tables import postgres, spark
from shipworthy.tables.translating import Untranslatable, read_statement

pytestmark = pytest.mark.xdist_group("engines")

#: Values that engines are known to read differently, and where scores meet the ends of bins.
EDGES = {
    "missing": "CAST(NULL AS DOUBLE)",
    "nan": "CAST('NaN' AS DOUBLE)",
    "zero": "CAST(0 AS DOUBLE)",
    "one": "CAST(1 AS DOUBLE)",
    "below": "CAST(-0.1 AS DOUBLE)",
    "above": "CAST(1.2 AS DOUBLE)",
    # 0.29 and 0.57 as float32: times 100 they are 28.99.. or 29 by the width in which an engine multiplies.
    "float 0.29": "CAST(0.28999999165534973 AS DOUBLE)",
    "float 0.57": "CAST(0.5699999928474426 AS DOUBLE)",
    "tiny": "CAST(1e-300 AS DOUBLE)",
    "infinite": "CAST('Infinity' AS DOUBLE)",
}
EXPRESSIONS = (
    "x",
    "isnan(x)",
    "isfinite(x)",
    "x / 0",
    "x / (x - 1)",
    "ln(x)",
    "sqrt(x)",
    "exp(-800 * x)",
    "CAST(x > 0.5 AS INTEGER)",
    "CAST(x >= 0.29 AS DOUBLE)",
    "CAST(coalesce(x IN (0, 1), false) AS SMALLINT)",
    "CASE WHEN x >= 0 AND x < 1 THEN CAST(floor(x * 100) AS INTEGER) WHEN x >= 1 THEN 99 END",
    "CASE WHEN x > 0 AND x < 1 THEN CAST(floor(ln(x / (1 - x)) * 64) AS INTEGER) END",
    "list_position(['0', '1'], CASE WHEN x = 0 THEN '0' WHEN x = 1 THEN '1' WHEN x > 1 THEN 'more' END) - 1",
    "x IS NOT DISTINCT FROM NULL",
    "coalesce(x, -1)",
    "1.0 / 3",
    "7 / 2",
)
TEXTS = {
    "0.5": 0.5, " 7 ": 7.0, "+1": 1.0, ".5": 0.5, "5.": 5.0, "1e3": 1000.0, "1E-3": 0.001,
    "3.2e-105": 3.2e-105, "": None, "x": None, "1d": None, "2f": None, "0x10": None, "true": None,
    "1,5": None, "--1": None, "e5": None,
}  # fmt: skip


def same(ours: Any, theirs: Any) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) and math.isnan(theirs)
    return math.isclose(ours, theirs, rel_tol=1e-12, abs_tol=0.0)


@pytest.mark.filterwarnings("default")
def test_an_expression_says_the_same_of_every_edge_value_on_every_engine(
    engine: Any, connection: Any
) -> None:
    values = ", ".join(f"('{name}', {sql})" for name, sql in EDGES.items())
    columns = ", ".join(f"{sql} AS c{index}" for index, sql in enumerate(EXPRESSIONS))
    query = f"SELECT name, {columns} FROM (VALUES {values}) AS edges(name, x) ORDER BY name"
    theirs = {row[0]: row[1:] for row in engine.connection.execute(query).fetchall()}
    ours = {row[0]: row[1:] for row in connection.execute(query).fetchall()}
    assert ours.keys() == theirs.keys() == EDGES.keys()
    differing = [
        (name, sql, ours[name][at], theirs[name][at])
        for name in EDGES
        for at, sql in enumerate(EXPRESSIONS)
        if not same(ours[name][at], theirs[name][at])
    ]
    assert differing == []


@pytest.mark.filterwarnings("default")
def test_a_text_is_a_number_on_all_engines_or_on_none(engine: Any) -> None:
    values = ", ".join(f"('{text}')" for text in TEXTS)
    query = f"SELECT x, TRY_CAST(x AS DOUBLE) FROM (VALUES {values}) AS written(x)"
    assert dict(engine.connection.execute(query).fetchall()) == TEXTS


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT hash(x) FROM t",
        "SELECT quantile_cont(x, 0.5) FROM t",
        "SELECT list_sum([1, 2])",
        "SELECT CAST(x AS UTINYINT) FROM t",
        "SELECT CAST(x AS FLOAT) FROM t",
        "SELECT * EXCLUDE (x) FROM t",
        "SELECT * REPLACE (1 AS x) FROM t",
        "SELECT DISTINCT ON (x) y FROM t",
        "SELECT x FROM t QUALIFY row_number() OVER () = 1",
        "SELECT log2(x) FROM t",
        "INSERT INTO t VALUES (1)",
        "COPY t TO 'file.csv'",
    ],
)
def test_what_not_every_engine_has_is_refused_before_one_sees_it(sql: str) -> None:
    for dialect, rules in (("postgres", postgres.RULES), ("spark", spark.RULES)):
        with pytest.raises(Untranslatable):
            read_statement(sql, dialect, rules)


def test_groupings_of_one_relation_become_one_pass_for_spark() -> None:
    arms = " UNION ALL ".join(
        f"SELECT {arm} AS arm, c_{arm} AS k, CAST(count(*) AS DOUBLE) AS n FROM coded "
        f"WHERE usable GROUP BY c_{arm}"
        for arm in range(4)
    )
    sql = f"WITH coded AS (SELECT a AS c_0, b AS c_1, c AS c_2, d AS c_3, e IS NULL AS usable FROM t) {arms}"
    statement = read_statement(sql, "spark", spark.RULES, apart=True, reshape=spark.in_one_pass)
    assert [name for name, _query in statement.first] == ["coded"]
    assert "UNION" not in statement.query
    assert statement.query.count("`coded`") == 1
