"""`shipworthy verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from shipworthy.api.chained import ChainChecked


@click.command("verify", short_help="recompute a decision from its runs, and check the chain of records")
@click.argument("decision", default="latest")
@click.option(
    "--product", "folder", default=".", type=click.Path(path_type=Path), help="The product's folder."
)
@click.option("--chain", "only_chain", is_flag=True, help="Only check the chain, and every run it rests on.")
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="HASH",
    help="A head that was kept elsewhere; it must be there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what came out as JSON.")
@click.pass_context
def command(
    ctx: click.Context, decision: str, folder: Path, only_chain: bool, anchors: tuple[str, ...], as_json: bool
) -> None:
    """Recompute DECISION (an id, its beginning, or latest) from its runs and the spec it was made by.

    The chain is checked too: each decision and each signature by its content hash, that every record it
    comes after is there, and that records anchored in git tags are. With --chain nothing is recomputed, and
    the rows and outputs of the runs of all decisions are read instead.

    Exits 0 when every number and the verdict come out again and the chain holds, 3 when they do not or a file
    was changed.

    \b
    Examples:
      shipworthy verify 60bdbe0a51b0
      shipworthy verify --chain
    """
    from shipworthy.api.chained import check_chain
    from shipworthy.api.product import open_product
    from shipworthy.cli.console import others_prints_aside, out, print_json
    from shipworthy.decide.record.words import visible
    from shipworthy.records import plain

    chain = check_chain(folder, anchors=anchors, runs=only_chain)
    if only_chain:
        if as_json:
            print_json(chain)
        else:
            _print_chain(chain)
        ctx.exit(0 if chain.holds else 3)
    with others_prints_aside():
        found = open_product(folder).verify(decision)
    if as_json:
        print_json({**plain(found), "chain": chain})
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
        _print_chain(chain)
    ctx.exit(0 if found.holds and chain.holds else 3)


def _print_chain(chain: ChainChecked) -> None:
    from shipworthy.cli.console import out
    from shipworthy.decide.record.words import plural, visible

    console = out()
    counted = f"{plural(chain.decisions, 'decision')} and {plural(chain.signatures, 'signature')}"
    if not chain.decisions and not chain.faults:
        console.print("There is no record yet.", markup=False)
    elif chain.holds:
        anchored = f"; {chain.anchored:,} of them anchored" if chain.anchored else ""
        console.print(f"✓ the chain of {counted} holds{anchored}.", markup=False)
    else:
        console.print("✗ the chain of records does not hold:", markup=False)
        for fault in chain.faults:
            console.print(f"  · {visible(fault.what)} ({visible(fault.where)})", markup=False, soft_wrap=True)
        console.print("  → Restore what is named from version control or a backup.", markup=False)
    for note in chain.notes:
        console.print(f"  · {visible(note)}", markup=False, soft_wrap=True)
