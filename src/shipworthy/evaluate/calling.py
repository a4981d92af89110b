"""Keep many calls to a system in flight, with timeouts and further tries.

Both callers work in the background and hand finished outputs over a queue, so that one thread alone writes
the journal and can be interrupted at any time.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from shipworthy.evaluate.systems.function import UNREACHABLE, Asked, FunctionSystem
from shipworthy.records import Output

__all__ = ["BACKOFF_S", "Caller", "Loop", "Threads", "caller_of"]

#: Wait before the first further try, in seconds; it doubles with each one, up to `LONGEST_BACKOFF_S`.
BACKOFF_S = 0.1
LONGEST_BACKOFF_S = 2.0

_STOPPING_S = 1.0

Call = Sequence[Asked]


class Caller(Protocol):
    """Makes calls in the background.

    Attributes:
        finished: Where the outputs of each call arrive.
    """

    finished: queue.SimpleQueue[list[Output]]

    def start(self) -> None:
        """Begin to make calls."""

    def watch(self) -> None:
        """Give up calls that take too long; called a few times a second.

        Raises:
            RuntimeError: If nobody is left who could make calls.
        """

    def stop(self) -> None:
        """Make no further calls and wait for nobody."""


def caller_of(system: FunctionSystem, calls: Sequence[Call]) -> Caller:
    """Return the caller that suits a system: an event loop for an async function, threads for a plain one."""
    return Loop(system, calls) if system.is_async else Threads(system, calls)


class Threads:
    """Calls a plain function from `concurrency` threads.

    A thread cannot be stopped from outside. When a call takes too long its outputs are failed, a fresh thread
    takes over, and the old one is left behind; whatever it returns later is ignored.

    Args:
        system: The system.
        calls: The cases of each call.
    """

    def __init__(self, system: FunctionSystem, calls: Sequence[Call]) -> None:
        self.finished: queue.SimpleQueue[list[Output]] = queue.SimpleQueue()
        self._system = system
        self._waiting = deque(calls)
        self._in_flight: dict[object, tuple[float, Call]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads: set[threading.Thread] = set()

    def start(self) -> None:
        """Begin to make calls."""
        for _ in range(min(self._system.use.concurrency, len(self._waiting))):
            try:
                self._add_thread()
            except RuntimeError:
                # The machine allows no more threads; those that run will do.
                if not self._threads:
                    raise
                return

    def watch(self) -> None:
        """Give up calls that take too long.

        Raises:
            RuntimeError: If no thread is left.
        """
        now = time.perf_counter()
        with self._lock:
            late = [token for token, (deadline, _) in self._in_flight.items() if now > deadline]
            given_up = [self._in_flight.pop(token)[1] for token in late]
        for call in given_up:
            self.finished.put(self._system.timed_out(call))
            if self._waiting:
                # Where the machine allows no more threads, those that are left go on.
                with suppress(RuntimeError):
                    self._add_thread()
        if self._waiting and not any(thread.is_alive() for thread in self._threads):
            raise RuntimeError("no thread is left to make calls")

    def stop(self) -> None:
        """Make no further calls and wait for nobody."""
        self._stopped.set()
        self._waiting.clear()

    def _add_thread(self) -> None:
        # A daemon: one that never returns must not keep the process from ending.
        thread = threading.Thread(target=self._work, name="shipworthy-call", daemon=True)
        thread.start()
        self._threads.add(thread)

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                call = self._waiting.popleft()
            except IndexError:
                return
            outputs = self._answered(call)
            if outputs is None:
                return
            self.finished.put(outputs)

    def _answered(self, call: Call) -> list[Output] | None:
        """Return the outputs of a call; None where nobody waits for them any more."""
        outputs: list[Output] = []
        for attempt in range(self._system.use.retries + 1):
            if attempt and self._stopped.wait(_backoff_s(attempt)):
                return None
            token = self._begin(call)
            try:
                outputs = self._system.ask(call)
                unreachable = False
            except UNREACHABLE as error:
                outputs, unreachable = self._system.unreachable(call, error), True
            if not self._claim(token):
                return None
            if not unreachable:
                break
        return outputs

    def _begin(self, call: Call) -> object:
        token = object()
        with self._lock:
            self._in_flight[token] = (time.perf_counter() + self._system.use.timeout_s, call)
        return token

    def _claim(self, token: object) -> bool:
        with self._lock:
            return self._in_flight.pop(token, None) is not None


class Loop:
    """Awaits an async function from one event loop, `concurrency` calls at a time.

    A call that takes too long is cancelled, and left behind if it does not heed that. A function that blocks
    the event loop (`time.sleep`, a plain HTTP client) holds up all calls; write it with `def` instead.

    Args:
        system: The system.
        calls: The cases of each call.
    """

    def __init__(self, system: FunctionSystem, calls: Sequence[Call]) -> None:
        self.finished: queue.SimpleQueue[list[Output]] = queue.SimpleQueue()
        self._system = system
        self._waiting = deque(calls)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._serving: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="shipworthy-loop", daemon=True)

    def start(self) -> None:
        """Begin to make calls."""
        self._thread.start()

    def watch(self) -> None:
        """Notice when the loop has died.

        Raises:
            RuntimeError: If it has, with calls still waiting.
        """
        if self._waiting and not self._thread.is_alive():
            raise RuntimeError("the event loop is gone")

    def stop(self) -> None:
        """Make no further calls and wait a moment for the loop to close."""
        self._waiting.clear()
        loop, serving = self._loop, self._serving
        if loop is not None and serving is not None and self._thread.is_alive():
            with suppress(RuntimeError):  # The loop may close in between.
                loop.call_soon_threadsafe(serving.cancel)
        self._thread.join(_STOPPING_S)

    def _run(self) -> None:
        loop = asyncio.new_event_loop()
        try:
            self._serving = loop.create_task(self._serve())
            self._loop = loop
            loop.run_until_complete(asyncio.wait([self._serving]))
            loop.run_until_complete(_leave())
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    async def _serve(self) -> None:
        workers = min(self._system.use.concurrency, len(self._waiting))
        await asyncio.gather(*(self._work() for _ in range(workers)))

    async def _work(self) -> None:
        while self._waiting:
            call = self._waiting.popleft()
            self.finished.put(await self._answered(call))

    async def _answered(self, call: Call) -> list[Output]:
        outputs: list[Output] = []
        for attempt in range(self._system.use.retries + 1):
            if attempt:
                await asyncio.sleep(_backoff_s(attempt))
            try:
                return await self._tried(call)
            except UNREACHABLE as error:
                outputs = self._system.unreachable(call, error)
        return outputs

    async def _tried(self, call: Call) -> list[Output]:
        began = time.perf_counter()
        # `wait` rather than `wait_for`, which waits for ever on a function that swallows its cancellation.
        task = asyncio.ensure_future(self._system.ask_async(call))
        try:
            await asyncio.wait([task], timeout=self._system.use.timeout_s)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not task.done() or time.perf_counter() - began > self._system.use.timeout_s:
            task.cancel()
            task.add_done_callback(_forget)
            return self._system.timed_out(call)
        if task.cancelled():
            return self._system.all_failed(call, "the function cancelled itself", began)
        return task.result()


def _backoff_s(attempt: int) -> float:
    return min(BACKOFF_S * 2.0 ** (attempt - 1), LONGEST_BACKOFF_S)


def _forget(task: asyncio.Task[list[Output]]) -> None:
    """Look at a late call's fate, so that asyncio does not report it as never looked at."""
    if not task.cancelled():
        task.exception()


async def _leave() -> None:
    """Cancel what is still in flight and give it a moment."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=_STOPPING_S / 2)
