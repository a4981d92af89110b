"""Say from the cell nuclei of a breast mass whether it needs a biopsy.

The data is the Wisconsin diagnostic breast cancer set that comes with scikit-learn: 569 masses, 30
measurements of the nuclei in a fine needle aspirate, and the true diagnosis. A fixed part of it trains, the
rest is golden.

Three systems, each a function from the measurements of one mass to an answer:

* `size_rule`, the live one, uses no model: it flags a mass whose nuclei are large;
* `logistic` is the simple baseline: logistic regression on the 30 measurements;
* `svm` is the candidate: a support vector machine with a curved border, its scores calibrated to chances.

All three are cut where errors cost least in out-of-fold predictions on the training part, at the costs that
shipworthy.yaml states. No golden row is looked at for that, nor for `measure_guardrail`.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]

TRAINED_ON = 0.4
"""Share of the masses that train; the others are golden, because a verdict needs more cases than a model."""

COST_OF_MISS = 30_000.0
COST_OF_FALSE_ALARM = 1_500.0
COST_OF_REVIEW = 90.0
"""The same three numbers as in shipworthy.yaml, in USD."""

FOLDS = 10
SIZE = "mean area"
TERCILES = {
    "nuclei": (SIZE, ("small", "medium", "large")),
    "texture": ("mean texture", ("even", "mixed", "coarse")),
}
"""Slices: name -> the measurement that is cut in three, and the names of the parts."""


class Said(TypedDict):
    """What the rule returns: a sentence for people, and the class."""

    output: str
    prediction: str


class Answer(Said):
    """What a model returns beside: the chance of malignancy that the class rests on."""

    predicted_score: float


# The data


@dataclass(frozen=True, eq=False)
class Masses:
    """Some of the masses.

    Args:
        rows: Their row numbers in scikit-learn's table.
        measured: (masses, 30) measurements.
        malignant: The diagnosis.
    """

    rows: NDArray[np.int64]
    measured: Floats
    malignant: Truths

    def some(self, chosen: Truths | NDArray[np.int64]) -> Masses:
        """Return a part of them."""
        return Masses(self.rows[chosen], self.measured[chosen], self.malignant[chosen])


@cache
def measurements() -> tuple[str, ...]:
    """Return the names of the 30 measurements."""
    return tuple(str(name) for name in _bunch().feature_names)


@cache
def training_part() -> Masses:
    """Return the masses that models, thresholds and slices are made from."""
    masses = _masses()
    return masses.some(_trains(masses.rows))


@cache
def golden_part() -> Masses:
    """Return the masses that nothing was made from."""
    masses = _masses()
    return masses.some(~_trains(masses.rows))


def _bunch() -> Any:
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer()


@cache
def _masses() -> Masses:
    bunch = _bunch()
    malignant = bunch.target == list(bunch.target_names).index("malignant")
    return Masses(np.arange(len(malignant)), np.asarray(bunch.data, dtype=np.float64), malignant)


def _trains(rows: NDArray[np.int64]) -> Truths:
    """Tell which rows train: by a hash of the row's number, the same with every version of every library."""
    return np.array([_draw(int(row)) < TRAINED_ON for row in rows])


def _draw(row: int) -> float:
    """Return a fixed number in [0, 1) that has nothing to do with what the row says."""
    return int.from_bytes(hashlib.sha256(f"screening:{row}".encode()).digest()[:8], "big") / 2.0**64


def data_hash() -> str:
    """Return the SHA-256 of measurements and diagnoses."""
    masses = _masses()
    return hashlib.sha256(masses.measured.astype("<f8").tobytes() + masses.malignant.tobytes()).hexdigest()


# The golden set


def write_golden(path: Path) -> None:
    """Write the golden set: case id, diagnosis, slices, and the measurements that the systems are given.

    Args:
        path: The CSV file; its folder is made.
    """
    names, golden = measurements(), golden_part()
    slices = {name: _parts(names.index(column), parts) for name, (column, parts) in TERCILES.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case_id", "label", *slices, *names])
        for row, measured, malignant in zip(golden.rows, golden.measured, golden.malignant, strict=True):
            label = "malignant" if malignant else "benign"
            values = [float(value) for value in measured]
            writer.writerow([f"mass{row:03d}", label, *(part(measured) for part in slices.values()), *values])


def _parts(column: int, parts: tuple[str, ...]) -> Callable[[Floats], str]:
    """Return what names the third that a mass falls in; the cuts are those of the training part."""
    shares = np.arange(1, len(parts)) / len(parts)
    cuts = np.quantile(training_part().measured[:, column], shares)
    return lambda measured: parts[int(np.searchsorted(cuts, measured[column], side="right"))]


# The systems


def size_rule(measured: Mapping[str, Any]) -> Said:
    """Flag a mass whose nuclei are large."""
    size, threshold = float(measured[SIZE]), size_threshold()
    named = _named(size >= threshold)
    return {"output": f"{named}: {SIZE} {size:.0f}, flagged from {threshold:.0f}", "prediction": named}


def logistic(measured: Mapping[str, Any]) -> Answer:
    """Flag a mass by logistic regression."""
    return _answer("logistic", measured)


def svm(measured: Mapping[str, Any]) -> Answer:
    """Flag a mass by a calibrated support vector machine, and say whether the second reader sees it."""
    answer = _answer("svm", measured)
    if goes_to_second_reader(answer["predicted_score"], _trained("svm").threshold):
        answer["output"] += "; goes to the second reader"
    return answer


def shipworthy_pins() -> dict[str, str]:
    """Name what the answers depend on besides this file, and train on the way.

    Shipworthy asks for the pins before the first case. Trained here, the models belong to starting the
    service, as they would in production, and not to the latency of the first case.
    """
    import sklearn

    size_threshold()
    for name in ("logistic", "svm"):
        _trained(name)
    return {"data": data_hash(), "scikit-learn": sklearn.__version__, "numpy": np.__version__}


def _answer(name: str, measured: Mapping[str, Any]) -> Answer:
    trained = _trained(name)
    row = np.array([[float(measured[column]) for column in measurements()]])
    chance = float(trained.chances(row)[0])
    named = _named(chance >= trained.threshold)
    said = f"{named}: chance of malignant {chance:.1%}, flagged from {trained.threshold:.1%}"
    return {"output": said, "prediction": named, "predicted_score": chance}


def _named(malignant: bool) -> str:
    return "malignant" if malignant else "benign"


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted model, how its margins become chances, and the chance from which it flags."""

    model: Any
    calibration: Any
    threshold: float

    def chances(self, measured: Floats) -> Floats:
        """Return the chance of malignancy of each mass."""
        return _chances(self.calibration, self.model.decision_function(measured))


@cache
def _trained(name: str) -> Trained:
    return _train(name, training_part(), FOLDS)


def _train(name: str, masses: Masses, folds: int) -> Trained:
    """Fit a model; calibrate and cut it on margins that each mass got from a model which had not seen it."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    model, calibration = _model(name), LogisticRegression()
    split = StratifiedKFold(folds, shuffle=True, random_state=0)
    # Threads cost more than they bring on so few rows, many times more where other programs are busy.
    with threadpool_limits(1):
        margins = cross_val_predict(
            model, masses.measured, masses.malignant, cv=split, method="decision_function"
        )
        calibration.fit(margins[:, None], masses.malignant)
        threshold = cheapest_threshold(_chances(calibration, margins), masses.malignant)
        return Trained(model.fit(masses.measured, masses.malignant), calibration, threshold)


def _chances(calibration: Any, margins: Floats) -> Floats:
    return np.asarray(calibration.predict_proba(margins[:, None])[:, 1], dtype=np.float64)


def _model(name: str) -> Any:
    """Return an untrained model; the candidate's settings were cross-validated on the training part."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler
    from sklearn.svm import SVC

    if name == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), SVC(C=30.0, gamma=0.003))


@cache
def size_threshold() -> float:
    """Return the nucleus area from which the rule flags, chosen as the models' thresholds are."""
    masses = training_part()
    return cheapest_threshold(masses.measured[:, measurements().index(SIZE)], masses.malignant)


def cheapest_threshold(scores: Floats, malignant: Truths) -> float:
    """Return the cut at which errors cost least, half way between two scores; of equals the most careful.

    Args:
        scores: One score for each mass; higher means more likely malignant.
        malignant: The diagnosis.

    >>> round(cheapest_threshold(np.array([0.1, 0.2, 0.4, 0.9]), np.array([False, False, True, True])), 3)
    0.3
    """
    seen = np.unique(scores)
    cuts = np.concatenate([seen[:1], (seen[1:] + seen[:-1]) / 2])
    flagged = scores[None, :] >= cuts[:, None]
    misses = (~flagged & malignant).sum(axis=1)
    alarms = (flagged & ~malignant).sum(axis=1)
    return float(cuts[np.argmin(COST_OF_MISS * misses + COST_OF_FALSE_ALARM * alarms)])


# The guardrail: a second reader


@dataclass(frozen=True)
class SecondReader:
    """What the second reader was tried on.

    Args:
        tried: Training masses that the candidate missed at least once out of fold.
        caught: How many of these came before the second reader each time.
        read: Share of all training masses that come before the second reader.
    """

    tried: int
    caught: int
    read: float


def goes_to_second_reader(chance: float, threshold: float) -> bool:
    """Tell whether a person reads a mass that the candidate calls benign.

    A look pays where the chance of a malignant mass times the cost of missing it exceeds its own cost.

    >>> goes_to_second_reader(0.01, threshold=0.2), goes_to_second_reader(0.001, threshold=0.2)
    (True, False)
    """
    return COST_OF_REVIEW / COST_OF_MISS <= chance < threshold


def measure_guardrail(rounds: int = 20, folds: int = 5) -> SecondReader:
    """Try the second reader on the candidate's own misses, on the training part alone.

    In every round each mass is judged by a model and a threshold made without it. One round has hardly a
    miss, so rounds are repeated with other folds; a mass counts once, however often it was missed, and as
    caught only if the second reader saw it each time.

    Args:
        rounds: How often the masses are dealt into folds.
        folds: Folds of a round.
    """
    from sklearn.model_selection import StratifiedKFold

    masses = training_part()
    missed: dict[int, bool] = {}
    read = 0
    for seed in range(rounds):
        split = StratifiedKFold(folds, shuffle=True, random_state=seed)
        for inside, outside in split.split(masses.measured, masses.malignant):
            trained, judged = _train("svm", masses.some(inside), folds), masses.some(outside)
            chances = trained.chances(judged.measured)
            for row, chance, malignant in zip(judged.rows, chances, judged.malignant, strict=True):
                reads = goes_to_second_reader(float(chance), trained.threshold)
                read += reads
                if malignant and chance < trained.threshold:
                    missed[int(row)] = missed.get(int(row), True) and reads
    return SecondReader(len(missed), sum(missed.values()), read / (rounds * len(masses.rows)))
