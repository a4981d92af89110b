"""Writes docs/honesty.md and its plots from what was measured."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from honesty.studies import STATED, Measured
from shipworthy.decide.record.charts import svg

__all__ = ["write_page"]

INK = "#747a83"
"""Readable on white and on dark paper: the plots are images, which know nothing of the page's colours."""
BLUE, ORANGE = "#4a86e8", "#d9791f"
FONT = 12
Spec = dict[str, Any]


def write_page(root: Path, measured: Sequence[Measured]) -> list[str]:
    """Write the page and its plots.

    Args:
        root: The repository.
        measured: All studies.

    Returns:
        What promise is broken by more than two errors of its simulation, one sentence each.
    """
    broken = [line for one in measured for line in one.broken()]
    folder = root / "docs" / "assets" / "honesty"
    folder.mkdir(parents=True, exist_ok=True)
    for name, spec in plots(measured).items():
        (folder / f"{name}.svg").write_text(coloured(svg(spec)) + "\n", "utf-8")
    (root / "docs" / "honesty.md").write_text(page(measured, broken), "utf-8")
    quoted = root / "src" / "shipworthy" / "stats" / "measured_errors.py"
    quoted.write_text(with_errors(quoted.read_text("utf-8"), measured_errors(measured)), "utf-8")
    return broken


def measured_errors(measured: Sequence[Measured]) -> dict[str, tuple[float, float | None]]:
    """Return the figures that gates quote: by method, the worst rate promised and not promised.

    Args:
        measured: All studies.
    """
    close: dict[str, float] = {}
    beyond: dict[str, float] = {}
    for one in measured:
        if one.study.kind != "false_pass" or one.study.limit <= STATED:
            continue
        for method in one.study.methods:
            rates = close if one.study.promised else beyond
            rates[method] = max(rates.get(method, 0.0), round(one.worst.rate, 4))
    return {method: (rate, beyond.get(method)) for method, rate in sorted(close.items())}


def with_errors(source: str, errors: dict[str, tuple[float, float | None]]) -> str:
    """Return the module that quotes the figures, with these ones.

    Args:
        source: The module as it is.
        errors: The figures.
    """
    lines = [
        f'    "{method}": MeasuredError({worst}{"" if more is None else f", {more}"}),\n'
        for method, (worst, more) in errors.items()
    ]
    table = "MEASURED_ERRORS: dict[str, MeasuredError] = {\n" + "".join(lines) + "}\n"
    return re.sub(
        r"MEASURED_ERRORS: dict\[str, MeasuredError\] = \{.*?\}\n", lambda _: table, source, flags=re.S
    )


def coloured(drawing: str) -> str:
    """Return a drawing whose ink is readable on light and on dark paper.

    Args:
        drawing: SVG in the page's colour.
    """
    return drawing.replace("<svg ", f'<svg style="color:{INK}" ', 1)


# -- words ---------------------------------------------------------------------------------------------


def page(measured: Sequence[Measured], broken: Sequence[str]) -> str:
    """Return the page.

    Args:
        measured: All studies.
        broken: What promise is broken.
    """
    named = {one.study.name: one for one in measured}
    exact = gates(measured, lambda limit: limit <= STATED)
    close = gates(measured, lambda limit: limit > STATED)
    shown = [one for one in measured if one.study.kind == "coverage" and one.study.promised]
    return f"""<!-- Written by `make honesty` from assets/honesty.json; do not edit by hand. -->
# How honest it is

Shipworthy says *met* only when a bound proves it, and it states the risk of being wrong: 5% unless a gate says
otherwise. This page measures that risk, and the opposite one, with the very code that gates call: every possible sample
is counted where that can be done, and {total_runs(measured):,} samples are drawn where it cannot. `make honesty` writes
it; a quick form of it runs with the tests and fails when a promise is broken.

| Promised | Measured |
|---|---|
| **Exact gates** (shares, F1, quantiles): what is exactly at its bar passes at most 5% of the time | \
at most {percent(worst_of(exact))} over {count_of(exact):,} settings, all samples counted |
| **All other gates**: at most one point above, 6% | at most {percent(worst_of(close))}{where(close)} |
| **Looking again**: at most 6% over all looks together | {looks_words(named)} |
| **Held though good**: the number of cases that a gate asks for proves it with the promised chance | \
{resolve_words(named)} |
| **Intervals that are shown** hold the truth 95% of the time: 94% on average, never under 92% | \
{percent(average_of(shown))} on average, at least {percent(min(one.worst.rate for one in shown))}\
{where(shown, lowest=True)} |
| **A judge that guesses** is not believed | {judge_words(named)} |

{broken_words(broken)}

## Where it is not good

{chr(10).join(f"- {line}" for line in weak_points(named))}

## False passes

A subject is put exactly at its bar. Each mark is one setting: a sample size, a true rate, a kind of clustering. The line
is the stated 5%. Marks far to the left are the price of safety: there a gate holds more often than it must.

![False passes of each kind of gate](assets/honesty/false-passes.svg)

{table(one for one in measured if one.study.kind == "false_pass")}

![False passes of means, by number of values](assets/honesty/means.svg)

![Looking again, with and without a confidence sequence](assets/honesty/looks.svg)

## Truly good candidates

A gate that is *not proven* says how many cases would settle it. These are the chances of proof at that number, if what
was seen is the truth. What is left to 100% is the rate at which a truly good candidate is still held.

{table(one for one in measured if one.study.kind == "resolve")}

## Intervals

How often the interval that is shown holds the truth, each mark one setting. Lines at 92% and 95%.

![Coverage of each kind of interval](assets/honesty/coverage.svg)

{table(one for one in measured if one.study.kind == "coverage")}

## How it was measured

- *Counted* means that the chance of every possible sample was added up; there is no error of simulation. Else the
  number of samples is given. One error of a rate near 5% is 0.5 points with 2,000 samples, 1.1 with 400, 2.2 with 100;
  the worst of many settings is mostly the unluckiest. `make honesty` draws the full numbers; a part of them is drawn by
  `python -m honesty --part 0.3`.
- A promise counts as broken when a rate misses it by more than two errors of its simulation.
- Every number, setting by setting: [honesty.json](assets/honesty.json).
"""


def gates(measured: Sequence[Measured], wanted: Any) -> list[Measured]:
    """Return the promised studies of false passes of a single gate and look, by their limit."""
    others = ("looks_", "candidates", "judge_at", "judge_narrows")
    return [
        one
        for one in measured
        if one.study.kind == "false_pass"
        and one.study.promised
        and not one.study.name.startswith(others)
        and wanted(one.study.limit)
    ]


def total_runs(measured: Iterable[Measured]) -> int:
    """Return the number of samples drawn in all."""
    return sum(found.runs for one in measured for found in one.found)


def count_of(chosen: Sequence[Measured]) -> int:
    """Return the number of settings."""
    return sum(len(one.found) for one in chosen)


def worst_of(chosen: Sequence[Measured]) -> float:
    """Return the largest rate."""
    return max(one.worst.rate for one in chosen)


def average_of(chosen: Sequence[Measured]) -> float:
    """Return the mean of the studies' averages."""
    return sum(one.average for one in chosen) / len(chosen)


def percent(rate: float) -> str:
    """Return a share as a percentage with one decimal."""
    return f"{100 * rate:.1f}%"


def where(chosen: Sequence[Measured], *, lowest: bool = False) -> str:
    """Return which study is furthest out, in brackets."""
    one = (min if lowest else max)(chosen, key=lambda one: one.worst.rate)
    drawn = f", {one.worst.runs:,} samples, ± {100 * one.worst.error:.1f}" if one.worst.runs else ""
    return f" ({lower_first(one.study.title)}: {one.study.scenarios[one.worst_at].words}{drawn})"


def lower_first(text: str) -> str:
    """Return a text that starts small, unless its second letter is a capital too."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def looks_words(named: dict[str, Measured]) -> str:
    """Say what looking again does."""
    after, mean, naive = named["looks_after_exact"], named["looks_mean"], named["looks_repeated"]
    return (
        f"at most {percent(after.worst.rate)} for shares, {percent(mean.worst.rate)} for means; "
        f"it would be {percent(naive.worst.rate)} without the confidence sequence"
    )


def resolve_words(named: dict[str, Measured]) -> str:
    """Say with what chance the promised numbers of cases prove."""
    even, likely = named["share_resolves_50"], named["share_resolves_80"]
    others = named["others_resolve_50"], named["others_resolve_80"]
    return (
        f"shares: {percent(even.worst.rate)} or more where 50% are promised, {percent(likely.worst.rate)} or more "
        f"where 80% are; costs, means, clusters and pairs {percent(others[0].worst.rate)} and "
        f"{percent(others[1].worst.rate)} or more"
    )


def judge_words(named: dict[str, Measured]) -> str:
    """Say what happens to a judge that guesses."""
    accepted, narrows = named["judge_at_chance"], named["judge_narrows"]
    return (
        f"accepted in at most {percent(accepted.worst.rate)} of the samples; brings a bound a tenth nearer in "
        f"{percent(narrows.worst.rate)}"
    )


def broken_words(broken: Sequence[str]) -> str:
    """Say what promise is broken."""
    if not broken:
        return "No promise is broken beyond the error of its simulation."
    return "**Broken promises:**\n\n" + "\n".join(f"- {line}" for line in broken)


def weak_points(named: dict[str, Measured]) -> list[str]:
    """Return what does not hold, with its numbers."""
    heavy, shown = named["mean_of_heavy_tails"], named["mean_of_heavy_tails_shown"]
    left_out, ten = named["unscored_ignored"], named["candidates"]
    return [
        "**A mean of numbers without a known largest value.** No method holds its risk for every such distribution. "
        "Below 20 values there is no bound. From there on exponential and lognormal values stay within the promise; "
        f"with heavier tails up to {percent(heavy.worst.rate)} pass "
        f"({heavy.study.scenarios[heavy.worst_at].words}), and the interval covers as little as "
        f"{percent(shown.worst.rate)}. {heavy.study.note}",
        "**Unscored rows.** If the rows that the instrument lost are all bad ones and were left out, "
        f"{percent(left_out.worst.rate)} would pass. So more than 2% of them make the evidence invalid, and below "
        "that the worst case is printed.",
        f"**Many candidates.** Of ten candidates exactly at the bar, one passes in up to {percent(ten.worst.rate)} of "
        "all tries. The decision prints how many were tried; `golden.confirm` is the remedy.",
        "**Clusters and weights, few failures.** Fewer than ten failures cannot show how they cluster, so counts are "
        "at least halved there. That holds back good candidates more than it must.",
        "**Two groups, pairs, costs.** Their bounds are cautious: a subject at its bar passes far less often than 5% "
        "when samples are small. The price is a larger number of cases, which the gate prints.",
    ]


def table(chosen: Iterable[Measured]) -> str:
    """Return a table of studies."""
    rows = ["| What | Settings | Worst | At | Average | Promised |", "|---|--:|--:|---|--:|--:|"]
    for one in chosen:
        study, worst = one.study, one.worst
        how = "counted" if not worst.runs else f"{worst.runs:,} samples"
        sign = "≤" if study.kind == "false_pass" else "≥"
        promise = f"{sign} {percent(study.limit)}" if study.promised else "nothing"
        rows.append(
            f"| {study.title} | {len(study.scenarios)} | {percent(worst.rate)} | "
            f"{study.scenarios[one.worst_at].words} ({how}) | {percent(one.average)} | {promise} |"
        )
    return "\n".join(rows)


# -- plots ---------------------------------------------------------------------------------------------


def plots(measured: Sequence[Measured]) -> dict[str, Spec]:
    """Return the specification of each plot by its file name."""
    named = {one.study.name: one for one in measured}
    single = gates(measured, lambda limit: limit <= STATED + 0.011)
    shown = [one for one in measured if one.study.kind == "coverage"]
    return {
        "false-passes": strips(
            "false-passes", "False passes by kind of gate", single, (0.0, 0.08), [STATED, STATED + 0.01]
        ),
        "coverage": strips("coverage", "Coverage by kind of interval", shown, (0.70, 1.0), [0.92, 0.95]),
        "means": means(named),
        "looks": looks(named),
    }


def chart(name: str, label: str, body: Spec) -> Spec:
    """Return a whole specification."""
    axis = {
        "domain": False,
        "ticks": False,
        "gridColor": INK,
        "gridOpacity": 0.25,
        "labelColor": INK,
        "titleColor": INK,
        "titleFontWeight": "normal",
        "labelFontSize": FONT,
        "titleFontSize": FONT,
        "labelLimit": 420,
    }
    legend = {"labelColor": INK, "titleColor": INK, "labelFontSize": FONT, "title": None, "labelLimit": 320}
    config = {"view": {"stroke": None}, "axis": axis, "legend": legend, "title": {"color": INK}}
    head = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": None,
        "config": config,
    }
    return {**head, "name": name, "description": label, **body}


def percent_axis(domain: tuple[float, float], title: str) -> Spec:
    """Return the encoding of a share on an axis in percent."""
    return {
        "type": "quantitative",
        "scale": {"domain": list(domain), "nice": False, "zero": False, "clamp": True},
        "axis": {"format": ".0%", "tickCount": 6, "title": title},
    }


def strips(
    name: str, label: str, chosen: Sequence[Measured], domain: tuple[float, float], lines: Sequence[float]
) -> Spec:
    """Return one strip of marks per study, with upright lines."""
    values = [{"study": one.study.title, "rate": found.rate} for one in chosen for found in one.found]
    x = {"field": "rate", **percent_axis(domain, "")}
    order = [one.study.title for one in chosen]
    y = {"field": "study", "type": "nominal", "sort": order, "axis": {"title": None, "grid": False}}
    marks = {
        "mark": {"type": "tick", "thickness": 2, "size": 13, "opacity": 0.6, "color": BLUE},
        "encoding": {"x": x, "y": y},
    }
    rules = [
        {
            "data": {"values": [{"at": at}]},
            "mark": {"type": "rule", "color": ORANGE, "strokeDash": [4, 3], "strokeWidth": 1.5},
            "encoding": {"x": {"field": "at", **percent_axis(domain, "")}},
        }
        for at in lines
    ]
    body = {"width": 420, "height": {"step": 22}, "data": {"values": values}, "layer": [*rules, marks]}
    return chart(name, label, body)


def means(named: dict[str, Measured]) -> Spec:
    """Return false passes of means of unknown range by the number of values."""
    values = []
    for name in ("mean_of_unknown_range", "mean_of_heavy_tails"):
        one = named[name]
        for scenario, found in zip(one.study.scenarios, one.found, strict=True):
            parts = re.fullmatch(r"(.+), n = (\d+), range unknown, at most", scenario.words)
            if parts:
                values.append({"kind": parts[1], "n": int(parts[2]), "rate": found.rate})
    order = list(dict.fromkeys(value["kind"] for value in values))
    encoding = {
        "x": {
            "field": "n",
            "type": "quantitative",
            "scale": {"type": "log", "domain": [18, 2200]},
            "axis": {"title": "values", "values": [20, 50, 100, 200, 500, 2000]},
        },
        "y": {"field": "rate", **percent_axis((0.0, 0.2), "false passes")},
        "color": {
            "field": "kind",
            "type": "nominal",
            "sort": order,
            "scale": {
                "domain": order,
                "range": [BLUE, "#2a9d74", "#8b6fd6", "#5aa9c8", ORANGE, "#d1495b", "#b58a2a"],
            },
        },
    }
    line = {"mark": {"type": "line", "point": True, "strokeWidth": 2}, "encoding": encoding}
    rule = {
        "data": {"values": [{"at": STATED}]},
        "mark": {"type": "rule", "color": INK, "strokeDash": [4, 3]},
        "encoding": {"y": {"field": "at", **percent_axis((0.0, 0.2), "false passes")}},
    }
    label = "False passes of means of unknown range, by number of values"
    return chart(
        "means", label, {"width": 420, "height": 220, "data": {"values": values}, "layer": [rule, line]}
    )


def looks(named: dict[str, Measured]) -> Spec:
    """Return the chance of ever passing for each schedule of looks, three ways."""
    ways = {
        "looks_repeated": "the same bound at every look",
        "looks_after_exact": "exact first, then a sequence",
        "looks_sequence": "a sequence from the first look on",
    }
    values = []
    for name, words in ways.items():
        one = named[name]
        for scenario, found in zip(one.study.scenarios, one.found, strict=True):
            schedule, _, bar = scenario.words.rpartition(", bar ")
            if bar == "80%":
                values.append({"way": words, "schedule": schedule.split(",")[0], "rate": found.rate})
    order = list(dict.fromkeys(value["schedule"] for value in values))
    x = {"field": "rate", **percent_axis((0.0, 0.25), "passes at some look, exactly at a bar of 80%")}
    encoding = {
        "x": x,
        "y": {"field": "schedule", "type": "nominal", "sort": order, "axis": {"title": None, "grid": False}},
        "color": {
            "field": "way",
            "type": "nominal",
            "scale": {"domain": list(ways.values()), "range": [ORANGE, BLUE, "#2a9d74"]},
        },
    }
    points = {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1}, "encoding": encoding}
    rule = {
        "data": {"values": [{"at": STATED}]},
        "mark": {"type": "rule", "color": INK, "strokeDash": [4, 3]},
        "encoding": {
            "x": {"field": "at", **percent_axis((0.0, 0.25), "passes at some look, exactly at a bar of 80%")}
        },
    }
    body = {"width": 420, "height": {"step": 34}, "data": {"values": values}, "layer": [rule, points]}
    return chart("looks", "Chance of passing at some look, by number of looks", body)
