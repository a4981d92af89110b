"""The reference says everything the code has, and says it as the code does."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import shipworthy
from shipworthy.cli.main import COMMANDS
from shipworthy.define.levels import REQUIRED
from shipworthy.define.reading import read_spec
from shipworthy.evaluate.scoring import SCORERS
from shipworthy.evidence.metric import METRICS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    described = importlib.util.spec_from_file_location("shipworthy_docs_generate", DOCS / "generate.py")
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    sys.modules[described.name] = module
    described.loader.exec_module(module)
    return module


def page(name: str) -> str:
    return (DOCS / "reference" / name).read_text("utf-8")


def test_committed_pages_are_what_the_code_says() -> None:
    # In a process of its own: a command remembers the help option it was first called with.
    script = DOCS / "generate.py"
    found = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_generating_twice_gives_the_same(generate: ModuleType) -> None:
    assert generate.pages() == generate.pages()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    assert f"\n## shipworthy {name}\n" in page("commands.md")


@pytest.mark.parametrize("name", METRICS.names())
def test_every_metric_is_documented(name: str) -> None:
    assert f"\n## {name} {{#" in page("metrics.md")


@pytest.mark.parametrize("name", SCORERS.names())
def test_every_scorer_is_documented_with_its_options(name: str, generate: ModuleType) -> None:
    text = page("scorers.md").split(f"\n## {name} {{#")[1].split("\n## ")[0]
    _body, options, example, _doctest = generate._docs(SCORERS.get(name))
    assert example
    for option in options:
        assert f"`{option.rstrip('_')}`" in text


def test_every_spec_key_is_documented_with_words(generate: ModuleType) -> None:
    documented: set[str] = set()
    keys, _mark, _rest = page("spec.md").partition("\n## Keys by level")
    for section in keys.split("\n## ")[1:]:
        title = section.splitlines()[0]
        path = "" if title.startswith("The top") else title.split(" {#")[0] + "."
        for name, words in re.findall(r"^\| \[?`(\w+)`.*\| ([^|]*) \| [^|]*\|$", section, re.MULTILINE):
            assert words.strip(), f"{path}{name} has no description"
            documented.add(f"{path}{name}")
    # Money and systems are described once, under the first key that holds them.
    shared = {"costs.": ("costs.false_positive", "costs.true_positive"), "systems.": ("systems.candidate",)}
    for key in generate.all_keys():
        homes = [home for start, found in shared.items() if key.startswith(start) for home in found]
        tail = key.rsplit(".", 1)[-1]
        assert key in documented or any(f"{home}.{tail}" in documented for home in homes), key


def test_what_a_decision_does_not_look_at_is_named() -> None:
    spec = read_spec(DOCS / "examples" / "loan.yaml").spec
    [told] = [line for line in page("spec.md").splitlines() if line.startswith("Not judged yet")]
    assert spec.not_judged()
    assert all(f"`{name}`" in told for name in spec.not_judged())


def test_each_required_key_says_which_level_asks_for_it() -> None:
    text = page("spec.md")
    for need in REQUIRED:
        table = text.split(f"### {need.level} {{#")[1].split("\n#")[0]
        assert f"| `{need.key}` |" in table, need.key
        section, _dot, name = need.key.rpartition(".")
        rows = text.split(f"\n## {section} {{#" if section else "\n## The top of the file")[1]
        [row] = re.findall(rf"^\| \[?`{name}`.*\|$", rows.split("\n## ")[0], re.MULTILINE)
        assert row.split(" | ")[-1].startswith(need.level), row


def test_every_public_name_is_documented() -> None:
    text = (DOCS / "python.md").read_text("utf-8").split("## Public names")[1]
    assert set(re.findall(r"`(\w+)`", text)) >= set(shipworthy.__all__)
