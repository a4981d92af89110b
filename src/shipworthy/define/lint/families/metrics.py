"""SW20x: metrics in two layers, and metrics that cannot carry a decision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from shipworthy.define.keys.part import length_of
from shipworthy.define.lint.named import names_within
from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import yaml_snippet
from shipworthy.define.rules import columns_compared
from shipworthy.define.spec import Gate, Spec

#: Shares of the positive class beyond which accuracy mostly counts the commoner one.
IMBALANCED = 0.2
#: One error costs so many times the other.
ASYMMETRIC = 5.0

_TAIL = re.compile(r"_p\d+|quantile|worst|max_")
_LATENCY = re.compile(r"latency|ttft|response_time|duration")
_GENERIC = re.compile(
    r"(helpful(ness)?|quality|overall|usefulness|goodness|satisfaction|composite)([_ ](score|rating|index))?",
    re.I,
)
_SCALE = re.compile(
    r"\b[01]\s*(-|–|to|\.\.)\s*(5|7|10|100)\b(?=\s*($|[,.;)]|scale|points?\b|stars?\b|rating))"
    r"|\blikert\b|\bout of (5|7|10|100)\b|\b(five|5)[- ]?(star|point)s?\b|\bon a scale\b|\bcomposite\b"
    r"|\bweighted (sum|mean|average) of\b",
    re.I,
)
_SIMILARITY = re.compile(r"rouge|bleu|meteor|cosine|similarity|bert_?score|levenshtein|edit_distance", re.I)


def _pairs(spec: Spec) -> set[str]:
    return {metric.pairs for metric in spec.metrics if metric.layer == "online" and metric.pairs}


def _measured(spec: Spec) -> set[str]:
    """Names that the golden set measures: declared metrics, and those inside gates."""
    gates = {str(gate.parsed.left) for gate in spec.gates}
    inside = {name for gate in spec.gates for name in names_within(gate)}
    return {metric.id for metric in spec.measured_metrics()} | gates | inside | {g.id for g in spec.gates}


@rule("SW201", "error", example=True)
def online_metric_has_no_pair(promise: Promise) -> Iterator[Finding]:
    """A metric of users is foretold by nothing that is measured before the launch.

    A golden set that foretells nothing about users can be passed by a product they do not want.

    Name the offline metric that is meant to foretell it under `pairs`. Metrics with the role protected or
    diagnostic need none.
    """
    spec = promise.spec
    measured = _measured(spec)
    for index, metric in enumerate(spec.metrics):
        if metric.layer != "online":
            continue
        if metric.pairs is None and metric.role not in ("protected", "diagnostic"):
            yield Finding(
                ("metrics", index),
                f"the online metric {metric.id} has no offline pair",
                yaml_snippet("metrics", [{"id": metric.id, "layer": "online", "pairs": _primary_of(spec)}]),
                id=metric.id,
            )
        elif metric.pairs is not None and metric.pairs not in measured:
            yield Finding(
                ("metrics", index, "pairs"),
                f"the online metric {metric.id} is paired with {metric.pairs}, which nothing measures",
                yaml_snippet("metrics", [{"id": metric.pairs}]),
                id=metric.id,
            )


def _primary_of(spec: Spec) -> str:
    primary = [metric.id for metric in spec.measured_metrics() if metric.role == "primary"]
    return primary[0] if primary else str(spec.gates[0].parsed.left)


@rule("SW202", "error", example=True)
def leading_metric_has_no_online_pair(promise: Promise) -> Iterator[Finding]:
    """The metric that leads foretells nothing that is measured on users.

    Nobody will ever find out whether it was the right one to improve.

    Add an online metric with `pairs` set to it.
    """
    spec = promise.spec
    paired = _pairs(spec)
    for index, metric in enumerate(spec.metrics):
        if metric.layer == "offline" and metric.role == "primary" and metric.id not in paired:
            yield Finding(
                ("metrics", index),
                f"no online metric is paired with {metric.id}, which leads",
                yaml_snippet("metrics", [{"id": "what_users_feel", "layer": "online", "pairs": metric.id}]),
                id=metric.id,
            )


@rule("SW203", "error")
def no_single_metric_leads(promise: Promise) -> Iterator[Finding]:
    """No offline metric leads, or more than one does.

    When two metrics disagree, the one that looks better wins, and it is another one every time.

    Give exactly one offline metric the role primary; the others are diagnostic, or gates.
    """
    metrics = promise.spec.metrics
    if not metrics:
        return
    leading = [
        (index, metric)
        for index, metric in enumerate(metrics)
        if metric.layer == "offline" and metric.role == "primary"
    ]
    if len(leading) == 1:
        return
    if not leading:
        offline = next((m.id for m in metrics if m.layer == "offline"), "the_metric")
        yield Finding(
            ("metrics",),
            "no offline metric has the role primary",
            yaml_snippet("metrics", [{"id": offline, "role": "primary"}]),
        )
        return
    named = " and ".join(metric.id for _index, metric in leading)
    index, second = leading[1]
    yield Finding(
        ("metrics", index, "role"),
        f"{named} all lead",
        yaml_snippet("metrics", [{"id": second.id, "role": "diagnostic"}]),
        id=second.id,
    )


@rule("SW204", "warning")
def only_averages_are_measured(promise: Promise) -> Iterator[Finding]:
    """Everything that is measured is an average over all cases.

    An average can rise while one group of people is served worse and worse.

    Name columns under `slices`, or add a gate on a slice, on the worst group, or on a tail such as
    latency_p95_ms.
    """
    spec = promise.spec
    if spec.slices or spec.groups:
        return
    for gate in spec.gates:
        rule_ = gate.parsed
        cut = list(spec.population_of(gate).conditions)
        for call in (rule_.left, rule_.right):
            cut += call.population.conditions if call is not None else ()
        if columns_compared(rule_.left) or any(condition.column != "stratum" for condition in cut):
            return
        if any(_TAIL.search(name) for name in names_within(gate)):
            return
    yield Finding(
        ("slices",),
        f"none of {len(spec.gates)} gates looks at a slice, a group or a tail, and `slices` is empty",
        "slices: [language]",
    )


@rule("SW205", "warning", level="judge")
def gate_counts_all_errors_alike(promise: Promise) -> Iterator[Finding]:
    """A gate on accuracy or AUC counts errors alike that are not alike.

    Where one class is rare, or one error costs more, a useless system passes a bar on accuracy.

    Gate on recall together with precision (or fpr), or on expected_cost, which weighs each error by what it
    costs. With such a gate beside it, accuracy and AUC do no harm.
    """
    spec = promise.spec
    blocking = spec.blocking_gates()
    names = {
        name
        for gate in spec.gates
        if gate.id in blocking and not columns_compared(gate.parsed.left)
        for name in names_within(gate)
    }
    weighs = "expected_cost" in names or ("recall" in names and names & {"precision", "fpr", "specificity"})
    if weighs or spec.kind not in ("classifier", "detector"):
        return
    because = _unlike(promise)
    if because is None:
        return
    for index, gate in enumerate(spec.gates):
        inside = {"accuracy", "auc"} & set(names_within(gate))
        if inside and gate.parsed.right is None:
            yield Finding(
                ("gates", index, "rule"),
                f"the gate {gate.rule} is a gate on {inside.pop()}, and {because}",
                'gates:\n  - {rule: "expected_cost <= 1"}',
                id=gate.id,
            )


def _unlike(promise: Promise) -> str | None:
    """Return why errors are not alike; None where nothing says so."""
    positives = promise.golden.positives if promise.golden is not None else None
    if positives is not None and not IMBALANCED <= positives <= 1 - IMBALANCED:
        return f"{positives:.0%} of the cases are positive"
    costs = promise.spec.costs
    if costs is None:
        return None
    positive, negative = costs.of("false_positive"), costs.of("false_negative")
    if positive and negative:
        factor = max(positive / negative, negative / positive)
        if factor >= ASYMMETRIC:
            dear = "false positive" if positive > negative else "false negative"
            return f"a {dear} costs {factor:.0f} times the other error"
    return None


@rule("SW206", "error", example=True)
def nothing_bounds_time_or_cost(promise: Promise) -> Iterator[Finding]:
    """Nothing says how long an answer may take or what it may cost.

    An answer that comes too late or costs too much is no answer, however right it is.

    State a budget, or a gate on latency_p95_ms or run_cost.
    """
    spec = promise.spec
    budgets = spec.budgets
    if budgets is not None and budgets.model_fields_set:
        return
    gated = {name for gate in spec.gates for name in names_within(gate)}
    if not any(_LATENCY.search(name) or name in ("run_cost", "tokens") for name in gated):
        yield Finding(
            ("budgets",),
            "neither `budgets` nor a gate bounds latency or the cost of an answer",
            "budgets: {latency_p95_ms: 4000, run_cost: 0.03}",
        )


@rule("SW207", "warning", level="judge")
def latency_is_a_mean(promise: Promise) -> Iterator[Finding]:
    """Latency is bounded or watched by its mean or median.

    Nobody waits for the mean: half of all people can wait for ever while it stays within its bar.

    Use latency_p95_ms or latency_p99_ms.
    """
    spec = promise.spec
    for index, gate in enumerate(spec.gates):
        if _is_mean_latency(list(names_within(gate))):
            yield Finding(
                ("gates", index, "rule"),
                f"the gate {gate.rule} speaks of the middle, not of those who wait longest",
                f"gates:\n  - {{rule: latency_p95_ms <= {gate.parsed.bar:g}}}",
                id=gate.id,
            )
    budgets = spec.budgets
    if (
        budgets is not None
        and budgets.latency_p50_ms is not None
        and budgets.latency_p95_ms is None
        and budgets.latency_p99_ms is None
    ):
        yield Finding(
            ("budgets", "latency_p50_ms"),
            f"the only budget for latency is the median, {budgets.latency_p50_ms:g} ms",
            f"budgets:\n  latency_p95_ms: {3 * budgets.latency_p50_ms:g}",
        )


def _is_mean_latency(names: list[str]) -> bool:
    slow = [name for name in names if _LATENCY.search(name)]
    middle = "mean" in names or any(re.search(r"mean|avg|average|p50|median", name) for name in slow)
    return bool(slow) and middle


@rule("SW208", "error", example=True)
def online_metric_comes_too_late(promise: Promise) -> Iterator[Finding]:
    """A metric of users arrives after every stage of the launch is over, and nothing stands in for it.

    The stage is then decided by what happens to be known, which is nothing.

    Name a faster metric under `proxy`, or make a stage longer than the delay. A proxy needs a metric of its
    own.
    """
    spec = promise.spec
    stages = spec.launch.stages if spec.launch is not None else []
    lengths = [length_of(stage.for_) for stage in stages if stage.for_ is not None]
    if not lengths:
        return
    longest = max(lengths)
    for index, metric in enumerate(spec.metrics):
        if metric.layer != "online" or metric.delay is None or metric.role == "diagnostic":
            continue
        if length_of(metric.delay) > longest and metric.proxy is None:
            yield Finding(
                ("metrics", index, "delay"),
                f"{metric.id} arrives after {metric.delay}, and the longest stage lasts {_days(longest)}",
                yaml_snippet(
                    "metrics",
                    [{"id": metric.id, "layer": "online", "delay": metric.delay, "proxy": "a_faster_metric"}],
                ),
                id=metric.id,
            )


def _days(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{hours / 24:g}d" if hours >= 24 else f"{hours:g}h"


@rule("SW209", "warning", level="judge")
def score_means_nothing_definite(promise: Promise) -> Iterator[Finding]:
    """A score is generic, composite, or a point on a scale.

    Two people who give a 3 out of 5 mean different things, and nobody can say what a 4 would have taken.

    Ask one question that is answered with yes or no (`rubric`), several times for several qualities.
    """
    spec = promise.spec
    for index, metric in enumerate(spec.metrics):
        scale = _SCALE.search(" ".join(text for text in (metric.what, metric.unit) if text))
        if metric.layer == "offline" and (scale is not None or _GENERIC.fullmatch(metric.id)):
            how = f"a score {scale[0]!r}" if scale is not None else "generic"
            yield Finding(
                ("metrics", index),
                f"the metric {metric.id} is {how}",
                "rubric:\n  - {id: resolved, passes_if: answers the question that was asked}",
                id=metric.id,
            )
    for index, criterion in enumerate(spec.rubric):
        if _GENERIC.fullmatch(criterion.id):
            yield Finding(
                ("rubric", index),
                f"the criterion {criterion.id} is generic",
                "rubric:\n  - {id: resolved, passes_if: answers the question that was asked}",
                id=criterion.id,
            )


@rule("SW210", "warning", level="judge")
def similarity_is_a_gate(promise: Promise) -> Iterator[Finding]:
    """A gate on written output measures how similar it is to a reference.

    A wrong answer can be nearly the same text as the right one, and a right one can share no word with it.

    Gate on a yes-or-no question (`rubric`) or on a check by code; similarity may stay as a metric.
    """
    spec = promise.spec
    if not spec.is_foundation:
        return
    scorers = {metric.id: str(metric.scorer) for metric in spec.metrics if metric.scorer is not None}
    for index, gate in enumerate(spec.gates):
        for name in names_within(gate):
            found = _SIMILARITY.search(name) or _SIMILARITY.search(scorers.get(name, ""))
            if found is not None and gate.blocking:
                yield Finding(
                    ("gates", index, "rule"),
                    f"the gate {gate.rule} rests on {found[0]}",
                    _advisory(gate),
                    id=gate.id,
                )
                break


def _advisory(gate: Gate) -> str:
    return yaml_snippet("gates", [{"id": gate.id, "rule": gate.rule, "blocking": False}])
