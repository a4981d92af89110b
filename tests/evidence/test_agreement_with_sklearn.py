"""Where scikit-learn has the metric, ours says the same, on the whole and by slice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from making import make_rows
from shipworthy.define.rules import parse_rule
from shipworthy.evidence.estimating import measure
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import bind
from shipworthy.evidence.populations import group_split
from shipworthy.tables.row_plan import Basis
from shipworthy.tables.totals import Ask, read_totals

COLOURS = ("red", "blue", "it's; DROP TABLE rows")

Arrays = dict[str, np.ndarray]


def binary(seed: int, n: int = 300) -> Arrays:
    rng = np.random.default_rng(seed)
    label = rng.random(n) < 0.35
    score = np.round(np.clip(0.35 + 0.3 * label + rng.normal(0, 0.25, n), 0, 1), 2)
    return {
        "label": label.astype(int),
        "prediction": (score > 0.5).astype(int),
        "predicted_score": score,
        "colour": rng.choice(COLOURS, n),
    }


def classes(seed: int, n: int = 300) -> Arrays:
    rng = np.random.default_rng(seed)
    names = np.array(["cat", "dog", "été", "x'y"])
    label = rng.integers(0, 4, n)
    prediction = np.where(rng.random(n) < 0.7, label, rng.integers(0, 4, n))
    return {"label": names[label], "prediction": names[prediction], "colour": rng.choice(COLOURS, n)}


def values_of(
    connection: Any, data: Arrays, rule: str, basis: str = Basis.PREDICTION, **plan: Any
) -> tuple[float, list[float]]:
    """Return the metric on the whole and on each colour."""
    n = len(data["label"])
    rows = [
        {"case_id": str(i), **{name: column[i].item() for name, column in data.items()}} for i in range(n)
    ]
    profile = make_rows(connection, "rows", rows, basis, **plan)
    metric = bind(parse_rule(f"{rule} >= 0").left, Frame(profile, "classifier"))
    split = group_split("colour", COLOURS)
    asks = [Ask(metric.total), Ask(metric.total, split)]
    groups = profile.groups if profile.clustered else 1
    answers = read_totals(connection, "rows", asks, groups)
    parts = [
        measure(metric, answers[asks[1]], code, profile).confidence.value for code in range(len(COLOURS))
    ]
    return measure(metric, answers[asks[0]], 0, profile).confidence.value, parts


BINARY: dict[str, Callable[[Arrays], float]] = {
    "accuracy": lambda d: sk.accuracy_score(d["label"], d["prediction"]),
    "balanced_accuracy": lambda d: sk.balanced_accuracy_score(d["label"], d["prediction"]),
    "precision": lambda d: sk.precision_score(d["label"], d["prediction"]),
    "recall": lambda d: sk.recall_score(d["label"], d["prediction"]),
    "specificity": lambda d: sk.recall_score(d["label"], d["prediction"], pos_label=0),
    "fpr": lambda d: 1 - sk.recall_score(d["label"], d["prediction"], pos_label=0),
    "fnr": lambda d: 1 - sk.recall_score(d["label"], d["prediction"]),
    "selection_rate": lambda d: float(np.mean(d["prediction"])),
    "f1": lambda d: sk.f1_score(d["label"], d["prediction"]),
    "auc": lambda d: sk.roc_auc_score(d["label"], d["predicted_score"]),
}


@pytest.mark.parametrize("name", BINARY)
def test_two_classes(connection: Any, name: str) -> None:
    data = binary(seed=len(name))
    whole, parts = values_of(connection, data, name)
    assert whole == pytest.approx(BINARY[name](data), abs=1e-12)
    for colour, part in zip(COLOURS, parts, strict=True):
        here = {column: values[data["colour"] == colour] for column, values in data.items()}
        assert part == pytest.approx(BINARY[name](here), abs=1e-12)


def test_many_classes(connection: Any) -> None:
    data = classes(3)
    truth, said = data["label"], data["prediction"]
    wanted = {
        "accuracy": sk.accuracy_score(truth, said),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, said),
        "recall(dog)": sk.recall_score(truth, said, labels=["dog"], average=None)[0],
        'precision("x\'y")': sk.precision_score(truth, said, labels=["x'y"], average=None)[0],
        "f1(été)": sk.f1_score(truth, said, labels=["été"], average=None)[0],
    }
    for rule, value in wanted.items():
        assert values_of(connection, data, rule)[0] == pytest.approx(value, abs=1e-12), rule


def test_mean_absolute_error(connection: Any) -> None:
    rng = np.random.default_rng(5)
    label = rng.normal(100, 30, 200)
    data = {"label": label, "prediction": label + rng.normal(0, 9, 200), "colour": rng.choice(COLOURS, 200)}
    whole, parts = values_of(connection, data, "mae", Basis.NUMBER)
    assert whole == pytest.approx(sk.mean_absolute_error(label, data["prediction"]), rel=1e-12)
    here = data["colour"] == COLOURS[2]
    assert parts[2] == pytest.approx(sk.mean_absolute_error(label[here], data["prediction"][here]), rel=1e-12)


@pytest.mark.parametrize("k", [1, 3, 10, 50])
def test_ndcg_with_linear_gain(connection: Any, k: int) -> None:
    rng = np.random.default_rng(k)
    queries, size = 12, 20
    label = rng.choice([0, 0, 0, 1, 2], (queries, size))
    label[:, 0] = 1
    score = rng.permuted(np.arange(queries * size).reshape(queries, size) / 7, axis=1)
    rows = [
        {"case_id": f"{q}/{d}", "query_id": q, "label": label[q, d], "predicted_score": score[q, d]}
        for q in range(queries)
        for d in range(size)
    ]
    profile = make_rows(connection, "rows", rows, Basis.RANKING)
    metric = bind(parse_rule(f"ndcg@{k} >= 0").left, Frame(profile, "ranker"))
    found = measure(
        metric, read_totals(connection, "rows", [Ask(metric.total)])[Ask(metric.total)], 0, profile
    )
    assert found.n == queries
    assert found.confidence.value == pytest.approx(sk.ndcg_score(label, score, k=k), abs=1e-12)


def test_binned_scores_say_by_how_much_they_may_be_off(connection: Any) -> None:
    rng = np.random.default_rng(9)
    n = 6000
    label = (rng.random(n) < 0.4).astype(int)
    score = rng.normal(label * 1.2, 3, n)
    connection.execute("CREATE TEMP TABLE made (case_id VARCHAR, label VARCHAR, predicted_score VARCHAR)")
    connection.execute(
        "INSERT INTO made SELECT i::VARCHAR, l::VARCHAR, s::VARCHAR FROM "
        "(SELECT unnest(range(?)) AS i, unnest(?) AS l, unnest(?) AS s)",
        [n, label.tolist(), score.tolist()],
    )
    from shipworthy.tables.row_plan import RowsPlan
    from shipworthy.tables.rows import build_rows

    plan = RowsPlan(None, "SELECT * FROM made", (), ("label", "predicted_score"), source="made")
    profile = build_rows(connection, plan, "rows")
    metric = bind(parse_rule("auc >= 0").left, Frame(profile, "classifier"))
    found = measure(
        metric, read_totals(connection, "rows", [Ask(metric.total)])[Ask(metric.total)], 0, profile
    )
    assert 0 < found.blur < 0.001
    assert abs(found.confidence.value - sk.roc_auc_score(label, score)) <= found.blur
