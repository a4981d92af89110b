"""The whole PRD: the usual sections, and the three that an AI product adds."""

from __future__ import annotations

from shipworthy.define.documents.launch import launch_sections
from shipworthy.define.documents.limits import limit_table
from shipworthy.define.documents.lineage_part import lineage_blocks
from shipworthy.define.documents.model import Block, Cell, Document, KeyPath, Paragraph, Section, Table
from shipworthy.define.documents.parts import (
    about,
    acceptances_table,
    budget_facts,
    cost_table,
    decision_line,
    facts,
    failure_table,
    gate_table,
    guardrail_table,
    harm_table,
    metric_table,
    monitor_table,
    owner_facts,
    product_name,
    rows_of,
    source_table,
    strata_table,
    system_table,
)
from shipworthy.define.documents.telling import Telling

__all__ = ["learning_blocks", "population_facts", "prd"]


def prd(t: Telling) -> Document:
    """Return the AI PRD: problem, goals, stories, metrics, model spec, eval plan, failures, data, launch."""
    sections = (
        Section("Where it stands", (decision_line(t), *_changes(t))),
        Section("Problem", (_problem(t), harm_table(t))),
        Section("Goals", (Paragraph(t.said("problem", "success"), lead=True), *_outcomes(t))),
        Section("Stories", (_story(t), *_envelope(t))),
        Section("Decision", (_decision(t), cost_table(t), *_routing(t))),
        Section(
            "Metrics",
            (),
            (
                Section("Online: what users and the business feel", (metric_table(t, "online"),)),
                Section("Offline: what the golden set measures", (metric_table(t, "offline"),)),
                Section("Operations: time and money", (metric_table(t, "ops"),)),
            ),
        ),
        Section("Model spec", (system_table(t),), _context(t)),
        Section(
            "Eval plan",
            (),
            (
                Section("Before launch", _before(t)),
                Section("After launch", (monitor_table(t), *_experiment(t))),
            ),
        ),
        Section("Failure modes", (failure_table(t), guardrail_table(t), acceptances_table(t))),
        Section("Data needs", _data(t), (Section("Lineage", lineage_blocks(t)),)),
        Section("Rationale", (_rationale(t),)),
        Section("Launch", (), launch_sections(t)),
        Section("Learning", learning_blocks(t)),
        Section("What may be promised", (limit_table(t),)),
        Section("Owners and signers", (owner_facts(t),)),
    )
    return Document("prd", "Product requirements", product_name(t), about(t), sections)


def _changes(t: Telling) -> tuple[Block, ...]:
    rows = tuple((Cell(text, decision=t.measured.decision),) for text in t.measured.changes)
    return (
        (Table("How the promise was moved after something had been measured", ("Moved",), rows),)
        if rows
        else ()
    )


def _problem(t: Telling) -> Block:
    return facts(
        t,
        ("User", ("problem", "user")),
        ("Job", ("problem", "job")),
        ("Today", ("problem", "today")),
        ("Without AI", ("problem", "without_ai")),
    )


def _outcomes(t: Telling) -> tuple[Block, ...]:
    outcomes = t.spec.outcomes
    rows = tuple((Cell(name), Cell(words, (("outcomes", name),))) for name, words in outcomes.items())
    return (Table("What each outcome means here", ("Outcome", "Meaning"), rows, t.missing("outcomes")),)


def _story(t: Telling) -> Block:
    return facts(
        t,
        ("Who", ("problem", "user")),
        ("What they want", ("problem", "job")),
        ("When it succeeds", ("problem", "success")),
    )


def _envelope(t: Telling) -> tuple[Block, ...]:
    if not t.spec.is_foundation:
        return ()
    rows = []
    for word in ("must", "may", "must_not"):
        path: KeyPath = ("context", "envelope", word)
        envelope = t.spec.context.envelope if t.spec.context is not None else None
        entries: list[str] = getattr(envelope, word) if envelope is not None else []
        rows += [
            (Cell(word.replace("_", " "), (path,)), Cell(text, ((*path, at),)))
            for at, text in enumerate(entries)
        ]
        if not entries:
            rows.append((Cell(word.replace("_", " "), (path,)), t.missing(*path)))
    table = Table("Envelope: what it must, may and must not do", ("It", "What"), tuple(rows))
    more = facts(
        t,
        ("Refuses with", ("context", "envelope", "refuse_with")),
        ("Policy behind it", ("context", "envelope", "policy")),
    )
    return (table, more)


def _decision(t: Telling) -> Block:
    return facts(
        t,
        ("Prediction", ("decision", "prediction")),
        ("Triggers", ("decision", "action")),
        ("Who acts", ("decision", "actor")),
        ("Timing", ("decision", "timing")),
    )


def _routing(t: Telling) -> tuple[Block, ...]:
    routing = t.spec.routing
    if routing is None:
        return ()
    rows = []
    for at, (low, high, band) in enumerate(routing.ends()):
        path: KeyPath = ("routing", "bands", at)
        end = "and more" if high >= 1 else f"up to {high:g}"
        ends = Cell(f"from {low:g} {end}", ((*path, "from"), (*path, "to")))
        by = Cell(band.by + (", adverse" if band.adverse else ""), ((*path, "by"), (*path, "adverse")))
        rows.append((ends, Cell(band.action, ((*path, "action"),)), by))
    table = Table(f"Where {routing.score} sends a case", ("Score", "Action", "Decided by"), tuple(rows))
    more = facts(
        t,
        ("Who draws the lines", ("routing", "owner")),
        ("Reviews a day at most", ("routing", "review_capacity_per_day")),
        ("Overrides are audited", ("routing", "override_audit")),
        ("Decided at random", ("routing", "explore")),
    )
    return (table, more)


def _context(t: Telling) -> tuple[Section, ...]:
    parts = [Section("Budgets", (budget_facts(t),))]
    if not t.spec.is_foundation:
        return tuple(parts)
    seen = facts(
        t,
        ("Prompt", ("context", "prompt")),
        ("Retrieval", ("context", "retrieval")),
        ("Memory", ("context", "memory")),
        ("Permissions", ("context", "permissions")),
        ("Product state", ("context", "product_state")),
        ("Reads", ("context", "inputs")),
        ("People answer back", ("context", "multi_turn")),
    )
    tools = Table(
        "Tools",
        ("Tool", "Scope", "Limit", "Approval", "What it does"),
        rows_of(t, ("context", "tools"), "id", "scope", "limit", "approval", "what"),
        t.missing("context", "tools"),
    )
    return (Section("Context", (seen, tools)), *parts)


def _before(t: Telling) -> tuple[Block, ...]:
    golden = facts(
        t,
        ("Golden set", ("golden", "path")),
        ("Version", ("golden", "version")),
        ("Version where it is kept", ("golden", "source_version")),
        ("Held out by", ("golden", "holdout")),
    )
    blocks: list[Block] = [golden, strata_table(t), gate_table(t)]
    if t.spec.is_foundation or t.spec.rubric or t.spec.judges:
        rubric = rows_of(t, ("rubric",), "id", "passes_if", "version")
        blocks.append(Table("Rubric", ("Criterion", "Passes if", "Version"), rubric, t.missing("rubric")))
        judges = rows_of(
            t,
            ("judges",),
            "of",
            ("model", "what"),
            ("labels.path", "labels_planned"),
            "min_tpr",
            "min_tnr",
            "owner",
        )
        columns = (
            "Score",
            "Judge",
            "People's labels",
            "Least true-positive rate",
            "Least true-negative rate",
            "Owner",
        )
        blocks.append(Table("Judges", columns, judges, t.missing("judges")))
    return tuple(blocks)


def _experiment(t: Telling) -> tuple[Block, ...]:
    return (
        facts(
            t,
            ("Experiment decides by", ("launch", "experiment", "primary")),
            ("Must not get worse", ("launch", "experiment", "protected")),
            ("Smallest effect to find", ("launch", "experiment", "mde")),
            ("Reviewers are audited", ("routing", "override_audit")),
        ),
    )


def _data(t: Telling) -> tuple[Block, ...]:
    return (source_table(t), population_facts(t))


def population_facts(t: Telling) -> Block:
    """Return the training window, labels and populations."""
    return facts(
        t,
        ("Trained on", ("data", "training_window")),
        ("Label", ("data", "labels", "definition")),
        ("Label known after", ("data", "labels", "matures_after")),
        ("Until then", ("data", "labels", "proxy")),
        ("Wrong labels are looked for", ("data", "labels", "noise_audit")),
        ("Populations in it", ("data", "populations", "included")),
        ("Populations missing", ("data", "populations", "missing")),
        ("How collected", ("data", "populations", "how_collected")),
    )


def _rationale(t: Telling) -> Block:
    rows: list[tuple[str, KeyPath]] = []
    for name in t.spec.systems.declared():
        path: KeyPath = ("systems", name) if name in ("candidate", "live") else ("systems", "baselines", name)
        rows.append((f"system {name}", (*path, "why")))
    rows += [(f"gate {gate.id}", ("gates", at, "why")) for at, gate in enumerate(t.spec.gates)]
    return facts(t, *rows)


def learning_blocks(t: Telling) -> tuple[Block, ...]:
    """Return when the model is trained again, how use comes back as data, and what is expected to hurt."""
    retrain = facts(
        t,
        ("Trained again when", ("learning", "retrain", "trigger")),
        ("The new one must pass", ("learning", "retrain", "gate")),
        ("Owner", ("learning", "retrain", "owner")),
        ("Stops when", ("learning", "retrain", "stop")),
    )
    feedback = rows_of(t, ("learning", "feedback"), "from", "to", "review", "scrub")
    events = rows_of(t, ("expect",), "on", "what", "hits", "confidence")
    return (
        retrain,
        Table(
            "Feedback",
            ("From", "To", "Review", "Taken out first"),
            feedback,
            t.missing("learning", "feedback"),
        ),
        Table("Expected events", ("Day", "What happens", "Feeds", "How sure"), events, t.missing("expect")),
    )
