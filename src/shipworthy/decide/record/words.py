"""Numbers, ranges, rules and verdicts as people read them; shared by every renderer and the terminal."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from shipworthy.define.documents.escaping import cut, visible
from shipworthy.define.sizing import is_reached
from shipworthy.records import Confusion, Estimate, GateEvidence, GateStatus, Verdict

__all__ = [
    "bar_words",
    "cell_words",
    "chance_words",
    "confidence_words",
    "cut",
    "eases_words",
    "further_cases",
    "further_words",
    "gate_words",
    "implied_words",
    "interval",
    "listed",
    "mistake_words",
    "number",
    "outcome_words",
    "outcomes_counted",
    "plural",
    "quantity_words",
    "range_words",
    "rule_words",
    "settle_words",
    "signed",
    "special_population",
    "status_mark",
    "status_words",
    "verdict_mark",
    "verdict_meaning",
    "verdict_words",
    "visible",
    "when",
]

UNKNOWN = "unknown"
MINUS = "−"

_SYMBOLS = {"USD": "$", "$": "$", "": ""}
_STATUS_MARKS = {
    GateStatus.met: "✓",
    GateStatus.not_met: "✗",
    GateStatus.not_proven: "◐",
    GateStatus.not_measured: "?",
}
_VERDICT_MARKS = {
    Verdict.ship: "✓",
    Verdict.ship_with_guardrails: "[✓]",
    Verdict.hold: "‖",
    Verdict.roll_back: "↩",
    Verdict.invalid: "?",
}
_VERDICT_MEANINGS = {
    Verdict.ship: "Every blocking gate is proven. It can go out.",
    Verdict.ship_with_guardrails: "Every blocking gate is proven, while the named guardrails stand.",
    Verdict.hold: "Not yet: something that must be proven is not, or has no guardrail.",
    Verdict.roll_back: "What users have now is proven to be below its bar. Take it back.",
    Verdict.invalid: "The evidence cannot be judged, so this says neither yes nor no.",
}
_OUTCOMES = {"failed": "no usable answer"}

_COMPARISON = re.compile(r">=|<=|≥|≤|>|<")

_OFFSET = re.compile(r"\s*[-+−]\s*[\d.,_]+\s*(?:%|[a-z]+)?\s*$")
_NAME = re.compile(r"[A-Za-z_][\w.]*[\[(]|[A-Za-z_]{3,}")

_Writer = Callable[[float, int], str]


# -- numbers -------------------------------------------------------------------------------------------


def number(
    value: float | None, unit: str = "number", currency: str = "", *, apart_from: float | None = None
) -> str:
    """Return a value as people write it; never nan or inf.

    Args:
        value: The value; shares and points as fractions of one.
        unit: "share", "money", "ms", "points" or "number".
        currency: ISO code, for money.
        apart_from: A bar: as many digits are shown as it takes to keep the two apart.

    Returns:
        The text.

    >>> number(0.8316, "share"), number(0.9997, "share"), number(1319, "number")
    ('83.2%', '99.97%', '1,319')
    >>> number(-1234.4, "money", "EUR"), number(186.7, "ms")
    ('−EUR 1,234', '187 ms')
    >>> number(0.7999, "share", apart_from=0.8)
    '79.99%'
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if unit == "share":
        return f"{_hundredths(value, apart_from)}%"
    if unit == "points":
        text = _hundredths(value, apart_from)
        return f"{text} {'point' if text.lstrip(MINUS) == '1' else 'points'}"
    if unit == "ms":
        return _milliseconds(value)
    if unit == "money":
        return _money(value, currency)
    return _apart(value, apart_from, _count)


def signed(value: float | None, unit: str = "number", currency: str = "") -> str:
    """Return a difference with its sign; differences of shares read as points.

    >>> signed(0.021, "share"), signed(-1200, "money", "USD"), signed(0.0)
    ('+2.1 points', '−$1,200', '0')
    """
    text = number(value, "points" if unit == "share" else unit, currency)
    return f"+{text}" if value is not None and math.isfinite(value) and value > 0 else text


def range_words(
    low: float | None, high: float | None, unit: str = "number", currency: str = "", *, per: str = ""
) -> str:
    """Return an interval in plain words.

    Args:
        low: Lower end; None where open.
        high: Upper end; None where open.
        unit: The unit of both ends.
        currency: ISO code, for money.
        per: What it is paid or counted per, such as "month".

    Returns:
        The words.

    >>> range_words(0.796, 0.862, "share")
    'between 79.6 and 86.2 of 100'
    >>> range_words(-1200, 300, "money", "USD", per="month")
    'between −$1,200 and $300 a month'
    >>> range_words(-0.012, 0.043, "points")
    'between −1.2 and +4.3 points'
    >>> range_words(80, 300, "money", "EUR"), range_words(-9, -3, "money", "EUR")
    ('between EUR 80 and 300', 'between −EUR 9 and −EUR 3')
    """
    tail = f" a {per}" if per else ""
    low_known, high_known = _known(low), _known(high)
    if not low_known and not high_known:
        return f"range {UNKNOWN}"
    if not low_known:
        return f"at most {_end(high, unit, currency)}{_of(unit)}{tail}"
    if not high_known:
        return f"at least {_end(low, unit, currency)}{_of(unit)}{tail}"
    ends = _end(low, unit, currency), _end(high, unit, currency)
    same_code = ends[0].partition(" ")[0] == ends[1].partition(" ")[0]
    if unit == "money" and same_code and not ends[0].startswith(MINUS):
        ends = ends[0], ends[1].partition(" ")[2] or ends[1]
    if ends[0] == ends[1]:
        return f"{ends[0]}{_of(unit)}{tail}"
    return f"between {ends[0]} and {ends[1]}{_of(unit)}{tail}"


def interval(estimate: Estimate, currency: str = "", *, per: str = "") -> str:
    """Return an estimate with its range, or why it is unknown.

    >>> interval(Estimate(0.83, 0.796, 0.862, 500, "share"))
    '83% (between 79.6 and 86.2 of 100)'
    >>> interval(Estimate.unknown_because("no case has an outcome"))
    'unknown: no case has an outcome'
    """
    if not _known(estimate.value):
        return f"{UNKNOWN}: {visible(estimate.unknown)}" if estimate.unknown else UNKNOWN
    value = number(estimate.value, estimate.unit, currency) + (f" a {per}" if per else "")
    if estimate.low is None and estimate.high is None:
        return value
    return f"{value} ({range_words(estimate.low, estimate.high, estimate.unit, currency, per=per)})"


def plural(count: float, one: str, many: str = "") -> str:
    """Return a count with its noun.

    >>> plural(1, "case"), plural(1319, "case")
    ('1 case', '1,319 cases')
    """
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def listed(items: Iterable[str], limit: int = 5) -> str:
    """Return items as a sentence lists them.

    >>> listed(["a", "b", "c"]), listed("abcd", limit=2)
    ('a, b and c', 'a, b and 2 more')
    """
    every = list(items)
    if len(every) > limit:
        return f"{', '.join(every[:limit])} and {len(every) - limit:,} more"
    if len(every) < 2:
        return "".join(every)
    return f"{', '.join(every[:-1])} and {every[-1]}"


# -- gates and verdicts --------------------------------------------------------------------------------


def rule_words(gate: GateEvidence, currency: str = "") -> str:
    """Return a gate's rule in words.

    Args:
        gate: The gate.
        currency: ISO code, for gates on money.

    Returns:
        Such as "good: at least 80%".
    """
    return f"{quantity_words(gate)}: {bar_words(gate, currency)}"


def special_population(gate: GateEvidence, usual: str) -> str:
    """Return the rows a gate speaks of where its rule does not say so and they are not the usual ones.

    Args:
        gate: The gate.
        usual: The population that gates speak of by default.
    """
    own = gate.population.split(", shared with ")[0].split(", by ")[0]
    return "" if own == usual or "[" in gate.rule else own


def quantity_words(gate: GateEvidence) -> str:
    """Return what a gate judges, such as "good" or "recall[age >= 60] less recall[age < 60]"."""
    left, right = _sides(gate.rule)
    if not re.search(r"[A-Za-z_]", left):
        return visible(gate.metric)
    other = _OFFSET.sub("", right)
    return visible(f"{left} less {other}" if _NAME.search(other) else left)


def cell_words(confusion: Confusion, row: int, column: int, currency: str = "") -> str:
    """Return one cell of a confusion table, with its money where costs are stated."""
    count = f"{confusion.counts[row][column]:,.0f}"
    amount = confusion.money[row][column] if confusion.money else 0.0
    return f"{count} ({number(amount, 'money', currency)})" if amount else count


def mistake_words(mistake: tuple[str, str, float, float | None], currency: str = "") -> str:
    """Return one kind of mistake in words.

    >>> mistake_words(("dog", "cat", 12.0, None))
    'dog taken for cat: 12'
    >>> mistake_words(("dog", "no usable answer", 3.0, 60.0), "USD")
    'dog without a usable answer: 3, which cost $60'
    """
    label, answer, count, amount = mistake
    what = "without a usable answer" if answer == "no usable answer" else f"taken for {cut(answer, 40)}"
    cost = f", which cost {number(amount, 'money', currency)}" if amount else ""
    return f"{cut(label, 40)} {what}: {count:,.0f}{cost}"


def bar_words(gate: GateEvidence, currency: str = "") -> str:
    """Return a gate's bar, such as "at least 80%"."""
    at_least = gate.better == "at_least"
    if gate.strict:
        words = "more than" if at_least else "less than"
    else:
        words = "at least" if at_least else "at most"
    return f"{words} {number(gate.bar, gate.estimate.unit, currency)}"


def gate_words(gate: GateEvidence, currency: str = "", *, status: GateStatus | None = None) -> str:
    """Return the bound that decides a gate, in words: for one that is not met, the opposite bound.

    >>> empty = Estimate(0.83, 0.79, 0.86, 500, "share")
    >>> gate_words(GateEvidence("g", "good >= 80%", "good", "at_least", False, 0.8, empty, 0.7998, 0.86,
    ...     0.95, "Clopper-Pearson", "all rows"))
    'at least 79.98%, with 95% confidence'
    """
    at_least = (gate.better == "at_least") is not (status is GateStatus.not_met)
    bound = gate.lower if at_least else gate.upper
    if not _known(bound):
        return ""
    shown = number(bound, gate.estimate.unit, currency, apart_from=gate.bar)
    return f"{'at least' if at_least else 'at most'} {shown}, with {confidence_words(gate)}"


def confidence_words(gate: GateEvidence) -> str:
    """Return a gate's confidence, and beside it the one that its costs imply where they state it.

    Args:
        gate: What was measured.
    """
    stated = f"{number(gate.confidence, 'share')} confidence"
    if gate.from_costs:
        return f"{stated}, from the costs"
    if gate.implied_confidence is None:
        return stated
    return f"{stated} (the costs imply {number(gate.implied_confidence, 'share')})"


def implied_words(gate: GateEvidence) -> str:
    """Return a sentence on the confidence that a gate's costs imply; empty where they imply none."""
    known = gate.from_costs or gate.implied_confidence is not None
    return f"Judged at {confidence_words(gate)}." if known else ""


def settle_words(gate: GateEvidence, status: GateStatus) -> str:
    """Return what would settle a gate, short enough for a table cell."""
    if status is GateStatus.met:
        return "Settled."
    if status is GateStatus.not_met:
        return "A fix. More cases would not change it."
    if status is GateStatus.not_measured:
        return visible(gate.estimate.unknown) if gate.estimate.unknown else "A measurement."
    if gate.settled_even is None and gate.settled_80 is None:
        if gate.estimate.value is not None and is_reached(gate.better, gate.bar, gate.estimate.value):
            return "More cases; how many is not known."
        return "A better value: at the one observed, no number of cases would prove it."
    parts = [
        f"{plural(further_cases(gate, cases), 'more case')} for {chance}"
        for cases, chance in ((gate.settled_even, "an even chance"), (gate.settled_80, "an 80% chance"))
        if cases is not None
    ]
    return f"About {', '.join(parts)}."


def further_words(gate: GateEvidence, cases: int) -> str:
    """Return how many more cases it takes, also where a gate counts only some of the rows.

    Args:
        gate: The gate.
        cases: Rows that the gate has to count in all.
    """
    further = max(0, cases - gate.estimate.n)
    in_all = further_cases(gate, cases)
    if in_all == further:
        return plural(further, "more case")
    if gate.per_case > 1 and gate.out_of <= gate.estimate.n:
        return f"{plural(further, 'more row')}, about {plural(in_all, 'more case')}"
    return f"{further:,} more of the rows it counts, about {in_all:,} more cases in all"


def further_cases(gate: GateEvidence, cases: int) -> int:
    """Return how many more cases it takes at today's mix, where a gate counts only some of the rows.

    Args:
        gate: The gate.
        cases: Rows that the gate has to count in all.
    """
    further = max(0, cases - gate.estimate.n)
    if not gate.estimate.n:
        return further
    rows = further * max(gate.out_of, gate.estimate.n) / gate.estimate.n
    return math.ceil(rows / gate.per_case - 1e-9)


def chance_words(chance: tuple[float, float, float]) -> str:
    """Return a chance (at least, about, at most) without a certainty that nobody has.

    >>> chance_words((0.2, 0.3, 0.5)), chance_words((0.0, 0.0, 0.001))
    ('about 30% (20% to 50%)', 'less than 1%')
    """
    low, about, high = chance
    if not all(math.isfinite(end) for end in chance):
        return UNKNOWN
    if high < 0.01:
        return "less than 1%"
    if low > 0.99:
        return "more than 99%"
    ends = [f"{end:.0%}" for end in (low, high)]
    return f"about {about:.0%}" + (f" ({ends[0]} to {ends[1]})" if ends[0] != ends[1] else "")


def outcomes_counted(count: int, outcome: str) -> str:
    """Return how often a class of outcome occurred, as people count.

    >>> outcomes_counted(1282, "false_positive"), outcomes_counted(1, "harmful")
    ('1,282 false positives', '1 harmful output')
    >>> outcomes_counted(2, "failed")
    '2 cases without a usable answer'
    """
    if outcome == "failed":
        return f"{count:,} {'case' if count == 1 else 'cases'} without a usable answer"
    words = outcome_words(outcome)
    if outcome in ("false_positive", "false_negative"):
        return f"{count:,} {words}" + ("" if count == 1 else "s")
    return f"{count:,} {words} {'output' if count == 1 else 'outputs'}"


def status_mark(status: GateStatus) -> str:
    """Return the symbol of a gate's status; no two are alike.

    >>> "".join(status_mark(status) for status in GateStatus)
    '✓✗◐?'
    """
    return _STATUS_MARKS[status]


def status_words(status: GateStatus) -> str:
    """Return symbol and words of a gate's status.

    >>> status_words(GateStatus.not_proven)
    '◐ not proven'
    """
    return f"{_STATUS_MARKS[status]} {status.words}"


def eases_words(eases: str) -> str:
    """Return in which way a change of the spec moved the promise.

    >>> eases_words("easier"), eases_words("unclear")
    ('easier to pass', 'cannot be compared')
    """
    return {
        "easier": "easier to pass",
        "harder": "harder to pass",
        "unclear": "cannot be compared",
    }.get(eases, "neither easier nor harder")


def verdict_mark(verdict: Verdict) -> str:
    """Return the symbol of a verdict."""
    return _VERDICT_MARKS[verdict]


def verdict_words(verdict: Verdict) -> str:
    """Return a verdict as a heading.

    >>> verdict_words(Verdict.ship_with_guardrails)
    'Ship with guardrails'
    """
    return verdict.words.capitalize()


def verdict_meaning(verdict: Verdict) -> str:
    """Return what a verdict means, in one line."""
    return _VERDICT_MEANINGS[verdict]


def outcome_words(outcome: str) -> str:
    """Return a class of outcome as people say it.

    >>> outcome_words("false_positive"), outcome_words("failed")
    ('false positive', 'no usable answer')
    """
    return _OUTCOMES.get(outcome, visible(outcome).replace("_", " "))


def when(moment: str) -> str:
    """Return an ISO 8601 time as a date people read; other texts as they are.

    >>> when("2026-03-03T14:05:09+00:00")
    '3 March 2026, 14:05 UTC'
    """
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        return visible(moment)
    if parsed.tzinfo is not None:
        parsed = parsed.astimezone(UTC)
    return f"{parsed.day} {_MONTHS[parsed.month - 1]} {parsed:%Y, %H:%M} UTC"


# -- private -------------------------------------------------------------------------------------------

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _of(unit: str) -> str:
    return {"share": " of 100", "points": " points", "ms": " ms"}.get(unit, "")


def _end(value: float | None, unit: str, currency: str) -> str:
    """One end of a range, without the unit that the range carries once."""
    if value is None:
        return UNKNOWN
    if unit == "share":
        return _hundredths(value, None)
    if unit == "points":
        text = _hundredths(value, None)
        return f"+{text}" if value > 0 and text != "0" else text
    if unit == "ms":
        return _count(float(f"{value:.3g}") if abs(value) < 100 else round(value))
    return number(value, unit, currency)


def _minus(text: str) -> str:
    return text.replace("-", MINUS)


def _hundredths(value: float, apart_from: float | None) -> str:
    """A share times a hundred: one digit, more where it would touch an end or the bar falsely."""
    return _apart(value, apart_from, _percent)


def _apart(value: float, other: float | None, write: _Writer) -> str:
    for extra in range(5):
        text = write(value, extra)
        if other is None or math.isclose(value, other, rel_tol=1e-12, abs_tol=1e-15):
            return text
        if text != write(other, extra):
            return text
    return text


def _percent(value: float, extra: int = 0) -> str:
    percent = value * 100
    distance = min(abs(percent), abs(100 - abs(percent)))
    digits = (2 if 1e-9 < distance < 0.995 else 1) + extra
    while distance > 1e-9 and digits < 6 and round(distance, digits) == 0:
        digits += 1
    return _trimmed(percent, digits)


def _trimmed(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return _minus("0" if text == "-0" else text)


def _count(value: float, extra: int = 0) -> str:
    if float(value).is_integer():
        return _minus(f"{value:,.0f}")
    if abs(value) >= 1000:
        return _trimmed(value, extra)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return _trimmed(value, min(digits, 6) + extra)


def _milliseconds(value: float) -> str:
    return f"{_count(float(round(value)) if abs(value) >= 100 else float(f'{value:.3g}'))} ms"


def _money(value: float, currency: str) -> str:
    size = abs(value)
    symbol = _SYMBOLS.get(currency.upper(), f"{visible(currency)} ")
    if size >= 100 or size == 0 or (size >= 1 and float(size).is_integer()):
        digits = f"{size:,.0f}"
    elif size >= 0.01:
        digits = f"{size:,.2f}"
    else:
        digits = _trimmed(size, 6)
    return f"{MINUS if value < 0 and digits.strip('0.') else ''}{symbol}{digits}"


def _sides(rule: str) -> tuple[str, str]:
    """The two sides of a rule, split at the comparison that stands outside all brackets."""
    depth = 0
    for at, character in enumerate(rule):
        depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(character, 0)
        match = _COMPARISON.match(rule, at)
        if depth == 0 and match:
            return rule[:at].strip(), rule[match.end() :].strip()
    return rule.strip(), ""
