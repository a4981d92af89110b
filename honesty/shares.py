"""False passes and coverage of shares, counted: proportions, F1, quantiles, groups, pairs, unscored rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial

import numpy as np
from scipy import special

from honesty.studies import STATED, Found, Scenario, Study, meets
from honesty.subjects import class_metric, padded, profile
from shipworthy.decide.gates import status_of
from shipworthy.evidence.estimating import measure_arrays
from shipworthy.evidence.metric import CellMean
from shipworthy.records import Estimate, GateEvidence, GateStatus
from shipworthy.stats.confidence import Difference, Proportion, Ratio
from shipworthy.stats.mapped import Mapped
from shipworthy.stats.paired import PairedProportion, tango_interval
from shipworthy.stats.proportions import display_interval, lower_bounds, upper_bounds
from shipworthy.stats.quantile import BinnedQuantile
from shipworthy.stats.two_samples import miettinen_nurminen_interval

__all__ = ["studies"]

BARS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
RATES = (0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 0.99)
Array = np.ndarray


def studies(*, quick: bool) -> list[Study]:
    """Return the studies of shares.

    Args:
        quick: Whether the grids are small.
    """
    parts = [range(1, 100)] if quick else [range(1, 301), range(310, 1001, 10), range(1010, 2001, 10)]
    pairs = [(20, 20), (30, 12)] if quick else [(20, 20), (50, 20), (100, 30), (100, 100), (200, 50)]
    few = [20, 50] if quick else [20, 50, 100, 200]
    ns = [10, 60, 100] if quick else [10, 20, 30, 50, 80, 100, 150, 200, 300, 500, 1000, 2000]
    return [
        Study(
            "proportion",
            "Share of cases, one row each",
            "false_pass",
            STATED,
            tuple(
                Scenario(
                    f"n from {part[0]} to {part[-1]} by {part.step}, every bar that just passes, both sides",
                    partial(proportion_passes, part),
                )
                for part in parts
            ),
            ("exact binomial (Clopper-Pearson)", "exact binomial (Clopper-Pearson), scaled"),
        ),
        Study(
            "f1",
            "F1 of one class",
            "false_pass",
            STATED,
            tuple(
                Scenario(
                    f"n = {n}, F1 {f:g}, {q:.0%} of rows positive or predicted so",
                    partial(f1_passes, n, f, q),
                )
                for n in few
                for f in (0.7, 0.9, 0.98)
                for q in (0.1, 0.5)
            ),
            ("exact binomial (Clopper-Pearson), mapped",),
        ),
        Study(
            "quantile",
            "Latency quantile whose bar is an edge of a bin",
            "false_pass",
            STATED,
            tuple(
                Scenario(f"{share:.0%} quantile, n = {n}", partial(quantile_passes, n, share))
                for share in (0.5, 0.95, 0.99)
                for n in ns
            ),
            ("exact order statistics",),
        ),
        Study(
            "unscored",
            "Unscored rows, all of them bad, judged by the worst case",
            "false_pass",
            STATED,
            tuple(
                Scenario(
                    f"{n} planned, bar {bar:.0%}, up to {lost} bad rows unscored",
                    partial(unscored_passes, n, bar, lost),
                )
                for n in ([100] if quick else [100, 500, 1000])
                for bar in (0.8, 0.95)
                for lost in (n // 50,)
            ),
            note="A gate prints this bound and says whether its unscored rows could change the answer.",
        ),
        Study(
            "unscored_ignored",
            "The same, had unscored rows been left out",
            "false_pass",
            STATED,
            tuple(
                Scenario(
                    f"{n} planned, bar {bar:.0%}, up to {n // 50} bad rows unscored",
                    partial(unscored_passes, n, bar, n // 50, ignored=True),
                )
                for n in ([100] if quick else [100, 500, 1000])
                for bar in (0.8, 0.95)
            ),
            promised=False,
            note="Why more than 2% unscored rows make evidence invalid, and the worst case is printed below.",
        ),
        Study(
            "two_groups_difference",
            "Difference of two groups' shares",
            "false_pass",
            STATED + 0.01,
            tuple(
                Scenario(
                    f"{n} and {m} cases, {p:g} against {q:g}", partial(melded_passes, Difference, n, m, p, q)
                )
                for n, m in pairs[: 2 if quick else 4]
                for p, q in ((0.8, 0.85), (0.97, 0.99), (0.5, 0.5), (0.05, 0.02))
            ),
            ("melded",),
        ),
        Study(
            "two_groups_ratio",
            "Ratio of two groups' shares",
            "false_pass",
            STATED + 0.01,
            tuple(
                Scenario(f"{n} and {m} cases, {p:g} over {q:g}", partial(melded_passes, Ratio, n, m, p, q))
                for n, m in pairs[: 2 if quick else 4]
                for p, q in ((0.4, 0.5), (0.9, 0.9), (0.05, 0.02), (0.1, 0.3))
            ),
            ("melded",),
        ),
        Study(
            "paired",
            "Difference of two systems on the same cases",
            "false_pass",
            STATED + 0.01,
            tuple(
                Scenario(f"n = {n}, won {won:g}, lost {lost:g}", partial(paired_passes, n, won, lost))
                for n in ([30] if quick else [30, 60, 120])
                for won, lost in ((0.1, 0.1), (0.02, 0.02), (0.05, 0.08), (0.2, 0.01), (0.01, 0.01))
            ),
            ("paired, Dirichlet, worst-cell",),
        ),
        Study(
            "proportion_shown",
            "Share: Wilson, exact where fewer than ten succeeded or failed",
            "coverage",
            0.92,
            tuple(Scenario(f"n = {n}, worst of 400 rates", partial(proportion_covers, n)) for n in ns),
        ),
        Study(
            "difference_shown",
            "Difference of two shares: Newcombe on the shown intervals",
            "coverage",
            0.92,
            tuple(
                Scenario(
                    f"{n} and {m} cases, {len(RATES)} rates each", partial(pair_covers, "difference", n, m)
                )
                for n, m in pairs[:4]
            ),
        ),
        Study(
            "ratio_shown",
            "Ratio of two shares: the same on logs",
            "coverage",
            0.92,
            tuple(
                Scenario(f"{n} and {m} cases, {len(RATES)} rates each", partial(pair_covers, "ratio", n, m))
                for n, m in pairs[:4]
            ),
        ),
        Study(
            "miettinen_nurminen_shown",
            "Difference of two shares: Miettinen-Nurminen",
            "coverage",
            0.92,
            tuple(
                Scenario(f"{n} and {m} cases, {len(RATES)} rates each", partial(pair_covers, "score", n, m))
                for n, m in pairs[:2]
            ),
            note="Offered in Python; decisions show Newcombe's.",
        ),
        Study(
            "tango_shown",
            "Paired difference: Tango",
            "coverage",
            0.92,
            tuple(
                Scenario(f"n = {n}, 49 pairs of rates", partial(tango_covers, n))
                for n in ([20, 40] if quick else [10, 20, 30, 50, 100, 200])
            ),
        ),
    ]


def binomial(n: int, rate: float) -> Array:
    """Return the chances of 0 to n successes.

    Args:
        n: Trials.
        rate: Chance of a success.
    """
    k = np.arange(n + 1)
    ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.exp(ways + special.xlogy(k, rate) + special.xlog1py(n - k, -rate))


def proportion_passes(ns: range) -> Found:
    """Worst chance over all n, bars and both sides that a subject exactly at the bar passes."""
    worst = 0.0
    for n in ns:
        x = np.arange(n + 1.0)
        lower = lower_bounds(x, np.array(float(n)))
        # Any bar between two bounds is passed less often than the bar at the upper of the two.
        bars = np.unique(np.concatenate([BARS, lower[1:]]))
        needed = np.searchsorted(lower + 1e-12, bars)
        some = needed <= n
        worst = max(worst, float(special.betainc(needed[some], n - needed[some] + 1.0, bars[some]).max()))
        upper = upper_bounds(x, np.array(float(n)))
        bars = np.unique(np.concatenate([BARS, upper[:-1]]))
        allowed = np.searchsorted(upper - 1e-12, bars, side="right") - 1
        some = allowed >= 0
        worst = max(
            worst, float(special.betainc(n - allowed[some], allowed[some] + 1.0, 1 - bars[some]).max())
        )
    return Found(worst)


def f1_passes(n: int, f1: float, counted: float) -> Found:
    """Chance that F1 exactly at its bar passes: J = tp / (tp + fp + fn) is binomial among those counted."""
    metric, jaccard = class_metric("f1", 2), f1 / (2 - f1)
    total = 0.0
    for m, chance in enumerate(binomial(n, counted)):
        if m == 0 or chance < 1e-12:
            continue

        def passes(hits: int, m: int = m) -> bool:
            table = padded(np.array([[n - m, m - hits], [0, hits]], dtype=float))
            found = metric.confidence(table[None], (), False)
            assert isinstance(found, Mapped)
            return meets(found.bound("lower", 0.95), f1, "lower")

        needed = first_true(passes, m)
        if needed is not None:
            total += chance * float(special.betainc(needed, m - needed + 1, jaccard)) if needed else chance
    return Found(total)


def first_true(holds: Callable[[int], bool], most: int) -> int | None:
    """Return the smallest number up to `most` for which a rising condition holds, None if it never does."""
    if not holds(most):
        return None
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def quantile_passes(n: int, share: float) -> Found:
    """Chance that a quantile exactly at its bar is proven to be at most the bar."""
    edges = np.array([1.0, 2.0])

    def passes(below: int) -> bool:
        found = BinnedQuantile(np.array([below, n - below], dtype=float), edges, share)
        return meets(found.bound("upper", 0.95), 1.0, "upper")

    needed = first_true(passes, n)
    return Found(0.0 if needed is None else float(binomial(n, share)[needed:].sum()))


def unscored_passes(planned: int, bar: float, lost: int, *, ignored: bool = False) -> Found:
    """Chance that a subject at its bar passes when up to `lost` of its bad rows went unscored."""
    metric = class_metric("accuracy", 2)
    assert isinstance(metric, CellMean)
    total = 0.0
    for right, chance in enumerate(binomial(planned, bar)):
        unscored = min(lost, planned - right)
        table = padded(np.array([[right, planned - right - unscored], [0, 0]], dtype=float))

        measured = measure_arrays(metric, table[None], (), profile(planned - unscored, ("0", "1")))
        worst = measured if ignored else measured.with_further(unscored, 0)
        assert worst is not None
        total += chance * (decided(worst.bound("lower", 0.95), bar) is GateStatus.met)
    return Found(total)


def decided(lower: float, bar: float) -> GateStatus:
    """Return the answer of a gate "at least the bar" with this lower bound."""
    evidence = GateEvidence(
        "gate", "rule", "metric", "at_least", False, bar, Estimate(bar), lower, 1.0, 0.95, "", "all cases"
    )
    return status_of(evidence)


def melded_passes(form: type[Difference] | type[Ratio], n: int, m: int, p: float, q: float) -> Found:
    """Chance that two groups whose difference or ratio is exactly the bar pass."""
    bar = p - q if form is Difference else p / q
    first, second = binomial(n, p), binomial(m, q)
    tails = np.append(np.cumsum(first[::-1])[::-1], 0.0)
    total, start = 0.0, 0
    for y, chance in enumerate(second):
        if chance < 1e-7:
            continue

        def passes(x: int, y: int = y) -> bool:
            return meets(form(Proportion(x, n), Proportion(y, m)).bound("lower", 0.95), bar, "lower")

        # More successes in the second group never ask for fewer in the first.
        while start <= n and tails[start] > 1e-7 and not passes(start):
            start += 1
        total += chance * tails[min(start, n + 1)]
    return Found(float(total))


def paired_passes(n: int, won: float, lost: float) -> Found:
    """Chance that a paired difference exactly at its bar passes."""
    bar, total = won - lost, 0.0
    for differing, chance in enumerate(binomial(n, won + lost)):
        if chance < 1e-7:
            continue

        def passes(wins: int, differing: int = differing) -> bool:
            pair = PairedProportion(n - differing, wins, differing - wins, 0)
            return meets(pair.bound("lower", 0.95), bar, "lower")

        needed = first_true(passes, differing)
        if needed is not None:
            total += chance * float(binomial(differing, won / (won + lost))[needed:].sum())
    return Found(float(total))


def proportion_covers(n: int) -> Found:
    """Smallest coverage of the shown interval of a share over 400 rates."""
    ends = np.array([display_interval(x, n) for x in range(n + 1)])
    rates = np.unique(np.concatenate([np.linspace(0.3, 0.99, 200), 1 - np.geomspace(5e-4, 0.3, 200)]))
    covered = [binomial(n, p)[(ends[:, 0] <= p) & (p <= ends[:, 1])].sum() for p in rates]
    return Found(float(min(covered)), average=float(np.mean(covered)))


@cache
def pair_ends(kind: str, n: int, m: int) -> Array:
    """Shown intervals of two shares for all counts, shape (n + 1, m + 1, 2)."""
    form = {"difference": Difference, "ratio": Ratio}
    ends = np.empty((n + 1, m + 1, 2))
    for x in range(n + 1):
        for y in range(m + 1):
            ends[x, y] = (
                miettinen_nurminen_interval(x, n, y, m)
                if kind == "score"
                else form[kind](Proportion(x, n), Proportion(y, m)).interval()
            )
    return ends


def pair_covers(kind: str, n: int, m: int) -> Found:
    """Smallest coverage of the shown interval of a difference or a ratio over pairs of rates."""
    ends, covered = pair_ends(kind, n, m), []
    for p in RATES:
        for q in RATES:
            truth = p / q if kind == "ratio" else p - q
            chances = np.outer(binomial(n, p), binomial(m, q))
            held = (ends[..., 0] <= truth + 1e-12) & (truth - 1e-12 <= ends[..., 1])
            covered.append(float(chances[held].sum()))
    return Found(min(covered), average=float(np.mean(covered)))


def tango_covers(n: int) -> Found:
    """Smallest coverage of Tango's interval over pairs of rates."""
    counts = np.array([(b, c) for b in range(n + 1) for c in range(n + 1 - b)])
    ends = np.array([tango_interval(b, c, n) for b, c in counts])
    b, c = counts.T
    ways = (
        math.lgamma(n + 1) - special.gammaln(b + 1) - special.gammaln(c + 1) - special.gammaln(n - b - c + 1)
    )
    covered = []
    for p in (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.45):
        for q in (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.45):
            chances = np.exp(ways + b * math.log(p) + c * math.log(q) + (n - b - c) * math.log1p(-p - q))
            held = (ends[:, 0] <= p - q + 1e-12) & (p - q - 1e-12 <= ends[:, 1])
            covered.append(float(chances[held].sum()))
    return Found(min(covered), average=float(np.mean(covered)))
