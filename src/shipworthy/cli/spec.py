"""`shipworthy spec`: how a spec changed."""

from __future__ import annotations

from pathlib import Path

import click

STYLES = {"easier": "bold yellow", "unclear": "yellow", "harder": "cyan", "neither": "dim"}


@click.group("spec", short_help="say in words how a spec changed")
def command() -> None:
    """Look at a spec's history.

    \b
    Example:
      shipworthy spec diff last
    """


@command.command("diff", short_help="what changed between two specs, in words")
@click.argument("old")
@click.argument("new", default="")
@click.option(
    "--product",
    default=".",
    type=click.Path(path_type=Path),
    help="The product's folder or spec, which decisions and git revisions belong to.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def diff(old: str, new: str, product: Path, as_json: bool) -> None:
    """Say what changed from OLD to NEW (by default the spec as it lies there).

    Each is a file, a folder, `last` or the id of a decision, or a git revision of the product's spec. What
    makes passing easier comes first, with what had been measured before it was changed. Nothing is judged: a
    bar may be moved, but not unseen, and every later decision names it.

    \b
    Examples:
      shipworthy spec diff last
      shipworthy spec diff HEAD~1 --product my-product
      shipworthy spec diff old.yaml new.yaml
    """
    from rich.text import Text

    from shipworthy.api.history import diff_specs
    from shipworthy.cli.console import out, print_json, say
    from shipworthy.decide.record.words import eases_words, visible
    from shipworthy.define.documents.escaping import readable

    found = diff_specs(old, new, product)
    if as_json:
        described = [
            {
                "key": change.key,
                "text": text,
                "eases": change.eases,
                "gate": change.gate or None,
                "before": change.before or None,
                "after": change.after or None,
            }
            for change, text in found.changes
        ]
        print_json({"old": found.old, "new": found.new, "changes": described})
        return
    if not found.changes:
        say(f"Nothing changed from {found.old} to {found.new}.")
        return
    width = max(len(eases_words(change.eases)) for change, _text in found.changes)
    for change, text in found.changes:
        line = Text(f"{eases_words(change.eases):<{width}}  ", style=STYLES[change.eases])
        out().print(line.append(readable(visible(text)), "default not bold not dim"), soft_wrap=True)
