"""Content hashes: of files, of text, and of records."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

__all__ = ["hash_file", "hash_record", "hash_text", "short"]


def hash_file(path: Path) -> str:
    """Return the content hash of a file, read in pieces.

    Args:
        path: The file.

    Returns:
        "sha256:" and 64 hex digits.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


def hash_text(text: str) -> str:
    """Return the content hash of text.

    >>> hash_text("")[:14]
    'sha256:e3b0c44'
    """
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def hash_record(record: Any) -> str:
    """Return the content hash of a JSON-ready value, whatever the order of its keys.

    >>> hash_record({"a": 1, "b": 2}) == hash_record({"b": 2, "a": 1})
    True
    """
    return hash_text(json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")))


def short(content_hash: str) -> str:
    """Return the first twelve digits of a content hash.

    >>> short("sha256:0123456789abcdef")
    '0123456789ab'
    """
    return content_hash.removeprefix("sha256:")[:12]
