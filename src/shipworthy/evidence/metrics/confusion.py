"""The confusion table: which cells a class owns, how classes are averaged, and how its draws are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError, nearest
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import CellFunction, Floats, Unmeasurable
from shipworthy.tables.totals import Total

__all__ = [
    "AVERAGES",
    "OneAgainstRest",
    "OverClasses",
    "cells",
    "check_arguments",
    "chosen_average",
    "has_label",
    "masks",
    "name_of_positive",
    "one_against_rest",
    "possible_cells",
    "why_not_averaged",
]

Mask = NDArray[np.bool_]

AVERAGES = ("macro", "micro")


def cells(frame: Frame) -> Total:
    """The confusion table: label by prediction, failed rows in the slot for NULL."""
    if not frame.class_count:
        raise Unmeasurable("the rows have no classes")
    return Total(by=(frame.label_key(), frame.prediction_key()))


# -- what a call may say -----------------------------------------------------------------------------------


def check_arguments(call: Call, *, takes_class: bool = False, named: tuple[str, ...] = ()) -> None:
    """Refuse arguments that a metric does not take.

    Args:
        call: The metric as written.
        takes_class: Whether one class may stand in brackets.
        named: Named arguments it takes.

    Raises:
        UsageError: With what it takes.
    """
    takes = ["a class"] if takes_class else []
    takes += [{"average": "average=macro", "beta": "beta=2"}.get(name, f"{name}=...") for name in named]
    fix = f"It takes {' or '.join(takes)}." if takes else f"Write {call.name} without brackets."
    for name, _value in call.named:
        if name not in named:
            raise UsageError(f"{call.name} does not take {name}=.", fix=fix)
    if len(call.arguments) > (1 if takes_class else 0):
        written = ", ".join(str(argument) for argument in call.arguments)
        raise UsageError(f"{call.name} cannot take ({written}).", fix=fix)


def chosen_average(call: Call) -> str | None:
    """Return "macro", "micro", or None where a rate speaks of one class.

    Raises:
        UsageError: For another average, or for an average of one class.
    """
    average = dict(call.named).get("average")
    if average is None:
        return None
    if average not in AVERAGES:
        raise UsageError(
            f"{call.name}(average={average}) is no average that is known.",
            fix=f"{nearest(average, AVERAGES)} Write average=macro (every class counts the same) or "
            "average=micro (every case counts the same).",
        )
    if call.arguments:
        raise UsageError(
            f"{call} names one class and asks for an average of all.",
            fix=f"Write {call.name}({call.arguments[0]}) or {call.name}(average={average}).",
        )
    return average


def name_of_positive(call: Call, frame: Frame) -> str:
    """Return the class a rate speaks of, in words."""
    return str(call.arguments[0]) if call.arguments else "positive"


# -- one class against the rest ----------------------------------------------------------------------------


def masks(call: Call, frame: Frame) -> tuple[Mask, Mask]:
    """Return where the label is positive and where the prediction is, over the confusion table.

    A failed row counts as the wrong answer to its case: neither a hit nor a right rejection.
    """
    if not frame.class_count:
        raise Unmeasurable("the rows have no classes")
    size = frame.class_count + 1
    codes = list(_positive_codes(call, frame))
    positive_label = np.zeros((size, size), dtype=bool)
    positive_label[codes, :] = True
    says_positive = np.zeros((size, size), dtype=bool)
    says_positive[:, codes] = True
    # The last slot is "no answer": a miss where the case is positive, a false alarm where it is not.
    says_positive[:, size - 1] = ~positive_label[:, size - 1]
    return positive_label, says_positive


def _positive_codes(call: Call, frame: Frame) -> tuple[int, ...]:
    profile = frame.profile
    if not call.arguments:
        if not frame.positive_codes:
            raise Unmeasurable(
                f"no class is named positive (golden.positive), and {call.name} needs one of "
                f"{', '.join(profile.classes[:6])}; or write {call.name}(average=macro)"
            )
        return frame.positive_codes
    wanted = str(call.arguments[0])
    if profile.binary and wanted in profile.positive:
        return (1,)
    if wanted in profile.classes:
        return (profile.classes.index(wanted),)
    if profile.binary:
        raise UsageError(
            f"{call.name}({wanted}) names no class.",
            fix=f"Write positive (labelled {', '.join(profile.positive[:6])}) or negative (all others).",
        )
    raise UsageError(
        f"{call.name}({wanted}) names no class; the classes are {', '.join(profile.classes[:12])}.",
        fix=f"{nearest(wanted, profile.classes)} Write the class as it stands in the label column.",
    )


def has_label(frame: Frame) -> Mask:
    """Return which cells hold rows with a label."""
    size = frame.class_count + 1
    known = np.ones((size, size), dtype=bool)
    known[size - 1, :] = False
    return known


# -- all classes at once -----------------------------------------------------------------------------------


class OneAgainstRest(NamedTuple):
    """The four counts of every class set against all others, each (..., classes)."""

    true_positive: Floats
    false_positive: Floats
    false_negative: Floats
    true_negative: Floats


def one_against_rest(counts: Floats) -> OneAgainstRest:
    """Return the four counts of every class, failed rows as in `masks`.

    Args:
        counts: (..., classes + 1, classes + 1) confusion tables.
    """
    table = counts[..., :-1, :]
    right = np.diagonal(table, axis1=-2, axis2=-1)
    cases, silent = table.sum(axis=-1), table[..., -1]
    said = table[..., :-1].sum(axis=-2) + silent.sum(axis=-1, keepdims=True) - silent
    everything = cases.sum(axis=-1, keepdims=True)
    return OneAgainstRest(right, said - right, cases - right, everything - cases - said + right)


def _occurring(counts: Floats) -> Mask:
    """Return which classes occur as a label or as a prediction of a labelled row, (..., classes)."""
    table = counts[..., :-1, :]
    return np.asarray(table.sum(axis=-1) + table[..., :-1].sum(axis=-2) > 0)


def macro_mean(counts: Floats, rate: Callable[[OneAgainstRest], Floats]) -> Floats:
    """Return the plain mean of a rate over the classes that occur; NaN where one of them has none.

    Args:
        counts: (..., classes + 1, classes + 1) confusion tables.
        rate: The rate of each class, NaN where it has no denominator.
    """
    occurs = _occurring(counts)
    found = np.where(occurs, rate(one_against_rest(counts)), 0.0)
    number = occurs.sum(axis=-1)
    return np.asarray(np.where(number > 1, found.sum(axis=-1) / number, np.nan))


def possible_cells(counts: Floats) -> Mask:
    """Return a right answer and a mistake for every class that has cases, so that no class is called certain.

    Each class mistakes its cases for the next one, so that every row and every column of the table has a
    mistake that can be counted against it; mistakes that were seen are cells of their own.

    Args:
        counts: (classes + 1, classes + 1) confusion table.
    """
    possible = np.zeros(counts.shape, dtype=bool)
    occurring = np.flatnonzero(counts[:-1].sum(axis=-1) > 0)
    possible[occurring, occurring] = True
    if occurring.size > 1:
        possible[occurring, np.roll(occurring, -1)] = True
    return possible


@dataclass(frozen=True, eq=False)
class OverClasses(CellFunction):
    """A function of the whole confusion table, which knows why it may be undefined.

    Args:
        why: Confusion table -> the reason.
    """

    why: Callable[[Floats], str] | None = None

    def _empty(self, whole: Floats) -> str:
        return self.empty if self.why is None else self.why(whole)


def why_not_averaged(counts: Floats, classes: tuple[str, ...], lacking: str = "") -> str:
    """Return why a mean over classes is undefined.

    Args:
        counts: (classes + 1, classes + 1) confusion table.
        classes: Names of the classes.
        lacking: "label" where a class needs cases, "prediction" where it needs predictions.
    """
    occurring = np.flatnonzero(_occurring(counts))
    if not occurring.size:
        return "no row has a label"
    if occurring.size == 1:
        return f"only one class occurs ({classes[occurring[0]]})"
    table = counts[:-1]
    if lacking == "label":
        without = [classes[code] for code in occurring if not table[code].sum()]
        return f"{_listed(without)} is predicted and no case is labelled so, so it has no rate of its own"
    without = [classes[code] for code in occurring if not table[:, code].sum()]
    return f"{_listed(without)} is never predicted, so it has no precision"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
