"""`shipworthy lint`: findings with line and fix, three formats, exit codes, and what absent data means."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.shipping import refused, snapshot
from shipworthy.define.scaffold import write_product
from shipworthy.define.spec import KINDS

#: A spec whose routing came from one sentence: below 0.6 a person looks, from 0.95 on it is approved.
ROUTED = """shipworthy: 1
id: loans
kind: classifier
decision: {prediction: repays, action: [review, approve], actor: underwriters}
golden: {path: golden.csv, sampled: random, positive: yes}
routing:
  score: predicted_score
  bands:
    - {to: 0.6, action: review, by: person}
    - {from: 0.95, action: approve}
gates:
  - {id: g_leak, rule: fpr <= 1%}
"""


@pytest.fixture
def product(tmp_path: Path) -> Path:
    (tmp_path / "shipworthy.yaml").write_text(ROUTED, encoding="utf-8")
    rows = [f"c{index},{'yes' if index % 2 else 'no'}" for index in range(400)]
    (tmp_path / "golden.csv").write_text("\n".join(["case_id,label", *rows]) + "\n", encoding="utf-8")
    return tmp_path


def found(said):
    return {one["code"]: one for one in said.json["findings"]}


def test_routing_from_one_sentence_has_a_gap(ship, product):
    said = ship("lint", product)
    assert said.code == 1
    assert "SW501" in said.out
    assert "shipworthy.yaml:10" in said.out
    assert "No band holds the scores from 0.6 to 0.95." in said.flat
    assert "Scores between two bands do occur" in said.flat
    assert "- {from: 0.6" in said.flat


def test_a_gate_that_its_golden_set_can_never_prove_is_an_error(ship, product):
    one = found(ship("lint", product, "--json"))["SW301"]
    assert (one["severity"], one["line"], one["id"]) == ("error", 12, "g_leak")
    assert "200" in one["what"]
    assert "299" in one["what"]


def test_absent_data_is_named_and_the_rest_is_checked(ship, product):
    (product / "golden.csv").unlink()
    said = ship("lint", product, "--json")
    assert "SW501" in found(said)
    assert found(said)["SW002"]["severity"] == "info"
    blind = {one["because"]: one["rules"] for one in said.json["not_looked_at"]}
    assert any(
        "golden set cannot be read" in because and "SW603" in rules for because, rules in blind.items()
    )
    text = ship("lint", product).flat
    assert "Could not look:" in text
    assert "There is no run yet." in text


def test_a_mended_spec_passes(ship, product):
    text = ROUTED.replace("from: 0.95", "from: 0.6").replace("fpr <= 1%", "fpr <= 10%, expect: 0.04")
    (product / "shipworthy.yaml").write_text(text, encoding="utf-8")
    said = ship("lint", product)
    assert said.code == 0, said.out
    assert "rules asked at level judge" in said.out


def test_warnings_fail_only_when_asked_to(ship, product):
    text = ROUTED.replace("from: 0.95", "from: 0.6").replace("fpr <= 1%", "fpr <= 10%, expect: 0.09")
    (product / "shipworthy.yaml").write_text(text, encoding="utf-8")
    assert ship("lint", product).code == 0
    assert ship("lint", product, "--strict").code == 1


def test_a_higher_level_shows_what_growing_takes(ship, product):
    less, more = ship("lint", product, "--json"), ship("lint", product, "--level", "launch", "--json")
    assert "SW103" not in found(less)
    assert found(more)["SW103"]["fix"].startswith("problem:")
    assert more.json["level"] == "launch"


def test_sarif_goes_to_standard_output_and_keeps_the_exit_code(ship, product):
    said = ship("lint", product, "--sarif")
    assert said.code == 1
    [run] = said.json["runs"]
    places = [one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in run["results"]]
    assert 10 in places
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} >= {"SW501", "SW301"}


def test_nothing_is_written(ship, product):
    before = snapshot(product)
    ship("lint", product)
    assert snapshot(product) == before


def test_a_rule_is_explained(ship):
    said = ship("lint", "--explain", "sw301")
    assert said.code == 0
    assert said.out.startswith("SW301  error")
    assert "299" in said.out
    assert ship("lint", "--explain", "SW301", "--json").json["why"]


def test_an_unknown_rule_gets_the_nearest(ship):
    refused(ship("lint", "--explain", "SW3O1"), 2, "SW3O1", "Did you mean")


def test_all_rules_are_listed(ship):
    said = ship("lint", "--rules")
    listed = ship("lint", "--rules", "--json").json
    assert len(listed) > 100
    assert all(one["code"] in said.out for one in listed)


def test_two_formats_at_once_are_refused(ship, product):
    refused(ship("lint", product, "--json", "--sarif"), 2, "--json", "Keep one")


def test_a_spec_that_cannot_be_read_is_no_finding(ship, tmp_path):
    refused(ship("lint", tmp_path), 2, "no spec", "shipworthy init")


def test_hostile_words_cannot_act_on_the_terminal(ship, product):
    text = ROUTED.replace("action: [review, approve]", 'action: ["\\e[31mred", approve]')
    (product / "shipworthy.yaml").write_text(text, encoding="utf-8")
    said = ship("lint", product)
    assert "SW105" in said.out
    assert "\x1b[31mred" not in said.out


def test_markup_in_a_spec_is_printed_as_it_is(ship, product):
    text = ROUTED.replace("action: [review, approve]", 'action: ["[bold]x[/bold]", approve]')
    (product / "shipworthy.yaml").write_text(text, encoding="utf-8")
    assert "[bold]x[/bold]" in ship("lint", product).out


@pytest.mark.parametrize("kind", KINDS)
def test_every_template_is_without_error(ship, tmp_path, kind):
    write_product(tmp_path / kind, kind=kind)
    said = ship("lint", tmp_path / kind, "--json")
    assert [one["what"] for one in said.json["findings"] if one["severity"] == "error"] == []


@pytest.mark.parametrize("name", ["screening", "docs_assistant"])
def test_every_bundled_product_is_without_error(ship, name):
    import shipworthy.demo

    said = ship("lint", Path(shipworthy.demo.__file__).parent / name, "--json")
    assert said.json["errors"] == 0


def test_a_snippet_is_never_broken_by_a_narrow_terminal(product):
    said = subprocess.run(
        [sys.executable, "-m", "shipworthy", "lint", str(product)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "40"},
    )
    assert "          - {from: 0.6, to: 1, action: approve}" in said.stdout.splitlines()


def test_a_file_of_another_version_without_strata_and_with_scores_only_is_found_out(ship, product):
    text = ROUTED.replace("positive: yes", 'version: "sha256:abc", strata: {representative: 100}')
    text += "systems: {candidate: {recorded: scores.csv}}\n"
    (product / "shipworthy.yaml").write_text(text, encoding="utf-8")
    rows = [f"c{index},{'late' if index % 2 else 'paid'}" for index in range(400)]
    (product / "golden.csv").write_text("\n".join(["case_id,label", *rows]) + "\n", encoding="utf-8")
    scores = [f"c{index},0.{index % 10}" for index in range(400)]
    (product / "scores.csv").write_text(
        "\n".join(["case_id,predicted_score", *scores]) + "\n", encoding="utf-8"
    )
    one = found(ship("lint", product, "--json"))
    assert "it has case_id, label" in one["SW315"]["what"]
    assert "pins sha256:abc" in one["SW316"]["what"]
    assert "labels: late, paid" in one["SW317"]["what"]
    assert one["SW318"]["id"] == "candidate"


def test_a_common_name_of_a_metric_gets_ours(ship, product):
    text = ROUTED.replace("fpr <= 1%", "false_positive_rate <= 1%")
    (product / "shipworthy.yaml").write_text(text, encoding="utf-8")
    assert "Did you mean 'fpr'?" in found(ship("lint", product, "--json"))["SW506"]["fix"]


def test_missing_keys_are_printed_once_more_in_one_piece(ship, product):
    said = ship("lint", product, "--level", "launch")
    assert "→ for example:" in said.out
    piece = said.out.split("All missing keys in one piece")[1].split("Could not look:")[0]
    assert piece.count("owners:") == 1
    assert {"product: Ana", "ml: Ben"} <= {line.strip() for line in piece.splitlines()}
