"""SW10x: the problem, the decision it leads to, and what errors cost."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shipworthy.define.keys.problem import Costs
from shipworthy.define.lint.named import is_blank
from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import yaml_snippet

#: Costs that must be stated for a wrong output, by kind.
COSTS_OF_ERRORS = {
    "classifier": ("false_positive", "false_negative"),
    "detector": ("false_positive", "false_negative"),
    "regressor": ("absolute_error",),
    "ranker": (),
    "generator": ("harmful", "poor"),
    "rag": ("harmful", "poor"),
    "agent": ("harmful", "poor"),
}
#: What a cost of errors may stand for instead, where nobody grades outputs.
GRADED_OTHERWISE = {"harmful": "wrong", "poor": "wrong"}

_SOLUTIONS = re.compile(
    r"\b(RAG|GPT-?\w*|(?i:transformers?|(large )?language models?|LLMs?|neural net\w*|deep[- ]learning|"
    r"machine[- ]learning|gradient[- ]boost\w*|XGBoost|embeddings?|vector (?:database|store|search)s?|"
    r"fine-?tun\w+|prompt engineering|chat-?bots?))\b"
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_NUMBER_WITH_UNIT = re.compile(r"\d(?:[.,]\d+)?\s*(%|[A-Za-zµ°€$£¥])|[€$£¥]\s*\d|\b[A-Z]{3}\s\d")
_UNIT_WORDS = re.compile(r"\b(share|rate|score|CSAT|NPS|per|in|of)\b", re.I)
_CURRENCIES = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY"}
_CODES = ("EUR", "USD", "GBP", "CHF", "JPY", "CNY", "INR", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "BRL")
_MONEY = re.compile(rf"([€$£¥])\s*\d|\d\s*([€$£¥])|\d\s*({'|'.join(_CODES)})\b|\b({'|'.join(_CODES)})\s*\d")


@rule("SW101", "error", example=True)
def cost_of_an_error_is_missing(promise: Promise) -> Iterator[Finding]:
    """It is not said what a wrong output costs.

    Without the cost of each kind of error no bar, band or trade between them can be argued.

    State the money lost each time: false_positive and false_negative of a classifier or detector,
    absolute_error of a regressor, harmful and poor (or wrong) where outputs are written. An estimate by
    those who bear the cost is enough; it can be changed, and the change is kept.
    """
    spec = promise.spec
    costs = spec.costs or Costs.model_validate({})
    wanted = COSTS_OF_ERRORS[spec.kind]
    missing = [
        name
        for name in wanted
        if costs.of(name) is None and costs.of(GRADED_OTHERWISE.get(name, name)) is None
    ]
    if missing:
        example = ", ".join(f"{name}: {{cost: 10, means: what it does to somebody}}" for name in missing)
        named = " and ".join(name.replace("_", " ") for name in missing)
        yield Finding(
            ("costs",),
            f"the cost of {named} is missing",
            f"costs: {{{example}}}",
            missing=spec.costs is None,
        )
    elif not wanted and not costs.model_fields_set - {"currency", "review", "volume_per_month"}:
        yield Finding(
            ("costs",),
            f"no cost of a bad answer of this {spec.kind} is stated",
            "costs: {failed: {cost: 1, means: a search that leads nowhere}}",
        )


@rule("SW102", "error", level="judge")
def action_or_actor_is_blank(promise: Promise) -> Iterator[Finding]:
    """The output has no action or nobody who acts on it.

    An output that changes nothing needs no model, and an action without an actor is nobody's fault.

    Name what is done with the output, one entry per action, and who does it (the system counts).
    """
    decision = promise.spec.decision
    for index, action in enumerate(decision.action):
        if is_blank(action):
            yield Finding(
                ("decision", "action", index),
                f"the action {action!r} says nothing",
                "decision:\n  action: [send, hand_off]",
            )
    for key, said in (("actor", decision.actor), ("prediction", decision.prediction)):
        if is_blank(said):
            example = "support agent" if key == "actor" else "answer to a question on billing"
            yield Finding(
                ("decision", key), f"`decision.{key}` is {said!r}", f"decision:\n  {key}: {example}"
            )


@rule("SW103", "error", example=True)
def way_without_ai_is_missing(promise: Promise) -> Iterator[Finding]:
    """It is not said what would be done without AI.

    What would be done without a model is what it has to beat, and what it falls back to.

    Write the rule, the list or the people that would do it, in one sentence.
    """
    problem = promise.spec.problem
    if problem is None or is_blank(problem.without_ai):
        yield Finding(
            ("problem", "without_ai"),
            "`problem.without_ai` is missing" if problem is None or problem.without_ai is None else
            f"`problem.without_ai` is {problem.without_ai!r}",
            "problem:\n  without_ai: A rule or a person that would do it",
        )  # fmt: skip


@rule("SW104", "warning")
def success_cannot_be_measured(promise: Promise) -> Iterator[Finding]:
    """Success has no number, no unit, or no value of today to compare with.

    Without all three anybody can call any result a success.

    Write it as a change: "Median handle time 14 -> 9 min". The value of today may stand in `problem.today`.
    """
    problem = promise.spec.problem
    if problem is None or problem.success is None:
        return
    success, today = problem.success, problem.today or ""
    numbers = _NUMBER.findall(success)
    lacks = []
    if not numbers:
        lacks.append("a number")
    if not _NUMBER_WITH_UNIT.search(success) and not (numbers and _UNIT_WORDS.search(success)):
        lacks.append("a unit")
    compares = len(numbers) > 1 and re.search(r"->|→|\bfrom\b.*\bto\b|\binstead of\b|\bagainst\b", success)
    if not compares and not _NUMBER.search(today):
        lacks.append("a value of today")
    if lacks:
        yield Finding(
            ("problem", "success"),
            f"{success!r} lacks {' and '.join(lacks)}",
            'problem:\n  success: "Median handle time 14 -> 9 min"',
        )


@rule("SW105", "error", level="judge", example=True)
def routed_action_is_unknown(promise: Promise) -> Iterator[Finding]:
    """A case is sent to an action that the decision does not name.

    Two lists of actions mean that two teams build two products.

    Use the words of `decision.action` in the bands of `routing` and in `context.retrieval.below`, or add
    the action there.
    """
    spec = promise.spec
    known = spec.decision.action
    used: list[tuple[tuple[str | int, ...], str]] = []
    if spec.routing is not None:
        used += [
            (("routing", "bands", index, "action"), band.action)
            for index, band in enumerate(spec.routing.bands)
        ]
    if spec.context is not None and spec.context.retrieval is not None and spec.context.retrieval.below:
        used.append((("context", "retrieval", "below"), spec.context.retrieval.below))
    for keys, action in used:
        if action not in known:
            yield Finding(
                keys,
                f"{action!r} is none of the decision's actions ({', '.join(known)})",
                f"decision:\n  action: [{', '.join([*known, action])}]",
                id=action,
            )


@rule("SW106", "warning")
def problem_names_a_solution(promise: Promise) -> Iterator[Finding]:
    """The problem is described by a solution.

    A problem that names its solution cannot be solved better by anything else.

    Say who has the problem and what they want done; the technique belongs under `systems`.
    """
    problem = promise.spec.problem
    if problem is None:
        return
    for key in ("user", "job", "today", "success"):
        said = getattr(problem, key)
        found = _SOLUTIONS.search(said) if said else None
        if found is not None:
            yield Finding(
                ("problem", key),
                f"`problem.{key}` speaks of {found[0]!r}",
                f"problem:\n  {key}: the same, without naming a technique",
            )


@rule("SW107", "warning", level="judge", example=True)
def errors_cost_the_same(promise: Promise) -> Iterator[Finding]:
    """A false positive and a false negative cost the same.

    They hardly ever do, and equal costs put every threshold in the wrong place.

    Ask who pays for each: the one who was bothered, and the one who was missed. If they really are equal,
    set this finding aside with the reason.
    """
    costs = promise.spec.costs
    if costs is None:
        return
    positive, negative = costs.of("false_positive"), costs.of("false_negative")
    if positive is not None and positive == negative:
        yield Finding(
            ("costs", "false_negative"),
            f"a false positive and a false negative cost {positive:g} {costs.currency} each",
            yaml_snippet("costs.false_negative", {"cost": "AMOUNT", "means": "what a miss does to somebody"}),
        )


@rule("SW108", "warning", level="judge")
def costs_have_different_units(promise: Promise) -> Iterator[Finding]:
    """A cost is described in another unit than the one all costs are in.

    Money of two currencies adds up to a wrong threshold without anybody noticing.

    All costs are in `costs.currency`; convert the amount, and keep the words without an amount.
    """
    costs = promise.spec.costs
    if costs is None:
        return
    for name in type(costs).model_fields:
        amount = getattr(costs, name)
        means = getattr(amount, "means", None)
        for found in _MONEY.finditer(means or ""):
            symbol = found[1] or found[2]
            code = _CURRENCIES[symbol] if symbol else found[3] or found[4]
            if code != costs.currency and not (symbol == "$" and costs.currency in ("CAD", "AUD")):
                yield Finding(
                    ("costs", name),
                    f"`costs.{name}` is in {costs.currency}, and its words speak of {found[0].strip()!r}",
                    f"costs:\n  {name}: {{cost: 10, means: the amount in {costs.currency}}}",
                )
