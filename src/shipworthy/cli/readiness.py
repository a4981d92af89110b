"""`shipworthy readiness`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from shipworthy.decide.readiness import Readiness

_MARKS = {"ready": "✓", "amber": "◐", "missing": "?", "failed": "✗"}
_STYLES = {"ready": "green", "amber": "yellow", "missing": "magenta", "failed": "bold red"}


@click.command("readiness", short_help="the launch checklist, each item with its evidence and day")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--html", type=click.Path(path_type=Path), help="Also write it as HTML here.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Also write it as Markdown here.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def command(
    ctx: click.Context, folder: Path, html: Path | None, markdown: Path | None, as_json: bool
) -> None:
    """Say what must be there on launch day for the product in FOLDER, and what is.

    What is asked follows from the product's kind. Each item rests on the spec, the latest decision, the
    signatures under it or the drill file, with the day of the evidence. Evidence of more than 90 days is
    amber by itself; a way back that took more than 60 minutes has failed.

    Exits 0 when nothing has failed and nothing is missing, else 1.

    \b
    Examples:
      shipworthy readiness my-product
      shipworthy readiness --html readiness.html
    """
    from shipworthy.api.readiness import readiness
    from shipworthy.cli.console import out, print_json
    from shipworthy.cli.outputs import write_text
    from shipworthy.records import plain

    found = readiness(folder)
    if html is not None:
        write_text(html, found.html())
    if markdown is not None:
        write_text(markdown, found.markdown())
    if as_json:
        checklist = found.readiness
        summed = {"state": checklist.state, "is_ready": checklist.is_ready, "decision": found.decision_id}
        print_json({**plain(checklist), **plain(summed)})
    else:
        _print(found.readiness)
        for path in (html, markdown):
            if path is not None:
                out().print(
                    f"wrote {path.resolve().as_uri() if path.suffix == '.html' else path}", markup=False
                )
    ctx.exit(0 if found.readiness.is_ready else 1)


def _print(found: Readiness) -> None:
    from rich.table import Table
    from rich.text import Text

    from shipworthy.cli.console import out
    from shipworthy.decide.record.words import visible

    console = out()
    console.print()
    console.print(Text(f" {visible(found.product)} · {found.kind} · {found.day}", style="bold"))
    console.print(Text(f" {found.sentence}"))
    console.print()
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 1), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(ratio=2, min_width=20)
    table.add_column(ratio=5)
    for item in found.items:
        said = Text(visible(item.evidence))
        if item.day and item.day not in item.evidence:
            said.append(f" ({item.day})", style="dim")
        if item.change:
            said.append(f"\n{visible(item.change)}", style="dim")
        state = Text(f"{_MARKS[item.state]} {item.state}", style=_STYLES[item.state])
        table.add_row(state, Text(item.question, style="bold"), said)
    console.print(table)
    console.print()
