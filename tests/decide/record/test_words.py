import math

import pytest

from shipworthy.decide.record import words
from shipworthy.records import Estimate, GateStatus, Verdict

from .example import example_decision, generator_gates


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.832, "83.2%"),
        (0.8, "80%"),
        (0.9997, "99.97%"),
        (0.99999999, "99.999999%"),
        (1.0, "100%"),
        (0.0, "0%"),
        (0.0004, "0.04%"),
        (0.0073, "0.73%"),
        (0.1 + 0.2, "30%"),
    ],
)
def test_a_share_keeps_the_digits_that_matter(value: float, text: str) -> None:
    assert words.number(value, "share") == text


@pytest.mark.parametrize("step", range(1, 1000))
def test_only_everything_reads_as_everything(step: int) -> None:
    assert words.number(1 - 10 ** (-step / 150), "share") != "100%"
    assert words.number(10 ** (-step / 150) / 10, "share") != "0%"


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (1234.4, "USD", "$1,234"),
        (-1234.4, "USD", "−$1,234"),
        (1234, "EUR", "EUR 1,234"),
        (13.427, "USD", "$13.43"),
        (6.0, "USD", "$6"),
        (0.0042, "USD", "$0.0042"),
        (0.0, "USD", "$0"),
        (-0.0, "USD", "$0"),
    ],
)
def test_money_is_rounded_sensibly(value: float, currency: str, text: str) -> None:
    assert words.number(value, "money", currency) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
@pytest.mark.parametrize("unit", ["share", "money", "ms", "points", "number"])
def test_what_is_not_a_number_is_unknown(value: float | None, unit: str) -> None:
    assert words.number(value, unit) == "unknown"
    assert words.range_words(value, value, unit) == "range unknown"
    assert words.interval(Estimate(value, value, value, 3, unit)) == "unknown"


def test_a_bound_just_short_of_its_bar_does_not_read_as_the_bar() -> None:
    assert words.number(0.79996, "share", apart_from=0.8) == "79.996%"
    assert words.number(0.8, "share", apart_from=0.8) == "80%"


def test_ranges_are_words() -> None:
    assert words.range_words(0.796, 0.862, "share") == "between 79.6 and 86.2 of 100"
    assert words.range_words(None, 0.05, "share") == "at most 5 of 100"
    assert words.range_words(0.9908, 1.0, "share") == "between 99.08 and 100 of 100"
    assert words.range_words(1720.2, 2105, "ms") == "between 1,720 and 2,105 ms"


def test_a_rule_reads_as_words() -> None:
    gates = {result.evidence.gate_id: result.evidence for result in generator_gates()}
    assert words.rule_words(gates["good"]) == "good: at least 80%"
    assert words.rule_words(gates["harmful"]) == "harmful: at most 8%"
    assert words.rule_words(gates["languages"]) == (
        "good[language != en] less good[language = en]: at least −5 points"
    )


def test_a_gate_that_is_not_met_names_the_bound_that_decided() -> None:
    gate = generator_gates()[2].evidence
    assert words.gate_words(gate, status=GateStatus.not_met) == "at most −5.3 points, with 95% confidence"


def test_every_status_and_verdict_has_its_own_mark() -> None:
    assert len({words.status_mark(status) for status in GateStatus}) == len(GateStatus)
    assert len({words.verdict_mark(verdict) for verdict in Verdict}) == len(Verdict)
    assert len({words.verdict_meaning(verdict) for verdict in Verdict}) == len(Verdict)


@pytest.mark.parametrize(
    "code", [0x1B, 0x00, 0x7F, 0x85, 0x200B, 0x202E, 0x2066, 0xFEFF, 0xE0041, 0xD800, 0xFFFE]
)
def test_no_character_hides(code: int) -> None:
    assert chr(code) not in words.visible(f"a{chr(code)}b")


def test_ordinary_texts_of_all_scripts_stay_as_they_are() -> None:
    text = "Größe\n\tالعربية 漢字 हिन्दी\u200dक 👩\u200d💻 ✓"
    assert words.visible(text) == text


def test_a_cut_text_is_one_line_and_never_longer_than_asked() -> None:
    assert words.cut("a\nb" * 50, 40).endswith("…")
    assert len(words.cut("x" * 99, 40)) == 40


def test_the_date_is_readable_and_other_texts_stay() -> None:
    assert words.when(example_decision().decided_at) == "3 March 2026, 14:05 UTC"
    assert words.when("yesterday") == "yesterday"
