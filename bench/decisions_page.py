"""Writes docs/decisions.md and its plot from what was replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench.decisions import RULES, best_policies, confidence_of, goals, missed, of_rule, regrets
from honesty.page import BLUE, INK, ORANGE, chart, coloured

from shipworthy.decide.record.charts import svg

__all__ = ["page", "plot", "write_page"]

NAMES = {
    "from_costs": "**Shipworthy, `confidence: from_costs`**",
    "stated": "**Shipworthy, 95%**",
    "point": "Point estimate against the bar",
    "tfma": "Point thresholds on value and change (as TFMA)",
    "interval": "Two-sided 95% interval: Wilson; McNemar against live",
    "one_sided": "The same at one-sided 95%",
}
COLOURS = {
    "from_costs": BLUE,
    "stated": "#2a9d74",
    "point": ORANGE,
    "tfma": "#b58a2a",
    "interval": "#8b6fd6",
    "one_sided": "#d1495b",
}
WAYS = {"once": "one decision", "buy": "with labels to buy"}


def write_page(root: Path, measured: Mapping[str, Any]) -> None:
    """Write the page and its plot.

    Args:
        root: The repository.
        measured: All numbers.
    """
    assets = root / "docs" / "assets"
    (assets / "decisions.svg").write_text(coloured(svg(plot(measured))) + "\n", "utf-8")
    (root / "docs" / "decisions.md").write_text(page(measured), "utf-8")


def plot(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Return the regret of every rule by the ratio of costs, both ways side by side.

    Args:
        measured: All numbers.
    """
    plain = {rule: name.replace("*", "").replace("`", "") for rule, name in NAMES.items()}
    values = [
        {"way": words, "rule": plain[rule], "ratio": ratio, "regret": float(regret)}
        for way, words in WAYS.items()
        for rule in RULES
        for ratio, regret in zip(measured["ratios"], regrets(measured, way, rule), strict=True)
    ]
    colour = {
        "field": "rule",
        "type": "nominal",
        "scale": {
            "domain": [plain[rule] for rule in RULES],
            "range": [COLOURS[rule] for rule in RULES],
        },
        "legend": {"orient": "bottom", "columns": 2, "title": None},
    }
    encoding = {
        "x": {
            "field": "ratio",
            "type": "quantitative",
            "scale": {"type": "log", "domain": [1, 30]},
            "axis": {"title": "a wrong ship costs so many wrong holds", "values": measured["ratios"]},
        },
        "y": {
            "field": "regret",
            "type": "quantitative",
            "scale": {"type": "log"},
            "axis": {"title": "regret, $ per choice", "format": "~s", "values": [200, 500, 1000, 2000, 5000]},
        },
        "color": colour,
    }
    drawn = {"mark": {"type": "line", "point": True, "strokeWidth": 2}, "encoding": encoding}
    body = {
        "data": {"values": values},
        "facet": {
            "column": {
                "field": "way",
                "type": "nominal",
                "sort": list(WAYS.values()),
                "header": {"title": None, "labelColor": INK, "labelFontSize": 13},
            }
        },
        "spec": {"width": 250, "height": 230, **drawn},
    }
    return chart("decisions", "Regret of every rule by the ratio of costs", body)


def page(measured: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        measured: All numbers.
    """
    reached, lines = goals(measured), missed(measured)
    point_too = regrets(measured, "buy", "from_costs").mean() / regrets(measured, "buy", "point").mean()
    shown = "Every goal is reached." if not lines else "**Missed:** " + "; ".join(lines) + "."
    n_launches, n_sets = len(measured["launches"]), len(measured["sets"])
    changes = sum(len(one["counts"]) == 4 for one in measured["launches"])
    confident = ", ".join(
        f"{100 * confidence_of(ratio):.0f}% at {ratio}"
        for ratio in measured["ratios"]
        if ratio in (1, 3, 10, 30)
    )
    return f"""<!-- Written by `make bench-decisions` from assets/decisions.json; do not edit by hand. -->
# Whether it decides well

A gate can be honest and still decide badly: one that never ships is never wrong about shipping. So this page counts
money. {n_launches} launch questions are replayed whose truth is known, for they come from {n_sets} large labelled sets:
{n_launches - changes} shares against a bar, {changes} changes against what is live. A small random sample is shown, a
rule ships or holds, and the full set says what that cost. `make bench-decisions` writes the page; a quick form of it
runs with the tests and fails when Shipworthy's rule is not the best.

## Regret

Regret is the money lost against a choice that knows the truth, on average over samples of
{listed(f"{n:,}" for n in measured["sizes"])}, over every whole percent within ten points of the truth as the bar, and
over sets. A wrong hold loses ${measured["wrong_hold"]:,.0f} for each point by which the truth exceeds the bar, a wrong
ship so many times more for each point by which it misses it. With labels to buy, everybody may buy up to
{measured["most_labels"]:,} more, for ${measured["price"]:.0f} each, which count as regret too.

![Regret of every rule by the ratio of costs](assets/decisions.svg)

### One decision

{regret_table(measured, "once")}

### With labels to buy

Shipworthy buys where the value of more labels exceeds their price (`value_of_cases`). The others know no such number;
each of them is shown with the habit that serves it best at each ratio, which only hindsight tells: buying none, all, all
where the 95% interval holds the bar, or a hundred at a time while it does.

{regret_table(measured, "buy")}

{policy_words(measured)}

The stated 95% is no money-saver by itself: it holds more often than the costs of this benchmark ask for.

## Goals

| Wanted | Measured | Goal |
|---|--:|--:|
{goal_rows(reached)}

{shown} The first line sets a Shipworthy that buys labels against a point gate that decides once, which is what most
people do. Where the point gate may buy labels too, Shipworthy's regret is {percent(float(point_too))} of its.

## Wrong ships and wrong holds

Shares of the choices where the truth is below its bar, and where it is above it, over all ratios. A gate from costs
promises no share of wrong ships: where a wrong ship is as cheap as a wrong hold, it makes as many of both. It is not for
harm, and gates on harm never fall under 95%.

{error_table(measured)}

Wrong ships by the size of the first sample, and the share of answers that tell what to do (ship, clearly failed, or an
exposure that is cheaper than waiting) at 200:

{size_table(measured)}

## By set

Mean regret of one decision, $ per choice.

{set_table(measured)}

## How it was measured

- **From costs** is the confidence at which shipping is expected to lose as much as holding, with losses that grow with
  the distance from the bar: {confident} times the cost of a wrong hold. [How a verdict is made](verdict.md) says why.
- **Samples are drawn with replacement**, {measured["draws"]:,} for each share and size, a fifth as many for each change
  (at least 8): the set stands for the traffic, and small sets give small samples no knowledge of the rest. All rules see
  the same samples and the same further labels. No rule sees the truth.
- **At 95%** later looks are judged by a confidence sequence, as `golden.looks: once` does. A gate from costs judges all
  that was seen afresh; it has no promise that looking again could break.
- **TFMA's rule** asks the change to reach its bar and the candidate's share to reach the share of live, rounded down to
  five points, both as point estimates; for a share without a live system it is the point gate. **McNemar's** test asks
  for a change of 0; at other bars Tango's score interval is the same test.
- Costs are stated for this benchmark, not observed. Bars lie evenly around the truth; a product whose bar is far from
  the truth is easy for every rule.
- Every number, and the counts from which all can be drawn again: [decisions.json](assets/decisions.json).
"""


def regret_table(measured: Mapping[str, Any], way: str) -> str:
    """Return the regret of every rule by ratio, the least of each column in bold."""
    rows = {rule: regrets(measured, way, rule) for rule in RULES}
    least = np.min(list(rows.values()), axis=0)
    head = "| $ per choice | " + " | ".join(f"{ratio} : 1" for ratio in measured["ratios"]) + " | Mean |"
    lines = [head, "|---|" + "--:|" * (len(measured["ratios"]) + 1)]
    for rule, found in rows.items():
        cells = [
            f"**{value:,.0f}**" if value <= low + 1e-9 else f"{value:,.0f}"
            for value, low in zip(found, least, strict=True)
        ]
        lines.append(f"| {NAMES[rule]} | " + " | ".join(cells) + f" | {found.mean():,.0f} |")
    return "\n".join(lines)


def policy_words(measured: Mapping[str, Any]) -> str:
    """Say how much each rule buys, and by which habit."""
    parts = []
    for rule in RULES:
        labels = of_rule(measured, "buy", rule, "labels").mean()
        name = NAMES[rule].replace("*", "")
        said = f"{name}: {labels:,.0f}"
        chosen = list(dict.fromkeys(best_policies(measured).get(rule, [])))
        parts.append(said + (f" ({' or '.join(chosen)})" if chosen else ""))
    return "Labels bought on average: " + "; ".join(parts) + "."


def goal_rows(reached: Mapping[str, tuple[float, float]]) -> str:
    """Return a row for each goal."""
    lines = []
    for name, (found, limit) in reached.items():
        sign = "≥" if name.startswith("actionable") else "≤"
        title = name if name.startswith("actionable") else f"{name}, as a part of it"
        title = name if name.startswith("wrong") else title
        lines.append(f"| {title[:1].upper()}{title[1:]} | {percent(found)} | {sign} {percent(limit)} |")
    return "\n".join(lines)


def error_table(measured: Mapping[str, Any]) -> str:
    """Return wrong ships and wrong holds of every rule, both ways."""
    lines = ["| Rule | Wrong ships, once | Wrong holds, once | Wrong ships, buying | Wrong holds, buying |"]
    lines.append("|---|--:|--:|--:|--:|")
    for rule in RULES:
        cells = []
        for way in WAYS:
            for wrong, of in (("wrong_ship", "below"), ("wrong_hold", "above")):
                part = of_rule(measured, way, rule, wrong).mean() / of_rule(measured, way, rule, of).mean()
                cells.append(percent(float(part)))
        lines.append(f"| {NAMES[rule]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def size_table(measured: Mapping[str, Any]) -> str:
    """Return wrong ships of one decision by size, and actionable answers at 200."""
    sizes = measured["sizes"]
    at = sizes.index(200) if 200 in sizes else 0
    lines = ["| Rule | " + " | ".join(f"{n:,}" for n in sizes) + " | Actionable at 200 |"]
    lines.append("|---|" + "--:|" * (len(sizes) + 1))
    for rule in RULES:
        wrong = of_rule(measured, "once", rule, "wrong_ship").mean(axis=1)
        shares = wrong / of_rule(measured, "once", rule, "below").mean(axis=1)
        done = of_rule(measured, "once", rule, "actionable")[at].mean()
        told = percent(float(done)) if rule in ("from_costs", "stated") else ""
        lines.append(f"| {NAMES[rule]} | " + " | ".join(percent(float(s)) for s in shares) + f" | {told} |")
    return "\n".join(lines)


def set_table(measured: Mapping[str, Any]) -> str:
    """Return the mean regret of one decision by set."""
    lines = ["| Set | " + " | ".join(NAMES[rule].replace("*", "") for rule in RULES) + " |"]
    lines.append("|---|" + "--:|" * len(RULES))
    for at, name in enumerate(measured["sets"]):
        found = [measured["ways"][f"once: {rule}"]["regret_by_set"][at] for rule in RULES]
        cells = [f"**{value:,.0f}**" if value == min(found) else f"{value:,.0f}" for value in found]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.1f}%"


def listed(words: Any) -> str:
    """Return words as a list in a sentence."""
    found: Sequence[str] = list(words)
    return ", ".join(found[:-1]) + f" and {found[-1]}"
