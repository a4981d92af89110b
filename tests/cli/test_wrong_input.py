"""Wrong input gives one clear message and the right exit code, and damages nothing."""

# ruff: noqa: E501 - specs and tables of cases are read line by line

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path

import duckdb
import pytest

from cli.shipping import function_product, recorded, refused, snapshot

GOOD = "id,grade\n" + "".join(f"c{i},good\n" for i in range(100))
PREDICTED = "id,label,prediction\n" + "".join(f"c{i},{i % 2},{i % 2}\n" for i in range(100))


# -- files that check cannot judge ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "needles"),
    [
        ("empty.csv", b"", ["empty.csv", "empty"]),
        ("header.csv", b"id,grade\n", ["header.csv"]),
        ("blank.csv", b"\n\n\n", ["blank.csv:1"]),
        ("ragged.csv", b"id,grade\na,good\nb,good,extra,cells\n", ["ragged.csv", "3"]),
        ("quote.csv", b'id,grade\na,"good\nb,good\n', ["quote.csv"]),
        ("latin.csv", "id,grade\nä,good\n".encode("latin-1"), ["latin.csv", "UTF-8"]),
        ("twice.csv", b"id,grade,grade\na,good,poor\n", ["twice.csv:1", "grade"]),
        ("grades.csv", b"id,grade\na,good\nb,excellent\n", ["excellent"]),
        ("notes.txt", b"hello", ["notes.txt", ".csv"]),
        ("broken.jsonl", b'{"id": 1, "grade": "good"}\n{"id": 2, "gra\n', ["broken.jsonl"]),
        ("list.jsonl", b"[1, 2]\n[3, 4]\n", ["list.jsonl"]),
        ("open.json", b'[{"id": 1, "grade": "good"},', ["open.json"]),
        ("nul.csv", b"id,grade\n\x00\x00\x00,good\n", []),
        ("fake.parquet", b"PAR1 this is no parquet PAR1", ["fake.parquet"]),
        ("image.csv", bytes(range(256)) * 20, ["image.csv"]),
    ],
)
def test_a_file_that_cannot_be_judged_is_refused_by_name(ship, tmp_path, name, content, needles):
    file = tmp_path / name
    file.write_bytes(content)
    said = ship("check", file, "good >= 80%")
    if needles:
        refused(said, 2, *needles)
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_bytes() == content


def test_a_missing_file_and_a_folder_are_told_apart(ship, tmp_path):
    refused(ship("check", tmp_path / "nothing.csv", "good >= 80%"), 2, "nothing.csv", "does not exist")
    refused(ship("check", tmp_path, "good >= 80%"), 2, str(tmp_path), "folder")
    file = tmp_path / "g.csv"
    file.write_text(GOOD, encoding="utf-8")
    refused(ship("check", file, "good >= 80%", "--live", tmp_path / "gone.csv"), 2, "gone.csv")


def test_a_named_pipe_is_refused_and_not_waited_for(ship, tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    found = []
    worker = threading.Thread(target=lambda: found.append(ship("check", pipe, "good >= 80%")), daemon=True)
    worker.start()
    worker.join(5)
    assert not worker.is_alive()
    refused(found[0], 2, "pipe.csv")


def test_an_unreadable_file_is_refused(ship, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    file = tmp_path / "secret.csv"
    file.write_text(GOOD, encoding="utf-8")
    file.chmod(0)
    refused(ship("check", file, "good >= 80%"), 2, "secret.csv")


def test_a_parquet_file_cut_off_at_any_length_is_refused(ship, tmp_path):
    whole = tmp_path / "whole.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT i AS id, 'good' AS grade, random() AS r FROM range(2000) t(i)) TO '{whole}' (FORMAT parquet)"
        )
    content = whole.read_bytes()
    assert ship("check", whole, "good >= 80%").code == 0
    cut = tmp_path / "cut.parquet"
    for length in (
        1,
        3,
        4,
        8,
        12,
        100,
        len(content) // 2,
        len(content) - 100,
        len(content) - 8,
        len(content) - 1,
    ):
        cut.write_bytes(content[:length])
        refused(ship("check", cut, "good >= 80%"), 2, "cut.parquet")
    for place in (0, 4, 40, len(content) // 2, len(content) - 60, len(content) - 6):
        cut.write_bytes(content[:place] + bytes(8) + content[place + 8 :])
        assert ship("check", cut, "good >= 80%").code in (0, 1, 2)


def test_ids_that_repeat_are_one_cluster_each_and_cannot_be_paired(ship, tmp_path):
    file = tmp_path / "g.csv"
    file.write_text("case_id,grade\n" + "".join(f"c{i // 2},good\n" for i in range(100)), encoding="utf-8")
    said = ship("check", file, "good >= 80%", "--json")
    assert said.json["understood"] == {"grade": "grade", "case_id": "#row", "cluster_id": "case_id"}
    assert any("50 independent clusters" in note for note in said.json["evidence"]["notes"])
    refused(ship("check", file, "good >= 80%", "--live", file), 2, "g.csv", "--repeat")
    refused(ship("check", file, "good >= 80%", "--id", "case_id"), 2, "g.csv", "c0")


def test_ids_that_repeat_in_a_golden_set_are_refused(ship, tmp_path):
    product = recorded(tmp_path / "p")
    file = product / "golden" / "cases.csv"
    file.write_text(file.read_text(encoding="utf-8") + "c7,yes,de\n", encoding="utf-8")
    refused(ship("decide", "--product", product), 2, ".csv", "c7")


def test_a_column_that_is_not_there_is_not_measured_and_named(ship, tmp_path):
    product = recorded(tmp_path / "p", gates="  - mean(nothing) >= 1")
    said = ship("decide", "--product", product)
    assert said.code == 1
    assert "not measured" in said.flat
    assert "no column 'nothing'" in said.flat or "nothing" in said.flat.split("Not measured")[1]


# -- numbers that are none ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["nan", "NaN", "inf", "-inf", "Infinity"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_score_that_is_no_finite_number_is_never_averaged(ship, tmp_path, bad, kind):
    rows = "".join(f"c{i},{i % 2},{bad if i == 7 else 0.1 + 0.8 * (i % 2)}\n" for i in range(200))
    file = tmp_path / "s.csv"
    file.write_text("id,label,score\n" + rows, encoding="utf-8")
    if kind == "parquet":
        target = tmp_path / "s.parquet"
        with duckdb.connect() as connection:
            connection.execute(
                f"COPY (SELECT id, label, CAST(score AS DOUBLE) AS score FROM '{file}') TO '{target}' (FORMAT parquet)"
            )
        file = target
    said = ship("check", file, "auc >= 0.5", "--score", "score", "--positive", "1", "--json")
    if said.code == 2:
        refused(said, 2, "s.", "7")
        return
    # Tolerated as one row without an answer: counted, never silently dropped or averaged.
    count = said.json["evidence"]["subject"]["denominator"]
    assert count["failed"] + count["unscored"] == 1
    assert "NaN" not in re.sub(r'"[^"]*"', "", said.out)
    value = said.json["gates"][0]["evidence"]["estimate"]["value"]
    assert value is None or 0 <= value <= 1


def test_a_mean_over_infinite_values_is_refused_or_unknown(ship, tmp_path):
    file = tmp_path / "m.csv"
    file.write_text(
        "id,grade,mark\n" + "".join(f"{i},good,{'inf' if i == 3 else 4}\n" for i in range(100)),
        encoding="utf-8",
    )
    said = ship("check", file, "mean(mark) >= 3", "--json")
    if said.code == 2:
        refused(said, 2, "mark")
    else:
        estimate = said.json["gates"][0]["evidence"]["estimate"]
        assert estimate["value"] is None or estimate["value"] == 4


# -- systems that do not belong together ----------------------------------------------------------------------------------


def test_a_class_that_the_golden_set_does_not_know_is_named(ship, tmp_path):
    product = recorded(tmp_path / "p")
    file = product / "new.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("c7,yes", "c7,maybe"), encoding="utf-8")
    before = snapshot(product)
    refused(ship("decide", "--product", product), 2, "maybe")
    assert not (product / ".shipworthy" / "decisions").exists()
    assert {k: v for k, v in snapshot(product).items() if not k.startswith(".shipworthy")} == before


def test_true_labels_that_differ_between_two_files_are_refused(ship, tmp_path):
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    ours.write_text(PREDICTED, encoding="utf-8")
    theirs.write_text(PREDICTED.replace("c3,1,1", "c3,0,1"), encoding="utf-8")
    said = ship("check", ours, "accuracy >= 80%", "delta(accuracy, live) > -5pt", "--live", theirs)
    refused(said, 2, "c3")


def test_a_label_set_that_differs_between_runs_is_refused(ship, tmp_path):
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    ours.write_text(PREDICTED, encoding="utf-8")
    theirs.write_text(PREDICTED.replace(",1", ",yes").replace(",0", ",no"), encoding="utf-8")
    refused(ship("check", ours, "accuracy >= 80%", "--live", theirs), 2, "theirs.csv", "c0")


def test_ids_that_the_golden_set_does_not_know_are_said_and_missing_ones_count(ship, tmp_path):
    product = recorded(tmp_path / "p")
    file = product / "new.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("c7,", "zz7,"), encoding="utf-8")
    decided = ship("decide", "--product", product, "--json")
    assert decided.json["evidence"]["subject"]["denominator"]["unscored"] == 1
    assert any(
        "golden set does not know" in note or "left out" in note for note in decided.json["evidence"]["notes"]
    )


def test_too_many_missing_rows_are_invalid_and_the_reason_is_given(ship, tmp_path):
    product = recorded(tmp_path / "p")
    file = product / "new.csv"
    file.write_text("\n".join(file.read_text(encoding="utf-8").splitlines()[:90]) + "\n", encoding="utf-8")
    said = ship("decide", "--product", product)
    assert said.code == 3
    assert "INVALID" in said.out
    assert "11 unscored" in said.flat
    assert "row missing from the file (11)" in said.flat


def test_systems_run_on_different_golden_versions_are_invalid(ship, tmp_path):
    product = function_product(tmp_path / "p", "def answer(text):\n    return text\n")
    assert ship("run", "--product", product).code == 0
    golden = product / "golden.jsonl"
    golden.write_text(
        golden.read_text(encoding="utf-8") + '{"case_id": "new", "input": "1", "label": "1"}\n',
        encoding="utf-8",
    )
    said = ship("decide", "--product", product)
    assert said.code == 3
    assert "shipworthy run candidate" in said.flat
    assert ship("run", "--product", product).code == 0
    assert ship("decide", "--product", product).code == 0


def test_a_pinned_golden_version_that_does_not_match_is_invalid(ship, tmp_path):
    product = recorded(tmp_path / "p")
    spec = product / "shipworthy.yaml"
    spec.write_text(
        spec.read_text(encoding="utf-8").replace(
            "sampled: random", "sampled: random, version: 'sha256:0123'"
        ),
        encoding="utf-8",
    )
    said = ship("decide", "--product", product)
    assert said.code == 3
    assert "0123" in said.flat


# -- specs ----------------------------------------------------------------------------------------------------------------


def line_of(product: Path, needle: str) -> int:
    lines = (product / "shipworthy.yaml").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if needle in line)


@pytest.mark.parametrize(
    ("old", "new", "needles"),
    [
        ("id: small", "id: [small", []),
        ("id: small", "id: small\nid: twice", []),
        ("id: small", "idd: small", ["idd", "'id'"]),
        ("kind: classifier", "kind: clasifier", ["clasifier", "classifier"]),
        ("kind: classifier", "kind: {a: 1}", []),
        ("accuracy >= 50%", "acuracy >= 50%", ["acuracy", "accuracy"]),
        ("accuracy >= 50%", "accuracy => 50%", ["accuracy => 50%", "^"]),
        ("accuracy >= 50%", "accuracy >= ", []),
        ("accuracy >= 50%", "accuracy >= 150%", []),
        ("accuracy >= 50%", "'accuracy[langauge = de] >= 50%'", ["langauge", "language"]),
        ("accuracy >= 50%", "'ratio(fpr, langauge) <= 1.25'", ["langauge", "language"]),
        ("accuracy >= 50%", "'delta(accuracy, lvie) > 0'", ["lvie", "live"]),
        ("accuracy >= 50%", "__import__('os').system('id') >= 0", []),
        ("id: small", "id: small\nslices: [langauge]", ["langauge", "language"]),
        ("recorded: new.csv", "recorded: nwe.csv", ["nwe.csv"]),
        ("recorded: new.csv", "function: bot", ["bot"]),
        ("recorded: new.csv", "recorded: new.csv, columns: {prediction: predicton}", ["predicton", "prediction"]),
        ("recorded: new.csv", "recorded: new.csv, timeout: 3", ["timeout", "timeout_s"]),
        ("sampled: random", "sampled: rondom", ["rondom"]),
        ("false_positive, false_negative, failed", "false_positve", ["false_positve", "false_positive"]),
    ],
)  # fmt: skip
def test_a_wrong_spec_is_refused_with_file_line_and_the_nearest_name(ship, tmp_path, old, new, needles):
    product = recorded(tmp_path / "p")
    spec = product / "shipworthy.yaml"
    text = spec.read_text(encoding="utf-8")
    assert old in text
    spec.write_text(text.replace(old, new, 1), encoding="utf-8")
    before = snapshot(product)
    said = ship("decide", "--product", product)
    refused(said, 2, *needles)
    if "csv" not in new:
        assert re.search(r"shipworthy\.yaml:\d+", said.err), said.err
    if needles and new in spec.read_text(encoding="utf-8") and "\n" not in new and "csv" not in new:
        assert f"shipworthy.yaml:{line_of(product, new)}" in said.err
    after = snapshot(product)
    assert {k: v for k, v in after.items() if not k.startswith(".shipworthy")} == before


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"- a\n- b\n", b"just text", b"a: &a [*a]", b"x: \x00", b"{"]
)
def test_a_spec_that_is_no_spec_is_refused(ship, tmp_path, content):
    (tmp_path / "shipworthy.yaml").write_bytes(content)
    refused(ship("decide", "--product", tmp_path), 2, "shipworthy.yaml")


def test_a_folder_without_a_spec_or_no_folder_is_refused(ship, tmp_path):
    refused(ship("decide", "--product", tmp_path), 2, "shipworthy.yaml")
    refused(ship("decide", "--product", tmp_path / "nowhere"), 2, "nowhere")


# -- calls ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "needles"),
    [
        (["decid"], ["decid", "decide"]),
        (["check", "FILE"], ["rule"]),
        (["check", "FILE", "god >= 80%"], ["god", "good"]),
        (["check", "FILE", "good => 80%"], ["good => 80%", "^"]),
        (["check", "FILE", "good >= 80%", "--cost", "harmful"], ["--cost"]),
        (["check", "FILE", "good >= 80%", "--cost", "harmful=much"], ["much"]),
        (["check", "FILE", "good >= 80%", "--cost", "hamful=4"], ["hamful", "harmful"]),
        (["check", "FILE", "good >= 80%", "--cost", "harmful=nan"], ["harmful"]),
        (["check", "FILE", "good >= 80%", "--volume", "0"], ["volume"]),
        (["check", "FILE", "good >= 80%", "--guardrail", "harmful"], ["harmful 46/50"]),
        (["check", "FILE", "good >= 80%", "--guardrail", "harmful 51/50"], ["51"]),
        (["check", "FILE", "good >= 80%", "--guardrail", "hamful 1/50"], ["hamful", "harmful"]),
        (["check", "FILE", "good >= 80%", "--accept", "poor"], ["poor"]),
        (["check", "FILE", "good >= 80%", "--scorer", "exakt"], ["exakt", "exact"]),
        (["check", "FILE", "good >= 80%", "--slice", "langauge"], ["langauge"]),
        (["check", "FILE", "good[langauge = de] >= 80%"], ["langauge"]),
        (["check", "FILE", "good >= 80%", "--where", "nothing=1"], ["nothing"]),
        (["check", "FILE", "good >= 80%", "--id", "nothing"], ["nothing", "id"]),
        (["check", "FILE", "good >= 80%", "--column", "lable=grade"], ["lable", "label"]),
        (["check", "FILE", "delta(good, live) > 0"], ["live"]),
        (["metrics", "explain", "recal"], ["recal", "recall"]),
        (["scorers", "explain", "exat"], ["exat", "exact"]),
        (["metrics", "explain"], ["explain"]),
    ],
)  # fmt: skip
def test_a_wrong_call_is_refused_and_says_what_to_write(ship, tmp_path, words, needles):
    file = tmp_path / "g.csv"
    file.write_text(GOOD, encoding="utf-8")
    refused(ship(*[str(file) if word == "FILE" else word for word in words]), 2, *needles)


@pytest.mark.parametrize(
    "words", [["check"], ["check", "FILE", "good >= 80%", "--nonsense"], ["init"], ["compare", "a"], ["--nonsense"], ["check", "FILE", "good >= 80%", "--confidence", "1"]],
)  # fmt: skip
def test_a_call_with_missing_or_unknown_words_shows_the_usage(ship, tmp_path, words):
    file = tmp_path / "g.csv"
    file.write_text(GOOD, encoding="utf-8")
    said = ship(*[str(file) if word == "FILE" else word for word in words])
    assert said.code == 2
    assert "Usage:" in said.err
    assert "Error:" in said.err


def test_unknown_systems_and_runs_are_refused_with_the_nearest_name(ship, tmp_path):
    product = recorded(tmp_path / "p")
    refused(ship("run", "candidat", "--product", product), 2, "candidat", "'candidate'")
    refused(ship("decide", "lvie", "--product", product), 2, "lvie", "'live'")
    refused(ship("compare", "candidate", "lvie", "--product", product), 2, "lvie")
    refused(ship("compare", "candidate", "candidate", "--product", product), 2, "same")


# -- places that cannot be written to ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--html", "--markdown", "--junit", "--write-spec"])
def test_an_output_path_that_cannot_be_written_is_refused(ship, tmp_path, option):
    file, wall = tmp_path / "g.csv", tmp_path / "wall"
    file.write_text(GOOD, encoding="utf-8")
    wall.write_text("a file, not a folder", encoding="utf-8")
    refused(ship("check", file, "good >= 80%", option, wall / "out"), 2, "wall")
    if option != "--write-spec":
        refused(ship("check", file, "good >= 80%", option, tmp_path), 2, str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g.csv", "wall"]


def test_a_workspace_that_is_a_file_is_refused(ship, tmp_path):
    product = recorded(tmp_path / "p")
    (product / ".shipworthy").write_text("in the way", encoding="utf-8")
    before = snapshot(product)
    said = ship("decide", "--product", product)
    assert said.code in (2, 3)
    refused(said, said.code, ".shipworthy")
    assert snapshot(product) == before


def test_an_init_where_a_file_lies_is_refused(ship, tmp_path):
    (tmp_path / "wall").write_text("x", encoding="utf-8")
    refused(ship("init", tmp_path / "wall"), 2, "wall")
    refused(ship("init", tmp_path / "wall" / "inside"), 2, "wall")


# -- outputs that attack the reader -----------------------------------------------------------------------------------------


HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "\x1b[2J\x1b[31mCLEARED\x1b]0;title\x07",
    "\u202egnorw\u2066 hidden",
    "nul\x00byte",
    "emoji 🙂 👩‍👩‍👧 é",
    "x" * 1_000_000,
    "| a | b |\n|---|---|\n```\n</details><h1>",
    "]]> & <![CDATA[ <failure/>",
    "[bold red]rich markup[/]",
    "=cmd|' /C calc'!A0",
]


def test_hostile_outputs_reach_no_terminal_page_or_parser_alive(ship, tmp_path):
    product = tmp_path / "p"
    product.mkdir()
    texts = HOSTILE * 10
    with (
        (product / "golden.jsonl").open("w", encoding="utf-8") as golden,
        (product / "out.jsonl").open("w") as out,
        (product / "old.jsonl").open("w") as old,
    ):
        for index, text in enumerate(texts):
            case = f"c{index} {text[:30]}"
            if "\x00" in case:
                case = f"c{index}"
            golden.write(
                json.dumps({"case_id": case, "input": text, "label": "right", "group": text[:40]}) + "\n"
            )
            out.write(json.dumps({"case_id": case, "output": text}) + "\n")
            old.write(json.dumps({"case_id": case, "output": "right"}) + "\n")
    (product / "shipworthy.yaml").write_text(
        """\
shipworthy: 1
id: hostile
kind: generator
decision: {prediction: answer, action: [use], actor: user}
golden: {path: golden.jsonl, sampled: random}
systems:
  candidate: {recorded: out.jsonl}
  live: {recorded: old.jsonl}
slices: [group]
metrics:
  - {id: correct, scorer: exact}
gates:
  - correct >= 80%
  - failures <= 0
""",
        encoding="utf-8",
    )
    places = {name: tmp_path / f"record.{name}" for name in ("html", "md", "xml")}
    words = ("--html", places["html"], "--markdown", places["md"], "--junit", places["xml"])
    said = ship("decide", "--product", product, *words)
    assert said.code == 1, said.err
    for text in (said.out, said.err):
        assert "\x1b" not in text
        assert "\x00" not in text
        assert "\u202e" not in text
        assert len(text) < 100_000
    html = places["html"].read_text(encoding="utf-8")
    assert "<script" not in html.lower()
    assert "<img" not in html.lower()
    assert "\x1b" not in html
    assert "\u202e" not in html
    from xml.etree import ElementTree

    ElementTree.parse(places["xml"])  # noqa: S314
    markdown = places["md"].read_text(encoding="utf-8")
    assert "<script" not in markdown
    assert "\x1b" not in markdown
    assert ship("compare", "candidate", "live", "--product", product).out.count("\x1b") == 0


def test_half_a_character_is_refused_by_line(ship, tmp_path):
    file = tmp_path / "half.jsonl"
    file.write_text(
        '{"id": 1, "grade": "good"}\n{"id": 2, "grade": "good", "text": "\\ud83d alone"}\n', encoding="utf-8"
    )
    refused(ship("check", file, "good >= 80%"), 2, "half.jsonl", "line 2")


def test_an_error_about_a_hostile_name_cannot_act_on_the_terminal(ship, tmp_path):
    file = tmp_path / "g.csv"
    file.write_text(GOOD, encoding="utf-8")
    said = ship("check", file, "good >= 80%", "--id", "\x1b[2Jboo")
    refused(said, 2)
    assert "\x1b" not in said.err
    said = ship("check", tmp_path / "\x1b[31mred.csv", "good >= 80%")
    refused(said, 2)
    assert "\x1b" not in said.err
