"""Where the data comes from: sources, the training window, labels, populations and lineage."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shipworthy.define.keys.part import Day, Duration, Listed, Names, Part

__all__ = ["DataUse", "LabelUse", "LineageNode", "Populations", "Source", "TrainingWindow"]

LINEAGE_KINDS = ("source", "feature", "training_set", "model", "decision", "feedback", "label")


class Source(Part):
    """One source of data, with who answers for it."""

    id: str = Field(description="Short name.")
    owner: str | None = Field(None, description="Who answers for it.")
    version: str | None = Field(
        None, description="Its version in the system that keeps it: dvc:..., git:..., a table's snapshot."
    )
    mode: Literal["batch", "stream", "static"] = Field("batch", description="How it arrives.")
    fresh_within: Duration | None = Field(None, description="Age at which it is stale, such as 24h.")
    contract: str | None = Field(None, description="File or URL of its schema.")
    external: bool = Field(False, description="Whether people outside write its text (mail, web, tickets).")
    isolation: str | None = Field(
        None, description="How its text is kept from being obeyed, where it reaches a prompt."
    )
    what: str | None = Field(None, description="What it is, in words.")


class Excluded(Part):
    """Something that training leaves out, with the reason."""

    what: str = Field(description="What is left out, such as weekends.")
    reason: str | None = Field(None, description="Why.")


class TrainingWindow(Part):
    """What the model was trained on, in time."""

    from_: Day = Field(alias="from", description="First day.")
    to: Day = Field(description="Last day.")
    days: Literal["all", "weekdays", "weekends"] = Field("all", description="Days of the week inside.")
    excluded: list[Excluded] = Field(default_factory=list, description="What is left out, with reasons.")


class Proxy(Part):
    """What stands in for the label until it is known."""

    name: str = Field(description="What it is, such as 30 days past due after 90 days.")
    matures_after: Duration | None = Field(None, description="When it is known.")


class LabelUse(Part):
    """What the truth is, and when it is known."""

    definition: str | None = Field(None, description="What makes a case positive, right or good.")
    source: Listed = Field(default_factory=list, description="Who or what says so.")
    matures_after: Duration | None = Field(None, description="When it is known, such as 365d.")
    proxy: Proxy | None = Field(None, description="What stands in until then.")
    noise_audit: str | None = Field(None, description="How wrong labels are looked for, such as 2% a month.")
    selective: bool = Field(
        False, description="Whether outcomes are known only where the product (or its forerunner) said yes."
    )


class Populations(Part):
    """Who is in the data, and who is not."""

    included: Listed = Field(default_factory=list, description="Who is in it.")
    missing: Listed = Field(default_factory=list, description="Who is not; [none] where nobody is missing.")
    how_collected: str | None = Field(None, description="How the cases came to be there.")


class LineageNode(Part):
    """One thing on the way from a source to a label; sources need not be repeated."""

    id: str = Field(description="Short name.")
    kind: Literal["source", "feature", "training_set", "model", "decision", "feedback", "label"] = Field(
        description="Where on the way it stands."
    )
    from_: Names | None = Field(None, alias="from", description="What it is made from.")
    owner: str | None = Field(None, description="Who answers for it.")
    version: str | None = Field(None, description="Its version.")
    what: str | None = Field(None, description="What it is, in words.")


class DataUse(Part):
    """What the product learns from and reads."""

    sources: list[Source] = Field(default_factory=list, description="Sources, each with owner and version.")
    training_window: TrainingWindow | None = Field(None, description="What the model was trained on.")
    labels: LabelUse | None = Field(None, description="What the truth is, and when it is known.")
    populations: Populations | None = Field(None, description="Who is in the data, and who is not.")
    lineage: list[LineageNode] = Field(
        default_factory=list, description="The way from sources over features and models to labels."
    )
