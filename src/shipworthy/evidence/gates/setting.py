"""What planning a gate may look at, and what a plan is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shipworthy.define.rules import Call, Population, Rule
from shipworthy.define.spec import Gate, Spec
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import CellMean, Metric, Unmeasurable
from shipworthy.records import GateEvidence
from shipworthy.tables.row_plan import RowsProfile
from shipworthy.tables.totals import Ask, Split, Table

__all__ = [
    "SUBJECT",
    "Answers",
    "GatePlan",
    "Setting",
    "bare",
    "groups_for",
    "other_system",
    "population_of",
    "unit_of_gap",
    "words_of",
]

#: Source of asks that go to the judged system's own rows.
SUBJECT = "subject"

Answers = dict[str, dict[Ask, Table]]


@dataclass(frozen=True)
class GatePlan:
    """What a gate asks, and how its answers become evidence.

    Args:
        gate: The gate.
        asks: Source ("subject" or a system's name) and ask.
        groups: Number of cluster groups each source needs.
        finish: Answers -> evidence.
        listing: Condition whose rows should be listed by id (must-pass rules); None otherwise.
        counted: Metric and population, where it bounds a plain rate of the subject's own rows.
        exact: Source and ask of the extra passes that settle what binned scores leave open; `finish` uses
            their answers where they are there.
    """

    gate: Gate
    asks: tuple[tuple[str, Ask], ...]
    groups: dict[str, int]
    finish: Callable[[Answers], GateEvidence]
    listing: str | None = None
    counted: tuple[CellMean, Split] | None = None
    exact: tuple[tuple[str, Ask], ...] = ()


@dataclass(frozen=True)
class Setting:
    """All that planning a gate may look at.

    Args:
        spec: The spec.
        frame: The subject's frame.
        others: Profile of each other system by name.
        values_of: Column and condition -> its values, commonest first.
    """

    spec: Spec
    frame: Frame
    others: dict[str, RowsProfile]
    values_of: Callable[[str, str], list[str]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that conditions may name."""
        return self.frame.profile.columns


def population_of(gate: Gate, call: Call, spec: Spec) -> Population:
    """Return the rows a call speaks of; its own stratum replaces the default one."""
    names_stratum = any(condition.column == "stratum" for condition in call.population.conditions)
    if gate.on is None and names_stratum:
        return call.population
    return spec.population_of(gate).joined(call.population)


def words_of(population: Population) -> str:
    """Return a population in words."""
    return str(population) or "all cases"


def groups_for(metric: Metric, profile: RowsProfile) -> int:
    """Return how many cluster groups a metric needs apart."""
    return profile.groups if profile.clustered else 1


def bare(call: Call) -> Call:
    """Return a metric call without its population."""
    return Call(call.name, call.arguments, call.named, Population(), call.position)


def unit_of_gap(unit: str) -> str:
    """Return the unit of a difference of two values of a unit."""
    return "points" if unit == "share" else unit


def other_system(rule: Rule, setting: Setting) -> str:
    """Return the system a rule compares with, where there is a run of it."""
    if not rule.left.arguments:
        raise UsageError(
            f"{rule.left.name} needs a system, as in {rule.left.name}(live).", fix="Name the system."
        )
    name = str(rule.left.arguments[-1])
    if name not in setting.others:
        raise Unmeasurable(f"there is no run of {name} to compare with")
    return name
