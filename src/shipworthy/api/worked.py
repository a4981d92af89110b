"""A worked example of one metric: a few rows, measured and judged at that moment."""

from __future__ import annotations

import csv
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shipworthy.api.check import check
from shipworthy.define.rules import Call, Rule, parse_rule
from shipworthy.errors import ShipworthyError
from shipworthy.evidence.metric import Definition
from shipworthy.evidence.populations import columns_of, numbers_of
from shipworthy.records import GateResult

__all__ = ["WorkedExample", "work_example"]

ROWS = 12
#: Rows of metrics that say nothing about fewer.
MORE_ROWS = {"calibration_error": 60}
QUERIES, ITEMS, CATALOGUE = 4, 5, 9
REPEATS = 3
FILE = "example.csv"

Row = dict[str, Any]

#: A product whose outputs are compared with the label by a scorer.
SCORED = "scored"
#: Numbers that only a predicted number has.
OF_A_NUMBER = {"low", "high", "p90"}

COSTS: Mapping[str, Mapping[str, float]] = {
    "classifier": {"false_positive": 40, "false_negative": 4200},
    "generator": {"poor": 4, "harmful": 300},
    "regressor": {"absolute_error": 2},
}

#: What stands in columns whose values have a meaning.
WORDS = {
    "winner": ("candidate", "candidate", "live", "tie"),
    "position": ("first", "second"),
    "refused": ("yes", "no", "no", "no"),
}
NUMBERS: Mapping[str, Callable[[random.Random, Row], float]] = {
    "low": lambda rng, row: round(row.get("label_number", 50.0) - 3 - rng.random() * 4, 1),
    "high": lambda rng, row: round(row.get("label_number", 50.0) + 1 + rng.random() * 6, 1),
    "p90": lambda rng, row: round(row.get("label_number", 50.0) + rng.gauss(4, 4), 1),
    "latency_ms": lambda rng, _row: round(rng.lognormvariate(4.6, 0.5)),
    "first_token_ms": lambda rng, _row: round(rng.lognormvariate(5.6, 0.4)),
    "run_cost": lambda rng, _row: round(rng.uniform(0.001, 0.02), 4),
    "tokens_in": lambda rng, _row: rng.randint(200, 2_000),
    "tokens_out": lambda rng, _row: rng.randint(20, 400),
    "predicted_score": lambda rng, row: round(
        min(max(rng.gauss(0.7 if row.get("yes") else 0.3, 0.2), 0.01), 0.99), 2
    ),
}


@dataclass(frozen=True)
class WorkedExample:
    """A few rows, the rule they were judged by, and what came out.

    Args:
        rule: The rule.
        command: The command that does the same over the rows in a file.
        rows: The rows of the judged system.
        other_rows: The rows of the system it is compared with; empty where there is none.
        unit: What one unit of the metric's total is.
        gate: What came out.
    """

    rule: str
    command: str
    rows: tuple[Row, ...]
    other_rows: tuple[Row, ...]
    unit: str
    gate: GateResult


def work_example(definition: Definition) -> WorkedExample | None:
    """Measure a metric on a few made rows, by the same path as `check`.

    Args:
        definition: The metric.

    Returns:
        The example; None where a metric of a third party cannot be measured on any rows that are made here.
    """
    rule = parse_rule(definition.example)
    for kind in _kinds(definition, rule):
        try:
            found = _worked(definition, rule, kind)
        except ShipworthyError:
            continue
        if found.gate.evidence.estimate.value is not None:
            return found
    return None


def _kinds(definition: Definition, rule: Rule) -> tuple[str, ...]:
    """Return the kinds of product to try, the likeliest first."""
    if "query_id" in definition.columns:
        return ("ranker",)
    others = ("classifier", "generator", SCORED)
    return ("regressor", *others) if numbers_of(rule) & OF_A_NUMBER else (*others, "regressor")


def _worked(definition: Definition, rule: Rule, kind: str) -> WorkedExample:
    rows = _rows(definition, rule, kind, seed=1)
    other = _other_system(rule)
    others = _rows(definition, rule, kind, seed=2, like=rows) if other else []
    costs = COSTS.get(kind, {}) if definition.unit == "money" and "run_cost" not in definition.columns else {}
    product = "generator" if kind == SCORED else kind
    options: dict[str, Any] = {"kind": product, "costs": costs, "sampled": "random"}
    words = ["shipworthy check", FILE, f"'{rule.text}'", "--kind", product]
    words += [f"--cost {name}={value:g}" for name, value in costs.items()]
    if kind == SCORED:
        options["scorer"] = "exact"
        words.append("--scorer exact")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        _write(path, rows)
        if other:
            options["live"] = Path(folder) / "live.csv"
            _write(options["live"], others)
            words.append("--live live.csv")
        gate = check(path, rule.text, **options).decision.gates[0]
    return WorkedExample(
        rule.text, " ".join(words), tuple(rows), tuple(others), definition.unit_of_total, gate
    )


def _other_system(rule: Rule) -> bool:
    return any(call.name in ("delta", "negative_flips", "positive_flips") for call in _calls(rule.left))


def _calls(call: Call) -> list[Call]:
    return [call, *(inner for part in call.arguments if isinstance(part, Call) for inner in _calls(part))]


# -- rows ------------------------------------------------------------------------------------------------


def _rows(definition: Definition, rule: Rule, kind: str, seed: int, like: Sequence[Row] = ()) -> list[Row]:
    """Return rows with the columns that the metric reads and no others, the same ones every time."""
    rng = random.Random(f"{definition.name} {seed}")  # noqa: S311 - an example, not a secret
    rows: list[Row] = []
    shown: list[int] = []
    for index in range(QUERIES * ITEMS if kind == "ranker" else MORE_ROWS.get(definition.name, ROWS)):
        truth = like[index].get("label") if like else None
        row = _case(definition, kind, index) | _answer(rng, kind, truth)
        if kind == "ranker" and index % ITEMS == 0:
            shown = rng.sample(range(1, CATALOGUE + 1), ITEMS)
        if kind == "ranker":
            row["case_id"] = f"d{shown[index % ITEMS]}"
        numbers = set() if kind == SCORED else numbers_of(rule)
        for name in sorted({*definition.columns, *numbers} - set(row)):
            made = NUMBERS.get(name)
            row[name] = made(rng, row) if made else round(rng.random(), 2)
        for place, name in enumerate(sorted(columns_of(rule) - set(row))):
            values = WORDS.get(name, ("a", "b"))
            row[name] = values[(index // (place + 1)) % 2] if name == "position" else rng.choice(values)
        rows.append({name: value for name, value in row.items() if name not in ("yes", "label_number")})
    return rows


def _case(definition: Definition, kind: str, index: int) -> Row:
    if kind == "ranker":
        return {"query_id": f"q{index // ITEMS + 1}"}
    if definition.unit_of_total == "case":
        return {"case_id": f"c{index // REPEATS + 1}", "repeat": index % REPEATS + 1}
    return {"case_id": f"c{index + 1}"}


def _answer(rng: random.Random, kind: str, truth: Any) -> Row:
    """Return what makes a row right; `truth` is the label another system's row of the case carries."""
    if kind == "ranker":
        return {"case_id": "", "label": rng.choice((0, 0, 1, 2)), "predicted_score": round(rng.random(), 2)}
    if kind == SCORED:
        wanted = str(rng.randint(10, 99))
        return {"label": wanted, "output": wanted if rng.random() < 0.8 else str(rng.randint(10, 99))}
    if kind == "generator":
        return {"grade": rng.choice(("good", "good", "good", "poor", "harmful"))}
    if kind == "regressor":
        label = round(rng.uniform(20, 80), 1)
        return {"label": label, "prediction": round(label + rng.gauss(0, 5), 1), "label_number": label}
    yes = truth == "yes" if truth is not None else rng.random() < 0.5
    said = yes if rng.random() < 0.8 else not yes
    return {"label": "yes" if yes else "no", "prediction": "yes" if said else "no", "yes": yes}


def _write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
