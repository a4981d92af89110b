"""Agreement beyond chance: published figures, other packages, laws, and intervals that cover."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from shipworthy.stats.agreement import (
    agreeing_pairs,
    alpha_confident,
    cohen_confident,
    cohen_kappa,
    coincidences,
    fleiss_confident,
    fleiss_kappa,
    krippendorff_alpha,
    summed_coincidences,
)

# Fleiss (1971), Psychological Bulletin 76, table 1: ten subjects, fourteen raters, five classes.
FLEISS = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ],
    dtype=float,
)
_ = np.nan
# Krippendorff (2011), Computing Krippendorff's alpha-reliability: four observers, twelve units.
CANONICAL = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
)
VALUES = np.arange(1.0, 6.0)


def counts_of(ratings: np.ndarray, values: np.ndarray = VALUES) -> np.ndarray:
    return np.stack([(ratings == value).sum(axis=0) for value in values], axis=1).astype(float)


tables = arrays(float, (3, 3), elements=st.integers(0, 40).map(float)).filter(
    lambda table: (table.sum(axis=0) > 0).sum() > 1 and (table.sum(axis=1) > 0).sum() > 1
)
items = arrays(
    float, st.tuples(st.integers(3, 20), st.just(3)), elements=st.integers(0, 3).map(float)
).filter(lambda counts: (counts[counts.sum(axis=1) > 1].sum(axis=0) > 0).sum() > 1)


def test_cohens_kappa_of_the_textbook_table_is_four_tenths() -> None:
    # po = 35/50, pe = (25 * 30 + 25 * 20) / 2500 = 0.5, so (0.7 - 0.5) / 0.5.
    assert cohen_kappa(np.array([[20.0, 5.0], [10.0, 15.0]])) == pytest.approx(0.4)


def test_fleiss_kappa_is_that_of_fleiss_1971() -> None:
    assert round(fleiss_kappa(FLEISS), 5) == 0.20993


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_alpha_of_the_canonical_data_is_as_published_at_every_level(level: str, alpha: float) -> None:
    found = krippendorff_alpha(summed_coincidences(counts_of(CANONICAL)), level, VALUES)
    assert round(float(found), 3) == alpha


@given(tables)
def test_cohens_kappa_agrees_with_scikit_learn_whatever_the_weights(table: np.ndarray) -> None:
    first, second = (
        np.repeat(index, table.ravel().astype(int)) for index in np.indices(table.shape).reshape(2, -1)
    )
    for weights in ("none", "linear", "quadratic"):
        theirs = cohen_kappa_score(
            first, second, labels=[0, 1, 2], weights=None if weights == "none" else weights
        )
        assert float(cohen_kappa(table, weights)) == pytest.approx(theirs, abs=1e-12)


@given(tables)
def test_the_error_of_cohens_kappa_is_near_the_large_sample_formula(table: np.ndarray) -> None:
    table = table * 20 + 10
    theirs = inter_rater.cohens_kappa(table)
    found = cohen_confident(table, "none")
    assert found is not None
    assert found.value == pytest.approx(theirs.kappa, abs=1e-12)
    assert found.standard_error == pytest.approx(theirs.std_kappa, rel=0.05)


@given(arrays(float, (12, 3), elements=st.integers(0, 4).map(float)))
def test_fleiss_kappa_agrees_with_statsmodels_where_all_items_have_as_many_labels(drawn: np.ndarray) -> None:
    counts = drawn.copy()
    counts[:, 2] = 8 - counts[:, 0] - counts[:, 1]
    if (counts.sum(axis=0) > 0).sum() > 1:
        assert fleiss_kappa(counts) == pytest.approx(inter_rater.fleiss_kappa(counts), abs=1e-12)


@given(items, st.sampled_from(["nominal", "ordinal", "interval", "ratio"]))
def test_alpha_agrees_with_the_krippendorff_package(counts: np.ndarray, level: str) -> None:
    values = np.array([1.0, 2.0, 5.0])
    theirs = krippendorff.alpha(value_counts=counts, value_domain=values, level_of_measurement=level)
    ours = krippendorff_alpha(coincidences(counts).sum(axis=0), level, values)
    assert float(ours) == pytest.approx(theirs, abs=1e-9)


@given(items)
def test_coincidences_of_all_items_are_the_sum_of_each_ones(counts: np.ndarray) -> None:
    np.testing.assert_allclose(summed_coincidences(counts), coincidences(counts).sum(axis=0), atol=1e-9)


@given(items, st.permutations([0, 1, 2]))
def test_names_of_classes_and_order_of_items_say_nothing(counts: np.ndarray, order: list[int]) -> None:
    assert fleiss_kappa(counts[::-1][:, order]) == pytest.approx(fleiss_kappa(counts), abs=1e-12)
    alpha = krippendorff_alpha(summed_coincidences(counts))
    assert float(krippendorff_alpha(summed_coincidences(counts[:, order]))) == pytest.approx(float(alpha))


def test_raters_who_always_agree_have_kappa_one_and_no_interval() -> None:
    perfect = np.array([[3.0, 0.0]] * 9 + [[0.0, 3.0]] * 11)
    assert fleiss_kappa(perfect) == 1
    assert agreeing_pairs(perfect) == 1
    assert fleiss_confident(perfect) is None
    assert alpha_confident(perfect, "nominal", None) is None


def test_one_class_alone_gives_no_kappa() -> None:
    assert np.isnan(fleiss_kappa(np.array([[3.0, 0.0]] * 9)))
    assert np.isnan(cohen_kappa(np.array([[9.0, 0.0], [0.0, 0.0]])))
    assert np.isnan(krippendorff_alpha(summed_coincidences(np.array([[3.0, 0.0]] * 9))))


def test_items_with_one_label_leave_agreement_alone() -> None:
    more = np.vstack([FLEISS, [[1, 0, 0, 0, 0]] * 7])
    assert fleiss_kappa(more) == pytest.approx(fleiss_kappa(FLEISS))
    assert float(krippendorff_alpha(summed_coincidences(more))) == pytest.approx(
        float(krippendorff_alpha(summed_coincidences(FLEISS)))
    )


def test_an_interval_level_without_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the classes as numbers"):
        krippendorff_alpha(summed_coincidences(FLEISS), "interval")


@pytest.mark.parametrize("n", [50, 200])
def test_the_intervals_cover_the_truth_about_as_often_as_they_say(n: int) -> None:
    """Three raters say the truth eight times of ten, three classes; kappa in 400,000 items is the truth."""
    rng = np.random.default_rng(n)

    def drawn(size: int) -> np.ndarray:
        truth = rng.choice(3, size, p=[0.5, 0.3, 0.2])
        said = np.where(rng.random((3, size)) < 0.8, truth, rng.integers(0, 3, (3, size)))
        return counts_of(said, np.arange(3))

    truth = fleiss_kappa(drawn(400_000))
    runs, fleiss, alpha = 400, 0, 0
    for _run in range(runs):
        counts = drawn(n)
        for name, found in (("f", fleiss_confident(counts)), ("a", alpha_confident(counts, "nominal", None))):
            assert found is not None
            low, high = found.interval()
            fleiss += name == "f" and low <= truth <= high
            alpha += name == "a" and low <= truth <= high
    # Nominal 95%; 400 runs have a standard error of about one point.
    assert 0.92 <= fleiss / runs <= 0.985
    assert 0.92 <= alpha / runs <= 0.985


def test_groups_of_items_stand_in_for_items_where_kinds_are_many() -> None:
    rng = np.random.default_rng(4)
    counts = rng.multinomial(9, [0.1] * 10, 5_000).astype(float) + 3 * np.eye(10)[rng.integers(0, 10, 5_000)]
    grouped = alpha_confident(counts, "nominal", None)
    apart = alpha_confident(counts[:1_000], "nominal", None)
    assert grouped is not None
    assert apart is not None
    assert grouped.value == pytest.approx(float(krippendorff_alpha(summed_coincidences(counts))))
    assert grouped.standard_error == pytest.approx(apart.standard_error / np.sqrt(5), rel=0.25)
