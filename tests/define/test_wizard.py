from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.define.reading import spec_from_text
from shipworthy.define.scaffold import write_answered
from shipworthy.define.spec import KINDS
from shipworthy.define.wizard.questions import answered, checked, next_question, questions
from shipworthy.define.wizard.writing import golden_header, spec_text, worksheet
from shipworthy.errors import UsageError

DAY = date(2026, 1, 31)
every_kind = pytest.mark.parametrize("kind", KINDS)


def read(text: str) -> Any:
    return spec_from_text(text, Path("shipworthy.yaml")).spec


def ask(kind: str, name: str) -> Any:
    return next(question for question in questions({"kind": kind}) if question.id == name)


@every_kind
def test_defaults_alone_make_a_spec_that_reads(kind: str) -> None:
    spec = read(spec_text(answered({"kind": kind}), "p", DAY))
    assert (spec.kind, spec.id, spec.level) == (kind, "p", "judge")
    assert spec.systems.candidate.planned
    assert spec.systems.baselines["without_ai"].simple
    assert spec.gates
    assert (spec.costs, spec.problem) == (None, None)
    assert spec.golden.created == DAY


@every_kind
def test_every_kind_is_asked_about_a_dozen_questions_each_with_an_example(kind: str) -> None:
    asked = questions({"kind": kind})
    assert 12 <= len(asked) <= 18
    assert len({question.id for question in asked}) == len(asked)
    assert all(question.asks.endswith(("?", ".")) and question.example for question in asked)


@every_kind
def test_every_default_and_every_example_is_an_answer(kind: str) -> None:
    answers: dict[str, Any] = {"kind": kind}
    while (question := next_question(answers)) is not None:
        checked(question, question.example)
        answers[question.id] = checked(question, None)


@pytest.mark.parametrize("kind", ["generator", "rag", "agent"])
def test_foundation_models_are_offered_nine_ways_to_be_wrong(kind: str) -> None:
    modes = answered({"kind": kind})["failure_modes"]
    assert len(modes) >= 9
    spec = read(spec_text(answered({"kind": kind}), "p", DAY))
    assert [mode.id for mode in spec.failure_modes] == modes
    assert all(mode.what and mode.detect and mode.cases for mode in spec.failure_modes)


def test_each_mode_that_no_sample_shows_gets_two_cases_to_write() -> None:
    answers = answered({"kind": "agent"})
    spec = read(spec_text(answers, "p", DAY))
    wanted = [mode.id for mode in spec.failure_modes if mode.cases != ["representative"]]
    header, *rows = worksheet(answers)
    named = [row[header.index("failure_mode")] for row in rows]
    assert named == [mode for mode in wanted for _ in range(2)]
    assert len(wanted) < len(spec.failure_modes)
    assert all(row[header.index("input")] == "" and row[header.index("what_to_write")] for row in rows)
    assert len({row[0] for row in rows}) == len(rows)


def test_the_number_of_cases_follows_from_the_bar_and_what_is_expected() -> None:
    # 398 cases prove "at least 80%" with a chance of 80% where 85% is true (exact binomial).
    spec = read(
        spec_text(answered({"kind": "rag", "bar_1": "80%", "expected": "85%", "bar_2": "20%"}), "p", DAY)
    )
    assert spec.golden.strata["representative"] == 398
    assert spec.gates[0].rule == "good >= 80%"
    assert spec.gates[0].expect == 0.85


def test_a_launch_blocker_gets_a_must_pass_list_of_its_own() -> None:
    spec = read(spec_text(answered({"kind": "agent"}), "p", DAY))
    gates = {gate.id: gate for gate in spec.gates}
    blockers = [mode for mode in spec.failure_modes if mode.severity == "blocker" and mode.gate]
    assert blockers
    for mode in blockers:
        assert gates[mode.gate].rule == f"failures[stratum = {mode.cases[0]}] <= 0"
        assert spec.golden.sampling_of(mode.cases[0]) in ("curated", "incident")


def test_money_may_carry_its_currency() -> None:
    spec = read(spec_text(answered({"kind": "rag", "cost_harmful": "1,200 eur", "cost_poor": 3}), "p", DAY))
    assert (spec.costs.currency, spec.costs.of("harmful"), spec.costs.of("poor")) == ("EUR", 1200.0, 3.0)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"cost_harmful": "9 EUR", "cost_poor": "3 USD"}, "one currency"),
        ({"bar_1": "85%", "bar_2": "95%"}, "at most 15% can be harmful"),
        ({"bar_1": "85%", "expected": "60%"}, "does not lie above the bar of 85%"),
    ],
)
def test_answers_that_contradict_each_other_are_refused(said: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        answered({"kind": "rag", **said})


@pytest.mark.parametrize(("written", "amount"), [("€900", 900.0), ("12,50 EUR", 12.5), ("EUR 1,200", 1200.0)])
def test_amounts_are_read_as_people_write_them(written: str, amount: float) -> None:
    assert checked(ask("rag", "cost_harmful"), written) == (amount, "EUR")


def test_failure_modes_are_taken_away_added_and_named_anew() -> None:
    usual = answered({"kind": "rag"})["failure_modes"]
    changed = answered({"kind": "rag", "failure_modes": "-tone_regression, +wrong_deadline"})["failure_modes"]
    assert changed == [mode for mode in usual if mode != "tone_regression"] + ["wrong_deadline"]
    assert answered({"kind": "rag", "failure_modes": "none"})["failure_modes"] == []
    own = read(spec_text(answered({"kind": "rag", "failure_modes": "wrong_deadline"}), "p", DAY))
    assert [mode.id for mode in own.failure_modes] == ["wrong_deadline"]


def test_a_regulated_product_is_asked_for_its_groups() -> None:
    assert "groups" not in {question.id for question in questions({"kind": "classifier"})}
    answers = answered(
        {"kind": "classifier", "regulated": "lending", "groups": "age_band", "positive": "repaid"}
    )
    spec = read(spec_text(answers, "p", DAY))
    assert (spec.groups, spec.slices, spec.golden.positive) == (["age_band"], ["age_band"], ["repaid"])
    assert "age_band" in golden_header(answers)


def test_what_nobody_said_is_left_out_of_the_spec() -> None:
    text = spec_text(answered({"kind": "agent", "user": "customers"}), "p", DAY)
    spec = read(text)
    assert spec.problem.model_dump(exclude_defaults=True) == {"user": "customers"}
    assert spec.decision.actor == "customers"


@every_kind
def test_every_list_of_chosen_cases_has_a_gate_that_asks_for_each_of_them(kind: str) -> None:
    spec = read(spec_text(answered({"kind": kind}), "p", DAY))
    lists = {name for name in spec.golden.strata if name != "representative"}
    assert {gate.rule for gate in spec.gates if gate.rule.startswith("failures")} == {
        f"failures[stratum = {name}] <= 0" for name in lists
    }
    assert all(spec.golden.sampling_of(name) in ("curated", "incident") for name in lists)


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("bar_1", "130%", "share between 0 and 100%"),
        ("bar_1", "much", "share between 0 and 100%"),
        ("volume", "-3", "no plain number above 0"),
        ("volume", "15.000", "no plain number above 0"),
        ("bar_2", "3", "Write 3% for it"),
        ("cost_poor", "cheap", "no amount of money"),
        ("regulated", "loans", "lending"),
        ("failure_modes", "halucination", "hallucination"),
        ("user", "a\x1b[31m", "cannot be shown"),
    ],
)
def test_an_answer_that_cannot_be_understood_says_what_to_write(name: str, answer: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        checked(ask("rag", name), answer)


def test_an_answer_to_no_question_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="'volume'"):
        answered({"kind": "rag", "volum": 3})


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {
            name: st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)
            for name in ("user", "today", "without_ai", "success", "actor", "owner")
        }
    )
)
def test_whatever_people_write_comes_back_from_the_spec_as_they_wrote_it(texts: dict[str, str]) -> None:
    spec = read(spec_text(answered({"kind": "rag", **texts}), "p", DAY))
    said = {name: getattr(spec.problem, name) for name in ("user", "today", "without_ai", "success")}
    assert {**said, "actor": spec.decision.actor, "owner": spec.owners.product} == texts


def test_an_answered_product_has_a_spec_an_empty_golden_set_and_a_worksheet(tmp_path: Path) -> None:
    answers = answered({"kind": "classifier", "slices": "region, channel"})
    written = write_answered(tmp_path / "churn", answers)
    names = {path.relative_to(tmp_path / "churn").as_posix() for path in written}
    assert {"shipworthy.yaml", "golden/cases.csv", "golden/to_write.csv", ".gitignore"} <= names
    header = next(csv.reader(io.StringIO((tmp_path / "churn/golden/cases.csv").read_text())))
    assert tuple(header) == golden_header(answers)
    assert {"region", "channel", "case_id", "label"} <= set(header)
