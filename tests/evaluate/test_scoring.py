"""How the spec names scorers, and how one is run without ever raising."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from shipworthy.errors import UsageError
from shipworthy.evaluate.scoring import build_scorer, fingerprint, options, score_one
from shipworthy.records import Case, Output, Score

HERE = Path()


@dataclass(frozen=True)
class Fixed:
    name: ClassVar[str] = "fixed"
    version: ClassVar[int] = 1

    said: Any = None

    def score(self, output: Output, case: Case) -> Score:
        if isinstance(self.said, BaseException):
            raise self.said
        result: Score = self.said
        return result


def test_a_scorer_may_be_a_word_a_lone_value_or_a_mapping() -> None:
    assert options(build_scorer("exact", HERE)) == {"ignore_case": False, "ignore_space": False}
    assert build_scorer({"contains": "refund"}, HERE) == build_scorer(
        {"contains": {"texts": ["refund"]}}, HERE
    )
    assert options(build_scorer({"regex": {"pattern": "a", "as": "number"}}, HERE))["as"] == "number"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("exakt", "Did you mean 'exact'"),
        ({"exact": {"ignore_cas": True}}, "Did you mean 'ignore_case'"),
        ({"exact": {"ignore_case": "yes"}}, "Write true or false"),
        ({"exact": True}, "takes options by name"),
        ({"numeric": {"tolerance": "much"}}, "Write a finite number"),
        ({"numeric": {"tolerance": float("nan")}}, "Write a finite number"),
        ({"numeric": {"take": "lasst"}}, "Did you mean 'last'"),
        ({"regex": {"take": "last"}}, "needs 'pattern'"),
        ({"regex": None}, "needs 'pattern'"),
        ({"contains": [True]}, "Write a text"),
        ({"exact": None, "numeric": None}, "one name, its options"),
        ({}, "one name, its options"),
        (3, "one name, its options"),
    ],
)
def test_a_wrong_scorer_is_refused_with_the_nearest_right_one(written: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_scorer(written, HERE)


def test_the_fingerprint_follows_the_options() -> None:
    one = fingerprint(build_scorer("exact", HERE), HERE)
    assert one == fingerprint(build_scorer({"exact": {"ignore_case": False}}, HERE), HERE)
    assert one != fingerprint(build_scorer({"exact": {"ignore_case": True}}, HERE), HERE)
    assert len(one) == 64


@pytest.mark.parametrize(
    "error", [TypeError("no\x1b[31m\nway"), RecursionError(), MemoryError(), SystemExit(1)]
)
def test_a_scorer_that_crashes_leaves_the_output_unscored(error: BaseException) -> None:
    score = score_one(Fixed(error), Output("1", text="x"), Case("1", "?"))
    assert str(score.unscored).startswith(f"scorer fixed crashed: {type(error).__name__}")
    assert str(score.unscored).isprintable()


def test_an_interrupt_inside_a_scorer_is_the_users() -> None:
    with pytest.raises(KeyboardInterrupt):
        score_one(Fixed(KeyboardInterrupt()), Output("1", text="x"), Case("1", "?"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_not_finite_is_unscored(value: float) -> None:
    score = score_one(Fixed(Score(value)), Output("1", text="x"), Case("1", "?"))
    assert score.unscored == f"scorer fixed gave {value}, which is not finite"


def test_failed_and_unscored_outputs_never_reach_the_scorer() -> None:
    scorer, case = Fixed(Score(1.0)), Case("1", "?")
    assert score_one(scorer, Output("1", text="x", failed="no"), case) == Score(failed="no")
    assert score_one(scorer, Output("1", text="x", unscored="road"), case) == Score(unscored="road")
    assert score_one(scorer, Output("1"), case).failed == "empty output"
    assert score_one(scorer, Output("1", predicted_score=0.5), case) == Score(1.0)
