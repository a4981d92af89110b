"""Scores are ranked exactly, in a further pass, where what their bins leave open could change an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from making import make_rows
from shipworthy.api.product import Product
from shipworthy.define.rules import parse_rule
from shipworthy.evidence import frame as frames
from shipworthy.evidence.estimating import Measured
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.gates.settling import exact_asks, measure_settled
from shipworthy.evidence.metric import bind
from shipworthy.records import Decision, GateResult
from shipworthy.tables.scans import scans_listed
from shipworthy.tables.totals import WHOLE, Ask, Split, read_totals

Rows = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def few_bins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bin scores already where rows are few, in bins wide enough to leave much open."""
    monkeypatch.setattr(frames, "EXACT_ROWS", 100)
    monkeypatch.setattr(frames, "FINE_BINS", 10)


def scored_rows(n: int = 400, seed: int = 2, skill: float = 1.4, **more: Callable[[int], Any]) -> Rows:
    """Return rows of a classifier with scores of three places, so that some are tied."""
    rng = np.random.default_rng(seed)
    label = rng.random(n) < 0.4
    score = np.round(1 / (1 + np.exp(-(skill * (label - 0.5) + rng.normal(0, 1, n)))), 3)
    return [
        {
            "case_id": f"c{at:05d}",
            "label": "yes" if label[at] else "no",
            "prediction": "yes" if score[at] > 0.5 else "no",
            "predicted_score": float(score[at]),
        }
        | {name: value(at) for name, value in more.items()}
        for at in range(n)
    ]


def exact(connection: Any, rows: Rows, name: str = "auc", split: Split = WHOLE, code: int = 0) -> Measured:
    """Return a metric by its exact pass."""
    profile = make_rows(connection, "rows", rows, positive=("yes",))
    metric = bind(parse_rule(f"{name} >= 0").left, Frame(profile, "classifier"))
    ask, groups = Ask(metric.total, split), profile.groups if profile.clustered else 1
    weight = profile.mean_weight if profile.weighted else None
    answers = read_totals(connection, "rows", [ask], groups, weight)
    answers |= read_totals(connection, "rows", exact_asks((metric,), split), mean_weight=weight)
    return measure_settled(metric, answers, ask, code, profile)


def label_and_score(rows: Rows) -> tuple[Any, Any]:
    return np.array([row["label"] == "yes" for row in rows]), np.array(
        [row["predicted_score"] for row in rows]
    )


def delong_error(label: Any, score: Any) -> float:
    """Return DeLong's standard error from its definition: every positive against every negative."""
    first, second = score[label], score[~label]
    wins = (first[:, None] > second) + 0.5 * (first[:, None] == second)
    return float(np.sqrt(wins.mean(1).var(ddof=1) / first.size + wins.mean(0).var(ddof=1) / second.size))


def test_area_and_error_are_those_of_every_pair(connection: Any) -> None:
    rows = scored_rows()
    label, score = label_and_score(rows)
    found = exact(connection, rows)
    assert found.confidence.value == pytest.approx(roc_auc_score(label, score), abs=1e-12)
    assert found.confidence.standard_error == pytest.approx(delong_error(label, score), rel=1e-9)
    assert found.blur == 0.0
    assert len(np.unique(score)) < len(score)


def test_average_precision_is_that_of_sklearn(connection: Any) -> None:
    rows = scored_rows()
    found = exact(connection, rows, "average_precision")
    assert found.confidence.value == pytest.approx(average_precision_score(*label_and_score(rows)), abs=1e-12)
    assert found.blur == 0.0


def test_rows_without_a_score_or_a_label_are_left_out(connection: Any) -> None:
    rows = scored_rows()
    expected = roc_auc_score(*label_and_score(rows[20:]))
    for at, row in enumerate(rows[:20]):
        row["predicted_score" if at % 2 else "label"] = None
    assert exact(connection, rows).confidence.value == pytest.approx(expected, abs=1e-12)


def test_populations_are_ranked_apart(connection: Any) -> None:
    rows = scored_rows(plan=lambda at: "pro" if at % 3 else "free")
    split = Split("plan", "CASE WHEN plan = 'pro' THEN 1 ELSE 0 END", ("free", "pro"))
    for code, plan in enumerate(split.labels):
        inside = [row for row in rows if row["plan"] == plan]
        found = exact(connection, rows, split=split, code=code)
        assert found.confidence.value == pytest.approx(roc_auc_score(*label_and_score(inside)), abs=1e-12)


def test_weights_count_as_so_many_rows_and_widen_the_interval(connection: Any) -> None:
    rows = scored_rows(weight=lambda at: 1 + at % 3)
    weights = np.array([row["weight"] for row in rows])
    found = exact(connection, rows)
    expected = roc_auc_score(*label_and_score(rows), sample_weight=weights)
    assert found.confidence.value == pytest.approx(expected, abs=1e-12)
    plain = exact(connection, scored_rows())
    assert found.confidence.standard_error > plain.confidence.standard_error


def test_clusters_widen_it_as_much_as_in_bins(connection: Any) -> None:
    rows = [
        row | {"case_id": f"{row['case_id']}.{copy}", "cluster_id": row["case_id"]}
        for row in scored_rows(300)
        for copy in range(4)
    ]
    plain = exact(connection, scored_rows(300))
    found = exact(connection, rows)
    assert found.confidence.value == pytest.approx(plain.confidence.value, abs=1e-12)
    # Four copies of a case say what one says.
    assert found.confidence.standard_error == pytest.approx(plain.confidence.standard_error, rel=0.25)


def test_a_class_named_with_braces_is_a_name(connection: Any) -> None:
    named = {"yes": "{where}", "no": "no"}
    rows = [
        row | {"label": named[row["label"]], "prediction": named[row["prediction"]]} for row in scored_rows()
    ]
    profile = make_rows(connection, "rows", rows, positive=("{where}",))
    metric = bind(parse_rule("auc >= 0").left, Frame(profile, "classifier"))
    (ask,) = exact_asks((metric,), WHOLE)
    totals = [float(part.sum()) for part in read_totals(connection, "rows", [ask])[ask].at(0)[1]]
    assert totals[0] == sum(row["label"] == "{where}" for row in rows)


# -- in a decision -------------------------------------------------------------------------------------------


def decided(
    product: Callable[..., Product], gate: str, rows: Rows, **spec: Any
) -> tuple[Decision, list[str]]:
    """Return a decision on rows, and what its scans served."""
    golden = [
        {name: row[name] for name in row if name not in ("prediction", "predicted_score")} for row in rows
    ]
    answers = [{name: row[name] for name in ("case_id", "prediction", "predicted_score")} for row in rows]
    made = product(
        {"golden.jsonl": golden, "answers.jsonl": answers},
        **{
            "golden": {"path": "golden.jsonl", "sampled": "random", "positive": ["yes"]},
            "systems": {"candidate": {"recorded": "answers.jsonl"}},
            "gates": [gate],
        }
        | spec,
    )
    with scans_listed() as scans:
        decision = made.decide().decision
    return decision, [scan.serves for scan in scans]


def only_gate(decision: Decision) -> GateResult:
    (gate,) = decision.gates
    return gate


def bars_between(connection: Any, rows: Rows) -> tuple[float, float]:
    """Return a bar that bins cannot prove and exact ranks do, and one that neither comes near."""
    found = exact(connection, rows)
    lower = found.bound("lower", 0.95)
    return lower - 0.002, lower - 0.3


def test_what_bins_leave_open_is_settled_by_exact_ranks(
    connection: Any, product: Callable[..., Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = scored_rows(2000)
    near, _far = bars_between(connection, rows)
    settled, scans = decided(product, f"auc >= {near:.4f}", rows)
    assert scans.count("exact ranks") == 1
    assert str(only_gate(settled).status) == "met"
    assert only_gate(settled).evidence.blur == 0.0
    assert any("ranked every score exactly" in note for note in only_gate(settled).evidence.notes)
    monkeypatch.setattr("shipworthy.evidence.measuring.unsettled", lambda _plans, _answers: {})
    # Another bar, because a decision on the same evidence is looked up, not made again.
    binned, scans = decided(product, f"auc >= {near - 0.0001:.4f}", rows)
    assert "exact ranks" not in scans
    assert str(only_gate(binned).status) == "not_proven"
    assert only_gate(binned).evidence.blur > 0.002


def test_no_pass_is_spent_where_it_could_not_change_the_answer(
    connection: Any, product: Callable[..., Product]
) -> None:
    rows = scored_rows(2000)
    _near, far = bars_between(connection, rows)
    decision, scans = decided(product, f"auc >= {far:.4f}", rows)
    assert str(only_gate(decision).status) == "met"
    assert "exact ranks" not in scans


def test_few_scores_are_exact_without_it(
    connection: Any, product: Callable[..., Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = scored_rows(2000)
    near, _far = bars_between(connection, rows)
    monkeypatch.setattr(frames, "EXACT_ROWS", 1_000_000)
    decision, scans = decided(product, f"auc >= {near:.4f}", rows)
    assert str(only_gate(decision).status) == "met"
    assert "exact ranks" not in scans


@pytest.mark.parametrize(
    "rule", ["delta(auc, live)", "worst(auc, plan)", "gap(auc, plan)", "ratio(auc, plan)", "TWO"]
)
def test_every_form_of_rule_is_settled(
    product: Callable[..., Product], monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    rows = scored_rows(1500, plan=lambda at: "pro" if at % 3 else "free")
    live = [
        {name: row[name] for name in ("case_id", "prediction", "predicted_score")}
        for row in scored_rows(1500, seed=2, skill=1.2)
    ]

    def gate_on(bar: float) -> tuple[Any, list[str]]:
        gate = f"{rule} >= {bar:.5f}"
        if rule.startswith("gap"):
            gate = f"{rule} <= {bar:.5f}"
        if rule == "TWO":
            gate = f"auc[plan = pro] >= auc[plan = free] {'-' if bar < 0 else '+'} {abs(bar):.5f}"
        systems = {"candidate": {"recorded": "answers.jsonl"}, "live": {"recorded": "live.jsonl"}}
        product({"live.jsonl": live})
        decision, scans = decided(product, gate, rows, systems=systems, slices=["plan"])
        return only_gate(decision).evidence, scans

    monkeypatch.setattr("shipworthy.evidence.gates.settling.could_change", lambda evidence: evidence.blur > 0)
    sharp, scans = gate_on(0.1)
    assert scans.count("exact ranks") == 1
    assert sharp.blur == 0.0
    monkeypatch.setattr("shipworthy.evidence.gates.settling.could_change", lambda _evidence: False)
    # Another bar, because a decision on the same evidence is looked up, not made again.
    binned, _scans = gate_on(0.1001)
    assert binned.blur > 0
    assert sharp.estimate.value == pytest.approx(binned.estimate.value, abs=binned.blur)
    if sharp.lower is not None and binned.lower is not None:
        assert binned.lower < sharp.lower < binned.lower + 2.5 * binned.blur
    if sharp.upper is not None and binned.upper is not None:
        assert binned.upper - 2.5 * binned.blur < sharp.upper < binned.upper
