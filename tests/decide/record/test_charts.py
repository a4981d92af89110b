from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from shipworthy.decide.record import charts
from shipworthy.records import GateStatus, SliceEstimate

from .example import BREAKOUT, SCRIPT, every_decision, example_decision, share

Spec = dict[str, Any]


def rows(spec: Spec) -> list[Spec]:
    panels = spec.get("vconcat", [spec])
    return [row for panel in panels for row in panel["data"]["values"]]


def all_charts() -> list[charts.Chart]:
    decision = example_decision()
    return [
        charts.gates_chart(decision),
        charts.outcomes_chart(decision),
        charts.slices_chart(decision),
        charts.comparison_chart(decision.evidence.comparisons[0]),
    ]


@pytest.mark.parametrize("chart", all_charts(), ids=lambda chart: chart.spec["name"])
def test_every_row_of_every_chart_has_its_interval(chart: charts.Chart) -> None:
    assert chart.spec
    assert rows(chart.spec)
    for row in rows(chart.spec):
        assert row["low"] <= row["value"] <= row["high"]
        assert row["low"] < row["high"]


@pytest.mark.parametrize("chart", all_charts(), ids=lambda chart: chart.spec["name"])
def test_a_drawing_follows_the_page_and_holds_nothing_foreign(chart: charts.Chart) -> None:
    assert chart.spec
    drawing = charts.svg(chart.spec)
    root = ElementTree.fromstring(drawing)  # noqa: S314
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert root.get("viewBox")
    assert root.get("width") == "100%"
    assert "height" not in root.attrib
    assert "currentColor" in drawing
    assert not any(word in drawing for word in ("font-family", "<script", "xlink", "<image", "href", " id="))
    for part in root.iter():
        for name in ("fill", "stroke"):
            paint = part.get(name, "none")
            assert paint in ("none", "transparent", "currentColor") or paint.startswith("var(--"), paint


def test_gates_are_told_apart_by_shape_and_words_not_by_colour_alone() -> None:
    spec = charts.gates_chart(example_decision()).spec
    assert spec
    by_colour = {row["colour"]: (row["shape"], row["note"]) for row in rows(spec)}
    assert len({shape for shape, _ in by_colour.values()}) == len(by_colour) == 3
    assert all(row["note"].endswith(("met", "not met", "not proven")) for row in rows(spec))


def test_gates_of_all_units_share_one_bar_and_the_better_side_is_right() -> None:
    decision = example_decision()
    spec = charts.gates_chart(decision).spec
    assert spec
    status = [result.status for result in decision.gates if result.status is not GateStatus.not_measured]
    for row, answer in zip(rows(spec), status, strict=True):
        assert -1 <= row["low"] <= row["high"] <= 1
        if answer is GateStatus.met:
            assert row["low"] >= 0
        elif answer is GateStatus.not_met:
            assert row["high"] <= 0
        else:
            assert row["low"] < 0 < row["high"]


def test_differences_are_told_apart_by_shape() -> None:
    spec = charts.comparison_chart(example_decision().evidence.comparisons[0]).spec
    assert spec
    assert {row["shape"] for row in rows(spec)} == {"circle", "triangle-up", "triangle-down"}
    assert len(spec["vconcat"]) == 2


def test_hostile_labels_are_escaped_and_cut() -> None:
    evidence = example_decision().evidence
    hostile = tuple(
        SliceEstimate(label, label, "good", share(0.5, 0.4, 0.6, 9))
        for label in (SCRIPT, BREAKOUT, "\x1b[31m\u202e\x00", "word" * 200, "]]>&amp;", "")
    )
    spec = charts.slices_chart(example_decision(evidence=replace(evidence, slices=hostile))).spec
    assert spec
    assert all(len(row["label"]) <= 40 for row in rows(spec))
    drawing = charts.svg(spec)
    assert ElementTree.fromstring(drawing) is not None  # noqa: S314
    assert "<script" not in drawing
    assert "<img" not in drawing
    assert "\u202e" not in drawing


@pytest.mark.parametrize("name", ["unmeasured", "no gates", "not finite"])
def test_nothing_to_draw_gives_the_reason_in_words(name: str) -> None:
    chart = charts.gates_chart(every_decision()[name])
    assert chart.spec is None
    assert chart.missing


def test_a_single_value_without_a_range_is_still_drawn() -> None:
    evidence = example_decision().evidence
    part = SliceEstimate("a", "b", "good", replace(share(0.0, 0, 0, 1), low=None, high=None))
    spec = charts.slices_chart(example_decision(evidence=replace(evidence, slices=(part,), metrics=()))).spec
    assert spec
    assert charts.svg(spec).startswith("<svg")


def test_hundreds_of_slices_do_not_make_an_endless_chart() -> None:
    evidence = example_decision().evidence
    many = tuple(SliceEstimate("city", str(at), "good", share(0.8, 0.7, 0.9, 40)) for at in range(300))
    spec = charts.slices_chart(example_decision(evidence=replace(evidence, slices=many))).spec
    assert spec
    assert len(rows(spec)) == charts.MOST_ROWS
