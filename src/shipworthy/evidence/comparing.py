"""Two systems on the same cases: newly failing first, then metric by metric, then slices and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from shipworthy.define.rules import Call
from shipworthy.evidence.estimating import estimate_of
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Unmeasurable
from shipworthy.evidence.pairing import PairedMetric, PairedPart, bind_pair
from shipworthy.evidence.subject import RunRows
from shipworthy.records import CaseChange, Comparison, Difference, Estimate
from shipworthy.stats.confidence import Affine
from shipworthy.stats.multiplicity import holm
from shipworthy.stats.paired import mcnemar_mid_p
from shipworthy.tables.duck import Connection
from shipworthy.tables.lists import ListedRow, list_flips, texts_of
from shipworthy.tables.pairs import PAIRED, Pairs
from shipworthy.tables.row_plan import Basis, RowsProfile
from shipworthy.tables.totals import Ask, Split, Table

__all__ = ["PairPlan", "compare", "plan_pair"]

#: How many newly failing and newly fixed cases a decision carries.
LISTED = 50


@dataclass(frozen=True, eq=False)
class PairPlan:
    """What a comparison asks of the paired rows.

    Args:
        metrics: Metric by its written name.
        main: The right-or-wrong metric that slices are compared by; None where rows are not right or wrong.
        population: Split of the default population.
        slices: Splits by slicing column.
        silent: Metrics that could not be paired, with the reason.
    """

    metrics: Mapping[str, PairedMetric]
    main: PairedMetric | None
    population: Split
    slices: tuple[Split, ...]
    silent: Mapping[str, str]

    def asks(self) -> list[Ask]:
        """Return everything to be asked of the paired rows."""
        found = [PAIRED, *(ask for pair in self.metrics.values() for ask in pair.asks(self.population))]
        if self.main is not None:
            found += self.main.asks(self.population)
            for split in self.slices:
                found += self.main.asks(split)
        return found

    @property
    def groups(self) -> int:
        """Number of cluster groups that must be kept apart."""
        pairs = [*self.metrics.values(), *([self.main] if self.main is not None else [])]
        return max((pair.groups for pair in pairs), default=1)


def plan_pair(
    calls: Sequence[Call], frame: Frame, other: RunRows, population: Split, slices: Sequence[Split]
) -> PairPlan:
    """Plan a comparison.

    Args:
        calls: Metrics to compare.
        frame: The subject's frame.
        other: The other system's rows.
        population: Split of the default population.
        slices: Splits by slicing column.
    """
    metrics: dict[str, PairedMetric] = {}
    silent: dict[str, str] = {}
    for call in calls:
        try:
            metrics.setdefault(str(call), bind_pair(call, frame, other.profile))
        except Unmeasurable as error:
            silent[str(call)] = str(error)
    main = None
    if frame.has("ok") and "ok" in other.profile.columns:
        main = bind_pair(Call("accuracy"), frame, other.profile)
    return PairPlan(metrics, main, population, tuple(slices), silent)


def compare(
    connection: Connection,
    subject: RunRows,
    other: RunRows,
    pairs: Pairs,
    plan: PairPlan,
    answers: dict[Ask, Table],
    *,
    condition: str,
    shared: int,
    volume: float | None,
) -> Comparison:
    """Compare two systems on the cases they share.

    Args:
        connection: The engine.
        subject: The judged system.
        other: What it is set against.
        pairs: The paired rows.
        plan: What was asked.
        answers: The answers.
        condition: The default population as SQL.
        shared: Usable shared rows.
        volume: Cases per month; None where not stated.
    """
    differences = [
        _difference(pair, answers, plan.population, 0, name) for name, pair in plan.metrics.items()
    ]
    main = _part(plan.main, answers, plan.population, 0)
    fixed = round(main.discordant[0]) if main is not None and main.discordant else None
    broke = round(main.discordant[1]) if main is not None and main.discordant else None
    same = subject.pins.golden_version == other.pins.golden_version
    return Comparison(
        subject=subject.name,
        other=other.name,
        pins=other.pins,
        shared=main.n if main is not None else shared,
        same_golden=same,
        fixed=fixed,
        broke=broke,
        mid_p=mcnemar_mid_p(fixed, broke)
        if fixed is not None and broke is not None and fixed + broke
        else None,
        newly_failing=_changes(
            connection,
            subject,
            other,
            pairs,
            f"ok = 0 AND other_ok = 1 AND {condition}",
            _worst_outcomes(subject.profile),
        )
        if broke
        else (),
        newly_fixed=_changes(
            connection, subject, other, pairs, f"ok = 1 AND other_ok = 0 AND {condition}", ()
        )
        if fixed
        else (),
        differences=tuple(sorted(differences, key=_worst_first)),
        slices=_slices(plan, answers),
        money=_money(plan, answers, volume),
        note=_note(same, subject, other, shared),
    )


def _note(same: bool, subject: RunRows, other: RunRows, shared: int) -> str:
    if not same:
        return (
            "The two ran on different golden versions; "
            f"only the {shared:,} cases that both hold are compared."
        )
    if shared < min(subject.profile.rows, other.profile.rows):
        return f"{shared:,} of {subject.profile.rows:,} rows could be paired."
    return ""


def _worst_first(difference: Difference) -> int:
    return ["worse", "unknown", "no difference shown", "better"].index(difference.verdict)


def _part(pair: PairedMetric | None, answers: dict[Ask, Table], split: Split, code: int) -> PairedPart | None:
    if pair is None:
        return None
    try:
        return pair.part(answers, split, code)
    except Unmeasurable:
        return None


def _difference(
    pair: PairedMetric, answers: dict[Ask, Table], split: Split, code: int, name: str
) -> Difference:
    unit = pair.ours.unit
    column, value = (split.name, split.labels[code]) if split.name and len(split.labels) > 1 else ("", "")
    try:
        part = pair.part(answers, split, code)
    except Unmeasurable as error:
        silent = Estimate.unknown_because(str(error), unit)
        return Difference(name, pair.ours.better, silent, silent, silent, "unknown", column, value)
    delta = estimate_of(part.delta, "points" if unit == "share" else unit, part.n, part.blur)
    return Difference(
        metric=name,
        better=pair.ours.better,
        ours=estimate_of(part.ours, unit, part.n),
        theirs=estimate_of(part.theirs, unit, part.n),
        delta=delta,
        verdict=_verdict(delta, pair.ours.better),
        column=column,
        value=value,
        p_value=_p_value(part),
    )


def _verdict(delta: Estimate, better: str) -> str:
    if delta.low is None or delta.high is None:
        return "unknown"
    if delta.low <= 0 <= delta.high:
        return "no difference shown"
    return "better" if (delta.low > 0) == (better == "higher") else "worse"


def _p_value(part: PairedPart) -> float | None:
    if part.discordant is not None:
        fixed, broke = (round(count) for count in part.discordant)
        return mcnemar_mid_p(fixed, broke) if fixed + broke else 1.0
    error = part.delta.standard_error
    if not np.isfinite(error) or error <= 0:
        return None
    return float(2 * ndtr(-abs(part.delta.value) / error))


def _slices(plan: PairPlan, answers: dict[Ask, Table]) -> tuple[Difference, ...]:
    """Return the right-or-wrong difference per slice, with p-values adjusted by Holm."""
    if plan.main is None:
        return ()
    found = [
        _difference(plan.main, answers, split, code, "accuracy")
        for split in plan.slices
        for code in range(len(split.labels))
    ]
    tested = [index for index, part in enumerate(found) if part.p_value is not None]
    adjusted = holm(np.array([found[index].p_value or 0.0 for index in tested])) if tested else ()
    corrected = dict(zip(tested, adjusted, strict=True))
    result = []
    for index, part in enumerate(found):
        p_value = float(corrected[index]) if index in corrected else None
        verdict = part.verdict
        if p_value is not None and p_value >= 0.05 and verdict in ("better", "worse"):
            verdict = "no difference shown"
        result.append(
            Difference(
                part.metric,
                part.better,
                part.ours,
                part.theirs,
                part.delta,
                verdict,
                part.column,
                part.value,
                p_value,
            )
        )
    return tuple(sorted(result, key=lambda part: (_worst_first(part), part.delta.value or 0.0)))


def _money(plan: PairPlan, answers: dict[Ask, Table], volume: float | None) -> Estimate | None:
    pair = plan.metrics.get("expected_cost")
    part = _part(pair, answers, plan.population, 0)
    if part is None or volume is None:
        return None
    return estimate_of(Affine(part.delta, volume), "money", part.n)


def _worst_outcomes(profile: RowsProfile) -> tuple[str, ...]:
    """Return the worst outcomes that occur among wrong rows."""
    found = {
        "harmful": profile.basis == Basis.GRADE,
        "false_negative": profile.binary,
        "failed": profile.failed,
    }
    return tuple(name for name, occurs in found.items() if occurs)


def _changes(
    connection: Connection,
    subject: RunRows,
    other: RunRows,
    pairs: Pairs,
    condition: str,
    worst: tuple[str, ...],
) -> tuple[CaseChange, ...]:
    in_order = subject.profile.in_people_order
    rows = list_flips(
        connection,
        pairs.pieces if in_order else [pairs.table],
        condition,
        LISTED,
        occurring=worst,
        in_order=pairs.in_order and in_order,
    )
    return describe(connection, rows, subject, other)


def describe(
    connection: Connection, rows: Sequence[ListedRow], subject: RunRows, other: RunRows | None
) -> tuple[CaseChange, ...]:
    """Return listed rows with their texts.

    Args:
        connection: The engine.
        rows: The rows.
        subject: The judged system.
        other: The system it is set against; None where there is none.
    """
    ids = [row.case_id for row in rows]
    inputs = texts_of(connection, subject.inputs, ids)
    files = texts_of(connection, subject.input_files, ids)
    ours = texts_of(connection, subject.outputs, ids)
    theirs = texts_of(connection, other.outputs, ids) if other is not None else {}
    return tuple(
        CaseChange(
            case_id=row.case_id,
            repeat=row.repeat,
            before=row.before,
            after=row.outcome,
            input=inputs.get((row.case_id, 0), inputs.get((row.case_id, row.repeat), "")),
            before_text=theirs.get((row.case_id, row.repeat), ""),
            after_text=ours.get((row.case_id, row.repeat), "") or row.reason or row.prediction,
            label=row.label[:400],
            input_file=files.get((row.case_id, 0), files.get((row.case_id, row.repeat), "")),
        )
        for row in rows
    )
