"""Classification: averages, losses, what is unknown and why, and the confusion table of a decision."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from making import make_rows
from shipworthy.decide.record.html import render_html
from shipworthy.define.rules import parse_rule
from shipworthy.define.spec import Costs
from shipworthy.errors import UsageError
from shipworthy.evidence.estimating import Measured, measure
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Unmeasurable, bind
from shipworthy.evidence.metrics.confusion import possible_cells
from shipworthy.evidence.metrics.probabilities import calibration_curve
from shipworthy.records import Confusion, Decision, plain, rebuild
from shipworthy.tables.row_plan import Basis
from shipworthy.tables.totals import Ask, read_totals

Row = dict[str, Any]


def answered(*pairs: tuple[Any, Any, int], **extra: Any) -> list[Row]:
    """Return rows of (label, prediction, how many); a prediction of None failed."""
    rows: list[Row] = []
    for label, said, count in pairs:
        for _ in range(count):
            row: Row = {"case_id": f"c{len(rows):04d}", "label": label, "prediction": said, **extra}
            rows.append(row if said is not None else row | {"failed_reason": "timeout"})
    return rows


def scored(*cases: tuple[int, float | None, int]) -> list[Row]:
    """Return rows of (label, predicted score, how many); a score of None failed."""
    rows: list[Row] = []
    for label, score, count in cases:
        for _ in range(count):
            row: Row = {"case_id": f"c{len(rows):04d}", "label": label, "predicted_score": score}
            row["prediction"] = None if score is None else int(score >= 0.5)
            rows.append(row if score is not None else row | {"failed_reason": "timeout"})
    return rows


@pytest.fixture
def value_of(connection: Any) -> Callable[..., Measured]:
    def measured(rows: list[Row], quantity: str, beside: list[Row] = []) -> Measured:  # noqa: B006 - only read
        others = [row | {"case_id": f"beside {row['case_id']}"} for row in beside]
        profile = make_rows(connection, "rows", [*rows, *others], Basis.PREDICTION)
        metric = bind(parse_rule(f"{quantity} >= 0").left, Frame(profile, "classifier", Costs()))
        ask = Ask(metric.total)
        here = "(SELECT * FROM rows WHERE case_id NOT LIKE 'beside%')"
        return measure(metric, read_totals(connection, here, [ask])[ask], 0, profile)

    return measured


ZOO = answered(
    ("cat", "cat", 30), ("cat", "dog", 5), ("dog", "dog", 20), ("dog", "eel", 4), ("eel", "eel", 9)
)
KINDS = answered(("cat", "cat", 1), ("dog", "dog", 1), ("eel", "eel", 1))
WITH_FAILURES = [*ZOO, *answered(("dog", None, 6), ("eel", None, 1))]
WITH_FAILURES = [row | {"case_id": f"c{index}"} for index, row in enumerate(WITH_FAILURES)]


@pytest.mark.parametrize("rows", [ZOO, WITH_FAILURES], ids=["all answered", "some failed"])
@pytest.mark.parametrize("name", ["precision", "recall", "specificity", "fpr", "fnr", "f1"])
def test_the_macro_average_is_the_plain_mean_of_the_classes(
    value_of: Callable[..., Measured], rows: list[Row], name: str
) -> None:
    each = [value_of(rows, f"{name}({kind})").confidence.value for kind in ("cat", "dog", "eel")]
    assert value_of(rows, f"{name}(average=macro)").confidence.value == pytest.approx(np.mean(each))


@pytest.mark.parametrize("name", ["precision", "recall", "f1", "f_beta(beta=2, average=micro)"])
def test_the_micro_average_is_accuracy_and_bounded_exactly(
    value_of: Callable[..., Measured], name: str
) -> None:
    micro = value_of(WITH_FAILURES, name if "(" in name else f"{name}(average=micro)")
    accuracy = value_of(WITH_FAILURES, "accuracy")
    assert micro.confidence.value == accuracy.confidence.value
    assert micro.bound("lower", 0.95) == accuracy.bound("lower", 0.95)


@pytest.mark.parametrize(
    ("rows", "quantity", "reason"),
    [
        (
            answered(("cat", "cat", 9), ("dog", "cat", 9), ("eel", "eel", 9)),
            "precision(average=macro)",
            "dog is",
        ),
        (
            answered(("cat", "cat", 9), ("dog", "eel", 9)),
            "recall(average=macro)",
            "eel is predicted and no case",
        ),
        (answered(("cat", "cat", 9), ("dog", "eel", 9)), "recall(eel)", "no case is eel"),
        (answered(("cat", "cat", 9), ("dog", "cat", 9)), "precision(dog)", "nothing is predicted dog"),
        (answered(("cat", "cat", 9)), "f1(average=macro)", "only one class occurs"),
        (answered(("cat", "dog", 9), ("cat", "cat", 9)), "balanced_accuracy", "every case is cat"),
        (answered(("cat", "cat", 9), ("dog", "cat", 9)), "mcc", "every prediction is the same class"),
        (answered(("cat", "cat", 9), ("cat", "dog", 9)), "mcc", "every case is cat"),
        (answered((0, 0, 9), (0, 1, 3)), "f_beta(positive, beta=2)", ""),
        (answered((0, 0, 9), (0, 1, 3)), "recall", "no case is positive"),
        (answered((1, 1, 9), (1, 0, 3)), "fpr", "no case is negative"),
        (scored((0, 0.3, 20), (1, 0.3, 20)), "average_precision", "same score"),
        (scored((0, 0.3, 20), (1, 0.3, 20)), "auc", "same score"),
        (scored((1, 0.3, 20), (1, 0.8, 20)), "average_precision", "negative"),
        (scored((0, 0.3, 20), (0, 0.8, 20)), "average_precision", "positive"),
        (scored((0, 3.0, 20), (1, 8.0, 20)), "brier", "no probability"),
        (scored((0, 3.0, 20), (1, 8.0, 20)), "net_benefit(threshold=0.5)", "no probability"),
        (ZOO, "recall", "no class is named positive"),
        (ZOO, "brier", "no predicted_score"),
        ([row | {"predicted_score": 0.4} for row in ZOO], "log_loss", "over 3 classes would need"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_has_no_denominator_is_unknown_and_says_why(
    value_of: Callable[..., Measured], rows: list[Row], quantity: str, reason: str
) -> None:
    if not reason:  # without any case of a class a wrong alarm is still counted: this one is a true 0
        assert value_of(rows, quantity).confidence.value == 0.0
        return
    with pytest.raises(Unmeasurable, match=reason):
        # Every class occurs somewhere in the golden set, if not in these rows.
        value_of(rows, quantity, beside=KINDS if isinstance(rows[0]["label"], str) else [])


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        ("recall(dgo)", "Did you mean 'dog'"),
        ("recall(average=makro)", "average=macro"),
        ("recall(cat, average=macro)", "names one class"),
        ("recall(cat, dog)", "cannot take"),
        ("recall(mean=macro)", "does not take mean="),
        ("accuracy(cat)", "without brackets"),
        ("f_beta", "needs a beta"),
        ("f_beta(beta=0)", "above 0, not '0'"),
        ("f_beta(beta=two)", "above 0, not 'two'"),
        ("net_benefit", "needs a threshold"),
        ("net_benefit(threshold=1)", "between 0 and 1"),
    ],
)
def test_a_wrong_argument_is_refused_with_the_right_one(
    value_of: Callable[..., Measured], quantity: str, said: str
) -> None:
    rows = [row | {"predicted_score": 0.5} for row in ZOO]
    with pytest.raises(UsageError) as caught:
        value_of(rows, quantity)
    assert said in str(caught.value)


def test_in_two_classes_the_positive_one_may_be_called_by_its_label(
    value_of: Callable[..., Measured],
) -> None:
    rows = answered(("yes", "yes", 8), ("yes", "no", 2), ("no", "no", 6), ("no", "yes", 4))
    assert value_of(rows, "recall(yes)").confidence.value == 0.8
    assert value_of(rows, "recall(positive)").confidence.value == 0.8
    assert value_of(rows, "recall(negative)").confidence.value == 0.6
    with pytest.raises(UsageError, match="labelled yes"):
        value_of(rows, "recall(no)")


@pytest.mark.parametrize("quantity", ["mcc", "balanced_accuracy", "f1(average=macro)", "f_beta(beta=2)"])
def test_a_table_without_a_mistake_is_not_certain(value_of: Callable[..., Measured], quantity: str) -> None:
    found = value_of(answered((1, 1, 20), (0, 0, 20)), quantity)
    assert found.confidence.value == 1.0
    assert found.bound("upper", 0.95) == 1.0
    # Exactly, 20 of 20 leave 86% as the lower bound of one recall.
    assert 0.7 < found.bound("lower", 0.95) < 0.97


def test_every_class_with_cases_may_be_answered_rightly_and_mistaken() -> None:
    counts = np.zeros((5, 5))
    counts[[0, 1, 3], [0, 1, 1]] = 7
    possible = possible_cells(counts)
    assert np.argwhere(possible).tolist() == [[0, 0], [0, 1], [1, 1], [1, 3], [3, 0], [3, 3]]
    two = possible_cells(np.array([[5.0, 1, 0], [2, 6, 0], [0, 0, 0]]))
    assert two[:2, :2].all()


def test_a_failed_row_is_certain_and_wrong(value_of: Callable[..., Measured]) -> None:
    rows = scored((1, 0.8, 3), (0, 0.4, 2), (1, None, 1))
    assert value_of(rows, "brier").confidence.value == pytest.approx((3 * 0.04 + 2 * 0.16 + 1) / 6)
    loss = (-3 * math.log(0.8) - 2 * math.log(0.6) - math.log(1e-6)) / 6
    assert value_of(rows, "log_loss").confidence.value == pytest.approx(loss)
    benefit = value_of(rows, "net_benefit(threshold=0.5)")
    assert benefit.confidence.value == pytest.approx(3 / 6)
    alarm = value_of(scored((1, 0.8, 3), (0, None, 1)), "net_benefit(threshold=0.5)")
    assert alarm.confidence.value == pytest.approx((3 - 1) / 4)


def test_a_certain_mistake_costs_as_much_as_the_cut(value_of: Callable[..., Measured]) -> None:
    found = value_of(scored((1, 0.0, 1), (0, 1.0, 1), (1, 1.0, 2)), "log_loss")
    assert found.confidence.value == pytest.approx(2 * 13.815510557964274 / 4, rel=1e-6)


def test_net_benefit_is_hits_less_weighed_alarms_with_its_variance(value_of: Callable[..., Measured]) -> None:
    """NB = 30/100 - 20/100 * 0.2/0.8 = 0.25; variance ((30 + 20/16)/100 - 0.25^2)/100."""
    rows = scored((1, 0.9, 30), (0, 0.2, 20), (1, 0.1, 10), (0, 0.1, 40))
    found = value_of(rows, "net_benefit(threshold=0.2)")
    assert found.confidence.value == pytest.approx(0.25)
    assert found.confidence.standard_error == pytest.approx(math.sqrt((0.3125 - 0.0625) / 100))
    assert found.bound("lower", 0.95) < 0.25 < found.bound("upper", 0.95)


def test_the_calibration_curve_has_a_point_per_filled_bin() -> None:
    counts = np.array([[90.0, 10.0], [0.0, 0.0], [4.0, 16.0]])
    low, high = calibration_curve(counts, counts * [[0.12], [0.5], [0.85]])
    assert (low.n, high.n) == (100, 20)
    assert (low.predicted, low.observed) == (pytest.approx(0.12), 0.1)
    assert low.low < 0.1 < low.high
    # 10 of 100 by Wilson, 16 of 20 exactly: 4 failures are few.
    assert (round(low.low, 4), round(low.high, 4)) == (0.0552, 0.1744)
    assert (round(high.low, 4), round(high.high, 4)) == (0.5634, 0.9427)


# -- the confusion table -----------------------------------------------------------------------------------


def decided(product: Callable[..., Any], rows: list[Row], **spec: Any) -> Decision:
    lines = "case_id,label,prediction\n" + "".join(
        f"{row['case_id']},{row['label']},{'' if row['prediction'] is None else row['prediction']}\n"
        for row in rows
    )
    made = product(
        {"golden.csv": lines},
        **{"systems": {"candidate": {"recorded": "golden.csv"}}, "gates": ["accuracy >= 50%"]} | spec,
    )
    return made.decide().decision  # type: ignore[no-any-return]


def test_a_decision_says_which_class_was_taken_for_which(product: Callable[..., Any]) -> None:
    confusion = decided(product, WITH_FAILURES, costs={"wrong": 7}).evidence.confusion
    assert confusion is not None
    assert confusion.classes == ("cat", "dog", "eel")
    assert confusion.answers == ("cat", "dog", "eel", "no usable answer")
    assert confusion.counts == ((30, 5, 0, 0), (0, 20, 4, 6), (0, 0, 9, 1))
    assert confusion.mistakes[0] == ("dog", "no usable answer", 6, 42)
    assert sum(mistake[2] for mistake in confusion.mistakes) == 16


def test_costs_of_positives_are_those_of_their_cells(product: Callable[..., Any]) -> None:
    rows = answered((1, 1, 8), (1, 0, 2), (0, 1, 4), (0, 0, 6))
    costs = {"false_positive": 3, "false_negative": 50, "true_positive": 10}
    confusion = decided(product, rows, costs=costs).evidence.confusion
    assert confusion is not None
    assert confusion.money == ((0, 12, 0), (100, -80, 0))


def test_the_confusion_table_is_stored_and_shown(product: Callable[..., Any]) -> None:
    decision = decided(product, WITH_FAILURES)
    assert rebuild(Confusion, plain(decision.evidence.confusion)) == decision.evidence.confusion
    page = render_html(decision)
    assert "Which class was taken for which" in page
    assert "no usable answer" in page


def test_without_classes_there_is_no_confusion_table(product: Callable[..., Any]) -> None:
    lines = "case_id,grade\n" + "".join(f"c{index},good\n" for index in range(9))
    made = product(
        {"golden.csv": lines},
        kind="generator",
        systems={"candidate": {"recorded": "golden.csv"}},
        gates=["good >= 50%"],
    )
    assert made.decide().decision.evidence.confusion is None
