"""The way of the data, from sources over models to decisions and labels; and what depends on what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shipworthy.define.keys.sources import LINEAGE_KINDS
from shipworthy.define.rules import Call
from shipworthy.define.spec import Gate, Spec
from shipworthy.errors import UsageError, nearest

__all__ = ["BrokenReference", "Impact", "Lineage", "Node", "impact_of", "lineage_of", "open_lineage"]

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One thing on the way from a source to a label.

    Args:
        id: Its name, unique in the lineage.
        kind: source, feature, training_set, model, decision, feedback or label.
        made_from: Ids of what it is made from, existing ones only.
        owner: Who answers for it; None where nobody is named.
        version: Its version; None where none is named.
        what: What it is, in words; empty where nothing is said.
        key: Where the spec speaks of it.
        implied: Whether it is not under `data` but follows from another part of the spec.
    """

    id: str
    kind: str
    made_from: tuple[str, ...] = ()
    owner: str | None = None
    version: str | None = None
    what: str = ""
    key: KeyPath = ()
    implied: bool = False


@dataclass(frozen=True, slots=True)
class BrokenReference:
    """A node that is made from something nobody has declared.

    Args:
        of: The node.
        missing: The name that leads nowhere.
        affected: Gates and metrics that rest on the node.
        key: Where the spec says so.
        hint: What was probably meant.
    """

    of: str
    missing: str
    affected: tuple[str, ...]
    key: KeyPath
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Impact:
    """What depends on one node.

    Args:
        of: The node.
        nodes: Nodes that are made from it, over any number of steps, the nearest first.
        gates: Ids of the gates that rest on it.
        metrics: Metrics that rest on it.
        owners: Who answers for what depends on it.
        monitors: Ids of the monitors that watch it: by a series or slice that names it or a metric that
            rests on it, or for a failure mode that a gate bounds which rests on it.
    """

    of: Node
    nodes: tuple[Node, ...]
    gates: tuple[str, ...]
    metrics: tuple[str, ...]
    owners: tuple[str, ...]
    monitors: tuple[str, ...]

    def of_kind(self, kind: str) -> tuple[Node, ...]:
        """Return what depends on it of one kind."""
        return tuple(node for node in self.nodes if node.kind == kind)


@dataclass(frozen=True)
class Lineage:
    """The graph of one product.

    Args:
        product: The product's id.
        nodes: Nodes by id, in columns from source to label.
        broken: References that lead nowhere.
        cycles: Edges (from, to) that lead back to an earlier kind: the loop closes there.
    """

    product: str
    nodes: Mapping[str, Node]
    broken: tuple[BrokenReference, ...]
    cycles: tuple[tuple[str, str], ...]

    def edges(self) -> list[tuple[str, str]]:
        """Return every edge from what something is made from to what is made."""
        return [(origin, node.id) for node in self.nodes.values() for origin in node.made_from]

    def made_of(self, node_id: str) -> list[Node]:
        """Return what is made directly from a node."""
        return [node for node in self.nodes.values() if node_id in node.made_from]

    def downstream(self, node_id: str) -> tuple[Node, ...]:
        """Return all that is made from a node, over any number of steps, the nearest first."""
        found: dict[str, Node] = {}
        ahead = [node_id]
        while ahead:
            following = [node for at in ahead for node in self.made_of(at)]
            ahead = []
            for node in following:
                if node.id not in found and node.id != node_id:
                    found[node.id] = node
                    ahead.append(node.id)
        return tuple(found.values())


def lineage_of(spec: Spec) -> Lineage:
    """Return the lineage of a product: what `data` declares, and what follows from the rest of the spec.

    A candidate and what is live are models, `decision` is a decision, ways of feedback are feedback, and
    `data.labels` is a label, wherever `data.lineage` has none of that kind.
    """
    nodes = _declared(spec)
    wanted = {node.id: node.made_from for node in nodes.values()}
    _imply(spec, nodes, wanted)
    broken = []
    for node in list(nodes.values()):
        known = tuple(dict.fromkeys(name for name in wanted[node.id] if name in nodes))
        nodes[node.id] = replace(node, made_from=known)
    ordered = dict(sorted(nodes.items(), key=lambda pair: LINEAGE_KINDS.index(pair[1].kind)))
    graph = Lineage(spec.id, ordered, (), _backward(ordered))
    for node in ordered.values():
        for name in wanted[node.id]:
            if name not in ordered:
                rests = _resting(spec, graph, node)
                key = (*node.key, "from") if node.key else ()
                broken.append(
                    BrokenReference(node.id, name, (*rests[0], *rests[1]), key, nearest(name, ordered))
                )
    return replace(graph, broken=tuple(broken))


def _declared(spec: Spec) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    if spec.data is None:
        return nodes
    for at, source in enumerate(spec.data.sources):
        key: KeyPath = ("data", "sources", at)
        nodes[source.id] = Node(source.id, "source", (), source.owner, source.version, source.what or "", key)
    for at, entry in enumerate(spec.data.lineage):
        known = nodes.get(entry.id)
        nodes[entry.id] = Node(
            entry.id,
            entry.kind,
            tuple(entry.from_ or ()),
            entry.owner or (known.owner if known else None),
            entry.version or (known.version if known else None),
            entry.what or (known.what if known else ""),
            ("data", "lineage", at),
        )
    return nodes


class _Growing:
    """Nodes that grow by what the rest of the spec says."""

    def __init__(self, nodes: dict[str, Node], wanted: dict[str, tuple[str, ...]]) -> None:
        self.nodes = nodes
        self.wanted = wanted

    def of(self, *kinds: str) -> tuple[str, ...]:
        """Return the nodes of the first of these kinds that has any."""
        for kind in kinds:
            found = tuple(node.id for node in self.nodes.values() if node.kind == kind)
            if found:
                return found
        return ()

    def add(self, node: Node, made_from: tuple[str, ...]) -> None:
        """Add a node under a name that is free."""
        free, number = node.id, 2
        while free in self.nodes:
            free, number = f"{node.id} ({number})", number + 1
        self.nodes[free] = replace(node, id=free, implied=True)
        self.wanted[free] = made_from


def _imply(spec: Spec, nodes: dict[str, Node], wanted: dict[str, tuple[str, ...]]) -> None:
    """Add what the rest of the spec says, where `data.lineage` has nothing of that kind."""
    grown = _Growing(nodes, wanted)
    owners = spec.owners.named() if spec.owners is not None else {}
    if not grown.of("model"):
        _imply_models(spec, grown, owners.get("ml"))
    if not grown.of("decision"):
        what = spec.decision.prediction
        made = Node("decision", "decision", owner=owners.get("product"), what=what, key=("decision",))
        grown.add(made, grown.of("model"))
    if not grown.of("feedback") and spec.learning is not None:
        for at, entry in enumerate(spec.learning.feedback):
            key: KeyPath = ("learning", "feedback", at)
            grown.add(
                Node(entry.from_, "feedback", what=f"goes to {entry.to}", key=key), grown.of("decision")
            )
    labels = spec.data.labels if spec.data is not None else None
    if not grown.of("label") and labels is not None and (labels.definition or labels.source):
        what, key = labels.definition or "", ("data", "labels")
        made = Node("label", "label", owner=owners.get("data"), what=what, key=key)
        grown.add(made, grown.of("feedback", "decision"))


def _imply_models(spec: Spec, grown: _Growing, owner: str | None) -> None:
    origins = grown.of("training_set", "feature", "source")
    for name in ("candidate", "live"):
        use = getattr(spec.systems, name)
        if use is not None:
            who, what = use.owner or owner, use.what or use.type or ""
            grown.add(Node(name, "model", (), who, use.model, what, ("systems", name)), origins)


def _backward(nodes: Mapping[str, Node]) -> tuple[tuple[str, str], ...]:
    """Return the edges that lead to an earlier kind, and those that close a circle within one."""
    back = []
    for node in nodes.values():
        for origin in node.made_from:
            step = LINEAGE_KINDS.index(node.kind) - LINEAGE_KINDS.index(nodes[origin].kind)
            if step < 0 or (step == 0 and _reaches(nodes, node.id, origin)):
                back.append((origin, node.id))
    return tuple(back)


def _reaches(nodes: Mapping[str, Node], start: str, end: str) -> bool:
    """Return whether something is made from `start`, within its own kind, that `end` is or is made from."""
    seen, ahead = {start}, [start]
    while ahead:
        at = ahead.pop()
        if at == end:
            return True
        for node in nodes.values():
            if at in node.made_from and node.id not in seen and node.kind == nodes[start].kind:
                seen.add(node.id)
                ahead.append(node.id)
    return False


def impact_of(spec: Spec, lineage: Lineage, node_id: str) -> Impact:
    """Say what depends on a node.

    Args:
        spec: The spec.
        lineage: Its lineage.
        node_id: The node.

    Returns:
        Nodes, gates and metrics that rest on it. All gates and metrics measure what the models answer, so
        they rest on all that a model is made from, and on the labels; a gate on a slice rests on the
        feature of that name as well.

    Raises:
        UsageError: If there is no such node.
    """
    if node_id not in lineage.nodes:
        raise UsageError(
            f"There is nothing called {node_id!r} in the lineage.",
            fix=nearest(node_id, lineage.nodes)
            if lineage.nodes
            else "Declare data.sources and data.lineage in the spec.",
        )
    node = lineage.nodes[node_id]
    after = lineage.downstream(node_id)
    gates, metrics = _resting(spec, lineage, node)
    owners = dict.fromkeys(part.owner for part in (node, *after) if part.owner)
    owners |= dict.fromkeys(gate.owner for gate in spec.gates if gate.id in gates and gate.owner)
    names = {node_id, *(part.id for part in after if part.kind == "feature")}
    names |= _measured(spec, gates, metrics)
    bounded = {mode.monitor for mode in spec.failure_modes if mode.gate in gates}
    monitors = tuple(
        monitor.id
        for monitor in spec.monitors
        if monitor.id in bounded
        or names & {*monitor.series, *" ".join((*monitor.series, monitor.on or "")).split()}
    )
    return Impact(node, after, gates, metrics, tuple(who for who in owners if who), monitors)


def _resting(spec: Spec, lineage: Lineage, node: Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return gates and metrics that rest on a node."""
    reached = (node, *lineage.downstream(node.id))
    if any(part.kind in ("model", "label") for part in reached):
        return tuple(gate.id for gate in spec.gates), tuple(metric.id for metric in spec.metrics)
    if any(part.kind == "decision" for part in reached):
        # Nothing that was measured offline changes; what users see does.
        return (), tuple(metric.id for metric in spec.metrics if metric.layer == "online")
    names = {part.id for part in reached if part.kind == "feature"}
    return tuple(gate.id for gate in spec.gates if names & _columns(gate)), ()


def _measured(spec: Spec, gates: tuple[str, ...], metrics: tuple[str, ...]) -> set[str]:
    """Return the names under which some gates and metrics are watched: their own, and what stands in."""
    found = {call.name for gate in spec.gates if gate.id in gates for call in _calls(gate)}
    for metric in spec.metrics:
        if metric.id in metrics:
            found |= {metric.id, metric.proxy or metric.id}
    return found


def _columns(gate: Gate) -> set[str]:
    """Return the names of the columns that a gate cuts by or compares over."""
    found: set[str] = set()
    for call in _calls(gate):
        found |= {condition.column for condition in call.population.conditions}
        found |= {argument for argument in call.arguments if isinstance(argument, str)}
    return found


def _calls(gate: Gate) -> list[Call]:
    """Return the metrics and forms of a gate's rule, the inner ones too."""
    found = [call for call in (gate.parsed.left, gate.parsed.right) if call is not None]
    for call in found:
        found += [argument for argument in call.arguments if isinstance(argument, Call)]
    return found


# -- OpenLineage ---------------------------------------------------------------------------------------

PRODUCER = "https://pypi.org/project/shipworthy/"
CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs"
FACETS = "https://openlineage.io/spec/facets"
#: What OpenLineage calls a dataset of each kind.
DATASET_TYPES = {"model": "MODEL", "feedback": "STREAM"}


def open_lineage(lineage: Lineage, *, at: str) -> list[dict[str, Any]]:
    """Return the lineage as OpenLineage events: a DatasetEvent per node, and a JobEvent per thing made.

    These are the events for metadata at rest; none claims that something ran.

    Args:
        lineage: The lineage.
        at: Time of the events, ISO 8601 with its zone.

    Returns:
        JSON-ready events, in the order from source to label.

    Source: OpenLineage 2-0-2, https://openlineage.io/spec/2-0-2/OpenLineage.json.
    """
    namespace = f"shipworthy://{lineage.product}"
    events: list[dict[str, Any]] = []

    def event(kind: str, **content: Any) -> dict[str, Any]:
        return {"eventTime": at, "producer": PRODUCER, "schemaURL": f"{CORE}/{kind}", **content}

    for node in lineage.nodes.values():
        dataset = {"namespace": namespace, "name": node.id, "facets": _dataset_facets(node)}
        events.append(event("DatasetEvent", dataset=dataset))
    for node in lineage.nodes.values():
        if node.made_from:
            job = {"namespace": namespace, "name": f"make {node.id}", "facets": _job_facets(node)}
            inputs = [{"namespace": namespace, "name": name} for name in node.made_from]
            outputs = [{"namespace": namespace, "name": node.id}]
            events.append(event("JobEvent", job=job, inputs=inputs, outputs=outputs))
    return events


def _facet(name: str, version: str, **content: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}/{version}/{name}.json#/$defs/{name}", **content}


def _dataset_facets(node: Node) -> dict[str, Any]:
    kind = DATASET_TYPES.get(node.kind, "JOB_OUTPUT" if node.made_from else "FILE")
    facets = {
        "datasetType": _facet("DatasetTypeDatasetFacet", "1-0-0", datasetType=kind, subType=node.kind.upper())
    }
    if node.owner:
        facets["ownership"] = _facet(
            "OwnershipDatasetFacet", "1-0-0", owners=[{"name": node.owner, "type": "OWNER"}]
        )
    if node.version:
        facets["version"] = _facet("DatasetVersionDatasetFacet", "1-0-0", datasetVersion=node.version)
    if node.what:
        facets["documentation"] = _facet("DocumentationDatasetFacet", "1-0-0", description=node.what)
    return facets


def _job_facets(node: Node) -> dict[str, Any]:
    job = "MODEL" if node.kind == "model" else "JOB"
    facets = {
        "jobType": _facet(
            "JobTypeJobFacet", "2-0-4", processingType="BATCH", integration="SHIPWORTHY", jobType=job
        )
    }
    if node.owner:
        facets["ownership"] = _facet(
            "OwnershipJobFacet", "1-0-0", owners=[{"name": node.owner, "type": "OWNER"}]
        )
    return facets
