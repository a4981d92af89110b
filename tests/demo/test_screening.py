from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shipworthy.define.reading import read_spec
from shipworthy.define.spec import Spec
from shipworthy.demo.screening import screening

pytest.importorskip("sklearn")

CACHED = (
    screening.training_part,
    screening.golden_part,
    screening.size_threshold,
    screening._trained,
)


def _spec() -> Spec:
    return read_spec(Path(str(files("shipworthy.demo.screening") / "shipworthy.yaml"))).spec


@cache
def _guardrail() -> screening.SecondReader:
    return screening.measure_guardrail()


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, str]]:
    screening.write_golden(tmp_path / "golden" / "cases.csv")
    with (tmp_path / "golden" / "cases.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Whatever a test makes from other data is forgotten after it."""
    for made in CACHED:
        made.cache_clear()
    yield
    for made in CACHED:
        made.cache_clear()


def test_the_golden_set_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        screening.write_golden(tmp_path / name)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_every_mass_trains_or_is_golden_and_none_is_both() -> None:
    training, golden = screening.training_part(), screening.golden_part()
    assert sorted([*training.rows, *golden.rows]) == list(range(569))
    assert len(golden.rows) > len(training.rows)
    known = {tuple(measured) for measured in training.measured}
    assert not any(tuple(measured) in known for measured in golden.measured)


def test_a_row_stays_where_it_is() -> None:
    assert list(screening.golden_part().rows[:6]) == [0, 1, 3, 4, 7, 8]


def test_the_golden_file_holds_what_scikit_learn_holds(rows: list[dict[str, str]]) -> None:
    golden = screening.golden_part()
    assert [row["case_id"] for row in rows] == [f"mass{number:03d}" for number in golden.rows]
    assert [row["label"] == "malignant" for row in rows] == list(golden.malignant)
    written = [[float(row[name]) for name in screening.measurements()] for row in rows]
    assert np.array_equal(written, golden.measured)


def test_slices_are_thirds_of_the_training_part(rows: list[dict[str, str]]) -> None:
    for name, (column, parts) in screening.TERCILES.items():
        assert {row[name] for row in rows} == set(parts)
        trained = screening.training_part().measured[:, screening.measurements().index(column)]
        first = [float(row[column]) for row in rows if row[name] == parts[0]]
        assert max(first) < np.quantile(trained, 1 / 3) + 1e-9


def test_nothing_is_made_from_a_golden_row(monkeypatch: pytest.MonkeyPatch, forgotten: None) -> None:
    names = ("svm", "logistic")
    before = [screening._trained(name) for name in names]
    rule, judged = screening.size_threshold(), screening.golden_part().measured.copy()
    whole = screening._masses()
    golden = ~screening._trains(whole.rows)
    spoiled = whole.measured.copy()
    spoiled[golden] = spoiled[golden][::-1] * 3.0
    turned = np.where(golden, ~whole.malignant, whole.malignant)
    monkeypatch.setattr(screening, "_masses", lambda: screening.Masses(whole.rows, spoiled, turned))
    for made in CACHED:
        made.cache_clear()
    assert screening.size_threshold() == rule
    for name, kept in zip(names, before, strict=True):
        again = screening._trained(name)
        assert again.threshold == kept.threshold
        assert np.array_equal(again.chances(judged), kept.chances(judged))


def _cost(scores: screening.Floats, malignant: screening.Truths, threshold: float) -> float:
    flagged = scores >= threshold
    misses, alarms = (~flagged & malignant).sum(), (flagged & ~malignant).sum()
    return float(screening.COST_OF_MISS * misses + screening.COST_OF_FALSE_ALARM * alarms)


@given(st.data(), st.integers(1, 30))
def test_no_other_cut_is_cheaper(data: st.DataObject, n: int) -> None:
    scores = data.draw(arrays(np.float64, n, elements=st.integers(0, 8).map(float)))
    malignant = data.draw(arrays(np.bool_, n))
    # Flagging none at all is left out on purpose: a rule that flags nothing is no rule.
    cuts = [float(cut) for cut in np.arange(-1, 9) + 0.5 if cut + 0.5 <= scores.max()]
    found = screening.cheapest_threshold(scores, malignant)
    assert _cost(scores, malignant, found) == min(_cost(scores, malignant, cut) for cut in cuts)


def test_the_spec_states_the_costs_that_the_thresholds_were_cut_by() -> None:
    costs = _spec().costs
    assert costs is not None
    assert costs.of("false_negative") == screening.COST_OF_MISS
    assert costs.of("false_positive") == screening.COST_OF_FALSE_ALARM
    assert costs.review == screening.COST_OF_REVIEW


def test_the_guardrail_caught_what_the_spec_says() -> None:
    (guardrail,) = _spec().guardrails
    assert (guardrail.tried, guardrail.caught) == (_guardrail().tried, _guardrail().caught)
    stated = re.search(r"about (\d+) of 100 masses", guardrail.what or "")
    assert stated is not None
    assert int(stated[1]) == round(100 * _guardrail().read)


def test_the_guardrail_reads_from_the_chance_that_the_spec_names() -> None:
    (guardrail,) = _spec().guardrails
    assert "from 0.3%" in (guardrail.what or "")
    assert screening.goes_to_second_reader(0.0031, 0.1)
    assert not screening.goes_to_second_reader(0.0029, 0.1)
    assert not screening.goes_to_second_reader(0.1, 0.1)


def test_systems_answer_in_the_agreed_form(rows: list[dict[str, str]]) -> None:
    for row in rows[:40]:
        for system in (screening.svm, screening.logistic):
            answer = system(row)
            assert answer["prediction"] in ("malignant", "benign")
            assert answer["output"].startswith(answer["prediction"])
            assert 0.0 <= answer["predicted_score"] <= 1.0
        rule = screening.size_rule(row)
        assert (rule["prediction"] == "malignant") == (float(row["mean area"]) >= screening.size_threshold())


def test_the_pins_name_data_and_libraries() -> None:
    pins = screening.shipworthy_pins()
    assert pins.keys() == {"data", "scikit-learn", "numpy"}
    assert re.fullmatch(r"[0-9a-f]{64}", pins["data"])
    assert pins == screening.shipworthy_pins()
