"""The failure-mode table: how the product is wrong, and what stands around each way."""

from __future__ import annotations

from shipworthy.define.documents.model import Block, Cell, Document, KeyPath, Paragraph, Section
from shipworthy.define.documents.parts import (
    about,
    acceptances_table,
    decision_line,
    failure_table,
    guardrail_table,
    product_name,
)
from shipworthy.define.documents.telling import Telling

__all__ = ["failures"]


def failures(t: Telling) -> Document:
    """Return the failure-mode table with guardrails and acceptances."""
    sections = (
        Section("Where it stands", (_summary(t), decision_line(t))),
        Section("Failure modes", (failure_table(t),)),
        Section("Guardrails", (guardrail_table(t),)),
        Section("Accepted", (acceptances_table(t),)),
    )
    return Document("failures", "Failure modes", product_name(t), about(t), sections)


def _summary(t: Telling) -> Block:
    modes = t.spec.failure_modes
    if not modes:
        return Paragraph(t.missing("failure_modes"))
    keys: tuple[KeyPath, ...] = (("failure_modes",),)
    blockers = [mode for mode in modes if mode.severity == "blocker"]
    proven = sum(1 for mode in blockers if mode.gate is not None and t.answer(mode.gate).status == "met")
    accepted = sum(1 for mode in modes if mode.accepted)
    said = (
        f"{len(modes)} failure mode{'s' if len(modes) > 1 else ''}, {len(blockers)} of them launch-blocking"
    )
    bounded = f"; {proven} of {len(blockers)} blockers proven to be bounded" if blockers else ""
    known = "" if not t.measured.because else " (nothing is measured yet)"
    return Paragraph(Cell(f"{said}{bounded}{known}; {accepted} accepted.", keys), lead=True)
