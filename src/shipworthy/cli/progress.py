"""The progress bar that commands show while systems are asked and files entered."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

__all__ = ["RichProgress"]


class RichProgress:
    """A progress bar on standard error, gone when the work is done."""

    def __init__(self) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[trouble]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None
        self._failed = 0
        self._unscored = 0

    def start(self, total: int, label: str) -> None:
        """Show a bar."""
        self._failed = self._unscored = 0
        self._bar.start()
        self._task = self._bar.add_task(label, total=total or None, trouble="")

    def advance(self, done: int = 0, *, failed: int = 0, unscored: int = 0) -> None:
        """Move it on."""
        self._failed += failed
        self._unscored += unscored
        if self._task is None:
            return
        trouble = [f"{self._failed:,} failed"] if self._failed else []
        trouble += [f"{self._unscored:,} unscored"] if self._unscored else []
        self._bar.update(self._task, advance=done, trouble=" · ".join(trouble))

    def finish(self) -> None:
        """Take it away."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        self._bar.stop()
