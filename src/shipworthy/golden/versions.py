"""Versions of a golden set: what is kept of each, and how two of them differ.

A version is the content hash of the file and of all that gives its columns meaning. Of a version that was
met,
a small table is kept in the workspace: per case its id, hashes of its input, label and other columns, and its
stratum, sampling and provenance. Inputs themselves are not kept.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shipworthy.errors import InputError, StoreError, UsageError
from shipworthy.golden.entering import GoldenFile
from shipworthy.golden.parts import CaseParts, column_of, parts_of
from shipworthy.store.hashes import hash_file, short
from shipworthy.store.workspace import Workspace, write_atomically
from shipworthy.tables.case_table import (
    CaseDiff,
    changed_columns,
    diff_cases,
    label_moves,
    list_changes,
    read_fingerprints,
    strata_moved,
    write_relation,
)
from shipworthy.tables.duck import Connection, ForeignFile, translated
from shipworthy.tables.warehouse import is_warehouse

__all__ = [
    "ChangedCase",
    "GoldenDiff",
    "KeptVersion",
    "Side",
    "StratumMoved",
    "diff",
    "find_version",
    "kept_versions",
    "remember",
]

FORMAT = 1
#: Cases of each kind that a diff names.
LISTED = 50
#: Columns that are set against each other one by one; wider files say only that other columns differ.
MOST_COLUMNS = 300


@dataclass(frozen=True)
class KeptVersion:
    """What is kept of a version.

    Args:
        version: Its content hash, sha256:...
        cases: Number of cases.
        path: The file, as the spec named it.
        source_version: Its version where it is kept; empty where the spec said none.
        first_seen: When it was met first, ISO 8601.
        columns: Column -> the engine's type.
        table: The Parquet file of hashes.
        inputs: The columns that golden.inputs named when its cases were hashed.
    """

    version: str
    cases: int
    path: str
    source_version: str
    first_seen: str
    columns: Mapping[str, str]
    table: Path
    inputs: tuple[str, ...] = ()


def _folder(workspace: Workspace) -> Path:
    return workspace.path / "golden"


def remember(connection: Connection, golden: GoldenFile, workspace: Workspace) -> KeptVersion | None:
    """Keep what later diffs need of a golden set, unless it is kept already.

    Args:
        connection: The engine.
        golden: The opened golden set.
        workspace: Where to keep it.

    Returns:
        What is kept; None for a table of a warehouse, whose rows stay there.

    Raises:
        InputError: If an id is missing or occurs twice.
    """
    if is_warehouse(connection):
        return None
    name = short(golden.version)
    marker = _folder(workspace) / f"{name}.json"
    kept = _read(marker)
    inputs = golden.golden.inputs
    if kept is not None and kept.inputs == tuple(inputs):
        return kept
    folder = _folder(workspace)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.parquet"
    handle, aside = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    os.close(handle)
    try:
        with translated(golden.file.path):
            write_relation(connection, parts_of(golden).fingerprints(), Path(aside))
        cases = _count(connection, Path(aside), golden)
        Path(aside).chmod(0o644)
        Path(aside).replace(path)
    finally:
        Path(aside).unlink(missing_ok=True)
    record = {
        "format": FORMAT,
        "version": golden.version,
        "cases": cases,
        "path": golden.golden.path,
        "source_version": golden.golden.source_version or "",
        "first_seen": datetime.now(UTC).isoformat(timespec="seconds") if kept is None else kept.first_seen,
        "inputs": inputs,
        "columns": {column.name: column.type for column in golden.file.columns},
        "table_hash": hash_file(path),
    }
    write_atomically(marker, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return _read(marker)


def _count(connection: Connection, path: Path, golden: GoldenFile) -> int:
    """Return the number of cases after checking that each has an id of its own."""
    row = connection.execute(
        "SELECT count(*), count(DISTINCT case_id), count(case_id), min(case_id) FROM "
        f"({read_fingerprints(path)}) g"
    ).fetchone() or (0, 0, 0, None)
    cases, different, named, _first = row
    if named < cases:
        raise InputError(
            f"{cases - named:,} rows have no case_id.",
            where=str(golden.file.path),
            fix="Every row needs the id of its case.",
        )
    if different < cases:
        twice = connection.execute(
            f"SELECT case_id, count(*) FROM ({read_fingerprints(path)}) g GROUP BY case_id "
            "HAVING count(*) > 1 ORDER BY 1 LIMIT 3"
        ).fetchall()
        listed = ", ".join(f"{name!r} ({count} times)" for name, count in twice)
        raise InputError(
            f"Some cases occur more than once: {listed}.",
            where=str(golden.file.path),
            fix="Remove the duplicates, or map `repeat` if these are repeats of a case.",
        )
    return int(cases)


def _read(marker: Path) -> KeptVersion | None:
    """Return what a marker says; None where it or its table is not there or not whole."""
    table = marker.with_suffix(".parquet")
    try:
        record: Any = json.loads(marker.read_text(encoding="utf-8"))
        if not table.exists() or record["format"] != FORMAT:
            return None
        return KeptVersion(
            version=str(record["version"]),
            cases=int(record["cases"]),
            path=str(record["path"]),
            source_version=str(record["source_version"]),
            first_seen=str(record["first_seen"]),
            columns={str(name): str(type_) for name, type_ in record["columns"].items()},
            table=table,
            inputs=tuple(map(str, record.get("inputs", ()))),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def kept_versions(workspace: Workspace) -> list[KeptVersion]:
    """Return every version of which hashes are kept, the first met first."""
    folder = _folder(workspace)
    if not folder.is_dir():
        return []
    found = [kept for path in sorted(folder.glob("*.json")) if (kept := _read(path)) is not None]
    return sorted(found, key=lambda kept: (kept.first_seen, kept.version))


def find_version(text: str, known: Sequence[str]) -> str:
    """Return the version that a hash or its beginning names.

    Args:
        text: The hash, with or without sha256:, or its first digits.
        known: Versions that are known.

    Raises:
        UsageError: If none begins so, or more than one.
    """
    wanted = text.removeprefix("sha256:").lower()
    begun = [version for version in dict.fromkeys(known) if short_matches(version, wanted)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        listed = ", ".join(short(version) for version in begun[:6])
        raise UsageError(
            f"{text!r} is the beginning of {len(begun)} versions: {listed}.", fix="Write more of its digits."
        )
    listed = ", ".join(short(version) for version in list(dict.fromkeys(known))[-6:])
    raise UsageError(
        f"There is no file and no version {text!r}.",
        fix=f"Known versions: {listed}. Name one by its first digits, or name a file."
        if listed
        else "No version is known yet; name two files, or run `shipworthy golden` on each version you keep.",
    )


def short_matches(version: str, wanted: str) -> bool:
    """Return whether a version begins with some digits."""
    return bool(wanted) and version.removeprefix("sha256:").startswith(wanted)


@dataclass(frozen=True)
class Side:
    """One of the two versions of a diff.

    Args:
        name: What it is called: its file, or the first digits of its hash.
        version: Its content hash.
        fingerprints: Query of its hashes.
        columns: Column -> the engine's type.
        parts: Its parts, where its file is there; None where only hashes are kept.
        inputs: The columns that golden.inputs named when its cases were hashed.
    """

    name: str
    version: str
    fingerprints: str
    columns: Mapping[str, str]
    parts: CaseParts | None = None
    inputs: tuple[str, ...] = ()

    @classmethod
    def of_file(cls, golden: GoldenFile, name: str) -> Side:
        """Return a file as one side."""
        parts = parts_of(golden)
        columns = {column.name: column.type for column in golden.file.columns}
        return cls(name, golden.version, parts.fingerprints(), columns, parts, tuple(golden.golden.inputs))

    @classmethod
    def of_kept(cls, kept: KeptVersion) -> Side:
        """Return a version of which only hashes are kept.

        Raises:
            StoreError: If the table was cut off or changed.
        """
        try:
            record = json.loads(kept.table.with_suffix(".json").read_text(encoding="utf-8"))
            sound = hash_file(kept.table) == record["table_hash"]
        except (OSError, ValueError, KeyError):
            sound = False
        if not sound:
            raise StoreError(
                f"What is kept of version {short(kept.version)} is cut off or was changed.",
                where=str(kept.table),
                fix="Delete it and its .json; the version can be kept again from its file: "
                "shipworthy golden.",
            )
        return cls(
            short(kept.version), kept.version, read_fingerprints(kept.table), kept.columns, inputs=kept.inputs
        )


@dataclass(frozen=True, slots=True)
class ChangedCase:
    """One case that differs between two versions.

    Args:
        case_id: The case.
        parts: What differs: input, label, stratum, sampled, provenance, or rest for other columns.
        old_stratum: Its stratum before.
        new_stratum: Its stratum now.
    """

    case_id: str
    parts: tuple[str, ...] = ()
    old_stratum: str | None = None
    new_stratum: str | None = None


@dataclass(frozen=True, slots=True)
class StratumMoved:
    """How one stratum grew or shrank.

    Args:
        stratum: The stratum; None for cases without one.
        old: Cases before.
        new: Cases now.
        added: Cases that only the second version has.
        removed: Cases that only the first has.
    """

    stratum: str | None
    old: int
    new: int
    added: int
    removed: int


@dataclass(frozen=True)
class GoldenDiff:
    """How two versions of a golden set differ.

    Args:
        old: What the first is called.
        new: What the second is called.
        old_version: Content hash of the first.
        new_version: Content hash of the second.
        counts: How many cases differ, by part.
        added: The first added cases.
        removed: The first removed cases.
        changed: The first changed cases, with what differs.
        strata: By stratum; empty where no case has one.
        columns_added: Columns that only the second has.
        columns_removed: Columns that only the first has.
        columns_retyped: Column -> (type before, type now).
        columns_changed: Column -> shared cases in which it differs; None where a file is not there to look.
        label_moves: (label before, label now, cases), the most frequent first; a label whose file is not
            there is None.
        label_cases: (case, label before, label now).
        labels_known: Sides whose labels could be read: old, new.
        uses: Removed column -> what in the spec names it.
        same_inputs: Whether golden.inputs named the same columns when the cases of both were hashed; if not,
            a change of input may be a change of other columns.
        guessed: For either side role -> column, where no spec says what columns mean; None where one does.
    """

    old: str
    new: str
    old_version: str
    new_version: str
    counts: CaseDiff
    added: tuple[ChangedCase, ...] = ()
    removed: tuple[ChangedCase, ...] = ()
    changed: tuple[ChangedCase, ...] = ()
    strata: tuple[StratumMoved, ...] = ()
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_retyped: Mapping[str, tuple[str, str]] | None = None
    columns_changed: Mapping[str, int] | None = None
    label_moves: tuple[tuple[str | None, str | None, int], ...] = ()
    label_cases: tuple[tuple[str, str | None, str | None], ...] = ()
    labels_known: tuple[str, ...] = ()
    uses: Mapping[str, tuple[str, ...]] | None = None
    same_inputs: bool = True
    guessed: tuple[Mapping[str, str], ...] | None = None

    @property
    def same_cases(self) -> bool:
        """Whether both hold the same cases alike, whatever their files are."""
        return self.counts.unchanged == self.counts.old == self.counts.new


def diff(connection: Connection, old: Side, new: Side) -> GoldenDiff:
    """Set two versions of a golden set against each other, case by case.

    Args:
        connection: DuckDB.
        old: The first version.
        new: The second.

    Returns:
        What differs.
    """
    with translated(f"{old.name} and {new.name}"):
        counts = diff_cases(connection, old.fingerprints, new.fingerprints)
        found = {kind: _listed(connection, kind) for kind in ("added", "removed", "changed")}
        strata = [StratumMoved(*row) for row in strata_moved(connection)]
        moves: tuple[list[Any], list[Any]] = ([], [])
        known: tuple[str, ...] = ()
        if counts.changed["label"]:
            sides = [_labels_of(side) for side in (old, new)]
            known = tuple(n for n, sql in zip(("old", "new"), sides, strict=True) if sql is not None)
            if known:
                moves = label_moves(connection, sides[0], sides[1], LISTED)
        columns = _columns_changed(connection, old, new, counts)
    shared = [name for name in old.columns if name in new.columns]
    return GoldenDiff(
        old=old.name,
        new=new.name,
        old_version=old.version,
        new_version=new.version,
        counts=counts,
        added=found["added"],
        removed=found["removed"],
        changed=found["changed"],
        strata=tuple(strata) if any(row.stratum is not None for row in strata) else (),
        columns_added=tuple(name for name in new.columns if name not in old.columns),
        columns_removed=tuple(name for name in old.columns if name not in new.columns),
        columns_retyped={
            name: (old.columns[name], new.columns[name])
            for name in shared
            if old.columns[name] != new.columns[name]
        },
        columns_changed=columns,
        label_moves=tuple(moves[0]),
        label_cases=tuple(moves[1]),
        labels_known=known,
        same_inputs=old.inputs == new.inputs,
    )


def _listed(connection: Connection, kind: str) -> tuple[ChangedCase, ...]:
    rows = list_changes(connection, kind, LISTED)
    return tuple(ChangedCase(case, parts, was, now) for case, was, now, parts in rows)


def _labels_of(side: Side) -> str | None:
    if side.parts is None or side.parts.label is None:
        return None
    return side.parts.cases(label=side.parts.label)


def _columns_changed(connection: Connection, old: Side, new: Side, counts: CaseDiff) -> dict[str, int] | None:
    """Count differing cases by column, where both files are there."""
    if old.parts is None or new.parts is None:
        return None
    if not counts.differing:
        return {}
    files = (old.parts.golden.file, new.parts.golden.file)
    ids = {column_of(file, "case_id", old.parts.golden.golden) for file in files}
    names = [name for name in old.columns if name in new.columns and name not in ids and name != "#row"]
    if len(names) > MOST_COLUMNS:
        return None
    aliases = {name: (f"c{at}", f"c{at}") for at, name in enumerate(names)}
    queries = [_all_columns(side.parts, file, names) for side, file in zip((old, new), files, strict=True)]
    return changed_columns(connection, queries[0], queries[1], aliases)


def _all_columns(parts: CaseParts | None, file: ForeignFile, names: Sequence[str]) -> str:
    if parts is None:
        raise ValueError("its file is not there")
    return parts.cases(**{f"c{at}": file.text(name) for at, name in enumerate(names)})


def with_uses(found: GoldenDiff, uses: Mapping[str, tuple[str, ...]]) -> GoldenDiff:
    """Return a diff that says what the spec does with columns that are gone."""
    return replace(found, uses={name: uses[name] for name in found.columns_removed if name in uses})
