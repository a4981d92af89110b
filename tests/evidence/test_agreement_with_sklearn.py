"""Where scikit-learn has the metric, ours says the same, on the whole and by slice."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from making import make_rows
from shipworthy.define.rules import Call, parse_rule
from shipworthy.evidence.estimating import measure
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Unmeasurable, bind
from shipworthy.evidence.populations import group_split
from shipworthy.stats.average_precision import average_precision, average_precision_bounds
from shipworthy.tables.row_plan import Basis, RowsProfile
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
    weight = profile.mean_weight if profile.weighted else None
    answers = read_totals(connection, "rows", asks, groups, weight)
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
    "f_beta(beta=2)": lambda d: sk.fbeta_score(d["label"], d["prediction"], beta=2),
    "f_beta(beta=0.5)": lambda d: sk.fbeta_score(d["label"], d["prediction"], beta=0.5),
    "f1(average=macro)": lambda d: sk.f1_score(d["label"], d["prediction"], average="macro"),
    "precision(negative)": lambda d: sk.precision_score(d["label"], d["prediction"], pos_label=0),
    "mcc": lambda d: sk.matthews_corrcoef(d["label"], d["prediction"]),
    "brier": lambda d: sk.brier_score_loss(d["label"], d["predicted_score"]),
    "log_loss": lambda d: sk.log_loss(d["label"], np.clip(d["predicted_score"], 1e-6, 1 - 1e-6)),
    "average_precision": lambda d: sk.average_precision_score(d["label"], d["predicted_score"]),
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


#: One of our names and arguments, and scikit-learn's function with its arguments.
AVERAGED: dict[str, Callable[..., float]] = {
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "f1": sk.f1_score,
}


@pytest.mark.parametrize("average", ["macro", "micro"])
@pytest.mark.parametrize("name", AVERAGED)
def test_averages_over_many_classes(connection: Any, name: str, average: str) -> None:
    data = classes(len(name))
    whole, parts = values_of(connection, data, f"{name}(average={average})")
    theirs = AVERAGED[name]
    assert whole == pytest.approx(theirs(data["label"], data["prediction"], average=average), abs=1e-12)
    for colour, part in zip(COLOURS, parts, strict=True):
        here = data["colour"] == colour
        wanted = theirs(data["label"][here], data["prediction"][here], average=average)
        assert part == pytest.approx(wanted, abs=1e-12)


def test_rates_of_classes_that_scikit_learn_gives_as_confusion_tables(connection: Any) -> None:
    data = classes(8)
    tables = sk.multilabel_confusion_matrix(data["label"], data["prediction"])
    tn, fp, fn, tp = (tables[:, row, column] for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)))
    wanted = {
        "specificity(average=macro)": (tn / (tn + fp)).mean(),
        "specificity(average=micro)": tn.sum() / (tn + fp).sum(),
        "fpr(average=macro)": (fp / (tn + fp)).mean(),
        "fpr(average=micro)": fp.sum() / (tn + fp).sum(),
        "fnr(average=macro)": (fn / (tp + fn)).mean(),
        "fnr(average=micro)": fn.sum() / (tp + fn).sum(),
        "fpr(cat)": fp[0] / (tn + fp)[0],
        "selection_rate(dog)": (tp + fp)[1] / len(data["label"]),
    }
    for rule, value in wanted.items():
        assert values_of(connection, data, rule)[0] == pytest.approx(value, abs=1e-12), rule


def test_f_beta_and_the_correlation_of_matthews_over_many_classes(connection: Any) -> None:
    data = classes(4)
    truth, said = data["label"], data["prediction"]
    wanted = {
        "mcc": sk.matthews_corrcoef(truth, said),
        "mcc(dog)": sk.matthews_corrcoef(truth == "dog", said == "dog"),
        "f_beta(beta=2, average=macro)": sk.fbeta_score(truth, said, beta=2, average="macro"),
        "f_beta(dog, beta=3)": sk.fbeta_score(truth == "dog", said == "dog", beta=3),
    }
    for rule, value in wanted.items():
        assert values_of(connection, data, rule)[0] == pytest.approx(value, abs=1e-12), rule


Table = st.integers(2, 5).flatmap(
    lambda k: st.lists(
        st.tuples(st.integers(0, k - 1), st.integers(0, k - 1), st.sampled_from([0.5, 1.0, 3.0])),
        min_size=4,
        max_size=60,
    )
)


@settings(max_examples=150, deadline=None)
@given(table=Table)
def test_any_table_of_classes_with_any_weights_gives_scikit_learns_value_or_a_reason(
    table: list[tuple[int, int, float]],
) -> None:
    """Where ours is unknown, scikit-learn would have had to put 0 for a rate that does not exist."""
    label, said, weight = (np.array(column) for column in zip(*table, strict=True))
    frame = frame_of_classes(5)
    counts = np.zeros((6, 6))
    np.add.at(counts, (label, said), weight)
    theirs = {"label": label, "said": said, "weight": weight}
    for name, function in AVERAGED.items():
        for average in ("macro", "micro"):
            metric = bind(parse_rule(f"{name}(average={average}) >= 0").left, frame)
            check_value(metric, counts, function, theirs, average=average)
    check_value(bind(Call("mcc"), frame), counts, sk.matthews_corrcoef, theirs)
    if len(set(label)) > 1:
        check_value(bind(Call("balanced_accuracy"), frame), counts, sk.balanced_accuracy_score, theirs)


def check_value(metric: Any, counts: Any, function: Any, data: Any, **options: Any) -> None:
    ours = float(metric.value(counts, ()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "average" in options:
            options["zero_division"] = np.nan
        theirs = function(data["label"], data["said"], sample_weight=data["weight"], **options)
        if options.get("average") == "macro":
            options["average"] = None
            each = function(data["label"], data["said"], sample_weight=data["weight"], **options)
            # scikit-learn leaves an undefined class out of the mean; ours is then unknown.
            theirs = theirs if np.isfinite(each).all() and len(each) > 1 else np.nan
    if np.isnan(ours):
        assert np.isnan(theirs) or theirs == 0
        with pytest.raises(Unmeasurable, match=r"\w+ \w+"):
            metric.confidence(counts[None], (), False)
    else:
        assert ours == pytest.approx(theirs, abs=1e-9)


def frame_of_classes(number: int) -> Frame:
    """Return a frame that knows nothing but its classes."""
    names = tuple("abcdefgh"[:number])
    profile = RowsProfile(
        rows=9,
        cases=9,
        clusters=9,
        groups=1,
        clustered=False,
        weighted=False,
        scored=9,
        failed=0,
        unscored=0,
        failed_reasons={},
        unscored_reasons={},
        classes=names,
        positive=(),
        binary=False,
        basis=Basis.PREDICTION,
        columns=("label", "prediction"),
        distinct_scores=0,
        score_low=None,
        score_high=None,
        strata={},
    )
    return Frame(profile, "classifier")


WEIGHTED: dict[str, Callable[[Arrays], float]] = {
    "recall": lambda d: sk.recall_score(d["label"], d["prediction"], sample_weight=d["weight"]),
    "precision(average=macro)": lambda d: sk.precision_score(
        d["label"], d["prediction"], sample_weight=d["weight"], average="macro"
    ),
    "mcc": lambda d: sk.matthews_corrcoef(d["label"], d["prediction"], sample_weight=d["weight"]),
    "brier": lambda d: sk.brier_score_loss(d["label"], d["predicted_score"], sample_weight=d["weight"]),
    "average_precision": lambda d: sk.average_precision_score(
        d["label"], d["predicted_score"], sample_weight=d["weight"]
    ),
}


@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_are_sample_weights(connection: Any, name: str) -> None:
    data = binary(seed=7)
    data["weight"] = np.random.default_rng(7).choice([0.25, 1.0, 4.0], len(data["label"]))
    whole, parts = values_of(connection, data, name)
    assert whole == pytest.approx(WEIGHTED[name](data), abs=1e-9)
    for colour, part in zip(COLOURS, parts, strict=True):
        here = {column: values[data["colour"] == colour] for column, values in data.items()}
        assert part == pytest.approx(WEIGHTED[name](here), abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(
    cases=st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=3, max_size=80),
    width=st.integers(2, 6),
)
def test_average_precision_is_scikit_learns_and_binning_brackets_it(
    cases: list[tuple[bool, int]], width: int
) -> None:
    label, score = (np.array(column) for column in zip(*cases, strict=True))
    assume(label.any() and not label.all())

    def table(of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.bincount(of, label, 10), np.bincount(of, ~label, 10)

    theirs = sk.average_precision_score(label, score)
    assert float(average_precision(*table(score))[0]) == pytest.approx(theirs, abs=1e-12)
    low, high = average_precision_bounds(*table(score // width))
    assert low - 1e-12 <= theirs <= high + 1e-12


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
