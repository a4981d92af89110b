"""SW52x: what it is compared with."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.define.keys.systems import SIMPLE_TYPES
from shipworthy.define.lint.named import names_no_version, names_within
from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import missing_of, yaml_snippet
from shipworthy.define.spec import Spec


@rule("SW521", "error", example=True)
def no_baseline_is_named(promise: Promise) -> Iterator[Finding]:
    """There is nothing simple that it has to beat.

    A model that nobody compared with something simple may not be needed at all.

    Name at least one baseline under `systems.baselines`: a rule, a keyword search, a small model, or what
    people do today. It may be planned only; then it needs its `type`.
    """
    yield from missing_of(promise, "SW521")


@rule("SW522", "warning", example=True)
def no_baseline_is_simple(promise: Promise) -> Iterator[Finding]:
    """No baseline is something that anyone can explain.

    Beating another model of the same kind does not show that a model was needed.

    Add one whose `type` is rule, keyword, constant, logistic, linear, popularity, prompt_only or people.
    """
    baselines = promise.spec.systems.baselines
    if not baselines or any(use.simple or _is_simple_name(name) for name, use in baselines.items()):
        return
    listed = ", ".join(f"{name} ({use.type or 'no type'})" for name, use in baselines.items())
    yield Finding(
        ("systems", "baselines"),
        f"none of the baselines is simple: {listed}",
        yaml_snippet(
            "systems.baselines", {"rule": {"type": "rule", "what": "one line that anybody can read"}}
        ),
    )


def _is_simple_name(name: str) -> bool:
    return any(part in SIMPLE_TYPES for part in name.lower().replace("-", "_").split("_"))


def _compares_with_live(spec: Spec) -> bool:
    return any(
        gate.parsed.left.name in ("delta", "negative_flips")
        and "live" in map(str, gate.parsed.left.arguments)
        for gate in spec.gates
    )


@rule("SW523", "warning", level="judge")
def nothing_keeps_what_is_live(promise: Promise) -> Iterator[Finding]:
    """A product is live, and no gate compares with it.

    A candidate can clear every bar and still be worse than what people have today.

    Add a gate such as delta(METRIC, live) > -2pt: not worse than two points.
    """
    spec = promise.spec
    if spec.systems.live is None or _compares_with_live(spec):
        return
    left = spec.gates[0].parsed.left
    name = left.name if left.name not in ("failures", "ratio", "gap", "worst") else "accuracy"
    yield Finding(
        ("systems", "live"),
        "there is a live system, and no gate is a delta(..., live) or negative_flips(live)",
        yaml_snippet("gates", [{"rule": f"delta({name}, live) > -2pt"}]),
    )


@rule("SW524", "warning", level="operate")
def retraining_may_break_what_worked(promise: Promise) -> Iterator[Finding]:
    """The model is trained again, and no gate counts the cases that worked before and fail now.

    A better average can hide answers that got worse, and those are the ones that users notice.

    Add negative_flips(live) to the gates, and its id to `learning.retrain.gate`.
    """
    spec = promise.spec
    retrain = spec.learning.retrain if spec.learning is not None else None
    if retrain is None or not retrain.trigger or spec.kind in ("ranker", "regressor"):
        return
    flips = [gate.id for gate in spec.gates if "negative_flips" in names_within(gate)]
    if not flips:
        systems = spec.systems
        before = "live" if systems.live is not None else next(iter(systems.baselines), None)
        yield Finding(
            ("gates",),
            f"no gate is a negative_flips({before or 'live'}), and `learning.retrain` has a trigger",
            yaml_snippet("gates", [{"id": "flips", "rule": f"negative_flips({before}) <= 2%"}])
            if before is not None
            else "Declare what is in use under `systems.live`, then add the gate negative_flips(live) <= 2%.",
        )
    elif retrain.gate and not set(flips) & set(retrain.gate):
        yield Finding(
            ("learning", "retrain", "gate"),
            f"a new model need not pass {flips[0]}, which counts what it breaks",
            yaml_snippet("learning.retrain.gate", [*retrain.gate, flips[0]]),
            id=flips[0],
        )


@rule("SW525", "warning", example=True)
def model_is_not_pinned(promise: Promise) -> Iterator[Finding]:
    """A system names a model without its version.

    What answers under such a name changes overnight, and then nobody can say what was judged.

    Name the version under `model`, as vendor:name-2026-01 or models:loan/3.2.0. A new version is a new
    candidate.
    """
    for name, use in promise.spec.systems.declared().items():
        if use.model is not None and names_no_version(use.model):
            place = ("systems", name) if name in ("candidate", "live") else ("systems", "baselines", name)
            yield Finding(
                (*place, "model"),
                f"the model of {name}, {use.model}, names no version",
                yaml_snippet(".".join((*place, "model")), "vendor:name-2026-01"),
                id=name,
            )
