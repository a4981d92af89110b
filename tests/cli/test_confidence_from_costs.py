"""A gate whose confidence follows from what a wrong ship and a wrong hold cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.shipping import recorded, refused
from shipworthy.records import Estimate, GateEvidence, plain, rebuild
from shipworthy.stats.ship_or_hold import implied_confidence

FROM_COSTS = "  - {rule: accuracy >= 93%, confidence: from_costs}"
EVIDENCE = GateEvidence(
    "g", "good >= 80%", "good", "at_least", False, 0.8, Estimate(0.9, n=50), 0.8, 0.95, 0.95, "exact", "all"
)
COSTS = "costs: {currency: USD, wrong_ship: 3000, wrong_hold: 1000, review: 2}\n"


def write(product: Path, gates: str, costs: str = COSTS, *, n: int = 200) -> None:
    """Write a product of whose every 20 cases the candidate has one wrong."""
    recorded(product, n=n, gates=gates)
    spec = product / "shipworthy.yaml"
    text = spec.read_text(encoding="utf-8")
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("costs:"))
    spec.write_text(f"{kept}\n{costs}", encoding="utf-8")


def gate_of(ship, product: Path):
    return ship("decide", "--product", product, "--json").json["gates"][0]


def test_the_gate_takes_the_confidence_at_which_both_errors_lose_the_same(ship, tmp_path):
    write(tmp_path / "p", FROM_COSTS)
    found = gate_of(ship, tmp_path / "p")["evidence"]
    assert found["confidence"] == found["implied_confidence"] == pytest.approx(implied_confidence(3, 1))
    assert found["from_costs"]
    assert found["bound_method"].endswith(", balanced")


def test_it_is_met_where_95_percent_proves_nothing_and_every_record_says_at_which_confidence(ship, tmp_path):
    stated, derived = tmp_path / "stated", tmp_path / "derived"
    write(stated, "  - accuracy >= 93%")
    write(derived, FROM_COSTS)
    assert gate_of(ship, stated)["status"] == "not_proven"
    assert gate_of(ship, derived)["status"] == "met"
    for product, words in (
        (stated, "95% confidence (the costs imply 66.9%)"),
        (derived, "66.9% confidence, from the costs"),
    ):
        html, markdown = product / "record.html", product / "record.md"
        ship("report", "--product", product, "--html", html, "--markdown", markdown)
        assert words in html.read_text("utf-8")
        assert words in markdown.read_text("utf-8")
        assert words in ship("decide", "--product", product).flat


def test_no_implied_confidence_is_shown_where_no_cost_is_stated(ship, tmp_path):
    write(tmp_path / "p", "  - accuracy >= 93%", costs="costs: {currency: USD, wrong_ship: 3000}\n")
    assert gate_of(ship, tmp_path / "p")["evidence"]["implied_confidence"] is None
    html = tmp_path / "record.html"
    ship("report", "--product", tmp_path / "p", "--html", html)
    assert "costs imply" not in html.read_text("utf-8")


@pytest.mark.parametrize(
    ("costs", "missing"),
    [("", "no wrong_ship and no wrong_hold"), ("costs: {wrong_hold: 10}\n", "no wrong_ship.")],
)
def test_costs_that_state_no_losses_are_refused_with_file_and_line(ship, tmp_path, costs, missing):
    write(tmp_path / "p", FROM_COSTS, costs)
    said = ship("decide", "--product", tmp_path / "p")
    assert said.code == 2
    assert missing in " ".join(said.err.split())
    lines = (tmp_path / "p" / "shipworthy.yaml").read_text("utf-8").splitlines()
    at = next(number for number, line in enumerate(lines, 1) if "from_costs" in line)
    assert f"shipworthy.yaml:{at}" in said.err


def test_a_word_that_is_no_confidence_is_refused(ship, tmp_path):
    write(tmp_path / "p", "  - {rule: accuracy >= 93%, confidence: high}")
    refused(ship("decide", "--product", tmp_path / "p"), 2, "'high' is no confidence", "from_costs")


@pytest.mark.parametrize("wrong", [0, -5])
def test_a_loss_must_be_above_0(ship, tmp_path, wrong):
    write(tmp_path / "p", FROM_COSTS, f"costs: {{wrong_ship: {wrong}, wrong_hold: 1}}\n")
    assert ship("decide", "--product", tmp_path / "p").code == 2


def test_a_gate_that_bounds_a_launch_blocker_never_falls_under_95_percent(ship, tmp_path):
    blocker = "failure_modes: [{id: blunder, what: wrong, severity: blocker, gate: sure, owner: Ana}]\n"
    write(tmp_path / "p", "  - {id: sure, rule: accuracy >= 93%, confidence: from_costs}", COSTS + blocker)
    found = gate_of(ship, tmp_path / "p")
    assert found["status"] == "not_proven"
    assert found["evidence"]["confidence"] == found["evidence"]["implied_confidence"] == 0.95
    assert not found["evidence"]["from_costs"]
    assert not found["evidence"]["bound_method"].endswith("balanced")


def test_looking_again_judges_all_that_was_seen_at_the_same_confidence(ship, tmp_path):
    product = tmp_path / "p"
    write(product, FROM_COSTS, n=60)
    gate_of(ship, product)
    write(product, FROM_COSTS, n=400)
    again = gate_of(ship, product)
    assert again["earlier_looks"] == 1
    assert not again["evidence"]["over_looks"]
    assert again["evidence"]["confidence"] == pytest.approx(implied_confidence(3, 1))


def test_a_decision_from_costs_verifies(ship, tmp_path):
    write(tmp_path / "p", FROM_COSTS)
    gate_of(ship, tmp_path / "p")
    assert ship("verify", "--product", tmp_path / "p").code == 0


def test_a_decision_made_before_costs_implied_a_confidence_still_reads_as_one_without():
    known = plain(EVIDENCE)
    older = {name: value for name, value in known.items() if name not in ("implied_confidence", "from_costs")}
    assert plain(rebuild(GateEvidence, older)) == known


def test_waiting_says_how_many_labels_pay_and_which_exposure_is_cheaper(ship, tmp_path):
    write(tmp_path / "p", "  - accuracy >= 93%")
    waiting = ship("decide", "--product", tmp_path / "p", "--json").json["waiting"]
    assert waiting["best_labels"] > 0
    assert waiting["cost_of_waiting"] == pytest.approx(1000 * 2)
    assert 0 < waiting["exposure"] < 1
    words = " ".join(waiting["sentences"])
    assert "would pay best" in words
    assert "cheaper than waiting" in words
