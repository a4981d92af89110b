"""How many cases the gates of a spec, or one rule alone, take; and what the cases there are can prove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shipworthy.api.known_sizes import OF_ITS_ANSWERS, Known, counted_population
from shipworthy.define.reading import read_spec
from shipworthy.define.rules import FORMS, GROUP_FORMS, Call, Rule, number_of, parse_rule
from shipworthy.define.sizing import (
    Expected,
    Form,
    GateQuestion,
    GateSize,
    JointSize,
    is_reached,
    size_gate,
    size_jointly,
    spread_of,
)
from shipworthy.define.spec import Gate, Spec
from shipworthy.errors import UsageError, nearest
from shipworthy.evidence.gates.planning import check_rule
from shipworthy.evidence.metric import Definition, find_definition
from shipworthy.records import Direction, GateEvidence, Waiting
from shipworthy.stats.value import RateBelief, best_number_of_cases

__all__ = ["LabelWorth", "SizeRequest", "Sized", "questions_of", "size", "size_rule"]

ASSUMED_DISCORDANCE = 0.10
#: Beyond this many cases, counts are no longer exact numbers in what sizes them.
MOST_CASES = 10**12
#: Further cases whose value is shown.
SHOWN_LABELS = (50, 100, 200, 400, 800, 1600)


@dataclass(frozen=True)
class SizeRequest:
    """What `size` was asked.

    Args:
        gate: Id of the only gate to size; None for all.
        expect: The expected truth of the only gate, as written; None where none was said.
        expect_by_gate: Gate id -> expected truth, as written.
        cases: Cases to plan with instead of those in the golden set; None to count them.
        discordance: Share of cases on which two systems differ; None to take it from the latest decision.
        design_effect: By how much clusters shrink the count, at least 1.
    """

    gate: str | None = None
    expect: str | None = None
    expect_by_gate: Mapping[str, str] = field(default_factory=dict)
    cases: int | None = None
    discordance: float | None = None
    design_effect: float = 1.0


@dataclass(frozen=True)
class LabelWorth:
    """What further cases are worth for one rate, in money.

    Args:
        knowing: Worth of knowing the true rate before the choice.
        shipping: Expected worth of shipping now; below 0 holding is better.
        by_cases: Further cases, their worth, and their cost; None where no cost is stated.
        best: Number of further cases whose worth exceeds their cost by the most, and by how much; None
            where no cost is stated.
    """

    knowing: float
    shipping: float
    by_cases: tuple[tuple[int, float, float | None], ...]
    best: tuple[int, float] | None


@dataclass(frozen=True)
class Sized:
    """What `size` answers.

    Args:
        product: The product's id; empty for a rule alone.
        cases: Cases there are in all; None where that is not known.
        cases_from: Who says so.
        gates: One entry per gate.
        joint: All blocking gates together; None where fewer than two of them can be sized.
        notes: What limits the answer.
        worth: What further cases are worth, where gain and loss were stated.
        waiting: What waiting costs, from the latest decision; None where it says nothing.
        currency: ISO code of all money.
    """

    product: str
    cases: int | None
    cases_from: str
    gates: tuple[GateSize, ...]
    joint: JointSize | None = None
    notes: tuple[str, ...] = ()
    worth: LabelWorth | None = None
    waiting: Waiting | None = None
    currency: str = ""


def size(path: str | Path = ".", request: SizeRequest | None = None) -> Sized:
    """Say how many cases the gates of a spec take, with or without any data.

    Args:
        path: The product's folder, or its shipworthy.yaml.
        request: What was asked; by default every gate, with what the spec and the latest decision expect.

    Returns:
        Each gate's size, and that of all blocking gates together.

    Raises:
        ShipworthyError: If the spec, the golden set or an option is wrong.
    """
    asked = request or SizeRequest()
    file = read_spec(Path(path))
    spec = file.spec
    scorers = {metric.id for metric in spec.metrics if metric.scorer is not None}
    for index, gate in enumerate(spec.gates):
        try:
            check_rule(gate.parsed, scorers)
        except UsageError as error:
            raise UsageError(error.what, where=file.where("gates", index), fix=error.fix) from None
    chosen = _chosen(spec, asked)
    _refuse_too_many(asked.cases)
    expected = _said(spec, chosen, asked)
    known = Known.of(file, asked.cases)
    notes = [*known.notes]
    questions = questions_of(spec, chosen, known, asked, expected)
    for question in questions:
        _refuse_the_wrong_side(question, expected)
    sizes = tuple(size_gate(question) for question in questions)
    joint = size_jointly(questions, known.cases)
    return Sized(
        product=spec.id,
        cases=known.cases,
        cases_from=known.cases_from,
        gates=sizes,
        joint=joint,
        notes=tuple(notes),
        waiting=known.decision.waiting if known.decision is not None else None,
        currency=spec.costs.currency if spec.costs is not None else "",
    )


def questions_of(
    spec: Spec,
    gates: Sequence[Gate],
    known: Known,
    request: SizeRequest | None = None,
    expected: Mapping[str, str] | None = None,
) -> list[GateQuestion]:
    """Return gates as far as their size needs them.

    Args:
        spec: The spec.
        gates: Gates of it whose rules can be asked.
        known: What the golden set and the latest decision say.
        request: What was asked; by default nothing but the spec's own.
        expected: Gate id -> expected truth as said on the call.

    Returns:
        One question per gate, in their order.

    Raises:
        UsageError: If an expected truth is no share where the gate speaks of one.
    """
    scorers = {metric.id for metric in spec.metrics if metric.scorer is not None}
    asked = request or SizeRequest()
    return [_question(gate, spec, known, (expected or {}).get(gate.id), asked, scorers) for gate in gates]


def size_rule(
    rule: str,
    *,
    expect: str | None = None,
    cases: int | None = None,
    confidence: float = 0.95,
    discordance: float | None = None,
    deviation: float | None = None,
    design_effect: float = 1.0,
    seen: tuple[int, int] | None = None,
    gain: float | None = None,
    loss: float | None = None,
    label_cost: float | None = None,
    decided: float = 1.0,
) -> Sized:
    """Say how many cases one rule takes, without any spec.

    Args:
        rule: The rule, such as "accuracy >= 0.80".
        expect: The expected truth, as written; by default what was seen.
        cases: Cases there are; by default those that were seen.
        confidence: One-sided confidence of the gate.
        discordance: Share of cases on which two systems differ, for delta(metric, system).
        deviation: Standard deviation of one case, for what is no plain share.
        design_effect: By how much clusters shrink the count, at least 1.
        seen: Successes (for a rate that should be small: events) and cases seen so far.
        gain: Worth of one unit of rate on the right side of the bar, in money per decided case.
        loss: Loss of one unit of rate on the wrong side.
        label_cost: Cost of one further case.
        decided: Cases that the choice decides about.

    Returns:
        The gate's size; with gain and loss also what further cases are worth.

    Raises:
        ShipworthyError: If the rule or an option is wrong.
    """
    parsed = parse_rule(rule)
    check_rule(parsed, ())
    for number in (cases, seen[1] if seen is not None else None):
        _refuse_too_many(number)
    if seen is not None and not 0 <= seen[0] <= seen[1]:
        raise UsageError(f"{seen[0]} of {seen[1]} were seen: more than there are.", fix="Write it as 45/50.")
    form, unit, why = _form(parsed, frozenset())
    if form == "unknown" and deviation is not None:
        form, why = "spread", ""
    counted = cases if cases is not None else seen[1] if seen is not None else None
    question = GateQuestion(
        gate_id="rule",
        rule=rule,
        blocking=True,
        better=_direction(parsed),
        bar=parsed.bar,
        confidence=confidence,
        unit=unit,
        form=form,
        population=parsed.left.population,
        why=why,
        cases=counted,
        share=1.0,
        expected=_expected_of_rule(expect, seen, form, parsed),
        discordance=ASSUMED_DISCORDANCE if discordance is None else discordance,
        deviation=deviation or 0.0,
        design_effect=design_effect,
    )
    _check_expected(question)
    _refuse_the_wrong_side(question, {"rule": expect} if expect is not None else {})
    worth = _worth(question, seen, gain, loss, label_cost, decided)
    said = "" if counted is None else "said" if cases is not None else "seen"
    return Sized("", counted, said, (size_gate(question),), worth=worth)


# -- what is asked -------------------------------------------------------------------------------------


def _chosen(spec: Spec, request: SizeRequest) -> list[Gate]:
    ids = [gate.id for gate in spec.gates]
    for name in (*([request.gate] if request.gate is not None else []), *request.expect_by_gate):
        if name not in ids:
            raise UsageError(f"There is no gate {name!r} in the spec.", fix=nearest(name, ids))
    return [gate for gate in spec.gates if request.gate in (None, gate.id)]


def _said(spec: Spec, chosen: Sequence[Gate], request: SizeRequest) -> dict[str, str]:
    """Return the expected truths that were said on the call, by gate."""
    said = dict(request.expect_by_gate)
    if request.expect is not None:
        open_ = [gate for gate in chosen if gate.id not in said and gate.parsed.left.name != "failures"]
        if len(open_) != 1:
            named = " ".join(f"--expect {gate.id}={request.expect}" for gate in open_[:2])
            raise UsageError(
                f"The spec has {len(open_)} gates that could expect {request.expect}.",
                fix=f"Name the gate: {named or '--expect GATE=' + request.expect}",
            )
        said[open_[0].id] = request.expect
    return said


def _refuse_too_many(cases: int | None) -> None:
    if cases is not None and cases > MOST_CASES:
        raise UsageError(
            f"{cases:.3g} cases are more than anything can be sized with.",
            fix=f"Say at most {MOST_CASES:,} cases.",
        )


def _direction(rule: Rule) -> Direction:
    return "at_least" if rule.at_least else "at_most"


def _form(rule: Rule, scorers: frozenset[str]) -> tuple[Form, str, str]:
    """Return how a rule is sized, its unit, and what that assumes or lacks."""
    left = rule.left
    if left.name == "failures":
        return "list", "number", "every case of the list must pass; nothing is inferred"
    inner = left
    if left.name in FORMS:
        inner = next((part for part in left.arguments if isinstance(part, Call)), left)
    definition = find_definition(inner.name)
    unit = definition.unit if definition is not None else "share"
    if left.name in GROUP_FORMS or rule.right is not None:
        gap = "ratio" if left.name == "ratio" else "points" if unit == "share" else unit
        return "unknown", gap, "it compares groups: a decision shows how widely they spread"
    is_rate = inner.name in scorers or (definition is not None and _is_plain_rate(definition, inner))
    if left.name == "delta":
        gap = "points" if unit == "share" else unit
        if is_rate and inner.name not in OF_ITS_ANSWERS:
            return "paired", gap, ""
        return "unknown", gap, "it is no plain share: a decision shows how widely the differences spread"
    if is_rate:
        return "rate", "share", ""
    return "unknown", unit, "it is no plain share: a decision shows how widely cases spread"


def _is_plain_rate(definition: Definition, call: Call) -> bool:
    averaged = any(key == "average" for key, _value in call.named)
    return (
        definition.unit == "share"
        and definition.gate.startswith("exact one-sided Clopper-Pearson")
        and "mapped" not in definition.gate
        and not averaged
    )


def _expected_of_rule(
    expect: str | None, seen: tuple[int, int] | None, form: Form, rule: Rule
) -> Expected | None:
    if expect is not None:
        return Expected(_number(expect), "said")
    if seen is not None and seen[1] and form == "rate":
        return Expected(seen[0] / seen[1], "seen")
    return _as_good_as_live(form, rule)


def _as_good_as_live(form: Form, rule: Rule) -> Expected | None:
    """A margin of harmlessness is planned for a candidate that is as good as what it is set against."""
    if form == "paired" and is_reached(_direction(rule), rule.bar, 0.0):
        return Expected(0.0, "as good as the other system")
    return None


def _number(text: str) -> float:
    try:
        return number_of(text)
    except ValueError as error:
        raise UsageError(f"--expect: {error}.", fix="Write --expect 0.85, or --expect GATE=0.85.") from None


def _check_expected(question: GateQuestion) -> None:
    if question.expected is not None and question.form == "rate" and not 0 <= question.expected.value <= 1:
        said = question.expected.value
        raise UsageError(
            f"{question.rule} is a share between 0 and 1, and {said:g} is expected.",
            fix=f"Did you mean {said:g}%?" if 2 <= said <= 100 else "Write --expect 0.85 or --expect 85%.",
        )


def _refuse_the_wrong_side(question: GateQuestion, said: Mapping[str, str]) -> None:
    """Refuse a truth, said on this call, that no number of cases would prove."""
    if question.expected is None or question.gate_id not in said or question.form in ("list", "unknown"):
        return
    if not is_reached(question.better, question.bar, question.expected.value):
        side = "above" if question.better == "at_least" else "below"
        raise UsageError(
            f"No number of cases proves {question.rule} where {said[question.gate_id]} is the truth.",
            fix=f"Expect a value {side} the bar, or move the bar before anybody has seen a result.",
        )


# -- one gate ------------------------------------------------------------------------------------------


def _question(
    gate: Gate,
    spec: Spec,
    known: Known,
    said: str | None,
    request: SizeRequest,
    scorers: set[str],
) -> GateQuestion:
    rule = gate.parsed
    form, unit, why = _form(rule, frozenset(scorers))
    kept = known.evidence(gate)
    cases, share, counted_why = _cases_of(gate, known, kept)
    deviation, reach = 0.0, None
    if form == "unknown" and kept is not None:
        spread = spread_of(kept)
        if spread is not None:
            form, why, (deviation, reach) = (
                "spread",
                f"its spread is that of decision {known.decision_id}",
                spread,
            )
    discordance, from_where = _discordance(rule, known, request)
    question = GateQuestion(
        gate_id=gate.id,
        rule=gate.rule,
        blocking=gate.id in spec.blocking_gates(),
        better=_direction(rule),
        bar=rule.bar,
        confidence=gate.confidence,
        unit=unit,
        form=form,
        population=counted_population(gate, spec),
        why=why or (from_where if form == "paired" else "") or counted_why,
        cases=cases,
        share=share,
        expected=_expected(gate, rule, form, known, kept, said),
        discordance=discordance,
        deviation=deviation,
        reach=reach,
        design_effect=request.design_effect,
        group=_smallest_group(kept) if rule.left.name == "ratio" else None,
    )
    _check_expected(question)
    return question


def _cases_of(gate: Gate, known: Known, kept: GateEvidence | None) -> tuple[int | None, float | None, str]:
    """Return the cases a gate counts, their share of all, and why that is not known."""
    counted = known.counts.get(gate.id)
    if counted is not None and known.cases:
        return counted, counted / known.cases, ""
    if kept is not None and kept.estimate.n:
        whole = max(kept.out_of, kept.estimate.n)
        share = kept.estimate.n / whole
        if known.cases is None:
            return kept.estimate.n, share, ""
        return round(share * known.cases), share, f"its share of the cases is that of {known.decision_id}"
    if known.cases is None:
        return None, None if not _takes_all(gate) else 1.0, "there is no golden set to count"
    return None, None, "how many cases it counts shows only in a run"


def _takes_all(gate: Gate) -> bool:
    return gate.on in (None, "all", "golden") and not gate.parsed.left.population.conditions


def _expected(
    gate: Gate, rule: Rule, form: Form, known: Known, kept: GateEvidence | None, said: str | None
) -> Expected | None:
    """Return the expected truth: as said, as the spec says, as last measured, as live is, as good as live."""
    if said is not None:
        return Expected(_number(said), "said")
    if gate.expect is not None:
        return Expected(gate.expect, "the spec")
    if kept is not None and kept.estimate.value is not None and known.decision is not None:
        role = known.decision.evidence.role
        return Expected(kept.estimate.value, f"{role} in decision {known.decision_id}")
    live = _lives_value(rule, known)
    return live if live is not None else _as_good_as_live(form, rule)


def _lives_value(rule: Rule, known: Known) -> Expected | None:
    if known.decision is None or rule.right is not None or rule.left.population.conditions:
        return None
    for comparison in known.decision.evidence.comparisons:
        for part in comparison.differences:
            if comparison.other == "live" and part.metric == str(rule.left) and part.theirs.value is not None:
                return Expected(part.theirs.value, f"live in decision {known.decision_id}")
    return None


def _discordance(rule: Rule, known: Known, request: SizeRequest) -> tuple[float, str]:
    if request.discordance is not None:
        return request.discordance, ""
    if rule.left.name == "delta" and known.decision is not None:
        other = str(rule.left.arguments[-1])
        for comparison in known.decision.evidence.comparisons:
            changed = (comparison.fixed or 0) + (comparison.broke or 0)
            if comparison.other == other and comparison.shared and changed:
                share = changed / comparison.shared
                return share, f"the systems differ on {share:.1%} of the cases, as in {known.decision_id}"
    return ASSUMED_DISCORDANCE, f"the systems are assumed to differ on {ASSUMED_DISCORDANCE:.0%} of the cases"


def _smallest_group(kept: GateEvidence | None) -> tuple[int, float] | None:
    parts = [part.estimate for part in kept.parts if part.estimate.value is not None] if kept else []
    if not parts:
        return None
    smallest = min(parts, key=lambda estimate: estimate.n)
    return smallest.n, smallest.value or 0.0


# -- what further cases are worth ------------------------------------------------------------------------


def _worth(
    question: GateQuestion,
    seen: tuple[int, int] | None,
    gain: float | None,
    loss: float | None,
    label_cost: float | None,
    decided: float,
) -> LabelWorth | None:
    """Return what further cases are worth where gain and loss are stated for a plain rate."""
    if gain is None and loss is None:
        return None
    if gain is None or loss is None:
        raise UsageError("--gain and --loss belong together.", fix="Write both; 0 is allowed for one.")
    if question.form != "rate":
        raise UsageError(
            f"{question.rule} is no plain share, so the worth of cases is not known from counts.",
            fix="Leave --gain and --loss out; a decision prices cases by the spec's costs.",
        )
    successes, n = seen if seen is not None else (0, 0)
    belief = RateBelief(successes + 1, n - successes + 1, question.bar, gain, loss, question.better)
    by_cases = tuple(
        (cases, decided * belief.value_of_cases(cases), None if label_cost is None else cases * label_cost)
        for cases in SHOWN_LABELS
    )
    best = None
    if label_cost is not None:
        best = best_number_of_cases(belief.value_of_cases, label_cost, decided, most=20_000)
    return LabelWorth(decided * belief.value_of_knowing(), decided * belief.worth, by_cases, best)
