"""The spec as data: an AI PRD as code, at one of three levels that add up: judge, launch, operate."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from shipworthy.define.keys.failures import (
    GOOD_OUTCOMES_BY_KIND,
    OUTCOMES_BY_KIND,
    Acceptance,
    FailureMode,
    Guardrail,
)
from shipworthy.define.keys.golden import ROLES, SAMPLINGS, Confirm, Golden
from shipworthy.define.keys.launching import Launch
from shipworthy.define.keys.measures import Criterion, Gate, Judge, Labels, MetricUse
from shipworthy.define.keys.operating import ExpectedEvent, Learning, Limit, Lint, Monitor
from shipworthy.define.keys.part import Listed, Part
from shipworthy.define.keys.problem import Costs, DecisionUse, Money, Owners, Problem
from shipworthy.define.keys.routing import Routing
from shipworthy.define.keys.sources import DataUse
from shipworthy.define.keys.systems import Budgets, Context, Systems, SystemUse
from shipworthy.define.rules import Population, parse_condition_text

__all__ = [
    "FOUNDATION_KINDS",
    "GOOD_OUTCOMES_BY_KIND",
    "KINDS",
    "LATER_KEYS",
    "LEVELS",
    "OUTCOMES_BY_KIND",
    "ROLES",
    "SAMPLINGS",
    "Acceptance",
    "Confirm",
    "Costs",
    "DecisionUse",
    "FailureMode",
    "Gate",
    "Golden",
    "Guardrail",
    "Judge",
    "Labels",
    "MetricUse",
    "Money",
    "Spec",
    "SystemUse",
    "Systems",
]

KINDS = ("classifier", "regressor", "ranker", "detector", "generator", "rag", "agent")
#: Kinds whose outputs are free text or actions; the others predict.
FOUNDATION_KINDS = ("generator", "rag", "agent")
#: Levels of a spec; each asks for all that the one before asks.
LEVELS = ("judge", "launch", "operate")
#: Parts that promise what a decision does not look at yet.
LATER_KEYS = ("budgets", "routing", "launch", "monitors", "learning", "costs.by_group")

#: Fields whose laws ask for more: groups, harms, signatures.
REGULATED = ("lending", "hiring", "healthcare", "housing", "insurance", "education")

_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


def _no_systems() -> Systems:
    return Systems.model_validate({})


class Spec(Part):
    """The promise of one product, in three levels that add up: judge, launch, operate."""

    shipworthy: Literal[1] = Field(description="Version of the spec format.")
    id: str = Field(description="Short name of the product.")
    kind: Literal["classifier", "regressor", "ranker", "detector", "generator", "rag", "agent"] = Field(
        description="What kind of AI product it is."
    )
    level: Literal["judge", "launch", "operate"] = Field(
        "judge", description="How much of the product's life the spec speaks of; lint asks only for that."
    )
    version: str | None = Field(None, description="Version of the product.")
    title: str | None = Field(None, description="Name for people.")
    regulated: Listed = Field(
        default_factory=list,
        description="Fields whose rules apply: lending, hiring, healthcare, housing, insurance, education; "
        "none where none does.",
        json_schema_extra={
            "anyOf": [
                {"enum": [*REGULATED, "none"]},
                {"type": "array", "items": {"enum": [*REGULATED, "none"]}},
            ]
        },
    )
    owners: Owners | None = Field(None, description="Who answers for what, and who must sign.")
    problem: Problem | None = Field(None, description="Whose problem it is, and what is done without AI.")
    decision: DecisionUse = Field(description="What the output triggers, and who acts on it.")
    costs: Costs | None = Field(None, description="What errors cost and hits gain, in one currency.")
    data: DataUse | None = Field(None, description="Sources, training window, labels and populations.")
    context: Context | None = Field(
        None, description="Prompt, retrieval, tools and envelope of a foundation-model system."
    )
    budgets: Budgets | None = Field(None, description="What one answer may take: time, money, tokens.")
    golden: Golden = Field(description="The test set.")
    systems: Systems = Field(
        default_factory=_no_systems,
        description="Who wants to ship, what users have now, and the simple alternatives.",
    )
    slices: list[str] = Field(default_factory=list, description="Columns to cut the results by.")
    groups: list[str] = Field(
        default_factory=list, description="Slice columns that tell groups of people to be treated alike."
    )
    metrics: list[MetricUse] = Field(default_factory=list, description="Metrics to show beside the gates.")
    rubric: list[Criterion] = Field(
        default_factory=list, description="What judges and people are asked: one yes-or-no question each."
    )
    judges: list[Judge] = Field(
        default_factory=list, description="Scores that are a judge's verdicts, with people's labels."
    )
    outcomes: dict[str, str] = Field(
        default_factory=dict, description="Class of outcome, such as good or harmful, -> what it means here."
    )
    gates: list[Gate] = Field(description="What must hold, as rules.", min_length=1)
    routing: Routing | None = Field(
        None, description="Bands of the score that go to automation, a person or the fallback."
    )
    failure_modes: list[FailureMode] = Field(default_factory=list, description="Named ways to be wrong.")
    guardrails: list[Guardrail] = Field(
        default_factory=list, description="What stops harm when the system is wrong."
    )
    acceptances: list[Acceptance] = Field(
        default_factory=list,
        description="Classes of bad outcome that somebody accepts, each with reason and owner.",
    )
    launch: Launch | None = Field(
        None, description="Stages, experiment, rollback, fallback, red team and feedback."
    )
    monitors: list[Monitor] = Field(
        default_factory=list, description="What is watched in use, with owner and action."
    )
    learning: Learning | None = Field(None, description="What it learns from, when, and when to stop.")
    expect: list[ExpectedEvent] = Field(
        default_factory=list, description="Dated events that may hurt quality."
    )
    limits: list[Limit] = Field(
        default_factory=list, description="What may be promised, and what the product does not do."
    )
    lint: Lint | None = Field(None, description="Findings of `shipworthy lint` that somebody set aside.")

    @field_validator("id")
    @classmethod
    def _plain_id(cls, value: str) -> str:
        if not _ID.match(value):
            raise ValueError(f"{value!r} is no id; use letters, digits, dots, dashes and underscores")
        return value

    @field_validator("regulated")
    @classmethod
    def _known_fields(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in (*REGULATED, "none"):
                raise ValueError(f"{name!r} is none of {', '.join(REGULATED)}; write none where none applies")
        return [name for name in value if name != "none"]

    @model_validator(mode="before")
    @classmethod
    def _give_gates_ids(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("gates"), list):
            return data
        seen: set[str] = {
            str(gate["id"]) for gate in data["gates"] if isinstance(gate, dict) and gate.get("id")
        }
        gates = []
        for gate in data["gates"]:
            filled = {"rule": gate} if isinstance(gate, str) else gate
            if isinstance(filled, dict) and not filled.get("id") and isinstance(filled.get("rule"), str):
                filled = {**filled, "id": _free_id(filled["rule"], seen)}
            gates.append(filled)
        return {**data, "gates": gates}

    @model_validator(mode="after")
    def _put_gates_under_costs(self) -> Spec:
        implied = self.implied_confidence()
        blockers = self._blockers()
        self.__dict__["gates"] = [
            gate.under(implied, gate.id in blockers or _is_on_harm(gate.rule)) for gate in self.gates
        ]
        return self

    def implied_confidence(self) -> float | None:
        """Return the confidence at which a wrong ship and a wrong hold are expected to lose as much."""
        costs = self.costs
        if costs is None or costs.wrong_ship is None or costs.wrong_hold is None:
            return None
        # A spec is read for --help and completion too, which load no scipy.
        from shipworthy.stats.ship_or_hold import implied_confidence

        return implied_confidence(costs.wrong_ship, costs.wrong_hold)

    @property
    def is_foundation(self) -> bool:
        """Whether it writes, answers or acts, and does not only predict."""
        return self.kind in FOUNDATION_KINDS

    def reaches(self, level: str) -> bool:
        """Return whether the spec speaks of this level: the levels add up."""
        return LEVELS.index(self.level) >= LEVELS.index(level)

    def measured_metrics(self) -> list[MetricUse]:
        """Return the metrics that a golden set can measure: all but those of users."""
        return [metric for metric in self.metrics if metric.layer != "online"]

    def not_judged(self) -> tuple[str, ...]:
        """Return the keys that promise something a decision does not look at yet, by dotted name."""
        return tuple(name for name in LATER_KEYS if _named(self, name))

    def blocking_gates(self) -> frozenset[str]:
        """Return the ids of the gates that can hold a release: a launch blocker makes its gate block."""
        blockers = {m.gate for m in self.failure_modes if m.severity == "blocker" and not m.accepted}
        return frozenset(gate.id for gate in self.gates if gate.blocking or gate.id in blockers)

    def _blockers(self) -> frozenset[str]:
        """Return the ids of the gates that bound a failure mode which blocks a launch."""
        return frozenset(m.gate for m in self.failure_modes if m.severity == "blocker" and m.gate)

    def default_population(self) -> Population:
        """Return the `representative` stratum where it is declared, else all rows."""
        if "representative" in self.golden.strata:
            return parse_condition_text("stratum = representative")
        return Population()

    def population_of(self, gate: Gate) -> Population:
        """Return the rows a gate speaks of, before the conditions inside its rule."""
        if gate.on is None:
            return self.default_population()
        if gate.on in ("all", "golden"):
            return Population()
        if re.fullmatch(r"[\w.-]+", gate.on):
            return parse_condition_text(f"stratum = {gate.on}")
        return parse_condition_text(gate.on)


def _is_on_harm(rule: str) -> bool:
    """Return whether a rule speaks of harm, or is a must-pass list."""
    return re.search(r"\bharmful\b|^\s*failures\b", rule) is not None


def _named(spec: Spec, dotted: str) -> Any:
    node: Any = spec
    for name in dotted.split("."):
        node = getattr(node, name, None)
    return node


def _free_id(rule: str, seen: set[str]) -> str:
    """Return a short id made from a rule's left side, unused so far."""
    left = re.split(r"[<>≥≤]", rule, maxsplit=1)[0]
    stem = re.sub(r"\W+", "_", left.replace("!=", " not ")).strip("_").lower() or "gate"
    name, number = stem, 2
    while name in seen:
        name, number = f"{stem}_{number}", number + 1
    seen.add(name)
    return name
