"""One gate: which form its rule has, and what it asks of the rows."""

from __future__ import annotations

from shipworthy.define.spec import Gate
from shipworthy.evidence.gates.against import plan_delta, plan_flips
from shipworthy.evidence.gates.groups import plan_groups
from shipworthy.evidence.gates.must_pass import plan_must_pass
from shipworthy.evidence.gates.one_population import plan_one_population
from shipworthy.evidence.gates.proof import silent
from shipworthy.evidence.gates.setting import GatePlan, Setting
from shipworthy.evidence.gates.two_populations import plan_two_populations
from shipworthy.evidence.metric import Unmeasurable

__all__ = ["plan_gate"]


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
        if rule.right is not None:
            return plan_two_populations(gate, rule, setting)
        form = {
            "delta": plan_delta,
            "ratio": plan_groups,
            "gap": plan_groups,
            "negative_flips": plan_flips,
            "failures": plan_must_pass,
        }.get(rule.left.name, plan_one_population)
        return form(gate, rule, setting)
    except Unmeasurable as error:
        return silent(gate, rule, setting, str(error))
