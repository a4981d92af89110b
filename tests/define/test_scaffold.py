from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipworthy.define import scaffold
from shipworthy.define.reading import SPEC_FILE, SpecFile, read_spec
from shipworthy.define.scaffold import product_id, write_product
from shipworthy.define.schema import SCHEMA_FILE
from shipworthy.define.spec import KINDS
from shipworthy.errors import UsageError

every_kind = pytest.mark.parametrize("kind", KINDS)


def rows_of(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(text.splitlines()))


def product(tmp_path: Path, kind: str) -> SpecFile:
    write_product(tmp_path / kind, kind)
    return read_spec(tmp_path / kind)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@every_kind
def test_every_kind_writes_a_spec_that_reads_and_is_judged_as_a_whole(tmp_path: Path, kind: str) -> None:
    file = product(tmp_path, kind)
    assert (file.spec.kind, file.spec.id) == (kind, kind)
    assert file.spec.not_judged() == ()
    assert file.spec.guardrails
    assert all(guardrail.measured for guardrail in file.spec.guardrails)
    assert file.spec.acceptances


@every_kind
def test_golden_set_has_the_mapped_columns_and_unique_ids(tmp_path: Path, kind: str) -> None:
    file = product(tmp_path, kind)
    spec, golden = file.spec, rows_of(file.folder / file.spec.golden.path)
    recorded = [rows_of(file.folder / s.recorded) for s in spec.systems.named().values() if s.recorded]
    known = set(golden[0]).union(*(rows[0] for rows in recorded))
    assert set(spec.golden.columns.values()) <= known
    ids = [row[spec.golden.columns["case_id"]] for row in golden]
    assert len(set(ids)) == len(ids)
    if kind != "agent":
        assert 120 <= len(ids) <= 300
    for role in ("case_id", "input", "label"):
        assert all(row[spec.golden.columns[role]] not in ("", None) for row in golden)
    for name in spec.slices:
        assert spec.golden.columns.get(name, name) in golden[0]
    if spec.golden.positive:
        labels = {row[spec.golden.columns["label"]] for row in golden}
        assert set(spec.golden.positive) < labels


@every_kind
def test_recorded_outputs_answer_each_case_once_per_repeat(tmp_path: Path, kind: str) -> None:
    file = product(tmp_path, kind)
    spec = file.spec
    case_id = spec.golden.columns["case_id"]
    repeat = spec.golden.columns.get("repeat")
    cases = {row[case_id] for row in rows_of(file.folder / spec.golden.path)}
    assert spec.systems.candidate is not None
    assert spec.systems.live is not None
    for system in spec.systems.named().values():
        if system.recorded is None:
            continue
        rows = rows_of(file.folder / system.recorded)
        keys = [(row[case_id], row[repeat] if repeat else 0) for row in rows]
        assert len(set(keys)) == len(keys) == len(cases) * spec.golden.repeats
        assert {key[0] for key in keys} == cases


def test_strata_of_the_handbook_hold_their_declared_minimum(tmp_path: Path) -> None:
    file = product(tmp_path, "rag")
    strata = [row["stratum"] for row in rows_of(file.folder / file.spec.golden.path)]
    assert set(strata) == set(file.spec.golden.strata) == set(file.spec.golden.sampled)
    for stratum, minimum in file.spec.golden.strata.items():
        assert strata.count(stratum) >= minimum


def test_grades_of_the_handbook_agree_with_the_reference_answers(tmp_path: Path) -> None:
    file = product(tmp_path, "rag")
    reference = {
        row["question_id"]: row["reference"] for row in rows_of(file.folder / "golden/questions.csv")
    }
    for system in ("candidate", "live"):
        for row in rows_of(file.folder / f"recorded/{system}.csv"):
            right = row["output"] == reference[row["question_id"]]
            assert right == (row["grade"] == "good") or row["unscored_reason"]
            assert row["grade"] in ("good", "poor", "harmful") or row["unscored_reason"]


def test_rewards_of_the_agent_agree_with_the_expected_actions(tmp_path: Path) -> None:
    file = product(tmp_path, "agent")
    expected = {row["task_id"]: row["expected"] for row in rows_of(file.folder / "golden/tasks.csv")}
    for system in ("candidate", "live"):
        for row in rows_of(file.folder / f"recorded/{system}.csv"):
            assert row["reward"] == str(int(row["output"] == expected[row["task_id"]]))
            assert bool(row["output"]) != bool(row["failed_reason"])


def test_each_gate_on_a_slice_speaks_of_some_cases(tmp_path: Path) -> None:
    for kind in KINDS:
        file = product(tmp_path, kind)
        golden = rows_of(file.folder / file.spec.golden.path)
        for gate in file.spec.gates:
            for condition in gate.parsed.left.population.conditions:
                column = file.spec.golden.columns.get(condition.column, condition.column)
                assert condition.values[0] in {row[column] for row in golden}


def test_the_python_function_answers_as_the_spec_promises(tmp_path: Path) -> None:
    file = product(tmp_path, "generator")
    assert file.spec.systems.candidate is not None
    assert file.spec.systems.candidate.function == "system:answer"
    answer = load_answer(file.folder / "system.py")
    golden = rows_of(file.folder / file.spec.golden.path)
    answers = [answer(row["input"]) for row in golden]
    right = sum(given == row["expected"] for given, row in zip(answers, golden, strict=True))
    assert (len(golden), right, answers.count("")) == (200, 181, 5)


def load_answer(path: Path) -> Callable[[str], str]:
    spec = importlib.util.spec_from_file_location("example_system", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    answer: Callable[[str], str] = module.answer
    return answer


@every_kind
def test_the_spec_teaches_and_ends_with_what_next(tmp_path: Path, kind: str) -> None:
    text = product(tmp_path, kind).text
    assert 35 <= len(text.splitlines()) <= 60
    *_, first, second, third = text.splitlines()
    assert first.startswith("# What next: `shipworthy run`")
    assert "`shipworthy decide`" in second
    assert "`shipworthy report`" in third


def test_git_keeps_the_evidence_and_leaves_runs_out(tmp_path: Path) -> None:
    write_product(tmp_path / "shop", "ranker")
    lines = (tmp_path / "shop" / ".gitignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert {".shipworthy/runs/", ".shipworthy/index.db"} <= set(rules)
    for kept in (SPEC_FILE, "golden", "recorded", "decisions", "labels", ".shipworthy/\n"):
        assert not any(kept in f"{rule}\n" for rule in rules)


@every_kind
def test_the_returned_paths_are_the_files_that_exist(tmp_path: Path, kind: str) -> None:
    written = write_product(tmp_path / "shop", kind)
    assert written == sorted(path for path in (tmp_path / "shop").rglob("*") if path.is_file())
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


@every_kind
def test_every_template_is_small(tmp_path: Path, kind: str) -> None:
    written = write_product(tmp_path / "shop", kind)
    assert sum(path.stat().st_size for path in written if path.name != SCHEMA_FILE) < 60_000


def test_a_folder_that_is_not_empty_is_refused_and_left_untouched(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty") as caught:
        write_product(tmp_path / "shop", "rag")
    assert "new folder" in caught.value.fix
    assert contents(tmp_path) == {"shop/notes.txt": b"mine"}


def test_a_folder_that_holds_a_product_is_refused_with_what_to_do_there(tmp_path: Path) -> None:
    write_product(tmp_path / "shop", "rag")
    before = contents(tmp_path)
    with pytest.raises(UsageError) as caught:
        write_product(tmp_path / "shop", "agent")
    assert "shipworthy run" in caught.value.fix
    assert contents(tmp_path) == before


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        write_product(tmp_path / "shop", "rag")


def test_an_unknown_kind_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'classifier'"):
        write_product(tmp_path / "shop", "clasifier")
    assert contents(tmp_path) == {}


def test_an_empty_folder_is_filled_even_where_one_stands_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Shop Search").mkdir()
    monkeypatch.chdir(tmp_path / "Shop Search")
    write_product(Path(), "ranker")
    assert read_spec(Path()).spec.id == "shop-search"


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file = scaffold._write_file

    def full_disk(folder: Path, path: Any, content: bytes) -> Path:
        if path.name == SPEC_FILE:
            raise OSError(28, "No space left on device")
        return write_file(folder, path, content)

    monkeypatch.setattr(scaffold, "_write_file", full_disk)
    with pytest.raises(UsageError, match="No space left on device"):
        write_product(tmp_path / "shop", "rag")
    assert list(tmp_path.iterdir()) == []


def test_missing_folders_on_the_way_are_made(tmp_path: Path) -> None:
    write_product(tmp_path / "a" / "b" / "shop", "regressor")
    assert read_spec(tmp_path / "a" / "b" / "shop").spec.id == "shop"


@pytest.mark.parametrize(
    "name", ["Fraud (EU)", "2024", "true", "null", "1.50", "..hidden", "größe", "a: b # c"]
)
def test_any_name_becomes_an_id_that_reads(tmp_path: Path, name: str) -> None:
    write_product(tmp_path / "shop", "ranker", name)
    assert read_spec(tmp_path / "shop").spec.id == product_id(name)


def test_a_name_without_a_usable_letter_becomes_the_kind(tmp_path: Path) -> None:
    write_product(tmp_path / "商店", "ranker")
    assert read_spec(tmp_path / "商店").spec.id == "ranker"
