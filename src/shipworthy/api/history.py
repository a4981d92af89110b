"""How a spec changed: between two texts, and since the decisions that were made by earlier ones."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shipworthy.decide.record import words
from shipworthy.define.history import ORDER, Change, Shown, canonical_rule, changes_between, values_of
from shipworthy.define.reading import SPEC_FILE, SpecFile, read_spec, spec_from_text
from shipworthy.define.spec import Gate, Spec
from shipworthy.errors import SpecError, StoreError, UsageError
from shipworthy.records import Estimate, SpecChange, rebuild
from shipworthy.store.workspace import Workspace

__all__ = ["SpecDiff", "diff_specs", "moved_since"]

GIT_SECONDS = 20.0
#: Letters of a decision's id at least; fewer may be the name of a branch.
LEAST_OF_ID = 4


@dataclass(frozen=True)
class SpecDiff:
    """What changed from one spec to another.

    Args:
        old: Where the old one came from.
        new: Where the new one came from.
        changes: The changes, each with what had been measured of its gate, easier ones first.
    """

    old: str
    new: str
    changes: tuple[tuple[Change, str], ...]


def diff_specs(old: str, new: str = "", product: str | Path = ".") -> SpecDiff:
    """Say in words what changed from one spec to another.

    Args:
        old: A file, a folder, "last" or the id of a decision, or a git revision of the product's spec.
        new: The same; by default the product's spec as it lies there.
        product: The product's folder or its spec, which git revisions and decisions belong to.

    Raises:
        UsageError: If there is nothing of that name.
        SpecError: If one of the two is no spec.
    """
    home = Path(product)
    path = home / SPEC_FILE if home.is_dir() or not home.suffix else home
    (old_name, before), (new_name, after) = (_resolved(name, path) for name in (old, new))
    shown = _shown_before(Workspace(path.parent), before.spec)
    changes = changes_between(before.spec, after.spec)
    return SpecDiff(old_name, new_name, tuple((change, change.said(shown)) for change in changes))


def _resolved(name: str, path: Path) -> tuple[str, SpecFile]:
    """Return what a name stands for: a file, a decision or a git revision."""
    if not name:
        return str(path), read_spec(path)
    if Path(name).exists():
        return name, read_spec(Path(name))
    workspace = Workspace(path.parent)
    ids = workspace.decision_ids()
    wanted = (
        ids[-1:]
        if name in ("last", "latest")
        else [known for known in ids if len(name) >= LEAST_OF_ID and known.startswith(name)]
    )
    if len(wanted) == 1:
        text = str(workspace.read_decision(wanted[0]).get("spec_text", ""))
        return f"decision {wanted[0]}", spec_from_text(text, Path(f"decision {wanted[0]}"))
    if name in ("last", "latest"):
        raise UsageError(
            "There is no decision yet.", fix="Name a file or a git revision, or run `shipworthy decide`."
        )
    found = _from_git(name, path)
    if found is None:
        raise UsageError(
            f"{name!r} is neither a file, nor a decision, nor a git revision that holds {path.name}.",
            fix="Name a spec's file, `last`, a decision's id, or a revision such as HEAD~1.",
        )
    return f"{path.name} at {name}", spec_from_text(found, Path(f"{name}:{path.name}"))


def _from_git(revision: str, path: Path) -> str | None:
    """Return a file at a revision; None where there is no git, no repository or no such revision."""
    if revision.startswith("-"):
        return None
    # The revision is one argument; no shell reads it.
    command = ["git", "-C", str(path.parent.resolve()), "cat-file", "blob", f"{revision}:./{path.name}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _records(workspace: Workspace) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for decision_id in workspace.decision_ids():
        try:
            yield decision_id, workspace.read_decision(decision_id)
        except StoreError:
            continue


def _shown_before(workspace: Workspace, spec: Spec) -> dict[str, Shown]:
    """Return what decisions had shown of a spec's gates while their rules were these."""
    rules = {gate.id: str(gate.parsed) for gate in spec.gates}
    shown = _shown(_records(workspace))
    return {
        name: one for name, one in shown.items() if name in rules and canonical_rule(one.rule) == rules[name]
    }


def _shown(records: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Shown]:
    """Return what was last measured of each gate."""
    found: dict[str, Shown] = {}
    for decision_id, record in records:
        evidence = record["evidence"]
        for gate in evidence["gates"]:
            estimate: Estimate = rebuild(Estimate, gate["estimate"])
            if estimate.value is not None:
                value = words.number(estimate.value, estimate.unit, apart_from=gate["bar"])
                run = evidence["subject"]["run_id"]
                found[gate["gate_id"]] = Shown(decision_id, run, value, gate["rule"])
    return found


def moved_since(
    spec: Spec, path: Path, records: Iterable[tuple[str, Mapping[str, Any]]]
) -> tuple[SpecChange, ...]:
    """Return how the promise was moved after earlier decisions, as far as a reader must know.

    Told are changes that make passing easier or cannot be compared, and every bar that was moved. A change
    that was taken back is none.

    Args:
        spec: The present spec.
        path: Its file, for messages.
        records: Earlier decisions as read from the workspace, oldest first.
    """
    known = list(records)
    if not known:
        return ()
    told: list[SpecChange] = []
    start = 0
    for at in range(len(known) - 1, -1, -1):
        if "spec_changes" in known[at][1]:
            told = [rebuild(SpecChange, kept) for kept in known[at][1]["spec_changes"]]
            start = at
            break
    specs = list(_different(known[start:], spec, path))
    for (decision_id, before), (_next, after) in zip(specs, [*specs[1:], ("", spec)], strict=True):
        shown = _shown(known[: 1 + next(i for i, (name, _r) in enumerate(known) if name == decision_id)])
        told += [
            SpecChange(change.key, change.said(shown), change.eases, decision_id, change.before)
            for change in changes_between(before, after)
            if change.eases in ("easier", "unclear") or change.key.endswith(".rule")
        ]
    present = {".".join(key): value for key, value in values_of(spec).items()}
    standing = [change for change in told if not _taken_back(change, present)]
    return tuple(sorted(standing, key=lambda change: ORDER.index(change.eases)))


def _taken_back(change: SpecChange, present: Mapping[str, Any]) -> bool:
    import json

    now = present.get(change.key)
    return change.before == ("" if now is None else json.dumps(now, sort_keys=True, ensure_ascii=False))


def _different(
    records: list[tuple[str, Mapping[str, Any]]], present: Spec, path: Path
) -> Iterable[tuple[str, Spec]]:
    """Yield each spec that decisions were made by, under the last decision that was made by it."""
    for at, (decision_id, record) in enumerate(records):
        following = records[at + 1][1]["spec_hash"] if at + 1 < len(records) else None
        if record["spec_hash"] != following:
            yield decision_id, _spec_of(record, present, path)


def _spec_of(record: Mapping[str, Any], present: Spec, path: Path) -> Spec:
    """Return the spec of a decision; where this version cannot read it, the present one with its rules."""
    try:
        return spec_from_text(str(record.get("spec_text", "")), path).spec
    except SpecError:
        kept = {gate.id: gate for gate in present.gates}
        gates = []
        for gate in record["evidence"]["gates"]:
            like = kept.get(gate["gate_id"])
            changed = {"id": gate["gate_id"], "rule": gate["rule"]}
            gates.append(like.model_copy(update=changed) if like is not None else _gate(changed))
        return present.model_copy(update={"gates": gates})


def _gate(content: Mapping[str, Any]) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Gate).validate_python(dict(content))
