"""SW11x: who answers for what, and who must agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from shipworthy.define.keys.failures import FailureMode
from shipworthy.define.lint.named import is_blank, person_of, unresolved_role
from shipworthy.define.lint.rule import Finding, Keys, Promise, rule
from shipworthy.define.spec import Spec

#: Below this many owned things nobody can own too many of them.
FEWEST_TO_SHARE = 8


def _blockers(spec: Spec) -> Iterator[tuple[int, FailureMode]]:
    for index, mode in enumerate(spec.failure_modes):
        if mode.severity == "blocker" and not mode.accepted and not mode.dismissed:
            yield index, mode


def _owned(spec: Spec) -> Iterator[tuple[Keys, str, str | None]]:
    """Yield everything somebody has to act on: its place, its name, and its owner as written."""
    for index, gate in enumerate(spec.gates):
        yield ("gates", index, "owner"), f"gate {gate.id}", gate.owner
    for index, mode in enumerate(spec.failure_modes):
        yield ("failure_modes", index, "owner"), f"failure mode {mode.id}", mode.owner
    for index, guardrail in enumerate(spec.guardrails):
        yield ("guardrails", index, "owner"), f"guardrail {guardrail.id}", guardrail.owner
    for index, monitor in enumerate(spec.monitors):
        yield ("monitors", index, "owner"), f"monitor {monitor.id}", monitor.owner
    if spec.learning is not None and spec.learning.retrain is not None:
        yield ("learning", "retrain", "owner"), "retraining", spec.learning.retrain.owner


@rule("SW111", "error", level="operate", example=True)
def retraining_has_no_owner(promise: Promise) -> Iterator[Finding]:
    """Nobody answers for training the model again.

    A model that nobody trains again gets worse without anybody having decided it.

    Name a person or a team under `owners.retraining`, also where the answer is that it is never trained.
    """
    owners = promise.spec.owners
    if owners is None or is_blank(owners.retraining):
        yield Finding(
            ("owners", "retraining"), "nobody is named under `owners.retraining`", "owners: {retraining: Ben}"
        )


@rule("SW112", "error", example=True)
def owner_stands_for_nobody(promise: Promise) -> Iterator[Finding]:
    """A gate, blocker or monitor is owned by a role that nobody holds.

    When it fires, everybody believes that somebody else was told.

    Write a person or a team, or fill the role under `owners`. Where no owner is written, the product owner
    is it.
    """
    spec = promise.spec
    for keys, name, owner in _owned(spec):
        nobody = unresolved_role(spec, owner)
        if nobody is not None:
            role = nobody if not is_blank(nobody) else "product"
            yield Finding(
                keys,
                f"the {name} belongs to {nobody!r}, and `owners` names nobody for that",
                f"owners:\n  {role}: Ana",
                id=name.rpartition(" ")[2],
            )


@rule("SW113", "error", example=True)
def product_owner_alone_answers_for_harm(promise: Promise) -> Iterator[Finding]:
    """The product owner alone decides about a failure that must block the launch.

    Whoever wants the launch should not be the only one who can say that it does no harm.

    Name somebody else as the blocker's owner, or a signer who has to agree (legal, security, safety).
    """
    spec = promise.spec
    owners = spec.owners
    if owners is None or is_blank(owners.product):
        return
    gates = {gate.id: gate for gate in spec.gates}
    for index, mode in _blockers(spec):
        gate = gates.get(mode.gate or "")
        written = [mode.owner, gate.owner if gate is not None else None, *owners.signers]
        people = {person for owner in written if (person := person_of(spec, owner)) is not None}
        if not people - {owners.product}:
            yield Finding(
                ("failure_modes", index, "owner"),
                f"only the product owner ({owners.product}) answers for the blocker {mode.id}",
                "owners:\n  signers: {safety: Sam}",
                id=mode.id,
            )


@rule("SW114", "error", example=True)
def regulated_release_has_no_signer(promise: Promise) -> Iterator[Finding]:
    """A regulated product has nobody outside the team who must sign.

    Regulators ask who agreed, and a team cannot agree with itself.

    Name who signs for law and for fair treatment under `owners.signers`: a role and a person other than the
    product and the model owner.
    """
    spec = promise.spec
    if not spec.regulated:
        return
    signers = spec.owners.signers if spec.owners is not None else {}
    team = {spec.owners.product, spec.owners.ml} if spec.owners is not None else set()
    outside = [who for who in signers.values() if not is_blank(who) and who not in team]
    if not outside:
        of = " and ".join(spec.regulated)
        who = f"only {', '.join(signers.values())} of the team signs" if signers else "nobody has to sign"
        yield Finding(
            ("owners", "signers"),
            f"the product is regulated ({of}), and {who}",
            "owners:\n  signers: {legal: Lee}",
        )


@rule("SW115", "warning", level="operate", example=True)
def one_person_owns_too_much(promise: Promise) -> Iterator[Finding]:
    """One person owns more than half of everything that somebody has to act on.

    On the day it goes wrong, one person is on leave or has seven things to do at once.

    Give gates, failure modes and monitors to those who can act on them: the model, the data, the operation.
    """
    spec = promise.spec
    people = Counter(
        person for _keys, _name, owner in _owned(spec) if (person := person_of(spec, owner)) is not None
    )
    whole = sum(people.values())
    if whole < FEWEST_TO_SHARE:
        return
    [(person, n)] = people.most_common(1)
    if 2 * n > whole:
        yield Finding(
            ("owners",),
            f"{person} owns {n} of {whole} gates, failure modes, guardrails and monitors",
            "monitors:\n  - {id: the-monitor, owner: oncall}",
            id=person,
        )
