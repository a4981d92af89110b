"""What rows are made of: the plan of a run's rows, and what one look at them tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shipworthy.tables.duck import text_literal

__all__ = [
    "DERIVED",
    "FORMER_RANDOM_GROUPS",
    "MOST_GROUPS",
    "MOST_SLICE_VALUES",
    "NUMBERS",
    "OWN",
    "RANDOM_GROUPS",
    "TEXTS",
    "Basis",
    "PeopleLabels",
    "RowsPlan",
    "RowsProfile",
    "averaged_columns",
    "bad",
    "grade_sql",
    "numbered",
    "slice_columns",
]

#: Values of a slicing column that a profile keeps; a column with more is no slice of people's making.
MOST_SLICE_VALUES = 64

#: Up to this many clusters each is its own group; above, clusters are dealt into random groups.
MOST_GROUPS = 256
RANDOM_GROUPS = 64
#: Runs that were stored earlier hold their clusters in so many random groups.
FORMER_RANDOM_GROUPS = 128

NUMBERS = ("predicted_score", "latency_ms", "run_cost", "weight", "correct")
TEXTS = (
    "label",
    "prediction",
    "grade",
    "stratum",
    "cluster_id",
    "query_id",
    "time",
    "failed_reason",
    "unscored_reason",
)


#: Columns that are ours in every table of rows, beside those that a file brings.
OWN = ("case_id", "repeat", *TEXTS, *NUMBERS)
DERIVED = ("outcome", "ok", "cluster_group")


@dataclass(frozen=True)
class PeopleLabels:
    """People's verdicts on the outputs that a judge scored, or on a set of its own.

    Args:
        given: Verdicts in the file that speak of this system.
        met: How many of them meet a row; 0 for a set of its own.
        table: Counts of a set of its own, by the judge's verdict and by people's; empty where rows carry it.
    """

    given: int
    met: int = 0
    table: tuple[tuple[int, ...], ...] = ()


class Basis:
    """What makes a row right or wrong."""

    GRADE = "grade"
    SCORED = "scored"
    PREDICTION = "prediction"
    CORRECT = "correct"
    NUMBER = "number"
    RANKING = "ranking"
    SCORES = "scores"


@dataclass(frozen=True)
class RowsPlan:
    """How to make rows from a golden set and one system's answers.

    Args:
        golden: SQL of the golden set, one row per case; None where the answers carry everything.
        answers: SQL of the answers, with the columns named in `answer_columns`.
        golden_columns: Our names of the golden set's columns (all text).
        answer_columns: Our names of the answers' columns (all text).
        slices: Columns compared as text.
        numbers: Columns averaged as numbers.
        scorers: Ids of scorers whose values are among the answers' columns.
        basis: What makes a row right.
        primary_scorer: The scorer that decides right or wrong, where the basis is SCORED.
        positive: Labels of the positive class.
        threshold: Cut on predicted_score where there is no prediction.
        keep_unjudged: Keep answers that the golden set does not know (ranking: not relevant).
        grades: Foreign grade -> ours.
        source: Name of the answers' file, for messages.
        typed: Names of numbers that every side holds as doubles already.
        columnar: Whether it is one Parquet file, of which a column is read again for next to nothing.
    """

    golden: str | None
    answers: str
    golden_columns: tuple[str, ...]
    answer_columns: tuple[str, ...]
    slices: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    scorers: tuple[str, ...] = ()
    basis: str = Basis.PREDICTION
    primary_scorer: str | None = None
    positive: tuple[str, ...] = ()
    threshold: float | None = None
    keep_unjudged: bool = False
    grades: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    typed: frozenset[str] = frozenset()
    columnar: bool = False


@dataclass(frozen=True)
class RowsProfile:
    """What one look at the rows tells.

    Args:
        rows: Planned rows.
        cases: Distinct cases.
        clusters: Distinct clusters among usable rows.
        groups: Number of groups the clusters are dealt into.
        clustered: Whether rows are fewer units than they seem (clusters, repeats or weights).
        weighted: Whether rows carry weights.
        scored: Rows with a usable answer and a score.
        failed: Rows that failed.
        unscored: Rows that are unscored.
        failed_reasons: Count by reason.
        unscored_reasons: Count by reason.
        classes: Classes in order, labels and predictions together; empty where there are none.
        positive: The positive labels in force.
        binary: Whether outcomes are true and false positives and negatives.
        basis: What makes a row right.
        columns: The columns that hold at least one value.
        distinct_scores: Number of distinct predicted scores.
        score_low: Smallest predicted score; None where there is none.
        score_high: Largest.
        strata: Usable rows per stratum.
        unknown_answers: Answers for cases that the golden set does not know (they are left out).
        queries: Distinct queries among usable rows.
        mean_weight: Mean weight of usable rows, by which weights are scaled to add up to the rows.
        labels: People's verdicts by the judged score.
        weight_effect: By how much unequal weights shrink the count, at least 1 (Kish).
        order: Hash of cases and repeats in the order they are stored in, by which runs are paired row by row;
            "" where they lie in no file.
        in_people_order: Whether they are stored in the order in which people list cases, so that the first
            of a list are the first in the file.
        slice_values: Commonest values of each slicing column among usable rows, commonest first.
    """

    rows: int
    cases: int
    clusters: int
    groups: int
    clustered: bool
    weighted: bool
    scored: int
    failed: int
    unscored: int
    failed_reasons: Mapping[str, int]
    unscored_reasons: Mapping[str, int]
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    binary: bool
    basis: str
    columns: tuple[str, ...]
    distinct_scores: int
    score_low: float | None
    score_high: float | None
    strata: Mapping[str, int]
    unknown_answers: int = 0
    queries: int = 0
    mean_weight: float = 1.0
    labels: Mapping[str, PeopleLabels] = field(default_factory=dict)
    weight_effect: float = 1.0
    order: str = ""
    in_people_order: bool = False
    slice_values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def numbered(table: str) -> str:
    """Name of the view that has each stored row's number in its file beside it."""
    return f"{table}_numbered"


def bad(column: str) -> str:
    """Name of the column that keeps what stands in a row instead of a number."""
    return f"#{column}__bad"


def averaged_columns(plan: RowsPlan) -> list[str]:
    """Names of averaged columns and scorers, which are stored under a # so that no slice can hide them."""
    return [*(name for name in plan.numbers if name not in NUMBERS), *plan.scorers]


def grade_sql(plan: RowsPlan) -> str:
    """Return SQL of the grade in our words."""
    if not plan.grades:
        return "lower(trim(grade))"
    mapped = " ".join(
        f"WHEN {text_literal(theirs.lower())} THEN {text_literal(ours)}"
        for theirs, ours in plan.grades.items()
    )
    return f"CASE lower(trim(grade)) {mapped} ELSE lower(trim(grade)) END"


def slice_columns(plan: RowsPlan) -> list[str]:
    """Names of the columns that are compared as text and are not ours anyway."""
    return [name for name in plan.slices if name not in (*OWN, *DERIVED)]
