"""`shipworthy lint`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from shipworthy.define.lint.running import Found, Report

LOOKS = {"error": ("✗", "bold red"), "warning": ("!", "bold yellow"), "info": ("·", "bold cyan")}


@click.command("lint", short_help="check a spec: what is missing, contradicts itself, or can never be proved")
@click.argument("target", default=".", metavar="[FOLDER | SPEC]")
@click.option(
    "--level",
    type=click.Choice(["judge", "launch", "operate"]),
    help="Check as if the spec were at this level, to see what growing it takes.",
)
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("--sarif", "with_sarif", is_flag=True, help="Print as SARIF 2.1.0, for code hosts and editors.")
@click.option("--explain", metavar="CODE", help="Explain one rule, such as SW301, and stop.")
@click.option("--rules", "list_rules", is_flag=True, help="List all rules and stop.")
@click.pass_context
def command(
    ctx: click.Context,
    target: str,
    level: str | None,
    strict: bool,
    as_json: bool,
    with_sarif: bool,
    explain: str | None,
    list_rules: bool,
) -> None:
    """Check a spec before anything is run.

    Each finding says where it is, what is wrong, why it matters and what to write instead. Rules ask only
    for what the spec's level asks for. What is absent (the golden set, runs, a traffic sample) is named, and
    the rest is checked. Nothing is run and nothing is written.

    Exits 0 without errors, 1 with errors (with --strict also with warnings), 2 where the spec cannot be read.

    \b
    Examples:
      shipworthy lint my-product
      shipworthy lint my-product --level launch
      shipworthy lint --sarif > lint.sarif
      shipworthy lint --explain SW301
    """
    from shipworthy.cli.console import print_json
    from shipworthy.errors import UsageError

    if explain is not None:
        _explain(explain.upper(), as_json)
        return
    if list_rules:
        _list(as_json)
        return
    if as_json and with_sarif:
        raise UsageError("--json and --sarif are two forms of one answer.", fix="Keep one.")
    from shipworthy import __version__
    from shipworthy.api.lint import lint
    from shipworthy.define.lint.reporting import as_data, as_sarif

    report = lint(Path(target), level=level)
    if as_json:
        print_json(as_data(report))
    elif with_sarif:
        print_json(as_sarif(report, __version__))
    else:
        _print(report)
    ctx.exit(1 if report.fails(strict=strict) else 0)


def _print(report: Report) -> None:
    from rich.text import Text

    from shipworthy.cli.console import out
    from shipworthy.decide.record.words import visible
    from shipworthy.define.lint.reporting import missing_in_one_piece, sentence, summary

    console = out()
    for severity in ("error", "warning", "info"):
        for found in report.of(severity):
            for part in _shown(found, report.path):
                # A snippet is pasted, so its lines are never broken.
                console.print(part, soft_wrap=isinstance(part, Text))
            console.print()
    piece = missing_in_one_piece(report)
    if piece:
        console.print(Text("All missing keys in one piece, with example values:", style="bold"))
        for added in piece.splitlines():
            console.print(Text(f"  {visible(added)}", style="green"), soft_wrap=True)
        console.print()
    if report.set_aside:
        console.print(Text("Set aside:", style="bold"))
        for one in report.set_aside:
            found = one.found
            line = Text(f"  {found.code} ", style="bold")
            line.append(visible(f"{sentence(found.what)} {sentence(one.reason)} "), style="not bold")
            line.append(visible(f"({one.owner}, until {one.until}; line {found.line})"), style="not bold dim")
            console.print(line)
        console.print()
    if report.not_looked_at:
        console.print(Text("Could not look:", style="bold"))
        for blind in report.not_looked_at:
            line = Text(f"  {visible(sentence(blind.because))} ")
            line.append(", ".join(blind.rules), style="dim")
            console.print(line)
        console.print()
    mark, style = (
        LOOKS["error"] if report.of("error") else LOOKS["warning"] if report.of("warning") else ("✓", "green")
    )
    console.print(Text(f"{mark} {visible(report.path)}: {summary(report)}", style=style))


def _shown(found: Found, path: str) -> list[RenderableType]:
    """Return one finding as lines: place and rule, what is wrong, why it matters, what to write."""
    from rich.padding import Padding
    from rich.text import Text

    from shipworthy.decide.record.words import visible
    from shipworthy.define.lint.reporting import sentence

    mark, style = LOOKS[found.severity]
    head = Text(f"{mark} {found.code}", style=style)
    head.append(f"  {visible(path)}:{found.line}", style="not bold default")
    head.append(f"  {visible(found.key)}", style="not bold dim")
    return [
        head,
        Padding(Text(visible(sentence(found.what))), (0, 0, 0, 2)),
        Padding(Text(found.why, style="dim"), (0, 0, 0, 2)),
        *_fix(found),
    ]


def _fix(found: Found) -> list[Text]:
    from rich.text import Text

    from shipworthy.decide.record.words import visible

    lines = [visible(line) for line in found.fix.splitlines()]
    if found.example and found.fix_kind == "yaml":
        lines = ["for example:", *lines]
    return [
        Text(("    → " if index == 0 else "      ") + line, style="green") for index, line in enumerate(lines)
    ]


def _explain(code: str, as_json: bool) -> None:
    from shipworthy.cli.console import print_json
    from shipworthy.define.lint.reporting import described_rule
    from shipworthy.define.lint.rule import RULES

    one = RULES.get(code)
    if as_json:
        print_json(described_rule(one))
        return
    needs = f", needs {' and '.join(one.needs)}" if one.needs else ""
    click.echo(f"{one.code}  {one.severity}, from level {one.level} on{needs}\n\n{one.explanation}")


def _list(as_json: bool) -> None:
    from shipworthy.cli.console import print_json
    from shipworthy.define.lint.reporting import described_rule
    from shipworthy.define.lint.rule import RULES

    rules = [one for _code, one in RULES]
    if as_json:
        print_json([described_rule(one) for one in rules])
        return
    for one in rules:
        click.echo(f"{one.code}  {one.severity:8} {one.level:8} {one.title}")
    click.echo("\nExplain a rule: shipworthy lint --explain SW301")
