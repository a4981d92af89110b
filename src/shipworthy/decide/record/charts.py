"""Charts of a record: one Vega-Lite specification each, drawn as static SVG in the page's colours."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from shipworthy.decide.record import words
from shipworthy.records import (
    Comparison,
    Decision,
    Difference,
    Estimate,
    GateResult,
    GateStatus,
    SliceEstimate,
)

__all__ = ["Chart", "comparison_chart", "gates_chart", "main_metric", "outcomes_chart", "slices_chart", "svg"]

Spec = dict[str, Any]

#: The most rows one chart draws; the table beside it has them all.
MOST_ROWS = 24

_WIDTH = 400
_ROW = 46
_FONT = 12.5
_LABEL = 40

# Stand-ins in the specification; `svg` turns each into a colour of the page, so that dark mode works.
_INK = "#101112"
_COLOURS = {
    _INK: "currentColor",
    "#16794a": "var(--good, #16794a)",
    "#b3261e": "var(--bad, #b3261e)",
    "#6b7280": "var(--quiet, #6b7280)",
    "#2f5fd0": "var(--accent, #2f5fd0)",
    "#fefdfc": "var(--paper, #fefdfc)",
}
_GOOD, _BAD, _QUIET, _ACCENT, _PAPER = list(_COLOURS)[1:]

_CROSS = "M-1,-0.62L-0.62,-1L0,-0.38L0.62,-1L1,-0.62L0.38,0L1,0.62L0.62,1L0,0.38L-0.62,1L-1,0.62L-0.38,0Z"
_STATUS_STYLE = {
    GateStatus.met: ("circle", True, _GOOD),
    GateStatus.not_met: (_CROSS, True, _BAD),
    GateStatus.not_proven: ("diamond", False, _QUIET),
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart to draw, or the reason why there is none.

    Args:
        spec: The Vega-Lite specification; None where there is nothing to draw.
        missing: Why there is none, in words.
    """

    spec: Spec | None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class _Mark:
    """One row of a chart: a labelled interval with its point."""

    label: str
    note: str
    value: float
    low: float
    high: float
    shape: str = "circle"
    filled: bool = True
    colour: str = _ACCENT
    low_text: str = ""
    high_text: str = ""
    cap: float | None = None


# -- charts --------------------------------------------------------------------------------------------


def gates_chart(decision: Decision) -> Chart:
    """Return every measured gate against its bar, each on its own scale.

    The bars stand above each other and the better side is always to the right, so gates of any unit and
    either direction share one picture.
    """
    currency = _currency(decision)
    marks = [mark for result in decision.gates if (mark := _gate_mark(result, currency)) is not None]
    if not marks:
        why = "No gate has been measured yet." if decision.gates else "The spec has no gates."
        return Chart(None, f"{why} A measured gate is drawn here with its interval and its bar.")
    panel = _panel(marks, domain=(-1.0, 1.0), reference=(0.0, "← worse\u2003bar\u2003better →"), axis=None)
    name = (
        "Gates: interval and point of each measured gate against its bar; right of the bar is the better side"
    )
    return Chart(_chart("gates", name, [panel]))


def outcomes_chart(decision: Decision) -> Chart:
    """Return how often each class of outcome occurred, with intervals."""
    found = [
        (share, drawn)
        for share in decision.evidence.outcomes
        if (drawn := _drawn(share.estimate)) is not None
    ]
    if not found:
        return Chart(None, "No outcomes have been counted yet.")
    marks = [
        _Mark(
            words.outcome_words(share.outcome),
            f"{words.number(share.estimate.value, 'share')}  ·  {share.count:,}",
            *drawn,
            shape="circle" if share.good else "diamond",
            filled=share.good,
            colour=_ACCENT if share.good else _QUIET,
        )
        for share, drawn in found
    ]
    panel = _panel(marks, domain=(0.0, 1.0), reference=None, axis="share")
    return Chart(_chart("outcomes", "Outcomes: share of each class with its interval", [panel]))


def slices_chart(decision: Decision) -> Chart:
    """Return the main metric per slice with its interval, and the whole as an upright line."""
    metric = main_metric(decision)
    rows = [part for part in decision.evidence.slices if part.metric == metric]
    found = [(part, drawn) for part in rows if (drawn := _drawn(part.estimate)) is not None]
    if not found:
        return Chart(
            None, "No slice has been measured. Add `slices:` to the spec to see whom the average hides."
        )
    unit = found[0][0].estimate.unit
    found = [(part, drawn) for part, drawn in found if part.estimate.unit == unit]
    marks = [_slice_mark(part, drawn, _currency(decision)) for part, drawn in found[:MOST_ROWS]]
    whole = _whole(decision, metric)
    reference = (whole, "all") if whole is not None else None
    panel = _panel(marks, domain=_domain(marks, whole, unit), reference=reference, axis=unit)
    return Chart(_chart("slices", f"{words.cut(metric)} per slice with its interval", [panel]))


def comparison_chart(comparison: Comparison) -> Chart:
    """Return paired differences with their intervals around zero, one panel per unit."""
    found = [(part, drawn) for part in comparison.differences if (drawn := _drawn(part.delta)) is not None]
    if not found:
        return Chart(None, "No difference could be measured on shared cases.")
    panels = []
    for unit in dict.fromkeys(_difference_unit(part) for part, _ in found):
        marks = [_delta_mark(part, drawn) for part, drawn in found if _difference_unit(part) == unit][
            :MOST_ROWS
        ]
        reference = (0.0, "no difference")
        panels.append(_panel(marks, domain=_around_zero(marks), reference=reference, axis=unit))
    other = words.cut(comparison.other)
    name = f"{words.cut(comparison.subject)} less {other}: paired differences with their intervals"
    return Chart(_chart(f"against-{_slug(comparison.other)}", name, panels))


def main_metric(decision: Decision) -> str:
    """Return the metric that slices are shown for: the first gate's that was sliced, else the first."""
    cut_metrics = [part.metric for part in decision.evidence.slices]
    for result in decision.gates:
        if result.evidence.metric in cut_metrics:
            return result.evidence.metric
    return cut_metrics[0] if cut_metrics else ""


def svg(spec: Spec) -> str:
    """Return a specification drawn as one self-contained `<svg>`, scaled to the width it is given.

    Args:
        spec: A specification from this file; never one that came from a user or a model.

    Returns:
        SVG without script, font, link or id that could meet another chart's; colours follow the page.
    """
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(spec)
    root = ElementTree.fromstring(drawn)  # noqa: S314  our own drawing, not foreign XML
    for parent in list(root.iter()):
        for child in list(parent):
            if _is_nothing(child):
                parent.remove(child)
    prefix = _slug(str(spec["name"]))
    for part in root.iter():
        _recolour(part, prefix)
    label = str(spec["description"])
    width, height = root.get("width", "400"), root.get("height", "100")
    root.attrib.clear()
    root.attrib.update(
        {
            "class": "chart",
            "viewBox": f"0 0 {width} {height}",
            "width": "100%",
            "role": "img",
            "aria-label": label,
            "fill": "currentColor",
        }
    )
    ElementTree.register_namespace("", _SVG)
    return ElementTree.tostring(root, encoding="unicode")


# -- rows ----------------------------------------------------------------------------------------------


def _gate_mark(result: GateResult, currency: str) -> _Mark | None:
    """A gate in units of its own room: the bar at 0, the better side positive, everything within one."""
    gate = result.evidence
    value = _finite(gate.estimate.value)
    if result.status not in _STATUS_STYLE or value is None or _finite(gate.bar) is None:
        return None
    lower, upper = _finite(gate.lower), _finite(gate.upper)
    low, high = value if lower is None else lower, value if upper is None else upper
    room = max(abs(end - gate.bar) for end in (low, high, value)) * 1.22 or 1.0
    sign = 1.0 if gate.better == "at_least" else -1.0
    near, far = (low, high) if sign > 0 else (high, low)
    shape, filled, colour = _STATUS_STYLE[result.status]

    def at(number: float) -> float:
        return sign * (number - gate.bar) / room

    def end_text(end: float, other: float) -> str:
        # Ends that lie close would print over each other; the one that decides keeps its number.
        decides = end == (far if result.status is GateStatus.not_met else near)
        if end == value or (abs(at(end) - at(other)) < 0.25 and not decides):
            return ""
        return words.number(end, gate.estimate.unit, currency, apart_from=gate.bar)

    return _Mark(
        label=words.cut(gate.rule, _LABEL),
        note=words.status_words(result.status),
        value=at(value),
        low=at(near),
        high=at(far),
        shape=shape,
        filled=filled,
        colour=colour,
        low_text=end_text(near, far),
        high_text=end_text(far, near),
        cap=at(far if result.status is GateStatus.not_met else near),
    )


def _slice_mark(part: SliceEstimate, drawn: tuple[float, float, float], currency: str) -> _Mark:
    shown = part.p_value is not None and part.p_value < 0.05
    value = words.number(part.estimate.value, part.estimate.unit, currency)
    return _Mark(
        words.cut(f"{part.column} = {part.value}", _LABEL),
        f"{value}  ·  n {part.estimate.n:,}",
        *drawn,
        shape="diamond" if shown else "circle",
        filled=shown,
        colour=_INK if shown else _ACCENT,
    )


def _delta_mark(part: Difference, drawn: tuple[float, float, float]) -> _Mark:
    shape, filled, colour = {
        "worse": ("triangle-down", True, _INK),
        "better": ("triangle-up", True, _ACCENT),
    }.get(part.verdict, ("circle", False, _QUIET))
    unit = _difference_unit(part)
    return _Mark(
        words.cut(part.metric, _LABEL),
        f"{words.signed(part.delta.value, unit)}  ·  {words.cut(part.verdict, 20)}",
        *drawn,
        shape=shape,
        filled=filled,
        colour=colour,
    )


def _difference_unit(part: Difference) -> str:
    return "points" if part.delta.unit == "share" else part.delta.unit


def _whole(decision: Decision, metric: str) -> float | None:
    for part in decision.evidence.metrics:
        if part.metric == metric and not part.column:
            return _finite(part.estimate.value)
    return None


def _drawn(estimate: Estimate) -> tuple[float, float, float] | None:
    """Value, low and high as far as they can be drawn; an open end is drawn at the value."""
    value = _finite(estimate.value)
    if value is None:
        return None
    low, high = _finite(estimate.low), _finite(estimate.high)
    return value, value if low is None else low, value if high is None else high


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _currency(decision: Decision) -> str:
    return decision.evidence.money.currency if decision.evidence.money else ""


# -- the specification ---------------------------------------------------------------------------------


def _chart(name: str, label: str, panels: Sequence[Spec]) -> Spec:
    spec: Spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "name": name,
        "description": label,
        "padding": {"left": 1, "right": 1, "top": 0, "bottom": 2},
        "background": None,
        "spacing": 28,
        "config": _CONFIG,
    }
    return {**spec, **panels[0]} if len(panels) == 1 else {**spec, "vconcat": list(panels)}


def _panel(
    marks: Sequence[_Mark],
    *,
    domain: tuple[float, float],
    reference: tuple[float, str] | None,
    axis: str | None,
) -> Spec:
    """Rows of labelled intervals above one axis, with an upright line at the reference."""
    scale = {"domain": list(domain), "nice": False, "zero": False, "clamp": True}
    x = {"type": "quantitative", "scale": scale, "axis": _axis(axis), "title": None}
    row = _ROW + 12 if axis is None else _ROW
    layers = [_reference(*reference, x, row * len(marks))] if reference else []
    layers += [
        _layer({"type": "rule", "strokeWidth": 2.5, "strokeCap": "round"}, {"x": {"field": "low", **x},
               "x2": {"field": "high"}, "color": _own("colour")}),
        _layer({"type": "tick", "thickness": 2.5, "size": 11, "orient": "vertical"},
               {"x": {"field": "cap", **x}, "color": _own("colour")}, "isValid(datum.cap)"),
        _layer({"type": "point", "size": 78, "strokeWidth": 2, "opacity": 1},
               {"x": {"field": "value", **x}, "shape": _own("shape"), "stroke": _own("colour"),
                "fill": _own("fill")}),
        _text("label", {"align": "left", "x": 0, "yOffset": -19, "limit": 262}),
        _text("note", {"align": "right", "x": _WIDTH, "yOffset": -19, "limit": 190}),
    ]  # fmt: skip
    if any(mark.low_text or mark.high_text for mark in marks):
        small = {"yOffset": 14, "fontSize": _FONT - 2.5, "limit": 90, "opacity": 0.8}
        layers += [
            _text("low_text", {"align": "center", **small}, {"field": "low", **x}),
            _text("high_text", {"align": "center", **small}, {"field": "high", **x}),
        ]
    return {
        "width": _WIDTH,
        "height": {"step": row},
        "data": {"values": [_datum(at, mark) for at, mark in enumerate(marks)]},
        "layer": layers,
    }


def _datum(at: int, mark: _Mark) -> Spec:
    return {
        "row": at,
        "label": mark.label,
        "note": mark.note,
        "value": mark.value,
        "low": mark.low,
        "high": mark.high,
        "shape": mark.shape,
        "colour": mark.colour,
        "fill": mark.colour if mark.filled else "transparent",
        "low_text": mark.low_text,
        "high_text": mark.high_text,
        "cap": mark.cap,
    }


def _reference(at: float, label: str, x: Spec, height: int) -> Spec:
    """The upright line, named at its head."""
    line = {"type": "rule", "strokeDash": [3, 3], "opacity": 0.75, "color": _INK, "strokeWidth": 1.25}
    name = {"type": "text", "text": label, "fontSize": _FONT - 2, "opacity": 0.85, "baseline": "bottom"}
    place = {"x": {"datum": at, **x}}
    return {
        "data": {"values": [{}]},
        "layer": [
            {"mark": line, "encoding": {**place, "y": {"value": -4}, "y2": {"value": height}}},
            {"mark": name, "encoding": {**place, "y": {"value": -8}}},
        ],
    }


_ROWS: Spec = {"y": {"field": "row", "type": "ordinal", "axis": None, "scale": {"padding": 0}}}


def _own(field: str) -> Spec:
    """A channel that takes the row's own value as it is."""
    return {"field": field, "type": "nominal", "scale": None, "legend": None}


def _layer(mark: Spec, encoding: Spec, only: str = "") -> Spec:
    layer: Spec = {"mark": mark, "encoding": {**_ROWS, **encoding}}
    return {**layer, "transform": [{"filter": only}]} if only else layer


def _text(field: str, mark: Spec, x: Spec | None = None) -> Spec:
    encoding: Spec = {**_ROWS, "text": {"field": field, "type": "nominal"}}
    if x:
        encoding["x"] = x
    return {"mark": {"type": "text", "fontSize": _FONT, **mark}, "encoding": encoding}


_FORMATS = {
    "share": "format(datum.value * 100, '~r') + '%'",
    "points": "format(datum.value * 100, '~r')",
    "ms": "format(datum.value, ',') + ' ms'",
}


def _axis(unit: str | None) -> Spec | None:
    if unit is None:
        return None
    ticks = 5 if unit in ("share", "points") else 3
    return {"labelExpr": _FORMATS.get(unit, "format(datum.value, ',')"), "tickCount": ticks, "grid": True}


def _domain(marks: Iterable[_Mark], whole: float | None, unit: str) -> tuple[float, float]:
    """The span of all intervals with some air; shares stay between 0 and 1."""
    ends = [end for mark in marks for end in (mark.low, mark.high)] + ([] if whole is None else [whole])
    low, high = min(ends), max(ends)
    air = (high - low) * 0.06 or abs(high) * 0.1 or 0.1
    low, high = low - air, high + air
    return (max(0.0, low), min(1.0, high)) if unit == "share" else (low, high)


def _around_zero(marks: Iterable[_Mark]) -> tuple[float, float]:
    reach = max(max(abs(mark.low), abs(mark.high)) for mark in marks) * 1.06 or 1.0
    return -reach, reach


_CONFIG: Spec = {
    "view": {"stroke": None},
    "text": {"fill": _INK, "stroke": _PAPER, "strokeWidth": 4, "strokeJoin": "round", "baseline": "middle"},
    "axisX": {
        "domain": False,
        "ticks": False,
        "gridColor": _INK,
        "gridOpacity": 0.12,
        "labelColor": _INK,
        "labelOpacity": 0.8,
        "labelFontSize": _FONT - 1.5,
        "labelPadding": 6,
        "labelFlush": True,
    },
}


# -- the drawing ---------------------------------------------------------------------------------------

_SVG = "http://www.w3.org/2000/svg"


def _is_nothing(part: ElementTree.Element) -> bool:
    """Backgrounds and empty paths that Vega writes."""
    return part.tag == f"{{{_SVG}}}path" and part.get("class") in ("background", "foreground")


def _recolour(part: ElementTree.Element, prefix: str) -> None:
    """Keep geometry and paint; drop fonts, roles and names, which the page gives."""
    if part.tag == f"{{{_SVG}}}text" and "stroke" in part.attrib:
        part.attrib["paint-order"] = "stroke"
    for name in list(part.attrib):
        value = part.attrib[name]
        if name.startswith("aria-") or name in ("role", "class", "font-family", "pointer-events"):
            del part.attrib[name]
        elif name in ("fill", "stroke"):
            part.attrib[name] = _COLOURS.get(value, value)
        elif name == "id":
            part.attrib[name] = f"{prefix}-{value}"
        elif "url(#" in value:
            part.attrib[name] = value.replace("url(#", f"url(#{prefix}-")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "chart"
