"""The quick form of `make honesty`: the same studies on small grids with fixed seeds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from honesty.page import measured_errors, page, plots, with_errors
from honesty.records import measured_from, plain
from honesty.studies import Found, Measured, Scenario, Study, meets

from honesty import resolving, samples, shares
from shipworthy.stats.measured_errors import MEASURED_ERRORS, measured_error

ROOT = Path(__file__).resolve().parents[2]
QUICK = [study for part in (shares, samples, resolving) for study in part.studies(quick=True)]
STORED = json.loads((ROOT / "docs" / "assets" / "honesty.json").read_text("utf-8"))


@pytest.mark.parametrize("study", QUICK, ids=lambda study: study.name)
def test_promise_is_kept_on_a_small_grid(study: Study) -> None:
    measured = Measured(study, tuple(scenario.run() for scenario in study.scenarios))
    # Three errors of the simulation: a promise that is kept fails here once in a thousand settings.
    assert measured.broken(errors=3.0) == []


def test_stored_numbers_keep_every_promise() -> None:
    broken = [line for measured in measured_from(STORED) for line in measured.broken()]
    assert broken == []


def test_stored_numbers_are_of_the_studies_that_there_are() -> None:
    assert [one["name"] for one in STORED["studies"]] == [study.name for study in QUICK]


def test_page_and_quoted_errors_are_those_of_the_stored_numbers() -> None:
    measured = measured_from(STORED)
    broken = [line for one in measured for line in one.broken()]
    assert (ROOT / "docs" / "honesty.md").read_text("utf-8") == page(measured, broken)
    quoted = {name: (error.worst, error.beyond) for name, error in MEASURED_ERRORS.items()}
    assert quoted == measured_errors(measured)
    for name in plots(measured):
        assert (ROOT / "docs" / "assets" / "honesty" / f"{name}.svg").is_file()


def test_every_method_that_is_quoted_is_found_by_the_name_that_a_gate_prints() -> None:
    for study in QUICK:
        for method in study.methods:
            exact = study.limit <= 0.05
            assert (measured_error(f"{method}; worst of 3 pairs") is None) == exact, method


# -- the measuring itself ------------------------------------------------------------------------------------


def study(kind: str, rates: list[float], limit: float, runs: int = 0, promised: bool = True) -> Measured:
    scenarios = tuple(Scenario(f"setting {at}", lambda: Found(0.0)) for at in range(len(rates)))
    made = Study("made", "Made", kind, limit, scenarios, promised=promised)  # type: ignore[arg-type]
    return Measured(made, tuple(Found(rate, runs) for rate in rates))


def test_a_rate_beyond_its_limit_is_a_broken_promise() -> None:
    assert study("false_pass", [0.04, 0.051], 0.05).broken()
    assert not study("false_pass", [0.04, 0.05], 0.05).broken()
    assert study("coverage", [0.99, 0.91], 0.92).broken()
    assert study("resolve", [0.79], 0.80).broken()


def test_coverage_is_held_on_average_too() -> None:
    assert study("coverage", [0.93, 0.93], 0.92).broken()
    assert not study("coverage", [0.93, 0.97], 0.92).broken()


def test_errors_of_the_simulation_are_forgiven_and_no_more() -> None:
    # 400 samples at 7%: the error is 1.3 points, so 7% is within two of 6% and 9.5% is not.
    assert not study("false_pass", [0.07], 0.06, runs=400).broken()
    assert study("false_pass", [0.095], 0.06, runs=400).broken()


def test_what_is_not_promised_cannot_be_broken() -> None:
    assert not study("false_pass", [0.5], 0.05, promised=False).broken()


def test_a_tie_is_a_pass_as_it_is_for_gates() -> None:
    assert meets(0.8 - 1e-15, 0.8, "lower")
    assert not meets(0.8 - 1e-9, 0.8, "lower")


def test_stored_numbers_come_back_as_they_were() -> None:
    again = [plain(measured) for measured in measured_from(STORED)]
    for one, stored in zip(again, STORED["studies"], strict=True):
        # Means of rounded rates differ in the last digit.
        assert one.pop("average") == pytest.approx(stored["average"], abs=2e-6)
        assert one == {name: value for name, value in stored.items() if name != "average"}


def test_quoted_figures_are_written_into_their_module() -> None:
    source = "x = 1\nMEASURED_ERRORS: dict[str, MeasuredError] = {\n    'old': 1,\n}\ny = 2\n"
    assert '"melded": MeasuredError(0.05, 0.1),\n}\ny = 2' in with_errors(source, {"melded": (0.05, 0.1)})
