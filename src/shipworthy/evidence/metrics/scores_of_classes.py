"""One number for a whole confusion table: balanced accuracy, F scores, the correlation of Matthews."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import CellFunction, Floats, Metric, metric
from shipworthy.evidence.metrics.confusion import (
    Mask,
    OneAgainstRest,
    OverClasses,
    cells,
    check_arguments,
    chosen_average,
    has_label,
    masks,
    name_of_positive,
    possible_cells,
)
from shipworthy.evidence.metrics.rates import PREDICTED, over_classes, share_of_answers
from shipworthy.stats.confidence import Confidence, Proportion
from shipworthy.stats.mapped import Mapped

DRAWS = "Dirichlet draws of the count table with one more case in the worst cell"


@metric(
    "balanced_accuracy",
    columns=PREDICTED,
    interval=DRAWS,
    gate=DRAWS,
    source="Mean recall over the classes; Brodersen et al. (2010), ICPR",
    example="balanced_accuracy >= 80%",
)
def balanced_accuracy(call: Call, frame: Frame) -> Metric:
    """Mean of the recalls of all classes that have cases; unknown where only one class has any."""
    check_arguments(call)

    def mean_recall(counts: Floats) -> Floats:
        cases = counts[..., :-1, :].sum(axis=-1)
        hits = np.diagonal(counts, axis1=-2, axis2=-1)[..., :-1]
        occurs = cases > 0
        recalls = np.where(occurs, hits / np.where(occurs, cases, 1.0), 0.0)
        number = occurs.sum(axis=-1)
        return np.asarray(np.where(number > 1, recalls.sum(axis=-1) / number, np.nan))

    return OverClasses(
        str(call),
        "share",
        "higher",
        cells(frame),
        mean_recall,
        possible=possible_cells,
        why=lambda counts: _one_class(counts, frame.profile.classes),
    )


def _one_class(counts: Floats, classes: tuple[str, ...]) -> str:
    held = np.flatnonzero(counts[:-1].sum(axis=-1) > 0)
    return f"every case is {classes[held[0]]}" if held.size else "no row has a label"


@metric(
    "f1",
    columns=PREDICTED,
    interval="Wilson on tp / (tp + fp + fn), mapped by 2J / (1 + J); average=macro: Dirichlet draws",
    gate="exact one-sided Clopper-Pearson on tp / (tp + fp + fn), mapped by 2J / (1 + J); "
    "average=macro: Dirichlet draws with one more case in the worst cell",
    source="Takahashi et al. (2022), Applied Intelligence 52:4961-4972; J is conditionally binomial",
    example="f1 >= 0.8",
    forms=("f1(average=macro) >= 0.7", "f1(average=micro) >= 0.7"),
)
def f1(call: Call, frame: Frame) -> Metric:
    """Harmonic mean of precision and recall, 2 tp / (2 tp + fp + fn).

    f1(dog) is that of one class, f1(average=macro) the mean of the F1 of all classes.
    """
    check_arguments(call, takes_class=True, named=("average",))
    return _f_score(call, frame, 1.0)


@metric(
    "f_beta",
    columns=PREDICTED,
    interval=DRAWS,
    gate=DRAWS,
    source="(1 + b^2) tp / ((1 + b^2) tp + b^2 fn + fp); van Rijsbergen (1979), Information Retrieval, ch. 7",
    example="f_beta(beta=2) >= 0.8",
    forms=("f_beta(beta=0.5, average=macro) >= 0.7",),
)
def f_beta(call: Call, frame: Frame) -> Metric:
    """Mean of precision and recall in which recall weighs beta times as much.

    Above 1 a miss weighs more than a false alarm, below 1 less; f_beta(dog, beta=2) is that of one class.
    """
    check_arguments(call, takes_class=True, named=("beta", "average"))
    written = dict(call.named).get("beta")
    beta = _number(written)
    if not 0 < beta < math.inf:
        said = "needs a beta" if written is None else f"needs a beta above 0, not {written!r}"
        raise UsageError(
            f"{call.name} {said}.", fix="Write f_beta(beta=2) to weigh recall twice as much as precision."
        )
    return _f_score(call, frame, beta)


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _f_score(call: Call, frame: Frame, beta: float) -> Metric:
    average = chosen_average(call)
    if average == "macro":
        return over_classes(call, frame, _f_of_classes(beta))
    if average == "micro":
        # Every wrong answer is one false alarm and one miss, so that precision, recall and F agree.
        return share_of_answers(call, frame, 1.0, 0.0)
    label, says = masks(call, frame)
    hits, alarms, misses = (mask & has_label(frame) for mask in (label & says, ~label & says, label & ~says))

    def score(counts: Floats) -> Floats:
        found, false, missed = ((counts * mask).sum(axis=(-2, -1)) for mask in (hits, alarms, misses))
        return _f(beta, found, false, missed)

    positive = name_of_positive(call, frame)
    return CellFunction(
        str(call),
        "share",
        "higher",
        cells(frame),
        score,
        _exact_f1(hits, alarms | misses) if beta == 1 else None,
        f"no case is {positive} or predicted {positive}",
        possible=possible_cells,
    )


def _f(beta: float, found: Floats, false: Floats, missed: Floats) -> Floats:
    weight = beta * beta
    return np.asarray((1 + weight) * found / ((1 + weight) * found + weight * missed + false))


def _f_of_classes(beta: float) -> Callable[[OneAgainstRest], Floats]:
    return lambda c: _f(beta, c.true_positive, c.false_positive, c.false_negative)


def _exact_f1(hits: Mask, wrong: Mask) -> Callable[[Floats], Confidence]:
    def exact(counts: Floats) -> Confidence:
        found, missed = float((counts * hits).sum()), float((counts * wrong).sum())
        return Mapped(Proportion(found, found + missed), lambda j: 2 * j / (1 + j))

    return exact


@metric(
    "mcc",
    unit="number",
    columns=PREDICTED,
    interval=DRAWS,
    gate=DRAWS,
    source="Matthews (1975), Biochim. Biophys. Acta 405:442-451; many classes: Gorodkin (2004), "
    "Comput. Biol. Chem. 28:367-374",
    example="mcc >= 0.5",
)
def mcc(call: Call, frame: Frame) -> Metric:
    """Correlation of Matthews between label and prediction, -1 to 1, where 0 is what chance gives.

    Over all classes at once; mcc(dog) sets one class against the rest. Unknown where all labels or all
    predictions are one class.
    """
    check_arguments(call, takes_class=True)
    if call.arguments or frame.profile.binary:
        function = _correlation_of_two(*masks(call, frame), has_label(frame))
    else:
        function = _correlation_of_classes
    return OverClasses(
        str(call),
        "number",
        "higher",
        cells(frame),
        function,
        possible=possible_cells,
        why=lambda counts: _why_no_correlation(counts, frame.profile.classes, call.arguments != ()),
    )


def _correlation_of_two(label: Mask, says: Mask, known: Mask) -> Callable[[Floats], Floats]:
    def function(counts: Floats) -> Floats:
        hits, alarms, misses, rejected = (
            (counts * (mask & known)).sum(axis=(-2, -1))
            for mask in (label & says, ~label & says, label & ~says, ~label & ~says)
        )
        spread = (hits + alarms) * (hits + misses) * (rejected + alarms) * (rejected + misses)
        return _over_root(hits * rejected - alarms * misses, spread)

    return function


def _correlation_of_classes(counts: Floats) -> Floats:
    """Return the correlation over all classes; no answer is an answer of its own that is never right."""
    table = counts[..., :-1, :]
    labels, answers = table.sum(axis=-1), table.sum(axis=-2)
    n = labels.sum(axis=-1)
    right = np.diagonal(table, axis1=-2, axis2=-1).sum(axis=-1)
    together = n * right - (labels * answers[..., :-1]).sum(axis=-1)
    spread = (n**2 - (labels**2).sum(axis=-1)) * (n**2 - (answers**2).sum(axis=-1))
    return _over_root(together, spread)


def _over_root(together: Floats, spread: Floats) -> Floats:
    """Return a covariance over the root of two spreads, NaN without spread; rounding never leaves -1 to 1."""
    found = together / np.sqrt(np.where(spread > 0, spread, np.nan))
    return np.asarray(np.clip(found, -1.0, 1.0))


def _why_no_correlation(counts: Floats, classes: tuple[str, ...], named: bool) -> str:
    table = counts[:-1]
    if not table.sum():
        return "no row has a label"
    if np.count_nonzero(table.sum(axis=-1)) == 1:
        return _one_class(counts, classes)
    if named:
        return "the class is every case, no case, every prediction or none"
    return "every prediction is the same class"
