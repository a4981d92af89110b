"""What git knows, where there is git: its configuration and its tags."""

from __future__ import annotations

import subprocess
from pathlib import Path

from shipworthy.errors import UsageError

__all__ = ["git", "git_or_refuse"]

GIT_SECONDS = 20.0


def git(folder: Path, *words: str) -> str | None:
    """Return what git says in a folder; None where it fails or is not there.

    Args:
        folder: Where it is asked.
        words: Its arguments.
    """
    done = _asked(folder, words)
    return done.stdout if done is not None and done.returncode == 0 else None


def git_or_refuse(folder: Path, *words: str) -> str:
    """Return what git says in a folder.

    Args:
        folder: Where it is asked.
        words: Its arguments.

    Raises:
        UsageError: If it is not there or refuses.
    """
    done = _asked(folder, words)
    if done is None:
        raise UsageError("git is not there, or does not answer.", fix="Install git, or leave out --git.")
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason"])[0]
        raise UsageError(f"git refuses: {said}.", fix="Do it by hand; the command stands in the help.")
    return done.stdout


def _asked(folder: Path, words: tuple[str, ...]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(  # noqa: S603  git itself, with words and no shell
            ["git", "-C", str(folder), *words],  # noqa: S607  wherever the machine has it
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
