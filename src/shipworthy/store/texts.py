"""Texts of cases, kept beside what a record's hash covers: they can be taken away, and it still holds."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from shipworthy.errors import StoreError
from shipworthy.store.hashes import hash_text

__all__ = ["FORGOTTEN", "check_texts", "put_back", "refs_of_case", "set_apart"]

#: What stands where a text was taken away.
FORGOTTEN = "(forgotten)"

#: Keys of a listed case that hold what people wrote or were told; ids, labels and outcomes stay.
_KEYS = ("input", "before_text", "after_text")
_REF = re.compile(r"text:sha256:[0-9a-f]{64}")


def set_apart(record: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Put the salted hash of each text in its place.

    Without a salt of its own a short text could be guessed from its hash after it was taken away.

    Args:
        record: A record, JSON-ready.

    Returns:
        The record with hashes in place of texts, and hash -> [salt, text].
    """
    texts: dict[str, list[str]] = {}

    def apart(text: str, _case: str) -> str:
        salt = secrets.token_hex(16)
        ref = _ref(salt, text)
        texts[ref] = [salt, text]
        return ref

    content: dict[str, Any] = _changed(dict(record), apart)
    return content, texts


def put_back(record: Mapping[str, Any], texts: Mapping[str, Any]) -> dict[str, Any]:
    """Put each text back where its hash stands; what was taken away is said to be forgotten.

    Args:
        record: What `set_apart` made of a record.
        texts: Its texts.
    """

    def back(ref: str, _case: str) -> str:
        if _REF.fullmatch(ref) is None:
            return ref
        return str(texts[ref][1]) if ref in texts else FORGOTTEN

    whole: dict[str, Any] = _changed(dict(record), back)
    return whole


def refs_of_case(record: Mapping[str, Any], case_id: str) -> frozenset[str]:
    """Return the hashes that stand in place of the texts of one case.

    Args:
        record: What `set_apart` made of a record.
        case_id: The case.
    """
    found: set[str] = set()

    def note(ref: str, case: str) -> str:
        if case == case_id and _REF.fullmatch(ref) is not None:
            found.add(ref)
        return ref

    _changed(dict(record), note)
    return frozenset(found)


def check_texts(texts: Any, where: str) -> dict[str, list[str]]:
    """Return a record's texts after checking each against its hash.

    Args:
        texts: What stands under `texts`; None where there is nothing.
        where: The record's file.

    Raises:
        StoreError: If one was changed.
    """
    found: dict[str, list[str]] = {}
    for ref, part in (texts or {}).items():
        if not isinstance(part, list) or [type(one) for one in part] != [str, str] or _ref(*part) != ref:
            raise StoreError(
                "A text of a case in this decision was changed after it was written.",
                where=where,
                fix="Restore the file from version control.",
            )
        found[ref] = part
    return found


def _ref(salt: str, text: str) -> str:
    return f"text:{hash_text(salt + text)}"


def _changed(node: Any, change: Callable[[str, str], str]) -> Any:
    """Return a record with every text of a listed case changed."""
    if isinstance(node, dict):
        case = node.get("case_id")
        return {
            key: change(part, str(case))
            if case is not None and key in _KEYS and isinstance(part, str) and part
            else _changed(part, change)
            for key, part in node.items()
        }
    return [_changed(part, change) for part in node] if isinstance(node, list) else node
