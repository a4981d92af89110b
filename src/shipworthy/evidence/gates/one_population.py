"""metric OP bar, on one population."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

from shipworthy.define.rules import Population, Rule
from shipworthy.define.spec import Gate
from shipworthy.errors import UsageError
from shipworthy.evidence.estimating import Measured
from shipworthy.evidence.gates.label_noise import label_noise_notes
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
from shipworthy.evidence.gates.settling import exact_asks, measure_settled
from shipworthy.evidence.judging import with_judge
from shipworthy.evidence.metric import CellMean, Metric, Unmeasurable, bind
from shipworthy.evidence.metrics.discrimination import FEWEST_CALIBRATED, CalibrationError
from shipworthy.evidence.populations import population_split
from shipworthy.records import GateEvidence
from shipworthy.tables.row_plan import RowsProfile
from shipworthy.tables.totals import LOST, Ask, Grain, Table, Total

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
            measured = measure_settled(metric, answers[SUBJECT], ask, 0, profile)
        except Unmeasurable as error:
            reason = _nobody_has(population, setting) or str(error)
            silent = unknown(gate, rule, metric.name, words_of(population), reason, metric.unit)
            return with_judge(silent, metric, answers[SUBJECT][ask].at(0)[0])
        if isinstance(measured.metric, CalibrationError) and measured.n < FEWEST_CALIBRATED:
            reason = f"{measured.n} rows give it no honest bound; {FEWEST_CALIBRATED} are the least"
            return unknown(gate, rule, metric.name, words_of(population), reason, metric.unit)
        unscored = count_unscored(answers[SUBJECT][lost])
        evidence = evidence_of(gate, rule, metric.name, measured, words_of(population), unscored)
        evidence = with_judge(evidence, metric, answers[SUBJECT][ask].at(0)[0])
        evidence = replace(evidence, out_of=_units_in_all(metric, profile))
        notes = sampling_notes(setting.spec, population) + size_notes(measured)
        if not population.conditions:
            notes += _left_out_notes(measured, profile)
        return with_notes(evidence, notes + label_noise_notes(evidence, measured))

    return GatePlan(
        gate,
        ((SUBJECT, ask), (SUBJECT, lost)),
        {SUBJECT: groups_for(metric, setting.frame.profile)},
        finish,
        counted=(metric, split) if _is_plain_rate(metric) and 0 < rule.bar < 1 else None,
        exact=tuple((SUBJECT, exact) for exact in exact_asks((metric,), split)),
    )


def _left_out_notes(measured: Measured, profile: RowsProfile) -> tuple[str, ...]:
    """Say how many rows without a score are left out of a ranking: a system could hide its failures so."""
    left_out = profile.scored + profile.failed - measured.n
    if profile.weighted or left_out <= 0 or all(key.name != "score" for key in measured.metric.total.by):
        return ()
    return (f"{left_out:,} rows have no score and are left out of it: gate failed_share beside it.",)


def _units_in_all(metric: Metric, profile: RowsProfile) -> int:
    """Return how many units there are of which a metric may count some; 0 where a unit is a row."""
    return {"query": profile.queries, "case": profile.cases}.get(metric.total.grain.name, 0)


def _is_plain_rate(metric: Metric) -> TypeGuard[CellMean]:
    """Return whether each row counts once, as a success or not."""
    plain = metric.total.grain.name == "row" and not metric.total.grain.inner
    return plain and isinstance(metric, CellMean) and metric.is_rate


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
    return Total(by=(LOST,), grain=Grain("planned"))


def count_unscored(table: Table, code: int = 0) -> int:
    """Return the number of unscored rows in a population.

    Args:
        table: The answer to `unscored_total`.
        code: The population's code.
    """
    counts, _sums = table.at(code)
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
