"""SW50x."""

from __future__ import annotations

from datetime import date

from ..mutating import DELETED, Mutation

#: "Below 0.6 a person looks, from 0.95 on it is approved": what happens in between nobody said.
SENTENCE = [
    {"to": 0.6, "action": "full_review", "by": "person"},
    {"from": 0.95, "to": 1, "action": "auto_approve"},
]
WAIVER = {"owner": "model-risk-lead", "reason": "until the next model", "expires": date(2026, 3, 1)}

MUTATIONS = [
    Mutation("SW501", "loan", {"routing.bands": SENTENCE}, says="from 0.6 to 0.95"),
    Mutation("SW501", "loan", {"routing.bands.streamlined_review.from": 0.5}, says="0.5 to 0.6 are in two"),
    Mutation("SW501", "loan", {"routing.bands.auto_approve.to": 0.99}, says="from 0.99 to 1"),
    Mutation("SW502", "loan", {"routing.owner": "ml"}, says="the bands belong to ml"),
    Mutation("SW502", "support", {"routing.owner": DELETED}, says="to nobody"),
    Mutation("SW503", "loan", {"routing.bands.1.to": 0.7}, id="streamlined_review", says="least at 0.93"),
    Mutation("SW503", "loan", {"costs.review": 100}, says="least at 0.70"),
    Mutation("SW504", "loan", {}, {"runs.band_shares": (0.6, 0.5, 0.4)}, says="330 looks"),
    Mutation(
        "SW505",
        "loan",
        {"routing.bands.0.by": "fallback", "launch.comms.adverse_reasons": DELETED},
        id="full_review",
    ),
    Mutation("SW506", "loan", {"gates.g_good.rule": "recal >= 80%"}, id="g_good", says="recal"),
    Mutation(
        "SW506",
        "support",
        {"gates.g_language.rule": "resolved[country = de] >= 75%"},
        id="g_language",
        says="country",
    ),
    Mutation("SW506", "loan", {"slices": ["channel", "regoin"]}, id="regoin"),
    Mutation("SW508", "loan", {"gates.g_good.rule": "recall >= 0"}, id="g_good", says="can never fail"),
    Mutation(
        "SW508",
        "support",
        {"gates.g_cites.rule": "cites >= 100%", "gates.g_cites.expect": DELETED},
        id="g_cites",
        says="can never pass",
    ),
    Mutation(
        "SW509",
        "support",
        {
            "gates.+": {"rule": "failed_share <= 5%", "id": "one", "expect": 0.01},
            "gates.g_latency.rule": "latency_p95_ms <= 4000",
            "gates.++": {"rule": "latency_p99_ms <= 9000", "id": "two"},
        },
        says="11 gates block at 95%",
    ),
    Mutation(
        "SW510",
        "loan",
        {"gates.g_precision.waiver": {**WAIVER, "reason": "TBD"}},
        id="g_precision",
        says="no reason",
    ),
    Mutation(
        "SW510",
        "loan",
        {"gates.g_precision.waiver": {**WAIVER, "expires": date(2026, 1, 20)}},
        says="ended on 2026-01-20",
    ),
    Mutation("SW511", "loan", {}, {"runs.live_values": {"g_precision": 0.81}}, id="g_precision", says="0.81"),
]
