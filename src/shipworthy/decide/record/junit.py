"""A decision as JUnit XML: one test case per gate and one for the verdict."""

from __future__ import annotations

from xml.etree import ElementTree

from shipworthy.decide.record import story, words
from shipworthy.decide.standing import Standing
from shipworthy.records import Decision, GateResult, GateStatus, Verdict

__all__ = ["render_junit"]

NAME_LIMIT = 512
MESSAGE_LIMIT = 1_024
BODY_LIMIT = 8_192

_TAGS = {GateStatus.not_met: "failure", GateStatus.not_measured: "error", GateStatus.not_proven: "skipped"}
_SHIPS = (Verdict.ship, Verdict.ship_with_guardrails)


def render_junit(decision: Decision, *, standing: Standing | None = None) -> str:
    """Return a decision as JUnit XML that continuous-integration servers read.

    A gate that is not met is a failure, one that is not measured an error, one that is not proven is skipped
    with its reason. The test case "verdict" fails unless the verdict lets it ship.

    Args:
        decision: The decision.
        standing: What stands of it with its signatures; a test case "signatures" fails where they hold it.

    Returns:
        One XML document; it holds no input and no output of any case.
    """
    cases = [_gate_case(decision, result) for result in decision.gates] + [_verdict_case(decision)]
    if standing is not None and standing.roles:
        cases.append(_signatures_case(decision, standing))
    counts = {
        "tests": str(len(cases)),
        "failures": _count(cases, "failure"),
        "errors": _count(cases, "error"),
        "skipped": _count(cases, "skipped"),
    }
    name = words.cut(f"shipworthy: {decision.evidence.product}", NAME_LIMIT)
    suite = ElementTree.Element("testsuite", {"name": name, **counts})
    if decision.decided_at:
        suite.set("timestamp", words.cut(decision.decided_at, 64))
    suite.extend(cases)
    root = ElementTree.Element("testsuites", {"name": name, **counts})
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _gate_case(decision: Decision, result: GateResult) -> ElementTree.Element:
    gate = result.evidence
    case = _case(decision, words.cut(f"{gate.gate_id}: {gate.rule}", NAME_LIMIT))
    tag = _TAGS.get(result.status)
    if tag is None:
        return case
    settle = words.settle_words(gate, result.status)
    code = story.currency(decision)
    measured = words.interval(gate.estimate, code)
    if not result.blocking:
        settle = f"Advisory: it holds nothing back. {settle}"
    if result.waiver is not None:
        settle = f"{result.waiver.sentence} {settle}"
    if result.waived:
        tag = "skipped"
    sentence = result.sentence or measured
    if not sentence.lower().startswith(result.status.words):
        sentence = f"{result.status.words}: {sentence}"
    body = "\n".join(
        (
            f"rule: {gate.rule}",
            f"measured: {measured}, n {gate.estimate.n:,}",
            f"bound: {words.gate_words(gate, code, status=result.status) or 'unknown'}",
            f"population: {gate.population}",
            f"to settle it: {settle}",
        )
    )
    _answer(case, tag, sentence, body)
    return case


def _verdict_case(decision: Decision) -> ElementTree.Element:
    case = _case(decision, "verdict")
    if decision.verdict not in _SHIPS:
        tag = "error" if decision.verdict is Verdict.invalid else "failure"
        message = f"{words.verdict_words(decision.verdict)}: {story.headline(decision)}"
        reasons = [f"{reason.text} {reason.change}".strip() for reason in decision.forced_by]
        _answer(case, tag, message, "\n".join(reasons))
    return case


def _signatures_case(decision: Decision, standing: Standing) -> ElementTree.Element:
    case = _case(decision, "signatures")
    if standing.verdict is not standing.decided and standing.verdict not in _SHIPS:
        reasons = [f"{reason.text} {reason.change}".strip() for reason in standing.reasons]
        message = f"{words.verdict_words(standing.verdict)} stands: {reasons[0] if reasons else ''}"
        _answer(case, "failure", message, "\n".join(reasons))
    return case


def _case(decision: Decision, name: str) -> ElementTree.Element:
    group = words.cut(f"shipworthy.{decision.evidence.product}", NAME_LIMIT)
    return ElementTree.Element("testcase", {"classname": group, "name": name, "time": "0"})


def _answer(case: ElementTree.Element, tag: str, message: str, body: str) -> None:
    answer = ElementTree.SubElement(case, tag, {"message": words.cut(message, MESSAGE_LIMIT)})
    if tag != "skipped":
        answer.set("type", case.get("name", "").partition(":")[0][:64])
    shown = words.visible(body)
    answer.text = shown if len(shown) <= BODY_LIMIT else shown[: BODY_LIMIT - 1] + "…"


def _count(cases: list[ElementTree.Element], tag: str) -> str:
    return str(sum(case.find(tag) is not None for case in cases))
