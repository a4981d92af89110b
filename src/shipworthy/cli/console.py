"""What every command prints with: a console, a progress bar, and a decision that is read in a minute."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shipworthy.decide.record import story, words
from shipworthy.evaluate.progress import Progress, Silent
from shipworthy.records import (
    CaseChange,
    Comparison,
    Coverage,
    Decision,
    Difference,
    GateResult,
    GateStatus,
    SliceEstimate,
    Verdict,
    plain,
)

if TYPE_CHECKING:
    from shipworthy.tables.scans import Scan

__all__ = [
    "banner",
    "others_prints_aside",
    "out",
    "print_comparison",
    "print_decision",
    "print_json",
    "say",
    "watcher",
]

STATUS_STYLES = {
    GateStatus.met: "green",
    GateStatus.not_met: "bold red",
    GateStatus.not_proven: "yellow",
    GateStatus.not_measured: "magenta",
}
VERDICT_STYLES = {
    Verdict.ship: "bold black on green",
    Verdict.ship_with_guardrails: "bold black on cyan",
    Verdict.hold: "bold black on yellow",
    Verdict.roll_back: "bold white on red",
    Verdict.invalid: "bold white on magenta",
}
LISTED = 5
#: Beginnings of the notes that stand beside a gate; the rest are in the record.
BESIDE_A_GATE = (
    "Decided by",
    "Fewer than",
    "Four fifths",
    "If more than",
    "Judge of",
    "Only ",
    "The groups",
    "The sizes",
    "The slice",
)
_CLASSES_SHOWN = 6


def _width() -> int | None:
    """A pipe has no width; a hundred columns read well in a log."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return None
    return 100


def out() -> Console:
    """Return the console for results (standard output)."""
    return Console(width=_width(), highlight=False, soft_wrap=False)


def say(text: str) -> None:
    """Print one line for people on standard error, so that standard output stays the result."""
    Console(stderr=True, highlight=False).print(Text(words.visible(text)), style="dim", soft_wrap=True)


@contextmanager
def others_prints_aside() -> Iterator[None]:
    """Send what a system or a scorer prints to standard error, so that standard output stays the result."""
    with redirect_stdout(sys.stderr):
        yield


def print_json(value: Any) -> None:
    """Print records as JSON.

    Args:
        value: A record, or anything `plain` understands.
    """
    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")


def print_scans(scans: Sequence[Scan]) -> None:
    """Print what each query over rows was for, how often it read a table, and how long it took.

    Args:
        scans: The scans, in their order.
    """
    reads = sum(scan.tables for scan in scans)
    say(f"{words.plural(len(scans), 'query', 'queries')} over rows, reading a table or file {reads} times:")
    for scan in scans:
        say(
            f"  {scan.serves}: {scan.tables} read, {words.plural(scan.arms, 'grouping')}, "
            f"{words.plural(scan.rows_out, 'row')} out, {scan.seconds:.3f} s"
        )


def watcher() -> Progress:
    """Return a progress bar where somebody watches standard error, else the watcher that says nothing."""
    if not sys.stderr.isatty():
        return Silent()
    from shipworthy.cli.progress import RichProgress

    return RichProgress()


# -- a decision ------------------------------------------------------------------------------------------


def print_decision(decision: Decision, decision_id: str = "", path: Path | None = None) -> None:
    """Print a decision as a busy person reads it: verdict, gates, what got worse, money, what to do.

    Args:
        decision: The decision.
        decision_id: Its id; empty for `check`, which keeps none.
        path: Its record; None where there is none.
    """
    console = out()
    code = story.currency(decision)
    rest = "in the record" if decision_id else "with --html or --json"
    console.print()
    console.print(banner(decision))
    console.print(Padding(_text(decision.headline), (0, 0, 1, 1)))
    console.print(_section("Gates", _gates(decision)))
    for title, lines in (
        ("What would change it", _changes(decision)),
        ("How the promise was moved", _spec_changes(decision)),
        ("What got worse", [_text(line, "red") for line in decision.got_worse]),
        ("Newly failing cases", _newly_failing(decision, rest)),
        ("Around bad outcomes", _coverage(decision, in_check=not decision_id)),
        ("Failure modes", _failure_modes(decision)),
        ("Must pass", _must_pass(decision, rest)),
        ("Measured", _measured(decision, code)),
        ("Taken for what", _confusion(decision, code)),
        ("Against other systems", _against(decision, code)),
        ("Money", _money(decision, code)),
        ("Slices that differ", _odd_slices(decision)),
        ("How far to trust it", _trust(decision)),
    ):
        if lines:
            console.print(_section(title, Group(*lines)))
    if decision_id:
        console.print(_text(f" Decision {decision_id}" + (f"  {path}" if path else ""), "dim"))
    console.print()


def _section(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f" {title}", style="bold"), Padding(body, (0, 0, 1, 3)))


def _text(line: str, style: str = "") -> Text:
    return Text(words.visible(line), style=style)


def banner(decision: Decision) -> Text:
    """Return the line that stands above a decision: verdict, product, subject, cases."""
    subject = decision.evidence.subject
    line = Text(" ")
    line.append(
        f" {words.verdict_mark(decision.verdict)} {decision.verdict.words.upper()} ",
        style=VERDICT_STYLES[decision.verdict],
    )
    line.append(f"  {words.visible(decision.evidence.product)}", style="bold")
    line.append(f" · {words.visible(subject.system)} · {subject.cases:,} cases", style="dim")
    return line


def _gates(decision: Decision) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(ratio=2, min_width=18)
    table.add_column(ratio=5)
    for gate in decision.gates:
        style = STATUS_STYLES[gate.status]
        status = Text(f"{words.status_mark(gate.status)} {gate.status.words}", style=style)
        rule = Text(words.visible(gate.evidence.rule), style="bold")
        if not gate.blocking:
            rule.append(" (advisory)", style="dim not bold")
        special = words.special_population(gate.evidence, decision.evidence.population)
        if special:
            rule.append(f" on {words.visible(special)}", style="dim not bold")
        table.add_row(status, rule, _gate_sentence(gate))
    return table


def _gate_sentence(gate: GateResult) -> Text:
    sentence = _text(gate.sentence)
    if gate.tried_again:
        sentence.append(f" {gate.tried_again}", style="yellow")
    if gate.waiver is not None:
        sentence.append(f" {words.visible(gate.waiver.sentence)}", style="bold magenta")
    if gate.unscored_could_change:
        sentence.append(
            f" The {gate.evidence.unscored:,} unscored rows could turn this answer.", style="magenta"
        )
    for note in gate.evidence.notes:
        if note.startswith(BESIDE_A_GATE):
            sentence.append(f" {words.visible(note)}", style="dim")
    return sentence


def _changes(decision: Decision) -> list[Text]:
    if decision.verdict in (Verdict.ship, Verdict.ship_with_guardrails):
        return []
    rules = {gate.evidence.gate_id: gate.evidence.rule for gate in decision.gates}
    counted = {part.outcome: words.outcomes_counted(part.count, part.outcome) for part in decision.coverage}
    lines = []
    for reason in decision.forced_by[:6]:
        about = rules.get(reason.of, reason.of) if reason.kind == "gate" else counted.get(reason.of, "")
        line = Text(f"{words.visible(about)}: ", style="bold")
        if reason.kind == "evidence":
            line = Text(f"{words.visible(reason.text)} ")
        line.append(words.visible(reason.change), style="not bold")
        lines.append(line)
    return lines


def _spec_changes(decision: Decision) -> list[Text]:
    return [
        _text(change.text, "yellow" if change.eases in ("easier", "unclear") else "").append(
            f" ({words.eases_words(change.eases)})", "dim"
        )
        for change in decision.spec_changes
    ]


def _newly_failing(decision: Decision, rest: str) -> list[Text]:
    lines: list[Text] = []
    for comparison in decision.evidence.comparisons:
        if comparison.other != "live" and any(c.other == "live" for c in decision.evidence.comparisons):
            continue
        lines += _flips(comparison, rest)
    return lines


def _flips(comparison: Comparison, rest: str) -> list[Text]:
    if comparison.broke is None:
        return []
    if not comparison.broke and not comparison.fixed:
        return [_text(f"None against {comparison.other}: the same cases are right and wrong.")]
    lines = [
        _text(f"Against {comparison.other}: fixed {comparison.fixed:,}, broke {comparison.broke:,}.", "bold")
    ]
    shown = comparison.newly_failing[:LISTED]
    lines += [_case_line(change) for change in shown]
    if comparison.broke > len(shown):
        lines.append(_text(f"… and {comparison.broke - len(shown):,} more {rest}.", "dim"))
    return lines


def _case_line(change: CaseChange) -> Text:
    name = change.case_id + (f" #{change.repeat}" if change.repeat else "")
    line = Text(f"{words.cut(name, 28)}  ", style="bold")
    line.append(f"{words.outcome_words(change.before)} → {words.outcome_words(change.after)}", style="red")
    asked = change.input or change.input_file
    if asked and asked != change.case_id:
        line.append(f"  {words.cut(_one_line(asked), 60)}", style="not bold")
    return line


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _coverage(decision: Decision, in_check: bool) -> list[Text]:
    lines = [_cover_line(part) for part in decision.coverage]
    bare = [part.outcome for part in decision.coverage if not part.covered]
    if bare and in_check:
        hint = f'Say what does: --guardrail "{bare[0]} CAUGHT/TRIED" or --accept "{bare[-1]}: REASON (OWNER)"'
        lines.append(_text(hint, "dim"))
    return lines


def _cover_line(part: Coverage) -> Text:
    line = Text(f"{words.outcomes_counted(part.count, part.outcome)}: ")
    if part.guardrails and part.catch is not None:
        line.append(
            f"{words.listed(part.guardrails)} {'catches' if len(part.guardrails) == 1 else 'catch'} "
            f"{words.number(part.catch.value, 'share')}, "
            f"{words.range_words(part.catch.low, part.catch.high, 'share')} ({part.catch.n} tried)"
        )
        if part.slips_per_month is not None:
            slips = part.slips_per_month
            line.append(f"; {words.range_words(slips.low, slips.high)} a month slip through")
    elif part.accepted:
        line.append(f"accepted: {words.visible(part.accepted)}")
    else:
        line.append(f"nothing stands around {'it' if part.count == 1 else 'them'}", style="bold red")
        if part.ended is not None:
            line.append(f"; an acceptance counts no more: {words.visible(part.ended)}", style="not bold")
    return line


def _failure_modes(decision: Decision) -> list[Text]:
    lines = []
    for mode in decision.failure_modes:
        line = Text(f"{words.visible(mode.id)}", style="bold")
        line.append(f" ({mode.severity}): ", style="dim not bold")
        if mode.status is not None:
            line.append(
                f"{words.status_mark(mode.status)} {mode.status.words}", style=STATUS_STYLES[mode.status]
            )
            line.append(f" by gate {words.visible(mode.gate)}", style="not bold")
        elif mode.accepted:
            line.append(f"accepted: {words.visible(mode.accepted)}", style="not bold")
        else:
            line.append("no gate bounds it", style="not bold yellow")
        lines.append(line)
    return lines


def _must_pass(decision: Decision, rest: str) -> list[Text]:
    failing = decision.evidence.must_pass
    if not failing:
        return []
    head = _text(f"{decision.evidence.must_pass_failing:,} curated or incident cases fail:", "bold")
    lines = []
    for change in failing[:LISTED]:
        line = Text(f"{words.cut(change.case_id, 28)}  ", style="bold")
        line.append(words.outcome_words(change.after), style="red")
        if asked := change.input or change.input_file:
            line.append(f"  {words.cut(_one_line(asked), 60)}", style="not bold")
        lines.append(line)
    if decision.evidence.must_pass_failing > LISTED:
        more = decision.evidence.must_pass_failing - LISTED
        lines.append(_text(f"… and {more:,} more {rest}.", "dim"))
    return [head, *lines]


def _measured(decision: Decision, code: str) -> list[RenderableType]:
    """Metrics that no comparison table shows already."""
    compared = {
        part.metric for comparison in decision.evidence.comparisons for part in comparison.differences
    }
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for part in decision.evidence.metrics:
        if part.metric in compared or _is_dull(part.metric, part.estimate.value):
            continue
        estimate = part.estimate
        value = words.number(estimate.value, estimate.unit, code)
        span = words.range_words(estimate.low, estimate.high, estimate.unit, code)
        note = span if estimate.unknown is None else words.visible(estimate.unknown)
        table.add_row(_text(part.metric), value, _text(note), _text(f"n {estimate.n:,}", "dim"))
    return [table] if table.row_count else []


def _confusion(decision: Decision, code: str) -> list[RenderableType]:
    """The confusion table where it has few classes, else the commonest mistakes."""
    confusion = decision.evidence.confusion
    if confusion is None:
        return []
    if len(confusion.classes) > _CLASSES_SHOWN:
        return [_text(words.mistake_words(mistake, code)) for mistake in confusion.mistakes[:LISTED]]
    table = Table(box=None, show_header=True, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("true class ↓, answer →")
    for answer in confusion.answers:
        table.add_column(words.cut(answer, 16), justify="right")
    for row, label in enumerate(confusion.classes):
        columns = range(len(confusion.answers))
        shown = [words.cell_words(confusion, row, column, code) for column in columns]
        table.add_row(_text(words.cut(label, 24)), *shown)
    return [table]


def _is_dull(metric: str, value: float | None) -> bool:
    return metric == "failed_share" and not value


def _against(decision: Decision, code: str) -> list[RenderableType]:
    return [_difference_table(part, code) for part in decision.evidence.comparisons if part.differences]


def _difference_table(comparison: Comparison, code: str) -> RenderableType:
    table = Table(box=None, show_header=True, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for title in (f"against {words.visible(comparison.other)}", "this", comparison.other, "difference", ""):
        table.add_column(words.visible(title), justify="left" if title.startswith("against") else "right")
    for part in comparison.differences[:12]:
        if _is_dull(part.metric, part.ours.value) and _is_dull(part.metric, part.theirs.value):
            continue
        table.add_row(
            _text(part.metric),
            words.number(part.ours.value, part.ours.unit, code),
            words.number(part.theirs.value, part.theirs.unit, code),
            _delta(part, code),
            _verdict_word(part),
        )
    if not comparison.note:
        return table
    return Group(table, _text(comparison.note, "yellow"))


def _delta(part: Difference, code: str) -> str:
    delta = part.delta
    if delta.value is None:
        return "unknown"
    value = words.signed(delta.value, delta.unit, code)
    if delta.low is None or delta.high is None:
        return value
    low, high = (words.signed(end, delta.unit, code) for end in (delta.low, delta.high))
    return f"{value} ({low.removesuffix(' points')} to {high.removesuffix(' points')})"


def _verdict_word(part: Difference) -> Text:
    style = {"better": "green", "worse": "red"}.get(part.verdict, "dim")
    return Text(part.verdict, style=style)


def _money(decision: Decision, code: str) -> list[Text]:
    money, holding = decision.evidence.money, decision.evidence.holding
    lines = []
    if money is not None:
        month = money.per_month
        if month is not None and month.value is not None:
            word = "cost" if month.value >= 0 else "gain"
            flip = -1.0 if month.value < 0 else 1.0
            low, high = sorted((flip * (month.low or 0.0), flip * (month.high or 0.0)))
            lines.append(
                _text(
                    f"Its outcomes {word} about {words.number(abs(month.value), 'money', code)} a month at "
                    f"{money.volume_per_month:,.0f} cases, {words.range_words(low, high, 'money', code)}."
                )
            )
        else:
            lines.append(_text(f"Its outcomes cost {words.interval(money.per_case, code)} per case."))
        if money.break_even_note:
            lines.append(_text(money.break_even_note))
        lines += [_text(f"· {option}") for option in money.options]
    if money is not None and decision.evidence.sampled in ("curated", "incident"):
        lines.append(
            _text(
                f"The cases are {decision.evidence.sampled}: this money speaks of them, not of your traffic."
            )
        )
    if holding is not None and money is not None:
        lines.append(_text(holding.sentence))
    if decision.waiting is not None and money is not None:
        lines += [_text(sentence) for sentence in decision.waiting.sentences]
    return lines


def _odd_slices(decision: Decision) -> list[Text]:
    """Slices whose difference to the rest survives Benjamini-Hochberg, the strongest first."""
    odd = [
        part
        for part in decision.evidence.slices
        if part.p_value is not None
        and part.p_value < 0.05
        and part.gap is not None
        and part.gap.value is not None
        and part.metric not in ("latency_p95_ms", "run_cost")
    ]
    odd.sort(key=lambda part: part.p_value or 0.0)
    looked_at = {(part.column, part.value) for part in decision.evidence.slices}
    if looked_at and not odd:
        return [
            _text(f"None of {words.plural(len(looked_at), 'slice')} differs by more than chance explains.")
        ]
    strongest: dict[tuple[str, str], SliceEstimate] = {}
    for part in odd:
        strongest.setdefault((part.column, part.value), part)
    return [_slice_line(part) for part in list(strongest.values())[:LISTED]]


def _slice_line(part: SliceEstimate) -> Text:
    gap = part.gap
    value = words.number(part.estimate.value, part.estimate.unit)
    line = Text(f"{words.visible(part.column)} = {words.cut(part.value, 30)}", style="bold")
    line.append(f"  {words.visible(part.metric)} {value} of {part.estimate.n:,}", style="not bold")
    if gap is not None and gap.low is not None and gap.high is not None:
        low, high = (words.signed(end, gap.unit).removesuffix(" points") for end in (gap.low, gap.high))
        line.append(
            f", {words.signed(gap.value, gap.unit)} against the rest ({low} to {high})", style="not bold"
        )
    return line


def _trust(decision: Decision) -> list[Text]:
    evidence = decision.evidence
    count = evidence.subject.denominator
    lines = [
        _text(
            f"{count.planned:,} planned = {count.scored:,} scored + {count.failed:,} failed + "
            f"{count.unscored:,} unscored"
            + _reasons(count.failed_reasons, "failed")
            + _reasons(count.unscored_reasons, "unscored")
            + "."
        )
    ]
    if decision.chance_all_pass is not None:
        lines.append(
            _text(
                "If what was seen is the truth, a fresh sample of this size passes all blocking gates with "
                f"a chance of {words.chance_words(decision.chance_all_pass)}."
            )
        )
    if decision.waiting is not None and decision.waiting.together:
        lines.append(_text(decision.waiting.together))
    sampling = {note for gate in decision.gates for note in gate.evidence.notes if "traffic" in note}
    lines += [_text(note, "dim") for note in sorted(sampling)]
    lines += [_text(note, "dim") for note in evidence.notes]
    if decision.not_judged:
        lines.append(_text(f"Not judged yet: {words.listed(decision.not_judged, 8)}.", "dim"))
    return lines


def _reasons(reasons: Any, word: str) -> str:
    if not reasons:
        return ""
    named = [f"{words.cut(reason, 50)} ({count:,})" for reason, count in list(reasons.items())[:3]]
    return f"; {word}: {', '.join(named)}"


def _money_compared(comparison: Comparison, currency: str) -> str:
    """Say what the first system costs a month against the second."""
    money = comparison.money
    if money is None or money.value is None:
        return ""
    low, high = (words.signed(end, "money", currency) for end in (money.low, money.high))
    verb = "costs" if money.value >= 0 else "saves"
    amount = words.number(abs(money.value), "money", currency)
    return (
        f"{comparison.subject} {verb} about {amount} a month against {comparison.other}: its costs less the "
        f"other's are {low} to {high}."
    )


def print_comparison(comparison: Comparison, currency: str = "") -> None:
    """Print two systems side by side, newly failing cases first.

    Args:
        comparison: The comparison.
        currency: ISO code of the spec's costs.
    """
    console = out()
    console.print()
    console.print(
        _text(
            f" {comparison.subject} against {comparison.other} on {comparison.shared:,} shared rows", "bold"
        )
    )
    console.print()
    if comparison.broke is not None:
        console.print(_section("Newly failing cases", Group(*_flips(comparison, "with --json"))))
        if comparison.mid_p is not None:
            console.print(
                Padding(
                    _text(
                        f"McNemar mid-p {comparison.mid_p:.2g}: how surprising {comparison.fixed} against "
                        f"{comparison.broke} would be if neither were better.",
                        "dim",
                    ),
                    (0, 0, 1, 3),
                )
            )
    console.print(_section("Metrics", _difference_table(comparison, currency)))
    worse = [part for part in comparison.slices if part.verdict == "worse"]
    if worse:
        lines = [_text(f"{p.column} = {p.value}: {_delta(p, '')}", "red") for p in worse]
        console.print(_section("Slices that got worse (Holm)", Group(*lines)))
    if comparison.money is not None and comparison.money.value is not None:
        console.print(_section("Money", _text(_money_compared(comparison, currency))))


def pairs_of(values: Iterable[str], option: str) -> dict[str, str]:
    """Return name=value options as a mapping.

    Args:
        values: Options as written.
        option: The option's name, for messages.

    Raises:
        UsageError: If one has no "=".
    """
    from shipworthy.errors import UsageError

    found = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{option} {value!r} is no name=value.", fix=f"Write {option} NAME=VALUE.")
        found[name.strip()] = rest.strip()
    return found
