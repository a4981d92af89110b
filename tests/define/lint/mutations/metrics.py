"""SW20x."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

MUTATIONS = [
    Mutation(
        "SW201",
        "loan",
        {"metrics.approval_hours.pairs": DELETED, "metrics.default_rate.pairs": "expected_cost"},
        id="approval_hours",
    ),
    Mutation("SW201", "loan", {"metrics.default_rate.pairs": "happiness"}, says="happiness"),
    Mutation("SW202", "loan", {"metrics.approval_hours.pairs": "precision"}, id="expected_cost"),
    Mutation("SW203", "support", {"metrics.resolved.role": "diagnostic"}, says="no offline metric"),
    Mutation("SW203", "loan", {"metrics.precision.role": "primary"}, says="expected_cost and precision"),
    Mutation(
        "SW204",
        "support",
        {"slices": DELETED, "gates.g_latency": DELETED},
        says="none of 9 gates",
    ),
    Mutation(
        "SW205",
        "minimum",
        {"gates.g_recall.rule": "accuracy >= 80%", "gates.g_false_alarms.blocking": False},
        {"golden.positives": 0.1},
        id="g_recall",
        says="10% of the cases",
    ),
    Mutation("SW206", "support", {"budgets": DELETED, "gates.g_latency": DELETED}),
    Mutation("SW207", "support", {"gates.g_latency.rule": "latency_p50_ms <= 4000"}, id="g_latency"),
    Mutation("SW207", "loan", {"budgets.latency_p99_ms": DELETED, "budgets.latency_p50_ms": 80}),
    Mutation("SW208", "loan", {"metrics.default_rate.proxy": DELETED}, id="default_rate", says="365d"),
    Mutation("SW209", "support", {"metrics.tone.what": "friendliness, 1-5"}, id="tone"),
    Mutation(
        "SW209", "support", {"metrics.+": {"id": "overall_quality", "what": "how good it is on a scale"}}
    ),
    Mutation("SW210", "support", {"metrics.cites.scorer": "rouge_l"}, id="g_cites"),
]
