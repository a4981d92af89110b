"""Documents of a product: its spec and its latest decision, rendered as HTML and Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from shipworthy.decide.record import words
from shipworthy.define.documents.catalogue import DOCUMENTS
from shipworthy.define.documents.evidence import GateMeasured, Measured, NumberMeasured
from shipworthy.define.documents.html import html_of
from shipworthy.define.documents.lineage_part import lineage_page
from shipworthy.define.documents.markdown import markdown_of
from shipworthy.define.documents.model import Document
from shipworthy.define.documents.telling import Telling
from shipworthy.define.history import canonical_rule
from shipworthy.define.lineage import Impact, Lineage, impact_of, lineage_of, open_lineage
from shipworthy.define.reading import SpecFile, read_spec, spec_from_text
from shipworthy.define.spec import Spec
from shipworthy.errors import SpecError, StoreError, UsageError, nearest
from shipworthy.records import Decision, GateResult, SliceEstimate, plain, rebuild
from shipworthy.store.workspace import Workspace

__all__ = ["Drawn", "Rendered", "draw_lineage", "measured_of", "render"]


@dataclass(frozen=True)
class Rendered:
    """One document in both formats.

    Args:
        document: The document.
        telling: The spec and the evidence that it was made from.
    """

    document: Document
    telling: Telling

    def html(self, siblings: Sequence[tuple[str, str]] = ()) -> str:
        """Return it as a self-contained HTML page, with links to the documents beside it."""
        return html_of(self.document, self.telling, siblings=siblings)

    def markdown(self) -> str:
        """Return it as Markdown."""
        return markdown_of(self.document, self.telling)

    def plain(self) -> dict[str, Any]:
        """Return it JSON-ready: every cell with the names and lines of the keys it comes from."""
        found = plain(self.document)
        return {**found, "traces": list(self._traces())}

    def _traces(self) -> Iterator[dict[str, Any]]:
        for cell in self.document.cells():
            for path in cell.keys:
                yield {"text": cell.text, "key": self.telling.key(path), "line": self.telling.line(path)}


@dataclass(frozen=True)
class Drawn:
    """The lineage of a product, with what depends on one of its nodes where that was asked.

    Args:
        lineage: The lineage.
        impact: What depends on one node; None where that was not asked.
        page: The same as a document.
    """

    lineage: Lineage
    impact: Impact | None
    page: Rendered

    def open_lineage(self, at: datetime | None = None) -> list[dict[str, Any]]:
        """Return the lineage as OpenLineage events.

        Args:
            at: Time of the events; by default now.
        """
        moment = (at or datetime.now(UTC)).isoformat(timespec="seconds").replace("+00:00", "Z")
        return open_lineage(self.lineage, at=moment)


def render(
    path: str | Path = ".", names: Sequence[str] = tuple(DOCUMENTS), *, today: date | None = None
) -> list[Rendered]:
    """Render documents of a product.

    Args:
        path: Its folder, or its spec.
        names: Names of documents: brief, prd, failures, launch, limits, model-card, datasheet, self-audit.
        today: Day that is written on them, and that drills are counted to; by default today (UTC).

    Returns:
        The documents, in the order asked.

    Raises:
        UsageError: If there is no such document.
        SpecError: If the spec is missing or wrong.
    """
    for name in names:
        if name not in DOCUMENTS:
            raise UsageError(f"There is no document {name!r}.", fix=nearest(name, DOCUMENTS))
    telling = _telling(path, today)
    return [Rendered(DOCUMENTS[name](telling), telling) for name in names]


def draw_lineage(path: str | Path = ".", *, impact: str | None = None, today: date | None = None) -> Drawn:
    """Return the lineage of a product.

    Args:
        path: Its folder, or its spec.
        impact: Id of a node: what depends on it is found too.
        today: Day that is written on the page; by default today (UTC).

    Raises:
        UsageError: If there is no such node.
        SpecError: If the spec is missing or wrong.
    """
    telling = _telling(path, today)
    lineage = lineage_of(telling.spec)
    found = impact_of(telling.spec, lineage, impact) if impact is not None else None
    return Drawn(lineage, found, Rendered(lineage_page(telling, found), telling))


def _telling(path: str | Path, today: date | None) -> Telling:
    file = read_spec(Path(path))
    return Telling(file, measured_of(file), today or datetime.now(UTC).date())


def measured_of(file: SpecFile) -> Measured:
    """Return what the latest decision about the system that wants to ship says.

    A gate whose rule, population or confidence is no longer the one that was judged is not measured: what was
    proven of another promise proves nothing of this one.

    Args:
        file: The spec.
    """
    workspace = Workspace(file.folder)
    ids = workspace.decision_ids()
    if not ids:
        return Measured()
    wanted = next(iter(file.spec.systems.declared()), None)
    found: list[tuple[str, dict[str, Any]]] = []
    for decision_id in reversed(ids):
        try:
            record = workspace.read_decision(decision_id)
        except StoreError as error:
            return Measured(because=f"decision {decision_id} cannot be read: {error.what}")
        found.append((decision_id, record))
        if record["evidence"]["role"] == wanted:
            return _measured(file, decision_id, record)
    return _measured(file, *found[0])


def _measured(file: SpecFile, decision_id: str, record: dict[str, Any]) -> Measured:
    decision: Decision = rebuild(Decision, record)
    evidence = decision.evidence
    currency = file.spec.costs.currency if file.spec.costs is not None else ""
    then = _spec_then(file, str(record.get("spec_text", "")))
    since = "The spec was changed after this decision." if decision.spec_hash != file.hash else ""
    return Measured(
        because="",
        decision=decision_id,
        day=decision.decided_at[:10],
        verdict=decision.verdict.words,
        outcome=decision.verdict.value,
        headline=words.visible(decision.headline),
        system=evidence.role,
        since=since,
        golden_version=evidence.subject.golden_version,
        population=evidence.population,
        cases=evidence.subject.cases,
        sampled=evidence.sampled,
        gates=_gates(file.spec, then, decision, decision_id, currency),
        metrics=tuple(_number(part, currency) for part in evidence.metrics),
        slices=tuple(_number(part, currency) for part in evidence.slices),
        outcomes=tuple(
            (share.outcome, share.count, words.interval(share.estimate, currency))
            for share in evidence.outcomes
        ),
        changes=tuple(change.text for change in decision.spec_changes),
    )


def _spec_then(file: SpecFile, text: str) -> Spec | None:
    """Return the spec that a decision was made by; None where this version cannot read it."""
    try:
        return spec_from_text(text, file.path).spec
    except SpecError:
        return None


def _gates(
    spec: Spec, then: Spec | None, decision: Decision, decision_id: str, currency: str
) -> dict[str, GateMeasured]:
    found = {}
    judged = {result.evidence.gate_id: result for result in decision.gates}
    before = {gate.id: gate for gate in then.gates} if then is not None else {}
    for gate in spec.gates:
        result = judged.get(gate.id)
        if result is None:
            continue
        kept = before.get(gate.id)
        moved = canonical_rule(gate.rule) != canonical_rule(result.evidence.rule)
        if kept is not None and then is not None:
            # Words decide, not text: `on` may be written out or follow from the strata.
            same_rows = str(spec.population_of(gate)) == str(then.population_of(kept))
            moved = moved or not same_rows or gate.confidence > kept.confidence
        if moved:
            said = f"not measured yet because it was changed after decision {decision_id}"
            found[gate.id] = GateMeasured("not_measured", sentence=said)
        else:
            found[gate.id] = _gate(result, currency)
    return found


def _gate(result: GateResult, currency: str) -> GateMeasured:
    estimate = result.evidence.estimate
    if result.status.value == "not_measured":
        because = words.visible(estimate.unknown or "nothing was measured")
        return GateMeasured("not_measured", sentence=f"not measured because {because}")
    return GateMeasured(
        result.status.value,
        words.interval(estimate, currency),
        words.visible(result.sentence),
        estimate.value,
        result.evidence.metric,
    )


def _number(part: SliceEstimate, currency: str) -> NumberMeasured:
    gap = ""
    if part.gap is not None and part.gap.value is not None:
        unit = "points" if part.gap.unit == "share" else part.gap.unit
        ends = words.range_words(part.gap.low, part.gap.high, unit, currency)
        gap = f"{words.signed(part.gap.value, unit, currency)} ({ends})"
    value = words.interval(part.estimate, currency)
    return NumberMeasured(
        part.metric, value, part.estimate.n, part.estimate.value, part.column, part.value, gap
    )
