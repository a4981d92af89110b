"""delta(metric, system) and negative_flips(system): this system against another on the same cases."""

from __future__ import annotations

from shipworthy.define.rules import Call, Rule
from shipworthy.define.spec import Gate
from shipworthy.errors import UsageError
from shipworthy.evidence.estimating import estimate_of, measure
from shipworthy.evidence.gates.one_population import check_bar
from shipworthy.evidence.gates.proof import (
    evidence_of,
    from_confidence,
    sampling_notes,
    unknown,
    with_notes,
    with_parts,
)
from shipworthy.evidence.gates.setting import (
    Answers,
    GatePlan,
    Setting,
    bare,
    groups_for,
    other_system,
    population_of,
    unit_of_gap,
    words_of,
)
from shipworthy.evidence.gates.settling import exact_asks, settled_part
from shipworthy.evidence.metric import Unmeasurable, bind
from shipworthy.evidence.pairing import bind_pair
from shipworthy.evidence.populations import population_split
from shipworthy.records import GateEvidence, GroupPart
from shipworthy.tables.totals import Ask

__all__ = ["plan_delta", "plan_flips"]


def plan_delta(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
    """Plan a bar on the paired difference of one metric to another system."""
    inner = rule.left.arguments[0] if rule.left.arguments else None
    if not isinstance(inner, Call) or len(rule.left.arguments) != 2:
        raise UsageError("delta needs a metric and a system, as in delta(accuracy, live).", fix="Write both.")
    other = other_system(rule, setting)
    call = Call(
        inner.name,
        inner.arguments,
        inner.named,
        rule.left.population.joined(inner.population),
        inner.position,
    )
    population = population_of(gate, call, setting.spec)
    split = population_split(population, setting.columns)
    pair = bind_pair(bare(inner), setting.frame, setting.others[other])
    asks = tuple((other, ask) for ask in pair.asks(split))
    words = f"{words_of(population)}, shared with {other}"

    def finish(answers: Answers) -> GateEvidence:
        unit = unit_of_gap(pair.ours.unit)
        try:
            part = settled_part(pair, answers[other], split, pair.part(answers[other], split, 0))
        except Unmeasurable as error:
            return unknown(gate, rule, pair.ours.name, words, str(error), unit)
        evidence = from_confidence(gate, rule, pair.ours.name, part.delta, part.n, words, unit, part.blur)
        parts = (
            GroupPart("this system", estimate_of(part.ours, pair.ours.unit, part.n)),
            GroupPart(other, estimate_of(part.theirs, pair.ours.unit, part.n)),
        )
        return with_notes(with_parts(evidence, parts), sampling_notes(setting.spec, population))

    exact = tuple((other, ask) for ask in exact_asks((pair.ours, pair.theirs), split))
    return GatePlan(gate, asks, {other: pair.groups}, finish, exact=exact)


def plan_flips(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
    """Plan a bar on the share of cases another system has right and this one wrong."""
    other = other_system(rule, setting)
    population = population_of(gate, rule.left, setting.spec)
    split = population_split(population, setting.columns)
    metric = bind(bare(rule.left), setting.frame)
    check_bar(rule, metric.name, metric.unit)
    ask = Ask(metric.total, split)
    words = f"{words_of(population)}, shared with {other}"

    def finish(answers: Answers) -> GateEvidence:
        try:
            measured = measure(metric, answers[other][ask], 0, setting.frame.profile)
        except Unmeasurable as error:
            return unknown(gate, rule, metric.name, words, str(error), metric.unit)
        return with_notes(
            evidence_of(gate, rule, metric.name, measured, words, 0), sampling_notes(setting.spec, population)
        )

    return GatePlan(gate, ((other, ask),), {other: groups_for(metric, setting.frame.profile)}, finish)
