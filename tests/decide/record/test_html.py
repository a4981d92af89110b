import itertools
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from html.parser import HTMLParser
from typing import Any

import pytest

from shipworthy.decide.record.html import render_html
from shipworthy.decide.record.junit import render_junit
from shipworthy.decide.record.markdown import render_markdown
from shipworthy.records import Decision, GateStatus

from .example import BREAKOUT, SCRIPT, every_decision, example_decision

EVERY = every_decision()
VOID = {"meta", "br", "img", "link", "input", "hr", "use", "path", "circle", "line", "rect"}


class Page(HTMLParser):
    """What a page holds: its tags with attributes, its text, and whether they nest."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module", params=sorted(EVERY))
def decision(request: pytest.FixtureRequest) -> Decision:
    return EVERY[request.param]


@pytest.fixture(scope="module")
def source(decision: Decision) -> str:
    return render_html(decision, decision_id="d-1")


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


def test_the_page_is_well_nested_and_has_what_a_page_needs(page: Page) -> None:
    assert page.crossed == []
    assert page.open == []
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert len(page.all("title")) == 1
    assert len(page.all("main")) == 1
    assert any(meta.get("name") == "viewport" for meta in page.all("meta"))


def test_nothing_is_loaded_and_nothing_runs(page: Page, source: str) -> None:
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "a"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("href", "src", "xlink:href"):
                assert (value or "").startswith("#")
            if name != "xmlns":
                assert "http" not in (value or "").replace("http-equiv", "") or name == "aria-label"
    style = source.partition("<style>")[2].partition("</style>")[0]
    assert not re.search(r"@import|url\(|http|@font-face", style)
    policy = next(meta for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_text_from_data_is_never_markup(source: str) -> None:
    assert SCRIPT not in source
    assert "<script" not in source
    assert BREAKOUT not in source
    assert "<img" not in source
    assert "\x1b" not in source
    assert "\u202e" not in source


def test_hostile_text_in_every_place_stays_text() -> None:
    hostile = f'"><b>{SCRIPT}\u202e\x1b{BREAKOUT}'
    decision = example_decision(
        headline=hostile,
        got_worse=(hostile,),
        not_judged=(hostile,),
        spec_hash=hostile,
        parents={hostile: hostile},
        previous=hostile,
        decided_at=hostile,
        shipworthy_version=hostile,
    )
    source = render_html(decision, decision_id=hostile)
    assert "<script" not in source
    assert "<img" not in source
    assert "\u202e" not in source
    assert Page(source).crossed == []


@pytest.mark.parametrize(
    "render", [render_html, render_markdown, render_junit], ids=lambda render: render.__name__
)
@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_decision_whose_every_text_is_hostile_stays_text(
    name: str, render: Callable[[Decision], str]
) -> None:
    poison = f'"]]>--></style></title>{SCRIPT}{{{{7*7}}}}{{% raw %}}\u202e\x1b\x00\ud800{BREAKOUT}'
    source = render(poisoned(EVERY[name], poison))
    source.encode()
    assert "<script" not in source
    assert "<img" not in source
    assert not re.search("[\u202e\x00\x1b]", source)
    if render is render_html:
        assert Page(source).crossed == []


def poisoned(value: Any, poison: str) -> Any:
    """The same record with every text replaced."""
    if isinstance(value, Enum):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        kept = {"unit", "better"}
        changed = {
            part.name: poisoned(getattr(value, part.name), poison)
            for part in fields(value)
            if part.name not in kept
        }
        return replace(value, **changed)
    if isinstance(value, dict):
        return dict.fromkeys([poison], *list(value.values())[:1])
    if isinstance(value, tuple):
        return tuple(poisoned(part, poison) for part in value)
    return poison if isinstance(value, str) else value


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_colour_is_readable_on_every_ground(theme: str) -> None:
    themes = tokens()[theme]
    for name, colour in themes.items():
        verdict, _, role = name.rpartition(" ")
        if role in ("ink", "soft", "good", "bad", "quiet", "accent"):
            assert min(contrast(colour, themes[ground]) for ground in ("paper", "wash")) >= 4.5, name
        if role == "verdict" and verdict:
            assert contrast(colour, themes[f"{verdict} band"]) >= 4.5, name
            assert contrast(themes["soft"], themes[f"{verdict} band"]) >= 4.5, name


def tokens() -> dict[str, dict[str, str]]:
    """Colours by name in each theme; a verdict's own colours carry its name."""
    style = render_html(EVERY["no gates"]).partition("<style>")[2].partition("* { box-sizing")[0]
    found = {}
    for theme, block in zip(
        ("light", "dark"), style.split("@media (prefers-color-scheme: dark)"), strict=True
    ):
        found[theme] = {
            f"{verdict} {token}".strip(): colour
            for verdict, body in re.findall(r"(?:html\.|:root)(\w*) \{([^}]*)\}", block)
            for token, colour in re.findall(r"--(\w+): (#[0-9a-f]{6})", body)
        }
    return found


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_every_gate_appears_with_its_answer(page: Page, decision: Decision) -> None:
    text = " ".join(page.text)
    for result in decision.gates:
        assert result.evidence.rule in text
        assert result.status.words in text


def test_every_status_has_a_shape_and_words_beside_its_colour() -> None:
    source = render_html(example_decision())
    for status in GateStatus:
        assert re.search(
            rf'class="status {status.value}"><svg[^>]*><use href="#i-{status.value}"/></svg>', source
        )
        assert f'<symbol id="i-{status.value}"' in source


def test_ids_are_unique_and_references_resolve(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = {str(attributes["href"]).removeprefix("#") for attributes in page.all("use")}
    assert used <= set(ids)


def test_headings_never_skip_a_level(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_tables_have_captions_and_scopes(page: Page) -> None:
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))


def test_every_chart_has_a_name_and_a_table_of_its_numbers(page: Page, source: str) -> None:
    charts = [svg for svg in page.all("svg") if svg.get("role") == "img"]
    assert all(svg["aria-label"] for svg in charts)
    assert source.count("numbers as a table</summary>") >= len(charts)


def test_nothing_that_is_not_a_number_is_shown(page: Page) -> None:
    text = " ".join(page.text)
    assert not re.search(r"\b(nan|inf|None)\b", text)


def test_no_more_than_120_words_stand_above_the_fold(source: str) -> None:
    top = source.partition("<body>")[2].partition("<h2>Why")[0].partition('<details class="fold">')[0]
    words = " ".join(Page(top).text).split()
    assert len(words) <= 120


def test_newly_failing_cases_come_before_the_fixed_ones() -> None:
    source = render_html(example_decision())
    assert 0 < source.index("Newly failing") < source.index("newly fixed")
    assert source.index("What got worse") < source.index("Newly failing")


def test_long_texts_fold_away() -> None:
    source = render_html(example_decision())
    assert "The other 104 characters" in source


def test_right_to_left_text_finds_its_direction() -> None:
    assert source_has_direction(render_html(example_decision()))


def source_has_direction(source: str) -> bool:
    return bool(re.search(r'<div class="said" dir="auto">\s*لا يمكنني', source))


@pytest.mark.parametrize(
    ("name", "lesson"),
    [
        ("shipping", "Add <code>costs:</code>"),
        ("shipping", "Add <code>systems: {live: …}</code>"),
        ("shipping", "Add <code>slices:</code>"),
        ("shipping", "No bad outcome occurred"),
        ("unmeasured", "No gate has been measured yet."),
        ("unmeasured", "No outcomes have been counted"),
        ("no gates", "Add <code>gates:</code>"),
        ("no gates", "Run the candidate"),
    ],
)
def test_an_empty_part_teaches_how_to_fill_it(name: str, lesson: str) -> None:
    assert lesson in render_html(EVERY[name])


def test_the_command_that_verifies_it_names_the_decision() -> None:
    assert "shipworthy verify d-77" in render_html(example_decision(), decision_id="d-77")
    assert "shipworthy verify DECISION_ID" in render_html(example_decision())


def test_the_same_decision_gives_the_same_page() -> None:
    assert render_html(example_decision()) == render_html(example_decision())
