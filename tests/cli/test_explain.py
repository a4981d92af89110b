"""`--explain` prints the scans of the rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def answers(folder: Path) -> Path:
    path = folder / "answers.csv"
    lines = [
        f"c{i:03d},{i % 2},{int(i % 2 if i % 7 else 1 - i % 2)},{'red' if i % 3 else 'blue'}"
        for i in range(200)
    ]
    path.write_text("id,label,prediction,colour\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "shipworthy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_check_says_how_often_it_read_the_rows(tmp_path: Path) -> None:
    said = run("check", str(answers(tmp_path)), "accuracy >= 80%", "--slice", "colour", "--explain").stderr
    assert "over rows, reading a table or file" in said
    assert "totals: 1 read" in said


def test_the_scans_are_in_the_json_too(tmp_path: Path) -> None:
    asked = ["check", str(answers(tmp_path)), "accuracy >= 80%", "--slice", "colour", "--json"]
    scans = json.loads(run(*asked, "--explain").stdout)["scans"]
    totals = [scan for scan in scans if scan["serves"] == "totals"]
    assert [scan["tables"] for scan in totals] == [1]
    assert totals[0]["seconds"] > 0
    assert "scans" not in json.loads(run(*asked).stdout)
