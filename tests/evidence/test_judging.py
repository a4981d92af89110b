"""A judge's scores reach a gate only as far as people's verdicts carry them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shipworthy.errors import InputError, SpecError
from shipworthy.records import Decision, GateEvidence, Verdict
from shipworthy.stats.judges import CheckedAgainstPeople, PredictionPoweredRate, RoganGladenRate
from shipworthy.stats.melding import Difference

#: methods.md F7: both yes, people alone, judge alone, both no; elsewhere the judge says yes to 3407 of 5000.
CHECKED = CheckedAgainstPeople(133, 10, 9, 48)
ELSEWHERE = (3407, 5000)
RANDOM = {"of": "resolved", "labels": "labels.jsonl", "sampled": "random"}


def answers(
    checked: CheckedAgainstPeople = CHECKED, yes: int = ELSEWHERE[0], n: int = ELSEWHERE[1], **more: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows with a judge's verdicts, and people's verdicts on the first of them."""
    pairs = [(1, "yes")] * int(checked.hits) + [(0, "yes")] * int(checked.misses)
    pairs += [(1, "no")] * int(checked.false_alarms) + [(0, "no")] * int(checked.right_rejections)
    said = [judge for judge, _people in pairs] + [1] * yes + [0] * (n - yes)
    rows = [{"case_id": f"c{index}", "resolved": judge, **more} for index, judge in enumerate(said)]
    labels = [{"case_id": f"c{index}", "verdict": people} for index, (_judge, people) in enumerate(pairs)]
    return rows, labels


def decided(
    product: Callable[..., Any],
    rows: list[dict[str, Any]],
    files: dict[str, Any] | None = None,
    *,
    judges: Any = (RANDOM,),
    gates: Any = ("pass_rate(resolved) >= 60%",),
    **spec: Any,
) -> Decision:
    made = product(
        {"answers.jsonl": rows, **(files or {})},
        kind="generator",
        golden={"path": "answers.jsonl", "sampled": "random"},
        systems={"candidate": {"recorded": "answers.jsonl"}, **spec.pop("systems", {})},
        judges=list(judges),
        gates=list(gates),
        **spec,
    )
    found: Decision = made.decide().decision
    return found


def only(decision: Decision) -> GateEvidence:
    (gate,) = decision.evidence.gates
    return gate


def test_a_random_labelled_subset_corrects_the_rate_by_ppi(product: Any) -> None:
    rows, labels = answers()
    gate = only(decided(product, rows, {"labels.jsonl": labels}))
    exact = PredictionPoweredRate(CHECKED, *ELSEWHERE)
    assert gate.estimate.value == pytest.approx(0.695035, abs=5e-7)
    assert gate.estimate.n == 5200
    assert gate.lower == exact.bound("lower", 0.95)
    assert gate.bound_method == "PPI++, melded exact pieces"


def test_the_judges_rates_and_the_raw_rate_stand_beside_it(product: Any) -> None:
    rows, labels = answers()
    gate = only(decided(product, rows, {"labels.jsonl": labels}))
    # By hand: 133 of 143, 48 of 57, and (133 + 9 + 3407) of 5200.
    assert gate.judge is not None
    assert gate.judge.true_positive_rate.value == pytest.approx(133 / 143)
    assert gate.judge.true_negative_rate.value == pytest.approx(48 / 57)
    assert gate.judge.raw.value == pytest.approx(3549 / 5200)
    assert gate.judge.labelled == 200
    said = next(note for note in gate.notes if note.startswith("Judge of resolved"))
    assert "93.0% (87.6% to 96.2%, n 143)" in said
    assert "84.2%" in said
    assert "68.2%" in said


def test_a_set_of_its_own_corrects_the_rate_by_rogan_and_gladen(product: Any) -> None:
    rows, _labels = answers(CHECKED, 400, 600)
    own = [{"judge": 1, "human": "pass"}] * 180 + [{"judge": 0, "human": "pass"}] * 20
    own += [{"judge": 1, "human": "fail"}] * 60 + [{"judge": 0, "human": "fail"}] * 140
    judge = {
        "of": "resolved",
        "sampled": "other",
        "labels": {"path": "own.jsonl", "columns": {"judge": "judge", "verdict": "human"}},
    }
    gate = only(decided(product, rows, {"own.jsonl": own}, judges=[judge]))
    exact = RoganGladenRate(CheckedAgainstPeople(180, 20, 60, 140), 542, 800)
    assert gate.estimate.value == pytest.approx(exact.value)
    assert (gate.estimate.low, gate.estimate.high) == pytest.approx(exact.interval())
    assert gate.lower == pytest.approx(exact.bound("lower", 0.95))


def test_labels_chosen_otherwise_correct_by_rogan_and_gladen_too(product: Any) -> None:
    rows, labels = answers()
    gate = only(decided(product, rows, {"labels.jsonl": labels}, judges=[{**RANDOM, "sampled": "other"}]))
    assert gate.estimate.value == pytest.approx(RoganGladenRate(CHECKED, 3549, 5200).value)


def test_a_failed_row_fails_without_any_judge(product: Any) -> None:
    rows, labels = answers()
    failed = [{"case_id": f"f{index}", "resolved": "", "failed_reason": "timeout"} for index in range(1300)]
    whole = [{**row, "failed_reason": ""} for row in rows] + failed
    gate = only(decided(product, whole, {"labels.jsonl": labels}))
    # By hand: the labelled are 200 of 5200, so 50 of the 1300 failed rows count as if drawn among them.
    dealt = PredictionPoweredRate(CheckedAgainstPeople(133, 10, 9, 98), 3407, 6250)
    assert gate.estimate.value == pytest.approx(dealt.value)
    assert gate.estimate.value == pytest.approx(0.8 * 0.695035, abs=0.005)
    assert gate.estimate.n == 6500


def test_slices_are_corrected_or_unknown_and_never_raw(product: Any) -> None:
    rows, labels = answers()
    for index, row in enumerate(rows):
        row["language"] = "en" if index < 200 or index % 2 else "de"
    decision = decided(product, rows, {"labels.jsonl": labels}, slices=["language"])
    slices = [part for part in decision.evidence.slices if part.metric == "pass_rate(resolved)"]
    found = {part.value: part.estimate for part in slices}
    assert found["en"].method.startswith("PPI++")
    assert found["de"].value is None
    assert "0 of these outputs are labelled" in (found["de"].unknown or "")


def test_without_people_a_gate_is_not_measured(product: Any) -> None:
    rows, _labels = answers()
    decision = decided(product, rows, judges=[{"of": "resolved", "sampled": "random"}])
    assert decision.verdict is Verdict.hold
    assert only(decision).estimate.value is None
    assert "not measured against people" in (only(decision).estimate.unknown or "")


@pytest.mark.parametrize(
    ("checked", "reason"),
    [
        (CheckedAgainstPeople(5, 1, 0, 3), "9 of these outputs are labelled, and 10 are the least"),
        (CheckedAgainstPeople(90, 10, 0, 0), "they said yes to all 100 labelled outputs"),
        (CheckedAgainstPeople(0, 0, 9, 48), "they said no to all 57 labelled outputs"),
    ],
)
def test_too_few_labels_measure_no_judge(product: Any, checked: CheckedAgainstPeople, reason: str) -> None:
    rows, labels = answers(checked)
    decision = decided(product, rows, {"labels.jsonl": labels})
    assert decision.verdict is Verdict.hold
    assert reason in (only(decision).estimate.unknown or "")


UNFIT = CheckedAgainstPeople(50, 50, 50, 50)


def test_an_unfit_judge_behind_a_blocking_gate_makes_the_evidence_invalid(product: Any) -> None:
    rows, labels = answers(UNFIT)
    decision = decided(product, rows, {"labels.jsonl": labels})
    assert decision.verdict is Verdict.invalid
    assert "200 labelled outputs do not show it to be better than chance" in decision.forced_by[0].text
    assert only(decision).estimate.value is None
    assert only(decision).judge is not None


def test_an_unfit_judge_behind_an_advisory_gate_only_leaves_it_unmeasured(product: Any) -> None:
    rows, labels = answers(UNFIT)
    gates = [{"rule": "pass_rate(resolved) >= 60%", "blocking": False}]
    decision = decided(product, rows, {"labels.jsonl": labels}, gates=gates)
    assert decision.verdict is not Verdict.invalid
    assert "is unfit" in (only(decision).estimate.unknown or "")


@pytest.mark.parametrize(("least", "verdict"), [(0.84, Verdict.ship), (0.85, Verdict.invalid)])
def test_a_judge_below_its_stated_rate_is_unfit(product: Any, least: float, verdict: Verdict) -> None:
    # 48 of 57 is 84.2%.
    rows, labels = answers()
    decision = decided(product, rows, {"labels.jsonl": labels}, judges=[{**RANDOM, "min_tnr": least}])
    assert decision.verdict is verdict


def test_what_counts_a_judges_verdicts_one_by_one_is_not_measured(product: Any) -> None:
    rows, labels = answers()
    gates = ["mean(resolved) >= 0.6", "pass_rate(resolved) >= 60%"]
    mean, rate = decided(product, rows, {"labels.jsonl": labels}, gates=gates).evidence.gates
    assert "which nothing corrects" in (mean.estimate.unknown or "")
    assert rate.estimate.value is not None


def test_a_score_without_a_judge_is_used_as_it_is(product: Any) -> None:
    rows, _labels = answers()
    gate = only(decided(product, rows, judges=[]))
    assert gate.estimate.value == pytest.approx(3549 / 5200)
    assert gate.judge is None


def test_a_judge_that_decides_what_is_right_corrects_accuracy_and_keeps_out_flips(product: Any) -> None:
    rows, labels = answers()
    for row in rows:
        row["correct"] = row.pop("resolved")
    live = [{"case_id": row["case_id"], "correct": 1} for row in rows]
    decision = decided(
        product,
        rows,
        {"labels.jsonl": labels, "live.jsonl": live},
        judges=[{**RANDOM, "of": "correct"}],
        gates=["accuracy >= 60%", "negative_flips(live) <= 50%", "delta(accuracy, live) >= -90pt"],
        systems={"live": {"recorded": "live.jsonl"}},
    )
    accuracy, flips, delta = decision.evidence.gates
    assert accuracy.estimate.value == pytest.approx(0.695035, abs=5e-7)
    assert "one by one" in (flips.estimate.unknown or "")
    # Verdicts on the candidate's outputs say nothing about what live said.
    assert "not measured against people" in (delta.estimate.unknown or "")
    assert any("uncorrected" in note for note in decision.evidence.notes)


def test_two_systems_are_paired_on_the_cases_labelled_for_both(product: Any) -> None:
    rows, labels = answers()
    live = [{**row, "resolved": 0 if index < 20 else row["resolved"]} for index, row in enumerate(rows)]
    both = [{**label, "system": "candidate"} for label in labels]
    # For live people say no to the first 20 too.
    for index, label in enumerate(labels):
        verdict = "no" if index < 20 else label["verdict"]
        both.append({**label, "verdict": verdict, "system": "live"})
    decision = decided(
        product,
        rows,
        {"labels.jsonl": both, "live.jsonl": live},
        judges=[{**RANDOM, "labels": {"path": "labels.jsonl", "columns": {"system": "system"}}}],
        gates=["delta(pass_rate(resolved), live) >= -20pt"],
        systems={"live": {"recorded": "live.jsonl"}},
    )
    gate = only(decision)
    assert gate.bound_method.startswith("paired, post-stratified")
    lost = sum(row["resolved"] for row in rows[:20])
    assert lost == sum(label["verdict"] == "yes" for label in labels[:20])
    # Nothing but these cases changed in the judge's eyes, and people bear it out on each of them.
    assert gate.estimate.value == pytest.approx(lost / len(rows), abs=1e-9)


@pytest.mark.parametrize(("shared", "is_paired"), [(9, False), (10, True)])
def test_two_systems_labelled_on_too_few_cases_in_common_are_taken_as_independent(
    product: Any, shared: int, is_paired: bool
) -> None:
    rows, ours = answers()
    # People labelled the first 200 answers of the candidate and 200 of live, `shared` of them for the same
    # cases; live gives on its own what the candidate gives on the first.
    theirs = [{**label, "case_id": f"c{index + 200 - shared}"} for index, label in enumerate(ours)]
    said = {label["case_id"]: int(row["resolved"]) for row, label in zip(rows, theirs, strict=False)}
    live = [{**row, "resolved": said.get(row["case_id"], row["resolved"])} for row in rows]
    labels = [{**label, "system": "candidate"} for label in ours]
    labels += [{**label, "system": "live"} for label in theirs]
    decision = decided(
        product,
        rows,
        {"labels.jsonl": labels, "live.jsonl": live},
        judges=[{**RANDOM, "labels": {"path": "labels.jsonl", "columns": {"system": "system"}}}],
        gates=["delta(pass_rate(resolved), live) >= -20pt"],
        systems={"live": {"recorded": "live.jsonl"}},
    )
    gate = only(decision)
    assert gate.lower is not None
    assert gate.bound_method.startswith("paired, post-stratified") == is_paired
    if not is_paired:
        seen = [PredictionPoweredRate(CHECKED, yes, 5000) for yes in (3407, yes_elsewhere(live, theirs))]
        melded = Difference(*seen)
        assert gate.bound_method == melded.method
        assert gate.estimate.value == pytest.approx(melded.value)
        assert gate.lower == pytest.approx(melded.bound("lower", 0.95))


def yes_elsewhere(rows: list[dict[str, Any]], labels: list[dict[str, Any]]) -> int:
    """Return how often the judge says yes where people say nothing."""
    labelled = {label["case_id"] for label in labels}
    return sum(int(row["resolved"]) for row in rows if row["case_id"] not in labelled)


def test_grades_of_a_judge_are_corrected_by_peoples_grades(product: Any) -> None:
    rows, labels = answers()
    graded = [{"case_id": row["case_id"], "grade": "good" if row["resolved"] else "harmful"} for row in rows]
    people = [{**label, "verdict": "good" if label["verdict"] == "yes" else "poor"} for label in labels]
    decision = decided(
        product,
        graded,
        {"labels.jsonl": people},
        judges=[{**RANDOM, "of": "grade"}],
        gates=["good >= 60%", "harmful <= 50%"],
    )
    good, harmful = decision.evidence.gates
    assert good.estimate.value == pytest.approx(0.695035, abs=5e-7)
    # People called nothing harmful, so nobody knows how often the judge would miss it.
    assert "they said no to all 200" in (harmful.estimate.unknown or "")


def test_clusters_widen_the_bound(product: Any) -> None:
    checked = CheckedAgainstPeople(130, 10, 10, 50)
    rows, labels = answers(checked, 600, 800)
    alone = only(decided(product, rows, {"labels.jsonl": labels}))
    for index, row in enumerate(rows):
        row["cluster_id"] = str(index // 10)
    together = only(decided(product, rows, {"labels.jsonl": labels}))
    assert together.estimate.value == pytest.approx(alone.estimate.value, abs=0.01)
    assert together.lower is not None
    assert alone.lower is not None
    assert together.lower < alone.lower - 0.02


def test_labels_that_are_called_random_and_are_not_measure_nothing(product: Any) -> None:
    # The judge says yes to 71% of the labelled outputs and to 10% of the rest.
    rows, labels = answers(CHECKED, 500, 5000)
    gate = only(decided(product, rows, {"labels.jsonl": labels}))
    assert gate.estimate.value is None
    assert "are no random part" in (gate.estimate.unknown or "")
    assert "sampled: other" in (gate.estimate.unknown or "")
    rows, labels = answers()
    assert only(decided(product, rows, {"labels.jsonl": labels})).estimate.value is not None


def test_a_decision_with_a_judge_holds_when_it_is_computed_again(product: Any) -> None:
    rows, labels = answers(UNFIT)
    decided(product, rows, {"labels.jsonl": labels})
    made = product(
        kind="generator",
        golden={"path": "answers.jsonl", "sampled": "random"},
        systems={"candidate": {"recorded": "answers.jsonl"}},
        judges=[RANDOM],
        gates=["pass_rate(resolved) >= 60%"],
    )
    assert made.verify().holds


def test_other_labels_are_other_evidence(product: Any) -> None:
    rows, labels = answers()
    first = decided(product, rows, {"labels.jsonl": labels})
    second = decided(product, rows, {"labels.jsonl": labels[:150]})
    assert first.evidence.subject.rows_hash != second.evidence.subject.rows_hash
    # More labels are another look at the same candidate, and no other candidate.
    assert second.gates[0].candidates_tried == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": "nowhere.jsonl"}, "does not exist"),
        ({"labels": {"path": "labels.jsonl", "columns": {"verdict": "human"}}}, "maps 'verdict' to 'human'"),
        ({"labels": "strangers.jsonl"}, "None of its 2 verdicts speaks of a case"),
        ({"labels": "unsure.jsonl"}, "'maybe' is neither yes nor no"),
        ({"labels": "twice.jsonl"}, "'c1' has two verdicts"),
        ({"labels": "silent.jsonl"}, "holds no verdict"),
    ],
)
def test_wrong_label_files_are_refused_in_one_sentence(product: Any, change: Any, message: str) -> None:
    rows, labels = answers(CHECKED, 10, 20)
    files = {
        "labels.jsonl": labels,
        "strangers.jsonl": [{"case_id": "x1", "verdict": "yes"}, {"case_id": "x2", "verdict": "no"}],
        "unsure.jsonl": [{"case_id": "c1", "verdict": "maybe"}],
        "twice.jsonl": [{"case_id": "c1", "verdict": "yes"}, {"case_id": "c1", "verdict": "no"}],
        "silent.jsonl": [{"case_id": "c1", "verdict": ""}],
    }
    with pytest.raises(InputError, match=message):
        decided(product, rows, files, judges=[{**RANDOM, **change}])


def test_verdicts_in_ones_own_words_name_what_passes(product: Any) -> None:
    rows, labels = answers()
    words = [{**label, "verdict": "1_fine" if label["verdict"] == "yes" else "2_bad"} for label in labels]
    judge = {**RANDOM, "labels": {"path": "labels.jsonl", "passes": "1_fine"}}
    gate = only(decided(product, rows, {"labels.jsonl": words}, judges=[judge]))
    assert gate.estimate.value == pytest.approx(0.695035, abs=5e-7)


@pytest.mark.parametrize(
    ("judges", "message"),
    [
        ([{**RANDOM, "of": "resolvd"}], "No gate and no metric speaks of the score 'resolvd'"),
        ([RANDOM, RANDOM], "'resolved' has two judges"),
        ([{"of": "resolved"}], "'judges.0.sampled' is missing"),
        (
            [{**RANDOM, "labels": {"path": "l.jsonl", "columns": {"human": "h"}}}],
            "'human' is none of case_id",
        ),
    ],
)
def test_a_judge_must_make_sense_before_anything_runs(product: Any, judges: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        decided(product, [{"case_id": "1", "resolved": 1}], judges=judges)


def test_a_judged_column_read_as_text_is_kept_out_of_gates_too(product: Any) -> None:
    rows, labels = answers()
    gates = ["refusal_rate(resolved) >= 60%", "pass_rate(resolved) >= 60%"]
    refusals, rate = decided(product, rows, {"labels.jsonl": labels}, gates=gates).evidence.gates
    assert "which nothing corrects" in (refusals.estimate.unknown or "")
    assert rate.estimate.value is not None
