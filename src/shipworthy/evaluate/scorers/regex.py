"""Is the part of the output that a pattern picks the expected answer?"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from shipworthy.errors import UsageError, nearest
from shipworthy.evaluate.answers import LONGEST_SCANNED, accepted, as_text, close, folded, number_in, spoken
from shipworthy.evaluate.scoring import EMPTY, NO_LABEL, scorer
from shipworthy.records import Case, Output, Score


@scorer("regex")
@dataclass(frozen=True)
class Regex:
    r"""A pattern finds the answer in the output, and the answer is compared with the label.

    A label in which the pattern occurs is read with it too. An output in which it does not occur has failed:
    it gave no answer in the expected form. Only the first (or last) 200,000 characters are searched. Avoid
    a repeat inside a repeat such as `(a+)+`: Python's engine may take hours over a short text, and nothing
    can stop it.

    Args:
        pattern: A regular expression in Python's syntax, searched anywhere.
        group: The group that is the answer, by number or name; by default the first, or the whole match.
        take: The `first` or the `last` match.
        as_: `as`: compare as `text` (blanks at the ends aside) or as `number`.
        tolerance: Largest difference between numbers.
        ignore_case: Whether letter case is ignored, in the pattern and in the comparison.

    Example:
        metrics:
          - {id: final_answer, scorer: {regex: {pattern: "####\\s*(\\S+)", take: last, as: number}}}

    >>> case = Case("1", "2 + 2?", label="4")
    >>> Regex(r"answer: (\w+)", take="last").score(Output("1", text="answer: 3? No, answer: 4"), case)
    Score(value=1.0, grade=None, answer='4', failed=None, unscored=None)
    >>> Regex(r"answer: (\w+)").score(Output("1", text="four"), case).failed
    'no match for /answer: (\\w+)/ in the output'
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    sole: ClassVar[str] = "pattern"

    pattern: str
    group: int | str | None = None
    take: Literal["first", "last"] = "first"
    as_: Literal["text", "number"] = "text"
    tolerance: float = 0.0
    ignore_case: bool = False
    _search: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            search = re.compile(self.pattern, re.IGNORECASE if self.ignore_case else 0)
        except (re.error, OverflowError, RecursionError) as error:
            raise UsageError(f"regex: the pattern /{self.pattern}/ is wrong: {error}") from error
        if isinstance(self.group, str) and self.group not in search.groupindex:
            raise UsageError(f"regex: no group {self.group!r}", fix=nearest(self.group, search.groupindex))
        if isinstance(self.group, int) and not 0 <= self.group <= search.groups:
            raise UsageError(f"regex: no group {self.group}; the pattern has {search.groups}")
        if self.tolerance < 0:
            raise UsageError("regex: a tolerance is not negative")
        object.__setattr__(self, "_search", search)

    def score(self, output: Output, case: Case) -> Score:
        """Return 1 where the answer found agrees with an accepted one, else 0; the answer is recorded."""
        # Reference answers are often written like the outputs; the pattern then finds the answer in both.
        labels = tuple(self._answer(label) or label for label in accepted(case))
        if not labels:
            return NO_LABEL
        said = spoken(output)
        if not said:
            return EMPTY
        answer = self._answer(said)
        if not answer:
            return Score(failed=f"no match for /{self.pattern}/ in the output")
        if self.as_ == "number":
            return self._compare_numbers(answer, labels)
        wanted = folded(answer, case=self.ignore_case, space=False)
        right = any(folded(label.strip(), case=self.ignore_case, space=False) == wanted for label in labels)
        return Score(value=1.0 if right else 0.0, answer=answer)

    def _answer(self, said: str) -> str:
        if self.take == "first":
            match = self._search.search(said[:LONGEST_SCANNED])
        else:
            match = None
            for later in self._search.finditer(said[-LONGEST_SCANNED:]):
                match = later
        if match is None:
            return ""
        group = self.group if self.group is not None else min(self._search.groups, 1)
        return (match[group] or "").strip()

    def _compare_numbers(self, answer: str, labels: tuple[str, ...]) -> Score:
        found = number_in(answer, "only")
        if found is None:
            return Score(failed=f"no number in what /{self.pattern}/ found in the output")
        right = False
        for label in labels:
            wanted = number_in(label, "only")
            if wanted is None:
                return Score(unscored=f"the label {label[:40]!r} is not one number")
            right = right or close(found, wanted, self.tolerance, 0.0)
        return Score(value=1.0 if right else 0.0, answer=as_text(found))
