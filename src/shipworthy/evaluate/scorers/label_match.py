"""Is the predicted class the right one?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shipworthy.evaluate.answers import accepted, folded, spoken
from shipworthy.evaluate.scoring import EMPTY, NO_LABEL, scorer
from shipworthy.records import Case, Output, Score


@scorer("label_match")
@dataclass(frozen=True)
class LabelMatch:
    r"""The predicted class is the label, whatever its letter case and blanks.

    The prediction is read where the system gives one, else the text. A matched answer is recorded in the
    label's own spelling, so that `Spam` and `spam ` are one class.

    Args:
        classes: All classes there are; an output that is none of them has failed. Without it every output
            counts as an answer.

    Example:
        metrics:
          - {id: accuracy, scorer: {label_match: [spam, ham]}}

    >>> case = Case("1", "Win a prize!", label="spam")
    >>> LabelMatch().score(Output("1", text=" SPAM\n"), case)
    Score(value=1.0, grade=None, answer='spam', failed=None, unscored=None)
    >>> LabelMatch(classes=("spam", "ham")).score(Output("1", text="I cannot say."), case).failed
    'no known class in the output'
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    sole: ClassVar[str] = "classes"

    classes: tuple[str, ...] = ()

    def score(self, output: Output, case: Case) -> Score:
        """Return 1 where the predicted class is accepted, else 0; the answer is the class."""
        labels = accepted(case)
        if not labels:
            return NO_LABEL
        said = output.prediction if output.prediction and output.prediction.strip() else spoken(output)
        if not said:
            return EMPTY
        wanted = folded(said, case=True, space=True)
        for label in labels:
            if folded(label, case=True, space=True) == wanted:
                return Score(value=1.0, answer=label)
        for known in self.classes:
            if folded(known, case=True, space=True) == wanted:
                return Score(value=0.0, answer=known)
        if self.classes:
            return Score(failed="no known class in the output")
        return Score(value=0.0, answer=said.strip())
