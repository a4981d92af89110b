"""`shipworthy init`."""

from __future__ import annotations

from pathlib import Path

import click

KINDS = ("classifier", "regressor", "ranker", "detector", "generator", "rag", "agent")


@click.command("init", short_help="write a small working product to start from")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="rag",
    show_default=True,
    help="What kind of AI product it is.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the written files as JSON.")
def command(folder: Path, kind: str, as_json: bool) -> None:
    """Write a small working product into FOLDER, with comments that teach.

    It runs and decides as it is; replace its golden set and outputs by yours, piece by piece.

    \b
    Example:
      shipworthy init my-product --kind classifier
      cd my-product
      shipworthy decide
    """
    from shipworthy.define.scaffold import write_product

    written = write_product(folder, kind)
    if as_json:
        from shipworthy.cli.console import print_json

        print_json({"folder": str(folder), "kind": kind, "files": [str(path) for path in written]})
        return
    click.echo(f"wrote {folder} ({kind}):")
    for path in written:
        click.echo(f"  {path}")
    click.echo(f"next: cd {folder} && shipworthy run && shipworthy decide")
