"""`shipworthy golden`: what it prints, what it refuses, and how cases are added without harm."""

from __future__ import annotations

import json
import os
from pathlib import Path

import duckdb
import pytest

from cli.shipping import recorded, refused, snapshot

ROWS = [
    ("c0", "Where is my parcel?", "yes", "representative"),
    ("c1", "Cancel my order, please", "no", "representative"),
    ("c2", 'He said "now", and\nleft', "no", "edge"),
]
SPEC = """shipworthy: 1
id: desk
kind: classifier
decision: {prediction: answer, action: [use], actor: user}
golden:
  path: golden/%s
  sampled: {representative: random, edge: curated}
  strata: {representative: 2, edge: 1}
gates: [accuracy >= 50%%]
"""
NEW = "ticket,prompt,label,colour\nn1,Reset my password,yes,red\nn2,where is my PARCEL,yes,blue\n"


def desk(folder: Path, form: str = "csv") -> Path:
    """Write a product whose golden set has one of the formats."""
    (folder / "golden").mkdir(parents=True)
    path = folder / "golden" / f"cases.{form}"
    records = [dict(zip(("case_id", "question", "label", "stratum"), row, strict=True)) for row in ROWS]
    if form == "jsonl":
        path.write_text("".join(json.dumps({**r, "turns": i}) + "\n" for i, r in enumerate(records)), "utf-8")
    elif form == "json":
        path.write_text(json.dumps(records, indent=2), "utf-8")
    elif form == "parquet":
        (folder / "made.json").write_text(json.dumps(records), "utf-8")
        duckdb.execute(
            f"COPY (SELECT *, CAST(7 AS SMALLINT) AS turns FROM read_json('{folder}/made.json')) "
            f"TO '{path}' (FORMAT parquet)"
        )
    else:
        quoted = ['"' + cell.replace('"', '""') + '"' for row in ROWS for cell in row]
        lines = [",".join(quoted[i : i + 4]) for i in range(0, len(quoted), 4)]
        # No line end behind the last line, as spreadsheets leave it.
        path.write_bytes("\r\n".join(["case_id,question,label,stratum", *lines]).encode())
    (folder / "shipworthy.yaml").write_text(SPEC % path.name, "utf-8")
    (folder / "new.csv").write_text(NEW, "utf-8")
    return folder


def add(ship, folder, *words):
    return ship("golden", "add", folder / "new.csv", "--product", folder, *words)


def test_show_needs_no_verb_and_says_what_the_set_is(ship, tmp_path):
    folder = desk(tmp_path / "p")
    said = ship("golden", folder)
    assert said.code == 0
    for words in ("desk · 3 cases", "representative 2 2 ✓ random", "Must pass", "c2 curated edge"):
        assert words in said.flat
    assert ship("golden", "show", folder, "--json").json["counts"]["strata"] == {
        "representative": 2,
        "edge": 1,
    }


def test_a_word_that_is_no_verb_is_refused_with_the_nearest(ship):
    refused(ship("golden", "coverge"), 2, "no verb 'coverge'", "coverage")


def test_check_exits_with_one_where_something_is_wrong(ship, tmp_path):
    folder = desk(tmp_path / "p")
    assert ship("golden", "check", folder).code == 0
    text = (folder / "shipworthy.yaml").read_text("utf-8").replace("edge: 1}", "edge: 9}")
    (folder / "shipworthy.yaml").write_text(text, "utf-8")
    said = ship("golden", "check", folder)
    assert said.code == 1
    assert "The stratum 'edge' has 1 case, and the spec asks for 9: 8 further." in said.flat
    assert len(ship("golden", "check", folder, "--json").json["problems"]) == 1


def test_a_set_of_names_of_columns_alone_is_shown_with_what_to_do(ship, tmp_path):
    folder = desk(tmp_path / "p")
    (folder / "golden" / "cases.csv").write_text("case_id,question,label,stratum\n", "utf-8")
    (folder / "golden" / "to_write.csv").write_text("case_id,question\n", "utf-8")
    said = ship("golden", folder)
    assert said.code == 0
    for words in ("desk · 0 cases", "edge 0 1 1 short", "golden/to_write.csv", "shipworthy golden add"):
        assert words in said.flat
    assert ship("golden", "check", folder).code == 1
    assert ship("golden", "check", folder, "--json").json["to_do"]
    assert add(ship, folder, "--yes").code == 0
    assert "desk · 2 cases" in ship("golden", folder).flat


def test_two_files_are_compared_without_a_product(ship, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("old.csv").write_text("ticket,prompt,label\n1,a,yes\n2,b,no\n", "utf-8")
    Path("new.csv").write_text("id,prompt,label\n1,a,no\n2,b,no\n3,c,no\n", "utf-8")
    said = ship("golden", "diff", "old.csv", "new.csv")
    assert said.code == 0, said.err
    for words in ("1 added, 0 removed, 1 changed", "case_id ← ticket", "case_id ← id", "yes → no"):
        assert words in said.flat
    refused(ship("golden", "diff", "old.csv"), 2, "only one file", "--product")
    refused(ship("golden", "diff", "old.csv", "3f9c"), 2, "'3f9c' is no file", "--product")
    refused(ship("golden", "diff", "old.csv", "new.csv", "--product", "nowhere"), 2, "no spec")
    Path("new.csv").write_text("name,prompt\n1,a\n", "utf-8")
    refused(ship("golden", "diff", "old.csv", "new.csv"), 2, "tell its cases apart", "--product")


def test_help_shows_no_range_that_does_not_exist(ship):
    assert "None" not in ship("golden", "coverage", "--help").out


@pytest.mark.parametrize("verb", ["show", "check", "versions", "coverage", "duplicates", "diff"])
def test_every_verb_says_what_is_wrong_with_a_missing_or_empty_set(ship, tmp_path, verb):
    folder = desk(tmp_path / "p")
    (folder / "traffic.csv").write_text("stratum\nedge\n", "utf-8")
    place = [folder] if verb in ("show", "check") else ["--product", folder]
    words = {"coverage": ["--traffic", folder / "traffic.csv"], "diff": ["old"]}.get(verb, [])
    (folder / "golden" / "cases.csv").write_bytes(b"")
    refused(ship("golden", verb, *words, *place), 2, "empty")
    (folder / "golden" / "cases.csv").unlink()
    refused(ship("golden", verb, *words, *place), 2, "does not exist")


def test_hostile_text_is_shown_and_never_acts(ship, tmp_path):
    folder = desk(tmp_path / "p")
    evil = "\x1b[31m[bold red]x[/bold red]\u202e"
    lines = [{"case_id": f"e{i}{evil}", "question": evil, "label": evil, "stratum": "edge"} for i in range(2)]
    (folder / "golden" / "cases.jsonl").write_text("".join(json.dumps(r) + "\n" for r in lines), "utf-8")
    (folder / "shipworthy.yaml").write_text(SPEC % "cases.jsonl", "utf-8")
    for verb in ("show", "duplicates"):
        said = ship("golden", verb, *([folder] if verb == "show" else ["--product", folder]))
        assert said.code == 0
        assert "\x1b" not in said.out
        assert "\u202e" not in said.out
        assert "[bold red]" in said.out


# -- adding --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "parquet"])
def test_cases_are_added_behind_those_that_are_there_in_the_files_own_format(ship, tmp_path, form):
    folder = desk(tmp_path / "p", form)
    path = folder / "golden" / f"cases.{form}"
    before = path.read_bytes()
    said = add(ship, folder, "--stratum", "edge", "--yes", "--json")
    assert said.code == 0, said.err
    assert (said.json["new"], said.json["duplicates"], said.json["added"]) == (1, 1, 1)
    assert said.json["columns"]["question"] == "prompt"
    assert said.json["dropped"] == ["colour"]
    assert said.json["result"]["old_version"] != said.json["result"]["new_version"]
    if form in ("csv", "jsonl"):
        assert path.read_bytes().startswith(before)
    reader = {"csv": "read_csv", "parquet": "read_parquet"}.get(form, "read_json")
    options = ", all_varchar=true, header=true" if form == "csv" else ""
    rows = duckdb.sql(f"SELECT case_id, question, label, stratum FROM {reader}('{path}'{options})").fetchall()
    assert [tuple(part.replace("\r", "") for part in row) for row in rows] == [
        *ROWS,
        ("n1", "Reset my password", "yes", "edge"),
    ]
    if form == "parquet":
        types = dict(row[:2] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall())
        assert types["turns"] == "SMALLINT"
    diffed = ship("golden", "diff", said.json["version"][7:15], "--product", folder, "--json").json
    assert (diffed["counts"]["added"], diffed["counts"]["unchanged"]) == (1, 3)


def test_a_new_column_is_empty_for_the_cases_that_are_there(ship, tmp_path):
    folder = desk(tmp_path / "p")
    said = add(ship, folder, "--stratum", "edge", "--sampled", "incident", "--provenance", "real", "--yes")
    assert said.code == 0, said.err
    counts = ship("golden", folder, "--json").json["counts"]
    assert counts["sampled"] == {"random": 2, "curated": 1, "incident": 1}
    assert counts["provenance"] == {"real": 1}


def test_adding_the_same_file_twice_adds_nothing_the_second_time(ship, tmp_path):
    folder = desk(tmp_path / "p")
    assert add(ship, folder, "--yes").code == 0
    before = snapshot(folder / "golden")
    said = add(ship, folder, "--yes")
    assert said.code == 0
    assert "0 new cases, 2 there already" in said.flat
    assert snapshot(folder / "golden") == before


def test_contradictions_are_listed_and_left_out(ship, tmp_path):
    folder = desk(tmp_path / "p")
    rows = "case_id,question,label\nx,where is my parcel,no\nc1,Other text,no\n,,\n"
    (folder / "new.csv").write_text(rows, "utf-8")
    found = add(ship, folder, "--dry-run", "--json").json
    assert [(one["case_id"], one["with_case"]) for one in found["conflicts"]] == [("x", "c0"), ("c1", "c1")]
    assert "the same input with another label" in add(ship, folder, "--dry-run").flat


def test_rows_that_repeat_another_row_of_the_file_are_told_from_those_that_are_there(ship, tmp_path):
    folder = desk(tmp_path / "p")
    rows = "case_id,question,label\na,New one,yes\nb,new ONE,yes\nd,new one!,no\nc,Where is my parcel,yes\n"
    (folder / "new.csv").write_text(rows, "utf-8")
    said = add(ship, folder, "--dry-run")
    assert "4 rows read: 1 new case, 1 there already, 1 in conflict 1 row repeats another row" in said.flat
    assert "d has the same input with another label as a of the same file: yes first, no then" in said.flat


def test_people_who_look_alike_are_left_out_whatever_their_label_unless_they_are_kept(ship, tmp_path):
    folder = desk(tmp_path / "p")
    (folder / "golden" / "cases.csv").write_text("case_id,age,label\np0,30,yes\np1,40,no\n", "utf-8")
    rows = "case_id,age,label\np2,30,yes\np3,30,no\np4,50,no\np1,40,yes\n"
    (folder / "new.csv").write_text(rows, "utf-8")
    said = add(ship, folder, "--dry-run", "--json").json
    assert (said["new"], said["duplicates"]) == (1, 2)
    assert [one["what"] for one in said["conflicts"]] == ["the same id with another label"]
    assert any(note.startswith("2 of the file's cases equal") for note in said["notes"])
    kept = add(ship, folder, "--dry-run", "--keep-repeats", "--json").json
    assert (kept["new"], kept["duplicates"], len(kept["conflicts"])) == (3, 0, 1)


def test_nobody_to_ask_needs_yes_and_a_dry_run_writes_nothing(ship, tmp_path):
    folder = desk(tmp_path / "p")
    before = snapshot(folder)
    refused(add(ship, folder), 2, "Nobody is there", "--yes")
    refused(add(ship, folder, "--json"), 2, "--json cannot ask")
    assert "Reset my password" in add(ship, folder, "--dry-run").out
    assert snapshot(folder) == before


def test_review_steps_through_cases_one_by_one(ship, tmp_path, monkeypatch):
    folder = desk(tmp_path / "p")
    (folder / "new.csv").write_text("case_id,question\na,First\nb,Second\nc,Third\n", "utf-8")
    keys = iter("yxnq")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.getchar", lambda: next(keys))
    monkeypatch.setattr("click.confirm", lambda *_words, **_more: True)
    said = add(ship, folder, "--review")
    assert said.code == 0, said.err
    assert "Added 1 case" in said.flat
    assert b"First" in (folder / "golden" / "cases.csv").read_bytes()
    assert b"Second" not in (folder / "golden" / "cases.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--from-run", "candidate"], "both named"),
        (["--failures"], "speak of a run"),
        (["--sampled", "lottery"], "no way of sampling"),
        (["--stratum", "a\nb"], "no word"),
        (["--column", "nothing=prompt"], "no such column"),
        (["--column", "question=nothing"], "no such column"),
        (["--column", "question"], "no name=value"),
        (["--review", "--yes"], "asks about none"),
    ],
)
def test_impossible_calls_are_refused(ship, tmp_path, words, says):
    folder = desk(tmp_path / "p")
    before = snapshot(folder / "golden")
    refused(add(ship, folder, *words), 2, says)
    assert snapshot(folder / "golden") == before


def test_a_file_without_inputs_and_the_set_itself_are_refused(ship, tmp_path):
    folder = desk(tmp_path / "p")
    (folder / "new.csv").write_text("colour\nred\n", "utf-8")
    refused(add(ship, folder, "--yes"), 2, "no column for what makes up a case", "--column question=")
    refused(ship("golden", "add", folder / "golden" / "cases.csv", "--product", folder), 2, "itself")
    refused(ship("golden", "add", "--product", folder), 2, "Name what to add")
    refused(ship("golden", "add", folder / "no.csv", "--product", folder), 2, "does not exist")


def test_a_write_that_breaks_off_leaves_the_old_file(ship, tmp_path, monkeypatch):
    folder = desk(tmp_path / "p")
    before = (folder / "golden" / "cases.csv").read_bytes()

    def full(*_words):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shipworthy.golden.adding.os.fsync", full)
    said = add(ship, folder, "--yes")
    assert said.code == 3
    assert "No space left" in said.err
    assert {path.name for path in (folder / "golden").iterdir()} == {"cases.csv"}
    assert (folder / "golden" / "cases.csv").read_bytes() == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_named(ship, tmp_path):
    folder = desk(tmp_path / "p")
    (folder / "golden").chmod(0o500)
    try:
        refused(add(ship, folder, "--yes"), 2, "cannot be written to")
    finally:
        (folder / "golden").chmod(0o700)


def test_a_runs_failures_on_other_cases_become_cases(ship, tmp_path):
    folder = recorded(tmp_path / "p", n=40)
    said = ship("golden", "add", "--from-run", "candidate", "--failures", "--product", folder)
    refused(said, 2, "There is no run")
    assert ship("run", "candidate", "--product", folder).code == 0
    said = ship("golden", "add", "--from-run", "candidate", "--failures", "--product", folder)
    assert said.code == 0
    assert "the cases that it fails are in it already" in said.flat
    rows = [f"k{i},{'yes' if i % 2 else 'no'},l{i}" for i in range(10)]
    (folder / "confirm.csv").write_text("\n".join(["case_id,label,language", *rows, ""]), "utf-8")
    answers = [f"k{i},{'yes' if i % 2 and i > 2 else 'no'}" for i in range(10)]
    (folder / "confirmed.csv").write_text("\n".join(["case_id,prediction", *answers, ""]), "utf-8")
    spec = (folder / "shipworthy.yaml").read_text("utf-8")
    confirm = "confirm: {path: confirm.csv, recorded: {candidate: confirmed.csv, live: confirmed.csv}}"
    spec = spec.replace("positive: yes}", f"positive: yes, {confirm}}}")
    (folder / "shipworthy.yaml").write_text(spec, "utf-8")
    assert ship("run", "candidate", "--product", folder, "--confirm").code == 0
    words = ("golden", "add", "--from-run", "candidate", "--failures", "--product", folder, "--yes")
    said = ship(*words)
    assert said.code == 0, said.err
    assert "take them out of it" in said.flat
    lines = (folder / "golden" / "cases.csv").read_text("utf-8").splitlines()
    assert lines[0] == "case_id,label,language,stratum,sampled,provenance"
    assert lines[-1] == "k1,yes,l1,failure_replay,incident,incident"
    assert sum("failure_replay" in line for line in lines) == 1


def test_a_carriage_return_inside_a_cell_is_added_and_read_back(ship, tmp_path):
    (tmp_path / "cases.csv").write_text("case_id,input,label\na,first,x\n")
    (tmp_path / "shipworthy.yaml").write_text(
        """\
shipworthy: 1
id: p
kind: rag
decision: {prediction: a, action: [b], actor: c}
golden: {path: cases.csv, sampled: random}
gates: [good >= 80%]
"""
    )
    (tmp_path / "new.jsonl").write_text('{"case_id": "b", "input": "one\\rtwo", "label": "y"}\n')
    assert ship("golden", "add", tmp_path / "new.jsonl", "--product", tmp_path, "--yes").code == 0
    assert ship("golden", "show", tmp_path, "--json").json["counts"]["cases"] == 2
    (tmp_path / "nul.jsonl").write_text('{"case_id": "c", "input": "n\\u0000l", "label": "y"}\n')
    before = (tmp_path / "cases.csv").read_bytes()
    refused(ship("golden", "add", tmp_path / "nul.jsonl", "--product", tmp_path, "--yes"), 2, "NUL")
    assert (tmp_path / "cases.csv").read_bytes() == before
