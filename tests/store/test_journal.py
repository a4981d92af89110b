"""The journal: nothing complete is ever lost, nothing damaged is ever read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.errors import StoreError
from shipworthy.records import Output
from shipworthy.store.journal import Journal

KEY = "abc"
OUTPUTS = [
    Output("1", text="Paris"),
    Output("2", 1, text="zwei\nZeilen  é 🚢", prediction="x", predicted_score=0.1, latency_ms=3.5),
    Output("3", failed='ValueError: "quoted"', run_cost=0.01),
]


def write(path: Path, outputs: list[Output], key: str = KEY) -> None:
    with Journal(path, key) as journal:
        for output in outputs:
            journal.append(output)


def read(path: Path, key: str | None = KEY) -> list[Output]:
    return list(Journal(path, key).read())


def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "1" / "outputs.jsonl"
    write(path, OUTPUTS)
    assert read(path) == OUTPUTS
    assert json.loads(path.read_bytes().splitlines()[0]) == {"format": 1, "key": KEY}


numbers = st.none() | st.floats(allow_nan=False)
texts = st.none() | st.text(alphabet=st.characters(exclude_categories=[]))
anything = st.builds(
    Output,
    case_id=st.text(alphabet=st.characters(exclude_categories=[])),
    repeat=st.integers(0, 3),
    text=texts,
    prediction=texts,
    predicted_score=numbers,
    latency_ms=numbers,
    run_cost=numbers,
    failed=texts,
)


@settings(max_examples=80, deadline=None)
@given(outputs=st.lists(anything, max_size=5, unique_by=lambda output: (output.case_id, output.repeat)))
def test_any_output_survives(tmp_path_factory: pytest.TempPathFactory, outputs: list[Output]) -> None:
    path = tmp_path_factory.mktemp("journal") / "outputs.jsonl"
    write(path, [Output("first", 9), *outputs])
    assert read(path) == [Output("first", 9), *outputs]


def test_a_journal_cut_at_any_byte_keeps_every_complete_line(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jsonl"
    write(whole, OUTPUTS)
    content = whole.read_bytes()
    path = tmp_path / "cut.jsonl"
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        # A line is complete with its last brace; the line break may be missing.
        ends = [
            end
            for end in range(1, cut + 1)
            if content[end - 1 : end] == b"}" and content[end : end + 1] == b"\n"
        ]
        complete = max(0, len(ends) - 1)
        journal = Journal(path, KEY)
        assert list(journal.read()) == OUTPUTS[:complete]
        clean = cut == 0 or content[cut - 1 : cut] == b"\n" or cut in ends
        assert journal.torn == (0 if clean else 1)
        journal.append(Output("new", text="after the crash"))
        journal.close()
        assert read(path) == [*OUTPUTS[:complete], Output("new", text="after the crash")]
        assert path.read_bytes().endswith(b"}\n")


def test_reading_changes_no_byte(tmp_path: Path) -> None:
    path = tmp_path / "outputs.jsonl"
    write(path, OUTPUTS)
    torn = path.read_bytes()[:-7]
    path.write_bytes(torn)
    with Journal(path, KEY) as journal:
        assert len(list(journal.read())) == 2
    assert path.read_bytes() == torn


def test_nothing_is_written_before_the_first_output(tmp_path: Path) -> None:
    with Journal(tmp_path / "outputs.jsonl", KEY) as journal:
        assert journal.done() == set()
        assert list(journal.read()) == []
    assert not (tmp_path / "outputs.jsonl").exists()


def test_the_last_line_about_a_case_counts(tmp_path: Path) -> None:
    path = tmp_path / "outputs.jsonl"
    write(path, [Output("1", unscored="down"), Output("2", text="b"), Output("1", text="a")])
    assert read(path) == [Output("2", text="b"), Output("1", text="a")]
    write(path, [Output("2", text="c")])
    assert read(path) == [Output("1", text="a"), Output("2", text="c")]


def test_done_is_what_need_not_be_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "outputs.jsonl"
    write(path, [Output("1", text="a"), Output("1", 1, failed="no"), Output("2", unscored="down")])
    assert Journal(path, KEY).done() == {("1", 0), ("1", 1)}
    with Journal(path, KEY) as journal:
        journal.append(Output("2", text="b"))
        assert journal.done() == {("1", 0), ("1", 1), ("2", 0)}
        assert len(list(journal.read())) == 3


def test_every_line_is_there_at_once_for_others_to_see(tmp_path: Path) -> None:
    path = tmp_path / "outputs.jsonl"
    with Journal(path, KEY) as journal:
        for number, output in enumerate(OUTPUTS, start=1):
            journal.append(output)
            assert len(read(path)) == number


def test_a_closed_journal_opens_again_by_itself(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "outputs.jsonl", KEY)
    for output in OUTPUTS:
        journal.append(output)
        journal.close()
        journal.close()
    assert list(journal.read()) == OUTPUTS


def test_another_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "outputs.jsonl"
    write(path, OUTPUTS)
    with pytest.raises(StoreError, match="belongs to another run"):
        Journal(path, "other")
    assert Journal(path).key == KEY
    assert read(path, None) == OUTPUTS


def test_a_missing_journal_cannot_be_read_without_a_key(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no journal"):
        Journal(tmp_path / "outputs.jsonl")


@pytest.mark.parametrize(
    "damaged",
    [
        "{",
        "",
        "[]",
        "null",
        "\x00" * 20,
        '{"repeat": 1}',
        '{"case_id": 1}',
        '{"case_id": "1", "repeat": "0"}',
        '{"case_id": "1", "repeat": true}',
        '{"case_id": "1", "text": 3}',
        '{"case_id": "1", "latency_ms": "3"}',
        '{"case_id": "1", "unknown": 3}',
        "[" * 100_000,
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "outputs.jsonl"
    write(path, OUTPUTS)
    lines = path.read_text("utf-8").split("\n")
    lines[2] = damaged
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(StoreError, match=r"outputs.jsonl:3: .*damaged"):
        Journal(path, KEY)


@pytest.mark.parametrize("header", ['{"format": 2, "key": "abc"}', '{"case_id": "1"}', "[]"])
def test_a_foreign_header_is_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "outputs.jsonl"
    path.write_text(header + "\n")
    with pytest.raises(StoreError):
        Journal(path, KEY)


def test_a_full_disk_is_an_error_with_advice_and_loses_no_earlier_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outputs.jsonl"
    journal = Journal(path, KEY)
    journal.append(OUTPUTS[0])

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def write(self, line: bytes) -> int:
            self.file.write(line[:5])
            self.file.flush()
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            self.file.close()

    monkeypatch.setattr(journal, "_file", Full(journal._file))
    with pytest.raises(StoreError, match=r"(?s)No space left on device.*Make room"):
        journal.append(OUTPUTS[1])
    journal.append(OUTPUTS[2])
    journal.close()
    assert read(path) == [OUTPUTS[0], OUTPUTS[2]]
