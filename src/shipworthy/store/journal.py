"""An append-only journal of outputs that survives being cut off at any byte."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from shipworthy.errors import StoreError
from shipworthy.records import Output

__all__ = ["FORMAT", "Journal"]

#: Version of the journal's format, in its first line.
FORMAT = 1

_SYNC_EVERY_S = 0.5
_FIELDS = tuple(part.name for part in fields(Output))
_DEFAULTS = {part.name: part.default for part in fields(Output)}
_TEXTS = ("text", "prediction", "failed", "unscored")
_NUMBERS = ("predicted_score", "latency_ms", "run_cost")

Key = tuple[str, int]


class Journal:
    """The outputs of one run, one JSON line each, after a header line with the run's resume key.

    A last line that was cut off (a crash, a full disk) is dropped and overwritten by the next append. Where
    several lines are about one case and repeat, the last one counts. One process and one thread write at a
    time. Nothing is written before the first append.

    Args:
        path: The file; it need not exist yet.
        key: Hash of all that must be equal for a run to be resumed; None to open whatever is there.

    Attributes:
        torn: How many cut lines were dropped: 0 or 1.

    Raises:
        StoreError: If the file belongs to another key, is no journal, is damaged before its last line, or is
            missing where no key is given.
    """

    def __init__(self, path: Path, key: str | None = None) -> None:
        self.path = path
        self.key = key
        self.torn = 0
        self._file: BinaryIO | None = None
        self._lines = 0
        self._bytes = 0
        self._ends_line = True
        self._latest: dict[Key, int] = {}
        self._unscored: set[Key] = set()
        self._synced = 0.0
        self._scan()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, output: Output) -> None:
        """Write one output, at once visible to other processes and within half a second on the disk.

        Raises:
            StoreError: If the disk refuses.
        """
        line = _line_of(output)
        try:
            file = self._file or self._opened()
            file.write(line)
            file.flush()
            if time.monotonic() - self._synced >= _SYNC_EVERY_S:
                self._sync(file)
        except OSError as error:
            self._let_go()
            raise self._refused(error) from error
        self._note(output, len(line))

    def close(self) -> None:
        """Bring everything to the disk and let go of the file; a later append opens it again."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            with file:
                file.flush()
                self._sync(file)
        except OSError as error:
            raise self._refused(error) from error

    def read(self) -> Iterator[Output]:
        """Yield the output that counts for each case and repeat, in the order of completion."""
        for number, output, _ in self._entries():
            if self._latest.get((output.case_id, output.repeat)) == number:
                yield output

    def done(self) -> set[Key]:
        """Return (case_id, repeat) of all that need not be asked again: not the unscored ones."""
        return set(self._latest) - self._unscored

    def _scan(self) -> None:
        for _, output, length in self._entries(first_time=True):
            self._note(output, length)

    def _note(self, output: Output, length: int) -> None:
        self._lines += 1
        self._bytes += length
        key = (output.case_id, output.repeat)
        # Forgotten first, so that a replaced output moves to the end of the order.
        self._latest.pop(key, None)
        self._latest[key] = self._lines
        if output.unscored is None:
            self._unscored.discard(key)
        else:
            self._unscored.add(key)

    def _entries(self, *, first_time: bool = False) -> Iterator[tuple[int, Output, int]]:
        """Yield line number, output and length in bytes of each whole line after the header."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError as error:
            if self.key is None:
                raise StoreError("There is no journal", where=str(self.path)) from error
            return
        with file:
            for number, line in enumerate(file, start=1):
                whole = line.endswith(b"\n")
                output: Output | None = None
                try:
                    if number == 1:
                        self._check_header(line)
                    else:
                        output = _output_of(line)
                except (ValueError, RecursionError) as error:
                    if whole:
                        raise self._damaged(number) from error
                    self.torn += first_time
                    return
                if first_time and not whole:
                    self._ends_line = False
                if output is not None:
                    yield number, output, len(line)
                elif first_time:
                    self._bytes, self._lines = len(line), 1

    def _check_header(self, line: bytes) -> None:
        found = json.loads(line)
        if not isinstance(found, dict) or not isinstance(found.get("key"), str):
            raise ValueError("no header")
        if found.get("format") != FORMAT:
            what = f"The journal has format {found.get('format')!r}; this version reads {FORMAT}"
            raise StoreError(what, where=str(self.path), fix="Read it with the version that wrote it.")
        if self.key is not None and found["key"] != self.key:
            raise StoreError(
                "The journal belongs to another run: the system, the golden set or the options changed",
                where=f"{self.path}:1",
                fix="Start a new run instead of resuming this one.",
            )
        self.key = found["key"]

    def _let_go(self) -> None:
        """Forget what the disk refused, so that the next append starts behind the last whole line."""
        file, self._file = self._file, None
        with suppress(OSError):
            if file is not None:
                file.close()

    def _opened(self) -> BinaryIO:
        if self.key is None:
            raise StoreError("A new journal needs a key", where=str(self.path))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("r+b" if self.path.exists() else "xb")
        # What follows the last whole line is the piece of a line that a crash cut off.
        file.truncate(self._bytes)
        file.seek(self._bytes)
        missing = b""
        if not self._bytes:
            missing = json.dumps({"format": FORMAT, "key": self.key}).encode() + b"\n"
            self._lines = 1
        elif not self._ends_line:
            missing = b"\n"
        self._bytes += file.write(missing)
        self._ends_line = True
        self._file = file
        return file

    def _sync(self, file: BinaryIO) -> None:
        os.fsync(file.fileno())
        self._synced = time.monotonic()

    def _refused(self, error: OSError) -> StoreError:
        fix = "Make room and run again: what is in the journal is not asked a second time."
        return StoreError(f"Cannot write: {error.strerror or error}", where=str(self.path), fix=fix)

    def _damaged(self, number: int) -> StoreError:
        return StoreError(
            "The journal is damaged: this line is no output",
            where=f"{self.path}:{number}",
            fix="Delete that line to lose one output only, or start a new run.",
        )


def _line_of(output: Output) -> bytes:
    entry = {}
    for name in _FIELDS:
        value = getattr(output, name)
        if value is not None and (name == "case_id" or value != _DEFAULTS[name]):
            entry[name] = value
    # Half characters pass through, because losing an output to its encoding would be worse.
    return json.dumps(entry, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _output_of(line: bytes) -> Output:
    entry: dict[str, Any] = json.loads(line)
    if not isinstance(entry, dict) or not entry.keys() <= set(_FIELDS):
        raise ValueError("no output")
    if not isinstance(entry.get("case_id"), str) or type(entry.get("repeat", 0)) is not int:
        raise ValueError("no case")
    if not all(entry.get(name) is None or isinstance(entry[name], str) for name in _TEXTS):
        raise ValueError("a text is something else")
    if not all(entry.get(name) is None or isinstance(entry[name], (int, float)) for name in _NUMBERS):
        raise ValueError("a number is something else")
    return Output(**entry)
