"""The candidate: turns a message into a weekday and a time. Replace the body with a call to your own system.

Shipworthy calls `answer` once per golden case with the case's `input` and scores what it returns. Nothing in
here has to know Shipworthy. An exception, or an empty answer, counts as a failed case; it never ends the run.
"""

from __future__ import annotations

import re

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS = {
    word: number
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
}

CLOCK = re.compile(r"\b(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?\b")
SPOKEN = re.compile(rf"(half past|quarter past|quarter to)?\s*\b({'|'.join(HOURS)})\b", re.IGNORECASE)
MINUTES = {"half past": 30, "quarter past": 15, "quarter to": -15, "": 0}


def answer(message: str) -> str:
    """Return the day and time that a message asks for, such as "Thursday 15:30", or "" where it finds none.

    >>> answer("Can we move it to Thursday afternoon, half past three?")
    'Thursday 15:30'
    """
    days = [word for word in re.findall(r"\w+", message) if word in DAYS]
    time = _time(message)
    if not days or time is None:
        return ""
    # A correction names the old day first ("not Monday any more"), so the last day counts.
    return f"{days[-1]} {time}"


def _time(message: str) -> str | None:
    clocks = list(CLOCK.finditer(message))
    if clocks:
        hour, minute, half = clocks[-1].groups()
        late = half == "pm" and int(hour) < 12
        return f"{int(hour) + 12 * late:02d}:{minute or '00'}"
    if "noon" in message.replace("afternoon", ""):
        return "12:00"
    spoken = SPOKEN.search(message)
    if spoken is None:
        return None
    late = "afternoon" in message or "evening" in message
    total = 60 * (HOURS[spoken[2].lower()] + 12 * late) + MINUTES[(spoken[1] or "").lower()]
    return f"{total // 60:02d}:{total % 60:02d}"
