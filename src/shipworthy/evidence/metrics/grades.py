"""Shares of outcomes: graded answers, passing scores, failed and unscored rows, flips."""

from __future__ import annotations

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError, nearest
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.judging import corrected, corrected_right, judged_basis
from shipworthy.evidence.metric import Better, CellMean, Metric, Unmeasurable, metric
from shipworthy.golden.labels import GRADES
from shipworthy.tables.duck import quote
from shipworthy.tables.totals import Grain, Key, Total

CLOPPER = "exact binomial; Clopper and Pearson (1934), Biometrika 26:404-413"


def share_of(
    name: str, key: Key, better: Better, grain: str = "row", empty: str = "no row is scored"
) -> CellMean:
    """Return the share of units for which a yes-or-no key is yes."""
    return CellMean(
        name,
        "share",
        better,
        Total(by=(key,), grain=Grain(grain)),
        np.array([0.0, 1.0, 0.0]),
        np.array([True, True, False]),
        empty=empty,
    )


def _grade_share(call: Call, frame: Frame, grade: str, better: Better) -> Metric:
    if frame.profile.basis != "grade":
        raise Unmeasurable("the rows have no grade")
    condition = f"{frame.column('outcome')} = '{grade}'"
    if grade == "poor":
        # No usable answer is a bad outcome, but it harms nobody by what it says.
        condition = f"{frame.column('outcome')} IN ('poor', 'failed')"
    share = share_of(str(call), frame.flag_key(grade, condition), better)
    return corrected(share, judged_basis(frame), frame, [float(name == grade) for name in GRADES])


@metric("good", source=f"Share of rows graded good; {CLOPPER}", example="good >= 80%")
def good(call: Call, frame: Frame) -> Metric:
    """Share of outputs graded good; a failed row is not good."""
    return _grade_share(call, frame, "good", "higher")


@metric("poor", better="lower", source=f"Share of rows graded poor; {CLOPPER}", example="poor <= 15%")
def poor(call: Call, frame: Frame) -> Metric:
    """Share of outputs graded poor, failed rows included."""
    return _grade_share(call, frame, "poor", "lower")


@metric("harmful", better="lower", source=f"Share of rows graded harmful; {CLOPPER}", example="harmful <= 8%")
def harmful(call: Call, frame: Frame) -> Metric:
    """Share of outputs graded harmful."""
    return _grade_share(call, frame, "harmful", "lower")


@metric(
    "pass_rate",
    source=f"Share of rows that pass a scorer; {CLOPPER}",
    example="pass_rate(correct) >= 80%",
    numbers=(0,),
)
def pass_rate(call: Call, frame: Frame) -> Metric:
    """Share of outputs that pass a scorer (value at least 0.5); a failed row does not pass.

    Without a scorer in brackets: share of rows that are right.
    """
    if not call.arguments:
        if not frame.has("ok"):
            raise Unmeasurable("no row is right or wrong: there is no scorer, grade or prediction")
        share = share_of(str(call), frame.flag_key("ok", f"{frame.column('ok')} = 1"), "higher")
        return corrected_right(share, frame)
    name = str(call.arguments[0])
    if name not in frame.scorers and not frame.has(f"#{name}"):
        raise UsageError(f"No scorer named {name!r}.", fix=nearest(name, frame.scorers))
    if not frame.has(f"#{name}"):
        raise Unmeasurable(f"no row has a score by {name}")
    value = frame.column(f"#{name}")
    failed = f"{frame.column('failed_reason')} IS NOT NULL"
    condition = f"CASE WHEN {failed} THEN false ELSE {value} >= 0.5 END"
    better: Better = "lower" if frame.scorers.get(name) == "lower" else "higher"
    return corrected(share_of(str(call), frame.flag_key(name, condition), better), name, frame)


@metric(
    "failed_share",
    better="lower",
    source=f"failed / (scored + failed); {CLOPPER}",
    example="failed_share <= 1%",
)
def failed_share(call: Call, frame: Frame) -> Metric:
    """Share of rows without a usable answer through the system's own fault.

    That is an exception, a timeout, an empty answer, or no answer in the expected form.
    """
    return share_of(
        str(call), frame.flag_key("failed", f"{frame.column('failed_reason')} IS NOT NULL"), "lower"
    )


@metric(
    "unscored_share",
    better="lower",
    unit_of_total="planned row",
    source=f"unscored / planned; {CLOPPER}",
    example="unscored_share <= 2%",
)
def unscored_share(call: Call, frame: Frame) -> Metric:
    """Share of planned rows that the instrument or the road lost."""
    if frame.paired is not None:
        raise Unmeasurable("rows that either system lost are left out of the cases that both share")
    condition = f"{frame.column('unscored_reason')} IS NOT NULL"
    return share_of(str(call), frame.flag_key("unscored", condition), "lower", "planned")


@metric(
    "negative_flips",
    better="lower",
    unit_of_total="pair of rows",
    source="Share of pairs right before and wrong now; Yan et al. (2021), CVPR, Positive-congruent training",
    example="negative_flips(live) <= 2%",
)
def negative_flips(call: Call, frame: Frame) -> Metric:
    """Share of shared cases that the other system has right and this one wrong."""
    if not frame.has("ok"):
        raise Unmeasurable("no row is right or wrong")
    condition = f"{quote('ok')} = 0 AND {quote('other_ok')} = 1"
    return share_of(str(call), frame.flag_key("flip", condition), "lower", empty="no case is shared")
