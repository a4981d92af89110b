"""`shipworthy sign`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command("sign", short_help="sign a decision, send it back, or decide against it")
@click.argument("decision", default="latest")
@click.option("--as", "role", default="", metavar="ROLE", help="Role of `owners` that you sign for.")
@click.option(
    "--by",
    default="",
    metavar='"NAME <EMAIL>"',
    help="Who signs.  [default: the user of git's configuration]",
)
@click.option("--return", "returns", is_flag=True, help="Send it back; needs --reason.")
@click.option(
    "--against", default="", metavar="VERDICT", help="The verdict that shall stand; needs --reason."
)
@click.option("--reason", default="", help="Why it is sent back, or decided otherwise.")
@click.option("--list", "lists", is_flag=True, help="Only list who signed, and who must.")
@click.option(
    "--product", "folder", default=".", type=click.Path(path_type=Path), help="The product's folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print the signature and what stands now as JSON.")
def command(
    decision: str,
    role: str,
    by: str,
    returns: bool,
    against: str,
    reason: str,
    lists: bool,
    folder: Path,
    as_json: bool,
) -> None:
    """Sign DECISION (an id, its beginning, or latest) for a role of the spec's `owners`.

    A signature binds the hashes of the decision, its spec and its evidence, and is a record of its own that
    is never changed. A required signature (owners.signers, from level launch on) that is missing or sent back
    holds the release. Deciding against the recommendation takes two different people, each with a reason, and
    stays visible.

    Name and address are taken from git's configuration or from --by. They prove that somebody who could write
    this folder said so, and no more; see the docs on records.

    \b
    Examples:
      shipworthy sign --as legal --by "Lena <lena@example.org>"
      shipworthy sign --as legal --return --reason "the disclosure is missing"
      shipworthy sign --against ship --reason "the old one breaks tomorrow"
      shipworthy sign --list
    """
    from shipworthy.api.signing import sign, standing_of
    from shipworthy.cli.console import out, print_json
    from shipworthy.cli.standing_shown import print_standing
    from shipworthy.decide.record.words import visible
    from shipworthy.errors import UsageError

    if lists:
        stood = standing_of(folder, decision)
        if as_json:
            print_json({"id": stood.decided.id, "standing": stood.standing, "signatures": stood.signatures})
        else:
            print_standing(stood)
        return
    if returns and against:
        raise UsageError(
            "--return and --against exclude each other.", fix="Send it back, or decide otherwise."
        )
    says: Literal["agree", "return", "against"] = "return" if returns else "against" if against else "agree"
    made = sign(folder, decision, role=role, by=by, says=says, verdict=against, reason=reason)
    if as_json:
        print_json(
            {
                "id": made.stood.decided.id,
                "signature": made.signature,
                "path": str(made.path),
                "standing": made.stood.standing,
            }
        )
        return
    console = out()
    did = {"agree": "signed", "return": "sent back", "against": "decided against"}[says]
    whom = f" for {role}" if role else ""
    console.print(
        f"{did} decision {made.stood.decided.id}{whom} as {visible(made.signature.person)} "
        f"({made.signature.identity})",
        markup=False,
        soft_wrap=True,
    )
    print_standing(made.stood)
