"""What a gate that is not proven says would settle it, and what it must not say."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from shipworthy.decide.gates import judge_gate
from shipworthy.decide.record.words import settle_words
from shipworthy.decide.verdict import Situation, reach_verdict
from shipworthy.records import Estimate, GateEvidence, GateResult, GateStatus, Verdict

EVIDENCE = GateEvidence(
    gate_id="rmse",
    rule="rmse <= 12",
    metric="rmse",
    better="at_most",
    strict=False,
    bar=12.0,
    estimate=Estimate(4.3, 1.4, 6.7, 12, "number"),
    lower=1.4,
    upper=None,
    confidence=0.95,
    bound_method="t, guarded",
    population="all cases",
    out_of=12,
)


def judged(evidence: GateEvidence) -> GateResult:
    return judge_gate(evidence, blocking=True, owner=None, currency="USD")


def change_of(gate: GateResult) -> str:
    evidence = SimpleNamespace(invalid=(), role="candidate")
    situation = Situation(evidence, [gate], [])  # type: ignore[arg-type]
    verdict, reasons = reach_verdict(situation)
    assert verdict is Verdict.hold
    return reasons[0].change


def test_a_gate_without_a_bound_does_not_say_that_fewer_cases_than_it_has_would_prove_it():
    gate = judged(EVIDENCE)
    assert gate.status is GateStatus.not_proven
    assert "How many cases would prove it is not known." in gate.sentence
    assert settle_words(gate.evidence, gate.status) == "More cases; how many is not known."
    assert change_of(gate) == "More cases; how many is not known."


def test_no_more_cases_for_an_even_chance_are_not_counted_as_zero_more():
    gate = judged(replace(EVIDENCE, upper=12.5, cases_even=12, cases_80=30))
    assert change_of(gate) == "About 18 more cases for an 80% chance of proof; or a better system."


def test_a_value_short_of_its_bar_may_yet_be_proven_if_the_truth_is_another():
    gate = judged(replace(EVIDENCE, estimate=Estimate(13.0, 9.0, 17.0, 12, "number"), upper=17.0))
    assert "if it is the truth, no number of cases proves it" in gate.sentence


def test_what_was_not_measured_is_no_look():
    unknown = replace(EVIDENCE, estimate=Estimate.unknown_because("no row has a number"), lower=None)
    looked = judge_gate(
        unknown,
        blocking=True,
        owner=None,
        currency="USD",
        candidates_tried=3,
    )
    assert looked.status is GateStatus.not_measured
    assert looked.tried_again == ""


def test_rows_of_repeated_cases_are_called_rows_and_counted_as_cases_beside():
    # 200 rows are 50 cases asked four times each.
    gate = judged(
        replace(
            EVIDENCE,
            estimate=Estimate(4.3, 1.4, 6.7, 200, "number"),
            out_of=200,
            per_case=4.0,
            upper=12.5,
            cases_even=337,
            cases_80=742,
        )
    )
    assert "337 rows in all" in gate.sentence
    assert "(542 more rows, about 136 more cases)" in gate.sentence
    assert change_of(gate).startswith("About 35 more cases for an even chance of proof, 136 for 80%")
