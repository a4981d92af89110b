"""What is watched, what it learns from, what is expected, and what it must not be said to do."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from shipworthy.define.keys.part import Day, Duration, Listed, Names, Part, Share

__all__ = ["ExpectedEvent", "Feedback", "Learning", "Limit", "Lint", "Monitor", "Retrain", "Suppression"]


class Monitor(Part):
    """One series that is watched, with the rule, the answer and the owner."""

    id: str = Field(description="Short name.")
    series: Names = Field(description="What is watched: metrics, or names of series.")
    rule: str = Field(description="When it fires, such as > 1.3x reference for 3d.")
    do: (
        Literal[
            "page",
            "diagnose",
            "review",
            "queue",
            "retrain",
            "hold",
            "pause",
            "fallback",
            "suspend_gate",
            "roll_back",
        ]
        | None
    ) = Field(None, description="What happens then.")
    owner: str | None = Field(None, description="Who answers for it.")
    on: str | None = Field(None, description="Slice it is watched on, such as language != en.")
    sample: Share | None = Field(None, description="Share of traffic that is scored for it.")
    window: Duration | None = Field(None, description="Time that one value covers.")
    what: str | None = Field(None, description="What it tells, in words.")


class Retrain(Part):
    """When the model is trained again, what the new one must pass, and who answers for it."""

    trigger: Listed = Field(default_factory=list, description="Monitors, or a rhythm such as every 90d.")
    gate: Listed = Field(default_factory=list, description="Gates that the new model must pass.")
    owner: str | None = Field(None, description="Who answers for it.")
    stop: Listed = Field(default_factory=list, description="Monitors or conditions that stop learning.")


class Feedback(Part):
    """One way in which use comes back as data."""

    from_: str = Field(alias="from", description="Where it comes from, such as overrides or thumbs down.")
    to: str = Field(description="Where it goes: queue, golden.STRATUM or training.")
    review: Literal["required", "none"] = Field("none", description="Whether a person looks first.")
    scrub: str | None = Field(None, description="What is taken out first, such as personal data.")


class Learning(Part):
    """What it learns from, when, and when it stops."""

    retrain: Retrain | None = Field(None, description="When the model is trained again.")
    feedback: list[Feedback] = Field(default_factory=list, description="How use comes back as data.")


class ExpectedEvent(Part):
    """A dated event that may hurt quality."""

    on: Day = Field(description="Its day.")
    what: str = Field(description="What happens.")
    hits: Listed = Field(default_factory=list, description="Failure modes it feeds.")
    confidence: Literal["low", "medium", "high"] = Field("medium", description="How sure it is.")


class Limit(Part):
    """What may be said of the product, and what it does not do."""

    claim: str = Field(description="What may be promised, in words that sales may repeat.")
    evidence: str | None = Field(None, description="Id of the gate that proves it.")
    data: str | None = Field(None, description="Named data subset behind it, with size and source.")
    does_not: str | None = Field(None, description="What the product does not do.")


class Suppression(Part):
    """A finding that somebody sets aside, with reason, owner and expiry."""

    rule: str = Field(description="The rule, such as SW106.")
    reason: str = Field(min_length=3, description="Why it does not apply.")
    owner: str = Field(min_length=1, description="Who says so.")
    expires: Day = Field(description="Last day on which it counts.")
    at: str | None = Field(None, description="Only there, by id or dotted key; by default everywhere.")

    @field_validator("rule")
    @classmethod
    def _is_code(cls, value: str) -> str:
        if not re.fullmatch(r"SW\d{3}", value):
            raise ValueError(f"{value!r} is no rule; write its code, such as SW106")
        return value


class Lint(Part):
    """How the spec is checked."""

    ignore: list[Suppression] = Field(default_factory=list, description="Findings set aside.")
