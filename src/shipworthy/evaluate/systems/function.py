"""A system that is a Python function in the product's folder."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipworthy.errors import ProviderUnreachable, SystemLoadError, nearest
from shipworthy.evaluate import reasons
from shipworthy.evaluate.answers import as_text
from shipworthy.evaluate.loading import hash_of_files, is_async, load_function
from shipworthy.records import Case, Output

if TYPE_CHECKING:
    from shipworthy.define.spec import SystemUse

__all__ = ["UNREACHABLE", "Asked", "FunctionSystem"]

#: One call for one case: the case and the zero-based repeat.
Asked = tuple[Case, int]

#: What a function raises when the road to a provider failed, not the function itself.
UNREACHABLE = (ProviderUnreachable, ConnectionError)

_KEYS = ("output", "text", "prediction", "predicted_score", "latency_ms", "run_cost")


class _Unusable(Exception):
    """An answer that cannot be read; the message says why."""


class FunctionSystem:
    """A plain, async or batch function that answers cases.

    It is called with a case's input (with a list of inputs where `batch` is above 1) and returns text, a
    number, true or false, None, or a mapping with any of `output` (or `text`), `prediction`,
    `predicted_score`, `latency_ms` and `run_cost`. Text alone sets `Output.text`; a number or a truth sets
    `Output.prediction` too. A batch function returns a list in the order of its inputs, and may put an
    exception in the place of one answer.

    Args:
        use: The system as the spec declares it, with `function`.
        folder: The product's folder.
        name: "candidate", "live" or a baseline's name.

    Raises:
        SystemLoadError: If the function cannot be loaded, or is not one.
    """

    def __init__(self, use: SystemUse, folder: Path, name: str = "candidate") -> None:
        if use.function is None:
            raise SystemLoadError(f"The system {name!r} is a recorded file, not a function")
        self.use = use
        self.folder = folder
        self.name = name
        self.reference = use.function
        self._loaded = load_function(use.function, folder, arguments=1)
        self._call = self._loaded.call
        self._sources = hash_of_files(self._loaded.files, folder)
        self._pins: dict[str, str] | None = None
        self.is_async = is_async(self._call)

    def pins(self) -> dict[str, str]:
        """Return what the module's own `shipworthy_pins()` says its answers depend on; empty without one.

        Raises:
            SystemLoadError: If that function fails or returns no mapping.
        """
        if self._pins is None:
            self._pins = self._asked_pins()
        return dict(self._pins)

    def fingerprint(self) -> str:
        """Return the SHA-256 of what the answers depend on.

        That is the function's name, the bytes of its file and of the files beside it that it imported, the
        batch size, and the pins.
        """
        rests_on = [self.reference, self._sources, self.use.batch, self.pins()]
        return hashlib.sha256(json.dumps(rests_on, sort_keys=True).encode()).hexdigest()

    def ask(self, asked: Sequence[Asked]) -> list[Output]:
        """Call a plain function once and return one output for each case.

        Args:
            asked: One case, or up to `batch` of them.

        Returns:
            Outputs in the same order; whatever the function did wrong is in their `failed`.

        Raises:
            ProviderUnreachable: As the function raised it.
            ConnectionError: As the function raised it.
        """
        began = time.perf_counter()
        try:
            said = self._call(self._inputs(asked))
            if asyncio.iscoroutine(said):
                said = asyncio.run(said)
        except UNREACHABLE:
            raise
        # A thread's work must end in an output whatever happens, sys.exit() and KeyboardInterrupt included.
        except BaseException as error:
            return self.all_failed(asked, reasons.of_exception(error), began)
        return self._outputs(asked, said, began)

    async def ask_async(self, asked: Sequence[Asked]) -> list[Output]:
        """Call an async function once; see `ask`."""
        began = time.perf_counter()
        try:
            said = await self._call(self._inputs(asked))
        except (*UNREACHABLE, asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:
            return self.all_failed(asked, reasons.of_exception(error), began)
        return self._outputs(asked, said, began)

    def all_failed(self, asked: Sequence[Asked], reason: str, began: float | None = None) -> list[Output]:
        """Return failed outputs.

        Args:
            asked: The cases.
            reason: Why, in one line.
            began: `time.perf_counter()` at the call, for the latency.
        """
        took = None if began is None else _milliseconds_since(began)
        return [Output(case.case_id, repeat, latency_ms=took, failed=reason) for case, repeat in asked]

    def timed_out(self, asked: Sequence[Asked]) -> list[Output]:
        """Return the outputs of a call that took too long."""
        return self.all_failed(asked, f"no answer within {self.use.timeout_s:g} s")

    def unreachable(self, asked: Sequence[Asked], error: BaseException) -> list[Output]:
        """Return the outputs of a call whose provider could not be reached."""
        reason = f"provider unreachable: {reasons.of_exception(error)}"
        return [Output(case.case_id, repeat, unscored=reason) for case, repeat in asked]

    def _inputs(self, asked: Sequence[Asked]) -> Any:
        # Copied, so that a function that changes its input does not change the case for everybody else.
        inputs = [copy.deepcopy(case.input) for case, _ in asked]
        return inputs if self.use.batch > 1 else inputs[0]

    def _outputs(self, asked: Sequence[Asked], said: Any, began: float) -> list[Output]:
        took = _milliseconds_since(began)
        if self.use.batch == 1:
            return [_output(asked[0], said, took)]
        if isinstance(said, (str, bytes, Mapping)) or not hasattr(said, "__len__"):
            reason = f"a batch function returns a list of answers, not a {type(said).__name__}"
            return self.all_failed(asked, reason, began)
        if len(said) != len(asked):
            reason = f"{len(said)} answers for a batch of {len(asked)} inputs"
            return self.all_failed(asked, reason, began)
        return [_output(one, answer, took) for one, answer in zip(asked, said, strict=True)]

    def _asked_pins(self) -> dict[str, str]:
        ask = getattr(self._loaded.module, "shipworthy_pins", None)
        if ask is None:
            return {}
        where = f"{self._loaded.module.__name__}.shipworthy_pins()"
        try:
            pins = ask()
        except (Exception, SystemExit) as error:
            raise SystemLoadError(reasons.of_exception(error), where=where) from error
        if not isinstance(pins, Mapping):
            fix = "Return a mapping of names to hashes or versions."
            raise SystemLoadError(f"gave a {type(pins).__name__}", where=where, fix=fix)
        return {str(name): as_text(value) for name, value in sorted(pins.items())}


def _milliseconds_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000.0


def _output(asked: Asked, said: Any, took: float) -> Output:
    """Return what one answer says; `took` is the latency in milliseconds where the answer gives none."""
    case, repeat = asked
    if isinstance(said, UNREACHABLE):
        reason = f"provider unreachable: {reasons.of_exception(said)}"
        return Output(case.case_id, repeat, latency_ms=took, unscored=reason)
    try:
        if isinstance(said, BaseException):
            raise _Unusable(reasons.of_exception(said))
        return _usable(case.case_id, repeat, said, took)
    except _Unusable as error:
        return Output(case.case_id, repeat, latency_ms=took, failed=reasons.one_line(str(error)))
    # An answer is anybody's object: its methods may do anything.
    except Exception as error:
        reason = f"the system's answer cannot be read: {reasons.of_exception(error)}"
        return Output(case.case_id, repeat, latency_ms=took, failed=reasons.one_line(reason))


def _usable(case_id: str, repeat: int, said: Any, took: float) -> Output:
    if not isinstance(said, Mapping):
        text = _plain_text(said, "the system's answer")
        prediction = None if isinstance(said, str) else text
        return _not_empty(Output(case_id, repeat, text, prediction, latency_ms=took))
    for key in said:
        if key not in _KEYS:
            hint = nearest(str(key), _KEYS)
            hint = hint[0].lower() + hint[1:] if hint.startswith("Did") else hint
            raise _Unusable(f"unknown key {key!r} in the system's answer; {hint}")
    if "output" in said and "text" in said:
        raise _Unusable("the system's answer has both 'output' and 'text'; give one of them")
    latency = _number(said, "latency_ms", negative=False)
    return _not_empty(
        Output(
            case_id,
            repeat,
            text=_shown(said.get("output", said.get("text"))),
            prediction=_plain_text(said.get("prediction"), "'prediction'"),
            predicted_score=_number(said, "predicted_score", negative=True),
            latency_ms=took if latency is None else latency,
            run_cost=_number(said, "run_cost", negative=False),
        )
    )


def _not_empty(output: Output) -> Output:
    said = (output.text or "").strip() or (output.prediction or "").strip()
    if not said and output.predicted_score is None:
        raise _Unusable("empty output")
    return output


def _shown(value: Any) -> str | None:
    """Return an output as text; lists and mappings as JSON, for scorers that expect it."""
    if isinstance(value, (list, tuple, Mapping)):
        return _storable(json.dumps(value, ensure_ascii=False, allow_nan=False))
    return _plain_text(value, "'output'")


def _plain_text(value: Any, what: str) -> str | None:
    value = _own(value)
    if value is None:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        raise _Unusable(f"{what} is {value}, which is not finite")
    if not isinstance(value, (str, int, float)):
        kind = type(value).__name__
        raise _Unusable(f"{what} is a {kind}; give text, a number, true or false, or a mapping with 'output'")
    return _storable(as_text(value))


def _number(said: Mapping[str, Any], key: str, *, negative: bool) -> float | None:
    value = _own(said.get(key))
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Unusable(f"{key!r} is a {type(value).__name__}, not a number")
    if not math.isfinite(value):
        raise _Unusable(f"{key!r} is {value}, which is not finite")
    if value < 0 and not negative:
        raise _Unusable(f"{key!r} is {value}, below zero")
    return float(value)


def _own(value: Any) -> Any:
    """Return a number or truth of NumPy and its kin as Python's own."""
    if value is None or isinstance(value, (str, int, float)) or not hasattr(value, "item"):
        return value
    return value.item()


def _storable(text: str) -> str:
    """Return text with half characters replaced, which no file could hold."""
    if text.isascii():
        return str(text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
