"""The launch checklist of a product: its spec, its latest decision, its signatures and its drills."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from shipworthy.api.documents import measured_of
from shipworthy.api.product import Product
from shipworthy.api.signing import standing_of
from shipworthy.decide.readiness import Drill, Item, ItemState, Known, Readiness, readiness_of
from shipworthy.define.documents.html import html_of
from shipworthy.define.documents.markdown import markdown_of
from shipworthy.define.documents.model import Cell, Document, Paragraph, Section, Table, Tone
from shipworthy.define.documents.parts import about, decision_line, product_name
from shipworthy.define.documents.telling import Telling
from shipworthy.define.reading import SpecFile, read_spec
from shipworthy.errors import InputError

__all__ = ["ReadinessFound", "read_drills", "readiness"]

EXAMPLE = '{"started": "2026-01-12T09:00:00Z", "verified": "2026-01-12T09:41:00Z"}'

_TONES: dict[ItemState, Tone] = {
    ItemState.ready: "met",
    ItemState.amber: "not_proven",
    ItemState.missing: "not_measured",
    ItemState.failed: "not_met",
}


@dataclass(frozen=True)
class ReadinessFound:
    """The launch checklist, and the page that shows it.

    Args:
        readiness: The checklist.
        decision_id: The decision that it rests on; empty where there is none.
        page: The checklist as a document.
        telling: The spec that its cells trace to.
    """

    readiness: Readiness
    decision_id: str
    page: Document
    telling: Telling

    def html(self) -> str:
        """Return it as a self-contained HTML page."""
        return html_of(self.page, self.telling)

    def markdown(self) -> str:
        """Return it as Markdown."""
        return markdown_of(self.page, self.telling)


def readiness(path: str | Path = ".", *, today: date | None = None) -> ReadinessFound:
    """Return the launch checklist of a product.

    Args:
        path: Its folder, or its spec.
        today: The day that ages of evidence are counted to; by default today (UTC).

    Raises:
        SpecError: If the spec is missing or wrong.
        InputError: If the drill file is.
        StoreError: If the decision or a signature under it was changed.
    """
    file = read_spec(Path(path))
    day = today or datetime.now(UTC).date()
    product = Product(file)
    decision_id = _latest(product)
    decided = product.decision(decision_id) if decision_id else None
    launch = file.spec.launch
    drill = launch.rollback.drill if launch is not None and launch.rollback is not None else None
    known = Known(
        spec=file.spec,
        today=day,
        decision=decided.decision if decided is not None else None,
        decision_id=decision_id,
        moved=decided is not None and decided.decision.spec_hash != file.hash,
        standing=standing_of(product, decision_id, day=day.isoformat()).standing if decision_id else None,
        drills=read_drills(file.folder / drill, file.where("launch", "rollback", "drill")) if drill else (),
        drill_file=drill or "",
    )
    found = readiness_of(known)
    telling = Telling(file, measured_of(file), day)
    return ReadinessFound(found, decision_id, _page(found, file, telling), telling)


def _latest(product: Product) -> str:
    """Return the latest decision on the system that wants to ship; empty where there is none."""
    wanted = next(iter(product.spec.systems.declared()), None)
    for decision_id in reversed(product.workspace.decision_ids()):
        if product.workspace.read_decision(decision_id)["evidence"]["role"] == wanted:
            return decision_id
    return ""


def read_drills(path: Path, named_at: str = "") -> tuple[Drill, ...]:
    """Read a file of drills: JSON lines with `started` and `verified`, and `to` and `by` where known.

    Args:
        path: The file.
        named_at: Where the spec names it, for messages.

    Raises:
        InputError: If it is missing, or a line is no drill.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise InputError(
            f"The drill file {path.name!r} cannot be read: {why}.",
            where=named_at,
            fix=f"One line per drill: {EXAMPLE}",
        ) from None
    return tuple(_drill(line, f"{path}:{at}") for at, line in enumerate(lines, 1) if line.strip())


def _drill(line: str, where: str) -> Drill:
    example = f"Write {EXAMPLE}"
    try:
        said = json.loads(line)
        if not isinstance(said, dict):
            raise TypeError
    except (ValueError, TypeError):
        raise InputError("The line is no JSON object.", where=where, fix=example) from None
    started = _moment(said, "started", where, example)
    if started is None:
        raise InputError("The drill does not say when it was started.", where=where, fix=example)
    verified = _moment(said, "verified", where, example)
    if verified is not None and verified < started:
        raise InputError(
            "The drill was verified before it was started.", where=where, fix="Correct the times."
        )
    return Drill(started, verified, str(said.get("to") or ""), str(said.get("by") or ""))


def _moment(said: dict[str, Any], key: str, where: str, example: str) -> datetime | None:
    text = said.get(key)
    if text in (None, ""):
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise InputError(f"{key} is no ISO 8601 time: {text!r}.", where=where, fix=example) from None
    # Two times without a zone are of one clock; it is taken as UTC.
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _page(found: Readiness, file: SpecFile, telling: Telling) -> Document:
    rows = tuple(_row(item, telling) for item in found.items)
    table = Table("What must be there on launch day", ("Item", "State", "Evidence", "Day", "To do"), rows)
    lead = Paragraph(Cell(found.sentence, (("kind",),)), lead=True)
    sections = (
        Section("Where it stands", (lead, decision_line(telling))),
        Section("Checklist", (table,)),
    )
    return Document("readiness", "Launch readiness", product_name(telling), about(telling), sections)


def _row(item: Item, telling: Telling) -> tuple[Cell, ...]:
    keys = (tuple(item.key.split(".")),)
    return (
        Cell(item.question),
        Cell(item.state.value, keys, _TONES[item.state]),
        Cell(item.evidence, keys),
        Cell(item.day or "no day", tone="" if item.day else "soft"),
        Cell(item.change),
    )
