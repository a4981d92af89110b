"""How much wrong labelling a demanding bar survives, said beside the gate."""

from __future__ import annotations

import re

import numpy as np

from shipworthy.evidence.estimating import Measured
from shipworthy.evidence.metric import CellMean, Metric
from shipworthy.records import GateEvidence
from shipworthy.stats.label_noise import most_wrong_at_all, most_wrong_for_even_chance, wrong_that_explains

__all__ = ["label_noise_notes"]

#: Bars above this (or, for rates of errors, below one less this) leave little room for wrong labels.
DEMANDING = 0.95

_LABELS = re.compile(r"\b(label|ok|outcome|correct)\b")
_VERDICTS = re.compile(r'"(other_)?#')


def label_noise_notes(evidence: GateEvidence, measured: Measured) -> tuple[str, ...]:
    """Return what wrong labels do to a gate whose bar is above 95% (below 5% for a rate of errors).

    Args:
        evidence: What was measured for the gate.
        measured: The same, with its counts.
    """
    asked = evidence.bar if evidence.better == "at_least" else 1 - evidence.bar
    counted = _what_it_counts(measured.metric)
    if evidence.estimate.unit != "share" or not DEMANDING < asked < 1 or not counted:
        return ()
    side = "below" if evidence.better == "at_least" else "above"
    perfect = (
        f"If more than {_percent(most_wrong_at_all(asked))} of the {counted} it counts are wrong, even a "
        f"perfect system is seen {side} this bar"
    )
    needed = evidence.needed_now
    if needed is not None:
        n = evidence.estimate.n
        right = needed if evidence.better == "at_least" else n - needed
        even = _percent(most_wrong_for_even_chance(n, right))
        perfect += f"; on {n:,} rows it has an even chance to prove it up to {even}"
    return (f"{perfect}.{_what_stands(evidence, measured, asked)}",)


def _what_it_counts(metric: Metric) -> str:
    """Return what decides right and wrong in a metric: labels, verdicts of a scorer, or nothing."""
    keys = [key.sql for axis, key in enumerate(metric.total.by) if _tells_apart(metric, axis)]
    texts = [*keys, *metric.total.sums, metric.total.grain.inner]
    if any(_VERDICTS.search(text) for text in texts):
        return "verdicts"
    return "labels" if any(_LABELS.search(text) for text in texts) else ""


def _tells_apart(metric: Metric, axis: int) -> bool:
    """Return whether a metric treats the values of a key differently; a selection rate ignores labels."""
    if not isinstance(metric, CellMean):
        return True
    known = np.arange(metric.total.by[axis].size)
    values, among = (np.take(part, known, axis) for part in (metric.values * metric.among, metric.among))
    return any(bool((part != np.take(part, [0], axis)).any()) for part in (values, among))


def _what_stands(evidence: GateEvidence, measured: Measured, asked: float) -> str:
    """Say how many wrong ones the answer survives, where every row counts: each turns one row at most."""
    value, lower, upper = evidence.estimate.value, evidence.lower, evidence.upper
    every_row = isinstance(measured.metric, CellMean) and round(float(measured.counts.sum())) == measured.n
    if not every_row or value is None or lower is None or upper is None:
        return ""
    if evidence.better == "at_most":
        value, lower, upper = 1 - value, 1 - upper, 1 - lower
    if lower > asked:
        return f" Met stands while no more than {_percent(lower - asked)} of them are wrong in its favour."
    said = ""
    if value < asked:
        explained = _percent(wrong_that_explains(value, asked))
        said = f" What was seen is what a true rate at the bar shows with {explained} wrong at random."
    if upper < asked:
        said += f" Not met stands while no more than {_percent(asked - upper)} of them are wrong against it."
    return said


def _percent(share: float) -> str:
    return f"{share:.2%}" if share < 0.01 else f"{share:.1%}"
