"""Prints how long looking at a golden set takes, and the peak memory, by its number of cases.

    python bench/golden.py --cases 1000000

Every verb runs in a process of its own. Texts are questions of twenty words; one in a hundred repeats another
and one in a hundred nearly does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEC = """shipworthy: 1
id: bench
kind: classifier
decision: {prediction: intent, action: [route], actor: system}
golden: {path: cases.parquet, sampled: random, traffic: traffic.parquet, training: [training.parquet]}
slices: [topic, region]
gates: [accuracy >= 80%]
"""
VERBS = ("show", "coverage", "duplicates", "diff")


def write_set(folder: Path, cases: int) -> None:
    """Write a golden set, a later version of it, a traffic sample and training data.

    Args:
        folder: Where to write.
        cases: Number of cases.
    """

    import duckdb

    def words(of: str) -> str:
        drawn = f"list_transform(range(20), lambda k: 'word' || (hash({of}, k) % 3000))"
        return f"array_to_string({drawn}, ' ')"

    source = "CASE WHEN i % 100 = 7 THEN i - 7 WHEN i % 50 = 9 THEN i - 9 ELSE i END"
    ending = "CASE WHEN i % 50 = 9 AND i % 100 <> 7 THEN ' and more' ELSE '' END"
    duckdb.execute(
        f"""COPY (SELECT 'case' || lpad(CAST(i AS VARCHAR), 9, '0') AS case_id,
              {words(source)} || {ending} AS question,
              'label' || (hash({source}, 'l') % 3) AS label, 'topic' || (hash(i, 't') % 8) AS topic,
              'region' || (hash(i, 'r') % 4) AS region, 'real' AS provenance
            FROM (SELECT range AS i FROM range({cases}))) TO '{folder}/cases.parquet' (FORMAT parquet)"""
    )
    duckdb.execute(
        f"COPY (SELECT * FROM '{folder}/cases.parquet' WHERE hash(case_id) % 50 > 0) "
        f"TO '{folder}/earlier.parquet' (FORMAT parquet)"
    )
    duckdb.execute(
        f"COPY (SELECT topic, region FROM '{folder}/cases.parquet') "
        f"TO '{folder}/traffic.parquet' (FORMAT parquet)"
    )
    duckdb.execute(
        f"""COPY (SELECT question FROM '{folder}/cases.parquet' WHERE hash(case_id, 'train') % 1000 = 0
            UNION ALL SELECT {words("i + 1000000007")} FROM (SELECT range AS i FROM range({cases})))
            TO '{folder}/training.parquet' (FORMAT parquet)"""
    )
    (folder / "shipworthy.yaml").write_text(SPEC, encoding="utf-8")


def measure(folder: Path, verb: str) -> tuple[float, float, float]:
    """Run one verb in a process of its own.

    Args:
        folder: The product.
        verb: The verb.

    Returns:
        Wall seconds, CPU seconds, peak memory in MB.
    """
    words = [str(folder / "earlier.parquet"), "--product"] if verb == "diff" else ["--product"]
    place = [str(folder)] if verb == "show" else [*words, str(folder)]
    started = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "shipworthy", "golden", verb, *place, "--json"], stdout=subprocess.DEVNULL
    )
    _pid, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"golden {verb} failed")
    wall = time.perf_counter() - started
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Measure every verb."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write is not None:
        write_set(asked.write, asked.cases[0])
        return
    print(f"{'cases':>10}  {'verb':12} {'wall s':>8} {'CPU s':>8} {'peak MB':>8}")
    for cases in asked.cases:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            # In a process of its own: a child's peak memory counts what it was forked from.
            subprocess.run([sys.executable, __file__, "--write", folder, "--cases", str(cases)], check=True)
            for verb in VERBS:
                wall, cpu, peak = measure(folder, verb)
                print(f"{cases:>10,}  {verb:12} {wall:>8.1f} {cpu:>8.1f} {peak:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
