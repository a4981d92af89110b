"""Run a system over cases, and score what it said."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from shipworthy.errors import InputError, UsageError
from shipworthy.evaluate.calling import Call, Caller, caller_of
from shipworthy.evaluate.progress import Progress, Tally
from shipworthy.evaluate.scoring import Scorer, score_one
from shipworthy.evaluate.systems.function import FunctionSystem
from shipworthy.records import Case, Output
from shipworthy.store.journal import Journal

__all__ = ["COLUMNS", "run_cases", "score_outputs"]

#: Columns of a scored row beside one for each scorer.
COLUMNS = (
    "case_id",
    "repeat",
    "prediction",
    "predicted_score",
    "latency_ms",
    "run_cost",
    "grade",
    "failed_reason",
    "unscored_reason",
)

_LOOK_EVERY_S = 0.1


def run_cases(
    system: FunctionSystem, cases: Sequence[Case], repeats: int, journal: Journal, progress: Progress
) -> None:
    """Ask a system every case that the journal lacks, and journal each output as it completes.

    Completed and failed outputs of an earlier attempt are kept; unscored ones are asked again. The journal is
    closed at the end, also when the run is interrupted: then nothing that completed is lost.

    Args:
        system: The system.
        cases: The cases, with distinct ids.
        repeats: How often each case is asked, from 1.
        journal: Where outputs go, and what an earlier attempt left.
        progress: Hears of start, advance and finish.

    Raises:
        KeyboardInterrupt: If the user interrupts; a later call goes on from there.
        StoreError: If the disk refuses.
    """
    done = journal.done()
    asked = [(case, repeat) for repeat in range(repeats) for case in cases]
    missing = [(case, repeat) for case, repeat in asked if (case.case_id, repeat) not in done]
    batch = system.use.batch
    calls: list[Call] = [missing[start : start + batch] for start in range(0, len(missing), batch)]
    progress.start(len(asked), f"asking {system.name}")
    progress.advance(done=len(asked) - len(missing))
    caller = caller_of(system, calls)
    tally = Tally(progress)
    try:
        with _interrupts_noted() as interrupted:
            caller.start()
            _collect(caller, len(calls), journal, tally, interrupted)
    finally:
        caller.stop()
        _keep_the_rest(caller, journal, tally)
        journal.close()
        tally.push()
        progress.finish()


def score_outputs(
    outputs: Iterable[Output],
    case_of: Callable[[str], Case] | Mapping[str, Case],
    scorers: Mapping[str, Scorer],
    progress: Progress,
) -> Iterator[dict[str, Any]]:
    """Yield one flat row for each output: `COLUMNS` and one column for each scorer.

    A failed output, or one that any scorer finds failed, has the value 0.0 for every scorer. Where a scorer
    could not do its work, `unscored_reason` says so and that scorer's value is None. `prediction` is the
    output's own, else the first answer that a scorer found, else (without any scorer) the text.

    Args:
        outputs: The outputs, in any order; they are read one by one.
        case_of: The cases by id.
        scorers: The scorers by the column that each fills.
        progress: Hears of `advance`; start and finish are the caller's.

    Raises:
        UsageError: If a scorer's column has the name of another column.
        InputError: If an output is about an unknown case.
    """
    for name in scorers:
        if name in COLUMNS:
            raise UsageError(f"A scored metric cannot be called {name!r}", fix="Give it another id.")
    return _rows(
        outputs, case_of.__getitem__ if isinstance(case_of, Mapping) else case_of, scorers, Tally(progress)
    )


def _rows(
    outputs: Iterable[Output], case_of: Callable[[str], Case], scorers: Mapping[str, Scorer], tally: Tally
) -> Iterator[dict[str, Any]]:
    named = tuple(scorers.items())
    zeros, blanks = dict.fromkeys(scorers, 0.0), dict.fromkeys(scorers)
    for output in outputs:
        row = {
            "case_id": output.case_id,
            "repeat": output.repeat,
            "prediction": output.prediction,
            "predicted_score": output.predicted_score,
            "latency_ms": output.latency_ms,
            "run_cost": output.run_cost,
            "grade": None,
            "failed_reason": output.failed,
            "unscored_reason": output.unscored,
        }
        if output.failed is not None:
            row.update(zeros)
        elif output.unscored is not None:
            row.update(blanks)
        else:
            try:
                case = case_of(output.case_id)
            except KeyError as error:
                fix = "Start a new run: the golden set has changed."
                raise InputError("An output is about no known case", where=output.case_id, fix=fix) from error
            _score(row, output, case, named)
            if row["failed_reason"] is not None:
                row.update(zeros)
        tally.count(failed=row["failed_reason"] is not None, unscored=row["unscored_reason"] is not None)
        yield row
    tally.push()


def _score(row: dict[str, Any], output: Output, case: Case, named: Iterable[tuple[str, Scorer]]) -> None:
    """Fill a row with what each scorer says."""
    for name, scorer in named:
        score = score_one(scorer, output, case)
        row[name] = score.value
        if score.answer is not None and row["prediction"] is None:
            row["prediction"] = score.answer
        if score.grade is not None and row["grade"] is None:
            row["grade"] = score.grade
        if score.failed is not None:
            # The system's own fault outweighs the instrument's: one row has one fate.
            row["failed_reason"], row["unscored_reason"], row["grade"] = score.failed, None, None
            return
        if score.unscored is not None and row["unscored_reason"] is None:
            row["unscored_reason"] = score.unscored
    if not named and row["prediction"] is None and output.text is not None:
        row["prediction"] = output.text.strip() or None


def _collect(
    caller: Caller, calls: int, journal: Journal, tally: Tally, interrupted: Callable[[], bool]
) -> None:
    """Journal the outputs of so many calls, or until the user interrupts."""
    watched = time.monotonic()
    while calls and not interrupted():
        with suppress(queue.Empty):
            _keep(caller.finished.get(timeout=_LOOK_EVERY_S), journal, tally)
            calls -= 1
        now = time.monotonic()
        if now - watched >= _LOOK_EVERY_S:
            watched = now
            caller.watch()
            tally.push_if_due()
    if interrupted():
        raise KeyboardInterrupt


def _keep(outputs: Iterable[Output], journal: Journal, tally: Tally) -> None:
    for output in outputs:
        journal.append(output)
        tally.count(failed=output.failed is not None, unscored=output.unscored is not None)


def _keep_the_rest(caller: Caller, journal: Journal, tally: Tally) -> None:
    """Journal what completed after an interruption; these calls were paid for."""
    while True:
        try:
            outputs = caller.finished.get_nowait()
        except queue.Empty:
            return
        _keep(outputs, journal, tally)


@contextmanager
def _interrupts_noted() -> Iterator[Callable[[], bool]]:
    """Note the first Ctrl-C instead of raising in the middle of a write; the second one raises at once.

    Elsewhere than in the main thread, or where somebody else handles Ctrl-C, nothing is changed.
    """
    noted: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        if noted:
            raise KeyboardInterrupt
        noted.append(signum)

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: False
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(noted)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
