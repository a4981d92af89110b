"""A rule of lint: a function whose docstring is its explanation, under its code in one registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

from shipworthy.define.lint.facts import Facts, GoldenFacts, RunFacts, Unknown
from shipworthy.define.reading import SpecFile
from shipworthy.define.sizing import GateQuestion, GateSize, size_gate
from shipworthy.define.spec import Gate, Spec
from shipworthy.registry import Registry

__all__ = ["RULES", "Finding", "LintRule", "Promise", "Severity", "rule"]

Severity = Literal["error", "warning", "info"]
Need = Literal["golden", "runs", "traffic", "labels"]
Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class Promise:
    """What rules look at.

    Args:
        file: The spec with the line of each key.
        facts: What is known beside it.
        today: The day of the check; rules about age compare with it.
        idle: Indexes of suppressions that set nothing aside; known to the rules that are asked last.
    """

    file: SpecFile
    facts: Facts
    today: date
    idle: tuple[int, ...] = ()

    @property
    def spec(self) -> Spec:
        """The spec."""
        return self.file.spec

    @property
    def golden(self) -> GoldenFacts | None:
        """The golden set's counts; None where they are not known."""
        return self.facts.golden if isinstance(self.facts.golden, GoldenFacts) else None

    @property
    def runs(self) -> RunFacts | None:
        """What runs say; None where nothing is known."""
        return self.facts.runs if isinstance(self.facts.runs, RunFacts) else None

    def sizes(self) -> Iterator[tuple[int, Gate, GateSize]]:
        """Yield each gate that can be read with its index and its size: what its cases can prove."""
        for index, gate in enumerate(self.spec.gates):
            question = self.facts.questions.get(gate.id)
            if question is not None:
                yield index, gate, _size(question)


@cache
def _size(question: GateQuestion) -> GateSize:
    return size_gate(question)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found at one place.

    Args:
        at: Keys and indexes of the place in the spec, such as ("gates", 2, "rule"); a missing key's own path.
        what: What is wrong, one sentence with names and numbers.
        fix: The smallest change, as YAML that can be pasted (or one sentence where no YAML mends it).
        id: Id of the gate, mode, monitor ... it speaks of; "" where there is none.
        severity: Another severity than the rule's own; None for the rule's.
        why: Another sentence why it matters than the rule's own; "" for the rule's.
        missing: Whether it asks for a key that is not there, so that the fix adds one.
    """

    at: Keys
    what: str
    fix: str
    id: str = ""
    severity: Severity | None = None
    why: str = ""
    missing: bool = False


Check = Callable[[Promise], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class LintRule:
    """One rule.

    Args:
        code: SW and three digits; the first is the family.
        severity: How bad a finding is, unless it says otherwise.
        level: Lowest level of a spec at which it is asked.
        needs: Data without which it cannot look; where that is absent, lint says so and goes on.
        check: Yields the findings.
        last: Whether it is asked after all others, about what they found.
        example: Whether its YAML holds names or numbers that only the product's people know.
    """

    code: str
    severity: Severity
    level: str
    needs: tuple[Need, ...]
    check: Check
    last: bool = False
    example: bool = False

    @property
    def title(self) -> str:
        """What is wrong when it fires: the docstring's first sentence."""
        return self._parts()[0]

    @property
    def why(self) -> str:
        """Why it matters, one sentence: the docstring's second paragraph."""
        return self._parts()[1]

    @property
    def explanation(self) -> str:
        """The whole docstring: what, why, and what to do."""
        return inspect.getdoc(self.check) or ""

    def _parts(self) -> tuple[str, str]:
        paragraphs = [" ".join(part.split()) for part in self.explanation.split("\n\n")]
        return paragraphs[0], paragraphs[1]

    def missing(self, facts: Facts) -> str | None:
        """Return why it cannot look; None where it can."""
        for need in self.needs:
            known = getattr(facts, need)
            if isinstance(known, Unknown):
                return known.because
        return None


RULES: Registry[LintRule] = Registry("rule", "shipworthy.define.lint.families")


def rule(
    code: str,
    severity: Severity,
    *,
    level: str = "launch",
    needs: tuple[Need, ...] = (),
    last: bool = False,
    example: bool = False,
) -> Callable[[Check], Check]:
    """Return a decorator that files a rule of lint.

    The function's docstring has three paragraphs: what is wrong (one sentence), why it matters (one
    sentence), and what to do.

    Args:
        code: SW and three digits.
        severity: error, warning or info.
        level: Lowest level of a spec at which it is asked: judge, launch or operate.
        needs: Data without which it cannot look: golden, runs, traffic, labels.
        last: Whether it is asked after all others, about what they found.
        example: Whether its YAML holds names or numbers that only the product's people know; it is then shown
            as an example.
    """

    def file(check: Check) -> Check:
        RULES.register(code)(LintRule(code, severity, level, needs, check, last, example))
        return check

    return file
