"""Where to draw the line: what each threshold of a system costs, proves and asks of people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from shipworthy.api.product import open_product
from shipworthy.define.rules import parse_condition_text
from shipworthy.define.spec import Spec
from shipworthy.errors import UsageError, nearest
from shipworthy.evaluate.progress import Progress, Silent
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.measuring import frame_of
from shipworthy.evidence.metric import Unmeasurable
from shipworthy.evidence.operating import (
    Part,
    Point,
    costs_of,
    line_at,
    parts_of,
    point_of,
    score_tables,
    scores_by_label,
)
from shipworthy.evidence.populations import group_split, population_split, population_sql
from shipworthy.evidence.subject import RunRows
from shipworthy.stats.operating import (
    Line,
    OutcomeCosts,
    Reviewing,
    ScoreTable,
    Triage,
    best_line,
    best_triage,
    proven_lines,
)
from shipworthy.tables.engine import Connection
from shipworthy.tables.totals import Ask, read_totals

__all__ = ["BandUse", "Proven", "ThresholdRequest", "Thresholds", "thresholds"]

DAYS_A_MONTH = 365.25 / 12
#: Points of the curve that are handed out; between two of them lies half a percent of the score's range.
CURVE_POINTS = 201


@dataclass(frozen=True)
class ThresholdRequest:
    """What `threshold` was asked.

    Args:
        system: The system; None for the candidate.
        at: Thresholds to look at: one line, or two with people between them, ascending.
        on: Conditions such as plan = pro, or a stratum; None for the default population.
        by: Columns to cut by; none for the spec's groups.
        precision: Share of right actions that the part acted on must be proved to have; None for none.
        cleared: Share of right cases that the part left alone must be proved to have; None for none.
        confidence: Confidence of these proofs, strictly between 0.5 and 1.
        review: Cost of one look; None for the spec's.
        finds: Share of positive cases that people see as such; None for the guardrails' measured share.
        clears: Share of negative cases that people see as such; None for the guardrails' measured share.
        capacity: Cases a day that people have time for; None for the spec's.
    """

    system: str | None = None
    at: tuple[float, ...] = ()
    on: str | None = None
    by: tuple[str, ...] = ()
    precision: float | None = None
    cleared: float | None = None
    confidence: float = 0.95
    review: float | None = None
    finds: float | None = None
    clears: float | None = None
    capacity: float | None = None


@dataclass(frozen=True)
class BandUse:
    """One band of the score, and what happens in it.

    Args:
        part: The range of the score, and what lies in it.
        action: What happens there.
        by: Who decides there: system, person or fallback.
        a_day: Cases a day; None where the volume is not stated.
    """

    part: Part
    action: str
    by: str
    a_day: float | None


@dataclass(frozen=True)
class Proven:
    """How much can be automated so that its errors are proved to be few enough.

    Args:
        side: "acted" for the cases at or above the line, "left" for those below it.
        wanted: Share of right cases that was asked for.
        confidence: Confidence of the proof, whichever of the proved lines is chosen.
        line: The boldest line that is proved; None where none is.
        share: Share of cases that it automates; 0 where none is.
        careful: The most careful line that is proved, beyond which too few cases are left to prove anything.
    """

    side: Literal["acted", "left"]
    wanted: float
    confidence: float
    line: float | None
    share: float
    careful: float | None = None


@dataclass(frozen=True)
class Thresholds:
    """What `threshold` answers.

    Args:
        product: The product's id.
        system: The system.
        run: Its run.
        population: The rows it speaks of, in words.
        cases: Cases with a score and a label.
        positives: Share of them that is positive.
        currency: ISO code of all money.
        volume: Cases a month; None where it is not stated.
        by_costs: Line that the costs alone draw, were the score the true chance; None where they draw none.
        now: What the line that the spec draws for the system means; None where it draws none.
        nobody: What acting on no case means.
        everybody: What acting on every case means.
        best: The cheapest line; None where costs are not stated.
        best_point: What it means; None where costs are not stated.
        triage: The two cheapest lines with people between them; None where a look has no cost.
        reviewing: What people cost and get right, as far as it was used.
        bands: The spec's bands; empty where it states none.
        asked: What lies between the lines that were asked for; empty where none were.
        asked_point: What one line that was asked for means; None where none or two were.
        proven: How much can be automated with proof.
        groups: Column -> value -> what the line means there: the line asked for, the spec's, or the best.
        group_line: That line; None where there is none.
        curve: Points on the way from the lowest to the highest line.
        notes: What limits the answer.
    """

    product: str
    system: str
    run: str
    population: str
    cases: float
    positives: float
    currency: str
    volume: float | None
    nobody: Point
    everybody: Point
    by_costs: float | None = None
    now: Point | None = None
    best: Line | None = None
    best_point: Point | None = None
    triage: Triage | None = None
    reviewing: Reviewing | None = None
    bands: tuple[BandUse, ...] = ()
    asked: tuple[Part, ...] = ()
    asked_point: Point | None = None
    proven: tuple[Proven, ...] = ()
    groups: Mapping[str, Mapping[str, Point]] = field(default_factory=dict)
    group_line: float | None = None
    curve: tuple[Point, ...] = ()
    notes: tuple[str, ...] = ()


def thresholds(
    path: str | Path = ".", request: ThresholdRequest | None = None, *, progress: Progress | None = None
) -> Thresholds:
    """Say what each place of a system's line costs, proves and asks of people.

    Args:
        path: The product's folder, or its shipworthy.yaml.
        request: What was asked; by default the candidate on the default population.
        progress: Watches the entering.

    Returns:
        The cheapest line, the cheapest two lines with people between them, what can be promised, and a curve.

    Raises:
        UsageError: If the system has no scores or labels, or a number is out of range.
    """
    request = request or ThresholdRequest()
    _check(request)
    _refuse_endless(request)
    product = open_product(path)
    with product.opened(request.system, progress or Silent()) as (connection, run):
        return _answered(product.spec, connection, run, request)


def _check(request: ThresholdRequest) -> None:
    if len(request.at) > 2 or list(request.at) != sorted(request.at):
        raise UsageError(
            "Lines are one threshold, or two of which the first is lower.", fix="Write 0.6, or 0.6:0.95."
        )
    for name, share in (("--precision", request.precision), ("--cleared", request.cleared)):
        if share is not None and not 0 < 1 - share < 1:
            raise UsageError(
                f"{name} is a share strictly between 0 and 1, not {share:g}.", fix="Write 0.95 or 95%."
            )


def _refuse_endless(request: ThresholdRequest) -> None:
    named = {"--review": request.review, "--capacity": request.capacity}
    for name, number in named.items():
        if number is not None and not 0 <= number < math.inf:
            raise UsageError(f"{name} is a number from 0 up, not {number:g}.", fix="Write a finite number.")
    if not 0.5 < request.confidence < 1:
        raise UsageError(
            f"--confidence lies between 0.5 and 1, not at {request.confidence:g}.", fix="Write 0.95."
        )


def _answered(spec: Spec, connection: Connection, run: RunRows, request: ThresholdRequest) -> Thresholds:
    frame = frame_of(spec, run)
    if run.profile.weighted:
        raise UsageError(
            "Lines are drawn on cases that count the same, and these rows carry weights.",
            fix="Judge a random sample; its rows need no weights.",
        )
    table, groups, words = _read(spec, connection, run, frame, request)
    if table is None:
        raise UsageError(
            f"No case of {words} has both a score and a label.", fix="Name other conditions with --on."
        )
    notes = _limits(spec, run)
    try:
        costs: OutcomeCosts | None = costs_of(spec.costs)
    except Unmeasurable as error:
        costs = None
        notes.append(f"Nothing is priced: {error}.")
    best = best_line(table, costs) if costs is not None else None
    reviewing = _reviewing(spec, request, notes) if costs is not None else None
    volume = spec.costs.volume_per_month if spec.costs is not None else None
    most = _most_reviewed(spec, request, volume, notes)
    bands = _bands(spec, table, volume)
    line = _first_line(spec, request, best)
    drawn = spec.systems.declared()[run.name].threshold
    return Thresholds(
        product=spec.id,
        system=run.name,
        run=run.pins.run_id,
        population=words,
        cases=table.cases,
        positives=float(table.positives.sum()) / table.cases,
        currency=spec.costs.currency if spec.costs is not None else "",
        volume=volume,
        nobody=point_of(table, len(table.thresholds) - 1, costs),
        everybody=point_of(table, 0, costs),
        by_costs=costs.chance_to_act if costs is not None and frame.has_probability else None,
        now=None if drawn is None else point_of(table, line_at(table, drawn), costs),
        best=best,
        best_point=point_of(table, best.at, costs) if best is not None else None,
        triage=best_triage(table, costs, reviewing, most) if costs is not None and reviewing else None,
        reviewing=reviewing,
        bands=bands,
        asked=parts_of(table, request.at) if request.at else (),
        asked_point=point_of(table, line_at(table, request.at[0]), costs) if len(request.at) == 1 else None,
        proven=tuple(_proven(table, run, request, notes)),
        groups={
            column: {name: point_of(inner, line_at(inner, line), None) for name, inner in by_value.items()}
            for column, by_value in groups.items()
        }
        if line is not None
        else {},
        group_line=line,
        curve=tuple(
            point_of(table, int(at), costs)
            for at in np.unique(np.linspace(0, len(table.thresholds) - 1, CURVE_POINTS).round().astype(int))
        ),
        notes=tuple(notes),
    )


def _read(
    spec: Spec, connection: Connection, run: RunRows, frame: Frame, request: ThresholdRequest
) -> tuple[ScoreTable | None, dict[str, dict[str, ScoreTable]], str]:
    """Return the cases by score of the population, and of each group in it, in one scan."""
    columns = run.profile.columns
    population = spec.default_population()
    if request.on is not None:
        text = request.on
        known = text in run.profile.strata
        population = parse_condition_text(f"stratum = {text}" if known else text)
    split = population_split(population, columns)
    try:
        total = scores_by_label(frame)
    except Unmeasurable as error:
        raise UsageError(
            f"{run.name} has no line to draw: {error}.",
            fix="A line needs a predicted_score, labels and golden.positive.",
        ) from None
    cuts = {}
    for column in request.by or spec.groups:
        values = run.profile.slice_values.get(column)
        if values is None:
            raise UsageError(
                f"{column!r} is no slice of the spec.", fix=nearest(column, run.profile.slice_values)
            )
        cuts[column] = group_split(column, tuple(values), population_sql(population, columns))
    asks = [Ask(total, split), *(Ask(total, cut) for cut in cuts.values())]
    answers = read_totals(connection, run.table, asks, serves="lines of the score")
    whole = score_tables(frame, answers[asks[0]], split)
    found = {
        column: score_tables(frame, answers[ask], cut)
        for (column, cut), ask in zip(cuts.items(), asks[1:], strict=True)
    }
    words = str(population) if population.conditions else "all cases"
    return next(iter(whole.values()), None), found, words


def _limits(spec: Spec, run: RunRows) -> list[str]:
    """Return what limits every number of the answer."""
    notes = []
    sampled = spec.golden.sampling_of("representative" if "representative" in spec.golden.strata else None)
    if sampled != "random":
        notes.append(
            f"The cases were sampled as {sampled!r}: shares and money a month speak of these cases, "
            "not of your traffic."
        )
    if spec.data is not None and spec.data.labels is not None and spec.data.labels.selective:
        notes.append(
            "Outcomes are known only where the product (or its forerunner) said yes: what lies below its "
            "line is not known, and costs there are those of the few that were let through. "
            "routing.explore makes it known."
        )
    if run.profile.clustered:
        notes.append("Cases come in clusters or repeats, so that intervals and proofs here are too narrow.")
    return notes


def _reviewing(spec: Spec, request: ThresholdRequest, notes: list[str]) -> Reviewing | None:
    """Return what people cost and get right; None where a look has no cost."""
    assert spec.costs is not None  # noqa: S101 - asked only where there are costs
    cost = request.review if request.review is not None else spec.costs.review
    if cost is None:
        notes.append("No look by a person is priced: state costs.review, or give --review.")
        return None
    finds = _caught(spec, "false_negative", request.finds, "positive", "--finds", notes)
    clears = _caught(spec, "false_positive", request.clears, "negative", "--clears", notes)
    return Reviewing(cost, finds, clears)


def _caught(spec: Spec, outcome: str, said: float | None, what: str, option: str, notes: list[str]) -> float:
    if said is not None:
        return said
    measured = [g for g in spec.guardrails if outcome in g.stops and g.tried and g.caught is not None]
    if not measured:
        notes.append(
            f"People are taken to see every {what} case as such. Nobody measured it: say it with {option}, "
            f"or state a guardrail that stops {outcome} with tried and caught."
        )
        return 1.0
    guard = measured[0]
    notes.append(f"People see {guard.caught} of {guard.tried} {what} cases as such (guardrail {guard.id}).")
    return (guard.caught or 0) / (guard.tried or 1)


def _most_reviewed(spec: Spec, request: ThresholdRequest, volume: float | None, notes: list[str]) -> float:
    """Return the largest share of cases that people have time for."""
    capacity = request.capacity
    if capacity is None and spec.routing is not None:
        capacity = spec.routing.review_capacity_per_day
    if capacity is None:
        return 1.0
    if volume is None:
        notes.append("The capacity of people is not used: costs.volume_per_month is not stated.")
        return 1.0
    return min(1.0, capacity * DAYS_A_MONTH / volume)


def _bands(spec: Spec, table: ScoreTable, volume: float | None) -> tuple[BandUse, ...]:
    if spec.routing is None:
        return ()
    ends = spec.routing.ends()
    cuts = sorted({low for low, _high, _band in ends[1:]})
    parts = parts_of(table, cuts)
    if len(parts) != len(ends):
        return ()
    return tuple(
        BandUse(part, band.action, band.by, None if volume is None else part.share * volume / DAYS_A_MONTH)
        for part, (_low, _high, band) in zip(parts, ends, strict=True)
    )


def _first_line(spec: Spec, request: ThresholdRequest, best: Line | None) -> float | None:
    """Return the line that groups are shown at: the one asked for, the spec's, else the cheapest."""
    if request.at:
        return request.at[-1]
    if spec.routing is not None and len(spec.routing.bands) > 1:
        return spec.routing.ends()[-1][0]
    return best.threshold if best is not None else None


def _proven(table: ScoreTable, run: RunRows, request: ThresholdRequest, notes: list[str]) -> list[Proven]:
    found = []
    sides: tuple[tuple[Literal["acted", "left"], float | None], ...] = (
        ("acted", request.precision),
        ("left", request.cleared),
    )
    for side, wanted in sides:
        if wanted is None:
            continue
        if run.profile.clustered:
            notes.append(f"Nothing is proved about the part {side}: cases in clusters are not independent.")
            continue
        holds = np.flatnonzero(proven_lines(table, side, 1 - wanted, request.confidence))
        if not len(holds):
            found.append(Proven(side, wanted, request.confidence, None, 0.0))
            continue
        at = int(holds[0] if side == "acted" else holds[-1])
        above = float(table.found[at] + table.alarmed[at]) / table.cases
        share = above if side == "acted" else 1 - above
        careful = float(table.thresholds[int(holds[-1] if side == "acted" else holds[0])])
        found.append(Proven(side, wanted, request.confidence, float(table.thresholds[at]), share, careful))
    return found
