"""ratio(metric, column) and gap(metric, column): the worst pair of groups."""

from __future__ import annotations

from dataclasses import replace

from shipworthy.define.rules import Call, Population, Rule
from shipworthy.define.spec import Gate
from shipworthy.errors import UsageError
from shipworthy.evidence.estimating import Measured, estimate_of, measure
from shipworthy.evidence.gates.proof import (
    direction_of,
    finite,
    sampling_notes,
    sized,
    unknown,
    with_notes,
    with_parts,
)
from shipworthy.evidence.gates.setting import (
    SUBJECT,
    Answers,
    GatePlan,
    Setting,
    bare,
    groups_for,
    population_of,
    unit_of_gap,
    words_of,
)
from shipworthy.evidence.metric import Metric, Unmeasurable, bind
from shipworthy.evidence.populations import group_split, population_sql
from shipworthy.records import Estimate, GateEvidence, GroupPart
from shipworthy.stats.confidence import Difference, Ratio
from shipworthy.tables.totals import Ask, Split, Table

__all__ = ["plan_groups"]

MOST_GROUPS = 20


def plan_groups(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
    """Plan a bar on the worst ratio or gap between the groups of a column."""
    call = rule.left
    inner = call.arguments[0] if call.arguments else None
    if not isinstance(inner, Call) or len(call.arguments) != 2:
        raise UsageError(
            f"{call.name} needs a metric and a column, as in {call.name}(fpr, race).", fix="Write both."
        )
    column = str(call.arguments[1])
    if column not in setting.columns:
        raise UsageError(
            f"{call.name} groups by the column {column!r}, which the rows do not have.",
            fix="Map it under golden.columns or check its name.",
        )
    whole = Call(inner.name, inner.arguments, inner.named, call.population.joined(inner.population))
    population = population_of(gate, whole, setting.spec)
    condition = population_sql(population, setting.columns)
    values = setting.values_of(column, condition)
    if len(values) < 2:
        raise Unmeasurable(f"{column} has fewer than two groups here")
    if len(values) > MOST_GROUPS:
        raise Unmeasurable(f"{column} has more than {MOST_GROUPS} groups; pick some with [{column} in (...)]")
    reference = dict(call.named).get("reference")
    if reference is not None and reference not in values:
        raise UsageError(f"The reference group {reference!r} does not occur in {column}.")
    metric = bind(bare(inner), setting.frame)
    split = group_split(column, tuple(values), condition)
    ask = Ask(metric.total, split)
    words = f"{words_of(population)}, by {column}"

    def finish(answers: Answers) -> GateEvidence:
        return _compared(gate, rule, setting, metric, answers[SUBJECT][ask], split, reference, words)

    return GatePlan(gate, ((SUBJECT, ask),), {SUBJECT: groups_for(metric, setting.frame.profile)}, finish)


def _compared(
    gate: Gate,
    rule: Rule,
    setting: Setting,
    metric: Metric,
    table: Table,
    split: Split,
    reference: str | None,
    words: str,
) -> GateEvidence:
    is_ratio = rule.left.name == "ratio"
    measured: dict[str, Measured] = {}
    parts: list[GroupPart] = []
    reasons: list[str] = []
    for code, group in enumerate(split.labels):
        try:
            measured[group] = measure(metric, table, code, setting.frame.profile)
            found = measured[group]
            parts.append(GroupPart(group, estimate_of(found.confidence, metric.unit, found.n)))
        except Unmeasurable as error:
            parts.append(GroupPart(group, Estimate.unknown_because(str(error), metric.unit)))
            reasons.append(f"{group}: {error}")
    unit = "ratio" if is_ratio else unit_of_gap(metric.unit)
    if len(measured) < 2:
        reason = "fewer than two groups can be measured: " + "; ".join(reasons[:3])
        return with_parts(unknown(gate, rule, metric.name, words, reason, unit), tuple(parts))
    pairs = [
        (first, second)
        for first in measured
        for second in measured
        if first != second and (reference is None or second == reference)
    ]
    form = Ratio if is_ratio else Difference
    differences = {pair: form(measured[pair[0]].confidence, measured[pair[1]].confidence) for pair in pairs}
    at_most = not rule.at_least
    risk = 1 - gate.confidence
    # Every pair must satisfy the bar, so no correction to say "met"; any pair may break it, so Bonferroni
    # over the pairs to say "not met".
    toward: str = "upper" if at_most else "lower"
    away: str = "lower" if at_most else "upper"
    proving = {pair: value.bound(toward, gate.confidence) for pair, value in differences.items()}  # type: ignore[arg-type]
    breaking = {pair: value.bound(away, 1 - risk / len(pairs)) for pair, value in differences.items()}  # type: ignore[arg-type]
    pick = max if at_most else min
    broken_pair = pick(breaking, key=lambda pair: breaking[pair])
    is_broken = breaking[broken_pair] > rule.bar if at_most else breaking[broken_pair] < rule.bar
    decisive = broken_pair if is_broken else pick(proving, key=lambda pair: proving[pair])
    lower, upper = (
        (breaking[broken_pair], proving[max(proving, key=lambda pair: proving[pair])])
        if at_most
        else (proving[min(proving, key=lambda pair: proving[pair])], breaking[broken_pair])
    )
    n = sum(found.n for found in measured.values())
    estimate = estimate_of(differences[decisive], unit, n)
    notes = [
        f"Decided by {decisive[0]} {'over' if is_ratio else 'less'} {decisive[1]}.",
        *(f"{reason}, so nothing can be proven for that group." for reason in reasons),
    ]
    small = [group for group, found in measured.items() if found.n < 30]
    if small:
        notes.append(f"Fewer than 30 cases: {', '.join(small)}.")
    if rule.left.name == "ratio" and metric.name == "selection_rate":
        notes.append("Four-fifths is a screen, never compliance.")
    evidence = GateEvidence(
        gate_id=gate.id,
        rule=rule.text,
        metric=metric.name,
        better=direction_of(rule),
        strict=rule.operator in ("<", ">"),
        bar=rule.bar,
        estimate=estimate,
        lower=finite(lower),
        upper=finite(upper) if not reasons or rule.at_least else None,
        confidence=gate.confidence,
        bound_method=f"{differences[decisive].method}; worst of {len(pairs)} pairs",
        population=words,
        parts=tuple(parts),
    )
    if reasons and rule.at_least:
        evidence = replace(evidence, lower=None)
    evidence = sized(evidence, differences[decisive], n, rule, gate)
    return with_notes(evidence, tuple(notes) + sampling_notes(setting.spec, Population()))
