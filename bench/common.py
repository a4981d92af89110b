"""What the benchmarks share: stored runs as the library writes them, the bare scan, timing side by side."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import duckdb

from shipworthy.define.reading import spec_from_text
from shipworthy.define.spec import Spec
from shipworthy.evidence.subject import RunRows, denominator_of
from shipworthy.records import RunPins, plain, rebuild
from shipworthy.tables.duck import Connection, connect
from shipworthy.tables.row_plan import RowsProfile
from shipworthy.tables.rows import attach_rows, read_profile

SLICES = ("region", "channel", "plan", "device", "language", "segment")
TEXTS = ("label", "prediction", *SLICES, "failed_reason", "unscored_reason")
NUMBERS = ("predicted_score", "latency_ms", '"#judge"')
THREADS = 2
#: What one look at the rows of a stored run told.
PROFILES: dict[Path, RowsProfile] = {}
SPEC = f"""shipworthy: 1
id: bench
kind: classifier
decision: {{prediction: fraud, action: [block], actor: system}}
costs: {{currency: USD, false_positive: 5, false_negative: 200, volume_per_month: 100000}}
golden: {{path: rows.parquet, sampled: random, columns: {{case_id: id}}, positive: [1]}}
systems: {{candidate: {{recorded: rows.parquet}}}}
slices: [{", ".join(SLICES)}]
gates:
  - accuracy >= 85%
  - precision >= 70%
  - recall >= 70%
  - fpr <= 12%
  - f1 >= 0.7
  - expected_cost <= 30
  - auc >= 0.75
  - calibration_error <= 0.2
  - latency_p99_ms <= 400
  - mean(judge) >= 0.4
"""


def bench_spec() -> Spec:
    """Return a spec with ten metrics and six slices."""
    return spec_from_text(SPEC, Path("shipworthy.yaml")).spec


def write_run(path: Path, rows: int, system: int = 0, rows_per_cluster: int = 1) -> None:
    """Write a stored run: canonical rows, sorted by case.

    Args:
        path: The Parquet file.
        rows: Number of rows.
        system: Systems differ in their answers and share cases, labels and slices.
        rows_per_cluster: Rows that share a cluster.
    """
    cut = f"'cluster' || lpad(CAST(i // {rows_per_cluster} AS VARCHAR), 9, '0')"
    slices = ", ".join(
        f"'{name[0]}' || CAST(hash(i, '{name}') % {6 + 3 * at} AS VARCHAR) AS {name}"
        for at, name in enumerate(SLICES)
    )
    draw = "(hash({of}, '{seed}') % 100003) / 100003.0"
    luck, speed = draw.format(of="i", seed=f"luck{system}"), draw.format(of="i", seed=f"speed{system}")
    judge = draw.format(of="i", seed=f"judge{system}")
    # A cluster's rows share their truth, so that they go together.
    truth = draw.format(of=f"i // {rows_per_cluster}", seed="truth")
    duckdb.execute(
        f"""COPY (
          WITH drawn AS (SELECT range AS i, {truth} AS u, {luck} AS v, {speed} AS w, {judge} AS j
                         FROM (SELECT range, range AS i FROM range({rows}))),
          scored AS (SELECT *, CASE WHEN u < 0.2 THEN sqrt(v) ELSE v * v END AS score FROM drawn),
          said AS (SELECT *, CASE WHEN u < 0.2 THEN '1' ELSE '0' END AS label,
                             CASE WHEN score > 0.5 THEN '1' ELSE '0' END AS prediction FROM scored)
          SELECT 'case' || lpad(CAST(i AS VARCHAR), 9, '0') AS case_id, CAST(0 AS INTEGER) AS repeat,
            {cut} AS cluster_id, CAST(NULL AS VARCHAR) AS stratum, CAST(NULL AS VARCHAR) AS query_id,
            label, prediction, score AS predicted_score, CAST(NULL AS DOUBLE) AS correct,
            CAST(NULL AS VARCHAR) AS grade, 20 * exp(sqrt(-2 * ln(w + 1e-9))) AS latency_ms,
            CAST(NULL AS DOUBLE) AS run_cost, CAST(NULL AS DOUBLE) AS weight, CAST(NULL AS VARCHAR) AS time,
            CAST(NULL AS VARCHAR) AS failed_reason, CAST(NULL AS VARCHAR) AS unscored_reason,
            {slices}, j AS "#judge", CAST(hash({cut}) % 64 AS SMALLINT) AS cluster_group,
            CASE WHEN label = prediction
                 THEN CASE label WHEN '1' THEN 'true_positive' ELSE 'true_negative' END
                 WHEN label = '1' THEN 'false_negative' ELSE 'false_positive' END AS outcome,
            CAST(label = prediction AS TINYINT) AS ok
          FROM said) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""
    )


def open_engine() -> Connection:
    """Return an engine with two threads."""
    connection = connect()
    connection.execute(f"SET threads={THREADS}")
    return connection


def open_run(connection: Connection, path: Path, name: str) -> RunRows:
    """Attach a stored run; what one look at its rows tells is kept beside it, as the library keeps it.

    Args:
        connection: The engine.
        path: The Parquet file.
        name: Name of the system.
    """
    table = f"rows_{name}"
    attach_rows(connection, path, table)
    kept = path.with_suffix(".json")
    if path not in PROFILES and kept.exists():
        PROFILES[path] = rebuild(RowsProfile, json.loads(kept.read_text(encoding="utf-8")))
    if path not in PROFILES:
        PROFILES[path] = read_profile(
            connection,
            table,
            basis="prediction",
            positive=("1",),
            classes=("negative", "positive"),
            binary=True,
            in_order=True,
        )
        kept.write_text(json.dumps(plain(PROFILES[path])), encoding="utf-8")
    profile = PROFILES[path]
    pins = RunPins(name, name, "golden", "system", "rows", profile.cases, {}, denominator_of(profile, 0.02))
    return RunRows(name, table, profile, pins)


def bare_scan(connection: Connection, paths: Sequence[Path]) -> None:
    """Read the columns that a decision reads, and do nothing else with them."""
    wanted = [f"sum(length({name}))" for name in TEXTS] + [f"sum({name})" for name in NUMBERS]
    for path in paths:
        connection.execute(f"SELECT {', '.join(wanted)} FROM read_parquet('{path}')").fetchall()


def side_by_side(tasks: dict[str, Callable[[], object]], runs: int) -> dict[str, dict[str, float]]:
    """Time tasks in turn, round after round, so that a busy minute of the machine hits all of them.

    Args:
        tasks: Name -> what to run.
        runs: Rounds; one more goes before them and is not counted.

    Returns:
        Name -> least and median seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(runs + 1):
        for name, task in tasks.items():
            started = perf_counter()
            task()
            if turn:
                seconds[name].append(perf_counter() - started)
    return {name: {"min": min(taken), "median": statistics.median(taken)} for name, taken in seconds.items()}


def peak_memory() -> float:
    """Return this process's own peak memory in MB; what it was forked from does not count."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text(encoding="utf-8").splitlines() if "VmHWM" in line)
    return int(line.split()[1]) / 1024


def in_child(arguments: Sequence[str]) -> float:
    """Run one variant in a process of its own.

    Args:
        arguments: Its arguments; it prints its peak memory.

    Returns:
        Its peak memory in MB.
    """
    run = subprocess.run([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return float(run.stdout)
