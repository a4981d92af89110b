"""The chance that a fresh sample proves all gates, with the dependence that the rows show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from making import write_file
from shipworthy.api.check import check
from shipworthy.stats.sizing import observed_needed, power

GRADES = ["good"] * 415 + ["poor"] * 60 + ["harmful"] * 25


def graded(folder: Path, grades: list[str], groups: int = 5) -> Path:
    rows = [{"id": f"c{i}", "grade": grade, "language": f"l{i % groups}"} for i, grade in enumerate(grades)]
    return write_file(folder / "graded.jsonl", rows)


def decided(path: Path, *rules: str, **more: object):
    return check(path, *rules, sampled="random", **more).decision


def resampled(grades: list[str], proves, samples: int = 3000) -> float:
    """Draw whole samples of cases and judge each by counting, without any table."""
    codes = np.array(grades)
    random = np.random.default_rng(17)
    return float(np.mean([proves(codes[random.integers(0, len(codes), len(codes))]) for _ in range(samples)]))


def test_gates_on_the_same_rows_pass_together_as_often_as_resampled_cases_say(tmp_path):
    def proves(sample):
        good, harmful = (sample == "good").sum(), (sample == "harmful").sum()
        enough = observed_needed(500, 0.80, "at_least"), observed_needed(500, 0.08, "at_most")
        return good >= enough[0] and harmful <= enough[1]

    decision = decided(graded(tmp_path, GRADES), "good >= 80%", "harmful <= 8%")
    assert decision.evidence.together.gate_ids == ("good", "harmful")
    # 3,000 resampled and 4,000 simulated samples are good to two points each.
    assert decision.evidence.together.chance == pytest.approx(resampled(GRADES, proves), abs=0.04)
    least, about, most = decision.chance_all_pass
    assert least == about == most == decision.evidence.together.chance


def test_a_gate_on_some_of_the_rows_goes_together_with_one_on_all(tmp_path):
    path = graded(tmp_path, GRADES)
    decision = decided(path, "good >= 80%", "good[language = l0] >= 75%")
    whole, part = (gate.evidence.chance_now for gate in decision.gates)
    # A fifth of the cases is in both, so they go together, and never more often than the rarer one.
    assert whole * part < decision.evidence.together.chance <= min(whole, part) + 0.02


def test_gates_that_say_the_same_pass_as_often_as_one(tmp_path):
    decision = decided(graded(tmp_path, GRADES), "good >= 80%", "accuracy >= 80%")
    alone = power(500, 0.80, 0.83, "at_least")
    assert decision.evidence.together.chance == pytest.approx(alone, abs=0.03)


def test_other_gates_keep_the_range_that_any_dependence_leaves(tmp_path):
    rules = ("good >= 80%", "harmful <= 8%", "good[language = l0] >= good[language != l0] - 20pt")
    decision = decided(graded(tmp_path, GRADES), *rules)
    together = decision.evidence.together.chance
    other = decision.gates[2].evidence.chance_now
    least, about, most = decision.chance_all_pass
    assert about == pytest.approx(together * other)
    assert (least, most) == (pytest.approx(max(0, together + other - 1)), min(together, other))


def test_one_gate_goes_together_with_nothing(tmp_path):
    decision = decided(graded(tmp_path, GRADES), "good >= 80%")
    assert decision.evidence.together is None
    assert decision.chance_all_pass[1] == decision.gates[0].evidence.chance_now


def test_clusters_leave_the_dependence_unknown(tmp_path):
    decision = decided(
        graded(tmp_path, GRADES), "good >= 80%", "harmful <= 8%", roles={"cluster_id": "language"}
    )
    assert decision.evidence.together is None
