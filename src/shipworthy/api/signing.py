"""Signatures under decisions: sign, list, and say what stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from shipworthy.api.git import git
from shipworthy.api.product import Decided, Product, open_product
from shipworthy.decide.standing import Signature, Standing, stand
from shipworthy.define.reading import spec_from_text
from shipworthy.define.spec import Spec
from shipworthy.errors import StoreError, UsageError, nearest
from shipworthy.records import Decision, Verdict, rebuild
from shipworthy.store.chain import read_signatures, write_signature
from shipworthy.store.hashes import hash_record

__all__ = ["Signed", "Stood", "identity", "sign", "signatures_under", "standing_of"]

#: Words of a reason at least: a letter is no reason.
LEAST_REASON = 3

_PERSON = re.compile(
    r"\s*(?P<name>[^<>@]*?)\s*(?:<\s*(?P<email>[^<>\s]+@[^<>\s]+)\s*>|(?P<bare>[^<>\s]+@[^<>\s]+))?\s*"
)


@dataclass(frozen=True)
class Stood:
    """A decision with what stands of it.

    Args:
        decided: The decision at rest.
        standing: What stands.
        signatures: All signatures under it, oldest first.
    """

    decided: Decided
    standing: Standing
    signatures: tuple[Signature, ...]


@dataclass(frozen=True)
class Signed:
    """A signature at rest.

    Args:
        signature: The signature.
        path: Its file.
        stood: What stands of the decision now.
    """

    signature: Signature
    path: Path
    stood: Stood


def sign(
    path: str | Path = ".",
    decision: str = "latest",
    *,
    role: str = "",
    by: str = "",
    says: Literal["agree", "return", "against"] = "agree",
    verdict: str = "",
    reason: str = "",
) -> Signed:
    """Sign a decision; the signature is a record of its own, and the decision stays as it is.

    Args:
        path: The product's folder, or its spec.
        decision: Id, its beginning, or "latest".
        role: Role of `owners` that is signed for; may be empty for a second person who decides against it.
        by: Who signs, as "Lena <lena@example.org>"; by default the user of git's configuration.
        says: agree; return (sent back); against (another verdict shall stand).
        verdict: The verdict that shall stand instead, for against.
        reason: Why; needed for return and against.

    Returns:
        The signature, and what stands now.

    Raises:
        UsageError: If the role, the person, the verdict or the reason is missing or makes no sense.
        StoreError: If the decision or a signature under it was changed.
    """
    product = open_product(path)
    decided = product.decision(decision)
    sealed = product.workspace.read_sealed(decided.id)
    record = sealed["decision"]
    spec = _spec_of(product, record)
    _check(spec, decided.decision, role, says, verdict, reason)
    name, email, source = identity(product.file.folder, by)
    made = Signature(
        decision=sealed["hash"],
        spec=str(record["spec_hash"]),
        evidence=hash_record(record["evidence"]),
        role=role,
        name=name,
        email=email,
        identity=source,
        says=says,
        verdict=verdict,
        reason=reason.strip(),
        signed_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    content = {key: getattr(made, key) for key in Signature.__slots__ if key != "id"}
    signature_id, file = write_signature(product.workspace, content)
    stood = standing_of(product, decided.id)
    return Signed(next(one for one in stood.signatures if one.id == signature_id), file, stood)


def standing_of(path: str | Path | Product = ".", decision: str = "latest", *, day: str = "") -> Stood:
    """Say what stands of a decision: its verdict together with the signatures under it.

    Args:
        path: The product, its folder, or its spec.
        decision: Id, its beginning, or "latest".
        day: ISO 8601 day it is said of; by default today (UTC).

    Raises:
        StoreError: If the decision or a signature under it was changed.
    """
    product = path if isinstance(path, Product) else open_product(path)
    decided = product.decision(decision)
    sealed = product.workspace.read_sealed(decided.id)
    signatures = signatures_under(product, decided.id, sealed)
    today = day or datetime.now(UTC).date().isoformat()
    standing = stand(_spec_of(product, sealed["decision"]), decided.decision, signatures, day=today)
    return Stood(decided, standing, signatures)


def signatures_under(product: Product, decision_id: str, sealed: dict[str, Any]) -> tuple[Signature, ...]:
    """Return the signatures under a decision, oldest first.

    Args:
        product: The product.
        decision_id: The decision's whole id.
        sealed: The decision as its hash covers it.

    Raises:
        StoreError: If one was changed, or binds another spec, evidence or decision than this one's.
    """
    bound = {
        "decision": sealed["hash"],
        "spec": sealed["decision"]["spec_hash"],
        "evidence": hash_record(sealed["decision"]["evidence"]),
    }
    found = []
    for link in read_signatures(product.workspace, decision_id):
        one: Signature = rebuild(Signature, {**link.record, "id": link.id})
        for name, expected in bound.items():
            if getattr(one, name) != expected:
                raise StoreError(
                    f"The signature {link.id} binds another {name} than that of decision {decision_id}.",
                    where=str(link.path),
                    fix="Take it away, or restore the decision from version control.",
                )
        found.append(one)
    return tuple(found)


def identity(folder: Path, by: str) -> tuple[str, str, Literal["git config", "command line"]]:
    """Return who signs: name, address, and where they come from.

    Args:
        folder: The product's folder, for git's configuration.
        by: Such as "Lena <lena@example.org>"; empty for the user of git's configuration.

    Raises:
        UsageError: If nobody is named.
    """
    if by.strip():
        found = _PERSON.fullmatch(by)
        if found is None:
            raise UsageError(f"{by!r} names nobody.", fix='Write --by "Lena <lena@example.org>".')
        return found["name"] or "", found["email"] or found["bare"] or "", "command line"
    name, email = _configured(folder, "user.name"), _configured(folder, "user.email")
    if not name and not email:
        raise UsageError(
            "Nobody is named: git knows no user here.",
            fix='Write --by "Lena <lena@example.org>", or set git config user.name and user.email.',
        )
    return name, email, "git config"


def _configured(folder: Path, key: str) -> str:
    return (git(folder, "config", "--get", key) or "").strip()


def _spec_of(product: Product, record: dict[str, Any]) -> Spec:
    return spec_from_text(str(record.get("spec_text", "")), product.file.path).spec


def _check(spec: Spec, decision: Decision, role: str, says: str, verdict: str, reason: str) -> None:
    roles = spec.owners.named() if spec.owners is not None else {}
    if role and role not in roles:
        known = nearest(role, roles) if roles else "Name who signs: owners: {signers: {legal: Lena}}."
        raise UsageError(f"The decision's spec names no role {role!r} under `owners`.", fix=known)
    if not role and says != "against":
        named = ", ".join(roles) or "none yet; name who signs: owners: {signers: {legal: Lena}}"
        raise UsageError("The role that is signed for is missing.", fix=f"Add --as ROLE. Known: {named}.")
    if says != "agree" and len(reason.strip()) < LEAST_REASON:
        what = "Sending it back" if says == "return" else "Deciding against the recommendation"
        raise UsageError(f"{what} needs a reason.", fix='Add --reason "why".')
    if says == "agree" and reason.strip():
        raise UsageError(
            "A reason stands with --return or with --against.", fix="Leave it out, or say what you do."
        )
    if says != "against":
        return
    if decision.verdict is Verdict.invalid:
        raise UsageError(
            "The evidence cannot be judged, so there is nothing to decide against.",
            fix="Repair the evidence and decide again.",
        )
    choices = [one.value for one in Verdict if one not in (Verdict.invalid, decision.verdict)]
    if verdict not in choices:
        what = (
            f"{verdict!r} is the recommendation itself."
            if verdict == decision.verdict.value
            else f"{verdict!r} is no verdict that can be chosen."
        )
        raise UsageError(what, fix=f"Choose one of {', '.join(choices)}, or sign without --against.")
