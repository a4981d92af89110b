"""The whole chain of records: check it, and anchor its head where nobody can quietly take it back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from shipworthy.api.git import git, git_or_refuse
from shipworthy.define.reading import read_spec
from shipworthy.errors import UsageError
from shipworthy.store.chain import Chain, Fault, read_chain, run_faults
from shipworthy.store.hashes import hash_text, short
from shipworthy.store.workspace import Workspace

__all__ = ["Anchor", "ChainChecked", "anchor", "check_chain"]

_HASH = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class ChainChecked:
    """What checking the chain of records said.

    Args:
        holds: Whether nothing was changed, cut off or taken away, as far as that can be seen.
        decisions: Sound decisions.
        signatures: Sound signatures.
        heads: Hashes of the records that none comes after.
        faults: What is wrong, each with its file.
        notes: What could not be checked, or is odd without being wrong.
        anchors: Git tags that name heads of this chain, oldest first.
        anchored: Records at or before an anchor.
    """

    holds: bool
    decisions: int
    signatures: int
    heads: tuple[str, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]
    anchors: tuple[str, ...] = ()
    anchored: int = 0


@dataclass(frozen=True)
class Anchor:
    """The head of a chain, as it can be kept elsewhere.

    Args:
        heads: Hashes of the records that none comes after.
        records: Records at or before them.
        tag: Name for a git tag.
        message: Its message, which holds the hashes.
        made: Whether the tag was made.
    """

    heads: tuple[str, ...]
    records: int
    tag: str
    message: str
    made: bool = False


def check_chain(path: str | Path = ".", *, anchors: tuple[str, ...] = (), runs: bool = True) -> ChainChecked:
    """Check every record: its content hash, what it names, its runs, and the anchors in git.

    Args:
        path: The product's folder, or its spec.
        anchors: Hashes of earlier heads that were kept elsewhere, or their first twelve digits or more.
        runs: Whether to read the rows and outputs that decisions rest on too.
    """
    file = read_spec(Path(path))
    workspace = Workspace(file.folder)
    chain = read_chain(workspace)
    faults, notes = list(chain.faults), list(chain.notes)
    if runs:
        for link in chain.links:
            if link.kind == "decision":
                wrong, odd = run_faults(workspace, link)
                faults += wrong
                notes += odd
    if chain.forks:
        notes.append(
            "Records were written in two places at once, after the same one; the next record joins them."
        )
    tags = _tags(file.folder, file.spec.id)
    held: set[str] = set()
    elsewhere = _tags_elsewhere(file.folder, file.spec.id)
    for name, heads in [*((f"The git tag {tag}", heads) for tag, heads in tags), *_stated(anchors)]:
        found, missing = _found(chain, heads)
        held |= chain.before(found)
        for part in missing:
            told = f"{name} anchors {part}, and no such record is here"
            if name.rpartition(" ")[2] in elsewhere:
                notes.append(f"{told}; the tag is of another branch, or history was written anew.")
            else:
                faults.append(Fault(f"{told}: the end of the chain was taken away.", str(workspace.path)))
    if not held and chain.links:
        notes.append(
            "No anchor was found, so nothing shows whether the last records were taken away; see "
            "shipworthy anchor."
        )
    return ChainChecked(
        holds=not faults,
        decisions=sum(link.kind == "decision" for link in chain.links),
        signatures=sum(link.kind == "signature" for link in chain.links),
        heads=chain.heads,
        faults=tuple(dict.fromkeys(faults)),
        notes=tuple(dict.fromkeys(notes)),
        anchors=tuple(tag for tag, _heads in tags),
        anchored=len(held),
    )


def anchor(path: str | Path = ".", *, tag: bool = False) -> Anchor:
    """Return the head of the chain, and make a git tag that holds it where that is asked.

    Args:
        path: The product's folder, or its spec.
        tag: Whether to make the tag.

    Raises:
        UsageError: If there is no record yet, the chain is broken, or git refuses.
    """
    file = read_spec(Path(path))
    chain = read_chain(Workspace(file.folder))
    if not chain.links:
        raise UsageError("There is no record to anchor yet.", fix="Make one: shipworthy decide.")
    if chain.faults:
        raise UsageError(
            f"The chain is broken: {chain.faults[0].what}",
            where=chain.faults[0].where,
            fix="See shipworthy verify --chain; a broken chain is not anchored.",
        )
    heads = chain.heads
    name = short(heads[0] if len(heads) == 1 else hash_text(" ".join(heads)))
    made = Anchor(heads, len(chain.links), f"{_prefix(file.spec.id)}{name}", _message(file.spec.id, chain))
    if not tag:
        return made
    if (git(file.folder, "tag", "--list", made.tag) or "").strip():
        return Anchor(made.heads, made.records, made.tag, made.message, True)
    git_or_refuse(file.folder, "tag", "--annotate", made.tag, "--message", made.message)
    return Anchor(made.heads, made.records, made.tag, made.message, True)


def _prefix(product: str) -> str:
    return f"shipworthy/{product}/"


def _message(product: str, chain: Chain) -> str:
    return f"{product}: head of {len(chain.links)} records {' '.join(chain.heads)}"


def _tags(folder: Path, product: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the tags of a product with the heads that they hold, oldest first."""
    said = git(
        folder,
        "for-each-ref",
        "--sort=creatordate",
        "--format=%(refname:short)%09%(contents:subject)",
        f"refs/tags/{_prefix(product)}",
    )
    found: list[tuple[str, tuple[str, ...]]] = []
    for line in (said or "").splitlines():
        tag, _, message = line.partition("\t")
        found.append((tag, tuple(_HASH.findall(message)) or (tag.rpartition("/")[2],)))
    return found


def _tags_elsewhere(folder: Path, product: str) -> frozenset[str]:
    """Return the tags of a product whose commits what is checked out does not come after."""
    said = git(folder, "for-each-ref", "--no-merged=HEAD", "--format=%(refname:short)", "refs/tags/")
    return frozenset(tag for tag in (said or "").splitlines() if tag.startswith(_prefix(product)))


def _stated(anchors: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    found: list[tuple[str, tuple[str, ...]]] = []
    for text in anchors:
        digits = text.strip().removeprefix("sha256:")
        if not re.fullmatch(r"[0-9a-f]{12,64}", digits):
            raise UsageError(
                f"{text!r} is no head of a chain.",
                fix="Write what `shipworthy anchor` printed, as sha256:...",
            )
        found.append(("What you gave", (f"sha256:{digits}",)))
    return found


def _found(chain: Chain, heads: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return the whole hashes of anchored heads that are there, and those that are not."""
    found, missing = [], []
    for head in heads:
        digits = head.removeprefix("sha256:")
        known = [link.hash for link in chain.links if link.hash.removeprefix("sha256:").startswith(digits)]
        if known:
            found += known
        else:
            missing.append(short(head))
    return found, missing
