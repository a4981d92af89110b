"""Every option of `check`, foreign files, and the spec that says the same."""

# ruff: noqa: E501 - specs and tables of cases are read line by line

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest

ROWS = [
    {
        "id": f"c{i}",
        "label": "yes" if i % 2 else "no",
        "prediction": "yes" if (i % 2) ^ (i % 20 == 0) else "no",
    }
    for i in range(400)
]
CHECKED = ("accuracy >= 80%", "--positive", "yes")


def as_csv(path: Path, rows: list[dict], delimiter: str = ",") -> Path:
    lines = [delimiter.join(rows[0])]
    lines += [delimiter.join("" if value is None else str(value) for value in row.values()) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def as_jsonl(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def renamed(rows: list[dict], **names: str) -> list[dict]:
    return [{names.get(key, key): value for key, value in row.items()} for row in rows]


def numbers(decision) -> list[tuple]:
    keys = ("rule", "lower", "upper", "bar", "needed_now", "successes")
    return [
        (gate["status"], gate["sentence"], gate["evidence"]["estimate"]["value"])
        + tuple(gate["evidence"][key] for key in keys)
        for gate in decision["gates"]
    ]


@pytest.fixture
def predictions(tmp_path):
    return as_csv(tmp_path / "predictions.csv", ROWS)


# -- files -----------------------------------------------------------------------------------------------------


def test_csv_tsv_jsonl_json_and_parquet_say_the_same(ship, tmp_path):
    files = [
        as_csv(tmp_path / "p.csv", ROWS),
        as_csv(tmp_path / "p.tsv", ROWS, "\t"),
        as_jsonl(tmp_path / "p.jsonl", ROWS),
        tmp_path / "p.json",
        tmp_path / "p.parquet",
    ]
    files[3].write_text(json.dumps(ROWS), encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT * FROM read_json('{files[2]}')) TO '{files[4]}' (FORMAT parquet)")
    said = [ship("check", file, *CHECKED, "--json") for file in files]
    assert {result.code for result in said} == {1}
    assert len({str(numbers(result.json)) for result in said}) == 1


def test_rows_without_ids_are_judged_by_their_place(ship, tmp_path):
    rows = [{key: value for key, value in row.items() if key != "id"} for row in ROWS]
    said = ship("check", as_csv(tmp_path / "p.csv", rows), *CHECKED, "--json")
    assert said.json["evidence"]["subject"]["cases"] == 400
    assert said.json["understood"]["case_id"] == "#row"


def test_rows_without_ids_cannot_be_paired_and_the_message_says_what_to_do(ship, tmp_path):
    rows = [{key: value for key, value in row.items() if key != "id"} for row in ROWS]
    file = as_csv(tmp_path / "p.csv", rows)
    said = ship("check", file, *CHECKED, "--live", file)
    assert said.code == 2
    assert "→" in said.err
    assert "--id" in said.err


@pytest.mark.parametrize(
    "names",
    [
        {"label": "y_true", "prediction": "y_pred"},
        {"label": "y", "prediction": "predicted"},
        {"label": "Target", "prediction": "Prediction", "id": "ID"},
        {"label": "ground_truth", "prediction": "prediction", "id": "question_id"},
    ],
)
def test_foreign_names_are_guessed_and_said(ship, tmp_path, names):
    said = ship("check", as_csv(tmp_path / "p.csv", renamed(ROWS, **names)), *CHECKED, "--json")
    assert said.json["gates"][0]["status"] == "met"
    assert said.json["understood"]["label"] == names["label"]
    text = ship("check", as_csv(tmp_path / "q.csv", renamed(ROWS, **names)), *CHECKED)
    assert f"label = {names['label']}" in text.err


def test_columns_are_named_by_options(ship, tmp_path):
    rows = renamed(ROWS, id="a", label="b", prediction="c")
    file = as_csv(tmp_path / "p.csv", rows)
    said = ship("check", file, *CHECKED, "--id", "a", "--label", "b", "--prediction", "c", "--json")
    assert said.json["gates"][0]["status"] == "met"
    assert said.json["understood"] == {"case_id": "a", "label": "b", "prediction": "c"}


def test_the_same_column_by_role_option_and_by_its_own_option(ship, predictions):
    said = ship("check", predictions, *CHECKED, "--column", "label=label", "--column", "case_id=id", "--json")
    assert said.json["gates"][0]["status"] == "met"


# -- options ------------------------------------------------------------------------------------------------------


def test_a_score_and_a_threshold_stand_in_for_a_prediction(ship, tmp_path):
    rows = [{"id": i, "label": int(i % 2), "risk": 0.9 if i % 2 else 0.2} for i in range(400)]
    file = as_csv(tmp_path / "p.csv", rows)
    said = ship(
        "check", file, "recall >= 0.95", "--score", "risk", "--threshold", "0.5", "--positive", "1", "--json"
    )
    assert said.json["gates"][0]["evidence"]["estimate"]["value"] == 1.0
    assert ship("check", file, "auc >= 0.9", "--score", "risk", "--positive", "1").code in (0, 1)


def test_a_score_without_a_threshold_is_no_prediction_and_nothing_is_called_a_miss(ship, tmp_path):
    rows = [{"id": i, "label": int(i % 2), "risk": 0.9 if i % 2 else 0.2} for i in range(400)]
    file = as_csv(tmp_path / "p.csv", rows)
    said = ship("check", file, "recall >= 0.95", "--score", "risk", "--positive", "1", "--json")
    assert said.json["gates"][0]["status"] == "not_measured"
    assert said.json["coverage"] == []


def test_foreign_grades_are_mapped(ship, tmp_path):
    rows = [{"id": i, "mark": "pass" if i % 10 else "fail"} for i in range(400)]
    file = as_csv(tmp_path / "g.csv", rows)
    words = ("--grade-column", "mark", "--grade", "pass=good", "--grade", "fail=poor")
    said = ship("check", file, "good >= 80%", *words, "--accept", "poor: rewritten by hand (ana)", "--json")
    assert said.code == 0
    assert said.json["gates"][0]["evidence"]["estimate"]["value"] == 0.9


def test_repeats_and_clusters_widen_the_interval(ship, tmp_path):
    rows = [{"row": i, "case": i // 4, "try": i % 4, "correct": int(i // 4 % 2)} for i in range(400)]
    file = as_csv(tmp_path / "r.csv", rows)
    alone = ship("check", file, "accuracy >= 40%", "--id", "row", "--json").json
    words = ("--id", "case", "--repeat", "try")
    repeated = ship("check", file, "accuracy >= 40%", *words, "--json").json
    clustered = ship("check", file, "accuracy >= 40%", "--id", "row", "--cluster", "case", "--json").json

    def width(decision) -> float:
        gate = decision["gates"][0]["evidence"]
        return gate["upper"] - gate["lower"]

    assert width(repeated) > 1.5 * width(alone)
    assert width(clustered) > 1.5 * width(alone)


def test_latency_is_read_from_a_named_column(ship, tmp_path):
    rows = [{"id": i, "grade": "good", "took": 10 + i % 50} for i in range(400)]
    file = as_csv(tmp_path / "l.csv", rows)
    said = ship("check", file, "latency_p95_ms <= 100", "--latency", "took", "--json")
    assert said.json["gates"][0]["status"] == "met"


def test_where_picks_one_systems_rows_and_live_where_the_others(ship, tmp_path):
    rows = [{"id": i, "system": s, "correct": int(i % 10 > 0 or s == "b")} for i in range(300) for s in "ab"]
    file = as_csv(tmp_path / "two.csv", rows)
    words = ("--where", "system=b", "--live", file, "--live-where", "system=a")
    said = ship("check", file, "accuracy >= 80%", "delta(accuracy, live) > 0", *words, "--json")
    (comparison,) = said.json["evidence"]["comparisons"]
    assert (comparison["fixed"], comparison["broke"]) == (30, 0)
    assert said.json["gates"][1]["status"] == "met"


def test_live_and_baselines_may_name_their_columns_differently(ship, tmp_path, predictions):
    live = as_csv(
        tmp_path / "live.csv", renamed([{**row, "prediction": "no"} for row in ROWS], prediction="y_pred")
    )
    rule = as_csv(
        tmp_path / "rule.csv", renamed([{**row, "prediction": "yes"} for row in ROWS], id="case_id")
    )
    words = ("--live", live, "--baseline", f"always={rule}")
    said = ship(
        "check", predictions, "delta(accuracy, live) > 0", "delta(accuracy, always) > 0", *CHECKED, *words
    )
    assert said.flat.count("✓ met") == 3
    assert "against live" in said.flat
    assert "against always" in said.flat


def test_a_scorer_compares_output_and_label(ship, tmp_path):
    rows = [{"id": i, "label": i, "output": i + (0 if i % 10 else 0.4)} for i in range(400)]
    file = as_csv(tmp_path / "o.csv", rows)
    said = ship("check", file, "correct >= 80%", "--scorer", "numeric", "--json")
    assert said.json["gates"][0]["evidence"]["estimate"]["value"] == pytest.approx(0.9)


def test_slices_kind_confidence_sampling_and_money_reach_the_decision(ship, tmp_path):
    rows = [{**row, "language": "en" if i % 3 else "de"} for i, row in enumerate(ROWS)]
    file = as_csv(tmp_path / "p.csv", rows)
    words = (
        "--slice", "language", "--kind", "detector", "--confidence", "0.99", "--sampled", "random",
        "--cost", "false_positive=$40", "--cost", "false_negative=1,000", "--value", "true_positive=5",
        "--review", "2", "--volume", "5000", "--currency", "EUR",
    )  # fmt: skip
    decision = ship("check", file, *CHECKED, *words, "--json").json
    assert {part["column"] for part in decision["evidence"]["slices"]} == {"language"}
    assert decision["evidence"]["kind"] == "detector"
    assert decision["gates"][0]["evidence"]["confidence"] == 0.99
    assert decision["evidence"]["sampled"] == "random"
    assert decision["evidence"]["money"]["currency"] == "EUR"
    assert decision["evidence"]["money"]["volume_per_month"] == 5000


def test_every_output_format_is_written(ship, tmp_path, predictions):
    places = {name: tmp_path / "deep" / f"record.{name}" for name in ("html", "md", "xml")}
    words = ("--html", places["html"], "--markdown", places["md"], "--junit", places["xml"])
    assert ship("check", predictions, *CHECKED, *words).code == 1
    html = places["html"].read_text(encoding="utf-8")
    assert "<script" not in html.lower()
    assert not re.search(r"""(src|href)=["']?https?:""", html)
    assert places["md"].read_text(encoding="utf-8").startswith("#")
    assert ElementTree.parse(places["xml"]).getroot() is not None  # noqa: S314


# -- the spec that says the same --------------------------------------------------------------------------------------


def test_the_written_spec_is_judged_to_the_same_numbers(ship, tmp_path, predictions):
    live = as_csv(
        tmp_path / "live.csv", renamed([{**row, "prediction": "no"} for row in ROWS], prediction="y_pred")
    )
    words = (
        *CHECKED, "delta(expected_cost, live) < 0", "ratio(recall, half) <= 1.25",
        "--live", live, "--cost", "false_positive=40", "--cost", "false_negative=400", "--volume", "1000",
        "--confidence", "0.9", "--guardrail", "false_positive 19/20", "--accept", "false_negative: seen: fine (ana)",
        "--slice", "half",
    )  # fmt: skip
    rows = [{**row, "half": "odd" if i // 2 % 2 else "even"} for i, row in enumerate(ROWS)]
    as_csv(predictions, rows)
    checked = ship("check", predictions, *words, "--write-spec", tmp_path / "product", "--json")
    decided = ship("decide", "--product", tmp_path / "product", "--json")
    assert checked.code == decided.code
    assert checked.json["verdict"] == decided.json["verdict"]
    assert numbers(checked.json) == numbers(decided.json)
    assert (tmp_path / "product" / "shipworthy.yaml").read_text(encoding="utf-8").count("40") >= 1


def test_a_written_spec_is_never_overwritten(ship, tmp_path, predictions):
    place = tmp_path / "mine.yaml"
    place.write_text("precious", encoding="utf-8")
    said = ship("check", predictions, *CHECKED, "--write-spec", place)
    assert said.code == 2
    assert "→" in said.err
    assert place.read_text(encoding="utf-8") == "precious"


def test_rows_without_ids_also_have_a_spec_that_says_the_same(ship, tmp_path):
    rows = [{key: value for key, value in row.items() if key != "id"} for row in ROWS]
    file = as_csv(tmp_path / "p.csv", rows)
    checked = ship("check", file, *CHECKED, "--write-spec", tmp_path / "product", "--json")
    decided = ship("decide", "--product", tmp_path / "product", "--json")
    assert numbers(checked.json) == numbers(decided.json)


def test_without_write_spec_the_last_line_offers_it(ship, predictions):
    assert "--write-spec" in ship("check", predictions, *CHECKED).err
