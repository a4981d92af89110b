"""What does your own Python function say?"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from shipworthy.errors import UsageError, nearest
from shipworthy.evaluate.loading import is_async, load_function
from shipworthy.evaluate.scoring import RIGHT, WRONG, scorer
from shipworthy.records import Case, Output, Score

GRADES = ("good", "poor", "harmful")


@scorer("function")
@dataclass(frozen=True)
class Function:
    """Your own function `(output, case)` gives the verdict.

    It receives the `Output` (`.text`, `.prediction`, `.predicted_score`, ...) and the `Case` (`.input`,
    `.label`, `.stratum`, `.columns`), and returns one of: true or false; a number; a grade, which is "good",
    "poor" or "harmful"; a `Score`; or None where it has no answer, which leaves the output unscored. If it
    raises, the output is unscored as well. Outputs that failed or are empty never reach it.

    Args:
        function: `module:name`, found in the product's folder or among what is installed.

    Example:
        metrics:
          - {id: grade, scorer: {function: "grading:grade"}}

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     code = "def polite(output, case): return 'please' in output.text"
    ...     _ = Path(folder, "manners.py").write_text(code)
    ...     polite = Function("manners:polite", folder=Path(folder))
    >>> polite.score(Output("1", text="Wait, please."), Case("1", "?")).value
    1.0
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    sole: ClassVar[str] = "function"

    function: str
    folder: Path = field(default=Path(), repr=False)
    files: tuple[Path, ...] = field(init=False, repr=False, compare=False)
    _call: Callable[[Output, Case], Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        loaded = load_function(self.function, self.folder, arguments=2)
        if is_async(loaded.call):
            raise UsageError(f"The scorer {self.function!r} is async", fix="Write it with `def`.")
        object.__setattr__(self, "files", loaded.files)
        object.__setattr__(self, "_call", loaded.call)

    def __reduce__(self) -> tuple[type[Function], tuple[str, Path]]:
        return Function, (self.function, self.folder)

    def score(self, output: Output, case: Case) -> Score:
        """Return what the function says, as a score."""
        return _as_score(self._call(output, case))


def _as_score(said: Any) -> Score:
    # Numbers and truths of NumPy and its kin know how to become Python's own.
    if not isinstance(said, (str, bool, int, float, Score)) and hasattr(said, "item"):
        said = said.item()
    if isinstance(said, bool):
        return RIGHT if said else WRONG
    if isinstance(said, Score):
        return said
    if isinstance(said, (int, float)):
        return _number(said)
    if isinstance(said, str):
        grade = said.strip().lower()
        if grade in GRADES:
            return Score(grade=grade)
        return Score(unscored=f"scorer gave {said[:40]!r}, which is no grade. {nearest(grade[:40], GRADES)}")
    if said is None:
        return Score(unscored="scorer gave no answer")
    if inspect.iscoroutine(said):
        said.close()
    return Score(
        unscored=f"scorer gave a {type(said).__name__}, not true, false, a number, a grade or a Score"
    )


def _number(said: float) -> Score:
    try:
        return Score(value=float(said))
    except OverflowError:
        return Score(unscored="scorer gave a number too large to hold")
