"""SW95x: what may be promised, and what the product does not do."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import yaml_snippet
from shipworthy.errors import nearest


@rule("SW951", "warning")
def claim_has_no_evidence(promise: Promise) -> Iterator[Finding]:
    """A claim that may be repeated outside rests on no gate.

    What nobody has to prove is what sales promises first and support explains last.

    Name the gate that proves it under `evidence`, or take the claim out. A name that is no gate is an error.
    """
    gates = [gate.id for gate in promise.spec.gates]
    for index, limit in enumerate(promise.spec.limits):
        if limit.evidence is None:
            yield Finding(
                ("limits", index, "evidence"),
                f"The claim {limit.claim!r} names no gate that proves it.",
                f"Name the gate that proves it under `evidence` ({', '.join(gates[:6])}), or take the claim "
                "out.",
                limit.claim,
            )
        elif limit.evidence not in gates:
            yield Finding(
                ("limits", index, "evidence"),
                f"The claim {limit.claim!r} rests on the gate {limit.evidence!r}, which does not exist.",
                nearest(limit.evidence, gates),
                limit.claim,
                severity="error",
            )


@rule("SW952", "error", needs=("runs",))
def claim_is_no_longer_proved(promise: Promise) -> Iterator[Finding]:
    """A claim is still made although the gate behind it was not met in the latest decision.

    People outside go on relying on what is known to be unproved.

    Take the claim back until the gate is met again, or say less. The limits sheet strikes it through.
    """
    met = promise.runs.met if promise.runs is not None else {}
    for index, limit in enumerate(promise.spec.limits):
        if limit.evidence is not None and met.get(limit.evidence) is False:
            yield Finding(
                ("limits", index, "claim"),
                f"The claim {limit.claim!r} rests on {limit.evidence}, which the latest decision did not "
                "find met.",
                "Take the claim out of `limits` until its gate is met.",
                limit.claim,
            )


@rule("SW953", "warning", example=True)
def nothing_is_out_of_scope(promise: Promise) -> Iterator[Finding]:
    """Nobody says what the product does not do.

    People rely on a product for whatever nobody told them it cannot do.

    Add `does_not` to a limit, in words that sales and support may repeat.
    """
    limits = promise.spec.limits
    if any(limit.does_not for limit in limits):
        return
    at = ("limits", 0, "does_not") if limits else ("limits",)
    claim = limits[0].claim if limits else "WHAT IT DOES"
    yield Finding(
        at,
        "No limit says what the product does not do.",
        yaml_snippet("limits", [{"claim": claim, "does_not": "WHAT IT DOES NOT DO"}]),
    )
