"""Prints how long one command takes on a million rows beside the bare scan of the same columns.

Run it with `make bench`. Times move with the machine; the ratios, measured side by side in one run, are what
to read. Memory is the peak of the whole process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

SLICES = ("region", "channel", "plan", "device", "language", "segment")
GATES = (
    "accuracy >= 85%",
    "precision >= 70%",
    "recall >= 70%",
    "fpr <= 12%",
    "f1 >= 0.7",
    "expected_cost <= 30",
    "auc >= 0.8",
    "calibration_error <= 0.2",
    "latency_p99_ms <= 400",
    "recall[region = r1] >= recall[region != r1] - 5pt",
)
SPEC = """shipworthy: 1
id: bench
kind: classifier
decision: {{prediction: fraud, action: [block], actor: system}}
costs: {{currency: USD, false_positive: 5, false_negative: 200, volume_per_month: 100000}}
golden: {{path: predictions.{suffix}, sampled: random, columns: {{case_id: id}}, positive: [1]}}
systems:
  candidate: {{recorded: predictions.{suffix}}}
slices: [{slices}]
gates:
{gates}
"""


def write_predictions(path: Path, rows: int) -> None:
    """Write a predictions file with six slice columns."""
    slices = ", ".join(
        f"'{name[0]}' || CAST(hash(i, '{name}') % {6 + 3 * index} AS VARCHAR) AS {name}"
        for index, name in enumerate(SLICES)
    )
    form = "FORMAT csv, HEADER" if path.suffix == ".csv" else "FORMAT parquet, COMPRESSION zstd"
    duckdb.execute(
        f"""COPY (
          WITH base AS (SELECT range AS i, (hash(range, 'y') % 1000) / 1000.0 AS u,
                               (hash(range, 'p') % 1000) / 1000.0 AS v FROM range({rows}))
          SELECT 'case' || lpad(CAST(i AS VARCHAR), 9, '0') AS id, CAST(u < 0.2 AS INTEGER) AS label,
            CAST((CASE WHEN u < 0.2 THEN sqrt(v) ELSE v * v END) > 0.5 AS INTEGER) AS prediction,
            CASE WHEN u < 0.2 THEN sqrt(v) ELSE v * v END AS predicted_score,
            20 + 300 * v * u AS latency_ms, {slices} FROM base) TO '{path}' ({form})"""
    )


def write_product(folder: Path, suffix: str) -> None:
    """Write the spec beside the predictions."""
    gates = "\n".join(f"  - {gate}" for gate in GATES)
    (folder / "shipworthy.yaml").write_text(
        SPEC.format(suffix=suffix, slices=", ".join(SLICES), gates=gates), encoding="utf-8"
    )


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Return wall seconds and peak MB of one process."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1, 4):
        raise SystemExit(f"{command} failed with {code}: {process.stderr.read() if process.stderr else ''}")
    return seconds, usage.ru_maxrss / 1024


def bare_scan(path: Path) -> str:
    """Return a program that scans the columns a decision reads, and does nothing else."""
    reader = f"read_csv('{path}', all_varchar=true)" if path.suffix == ".csv" else f"read_parquet('{path}')"
    texts = ", ".join(f"sum(length({name}))" for name in ("id", *SLICES))
    numbers = ", ".join(
        f"sum(CAST({name} AS DOUBLE))" for name in ("label", "prediction", "predicted_score", "latency_ms")
    )
    return f'import duckdb; duckdb.execute("SELECT {texts}, {numbers} FROM {reader}").fetchall()'


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    shipworthy = str(Path(sys.executable).with_name("shipworthy"))
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for suffix in ("parquet", "csv"):
            path = folder / f"predictions.{suffix}"
            write_predictions(path, options.rows)
            write_product(folder, suffix)
            scans, firsts, agains = [], [], []
            for _ in range(options.runs):
                scans.append(timed([sys.executable, "-c", bare_scan(path)], folder))
                subprocess.run(["rm", "-rf", str(folder / ".shipworthy")], check=True)
                firsts.append(timed([shipworthy, "decide"], folder))
                agains.append(timed([shipworthy, "decide"], folder))
            scan = statistics.median(seconds for seconds, _ in scans)
            for name, times in (("bare scan", scans), ("decide", firsts), ("decide again", agains)):
                seconds = statistics.median(second for second, _ in times)
                found.append(
                    {
                        "file": suffix,
                        "what": name,
                        "rows": options.rows,
                        "seconds": round(seconds, 3),
                        "times_the_scan": round(seconds / scan, 1),
                        "rows_per_second": round(options.rows / seconds),
                        "peak_mb": round(max(mb for _, mb in times)),
                    }
                )
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{options.rows:,} rows, {len(SLICES)} slices, {len(GATES)} gates; medians of {options.runs}")
    print(f"{'file':8} {'what':13} {'seconds':>8} {'x scan':>7} {'rows/s':>12} {'peak MB':>8}")
    for row in found:
        print(
            f"{row['file']:8} {row['what']:13} {row['seconds']:8.2f} {row['times_the_scan']:7.1f} "
            f"{row['rows_per_second']:12,} {row['peak_mb']:8,}"
        )
    print(f"this process peaked at {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
