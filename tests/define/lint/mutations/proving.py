"""SW53x."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

BY_HAND = {"representative": "curated", "boundary": "curated", "failure_replay": "incident"}

MUTATIONS = [
    Mutation("SW531", "loan", {"golden.sampled": BY_HAND}, says="their cases are curated"),
    Mutation("SW532", "minimum", {"gates.g_recall.on": DELETED}, id="g_recall", says="mail, chat"),
    Mutation("SW533", "loan", {}, {"runs.candidates": 5}, says="23%"),
    Mutation("SW533", "loan", {}, {"runs.looks": {"g_good": 2}}, id="g_good", says="3 times"),
    Mutation("SW534", "support", {"golden.sampled.tool_use": "curated"}, id="g_tool"),
    Mutation(
        "SW534", "loan", {"gates.g_boundary.rule": "failures[stratum = boundary] <= 3"}, id="g_boundary"
    ),
    Mutation(
        "SW535", "support", {"gates.g_good.expect": 0.852, "gates.g_turns.expect": 0.82}, says="72%: 2,684"
    ),
]
