"""SW3xx: the test set, and whether the gates can be proved on it at all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from shipworthy.define.keys.measures import Gate
from shipworthy.define.keys.part import length_of
from shipworthy.define.lint.rule import Finding, Promise, Severity, rule
from shipworthy.define.lint.snippets import DAY, yaml_snippet
from shipworthy.define.rules import Population
from shipworthy.define.sizing import (
    Expected,
    GateQuestion,
    chance_of_all,
    flawless_cases,
    is_reached,
    on_present_cases,
    size_gate,
)

#: Share of the room between a bar and a flawless system that a proof may take before it deserves a word.
MUCH_OF_THE_ROOM = 0.6
LIKELY = 0.8
#: Age of a project's first run after which the order of set and runs cannot be mended any more.
OLD_PROJECT = timedelta(days=90)
MOST_SYNTHETIC = 0.5

_INCIDENT = re.compile(r"\b(incident|postmortem|outage)s?\b", re.IGNORECASE)


@rule("SW301", "error", level="judge")
def gate_cannot_be_proved(promise: Promise) -> Iterator[Finding]:
    """A gate counts so few cases that not even a flawless system would be proved.

    Such a gate holds every release for ever, whatever the system does, and it shows only after all the work.

    Without a single failure, n cases prove at most that the rate of failures lies below 1 - (1 - c)^(1/n) at
    confidence c: less than 5% takes 59 cases, 2% takes 149, 1% takes 299, 0.5% takes 598, 0.1% takes 2,995.
    Collect as many cases as the finding says, or lower the bar to what the cases can prove: `shipworthy size`
    shows both for every gate. An advisory gate gets a warning.
    """
    for index, gate, question, planned in _sized_gates(promise):
        if question.form != "rate" or not question.cases or not 0 < question.bar < 1:
            continue
        needed, best_bar, _detectable = on_present_cases(question)
        flawless = flawless_cases(question)
        if needed is not None or flawless is None or best_bar is None:
            continue
        yield Finding(
            ("gates", index, "rule"),
            f"The gate {gate.rule} counts {_cases(question.cases, planned)}, and needs {flawless:,} "
            f"even when not one of them fails; the strictest bar that {question.cases:,} can prove is "
            f"{_provable(question, best_bar)}.",
            _more_cases(promise, question, flawless),
            gate.id,
            severity=None if question.blocking else "warning",
        )


@rule("SW302", "warning", level="judge")
def gate_is_underpowered(promise: Promise) -> Iterator[Finding]:
    """A gate will probably stay unproved although the system is good enough.

    A release that is held because there were too few cases costs as much as one that is held for a reason.

    A gate is met when its one-sided bound clears the bar, so what is observed has to be better than the bar.
    Where the gate says what it expects (`expect`), the finding fires below a chance of proof of 80% and says
    how many cases give an even and an 80% chance. Where it does not, it fires when the proof takes 60% or
    more of the room between the bar and a flawless system. Add cases, or expect more, or lower the bar.
    """
    for index, gate, question, planned in _sized_gates(promise):
        needed, _best_bar, detectable = on_present_cases(question)
        if not question.cases or (question.form == "rate" and (needed is None or not 0 < question.bar < 1)):
            continue
        fix = yaml_snippet("gates", [{"id": gate.id, "rule": gate.rule, "expect": detectable or "..."}])
        if gate.expect is None:
            what = _room_taken(question, needed, planned)
        elif not is_reached(question.better, question.bar, gate.expect):
            what = f"The gate {gate.rule} expects {gate.expect:g}, no better than its bar: no set proves it."
        else:
            what, fix = _improbable(promise, question, gate.expect, needed, planned, fix)
        if what is not None:
            severity: Severity | None = None if question.blocking else "info"
            yield Finding(("gates", index, "rule"), what, fix, gate.id, severity)


def _improbable(
    promise: Promise, question: GateQuestion, truth: float, needed: int | None, planned: bool, fix: str
) -> tuple[str | None, str]:
    """Return what to say of a gate that its cases hardly prove at the expected truth, and the fix."""
    asked = replace(question, expected=Expected(truth, "the spec"), share=1.0, blocking=True)
    chance = chance_of_all([asked], question.cases or 0, fewest=1)
    if chance is None or chance >= LIKELY:
        return None, fix
    row = size_gate(asked).at_expected
    if row is None or row.even is None or row.likely is None:
        return None, fix
    return (
        f"The gate {question.rule} {_needed_words(question, needed, planned)}; at the expected "
        f"{_value(question, truth)} the chance of that is {chance:.0%}: {row.even:,} cases give an even "
        f"chance, {row.likely:,} give 80%.",
        _more_cases(promise, question, row.likely),
    )


def _room_taken(question: GateQuestion, needed: int | None, planned: bool) -> str | None:
    """Return what to say of a gate whose proof takes much of the room between its bar and no failure."""
    if question.form != "rate" or needed is None or not question.cases:
        return None
    room = 1 - question.bar if question.better == "at_least" else question.bar
    if abs(needed / question.cases - question.bar) < MUCH_OF_THE_ROOM * room - 1e-9:
        return None
    said = _needed_words(question, needed, planned)
    return f"The gate {question.rule} {said}, and nobody says what to expect."


def _needed_words(question: GateQuestion, needed: int | None, planned: bool) -> str:
    cases = question.cases or 0
    if needed is None or not cases:
        return f"counts {_cases(cases, planned)}"
    by = abs(needed / cases - question.bar)
    side, words = ("above", "or more") if question.better == "at_least" else ("below", "or fewer")
    return (
        f"is proved only by {needed:,} {words} of {_cases(cases, planned)} ({needed / cases:.1%}, "
        f"{by * 100:.1f} points {side} the bar)"
    )


def _how_to_fill(promise: Promise, stratum: str) -> str:
    if stratum not in promise.spec.golden.strata:
        return yaml_snippet("golden.strata", {stratum: 59})
    return f"Add cases with `shipworthy golden add FILE --stratum {stratum}`."


@rule("SW303", "error", level="judge")
def blockers_stratum_is_empty(promise: Promise) -> Iterator[Finding]:
    """A launch blocker, or a blocking gate, is to be tested on a stratum that holds no case.

    What nobody tried cannot be shown to be harmless, and a blocker that is never tried never blocks.

    Collect cases of the stratum and declare its least number under `golden.strata`. Cases that people wrote
    or that an incident left behind will do for a must-pass list; for a rate they must be drawn at random.
    """
    modes = promise.spec.failure_modes
    for index, mode in enumerate(modes):
        if mode.severity != "blocker" or mode.accepted or mode.dismissed:
            continue
        for stratum in mode.cases:
            if _held(promise, stratum) == 0:
                yield Finding(
                    ("failure_modes", index, "cases"),
                    f"The blocker {mode.id} is tested on the stratum {stratum}, which holds no case.",
                    _how_to_fill(promise, stratum),
                    mode.id,
                )
    named = {stratum for mode in modes if mode.severity == "blocker" for stratum in mode.cases}
    for index, gate, question, _planned in _sized_gates(promise):
        for stratum in _strata_of(question.population):
            if question.blocking and stratum not in named and _held(promise, stratum) == 0:
                yield Finding(
                    ("gates", index),
                    f"The gate {gate.id} counts cases of the stratum {stratum}, which holds none.",
                    _how_to_fill(promise, stratum),
                    gate.id,
                )


@rule("SW304", "error", level="judge")
def margin_is_finer_than_the_cases(promise: Promise) -> Iterator[Finding]:
    """A gate allows a system to be worse by so little that the cases cannot tell it from nothing.

    A candidate that is just as good as what is live would fail this gate more often than one time in five.

    On the same cases, the smallest difference that is detected follows from the number of cases and from the
    share on which the two systems differ (10% where no run has shown it); repeats and clusters count less.
    Widen the margin to what the finding says, or collect as many cases as it says. An advisory gate gets a
    warning.
    """
    for index, gate, question, planned in _sized_gates(promise):
        margin = -question.bar if question.better == "at_least" else question.bar
        expected = gate.expect or 0.0
        room = abs(expected - question.bar)
        if question.form != "paired" or not question.cases or margin <= 0:
            continue
        size = size_gate(replace(question, expected=Expected(expected, "the spec")))
        if size.detectable is not None and size.detectable <= room:
            continue
        found = "no difference at all" if size.detectable is None else f"{size.detectable * 100:.1f} points"
        wanted = size.at_expected.likely if size.at_expected is not None else None
        more = "" if wanted is None else f"; {room * 100:.3g} points take about {_rounded_up(wanted):,} cases"
        yield Finding(
            ("gates", index, "rule"),
            f"The gate {gate.rule}: where systems differ on {question.discordance:.0%} of the cases, "
            f"{_cases(question.cases, planned)} detect {found}{more}.",
            _wider_margin(promise, gate, question, size.detectable, wanted),
            gate.id,
            severity=None if question.blocking else "warning",
        )


@rule("SW305", "error")
def golden_set_is_not_pinned(promise: Promise) -> Iterator[Finding]:
    """The golden set is not pinned to a version.

    A set that may change without a word makes two results look alike that were measured on different cases.

    Write the content hash that `shipworthy golden` prints under `golden.version`. Data that is versioned
    elsewhere keeps its own version string beside it, under `golden.source_version`.
    """
    golden = promise.spec.golden
    if golden.version is None:
        known = promise.golden.version if promise.golden is not None else ""
        yield Finding(
            ("golden", "version"),
            f"The golden set {golden.path} has no `version`, so a change of its cases would go unseen.",
            yaml_snippet("golden.version", known or "sha256:..."),
        )


@rule("SW306", "error", needs=("runs",), example=True)
def golden_set_is_younger_than_the_candidate(promise: Promise) -> Iterator[Finding]:
    """The golden set was made after the candidate had been run.

    Cases that are chosen when answers are already known tend to be those that the system can answer.

    Make the set on the first day and version it; what was added since is told by `refreshed` and by the
    versions. For a project whose first run is long past there is nothing to mend, and it gets a warning: draw
    a fresh confirmation set and judge on it once.
    """
    runs, created = promise.runs, promise.spec.golden.created
    if runs is None or runs.first_candidate is None or created is None or created <= runs.first_candidate:
        return
    yield Finding(
        ("golden", "created"),
        f"The golden set was made on {created}, and the candidate was first run on {runs.first_candidate}.",
        yaml_snippet("golden.confirm", "golden/confirm.csv"),
        severity="warning" if promise.today - runs.first_candidate > OLD_PROJECT else None,
    )


@rule("SW307", "error", needs=("golden",))
def golden_cases_were_trained_on(promise: Promise) -> Iterator[Finding]:
    """Cases of the golden set are in files that a system was trained on or shown as examples.

    A system that has seen the answers proves its memory, and the rate is too good by an unknown amount.

    Take these cases out of the golden set (`shipworthy golden` lists them), or out of the training file and
    train again. Equal ids, equal inputs and near duplicates all count.
    """
    golden = promise.golden
    # A judge's examples are what SW328 speaks of.
    of_judges = {criterion.examples for criterion in promise.spec.rubric}
    for path, shared in sorted(golden.shared_with_training.items()) if golden is not None else ():
        if shared and golden is not None and path not in of_judges:
            yield Finding(
                ("golden", "training"),
                f"{shared:,} of {golden.cases:,} golden cases are in {path} too.",
                f"Take the {shared:,} cases out of {promise.spec.golden.path}, or out of {path}.",
                path,
            )


@rule("SW308", "warning", example=True)
def incidents_are_not_replayed(promise: Promise) -> Iterator[Finding]:
    """There have been incidents, or they are sent into the golden set, and no stratum replays them.

    A failure that users have seen once is the one they forgive least the second time.

    Put the cases of each closed incident into a stratum of their own, `failure_replay`, sampled as
    `incident`, and let a gate ask that every one of them passes.
    """
    spec = promise.spec
    replayed = "failure_replay" in _known_strata(promise) or (
        isinstance(spec.golden.sampled, dict) and "incident" in spec.golden.sampled.values()
    )
    if replayed or spec.golden.sampled == "incident":
        return
    left_behind = 0
    if promise.golden is not None:
        known = (promise.golden.provenance, promise.golden.sampled)
        left_behind = max(counts.get("incident", 0) for counts in known)
    flows = spec.learning.feedback if spec.learning is not None else []
    sent = [flow.from_ for flow in flows if _INCIDENT.search(flow.from_)]
    if left_behind or sent:
        said = f"{left_behind:,} golden cases come from incidents" if left_behind else f"{sent[0]!r} flows in"
        yield Finding(
            ("golden", "strata"),
            f"{said}, and there is no stratum `failure_replay`.",
            yaml_snippet(
                "golden", {"strata": {"failure_replay": 20}, "sampled": {"failure_replay": "incident"}}
            ),
        )


@rule("SW309", "warning", needs=("golden",))
def most_cases_are_synthetic(promise: Promise) -> Iterator[Finding]:
    """More than half of the golden set was made up and not taken from use.

    Made-up cases are easier and more alike than real ones, so what passes on them says little about traffic.

    Add cases from production (with personal data taken out), or keep the made-up ones in strata of their own,
    such as `adversarial`, and let rates speak of the real ones. What counts is the column `provenance`.
    """
    counts = promise.golden.provenance if promise.golden is not None else {}
    whole = sum(counts.values())
    made_up = sum(n for name, n in counts.items() if name.lower() in ("synthetic", "generated", "made_up"))
    if whole and made_up / whole > MOST_SYNTHETIC:
        yield Finding(
            ("golden", "path"),
            f"{made_up:,} of {whole:,} golden cases ({made_up / whole:.0%}) are synthetic.",
            f"Add at least {2 * made_up - whole:,} cases from production to {promise.spec.golden.path}.",
        )


@rule("SW310", "warning")
def golden_set_is_stale(promise: Promise) -> Iterator[Finding]:
    """The golden set is older than it may be, or than a change that was foreseen.

    A set that no longer looks like what users send judges a product that nobody uses any more.

    Add fresh cases, look the old ones over, and write the day under `golden.refreshed`. Where the subject
    changes slowly, say so with a longer `golden.stale_after`.
    """
    golden = promise.spec.golden
    days = [day for day in (golden.created, golden.refreshed) if day is not None]
    if not days:
        return
    last = max(days)
    age = promise.today - last
    fix = yaml_snippet("golden.refreshed", DAY)
    if age > length_of(golden.stale_after):
        yield Finding(
            ("golden", "refreshed"),
            f"The golden set was last looked over on {last}, {age.days} days ago; it is stale after "
            f"{golden.stale_after}.",
            fix,
        )
        return
    passed = [event for event in promise.spec.expect if last < event.on <= promise.today]
    for event in passed:
        yield Finding(
            ("golden", "refreshed"),
            f"The golden set was last looked over on {last}, before {event.what!r} of {event.on}.",
            fix,
        )


@rule("SW311", "warning")
def varying_answers_are_asked_once(promise: Promise) -> Iterator[Finding]:
    """The candidate answers at random within limits, and every case is asked only once.

    One lucky answer proves nothing about the next one, and the spread between answers stays unknown.

    Ask each case several times (`golden.repeats`), or map a column that tells the tries apart to the role
    `repeat`; gates such as `pass^3` then ask that it works every time. At temperature 0 once is enough.
    """
    spec = promise.spec
    for name, system in spec.systems.declared().items():
        told_apart = "repeat" in {**spec.golden.columns, **system.columns}
        varies = system.temperature is not None and system.temperature > 0
        if name == "candidate" and varies and spec.golden.repeats == 1 and not told_apart:
            yield Finding(
                ("golden", "repeats"),
                f"The candidate runs at temperature {system.temperature:g}, and each case is asked once.",
                yaml_snippet("golden.repeats", 3),
            )


@rule("SW312", "warning")
def related_cases_were_split_at_random(promise: Promise) -> Iterator[Finding]:
    """The golden set was kept apart at random, although its cases belong together in time or in groups.

    Then a case's neighbour of the same day or the same person is in training, and the rate is too good.

    Keep the newest time (`holdout: time`) or whole groups such as customers (`holdout: group`) out of
    training instead.
    """
    golden = promise.spec.golden
    if golden.holdout != "random":
        return
    labels = promise.spec.data.labels if promise.spec.data is not None else None
    clusters = promise.golden.clusters if promise.golden is not None else None
    if "time" in golden.columns:
        yield _split(f"its cases have a time ({golden.columns['time']})", "time")
    elif "cluster_id" in golden.columns or clusters is not None:
        yield _split(f"its cases come in groups ({golden.columns.get('cluster_id', 'cluster_id')})", "group")
    elif not promise.spec.is_foundation and labels is not None and labels.matures_after is not None:
        yield _split(f"its labels speak of the {labels.matures_after} after a case", "time")


def _split(because: str, better: str) -> Finding:
    return Finding(
        ("golden", "holdout"),
        f"The golden set was kept apart at random, and {because}.",
        yaml_snippet("golden.holdout", better),
    )


@rule("SW313", "error", example=True)
def needed_stratum_is_missing(promise: Promise) -> Iterator[Finding]:
    """The golden set has no stratum for a kind of case that this kind of product must be tried on.

    What such a product does wrong shows in exactly these cases, and ordinary ones hide it.

    Add the stratum with its least number of cases: `tool_use` where an agent calls tools, `adversarial` for
    everything that answers in free text, `multi_turn` where people answer back, `multimodal` where it reads
    more than text.
    """
    spec = promise.spec
    needed: dict[str, str] = {}
    context = spec.context
    if context is not None and spec.kind == "agent" and context.tools:
        needed["tool_use"] = "it calls tools"
    # Where something is forbidden, SW409 asks for the attacks that try it.
    forbidden = context is not None and context.envelope is not None and context.envelope.must_not
    if spec.is_foundation and not forbidden:
        needed["adversarial"] = "people will try to make it misbehave"
    if context is not None and context.multi_turn:
        needed["multi_turn"] = "people answer back"
    if context is not None and set(context.inputs) - {"text"}:
        needed["multimodal"] = f"it reads {', '.join(sorted(set(context.inputs) - {'text'}))}"
    for stratum, because in needed.items():
        if stratum not in _known_strata(promise):
            yield Finding(
                ("golden", "strata"),
                f"There is no stratum `{stratum}` in the golden set of this {spec.kind}, and {because}.",
                yaml_snippet("golden.strata", {stratum: 59}),
                stratum,
            )


# -- what the gates count ----------------------------------------------------------------------------------


def _sized_gates(promise: Promise) -> Iterator[tuple[int, Gate, GateQuestion, bool]]:
    """Yield each gate that can be sized, with the cases there are or, before that, those promised."""
    runs = promise.runs
    for index, gate in enumerate(promise.spec.gates):
        question = promise.facts.questions.get(gate.id)
        if question is None:
            continue
        effect = runs.design_effects.get(gate.id, 1.0) if runs is not None else 1.0
        question = replace(question, design_effect=max(1.0, question.design_effect, effect))
        if question.cases is not None or promise.golden is not None:
            yield index, gate, question, False
        else:
            promised = _promised(promise, question.population)
            yield index, gate, replace(question, cases=promised), promised is not None


def _promised(promise: Promise, population: Population) -> int | None:
    """Return the least number of cases that the declared strata promise a population."""
    declared = promise.spec.golden.strata
    if not population.conditions:
        return sum(declared.values()) or None
    strata = _strata_of(population)
    if len(population.conditions) > 1 or not strata:
        return None
    return sum(declared.get(stratum, 0) for stratum in strata)


def _strata_of(population: Population) -> tuple[str, ...]:
    """Return the strata that a population is taken from, where it names them."""
    named = [c.values for c in population.conditions if c.column == "stratum" and c.operator in ("=", "in")]
    return named[0] if named else ()


def _held(promise: Promise, stratum: str) -> int | None:
    """Return how many cases a stratum holds, or is promised; None where nothing says it."""
    if promise.golden is not None and (promise.golden.strata or "stratum" in promise.golden.columns):
        return promise.golden.strata.get(stratum, 0)
    if promise.golden is not None:
        return None
    return promise.spec.golden.strata.get(stratum, 0)


def _known_strata(promise: Promise) -> set[str]:
    found = set(promise.golden.strata) if promise.golden is not None else set()
    return found | set(promise.spec.golden.strata)


# -- words -------------------------------------------------------------------------------------------------


def _cases(n: int, planned: bool) -> str:
    return f"the promised {n:,} cases" if planned else f"{n:,} cases"


def _provable(question: GateQuestion, best_bar: float) -> str:
    """Return the strictest bar that can be proved, rounded to the side on which it still can be."""
    if question.better == "at_least":
        return f">= {math.floor(best_bar * 10_000) / 10_000:.2%}"
    return f"<= {math.ceil(best_bar * 10_000) / 10_000:.2%}"


def _value(question: GateQuestion, value: float) -> str:
    return f"{value:.1%}" if question.form == "rate" else f"{value:g}"


def _rounded_up(cases: int) -> int:
    """Return a number of cases with two places that count: an assumed discordance gives no more."""
    step: int = 10 ** max(0, len(str(cases)) - 2)
    return math.ceil(cases / step) * step


def _more_cases(promise: Promise, question: GateQuestion, wanted: int) -> str:
    strata = _strata_of(question.population)
    declared = promise.spec.golden.strata
    alone = len(strata) == 1 and len(question.population.conditions) == 1
    if alone and declared.get(strata[0], 0) < wanted:
        return yaml_snippet("golden.strata", {strata[0]: wanted})
    further = wanted - (question.cases or 0)
    where = f" with {question.population}" if question.population.conditions else ""
    return f"Add {further:,} cases{where} to those it counts, or lower the bar before there is a result."


def _wider_margin(
    promise: Promise, gate: Gate, question: GateQuestion, detectable: float | None, wanted: int | None
) -> str:
    if detectable is None:
        return _more_cases(promise, question, wanted) if wanted is not None else "Add cases."
    parsed = gate.parsed
    margin = math.ceil(detectable * 1000) / 10
    sign = "-" if question.better == "at_least" else ""
    rule_text = f"{parsed.left} {parsed.operator} {sign}{margin:g}pt"
    return yaml_snippet("gates", [{"id": gate.id, "rule": rule_text}])
