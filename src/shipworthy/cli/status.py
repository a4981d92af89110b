"""`shipworthy status`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    "status", short_help="what stands of a decision, with its signatures; the exit code is the verdict"
)
@click.argument("decision", default="latest")
@click.option(
    "--product", "folder", default=".", type=click.Path(path_type=Path), help="The product's folder."
)
@click.option("--guardrails-in-place", is_flag=True, help="Exit 0 instead of 4 for ship_with_guardrails.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def command(
    ctx: click.Context, decision: str, folder: Path, guardrails_in_place: bool, as_json: bool
) -> None:
    """Say what stands today of DECISION (an id, its beginning, or latest).

    A decision never changes. What stands is the decision together with its signatures and with waivers and
    acceptances that may have ended since: a required signature that is missing or sent back holds it.

    \b
    Example:
      shipworthy status
    """
    from shipworthy.api.signing import standing_of
    from shipworthy.cli.console import print_json
    from shipworthy.cli.standing_shown import print_standing
    from shipworthy.records import Verdict

    stood = standing_of(folder, decision)
    verdict = stood.standing.verdict
    if as_json:
        print_json({"id": stood.decided.id, "standing": stood.standing, "signatures": stood.signatures})
    else:
        print_standing(stood)
    if verdict is Verdict.ship_with_guardrails and guardrails_in_place:
        ctx.exit(0)
    ctx.exit(verdict.exit_code)
