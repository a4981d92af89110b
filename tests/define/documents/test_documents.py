"""Documents say what the spec says, name the key of every value, and hide nothing that is missing."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from define.documents.telling import decided, example, made, telling
from shipworthy.decide.record.words import verdict_mark
from shipworthy.define.documents.catalogue import DOCUMENTS
from shipworthy.define.documents.evidence import GateMeasured
from shipworthy.define.documents.html import MARKS, html_of
from shipworthy.define.documents.markdown import markdown_of
from shipworthy.define.documents.model import Document, Section
from shipworthy.define.documents.self_audit import AREAS, audit
from shipworthy.define.documents.telling import words_of
from shipworthy.define.keys.part import value_at
from shipworthy.define.reading import SpecFile
from shipworthy.records import Verdict

HOSTILE = "<script>alert(1)</script> | **x** --> ![a](http://evil.example/b.png)\u202e"


def titles(document: Document) -> list[str]:
    def below(section: Section) -> list[str]:
        return [section.title, *(name for part in section.parts for name in below(part))]

    return [name for section in document.sections for name in below(section)]


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("spec", ["loan", "support", "minimum"])
def test_every_key_that_a_cell_names_stands_at_its_line(name: str, spec: str) -> None:
    t = telling(example(spec))
    document = DOCUMENTS[name](t)
    lines = t.file.text.split("\n")
    traced = [(cell, path) for cell in document.cells() for path in cell.keys]
    assert len(traced) >= 4
    for cell, path in traced:
        assert t.line(path) <= len(lines), (cell, path)
        if path in t.file.lines and isinstance(path[-1], str):
            assert path[-1] in lines[t.line(path) - 1], (path, t.line(path))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_cell_is_silently_blank(name: str) -> None:
    for file in (example("loan"), example("minimum"), made()):
        document = DOCUMENTS[name](telling(file))
        blank = [cell for cell in document.cells() if not cell.text.strip() and not cell.tone]
        assert [cell for cell in blank if "more (key" not in cell.text] == []


def test_what_is_said_is_shown_word_for_word() -> None:
    t = telling(example("loan"))
    text = " ".join(cell.text for cell in DOCUMENTS["prd"](t).cells())
    for path in (
        ("problem", "user"),
        ("problem", "today"),
        ("gates", 0, "why"),
        ("data", "labels", "definition"),
    ):
        assert words_of(value_at(t.spec, path)) in text


def test_what_is_not_said_names_its_key() -> None:
    cells = {cell.text for cell in DOCUMENTS["brief"](telling(made())).cells()}
    assert "not said (key problem.user)" in cells
    assert "not said (key costs)" in cells


def test_the_prd_has_the_usual_sections_and_the_three_that_ai_adds() -> None:
    found = titles(DOCUMENTS["prd"](telling(example("loan"))))
    usual = {
        "Problem",
        "Goals",
        "Stories",
        "Metrics",
        "Data needs",
        "Rationale",
        "Launch",
        "Owners and signers",
    }
    assert usual <= set(found)
    assert {"Model spec", "Eval plan", "Before launch", "After launch", "Failure modes"} <= set(found)


def test_a_failure_mode_shows_its_gates_answer_or_why_it_is_accepted() -> None:
    t = telling(
        example("loan"), decided(g_precision=GateMeasured("not_proven", "94% (between 90 and 97 of 100)"))
    )
    cells = {cell.text: cell for cell in DOCUMENTS["failures"](t).cells()}
    assert cells["not proven"].decision == "d1"
    assert "94%" in cells["not proven"].note
    assert any(text.startswith("accepted: ") for text in cells)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (GateMeasured("met", "84%"), ""),
        (GateMeasured("not_proven", "81%"), "g is not proven (81%)"),
        (GateMeasured("not_met", "60%"), "g is not met (60%)"),
        (
            GateMeasured("not_measured", sentence="not measured because a column is missing"),
            "a column is missing",
        ),
    ],
)
def test_a_claim_is_struck_through_unless_its_gate_is_proven(answer: GateMeasured, reason: str) -> None:
    file = made(limits=[{"claim": "It works", "evidence": "g"}])
    claim = next(
        c for c in DOCUMENTS["limits"](telling(file, decided(g=answer))).cells() if c.text == "It works"
    )
    assert (claim.tone == "struck") == bool(reason)
    assert reason in claim.note
    page = html_of(DOCUMENTS["limits"](telling(file, decided(g=answer))), telling(file))
    assert ("<s><bdi>It works</bdi></s>" in page) == bool(reason)


def test_without_a_decision_no_claim_may_be_made() -> None:
    file = made(limits=[{"claim": "It works", "evidence": "g"}, {"claim": "It is nice"}])
    claims = {c.text: c for c in DOCUMENTS["limits"](telling(file)).cells() if c.text.startswith("It ")}
    assert "there is no decision yet" in claims["It works"].note
    assert "no gate proves it" in claims["It is nice"].note


def test_the_model_card_shows_groups_and_missing_populations_and_carries_the_hubs_metadata() -> None:
    t = telling(example("loan"), decided(g_precision=GateMeasured("met", "96%", number=0.96)))
    document = DOCUMENTS["model-card"](t)
    cells = [cell.text for cell in document.cells()]
    assert "thin_file = yes" in cells
    assert "colour = red" not in cells
    assert words_of(t.spec.data.populations.missing) in cells
    front = YAML(typ="safe").load(markdown_of(document, t).split("---\n")[1])
    result = front["model-index"][0]["results"][0]
    assert result["dataset"]["revision"] == "sha256:abc"
    assert {"type": "accuracy", "name": "accuracy", "value": 0.83} in result["metrics"]
    assert {"Model Details", "Uses", "Bias, Risks, and Limitations", "Training Data", "Evaluation"} <= set(
        titles(document)
    )


def test_without_a_decision_the_model_card_has_no_results() -> None:
    front = DOCUMENTS["model-card"](telling(example("loan"))).front
    assert "model-index" not in front


def test_removing_the_monitors_lowers_exactly_one_share_of_the_self_audit() -> None:
    for name in ("loan", "support"):
        whole = example(name)
        bare = whole.spec.model_copy(update={"monitors": []})
        lowered = [a.name for a, b in zip(audit(whole.spec), audit(bare), strict=True) if b.share < a.share]
        assert lowered == ["monitoring"]


@pytest.mark.parametrize(
    ("part", "area"),
    [("learning", AREAS[0]), ("data", AREAS[1]), ("guardrails", AREAS[2]), ("monitors", AREAS[3])],
)
def test_each_part_of_the_spec_counts_in_its_own_area(part: str, area: str) -> None:
    whole = example("loan").spec
    bare = whole.model_copy(update={part: [] if isinstance(getattr(whole, part), list) else None})
    shares = {a.name: (a.share, b.share) for a, b in zip(audit(whole), audit(bare), strict=True)}
    assert shares[area][1] < shares[area][0]


def test_two_lowest_shares_are_both_named() -> None:
    t = telling(made())
    areas = audit(t.spec)
    least = min(area.share for area in areas)
    lowest = [area.name for area in areas if area.share == least]
    lead = next(iter(DOCUMENTS["self-audit"](t).sections[0].blocks)).cell.text
    assert len(lowest) > 1
    assert all(name in lead for name in lowest)


def test_the_lowest_share_is_the_headline_and_no_average_is_made() -> None:
    t = telling(made())
    areas = audit(t.spec)
    lead = next(iter(DOCUMENTS["self-audit"](t).sections[0].blocks)).cell.text
    assert min(areas, key=lambda a: a.share).name in lead


@pytest.mark.parametrize(
    ("edit", "answer"),
    [
        (("within: 60m", "within: 61m"), "too slow"),
        (("last_drill: 2026-01-12", "last_drill: 2025-10-01"), "not drilled lately"),
    ],
)
def test_a_slow_or_forgotten_rollback_is_no_yes(edit: tuple[str, str], answer: str) -> None:
    cells = [cell.text for cell in DOCUMENTS["launch"](telling(example("loan", edit))).cells()]
    assert answer in cells


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ({"mitigation": "review"}, "nothing notices miss"),
        ({"detect": "complaints"}, "nothing softens miss"),
        ({}, "nothing notices miss; nothing softens miss"),
    ],
)
def test_the_launch_plan_names_what_a_failure_mode_lacks(mode: dict[str, str], said: str) -> None:
    file = made(failure_modes=[{"id": "miss", **mode}])
    assert said in [cell.text for cell in DOCUMENTS["launch"](telling(file)).cells()]


def test_the_delay_of_an_online_metric_is_not_made_up() -> None:
    for metric, late in (
        ({}, "not said"),
        ({"proxy": "p"}, "not said, until then p"),
        ({"delay": "3d"}, "3d"),
    ):
        file = made(metrics=[{"id": "money", "layer": "online", **metric}])
        cells = [cell.text for cell in DOCUMENTS["prd"](telling(file)).cells()]
        assert late in cells
        assert "at once" not in cells


def test_a_metric_has_one_interval_which_is_its_gates() -> None:
    gate = GateMeasured("met", "83% (between 78 and 88 of 100)", number=0.83, metric="accuracy")
    t = telling(made(metrics=["accuracy"]), decided(g=gate))
    for name in ("prd", "model-card"):
        text = markdown_of(DOCUMENTS[name](t), t)
        assert "between 78 and 88" in text
        assert "between 79.6" not in text
    other = telling(made(metrics=["accuracy"]), decided(g=replace(gate, number=0.5)))
    assert "between 79.6" in markdown_of(DOCUMENTS["prd"](other), other)


def test_budgets_are_told_with_their_units_and_arrows_and_hashes_as_people_read_them() -> None:
    digits = "0123456789ab"
    file = made(
        costs={"currency": "EUR", "wrong": 1},
        budgets={"latency_p95_ms": 800, "run_cost": 0.01},
        problem={"success": "26 h -> 2 h"},
        golden={"path": "golden.csv", "version": f"sha256:{digits * 5}abcd"},
    )
    t = telling(file)
    document = DOCUMENTS["prd"](t)
    for page in (html_of(document, t).split('<section class="spec">')[0], markdown_of(document, t)):
        assert "800 ms" in page
        assert "EUR\u00a00.01" in page or "EUR 0.01" in page
        assert "26 h → 2 h" in page
        assert f"sha256:{digits}" in page
        assert digits * 2 not in page


def test_what_is_not_said_is_a_dash_in_tables_with_its_key_and_a_count_below() -> None:
    t = telling(made())
    document = DOCUMENTS["prd"](t)
    page, text = html_of(document, t), markdown_of(document, t)
    assert 'title="not said: gates.g.owner (line ' in page
    assert "— is not said (Owner 1, Why this bar 1)" in page
    assert "| — <!-- gates.g.owner --> |" in text
    assert "— is not said (Owner 1, Why this bar 1)" in text


def test_many_names_of_which_nothing_is_said_share_one_row_that_names_their_keys() -> None:
    t = telling(made())
    text = markdown_of(DOCUMENTS["brief"](t), t)
    assert "- **Not said**: _User (key problem.user); Job (key problem.job); " in text
    page = html_of(DOCUMENTS["brief"](t), t)
    assert 'data-key="problem.user"' in page
    assert "problem.<wbr>user" in page


def test_a_classifiers_prd_asks_nothing_of_a_foundation_model() -> None:
    page = markdown_of(DOCUMENTS["prd"](telling(made())), telling(made()))
    for word in ("context.", "Temperature", "Strategy", "rubric", "judges"):
        assert word not in page


def test_the_spec_is_folded_and_a_row_from_one_line_shows_its_line_once() -> None:
    t = telling(example("loan"))
    page = html_of(DOCUMENTS["failures"](t), t)
    assert "<details><summary>Show all " in page
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", page)
    assert rows
    for row in rows:
        lines = re.findall(r'class="at" href="#(L\d+)"', row)
        assert lines
        assert all(one != other for one, other in pairwise(lines))


def test_a_verdict_has_the_records_sign_and_word_beside_its_colour() -> None:
    assert {verdict.value: MARKS[verdict.value] for verdict in Verdict} == {
        verdict.value: verdict_mark(verdict) for verdict in Verdict
    }
    t = telling(made(), replace(decided(), outcome="hold"))
    assert '<span class="cell hold" data-decision="d1"><span class="mark" aria-hidden="true">‖</span> ' in (
        html_of(DOCUMENTS["limits"](t), t)
    )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_from_a_hostile_spec_is_markup(name: str) -> None:
    file = made(
        title=HOSTILE,
        problem={"user": HOSTILE, "job": HOSTILE, "harm": [{"who": HOSTILE, "how": HOSTILE}]},
        costs={"wrong": {"means": HOSTILE}},
        data={
            "sources": [{"id": HOSTILE}],
            "lineage": [{"id": "m", "kind": "model", "from": HOSTILE}],
            "populations": {"missing": [HOSTILE]},
        },
        failure_modes=[{"id": HOSTILE, "what": HOSTILE, "owner": HOSTILE}],
        monitors=[{"id": HOSTILE, "series": HOSTILE, "rule": HOSTILE}],
        limits=[{"claim": HOSTILE, "evidence": "g", "does_not": HOSTILE}],
    )
    t = telling(file)
    document = DOCUMENTS[name](t)
    page, text = html_of(document, t), markdown_of(document, t)
    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page + text
    body = re.sub(r"<!--.*?-->", "", text.split("\n---\n")[-1])
    assert "<script" not in body
    assert "![a](" not in body
    assert "**x**" not in body
    assert "://evil" not in body
    # A key's name in a comment cannot end it.
    assert all(
        "<script" not in comment and ">" not in comment for comment in re.findall(r"<!--(.*?)-->", text)
    )


def test_a_page_needs_nothing_else_and_every_trace_leads_to_a_line() -> None:
    t = telling(example("support"))
    for make in DOCUMENTS.values():
        page = html_of(make(t), t)
        assert not re.search(r"(?:src|href)=\"(?!#)", page)
        assert "<script" not in page
        anchors = set(re.findall(r'id="(L\d+)"', page))
        assert set(re.findall(r'href="#(L\d+)"', page)) <= anchors
        assert page.count("<h1>") == 1


def test_markdown_names_keys_without_lines_so_that_it_differs_only_where_the_spec_does() -> None:
    file = example("loan")
    moved = example("loan", ("shipworthy: 1\n", "# one more line\nshipworthy: 1\n"))
    texts = [markdown_of(DOCUMENTS["prd"](telling(f)), telling(f)) for f in (file, moved)]
    assert texts[0] == texts[1]
    assert "<!-- problem.user -->" in texts[0]


def test_the_picture_of_the_lineage_is_well_formed_and_always_the_same() -> None:
    t = telling(example("loan"))
    pages = [html_of(DOCUMENTS["datasheet"](t), t) for _ in range(2)]
    assert pages[0] == pages[1]
    drawn = re.search(r'<svg class="lineage".*?</svg>', pages[0], re.DOTALL)
    assert drawn is not None
    names = [node.text for node in ElementTree.fromstring(drawn[0]).iter() if node.get("class") == "name"]  # noqa: S314
    assert "bureau" in names


LONG = {
    "as published": "",
    "long sentences": "a sentence that goes on and on " * 200,
    "one wide word": "W" * 5000,
    "wide letters": "\u6f22\u5b57" * 3000,
}


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser to print with")
@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_the_brief_prints_on_exactly_one_page(text: str, tmp_path: Path) -> None:
    file = _endless(text) if text else example("loan")
    page = tmp_path / "brief.html"
    page.write_text(html_of(DOCUMENTS["brief"](telling(file)), telling(file)), "utf-8")
    printed = tmp_path / "brief.pdf"
    browser = "chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    quiet = "--disable-background-networking --disable-component-update --no-pdf-header-footer"
    profile = [f"--user-data-dir={tmp_path / 'browser'}", f"--print-to-pdf={printed}"]
    command = [*browser.split(), *quiet.split(), *profile, page.as_uri()]
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert re.findall(rb"/Type\s*/Pages\b.*?/Count (\d+)|/Count (\d+)", printed.read_bytes()) == [(b"", b"1")]


def _endless(text: str) -> SpecFile:
    """Return a spec of which every text and every list is too long for a page."""
    errors = ("false_positive", "false_negative", "wrong", "failed")
    groups = {f"g{n} = yes": {"wrong": {"means": text, "cost": 2}} for n in range(30)}
    said = dict.fromkeys(("user", "job", "today", "without_ai", "success"), text)
    return made(
        title=text,
        owners={"product": text},
        problem={**said, "harm": [{"who": text, "how": text, "spot": text}] * 40},
        decision={"prediction": text, "action": [text] * 20, "actor": text},
        costs={
            **{name: {"means": text, "cost": 1} for name in errors},
            "by_group": groups,
            "volume_per_month": 1,
        },
    )
