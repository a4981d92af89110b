"""Agreement of predictions with labels beyond chance."""

from __future__ import annotations

from typing import cast

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError, nearest
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import CellFunction, Floats, Metric, Unmeasurable, metric
from shipworthy.evidence.metrics.confusion import cells, possible_cells
from shipworthy.stats.agreement import Weights, class_distances, kappa_of

WEIGHTS = ("none", "linear", "quadratic")


@metric(
    "kappa",
    unit="number",
    columns=("label", "prediction"),
    interval="Dirichlet draws of the count table",
    gate="Dirichlet draws of the count table",
    source="Cohen (1960), Educational and Psychological Measurement 20:37-46; weighted: Cohen (1968)",
    example="kappa >= 0.2",
    forms=("kappa(quadratic) >= 0.2",),
    smallest_n=50,
)
def kappa(call: Call, frame: Frame) -> Metric:
    """Cohen's kappa of prediction and label: agreement beyond what chance would give, 1 at most.

    kappa(linear) and kappa(quadratic) let near misses count in part, in the order of the classes (by number
    where all are numbers, else by name). A failed row disagrees with its label, as far as can be.
    """
    if not frame.class_count:
        raise Unmeasurable("the rows have no classes")
    weights = str(call.arguments[0]) if call.arguments else "none"
    if weights not in WEIGHTS or len(call.arguments) > 1:
        raise UsageError(f"kappa has no weights {weights!r}.", fix=nearest(weights, WEIGHTS))
    size = frame.class_count
    distance = np.ones((size, size + 1))
    order = _ranks(frame.profile.classes)
    distance[:, :size] = class_distances(size, cast(Weights, weights))[np.ix_(order, order)]

    def agreement(counts: Floats) -> Floats:
        return kappa_of(counts[..., :size, :], distance)

    return CellFunction(
        str(call),
        "number",
        "higher",
        cells(frame),
        agreement,
        empty="labels and predictions are all of one class",
        possible=possible_cells,
        smallest_n=50,
    )


def _ranks(classes: tuple[str, ...]) -> list[int]:
    """Return the rank of each class: by number where all are numbers, else as they stand."""
    try:
        numbers = [float(name) for name in classes]
    except ValueError:
        return list(range(len(classes)))
    return [sorted(numbers).index(number) for number in numbers]
