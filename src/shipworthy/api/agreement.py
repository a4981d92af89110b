"""How far raters agree, whom to believe, and what they say together."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shipworthy.errors import UsageError, nearest
from shipworthy.evaluate.progress import Progress, Silent
from shipworthy.evidence.estimating import estimate_of
from shipworthy.golden.columns import rows_where
from shipworthy.records import Estimate
from shipworthy.stats.agreement import (
    Level,
    Weights,
    agreeing_pairs,
    alpha_confident,
    cohen_confident,
    cohen_kappa,
    fleiss_confident,
    fleiss_kappa,
    krippendorff_alpha,
    summed_coincidences,
)
from shipworthy.stats.confidence import Confidence, Proportion
from shipworthy.stats.consensus import Consensus, dawid_skene, majority
from shipworthy.store.workspace import write_atomically
from shipworthy.tables.duck import ROW_NUMBER, Connection, ForeignFile, connect, open_file
from shipworthy.tables.ratings import (
    Ratings,
    numbers_of,
    read_counts,
    read_ratings,
    relation_of_columns,
    relation_of_rows,
)

__all__ = ["AgreementReport", "AgreementRequest", "ConsensusLabel", "RaterSkill", "measure_agreement"]

ITEMS = ("item", "item_id", "case_id", "id", "question", "question_id", "task", "task_id")
RATERS = ("rater", "rater_id", "annotator", "annotator_id", "worker", "worker_id", "judge", "labeler")
LABELS = ("label", "answer", "annotation", "rating", "grade", "vote")

#: Below this many raters nobody can be outvoted, so that a consensus says no more than the labels.
FEWEST_RATERS = 3
NO_INTERVAL = "no interval: too few items, or nobody ever disagreed"


@dataclass(frozen=True)
class AgreementRequest:
    """What was asked of a file of labels.

    Args:
        path: The file.
        item: Column of the items; None to find it by its name, or where each row is one item to number them.
        rater: Column of the raters, where each row is one label; None to find it by its name.
        label: Column of the labels, where each row is one label; None to find it by its name.
        raters: Columns of the raters, where each row is one item.
        counts: Columns of the classes, where each row is one item and holds how often it got each class.
        level: What differences between classes mean to Krippendorff's alpha.
        weights: Whether near misses count in part to Cohen's kappa.
        where: Column -> value, rows to keep.
    """

    path: Path
    item: str | None = None
    rater: str | None = None
    label: str | None = None
    raters: Sequence[str] = ()
    counts: Sequence[str] = ()
    level: Level = "nominal"
    weights: Weights = "none"
    where: Mapping[str, str] | None = None


@dataclass(frozen=True)
class RaterSkill:
    """One rater beside the consensus.

    Args:
        rater: Their name.
        agreement: Share of their labels that the consensus shares.
        balanced: Mean over the classes of the chance to say a class where it is true; chance level is
            1 / classes, and below it a rater has turned the classes round.
    """

    rater: str
    agreement: Estimate
    balanced: float


@dataclass(frozen=True)
class ConsensusLabel:
    """What the raters say together of one item.

    Args:
        item: The item.
        label: Its likeliest class.
        chance: The chance of that class.
        majority: The class most often given; empty where two are given equally often.
        labels: Number of labels.
    """

    item: str
    label: str
    chance: float
    majority: str
    labels: int


@dataclass(frozen=True)
class AgreementReport:
    """What a file of labels says about its raters.

    Args:
        items: Number of items with a label.
        raters: Number of raters; None where only counts are known.
        labels: Number of labels.
        missing: Places for a label that hold none.
        single: Items with one label, which say nothing about agreement.
        classes: Class -> number of labels.
        figures: Name -> estimate of every measure of agreement.
        skills: Every rater beside the consensus, the best first; empty where there is no consensus.
        consensus: What they say together of each item; empty where there is no consensus.
        steps: Steps that the consensus took.
        converged: Whether it settled.
        notes: What limits the figures.
    """

    items: int
    raters: int | None
    labels: int
    missing: int
    single: int
    classes: Mapping[str, int]
    figures: Mapping[str, Estimate]
    skills: tuple[RaterSkill, ...] = ()
    consensus: tuple[ConsensusLabel, ...] = ()
    steps: int = 0
    converged: bool = True
    notes: tuple[str, ...] = ()

    @property
    def against_majority(self) -> int:
        """Number of items whose consensus is not the majority's class."""
        return sum(1 for one in self.consensus if one.majority and one.majority != one.label)

    @property
    def tied(self) -> int:
        """Number of items without a majority."""
        return sum(1 for one in self.consensus if not one.majority)

    def write_consensus(self, path: Path) -> None:
        """Write the consensus as CSV or JSONL, by the file's ending.

        Raises:
            UsageError: If there is no consensus, or the place cannot be written to.
        """
        if not self.consensus:
            raise UsageError(
                "There is no consensus to write.",
                fix=f"It needs {FEWEST_RATERS} raters or more, each by name (--rater or --raters).",
            )
        if path.suffix.lower() not in (".csv", ".jsonl"):
            raise UsageError(
                f"{path.name!r} is no kind of file that is written here.", fix="End it in .csv or .jsonl."
            )
        try:
            write_atomically(path, self._as_csv() if path.suffix.lower() == ".csv" else self._as_lines())
        except OSError as error:
            raise UsageError(
                f"{str(path)!r} cannot be written: {error.strerror}.",
                fix="Name a file in a folder you can write to.",
            ) from None

    def _as_csv(self) -> str:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(["item", "label", "chance", "majority", "labels"])
        for one in self.consensus:
            writer.writerow([one.item, one.label, f"{one.chance:.6f}", one.majority, one.labels])
        return buffer.getvalue()

    def _as_lines(self) -> str:
        return "".join(
            json.dumps(
                {
                    "item": one.item,
                    "label": one.label,
                    "chance": round(one.chance, 6),
                    "majority": one.majority or None,
                    "labels": one.labels,
                },
                ensure_ascii=False,
            )
            + "\n"
            for one in self.consensus
        )


def measure_agreement(request: AgreementRequest, progress: Progress | None = None) -> AgreementReport:
    """Measure how far the raters of a file agree, and find their consensus.

    Args:
        request: What was asked.
        progress: Watches the consensus.

    Raises:
        ShipworthyError: If the file, a column or a label is wrong.
    """
    connection = connect()
    try:
        ratings = _read(connection, request)
    finally:
        connection.close()
    if request.level in ("interval", "ratio") and ratings.numbers is None and not request.counts:
        wrong = next(name for name in ratings.classes if numbers_of([name]) is None)
        raise UsageError(
            f"--level {request.level} needs labels that are numbers, and {wrong!r} is none.",
            fix="Use --level nominal, or ordinal for classes whose order is known.",
        )
    figures, notes = _figures(ratings, request)
    report = AgreementReport(
        items=len(ratings.items),
        raters=len(ratings.raters) or None,
        labels=int(ratings.counts.sum()),
        missing=ratings.missing,
        single=int((ratings.counts.sum(axis=1) == 1).sum()),
        classes=dict(zip(ratings.classes, ratings.counts.sum(axis=0).astype(int).tolist(), strict=True)),
        figures=figures,
        notes=tuple(notes),
    )
    if len(ratings.raters) < FEWEST_RATERS:
        return report
    return _with_consensus(report, ratings, progress or Silent())


# -- reading ---------------------------------------------------------------------------------------------


def _read(connection: Connection, request: AgreementRequest) -> Ratings:
    file = open_file(connection, request.path, number_rows=True)
    condition = rows_where(file, request.where or {})
    named = [*request.raters, *request.counts]
    for column in [*named, *(name for name in (request.item, request.rater, request.label) if name)]:
        _check_column(file, column)
    if (request.raters and request.counts) or (named and (request.rater or request.label)):
        raise UsageError(
            "Labels stand one per row (--rater, --label), in one column per rater (--raters), or as counts "
            "per class (--counts); only one of these fits a file.",
            fix="Keep one of the three.",
        )
    if len(named) == 1:
        raise UsageError(f"{named[0]!r} alone cannot agree.", fix="Name two columns or more, with commas.")
    if request.counts:
        return read_counts(connection, file, condition, request.item, request.counts)
    if request.raters:
        relation = relation_of_columns(file, condition, request.item or ROW_NUMBER, request.raters)
        return read_ratings(connection, relation, str(request.path))
    item = request.item or _guess(file, ITEMS)
    rater, label = request.rater or _guess(file, RATERS), request.label or _guess(file, LABELS)
    lacking = [f"--{n} COLUMN" for n, c in (("item", item), ("rater", rater), ("label", label)) if c is None]
    if item is None or rater is None or label is None:
        names = ", ".join(name for name in file.names[:12] if name != ROW_NUMBER)
        raise UsageError(
            f"{request.path.name} does not say who gave which label to what; it has {names}.",
            fix=f"Name the columns: {' '.join(lacking)} (one label per row), --raters A,B "
            "(one column per rater), or --counts A,B (one column per class).",
        )
    relation = relation_of_rows(file, condition, item, rater, label)
    return read_ratings(connection, relation, str(request.path))


def _check_column(file: ForeignFile, column: str) -> None:
    if file.find(column) is None:
        known = [name for name in file.names if name != ROW_NUMBER]
        raise UsageError(f"{file.path} has no column {column!r}.", fix=nearest(column, known))


def _guess(file: ForeignFile, names: Sequence[str]) -> str | None:
    lowered = {name.lower(): name for name in file.names}
    return next((lowered[name] for name in names if name in lowered), None)


# -- measuring -------------------------------------------------------------------------------------------


def _figures(ratings: Ratings, request: AgreementRequest) -> tuple[dict[str, Estimate], list[str]]:
    """Return every measure that the labels allow, and what limits them."""
    counts, level = ratings.counts, request.level
    compared = counts[counts.sum(axis=1) >= 2]
    n = len(compared)
    if not n:
        reason = "no item has two labels"
        return {"agreeing pairs": Estimate.unknown_because(reason, "share")}, []
    figures = {"agreeing pairs": Estimate(agreeing_pairs(compared), n=n, unit="share")}
    if len(ratings.raters) == 2:
        table = _table_of_two(ratings)
        name = "Cohen's kappa" + (f" ({request.weights})" if request.weights != "none" else "")
        value = float(cohen_kappa(table, request.weights))
        figures[name] = _figure(cohen_confident(table, request.weights), value, n)
    figures["Fleiss' kappa"] = _figure(fleiss_confident(compared), fleiss_kappa(compared), n)
    # Columns of counts stand in the order in which they were named; that order is all that is known of them.
    values = np.arange(1.0, counts.shape[1] + 1) if request.counts else ratings.numbers
    alpha = float(krippendorff_alpha(summed_coincidences(compared), level, values))
    figures[f"Krippendorff's alpha ({level})"] = _figure(alpha_confident(compared, level, values), alpha, n)
    notes = []
    if len(set(compared.sum(axis=1).tolist())) > 1:
        notes.append(
            "Items have different numbers of labels: Fleiss' kappa weighs items alike, Krippendorff's alpha "
            "is made for it."
        )
    if level == "ordinal" and ratings.numbers is None:
        notes.append(f"Classes are no numbers; their order is taken as {', '.join(ratings.classes)}.")
    return figures, notes


def _figure(confidence: Confidence | None, value: float, n: int) -> Estimate:
    if not np.isfinite(value):
        return Estimate.unknown_because("only one class occurs, so that nothing but agreement was possible")
    if confidence is None:
        return Estimate(value, n=n, method=NO_INTERVAL)
    return estimate_of(confidence, "number", n)


def _table_of_two(ratings: Ratings) -> NDArray[np.float64]:
    size = len(ratings.classes)
    said = np.full((2, len(ratings.items)), -1)
    said[ratings.rater_codes, ratings.item_codes] = ratings.label_codes
    both = (said >= 0).all(axis=0)
    cells = np.bincount(said[0, both] * size + said[1, both], minlength=size * size)
    return cells.reshape(size, size).astype(float)


def _with_consensus(report: AgreementReport, ratings: Ratings, progress: Progress) -> AgreementReport:
    progress.start(0, "finding the consensus")
    try:
        found = dawid_skene(
            ratings.item_codes,
            ratings.rater_codes,
            ratings.label_codes,
            len(ratings.classes),
            watch=lambda _step: progress.advance(1),
        )
    finally:
        progress.finish()
    notes = report.notes
    if not found.converged:
        notes = (*notes, f"The consensus had not settled after {found.steps:,} steps.")
    return AgreementReport(
        report.items,
        report.raters,
        report.labels,
        report.missing,
        report.single,
        report.classes,
        report.figures,
        _skills(ratings, found),
        _labels(ratings, found),
        found.steps,
        found.converged,
        notes,
    )


def _skills(ratings: Ratings, found: Consensus) -> tuple[RaterSkill, ...]:
    shared = found.chances.argmax(axis=1)[ratings.item_codes] == ratings.label_codes
    agreeing = np.bincount(ratings.rater_codes, shared, len(ratings.raters))
    given = np.bincount(ratings.rater_codes, minlength=len(ratings.raters))
    balanced = np.diagonal(found.confusion, axis1=1, axis2=2).mean(axis=1)
    skills = [
        RaterSkill(
            name,
            estimate_of(Proportion(float(agreeing[code]), float(given[code])), "share", int(given[code])),
            float(balanced[code]),
        )
        for code, name in enumerate(ratings.raters)
    ]
    return tuple(sorted(skills, key=lambda skill: (-(skill.agreement.value or 0.0), skill.rater)))


def _labels(ratings: Ratings, found: Consensus) -> tuple[ConsensusLabel, ...]:
    winners, votes = found.chances.argmax(axis=1), majority(ratings.counts)
    given = ratings.counts.sum(axis=1).astype(int)
    return tuple(
        ConsensusLabel(
            item,
            ratings.classes[winners[code]],
            float(found.chances[code, winners[code]]),
            ratings.classes[votes[code]] if votes[code] >= 0 else "",
            int(given[code]),
        )
        for code, item in enumerate(ratings.items)
    )
