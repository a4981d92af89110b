"""Text from data and from specs, made safe to show: nothing hides in it and nothing in it is markup."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["ELLIPSIS", "cut", "markdown_line", "readable", "visible"]

ELLIPSIS = "…"

# All but plain text: bidirectional controls, invisible fillers and the tag block can make a text read as
# what it is not.
_SUSPECT = re.compile(
    "[^\n\t\x20-\x7e\u00a0-\u00ac\u00ae-\u061b\u061d-\u180d\u180f-\u200a\u200c\u200d\u2010-\u2027"
    "\u202f-\u205f\u2070-\ud7ff\ue000-\ufefe\uff00-\ufff8\ufffc\ufffd\U00010000-\U000dffff]"
)
#: A content hash or a commit; its first twelve digits name it.
_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,}\b")
_SPECIAL = re.compile(r"([\\`*_{}\[\]|~$^]|^[-+=])")
# A word joiner keeps GitHub from making a mention, a reference or a link of what follows.
_JOINER = "\u2060"


def visible(text: object) -> str:
    r"""Return a text in which nothing hides: control and direction characters are shown as signs.

    Args:
        text: Any text from data; tabs and line breaks stay.

    Returns:
        A text that is safe to encode and that reads as it is stored.

    >>> visible("\x1b[31mred\u202e")
    '[U+001B][31mred[U+202E]'
    """
    return _SUSPECT.sub(_shown, str(text).replace("\r\n", "\n"))


def readable(text: str) -> str:
    """Return a text as a document prints it: hashes by their first twelve digits, arrows as arrows.

    >>> readable("26 h -> 2 h, version sha256:" + "0123456789ab" * 5)
    '26 h → 2 h, version sha256:0123456789ab'
    """
    return _HASH.sub(r"\1", text).replace(" -> ", " → ")


def cut(text: object, limit: int = 40) -> str:
    """Return one visible line of at most `limit` characters, with an ellipsis where cut.

    >>> cut("a very long label", 8)
    'a very …'
    """
    line = " ".join(visible(text).split())
    return line if len(line) <= limit else line[: limit - 1] + ELLIPSIS


def markdown_line(text: object, limit: int = 200) -> str:
    """Return one line of Markdown in which nothing is markup, a mention, a link or a reference.

    Args:
        text: Any text from data.
        limit: Most characters of it that are shown.
    """
    line = cut(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"(?<!&)([@#])", rf"\1{_JOINER}", _SPECIAL.sub(r"\\\1", line))
    return re.sub(r"(?i)\bwww\.", f"www{_JOINER}.", line.replace("://", f":{_JOINER}//"))


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xD800 <= code <= 0xDFFF or unicodedata.category(match[0]) == "Cn":
        return "\ufffd"
    return f"[U+{code:04X}]"
