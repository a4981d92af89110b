"""A decision as Markdown, short enough for a pull-request comment."""

from __future__ import annotations

from shipworthy.decide.record import story, words
from shipworthy.decide.standing import Standing
from shipworthy.define.documents.escaping import markdown_line as _plain
from shipworthy.records import CaseChange, Comparison, Decision, GateResult

__all__ = ["render_markdown"]

#: GitHub refuses comments of 65,536 characters.
MOST_CHARACTERS = 60_000

_CASES = 10
_LINES = 20
_GATES = 60
_CELL = 240


def render_markdown(decision: Decision, *, decision_id: str = "", standing: Standing | None = None) -> str:
    """Return the record of a decision for a pull-request comment.

    Args:
        decision: The decision.
        decision_id: Its id, for the command that verifies it; empty where it has none yet.
        standing: What stands of it with its signatures; None where nobody can sign.

    Returns:
        GitHub-flavoured Markdown of less than 60,000 characters; nothing from data is markup in it.
    """
    parts = [
        _head(decision),
        _signatures(standing),
        _numbers(decision),
        _forced_by(decision),
        _gates(decision),
        _spec_changes(decision),
        _got_worse(decision),
        *[_newly_failing(comparison) for comparison in decision.evidence.comparisons],
        _money(decision),
        _foot(decision, decision_id),
    ]
    text = "\n\n".join(part for part in parts if part) + "\n"
    if len(text) <= MOST_CHARACTERS:
        return text
    foot = "\n\n_The rest is in the full record._\n\n" + parts[-1] + "\n"
    kept = text[: MOST_CHARACTERS - len(foot)]
    return kept[: kept.rfind("\n")] + foot


def _head(decision: Decision) -> str:
    product = _plain(decision.evidence.product, 120)
    about = [f"**{product}**", _plain(decision.evidence.role, 80)]
    if decision.decided_at:
        about.append(_plain(words.when(decision.decided_at), 80))
    mark, verdict = words.verdict_mark(decision.verdict), words.verdict_words(decision.verdict)
    sentence = _plain(story.headline(decision) or words.verdict_meaning(decision.verdict), 600)
    lines = [f"## {_plain(mark)} {verdict}", sentence, " · ".join(about)]
    invalid = [f"- {_plain(why, 400)}" for why in decision.evidence.invalid[:_LINES]]
    return "\n\n".join(lines + (["\n".join(invalid)] if invalid else []))


def _signatures(standing: Standing | None) -> str:
    if standing is None or not (standing.roles or standing.reasons):
        return ""
    differs = standing.verdict is not standing.decided
    stands = (
        f"**{words.verdict_words(standing.verdict)}** stands on {standing.day}: the decision itself says "
    )
    lines = ["### Signatures", *([f"{stands}{standing.decided.words}."] if differs else [])]
    reasons = [f"- {_plain(f'{one.text} {one.change}'.strip(), 600)}" for one in standing.reasons]
    roles = [
        f"- {part.state}: {_plain(part.role, 80)}"
        + (f", {_plain(part.signature.person, 160)}" if part.signature is not None else "")
        for part in standing.roles[:_LINES]
    ]
    return "\n\n".join([*lines, *(["\n".join([*reasons[:_LINES], *roles])] if reasons or roles else [])])


def _numbers(decision: Decision) -> str:
    lines = []
    for number in story.headline_numbers(decision):
        about = [_plain(number.detail, 200)]
        if number.status:
            about.append(f"{words.status_words(number.status)}, bar {_plain(number.bar, 80)}")
        about.append(_plain(number.live, 120))
        described = "; ".join(filter(None, about))
        lines.append(f"- {_plain(number.label, 120)}: **{_plain(number.value)}**, {described}")
    return "\n".join(lines)


def _forced_by(decision: Decision) -> str:
    if not decision.forced_by:
        return ""
    lines = []
    for at, reason in enumerate(decision.forced_by[:_LINES], start=1):
        change = f" *To change it:* {_plain(reason.change, 400)}" if reason.change else ""
        lines.append(f"{at}. {_plain(reason.text, 400)}{change}")
    return "### Why\n\n" + "\n".join(lines)


def _gates(decision: Decision) -> str:
    if not decision.gates:
        return "### Gates\n\nThe spec has no gates; without a gate nothing can be proven."
    rows = ["| Gate | Answer | Measured | n | What would settle it |", "|---|---|---|--:|---|"]
    rows += [_gate_row(result, story.currency(decision)) for result in decision.gates[:_GATES]]
    more = len(decision.gates) - _GATES
    return (
        "### Gates\n\n"
        + "\n".join(rows)
        + (f"\n\n{more} more gates are in the full record." if more > 0 else "")
        + (f"\n\n{_plain(decision.waiting.together, 400)}" if decision.waiting else "").rstrip()
    )


def _gate_row(result: GateResult, code: str) -> str:
    gate = result.evidence
    aside = result.waiver.sentence if result.waiver is not None else ""
    said = (aside, words.settle_words(gate, result.status), words.implied_words(gate), result.tried_again)
    cells = (
        _plain(gate.rule, _CELL)
        + ("" if result.blocking else " (advisory)")
        + (" (waived)" if result.waived else ""),
        words.status_words(result.status),
        "unknown" if gate.estimate.value is None else _plain(words.interval(gate.estimate, code), _CELL),
        f"{gate.estimate.n:,}",
        _plain(" ".join(part for part in said if part), 2 * _CELL),
    )
    return "| " + " | ".join(cells) + " |"


def _spec_changes(decision: Decision) -> str:
    if not decision.spec_changes:
        return ""
    lines = [
        f"- {_plain(change.text, 400)} ({words.eases_words(change.eases)})"
        for change in decision.spec_changes[:_LINES]
    ]
    more = len(decision.spec_changes) - _LINES
    lines += [f"- {more} more are in the full record."] if more > 0 else []
    return "### How the promise was moved\n\n" + "\n".join(lines)


def _got_worse(decision: Decision) -> str:
    if decision.got_worse:
        text = "\n".join(f"- {_plain(line, 400)}" for line in decision.got_worse[:_LINES])
    elif decision.evidence.comparisons:
        text = "Nothing is shown to be worse. Single cases may still be."
    else:
        text = "There is nothing to compare with: no live system and no baseline is named."
    return f"### What got worse\n\n{text}"


def _newly_failing(comparison: Comparison) -> str:
    if comparison.broke is None or comparison.fixed is None:
        return ""
    counts = f"**{comparison.broke:,} broke**, {comparison.fixed:,} fixed of {comparison.shared:,}"
    line = f"Against {_plain(comparison.other, 60)}: {counts}."
    if not comparison.newly_failing:
        return line
    rows = [_case_row(case) for case in comparison.newly_failing[:_CASES]]
    table = "\n".join(["| Newly failing | Input | Before | Now |", "|---|---|---|---|", *rows])
    return f"{line}\n\n{table}"


def _case_row(case: CaseChange) -> str:
    before, after = _turn(case.before, case.before_text), _turn(case.after, case.after_text)
    return (
        f"| {_plain(case.case_id, 60)} | {_plain(case.input or case.input_file, 120)} | {before} | {after} |"
    )


def _turn(outcome: str, text: str) -> str:
    return ": ".join(filter(None, (_plain(words.outcome_words(outcome)), _plain(text, 120))))


def _money(decision: Decision) -> str:
    money = decision.evidence.money
    if money is None:
        return "### Money\n\nNo costs are stated. Add `costs:` to the spec to see what errors cost."
    per_case = _plain(words.interval(money.per_case, money.currency))
    lines = [f"- Outcomes cost {per_case} per case (a gain is negative)."]
    if money.per_month:
        lines.append(
            f"- At the stated volume: {_plain(words.interval(money.per_month, money.currency))} a month."
        )
    if money.break_even_note:
        lines.append(f"- {_plain(money.break_even_note, 300)}")
    if decision.evidence.holding:
        lines.append(f"- {_plain(decision.evidence.holding.sentence, 300)}")
    if decision.waiting:
        lines += [f"- {_plain(sentence, 400)}" for sentence in decision.waiting.sentences]
    lines += [f"- {_plain(option, 300)}" for option in money.options[:_LINES]]
    return "### Money\n\n" + "\n".join(lines)


def _foot(decision: Decision, decision_id: str) -> str:
    counted = decision.evidence.subject.denominator
    return (
        f"{counted.planned:,} planned = {counted.scored:,} scored + {counted.failed:,} failed"
        f" + {counted.unscored:,} unscored. {_verify(decision, decision_id)}"
    )


def _verify(decision: Decision, decision_id: str) -> str:
    if not decision.decided_at:
        return "A check keeps no record."
    return f"Verify with `{words.cut(story.verify_command(decision_id), 200).replace('`', '')}`."
