"""Reading answers: what an output says, what a case accepts, which numbers stand in a text."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

from shipworthy.records import Case, Output

__all__ = ["LONGEST_SCANNED", "Take", "accepted", "as_text", "close", "folded", "number_in", "spoken"]

#: Characters of an output in which patterns and numbers are searched.
LONGEST_SCANNED = 200_000

Take = Literal["first", "last", "only"]

_NUMBER = re.compile(
    r"(?<![\w.,])(?<![^\W\d_][-−])"
    r"(?P<sign>[-−+](?:[ \t]?[$€£¥₹])?[ \t]?|[$€£¥₹][ \t]?[-−+])?"
    r"(?P<digits>(?>\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+))"
    r"(?:[eE](?P<exponent>[-+−]?\d{1,9})\b|[ \t]?[×x*·][ \t]?10(?:\^|\*\*)\{?(?P<power>[-+−]?\d{1,9}))?"
    r"(?![.,]?\d)"
)


def spoken(output: Output) -> str:
    """Return what an output says: its text, else its prediction, else the empty string.

    >>> spoken(Output("1", prediction="spam"))
    'spam'
    """
    text = output.text
    if text is None or not text or text.isspace():
        return (output.prediction or "").strip()
    return text


def as_text(value: Any) -> str:
    """Return a label or a plain answer as text: `true`, `3` for 3.0, JSON-like for the rest.

    >>> as_text(True), as_text(3.0), as_text("Paris")
    ('true', '3', 'Paris')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return str(value)


def accepted(case: Case) -> tuple[str, ...]:
    """Return the answers that a case accepts, as text; none where it has no label.

    >>> accepted(Case("1", "?", label=["Paris", "Lutetia"]))
    ('Paris', 'Lutetia')
    """
    label = case.label
    if isinstance(label, str):
        return (label,)
    if label is None:
        return ()
    if isinstance(label, (list, tuple, set, frozenset)):
        return tuple(as_text(item) for item in label if item is not None)
    return (as_text(label),)


def folded(text: str, *, case: bool, space: bool) -> str:
    r"""Return text with letter case, or runs of blanks and the ends, made equal.

    Args:
        text: Any text.
        case: Whether letter case is made equal.
        space: Whether blanks are made equal.

    >>> folded(" New\n York ", case=True, space=True)
    'new york'
    """
    if space:
        text = " ".join(text.split())
    return text.casefold() if case else text


def number_in(text: str, take: Take) -> float | None:
    """Return a number that stands in a text.

    Thousands are grouped by commas and the decimal sign is a point; a number written otherwise (`1.234,5`)
    is passed over rather than misread. Currency and percent signs are dropped: `12.5%` reads as 12.5.

    Args:
        text: Any text; only `LONGEST_SCANNED` characters are scanned, from the side that `take` names.
        take: Which number: the first, the last, or the only one.

    Returns:
        The number; None where there is none, where it is too large, or where "only" finds several.

    >>> number_in("It rose from 3% to -$1,234.50", "last")
    -1234.5
    """
    scanned = text[-LONGEST_SCANNED:] if take == "last" else text[:LONGEST_SCANNED]
    found: re.Match[str] | None = None
    for match in _NUMBER.finditer(scanned):
        if take == "only" and found is not None:
            return None
        found = match
        if take == "first":
            break
    return None if found is None else _value(found)


def close(found: float, wanted: float, tolerance: float, relative: float) -> bool:
    """Tell whether two numbers agree.

    Args:
        found: The number found.
        wanted: The number wanted.
        tolerance: Largest difference in the number's own unit.
        relative: Largest difference as a share of `wanted`.

    >>> close(1.1, 1.0, 0.1, 0.0)
    True
    """
    allowed = max(tolerance, relative * abs(wanted))
    if not allowed:
        return found == wanted
    # 1.1 - 1.0 is a hair above 0.1 in binary; people mean the decimal numbers they wrote.
    return abs(found - wanted) <= allowed + 4 * math.ulp(max(abs(found), abs(wanted)))


def _value(match: re.Match[str]) -> float | None:
    digits, sign = match["digits"].replace(",", ""), match["sign"] or ""
    exponent = (match["exponent"] or match["power"] or "0").replace("−", "-")
    value = float(f"{digits}e{exponent}")
    if math.isinf(value):
        return None
    return -value if "-" in sign or "−" in sign else value
