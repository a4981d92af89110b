"""What a study is: scenarios of one kind, each with a measured rate, and the promise they are held to."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Found", "Measured", "Scenario", "Study", "drawn", "generator", "meets", "share", "short"]

Kind = Literal["false_pass", "coverage", "resolve"]
Side = Literal["lower", "upper"]
STATED = 0.05
"""The risk that every gate states here: 1 - 0.95, the default confidence."""


@dataclass(frozen=True)
class Found:
    """A measured rate.

    Args:
        rate: A share, 0 to 1.
        runs: Simulated samples; 0 where every sample was enumerated.
        average: Mean over the settings that one scenario goes through; `rate` is then the worst of them.
    """

    rate: float
    runs: int = 0
    average: float | None = None

    @property
    def error(self) -> float:
        """Standard error of the simulation; 0 where enumerated."""
        return math.sqrt(max(self.rate * (1 - self.rate), 0.01) / self.runs) if self.runs else 0.0


@dataclass(frozen=True)
class Scenario:
    """One setting of a study.

    Args:
        words: What is set, in words.
        run: Measures it; picklable.
    """

    words: str
    run: Callable[[], Found]


@dataclass(frozen=True)
class Study:
    """Scenarios of one kind.

    Args:
        name: Its id.
        title: What was studied, in words.
        kind: "false_pass" (a subject exactly at its bar passes), "coverage" (an interval holds the truth) or
            "resolve" (a gate passes at the number of cases that was promised).
        limit: The promise: at most this for a false pass, at least this for the others.
        scenarios: The settings.
        methods: Names of the methods it measures, as gates print them.
        promised: Whether the limit is promised; else it shows where a method is not good.
        note: A sentence on what is done about it.
    """

    name: str
    title: str
    kind: Kind
    limit: float
    scenarios: tuple[Scenario, ...]
    methods: tuple[str, ...] = ()
    promised: bool = True
    note: str = ""


@dataclass(frozen=True)
class Measured:
    """A study with its rates, one for each scenario."""

    study: Study
    found: tuple[Found, ...]

    @property
    def worst_at(self) -> int:
        """Index of the scenario that is furthest on the wrong side."""
        rates = [found.rate for found in self.found]
        return int(np.argmax(rates) if self.study.kind == "false_pass" else np.argmin(rates))

    @property
    def worst(self) -> Found:
        """The rate furthest on the wrong side."""
        return self.found[self.worst_at]

    @property
    def average(self) -> float:
        """Mean rate over the scenarios."""
        rates = [found.rate if found.average is None else found.average for found in self.found]
        return float(np.mean(rates))

    def broken(self, errors: float = 2.0) -> list[str]:
        """Say which scenarios break the promise by more than so many errors of the simulation.

        Args:
            errors: Standard errors that are forgiven.
        """
        if not self.study.promised:
            return []
        said = []
        for scenario, found in zip(self.study.scenarios, self.found, strict=True):
            slack = errors * found.error + 1e-9
            over = found.rate - self.study.limit
            if (over if self.study.kind == "false_pass" else -over) > slack:
                said.append(
                    f"{self.study.name}, {scenario.words}: {found.rate:.4f} against {self.study.limit}"
                )
        if self.study.kind == "coverage" and self.average < 0.94 - errors * max(f.error for f in self.found):
            said.append(f"{self.study.name}: average coverage {self.average:.4f} is below 0.94")
        return said


def generator(*words: object) -> np.random.Generator:
    """Return a random generator whose seed follows from the scenario.

    Args:
        words: What makes the scenario.
    """
    return np.random.default_rng(zlib.crc32(repr(words).encode()))


def meets(bound: float, bar: float, side: Side) -> bool:
    """Return whether a one-sided bound proves its bar, a tie in floating point being a tie, as gates do.

    Args:
        bound: The bound.
        bar: The bar.
        side: "lower" for at least the bar, "upper" for at most.
    """
    slack = 1e-12 * max(1.0, abs(bar))
    return bool(bound >= bar - slack if side == "lower" else bound <= bar + slack)


def share(samples: NDArray[np.int64], holds: Callable[[NDArray[np.int64]], bool]) -> Found:
    """Return the share of samples for which something holds, asking once for equal samples.

    Args:
        samples: (runs, ...) whole numbers.
        holds: What is asked of one sample.
    """
    flat = samples.reshape(len(samples), -1)
    kinds, first, counts = np.unique(flat, axis=0, return_index=True, return_counts=True)
    del kinds
    held = [holds(samples[at]) for at in first]
    return Found(float(np.dot(held, counts) / len(samples)), len(samples))


def short(numbers: Sequence[float]) -> str:
    """Return numbers as words.

    Args:
        numbers: Some numbers.
    """
    return ", ".join(f"{number:g}" for number in numbers)


def drawn(runs: int, part: float) -> int:
    """Return how many samples to draw where only a part of them is wanted.

    Args:
        runs: Samples in the full form.
        part: The part, more than 0, at most 1.
    """
    return max(100, round(runs * part))
