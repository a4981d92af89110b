"""`shipworthy metrics`."""

from __future__ import annotations

import click


@click.command("metrics", short_help="list the metrics, or explain one")
@click.argument("words", nargs=-1, metavar="[list | [explain] NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(words: tuple[str, ...], as_json: bool) -> None:
    """List the metrics a rule can name, or explain one.

    \b
    Example:
      shipworthy metrics
      shipworthy metrics explain recall
    """
    from shipworthy.cli.console import print_json
    from shipworthy.errors import UsageError, nearest
    from shipworthy.evidence.metric import METRICS, find_definition

    action, name = asked(words)
    if action == "list":
        found = [definition for _name, definition in METRICS]
        if as_json:
            print_json([_described(definition) for definition in found])
            return
        for definition in found:
            first = definition.definition.split(". ")[0].split(": ")[0].rstrip(".")
            click.echo(f"{definition.name:20} {definition.unit:8} {definition.better:7} {first}")
        click.echo(
            "\nForms over a metric: delta(METRIC, SYSTEM), ratio(METRIC, COLUMN), gap(METRIC, COLUMN);"
        )
        click.echo("and failures, a must-pass list. Explain one: shipworthy metrics explain recall")
        return
    if name is None:
        raise UsageError("Which metric?", fix="shipworthy metrics explain NAME")
    wanted = find_definition(name)
    if wanted is None:
        raise UsageError(f"No metric named {name!r}.", fix=nearest(name, METRICS.names()))
    if as_json:
        print_json(_described(wanted))
        return
    click.echo(f"{wanted.name}\n\n{wanted.definition}\n")
    for title, value in (
        ("unit", wanted.unit),
        ("better", wanted.better),
        ("columns", ", ".join(wanted.columns) or "whatever makes a row right"),
        ("one unit is", wanted.unit_of_total),
        ("interval", wanted.interval),
        ("gate bound", wanted.gate),
        ("says little below", f"{wanted.smallest_n} units"),
        ("source", wanted.source),
        ("example", wanted.example),
    ):
        click.echo(f"  {title:18} {value}")


def asked(words: tuple[str, ...]) -> tuple[str, str | None]:
    """Return what is asked of a catalogue: ("list", None), or ("explain", the name).

    >>> asked(()), asked(("recall",)), asked(("explain", "recall"))
    (('list', None), ('explain', 'recall'), ('explain', 'recall'))
    """
    if not words or words == ("list",):
        return "list", None
    rest = words[1:] if words[0] == "explain" else words
    return "explain", rest[0] if rest else None


def _described(definition: object) -> dict[str, object]:
    from shipworthy.evidence.metric import Definition

    if not isinstance(definition, Definition):
        raise TypeError("a catalogue entry is expected")
    return {
        "name": definition.name,
        "definition": definition.definition,
        "unit": definition.unit,
        "better": definition.better,
        "columns": list(definition.columns),
        "unit_of_total": definition.unit_of_total,
        "interval": definition.interval,
        "gate": definition.gate,
        "smallest_n": definition.smallest_n,
        "source": definition.source,
        "example": definition.example,
    }
