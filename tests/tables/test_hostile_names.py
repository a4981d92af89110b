"""Column names and values are data: whatever they spell, they are never part of a query."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

HOSTILE = [
    "a b",
    "it's",
    'say "hi"',
    "'; DROP TABLE rows; --",
    "semi;colon",
    "dotted.name",
    "日本語 🙂",
    "back\\slash",
    "brace{0}",
    "percent%s",
    "$1 ?",
    "x" * 3000,
    "select",
    "usable",
    "g",
    "w",
    "p_0",
    "k_0",
    "arm",
    "answered",
    "repeat_text",
    "#row",
]


def table(columns: list[str], rows: list[list[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([columns, *rows])
    return out.getvalue()


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: name[:12].encode("unicode_escape").decode())
def test_a_slice_of_any_name_with_values_of_any_kind_is_measured(product: Any, name: str) -> None:
    values = ["plain", name, f"{name}'\n", "a,b"]
    rows = [[str(i), i % 2, i % 2 if i % 5 else 1 - i % 2, values[i % 4]] for i in range(80)]
    made = product(
        {"golden.csv": table(["case_id", "label", "prediction", name], rows)},
        systems={"candidate": {"recorded": "golden.csv"}, "live": {"recorded": "golden.csv"}},
        slices=[name],
        metrics=["accuracy", "pass^1", "auc"],
    )
    evidence = made.decide().decision.evidence
    found = {part.value: part.estimate.n for part in evidence.slices if part.metric == "accuracy"}
    assert found == dict.fromkeys(values, 20)
    assert evidence.comparisons[0].broke == 0


@pytest.mark.parametrize("name", ["it's", "'; DROP TABLE rows; --", "日本語 🙂", "a b", "semi;colon"])
def test_a_rule_names_any_column_and_value_in_quotes(product: Any, name: str) -> None:
    rows = [[str(i), i % 2, i % 2, name if i % 4 else "other"] for i in range(40)]
    made = product(
        {"golden.csv": table(["case_id", "label", "prediction", name], rows)},
        systems={"candidate": {"recorded": "golden.csv"}},
        gates=[f'accuracy["{name}" = "{name}"] >= 50%', f'gap(accuracy, "{name}") <= 90pt'],
    )
    first, second = made.decide().decision.evidence.gates
    assert first.estimate.n == 30
    assert {part.group for part in second.parts} == {name, "other"}


@pytest.mark.parametrize("name", ["outcome", "ok", "cluster_group"])
def test_a_slice_named_like_a_column_of_ours_is_refused_with_a_way_out(product: Any, name: str) -> None:
    from shipworthy.errors import InputError

    made = product(
        {"golden.csv": f"case_id,label,prediction,{name}\n1,1,1,a\n2,0,0,b\n"},
        systems={"candidate": {"recorded": "golden.csv"}},
        slices=[name],
    )
    with pytest.raises(InputError, match=f"'{name}' has the name.*\n.*my_{name}"):
        made.decide()


def test_columns_that_differ_only_in_case_are_refused(product: Any) -> None:
    from shipworthy.errors import InputError

    made = product(
        {"golden.csv": "case_id,label,prediction,Race\n1,1,1,a\n2,0,0,b\n"},
        systems={"candidate": {"recorded": "golden.csv"}},
        slices=["Race", "race"],
    )
    with pytest.raises(InputError, match="'Race' and 'race' differ only in case"):
        made.decide()


def test_classes_of_any_spelling_are_told_apart(product: Any) -> None:
    words = ["it's", 'say "hi"', "a,b", "'; --", "é", "e\u0301"]
    rows = [[str(i), words[i % 6], words[i % 6 if i % 5 else 0]] for i in range(60)]
    made = product(
        {"golden.csv": table(["case_id", "label", "prediction"], rows)},
        systems={"candidate": {"recorded": "golden.csv"}},
        metrics=["accuracy", "balanced_accuracy"],
    )
    accuracy = made.decide().decision.evidence.metrics[0].estimate
    assert accuracy.value == pytest.approx(sum(row[1] == row[2] for row in rows) / 60)
