"""What must hold before columns become rows: ids, labels, numbers, grades and classes."""

from __future__ import annotations

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
    grade_sql,
    slice_columns,
)

__all__ = ["check_columns", "check_rows", "classes_of"]

MOST_CLASSES = 200


def check_rows(connection: Connection, raw: str, plan: RowsPlan) -> None:
    """Refuse columns that cannot become rows.

    Args:
        connection: The engine.
        raw: The joined columns.
        plan: Where they come from.

    Raises:
        InputError: For duplicate or missing ids, labels that disagree, and what is no number or grade.
    """
    _check_ids(connection, raw, plan)
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


def _check_ids(connection: Connection, raw: str, plan: RowsPlan) -> None:
    if not scalar(connection, f"SELECT count(*) FROM {raw}"):
        raise InputError(
            "There are no rows.",
            where=plan.source,
            fix="The file holds only the names of its columns, or `where` keeps none of its rows.",
        )
    nameless = "WHERE case_id IS NULL OR trim(case_id) = ''"
    with translated(plan.source):
        # A join drops answers without an id, so that they are counted where they come from.
        missing = scalar(connection, f"SELECT count(*) FROM ({plan.answers}) a {nameless}")
    missing = missing or scalar(connection, f"SELECT count(*) FROM {raw} {nameless}")
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
    names = [(name, quote(name), quote(f"#{name}__text")) for name in NUMBERS]
    names += [(name, quote("#" + name), quote(f"#{name}__text")) for name in averaged_columns(plan)]
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
        f"SELECT grade, count(*), min(case_id) FROM (SELECT case_id, {grade_sql(plan)} AS grade FROM {raw}) "
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
