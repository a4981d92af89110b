"""The lineage inside a document: the picture, the same as a list, and what is broken."""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.define.documents.lineage_picture import COLUMN_NAMES, lineage_svg
from shipworthy.define.documents.model import (
    Block,
    Cell,
    Document,
    Drawing,
    KeyPath,
    Paragraph,
    Section,
    Table,
)
from shipworthy.define.documents.parts import about, product_name
from shipworthy.define.documents.telling import Telling
from shipworthy.define.lineage import Impact, lineage_of

__all__ = ["lineage_blocks", "lineage_page"]


def lineage_blocks(t: Telling, impact: Impact | None = None) -> tuple[Block, ...]:
    """Return the lineage of a product as blocks.

    Args:
        t: The spec.
        impact: What depends on one node, to be marked in the picture; None for none.
    """
    lineage = lineage_of(t.spec)
    if not lineage.nodes or all(node.implied for node in lineage.nodes.values()):
        return (Paragraph(t.missing("data", "lineage")),)
    marked = frozenset([impact.of.id, *(node.id for node in impact.nodes)]) if impact else frozenset()
    loop = " Dashed lines lead back: what users do becomes data again." if lineage.cycles else ""
    caption = f"Each box is made from what lies to its left; its owner stands below its name.{loop}"
    rows: tuple[tuple[Cell, ...], ...]
    blocks: list[Block] = [Drawing(lineage_svg(lineage, highlight=marked), caption)]
    if lineage.broken:
        rows = tuple(
            (
                Cell(part.of, (part.key,)),
                Cell(part.missing, (part.key,), "not_met", part.hint),
                Cell(", ".join(part.affected) or "nothing that is measured", (part.key,)),
            )
            for part in lineage.broken
        )
        blocks.append(
            Table(
                "Broken references",
                ("Made", "From what is declared nowhere", "Gates and metrics that rest on it"),
                rows,
            )
        )
    rows = tuple(
        (
            Cell(node.id, (node.key,), note="" if not node.implied else "follows from the spec"),
            Cell(node.kind.replace("_", " "), (node.key,)),
            Cell(", ".join(node.made_from) or "nothing", (node.key,), "" if node.made_from else "soft"),
            Cell(node.owner, (node.key,)) if node.owner else t.missing(*node.key, "owner"),
            Cell(node.version, (node.key,)) if node.version else Cell("none named", (node.key,), "soft"),
        )
        for node in lineage.nodes.values()
    )
    blocks.append(Table("The same as a list", ("Name", "Kind", "Made from", "Owner", "Version"), rows))
    return tuple(blocks)


def lineage_page(t: Telling, impact: Impact | None = None) -> Document:
    """Return the lineage as a document of its own, with what depends on one node where that was asked."""
    sections = [Section("Lineage", lineage_blocks(t, impact))]
    if impact is not None:
        gates = tuple(("gates", at) for at, gate in enumerate(t.spec.gates) if gate.id in impact.gates)
        metrics = tuple(("metrics", at) for at, m in enumerate(t.spec.metrics) if m.id in impact.metrics)
        watch = tuple(("monitors", at) for at, m in enumerate(t.spec.monitors) if m.id in impact.monitors)
        rows: list[tuple[str, Sequence[str], tuple[KeyPath, ...]]] = [
            (
                name,
                [node.id for node in impact.of_kind(kind)],
                tuple(node.key for node in impact.of_kind(kind)),
            )
            for kind, name in COLUMN_NAMES.items()
            if kind != "source"
        ]
        rows += [
            ("Gates", impact.gates, gates),
            ("Metrics", impact.metrics, metrics),
            ("Monitors", impact.monitors, watch),
            ("Owners to ask", impact.owners, (impact.of.key,)),
        ]
        told = tuple((Cell(name), Cell(", ".join(which) or "none", keys)) for name, which, keys in rows)
        title = f"What depends on {impact.of.id}"
        sections.insert(0, Section(title, (Table(title, ("What", "Which"), told),)))
    return Document("lineage", "Lineage", product_name(t), about(t), tuple(sections))
