"""Measures metrics on plain records, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from making import make_rows
from shipworthy.define.rules import Call, parse_rule
from shipworthy.evidence.estimating import Measured, measure
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import bind
from shipworthy.evidence.populations import numbers_of
from shipworthy.tables.row_plan import Basis
from shipworthy.tables.totals import Ask, read_totals


def call_of(name: str) -> Call:
    return parse_rule(f"{name} >= 0").left


def measured(
    connection: Any, rows: Sequence[dict[str, Any]], name: str, basis: str = Basis.NUMBER, **frame: Any
) -> Measured:
    """Return a metric on rows; the columns it reads as numbers are kept as such."""
    numbers = tuple(sorted(numbers_of(parse_rule(f"{name} >= 0"))))
    profile = make_rows(connection, "rows", rows, basis, scorers=numbers)
    metric = bind(call_of(name), Frame(profile, "", **frame))
    ask = Ask(metric.total)
    groups = profile.groups if profile.clustered else 1
    return measure(metric, read_totals(connection, "rows", [ask], groups)[ask], 0, profile)
