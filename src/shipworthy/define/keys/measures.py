"""What is measured and must hold: metrics in two layers, the rubric, judges, and gates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, field_validator

from shipworthy.define.keys.part import Count, Day, Duration, Part, Texts, path_only
from shipworthy.define.rules import Rule, parse_rule

__all__ = ["Criterion", "Gate", "Judge", "Labels", "MetricUse", "Waiver"]


def _metric_only(value: Any) -> Any:
    return {"id": value} if isinstance(value, str) else value


class _MetricUse(Part):
    id: str = Field(description="A metric of the catalogue, or the name of a new one.")
    layer: Literal["offline", "online", "ops"] = Field(
        "offline",
        description="offline: measured on the golden set. online: measured on users after launch. "
        "ops: latency and what calling costs.",
    )
    role: Literal["primary", "protected", "diagnostic"] | None = Field(
        None,
        description="primary: the one offline metric that leads. protected: must not get worse in an "
        "experiment. diagnostic: explains, and decides nothing.",
    )
    pairs: str | None = Field(None, description="Offline metric that is meant to foretell it (online).")
    scorer: str | dict[str, Any] | None = Field(None, description="How outputs are scored; see `scorers`.")
    better: Literal["higher", "lower"] | None = Field(
        None, description="Which way is better; a scored metric is better higher unless it says so."
    )
    unit: str | None = Field(None, description="Unit of its value.")
    target: float | None = Field(None, description="Value aimed at.")
    delay: Duration | None = Field(None, description="How long its value takes to arrive (online).")
    proxy: str | None = Field(None, description="Metric that stands in until then.")
    what: str | None = Field(None, description="What it is, in words.")


MetricUse = Annotated[_MetricUse, BeforeValidator(_metric_only, json_schema_input_type=str | _MetricUse)]


class Criterion(Part):
    """One question that a judge or a person answers with yes or no."""

    id: str = Field(description="Name of the score that answers it.")
    passes_if: str = Field(description="What passes, in one sentence.")
    version: str | None = Field(None, description="Its version; scores name the version they were given by.")
    examples: str | None = Field(None, description="File with examples that pass and that fail.")


class _Labels(Part):
    path: str = Field(description="JSONL, CSV or Parquet file of people's verdicts, relative to the spec.")
    where: dict[str, Any] = Field(default_factory=dict, description="Keep only rows with these values.")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="case_id, repeat, system, verdict (people's), judge (its own) -> the file's column.",
    )
    passes: Texts = Field(
        default_factory=list, description="Verdicts that pass, where they are no yes or no; all others fail."
    )

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name not in LABEL_COLUMNS:
                raise ValueError(f"{name!r} is none of {', '.join(LABEL_COLUMNS)}")
        return value


LABEL_COLUMNS = ("case_id", "repeat", "system", "verdict", "judge")

Labels = Annotated[_Labels, BeforeValidator(path_only, json_schema_input_type=str | _Labels)]


class Judge(Part):
    """A score that is a judge's verdict, and the people's verdicts it is measured against."""

    of: str = Field(description="The judged score: a scorer's id, a column, `correct` or `grade`.")
    labels: Labels | None = Field(None, description="People's verdicts; without them no gate uses it.")
    labels_planned: Count | None = Field(
        None, description="Outputs that people will label, where they have not yet."
    )
    sampled: Literal["random", "other"] = Field(
        description="How the labelled outputs were chosen: random among the judged ones, or any other way."
    )
    min_tpr: float | None = Field(
        None, gt=0, lt=1, description="Least share of what people pass that the judge must pass."
    )
    min_tnr: float | None = Field(
        None, gt=0, lt=1, description="Least share of what people fail that the judge must fail."
    )
    model: str | None = Field(None, description="Pinned name of the judging model.")
    second_rater: Count | None = Field(None, description="Outputs that a second person labels too.")
    revalidate_every: Duration | None = Field(None, description="When it is measured again, such as 30d.")
    what: str | None = Field(None, description="What the judge is, in words: model, prompt, version.")
    owner: str | None = Field(None, description="Who answers for it.")


class Waiver(Part):
    """Who set a gate aside, why, and until when."""

    owner: str | None = Field(None, description="Who set it aside.")
    reason: str | None = Field(None, description="Why.")
    expires: Day | None = Field(None, description="Last day on which it counts.")


FROM_COSTS = "from_costs"
#: Least confidence of a gate on harm, whatever the costs imply.
HARM_CONFIDENCE = 0.95


def _rule_only(value: Any) -> Any:
    return {"rule": value} if isinstance(value, str) else value


def _confidence(value: Any) -> Any:
    if isinstance(value, str) and value != FROM_COSTS:
        raise ValueError(f"{value!r} is no confidence; write a number such as 0.95, or {FROM_COSTS}")
    return value


class _Gate(Part):
    rule: str = Field(description="The promise, such as recall >= 0.95.")
    id: str = Field("", description="Short name; by default made from the rule.")
    on: str | None = Field(None, description="A stratum, conditions such as plan = pro, or all.")
    stated: Annotated[
        Annotated[float, Field(gt=0.5, lt=1)] | Literal["from_costs"], BeforeValidator(_confidence)
    ] = Field(
        0.95,
        alias="confidence",
        description="One-sided confidence of the bound; from_costs: the one that costs.wrong_ship and "
        "costs.wrong_hold imply.",
    )
    blocking: bool = Field(True, description="false: advisory, never holds a release.")
    owner: str | None = Field(None, description="Who answers for it.")
    why: str | None = Field(None, description="Why this bar, in words.")
    expect: float | None = Field(
        None, description="Expected true value, such as 0.85: `shipworthy size` plans for it."
    )
    waiver: Waiver | None = Field(None, description="Who set it aside, why, and until when.")
    _implied: float | None = PrivateAttr(None)
    _on_harm: bool = PrivateAttr(False)

    @property
    def confidence(self) -> float:
        """One-sided confidence of the bound, 0.5 to 1."""
        if self.stated != FROM_COSTS:
            return float(self.stated)
        if self._implied is None:
            raise ValueError("confidence: from_costs needs costs.wrong_ship and costs.wrong_hold")
        return self._implied

    @property
    def implied_confidence(self) -> float | None:
        """The confidence that the costs imply; None where they state no losses of a wrong choice."""
        return self._implied

    @property
    def balances_costs(self) -> bool:
        """Whether it weighs the losses of both errors, and promises no risk; a gate on harm never does."""
        return self.stated == FROM_COSTS and not self._on_harm

    def under(self, implied: float | None, on_harm: bool) -> _Gate:
        """Return the gate under the costs of its spec.

        Args:
            implied: The confidence that the costs imply; None where they state no losses.
            on_harm: Whether it bounds harm, whose confidence is never under 0.95.
        """
        found = self.model_copy()
        is_raised = on_harm and implied is not None
        found._implied = max(HARM_CONFIDENCE, implied or 0.0) if is_raised else implied
        found._on_harm = on_harm
        return found

    @property
    def parsed(self) -> Rule:
        """The rule, parsed."""
        return parse_rule(self.rule)


Gate = Annotated[_Gate, BeforeValidator(_rule_only, json_schema_input_type=str | _Gate)]
