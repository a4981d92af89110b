"""Is the output the expected answer?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shipworthy.evaluate.answers import accepted, folded, spoken
from shipworthy.evaluate.scoring import NO_LABEL, scorer
from shipworthy.records import Case, Output, Score


@scorer("exact")
@dataclass(frozen=True)
class Exact:
    r"""The output is the label, or one of its accepted answers, character by character.

    Models like to end with a line break or a full stop; say `ignore_space`, or use `label_match`, `regex` or
    `contains` where that is no error.

    Args:
        ignore_case: Whether letter case is ignored.
        ignore_space: Whether blanks at the ends, and their number inside, are ignored.

    Example:
        metrics:
          - {id: accuracy, scorer: {exact: {ignore_case: true, ignore_space: true}}}

    >>> case = Case("1", "Capital of France?", label=["Paris", "Paris, France"])
    >>> Exact().score(Output("1", text="Paris"), case).value
    1.0
    >>> Exact().score(Output("1", text="paris\n"), case).value
    0.0
    >>> Exact(ignore_case=True, ignore_space=True).score(Output("1", text="paris\n"), case).value
    1.0
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1

    ignore_case: bool = False
    ignore_space: bool = False

    def score(self, output: Output, case: Case) -> Score:
        """Return 1 where the output is an accepted answer, else 0."""
        labels = accepted(case)
        if not labels:
            return NO_LABEL
        said = self._fold(spoken(output))
        right = said in labels or any(said == self._fold(label) for label in labels)
        return Score(value=1.0 if right else 0.0, answer=said)

    def _fold(self, text: str) -> str:
        return folded(text, case=self.ignore_case, space=self.ignore_space)
