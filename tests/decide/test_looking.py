"""What counts as a look and as a candidate, and what looking again does to a gate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shipworthy.decide.looking import Looking, candidates_tried, looks_before, question_of, risk_in_all
from shipworthy.define.spec import Spec
from shipworthy.records import Denominator, Estimate, Evidence, GateEvidence, GateLook, Look, RunPins
from shipworthy.stats.confidence import Proportion
from shipworthy.stats.sequential import HORIZON, risk_left, sequence_lower, sequence_upper


def spec_with(*gates: object, **golden: object) -> Spec:
    return Spec.model_validate(
        {
            "shipworthy": 1,
            "id": "made",
            "kind": "classifier",
            "decision": {"prediction": "p", "action": "a", "actor": "b"},
            "golden": {"path": "golden.csv", **golden},
            "gates": list(gates),
        }
    )


def question(gate: object, **golden: object) -> str:
    spec = spec_with(gate, **golden)
    return question_of(spec, spec.gates[0])


def measured(x: int, n: int, *, bar: float = 0.8, better="at_least", unscored: int = 0) -> GateEvidence:
    found = Proportion(x, n)
    return GateEvidence(
        "accuracy", "accuracy >= 80%", "accuracy", better, False, bar,
        Estimate(x / n, *found.interval(), n, "share", "Wilson"),
        found.bound("lower", 0.95), found.bound("upper", 0.95), 0.95, found.method, "all cases",
        successes=x, cases_even=100, cases_80=200, unscored=unscored,
    )  # fmt: skip


def look(sample: str, n: int, *, candidate: str = "a", over_looks: bool = False, lower: float = 0.1) -> Look:
    gate = GateLook("accuracy at least", n, lower, 0.99, 0.95, over_looks)
    return Look(f"d-{sample}", candidate, sample, f"r-{sample}", n, (gate,))


def evidence_of(*gates: GateEvidence) -> Evidence:
    pins = RunPins("r", "candidate", "g", "s", "h", 100, {}, Denominator(100, 100, 0, 0))
    return Evidence("made", "classifier", pins, "candidate", "l", "all cases", gates)


def settled(x: int, n: int, *looks: Look, gate: object = "accuracy >= 80%", **more: object) -> GateEvidence:
    golden = {"looks": more.pop("looks")} if "looks" in more else {}
    grown = bool(more.pop("grown", True))
    looking = Looking(spec_with(gate, **golden), looks, "a", "now", n, grown)
    return looking.settled(evidence_of(measured(x, n, **more))).gates[0]


# -- what is counted -----------------------------------------------------------------------------------------


def test_a_question_is_a_rule_without_its_bar_but_with_its_population():
    assert question("accuracy >= 80%") == question("accuracy>0.9") == question("80% <= accuracy")
    assert question("accuracy >= 80%") != question("accuracy <= 80%")
    assert question("recall[a = x] >= 80%") != question("recall >= 80%")
    assert question({"rule": "recall >= 80%", "on": "a = x"}) != question("recall >= 80%")
    assert question("recall >= 80%", strata={"representative": 1}) != question("recall >= 80%")
    assert question("accuracy[a = x] >= accuracy[a = y] - 5pt") == question(
        "accuracy[a = x] >= accuracy[a = y] - 1pt"
    )
    assert question("delta(accuracy, live) > 0") != question("delta(recall, live) > 0")


def test_looks_are_other_rows_of_the_same_candidate_before_the_present_rows_were_first_seen():
    looks = [
        look("s1", 100),
        look("s1", 100),
        look("b", 100, candidate="b"),
        look("s2", 200),
        look("s3", 300),
    ]

    def before(sample: str) -> list[int]:
        return [seen.cases for seen in looks_before(looks, "a", sample, "accuracy at least")]

    assert before("s4") == [100, 200, 300]
    assert before("s3") == [100, 200]
    assert before("s1") == []
    assert looks_before(looks, "a", "s4", "recall at least") == ()
    assert candidates_tried(looks, "a", "accuracy at least") == 2
    assert candidates_tried(looks, "c", "accuracy at least") == 3
    assert candidates_tried(looks, "c", "recall at least") == 1


def test_a_gate_that_was_not_measured_was_not_looked_at():
    assert looks_before([look("s1", 0)], "a", "s2", "accuracy at least") == ()


# -- what it does to a gate ----------------------------------------------------------------------------------


def test_a_first_look_keeps_its_exact_bounds():
    before = measured(415, 500)
    after = settled(415, 500)
    assert (after.lower, after.upper, after.over_looks) == (before.lower, before.upper, False)
    assert after.question == "accuracy at least"


def test_a_later_look_has_the_exact_sequence_of_what_the_first_one_left_over():
    after = settled(840, 1000, look("s1", 500))
    left = risk_left(500, 0.8, "at_least")
    assert after.lower == pytest.approx(sequence_lower(840, 1000, HORIZON * 500, 0.95, left))
    assert after.upper == pytest.approx(sequence_upper(840, 1000, HORIZON * 500, 0.95, left))
    assert after.lower < measured(840, 1000).lower
    assert after.over_looks
    assert after.needed_now is not None
    assert sequence_lower(after.needed_now, 1000, HORIZON * 500, 0.95, left) >= 0.8
    assert sequence_lower(after.needed_now - 1, 1000, HORIZON * 500, 0.95, left) < 0.8


def test_after_a_first_look_that_was_a_sequence_the_same_sequence_goes_on_at_the_full_risk():
    for looks in ("once", "many"):
        after = settled(840, 1000, look("s1", 500, over_looks=True), looks=looks)
        assert after.lower == pytest.approx(sequence_lower(840, 1000, HORIZON * 500))
    assert settled(415, 500, looks="many").lower == pytest.approx(sequence_lower(415, 500, HORIZON * 500))


def test_what_is_asked_of_the_measurement_stands_further_off_than_one_look():
    spec = spec_with("f1 >= 80%")
    gate = GateLook("f1 at least", 500, 0.7, 0.9, 0.95)
    earlier = Look("d", "a", "s1", "r", 500, (gate,))
    assert Looking(spec, [], "a", "now", 1000).asked().gates[0].confidence == 0.95
    asked = Looking(spec, [earlier], "a", "now", 1000).asked().gates[0].confidence
    # 3.2 standard errors: the asymptotic sequence at the risk left over, at the planned number of cases.
    assert 0.9992 < asked < 0.9994


def test_the_bar_is_never_proven_by_an_earlier_bound_against_what_is_seen_now():
    first = look("s1", 500, lower=0.81)
    assert settled(830, 1000, first).lower == pytest.approx(0.81)
    assert settled(790, 1000, first).lower == pytest.approx(0.79)
    assert settled(830, 1000, first, grown=False).lower < 0.81
    unsure = replace(first, gates=(replace(first.gates[0], confidence=0.9),))
    assert settled(830, 1000, unsure).lower < 0.81


def test_the_interval_that_is_shown_holds_the_bounds():
    after = settled(840, 1000, look("s1", 500))
    assert after.estimate.low is not None
    assert after.estimate.high is not None
    assert after.estimate.low <= after.lower <= after.estimate.value <= after.upper <= after.estimate.high
    assert "confidence sequence" in after.estimate.method


def test_unscored_rows_are_weighed_by_the_sequence_too():
    at_least = settled(840, 1000, look("s1", 500), unscored=10)
    assert at_least.worst_lower < at_least.lower < at_least.best_lower
    looks = [Look("d", "a", "s1", "r", 500, (GateLook("accuracy at most", 500, 0.0, 0.99, 0.95),))]
    looking = Looking(spec_with("accuracy <= 20%"), looks, "a", "now", 1000)
    found = measured(160, 1000, bar=0.2, better="at_most", unscored=10)
    at_most = looking.settled(evidence_of(found)).gates[0]
    assert at_most.worst_upper > at_most.upper > at_most.best_upper


def test_more_cases_are_promised_for_the_look_that_will_be_made_of_them():
    # 415 of 500 with an exact look would take 1,107 in all for 80%; the next look is no first one.
    once, many, fresh = (settled(415, 500, looks=looks) for looks in ("once", "many", "fresh"))
    assert 2000 < many.settled_80 < once.settled_80 < 3000
    # What a single look at fresh cases takes stays as it was measured.
    assert (once.cases_even, once.cases_80) == (100, 200)
    # Fresh cases are judged by themselves, beside the 500 that were seen.
    assert (fresh.settled_even, fresh.settled_80) == (600, 700)


def test_a_bound_that_reaches_far_never_takes_more_cases_for_an_even_chance_than_for_a_likely_one():
    # The bound of a rare, costly error stands five standard errors off: 1.36 times the cases for 80%.
    cost = replace(measured(410, 500), successes=None, cases_even=10_000, cases_80=13_600)
    found = Looking(spec_with("accuracy >= 80%"), [], "a", "now", 500).settled(evidence_of(cost)).gates[0]
    assert found.again_even > 10_000
    assert 1.1 < found.again_80 / found.again_even < 1.36


def test_a_must_pass_list_has_no_looks():
    listed = replace(measured(0, 100), metric="failures", rule="failures <= 0")
    gate = GateLook("failures at most", 100, 0, 0, 0.95)
    looking = Looking(spec_with("failures <= 0"), [Look("d", "a", "s", "r", 50, (gate,))], "a", "now", 100)
    assert looking.settled(evidence_of(listed)).gates[0].lower == listed.lower


# -- the risk in all -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("earlier", "now_over_looks", "candidates", "risk"),
    [
        ([], False, 1, 0.05),
        ([False], True, 1, 0.06),
        ([False, True, True], True, 1, 0.06),
        ([], True, 1, 0.05),
        ([True, True], True, 1, 0.05),
        ([False], False, 1, 1 - 0.95**2),
        ([False, False, False], False, 1, 1 - 0.95**4),
        ([], False, 10, 1 - 0.95**10),
        ([False], True, 10, 1 - 0.94**10),
    ],
)
def test_the_risk_in_all_adds_what_each_look_and_each_candidate_adds(
    earlier, now_over_looks, candidates, risk
):
    looks = [look(f"s{i}", 100 * (i + 1), over_looks=over) for i, over in enumerate(earlier)]
    before = looks_before(looks, "a", "now", "accuracy at least")
    found = replace(measured(80, 100), over_looks=now_over_looks)
    assert risk_in_all(found, before, candidates) == pytest.approx(risk)
