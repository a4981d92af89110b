"""metric[a] OP metric[b] + offset: one metric on two populations of one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shipworthy.define.rules import Rule
from shipworthy.define.spec import Gate
from shipworthy.errors import UsageError
from shipworthy.evidence.estimating import Measured, estimate_of
from shipworthy.evidence.gates.one_population import count_unscored, unscored_total
from shipworthy.evidence.gates.proof import (
    finite,
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
from shipworthy.evidence.gates.settling import exact_asks, measure_settled
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
    ask, both, lost = Ask(metric.total, split), Ask(unscored_total(), overlap), Ask(unscored_total(), split)
    apart = nested or any(reading.is_disjoint for reading in split.readings)
    asks = tuple((SUBJECT, each) for each in ((ask, lost) if apart else (ask, lost, both)))
    words = f"{words_of(ours)} against {words_of(theirs)}"

    def finish(answers: Answers) -> GateEvidence:
        profile = setting.frame.profile
        overlapping = 0 if apart else int(answers[SUBJECT][both].counts.sum())
        if overlapping:
            reason = f"the two populations share {overlapping} rows; compare disjoint ones"
            return unknown(gate, rule, metric.name, words, reason, metric.unit)
        try:
            first, second = (measure_settled(metric, answers[SUBJECT], ask, code, profile) for code in (0, 1))
        except Unmeasurable as error:
            return unknown(gate, rule, metric.name, words, str(error), metric.unit)
        parts = (
            GroupPart(words_of(ours), estimate_of(first.confidence, metric.unit, first.n, first.blur)),
            GroupPart(
                "the rest of " + words_of(theirs) if nested else words_of(theirs),
                estimate_of(second.confidence, metric.unit, second.n, second.blur),
            ),
        )
        n, unit = first.n + second.n, unit_of_gap(metric.unit)
        gap = _gap(first, second, nested)
        blur = first.blur + gap.scale * second.blur
        evidence = from_confidence(gate, rule, metric.name, gap, n, words, unit, blur)
        evidence = _with_unscored(
            evidence, first, second, nested, [count_unscored(answers[SUBJECT][lost], code) for code in (0, 1)]
        )
        notes = sampling_notes(setting.spec, ours)
        if nested:
            notes += ("The slice is compared with its complement, on disjoint rows.",)
        return with_notes(with_parts(evidence, parts), notes)

    needed = {SUBJECT: groups_for(metric, setting.frame.profile)}
    exact = tuple((SUBJECT, each) for each in exact_asks((metric,), split))
    return GatePlan(gate, asks, needed, finish, exact=exact)


def _gap(first: Measured, second: Measured, nested: bool) -> Difference:
    """Return first less second; for a slice and its complement, first less both together."""
    share_of_rest = second.n / (first.n + second.n) if nested else 1.0
    return Difference(first.confidence, second.confidence, share_of_rest)


def _with_unscored(
    evidence: GateEvidence, first: Measured, second: Measured, nested: bool, lost: Sequence[int]
) -> GateEvidence:
    """Add what the unscored rows could do: at worst those of each population drive the two apart."""
    evidence = replace(evidence, unscored=sum(lost))
    highest = first.with_further(0, lost[0]), second.with_further(lost[1], 0)
    lowest = first.with_further(lost[0], 0), second.with_further(0, lost[1])
    if not sum(lost) or highest[0] is None or highest[1] is None or lowest[0] is None or lowest[1] is None:
        return evidence
    up, down = _gap(highest[0], highest[1], nested), _gap(lowest[0], lowest[1], nested)
    worst, best = (down, up) if evidence.better == "at_least" else (up, down)
    return replace(
        evidence,
        worst_lower=finite(worst.bound("lower", evidence.confidence)),
        worst_upper=finite(worst.bound("upper", evidence.confidence)),
        best_lower=finite(best.bound("lower", evidence.confidence)),
        best_upper=finite(best.bound("upper", evidence.confidence)),
    )
