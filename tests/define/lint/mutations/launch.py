"""Edits that wake the rules about launch, rollback, fallback and monitors."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

MUTATIONS = [
    Mutation(
        "SW801",
        "loan",
        {"launch.rollback.triggers": ["m_delinquency", "m_fair", "m_late"]},
        id="m_late",
        says="m_late",
    ),
    Mutation("SW802", "loan", {"launch.rollback": DELETED}),
    Mutation("SW802", "loan", {"launch.rollback.to": "models:loan/3.2.0"}, says="the candidate"),
    Mutation("SW802", "support", {"launch.rollback.to": "prompts/support@41"}, says="the prompt in use"),
    Mutation("SW803", "support", {"launch.rollback.within": "61m"}, says="61m"),
    Mutation("SW803", "loan", {"launch.rollback.last_drill": DELETED}),
    Mutation("SW803", "loan", {"launch.rollback.last_drill": "2025-10-26"}, says="91 days ago"),
    Mutation("SW804", "loan", {"launch.fallback": DELETED}),
    Mutation("SW805", "support", {"launch.feedback": DELETED}),
    Mutation("SW806", "support", {"launch.red_team": DELETED}),
    Mutation("SW806", "support", {"launch.red_team.candidate": "1.3.2"}, says="1.3.2"),
    Mutation("SW806", "support", {"launch.red_team.on": "2026-01-09"}, says="before the candidate"),
    Mutation("SW807", "loan", {"launch.stages.1.percent": 2}, says="12 times"),
    Mutation(
        "SW807",
        "support",
        {"launch.stages": [{"percent": 30, "for": "28d"}, {"percent": 100}]},
        says="30% of traffic at once",
    ),
    Mutation(
        "SW808",
        "loan",
        {
            "launch.stages.2.for": "6d",
            "metrics.default_rate.delay": DELETED,
            "metrics.early_delinquency.delay": DELETED,
        },
        says="m_fair fires after 7d",
    ),
    Mutation(
        "SW809", "loan", {"launch.experiment.mde": 0.4}, id="approval_hours", says="6,280 cases in each half"
    ),
    Mutation(
        "SW809",
        "support",
        {
            "launch.experiment": {
                "primary": "acceptance",
                "protected": ["handle_minutes"],
                "mde": 0.01,
                "baseline": 0.5,
                "percent": 10,
                "for": "14d",
            }
        },
        id="acceptance",
        says="39,237 cases in each half",
    ),
    Mutation("SW810", "support", {"budgets.monthly": 1000}, says="1,200 USD"),
    Mutation("SW811", "loan", {"monitors.m_drift.do": DELETED}, id="m_drift", says="no action"),
    Mutation("SW811", "loan", {"monitors.m_drift.owner": DELETED}, id="m_drift", says="no owner"),
    Mutation("SW812", "support", {"monitors.m_language.on": DELETED}, says="m_leak"),
    Mutation("SW814", "support", {"launch.fallback.needs": ["provider"]}, id="provider"),
    Mutation("SW814", "loan", {"launch.fallback.needs": ["models:loan/3.2.0"]}, says="model_unavailable"),
]
