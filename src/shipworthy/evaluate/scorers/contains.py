"""Does the output contain what it must, or what it must not?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from shipworthy.errors import UsageError
from shipworthy.evaluate.answers import accepted, spoken
from shipworthy.evaluate.scoring import EMPTY, NO_LABEL, RIGHT, WRONG, scorer
from shipworthy.records import Case, Output, Score


@scorer("contains")
@dataclass(frozen=True)
class Contains:
    """The output contains given texts, or the label, anywhere.

    It says nothing about what else the output says: an answer that contains the right word may still deny it.

    Args:
        texts: The texts; without any, the accepted answers of the case.
        require: `all` or `any` of them; by default all of the texts given here, any of the accepted answers.
        ignore_case: Whether letter case is ignored.
        forbidden: Whether the output must contain none of them instead.

    Example:
        metrics:
          - {id: names_the_deadline, scorer: {contains: [refund, 14 days]}}
          - {id: no_promise, scorer: {contains: {texts: [guarantee], forbidden: true, ignore_case: true}}}

    >>> case = Case("1", "Can I send it back?")
    >>> Contains(("refund", "14 days")).score(Output("1", text="A refund within 14 days."), case).value
    1.0
    >>> Contains(("guarantee",), forbidden=True).score(Output("1", text="We guarantee it."), case).value
    0.0
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    sole: ClassVar[str] = "texts"

    texts: tuple[str, ...] = ()
    require: Literal["all", "any"] | None = None
    ignore_case: bool = False
    forbidden: bool = False

    def __post_init__(self) -> None:
        if "" in self.texts:
            raise UsageError("contains: an empty text is in every output", fix="Leave it out.")
        if self.forbidden and self.require is not None:
            raise UsageError("contains: `forbidden` asks for none of the texts", fix="Leave out `require`.")

    def score(self, output: Output, case: Case) -> Score:
        """Return 1 where the output contains what it must (or nothing that it must not), else 0."""
        wanted = self.texts or tuple(label for label in accepted(case) if label)
        if not wanted:
            return NO_LABEL
        said = spoken(output)
        if not said:
            return EMPTY
        if self.ignore_case:
            said, wanted = said.casefold(), tuple(text.casefold() for text in wanted)
        found = (text in said for text in wanted)
        if self.forbidden:
            return WRONG if any(found) else RIGHT
        every = self.require == "all" or (self.require is None and bool(self.texts))
        return RIGHT if (all(found) if every else any(found)) else WRONG
