"""Gates as people say them: `recall[language != en] >= 95%`, parsed without eval."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from shipworthy.errors import RuleError

__all__ = [
    "FORMS",
    "GROUP_FORMS",
    "Call",
    "Condition",
    "Population",
    "Rule",
    "columns_compared",
    "metrics_within",
    "number_of",
    "parse_condition_text",
    "parse_rule",
]

#: Words that take a metric as their first argument, and what stands after it.
FORMS = {"delta": "system", "ratio": "column", "gap": "column", "worst": "column"}

#: Words that compare the groups of one or more columns.
GROUP_FORMS = ("ratio", "gap", "worst", "equalised_odds")

_COMPARISONS = (">=", "<=", ">", "<")
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<number>[+-]?(?:\d[\d_,]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(?P<unit>%|pts?\b|pp\b|points?\b)?"
    r"|(?P<name>[A-Za-z_][\w.]*(?:[@^]\d+)?)"
    r"|(?P<quoted>\"[^\"]*\"|'[^']*'|`[^`]*`)"
    r"|(?P<symbol>>=|<=|==|!=|≥|≤|>|<|=|\(|\)|\[|\]|,|\+|-|−)"
    r")"
)
_BARE = r"[^\s\[\],()\"'`=<>!≥≤]+"
_VALUE = re.compile(rf"\s*(?:(?P<quoted>\"[^\"]*\"|'[^']*')|(?P<bare>{_BARE}))")
_NAME = re.compile(r"[A-Za-z_][\w.]*(?:[@^]\d+)?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?(?:[eE][+-]?\d+)?")


def _written(text: str) -> str:
    """Return a column or value as it parses again: bare where that works, else in quotes it does not hold."""
    if re.fullmatch(_BARE, text):
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison inside square brackets.

    Args:
        column: Column or role name.
        operator: One of = != < <= > >= in.
        values: The compared values as written.
    """

    column: str
    operator: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        column, *values = (_written(text) for text in (self.column, *self.values))
        if self.operator == "in":
            return f"{column} in ({', '.join(values)})"
        return f"{column} {self.operator} {values[0]}"


@dataclass(frozen=True, slots=True)
class Population:
    """The rows a quantity speaks of: conditions joined by *and*; none means all of them."""

    conditions: tuple[Condition, ...] = ()

    def __str__(self) -> str:
        return " and ".join(str(condition) for condition in self.conditions)

    def joined(self, other: Population) -> Population:
        """Return the rows that satisfy both."""
        extra = tuple(condition for condition in other.conditions if condition not in self.conditions)
        return Population(self.conditions + extra)


@dataclass(frozen=True, slots=True)
class Call:
    """A metric, or a form over a metric, on a population.

    Args:
        name: The metric's or form's name, such as "recall", "ndcg@10" or "delta".
        arguments: Names, or for a form a metric call first.
        named: Named arguments, such as reference=white.
        population: The rows it speaks of.
        position: Zero-based column in the rule.
    """

    name: str
    arguments: tuple[Call | str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    population: Population = Population()
    position: int = 0

    def __str__(self) -> str:
        inside = [
            str(argument) if isinstance(argument, Call) else _written(argument) for argument in self.arguments
        ]
        inside += [f"{_written(key)}={_written(value)}" for key, value in self.named]
        name = self.name
        if not _NAME.fullmatch(name):
            mark = next((mark for mark in "\"'`" if mark not in name), '"')
            name = f"{mark}{name}{mark}"
        text = name + (f"({', '.join(inside)})" if inside else "")
        return text + (f"[{self.population}]" if self.population.conditions else "")


@dataclass(frozen=True, slots=True)
class Rule:
    """`left OP right + bar`, or `left OP bar` where there is no right.

    Args:
        text: The rule as written.
        left: The judged quantity.
        operator: One of >= <= > <.
        bar: The number compared with (for two quantities: the allowed offset).
        right: The second quantity; None where the rule compares with a number.
        bar_unit: "%", "pt" or "" as written.
    """

    text: str
    left: Call
    operator: str
    bar: float
    right: Call | None = None
    bar_unit: str = ""

    def __str__(self) -> str:
        scale = 100 if self.bar_unit else 1
        bar = f"{self.bar * scale:.15g}{self.bar_unit}"
        if self.right is None:
            return f"{self.left} {self.operator} {bar}"
        sign = "-" if self.bar < 0 else "+"
        return f"{self.left} {self.operator} {self.right} {sign} {bar.lstrip('-')}"

    @property
    def at_least(self) -> bool:
        """Whether the rule asks for at least the bar."""
        return self.operator in (">=", ">")


def metrics_within(call: Call) -> tuple[Call, ...]:
    """Return the metrics that a quantity is made of: itself, those inside a form, none for `failures`.

    >>> [str(inner) for inner in metrics_within(parse_rule("equalised_odds(race) <= 10pt").left)]
    ['recall', 'fpr']
    """
    if call.name == "equalised_odds":
        return Call("recall"), Call("fpr")
    if call.name in FORMS:
        return tuple(argument for argument in call.arguments[:1] if isinstance(argument, Call))
    return () if call.name == "failures" else (call,)


def columns_compared(call: Call) -> tuple[str, ...]:
    """Return the columns whose groups a form compares, in the order in which they cross.

    >>> columns_compared(parse_rule("worst(recall, race, sex) >= 0.8").left)
    ('race', 'sex')
    """
    if call.name not in GROUP_FORMS:
        return ()
    columns = call.arguments[1:] if call.name in FORMS else call.arguments
    return tuple(str(column) for column in columns)


def parse_rule(text: str) -> Rule:
    """Parse one gate rule.

    Args:
        text: The rule, such as "accuracy[language != en] >= accuracy[language = en] - 5pt".

    Returns:
        The rule.

    Raises:
        RuleError: With the position and what was expected there.

    >>> rule = parse_rule("recall[age >= 60] >= 95%")
    >>> (rule.left.name, str(rule.left.population), rule.operator, rule.bar)
    ('recall', 'age >= 60', '>=', 0.95)
    """
    return _Parser(text).rule()


def parse_condition_text(text: str) -> Population:
    """Parse conditions without brackets, such as "language != en and plan = pro".

    Args:
        text: The conditions.

    Returns:
        The population they describe.

    Raises:
        RuleError: If they do not parse.
    """
    parser = _Parser(text)
    population = parser.conditions(closing="")
    parser.end()
    return population


def number_of(text: str) -> float:
    """Return a number as rules write it, such as "0.85", "85%" or "-4pt".

    Args:
        text: The number.

    Returns:
        The number; percentages and points as fractions of one.

    Raises:
        ValueError: If it is none.

    >>> number_of("85%"), number_of("-4pt"), number_of("1,200")
    (0.85, -0.04, 1200.0)
    """
    try:
        rule = parse_rule(f"value >= {text}")
    except RuleError:
        rule = None
    if rule is None or rule.right is not None:
        raise ValueError(f"{text!r} is no number; write 0.85 or 85%")
    return rule.bar


class _Parser:
    """Recursive descent over one rule; `at` is the position of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    # -- rule := side COMPARISON side ------------------------------------------------------------------

    def rule(self) -> Rule:
        if not self.text.strip():
            raise self._error("The rule is empty", 'Write one such as "recall >= 0.95".')
        left_call, left_number, left_unit = self._side()
        operator = self._comparison()
        right_call, right_number, unit = self._side()
        self.end()
        if left_call is None:
            if right_call is None:
                self.at = 0
                raise self._error("A rule needs a metric", 'Write one such as "recall >= 0.95".')
            flipped = operator.translate(str.maketrans("<>", "><"))
            return Rule(
                self.text,
                right_call,
                flipped,
                left_number - right_number,
                bar_unit=left_unit,
            )
        bar = right_number - left_number
        return Rule(self.text, left_call, operator, bar, right_call, unit or left_unit)

    def _side(self) -> tuple[Call | None, float, str]:
        """One metric, one number, or a metric with a number added or taken away."""
        call: Call | None = None
        number, unit, sign = 0.0, "", 1.0
        while True:
            token = self._peek()
            if token is None:
                raise self._error("The rule ends too early", "A metric or a number belongs here.")
            if token["number"]:
                number += sign * self._number(token)
                unit = {"%": "%"}.get(token["unit"] or "", "pt" if token["unit"] else unit)
                self.at = token.end()
            elif token["name"] or token["quoted"]:
                if call is not None:
                    raise self._error(
                        "Only one metric can stand on each side",
                        "Compare two metrics as: a >= b - 5pt.",
                    )
                if sign < 0:
                    raise self._error(
                        "A metric cannot be taken away from a number",
                        "Turn it round, for example harmful <= 8% instead of 1 - harmful >= 92%.",
                    )
                call = self._call()
            else:
                raise self._error(f"{self._rest()!r} is not a metric or a number", "")
            token = self._peek()
            if token is not None and token["number"] and token["number"][0] in "+-":
                sign = 1.0  # "accuracy -5pt": the sign belongs to the number
                continue
            if token is None or token["symbol"] not in ("+", "-", "−"):
                return call, number, unit
            sign = 1.0 if token["symbol"] == "+" else -1.0
            self.at = token.end()

    def _number(self, token: re.Match[str]) -> float:
        written = token["number"]
        if "," in written and not _THOUSANDS.fullmatch(written):
            raise self._error(
                f"{written!r} is not how a number is written here",
                "Write 0.95 with a point; 1,000 is a thousand.",
            )
        value = float(written.replace("_", "").replace(",", ""))
        if not math.isfinite(value):
            raise self._error(f"{written!r} is too large a number", "Write a smaller one.")
        return value / 100 if token["unit"] else value

    def _comparison(self) -> str:
        token = self._peek()
        if token is None:
            raise self._error("The rule has no comparison", "Use >=, <=, > or <.")
        symbol = {"≥": ">=", "≤": "<="}.get(token["symbol"] or "", token["symbol"])
        if symbol in ("=", "==", "!="):
            raise self._error(
                f"A measured rate is never proven to be exactly a number, so {symbol!r} is no gate",
                "Use >=, <=, > or <.",
            )
        if symbol not in _COMPARISONS:
            raise self._error(f"Expected a comparison, found {self._rest()!r}", "Use >=, <=, > or <.")
        self.at = token.end()
        return str(symbol)

    # -- call := NAME [ "(" arguments ")" ] [ "[" conditions "]" ] ---------------------------------------

    def _call(self) -> Call:
        token = self._peek()
        if token is None or not (token["name"] or token["quoted"]):
            raise self._error(f"Expected a name, found {self._rest()!r}", "")
        name = token["name"] or token["quoted"][1:-1]
        position = token.start("name") if token["name"] else token.start("quoted")
        if not name.strip():
            raise self._error("A name cannot be empty", "Write the name of a metric.")
        self.at = token.end()
        arguments: list[Call | str] = []
        named: list[tuple[str, str]] = []
        if self._take("("):
            while not self._take(")"):
                self._argument(name, arguments, named)
                if name in GROUP_FORMS and self.text[self.at :].lstrip().startswith("*"):
                    raise self._error(
                        "Groups are crossed with a comma, not with '*'", f"Write {name}(fpr, race, sex)."
                    )
                if not self._take(",") and not self._at_symbol(")"):
                    raise self._error(
                        f"Expected ',' or ')', found {self._rest()!r}", "Close the bracket of the arguments."
                    )
        population = Population()
        if self._take("["):
            population = self.conditions(closing="]")
        return Call(name, tuple(arguments), tuple(named), population, position)

    def _argument(self, name: str, arguments: list[Call | str], named: list[tuple[str, str]]) -> None:
        if name in FORMS and not arguments:
            token = self._peek()
            if token is not None and token["name"] in FORMS:
                raise self._error(f"{token['name']} cannot stand inside {name}", "Write a metric inside.")
            arguments.append(self._call())
            return
        value = self._value()
        if self._take("="):
            named.append((value, self._value()))
        else:
            arguments.append(value)

    def conditions(self, closing: str) -> Population:
        found = [self._condition()]
        while True:
            if closing and self._take(closing):
                return Population(tuple(found))
            token = self._peek()
            if token is not None and (token["name"] == "and" or token["symbol"] == ","):
                self.at = token.end()
                found.append(self._condition())
            elif token is None and not closing:
                return Population(tuple(found))
            else:
                raise self._error(
                    f"Expected 'and' or {closing or 'the end'!r}, found {self._rest()!r}",
                    "Conditions look like [language != en and plan = pro].",
                )

    def _condition(self) -> Condition:
        column = self._value()
        token = self._peek()
        symbol = (token["symbol"] or token["name"]) if token is not None else None
        symbol = {"==": "=", "≥": ">=", "≤": "<="}.get(symbol or "", symbol)
        if token is None or symbol not in ("=", "!=", "<", "<=", ">", ">=", "in"):
            raise self._error(
                f"Expected =, !=, <, <=, >, >= or in after {column!r}, found {self._rest()!r}",
                "Conditions look like [language != en] or [plan in (free, pro)].",
            )
        self.at = token.end()
        if symbol != "in":
            return Condition(column, str(symbol), (self._value(),))
        if not self._take("("):
            raise self._error("Expected '(' after 'in'", "Write [plan in (free, pro)].")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        if not self._take(")"):
            raise self._error(f"Expected ')', found {self._rest()!r}", "Write [plan in (free, pro)].")
        return Condition(column, "in", tuple(values))

    # -- tokens ----------------------------------------------------------------------------------------

    def _value(self) -> str:
        match = _VALUE.match(self.text, self.at)
        if match is None:
            raise self._error(f"Expected a value, found {self._rest()!r}", "Quote values with spaces.")
        self.at = match.end()
        return match["quoted"][1:-1] if match["quoted"] else match["bare"]

    def _peek(self) -> re.Match[str] | None:
        if not self.text[self.at :].strip():
            return None
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            self.at += len(self.text[self.at :]) - len(self.text[self.at :].lstrip())
            raise self._error(f"{self.text[self.at]!r} has no meaning here", "")
        return match

    def _at_symbol(self, symbol: str) -> bool:
        token = self._peek()
        return token is not None and token["symbol"] == symbol

    def _take(self, symbol: str) -> bool:
        rest = self.text[self.at :]
        if not rest.lstrip().startswith(symbol):
            return False
        self.at += len(rest) - len(rest.lstrip()) + len(symbol)
        return True

    def end(self) -> None:
        if self.text[self.at :].strip():
            raise self._error(f"Nothing can follow here, found {self._rest()!r}", "Split it into two gates.")

    def _rest(self) -> str:
        return self.text[self.at :].strip()[:20] or "the end"

    def _error(self, what: str, fix: str) -> RuleError:
        rest = self.text[self.at :]
        position = self.at + len(rest) - len(rest.lstrip())
        fix = fix or "Rules look like recall >= 0.95 or good[language = de] >= 80%."
        return RuleError(what, rule=self.text, position=min(position, len(self.text)), fix=fix)
