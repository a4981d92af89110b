"""Edits that wake the rules about data: sources, training window, labels, lineage, feedback."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

MUTATIONS = [
    Mutation("SW701", "support", {"data.sources.kb.version": DELETED}, id="kb", says="no version"),
    Mutation("SW701", "support", {"data.sources.kb.owner": DELETED}, id="kb", says="no owner"),
    Mutation("SW702", "support", {"data.sources.kb.fresh_within": DELETED}, id="kb"),
    Mutation(
        "SW703",
        "loan",
        {
            "data.training_window.days": "weekdays",
            "failure_modes.+": {
                "id": "missing_window",
                "severity": "minor",
                "accepted": "few apply on Sundays",
                "owner": "ml-lead",
            },
        },
        id="weekends",
    ),
    Mutation(
        "SW703",
        "loan",
        {"data.training_window.excluded": [{"what": "branch"}]},
        id="branch",
        says="50% of traffic",
    ),
    Mutation("SW704", "loan", {"data.labels.definition": DELETED}),
    Mutation("SW704", "loan", {"data.labels.matures_after": DELETED}),
    Mutation("SW705", "loan", {"data.labels.noise_audit": DELETED}),
    Mutation("SW706", "loan", {"data.lineage": DELETED}),
    Mutation(
        "SW706",
        "loan",
        {"data.lineage.income_ratio.from": ["bureau", "cashflo"]},
        id="income_ratio",
        says="'cashflo'",
    ),
    Mutation(
        "SW706",
        "loan",
        {"data.lineage.+": {"id": "register", "kind": "source", "owner": "data-lead"}},
        id="register",
    ),
    Mutation(
        "SW707",
        "loan",
        {
            "data.sources.bureau.mode": "batch",
            "monitors.m_parity.series": "feature_gap",
            "monitors.m_parity.id": "m_paths",
            "failure_modes.training_serving_skew.monitor": "m_paths",
            "learning.retrain.stop": ["m_labels", "m_paths"],
        },
        says="bureau",
    ),
    Mutation(
        "SW708",
        "support",
        {"data.sources.tickets.isolation": DELETED, "failure_modes.prompt_injection.id": "other"},
        id="tickets",
    ),
    Mutation(
        "SW709",
        "support",
        {"learning.feedback.thumbs down.to": "training", "learning.feedback.thumbs down.review": "none"},
        id="thumbs down",
    ),
    Mutation("SW710", "loan", {"routing.explore": 0}),
]
