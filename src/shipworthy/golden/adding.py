"""New cases for a golden set: mapped to its columns, checked, and written in the file's own format."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from shipworthy.define.spec import Golden
from shipworthy.errors import InputError, StoreError, UsageError, nearest
from shipworthy.golden.columns import SYNONYMS, guess_roles
from shipworthy.golden.entering import GoldenFile, open_golden
from shipworthy.golden.parts import column_of, parts_of
from shipworthy.store.hashes import hash_file, hash_text
from shipworthy.tables.duck import (
    ROW_NUMBER,
    Connection,
    ForeignFile,
    open_file,
    path_literal,
    quote,
    scalar,
    streamed,
    text_literal,
    translated,
)

__all__ = ["Addition", "Conflict", "NewCase", "Plan", "plan_addition", "write_addition"]

#: Most cases that are added at once: each is looked at one by one, and people are meant to review them.
MOST_ADDED = 200_000
#: Roles whose column is made where the golden set has none and the call gives a word for it.
WORDS = ("stratum", "sampled", "provenance")


@dataclass(frozen=True)
class NewCase:
    """One case to add.

    Args:
        case_id: Its id.
        values: The golden set's column -> text; columns without a value are left out.
        title: Its input, for people.
    """

    case_id: str
    values: Mapping[str, str]
    title: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A case that is not added because it contradicts one that is there, or comes first in the new file.

    Args:
        case_id: The new case.
        with_case: The case that it contradicts.
        what: What contradicts: "the same id with another input", "the same input with another label", "the
            same id with another label".
        old_label: Label there.
        new_label: Label of the new case.
        within: Whether both are rows of the new file.
    """

    case_id: str
    with_case: str
    what: str
    old_label: str | None = None
    new_label: str | None = None
    within: bool = False


@dataclass(frozen=True)
class Plan:
    """What would be added to a golden set.

    Args:
        golden: The golden set.
        source: Where the new cases come from.
        read: Rows of the source.
        cases: Cases that would be added.
        duplicates: Rows that are left out because their input is there already.
        repeats: Rows that are left out because they repeat the input of another row of the source.
        duplicate_ids: The first of both.
        conflicts: Rows that contradict a case that is there.
        mapped: Column of the golden set -> column of the source, or the word it is filled with, quoted.
        missing: Columns of the golden set that stay empty.
        dropped: Columns of the source that have no place.
        new_columns: Columns that the golden set gets.
        made_ids: Whether ids were made, because the source has none.
        unwritten: Rows left out because nothing stands in what makes up a case.
        tabular: Whether cases are compared by columns that are neither text nor file.
        notes: What should be known before it is done.
    """

    golden: GoldenFile
    source: str
    read: int
    cases: tuple[NewCase, ...]
    duplicates: int
    duplicate_ids: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    mapped: Mapping[str, str]
    missing: tuple[str, ...]
    dropped: tuple[str, ...]
    new_columns: tuple[str, ...]
    made_ids: bool
    unwritten: int = 0
    repeats: int = 0
    tabular: bool = False
    notes: tuple[str, ...] = ()

    def only(self, cases: Sequence[NewCase]) -> Plan:
        """Return the plan for some of its cases."""
        return replace(self, cases=tuple(cases))


@dataclass(frozen=True)
class Addition:
    """What was added.

    Args:
        path: The golden set's file.
        added: Cases that were added.
        cases: Cases that it holds now.
        old_version: Content hash before.
        new_version: Content hash now.
    """

    path: str
    added: int
    cases: int
    old_version: str
    new_version: str


def plan_addition(
    connection: Connection,
    golden: GoldenFile,
    source: ForeignFile,
    *,
    name: str,
    words: Mapping[str, str],
    columns: Mapping[str, str],
    only: frozenset[str] | None = None,
    keep_repeats: bool = False,
) -> Plan:
    """Say what adding a file's cases to a golden set would do. Nothing is written.

    Args:
        connection: DuckDB.
        golden: The opened golden set.
        source: The file of new cases.
        name: What the source is called.
        words: Role (stratum, sampled, provenance) -> the word that every new case gets.
        columns: The golden set's column or a role -> the source's column, where names do not say it.
        only: Ids of the source's rows to take; None for all.
        keep_repeats: Whether a case with an id of its own is added although its input is there already.

    Raises:
        InputError: If the source has nothing that could be a case.
        UsageError: If a column does not exist.
    """
    _refuse_itself(golden, source)
    mapping, filled, new_columns = _mapped(golden, source, words, columns)
    case_column = str(column_of(golden.file, "case_id", golden.golden))
    parts = parts_of(golden)
    if not any(_root(golden.file, column) in mapping for column in parts.features):
        wanted = ", ".join(parts.features[:4])
        raise InputError(
            f"The file has no column for what makes up a case: {wanted}.",
            where=str(source.path),
            fix=f"Name it: --column {parts.features[0] if parts.features else 'input'}=COLUMN. "
            f"Its columns: {', '.join(source.names[:10])}.",
        )
    names = [name_ for name_ in golden.file.names if name_ != ROW_NUMBER] + list(new_columns)
    known = _known(connection, golden)
    label_column = column_of(golden.file, "label", golden.golden)
    roots = list(dict.fromkeys(_root(golden.file, column) for column in parts.features))
    cases: list[NewCase] = []
    conflicts: list[Conflict] = []
    duplicates: list[str] = []
    added: set[str] = set()
    read = unwritten = repeats = alike = 0
    with translated(source.path):
        found = _rows(connection, source, mapping, golden)
        for texts, key, source_id in found:
            if only is not None and source_id not in only:
                continue
            read += 1
            if not any(texts.get(column) for column in roots):
                unwritten += 1
                continue
            values = {column: text for column, text in texts.items() if text is not None} | filled
            _refuse_nul(values, read, source)
            case_id = values.get(case_column) or f"added-{hash_text(repr(sorted(values.items())))[7:19]}"
            values[case_column] = case_id
            label = values.get(label_column) if label_column is not None else None
            there = known.by_key.get(key)
            if there is not None and key:
                old_id, old_label = there
                if parts.tabular and case_id in known.labels:
                    old_id, old_label = case_id, known.labels[case_id]
                within = old_id in added
                differs = label is not None and old_label is not None and label != old_label
                # Two cases of the world may be alike in a few columns; a text has one true label.
                if differs and (not parts.tabular or case_id == old_id):
                    what = f"the same {'id' if parts.tabular else 'input'} with another label"
                    conflicts.append(Conflict(case_id, old_id, what, old_label, label, within))
                    continue
                if not keep_repeats or case_id in known.labels:
                    duplicates.append(case_id)
                    repeats += within
                    alike += case_id not in known.labels
                    continue
            if case_id in known.labels:
                what = "the same id with another input"
                conflicts.append(Conflict(case_id, case_id, what, within=case_id in added))
                continue
            if len(cases) >= MOST_ADDED:
                raise InputError(
                    f"The file brings more than {MOST_ADDED:,} new cases.",
                    where=str(source.path),
                    fix="Add them in parts, or make a new golden set of them.",
                )
            known.labels[case_id] = label
            added.add(case_id)
            known.by_key.setdefault(key, (case_id, label))
            title = " · ".join(values[c] for c in roots if c in values)
            cases.append(NewCase(case_id, {c: values[c] for c in names if c in values}, title))
    used = set(mapping.values())
    plan = Plan(
        golden=golden,
        source=name,
        read=read,
        cases=tuple(cases),
        duplicates=len(duplicates) - repeats,
        duplicate_ids=tuple(duplicates[:50]),
        conflicts=tuple(conflicts),
        mapped={**mapping, **{column: repr(word) for column, word in filled.items()}},
        missing=tuple(n for n in names if n not in mapping and n not in filled and n != case_column),
        dropped=tuple(column for column in source.names if column not in used),
        new_columns=new_columns,
        made_ids=case_column not in mapping,
        unwritten=unwritten,
        repeats=repeats,
        tabular=parts.tabular,
    )
    return replace(plan, notes=tuple(_notes(plan, words, label_column, alike)))


def _refuse_nul(values: Mapping[str, str], row: int, source: ForeignFile) -> None:
    for column, text in values.items():
        if "\0" in text:
            raise InputError(
                f"Row {row:,} holds a NUL character in {column!r}.",
                where=str(source.path),
                fix="Take it out; no text needs one.",
            )


def _refuse_itself(golden: GoldenFile, source: ForeignFile) -> None:
    if isinstance(source.path, Path) and source.path.resolve() == Path(str(golden.file.path)).resolve():
        raise UsageError(
            "The file to add is the golden set itself.",
            fix="Name a file of new cases, or a run: --from-run RUN.",
        )


def _mapped(
    golden: GoldenFile, source: ForeignFile, words: Mapping[str, str], columns: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str], tuple[str, ...]]:
    """Return column -> source's column, column -> word, and columns that the golden set gets."""
    ours = {name.lower(): name for name in golden.file.names}
    roles = {role: column_of(golden.file, role, golden.golden) for role in (*SYNONYMS, *WORDS)}
    text = parts_of(golden).text
    if text is not None and roles["input"] is None:
        roles["input"] = text
    mapping = _said(golden, source, columns, roles, ours)
    for column in source.names:
        same = ours.get(column.lower())
        if same is not None and column not in mapping.values():
            mapping.setdefault(same, column)
    for role, column in guess_roles(source).items():
        own = roles.get(role)
        if own is not None and column not in mapping.values():
            mapping.setdefault(own, column)
    filled: dict[str, str] = {}
    new: list[str] = []
    for role, word in words.items():
        own = roles.get(role)
        if own is None:
            own = golden.golden.columns.get(role, role)
            new.append(own)
        filled[own] = word
        mapping.pop(own, None)
    for column, value in golden.golden.where.items():
        found_column = golden.file.find(column)
        if found_column is not None and not isinstance(value, list) and found_column.name not in filled:
            # A case that `where` leaves out would be written and never counted.
            filled[found_column.name] = _plain(value)
            mapping.pop(found_column.name, None)
    return mapping, filled, tuple(new)


def _said(
    golden: GoldenFile,
    source: ForeignFile,
    columns: Mapping[str, str],
    roles: Mapping[str, str | None],
    ours: Mapping[str, str],
) -> dict[str, str]:
    """Return our column -> the source's, as the call said it."""
    mapping: dict[str, str] = {}
    for said, theirs in columns.items():
        own = roles.get(said) or ours.get(said.lower())
        if own is None:
            raise UsageError(
                f"--column {said}: the golden set has no such column.", fix=nearest(said, golden.file.names)
            )
        found = source.find(theirs)
        if found is None:
            raise UsageError(
                f"--column {said}={theirs}: {source.path} has no such column.",
                fix=nearest(theirs, source.names),
            )
        mapping[own] = found.name
    return mapping


def _root(file: ForeignFile, path: str) -> str:
    """Return the column that a name or a path such as a.b starts from."""
    found = file.find(path)
    return found.name if found is not None else path


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _notes(plan: Plan, words: Mapping[str, str], label_column: str | None, alike: int) -> Iterator[str]:
    """Say what should be known; `alike` cases are left out for their input and have an id of their own."""
    golden = plan.golden.golden
    if label_column in plan.missing:
        yield (
            f"The new cases have no {label_column}: metrics that need the truth leave them out until it is "
            "filled in."
        )
    sampled_known = "sampled" in words or "sampled" in plan.mapped
    if not sampled_known and isinstance(golden.sampled, str) and golden.sampled == "random":
        yield (
            "They will count as drawn at random, as golden.sampled says of all cases: say --sampled "
            "curated or --sampled incident if they were not."
        )
    stratum = words.get("stratum")
    if alike and plan.tabular:
        if not plan.made_ids:
            yield (
                f"{alike:,} of the file's cases equal another in all columns that are compared, and are "
                "left out: if they are cases of their own that look alike, --keep-repeats adds them."
            )
    elif alike and (words.get("sampled") or golden.sampling_of(stratum)) == "random":
        yield (
            f"{alike:,} of the file's cases repeat an input and are left out, so that a common "
            "question counts once: for a sample of traffic, --keep-repeats adds them."
        )
    if stratum is not None and golden.strata and stratum not in golden.strata:
        yield (
            f"The spec does not declare the stratum {stratum!r}; add it: "
            f"golden: {{strata: {{{stratum}: 0}}}}."
        )
    said = not isinstance(golden.sampled, dict) or stratum in golden.sampled
    if stratum is not None and not said and "sampled" not in words:
        yield f"golden.sampled says nothing of {stratum!r}; add it, or say --sampled."


@dataclass
class _Known:
    """What is in the golden set: labels by id, and by the key of its input a case with its label."""

    labels: dict[str, str | None]
    by_key: dict[int, tuple[str, str | None]]


def _known(connection: Connection, golden: GoldenFile) -> _Known:
    # Rows that `where` leaves out hold ids too.
    whole = replace(golden, condition="true")
    parts = parts_of(whole)
    query = parts.cases(key=f"hash({parts.compared})", label=parts.label)
    labels: dict[str, str | None] = {}
    keys: dict[int, tuple[str, str | None]] = {}
    with translated(golden.file.path):
        found = streamed(connection, f"SELECT case_id, key, label FROM ({query}) g")
        while rows := found.fetchmany(8192):
            for case_id, key, label in rows:
                labels[str(case_id)] = label
                if key is not None:
                    keys.setdefault(int(key), (str(case_id), label))
    return _Known(labels, keys)


def _rows(
    connection: Connection, source: ForeignFile, mapping: Mapping[str, str], golden: GoldenFile
) -> Iterator[tuple[dict[str, str | None], int, str | None]]:
    """Yield each row of the source: texts by our columns, the key of its input, and its own id."""
    parts = parts_of(golden)
    wanted = list(mapping)
    own_id = next((name for name in ("case_id", "id") if source.find(name) is not None), None)
    own_id = mapping.get(str(column_of(golden.file, "case_id", golden.golden)), own_id)
    pieces = []
    for name in parts.features:
        root = _root(golden.file, name)
        inside = name[len(root) :] if root in mapping and name != root else ""
        pieces.append(source.text(mapping[root] + inside) if root in mapping else "CAST(NULL AS VARCHAR)")
    key = f"hash({parts.compare(pieces)})"
    listed = ", ".join(
        [
            *(f"{source.text(mapping[name])} AS {quote(name)}" for name in wanted),
            f"{key} AS {quote('#key')}",
            f"{source.text(own_id) if own_id is not None else 'CAST(NULL AS VARCHAR)'} AS {quote('#id')}",
        ]
    )
    found = streamed(connection, f"SELECT {listed} FROM {source.relation}")
    while rows := found.fetchmany(2048):
        for row in rows:
            yield dict(zip(wanted, row[:-2], strict=True)), int(row[-2] or 0), row[-1]


# -- writing -------------------------------------------------------------------------------------------


def write_addition(connection: Connection, plan: Plan) -> Addition:
    """Write the new cases behind those that are there, in the file's own format.

    The new file is made beside the old one, read back and counted, and only then takes its place.

    Args:
        connection: DuckDB.
        plan: What to add.

    Returns:
        What was added.

    Raises:
        UsageError: If the folder cannot be written to.
        StoreError: If the file was changed meanwhile, or the new one does not hold what it should.
    """
    golden = plan.golden
    path = Path(str(golden.file.path)).resolve()
    before = hash_file(path)
    wanted = _rows_in(connection, golden.file) + len(plan.cases)
    writer = _WRITERS[path.suffix.lower()]
    with _beside(path) as aside:
        writer(connection, plan, path, aside)
        written = open_file(connection, aside)
        if _rows_in(connection, written) != wanted:
            raise StoreError(
                "The file with the new cases does not hold as many rows as it should; nothing was changed.",
                where=str(path),
                fix="Please report it, with the first lines of both files.",
            )
        again = open_golden(connection, _at(golden.golden, aside), aside.parent)
        inside = scalar(connection, f"SELECT count(*) FROM ({parts_of(again).cases()}) g")
        if hash_file(path) != before:
            raise StoreError(
                "The golden set was changed by somebody else meanwhile; nothing was written.",
                where=str(path),
                fix="Run the same command again.",
            )
        shutil.copymode(path, aside)
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    opened = open_golden(connection, golden.golden.model_copy(update={"path": str(path)}), path.parent)
    return Addition(str(golden.file.path), len(plan.cases), inside, golden.version, opened.version)


def _at(golden: Golden, path: Path) -> Golden:
    return golden.model_copy(update={"path": str(path)})


def _rows_in(connection: Connection, file: ForeignFile) -> int:
    with translated(file.path):
        return scalar(connection, f"SELECT count(*) FROM {file.relation}")


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Yield a path in the same folder, gone afterwards unless it was moved."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise UsageError(
            f"{str(path.parent)!r} cannot be written to: {error.strerror}.",
            fix="Make the folder writable, or copy the golden set to one that is.",
        ) from None
    aside = Path(name)
    try:
        yield aside
    finally:
        aside.unlink(missing_ok=True)


def _write_csv(connection: Connection, plan: Plan, path: Path, aside: Path) -> None:
    """Append lines; what is there stays byte for byte unless columns are added."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(first)
    end = "\r\n" if first.endswith("\r\n") else "\n"
    names = [*(name for name in plan.golden.file.names if name != ROW_NUMBER), *plan.new_columns]
    if plan.new_columns:
        _widened(path, aside, delimiter, end, plan.new_columns)
    else:
        shutil.copyfile(path, aside)
    with aside.open("rb") as file_:
        file_.seek(-1, os.SEEK_END)
        closed = file_.read() == b"\n"
    with aside.open("a", encoding="utf-8", newline="") as file:
        if not closed:
            file.write(end)
        write = _rows_into(file, delimiter, end)
        for case in plan.cases:
            write([case.values.get(name, "") for name in names])


def _delimiter(line: str) -> str:
    choices = {mark: len(next(csv.reader(io.StringIO(line), delimiter=mark))) for mark in ",;\t|"}
    return max(choices, key=lambda mark: choices[mark])


def _widened(path: Path, aside: Path, delimiter: str, end: str, new: Sequence[str]) -> None:
    """Copy a CSV file with further columns, empty in every row that is there."""
    csv.field_size_limit(268_435_456)
    with path.open("rb") as start:
        marked = start.read(3) == b"\xef\xbb\xbf"
    with (
        path.open(encoding="utf-8-sig", newline="") as source,
        aside.open("w", encoding="utf-8-sig" if marked else "utf-8", newline="") as target,
    ):
        write = _rows_into(target, delimiter, end)
        for index, row in enumerate(csv.reader(source, delimiter=delimiter)):
            if row:
                write([*row, *(new if index == 0 else [""] * len(new))])


def _rows_into(file: TextIO, delimiter: str, end: str) -> Callable[[Sequence[str]], object]:
    """Return what writes one row of a CSV file, with a lone carriage return inside quotes too."""
    plain = csv.writer(file, delimiter=delimiter, lineterminator=end)
    quoted = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)

    def write(row: Sequence[str]) -> object:
        # Python quotes what holds its own line end, and readers take a carriage return for one as well.
        return (quoted if any("\r" in cell for cell in row) else plain).writerow(row)

    return write


def _write_lines(connection: Connection, plan: Plan, path: Path, aside: Path) -> None:
    shutil.copyfile(path, aside)
    with aside.open("rb") as file_:
        file_.seek(-1, os.SEEK_END)
        closed = file_.read() == b"\n"
    with aside.open("a", encoding="utf-8", newline="") as file:
        if not closed:
            file.write("\n")
        for record in _records(connection, plan):
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _write_array(connection: Connection, plan: Plan, path: Path, aside: Path) -> None:
    """Put objects before the bracket that closes an array; objects in lines are appended to."""
    text = path.read_text(encoding="utf-8")
    body = text.rstrip()
    if not body.endswith("]"):
        _write_lines(connection, plan, path, aside)
        return
    inside = body[:-1].rstrip()
    records = ",\n".join(json.dumps(record, ensure_ascii=False) for record in _records(connection, plan))
    between = "\n" if inside.endswith("[") else ",\n"
    aside.write_text(f"{inside}{between if records else ''}{records}\n]\n", encoding="utf-8")


def _records(connection: Connection, plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield new cases as JSON objects whose values have the kind that their column has in the file."""
    kinds = _json_kinds(connection, plan.golden.file)
    for case in plan.cases:
        yield {name: _as_json(value, kinds.get(name, "")) for name, value in case.values.items()}


def _json_kinds(connection: Connection, file: ForeignFile) -> dict[str, str]:
    """Return for each column the one kind of all its values: number, boolean, text, other; "" where mixed."""
    if not file.names:
        return {}
    listed = ", ".join(
        f"CASE WHEN count(DISTINCT {_kind(name)}) = 1 THEN min({_kind(name)}) ELSE '' END"
        for name in file.names
    )
    with translated(file.path):
        row = connection.execute(f"SELECT {listed} FROM {file.relation}").fetchone() or ()
    return dict(zip(file.names, map(str, row), strict=True))


def _kind(name: str) -> str:
    kind = f"json_type(CAST({quote(name)} AS JSON))"
    return (
        f"CASE {kind} WHEN 'NULL' THEN NULL WHEN 'BOOLEAN' THEN 'boolean' WHEN 'VARCHAR' THEN 'text' "
        f"WHEN 'UBIGINT' THEN 'number' WHEN 'BIGINT' THEN 'number' WHEN 'DOUBLE' THEN 'number' "
        f"WHEN 'HUGEINT' THEN 'number' ELSE 'other' END"
    )


def _as_json(value: str, kind: str) -> Any:
    if kind in ("number", "boolean", "other"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _write_parquet(connection: Connection, plan: Plan, path: Path, aside: Path) -> None:
    """Write old and new rows as one Parquet file, every column with the type that it has."""
    names = [column for column in plan.golden.file.columns if column.name != ROW_NUMBER]
    old = ", ".join(
        [
            *(quote(column.name) for column in names),
            *(f"CAST(NULL AS VARCHAR) AS {quote(n)}" for n in plan.new_columns),
        ]
    )
    new = ", ".join(
        [
            *(_typed(column.name, column.type) for column in names),
            *(quote(n) for n in plan.new_columns),
        ]
    )
    listed = [*(column.name for column in names), *plan.new_columns]
    lines = aside.with_name(aside.name + ".new.jsonl")
    try:
        with lines.open("w", encoding="utf-8") as file:
            for case in plan.cases:
                file.write(json.dumps({n: case.values.get(n) for n in listed}, ensure_ascii=False) + "\n")
        typed = ", ".join(f"{text_literal(n)}: 'VARCHAR'" for n in listed)
        added = (
            f"SELECT {new} FROM read_json({path_literal(lines)}, format='newline_delimited', "
            f"columns={{{typed}}}, maximum_object_size=268435456)"
        )
        query = f"SELECT {old} FROM {plan.golden.file.relation}"
        with translated(path):
            connection.execute(
                f"COPY (SELECT * FROM ({query}) o UNION ALL SELECT * FROM ({added}) n) "
                f"TO {text_literal(str(aside))} (FORMAT parquet, COMPRESSION zstd)"
            )
    finally:
        lines.unlink(missing_ok=True)


def _typed(name: str, type_: str) -> str:
    column = quote(name)
    if type_.startswith(("STRUCT", "MAP")) or type_.endswith("]"):
        return f"CAST(CAST({column} AS JSON) AS {type_}) AS {column}"
    return f"CAST({column} AS {type_}) AS {column}"


_WRITERS: Mapping[str, Callable[[Connection, Plan, Path, Path], None]] = {
    ".csv": _write_csv,
    ".tsv": _write_csv,
    ".jsonl": _write_lines,
    ".ndjson": _write_lines,
    ".json": _write_array,
    ".parquet": _write_parquet,
}
