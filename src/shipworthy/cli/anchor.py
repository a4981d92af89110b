"""`shipworthy anchor`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("anchor", short_help="print the head of the chain of records, or keep it in a git tag")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--git", "tags", is_flag=True, help="Make the git tag.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(folder: Path, tags: bool, as_json: bool) -> None:
    """Print the hash of the last record in FOLDER, with the git command that keeps it in a tag.

    Every record names the hash of the one before it, so one hash stands for all of them. Kept where nobody
    can quietly take it back (a pushed tag, a mail, a ticket), it shows later whether records were taken away
    from the end of the chain, which the chain alone cannot show.

    \b
    Examples:
      shipworthy anchor
      shipworthy anchor --git && git push --tags
    """
    import shlex

    from shipworthy.api.chained import anchor
    from shipworthy.cli.console import out, print_json, say

    found = anchor(folder, tag=tags)
    if as_json:
        print_json(found)
        return
    console = out()
    for head in found.heads:
        console.print(head, markup=False, soft_wrap=True)
    if found.made:
        say(f"Kept in the git tag {found.tag}. Push it: git push origin {found.tag}")
    else:
        words = shlex.join(["git", "tag", "--annotate", found.tag, "--message", found.message])
        console.print(words, markup=False, soft_wrap=True)
