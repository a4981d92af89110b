"""SW7xx: where the data comes from, what it leaves out, and what comes back as data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shipworthy.define.keys.sources import DataUse, Source
from shipworthy.define.library.modes import LIBRARY
from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import missing_of, yaml_snippet
from shipworthy.errors import nearest

_PARITY = re.compile(r"parity|skew|mismatch|both paths", re.IGNORECASE)
_INJECTION = next(mode for mode in LIBRARY if mode.id == "prompt_injection")


@rule("SW701", "error", example=True)
def source_is_anonymous(promise: Promise) -> Iterator[Finding]:
    """A source of data has no owner or no version.

    When it changes overnight, nobody is asked and nobody can say what it was before.

    Name who answers for it, and the version string of the system that keeps it: a commit, a DVC hash, a
    table's snapshot.
    """
    for index, source in _sources(promise):
        lacking = [name for name in ("owner", "version") if getattr(source, name) is None]
        if lacking:
            shown = {"owner": source.owner or "data-lead", "version": source.version or "git:ab12"}
            yield Finding(
                ("data", "sources", index, lacking[0]),
                f"The source {source.id} has no {' and no '.join(lacking)}.",
                yaml_snippet("data.sources", [{"id": source.id, **shown}]),
                source.id,
            )


@rule("SW702", "error", example=True)
def real_time_needs_fresh_batches(promise: Promise) -> Iterator[Finding]:
    """A decision in real time reads a batch source, and nobody says how old its data may be.

    Somebody who paid an hour ago is still in arrears in yesterday's file.

    Write `fresh_within`: the age at which the data is stale. It is also what a monitor compares with.
    """
    if promise.spec.decision.timing != "real_time":
        return
    for index, source in _sources(promise):
        if source.mode == "batch" and source.fresh_within is None:
            yield Finding(
                ("data", "sources", index, "fresh_within"),
                f"It decides in real time, and nobody says how old the batch source {source.id} may be.",
                yaml_snippet("data.sources", [{"id": source.id, "fresh_within": "24h"}]),
                source.id,
            )


@rule("SW703", "error", example=True)
def training_leaves_something_out(promise: Promise) -> Iterator[Finding]:
    """The training window leaves out days, regions or classes without a reason.

    What training has not seen still arrives in use, and is answered with the same confidence.

    Write a `reason` for each thing under `excluded`, or take it in. A window of weekdays or weekends only
    counts as leaving the others out.
    """
    window = promise.spec.data.training_window if promise.spec.data is not None else None
    if window is None:
        return
    at = ("data", "training_window", "excluded")
    traffic = promise.facts.traffic if isinstance(promise.facts.traffic, dict) else {}
    for index, entry in enumerate(window.excluded):
        if not (entry.reason or "").strip():
            share = _share_of_traffic(entry.what, traffic)
            seen = f", which is {share:.0%} of traffic," if share is not None else ""
            yield Finding(
                (*at, index, "reason"),
                f"Training leaves out {entry.what}{seen} without a reason.",
                yaml_snippet("data.training_window.excluded", [{"what": entry.what, "reason": "..."}]),
                entry.what,
            )
    if window.days != "all" and not window.excluded:
        other = "weekends" if window.days == "weekdays" else "weekdays"
        yield Finding(
            ("data", "training_window", "days"),
            f"Training sees {window.days} only, and nobody says why {other} are left out.",
            yaml_snippet("data.training_window.excluded", [{"what": other, "reason": "..."}]),
            other,
        )


def _share_of_traffic(what: str, traffic: dict[str, dict[str, float]]) -> float | None:
    """Return the share of traffic of a named value, where the traffic sample knows it."""
    shares = [values[what] for values in traffic.values() if what in values]
    return shares[0] if len(shares) == 1 else None


@rule("SW704", "error", example=True)
def label_is_not_defined(promise: Promise) -> Iterator[Finding]:
    """Nobody says what the label means, or when it is known.

    Two teams that mean different things by right cannot agree on a rate, and young cases look all right.

    Write `data.labels.definition` in words a new colleague could label by, and `matures_after`: how long it
    takes until the truth is known.
    """
    yield from missing_of(promise, "SW704")


@rule("SW705", "warning", example=True)
def label_noise_is_unknown(promise: Promise) -> Iterator[Finding]:
    """Nobody looks for wrong labels.

    A model cannot be measured as better than the labels it is measured with.

    Have a small random sample labelled again by somebody else, regularly, and write how under
    `data.labels.noise_audit`.
    """
    labels = promise.spec.data.labels if promise.spec.data is not None else None
    if labels is not None and labels.definition is not None and not labels.noise_audit:
        yield Finding(
            ("data", "labels", "noise_audit"),
            "Nobody looks for wrong labels.",
            yaml_snippet("data.labels.noise_audit", "2% a month, labelled again by a second person"),
        )


@rule("SW706", "error", example=True)
def lineage_is_broken(promise: Promise) -> Iterator[Finding]:
    """The way from sources to labels is not drawn, or it names something that is nowhere declared.

    When a source breaks, nobody can say which models, gates and decisions hang on it.

    Declare each source under `data.sources` and each step under `data.lineage` with what it is made from.
    """
    yield from missing_of(promise, "SW706")
    data = promise.spec.data
    if data is None:
        return
    sources = [source.id for source in data.sources]
    known = [*sources, *(node.id for node in data.lineage)]
    for index, node in enumerate(data.lineage):
        if node.kind == "source" and node.id not in sources:
            yield Finding(
                ("data", "lineage", index),
                f"The lineage calls {node.id} a source, and it is not under `data.sources`.",
                yaml_snippet("data.sources", [{"id": node.id, "owner": "data-lead", "version": "git:ab12"}]),
                node.id,
            )
        for name in node.from_ or ():
            if name not in known:
                yield Finding(
                    ("data", "lineage", index, "from"),
                    f"The lineage makes {node.id} from {name!r}, which is neither a source nor a node.",
                    nearest(name, known),
                    node.id,
                )


@rule("SW707", "warning", level="operate", example=True)
def batch_and_stream_are_not_compared(promise: Promise) -> Iterator[Finding]:
    """Batch and stream sources are mixed, and no monitor compares what the two paths compute.

    The same feature is then computed twice by different code, and the model is used on what it never saw.

    Send the same cases through both paths and watch the share of values that differ.
    """
    modes = {source.mode: source.id for _index, source in _sources(promise)}
    if not {"batch", "stream"} <= set(modes):
        return
    watched = [name for monitor in promise.spec.monitors for name in (monitor.id, *monitor.series)]
    if not any(_PARITY.search(name) for name in watched):
        yield Finding(
            ("monitors",),
            f"The source {modes['batch']} arrives in batches and {modes['stream']} as a stream, and "
            "no monitor compares the features of both paths.",
            yaml_snippet(
                "monitors",
                [
                    {
                        "id": "m_parity",
                        "series": "feature_parity",
                        "rule": "mismatch > 0.5%",
                        "do": "hold",
                        "owner": "data-lead",
                    }
                ],
            ),
        )


@rule("SW708", "error", example=True)
def outside_text_may_be_obeyed(promise: Promise) -> Iterator[Finding]:
    """Text from outside reaches a prompt, and nothing keeps it from being obeyed.

    Whoever writes the mail, the ticket or the page then gives the orders.

    Say how it is kept apart (`isolation` of the source), and list `prompt_injection` among the failure modes
    with attacks that try it. Either silences this rule; both are wanted.
    """
    spec = promise.spec
    listed = [mode.id for mode in spec.failure_modes if not mode.dismissed]
    if not spec.is_foundation or _INJECTION.is_among(listed):
        return
    for index, source in _sources(promise):
        if source.external and not source.isolation:
            yield Finding(
                ("data", "sources", index, "isolation"),
                f"The source {source.id} is written outside and read by the model, and nothing isolates it.",
                yaml_snippet(
                    "data.sources", [{"id": source.id, "isolation": "quoted as data, never obeyed"}]
                ),
                source.id,
            )


@rule("SW709", "warning")
def feedback_is_learned_unseen(promise: Promise) -> Iterator[Finding]:
    """What users send back goes into training without anybody looking.

    A few people with patience can teach it what they want, and nobody notices when it was taught.

    Let a person look first (`review: required`), and send it to the queue or to the golden set before it is
    ever learned from.
    """
    learning = promise.spec.learning
    for index, flow in enumerate(learning.feedback if learning is not None else ()):
        if flow.to.lower().startswith("train") and flow.review == "none":
            yield Finding(
                ("learning", "feedback", index, "review"),
                f"{flow.from_!r} goes into {flow.to} without review.",
                yaml_snippet(
                    "learning.feedback", [{"from": flow.from_, "to": flow.to, "review": "required"}]
                ),
                flow.from_,
            )


@rule("SW710", "warning", example=True)
def outcomes_are_seen_selectively(promise: Promise) -> Iterator[Finding]:
    """Outcomes are known only where the product said yes, and nothing is decided otherwise on purpose.

    Its wrong refusals never show, so it learns again and again that it was right.

    Decide a small share at random under a loss cap (`routing.explore`), and weigh these cases by their
    chance.
    """
    data = promise.spec.data
    if data is None or data.labels is None or not data.labels.selective:
        return
    if promise.spec.routing is None or promise.spec.routing.explore == 0:
        yield Finding(
            ("routing", "explore"),
            "Outcomes are known only where the product said yes, and no share is decided at random.",
            yaml_snippet("routing.explore", 0.01),
        )


def _sources(promise: Promise) -> Iterator[tuple[int, Source]]:
    data: DataUse | None = promise.spec.data
    yield from enumerate(data.sources if data is not None else ())
