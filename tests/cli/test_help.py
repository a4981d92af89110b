"""Help that answers at once, and help for every command."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest

from shipworthy.cli.main import COMMANDS, cli

HEAVY = (
    "numpy",
    "scipy",
    "duckdb",
    "pydantic",
    "jinja2",
    "vl_convert",
    "rich",
    "asyncio",
    "sklearn",
    "ruamel",
)
LOOK = """\
import sys
from shipworthy.cli.main import _run
code = _run(sys.argv[1:])
heavy = sorted({name.partition(".")[0] for name in sys.modules} & set(%r))
print("HEAVY", code, *heavy)
"""


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["check", "--help"], ["decide", "-h"], ["init", "--help"]]
)
def test_help_imports_nothing_heavy(words):
    done = subprocess.run(
        [sys.executable, "-c", LOOK % (HEAVY,), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "HEAVY 0"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_that_names_it(ship, command):
    said = ship(command, "--help")
    assert said.code == 0
    assert re.search(rf"Examples?:\s+shipworthy {command}", said.out), said.out
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    assert found.short_help
    for option in found.params:
        assert isinstance(option, click.Argument) or getattr(option, "help", None), option.name


def test_the_front_page_lists_every_command_in_one_line_each(ship):
    said = ship("--help")
    assert said.code == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command}  +\S", said.out, flags=re.MULTILINE), command
    assert "Exit codes" in said.out
    assert "130" in said.out


def test_the_module_and_the_script_say_the_same_version(ship):
    said = ship("--version")
    done = subprocess.run(
        [sys.executable, "-m", "shipworthy", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == said.out


@pytest.mark.parametrize("kind", ["metrics", "scorers"])
def test_everything_listed_is_explained(ship, kind):
    listed = ship(kind, "--json").json
    assert len(listed) >= 6
    text = ship(kind).out
    for entry in listed:
        assert entry["name"].split("@")[0].split("^")[0].split("(")[0] in text
        explained = ship(kind, "explain", entry["name"])
        assert explained.code == 0
        assert len(explained.out) > 60
        assert ship(kind, "explain", entry["name"], "--json").json["name"]


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    file = tmp_path / "g.csv"
    file.write_text("id,grade\n" + "".join(f"{i},good\n" for i in range(50)), encoding="utf-8")
    command = f'"{sys.executable}" -m shipworthy check "{file}" "good >= 80%" --json | head -c 10'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
