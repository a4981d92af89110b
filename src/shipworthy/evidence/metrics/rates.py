"""Rates of a confusion table: they differ in two masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import CellFunction, CellMean, Floats, Metric, Unmeasurable, metric
from shipworthy.stats.confidence import Confidence, Proportion
from shipworthy.stats.mapped import Mapped
from shipworthy.tables.totals import Total

Mask = NDArray[np.bool_]
PREDICTED = ("label", "prediction")


def cells(frame: Frame) -> Total:
    """The confusion table: label by prediction, failed rows in the slot for NULL."""
    return Total(by=(frame.label_key(), frame.prediction_key()))


def masks(call: Call, frame: Frame) -> tuple[Mask, Mask]:
    """Return where the label is positive and where the prediction is, over the confusion table.

    A failed row counts as the wrong answer to its case: neither a hit nor a right rejection.
    """
    if not frame.class_count:
        raise Unmeasurable("the rows have no classes")
    size = frame.class_count + 1
    codes = _positive_codes(call, frame)
    positive_label = np.zeros((size, size), dtype=bool)
    positive_label[list(codes), :] = True
    says_positive = np.zeros((size, size), dtype=bool)
    says_positive[:, list(codes)] = True
    # The last slot is "no answer": a miss where the case is positive, a false alarm where it is not.
    says_positive[:, size - 1] = ~positive_label[:, size - 1]
    return positive_label, says_positive


def _positive_codes(call: Call, frame: Frame) -> tuple[int, ...]:
    if call.arguments:
        wanted = str(call.arguments[0])
        if wanted not in frame.profile.classes:
            raise UsageError(
                f"{call.name}({wanted}) names no class; "
                f"the classes are {', '.join(frame.profile.classes[:12])}.",
                fix="Write the class as it stands in the label column.",
            )
        return (frame.profile.classes.index(wanted),)
    codes = frame.positive_codes
    if not codes:
        raise Unmeasurable(
            f"no class is named positive (golden.positive), and {call.name} needs one of "
            f"{', '.join(frame.profile.classes[:6])}"
        )
    return codes


def _has_label(frame: Frame) -> Mask:
    size = frame.class_count + 1
    known = np.ones((size, size), dtype=bool)
    known[size - 1, :] = False
    return known


def _rate(call: Call, frame: Frame, hits: Mask, among: Mask, empty: str, better: str = "higher") -> Metric:
    return CellMean(
        str(call),
        "share",
        "lower" if better == "lower" else "higher",
        cells(frame),
        hits.astype(float),
        among & _has_label(frame),
        empty=empty,
    )


@metric(
    "accuracy",
    columns=(),
    source="Share of right answers; exact bound: Clopper and Pearson (1934), Biometrika 26:404-413",
    example="accuracy >= 90%",
)
def accuracy(call: Call, frame: Frame) -> Metric:
    """Share of cases that are answered rightly.

    The prediction equals the label, or the answer is marked correct. A failed row is wrong.
    """
    if frame.profile.basis == "prediction" and frame.has("prediction"):
        size = frame.class_count + 1
        right = np.eye(size)
        right[-1, -1] = 0.0
        # A usable row without a label is a failed one, and wrong like every failed row.
        among = np.ones((size, size), dtype=bool)
        return CellMean(
            str(call),
            "share",
            "higher",
            cells(frame),
            right,
            among,
            empty="no row has a label",
        )
    if not frame.has("ok"):
        raise Unmeasurable("no row has a prediction with a label, a grade, or a mark of being correct")
    return CellMean(
        str(call),
        "share",
        "higher",
        Total(by=(frame.flag_key("ok", f"{frame.column('ok')} = 1"),)),
        np.array([0.0, 1.0, 0.0]),
        np.array([True, True, False]),
    )


@metric(
    "precision",
    columns=PREDICTED,
    source="tp / (tp + fp)",
    example="precision >= 71%",
)
def precision(call: Call, frame: Frame) -> Metric:
    """Share of positive predictions that are right.

    A negative case without an answer counts as a false positive.
    """
    label, says = masks(call, frame)
    return _rate(call, frame, label & says, says, "nothing is predicted positive")


@metric("recall", columns=PREDICTED, source="tp / (tp + fn)", example="recall >= 0.95")
def recall(call: Call, frame: Frame) -> Metric:
    """Share of positive cases that are found. A positive case without an answer is missed."""
    label, says = masks(call, frame)
    return _rate(call, frame, label & says, label, "no case is positive")


@metric("specificity", columns=PREDICTED, source="tn / (tn + fp)", example="specificity >= 90%")
def specificity(call: Call, frame: Frame) -> Metric:
    """Share of negative cases that are left alone."""
    label, says = masks(call, frame)
    return _rate(call, frame, ~label & ~says, ~label, "no case is negative")


@metric("fpr", better="lower", columns=PREDICTED, source="fp / (fp + tn)", example="fpr <= 5%")
def fpr(call: Call, frame: Frame) -> Metric:
    """False-positive rate: share of negative cases that are flagged."""
    label, says = masks(call, frame)
    return _rate(call, frame, ~label & says, ~label, "no case is negative", "lower")


@metric("fnr", better="lower", columns=PREDICTED, source="fn / (fn + tp)", example="fnr <= 5%")
def fnr(call: Call, frame: Frame) -> Metric:
    """False-negative rate: share of positive cases that are missed."""
    label, says = masks(call, frame)
    return _rate(call, frame, label & ~says, label, "no case is positive", "lower")


@metric(
    "selection_rate",
    columns=PREDICTED,
    source="(tp + fp) / n",
    example="ratio(selection_rate, group) >= 0.8",
)
def selection_rate(call: Call, frame: Frame) -> Metric:
    """Share of cases that are predicted positive; a failed row is not selected."""
    _label, says = masks(call, frame)
    says = says.copy()
    says[:, -1] = False
    return _rate(call, frame, says, np.ones_like(says), "no row has a label")


@metric(
    "balanced_accuracy",
    columns=PREDICTED,
    interval="Dirichlet(1/2) draws of the count table",
    gate="Dirichlet(1/2) draws of the count table",
    source="Mean recall over the classes; Brodersen et al. (2010), ICPR",
    example="balanced_accuracy >= 80%",
)
def balanced_accuracy(call: Call, frame: Frame) -> Metric:
    """Mean of the recalls of all classes that occur."""
    if not frame.class_count:
        raise Unmeasurable("the rows have no classes")
    size = frame.class_count

    def mean_recall(counts: Floats) -> Floats:
        per_class = counts[..., :size, :].sum(axis=-1)
        hits = np.diagonal(counts, axis1=-2, axis2=-1)[..., :size]
        recalls = hits / np.where(per_class > 0, per_class, np.nan)
        occurs = per_class > 0
        return np.asarray(np.where(occurs, recalls, 0.0).sum(axis=-1) / occurs.sum(axis=-1))

    return CellFunction(str(call), "share", "higher", cells(frame), mean_recall, empty="no row has a label")


@metric(
    "f1",
    columns=PREDICTED,
    interval="Wilson on tp / (tp + fp + fn), mapped by 2J / (1 + J)",
    gate="exact one-sided Clopper-Pearson on tp / (tp + fp + fn), mapped by 2J / (1 + J)",
    source="Takahashi et al. (2022), Applied Intelligence 52:4961-4972; J is conditionally binomial",
    example="f1 >= 0.8",
)
def f1(call: Call, frame: Frame) -> Metric:
    """Harmonic mean of precision and recall, 2 tp / (2 tp + fp + fn)."""
    label, says = masks(call, frame)
    hits, wrong = label & says, (label != says) & _has_label(frame)

    def score(counts: Floats) -> Floats:
        found = (counts * hits).sum(axis=(-2, -1))
        missed = (counts * wrong).sum(axis=(-2, -1))
        return np.asarray(2 * found / (2 * found + missed))

    def exact(counts: Floats) -> Confidence:
        found, missed = float((counts * hits).sum()), float((counts * wrong).sum())
        return Mapped(Proportion(found, found + missed), lambda j: 2 * j / (1 + j))

    return CellFunction(
        str(call), "share", "higher", cells(frame), score, exact, "no case is positive or predicted positive"
    )
