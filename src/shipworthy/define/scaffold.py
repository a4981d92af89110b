"""What `shipworthy init` writes: a small product of one kind that works at once, or one made of answers."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Any

from shipworthy.define.reading import SPEC_FILE
from shipworthy.define.schema import SCHEMA_FILE, SCHEMA_LINE, schema_text
from shipworthy.define.spec import KINDS
from shipworthy.errors import UsageError, nearest

__all__ = ["product_id", "refuse_unless_free", "write_answered", "write_product"]

_ID_LINE = "id: product-id"
"""The line of every template that is replaced by the product's own id."""


def write_product(folder: str | Path, kind: str, name: str | None = None) -> list[Path]:
    """Write an example product of one kind: spec, golden set, recorded outputs and a .gitignore.

    Everything is written beside the folder first and moved in at the end, the spec last: either the whole
    product is there or nothing is.

    Args:
        folder: Where to write; made if it does not exist, and empty if it does.
        kind: One of `KINDS`.
        name: The product's name; by default the folder's.

    Returns:
        The files written, sorted.

    Raises:
        UsageError: If the kind is unknown, or the folder is not empty or cannot be written.
    """
    if kind not in KINDS:
        raise UsageError(f"No kind of product named {kind!r}.", fix=nearest(kind, KINDS))
    refuse_unless_free(folder)
    id_ = product_id(name or Path(folder).resolve().name, otherwise=kind)
    return _written(Path(folder), lambda: _product_files(kind, id_))


def write_answered(folder: str | Path, answers: Mapping[str, Any], name: str | None = None) -> list[Path]:
    """Write a product made of answers: its spec, an empty golden set, and a sheet of cases to write first.

    Args:
        folder: Where to write; made if it does not exist, and empty if it does.
        answers: Answers to all questions of `define.wizard`.
        name: The product's name; by default the folder's.

    Returns:
        The files written, sorted.

    Raises:
        UsageError: If the folder is not empty or cannot be written, or the answers disagree.
    """
    from shipworthy.define.wizard.writing import golden_header, spec_text, worksheet

    refuse_unless_free(folder)
    id_ = product_id(name or Path(folder).resolve().name, otherwise=str(answers["kind"]))

    def files_of() -> Iterator[tuple[PurePosixPath, bytes]]:
        yield PurePosixPath(SPEC_FILE), spec_text(answers, id_, datetime.now(UTC).date()).encode()
        yield PurePosixPath("golden/cases.csv"), _csv([golden_header(answers)])
        yield PurePosixPath("golden/to_write.csv"), _csv(worksheet(answers))
        yield from _beside()

    return _written(Path(folder), files_of)


def _written(folder: Path, files_of: Callable[[], Iterable[tuple[PurePosixPath, bytes]]]) -> list[Path]:
    target = folder.resolve()
    refuse_unless_free(folder)
    try:
        return _write(target, list(files_of()))
    except OSError as error:
        raise UsageError(
            f"The product cannot be written to {str(folder)!r}: {error.strerror or error}.",
            fix="Choose a folder that you may write to.",
        ) from error


def product_id(name: str, otherwise: str = "product") -> str:
    """Return a name as an id: letters, digits, dots, dashes and underscores.

    Args:
        name: Any text.
        otherwise: The id where nothing of the name is left.

    Returns:
        The id, in lower case.

    >>> product_id("Fraud check (EU)")
    'fraud-check-eu'
    """
    plain = re.sub(r"[^a-z0-9._-]+", "-", name.lower())
    return plain.strip("-._") or otherwise


def refuse_unless_free(folder: str | Path) -> None:
    """Refuse a folder that holds anything already.

    Args:
        folder: Where a product is to be written.

    Raises:
        UsageError: If it is a file, or not empty.
    """
    shown = folder
    try:
        target = Path(folder).resolve()
    except (OSError, RuntimeError):
        raise UsageError(f"{str(shown)!r} leads to itself.", fix="Give the name of a new folder.") from None
    if not target.exists():
        return
    if not target.is_dir():
        raise UsageError(f"{str(shown)!r} is a file, not a folder.", fix="Give the name of a new folder.")
    if any(target.iterdir()):
        has_spec = (target / SPEC_FILE).exists()
        raise UsageError(
            f"The folder {str(shown)!r} is not empty; nothing was written.",
            fix="It already holds a product: try `shipworthy run` there, or give the name of a new folder."
            if has_spec
            else "Give the name of a new folder.",
        )


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


def _write(target: Path, contents: Iterable[tuple[PurePosixPath, bytes]]) -> list[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        product = workshop / "product"
        written = [_write_file(product, path, content) for path, content in contents]
        _move(product, target)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return sorted(target / path.relative_to(product) for path in written)


def _move(product: Path, target: Path) -> None:
    if not target.exists():
        product.rename(target)
        return
    # The empty folder stays the same folder: somebody's shell may stand in it.
    for entry in sorted(product.iterdir(), key=lambda path: path.name == SPEC_FILE):
        entry.rename(target / entry.name)


def _write_file(folder: Path, path: PurePosixPath, content: bytes) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def _product_files(kind: str, id_: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    templates = files("shipworthy.define") / "templates"
    for path, content in _walk(templates / kind, PurePosixPath()):
        if path.name == SPEC_FILE:
            text = content.decode().replace(_ID_LINE, f"id: {json.dumps(id_)}", 1)
            yield path, f"{SCHEMA_LINE}\n{text}".encode()
        else:
            yield path, content
    yield from _beside()


def _beside() -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield what every product has beside its spec: the schema for editors, and what git leaves out."""
    yield PurePosixPath(SCHEMA_FILE), schema_text().encode()
    yield _gitignore()


def _gitignore() -> tuple[PurePosixPath, bytes]:
    return PurePosixPath(".gitignore"), (files("shipworthy.define") / "templates/gitignore.txt").read_bytes()


def _walk(folder: Traversable, inside: PurePosixPath) -> Iterator[tuple[PurePosixPath, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_file():
            yield inside / entry.name, entry.read_bytes()
        elif entry.name != "__pycache__":
            yield from _walk(entry, inside / entry.name)
