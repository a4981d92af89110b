"""What each scorer says, awkward cases first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shipworthy.errors import SystemLoadError, UsageError
from shipworthy.evaluate.answers import number_in
from shipworthy.evaluate.scoring import build_scorer, fingerprint, score_one
from shipworthy.records import Case as GoldenCase
from shipworthy.records import Output, Score


def say(scorer: Any, text: str | None, label: Any = None, folder: Path = Path(), **parts: Any) -> Score:
    built = build_scorer(scorer, folder)
    return score_one(built, Output("1", text=text, **parts), GoldenCase("1", "?", label=label))


# exact


@pytest.mark.parametrize(
    ("options", "text", "label", "value"),
    [
        ({}, "Paris", "Paris", 1.0),
        ({}, "paris", "Paris", 0.0),
        ({}, "Paris\n", "Paris", 0.0),
        ({}, "Paris", ["Lyon", "Paris"], 1.0),
        ({}, "3", 3.0, 1.0),
        ({}, "true", True, 1.0),
        ({"ignore_case": True}, "STRASSE", "straße", 1.0),
        ({"ignore_space": True}, " New \n York ", "New York", 1.0),
        ({"ignore_space": True}, "NewYork", "New York", 0.0),
    ],
)
def test_exact(options: dict[str, Any], text: str, label: Any, value: float) -> None:
    assert say({"exact": options}, text, label).value == value


def test_exact_reads_the_prediction_where_there_is_no_text() -> None:
    assert say("exact", None, "spam", prediction="spam") == Score(1.0, answer="spam")


@pytest.mark.parametrize("scorer", ["exact", "numeric", "contains", "label_match", {"regex": "(4)"}])
@pytest.mark.parametrize("label", [None, [], [None]])
def test_a_case_without_a_label_is_unscored_not_wrong(scorer: Any, label: Any) -> None:
    assert say(scorer, "4", label).unscored == "the case has no label"


# label_match


@pytest.mark.parametrize(
    ("text", "prediction", "label", "value", "answer"),
    [
        (" SPAM\n", None, "spam", 1.0, "spam"),
        ("It is spam.", "spam", "spam", 1.0, "spam"),
        ("ham", " ", "ham", 1.0, "ham"),
        ("Ham", None, "spam", 0.0, "Ham"),
        ("not  spam", None, ["ham", "Not spam"], 1.0, "Not spam"),
        ("1", None, 1, 1.0, "1"),
    ],
)
def test_label_match(text: str, prediction: str | None, label: Any, value: float, answer: str) -> None:
    assert say("label_match", text, label, prediction=prediction) == Score(value, answer=answer)


def test_label_match_writes_a_wrong_class_as_the_list_of_classes_does() -> None:
    assert say({"label_match": ["Spam", "Ham"]}, "ham", "Spam") == Score(0.0, answer="Ham")


def test_an_output_that_is_no_class_failed() -> None:
    assert say({"label_match": ["Spam", "Ham"]}, "maybe", "Spam").failed == "no known class in the output"


# numeric


@pytest.mark.parametrize(
    ("text", "take", "number"),
    [
        ("1,234.5", "first", 1234.5),
        ("It costs $1,234.50.", "first", 1234.5),
        ("-$5", "first", -5.0),
        ("$-5", "first", -5.0),
        ("− 7 °C", "first", -7.0),
        ("12.5%", "first", 12.5),
        (".5", "first", 0.5),
        ("6.02e23", "first", 6.02e23),
        ("6.02×10^23", "first", 6.02e23),
        ("1.5E-3 m", "first", 0.0015),
        ("from 3 to 4.", "last", 4.0),
        ("10-20", "last", 20.0),
        ("GPT-4 says 42", "first", 42.0),
        ("H2O weighs 18", "only", 18.0),
        ("v1.2.3", "first", None),
        ("1.234,5", "first", None),
        ("12,5", "first", None),
        ("1,2,3", "first", None),
        ("3 or 4", "only", None),
        ("1e999", "first", None),
        ("nan inf", "first", None),
        ("twelve", "first", None),
        ("5kg", "first", 5.0),
        ("1234567", "first", 1234567.0),
        ("1,234,567", "first", 1234567.0),
        ("٣", "first", 3.0),
        ("(42)", "first", 42.0),
        ("x=42", "first", 42.0),
    ],
)
def test_a_number_is_found_in_text(text: str, take: Any, number: float | None) -> None:
    assert number_in(text, take) == number


@pytest.mark.parametrize(
    ("options", "text", "label", "value"),
    [
        ({}, "42", 42, 1.0),
        ({}, "42.0", "42", 1.0),
        ({}, "42", "$42", 1.0),
        ({}, "43", [42, 43], 1.0),
        (0.1, "1.1", 1.0, 1.0),
        ({"tolerance": 0.1}, "1.11", 1.0, 0.0),
        ({"relative": 0.01}, "-101", -100, 1.0),
        ({"relative": 0.01}, "0.001", 0, 0.0),
        ({"take": "last"}, "6 * 7 = 42", 42, 1.0),
        ({}, "9007199254740992", 9007199254740994, 0.0),
    ],
)
def test_numeric(options: Any, text: str, label: Any, value: float) -> None:
    assert say({"numeric": options}, text, label).value == value


def test_numeric_without_a_number_failed() -> None:
    assert say("numeric", "I do not know.", 42).failed == "no number in the output"
    assert say({"numeric": {"take": "only"}}, "4 or 5", 4).failed == "more than one number in the output"


@pytest.mark.parametrize("label", ["forty", "1 or 2", float("nan"), float("inf")])
def test_numeric_with_a_label_that_is_no_number_is_unscored(label: Any) -> None:
    assert "is not one number" in str(say("numeric", "42", label).unscored)


def test_a_negative_tolerance_is_refused() -> None:
    with pytest.raises(UsageError, match="not negative"):
        build_scorer({"numeric": -1}, Path())


# contains


@pytest.mark.parametrize(
    ("options", "text", "label", "value"),
    [
        (["refund", "14 days"], "a refund in 14 days", None, 1.0),
        (["refund", "14 days"], "a refund", None, 0.0),
        ({"texts": ["refund", "14 days"], "require": "any"}, "a refund", None, 1.0),
        ("refund", "Refund", None, 0.0),
        ({"texts": "refund", "ignore_case": True}, "REFUND", None, 1.0),
        (None, "It is Paris.", ["Lyon", "Paris"], 1.0),
        ({"require": "all"}, "It is Paris.", ["Lyon", "Paris"], 0.0),
        ({"texts": ["never"], "forbidden": True}, "nevertheless", None, 0.0),
        ({"texts": ["never"], "forbidden": True}, "always", None, 1.0),
        (42, "about 42", None, 1.0),
    ],
)
def test_contains(options: Any, text: str, label: Any, value: float) -> None:
    assert say({"contains": options}, text, label).value == value


def test_contains_refuses_an_empty_text_and_a_contradiction() -> None:
    with pytest.raises(UsageError, match="in every output"):
        build_scorer({"contains": ["a", ""]}, Path())
    with pytest.raises(UsageError, match="none of the texts"):
        build_scorer({"contains": {"texts": "a", "forbidden": True, "require": "all"}}, Path())


# regex


@pytest.mark.parametrize(
    ("options", "text", "label", "score"),
    [
        (r"#### (\d+)", "so #### 42", "42", Score(1.0, answer="42")),
        ({"pattern": r"\d+", "take": "last"}, "1 2 3", 3, Score(1.0, answer="3")),
        ({"pattern": r"(a)(b)", "group": 2}, "ab", "b", Score(1.0, answer="b")),
        ({"pattern": r"(?P<x>a)(?P<y>b)", "group": "y"}, "ab", "a", Score(0.0, answer="b")),
        ({"pattern": r"(a)b", "group": 0}, "ab", "ab", Score(1.0, answer="ab")),
        ({"pattern": "answer: (.*)", "ignore_case": True}, "ANSWER: Yes ", "yes", Score(1.0, answer="Yes")),
        (
            {"pattern": r"= (.*)", "as": "number", "tolerance": 0.5},
            "x = $1,234.9",
            1235,
            Score(1.0, answer="1234.9"),
        ),
    ],
)
def test_regex(options: Any, text: str, label: Any, score: Score) -> None:
    assert say({"regex": options}, text, label) == score


def test_regex_without_a_match_failed() -> None:
    assert say({"regex": r"#(\d+)"}, "none", "4").failed == r"no match for /#(\d+)/ in the output"
    assert say({"regex": r"x(\d)?"}, "x", "4").failed == r"no match for /x(\d)?/ in the output"


def test_regex_as_number_without_a_number_failed() -> None:
    assert "no number" in str(say({"regex": {"pattern": "= (.*)", "as": "number"}}, "= many", 4).failed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("(", "pattern /\\(/ is wrong"),
        ({"pattern": "(a)", "group": 2}, "no group 2; the pattern has 1"),
        ({"pattern": "(?P<answer>a)", "group": "anser"}, "Did you mean 'answer'"),
    ],
)
def test_a_wrong_pattern_is_refused_at_once(options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_scorer({"regex": options}, Path())


# json_schema

SHAPE = {
    "type": "object",
    "required": ["refund"],
    "properties": {"refund": {"type": "number"}, "next": {"$ref": "#"}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"refund": 3}', 1.0),
        ('{"refund": "3"}', 0.0),
        ("[]", 0.0),
        ('{"refund": 1, "next": {"refund": 2}}', 1.0),
        ('{"refund": 1, "next": {}}', 0.0),
    ],
)
def test_json_schema(text: str, value: float) -> None:
    assert say({"json_schema": {"schema": SHAPE}}, text).value == value


@pytest.mark.parametrize("text", ["Sure!", "{", '{"refund": NaN}', '```json\n{"refund": 1}\n```', "1" * 5000])
def test_output_that_is_not_json_failed(text: str) -> None:
    assert say({"json_schema": {"schema": SHAPE}}, text).failed == "the output is not JSON"


@pytest.mark.parametrize(
    "text", ['```json\n{"refund": 1}\n```', 'Here:\n```\n{"refund": 1}\n```\nBye', '{"refund": 1}']
)
def test_json_may_stand_between_fences(text: str) -> None:
    assert say({"json_schema": {"schema": SHAPE, "fenced": True}}, text).value == 1.0


def test_json_nested_too_deeply_failed() -> None:
    deep = '{"refund": 1, "next": ' * 300 + "{}" + "}" * 300
    assert say({"json_schema": {"schema": SHAPE}}, "[" * 200_000).failed is not None
    assert say({"json_schema": {"schema": SHAPE}}, deep).unscored is None


def test_a_schema_comes_from_a_file_of_the_product(tmp_path: Path) -> None:
    (tmp_path / "shape.json").write_text(json.dumps(SHAPE))
    from_file = build_scorer({"json_schema": "shape.json"}, tmp_path)
    inline = build_scorer({"json_schema": {"schema": SHAPE}}, tmp_path)
    assert from_file == inline
    assert fingerprint(from_file, tmp_path) == fingerprint(inline, tmp_path)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt"},
        {"$ref": "#"},
        {"$ref": "https://example.com/schema.json"},
        "missing.json",
        3,
        "{broken",
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_at_once(schema: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="json_schema"):
        build_scorer({"json_schema": {"schema": schema}}, tmp_path)


# function

GRADING = """
from shipworthy.records import Score

class Scalar:
    def item(self): return True

def answer(output, case):
    return {
        "true": True, "half": 0.5, "minus": -3, "good": " Good", "score": Score(0.25, answer="x"),
        "none": None, "list": [], "word": "excellent", "nan": float("nan"), "huge": 10**400,
        "scalar": Scalar(),
    }[output.text]

def leave(output, case):
    raise SystemExit(3)

async def later(output, case): ...
def one(output): ...
"""


@pytest.fixture
def graded(tmp_path: Path) -> Path:
    (tmp_path / "grading.py").write_text(GRADING)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("true", Score(1.0)),
        ("half", Score(0.5)),
        ("minus", Score(-3.0)),
        ("good", Score(grade="good")),
        ("score", Score(0.25, answer="x")),
        ("scalar", Score(1.0)),
        ("none", Score(unscored="scorer gave no answer")),
        ("nan", Score(unscored="scorer function grading:answer gave nan, which is not finite")),
        ("huge", Score(unscored="scorer gave a number too large to hold")),
        ("other", Score(unscored="scorer function grading:answer crashed: KeyError: 'other'")),
        ("list", Score(unscored="scorer gave a list, not true, false, a number, a grade or a Score")),
    ],
)
def test_function(graded: Path, text: str, score: Score) -> None:
    assert say({"function": "grading:answer"}, text, folder=graded) == score


def test_a_word_that_is_no_grade_is_unscored(graded: Path) -> None:
    said = say({"function": "grading:answer"}, "word", folder=graded)
    assert "'excellent', which is no grade" in str(said.unscored)


def test_a_function_that_leaves_does_not_end_the_run(graded: Path) -> None:
    assert "SystemExit: 3" in str(say({"function": "grading:leave"}, "x", folder=graded).unscored)


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        ("grading:later", UsageError, "is async"),
        ("grading:one", SystemLoadError, r"grading.py:\d+: .*two arguments, \(output, case\)"),
        ("grading:answr", SystemLoadError, "Did you mean 'answer'"),
        ("gradin:answer", SystemLoadError, "Did you mean 'grading'"),
    ],
)
def test_a_function_that_cannot_score_is_refused(
    graded: Path, reference: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"(?s){message}"):
        build_scorer({"function": reference}, graded)


def test_the_fingerprint_follows_the_functions_file_and_what_it_imports(graded: Path) -> None:
    (graded / "extra.py").write_text("LIMIT = 1\n")
    (graded / "grading.py").write_text("import extra\ndef answer(output, case): return extra.LIMIT\n")
    before = fingerprint(build_scorer({"function": "grading:answer"}, graded), graded)
    assert fingerprint(build_scorer({"function": "grading:answer"}, graded), graded) == before
    (graded / "extra.py").write_text("LIMIT = 2\n")
    again = build_scorer({"function": "grading:answer"}, graded)
    assert fingerprint(again, graded) != before
    assert score_one(again, Output("1", text="x"), GoldenCase("1", "?")).value == 2.0
