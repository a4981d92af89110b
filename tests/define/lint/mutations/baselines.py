"""SW52x."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

MUTATIONS = [
    Mutation("SW521", "loan", {"systems.baselines": DELETED, "gates.g_baseline": DELETED}),
    Mutation(
        "SW522", "support", {"systems.baselines": {"small": {"type": "llm", "model": "vendor:small-2026-01"}}}
    ),
    Mutation("SW525", "support", {"systems.candidate.model": "vendor:assistant-latest"}, id="candidate"),
    Mutation("SW523", "support", {"gates.g_tone.rule": "tone >= 80%"}),
    Mutation("SW524", "loan", {"learning.retrain.gate": ["g_cost", "g_fair"]}, id="g_flips"),
]
