"""The power of an experiment: the cases asked for give the power that was asked for, and no fewer do."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy import stats

from .mutating import linted

#: Far too little traffic for anything.
FEW = {"costs.volume_per_month": 10}


def experiment_finding(**experiment: Any) -> str:
    """Return what SW809 says of an experiment of the loan product; empty where it says nothing."""
    change = {f"launch.experiment.{key.rstrip('_')}": value for key, value in experiment.items()}
    volume = change.pop("launch.experiment.volume", None)
    found = linted("loan", {**change, **({"costs.volume_per_month": volume} if volume else FEW)}).findings
    return next((one.what for one in found if one.code == "SW809"), "")


def cases_asked_for(what: str) -> int:
    found = re.search(r"takes ([\d,]+) cases in each half", what)
    assert found is not None, what
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize(("mde", "deviation", "power"), [(1, 8, 0.8), (0.5, 3, 0.9), (2, 40, 0.8)])
def test_a_mean_gets_the_power_of_the_two_sample_t_test(mde: float, deviation: float, power: float) -> None:
    n = cases_asked_for(experiment_finding(mde=mde, deviation=deviation, power=power))
    freedom, shift = 2 * n - 2, mde / deviation * np.sqrt(n / 2)
    critical = stats.t.ppf(0.975, freedom)
    assert stats.nct.sf(critical, freedom, shift) == pytest.approx(power, abs=0.002)


@pytest.mark.parametrize(("baseline", "mde"), [(0.2, 0.05), (0.5, 0.02), (0.05, 0.01)])
def test_a_share_gets_its_power_when_the_experiment_is_played(baseline: float, mde: float) -> None:
    what = experiment_finding(primary="early_delinquency", mde=mde, baseline=baseline, deviation=None)
    n = cases_asked_for(what)
    # The metric is better lower, so the effect to be found lies below the baseline.
    rng = np.random.default_rng(7)
    control = rng.binomial(n, baseline, 40_000) / n
    treated = rng.binomial(n, baseline - mde, 40_000) / n
    error = np.sqrt((control * (1 - control) + treated * (1 - treated)) / n)
    assert np.mean(np.abs(control - treated) > 1.959964 * error) == pytest.approx(0.8, abs=0.015)


def test_its_own_share_and_time_give_the_cases_there_are() -> None:
    # 30.4375 days at 1,000 a month, half of 20% treated: 100 in each half.
    what = experiment_finding(percent=20, for_="30.4375d", volume=1000)
    assert what.endswith("and its traffic gives 100.")


def test_unlike_halves_of_the_stages_count_for_what_they_are_worth() -> None:
    # 28 days, half at 5% and half at 25%: 15% treated and 85% control are worth 2 / (1/a + 1/b) each.
    what = experiment_finding(volume=1000)
    cases = 1000 * 28 / (365.25 / 12)
    worth = 2 / (1 / (0.15 * cases) + 1 / (0.85 * cases))
    assert what.endswith(f"and its traffic gives {int(worth)}.")


def test_enough_traffic_is_no_finding() -> None:
    assert experiment_finding(volume=9000) == ""


def test_an_experiment_that_states_no_spread_is_not_judged() -> None:
    assert experiment_finding(deviation=None, baseline=26) == ""
