"""Why the product exists: the problem, the decision it supports, what errors cost, and who answers for it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from shipworthy.define.keys.part import Names, Part

__all__ = ["Costs", "DecisionUse", "Gain", "GroupCosts", "Harm", "Money", "Owners", "Problem", "amount_of"]


class Harm(Part):
    """One way in which people could be hurt, and how the damage would be seen."""

    who: str = Field(description="Who could be hurt.")
    how: str = Field(description="What would happen to them.")
    spot: str | None = Field(None, description="How the damage would be seen.")


class Problem(Part):
    """The one-page brief: whose problem it is, what is done today, and what would be done without AI."""

    user: str | None = Field(None, description="Who has the problem.")
    job: str | None = Field(None, description="What they want to get done.")
    today: str | None = Field(None, description="What they do today, with a number and its unit.")
    without_ai: str | None = Field(None, description="What you would do without a model.")
    success: str | None = Field(
        None, description="What success is: a number, its unit and where it stands today, as 14 -> 9 min."
    )
    harm: list[Harm] = Field(default_factory=list, description="Who could be hurt, and how it would show.")


class DecisionUse(Part):
    """What the prediction triggers, and who acts."""

    prediction: str = Field(description="What the product predicts or produces.")
    action: Names = Field(description="What it triggers.")
    actor: str = Field(description="Who acts on it.")
    timing: Literal["real_time", "batch"] | None = Field(
        None, description="real_time where somebody waits for the answer, else batch."
    )


class Owners(Part):
    """Who answers for what, and who must sign."""

    product: str | None = Field(None, description="Who answers for the product, its bars and its bands.")
    ml: str | None = Field(None, description="Who answers for the model.")
    data: str | None = Field(None, description="Who answers for the data.")
    retraining: str | None = Field(None, description="Who answers for training the model again.")
    oncall: str | None = Field(None, description="Who is called when it fails.")
    signers: dict[str, str] = Field(
        default_factory=dict, description="Role -> who signs a release for it, such as legal or security."
    )

    def named(self) -> dict[str, str]:
        """Return every role with somebody in it; signers under their roles too."""
        roles = {name: getattr(self, name) for name in ("product", "ml", "data", "retraining", "oncall")}
        return {**{role: who for role, who in roles.items() if who}, **self.signers}


def _cost_only(value: Any) -> Any:
    """Let a bare number stand for {cost: number}."""
    return {"cost": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _value_only(value: Any) -> Any:
    return {"value": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value


class _Amount(Part):
    means: str | None = Field(None, description="What the error means for a person, in words.")
    cost: float = Field(0.0, description="Money lost each time, in `currency`.")


class _Gain(Part):
    means: str | None = Field(None, description="What the hit is worth to a person, in words.")
    value: float = Field(0.0, description="Money gained each time, in `currency`.")


Money = Annotated[_Amount, BeforeValidator(_cost_only, json_schema_input_type=float | _Amount)]
Gain = Annotated[_Gain, BeforeValidator(_value_only, json_schema_input_type=float | _Gain)]


class GroupCosts(Part):
    """What an error costs where it differs for a group of people."""

    false_positive: Money | None = Field(None, description="Cost of one false alarm in this group.")
    false_negative: Money | None = Field(None, description="Cost of one miss in this group.")
    harmful: Money | None = Field(None, description="Cost of one harmful output in this group.")
    poor: Money | None = Field(None, description="Cost of one poor output in this group.")
    wrong: Money | None = Field(None, description="Cost of one wrong output or class in this group.")
    failed: Money | None = Field(None, description="Cost of no usable answer in this group.")


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
    wrong_ship: float | None = Field(
        None,
        gt=0,
        description="Money lost per month for each point (0.01) by which what ships misses its bar.",
    )
    wrong_hold: float | None = Field(
        None,
        gt=0,
        description="Money forgone per month for each point (0.01) by which what is held exceeds its bar.",
    )
    by_group: dict[str, GroupCosts] = Field(
        default_factory=dict,
        description="Condition on slice columns, such as `thin_file = yes`, -> the costs that differ there.",
    )

    def of(self, outcome: str) -> float | None:
        """Return the cost of one outcome (a gain is negative); None where the spec states none."""
        return amount_of(getattr(self, outcome, None))


def amount_of(amount: _Amount | _Gain | None) -> float | None:
    """Return an amount as a cost (a gain is negative); None where there is none."""
    if amount is None:
        return None
    return -amount.value if isinstance(amount, _Gain) else float(amount.cost)
