"""Judges that others recorded, measured against people through the command line."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from shipworthy.stats.agreement import cohen_kappa

SPEC = """\
shipworthy: 1
id: judged
kind: generator
decision: {{prediction: answer, action: [show], actor: user}}
golden: {{path: answers.parquet, sampled: random}}
systems: {{candidate: {{recorded: answers.parquet}}}}
judges:
  - {{of: {of}, labels: people.parquet, sampled: {sampled}}}
gates:
  - "{rule}"
acceptances:
  - {{of: [failed, wrong], reason: a person looks, owner: ana}}
"""


def written(folder: Path, answers: str, people: str, **spec: str) -> Path:
    """Write a product whose answers and people's verdicts are two queries over recorded data."""
    for name, query in (("answers", answers), ("people", people)):
        duckdb.sql(query).write_parquet(str(folder / f"{name}.parquet"))
    (folder / "shipworthy.yaml").write_text(SPEC.format(**spec), encoding="utf-8")
    return folder


def judge_of(said: Any) -> dict[str, Any]:
    (gate,) = said.json["evidence"]["gates"]
    found: dict[str, Any] = gate["judge"]
    return found


def agreement(judge: dict[str, Any]) -> float:
    """Share of outputs on which judge and people agree: both rates, each weighted by its n."""
    rates = (judge["true_positive_rate"], judge["true_negative_rate"])
    return sum(rate["value"] * rate["n"] for rate in rates) / sum(rate["n"] for rate in rates)


def llmbar(folder: Path, data: Path, judge: str, subset: str) -> Path:
    """One row per verdict: does the judge prefer the first answer, and does the gold label?"""
    rows = (
        "SELECT item || CASE WHEN swapped THEN 'b' ELSE 'a' END AS case_id, "
        "CAST(item AS VARCHAR) AS cluster_id, CAST(winner = '1' AS INTEGER) AS first, "
        "CASE gold WHEN 1 THEN 'yes' ELSE 'no' END AS verdict "
        f"FROM '{data / 'verdicts.parquet'}' "
        f"WHERE strategy = 'Vanilla' AND judge = '{judge}' AND subset = '{subset}'"
    )
    return written(
        folder,
        f"SELECT case_id, cluster_id, first FROM ({rows})",
        f"SELECT case_id, verdict FROM ({rows})",
        of="first",
        sampled="other",
        rule="pass_rate(first) >= 10%",
    )


# README of the data set: GPT-4 agrees with the gold label in 95.5% on Natural, checked against its source.
def test_gpt_4_is_fit_to_judge_natural_answers(ship: Any, real_folder: Path, tmp_path: Path) -> None:
    folder = llmbar(tmp_path, real_folder / "llmbar_judges", "GPT-4", "Natural")
    said = ship("decide", "--product", folder, "--json")
    assert agreement(judge_of(said)) == pytest.approx(0.955)
    assert judge_of(said)["unfit"] == ""
    assert said.json["verdict"] == "ship"


# The same page: ChatGPT agrees in 19.4% on adversarial neighbours.
def test_chatgpt_is_refused_as_a_judge_of_adversarial_neighbours(
    ship: Any, real_folder: Path, tmp_path: Path
) -> None:
    folder = llmbar(tmp_path, real_folder / "llmbar_judges", "ChatGPT", "Adversarial-Neighbor")
    said = ship("decide", "--product", folder)
    assert said.code == 3
    assert "INVALID" in said.out
    assert (
        "the judge of first is unfit: 268 labelled outputs do not show it to be better than chance"
        in said.flat
    )
    kept = ship("decide", "--product", folder, "--json")
    assert agreement(judge_of(kept)) == pytest.approx(0.194, abs=5e-4)


REFUSED = "CAST({column} <> '1_full_compliance' AS INTEGER)"


def xstest(folder: Path, data: Path, column: str, labelled: str = "true") -> Path:
    """One row per answer of five systems: does the judge call it a refusal, and do people?"""
    source = f"'{data / 'completions_labelled.parquet'}'"
    return written(
        folder,
        f"SELECT system || ' ' || prompt_set || ' ' || id AS case_id, id AS cluster_id, "
        f"{REFUSED.format(column=column)} AS refused FROM {source}",
        f"SELECT system || ' ' || prompt_set || ' ' || id AS case_id, "
        f"{REFUSED.format(column='final_label')} AS verdict FROM {source} WHERE {labelled}",
        of="refused",
        sampled="random",
        rule="pass_rate(refused) >= 30%",
    )


# README of the data set: refusal yes or no, GPT-4 82.1% and string match 88.4%.
@pytest.mark.parametrize(("column", "percent"), [("gpt4_label", 82.1), ("strmatch_label", 88.4)])
def test_a_free_string_match_beats_gpt_4_at_seeing_refusals(
    ship: Any, real_folder: Path, tmp_path: Path, column: str, percent: float
) -> None:
    folder = xstest(tmp_path, real_folder / "xstest_refusals", column)
    judge = judge_of(ship("decide", "--product", folder, "--json"))
    assert round(100 * agreement(judge), 1) == percent
    assert judge["labelled"] == 2250


# The same page: two annotators, kappa 0.937.
def test_the_two_people_agree_with_kappa_0_937(real_folder: Path) -> None:
    source = real_folder / "xstest_refusals" / "completions_labelled.parquet"
    counted = duckdb.sql(
        f"SELECT annotation_1, annotation_2, count(*) FROM '{source}' GROUP BY 1, 2"
    ).fetchall()
    classes = sorted({name for row in counted for name in row[:2]})
    table = np.zeros((len(classes), len(classes)))
    for first, second, count in counted:
        table[classes.index(first), classes.index(second)] = count
    assert float(cohen_kappa(table)) == pytest.approx(0.937, abs=5e-4)


def test_three_hundred_labels_bring_the_string_match_to_the_human_rate(
    ship: Any, real_folder: Path, tmp_path: Path
) -> None:
    data = real_folder / "xstest_refusals"
    source = data / "completions_labelled.parquet"
    ids = [
        row[0]
        for row in duckdb.sql(
            f"SELECT system || ' ' || prompt_set || ' ' || id FROM '{source}' ORDER BY 1"
        ).fetchall()
    ]
    chosen = ", ".join(f"'{name}'" for name in random.Random(1).sample(ids, 300))
    folder = xstest(
        tmp_path, data, "strmatch_label", f"system || ' ' || prompt_set || ' ' || id IN ({chosen})"
    )
    (gate,) = ship("decide", "--product", folder, "--json").json["evidence"]["gates"]
    # People call 1,159 of the 2,250 answers a refusal (51.5%); string matching alone says 991 (44.0%).
    people, raw = 1159 / 2250, gate["judge"]["raw"]["value"]
    assert abs(raw - people) > 0.02
    assert gate["estimate"]["low"] < people < gate["estimate"]["high"]
    assert abs(gate["estimate"]["value"] - people) < abs(raw - people)
