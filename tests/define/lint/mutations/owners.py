"""SW11x."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

OTHERS = ("calibration", "drift", "fresh", "parity", "labels", "latency", "delinquency")

MUTATIONS = [
    Mutation("SW111", "loan", {"owners.retraining": DELETED}),
    Mutation("SW112", "loan", {"monitors.m_fresh.owner": "oncall", "owners.oncall": "tbd"}, id="m_fresh"),
    Mutation("SW112", "support", {"gates.g_cites.owner": "TBD"}, id="g_cites"),
    Mutation(
        "SW113",
        "support",
        {
            "owners.signers": DELETED,
            "failure_modes.privacy_leak.owner": "product",
            "gates.g_safe.owner": "product-lead",
        },
        id="privacy_leak",
        says="product-lead",
    ),
    Mutation("SW114", "loan", {"owners.signers": DELETED}, says="nobody has to sign"),
    Mutation("SW114", "loan", {"owners.signers": {"legal": "ml-lead"}}, says="only ml-lead"),
    Mutation(
        "SW115",
        "loan",
        {f"monitors.m_{name}.owner": "product-lead" for name in OTHERS},
        id="product-lead",
    ),
]
