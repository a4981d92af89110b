"""One gate: which form its rule has, and what it asks of the rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from shipworthy.define.rules import Rule, metrics_within
from shipworthy.define.spec import Gate
from shipworthy.evidence.gates.against import plan_delta, plan_flips
from shipworthy.evidence.gates.groups import plan_groups
from shipworthy.evidence.gates.must_pass import plan_must_pass
from shipworthy.evidence.gates.one_population import check_bar, plan_one_population
from shipworthy.evidence.gates.proof import silent, with_notes
from shipworthy.evidence.gates.setting import Answers, GatePlan, Setting
from shipworthy.evidence.gates.two_populations import plan_two_populations
from shipworthy.evidence.judging import why_uncorrected
from shipworthy.evidence.metric import Unmeasurable, find_definition, unknown_metric
from shipworthy.records import GateEvidence

__all__ = ["check_rule", "plan_gate"]

SETTLED = "Bins of scores left the answer open, so one further pass over the rows ranked every score exactly."


def plan_gate(gate: Gate, setting: Setting) -> GatePlan:
    """Plan one gate; whatever cannot be measured becomes evidence that says why.

    Args:
        gate: The gate.
        setting: The spec and the rows.

    Raises:
        UsageError: If the rule names something that does not exist.
    """
    rule = gate.parsed
    try:
        named = {
            "delta": plan_delta,
            "ratio": plan_groups,
            "gap": plan_groups,
            "worst": plan_groups,
            "equalised_odds": plan_groups,
            "negative_flips": plan_flips,
            "failures": plan_must_pass,
        }.get(rule.left.name, plan_one_population)
        form = plan_two_populations if rule.right is not None else named
        plan = form(gate, rule, setting)
    except Unmeasurable as error:
        return silent(gate, rule, setting, str(error))
    reason = why_uncorrected((ask.total for _source, ask in plan.asks), setting.frame)
    return _saying_what_settled(plan) if reason is None else silent(gate, rule, setting, reason)


def _saying_what_settled(plan: GatePlan) -> GatePlan:
    """Return the plan of a gate that says so where an exact pass settled what bins left open."""
    if not plan.exact:
        return plan

    def finish(answers: Answers) -> GateEvidence:
        evidence = plan.finish(answers)
        if all(ask in answers[source] for source, ask in plan.exact):
            return with_notes(evidence, (SETTLED,))
        return evidence

    return replace(plan, finish=finish)


def check_rule(rule: Rule, scorers: Collection[str]) -> None:
    """Refuse what can be seen to be wrong without any rows: unknown metrics, and bars in the wrong unit.

    Args:
        rule: The rule.
        scorers: Ids of the spec's scorers.

    Raises:
        UsageError: With the nearest known name.
    """
    for side in (rule.left, rule.right):
        for call in metrics_within(side) if side is not None else ():
            definition = find_definition(call.name)
            if definition is None and call.name not in scorers:
                raise unknown_metric(call.name, scorers)
            if (call is rule.left or rule.left.name == "worst") and rule.right is None:
                check_bar(rule, call.name, definition.unit if definition is not None else "share")
