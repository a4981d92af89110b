"""What the questions say for each kind of product: examples, defaults, costs of errors, bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["KIND_SAYS", "Bar", "KindSays"]


@dataclass(frozen=True)
class Bar:
    """A bar that is asked for: question, metric, side, and the answer where nothing is said."""

    asks: str
    metric: str
    at_least: bool
    default: str
    example: str
    share: bool = True


@dataclass(frozen=True)
class KindSays:
    """What the questions say for one kind of product.

    Args:
        what: What such a product does, as a choice.
        user: Example of who has the problem.
        today: Example of what they do today.
        without_ai: Example of what would be done without AI.
        baseline: Type of that alternative.
        success: Example of success.
        prediction: What it hands over.
        actions: What happens with it.
        costs: Key under `costs`, question, amount where nothing is said.
        bars: The bars asked for, the leading one first.
        columns: Columns of the golden set.
        type: Type of the planned candidate.
        modes: Ids of the failure modes that are proposed.
        asks_positive: Whether one class is the one to act on.
    """

    what: str
    user: str
    today: str
    without_ai: str
    baseline: str
    success: str
    prediction: str
    actions: str
    costs: tuple[tuple[str, str, str], ...]
    bars: tuple[Bar, ...]
    columns: tuple[str, ...]
    type: str
    modes: tuple[str, ...]
    asks_positive: bool = False


_GOOD = Bar("Which share of outputs must be good, at least?", "good", True, "80%", "80%")
_HARMFUL = Bar("Which share may be harmful, at most?", "harmful", False, "5%", "2%")
_RECALL = Bar("Which share of the real ones must it find, at least?", "recall", True, "80%", "95%")
_PRECISION = Bar("Which share of its alarms must be right, at least?", "precision", True, "60%", "71%")
_HARM_AND_POOR = (
    ("harmful", "What does one harmful output cost?", "400"),
    ("poor", "What does one poor output cost?", "6"),
)
_ALARM_AND_MISS = (
    ("false_positive", "What does one false alarm cost?", "40"),
    ("false_negative", "What does one miss cost?", "400"),
)
_TEXT_COLUMNS = ("case_id", "stratum", "input", "label")

KIND_SAYS: Mapping[str, KindSays] = {
    "classifier": KindSays(
        what="sorts cases into classes, such as fraud or not",
        user="the retention desk of a phone company",
        today="calls every tenth customer, 40 hours a week",
        without_ai="a rule: call whoever complained twice",
        baseline="rule",
        success="customers lost a month 3.1 -> 2.5%",
        prediction="the class of a case, with its chance",
        actions="act, leave alone",
        costs=_ALARM_AND_MISS,
        bars=(_RECALL, _PRECISION),
        columns=_TEXT_COLUMNS,
        type="gbdt",
        modes=(
            "false_positive",
            "false_negative",
            "unequal_flag_rates",
            "poor_calibration",
            "policy_change_artefact",
            "label_noise",
            "training_serving_skew",
            "model_decay",
            "data_staleness",
            "model_unavailable",
        ),
        asks_positive=True,
    ),
    "detector": KindSays(
        what="finds things in images, sounds, logs or streams",
        user="the people at the end of a bottling line",
        today="look at every bottle, 2 people a shift",
        without_ai="a weight threshold on the line",
        baseline="rule",
        success="bottles sent back 1.2 -> 0.4%",
        prediction="whether it is there, with its chance",
        actions="reject, let pass",
        costs=_ALARM_AND_MISS,
        bars=(_RECALL, _PRECISION),
        columns=("case_id", "stratum", "input_file", "label"),
        type="neural",
        modes=(
            "false_positive",
            "false_negative",
            "domain_gap",
            "poor_calibration",
            "label_noise",
            "missing_context_feature",
            "distribution_drift",
            "slow_answer",
            "model_unavailable",
            "over_trust",
        ),
        asks_positive=True,
    ),
    "regressor": KindSays(
        what="estimates a number, such as minutes or money",
        user="customers who wait for a delivery",
        today="are told a window of 4 hours",
        without_ai="the mean of the last hundred deliveries",
        baseline="constant",
        success="calls about late deliveries 900 -> 500 a week",
        prediction="a number for a case",
        actions="show it, plan with it",
        costs=(("absolute_error", "What does an error of one unit cost?", "0.50"),),
        bars=(Bar("How far off may it be on average, at most?", "mae", False, "10", "12", share=False),),
        columns=_TEXT_COLUMNS,
        type="gbdt",
        modes=(
            "wrong_prediction",
            "missing_context_feature",
            "domain_gap",
            "label_noise",
            "training_serving_skew",
            "missing_window",
            "model_decay",
            "data_staleness",
            "model_unavailable",
            "over_trust",
        ),
    ),
    "ranker": KindSays(
        what="puts things in order, such as search results or recommendations",
        user="people who search the shop",
        today="see the newest first and leave after 2 pages",
        without_ai="the most popular first",
        baseline="popularity",
        success="searches without a click 38 -> 30%",
        prediction="an order of items for a query",
        actions="show in this order",
        costs=(("failed", "What does a query without any result cost?", "0.10"),),
        bars=(
            Bar(
                "Which share of searches must have a relevant item among the first ten?",
                "hit_rate@10",
                True,
                "80%",
                "90%",
            ),
        ),
        columns=("query_id", "case_id", "stratum", "input", "label"),
        type="neural",
        modes=(
            "bad_ranking",
            "cold_start",
            "query_drift",
            "relevance_decay",
            "bias_loop",
            "label_corruption",
            "missing_window",
            "data_staleness",
            "gaming",
            "model_unavailable",
        ),
    ),
    "generator": KindSays(
        what="writes text, code or images",
        user="support agents of the billing team",
        today="write each answer by hand, 14 min",
        without_ai="text blocks to copy from",
        baseline="keyword",
        success="median handling time 14 -> 9 min",
        prediction="a draft",
        actions="send, edit, throw away",
        costs=_HARM_AND_POOR,
        bars=(_GOOD, _HARMFUL),
        columns=_TEXT_COLUMNS,
        type="llm",
        modes=(
            "privacy_leak",
            "prompt_injection",
            "unsafe_output",
            "hallucination",
            "bad_refusal",
            "prompt_leakage",
            "tone_regression",
            "mediocre_output",
            "non_english_misfire",
            "model_unavailable",
        ),
    ),
    "rag": KindSays(
        what="answers from your documents",
        user="support agents of the billing team",
        today="read the thread and the help centre, 14 min a ticket",
        without_ai="keyword search over the help centre",
        baseline="keyword",
        success="median handling time 14 -> 9 min",
        prediction="an answer with its sources",
        actions="send, edit, hand off",
        costs=_HARM_AND_POOR,
        bars=(_GOOD, _HARMFUL),
        columns=_TEXT_COLUMNS,
        type="llm",
        modes=(
            "fabricated_citation",
            "privacy_leak",
            "prompt_injection",
            "unsafe_output",
            "hallucination",
            "bad_refusal",
            "data_staleness",
            "non_english_misfire",
            "tone_regression",
            "model_unavailable",
        ),
    ),
    "agent": KindSays(
        what="acts through tools, such as refunds or bookings",
        user="customers with an order that went wrong",
        today="wait 26 hours for a person who spends 11 min",
        without_ai="a form with fixed choices",
        baseline="rule",
        success="median time to a solution 26 h -> 10 min",
        prediction="what to do, and doing it",
        actions="act, ask, hand off",
        costs=_HARM_AND_POOR,
        bars=(_GOOD, _HARMFUL),
        columns=_TEXT_COLUMNS,
        type="llm",
        modes=(
            "wrong_tool_call",
            "privacy_leak",
            "prompt_injection",
            "unsafe_output",
            "prompt_exploit",
            "hallucination",
            "bad_refusal",
            "non_english_misfire",
            "cost_overrun",
            "model_unavailable",
        ),
    ),
}
