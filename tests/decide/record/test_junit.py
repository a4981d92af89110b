from dataclasses import replace
from xml.etree import ElementTree

import pytest

from shipworthy.decide.record import junit
from shipworthy.records import Decision, GateStatus, Verdict

from .example import ESCAPE, RTL, every_decision, example_decision

EVERY = every_decision()
TAGS = {GateStatus.not_met: "failure", GateStatus.not_measured: "error", GateStatus.not_proven: "skipped"}


def read(decision: Decision) -> ElementTree.Element:
    return ElementTree.fromstring(junit.render_junit(decision).encode())  # noqa: S314


@pytest.mark.parametrize("name", sorted(EVERY))
def test_it_parses_and_its_counts_are_right(name: str) -> None:
    decision = EVERY[name]
    root = read(decision)
    cases = list(root.iter("testcase"))
    assert len(cases) == len(decision.gates) + 1
    for element in (root, *root.iter("testsuite")):
        assert element.get("tests") == str(len(cases))
        for tag, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert element.get(count) == str(len(list(root.iter(tag))))


def test_each_status_has_its_own_answer() -> None:
    decision = example_decision()
    cases = list(read(decision).iter("testcase"))
    for result, case in zip(decision.gates, cases, strict=False):
        assert [child.tag for child in case] == ([TAGS[result.status]] if result.status in TAGS else [])


@pytest.mark.parametrize(
    ("verdict", "tag"),
    [
        (Verdict.ship, None),
        (Verdict.ship_with_guardrails, None),
        (Verdict.hold, "failure"),
        (Verdict.roll_back, "failure"),
        (Verdict.invalid, "error"),
    ],
)
def test_the_verdict_is_a_test_case_of_its_own(verdict: Verdict, tag: str | None) -> None:
    case = list(read(example_decision(verdict=verdict)).iter("testcase"))[-1]
    assert case.get("name") == "verdict"
    assert [child.tag for child in case] == ([tag] if tag else [])


def test_texts_are_capped_and_no_illegal_character_is_left() -> None:
    first = example_decision().gates[2]
    evidence = replace(
        first.evidence, gate_id="g\x00" + "x" * 9000, rule="r\ufffe" * 9000, population="p" * 9000
    )
    gate = replace(first, evidence=evidence, sentence=f"{ESCAPE}\x08" + "s" * 9000)
    root = read(example_decision(gates=(gate,)))
    case = next(root.iter("testcase"))
    failure = case[0]
    assert len(case.get("name", "")) <= 512
    assert len(failure.get("message", "")) <= 1024
    assert len(failure.text or "") <= 8192


def test_no_output_of_a_case_is_in_it() -> None:
    text = junit.render_junit(example_decision())
    assert RTL not in text
    assert "Send me your password" not in text
