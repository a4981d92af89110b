"""Edits that wake the rules about the table of failure modes."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

MUTATIONS = [
    Mutation("SW401", "loan", {"failure_modes.false_approval.cases": DELETED}, id="false_approval"),
    Mutation("SW402", "loan", {"failure_modes.unequal_declines.gate": DELETED}, id="unequal_declines"),
    Mutation(
        "SW402",
        "loan",
        {"failure_modes.policy_broken.gate": DELETED, "failure_modes.policy_broken.severity": "blocker"},
        id="policy_broken",
    ),
    Mutation(
        "SW403",
        "loan",
        {"failure_modes.unequal_declines.mitigation": ["disclaimer under the form", "help notice"]},
        id="unequal_declines",
    ),
    Mutation(
        "SW404",
        "loan",
        {"failure_modes.policy_broken.mitigation": DELETED},
        id="policy_broken",
        says="left as it is",
    ),
    Mutation("SW404", "loan", {"failure_modes.gaming.accepted": "-"}, id="gaming", says="without a reason"),
    Mutation(
        "SW405",
        "loan",
        {"failure_modes.false_approval.monitor": DELETED},
        id="false_approval",
        says="no monitor",
    ),
    Mutation(
        "SW405",
        "loan",
        {"failure_modes.false_approval.monitor": "m_delinquent"},
        id="false_approval",
        says="does not exist",
    ),
    Mutation(
        "SW406",
        "loan",
        {
            "failure_modes.gaming.dismissed": "applicants never see why",
            "failure_modes.false_approval": DELETED,
            "expect.tax-refund season.hits": ["gaming"],
        },
        says="Only 5",
    ),
    Mutation("SW407", "loan", {"failure_modes.gaming.id": "other"}, id="gaming"),
    Mutation("SW407", "loan", {"failure_modes.stale_features.id": "other"}, id="data_staleness"),
    Mutation("SW407", "loan", {"failure_modes.unequal_declines.id": "other"}, id="unequal_flag_rates"),
    Mutation(
        "SW407",
        "loan",
        {"failure_modes.training_serving_skew.id": "other", "data.sources.bureau.mode": "batch"},
        id="training_serving_skew",
    ),
    Mutation("SW407", "support", {"failure_modes.prompt_injection.id": "other"}, id="prompt_injection"),
    Mutation("SW407", "support", {"failure_modes.wrong_tool_call.id": "other"}, id="wrong_tool_call"),
    Mutation("SW407", "support", {"failure_modes.non_english_misfire.id": "other"}, id="non_english_misfire"),
    Mutation("SW407", "loan", {"routing.override_audit.seeded_errors": DELETED}, id="over_trust"),
    Mutation(
        "SW408",
        "support",
        {"context.tools.issue_refund.limit": DELETED, "context.tools.issue_refund.approval": DELETED},
        id="issue_refund",
    ),
    Mutation(
        "SW409",
        "support",
        {
            "golden.strata.adversarial": DELETED,
            "golden.sampled.attacks": "random",
            "golden.strata.attacks": 900,
            "gates.g_safe.rule": "safe[stratum = attacks] >= 99%",
            "failure_modes.privacy_leak.cases": "attacks",
            "failure_modes.prompt_injection.cases": "attacks",
            "launch.red_team.cases": "attacks",
        },
        facts={"golden.strata.adversarial": DELETED, "golden.strata.attacks": 900},
        says="give legal advice",
    ),
    Mutation(
        "SW410", "support", {"failure_modes.hallucination.detect": "judge:grounded@5"}, id="hallucination"
    ),
    Mutation(
        "SW410",
        "support",
        {"failure_modes.fabricated_citation.detect": "code:citation"},
        id="fabricated_citation",
    ),
]
