"""The launch checklist: what is asked of which kind, what shows it, and how old that may be."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cli.shipping import Ship, recorded, refused
from shipworthy.decide.readiness import Drill, Known, readiness_of
from shipworthy.define.reading import spec_from_text

TODAY = date(2026, 4, 30)
SPEC = """\
shipworthy: 1
id: made
kind: KIND
level: launch
decision: {prediction: p, action: [a], actor: b}
golden: {path: golden.csv}
gates: [correct >= 80%]
MORE
"""


def items(kind: str = "classifier", more: str = "", **known: object) -> dict:
    spec = spec_from_text(SPEC.replace("KIND", kind).replace("MORE", more), Path("shipworthy.yaml")).spec
    found = readiness_of(Known(spec, TODAY, **known))  # type: ignore[arg-type]
    return {item.id: item for item in found.items}


def drilled(minutes: float, days_ago: int = 1, within: str = "60m") -> str:
    start = datetime(2026, 4, 30, 9, tzinfo=UTC) - timedelta(days=days_ago)
    drill = Drill(start, start + timedelta(minutes=minutes))
    more = f"launch: {{rollback: {{to: v1, within: {within}, drill: d.jsonl}}}}"
    return items(more=more, drills=(drill,), drill_file="d.jsonl")["rollback"].state.value


def test_tools_are_asked_of_an_agent_and_not_of_a_classifier():
    assert "tool_permissions" in items("agent")
    assert {"tool_permissions", "red_team", "refusals", "grounding"}.isdisjoint(items("classifier"))
    assert "grounding" in items("rag")
    assert "grounding" not in items("generator")


def test_whatever_is_not_there_is_missing_and_says_what_to_do():
    for item in items("agent", "regulated: lending").values():
        assert item.state.value == "missing", item
        assert item.change


@pytest.mark.parametrize(
    ("minutes", "days_ago", "within", "state"),
    [
        (60, 1, "60m", "ready"),
        (61, 1, "60m", "failed"),
        (60.5, 1, "60m", "failed"),
        (30, 90, "60m", "ready"),
        (30, 91, "60m", "amber"),
        (61, 91, "60m", "failed"),
        (30, 1, "20m", "failed"),
        (30, 1, "90m", "failed"),
    ],
)
def test_a_drill_older_than_90_days_is_amber_and_one_longer_than_an_hour_or_promised_fails(
    minutes, days_ago, within, state
):
    assert drilled(minutes, days_ago, within) == state


def test_the_latest_drill_counts_and_one_that_never_ended_has_failed():
    at = datetime(2026, 4, 1, 9, tzinfo=UTC)
    good, slow = Drill(at, at + timedelta(minutes=20)), Drill(at - timedelta(days=5), at)
    more = "launch: {rollback: {to: v1, drill: d.jsonl}}"
    known = {"more": more, "drill_file": "d.jsonl"}
    assert items(**known, drills=(good, slow))["rollback"].state.value == "ready"
    assert items(**known, drills=(Drill(at, None),))["rollback"].state.value == "failed"
    assert items(**known)["rollback"].state.value == "missing"


@pytest.mark.parametrize(
    ("tested", "state"), [("2026-01-30", "ready"), ("2026-01-29", "amber"), ("2026-05-01", "missing")]
)
def test_evidence_turns_amber_by_itself_and_none_comes_from_the_future(tested, state):
    more = f"launch: {{fallback: {{when: down, do: queue, tested: {tested}}}}}"
    assert items(more=more)["fallback"].state.value == state


@pytest.mark.parametrize(
    ("check", "state"),
    [
        ("{of: tool_permissions, by: Sam, on: 2026-04-01, tried: 50, passed: 50}", "ready"),
        ("{of: tool_permissions, by: Sam, on: 2026-04-01, tried: 50, passed: 49}", "failed"),
        ("{of: tool_permissions, by: Sam, on: 2025-04-01, tried: 50, passed: 50}", "amber"),
        ("{of: tool_permissions, by: Sam, on: 2026-04-01}", "amber"),
    ],
)
def test_a_test_of_tools_counts_by_what_shows_it(check, state):
    more = f"launch: {{checks: [{check}]}}\ncontext: {{tools: [{{id: look, scope: read}}]}}"
    assert items("agent", more)["tool_permissions"].state.value == state


def test_a_tool_that_writes_without_limit_or_approval_fails_whatever_was_tested():
    check = "{of: tool_permissions, by: Sam, on: 2026-04-01, tried: 50, passed: 50}"
    more = f"launch: {{checks: [{check}]}}\ncontext: {{tools: [{{id: refund, scope: write}}]}}"
    assert items("agent", more)["tool_permissions"].state.value == "failed"


# -- the command ----------------------------------------------------------------------------------------


def timed(folder: Path, milliseconds: int) -> Path:
    """A product whose answers took a while, with a budget of 100 ms."""
    made = recorded(folder, more="budgets: {latency_p50_ms: 100}\nmetrics: [latency_p50_ms]\n")
    lines = (made / "new.csv").read_text("utf-8").splitlines()
    timed_lines = [f"{lines[0]},latency_ms", *(f"{line},{milliseconds}" for line in lines[1:])]
    (made / "new.csv").write_text("\n".join(timed_lines) + "\n", "utf-8")
    return made


@pytest.mark.parametrize(("milliseconds", "state"), [(80, "ready"), (120, "failed")])
def test_the_budget_is_set_against_what_the_decision_measured(ship: Ship, tmp_path, milliseconds, state):
    folder = timed(tmp_path, milliseconds)
    assert ship("decide", "--product", folder).code == 0
    said = ship("readiness", folder, "--json")
    found = {item["id"]: item for item in said.json["items"]}
    assert said.code == 1
    assert (found["budget"]["state"], found["quality"]["state"]) == (state, "ready")
    assert found["budget"]["day"] == datetime.now(UTC).date().isoformat()


def test_a_drill_file_is_measured_and_61_minutes_fail(ship: Ship, tmp_path):
    folder = recorded(tmp_path, more="launch: {rollback: {to: v1, within: 60m, drill: drills.jsonl}}\n")
    now = datetime.now(UTC)
    drill = {"started": now.isoformat(), "verified": (now + timedelta(minutes=61)).isoformat(), "by": "Sam"}
    (folder / "drills.jsonl").write_text(json.dumps(drill) + "\n", "utf-8")
    said = ship("readiness", folder, "--html", folder / "r.html", "--markdown", folder / "r.md")
    assert said.code == 1
    assert "took 61.0 min, more than 60" in said.flat
    for name in ("r.html", "r.md"):
        assert "took 61.0 min" in (folder / name).read_text("utf-8").replace("\\", "")


@pytest.mark.parametrize(
    ("line", "needle"),
    [
        ("no json", "no JSON object"),
        ('{"verified": "2026-01-01"}', "when it was started"),
        ('{"started": "yesterday"}', "no ISO 8601 time"),
        ('{"started": "2026-01-02", "verified": "2026-01-01"}', "before it was started"),
    ],
)
def test_a_line_that_is_no_drill_is_refused_with_its_place(ship: Ship, tmp_path, line, needle):
    folder = recorded(tmp_path, more="launch: {rollback: {to: v1, drill: drills.jsonl}}\n")
    (folder / "drills.jsonl").write_text(f"\n{line}\n", "utf-8")
    refused(ship("readiness", folder), 2, "drills.jsonl:2", needle)


def test_a_drill_file_that_is_not_there_is_refused_with_the_line_of_the_spec(ship: Ship, tmp_path):
    folder = recorded(tmp_path, more="launch: {rollback: {to: v1, drill: drills.jsonl}}\n")
    refused(ship("readiness", folder), 2, "shipworthy.yaml:", "drills.jsonl")
