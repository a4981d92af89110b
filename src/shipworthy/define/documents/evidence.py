"""What was measured, in words, as far as documents quote it; a decision's record holds the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["GateMeasured", "Measured", "NumberMeasured"]


@dataclass(frozen=True, slots=True)
class GateMeasured:
    """A gate's latest answer.

    Args:
        status: met, not_met, not_proven or not_measured.
        value: The measured value with its interval, in words; empty where it is unknown.
        sentence: The answer in one sentence, or why there is none.
        number: The value itself; None where it is unknown.
        metric: The metric's name.
    """

    status: Literal["met", "not_met", "not_proven", "not_measured"]
    value: str = ""
    sentence: str = ""
    number: float | None = None
    metric: str = ""

    @property
    def words(self) -> str:
        """The status as people read it."""
        return self.status.replace("_", " ")


@dataclass(frozen=True, slots=True)
class NumberMeasured:
    """A metric on all rows or on one slice.

    Args:
        metric: The metric as written.
        value: Its value with interval, in words, or why it is unknown.
        cases: Number of units it rests on.
        number: The value itself; None where it is unknown.
        column: Slice column; empty for all rows.
        group: Value of that column.
        gap: How far it lies from everyone else, in words; empty where that is not known.
    """

    metric: str
    value: str
    cases: int
    number: float | None = None
    column: str = ""
    group: str = ""
    gap: str = ""


@dataclass(frozen=True)
class Measured:
    """What the latest decision says.

    Args:
        because: Why nothing is measured; empty where there is a decision.
        decision: The decision's id.
        day: Day of the decision, ISO 8601.
        verdict: The verdict in words.
        outcome: The verdict as it is stored, such as ship_with_guardrails.
        headline: Its one sentence.
        system: Which system was judged.
        since: What has moved on since, in one sentence; empty where nothing has.
        golden_version: Content hash of the golden set it rests on.
        population: The rows it speaks of, in words.
        cases: Cases judged.
        sampled: How they were chosen.
        gates: Gate id -> its answer; a gate whose rule has changed since is not measured.
        metrics: Metrics on all rows.
        slices: Metrics on slices.
        outcomes: Class of outcome, count and share in words.
        changes: How the promise was moved since earlier decisions, in words.
    """

    because: str = "there is no decision yet"
    decision: str = ""
    day: str = ""
    verdict: str = ""
    outcome: Literal["", "ship", "ship_with_guardrails", "hold", "roll_back", "invalid"] = ""
    headline: str = ""
    system: str = ""
    since: str = ""
    golden_version: str = ""
    population: str = ""
    cases: int = 0
    sampled: str = ""
    gates: Mapping[str, GateMeasured] = field(default_factory=dict)
    metrics: tuple[NumberMeasured, ...] = ()
    slices: tuple[NumberMeasured, ...] = ()
    outcomes: tuple[tuple[str, int, str], ...] = ()
    changes: tuple[str, ...] = ()

    def gate(self, gate_id: str) -> GateMeasured:
        """Return a gate's latest answer; one that was never judged is not measured."""
        if self.because:
            return GateMeasured("not_measured", sentence=f"not measured yet because {self.because}")
        absent = f"not measured yet because decision {self.decision} did not judge it"
        return self.gates.get(gate_id, GateMeasured("not_measured", sentence=absent))

    def words_for(self, number: NumberMeasured) -> str:
        """Return a metric's value in the words of the gate on the same number, so that it has one interval.

        A gate's interval is at least as wide: it also bears that the same cases were looked at before.
        """
        for answer in self.gates.values():
            same = answer.metric.replace(" ", "") == number.metric.replace(" ", "")
            if same and answer.value and answer.number is not None and answer.number == number.number:
                return answer.value
        return number.value
