"""What decides: the order of verdicts, the answers of gates, what stands around harm, and trying again."""

# ruff: noqa: E501 - specs and tables of cases are read line by line

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from cli.shipping import function_product, recorded, refused
from shipworthy.decide.gates import judge_gate, status_of
from shipworthy.decide.verdict import ORDER, Situation, reach_verdict
from shipworthy.records import (
    Coverage,
    Denominator,
    Estimate,
    Evidence,
    GateEvidence,
    GateStatus,
    RunPins,
    Verdict,
)


def gate(low=None, high=None, *, value=0.5, bar=0.8, better="at_least", strict=False, **more) -> GateEvidence:
    return GateEvidence(
        "g", "rule", "good", better, strict, bar, Estimate(value, low, high, 100, "share"), low, high, 0.95,
        "exact", "all cases", **more,
    )  # fmt: skip


# -- the answer of one gate -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("better", "strict", "low", "high", "status"),
    [
        ("at_least", False, 0.81, 0.9, "met"),
        ("at_least", False, 0.8, 0.9, "met"),
        ("at_least", True, 0.8, 0.9, "not_proven"),
        ("at_least", True, 0.8001, 0.9, "met"),
        ("at_least", False, 0.7, 0.9, "not_proven"),
        ("at_least", False, 0.7, 0.8, "not_proven"),
        ("at_least", True, 0.7, 0.79, "not_met"),
        ("at_least", False, 0.7, 0.79, "not_met"),
        ("at_most", False, 0.7, 0.8, "met"),
        ("at_most", True, 0.7, 0.8, "not_proven"),
        ("at_most", True, 0.7, 0.7999, "met"),
        ("at_most", False, 0.8, 0.9, "not_proven"),
        ("at_most", False, 0.81, 0.9, "not_met"),
        ("at_most", False, 0.7, 0.9, "not_proven"),
        ("at_least", False, None, None, "not_proven"),
        ("at_most", False, None, None, "not_proven"),
    ],
)
def test_a_gate_is_met_only_when_its_bound_is_on_the_right_side_and_a_tie_suffices_unless_strict(
    better, strict, low, high, status
):
    assert status_of(gate(low, high, better=better, strict=strict)).value == status


def test_a_tie_that_differs_only_in_floating_point_is_a_tie():
    third = 0.1 + 0.2
    assert status_of(gate(0.3, 0.9, bar=third)) is GateStatus.met
    assert status_of(gate(third, 0.9, bar=0.3, strict=True)) is GateStatus.not_proven


def test_a_gate_without_a_value_is_not_measured_whatever_its_bounds():
    unknown = replace(gate(0.9, 0.95), estimate=Estimate.unknown_because("there is no column"))
    assert status_of(unknown) is GateStatus.not_measured


def test_unscored_rows_that_could_turn_an_answer_are_said_in_both_directions():
    def could(**more) -> bool:
        return judge_gate(
            gate(0.81, 0.9, unscored=3, **more), blocking=True, owner=None, currency=""
        ).unscored_could_change

    assert could(worst_lower=0.79, worst_upper=0.9, best_lower=0.82, best_upper=0.91)
    assert not could(worst_lower=0.801, worst_upper=0.9, best_lower=0.82, best_upper=0.91)
    low = judge_gate(
        gate(0.7, 0.79, unscored=3, worst_lower=0.69, worst_upper=0.78, best_lower=0.72, best_upper=0.81),
        blocking=True, owner=None, currency="",
    )  # fmt: skip
    assert low.status is GateStatus.not_met
    assert low.unscored_could_change


# -- the order of verdicts ----------------------------------------------------------------------------------------

PINS = RunPins("r", "candidate", "g", "s", "h", 100, {}, Denominator(100, 100, 0, 0))
BOUNDS = {
    "met": (0.81, 0.9),
    "not_met": (0.6, 0.7),
    "not_proven": (0.7, 0.9),
    "not_measured": (None, None),
}


def situation(*statuses: str, role="candidate", invalid=(), advisory=(), coverage=()) -> Situation:
    gates = []
    for index, status in enumerate([*statuses, *advisory]):
        evidence = replace(gate(*BOUNDS[status]), gate_id=f"g{index}")
        if status == "not_measured":
            evidence = replace(evidence, estimate=Estimate.unknown_because("nothing"))
        gates.append(judge_gate(evidence, blocking=index < len(statuses), owner=None, currency=""))
    made = Evidence(
        "p", "generator", PINS, role, "l", "all", tuple(g.evidence for g in gates), invalid=tuple(invalid)
    )
    return Situation(made, gates, coverage)


COVERED = Coverage("poor", 3, guardrails=("g",), catch=Estimate(0.9, 0.8, 0.95, 50, "share"))
ACCEPTED = Coverage("poor", 3, accepted="fine (ana)")
BARE = Coverage("harmful", 1)


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (situation("met"), "ship"),
        (situation(), "ship"),
        (situation("met", "met", coverage=[ACCEPTED]), "ship"),
        (situation("met", coverage=[COVERED]), "ship_with_guardrails"),
        (situation("met", coverage=[COVERED, ACCEPTED]), "ship_with_guardrails"),
        (situation("met", coverage=[COVERED, BARE]), "hold"),
        (situation("met", "not_proven"), "hold"),
        (situation("met", "not_met"), "hold"),
        (situation("met", "not_measured", coverage=[COVERED]), "hold"),
        (situation("met", invalid=["broken"]), "invalid"),
        (situation("not_met", invalid=["broken"]), "invalid"),
        (situation("not_met", role="live"), "roll_back"),
        (situation("not_met", role="live", invalid=["broken"]), "roll_back"),
        (situation("not_proven", role="live"), "hold"),
        (situation("not_measured", role="live", invalid=["broken"]), "invalid"),
        (situation("met", role="live"), "ship"),
    ],
)
def test_the_first_verdict_that_applies_wins(made, verdict):
    found, reasons = reach_verdict(made)
    assert found.value == verdict
    assert reasons
    assert all(reason.text for reason in reasons)


def test_the_order_of_verdicts_is_the_designs():
    order = ["roll_back", "invalid", "hold", "ship_with_guardrails", "ship"]
    assert [verdict.value for verdict, _ in ORDER] == order


def test_advisory_gates_never_hold_and_never_roll_back():
    for statuses in itertools.product(BOUNDS, repeat=2):
        assert reach_verdict(situation("met", advisory=statuses))[0] is Verdict.ship
        assert reach_verdict(situation("met", advisory=statuses, role="live"))[0] is Verdict.ship


def test_a_worse_answer_never_makes_a_better_verdict():
    rank = {
        Verdict.ship: 0,
        Verdict.ship_with_guardrails: 1,
        Verdict.hold: 2,
        Verdict.invalid: 3,
        Verdict.roll_back: 4,
    }
    for other in BOUNDS:
        best = rank[reach_verdict(situation("met", other))[0]]
        for worse in BOUNDS:
            assert rank[reach_verdict(situation(worse, other))[0]] >= best


def test_gates_that_are_refuted_force_before_those_that_are_merely_open():
    _, reasons = reach_verdict(situation("not_proven", "not_measured", "met", "not_met"))
    assert [reason.of for reason in reasons] == ["g3", "g1", "g0"]


@pytest.mark.parametrize(
    ("verdict", "code"),
    [("ship", 0), ("hold", 1), ("roll_back", 1), ("invalid", 3), ("ship_with_guardrails", 4)],
)
def test_exit_codes_carry_the_verdict(verdict, code):
    assert Verdict(verdict).exit_code == code


# -- through the command line ----------------------------------------------------------------------------------------


def test_an_advisory_gate_is_shown_as_such_and_does_not_hold(ship, tmp_path):
    gates = "  - accuracy >= 50%\n  - {rule: accuracy >= 99%, blocking: false}"
    said = ship("decide", "--product", recorded(tmp_path / "p", gates=gates))
    assert said.code == 0
    assert "(advisory)" in said.flat
    assert "✗ not met" in said.flat


@pytest.mark.parametrize(
    ("around", "code"),
    [
        ("acceptances:\n  - {of: [false_positive, false_negative], reason: seen, owner: ana}\n", 0),
        ("guardrails:\n  - {id: eyes, stops: [false_positive, false_negative], tried: 50, caught: 45}\n", 4),
        ("guardrails:\n  - {id: eyes, stops: [false_positive, false_negative]}\n", 1),
        ("guardrails:\n  - {id: eyes, stops: [false_positive, false_negative], tried: 0, caught: 0}\n", 1),
        ("guardrails:\n  - {id: eyes, stops: [false_positive, false_negative], tried: 50, caught: 0}\n", 1),
        ("guardrails:\n  - {id: eyes, stops: [false_positive], tried: 50, caught: 45}\n", 1),
        ("acceptances:\n  - {of: [false_positive, false_negative], reason: seen, owner: ana, expires: 2001-01-01}\n", 1),
    ],
)  # fmt: skip
def test_bad_outcomes_need_a_measured_guardrail_or_a_standing_acceptance(ship, tmp_path, around, code):
    # Every 19th is wrong, so that both kinds of error occur.
    product = recorded(tmp_path / "p")
    lines = [f"c{i},{'yes' if (i % 2) ^ (i % 19 == 0) else 'no'}" for i in range(100)]
    (product / "new.csv").write_text("\n".join(["case_id,prediction", *lines]) + "\n", encoding="utf-8")
    spec = product / "shipworthy.yaml"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text[: text.index("acceptances:")] + around, encoding="utf-8")
    said = ship("decide", "--product", product)
    assert said.code == code, said.out
    if code == 1:
        assert "nothing stands around" in said.flat
    if code == 4:
        assert ship("decide", "--product", product, "--guardrails-in-place").code == 0
        assert "only together with eyes" in said.flat


def _replace(file, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_another_candidate_on_the_same_golden_set_is_counted(ship, tmp_path):
    product = recorded(tmp_path / "p")
    first = ship("decide", "--product", product, "--json").json["gates"][0]
    assert (first["earlier_looks"], first["candidates_tried"]) == (0, 1)
    _replace(product / "new.csv", "c1,yes", "c1,no")
    second = ship("decide", "--product", product, "--json").json
    assert second["is_new"] is True
    # It is another candidate, not another look at the first one.
    assert (second["gates"][0]["earlier_looks"], second["gates"][0]["candidates_tried"]) == (0, 2)
    text = ship("decide", "--product", product).flat
    assert "2 candidates were tried" in text
    assert "Look 2" not in text
    assert second["previous"] is not None
    assert ship("verify", "--product", product).code == 0
    # Going back to the first candidate is a new decision on evidence already seen: no third candidate.
    _replace(product / "new.csv", "c1,no", "c1,yes")
    third = ship("decide", "--product", product, "--json").json["gates"][0]
    assert (third["earlier_looks"], third["candidates_tried"]) == (0, 2)


def test_a_moved_bar_is_noted_on_the_next_decision_and_the_same_evidence_is_no_look(ship, tmp_path):
    product = recorded(tmp_path / "p")
    ship("decide", "--product", product)
    _replace(product / "shipworthy.yaml", "accuracy >= 50%", "accuracy >= 40%")
    said = ship("decide", "--product", product)
    assert "bar of accuracy lowered from 50% to 40% after decision" in said.flat
    assert "had shown 95% (easier to pass)" in said.flat
    gate = ship("decide", "--product", product, "--json").json["gates"][0]
    assert (gate["earlier_looks"], gate["candidates_tried"]) == (0, 1)


def test_a_dropped_gate_is_noted(ship, tmp_path):
    product = recorded(tmp_path / "p", gates="  - accuracy >= 50%\n  - recall >= 99%")
    assert ship("decide", "--product", product).code == 1
    _replace(product / "shipworthy.yaml", "  - recall >= 99%\n", "")
    said = ship("decide", "--product", product)
    assert said.code == 0
    assert "the gate recall (recall >= 99%) was removed after decision" in said.flat


def test_spelling_a_rule_otherwise_moves_no_bar(ship, tmp_path):
    product = recorded(tmp_path / "p")
    ship("decide", "--product", product)
    _replace(product / "shipworthy.yaml", "accuracy >= 50%", "accuracy  >=50%")
    assert "How the promise was moved" not in ship("decide", "--product", product).flat


def test_live_as_the_subject_is_rolled_back_only_by_what_is_refuted(ship, tmp_path):
    product = recorded(tmp_path / "p", gates="  - accuracy >= 95%")
    said = ship("decide", "live", "--product", product)
    assert said.code == 1
    assert "ROLL BACK" in said.out
    open_ = recorded(tmp_path / "q", gates="  - accuracy >= 79%")
    said = ship("decide", "live", "--product", open_)
    assert said.code == 1
    assert "HOLD" in said.out


def test_what_got_worse_is_said_even_when_it_ships(ship, tmp_path):
    product = recorded(tmp_path / "p")
    _replace(product / "old.csv", "c20,yes", "c20,no")
    said = ship("decide", "--product", product)
    assert said.code == 0
    assert "What got worse" in said.out
    assert "c20" in said.out


def test_a_system_that_was_never_run_is_said_and_not_waited_for(ship, tmp_path):
    more = ""
    product = function_product(tmp_path / "p", "def answer(text):\n    return text\n", more=more)
    _replace(
        product / "shipworthy.yaml",
        '  candidate: {function: "bot:answer"}',
        '  candidate: {function: "bot:answer"}\n  live: {function: "bot:answer", batch: 1, timeout_s: 9}',
    )
    ship("run", "--product", product)
    said = ship("decide", "--product", product)
    assert said.code == 0
    assert "shipworthy run live" in said.flat
    _replace(product / "shipworthy.yaml", "gates:\n", "gates:\n  - delta(correct, live) > -5pt\n")
    said = ship("decide", "--product", product)
    assert said.code in (1, 2)
    if said.code == 2:
        refused(said, 2, "live")
    else:
        assert "not measured" in said.flat
