"""Prints how long the same decision takes in DuckDB, PostgreSQL and Spark, side by side in one run.

Run it with `python bench/engines.py --postgres postgresql://user@host/database --spark`; the table
shipworthy_bench is written over there. Each engine is measured on rows that are already made, so that what is
compared is the work of totals; making the rows and starting the session are printed beside it. Memory is this
process's: a database and a JVM have their own.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from decide import GATES, SLICES, write_predictions
from shipworthy.api.product import open_product
from shipworthy.evaluate.progress import Silent

SPEC = """shipworthy: 1
id: bench
kind: classifier
decision: {{prediction: fraud, action: [block], actor: system}}
costs: {{currency: USD, false_positive: 5, false_negative: 200, volume_per_month: 100000}}
golden: {{path: "{source}", sampled: random, columns: {{case_id: id}}, positive: [1]}}
systems:
  candidate: {{recorded: "{source}"}}
slices: [{slices}]
gates:
{gates}
"""
TABLE = "shipworthy_bench"


def load(server: str, path: Path) -> str:
    """Copy the predictions into a PostgreSQL table, and return its URL."""
    import psycopg

    types = {"VARCHAR": "text", "DOUBLE": "double precision", "INTEGER": "integer"}
    described = duckdb.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
    columns = ", ".join(f'"{row[0]}" {types[row[1]]}' for row in described)
    text = path.with_suffix(".csv")
    duckdb.execute(f"COPY (SELECT * FROM '{path}') TO '{text}' (FORMAT csv, HEADER false)")
    with psycopg.connect(server, autocommit=True) as session:
        session.execute(f"DROP TABLE IF EXISTS {TABLE}".encode())
        session.execute(f"CREATE TABLE {TABLE} ({columns})".encode())
        with (
            text.open("rb") as file,
            session.cursor() as cursor,
            cursor.copy(f"COPY {TABLE} FROM STDIN (FORMAT csv)") as copy,
        ):
            while piece := file.read(1 << 20):
                copy.write(piece)
        session.execute(f"ANALYZE {TABLE}".encode())
    return f"{server}#{TABLE}"


def measure(folder: Path, source: str, runs: int) -> dict[str, Any]:
    """Return seconds of each part of a decision."""
    folder.mkdir()
    gates = "\n".join(f"  - {gate}" for gate in GATES)
    spec = SPEC.format(source=source, slices=", ".join(SLICES), gates=gates)
    (folder / "shipworthy.yaml").write_text(spec, encoding="utf-8")
    product = open_product(folder)
    use = product.spec.systems.named()["candidate"]
    started = time.perf_counter()
    with product._maker() as maker:
        opened = time.perf_counter()
        rows = product._rows_of_system(maker, "candidate", use, "rows", Silent())
        made = time.perf_counter()
        measured = []
        for _ in range(runs):
            begun = time.perf_counter()
            evidence = product._measure(maker, rows, [], "candidate", [])
            measured.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    values = [gate.estimate.value for gate in evidence.gates]
    return {
        "open": opened - started,
        "rows": made - opened,
        "measure": min(measured),
        "peak": peak,
        "values": values,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--postgres", help="URL of a database in which a table may be made")
    parser.add_argument("--spark", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "predictions.parquet"
        write_predictions(path, options.rows)
        sources = {"duckdb": str(path)}
        if options.postgres:
            sources["postgres"] = load(options.postgres, path)
        if options.spark:
            sources["spark"] = f"spark+local://{path}"
        found = {name: measure(folder / name, source, options.runs) for name, source in sources.items()}
    base = found["duckdb"]
    print(f"{options.rows:,} rows, {len(SLICES)} slices, {len(GATES)} gates; least of {options.runs}")
    print(f"{'engine':10} {'open s':>8} {'rows s':>8} {'measure s':>10} {'x duckdb':>9} {'peak MB':>8}  same")
    for name, part in found.items():
        same = all(
            a == b or (a is not None and b is not None and abs(a - b) <= 1e-9 * abs(a))
            for a, b in zip(base["values"], part["values"], strict=True)
        )
        print(
            f"{name:10} {part['open']:8.2f} {part['rows']:8.2f} {part['measure']:10.2f} "
            f"{part['measure'] / base['measure']:9.1f} {part['peak']:8.0f}  {same}"
        )


if __name__ == "__main__":
    main()
