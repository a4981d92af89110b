"""How a golden set and a system's answers become canonical rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shipworthy.define.spec import Golden, Spec, SystemUse
from shipworthy.errors import InputError, nearest
from shipworthy.golden.columns import Wanted, check_mapping, locate, locate_number, rows_where
from shipworthy.golden.files import file_hashes, folder_of_files, path_of
from shipworthy.records import Case
from shipworthy.store.hashes import hash_file, hash_record, hash_text
from shipworthy.tables.cases import read_cases
from shipworthy.tables.duck import ROW_NUMBER, Connection, ForeignFile, quote
from shipworthy.tables.lists import TextSource
from shipworthy.tables.row_plan import NUMBERS, TEXTS, Basis, RowsPlan
from shipworthy.tables.warehouse import content_of, open_source, require_files

__all__ = ["Answers", "GoldenFile", "answers_of_file", "open_golden", "plan_rows", "wanted_columns"]

#: Roles that belong to a case and not to an answer.
CASE_ROLES = ("label", "stratum", "cluster_id", "query_id", "weight", "time")
ANSWER_ROLES = tuple(role for role in (*TEXTS, *NUMBERS, "repeat") if role not in CASE_ROLES)


@dataclass(frozen=True)
class GoldenFile:
    """The golden set as a relation.

    Args:
        golden: The spec's golden block.
        file: The file.
        version: Content hash over the file and everything that gives its columns meaning.
        condition: Rows to keep, as SQL.
        case_id: SQL of the id.
        file_folder: Where the paths of the cases' files start; None where cases are no files.
    """

    golden: Golden
    file: ForeignFile
    version: str
    condition: str
    case_id: str
    file_folder: Path | None = None

    @property
    def lists_repeats(self) -> bool:
        """Whether the file lists every repeat of a case, so that it holds each case more than once."""
        return locate(self.file, "repeat", self.golden.columns) is not None

    def inputs(self) -> TextSource | None:
        """Return where the inputs' texts are; None where no column is the input."""
        column = _input_column(self.golden.columns, self.file)
        return None if column is None else self._source(self.file.text(column))

    def input_files(self) -> TextSource | None:
        """Return where the paths of the cases' files are; None where cases are no files."""
        path = locate(self.file, "input_file", self.golden.columns)
        return None if path is None else self._source(path)

    def told(self) -> tuple[TextSource | None, TextSource | None]:
        """Return where lists of cases find what a case asks: its text, and the path of its file."""
        return self.inputs(), self.input_files()

    def _source(self, text: str) -> TextSource:
        relation = f"(SELECT * FROM {self.file.relation} WHERE {self.condition})"
        return TextSource(relation, self.case_id, text, path=str(self.file.path))

    def cases(self, connection: Connection) -> Iterator[Case]:
        """Yield every case with its native values, in the file's order.

        Args:
            connection: The engine.

        Raises:
            InputError: If the golden set is a table of a warehouse, whose rows stay there.
        """
        require_files(connection, "Asking or scoring case by case", [str(self.file.path)])
        mapping = {**self.golden.columns}
        column = _input_column(mapping, self.file)
        label = mapping.get("label", "label")
        stratum = mapping.get("stratum", "stratum")
        for case_id, columns in read_cases(
            connection, self.file, self.case_id, self.condition, repeated=self.lists_repeats
        ):
            rest = {name: value for name, value in columns.items() if name != column}
            found = _walk(columns, label)
            features = {name: value for name, value in columns.items() if name not in (label, stratum)}
            stratum_value = _walk(columns, stratum)
            asked = _walk(columns, column) if column is not None else features
            path = _walk(columns, mapping.get("input_file", "input_file"))
            if path is not None and self.file_folder is not None:
                located = str(path_of(str(path), self.file_folder))
                asked = located if column is None else {"input": asked, "input_file": located}
            yield Case(
                case_id=case_id,
                input=asked,
                label=found,
                stratum=str(stratum_value) if stratum_value is not None else None,
                columns=rest,
            )


def _walk(columns: Mapping[str, Any], path: str) -> Any:
    """Return the value at a column name or a dotted path."""
    if path in columns:
        return columns[path]
    value: Any = columns
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _input_column(mapping: Mapping[str, str], file: ForeignFile) -> str | None:
    for name in (mapping.get("input"), "input", "question", "prompt"):
        if name is not None and file.find(name) is not None:
            return name
    return None


def open_golden(connection: Connection, golden: Golden, folder: Path) -> GoldenFile:
    """Open the golden set and fix its version.

    Args:
        connection: The engine.
        golden: The spec's golden block.
        folder: Where relative paths start.

    Raises:
        InputError: If the file is missing, broken, or has no column of ids.
    """
    file = open_source(
        connection, golden.path, folder, number_rows=golden.columns.get("case_id") == ROW_NUMBER
    )
    case_id = locate(file, "case_id", golden.columns)
    if case_id is None:
        wanted = golden.columns.get("case_id", "case_id")
        raise InputError(
            f"The golden set has no column {wanted!r} to tell cases apart.",
            where=str(file.path),
            fix=f"Map it: golden: {{columns: {{case_id: ...}}}}. {nearest(wanted, file.names)}",
        )
    condition = rows_where(file, golden.where)
    paths = locate(file, "input_file", golden.columns)
    file_folder = None if paths is None else folder_of_files(golden, folder)
    held = (
        {}
        if paths is None or file_folder is None
        else {"input_files": file_hashes(connection, file, paths, condition, file_folder)}
    )
    version = hash_record(
        {
            "file": _content(connection, file),
            "where": golden.where,
            "columns": golden.columns,
            "positive": golden.positive,
            "grades": golden.grades,
            **held,
        }
    )
    return GoldenFile(golden, file, version, condition, case_id, file_folder)


def _content(connection: Connection, file: ForeignFile) -> str:
    """Return the content hash of a file's bytes, or of a table's rows."""
    return hash_file(file.path) if isinstance(file.path, Path) else content_of(connection, file)


@dataclass(frozen=True)
class Answers:
    """One system's answers as a relation.

    Args:
        file: The recorded file.
        mapping: Our name -> its column.
        condition: Rows to keep, as SQL.
        case_id: SQL of the id.
        is_golden: Whether it is the golden set itself, so that no join is needed.
        fingerprint: Hash of what these answers are.
    """

    file: ForeignFile
    mapping: Mapping[str, str]
    condition: str
    case_id: str
    is_golden: bool
    fingerprint: str

    def outputs(self) -> TextSource | None:
        """Return where the outputs' texts are; None where no column is the output."""
        for name in ("output", "prediction"):
            text = locate(self.file, name, self.mapping)
            if text is not None:
                repeat = locate(self.file, "repeat", self.mapping) or "0"
                relation = f"(SELECT * FROM {self.file.relation} WHERE {self.condition})"
                return TextSource(relation, self.case_id, text, repeat, str(self.file.path))
        return None


def answers_of_file(connection: Connection, golden: GoldenFile, system: SystemUse, folder: Path) -> Answers:
    """Open a recorded file.

    Args:
        connection: The engine.
        golden: The golden set.
        system: The system, with `recorded`.
        folder: Where relative paths start.

    Raises:
        InputError: If the file is missing, broken, or has no column of ids.
    """
    mapping = {**golden.golden.columns, **system.columns}
    file = open_source(
        connection, str(system.recorded), folder, number_rows=mapping.get("case_id") == ROW_NUMBER
    )
    check_mapping([file, golden.file], mapping, str(file.path))
    case_id = locate(file, "case_id", mapping)
    if case_id is None:
        wanted = mapping.get("case_id", "case_id")
        raise InputError(
            f"The file has no column {wanted!r} to tell cases apart.",
            where=str(file.path),
            fix=f"Map it under the system's columns. {nearest(wanted, file.names)}",
        )
    fingerprint = hash_record(
        {
            "file": _content(connection, file),
            "where": system.where,
            "columns": mapping,
            "threshold": system.threshold,
        }
    )
    same = file.path.resolve() == golden.file.path.resolve() and system.where == golden.golden.where
    return Answers(file, mapping, rows_where(file, system.where), case_id, same, fingerprint)


def wanted_columns(spec: Spec, slices: set[str], numbers: set[str]) -> Wanted:
    """Return the columns judging needs beside the roles, in a fixed order.

    Args:
        spec: The spec.
        slices: Columns that rules compare as text.
        numbers: Columns that rules average.
    """
    scorers = {metric.id for metric in spec.metrics if metric.scorer is not None}
    texts = dict.fromkeys([*spec.slices, *sorted(slices)])
    return Wanted(tuple(texts), tuple(sorted(numbers - scorers)))


def plan_rows(
    spec: Spec,
    golden: GoldenFile,
    answers: Answers | None,
    wanted: Wanted,
    *,
    scored: str | None = None,
    scorers: tuple[str, ...] = (),
    grading: bool = False,
    system: SystemUse | None = None,
) -> RowsPlan:
    """Plan how rows are made from a golden set and one system's answers.

    Args:
        spec: The spec.
        golden: The golden set.
        answers: The recorded file; None where a function was run.
        wanted: Columns judging needs beside the roles.
        scored: SQL of rows that were scored one by one; None where the file carries everything.
        scorers: Ids of the scorers.
        grading: Whether a scorer gave grades.
        system: The system, for its threshold.
    """
    threshold = system.threshold if system is not None else None
    source = str(answers.file.path) if answers is not None else "the run"
    typed = _typed_numbers(golden, answers, wanted, scorers) if scored is None else frozenset()
    relation, columns = _answers_relation(golden, answers, wanted, scored, scorers, grading, typed)
    golden_sql, golden_columns = _golden_relation(golden, answers, wanted, typed)
    basis = _basis(spec, columns, golden_columns, scorers, grading)
    primary = None
    if basis == Basis.SCORED:
        primary = "correct" if "correct" in scorers else scorers[0]
    return RowsPlan(
        golden=golden_sql,
        answers=relation,
        golden_columns=golden_columns,
        answer_columns=columns,
        slices=wanted.slices,
        numbers=tuple(name for name in wanted.numbers if name not in scorers),
        scorers=scorers,
        basis=basis,
        primary_scorer=primary,
        positive=tuple(golden.golden.positive),
        threshold=threshold,
        keep_unjudged=basis == Basis.RANKING and golden_sql is not None and "query_id" in columns,
        grades=golden.golden.grades,
        source=source,
        typed=typed,
        columnar=scored is None and golden_sql is None and answers is not None and answers.file.is_columnar,
    )


def _typed_numbers(
    golden: GoldenFile, answers: Answers | None, wanted: Wanted, scorers: tuple[str, ...]
) -> frozenset[str]:
    """Return the numbers that every side which has them holds as numbers, so that no text need be read."""
    sides = [(golden.file, golden.golden.columns)]
    if answers is not None:
        sides.append((answers.file, dict(answers.mapping)))
    found = set()
    # `correct` may be words on one side, and a slice of the same name is compared as text.
    for name in {*NUMBERS, *wanted.numbers} - {"correct", *scorers, *wanted.slices}:
        held = [(file, mapping) for file, mapping in sides if locate(file, name, mapping) is not None]
        if held and all(locate_number(file, name, mapping) is not None for file, mapping in held):
            found.add(name)
    return frozenset(found)


def _read(file: ForeignFile, name: str, mapping: Mapping[str, str], typed: frozenset[str]) -> str | None:
    """Return the SQL that reads a column as a double where it is typed, else as text."""
    return locate_number(file, name, mapping) if name in typed else locate(file, name, mapping)


def _answers_relation(
    golden: GoldenFile,
    answers: Answers | None,
    wanted: Wanted,
    scored: str | None,
    scorers: tuple[str, ...],
    grading: bool,
    typed: frozenset[str],
) -> tuple[str, tuple[str, ...]]:
    """Return SQL of the answers in our names, and which of our names it has."""
    names = [*ANSWER_ROLES, *wanted.slices, *wanted.numbers]
    if answers is not None and (answers.is_golden or golden.file.path == answers.file.path):
        names += CASE_ROLES
    elif answers is not None:
        names += ["label", "query_id"]
    found: dict[str, str] = {}
    if answers is not None:
        for name in dict.fromkeys(names):
            text = _read(answers.file, name, answers.mapping, typed)
            if text is not None:
                found[name] = text
    if scored is None:
        if answers is None:
            raise ValueError("rows need a recorded file or scored answers")
        columns = ", ".join(
            [f"{answers.case_id} AS case_id", *(f"{sql} AS {quote(n)}" for n, sql in found.items())]
        )
        return f"SELECT {columns} FROM {answers.file.relation} WHERE {answers.condition}", tuple(found)
    own = ["prediction", "predicted_score", "latency_ms", "run_cost", "failed_reason", "unscored_reason"]
    own += [*scorers, *(["grade"] if grading else [])]
    columns = ", ".join(f"s.{quote(name)}" for name in own)
    if answers is None:
        return f"SELECT s.case_id, s.repeat, {columns} FROM ({scored}) s", ("repeat", *own)
    rest = {name: sql for name, sql in found.items() if name not in (*own, "repeat")}
    inner = ", ".join(
        [
            f"{answers.case_id} AS case_id",
            f"coalesce(TRY_CAST({found.get('repeat', '0')} AS INTEGER), 0) AS repeat",
            *(f"{sql} AS {quote(name)}" for name, sql in rest.items()),
        ]
    )
    extra = "".join(f", r.{quote(name)}" for name in rest)
    relation = (
        f"SELECT s.case_id, s.repeat, {columns}{extra} FROM ({scored}) s LEFT JOIN "
        f"(SELECT {inner} FROM {answers.file.relation} WHERE {answers.condition}) r "
        "ON s.case_id = r.case_id AND TRY_CAST(s.repeat AS INTEGER) = r.repeat"
    )
    return relation, ("repeat", *own, *rest)


def _golden_relation(
    golden: GoldenFile, answers: Answers | None, wanted: Wanted, typed: frozenset[str]
) -> tuple[str | None, tuple[str, ...]]:
    if answers is not None and answers.is_golden:
        return None, ()
    found: dict[str, str] = {}
    for name in dict.fromkeys([*CASE_ROLES, *wanted.slices, *wanted.numbers]):
        text = _read(golden.file, name, golden.golden.columns, typed)
        if text is not None:
            found[name] = text
    columns = ", ".join(
        [f"{golden.case_id} AS case_id", *(f"{sql} AS {quote(n)}" for n, sql in found.items())]
    )
    select = f"SELECT {columns} FROM {golden.file.relation} WHERE {golden.condition}"
    if golden.lists_repeats:
        # The first of a case in the order of its values, so that every engine takes the same.
        names = ", ".join(quote(name) for name in ("case_id", *found))
        order = ", ".join(f"{quote(name)} NULLS LAST" for name in ("case_id", *found))
        numbered = f"row_number() OVER (PARTITION BY case_id ORDER BY {order})"
        select = (
            f"SELECT {names} FROM (SELECT {names}, {numbered} AS turn FROM ({select}) g) t WHERE turn = 1"
        )
    return select, tuple(found)


def _basis(
    spec: Spec,
    answer_columns: tuple[str, ...],
    golden_columns: tuple[str, ...],
    scorers: tuple[str, ...],
    grading: bool,
) -> str:
    """Return what makes a row right: the first of these that the columns allow."""
    has = {*answer_columns, *golden_columns}
    if spec.kind == "ranker" and {"query_id", "label", "predicted_score"} <= has:
        return Basis.RANKING
    if spec.kind == "regressor" and {"label", "prediction"} <= has:
        return Basis.NUMBER
    if grading or "grade" in answer_columns:
        return Basis.GRADE
    if scorers:
        return Basis.SCORED
    if "label" in has and ("prediction" in answer_columns or "predicted_score" in answer_columns):
        return Basis.PREDICTION
    if "correct" in answer_columns:
        return Basis.CORRECT
    return Basis.SCORES


def resume_key(golden_version: str, fingerprint: str, repeats: int) -> str:
    """Return the key under which outputs of a function may be used again.

    Args:
        golden_version: Content hash of the golden set.
        fingerprint: Hash of the system.
        repeats: How often each case is asked.
    """
    return hash_text(f"{golden_version}\n{fingerprint}\n{repeats}")
