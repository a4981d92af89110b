"""Populations of rules as conditions over canonical rows."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Literal

from shipworthy.define.rules import Call, Condition, Population, Rule, columns_compared
from shipworthy.errors import UsageError, nearest
from shipworthy.evidence.metric import find_definition
from shipworthy.tables.duck import quote, text_literal
from shipworthy.tables.totals import WHOLE, Reading, Split

__all__ = [
    "columns_of",
    "condition_sql",
    "group_split",
    "numbers_of",
    "population_split",
    "population_sql",
    "two_population_split",
    "window_split",
]


#: Operators that compare a column's text with listed values.
EQUALS = ("=", "in", "!=")


def columns_of(rule: Rule) -> set[str]:
    """Return the columns a rule needs as text: those in its conditions and those it groups by."""
    found: set[str] = set()
    for call in _calls(rule):
        found |= {condition.column for condition in call.population.conditions}
        found |= set(columns_compared(call))
        found |= _read_by(call, "texts")
    return found


def numbers_of(rule: Rule) -> set[str]:
    """Return the columns a rule's metrics read as numbers."""
    return {column for call in _calls(rule) for column in _read_by(call, "numbers")}


def _read_by(call: Call, kind: Literal["numbers", "texts"]) -> set[str]:
    """Return the columns that a metric reads beside the roles, as its definition declares them."""
    definition = find_definition(call.name)
    if definition is None:
        return set()
    declared = definition.numbers if kind == "numbers" else definition.texts
    return {
        place if isinstance(place, str) else str(call.arguments[place])
        for place in declared
        if isinstance(place, str) or place < len(call.arguments)
    }


def _calls(rule: Rule) -> list[Call]:
    found: list[Call] = []
    waiting = [call for call in (rule.left, rule.right) if call is not None]
    while waiting:
        call = waiting.pop()
        found.append(call)
        waiting += [argument for argument in call.arguments if isinstance(argument, Call)]
    return found


def population_sql(population: Population, columns: tuple[str, ...]) -> str:
    """Return a population as an SQL condition, "true" for all rows.

    Args:
        population: The population.
        columns: The rows' columns.

    Raises:
        UsageError: If a column is missing, or a value compared by size is no number.
    """
    return " AND ".join(condition_sql(condition, columns) for condition in population.conditions) or "true"


def condition_sql(condition: Condition, columns: tuple[str, ...]) -> str:
    """Return one condition as SQL; rows without a value count as different from every value."""
    if condition.column not in columns:
        known = [column for column in columns if not column.startswith("#")]
        raise UsageError(
            f"[{condition}] names the column {condition.column!r}, which the rows do not have.",
            fix=nearest(condition.column, known),
        )
    column = quote(condition.column)
    if condition.operator in ("<", "<=", ">", ">="):
        try:
            number = float(condition.values[0])
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise UsageError(
                f"[{condition}] compares by size, but {condition.values[0]!r} is no number.",
                fix="Use = or != for words.",
            )
        value = f"TRY_CAST({column} AS DOUBLE)"
        return f"coalesce(NOT isnan({value}) AND {value} {condition.operator} {number!r}, false)"
    values = ", ".join(text_literal(value) for value in condition.values)
    inside = f"coalesce(CAST({column} AS VARCHAR) IN ({values}), false)"
    return f"NOT {inside}" if condition.operator == "!=" else inside


def population_split(population: Population, columns: tuple[str, ...]) -> Split:
    """Return a population as a split with one part.

    Args:
        population: The population.
        columns: The rows' columns.

    Raises:
        UsageError: If a column is missing, or a value compared by size is no number.
    """
    condition = population_sql(population, columns)
    if condition == "true":
        return WHOLE
    readings = [Reading("", ((),), (True,), condition)]
    for at, tested in enumerate(population.conditions):
        if tested.operator in EQUALS:
            rest = Population((*population.conditions[:at], *population.conditions[at + 1 :]))
            within = population_sql(rest, columns)
            column = _as_text(tested.column)
            readings.append(Reading(column, (tested.values,), (tested.operator == "!=",), within))
    sql = f"CASE WHEN {condition} THEN 0 END"
    return Split(str(population), sql, (str(population),), tuple(readings))


def group_split(column: str, values: tuple[str, ...], condition: str = "true") -> Split:
    """Return a split by the values of a column.

    Args:
        column: The column.
        values: Its values, in the order of their codes.
        condition: Rows to keep.
    """
    listed = ", ".join(text_literal(value) for value in values)
    text = _as_text(column)
    code = f"list_position([{listed}], {text}) - 1"
    sql = code if condition == "true" else f"CASE WHEN {condition} THEN {code} END"
    reading = Reading(text, tuple((value,) for value in values), (False,) * len(values), condition)
    return Split(column, sql, values, (reading,))


def two_population_split(name: str, ours: Population, theirs: Population, columns: tuple[str, ...]) -> Split:
    """Return two populations as a split with two parts; a row of both belongs to the first.

    Args:
        name: Its name.
        ours: The first population.
        theirs: The second.
        columns: The rows' columns.
    """
    left, right = population_sql(ours, columns), population_sql(theirs, columns)
    readings = []
    for at, tested in enumerate(ours.conditions):
        rest = (*ours.conditions[:at], *ours.conditions[at + 1 :])
        own = [condition for condition in theirs.conditions if condition not in rest]
        same = len(theirs.conditions) - len(own) == len(rest) and len(own) < 2
        if same and all(each.column == tested.column and each.operator in EQUALS for each in (tested, *own)):
            last = own[0] if own else None
            values = (tested.values, last.values if last else ())
            others = (tested.operator == "!=", last is None or last.operator == "!=")
            within = population_sql(Population(rest), columns)
            readings.append(Reading(_as_text(tested.column), values, others, within))
    sql = f"CASE WHEN {left} THEN 0 WHEN {right} THEN 1 END"
    return Split(name, sql, (str(ours), str(theirs)), tuple(readings))


def window_split(
    first: date, last: date, by: Literal["day", "week", "month"] = "day", condition: str = "true"
) -> Split:
    """Return a split by windows of time, from the date that the column `time` begins with.

    Args:
        first: First day of the first window.
        last: Last day of the last window, counted in.
        by: Length of a window; weeks begin on the weekday of `first`.
        condition: Rows to keep.

    Returns:
        A split whose labels are the first days of the windows, such as 2026-11-02.

    Raises:
        ValueError: If the last day lies before the first.
    """
    if last < first:
        raise ValueError(f"a window that begins on {first} cannot end on {last}")
    windows: dict[str, list[str]] = {}
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        start = {
            "day": day,
            "week": day - timedelta(days=number % 7),
            "month": max(day.replace(day=1), first),
        }
        windows.setdefault(start[by].isoformat(), []).append(day.isoformat())
    text = f"left({quote('time')}, 10)"
    cases = " ".join(
        f"WHEN {text} IN ({', '.join(text_literal(day) for day in days)}) THEN {code}"
        for code, days in enumerate(windows.values())
    )
    sql = f"CASE {cases} END" if condition == "true" else f"CASE WHEN {condition} THEN CASE {cases} END END"
    parts = tuple(tuple(days) for days in windows.values())
    reading = Reading(text, parts, (False,) * len(parts), condition)
    return Split(f"time by {by}", sql, tuple(windows), (reading,))


def _as_text(column: str) -> str:
    return f"CAST({quote(column)} AS VARCHAR)"
