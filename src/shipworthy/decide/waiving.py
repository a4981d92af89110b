"""Which waivers of gates are in force on the day of a decision, and why the others count for nothing."""

from __future__ import annotations

from dataclasses import replace

from shipworthy.define.lint.named import is_blank, names_within, person_of
from shipworthy.define.spec import Gate, Spec
from shipworthy.records import GateWaiver

__all__ = ["harm_gates", "is_over", "waiver_of"]


def is_over(expires: object, day: str) -> bool:
    """Return whether a last day lies before another day.

    Args:
        expires: ISO 8601 day, or a date; None where there is no last day.
        day: ISO 8601 day or time; without one nothing is over.

    >>> is_over("2026-01-31", "2026-01-31T09:00:00+00:00"), is_over("2026-01-31", "2026-02-01")
    (False, True)
    """
    return expires is not None and bool(day) and str(expires)[:10] < day[:10]


def harm_gates(spec: Spec) -> frozenset[str]:
    """Return the gates that stand against harm: those of launch-blocking failure modes, and on `harmful`.

    Args:
        spec: The promise.
    """
    blockers = {mode.gate for mode in spec.failure_modes if mode.severity == "blocker"}
    return frozenset(
        gate.id
        for gate in spec.gates
        if gate.id in blockers or any(name.startswith("harmful") for name in names_within(gate))
    )


def waiver_of(spec: Spec, gate: Gate, day: str) -> GateWaiver | None:
    """Return a gate's waiver with what it counts for on a day; None where it has none.

    Args:
        spec: The promise.
        gate: One of its gates.
        day: ISO 8601 day or time of the decision.
    """
    waiver = gate.waiver
    if waiver is None:
        return None
    found = GateWaiver(
        owner="" if waiver.owner is None or is_blank(waiver.owner) else waiver.owner.strip(),
        reason="" if waiver.reason is None or is_blank(waiver.reason) else waiver.reason.strip(),
        expires=str(waiver.expires or ""),
    )
    return replace(found, void=_void(spec, gate, found, day))


def _void(spec: Spec, gate: Gate, waiver: GateWaiver, day: str) -> str:
    missing = {"owner": waiver.owner, "reason": waiver.reason, "last day": waiver.expires}
    lacks = [name for name, said in missing.items() if not said]
    if lacks:
        return f"it has no {' and no '.join(lacks)}"
    if is_over(waiver.expires, day):
        return f"it ended on {waiver.expires}"
    if gate.id in harm_gates(spec) and _is_product_owner(spec, waiver.owner):
        return f"{waiver.owner} answers for the product, and cannot alone set aside a gate against harm"
    return ""


def _is_product_owner(spec: Spec, who: str) -> bool:
    product = spec.owners.product if spec.owners is not None else None
    person = person_of(spec, who)
    if person is None or who.casefold() == "product":
        return True
    return product is not None and person.strip().casefold() == product.strip().casefold()
