"""What must hold before columns become rows: ids, labels, numbers, grades and classes."""

from __future__ import annotations

import json
from collections.abc import Sequence

from shipworthy.errors import InputError
from shipworthy.tables.duck import Connection, quote, scalar, text_literal, translated
from shipworthy.tables.row_plan import (
    DERIVED,
    NUMBERS,
    OWN,
    Basis,
    RowsPlan,
    averaged_columns,
    bad,
    grade_sql,
    slice_columns,
)

__all__ = ["check_columns", "check_rows", "classes_of", "is_in_order", "unknown_answers"]

MOST_CLASSES = 200


#: A row beside the one before it, in the order in which they lie in a file.
_NEIGHBOURS = (
    "(SELECT case_id, repeat, lag(case_id) OVER () AS case_before, lag(repeat) OVER () AS repeat_before "
    "FROM {raw}) n"
)


def check_rows(connection: Connection, raw: str, plan: RowsPlan, *, in_order: bool = False) -> None:
    """Refuse columns that cannot become rows.

    Args:
        connection: The engine.
        raw: The joined columns.
        plan: Where they come from.
        in_order: Whether they lie in the order of case and repeat.

    Raises:
        InputError: For duplicate or missing ids, labels that disagree, and what is no number or grade.
    """
    _check_ids(connection, raw, plan)
    _check_twice(connection, raw, plan, in_order)
    _check_known(connection, raw, plan)
    _check_labels(connection, raw, plan)
    _check_numbers(connection, raw, plan)
    _check_grades(connection, raw, plan)


def check_columns(plan: RowsPlan) -> None:
    """Refuse columns that could not be told from each other or from ours; the engine ignores case."""
    for name in plan.slices:
        if name in DERIVED and name in (*plan.answer_columns, *plan.golden_columns):
            raise InputError(
                f"The column {name!r} has the name of one that Shipworthy adds to the rows.",
                where=plan.source,
                fix=f"Map it to another name, for example golden: {{columns: {{my_{name}: {name}}}}}.",
            )
    seen = {name: name for name in (*OWN, *DERIVED)}
    for name in slice_columns(plan):
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise InputError(
                f"The columns {other!r} and {name!r} differ only in case.",
                where=plan.source,
                fix="Write one name everywhere, or map one of them to another name under golden.columns.",
            )


def is_in_order(connection: Connection, raw: str) -> bool:
    """Return whether rows in a file lie in the order of case and repeat, so that they need no sorting.

    Args:
        connection: DuckDB.
        raw: The joined columns.
    """
    return not scalar(
        connection,
        f"SELECT count(*) FROM {_NEIGHBOURS.format(raw=raw)} "
        "WHERE case_before > case_id OR (case_before = case_id AND repeat_before > repeat)",
    )


def unknown_answers(connection: Connection, raw: str, plan: RowsPlan) -> int:
    """Return how many answers are for cases that the golden set does not know.

    Args:
        connection: The engine.
        raw: The joined columns, each case once.
        plan: Where they come from.
    """
    if plan.golden is None or plan.keep_unjudged:
        return 0
    given = scalar(connection, f"SELECT count(case_id) FROM ({plan.answers}) a")
    return given - scalar(connection, f'SELECT count(*) FROM {raw} WHERE "#answered"')


def _check_ids(connection: Connection, raw: str, plan: RowsPlan) -> None:
    nameless = "case_id IS NULL OR trim(case_id) = ''"
    found = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {nameless}), count({quote(bad('repeat'))}) FROM {raw}"
    ).fetchone()
    rows, missing, bad_repeats = found or (0, 0, 0)
    if not rows:
        raise InputError(
            "There are no rows.",
            where=plan.source,
            fix="The file holds only the names of its columns, or `where` keeps none of its rows.",
        )
    if plan.golden is not None:
        # A join drops answers without an id, so they are counted where they come from.
        with translated(plan.source):
            dropped = scalar(connection, f"SELECT count(*) FROM ({plan.answers}) a WHERE {nameless}")
        missing = dropped or missing
    if missing:
        raise InputError(
            f"{missing:,} rows have no case_id.", where=plan.source, fix="Every row needs the id of its case."
        )
    if bad_repeats:
        written = quote(bad("repeat"))
        example = connection.execute(
            f"SELECT case_id, {written} FROM {raw} WHERE {written} IS NOT NULL ORDER BY 1, 2 LIMIT 1"
        ).fetchone() or ("", "")
        raise InputError(
            f"The repeat {example[1]!r} of case {example[0]!r} is no whole number.",
            where=plan.source,
            fix="Number repeats 0, 1, 2 ...",
        )


def _check_twice(connection: Connection, raw: str, plan: RowsPlan, in_order: bool) -> None:
    """Refuse a case that occurs twice; rows in order show it between neighbours, in flat memory."""
    by_query = plan.keep_unjudged or plan.basis == Basis.RANKING
    if in_order and not by_query:
        twice = (
            f"SELECT count(*) FROM {_NEIGHBOURS.format(raw=raw)} "
            "WHERE case_before = case_id AND repeat_before = repeat"
        )
        if not scalar(connection, twice):
            return
    key = "query_id, case_id, repeat" if by_query else "case_id, repeat"
    found = connection.execute(
        f"SELECT case_id, count(*) FROM {raw} GROUP BY {key} HAVING count(*) > 1 ORDER BY 2 DESC, 1 LIMIT 3"
    ).fetchall()
    if found:
        listed = ", ".join(f"{row[0]!r} ({row[1]} times)" for row in found)
        raise InputError(
            f"Some cases occur more than once: {listed}.",
            where=plan.source,
            fix="If these are repeats of a case, map `repeat`; if the file holds several systems, "
            "pick one with `where`; otherwise remove the duplicates.",
        )


def _check_known(connection: Connection, raw: str, plan: RowsPlan) -> None:
    if plan.golden is not None and not scalar(connection, f'SELECT count(*) FROM {raw} WHERE "#answered"'):
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
    stored = {name: name for name in NUMBERS} | {f"#{name}": name for name in averaged_columns(plan)}
    counts = ", ".join(f"count({quote(bad(column))})" for column in stored)
    found = connection.execute(f"SELECT {counts} FROM {raw}").fetchone() or ()
    for (column, name), count in zip(stored.items(), found, strict=True):
        if count:
            written = quote(bad(column))
            shown = connection.execute(
                f"SELECT case_id, {written} FROM {raw} WHERE {written} IS NOT NULL ORDER BY 1, 2 LIMIT 1"
            ).fetchone() or ("", "")
            raise InputError(
                f"{name} is no finite number in {count:,} rows: {shown[1]!r} at case {shown[0]!r}.",
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
    unweighted = connection.execute(
        f'SELECT count(*), min(case_id) FROM {raw} WHERE weight IS NULL AND "#answered" '
        f"AND (SELECT count(weight) FROM {raw}) > 0"
    ).fetchone()
    if unweighted and unweighted[0]:
        raise InputError(
            f"{unweighted[0]:,} rows have no weight though others have one, the first at case "
            f"{unweighted[1]!r}.",
            where=plan.source,
            fix="Write how many cases each row stands for; 0 leaves a row out.",
        )
    heaviest = connection.execute(f"SELECT max(coalesce(weight, 1.0)) FROM {raw}").fetchone()
    if heaviest and heaviest[0] == 0:
        raise InputError(
            "Every weight is 0, so the rows stand for no case at all.",
            where=plan.source,
            fix="Write how many cases each row stands for, or leave the column out.",
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
        "SELECT grade, count(*), min(case_id) "
        f"FROM (SELECT case_id, {grade_sql(plan)} AS grade FROM {raw}) g "
        f"WHERE grade IS NOT NULL AND grade NOT IN ({known}) GROUP BY grade ORDER BY 2 DESC, 1 LIMIT 1"
    ).fetchone()
    if bad and plan.basis == Basis.GRADE:
        raise InputError(
            f"The grade {bad[0]!r} (rows: {bad[1]:,}, for example case {bad[2]!r}) "
            "is none of good, poor, harmful.",
            where=plan.source,
            fix="Map it with golden.grades, for example {pass: good, fail: harmful} "
            "(in `check`: --grade pass=good --grade fail=harmful).",
        )


def classes_of(
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
    positive = _spellings(plan.positive, labels, predictions) or usual_positive(labels | predictions)
    _refuse_mixed_truths(labels, plan)
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
    said = labels | predictions
    two_classes = bool(unseen) or len(said) <= 2 or said == _truths(said) or plan.threshold is not None
    binary = bool(positive) and two_classes
    if binary:
        return ("negative", "positive"), positive, True
    return tuple(sorted(said)), positive, False


def _refuse_mixed_truths(labels: set[str], plan: RowsPlan) -> None:
    """Refuse labels that say yes and no in two ways: each would silently be a class of its own."""
    digits = labels & {"0", "1"}
    words = _truths(labels) - digits
    positive = {label for label in words | digits if label.lower() in ("true", "1")}
    if words and digits and not (plan.positive and positive <= set(plan.positive)):
        raise InputError(
            f"The labels say yes and no in two ways: {', '.join(sorted(words))} and "
            f"{', '.join(sorted(digits))} would be different classes.",
            where=plan.source,
            fix="Write true and false or 1 and 0 throughout, or name all that mean yes: "
            f"golden: {{positive: [{', '.join(json.dumps(label) for label in sorted(positive))}]}}.",
        )


def _truths(values: set[str]) -> set[str]:
    """Return the values that mean yes or no to a machine: true, false, 1, 0."""
    return {value for value in values if value.lower() in ("true", "false", "1", "0")}


def _spellings(positive: Sequence[str], labels: set[str], predictions: set[str]) -> tuple[str, ...]:
    """Return the named positive labels, and words that differ from them only in case and are no label."""
    lowered = {value.lower() for value in positive}
    free = predictions - labels if labels & set(positive) else predictions | labels
    return tuple(dict.fromkeys([*positive, *sorted(value for value in free if value.lower() in lowered)]))


def usual_positive(values: set[str]) -> tuple[str, ...]:
    """Return the values that mean yes where all are a usual pair such as yes and no; () elsewhere."""
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
