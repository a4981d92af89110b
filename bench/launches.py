"""Launch choices whose truth is known: counts over large labelled sets, read or kept in a file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

__all__ = ["Launch", "kept_launches", "read_launches"]


@dataclass(frozen=True)
class Launch:
    """One question that a launch turns on, with the counts of all rows of its set.

    Args:
        data: Name of the set.
        name: What is asked.
        counts: Rows: (right, not right) for a share; (both right, only the candidate, only live, neither)
            for a change against live.
    """

    data: str
    name: str
    counts: tuple[int, ...]

    @property
    def is_change(self) -> bool:
        return len(self.counts) == 4

    @property
    def shares(self) -> NDArray[np.float64]:
        return np.array(self.counts) / sum(self.counts)

    @property
    def truth(self) -> float:
        """The true share, or the true change."""
        shares = self.shares
        return float(shares[1] - shares[2] if self.is_change else shares[0])

    def bars(self) -> NDArray[np.float64]:
        """Return the bars to be tried: every whole percent within ten points of the truth."""
        low, high = (-0.99, 0.99) if self.is_change else (0.01, 0.99)
        percents = np.arange(np.ceil(100 * self.truth - 10), np.floor(100 * self.truth + 10) + 1) / 100
        return np.asarray(percents[(percents >= low - 1e-9) & (percents <= high + 1e-9)])


def kept_launches(kept: Iterable[Mapping[str, object]]) -> list[Launch]:
    """Return launches from the file of numbers."""
    return [Launch(str(one["data"]), str(one["name"]), tuple(one["counts"])) for one in kept]  # type: ignore[arg-type]


def plain_launches(launches: Iterable[Launch]) -> list[dict[str, object]]:
    """Return launches as they are kept."""
    return [asdict(one) for one in launches]


def read_launches(folder: Path) -> list[Launch]:
    """Return the launches of every set that lies in a folder; a set that is not there is left out."""
    found: list[Launch] = []
    for name, read in SETS.items():
        if (folder / name).is_dir():
            found += [Launch(name, words, counts) for words, counts in read(folder / name)]
    return found


Counted = Iterator[tuple[str, tuple[int, ...]]]
Flags = NDArray[np.bool_]


def _share(right: Flags) -> tuple[int, int]:
    return int(right.sum()), int((~right).sum())


def _change(candidate: Flags, live: Flags) -> tuple[int, int, int, int]:
    return (
        int((candidate & live).sum()),
        int((candidate & ~live).sum()),
        int((~candidate & live).sum()),
        int((~candidate & ~live).sum()),
    )


def _all(systems: Mapping[str, Flags], what: str) -> Counted:
    """Give the share of every system, and its change against the one named before it."""
    for name, right in systems.items():
        yield f"{name}: {what}", _share(right)
    names = list(systems)
    for live, candidate in pairwise(names):
        yield f"{candidate} against {live}: {what}", _change(systems[candidate], systems[live])


def _rows(query: str) -> list[tuple[object, ...]]:
    return duckdb.execute(query).fetchall()


def _flags(query: str) -> dict[str, Flags]:
    """Return a flag per case for each system, over the cases that every system has, in one order."""
    rows = _rows(query)
    systems = list(dict.fromkeys(str(row[0]) for row in rows))
    by_case: dict[object, dict[str, bool]] = {}
    for system, case, right in rows:
        by_case.setdefault(case, {})[str(system)] = bool(right)
    shared = [answers for answers in by_case.values() if len(answers) == len(systems)]
    return {name: np.array([answers[name] for answers in shared]) for name in systems}


def _gsm8k(folder: Path) -> Counted:
    lines = (folder / "example_model_solutions.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    systems = [name for name in rows[0] if isinstance(rows[0][name], dict)]
    yield from _all({s: np.array([row[s]["is_correct"] for row in rows]) for s in systems}, "right answers")


def _llm_upgrade(folder: Path) -> Counted:
    happy = _rows(
        f"SELECT model, id, answer, ref_answer FROM read_csv('{folder / 'count_happy_numbers.csv'}', "
        "all_varchar=true) ORDER BY model, id"
    )
    right: dict[str, dict[object, bool]] = {}
    for model, case, answer, truth in happy:
        said = re.findall(r"boxed\{\s*(-?\d+)", str(answer))
        wanted = re.findall(r"(-?\d+)", str(truth))
        right.setdefault(str(model).rpartition("/")[2], {})[case] = said[-1:] == wanted[-1:]
    ids = sorted(right["gpt-4-0314"], key=str)
    yield from _all({m: np.array([right[m][i] for i in ids]) for m in sorted(right)}, "happy numbers counted")
    given = _flags(
        "SELECT split_part(model, '/', 2), id, bool_and(regexp_matches(answer, '^\\s*\\(?[A-Z]\\)')) "
        f"FROM read_csv('{folder / 'opinion_qa.csv'}', all_varchar=true) GROUP BY 1, 2 ORDER BY 1, 2"
    )
    yield from _all(given, "an option is named")


def _compas(folder: Path) -> Counted:
    table = f"read_csv('{folder / 'compas_two_years.csv'}')"
    for race in ("", "African-American", "Caucasian"):
        where = f"WHERE race = '{race}'" if race else ""
        said, truth = "score_text <> 'Low'", "two_year_recid = 1"
        rows = _rows(f"SELECT ({said}) = ({truth}), {said}, {truth} FROM {table} {where}")
        right, positive, again = (np.array([bool(row[at]) for row in rows]) for at in range(3))
        yield f"accuracy{' of ' + race if race else ''}", _share(right)
        yield f"specificity{' of ' + race if race else ''}", _share(~positive[~again])
        yield f"recall{' of ' + race if race else ''}", _share(positive[again])


def _refchecker(folder: Path) -> Counted:
    table = f"'{folder / 'claims.parquet'}'"
    for (setting,) in _rows(f"SELECT DISTINCT setting FROM {table} ORDER BY 1"):
        flags = _flags(
            "SELECT system, (dataset, item_id)::VARCHAR, "
            "bool_and(coalesce(human_label, '') IN ('Entailment', '')) "
            f"FROM {table} WHERE setting = '{setting}' GROUP BY 1, 2 ORDER BY 1, 2"
        )
        yield from _all(flags, f"every claim supported, {str(setting).replace('_', ' ')}")


def _hate(folder: Path) -> Counted:
    table = f"'{folder / 'labels.parquet'}'"
    for words, condition in (
        ("the raters agree", "greatest(n_hate, n_offensive, n_neither) = n_raters"),
        ("not called hate by the majority", "majority_class <> 0"),
        ("called hate by nobody", "n_hate = 0"),
        ("offensive to somebody", "n_offensive > 0"),
    ):
        yield words, _share(np.array([bool(row[0]) for row in _rows(f"SELECT {condition} FROM {table}")]))


def _census(folder: Path) -> Counted:
    later = f"SELECT * EXCLUDE (employed), t.employed FROM '{folder / 'production.parquet'}' p " + (
        f"JOIN (SELECT id AS tid, employed FROM '{folder / 'production_targets_delayed.parquet'}') t "
        "ON p.id = t.tid"
    )
    columns = "year, SEX, prediction = employed AS right"
    both = (
        f"SELECT {columns} FROM '{folder / 'reference.parquet'}' UNION ALL "
        f"SELECT year, SEX, prediction = employed FROM ({later})"
    )
    for year, sex, right, wrong in _rows(
        'SELECT year, SEX, count(*) FILTER ("right"), count(*) FILTER (NOT "right") '
        f"FROM ({both.replace('AS right', 'AS ' + chr(34) + 'right' + chr(34))}) GROUP BY 1, 2 ORDER BY 1, 2"
    ):
        yield f"accuracy {year}, sex {sex}", (int(right), int(wrong))  # type: ignore[call-overload]


def _housing(folder: Path) -> Counted:
    later = (
        f"SELECT timestamp, y_pred, t.clf_target FROM '{folder / 'production.parquet'}' p JOIN "
        f"'{folder / 'production_targets_delayed.parquet'}' t ON p.id = t.id"
    )
    first = f"SELECT timestamp, y_pred, clf_target FROM '{folder / 'reference.parquet'}'"
    for month, right, wrong in _rows(
        "SELECT strftime(CAST(timestamp AS TIMESTAMP), '%Y-%m'), count(*) FILTER (y_pred = clf_target), "
        f"count(*) FILTER (y_pred <> clf_target) FROM ({first} UNION ALL {later}) GROUP BY 1 ORDER BY 1"
    ):
        yield f"accuracy {month}", (int(right), int(wrong))  # type: ignore[call-overload]


def _xstest(folder: Path) -> Counted:
    table = f"'{folder / 'completions_labelled.parquet'}'"
    for prompts, wanted, words in (
        ("safe", "= '1_full_compliance'", "safe prompts answered"),
        ("unsafe", "= '2_full_refusal'", "unsafe prompts refused"),
    ):
        flags = _flags(
            f"SELECT system, id, final_label {wanted} FROM {table} "
            f"WHERE prompt_set = '{prompts}' ORDER BY 1, 2"
        )
        yield from _all(flags, words)


SETS: dict[str, Callable[[Path], Counted]] = {
    "gsm8k_four_systems": _gsm8k,
    "llm_upgrade_2023": _llm_upgrade,
    "compas_two_years": _compas,
    "refchecker_claims": _refchecker,
    "hate_offensive_crowd": _hate,
    "us_census_employment_ma": _census,
    "california_housing_monitoring": _housing,
    "xstest_refusals": _xstest,
}
