"""Runs the rules over one spec: findings by line, those set aside apart, and what could not be looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from shipworthy.define.lint.facts import Facts
from shipworthy.define.lint.rule import RULES, Finding, LintRule, Promise, Severity
from shipworthy.define.reading import SpecFile
from shipworthy.define.spec import LEVELS

__all__ = ["Found", "NotLookedAt", "Report", "SetAside", "lint", "lint_at"]

#: YAML starts with a key of the spec, a sentence with a capital letter.
_YAML = re.compile(r"[a-z_]+:( |\n|$)")


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with its rule and its place.

    Args:
        code: The rule, such as SW301.
        severity: error, warning or info.
        line: One-based line in the spec: of the key, or of the nearest key above it that is there.
        key: The place as a dotted key, such as gates.2.rule.
        id: Id of the gate, mode or monitor it speaks of; "" where there is none.
        what: What is wrong, one sentence with names and numbers.
        why: Why it matters, one sentence.
        fix: The smallest change, as YAML or one sentence.
        example: Whether the YAML holds names or numbers that only the product's people know.
        missing: Whether the fix adds a key that is not there.
    """

    code: str
    severity: Severity
    line: int
    key: str
    id: str
    what: str
    why: str
    fix: str
    example: bool = False
    missing: bool = False

    @property
    def fix_kind(self) -> Literal["yaml", "words"]:
        """Whether the fix is YAML to paste or one sentence."""
        return "yaml" if _YAML.match(self.fix) else "words"


@dataclass(frozen=True, slots=True)
class SetAside:
    """A finding that somebody set aside.

    Args:
        found: The finding.
        reason: Why it does not apply, as written.
        owner: Who says so.
        until: Last day on which that counts.
    """

    found: Found
    reason: str
    owner: str
    until: date


@dataclass(frozen=True, slots=True)
class NotLookedAt:
    """Rules that need data which is absent.

    Args:
        because: Why it is absent.
        rules: Codes of the rules.
    """

    because: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What lint says of one spec.

    Args:
        path: The spec's file.
        level: Level at which it was checked.
        asked: Number of rules that were asked.
        findings: Findings by line.
        set_aside: Findings that somebody set aside.
        not_looked_at: Rules that could not look, by reason.
    """

    path: str
    level: str
    asked: int
    findings: tuple[Found, ...]
    set_aside: tuple[SetAside, ...]
    not_looked_at: tuple[NotLookedAt, ...]

    def of(self, severity: Severity) -> tuple[Found, ...]:
        """Return the findings of one severity, by line."""
        return tuple(found for found in self.findings if found.severity == severity)

    def fails(self, *, strict: bool = False) -> bool:
        """Return whether there are errors (or, when strict, warnings)."""
        return bool(self.of("error")) or (strict and bool(self.of("warning")))


def lint(file: SpecFile, facts: Facts, today: date) -> Report:
    """Ask every rule of the spec's level.

    Args:
        file: The spec.
        facts: What is known beside it.
        today: The day of the check.

    Returns:
        The findings by line; those that somebody set aside apart; and the rules that could not look.
    """
    promise = Promise(file, facts, today)
    asked: list[LintRule] = []
    blind: dict[str, list[str]] = {}
    for _code, one in RULES:
        if not file.spec.reaches(one.level):
            continue
        because = one.missing(facts)
        if because is not None:
            blind.setdefault(because, []).append(one.code)
        else:
            asked.append(one)
    first = list(_found(promise, (one for one in asked if not one.last)))
    kept, aside, idle = _set_aside(promise, first, {one.code for one in asked})
    kept += _found(replace(promise, idle=idle), (one for one in asked if one.last))
    return Report(
        path=str(file.path),
        level=file.spec.level,
        asked=len(asked),
        findings=tuple(sorted(kept, key=lambda found: (found.line, found.code, found.key))),
        set_aside=tuple(aside),
        not_looked_at=tuple(NotLookedAt(because, tuple(codes)) for because, codes in blind.items()),
    )


def lint_at(file: SpecFile, facts: Facts, today: date, level: str) -> Report:
    """Ask the rules of another level than the spec's own, to see what growing it would take.

    Args:
        file: The spec.
        facts: What is known beside it.
        today: The day of the check.
        level: judge, launch or operate.

    Returns:
        The report at that level.

    Raises:
        ValueError: If there is no such level.
    """
    if level not in LEVELS:
        raise ValueError(f"{level!r} is none of {', '.join(LEVELS)}")
    return lint(replace(file, spec=file.spec.model_copy(update={"level": level})), facts, today)


def _found(promise: Promise, rules: Iterable[LintRule]) -> Iterator[Found]:
    for one in rules:
        for finding in one.check(promise):
            yield _placed(promise, one, finding)


def _placed(promise: Promise, one: LintRule, finding: Finding) -> Found:
    return Found(
        code=one.code,
        severity=finding.severity or one.severity,
        line=_line(promise, finding),
        key=".".join(str(key) for key in finding.at),
        id=finding.id,
        what=finding.what,
        why=finding.why or one.why,
        fix=finding.fix,
        example=one.example,
        missing=finding.missing,
    )


def _line(promise: Promise, finding: Finding) -> int:
    return int(promise.file.where(*finding.at).rpartition(":")[2])


def _is_within(key: str, outer: str) -> bool:
    return key == outer or key.startswith(f"{outer}.")


def _set_aside(
    promise: Promise, found: list[Found], asked: set[str]
) -> tuple[list[Found], list[SetAside], tuple[int, ...]]:
    """Return the findings that stand, those set aside, and the suppressions that set nothing aside."""
    written = promise.spec.lint.ignore if promise.spec.lint is not None else []
    # A rule that cannot look today, or is not asked at this level, may well find something another day.
    idle = {index for index, one in enumerate(written) if one.rule in asked and one.expires >= promise.today}
    kept: list[Found] = []
    aside: list[SetAside] = []
    for one in found:
        matching = [
            index
            for index, by in enumerate(written)
            if by.rule == one.code
            and by.expires >= promise.today
            and (by.at is None or by.at == one.id or _is_within(one.key, by.at))
        ]
        idle.difference_update(matching)
        if matching:
            by = written[matching[0]]
            aside.append(SetAside(one, by.reason, by.owner, by.expires))
        else:
            kept.append(one)
    return kept, aside, tuple(sorted(idle))
