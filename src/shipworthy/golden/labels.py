"""People's verdicts on judged outputs: read, checked, and put beside the answers they speak of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from shipworthy.define.spec import Golden, Judge, Labels, Spec
from shipworthy.errors import InputError, nearest
from shipworthy.golden.columns import check_mapping, locate, rows_where
from shipworthy.store.hashes import hash_file, hash_record
from shipworthy.tables.duck import (
    Connection,
    ForeignFile,
    connect,
    open_file,
    quote,
    scalar,
    text_literal,
    translated,
)
from shipworthy.tables.row_plan import PeopleLabels, RowsPlan

__all__ = ["GRADES", "beside_answers", "human_column", "labels_hash", "labels_met"]

#: Codes of people's grades, in this order.
GRADES = ("good", "poor", "harmful")

YES = ("1", "yes", "true", "pass", "passed", "good", "right", "correct")
NO = ("0", "no", "false", "fail", "failed", "poor", "harmful", "bad", "wrong", "incorrect")


def human_column(of: str) -> str:
    """Return the column of rows that holds people's verdict on a judged score.

    >>> human_column("resolved")
    '#human:resolved'
    """
    return f"#human:{of}"


def labels_hash(spec: Spec, folder: Path) -> str:
    """Return the hash of all people's verdicts and of what their columns mean; empty where there are none.

    Args:
        spec: The spec.
        folder: Where relative paths start.
    """
    used = [(judge.of, judge.labels) for judge in spec.judges if judge.labels is not None]
    if not used:
        return ""
    return hash_record(
        {of: {**labels.model_dump(), "file": hash_file(_path(labels, folder))} for of, labels in used}
    )


def beside_answers(
    plan: RowsPlan, spec: Spec, system: str, folder: Path
) -> tuple[RowsPlan, dict[str, PeopleLabels]]:
    """Put people's verdicts beside the answers of one system.

    Args:
        plan: How its rows are made.
        spec: The spec.
        system: "candidate", "live" or a baseline's name.
        folder: Where relative paths start.

    Returns:
        The plan with a column of codes per judged score that has verdicts on this system, and what each
        file holds for it.

    Raises:
        InputError: If a file is missing, names no outputs, or says what is neither yes nor no.
    """
    found: dict[str, PeopleLabels] = {}
    for judge in spec.judges:
        if judge.labels is None:
            continue
        verdicts = _read(judge, judge.labels, spec, system, folder)
        if verdicts.table is not None:
            found[judge.of] = PeopleLabels(verdicts.given, 0, verdicts.table)
        elif verdicts.given:
            found[judge.of] = PeopleLabels(verdicts.given)
            plan = _joined(plan, human_column(judge.of).removeprefix("#"), verdicts.rows)
    return plan, found


def labels_met(
    connection: Connection, table: str, found: dict[str, PeopleLabels], spec: Spec, folder: Path
) -> dict[str, PeopleLabels]:
    """Count the verdicts that met a row.

    Args:
        connection: The engine.
        table: The rows.
        found: What each file holds.
        spec: The spec.
        folder: Where relative paths start.

    Raises:
        InputError: If none of a file's verdicts met a row.
    """
    counted = {}
    for of, labels in found.items():
        if labels.table:
            counted[of] = labels
            continue
        met = scalar(connection, f"SELECT count({quote(human_column(of))}) FROM {table}")
        if not met:
            files = {judge.of: judge.labels for judge in spec.judges if judge.labels is not None}
            raise InputError(
                f"None of its {labels.given:,} verdicts speaks of a case of the golden set.",
                where=str(_path(files[of], folder)),
                fix="Map `case_id` (and `repeat`) under judges: labels: columns to ids of the golden set.",
            )
        counted[of] = replace(labels, met=met)
    return counted


@dataclass(frozen=True)
class _Verdicts:
    """One file's verdicts: rows of (case, repeat, code), or the table of a set of its own."""

    given: int
    rows: tuple[tuple[str, int, int], ...] = ()
    table: tuple[tuple[int, ...], ...] | None = None


def _path(labels: Labels, folder: Path) -> Path:
    path = folder / labels.path
    if not path.is_file():
        raise InputError(
            f"The file of people's verdicts {labels.path!r} does not exist.",
            where=str(path),
            fix="Correct judges: labels, or leave it out: the gates on that score are then not measured.",
        )
    return path


def _read(judge: Judge, labels: Labels, spec: Spec, system: str, folder: Path) -> _Verdicts:
    # Verdicts lie in a file whatever engine holds the rows, so they are read by an engine of their own.
    connection = connect()
    try:
        path = _path(labels, folder)
        file = open_file(connection, path)
        check_mapping([file], labels.columns, str(path))
        condition = rows_where(file, labels.where)
        whose = locate(file, "system", labels.columns) if "system" in labels.columns else None
        if whose is not None:
            condition += f" AND {whose} = {text_literal(system)}"
        people = _column(file, "verdict", labels)
        if "judge" in labels.columns:
            return _own_set(connection, file, condition, judge, labels, spec.golden, people)
        if whose is None and system != next(iter(spec.systems.named()), system):
            return _Verdicts(0)
        return _on_cases(connection, file, condition, judge, labels, spec.golden, people)
    finally:
        connection.close()


def _column(file: ForeignFile, name: str, labels: Labels) -> str:
    text = locate(file, name, labels.columns)
    if text is None:
        raise InputError(
            f"The file has no column {labels.columns.get(name, name)!r}.",
            where=str(file.path),
            fix=f"Map it: judges: labels: {{columns: {{{name}: ...}}}}. {nearest(name, file.names)}",
        )
    return text


def _on_cases(
    connection: Connection,
    file: ForeignFile,
    condition: str,
    judge: Judge,
    labels: Labels,
    golden: Golden,
    people: str,
) -> _Verdicts:
    case = _column(file, "case_id", labels)
    repeat = locate(file, "repeat", labels.columns) or "'0'"
    with translated(str(file.path)):
        read = connection.execute(
            f"SELECT {case}, TRY_CAST({repeat} AS INTEGER), {people} FROM {file.relation} "
            f"WHERE {condition} AND {people} IS NOT NULL ORDER BY 1, 2, 3"
        ).fetchall()
    rows = []
    for index, (case_id, turn, verdict) in enumerate(read):
        if case_id is None or turn is None:
            raise InputError(
                f"A verdict ({verdict!r}) has no case_id, or a repeat that is no whole number.",
                where=str(file.path),
                fix="Every verdict needs the id of its case; repeats count 0, 1, 2 ...",
            )
        if index and read[index - 1][:2] == (case_id, turn):
            raise InputError(
                f"The output of case {case_id!r} has two verdicts.",
                where=str(file.path),
                fix="Keep the one that people settled on; verdicts on repeats need a column `repeat`.",
            )
        rows.append((str(case_id), int(turn), _code(str(verdict), judge, labels, golden, str(file.path))))
    if not rows and "system" not in labels.columns:
        raise InputError(
            "The file holds no verdict.", where=str(file.path), fix="Fill in people's verdicts: yes or no."
        )
    return _Verdicts(len(rows), tuple(rows))


def _own_set(
    connection: Connection,
    file: ForeignFile,
    condition: str,
    judge: Judge,
    labels: Labels,
    golden: Golden,
    people: str,
) -> _Verdicts:
    """Count a set that holds the judge's own verdicts too."""
    theirs = _column(file, "judge", labels)
    with translated(str(file.path)):
        read = connection.execute(
            f"SELECT {theirs}, {people}, count(*) FROM {file.relation} WHERE {condition} "
            f"AND {theirs} IS NOT NULL AND {people} IS NOT NULL GROUP BY 1, 2"
        ).fetchall()
    size = len(GRADES) if judge.of == "grade" else 2
    table = [[0] * size for _ in range(size)]
    for said, verdict, count in read:
        codes = (_code(str(text), judge, labels, golden, str(file.path)) for text in (said, verdict))
        first, second = codes
        table[first][second] += int(count)
    given = sum(map(sum, table))
    if not given:
        raise InputError(
            "No row has both the judge's verdict and people's.",
            where=str(file.path),
            fix="Map both: judges: labels: {columns: {judge: ..., verdict: ...}}.",
        )
    return _Verdicts(given, table=tuple(tuple(row) for row in table))


def _code(verdict: str, judge: Judge, labels: Labels, golden: Golden, path: str) -> int:
    """Return the code of a verdict: 0 and 1 for no and yes, or the place of a grade.

    Raises:
        InputError: If it is neither.
    """
    word = verdict.strip().lower()
    if judge.of == "grade":
        grades = {theirs.lower(): ours for theirs, ours in golden.grades.items()}
        grade = grades.get(word, word)
        if grade in GRADES:
            return GRADES.index(grade)
        raise InputError(
            f"The verdict {verdict!r} is none of good, poor, harmful.",
            where=path,
            fix="Write people's grades in these words, or map them with golden.grades.",
        )
    if labels.passes:
        return int(verdict in labels.passes)
    if word in YES or word in NO:
        return int(word in YES)
    raise InputError(
        f"The verdict {verdict!r} is neither yes nor no.",
        where=path,
        fix="Write yes or no (pass or fail, true or false, 1 or 0), or name what passes: "
        "judges: labels: {passes: [...]}.",
    )


def _joined(plan: RowsPlan, name: str, verdicts: Sequence[tuple[str, int, int]]) -> RowsPlan:
    """Join verdicts to the answers; they are few, so they stand in the query itself, whatever the engine."""
    listed = ", ".join(f"({text_literal(case)}, {turn}, {code})" for case, turn, code in verdicts)
    turn = "coalesce(TRY_CAST(a.repeat AS INTEGER), 0)" if "repeat" in plan.answer_columns else "0"
    answers = (
        f"SELECT a.*, CAST(v.code AS DOUBLE) AS {quote(name)} FROM ({plan.answers}) a LEFT JOIN "
        f"(VALUES {listed}) AS v(case_id, turn, code) ON a.case_id = v.case_id AND v.turn = {turn}"
    )
    return replace(
        plan,
        answers=answers,
        answer_columns=(*plan.answer_columns, name),
        numbers=(*plan.numbers, name),
        typed=plan.typed | {name},
        columnar=False,
    )
