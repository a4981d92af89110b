"""A decision with the signatures under it: what stands on a day, and what is still open. Pure: no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from shipworthy.decide.record.words import listed
from shipworthy.decide.waiving import is_over
from shipworthy.define.lint.named import is_blank, person_of
from shipworthy.define.spec import Spec
from shipworthy.records import Decision, GateStatus, Reason, Verdict

__all__ = ["Signature", "SignedRole", "Standing", "needs_another", "person_text", "same_person", "stand"]

_PERSON = re.compile(r"\s*(?P<name>[^<>]*?)\s*(?:<\s*(?P<email>[^<>\s]+)\s*>)?\s*")
_SHIPS = (Verdict.ship, Verdict.ship_with_guardrails)


@dataclass(frozen=True, slots=True)
class Signature:
    """What one person said about one decision; it binds the decision, its spec and its evidence by hash.

    Args:
        decision: Hash of the decision.
        spec: Hash of the spec's text that it was made by.
        evidence: Hash of the evidence in it.
        role: Role of `owners` that the person signs for; empty for a second person without one.
        name: The person's name.
        email: The person's address; empty where none was given.
        identity: Where name and address come from.
        says: agree; return (it is sent back); against (the other verdict shall stand).
        verdict: The verdict that shall stand instead; empty unless it is against.
        reason: Why; never empty for a return or against.
        signed_at: ISO 8601 time, UTC.
        id: Its id.
    """

    decision: str
    spec: str
    evidence: str
    role: str
    name: str
    email: str
    identity: Literal["git config", "command line"]
    says: Literal["agree", "return", "against"]
    verdict: str = ""
    reason: str = ""
    signed_at: str = ""
    id: str = ""

    @property
    def person(self) -> str:
        """Name and address as people write them."""
        return person_text(self.name, self.email)


@dataclass(frozen=True, slots=True)
class SignedRole:
    """One role that must sign, or that did.

    Args:
        role: The role.
        named: Whom the spec names for it; empty where it names nobody.
        required: Whether the decision waits for it.
        state: signed, returned or missing.
        signature: Its latest signature; None where there is none.
        stands_in: Whether somebody else signed than the spec names.
    """

    role: str
    named: str
    required: bool
    state: Literal["signed", "returned", "missing"]
    signature: Signature | None = None
    stands_in: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands on a day: a decision, which never changes, with what was signed under it.

    Args:
        verdict: The verdict that stands.
        decided: The verdict of the decision itself.
        reasons: Why they differ, or what else was signed; empty where nothing is to be said.
        roles: Roles that must sign or did, required ones first.
        against: Every signature that ever decided against the decision, oldest first.
        day: The day it is said of, ISO 8601.
    """

    verdict: Verdict
    decided: Verdict
    reasons: tuple[Reason, ...] = ()
    roles: tuple[SignedRole, ...] = ()
    against: tuple[Signature, ...] = ()
    day: str = ""

    @property
    def is_signed(self) -> bool:
        """Whether no required signature is missing or returned."""
        return all(part.state == "signed" for part in self.roles if part.required)


def person_text(name: str, email: str) -> str:
    """Return name and address as people write them.

    >>> person_text("Lena", "lena@x.org"), person_text("", "lena@x.org")
    ('Lena <lena@x.org>', 'lena@x.org')
    """
    return f"{name} <{email}>" if name and email else name or email


def same_person(one: str, other: str) -> bool:
    """Return whether two texts may name one person: in doubt they do, so that nobody is counted twice.

    Args:
        one: Such as Ana, ana@x.org or Ana Diaz <ana@x.org>.
        other: The same.

    >>> same_person("Ana Diaz <ana@x.org>", "ana"), same_person("Ana Diaz", "Ana Lopez")
    (True, False)
    >>> same_person("A. D. <ana@x.org>", "ana@x.org")
    True
    """
    (first, first_email), (second, second_email) = _parts(one), _parts(other)
    if first_email and first_email == second_email:
        return True
    return bool(first and second) and (first <= second or second <= first)


def _parts(text: str) -> tuple[frozenset[str], str]:
    found = _PERSON.fullmatch(text)
    name, email = (found["name"], found["email"] or "") if found else (text, "")
    if "@" in name and not email:
        # Known by an address alone: its first half is often the name.
        name, email = name.partition("@")[0].replace(".", " "), name
    return frozenset(name.casefold().replace(",", " ").split()), email.casefold()


def stand(spec: Spec, decision: Decision, signatures: Sequence[Signature], *, day: str) -> Standing:
    """Say what stands of a decision on a day.

    Args:
        spec: The promise that the decision was made by.
        decision: The decision.
        signatures: All signatures under it, oldest first.
        day: ISO 8601 day.

    Returns:
        The verdict that stands with its reasons. A required signature that is missing or returned, and a
        waiver or acceptance that has ended since, hold what the decision would ship. Two people can decide
        against it, except where the evidence is invalid.
    """
    against = tuple(one for one in signatures if one.says == "against")
    roles = _roles(spec, signatures)
    if decision.verdict is Verdict.invalid:
        return Standing(decision.verdict, decision.verdict, (), roles, against, day)
    chosen, told = _chosen(against, signatures, decision.verdict)
    verdict = chosen or decision.verdict
    held: list[Reason] = []
    if verdict in _SHIPS:
        if chosen is None:
            held += _ended(spec, decision, day)
        held += _returned(roles)
        held += _unsigned(spec, roles)
    if held:
        return Standing(Verdict.hold, decision.verdict, (*held, *told), roles, against, day)
    return Standing(verdict, decision.verdict, tuple(told), roles, against, day)


def _roles(spec: Spec, signatures: Sequence[Signature]) -> tuple[SignedRole, ...]:
    signers = spec.owners.signers if spec.owners is not None else {}
    required = list(signers) if spec.reaches("launch") else []
    latest = {one.role: one for one in signatures if one.role}
    named = spec.owners.named() if spec.owners is not None else {}
    roles = list(dict.fromkeys([*required, *latest]))
    return tuple(_role(spec, role, named.get(role, ""), role in required, latest.get(role)) for role in roles)


def _role(spec: Spec, role: str, named: str, required: bool, signature: Signature | None) -> SignedRole:
    if signature is None:
        return SignedRole(role, named, required, "missing")
    state: Literal["signed", "returned"] = "returned" if signature.says == "return" else "signed"
    whom = person_of(spec, named) or named
    stands_in = bool(whom) and not is_blank(whom) and not same_person(signature.person, whom)
    return SignedRole(role, named, required, state, signature, stands_in)


def _chosen(
    against: Sequence[Signature], signatures: Sequence[Signature], decided: Verdict
) -> tuple[Verdict | None, list[Reason]]:
    """Return the verdict that two people chose against the decision, and what is to be said of it."""
    if not against:
        return None, []
    standing = [
        one for one in against if not any(_takes_back(later, one, signatures) for later in signatures)
    ]
    for one in reversed(standing):
        people = _people(other for other in standing if other.verdict == one.verdict)
        if len(people) > 1:
            names = listed(part.person for part in people)
            why = " ".join(f"{part.name or part.email}: {part.reason.rstrip('.')}." for part in people)
            text = (
                f"{names} decided against the recommendation ({decided.words}): "
                f"{Verdict(one.verdict).words}. {why}"
            )
            return Verdict(one.verdict), [Reason("against", text, "", "signature")]
    return None, [
        Reason(
            "against",
            f"{one.person} decided against the recommendation ({decided.words}): "
            f"{Verdict(one.verdict).words}, because {one.reason.rstrip('.')}."
            + ("" if one in standing else " It was taken back."),
            ""
            if one not in standing
            else f"It takes a second person: shipworthy sign --against {one.verdict} --reason ...",
            "signature",
        )
        for one in against
    ]


def _takes_back(later: Signature, one: Signature, signatures: Sequence[Signature]) -> bool:
    """Return whether a person said something else later."""
    return signatures.index(later) > signatures.index(one) and same_person(later.person, one.person)


def _people(signatures: Iterable[Signature]) -> list[Signature]:
    """Return one signature per person."""
    found: list[Signature] = []
    for one in signatures:
        if not any(same_person(one.person, other.person) for other in found):
            found.append(one)
    return found


def _ended(spec: Spec, decision: Decision, day: str) -> list[Reason]:
    """Say which waivers and acceptances that the decision rests on have ended since."""
    found = []
    for gate in decision.gates:
        waiver = gate.waiver
        if waiver is None or waiver.void or not gate.blocking or gate.status is GateStatus.met:
            continue
        if is_over(waiver.expires, day):
            found.append(
                Reason(
                    gate.evidence.gate_id,
                    f"{gate.evidence.rule} is {gate.status.words}, and its waiver ended on {waiver.expires}.",
                    "Decide again: shipworthy decide.",
                    "signature",
                )
            )
    for part in decision.coverage:
        if part.guardrails or part.accepted is None:
            continue
        valid = [one for one in spec.acceptances if part.outcome in one.of and not is_over(one.expires, day)]
        if not valid:
            found.append(
                Reason(
                    part.outcome,
                    f"The acceptance of {part.outcome.replace('_', ' ')} has ended: {part.accepted}.",
                    "Decide again: shipworthy decide.",
                    "signature",
                )
            )
    return found


def _returned(roles: Sequence[SignedRole]) -> list[Reason]:
    return [
        Reason(
            part.role,
            f"{part.signature.person} returned it for {part.role}: {part.signature.reason.rstrip('.')}.",
            f"Settle it, then: shipworthy sign --as {part.role}.",
            "signature",
        )
        for part in roles
        if part.state == "returned" and part.signature is not None
    ]


def _unsigned(spec: Spec, roles: Sequence[SignedRole]) -> list[Reason]:
    found = [
        Reason(
            part.role,
            f"The required signature for {part.role} is missing"
            + (f" ({part.named})." if part.named else "."),
            f"shipworthy sign --as {part.role}",
            "signature",
        )
        for part in roles
        if part.required and part.state == "missing"
    ]
    why = needs_another(spec)
    signed = [part.signature for part in roles if part.state == "signed" and part.signature is not None]
    product = spec.owners.product if spec.owners is not None else None
    others = [one for one in signed if product is None or not same_person(one.person, product)]
    # A missing signature is told once; whether it comes from somebody else shows when it is there.
    if why and not others and not found:
        whom = f"but the product owner ({product}) " if product else ""
        found.append(
            Reason(
                "another",
                f"Nobody {whom}has signed, and {why}.",
                "Somebody else signs, such as: shipworthy sign --as legal. The spec names who under "
                "owners.signers.",
                "signature",
            )
        )
    return found


def needs_another(spec: Spec) -> str:
    """Say why somebody else than the product owner must sign; empty where nobody must.

    Args:
        spec: The promise.
    """
    if not spec.reaches("launch"):
        return ""
    if spec.regulated:
        return f"the product is regulated ({' and '.join(spec.regulated)})"
    blockers = [mode.id for mode in spec.failure_modes if mode.severity == "blocker" and not mode.dismissed]
    if not blockers:
        return ""
    return f"{listed(blockers)} {'blocks' if len(blockers) == 1 else 'block'} the launch"
