"""Edits that wake the rules about learning and expected events."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

MUTATIONS = [
    Mutation("SW901", "loan", {"learning.retrain": DELETED}),
    Mutation("SW901", "loan", {"learning.retrain.trigger": DELETED}, id="trigger"),
    Mutation("SW901", "loan", {"learning.retrain.gate": DELETED}, id="gate"),
    Mutation("SW901", "loan", {"learning.retrain.gate": ["g_cost", "g_flips", "g_costs"]}, id="g_costs"),
    Mutation("SW902", "loan", {"learning.retrain.stop": DELETED}),
    Mutation("SW903", "loan", {"learning.retrain.trigger": ["m_drift"]}, says="m_drift"),
    Mutation("SW904", "loan", {"expect": []}),
    Mutation("SW904", "support", {"expect.0.what": "the price list changes"}, says="vendor:model-x-2026-01"),
    Mutation("SW905", "loan", {"expect.0.hits": ["covariate_drift"]}, id="covariate_drift"),
]
