"""failures: a list of cases that must pass, by name and without a rate."""

from __future__ import annotations

from shipworthy.define.rules import Rule
from shipworthy.define.spec import Gate
from shipworthy.evidence.gates.one_population import count_unscored, unscored_total
from shipworthy.evidence.gates.proof import (
    direction_of,
    unknown,
)
from shipworthy.evidence.gates.setting import (
    SUBJECT,
    Answers,
    GatePlan,
    Setting,
    population_of,
    words_of,
)
from shipworthy.evidence.metric import Unmeasurable
from shipworthy.evidence.populations import population_split, population_sql
from shipworthy.records import Estimate, GateEvidence
from shipworthy.tables.totals import Ask, Total

__all__ = ["plan_must_pass"]


def plan_must_pass(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
    """Plan a list of cases that must pass."""
    if not setting.frame.has("ok"):
        raise Unmeasurable("no row is right or wrong")
    population = population_of(gate, rule.left, setting.spec)
    condition = population_sql(population, setting.columns)
    split = population_split(population, setting.columns)
    key = setting.frame.flag_key("wrong", "ok = 0")
    ask, lost = Ask(Total(by=(key,)), split), Ask(unscored_total(), split)

    def finish(answers: Answers) -> GateEvidence:
        counts, _sums = answers[SUBJECT][ask].at(0)
        whole = counts.sum(axis=0)
        failing, n = int(whole[1]), int(whole[:2].sum())
        unscored = count_unscored(answers[SUBJECT][lost])
        if not n:
            return unknown(gate, rule, "failures", words_of(population), "no row is scored", "number")
        estimate = Estimate(
            float(failing), float(failing), float(failing), n, "cases", "counted, no interval"
        )
        return GateEvidence(
            gate_id=gate.id,
            rule=rule.text,
            metric="failures",
            better=direction_of(rule),
            strict=rule.operator in ("<", ">"),
            bar=rule.bar,
            estimate=estimate,
            lower=float(failing),
            upper=float(failing + unscored),
            confidence=gate.confidence,
            bound_method="counted: these cases must pass, and no rate is inferred",
            population=words_of(population),
            successes=failing,
            unscored=unscored,
            notes=("A must-pass list: it names the failing cases and infers no rate.",),
        )

    listing = f"ok = 0 AND {condition}"
    return GatePlan(gate, ((SUBJECT, ask), (SUBJECT, lost)), {}, finish, listing)
