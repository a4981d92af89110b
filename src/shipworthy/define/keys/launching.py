"""How it goes out and how it comes back: stages, experiment, rollback, fallback, attack, feedback."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from shipworthy.define.keys.part import Day, Duration, Listed, Names, Part

__all__ = [
    "Comms",
    "Experiment",
    "Fallback",
    "Launch",
    "LaunchCheck",
    "RedTeam",
    "Rollback",
    "Stage",
    "UserFeedback",
]


class Stage(Part):
    """One step of exposure."""

    name: str | None = Field(None, description="Its name, such as shadow or internal.")
    percent: float = Field(ge=0, le=100, description="Share of traffic in percent; 0 is shadow.")
    for_: Duration | None = Field(None, alias="for", description="How long it lasts; the last one stays.")


class Experiment(Part):
    """The comparison on users, and what it can find."""

    primary: str = Field(description="Online metric that decides it.")
    protected: Listed = Field(default_factory=list, description="Metrics that must not get worse.")
    mde: float = Field(gt=0, description="Smallest effect to be found, in the metric's unit.")
    baseline: float | None = Field(None, description="The metric's value today.")
    deviation: float | None = Field(
        None, gt=0, description="Standard deviation of one case; a share's follows from `baseline`."
    )
    alpha: float = Field(0.05, gt=0, lt=0.5, description="Chance of a false alarm, two-sided.")
    power: float = Field(0.8, gt=0.5, lt=1, description="Chance of finding the effect.")
    percent: float | None = Field(
        None,
        gt=0,
        le=100,
        description="Traffic in the experiment, percent, half of it treated; else the stages'.",
    )
    for_: Duration | None = Field(None, alias="for", description="How long it lasts; else the stages' time.")
    compare_outputs: str | None = Field(None, description="How generated outputs are laid side by side.")


class Rollback(Part):
    """What is restored when it goes wrong, and how fast."""

    to: str = Field(description="Pinned version that is restored.")
    within: Duration | None = Field(None, description="How fast, such as 60m.")
    last_drill: Day | None = Field(None, description="Day on which it was last tried.")
    drill: str | None = Field(
        None,
        description="JSON lines file of drills, each with started and verified (ISO 8601 times); its latest "
        "drill counts instead of `last_drill`, and its time is measured.",
    )
    triggers: Listed = Field(default_factory=list, description="Ids of the monitors that start it.")


class Fallback(Part):
    """What answers when the system cannot."""

    when: Names = Field(description="What has failed, such as model_unavailable or latency_p99_ms > 400.")
    do: str = Field(description="What answers instead.")
    needs: Listed = Field(default_factory=list, description="Components it needs itself.")
    tested: Day | None = Field(None, description="Day on which it was last tried.")


class RedTeam(Part):
    """The attack before the launch."""

    by: str = Field(description="Who attacked.")
    on: Day | None = Field(None, description="Day of the attack.")
    cases: Listed = Field(default_factory=list, description="Strata that hold the attacks.")
    candidate: str | None = Field(None, description="Version of the candidate that was attacked.")


class LaunchCheck(Part):
    """A test before the launch that no gate measures, with what shows it."""

    of: Literal["grounding", "refusals", "tool_permissions", "groups"] = Field(
        description="Item of `shipworthy readiness` that it is evidence for."
    )
    by: str = Field(description="Who did it.")
    on: Day | None = Field(None, description="Day on which it was done.")
    tried: int | None = Field(None, ge=1, description="How many attempts were made.")
    passed: int | None = Field(None, ge=0, description="How many of these went as they must.")
    evidence: str | None = Field(None, description="File or address that shows it.")

    @model_validator(mode="after")
    def _passed_of_tried(self) -> LaunchCheck:
        if (self.tried is None) != (self.passed is None):
            raise ValueError("`tried` and `passed` belong together")
        if self.tried is not None and self.passed is not None and self.passed > self.tried:
            raise ValueError(f"{self.passed} passed of {self.tried} tried")
        return self


class UserFeedback(Part):
    """How users say that an output was bad."""

    channel: str = Field(description="Where, such as thumbs with a reason.")
    triage_within: Duration | None = Field(None, description="How fast somebody looks.")


class Comms(Part):
    """What is told to whom."""

    support: str | None = Field(None, description="What support says: a text or a file.")
    release_note: str | None = Field(None, description="auto, or a file.")
    disclosure: str | None = Field(None, description="How people learn that it is AI, and how sure it is.")
    adverse_reasons: str | None = Field(None, description="Reason codes given with an adverse decision.")


class Launch(Part):
    """How it goes out and how it comes back."""

    stages: list[Stage] = Field(default_factory=list, description="Steps of exposure, smallest first.")
    experiment: Experiment | None = Field(None, description="The comparison on users.")
    rollback: Rollback | None = Field(None, description="What is restored when it goes wrong.")
    fallback: Fallback | None = Field(None, description="What answers when the system cannot.")
    red_team: RedTeam | None = Field(None, description="The attack before the launch.")
    feedback: UserFeedback | None = Field(None, description="How users say that an output was bad.")
    checks: list[LaunchCheck] = Field(
        default_factory=list, description="Tests before the launch that no gate measures."
    )
    comms: Comms | None = Field(None, description="What is told to whom.")
    support: str | None = Field(None, description="Who helps users, and when.")
