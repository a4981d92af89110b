"""SW4xx: the table of failure modes, and what the system must not do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from shipworthy.define.keys.failures import FailureMode
from shipworthy.define.library.modes import Mode, expected_modes, modes_for
from shipworthy.define.lint.named import names_within
from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import metric_of, yaml_snippet
from shipworthy.define.rules import Population
from shipworthy.errors import nearest

FEWEST_MODES = 6
SHORTEST_REASON = 3

#: Words on a screen, which stop nothing by themselves.
_ONLY_WORDS = re.compile(
    r"disclaimer|notice|warning (text|label|message|banner)|banner|tooltip|small print|terms (of|and) "
    r"|footnote|label(led)? as ai|ui (copy|text)|wording|caption|hint text",
    re.IGNORECASE,
)
#: Modes that are about one group of people beside another.
_OF_GROUPS = re.compile(r"unequal|unfair|bias|disparate|group", re.IGNORECASE)
_PREFIX = re.compile(r"^(judge|code|scorer|metric|gate|function)\s*:\s*", re.IGNORECASE)


@rule("SW401", "error", example=True)
def mode_has_no_cases(promise: Promise) -> Iterator[Finding]:
    """A failure mode has no test cases.

    What is not tried before the launch is tried by the first user whom it hits.

    Name the strata that test it under `cases`, accept it with a reason (`accepted`), or say why it cannot
    happen here (`dismissed`).
    """
    strata = list(promise.spec.golden.strata)
    for index, mode in _open_modes(promise):
        if not mode.cases:
            yield Finding(
                ("failure_modes", index, "cases"),
                f"The failure mode {mode.id} names no stratum that tests it.",
                yaml_snippet("failure_modes", [{"id": mode.id, "cases": strata[0] if strata else "edge"}]),
                mode.id,
            )


@rule("SW402", "error")
def blocker_has_no_gate(promise: Promise) -> Iterator[Finding]:
    """A failure mode that must block a launch has no gate.

    Without a gate nothing blocks, and the word stays a word.

    Write a gate that bounds how often it happens (where its cases were chosen by hand, a must-pass list such
    as failures[stratum = adversarial] <= 0), and name it under `gate`.
    """
    for index, mode in _open_modes(promise):
        if mode.severity == "blocker" and mode.gate is None:
            yield Finding(
                ("failure_modes", index, "gate"),
                f"The blocker {mode.id} has no gate.",
                yaml_snippet("gates", [_gate_for(promise, mode)])
                + "\n"
                + yaml_snippet("failure_modes", [{"id": mode.id, "gate": f"g_{mode.id}"}]),
                mode.id,
            )


@rule("SW403", "error", example=True)
def disclaimer_is_the_only_mitigation(promise: Promise) -> Iterator[Finding]:
    """Nothing but words on the screen stands against a failure mode that must block a launch.

    People do not read disclaimers, and the harm is done to those who do as well.

    Add what acts: a review band, a block, a limit, a fallback, an undo. The words may stay beside it.
    """
    for index, mode in _open_modes(promise):
        words_only = mode.mitigation and all(_ONLY_WORDS.search(one) for one in mode.mitigation)
        if mode.severity == "blocker" and words_only:
            yield Finding(
                ("failure_modes", index, "mitigation"),
                f"Against the blocker {mode.id} stands only {', '.join(mode.mitigation)}.",
                yaml_snippet(
                    "failure_modes", [{"id": mode.id, "mitigation": ["review_band", mode.mitigation[0]]}]
                ),
                mode.id,
            )


@rule("SW404", "error", example=True)
def mode_is_neither_mitigated_nor_accepted(promise: Promise) -> Iterator[Finding]:
    """A failure mode is neither mitigated nor accepted with a reason.

    It will happen, and then somebody decides under pressure what could have been decided now.

    Say what is done about it under `mitigation`, or why it is acceptable under `accepted`, in words that you
    would repeat to the person it happens to.
    """
    for index, mode in enumerate(promise.spec.failure_modes):
        reasons = [reason for reason in (mode.accepted, mode.dismissed) if reason is not None]
        too_short = reasons and all(len(reason.strip()) < SHORTEST_REASON for reason in reasons)
        if mode.mitigation and not reasons:
            continue
        if not reasons or too_short:
            said = f"is accepted without a reason ({reasons[0]!r})" if too_short else "is left as it is"
            yield Finding(
                ("failure_modes", index, "accepted" if too_short else "mitigation"),
                f"The failure mode {mode.id} {said}: nothing is done about it.",
                yaml_snippet("failure_modes", [{"id": mode.id, "mitigation": ["review_band"]}]),
                mode.id,
            )


@rule("SW405", "warning", level="operate", example=True)
def mode_is_not_watched(promise: Promise) -> Iterator[Finding]:
    """A failure mode is gated before the launch and not watched after it.

    A gate speaks of the cases of last month; users meet the mode in the cases of next month.

    Name the monitor that shows it in use under `monitor`. For a blocker this is as good as required. A name
    that is no monitor is an error.
    """
    monitors = [monitor.id for monitor in promise.spec.monitors]
    for index, mode in _open_modes(promise):
        if mode.monitor is None and mode.gate is not None:
            yield Finding(
                ("failure_modes", index, "monitor"),
                f"The failure mode {mode.id} has the gate {mode.gate} and no monitor.",
                yaml_snippet("failure_modes", [{"id": mode.id, "monitor": f"m_{mode.id}"}])
                + "\n"
                + yaml_snippet("monitors", [_monitor_for(promise, mode)]),
                mode.id,
            )
        elif mode.monitor is not None and mode.monitor not in monitors:
            yield Finding(
                ("failure_modes", index, "monitor"),
                f"The failure mode {mode.id} names the monitor {mode.monitor!r}, which does not exist.",
                nearest(mode.monitor, monitors),
                mode.id,
                severity="error",
            )


@rule("SW406", "warning", example=True)
def too_few_modes(promise: Promise) -> Iterator[Finding]:
    """Fewer than six failure modes are named.

    Teams that stop at two have named those they already knew how to mend.

    Ask who is hurt, by what, and how you would notice. `shipworthy init` proposes the known modes of this
    kind of product. Modes that are accepted count; dismissed ones do not.
    """
    named = [mode.id for mode in promise.spec.failure_modes if not mode.dismissed]
    # A spec without any lacks the key, and that is said elsewhere.
    if 0 < len(named) < FEWEST_MODES:
        yield Finding(
            ("failure_modes",),
            f"Only {len(named)} failure mode{'s are' if len(named) > 1 else ' is'} named "
            f"({', '.join(named)}); six is the least that is worth the name of a table.",
            _further_modes(promise, FEWEST_MODES - len(named)),
        )


@rule("SW407", "warning", example=True)
def known_mode_is_missing(promise: Promise) -> Iterator[Finding]:
    """A failure mode that products like this are known to have is neither listed nor dismissed.

    Others have paid for finding it out; it is cheaper to read than to repeat.

    Add it with its cases and gate, accept it with a reason, or dismiss it with a reason. What is expected
    follows from the spec: injection where text of others is read, staleness where data must be fresh, skew
    where batch and stream are mixed, a cold start for rankers, gaming where people feel the outcome.
    """
    spec = promise.spec
    listed = [mode.id for mode in spec.failure_modes]
    if not listed:
        return
    for mode in expected_modes(spec):
        if mode.is_among(listed) or (mode.id == "prompt_injection" and _unguarded_sources(promise)):
            continue
        yield Finding(
            ("failure_modes",),
            f"The failure mode {mode.id} is neither listed nor dismissed: {mode.definition}",
            yaml_snippet(
                "failure_modes",
                [
                    {
                        "id": mode.id,
                        "severity": mode.severity,
                        "cases": _stratum_for(promise, mode),
                        "mitigation": mode.guardrails[0],
                    }
                ],
            ),
            mode.id,
        )


@rule("SW408", "error", example=True)
def write_tool_is_unbounded(promise: Promise) -> Iterator[Finding]:
    """A tool that changes something has neither a limit nor an approval.

    One wrong or one injected call does as much damage as the tool allows.

    Bound each call with `limit`, or let a person approve it from a size on with `approval`.
    """
    context = promise.spec.context
    for index, tool in enumerate(context.tools if context is not None else ()):
        if tool.scope == "write" and not tool.limit and not tool.approval:
            yield Finding(
                ("context", "tools", index),
                f"The tool {tool.id} may write without limit and without approval.",
                yaml_snippet("context.tools", [{"id": tool.id, "limit": "50 USD a call"}]),
                tool.id,
            )


@rule("SW409", "error", example=True)
def prohibition_is_not_tried(promise: Promise) -> Iterator[Finding]:
    """The system must not do something, and no adversarial case tries to make it do so.

    A prohibition that nobody tested is a wish, and the first person to test it is not on your side.

    Write at least one attack for each line of `context.envelope.must_not`, in the stratum `adversarial`.
    """
    context = promise.spec.context
    forbidden = context.envelope.must_not if context is not None and context.envelope is not None else []
    if not forbidden:
        return
    held = promise.spec.golden.strata.get("adversarial")
    if promise.golden is not None:
        held = promise.golden.strata.get("adversarial", 0 if held is not None else None)
    blocked = any(
        mode.severity == "blocker" and "adversarial" in mode.cases for mode in promise.spec.failure_modes
    )
    # A blocker's empty stratum is what SW303 speaks of.
    if (held == 0 and blocked) or (held is not None and held >= len(forbidden)):
        return
    said = "there is no stratum `adversarial`" if held is None else f"only {held} adversarial cases try them"
    things = "thing is" if len(forbidden) == 1 else "things are"
    yield Finding(
        ("golden", "strata"),
        f"{len(forbidden)} {things} forbidden ({', '.join(forbidden)}), and {said}.",
        yaml_snippet("golden.strata", {"adversarial": max(59, len(forbidden))}),
    )


@rule("SW410", "warning", example=True)
def detector_is_the_gates_own_scorer(promise: Promise) -> Iterator[Finding]:
    """A failure mode is noticed in use by the same scorer that let it through the gate.

    What the scorer cannot see is then invisible twice, before the launch and after it.

    Take another way of noticing: complaints, undone actions, a sample read by people, a code check beside a
    judge or a judge beside a code check.
    """
    gates = {gate.id: gate for gate in promise.spec.gates}
    scorers = {metric.id: metric.scorer for metric in promise.spec.metrics}
    for index, mode in _open_modes(promise):
        gate = gates.get(mode.gate or "")
        if gate is None or not mode.detect:
            continue
        used: set[str] = set()
        for name in names_within(gate):
            used |= {_plain(name), _plain(scorers.get(name) or name)}
        if _plain(mode.detect) in used:
            yield Finding(
                ("failure_modes", index, "detect"),
                f"The failure mode {mode.id} is noticed by {mode.detect}, which decides {gate.id} too.",
                yaml_snippet("failure_modes", [{"id": mode.id, "detect": "a sample read by people"}]),
                mode.id,
            )


def _monitor_for(promise: Promise, mode: FailureMode) -> dict[str, object]:
    """Return a monitor of what the mode's gate bounds before the launch."""
    gate = next((one for one in promise.spec.gates if one.id == mode.gate), None)
    names = list(names_within(gate)) if gate is not None else []
    series = names[0] if names else mode.id
    return {
        "id": f"m_{mode.id}",
        "series": series,
        "rule": "drop > 0.05 for 7d",
        "do": "diagnose",
        "owner": "oncall",
    }


def _stratum_for(promise: Promise, mode: Mode) -> str:
    """Return the stratum that tests a known mode, or one that the golden set has."""
    strata = list(promise.spec.golden.strata)
    return mode.stratum if mode.stratum in strata or not strata else strata[0]


def _further_modes(promise: Promise, lacking: int) -> str:
    """Return known modes of this kind of product that the table does not have, the likely ones first."""
    listed = [mode.id for mode in promise.spec.failure_modes]
    known = dict.fromkeys((*expected_modes(promise.spec), *modes_for(promise.spec.kind)))
    further = [mode for mode in known if not mode.is_among(listed)][:lacking]
    if not further:
        return "Ask who is hurt, by what, and how you would notice, and add what you hear."
    return yaml_snippet(
        "failure_modes",
        [
            {
                "id": mode.id,
                "what": mode.definition,
                "severity": mode.severity,
                "cases": _stratum_for(promise, mode),
                "mitigation": mode.guardrails[0],
            }
            for mode in further
        ],
    )


def _gate_for(promise: Promise, mode: FailureMode) -> dict[str, object]:
    """Return a gate that can hold a mode: a list where its cases were chosen by hand, else a rate."""
    spec = promise.spec
    stratum = mode.cases[0] if mode.cases else "adversarial"
    gate = {"id": f"g_{mode.id}"}
    if spec.golden.sampling_of(stratum) in ("curated", "incident"):
        return {**gate, "rule": f"failures[stratum = {stratum}] <= 0", "on": "all"}
    if spec.groups and _OF_GROUPS.search(mode.id):
        return {**gate, "rule": f"ratio(selection_rate, {spec.groups[0]}) >= 80%", "on": stratum}
    metric = metric_of(promise)
    bars = (
        str(one.parsed).removeprefix(str(one.parsed.left)).strip()
        for one in spec.gates
        if str(replace(one.parsed.left, population=Population())) == metric and one.parsed.right is None
    )
    return {**gate, "rule": f"{metric} {next(bars, '>= 95%')}", "on": stratum}


def _open_modes(promise: Promise) -> Iterator[tuple[int, FailureMode]]:
    """Yield the failure modes that are neither accepted nor dismissed."""
    for index, mode in enumerate(promise.spec.failure_modes):
        if mode.accepted is None and mode.dismissed is None:
            yield index, mode


def _unguarded_sources(promise: Promise) -> bool:
    """Whether SW708 speaks already of text from outside that may be obeyed."""
    if not promise.spec.is_foundation:
        return False
    sources = promise.spec.data.sources if promise.spec.data is not None else []
    return any(source.external and not source.isolation for source in sources)


def _plain(name: object) -> str:
    """Return the name of a scorer without its kind and version, as in judge:grounded@5."""
    return _PREFIX.sub("", str(name).strip().lower()).partition("@")[0].strip()
