"""`shipworthy demo`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.demo.bundled import PRODUCTS

if TYPE_CHECKING:
    from shipworthy.api.product import Decided
    from shipworthy.records import Decision

SHOWN = 3


@click.command("demo", short_help="judge the two bundled products and write their records")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path("shipworthy-demo"),
    show_default=True,
    help="Folder that holds the products; what is there is kept.",
)
@click.option("--only", type=click.Choice(PRODUCTS), help="Judge this product alone.")
@click.option("--json", "as_json", is_flag=True, help="Print what came out as JSON.")
def command(into: Path, only: str | None, as_json: bool) -> None:
    """Set up the bundled products, run all their systems, decide, and write a record of each.

    Both are real and offline: `screening` says which breast masses need a biopsy, `docs_assistant` answers
    questions about Python's standard library. Each becomes an ordinary product in a folder of its own. The
    exit code is 0 when the demo worked, whatever the verdicts are.

    \b
    Example:
      shipworthy demo --into my-demo --only docs_assistant
    """
    from shipworthy.cli.console import print_json

    judged = list(_judged(into, [only] if only else _possible()))
    if as_json:
        print_json([_as_json(folder, decided) for folder, decided in judged])
        return
    for _folder, decided in judged:
        _print(decided.decision)
    _print_openers([folder for folder, _decided in judged])


def _possible() -> list[str]:
    """Return the products that can run here, and say what the others lack."""
    from shipworthy.cli.console import say
    from shipworthy.demo.bundled import missing

    for name in PRODUCTS:
        if package := missing(name):
            say(f'{name} is left out: it needs {package}. pip install "shipworthy[demo]"')
    return [name for name in PRODUCTS if not missing(name)]


def _judged(into: Path, names: list[str]) -> Iterator[tuple[Path, Decided]]:
    from shipworthy.cli.console import say, watcher
    from shipworthy.demo.bundled import is_set_up, judge, set_up

    for name in names:
        if is_set_up(into, name):
            say(f"{into / name} is kept as it is; remove it for a fresh copy.")
        else:
            say(f"Setting up {into / name} and running its systems.")
        folder = set_up(into, name)
        yield folder, judge(folder, watcher())


def _as_json(folder: Path, decided: Decided) -> dict[str, Any]:
    from shipworthy.demo.bundled import RECORD

    decision = decided.decision
    return {
        "product": decision.evidence.product,
        "verdict": decision.verdict,
        "headline": decision.headline,
        "got_worse": decision.got_worse,
        "newly_failing": {
            part.other: [change.case_id for change in part.newly_failing]
            for part in decision.evidence.comparisons
        },
        "id": decided.id,
        "decision": str(decided.path),
        "record": str((folder / RECORD).resolve()),
    }


def _print(decision: Decision) -> None:
    """Print verdict, headline, what would change it, what got worse, and what holding costs."""
    from rich.padding import Padding
    from rich.text import Text

    from shipworthy.cli.console import banner, out
    from shipworthy.decide.record import words

    console = out()
    console.print()
    console.print(banner(decision))
    console.print(Padding(Text(words.visible(decision.headline), style="bold"), (0, 0, 0, 1)))
    for line in _lines(decision):
        console.print(Padding(Text(f"· {words.visible(line)}"), (0, 0, 0, 1)))


def _lines(decision: Decision) -> Iterator[str]:
    from shipworthy.decide.record import words
    from shipworthy.decide.record.story import main_comparison

    for reason in decision.forced_by[:1]:
        if reason.change:
            yield f"What would change it: {reason.change}"
    yield from decision.got_worse[:1]
    comparison = main_comparison(decision)
    if comparison is not None and comparison.newly_failing:
        first = comparison.newly_failing[:SHOWN]
        named = "; ".join(_named(change.case_id, words.cut(change.input, 48)) for change in first)
        yield f"Newly failing against {comparison.other}, the worst first: {named}."
    if decision.evidence.holding is not None:
        yield decision.evidence.holding.sentence


def _named(case_id: str, question: str) -> str:
    return f"{case_id} ({question})" if question else case_id


def _print_openers(folders: list[Path]) -> None:
    from shipworthy.cli.console import out
    from shipworthy.demo.bundled import RECORD

    console = out()
    console.print()
    console.print(" Open the records; newly failing cases stand in them by name:")
    for folder in folders:
        # Not wrapped: a path broken over two lines cannot be copied.
        console.print(f"   {_opener()} {(folder / RECORD).resolve().as_uri()}", markup=False, soft_wrap=True)
    console.print(
        f" Each folder is an ordinary product: cd {folders[0]} && shipworthy decide",
        markup=False,
        soft_wrap=True,
    )
    console.print()


def _opener() -> str:
    """Return the command that opens a file on this platform."""
    if sys.platform == "darwin":
        return "open"
    return "start" if os.name == "nt" else "xdg-open"
