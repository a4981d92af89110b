"""Why something failed, in one printable line."""

from __future__ import annotations

__all__ = ["LONGEST", "of_exception", "one_line"]

#: Characters of a reason that are kept.
LONGEST = 300


def one_line(text: str) -> str:
    r"""Return text without control characters, on one line and at most `LONGEST` characters long.

    >>> one_line("no\nway\x1b[31m")
    'no way[31m'
    """
    # Messages come from the system under test; a huge one is cut before any work is done on it.
    head = " ".join(text[: 4 * LONGEST].split())
    shown = "".join(character for character in head if character.isprintable())
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def of_exception(error: BaseException) -> str:
    """Return an exception as `Type: message`.

    >>> of_exception(ValueError("no such row"))
    'ValueError: no such row'
    """
    kind = type(error).__name__
    try:
        message = one_line(str(error))
    except Exception:
        message = "(its message cannot be read)"
    return one_line(f"{kind}: {message}") if message else kind
