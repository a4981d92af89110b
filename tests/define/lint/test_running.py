"""Lint asks the rules of a level, sorts by line, and says what was set aside and what it could not see."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from shipworthy.define.lint.facts import Facts, Unknown
from shipworthy.define.lint.rule import RULES
from shipworthy.define.lint.running import lint, lint_at
from shipworthy.define.reading import spec_from_text
from shipworthy.define.spec import LEVELS

from .mutating import DELETED, TODAY, linted

SPEC = """shipworthy: 1
id: made
kind: classifier
level: judge
decision: {prediction: p, action: [send], actor: desk}
costs: {false_positive: 5, false_negative: 5}
golden: {path: g.csv, sampled: random, positive: yes}
routing:
  score: predicted_score
  bands:
    - {to: 0.4, action: send}
    - {from: 0.6, to: 1, action: send}
gates:
  - {id: g, rule: recall >= 90%}
"""


def report(text: str = SPEC, today: date = TODAY, level: str | None = None) -> Any:
    file = spec_from_text(text, Path("shipworthy.yaml"))
    return lint(file, Facts(), today) if level is None else lint_at(file, Facts(), today, level)


def codes(found: Any) -> list[str]:
    return [one.code for one in found.findings]


def ignoring(rule: str, more: str = "", expires: str = "2026-06-01") -> str:
    entry = f"{{rule: {rule}, reason: looked at it, owner: Ana, expires: {expires}{more}}}"
    return f"{SPEC}lint: {{ignore: [{entry}]}}\n"


def test_findings_come_by_line_and_point_at_the_key() -> None:
    found = report()
    assert [(one.code, one.line) for one in found.findings] == [("SW107", 6), ("SW501", 12)]
    assert found.findings[1].key == "routing.bands.1"


def test_a_missing_key_points_at_the_nearest_key_that_is_there() -> None:
    found = report(level="launch")
    [budgets] = [one for one in found.findings if one.code == "SW206"]
    [reason] = [one for one in found.findings if one.code == "SW103"]
    assert (budgets.key, budgets.line) == ("budgets", 1)
    assert (reason.key, reason.line) == ("problem.without_ai", 1)


def test_a_finding_set_aside_is_kept_apart_with_who_why_and_until_when() -> None:
    found = report(ignoring("SW107"))
    assert codes(found) == ["SW501"]
    [aside] = found.set_aside
    assert (aside.found.code, aside.reason, aside.owner, aside.until) == (
        "SW107",
        "looked at it",
        "Ana",
        date(2026, 6, 1),
    )


def test_a_suppression_counts_on_its_last_day_and_not_on_the_next() -> None:
    text = ignoring("SW107")
    assert codes(report(text, today=date(2026, 6, 1))) == ["SW501"]
    assert codes(report(text, today=date(2026, 6, 2))) == ["SW107", "SW501", "SW011"]


@pytest.mark.parametrize("at", ["routing", "routing.bands.1", "send"])
def test_a_suppression_holds_for_a_key_all_below_it_or_an_id(at: str) -> None:
    assert codes(report(ignoring("SW501", f", at: {at}"))) == ["SW107"]


@pytest.mark.parametrize("at", ["routing.bands.0", "rout", "other"])
def test_a_suppression_of_another_place_sets_nothing_aside_and_says_so(at: str) -> None:
    assert codes(report(ignoring("SW501", f", at: {at}"))) == ["SW107", "SW501", "SW012"]


def test_a_suppression_of_a_rule_that_is_not_asked_is_not_called_idle() -> None:
    assert "SW012" not in codes(report(ignoring("SW103")))


def test_a_suppression_of_a_rule_that_could_not_look_is_not_called_idle() -> None:
    assert "SW012" not in codes(report(ignoring("SW603")))


def test_rules_that_need_absent_data_are_listed_once_per_reason() -> None:
    blind = {
        one.because: one.rules
        for one in linted("loan", facts={"runs": Unknown("nobody ran it")}).not_looked_at
    }
    assert "SW504" in blind["nobody ran it"]
    assert set(blind) == {"nobody ran it"}


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(LEVELS)))
def test_a_higher_level_asks_more_rules(lower: str, higher: str) -> None:
    less, more = (linted("loan", {"level": level}) for level in (lower, higher))
    assert less.asked < more.asked


def test_a_level_is_previewed_without_changing_the_spec() -> None:
    assert len(codes(report(level="operate"))) > len(codes(report()))
    with pytest.raises(ValueError, match="none of judge, launch, operate"):
        report(level="production")


def test_only_errors_fail_unless_warnings_are_to_fail_too() -> None:
    warned = report(ignoring("SW501"))
    assert not warned.fails()
    assert warned.fails(strict=True)
    assert report().fails()


def test_a_rule_of_a_level_stays_silent_below_it() -> None:
    asked = {code for code, rule in RULES if rule.level == "judge"}
    found = linted("loan", {"level": "judge", "problem": DELETED, "owners": DELETED, "launch": DELETED})
    assert {one.code for one in found.findings} <= asked
