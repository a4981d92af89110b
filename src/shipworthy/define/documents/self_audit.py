"""The self-audit: four shares of concrete checks on the whole system; the lowest is the headline, no gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shipworthy.define.documents.model import (
    Block,
    Bullets,
    Cell,
    Document,
    KeyPath,
    Paragraph,
    Section,
    Table,
)
from shipworthy.define.documents.parts import about, product_name
from shipworthy.define.documents.telling import Telling
from shipworthy.define.keys.failures import FailureMode
from shipworthy.define.lineage import lineage_of
from shipworthy.define.spec import Spec

__all__ = ["AREAS", "Area", "Check", "audit", "self_audit"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is there or not.

    Args:
        what: What should be there, as a statement.
        passed: Whether it is.
        key: Where the spec says so, or would.
    """

    what: str
    passed: bool
    key: KeyPath


@dataclass(frozen=True, slots=True)
class Area:
    """One of the four parts of the audit.

    Args:
        name: Its name.
        question: What it asks.
        checks: Its checks.
    """

    name: str
    question: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> int:
        """Checks that passed."""
        return sum(check.passed for check in self.checks)

    @property
    def share(self) -> float:
        """Share of checks that passed, in [0, 1]."""
        return self.passed / len(self.checks)


#: The four areas in the order in which they are shown.
AREAS = ("feedback loop", "data dependencies", "failure containment", "monitoring")


def audit(spec: Spec) -> tuple[Area, ...]:
    """Return the four areas with their checks; no check counts in two of them."""
    return (
        Area(
            AREAS[0],
            "Does use come back as learning, with somebody who looks, and an end?",
            tuple(_loop(spec)),
        ),
        Area(AREAS[1], "Is every source owned, pinned, fresh, and on a map?", tuple(_dependencies(spec))),
        Area(
            AREAS[2],
            "When it is wrong, what stops the harm, and how does one get back?",
            tuple(_containment(spec)),
        ),
        Area(AREAS[3], "Would somebody notice each failure, and know what to do?", tuple(_monitoring(spec))),
    )


def self_audit(t: Telling) -> Document:
    """Return the self-audit of the spec."""
    areas = audit(t.spec)
    least = min(area.share for area in areas)
    lowest = [area for area in areas if area.share == least]
    counted = [f"{area.name}, {area.passed} of {len(area.checks)} checks" for area in lowest]
    said = f"Lowest: {'; '.join(counted)} ({least:.0%}{' each' if len(lowest) > 1 else ''})."
    absent = [check.what for area in lowest for check in area.checks if not check.passed]
    named = "" if len(absent) == 1 else f", the first of {len(absent)}"
    note = f"Missing{named}: {absent[0]}." if absent else "Nothing that is asked for is missing."
    rows = tuple(
        (
            Cell(area.name, tone="strong" if area in lowest else ""),
            Cell(
                f"{area.passed}\u00a0of\u00a0{len(area.checks)}",
                tuple(check.key for check in area.checks[:1]),
            ),
            Cell(f"{area.share:.0%}"),
            Cell(area.question),
        )
        for area in areas
    )
    scores: tuple[Block, ...] = (
        Paragraph(Cell(said, note=note), lead=True),
        Table("Shares of checks that passed", ("Area", "Checks", "Share", "It asks"), rows),
        Paragraph(
            Cell(
                "This is a self-audit of what the spec says, not a gate: nothing is decided by it. The "
                "four are never averaged.",
                tone="soft",
            )
        ),
    )
    details = tuple(Section(area.name.capitalize(), (_missing_of(t, area),), _there(area)) for area in areas)
    return Document(
        "self-audit", "Self-audit", product_name(t), about(t), (Section("The four shares", scores), *details)
    )


def _missing_of(t: Telling, area: Area) -> Block:
    rows = tuple(
        (Cell(f"Not there: {check.what}", (check.key,), "strong"), Cell(t.key(check.key), (check.key,)))
        for check in area.checks
        if not check.passed
    )
    return Table("Missing", ("What is asked", "Key to fill in"), rows, Cell("nothing", tone="met"))


def _there(area: Area) -> tuple[Section, ...]:
    found = tuple(Cell(check.what, (check.key,)) for check in area.checks if check.passed)
    return (Section("What is there", (Bullets(found),)),) if found else ()


def _loop(spec: Spec) -> Iterator[Check]:
    learning, launch, data = spec.learning, spec.launch, spec.data
    retrain = learning.retrain if learning is not None else None
    key: KeyPath = ("learning", "retrain")
    yield Check(
        "it is said when the model is trained again", bool(retrain and retrain.trigger), (*key, "trigger")
    )
    yield Check("a new model must pass gates", bool(retrain and retrain.gate), (*key, "gate"))
    yield Check("somebody answers for training again", bool(retrain and retrain.owner), (*key, "owner"))
    yield Check("it is said when learning stops", bool(retrain and retrain.stop), (*key, "stop"))
    ways = learning.feedback if learning is not None else []
    yield Check("use comes back as data in at least one way", bool(ways), ("learning", "feedback"))
    for at, way in enumerate(ways):
        if not way.to.startswith("queue"):
            what = f"a person looks before {way.from_} becomes {way.to}"
            yield Check(what, way.review == "required", ("learning", "feedback", at, "review"))
    channel = launch is not None and launch.feedback is not None
    yield Check("users can say that an answer was bad", channel, ("launch", "feedback"))
    labels = data.labels if data is not None else None
    yield Check(
        "it is said when the truth is known",
        bool(labels and labels.matures_after),
        ("data", "labels", "matures_after"),
    )
    if labels is not None and labels.selective:
        explored = spec.routing is not None and spec.routing.explore > 0
        yield Check(
            "some cases are decided at random, because only a yes shows its outcome",
            explored,
            ("routing", "explore"),
        )
    if spec.routing is not None and any(band.by == "person" for band in spec.routing.bands):
        audited = spec.routing.override_audit is not None
        yield Check("the people who decide are audited", audited, ("routing", "override_audit"))
    for at, metric in enumerate(spec.metrics):
        if metric.layer == "online" and metric.role != "protected":
            yield Check(
                f"an offline metric foretells {metric.id}", metric.pairs is not None, ("metrics", at, "pairs")
            )


def _dependencies(spec: Spec) -> Iterator[Check]:
    data = spec.data
    sources = data.sources if data is not None else []
    yield Check("the sources of data are named", bool(sources), ("data", "sources"))
    for at, source in enumerate(sources):
        key: KeyPath = ("data", "sources", at)
        yield Check(f"{source.id} has an owner", source.owner is not None, (*key, "owner"))
        yield Check(f"{source.id} has a version", source.version is not None, (*key, "version"))
        if source.mode != "static":
            yield Check(
                f"{source.id} says when it is stale", source.fresh_within is not None, (*key, "fresh_within")
            )
        if source.external and spec.is_foundation:
            yield Check(
                f"the text of {source.id} cannot give orders",
                source.isolation is not None,
                (*key, "isolation"),
            )
    graph = lineage_of(spec)
    mapped = data is not None and bool(data.lineage)
    yield Check("the way from sources to labels is mapped", mapped, ("data", "lineage"))
    if mapped:
        yield Check("every reference of the map leads somewhere", not graph.broken, ("data", "lineage"))
        for node in graph.nodes.values():
            if node.kind != "source" and not node.implied:
                yield Check(f"{node.id} has an owner", node.owner is not None, (*node.key, "owner"))
        for at, source in enumerate(sources):
            used = any(source.id in node.made_from for node in graph.nodes.values())
            yield Check(f"something is made from {source.id}", used, ("data", "sources", at))
    labels = data.labels if data is not None else None
    yield Check(
        "it is said what the label means",
        bool(labels and labels.definition),
        ("data", "labels", "definition"),
    )
    populations = data.populations if data is not None else None
    yield Check(
        "it is said who is missing from the data",
        bool(populations and populations.missing),
        ("data", "populations", "missing"),
    )
    yield Check(
        "the golden set is pinned to a version", spec.golden.version is not None, ("golden", "version")
    )


def _open_modes(spec: Spec) -> Iterator[tuple[int, FailureMode]]:
    return (
        (at, mode) for at, mode in enumerate(spec.failure_modes) if not mode.accepted and not mode.dismissed
    )


def _containment(spec: Spec) -> Iterator[Check]:
    yield Check("the ways to be wrong are named", bool(spec.failure_modes), ("failure_modes",))
    for at, mode in _open_modes(spec):
        key: KeyPath = ("failure_modes", at)
        yield Check(f"something is done about {mode.id}", bool(mode.mitigation), (*key, "mitigation"))
        if mode.severity == "blocker":
            yield Check(f"a gate bounds the blocker {mode.id}", mode.gate is not None, (*key, "gate"))
    yield Check(
        "a guardrail was tried and its catches counted",
        any(g.measured for g in spec.guardrails),
        ("guardrails",),
    )
    launch = spec.launch
    fallback, rollback = (launch.fallback, launch.rollback) if launch is not None else (None, None)
    yield Check("something answers when the system cannot", fallback is not None, ("launch", "fallback"))
    yield Check(
        "the fallback was tried", bool(fallback and fallback.tested), ("launch", "fallback", "tested")
    )
    yield Check("there is a version to go back to", rollback is not None, ("launch", "rollback"))
    yield Check(
        "it is said how fast the way back is",
        bool(rollback and rollback.within),
        ("launch", "rollback", "within"),
    )
    yield Check(
        "the way back was drilled",
        bool(rollback and rollback.last_drill),
        ("launch", "rollback", "last_drill"),
    )
    staged = launch is not None and len(launch.stages) > 1
    yield Check("exposure grows in stages", staged, ("launch", "stages"))
    context = spec.context
    for at, tool in enumerate(context.tools if context is not None else []):
        if tool.scope == "write":
            bounded = bool(tool.limit or tool.approval)
            yield Check(
                f"the tool {tool.id} has a limit or needs approval",
                bounded,
                ("context", "tools", at, "limit"),
            )
    if spec.is_foundation:
        envelope = context.envelope if context is not None else None
        yield Check(
            "it is said what it must never do",
            bool(envelope and envelope.must_not),
            ("context", "envelope", "must_not"),
        )


def _monitoring(spec: Spec) -> Iterator[Check]:
    known = {monitor.id: monitor for monitor in spec.monitors}
    yield Check("something is watched in use", bool(known), ("monitors",))
    for at, mode in _open_modes(spec):
        watched = mode.monitor is not None and mode.monitor in known
        yield Check(f"a monitor watches for {mode.id}", watched, ("failure_modes", at, "monitor"))
    for at, monitor in enumerate(spec.monitors):
        key: KeyPath = ("monitors", at)
        yield Check(f"somebody answers for {monitor.id}", monitor.owner is not None, (*key, "owner"))
        yield Check(f"it is said what happens when {monitor.id} fires", monitor.do is not None, (*key, "do"))
    rollback = spec.launch.rollback if spec.launch is not None else None
    triggers = rollback.triggers if rollback is not None else []
    started = bool(triggers) and all(name in known for name in triggers)
    yield Check("monitors start the way back", started, ("launch", "rollback", "triggers"))
    series = {name for monitor in spec.monitors for name in monitor.series}
    for at, metric in enumerate(spec.metrics):
        if metric.layer == "online":
            seen = metric.id in series or (metric.proxy is not None and metric.proxy in series)
            yield Check(f"{metric.id} or what stands in for it is watched", seen, ("metrics", at))
    for at, name in enumerate(spec.groups):
        texts = [*series, *(monitor.on or "" for monitor in spec.monitors)]
        yield Check(f"the groups of {name} are watched", any(name in text for text in texts), ("groups", at))
