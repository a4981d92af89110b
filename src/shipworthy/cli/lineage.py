"""`shipworthy lineage`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from shipworthy.define.lineage import Impact, Lineage, Node


@click.command("lineage", short_help="show the way of the data, and what depends on a source")
@click.argument("target", default=".", metavar="[FOLDER | SPEC]", type=click.Path(path_type=Path))
@click.option("--impact", metavar="ID", help="Say what depends on this source, feature or other node.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a picture with the same as a list here.")
@click.option(
    "--openlineage",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Write OpenLineage events here, one JSON object a line; - prints them.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    target: Path,
    impact: str | None,
    html: Path | None,
    openlineage: Path | None,
    as_json: bool,
) -> None:
    """Print the way from sources over features, models and decisions to labels, with owners.

    Nodes come from data.sources and data.lineage; models, the decision, feedback and labels that are declared
    elsewhere in the spec are joined to them. A reference that leads nowhere is named with what rests on it,
    and the exit code is then 1.

    \b
    Examples:
      shipworthy lineage my-product
      shipworthy lineage my-product --impact bureau
      shipworthy lineage my-product --html lineage.html --openlineage lineage.jsonl
    """
    from shipworthy.api.documents import draw_lineage
    from shipworthy.cli.console import out, print_json
    from shipworthy.cli.outputs import write_text

    found = draw_lineage(target, impact=impact)
    piped = openlineage is not None and str(openlineage) == "-"
    if openlineage is not None:
        text = _json_lines(found.open_lineage())
        if piped:
            click.echo(text, nl=False)
        else:
            write_text(openlineage, text)
    if html is not None:
        write_text(html, found.page.html())
    if as_json and not piped:
        print_json(_described(found.lineage, found.impact))
    elif not piped:
        if found.impact is not None:
            _print_impact(found.impact)
        elif html is None and openlineage is None:
            _print(found.lineage)
        for path in (html, openlineage):
            if path is not None:
                place = path.resolve().as_uri() if path.suffix == ".html" else path
                out().print(f"wrote {place}", markup=False)
        if found.impact is not None or html is not None or openlineage is not None:
            _print_broken(found.lineage)
    ctx.exit(1 if found.lineage.broken else 0)


def _json_lines(events: list[dict[str, Any]]) -> str:
    import json

    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)


def _described(lineage: Lineage, impact: Impact | None) -> dict[str, Any]:
    from shipworthy.records import plain

    described = {
        "product": lineage.product,
        "nodes": list(lineage.nodes.values()),
        "edges": [{"from": origin, "to": made} for origin, made in lineage.edges()],
        "broken": lineage.broken,
        "leads_back": [{"from": origin, "to": made} for origin, made in lineage.cycles],
        "impact": impact,
    }
    found: dict[str, Any] = plain(described)
    return found


def _print(lineage: Lineage) -> None:
    """Print each source with what is made from it below; what was printed before is named, not repeated."""
    from shipworthy.cli.console import out, say

    if not lineage.nodes:
        say("The spec declares no sources and no lineage; add data.sources and data.lineage.")
        return
    console, told = out(), set[str]()
    for root in lineage.nodes.values():
        # Roots first; then what only a loop leads to.
        if root.made_from and (
            root.id in told or any(origin not in told for origin in _forward(lineage, root))
        ):
            continue
        console.print(_node_line(root))
        told.add(root.id)
        for line in _below(lineage, root, "", told):
            console.print(line)
    _print_broken(lineage)


def _print_broken(lineage: Lineage) -> None:
    from rich.text import Text

    from shipworthy.cli.console import out

    console = out()
    for part in lineage.broken:
        rests = ", ".join(part.affected) or "nothing that is measured"
        text = f"{part.of} is made from {part.missing!r}, which is declared nowhere. {part.hint} "
        console.print(
            Text("✗ ", style="bold red")
            .append(_seen(text), "not bold")
            .append(_seen(f"Rests on it: {rests}."), "dim")
        )


def _forward(lineage: Lineage, node: Node) -> list[str]:
    """Return what a node is made from, apart from what leads back."""
    return [origin for origin in node.made_from if (origin, node.id) not in lineage.cycles]


def _below(lineage: Lineage, node: Node, indent: str, told: set[str]) -> list[Text]:
    from rich.text import Text

    lines: list[Text] = []
    following = lineage.made_of(node.id)
    for at, made in enumerate(following):
        last = at == len(following) - 1
        branch, deeper = ("└─ ", "   ") if last else ("├─ ", "│  ")
        if (node.id, made.id) in lineage.cycles:
            lines.append(Text(f"{indent}{branch}").append(_seen(f"back to {made.id}"), "dim"))
        elif made.id in told:
            lines.append(Text(f"{indent}{branch}").append(_seen(made.id)).append("  as above", "dim"))
        else:
            told.add(made.id)
            lines.append(Text(f"{indent}{branch}").append_text(_node_line(made)))
            lines += _below(lineage, made, indent + deeper, told)
    return lines


def _node_line(node: Node) -> Text:
    from rich.text import Text

    text = Text(_seen(node.id), style="bold").append(f"  {node.kind.replace('_', ' ')}", "not bold")
    owner = f", {node.owner}" if node.owner else ", no owner"
    text.append(_seen(owner), "not bold" if node.owner else "not bold yellow")
    if node.version:
        text.append(_seen(f", {node.version}"), "not bold dim")
    return text.append(" (follows from the spec)", "not bold dim") if node.implied else text


def _print_impact(impact: Impact) -> None:
    from rich.table import Table

    from shipworthy.cli.console import out

    console = out()
    first = [
        f"{part.kind.replace('_', ' ')} {part.id}"
        for part in (impact.of_kind("feature")[:1] + impact.of_kind("model")[:1])
    ]
    said = f"First to feel it: {', '.join(first)}." if first else "Nothing is made from it."
    console.print(_node_line(impact.of))
    console.print(_seen(said), markup=False)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for kind in ("feature", "training_set", "model", "decision", "feedback", "label"):
        names = [node.id for node in impact.of_kind(kind)]
        table.add_row(kind.replace("_", " "), _cell(names))
    for name, which in (
        ("gates", impact.gates),
        ("metrics", impact.metrics),
        ("monitors", impact.monitors),
        ("owners", impact.owners),
    ):
        table.add_row(name, _cell(which))
    console.print(table)


def _cell(names: Sequence[str]) -> Text:
    from rich.text import Text

    return Text(_seen(", ".join(names))) if names else Text("none", style="dim")


def _seen(text: str) -> str:
    from shipworthy.define.documents.escaping import visible

    return visible(text)
