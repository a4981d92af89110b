"""How what stands of a decision is printed: the verdict, who signed, what is still open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shipworthy.cli.console import VERDICT_STYLES, out
from shipworthy.decide.record import words

if TYPE_CHECKING:
    from shipworthy.api.signing import Stood
    from shipworthy.decide.standing import SignedRole, Standing

__all__ = ["print_signatures", "print_standing"]

_MARKS = {"signed": "✓", "returned": "✗", "missing": "?"}
_STYLES = {"signed": "green", "returned": "bold red", "missing": "magenta"}


def print_standing(stood: Stood) -> None:
    """Print what stands of a decision.

    Args:
        stood: The decision with its signatures.
    """
    console, standing, decision = out(), stood.standing, stood.decided.decision
    line = Text(" ")
    line.append(
        f" {words.verdict_mark(standing.verdict)} {standing.verdict.words.upper()} ",
        style=VERDICT_STYLES[standing.verdict],
    )
    line.append(f"  {words.visible(decision.evidence.product)}", style="bold")
    line.append(f" · decision {stood.decided.id} · {standing.day}", style="dim")
    console.print()
    console.print(line)
    if standing.verdict is standing.decided:
        console.print(Padding(Text(words.visible(decision.headline)), (0, 0, 0, 1)))
    else:
        console.print(Padding(Text(f"The decision itself says {standing.decided.words}."), (0, 0, 0, 1)))
    for gate in decision.gates:
        if gate.waiver is not None:
            text = f"{gate.evidence.rule}: {gate.status.words}. {gate.waiver.sentence}"
            console.print(Padding(Text(words.visible(text), style="magenta"), (0, 0, 0, 1)))
    print_signatures(standing)
    console.print()


def print_signatures(standing: Standing) -> None:
    """Print who must sign, who did, and what follows from it; nothing where nobody must or did.

    Args:
        standing: What stands.
    """
    if not standing.roles and not standing.reasons:
        return
    console = out()
    console.print()
    console.print(Text(" Signatures", style="bold"))
    if standing.roles:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        for part in standing.roles:
            state = Text(f"{_MARKS[part.state]} {part.state}", style=_STYLES[part.state])
            required = "" if part.required else " (not required)"
            role = Text(words.visible(part.role) + required, style="bold")
            table.add_row(state, role, Text(words.visible(_who(part))))
        console.print(Padding(table, (0, 0, 0, 3)))
    for reason in standing.reasons:
        change = f" {reason.change}" if reason.change else ""
        console.print(Padding(Text(words.visible(f"{reason.text}{change}")), (0, 0, 0, 3)))


def _who(part: SignedRole) -> str:
    """Say who signed for a role, or who is waited for."""
    one = part.signature
    if one is None:
        return part.named
    said = f"{one.person}, {words.when(one.signed_at)} ({one.identity})"
    if part.stands_in:
        said += f", where the spec names {part.named}"
    if one.says == "against":
        said += f"; against the recommendation: {one.verdict.replace('_', ' ')}"
    return f"{said}: {one.reason}" if one.reason else said
