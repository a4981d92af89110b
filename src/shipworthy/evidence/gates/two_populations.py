"""metric[a] OP metric[b] + offset: one metric on two populations of one run."""

from __future__ import annotations

from shipworthy.define.rules import Rule
from shipworthy.define.spec import Gate
from shipworthy.errors import UsageError
from shipworthy.evidence.estimating import estimate_of, measure
from shipworthy.evidence.gates.one_population import unscored_total
from shipworthy.evidence.gates.proof import (
    from_confidence,
    sampling_notes,
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
from shipworthy.evidence.metric import Unmeasurable, bind
from shipworthy.evidence.populations import population_sql, two_population_split
from shipworthy.records import GateEvidence, GroupPart
from shipworthy.stats.confidence import Difference
from shipworthy.tables.totals import Ask, Split

__all__ = ["plan_two_populations"]


def plan_two_populations(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
    """Plan a bar on one metric between two populations; a slice is set against its complement."""
    right = rule.right
    if right is None or str(bare(right)) != str(bare(rule.left)):
        raise UsageError(
            "A rule with two metrics compares one metric on two populations.",
            fix="Write accuracy[a = x] >= accuracy[a = y] - 5pt; for two systems use delta(metric, live).",
        )
    metric = bind(bare(rule.left), setting.frame)
    if metric.total.grain.name != "row":
        raise Unmeasurable(f"{metric.name} cannot be compared between populations of one run yet")
    ours = population_of(gate, rule.left, setting.spec)
    theirs = population_of(gate, right, setting.spec)
    left_sql = population_sql(ours, setting.columns)
    right_sql = population_sql(theirs, setting.columns)
    nested = set(theirs.conditions) <= set(ours.conditions)
    # The slice is set against its complement, on disjoint rows.
    split = two_population_split(rule.text, ours, theirs, setting.columns)
    overlap = Split("overlap", f"CASE WHEN ({left_sql}) AND ({right_sql}) THEN 0 END", ("both",))
    ask, both = Ask(metric.total, split), Ask(unscored_total(), overlap)
    apart = nested or any(reading.is_disjoint for reading in split.readings)
    asks = ((SUBJECT, ask),) if apart else ((SUBJECT, ask), (SUBJECT, both))
    words = f"{words_of(ours)} against {words_of(theirs)}"

    def finish(answers: Answers) -> GateEvidence:
        profile = setting.frame.profile
        overlapping = 0 if apart else int(answers[SUBJECT][both].counts.sum())
        if overlapping:
            reason = f"the two populations share {overlapping} rows; compare disjoint ones"
            return unknown(gate, rule, metric.name, words, reason, metric.unit)
        try:
            first = measure(metric, answers[SUBJECT][ask], 0, profile)
            second = measure(metric, answers[SUBJECT][ask], 1, profile)
        except Unmeasurable as error:
            return unknown(gate, rule, metric.name, words, str(error), metric.unit)
        share_of_rest = second.n / (first.n + second.n) if nested else 1.0
        gap = Difference(first.confidence, second.confidence, share_of_rest)
        parts = (
            GroupPart(words_of(ours), estimate_of(first.confidence, metric.unit, first.n)),
            GroupPart(
                "the rest of " + words_of(theirs) if nested else words_of(theirs),
                estimate_of(second.confidence, metric.unit, second.n),
            ),
        )
        evidence = from_confidence(
            gate, rule, metric.name, gap, first.n + second.n, words, unit_of_gap(metric.unit)
        )
        notes = sampling_notes(setting.spec, ours)
        if nested:
            notes += ("The slice is compared with its complement, on disjoint rows.",)
        return with_notes(with_parts(evidence, parts), notes)

    return GatePlan(gate, asks, {SUBJECT: groups_for(metric, setting.frame.profile)}, finish)
