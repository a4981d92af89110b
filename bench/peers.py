"""Four rates by six slices with 95% intervals, beside a NumPy bootstrap and Fairlearn, in one run.

Ours reads the stored rows from Parquet every time; the others start from arrays that lie in memory. A
bootstrap of 1,000 replicates is timed on few of them and scaled; the table says on how many. Timed with
imports done.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

REPLICATES = 1_000
METRICS = ("precision", "recall", "fpr", "selection_rate")
SLICE_SIZES = {"region": 12, "plan": 3, "device": 4, "language": 8, "tenure": 5, "channel": 6}
ENOUGH = 20
"""Ends are compared where every cell of a slice's confusion table has at least so many rows."""


def write_rows(path: Path, rows: int) -> None:
    """Write rows as a run keeps them: text classes, text slices, sorted by case."""
    import duckdb

    slices = ", ".join(
        f"'{name}_' || CAST(floor(pow(hash(i + {seed}) / 18446744073709551615.0, 1.5) * {size}) AS INTEGER) "
        f"AS {name}"
        for seed, (name, size) in enumerate(SLICE_SIZES.items(), start=1)
    )
    duckdb.execute(
        f"""COPY (
          SELECT *, CASE WHEN label = '1' AND prediction = '1' THEN 'true_positive'
                         WHEN label = '1' THEN 'false_negative'
                         WHEN prediction = '1' THEN 'false_positive' ELSE 'true_negative' END AS outcome,
                 CAST(label = prediction AS TINYINT) AS ok
          FROM (SELECT printf('%09d', i) AS case_id, 0 AS repeat, CAST(y AS VARCHAR) AS label,
                  CAST(CASE WHEN v < 0.15 THEN 1 - y ELSE y END AS VARCHAR) AS prediction,
                  CAST(NULL AS VARCHAR) AS failed_reason, CAST(NULL AS VARCHAR) AS unscored_reason,
                  CAST(0 AS SMALLINT) AS cluster_group, {slices}
                FROM (SELECT i, CAST(hash(i + 77) / 18446744073709551615.0 < 0.3 AS INTEGER) AS y,
                             hash(i + 99) / 18446744073709551615.0 AS v FROM range({rows}) t(i)))
          ORDER BY case_id) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""
    )


def ours(path: Path, _replicates: int) -> tuple[float, dict[str, list[float]]]:
    """Read totals from the file and turn them into rates with intervals."""
    from shipworthy.define.rules import parse_rule
    from shipworthy.evidence.frame import Frame
    from shipworthy.evidence.many import measure_slices
    from shipworthy.evidence.metric import bind
    from shipworthy.evidence.populations import group_split
    from shipworthy.tables.duck import connect
    from shipworthy.tables.row_plan import Basis, RowsProfile
    from shipworthy.tables.rows import attach_rows
    from shipworthy.tables.slices import values_by_column
    from shipworthy.tables.totals import Ask, read_totals

    started = time.perf_counter()
    connection = connect()
    attach_rows(connection, path, "rows")
    profile = RowsProfile(
        rows=1,
        cases=1,
        clusters=1,
        groups=1,
        clustered=False,
        weighted=False,
        scored=1,
        failed=0,
        unscored=0,
        failed_reasons={},
        unscored_reasons={},
        classes=("0", "1"),
        positive=("1",),
        binary=True,
        basis=Basis.PREDICTION,
        columns=("label", "prediction", *SLICE_SIZES),
        distinct_scores=0,
        score_low=None,
        score_high=None,
        strata={},
    )
    frame = Frame(profile, "classifier")
    metrics = {name: bind(parse_rule(f"{name} >= 0").left, frame) for name in METRICS}
    values = values_by_column(connection, "rows", list(SLICE_SIZES), "true", 40)
    splits = {name: group_split(name, values[name]) for name in SLICE_SIZES}
    asks = {(m, s): Ask(metric.total, split) for m, metric in metrics.items() for s, split in splits.items()}
    answers = read_totals(connection, "rows", list(asks.values()))
    ends = {}
    for name, metric in metrics.items():
        tables = [answers[asks[name, column]] for column in splits]
        for column, found in zip(splits, measure_slices(metric, tables, profile), strict=True):
            for value, part in zip(splits[column].labels, found, strict=True):
                low, high = part.estimate.low, part.estimate.high
                if low is not None and high is not None:
                    ends[f"{name}|{value}"] = [low, high]
    spent = time.perf_counter() - started
    connection.close()
    return spent, ends


def numpy_bootstrap(path: Path, replicates: int) -> tuple[float, dict[str, list[float]]]:
    """Resample rows, count every slice's confusion table by bincount, take percentiles."""
    cells, codes, names = _arrays(path)
    started = time.perf_counter()
    rng = np.random.default_rng(1)
    joint = [codes[name] * 4 + cells for name in SLICE_SIZES]
    n = len(cells)
    draws: dict[str, list[np.ndarray]] = {name: [] for name in SLICE_SIZES}
    for _ in range(replicates):
        weights = np.bincount(rng.integers(0, n, n), minlength=n)
        for name, both in zip(SLICE_SIZES, joint, strict=True):
            counted = np.bincount(both, weights, 4 * len(names[name])).reshape(-1, 2, 2)
            draws[name].append(_rates(counted))
    ends = {}
    for name in SLICE_SIZES:
        low, high = np.nanquantile(np.stack(draws[name]), (0.025, 0.975), axis=0)
        for slice_code, value in enumerate(names[name]):
            for metric_code, metric in enumerate(METRICS):
                ends[f"{metric}|{value}"] = [low[metric_code, slice_code], high[metric_code, slice_code]]
    return (time.perf_counter() - started) * REPLICATES / replicates, ends


def fairlearn(path: Path, replicates: int) -> tuple[float, dict[str, list[float]]]:
    """Let Fairlearn's MetricFrame bootstrap each slice column."""
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate
    from sklearn.metrics import precision_score, recall_score

    cells, codes, names = _arrays(path)
    label, prediction = cells // 2, cells % 2
    functions: dict[str, Callable[..., float]] = {
        "precision": precision_score,
        "recall": recall_score,
        "fpr": false_positive_rate,
        "selection_rate": selection_rate,
    }
    started = time.perf_counter()
    for name in SLICE_SIZES:
        frame = MetricFrame(
            metrics=functions,
            y_true=label,
            y_pred=prediction,
            sensitive_features=np.array(names[name])[codes[name]],
            n_boot=replicates,
            ci_quantiles=[0.025, 0.975],
            random_state=1,
        )
        frame.by_group_ci  # noqa: B018 - computed when it is asked for
    return (time.perf_counter() - started) * REPLICATES / replicates, {}


def _arrays(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, list[str]]]:
    """Return confusion cells and slice codes, loaded and coded beforehand."""
    import duckdb

    listed = ", ".join(SLICE_SIZES)
    found = duckdb.execute(f"SELECT label, prediction, {listed} FROM '{path}'").fetchnumpy()
    cells = (found["label"] == "1") * 2 + (found["prediction"] == "1")
    codes, names = {}, {}
    for name in SLICE_SIZES:
        values, code = np.unique(found[name].astype(str), return_inverse=True)
        codes[name], names[name] = code.astype(np.int64), list(values)
    return cells.astype(np.int64), codes, names


def _rates(counted: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        hits, alarms = counted[:, 1, 1], counted[:, 0, 1]
        positives, negatives = counted[:, 1].sum(axis=1), counted[:, 0].sum(axis=1)
        said = hits + alarms
        return np.stack([hits / said, hits / positives, alarms / negatives, said / (positives + negatives)])


TOOLS = {"shipworthy": ours, "numpy": numpy_bootstrap, "fairlearn": fairlearn}


def run_child(tool: str, path: Path, replicates: int) -> dict[str, object]:
    """Run one tool in a process of its own, so that its peak memory is its own."""
    command = [
        sys.executable,
        __file__,
        "--child",
        tool,
        "--file",
        str(path),
        "--replicates",
        str(replicates),
    ]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def child(tool: str, path: Path, replicates: int) -> None:
    """Measure one tool and print it as JSON; the second of two goes counts, as imports are done by then."""
    seconds, ends = TOOLS[tool](path, replicates)
    if tool == "shipworthy":
        seconds, ends = min((TOOLS[tool](path, replicates) for _ in range(3)), key=lambda found: found[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "ends": ends, "peak_mb": peak}))


def agreement(
    path: Path, ours_: dict[str, list[float]], theirs: dict[str, list[float]]
) -> tuple[float, float, int]:
    """Return mean and largest distance of ends, in widths, where every cell of a slice has enough rows."""
    cells, codes, names = _arrays(path)
    distances = []
    for name in SLICE_SIZES:
        counted = np.bincount(codes[name] * 4 + cells, minlength=4 * len(names[name])).reshape(-1, 4)
        for code, value in enumerate(names[name]):
            if counted[code].min() < ENOUGH:
                continue
            for metric in METRICS:
                first, second = ours_[f"{metric}|{value}"], theirs[f"{metric}|{value}"]
                width = second[1] - second[0]
                distances += [abs(a - b) / width for a, b in zip(first, second, strict=True)]
    return float(np.mean(distances)), float(np.max(distances)), len(distances) // 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=list(TOOLS))
    parser.add_argument("--file", type=Path)
    parser.add_argument("--replicates", type=int, default=1)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.file, options.replicates)
        return
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        for rows in options.rows:
            path = Path(temporary) / f"rows_{rows}.parquet"
            write_rows(path, rows)
            plan = {
                "shipworthy": 1,
                "numpy": max(20, min(REPLICATES, 100_000_000 // rows)),
                "fairlearn": max(1, min(5, 20_000 // rows)),
            }
            results = {tool: run_child(tool, path, replicates) for tool, replicates in plan.items()}
            base = float(results["shipworthy"]["seconds"])  # type: ignore[arg-type]
            mean, largest, compared = agreement(
                path,
                results["shipworthy"]["ends"],
                results["numpy"]["ends"],  # type: ignore[arg-type]
            )
            for tool, result in results.items():
                found.append(
                    {
                        "rows": rows,
                        "tool": tool,
                        "replicates_timed": plan[tool] if tool != "shipworthy" else None,
                        "seconds": round(float(result["seconds"]), 3),  # type: ignore[arg-type]
                        "times_ours": round(float(result["seconds"]) / base, 1),  # type: ignore[arg-type]
                        "peak_mb": round(float(result["peak_mb"])),  # type: ignore[arg-type]
                    }
                )
            found[-2]["mean_distance_of_ends"] = round(mean, 4)
            found[-2]["largest_distance_of_ends"] = round(largest, 4)
            found[-2]["intervals_compared"] = compared
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(
        f"{len(METRICS)} rates by {len(SLICE_SIZES)} slice columns, 95% intervals, {REPLICATES:,} replicates"
    )
    print(f"{'rows':>10} {'tool':12} {'timed':>6} {'seconds':>10} {'x ours':>9} {'peak MB':>8}")
    for row in found:
        print(
            f"{row['rows']:10,} {row['tool']:12} {row['replicates_timed'] or '':>6} {row['seconds']:10.3f} "
            f"{row['times_ours']:9,.1f} {row['peak_mb']:8,}"
        )
        if "intervals_compared" in row:
            print(
                f"{'':11}ends of {row['intervals_compared']} intervals lie "
                f"{row['mean_distance_of_ends']:.1%} of a width from ours on average, "
                f"{row['largest_distance_of_ends']:.1%} at most"
            )


if __name__ == "__main__":
    main()
