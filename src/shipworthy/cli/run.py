"""`shipworthy run`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("run", short_help="run a system over the golden set")
@click.argument("system", required=False)
@click.option(
    "--product", "folder", default=".", type=click.Path(path_type=Path), help="The product's folder."
)
@click.option("--confirm", is_flag=True, help="Run over the confirmation set instead of the golden set.")
@click.option("--again", is_flag=True, help="Ask a function again although its answers are kept.")
@click.option("--json", "as_json", is_flag=True, help="Print the run's pins and counts as JSON.")
def command(system: str | None, folder: Path, confirm: bool, again: bool, as_json: bool) -> None:
    """Run SYSTEM (by default the candidate) over the golden set and score what it says.

    A recorded file is entered; a Python function is asked, with a progress bar. Interrupting and running
    again goes on where it stopped. A run that is there already is used again.

    \b
    Example:
      shipworthy run candidate
    """
    from shipworthy.api.product import open_product
    from shipworthy.cli.console import others_prints_aside, out, print_json, watcher
    from shipworthy.decide.record.words import listed

    with others_prints_aside():
        pins, was_there = open_product(folder).run(system, progress=watcher(), again=again, confirm=confirm)
    if as_json:
        print_json({"was_there": was_there, **_pins(pins)})
        return
    count = pins.denominator
    console = out()
    word = "was run already" if was_there else "was run"
    console.print(f"{pins.system} {word}: {pins.run_id}", markup=False)
    console.print(
        f"  {count.planned:,} planned = {count.scored:,} scored + {count.failed:,} failed + "
        f"{count.unscored:,} unscored",
        markup=False,
    )
    for word, reasons in (("failed", count.failed_reasons), ("unscored", count.unscored_reasons)):
        if reasons:
            console.print(
                f"  {word}: {listed([f'{reason} ({n:,})' for reason, n in reasons.items()])}", markup=False
            )
    console.print(f"  next: shipworthy decide{' --confirm' if confirm else ''}", style="dim", markup=False)


def _pins(pins: object) -> dict[str, object]:
    from shipworthy.records import plain

    found: dict[str, object] = plain(pins)
    return found
