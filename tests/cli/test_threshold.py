"""Where to draw the line: costs, people, bands, and what can be promised."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from cli.shipping import refused
from shipworthy.stats.proportions import lower_bound

LOANS = """\
shipworthy: 1
id: loans
kind: classifier
decision: {{prediction: repays, action: [full_review, quick_review, approve], actor: desk}}
costs: {{currency: USD, false_positive: 4200, false_negative: 38, review: 22, volume_per_month: 10000}}
golden: {{path: cases.csv, sampled: random, columns: {{case_id: id, label: repaid}}, positive: "yes"}}
systems: {{candidate: {{recorded: cases.csv, columns: {{case_id: id, predicted_score: p}}, threshold: 0.5}}}}
slices: [channel]
gates: [accuracy >= 50%]
{more}
"""

BANDS = """\
routing:
  score: p
  owner: ana
  bands:
    - {to: 0.60, action: full_review, by: person}
    - {to: 0.95, action: quick_review, by: person}
    - {action: approve}
"""


def loans(folder: Path, more: str = "", rows: int = 4_000) -> Path:
    """Write calibrated chances of repaying on a grid of a hundredth, some of them exactly at 0.95."""
    rng = np.random.default_rng(8)
    scores = np.round(rng.beta(5, 1, rows), 2)
    with (folder / "cases.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "p", "repaid", "channel"])
        for at, score in enumerate(scores):
            repaid = "yes" if rng.random() < score else "no"
            writer.writerow([f"L{at}", f"{score:.2f}", repaid, "web" if at % 3 else "branch"])
    (folder / "shipworthy.yaml").write_text(LOANS.format(more=more))
    return folder


def scores_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    with (folder / "cases.csv").open() as file:
        rows = list(csv.DictReader(file))
    return np.array([float(row["p"]) for row in rows]), np.array([row["repaid"] == "yes" for row in rows])


# inventory.md N7 and A19: on ten thousand cases a month; a score of exactly 0.95 goes to one band only.
def test_bands_tile_the_scores_and_a_score_on_the_line_belongs_above_it(ship, tmp_path):
    said = ship("threshold", loans(tmp_path, BANDS), "--json")
    assert said.code == 0, said.err
    scores, repaid = scores_of(tmp_path)
    bands = said.json["bands"]
    counted = [(scores < 0.6).sum(), ((scores >= 0.6) & (scores < 0.95)).sum(), (scores >= 0.95).sum()]
    assert [band["part"]["cases"] for band in bands] == counted
    assert sum(band["part"]["share"] for band in bands) == pytest.approx(1)
    assert bands[2]["part"]["positives"] == pytest.approx(repaid[scores >= 0.95].mean())
    assert [band["by"] for band in bands] == ["person", "person", "system"]
    assert sum(band["a_day"] for band in bands) == pytest.approx(10_000 * 12 / 365.25)


def test_the_cheapest_line_costs_what_counting_says(ship, tmp_path):
    found = ship("threshold", loans(tmp_path), "--json").json
    scores, repaid = scores_of(tmp_path)
    lines = np.append(np.unique(scores), np.inf)
    costs = [(4200 * (~repaid & (scores >= line)) + 38 * (repaid & (scores < line))).mean() for line in lines]
    assert found["best"]["cost"] == pytest.approx(min(costs))
    low, high = map(float, found["best"]["alike"])
    assert low <= lines[int(np.argmin(costs))] + 0.01
    assert high >= lines[int(np.argmin(costs))] - 0.01


def test_perfect_reviewers_pay_up_to_a_line_near_0_995(ship, tmp_path):
    # t = 1 - 22 / 4,200 = 0.9948: of scores in hundredths only 1.00 lies above it.
    found = ship("threshold", loans(tmp_path), "--json").json
    # A line just above 0.99 treats every case alike.
    assert 0.99 < found["triage"]["high"] <= 1.0
    assert "Nobody measured it" in " ".join(found["notes"])


def test_reviewers_who_catch_little_are_asked_less(ship, tmp_path):
    product = loans(tmp_path)
    good = ship("threshold", product, "--clears", "100%", "--json").json["triage"]["reviewed"]
    poor = ship("threshold", product, "--clears", "8%", "--json").json["triage"]["reviewed"]
    assert poor < good


def test_people_have_only_so_much_time(ship, tmp_path):
    found = ship("threshold", loans(tmp_path), "--capacity", "30", "--json").json
    assert found["triage"]["reviewed"] * 10_000 * 12 / 365.25 <= 30 + 1e-6
    assert found["triage"]["reviewed"] > 0


def test_measured_guardrails_say_what_people_see(ship, tmp_path):
    guard = "guardrails: [{id: desk, stops: false_positive, tried: 40, caught: 30}]"
    found = ship("threshold", loans(tmp_path, guard), "--json").json
    assert found["reviewing"]["clears_negatives"] == 0.75
    assert "30 of 40" in " ".join(found["notes"])


def test_a_promise_holds_on_what_lies_above_its_line(ship, tmp_path):
    said = ship("threshold", loans(tmp_path), "--precision", "90%", "--json")
    [proven] = said.json["proven"]
    scores, repaid = scores_of(tmp_path)
    assert repaid[scores >= proven["line"]].mean() > 0.9
    assert proven["share"] == pytest.approx((scores >= proven["line"] - 1e-9).mean())
    words = ship("threshold", tmp_path, "--precision", "0.9").flat
    assert "at least 90% is right, at 95% confidence" in words
    # Every line between the two ends is proved by itself (Clopper-Pearson), and the next one beyond is not.
    for line in (proven["line"], proven["careful"]):
        acted = repaid[scores >= line - 1e-9]
        assert lower_bound(float(acted.sum()), float(len(acted)), 0.95) >= 0.9


def test_a_promise_says_beyond_which_line_nothing_is_proved(ship, tmp_path):
    product = loans(tmp_path, rows=300)
    [proven] = ship("threshold", product, "--precision", "90%", "--json").json["proven"]
    scores, repaid = scores_of(product)
    beyond = repaid[scores > proven["careful"] + 0.01]
    assert lower_bound(float(beyond.sum()), float(len(beyond)), 0.95) < 0.9
    assert "too few cases are left to prove anything" in ship("threshold", product, "--precision", "90%").flat


def test_what_cannot_be_proved_is_said(ship, tmp_path):
    said = ship("threshold", loans(tmp_path, rows=30), "--precision", "99%")
    assert "99% right is proved at no line on these cases" in said.flat


def test_lines_asked_for_are_shown_with_groups(ship, tmp_path):
    said = ship("threshold", loans(tmp_path), "--at", "0.6:0.95", "--by", "channel", "--json").json
    assert [part["low"] for part in said["asked"]] == [0, 0.6, 0.95]
    assert set(said["groups"]["channel"]) == {"web", "branch"}
    one = ship("threshold", tmp_path, "--at", "0.6", "--json").json
    scores, repaid = scores_of(tmp_path)
    assert one["asked_point"]["precision"] == pytest.approx(repaid[scores >= 0.6].mean())
    assert one["asked_point"]["recall"] == pytest.approx((scores >= 0.6)[repaid].mean())


def test_one_query_reads_the_rows(ship, tmp_path):
    from shipworthy.api.thresholds import ThresholdRequest, thresholds
    from shipworthy.tables.scans import scans_listed

    with scans_listed() as scans:
        thresholds(loans(tmp_path), ThresholdRequest(by=("channel",)))
    assert [scan.serves for scan in scans if "line" in scan.serves] == ["lines of the score"]


def test_a_conditions_cases_alone_are_looked_at(ship, tmp_path):
    found = ship("threshold", loans(tmp_path), "--on", "channel = branch", "--json").json
    assert found["cases"] == sum(1 for at in range(4_000) if at % 3 == 0)
    assert "channel" in found["population"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--at", "0.9:0.1"], "the first is lower"),
        (["--precision", "100%"], "strictly between 0 and 1"),
        (["--cleared", "1e-300"], "strictly between 0 and 1"),
        (["--review", "inf"], "--review is a number from 0 up"),
        (["--capacity", "nan"], "--capacity is a number from 0 up"),
        (["--precision", "0.9", "--confidence", "nan"], "--confidence lies between"),
        (["--system", "other"], "no system"),
        (["--by", "chanel"], "channel"),
        (["--on", "region = north"], "region"),
    ],
)
def test_wrong_input_is_refused_in_plain_words(ship, tmp_path, words, says):
    refused(ship("threshold", loans(tmp_path), *words), 2, says)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--at", "high", "'high' are no lines; write 0.6, or 0.6:0.95."),
        ("--precision", "120%", "'120%' is no share"),
        ("--finds", "-1", "'-1' is no share"),
    ],
)
def test_an_amount_that_is_none_is_refused(ship, tmp_path, option, value, says):
    said = ship("threshold", loans(tmp_path), option, value)
    assert said.code == 2
    assert says in said.err


def test_a_system_without_scores_has_no_line(ship, tmp_path):
    product = loans(tmp_path)
    text = (product / "shipworthy.yaml").read_text()
    text = text.replace(
        "columns: {case_id: id, predicted_score: p}, threshold: 0.5",
        "columns: {case_id: id, prediction: repaid}",
    )
    (product / "shipworthy.yaml").write_text(text)
    refused(ship("threshold", product), 2, "no column predicted_score")


def test_without_costs_rates_are_shown_and_nothing_is_priced(ship, tmp_path):
    product = loans(tmp_path)
    text = (product / "shipworthy.yaml").read_text()
    kept = [line for line in text.splitlines() if not line.startswith("costs")]
    (product / "shipworthy.yaml").write_text("\n".join(kept) + "\n")
    said = ship("threshold", product, "--at", "0.8")
    assert said.code == 0
    assert "Nothing is priced" in said.flat
    assert "precision" in said.flat


# us_census_employment_ma/README.md: accuracy 82.72% in 2015, where the predictions are cut at 0.5.
def test_the_census_classifier_is_right_as_often_as_its_readme_says(ship, real_data, tmp_path):
    file = real_data("us_census_employment_ma") / "reference.parquet"
    (tmp_path / "shipworthy.yaml").write_text(
        f"""\
shipworthy: 1
id: census
kind: classifier
decision: {{prediction: employed, action: [contact], actor: office}}
costs: {{false_positive: 1, false_negative: 1, volume_per_month: 1000}}
golden: {{path: {file}, sampled: random, columns: {{case_id: id, label: employed}}, positive: "1"}}
systems: {{candidate: {{recorded: {file}, columns: {{predicted_score: predicted_probability}}}}}}
gates: [accuracy >= 80%]
"""
    )
    found = ship("threshold", tmp_path, "--at", "0.5", "--json").json
    assert found["cases"] == 68_785
    assert found["positives"] == pytest.approx(0.4958, abs=5e-5)
    assert 1 - found["asked_point"]["cost"] == pytest.approx(0.8272, abs=2e-4)
    assert found["best"]["cost"] <= found["asked_point"]["cost"]


# Elkan (2001): at 4,200 for a false alarm and 38 for a miss the line lies at 4,200 / 4,238.
def test_the_line_that_the_costs_alone_would_draw_stands_beside(ship, tmp_path):
    assert ship("threshold", loans(tmp_path), "--json").json["by_costs"] == pytest.approx(4200 / 4238)
    assert "the costs alone would draw it at 0.991" in ship("threshold", tmp_path).flat
