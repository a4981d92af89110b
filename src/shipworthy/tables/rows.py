"""Canonical rows: foreign columns become one sorted table that every metric reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shipworthy.errors import InputError
from shipworthy.tables.duck import Connection, path_literal, quote, scalar, text_literal, translated
from shipworthy.tables.row_checks import check_columns, check_rows, classes_of
from shipworthy.tables.row_plan import (
    MOST_GROUPS,
    NUMBERS,
    RANDOM_GROUPS,
    TEXTS,
    Basis,
    RowsPlan,
    RowsProfile,
    averaged_columns,
    grade_sql,
    slice_columns,
)

__all__ = ["attach_rows", "build_rows", "read_profile"]


def build_rows(
    connection: Connection, plan: RowsPlan, table: str, parquet: Path | None = None
) -> RowsProfile:
    """Make canonical rows, sorted by case, and say what they hold.

    Args:
        connection: The engine.
        plan: Where everything comes from.
        table: Name of the table or view to make.
        parquet: Where to write the rows; None keeps them in memory.

    Returns:
        The profile.

    Raises:
        InputError: For duplicate or missing ids, labels that disagree, numbers that are none, unseen classes.
    """
    raw = f"{table}_raw"
    check_columns(plan)
    with translated(plan.source):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {raw} AS {_raw_sql(plan)}")
        unknown = _unknown_answers(connection, plan)
    check_rows(connection, raw, plan)
    classes, positive, binary = classes_of(connection, raw, plan)
    final = _final_sql(connection, raw, plan, positive, binary)
    if parquet is None:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {final}")
    else:
        connection.execute(
            f"COPY ({final}) TO {text_literal(str(parquet))} (FORMAT parquet, COMPRESSION zstd)"
        )
        attach_rows(connection, parquet, table)
    connection.execute(f"DROP TABLE {raw}")
    return read_profile(
        connection,
        table,
        basis=plan.basis,
        positive=positive,
        classes=classes,
        binary=binary,
        unknown=unknown,
    )


def attach_rows(connection: Connection, parquet: Path, table: str) -> None:
    """Make stored rows readable under a name.

    Args:
        connection: The engine.
        parquet: The stored rows.
        table: The name.
    """
    with translated(parquet):
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {table} AS "
            f"SELECT * FROM read_parquet({path_literal(parquet)}, hive_partitioning=false)"
        )


def _raw_sql(plan: RowsPlan) -> str:
    """Text columns from both sides, joined on the case, with our types."""
    golden_has, answers_have = set(plan.golden_columns), set(plan.answer_columns)
    of_the_case = {"label", "stratum", "cluster_id", "weight", "query_id", *plan.slices}

    def pick(name: str) -> str:
        sides = []
        if name in answers_have and name not in of_the_case:
            sides.append(f"a.{quote(name)}")
        if plan.golden is not None and name in golden_has:
            sides.append(f"g.{quote(name)}")
        if name in answers_have and f"a.{quote(name)}" not in sides:
            sides.append(f"a.{quote(name)}")
        if not sides:
            return "CAST(NULL AS VARCHAR)"
        return sides[0] if len(sides) == 1 else f"coalesce({', '.join(sides)})"

    columns = [
        ("coalesce(g.case_id, a.case_id)" if plan.golden is not None else "a.case_id") + " AS case_id",
        f"coalesce(TRY_CAST({pick('repeat')} AS INTEGER), 0) AS repeat",
        f"{pick('repeat')} AS {quote('#repeat__text')}",
    ]
    columns += [f"{pick(name)} AS {quote(name)}" for name in TEXTS]
    for name in NUMBERS:
        text = pick(name)
        cast = (
            f"CASE lower({text}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 WHEN 'yes' THEN 1 WHEN 'no' THEN 0 "
            f"WHEN 'pass' THEN 1 WHEN 'fail' THEN 0 ELSE TRY_CAST({text} AS DOUBLE) END"
            if name == "correct"
            else f"TRY_CAST({text} AS DOUBLE)"
        )
        columns += [f"{cast} AS {quote(name)}", f"{text} AS {quote(f'#{name}__text')}"]
    columns += [f"{pick(name)} AS {quote(name)}" for name in slice_columns(plan)]
    for name in averaged_columns(plan):
        text = pick(name)
        value = (
            f"CASE lower({text}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE TRY_CAST({text} AS DOUBLE) END"
        )
        columns += [f"{value} AS {quote('#' + name)}", f"{text} AS {quote('#' + name + '__text')}"]
    label_beside = (
        'a."label"' if plan.golden is not None and {"label"} <= golden_has & answers_have else "NULL"
    )
    columns.append(f'CAST({label_beside} AS VARCHAR) AS "#label__beside"')
    if plan.golden is None:
        return f'SELECT {", ".join(columns)}, true AS "#answered" FROM ({plan.answers}) a'
    kind = "FULL" if plan.keep_unjudged else "LEFT"
    columns.append('a.case_id IS NOT NULL AS "#answered"')
    keys = "g.case_id = a.case_id"
    if {"query_id"} <= golden_has & answers_have:
        keys += " AND g.query_id IS NOT DISTINCT FROM a.query_id"
    return f"SELECT {', '.join(columns)} FROM ({plan.golden}) g {kind} JOIN ({plan.answers}) a ON {keys}"


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
    clusters = scalar(connection, f"SELECT count(DISTINCT {cluster}) FROM {raw}")
    group = (
        "dense_rank() OVER (ORDER BY cluster_id) - 1"
        if clusters <= MOST_GROUPS
        else f"hash(cluster_id) % {RANDOM_GROUPS}"
    )
    slices = [quote(name) for name in slice_columns(plan)]
    numbers = [quote("#" + name) for name in averaged_columns(plan)]
    extras = "".join(f", {name}" for name in (*slices, *numbers))
    usable = "unscored_reason IS NULL"
    yes = ", ".join(text_literal(label) for label in positive) or "NULL"
    states = f"""
      SELECT case_id, repeat, {cluster} AS cluster_id, stratum, query_id, label,
             {prediction} AS prediction, predicted_score, correct, {grade_sql(plan)} AS grade, latency_ms,
             run_cost, weight, time, failed_reason, unscored_reason, "#answered"{extras}
      FROM {raw}"""
    judged = f"""
      SELECT * REPLACE (
        CASE WHEN {usable} AND ({_failed(plan)}) IS NOT NULL
             THEN ({_failed(plan)}) ELSE failed_reason END AS failed_reason,
        coalesce(unscored_reason, CASE WHEN {_missing(plan)} THEN 'row missing from the file'
                                       WHEN failed_reason IS NOT NULL THEN NULL
                                       ELSE {_unscored(plan)} END) AS unscored_reason)
      FROM ({states})"""
    return f"""
      SELECT * EXCLUDE ("#answered"), CAST({group} AS SMALLINT) AS cluster_group,
        CASE WHEN NOT ({usable}) THEN NULL WHEN failed_reason IS NOT NULL THEN 'failed'
             ELSE {_outcome(plan, binary, yes)} END AS outcome,
        CASE WHEN NOT ({usable}) THEN NULL WHEN failed_reason IS NOT NULL THEN 0
             ELSE {_right(plan, binary, yes)} END AS ok
      FROM ({judged}) ORDER BY case_id, repeat"""


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


def _unknown_answers(connection: Connection, plan: RowsPlan) -> int:
    if plan.golden is None or plan.keep_unjudged:
        return 0
    return scalar(
        connection,
        f"SELECT count(*) FROM ({plan.answers}) a WHERE a.case_id NOT IN "
        f"(SELECT case_id FROM ({plan.golden}) g WHERE case_id IS NOT NULL)",
    )


def read_profile(
    connection: Connection,
    table: str,
    *,
    basis: str,
    positive: tuple[str, ...],
    classes: tuple[str, ...],
    binary: bool,
    unknown: int = 0,
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

    Returns:
        The profile.
    """
    described = connection.execute(f"DESCRIBE {table}").fetchall()
    names = [str(row[0]) for row in described]
    holds = ", ".join(f"count({quote(name)})" for name in names)
    usable = "unscored_reason IS NULL"
    found = connection.execute(
        f"""SELECT count(*), count(DISTINCT case_id), count(DISTINCT cluster_id) FILTER (WHERE {usable}),
              count(*) FILTER (WHERE {usable} AND failed_reason IS NULL),
              count(*) FILTER (WHERE {usable} AND failed_reason IS NOT NULL),
              count(*) FILTER (WHERE NOT ({usable})), max(cluster_group) + 1,
              approx_count_distinct(predicted_score), min(predicted_score), max(predicted_score),
              count(weight), min(weight), max(weight), count(DISTINCT query_id) FILTER (WHERE {usable}),
              avg(coalesce(weight, 1.0)) FILTER (WHERE {usable}), {holds} FROM {table}"""
    ).fetchone()
    if found is None:  # pragma: no cover - an aggregate always returns one row
        raise InputError("The rows cannot be read.", where=table)
    rows, cases, clusters, scored, failed, unscored, groups, distinct, low, high = found[:10]
    weights, least, most, queries, mean_weight = found[10:15]
    weighted = bool(weights) and least != most
    filled = tuple(name for name, count in zip(names, found[15:], strict=True) if count)
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
        mean_weight=float(mean_weight or 1.0),
    )


def _reasons(connection: Connection, table: str, column: str, where: str) -> dict[str, int]:
    found = connection.execute(
        f"SELECT left({column}, 120), count(*) FROM {table} WHERE {column} IS NOT NULL AND {where} "
        "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20"
    ).fetchall()
    return {str(reason): int(count) for reason, count in found}
