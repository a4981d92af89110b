"""Rules: what parses parses again from its own words; the rest is refused with a place and a way out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.define.rules import Call, Condition, Population, Rule, parse_condition_text, parse_rule
from shipworthy.errors import RuleError

MALFORMED = [
    "",
    "   ",
    "recall",
    "recall >=",
    ">= 0.9",
    "0.9 >= 0.8",
    "recall = 0.9",
    "recall == 90%",
    "recall != 0.9",
    "recall => 0.9",
    "recall >= >= 0.9",
    "recall >= 0.9 >= 0.8",
    "recall >= 0.9 and precision >= 0.8",
    "recall precision >= 0.9",
    "recall[ >= 0.9",
    "recall[] >= 0.9",
    "recall[age] >= 0.9",
    "recall[age >= ] >= 0.9",
    "recall[age >= 60 >= 0.9",
    "recall[age >= 60 or sex = f] >= 0.9",
    "recall[plan in free] >= 0.9",
    "recall[plan in (free] >= 0.9",
    "recall[plan in ()] >= 0.9",
    "recall[age ~ 60] >= 0.9",
    "mean(reward >= 0.9",
    "mean(reward cost) >= 0.9",
    "mean(reward)) >= 0.9",
    "delta(accuracy, live >= 0",
    "delta(, live) >= 0",
    "delta(delta(accuracy, live), live) >= 0",
    "gap(ratio(fpr, race), sex) <= 5pt",
    "worst(gap(fpr, race), sex) <= 5pt",
    "ratio(fpr, race * sex) <= 1.25",
    "1 - harmful >= 92%",
    "accuracy + recall >= 1",
    "accuracy >= recall + precision",
    "accuracy >= recall - precision",
    "recall >= 0,95",
    "recall >= 1,5%",
    "recall >= 12,34,5",
    "recall >= 1e999",
    "recall >= 95 %%",
    "recall >= 95$",
    "recall >= 95% of cases",
    '"" >= 0.9',
    'recall["plan] >= 0.9',
    "recall; DROP TABLE >= 0.9",
    "recall * 2 >= 0.9",
    "(recall) >= 0.9",
    "recall >= {bar}",
    "ndcg@ >= 0.5",
    "recall\x00 >= 0.9",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_rule_is_refused_with_its_place_and_what_to_do(text: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rule(text)
    error = caught.value
    assert 0 <= error.position <= len(text)
    assert error.rule == text
    assert error.what
    assert error.fix
    assert not error.what.endswith(".")


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("recall = 0.9", 7),
        ("recall[age ~ 60] >= 0.9", 11),
        ("recall >= 0.9 and precision >= 0.8", 14),
        ("recall >= 0,95", 10),
        ("delta(delta(accuracy, live), live) >= 0", 6),
        ("accuracy + recall >= 1", 11),
    ],
)
def test_the_place_is_where_it_went_wrong(text: str, position: int) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rule(text)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("text", "operator", "bar"),
    [
        ("recall ≥ 95%", ">=", 0.95),
        ("recall>=.95", ">=", 0.95),
        ("5% > fpr", "<", 0.05),
        ("95% <= recall", ">=", 0.95),
        ("run_cost < 1,000.50", "<", 1000.5),
        ("latency_p99_ms <= 2_000", "<=", 2000),
        ("accuracy[a = x] >= accuracy[a = y] - 5pt", ">=", -0.05),
        ("accuracy[a = x] >= accuracy[a = y] − 5 points", ">=", -0.05),
        ("accuracy[a = x] + 5pt >= accuracy[a = y]", ">=", -0.05),
        ("delta(accuracy, live) >= -2pt", ">=", -0.02),
    ],
)
def test_a_rule_is_read_as_people_write_it(text: str, operator: str, bar: float) -> None:
    rule = parse_rule(text)
    assert (rule.operator, rule.bar) == (operator, pytest.approx(bar))


# -- every rule parses again from its own words ----------------------------------------------------------

words = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda word: word not in ("delta", "ratio", "gap")
)
metrics = st.one_of(words, st.sampled_from(["ndcg@10", "pass^3", "a metric", "it's", 'say "so"', "größe"]))
values = st.one_of(
    words,
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\"'"), max_size=8),
    st.sampled_from(["", "and", "in", "60", "-1.5", "it's", 'a"b', "a b", "x]", "(y)", "a,b", "≥3"]),
)
conditions = st.one_of(
    st.builds(Condition, values, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.tuples(values)),
    st.builds(Condition, values, st.just("in"), st.lists(values, min_size=1, max_size=3).map(tuple)),
)
populations = st.builds(Population, st.lists(conditions, max_size=3).map(tuple))
named = st.lists(st.tuples(values, values), max_size=1).map(tuple)
plain = st.builds(Call, metrics, st.lists(values, max_size=2).map(tuple), named, populations)
formed = st.builds(
    Call,
    st.sampled_from(["delta", "ratio", "gap"]),
    st.tuples(plain, values),
    named,
    populations,
)
rules = st.builds(
    Rule,
    st.just(""),
    st.one_of(plain, formed),
    st.sampled_from([">=", "<=", ">", "<"]),
    st.floats(-1e6, 1e6).map(lambda number: round(number, 6) + 0.0),
    st.one_of(st.none(), plain),
    st.sampled_from(["", "%", "pt"]),
)


def bare(call: Call | None) -> Call | None:
    """Return a call without positions."""
    if call is None:
        return None
    inside = tuple(bare(a) if isinstance(a, Call) else a for a in call.arguments)
    return replace(call, position=0, arguments=inside)  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None)
@given(rules)
def test_a_rule_parses_again_from_its_own_words(rule: Rule) -> None:
    again = parse_rule(str(rule))
    assert bare(again.left) == bare(rule.left)
    assert bare(again.right) == bare(rule.right)
    assert again.operator == rule.operator
    assert again.bar == pytest.approx(rule.bar, rel=1e-9, abs=1e-12)
    assert again.bar_unit == rule.bar_unit


@settings(max_examples=300, deadline=None)
@given(populations.filter(lambda population: population.conditions))
def test_a_population_parses_again_from_its_own_words(population: Population) -> None:
    assert parse_condition_text(str(population)) == population


NOISE = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            [
                "recall",
                "delta(",
                "[",
                "]",
                "(",
                ")",
                ">=",
                "<",
                "=",
                "0.9",
                "5pt",
                "%",
                ",",
                " and ",
                "in",
                '"',
                "'",
                "`",
                "+",
                "-",
                "−",
                "@10",
                "^",
                "1e9",
                "race",
                "\n",
                "≥",
                "_",
                ".",
                "٣",
            ]
        ),
        max_size=12,
    ).map(" ".join),
)


@settings(max_examples=600, deadline=None)
@given(NOISE)
def test_no_text_raises_anything_but_a_rule_error_inside_it(text: str) -> None:
    for parse in (parse_rule, parse_condition_text):
        try:
            parse(text)
        except RuleError as error:
            assert 0 <= error.position <= len(text)
            assert str(error)


def test_a_very_deep_or_long_rule_is_refused_or_read_and_never_a_crash() -> None:
    with pytest.raises(RuleError):
        parse_rule("delta(" * 5000)
    assert (
        len(
            parse_rule(
                f"recall[plan in ({', '.join(map(str, range(5000)))})] >= 0.5"
            ).left.population.conditions
        )
        == 1
    )
