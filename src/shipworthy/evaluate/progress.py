"""What long work tells whoever watches it."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Progress", "Silent", "Tally"]

PUSH_EVERY_S = 0.05


class Progress(Protocol):
    """A watcher of long work; a progress bar is one."""

    def start(self, total: int, label: str) -> None:
        """Hear that work begins.

        Args:
            total: Outputs planned, those of an earlier attempt included.
            label: What is done, in words.
        """

    def advance(self, done: int = 0, *, failed: int = 0, unscored: int = 0) -> None:
        """Hear that work went on.

        Args:
            done: Outputs completed since the last call, of whatever fate.
            failed: How many of these failed.
            unscored: How many of these are unscored.
        """

    def finish(self) -> None:
        """Hear that work ended, for whatever reason."""


class Silent:
    """The watcher that says nothing."""

    def start(self, total: int, label: str) -> None:
        """Say nothing."""

    def advance(self, done: int = 0, *, failed: int = 0, unscored: int = 0) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""


class Tally:
    """Counts fates and passes them on a few times a second, so that drawing a bar never slows the work.

    Args:
        progress: Who hears of it.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._done = self._failed = self._unscored = 0
        self._pushed = time.monotonic()

    def count(self, *, failed: bool, unscored: bool) -> None:
        """Count one completed output by its fate."""
        self._done += 1
        self._failed += failed
        self._unscored += unscored
        # The clock is read now and then only: it costs as much as the counting.
        if self._done & 63 == 0:
            self.push_if_due()

    def push_if_due(self) -> None:
        """Pass the counts on if the last time is long enough ago."""
        if time.monotonic() - self._pushed >= PUSH_EVERY_S:
            self.push()

    def push(self) -> None:
        """Pass the counts on now."""
        if self._done:
            self._progress.advance(done=self._done, failed=self._failed, unscored=self._unscored)
        self._done = self._failed = self._unscored = 0
        self._pushed = time.monotonic()
