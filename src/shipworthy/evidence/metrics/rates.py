"""Rates of a confusion table: of one class, or averaged over all of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.judging import corrected_right
from shipworthy.evidence.metric import Better, CellMean, Floats, Metric, Unmeasurable, metric
from shipworthy.evidence.metrics.confusion import (
    Mask,
    OneAgainstRest,
    OverClasses,
    cells,
    check_arguments,
    chosen_average,
    has_label,
    macro_mean,
    masks,
    name_of_positive,
    possible_cells,
    why_not_averaged,
)
from shipworthy.tables.totals import Total

PREDICTED = ("label", "prediction")
INTERVAL = (
    "Wilson, exact (Clopper-Pearson) below ten successes or failures; "
    "average=macro: Dirichlet draws of the count table"
)
GATE = "exact one-sided Clopper-Pearson; average=macro: Dirichlet draws with one more case in the worst cell"


def share_of_cells(
    call: Call, frame: Frame, hits: Mask, among: Mask, empty: str, better: Better = "higher"
) -> CellMean:
    """Return the share of some cells of the confusion table among others."""
    return CellMean(
        str(call), "share", better, cells(frame), hits.astype(float), among & has_label(frame), empty=empty
    )


def over_classes(
    call: Call,
    frame: Frame,
    rate: Callable[[OneAgainstRest], Floats],
    lacking: str = "",
    better: Better = "higher",
) -> Metric:
    """Return the plain mean of a rate over all classes that occur."""
    return OverClasses(
        str(call),
        "share",
        better,
        cells(frame),
        lambda counts: macro_mean(counts, rate),
        possible=possible_cells,
        why=lambda counts: why_not_averaged(counts, frame.profile.classes, lacking),
    )


def share_of_answers(
    call: Call, frame: Frame, right: float, wrong: float, better: Better = "higher"
) -> CellMean:
    """Return a rate that pools the decisions of all classes; each answer decides once about every class.

    Args:
        call: The metric as written.
        frame: The rows.
        right: What a right answer adds.
        wrong: What a wrong or missing answer adds.
        better: The direction that is better.
    """
    values = np.full((frame.class_count + 1,) * 2, wrong)
    np.fill_diagonal(values[:-1, :-1], right)
    return CellMean(
        str(call),
        "share",
        better,
        cells(frame),
        values,
        has_label(frame),
        possible=(min(right, wrong), max(right, wrong)),
        empty="no row has a label",
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
    check_arguments(call)
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
    share = CellMean(
        str(call),
        "share",
        "higher",
        Total(by=(frame.flag_key("ok", f"{frame.column('ok')} = 1"),)),
        np.array([0.0, 1.0, 0.0]),
        np.array([True, True, False]),
    )
    return corrected_right(share, frame)


@metric(
    "precision",
    columns=PREDICTED,
    interval=INTERVAL,
    gate=GATE,
    source="tp / (tp + fp); averages: Sokolova and Lapalme (2009), Inf. Process. Manag. 45:427-437",
    example="precision >= 71%",
    forms=("precision(average=macro) >= 70%", "precision(average=micro) >= 70%"),
)
def precision(call: Call, frame: Frame) -> Metric:
    """Share of positive predictions that are right.

    A negative case without an answer counts as a false positive. precision(dog) is that of one class,
    precision(average=macro) the mean over all classes; a class that is never predicted has none, and the
    mean is then unknown.
    """
    check_arguments(call, takes_class=True, named=("average",))
    average = chosen_average(call)
    if average == "macro":
        return over_classes(
            call,
            frame,
            lambda c: c.true_positive / (c.true_positive + c.false_positive),
            "prediction",
        )
    if average == "micro":
        return share_of_answers(call, frame, 1.0, 0.0)
    label, says = masks(call, frame)
    return share_of_cells(
        call, frame, label & says, says, f"nothing is predicted {name_of_positive(call, frame)}"
    )


@metric(
    "recall",
    columns=PREDICTED,
    interval=INTERVAL,
    gate=GATE,
    source="tp / (tp + fn); averages: Sokolova and Lapalme (2009), Inf. Process. Manag. 45:427-437",
    example="recall >= 0.95",
    forms=("recall(average=macro) >= 70%", "recall(average=micro) >= 70%"),
)
def recall(call: Call, frame: Frame) -> Metric:
    """Share of positive cases that are found.

    A positive case without an answer is missed. recall(dog) is that of one class, recall(average=macro) the
    mean over all classes; a class that is predicted and never true has none, and the mean is then unknown.
    """
    check_arguments(call, takes_class=True, named=("average",))
    average = chosen_average(call)
    if average == "macro":
        return over_classes(
            call, frame, lambda c: c.true_positive / (c.true_positive + c.false_negative), "label"
        )
    if average == "micro":
        return share_of_answers(call, frame, 1.0, 0.0)
    label, says = masks(call, frame)
    return share_of_cells(call, frame, label & says, label, f"no case is {name_of_positive(call, frame)}")


@metric(
    "specificity",
    columns=PREDICTED,
    interval=INTERVAL,
    gate=GATE,
    source="tn / (tn + fp); averages: Sokolova and Lapalme (2009), Inf. Process. Manag. 45:427-437",
    example="specificity >= 90%",
    forms=("specificity(average=macro) >= 70%", "specificity(average=micro) >= 70%"),
)
def specificity(call: Call, frame: Frame) -> Metric:
    """Share of negative cases that are left alone.

    specificity(dog) sets one class against the rest, specificity(average=macro) is the mean over all classes.
    """
    check_arguments(call, takes_class=True, named=("average",))
    average = chosen_average(call)
    if average == "macro":
        return over_classes(
            call, frame, lambda c: c.true_negative / (c.true_negative + c.false_positive), "label"
        )
    if average == "micro":
        return share_of_answers(call, frame, 1.0, 1.0 - _false_alarm(frame))
    label, says = masks(call, frame)
    return share_of_cells(call, frame, ~label & ~says, ~label, _all_positive(call, frame))


@metric(
    "fpr",
    better="lower",
    columns=PREDICTED,
    interval=INTERVAL,
    gate=GATE,
    source="fp / (fp + tn); averages: Sokolova and Lapalme (2009), Inf. Process. Manag. 45:427-437",
    example="fpr <= 5%",
    forms=("fpr(average=macro) <= 5%", "fpr(average=micro) <= 5%"),
)
def fpr(call: Call, frame: Frame) -> Metric:
    """False-positive rate: share of negative cases that are flagged.

    fpr(dog) sets one class against the rest, fpr(average=macro) is the mean over all classes.
    """
    check_arguments(call, takes_class=True, named=("average",))
    average = chosen_average(call)
    if average == "macro":
        return over_classes(
            call,
            frame,
            lambda c: c.false_positive / (c.false_positive + c.true_negative),
            "label",
            "lower",
        )
    if average == "micro":
        return share_of_answers(call, frame, 0.0, _false_alarm(frame), "lower")
    label, says = masks(call, frame)
    return share_of_cells(call, frame, ~label & says, ~label, _all_positive(call, frame), "lower")


def _false_alarm(frame: Frame) -> float:
    """Return what one wrong answer adds to the pooled false-positive rate: one alarm in classes - 1."""
    if frame.class_count < 2:
        raise Unmeasurable("the rows have fewer than two classes")
    return 1.0 / (frame.class_count - 1)


def _all_positive(call: Call, frame: Frame) -> str:
    return f"every case is {call.arguments[0]}" if call.arguments else "no case is negative"


@metric(
    "fnr",
    better="lower",
    columns=PREDICTED,
    interval=INTERVAL,
    gate=GATE,
    source="fn / (fn + tp); averages: Sokolova and Lapalme (2009), Inf. Process. Manag. 45:427-437",
    example="fnr <= 5%",
    forms=("fnr(average=macro) <= 5%", "fnr(average=micro) <= 5%"),
)
def fnr(call: Call, frame: Frame) -> Metric:
    """False-negative rate: share of positive cases that are missed.

    fnr(dog) is that of one class, fnr(average=macro) the mean over all classes.
    """
    check_arguments(call, takes_class=True, named=("average",))
    average = chosen_average(call)
    if average == "macro":
        return over_classes(
            call,
            frame,
            lambda c: c.false_negative / (c.false_negative + c.true_positive),
            "label",
            "lower",
        )
    if average == "micro":
        return share_of_answers(call, frame, 0.0, 1.0, "lower")
    label, says = masks(call, frame)
    return share_of_cells(
        call, frame, label & ~says, label, f"no case is {name_of_positive(call, frame)}", "lower"
    )


@metric(
    "selection_rate",
    columns=PREDICTED,
    source="(tp + fp) / n",
    example="ratio(selection_rate, group) >= 0.8",
)
def selection_rate(call: Call, frame: Frame) -> Metric:
    """Share of cases that are predicted positive; a failed row is not selected."""
    check_arguments(call, takes_class=True)
    _label, says = masks(call, frame)
    says = says.copy()
    says[:, -1] = False
    return share_of_cells(call, frame, says, np.ones_like(says), "no row has a label")
