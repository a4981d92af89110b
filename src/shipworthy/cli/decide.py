"""`shipworthy decide`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("decide", short_help="judge a system by the spec; the exit code is the verdict")
@click.argument("subject", required=False)
@click.option(
    "--product", "folder", default=".", type=click.Path(path_type=Path), help="The product's folder."
)
@click.option(
    "--confirm", is_flag=True, help="Judge on the confirmation set, which is meant to be used once."
)
@click.option("--guardrails-in-place", is_flag=True, help="Exit 0 instead of 4 for ship_with_guardrails.")
@click.option("--html", type=click.Path(path_type=Path), help="Also write the HTML record here.")
@click.option(
    "--markdown", type=click.Path(path_type=Path), help="Also write Markdown for a pull request here."
)
@click.option("--junit", type=click.Path(path_type=Path), help="Also write JUnit XML here.")
@click.option("--explain", is_flag=True, help="Also print the scans of the rows: what for and how long.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole decision as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    subject: str | None,
    folder: Path,
    confirm: bool,
    guardrails_in_place: bool,
    html: Path | None,
    markdown: Path | None,
    junit: Path | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Judge SUBJECT (by default the candidate, else live) by the spec and write the decision down.

    Recorded systems are entered on the way; a function must have been run before. The decision is immutable
    and named by its content hash; deciding again on the same evidence changes nothing. The exit code is what
    stands together with the signatures under it: a required one that is missing holds (see sign and status).

    Looks are counted. A candidate that was judged before on fewer cases is judged by a confidence sequence,
    which holds over all looks (golden.looks). With --confirm it is judged on golden.confirm instead: cases
    that no candidate was chosen on. Using that set a second time is allowed, and said.

    \b
    Example:
      shipworthy decide --html record.html --junit gates.xml
      shipworthy decide --confirm
    """
    from shipworthy.api.product import open_product
    from shipworthy.api.signing import standing_of
    from shipworthy.cli.console import (
        others_prints_aside,
        print_decision,
        print_json,
        print_scans,
        say,
        watcher,
    )
    from shipworthy.cli.outputs import write_outputs
    from shipworthy.cli.standing_shown import print_signatures
    from shipworthy.records import Verdict, plain
    from shipworthy.tables.scans import scans_listed

    with others_prints_aside(), scans_listed(explain) as scans:
        product = open_product(folder)
        decided = product.decide(subject, progress=watcher(), confirm=confirm)
    standing = standing_of(product, decided.id).standing
    write_outputs(
        decided.decision,
        decided.id,
        html=html,
        markdown=markdown,
        junit=junit,
        files=product.files,
        standing=standing,
    )
    if as_json:
        print_json(
            {"id": decided.id, "path": str(decided.path), "is_new": decided.is_new, **plain(decided.decision)}
            | {"standing": plain(standing)}
            | ({"scans": plain(scans)} if explain else {})
        )
    else:
        print_decision(decided.decision, decided.id, decided.path)
        print_signatures(standing)
        if not decided.is_new:
            say("Nothing changed since this decision, so it still stands.")
        say("See the record: shipworthy report")
        if explain:
            print_scans(scans)
    verdict = standing.verdict
    if verdict is Verdict.ship_with_guardrails and guardrails_in_place:
        ctx.exit(0)
    ctx.exit(verdict.exit_code)
