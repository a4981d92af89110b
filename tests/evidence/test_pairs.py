"""Two systems on the same cases; clusters; weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from making import make_rows
from shipworthy.define.rules import parse_rule
from shipworthy.errors import InputError
from shipworthy.evidence.estimating import Measured, measure
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import bind
from shipworthy.evidence.pairing import PairedPart, bind_pair
from shipworthy.tables.pairs import pair_rows, shared_rows
from shipworthy.tables.row_plan import Basis
from shipworthy.tables.totals import WHOLE, Ask, read_totals

Rows = list[dict[str, Any]]


def paired(
    connection: Any, rule: str, ours: Rows, theirs: Rows, basis: str = Basis.PREDICTION, **plan: Any
) -> PairedPart:
    """Return the paired difference of a metric."""
    first = make_rows(connection, "ours", ours, basis, **plan)
    second = make_rows(connection, "theirs", theirs, basis, **plan)
    pairs = pair_rows(connection, "ours", "theirs", "pairs", by_query=basis == Basis.RANKING)
    shared_rows(connection, pairs)
    pair = bind_pair(parse_rule(f"{rule} >= 0").left, Frame(first, "classifier"), second)
    mean_weight = first.mean_weight if first.weighted else None
    return pair.part(read_totals(connection, "pairs", pair.asks(WHOLE), pair.groups, mean_weight), WHOLE, 0)


def alone(connection: Any, rule: str, rows: Rows, basis: str = Basis.PREDICTION) -> Measured:
    """Return a metric on one system."""
    profile = make_rows(connection, "alone", rows, basis)
    metric = bind(parse_rule(f"{rule} >= 0").left, Frame(profile, "classifier"))
    mean_weight = profile.mean_weight if profile.weighted else None
    ask = Ask(metric.total)
    groups = profile.groups if profile.clustered else 1
    return measure(metric, read_totals(connection, "alone", [ask], groups, mean_weight)[ask], 0, profile)


def systems(seed: int, n: int = 200, **same: Any) -> tuple[Rows, Rows]:
    """Return rows of two systems on the same cases."""
    rng = np.random.default_rng(seed)
    label = rng.random(n) < 0.4
    hard = rng.normal(0, 0.25, n)
    made = []
    for skill in (0.5, 0.35):
        score = np.round(np.clip(0.4 + skill * (label - 0.5) + hard + rng.normal(0, 0.1, n), 0, 1), 3)
        made.append(
            [
                {
                    "case_id": f"c{i:04d}",
                    "label": int(label[i]),
                    "prediction": int(score[i] > 0.5),
                    "predicted_score": score[i].item(),
                    **same,
                }
                for i in range(n)
            ]
        )
    return made[0], made[1]


def right(rows: Rows) -> np.ndarray:
    return np.array([row["label"] == row["prediction"] for row in rows])


@pytest.mark.parametrize("seed", range(5))
def test_the_difference_of_accuracies_is_fixed_less_broken_over_n(connection: Any, seed: int) -> None:
    ours, theirs = systems(seed)
    part = paired(connection, "accuracy", ours, theirs)
    fixed, broke = (right(ours) & ~right(theirs)).sum(), (~right(ours) & right(theirs)).sum()
    assert part.discordant == (fixed, broke)
    assert part.delta.value == pytest.approx((fixed - broke) / 200)
    assert part.n == 200


def test_the_order_of_the_rows_says_nothing(connection: Any) -> None:
    ours, theirs = systems(1)
    straight = paired(connection, "f1", ours, theirs)
    turned = paired(connection, "f1", ours[::-1], theirs[50:] + theirs[:50])
    assert straight.delta.bound("lower", 0.95) == turned.delta.bound("lower", 0.95)


def test_only_shared_usable_cases_are_compared(connection: Any) -> None:
    ours, theirs = systems(2)
    theirs = [row | {"unscored_reason": "judge"} if i < 20 else row for i, row in enumerate(theirs[:150])]
    part = paired(connection, "accuracy", ours, theirs)
    assert part.n == 130
    assert part.ours.value == pytest.approx(right(ours[20:150]).mean())
    assert part.theirs.value == pytest.approx(right(theirs[20:]).mean())


def test_repeats_are_paired_one_by_one(connection: Any) -> None:
    ours, theirs = systems(3)
    name = lambda rows: [row | {"case_id": f"c{i // 4}", "repeat": i % 4} for i, row in enumerate(rows)]  # noqa: E731
    for rows in (ours, theirs):
        for i, row in enumerate(rows):
            row["label"] = rows[i // 4 * 4]["label"]
    part = paired(connection, "accuracy", name(ours), name(theirs)[::-1])
    fixed, broke = (right(ours) & ~right(theirs)).sum(), (~right(ours) & right(theirs)).sum()
    assert part.discordant == (fixed, broke)


def test_a_paired_difference_is_surer_than_two_separate_ones(connection: Any) -> None:
    ours, theirs = systems(4, 400)
    for rule in ("accuracy", "auc", "f1", "recall"):
        part = paired(connection, rule, ours, theirs)
        apart = np.hypot(part.ours.standard_error, part.theirs.standard_error)
        assert part.delta.standard_error < apart, rule


def test_labels_that_disagree_are_refused(connection: Any) -> None:
    ours, theirs = systems(5)
    theirs[7] = theirs[7] | {"label": 1 - theirs[7]["label"]}
    with pytest.raises(InputError, match="different labels for 1 shared cases, for example 'c0007'"):
        paired(connection, "accuracy", ours, theirs)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (25.0, -7.0), (0.01, 400.0)])
def test_the_area_of_each_side_is_its_own_whatever_its_scores_scale(
    connection: Any, scale: float, shift: float
) -> None:
    ours, theirs = systems(6)
    theirs = [row | {"predicted_score": row["predicted_score"] * scale + shift} for row in theirs]
    part = paired(connection, "auc", ours, theirs)
    labels = [row["label"] for row in ours]
    for side, rows in ((part.ours, ours), (part.theirs, theirs)):
        assert side.value == pytest.approx(roc_auc_score(labels, [row["predicted_score"] for row in rows]))
    assert part.delta.value == pytest.approx(part.ours.value - part.theirs.value)
    assert part.blur == 0


def test_the_jackknife_of_an_area_agrees_with_a_paired_bootstrap(connection: Any) -> None:
    ours, theirs = systems(7, 240)
    label = np.array([row["label"] for row in ours])
    first, second = (np.array([row["predicted_score"] for row in rows]) for rows in (ours, theirs))
    rng = np.random.default_rng(1)
    draws = []
    for _ in range(400):
        at = rng.integers(0, 240, 240)
        draws.append(roc_auc_score(label[at], first[at]) - roc_auc_score(label[at], second[at]))
    part = paired(connection, "auc", ours, theirs)
    assert part.delta.standard_error == pytest.approx(np.std(draws), rel=0.2)


def test_means_are_compared_where_both_have_the_number(connection: Any) -> None:
    rng = np.random.default_rng(8)
    base = rng.random(60)
    ours = [{"case_id": str(i), "latency": base[i] + 0.1 if i != 3 else None} for i in range(60)]
    theirs = [{"case_id": str(i), "latency": base[i] if i != 5 else None} for i in range(60)]
    plain = paired(connection, "mean(latency)", ours, theirs, Basis.SCORES, numbers=("latency",))
    assert plain.delta.value == pytest.approx(0.1)
    assert plain.n == 58
    clustered = [[row | {"cluster_id": int(row["case_id"]) // 4} for row in rows] for rows in (ours, theirs)]
    grouped = paired(connection, "mean(latency)", *clustered, Basis.SCORES, numbers=("latency",))
    assert grouped.delta.value == pytest.approx(0.1)
    assert grouped.n == 58


def test_an_item_that_one_ranking_alone_lists_still_takes_up_a_rank(connection: Any) -> None:
    judged = [
        {"case_id": f"d{d}", "query_id": f"q{q}", "label": int(d == 2)} for q in range(5) for d in range(4)
    ]
    listed = lambda extra, order: [  # noqa: E731
        *(row | {"predicted_score": order[int(row["case_id"][1])]} for row in judged),
        *({"case_id": extra, "query_id": f"q{q}", "predicted_score": 9} for q in range(5)),
    ]
    ours, theirs = listed("x", [1, 2, 8, 3]), listed("y", [4, 5, 1, 6])
    part = paired(connection, "ndcg@10", ours, theirs, Basis.RANKING)
    assert part.n == 5
    assert part.ours.value == alone(connection, "ndcg@10", ours, Basis.RANKING).confidence.value
    assert part.theirs.value == alone(connection, "ndcg@10", theirs, Basis.RANKING).confidence.value
    assert part.ours.value == pytest.approx(1 / np.log2(3))


# -- clusters and weights --------------------------------------------------------------------------------


@pytest.mark.parametrize("clusters", [40, 400])
@pytest.mark.parametrize("rule", ["accuracy", "f1", "balanced_accuracy", "auc"])
def test_answers_that_go_together_widen_the_interval(connection: Any, clusters: int, rule: str) -> None:
    rng = np.random.default_rng(clusters)
    rows: Rows = []
    for cluster in range(clusters):
        label, luck = int(rng.random() < 0.5), rng.random() < 0.75
        for repeat in range(5):
            said = label if (luck if rng.random() < 0.9 else rng.random() < 0.75) else 1 - label
            rows.append(
                {"case_id": f"c{cluster}", "repeat": repeat, "label": label, "prediction": said}
                | {"predicted_score": round(0.2 + 0.6 * said + 0.001 * rng.integers(0, 100), 3)}
            )
    together = alone(connection, rule, rows)
    apart = alone(connection, rule, [row | {"case_id": f"{row['case_id']}/{row['repeat']}"} for row in rows])
    assert together.confidence.value == pytest.approx(apart.confidence.value)
    wide = together.bound("upper", 0.95) - together.bound("lower", 0.95)
    narrow = apart.bound("upper", 0.95) - apart.bound("lower", 0.95)
    assert wide > 1.3 * narrow


def test_a_cluster_of_cases_widens_what_is_counted_by_case(connection: Any) -> None:
    rng = np.random.default_rng(3)
    rows = []
    for household in range(30):
        luck = rng.random() < 0.6
        for case in range(4):
            rows += [
                {"case_id": f"{household}.{case}", "repeat": r, "correct": int(luck), "cluster_id": household}
                for r in range(2)
            ]
    bare = [{name: value for name, value in row.items() if name != "cluster_id"} for row in rows]
    together, apart = (alone(connection, "pass^2", made, Basis.CORRECT) for made in (rows, bare))
    assert together.confidence.value == apart.confidence.value
    assert together.bound("lower", 0.95) < apart.bound("lower", 0.95) - 0.03


@pytest.mark.parametrize("scale", [0.001, 1.0, 5000.0])
@pytest.mark.parametrize("n", [60, 600])
def test_a_weighted_value_is_numpys_average_whatever_the_unit_of_the_weights(
    connection: Any, n: int, scale: float
) -> None:
    ours, _theirs = systems(9, n)
    weights = np.random.default_rng(2).lognormal(0, 1, n) * scale
    weighed = [row | {"weight": weights[i].item()} for i, row in enumerate(ours)]
    found, bare = alone(connection, "accuracy", weighed), alone(connection, "accuracy", ours)
    assert found.confidence.value == pytest.approx(np.average(right(ours), weights=weights))
    assert found.n == n
    wide = found.bound("upper", 0.95) - found.bound("lower", 0.95)
    assert wide > (bare.bound("upper", 0.95) - bare.bound("lower", 0.95))


def test_a_weighted_mean_is_numpys_average(connection: Any) -> None:
    rng = np.random.default_rng(4)
    cost, weights = rng.random(50), rng.random(50) + 0.1
    rows = [{"case_id": str(i), "run_cost": cost[i].item(), "weight": weights[i].item()} for i in range(50)]
    found = alone(connection, "run_cost", rows, Basis.SCORES)
    assert found.confidence.value == pytest.approx(np.average(cost, weights=weights))


def test_outcomes_and_money_use_the_weights(product: Any) -> None:
    rows = "".join(f"{i},1,{1 if i % 4 else 0},{9 if i % 4 else 1}\n" for i in range(40))
    made = product(
        {"golden.csv": "case_id,label,prediction,weight\n0x,0,0,1\n" + rows},
        systems={"candidate": {"recorded": "golden.csv"}},
        costs={"false_negative": 10, "volume_per_month": 100},
    )
    evidence = made.decide().decision.evidence
    shares = {share.outcome: share for share in evidence.outcomes}
    assert shares["false_negative"].count == 10
    assert shares["false_negative"].estimate.value == pytest.approx(10 / (10 + 30 * 9 + 1))
    assert evidence.money.per_case.value == pytest.approx(100 / (10 + 30 * 9 + 1))
