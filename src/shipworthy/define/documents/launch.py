"""The launch plan: six questions with evidence, stages, experiment, the way back, and who is told."""

from __future__ import annotations

from datetime import timedelta

from shipworthy.define.documents.model import NOT_SAID, Block, Cell, Document, KeyPath, Section, Table, Tone
from shipworthy.define.documents.parts import (
    about,
    budget_rows,
    decision_line,
    facts,
    guardrail_table,
    monitor_table,
    owner_facts,
    product_name,
)
from shipworthy.define.documents.telling import Telling
from shipworthy.define.keys.part import length_of

__all__ = ["launch", "launch_sections"]

#: A way back that is slower, or a drill that is older, is no answer on launch day.
SLOWEST_ROLLBACK = timedelta(minutes=60)
OLDEST_DRILL = timedelta(days=90)


def launch(t: Telling) -> Document:
    """Return the launch plan."""
    sections = (
        Section("Where it stands", (decision_line(t),)),
        Section("Six questions", (_questions(t),)),
        *launch_sections(t),
        Section("What is watched", (monitor_table(t),)),
        Section("What stands around it", (guardrail_table(t),)),
        Section("Who answers, who signs", (owner_facts(t),)),
    )
    return Document("launch", "Launch plan", product_name(t), about(t), sections)


def launch_sections(t: Telling) -> tuple[Section, ...]:
    """Return stages, experiment, the way back, and who is told, for this plan and the PRD."""
    experiment = facts(
        t,
        ("Decides by", ("launch", "experiment", "primary")),
        ("Must not get worse", ("launch", "experiment", "protected")),
        ("Smallest effect to find", ("launch", "experiment", "mde")),
        ("Chance of finding it", ("launch", "experiment", "power")),
        ("Chance of a false alarm", ("launch", "experiment", "alpha")),
    )
    back = facts(
        t,
        ("Rolls back to", ("launch", "rollback", "to")),
        ("Within", ("launch", "rollback", "within")),
        ("Started by", ("launch", "rollback", "triggers")),
        ("Last drill", ("launch", "rollback", "last_drill")),
        ("Falls back when", ("launch", "fallback", "when")),
        ("Answers instead", ("launch", "fallback", "do")),
        ("Fallback needs", ("launch", "fallback", "needs")),
        ("Fallback last tried", ("launch", "fallback", "tested")),
    )
    told = facts(
        t,
        ("Support says", ("launch", "comms", "support")),
        ("Support is", ("launch", "support")),
        ("Users learn that it is AI", ("launch", "comms", "disclosure")),
        ("Reasons for an adverse decision", ("launch", "comms", "adverse_reasons")),
        ("Release note", ("launch", "comms", "release_note")),
        ("Users complain by", ("launch", "feedback", "channel")),
        ("Somebody looks within", ("launch", "feedback", "triage_within")),
    )
    return (
        Section("Stages", (_stages(t),)),
        Section("Experiment", (experiment,)),
        Section("The way back", (back,)),
        Section("Who is told", (told,)),
    )


def _stages(t: Telling) -> Block:
    rows = []
    for at, stage in enumerate(t.spec.launch.stages if t.spec.launch is not None else ()):
        path: KeyPath = ("launch", "stages", at)
        name = stage.name or ("shadow" if stage.percent == 0 else f"stage {at + 1}")
        share = Cell(f"{stage.percent:g}% of traffic", ((*path, "percent"),))
        lasts = t.said(*path, "for") if stage.for_ is not None else Cell("stays", ((*path, "for"),), "soft")
        rows.append((Cell(name, (path,)), share, lasts))
    return Table(
        "Steps of exposure", ("Stage", "Exposure", "For"), tuple(rows), t.missing("launch", "stages")
    )


def _questions(t: Telling) -> Table:
    """Answer the six questions of launch day from the spec and the latest decision."""
    asked = [
        ("Has it been attacked?", _red_team(t)),
        ("Are its failures noticed and handled?", _handled(t)),
        ("What answers when it cannot?", _fallback(t)),
        ("Does it stay in its budget?", _budget(t)),
        ("Can users say that an answer was bad?", _feedback(t)),
        ("Is it back within the hour?", _rollback(t)),
    ]
    rows = tuple((Cell(question), answer, _evidence(t, said)) for question, (answer, said) in asked)
    return Table("Six questions before a launch", ("Question", "Answer", "Evidence"), rows)


def _evidence(t: Telling, said: Cell) -> Cell:
    """Return the evidence; where there is none, the key to fill in, which a dash would not show."""
    return (
        Cell(f"{t.key(said.keys[0])} is not filled in", said.keys, "soft") if said.tone in NOT_SAID else said
    )


def _answer(word: str, tone: Tone, *keys: KeyPath) -> Cell:
    return Cell(word, keys, tone)


def _red_team(t: Telling) -> tuple[Cell, Cell]:
    path: KeyPath = ("launch", "red_team")
    attack = t.spec.launch.red_team if t.spec.launch is not None else None
    if attack is None:
        if not t.spec.is_foundation:
            return _answer("not asked of this kind", "soft", path), Cell(
                f"a {t.spec.kind} predicts; it reads no instructions", (("kind",),)
            )
        return _answer("no", "not_met", path), t.missing(*path)
    said = t.joined([t.said(*path, "by"), t.said(*path, "on"), t.said(*path, "cases")])
    if attack.on is None:
        return _answer("not dated", "not_proven", path), said
    return _answer("yes", "met", path), said


def _handled(t: Telling) -> tuple[Cell, Cell]:
    open_modes = [
        (at, mode) for at, mode in enumerate(t.spec.failure_modes) if not mode.accepted and not mode.dismissed
    ]
    if not open_modes:
        return _answer("no", "not_met", ("failure_modes",)), t.missing("failure_modes")
    bare = {
        said: [(at, mode.id) for at, mode in open_modes if not getattr(mode, key)]
        for key, said in (("detect", "nothing notices"), ("mitigation", "nothing softens"))
    }
    if any(bare.values()):
        lacking = [(said, modes) for said, modes in bare.items() if modes]
        keys: tuple[KeyPath, ...] = tuple(
            dict.fromkeys(("failure_modes", at) for _said, modes in lacking for at, _name in modes)
        )
        named = "; ".join(f"{said} {', '.join(name for _at, name in modes)}" for said, modes in lacking)
        return _answer("not all", "not_met", *keys), Cell(named, keys)
    said = f"each of {len(open_modes)} has a way of noticing and something that is done"
    return _answer("yes", "met", ("failure_modes",)), Cell(said, (("failure_modes",),))


def _fallback(t: Telling) -> tuple[Cell, Cell]:
    path: KeyPath = ("launch", "fallback")
    fallback = t.spec.launch.fallback if t.spec.launch is not None else None
    if fallback is None:
        return _answer("no", "not_met", path), t.missing(*path)
    said = Cell(
        fallback.do,
        ((*path, "do"),),
        note=f"last tried {fallback.tested}" if fallback.tested else "never tried",
    )
    if fallback.tested is None or t.today - fallback.tested > OLDEST_DRILL:
        return _answer("not tried lately", "not_proven", (*path, "tested")), said
    return _answer("yes", "met", (*path, "tested")), said


def _budget(t: Telling) -> tuple[Cell, Cell]:
    """Answer from the gates on time and money; a budget that no gate bounds is not proven."""
    path: KeyPath = ("budgets",)
    bounded = [g for g in t.spec.gates if "latency" in g.rule or "run_cost" in g.rule or "tokens" in g.rule]
    if t.spec.budgets is None:
        return _answer("no", "not_met", path), t.missing(*path)
    bounds = [f"{name[:1].lower()}{name[1:]}: {cell.text}" for name, cell in budget_rows(t)]
    said = Cell("; ".join(bounds) or "none", (path,))
    if not bounded:
        return _answer("no gate bounds it", "not_proven", path), said
    keys = tuple(("gates", at) for at, g in enumerate(t.spec.gates) if g in bounded)
    answers = [t.answer(gate.id) for gate in bounded]
    order = ("not_met", "not_measured", "not_proven", "met")
    worst = min(answers, key=lambda answer: order.index(answer.status))
    word = "yes" if worst.status == "met" else worst.words
    return _answer(word, worst.status, *keys), Cell(said.text, (path, *keys), note=worst.value)


def _feedback(t: Telling) -> tuple[Cell, Cell]:
    path: KeyPath = ("launch", "feedback")
    said = t.said(*path, "channel")
    if said.tone == "missing":
        return _answer("no", "not_met", path), said
    return _answer("yes", "met", path), said


def _rollback(t: Telling) -> tuple[Cell, Cell]:
    path: KeyPath = ("launch", "rollback")
    rollback = t.spec.launch.rollback if t.spec.launch is not None else None
    if rollback is None:
        return _answer("no", "not_met", path), t.missing(*path)
    drill = f"last drill {rollback.last_drill}" if rollback.last_drill else "never drilled"
    said = Cell(
        f"to {rollback.to}", ((*path, "to"),), note=f"within {rollback.within or 'an unknown time'}, {drill}"
    )
    if rollback.within is None:
        return _answer("not said", "not_met", (*path, "within")), said
    if length_of(rollback.within) > SLOWEST_ROLLBACK:
        return _answer("too slow", "not_met", (*path, "within")), said
    if rollback.last_drill is None or t.today - rollback.last_drill > OLDEST_DRILL:
        return _answer("not drilled lately", "not_proven", (*path, "last_drill")), said
    return _answer("yes", "met", (*path, "last_drill")), said
