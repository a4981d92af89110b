"""`shipworthy scorers`."""

from __future__ import annotations

import click


@click.command("scorers", short_help="list the scorers, or explain one")
@click.argument("words", nargs=-1, metavar="[list | [explain] NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(words: tuple[str, ...], as_json: bool) -> None:
    """List the scorers a metric can use, or explain one.

    \b
    Example:
      shipworthy scorers
      shipworthy scorers explain regex
    """
    import inspect

    from shipworthy.cli.console import print_json
    from shipworthy.cli.metrics import asked
    from shipworthy.errors import UsageError
    from shipworthy.evaluate.scoring import SCORERS

    texts = {known: inspect.getdoc(kind) or "" for known, kind in SCORERS}
    action, name = asked(words)
    if action == "explain":
        if name is None:
            raise UsageError("Which scorer?", fix="shipworthy scorers explain NAME")
        SCORERS.get(name)
        if as_json:
            print_json({"name": name, "text": texts[name]})
        else:
            click.echo(f"{name}\n\n{texts[name]}")
        return
    if as_json:
        print_json([{"name": known, "text": text} for known, text in texts.items()])
        return
    for known, text in texts.items():
        click.echo(f"{known:14} {text.splitlines()[0] if text else ''}")
    click.echo("\nUse one under metrics: - {id: correct, scorer: {numeric: {tolerance: 0.01}}}")
    click.echo("Explain one: shipworthy scorers explain regex")
