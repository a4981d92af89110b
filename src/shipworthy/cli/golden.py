"""`shipworthy golden`."""

from __future__ import annotations

import math
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli.amounts import SHARE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipworthy.golden.adding import NewCase, Plan

PRODUCT = click.option(
    "--product", "folder", default=".", type=click.Path(path_type=Path), help="The product's folder."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


class _Verbs(click.Group):
    """A group whose verb `show` need not be said."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `show` before what begins with no verb."""
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            if args and not args[0].startswith("-") and not Path(args[0]).exists():
                from shipworthy.errors import UsageError, nearest

                raise UsageError(
                    f"There is no product and no verb {args[0]!r}.", fix=nearest(args[0], self.commands)
                )
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group("golden", cls=_Verbs, short_help="the golden set: what it holds, its versions, gaps, duplicates")
def command() -> None:
    """Look at the golden set: what it holds, what traffic it misses, what it repeats; and add cases to it.

    Without a verb it shows the set. Nothing is asked of any system. Of every version that is met, hashes of
    its cases are kept in the workspace, so that later versions can be set against it.

    \b
    Examples:
      shipworthy golden
      shipworthy golden check
      shipworthy golden diff 3f9c1a
      shipworthy golden coverage --traffic sample.csv
      shipworthy golden add incidents.csv --sampled incident
    """


@command.command("show", short_help="what it holds, against its strata, and what it can prove")
@click.argument("folder", default=".", metavar="[FOLDER]", type=click.Path(path_type=Path))
@JSON
def show(folder: Path, as_json: bool) -> None:
    """Show cases, version, age, strata, sampling, provenance, labels, and what the cases can prove.

    \b
    Example:
      shipworthy golden show my-product
    """
    from shipworthy.api.golden import show_golden
    from shipworthy.cli.console import print_json
    from shipworthy.cli.golden_shown import described, print_shown

    found = show_golden(folder)
    if as_json:
        print_json(described(found))
    else:
        print_shown(found)


@command.command("check", short_help="exit 1 where a stratum is short, labels conflict or cases leak")
@click.argument("folder", default=".", metavar="[FOLDER]", type=click.Path(path_type=Path))
@JSON
def check(folder: Path, as_json: bool) -> int:
    """Say what is wrong with the golden set, and exit with 1 where anything is.

    Wrong is a stratum below its minimum, a text or file with labels that contradict each other, cases that
    are in training files, a set that is not the pinned version, and one without cases.

    \b
    Example:
      shipworthy golden check my-product
    """
    from shipworthy.api.golden import show_golden
    from shipworthy.cli.console import print_json
    from shipworthy.cli.golden_shown import print_check

    found = show_golden(folder)
    if as_json:
        record = {"problems": found.problems, "warnings": found.warnings, "to_do": found.to_do}
        print_json({"version": found.version, **record})
    else:
        print_check(found)
    return 1 if found.problems else 0


@command.command("versions", short_help="the versions that runs and decisions were made on")
@PRODUCT
@JSON
def versions(folder: Path, as_json: bool) -> None:
    """List the versions of the golden set that runs, decisions and earlier looks at it name.

    \b
    Example:
      shipworthy golden versions
    """
    from shipworthy.api.golden import golden_versions
    from shipworthy.cli.console import print_json
    from shipworthy.cli.golden_shown import print_versions

    found = golden_versions(folder)
    if as_json:
        print_json(found)
    else:
        print_versions(found)


@command.command("diff", short_help="added, removed and changed cases between two versions")
@click.argument("old")
@click.argument("new", required=False)
@PRODUCT
@JSON
def diff(old: str, new: str | None, folder: Path, as_json: bool) -> None:
    """Set the version OLD against NEW (by default the golden set as it is now), case by case.

    Either is a file, or the first digits of a version's hash as `shipworthy golden versions` lists it.
    Two files need no product: the columns that tell cases apart are then known by their usual names.

    \b
    Examples:
      shipworthy golden diff 3f9c1a
      shipworthy golden diff golden/march.csv golden/april.csv
    """
    from shipworthy.api.golden import golden_diff
    from shipworthy.cli.console import print_json
    from shipworthy.cli.golden_shown import described_diff, print_diff

    found = golden_diff(old, new, folder)
    if as_json:
        print_json(described_diff(found))
    else:
        print_diff(found)


class _Points(click.ParamType[float]):
    """A half width in points, as 10pt, 10 or 10%."""

    name = "points"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return a fraction of one."""
        text = str(value).strip().removesuffix("pt").removesuffix("%").strip()
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0.1 <= number < 50:
            self.fail(f"{value!r} is no number of points between 0.1 and 50, such as 10pt.", param, ctx)
        return number / 100


@command.command("coverage", short_help="which parts of traffic have too few cases")
@click.option("--traffic", metavar="FILE", help="Sample of traffic; by default golden.traffic.")
@click.option(
    "--precision",
    type=_Points(),
    default="10pt",
    help="Half width of the 95% interval that each part should allow.  [default: 10pt]",
)
@click.option(
    "--from-share",
    type=SHARE,
    default="1%",
    help="Share of traffic from which a part is looked at.  [default: 1%]",
)
@PRODUCT
@JSON
def coverage(traffic: str | None, precision: float, from_share: float, folder: Path, as_json: bool) -> None:
    """Say which parts of traffic have too few cases, by their share of traffic.

    Parts are the values of `slices`, of `stratum`, and crossings of two of them. A part needs as many cases
    as the precision takes, or as a gate on it takes. It also tells which cases traffic does not have, and
    whether cases that are said to be drawn at random look like it.

    \b
    Example:
      shipworthy golden coverage --traffic sample.csv
    """
    from shipworthy.api.golden import golden_coverage
    from shipworthy.cli.console import print_json
    from shipworthy.cli.golden_shown import described_coverage, print_coverage

    found = golden_coverage(folder, traffic=traffic, half_width=precision, least_share=from_share)
    if as_json:
        print_json(described_coverage(found))
    else:
        print_coverage(found)


@command.command("duplicates", short_help="equal and nearly equal cases, labels in conflict, training leaks")
@click.option("--training", multiple=True, metavar="FILE", help="A further training or few-shot file.")
@click.option(
    "--alike",
    type=click.FloatRange(0.5, 1, max_open=True),
    default=0.7,
    help="Share of common shingles from which two texts are near duplicates.  [default: 0.7]",
)
@PRODUCT
@JSON
def duplicates(training: tuple[str, ...], alike: float, folder: Path, as_json: bool) -> None:
    """Find cases that say the same, within the set and in training or few-shot files.

    Texts are the same where they differ in case, blanks and marks at the end only. They are near duplicates
    where they share most of their runs of five letters. Other cases are the same where all their columns are,
    or those that golden.inputs names; there different labels are no conflict, but a bound on any accuracy.

    \b
    Example:
      shipworthy golden duplicates --training train.jsonl --training prompts/few_shot.txt
    """
    from shipworthy.api.golden import golden_duplicates
    from shipworthy.cli.console import print_json
    from shipworthy.cli.golden_shown import print_twins

    with _counted("reading cases") as tick:
        found = golden_duplicates(folder, training=training, alike=alike, tick=tick)
    if as_json:
        print_json(found)
    else:
        print_twins(found)


@contextmanager
def _counted(label: str) -> Iterator[Callable[[int], None]]:
    from shipworthy.cli.console import watcher

    progress = watcher()
    progress.start(0, label)
    try:
        yield progress.advance
    finally:
        progress.finish()


@command.command("add", short_help="add cases from a file or from a run's failures, after a look at them")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--from-run", "run", metavar="RUN", help="Take the cases that a run fails: a run id or a system."
)
@click.option("--failures", is_flag=True, help="With --from-run: the cases it fails.")
@click.option(
    "--passing-in", metavar="RUN", help="With --from-run: only cases that this run passes, such as live."
)
@click.option("--stratum", metavar="NAME", help="Stratum of the new cases.")
@click.option("--sampled", metavar="WAY", help="How they were chosen: random, curated, incident, weights.")
@click.option("--provenance", metavar="WORD", help="Where they come from: real, synthetic, incident ...")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Column of the file for one of the set's.",
)
@click.option(
    "--keep-repeats",
    is_flag=True,
    help="Add cases of a file whose input is there already, as traffic repeats.",
)
@click.option("--review", is_flag=True, help="Step through the cases: y adds one, n leaves it out, q stops.")
@click.option("--yes", is_flag=True, help="Add without asking.")
@click.option("--dry-run", is_flag=True, help="Only say what would be added.")
@PRODUCT
@JSON
def add(file: Path | None, folder: Path, as_json: bool, **options: Any) -> int:
    """Add cases from a CSV, JSONL, JSON or Parquet FILE, or the cases that a run fails.

    It says first what would be added, what is there already, and what contradicts a case that is there;
    those are left out. The set's file keeps its format, columns and order, and is never half written.
    Failing cases of a run become stratum failure_replay, sampled incident, provenance incident, unless you
    say otherwise.

    \b
    Examples:
      shipworthy golden add new_cases.csv --sampled curated --provenance synthetic
      shipworthy golden add --from-run candidate --failures --passing-in live --review
    """
    from shipworthy.api.golden import adding
    from shipworthy.cli.console import print_json
    from shipworthy.cli.golden_shown import described_plan, print_added, print_plan

    request = _request(file, options)
    with adding(folder, request) as found:
        plan = found.plan
        if not as_json:
            print_plan(plan)
        if options["dry_run"] or not plan.cases:
            if as_json:
                print_json({**described_plan(plan), "added": 0})
            return 0
        chosen = _chosen(plan, options, as_json)
        if not chosen:
            click.echo("Nothing was added.", err=True)
            return 0
        done = found.write(chosen)
    if as_json:
        print_json({**described_plan(plan), "added": done.added, "result": done})
    else:
        print_added(done)
    return 0


def _request(file: Path | None, options: dict[str, Any]) -> Any:
    from shipworthy.api.golden import AddRequest
    from shipworthy.cli.console import pairs_of
    from shipworthy.define.spec import SAMPLINGS
    from shipworthy.errors import UsageError, nearest

    run = options["run"]
    if (file is None) == (run is None):
        raise UsageError(
            "Name what to add: a file, or a run." if file is None else "A file and a run were both named.",
            fix="shipworthy golden add FILE, or shipworthy golden add --from-run RUN --failures.",
        )
    if run is not None and not options["failures"]:
        raise UsageError("Of a run only its failures can be added.", fix="Add --failures.")
    if run is None and (options["failures"] or options["passing_in"]):
        raise UsageError("--failures and --passing-in speak of a run.", fix="Name it: --from-run RUN.")
    if options["review"] and options["yes"]:
        raise UsageError("--review asks about each case, and --yes asks about none.", fix="Leave one out.")
    words = {
        name: options[name] for name in ("stratum", "sampled", "provenance") if options[name] is not None
    }
    for name, word in words.items():
        if not word.strip() or not word.isprintable():
            raise UsageError(f"--{name} {word!r} is no word.", fix="Write one word, such as incident.")
    if "sampled" in words and words["sampled"] not in SAMPLINGS:
        raise UsageError(
            f"--sampled {words['sampled']!r} is no way of sampling.", fix=nearest(words["sampled"], SAMPLINGS)
        )
    columns = pairs_of(options["columns"], "--column")
    return AddRequest(file, run, options["passing_in"], words, columns, options["keep_repeats"])


def _chosen(plan: Plan, options: dict[str, Any], as_json: bool) -> list[NewCase]:
    """Return the cases that somebody said yes to."""
    from shipworthy.cli.golden_shown import print_case
    from shipworthy.errors import UsageError

    if options["yes"]:
        return list(plan.cases)
    if not sys.stdin.isatty() or as_json:
        raise UsageError(
            "Nobody is there to be asked." if not as_json else "--json cannot ask.",
            fix="Look at it with --dry-run, then add it with --yes.",
        )
    if not options["review"]:
        said = click.confirm(f"Add {len(plan.cases):,} case{'s' if len(plan.cases) > 1 else ''}?", err=True)
        return list(plan.cases) if said else []
    chosen = []
    for place, case in enumerate(plan.cases, 1):
        print_case(case, place, len(plan.cases))
        key = ""
        while key not in ("y", "n", "q"):
            click.echo("  add it? [y/n/q] ", nl=False, err=True)
            key = click.getchar().lower()
            click.echo(key if key.isprintable() else "", err=True)
            if key == "\x03":
                raise click.Abort
        if key == "q":
            break
        if key == "y":
            chosen.append(case)
    if chosen and not click.confirm(f"Add {len(chosen):,} of {len(plan.cases):,} cases?", err=True):
        return []
    return chosen
