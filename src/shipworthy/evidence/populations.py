"""Populations of rules as conditions over canonical rows."""

from __future__ import annotations

import math

from shipworthy.define.rules import Call, Condition, Population, Rule
from shipworthy.errors import UsageError, nearest
from shipworthy.tables.duck import quote, text_literal
from shipworthy.tables.totals import Split

__all__ = ["columns_of", "condition_sql", "group_split", "numbers_of", "population_split", "population_sql"]


def columns_of(rule: Rule) -> set[str]:
    """Return the columns a rule needs as text: those in its conditions and those it groups by."""
    found: set[str] = set()
    for call in _calls(rule):
        found |= {condition.column for condition in call.population.conditions}
        if call.name in ("ratio", "gap") and len(call.arguments) > 1:
            found.add(str(call.arguments[1]))
    return found


def numbers_of(rule: Rule) -> set[str]:
    """Return the columns a rule averages."""
    return {
        str(call.arguments[0])
        for call in _calls(rule)
        if call.name in ("mean", "pass_rate") and len(call.arguments) == 1
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
    """Return a population as a split with one part."""
    condition = population_sql(population, columns)
    if condition == "true":
        return Split("", "0", ("all",))
    return Split(str(population), f"CASE WHEN {condition} THEN 0 END", (str(population),))


def group_split(column: str, values: tuple[str, ...], condition: str = "true") -> Split:
    """Return a split by the values of a column.

    Args:
        column: The column.
        values: Its values, in the order of their codes.
        condition: Rows to keep.
    """
    listed = ", ".join(text_literal(value) for value in values)
    code = f"list_position([{listed}], CAST({quote(column)} AS VARCHAR)) - 1"
    sql = code if condition == "true" else f"CASE WHEN {condition} THEN {code} END"
    return Split(column, sql, values)
