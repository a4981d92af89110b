"""Reading a spec: each refusal names file and line, says it in plain words, and says what to do."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.define.reading import read_spec, spec_from_text
from shipworthy.errors import RuleError, SpecError

BASE = """shipworthy: 1
id: made
kind: classifier
decision: {prediction: p, action: [a], actor: b}
golden: {path: g.csv}
gates:
  - accuracy >= 90%
"""
GOLDEN, GATE = "g.csv}", "  - accuracy >= 90%"


def golden(more: str) -> str:
    return BASE.replace(GOLDEN, f"g.csv, {more}}}")


def gate(text: str) -> str:
    return BASE.replace(GATE, f"  - {text}")


#: Text -> line, and words of the refusal.
REFUSED = {
    "a list": ("- a", 1, "mapping of keys"),
    "a text": ("hello", 1, "mapping of keys"),
    "nothing": ("# only a comment\n", None, "empty"),
    "a tab": ("id: 1\nkind:\n\tx: 1", 3, "no valid YAML"),
    "two colons": ("a: b: c", 1, "no valid YAML"),
    "an open bracket": ("a: 1\nb: [1, 2", 2, "no valid YAML"),
    "an unknown alias": ("a: *nope", 1, "nope"),
    "a control character": ("a: \x01", None, "control characters"),
    "two documents": (BASE + "---\n" + BASE, 8, "another document"),
    "a key twice": (BASE + "id: two\n", 8, 'duplicate key "id"'),
    "too many brackets": ("a: " + "[" * 3000, None, "nested too deeply"),
    "half a character": (BASE + 'title: "\\ud83d"\n', None, "half a character"),
    # -- unknown keys, at every level
    "key of the spec": (BASE + "goldn: 1\n", 8, "Did you mean 'golden'"),
    "key of golden": (golden("colums: {}"), 5, "'golden.colums'.*\n.*'columns'"),
    "key of systems": (BASE + "systems:\n  candidte: {recorded: x}\n", 9, "'candidate'"),
    "key of a system": (BASE + "systems:\n  candidate:\n    recordd: x\n", 10, "'recorded'"),
    "key of a baseline": (BASE + "systems: {baselines: {old: {recordd: x}}}\n", 8, "'recorded'"),
    "key of a gate": (gate("{rule: accuracy >= 90%, blockin: false}"), 7, "'blocking'"),
    "key of costs": (BASE + "costs:\n  currency: EUR\n  false_positiv: 3\n", 10, "'false_positive'"),
    "key of a cost": (BASE + "costs: {false_positive: {cst: 3}}\n", 8, "'cost'"),
    "key of a guardrail": (
        BASE + "guardrails:\n  - id: a\n    stops: [wrong]\n    cought: 3\n",
        11,
        "'caught'",
    ),
    "key of a metric": (BASE + "metrics: [{id: a, scorr: exact}]\n", 8, "'scorer'"),
    "key of an acceptance": (BASE + "acceptances: [{of: wrong, reason: because, ownr: me}]\n", 8, "'owner'"),
    "key of a failure mode": (BASE + "failure_modes: [{id: a, severty: major}]\n", 8, "'severity'"),
    "key of the decision": (BASE.replace("actor: b", "actr: b"), 4, "'actor'"),
    "a number as key": (BASE + "5: 3\n", 8, "Unknown key '5'"),
    # -- missing
    "no kind": ("shipworthy: 1\nid: a\n", 1, "The key 'kind' is missing"),
    "no actor": (BASE.replace(", actor: b", ""), 4, "'decision.actor' is missing.\n.*Who acts"),
    "no rule": (gate("{id: a}"), 7, "'gates.0.rule' is missing"),
    "no gates": (
        BASE.replace(f"gates:\n{GATE}\n", "gates: []\n"),
        6,
        "'gates' must be a list of at least one entry",
    ),
    "no golden": (BASE.replace("{path: g.csv}", ""), 5, "'golden' must be a mapping of keys, not empty"),
    # -- of another kind
    "gates as text": (
        BASE.replace(f"gates:\n{GATE}", "gates: accuracy >= 90%"),
        6,
        "'gates' must be a list, not 'acc",
    ),
    "a gate as number": (gate("0.9"), 7, "'gates.0' must be a rule such as recall >= 0.95 or a mapping"),
    "an empty gate": (gate(""), 7, "'gates.0' must be a rule .*, not empty"),
    "a gate as mapping": (gate("accuracy: 0.9"), 7, "Unknown key 'gates.0.accuracy'"),
    "kind": (BASE.replace("classifier", "clasifier"), 3, "not 'clasifier'.\n.*Did you mean 'classifier'"),
    "version": (BASE.replace("shipworthy: 1", "shipworthy: 2"), 1, "'shipworthy' must be 1, not 2"),
    "id": (BASE.replace("made", "a b"), 2, "'a b' is no id"),
    "id as number": (BASE.replace("made", "5"), 2, "'id' must be text, not 5"),
    "golden as text": (
        BASE.replace("{path: g.csv}", "g.csv"),
        5,
        "'golden' must be a mapping of keys, not 'g.csv'",
    ),
    "sampled": (golden("sampled: rndom"), 5, "'rndom' is no way of sampling"),
    "a share above one": (golden("max_unscored: 2"), 5, "must be at most 1, not 2.\n.*Write 0.02 for 2%"),
    "a share as percent": (golden("max_unscored: 2%"), 5, "must be a number, not '2%'.\n.*Write 0.02 for 2%"),
    "confidence as 95": (
        gate("{rule: accuracy >= 9%, confidence: 95}"),
        7,
        "less than 1, not 95.\n.*0.95 for 95%",
    ),
    "half a repeat": (golden("repeats: 1.5"), 5, "must be a whole number, not 1.5"),
    "a grade": (golden("grades: {ok: fine}"), 5, "golden.grades.ok.* not 'fine'.\n.*good, harmful, poor"),
    "slices as text": (BASE + "slices: race\n", 8, "'slices' must be a list, not 'race'"),
    "a cost as word": (
        BASE + "costs: {wrong: cheap}\n",
        8,
        "'costs.wrong' must be a number or a mapping of keys",
    ),
    "a cost as list": (
        BASE + "costs: {wrong: [3]}\n",
        8,
        "must be a number or a mapping of keys, not a list",
    ),
    "a cost as yes": (BASE + "costs: {wrong: true}\n", 8, "must be a number or a mapping of keys, not true"),
    "a cost that is none": (BASE + "costs: {wrong: .nan}\n", 8, "must be a number, not nan"),
    "an endless cost": (BASE + "costs: {review: .inf}\n", 8, "must be a number, not inf"),
    "no volume": (BASE + "costs: {volume_per_month: 0}\n", 8, "must be more than 0, not 0"),
    "blocking": (gate("{rule: accuracy >= 90%, blocking: maybe}"), 7, "must be true or false, not 'maybe'"),
    "a system as text": (BASE + "systems: {live: out.csv}\n", 8, "not 'out.csv'.\n.*Its keys: recorded"),
    "a metric as number": (BASE + "metrics: [3]\n", 8, "'metrics.0' must be a name or a mapping"),
    "a metric in two words": (BASE + "metrics: [my metric]\n", 8, "'my metric' is no metric"),
    "a short reason": (
        BASE + "acceptances: [{of: wrong, reason: x, owner: me}]\n",
        8,
        "at least 3 letters, not 'x'",
    ),
    "a version as number": (BASE + "version: 1.10\n", 8, "'version' must be text, not 1.1.\n.*in quotes"),
    "a duration in words": (
        BASE + "launch:\n  stages:\n    - {percent: 5, for: 3 weeks}\n",
        10,
        "launch.stages.0.for: '3 weeks' is no duration.\n.*such as 60m or 7d",
    ),
    "a duration without unit": (
        BASE + "launch: {stages: [{percent: 5, for: 7}]}\n",
        8,
        "7 has no unit.\n.*such as 7d",
    ),
    "a day in words": (
        golden("created: yesterday"),
        5,
        "golden.created: 'yesterday' is no day.\n.*2026-01-31",
    ),
    "a day that never was": (
        BASE + "launch:\n  rollback:\n    to: x\n    last_drill: 2026-02-31\n",
        11,
        "'2026-02-31' is no day of the calendar",
    ),
    "a day without month": (
        BASE + "data: {training_window: {from: 2024, to: 2025-01-01}}\n",
        8,
        "training_window.from: 2024 is no day",
    ),
    "a stage in percent": (BASE + "launch: {stages: [{percent: 5%}]}\n", 8, "Write 5 for 5%"),
    "a stage of five hundred": (
        BASE + "launch: {stages: [{percent: 500}]}\n",
        8,
        "must be at most 100, not 500",
    ),
    "a band in percent": (
        BASE + "routing: {score: s, bands: [{to: 60%, action: a}]}\n",
        8,
        "routing.bands.0.to.*\n.*Write 0.6 for 60%",
    ),
    "a band above one": (
        BASE + "routing: {score: s, bands: [{to: 1.4, action: a}]}\n",
        8,
        "must be at most 1, not 1.4.\n.*Write another number",
    ),
    "a band that ends before it starts": (
        BASE + "routing: {score: s, bands: [{from: 0.6, to: 0.5, action: a}]}\n",
        8,
        "band of 'a' starts at 0.6 and ends at 0.5",
    ),
    "no bands": (BASE + "routing: {score: s, bands: []}\n", 8, "a list of at least one entry"),
    "an alias of Python": (BASE + "launch: {stages: [{for_: 7d, percent: 3}]}\n", 8, "Did you mean 'for'"),
    "another alias of Python": (
        BASE + "data: {training_window: {from_: 2024-01-01, to: 2025-01-01}}\n",
        8,
        "Did you mean 'from'",
    ),
    "an alias that is missing": (
        BASE + "data: {training_window: {to: 2025-01-01}}\n",
        8,
        "'data.training_window.from' is missing.\n.*First day",
    ),
    "a key two levels down": (BASE + "launch: {rollback: {too: a}}\n", 8, "'launch.rollback.too'.*\n.*'to'"),
    "a key of a group's costs": (BASE + 'costs: {by_group: {"a = b": {wrog: 3}}}\n', 8, "'wrong'"),
    "a list of parts as text": (
        BASE + "problem: {harm: old people}\n",
        8,
        "'problem.harm' must be a list, not 'old people'.\n.*The keys of an entry: who, how, spot",
    ),
    "a field that has no rules": (BASE + "regulated: banking\n", 8, "'banking' is none of lending, hiring"),
    "a code of no rule": (
        BASE + "lint: {ignore: [{rule: sw1, reason: abc, owner: me, expires: 2026-01-01}]}\n",
        8,
        "'sw1' is no rule.\n.*SW106",
    ),
    "a finding ignored forever": (
        BASE + "lint: {ignore: [{rule: SW106, reason: abc, owner: me}]}\n",
        8,
        "'lint.ignore.0.expires' is missing.\n.*Last day",
    ),
    # -- words of older drafts and of other tools
    "the model": (BASE + "model: {candidate: x}\n", 8, "`model` is gone: put it under systems.candidate"),
    "the incumbent": (BASE + "systems: {incumbent: {recorded: a}}\n", 8, "What users have now is `live`"),
    "the incumbent in a rule": (
        gate("delta(accuracy, incumbent) > 0"),
        7,
        "What users have now is called `live`",
    ),
    "an owner": (BASE + "owner: me\n", 8, "Write `owners: {product: NAME}`"),
    "a goal": (BASE + "metrics: [{id: a, goal: up}]\n", 8, "'metrics.0.goal'.*\n.*`better: higher`"),
    "a metric as guardrail": (BASE + "metrics: [{id: a, role: guardrail}]\n", 8, "is `protected`"),
    "costs of the problem": (BASE + "problem: {costs: {wrong: 1}}\n", 8, "`costs` stands at the top"),
    "feedback of users": (BASE + "launch: {user_feedback: {channel: x}}\n", 8, "Write it as `feedback`"),
    "a shadow stage": (BASE + "launch: {stages: [{shadow: 7d}]}\n", 8, "{name: shadow, percent: 0, for: 7d}"),
    "a rubric's pass": (BASE + "rubric: [{id: a, pass: x}]\n", 8, "Write it as `passes_if`"),
    "a limit's not": (BASE + "limits: [{claim: x, not: y}]\n", 8, "Write it as `does_not`"),
    "judges as one mapping": (
        BASE + "judges: {labels_per_criterion: 100}\n",
        8,
        "'judges' must be a list, not a mapping.*\n.*The keys of an entry: of, labels",
    ),
    "a critical mode": (BASE + "failure_modes: [{id: a, severity: critical}]\n", 8, "Write `blocker`"),
    "a human band": (
        BASE + "routing: {score: s, bands: [{to: 0.5, action: a, by: human}]}\n",
        8,
        "Write `person`",
    ),
    # -- impossible
    "no source": (
        BASE + "systems: {live: {owner: me}}\n",
        8,
        "needs `recorded: FILE` or .*\n.*only planned needs `model`",
    ),
    "an empty system": (
        BASE + "systems: {candidate: {}}\n",
        8,
        "systems.candidate: a system needs `recorded: FILE`",
    ),
    "a file and a function": (
        BASE + "systems: {live: {recorded: a, function: 'a:b'}}\n",
        8,
        "either `recorded: FILE` or",
    ),
    "no function": (BASE + "systems: {live: {function: ab}}\n", 8, "Write it as module:name"),
    "a baseline called live": (
        BASE + "systems: {baselines: {live: {recorded: a}}}\n",
        8,
        "cannot be called 'live'",
    ),
    "more caught than tried": (
        BASE + "guardrails: [{id: a, stops: wrong, tried: 3, caught: 5}]\n",
        8,
        "5 of 3",
    ),
    # -- dangling
    "a rule that does not parse": (
        gate("accuracy = 90%"),
        7,
        "no gate\n    accuracy = 90%\n             \\^",
    ),
    "conditions that do not parse": (gate("{rule: f1 >= 9%, on: 'plan ~ x'}"), 7, "plan ~ x"),
    "two gates of one id": (
        BASE + "  - {rule: f1 >= 1%, id: a}\n  - {rule: f1 >= 2%, id: a}\n",
        9,
        "Two gates",
    ),
    "a stratum": (
        golden("strata: {hard: 5}").replace("accuracy >=", "accuracy[stratum = hrd] >="),
        7,
        "'hard'",
    ),
    "a stratum of a failure mode": (
        golden("strata: {hard: 5}") + "failure_modes: [{id: a, cases: hrd}]\n",
        8,
        "'hard'",
    ),
    "a system": (
        gate("delta(accuracy, liv) >= 0") + "systems: {live: {recorded: a}}\n",
        7,
        "Did you mean 'live'",
    ),
    "an outcome": (BASE + "guardrails: [{id: a, stops: [wrng]}]\n", 8, "Did you mean 'wrong'"),
    "an outcome of another kind": (
        BASE + "acceptances: [{of: poor, reason: it is, owner: me}]\n",
        8,
        "of a classifier",
    ),
    "a class of outcome": (
        BASE + "outcomes:\n  right: fine\n  harmful: bad\n",
        10,
        "'harmful' is no class of outcome of a classifier",
    ),
    "two metrics": (BASE + "metrics: [f1, f1]\n", 8, "Two metrics are called 'f1'"),
    "two criteria": (
        BASE + "rubric:\n  - {id: a, passes_if: x}\n  - {id: a, passes_if: y}\n",
        10,
        "Two criteria of the rubric are called 'a'",
    ),
    "two failure modes": (
        BASE + "failure_modes: [{id: a}, {id: a}]\n",
        8,
        "Two failure modes are called 'a'",
    ),
    "two guardrails": (
        BASE + "guardrails: [{id: a, stops: wrong}, {id: a, stops: wrong}]\n",
        8,
        "Two guardrails are called 'a'",
    ),
    "two monitors": (
        BASE + "monitors: [{id: a, series: b, rule: c}, {id: a, series: b, rule: c}]\n",
        8,
        "Two monitors are called 'a'",
    ),
    "two sources": (BASE + "data: {sources: [{id: a}, {id: a}]}\n", 8, "Two sources are called 'a'"),
    "two lineage nodes": (
        BASE + "data: {lineage: [{id: a, kind: model}, {id: a, kind: label}]}\n",
        8,
        "Two lineage nodes are called 'a'",
    ),
    "two tools": (
        BASE + "context: {tools: [{id: a, scope: read}, {id: a, scope: write}]}\n",
        8,
        "Two tools are called 'a'",
    ),
    "two judges of one score": (
        BASE + "judges: [{of: correct, sampled: random}, {of: correct, sampled: random}]\n",
        8,
        "'correct' has two judges",
    ),
    "a monitor's condition": (
        BASE + "monitors:\n  - {id: a, series: b, rule: c, on: x ~ y}\n",
        9,
        "x ~ y\n *\\^",
    ),
    "a group's condition": (
        BASE + "costs:\n  by_group:\n    thin file: {wrong: 3}\n",
        10,
        "thin file\n *\\^",
    ),
    "a gate of a failure mode": (
        BASE + "failure_modes: [{id: a, gate: acuracy}]\n",
        8,
        "Did you mean 'accuracy'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_spec_is_refused_by_file_and_line_in_plain_words(name: str) -> None:
    text, line, words = REFUSED[name]
    with pytest.raises(SpecError) as caught:
        spec_from_text(text, Path("shipworthy.yaml"))
    error = caught.value
    assert error.where == ("shipworthy.yaml" if line is None else f"shipworthy.yaml:{line}")
    assert re.search(words, str(error)), str(error)
    assert error.fix or isinstance(error, RuleError)
    assert not re.search(r"Input should|valid dictionary|validation|_[A-Z]|ctx|dict\b|None", str(error)), str(
        error
    )


def test_a_spec_that_is_no_text_names_its_file(tmp_path: Path) -> None:
    file = tmp_path / "shipworthy.yaml"
    file.write_bytes("title: café".encode("latin-1"))
    with pytest.raises(SpecError, match=r"not UTF-8 text \(byte 10\)"):
        read_spec(tmp_path)
    with pytest.raises(SpecError, match="no spec at"):
        read_spec(tmp_path / "nowhere")


def test_words_that_older_yaml_took_for_yes_and_no_stay_words() -> None:
    spec = spec_from_text(
        gate("{rule: accuracy >= 90%, on: hard}").replace(
            "g.csv", "g.csv, strata: {hard: 1}, positive: [yes, on, 1]"
        ),
        Path("s.yaml"),
    ).spec
    assert spec.gates[0].on == "hard"
    assert spec.golden.positive == ["yes", "on", "1"]


def test_a_spec_in_json_keeps_its_characters() -> None:
    spec = spec_from_text(BASE + 'title: "\\ud83d\\ude42 caf\\u00e9"\n', Path("s.yaml")).spec
    assert spec.title == "🙂 café"


def test_a_stratum_may_have_any_name() -> None:
    text = golden("strata: {two words: 1}") + "failure_modes: [{id: a, cases: two words}]\n"
    assert spec_from_text(text, Path("s.yaml")).spec.failure_modes[0].cases == ["two words"]


def test_each_key_knows_its_line() -> None:
    file = spec_from_text(BASE + "costs:\n  currency: EUR\n  wrong: 3\n", Path("s.yaml"))
    assert file.where("costs", "wrong") == "s.yaml:10"
    assert file.where("gates", 0, "rule") == "s.yaml:7"
    assert file.where("costs", "nothing", "here") == "s.yaml:8"


LINES = [
    *BASE.splitlines(),
    "costs: {wrong: 3}",
    "systems: {live: {recorded: a}}",
    "slices: [a]",
    "metrics: [f1]",
]
WORDS = st.sampled_from(
    ["[", "]", "{", "}", ":", "- ", "\t", "  ", "null", "1", "'", '"', "&a", "*a", "!", "|", "é", "\x07"]
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damage_to_a_spec_raises_anything_but_a_spec_error(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        column = data.draw(st.integers(0, len(lines[at])))
        cut = data.draw(st.integers(0, 6))
        lines[at] = lines[at][:column] + data.draw(WORDS) + lines[at][column + cut :]
    try:
        spec_from_text("\n".join(lines), Path("s.yaml"))
    except SpecError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('shipworthy: 1\nid: !!bool "zz"\n', "YAML cannot read"),
        ('shipworthy: 1\nid: !!int "abc"\n', "YAML cannot read"),
        (f"shipworthy: {'9' * 10_000}\n", "YAML cannot read"),
        (
            "a: &a [x, x, x, x, x, x, x, x, x]\n"
            + "".join(
                f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n"
                for a, b in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            "aliases counted",
        ),
    ],
)
def test_a_value_that_explodes_is_refused_at_once(text: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        spec_from_text(text, Path("shipworthy.yaml"))


def test_what_is_no_file_is_no_spec(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "shipworthy.yaml")
    with pytest.raises(SpecError, match="is no file"):
        read_spec(tmp_path / "shipworthy.yaml")
    with pytest.raises(SpecError, match="cannot be read"):
        read_spec(Path("a" * 5_000))
