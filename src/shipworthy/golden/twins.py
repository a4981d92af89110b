"""Cases that say the same: exact and near duplicates, labels in conflict, and training leaks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from shipworthy.errors import InputError, ShipworthyError
from shipworthy.golden.columns import locate
from shipworthy.golden.parts import CaseParts, normalised, same_input
from shipworthy.stats.minhash import (
    BANDS,
    BINS,
    agreement,
    band_keys,
    candidates,
    jaccard,
    join_groups,
    signatures,
)
from shipworthy.tables.case_keys import (
    SameInput,
    best_by_keys,
    contained_in,
    count_same,
    keep_keys,
    list_same,
    shared_keys,
)
from shipworthy.tables.duck import (
    Connection,
    ForeignFile,
    open_file,
    scalar,
    streamed,
    text_literal,
    translated,
)

__all__ = ["Leak", "NearPair", "Twins", "find_exact", "find_leaks", "find_twins"]

LISTED = 50
#: Texts whose signatures are made at a time: few, so that they stay in the processor's cache.
PIECE = 256
FETCHED = 8192
#: Longest text shown, in characters.
SHOWN = 160
#: By how much the estimate from signatures may fall short of the true likeness.
SLACK = 0.25
#: Endings of files that hold a prompt or notes as one text.
PROSE = (".txt", ".md", ".prompt", ".j2", ".yaml", ".yml")
#: Shortest input that is looked for inside a prompt, in characters.
LEAST_IN_PROSE = 20

Tick = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two cases that nearly say the same.

    Args:
        case_id: A case of the golden set.
        other: The other case; a row of a training file by its id or number.
        alike: Share of the shingles of both that both have, in [0, 1].
        label: Label of the first.
        other_label: Label of the other.
        text: Beginning of the first's input, normalised.
        other_text: Beginning of the other's.
    """

    case_id: str
    other: str
    alike: float
    label: str | None
    other_label: str | None
    text: str
    other_text: str


@dataclass(frozen=True, slots=True)
class Leak:
    """What a training or few-shot file shares with the golden set.

    Args:
        file: The file.
        rows: Its rows; None for a prompt, which is one text.
        exact: Cases whose input it holds; None where that is not known.
        near: Further cases that it holds nearly; None where that was not looked for.
        case_ids: The first of the exact ones.
        pairs: The first of the near ones.
        unknown: Why it could not be compared.
    """

    file: str
    rows: int | None = None
    exact: int | None = None
    near: int | None = None
    case_ids: tuple[str, ...] = ()
    pairs: tuple[NearPair, ...] = ()
    unknown: str = ""


#: Share of the cases that equal another up to which a case that training data holds too was seen in training;
#: beyond, the columns do not tell cases apart.
TELLING = 0.01


@dataclass(frozen=True)
class Twins:
    """Cases that say the same.

    Args:
        cases: Cases of the golden set.
        compared_by: The columns that make up an input.
        is_text: Whether the input is one text, so that near duplicates mean something.
        tabular: Whether the input is made of neither text nor file: two cases that are equal may be two cases
            of the world that look alike.
        alike: Likeness from which two texts are near duplicates.
        groups: Groups of cases with the same input.
        extra: Cases beyond the first of each group.
        same: The largest groups whose labels agree.
        conflicts: Groups with the same input and different labels.
        conflicting: The largest of them.
        mixed: Cases with a label whose input stands with another label too.
        best_accuracy: Share of the labelled cases, in [0, 1], that anything which sees only the input can be
            right on; None where no case has a label.
        near: Pairs of nearly equal inputs that were found; None where they were not looked for.
        near_groups: Groups that these pairs form.
        near_extra: Cases beyond the first of each group.
        near_conflicts: Pairs whose labels differ.
        pairs: The most alike pairs, those with different labels first.
        leaks: By training file.
        near_unknown: Why near duplicates were not looked for.
    """

    cases: int
    compared_by: tuple[str, ...]
    is_text: bool
    alike: float
    groups: int
    extra: int
    same: tuple[SameInput, ...] = ()
    conflicts: int = 0
    conflicting: tuple[SameInput, ...] = ()
    mixed: int = 0
    best_accuracy: float | None = None
    tabular: bool = False
    near: int | None = None
    near_groups: int = 0
    near_extra: int = 0
    near_conflicts: int = 0
    pairs: tuple[NearPair, ...] = ()
    leaks: tuple[Leak, ...] = ()
    near_unknown: str = ""

    @property
    def alike_by_chance(self) -> bool:
        """Whether the compared columns say too little to know a case again by them."""
        return self.tabular and self.extra > TELLING * self.cases


def find_exact(connection: Connection, parts: CaseParts, alike: float = 0.7) -> Twins:
    """Find cases with the same input, and labels that contradict each other.

    Args:
        connection: DuckDB.
        parts: The golden set's parts.
        alike: Noted in the answer.
    """
    if parts.input is None:
        return Twins(0, (), False, alike, 0, 0, near_unknown="no column describes a case")
    with translated(parts.golden.file.path):
        keep_keys(connection, _inputs(parts))
        groups, extra, conflicts = count_same(connection)
        same = list_same(connection, LISTED)
        conflicting = list_same(connection, LISTED, differing=True) if conflicts else []
        cases = scalar(connection, "SELECT count(*) FROM golden_keys")
        labelled, mixed, best = best_by_keys(connection)
    return Twins(
        cases=cases,
        compared_by=parts.features,
        is_text=parts.is_text,
        alike=alike,
        groups=groups,
        extra=extra,
        same=tuple(same),
        conflicts=conflicts,
        conflicting=tuple(conflicting),
        mixed=mixed,
        best_accuracy=best / labelled if labelled else None,
        tabular=parts.tabular,
    )


def _inputs(parts: CaseParts) -> str:
    return parts.cases(input=parts.compared, label=parts.label)


def find_leaks(connection: Connection, parts: CaseParts, files: Sequence[tuple[str, Path]]) -> list[Leak]:
    """Find the cases that training or few-shot files hold word for word.

    Args:
        connection: DuckDB, after `find_exact`.
        parts: The golden set's parts.
        files: Names as the spec has them, and paths.
    """
    return [_leak(connection, parts, name, path) for name, path in files]


def _leak(connection: Connection, parts: CaseParts, name: str, path: Path) -> Leak:
    try:
        if path.suffix.lower() in PROSE:
            return _leak_into_prose(connection, parts, name, path)
        other = open_file(connection, path)
        _ours, theirs = same_input(parts, other)
        with translated(path):
            rows, exact, first = shared_keys(
                connection, f"SELECT {theirs} AS input FROM {other.relation}", LISTED
            )
        return Leak(name, rows, exact, case_ids=tuple(first))
    except ShipworthyError as error:
        return Leak(name, unknown=error.what)


def _leak_into_prose(connection: Connection, parts: CaseParts, name: str, path: Path) -> Leak:
    if parts.text is None:
        return Leak(name, unknown="it is a text, and a case has none")
    try:
        text = path.read_text(encoding="utf-8").replace("\x00", " ")
    except FileNotFoundError:
        raise InputError(f"The file {str(path)!r} does not exist.", fix="Correct golden.training.") from None
    except UnicodeDecodeError:
        raise InputError("The file is not UTF-8 text.", where=str(path), fix="Save it as UTF-8.") from None
    with translated(path):
        count, first = contained_in(
            connection,
            parts.cases(input=normalised(parts.golden.file.text(parts.text))),
            normalised(text_literal(text)),
            LEAST_IN_PROSE,
            LISTED,
        )
    return Leak(name, None, count, case_ids=tuple(first))


def find_twins(
    connection: Connection,
    parts: CaseParts,
    files: Sequence[tuple[str, Path]] = (),
    *,
    alike: float = 0.7,
    tick: Tick = lambda _done: None,
) -> Twins:
    """Find exact and near duplicates within a golden set and between it and training or few-shot files.

    Texts and signatures lie in a temporary folder meanwhile, not in memory.

    Args:
        connection: DuckDB.
        parts: The golden set's parts.
        files: Training files: names as the spec has them, and paths.
        alike: Likeness from which two texts are near duplicates, in [0.5, 1).
        tick: Told how many further texts were read.

    Returns:
        What was found; the same for the same files.
    """
    exact = find_exact(connection, parts, alike)
    leaks = find_leaks(connection, parts, files)
    if not parts.is_text:
        because = exact.near_unknown or "a case is not one text, so only equal cases are found"
        return replace(exact, leaks=tuple(leaks), near_unknown=because)
    readable: list[tuple[int, ForeignFile, str]] = []
    for index, (leak, (_name, path)) in enumerate(zip(leaks, files, strict=True)):
        if not leak.unknown and path.suffix.lower() not in PROSE:
            other = open_file(connection, path)
            readable.append((index, other, same_input(parts, other)[1]))
    with tempfile.TemporaryDirectory(prefix="shipworthy-") as temporary, _Texts(Path(temporary)) as texts:
        order = " ORDER BY case_id" if parts.golden.lists_repeats else ""
        with translated(parts.golden.file.path):
            texts.read(connection, f"SELECT case_id, input, label FROM ({_inputs(parts)}) g{order}", tick)
        texts.ours = len(texts)
        ends = []
        for _index, other, text in readable:
            case_id = locate(other, "case_id", parts.golden.golden.columns)
            label = locate(other, "label", parts.golden.golden.columns) or "CAST(NULL AS VARCHAR)"
            with translated(other.path):
                texts.read(
                    connection,
                    f"SELECT {case_id or 'CAST(NULL AS VARCHAR)'}, {text}, {label} FROM {other.relation}",
                    tick,
                )
            ends.append(len(texts))
        pairs, likeness = texts.near(alike)
        inside = pairs[:, 1] < texts.ours
        shown = _shown(texts, pairs[inside], likeness[inside])
        near_leaks = list(leaks)
        start = texts.ours
        for (index, _other, _text), end in zip(readable, ends, strict=True):
            theirs = (pairs[:, 1] >= start) & (pairs[:, 1] < end)
            near_leaks[index] = Leak(
                leaks[index].file,
                leaks[index].rows,
                leaks[index].exact,
                len(np.unique(pairs[theirs, 0])),
                leaks[index].case_ids,
                tuple(_shown(texts, pairs[theirs], likeness[theirs], start)),
            )
            start = end
        groups = join_groups(pairs[inside], texts.ours)
        sizes = np.bincount(groups, minlength=1)
        differing = sum(1 for a, b in pairs[inside] if texts.label(int(a)) != texts.label(int(b)))
    return replace(
        exact,
        leaks=tuple(near_leaks),
        near=int(inside.sum()),
        near_groups=int((sizes > 1).sum()),
        near_extra=int((sizes[sizes > 1] - 1).sum()),
        near_conflicts=differing,
        pairs=tuple(shown),
    )


def _shown(
    texts: _Texts, pairs: NDArray[np.int64], likeness: NDArray[np.float64], start: int = 0
) -> list[NearPair]:
    """Return the first pairs: different labels first, then the most alike."""
    differs = np.array([texts.label(int(a)) != texts.label(int(b)) for a, b in pairs], bool)
    if not len(pairs):
        return []
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -likeness, ~differs))
    return [
        NearPair(
            case_id=texts.name(int(pairs[at, 0])),
            other=texts.name(int(pairs[at, 1]), start),
            alike=float(likeness[at]),
            label=texts.label(int(pairs[at, 0])),
            other_label=texts.label(int(pairs[at, 1])),
            text=texts.text(int(pairs[at, 0])).decode("utf-8", "replace")[:SHOWN],
            other_text=texts.text(int(pairs[at, 1])).decode("utf-8", "replace")[:SHOWN],
        )
        for at in order[:LISTED]
    ]


class _Pile:
    """Texts in a file, found again by their place."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("w+b")
        self._ends: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
        self._end = 0
        self._all: NDArray[np.int64] | None = None

    def add(self, texts: Sequence[bytes]) -> None:
        lengths = np.fromiter((len(text) for text in texts), np.int64, len(texts))
        self._ends.append(self._end + np.cumsum(lengths))
        self._end += int(lengths.sum())
        self._file.write(b"".join(texts))
        self._all = None

    def get(self, place: int) -> bytes:
        if self._all is None:
            self._all = np.concatenate(self._ends)
            self._ends = [self._all]
            self._file.flush()
        start, end = int(self._all[place]), int(self._all[place + 1])
        self._file.seek(start)
        return self._file.read(end - start)

    def close(self) -> None:
        self._file.close()


class _Texts:
    """The texts of all files on disk, with their signatures and band keys.

    Args:
        folder: A temporary folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts, self._names = _Pile(folder / "texts"), _Pile(folder / "names")
        self._labels = _Pile(folder / "labels")
        self._hashes: list[NDArray[np.uint64]] = []
        self._signatures = (folder / "signatures").open("w+b")
        self._bands = [(folder / f"band{band}").open("w+b") for band in range(BANDS)]
        self._size = 0
        self.ours = 0

    def __enter__(self) -> _Texts:
        return self

    def __exit__(self, *_error: object) -> None:
        for pile in (self._texts, self._names, self._labels):
            pile.close()
        for file in (self._signatures, *self._bands):
            file.close()

    def __len__(self) -> int:
        return self._size

    def read(self, connection: Connection, query: str, tick: Tick) -> None:
        """Take in the rows of a query: id, normalised text, label."""
        found = streamed(connection, f"SELECT *, hash(input) FROM ({query}) AS q(case_id, input, label)")
        while rows := found.fetchmany(FETCHED):
            texts = [_bytes(row[1]) for row in rows]
            self._texts.add(texts)
            self._names.add([_bytes(row[0]) for row in rows])
            # A sign before each label tells an empty one from none.
            self._labels.add([b"" if row[2] is None else b"=" + _bytes(row[2]) for row in rows])
            self._hashes.append(np.array([row[3] or 0 for row in rows], np.uint64))
            for start in range(0, len(texts), PIECE):
                table = signatures(texts[start : start + PIECE])
                self._signatures.write((table & np.uint32(0xFFFF)).astype(np.uint16).tobytes())
                for file, keys in zip(self._bands, band_keys(table), strict=True):
                    file.write(keys.tobytes())
            self._size += len(rows)
            tick(len(rows))

    def text(self, place: int) -> bytes:
        return self._texts.get(place)

    def name(self, place: int, start: int = 0) -> str:
        """Return an id; rows of a file without ids are counted from 1 behind `start`."""
        return self._names.get(place).decode("utf-8", "replace") or f"row {place - start + 1:,}"

    def label(self, place: int) -> str | None:
        held = self._labels.get(place)
        return held[1:].decode("utf-8", "replace") if held else None

    def near(self, alike: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return pairs of different texts, at least one of each ours, that are alike, and how alike."""
        nothing = np.zeros((0, 2), np.int64), np.zeros(0)
        if not self._size:
            return nothing
        hashes = np.concatenate(self._hashes)
        # Equal texts are exact duplicates; the first stands for all of them, and ours come first.
        _values, first = np.unique(hashes, return_index=True)
        first = np.sort(first)
        first = first[hashes[first] != 0]
        ours = int(np.searchsorted(first, self.ours))
        self._signatures.flush()
        table = np.memmap(self._folder / "signatures", np.uint16, "r", shape=(self._size, BINS))
        found = [np.zeros(0, np.int64)]
        for band in self._bands:
            band.flush()
            band.seek(0)
            keys = np.fromfile(band, np.uint64)[first]
            for pairs in _batched(candidates(keys, ours)):
                one, other = first[pairs[:, 0]], first[pairs[:, 1]]
                kept = agreement(table[one], table[other]) >= alike - SLACK
                found.append(one[kept] * self._size + other[kept])
            if sum(map(len, found)) > self._size:
                found = [np.unique(np.concatenate(found))]
        keys_of_pairs = np.unique(np.concatenate(found))
        pairs = np.column_stack([keys_of_pairs // self._size, keys_of_pairs % self._size])
        del table
        likeness = np.array([jaccard(self.text(int(a)), self.text(int(b))) for a, b in pairs], float)
        kept = likeness >= alike
        return pairs[kept], likeness[kept]


def _bytes(text: str | None) -> bytes:
    return (text or "").encode("utf-8", "surrogatepass")


def _batched(pieces: Iterator[NDArray[np.int64]], size: int = 65_536) -> Iterator[NDArray[np.int64]]:
    """Yield pairs in large pieces."""
    held: list[NDArray[np.int64]] = []
    count = 0
    for piece in pieces:
        for start in range(0, len(piece), size):
            held.append(piece[start : start + size])
            count += len(held[-1])
            if count >= size:
                yield np.concatenate(held)
                held, count = [], 0
    if held:
        yield np.concatenate(held)
