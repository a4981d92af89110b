"""SW60x: groups of people, and what their gates can show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import missing_of, yaml_snippet
from shipworthy.define.rules import columns_compared, metrics_within
from shipworthy.define.sizing import GateQuestion
from shipworthy.define.spec import Gate, Spec
from shipworthy.stats.confidence import Difference, Proportion
from shipworthy.stats.group_sizes import smallest_provable_ratio
from shipworthy.stats.sizing import observed_needed

#: What a group gets, and how often it is wronged: fairness needs a look at both.
RATES_OF_ACTION = ("selection_rate",)
RATES_OF_ERROR = ("recall", "fnr", "fpr", "specificity", "precision", "harmful", "expected_cost")
#: Rate of a group where nothing says it.
ASSUMED_RATE = 0.5

_ROBUST = re.compile(
    r"\brobust|\bfor (everyone|everybody|all|any|every)\b|\bin (all|any|every) \w+|\b(all|any|every) "
    r"(languages?|users?|customers?|groups?|regions?|ages?|devices?|accents?|dialects?)\b|\bregardless of\b"
    r"|\bunbiased\b|\bfair (to|for|across)\b|\bequally (well|good)\b",
    re.I,
)


def _group_gates(spec: Spec) -> Iterator[tuple[int, Gate, tuple[str, ...]]]:
    for index, gate in enumerate(spec.gates):
        columns = columns_compared(gate.parsed.left)
        if columns:
            yield index, gate, columns


@rule("SW601", "error", example=True)
def costs_of_groups_are_missing(promise: Promise) -> Iterator[Finding]:
    """A regulated product does not say what errors cost for groups of people.

    The same error can cost one group of people far more than another, and an average hides it.

    State under `costs.by_group` the costs that differ, or one group's with the same amount, to show that
    somebody looked.
    """
    yield from missing_of(promise, "SW601")


@rule("SW602", "error", example=True)
def groups_are_not_gated(promise: Promise) -> Iterator[Finding]:
    """A regulated product has no groups, or no blocking gate that compares them.

    What no gate compares is found by a journalist or a regulator, after it has been done to people.

    Name the columns under `groups`, and add a blocking gate such as ratio(selection_rate, GROUP) >= 80%.
    """
    spec = promise.spec
    yield from missing_of(promise, "SW602")
    if not spec.regulated or not spec.groups:
        return
    blocking = spec.blocking_gates()
    compared = {
        column for _i, gate, columns in _group_gates(spec) if gate.id in blocking for column in columns
    }
    if not compared & set(spec.groups):
        listed = ", ".join(spec.groups)
        gates = [
            {"id": f"g_{_word(spec.groups[0])}", "rule": f"ratio(selection_rate, {spec.groups[0]}) >= 80%"}
        ]
        yield Finding(("gates",), f"no blocking gate compares {listed}", yaml_snippet("gates", gates))


def _word(column: str) -> str:
    """Return a column's name as part of an id."""
    return re.sub(r"\W+", "_", column).strip("_")


@rule("SW603", "warning", level="judge", needs=("golden",))
def group_is_too_small_for_its_gate(promise: Promise) -> Iterator[Finding]:
    """A group has so few cases that its gate is proved only if the group does better than equal.

    The gate will stay unproved while the groups are treated alike, and a real gap stays unproved as well.

    For a ratio, the finding prints the smallest ratio that, once seen, proves the bar; it fires where that
    takes more than half of the room between the bar and equal treatment. For a gap it fires where two equal
    groups would not prove it. Collect more cases of the group, or join groups.
    """
    for index, gate, columns in _group_gates(promise.spec):
        question = promise.facts.questions.get(gate.id)
        if question is None or len(columns) != 1:
            continue
        sizes = _group_sizes(promise, gate, question, columns[0])
        if len(sizes) < 2:
            continue
        smallest = min(sizes, key=lambda value: (sizes[value], value))
        n = sizes[smallest]
        held = promise.golden.slices.get(columns[0], {}).get(smallest) if promise.golden is not None else None
        about = "" if n == held else "about "
        largest = max(sizes.values())
        lacking = _lacking(promise, gate, question, n, largest) if n else "there is no case to judge it by"
        if lacking is not None:
            yield Finding(
                ("gates", index, "rule"),
                f"the gate {gate.rule}: {columns[0]} = {smallest} has {about}{n:,} cases that count, and "
                f"{lacking}",
                f"Add cases with {columns[0]} = {smallest}: twice as many shrink the doubt by a third.",
                id=gate.id,
            )


def _group_sizes(promise: Promise, gate: Gate, question: GateQuestion, column: str) -> Mapping[str, int]:
    """Return the cases of each group that the gate counts."""
    golden = promise.golden
    if golden is None:
        return {}
    sizes = golden.slices.get(column, {})
    conditions = question.population.conditions
    if len(conditions) == 1 and conditions[0].column == "stratum" and conditions[0].operator == "=":
        sizes = golden.by_stratum.get(conditions[0].values[0], {}).get(column, sizes)
    share = 1.0
    if golden.positives is not None:
        names = {call.name for call in metrics_within(gate.parsed.left)}
        share = golden.positives if names & {"recall", "fnr"} else share
        share = 1 - golden.positives if names and names <= {"fpr", "specificity"} else share
    return {value: int(n * share / question.design_effect) for value, n in sizes.items()}


def _lacking(promise: Promise, gate: Gate, question: GateQuestion, n: int, largest: int) -> str | None:
    """Return why the smallest group can hardly prove the gate; None where it can."""
    name, bar, confidence = gate.parsed.left.name, question.bar, question.confidence
    rate = _rate(promise, gate)
    if name == "ratio" and 0 < bar < 1 and question.better == "at_least":
        ratio = smallest_provable_ratio(bar, n, rate, largest, confidence)
        if ratio is None:
            return f"no ratio proves {bar:.0%} at a rate of {rate:.0%}"
        if ratio > (1 + bar) / 2:
            return f"a ratio of {ratio:.2f} must be seen to prove {bar:g} (at a rate of {rate:.0%})"
    elif name in ("gap", "equalised_odds") and question.unit == "points" and question.better == "at_most":
        equal = Difference(Proportion(rate * n, n), Proportion(rate * largest, largest))
        reach = equal.bound("upper", confidence)
        if reach > bar:
            return f"two equal groups prove a gap of at most {reach * 100:.0f} points, not {bar * 100:g}"
    elif name == "worst" and 0 < bar < 1 and question.better == "at_least":
        needed = observed_needed(n, bar, "at_least", confidence)
        if needed is None:
            return f"not even {n:,} of {n:,} prove {bar:.0%}"
        if needed / n > (1 + bar) / 2:
            return f"{needed:,} of {n:,} must be right to prove {bar:.0%}"
    return None


def _rate(promise: Promise, gate: Gate) -> float:
    """Return the rate at which groups are compared: that of the positive class for actions, else even."""
    golden = promise.golden
    names = {call.name for call in metrics_within(gate.parsed.left)}
    positives = golden.positives if golden is not None else None
    if names & set(RATES_OF_ACTION) and positives is not None and 0 < positives < 1:
        return positives
    return ASSUMED_RATE


@rule("SW604", "error", example=True)
def missing_people_are_not_named(promise: Promise) -> Iterator[Finding]:
    """A regulated product does not say who is missing from its data.

    It is wrong most often about those whom it has never seen.

    List them under `data.populations.missing`; write [none] where really nobody is.
    """
    yield from missing_of(promise, "SW604")
    spec = promise.spec
    populations = spec.data.populations if spec.data is not None else None
    if spec.regulated and populations is not None and populations.included and not populations.missing:
        yield Finding(
            ("data", "populations", "missing"),
            "`data.populations` says who is in the data, and not who is missing",
            yaml_snippet("data.populations.missing", ["newcomers"]),
        )


@rule("SW605", "warning")
def fairness_looks_at_one_side(promise: Promise) -> Iterator[Finding]:
    """Groups are compared by what they get, or by how often the system errs on them, but not by both.

    Equal shares can hide that one group gets the wrong ones, and equal accuracy that one group gets nothing.

    Add the other side: ratio(selection_rate, GROUP) for what people get, gap(recall, GROUP) or
    equalised_odds(GROUP) for errors. Accuracy alone shows neither.
    """
    spec = promise.spec
    if spec.kind not in ("classifier", "detector") or not (spec.groups or spec.regulated):
        return
    names = {call.name for _i, gate, _c in _group_gates(spec) for call in metrics_within(gate.parsed.left)}
    if not names:
        return
    column = next(columns[0] for _i, _gate, columns in _group_gates(spec))
    compared = f"the gates compare groups by {', '.join(sorted(names))} only"
    if not names & set(RATES_OF_ACTION):
        example = f"ratio(selection_rate, {column}) >= 80%"
    elif not names & set(RATES_OF_ERROR):
        example = f"gap(recall, {column}) <= 10pt"
    else:
        return
    yield Finding(
        ("gates",),
        compared,
        yaml_snippet("gates", [{"id": f"g_{_word(column)}_other_side", "rule": example}]),
    )


@rule("SW606", "error", example=True)
def robustness_is_claimed_of_no_data(promise: Promise) -> Iterator[Finding]:
    """A claim speaks of everyone, or of being robust, and names no data.

    Sales repeats it, and somebody will be the person for whom it does not hold.

    Name the subset under `data` (which cases, how many, from where), or claim less.
    """
    for index, limit in enumerate(promise.spec.limits):
        found = _ROBUST.search(limit.claim)
        if found is not None and not limit.data:
            yield Finding(
                ("limits", index, "claim"),
                f"{limit.claim!r} says {found[0]!r} and names no data behind it",
                yaml_snippet(
                    "limits", [{"claim": limit.claim, "data": "500 cases in eight languages, 2025"}]
                ),
                id=limit.evidence or "",
            )
