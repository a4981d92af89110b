"""A document as Markdown that reads well in a repository and differs by line where the spec differs."""

from __future__ import annotations

import re
from dataclasses import replace

from shipworthy.define.documents.escaping import markdown_line, readable
from shipworthy.define.documents.html import MARKS
from shipworthy.define.documents.model import (
    NOT_SAID,
    Block,
    Bullets,
    Cell,
    Document,
    Drawing,
    Facts,
    Paragraph,
    Section,
    Table,
)
from shipworthy.define.documents.telling import Telling

__all__ = ["markdown_of"]

#: Letters of one cell that are written at most.
LONGEST = 20_000


def markdown_of(document: Document, t: Telling) -> str:
    """Return a document as Markdown.

    Each cell is followed by a comment with the key it comes from, which no reader of the page sees. No line
    numbers are written, so that a change of the spec changes only what it says.

    Args:
        document: The document.
        t: The spec that its cells trace to.

    Returns:
        GitHub-flavoured Markdown in which nothing from the spec is markup.
    """
    parts = [
        f"# {document.title}: {_cell(t, document.product)}",
        " · ".join(_cell(t, cell) for cell in document.about),
        *(text for section in document.sections for text in _section(t, section, 2)),
    ]
    body = "\n\n".join(part for part in parts if part) + "\n"
    return _front(document) + body


def _front(document: Document) -> str:
    if not document.front:
        return ""
    from io import StringIO

    from ruamel.yaml import YAML

    writer, text = YAML(), StringIO()
    writer.default_flow_style = False
    writer.width = 4096
    writer.dump(dict(document.front), text)
    return f"---\n{text.getvalue()}---\n\n"


def _section(t: Telling, section: Section, level: int) -> list[str]:
    found = [f"{'#' * level} {section.title}", *(_block(t, block) for block in section.blocks)]
    for part in section.parts:
        found += _section(t, part, level + 1)
    return found


def _block(t: Telling, block: Block) -> str:
    match block:
        case Paragraph(cell=cell):
            return _cell(t, cell)
        case Facts():
            return _facts(t, block)
        case Bullets(items=items):
            return "\n".join(f"- {_cell(t, cell)}" for cell in items)
        case Table():
            return _table(t, block)
        case Drawing():
            return ""


def _facts(t: Telling, facts: Facts) -> str:
    said, silent = facts.apart()
    lines = [f"- **{markdown_line(name)}**: {_cell(t, cell)}" for name, cell in said]
    if silent:
        named = (f"{markdown_line(name)} ({_keys(t, cell)})" if cell.keys else name for name, cell in silent)
        lines.append(f"- **Not said**: _{'; '.join(named)}_")
    return "\n".join(lines)


def _keys(t: Telling, cell: Cell) -> str:
    return "key " + ", ".join(markdown_line(t.key(path)) for path in cell.keys)


def _table(t: Telling, table: Table) -> str:
    if not table.rows:
        return f"{markdown_line(table.caption)}: {_cell(t, table.empty)}"
    lines = [f"| {' | '.join(table.columns)} |", f"|{'---|' * len(table.columns)}"]
    lines += [f"| {' | '.join(_entry(t, cell) for cell in row)} |" for row in table.rows]
    silent = table.not_said()
    return "\n".join([*lines, *(["", f"_{silent}_"] if silent else [])])


def _entry(t: Telling, cell: Cell) -> str:
    """Return a cell as it stands in a table, where what is not said is a dash with its key in a comment."""
    return _cell(t, replace(cell, text="—", tone="") if cell.tone in NOT_SAID and cell.keys else cell)


def _cell(t: Telling, cell: Cell) -> str:
    text = markdown_line(readable(cell.text), LONGEST)
    match cell.tone:
        case "missing":
            text = f"_{text}_"
        case "struck":
            text = f"~~{text}~~"
        case "strong":
            text = f"**{text}**" if text else ""
        case tone if tone in MARKS:
            text = f"{_mark(tone)} {text}"
    note = markdown_line(readable(cell.note), LONGEST)
    if note:
        # What follows a whole sentence is a sentence itself.
        note = f" {note}" if cell.text.endswith(".") else f" ({note})"
    sources = [_harmless(t.key(path)) for path in cell.keys[:3]]
    sources += [f"decision {_harmless(cell.decision)}"] if cell.decision else []
    return text + note + (f" <!-- {', '.join(sources)} -->" if sources else "")


def _mark(tone: str) -> str:
    return MARKS[tone].replace("[", "\\[").replace("]", "\\]")


def _harmless(name: str) -> str:
    """Return a key's name as it can stand in a comment without ending it, nor a row of a table."""
    return re.sub(r"-{2,}", "-", re.sub(r"[^\w.@^#:/ =-]", "_", name))
