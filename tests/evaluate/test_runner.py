"""Running a system over cases: completeness, limits, interruption; then scoring what it said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipworthy.define.spec import SystemUse
from shipworthy.errors import InputError, UsageError
from shipworthy.evaluate import calling
from shipworthy.evaluate.progress import Silent
from shipworthy.evaluate.runner import COLUMNS, run_cases, score_outputs
from shipworthy.evaluate.scoring import build_scorer
from shipworthy.evaluate.systems.function import FunctionSystem
from shipworthy.records import Case, Output, Score
from shipworthy.store.journal import Journal


@pytest.fixture(autouse=True)
def _short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "BACKOFF_S", 0.001)


class Counting(Silent):
    """A watcher that adds up what it hears."""

    def __init__(self) -> None:
        self.total = self.done = self.failed = self.unscored = self.finished = 0

    def start(self, total: int, label: str) -> None:
        self.total = total

    def advance(self, done: int = 0, *, failed: int = 0, unscored: int = 0) -> None:
        self.done += done
        self.failed += failed
        self.unscored += unscored

    def finish(self) -> None:
        self.finished += 1


def cases(number: int) -> list[Case]:
    return [Case(f"c{index}", index) for index in range(number)]


def run(
    folder: Path, code: str, number: int = 20, repeats: int = 1, **use: Any
) -> tuple[dict[tuple[str, int], Output], Counting]:
    """Run a function over cases and return its outputs by key, with what the watcher heard."""
    (folder / "bot.py").write_text(textwrap.dedent(code))
    system = FunctionSystem(SystemUse(function="bot:answer", **use), folder)
    progress = Counting()
    with Journal(folder / "outputs.jsonl", "key") as journal:
        run_cases(system, cases(number), repeats, journal, progress)
    with Journal(folder / "outputs.jsonl", "key") as journal:
        return {(output.case_id, output.repeat): output for output in journal.read()}, progress


PLAIN = "def answer(question): return question * 2"
ASYNC = """
    import asyncio
    async def answer(question):
        await asyncio.sleep(0)
        return question * 2
"""
BATCHED = "def answer(asked): return [question * 2 for question in asked]"
ASYNC_BATCHED = "async def answer(asked): return [question * 2 for question in asked]"


@pytest.mark.parametrize(("code", "batch"), [(PLAIN, 1), (ASYNC, 1), (BATCHED, 7), (ASYNC_BATCHED, 7)])
@pytest.mark.parametrize("concurrency", [1, 4, 1000])
def test_every_case_is_answered_once_for_each_repeat(
    tmp_path: Path, code: str, batch: int, concurrency: int
) -> None:
    outputs, progress = run(tmp_path, code, repeats=2, batch=batch, concurrency=concurrency)
    assert {key: output.text for key, output in outputs.items()} == {
        (f"c{index}", repeat): str(index * 2) for index in range(20) for repeat in range(2)
    }
    assert (progress.total, progress.done, progress.failed, progress.finished) == (40, 40, 0, 1)


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_one_bad_case_never_ends_a_run(tmp_path: Path, kind: str) -> None:
    code = f"""
        {kind} answer(question):
            if question == 3: raise ValueError("odd one")
            if question == 4: raise SystemExit(1)
            if question == 5: raise KeyboardInterrupt
            if question == 6: return
            return "ok"
    """
    outputs, progress = run(tmp_path, code)
    reasons = {key[0]: output.failed for key, output in outputs.items() if output.failed}
    assert reasons == {
        "c3": "ValueError: odd one",
        "c4": "SystemExit: 1",
        "c5": "KeyboardInterrupt",
        "c6": "empty output",
    }
    assert (progress.done, progress.failed) == (20, 4)


def test_an_async_function_that_cancels_itself_failed(tmp_path: Path) -> None:
    code = """
        import asyncio
        async def answer(question):
            if question == 1: raise asyncio.CancelledError
            return "ok"
    """
    outputs, _ = run(tmp_path, code)
    assert outputs["c1", 0].failed == "the function cancelled itself"
    assert outputs["c2", 0].text == "ok"


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_an_unreachable_provider_is_tried_again(tmp_path: Path, kind: str) -> None:
    code = f"""
        from collections import Counter
        from shipworthy.errors import ProviderUnreachable
        tries = Counter()
        {kind} answer(question):
            tries[question] += 1
            if question == 1 and tries[1] < 3: raise ProviderUnreachable("busy")
            if question == 2: raise ConnectionResetError("gone")
            return tries[question]
    """
    outputs, progress = run(tmp_path, code, number=3, retries=2)
    assert outputs["c1", 0].text == "3"
    assert outputs["c2", 0].unscored == "provider unreachable: ConnectionResetError: gone"
    assert outputs["c2", 0].failed is None
    assert (progress.done, progress.unscored) == (3, 1)


@pytest.mark.parametrize(
    "code",
    [
        """
        import threading
        def answer(question):
            if question < 2: threading.Event().wait()
            return "ok"
        """,
        """
        import asyncio
        async def answer(question):
            while question < 2:
                try: await asyncio.sleep(0.05 if deaf else 30)
                except asyncio.CancelledError:
                    if not deaf: raise
            return "ok"
        deaf = False
        """,
        """
        import asyncio, time
        async def answer(question):
            began = time.monotonic()
            while question < 2 and time.monotonic() < began + 0.4:
                try: await asyncio.sleep(0.05)
                except asyncio.CancelledError: pass
            return "ok"
        """,
    ],
    ids=["plain", "async", "async and deaf to cancellation"],
)
def test_a_call_that_takes_too_long_failed_and_the_run_goes_on(tmp_path: Path, code: str) -> None:
    began = time.monotonic()
    outputs, progress = run(tmp_path, code, number=8, concurrency=2, timeout_s=0.1)
    assert time.monotonic() - began < 5
    assert outputs["c0", 0].failed == outputs["c1", 0].failed == "no answer within 0.1 s"
    assert [output.text for output in outputs.values()].count("ok") == 6
    assert progress.failed == 2


def test_a_late_answer_does_not_replace_the_failure(tmp_path: Path) -> None:
    code = """
        import time
        def answer(question):
            time.sleep(0.25 if question == 0 else 0.01)
            return "ok"
    """
    outputs, progress = run(tmp_path, code, number=30, concurrency=1, timeout_s=0.08)
    assert outputs["c0", 0].failed == "no answer within 0.08 s"
    assert progress.done == 30


@pytest.mark.parametrize(
    "code",
    [
        """
        import threading, time
        lock, now, most = threading.Lock(), 0, 0
        def answer(question):
            global now, most
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.005)
            with lock: now -= 1
            return most
        """,
        """
        import asyncio
        now = most = 0
        async def answer(question):
            global now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.005)
            now -= 1
            return most
        """,
    ],
    ids=["plain", "async"],
)
def test_as_many_calls_are_in_flight_as_asked_for(tmp_path: Path, code: str) -> None:
    outputs, _ = run(tmp_path, code, number=40, concurrency=5)
    assert max(int(output.text or 0) for output in outputs.values()) == 5


def test_a_batch_of_the_wrong_length_failed(tmp_path: Path) -> None:
    outputs, _ = run(tmp_path, "def answer(asked): return asked[1:]", number=5, batch=3)
    assert [output.failed for output in outputs.values()].count("2 answers for a batch of 3 inputs") == 3


# resuming


def test_resuming_asks_only_what_is_missing_or_unscored(tmp_path: Path) -> None:
    with Journal(tmp_path / "outputs.jsonl", "key") as journal:
        journal.append(Output("c0", text="kept"))
        journal.append(Output("c1", failed="ValueError: kept as well"))
        journal.append(Output("c2", unscored="provider unreachable: busy"))
    outputs, progress = run(tmp_path, PLAIN, number=5)
    assert outputs["c0", 0].text == "kept"
    assert outputs["c1", 0].failed == "ValueError: kept as well"
    assert (outputs["c2", 0].text, outputs["c2", 0].unscored) == ("4", None)
    assert (progress.total, progress.done) == (5, 5)
    assert len((tmp_path / "outputs.jsonl").read_bytes().splitlines()) == 1 + 3 + 3


def test_a_complete_run_asks_nothing_again(tmp_path: Path) -> None:
    run(tmp_path, PLAIN)
    outputs, progress = run(tmp_path, "def answer(question): raise ValueError")
    assert all(output.failed is None for output in outputs.values())
    assert progress.done == 20


def test_a_broken_watcher_loses_nothing_that_was_journaled(tmp_path: Path) -> None:
    class Broken(Silent):
        def finish(self) -> None:
            raise RuntimeError("the bar broke")

    (tmp_path / "bot.py").write_text(PLAIN)
    system = FunctionSystem(SystemUse(function="bot:answer"), tmp_path)
    with pytest.raises(RuntimeError, match="the bar broke"):
        run_cases(system, cases(5), 1, Journal(tmp_path / "outputs.jsonl", "key"), Broken())
    assert len(Journal(tmp_path / "outputs.jsonl", "key").done()) == 5


SLOW_PLAIN = """
import pathlib, time
def answer(question):
    with pathlib.Path(__file__).with_name("calls.txt").open("a") as log: log.write(f"{question}\\n")
    time.sleep(0.01)
    return question
"""
SLOW_ASYNC = SLOW_PLAIN.replace("def answer", "async def answer").replace(
    "time.sleep", "await __import__('asyncio').sleep"
)
INTERRUPTED = """
import sys
from pathlib import Path
from shipworthy.define.spec import SystemUse
from shipworthy.evaluate.progress import Silent
from shipworthy.evaluate.runner import run_cases
from shipworthy.evaluate.systems.function import FunctionSystem
from shipworthy.records import Case
from shipworthy.store.journal import Journal

folder = Path(sys.argv[1])
system = FunctionSystem(SystemUse(function="bot:answer", concurrency=2), folder)
cases = [Case(f"c{index}", index) for index in range(400)]
try:
    run_cases(system, cases, 1, Journal(folder / "outputs.jsonl", "key"), Silent())
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to another process on Windows")
@pytest.mark.parametrize("code", [SLOW_PLAIN, SLOW_ASYNC], ids=["plain", "async"])
def test_an_interrupted_run_loses_nothing_and_goes_on_from_there(tmp_path: Path, code: str) -> None:
    (tmp_path / "bot.py").write_text(code)
    journal = tmp_path / "outputs.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", INTERRUPTED, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < 10):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said, complained = process.communicate(timeout=20)
    assert (process.returncode, said.strip(), complained) == (130, "interrupted", "")

    with Journal(journal, "key") as reopened:
        done, torn = reopened.done(), reopened.torn
    assert torn == 0
    assert 9 <= len(done) < 400
    (tmp_path / "calls.txt").unlink()
    system = FunctionSystem(SystemUse(function="bot:answer", concurrency=400), tmp_path)
    run_cases(system, cases(400), 1, Journal(journal, "key"), Silent())
    again = {f"c{line}" for line in (tmp_path / "calls.txt").read_text().split()}
    assert again == {case.case_id for case in cases(400)} - {case_id for case_id, _ in done}


def test_an_interrupt_in_this_process_is_raised_once_the_journal_is_closed(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("import time\ndef answer(question): time.sleep(0.01); return 1")
    system = FunctionSystem(SystemUse(function="bot:answer", concurrency=1), tmp_path)
    progress = Counting()
    threading.Timer(0.1, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        run_cases(system, cases(1000), 1, Journal(tmp_path / "outputs.jsonl", "key"), progress)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert progress.finished == 1
    assert 0 < len(Journal(tmp_path / "outputs.jsonl", "key").done()) < 1000


def test_a_run_works_outside_the_main_thread(tmp_path: Path) -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(run(tmp_path, ASYNC)))
    thread.start()
    thread.join()
    assert len(found[0][0]) == 20


# scoring


class Says:
    """A scorer that says what it is told."""

    name = "says"
    version = 1

    def __init__(self, score: Score) -> None:
        self._score = score

    def score(self, output: Output, case: Case) -> Score:
        return self._score


def score(outputs: list[Output], **scorers: Any) -> list[dict[str, Any]]:
    golden = {case.case_id: Case(case.case_id, "?", label="4") for case in cases(5)}
    return list(score_outputs(outputs, golden, scorers, Silent()))


def test_a_row_is_flat_and_complete() -> None:
    scorers = {"right": build_scorer("exact", Path()), "close": build_scorer({"numeric": 1}, Path())}
    (row,) = score([Output("c1", 2, "3", None, 0.5, 12.0, 0.01)], **scorers)
    assert row == {
        "case_id": "c1",
        "repeat": 2,
        "prediction": "3",
        "predicted_score": 0.5,
        "latency_ms": 12.0,
        "run_cost": 0.01,
        "grade": None,
        "failed_reason": None,
        "unscored_reason": None,
        "right": 0.0,
        "close": 1.0,
    }


def test_every_row_has_the_same_columns_whatever_its_fate() -> None:
    outputs = [Output("c1", text="4"), Output("c2", failed="no"), Output("c3", unscored="road"), Output("c4")]
    rows = score(outputs, right=build_scorer("exact", Path()), number=build_scorer("numeric", Path()))
    assert [sorted(row) for row in rows] == [sorted([*COLUMNS, "right", "number"])] * 4
    assert [row["right"] for row in rows] == [1.0, 0.0, None, 0.0]
    assert [row["failed_reason"] for row in rows] == [None, "no", None, "empty output"]
    assert [row["unscored_reason"] for row in rows] == [None, None, "road", None]


def test_what_one_scorer_finds_failed_scores_zero_for_all() -> None:
    output = Output("c1", text="I do not know.")
    first = Says(Score(grade="good", value=1.0))
    rows = score([output], first=first, number=build_scorer("numeric", Path()), last=Says(Score(5.0)))
    assert rows[0]["failed_reason"] == "no number in the output"
    assert (rows[0]["first"], rows[0]["number"], rows[0]["last"], rows[0]["grade"]) == (0.0, 0.0, 0.0, None)


def test_the_systems_fault_outweighs_the_instruments() -> None:
    rows = score([Output("c1", text="x")], a=Says(Score(unscored="crash")), b=Says(Score(failed="no answer")))
    assert (rows[0]["failed_reason"], rows[0]["unscored_reason"]) == ("no answer", None)


def test_an_unscored_row_keeps_what_the_other_scorers_said() -> None:
    rows = score([Output("c1", text="x")], a=Says(Score(unscored="crash")), b=Says(Score(value=1.0)))
    assert (rows[0]["a"], rows[0]["b"], rows[0]["unscored_reason"]) == (None, 1.0, "crash")


def test_the_systems_own_prediction_is_kept() -> None:
    found = Says(Score(1.0, answer="4"))
    rows = score([Output("c1", text="it is 4", prediction="four"), Output("c2", text="it is 4")], found=found)
    assert [row["prediction"] for row in rows] == ["four", "4"]


def test_without_any_scorer_the_text_is_the_prediction() -> None:
    assert score([Output("c1", text=" spam\n")])[0]["prediction"] == "spam"


def test_an_unknown_case_or_a_taken_name_is_refused() -> None:
    with pytest.raises(InputError, match="no known case"):
        score([Output("c99", text="x")])
    with pytest.raises(UsageError, match="cannot be called 'grade'"):
        score([], grade=build_scorer("exact", Path()))


def test_progress_hears_of_every_fate() -> None:
    progress = Counting()
    outputs = [Output("c1", text="4"), Output("c2", failed="no"), Output("c3", unscored="road")]
    rows: Iterator[Any] = score_outputs(outputs, lambda case_id: Case(case_id, "?"), {}, progress)
    assert len(list(rows)) == 3
    assert (progress.done, progress.failed, progress.unscored) == (3, 1, 1)
