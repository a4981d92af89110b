"""`shipworthy agreement` on real labels and on wrong files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

LABELS = "item,rater,label\n" + "".join(
    f"i{item},{rater},{(item + (item % 5 == 0 and rater == 'c')) % 2}\n"
    for item in range(20)
    for rater in "abc"
)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    file = tmp_path / "labels.csv"
    file.write_text(LABELS, encoding="utf-8")
    return file


def test_bluebirds_consensus_is_right_where_the_majority_is_not(
    ship: Any, real_data: Any, tmp_path: Path
) -> None:
    """Welinder et al. (2010): majority 75.93%, Dawid-Skene 89.81% of 108."""
    folder = real_data("bluebirds_crowd")
    said = ship("agreement", folder / "answers.csv", "--output", tmp_path / "consensus.csv")
    assert said.code == 0
    assert "108 items, 39 raters, 4,212 labels: 0 (2,615), 1 (1,597)" in said.out
    assert "on 15 items it differs from the majority" in said.out
    with (folder / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["question"]: row["truth"] for row in csv.DictReader(file)}
    rows = list(csv.DictReader((tmp_path / "consensus.csv").read_text("utf-8").splitlines()))
    assert sum(row["label"] == truth[row["item"]] for row in rows) == 97
    assert sum(row["majority"] == truth[row["item"]] for row in rows) == 82


def test_two_annotators_of_refusals_have_the_known_kappa(ship: Any, real_data: Any) -> None:
    file = real_data("xstest_refusals") / "completions_labelled.parquet"
    found = ship("agreement", file, "--raters", "annotation_1,annotation_2", "--json").json
    assert round(found["figures"]["agreeing pairs"]["value"], 3) == 0.964
    kappa = found["figures"]["Cohen's kappa"]
    assert round(kappa["value"], 3) == 0.937
    assert kappa["low"] < 0.925 < 0.945 < kappa["high"]
    assert found["consensus"] == []


def test_counts_of_classes_have_the_known_fleiss_kappa(ship: Any, real_data: Any) -> None:
    file = real_data("hate_offensive_crowd") / "labels.parquet"
    found = ship(
        "agreement", file, "--counts", "n_hate,n_offensive,n_neither", "--where", "n_raters=3", "--json"
    ).json
    assert round(found["figures"]["Fleiss' kappa"]["value"], 3) == 0.549
    assert found["raters"] is None
    assert found["classes"]["n_offensive"] == 50_283


def test_columns_are_found_by_their_names_and_wide_and_long_files_say_the_same(
    ship: Any, labels: Path, tmp_path: Path
) -> None:
    rows: dict[str, list[str]] = {}
    for line in LABELS.splitlines()[1:]:
        item, _rater, label = line.split(",")
        rows.setdefault(item, []).append(label)
    wide = tmp_path / "wide.csv"
    wide.write_text("a,b,c\n" + "".join(",".join(said) + "\n" for said in rows.values()), encoding="utf-8")
    long_said, wide_said = (
        ship("agreement", labels, "--json").json,
        ship("agreement", wide, "--raters", "a,b,c", "--json").json,
    )
    for name, figure in long_said["figures"].items():
        for end in ("value", "low", "high"):
            assert wide_said["figures"][name][end] == pytest.approx(figure[end]), name
    assert [part["agreement"] for part in long_said["skills"]] == [
        part["agreement"] for part in wide_said["skills"]
    ]


def test_a_missing_label_is_counted_and_left_out(ship: Any, tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    file.write_text("a,b\n" + "x,x\ny,x\nx,\ny,y\n" * 5, encoding="utf-8")
    said = ship("agreement", file, "--raters", "a,b")
    assert "5 labels missing" in said.out
    assert "5 items with one label only" in said.out


def test_raters_who_always_agree_get_no_interval(ship: Any, tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    file.write_text("a,b\n" + "x,x\ny,y\n" * 5, encoding="utf-8")
    assert (
        "1.000 (no interval: too few items, or nobody ever disagreed)"
        in ship("agreement", file, "--raters", "a,b").out
    )
    file.write_text("a,b\n" + "x,x\n" * 5, encoding="utf-8")
    assert "unknown: only one class occurs" in ship("agreement", file, "--raters", "a,b").out


def test_the_consensus_is_written_as_lines_of_json_too(ship: Any, labels: Path, tmp_path: Path) -> None:
    file = tmp_path / "consensus.jsonl"
    assert ship("agreement", labels, "--output", file).code == 0
    first = json.loads(file.read_text("utf-8").splitlines()[0])
    assert set(first) == {"item", "label", "chance", "majority", "labels"}


def test_classes_that_are_numbers_stand_by_number(ship: Any, tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    file.write_text("a,b\n" + "10,9\n2,2\n9,10\n10,10\n" * 5, encoding="utf-8")
    found = ship("agreement", file, "--raters", "a,b", "--level", "interval", "--json").json
    assert list(found["classes"]) == ["2", "9", "10"]
    assert found["figures"]["Krippendorff's alpha (interval)"]["value"] > 0.9


@pytest.mark.parametrize(
    ("words", "content", "expected"),
    [
        ([], "a,b\n1,2\n", "does not say who gave which label to what; it has a, b"),
        (["--rater", "wrker"], LABELS, "has no column 'wrker'"),
        (["--raters", "item"], LABELS, "'item' alone cannot agree"),
        (["--raters", "item,label", "--counts", "item,label"], LABELS, "only one of these fits a file"),
        (["--raters", "item,label", "--label", "label"], LABELS, "only one of these fits a file"),
        ([], LABELS + "i1,a,0\n", "Rater 'a' labels item 'i1' 2 times"),
        ([], LABELS + "i99,,0\n", "1 labels have no rater"),
        (["--where", "label=7"], LABELS, "There are no labels"),
        (
            ["--level", "ratio", "--raters", "a,b"],
            "a,b\nx,x\ny,x\n",
            "needs labels that are numbers, and 'x' is none",
        ),
        (["--counts", "a,b"], "a,b\n1,2\n0,1.5\n", "'b' is no whole number of 0 or more in 1 rows"),
        (["--raters", "a,b", "--output", "x.csv"], "a,b\nx,x\ny,x\n", "There is no consensus to write"),
        (["--output", "x.txt"], LABELS, "no kind of file that is written here"),
        (["--raters", "a,b"], "a,b\n" + "".join(f"{i},{i}\n" for i in range(201)), "201 distinct values"),
        (["--raters", "a,b"], "a,b\n", "There are no labels"),
    ],
)
def test_a_wrong_file_or_call_is_one_clear_error(
    ship: Any, tmp_path: Path, words: list[str], content: str, expected: str
) -> None:
    file = tmp_path / "file.csv"
    file.write_text(content, encoding="utf-8")
    said = ship("agreement", file, *words)
    assert said.code == 2
    assert expected in said.err
    assert "→" in said.err
