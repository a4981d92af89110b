"""A run folder cut off anywhere is said and repaired; deciding at the same time and unwritable places do no harm."""

# ruff: noqa: E501 - specs and tables of cases are read line by line

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.shipping import function_product, recorded, refused, snapshot
from shipworthy.errors import StoreError
from shipworthy.store.workspace import RunFolder

ECHO = """\
from pathlib import Path

def answer(text):
    with (Path(__file__).parent / "asked").open("a") as file:
        file.write("x")
    return "née 🙂" if text == "7" else text
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory, ship):
    """A function product that was run, with its run folder as it should be."""
    product = function_product(tmp_path_factory.mktemp("made") / "p", ECHO)
    assert ship("run", "--product", product).code == 0
    (product / "asked").unlink()
    (run,) = (product / ".shipworthy" / "runs").iterdir()
    return product, run.name, ship("decide", "--product", product, "--json").json


@pytest.fixture
def copy(made, tmp_path):
    product, run, decision = made
    shutil.copytree(product, tmp_path / "p")
    shutil.rmtree(tmp_path / "p" / ".shipworthy" / "decisions")
    return tmp_path / "p", tmp_path / "p" / ".shipworthy" / "runs" / run, decision


def test_a_marker_cut_off_at_any_byte_is_no_marker(copy):
    _, run, _ = copy
    folder = RunFolder(run)
    content = folder.marker.read_bytes()
    assert folder.read()
    for length in range(len(content) - 1):
        folder.marker.write_bytes(content[:length])
        with pytest.raises(StoreError, match="→ Run it again: shipworthy run candidate"):
            folder.read()
    folder.marker.write_bytes(content[:-1])
    assert folder.read()


def _lengths(size: int, count: int = 10) -> list[int]:
    return sorted({0, 1, 2, size - 2, size - 1, *(size * step // count for step in range(1, count))})


@pytest.mark.parametrize("name", ["run.json", "scores.parquet"])
def test_a_run_cut_off_anywhere_is_refused_by_decide_and_repaired_by_run_without_asking_again(
    ship, copy, name
):
    product, run, decision = copy
    content = (run / name).read_bytes()
    for length in _lengths(len(content)):
        if name == "run.json" and length == len(content) - 1:
            continue
        (run / name).write_bytes(content[:length])
        refused(ship("decide", "--product", product), 3, name, "shipworthy run candidate")
        assert not (product / ".shipworthy" / "decisions").exists()
    assert ship("run", "--product", product).code == 0
    assert not (product / "asked").exists()
    again = ship("decide", "--product", product, "--json")
    assert again.json["gates"] == decision["gates"]


def test_a_journal_cut_off_anywhere_asks_only_what_is_missing(ship, copy):
    product, run, decision = copy
    content = (run / "outputs.jsonl").read_bytes()
    for length in _lengths(len(content), 6):
        (run / "outputs.jsonl").write_bytes(content[:length])
        (run / "run.json").unlink()
        (product / "asked").unlink(missing_ok=True)
        said = ship("run", "--product", product, "--json")
        assert said.code == 0
        assert said.json["denominator"]["scored"] == 20
        whole = max(content[:length].count(b"\n") - 1, 0)
        asked = len((product / "asked").read_text()) if (product / "asked").exists() else 0
        assert 20 - whole - 1 <= asked <= 20 - whole
    assert ship("decide", "--product", product, "--json").json["gates"] == decision["gates"]


def test_a_journal_damaged_in_the_middle_is_asked_again_and_not_believed(ship, copy):
    product, run, decision = copy
    lines = (run / "outputs.jsonl").read_bytes().splitlines(keepends=True)
    lines[5] = b'{"case_id": "c4", "text": \n'
    (run / "outputs.jsonl").write_bytes(b"".join(lines))
    (run / "run.json").unlink()
    said = ship("run", "--product", product, "--json")
    assert said.code == 0
    assert said.json["denominator"]["scored"] == 20
    # Answers cost money; what was there is kept beside it.
    assert (run / "outputs.damaged.jsonl").read_bytes() == b"".join(lines)
    assert ship("decide", "--product", product, "--json").json["verdict"] == decision["verdict"]


def test_a_run_without_its_journal_still_decides(ship, copy):
    product, run, decision = copy
    (run / "outputs.jsonl").unlink()
    assert ship("decide", "--product", product, "--json").json["gates"] == decision["gates"]


def test_recorded_runs_that_are_cut_off_are_entered_again_by_decide(ship, tmp_path):
    product = recorded(tmp_path / "p")
    first = ship("decide", "--product", product, "--json").json
    for name in ("run.json", "scores.parquet"):
        for run in (product / ".shipworthy" / "runs").iterdir():
            content = (run / name).read_bytes()
            (run / name).write_bytes(content[: len(content) // 2])
        again = ship("decide", "--product", product, "--json").json
        assert (again["id"], again["is_new"]) == (first["id"], False)


def test_two_processes_that_decide_at_once_agree(tmp_path, ship):
    product = recorded(tmp_path / "p", n=2000)
    command = [sys.executable, "-m", "shipworthy", "decide", "--json", "--product", str(product)]
    workers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for worker in workers:
        out, err = worker.communicate(timeout=60)
        assert worker.returncode == 0, (worker.returncode, err)
        assert '"verdict": "ship"' in out
    assert ship("verify", "--product", product).code == 0
    leftovers = [
        path.name for path in product.rglob("*") if path.name.startswith(".") and path.name != ".shipworthy"
    ]
    assert leftovers == []


def test_two_processes_never_ask_the_same_function_at_once(tmp_path, ship):
    product = function_product(
        tmp_path / "p", "import time\ndef answer(text):\n    time.sleep(0.15)\n    return text\n"
    )
    command = [sys.executable, "-m", "shipworthy", "run", "--product", str(product)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not list(product.glob(".shipworthy/runs/*/outputs.jsonl")):
            time.sleep(0.02)
        refused(ship("run", "--product", product), 3, "Another process")
        _, err = first.communicate(timeout=30)
    assert first.returncode == 0, err
    assert ship("decide", "--product", product).code == 0


def test_a_folder_that_cannot_be_written_to_is_refused_and_left_as_it_is(ship, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    product = recorded(tmp_path / "p")
    before = snapshot(product)
    product.chmod(0o555)
    try:
        refused(ship("decide", "--product", product), 3, ".shipworthy")
    finally:
        product.chmod(0o755)
    assert snapshot(product) == before


def test_a_full_disk_is_said_and_what_was_there_stays(ship, tmp_path, monkeypatch):
    product = recorded(tmp_path / "p")
    ship("run", "--product", product)
    before = snapshot(product)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device", str(product))

    monkeypatch.setattr("os.fsync", refuse)
    refused(ship("decide", "live", "--product", product, "--html", tmp_path / "r.html"), 3, "No space left")
    monkeypatch.undo()
    after = snapshot(product)
    assert {name: after[name] for name in before} == before
    assert not [
        name
        for name in after
        if Path(name).name.startswith(".run") or ("decisions" in name and name.endswith("json"))
    ]
    assert ship("decide", "--product", product).code == 0
