"""Measures everything and writes docs/honesty.md: `python -m honesty`, or `--page` for the page alone."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from honesty import resolving, samples, shares
from honesty.page import write_page
from honesty.records import measured_from, plain
from honesty.studies import STATED, Found, Measured, Study

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = ROOT / "docs" / "assets" / "honesty.json"


def every_study(part: float) -> list[Study]:
    """Return all studies in their full form.

    Args:
        part: Part of the samples that is drawn.
    """
    return [
        *shares.studies(quick=False),
        *samples.studies(quick=False, part=part),
        *resolving.studies(quick=False, part=part),
    ]


def measure(studies: Sequence[Study], workers: int) -> list[Measured]:
    """Measure studies in several processes, with a progress bar.

    Args:
        studies: The studies.
        workers: Number of processes.
    """
    found: dict[tuple[int, int], Found] = {}
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with bar, ProcessPoolExecutor(workers) as pool:
        waiting = {
            pool.submit(scenario.run): (at, place)
            for at, study in enumerate(studies)
            for place, scenario in enumerate(study.scenarios)
        }
        task = bar.add_task("scenarios", total=len(waiting))
        for done in as_completed(waiting):
            found[waiting[done]] = done.result()
            bar.update(task, advance=1, description=studies[waiting[done][0]].name)
    return [
        Measured(study, tuple(found[at, place] for place in range(len(study.scenarios))))
        for at, study in enumerate(studies)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the numbers and the page, and say what promise is broken.

    Args:
        arguments: What stands behind `python -m honesty`.
    """
    asked = options().parse_args(arguments)
    studies = every_study(asked.part)
    measured = {}
    if not asked.page:
        chosen = [study for study in studies if not asked.studies or study.name in asked.studies]
        measured = {one.study.name: plain(one) for one in measure(chosen, asked.processes)}
    kept = json.loads(NUMBERS.read_text("utf-8")) if NUMBERS.exists() else {"studies": []}
    if measured:
        known = {one["name"]: one for one in kept["studies"]} if asked.studies else {}
        everything = [(known | measured)[study.name] for study in studies if study.name in known | measured]
        kept = {"stated_risk": STATED, "studies": everything}
        NUMBERS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    missing = {study.name for study in studies} - {one["name"] for one in kept["studies"]}
    if missing:
        print(f"Not measured yet, so no page: {', '.join(sorted(missing))}")
        return 1
    broken = write_page(ROOT, measured_from(kept))
    for line in broken:
        print(line)
    return 1 if broken else 0


def options() -> argparse.ArgumentParser:
    """Return what may stand behind `python -m honesty`."""
    made = argparse.ArgumentParser("python -m honesty", description=__doc__)
    made.add_argument("studies", nargs="*", help="measure these alone and keep the other numbers")
    made.add_argument("--page", action="store_true", help="write the page from the numbers that are there")
    made.add_argument("--part", type=float, default=1.0, help="draw this part of the samples (default 1)")
    made.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="processes (default: cores)")
    return made


if __name__ == "__main__":
    sys.exit(main())
