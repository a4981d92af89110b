"""How gates that count the same rows go together: the chance that a fresh sample proves all of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.evidence.gates.setting import SUBJECT, Answers, GatePlan
from shipworthy.evidence.metric import CellMean
from shipworthy.records import Together
from shipworthy.stats.joint_sizing import CellTarget, joint_power_of_cells
from shipworthy.tables.row_plan import RowsProfile
from shipworthy.tables.totals import WHOLE, Ask, Key, Total

__all__ = ["TogetherPlan", "measure_together", "plan_together"]

Codes = NDArray[np.int64]

#: With more rows every chance is next to 0 or 1, and a total more would only cost time.
MOST_ROWS = 500_000
#: Simulated samples: good to about one point of 100.
DRAWS = 4_000
NOT_COUNTED, FAILED, SUCCEEDED = 0, 1, 2


@dataclass(frozen=True, eq=False)
class TogetherPlan:
    """One total over the keys of all rates that gates bound, and which keys belong to whom.

    Args:
        ask: The total on all rows.
        parts: Per gate its plan, the metric, the axes of its keys, and the axis of its population.
    """

    ask: Ask
    parts: tuple[tuple[GatePlan, CellMean, tuple[int, ...], int], ...]


def plan_together(
    plans: Sequence[GatePlan], blocking: Collection[str], profile: RowsProfile
) -> TogetherPlan | None:
    """Plan the joint count table of the blocking gates that bound a plain rate of the same rows.

    Args:
        plans: The gates' plans.
        blocking: Ids of the gates that can hold a release.
        profile: The rows' profile.

    Returns:
        The plan; None where fewer than two gates are such, or rows are no independent cases.
    """
    if profile.clustered or profile.weighted or profile.rows > MOST_ROWS:
        return None
    keys: dict[Key, int] = {}
    parts = []
    for plan in plans:
        if plan.counted is None or plan.gate.id not in blocking:
            continue
        metric, split = plan.counted
        population = Key(split.name or "all", split.sql, len(split.labels))
        axes = [keys.setdefault(key, len(keys)) for key in (*metric.total.by, population)]
        parts.append((plan, metric, tuple(axes[:-1]), axes[-1]))
    if len(parts) < 2:
        return None
    return TogetherPlan(Ask(Total(by=tuple(keys)), WHOLE), tuple(parts))


def measure_together(plan: TogetherPlan | None, answers: Answers) -> Together | None:
    """Simulate fresh samples from the joint count table, and count those that prove every gate.

    Args:
        plan: The plan; None where there is none.
        answers: The answers to its ask.

    Returns:
        The gates and their chance; None without a row to draw from.
    """
    if plan is None:
        return None
    table = answers[SUBJECT][plan.ask]
    n = round(float(table.counts.sum()))
    if not n:
        return None
    signs = np.stack(
        [
            _signs(metric, table.keys[:, list(axes)], table.keys[:, axis] == 0)
            for _plan, metric, axes, axis in plan.parts
        ],
        axis=1,
    )
    kinds, where = np.unique(signs, axis=0, return_inverse=True)
    counts = np.bincount(where.ravel(), table.counts, len(kinds)).astype(float)
    targets = [
        CellTarget(
            succeeds=(kinds[:, place] == SUCCEEDED).astype(float),
            counts=(kinds[:, place] != NOT_COUNTED).astype(float),
            bar=part[0].gate.parsed.bar,
            direction="at_least" if part[0].gate.parsed.at_least else "at_most",
            confidence=part[0].gate.confidence,
        )
        for place, part in enumerate(plan.parts)
    ]
    ids = tuple(part[0].gate.id for part in plan.parts)
    return Together(ids, joint_power_of_cells(n, counts, targets, DRAWS))


def _signs(metric: CellMean, keys: Codes, inside: NDArray[np.bool_]) -> Codes:
    """Return for each entry whether the gate counts it, and as what."""
    cell = tuple(keys.T)
    counted = np.asarray(metric.among)[cell] & inside
    succeeded = np.asarray(metric.values)[cell] > 0
    return np.where(counted, np.where(succeeded, SUCCEEDED, FAILED), NOT_COUNTED)
