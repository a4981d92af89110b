"""What people or judges said of outputs in words: refusals, wins and ties, and whether the order mattered."""

from __future__ import annotations

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import CellMean, Metric, Unmeasurable, metric
from shipworthy.evidence.metrics.grades import CLOPPER, share_of
from shipworthy.evidence.metrics.scores import better_of
from shipworthy.tables.duck import text_literal
from shipworthy.tables.totals import Grain, Key, Total

#: Values that mean yes, where a rule does not say which values count.
YES = ("1", "true", "yes", "y", "refused", "refusal")
TIES = ("tie", "tied", "draw", "both", "equal", "same", "neither")


def _text(call: Call, place: int, frame: Frame) -> str:
    name = str(call.arguments[place])
    if not frame.has(name):
        raise Unmeasurable(f"the rows have no column {name}")
    return frame.column(name)


@metric(
    "refusal_rate",
    better="lower",
    source=f"Share of rows whose column says so, as in Röttger et al. (2024), NAACL, XSTest; {CLOPPER}",
    example="refusal_rate(refused) <= 50%",
    texts=(0,),
)
def refusal_rate(call: Call, frame: Frame) -> Metric:
    """Share of outputs that refuse: those whose column has one of the values that mean so.

    refusal_rate(label, full, partial) names the values; without any the column must say 1, true, yes or
    refused. A failed row is no refusal and is counted; a row without a value is left out. Lower is better, as
    for safe prompts; a gate with >= turns it round.
    """
    if not call.arguments:
        raise UsageError(
            "refusal_rate needs the column that says so, as in refusal_rate(refused).", fix="Name the column."
        )
    column = _text(call, 0, frame)
    values = [str(value) for value in call.arguments[1:]] or list(YES)
    listed = ", ".join(text_literal(value.lower()) for value in values)
    failed = f"{frame.column('failed_reason')} IS NOT NULL"
    condition = f"CASE WHEN {failed} THEN false ELSE lower({column}) IN ({listed}) END"
    key = frame.flag_key(f"refusal {call}", condition)
    return share_of(str(call), key, better_of(call, frame, "lower"), empty=f"no row has {call.arguments[0]}")


@metric(
    "win_rate",
    interval="Dirichlet draws of wins, ties and losses; exact binomial where nothing is a tie",
    gate="Dirichlet with one pseudo-count on a loss; exact binomial where nothing is a tie",
    source="Wins plus half the ties, over all comparisons; ties as in Zheng et al. (2023), arXiv:2306.05685",
    example="win_rate(winner, candidate) >= 50%",
    texts=(0,),
)
def win_rate(call: Call, frame: Frame) -> Metric:
    """Share of comparisons won, ties counting half.

    In win_rate(winner, candidate) the column winner holds the winner's name, or tie (also draw, both, equal,
    same, neither). Any other value is a loss, and so is a failed row; a row without a value is left out.
    Judge each pair in both orders: the two rows are then one case.
    """
    if len(call.arguments) != 2:
        raise UsageError(
            "win_rate needs the column of winners and the name that should win, "
            "as in win_rate(winner, candidate).",
            fix="Name both.",
        )
    column, name = _text(call, 0, frame), str(call.arguments[1])
    ties = ", ".join(text_literal(word) for word in TIES if word != name.lower())
    code = (
        f"CASE WHEN {frame.column('failed_reason')} IS NOT NULL THEN 0 "
        f"WHEN {column} IS NULL THEN NULL WHEN {column} = {text_literal(name)} THEN 2 "
        f"WHEN lower({column}) IN ({ties}) THEN 1 ELSE 0 END"
    )
    key = Key(f"{frame.prefix}{call}", code, 3)
    return CellMean(
        str(call),
        "share",
        "higher",
        Total(by=(key,)),
        np.array([0.0, 0.5, 1.0, 0.0]),
        np.array([True, True, True, False]),
        empty=f"no row has {call.arguments[0]}",
    )


@metric(
    "position_consistency",
    unit_of_total="case",
    source="Share of cases with the same winner in both orders; Wang et al. (2023), arXiv:2305.17926",
    example="position_consistency(winner, position) >= 50%",
    texts=(0, 1, 2),
)
def position_consistency(call: Call, frame: Frame) -> Metric:
    """Share of cases with the same winner in every order of showing them.

    In position_consistency(winner, position) the column position says in which order the outputs were shown.
    Only cases that were judged in two orders or more count; 1 less it is the share of verdicts that the order
    alone can turn. Where ids do not say which rows are of one case, a third column does:
    position_consistency(winner, position, item).
    """
    if len(call.arguments) not in (2, 3):
        raise UsageError(
            "position_consistency needs the columns of winner and order, "
            "as in position_consistency(winner, position).",
            fix="Name both.",
        )
    winner, position = _text(call, 0, frame), _text(call, 1, frame)
    case = _text(call, 2, frame) if len(call.arguments) > 2 else "case_id"
    known = f"{winner} IS NOT NULL AND {position} IS NOT NULL"
    inner = (
        "SELECT {population} AS p, min(g) AS g, min(w) AS w, "
        f"CASE WHEN count(DISTINCT {position}) < 2 THEN NULL "
        f"WHEN count(DISTINCT {winner}) = 1 THEN 1 ELSE 0 END AS same "
        f"FROM coded WHERE {{where}} AND {known} GROUP BY {{population}}, {case}"
    )
    return CellMean(
        str(call),
        "share",
        "higher",
        Total(by=(Key("same", "same", 2),), grain=Grain("case", inner)),
        np.array([0.0, 1.0, 0.0]),
        np.array([True, True, False]),
        empty="no case was judged in two orders",
    )
