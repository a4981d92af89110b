"""Edits that wake the rules about claims and limits."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

MUTATIONS = [
    Mutation("SW951", "loan", {"limits.0.evidence": DELETED}, says="names no gate"),
    Mutation("SW951", "loan", {"limits.0.evidence": "g_costs"}, says="'g_costs'"),
    Mutation("SW952", "loan", facts={"runs.met": {"g_cost": False}}, says="g_cost"),
    Mutation("SW953", "loan", {"limits.0.does_not": DELETED}),
]
