"""What must be there on launch day, by kind of product, each item with evidence and day. Pure: no clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from shipworthy.decide.record.words import listed, number, plural, range_words
from shipworthy.decide.standing import Standing, needs_another
from shipworthy.define.documents.launch import OLDEST_DRILL, SLOWEST_ROLLBACK
from shipworthy.define.keys.launching import LaunchCheck
from shipworthy.define.keys.part import length_of
from shipworthy.define.lint.named import is_blank, names_within
from shipworthy.define.rules import Call, Population
from shipworthy.define.spec import FOUNDATION_KINDS, Gate, Spec
from shipworthy.records import Decision, Estimate, GateResult, GateStatus, Verdict

__all__ = ["ITEMS", "Drill", "Item", "ItemState", "Known", "Readiness", "readiness_of"]

#: Evidence of a test or a measurement that is older than a drill may be is stale too.
OLDEST_EVIDENCE = OLDEST_DRILL

#: Metric that measures each budget.
BUDGET_METRICS = {
    "latency_p50_ms": "latency_p50_ms",
    "latency_p95_ms": "latency_p95_ms",
    "latency_p99_ms": "latency_p99_ms",
    "first_token_ms": "ttft_p95_ms",
    "run_cost": "run_cost",
    "monthly": "run_cost",
    "tokens": "tokens",
}


class ItemState(StrEnum):
    """What is known of an item; the worst of its parts counts."""

    failed = "failed"
    missing = "missing"
    amber = "amber"
    ready = "ready"


_WORST_FIRST = tuple(ItemState)


@dataclass(frozen=True, slots=True)
class Drill:
    """One rehearsal of the way back.

    Args:
        started: When it was triggered.
        verified: When the old version was verified to answer; None where it never was.
        to: The version that was restored; empty where it does not say.
        by: Who did it; empty where it does not say.
    """

    started: datetime
    verified: datetime | None
    to: str = ""
    by: str = ""

    @property
    def took(self) -> timedelta | None:
        """From the trigger to the verified old version; None where it was never verified."""
        return None if self.verified is None else self.verified - self.started


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the launch checklist.

    Args:
        id: Its name.
        question: What it asks.
        state: What is known of it.
        evidence: What shows it, in words; or what is missing.
        day: Day of the evidence, ISO 8601; empty where it has none.
        key: Key of the spec that it comes from.
        change: What to do; empty where it is ready.
    """

    id: str
    question: str
    state: ItemState
    evidence: str
    day: str
    key: str
    change: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The launch checklist of one product on one day.

    Args:
        product: The product's id.
        kind: Its kind, which decides what is asked.
        day: The day, ISO 8601.
        items: Every item that is asked of this kind.
    """

    product: str
    kind: str
    day: str
    items: tuple[Item, ...]

    @property
    def state(self) -> ItemState:
        """The worst state of any item."""
        return min((item.state for item in self.items), key=_WORST_FIRST.index, default=ItemState.ready)

    @property
    def is_ready(self) -> bool:
        """Whether nothing has failed and nothing is missing."""
        return self.state in (ItemState.amber, ItemState.ready)

    @property
    def sentence(self) -> str:
        """How many items are in which state.

        >>> Readiness("p", "rag", "2026-01-31", ()).sentence
        'Nothing is asked of it.'
        """
        if not self.items:
            return "Nothing is asked of it."
        counts = [(state, sum(item.state is state for item in self.items)) for state in reversed(ItemState)]
        return f"Of {plural(len(self.items), 'item')}, {listed(f'{n} {s}' for s, n in counts if n)}."


@dataclass(frozen=True, slots=True)
class Known:
    """All that readiness is judged from.

    Args:
        spec: The spec.
        today: The day.
        decision: The latest decision on the system that wants to ship; None where there is none.
        decision_id: Its id.
        moved: Whether the spec was changed after it.
        standing: What stands of it; None without a decision.
        drills: Rehearsals of the way back, from the drill file.
        drill_file: That file as the spec names it; empty where it names none.
    """

    spec: Spec
    today: date
    decision: Decision | None = None
    decision_id: str = ""
    moved: bool = False
    standing: Standing | None = None
    drills: Sequence[Drill] = ()
    drill_file: str = ""

    @property
    def decided_on(self) -> str:
        """Day of the decision; empty without one."""
        return self.decision.decided_at[:10] if self.decision is not None else ""

    def is_stale(self, day: date | str) -> bool:
        """Return whether a day lies too far back for evidence."""
        then = date.fromisoformat(day[:10]) if isinstance(day, str) else day
        return self.today - then > OLDEST_EVIDENCE


#: (state, evidence, day, what to do).
_Answer = tuple[ItemState, str, str, str]


@dataclass(frozen=True, slots=True)
class _Asked:
    id: str
    question: str
    key: str
    answer: Callable[[Known], _Answer]
    when: Callable[[Spec], bool] = lambda spec: True


def readiness_of(known: Known) -> Readiness:
    """Return the launch checklist of a product on a day.

    Args:
        known: Spec, latest decision, signatures and drills, with the day.
    """
    items = []
    for asked in ITEMS:
        if asked.when(known.spec):
            state, evidence, day, change = asked.answer(known)
            items.append(Item(asked.id, asked.question, state, evidence, day, asked.key, change))
    return Readiness(known.spec.id, known.spec.kind, known.today.isoformat(), tuple(items))


# -- answers that several items share ------------------------------------------------------------------------


def _missing(evidence: str, change: str) -> _Answer:
    return ItemState.missing, evidence, "", change


def _dated(known: Known, said: str, day: date | None, undated: str, again: str) -> _Answer:
    """Answer by the age of the evidence."""
    if day is None:
        return ItemState.amber, f"{said}; {undated}", "", again
    age = (known.today - day).days
    if known.is_stale(day):
        return ItemState.amber, f"{said}; {age} days ago, more than {OLDEST_EVIDENCE.days}", str(day), again
    if age < 0:
        return ItemState.missing, f"{said}; its day, {day}, has not come yet", str(day), again
    return ItemState.ready, said, str(day), ""


def _worst(answers: Sequence[_Answer]) -> _Answer:
    """Return several answers as one: the worst state, the words of all that are in it, the oldest day."""
    worst = min((answer[0] for answer in answers), key=_WORST_FIRST.index)
    told = [answer for answer in answers if answer[0] is worst]
    days = sorted(answer[2] for answer in answers if answer[2])
    changes = dict.fromkeys(answer[3] for answer in told if answer[3])
    return worst, "; ".join(answer[1] for answer in told), days[0] if days else "", " ".join(changes)


def _by_gates(known: Known, gates: Sequence[Gate]) -> _Answer | None:
    """Answer by what the latest decision says of some gates; None where there is no gate."""
    if not gates:
        return None
    names = listed(gate.rule for gate in gates)
    if known.decision is None:
        return _missing(f"{names}: nothing was measured yet", "Measure it: shipworthy decide.")
    results = {result.evidence.gate_id: result for result in known.decision.gates}
    return _worst([_by_gate(known, gate, results.get(gate.id)) for gate in gates])


def _by_gate(known: Known, gate: Gate, result: GateResult | None) -> _Answer:
    day = known.decided_on
    decide = "Decide on the present spec: shipworthy decide."
    if result is None or result.evidence.rule != gate.rule:
        return _missing(f"{gate.rule} was not judged by decision {known.decision_id}", decide)
    said = f"{gate.rule} is {result.status.words}: {result.sentence.rstrip('.')}"
    match result.status:
        case GateStatus.not_met:
            return ItemState.failed, said, day, "A better system; see the decision."
        case GateStatus.not_measured:
            return ItemState.missing, said, "", "Supply what is missing and decide again."
        case GateStatus.not_proven:
            return ItemState.amber, said, day, "More cases; see the decision."
    if known.is_stale(day):
        return (
            ItemState.amber,
            f"{said}; measured on {day}, more than {OLDEST_EVIDENCE.days} days ago",
            day,
            decide,
        )
    return ItemState.ready, said, day, ""


def _by_check(known: Known, name: str) -> _Answer | None:
    """Answer by the entries of `launch.checks` for an item; None where there is none."""
    launch = known.spec.launch
    checks = [check for check in (launch.checks if launch is not None else ()) if check.of == name]
    return _worst([_one_check(known, check) for check in checks]) if checks else None


def _one_check(known: Known, check: LaunchCheck) -> _Answer:
    again = f"Do it again, and write launch.checks: {{of: {check.of}, on: DAY, tried: N, passed: N}}."
    said = f"checked by {check.by}"
    if check.tried is not None and check.passed is not None:
        said += f": {check.passed:,} of {check.tried:,} passed"
        if check.passed < check.tried:
            return ItemState.failed, said, str(check.on or ""), again
    elif check.evidence is None:
        return ItemState.amber, f"{said}, and nothing shows it", str(check.on or ""), again
    if check.evidence is not None:
        said += f" ({check.evidence})"
    return _dated(known, said, check.on, "it has no day", again)


def _shown(known: Known, name: str, gates: Sequence[Gate], nothing: str, change: str) -> _Answer:
    """Answer by gates that the decision judged and by checks that somebody wrote down."""
    found = [part for part in (_by_gates(known, gates), _by_check(known, name)) if part is not None]
    return _worst(found) if found else _missing(nothing, change)


def _gates_on(spec: Spec, strata: Sequence[str]) -> list[Gate]:
    """Return the gates that speak of some strata by name."""
    wanted = set(strata)
    return [gate for gate in spec.gates if wanted & set(_strata(spec, gate))]


def _strata(spec: Spec, gate: Gate) -> Iterator[str]:
    calls = [spec.population_of(gate), *_populations(gate.parsed.left)]
    for population in calls:
        for condition in population.conditions:
            if condition.column == "stratum" and condition.operator in ("=", "in"):
                yield from condition.values


def _populations(call: Call) -> Iterator[Population]:
    yield call.population
    for part in call.arguments:
        if isinstance(part, Call):
            yield from _populations(part)


def _gates_about(spec: Spec, pattern: str) -> list[Gate]:
    """Return the gates whose metrics, id or failure mode are about something."""
    about = re.compile(pattern, re.IGNORECASE)
    modes = {mode.gate for mode in spec.failure_modes if about.search(mode.id)}
    return [
        gate
        for gate in spec.gates
        if gate.id in modes
        or about.search(gate.id)
        or any(about.search(name) for name in (*names_within(gate), *_strata(spec, gate)))
    ]


# -- the items ----------------------------------------------------------------------------------------------


def _quality(known: Known) -> _Answer:
    decision, decide = known.decision, "Decide: shipworthy decide."
    if decision is None:
        return _missing("there is no decision yet", decide)
    said = f"decision {known.decision_id}: {decision.verdict.words}"
    day = known.decided_on
    if decision.verdict not in (Verdict.ship, Verdict.ship_with_guardrails):
        return ItemState.failed, f"{said}. {decision.headline}".rstrip("."), day, "See shipworthy report."
    if known.moved:
        return ItemState.amber, f"{said}; the spec was changed after it", day, decide
    return _dated(known, said, date.fromisoformat(day) if day else None, "it has no day", decide)


def _signatures(known: Known) -> _Answer:
    standing = known.standing
    if standing is None:
        return _missing("there is no decision to sign yet", "Decide: shipworthy decide.")
    held = [one for one in standing.reasons if one.kind == "signature" and one.of != "against" and one.change]
    signed = [part for part in standing.roles if part.state == "signed" and part.signature is not None]
    if any(part.state == "returned" for part in standing.roles):
        state = ItemState.failed
    elif held or not standing.is_signed:
        state = ItemState.missing
    else:
        days = sorted(part.signature.signed_at[:10] for part in signed if part.signature is not None)
        who = listed(
            f"{part.role} by {part.signature.person}" for part in signed if part.signature is not None
        )
        return ItemState.ready, f"signed for {who}", days[0] if days else "", ""
    told = " ".join(one.text for one in held)
    if not told:
        told = f"no signature for {listed(part.role for part in standing.roles if part.state == 'missing')}"
    return state, told.rstrip("."), "", "Sign: shipworthy sign --as ROLE."


def _needs_signatures(spec: Spec) -> bool:
    return bool(needs_another(spec)) or bool(spec.owners is not None and spec.owners.signers)


def _failures(known: Known) -> _Answer:
    modes = [mode for mode in known.spec.failure_modes if not mode.accepted and not mode.dismissed]
    if not modes:
        return _missing(
            "no failure mode is named", "Name them under failure_modes, with detect and mitigation."
        )
    bare = [mode.id for mode in modes if not mode.detect or not mode.mitigation]
    if bare:
        return _missing(f"nothing notices or softens {listed(bare)}", "Add detect and mitigation to each.")
    gated = {mode.gate for mode in modes if mode.gate is not None}
    tested = _by_gates(known, [gate for gate in known.spec.gates if gate.id in gated])
    said = f"each of {len(modes)} has a way of noticing and something that is done"
    if tested is None:
        return ItemState.amber, f"{said}; no gate measures one", "", "Name the gate of each failure mode."
    state, evidence, day, change = tested
    return (state, said, day, change) if state is ItemState.ready else (state, evidence, day, change)


def _fallback(known: Known) -> _Answer:
    fallback = known.spec.launch.fallback if known.spec.launch is not None else None
    if fallback is None:
        return _missing(
            "no fallback is named", "Name it: launch: {fallback: {when: ..., do: ..., tested: DAY}}."
        )
    said = f"{fallback.do}, when {listed(fallback.when)}"
    again = "Switch the system off, see that the fallback answers, and write launch.fallback.tested."
    if fallback.tested is None:
        return _missing(f"{said}; it was never tried", again)
    return _dated(known, f"{said}; tried on {fallback.tested}", fallback.tested, "", again)


def _budget(known: Known) -> _Answer:
    budgets = known.spec.budgets
    named = {name: getattr(budgets, name) for name in BUDGET_METRICS} if budgets is not None else {}
    set_ = {name: float(most) for name, most in named.items() if most is not None}
    if not set_:
        bounded = [g for g in known.spec.gates if re.search("latency|ttft|run_cost|tokens", g.rule)]
        by_gates = _by_gates(known, bounded)
        if by_gates is not None:
            return by_gates
        return _missing("no budget is set", "Set budgets: {latency_p95_ms: 4000, run_cost: 0.03}.")
    if known.decision is None:
        return _missing("nothing was measured yet", "Measure it: shipworthy decide.")
    return _worst([_one_budget(known, name, most) for name, most in set_.items()])


def _one_budget(known: Known, name: str, most: float) -> _Answer:
    metric, day = BUDGET_METRICS[name], known.decided_on
    currency = known.spec.costs.currency if known.spec.costs is not None else ""
    measured = _measured(known, metric)
    times = 1.0
    if name == "monthly":
        volume = known.spec.costs.volume_per_month if known.spec.costs is not None else None
        if volume is None:
            return _missing("budgets.monthly: no volume is stated", "State costs.volume_per_month.")
        times = volume
    if measured is None or measured.value is None:
        why = f": {measured.unknown}" if measured is not None and measured.unknown else ""
        change = f"Add {metric} to metrics, with its column in what was recorded, and decide again."
        return _missing(f"budgets.{name}: {metric} was not measured{why}", change)
    unit = "money" if name in ("run_cost", "monthly") else measured.unit
    value = number(measured.value * times, unit, currency)
    low, high = (None if end is None else end * times for end in (measured.low, measured.high))
    said = f"{name} {value}"
    if low is not None or high is not None:
        said += f" ({range_words(low, high, unit, currency)})"
    said += f", budget {number(most, unit, currency)}"
    if (low if low is not None else measured.value * times) > most:
        return ItemState.failed, said, day, "Make it cheaper or faster, or move the budget; that is recorded."
    if high is None or high > most:
        return ItemState.amber, f"{said}; not proven", day, "More cases would settle it."
    if known.is_stale(day):
        return ItemState.amber, f"{said}; measured on {day}", day, "Measure it again: shipworthy decide."
    return ItemState.ready, said, day, ""


def _measured(known: Known, metric: str) -> Estimate | None:
    if known.decision is None:
        return None
    evidence = known.decision.evidence
    for part in evidence.metrics:
        if part.metric == metric:
            return part.estimate
    gates = [gate for gate in evidence.gates if gate.metric == metric]
    usual = [gate for gate in gates if gate.population == evidence.population]
    return (usual or gates)[0].estimate if gates else None


def _feedback(known: Known) -> _Answer:
    feedback = known.spec.launch.feedback if known.spec.launch is not None else None
    if feedback is None:
        return _missing("users have no place to say so", "Name it: launch: {feedback: {channel: thumbs}}.")
    if feedback.triage_within is None:
        said = f"{feedback.channel}; nobody says how fast somebody looks"
        return ItemState.amber, said, "", "Add launch.feedback.triage_within, such as 2d."
    return ItemState.ready, f"{feedback.channel}; somebody looks within {feedback.triage_within}", "", ""


def _has_feedback(spec: Spec) -> bool:
    return spec.is_foundation or bool(spec.launch is not None and spec.launch.feedback is not None)


def _rollback(known: Known) -> _Answer:
    rollback = known.spec.launch.rollback if known.spec.launch is not None else None
    if rollback is None:
        return _missing("no way back is named", "Name it: launch: {rollback: {to: VERSION, within: 60m}}.")
    limit = SLOWEST_ROLLBACK
    said = f"to {rollback.to}"
    if rollback.within is not None:
        promised = length_of(rollback.within)
        if promised > SLOWEST_ROLLBACK:
            slow = f"{said} within {rollback.within}, and the hour is the limit"
            return ItemState.failed, slow, "", "Make the way back faster, and write launch.rollback.within."
        limit = min(limit, promised)
    drill = "Rehearse it, and write started and verified into the file at launch.rollback.drill."
    if known.drill_file:
        return _drilled(known, said, limit, drill)
    if rollback.last_drill is None:
        return _missing(f"{said}; it was never rehearsed", drill)
    if rollback.within is None:
        timed = f"{said}; nobody says how long the drill took"
        return ItemState.amber, timed, str(rollback.last_drill), drill
    stated = f"{said} within {rollback.within}, as stated; rehearsed on {rollback.last_drill}"
    return _dated(known, stated, rollback.last_drill, "", drill)


def _drilled(known: Known, said: str, limit: timedelta, change: str) -> _Answer:
    """Answer by the latest drill that was measured."""
    if not known.drills:
        return _missing(f"{said}; {known.drill_file} holds no drill", change)
    last = max(known.drills, key=lambda drill: drill.started)
    day = last.started.date()
    took = last.took
    if took is None:
        return ItemState.failed, f"{said}; the drill of {day} never reached the old version", str(day), change
    minutes = took.total_seconds() / 60
    told = f"{said}; the drill of {day} took {minutes:,.0f} min"
    if took > limit:
        most = limit.total_seconds() / 60
        told = f"{said}; the drill of {day} took {minutes:,.1f} min, more than {most:,.0f}"
        return ItemState.failed, told, str(day), f"Make the way back faster. {change}"
    return _dated(known, told, day, "", change)


def _monitoring(known: Known) -> _Answer:
    monitors = known.spec.monitors
    if not monitors:
        return _missing("nothing is watched", "Add monitors, each with rule, do and owner.")
    idle = [m.id for m in monitors if m.do is None or is_blank(m.owner)]
    if idle:
        return _missing(f"{listed(idle)} fire without action or owner", "Add do and owner to each monitor.")
    wanted = _WATCHED.get(known.spec.kind, ())
    series = " ".join(f"{m.id} {' '.join(m.series)} {m.what or ''}" for m in monitors)
    series += " " + " ".join(mode.id for mode in known.spec.failure_modes if mode.monitor)
    unseen = [name for name, pattern in wanted if not re.search(pattern, series, re.IGNORECASE)]
    said = f"{plural(len(monitors), 'monitor')}, each with action and owner"
    if unseen:
        return ItemState.amber, f"{said}; none watches {listed(unseen)}", "", "Add a monitor for each."
    return ItemState.ready, said, "", ""


_GROUNDED = r"ground|faithful|support(?:ed)?$|citation|hallucinat|attribut|retriev"
_REFUSED = r"refus|envelope|polic|unsafe|safety|jailbreak|out_of_scope|must_not|leak"
_TOOLS = r"tool|permission|refund|scope_of|injection|unauthori[sz]ed"
#: What is watched in use of foundation-model systems: name -> what a monitor's id or series is about.
_WATCHED = {
    "generator": (("hallucinations", _GROUNDED + "|fabricat|correct|accuracy"), ("refusals", _REFUSED)),
    "rag": (("hallucinations", _GROUNDED + "|fabricat"), ("refusals", _REFUSED)),
    "agent": (
        ("hallucinations", _GROUNDED + "|fabricat|resolved"),
        ("refusals", _REFUSED),
        ("tool calls", _TOOLS),
    ),
}


def _rollout(known: Known) -> _Answer:
    stages = known.spec.launch.stages if known.spec.launch is not None else []
    if not stages:
        return _missing("it goes to everybody at once", "Add launch: {stages: [{percent: 5, for: 7d}, ...]}.")
    steps = ", ".join(f"{stage.percent:g}%" for stage in stages)
    if stages[0].percent >= 100:
        return ItemState.failed, f"the first stage is {steps}", "", "Begin with a small share."
    return ItemState.ready, f"stages {steps}", "", ""


def _comms(known: Known) -> _Answer:
    comms = known.spec.launch.comms if known.spec.launch is not None else None
    wanted = ["support", "release_note"]
    wanted += ["disclosure"] if known.spec.is_foundation else []
    wanted += ["adverse_reasons"] if known.spec.regulated else []
    lacking = [name for name in wanted if comms is None or is_blank(getattr(comms, name))]
    if lacking:
        keys = listed(f"launch.comms.{name}" for name in lacking)
        return _missing(f"not said: {listed(lacking)}".replace("_", " "), f"Fill in {keys}.")
    return ItemState.ready, f"said: {listed(wanted)}".replace("_", " "), "", ""


def _support(known: Known) -> _Answer:
    support = known.spec.launch.support if known.spec.launch is not None else None
    oncall = known.spec.owners.oncall if known.spec.owners is not None else None
    lacking = [
        key for key, said in (("launch.support", support), ("owners.oncall", oncall)) if is_blank(said)
    ]
    if lacking:
        return _missing(f"nobody is named by {listed(lacking)}", f"Fill in {listed(lacking)}.")
    return ItemState.ready, f"{support}; on call: {oncall}", "", ""


def _guardrails(known: Known) -> _Answer:
    answers = []
    for one in known.spec.guardrails:
        change = f"Try {one.id} on bad outcomes again; write tried, caught and measured_on."
        if not one.measured:
            answers.append(_missing(f"{one.id} was never tried", change))
        else:
            said = f"{one.id} caught {one.caught:,} of {one.tried:,}"
            answers.append(_dated(known, said, one.measured_on, "it has no day", change))
    return _worst(answers)


def _red_team(known: Known) -> _Answer:
    attack = known.spec.launch.red_team if known.spec.launch is not None else None
    again = "Attack the present version, and write launch.red_team: {by, on, cases, candidate}."
    if attack is None:
        return _missing("nobody attacked it", again)
    said = f"attacked by {attack.by}"
    if attack.candidate is not None and known.spec.version not in (None, attack.candidate):
        told = f"{said}, but version {attack.candidate} and not {known.spec.version}"
        return ItemState.amber, told, str(attack.on or ""), again
    dated = _dated(known, said, attack.on, "it has no day", again)
    measured = _by_gates(known, _gates_on(known.spec, attack.cases))
    if measured is None:
        cases = listed(attack.cases) or "its cases"
        change = "Put the attacks into a stratum, name it in launch.red_team.cases, and add a gate on it."
        return _worst([dated, (ItemState.amber, f"{said}; no gate measures {cases}", dated[2], change)])
    return _worst([dated, measured])


def _grounding(known: Known) -> _Answer:
    return _shown(
        known,
        "grounding",
        _gates_about(known.spec, _GROUNDED),
        "nothing measures whether answers are grounded",
        "Add a gate on a grounding score, such as mean(grounded) >= 95%.",
    )


def _refusals(known: Known) -> _Answer:
    return _shown(
        known,
        "refusals",
        _gates_about(known.spec, _REFUSED),
        "nothing measures whether it refuses what it must, and only that",
        "Add a gate on what it must not do, such as failures[stratum = out_of_scope] <= 0.",
    )


def _tools(known: Known) -> _Answer:
    tools = known.spec.context.tools if known.spec.context is not None else []
    free = [tool.id for tool in tools if tool.scope == "write" and not tool.limit and not tool.approval]
    shown = _shown(
        known,
        "tool_permissions",
        _gates_about(known.spec, _TOOLS),
        "nothing tests what its tools may do",
        "Add cases that tempt it to overstep with a gate on them, or launch.checks: {of: tool_permissions}.",
    )
    if not tools:
        return _worst(
            [shown, _missing("no tool is named", "List context.tools with scope, limit and approval.")]
        )
    if free:
        told = f"{listed(free)} may write without limit or approval"
        return _worst([shown, (ItemState.failed, told, "", "Add limit or approval to each such tool.")])
    return shown


def _prompt(known: Known) -> _Answer:
    prompt = known.spec.context.prompt if known.spec.context is not None else None
    if prompt is None or prompt.version is None:
        return _missing("the prompt is not pinned", "Pin it: context: {prompt: {version: prompts/x@41}}.")
    quality = _quality(known)
    if quality[0] is ItemState.ready:
        return ItemState.ready, f"{prompt.version}, judged by decision {known.decision_id}", quality[2], ""
    return quality[0], f"{prompt.version}; {quality[1]}", quality[2], quality[3]


def _groups(known: Known) -> _Answer:
    columns = known.spec.groups
    if not columns:
        return _missing("no group is named", "Name the columns that tell groups of people under groups.")
    gates = [
        gate
        for gate in known.spec.gates
        if any(re.search(rf"\b{re.escape(column)}\b", gate.rule) for column in columns)
    ]
    return _shown(
        known,
        "groups",
        gates,
        f"no gate looks at {listed(columns)}",
        "Add a gate such as ratio(selection_rate, COLUMN) >= 0.8.",
    )


def _judges(known: Known) -> _Answer:
    answers = []
    for judge in known.spec.judges:
        results = known.decision.gates if known.decision is not None else ()
        fit = [r.evidence.judge for r in results if r.evidence.judge and r.evidence.judge.of == judge.of]
        change = f"Let people label outputs judged by {judge.of}, name the file, and decide again."
        if not fit:
            answers.append(_missing(f"the judge of {judge.of} was not measured against people", change))
            continue
        said = f"the judge of {judge.of} was set against {plural(fit[0].labelled, 'label')}"
        if fit[0].unfit:
            answers.append((ItemState.failed, f"{said}: {fit[0].unfit}", known.decided_on, change))
            continue
        day = date.fromisoformat(known.decided_on)
        if judge.revalidate_every and known.today - day > length_of(judge.revalidate_every):
            told = f"{said} on {day}; it is due every {judge.revalidate_every}"
            answers.append((ItemState.amber, told, str(day), change))
        else:
            answers.append(_dated(known, said, day, "", change))
    return _worst(answers)


def _is_foundation(spec: Spec) -> bool:
    return spec.kind in FOUNDATION_KINDS


#: The checklist in the order in which it is read.
ITEMS: tuple[_Asked, ...] = (
    _Asked("quality", "Is it good enough?", "gates", _quality),
    _Asked("signatures", "Has everybody signed who must?", "owners.signers", _signatures, _needs_signatures),
    _Asked("failure_modes", "Are its failures noticed and handled?", "failure_modes", _failures),
    _Asked("red_team", "Has it been attacked?", "launch.red_team", _red_team, _is_foundation),
    _Asked("prompt", "Was this prompt judged?", "context.prompt", _prompt, _is_foundation),
    _Asked(
        "grounding", "Is what it says grounded?", "gates", _grounding, lambda s: s.kind in ("rag", "agent")
    ),
    _Asked("refusals", "Does it refuse what it must?", "context.envelope", _refusals, _is_foundation),
    _Asked(
        "tool_permissions", "Can its tools overstep?", "context.tools", _tools, lambda s: s.kind == "agent"
    ),
    _Asked("judges", "Are its judges measured?", "judges", _judges, lambda s: bool(s.judges)),
    _Asked("groups", "Are groups treated alike?", "groups", _groups, lambda s: bool(s.regulated or s.groups)),
    _Asked("guardrails", "Do its guardrails catch?", "guardrails", _guardrails, lambda s: bool(s.guardrails)),
    _Asked("fallback", "What answers when it cannot?", "launch.fallback", _fallback),
    _Asked("budget", "Does it stay in its budget?", "budgets", _budget),
    _Asked("feedback", "Can users say that it was wrong?", "launch.feedback", _feedback, _has_feedback),
    _Asked("rollback", "Is it back within the hour?", "launch.rollback", _rollback),
    _Asked("monitoring", "Is it watched?", "monitors", _monitoring),
    _Asked("rollout", "Does it go out in steps?", "launch.stages", _rollout),
    _Asked("comms", "Is everybody told?", "launch.comms", _comms),
    _Asked("support", "Who helps, and who is called?", "launch.support", _support),
)
