import re
from dataclasses import replace

import pytest

from shipworthy.decide.record.markdown import render_markdown
from shipworthy.records import CaseChange, Reason

from .example import every_decision, example_decision

EVERY = every_decision()


def table(text: str, heading: str) -> list[str]:
    lines = text[text.index(heading) :].splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("|---"))
    return [line for line in lines[start + 1 :] if line.startswith("|")]


def rows_under(text: str, heading: str) -> list[str]:
    part = text.partition(heading)[2].partition("\n### ")[0]
    return [line for line in part.splitlines() if line.startswith("| ")][1:]


@pytest.mark.parametrize("name", sorted(EVERY))
def test_the_table_has_one_row_per_gate(name: str) -> None:
    decision = EVERY[name]
    text = render_markdown(decision)
    assert len(rows_under(text, "### Gates")) == len(decision.gates)
    assert "nan" not in text
    assert "None" not in text


def test_every_row_has_as_many_cells_as_the_head() -> None:
    decision = example_decision()
    for line in rows_under(render_markdown(decision), "### Gates"):
        assert len(re.findall(r"(?<!\\)\|", line)) == 6


def test_nothing_from_data_is_markup() -> None:
    hostile = (
        "a|b `code` <script>x</script> @octocat [x](https://evil.example) # h *b* _i_ www.evil.example \u202e"
    )
    case = CaseChange(hostile, 0, "good", "poor", hostile, hostile, hostile)
    comparison = replace(example_decision().evidence.comparisons[0], newly_failing=(case,), other=hostile)
    evidence = replace(example_decision().evidence, comparisons=(comparison,), product=hostile)
    text = render_markdown(
        example_decision(
            headline=hostile,
            got_worse=(hostile,),
            forced_by=(Reason("x", hostile, hostile),),
            evidence=evidence,
        ),
        decision_id="d`1",
    )
    assert "<" not in text
    assert not re.search(r"@\w", text)
    assert "https://" not in text
    assert "www.evil" not in text
    assert not re.search(r"(?<!\\)\[x(?<!\\)\]", text)
    assert "\u202e" not in text
    for line in text.splitlines():
        if line.startswith("| "):
            assert len(re.findall(r"(?<!\\)\|", line)) in (5, 6)


def test_at_most_ten_newly_failing_cases_are_shown() -> None:
    case = CaseChange("c", 0, "good", "poor", "i", "b", "a")
    comparison = replace(example_decision().evidence.comparisons[0], newly_failing=(case,) * 40)
    evidence = replace(example_decision().evidence, comparisons=(comparison,))
    assert render_markdown(example_decision(evidence=evidence)).count("\n| c |") == 10


def test_the_comment_fits_into_a_pull_request() -> None:
    many = example_decision().evidence.comparisons * 60
    evidence = replace(example_decision().evidence, comparisons=many)
    text = render_markdown(example_decision(evidence=evidence, gates=example_decision().gates * 40))
    assert len(text) < 60_001
    assert "shipworthy verify" in text


def test_it_says_how_to_verify() -> None:
    assert "`shipworthy verify d-9`" in render_markdown(example_decision(), decision_id="d-9")
