"""Every fix that looks like YAML is YAML, starts at a key of the spec, and holds any name it is given."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

import pytest
from ruamel.yaml import YAML

from shipworthy.define.lint.reporting import as_data, missing_in_one_piece
from shipworthy.define.lint.running import Found
from shipworthy.define.lint.snippets import DAY, yaml_snippet
from shipworthy.define.spec import Spec

from . import mutations
from .mutating import DELETED, Mutation, codes_woken, linted

MUTATIONS: list[Mutation] = [
    mutation
    for module in pkgutil.iter_modules(mutations.__path__)
    for mutation in import_module(f"{mutations.__name__}.{module.name}").MUTATIONS
]


def read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_fix_is_yaml_of_the_spec_or_a_sentence(mutation: Mutation) -> None:
    for found in (one for several in codes_woken(mutation).values() for one in several):
        if found.fix[0].isupper():
            assert found.fix.endswith((".", "?"))
        else:
            assert set(read(found.fix)) <= set(Spec.model_fields)


@pytest.mark.parametrize(
    "name", ["a: b", "- x", "#1", "yes", "12", "a, b", 'say "no"', "{x}", "é\n", "*", ""]
)
def test_any_text_comes_back_out_of_a_snippet(name: str) -> None:
    assert read(yaml_snippet("data.sources", [{"id": name, "owner": "Ana"}])) == {
        "data": {"sources": [{"id": name, "owner": "Ana"}]}
    }


def fix_of(code: str, base: str, change: dict[str, Any], facts: dict[str, Any] | None = None) -> Found:
    return next(found for found in linted(base, change, facts).findings if found.code == code)


def test_all_missing_keys_stand_in_one_piece_with_each_outer_key_once() -> None:
    taken = ("problem.user", "problem.job", "costs", "owners.ml", "learning.retrain", "context.prompt")
    piece = missing_in_one_piece(linted("support", dict.fromkeys(taken, DELETED)))
    added = read(piece)
    assert set(added["problem"]) == {"user", "job"}
    assert set(added) >= {"problem", "costs", "owners", "learning", "context"}
    assert piece.count("problem:") == 1


def test_a_key_below_one_that_is_missing_too_goes_inside_its_braces() -> None:
    added = read(missing_in_one_piece(linted("loan", {"costs": DELETED})))
    assert set(added["costs"]) == {"false_positive", "false_negative", "by_group"}


def test_a_list_keeps_all_its_entries_in_the_one_piece() -> None:
    added = read(missing_in_one_piece(linted("minimum", {"level": "launch"})))
    assert len(added["metrics"]) == 2
    assert len(added["failure_modes"]) == 3


def test_one_missing_key_needs_no_further_piece() -> None:
    assert missing_in_one_piece(linted("loan", {"version": DELETED})) == ""


def test_data_say_whether_a_fix_is_yaml_or_words_and_whether_it_is_an_example() -> None:
    report = linted("loan", {"version": DELETED, "limits.0.evidence": "g_none"})
    shown = {one["code"]: (one["fix_kind"], one["example"]) for one in as_data(report)["findings"]}
    assert shown["SW001"] == ("yaml", True)
    assert shown["SW951"] == ("words", False)


def test_each_missing_key_has_a_reason_of_its_own() -> None:
    report = linted("loan", {"problem.user": DELETED, "problem.job": DELETED})
    reasons = [found.why for found in report.findings if found.code == "SW001"]
    assert len(set(reasons)) == 2


def test_no_fix_claims_that_something_happened_on_a_day() -> None:
    drilled = fix_of("SW803", "loan", {"launch.rollback.last_drill": DELETED})
    assert read(drilled.fix)["launch"]["rollback"]["last_drill"] == DAY


def test_a_blocker_tried_on_random_cases_gets_a_rate_and_one_tried_by_hand_a_list() -> None:
    fair = fix_of("SW402", "loan", {"failure_modes.unequal_declines.gate": DELETED})
    by_hand = {"failure_modes.policy_broken.gate": DELETED, "failure_modes.policy_broken.severity": "blocker"}
    listed = fix_of("SW402", "loan", by_hand)
    assert "ratio(selection_rate, age_62_plus) >= 80%" in fair.fix
    assert "failures[stratum = boundary] <= 0" in listed.fix


def test_a_known_mode_is_proposed_on_a_stratum_that_is_declared() -> None:
    found = fix_of("SW407", "loan", {"failure_modes.gaming.id": "other"})
    [mode] = read(found.fix)["failure_modes"]
    assert mode["cases"] in ("representative", "boundary", "failure_replay")


def test_a_monitor_that_is_proposed_is_declared_in_the_same_snippet() -> None:
    found = fix_of("SW405", "loan", {"failure_modes.false_approval.monitor": DELETED})
    added = read(found.fix)
    assert added["failure_modes"][0]["monitor"] == added["monitors"][0]["id"]


def test_flips_are_counted_against_a_system_that_is_declared() -> None:
    without: dict[str, Any] = {"systems.live": DELETED}
    for gate, rule in (("g_cost", "recall >= 70%"), ("g_harmless", "fpr <= 20%"), ("g_flips", "fnr <= 30%")):
        without[f"gates.{gate}.rule"] = rule
        if gate != "g_harmless":
            without[f"gates.{gate}.expect"] = DELETED
    found = fix_of("SW524", "loan", without)
    assert "negative_flips(rule)" in found.fix


def test_strata_come_from_the_golden_set_or_say_which_column_they_need() -> None:
    change = {"golden.strata": DELETED}
    held = fix_of("SW001", "loan", change)
    assert read(held.fix)["golden"]["strata"] == {
        "representative": 4000,
        "boundary": 60,
        "failure_replay": 40,
    }
    bare = {"golden.strata": {}, "golden.columns": ("case_id", "label")}
    assert read(fix_of("SW001", "loan", change, bare).fix)["golden"]["columns"] == {"stratum": "COLUMN"}
