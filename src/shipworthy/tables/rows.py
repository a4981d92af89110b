"""Canonical rows: foreign columns become one sorted table that every metric reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shipworthy.errors import InputError
from shipworthy.tables.duck import Connection, path_literal, quote, text_literal, translated

__all__ = [
    "MOST_GROUPS",
    "RANDOM_GROUPS",
    "Basis",
    "RowsPlan",
    "RowsProfile",
    "attach_rows",
    "build_rows",
    "read_profile",
]

#: Up to this many clusters each is its own group; above, clusters are dealt into random groups.
MOST_GROUPS = 256
RANDOM_GROUPS = 128
MOST_CLASSES = 200

NUMBERS = ("predicted_score", "latency_ms", "run_cost", "weight", "correct")
TEXTS = (
    "label",
    "prediction",
    "grade",
    "stratum",
    "cluster_id",
    "query_id",
    "time",
    "failed_reason",
    "unscored_reason",
)


#: Columns that are ours in every table of rows, beside those that a file brings.
OWN = ("case_id", "repeat", *TEXTS, *NUMBERS)
DERIVED = ("outcome", "ok", "cluster_group")


class Basis:
    """What makes a row right or wrong."""

    GRADE = "grade"
    SCORED = "scored"
    PREDICTION = "prediction"
    CORRECT = "correct"
    NUMBER = "number"
    RANKING = "ranking"
    SCORES = "scores"


@dataclass(frozen=True)
class RowsPlan:
    """How to make rows from a golden set and one system's answers.

    Args:
        golden: SQL of the golden set, one row per case; None where the answers carry everything.
        answers: SQL of the answers, with the columns named in `answer_columns`.
        golden_columns: Our names of the golden set's columns (all text).
        answer_columns: Our names of the answers' columns (all text).
        slices: Columns compared as text.
        numbers: Columns averaged as numbers.
        scorers: Ids of scorers whose values are among the answers' columns.
        basis: What makes a row right.
        primary_scorer: The scorer that decides right or wrong, where the basis is SCORED.
        positive: Labels of the positive class.
        threshold: Cut on predicted_score where there is no prediction.
        keep_unjudged: Keep answers that the golden set does not know (ranking: not relevant).
        grades: Foreign grade -> ours.
        source: Name of the answers' file, for messages.
    """

    golden: str | None
    answers: str
    golden_columns: tuple[str, ...]
    answer_columns: tuple[str, ...]
    slices: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    scorers: tuple[str, ...] = ()
    basis: str = Basis.PREDICTION
    primary_scorer: str | None = None
    positive: tuple[str, ...] = ()
    threshold: float | None = None
    keep_unjudged: bool = False
    grades: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class RowsProfile:
    """What one look at the rows tells.

    Args:
        rows: Planned rows.
        cases: Distinct cases.
        clusters: Distinct clusters among usable rows.
        groups: Number of groups the clusters are dealt into.
        clustered: Whether rows are fewer units than they seem (clusters, repeats or weights).
        weighted: Whether rows carry weights.
        scored: Rows with a usable answer and a score.
        failed: Rows that failed.
        unscored: Rows that are unscored.
        failed_reasons: Count by reason.
        unscored_reasons: Count by reason.
        classes: Classes in order, labels and predictions together; empty where there are none.
        positive: The positive labels in force.
        binary: Whether outcomes are true and false positives and negatives.
        basis: What makes a row right.
        columns: The columns that hold at least one value.
        distinct_scores: Number of distinct predicted scores.
        score_low: Smallest predicted score; None where there is none.
        score_high: Largest.
        strata: Usable rows per stratum.
        unknown_answers: Answers for cases that the golden set does not know (they are left out).
        queries: Distinct queries among usable rows.
        mean_weight: Mean weight of usable rows, by which weights are scaled to add up to the rows.
    """

    rows: int
    cases: int
    clusters: int
    groups: int
    clustered: bool
    weighted: bool
    scored: int
    failed: int
    unscored: int
    failed_reasons: Mapping[str, int]
    unscored_reasons: Mapping[str, int]
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    binary: bool
    basis: str
    columns: tuple[str, ...]
    distinct_scores: int
    score_low: float | None
    score_high: float | None
    strata: Mapping[str, int]
    unknown_answers: int = 0
    queries: int = 0
    mean_weight: float = 1.0


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
    _check_names(plan)
    with translated(plan.source):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {raw} AS {_raw_sql(plan)}")
        unknown = _unknown_answers(connection, plan)
    _check_ids(connection, raw, plan)
    _check_labels(connection, raw, plan)
    _check_numbers(connection, raw, plan)
    _check_grades(connection, raw, plan)
    classes, positive, binary = _classes(connection, raw, plan)
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
    columns += [f"{pick(name)} AS {quote(name)}" for name in _sliced(plan)]
    for name in _hashed(plan):
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


def _sliced(plan: RowsPlan) -> list[str]:
    """Names of the columns that are compared as text and are not ours anyway."""
    return [name for name in plan.slices if name not in (*OWN, *DERIVED)]


def _check_names(plan: RowsPlan) -> None:
    """Refuse columns that could not be told from each other or from ours; the engine ignores case."""
    for name in plan.slices:
        if name in DERIVED and name in (*plan.answer_columns, *plan.golden_columns):
            raise InputError(
                f"The column {name!r} has the name of one that Shipworthy adds to the rows.",
                where=plan.source,
                fix=f"Map it to another name, for example golden: {{columns: {{my_{name}: {name}}}}}.",
            )
    seen = {name: name for name in (*OWN, *DERIVED)}
    for name in _sliced(plan):
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise InputError(
                f"The columns {other!r} and {name!r} differ only in case.",
                where=plan.source,
                fix="Write one name everywhere, or map one of them to another name under golden.columns.",
            )


def _hashed(plan: RowsPlan) -> list[str]:
    """Names of averaged columns and scorers, which are stored under a # so that no slice can hide them."""
    return [*(name for name in plan.numbers if name not in NUMBERS), *plan.scorers]


def _check_ids(connection: Connection, raw: str, plan: RowsPlan) -> None:
    if not _scalar(connection, f"SELECT count(*) FROM {raw}"):
        raise InputError(
            "There are no rows.",
            where=plan.source,
            fix="The file holds only the names of its columns, or `where` keeps none of its rows.",
        )
    nameless = "WHERE case_id IS NULL OR trim(case_id) = ''"
    with translated(plan.source):
        # A join drops answers without an id, so that they are counted where they come from.
        missing = _scalar(connection, f"SELECT count(*) FROM ({plan.answers}) a {nameless}")
    missing = missing or _scalar(connection, f"SELECT count(*) FROM {raw} {nameless}")
    if missing:
        raise InputError(
            f"{missing:,} rows have no case_id.", where=plan.source, fix="Every row needs the id of its case."
        )
    bad_repeat = connection.execute(
        f'SELECT case_id, "#repeat__text" AS written FROM {raw} '
        "WHERE written IS NOT NULL AND TRY_CAST(written AS INTEGER) IS NULL LIMIT 1"
    ).fetchone()
    if bad_repeat:
        raise InputError(
            f"The repeat {bad_repeat[1]!r} of case {bad_repeat[0]!r} is no whole number.",
            where=plan.source,
            fix="Number repeats 0, 1, 2 ...",
        )
    key = (
        "query_id, case_id, repeat"
        if plan.keep_unjudged or plan.basis == Basis.RANKING
        else "case_id, repeat"
    )
    twice = connection.execute(
        f"SELECT case_id, count(*) FROM {raw} GROUP BY {key} HAVING count(*) > 1 ORDER BY 2 DESC, 1 LIMIT 3"
    ).fetchall()
    if twice:
        listed = ", ".join(f"{row[0]!r} ({row[1]} times)" for row in twice)
        raise InputError(
            f"Some cases occur more than once: {listed}.",
            where=plan.source,
            fix="If these are repeats of a case, map `repeat`; if the file holds several systems, "
            "pick one with `where`; otherwise remove the duplicates.",
        )
    if plan.golden is not None and not _scalar(connection, f'SELECT count(*) FROM {raw} WHERE "#answered"'):
        raise InputError(
            "None of its case ids is in the golden set.",
            where=plan.source,
            fix="Map `case_id` to the column that holds the same ids in both files.",
        )


def _check_labels(connection: Connection, raw: str, plan: RowsPlan) -> None:
    differing = connection.execute(
        f'SELECT count(*), min(case_id) FROM {raw} WHERE "#answered" AND label <> "#label__beside"'
    ).fetchone()
    if differing and differing[0]:
        raise InputError(
            f"{differing[0]:,} cases carry another label than the golden set, for example {differing[1]!r}: "
            "true classes must agree between systems.",
            where=plan.source,
            fix="Correct the labels, or remove the label column from this file: the golden set's holds.",
        )


def _check_numbers(connection: Connection, raw: str, plan: RowsPlan) -> None:
    names = [(name, quote(name), quote(f"#{name}__text")) for name in NUMBERS]
    names += [(name, quote("#" + name), quote(f"#{name}__text")) for name in _hashed(plan)]
    checks = ", ".join(
        f"count(*) FILTER (WHERE {text} IS NOT NULL AND ({value} IS NULL OR NOT isfinite({value}))), "
        f"min(case_id) FILTER (WHERE {text} IS NOT NULL AND ({value} IS NULL OR NOT isfinite({value}))), "
        f"min({text}) FILTER (WHERE {text} IS NOT NULL AND ({value} IS NULL OR NOT isfinite({value})))"
        for _name, value, text in names
    )
    found = connection.execute(f"SELECT {checks} FROM {raw}").fetchone() or ()
    for index, (name, _value, _text) in enumerate(names):
        count, case_id, shown = found[3 * index : 3 * index + 3]
        if count:
            raise InputError(
                f"{name} is no finite number in {count:,} rows: {shown!r} at case {case_id!r}.",
                where=plan.source,
                fix="Write a number, or leave the cell empty where there is none.",
            )
    if plan.basis == Basis.RANKING:
        _check_relevance(connection, raw, plan)
    negative = connection.execute(f"SELECT min(case_id) FROM {raw} WHERE weight < 0").fetchone()
    if negative and negative[0] is not None:
        raise InputError(
            f"The weight of case {negative[0]!r} is negative.",
            where=plan.source,
            fix="Weights are 0 or more.",
        )


def _check_relevance(connection: Connection, raw: str, plan: RowsPlan) -> None:
    bad = connection.execute(
        f"SELECT label, min(case_id) FROM {raw} "
        "WHERE label IS NOT NULL AND NOT coalesce(isfinite(TRY_CAST(label AS DOUBLE)), false) "
        "GROUP BY label ORDER BY count(*) DESC, label LIMIT 1"
    ).fetchone()
    if bad:
        raise InputError(
            f"The relevance {bad[0]!r} of item {bad[1]!r} is no number.",
            where=plan.source,
            fix="Write how relevant an item is as a number, 0 where it is not.",
        )


def _check_grades(connection: Connection, raw: str, plan: RowsPlan) -> None:
    known = ", ".join(text_literal(name) for name in ("good", "poor", "harmful"))
    bad = connection.execute(
        f"SELECT grade, count(*), min(case_id) FROM (SELECT case_id, {_grade(plan)} AS grade FROM {raw}) "
        f"WHERE grade IS NOT NULL AND grade NOT IN ({known}) GROUP BY grade ORDER BY 2 DESC LIMIT 1"
    ).fetchone()
    if bad and plan.basis == Basis.GRADE:
        raise InputError(
            f"The grade {bad[0]!r} (rows: {bad[1]:,}, for example case {bad[2]!r}) "
            "is none of good, poor, harmful.",
            where=plan.source,
            fix="Map it with golden.grades, for example {pass: good, fail: harmful} "
            "(in `check`: --grade pass=good --grade fail=harmful).",
        )


def _grade(plan: RowsPlan) -> str:
    if not plan.grades:
        return "lower(trim(grade))"
    mapped = " ".join(
        f"WHEN {text_literal(theirs.lower())} THEN {text_literal(ours)}"
        for theirs, ours in plan.grades.items()
    )
    return f"CASE lower(trim(grade)) {mapped} ELSE lower(trim(grade)) END"


def _classes(
    connection: Connection, raw: str, plan: RowsPlan
) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Return the classes, the positive labels, and whether outcomes are positives and negatives."""
    if plan.basis != Basis.PREDICTION:
        return (), plan.positive, False
    labels = _distinct(connection, raw, "label")
    predictions = _distinct(connection, raw, "prediction")
    if len(labels) > MOST_CLASSES:
        raise InputError(
            f"The label column has {len(labels)} or more distinct values, too many for classes.",
            where=plan.source,
            fix="For numbers use kind: regressor; for texts give a scorer under metrics.",
        )
    positive = _spellings(plan.positive, labels, predictions) or _usual_positive(labels | predictions)
    if plan.positive and not labels & set(positive):
        raise InputError(
            f"golden.positive names {', '.join(plan.positive)}, but the labels are "
            f"{', '.join(sorted(labels)[:8]) or 'all empty'}.",
            where=plan.source,
            fix="Write the label of the positive class as it stands in the file.",
        )
    if plan.threshold is not None and not positive:
        raise InputError(
            "A threshold on predicted_score needs a positive class, and no label is known to be it.",
            where=plan.source,
            fix="Say it with golden.positive, for example positive: [yes].",
        )
    unseen = predictions - labels
    # Predictions may use words of their own if some of them are named positive; a stray one is a mistake.
    own_words = bool(predictions & set(positive)) and not predictions & labels
    strangers = unseen - set(positive)
    if strangers and not own_words and (plan.positive or not positive):
        raise InputError(
            f"The prediction {sorted(strangers)[0]!r} is no class that occurs among the labels "
            f"({', '.join(sorted(labels)[:8])}).",
            where=plan.source,
            fix="Use the labels' spelling, or say with golden.positive which values mean positive.",
        )
    two_classes = bool(unseen) or len(labels | predictions) <= 2 or plan.threshold is not None
    binary = bool(positive) and two_classes
    if binary:
        return ("negative", "positive"), positive, True
    return tuple(sorted(labels | predictions)), positive, False


def _spellings(positive: Sequence[str], labels: set[str], predictions: set[str]) -> tuple[str, ...]:
    """Return the named positive labels, and words that differ from them only in case and are no label."""
    lowered = {value.lower() for value in positive}
    free = predictions - labels if labels & set(positive) else predictions | labels
    return tuple(dict.fromkeys([*positive, *sorted(value for value in free if value.lower() in lowered)]))


def _usual_positive(values: set[str]) -> tuple[str, ...]:
    lowered = {value.lower() for value in values}
    for negative, yes in (("0", "1"), ("false", "true"), ("no", "yes"), ("n", "y"), ("negative", "positive")):
        if lowered and lowered <= {negative, yes}:
            return tuple(sorted(value for value in values if value.lower() == yes)) or (yes,)
    return ()


def _distinct(connection: Connection, raw: str, column: str) -> set[str]:
    found = connection.execute(
        f"SELECT DISTINCT {quote(column)} FROM {raw} "
        f"WHERE {quote(column)} IS NOT NULL LIMIT {MOST_CLASSES + 1}"
    ).fetchall()
    return {str(row[0]) for row in found}


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
    clusters = _scalar(connection, f"SELECT count(DISTINCT {cluster}) FROM {raw}")
    group = (
        "dense_rank() OVER (ORDER BY cluster_id) - 1"
        if clusters <= MOST_GROUPS
        else f"hash(cluster_id) % {RANDOM_GROUPS}"
    )
    slices = [quote(name) for name in _sliced(plan)]
    numbers = [quote("#" + name) for name in _hashed(plan)]
    extras = "".join(f", {name}" for name in (*slices, *numbers))
    usable = "unscored_reason IS NULL"
    yes = ", ".join(text_literal(label) for label in positive) or "NULL"
    states = f"""
      SELECT case_id, repeat, {cluster} AS cluster_id, stratum, query_id, label,
             {prediction} AS prediction, predicted_score, correct, {_grade(plan)} AS grade, latency_ms,
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
    return _scalar(
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
        distinct = _scalar(connection, f"SELECT count(DISTINCT predicted_score) FROM {table}")
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


def _scalar(connection: Connection, sql: str) -> int:
    found = connection.execute(sql).fetchone()
    return int(found[0]) if found and found[0] is not None else 0
