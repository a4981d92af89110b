"""Every example of the documentation runs, page by page, in one folder that holds docs/examples.

In a page, in the order in which they stand:

- a fenced block with a title is a file, and is written under that name;
- a `console` block holds commands after `$ `; a trailing `# exit N` is the exit code (else 0); the lines
  after a command must occur in what it prints, in that order, blanks aside, where `...` stands for anything;
- a `pycon` block is a doctest; the blocks of one page share their names;
- an HTML comment that starts with `proof` is Python that asserts what the words around it claim.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from shipworthy.define.rules import parse_rule

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "generate.py" not in path.read_text("utf-8")[:80])

BLOCK = re.compile(
    r"^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<body>.*?)^```$"
    r"|<!-- proof\n(?P<proof>.*?)-->",
    re.MULTILINE | re.DOTALL,
)
EXIT = re.compile(r"\s+# exit (\d+)$")


@dataclass(frozen=True)
class Command:
    text: str
    exit_code: int
    shown: tuple[str, ...]


def commands_of(body: str) -> list[Command]:
    found: list[Command] = []
    lines = iter(body.splitlines())
    for line in lines:
        if line.startswith("$ "):
            text = line[2:]
            while text.endswith("\\"):
                text = text[:-1] + next(lines).strip()
            code = EXIT.search(text)
            found.append(Command(EXIT.sub("", text), int(code[1]) if code else 0, ()))
        elif found:
            last = found[-1]
            found[-1] = Command(last.text, last.exit_code, (*last.shown, line))
    return found


def plain(text: str) -> str:
    return " ".join(text.split())


def missing_line(shown: tuple[str, ...], printed: str) -> str | None:
    """Return the first shown line that does not occur after the ones before it."""
    whole, at = plain(printed), 0
    for line in shown:
        for fragment in (plain(part) for part in line.split("...")):
            place = whole.find(fragment, at)
            if place < 0:
                return line
            at = place + len(fragment)
    return None


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHIPWORTHY")}
    commands = str(Path(sys.executable).parent)
    return {**kept, "PATH": commands + os.pathsep + kept["PATH"], "COLUMNS": "100", "NO_COLOR": "1"}


@dataclass
class Session:
    """A terminal, as far as a page needs one."""

    folder: Path

    def run(self, command: Command) -> None:
        if command.text.startswith("cd "):
            self.folder = (self.folder / command.text[3:].strip()).resolve(strict=True)
            return
        # The page's own commands, which stand in this repository.
        done = subprocess.run(
            ["bash", "-c", command.text], cwd=self.folder, env=environment(), capture_output=True, text=True
        )
        printed = done.stdout + done.stderr
        assert done.returncode == command.exit_code, f"$ {command.text}\nexit {done.returncode}\n{printed}"
        lacking = missing_line(command.shown, printed)
        assert lacking is None, f"$ {command.text}\nnot printed (in this order): {lacking!r}\n\n{printed}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_example_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(DOCS / "examples", tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    session = Session(tmp_path)
    names: dict[str, object] = {}
    for block in BLOCK.finditer(page.read_text("utf-8")):
        if block["proof"]:
            exec(compile(block["proof"], str(page), "exec"), {})  # noqa: S102 - the page's own assertions
        elif block["title"]:
            file = tmp_path / block["title"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block["body"], "utf-8")
        elif block["language"] == "console":
            for command in commands_of(block["body"]):
                session.run(command)
        elif block["language"] == "pycon":
            run_doctest(block["body"], names, page)


def run_doctest(body: str, names: dict[str, object], page: Path) -> None:
    test = doctest.DocTestParser().get_doctest(body, names, page.stem, str(page), 0)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=said.append, clear_globs=False)
    names.update(test.globs)
    assert not runner.failures, "".join(said)


def test_every_rule_of_the_grammar_page_parses() -> None:
    blocks = BLOCK.finditer((DOCS / "reference" / "rules.md").read_text("utf-8"))
    rules = [
        line.split("  #")[0].strip()
        for block in blocks
        if block["language"] == "text" and not block["title"]
        for line in block["body"].splitlines()
        if line.strip()
    ]
    assert len(rules) > 20
    for rule in rules:
        assert parse_rule(rule)


def test_no_page_names_a_path_of_a_machine() -> None:
    for page in DOCS.rglob("*"):
        if page.suffix in (".md", ".json", ".py", ".css", ".svg", ".csv"):
            text = page.read_text("utf-8")
            assert not re.search(r"/(?:home|root|work|Users)/\w", text), page


def test_every_example_file_is_linked_from_a_page() -> None:
    text = "".join(page.read_text("utf-8") for page in DOCS.glob("*.md"))
    for file in (DOCS / "examples").iterdir():
        assert f"](examples/{file.name})" in text, file.name
