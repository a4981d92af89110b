from __future__ import annotations

import ast
import dataclasses
import json
import os
import re
import sys
from collections import Counter
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import pytest

from shipworthy.demo.docs_assistant import assistant

TOPICS = {"files", "text", "data", "time", "math", "concurrency", "network", "system"}
MINIMA = {
    "representative": 200,
    "paraphrase": 30,
    "ambiguous": 20,
    "out_of_scope": 30,
    "adversarial": 20,
    "non_english": 30,
}
SYSTEMS = (assistant.keyword_search, assistant.ranked_search)


def _read_questions() -> list[dict[str, Any]]:
    text = (files("shipworthy.demo.docs_assistant") / "golden" / "questions.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


QUESTIONS = _read_questions()
BY_ID = {row["case_id"]: row for row in QUESTIONS}
NAMES = {document.name for document in assistant.corpus()}


def _graded(prediction: str | None, label: list[str]) -> str:
    output = SimpleNamespace(text="...", prediction=prediction)
    case = SimpleNamespace(case_id="q1", input="how?", label=label, columns={})
    return assistant.grade(output, case)


def test_every_stratum_has_at_least_its_minimum_and_there_is_no_other() -> None:
    counts = Counter(row["stratum"] for row in QUESTIONS)
    assert counts.keys() == MINIMA.keys()
    assert all(counts[stratum] >= minimum for stratum, minimum in MINIMA.items())


def test_case_ids_are_unique() -> None:
    assert len(BY_ID) == len(QUESTIONS)


def test_no_two_questions_are_the_same_but_for_case_and_punctuation() -> None:
    counts = Counter(" ".join(re.findall(r"\w+", row["question"].lower())) for row in QUESTIONS)
    assert [question for question, count in counts.items() if count > 1] == []


def test_every_question_has_a_known_topic_a_language_and_a_label() -> None:
    assert {row["topic"] for row in QUESTIONS} == TOPICS
    assert all(re.fullmatch(r"[a-z]{2}", row["language"]) for row in QUESTIONS)
    assert all(row["label"] and len(set(row["label"])) == len(row["label"]) for row in QUESTIONS)


def test_every_accepted_name_is_in_the_corpus() -> None:
    accepted = {name for row in QUESTIONS for name in row["label"]} - {assistant.DECLINE}
    if not hasattr(os, "uname"):
        accepted = {name for name in accepted if not name.startswith("os.uname")}
    assert accepted - NAMES == set()


def test_declining_is_never_one_accepted_answer_among_others() -> None:
    assert all(row["label"] == ["decline"] for row in QUESTIONS if "decline" in row["label"])


def test_out_of_scope_is_always_declined_and_everyday_questions_never() -> None:
    must_decline = {row["stratum"]: set() for row in QUESTIONS}
    for row in QUESTIONS:
        must_decline[row["stratum"]].add(row["label"] == ["decline"])
    assert must_decline["out_of_scope"] == {True}
    assert (
        must_decline["representative"] == must_decline["paraphrase"] == must_decline["ambiguous"] == {False}
    )


def test_ambiguous_questions_accept_several_answers() -> None:
    assert all(len(row["label"]) > 1 for row in QUESTIONS if row["stratum"] == "ambiguous")


def test_non_english_questions_are_in_many_other_languages() -> None:
    languages = {row["language"] for row in QUESTIONS if row["stratum"] == "non_english"}
    assert "en" not in languages
    assert len(languages) >= 8
    assert {row["language"] for row in QUESTIONS if row["stratum"] != "non_english"} == {"en"}


def test_a_paraphrase_shares_its_cluster_and_topic_with_the_question_it_repeats() -> None:
    for row in QUESTIONS:
        assert ("of" in row) == (row["stratum"] == "paraphrase")
        if "of" in row:
            original = BY_ID[row["of"]]
            assert original["stratum"] == "representative"
            assert row["cluster_id"] == original["cluster_id"] == original["case_id"]
            assert row["topic"] == original["topic"]
            assert set(row["label"]) <= set(original["label"])


def test_every_cluster_is_named_after_one_of_its_cases() -> None:
    assert all(BY_ID[row["cluster_id"]]["cluster_id"] == row["cluster_id"] for row in QUESTIONS)


def test_the_corpus_names_nothing_twice_and_documents_everything() -> None:
    documents = assistant.corpus()
    assert len(NAMES) == len(documents)
    assert all(document.docstring.strip() and document.summary for document in documents)


def test_every_module_is_in_the_corpus_once() -> None:
    assert len(set(assistant.MODULES)) == len(assistant.MODULES)
    assert all(
        any(name == module or name.startswith(module + ".") for name in NAMES) for module in assistant.MODULES
    )


def test_the_corpus_holds_nothing_of_this_machine() -> None:
    assert not any(re.search(r"\bat 0x[0-9a-f]{6,}", document.text) for document in assistant.corpus())


def test_the_pins_name_this_interpreter_and_the_corpus() -> None:
    pins = assistant.shipworthy_pins()
    assert pins["python"] == ".".join(map(str, sys.version_info[:2]))
    assert re.fullmatch(r"[0-9a-f]{64}", pins["corpus"])
    assert pins == assistant.shipworthy_pins()


@pytest.mark.parametrize("change", [{"name": "other"}, {"docstring": "Other."}, {"parameters": ("other",)}])
def test_the_pin_changes_with_the_corpus(change: dict[str, Any]) -> None:
    first, *rest = assistant.corpus()
    pinned = assistant.corpus_hash([first, *rest])
    assert assistant.corpus_hash([dataclasses.replace(first, **change), *rest]) != pinned
    assert assistant.corpus_hash(rest) != pinned


def test_the_summary_is_the_first_sentence_and_no_signature() -> None:
    document = assistant.Document("m.f", "function", (), "f(x) -> int\n\nReturn it. And more.")
    assert document.summary == "Return it."


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_answers_every_question_in_the_agreed_form(system: Any) -> None:
    for row in QUESTIONS:
        answer = system(row["question"])
        assert answer.keys() == {"output", "prediction", "predicted_score"}
        assert 0.0 <= answer["predicted_score"] <= 1.0
        if answer["prediction"] == assistant.DECLINE:
            assert answer["output"] == assistant.DECLINED
        else:
            assert answer["prediction"] in NAMES
            assert answer["output"].startswith(answer["prediction"] + ": ")


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("question", ["", "   ", "???", "\0", "🐍🐍🐍", "zxqv wqpf blorptang", "how do I"])
def test_a_system_declines_nonsense(system: Any, question: str) -> None:
    assert system(question)["prediction"] == assistant.DECLINE


def test_a_system_says_the_same_thing_twice() -> None:
    for system in SYSTEMS:
        assert [system(row["question"]) for row in QUESTIONS[:40]] == [
            system(row["question"]) for row in QUESTIONS[:40]
        ]


def test_only_the_candidate_declines_what_it_hardly_recognises() -> None:
    question = "sort zxqv wqpf blorptang"
    assert assistant.keyword_search(question)["prediction"] != assistant.DECLINE
    assert assistant.ranked_search(question)["prediction"] == assistant.DECLINE


def test_the_candidate_recognises_inflected_words() -> None:
    assert assistant.ranked_search("shuffling a list") == assistant.ranked_search("shuffle a list")


@pytest.mark.parametrize(
    ("prediction", "label", "grade"),
    [
        ("os.makedirs", ["os.makedirs", "pathlib.Path.mkdir"], "good"),
        ("decline", ["decline"], "good"),
        ("decline", ["os.makedirs"], "poor"),
        (None, ["os.makedirs"], "poor"),
        (None, ["decline"], "poor"),
        ("", ["os.makedirs"], "poor"),
        ("os.mkdir", ["os.makedirs"], "harmful"),
        ("json.load", ["decline"], "harmful"),
    ],
)
def test_a_grade_says_what_an_answer_is_worth(prediction: str | None, label: list[str], grade: str) -> None:
    assert _graded(prediction, label) == grade


def test_importing_the_assistant_only_defines_things() -> None:
    source = (files("shipworthy.demo.docs_assistant") / "assistant.py").read_text("utf-8")
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef, ast.Expr)
    body = ast.parse(source).body
    assert all(isinstance(node, allowed) for node in body)
    assert all(isinstance(node.value, ast.Constant) for node in body if isinstance(node, ast.Expr))
    imported = {name.name for node in body if isinstance(node, ast.Import) for name in node.names}
    assert imported <= sys.stdlib_module_names
