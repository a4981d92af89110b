"""SW10x."""

from __future__ import annotations

from ..mutating import DELETED, Mutation

MUTATIONS = [
    Mutation("SW101", "loan", {"costs.false_negative": DELETED}, says="cost of false negative"),
    Mutation("SW101", "support", {"costs.harmful": DELETED}, says="cost of harmful"),
    Mutation("SW102", "loan", {"decision.actor": "TBD"}, says="'TBD'"),
    Mutation("SW102", "support", {"decision.actor": " "}, says="decision.actor"),
    Mutation("SW103", "loan", {"problem.without_ai": DELETED}, says="missing"),
    Mutation("SW103", "support", {"problem.without_ai": "n/a"}, says="'n/a'"),
    Mutation("SW104", "loan", {"problem.success": "Happier applicants"}, says="lacks a number and a unit"),
    Mutation(
        "SW104",
        "support",
        {"problem.success": "9 min a ticket", "problem.today": "People read old emails"},
        says="lacks a value of today",
    ),
    Mutation("SW105", "loan", {"decision.action": ["auto_approve", "full_review"]}, id="streamlined_review"),
    Mutation("SW105", "support", {"context.retrieval.below": "apologise"}, id="apologise"),
    Mutation("SW106", "support", {"problem.job": "An LLM that answers"}, says="'LLM'"),
    Mutation("SW107", "loan", {"costs.false_negative": 420}, says="cost 420 USD each"),
    Mutation(
        "SW108",
        "loan",
        {"costs.false_negative": {"cost": 138, "means": "a margin of 120 EUR is lost"}},
        says="EUR",
    ),
]
