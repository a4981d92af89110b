"""Dawid and Skene's consensus: literature figures, and laws."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.consensus import dawid_skene, majority


def labelled(seed: int, skills: list[float], n: int = 200, classes: int = 3, missing: float = 0.3) -> Any:
    """Return truth and labels: rater r says the truth with chance skills[r], else any class."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    item, rater = (part.ravel() for part in np.meshgrid(np.arange(n), np.arange(len(skills)), indexing="ij"))
    said = np.where(
        rng.random(item.size) < np.array(skills)[rater], truth[item], rng.integers(0, classes, item.size)
    )
    kept = (rng.random(item.size) > missing) | (rater == 0)
    return truth, item[kept], rater[kept], said[kept]


def test_bluebirds_majority_is_right_on_82_and_the_consensus_on_97_of_108(real_data: Any) -> None:
    """Welinder et al. (2010): 75.93% and 89.81%, the figures known from the literature."""
    folder = real_data("bluebirds_crowd")
    with (folder / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["question"]: int(row["truth"]) for row in csv.DictReader(file)}
    with (folder / "answers.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    questions, workers = sorted(truth), sorted({row["worker"] for row in rows})
    item = np.array([questions.index(row["question"]) for row in rows])
    rater = np.array([workers.index(row["worker"]) for row in rows])
    label = np.array([int(row["answer"]) for row in rows])
    true = np.array([truth[question] for question in questions])
    counts = np.bincount(item * 2 + label, minlength=2 * len(true)).reshape(-1, 2)
    found = dawid_skene(item, rater, label, 2)
    assert int((majority(counts) == true).sum()) == 82
    assert int((found.chances.argmax(axis=1) == true).sum()) == 97
    assert found.converged


@given(st.integers(0, 50))
def test_chances_priors_and_tables_are_distributions(seed: int) -> None:
    _truth, item, rater, label = labelled(seed, [0.9, 0.7, 0.4, 0.6], n=40)
    found = dawid_skene(item, rater, label, 3)
    np.testing.assert_allclose(found.chances.sum(axis=1), 1)
    np.testing.assert_allclose(found.prior.sum(), 1)
    np.testing.assert_allclose(found.confusion.sum(axis=2), 1)


def test_it_learns_who_is_skilled_and_is_right_more_often_than_the_majority() -> None:
    skills = [0.95, 0.9, 0.2, 0.1, 0.1, 0.1, 0.1]
    truth, item, rater, label = labelled(3, skills, n=600)
    found = dawid_skene(item, rater, label, 3)
    counts = np.bincount(item * 3 + label, minlength=3 * len(truth)).reshape(-1, 3)
    right = (found.chances.argmax(axis=1) == truth).mean()
    assert right > (majority(counts) == truth).mean() + 0.1
    shown = np.diagonal(found.confusion, axis1=1, axis2=2).mean(axis=1)
    # A rater of skill s says the true class with chance s + (1 - s) / 3.
    np.testing.assert_allclose(shown, [s + (1 - s) / 3 for s in skills], atol=0.08)


def test_a_rater_who_turns_the_classes_round_is_turned_back() -> None:
    truth, item, rater, label = labelled(5, [0.85, 0.85, 0.85, 0.85], n=300, classes=2)
    turned = np.where(rater == 3, 1 - label, label)
    found = dawid_skene(item, rater, turned, 2)
    assert (found.chances.argmax(axis=1) == truth).mean() > 0.9
    assert np.diagonal(found.confusion[3]).mean() < 0.3


@given(st.integers(0, 50), st.permutations([0, 1, 2]))
def test_names_of_classes_say_nothing(seed: int, order: list[int]) -> None:
    _truth, item, rater, label = labelled(seed, [0.9, 0.8, 0.7], n=30)
    straight = dawid_skene(item, rater, label, 3)
    renamed = dawid_skene(item, rater, np.array(order)[label], 3)
    np.testing.assert_allclose(renamed.chances[:, order], straight.chances, atol=1e-4)


def test_an_item_with_one_label_keeps_some_doubt() -> None:
    found = dawid_skene(np.array([0, 0, 0, 1]), np.array([0, 1, 2, 0]), np.array([1, 1, 0, 0]), 2)
    assert 0.5 < found.chances[1].max() < 1


def test_too_few_steps_are_said() -> None:
    _truth, item, rater, label = labelled(1, [0.8, 0.6, 0.5], n=50)
    found = dawid_skene(item, rater, label, 3, most_steps=1)
    assert (found.steps, found.converged) == (1, False)


def test_no_labels_are_refused() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    with pytest.raises(ValueError, match="needs labels"):
        dawid_skene(nothing, nothing, nothing, 2)


def test_a_tie_has_no_majority() -> None:
    assert majority(np.array([[2.0, 2.0], [3.0, 1.0]])).tolist() == [-1, 0]
