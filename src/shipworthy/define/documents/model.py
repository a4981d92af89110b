"""What a document is made of, before it is written in any format: every cell knows the key it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "NOT_SAID",
    "Block",
    "Bullets",
    "Cell",
    "Document",
    "Drawing",
    "Facts",
    "KeyPath",
    "Paragraph",
    "Section",
    "Table",
    "Tone",
]

#: Keys and indexes from the top of the spec down to a value.
KeyPath = tuple[str | int, ...]

Tone = Literal[
    "", "missing", "open", "struck", "soft", "strong",
    "met", "not_met", "not_proven", "not_measured",
    "ship", "ship_with_guardrails", "hold", "roll_back", "invalid",
]  # fmt: skip


#: Tones of cells about which the spec says nothing.
NOT_SAID: tuple[Tone, ...] = ("missing", "open")
#: Names of which nothing is said, from which on they share one row.
MANY = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing that a document says.

    Args:
        text: What it says.
        keys: Keys of the spec that it comes from; empty for the document's own words.
        tone: How it is shown: missing (the spec does not say it), open (nor need it), struck (must not be
            said), a gate's answer, a verdict.
        note: What is added beside it in a softer voice.
        decision: Id of the decision that its value comes from; empty where it comes from the spec alone.
    """

    text: str
    keys: tuple[KeyPath, ...] = ()
    tone: Tone = ""
    note: str = ""
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One or more sentences; `lead` for the one that a reader takes away."""

    cell: Cell
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with what is said of them."""

    rows: tuple[tuple[str, Cell], ...]

    def apart(self) -> tuple[tuple[tuple[str, Cell], ...], tuple[tuple[str, Cell], ...]]:
        """Return what is said, and what is not where that is so much that it is told in one row."""
        silent = tuple(row for row in self.rows if row[1].tone in NOT_SAID)
        if len(silent) < MANY:
            return self.rows, ()
        return tuple(row for row in self.rows if row[1].tone not in NOT_SAID), silent


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of things said."""

    items: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under column names; the first cell of a row names it.

    Args:
        caption: What it shows, for readers who do not see it.
        columns: Names of the columns.
        rows: Cells, as many as there are columns.
        empty: What is said in its place where it has no rows.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: Cell = Cell("nothing")

    def not_said(self) -> str:
        """Return of how many cells nothing is said, by column; empty where all is said."""
        counts = [sum(row[at].tone in NOT_SAID for row in self.rows) for at in range(len(self.columns))]
        named = [f"{name} {n}" for name, n in zip(self.columns, counts, strict=True) if n]
        return f"— is not said ({', '.join(named)})" if named else ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture as SVG, made by us and escaped; the same facts stand beside it as text."""

    svg: str
    caption: str


Block = Paragraph | Facts | Bullets | Table | Drawing


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it."""

    title: str
    blocks: tuple[Block, ...] = ()
    parts: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document about one product.

    Args:
        name: Its name on the command line, such as prd.
        title: What kind of document it is, in words.
        product: The product's name for people.
        about: What stands under the title: version, owner, day, decision.
        sections: Its sections.
        front: Metadata that stands in front of the Markdown as YAML; empty where there is none.
        one_page: Whether it must print on one page.
    """

    name: str
    title: str
    product: Cell
    about: tuple[Cell, ...]
    sections: tuple[Section, ...]
    front: Mapping[str, Any] = field(default_factory=dict)
    one_page: bool = False

    def cells(self) -> Iterator[Cell]:
        """Yield every cell, in reading order."""
        yield self.product
        yield from self.about
        for section in self.sections:
            yield from _cells_of(section)


def _cells_of(section: Section) -> Iterator[Cell]:
    for block in section.blocks:
        match block:
            case Paragraph(cell=cell):
                yield cell
            case Facts(rows=rows):
                yield from (cell for _name, cell in rows)
            case Bullets(items=items):
                yield from items
            case Table(rows=lines, empty=empty):
                yield from (cell for row in lines for cell in row) if lines else iter((empty,))
            case Drawing():
                pass
    for part in section.parts:
        yield from _cells_of(part)
