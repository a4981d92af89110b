"""SW60x."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

CLAIM = {"claim": "Robust for all languages", "evidence": "g_good", "does_not": "advise"}

MUTATIONS = [
    Mutation("SW601", "loan", {"costs.by_group": DELETED}),
    Mutation("SW602", "loan", {"groups": DELETED}),
    Mutation(
        "SW602",
        "loan",
        {"gates.g_fair.rule": "ratio(selection_rate, region) >= 80%", "gates.g_fair_errors.blocking": False},
        says="no blocking gate compares age_62_plus, thin_file",
    ),
    Mutation(
        "SW603",
        "loan",
        {},
        {"golden.by_stratum.representative.thin_file": {"yes": 150, "no": 3850}},
        id="g_fair",
        says="150 cases",
    ),
    Mutation(
        "SW603",
        "loan",
        {},
        {"golden.by_stratum.representative.age_62_plus": {"yes": 120, "no": 3880}},
        id="g_fair_errors",
        says="60 cases that count",
    ),
    Mutation("SW604", "loan", {"data.populations.missing": DELETED}),
    Mutation("SW605", "loan", {"gates.g_fair_errors": DELETED}, says="selection_rate only"),
    Mutation("SW606", "support", {"limits.0": CLAIM}, says="Robust"),
]
