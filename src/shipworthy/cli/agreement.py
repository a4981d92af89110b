"""`shipworthy agreement`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from shipworthy.api.agreement import AgreementReport

LISTED_RATERS = 20
LISTED_CLASSES = 12


@click.command("agreement", short_help="how far raters agree, and what they say together")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--item", metavar="COLUMN", help="Column of the items.")
@click.option("--rater", metavar="COLUMN", help="Column of the raters, where each row is one label.")
@click.option("--label", metavar="COLUMN", help="Column of the labels, where each row is one label.")
@click.option("--raters", metavar="A,B", help="Columns of the raters, where each row is one item.")
@click.option("--counts", metavar="A,B", help="Columns with how often an item got each class.")
@click.option(
    "--level",
    type=click.Choice(["nominal", "ordinal", "interval", "ratio"]),
    default="nominal",
    show_default=True,
    help="What differences between classes mean to Krippendorff's alpha.",
)
@click.option(
    "--weights",
    type=click.Choice(["none", "linear", "quadratic"]),
    default="none",
    show_default=True,
    help="Whether near misses count in part to Cohen's kappa.",
)
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Rows of FILE to keep.")
@click.option("--output", type=click.Path(path_type=Path), help="Write the consensus here (.csv or .jsonl).")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(file: Path, output: Path | None, as_json: bool, **options: Any) -> None:
    """Measure how far the raters of FILE agree, and find what they say together.

    Three kinds of file are read: one label per row (--item, --rater, --label), one column per rater
    (--raters), one column of counts per class (--counts). With three raters or more, each by name, the
    consensus of Dawid and Skene believes every rater as far as the others bear them out.

    \b
    Example:
      shipworthy agreement answers.csv --item question --rater worker --label answer
      shipworthy agreement labelled.csv --raters annotation_1,annotation_2
    """
    from shipworthy.api.agreement import AgreementRequest, measure_agreement
    from shipworthy.cli.console import pairs_of, print_json, say, watcher

    request = AgreementRequest(
        path=file,
        item=options["item"],
        rater=options["rater"],
        label=options["label"],
        raters=_listed(options["raters"]),
        counts=_listed(options["counts"]),
        level=options["level"],
        weights=options["weights"],
        where=pairs_of(options["where"], "--where"),
    )
    report = measure_agreement(request, watcher())
    if output is not None:
        report.write_consensus(output)
    if as_json:
        print_json(report)
    else:
        _print(report)
    if output is not None:
        say(f"The consensus on {len(report.consensus):,} items is in {output}.")


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _print(report: AgreementReport) -> None:
    from shipworthy.decide.record import words

    raters = f"{words.plural(report.raters, 'rater')}, " if report.raters is not None else ""
    listed = [f"{words.visible(name)} ({count:,})" for name, count in report.classes.items()]
    classes = ", ".join(listed[:LISTED_CLASSES]) + (" ..." if len(listed) > LISTED_CLASSES else "")
    click.echo(
        f"{words.plural(report.items, 'item')}, {raters}{words.plural(report.labels, 'label')}: {classes}"
    )
    if report.missing:
        click.echo(f"{words.plural(report.missing, 'label')} missing")
    if report.single:
        click.echo(
            f"{words.plural(report.single, 'item')} with one label only: they say nothing of agreement"
        )
    click.echo()
    for name, estimate in report.figures.items():
        click.echo(f"  {name:32} {_shown(estimate)}")
    if report.consensus:
        _print_consensus(report)
    for note in report.notes:
        click.echo(f"\n{note}")


def _print_consensus(report: AgreementReport) -> None:
    from shipworthy.decide.record import words

    click.echo(
        f"\nConsensus (Dawid-Skene, {words.plural(report.steps, 'step')}): on "
        f"{words.plural(report.against_majority, 'item')} it differs from the majority, "
        f"{words.plural(report.tied, 'item')} had no majority"
    )
    click.echo(f"\n  {'rater':20} {'labels':>8}  {'shared by the consensus':38} {'balanced':>8}")
    shown = report.skills
    if len(shown) > LISTED_RATERS:
        half = LISTED_RATERS // 2
        shown = shown[:half] + shown[-half:]
    chance = 1 / len(report.classes)
    for place, skill in enumerate(shown):
        if len(report.skills) > LISTED_RATERS and place == LISTED_RATERS // 2:
            click.echo(f"  ... {len(report.skills) - LISTED_RATERS:,} more, with --json")
        mark = "  no better than chance" if skill.balanced <= chance else ""
        click.echo(
            f"  {words.visible(skill.rater):20.20} {skill.agreement.n:8,}  {_shown(skill.agreement):38} "
            f"{words.number(skill.balanced, 'share'):>8}{mark}"
        )


def _shown(estimate: Any) -> str:
    from shipworthy.decide.record import words

    if estimate.value is None:
        return f"unknown: {estimate.unknown}"
    if estimate.unit == "number":
        text = f"{estimate.value:.3f}"
        if estimate.low is None:
            return f"{text} ({estimate.method})" if estimate.method else text
        return f"{text} (between {estimate.low:.3f} and {estimate.high:.3f})"
    text = words.number(estimate.value, estimate.unit)
    if estimate.low is None:
        return text
    return f"{text} ({words.range_words(estimate.low, estimate.high, estimate.unit)})"
