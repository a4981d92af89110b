"""metric OP bar, on one population."""

from __future__ import annotations

from shipworthy.define.rules import Population, Rule
from shipworthy.define.spec import Gate
from shipworthy.errors import UsageError
from shipworthy.evidence.estimating import measure
from shipworthy.evidence.gates.proof import (
    evidence_of,
    sampling_notes,
    size_notes,
    unknown,
    with_notes,
)
from shipworthy.evidence.gates.setting import (
    SUBJECT,
    Answers,
    GatePlan,
    Setting,
    bare,
    groups_for,
    population_of,
    words_of,
)
from shipworthy.evidence.metric import Unmeasurable, bind
from shipworthy.evidence.populations import population_split
from shipworthy.records import GateEvidence
from shipworthy.tables.totals import Ask, Grain, Key, Table, Total

__all__ = ["check_bar", "count_unscored", "plan_one_population", "unscored_total"]


def plan_one_population(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
    """Plan a bar on one metric on one population."""
    population = population_of(gate, rule.left, setting.spec)
    split = population_split(population, setting.columns)
    metric = bind(bare(rule.left), setting.frame)
    check_bar(rule, metric.name, metric.unit)
    ask = Ask(metric.total, split)
    lost = Ask(unscored_total(), split)

    def finish(answers: Answers) -> GateEvidence:
        profile = setting.frame.profile
        try:
            measured = measure(metric, answers[SUBJECT][ask], 0, profile)
        except Unmeasurable as error:
            reason = _nobody_has(population, setting) or str(error)
            return unknown(gate, rule, metric.name, words_of(population), reason, metric.unit)
        unscored = count_unscored(answers[SUBJECT][lost])
        evidence = evidence_of(gate, rule, metric.name, measured, words_of(population), unscored)
        return with_notes(evidence, sampling_notes(setting.spec, population) + size_notes(measured))

    return GatePlan(
        gate, ((SUBJECT, ask), (SUBJECT, lost)), {SUBJECT: groups_for(metric, setting.frame.profile)}, finish
    )


def _nobody_has(population: Population, setting: Setting) -> str:
    """Say which condition no row meets, and what the column holds instead; empty where that is not why."""
    for condition in population.conditions:
        if condition.operator == "=":
            held = setting.values_of(condition.column, "true")
            if condition.values[0] not in held:
                return f"no row has {condition} (there are {', '.join(held[:6]) or 'no values'})"
    return ""


def unscored_total() -> Total:
    """Return the total that counts unscored rows."""
    key = Key("lost", "CAST(unscored_reason IS NOT NULL AS INTEGER)", 2)
    return Total(by=(key,), grain=Grain("planned"))


def count_unscored(table: Table) -> int:
    """Return the number of unscored rows in a population."""
    counts, _sums = table.at(0)
    return int(counts.sum(axis=0)[1])


def check_bar(rule: Rule, name: str, unit: str) -> None:
    """Refuse a bar in another unit than the metric."""
    if unit == "share" and not 0 <= rule.bar <= 1:
        raise UsageError(
            f"{name} is a share between 0 and 1, and the bar is {rule.bar:g}.",
            fix=f"Did you mean {rule.bar:g}%?" if rule.bar <= 100 else "Write it as a percentage.",
        )
    if unit in ("ms", "money") and rule.bar_unit:
        raise UsageError(
            f"{name} is in {unit}, so its bar cannot be written with {rule.bar_unit!r}.",
            fix="Write the bar as a plain number.",
        )
