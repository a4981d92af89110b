"""`shipworthy threshold`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli.amounts import SHARE

if TYPE_CHECKING:
    from shipworthy.api.thresholds import Proven, Thresholds
    from shipworthy.evidence.operating import Point


class LinesType(click.ParamType[tuple[float, ...]]):
    """One line of the score, or two with people between them, written as 0.6 or 0.6:0.95."""

    name = "lines"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Return the lines; refuse what are none."""
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(float(part) for part in str(value).split(":"))
        except ValueError:
            found = ()
        if not found or not all(map(math.isfinite, found)):
            self.fail(f"{value!r} are no lines; write 0.6, or 0.6:0.95.", param, ctx)
        return found


LINES = LinesType()


@click.command("threshold", short_help="where to draw the line: costs, people and what can be promised")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--system", metavar="NAME", help="The system whose score it is.  [default: candidate]")
@click.option(
    "--at",
    type=LINES,
    default=(),
    metavar="LINE[:LINE]",
    help="Look at one line, or two with people between.",
)
@click.option("--on", metavar="CONDITIONS", help="Only these cases: a stratum, or conditions as plan = pro.")
@click.option(
    "--by", multiple=True, metavar="COLUMN", help="Cut by this column.  [default: the spec's groups]"
)
@click.option("--precision", type=SHARE, help="Share of right actions to promise of what is acted on unseen.")
@click.option("--cleared", type=SHARE, help="Share of right cases to promise of what is left alone unseen.")
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Confidence of these promises.",
)
@click.option("--review", type=click.FloatRange(min=0), help="Cost of one look.  [default: costs.review]")
@click.option("--finds", type=SHARE, help="Share of positive cases that people see as such.")
@click.option("--clears", type=SHARE, help="Share of negative cases that people see as such.")
@click.option("--capacity", type=click.FloatRange(min=0), help="Cases a day that people have time for.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, with the whole curve.")
def command(folder: Path, at: tuple[float, ...], by: tuple[str, ...], as_json: bool, **asked: Any) -> None:
    """Say where the line of a score costs least, and what can be automated with proof.

    Shows what acting on nobody, on everybody and at the cheapest line costs a month; the two lines between
    which a look by a person pays; the spec's own bands; and, with --precision or --cleared, how much can be
    automated so that its errors are proved to be few enough, whichever of the proved lines is chosen.

    \b
    Examples:
      shipworthy threshold my-product
      shipworthy threshold my-product --at 0.6:0.95
      shipworthy threshold my-product --precision 95% --capacity 450
    """
    from shipworthy.api.thresholds import ThresholdRequest, thresholds
    from shipworthy.cli.console import others_prints_aside, print_json, watcher

    with others_prints_aside():
        found = thresholds(folder, ThresholdRequest(at=at, by=by, **asked), progress=watcher())
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Thresholds) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from shipworthy.cli.console import out
    from shipworthy.decide.record import words

    console = out()
    console.print()
    counted = f"{found.cases:,.0f} cases, {_share(found.positives)} positive"
    head = f" {found.product} · {found.system} · {counted}"
    console.print(Text(words.visible(head), style="bold"))
    console.print(Text(words.visible(f" On {found.population}.")))
    for title, lines in _sections(found):
        console.print()
        console.print(Text(f" {title}", style="bold"))
        for line in lines:
            console.print(Padding(Text(words.visible(line)), (0, 0, 0, 3)))
    console.print()


def _sections(found: Thresholds) -> list[tuple[str, list[str]]]:
    sections = []
    if found.now is not None:
        told = _errors(found.now) + (f"; {_money(found, found.now)}" if found.now.cost is not None else "")
        sections.append((f"The line as it is, {_number(found.now.threshold)}", [told]))
    if found.best is not None and found.best_point is not None:
        low, high = found.best.alike
        sections.append(
            (
                "What one line costs",
                [
                    f"act on nobody: {_money(found, found.nobody)}",
                    f"act on everybody: {_money(found, found.everybody)}",
                    f"cheapest line {_number(found.best.threshold)}: {_money(found, found.best_point)}; "
                    f"{_errors(found.best_point)}",
                    f"Lines from {_number(low)} to {_number(high)} cannot be told from it on these cases.",
                    *_by_costs(found),
                ],
            )
        )
    if found.triage is not None:
        sections.append(("Where a look by a person pays", _triage_lines(found)))
    if found.bands:
        sections.append(("The spec's bands", [_band_line(found, at) for at in range(len(found.bands))]))
    if found.asked_point is not None:
        point = found.asked_point
        told = _errors(point) + (f"; {_money(found, point)}" if point.cost is not None else "")
        sections.append((f"The line {_number(point.threshold)}", [told]))
    elif found.asked:
        sections.append(("The lines you asked for", _asked_lines(found)))
    if found.proven:
        sections.append(
            ("What can be promised", [_proven_line(found, at) for at in range(len(found.proven))])
        )
    for column, by_value in found.groups.items():
        sections.append(
            (f"By {column}, at the line {_number(found.group_line or 0.0)}", _group_lines(by_value))
        )
    if found.notes:
        sections.append(("What limits this", list(found.notes)))
    return sections


def _by_costs(found: Thresholds) -> list[str]:
    if found.by_costs is None:
        return []
    return [f"Were the score the true chance, the costs alone would draw it at {_number(found.by_costs)}."]


def _triage_lines(found: Thresholds) -> list[str]:

    triage = found.triage
    assert triage is not None  # noqa: S101 - asked only where there is one
    if triage.reviewed <= 0:
        return ["Nowhere: at these costs no look is worth its price."]
    lines = [
        f"below {_number(triage.low)} left alone, from {_number(triage.high)} acted on, "
        f"between them a person: {_month(found, triage.cost)}",
        f"{_share(triage.reviewed)} of cases are looked at{_daily(found, triage.reviewed)}; "
        f"{_share(triage.wrongly_acted)} are acted on wrongly unseen, "
        f"{_share(triage.wrongly_left)} left alone wrongly unseen.",
    ]
    if found.best is not None and found.volume is not None:
        saved = _amount(found, found.best.cost - triage.cost)
        lines.append(f"People save {saved} a month beside the cheapest line.")
    return lines


def _band_line(found: Thresholds, at: int) -> str:
    band = found.bands[at]
    daily = "" if band.a_day is None else f", {band.a_day:,.0f} a day"
    inside = "no case" if band.part.positives is None else f"{_share(band.part.positives)} positive"
    whose = "" if band.by == "system" else f" ({band.by})"
    return (
        f"{_number(band.part.low)} to {_number(band.part.high)} {band.action}{whose}: "
        f"{_share(band.part.share)} of cases{daily}; {inside}"
    )


def _asked_lines(found: Thresholds) -> list[str]:
    names = ("left alone", "a person", "acted on")
    lines = []
    for name, part in zip(names, found.asked, strict=True):
        inside = "no case" if part.positives is None else f"{_share(part.positives)} positive"
        lines.append(
            f"{_number(part.low)} to {_number(part.high)} {name}: {_share(part.share)} of cases"
            f"{_daily(found, part.share)}; {inside}"
        )
    return lines


def _proven_line(found: Thresholds, at: int) -> str:
    proven = found.proven[at]
    wanted = _share(proven.wanted)
    what = "acted on unseen" if proven.side == "acted" else "left alone unseen"
    if proven.line is None:
        return f"Of what is {what}, {wanted} right is proved at no line on these cases."
    where = f"from {_number(proven.line)} on" if proven.side == "acted" else f"below {_number(proven.line)}"
    return (
        f"Of what is {what} {where}, at least {wanted} is right, at {_share(proven.confidence)} "
        f"confidence: {_share(proven.share)} of cases{_daily(found, proven.share)}. {_range_words(proven)}"
    )


def _range_words(proven: Proven) -> str:
    ends = sorted((proven.line or 0.0, proven.careful or 0.0))
    if ends[0] == ends[1]:
        return "It holds for this line alone: beyond it too few cases are left to prove anything."
    return (
        f"It holds for every line from {_number(ends[0])} to {_number(ends[1])}, whichever you choose; "
        "beyond that too few cases are left to prove anything."
    )


def _group_lines(by_value: Any) -> list[str]:
    return [
        f"{value}: {_share(point.selected)} acted on; {_errors(point)}" for value, point in by_value.items()
    ]


def _errors(point: Point) -> str:
    said = []
    if point.precision is not None:
        said.append(f"precision {_share(point.precision)} ({_between(point.precision_interval)})")
    if point.recall is not None:
        said.append(f"recall {_share(point.recall)} ({_between(point.recall_interval)})")
    if point.fpr is not None:
        said.append(f"false alarms among negatives {_share(point.fpr)}")
    return ", ".join(said) or "nothing is known of it"


def _between(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{_share(interval[0])} to {_share(interval[1])}"


def _money(found: Thresholds, point: Point) -> str:
    if point.cost is None or point.cost_interval is None:
        return "not priced"
    low, high = (_amount(found, end) for end in point.cost_interval)
    if point.cost_interval[1] <= 0:
        low, high = high, low
    elif point.cost_interval[0] < 0:
        low, high = f"a gain of {low}", f"a cost of {high}"
    return f"{_month(found, point.cost)} ({low} to {high})"


def _month(found: Thresholds, cost: float) -> str:
    per = "a case" if found.volume is None else "a month"
    return f"{'gains' if cost < 0 else 'costs'} {_amount(found, cost)} {per}"


def _amount(found: Thresholds, cost: float) -> str:
    from shipworthy.decide.record import words

    return words.number(abs(cost) * (found.volume or 1.0), "money", found.currency)


def _daily(found: Thresholds, share: float) -> str:
    from shipworthy.api.thresholds import DAYS_A_MONTH

    return "" if found.volume is None else f" ({share * found.volume / DAYS_A_MONTH:,.0f} a day)"


def _number(threshold: float) -> str:
    return "above every score" if math.isinf(threshold) else f"{threshold:.4g}"


def _share(share: float) -> str:
    from shipworthy.decide.record import words

    return words.number(share, "share")
