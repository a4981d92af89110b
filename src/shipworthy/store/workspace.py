"""The workspace of a product: runs with a commit marker, decisions that never change."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shipworthy.errors import StoreError, UsageError, nearest
from shipworthy.store.hashes import hash_file, hash_record, short
from shipworthy.store.texts import check_texts, put_back, set_apart

__all__ = ["FORMAT", "RunFolder", "Workspace", "write_atomically", "written"]

FOLDER = ".shipworthy"
FORMAT = 1


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that it is there whole or not at all.

    Args:
        path: Where to write.
        text: What to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; a record is meant to be read by the team.
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def written(whole: Mapping[str, Any]) -> str:
    """Return a record as the text of its file."""
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _lock(descriptor: int) -> None:
    """Lock an open file until it is closed; the system lets go of it when the process dies.

    Raises:
        OSError: If it is locked by another process.
    """
    try:
        import fcntl
    except ImportError:  # Windows, where nothing is locked.
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@dataclass(frozen=True)
class RunFolder:
    """One run at rest.

    Args:
        path: Its folder; the folder's name is the run's id.
    """

    path: Path

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.path.name

    @property
    def marker(self) -> Path:
        """run.json, written last: a run without it never happened."""
        return self.path / "run.json"

    @property
    def rows(self) -> Path:
        """The scored rows."""
        return self.path / "scores.parquet"

    @property
    def journal(self) -> Path:
        """The outputs, append-only."""
        return self.path / "outputs.jsonl"

    @property
    def is_committed(self) -> bool:
        """Whether the run was finished."""
        return self.marker.exists()

    @property
    def golden_path(self) -> str | None:
        """The set it was run on, as the spec named it; None where the marker does not say."""
        try:
            found = json.loads(self.marker.read_text(encoding="utf-8")).get("golden_path")
        except (OSError, ValueError, AttributeError):
            return None
        return found if isinstance(found, str) else None

    def commit(self, content: Mapping[str, Any]) -> None:
        """Write the commit marker over files that are already complete.

        Args:
            content: Pins and counts; the hash of the rows is added here, except of rows that stay in a
                warehouse, which brings it.
        """
        record = {"format": FORMAT, **content}
        if "warehouse" not in content:
            record["rows_hash"] = hash_file(self.rows)
        if self.journal.exists():
            record["outputs_hash"] = hash_file(self.journal)
        write_atomically(self.marker, json.dumps(record, indent=1, ensure_ascii=False) + "\n")

    def outputs_changed(self) -> bool:
        """Return whether the journal is no longer the one the run was scored from."""
        stated = self.read().get("outputs_hash")
        return stated is not None and (not self.journal.exists() or hash_file(self.journal) != stated)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from asking this run's system at the same time.

        Raises:
            StoreError: If another process is at it.
        """
        with (self.path / "lock").open("w") as file:
            try:
                _lock(file.fileno())
            except OSError:
                raise StoreError(
                    f"Another process is running {self.run_id!r} now.",
                    fix="Wait until it is done; then the same command finds its answers.",
                ) from None
            yield

    def read(self) -> dict[str, Any]:
        """Return the commit marker after checking it against the rows.

        Raises:
            StoreError: If the marker or the rows are missing, cut off or changed.
        """
        again = f"Run it again: shipworthy run {self.path.name.rsplit('-', 1)[0]}. Finished outputs are kept."
        try:
            record = json.loads(self.marker.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise StoreError(f"The run {self.run_id!r} was never finished.", fix=again) from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise StoreError(
                "The run's marker is cut off or damaged.", where=str(self.marker), fix=again
            ) from None
        if not isinstance(record, dict) or "rows_hash" not in record or "profile" not in record:
            raise StoreError("The run's marker is no run record.", where=str(self.marker), fix=again)
        if "warehouse" in record:
            # Nothing lies here to check: the rows are made again from the tables, and checked then.
            return record
        if not self.rows.exists():
            raise StoreError("The run's rows are missing.", where=str(self.rows), fix=again)
        if hash_file(self.rows) != record["rows_hash"]:
            raise StoreError(
                "The run's rows are cut off or were changed after the run.", where=str(self.rows), fix=again
            )
        return record


class Workspace:
    """The folder `.shipworthy` inside a product.

    Args:
        product: The product's folder.
    """

    def __init__(self, product: Path) -> None:
        self.path = product / FOLDER

    def run(self, system: str, key: str) -> RunFolder:
        """Return the folder of a system's run under a resume key, made or not.

        Args:
            system: The system's name.
            key: Content hash of everything that decides the run.
        """
        return RunFolder(self.path / "runs" / f"{system}-{short(key)}")

    def runs(self) -> list[RunFolder]:
        """Return all finished runs, newest first."""
        folder = self.path / "runs"
        if not folder.is_dir():
            return []
        found = [RunFolder(path) for path in folder.iterdir() if (path / "run.json").exists()]
        return sorted(found, key=lambda run: (-run.marker.stat().st_mtime_ns, run.run_id))

    def find_run(self, name: str, systems: Sequence[str] = ()) -> RunFolder:
        """Return the run with an id, an unambiguous beginning of one, or the newest of a system.

        Args:
            name: Run id, its beginning, or a system's name.
            systems: Names of systems, for the hint when nothing has the name.

        Raises:
            UsageError: If there is none, or more than one.
        """
        runs = self.runs()
        exact = [run for run in runs if run.run_id == name]
        of_system = [run for run in runs if run.run_id.rsplit("-", 1)[0] == name]
        if exact or of_system:
            return (exact or of_system)[0]
        begun = [run for run in runs if run.run_id.startswith(name)]
        if len(begun) == 1:
            return begun[0]
        known = [*systems, *(run.run_id for run in runs)]
        what = (
            f"{name!r} is the beginning of several runs." if begun else f"There is no run or system {name!r}."
        )
        raise UsageError(what, fix=nearest(name, known) if known else "Make one with `shipworthy run`.")

    def write_decision(self, record: Mapping[str, Any]) -> tuple[str, Path]:
        """Write a decision under its own content hash, which covers texts of cases by their hashes.

        Args:
            record: The decision, JSON-ready.

        Returns:
            (id, path).
        """
        content, texts = set_apart(record)
        content_hash = hash_record(content)
        decision_id = short(content_hash)
        path = self.path / "decisions" / f"{decision_id}.json"
        whole = {"format": FORMAT, "id": decision_id, "hash": content_hash, "decision": content}
        write_atomically(path, written(whole | ({"texts": texts} if texts else {})))
        return decision_id, path

    def decision_ids(self) -> list[str]:
        """Return the ids of all decisions, oldest first."""
        folder = self.path / "decisions"
        if not folder.is_dir():
            return []
        found = []
        for path in folder.glob("*.json"):
            try:
                decided = json.loads(path.read_text(encoding="utf-8"))["decision"]["decided_at"]
            except (ValueError, KeyError, TypeError):
                decided = ""
            found.append((str(decided), path.stat().st_mtime_ns, path.stem))
        return [stem for _decided, _written, stem in sorted(found)]

    def read_decision(self, decision_id: str) -> dict[str, Any]:
        """Return a decision's record after checking its content hash, with its texts.

        Args:
            decision_id: Id, an unambiguous beginning of one, or "latest".

        Raises:
            UsageError: If there is no such decision.
            StoreError: If it was changed or cut off.
        """
        whole = self.read_sealed(decision_id)
        return put_back(whole["decision"], whole["texts"])

    def read_sealed(self, decision_id: str) -> dict[str, Any]:
        """Return a decision's file after checking it, as its hash covers it.

        Args:
            decision_id: Id, an unambiguous beginning of one, or "latest".

        Returns:
            `hash`, `decision` with hashes in place of texts of cases, and `texts`.

        Raises:
            UsageError: If there is no such decision.
            StoreError: If it was changed or cut off.
        """
        ids = self.decision_ids()
        if decision_id == "latest" and ids:
            decision_id = ids[-1]
        begun = [known for known in ids if known.startswith(decision_id)]
        if len(begun) != 1:
            what = "There is no decision yet." if not ids else f"There is no decision {decision_id!r}."
            raise UsageError(what, fix=nearest(decision_id, ids) if ids else "Make one: shipworthy decide.")
        path = self.path / "decisions" / f"{begun[0]}.json"
        try:
            whole = json.loads(path.read_text(encoding="utf-8"))
            record = dict(whole["decision"])
            stated = whole["hash"]
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError):
            raise StoreError(
                "The decision is cut off or damaged.", where=str(path), fix="Restore it from version control."
            ) from None
        if hash_record(record) != stated or short(stated) != begun[0]:
            raise StoreError(
                "The decision was changed after it was written: its content hash no longer matches.",
                where=str(path),
                fix="Restore it from version control; a new decision is a new record.",
            )
        return {"hash": stated, "decision": record, "texts": check_texts(whole.get("texts"), str(path))}
