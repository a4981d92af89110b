"""`shipworthy size`."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.text import Text

    from shipworthy.api.size import LabelWorth, Sized
    from shipworthy.define.sizing import GateQuestion, GateSize, JointSize, TruthRow

#: Options that speak of a rule alone, by their names in Python.
OF_A_RULE = {
    "confidence": "--confidence",
    "deviation": "--deviation",
    "seen": "--seen",
    "gain": "--gain",
    "loss": "--loss",
    "label_cost": "--label-cost",
    "volume": "--volume",
}


class FiniteRange(click.FloatRange):
    """A range of numbers that leaves out nan and infinity, which no comparison with its ends finds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number; refuse what is none."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number


@click.command("size", short_help="how many cases a spec or a rule takes, and what the cases there are prove")
@click.argument("target", default=".", metavar="[FOLDER | SPEC | RULE]")
@click.option("--gate", metavar="ID", help="Size only this gate.")
@click.option(
    "--expect",
    "expects",
    multiple=True,
    metavar="[GATE=]TRUTH",
    help="Expected true value, as 0.85 or 85%; by default the spec's, else what was last measured.",
)
@click.option("-n", "--cases", type=click.IntRange(min=0), help="Plan with so many cases in all.")
@click.option(
    "--discordance",
    type=FiniteRange(0, 1, min_open=True),
    help="Share of cases on which two systems differ; by default as last measured, else 0.1.",
)
@click.option(
    "--design-effect",
    type=FiniteRange(min=1, max=1e6),
    default=1.0,
    help="Factor by which clusters and repeats shrink the count.  [default: 1]",
)
@click.option(
    "--confidence",
    type=FiniteRange(0.5, 1, min_open=True, max_open=True),
    help="RULE: one-sided confidence.  [default: 0.95]",
)
@click.option("--deviation", type=FiniteRange(min=0), help="RULE: standard deviation of one case.")
@click.option("--seen", metavar="X/N", help="RULE: successes (or events) and cases seen so far, as 45/50.")
@click.option("--gain", type=FiniteRange(min=0), help="RULE: worth of a rate of 1 above the bar, a case.")
@click.option("--loss", type=FiniteRange(min=0), help="RULE: loss of a rate of 1 below the bar, a case.")
@click.option("--volume", type=FiniteRange(min=0, min_open=True), help="RULE: cases decided about.")
@click.option("--label-cost", type=FiniteRange(min=0, min_open=True), help="RULE: cost of one further case.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(
    target: str,
    gate: str | None,
    expects: tuple[str, ...],
    cases: int | None,
    discordance: float | None,
    design_effect: float,
    as_json: bool,
    **of_a_rule: Any,
) -> None:
    """Say how many cases the gates of a spec take, and what the cases there are can prove.

    Works before there is any system: it counts the golden set where there is one. A RULE such as
    "good >= 80%" needs no spec at all. Nothing is run and nothing is written.

    \b
    Examples:
      shipworthy size my-product
      shipworthy size my-product --expect recall=0.97
      shipworthy size "accuracy >= 0.80" --expect 0.83 -n 500
      shipworthy size "good >= 90%" --seen 45/50 --gain 1 --loss 5 --volume 10000 --label-cost 0.4
    """
    from shipworthy.api.size import SizeRequest, size, size_rule
    from shipworthy.cli.console import print_json
    from shipworthy.errors import UsageError

    given = {name: value for name, value in of_a_rule.items() if value is not None}
    if re.search(r"[<>≥≤]", target) and not Path(target).exists():
        if gate is not None:
            raise UsageError("--gate names a gate of a spec, and a rule was given.", fix="Leave it out.")
        found = size_rule(
            target,
            expect=_only(expects),
            cases=cases,
            discordance=discordance,
            design_effect=design_effect,
            seen=_seen(given.pop("seen", None)),
            decided=given.pop("volume", 1.0),
            **given,
        )
    else:
        for name in given:
            raise UsageError(
                f"{OF_A_RULE[name]} belongs to a rule alone.",
                fix=f'Write the rule, as in: shipworthy size "good >= 80%" {OF_A_RULE[name]} ...',
            )
        by_gate, alone = _expected(expects)
        found = size(target, SizeRequest(gate, alone, by_gate, cases, discordance, design_effect))
    if as_json:
        print_json(described(found))
    else:
        _print(found)


def _joint_title(sized: Sized) -> str:
    assert sized.joint is not None  # noqa: S101 - asked only where there is one
    several = len(sized.joint.gates)
    lists = sum(gate.question.blocking and gate.question.form == "list" for gate in sized.gates)
    apart = f", {lists} must-pass {'list' if lists == 1 else 'lists'} apart" if lists else ""
    return f"{'Both' if several == 2 else f'All {several}'} blocking gates together{apart}"


def _only(expects: tuple[str, ...]) -> str | None:
    from shipworthy.errors import UsageError

    if len(expects) > 1:
        raise UsageError("A rule has one expected truth, and several were said.", fix="Keep one --expect.")
    return expects[0].rpartition("=")[2].strip() if expects else None


def _expected(expects: tuple[str, ...]) -> tuple[dict[str, str], str | None]:
    """Return the truths said for a gate by name, and the one said for the only gate."""
    from shipworthy.cli.console import pairs_of

    alone = [text for text in expects if "=" not in text]
    return pairs_of((text for text in expects if "=" in text), "--expect"), _only(tuple(alone))


def _seen(text: str | None) -> tuple[int, int] | None:
    from shipworthy.errors import UsageError

    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
    if found is None:
        raise UsageError(f"--seen {text!r} is no count of cases.", fix="Write it as --seen 45/50.")
    return int(found[1]), int(found[2])


# -- as JSON -------------------------------------------------------------------------------------------


def described(sized: Sized) -> dict[str, Any]:
    """Return an answer as JSON-ready values, each number with what it counts.

    Args:
        sized: The answer.
    """
    from shipworthy.records import plain

    joint = sized.joint
    return {
        "product": sized.product,
        "cases": sized.cases,
        "cases_from": sized.cases_from,
        "gates": [_described_gate(gate) for gate in sized.gates],
        "joint": None
        if joint is None
        else {
            **plain(joint),
            "even_further": joint.further(joint.even),
            "likely_further": joint.further(joint.likely),
        },
        "worth": plain(sized.worth),
        "waiting": plain(sized.waiting),
        "notes": list(sized.notes),
    }


def _described_gate(gate: GateSize) -> dict[str, Any]:
    from shipworthy.records import plain

    question, row = gate.question, gate.at_expected
    whole: dict[str, Any] = plain(gate)
    asked = whole.pop("question")
    kept = ("gate_id", "rule", "blocking", "better", "bar", "confidence", "unit", "form", "cases", "share")
    return {
        **{name: asked[name] for name in kept},
        "population": str(question.population),
        "why": question.why,
        "expected": asked["expected"],
        "discordance": question.discordance if question.form == "paired" else None,
        **whole,
        "even_further": gate.further(row.even) if row is not None else None,
        "likely_further": gate.further(row.likely) if row is not None else None,
        "even_in_all": gate.in_all(row.even) if row is not None else None,
        "likely_in_all": gate.in_all(row.likely) if row is not None else None,
    }


# -- in words ------------------------------------------------------------------------------------------


def _print(sized: Sized) -> None:
    from rich.console import Group
    from rich.padding import Padding

    from shipworthy.cli.console import out

    console = out()
    console.print()
    if sized.product:
        console.print(_line(f" {sized.product} · {_cases_words(sized)}", "bold"))
        console.print()
    for gate in sized.gates:
        console.print(_head(gate))
        console.print(Padding(Group(*_body(gate, sized.currency)), (0, 0, 1, 3)))
    if sized.joint is not None:
        console.print(_line(f" {_joint_title(sized)}", "bold"))
        console.print(Padding(Group(*_joint_lines(sized.joint)), (0, 0, 1, 3)))
    if sized.worth is not None:
        console.print(_line(" What further cases are worth", "bold"))
        console.print(Padding(Group(*_worth_lines(sized.worth)), (0, 0, 1, 3)))
    if sized.waiting is not None and sized.waiting.knowing is not None:
        console.print(_line(" What waiting brings and costs, by the latest decision", "bold"))
        console.print(Padding(Group(*map(_line, sized.waiting.sentences)), (0, 0, 1, 3)))
    for note in sized.notes:
        console.print(_line(f" {note}", "dim"))


def _line(text: str, style: str = "") -> Text:
    from rich.text import Text

    from shipworthy.decide.record import words

    return Text(words.visible(text), style=style)


def _cases_words(sized: Sized) -> str:
    if sized.cases is None:
        return "no golden set yet"
    return f"{sized.cases:,} cases" + (", as planned" if sized.cases_from == "said" else "")


def _head(gate: GateSize) -> Text:
    from shipworthy.decide.record import words

    question = gate.question
    line = _line(f" {question.rule}", "bold")
    if not question.blocking:
        line.append(" (advisory)", style="dim not bold")
    said = str(question.population)
    if said and said not in question.rule:
        line.append(f" on {words.visible(said)}", style="dim not bold")
    if question.cases is not None:
        line.append(f"  {words.plural(question.cases, 'case')}", style="dim not bold")
    return line


def _body(gate: GateSize, currency: str) -> list[Any]:
    question = gate.question
    lines: list[Any] = [_line(sentence) for sentence in _present_sentences(gate)]
    if gate.at_expected is not None and question.expected is not None:
        lines.append(_line(_expected_sentence(gate, gate.at_expected, currency)))
    if gate.others:
        lines.append(_line("Nobody says what is expected (--expect, or `expect:` in the spec):", "dim"))
        lines.append(_truth_table(gate))
    if question.form == "spread" and question.expected is None:
        lines.append(_line("Not sized: nobody says what is expected (--expect, or `expect:` in the spec)."))
    if gate.ratio_needed is not None and question.group is not None:
        from shipworthy.decide.record.words import number

        lines.append(
            _line(
                f"With {question.group[0]:,} cases in the smallest group, at a rate of "
                f"{number(question.group[1], 'share')}, an observed ratio of at least "
                f"{gate.ratio_needed:.2f} would prove it if the other group's rate were known; its own "
                "error asks for a little more."
            )
        )
    if question.form in ("list", "unknown"):
        lines.append(_line(f"Not sized: {question.why}."))
    elif question.why:
        lines.append(_line(f"Here {question.why}.", "dim"))
    return lines


def _present_sentences(gate: GateSize) -> list[str]:
    """Say what the cases there are can prove."""
    from shipworthy.decide.record.words import number, plural

    question = gate.question
    if question.cases is None:
        return []
    up = question.better == "at_least"
    if question.form == "paired":
        if gate.detectable is None:
            return ["So few cases detect no difference."]
        return [
            f"{plural(question.cases, 'case')}, on {number(question.discordance, 'share')} of which the "
            f"systems differ, detect a difference of {number(gate.detectable, 'points')} with an 80% chance."
        ]
    if question.form != "rate" or gate.best_bar is None:
        return []
    best = f"{'at least' if up else 'at most'} {number(gate.best_bar, 'share', apart_from=question.bar)}"
    kind = "failing" if up else "occurring"
    if gate.needed is None:
        sentence = (
            f"{plural(question.cases, 'case')} cannot prove it: without a single one {kind} they prove only "
            f"that the rate is {best}."
        )
        return [sentence + (f" It takes {gate.flawless:,} such cases." if gate.flawless else "")]
    word = "at least" if up else "at most"
    needed = f"{word} {gate.needed:,} of {question.cases:,} ({number(gate.needed / question.cases, 'share')})"
    sentences = [f"Proven by {needed}. Without a single one {kind} they prove {best}."]
    if gate.detectable is not None:
        sentences.append(
            f"They prove it with an 80% chance where the truth is "
            f"{number(gate.detectable, 'share', apart_from=question.bar)} or {'more' if up else 'less'}."
        )
    return sentences


def _expected_sentence(gate: GateSize, row: TruthRow, currency: str) -> str:
    question, truth = gate.question, _value(gate.question, row.truth, currency)
    source = question.expected.source if question.expected is not None else ""
    head = f"At {truth} ({source})" if source not in ("", "said") else f"At {truth}"
    if row.even is None or row.likely is None:
        if not _is_reachable(question, row.truth):
            return f"{head} no number of cases proves it: that is not on the right side of the bar."
        return f"{head} it takes more cases than anybody labels."
    words = (
        f"{head} it takes {row.even:,} cases for an even chance and {row.likely:,} for an 80% chance"
        f"{_further_words(gate, row)}."
    )
    if row.chance is not None and question.cases is not None:
        words += f" {question.cases:,} cases prove it with a chance of {_percent(row.chance)}."
    return words


def _further_words(gate: GateSize, row: TruthRow) -> str:
    further = gate.further(row.even), gate.further(row.likely)
    in_all = gate.in_all(row.even), gate.in_all(row.likely)
    parts = []
    if further[0] is not None and further[1] is not None:
        parts.append("no more are needed" if not further[1] else f"{further[0]:,} and {further[1]:,} further")
    share = gate.question.share
    if share is not None and share < 1 and in_all[0] is not None and further[1] != 0:
        parts.append(f"a set of {in_all[0]:,} and {in_all[1]:,} at today's mix")
    return f" ({'; '.join(parts)})" if parts else ""


def _truth_table(gate: GateSize) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("if the truth is", justify="right")
    table.add_column("even chance", justify="right")
    table.add_column("80% chance", justify="right")
    if gate.question.cases is not None:
        table.add_column("chance now", justify="right")
    for row in gate.others:
        cells = [_value(gate.question, row.truth), _count(row.even), _count(row.likely)]
        if gate.question.cases is not None:
            cells.append("" if row.chance is None else _percent(row.chance))
        table.add_row(*cells)
    return table


def _joint_lines(joint: JointSize) -> list[Any]:
    from shipworthy.decide.record.words import chance_words, listed

    lines = []
    if joint.even is None or joint.likely is None:
        lines.append("At the expected truths no number of cases proves all of them.")
    else:
        further = joint.further(joint.even), joint.further(joint.likely)
        more = ""
        if further[1] is not None:
            more = f" ({further[0]:,} and {further[1]:,} further)" if further[1] else " (no more are needed)"
        lines.append(
            f"At the expected truths it takes {joint.even:,} cases in all for an even chance and "
            f"{joint.likely:,} for an 80% chance that all are proven{more}."
        )
        if joint.disjoint:
            lines.append("They count different cases, so their proofs are independent.")
        elif joint.likely_however is not None and joint.likely_however > joint.likely:
            lines.append(
                f"Their proofs are taken as independent; however they depend on each other, "
                f"{joint.likely_however:,} are enough."
            )
    if joint.chance is not None and joint.cases is not None:
        lines.append(
            f"{joint.cases:,} cases prove all of them with a chance of {chance_words(joint.chance)}."
        )
    if joint.left_out:
        lines.append(f"Left out, because nobody can size them yet: {listed(joint.left_out)}.")
    return [_line(line) for line in lines]


def _worth_lines(worth: LabelWorth) -> list[Any]:
    from rich.table import Table

    shipping = "worth" if worth.shipping >= 0 else "expected to lose"
    lines: list[Any] = [
        _line(
            f"Shipping now is {shipping} {abs(worth.shipping):,.2f}; knowing the true rate first would be "
            f"worth {worth.knowing:,.2f}."
        )
    ]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for title in ("further cases", "worth", "cost"):
        table.add_column(title, justify="right")
    for cases, value, cost in worth.by_cases:
        table.add_row(f"{cases:,}", f"{value:,.2f}", "" if cost is None else f"{cost:,.2f}")
    lines.append(table)
    if worth.best is not None:
        cases, net = worth.best
        lines.append(
            _line(
                f"Labelling {cases:,} more pays best: {net:,.2f} more than it costs."
                if cases
                else "No number of further cases is worth its cost."
            )
        )
    return lines


def _is_reachable(question: GateQuestion, truth: float) -> bool:
    from shipworthy.define.sizing import is_reached

    return is_reached(question.better, question.bar, truth)


def _value(question: GateQuestion, value: float, currency: str = "") -> str:
    from shipworthy.decide.record.words import number, signed

    if question.unit == "ratio":
        return f"{value:.2f}"
    if question.unit == "points":
        return signed(value, "points") if value else "no difference"
    return number(value, question.unit, currency, apart_from=question.bar)


def _count(cases: int | None) -> str:
    return "never" if cases is None else f"{cases:,}"


def _percent(chance: float) -> str:
    if chance < 0.01:
        return "less than 1%"
    return "more than 99%" if chance > 0.99 else f"{chance:.0%}"
