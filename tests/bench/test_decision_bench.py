"""The quick form of `make bench-decisions`: the same rules on part of the kept counts, with a fixed seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from bench.decisions import RULES, Task, bought_by_plan, goals, look, missed, regrets, replay, summed
from bench.decisions_page import page, plot
from bench.launches import Launch, kept_launches, plain_launches, read_launches

from bench import decisions
from shipworthy.stats.ship_or_hold import implied_confidence

ROOT = Path(__file__).resolve().parents[2]
STORED = json.loads((ROOT / "docs" / "assets" / "decisions.json").read_text("utf-8"))
LAUNCHES = kept_launches(STORED["launches"])
#: Shares of every fifth launch, and one change; enough to tell the rules apart.
FEW = [one for one in LAUNCHES if not one.is_change][::5]
ONE_CHANGE = next(one for one in LAUNCHES if one.is_change and abs(one.truth) < 0.1)


@pytest.fixture(scope="module")
def quick() -> dict:
    tasks = [Task(one, n, 60, (7, at, n)) for at, one in enumerate(FEW) for n in (100, 200)]
    tasks += [Task(ONE_CHANGE, n, 4, (7, 1000, n)) for n in (100, 200)]
    return summed([(task, replay(task)) for task in tasks])


def test_shipworthys_rule_is_the_best_on_a_part_of_the_launches(quick: dict) -> None:
    for way in ("once", "buy"):
        ours = regrets(quick, way, "from_costs")
        for rule in RULES[2:]:
            theirs = regrets(quick, way, rule)
            assert ours.mean() < 0.85 * theirs.mean(), (way, rule)
            # A point gate is as good where both errors cost the same; few samples blur that by a few percent.
            assert (ours <= 1.05 * theirs).all(), (way, rule)


def test_promises_are_kept_on_a_part_of_the_launches(quick: dict) -> None:
    found = goals(quick)
    assert found["wrong ships of what is below its bar, at 95%"][0] <= 0.05
    assert found["actionable at 200, at 95%"][0] >= 0.70


def test_stored_numbers_reach_every_goal() -> None:
    assert missed(STORED) == []


def test_a_rule_that_is_worse_misses_its_goals() -> None:
    worse = json.loads(json.dumps(STORED))
    worse["ways"]["buy: from_costs"] = worse["ways"]["once: point"]
    assert any(line.startswith("regret of the best rival, buying") for line in missed(worse))


def test_page_is_that_of_the_stored_numbers() -> None:
    assert (ROOT / "docs" / "decisions.md").read_text("utf-8") == page(STORED)
    assert (ROOT / "docs" / "assets" / "decisions.svg").is_file()
    assert plot(STORED)["data"]["values"]


def test_the_same_seed_draws_the_same_choices() -> None:
    task = Task(FEW[0], 50, 5, (1, 2, 3))
    assert replay(task) == replay(task)


def test_the_gates_of_the_benchmark_are_the_products() -> None:
    from shipworthy.stats.confidence import Proportion
    from shipworthy.stats.ship_or_hold import balanced_bound

    task = Task(FEW[0], 100, 3, (5,))
    seen = look(task, task.launch.bars())
    for value, bound, balanced in zip(
        seen.value[:, 0], seen.lower["stated"][:, 0], seen.lower[decisions.named(10)][:, 0], strict=True
    ):
        share = Proportion(round(value * 100), 100)
        assert bound == pytest.approx(share.bound("lower", 0.95))
        assert balanced == pytest.approx(balanced_bound(share, "lower", implied_confidence(10, 1)))


def test_nobody_buys_more_than_there_is_and_a_settled_choice_buys_nothing() -> None:
    task = Task(next(one for one in FEW if 0.5 < one.truth < 0.9), 50, 20, (3,))
    bars = np.round([task.launch.truth - 0.4, task.launch.truth], 2)
    seen = look(task, bars)
    bought = bought_by_plan(seen, bars, 5)
    assert bought.max() <= decisions.STEPS
    assert (bought[:, 0] == 0).all()
    assert (bought[:, 1] > 0).any()


def test_a_set_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    assert read_launches(tmp_path) == []


def test_counts_survive_being_kept() -> None:
    made = Launch("set", "good", (80, 20))
    assert kept_launches(json.loads(json.dumps(plain_launches([made])))) == [Launch("set", "good", (80, 20))]
    assert (made.truth, made.is_change) == (0.8, False)


def test_kept_counts_are_those_of_the_labelled_sets(real_data) -> None:
    folder = real_data("gsm8k_four_systems").parent
    by_name = {(one.data, one.name): one.counts for one in LAUNCHES}
    read = read_launches(folder)
    assert {(one.data, one.name): tuple(one.counts) for one in read} == by_name
    assert by_name["gsm8k_four_systems", "175b_verification: right answers"] == (742, 577)


def test_without_numbers_the_command_says_what_to_do(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(decisions, "NUMBERS", tmp_path / "none.json")
    assert decisions.main(["--page"]) == 2
    assert "without --page" in capsys.readouterr().out
    assert decisions.main(["--data", str(tmp_path)]) == 2
    assert "name a folder with --data" in capsys.readouterr().out
