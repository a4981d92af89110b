from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shipworthy.api.product import Decided, Product, open_product
from shipworthy.cli.demo import command
from shipworthy.demo import bundled
from shipworthy.demo.docs_assistant import assistant
from shipworthy.demo.screening import screening
from shipworthy.errors import UsageError
from shipworthy.records import Case, GateStatus, Output, Verdict

Judged = tuple[Product, Decided, Path]


def _judged(folder: Path, name: str) -> Judged:
    product = bundled.set_up(folder, name)
    decided = bundled.judge(product)
    return open_product(product), decided, product


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    return _judged(tmp_path_factory.mktemp("docs"), "docs_assistant")


@pytest.fixture(scope="module")
def masses(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    pytest.importorskip("sklearn")
    return _judged(tmp_path_factory.mktemp("masses"), "screening")


@pytest.fixture(params=bundled.PRODUCTS)
def judged(request: pytest.FixtureRequest) -> Judged:
    found: Judged = request.getfixturevalue("masses" if request.param == "screening" else "docs")
    return found


# What both leave behind


def test_a_decision_and_its_record_are_there(judged: Judged) -> None:
    _product, decided, folder = judged
    assert decided.path.exists()
    page = (folder / bundled.RECORD).read_text("utf-8")
    assert decided.decision.evidence.product in page
    assert decided.id in page
    assert "<script" not in page


def test_the_decision_holds_when_it_is_recomputed(judged: Judged) -> None:
    product, decided, _folder = judged
    verification = product.verify(decided.id)
    assert verification.holds
    assert verification.differences == ()


def test_every_case_was_asked_and_every_gate_measured(judged: Judged) -> None:
    product, decided, _folder = judged
    count = decided.decision.evidence.subject.denominator
    assert count.planned == count.scored == decided.decision.evidence.subject.cases
    assert len(decided.decision.gates) == len(product.spec.gates)
    assert not [gate for gate in decided.decision.gates if gate.status is GateStatus.not_measured]


def test_every_bad_outcome_that_occurred_is_named_with_what_stands_around_it(judged: Judged) -> None:
    _product, decided, _folder = judged
    bad = {part.outcome for part in decided.decision.evidence.outcomes if not part.good and part.count}
    assert {part.outcome for part in decided.decision.coverage} == bad
    bare = [part for part in decided.decision.coverage if not part.covered]
    if bare:
        assert decided.decision.verdict not in (Verdict.ship, Verdict.ship_with_guardrails)


def test_holding_has_a_price(judged: Judged) -> None:
    _product, decided, _folder = judged
    holding = decided.decision.evidence.holding
    assert holding is not None
    assert holding.per_month.value is not None


def test_the_spec_leaves_nothing_unjudged(judged: Judged) -> None:
    assert judged[0].spec.not_judged() == ()


# What each teaches


def _graded(search: Any) -> dict[str, str]:
    """Grade the representative questions without anything of Shipworthy's."""
    lines = Path(str(Path(assistant.__file__).parent / "golden" / "questions.jsonl")).read_text("utf-8")
    found = {}
    for row in map(json.loads, lines.splitlines()):
        if row["stratum"] == "representative":
            output = Output(row["case_id"], prediction=search(row["question"])["prediction"])
            found[row["case_id"]] = assistant.grade(output, Case(row["case_id"], "", label=row["label"]))
    return found


def test_the_assistant_names_every_question_that_broke(docs: Judged) -> None:
    _product, decided, _folder = docs
    (against,) = decided.decision.evidence.comparisons
    ours, theirs = _graded(assistant.ranked_search), _graded(assistant.keyword_search)
    broke = {case for case in ours if theirs[case] == "good" != ours[case]}
    fixed = {case for case in ours if ours[case] == "good" != theirs[case]}
    assert broke
    assert (against.fixed, against.broke) == (len(fixed), len(broke))
    assert {change.case_id for change in against.newly_failing} == broke
    assert all(change.input and change.before_text and change.after_text for change in against.newly_failing)


def test_the_assistants_rates_say_that_nobody_sampled_them(docs: Judged) -> None:
    _product, decided, _folder = docs
    assert decided.decision.evidence.sampled == "curated"
    rates = [gate for gate in decided.decision.gates if gate.evidence.metric != "failures"]
    assert all(any("not your traffic" in note for note in gate.evidence.notes) for gate in rates)


def test_the_assistant_claims_no_guardrail(docs: Judged) -> None:
    assert docs[0].spec.guardrails == []


def test_screening_counts_what_its_systems_say(masses: Judged) -> None:
    """Counted again from scikit-learn's own table, without the golden file in between."""
    _product, decided, _folder = masses
    golden, names = screening.golden_part(), screening.measurements()
    said = {"true_positive": 0, "false_positive": 0, "false_negative": 0, "true_negative": 0}
    for measured, malignant in zip(golden.measured, golden.malignant, strict=True):
        flagged = screening.svm(dict(zip(names, measured, strict=True)))["prediction"] == "malignant"
        word = "positive" if flagged else "negative"
        said[f"{'true' if flagged == malignant else 'false'}_{word}"] += 1
    counted = {part.outcome: part.count for part in decided.decision.evidence.outcomes}
    assert counted == {outcome: count for outcome, count in said.items() if count}


def test_screening_is_set_against_live_and_the_simple_baseline(masses: Judged) -> None:
    _product, decided, _folder = masses
    assert [part.other for part in decided.decision.evidence.comparisons] == ["live", "logistic"]


def test_the_second_reader_shows_on_how_little_it_was_tried(masses: Judged) -> None:
    product, decided, _folder = masses
    (guardrail,) = product.spec.guardrails
    missed = [part for part in decided.decision.coverage if part.outcome == "false_negative"]
    for part in missed:
        assert part.guardrails == ("second_reader",)
        assert part.catch is not None
        assert part.catch.n == guardrail.tried
        assert part.catch.low is not None
        assert part.catch.low < 0.5


# Setting up


def test_a_product_that_is_there_is_kept(tmp_path: Path) -> None:
    folder = bundled.set_up(tmp_path, "docs_assistant")
    (folder / "shipworthy.yaml").write_text("mine", "utf-8")
    assert bundled.is_set_up(tmp_path, "docs_assistant")
    assert bundled.set_up(tmp_path, "docs_assistant") == folder
    assert (folder / "shipworthy.yaml").read_text("utf-8") == "mine"


def test_a_product_is_ordinary_files_and_nothing_else(tmp_path: Path) -> None:
    folder = bundled.set_up(tmp_path / "new" / "place", "docs_assistant")
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == {
        ".gitignore",
        "shipworthy.yaml",
        "assistant.py",
        "golden/README.md",
        "golden/questions.jsonl",
    }
    assert [path.name for path in folder.parent.iterdir()] == ["docs_assistant"]


def test_an_unknown_product_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'screening'"):
        bundled.set_up(tmp_path, "screning")


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "docs_assistant").mkdir()
    (tmp_path / "docs_assistant" / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="nothing was written"):
        bundled.set_up(tmp_path, "docs_assistant")
    assert [path.name for path in tmp_path.rglob("*")] == ["docs_assistant", "thesis.txt"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "docs_assistant").mkdir()
    assert open_product(bundled.set_up(tmp_path, "docs_assistant")).spec.id == "docs_assistant"


def test_a_place_that_cannot_be_written_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(UsageError, match="cannot be written"):
        bundled.set_up(tmp_path / "file", "docs_assistant")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without scikit-learn."""
    monkeypatch.setattr(bundled, "find_spec", lambda name: None)
    return


def test_without_scikit_learn_the_message_says_what_to_install(tmp_path: Path, bare: None) -> None:
    with pytest.raises(UsageError, match=r'pip install "shipworthy\[demo\]"'):
        bundled.set_up(tmp_path, "screening")
    assert list(tmp_path.iterdir()) == []


# The command


def _demo(*arguments: str) -> Any:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_the_command_judges_what_can_run_and_says_how_to_open_its_record(docs: Judged, bare: None) -> None:
    _product, _decided, folder = docs
    result = _demo("--into", str(folder.parent))
    assert result.exit_code == 0
    assert (folder / bundled.RECORD).resolve().as_uri() in result.stdout
    assert "Newly failing against live" in result.stdout
    assert "screening is left out" in result.stderr
    assert "is kept as it is" in result.stderr


def test_the_command_tells_machines_and_judging_again_changes_nothing(judged: Judged) -> None:
    _product, decided, folder = judged
    result = _demo("--into", str(folder.parent), "--only", folder.name, "--json")
    assert result.exit_code == 0
    (told,) = json.loads(result.stdout)
    assert told["product"] == folder.name
    assert told["verdict"] == decided.decision.verdict.value
    assert told["id"] == decided.id
    assert Path(told["record"]) == (folder / bundled.RECORD).resolve()
    assert told["newly_failing"].keys() == {part.other for part in decided.decision.evidence.comparisons}


def test_the_command_refuses_what_it_cannot_run(tmp_path: Path, bare: None) -> None:
    with pytest.raises(UsageError, match="needs scikit-learn"):
        _demo("--into", str(tmp_path), "--only", "screening")
