"""Makes a run: a system's answers to the golden set become scored rows, in a folder or in memory."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipworthy import __version__
from shipworthy.define.rules import Rule, parse_rule
from shipworthy.define.spec import ROLES, Spec, SystemUse
from shipworthy.errors import InputError, SpecError, StoreError, VerificationFailed, nearest
from shipworthy.evaluate.progress import Progress, Silent
from shipworthy.evidence.populations import columns_of, numbers_of
from shipworthy.evidence.subject import RunRows, denominator_of
from shipworthy.golden.columns import Wanted, check_mapping, locate
from shipworthy.golden.entering import (
    CASE_ROLES,
    Answers,
    GoldenFile,
    answers_of_file,
    plan_rows,
    resume_key,
    wanted_columns,
)
from shipworthy.golden.labels import beside_answers, labels_hash, labels_met
from shipworthy.golden.versions import remember
from shipworthy.records import Case, Output, RunPins, rebuild
from shipworthy.store.hashes import hash_record
from shipworthy.store.workspace import RunFolder, Workspace
from shipworthy.tables.cases import read_answers, scored_relation
from shipworthy.tables.duck import Connection, ForeignFile
from shipworthy.tables.lists import TextSource, journal_texts
from shipworthy.tables.row_plan import DERIVED, RowsPlan, RowsProfile
from shipworthy.tables.rows import attach_rows, build_rows, view_rows
from shipworthy.tables.warehouse import is_there, is_warehouse, open_source, require_files, without_secret

if TYPE_CHECKING:
    from shipworthy.evaluate.scoring import Scorer
    from shipworthy.evaluate.systems.function import FunctionSystem

__all__ = ["Maker", "load_run"]

#: Where rows are made before they are moved in.
MAKING = ".making-"

OUTPUT_ROLES = ("repeat", "output", "prediction", "predicted_score", "latency_ms", "run_cost")


@dataclass(frozen=True)
class Maker:
    """Makes runs of one product's systems on its golden set.

    Args:
        connection: The engine.
        spec: The spec.
        golden: The opened golden set.
        folder: Where relative paths start.
        place: Keys of the spec -> file and line, for messages.
        functions: Systems that were loaded already, by name.
        made: Rows that this session made in a warehouse: run id -> their name there, and their profile.
    """

    connection: Connection
    spec: Spec
    golden: GoldenFile
    folder: Path
    place: Callable[..., str] = lambda *_keys: ""
    functions: dict[str, FunctionSystem] = field(default_factory=dict)
    made: dict[str, tuple[str, RowsProfile]] = field(default_factory=dict)

    def scorers(self) -> dict[str, Scorer]:
        """Return the spec's scorers by metric id."""
        if all(metric.scorer is None for metric in self.spec.metrics):
            return {}
        from shipworthy.evaluate.scoring import build_scorer

        return {
            metric.id: build_scorer(metric.scorer, self.folder)
            for metric in self.spec.metrics
            if metric.scorer is not None
        }

    def in_memory(self, name: str, use: SystemUse, table: str, progress: Progress) -> RunRows:
        """Make a recorded system's rows in memory, for `check`.

        Args:
            name: The system's name.
            use: The system.
            table: Name of the table to make.
            progress: Watches the scoring.
        """
        answers = answers_of_file(self.connection, self.golden, use, self.folder)
        self._check_columns(answers.file)
        scorers = self.scorers()
        if scorers:
            with tempfile.TemporaryDirectory() as temporary:
                plan = self._recorded_plan(use, answers, scorers, Path(temporary), progress)
                profile = self._build(name, plan, table)
        else:
            plan = self._recorded_plan(use, answers, scorers, self.folder, progress)
            profile = self._build(name, plan, table)
        pins = self._pins("", name, answers.fingerprint, answers.fingerprint, profile, {})
        return RunRows(name, table, profile, pins, answers.outputs(), *self.golden.told())

    def key(self, use: SystemUse, system_hash: str) -> str:
        """Return the hash of everything that decides a run's rows."""
        return hash_record(
            {
                "golden": self.golden.version,
                "system": system_hash,
                "scorers": self._scorer_prints(self.scorers()),
                "slices": self._wanted().slices,
                "numbers": self._wanted().numbers,
                "kind": self.spec.kind,
                "repeats": self.spec.golden.repeats,
                "threshold": use.threshold,
                **({"people": labels} if (labels := labels_hash(self.spec, self.folder)) else {}),
            }
        )

    def run(
        self, name: str, use: SystemUse, workspace: Workspace, progress: Progress, *, again: bool = False
    ) -> tuple[RunFolder, bool]:
        """Make a run in the workspace, or find the one that is already there.

        Args:
            name: The system's name.
            use: The system.
            workspace: Where runs lie.
            progress: Watches the calls and the scoring.
            again: Whether to ask a function again although its answers are there.

        Returns:
            The run's folder, and whether it was already there.
        """
        if use.function is not None:
            case_roles = {
                r: c
                for r, c in self.golden.golden.columns.items()
                if r in (*CASE_ROLES, "input", "input_file")
            }
            check_mapping([self.golden.file], case_roles, self.place("golden", "columns"))
        system = self._function(name, use) if use.function is not None else None
        answers = (
            None if system is not None else answers_of_file(self.connection, self.golden, use, self.folder)
        )
        system_hash = system.fingerprint() if system is not None else answers.fingerprint if answers else ""
        folder = workspace.run(name, self.key(use, system_hash))
        if not again and _is_sound(folder):
            return folder, True
        self._check_columns(answers.file if answers is not None else None)
        scorers = self.scorers()
        if system is not None:
            require_files(self.connection, "Asking a function case by case", [str(self.golden.file.path)])
        if answers is not None and is_warehouse(self.connection):
            self._run_in_warehouse(name, use, answers, folder, progress)
            return folder, False
        folder.path.mkdir(parents=True, exist_ok=True)
        pins: Mapping[str, str] = {}
        # Made aside and moved in whole, so that two processes may enter the same run at once.
        with tempfile.TemporaryDirectory(dir=folder.path, prefix=MAKING) as making, ExitStack() as held:
            aside = RunFolder(Path(making))
            if system is not None:
                held.enter_context(folder.locked())
                if again:
                    folder.journal.unlink(missing_ok=True)
                    folder.marker.unlink(missing_ok=True)
                pins = system.pins()
                journal_key = resume_key(self.golden.version, system_hash, self.spec.golden.repeats)
                if not again:
                    self._borrow_journal(workspace, folder, journal_key)
                plan = self._asked_plan(system, folder, aside.path, journal_key, scorers, progress)
            elif answers is not None:
                plan = self._recorded_plan(use, answers, scorers, aside.path, progress)
            progress.start(0, f"entering {name}")
            try:
                profile = self._build(name, plan, "making", aside.rows)
            finally:
                progress.finish()
            self.connection.execute("DROP VIEW making")
            if not again and _is_sound(folder):
                return folder, True
            aside.rows.replace(folder.rows)
        folder.commit(self._record(name, use, system_hash, scorers, profile, pins))
        # A file that holds the answers too is another version with every candidate.
        if answers is None or not answers.is_golden:
            self._keep_version(workspace)
        return folder, False

    def _keep_version(self, workspace: Workspace) -> None:
        """Keep hashes of the golden set's cases, so that later versions can be set against it."""
        # The run stands without them; `golden versions` says where only a version's hash is known.
        with suppress(InputError, OSError):
            remember(self.connection, self.golden, workspace)

    def _record(
        self,
        name: str,
        use: SystemUse,
        system_hash: str,
        scorers: Mapping[str, Scorer],
        profile: RowsProfile,
        pins: Mapping[str, str],
    ) -> dict[str, Any]:
        """Return what is written down about a finished run."""
        return {
            "system": name,
            "golden_path": self.spec.golden.path,
            "golden_version": self.golden.version,
            "system_hash": system_hash,
            "pins": dict(pins),
            "scorers": self._scorer_prints(scorers),
            "source": without_secret(str(use.recorded or use.function)),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "shipworthy": __version__,
            "profile": asdict(profile),
        }

    def _run_in_warehouse(
        self, name: str, use: SystemUse, answers: Answers, folder: RunFolder, progress: Progress
    ) -> None:
        """Make rows where the tables lie, and write down only what they are and what they hold."""
        profile = self._make_in_warehouse(name, use, answers, folder, progress)
        folder.path.mkdir(parents=True, exist_ok=True)
        record = self._record(name, use, answers.fingerprint, {}, profile, {})
        folder.commit(
            {**record, "warehouse": str(answers.file.path), "rows_hash": self._rows_hash(use, answers)}
        )

    def _rows_hash(self, use: SystemUse, answers: Answers) -> str:
        """Return the hash of rows in a warehouse: of the tables' content and all else that makes them."""
        return hash_record({"rows of": self.key(use, answers.fingerprint)})

    def _make_in_warehouse(
        self, name: str, use: SystemUse, answers: Answers, folder: RunFolder, progress: Progress
    ) -> RowsProfile:
        table = f"made_{len(self.made)}"
        progress.start(0, f"entering {name}")
        try:
            plan = self._recorded_plan(use, answers, self.scorers(), folder.path, progress)
            profile = self._build(name, plan, table)
        finally:
            progress.finish()
        self.made[folder.run_id] = (table, profile)
        return profile

    def _load_from_warehouse(self, folder: RunFolder, use: SystemUse | None, table: str) -> RunRows:
        """Return a run whose rows are made again from the tables that it was made from.

        Raises:
            StoreError: If the spec no longer names them.
            VerificationFailed: If the tables have changed since.
        """
        record = folder.read()
        if use is None or use.recorded is None or "warehouse" not in record:
            raise StoreError(
                f"The rows of {folder.run_id!r} lie in another engine than the golden set does now.",
                fix="Name a run of the present systems, or restore the spec that it was made with.",
            )
        answers = answers_of_file(self.connection, self.golden, use, self.folder)
        if self._rows_hash(use, answers) != record["rows_hash"]:
            raise VerificationFailed(
                f"The tables have changed since {folder.run_id!r} was made: its rows are not the ones "
                "that were judged.",
                where=str(answers.file.path),
                fix="Restore the tables as they were, or judge the present ones: shipworthy decide.",
            )
        if folder.run_id not in self.made:
            self._make_in_warehouse(str(record["system"]), use, answers, folder, Silent())
        made, profile = self.made[folder.run_id]
        view_rows(self.connection, made, table)
        pins = pins_of(folder, record, profile, self.spec.golden.max_unscored)
        return RunRows(pins.system, table, profile, pins, answers.outputs(), *self.golden.told())

    def expected_folder(self, name: str, use: SystemUse, workspace: Workspace) -> RunFolder:
        """Return where a system's run on the present golden set lies, made or not."""
        if use.function is not None:
            system_hash = self._function(name, use).fingerprint()
        else:
            system_hash = answers_of_file(self.connection, self.golden, use, self.folder).fingerprint
        return workspace.run(name, self.key(use, system_hash))

    def has_changed(self, pins: RunPins, use: SystemUse) -> bool:
        """Return whether a function is another one now than when it was run.

        Args:
            pins: What its run was made of.
            use: The system as the spec declares it now.
        """
        return self._function(pins.system, use).fingerprint() != pins.system_hash

    def load(self, folder: RunFolder, use: SystemUse | None, table: str) -> RunRows:
        """Return a finished run, ready to be measured.

        Args:
            folder: The run.
            use: The system as the spec declares it now; None where it no longer does.
            table: Name under which to attach its rows.
        """
        if is_warehouse(self.connection):
            return self._load_from_warehouse(folder, use, table)
        run = load_run(self.connection, folder, table, self.spec.golden.max_unscored)
        outputs: TextSource | None = None
        if use is not None and use.recorded is not None and is_there(use.recorded, self.folder):
            outputs = answers_of_file(self.connection, self.golden, use, self.folder).outputs()
        elif folder.journal.exists():
            outputs = journal_texts(folder.journal, tuple(part.name for part in fields(Output)))
        return RunRows(run.name, table, run.profile, run.pins, outputs, *self.golden.told())

    def _scorer_prints(self, scorers: Mapping[str, Scorer]) -> dict[str, str]:
        if not scorers:
            return {}
        from shipworthy.evaluate.scoring import fingerprint

        return {name: fingerprint(scorer, self.folder) for name, scorer in scorers.items()}

    def _function(self, name: str, use: SystemUse) -> FunctionSystem:
        # Asking systems brings asyncio and the import machinery; judging a file needs neither.
        from shipworthy.evaluate.systems.function import FunctionSystem

        # A system may read its whole corpus to name its pins; one decision asks for them once.
        if name not in self.functions:
            self.functions[name] = FunctionSystem(use, self.folder, name)
        return self.functions[name]

    # -- parts -------------------------------------------------------------------------------------------

    def _build(self, name: str, plan: RowsPlan, table: str, parquet: Path | None = None) -> RowsProfile:
        """Make one system's rows, with people's verdicts on its outputs beside them."""
        plan, labels = beside_answers(plan, self.spec, name, self.folder)
        profile = build_rows(self.connection, plan, table, parquet)
        met = labels_met(self.connection, table, labels, self.spec, self.folder)
        return replace(profile, labels=met) if met else profile

    def _wanted(self) -> Wanted:
        rules: list[Rule] = [gate.parsed for gate in self.spec.gates]
        slices: set[str] = set()
        numbers: set[str] = set()
        for metric in self.spec.measured_metrics():
            if metric.scorer is None:
                asked = parse_rule(f"{metric.id} >= 0")
                slices |= columns_of(asked)
                numbers |= numbers_of(asked)
        for gate, rule in zip(self.spec.gates, rules, strict=True):
            slices |= columns_of(rule) | {c.column for c in self.spec.population_of(gate).conditions}
            numbers |= numbers_of(rule)
        if locate(self.golden.file, "sampled", self.spec.golden.columns) is not None:
            slices.add("sampled")
        return wanted_columns(self.spec, slices, numbers)

    def _check_columns(self, answers: ForeignFile | None = None) -> None:
        """Refuse a slice or a condition on a column that no file has.

        Raises:
            SpecError: At its place in the spec, with the nearest column.
        """
        named = [(column, ("slices", index)) for index, column in enumerate(self.spec.slices)]
        for index, gate in enumerate(self.spec.gates):
            conditions = self.spec.population_of(gate).conditions
            columns = columns_of(gate.parsed) | {condition.column for condition in conditions}
            named += [(column, ("gates", index)) for column in sorted(columns)]
        scorers = {metric.id for metric in self.spec.metrics if metric.scorer is not None}
        ours = {*ROLES, *DERIVED, *scorers, *self.golden.golden.columns}
        files = [self.golden.file, *([answers] if answers is not None else [])]
        for column, place in named:
            if column in ours or any(file.find(column) is not None for file in files):
                continue
            systems = self.spec.systems.named().values()
            if any(column in use.columns or self._has_column(use, column) for use in systems):
                continue
            known = [name for file in files for name in file.names]
            raise SpecError(
                f"No file has the column {column!r}.", where=self.place(*place), fix=nearest(column, known)
            )

    def _has_column(self, use: SystemUse, column: str) -> bool:
        """Return whether a system's recorded file, where it is there, has a column."""
        if use.recorded is None or not is_there(use.recorded, self.folder):
            return False
        return open_source(self.connection, use.recorded, self.folder).find(column) is not None

    def _recorded_plan(
        self,
        use: SystemUse,
        answers: Answers,
        scorers: Mapping[str, Scorer],
        folder: Path,
        progress: Progress,
    ) -> RowsPlan:
        if not scorers:
            return plan_rows(self.spec, self.golden, answers, self._wanted(), system=use)
        require_files(self.connection, "A scorer", [str(self.golden.file.path), str(answers.file.path)])
        columns = {"case_id": answers.case_id}
        for role in (*OUTPUT_ROLES, "failed_reason", "unscored_reason"):
            text = locate(answers.file, role, answers.mapping)
            if text is not None:
                columns[role] = text
        outputs = (
            _output(row)
            for row in read_answers(self.connection, answers.file, answers.condition, columns)
            if row["case_id"] is not None
        )
        return self._scored_plan(use, answers, scorers, outputs, folder, progress)

    def _asked_plan(
        self,
        system: FunctionSystem,
        folder: RunFolder,
        aside: Path,
        journal_key: str,
        scorers: Mapping[str, Scorer],
        progress: Progress,
    ) -> RowsPlan:
        from shipworthy.evaluate.runner import run_cases
        from shipworthy.store.journal import Journal

        cases = list(self.golden.cases(self.connection))
        try:
            journal = Journal(folder.journal, journal_key)
        except StoreError:
            # Its cases are asked again; what people may still want to rescue from it is kept beside it.
            folder.journal.replace(folder.journal.with_name("outputs.damaged.jsonl"))
            journal = Journal(folder.journal, journal_key)
        run_cases(system, cases, self.spec.golden.repeats, journal, progress)
        outputs = Journal(folder.journal, journal_key).read()
        return self._scored_plan(
            system.use, None, scorers, outputs, aside, progress, {case.case_id: case for case in cases}
        )

    def _scored_plan(
        self,
        use: SystemUse,
        answers: Answers | None,
        scorers: Mapping[str, Scorer],
        outputs: Iterator[Output],
        folder: Path,
        progress: Progress,
        cases: Mapping[str, Case] | None = None,
    ) -> RowsPlan:
        """Score answers one by one into a file, and plan rows over it."""
        from shipworthy.evaluate.runner import COLUMNS, score_outputs

        known = cases if cases is not None else {c.case_id: c for c in self.golden.cases(self.connection)}
        path = folder / "scored.jsonl"
        grading = False
        progress.start(len(known) * self.spec.golden.repeats, "scoring")
        with path.open("w", encoding="utf-8") as file:
            judged = (output for output in outputs if output.case_id in known)
            for row in score_outputs(judged, known, scorers, progress):
                grading = grading or row["grade"] is not None
                file.write(json.dumps({name: _cell(value) for name, value in row.items()}) + "\n")
        progress.finish()
        if path.stat().st_size == 0:
            path.write_text("{}\n", encoding="utf-8")
        columns = tuple(dict.fromkeys([*COLUMNS, *scorers]))
        return plan_rows(
            self.spec,
            self.golden,
            answers,
            self._wanted(),
            scored=scored_relation(path, columns),
            scorers=tuple(scorers),
            grading=grading,
            system=use,
        )

    def _borrow_journal(self, workspace: Workspace, folder: RunFolder, journal_key: str) -> None:
        """Take over answers that the same system already gave, when only scoring changed."""
        if folder.journal.exists():
            return
        for other in workspace.runs():
            if other.journal.exists() and _header_key(other.journal) == journal_key:
                folder.journal.write_bytes(other.journal.read_bytes())
                return

    def _pins(
        self,
        run_id: str,
        name: str,
        system_hash: str,
        rows_hash: str,
        profile: RowsProfile,
        pins: Mapping[str, str],
    ) -> RunPins:
        return RunPins(
            run_id=run_id,
            system=name,
            golden_version=self.golden.version,
            system_hash=system_hash,
            rows_hash=rows_hash,
            cases=profile.cases,
            pins=dict(pins),
            denominator=denominator_of(profile, self.spec.golden.max_unscored),
        )


def load_run(connection: Connection, folder: RunFolder, table: str, tolerance: float) -> RunRows:
    """Return a finished run's rows and pins, checked against its marker.

    Args:
        connection: The engine.
        folder: The run.
        table: Name under which to attach its rows.
        tolerance: Largest tolerated share of unscored rows.

    Raises:
        StoreError: If the run is damaged or unfinished.
    """
    record = folder.read()
    if "warehouse" in record:
        raise StoreError(
            f"The rows of {folder.run_id!r} lie in a warehouse: {record['warehouse']}.",
            fix="Name a golden set in that warehouse, or a run over files.",
        )
    try:
        profile: RowsProfile = rebuild(RowsProfile, record["profile"])
    except (KeyError, TypeError) as error:
        raise _lacking(folder, error) from None
    pins = pins_of(folder, record, profile, tolerance)
    attach_rows(connection, folder.rows, table)
    return RunRows(pins.system, table, profile, pins)


def pins_of(folder: RunFolder, record: Mapping[str, Any], profile: RowsProfile, tolerance: float) -> RunPins:
    """Return what a finished run was made of.

    Args:
        folder: The run.
        record: Its marker.
        profile: Its rows' profile.
        tolerance: Largest tolerated share of unscored rows.

    Raises:
        StoreError: If the marker lacks something.
    """
    try:
        return RunPins(
            run_id=folder.run_id,
            system=record["system"],
            golden_version=record["golden_version"],
            system_hash=record["system_hash"],
            rows_hash=record["rows_hash"],
            cases=profile.cases,
            pins=record.get("pins", {}),
            denominator=denominator_of(profile, tolerance),
        )
    except (KeyError, TypeError) as error:
        raise _lacking(folder, error) from None


def _lacking(folder: RunFolder, error: Exception) -> StoreError:
    return StoreError(
        f"The run's marker lacks {error}.", where=str(folder.marker), fix="Run it again: shipworthy run."
    )


def _is_sound(folder: RunFolder) -> bool:
    try:
        folder.read()
    except StoreError:
        return False
    return True


def _header_key(journal: Path) -> str | None:
    try:
        with journal.open(encoding="utf-8") as file:
            header: Any = json.loads(file.readline())
            return str(header.get("key")) if isinstance(header, dict) else None
    except (OSError, ValueError):
        return None


def _output(row: Mapping[str, str | None]) -> Output:
    text = row.get("output")
    prediction = row.get("prediction")
    return Output(
        case_id=str(row["case_id"]),
        repeat=int(row.get("repeat") or 0),
        text=text if text is not None else prediction,
        prediction=prediction,
        predicted_score=_float(row.get("predicted_score")),
        latency_ms=_float(row.get("latency_ms")),
        run_cost=_float(row.get("run_cost")),
        failed=row.get("failed_reason"),
        unscored=row.get("unscored_reason"),
    )


def _float(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _cell(value: Any) -> str | None:
    return None if value is None else str(value)
