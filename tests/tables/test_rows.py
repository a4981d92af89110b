"""Canonical rows: what is refused when a file enters, and what counts as failed or unscored."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from making import make_rows
from shipworthy.define.rules import parse_rule
from shipworthy.errors import InputError
from shipworthy.evidence.estimating import measure
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import bind
from shipworthy.tables.duck import connect
from shipworthy.tables.row_plan import Basis, RowsProfile
from shipworthy.tables.totals import Ask, read_totals

GOOD = {"case_id": "1", "label": 1, "prediction": 1}


def value_of(connection: Any, rule: str, profile: RowsProfile, table: str = "rows") -> float:
    metric = bind(parse_rule(f"{rule} >= 0").left, Frame(profile, "classifier"))
    ask = Ask(metric.total)
    return measure(metric, read_totals(connection, table, [ask])[ask], 0, profile).confidence.value


# -- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["predicted_score", "latency_ms", "run_cost", "weight"])
@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-Infinity", "1e999", "high", "1,5"])
def test_a_number_that_is_none_is_refused_with_the_case(connection: Any, column: str, value: str) -> None:
    with pytest.raises(InputError, match=rf"{column} is no finite number in 1 rows: '.*' at case 'bad'"):
        make_rows(connection, "rows", [GOOD, GOOD | {"case_id": "bad", column: value}])


@pytest.mark.parametrize("value", ["nan", "inf", "very"])
def test_a_relevance_that_is_no_number_is_refused(connection: Any, value: str) -> None:
    rows = [{"case_id": "a", "query_id": "q", "label": value, "predicted_score": 1}]
    with pytest.raises(InputError, match=f"relevance '{value}' of item 'a'"):
        make_rows(connection, "rows", rows, Basis.RANKING)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"case_id": None}, "no case_id"),
        ({"case_id": "  "}, "no case_id"),
        ({"case_id": "1"}, r"'1' \(2 times\)"),
        ({"case_id": "2", "repeat": "first"}, "repeat 'first' of case '2'"),
        ({"case_id": "2", "weight": -1}, "weight of case '2' is negative"),
    ],
)
def test_a_row_that_cannot_be_is_refused(connection: Any, row: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make_rows(connection, "rows", [GOOD, GOOD | row])


def test_rows_that_all_weigh_nothing_are_refused_and_not_counted_as_ones(connection: Any) -> None:
    with pytest.raises(InputError, match="Every weight is 0"):
        make_rows(connection, "rows", [GOOD | {"weight": 0}, GOOD | {"case_id": "2", "weight": 0}])


def test_a_row_without_a_weight_among_weighted_ones_is_refused(connection: Any) -> None:
    with pytest.raises(InputError, match=r"1 rows have no weight .* at case '2'"):
        make_rows(connection, "rows", [GOOD | {"weight": 2}, GOOD | {"case_id": "2"}])


def test_an_unknown_grade_is_refused_and_a_mapped_one_is_not(connection: Any) -> None:
    rows = [{"case_id": "1", "grade": "Good "}, {"case_id": "2", "grade": "meh"}]
    with pytest.raises(InputError, match="grade 'meh'"):
        make_rows(connection, "rows", rows, Basis.GRADE)
    assert make_rows(connection, "rows", rows, Basis.GRADE, grades={"Meh": "poor"}).scored == 2


# -- classes ---------------------------------------------------------------------------------------------


def classified(connection: Any, pairs: list[tuple[Any, Any]], **plan: Any) -> RowsProfile:
    rows = [{"case_id": str(i), "label": label, "prediction": said} for i, (label, said) in enumerate(pairs)]
    return make_rows(connection, "rows", rows, **plan)


def test_an_unseen_class_is_refused(connection: Any) -> None:
    with pytest.raises(InputError, match="prediction 'bird' is no class"):
        classified(connection, [("cat", "cat"), ("dog", "bird"), ("fox", "fox")])


def test_a_stray_prediction_beside_the_labels_words_is_refused_though_a_class_is_positive(
    connection: Any,
) -> None:
    with pytest.raises(InputError, match="prediction 'frad' is no class"):
        classified(
            connection, [("fraud", "frad"), ("fraud", "fraud"), ("legit", "legit")], positive=("fraud",)
        )


def test_predictions_in_words_of_their_own_are_read_by_the_positive_ones(connection: Any) -> None:
    pairs = [(1, "High"), (1, "Low"), (0, "Medium"), (0, "Low")]
    profile = classified(connection, pairs, positive=("1", "Medium", "High"))
    assert profile.binary
    assert value_of(connection, "recall", profile) == 0.5
    assert value_of(connection, "fpr", profile) == 0.5


def test_predictions_in_words_of_their_own_of_which_none_is_positive_are_refused(connection: Any) -> None:
    with pytest.raises(InputError, match="prediction 'High' is no class"):
        classified(connection, [(1, "High"), (0, "Low")], positive=("1",))


@pytest.mark.parametrize(
    "pairs",
    [[("True", "true"), ("False", "false")], [("YES", "yes"), ("NO", "No")], [("1", "1"), ("0", "0")]],
)
@pytest.mark.parametrize("positive", [(), ("first",)])
def test_spellings_that_differ_in_case_are_one_positive_class(
    connection: Any, pairs: list[tuple[str, str]], positive: tuple[str, ...]
) -> None:
    named = tuple(pairs[0][0].lower() for _ in positive)
    profile = classified(connection, pairs, positive=named)
    assert value_of(connection, "recall", profile) == 1.0
    assert value_of(connection, "accuracy", profile) == 1.0


def test_labels_that_differ_only_in_case_stay_two_classes(connection: Any) -> None:
    profile = classified(connection, [("A", "A"), ("a", "A"), ("a", "a")], positive=("A",))
    assert value_of(connection, "precision", profile) == 0.5


MIXED = [("true", "true"), ("1", "true"), ("false", "0"), ("0", "1")]


@pytest.mark.parametrize("positive", [(), ("1",), ("true",)])
def test_yes_said_in_two_ways_is_refused_once_with_the_way_out(
    connection: Any, positive: tuple[str, ...]
) -> None:
    with pytest.raises(InputError) as caught:
        classified(connection, MIXED, positive=positive)
    said = str(caught.value)
    assert "The labels say yes and no in two ways: false, true and 0, 1" in said
    assert 'golden: {positive: ["1", "true"]}' in said
    with pytest.raises(InputError, match="in two ways: FALSE and 1"):
        classified(connection, [("FALSE", "1"), ("1", "1")], positive=positive and ("true",))


def test_both_words_for_yes_named_as_positive_are_one_class(connection: Any) -> None:
    profile = classified(connection, MIXED, positive=("1", "true"))
    assert profile.binary
    assert (profile.classes, profile.scored) == (("negative", "positive"), 4)
    found = connection.execute("SELECT label, prediction, ok FROM rows ORDER BY case_id").fetchall()
    assert [row[2] for row in found] == [1, 1, 1, 0]


@pytest.mark.parametrize(
    "pairs",
    [[("true", "true"), ("false", "true")], [("1", "1"), ("0", "1")], [("1", "1"), ("2", "1"), ("0", "0")]],
)
def test_yes_said_in_one_way_is_read_as_it_is(connection: Any, pairs: list[tuple[str, str]]) -> None:
    assert len(classified(connection, pairs).classes) == len({label for label, _said in pairs})


def test_a_threshold_needs_a_positive_class(connection: Any) -> None:
    rows = [{"case_id": str(i), "label": "ab"[i % 2], "predicted_score": i / 9} for i in range(9)]
    with pytest.raises(InputError, match=r"golden\.positive"):
        make_rows(connection, "rows", rows, threshold=0.5)
    assert make_rows(connection, "rows", rows, threshold=0.5, positive=("a",)).binary


# -- scores ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [40, 6000])
def test_a_row_without_a_score_lands_in_no_bin(connection: Any, n: int) -> None:
    connection.execute(
        "CREATE TEMP TABLE made AS SELECT i::VARCHAR AS case_id, (i % 2)::VARCHAR AS label, "
        "CASE WHEN i % 10 <> 3 THEN ((hash(i) % 100000) / 1e5)::VARCHAR END AS predicted_score "
        f"FROM range({n}) r(i)"
    )
    from shipworthy.tables.row_plan import RowsPlan
    from shipworthy.tables.rows import build_rows

    columns = ("label", "predicted_score")
    plan = RowsPlan(None, "SELECT * FROM made", (), columns, threshold=0.5, source="made")
    profile = build_rows(connection, plan, "rows")
    assert profile.failed == n // 10
    metric = bind(parse_rule("auc >= 0").left, Frame(profile, "classifier"))
    ask = Ask(metric.total)
    counts = read_totals(connection, "rows", [ask])[ask].at(0)[0].sum(axis=0)
    assert counts[..., :-1].sum() == n - n // 10
    assert counts[..., -1].sum() == n // 10


# -- failed or unscored: planned = scored + failed + unscored --------------------------------------------

MAYBE = {
    "label": st.sampled_from([None, "1", "0"]),
    "prediction": st.sampled_from([None, "1", "0"]),
    "grade": st.sampled_from([None, "good", "poor", "harmful"]),
    "correct": st.sampled_from([None, "1", "0", "yes", "fail"]),
    "helpful": st.sampled_from([None, "0.2", "1"]),
    "failed_reason": st.sampled_from([None, None, "timeout"]),
    "unscored_reason": st.sampled_from([None, None, "judge crashed"]),
}
PLANS: dict[str, dict[str, Any]] = {
    Basis.PREDICTION: {},
    Basis.NUMBER: {},
    Basis.GRADE: {},
    Basis.CORRECT: {},
    Basis.SCORED: {"scorers": ("helpful",), "primary_scorer": "helpful"},
    Basis.SCORES: {"numbers": ("helpful",)},
}


@pytest.mark.parametrize("basis", PLANS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.fixed_dictionaries(MAYBE), min_size=1, max_size=12))
def test_planned_is_scored_plus_failed_plus_unscored(basis: str, mixed: list[dict[str, Any]]) -> None:
    connection = connect()
    rows = [{"case_id": str(i), **row} for i, row in enumerate(mixed)]
    plan = {"scorers": ("helpful",), **PLANS[basis]} if basis != Basis.SCORES else PLANS[basis]
    profile = make_rows(connection, "rows", rows, basis, **plan)
    assert profile.rows == len(rows) == profile.scored + profile.failed + profile.unscored
    assert sum(profile.failed_reasons.values()) == profile.failed
    assert sum(profile.unscored_reasons.values()) == profile.unscored
    told = [row["unscored_reason"] is not None for row in mixed]
    failed = [row["failed_reason"] is not None and not lost for row, lost in zip(mixed, told, strict=True)]
    assert profile.unscored >= sum(told)
    assert profile.failed >= sum(failed)
    if "ok" in profile.columns and profile.scored + profile.failed:
        right = connection.execute("SELECT avg(ok) FROM rows WHERE unscored_reason IS NULL").fetchone()[0]
        assert value_of(connection, "pass_rate", profile) == pytest.approx(right)
        assert value_of(connection, "accuracy", profile) == pytest.approx(right)
    connection.close()


@pytest.mark.parametrize(
    ("basis", "row", "state"),
    [
        (Basis.PREDICTION, {"label": "1", "prediction": None}, "failed: no prediction"),
        (Basis.PREDICTION, {"label": None, "prediction": "1"}, "unscored: no label"),
        (Basis.PREDICTION, {"label": "1", "prediction": "0"}, "false_negative"),
        (Basis.PREDICTION, {"label": "0", "prediction": None, "unscored_reason": "road"}, "unscored: road"),
        (Basis.NUMBER, {"label": "3", "prediction": "three"}, "failed: no number predicted"),
        (Basis.NUMBER, {"label": "3", "prediction": "nan"}, "failed: no number predicted"),
        (Basis.NUMBER, {"label": "nan", "prediction": "3"}, "unscored: no numeric label"),
        (Basis.NUMBER, {"label": "inf", "prediction": "3"}, "unscored: no numeric label"),
        (Basis.GRADE, {"grade": None}, "unscored: no grade"),
        (Basis.GRADE, {"grade": None, "failed_reason": "timeout"}, "failed: timeout"),
        (Basis.GRADE, {"grade": "HARMFUL"}, "harmful"),
        (Basis.CORRECT, {"correct": None}, "unscored: no score"),
        (Basis.CORRECT, {"correct": "true"}, "right"),
    ],
)
def test_who_is_at_fault_decides_between_failed_and_unscored(
    connection: Any, basis: str, row: dict[str, Any], state: str
) -> None:
    fill = {
        Basis.PREDICTION: [{"label": "1", "prediction": "1"}, {"label": "0", "prediction": "0"}],
        Basis.NUMBER: [{"label": "1", "prediction": "1"}],
        Basis.GRADE: [{"grade": "good"}],
        Basis.CORRECT: [{"correct": "1"}],
    }[basis]
    rows = [{"case_id": "it", **row}, *({"case_id": str(i), **other} for i, other in enumerate(fill))]
    make_rows(connection, "rows", rows, basis)
    failed, unscored, outcome = connection.execute(
        "SELECT failed_reason, unscored_reason, outcome FROM rows WHERE case_id = 'it'"
    ).fetchone()
    said = f"unscored: {unscored}" if unscored else f"failed: {failed}" if failed else outcome
    assert said == state


# -- golden set and answers ------------------------------------------------------------------------------

GOLDEN = "case_id,label,tier\n007,1,gold\n008,0,gold\n9,1,free\n010,0,free\n"


def judged(product: Any, said: str, **more: Any) -> Any:
    return product(
        {"golden.csv": GOLDEN, "said.csv": said}, systems={"candidate": {"recorded": "said.csv"}}, **more
    )


def test_ids_keep_their_zeros(product: Any) -> None:
    made = judged(product, "case_id,prediction\n007,1\n008,0\n9,1\n010,0\n")
    assert made.run()[0].denominator.scored == 4


def test_a_row_missing_from_the_file_is_unscored_and_an_extra_one_is_told(product: Any) -> None:
    made = judged(product, "case_id,prediction\n007,1\n7,0\n008,0\n9,1\n")
    denominator = made.run()[0].denominator
    assert (denominator.planned, denominator.scored) == (4, 3)
    assert denominator.unscored_reasons == {"row missing from the file": 1}
    notes = made.decide().decision.evidence.notes
    assert any("1 answers belong to no case" in note for note in notes)


def test_an_answer_without_an_id_is_refused_and_not_dropped(product: Any) -> None:
    with pytest.raises(InputError, match="1 rows have no case_id"):
        judged(product, "case_id,prediction\n007,1\n,0\n008,0\n9,1\n").run()


def test_an_answer_given_twice_is_refused(product: Any) -> None:
    with pytest.raises(InputError, match=r"'9' \(2 times\)"):
        judged(product, "case_id,prediction\n007,1\n9,0\n9,1\n").run()


def test_no_shared_id_is_refused(product: Any) -> None:
    with pytest.raises(InputError, match="None of its case ids"):
        judged(product, "case_id,prediction\n1,1\n2,0\n").run()


def test_labels_must_agree_with_the_golden_set(product: Any) -> None:
    with pytest.raises(
        InputError, match="1 cases carry another label than the golden set, for example '008'"
    ):
        judged(product, "case_id,prediction,label\n007,1,1\n008,0,1\n9,1,1.0\n").run()


def test_a_slice_is_the_golden_sets_word_and_not_the_answers(product: Any) -> None:
    made = judged(product, "case_id,prediction,tier\n007,1,x\n008,0,x\n9,1,x\n010,0,\n", slices=["tier"])
    assert {part.value for part in made.decide().decision.evidence.slices} == {"gold", "free"}


def test_a_where_that_keeps_nothing_is_refused(product: Any) -> None:
    made = product(
        {
            "golden.csv": GOLDEN.replace("label", "label,prediction")
            .replace(",g", ",1,g")
            .replace(",f", ",0,f")
        },
        golden={"path": "golden.csv", "where": {"tier": "platinum"}},
        systems={"candidate": {"recorded": "golden.csv", "where": {"tier": "platinum"}}},
    )
    with pytest.raises(InputError, match="no rows"):
        made.run()


def test_a_golden_case_given_twice_is_refused_before_a_function_is_asked(product: Any, tmp_path: Any) -> None:
    (tmp_path / "product").mkdir()
    (tmp_path / "product" / "answer_twice.py").write_text(
        f"def answer(case):\n    open({str(tmp_path / 'asked')!r}, 'w')\n"
    )
    made = product(
        {"golden.csv": "case_id,label\n1,1\n1,0\n2,1\n"},
        systems={"candidate": {"function": "answer_twice:answer"}},
    )
    with pytest.raises(InputError, match=r"'1' \(2 times\)"):
        made.run()
    assert not (tmp_path / "asked").exists()


def test_a_function_is_given_the_numbers_of_a_csv_file_as_they_stand(product: Any) -> None:
    made = product({"golden.csv": "case_id,label,half,whole,code,big\n1,1,1.5,3,007,1e3\n2,0,2,-4,1,2.5\n"})
    from shipworthy.golden.entering import open_golden

    with made._maker() as maker:
        first = next(
            iter(open_golden(maker.connection, made.spec.golden, made.file.folder).cases(maker.connection))
        )
    assert first.columns == {"case_id": 1, "label": 1, "half": 1.5, "whole": 3, "code": "007", "big": 1000.0}
    assert type(first.columns["whole"]) is int
