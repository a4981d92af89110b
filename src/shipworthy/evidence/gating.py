"""One gate: what it asks of the rows, and what was measured for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from scipy.special import ndtr, ndtri

from shipworthy.define.rules import Call, Population, Rule
from shipworthy.define.spec import Gate, Spec
from shipworthy.errors import UsageError
from shipworthy.evidence.estimating import Measured, estimate_of, measure
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import CellMean, Metric, Unmeasurable, bind
from shipworthy.evidence.pairing import bind_pair
from shipworthy.evidence.populations import population_split, population_sql
from shipworthy.records import Direction, Estimate, GateEvidence, GroupPart
from shipworthy.stats import sizing
from shipworthy.stats.confidence import Confidence, Difference, Proportion, Ratio
from shipworthy.tables.duck import quote, text_literal
from shipworthy.tables.rows import RowsProfile
from shipworthy.tables.totals import Ask, Grain, Key, Split, Table, Total

__all__ = ["SUBJECT", "GatePlan", "Groups", "plan_gate"]

SUBJECT = "subject"
MOST_GROUPS = 20

Answers = dict[str, dict[Ask, Table]]


@dataclass(frozen=True)
class Groups:
    """The values of a column that a rule compares, with their codes as SQL."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class GatePlan:
    """What a gate asks, and how its answers become evidence.

    Args:
        gate: The gate.
        asks: Source ("subject" or a system's name) and ask.
        groups: Number of cluster groups each source needs.
        finish: Answers -> evidence.
        listing: Condition whose rows should be listed by id (must-pass rules); None otherwise.
    """

    gate: Gate
    asks: tuple[tuple[str, Ask], ...]
    groups: dict[str, int]
    finish: Callable[[Answers], GateEvidence]
    listing: str | None = None


@dataclass(frozen=True)
class Setting:
    """All that planning a gate may look at.

    Args:
        spec: The spec.
        frame: The subject's frame.
        others: Profile of each other system by name.
        values_of: Column and condition -> its values, commonest first.
        shared: Rows shared with each other system.
    """

    spec: Spec
    frame: Frame
    others: dict[str, RowsProfile]
    values_of: Callable[[str, str], list[str]]
    notes: list[str] = field(default_factory=list)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that conditions may name."""
        return self.frame.profile.columns


def plan_gate(gate: Gate, setting: Setting) -> GatePlan:
    """Plan one gate; whatever cannot be measured becomes evidence that says why.

    Args:
        gate: The gate.
        setting: The spec and the rows.

    Raises:
        UsageError: If the rule names something that does not exist.
    """
    rule = gate.parsed
    try:
        if rule.right is not None:
            return _plan_two_sides(gate, rule, setting)
        form = {
            "delta": _plan_delta,
            "ratio": _plan_groups,
            "gap": _plan_groups,
            "negative_flips": _plan_flips,
            "failures": _plan_failures,
        }.get(rule.left.name, _plan_plain)
        return form(gate, rule, setting)
    except Unmeasurable as error:
        return _silent(gate, rule, setting, str(error))


def _population(gate: Gate, call: Call, spec: Spec) -> Population:
    """Return the rows a call speaks of; its own stratum replaces the default one."""
    names_stratum = any(condition.column == "stratum" for condition in call.population.conditions)
    if gate.on is None and names_stratum:
        return call.population
    return spec.population_of(gate).joined(call.population)


def _words(population: Population) -> str:
    return str(population) or "all cases"


def _groups_for(metric: Metric, profile: RowsProfile) -> int:
    return profile.groups if profile.clustered else 1


# -- plain: metric OP bar --------------------------------------------------------------------------------


def _plan_plain(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
    population = _population(gate, rule.left, setting.spec)
    split = population_split(population, setting.columns)
    metric = bind(_bare(rule.left), setting.frame)
    _check_bar(rule, metric)
    ask = Ask(metric.total, split)
    lost = Ask(_unscored_total(), split)

    def finish(answers: Answers) -> GateEvidence:
        profile = setting.frame.profile
        try:
            measured = measure(metric, answers[SUBJECT][ask], 0, profile)
        except Unmeasurable as error:
            return _unknown(gate, rule, metric.name, _words(population), str(error), metric.unit)
        unscored = _count_unscored(answers[SUBJECT][lost])
        evidence = _evidence(gate, rule, metric.name, measured, _words(population), unscored)
        return _with_notes(evidence, _sampling_notes(setting.spec, population) + _size_notes(measured))

    return GatePlan(
        gate, ((SUBJECT, ask), (SUBJECT, lost)), {SUBJECT: _groups_for(metric, setting.frame.profile)}, finish
    )


def _bare(call: Call) -> Call:
    return Call(call.name, call.arguments, call.named, Population(), call.position)


def _unscored_total() -> Total:
    key = Key("lost", "CAST(unscored_reason IS NOT NULL AS INTEGER)", 2)
    return Total(by=(key,), grain=Grain("planned"))


def _count_unscored(table: Table) -> int:
    counts, _sums = table.at(0)
    return int(counts.sum(axis=0)[1])


def _check_bar(rule: Rule, metric: Metric) -> None:
    if metric.unit == "share" and not 0 <= rule.bar <= 1:
        raise UsageError(
            f"{metric.name} is a share between 0 and 1, and the bar is {rule.bar:g}.",
            fix=f"Did you mean {rule.bar:g}%?" if rule.bar <= 100 else "Write it as a percentage.",
        )
    if metric.unit in ("ms", "money") and rule.bar_unit:
        raise UsageError(
            f"{metric.name} is in {metric.unit}, so its bar cannot be written with {rule.bar_unit!r}.",
            fix="Write the bar as a plain number.",
        )


# -- two populations: metric[a] OP metric[b] + offset ----------------------------------------------------


def _plan_two_sides(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
    right = rule.right
    if right is None or right.name != rule.left.name or right.arguments != rule.left.arguments:
        raise UsageError(
            "A rule with two metrics compares one metric on two populations.",
            fix="Write accuracy[a = x] >= accuracy[a = y] - 5pt; for two systems use delta(metric, live).",
        )
    metric = bind(_bare(rule.left), setting.frame)
    if metric.total.grain.name != "row":
        raise Unmeasurable(f"{metric.name} cannot be compared between populations of one run yet")
    ours = _population(gate, rule.left, setting.spec)
    theirs = _population(gate, right, setting.spec)
    left_sql = population_sql(ours, setting.columns)
    right_sql = population_sql(theirs, setting.columns)
    nested = set(theirs.conditions) <= set(ours.conditions)
    # The slice is set against its complement, on disjoint rows.
    split = Split(
        rule.text,
        f"CASE WHEN {left_sql} THEN 0 WHEN {right_sql} THEN 1 END",
        (str(ours), str(theirs)),
    )
    overlap = Split("overlap", f"CASE WHEN ({left_sql}) AND ({right_sql}) THEN 0 END", ("both",))
    ask, both = Ask(metric.total, split), Ask(_unscored_total(), overlap)
    words = f"{_words(ours)} against {_words(theirs)}"

    def finish(answers: Answers) -> GateEvidence:
        profile = setting.frame.profile
        overlapping = int(answers[SUBJECT][both].counts.sum())
        if overlapping and not nested:
            reason = f"the two populations share {overlapping} rows; compare disjoint ones"
            return _unknown(gate, rule, metric.name, words, reason, metric.unit)
        try:
            first = measure(metric, answers[SUBJECT][ask], 0, profile)
            second = measure(metric, answers[SUBJECT][ask], 1, profile)
        except Unmeasurable as error:
            return _unknown(gate, rule, metric.name, words, str(error), metric.unit)
        share_of_rest = second.n / (first.n + second.n) if nested else 1.0
        gap = Difference(first.confidence, second.confidence, share_of_rest)
        parts = (
            GroupPart(_words(ours), estimate_of(first.confidence, metric.unit, first.n)),
            GroupPart(
                "the rest of " + _words(theirs) if nested else _words(theirs),
                estimate_of(second.confidence, metric.unit, second.n),
            ),
        )
        evidence = _from_confidence(
            gate, rule, metric.name, gap, first.n + second.n, words, _unit_of_gap(metric.unit)
        )
        notes = _sampling_notes(setting.spec, ours)
        if nested:
            notes += ("The slice is compared with its complement, on disjoint rows.",)
        return _with_notes(_with_parts(evidence, parts), notes)

    return GatePlan(
        gate, ((SUBJECT, ask), (SUBJECT, both)), {SUBJECT: _groups_for(metric, setting.frame.profile)}, finish
    )


def _unit_of_gap(unit: str) -> str:
    return "points" if unit == "share" else unit


# -- delta(metric, system) -------------------------------------------------------------------------------


def _other_system(rule: Rule, setting: Setting) -> str:
    if not rule.left.arguments:
        raise UsageError(
            f"{rule.left.name} needs a system, as in {rule.left.name}(live).", fix="Name the system."
        )
    name = str(rule.left.arguments[-1])
    if name not in setting.others:
        raise Unmeasurable(f"there is no run of {name} to compare with")
    return name


def _plan_delta(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
    inner = rule.left.arguments[0] if rule.left.arguments else None
    if not isinstance(inner, Call) or len(rule.left.arguments) != 2:
        raise UsageError("delta needs a metric and a system, as in delta(accuracy, live).", fix="Write both.")
    other = _other_system(rule, setting)
    call = Call(
        inner.name,
        inner.arguments,
        inner.named,
        rule.left.population.joined(inner.population),
        inner.position,
    )
    population = _population(gate, call, setting.spec)
    split = population_split(population, setting.columns)
    pair = bind_pair(_bare(inner), setting.frame, setting.others[other])
    asks = tuple((other, ask) for ask in pair.asks(split))
    words = f"{_words(population)}, shared with {other}"

    def finish(answers: Answers) -> GateEvidence:
        unit = _unit_of_gap(pair.ours.unit)
        try:
            part = pair.part(answers[other], split, 0)
        except Unmeasurable as error:
            return _unknown(gate, rule, pair.ours.name, words, str(error), unit)
        evidence = _from_confidence(gate, rule, pair.ours.name, part.delta, part.n, words, unit, part.blur)
        parts = (
            GroupPart("this system", estimate_of(part.ours, pair.ours.unit, part.n)),
            GroupPart(other, estimate_of(part.theirs, pair.ours.unit, part.n)),
        )
        return _with_notes(_with_parts(evidence, parts), _sampling_notes(setting.spec, population))

    return GatePlan(gate, asks, {other: pair.groups}, finish)


# -- negative_flips(system) ------------------------------------------------------------------------------


def _plan_flips(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
    other = _other_system(rule, setting)
    population = _population(gate, rule.left, setting.spec)
    split = population_split(population, setting.columns)
    metric = bind(_bare(rule.left), setting.frame)
    _check_bar(rule, metric)
    ask = Ask(metric.total, split)
    words = f"{_words(population)}, shared with {other}"

    def finish(answers: Answers) -> GateEvidence:
        try:
            measured = measure(metric, answers[other][ask], 0, setting.frame.profile)
        except Unmeasurable as error:
            return _unknown(gate, rule, metric.name, words, str(error), metric.unit)
        return _with_notes(
            _evidence(gate, rule, metric.name, measured, words, 0), _sampling_notes(setting.spec, population)
        )

    return GatePlan(gate, ((other, ask),), {other: _groups_for(metric, setting.frame.profile)}, finish)


# -- failures: a must-pass list --------------------------------------------------------------------------


def _plan_failures(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
    if not setting.frame.has("ok"):
        raise Unmeasurable("no row is right or wrong")
    population = _population(gate, rule.left, setting.spec)
    condition = population_sql(population, setting.columns)
    split = population_split(population, setting.columns)
    key = setting.frame.flag_key("wrong", "ok = 0")
    ask, lost = Ask(Total(by=(key,)), split), Ask(_unscored_total(), split)

    def finish(answers: Answers) -> GateEvidence:
        counts, _sums = answers[SUBJECT][ask].at(0)
        whole = counts.sum(axis=0)
        failing, n = int(whole[1]), int(whole[:2].sum())
        unscored = _count_unscored(answers[SUBJECT][lost])
        if not n:
            return _unknown(gate, rule, "failures", _words(population), "no row is scored", "number")
        estimate = Estimate(
            float(failing), float(failing), float(failing), n, "cases", "counted, no interval"
        )
        return GateEvidence(
            gate_id=gate.id,
            rule=rule.text,
            metric="failures",
            better=_direction(rule),
            strict=rule.operator in ("<", ">"),
            bar=rule.bar,
            estimate=estimate,
            lower=float(failing),
            upper=float(failing + unscored),
            confidence=gate.confidence,
            bound_method="counted: these cases must pass, and no rate is inferred",
            population=_words(population),
            successes=failing,
            unscored=unscored,
            notes=("A must-pass list: it names the failing cases and infers no rate.",),
        )

    listing = f"ok = 0 AND {condition}"
    return GatePlan(gate, ((SUBJECT, ask), (SUBJECT, lost)), {}, finish, listing)


# -- ratio and gap between groups ------------------------------------------------------------------------


def _plan_groups(gate: Gate, rule: Rule, setting: Setting) -> GatePlan:
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
    population = _population(gate, whole, setting.spec)
    condition = population_sql(population, setting.columns)
    values = setting.values_of(column, condition)
    if len(values) < 2:
        raise Unmeasurable(f"{column} has fewer than two groups here")
    if len(values) > MOST_GROUPS:
        raise Unmeasurable(f"{column} has more than {MOST_GROUPS} groups; pick some with [{column} in (...)]")
    reference = dict(call.named).get("reference")
    if reference is not None and reference not in values:
        raise UsageError(f"The reference group {reference!r} does not occur in {column}.")
    metric = bind(_bare(inner), setting.frame)
    split = group_split(column, tuple(values), condition)
    ask = Ask(metric.total, split)
    words = f"{_words(population)}, by {column}"

    def finish(answers: Answers) -> GateEvidence:
        return _compare_groups(gate, rule, setting, metric, answers[SUBJECT][ask], split, reference, words)

    return GatePlan(gate, ((SUBJECT, ask),), {SUBJECT: _groups_for(metric, setting.frame.profile)}, finish)


def group_split(column: str, values: tuple[str, ...], condition: str = "true") -> Split:
    """Return a split by the values of a column.

    Args:
        column: The column.
        values: Its values, in the order of their codes.
        condition: Rows to keep.
    """
    listed = ", ".join(text_literal(value) for value in values)
    code = f"list_position([{listed}], CAST({quote(column)} AS VARCHAR)) - 1"
    sql = code if condition == "true" else f"CASE WHEN {condition} THEN {code} END"
    return Split(column, sql, values)


def _compare_groups(
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
    silent: list[str] = []
    for code, group in enumerate(split.labels):
        try:
            measured[group] = measure(metric, table, code, setting.frame.profile)
            found = measured[group]
            parts.append(GroupPart(group, estimate_of(found.confidence, metric.unit, found.n)))
        except Unmeasurable as error:
            parts.append(GroupPart(group, Estimate.unknown_because(str(error), metric.unit)))
            silent.append(f"{group}: {error}")
    unit = "ratio" if is_ratio else _unit_of_gap(metric.unit)
    if len(measured) < 2:
        reason = "fewer than two groups can be measured: " + "; ".join(silent[:3])
        return _with_parts(_unknown(gate, rule, metric.name, words, reason, unit), tuple(parts))
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
        *(f"{reason}, so nothing can be proven for that group." for reason in silent),
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
        better=_direction(rule),
        strict=rule.operator in ("<", ">"),
        bar=rule.bar,
        estimate=estimate,
        lower=_finite(lower),
        upper=_finite(upper) if not silent or rule.at_least else None,
        confidence=gate.confidence,
        bound_method=f"{differences[decisive].method}; worst of {len(pairs)} pairs",
        population=words,
        parts=tuple(parts),
    )
    if silent and rule.at_least:
        evidence = replace(evidence, lower=None)
    sized = _sized(evidence, differences[decisive], n, rule, gate)
    return _with_notes(sized, tuple(notes) + _sampling_notes(setting.spec, Population()))


# -- evidence --------------------------------------------------------------------------------------------


def _direction(rule: Rule) -> Direction:
    return "at_least" if rule.at_least else "at_most"


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def _silent(gate: Gate, rule: Rule, setting: Setting, reason: str) -> GatePlan:
    population = _population(gate, rule.left, setting.spec)
    evidence = _unknown(gate, rule, str(rule.left), _words(population), reason, "number")
    return GatePlan(gate, (), {}, lambda _answers: evidence)


def _unknown(gate: Gate, rule: Rule, metric: str, words: str, reason: str, unit: str) -> GateEvidence:
    return GateEvidence(
        gate_id=gate.id,
        rule=rule.text,
        metric=metric,
        better=_direction(rule),
        strict=rule.operator in ("<", ">"),
        bar=rule.bar,
        estimate=Estimate.unknown_because(reason, unit),
        lower=None,
        upper=None,
        confidence=gate.confidence,
        bound_method="",
        population=words,
    )


def _evidence(
    gate: Gate, rule: Rule, name: str, measured: Measured, words: str, unscored: int
) -> GateEvidence:
    evidence = _from_confidence(
        gate, rule, name, measured.confidence, measured.n, words, measured.metric.unit, measured.blur
    )
    if isinstance(measured.metric, CellMean) and measured.exact and measured.metric.is_rate:
        successes, _n = measured.metric.trials(measured.counts)
        evidence = replace(evidence, successes=round(successes))
    if not unscored:
        return replace(evidence, unscored=0)
    bad, good = (0.0, 1.0) if rule.at_least else (1.0, 0.0)
    if isinstance(measured.metric, CellMean) and not measured.metric.is_rate:
        low, high = measured.metric.possible
        bad, good = (low, high) if rule.at_least else (high, low)
    worst, best = measured.shifted_by(unscored, bad), measured.shifted_by(unscored, good)
    return replace(
        evidence,
        unscored=unscored,
        worst_lower=worst.bound("lower", gate.confidence) if worst else None,
        worst_upper=worst.bound("upper", gate.confidence) if worst else None,
        best_lower=best.bound("lower", gate.confidence) if best else None,
        best_upper=best.bound("upper", gate.confidence) if best else None,
    )


def _from_confidence(
    gate: Gate,
    rule: Rule,
    name: str,
    confidence: Confidence,
    n: int,
    words: str,
    unit: str,
    blur: float = 0.0,
) -> GateEvidence:
    evidence = GateEvidence(
        gate_id=gate.id,
        rule=rule.text,
        metric=name,
        better=_direction(rule),
        strict=rule.operator in ("<", ">"),
        bar=rule.bar,
        estimate=estimate_of(confidence, unit, n, blur),
        lower=_finite(confidence.bound("lower", gate.confidence) - blur),
        upper=_finite(confidence.bound("upper", gate.confidence) + blur),
        confidence=gate.confidence,
        bound_method=confidence.method,
        population=words,
        notes=(f"Scores are binned; the value may be off by {blur:.4f}, and the bounds say so.",)
        if blur > 0.0005
        else (),
    )
    return _sized(evidence, confidence, n, rule, gate)


def _sized(evidence: GateEvidence, confidence: Confidence, n: int, rule: Rule, gate: Gate) -> GateEvidence:
    """Add how many cases would settle it if the observed value is the truth."""
    value, bar = confidence.value, rule.bar
    direction = _direction(rule)
    if not math.isfinite(value):
        return evidence
    if isinstance(confidence, Proportion) and float(confidence.n).is_integer() and 0 < bar < 1:
        truth_is_better = value > bar if rule.at_least else value < bar
        whole = int(confidence.n)
        return replace(
            evidence,
            needed_now=sizing.observed_needed(whole, bar, direction, gate.confidence),
            cases_even=_cases(bar, value, direction, gate.confidence, 0.5) if truth_is_better else None,
            cases_80=_cases(bar, value, direction, gate.confidence, 0.8) if truth_is_better else None,
            chance_now=sizing.power(whole, bar, value, direction, gate.confidence),
        )
    error = confidence.standard_error
    if not math.isfinite(error) or n < 2:
        return evidence
    gap = value - bar if rule.at_least else bar - value
    if error == 0:
        return replace(evidence, chance_now=1.0 if gap > 0 else 0.0)
    toward = confidence.bound("lower" if rule.at_least else "upper", gate.confidence)
    # The bound may stand further off than a normal one would; what it really takes decides the size.
    reach = abs(value - toward) if math.isfinite(toward) else float(ndtri(gate.confidence)) * error
    chance = float(ndtr((gap - reach) / error))
    if gap <= 0:
        return replace(evidence, chance_now=chance)
    return replace(
        evidence,
        cases_even=math.ceil(n * (reach / gap) ** 2),
        cases_80=math.ceil(n * ((reach + float(ndtri(0.8)) * error) / gap) ** 2),
        chance_now=chance,
    )


def _cases(bar: float, truth: float, direction: Direction, confidence: float, power: float) -> int | None:
    # A rate that is 0 or 1 in the sample is not so in the world: size for half an event more.
    clipped = min(max(truth, 1e-9), 1 - 1e-9)
    return sizing.cases_for_power(bar, clipped, direction, confidence, power)


def _with_notes(evidence: GateEvidence, notes: tuple[str, ...]) -> GateEvidence:
    return replace(evidence, notes=(*evidence.notes, *notes))


def _with_parts(evidence: GateEvidence, parts: tuple[GroupPart, ...]) -> GateEvidence:
    return replace(evidence, parts=parts)


def _size_notes(measured: Measured) -> tuple[str, ...]:
    if measured.n >= measured.metric.smallest_n:
        return ()
    return (
        f"Only {measured.n} {_units(measured.metric)}: "
        f"below {measured.metric.smallest_n} its interval says little.",
    )


def _units(metric: Metric) -> str:
    return {"query": "queries", "case": "cases"}.get(metric.total.grain.name, "rows")


def _sampling_notes(spec: Spec, population: Population) -> tuple[str, ...]:
    stratum = next(
        (c.values[0] for c in population.conditions if c.column == "stratum" and c.operator == "="), None
    )
    sampling = spec.golden.sampling_of(stratum)
    if sampling in ("curated", "incident"):
        return (f"The cases are {sampling}: this bound covers these cases, not your traffic.",)
    if sampling in ("unknown", "mixed"):
        return (
            "How these cases were sampled is not stated (golden.sampled): "
            "the bound speaks of your traffic only if they are a random sample of it.",
        )
    return ()
