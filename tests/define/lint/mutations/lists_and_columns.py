"""Edits that wake the rules about lists without a gate, and about what the golden set's file lacks."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

#: The columns of the minimum without the one that names strata.
PLAIN = ("case_id", "label")

MUTATIONS = [
    Mutation("SW314", "support", {"golden.sampled.ambiguous": "curated", "golden.strata.ambiguous": 80}),
    Mutation(
        "SW314",
        "loan",
        {"gates.g_boundary.rule": "failures[stratum = failure_replay] <= 0"},
        id="boundary",
        says="its 60 cases may fail",
    ),
    Mutation(
        "SW314",
        "minimum",
        facts={"golden.strata.odd": 1, "golden.sampled_by_stratum": {"odd": {"incident": 1}}},
        id="odd",
        says="its case may fail",
    ),
    Mutation(
        "SW315",
        "minimum",
        facts={"golden.strata": {}, "golden.columns": PLAIN},
        says="it has case_id, label",
    ),
    Mutation(
        "SW315",
        "minimum",
        {"golden.strata": DELETED},
        facts={"golden.strata": {}, "golden.columns": PLAIN},
        says="The gate recall >= 80% is about a stratum",
    ),
    Mutation("SW316", "loan", facts={"golden.version": "sha256:0000"}, says="sha256:0000"),
    Mutation(
        "SW317",
        "minimum",
        {"golden.positive": DELETED},
        facts={"golden.classes": {"usual": 900, "urgent": 100}},
        id="g_recall",
        says="labels: usual, urgent",
    ),
    Mutation(
        "SW318",
        "loan",
        {"systems.live.recorded": "recorded/live.csv"},
        facts={"answers": {"live": ("case_id", "predicted_score")}},
        id="live",
        says="has no `threshold`, and the gate",
    ),
]
