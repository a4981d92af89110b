"""What a metric may know about the rows it is asked of, and the small expressions that code them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from shipworthy.define.spec import Costs
from shipworthy.tables.duck import quote, text_literal
from shipworthy.tables.row_plan import RowsProfile
from shipworthy.tables.totals import Key

__all__ = ["OUTCOMES", "Frame"]

#: Codes of the outcome key, in this order.
OUTCOMES = (
    "good",
    "poor",
    "harmful",
    "right",
    "wrong",
    "true_positive",
    "false_positive",
    "false_negative",
    "true_negative",
    "failed",
)

EXACT_SCORES = 4096
EXACT_ROWS = 250_000
SCORE_BINS = 2048


@dataclass(frozen=True)
class Frame:
    """One system's rows as a metric sees them.

    Args:
        profile: What one look at the rows told.
        kind: The product's kind.
        costs: Costs of the spec; None where it states none.
        scorers: Scorer id -> better direction ("higher" or "lower").
        prefix: "" for the subject's columns, "other_" for the system it is paired with.
        bars: Bars by metric name, for metrics whose bins should meet them.
        wanted: Averaged column -> the direction that the gates ask for ("higher" or "lower").
        paired: Profile of the system it is paired with; None where it stands alone.
    """

    profile: RowsProfile
    kind: str
    costs: Costs | None = None
    scorers: dict[str, str] = field(default_factory=dict)
    prefix: str = ""
    bars: dict[str, float] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)
    paired: RowsProfile | None = None

    def other(self) -> Frame:
        """Return the frame of the paired system's columns: its scores, and the subject's classes."""
        profile = self.profile
        if self.paired is not None:
            profile = replace(
                profile,
                distinct_scores=self.paired.distinct_scores,
                score_low=self.paired.score_low,
                score_high=self.paired.score_high,
            )
        return replace(self, prefix="other_", profile=profile)

    def column(self, name: str) -> str:
        """Return one of the system's own columns, quoted."""
        return quote(self.prefix + name)

    def has(self, *names: str) -> bool:
        """Return whether the columns hold any value."""
        return all(name in self.profile.columns for name in names)

    # -- keys ------------------------------------------------------------------------------------------

    def label_key(self) -> Key:
        """The true class, by code."""
        return Key("label", self._class_code("label"), len(self.profile.classes))

    def prediction_key(self) -> Key:
        """The predicted class, by code; failed rows are in the slot for NULL."""
        failed = self.column("failed_reason")
        code = self._class_code(self.prefix + "prediction")
        return Key(
            f"{self.prefix}prediction", f"CASE WHEN {failed} IS NULL THEN {code} END", self.class_count
        )

    @property
    def class_count(self) -> int:
        """Number of classes."""
        return len(self.profile.classes)

    @property
    def positive_codes(self) -> tuple[int, ...]:
        """Codes of the positive classes."""
        if self.profile.binary:
            return (1,)
        return tuple(
            index for index, name in enumerate(self.profile.classes) if name in self.profile.positive
        )

    def outcome_key(self) -> Key:
        """The class of outcome, by code."""
        names = ", ".join(text_literal(name) for name in OUTCOMES)
        return Key(
            f"{self.prefix}outcome", f"list_position([{names}], {self.column('outcome')}) - 1", len(OUTCOMES)
        )

    def flag_key(self, name: str, condition: str) -> Key:
        """A yes-or-no condition, by code 0 and 1."""
        return Key(f"{self.prefix}{name}", f"CAST(({condition}) AS INTEGER)", 2)

    def is_positive(self) -> str:
        """Condition: the true class is positive."""
        return f"{quote('label')} IN ({self._positive_list()})"

    def _positive_list(self) -> str:
        return ", ".join(text_literal(label) for label in self.profile.positive) or "NULL"

    def _class_code(self, column: str) -> str:
        name = quote(column)
        if self.profile.binary:
            yes = self._positive_list()
            return f"CASE WHEN {name} IS NULL THEN NULL WHEN {name} IN ({yes}) THEN 1 ELSE 0 END"
        names = ", ".join(text_literal(label) for label in self.profile.classes)
        return f"list_position([{names}], {name}) - 1"

    # -- scores ----------------------------------------------------------------------------------------

    @property
    def scores_exact(self) -> bool:
        """Whether every distinct score keeps its own code."""
        return self.profile.distinct_scores <= EXACT_SCORES and self.profile.rows <= EXACT_ROWS

    def score_key(self) -> Key:
        """The predicted score: its rank among the distinct ones where they are few, else a bin."""
        score = self.column("predicted_score")
        if self.scores_exact:
            rank = f"dense_rank() OVER (ORDER BY {score} NULLS LAST) - 1"
            return Key(
                f"{self.prefix}score",
                f"CASE WHEN {score} IS NOT NULL THEN {rank} END",
                self.profile.distinct_scores,
            )
        low, high = self.profile.score_low, self.profile.score_high
        if low is not None and high is not None and low >= 0.0 and high <= 1.0:
            # Logit-spaced, because scores crowd near 0 and 1; float64 first, so that engines agree.
            spread = (
                f"CASE WHEN {score} <= 1e-6 THEN 0 WHEN {score} >= 1 - 1e-6 THEN {SCORE_BINS - 1} "
                f"ELSE CAST(floor((ln({score} / (1 - {score})) + 13.815511) / 27.631022 * {SCORE_BINS - 2}) "
                "AS INTEGER) + 1 END"
            )
        else:
            start, width = low or 0.0, max((high or 1.0) - (low or 0.0), 1e-300)
            spread = (
                f"CASE WHEN {score} >= {high!r} THEN {SCORE_BINS - 1} "
                f"ELSE CAST(floor(({score} - {start!r}) / {width!r} * {SCORE_BINS}) AS INTEGER) END"
            )
        return Key(f"{self.prefix}score", f"CASE WHEN {score} IS NOT NULL THEN {spread} END", SCORE_BINS)
