"""The problem brief: one page on whose problem it is, what is done without AI, and what an error costs."""

from __future__ import annotations

from dataclasses import replace
from unicodedata import east_asian_width

from shipworthy.define.documents.escaping import ELLIPSIS, cut
from shipworthy.define.documents.model import Block, Bullets, Cell, Document, Facts, Paragraph, Section, Table
from shipworthy.define.documents.parts import about, cost_table, facts, harm_table, product_name
from shipworthy.define.documents.telling import Telling, words_of

__all__ = ["brief"]

#: What fits on one printed page: letters of one cell, rows of one table.
LETTERS, ROWS, COST_ROWS = 120, 3, 5


def brief(t: Telling) -> Document:
    """Return the one-page problem brief; what is longer than the page is cut and its key is named."""
    problem = facts(
        t,
        ("User", ("problem", "user")),
        ("Job", ("problem", "job")),
        ("Today", ("problem", "today")),
        ("Without AI", ("problem", "without_ai")),
    )
    decision = facts(
        t,
        ("Prediction", ("decision", "prediction")),
        ("Triggers", ("decision", "action")),
        ("Who acts", ("decision", "actor")),
    )
    costs: list[Block] = [cost_table(t)]
    if t.spec.costs is not None and t.spec.costs.volume_per_month is not None:
        volume = words_of(t.spec.costs.volume_per_month)
        costs.append(Paragraph(Cell(f"Cases a month: {volume}.", (("costs", "volume_per_month"),))))
    sections = (
        Section("The problem", (problem,)),
        Section("The decision", (decision,)),
        Section("What an error costs", tuple(costs)),
        Section("Success", (Paragraph(t.said("problem", "success"), lead=True),)),
        Section("Harm", (harm_table(t),)),
    )
    short = tuple(replace(part, blocks=tuple(_short(t, block) for block in part.blocks)) for part in sections)
    if any(_is_cut(part) for part in short):
        more = Section(
            "Shortened", (Paragraph(Cell(f"What ends in {ELLIPSIS} goes on in the spec.", tone="soft")),)
        )
        short = (*short, more)
    product = _cut(t, product_name(t), 70)
    head = tuple(_cut(t, cell, 50) for cell in about(t))
    return Document("brief", "Problem brief", product, head, short, one_page=True)


def _short(t: Telling, block: Block) -> Block:
    match block:
        case Paragraph():
            return replace(block, cell=_cut(t, block.cell))
        case Facts():
            return Facts(tuple((name, _cut(t, cell)) for name, cell in block.rows))
        case Table():
            most = COST_ROWS if block.caption.startswith("What each") else ROWS
            rows = tuple(tuple(_cut(t, cell, LETTERS // 2) for cell in row) for row in block.rows[:most])
            if len(block.rows) > most:
                left = len(block.rows) - most
                key = block.rows[most][0].keys
                more = Cell(f"and {left} more (key {t.key(block.empty.keys[0])})", key, "soft")
                rows = (*rows, (more, *(Cell("") for _ in block.columns[1:])))
            return replace(block, rows=rows)
        case Bullets():
            return Bullets(tuple(_cut(t, cell) for cell in block.items[:ROWS]))
        case _:
            return block


def _cut(t: Telling, cell: Cell, letters: int = LETTERS) -> Cell:
    """Return a cell that fits; letters that are twice as wide count twice."""
    wide = sum(east_asian_width(letter) in "WF" or letter in "MW@%" for letter in cell.text[:letters])
    return replace(cell, text=cut(cell.text, letters - wide // 2))


def _is_cut(part: Section) -> bool:
    texts = (cell.text for cell in Document("", "", Cell(""), (), (part,)).cells())
    return any(text.endswith(ELLIPSIS) for text in texts)
