"""How the product is wrong, and what stands around it: failure modes, guardrails, acceptances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from shipworthy.define.keys.part import Day, Listed, Names, Part

__all__ = ["GOOD_OUTCOMES_BY_KIND", "OUTCOMES_BY_KIND", "Acceptance", "FailureMode", "Guardrail"]

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

#: Classes of outcome that nobody needs to stop, by kind.
GOOD_OUTCOMES_BY_KIND: Mapping[str, tuple[str, ...]] = {
    "classifier": ("true_positive", "true_negative", "right"),
    "detector": ("true_positive", "true_negative", "right"),
    "regressor": ("right",),
    "ranker": ("right",),
    "generator": ("good", "right"),
    "rag": ("good", "right"),
    "agent": ("good", "right"),
}


class Guardrail(Part):
    """What stops harm when the system is wrong, with what it stops, tried and caught."""

    id: str = Field(description="Short name.")
    stops: Names = Field(description="Classes of bad outcome it stops.")
    tried: int | None = Field(None, ge=0, description="Bad outcomes it was tried on.")
    caught: int | None = Field(None, ge=0, description="How many of these it caught.")
    what: str | None = Field(None, description="What it does, in words.")
    owner: str | None = Field(None, description="Who answers for it.")
    measured_on: Day | None = Field(None, description="Day of the measurement.")

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

    id: str = Field(description="Short name, such as hallucination.")
    severity: Literal["blocker", "major", "minor"] = Field(
        "major", description="blocker: must not ship with it; its gate always blocks."
    )
    what: str | None = Field(None, description="What goes wrong, in words.")
    cases: Listed = Field(default_factory=list, description="Strata that test it.")
    gate: str | None = Field(None, description="Id of the gate that bounds it.")
    detect: str | None = Field(None, description="How it is noticed, apart from the gate's own scorer.")
    mitigation: Listed = Field(
        default_factory=list,
        description="What is done about it: guardrails, routing, a fallback, a limit, words on the screen.",
    )
    monitor: str | None = Field(None, description="Id of the monitor that watches it in use.")
    owner: str | None = Field(None, description="Who answers for it.")
    accepted: str | None = Field(None, description="Why it is accepted, where it is.")
    dismissed: str | None = Field(None, description="Why it cannot happen here, where it cannot.")


class Acceptance(Part):
    """A class of bad outcome that somebody accepts, with the reason."""

    of: Names = Field(description="Classes of bad outcome.")
    reason: str = Field(min_length=3, description="Why it is acceptable, in words.")
    owner: str = Field(min_length=1, description="Who accepts it.")
    expires: Day | None = Field(None, description="Last day on which it counts.")
