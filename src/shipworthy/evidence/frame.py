"""What a metric may know about the rows it is asked of, and the small expressions that code them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from shipworthy.define.spec import Costs, Judge
from shipworthy.tables.duck import quote, text_literal
from shipworthy.tables.row_plan import RANDOM_GROUPS, Basis, RowsProfile
from shipworthy.tables.totals import Key

__all__ = ["OUTCOMES", "Frame", "widened"]

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

#: Up to here every distinct score keeps its own code.
EXACT_SCORES = 4096
EXACT_ROWS = 250_000

#: Bins of a score between those for 0 and 1, for whole populations and for slices of many rows: each of the
#: wider ones is so many whole fine ones.
FINE_BINS = 1008
COARSE_BINS = 48
#: Where only the effect of clusters is read from them, they are wider still.
WIDE_BINS = 16
#: Scores nearer to 0 or 1 than e^-13.8 (a millionth) share a bin.
REACH = 13.815511
#: Bins of equal width that calibration is read in; their edges are edges of the score's bins too.
CALIBRATION_BINS = 15


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
        by_slice: Whether it is for slices, whose bins are wider where rows are many.
        judges: Judged score -> its judge.
        for_effect: Whether it is for the effect of clusters only, whose bins are wider still.
    """

    profile: RowsProfile
    kind: str
    costs: Costs | None = None
    scorers: dict[str, str] = field(default_factory=dict)
    prefix: str = ""
    bars: dict[str, tuple[float, ...]] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)
    paired: RowsProfile | None = None
    judges: dict[str, Judge] = field(default_factory=dict)
    by_slice: bool = False
    for_effect: bool = False

    def for_slices(self) -> Frame:
        """Return the frame for slices: with many rows their scores and latencies are read in wider bins."""
        return replace(self, by_slice=True)

    def for_spread(self) -> Frame:
        """Return the frame for the effect of clusters, which many groups of them tell in wide bins."""
        return replace(self, for_effect=True)

    @property
    def needs_spread(self) -> bool:
        """Whether rows and groups of clusters are too many to keep groups apart in narrow bins."""
        many = self.profile.rows > EXACT_ROWS and self.profile.groups >= RANDOM_GROUPS
        return self.profile.clustered and many and not self.for_effect

    @property
    def is_coarse(self) -> bool:
        """Whether bins are wide: where rows are many, or many groups of clusters are kept apart."""
        grouped = self.profile.clustered and self.profile.groups >= RANDOM_GROUPS
        return self.by_slice and (self.profile.rows > EXACT_ROWS or grouped)

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
        code = self._class_code(self.prefix + "prediction")
        if self._failed_rows:
            code = f"CASE WHEN {self.column('failed_reason')} IS NULL THEN {code} END"
        return Key(f"{self.prefix}prediction", code, self.class_count)

    @property
    def _failed_rows(self) -> int:
        own = self.paired if self.prefix and self.paired is not None else self.profile
        return own.failed

    def positive_key(self) -> Key:
        """Whether the true class is positive, by code 0 and 1."""
        sql = f"CAST({self.is_positive()} AS INTEGER)"
        if not self.class_count:
            return Key("positive", sql, 2)
        codes = (*(int(code in self.positive_codes) for code in range(self.class_count)), 2)
        return Key("positive", sql, 2, (self.label_key(),), codes)

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
        sql = f"list_position([{names}], {self.column('outcome')}) - 1"
        of, codes = self._by_classes(self._outcome_of)
        return Key(f"{self.prefix}outcome", sql, len(OUTCOMES), of, codes)

    def flag_key(self, name: str, condition: str) -> Key:
        """A yes-or-no condition, by code 0 and 1."""
        of, codes = self._flag_by_classes(condition)
        return Key(f"{self.prefix}{name}", f"CAST(({condition}) AS INTEGER)", 2, of, codes)

    def _flag_by_classes(self, condition: str) -> tuple[tuple[Key, ...], tuple[int, ...]]:
        """Return the keys that a condition on outcomes is a function of, and its codes; none if unknown."""
        if condition == f"{self.column('failed_reason')} IS NOT NULL":
            return self._by_classes(lambda _label, prediction: int(prediction == self.class_count))
        if condition == f"{self.column('ok')} = 1":
            right = {OUTCOMES.index(name) for name in ("right", "true_positive", "true_negative")}
            return self._by_classes(
                lambda label, prediction: int(self._outcome_of(label, prediction) in right)
            )
        return (), ()

    def _by_classes(self, code: Callable[[int, int], int]) -> tuple[tuple[Key, ...], tuple[int, ...]]:
        """Return label and prediction as keys, and what a function of their codes gives for each pair.

        Among predicted classes every outcome is one: a usable row without a prediction failed.
        """
        if self.profile.basis != Basis.PREDICTION or not self.class_count or not self.has("prediction"):
            return (), ()
        slots = range(self.class_count + 1)
        of = (self.label_key(), self.prediction_key())
        return of, tuple(code(label, prediction) for label in slots for prediction in slots)

    def _outcome_of(self, label: int, prediction: int) -> int:
        if prediction == self.class_count:
            return OUTCOMES.index("failed")
        if self.profile.binary:
            says, truly = prediction == 1, label == 1
            names = ("true_positive", "false_negative") if truly else ("false_positive", "true_negative")
            return OUTCOMES.index(names[0] if says else names[1])
        if label == self.class_count:
            return len(OUTCOMES)
        return OUTCOMES.index("right" if label == prediction else "wrong")

    def is_positive(self) -> str:
        """Condition: the true class is positive."""
        return f"{quote('label')} IN ({self._positive_list()})"

    def _positive_list(self) -> str:
        return ", ".join(text_literal(label) for label in self.profile.positive) or "NULL"

    def _class_code(self, column: str) -> str:
        name = quote(column)
        if self.profile.binary:
            yes = self._positive_list()
            # One value compared with = costs half of what a list of one costs.
            is_it = f"{name} = {yes}" if len(self.profile.positive) == 1 else f"{name} IN ({yes})"
            return f"CAST({is_it} AS INTEGER)"
        names = ", ".join(text_literal(label) for label in self.profile.classes)
        return f"list_position([{names}], {name}) - 1"

    # -- scores ----------------------------------------------------------------------------------------

    @property
    def scores_exact(self) -> bool:
        """Whether every distinct score keeps its own code."""
        few = self.profile.distinct_scores <= EXACT_SCORES and self.profile.rows <= EXACT_ROWS
        return few and not self.is_coarse and not self.for_effect

    def score_key(self) -> Key:
        """The predicted score: its rank among the distinct ones where they are few, else a bin."""
        name, score = f"{self.prefix}score", f"CAST({self.column('predicted_score')} AS DOUBLE)"
        if self.scores_exact:
            rank = f"dense_rank() OVER (ORDER BY {self.column('predicted_score')} NULLS LAST) - 1"
            sql = f"CASE WHEN NOT isnan({score}) THEN {rank} END"
            return Key(name, sql, self.profile.distinct_scores, is_local=True)
        bins = COARSE_BINS if self.is_coarse else FINE_BINS
        if self.for_effect:
            name, bins = f"{name}_wide", WIDE_BINS
        if self.has_probability and self.for_effect:
            return Key(name, logit_bin(score, bins), bins + 2)
        if self.has_probability:
            # Counting the edges of both below a score gives one code that both can be read off.
            sql = f"{logit_bin(score, bins)} + {equal_bin(score)}"
            return Key(name, sql, bins + 1 + CALIBRATION_BINS)
        low, high = self.profile.score_low or 0.0, self.profile.score_high or 1.0
        bins, width = 2 * bins, max(high - low, 1e-300)
        spread = f"CAST(floor(({score} - {low!r}) / {width!r} * {bins}) AS INTEGER)"
        sql = (
            f"CASE WHEN isnan({score}) THEN NULL WHEN {score} >= {high!r} THEN {bins - 1} "
            f"WHEN {score} <= {low!r} THEN 0 ELSE {spread} END"
        )
        return Key(name, sql, bins)

    def calibration_key(self) -> Key:
        """The predicted score in bins of equal width."""
        if self.for_effect:
            return self.score_key()
        score = f"CAST({self.column('predicted_score')} AS DOUBLE)"
        name, sql = f"{self.prefix}score_bin", equal_bin(score)
        if self.scores_exact or not self.has_probability:
            return Key(name, sql, CALIBRATION_BINS)
        finer = self.score_key()
        is_equal = calibration_edges(COARSE_BINS if self.is_coarse else FINE_BINS)
        codes = np.concatenate([[0], np.cumsum(is_equal)])
        return Key(name, sql, CALIBRATION_BINS, (finer,), (*(int(code) for code in codes), CALIBRATION_BINS))

    @property
    def has_probability(self) -> bool:
        """Whether every predicted score lies within 0 to 1."""
        low, high = self.profile.score_low, self.profile.score_high
        return low is not None and high is not None and low >= 0.0 and high <= 1.0


def logit_bin(score: str, bins: int) -> str:
    """Return SQL of a bin on the logit scale, 0 to bins + 1, because scores crowd near 0 and 1.

    Args:
        score: SQL of the score, a double; NULL and NaN have no bin.
        bins: Bins between the first and the last; read off the fine ones where they are so many of them.
    """
    low, high = 1e-6, 1 - 1e-6
    narrow = bins if FINE_BINS % bins else FINE_BINS
    inside = f"floor((ln({score} / (1 - {score})) + {REACH}) / {2 * REACH} * {narrow})"
    fine = (
        f"CAST(CASE WHEN {score} > {low!r} AND {score} < {high!r} THEN CAST({inside} AS INTEGER) + 1 "
        f"WHEN {score} <= {low!r} THEN 0 WHEN isnan({score}) THEN NULL "
        f"WHEN {score} >= {high!r} THEN {narrow + 1} END AS SMALLINT)"
    )
    return widened(fine, narrow // bins)


def widened(code: str, by: int) -> str:
    """Return SQL of a wider bin: 0 for 0, then one for every so many codes.

    An engine finds the one expression in bins of several widths, and computes its logarithm once.

    Args:
        code: SQL of the code of a bin, an integer from 0 up.
        by: Bins that are taken together.
    """
    return code if by == 1 else f"CAST(floor(({code} + {by - 1}) / {by}) AS SMALLINT)"


def equal_bin(score: str) -> str:
    """Return SQL of a bin of equal width, 0 to 14.

    Args:
        score: SQL of the score, a double within 0 to 1; NULL and NaN have no bin.
    """
    return (
        f"CAST(CASE WHEN {score} < 1 THEN CAST(floor({score} * {CALIBRATION_BINS}) AS INTEGER) "
        f"WHEN isnan({score}) THEN NULL WHEN {score} >= 1 THEN {CALIBRATION_BINS - 1} END AS SMALLINT)"
    )


def calibration_edges(bins: int) -> NDArray[np.bool_]:
    """Return, for each edge of the joint bins in rising order, whether it is one of calibration's.

    Args:
        bins: Bins on the logit scale between the first and the last.
    """
    steps = -REACH + 2 * REACH / bins * np.arange(1, bins)
    logit = np.concatenate([[1e-6], 1 / (1 + np.exp(-steps)), [1 - 1e-6]])
    equal = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    edges = np.concatenate([logit, equal])
    return (np.arange(len(edges)) >= len(logit))[np.argsort(edges, kind="stable")]
