"""`shipworthy compare`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("compare", short_help="two systems on the same cases, newly failing first")
@click.argument("first")
@click.argument("second")
@click.option(
    "--product", "folder", default=".", type=click.Path(path_type=Path), help="The product's folder."
)
@click.option("--explain", is_flag=True, help="Also print the scans of the rows: what for and how long.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def command(first: str, second: str, folder: Path, explain: bool, as_json: bool) -> None:
    """Compare FIRST with SECOND (systems by name, or run ids) on the cases both hold.

    FIRST is the one that would ship. Differences are paired: both systems on the same cases.

    \b
    Example:
      shipworthy compare candidate live
    """
    from shipworthy.api.product import open_product
    from shipworthy.cli.console import (
        others_prints_aside,
        print_comparison,
        print_json,
        print_scans,
        watcher,
    )
    from shipworthy.records import plain
    from shipworthy.tables.scans import scans_listed

    with others_prints_aside(), scans_listed(explain) as scans:
        product = open_product(folder)
        comparison = product.compare(first, second, progress=watcher())
    if as_json:
        print_json(plain(comparison) | {"scans": plain(scans)} if explain else comparison)
    else:
        costs = product.spec.costs
        print_comparison(comparison, costs.currency if costs is not None else "")
        if explain:
            print_scans(scans)
