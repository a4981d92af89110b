"""Is the number in the output the right one?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shipworthy.errors import UsageError
from shipworthy.evaluate.answers import Take, accepted, as_text, close, number_in, spoken
from shipworthy.evaluate.scoring import EMPTY, NO_LABEL, scorer
from shipworthy.records import Case, Output, Score


@scorer("numeric")
@dataclass(frozen=True)
class Numeric:
    """The number in the output is the label's, within a tolerance.

    Reads `1,234.5`, `-$5`, `12.5%` (as 12.5, so write labels in the same unit), `6.02e23` and `6.02×10^23`.
    A comma as decimal sign is not read. Only the first (or last) 200,000 characters are searched.

    Args:
        tolerance: Largest difference, in the number's own unit.
        relative: Largest difference as a share of the label; the larger allowance of the two counts.
        take: Which number of the output: `first`, `last`, or `only` (several numbers are then a failure).

    Example:
        metrics:
          - {id: right_total, scorer: {numeric: {tolerance: 0.01, take: last}}}

    >>> case = Case("1", "6 boxes of 205.75?", label=1234.5)
    >>> Numeric(take="last").score(Output("1", text="6 × 205.75 = $1,234.50"), case)
    Score(value=1.0, grade=None, answer='1234.5', failed=None, unscored=None)
    >>> Numeric().score(Output("1", text="Quite a lot."), case).failed
    'no number in the output'
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    sole: ClassVar[str] = "tolerance"

    tolerance: float = 0.0
    relative: float = 0.0
    take: Take = "first"

    def __post_init__(self) -> None:
        if self.tolerance < 0 or self.relative < 0:
            raise UsageError("numeric: a tolerance is not negative")

    def score(self, output: Output, case: Case) -> Score:
        """Return 1 where the number agrees with an accepted one, else 0; the answer is the number."""
        labels = accepted(case)
        if not labels:
            return NO_LABEL
        said = spoken(output)
        if not said:
            return EMPTY
        found = number_in(said, self.take)
        if found is None:
            only = self.take == "only" and number_in(said, "first") is not None
            return Score(failed="more than one number in the output" if only else "no number in the output")
        right = False
        for label in labels:
            wanted = number_in(label, "only")
            if wanted is None:
                return Score(unscored=f"the label {label[:40]!r} is not one number")
            right = right or close(found, wanted, self.tolerance, self.relative)
        return Score(value=1.0 if right else 0.0, answer=as_text(found))
