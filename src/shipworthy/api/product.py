"""A product folder: run its systems, compare them, decide, report and verify."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shipworthy import __version__
from shipworthy.api.runs import Maker
from shipworthy.decide.deciding import decide, normalised_rule
from shipworthy.define.reading import SpecFile, read_spec, spec_from_text
from shipworthy.define.spec import Spec, SystemUse
from shipworthy.errors import StoreError, UsageError, VerificationFailed, nearest
from shipworthy.evaluate.progress import Progress, Silent
from shipworthy.evidence.gates.planning import check_rule
from shipworthy.evidence.measuring import measure_evidence
from shipworthy.evidence.subject import RunRows
from shipworthy.golden.entering import open_golden
from shipworthy.records import Comparison, Decision, Evidence, Look, RunPins, plain, rebuild
from shipworthy.store.hashes import short
from shipworthy.store.workspace import RunFolder, Workspace
from shipworthy.tables.duck import Connection, connect

__all__ = ["Decided", "Product", "Verification", "open_product"]


@dataclass(frozen=True)
class Decided:
    """A decision at rest.

    Args:
        decision: The decision.
        id: Its id.
        path: Its file.
        is_new: False where nothing had changed since the last decision, so that it still stands.
    """

    decision: Decision
    id: str
    path: Path
    is_new: bool = True


@dataclass(frozen=True)
class Verification:
    """What recomputing a decision said.

    Args:
        id: The decision.
        holds: Whether every number and the verdict came out again.
        differences: What did not.
        changed_since: What has moved on since (spec, golden set, systems), which does not touch the record.
    """

    id: str
    holds: bool
    differences: tuple[str, ...]
    changed_since: tuple[str, ...]


def open_product(path: str | Path = ".") -> Product:
    """Open a product.

    Args:
        path: Its folder, or its shipworthy.yaml.

    Raises:
        SpecError: If the spec is missing or wrong.

    Returns:
        The product.
    """
    return Product(read_spec(Path(path)))


class Product:
    """What is judged: a folder with a spec.

    Args:
        file: The spec as read.
    """

    def __init__(self, file: SpecFile) -> None:
        self.file = file
        self.workspace = Workspace(file.folder)

    @property
    def spec(self) -> Spec:
        """The spec."""
        return self.file.spec

    def run(
        self, system: str | None = None, *, progress: Progress | None = None, again: bool = False
    ) -> tuple[RunPins, bool]:
        """Run one system over the golden set, or find that it was run already.

        Args:
            system: "candidate", "live" or a baseline's name; by default the candidate, else live.
            progress: Watches it.
            again: Whether to ask a function again although its answers are there.

        Returns:
            The run's pins, and whether it was already there.
        """
        name, use = self._system(system)
        self._check_rules()
        with self._maker() as maker:
            folder, was_there = maker.run(name, use, self.workspace, progress or Silent(), again=again)
            return maker.load(folder, use, "rows").pins, was_there

    def decide(self, subject: str | None = None, *, progress: Progress | None = None) -> Decided:
        """Judge a system by the spec and write the decision down.

        Recorded systems are entered on the way; a function must have been run before.

        Args:
            subject: "candidate", "live" or a baseline's name; by default the candidate, else live.
            progress: Watches the entering.
        """
        name, _use = self._system(subject)
        with self._maker() as maker:
            evidence = self._evidence(maker, name, progress or Silent())
        previous = self._previous()
        decision = decide(
            _judged_by(self.spec, name),
            evidence,
            spec_hash=self.file.hash,
            parents=_parents(self.file.hash, evidence),
            looks=self._looks(evidence),
            previous=previous[0] if previous else None,
            decided_at=datetime.now(UTC).isoformat(timespec="seconds"),
            version=__version__,
        )
        if previous is not None and _same(previous[1], decision):
            path = self.workspace.path / "decisions" / f"{previous[0]}.json"
            return Decided(previous[1], previous[0], path, is_new=False)
        decision_id, path = self.workspace.write_decision({**plain(decision), "spec_text": self.file.text})
        return Decided(decision, decision_id, path)

    def compare(self, first: str, second: str, *, progress: Progress | None = None) -> Comparison:
        """Compare two systems or runs on the cases they share.

        Args:
            first: A system's name or a run id: the one that would ship.
            second: What it is set against.
            progress: Watches the entering.
        """
        with self._maker() as maker:
            ours = self._rows_for(maker, first, "rows_a", progress or Silent())
            theirs = self._rows_for(maker, second, "rows_b", progress or Silent())
            if ours.pins.run_id == theirs.pins.run_id:
                raise UsageError(
                    f"{first!r} and {second!r} are the same run.", fix="Name two different ones."
                )
            theirs = replace(theirs, name=second)
            evidence = self._measure(maker, ours, [theirs], "candidate", [], quiet=True)
        return evidence.comparisons[0]

    def decision(self, decision_id: str = "latest") -> Decided:
        """Return a decision from its record.

        Args:
            decision_id: Id, its beginning, or "latest".
        """
        record = self.workspace.read_decision(decision_id)
        found = self.workspace.decision_ids()
        known = found[-1] if decision_id == "latest" else next(i for i in found if i.startswith(decision_id))
        return Decided(rebuild(Decision, record), known, self.workspace.path / "decisions" / f"{known}.json")

    def verify(self, decision_id: str = "latest") -> Verification:
        """Recompute a decision from its runs and the spec it was made by.

        Args:
            decision_id: Id, its beginning, or "latest".

        Returns:
            What came out.

        Raises:
            StoreError: If the record or a run is damaged or missing.
        """
        kept = self.decision(decision_id)
        record = self.workspace.read_decision(kept.id)
        then = Product(spec_from_text(str(record.get("spec_text", "")), self.file.path))
        with then._maker() as maker:
            evidence = then._recomputed(maker, kept.decision.evidence)
            changed = self._changed_since(kept.decision, maker.golden.version)
        looks = self._looks(evidence, before=kept.id)
        fresh = decide(
            _judged_by(then.spec, kept.decision.evidence.role),
            replace(evidence, notes=kept.decision.evidence.notes),
            spec_hash=then.file.hash,
            parents=kept.decision.parents,
            looks=looks,
            previous=kept.decision.previous,
            decided_at=kept.decision.decided_at,
            version=kept.decision.shipworthy_version,
        )
        differences = tuple(_differences(kept.decision, fresh))
        return Verification(kept.id, not differences, differences, tuple(changed))

    def _check_rules(self) -> None:
        """Find a mistyped rule before a system is asked anything."""
        scorers = {metric.id for metric in self.spec.metrics if metric.scorer is not None}
        for index, gate in enumerate(self.spec.gates):
            try:
                check_rule(gate.parsed, scorers)
            except UsageError as error:
                raise UsageError(error.what, where=self.file.where("gates", index), fix=error.fix) from None

    # -- parts -------------------------------------------------------------------------------------------

    @contextmanager
    def _maker(self) -> Iterator[Maker]:
        connection = connect()
        try:
            yield self._maker_on(connection)
        finally:
            connection.close()

    def _maker_on(self, connection: Connection) -> Maker:
        golden = open_golden(connection, self.spec.golden, self.file.folder)
        return Maker(connection, self.spec, golden, self.file.folder, self.file.where)

    def _system(self, name: str | None) -> tuple[str, SystemUse]:
        systems = self.spec.systems.named()
        if not systems:
            raise UsageError(
                "The spec declares no system.",
                fix="Add systems: {candidate: {recorded: outputs.csv}} or {function: module:name}.",
            )
        wanted = name or next(iter(systems))
        if wanted not in systems:
            raise UsageError(f"There is no system {wanted!r} in the spec.", fix=nearest(wanted, systems))
        return wanted, systems[wanted]

    def _rows_for(self, maker: Maker, name: str, table: str, progress: Progress) -> RunRows:
        """Return rows of a system by name (entered where it is recorded), or of a run by id."""
        systems = self.spec.systems.named()
        if name in systems:
            return self._rows_of_system(maker, name, systems[name], table, progress)
        folder = self.workspace.find_run(name, list(systems))
        system = folder.run_id.rsplit("-", 1)[0]
        return maker.load(folder, systems.get(system), table)

    def _rows_of_system(
        self, maker: Maker, name: str, use: SystemUse, table: str, progress: Progress
    ) -> RunRows:
        if use.recorded is not None:
            folder, _was_there = maker.run(name, use, self.workspace, progress)
            return maker.load(folder, use, table)
        folder = maker.expected_folder(name, use, self.workspace)
        if folder.is_committed:
            return maker.load(folder, use, table)
        older = [run for run in self.workspace.runs() if run.run_id.rsplit("-", 1)[0] == name]
        if older:
            rows = maker.load(older[0], use, table)
            if rows.pins.golden_version == maker.golden.version and not maker.has_changed(rows.pins, use):
                raise UsageError(
                    f"The spec now scores or slices otherwise than when {name!r} was run.",
                    fix=f"Run it again: shipworthy run {name}. Its answers are kept; nothing is asked twice.",
                )
            return rows
        raise UsageError(f"There is no run of {name!r} yet.", fix=f"Run it: shipworthy run {name}")

    def _evidence(self, maker: Maker, name: str, progress: Progress) -> Evidence:
        systems = self.spec.systems.named()
        subject = self._rows_of_system(maker, name, systems[name], "rows_subject", progress)
        others: list[RunRows] = []
        notes: list[str] = []
        invalid: list[str] = []
        for index, (other, use) in enumerate(systems.items()):
            # What is live is never set against a candidate that nobody uses yet.
            if other == name or (name == "live" and other == "candidate"):
                continue
            try:
                rows = self._rows_of_system(maker, other, use, f"rows_other_{index}", progress)
            except UsageError as error:
                notes.append(f"Nothing is compared with {other}: {error.what} {error.fix}")
                continue
            others.append(rows)
            if rows.pins.golden_version != subject.pins.golden_version:
                invalid.append(
                    f"{name} was run on golden version {short(subject.pins.golden_version)} and {other} on "
                    f"{short(rows.pins.golden_version)}: run both again on one version."
                )
        for run in (subject, *others):
            use = systems[run.name]
            if use.function is not None and maker.has_changed(run.pins, use):
                invalid.append(
                    f"The code of {run.name} has changed since it was run: run it again with "
                    f"`shipworthy run {run.name}`."
                )
        invalid += self._stale(maker, subject)
        notes += self._moved_bars()
        progress.start(0, "measuring")
        try:
            return self._measure(maker, subject, others, name, invalid, notes=notes)
        finally:
            progress.finish()

    def _stale(self, maker: Maker, subject: RunRows) -> list[str]:
        found = []
        present = maker.golden.version
        pinned = self.spec.golden.version
        if subject.pins.golden_version != present:
            found.append(
                f"{subject.name} was run on golden version {short(subject.pins.golden_version)}, and the "
                f"golden set is now {short(present)}: run it again with `shipworthy run {subject.name}`."
            )
        if pinned is not None and not present.startswith(pinned) and not short(present).startswith(pinned):
            found.append(f"golden.version pins {pinned}, and the golden set is {short(present)}.")
        return found

    def _measure(
        self,
        maker: Maker,
        subject: RunRows,
        others: list[RunRows],
        role: str,
        invalid: list[str],
        *,
        notes: list[str] | None = None,
        quiet: bool = False,
    ) -> Evidence:
        spec = self.spec.model_copy(update={"gates": []}) if quiet else _judged_by(self.spec, role)
        notes = [
            *(notes or []),
            *(
                f"{gate.rule} compares {role} with itself and was left out."
                for gate in self.spec.gates
                if not quiet and gate not in spec.gates
            ),
        ]
        return measure_evidence(
            maker.connection,
            spec,
            subject,
            others,
            role=role,
            lineage=f"{self.spec.id}:{self.spec.golden.path}",
            locate=self.file.where,
            invalid=invalid,
            notes=notes,
        )

    def _recomputed(self, maker: Maker, kept: Evidence) -> Evidence:
        """Measure again exactly the runs a decision names."""
        runs = [kept.subject, *(part.pins for part in kept.comparisons)]
        rows = [self._rows_by_pins(maker, pins, f"rows_{index}") for index, pins in enumerate(runs)]
        return self._measure(maker, rows[0], rows[1:], kept.role, list(kept.invalid))

    def _rows_by_pins(self, maker: Maker, pins: RunPins, table: str) -> RunRows:
        folder = RunFolder(self.workspace.path / "runs" / pins.run_id)
        use = self.spec.systems.named().get(pins.system)
        if not folder.is_committed and use is not None and use.recorded is not None:
            # A fresh clone has no runs; a recorded file that still has its hash makes the same rows again.
            made, _was_there = maker.run(pins.system, use, self.workspace, Silent())
            if made.run_id != pins.run_id:
                raise StoreError(
                    f"The run {pins.run_id!r} is gone, and {use.recorded!r} is no longer the file it was "
                    "made from.",
                    fix="Restore the file or the run.",
                )
            folder = made
        elif folder.is_committed:
            record = folder.read()
            if record["rows_hash"] != pins.rows_hash:
                raise VerificationFailed(
                    f"The rows of {pins.run_id!r} are not the ones that were judged.",
                    where=str(folder.rows),
                    fix="Restore the run folder from a backup.",
                )
            if folder.outputs_changed():
                raise VerificationFailed(
                    f"The outputs of {pins.run_id!r} are not the ones that were judged.",
                    where=str(folder.journal),
                    fix="Restore the run folder from a backup.",
                )
        else:
            raise StoreError(
                f"The run {pins.run_id!r} is gone, so the decision cannot be recomputed.",
                fix="Restore its folder; a function's answers are kept nowhere else.",
            )
        return maker.load(folder, use, table)

    def _changed_since(self, kept: Decision, golden_version: str) -> list[str]:
        changed = []
        if kept.spec_hash != self.file.hash:
            changed.append("The spec was changed after this decision.")
        if kept.evidence.subject.golden_version != golden_version:
            changed.append("The golden set was changed after this decision.")
        return changed

    def _previous(self) -> tuple[str, Decision] | None:
        ids = self.workspace.decision_ids()
        if not ids:
            return None
        try:
            return ids[-1], rebuild(Decision, self.workspace.read_decision(ids[-1]))
        except (StoreError, TypeError):
            return None

    def _earlier(self, before: str | None = None) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for decision_id in self.workspace.decision_ids():
            if decision_id == before:
                return
            try:
                yield decision_id, self.workspace.read_decision(decision_id)
            except StoreError:
                continue

    def _looks(self, evidence: Evidence, before: str | None = None) -> list[Look]:
        """Return earlier decisions on the same lineage and role."""
        found = []
        for decision_id, record in self._earlier(before):
            kept = record["evidence"]
            if kept["lineage"] != evidence.lineage or kept["role"] != evidence.role:
                continue
            found.append(
                Look(
                    decision_id,
                    kept["subject"]["system_hash"],
                    kept["subject"]["rows_hash"],
                    tuple(normalised_rule(gate["rule"]) for gate in kept["gates"]),
                )
            )
        return found

    def _moved_bars(self) -> list[str]:
        """Name every bar that was moved after a decision had been made by it."""
        present = {gate.id: gate.rule for gate in self.spec.gates}
        notes: dict[str, str] = {}
        for decision_id, record in self._earlier():
            for gate in record["evidence"]["gates"]:
                now = present.get(gate["gate_id"])
                if now is None:
                    notes[gate["gate_id"]] = (
                        f"The gate {gate['rule']} was dropped after decision {decision_id}."
                    )
                elif normalised_rule(now) != normalised_rule(gate["rule"]):
                    notes[gate["gate_id"]] = (
                        f"The bar of {gate['gate_id']} was moved after decision {decision_id}: "
                        f"{gate['rule']} became {now}."
                    )
        return list(notes.values())


def _judged_by(spec: Spec, role: str) -> Spec:
    """Return the spec without the gates that would compare a system with itself."""
    gates = [
        gate
        for gate in spec.gates
        if not (
            gate.parsed.left.name in ("delta", "negative_flips")
            and str(gate.parsed.left.arguments[-1]) == role
        )
    ]
    return spec.model_copy(update={"gates": gates}) if len(gates) < len(spec.gates) else spec


def _parents(spec_hash: str, evidence: Evidence) -> dict[str, str]:
    parents = {
        "spec": spec_hash,
        "golden": evidence.subject.golden_version,
        f"run {evidence.subject.run_id}": evidence.subject.rows_hash,
    }
    for comparison in evidence.comparisons:
        parents[f"run {comparison.pins.run_id}"] = comparison.pins.rows_hash
    return parents


def _same(kept: Decision, fresh: Decision) -> bool:
    """Return whether deciding again said the same about the same evidence."""
    return (
        kept.spec_hash == fresh.spec_hash
        and dict(kept.parents) == dict(fresh.parents)
        and kept.verdict == fresh.verdict
        and kept.evidence.role == fresh.evidence.role
        and kept.shipworthy_version == fresh.shipworthy_version
        and kept.evidence.invalid == fresh.evidence.invalid
    )


#: Read from files that may have moved on since; no number rests on them.
TEXTS = {"input", "before_text", "after_text", "label"}
TOLD = 8


def _differences(kept: Decision, fresh: Decision) -> Iterator[str]:
    """Say what came out otherwise: the verdict and the gates in words, then any other part by its place."""
    if kept.verdict != fresh.verdict:
        yield f"The verdict was {kept.verdict.words} and comes out as {fresh.verdict.words}."
    if len(kept.gates) != len(fresh.gates):
        yield f"There were {len(kept.gates)} gates, and {len(fresh.gates)} come out."
        return
    for old, new in zip(kept.gates, fresh.gates, strict=True):
        if old.status != new.status:
            yield f"{old.evidence.rule} was {old.status.words} and comes out as {new.status.words}."
    places = list(_unlike(plain(kept), plain(fresh)))
    yield from (f"{place} was {was!r} and comes out as {now!r}." for place, was, now in places[:TOLD])
    if len(places) > TOLD:
        yield f"So do {len(places) - TOLD:,} more parts."


def _unlike(kept: Any, fresh: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield every part of two JSON-ready records that differs, with its place."""
    if isinstance(kept, dict) and isinstance(fresh, dict):
        for key in sorted((kept.keys() | fresh.keys()) - TEXTS):
            yield from _unlike(kept.get(key), fresh.get(key), f"{place}.{key}".lstrip("."))
    elif isinstance(kept, list) and isinstance(fresh, list) and len(kept) == len(fresh):
        for index, (old, new) in enumerate(zip(kept, fresh, strict=True)):
            yield from _unlike(old, new, f"{place}[{index}]")
    elif isinstance(kept, float) and isinstance(fresh, (int, float)):
        if not _close(kept, float(fresh)):
            yield place, kept, fresh
    elif kept != fresh:
        yield place, _shortly(kept), _shortly(fresh)


def _shortly(value: Any) -> Any:
    text = str(value)
    return value if len(text) <= 80 else f"{text[:77]}..."


def _close(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
