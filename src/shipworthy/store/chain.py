"""The chain of records: every decision and every signature names the hash of the record before it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from shipworthy.errors import StoreError
from shipworthy.store.hashes import hash_file, hash_record, hash_text, short
from shipworthy.store.texts import check_texts
from shipworthy.store.workspace import FORMAT, RunFolder, Workspace, write_atomically, written

__all__ = [
    "Chain",
    "Fault",
    "Link",
    "appending",
    "read_chain",
    "read_signatures",
    "run_faults",
    "sealed",
    "write_signature",
]

#: What a run's marker says of its making, which differs when the same rows are made again.
_OF_THE_MAKING = ("made_at", "shipworthy")


@dataclass(frozen=True, slots=True)
class Link:
    """One record of the chain, as it lies there.

    Args:
        kind: What is recorded.
        id: Its name: the first digits of its hash.
        hash: Its content hash.
        after: Hashes of the records before it: none for the first, several where two folders were merged.
        at: When it was written, ISO 8601; empty where it does not say.
        path: Its file.
        record: What it says, with hashes in place of texts of cases.
        texts: These texts.
    """

    kind: Literal["decision", "signature"]
    id: str
    hash: str
    after: tuple[str, ...]
    at: str
    path: Path
    record: Mapping[str, Any]
    texts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the chain.

    Args:
        what: What is wrong, with the record it concerns.
        where: The file.
    """

    what: str
    where: str


@dataclass(frozen=True, slots=True)
class Chain:
    """All records of a workspace.

    Args:
        links: The sound records, oldest first.
        faults: What was changed, cut off or taken away.
        notes: What is odd about files that still say the same.
    """

    links: tuple[Link, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()

    @property
    def heads(self) -> tuple[str, ...]:
        """Hashes of the records that none comes after, sorted: several after two folders were merged."""
        named = {before for link in self.links for before in link.after}
        return tuple(sorted(link.hash for link in self.links if link.hash not in named))

    @property
    def forks(self) -> int:
        """How often two records were written after the same one, in two places at once."""
        befores = [before for link in self.links for before in link.after]
        return len(befores) - len(set(befores))

    def before(self, heads: Sequence[str]) -> frozenset[str]:
        """Return the hashes of all records that lie at or before some heads."""
        links = {link.hash: link for link in self.links}
        found: set[str] = set()
        waiting = [head for head in heads if head in links]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += [part for part in links[one].after if part in links]
        return frozenset(found)


def read_chain(workspace: Workspace) -> Chain:
    """Read every record and check its content hash, and that every record it names is there.

    Args:
        workspace: The product's workspace.

    Returns:
        The chain, with whatever is wrong with it.
    """
    links: list[Link] = []
    faults: list[Fault] = []
    for path in sorted((workspace.path / "decisions").glob("*.json")):
        _read(path, "decision", links, faults)
    for path in sorted((workspace.path / "signatures").glob("*/*.json")):
        _read(path, "signature", links, faults)
    links = _with_old_names(links, faults)
    known = {link.hash: link for link in links}
    broken = {Path(fault.where).stem for fault in faults}
    for link in links:
        for before in link.after:
            # A record that is there, but damaged, has been named already.
            if before not in known and short(before) not in broken:
                faults.append(
                    Fault(
                        f"The record {short(before)}, which {link.kind} {link.id} comes after, is gone.",
                        str(link.path),
                    )
                )
    notes = tuple(
        f"The file of {link.kind} {link.id} was laid out anew; what it says is the same."
        for link in links
        if not _is_as_written(link)
    )
    return Chain(tuple(sorted(links, key=lambda link: (link.at, link.kind, link.id))), tuple(faults), notes)


def _is_as_written(link: Link) -> bool:
    whole = {"format": FORMAT, "id": link.id, "hash": link.hash, link.kind: link.record}
    expected = written(whole | ({"texts": link.texts} if link.texts else {}))
    # Git may turn the ends of lines into those of the machine.
    return link.path.read_bytes().replace(b"\r\n", b"\n") == expected.encode()


def _read(path: Path, kind: Literal["decision", "signature"], links: list[Link], faults: list[Fault]) -> None:
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        record, stated = whole[kind], str(whole["hash"])
        if not isinstance(record, dict):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError):
        faults.append(Fault(f"The {kind} {path.stem} is cut off or damaged.", str(path)))
        return
    envelope = {"format": FORMAT, "id": short(stated), "hash": stated, kind: record}
    try:
        texts = check_texts(whole.pop("texts", None), str(path)) if kind == "decision" else {}
    except (StoreError, AttributeError):
        faults.append(Fault(f"A text of a case in decision {path.stem} was changed.", str(path)))
        return
    if hash_record(record) != stated or short(stated) != path.stem or whole != envelope:
        faults.append(Fault(f"The {kind} {path.stem} was changed after it was written.", str(path)))
        return
    text, spec_hash = record.get("spec_text"), record.get("spec_hash")
    if kind == "decision" and isinstance(text, str) and hash_text(text) != spec_hash:
        faults.append(Fault(f"The spec inside decision {path.stem} is not the one it names.", str(path)))
    if kind == "signature" and short(str(record.get("decision", ""))) != path.parent.name:
        faults.append(
            Fault(f"The signature {path.stem} lies with a decision that it does not name.", str(path))
        )
    after = record.get("after")
    at = record.get("decided_at" if kind == "decision" else "signed_at")
    links.append(
        Link(
            kind=kind,
            id=path.stem,
            hash=stated,
            after=tuple(map(str, after)) if after else (),
            at=str(at or ""),
            path=path,
            record=record,
            texts=texts,
        )
    )


def _with_old_names(links: Sequence[Link], faults: list[Fault]) -> list[Link]:
    """Let decisions of before there was a chain come after the one whose id they name."""
    by_id = {link.id: link.hash for link in links if link.kind == "decision"}
    broken = {Path(fault.where).stem for fault in faults}
    found = []
    for link in links:
        previous = link.record.get("previous")
        if link.kind == "signature" or "after" in link.record or not previous:
            found.append(link)
        elif previous in by_id:
            found.append(replace(link, after=(by_id[previous],)))
        else:
            found.append(link)
            if previous not in broken:
                faults.append(
                    Fault(
                        f"The decision {previous}, which decision {link.id} comes after, is gone.",
                        str(link.path),
                    )
                )
    return found


@contextmanager
def appending(workspace: Workspace) -> Iterator[tuple[str, ...]]:
    """Hold the chain while one record is added to it.

    Args:
        workspace: The product's workspace.

    Yields:
        The heads that the new record comes after.
    """
    # The folder itself is locked, so that no lock file lies between the records.
    folder = workspace.path / "decisions"
    folder.mkdir(parents=True, exist_ok=True)
    with _held(folder):
        yield read_chain(workspace).heads


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # Windows: two records written at once fork the chain, and the next one joins it.
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_signature(workspace: Workspace, record: Mapping[str, Any]) -> tuple[str, Path]:
    """Write a signature under its own content hash, after the heads of the chain.

    Args:
        workspace: The product's workspace.
        record: The signature, JSON-ready, with the hash of its decision under `decision`.

    Returns:
        (id, path).
    """
    with appending(workspace) as heads:
        content = {**record, "after": list(heads)}
        content_hash = hash_record(content)
        name = short(content_hash)
        path = workspace.path / "signatures" / short(str(record["decision"])) / f"{name}.json"
        whole = {"format": FORMAT, "id": name, "hash": content_hash, "signature": content}
        write_atomically(path, written(whole))
    return name, path


def read_signatures(workspace: Workspace, decision_id: str) -> list[Link]:
    """Return the signatures under a decision, oldest first.

    Args:
        workspace: The product's workspace.
        decision_id: The decision's whole id.

    Raises:
        StoreError: If one was changed, cut off, or put there from another decision.
    """
    links: list[Link] = []
    faults: list[Fault] = []
    for path in sorted((workspace.path / "signatures" / decision_id).glob("*.json")):
        _read(path, "signature", links, faults)
    if faults:
        raise StoreError(
            faults[0].what, where=faults[0].where, fix="Restore it from version control; sign again to add."
        )
    return _in_order(links)


def _in_order(links: Sequence[Link]) -> list[Link]:
    """Return links by time; those of one second in the order in which they name each other."""
    left = sorted(links, key=lambda link: (link.at, link.id))
    found: list[Link] = []
    while left:
        waiting = {link.hash for link in left}
        ready = next((link for link in left if not waiting.intersection(link.after)), left[0])
        left.remove(ready)
        found.append(ready)
    return found


def sealed(workspace: Workspace, run_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return what a decision keeps of its runs beside the hash of their rows.

    Args:
        workspace: The product's workspace.
        run_ids: The runs it rests on.

    Returns:
        Run id -> hash of its marker as it lies there (`marker`), of what the marker says apart from when it
        was made (`content`), and of its outputs where it keeps any (`outputs`).
    """
    found = {}
    for run_id in run_ids:
        folder = RunFolder(workspace.path / "runs" / run_id)
        if run_id and folder.is_committed:
            found[run_id] = _seal_of(folder)
    return found


def _seal_of(folder: RunFolder) -> dict[str, str]:
    content = json.loads(folder.marker.read_text(encoding="utf-8"))
    seal = {
        "marker": hash_file(folder.marker),
        "content": hash_record({key: part for key, part in content.items() if key not in _OF_THE_MAKING}),
    }
    return {**seal, "outputs": content["outputs_hash"]} if "outputs_hash" in content else seal


def run_faults(workspace: Workspace, link: Link) -> tuple[list[Fault], list[str]]:
    """Set the runs that a decision rests on against what it says of them.

    Args:
        workspace: The product's workspace.
        link: A decision.

    Returns:
        What was changed, and notes on what cannot be checked.
    """
    faults: list[Fault] = []
    notes: list[str] = []
    seals = link.record.get("runs") or {}
    for name, rows_hash in (link.record.get("parents") or {}).items():
        kind, _, run_id = name.partition(" ")
        if kind != "run" or not run_id:
            continue
        folder = RunFolder(workspace.path / "runs" / run_id)
        if not folder.path.is_dir():
            notes.append(f"Run {run_id} of decision {link.id} is not kept here; its rows were not read.")
            continue
        told = f"which decision {link.id} rests on"
        try:
            seal = _seal_of(folder)
            marker = json.loads(folder.marker.read_text(encoding="utf-8"))
        except FileNotFoundError:
            faults.append(Fault(f"The marker of run {run_id}, {told}, is gone.", str(folder.marker)))
            continue
        except (OSError, ValueError, AttributeError):
            faults.append(
                Fault(f"The marker of run {run_id}, {told}, is cut off or damaged.", str(folder.marker))
            )
            continue
        kept = seals.get(run_id, {})
        if kept and kept.get("content") != seal["content"]:
            faults.append(Fault(f"The marker of run {run_id}, {told}, was changed.", str(folder.marker)))
        elif kept and kept.get("marker") != seal["marker"]:
            notes.append(f"Run {run_id} of decision {link.id} was made again; it says the same.")
        if "warehouse" not in marker and (not folder.rows.exists() or hash_file(folder.rows) != rows_hash):
            gone = "are gone" if not folder.rows.exists() else "were changed"
            faults.append(Fault(f"The rows of run {run_id}, {told}, {gone}.", str(folder.rows)))
        outputs = kept.get("outputs", marker.get("outputs_hash"))
        if outputs is not None and (not folder.journal.exists() or hash_file(folder.journal) != outputs):
            gone = "are gone" if not folder.journal.exists() else "were changed"
            faults.append(Fault(f"The outputs of run {run_id}, {told}, {gone}.", str(folder.journal)))
    return faults, notes
