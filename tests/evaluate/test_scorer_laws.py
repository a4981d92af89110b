"""Laws that every registered scorer obeys; a new scorer is tested here without a change."""

from __future__ import annotations

import dataclasses
import inspect
import io
import math
import pickle
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from shipworthy.evaluate.scoring import SCORERS, build_scorer, fingerprint, options, score_one
from shipworthy.records import Case, Output, Score

NAMES = SCORERS.names()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("product")
    (made / "grading.py").write_text("def grade(output, case): return 'good' if output.text else 'poor'\n")
    return made


def examples(name: str) -> list[Any]:
    doc = inspect.cleandoc(SCORERS.get(name).__doc__)
    block = doc.split("Example:\n", 1)[1].split("\n\n", 1)[0]
    metrics = YAML(typ="safe").load(io.StringIO(textwrap.dedent(block)))["metrics"]
    return [metric["scorer"] for metric in metrics]


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_has_a_first_line_an_example_in_yaml_and_a_doctest(name: str) -> None:
    doc = inspect.cleandoc(SCORERS.get(name).__doc__)
    first = doc.splitlines()[0]
    assert 20 < len(first) < 110
    assert first.endswith(".")
    assert examples(name)
    assert ">>> " in doc


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_documented(name: str) -> None:
    kind = SCORERS.get(name)
    for part in dataclasses.fields(kind):
        if part.init and part.name != "folder":
            assert f"    {part.name}: " in inspect.cleandoc(kind.__doc__)


@pytest.mark.parametrize("name", NAMES)
def test_a_scorer_is_named_and_has_a_version(name: str) -> None:
    kind = SCORERS.get(name)
    assert kind.name == name
    assert isinstance(kind.version, int)


@pytest.mark.parametrize("name", NAMES)
def test_a_scorer_is_frozen_and_hashable(name: str, folder: Path) -> None:
    scorer: Any = build_scorer(examples(name)[0], folder)
    assert hash(scorer) == hash(build_scorer(examples(name)[0], folder))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(scorer, dataclasses.fields(scorer)[0].name, "other")


@pytest.mark.parametrize("name", NAMES)
def test_a_scorer_survives_pickling(name: str, folder: Path) -> None:
    scorer = build_scorer(examples(name)[0], folder)
    copy = pickle.loads(pickle.dumps(scorer))  # noqa: S301
    assert copy == scorer
    assert fingerprint(copy, folder) == fingerprint(scorer, folder)
    output, case = Output("1", text="4"), Case("1", "?", label="4")
    assert score_one(copy, output, case) == score_one(scorer, output, case)


@pytest.mark.parametrize("name", NAMES)
def test_options_rebuild_the_scorer(name: str, folder: Path) -> None:
    for example in examples(name):
        scorer = build_scorer(example, folder)
        assert build_scorer({name: options(scorer)}, folder) == scorer


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", [None, "", " \n\t "])
def test_an_empty_output_failed(name: str, text: str | None, folder: Path) -> None:
    for example in examples(name):
        said = score_one(build_scorer(example, folder), Output("1", text=text), Case("1", "?", label="4"))
        assert said == Score(failed="empty output")


labels = st.one_of(
    st.none(), st.text(), st.booleans(), st.integers(), st.floats(), st.lists(st.text(), max_size=3)
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(text=st.text(), prediction=st.none() | st.text(), label=labels)
def test_no_text_crashes_a_scorer_and_the_same_text_gives_the_same_score(
    name: str, folder: Path, text: str, prediction: str | None, label: Any
) -> None:
    output, case = Output("1", text=text, prediction=prediction), Case("1", "?", label=label)
    for example in examples(name):
        scorer = build_scorer(example, folder)
        score = score_one(scorer, output, case)
        assert score == score_one(scorer, output, case)
        assert "crashed" not in (score.unscored or "")
        assert score.value is None or math.isfinite(score.value)
        said = (score.value is not None) + (score.failed is not None) + (score.unscored is not None)
        assert said == 1 or (score.grade is not None and said == 0)


HOSTILE = {
    "many digits": "9" * 400_000,
    "many groups": "1," * 200_000,
    "many nines in groups": "999,999," * 40_000,
    "nested lists": "[" * 100_000,
    "nested objects": '{"a":' * 100_000,
    "control characters": "".join(map(chr, range(32))) * 1000,
    "blank lines": "\n" * 500_000 + "x",
    "half characters": "\ud800" * 1000,
    "exponent": "1e999999999",
    "exponents": "1e5" * 60_000,
    "signs": "-+$" * 100_000 + "5",
    "letters": "a" * 3_000_000,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_output_gets_a_score_all_the_same(name: str, kind: str, folder: Path) -> None:
    for example in examples(name):
        scorer = build_scorer(example, folder)
        score = score_one(scorer, Output("1", text=HOSTILE[kind]), Case("1", "?", label="4"))
        assert score.unscored is None
