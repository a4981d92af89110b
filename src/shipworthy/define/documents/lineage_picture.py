"""The lineage as a picture: columns from source to label, owners in the boxes, the loop drawn back below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from shipworthy.define.documents.escaping import cut
from shipworthy.define.keys.sources import LINEAGE_KINDS
from shipworthy.define.lineage import Lineage

__all__ = ["COLUMN_NAMES", "lineage_svg"]

COLUMN_NAMES = {
    "source": "Sources",
    "feature": "Features",
    "training_set": "Training sets",
    "model": "Models",
    "decision": "Decisions",
    "feedback": "Feedback",
    "label": "Labels",
}
BOX_WIDTH, BOX_HEIGHT = 138, 46
COLUMN_GAP, ROW_GAP, TOP, LANE = 38, 14, 30, 14
#: Letters that fit into a box.
NAME_FITS, OWNER_FITS = 19, 24


@dataclass(frozen=True, slots=True)
class Box:
    """One node on the page, in units of the picture."""

    id: str
    x: float
    y: float
    owner: str
    title: str
    tone: str


def lineage_svg(lineage: Lineage, *, highlight: frozenset[str] = frozenset()) -> str:
    """Draw a lineage.

    Args:
        lineage: The lineage.
        highlight: Ids of nodes to mark, such as all that depends on one.

    Returns:
        SVG that inherits colours and type from the page; the same for the same lineage.
    """
    boxes, columns = _placed(lineage, highlight)
    if not boxes:
        return ""
    lowest = max(box.y for box in boxes.values()) + BOX_HEIGHT
    edges = [*lineage.edges(), *((f"? {part.missing}", part.of) for part in lineage.broken)]
    backward = [edge for edge in edges if edge in lineage.cycles]
    around = [edge for edge in edges if edge not in backward and _crosses(boxes, *edge)]
    lanes = [*around, *backward]
    width = len(columns) * BOX_WIDTH + (len(columns) - 1) * COLUMN_GAP
    height = lowest + 10 + LANE * len(lanes)
    parts = [
        f'<svg class="lineage" role="img" viewBox="-2 -2 {width + 4:g} {height + 4:g}" '
        f'style="min-width:{width * 0.8:g}px" xmlns="http://www.w3.org/2000/svg" '
        f"aria-label={quoteattr(cut(_described(lineage), 400))}>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0.8 7 4 0 7.2z" fill="currentColor"/></marker></defs>',
    ]
    for at, kind in enumerate(columns):
        middle = at * (BOX_WIDTH + COLUMN_GAP) + BOX_WIDTH / 2
        parts.append(f'<text class="kind" x="{middle:g}" y="12">{COLUMN_NAMES[kind]}</text>')
    for origin, made in edges:
        if (origin, made) not in lanes:
            parts.append(_edge(boxes[origin], boxes[made]))
    for lane, (origin, made) in enumerate(lanes):
        draw = _edge_back if (origin, made) in backward else _edge_around
        parts.append(draw(boxes[origin], boxes[made], lowest + 8 + LANE * lane))
    parts += [_box(box) for box in boxes.values()]
    return "".join([*parts, "</svg>"])


def _placed(lineage: Lineage, highlight: frozenset[str]) -> tuple[dict[str, Box], list[str]]:
    """Place nodes in columns by kind, and in each column near what they are made from."""
    kinds = {node.id: node.kind for node in lineage.nodes.values()}
    origins: dict[str, tuple[str, ...]] = {node.id: node.made_from for node in lineage.nodes.values()}
    for part in lineage.broken:
        at = LINEAGE_KINDS.index(kinds[part.of])
        kinds[f"? {part.missing}"] = LINEAGE_KINDS[max(0, at - 1)]
        origins[f"? {part.missing}"] = ()
    columns = [kind for kind in LINEAGE_KINDS if kind in kinds.values()]
    tallest = max((sum(1 for k in kinds.values() if k == kind) for kind in columns), default=0)
    row: dict[str, float] = {}
    boxes: dict[str, Box] = {}
    for at, kind in enumerate(columns):
        members = [name for name, found in kinds.items() if found == kind]
        order = {name: place for place, name in enumerate(members)}
        members.sort(key=lambda name: (_middle(origins[name], row), order[name]))
        first = (tallest - len(members)) / 2
        for place, name in enumerate(members):
            row[name] = first + place
            y = TOP + row[name] * (BOX_HEIGHT + ROW_GAP)
            boxes[name] = _box_of(lineage, name, at * (BOX_WIDTH + COLUMN_GAP), y, highlight)
    return boxes, columns


def _middle(names: tuple[str, ...], row: Mapping[str, float]) -> float:
    known = [row[name] for name in names if name in row]
    return sum(known) / len(known) if known else 0.0


def _box_of(lineage: Lineage, name: str, x: float, y: float, highlight: frozenset[str]) -> Box:
    node = lineage.nodes.get(name)
    if node is None:
        return Box(name[2:], x, y, "declared nowhere", f"{name[2:]} is declared nowhere", "broken")
    said = [node.id, node.kind.replace("_", " "), f"owner {node.owner}" if node.owner else "no owner"]
    said += [f"version {node.version}"] if node.version else []
    said += [node.what] if node.what else []
    tone = "marked" if name in highlight else "implied" if node.implied else ""
    return Box(name, x, y, node.owner or "no owner", "; ".join(said), tone)


def _box(box: Box) -> str:
    middle = box.x + BOX_WIDTH / 2
    return (
        f'<g class="node {box.tone}"><title>{escape(cut(box.title, 400))}</title>'
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text class="name" x="{middle:g}" y="{box.y + 20:g}">{escape(cut(box.id, NAME_FITS))}</text>'
        f'<text class="who" x="{middle:g}" y="{box.y + 36:g}">{escape(cut(box.owner, OWNER_FITS))}</text></g>'
    )


def _edge(origin: Box, made: Box) -> str:
    y1, y2 = origin.y + BOX_HEIGHT / 2, made.y + BOX_HEIGHT / 2
    x1 = origin.x + BOX_WIDTH
    if made.x <= origin.x:
        bow = x1 + COLUMN_GAP * 0.7
        path = f"M{x1:g} {y1:g}C{bow:g} {y1:g} {bow:g} {y2:g} {x1 + 1:g} {y2:g}"
    else:
        half = (made.x - x1) / 2
        path = f"M{x1:g} {y1:g}C{x1 + half:g} {y1:g} {made.x - half:g} {y2:g} {made.x - 1:g} {y2:g}"
    return f'<path class="edge{_tone(origin, made)}" d="{path}" marker-end="url(#tip)"/>'


def _crosses(boxes: Mapping[str, Box], origin: str, made: str) -> bool:
    """Return whether a line between two boxes would run behind a third one."""
    start, end = boxes[origin], boxes[made]
    for box in boxes.values():
        if start.x < box.x < end.x:
            along = (box.x - start.x) / (end.x - start.x)
            if abs(start.y + along * (end.y - start.y) - box.y) < BOX_HEIGHT:
                return True
    return False


def _edge_around(origin: Box, made: Box, y: float) -> str:
    """Draw an edge that would run behind other boxes: below them all, and up to the made one's side."""
    x1, y1 = origin.x + BOX_WIDTH, origin.y + BOX_HEIGHT / 2 + 8
    x2, y2 = made.x, made.y + BOX_HEIGHT / 2 + 8
    down, up = x1 + COLUMN_GAP * 0.4, x2 - COLUMN_GAP * 0.4
    path = f"M{x1:g} {y1:g}H{down:g}V{y:g}H{up:g}V{y2:g}H{x2 - 1:g}"
    return f'<path class="edge{_tone(origin, made)}" d="{path}" marker-end="url(#tip)"/>'


def _tone(origin: Box, made: Box) -> str:
    if origin.tone == "broken":
        return " broken"
    return " marked" if origin.tone == made.tone == "marked" else ""


def _edge_back(origin: Box, made: Box, y: float) -> str:
    """Draw an edge that closes the loop: down, back below everything, and up again."""
    x1, x2 = origin.x + BOX_WIDTH / 2 + 8, made.x + BOX_WIDTH / 2 - 8
    y1, y2 = origin.y + BOX_HEIGHT, made.y + BOX_HEIGHT + 1
    return f'<path class="edge back" d="M{x1:g} {y1:g}V{y:g}H{x2:g}V{y2:g}" marker-end="url(#tip)"/>'


def _described(lineage: Lineage) -> str:
    counts: dict[str, int] = {}
    for node in lineage.nodes.values():
        counts[node.kind] = counts.get(node.kind, 0) + 1
    named = ", ".join(f"{count} {COLUMN_NAMES[kind].lower()}" for kind, count in counts.items())
    broken = f"; {len(lineage.broken)} broken references" if lineage.broken else ""
    return f"Lineage of {lineage.product}: {named}{broken}. The same as a list stands beside it."
