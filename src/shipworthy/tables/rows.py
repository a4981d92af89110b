"""Canonical rows: foreign columns become one sorted table that every metric reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from shipworthy.errors import InputError
from shipworthy.stats.design import kish_effect
from shipworthy.tables.duck import Connection, path_literal, quote, scalar, text_literal, translated
from shipworthy.tables.engine import dialect_of
from shipworthy.tables.row_checks import check_columns, check_rows, classes_of, is_in_order, unknown_answers
from shipworthy.tables.row_plan import (
    DERIVED,
    MOST_GROUPS,
    MOST_SLICE_VALUES,
    NUMBERS,
    OWN,
    RANDOM_GROUPS,
    TEXTS,
    Basis,
    RowsPlan,
    RowsProfile,
    averaged_columns,
    bad,
    grade_sql,
    numbered,
    slice_columns,
)
from shipworthy.tables.slices import values_by_column

__all__ = ["attach_rows", "build_rows", "read_profile", "stored_at", "view_rows"]

#: Words for a number that says yes or no.
TRUE_OR_FALSE = {"true": 1, "false": 0}
ONE_OR_ZERO = {**TRUE_OR_FALSE, "yes": 1, "no": 0, "pass": 1, "fail": 0}


def build_rows(
    connection: Connection, plan: RowsPlan, table: str, parquet: Path | None = None
) -> RowsProfile:
    """Make canonical rows, and say what they hold.

    With a file to write, the joined columns stream into another beside it (or are read where they lie, if
    that is one Parquet file) and from there, sorted by case where they are not yet, into the rows, so that
    no copy of them lies in memory. Without one, both are temporary tables of the engine.

    Args:
        connection: The engine.
        plan: Where everything comes from.
        table: Name of the table or view to make.
        parquet: Where to write the rows; None keeps them in the engine.

    Returns:
        The profile.

    Raises:
        InputError: For duplicate or missing ids, labels that disagree, numbers that are none, unseen classes.
    """
    check_columns(plan)
    raw = f"{table}_raw"
    staged = parquet.with_name(f"{parquet.name}.staged") if parquet is not None else None
    kind = "TABLE" if staged is None else "VIEW"
    try:
        with translated(plan.source):
            if staged is None or plan.columnar:
                connection.execute(f"CREATE OR REPLACE TEMP {kind} {raw} AS {_raw_sql(plan)}")
            else:
                _write(connection, _raw_sql(plan), staged, "snappy")
                attach_rows(connection, staged, raw)
            in_order = staged is not None and is_in_order(connection, raw)
        check_rows(connection, raw, plan, in_order=in_order)
        unknown = unknown_answers(connection, raw, plan)
        classes, positive, binary = classes_of(connection, raw, plan)
        final = _final_sql(connection, raw, plan, positive, binary)
        # Tables of a warehouse have no order to keep.
        unordered = in_order or dialect_of(connection) != "duckdb"
        ordered = final if unordered else f"{final} ORDER BY case_id, repeat"
        if parquet is None:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {ordered}")
        else:
            _write(connection, ordered, parquet, "zstd")
            attach_rows(connection, parquet, table)
        connection.execute(f"DROP {kind} {raw}")
    finally:
        if staged is not None:
            staged.unlink(missing_ok=True)
    return read_profile(
        connection,
        table,
        basis=plan.basis,
        positive=positive,
        classes=classes,
        binary=binary,
        unknown=unknown,
        in_order=parquet is not None,
    )


def _write(connection: Connection, query: str, path: Path, compression: str) -> None:
    connection.execute(
        f"COPY ({query}) TO {text_literal(str(path))} (FORMAT parquet, COMPRESSION {compression})"
    )


def view_rows(connection: Connection, made: str, table: str) -> None:
    """Make rows that are in the engine readable under another name.

    Args:
        connection: The engine.
        made: Their name.
        table: The other name.
    """
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS SELECT * FROM {made}")


def attach_rows(connection: Connection, parquet: Path, table: str) -> None:
    """Make stored rows readable under a name.

    Args:
        connection: The engine.
        parquet: The stored rows.
        table: The name.
    """
    read = f"read_parquet({path_literal(parquet)}, hive_partitioning=false)"
    with translated(parquet):
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS SELECT * FROM {read}")
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {numbered(table)} AS SELECT *, file_row_number FROM {read}"
        )
        connection.execute(f"COMMENT ON VIEW {table} IS {text_literal(str(parquet))}")


def stored_at(connection: Connection, table: str) -> Path | None:
    """Return the file of rows that `attach_rows` made readable; None where they lie in the engine.

    Args:
        connection: The engine.
        table: Their name.
    """
    if dialect_of(connection) != "duckdb":
        return None
    found = connection.execute(
        "SELECT comment FROM duckdb_views() WHERE temporary AND view_name = ?", [table]
    ).fetchone()
    return None if found is None or found[0] is None else Path(found[0])


def _raw_sql(plan: RowsPlan) -> str:
    """Columns from both sides, joined on the case, with our types."""
    columns = [
        ("coalesce(g.case_id, a.case_id)" if plan.golden is not None else "a.case_id") + " AS case_id",
        f"coalesce(TRY_CAST({_picked(plan, 'repeat')} AS INTEGER), 0) AS repeat",
        f"{_no_whole_number(_picked(plan, 'repeat'))} AS {quote(bad('repeat'))}",
    ]
    columns += [f"{_picked(plan, name)} AS {quote(name)}" for name in TEXTS]
    for name in NUMBERS:
        columns += _number(plan, name, name, ONE_OR_ZERO if name == "correct" else {})
    columns += [f"{_picked(plan, name)} AS {quote(name)}" for name in slice_columns(plan)]
    for name in averaged_columns(plan):
        columns += _number(plan, name, "#" + name, TRUE_OR_FALSE)
    both_label = plan.golden is not None and "label" in {*plan.golden_columns} & {*plan.answer_columns}
    columns.append(f'CAST({"a.label" if both_label else "NULL"} AS VARCHAR) AS "#label__beside"')
    if plan.golden is None:
        return f'SELECT {", ".join(columns)}, true AS "#answered" FROM ({plan.answers}) a'
    kind = "FULL" if plan.keep_unjudged else "LEFT"
    columns.append('a.case_id IS NOT NULL AS "#answered"')
    keys = "g.case_id = a.case_id"
    if "query_id" in {*plan.golden_columns} & {*plan.answer_columns}:
        keys += " AND g.query_id IS NOT DISTINCT FROM a.query_id"
    return f"SELECT {', '.join(columns)} FROM ({plan.golden}) g {kind} JOIN ({plan.answers}) a ON {keys}"


def _picked(plan: RowsPlan, name: str) -> str:
    """SQL of a column by our name: of the case from the golden set first, of an answer from the answers."""
    of_the_case = {"label", "stratum", "cluster_id", "weight", "query_id", *plan.slices}
    sides = [f"a.{quote(name)}"] if name in plan.answer_columns else []
    if plan.golden is not None and name in plan.golden_columns:
        sides.insert(0 if name in of_the_case else len(sides), f"g.{quote(name)}")
    if not sides:
        return "CAST(NULL AS VARCHAR)"
    return sides[0] if len(sides) == 1 else f"coalesce({', '.join(sides)})"


def _no_whole_number(text: str) -> str:
    return (
        f"CASE WHEN {text} IS NOT NULL AND (TRY_CAST({text} AS INTEGER) IS NULL "
        f"OR TRY_CAST({text} AS DOUBLE) <> TRY_CAST({text} AS INTEGER)) THEN {text} END"
    )


def _number(plan: RowsPlan, name: str, stored: str, words: Mapping[str, int]) -> list[str]:
    """SQL of a number, and of what stands there instead of a finite one."""
    written = _picked(plan, name)
    value = f"TRY_CAST({written} AS DOUBLE)"
    if name in plan.typed:
        value = written
    elif words:
        known = " ".join(f"WHEN {text_literal(word)} THEN {number}" for word, number in words.items())
        value = f"CASE lower({written}) {known} ELSE {value} END"
    column = quote(stored)
    if written.startswith("CAST(NULL"):
        return [f"CAST(NULL AS DOUBLE) AS {column}", f"{written} AS {quote(bad(stored))}"]
    wrong = (
        f"CASE WHEN {written} IS NOT NULL AND NOT coalesce(isfinite({value}), false) "
        f"THEN CAST({written} AS VARCHAR) END"
    )
    return [f"{value} AS {column}", f"{wrong} AS {quote(bad(stored))}"]


def _final_sql(
    connection: Connection,
    raw: str,
    plan: RowsPlan,
    positive: Sequence[str],
    binary: bool,
) -> str:
    prediction = "prediction"
    if plan.threshold is not None:
        yes, no = text_literal(positive[0] if positive else "1"), text_literal("0")
        prediction = (
            "coalesce(prediction, CASE WHEN predicted_score IS NULL THEN NULL "
            f"WHEN predicted_score >= {plan.threshold!r} THEN {yes} ELSE {no} END)"
        )
    cluster = (
        "coalesce(cluster_id, query_id, case_id)"
        if plan.basis == Basis.RANKING
        else "coalesce(cluster_id, case_id)"
    )
    group = _group_sql(connection, raw, cluster)
    slices = [quote(name) for name in slice_columns(plan)]
    numbers = [quote("#" + name) for name in averaged_columns(plan)]
    usable = "unscored_reason IS NULL"
    yes = ", ".join(text_literal(label) for label in positive) or "NULL"
    kept = [
        "case_id",
        "repeat",
        "cluster_id",
        "stratum",
        "query_id",
        "label",
        "prediction",
        "predicted_score",
    ]
    kept += ["correct", "grade", "latency_ms", "run_cost", "weight", quote("time"), *slices, *numbers]
    made = {"cluster_id": cluster, "prediction": prediction, "grade": grade_sql(plan)}
    states = ", ".join(f"{made[name]} AS {name}" if name in made else name for name in kept)
    judged = f"""
      SELECT {", ".join(kept)},
        CASE WHEN {usable} AND ({_failed(plan)}) IS NOT NULL
             THEN ({_failed(plan)}) ELSE failed_reason END AS failed_reason,
        coalesce(unscored_reason, CASE WHEN {_missing(plan)} THEN 'row missing from the file'
                                       WHEN failed_reason IS NOT NULL THEN NULL
                                       ELSE {_unscored(plan)} END) AS unscored_reason
      FROM (SELECT {states}, failed_reason, unscored_reason, "#answered" FROM {raw}) states"""
    return f"""
      SELECT {", ".join(kept)}, failed_reason, unscored_reason, CAST({group} AS SMALLINT) AS cluster_group,
        CASE WHEN NOT ({usable}) THEN NULL WHEN failed_reason IS NOT NULL THEN 'failed'
             ELSE {_outcome(plan, binary, yes)} END AS outcome,
        CASE WHEN NOT ({usable}) THEN NULL WHEN failed_reason IS NOT NULL THEN CAST(0 AS TINYINT)
             ELSE {_right(plan, binary, yes)} END AS ok
      FROM ({judged}) judged"""


def _group_sql(connection: Connection, raw: str, cluster: str) -> str:
    """SQL of the group of a cluster: the cluster itself where they are few, else a random group.

    The group comes from the cluster's MD5, so that it is the same on every engine and in every release.
    """
    clusters = scalar(connection, f"SELECT approx_count_distinct({cluster}) FROM {raw}")
    if clusters <= 2 * MOST_GROUPS:
        found = connection.execute(
            f"SELECT {cluster} AS c FROM {raw} WHERE {cluster} IS NOT NULL GROUP BY 1 ORDER BY 1"
        ).fetchall()
        if len(found) <= MOST_GROUPS:
            names = ", ".join(text_literal(str(row[0])) for row in found)
            return f"(list_position([{names}], cluster_id) - 1)"
    digits = [f"(strpos('0123456789abcdef', substr(md5(cluster_id), {place}, 1)) - 1)" for place in (1, 2)]
    return f"((16 * {digits[0]} + {digits[1]}) % {RANDOM_GROUPS})"


def _failed(plan: RowsPlan) -> str:
    """SQL for why an answered row has no usable answer; NULL where it has one."""
    own = "failed_reason"
    if plan.basis == Basis.PREDICTION:
        has_prediction = plan.threshold is not None or "prediction" in (
            *plan.answer_columns,
            *plan.golden_columns,
        )
        silent = "prediction IS NULL" if has_prediction else "predicted_score IS NULL"
        return (
            f'CASE WHEN {own} IS NOT NULL THEN {own} WHEN "#answered" AND label IS NOT NULL AND {silent} '
            "THEN 'no prediction' END"
        )
    if plan.basis == Basis.NUMBER:
        return (
            f'CASE WHEN {own} IS NOT NULL THEN {own} WHEN "#answered" AND label IS NOT NULL AND '
            "(TRY_CAST(prediction AS DOUBLE) IS NULL OR NOT isfinite(TRY_CAST(prediction AS DOUBLE))) "
            "THEN 'no number predicted' END"
        )
    return own


def _missing(plan: RowsPlan) -> str:
    """SQL for a planned row without an answer; an item that a ranking left out is no such row."""
    return "false" if plan.basis == Basis.RANKING else 'NOT "#answered"'


def _unscored(plan: RowsPlan) -> str:
    if plan.basis == Basis.PREDICTION:
        return "CASE WHEN label IS NULL THEN 'no label' END"
    if plan.basis == Basis.NUMBER:
        return (
            "CASE WHEN NOT coalesce(isfinite(TRY_CAST(label AS DOUBLE)), false) THEN 'no numeric label' END"
        )
    if plan.basis == Basis.GRADE:
        return "CASE WHEN grade IS NULL THEN 'no grade' END"
    if plan.basis == Basis.CORRECT:
        return "CASE WHEN correct IS NULL THEN 'no score' END"
    if plan.basis == Basis.SCORED and plan.primary_scorer:
        return f"CASE WHEN {quote('#' + plan.primary_scorer)} IS NULL THEN 'no score' END"
    return "NULL"


def _outcome(plan: RowsPlan, binary: bool, yes: str) -> str:
    if plan.basis == Basis.GRADE:
        return "grade"
    if plan.basis == Basis.PREDICTION and binary:
        return (
            "CASE WHEN prediction IS NULL THEN NULL "
            f"WHEN label IN ({yes}) THEN CASE WHEN prediction IN ({yes}) THEN 'true_positive' "
            f"ELSE 'false_negative' END WHEN prediction IN ({yes}) THEN 'false_positive' "
            "ELSE 'true_negative' END"
        )
    right = _right(plan, binary, yes)
    return "NULL" if right == "NULL" else f"CASE {right} WHEN 1 THEN 'right' WHEN 0 THEN 'wrong' END"


def _right(plan: RowsPlan, binary: bool, yes: str) -> str:
    if plan.basis == Basis.GRADE:
        return "CAST(grade = 'good' AS TINYINT)"
    if plan.basis == Basis.PREDICTION:
        same = f"(label IN ({yes})) = (prediction IN ({yes}))" if binary else "label = prediction"
        return f"CAST({same} AS TINYINT)"
    if plan.basis == Basis.CORRECT:
        return "CAST(correct >= 0.5 AS TINYINT)"
    if plan.basis == Basis.SCORED and plan.primary_scorer:
        return f"CAST({quote('#' + plan.primary_scorer)} >= 0.5 AS TINYINT)"
    return "NULL"


def read_profile(
    connection: Connection,
    table: str,
    *,
    basis: str,
    positive: tuple[str, ...],
    classes: tuple[str, ...],
    binary: bool,
    unknown: int = 0,
    in_order: bool = False,
) -> RowsProfile:
    """Look at canonical rows once.

    Args:
        connection: The engine.
        table: The rows.
        basis: What makes a row right.
        positive: The positive labels in force.
        classes: The classes in order.
        binary: Whether outcomes are true and false positives and negatives.
        unknown: Answers that were left out because the golden set does not know them.
        in_order: Whether the rows lie in a file, sorted by case.

    Returns:
        The profile.
    """
    described = connection.execute(f"DESCRIBE {table}").fetchall()
    names = [str(row[0]) for row in described]
    holds = ", ".join(f"count({quote(name)})" for name in names)
    usable = "unscored_reason IS NULL"
    found = connection.execute(
        f"""SELECT count(*), count(*) FILTER (WHERE {usable} AND failed_reason IS NULL),
              count(*) FILTER (WHERE {usable} AND failed_reason IS NOT NULL),
              count(*) FILTER (WHERE NOT ({usable})), max(cluster_group) + 1,
              approx_count_distinct(predicted_score), min(predicted_score), max(predicted_score),
              count(weight), min(weight), max(weight), avg(coalesce(weight, 1.0)) FILTER (WHERE {usable}),
              avg(coalesce(weight, 1.0) * coalesce(weight, 1.0)) FILTER (WHERE {usable}),
              count(*) FILTER (WHERE cluster_id <> case_id), {holds} FROM {table}"""
    ).fetchone()
    if found is None:  # pragma: no cover - an aggregate always returns one row
        raise InputError("The rows cannot be read.", where=table)
    rows, scored, failed, unscored, groups, distinct, low, high = found[:8]
    weights, least, most, mean_weight, mean_square, clusters_of_more = found[8:14]
    filled = tuple(name for name, count in zip(names, found[14:], strict=True) if count)
    cases = _distinct(connection, table, "case_id", "true", in_order)
    clusters = _distinct(connection, table, "cluster_id", usable, in_order and not clusters_of_more)
    queries = _distinct(connection, table, "query_id", usable, False) if "query_id" in filled else 0
    weighted = bool(weights) and least != most
    order, in_people_order = _order(connection, table) if in_order else ("", False)
    slices = [name for name in filled if name not in (*OWN, *DERIVED) and not name.startswith("#")]
    if 0 < distinct <= 20_000:
        distinct = scalar(connection, f"SELECT count(DISTINCT predicted_score) FROM {table}")
    return RowsProfile(
        rows=rows,
        cases=cases,
        clusters=clusters,
        groups=int(groups or 1),
        clustered=clusters < scored + failed or weighted,
        weighted=weighted,
        scored=scored,
        failed=failed,
        unscored=unscored,
        failed_reasons=_reasons(connection, table, "failed_reason", usable),
        unscored_reasons=_reasons(connection, table, "unscored_reason", "true"),
        classes=classes,
        positive=positive,
        binary=binary,
        basis=basis,
        columns=filled,
        distinct_scores=int(distinct),
        score_low=low,
        score_high=high,
        strata={
            str(name): int(count)
            for name, count in connection.execute(
                f"SELECT stratum, count(*) FROM {table} "
                f"WHERE {usable} AND stratum IS NOT NULL GROUP BY 1 ORDER BY 1"
            ).fetchall()
        },
        unknown_answers=unknown,
        queries=queries,
        order=order,
        in_people_order=in_people_order,
        slice_values=values_by_column(connection, table, slices, "true", MOST_SLICE_VALUES),
        mean_weight=float(mean_weight or 1.0),
        weight_effect=kish_effect(mean_weight, mean_square, 1) if weighted and mean_weight else 1.0,
    )


def _distinct(connection: Connection, table: str, column: str, where: str, in_order: bool) -> int:
    """Return the number of distinct values; in sorted rows it is counted between neighbours."""
    if not in_order:
        return scalar(connection, f"SELECT count(DISTINCT {column}) FROM {table} WHERE {where}")
    neighbours = f"(SELECT {column}, lag({column}) OVER () AS before FROM {table} WHERE {where}) n"
    return scalar(connection, f"SELECT count(*) FROM {neighbours} WHERE before IS DISTINCT FROM {column}")


def _order(connection: Connection, table: str) -> tuple[str, bool]:
    """Return a hash of cases and repeats with their places, and whether their order is that of people.

    Sorted as text, ids of one length stand as numbers do, and so do ids that are no numbers.
    """
    hashed = (
        "SELECT hash(case_id, repeat, query_id, row_number() OVER ()) AS h, length(case_id) AS long, "
        f"TRY_CAST(case_id AS DOUBLE) AS number FROM {table}"
    )
    found = connection.execute(
        f"SELECT count(*), bit_xor(h), count(number) = 0 OR min(long) = max(long) FROM ({hashed})"
    ).fetchone()
    return ("", False) if found is None else (f"{found[0]}:{found[1]}", bool(found[2]))


def _reasons(connection: Connection, table: str, column: str, where: str) -> dict[str, int]:
    found = connection.execute(
        f"SELECT left({column}, 120), count(*) FROM {table} WHERE {column} IS NOT NULL AND {where} "
        "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20"
    ).fetchall()
    return {str(reason): int(count) for reason, count in found}
