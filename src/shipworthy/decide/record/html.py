"""A decision as one self-contained HTML page: no script, no external asset, light, dark and print."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from shipworthy.decide.record import charts, story, words
from shipworthy.define.documents.look import house_css, page_environment, text_of
from shipworthy.records import Comparison, Decision, GateEvidence, GateStatus, Verdict

if TYPE_CHECKING:
    from jinja2 import Environment

    from shipworthy.decide.standing import Standing

__all__ = ["render_html"]

PACKAGE = "shipworthy.decide.record"
#: Characters of one text from data shown at once; the rest folds away.
TEXT_SHOWN = 400
#: Characters of one text from data kept in a record at all.
TEXT_KEPT = 20_000
#: Newly failing cases shown at once; the rest folds away.
CASES_SHOWN = 4


def render_html(
    decision: Decision,
    *,
    decision_id: str = "",
    pictures: Mapping[str, str] | None = None,
    standing: Standing | None = None,
) -> str:
    """Return the record of a decision as one HTML page.

    Args:
        decision: The decision.
        decision_id: Its id, for the command that verifies it; empty where it has none yet.
        pictures: Path of a case's file -> the data URI of its picture; other files are named only.
        standing: What stands of it with its signatures; None where nobody can sign.

    Returns:
        A complete page that needs no network, no script and no other file.
    """
    template = _environment().get_template("record.html.j2")
    return template.render(**_context(decision, decision_id), pictures=pictures or {}, standing=standing)


@cache
def _environment() -> Environment:
    return page_environment(
        PACKAGE, w=words, GateStatus=GateStatus, Verdict=Verdict, TEXT_SHOWN=TEXT_SHOWN, TEXT_KEPT=TEXT_KEPT
    )


def _context(decision: Decision, decision_id: str) -> dict[str, Any]:
    from markupsafe import Markup

    evidence = decision.evidence
    return {
        "d": decision,
        "e": evidence,
        "css": Markup(house_css() + text_of(PACKAGE, "record.css")),  # noqa: S704  our own files
        "decision_id": decision_id,
        "headline": story.headline(decision),
        "numbers": story.headline_numbers(decision),
        "worst": story.worst_outcome(decision),
        "currency": story.currency(decision),
        "verify": story.verify_command(decision_id),
        "cases_shown": CASES_SHOWN,
        "gates_chart": _drawn(charts.gates_chart(decision)),
        "outcomes_chart": _drawn(charts.outcomes_chart(decision)),
        "slices_chart": _drawn(charts.slices_chart(decision)),
        "main_metric": charts.main_metric(decision),
        "compared": [
            (part, _drawn(_comparison_chart(at, part))) for at, part in enumerate(evidence.comparisons)
        ],
        "runs": _runs(decision),
        "methods": _methods(decision),
        "unscored_gates": [result for result in decision.gates if result.evidence.unscored],
        "worst_bound": _worst_bound,
    }


def _comparison_chart(at: int, comparison: Comparison) -> charts.Chart:
    """The comparison's chart under a name that no other on the page has."""
    chart = charts.comparison_chart(comparison)
    return charts.Chart({**chart.spec, "name": f"against-{at}"}) if chart.spec else chart


def _drawn(chart: charts.Chart) -> dict[str, Any]:
    """The chart's SVG, or the reason why there is none, with what stands in backticks as code."""
    from markupsafe import Markup, escape

    drawing = Markup(charts.svg(chart.spec)) if chart.spec else None  # noqa: S704  our own, escaped by ElementTree
    missing = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(chart.missing)))
    return {"svg": drawing, "missing": Markup(missing)}  # noqa: S704  escaped above


def _runs(decision: Decision) -> list[Any]:
    """Pins of the judged run and of every run it is set against."""
    return [decision.evidence.subject, *(part.pins for part in decision.evidence.comparisons)]


def _methods(decision: Decision) -> list[tuple[str, str, str]]:
    """How each number was made: what, its display interval, its gate bound."""
    gates = [
        (result.evidence.rule, result.evidence.estimate.method, result.evidence.bound_method)
        for result in decision.gates
        if result.evidence.estimate.value is not None
    ]
    parts = [(part.metric, part.estimate.method, "") for part in decision.evidence.metrics]
    money = decision.evidence.money
    if money:
        parts.append(("cost per case", money.per_case.method, ""))
    return [row for row in dict.fromkeys([*gates, *parts]) if row[1] or row[2]]


def _worst_bound(gate: GateEvidence) -> float | None:
    """The deciding bound if every unscored row had counted against the gate."""
    return gate.worst_lower if gate.better == "at_least" else gate.worst_upper
