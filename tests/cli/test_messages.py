"""What people read, word for word; run with --inline-snapshot=fix -n 0 when a sentence changes on purpose."""
# ruff: noqa: E501

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from cli.shipping import Ship

SPEC = """shipworthy: 1
id: made
kind: generator
decision: {prediction: reply, action: [send], actor: agent}
golden: {path: graded.csv, sampled: random}
systems:
  candidate: {recorded: graded.csv}
gates:
  - good >= 80%
"""


@pytest.fixture
def graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    grades = ["good"] * 415 + ["poor"] * 55 + ["harmful"] * 30
    rows = "".join(f"q{index:03d},{grade}\n" for index, grade in enumerate(grades))
    (tmp_path / "graded.csv").write_text("case_id,grade\n" + rows, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words(text: str) -> str:
    """Terminal output without the spaces that pad it."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def test_a_check_reads_as_a_busy_person_reads(ship: Ship, graded: Path) -> None:
    said = ship("check", "graded.csv", "good >= 80%", "harmful <= 8%")
    assert words(said.out) == snapshot("""\
  ‖ HOLD   graded · candidate · 500 cases
 good >= 80% is not proven, nor is 1 other gate; none of 2 blocking gates is met.

 Gates
   ◐ not proven  good >= 80%         83% of 500, between 79.5 and 86 of 100. 415 counted, at least 416 of 500 would prove it (1 case short). If what was seen is the truth, 517 cases in all give an even chance of proof and 1,107 an 80% chance (607 more cases).
   ◐ not proven  harmful <= 8%       6% of 500, between 4.2 and 8.4 of 100. 30 counted, at most 29 of 500 would prove it (1 too many). If what was seen is the truth, 546 cases in all give an even chance of proof and 1,101 an 80% chance (601 more cases).

 What would change it
   good >= 80%: About 17 more cases for an even chance of proof, 607 for 80%; or a better system.
   harmful <= 8%: About 46 more cases for an even chance of proof, 601 for 80%; or a better system.
   55 poor outputs: Name a guardrail with tried and caught, or an acceptance with reason and owner.
   30 harmful outputs: Name a guardrail with tried and caught, or an acceptance with reason and owner.

 Around bad outcomes
   55 poor outputs: nothing stands around them
   30 harmful outputs: nothing stands around them
   Say what does: --guardrail "poor CAUGHT/TRIED" or --accept "harmful: REASON (OWNER)"

 Measured
   good     83%  between 79.5 and 86 of 100  n 500
   harmful  6%   between 4.2 and 8.4 of 100  n 500
   poor     11%  between 8.5 and 14 of 100   n 500

 How far to trust it
   500 planned = 500 scored + 0 failed + 0 unscored.
   If what was seen is the truth, a fresh sample of this size passes all blocking gates with a chance of about 32%.
   If what was seen is the truth, about 368 more cases give an even chance that both blocking gates are proven, and 952 an 80% chance, their proofs taken as independent.
   How these cases were sampled is not stated (golden.sampled): the bound speaks of your traffic only if they are a random sample of it.
""")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("kind: generator", "kind: generatr"),
            snapshot("""\
error: shipworthy.yaml:3: 'kind' must be one of the known words, not 'generatr'.
  → Did you mean 'generator'?\
"""),
        ),
        (
            ("good >= 80%", "goood >= 80%"),
            snapshot("""\
error: shipworthy.yaml:9: No metric or scorer named 'goood'.
  → Did you mean 'good'? `shipworthy metrics` lists them all.\
"""),
        ),
        (
            ("good >= 80%", "good => 80%"),
            snapshot("""\
error: shipworthy.yaml:9: A measured rate is never proven to be exactly a number, so '=' is no gate
    good => 80%
         ^
  → Use >=, <=, > or <.\
"""),
        ),
        (
            ("good >= 80%", "good >= 80"),
            snapshot("""\
error: shipworthy.yaml:9: good is a share between 0 and 1, and the bar is 80.
  → Did you mean 80%?\
"""),
        ),
        (
            ("recorded: graded.csv", "recordd: graded.csv"),
            snapshot("""\
error: shipworthy.yaml:7: Unknown key 'systems.candidate.recordd'.
  → Did you mean 'recorded'?\
"""),
        ),
        (
            ("recorded: graded.csv", "recorded: missing.csv"),
            snapshot("""\
error: The file 'missing.csv' does not exist.
  → Check the path; paths in a spec start from the spec's folder.\
"""),
        ),
        (
            ("sampled: random", "sampled: randomly"),
            snapshot("""\
error: shipworthy.yaml:5: golden.sampled: 'randomly' is no way of sampling.
  → Use one of random, curated, incident, weights.\
"""),
        ),
        (
            ("actor: agent", "actor: [agent"),
            snapshot("""\
error: shipworthy.yaml:4: This is no valid YAML: expected ',' or ']', but got '}'.
  → Check indentation, quotes and colons near that line.\
"""),
        ),
    ],
)
def test_a_wrong_spec_gets_one_clear_message(
    ship: Ship, graded: Path, change: tuple[str, str], message: str
) -> None:
    (graded / "shipworthy.yaml").write_text(SPEC.replace(*change), encoding="utf-8")
    said = ship("decide")
    assert said.code == 2
    assert words(said.err) == message


def test_a_missing_run_says_how_to_make_it(ship: Ship, graded: Path) -> None:
    spec = SPEC.replace("{recorded: graded.csv}", '{function: "system:answer"}')
    (graded / "shipworthy.yaml").write_text(spec, encoding="utf-8")
    (graded / "system.py").write_text("def answer(question):\n    return 'x'\n", encoding="utf-8")
    said = ship("decide")
    assert words(said.err) == snapshot("""\
error: There is no run of 'candidate' yet.
  → Run it: shipworthy run candidate\
""")
