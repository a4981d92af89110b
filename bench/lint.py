"""Prints how long lint takes on a full spec: reading it, gathering facts, asking the rules, and the process.

Run it with `.venv/bin/python bench/lint.py [SPEC ...]`; by default on the two full examples of the docs. Each
part is measured in turn, and the least of several tries is printed, as wall time and as processor time.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

from shipworthy.api.lint import facts_of
from shipworthy.define.lint.running import lint
from shipworthy.define.reading import read_spec

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
TRIES = 7


def least(work: Callable[[], object]) -> tuple[float, float]:
    """Return the least wall and processor time of several tries, in seconds."""
    taken = []
    for _ in range(TRIES):
        wall, processor = perf_counter(), process_time()
        work()
        taken.append((perf_counter() - wall, process_time() - processor))
    return min(wall for wall, _ in taken), min(processor for _, processor in taken)


def process(spec: Path) -> tuple[float, float]:
    """Return the least wall and processor time of the whole command."""

    def once() -> tuple[float, float]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "shipworthy", "lint", str(spec), "--json"],
            check=False,
            stdout=subprocess.DEVNULL,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return perf_counter() - wall, used

    taken = [once() for _ in range(3)]
    return min(wall for wall, _ in taken), min(used for _, used in taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specs", nargs="*", type=Path)
    specs = parser.parse_args().specs or [EXAMPLES / "loan.yaml", EXAMPLES / "support.yaml"]
    today = datetime.now(UTC).date()
    print(f"{'spec':24} {'part':24} {'wall ms':>9} {'cpu ms':>9}")
    for spec in specs:
        file = read_spec(spec)
        facts = facts_of(file)
        report = lint(file, facts, today)
        parts = (
            ("read the spec", least(lambda spec=spec: read_spec(spec))),
            ("gather facts", least(lambda file=file: facts_of(file))),
            (f"ask {report.asked} rules", least(lambda file=file, facts=facts: lint(file, facts, today))),
            ("the whole process", process(spec)),
        )
        for name, (wall, processor) in parts:
            print(f"{spec.name:24} {name:24} {wall * 1000:9.1f} {processor * 1000:9.1f}")


if __name__ == "__main__":
    main()
