"""Edits that wake the rules about the rubric and the judges."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

MUTATIONS = [
    Mutation(
        "SW321",
        "support",
        {"judges.resolved.labels": DELETED, "judges.resolved.labels_planned": DELETED},
        facts={"labels.resolved": DELETED},
        id="resolved",
        says="g_good",
    ),
    Mutation(
        "SW321",
        "support",
        {
            "metrics.+": {"id": "polite", "scorer": "judge:polite@2"},
            "gates.+": {
                "id": "g_polite",
                "rule": "polite >= 80%",
                "owner": "ml-lead",
                "why": "they complain",
            },
        },
        id="polite",
        says="g_polite",
    ),
    Mutation("SW322", "support", facts={"labels.grounded": 59}, id="grounded", says="59 labels"),
    Mutation("SW322", "support", facts={"labels.grounded": 99}, id="grounded", says="better 100"),
    Mutation(
        "SW322",
        "support",
        {"judges.tone.labels_planned": 40},
        facts={"labels.tone": DELETED},
        id="tone",
        says="40 planned",
    ),
    Mutation(
        "SW323",
        "support",
        {"rubric.tone.passes_if": "the tone is good, on a scale from 1 to 5"},
        id="tone",
        says="scale",
    ),
    Mutation(
        "SW324",
        "support",
        {"judges.tone.min_tpr": 0.7, "judges.tone.min_tnr": 0.6},
        id="tone",
        says="30 points better than chance",
    ),
    Mutation(
        "SW325",
        "support",
        {"judges.tone.model": "vendor:model-x-2026-01"},
        id="tone",
        says="the candidate itself",
    ),
    Mutation(
        "SW325", "support", {"judges.tone.model": "vendor:judge-latest"}, id="tone", says="names no version"
    ),
    Mutation("SW325", "support", {"judges.tone.model": DELETED}, id="tone", says="which model"),
    Mutation(
        "SW326",
        "support",
        {"rubric.tone.passes_if": "friendly, in at most 120 words"},
        id="tone",
        says="at most 120 words",
    ),
    Mutation("SW327", "support", {"judges.tone.second_rater": DELETED}, id="tone"),
    Mutation("SW328", "support", {"rubric.tone.examples": "golden/support.jsonl"}, id="tone"),
    Mutation(
        "SW328",
        "support",
        {"rubric.tone.examples": "rubric/tone.jsonl"},
        facts={"golden.shared_with_training.`rubric/tone.jsonl`": 3},
        id="tone",
    ),
]
