"""`shipworthy metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from shipworthy.api.worked import WorkedExample
    from shipworthy.evidence.metric import Definition
    from shipworthy.records import GateEvidence


@click.command("metrics", short_help="list the metrics, or explain one")
@click.argument("words", nargs=-1, metavar="[list | [explain] NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(words: tuple[str, ...], as_json: bool) -> None:
    """List the metrics a rule can name, or explain one with a worked example.

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
            "\nForms over a metric: delta(METRIC, SYSTEM), ratio(METRIC, COLUMN), gap(METRIC, COLUMN),\n"
            "worst(METRIC, COLUMN); over groups: equalised_odds(COLUMN); and failures, a must-pass list.\n"
            "Explain a metric: shipworthy metrics explain recall"
        )
        return
    if name is None:
        raise UsageError("Which metric?", fix="shipworthy metrics explain NAME")
    wanted = find_definition(name)
    if wanted is None:
        raise UsageError(f"No metric named {name!r}.", fix=nearest(name, METRICS.names()))
    from shipworthy.api.worked import work_example

    example = work_example(wanted)
    if as_json:
        print_json({**_described(wanted), "worked_example": example})
        return
    _explain(wanted)
    if example is not None:
        _show(example)


def asked(words: tuple[str, ...]) -> tuple[str, str | None]:
    """Return what is asked of a catalogue: ("list", None), or ("explain", the name).

    >>> asked(()), asked(("recall",)), asked(("explain", "recall"))
    (('list', None), ('explain', 'recall'), ('explain', 'recall'))
    """
    if not words or words == ("list",):
        return "list", None
    rest = words[1:] if words[0] == "explain" else words
    return "explain", rest[0] if rest else None


def _explain(wanted: Definition) -> None:
    click.echo(f"{wanted.name}\n\n{wanted.definition}\n")
    for title, value in (
        ("unit", wanted.unit),
        ("better", wanted.better),
        ("columns", _columns(wanted)),
        ("one unit is", wanted.unit_of_total),
        ("interval", wanted.interval),
        ("gate bound", wanted.gate),
        ("says little below", f"{wanted.smallest_n} units"),
        ("source", wanted.source),
        ("example", "; ".join((wanted.example, *wanted.forms))),
    ):
        click.echo(f"  {title:18} {value}")


def _columns(wanted: Definition) -> str:
    """Return the roles a metric needs, and the columns its rule names."""
    named = [part for part in (*wanted.numbers, *wanted.texts) if isinstance(part, str)]
    listed = ", ".join([*wanted.columns, *named])
    if len(named) < len(wanted.numbers) + len(wanted.texts):
        return f"{listed}, and those that the rule names" if listed else "those that the rule names"
    return listed or "whatever makes a row right"


def _show(example: WorkedExample) -> None:
    """Print the rows of a worked example, and what came out of them."""
    from rich.text import Text

    from shipworthy.cli.console import out
    from shipworthy.decide.record import words
    from shipworthy.evidence.gates.proof import error_notes

    gate = example.gate
    estimate = gate.evidence.estimate
    click.echo("\nWorked example, computed now from these rows:\n")
    for line in _as_table(example.rows):
        click.echo(f"  {line}")
    if example.other_rows:
        click.echo("\nThe rows of the other system:\n")
        for line in _as_table(example.other_rows):
            click.echo(f"  {line}")
    click.echo()
    console = out()
    currency = "USD" if estimate.unit == "money" else ""
    for title, text in (
        ("command", example.command),
        ("value", words.interval(estimate, currency)),
        ("rests on", f"{estimate.n:,} (one unit is a {example.unit})"),
        ("interval by", estimate.method),
        ("bound of the gate", _bound(gate.evidence, currency)),
        *(("", note) for note in error_notes(gate.evidence.bound_method)),
        ("answer", f"{example.rule} is {gate.status.words}"),
        ("", gate.sentence),
    ):
        console.print(Text(f"  {title:18} {text}"), soft_wrap=True)


def _bound(evidence: GateEvidence, currency: str) -> str:
    """Say on which side the gate bounds the value, by how much and how."""
    from shipworthy.decide.record import words

    upper = evidence.better == "at_most"
    if (evidence.upper if upper else evidence.lower) is None:
        return "none on so few rows"
    end = words.number(evidence.upper if upper else evidence.lower, evidence.estimate.unit, currency)
    side = "at most" if upper else "at least"
    return f"{side} {end} at {evidence.confidence:.0%} confidence, {evidence.bound_method}"


def _as_table(rows: tuple[dict[str, Any], ...]) -> list[str]:
    """Return rows as lines of aligned columns, their names first."""
    names = list(rows[0])
    cells = [names, *([str(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(names))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def _described(definition: Definition) -> dict[str, object]:
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
        "forms": list(definition.forms),
        "numbers": list(definition.numbers),
        "texts": list(definition.texts),
    }
