"""Replays launch choices whose truth is known, by Shipworthy's rule and by what people do.

Run it with `.venv/bin/python -m bench.decisions`; it writes docs/decisions.md, its plot and its numbers. The
labelled sets are read from the folder that `--data` or SHIPWORTHY_REAL_DATA names; without one the counts
kept from the last time are used, from which every number follows.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from bench.launches import Launch, kept_launches, plain_launches, read_launches
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from scipy.special import ndtr

from shipworthy.stats.confidence import Side
from shipworthy.stats.paired import PairedProportion, tango_interval
from shipworthy.stats.proportions import lower_bounds, two_sided_z, upper_bounds
from shipworthy.stats.sequential import (
    HORIZON,
    mean_distance,
    risk_left,
    risk_left_of_mean,
    sequence_needed,
)
from shipworthy.stats.ship_or_hold import balanced_bound, implied_confidence, value_of_cases
from shipworthy.stats.value import largest_exposure

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = ROOT / "docs" / "assets" / "decisions.json"

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

SIZES = (50, 100, 200, 500, 1000)
RATIOS = (1, 2, 3, 5, 10, 20, 30)
STATED = 0.95
#: Money forgone per month for each point by which what is held exceeds its bar.
WRONG_HOLD = 1_000.0
PRICE = 2.0
"""Money for one further label."""
STEP, STEPS = 100, 10
"""Further labels are bought in hundreds, a thousand at most."""
SEED = 20_260_105

OURS = ("from_costs", "stated")
RIVALS = ("point", "tfma", "interval", "one_sided")
RULES = (*OURS, *RIVALS)
#: How those who have no plan buy further labels.
POLICIES = ("never", "all at once", "all, where the interval holds the bar", "by the hundred, while it does")
MEASURES = ("regret", "wrong_ship", "wrong_hold", "below", "above", "labels", "actionable")


@dataclass(frozen=True)
class Task:
    """All choices about one launch at one size of the first sample."""

    launch: Launch
    n: int
    draws: int
    seed: tuple[int, ...]


@dataclass(frozen=True)
class Seen:
    """What a sample shows at the first look and after each hundred further labels; shape (draws, looks).

    Args:
        n: Labels at each look, shape (looks,).
        value: Estimates.
        error: Their standard errors.
        lower: Name of a bound -> lower bounds.
        upper: The same for upper bounds.
        proven: By look and bar, whether the confidence sequence proves it, shape (draws, looks, bars).
        refuted: The same for the opposite.
        value_passes: Whether the candidate's own value reaches what a point threshold asks of it.
    """

    n: Array
    value: Array
    error: Array
    lower: dict[str, Array]
    upper: dict[str, Array]
    proven: Flags
    refuted: Flags
    value_passes: Array


@dataclass(frozen=True)
class _Bounds:
    """Bounds that were made together: side -> confidence -> bound."""

    known: Mapping[Side, Mapping[float, Any]]

    def bound(self, side: Side, confidence: float) -> Any:
        return self.known[side][confidence]


def named(ratio: float) -> str:
    """Return the name of the bound at the confidence that a ratio of costs implies."""
    return f"ratio {ratio}"


@lru_cache
def confidence_of(ratio: float) -> float:
    """Return the confidence that a ratio of costs implies, as a gate does."""
    return implied_confidence(ratio, 1.0)


def look(task: Task, bars: Array) -> Seen:
    """Draw samples, and bound them as gates do and as people do."""
    generator = np.random.default_rng(task.seed)
    shares = task.launch.shares
    first = generator.multinomial(task.n, shares, size=(task.draws, 1))
    further = generator.multinomial(STEP, shares, size=(task.draws, STEPS))
    counts = np.concatenate([first, further], axis=1).cumsum(axis=1).astype(float)
    n = task.n + STEP * np.arange(STEPS + 1, dtype=float)
    return (_look_at_change if task.launch.is_change else _look_at_share)(task, counts, n, bars)


def _look_at_share(task: Task, counts: Array, n: Array, bars: Array) -> Seen:
    x = counts[..., 0]
    lower, upper = {"value": x / n}, {"value": x / n}
    for name, z in (("interval", two_sided_z(0.95)), ("one_sided", two_sided_z(0.90))):
        lower[name], upper[name] = _wilson(x, n, z)
    lower["stated"], upper["stated"] = lower_bounds(x, n, STATED), upper_bounds(x, n, STATED)
    for ratio in RATIOS:
        certain = confidence_of(ratio)
        bounds = _Bounds(
            {
                "lower": {c: lower_bounds(x, n, c) for c in (certain, 1 - certain)},
                "upper": {c: upper_bounds(x, n, c) for c in (certain, 1 - certain)},
            }
        )
        lower[named(ratio)] = balanced_bound(bounds, "lower", certain)  # type: ignore[assignment]
        upper[named(ratio)] = balanced_bound(bounds, "upper", certain)  # type: ignore[assignment]
    needed = np.array([_needed(task.n, int(total), float(bar)) for total in n for bar in bars])
    needed = needed.reshape(len(n), len(bars), 2)
    rate = (x + 1) / (n + 2)
    return Seen(
        n,
        x / n,
        np.sqrt(rate * (1 - rate) / n),
        lower,
        upper,
        x[..., None] >= needed[..., 0],
        x[..., None] <= needed[..., 1],
        np.ones_like(x),
    )


@cache
def _needed(first: int, n: int, bar: float) -> tuple[float, float]:
    """Return the fewest right ones that prove a bar at a later look, and the most that refute it."""
    sides = []
    for direction in ("at_least", "at_most"):
        risk = risk_left(first, bar, direction, STATED)  # type: ignore[arg-type]
        sides.append(sequence_needed(n, bar, HORIZON * first, direction, STATED, risk))  # type: ignore[arg-type]
    fewest, most = sides
    return (np.inf if fewest is None else fewest), (-np.inf if most is None else most)


def _wilson(x: Array, n: Array, z: float) -> tuple[Array, Array]:
    centre = (x + z * z / 2) / (n + z * z)
    half = z * np.sqrt(x * (n - x) / n + z * z / 4) / (n + z * z)
    return centre - half, centre + half


def _look_at_change(task: Task, counts: Array, n: Array, bars: Array) -> Seen:
    draws, looks = counts.shape[:2]
    later = [
        float(ndtr(mean_distance(float(share), STATED, risk_left_of_mean(STATED))))
        for share in n / (HORIZON * task.n)
    ]
    certain = np.array([confidence_of(ratio) for ratio in RATIOS])
    lower = {name: np.empty((draws, looks)) for name in ("interval", "one_sided", "stated", "sequence")}
    upper = {name: np.empty((draws, looks)) for name in lower}
    for ratio in RATIOS:
        lower[named(ratio)], upper[named(ratio)] = np.empty((draws, looks)), np.empty((draws, looks))
    for draw, at in np.ndindex(draws, looks):
        both, won, lost, neither = counts[draw, at]
        pair = PairedProportion(both, won, lost, neither)
        inside = np.array([STATED, later[at]])
        tails = np.concatenate([1 - inside, 1 - certain, certain])
        low, high = pair.quantiles("lower", tails), pair.quantiles("upper", 1 - tails)
        lower["stated"][draw, at], lower["sequence"][draw, at] = low[:2]
        upper["stated"][draw, at], upper["sequence"][draw, at] = high[:2]
        k = len(RATIOS)
        for place, ratio in enumerate(RATIOS):
            c = confidence_of(ratio)
            bounds = _Bounds(
                {
                    "lower": {c: low[2 + place], 1 - c: low[2 + k + place]},
                    "upper": {c: high[2 + place], 1 - c: high[2 + k + place]},
                }
            )
            lower[named(ratio)][draw, at] = balanced_bound(bounds, "lower", c)
            upper[named(ratio)][draw, at] = balanced_bound(bounds, "upper", c)
        for name, level in (("interval", 0.95), ("one_sided", 0.90)):
            lower[name][draw, at], upper[name][draw, at] = tango_interval(won, lost, n[at], level)
    value = (counts[..., 1] - counts[..., 2]) / n
    lower["value"] = upper["value"] = value
    differing = (counts[..., 1] + counts[..., 2] + 1) / (n + 2)
    live = task.launch.shares[[0, 2]].sum()
    asked = np.floor(20 * live) / 20
    return Seen(
        n,
        value,
        np.sqrt(np.maximum(differing - value**2, 1 / n) / n),
        lower,
        upper,
        lower["sequence"][..., None] >= bars,
        upper["sequence"][..., None] < bars,
        ((counts[..., 0] + counts[..., 1]) / n >= asked).astype(float),
    )


# -- buying ----------------------------------------------------------------------------------------------

_REACH, _GRID = 8.0, 321


@cache
def _values(n: int, ratio: float, first: int | None) -> Array:
    """Value of each number of hundreds of further labels at a standard error of 1, by errors from the bar.

    With a first look a gate at the stated confidence decides, by its confidence sequence; else costs do.
    """
    distance = np.linspace(-_REACH, _REACH, _GRID)[:, None]
    cases = STEP * np.arange(1, STEPS + 1)
    reach = None
    if first is not None:
        shares, risk = (n + cases) / (HORIZON * first), risk_left_of_mean(STATED)
        reach = np.array([mean_distance(float(share), STATED, risk) for share in shares])
    return value_of_cases(distance, 1.0, float(n), cases[None, :], float(ratio), 1.0, reach)


def planned(
    distance: Array, error: Array, n: int, ratio: float, most: int, first: int | None = None
) -> NDArray[np.int64]:
    """Return how many hundreds of labels to buy: those whose value exceeds their price by the most.

    Args:
        distance: How far the estimate stands on the right side of the bar, any shape.
        error: Its standard error, a shape that broadcasts.
        n: Labels so far.
        ratio: Cost of a wrong ship for one of a wrong hold.
        most: Hundreds that may still be bought.
        first: Labels of the first look, where a gate at the stated confidence decides.
    """
    if not most:
        return np.zeros(distance.shape, int)
    table = _values(n, ratio, first)[:, :most]
    place = np.clip((distance / error + _REACH) / (2 * _REACH) * (_GRID - 1), 0, _GRID - 1)
    below = np.minimum(place.astype(int), _GRID - 2)
    part = (place - below)[..., None]
    worth = table[below] * (1 - part) + table[below + 1] * part
    net = worth * (100 * WRONG_HOLD * error)[..., None] - PRICE * STEP * np.arange(1, most + 1)
    best = net.argmax(-1)
    return np.where(net.max(-1) > 0, best + 1, 0)


def bought_by_plan(seen: Seen, bars: Array, ratio: float, settled: Flags | None = None) -> NDArray[np.int64]:
    """Return the look at which buying no more pays, or at which the gate is settled; shape (draws, bars)."""
    draws = len(seen.value)
    at = np.zeros((draws, len(bars)), int)
    for step in range(STEPS):
        here = at == step
        distance = seen.value[:, step, None] - bars
        error = np.broadcast_to(seen.error[:, step, None], distance.shape)
        first = None if settled is None else int(seen.n[0])
        more = planned(distance, error, int(seen.n[step]), ratio, STEPS - step, first)
        if settled is not None:
            more = np.where(settled[:, step], 0, more)
        at = np.where(here, step + more, at)
    return at


def bought_by_policy(seen: Seen, bars: Array, policy: str) -> NDArray[np.int64]:
    """Return the look at which those without a plan decide; shape (draws, bars)."""
    inside = (seen.lower["interval"][..., None] < bars) & (seen.upper["interval"][..., None] >= bars)
    at = np.zeros((len(seen.value), len(bars)), int)
    if policy == "all at once":
        return at + STEPS
    if policy == "all, where the interval holds the bar":
        return np.where(inside[:, 0], STEPS, 0)
    if policy == "by the hundred, while it does":
        for step in range(STEPS):
            at = np.where((at == step) & inside[:, step], step + 1, at)
    return at


# -- choosing --------------------------------------------------------------------------------------------


def ships(seen: Seen, bars: Array, rule: str, ratio: float) -> Flags:
    """Return by look and bar whether a rule ships; shape (draws, looks, bars)."""
    if rule == "stated":
        exact = seen.lower["stated"][..., None] >= bars
        return np.concatenate([exact[:, :1], seen.proven[:, 1:]], axis=1)
    if rule == "from_costs":
        return np.asarray(seen.lower[named(ratio)][..., None] >= bars)
    known = {"point": "value", "tfma": "value"}.get(rule, rule)
    found = seen.lower[known][..., None] >= bars
    return found & (seen.value_passes[..., None] > 0) if rule == "tfma" else found


def fails(seen: Seen, bars: Array, rule: str, ratio: float) -> Flags:
    """Return by look and bar whether our rule proves that the bar is missed; shape (draws, looks, bars)."""
    if rule == "stated":
        exact = seen.upper["stated"][..., None] < bars
        return np.concatenate([exact[:, :1], seen.refuted[:, 1:]], axis=1)
    return np.asarray(seen.upper[named(ratio)][..., None] < bars)


def capped(seen: Seen, bars: Array, ratio: float) -> Flags:
    """Return by look and bar whether some capped exposure is cheaper than waiting, as a decision says."""
    waiting = WRONG_HOLD * 100 * (seen.value[..., None] - bars)
    worst = ratio * WRONG_HOLD * 100 * (bars - seen.lower["interval"][..., None])
    found = [
        largest_exposure(float(live), float(ours)) > 0
        for live, ours in zip(waiting.ravel(), worst.ravel(), strict=True)
    ]
    return np.array(found).reshape(waiting.shape)


def taken(values: Flags, at: NDArray[np.int64]) -> Flags:
    """Return the values at the look of each draw and bar."""
    return np.take_along_axis(values, at[:, None, :], axis=1)[:, 0]


@dataclass
class Tally:
    """Means over the choices of a task: way -> measure -> one number per ratio."""

    found: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(
        self, way: str, launch: Launch, bars: Array, ratio: float, ship: Flags, at: Array, done: Flags | None
    ) -> None:
        beyond = 100 * (launch.truth - bars)
        below, above = beyond < -1e-9, beyond > 1e-9
        loss = np.where(ship, ratio * np.maximum(-beyond, 0), np.maximum(beyond, 0)) * WRONG_HOLD
        measured = {
            "regret": loss + PRICE * STEP * at,
            "wrong_ship": ship & below,
            "wrong_hold": ~ship & above,
            "below": np.broadcast_to(below, ship.shape),
            "above": np.broadcast_to(above, ship.shape),
            "labels": STEP * at,
            "actionable": done if done is not None else np.zeros(ship.shape),
        }
        kept = self.found.setdefault(way, {name: [] for name in MEASURES})
        for name, values in measured.items():
            kept[name].append(float(np.mean(values)))


def replay(task: Task) -> Tally:
    """Let every rule choose about every sample, bar and ratio of one task."""
    launch, bars = task.launch, task.launch.bars()
    seen, tally = look(task, bars), Tally()
    none = np.zeros((task.draws, len(bars)), int)
    straddling = {policy: bought_by_policy(seen, bars, policy) for policy in POLICIES}
    for ratio in RATIOS:
        exposure = capped(seen, bars, ratio) if task.n == 200 else None
        for rule in OURS:
            shipped, failed = ships(seen, bars, rule, ratio), fails(seen, bars, rule, ratio)
            settled = shipped | failed
            plan = bought_by_plan(seen, bars, ratio, settled if rule == "stated" else None)
            for way, at in (("once", none), ("buy", plan)):
                done = None
                if exposure is not None:
                    done = taken(settled | exposure, at)
                tally.add(f"{way}: {rule}", launch, bars, ratio, taken(shipped, at), at, done)
        for rule in RIVALS:
            shipped = ships(seen, bars, rule, ratio)
            tally.add(f"once: {rule}", launch, bars, ratio, shipped[:, 0], none, None)
            for policy, at in straddling.items():
                tally.add(f"buy: {rule}: {policy}", launch, bars, ratio, taken(shipped, at), at, None)
    return tally


def tasks_of(launches: Sequence[Launch], draws: int, sizes: Sequence[int] = SIZES) -> list[Task]:
    """Return every task; a change takes a fifth of the samples, for each of its bounds is drawn."""
    return [
        Task(launch, n, max(8, draws // 5) if launch.is_change else draws, (SEED, place, n))
        for place, launch in enumerate(launches)
        for n in sizes
    ]


def replay_all(tasks: Sequence[Task], processes: int) -> Iterator[tuple[Task, Tally]]:
    """Replay tasks in several processes, with a progress bar."""
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with bar, ProcessPoolExecutor(processes) as pool:
        shown = bar.add_task("choices", total=len(tasks))
        waiting = {pool.submit(replay, task): task for task in tasks}
        for done in as_completed(waiting):
            bar.advance(shown)
            yield waiting[done], done.result()


def summed(found: Sequence[tuple[Task, Tally]]) -> dict[str, Any]:
    """Return the means over launches of a set, then over sets: every set counts the same.

    Args:
        found: What each task gave.
    """
    sets = sorted({task.launch.data for task, _ in found})
    sizes = sorted({task.n for task, _ in found})
    ways = list(found[0][1].found)
    result: dict[str, Any] = {"sets": sets, "sizes": sizes, "ratios": list(RATIOS), "ways": {}}
    for way in ways:
        cells = np.zeros((len(MEASURES), len(sets), len(sizes), len(RATIOS)))
        for at, name in enumerate(sets):
            for place, n in enumerate(sizes):
                chosen = [tally for task, tally in found if task.launch.data == name and task.n == n]
                cells[:, at, place] = np.mean(
                    [[tally.found[way][measure] for measure in MEASURES] for tally in chosen], axis=0
                )
        means, kept = cells.mean(axis=1), {}
        for at, measure in enumerate(MEASURES):
            kept[measure] = np.round(means[at], 5).tolist()
        kept["regret_by_set"] = np.round(cells[0].mean(axis=(1, 2)), 2).tolist()
        result["ways"][way] = kept
    return result


def best_policies(measured: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return for each rival and ratio the policy of least regret, known only in hindsight."""
    found = {}
    for rule in RIVALS:
        regret = np.array(
            [np.mean(measured["ways"][f"buy: {rule}: {policy}"]["regret"], axis=0) for policy in POLICIES]
        )
        found[rule] = [POLICIES[at] for at in regret.argmin(axis=0)]
    return found


def of_rule(measured: Mapping[str, Any], way: str, rule: str, measure: str) -> Array:
    """Return a measure of a rule by size and ratio; a rival that buys does so by its best policy.

    Args:
        measured: All numbers.
        way: "once" or "buy".
        rule: The rule.
        measure: One of the measures.
    """
    ways = measured["ways"]
    if way == "once" or rule in OURS:
        return np.array(ways[f"{way}: {rule}"][measure])
    chosen = best_policies(measured)[rule]
    columns = [np.array(ways[f"buy: {rule}: {policy}"][measure])[:, at] for at, policy in enumerate(chosen)]
    return np.stack(columns, axis=1)


def regrets(measured: Mapping[str, Any], way: str, rule: str) -> Array:
    """Return the mean regret of a rule by ratio, in money per choice."""
    return np.asarray(of_rule(measured, way, rule, "regret").mean(axis=0))


def goals(measured: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Return every goal with what was measured and the limit: at most the limit, at least for the last."""
    ours = {way: regrets(measured, way, "from_costs") for way in ("once", "buy")}
    theirs = {way: np.array([regrets(measured, way, rule) for rule in RIVALS]) for way in ours}
    below = of_rule(measured, "once", "stated", "below")
    wrong = [of_rule(measured, way, "stated", "wrong_ship") / below for way in ours]
    at = measured["sizes"].index(200) if 200 in measured["sizes"] else 0
    return {
        "regret of a point gate that decides once": (
            float(ours["buy"].mean() / regrets(measured, "once", "point").mean()),
            0.2,
        ),
        "regret of the best rival, once": (float(ours["once"].mean() / theirs["once"].mean(1).min()), 0.85),
        "regret of the best rival, buying": (float(ours["buy"].mean() / theirs["buy"].mean(1).min()), 0.85),
        "regret of the best rival at the worst ratio, once": (
            float((ours["once"] / theirs["once"].min(0)).max()),
            1.0,
        ),
        "regret of the best rival at the worst ratio, buying": (
            float((ours["buy"] / theirs["buy"].min(0)).max()),
            1.0,
        ),
        "wrong ships of what is below its bar, at 95%": (float(max(w.max() for w in wrong)), 0.05),
        "actionable at 200, at 95%": (
            float(of_rule(measured, "once", "stated", "actionable")[at].mean()),
            0.70,
        ),
        "actionable at 200, from costs": (
            float(of_rule(measured, "once", "from_costs", "actionable")[at].mean()),
            0.70,
        ),
    }


def missed(measured: Mapping[str, Any]) -> list[str]:
    """Return a line for each goal that is missed."""
    lines = []
    for name, (found, limit) in goals(measured).items():
        wants_more = name.startswith("actionable")
        if (found < limit) if wants_more else (found > limit):
            lines.append(f"{name}: {found:.3f}, wanted {'at least' if wants_more else 'at most'} {limit}")
    return lines


def measure(launches: Sequence[Launch], draws: int, processes: int) -> dict[str, Any]:
    """Replay all launches and return the numbers."""
    tasks = tasks_of(launches, draws)
    found = sorted(replay_all(tasks, processes), key=lambda one: tasks.index(one[0]))
    about = {"draws": draws, "wrong_hold": WRONG_HOLD, "price": PRICE, "most_labels": STEP * STEPS}
    return {**about, **summed(found), "launches": plain_launches(launches)}


def options() -> argparse.ArgumentParser:
    """Return what may stand behind the command."""
    made = argparse.ArgumentParser("python -m bench.decisions", description=__doc__)
    made.add_argument(
        "--data", type=Path, default=os.environ.get("SHIPWORTHY_REAL_DATA"), help="labelled sets"
    )
    made.add_argument("--page", action="store_true", help="write the page from the numbers that are there")
    made.add_argument("--draws", type=int, default=100, help="samples per launch and size (default 100)")
    made.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="processes (default: cores)")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay, write the numbers and the page, and say which goal is missed."""
    from bench.decisions_page import write_page

    asked = options().parse_args(arguments)
    if not asked.page:
        launches = read_launches(Path(asked.data)) if asked.data else []
        if not launches and NUMBERS.exists():
            launches = kept_launches(json.loads(NUMBERS.read_text("utf-8"))["launches"])
        if not launches:
            print(f"No labelled set lies in {asked.data}, and no counts are kept; name a folder with --data.")
            return 2
        kept = measure(launches, asked.draws, asked.processes)
        NUMBERS.write_text(json.dumps(kept, ensure_ascii=False) + "\n", "utf-8")
    if not NUMBERS.exists():
        print(f"There are no numbers at {NUMBERS}; run it without --page.")
        return 2
    measured = json.loads(NUMBERS.read_text("utf-8"))
    write_page(ROOT, measured)
    for name, (found, limit) in goals(measured).items():
        print(f"{name:55} {found:.3f} (goal {limit})")
    for line in missed(measured):
        print(f"MISSED  {line}")
    return 1 if missed(measured) else 0


if __name__ == "__main__":
    sys.exit(main())
