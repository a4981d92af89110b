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
from shipworthy.api.history import moved_since
from shipworthy.api.runs import Maker
from shipworthy.decide.deciding import decide
from shipworthy.decide.looking import Looking
from shipworthy.decide.waiving import is_over
from shipworthy.define.reading import SpecFile, read_spec, spec_from_text
from shipworthy.define.spec import Spec, SystemUse
from shipworthy.errors import SpecError, StoreError, UsageError, VerificationFailed, nearest
from shipworthy.evaluate.progress import Progress, Silent
from shipworthy.evidence.gates.planning import check_rule
from shipworthy.evidence.measuring import measure_evidence
from shipworthy.evidence.subject import RunRows, denominator_of
from shipworthy.golden.entering import GoldenFile, answers_of_file, open_golden
from shipworthy.golden.files import folder_of_files
from shipworthy.golden.versions import kept_versions
from shipworthy.records import Comparison, Decision, Evidence, GateLook, Look, RunPins, plain, rebuild
from shipworthy.store.chain import appending, sealed
from shipworthy.store.hashes import short
from shipworthy.store.workspace import RunFolder, Workspace
from shipworthy.tables.case_table import read_fingerprints
from shipworthy.tables.duck import Connection
from shipworthy.tables.row_plan import Basis
from shipworthy.tables.rows import attach_rows, read_profile
from shipworthy.tables.sameness import Sameness, compare_runs, rows_unseen, shared_cases, shared_ids
from shipworthy.tables.warehouse import connect_for, is_warehouse, refuse_secret

__all__ = ["Decided", "Product", "Verification", "open_product"]

#: Earlier runs at most whose rows are set against the present ones, to know a candidate again.
MOST_COMPARED = 20


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
        whole: The product itself, where this one stands for it on its confirmation set.
    """

    def __init__(self, file: SpecFile, whole: Product | None = None) -> None:
        self.file = file
        self.whole = whole
        self.workspace = Workspace(file.folder)

    @property
    def spec(self) -> Spec:
        """The spec."""
        return self.file.spec

    @property
    def files(self) -> Path:
        """The folder from which the paths of cases that are files start."""
        return folder_of_files(self.spec.golden, self.file.folder)

    def run(
        self,
        system: str | None = None,
        *,
        progress: Progress | None = None,
        again: bool = False,
        confirm: bool = False,
    ) -> tuple[RunPins, bool]:
        """Run one system over the golden set, or find that it was run already.

        Args:
            system: "candidate", "live" or a baseline's name; by default the candidate, else live.
            progress: Watches it.
            again: Whether to ask a function again although its answers are there.
            confirm: Whether to run over the confirmation set instead.

        Returns:
            The run's pins, and whether it was already there.
        """
        if confirm:
            return self.on_confirmation_set().run(system, progress=progress, again=again)
        name, use = self._system(system)
        self._check_rules()
        with self._maker() as maker:
            self._check_answered(maker, name, use)
            folder, was_there = maker.run(name, use, self.workspace, progress or Silent(), again=again)
            return maker.load(folder, use, "rows").pins, was_there

    def decide(
        self, subject: str | None = None, *, progress: Progress | None = None, confirm: bool = False
    ) -> Decided:
        """Judge a system by the spec and write the decision down.

        Recorded systems are entered on the way; a function must have been run before.

        Args:
            subject: "candidate", "live" or a baseline's name; by default the candidate, else live.
            progress: Watches the entering.
            confirm: Whether to judge on the confirmation set, which is meant to be used once.
        """
        if confirm:
            return self.on_confirmation_set().decide(subject, progress=progress)
        name, _use = self._system(subject)
        with self._maker() as maker:
            evidence = self._evidence(maker, name, progress or Silent())
        previous = self._previous()
        decision = decide(
            _judged_by(self.spec, name),
            evidence,
            spec_hash=self.file.hash,
            parents=_parents(self.file.hash, evidence),
            looks=self._looks(name),
            previous=previous[0] if previous else None,
            decided_at=datetime.now(UTC).isoformat(timespec="seconds"),
            version=__version__,
            spec_changes=moved_since((self.whole or self).spec, self.file.path, self._earlier()),
        )
        if previous is not None and _same(previous[1], decision):
            path = self.workspace.path / "decisions" / f"{previous[0]}.json"
            return Decided(previous[1], previous[0], path, is_new=False)
        runs = [evidence.subject.run_id, *(part.pins.run_id for part in evidence.comparisons)]
        with appending(self.workspace) as heads:
            kept = {"spec_text": self.file.text, "after": list(heads), "runs": sealed(self.workspace, runs)}
            decision_id, path = self.workspace.write_decision({**plain(decision), **kept})
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
            theirs, note = replace(theirs, name=second), ""
            if ours.pins.golden_version != theirs.pins.golden_version:
                ours, theirs, note = self._on_shared_cases(maker, ours, theirs)
            evidence = self._measure(maker, ours, [theirs], "candidate", [])
        found = evidence.comparisons[0]
        return replace(found, note=note) if note else found

    @contextmanager
    def opened(self, name: str | None, progress: Progress) -> Iterator[tuple[Connection, RunRows]]:
        """Open the rows of a system to be measured.

        Args:
            name: A system's name; None for the first one.
            progress: Watches the entering.

        Yields:
            The engine, and the system's rows in it.
        """
        wanted, use = self._system(name)
        with self._maker() as maker:
            yield maker.connection, self._rows_of_system(maker, wanted, use, "rows_subject", progress)

    def _on_shared_cases(self, maker: Maker, ours: RunRows, theirs: RunRows) -> tuple[RunRows, RunRows, str]:
        """Return the rows of two runs on the cases that both golden versions hold unchanged, and a note."""
        if is_warehouse(maker.connection) or ours.profile.basis == Basis.RANKING:
            return ours, theirs, ""
        versions = ours.pins.golden_version, theirs.pins.golden_version
        kept = {one.version: read_fingerprints(one.table) for one in kept_versions(self.workspace)}
        known = kept.get(versions[0]), kept.get(versions[1])
        inputs = (known[0], known[1]) if known[0] is not None and known[1] is not None else None
        names = f"{ours.table}_shared", f"{theirs.table}_shared"
        found = shared_cases(maker.connection, ours.table, theirs.table, inputs, names)
        told = f"{short(versions[0])} and {short(versions[1])}"
        if not found.unchanged:
            raise UsageError(
                f"The golden versions {told} have no case in common that is unchanged.",
                fix=f"Run both on one version: shipworthy run {ours.name}, shipworthy run {theirs.name}.",
            )
        left_out = [
            words
            for count, words in (
                (found.only_ours, f"{found.only_ours:,} only in the first"),
                (found.only_theirs, f"{found.only_theirs:,} only in the second"),
                (found.relabelled, f"{found.relabelled:,} with another label"),
                (found.rewritten, f"{found.rewritten or 0:,} with another input"),
            )
            if count
        ]
        note = (
            f"The two ran on different golden versions ({told}): the {found.unchanged:,} cases that both "
            f"hold unchanged are compared; left out: {', '.join(left_out) or 'none'}."
        )
        if found.rewritten is None:
            note += " Whether inputs were changed is not known, because cases of both versions were not kept."
        pair = [self._viewed(maker, run, name) for run, name in zip((ours, theirs), names, strict=True)]
        return pair[0], pair[1], note

    def _viewed(self, maker: Maker, run: RunRows, table: str) -> RunRows:
        """Return a run on some of its rows."""
        whole = run.profile
        profile = read_profile(
            maker.connection,
            table,
            basis=whole.basis,
            positive=whole.positive,
            classes=whole.classes,
            binary=whole.binary,
            unknown=whole.unknown_answers,
        )
        counted = denominator_of(profile, self.spec.golden.max_unscored)
        pins = replace(run.pins, cases=profile.cases, denominator=counted)
        return replace(run, table=table, profile=profile, pins=pins)

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
        then = Product(
            _as_judged_then(spec_from_text(str(record.get("spec_text", "")), self.file.path), record)
        )
        if kept.decision.evidence.confirmation:
            then = then.on_confirmation_set()
        looks = then._looks(kept.decision.evidence.role, before=kept.id)
        with then._maker() as maker:
            evidence = then._recomputed(maker, kept.decision.evidence, looks)
            changed = self._changed_since(kept.decision, maker.golden.version)
        fresh = decide(
            _judged_by(then.spec, kept.decision.evidence.role),
            replace(evidence, notes=kept.decision.evidence.notes),
            spec_hash=then.file.hash,
            parents=kept.decision.parents,
            looks=looks,
            previous=kept.decision.previous,
            decided_at=kept.decision.decided_at,
            version=kept.decision.shipworthy_version,
            spec_changes=kept.decision.spec_changes,
        )
        if "after" not in record:
            fresh = replace(fresh, not_judged=kept.decision.not_judged)
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
        for place, source in _sources(self.spec):
            refuse_secret(source, self.file.where(*place))
        connection = connect_for(self.spec.golden.path)
        try:
            yield self._maker_on(connection)
        finally:
            connection.close()

    def _maker_on(self, connection: Connection) -> Maker:
        golden = open_golden(connection, self.spec.golden, self.file.folder)
        if self.whole is not None:
            self.whole._check_apart(connection, golden)
        return Maker(connection, self.spec, golden, self.file.folder, self.file.where)

    def _system(self, name: str | None) -> tuple[str, SystemUse]:
        systems = self.spec.systems.declared()
        if not systems:
            raise UsageError(
                "The spec declares no system.",
                fix="Add systems: {candidate: {recorded: outputs.csv}} or {function: module:name}.",
            )
        wanted = name or next(iter(systems))
        if wanted not in systems:
            raise UsageError(f"There is no system {wanted!r} in the spec.", fix=nearest(wanted, systems))
        if systems[wanted].planned:
            raise UsageError(
                f"The system {wanted!r} is planned: the spec does not say where its answers come from.",
                where=self.file.where("systems", *_place_of(wanted)),
                fix="Add `recorded: FILE` or `function: module:name` to it.",
            )
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
        older = [run for run in self.workspace.runs() if self._is_run_of(run, name)]
        if older:
            rows = maker.load(older[0], use, table)
            if rows.pins.golden_version == maker.golden.version and not maker.has_changed(rows.pins, use):
                raise UsageError(
                    f"The spec now scores or slices otherwise than when {name!r} was run.",
                    fix=f"Run it again: shipworthy run {name}. Its answers are kept; nothing is asked twice.",
                )
            return rows
        on_it, option = (" on the confirmation set", " --confirm") if self.whole is not None else ("", "")
        raise UsageError(
            f"There is no run of {name!r}{on_it} yet.", fix=f"Run it: shipworthy run {name}{option}"
        )

    def _is_run_of(self, run: RunFolder, name: str) -> bool:
        """Return whether a run is one of a system on the set that is judged."""
        return run.run_id.rsplit("-", 1)[0] == name and run.golden_path in (None, self.spec.golden.path)

    def _evidence(self, maker: Maker, name: str, progress: Progress) -> Evidence:
        systems = self.spec.systems.named()
        planned = [other for other, use in self.spec.systems.declared().items() if use.planned]
        self._check_answered(maker, name, systems[name])
        subject = self._rows_of_system(maker, name, systems[name], "rows_subject", progress)
        others: list[RunRows] = []
        notes = [
            f"Nothing is compared with {other}: it is planned and has no answers yet." for other in planned
        ]
        invalid: list[str] = []
        for index, (other, use) in enumerate(systems.items()):
            # What is live is never set against a candidate that nobody uses yet.
            if other == name or (name == "live" and other == "candidate"):
                continue
            try:
                self._check_answered(maker, other, use)
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
        looking, told = self._known(maker, subject, name)
        notes += told
        progress.start(0, "measuring")
        try:
            return self._measure(maker, subject, others, name, invalid, notes=notes, looking=looking)
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
        looking: Looking | None = None,
    ) -> Evidence:
        """Measure what earlier looks ask of the gates; without looks, everything but the gates."""
        spec = looking.asked() if looking is not None else self.spec.model_copy(update={"gates": []})
        judged = _judged_by(self.spec, role).gates
        notes = [
            *(notes or []),
            *(
                f"{gate.rule} compares {role} with itself and was left out."
                for gate in self.spec.gates
                if looking is not None and gate not in judged
            ),
        ]
        if looking is not None and looking.wants_fresh:
            subject, told, nothing = self._fresh(maker, subject, looking)
            notes, invalid = [*notes, *told], [*invalid, *nothing]
        evidence = measure_evidence(
            maker.connection,
            spec,
            subject,
            others,
            role=role,
            lineage=self._lineage,
            locate=self.file.where,
            invalid=invalid,
            notes=notes,
        )
        if looking is None:
            return evidence
        confirmation = self.spec.golden.path if self.whole is not None else ""
        return looking.settled(replace(evidence, confirmation=confirmation))

    def _recomputed(self, maker: Maker, kept: Evidence, looks: list[Look]) -> Evidence:
        """Measure again exactly the runs a decision names."""
        runs = [kept.subject, *(part.pins for part in kept.comparisons)]
        rows = [self._rows_by_pins(maker, pins, f"rows_{index}") for index, pins in enumerate(runs)]
        judged = _judged_by(self.spec, kept.role)
        cases = rows[0].pins.cases
        looking = Looking(judged, looks, kept.candidate, kept.sample, cases, kept.grown)
        invalid = [text for text in kept.invalid if text != NOTHING_FRESH]
        return self._measure(maker, rows[0], rows[1:], kept.role, invalid, looking=looking)

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

    @property
    def _lineage(self) -> str:
        """Name under which looks and candidates are counted: the confirmation set is one of its own."""
        path = self.spec.golden.path
        return f"{self.spec.id}:{'confirm:' if self.whole is not None else ''}{path}"

    def _looks(self, role: str, before: str | None = None) -> list[Look]:
        """Return earlier decisions on the same lineage and role, oldest first."""
        found = []
        for decision_id, record in self._earlier(before):
            kept = record["evidence"]
            if kept["lineage"] == self._lineage and kept["role"] == role:
                found.append(_look_of(decision_id, kept))
        return found

    def _known(self, maker: Maker, subject: RunRows, role: str) -> tuple[Looking, list[str]]:
        """Return what earlier looks ask of the gates, and what is odd about how the rows grew.

        A file that was recorded again with more cases is the same candidate where it gives the same answers
        to the cases that both have. Rows that only say the same with other columns are the same rows.
        """
        looks, pins = self._looks(role), subject.pins

        def looking(candidate: str, sample: str, grown: bool) -> Looking:
            return Looking(_judged_by(self.spec, role), looks, candidate, sample, pins.cases, grown)

        same: dict[str, Sameness | None] = {}
        for look in reversed(looks):
            if look.sample == pins.rows_hash:
                return looking(look.candidate, look.sample, look.grown), []
            if look.sample not in same and len(same) < MOST_COMPARED:
                found = same[look.sample] = self._set_against(maker, subject, look)
                if found is not None and found.is_same_sample:
                    return looking(look.candidate, look.sample, look.grown), []
        candidate = pins.system_hash
        if all(look.candidate != candidate for look in looks):
            alike = (look for look in reversed(looks) if (s := same.get(look.sample)) and s.is_same_candidate)
            candidate = next((look.candidate for look in alike), candidate)
        earlier = [same.get(look.sample) for look in looks if look.candidate == candidate]
        if all(part is not None and part.has_grown for part in earlier):
            return looking(candidate, pins.rows_hash, True), []
        told = (
            "The rows of earlier looks at this candidate are not all there unchanged: a sequence supposes "
            "that rows are only added, so nothing that an earlier look had proven is kept."
        )
        return looking(candidate, pins.rows_hash, False), [told]

    def _set_against(self, maker: Maker, subject: RunRows, look: Look) -> Sameness | None:
        """Return what the rows of an earlier look have in common with these; None where they are gone."""
        folder = RunFolder(self.workspace.path / "runs" / look.run_id)
        if not _has_rows(maker, folder):
            return None
        attach_rows(maker.connection, folder.rows, "rows_earlier")
        return compare_runs(maker.connection, subject.table, "rows_earlier")

    def _fresh(
        self, maker: Maker, subject: RunRows, looking: Looking
    ) -> tuple[RunRows, list[str], list[str]]:
        """Return the rows that no earlier look at the candidate had seen, notes, and why there are none."""
        seen = []
        for index, look in enumerate(looking.seen):
            folder = RunFolder(self.workspace.path / "runs" / look.run_id)
            if not _has_rows(maker, folder):
                raise StoreError(
                    f"The run {look.run_id!r} is gone, so nobody knows which cases decision "
                    f"{look.decision_id} had seen.",
                    fix="Restore the run, or write golden: {looks: once}.",
                )
            attach_rows(maker.connection, folder.rows, f"rows_seen_{index}")
            seen.append(f"rows_seen_{index}")
        rows_unseen(maker.connection, subject.table, seen, "rows_fresh")
        fresh = self._viewed(maker, subject, "rows_fresh")
        if not fresh.profile.rows:
            return subject, [], [NOTHING_FRESH]
        told = (
            f"Judged on the {fresh.profile.cases:,} of {subject.profile.cases:,} cases that no earlier "
            "look at "
            "this candidate had seen."
        )
        return fresh, [told], []

    # -- the confirmation set ----------------------------------------------------------------------------

    def on_confirmation_set(self) -> Product:
        """Return this product as judged on its confirmation set.

        Raises:
            SpecError: If the spec declares none, or names the golden set itself.
        """
        golden, where = self.spec.golden, self.file.where("golden", "confirm")
        confirm = golden.confirm
        if confirm is None:
            raise SpecError(
                "The spec declares no confirmation set.",
                where=self.file.where("golden"),
                fix="Add golden: {confirm: FILE}, a file of other cases with the golden set's columns.",
            )
        same_file = (self.file.folder / confirm.path).resolve() == (self.file.folder / golden.path).resolve()
        if same_file and confirm.where == golden.where:
            raise SpecError(
                "The confirmation set is the golden set itself.",
                where=where,
                fix="Name a file of other cases.",
            )
        systems = self.spec.systems.named()
        for name in confirm.recorded:
            if name not in systems or systems[name].recorded is None:
                raise SpecError(
                    f"golden.confirm.recorded names {name!r}, which is no recorded system.",
                    where=where,
                    fix=nearest(name, [known for known, use in systems.items() if use.recorded is not None]),
                )
        set_aside = golden.model_copy(
            update={
                "path": confirm.path,
                "where": confirm.where,
                "sampled": confirm.sampled or golden.sampled,
                # Least numbers were promised for the golden set.
                "strata": dict.fromkeys(golden.strata, 0),
                "version": None,
                "confirm": None,
            }
        )
        uses = {
            name: use.model_copy(update={"recorded": _confirming_file(self.spec, name, use)})
            for name, use in systems.items()
        }
        there = self.spec.systems.model_copy(
            update={
                "candidate": uses.pop("candidate", None),
                "live": uses.pop("live", None),
                "baselines": uses,
            }
        )
        spec = self.spec.model_copy(update={"golden": set_aside, "systems": there})
        return Product(replace(self.file, spec=spec), self)

    def _check_apart(self, connection: Connection, confirmation: GoldenFile) -> None:
        """Refuse a confirmation set that shares cases with the golden set."""
        golden = open_golden(connection, self.spec.golden, self.file.folder)
        ours, theirs = ((part.file.relation, part.case_id, part.condition) for part in (golden, confirmation))
        count, first = shared_ids(connection, ours, theirs)
        if count:
            raise SpecError(
                f"The confirmation set shares {count:,} case{'s' if count > 1 else ''} with the golden set: "
                f"{', '.join(first)}{' ...' if count > len(first) else ''}.",
                where=self.file.where("golden", "confirm"),
                fix="Keep it apart: a case that was looked at cannot confirm anything.",
            )

    def _check_answered(self, maker: Maker, name: str, use: SystemUse) -> None:
        """Refuse to confirm by a file without a single answer to the confirmation set."""
        if self.whole is None or use.recorded is None:
            return
        answers, golden = answers_of_file(maker.connection, maker.golden, use, maker.folder), maker.golden
        theirs = (answers.file.relation, answers.case_id, answers.condition)
        if shared_ids(maker.connection, (golden.file.relation, golden.case_id, golden.condition), theirs)[0]:
            return
        raise UsageError(
            f"{use.recorded} has no answer to any case of the confirmation set.",
            where=self.file.where("golden", "confirm"),
            fix=f"Record {name}'s answers: golden: {{confirm: {{path: FILE, recorded: {{{name}: FILE}}}}}}.",
        )


#: Why a decision on fresh cases only cannot be made.
NOTHING_FRESH = (
    "golden.looks is fresh, and earlier looks at this candidate have seen every case: add cases, or judge it "
    "on a confirmation set."
)


def _as_judged_then(file: SpecFile, record: Mapping[str, Any]) -> SpecFile:
    """Return a spec without what a decision of before there was a chain did not look at."""
    if "after" in record:
        return file
    day = str(record.get("decided_at", ""))
    gates = [gate.model_copy(update={"waiver": None}) for gate in file.spec.gates]
    valid = [one for one in file.spec.acceptances if not is_over(one.expires, day)]
    return replace(file, spec=file.spec.model_copy(update={"gates": gates, "acceptances": valid}))


def _has_rows(maker: Maker, folder: RunFolder) -> bool:
    """Return whether an earlier run's rows are kept; a warehouse keeps only what its tables hold now."""
    return folder.is_committed and folder.rows.exists() and not is_warehouse(maker.connection)


def _look_of(decision_id: str, kept: Mapping[str, Any]) -> Look:
    """Return what counting needs of an earlier decision's evidence."""
    subject = kept["subject"]
    gates = tuple(
        GateLook(
            question=gate.get("question", ""),
            n=gate["estimate"]["n"] if gate["estimate"]["value"] is not None else 0,
            lower=gate["lower"],
            upper=gate["upper"],
            confidence=gate["confidence"],
            over_looks=gate.get("over_looks", False),
        )
        for gate in kept["gates"]
    )
    return Look(
        decision_id,
        kept.get("candidate") or subject["system_hash"],
        kept.get("sample") or subject["rows_hash"],
        subject["run_id"],
        subject["cases"],
        gates,
        kept.get("grown", True),
    )


def _confirming_file(spec: Spec, name: str, use: SystemUse) -> str | None:
    """Return the file with a system's answers to the confirmation set; None for a function."""
    confirm = spec.golden.confirm
    if use.recorded is None or confirm is None:
        return None
    holds_both = use.recorded == spec.golden.path
    return confirm.recorded.get(name, confirm.path if holds_both else use.recorded)


def _sources(spec: Spec) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the files and tables that a spec names, each with its place there."""
    yield ("golden", "path"), spec.golden.path
    if spec.golden.confirm is not None:
        yield ("golden", "confirm"), spec.golden.confirm.path
    for name, use in spec.systems.named().items():
        if use.recorded is not None:
            yield ("systems", name), use.recorded


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
TEXTS = {"input", "input_file", "before_text", "after_text", "label"}
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


def _place_of(system: str) -> tuple[str, ...]:
    """Return a system's keys under `systems`."""
    return (system,) if system in ("candidate", "live") else ("baselines", system)
