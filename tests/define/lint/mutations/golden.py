"""Edits that wake the rules about the test set, and whether gates can be proved on it."""

from __future__ import annotations

from datetime import date

from shipworthy.define.lint.facts import Unknown

from ..mutating import DELETED, Mutation

NO_SET = {"golden": Unknown("there is no golden set yet")}
GOOD = "gates.g_good"

MUTATIONS = [
    Mutation(
        "SW301",
        "support",
        {"gates.g_safe.rule": "safe[stratum = adversarial] >= 99.9%"},
        id="g_safe",
        says="2,995",
    ),
    Mutation(
        "SW301",
        "support",
        facts={"golden.strata.adversarial": 298},
        id="g_safe",
        says="needs 299 even when not one of them fails; the strictest bar that 298 can prove is >= 98.99%",
    ),
    Mutation(
        "SW301",
        "support",
        {"gates.g_tool.rule": "tool_right[stratum = tool_use] >= 95%", "gates.g_tool.expect": DELETED},
        facts={"golden.strata.tool_use": 58},
        id="g_tool",
        says="needs 59",
    ),
    Mutation(
        "SW301",
        "support",
        {"golden.strata.adversarial": 200},
        facts=NO_SET,
        id="g_safe",
        says="the promised 200 cases",
    ),
    Mutation("SW301", "support", facts={"runs.design_effects.g_safe": 4.0}, id="g_safe", says="1,196"),
    Mutation(
        "SW302",
        "support",
        {f"{GOOD}.expect": 0.83, "golden.strata.representative": 500},
        facts={"golden.strata.representative": 500},
        id="g_good",
        says="416 or more of 500 cases (83.2%, 3.2 points above the bar)",
    ),
    Mutation(
        "SW302",
        "support",
        {f"{GOOD}.expect": 0.83},
        id="g_good",
        says="517 cases give an even chance, 1,107 give 80%",
    ),
    Mutation(
        "SW302",
        "support",
        {f"{GOOD}.rule": "resolved >= 92%", f"{GOOD}.expect": 0.93},
        facts={"golden.strata.representative": 500},
        id="g_good",
        says="471 or more of 500 cases",
    ),
    Mutation("SW302", "support", {f"{GOOD}.expect": 0.79}, id="g_good", says="no set proves it"),
    Mutation(
        "SW302",
        "support",
        {"gates.g_tool.expect": DELETED},
        facts={"golden.strata.tool_use": 100},
        id="g_tool",
        says="99 or more of 100 cases",
    ),
    Mutation(
        "SW302",
        "support",
        {
            "gates.g_cites": {
                "id": "g_cites",
                "rule": "cites >= 98%",
                "owner": "product-lead",
                "why": "agents check",
            }
        },
        facts={"golden.strata.representative": 500},
        id="g_cites",
        says="496 or more of 500 cases",
    ),
    Mutation(
        "SW302",
        "support",
        {"gates.g_safe.expect": DELETED},
        facts={"golden.strata.adversarial": 300},
        id="g_safe",
        says="300 or more of 300 cases",
    ),
    Mutation(
        "SW303", "support", facts={"golden.strata.adversarial": 0}, id="privacy_leak", says="adversarial"
    ),
    Mutation("SW303", "support", facts={"golden.strata.non_english": 0}, id="g_language"),
    Mutation("SW303", "support", {"golden.strata.adversarial": 0}, facts=NO_SET, id="privacy_leak"),
    Mutation(
        "SW304",
        "support",
        {"gates.g_tone.rule": "delta(tone, live) > -2pt"},
        facts={"golden.strata.representative": 500},
        id="g_tone",
        says="detect 3.5 points; 2 points take about 1,600 cases",
    ),
    Mutation(
        "SW304", "loan", {"gates.g_harmless.rule": "delta(accuracy, live) > -1pt"}, id="g_harmless", says="at"
    ),
    Mutation("SW304", "loan", facts={"runs.design_effects.g_harmless": 5.0}, id="g_harmless"),
    Mutation("SW305", "loan", {"golden.version": DELETED}, says="golden/loan.parquet"),
    Mutation("SW306", "loan", facts={"runs.first_candidate": date(2026, 1, 4)}, says="2026-01-05"),
    Mutation(
        "SW307", "support", facts={"golden.shared_with_training.`train/tickets.jsonl`": 7}, says="7 of 2,440"
    ),
    Mutation(
        "SW308",
        "support",
        {
            "golden.strata.failure_replay": DELETED,
            "golden.strata.replays": 40,
            "golden.sampled.failure_replay": DELETED,
            "gates.g_replay.rule": "failures[stratum = replays] <= 0",
            "failure_modes.stale_kb.cases": "replays",
        },
        facts={
            "golden.sampled": {"random": 2440},
            "golden.strata.failure_replay": DELETED,
            "golden.strata.replays": 40,
        },
        says="'incident'",
    ),
    Mutation(
        "SW308",
        "loan",
        {
            "golden.sampled.failure_replay": "curated",
            "golden.strata.failure_replay": DELETED,
            "golden.strata.repeats": 40,
            "gates.g_replay.rule": "failures[stratum = repeats] <= 0",
            "failure_modes.repeat_of_incident.cases": "repeats",
        },
        facts={"golden.strata.failure_replay": DELETED, "golden.strata.repeats": 40},
        says="40 golden cases",
    ),
    Mutation(
        "SW309",
        "support",
        facts={"golden.provenance": {"real": 1000, "synthetic": 1440}},
        says="1,440 of 2,440",
    ),
    Mutation(
        "SW310",
        "support",
        {"golden.created": "2025-09-01", "golden.refreshed": "2025-10-01"},
        says="116 days ago",
    ),
    Mutation("SW310", "loan", {"expect.tax-refund season.on": "2026-01-20"}, says="tax-refund season"),
    Mutation("SW311", "support", {"golden.repeats": 1}, says="temperature 0.2"),
    Mutation("SW312", "loan", {"golden.holdout": "random"}, says="365d"),
    Mutation("SW312", "support", facts={"golden.clusters": 900}, says="groups"),
    Mutation("SW312", "support", {"golden.columns": {"time": "asked_at"}}, says="asked_at"),
    Mutation(
        "SW313",
        "support",
        {
            "context.inputs": ["text", "image"],
            "failure_modes.+": {
                "id": "visual_artefact",
                "severity": "minor",
                "accepted": "shown with the text",
                "owner": "ml-lead",
            },
        },
        id="multimodal",
        says="image",
    ),
    Mutation(
        "SW313",
        "support",
        {
            "context.envelope.must_not": DELETED,
            "golden.strata.adversarial": DELETED,
            "golden.sampled.attacks": "random",
            "golden.strata.attacks": 900,
            "gates.g_safe.rule": "safe[stratum = attacks] >= 99%",
            "failure_modes.privacy_leak.cases": "attacks",
            "failure_modes.prompt_injection.cases": "attacks",
            "launch.red_team.cases": "attacks",
        },
        facts={"golden.strata.adversarial": DELETED, "golden.strata.attacks": 900},
        id="adversarial",
    ),
]
