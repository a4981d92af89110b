"""The limits sheet: what may be promised, what proves it, and what the product does not do."""

from __future__ import annotations

from shipworthy.define.documents.model import Cell, Document, KeyPath, Section, Table, Tone
from shipworthy.define.documents.parts import about, decision_line, product_name
from shipworthy.define.documents.telling import Telling

__all__ = ["limit_table", "limits", "why_not"]


def limits(t: Telling) -> Document:
    """Return what may be promised today; a claim that is not proven is struck through."""
    missing = t.said("data", "populations", "missing")
    sections = (
        Section("Where it stands", (decision_line(t),)),
        Section("What you may promise", (limit_table(t),)),
        Section("Who it was not made for", (_missing_table(t, missing),)),
    )
    return Document("limits", "What you may promise", product_name(t), about(t), sections)


def _missing_table(t: Telling, missing: Cell) -> Table:
    populations = t.spec.data.populations if t.spec.data is not None else None
    path: KeyPath = ("data", "populations", "missing")
    rows = tuple(
        (Cell(name, ((*path, at),)),) for at, name in enumerate(populations.missing if populations else ())
    )
    return Table("Populations that are not in the data", ("Missing",), rows, missing)


def why_not(t: Telling, evidence: str | None) -> str:
    """Return why a claim may not be made today; empty where its gate is proven by the latest decision."""
    if evidence is None:
        return "no gate proves it"
    if all(gate.id != evidence for gate in t.spec.gates):
        return f"there is no gate {evidence}"
    answer = t.answer(evidence)
    if answer.status == "met":
        return ""
    if answer.status == "not_measured":
        return f"{evidence} is {answer.sentence or 'not measured'}"
    value = f" ({answer.value})" if answer.value else ""
    return f"{evidence} is {answer.words}{value}"


def _although(t: Telling, answer: Tone) -> str:
    """Return what must be added to a gate that is met while the decision as a whole does not ship."""
    holds = answer == "met" and t.measured.outcome in ("hold", "roll_back", "invalid")
    return f"; the gate is met, but the decision says {t.measured.verdict}" if holds else ""


def limit_table(t: Telling) -> Table:
    """Return every claim with what proves it; struck through where nothing does."""
    rows = []
    for at, limit in enumerate(t.spec.limits):
        path: KeyPath = ("limits", at)
        reason = why_not(t, limit.evidence)
        claim = Cell(limit.claim, ((*path, "claim"),), "struck" if reason else "strong")
        if reason:
            claim = Cell(limit.claim, claim.keys, "struck", f"do not say this: {reason}")
        proof = t.missing(*path, "evidence")
        if limit.evidence is not None:
            known = t.answered(limit.evidence)
            note = " ".join(filter(None, (limit.evidence, known.note)))
            keys = ((*path, "evidence"), *known.keys)
            proof = Cell(known.text, keys, known.tone, note + _although(t, known.tone), known.decision)
        rows.append((claim, proof, t.said(*path, "data"), t.said(*path, "does_not")))
    columns = ("Claim", "Proven by", "On which data", "It does not")
    return Table("Claims", columns, tuple(rows), t.missing("limits"))
