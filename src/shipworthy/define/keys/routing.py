"""Where a score sends a case: to automation, to a person or to the fallback."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from shipworthy.define.keys.part import Duration, Listed, Part, Share

__all__ = ["Band", "OverrideAudit", "Routing"]


class Band(Part):
    """One range of the score, its lower end included and its upper end not (1 is in the last one)."""

    from_: Share | None = Field(
        None, alias="from", description="Lower end; by default where the band before it ends."
    )
    to: Share | None = Field(None, description="Upper end; by default 1.")
    action: str = Field(description="What happens there; one of `decision.action`.")
    by: Literal["system", "person", "fallback"] = Field("system", description="Who decides there.")
    adverse: bool = Field(False, description="Whether the action hurts the person, such as declining.")


class OverrideAudit(Part):
    """How the people who decide are themselves looked at."""

    every: Duration = Field("30d", description="How often.")
    sample: int | None = Field(None, ge=1, description="Decisions looked at each time.")
    seeded_errors: Share | None = Field(None, description="Share of known errors mixed in.")
    max_override_rate: Share | None = Field(None, description="Share above which something is wrong.")
    by: Listed = Field(default_factory=list, description="Cut by reviewer and by these slices.")


class Routing(Part):
    """Bands of a score; together they must cover every score from 0 to 1 once."""

    score: str = Field(description="Score that decides, such as predicted_score.")
    bands: list[Band] = Field(min_length=1, description="Bands, lowest first.")
    owner: str | None = Field(None, description="Who draws the lines: the product owner.")
    review_capacity_per_day: float | None = Field(None, ge=0, description="Cases that people can look at.")
    review_minutes: float | None = Field(None, gt=0, description="Minutes one look takes.")
    override_audit: OverrideAudit | None = Field(None, description="How reviewers are looked at.")
    explore: Share = Field(0.0, description="Share decided at random under a loss cap, for unbiased labels.")

    @model_validator(mode="after")
    def _ends_in_order(self) -> Routing:
        for low, high, band in self.ends():
            if low >= high:
                raise ValueError(f"the band of {band.action!r} starts at {low:g} and ends at {high:g}")
        return self

    def ends(self) -> list[tuple[float, float, Band]]:
        """Return each band with its lower and upper end, in the order written."""
        found: list[tuple[float, float, Band]] = []
        before = 0.0
        for band in self.bands:
            low = before if band.from_ is None else band.from_
            high = 1.0 if band.to is None else band.to
            found.append((low, high, band))
            before = high
        return found
