"""`shipworthy verify`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("verify", short_help="recompute a decision from its runs")
@click.argument("decision", default="latest")
@click.option(
    "--product", "folder", default=".", type=click.Path(path_type=Path), help="The product's folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print what came out as JSON.")
@click.pass_context
def command(ctx: click.Context, decision: str, folder: Path, as_json: bool) -> None:
    """Recompute DECISION (an id, its beginning, or latest) from its runs and the spec it was made by.

    Exits 0 when every number and the verdict come out again, 3 when they do not or a file was changed.

    \b
    Example:
      shipworthy verify 60bdbe0a51b0
    """
    from shipworthy.api.product import open_product
    from shipworthy.cli.console import others_prints_aside, out, print_json
    from shipworthy.decide.record.words import visible

    with others_prints_aside():
        found = open_product(folder).verify(decision)
    if as_json:
        print_json(found)
    else:
        console = out()
        if found.holds:
            console.print(
                f"✓ decision {found.id} holds: every number and the verdict come out again.", markup=False
            )
        else:
            console.print(f"✗ decision {found.id} does not hold:", markup=False)
        for line in (*found.differences, *found.changed_since):
            console.print(f"  · {visible(line)}", markup=False)
    ctx.exit(0 if found.holds else 3)
