"""SW01x."""

from __future__ import annotations

from datetime import date
from typing import Any

from ..mutating import Mutation


def ignoring(rule: str, **more: Any) -> dict[str, Any]:
    entry = {"rule": rule, "reason": "not here", "owner": "ml-lead", "expires": date(2026, 6, 1), **more}
    return {"lint.ignore": [entry]}


MUTATIONS = [
    Mutation("SW011", "loan", ignoring("SW106", expires=date(2026, 1, 1)), says="24 days ago"),
    Mutation("SW012", "loan", ignoring("SW106"), says="SW106 finds nothing"),
    Mutation("SW012", "loan", ignoring("SW106", at="problem.job"), says="at problem.job"),
    Mutation("SW013", "loan", ignoring("SW999"), says="'SW999'"),
]
