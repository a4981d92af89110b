"""What is found in golden sets: how versions differ, what repeats, what leaks, and what traffic they miss."""

from __future__ import annotations

import json

import numpy as np
import pytest

from making import write_file
from shipworthy.api.golden import (
    golden_coverage,
    golden_diff,
    golden_duplicates,
    golden_versions,
    show_golden,
)
from shipworthy.errors import InputError, StoreError, UsageError
from shipworthy.stats.homogeneity import homogeneity, total_variation
from shipworthy.stats.minhash import agreement, band_keys, candidates, jaccard, join_groups, signatures

QUESTIONS = (
    "Where is the parcel that I ordered last week?",
    "How do I change the address of my account?",
    "Can I return shoes that I have worn once outside?",
    "Why was my card charged twice this month?",
)


def cases(**changes):
    rows = [
        {"case_id": f"c{i}", "question": text, "label": "yes" if i % 2 else "no", "intent": f"i{i}"}
        for i, text in enumerate(QUESTIONS)
    ]
    return [{**row, **changes.get(row["case_id"], {})} for row in rows]


@pytest.fixture
def made(product):
    """Return a function that writes a product with a golden set in JSONL and returns its folder."""

    def write(rows, files=None, **golden):
        block = {"path": "golden.jsonl", "sampled": "random", **golden}
        return product({"golden.jsonl": rows, **(files or {})}, golden=block, slices=["intent"]).file.folder

    return write


# -- versions ------------------------------------------------------------------------------------------


def test_a_version_is_compared_case_by_case_after_its_file_is_gone(made):
    folder = made(cases())
    old = show_golden(folder).version
    changed = cases(c1={"label": "no"}, c2={"question": "Something else entirely?"}, c3={"intent": "moved"})
    write_file(folder / "golden.jsonl", [*changed[1:], {"case_id": "c9", "question": "New?", "label": "yes"}])
    found = golden_diff(old[7:13], path=folder)
    assert (found.counts.added, found.counts.removed, found.counts.unchanged) == (1, 1, 0)
    assert {part: n for part, n in found.counts.changed.items() if n} == {"input": 1, "label": 1, "rest": 1}
    assert [case.case_id for case in found.added] == ["c9"]
    assert [case.case_id for case in found.removed] == ["c0"]
    assert {case.case_id: case.parts for case in found.changed} == {
        "c1": ("label",),
        "c2": ("input",),
        "c3": ("rest",),
    }
    assert found.label_cases == (("c1", None, "no"),)
    assert found.labels_known == ("new",)


def test_two_files_are_compared_by_column_and_label(made):
    folder = made(cases())
    write_file(folder / "old.jsonl", cases(c0={"label": "yes"}, c1={"intent": "x"}))
    found = golden_diff("old.jsonl", "golden.jsonl", folder)
    assert found.columns_changed == {"label": 1, "intent": 1}
    assert found.label_moves == (("yes", "no", 1),)


def test_only_hashes_of_inputs_and_labels_are_kept(made):
    folder = made(cases())
    show_golden(folder)
    kept = b"".join(path.read_bytes() for path in (folder / ".shipworthy" / "golden").iterdir())
    assert b"parcel" not in kept
    assert b"c0" in kept


def test_a_column_that_is_gone_is_named_with_what_uses_it(made):
    folder = made(cases())
    old = show_golden(folder).version
    renamed = [{**{k: v for k, v in row.items() if k != "intent"}, "topic": row["intent"]} for row in cases()]
    write_file(folder / "golden.jsonl", renamed)
    found = golden_diff(old, path=folder)
    assert (found.columns_removed, found.columns_added) == (("intent",), ("topic",))
    assert found.uses == {"intent": ("slices",)}


def test_the_order_of_lines_is_another_version_with_the_same_cases(made):
    folder = made(cases())
    old = show_golden(folder).version
    write_file(folder / "golden.jsonl", cases()[::-1])
    found = golden_diff(old, path=folder)
    assert found.old_version != found.new_version
    assert found.same_cases


def test_versions_are_listed_with_their_runs(product):
    rows = [{"case_id": str(i), "label": "a", "prediction": "a"} for i in range(20)]
    made = product(
        {"golden.jsonl": rows, "out.jsonl": rows},
        golden={"path": "golden.jsonl"},
        systems={"candidate": {"recorded": "out.jsonl"}},
    )
    run, _ = made.run()
    [version] = golden_versions(made.file.folder)
    assert version.runs == (run.run_id,)
    assert (version.cases, version.kept, version.present) == (20, True, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [("nowhere.csv", "does not exist"), ("ffffffffffff", "no file and no version"), ("", "no file")],
)
def test_an_unknown_version_is_refused_with_the_known_ones(made, text, says):
    folder = made(cases())
    with pytest.raises(UsageError, match=says):
        golden_diff(text, path=folder)


def test_a_beginning_of_several_versions_is_refused(made):
    folder = made(cases())
    seen = set()
    for turn in range(40):
        write_file(folder / "golden.jsonl", cases(c0={"intent": f"t{turn}"}))
        version = show_golden(folder).version[7]
        if version in seen:
            break
        seen.add(version)
    with pytest.raises(UsageError, match="beginning of 2 versions"):
        golden_diff(version, path=folder)


def test_what_is_kept_of_a_version_cannot_be_changed_unnoticed(made):
    folder = made(cases())
    old = show_golden(folder).version
    write_file(folder / "golden.jsonl", cases()[:2])
    [table] = (folder / ".shipworthy" / "golden").glob("*.parquet")
    table.write_bytes(table.read_bytes()[:-1])
    with pytest.raises(StoreError, match="cut off or was changed"):
        golden_diff(old, path=folder)


# -- comparing runs across versions --------------------------------------------------------------------


def test_runs_on_two_versions_are_compared_on_the_cases_that_both_hold_unchanged(product):
    def rows(n, **more):
        return [{"case_id": f"c{i:02}", "label": "a", "input": f"text {i}", **more} for i in range(n)]

    systems = {"candidate": {"recorded": "new.jsonl"}, "live": {"recorded": "old.jsonl"}}
    answers = {name: rows(32, prediction="a") for name in ("new.jsonl", "old.jsonl")}
    made = product(
        {"golden.jsonl": rows(30), **answers},
        golden={"path": "golden.jsonl", "positive": ["a"]},
        systems=systems,
    )
    live, _ = made.run("live")
    later = rows(32)[2:]
    later[0]["label"] = "b"
    later[1]["input"] = "rewritten"
    write_file(made.file.folder / "golden.jsonl", later)
    for name in answers:
        write_file(
            made.file.folder / name, [{k: v for k, v in row.items() if k != "label"} for row in answers[name]]
        )
    found = made.compare("candidate", live.run_id)
    assert not found.same_golden
    assert found.shared == 26
    assert "the 26 cases that both hold unchanged" in found.note
    assert (
        "2 only in the first, 2 only in the second, 1 with another label, 1 with another input" in found.note
    )


# -- duplicates ----------------------------------------------------------------------------------------


def test_case_blanks_and_marks_at_the_end_make_no_other_case(made):
    twin = {"case_id": "t", "question": " where is the  PARCEL\nthat i ordered last week ", "label": "no"}
    other = {"case_id": "u", "question": "Why was my card charged twice this month", "label": "no"}
    found = golden_duplicates(made([*cases(), twin, other]))
    assert (found.groups, found.extra, found.conflicts) == (2, 2, 1)
    assert found.conflicting[0].case_ids == ("c3", "u")
    assert found.conflicting[0].labels == ("yes", "no")
    assert found.same[0].case_ids == ("c0", "t")


def test_marks_inside_a_text_tell_it_apart(made):
    rows = [{"case_id": str(i), "question": text} for i, text in enumerate(("pay 1.5", "pay 15", "pay 1,5"))]
    assert golden_duplicates(made(rows)).extra == 0


def test_nearly_equal_texts_are_found_and_others_are_not(made):
    near = {"case_id": "n", "question": "Where is the parcel that I had ordered last week?", "label": "yes"}
    found = golden_duplicates(made([*cases(), near]))
    [pair] = found.pairs
    assert (pair.case_id, pair.other, found.near_conflicts) == ("c0", "n", 1)
    assert 0.7 <= pair.alike < 1
    assert golden_duplicates(made([*cases(), near]), alike=0.95).near == 0


def test_cases_of_columns_are_equal_where_all_columns_are(made):
    rows = [{"case_id": str(i), "age": 30 + i % 2, "city": "a", "label": str(i)} for i in range(4)]
    found = golden_duplicates(made(rows))
    assert set(found.compared_by) == {"age", "city"}
    assert (found.extra, found.conflicts) == (2, 2)
    assert found.near is None
    assert "not one text" in found.near_unknown


def test_training_files_and_prompts_are_searched_for_the_cases(made):
    files = {
        "train.jsonl": [
            {"text": QUESTIONS[0].upper()},
            {"text": "How do I change the address on my account?"},
        ],
        "prompt.txt": f"Answer politely.\nQ: {QUESTIONS[2]}\nA: no",
        "other.jsonl": [{"something": "else"}],
    }
    folder = made(cases(), files, training=list(files))
    train, prompt, other = golden_duplicates(folder).leaks
    assert (train.exact, train.near, train.case_ids) == (1, 1, ("c0",))
    assert (prompt.exact, prompt.case_ids) == (1, ("c2",))
    assert other.exact is None
    assert "question" in other.unknown
    shown = show_golden(folder)
    assert any("train.jsonl holds 1 case" in problem for problem in shown.problems)


def test_the_same_file_gives_the_same_answer(made):
    rng = np.random.default_rng(1)
    words = [f"word{i}" for i in range(40)]
    rows = [{"case_id": str(i), "question": " ".join(rng.choice(words, 9))} for i in range(300)]
    folder = made([*rows, *({**row, "case_id": f"x{row['case_id']}"} for row in rows[:30])])
    assert golden_duplicates(folder) == golden_duplicates(folder)


def test_signatures_find_the_pairs_that_comparing_all_finds():
    rng = np.random.default_rng(7)
    words = [f"word{i}".encode() for i in range(300)]
    texts = [b" ".join(rng.choice(words, 8)) for _ in range(150)]
    texts += [text[:-3] + b"abc" for text in texts[:50]]
    truth = {
        (i, j)
        for i in range(len(texts))
        for j in range(i + 1, len(texts))
        if jaccard(texts[i], texts[j]) >= 0.7
    }
    keys = band_keys(signatures(texts))
    found = {tuple(map(int, pair)) for band in keys for pairs in candidates(band) for pair in pairs}
    assert len(truth) >= 50
    assert len(truth - found) <= 0.02 * len(truth)


def test_signatures_estimate_how_alike_texts_are():
    rng = np.random.default_rng(3)
    letters = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz ", np.uint8)
    long = [bytes(rng.choice(letters, 400)) for _ in range(200)]
    cut = [text[:300] + bytes(rng.choice(letters, 100)) for text in long]
    truth = np.array([jaccard(a, b) for a, b in zip(long, cut, strict=True)])
    error = agreement(signatures(long), signatures(cut)) - truth
    assert abs(error.mean()) < 0.02
    assert error.std() < 0.08


def test_pairs_join_into_groups():
    assert join_groups(np.array([[1, 2], [4, 5], [2, 5]]), 7).tolist() == [0, 1, 1, 3, 1, 1, 6]


def test_an_empty_text_has_no_signature_and_a_short_one_has():
    empty, short = signatures([b"", b"a"])
    assert (empty == 0xFFFFFFFF).all()
    assert (short != 0xFFFFFFFF).all()


# -- coverage ------------------------------------------------------------------------------------------


def spread(counts, **more):
    return [
        {"case_id": f"{value}{i}", "intent": value, "label": "a", **more}
        for value, n in counts.items()
        for i in range(n)
    ]


def test_parts_of_traffic_with_too_few_cases_come_by_their_share(made):
    folder = made(
        spread({"billing": 900, "returns": 40, "shipping": 60}),
        {"traffic.jsonl": spread({"billing": 500, "shipping": 300, "returns": 195, "rare": 5})},
        traffic="traffic.jsonl",
    )
    found = golden_coverage(folder)
    assert [(part.where["intent"], part.cases, part.needed) for part in found.thin] == [
        ("shipping", 60, 93),
        ("returns", 40, 93),
    ]
    assert found.thin[0].share == pytest.approx(0.3)
    assert found.likeness[0].distance == pytest.approx(0.4)
    assert found.likeness[0].contradicted
    assert any("no random sample" in warning for warning in show_golden(folder).warnings)
    assert len(golden_coverage(folder, least_share=0.0).parts) == 4


def test_a_true_random_sample_is_not_contradicted(made):
    mix = {"a": 300, "b": 200, "c": 100}
    folder = made(spread(mix), {"traffic.jsonl": spread(mix)}, traffic="traffic.jsonl")
    [part] = golden_coverage(folder).likeness
    assert (part.distance, part.contradicted) == (0.0, False)


def test_a_difference_too_small_to_matter_contradicts_nothing(made):
    folder = made(
        spread({"a": 5100, "b": 4900}),
        {"traffic.jsonl": spread({"a": 10_300, "b": 9_200})},
        traffic="traffic.jsonl",
    )
    [part] = golden_coverage(folder).likeness
    assert part.p_value is not None
    assert part.p_value < 0.01
    assert part.random_distance < 0.02
    assert not part.contradicted


def test_only_cases_that_are_said_to_be_random_are_held_to_it(made):
    rows = spread({"a": 300}, sampled=None) + spread({"b": 100}, sampled="curated")
    folder = made(rows, {"traffic.jsonl": spread({"a": 300})}, traffic="traffic.jsonl")
    found = golden_coverage(folder)
    assert found.likeness[0].random_cases == 300
    assert not found.likeness[0].contradicted
    assert found.only_golden == (("intent", "b", 100),)


def test_a_gate_on_a_part_says_how_many_cases_it_needs(product):
    made = product(
        {"golden.jsonl": spread({"a": 100, "b": 100}), "traffic.jsonl": spread({"a": 50, "b": 50})},
        golden={"path": "golden.jsonl", "traffic": "traffic.jsonl"},
        slices=["intent"],
        gates=[{"rule": "accuracy[intent = b] >= 90%", "expect": 0.94}],
    )
    needed = {
        part.where["intent"]: (part.needed, part.because) for part in golden_coverage(made.file.folder).parts
    }
    assert needed["a"][0] == 93
    assert needed["b"] == (333, "gate accuracy[intent = b] >= 90%")


def test_traffic_without_a_common_column_is_refused(made):
    folder = made(cases(), {"traffic.jsonl": [{"other": 1}]}, traffic="traffic.jsonl")
    with pytest.raises(InputError, match="no column to compare by"):
        golden_coverage(folder)


def test_the_chi_square_of_a_known_table():
    # Agresti, Categorical Data Analysis: party by gender, 762 327 468 against 484 239 477.
    statistic, freedom, p_value = homogeneity([762, 327, 468], [484, 239, 477])
    assert (round(statistic, 2), freedom) == (30.07, 2)
    assert p_value < 1e-6
    assert total_variation([1, 0], [0, 1]) == 1


def test_small_expected_counts_are_taken_together():
    assert homogeneity([100, 1, 1, 1], [100, 1, 1, 1])[1] == 0
    assert homogeneity([100, 10, 1, 0], [100, 10, 0, 1])[1] == 1


# -- show ----------------------------------------------------------------------------------------------


def test_every_case_may_say_how_it_was_chosen_and_where_it_comes_from(made):
    rows = cases(
        c0={"sampled": "curated", "provenance": "synthetic"},
        c1={"sampled": "Incident", "provenance": "incident"},
        c2={"sampled": "lottery"},
    )
    shown = show_golden(made(rows))
    assert dict(shown.counts.sampled) == {"curated": 1, "incident": 1, "random": 1, "unknown": 1}
    assert dict(shown.counts.provenance) == {"incident": 1, "synthetic": 1}
    assert shown.must_pass == 2
    assert [case.case_id for case in shown.must_pass_cases] == ["c0", "c1"]
    assert any("lottery" in warning for warning in shown.warnings)
    assert any("mix ways of sampling" in warning for warning in shown.warnings)


def test_strata_are_set_against_their_minimum_and_age_against_its_limit(made):
    rows = [{**row, "stratum": "edge" if row["case_id"] == "c0" else "representative"} for row in cases()]
    folder = made(
        rows,
        strata={"representative": 3, "edge": 5, "absent": 1},
        created="2026-01-01",
        stale_after="30d",
        version="sha256:000",
    )
    from datetime import date

    shown = show_golden(folder, today=date(2026, 1, 31))
    assert {row.name: row.short_by for row in shown.strata} == {"representative": 0, "edge": 4, "absent": 1}
    assert (shown.age_days, shown.stale) == (30, False)
    assert show_golden(folder, today=date(2026, 2, 1)).stale
    assert sum("stratum" in problem for problem in shown.problems) == 2
    assert any("pins sha256:000" in problem for problem in shown.problems)


def test_an_empty_set_says_what_to_do(made):
    shown = show_golden(made(cases(), where={"intent": "nothing"}, strata={"edge": 5}))
    assert shown.counts.cases == 0
    assert shown.problems[0] == "The golden set has no cases yet."
    assert "has 0 cases, and the spec asks for 5" in shown.problems[1]
    assert "golden.where (intent: nothing) keeps no row" in shown.to_do[0]
    assert not show_golden(made(cases())).to_do


# -- cases of columns ------------------------------------------------------------------------------------

#: Of the three cases alike in all columns two end one way: 4 of 5 is the most that the columns let be right.
PEOPLE = [
    {"case_id": f"p{i}", "age": age, "city": city, "label": label, "ended": f"day {i}"}
    for i, (age, city, label) in enumerate(
        [(30, "a", "yes"), (30, "a", "no"), (30, "a", "no"), (40, "a", "yes"), (40, "b", "no")]
    )
]
COLUMNS = ["age", "city"]


def test_people_who_look_alike_and_end_differently_are_no_fault_of_labelling(made):
    shown = show_golden(made(PEOPLE, inputs=COLUMNS))
    assert shown.problems == ()
    assert (shown.twins.conflicts, shown.twins.mixed, shown.twins.best_accuracy) == (1, 3, 0.8)
    assert any("right on at most 80.0% of these cases" in warning for warning in shown.warnings)


def test_a_text_or_file_with_two_labels_is_wrong(made):
    text = [*cases(), {**cases()[0], "case_id": "again", "label": "yes"}]
    shown = show_golden(made(text))
    assert any("different labels" in problem for problem in shown.problems)
    files = [{"case_id": f"c{i}", "label": "ab"[i], "input_file": "note.txt", "size": i} for i in range(2)]
    shown = show_golden(made(files, {"note.txt": "one"}))
    assert shown.twins.compared_by == ("input_file",)
    assert any("different labels" in problem for problem in shown.problems)


def test_one_question_about_two_files_is_two_inputs(made):
    texts = {f"note{i}.txt": f"number {i}" for i in range(2)}
    rows = [
        {"case_id": f"c{i}", "question": "Is it?", "label": "ab"[i], "input_file": f"note{i}.txt"}
        for i in range(2)
    ]
    found = golden_duplicates(made(rows, texts))
    assert (found.compared_by, found.groups) == (("question", "input_file"), 0)


def test_a_question_about_a_file_is_looked_for_in_prompts(made):
    rows = [{**row, "input_file": "note.txt"} for row in cases()]
    folder = made(rows, {"note.txt": "one", "prompt.md": f"Answer. {QUESTIONS[0]} In your app."})
    found = golden_duplicates(folder, training=[str(folder / "prompt.md")])
    assert found.leaks[0].case_ids == ("c0",)


def test_inputs_say_which_columns_tell_cases_apart(made):
    assert golden_duplicates(made(PEOPLE)).groups == 0
    folder = made(PEOPLE, {"train.jsonl": [{"age": 40, "city": "b"}]}, inputs=COLUMNS)
    found = golden_duplicates(folder, training=[str(folder / "train.jsonl")])
    assert (found.compared_by, found.groups, found.extra) == (("age", "city"), 1, 2)
    assert found.leaks[0].case_ids == ("p4",)


def test_inputs_may_hold_the_text_and_more(made):
    rows = [{**row, "question": "Where IS it?" if i else "where is it"} for i, row in enumerate(cases())]
    assert golden_duplicates(made(rows)).extra == 3
    found = golden_duplicates(made(rows, inputs=["question", "intent"]))
    assert (found.extra, found.is_text, found.tabular) == (0, False, False)
    same = [{**row, "intent": "i"} for row in rows]
    assert show_golden(made(same, inputs=["question", "intent"])).problems


def test_inputs_that_the_file_lacks_are_refused_with_the_nearest(made):
    with pytest.raises(InputError, match=r"golden\.inputs names the column 'agee'") as refused:
        show_golden(made(PEOPLE, inputs=["agee"]))
    assert "'age'" in str(refused.value.fix)


def test_a_change_of_what_is_no_input_is_a_change_of_another_column(made):
    folder = made(PEOPLE, inputs=COLUMNS)
    old = show_golden(folder).version
    write_file(folder / "golden.jsonl", [{**PEOPLE[0], "ended": "later"}, *PEOPLE[1:]])
    found = golden_diff(old, path=folder)
    assert {part: n for part, n in found.counts.changed.items() if n} == {"rest": 1}
    assert found.same_inputs


def test_a_version_that_was_kept_with_other_inputs_says_so(made):
    old = show_golden(made(PEOPLE)).version
    write = made(PEOPLE, inputs=COLUMNS)
    write_file(write / "golden.jsonl", PEOPLE[1:])
    assert not golden_diff(old, path=write).same_inputs


def test_rows_like_those_of_training_files_leak_only_where_columns_tell_cases_apart(made):
    training = {"train.jsonl": [{"age": 40, "city": "b"}]}
    alike = show_golden(made(PEOPLE, training, inputs=COLUMNS, training=["train.jsonl"]))
    assert alike.problems == ()
    assert any("not known from these columns" in warning for warning in alike.warnings)
    apart = show_golden(made(PEOPLE[2:], training, inputs=COLUMNS, training=["train.jsonl"]))
    assert apart.problems == ("train.jsonl holds 1 case of the golden set.",)


# -- what gates ask of cases that must pass --------------------------------------------------------------


def with_gates(product, rules, **golden):
    rows = [
        {"case_id": f"c{i}", "question": f"What is {i}?", "label": "yes", "stratum": ["usual", "edge"][i % 2]}
        for i in range(6)
    ]
    block = {"path": "g.jsonl", "sampled": {"usual": "random", "edge": "curated"}, **golden}
    folder = product({"g.jsonl": rows}, golden=block, gates=rules).file.folder
    return [w for w in show_golden(folder).warnings if "no gate asks" in w or "several ways" in w]


def test_cases_that_must_pass_hold_a_release_only_through_a_gate(product):
    [told] = with_gates(product, ["accuracy[stratum = usual] >= 50%"])
    assert "3 cases of the stratum 'edge' must pass" in told
    assert "failures[stratum = edge] <= 0" in told
    for rule in ("failures[stratum = edge] <= 0", "failures <= 0", "failures[stratum != usual] <= 0"):
        assert with_gates(product, ["accuracy[stratum = usual] >= 50%", rule]) == []


def test_a_gate_over_cases_chosen_in_several_ways_is_named(product):
    rules = ["accuracy[stratum = usual] >= 50%", "accuracy[stratum in (usual, edge)] >= 40%"]
    [told] = with_gates(product, [*rules, "failures[stratum = edge] <= 0"])
    assert "(3 random, 3 curated)" in told
    assert rules[1] in told


def test_ids_that_occur_twice_are_refused(made):
    with pytest.raises(InputError, match=r"'c0' \(2 times\)"):
        show_golden(made([*cases(), cases()[0]]))


def test_a_set_is_shown_although_nothing_can_be_written(made, monkeypatch):
    folder = made(cases())

    def refuse(**_place):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shipworthy.golden.versions.tempfile.mkstemp", refuse)
    assert any("could not be kept" in warning for warning in show_golden(folder).warnings)


def test_records_are_json_ready(made):
    from shipworthy.cli.golden_shown import described

    files = {"t.jsonl": [{"intent": "i1"}]}
    assert json.loads(json.dumps(described(show_golden(made(cases(), files, traffic="t.jsonl")))))["version"]


def test_a_decision_lists_failing_cases_that_say_they_were_chosen_by_hand(product):
    rows = [
        {"case_id": f"c{i:02}", "label": "ab"[i % 2], "sampled": "curated" if i < 3 else None}
        for i in range(40)
    ]
    answers = [
        {"case_id": row["case_id"], "prediction": "ba"[i % 2] if i < 2 else "ab"[i % 2]}
        for i, row in enumerate(rows)
    ]
    answers[-1]["prediction"] = "a"
    made = product(
        {"golden.jsonl": rows, "out.jsonl": answers},
        golden={"path": "golden.jsonl", "sampled": "random", "positive": ["a"]},
        systems={"candidate": {"recorded": "out.jsonl"}},
    )
    evidence = made.decide().decision.evidence
    assert evidence.must_pass_failing == 2
    assert [case.case_id for case in evidence.must_pass] == ["c00", "c01"]
    assert any("3 of the 40 cases" in note for note in evidence.notes)
    assert made.verify().holds


def test_an_id_of_the_file_describes_no_case(made):
    rows = [{"id": str(i), "key": f"k{i}", "age": 30 + i % 2} for i in range(4)]
    found = golden_duplicates(made(rows, columns={"case_id": "key"}))
    assert found.compared_by == ("age",)
    assert found.extra == 2
