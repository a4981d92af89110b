"""Tables and lists that several documents show: costs, gates, failure modes, monitors, systems, data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipworthy.define.documents.model import Block, Bullets, Cell, Facts, KeyPath, Paragraph, Table
from shipworthy.define.documents.telling import Telling, words_of
from shipworthy.define.keys.part import value_at

__all__ = [
    "about",
    "acceptances_table",
    "budget_facts",
    "budget_rows",
    "cost_table",
    "decision_line",
    "facts",
    "failure_table",
    "gate_table",
    "guardrail_table",
    "harm_table",
    "listed",
    "metric_table",
    "monitor_table",
    "numbers_table",
    "owner_facts",
    "product_name",
    "rows_of",
    "sentence",
    "source_table",
    "strata_table",
    "system_table",
]

OUTCOMES = (
    "false_positive",
    "false_negative",
    "harmful",
    "poor",
    "wrong",
    "failed",
    "absolute_error",
    "true_positive",
    "true_negative",
    "good",
    "right",
)


def about(t: Telling) -> tuple[Cell, ...]:
    """Return what stands under every title: kind, version, owner, day."""
    cells = [Cell(t.spec.kind, (("kind",),))]
    for word, path in (("version", ("version",)), ("owner", ("owners", "product"))):
        said = t.said(*path)
        if said.tone != "missing":
            cells.append(Cell(f"{word} {said.text}", said.keys))
    return (*cells, Cell(f"rendered {t.today.isoformat()}"))


def product_name(t: Telling) -> Cell:
    """Return the product's name for people."""
    title = t.said("title")
    return title if title.tone != "missing" else t.said("id")


def decision_line(t: Telling) -> Paragraph:
    """Return one sentence on what the latest decision said, or why there is none."""
    m = t.measured
    if m.because:
        return Paragraph(Cell(f"Not measured yet because {m.because}.", tone="not_measured"))
    said = f"{m.verdict[:1].upper()}{m.verdict[1:]}: decision {m.decision} of {m.day} on {m.system}."
    return Paragraph(Cell(said, (), m.outcome, f"{m.headline} {m.since}".strip(), m.decision), lead=True)


def sentence(text: str, *keys: KeyPath) -> Paragraph:
    """Return our own words, tracing to the keys that they sum up."""
    return Paragraph(Cell(text, keys))


def facts(t: Telling, *rows: tuple[str, KeyPath]) -> Facts:
    """Return names with what the spec says under a key of each."""
    return Facts(tuple((name, t.said(*path)) for name, path in rows))


def listed(t: Telling, *path: str | int) -> Block:
    """Return the entries of a list as bullets, each with its own key; or that nothing is said."""
    entries = value_at(t.spec, path)
    if not entries:
        return Paragraph(t.missing(*path))
    return Bullets(tuple(Cell(words_of(entry), ((*path, at),)) for at, entry in enumerate(entries)))


def rows_of(t: Telling, path: KeyPath, *columns: str | tuple[str, ...]) -> tuple[tuple[Cell, ...], ...]:
    """Return a row per entry of a list, with a cell per key; several keys are joined in one cell."""
    rows = []
    for at, _entry in enumerate(value_at(t.spec, path) or ()):
        cells = []
        for column in columns:
            names = (column,) if isinstance(column, str) else column
            cells.append(t.joined(t.said(*path, at, *name.split(".")) for name in names))
        rows.append(tuple(cells))
    return tuple(rows)


def cost_table(t: Telling) -> Block:
    """Return what each outcome costs, where groups pay otherwise too."""
    costs = t.spec.costs
    if costs is None:
        return Paragraph(t.missing("costs"))
    rows = []
    for outcome in OUTCOMES:
        if getattr(costs, outcome) is None:
            continue
        path: KeyPath = ("costs", outcome)
        rows.append((Cell(_outcome(outcome), (path,)), t.said(*path, "means"), _amount(t, path)))
    for group, theirs in costs.by_group.items():
        for outcome in type(theirs).model_fields:
            if getattr(theirs, outcome) is not None:
                path = ("costs", "by_group", group, outcome)
                named = Cell(f"{_outcome(outcome)}, {group}", (path,))
                means = t.said(*path, "means")
                if means.tone == "missing":
                    means = Cell("the same, in this group", (path,), "soft")
                rows.append((named, means, _amount(t, path)))
    if costs.review is not None:
        review = Cell(f"{costs.currency}\u00a0{words_of(costs.review)}", (("costs", "review"),))
        rows.append((Cell("look by a person"), Cell("review"), review))
    columns = ("Outcome", "What it means for a person", "Each time")
    return Table("What each outcome costs", columns, tuple(rows), t.missing("costs"))


def _outcome(outcome: str) -> str:
    return outcome.replace("_", " ")


def _amount(t: Telling, path: KeyPath) -> Cell:
    currency = t.spec.costs.currency if t.spec.costs is not None else ""
    entry = value_at(t.spec, path)
    gain = getattr(entry, "value", None)
    if gain is not None:
        return Cell(f"gains {currency}\u00a0{words_of(float(gain))}", ((*path, "value"),))
    return Cell(f"{currency}\u00a0{words_of(float(entry.cost))}", ((*path, "cost"),))


def harm_table(t: Telling) -> Table:
    """Return who could be hurt, how, and how it would be seen."""
    return Table(
        "Who could be hurt, and how it would be seen",
        ("Who", "How", "How it would be seen"),
        rows_of(t, ("problem", "harm"), "who", "how", "spot"),
        t.missing("problem", "harm"),
    )


def gate_table(t: Telling) -> Table:
    """Return every gate with its bar, its owner and its latest answer."""
    rows = []
    blocking = t.spec.blocking_gates()
    for at, gate in enumerate(t.spec.gates):
        path: KeyPath = ("gates", at)
        kind = "blocking" if gate.id in blocking else "advisory"
        held = f"{kind}, {gate.confidence * 100:g}% confidence"
        population = gate.on or str(t.spec.default_population()) or "all"
        rows.append(
            (
                Cell(gate.id, (path,)),
                Cell(gate.rule, ((*path, "rule"),), note=f"on {population}"),
                Cell(held, ((*path, "blocking"), (*path, "confidence"))),
                t.answered(gate.id),
                t.said(*path, "owner"),
                t.said(*path, "why"),
            )
        )
    columns = ("Gate", "Must hold", "Kind", "Latest answer", "Owner", "Why this bar")
    return Table("Gates", columns, tuple(rows), t.missing("gates"))


def metric_table(t: Telling, layer: str) -> Table:
    """Return the metrics of one layer."""
    rows: list[tuple[Cell, ...]] = []
    for at, metric in enumerate(t.spec.metrics):
        if metric.layer != layer:
            continue
        path: KeyPath = ("metrics", at)
        name = t.joined([Cell(metric.id, (path,)), *_if_said(t, (*path, "what"))], ": ")
        direction = {"higher": "higher is better", "lower": "lower is better"}.get(metric.better or "", "")
        target = t.maybe(*path, "target", none="none")
        if metric.target is not None and metric.unit:
            target = Cell(f"{target.text} {metric.unit}", (*target.keys, (*path, "unit")), note=direction)
        role = t.joined([t.said(*path, "role")]) if metric.role else Cell("reported", (path,), "soft")
        if layer == "online":
            late, proxy = t.maybe(*path, "delay"), _if_said(t, (*path, "proxy"))
            if proxy:
                text = f"{late.text}, until then {proxy[0].text}"
                late = Cell(text, (*late.keys, *proxy[0].keys), "" if late.tone != "open" else "soft")
            rows.append((name, role, target, t.said(*path, "pairs"), late))
        else:
            rows.append((name, role, target, _latest(t, metric.id, path)))
    columns: tuple[str, ...] = ("Metric", "Role", "Target", "Latest value")
    if layer == "online":
        columns = ("Metric", "Role", "Target", "Foretold by", "Arrives after")
    return Table(
        f"Metrics, {layer}",
        columns,
        tuple(rows),
        t.own(f"no {layer} metric (key metrics)", ("metrics",), tone="missing"),
    )


def _if_said(t: Telling, path: KeyPath) -> list[Cell]:
    cell = t.said(*path)
    return [] if cell.tone == "missing" else [cell]


def _latest(t: Telling, metric: str, path: KeyPath) -> Cell:
    m = t.measured
    found = next(
        (part for part in m.metrics if part.metric.replace(" ", "") == metric.replace(" ", "")), None
    )
    if found is not None:
        return Cell(m.words_for(found), (path,), decision=m.decision)
    because = "" if m.because else f"because decision {m.decision} did not measure it"
    return Cell("not measured yet", (path,), "not_measured", because)


def failure_table(t: Telling) -> Table:
    """Return every failure mode with what tests, bounds, notices, softens and watches it."""
    order = {"blocker": 0, "major": 1, "minor": 2}
    rows = []
    modes = sorted(enumerate(t.spec.failure_modes), key=lambda pair: (order[pair[1].severity], pair[0]))
    for at, mode in modes:
        path: KeyPath = ("failure_modes", at)
        name = Cell(mode.id.replace("_", " "), (path,), "strong", mode.what or "")
        severity = Cell(mode.severity, ((*path, "severity"),), "strong" if mode.severity == "blocker" else "")
        aside = next((word for word in ("dismissed", "accepted") if getattr(mode, word)), None)
        if mode.gate is not None:
            bound = t.answered(mode.gate)
            rule = next((gate.rule for gate in t.spec.gates if gate.id == mode.gate), mode.gate)
            note = f"{mode.gate}, {rule}" + (f"; {bound.note}" if bound.note else "")
            gate = Cell(bound.text, ((*path, "gate"), *bound.keys), bound.tone, note, bound.decision)
        else:
            gate = t.missing(*path, "gate")
        done = t.said(*path, "mitigation")
        said_of = t.said if aside is None else t.maybe
        if aside is not None:
            said = t.said(*path, aside)
            done = Cell(f"{aside}: {said.text}", said.keys, "soft")
            soft = Cell("none needed", said.keys, "soft")
            gate = gate if mode.gate is not None else soft
        watched = (said_of(*path, name) for name in ("cases", "detect"))
        rows.append(
            (name, severity, *watched, gate, done, said_of(*path, "monitor"), said_of(*path, "owner"))
        )
    columns = (
        "Failure mode",
        "Severity",
        "Tested on",
        "Noticed by",
        "Bounded by",
        "What is done",
        "Monitor",
        "Owner",
    )
    return Table("Failure modes, blockers first", columns, tuple(rows), t.missing("failure_modes"))


def guardrail_table(t: Telling) -> Table:
    """Return what stops harm, with what it stops, tried and caught."""
    rows = []
    for at, guardrail in enumerate(t.spec.guardrails):
        path: KeyPath = ("guardrails", at)
        caught = t.missing(*path, "tried")
        if guardrail.tried:
            share = (guardrail.caught or 0) / guardrail.tried
            text = f"{words_of(guardrail.caught)} of {words_of(guardrail.tried)} caught ({share:.0%})"
            caught = Cell(text, ((*path, "tried"), (*path, "caught")))
        said = [t.said(*path, key) for key in ("what", "stops")]
        rows.append(
            (Cell(guardrail.id, (path,)), *said, caught, t.said(*path, "owner"), t.said(*path, "measured_on"))
        )
    columns = ("Guardrail", "What it does", "Stops", "Tried", "Owner", "Measured on")
    return Table("Guardrails", columns, tuple(rows), t.missing("guardrails"))


def acceptances_table(t: Telling) -> Table:
    """Return what somebody accepts, with reason and owner."""
    return Table(
        "Bad outcomes that are accepted",
        ("Accepted", "Reason", "Owner", "Until"),
        rows_of(t, ("acceptances",), "of", "reason", "owner", "expires"),
        t.missing("acceptances"),
    )


def monitor_table(t: Telling) -> Table:
    """Return what is watched in use, with what it does and who answers."""
    guarded: dict[str, list[str]] = {}
    for mode in t.spec.failure_modes:
        if mode.monitor is not None:
            guarded.setdefault(mode.monitor, []).append(mode.id)
    rows = []
    for at, monitor in enumerate(t.spec.monitors):
        path: KeyPath = ("monitors", at)
        fed = [
            ("failure_modes", i, "monitor")
            for i, m in enumerate(t.spec.failure_modes)
            if m.monitor == monitor.id
        ]
        watches = Cell(", ".join(guarded.get(monitor.id, ())) or "no failure mode", tuple(fed) or (path,))
        fires = t.joined([t.said(*path, "rule"), *_if_said(t, (*path, "on"))], ", on ")
        cells = (t.said(*path, "do"), t.said(*path, "owner"), t.maybe(*path, "window"))
        rows.append((Cell(monitor.id, (path,)), t.said(*path, "series"), fires, *cells, watches))
    columns = ("Monitor", "Series", "Fires when", "Then", "Owner", "Window", "Watches for")
    return Table("Monitors", columns, tuple(rows), t.missing("monitors"))


def system_table(t: Telling) -> Table:
    """Return who wants to ship, what users have now, and the simple alternatives."""
    rows = []
    for name, use in t.spec.systems.declared().items():
        path: KeyPath = ("systems", name) if name in ("candidate", "live") else ("systems", "baselines", name)
        source = use.recorded or use.function
        origin = Cell("planned", (path,), "soft")
        if source is not None:
            origin = t.said(*path, "recorded" if use.recorded else "function")
        what = t.joined([t.said(*path, "model"), *_if_said(t, (*path, "type"))], ", ")
        more = (t.maybe(*path, key) for key in ("what", "strategy", "temperature"))
        who = t.said(*path, "owner") if name == "candidate" else t.maybe(*path, "owner")
        rows.append((Cell(name, (path,)), what, *more, origin, who))
    columns = ("System", "Model", "What it is", "Strategy", "Temperature", "Answers from", "Owner")
    return _without_silent("Systems", columns, rows, ("What it is", "Strategy", "Temperature"), t)


def _without_silent(
    caption: str,
    columns: tuple[str, ...],
    rows: list[tuple[Cell, ...]],
    optional: tuple[str, ...],
    t: Telling,
) -> Table:
    """Return a table of systems without the optional columns of which no row says anything."""
    kept = [
        at
        for at, name in enumerate(columns)
        if name not in optional or any(row[at].tone not in ("open", "missing") for row in rows)
    ]
    return Table(
        caption,
        tuple(columns[at] for at in kept),
        tuple(tuple(row[at] for at in kept) for row in rows),
        t.missing("systems"),
    )


def source_table(t: Telling) -> Table:
    """Return the data sources with owner, version and freshness."""
    return Table(
        "Sources of data",
        ("Source", "What it is", "Owner", "Version", "Arrives", "Fresh within", "Contract"),
        rows_of(t, ("data", "sources"), "id", "what", "owner", "version", "mode", "fresh_within", "contract"),
        t.missing("data", "sources"),
    )


def strata_table(t: Telling) -> Table:
    """Return the strata of the golden set, each with its least number, its sampling and what it tests."""
    golden = t.spec.golden
    rows = []
    for name, least in golden.strata.items():
        path: KeyPath = ("golden", "strata", name)
        tested = [(i, m.id) for i, m in enumerate(t.spec.failure_modes) if name in m.cases]
        keys = tuple(("failure_modes", i, "cases") for i, _id in tested)
        tests = Cell(", ".join(found for _i, found in tested) or "no failure mode", keys or (path,))
        sampled = Cell(golden.sampling_of(name), (("golden", "sampled"),))
        rows.append((Cell(name, (path,)), Cell(words_of(least), (path,)), sampled, tests))
    columns = ("Stratum", "Least cases", "Sampled", "Tests")
    return Table("Strata of the golden set", columns, tuple(rows), t.missing("golden", "strata"))


def numbers_table(t: Telling, *, groups: bool) -> Block:
    """Return measured metrics: of all rows, or of each group."""
    m = t.measured
    if m.because:
        return Paragraph(Cell(f"Not measured yet because {m.because}.", tone="not_measured"))
    rows: tuple[tuple[Cell, ...], ...]
    named: Sequence[str] = t.spec.groups or t.spec.slices
    key: KeyPath = ("groups",) if t.spec.groups else ("slices",)
    if not groups:
        rows = tuple(
            (
                Cell(n.metric, (("metrics",),)),
                Cell(m.words_for(n), (("metrics",),), decision=m.decision),
                Cell(words_of(n.cases), decision=m.decision),
            )
            for n in m.metrics
        )
        return Table("Metrics on all rows", ("Metric", "Value", "n"), rows, Cell("no metric was measured"))
    rows = tuple(
        (
            Cell(f"{n.column} = {n.group}", (key,)),
            Cell(n.metric, (("metrics",),)),
            Cell(n.value, (key,), decision=m.decision),
            Cell(words_of(n.cases), (key,), decision=m.decision),
            Cell(n.gap or "unknown", (key,), decision=m.decision),
        )
        for n in m.slices
        if n.column in named
    )
    columns = ("Group", "Metric", "Value", "n", "Gap to everyone else")
    return Table("Results per group", columns, rows, t.missing(*key))


#: Budgets -> what they bound, and how their values are read; {} is the value.
BUDGETS: Mapping[str, tuple[str, str]] = {
    "latency_p50_ms": ("Latency, median", "{} ms"),
    "latency_p95_ms": ("Latency, 95th percentile", "{} ms"),
    "latency_p99_ms": ("Latency, 99th percentile", "{} ms"),
    "first_token_ms": ("Time to the first token", "{} ms"),
    "run_cost": ("Calling the system for one case", "{money}"),
    "monthly": ("Calling the system for a month", "{money}"),
    "tokens": ("Tokens, read and written", "{} a case"),
}


def budget_rows(t: Telling) -> tuple[tuple[str, Cell], ...]:
    """Return what one answer may take, each with its unit; only what is said."""
    currency = t.spec.costs.currency if t.spec.costs is not None else ""
    rows = []
    for key, (name, unit) in BUDGETS.items():
        said = t.said("budgets", key)
        if said.tone != "missing":
            text = unit.format(said.text, money=f"{currency}\u00a0{said.text}".strip())
            rows.append((name, Cell(text, said.keys)))
    return tuple(rows)


def budget_facts(t: Telling) -> Block:
    """Return what one answer may take, or that nothing is said of it."""
    rows = budget_rows(t)
    return Facts(rows) if rows else Paragraph(t.missing("budgets"))


def owner_facts(t: Telling) -> Facts:
    """Return who answers for what, and who must sign."""
    roles = ("product", "ml", "data", "retraining", "oncall")
    rows = [(role, t.said("owners", role)) for role in roles]
    signers = t.spec.owners.signers if t.spec.owners is not None else {}
    rows += [(f"signs for {role.replace('_', ' ')}", t.said("owners", "signers", role)) for role in signers]
    if not signers:
        rows.append(("signers", t.missing("owners", "signers")))
    return Facts(tuple(rows))
