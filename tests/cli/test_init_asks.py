"""`shipworthy init --ask`: questions in a terminal, from a file, or printed for somebody else to ask."""

from __future__ import annotations

import subprocess
import sys

from cli.shipping import refused
from shipworthy.define.reading import read_spec


def test_questions_are_printed_for_a_page_to_ask(ship):
    said = ship("init", "--questions", "--kind", "agent")
    asked = said.json
    assert asked[0]["id"] == "kind"
    assert {"id", "asks", "form", "example", "default", "choices"} == set(asked[0])
    assert "failure_modes" in {question["id"] for question in asked}


def test_answers_from_a_file_make_a_product(ship, tmp_path):
    (tmp_path / "answers.yaml").write_text("kind: rag\nbar_1: 90%\nexpected: 94%\nbar_2: 10%\nowner: ana\n")
    made = ship("init", tmp_path / "p", "--answers", tmp_path / "answers.yaml", "--json")
    assert made.code == 0
    spec = read_spec(tmp_path / "p").spec
    assert spec.gates[0].rule == "good >= 90%"
    assert spec.owners.product == "ana"
    # 333 cases prove "at least 90%" with a chance of 80% where 94% is true.
    assert spec.golden.strata["representative"] == 333


def test_answers_typed_line_by_line_make_a_product_and_a_wrong_one_is_asked_again(tmp_path):
    typed = ["classifier", *[""] * 7, "cheap", "40 EUR", "400 EUR", *[""] * 8]
    done = subprocess.run(
        [sys.executable, "-m", "shipworthy", "init", str(tmp_path / "p"), "--ask"],
        input="\n".join(typed) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no amount of money" in done.stderr
    assert read_spec(tmp_path / "p").spec.costs.of("false_positive") == 40


def test_answers_that_end_too_early_write_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "shipworthy", "init", str(tmp_path / "p"), "--ask"],
        input="rag\nsupport\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130
    assert "nothing was written" in done.stderr
    assert 'user: "support"' in done.stderr
    assert not (tmp_path / "p").exists()


def test_unreadable_answers_are_refused_before_anything_is_written(ship, tmp_path):
    (tmp_path / "a.yaml").write_text("kind: [rag")
    refused(ship("init", tmp_path / "p", "--answers", tmp_path / "a.yaml"), 2, "no valid YAML")
    (tmp_path / "a.yaml").write_text("- rag")
    refused(ship("init", tmp_path / "p", "--answers", tmp_path / "a.yaml"), 2, "no mapping")
    assert not (tmp_path / "p").exists()


def test_a_folder_that_holds_something_is_refused_before_the_first_question(ship, tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "x").write_text("")
    refused(ship("init", tmp_path / "p", "--ask"), 2, "not empty")


def test_init_without_a_folder_says_so(ship):
    said = ship("init")
    assert said.code == 2
    assert "Missing argument 'FOLDER'" in said.err
