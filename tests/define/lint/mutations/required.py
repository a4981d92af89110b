"""SW0xx."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

MUTATIONS = [
    Mutation("SW001", "loan", {"version": DELETED}, says="`version` is missing"),
    Mutation("SW001", "support", {"context.envelope": DELETED}, says="context.envelope"),
]
