"""The command line, run in this process."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest


@dataclass(frozen=True)
class Said:
    """What one command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def flat(self) -> str:
        """Standard output in one line, whatever the terminal's width broke."""
        return " ".join(self.out.split())


Ship = Callable[..., Said]


@pytest.fixture(scope="session")
def ship() -> Ship:
    """Run one command in this process; a traceback or a fault of Shipworthy itself fails the test."""

    def run(*words: object) -> Said:
        from shipworthy.cli.main import _run

        out, err = io.StringIO(), io.StringIO()
        # Wide, so that no sentence is broken between two columns of a table.
        with redirect_stdout(out), redirect_stderr(err), patch.dict(os.environ, {"COLUMNS": "400"}):
            code = _run([str(word) for word in words])
        said = Said(code, out.getvalue(), err.getvalue())
        for text in (said.out, said.err):
            assert "Traceback" not in text, text
            assert "Shipworthy itself failed" not in text, text
        return said

    return run


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Return every file below a folder with its bytes, and every folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if "__pycache__" not in path.parts
    }


def refused(said: Said, code: int, *needles: str) -> None:
    """Check that a command refused with one clear message: what, where, and an arrow to what to do."""
    assert said.code == code, (said.code, said.out[-500:], said.err)
    assert said.err.startswith("error: "), said.err
    assert said.err.count("error: ") == 1
    assert "→" in said.err, said.err
    for needle in needles:
        assert needle in said.err, (needle, said.err)


def recorded(folder: Path, *, n: int = 100, gates: str = "  - accuracy >= 50%", more: str = "") -> Path:
    """Write a product with a recorded candidate and a recorded live system."""
    (folder / "golden").mkdir(parents=True, exist_ok=True)
    rows = [(f"c{i}", "yes" if i % 2 else "no", "de" if i % 3 else "en") for i in range(n)]
    flipped = {"yes": "no", "no": "yes"}

    def write(name: str, header: str, lines: Iterable[str]) -> None:
        (folder / name).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")

    write("golden/cases.csv", "case_id,label,language", (",".join(row) for row in rows))
    write(
        "new.csv",
        "case_id,prediction",
        (f"{c},{flipped[y] if i % 20 == 0 else y}" for i, (c, y, _) in enumerate(rows)),
    )
    write(
        "old.csv",
        "case_id,prediction",
        (f"{c},{flipped[y] if i % 5 == 0 else y}" for i, (c, y, _) in enumerate(rows)),
    )
    (folder / "shipworthy.yaml").write_text(
        f"""\
shipworthy: 1
id: small
kind: classifier
decision: {{prediction: answer, action: [use], actor: user}}
golden: {{path: golden/cases.csv, sampled: random, positive: yes}}
systems:
  candidate: {{recorded: new.csv}}
  live: {{recorded: old.csv}}
gates:
{gates}
acceptances:
  - {{of: [false_positive, false_negative, failed], reason: a person looks, owner: ana}}
{more}""",
        encoding="utf-8",
    )
    return folder


def function_product(
    folder: Path,
    code: str,
    *,
    n: int = 20,
    system: str = "",
    golden: str = "",
    more: str = "",
    gate: str = "correct >= 30%",
) -> Path:
    """Write a product whose candidate is a Python function `answer`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f'{{"case_id": "c{i}", "input": "{i}", "label": "{i}"}}' for i in range(n)]
    (folder / "golden.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "bot.py").write_text(code, encoding="utf-8")
    (folder / "shipworthy.yaml").write_text(
        f"""\
shipworthy: 1
id: bot
kind: generator
decision: {{prediction: answer, action: [use], actor: user}}
golden: {{path: golden.jsonl, sampled: random{golden}}}
systems:
  candidate: {{function: "bot:answer"{system}}}
metrics:
  - {{id: correct, scorer: exact}}
gates:
  - {gate}
acceptances:
  - {{of: [wrong, failed], reason: a person looks, owner: ana}}
{more}""",
        encoding="utf-8",
    )
    return folder
