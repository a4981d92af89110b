"""The command line, run in this process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

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
        with redirect_stdout(out), redirect_stderr(err):
            code = _run([str(word) for word in words])
        said = Said(code, out.getvalue(), err.getvalue())
        for text in (said.out, said.err):
            assert "Traceback" not in text, text
            assert "Shipworthy itself failed" not in text, text
        return said

    return run
