"""All that is measured for one decision, in as few scans as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from shipworthy.define.rules import Call, metrics_within, parse_rule
from shipworthy.define.spec import Gate, Spec
from shipworthy.errors import UsageError
from shipworthy.evidence.comparing import PairPlan, compare, describe, plan_pair
from shipworthy.evidence.confusion_record import confusion_of, confusion_total
from shipworthy.evidence.estimating import Measured, measure
from shipworthy.evidence.frame import OUTCOMES, Frame
from shipworthy.evidence.gates.planning import plan_gate
from shipworthy.evidence.gates.setting import SUBJECT, Answers, GatePlan, Setting, bare
from shipworthy.evidence.gates.settling import unsettled
from shipworthy.evidence.judging import unfit_judges, verdict_notes, why_uncorrected
from shipworthy.evidence.many import measure_slices, shown_alone
from shipworthy.evidence.metric import CellMean, Metric, Unmeasurable, bind
from shipworthy.evidence.populations import group_split, population_split, population_sql
from shipworthy.evidence.pricing import holding_cost, price
from shipworthy.evidence.subject import RunRows
from shipworthy.evidence.together import TogetherPlan, measure_together, plan_together
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
from shipworthy.stats.multiplicity import benjamini_hochberg
from shipworthy.tables.duck import Connection
from shipworthy.tables.lists import first_rows, list_rows
from shipworthy.tables.pairs import PAIRED, Pairs, pair_rows, read_pairs, shared_rows
from shipworthy.tables.repeats import cases_by_repeats
from shipworthy.tables.row_plan import Basis
from shipworthy.tables.slices import values_by_column
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
    "regressor": ("mae", "rmse", "r2"),
    "ranker": ("ndcg@10", "mrr", "recall@10"),
    "generator": ("good", "poor", "harmful", "accuracy"),
    "rag": ("good", "poor", "harmful", "accuracy"),
    "agent": ("good", "poor", "harmful", "accuracy"),
}
#: Metrics of a column whose better direction only a gate tells.
DIRECTED = ("mean", "mean_worst", "refusal_rate")
#: Metrics whose bins should meet the bars of their gates.
QUANTILES = ("latency", "ttft")
ALWAYS_SHOWN = ("expected_cost", "latency_p95_ms", "run_cost", "failed_share")


def frame_of(spec: Spec, run: RunRows) -> Frame:
    """Return a run's rows as metrics see them.

    Args:
        spec: The spec.
        run: The run.
    """
    scorers: dict[str, str] = {
        metric.id: metric.better or "higher" for metric in spec.metrics if metric.scorer is not None
    }
    bars: dict[str, tuple[float, ...]] = {}
    wanted: dict[str, str] = {}
    for gate in spec.gates:
        rule = gate.parsed
        judged = rule.left.arguments[0] if rule.left.name == "delta" else rule.left
        quantile = rule.left.name.partition("_p")[0]
        if quantile in QUANTILES and rule.bar > 0:
            bars[quantile] = (*bars.get(quantile, ()), rule.bar)
        if isinstance(judged, Call) and judged.name in DIRECTED and judged.arguments:
            wanted[str(judged.arguments[0])] = "higher" if rule.at_least else "lower"
    judges = {judge.of: judge for judge in spec.judges}
    return Frame(run.profile, spec.kind, spec.costs, scorers, "", bars, wanted, judges=judges)


@dataclass(frozen=True, eq=False)
class _Plan:
    """Everything asked of one subject."""

    gates: tuple[GatePlan, ...]
    shown: tuple[tuple[str, Metric], ...]
    sliced: tuple[tuple[str, Metric], ...]
    outcomes: Total | None
    silent: tuple[tuple[str, str], ...]
    population: Split
    condition: str
    slices: tuple[Split, ...]
    pairs: dict[str, PairPlan]
    precision: Metric | None
    confusion: Total | None
    together: TogetherPlan | None

    def asks(self, source: str) -> list[Ask]:
        found = [ask for plan in self.gates for name, ask in plan.asks if name == source]
        if source != SUBJECT:
            return found + self.pairs[source].asks()
        for _name, metric in self.shown:
            found.append(Ask(metric.total, self.population))
        found += [Ask(metric.total, split) for _name, metric in self.sliced for split in self.slices]
        if self.outcomes is not None:
            found.append(Ask(self.outcomes, self.population))
        if self.precision is not None:
            found.append(Ask(self.precision.total, self.population))
        if self.confusion is not None:
            found.append(Ask(self.confusion, self.population))
        if self.together is not None:
            found.append(self.together.ask)
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
    pairs: dict[str, Pairs] = {}
    for other in others:
        pairs[other.name] = pair_rows(
            connection,
            subject.table,
            other.table,
            f"pair_{len(pairs)}",
            by_query=subject.profile.basis == Basis.RANKING,
            in_step=bool(subject.profile.order) and subject.profile.order == other.profile.order,
        )
    plan = _plan(connection, spec, frame, subject, others, locate)
    answers: Answers = {}
    answers[SUBJECT] = read_totals(
        connection,
        subject.table,
        plan.asks(SUBJECT),
        subject.profile.groups if subject.profile.clustered else plan.groups(SUBJECT),
        mean_weight=_mean_weight(frame),
        unscored=subject.profile.unscored > 0,
    )
    for other in others:
        answers[other.name] = read_pairs(
            connection,
            pairs[other.name],
            plan.asks(other.name),
            plan.groups(other.name),
            _mean_weight(frame),
            unscored=subject.profile.unscored + other.profile.unscored > 0,
            clustered=subject.profile.clustered,
        )
    # Weights add up to rows, so pairs are counted without them.
    shared = {
        name: shared_rows(connection, pair, None if frame.profile.weighted else answers[name][PAIRED])
        for name, pair in pairs.items()
    }
    for source, exact in unsettled(plan.gates, answers).items():
        table = subject.table if source == SUBJECT else pairs[source].table
        weight = _mean_weight(frame)
        found = read_totals(connection, table, exact, mean_weight=weight, serves="exact ranks")
        answers[source] = {**answers[source], **found}
    outcome_rows = _outcomes(connection, frame, subject, plan, answers)
    comparisons = tuple(
        compare(
            connection,
            subject,
            other,
            pairs[other.name],
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
    gates = tuple(_gate_evidence(connection, gate, answers, subject) for gate in plan.gates)
    return Evidence(
        product=spec.id,
        kind=spec.kind,
        subject=subject.pins,
        role=role,
        lineage=lineage,
        population=plan.population.name or "all cases",
        gates=gates,
        metrics=metrics,
        slices=_slices(plan, answers, frame),
        outcomes=outcome_rows,
        comparisons=comparisons,
        examples=_examples(connection, subject, plan, outcome_rows),
        money=_money(spec, plan, answers, frame, outcome_rows),
        holding=_holding(spec, role, comparisons),
        invalid=tuple(dict.fromkeys([*invalid, *_invalid(spec, subject), *unfit_judges(spec.gates, gates)])),
        notes=(
            *notes,
            *_notes(spec, subject, plan),
            *_uneven_repeats(connection, subject),
            *verdict_notes(frame),
            *_mixed_sampling(connection, subject, plan),
        ),
        sampled=spec.golden.sampling_of("representative" if "representative" in spec.golden.strata else None),
        must_pass=must_pass,
        must_pass_failing=must_pass_failing,
        together=measure_together(plan.together, answers),
        confusion=confusion_of(frame, answers[SUBJECT][Ask(plan.confusion, plan.population)])
        if plan.confusion is not None
        else None,
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

    known = subject.profile.slice_values
    values = {(name, "true"): list(held[: MOST_SLICES + 1]) for name, held in known.items()}

    def values_of(column: str, condition: str) -> list[str]:
        if (column, condition) not in values:
            asked = list(dict.fromkeys([column, *(name for name in spec.slices if name in columns)]))
            found = values_by_column(connection, subject.table, asked, condition, MOST_SLICES + 1)
            values.update({(name, condition): list(held) for name, held in found.items()})
        return values[column, condition]

    population = spec.default_population()
    if "stratum" not in columns:
        population = parse_rule("accuracy >= 0").left.population
    condition = population_sql(population, columns)
    setting = Setting(spec, frame, {other.name: other.profile for other in others}, values_of)
    gates = tuple(_planned(gate, setting, locate("gates", index)) for index, gate in enumerate(spec.gates))
    shown, silent = _metrics_to_show(spec, frame, locate)
    by_row = [name for name, metric in shown if metric.total.grain.name == "row"]
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
        sliced=tuple((name, bind(_call(name), frame.for_slices())) for name in by_row),
        outcomes=Total(by=(frame.outcome_key(),)) if frame.has("outcome") else None,
        silent=silent,
        population=split,
        condition=condition,
        slices=slices,
        pairs={other.name: plan_pair(calls, frame, other, split, slices) for other in others},
        precision=_maybe("precision", frame),
        confusion=confusion_total(frame),
        together=plan_together(gates, spec.blocking_gates(), subject.profile),
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
    gated = [inner for gate in spec.gates for inner in metrics_within(gate.parsed.left)]
    wanted = {str(bare(inner)): True for inner in gated if inner.name != "negative_flips"}
    graders = {m.id for m in spec.metrics if m.scorer is not None and frame.profile.basis == "grade"}
    for metric in spec.measured_metrics():
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
                found = bind(_call(name), frame)
            reason = why_uncorrected([found.total], frame)
            if reason is not None:
                raise Unmeasurable(reason)
            shown.append((name, found))
        except Unmeasurable as error:
            if asked:
                silent.append((name, str(error)))
    return tuple(shown), tuple(silent)


def _gate_evidence(
    connection: Connection, plan: GatePlan, answers: Answers, subject: RunRows
) -> GateEvidence:
    profile = subject.profile
    evidence = plan.finish(answers)
    if evidence.metric != "failures":
        evidence = replace(
            evidence,
            implied_confidence=plan.gate.implied_confidence,
            from_costs=plan.gate.balances_costs,
        )
    if not evidence.out_of:
        judged = profile.scored + profile.failed
        repeated = profile.cases < judged and profile.basis != Basis.RANKING
        evidence = replace(evidence, out_of=judged, per_case=judged / profile.cases if repeated else 1.0)
    if plan.listing is None or evidence.estimate.value is None:
        return evidence
    _count, rows = list_rows(connection, subject.table, plan.listing, LISTED_MUST_PASS)
    return replace(evidence, failing=tuple(row.case_id for row in rows))


def _shown(plan: _Plan, answers: Answers, frame: Frame) -> tuple[SliceEstimate, ...]:
    found = []
    for name, metric in plan.shown:
        estimate = shown_alone(metric, answers[SUBJECT][Ask(metric.total, plan.population)], 0, frame.profile)
        found.append(SliceEstimate("", "", name, estimate))
    for name, reason in plan.silent:
        found.append(SliceEstimate("", "", name, Estimate.unknown_because(reason)))
    return tuple(found)


def _measured(metric: Metric, table: Table, code: int | None, frame: Frame) -> Measured | None:
    try:
        return measure(metric, table, code, frame.profile)
    except Unmeasurable:
        return None


def _slices(plan: _Plan, answers: Answers, frame: Frame) -> tuple[SliceEstimate, ...]:
    """Return every shown metric per slice, each slice against its complement on disjoint rows."""
    measured = {
        name: measure_slices(
            metric, [answers[SUBJECT][Ask(metric.total, split)] for split in plan.slices], frame.profile
        )
        for name, metric in plan.sliced
    }
    parts = [
        (split.name, value, name, part)
        for at, split in enumerate(plan.slices)
        for name, of_metric in measured.items()
        for value, part in zip(split.labels, of_metric[at], strict=True)
    ]
    raw = np.array([np.nan if part.p_value is None else part.p_value for *_which, part in parts])
    tested = ~np.isnan(raw)
    if tested.any():
        raw[tested] = benjamini_hochberg(raw[tested])
    return tuple(
        SliceEstimate(split, value, name, part.estimate, part.gap, p_value if is_tested else None)
        for (split, value, name, part), p_value, is_tested in zip(
            parts, raw.tolist(), tested.tolist(), strict=True
        )
    )


def _mean_weight(frame: Frame) -> float | None:
    return frame.profile.mean_weight if frame.profile.weighted else None


def _outcomes(
    connection: Connection, frame: Frame, subject: RunRows, plan: _Plan, answers: Answers
) -> tuple[OutcomeShare, ...]:
    """Return how many rows had each outcome, and its share with clusters and weights."""
    total = plan.outcomes
    if total is None:
        return ()
    ask = Ask(total, plan.population)
    table = answers[SUBJECT][ask]
    plain = read_totals(connection, subject.table, [ask])[ask] if frame.profile.weighted else table
    counted = plain.at(0)[0].sum(axis=0)
    found = []
    for code, outcome in enumerate(OUTCOMES):
        if counted[code]:
            is_it = (np.arange(len(OUTCOMES) + 1) == code).astype(float)
            share = CellMean(outcome, "share", "higher", total, is_it, np.arange(len(is_it)) < len(OUTCOMES))
            estimate = shown_alone(share, table, 0, frame.profile)
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
            in_order = subject.profile.in_people_order
            rows = first_rows(connection, subject.table, condition, LISTED_EXAMPLES, in_order=in_order)
            found += describe(connection, rows, subject, None)
    return tuple(found)


def _must_pass(connection: Connection, spec: Spec, subject: RunRows) -> tuple[int, tuple[CaseChange, ...]]:
    """Return how many curated and incident cases fail, and a page of them by name."""
    if not isinstance(spec.golden.sampled, dict) or "stratum" not in subject.profile.columns:
        curated = spec.golden.sampled in ("curated", "incident")
        condition = "true" if curated else ""
    else:
        strata = [name for name, way in spec.golden.sampled.items() if way in ("curated", "incident")]
        listed = ", ".join("'" + name.replace("'", "''") + "'" for name in strata)
        condition = f"stratum IN ({listed})" if strata else ""
    if "sampled" in subject.profile.columns:
        # A case's own word goes before what the spec says of its stratum or of all.
        condition = (
            f"(lower(sampled) IN ('curated', 'incident') OR (sampled IS NULL AND {condition or 'false'}))"
        )
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


def _uneven_repeats(connection: Connection, subject: RunRows) -> list[str]:
    """Say where some cases were asked less often than others, so that fewer of their repeats can fail."""
    profile = subject.profile
    if profile.basis == Basis.RANKING or profile.cases >= profile.rows:
        return []
    found = cases_by_repeats(connection, subject.table)
    most = max(found, default=0)
    fewer = sum(cases for repeats, cases in found.items() if repeats < most)
    if not fewer:
        return []
    return [
        f"{fewer:,} of {profile.cases:,} cases have fewer than {most} usable repeats; "
        "pass^k and pass@k leave out those with fewer than k."
    ]


def _mixed_sampling(connection: Connection, subject: RunRows, plan: _Plan) -> list[str]:
    """Say where the default population holds cases that say themselves that they were chosen by hand."""
    if "sampled" not in subject.profile.columns:
        return []
    counted = ", ".join(
        f"count(DISTINCT CASE WHEN lower(sampled) = '{way}' THEN case_id END)"
        for way in ("curated", "incident")
    )
    found = connection.execute(
        f"SELECT count(DISTINCT case_id), {counted} FROM {subject.table} WHERE {plan.condition}"
    ).fetchone() or (0, 0, 0)
    cases, curated, incident = (int(n) for n in found)
    if not 0 < curated + incident < cases:
        return []
    return [
        f"{curated + incident:,} of the {cases:,} cases of the default population are curated or from "
        "incidents, by their own word (column sampled): a rate over them all is no rate of your traffic."
    ]


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
