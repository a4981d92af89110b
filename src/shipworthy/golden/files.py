"""Cases that are files, such as images: their paths, what they hold, and pictures that are safe to show."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shipworthy.define.spec import Golden
from shipworthy.errors import InputError
from shipworthy.store.hashes import hash_file
from shipworthy.tables.duck import Connection, ForeignFile, translated

__all__ = ["PICTURE_BYTES", "file_hashes", "folder_of_files", "path_of", "picture", "pictures"]

#: Largest file that is shown inside a record, and most of them together, in bytes.
PICTURE_BYTES = 100_000
PICTURES_BYTES = 3_000_000

#: How a picture of each kind begins. A drawing that could hold a script (SVG) is none of them.
_BEGINNINGS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
}
_NAMED = 3


def folder_of_files(golden: Golden, folder: Path) -> Path:
    """Return where the paths of cases' files start: the golden set's folder, the spec's for a table.

    Args:
        golden: The spec's golden block.
        folder: The spec's folder.
    """
    return folder if "://" in golden.path else (folder / golden.path).parent


def path_of(written: str, folder: Path) -> Path:
    """Return where a case's file lies.

    Args:
        written: Its path as the golden set writes it, relative to the golden set's own folder.
        folder: The golden set's folder.
    """
    return folder / written


def file_hashes(
    connection: Connection, file: ForeignFile, column: str, condition: str, folder: Path
) -> Mapping[str, str]:
    """Return the content hash of every file that the cases name.

    Args:
        connection: The engine.
        file: The golden set.
        column: SQL of the path.
        condition: Rows to keep, as SQL.
        folder: Where relative paths start.

    Returns:
        Path as written -> hash, sorted by path.

    Raises:
        InputError: If a file is missing or cannot be read, or a path is a URL.
    """
    with translated(file.path):
        found = connection.execute(
            f"SELECT DISTINCT {column} AS path FROM {file.relation} WHERE {condition} ORDER BY path"
        ).fetchall()
    written = [str(path) for (path,) in found if path is not None and str(path).strip()]
    remote = [path for path in written if "://" in path]
    if remote:
        raise InputError(
            f"{len(remote):,} of {len(written):,} input files are URLs: {_first(remote)}.",
            where=str(file.path),
            fix="A verdict needs files that stay what they are: fetch them, and write their paths.",
        )
    missing = [path for path in written if not path_of(path, folder).is_file()]
    if missing:
        raise InputError(
            f"{len(missing):,} of {len(written):,} input files do not exist: {_first(missing)}.",
            where=str(file.path),
            fix=f"Paths start from the golden set's folder, {str(folder)!r}.",
        )
    try:
        # Hashing lets other threads run, so that several files are read at once.
        with ThreadPoolExecutor(max_workers=8) as readers:
            hashes = list(readers.map(lambda path: hash_file(path_of(path, folder)), written))
    except OSError as error:
        raise InputError(
            f"The input file {str(error.filename)!r} cannot be read: {error.strerror}.",
            where=str(file.path),
            fix="Give yourself the right to read it.",
        ) from None
    return dict(zip(written, hashes, strict=True))


def _first(paths: list[str]) -> str:
    listed = ", ".join(repr(path) for path in paths[:_NAMED])
    return f"{listed} and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else listed


def pictures(written: Iterable[str], folder: Path) -> dict[str, str]:
    """Return those files that are pictures as data URIs, for pages that load nothing.

    Args:
        written: Paths as the golden set writes them.
        folder: The golden set's folder; what lies outside of it is not shown, since a record travels.

    Returns:
        Path as written -> data URI; without files that are no picture, too large, outside or gone.
    """
    home = folder.resolve()
    found: dict[str, str] = {}
    left = PICTURES_BYTES
    for name in dict.fromkeys(written):
        try:
            path = path_of(name, folder).resolve()
            if not path.is_relative_to(home) or not path.is_file() or path.stat().st_size > PICTURE_BYTES:
                continue
            content = path.read_bytes()
        except (OSError, ValueError, RuntimeError):
            # Gone, no path at all, or links that lead in a circle.
            continue
        shown = picture(content)
        if shown is not None and len(content) <= left:
            left -= len(content)
            found[name] = shown
    return found


def picture(content: bytes) -> str | None:
    """Return a file's bytes as the data URI of a picture; None where they are none.

    What it is follows from how it begins, never from its name: a page that is called .png stays unseen.

    Args:
        content: The bytes of a file.

    >>> picture(b"GIF89a...")[:22]
    'data:image/gif;base64,'
    >>> picture(b"<svg onload='...'/>") is None
    True
    """
    kind = next((kind for kind, starts in _BEGINNINGS.items() if content.startswith(starts)), None)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind = "image/webp"
    return None if kind is None else f"data:{kind};base64,{base64.b64encode(content).decode()}"
