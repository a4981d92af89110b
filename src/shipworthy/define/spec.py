"""The spec as data: an AI PRD as code, level *judge*; keys of later levels are accepted and named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from shipworthy.define.rules import Population, Rule, parse_condition_text, parse_rule

__all__ = [
    "KINDS",
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
SAMPLINGS = ("random", "curated", "incident", "weights")

#: Roles a foreign column can play; every other key of `columns` is a slice or a score by its own name.
ROLES = (
    "case_id",
    "repeat",
    "cluster_id",
    "query_id",
    "stratum",
    "input",
    "output",
    "label",
    "prediction",
    "predicted_score",
    "grade",
    "correct",
    "latency_ms",
    "run_cost",
    "weight",
    "time",
    "unscored_reason",
    "failed_reason",
)

#: Classes of bad outcome that can occur, by kind; guardrails and acceptances speak of these.
OUTCOMES_BY_KIND: Mapping[str, tuple[str, ...]] = {
    "classifier": ("false_positive", "false_negative", "wrong", "failed"),
    "detector": ("false_positive", "false_negative", "wrong", "failed"),
    "regressor": ("failed",),
    "ranker": ("failed",),
    "generator": ("poor", "harmful", "wrong", "failed"),
    "rag": ("poor", "harmful", "wrong", "failed"),
    "agent": ("poor", "harmful", "wrong", "failed"),
}


class Part(BaseModel):
    """A part of the spec: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False)


def _named(value: Any) -> Any:
    """Let a bare number stand for {cost: number}."""
    return {"cost": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value


class _Amount(Part):
    means: str | None = Field(None, description="What the error means for a person, in words.")
    cost: float = Field(
        0.0, description="Money lost each time, in `currency`.", allow_inf_nan=False, validation_alias="cost"
    )


def _gain(value: Any) -> Any:
    return {"value": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value


class _Gain(Part):
    means: str | None = Field(None, description="What the hit is worth to a person, in words.")
    value: float = Field(0.0, description="Money gained each time, in `currency`.", allow_inf_nan=False)


Money = Annotated[_Amount, BeforeValidator(_named)]
Gain = Annotated[_Gain, BeforeValidator(_gain)]


class DecisionUse(Part):
    """What the prediction triggers, and who acts."""

    prediction: str = Field(description="What the product predicts or produces.")
    action: list[str] = Field(description="What it triggers.", min_length=1)
    actor: str = Field(description="Who acts on it.")

    @field_validator("action", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class Costs(Part):
    """What one error costs, in one currency; values gained are positive numbers under true_positive."""

    currency: str = Field("USD", description="ISO code of the one currency.")
    false_positive: Money | None = Field(None, description="Cost of one false alarm.")
    false_negative: Money | None = Field(None, description="Cost of one miss.")
    true_positive: Gain | None = Field(None, description="Value of one hit (a gain, so a positive number).")
    true_negative: Gain | None = Field(None, description="Value of one right rejection.")
    harmful: Money | None = Field(None, description="Cost of one harmful output.")
    poor: Money | None = Field(None, description="Cost of one poor output.")
    good: Gain | None = Field(None, description="Value of one good output.")
    right: Gain | None = Field(None, description="Value of one right output.")
    wrong: Money | None = Field(None, description="Cost of one wrong output or class.")
    failed: Money | None = Field(None, description="Cost of no usable answer; by default the worst error.")
    absolute_error: Money | None = Field(None, description="Cost of one unit of absolute error (regressor).")
    review: float | None = Field(None, ge=0, description="Cost of one look by a person.")
    volume_per_month: float | None = Field(None, gt=0, description="Cases per month.")
    by_group: Any = Field(None, description="Costs by group (level launch).")

    def of(self, outcome: str) -> float | None:
        """Return the cost of one outcome (a gain is negative); None where the spec states none."""
        amount = getattr(self, outcome, None)
        if amount is None:
            return None
        return -amount.value if isinstance(amount, _Gain) else float(amount.cost)


def _known_sampling(value: str | dict[str, str]) -> str | dict[str, str]:
    for word in value.values() if isinstance(value, dict) else [value]:
        if word not in (*SAMPLINGS, "unknown"):
            raise ValueError(f"{word!r} is no way of sampling; use one of {', '.join(SAMPLINGS)}")
    return value


def _path_only(value: Any) -> Any:
    """Let a bare path stand for {path: path}."""
    return {"path": value} if isinstance(value, str) else value


class _Confirm(Part):
    path: str = Field(description="Its file, with the golden set's columns, relative to the spec.")
    where: dict[str, Any] = Field(default_factory=dict, description="Keep only rows with these values.")
    sampled: str | dict[str, str] | None = Field(
        None, description="How its cases were chosen; by default as the golden set's."
    )
    recorded: dict[str, str] = Field(
        default_factory=dict,
        description="System -> file with its answers to these cases; by default the file of its other "
        "answers, or the confirmation set itself where the golden set holds the answers too.",
    )

    @field_validator("sampled")
    @classmethod
    def _known_sampling(cls, value: str | dict[str, str] | None) -> str | dict[str, str] | None:
        return None if value is None else _known_sampling(value)


Confirm = Annotated[_Confirm, BeforeValidator(_path_only)]


class Golden(Part):
    """The test set: where it lies, how its cases were chosen, and what its columns mean."""

    path: str = Field(description="JSONL, CSV or Parquet file, relative to the spec; or the URL of a table.")
    where: dict[str, Any] = Field(default_factory=dict, description="Keep only rows with these values.")
    sampled: str | dict[str, str] = Field(
        "unknown", description="random, curated, incident or weights; or one of these per stratum."
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="Role or name -> the file's column, or a JSON path such as a.b."
    )
    positive: list[str] = Field(default_factory=list, description="Labels of the positive class.")
    strata: dict[str, int] = Field(default_factory=dict, description="Named kinds of case -> minimum count.")
    max_unscored: float = Field(0.02, ge=0, le=1, description="Largest tolerated share of unscored rows.")
    repeats: int = Field(1, ge=1, le=1000, description="How often a function is asked each case.")
    grades: dict[str, Literal["good", "poor", "harmful"]] = Field(
        default_factory=dict, description="Foreign grade -> good, poor or harmful."
    )
    version: str | None = Field(
        None, description="Expected content hash (sha256:...); a mismatch is invalid."
    )
    created: Any = Field(None, description="When the set was made (level launch).")
    holdout: Any = Field(None, description="random, time or group (level launch).")
    confirm: Confirm | None = Field(
        None, description="A confirmation set of other cases, to be used once: a path, or these keys."
    )
    looks: Literal["once", "many", "fresh"] = Field(
        "once",
        description="How a candidate is judged that was judged before on fewer cases. once: one look is "
        "planned and exact; later ones use a confidence sequence. many: a sequence from the first look on. "
        "fresh: later looks use only cases that no earlier look had seen.",
    )

    @field_validator("positive", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        values = value if isinstance(value, list) else [value]
        return [_as_text(item) for item in values]

    @field_validator("sampled")
    @classmethod
    def _known_sampling(cls, value: str | dict[str, str]) -> str | dict[str, str]:
        return _known_sampling(value)

    def sampling_of(self, stratum: str | None) -> str:
        """Return how the cases of a stratum (or of the whole set) were chosen."""
        if isinstance(self.sampled, str):
            return self.sampled
        if stratum is not None:
            return self.sampled.get(stratum, "unknown")
        words = set(self.sampled.values())
        return words.pop() if len(words) == 1 else "mixed"


class SystemUse(Part):
    """One system: a recorded file, or a Python function."""

    recorded: str | None = Field(None, description="File with its outputs or predictions, or a table's URL.")
    where: dict[str, Any] = Field(default_factory=dict, description="Keep only rows with these values.")
    columns: dict[str, str] = Field(
        default_factory=dict, description="Columns that differ from the golden set's."
    )
    function: str | None = Field(None, description="module:name, called once per case (or per batch).")
    batch: int = Field(1, ge=1, description="Cases per call; above 1 the function takes and gives a list.")
    concurrency: int = Field(8, ge=1, le=10_000, description="Calls in flight (async) or threads (plain).")
    timeout_s: float = Field(120.0, gt=0, description="Seconds after which a call is a failure.")
    retries: int = Field(2, ge=0, le=20, description="Further tries when the provider is unreachable.")
    threshold: float | None = Field(None, description="Cut on predicted_score where no prediction is given.")
    owner: str | None = None
    what: str | None = Field(None, description="What this version is, in words.")

    @model_validator(mode="after")
    def _one_source(self) -> SystemUse:
        if (self.recorded is None) == (self.function is None):
            raise ValueError("a system needs either `recorded: FILE` or `function: module:name`")
        if self.function is not None and ":" not in self.function:
            raise ValueError(f"{self.function!r} is no function; write it as module:name")
        if self.function is not None and (self.where or self.columns):
            raise ValueError("`where` and `columns` belong to a recorded file, not to a function")
        return self


class Systems(Part):
    """Who wants to ship, what users have now, and the simple alternatives."""

    candidate: SystemUse | None = Field(None, description="Wants to ship.")
    live: SystemUse | None = Field(None, description="What users have now.")
    baselines: dict[str, SystemUse] = Field(
        default_factory=dict, description="The simple and the no-AI alternative, by name."
    )

    @field_validator("baselines")
    @classmethod
    def _free_names(cls, value: dict[str, SystemUse]) -> dict[str, SystemUse]:
        for name in value:
            if name in ("candidate", "live"):
                raise ValueError(f"a baseline cannot be called {name!r}")
        return value

    def named(self) -> dict[str, SystemUse]:
        """Return every declared system by name, the subject first."""
        found = {}
        if self.candidate is not None:
            found["candidate"] = self.candidate
        if self.live is not None:
            found["live"] = self.live
        return {**found, **self.baselines}


def _rule_only(value: Any) -> Any:
    return {"rule": value} if isinstance(value, str) else value


class _Gate(Part):
    rule: str = Field(description="The promise, such as recall >= 0.95.")
    id: str = Field("", description="Short name; by default made from the rule.")
    on: str | None = Field(None, description="A stratum, conditions such as plan = pro, or all.")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="One-sided confidence of the bound.")
    blocking: bool = Field(True, description="false: advisory, never holds a release.")
    owner: str | None = None
    why: str | None = Field(None, description="Why this bar, in words.")
    expect: float | None = Field(
        None, description="Expected true value, such as 0.85: `shipworthy size` plans for it."
    )
    waiver: Any = Field(None, description="Who may waive it (level launch).")

    @property
    def parsed(self) -> Rule:
        """The rule, parsed."""
        return parse_rule(self.rule)


Gate = Annotated[_Gate, BeforeValidator(_rule_only)]


class Guardrail(Part):
    """What stops harm when the system is wrong, with what it stops, tried and caught."""

    id: str
    stops: list[str] = Field(description="Classes of bad outcome it stops.", min_length=1)
    tried: int | None = Field(None, ge=0, description="Bad outcomes it was tried on.")
    caught: int | None = Field(None, ge=0, description="How many of these it caught.")
    what: str | None = Field(None, description="What it does, in words.")
    owner: str | None = None
    measured_on: Any = Field(None, description="Date of the measurement.")

    @field_validator("stops", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _caught_of_tried(self) -> Guardrail:
        if (self.tried is None) != (self.caught is None):
            raise ValueError("`tried` and `caught` belong together")
        if self.tried is not None and self.caught is not None and self.caught > self.tried:
            raise ValueError(f"caught {self.caught} of {self.tried} tried: more caught than tried")
        return self

    @property
    def measured(self) -> bool:
        """Whether it was ever tried."""
        return bool(self.tried)


class FailureMode(Part):
    """A named way to be wrong."""

    id: str
    severity: Literal["blocker", "major", "minor"] = "major"
    what: str | None = Field(None, description="What goes wrong, in words.")
    cases: str | list[str] | None = Field(None, description="Stratum or strata that test it.")
    gate: str | None = Field(None, description="Id of the gate that bounds it.")
    accepted: str | None = Field(None, description="Why it is accepted, where it is.")
    owner: str | None = None
    detect: Any = None
    mitigation: Any = None
    monitor: Any = None


class Acceptance(Part):
    """A class of bad outcome that somebody accepts, with the reason."""

    of: list[str] = Field(description="Classes of bad outcome.", min_length=1)
    reason: str = Field(min_length=3)
    owner: str = Field(min_length=1)
    expires: Any = None

    @field_validator("of", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


def _metric_only(value: Any) -> Any:
    return {"id": value} if isinstance(value, str) else value


class _MetricUse(Part):
    id: str = Field(description="A metric of the catalogue, or the name of a new one with a scorer.")
    scorer: str | dict[str, Any] | None = Field(None, description="How outputs are scored; see `scorers`.")
    better: Literal["higher", "lower"] = Field("higher", description="Direction of a scored metric.")
    what: str | None = None
    layer: Any = None
    unit: Any = None
    goal: Any = None
    target: Any = None
    pairs: Any = None
    role: Any = None
    delay: Any = None
    proxy: Any = None
    primary: Any = None
    over: Any = None
    k: Any = None


MetricUse = Annotated[_MetricUse, BeforeValidator(_metric_only)]


class _Labels(Part):
    path: str = Field(description="JSONL, CSV or Parquet file of people's verdicts, relative to the spec.")
    where: dict[str, Any] = Field(default_factory=dict, description="Keep only rows with these values.")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="case_id, repeat, system, verdict (people's), judge (its own) -> the file's column.",
    )
    passes: list[str] = Field(
        default_factory=list, description="Verdicts that pass, where they are no yes or no; all others fail."
    )

    @field_validator("passes", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return [_as_text(item) for item in (value if isinstance(value, list) else [value])]

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name not in LABEL_COLUMNS:
                raise ValueError(f"{name!r} is none of {', '.join(LABEL_COLUMNS)}")
        return value


LABEL_COLUMNS = ("case_id", "repeat", "system", "verdict", "judge")

Labels = Annotated[_Labels, BeforeValidator(_path_only)]


class Judge(Part):
    """A score that is a judge's verdict, and the people's verdicts it is measured against."""

    of: str = Field(description="The judged score: a scorer's id, a column, `correct` or `grade`.")
    labels: Labels | None = Field(None, description="People's verdicts; without them no gate uses it.")
    sampled: Literal["random", "other"] = Field(
        description="How the labelled outputs were chosen: random among the judged ones, or any other way."
    )
    min_tpr: float | None = Field(
        None, gt=0, lt=1, description="Least share of what people pass that the judge must pass."
    )
    min_tnr: float | None = Field(
        None, gt=0, lt=1, description="Least share of what people fail that the judge must fail."
    )
    what: str | None = Field(None, description="What the judge is, in words: model, prompt, version.")
    owner: str | None = None


_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


class Spec(Part):
    """The promise of one product.

    Keys of the levels *launch* and *operate* are accepted under their names and listed by `not_judged`.
    """

    shipworthy: Literal[1] = Field(description="Version of the spec format.")
    id: str = Field(description="Short name of the product.")
    kind: Literal["classifier", "regressor", "ranker", "detector", "generator", "rag", "agent"]
    level: Literal["judge", "launch", "operate"] = "judge"
    title: str | None = None
    decision: DecisionUse
    costs: Costs | None = None
    golden: Golden
    systems: Systems = Field(default_factory=lambda: Systems.model_validate({}))
    slices: list[str] = Field(default_factory=list, description="Columns to cut the results by.")
    metrics: list[MetricUse] = Field(default_factory=list, description="Metrics to show beside the gates.")
    judges: list[Judge] = Field(
        default_factory=list, description="Scores that are a judge's verdicts, with people's labels."
    )
    gates: list[Gate] = Field(description="What must hold, as rules.", min_length=1)
    guardrails: list[Guardrail] = Field(default_factory=list)
    failure_modes: list[FailureMode] = Field(default_factory=list)
    acceptances: list[Acceptance] = Field(default_factory=list)

    version: Any = None
    owners: Any = None
    regulated: Any = None
    problem: Any = None
    data: Any = None
    model: Any = None
    context: Any = None
    rubric: Any = None
    outcomes: Any = None
    routing: Any = None
    launch: Any = None
    monitors: Any = None
    learning: Any = None
    expect: Any = None
    limits: Any = None
    comms: Any = None
    explore: Any = None

    @field_validator("id")
    @classmethod
    def _plain_id(cls, value: str) -> str:
        if not _ID.match(value):
            raise ValueError(f"{value!r} is no id; use letters, digits, dots, dashes and underscores")
        return value

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

    def not_judged(self) -> tuple[str, ...]:
        """Return the keys that are present but belong to a level that is not judged yet, by dotted name."""
        later = [name for name in LATER_KEYS if getattr(self, name) is not None]
        later += [f"golden.{name}" for name in ("created", "holdout") if getattr(self.golden, name)]
        if self.costs is not None and self.costs.by_group is not None:
            later.append("costs.by_group")
        later += [f"gates.{gate.id}.waiver" for gate in self.gates if gate.waiver is not None]
        for mode in self.failure_modes:
            later += [
                f"failure_modes.{mode.id}.{name}"
                for name in ("detect", "mitigation", "monitor")
                if getattr(mode, name) is not None
            ]
        for metric in self.metrics:
            later += [
                f"metrics.{metric.id}.{name}" for name in METRIC_LATER if getattr(metric, name) is not None
            ]
        return tuple(later)

    def blocking_gates(self) -> frozenset[str]:
        """Return the ids of the gates that can hold a release: a launch blocker makes its gate block."""
        blockers = {m.gate for m in self.failure_modes if m.severity == "blocker" and not m.accepted}
        return frozenset(gate.id for gate in self.gates if gate.blocking or gate.id in blockers)

    def default_population(self) -> Population:
        """Return the `representative` stratum where it is declared, else all rows."""
        if "representative" in self.golden.strata:
            return parse_condition_text("stratum = representative")
        return Population()

    def population_of(self, gate: _Gate) -> Population:
        """Return the rows a gate speaks of, before the conditions inside its rule."""
        if gate.on is None:
            return self.default_population()
        if gate.on in ("all", "golden"):
            return Population()
        if re.fullmatch(r"[\w.-]+", gate.on):
            return parse_condition_text(f"stratum = {gate.on}")
        return parse_condition_text(gate.on)


METRIC_LATER = (
    "layer",
    "unit",
    "goal",
    "target",
    "pairs",
    "role",
    "delay",
    "proxy",
    "primary",
    "over",
    "k",
)

LATER_KEYS = (
    "version",
    "owners",
    "regulated",
    "problem",
    "data",
    "model",
    "context",
    "rubric",
    "outcomes",
    "routing",
    "launch",
    "monitors",
    "learning",
    "expect",
    "limits",
    "comms",
    "explore",
)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _free_id(rule: str, seen: set[str]) -> str:
    """Return a short id made from a rule's left side, unused so far."""
    left = re.split(r"[<>≥≤]", rule, maxsplit=1)[0]
    stem = re.sub(r"\W+", "_", left.replace("!=", " not ")).strip("_").lower() or "gate"
    name, number = stem, 2
    while name in seen:
        name, number = f"{stem}_{number}", number + 1
    seen.add(name)
    return name
