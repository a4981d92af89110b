"""SW90x: when it is trained again, when learning stops, and the dated events that may hurt it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import DAY, missing_of, yaml_snippet
from shipworthy.errors import nearest

#: Series that say that inputs moved, and nothing about whether answers got worse.
_DRIFT = re.compile(
    r"drift|\bpsi|psi_|domain_auc|wasserstein|jensen|\bks\b|ks_|kl_|_kl\b|\bkl\b|shift|population_stability|mmd",
    re.IGNORECASE,
)
_PROVIDER_EVENT = re.compile(
    r"provider|vendor|retire|deprecat|end of life|sunset|model (change|version|update|switch)|new model",
    re.IGNORECASE,
)


@rule("SW901", "error", level="operate", example=True)
def retraining_is_not_settled(promise: Promise) -> Iterator[Finding]:
    """Nobody says what triggers training again, which gates the new model must pass, or who answers for it.

    Every model decays, and without these three answers it does so until a user complains.

    Name monitors or a rhythm under `trigger`, gates under `gate`, and a person or team under `owner`. A
    system that is not trained is changed all the same: by a new prompt, index or provider's model.
    """
    learning = promise.spec.learning
    retrain = learning.retrain if learning is not None else None
    if retrain is None:
        yield from missing_of(promise, "SW901")
        return
    gates = [gate.id for gate in promise.spec.gates]
    open_ = [name for name in ("trigger", "gate") if not getattr(retrain, name)]
    owners = promise.spec.owners
    if retrain.owner is None and (owners is None or owners.retraining is None):
        open_.append("owner")
    examples: dict[str, object] = {"trigger": "every 90d", "gate": gates[:1], "owner": "ml-lead"}
    for name in open_:
        yield Finding(
            ("learning", "retrain", name),
            f"Training again has no {name}.",
            yaml_snippet(f"learning.retrain.{name}", examples[name]),
            name,
        )
    for gate in retrain.gate:
        if gate not in gates:
            yield Finding(
                ("learning", "retrain", "gate"),
                f"Training again must pass the gate {gate!r}, which does not exist.",
                nearest(gate, gates),
                gate,
            )


@rule("SW902", "error", level="operate", example=True)
def learning_never_stops(promise: Promise) -> Iterator[Finding]:
    """Nothing stops the learning.

    When labels are corrupted or feedback is poisoned, each further round makes the model worse on purpose.

    Name the monitors or conditions that stop it under `learning.retrain.stop`: agreement of relabelled cases,
    parity of features, attempts at injection, a judge that no longer agrees with people.
    """
    learning = promise.spec.learning
    if learning is None or learning.retrain is None or learning.retrain.stop:
        return
    monitors = [monitor.id for monitor in promise.spec.monitors]
    yield Finding(
        ("learning", "retrain", "stop"),
        "No condition stops learning.",
        yaml_snippet("learning.retrain.stop", monitors[:1] or ["labels disagree"]),
    )


@rule("SW903", "error", level="operate", example=True)
def drift_alone_triggers_retraining(promise: Promise) -> Iterator[Finding]:
    """A drift score alone triggers training again, and nothing that says that answers got worse.

    Inputs drift every season without harm, and a model trained on a corrupted week is worse than the old one.

    Add a trigger that measures answers: the main metric on matured labels, calibration, an audit, or a
    rhythm. Let drift start a diagnosis instead.
    """
    retrain = promise.spec.learning.retrain if promise.spec.learning is not None else None
    if retrain is None or not retrain.trigger:
        return
    series = {monitor.id: monitor.series for monitor in promise.spec.monitors}
    watched = {trigger: series.get(trigger, [trigger]) for trigger in retrain.trigger}
    if all(_DRIFT.search(name) for names in watched.values() for name in names):
        yield Finding(
            ("learning", "retrain", "trigger"),
            f"Training again is triggered by drift alone ({', '.join(retrain.trigger)}).",
            yaml_snippet("learning.retrain.trigger", [*retrain.trigger, "every 90d"]),
        )


@rule("SW904", "warning", level="operate", example=True)
def foreseen_events_are_missing(promise: Promise) -> Iterator[Finding]:
    """No dated event is expected, or none from the provider although the model is rented.

    Holidays, contracts and retired models have a date that is known long before the metric falls.

    Write each with its day under `expect`: seasons and holidays, changes of law, price or schema, the day on
    which a provider retires the model. Engineers and support plan by these days.
    """
    spec = promise.spec
    candidate = spec.systems.candidate
    model = candidate.model if candidate is not None else None
    if not spec.expect:
        fix = yaml_snippet("expect", [{"on": DAY, "what": "holidays", "confidence": "high"}])
        yield Finding(("expect",), "No dated event is expected.", fix)
        return
    foreseen = any(_PROVIDER_EVENT.search(event.what) for event in spec.expect)
    if spec.is_foundation and model and ":" in model and not foreseen:
        yield Finding(
            ("expect",),
            f"The candidate rents {model}, and no event says when its provider retires or changes it.",
            yaml_snippet("expect", [{"on": DAY, "what": f"provider retires {model}", "confidence": "low"}]),
        )


@rule("SW905", "warning", level="operate")
def event_hits_an_unknown_mode(promise: Promise) -> Iterator[Finding]:
    """An expected event names a failure mode that is not in the table.

    A warning that points at nothing reaches nobody on the day.

    Add the failure mode, or name one that is there.
    """
    modes = [mode.id for mode in promise.spec.failure_modes]
    for index, event in enumerate(promise.spec.expect):
        for name in event.hits:
            if name not in modes:
                yield Finding(
                    ("expect", index, "hits"),
                    f"{event.what!r} of {event.on} feeds {name!r}, which is no failure mode of the spec.",
                    nearest(name, modes),
                    name,
                )
