"""The one error tree: every message says what is wrong, where, and what to do.

ShipworthyError                 exit code
├── UsageError                  2   a wrong call: unknown command word, option or name
├── SpecError                   2   shipworthy.yaml is wrong (file and line)
│   └── RuleError               2   a gate's rule does not parse (position in the rule)
├── InputError                  2   a golden set, outputs or predictions file is wrong (file, line or id)
├── SystemLoadError             2   a system under test cannot be loaded at all
├── StoreError                  3   a run or a decision at rest is damaged or missing
├── VerificationFailed          3   a decision no longer holds when recomputed
└── ProviderUnreachable         -   raised by systems: the road failed, not the system (case is unscored)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "InputError",
    "ProviderUnreachable",
    "RuleError",
    "ShipworthyError",
    "SpecError",
    "StoreError",
    "SystemLoadError",
    "UsageError",
    "VerificationFailed",
    "nearest",
]


class ShipworthyError(Exception):
    """Anything Shipworthy refuses, with one clear message.

    Args:
        what: What is wrong, with the value in repr.
        where: File and line, or an id; empty where the call itself is wrong.
        fix: What to do.
    """

    exit_code = 3

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what = what
        self.where = where
        self.fix = fix
        super().__init__(str(self))

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  → {self.fix}" if self.fix else head


class UsageError(ShipworthyError):
    """The call is wrong: an unknown name, a missing option, an impossible combination."""

    exit_code = 2


class SpecError(ShipworthyError):
    """The spec is wrong; `where` carries file and line."""

    exit_code = 2


class RuleError(SpecError):
    """A gate's rule does not parse.

    Args:
        what: What is wrong.
        rule: The rule as written.
        position: Zero-based column in the rule at which it went wrong.
        where: File and line of the rule, where known.
        fix: What to do.
    """

    def __init__(self, what: str, *, rule: str, position: int, where: str = "", fix: str = "") -> None:
        self.rule = rule
        self.position = position
        super().__init__(what, where=where, fix=fix)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        pointer = f"\n    {self.rule}\n    {' ' * self.position}^"
        return head + pointer + (f"\n  → {self.fix}" if self.fix else "")

    def at(self, where: str) -> RuleError:
        """Return the same error, placed at a file and line."""
        return RuleError(self.what, rule=self.rule, position=self.position, where=where, fix=self.fix)


class InputError(ShipworthyError):
    """A golden set, outputs or predictions file is wrong."""

    exit_code = 2


class SystemLoadError(ShipworthyError):
    """A system under test, or a scorer written as a function, cannot be loaded at all."""

    exit_code = 2


class StoreError(ShipworthyError):
    """A run or a decision at rest is damaged or missing."""

    exit_code = 3


class VerificationFailed(ShipworthyError):
    """A decision no longer holds when it is recomputed from its run."""

    exit_code = 3


class ProviderUnreachable(ShipworthyError):
    """Raise this inside a system when the road to it failed, not the system itself.

    The case is then *unscored* (tolerated up to `golden.max_unscored`) instead of *failed*.
    """

    exit_code = 3


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known name, or lists a few when none is near.

    Args:
        name: What was written.
        known: The valid names.

    Returns:
        A sentence, never empty.

    >>> nearest("recal", ["recall", "precision"])
    "Did you mean 'recall'?"
    """
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    if not names:
        return "There is none to choose from."
    shown = ", ".join(names[:12])
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"Known: {shown}{more}."
