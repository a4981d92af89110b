"""ratio, gap, worst and equalised_odds: the groups of one or more columns, every one of which must do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import prod

import numpy as np

from shipworthy.define.rules import Call, Population, Rule, columns_compared, metrics_within
from shipworthy.define.spec import Gate
from shipworthy.errors import UsageError, nearest
from shipworthy.evidence.estimating import Measured, estimate_of
from shipworthy.evidence.gates.one_population import check_bar, count_unscored, unscored_total
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
from shipworthy.evidence.gates.settling import exact_asks, measure_settled
from shipworthy.evidence.metric import Metric, Unmeasurable, bind
from shipworthy.evidence.populations import group_split, population_sql
from shipworthy.records import Estimate, GateEvidence, GroupPart
from shipworthy.stats.confidence import Confidence, Difference, Proportion, Ratio, Side
from shipworthy.stats.group_sizes import largest_provable_ratio, smallest_provable_ratio
from shipworthy.tables.duck import quote
from shipworthy.tables.totals import Ask, Split, Table, Total

__all__ = ["plan_groups"]

#: Most groups that are compared; crossed columns may have more combinations, most of them empty.
MOST_GROUPS = 40
MOST_COMBINATIONS = 2_000
FEW_CASES = 30

FOUR_FIFTHS = (
    "Four fifths is a screen: reaching it proves neither fairness nor compliance with any law, "
    "and missing it is a reason to look closer."
)


@dataclass(frozen=True, eq=False)
class _Groups:
    """The groups a rule compares.

    Args:
        split: One population per group.
        missing: Ask for the rows that belong to no group, because a column is empty.
        reference: The group all others are set against; None where every pair counts.
        words: The columns in words.
    """

    split: Split
    missing: Ask
    reference: str | None
    words: str


@dataclass(frozen=True, eq=False)
class _Contrast:
    """One thing that must satisfy the bar: a group, or a group against another.

    Args:
        name: In words, such as "Asian over Caucasian".
        own: The group's confidence.
        other: The other group's; None where the group stands alone.
        is_ratio: Whether the two are divided, not subtracted.
        groups: Name of the group, or of both.
    """

    name: str
    own: Measured
    other: Measured | None
    is_ratio: bool
    groups: tuple[str, ...]

    @cached_property
    def confidence(self) -> Confidence:
        if self.other is None:
            return self.own.confidence
        form = Ratio if self.is_ratio else Difference
        return form(self.own.confidence, self.other.confidence)

    @property
    def sides(self) -> tuple[Measured, ...]:
        return (self.own,) if self.other is None else (self.own, self.other)

    @property
    def n(self) -> int:
        return sum(part.n for part in self.sides)

    @cached_property
    def blur(self) -> float:
        """Largest error that binning can have made."""
        if self.other is None or not (self.own.blur or self.other.blur):
            return self.own.blur
        if not self.is_ratio:
            return self.own.blur + self.other.blur
        least = self.other.confidence.value - self.other.blur
        return (self.own.blur + self.confidence.value * self.other.blur) / least if least > 0 else np.inf

    def bound(self, side: Side, confidence: float) -> float:
        return self._widened(self.confidence.bound(side, confidence), side)

    def _widened(self, bound: float, side: Side) -> float:
        return bound - self.blur if side == "lower" else bound + self.blur

    def limit(self, side: Side, confidence: float, farthest: Side) -> float:
        """Return a cheap limit of a bound: the bound lies on the inner side of it.

        Args:
            side: Side of the bound.
            confidence: One-sided confidence of the bound.
            farthest: Whether an "upper" or a "lower" limit is wanted.

        Source: for independent A and B, both lie beyond their outer quantiles with the product of the tails.
        """
        if self.other is None:
            return self.bound(side, confidence)
        risk = 1 - confidence
        # Outward from the bound one group or the other gives way, so half the risk each; inward both must.
        tail = risk / 2 if farthest == side else 1 - risk**0.5
        own_side: Side = side
        other_side: Side = "lower" if side == "upper" else "upper"
        up = farthest == "upper"
        own = self.own.confidence.quantiles(own_side, np.array([1 - tail if up else tail]))[0]
        other = self.other.confidence.quantiles(other_side, np.array([tail if up else 1 - tail]))[0]
        if not self.is_ratio:
            return self._widened(float(own - other), side)
        own, other = max(float(own), 0.0), max(float(other), 0.0)
        return self._widened(own / other if other > 0 else (np.inf if up else 0.0), side)


def plan_groups(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
    """Plan a bar that every group, or every pair of groups, of some columns must satisfy."""
    call = rule.left
    inner = metrics_within(call)
    columns = columns_compared(call)
    _check_form(rule, inner, columns, setting)
    whole = call.population.joined(inner[0].population)
    population = population_of(gate, Call(call.name, population=whole), setting.spec)
    metrics = tuple(bind(bare(metric), setting.frame) for metric in inner)
    if call.name == "worst":
        check_bar(rule, metrics[0].name, metrics[0].unit)
    groups = _groups_of(call, columns, population_sql(population, setting.columns), setting)
    asks = {metric.name: Ask(metric.total, groups.split) for metric in metrics}
    planned = Ask(unscored_total(), groups.split)
    words = f"{words_of(population)}, by {groups.words}"

    def finish(answers: Answers) -> GateEvidence:
        found = answers[SUBJECT]
        held = [code for code in range(len(groups.split.labels)) if found[planned].at(code)[0].sum() > 0]
        if len(held) > MOST_GROUPS:
            reason = f"{groups.words} make {len(held)} groups, and at most {MOST_GROUPS} are compared"
            return unknown(gate, rule, str(call), words, reason, _unit(rule, metrics[0]))
        comparing = _Comparing(gate, rule, setting, metrics, groups, words)
        lost = {groups.split.labels[code]: count_unscored(found[planned], code) for code in held}
        evidence = comparing.evidence(found, [asks[metric.name] for metric in metrics], held, lost)
        outside = int(found[groups.missing].at(0)[0].sum())
        if outside:
            evidence = with_notes(
                evidence, (f"{outside:,} rows have no {groups.words} and belong to no group.",)
            )
        return with_notes(evidence, sampling_notes(setting.spec, Population()))

    everything = (*asks.values(), planned, groups.missing)
    needed = max(groups_for(metric, setting.frame.profile) for metric in metrics)
    exact = tuple((SUBJECT, ask) for ask in exact_asks(metrics, groups.split))
    return GatePlan(gate, tuple((SUBJECT, ask) for ask in everything), {SUBJECT: needed}, finish, exact=exact)


def _check_form(rule: Rule, inner: tuple[Call, ...], columns: tuple[str, ...], setting: Setting) -> None:
    call = rule.left
    example = f"{call.name}(race)" if call.name == "equalised_odds" else f"{call.name}(fpr, race)"
    if not inner or not columns:
        what = "a column" if call.name == "equalised_odds" else "a metric and a column"
        raise UsageError(f"{call.name} needs {what}, as in {example}.", fix="Write it so.")
    if call.name == "equalised_odds":
        if rule.at_least:
            raise UsageError(
                "equalised_odds is the largest difference between groups, so its bar is the most allowed.",
                fix="Write equalised_odds(race) <= 10pt.",
            )
        check_bar(rule, call.name, "share")
    for column in columns:
        if column not in setting.columns:
            known = [name for name in setting.columns if not name.startswith("#")]
            raise UsageError(
                f"{call.name} groups by the column {column!r}, which the rows do not have.",
                fix=nearest(column, known),
            )
    taken = () if call.name == "worst" else ("reference",)
    for name, _value in call.named:
        if name not in taken:
            raise UsageError(
                f"{call.name} does not take {name}=.",
                fix="It takes reference=GROUP." if taken else "It compares no groups with each other.",
            )


def _groups_of(call: Call, columns: tuple[str, ...], condition: str, setting: Setting) -> _Groups:
    """Return the groups of the columns, every combination of their values where there are several.

    Raises:
        UsageError: If the reference is no group.
        Unmeasurable: If there are too few or too many groups.
    """
    values = {column: setting.values_of(column, condition) for column in columns}
    for column, held in values.items():
        if len(held) < 2:
            raise Unmeasurable(f"{column} has fewer than two groups here")
        if len(held) > MOST_GROUPS:
            raise Unmeasurable(
                f"{column} has more than {MOST_GROUPS} groups; pick some with [{column} in (...)]"
            )
    if prod(len(held) for held in values.values()) > MOST_COMBINATIONS:
        raise Unmeasurable(f"{', '.join(columns)} have more than {MOST_COMBINATIONS:,} combinations")
    labels = tuple(", ".join(combination) for combination in product(*values.values()))
    reference = dict(call.named).get("reference")
    if reference is not None and reference not in labels:
        raise UsageError(
            f"The reference group {reference!r} does not occur in {' by '.join(columns)}.",
            fix=nearest(reference, labels),
        )
    code = ""
    for column, held in values.items():
        own = group_split(column, tuple(held), condition).sql
        code = own if not code else f"({code}) * {len(held)} + ({own})"
    empty = " OR ".join(f"{quote(column)} IS NULL" for column in columns)
    missing = Split("no group", f"CASE WHEN ({condition}) AND ({empty}) THEN 0 END", ("no group",))
    return _Groups(
        Split(", ".join(columns), code, labels), Ask(Total(), missing), reference, " by ".join(columns)
    )


def _unit(rule: Rule, metric: Metric) -> str:
    if rule.left.name == "ratio":
        return "ratio"
    return metric.unit if rule.left.name == "worst" else unit_of_gap(metric.unit)


@dataclass(frozen=True, eq=False)
class _Comparing:
    """Everything that turns the groups' tables into evidence."""

    gate: Gate
    rule: Rule
    setting: Setting
    metrics: tuple[Metric, ...]
    groups: _Groups
    words: str

    @property
    def name(self) -> str:
        return self.metrics[0].name if len(self.metrics) == 1 else self.rule.left.name

    def evidence(
        self,
        answers: Mapping[Ask, Table],
        asks: Sequence[Ask],
        held: Sequence[int],
        lost: Mapping[str, int],
    ) -> GateEvidence:
        """Return what the groups show; the worst of them decides.

        Args:
            answers: What was asked of the rows.
            asks: The ask of each metric.
            held: Codes of the groups that occur.
            lost: Unscored rows of each of them.
        """
        parts: list[GroupPart] = []
        reasons: list[str] = []
        contrasts: list[_Contrast] = []
        evened: list[_Contrast] = []
        for metric, ask in zip(self.metrics, asks, strict=True):
            measured = self._measured(metric, answers, ask, held, parts, reasons)
            if len(measured) < 2:
                reason = "fewer than two groups can be measured: " + "; ".join(reasons[:3])
                silent = unknown(
                    self.gate, self.rule, self.name, self.words, reason, _unit(self.rule, metric)
                )
                return with_parts(silent, tuple(parts))
            contrasts += self._contrasts(metric, measured)
            evened += self._contrasts(metric, _evened(measured, lost))
        if not contrasts:
            reason = "the reference group cannot be measured: " + "; ".join(reasons[:3])
            silent = unknown(
                self.gate, self.rule, self.name, self.words, reason, _unit(self.rule, self.metrics[0])
            )
            return with_parts(silent, tuple(parts))
        decided = self._decided(contrasts, tuple(parts), reasons)
        return self._with_unscored(decided, contrasts, evened, reasons, lost)

    def _measured(
        self,
        metric: Metric,
        answers: Mapping[Ask, Table],
        ask: Ask,
        held: Sequence[int],
        parts: list[GroupPart],
        reasons: list[str],
    ) -> dict[str, Measured]:
        found: dict[str, Measured] = {}
        many = len(self.metrics) > 1
        for code in held:
            group = self.groups.split.labels[code]
            title = f"{group}: {metric.name}" if many else group
            try:
                found[group] = measure_settled(metric, answers, ask, code, self.setting.frame.profile)
                own = found[group]
                parts.append(GroupPart(title, estimate_of(own.confidence, metric.unit, own.n, own.blur)))
            except Unmeasurable as error:
                parts.append(GroupPart(title, Estimate.unknown_because(str(error), metric.unit)))
                reasons.append(f"{title}: {error}")
        return found

    def _contrasts(self, metric: Metric, measured: dict[str, Measured]) -> list[_Contrast]:
        form, reference = self.rule.left.name, self.groups.reference
        if form == "worst":
            return [
                _Contrast(f"{self.groups.words} {group}", own, None, False, (group,))
                for group, own in measured.items()
            ]
        word = "over" if form == "ratio" else "less"
        of = f" ({metric.name})" if len(self.metrics) > 1 else ""
        found = [
            _Contrast(f"{a} {word} {b}{of}", measured[a], measured[b], form == "ratio", (a, b))
            for a in measured
            for b in measured
            if a != b and (reference is None or reference in (a, b))
        ]
        if reference is None or form == "equalised_odds":
            return found
        return [contrast for contrast in found if contrast.groups[1] == reference]

    def _decided(
        self, contrasts: list[_Contrast], parts: tuple[GroupPart, ...], reasons: list[str]
    ) -> GateEvidence:
        rule, confidence = self.rule, self.gate.confidence
        at_most = not rule.at_least
        proving, proven, breaking, broken = self._ends(contrasts)
        is_broken = broken > rule.bar if at_most else broken < rule.bar
        decisive = breaking if is_broken else proving
        # A group without a number satisfies nothing.
        toward_bar = None if reasons else finite(proven)
        unit = _unit(rule, self.metrics[0])
        n = decisive.n if rule.left.name == "worst" else _rows_behind(contrasts)
        evidence = GateEvidence(
            gate_id=self.gate.id,
            rule=rule.text,
            metric=self.name,
            better=direction_of(rule),
            strict=rule.operator in ("<", ">"),
            bar=rule.bar,
            estimate=estimate_of(decisive.confidence, unit, n, decisive.blur),
            lower=finite(broken) if at_most else toward_bar,
            upper=toward_bar if at_most else finite(broken),
            confidence=confidence,
            bound_method=f"{decisive.confidence.method}; worst of {len(contrasts)} "
            f"{'groups' if rule.left.name == 'worst' else 'pairs'}",
            population=self.words,
            parts=parts,
            blur=max(contrast.blur for contrast in contrasts),
        )
        evidence = sized(evidence, decisive.confidence, n, rule, self.gate)
        return with_notes(evidence, self._notes(decisive, contrasts, reasons))

    def _ends(self, contrasts: Sequence[_Contrast]) -> tuple[_Contrast, float, _Contrast, float]:
        """Return what is farthest on the wrong side with its bound: the one that proves, the one that breaks.

        Every one must satisfy the bar, so no correction to say "met"; any one may break it, so Bonferroni
        over all of them to say "not met".
        """
        at_most, confidence = not self.rule.at_least, self.gate.confidence
        strictly = 1 - (1 - confidence) / len(contrasts)
        toward: Side = "upper" if at_most else "lower"
        away: Side = "lower" if at_most else "upper"
        return (
            *_extreme(contrasts, toward, confidence, toward),
            *_extreme(contrasts, away, strictly, toward),
        )

    def _with_unscored(
        self,
        evidence: GateEvidence,
        contrasts: Sequence[_Contrast],
        evened: Sequence[_Contrast],
        reasons: Sequence[str],
        lost: Mapping[str, int],
    ) -> GateEvidence:
        """Add what the unscored rows could do, each in its own group.

        At worst the rows of a group count against it and those of the other for that one, which drives
        apart the two that decide. At best each rule that looks one way has it the other way round; where
        every pair counts both ways, the rows bring all groups as near to each other as they can.
        """
        unscored = sum(lost.values())
        evidence = replace(evidence, unscored=unscored)
        if not unscored or any(part.metric.extremes is None for c in contrasts for part in c.sides):
            return evidence
        at_most = not self.rule.at_least
        worst = _pushed(contrasts, lost, up=at_most)
        best = _pushed(contrasts, lost, up=not at_most) if self._looks_one_way else evened
        ends = []
        for pushed in (worst, best):
            _proving, proven, _breaking, broken = self._ends(pushed)
            toward_bar = None if reasons else finite(proven)
            ends.append((finite(broken), toward_bar) if at_most else (toward_bar, finite(broken)))
        (worst_lower, worst_upper), (best_lower, best_upper) = ends
        return replace(
            evidence,
            worst_lower=worst_lower,
            worst_upper=worst_upper,
            best_lower=best_lower,
            best_upper=best_upper,
        )

    @property
    def _looks_one_way(self) -> bool:
        """Whether no group is the first of one pair and the second of another."""
        form = self.rule.left.name
        return form == "worst" or (self.groups.reference is not None and form != "equalised_odds")

    def _notes(self, decisive: _Contrast, contrasts: list[_Contrast], reasons: list[str]) -> tuple[str, ...]:
        n = " and ".join(f"{part.n:,}" for part in (decisive.own, decisive.other) if part is not None)
        # A group's value alone, such as 1, names nothing; the worst group bears its column already.
        column = "" if self.rule.left.name == "worst" else f"{self.groups.words} "
        notes = [f"Decided by {column}{decisive.name} (n {n})."]
        notes += [f"{reason}, so nothing can be proven for that group." for reason in reasons]
        sizes = {
            group: measured.n
            for contrast in contrasts
            for group, measured in zip(contrast.groups, (contrast.own, contrast.other), strict=False)
            if measured is not None
        }
        few = [f"{group} ({n})" for group, n in sizes.items() if n < FEW_CASES]
        if few:
            notes.append(f"Fewer than {FEW_CASES} cases: {', '.join(few)}.")
        if self.rule.left.name == "ratio":
            notes.append(self._provable(decisive))
            if metrics_within(self.rule.left)[0].name == "selection_rate":
                notes.append(FOUR_FIFTHS)
        return tuple(note for note in notes if note)

    def _provable(self, decisive: _Contrast) -> str:
        """Say which ratio the sizes of the deciding groups could prove, where they are plain proportions."""
        own, other = decisive.own.confidence, decisive.other and decisive.other.confidence
        if not isinstance(own, Proportion) or not isinstance(other, Proportion) or not self.rule.bar > 0:
            return ""
        if int(own.n) < 1 or int(other.n) < 1 or other.value == 0:
            return ""
        search: Callable[..., float | None] = (
            smallest_provable_ratio if self.rule.at_least else largest_provable_ratio
        )
        ratio = search(self.rule.bar, int(own.n), other.value, int(other.n), self.gate.confidence)
        first, second = decisive.groups
        sizes = f"The groups' sizes, {int(own.n):,} for {first} and {int(other.n):,} for {second}"
        if ratio is None:
            return f"{sizes}, are too small: no ratio seen between them could prove {self.rule.bar:g}."
        word = "at least" if self.rule.at_least else "at most"
        return f"{sizes}, can prove {self.rule.bar:g} only where the ratio seen is {word} {ratio:.2f}."


def _pushed(contrasts: Sequence[_Contrast], lost: Mapping[str, int], up: bool) -> list[_Contrast]:
    """Return contrasts as if the unscored rows of their groups had raised, or lowered, each of them."""
    known: dict[tuple[int, bool], Measured] = {}

    def further(measured: Measured, group: str, is_high: bool) -> Measured:
        key = id(measured), is_high
        if key not in known:
            rows = lost[group]
            known[key] = measured.with_further(0 if is_high else rows, rows if is_high else 0) or measured
        return known[key]

    return [
        replace(
            contrast,
            own=further(contrast.own, contrast.groups[0], up),
            other=None if contrast.other is None else further(contrast.other, contrast.groups[1], not up),
        )
        for contrast in contrasts
    ]


def _evened(measured: Mapping[str, Measured], lost: Mapping[str, int]) -> dict[str, Measured]:
    """Return groups as if their unscored rows had brought them as near to each other as they can."""
    extremes = next(iter(measured.values())).metric.extremes
    if extremes is None or not any(lost[group] for group in measured):
        return dict(measured)
    low, high = extremes
    size = {group: own.n + lost[group] for group, own in measured.items()}
    seen = {group: own.n * own.confidence.value for group, own in measured.items()}
    reach = [((seen[g] + lost[g] * low) / size[g], (seen[g] + lost[g] * high) / size[g]) for g in measured]
    middle = (max(least for least, _most in reach) + min(most for _least, most in reach)) / 2
    found = {}
    for group, own in measured.items():
        rows = lost[group]
        raised = (middle * size[group] - seen[group] - rows * low) / (high - low)
        highs = min(rows, max(0, round(raised)))
        found[group] = own.with_further(rows - highs, highs) or own
    return found


def _rows_behind(contrasts: Sequence[_Contrast]) -> int:
    """Return the units of all groups, each counted once."""
    measured = {id(part): part.n for c in contrasts for part in (c.own, c.other) if part is not None}
    return sum(measured.values())


def _extreme(
    contrasts: Sequence[_Contrast], side: Side, confidence: float, farthest: Side
) -> tuple[_Contrast, float]:
    """Return the contrast whose bound lies farthest out, and that bound.

    A bound takes tens of milliseconds and there may be a thousand pairs, so pairs whose cheap limit cannot
    reach the best bound so far are left out.

    Args:
        contrasts: At least one.
        side: Side of the bounds.
        confidence: One-sided confidence of the bounds.
        farthest: Whether the largest ("upper") or the smallest ("lower") bound is wanted.
    """
    sign = 1.0 if farthest == "upper" else -1.0
    limits = [sign * contrast.limit(side, confidence, farthest) for contrast in contrasts]
    best, reached = contrasts[0], -np.inf
    for index in np.argsort(limits)[::-1]:
        if limits[index] <= reached:
            break
        bound = sign * contrasts[index].bound(side, confidence)
        if bound > reached:
            best, reached = contrasts[index], bound
    return best, float(sign * reached)
