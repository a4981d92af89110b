"""Prints how long the evidence engine takes on stored runs beside the bare scan of the same columns.

Run it with `make bench`. Times move with the machine; the ratios, measured in turn in one process, are what
to read. Peak memory is that of a process that does nothing but the one thing, its imports included.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import common

from shipworthy.define.rules import parse_rule
from shipworthy.evidence.comparing import compare, plan_pair
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.many import measure_slices
from shipworthy.evidence.measuring import frame_of, measure_evidence
from shipworthy.evidence.metric import Metric, bind
from shipworthy.evidence.populations import group_split
from shipworthy.evidence.subject import RunRows
from shipworthy.tables.duck import Connection
from shipworthy.tables.pairs import PAIRED, pair_rows, read_pairs, shared_rows
from shipworthy.tables.totals import WHOLE, Ask, read_totals

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
VARIANTS = (
    "bare scan",
    "cells and means",
    "decision",
    "clustered",
    "bare scan of both",
    "comparison",
    "decision against live",
)
CELLS = ("accuracy", "precision", "recall", "fpr", "f1", "expected_cost", "mean(judge)")


def decide(paths: list[Path]) -> None:
    """Measure all that one decision needs over stored runs."""
    connection = common.open_engine()
    names = ("candidate", "live")
    subject, *others = (
        common.open_run(connection, path, name) for path, name in zip(paths, names, strict=False)
    )
    evidence = measure_evidence(
        connection, common.bench_spec(), subject, others, role="candidate", lineage="bench"
    )
    connection.close()
    if sum(part.estimate.value is not None for part in evidence.slices) < 900:
        raise SystemExit("too few slices could be measured")


def compare_two(paths: list[Path]) -> None:
    """Compare two stored runs case by case: totals of the pairs, differences by slice, lists of flips."""
    connection = common.open_engine()
    names = ("candidate", "live")
    subject, other = (
        common.open_run(connection, path, name) for path, name in zip(paths, names, strict=True)
    )
    pairs = pair_rows(
        connection,
        subject.table,
        other.table,
        "pairs",
        in_step=subject.profile.order == other.profile.order,
    )
    frame = frame_of(common.bench_spec(), subject)
    calls = [
        parse_rule(f"{name} >= 0").left for name in (*CELLS, "auc", "calibration_error", "latency_p99_ms")
    ]
    splits = [group_split(name, subject.profile.slice_values[name]) for name in common.SLICES]
    plan = plan_pair(calls, frame, other, WHOLE, splits)
    answers = read_pairs(connection, pairs, plan.asks(), plan.groups, unscored=False, clustered=False)
    shared = shared_rows(connection, pairs, answers[PAIRED])
    compare(connection, subject, other, pairs, plan, answers, condition="true", shared=shared, volume=100_000)
    connection.close()


def cells_and_means(path: Path) -> None:
    """Measure what a count table and a mean tell, by six slices."""
    connection = common.open_engine()
    asks, _metrics, run = _asks(connection, path)
    read_totals(connection, run.table, asks, unscored=False)
    connection.close()


def _asks(
    connection: Connection, path: Path, names: tuple[str, ...] = CELLS
) -> tuple[list[Ask], list[Metric], RunRows]:
    run = common.open_run(connection, path, "candidate")
    frame: Frame = frame_of(common.bench_spec(), run).for_slices()
    metrics = [bind(parse_rule(f"{name} >= 0").left, frame) for name in names]
    splits = [group_split(name, run.profile.slice_values[name]) for name in common.SLICES]
    return [Ask(metric.total, split) for metric in metrics for split in splits], metrics, run


def inference(path: Path) -> Callable[[], None]:
    """Return the step from totals to about a thousand estimates with intervals, gaps and p-values."""
    connection = common.open_engine()
    names = (*CELLS, "auc", "calibration_error", "latency_p99_ms")
    asks, metrics, run = _asks(connection, path, names)
    answers = read_totals(connection, run.table, asks, unscored=False)
    per_metric = len(common.SLICES)

    def infer() -> None:
        for at, metric in enumerate(metrics):
            tables = [answers[ask] for ask in asks[at * per_metric : (at + 1) * per_metric]]
            measure_slices(metric, tables, run.profile)

    return infer


def tasks_of(folder: Path) -> dict[str, Callable[[], object]]:
    """Return what is timed, by name."""
    plain, other, clustered = (folder / f"{name}.parquet" for name in ("plain", "other", "clustered"))
    connection = common.open_engine()
    return {
        "bare scan": lambda: common.bare_scan(connection, [plain]),
        "cells and means": lambda: cells_and_means(plain),
        "decision": lambda: decide([plain]),
        "clustered": lambda: decide([clustered]),
        "bare scan of both": lambda: common.bare_scan(connection, [plain, other]),
        "comparison": lambda: compare_two([plain, other]),
        "decision against live": lambda: decide([plain, other]),
        "inference": inference(plain),
    }


def measure(rows: int, runs: int) -> list[dict[str, object]]:
    """Return seconds, ratios and peak memory of every variant at one size."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        common.write_run(folder / "plain.parquet", rows)
        common.write_run(folder / "other.parquet", rows, system=1)
        common.write_run(folder / "clustered.parquet", rows, rows_per_cluster=4)
        seconds = common.side_by_side(tasks_of(folder), runs)
        peaks = {}
        for name in VARIANTS:
            peaks[name] = common.in_child([__file__, "--one", name, "--folder", str(folder)])
    found = []
    for name, taken in seconds.items():
        of_both = name in ("comparison", "decision against live")
        scan = "bare scan of both" if of_both else "bare scan"
        base = "decision" if name == "clustered" else scan
        found.append(
            {
                "rows": rows,
                "what": name,
                "seconds": round(taken["min"], 4),
                "median": round(taken["median"], 4),
                "times": round(taken["min"] / seconds[base]["min"], 2),
                "of": base,
                "peak_mb": round(peaks[name]) if name in peaks else None,
            }
        )
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, action="append", help="a size; several may be given")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        do_once(options.folder, options.one)
        print(common.peak_memory())
        return
    found = []
    for rows in options.rows or SIZES:
        found += measure(rows, options.runs)
        if not options.json:
            _print(found[-len(VARIANTS) - 1 :])
    if options.json:
        json.dump(found, sys.stdout, indent=2)


def do_once(folder: Path, name: str) -> None:
    """Do one thing once, in a process of its own."""
    plain, other, clustered = (folder / f"{part}.parquet" for part in ("plain", "other", "clustered"))
    {
        "bare scan": lambda: common.bare_scan(common.open_engine(), [plain]),
        "bare scan of both": lambda: common.bare_scan(common.open_engine(), [plain, other]),
        "cells and means": lambda: cells_and_means(plain),
        "decision": lambda: decide([plain]),
        "clustered": lambda: decide([clustered]),
        "comparison": lambda: compare_two([plain, other]),
        "decision against live": lambda: decide([plain, other]),
    }[name]()


def _print(found: list[dict[str, object]]) -> None:
    print(f"\n{found[0]['rows']:,} rows, {common.THREADS} threads")
    print(f"{'what':22} {'seconds':>9} {'median':>9} {'times':>7}  {'of':18} {'peak MB':>8}")
    for row in found:
        peak = "" if row["peak_mb"] is None else row["peak_mb"]
        print(
            f"{row['what']:22} {row['seconds']:9.4f} {row['median']:9.4f} {row['times']:7.2f}  "
            f"{row['of']:18} {peak:>8}"
        )


if __name__ == "__main__":
    main()
