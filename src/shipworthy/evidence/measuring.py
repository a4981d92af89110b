"""All that is measured for one decision, in as few scans as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from shipworthy.define.rules import Call, parse_rule
from shipworthy.define.spec import Gate, Spec
from shipworthy.errors import UsageError
from shipworthy.evidence.comparing import PairPlan, compare, describe, plan_pair
from shipworthy.evidence.estimating import Measured, estimate_of, measure
from shipworthy.evidence.frame import OUTCOMES, Frame
from shipworthy.evidence.gates.planning import plan_gate
from shipworthy.evidence.gates.setting import SUBJECT, Answers, GatePlan, Setting
from shipworthy.evidence.metric import CellMean, Metric, Unmeasurable, bind
from shipworthy.evidence.populations import group_split, population_split, population_sql
from shipworthy.evidence.pricing import holding_cost, price
from shipworthy.evidence.subject import RunRows
from shipworthy.records import (
    GOOD_OUTCOMES,
    CaseChange,
    Comparison,
    Estimate,
    Evidence,
    GateEvidence,
    HoldCost,
    Money,
    OutcomeShare,
    SliceEstimate,
)
from shipworthy.stats.confidence import Difference
from shipworthy.stats.multiplicity import benjamini_hochberg
from shipworthy.tables.duck import Connection, quote
from shipworthy.tables.lists import distinct_values, list_rows
from shipworthy.tables.pairs import pair_rows
from shipworthy.tables.row_plan import Basis
from shipworthy.tables.totals import Ask, Split, Table, Total, read_totals

__all__ = ["frame_of", "measure_evidence"]

Locate = Callable[[str, int], str]

MOST_SLICES = 40
LISTED_EXAMPLES = 3
LISTED_MUST_PASS = 50

#: Metrics shown for a kind where the spec names none; those that cannot be measured are left out.
SHOWN_BY_KIND = {
    "classifier": ("accuracy", "precision", "recall", "fpr", "f1", "auc", "calibration_error"),
    "detector": ("precision", "recall", "fpr", "f1", "auc"),
    "regressor": ("mae",),
    "ranker": ("ndcg@10",),
    "generator": ("good", "poor", "harmful", "accuracy"),
    "rag": ("good", "poor", "harmful", "accuracy"),
    "agent": ("good", "poor", "harmful", "accuracy"),
}
ALWAYS_SHOWN = ("expected_cost", "latency_p95_ms", "run_cost", "failed_share")


def frame_of(spec: Spec, run: RunRows) -> Frame:
    """Return a run's rows as metrics see them.

    Args:
        spec: The spec.
        run: The run.
    """
    scorers: dict[str, str] = {
        metric.id: metric.better for metric in spec.metrics if metric.scorer is not None
    }
    bars: dict[str, float] = {}
    wanted: dict[str, str] = {}
    for gate in spec.gates:
        rule = gate.parsed
        judged = rule.left.arguments[0] if rule.left.name == "delta" else rule.left
        if rule.left.name.startswith("latency_") and rule.bar > 0:
            bars.setdefault("latency", rule.bar)
        if isinstance(judged, Call) and judged.name == "mean" and judged.arguments:
            wanted[str(judged.arguments[0])] = "higher" if rule.at_least else "lower"
    return Frame(run.profile, spec.kind, spec.costs, scorers, "", bars, wanted)


@dataclass(frozen=True, eq=False)
class _Plan:
    """Everything asked of one subject."""

    gates: tuple[GatePlan, ...]
    shown: tuple[tuple[str, Metric], ...]
    silent: tuple[tuple[str, str], ...]
    population: Split
    condition: str
    slices: tuple[Split, ...]
    pairs: dict[str, PairPlan]
    precision: Metric | None

    def asks(self, source: str) -> list[Ask]:
        found = [ask for plan in self.gates for name, ask in plan.asks if name == source]
        if source != SUBJECT:
            return found + self.pairs[source].asks()
        for _name, metric in self.shown:
            found.append(Ask(metric.total, self.population))
            if metric.total.grain.name == "row":
                found += [Ask(metric.total, split) for split in self.slices]
        if self.precision is not None:
            found.append(Ask(self.precision.total, self.population))
        return found

    def groups(self, source: str) -> int:
        wanted = [plan.groups.get(source, 1) for plan in self.gates]
        if source != SUBJECT:
            wanted.append(self.pairs[source].groups)
        return max(wanted, default=1)


def measure_evidence(
    connection: Connection,
    spec: Spec,
    subject: RunRows,
    others: Sequence[RunRows],
    *,
    role: str,
    lineage: str,
    locate: Locate = lambda _key, _index: "",
    invalid: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Evidence:
    """Measure everything one decision needs.

    Args:
        connection: The engine.
        spec: The spec.
        subject: The judged run.
        others: Live and the baselines, where there are runs of them.
        role: Role of the subject.
        lineage: Name under which looks and candidates are counted.
        locate: Key and index -> file and line, for messages.
        invalid: Reasons already known why the evidence cannot be judged.
        notes: Sentences about the evidence as a whole.

    Returns:
        The evidence.

    Raises:
        ShipworthyError: If a rule names something that does not exist.
    """
    frame = frame_of(spec, subject)
    pair_tables: dict[str, str] = {}
    shared: dict[str, int] = {}
    for other in others:
        pair_tables[other.name] = f"pair_{len(pair_tables)}"
        shared[other.name] = pair_rows(
            connection,
            subject.table,
            other.table,
            pair_tables[other.name],
            by_query=subject.profile.basis == Basis.RANKING,
        )
    plan = _plan(connection, spec, frame, subject, others, locate)
    answers: Answers = {}
    for source, table in ((SUBJECT, subject.table), *pair_tables.items()):
        groups = plan.groups(source)
        if source == SUBJECT and subject.profile.clustered:
            groups = subject.profile.groups
        answers[source] = read_totals(
            connection, table, plan.asks(source), groups, mean_weight=_mean_weight(frame)
        )
    outcome_rows = _outcomes(connection, frame, subject, plan)
    comparisons = tuple(
        compare(
            connection,
            subject,
            other,
            pair_tables[other.name],
            plan.pairs[other.name],
            answers[other.name],
            condition=plan.condition,
            shared=shared[other.name],
            volume=spec.costs.volume_per_month if spec.costs is not None else None,
        )
        for other in others
    )
    metrics = _shown(plan, answers, frame)
    must_pass_failing, must_pass = _must_pass(connection, spec, subject)
    return Evidence(
        product=spec.id,
        kind=spec.kind,
        subject=subject.pins,
        role=role,
        lineage=lineage,
        population=plan.population.name or "all cases",
        gates=tuple(_gate_evidence(connection, gate, answers, subject) for gate in plan.gates),
        metrics=metrics,
        slices=_slices(plan, answers, frame),
        outcomes=outcome_rows,
        comparisons=comparisons,
        examples=_examples(connection, subject, plan, outcome_rows),
        money=_money(spec, plan, answers, frame, outcome_rows),
        holding=_holding(spec, role, comparisons),
        invalid=(*invalid, *_invalid(spec, subject)),
        notes=(*notes, *_notes(spec, subject, plan)),
        sampled=spec.golden.sampling_of("representative" if "representative" in spec.golden.strata else None),
        must_pass=must_pass,
        must_pass_failing=must_pass_failing,
    )


def _plan(
    connection: Connection,
    spec: Spec,
    frame: Frame,
    subject: RunRows,
    others: Sequence[RunRows],
    locate: Locate,
) -> _Plan:
    columns = subject.profile.columns

    def values_of(column: str, condition: str) -> list[str]:
        filtered = f"(SELECT * FROM {subject.table} WHERE {condition})"
        return [value for value, _n in distinct_values(connection, filtered, quote(column), MOST_SLICES + 1)]

    population = spec.default_population()
    if "stratum" not in columns:
        population = parse_rule("accuracy >= 0").left.population
    condition = population_sql(population, columns)
    setting = Setting(spec, frame, {other.name: other.profile for other in others}, values_of)
    gates = tuple(_planned(gate, setting, locate("gates", index)) for index, gate in enumerate(spec.gates))
    shown, silent = _metrics_to_show(spec, frame, locate)
    slices = tuple(
        group_split(column, tuple(values_of(column, condition)[:MOST_SLICES]), condition)
        for column in spec.slices
        if column in columns and len(values_of(column, condition)) > 1
    )
    split = population_split(population, columns)
    calls = [_call(name) for name, _metric in shown]
    return _Plan(
        gates=gates,
        shown=shown,
        silent=silent,
        population=split,
        condition=condition,
        slices=slices,
        pairs={other.name: plan_pair(calls, frame, other, split, slices) for other in others},
        precision=_maybe("precision", frame),
    )


def _planned(gate: Gate, setting: Setting, where: str) -> GatePlan:
    with _located(where):
        return plan_gate(gate, setting)


@contextmanager
def _located(where: str) -> Iterator[None]:
    """Add file and line to an error about a name in the spec."""
    try:
        yield
    except UsageError as error:
        raise type(error)(error.what, where=error.where or where, fix=error.fix) from None


def _call(name: str) -> Call:
    return parse_rule(f"{name} >= 0").left


def _maybe(name: str, frame: Frame) -> Metric | None:
    try:
        return bind(_call(name), frame)
    except Unmeasurable:
        return None


def _metrics_to_show(
    spec: Spec, frame: Frame, locate: Locate
) -> tuple[tuple[tuple[str, Metric], ...], tuple[tuple[str, str], ...]]:
    """Return the metrics of gates, spec and kind, each once, and those that stay silent."""
    wanted: dict[str, bool] = {}
    for gate in spec.gates:
        rule = gate.parsed
        inner = rule.left.arguments[0] if rule.left.name in ("delta", "ratio", "gap") else rule.left
        if isinstance(inner, Call) and inner.name not in ("negative_flips", "failures"):
            wanted.setdefault(str(Call(inner.name, inner.arguments, inner.named)), True)
    graders = {m.id for m in spec.metrics if m.scorer is not None and frame.profile.basis == "grade"}
    for metric in spec.metrics:
        # A scorer that only grades is seen in the shares of its grades, not in a value of its own.
        if metric.id not in graders or frame.has(f"#{metric.id}"):
            wanted.setdefault(metric.id, True)
    if not spec.metrics or graders:
        for name in SHOWN_BY_KIND[spec.kind]:
            # Right is graded good there, so accuracy would say the same number twice.
            if name != "accuracy" or frame.profile.basis != "grade":
                wanted.setdefault(name, False)
    for name in ALWAYS_SHOWN:
        wanted.setdefault(name, False)
    shown, silent = [], []
    lines = {metric.id: locate("metrics", index) for index, metric in enumerate(spec.metrics)}
    for name, asked in wanted.items():
        try:
            with _located(lines.get(name, "")):
                shown.append((name, bind(_call(name), frame)))
        except Unmeasurable as error:
            if asked:
                silent.append((name, str(error)))
    return tuple(shown), tuple(silent)


def _gate_evidence(
    connection: Connection, plan: GatePlan, answers: Answers, subject: RunRows
) -> GateEvidence:
    profile = subject.profile
    evidence = replace(plan.finish(answers), out_of=profile.scored + profile.failed)
    if plan.listing is None or evidence.estimate.value is None:
        return evidence
    _count, rows = list_rows(connection, subject.table, plan.listing, LISTED_MUST_PASS)
    return replace(evidence, failing=tuple(row.case_id for row in rows))


def _shown(plan: _Plan, answers: Answers, frame: Frame) -> tuple[SliceEstimate, ...]:
    found = []
    for name, metric in plan.shown:
        estimate = _estimate(metric, answers[SUBJECT][Ask(metric.total, plan.population)], 0, frame)
        found.append(SliceEstimate("", "", name, estimate))
    for name, reason in plan.silent:
        found.append(SliceEstimate("", "", name, Estimate.unknown_because(reason)))
    return tuple(found)


def _measured(metric: Metric, table: Table, code: int | None, frame: Frame) -> Measured | None:
    try:
        return measure(metric, table, code, frame.profile)
    except Unmeasurable:
        return None


def _estimate(metric: Metric, table: Table, code: int | None, frame: Frame) -> Estimate:
    try:
        found = measure(metric, table, code, frame.profile)
    except Unmeasurable as error:
        return Estimate.unknown_because(str(error), metric.unit)
    if metric.unit == "share" and not metric.explored and found.n < metric.smallest_n:
        return Estimate.unknown_because(
            f"{found.n} rows say too little; it needs {metric.smallest_n}", metric.unit
        )
    return estimate_of(found.confidence, metric.unit, found.n, found.blur)


def _slices(plan: _Plan, answers: Answers, frame: Frame) -> tuple[SliceEstimate, ...]:
    """Return every shown metric per slice, each slice against its complement on disjoint rows."""
    found: list[SliceEstimate] = []
    raw: list[float | None] = []
    for split in plan.slices:
        for name, metric in plan.shown:
            if metric.total.grain.name != "row":
                continue
            table = answers[SUBJECT][Ask(metric.total, split)]
            for code, value in enumerate(split.labels):
                gap, p_value = _gap_to_rest(metric, table, code, frame) if metric.explored else (None, None)
                found.append(
                    SliceEstimate(split.name, value, name, _estimate(metric, table, code, frame), gap)
                )
                raw.append(p_value)
    tested = [index for index, p_value in enumerate(raw) if p_value is not None]
    adjusted = benjamini_hochberg(np.array([raw[index] or 0.0 for index in tested])) if tested else ()
    for index, p_value in zip(tested, adjusted, strict=True):
        found[index] = replace(found[index], p_value=float(p_value))
    return tuple(found)


def _gap_to_rest(
    metric: Metric, table: Table, code: int, frame: Frame
) -> tuple[Estimate | None, float | None]:
    rest = replace_code(table, code)
    inside, outside = _measured(metric, table, code, frame), _measured(metric, rest, 1, frame)
    if inside is None or outside is None:
        return None, None
    gap = Difference(inside.confidence, outside.confidence)
    estimate = estimate_of(gap, "points" if metric.unit == "share" else metric.unit, inside.n + outside.n)
    error = gap.standard_error
    p_value = float(2 * ndtr(-abs(gap.value) / error)) if 0 < error < float("inf") else None
    return estimate, p_value


def replace_code(table: Table, code: int) -> Table:
    """Return a table split into one population (0) and all others together (1)."""
    alone = frozenset({0}) if code in table.independent else frozenset()
    return replace(table, populations=(table.populations != code).astype("int64"), independent=alone)


def _mean_weight(frame: Frame) -> float | None:
    return frame.profile.mean_weight if frame.profile.weighted else None


def _outcomes(
    connection: Connection, frame: Frame, subject: RunRows, plan: _Plan
) -> tuple[OutcomeShare, ...]:
    """Return how many rows had each outcome, and its share with clusters and weights."""
    if not frame.has("outcome"):
        return ()
    total = Total(by=(frame.outcome_key(),))
    ask = Ask(total, plan.population)
    groups = frame.profile.groups if frame.profile.clustered else 1
    counted = read_totals(connection, subject.table, [ask])[ask].at(0)[0].sum(axis=0)
    table = read_totals(connection, subject.table, [ask], groups, _mean_weight(frame))[ask]
    found = []
    for code, outcome in enumerate(OUTCOMES):
        if counted[code]:
            is_it = (np.arange(len(OUTCOMES) + 1) == code).astype(float)
            share = CellMean(outcome, "share", "higher", total, is_it, np.arange(len(is_it)) < len(OUTCOMES))
            estimate = _estimate(share, table, 0, frame)
            found.append(OutcomeShare(outcome, int(counted[code]), estimate, outcome in GOOD_OUTCOMES))
    return tuple(found)


def _examples(
    connection: Connection,
    subject: RunRows,
    plan: _Plan,
    outcomes: Sequence[OutcomeShare],
) -> tuple[CaseChange, ...]:
    found: list[CaseChange] = []
    for share in outcomes:
        if not share.good:
            condition = f"outcome = '{share.outcome}' AND {plan.condition}"
            _count, rows = list_rows(connection, subject.table, condition, LISTED_EXAMPLES)
            found += describe(connection, rows, subject, None)
    return tuple(found)


def _must_pass(connection: Connection, spec: Spec, subject: RunRows) -> tuple[int, tuple[CaseChange, ...]]:
    """Return how many cases of curated and incident strata fail, and a page of them by name."""
    if not isinstance(spec.golden.sampled, dict) or "stratum" not in subject.profile.columns:
        curated = spec.golden.sampled in ("curated", "incident")
        condition = "true" if curated else ""
    else:
        strata = [name for name, way in spec.golden.sampled.items() if way in ("curated", "incident")]
        listed = ", ".join("'" + name.replace("'", "''") + "'" for name in strata)
        condition = f"stratum IN ({listed})" if strata else ""
    if not condition or "ok" not in subject.profile.columns:
        return 0, ()
    count, rows = list_rows(connection, subject.table, f"ok = 0 AND {condition}", LISTED_MUST_PASS)
    return count, describe(connection, rows, subject, None)


def _money(
    spec: Spec, plan: _Plan, answers: Answers, frame: Frame, outcomes: Sequence[OutcomeShare]
) -> Money | None:
    if spec.costs is None:
        return None
    metric = next((metric for name, metric in plan.shown if name == "expected_cost"), None)
    if metric is None:
        return None
    measured = _measured(metric, answers[SUBJECT][Ask(metric.total, plan.population)], 0, frame)
    if measured is None:
        return None
    shares = {share.outcome: share.estimate.value or 0.0 for share in outcomes}
    precision = None
    if plan.precision is not None:
        precision = _measured(
            plan.precision, answers[SUBJECT][Ask(plan.precision.total, plan.population)], 0, frame
        )
    base_rate = None
    if frame.profile.binary:
        base_rate = shares.get("true_positive", 0.0) + shares.get("false_negative", 0.0)
    return price(spec.costs, measured, shares, precision, base_rate)


def _holding(spec: Spec, role: str, comparisons: Sequence[Comparison]) -> HoldCost | None:
    if role == "live":
        return None
    live = next((part for part in comparisons if part.other == "live"), None)
    return holding_cost(live.money if live else None, spec.costs, live.other if live else None)


def _invalid(spec: Spec, subject: RunRows) -> list[str]:
    profile = subject.profile
    reasons = []
    if profile.rows and profile.unscored / profile.rows > spec.golden.max_unscored:
        top = ", ".join(
            f"{reason} ({count:,})" for reason, count in list(profile.unscored_reasons.items())[:3]
        )
        reasons.append(
            f"{profile.unscored:,} of {profile.rows:,} rows are unscored "
            f"({profile.unscored / profile.rows:.1%}), "
            f"more than the tolerated {spec.golden.max_unscored:.1%}: {top}."
        )
    if not profile.scored and not profile.failed:
        reasons.append("No row could be scored.")
    return reasons


def _notes(spec: Spec, subject: RunRows, plan: _Plan) -> list[str]:
    profile = subject.profile
    notes = []
    for name, minimum in spec.golden.strata.items():
        held = profile.strata.get(name, 0)
        if held < minimum:
            notes.append(f"Stratum {name} has {held} of the {minimum} cases it should have.")
    if profile.clustered and profile.clusters < profile.scored + profile.failed:
        notes.append(
            f"{profile.scored + profile.failed:,} rows are {profile.clusters:,} independent clusters; "
            "every interval is made over clusters."
        )
    if profile.weighted:
        notes.append("Rows carry weights; every count and interval uses them.")
    if profile.unknown_answers:
        notes.append(
            f"{profile.unknown_answers:,} answers belong to no case of the golden set and were left out."
        )
    missing = [column for column in spec.slices if column not in profile.columns]
    if missing:
        notes.append(f"Slices without a column: {', '.join(missing)}.")
    if plan.silent:
        notes += [f"{name} is not measured: {reason}." for name, reason in plan.silent]
    return notes
