"""A document as one self-contained HTML page: no script, no outside asset, light, dark and print."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from shipworthy.define.documents.escaping import readable, visible
from shipworthy.define.documents.look import house_css, page_environment, text_of
from shipworthy.define.documents.model import NOT_SAID, Block, Cell, Document, Drawing, Section, Table
from shipworthy.define.documents.telling import Telling

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["MARKS", "html_of"]

PACKAGE = "shipworthy.define.documents"
#: Signs in front of a gate's answer and of a verdict, the same as on records, so that colour is never alone.
MARKS = {
    "met": "✓", "not_met": "✗", "not_proven": "◐", "not_measured": "?",
    "ship": "✓", "ship_with_guardrails": "[✓]", "hold": "‖", "roll_back": "↩", "invalid": "?",
}  # fmt: skip
#: Columns from which on a table takes the whole width.
WIDE = 5


def html_of(document: Document, t: Telling, *, siblings: Sequence[tuple[str, str]] = ()) -> str:
    """Return a document as an HTML page.

    Args:
        document: The document.
        t: The spec that its cells trace to; its text stands at the end, each cell linked to its line.
        siblings: File name and title of the documents that lie beside it.

    Returns:
        A complete page that needs no network, no script and no other file.
    """
    from markupsafe import Markup

    template = _environment().get_template("document.html.j2")
    return template.render(
        d=document,
        css=Markup(house_css() + text_of(PACKAGE, "document.css")),  # noqa: S704  our own files
        t=t,
        lines=visible(t.file.text).split("\n"),
        spec_name=t.file.path.name,
        siblings=siblings,
    )


@cache
def _environment() -> Environment:
    return page_environment(
        PACKAGE,
        MARKS=MARKS,
        NOT_SAID=NOT_SAID,
        kind_of=_kind_of,
        is_wide=_is_wide,
        drawn=_drawn,
        traces=_traces,
        readable=readable,
        dotted=_dotted,
    )


def _kind_of(block: Block) -> str:
    return type(block).__name__.lower()


def _is_wide(section: Section) -> bool:
    """Return whether a section needs the whole width: for a picture or for a table of many columns."""
    return any(
        isinstance(block, Drawing) or (isinstance(block, Table) and len(block.columns) > WIDE)
        for block in section.blocks
    ) or any(_is_wide(part) for part in section.parts)


def _drawn(drawing: Drawing) -> Any:
    from markupsafe import Markup

    return Markup(drawing.svg)  # noqa: S704  our own, escaped where it is drawn


def _dotted(name: str) -> Any:
    """Return a key that breaks at its dots only."""
    from markupsafe import Markup, escape

    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=\.)", visible(name)))


def _traces(t: Telling, cell: Cell) -> list[tuple[str, int]]:
    """Return name and line of each key that a cell comes from."""
    return [(t.key(path), t.line(path)) for path in cell.keys]
