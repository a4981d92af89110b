"""A change of a spec is told in words, with the way in which it moves the promise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from define.documents.telling import example, made
from shipworthy.define.history import Change, Shown, changes_between
from shipworthy.define.spec import Spec

GATES = [{"id": "g", "rule": "accuracy >= 80%"}, {"id": "soft", "rule": "recall >= 50%", "blocking": False}]
BASE: dict[str, Any] = {
    "gates": GATES,
    "owners": {"product": "ana", "signers": {"legal": "lee"}},
    "golden": {"path": "golden.csv", "version": "sha256:1", "strata": {"edge": 60}, "max_unscored": 0.02},
    "costs": {"wrong": 5},
    "budgets": {"latency_p99_ms": 200},
    "groups": ["age"],
    "failure_modes": [{"id": "miss", "severity": "blocker", "gate": "g"}],
    "guardrails": [{"id": "look", "stops": "false_positive"}],
    "monitors": [{"id": "m", "series": "x", "rule": "> 1", "do": "page", "owner": "ana"}],
    "launch": {"rollback": {"to": "v1", "within": "60m", "triggers": ["m"]}},
    "data": {"populations": {"included": ["a"], "missing": ["b"]}},
}


def spec(**changed: Any) -> Spec:
    return made(**(BASE | changed)).spec


def told(**changed: Any) -> list[tuple[str, str]]:
    return [(change.eases, change.text) for change in changes_between(spec(), spec(**changed))]


def gates(first: dict[str, Any] | None = None, *, rule: str = "accuracy >= 80%") -> list[dict[str, Any]]:
    return [{"id": "g", "rule": rule, **(first or {})}, GATES[1]]


@pytest.mark.parametrize(
    ("changed", "eases", "text"),
    [
        ({"gates": gates(rule="accuracy >= 75%")}, "easier", "bar of g lowered from 80% to 75%"),
        ({"gates": gates(rule="accuracy >= 85%")}, "harder", "bar of g raised from 80% to 85%"),
        ({"gates": gates(rule="accuracy > 80%")}, "harder", "the bar itself no longer suffices for g"),
        ({"gates": gates(rule="precision >= 80%")}, "unclear", "the gate g asks something else"),
        ({"gates": gates({"confidence": 0.9})}, "easier", "confidence of g lowered from 0.95 to 0.9"),
        ({"gates": gates({"on": "edge"})}, "unclear", "all rows became stratum = edge"),
        ({"gates": gates({"waiver": {"owner": "ana", "reason": "late"}})}, "easier", "waiver of g was added"),
        ({"gates": gates({"owner": "bo"})}, "neither", "owner of g was added: bo"),
        ({"gates": [GATES[0]]}, "neither", "advisory gate soft (recall >= 50%)"),
        ({"gates": [*GATES, {"id": "n", "rule": "fpr <= 9%"}]}, "harder", "gate n (fpr <= 9%) was added"),
        ({"groups": []}, "easier", "groups lost age"),
        ({"owners": {"product": "bo", "signers": {"legal": "lee"}}}, "neither", "from ana to bo"),
        ({"owners": {"product": "ana"}}, "easier", "the signer for legal was removed"),
        ({"budgets": {"latency_p99_ms": 400}}, "easier", "budgets.latency_p99_ms raised from 200 to 400"),
        ({"costs": {"wrong": 4}}, "neither", "costs.wrong.cost changed from 5 to 4"),
        ({"guardrails": [*BASE["guardrails"], {"id": "b", "stops": "wrong"}]}, "easier", "guardrail b"),
        ({"monitors": [], "launch": BASE["launch"]}, "easier", "the monitor m was removed"),
        ({"launch": {"rollback": {"to": "v1", "within": "2h", "triggers": ["m"]}}}, "easier", "60m to 2h"),
        ({"launch": {"rollback": {"to": "v2", "within": "60m", "triggers": ["m"]}}}, "neither", "v1 to v2"),
        ({"golden": BASE["golden"] | {"version": "sha256:2"}}, "unclear", "golden.version changed"),
        ({"golden": BASE["golden"] | {"strata": {"edge": 40}}}, "easier", "edge lowered from 60 to 40"),
        ({"golden": BASE["golden"] | {"max_unscored": 0.1}}, "easier", "raised from 0.02 to 0.1"),
        ({"data": {"populations": {"included": ["a"], "missing": ["c"]}}}, "unclear", "gained c"),
        ({"level": "operate"}, "harder", "level raised from judge to operate"),
        ({"problem": {"user": "us all"}}, "neither", "problem was added"),
    ],
)  # fmt: skip
def test_one_change_is_told_once_with_its_way(changed: dict[str, Any], eases: str, text: str) -> None:
    ((way, words),) = told(**changed)
    assert way == eases
    assert text in words


def test_a_blocker_made_minor_is_easier_twice_where_it_made_its_gate_block() -> None:
    advisory = gates({"blocking": False})
    before = spec(gates=advisory)
    after = spec(gates=advisory, failure_modes=[{"id": "miss", "severity": "minor", "gate": "g"}])
    ((eases, words),) = [(c.eases, c.text) for c in changes_between(before, after)]
    assert (eases, words) == ("easier", "severity of miss lowered from blocker to minor")
    assert [c.gate for c in changes_between(before, after)] == ["g"]


STEPS = [{"percent": 5, "for": "7d"}, {"percent": 22, "for": "7d"}, {"percent": 100}]


@pytest.mark.parametrize(
    ("before", "after", "key", "text"),
    [
        ([STEPS[0], STEPS[2]], STEPS, "22%", "a stage of 22% was put before 100%"),
        (STEPS, [STEPS[0], STEPS[2]], "22%", "the stage of 22% before 100% was taken out"),
        (STEPS[:2], STEPS, "100%", "a stage of 100% was put at the end"),
        (STEPS, [{**STEPS[0], "for": "2d"}, *STEPS[1:]], "5%.for", "time of stage 5% changed from 7d to 2d"),
        ([{"name": "canary", **STEPS[0]}], [{"name": "canary", "percent": 9, "for": "7d"}], "canary.percent",
         "percent of stage canary changed from 5 to 9"),
    ],
)  # fmt: skip
def test_a_stage_is_called_by_its_name_or_its_share_of_traffic(
    before: list[Any], after: list[Any], key: str, text: str
) -> None:
    old, new = (spec(launch={**BASE["launch"], "stages": stages}) for stages in (before, after))
    ((found),) = changes_between(old, new)
    assert (found.key, found.text) == (f"launch.stages.{key}", text)


def test_an_acceptance_of_a_failure_mode_is_easier_and_says_why() -> None:
    mode = {"id": "miss", "severity": "blocker", "gate": "g", "accepted": "rare enough"}
    assert ("easier", "accepted of miss was added: “rare enough”") in told(failure_modes=[mode])


def test_costs_move_a_promise_only_where_a_gate_is_on_money() -> None:
    money = [{"id": "c", "rule": "expected_cost <= 1"}]
    (change,) = changes_between(
        spec(gates=money, failure_modes=[]), spec(gates=money, failure_modes=[], costs={"wrong": 4})
    )
    assert change.eases == "easier"
    compared = {
        "gates": [{"id": "c", "rule": "delta(expected_cost, live) < 0"}],
        "failure_modes": [],
        "systems": {"live": {"type": "rule"}},
    }
    (change,) = changes_between(spec(**compared), spec(**compared, costs={"wrong": 4}))
    assert change.eases == "unclear"


def test_another_spelling_or_order_is_no_change() -> None:
    same = [GATES[1], {"id": "g", "rule": "accuracy>=80 %", "blocking": True, "confidence": 0.95}]
    assert told(gates=same) == []
    assert changes_between(example("loan").spec, example("loan").spec) == ()


def test_what_is_easier_comes_first_and_everything_else_is_told_too() -> None:
    after = spec(gates=gates({"owner": "bo"}, rule="accuracy >= 70%"), groups=["age", "region"])
    assert [change.eases for change in changes_between(spec(), after)] == ["easier", "harder", "neither"]


def test_a_key_that_no_family_knows_is_told_in_plain_words() -> None:
    before, after = example("loan"), example("loan", ("actor: ", "actor: nobody, or "))
    (change,) = changes_between(before.spec, after.spec)
    assert change.eases == "neither"
    assert change.text.startswith("decision.actor changed from")
    assert json.loads(change.after).startswith("nobody, or")


def test_a_change_says_what_had_been_measured_of_its_gate() -> None:
    change = Change("gates.g.rule", "bar of g lowered from 80% to 75%", "easier", "g")
    shown = {"g": Shown("d7", "run 7", "78%", "accuracy >= 80%")}
    assert (
        change.said(shown) == "bar of g lowered from 80% to 75% after decision d7 (run run 7) had shown 78%"
    )
    assert change.said({}) == change.text
