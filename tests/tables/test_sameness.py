"""Two runs set against each other: who is the same candidate, which rows are the same, which are new."""

from __future__ import annotations

import pytest

from shipworthy.tables.sameness import Sameness, compare_runs, rows_unseen, shared_ids

COLUMNS = (
    "(case_id VARCHAR, repeat INTEGER, cluster_id VARCHAR, label VARCHAR, prediction VARCHAR, "
    "ok TINYINT, cluster_group INTEGER)"
)


@pytest.fixture
def rows(connection):
    """Return a function that makes a table of rows (case, label, prediction)."""

    def make(name: str, *cases: tuple[str, str, str | None], group: int = 0) -> str:
        connection.execute(f"CREATE TABLE {name} {COLUMNS}")
        for case_id, label, prediction in cases:
            connection.execute(
                f"INSERT INTO {name} VALUES (?, 0, ?, ?, ?, ?, {group})",
                [case_id, case_id[0], label, prediction, int(label == prediction)],
            )
        return name

    return make


def test_more_cases_with_the_same_answers_are_the_same_candidate_grown(connection, rows):
    first = rows("first", ("a1", "x", "x"), ("b1", "y", "x"))
    more = rows("more", ("a1", "x", "x"), ("b1", "y", "x"), ("c1", "y", "y"))
    found = compare_runs(connection, more, first)
    assert found == Sameness(ours=3, theirs=2, shared=2, other_answers=0, other_rows=0)
    assert (found.is_same_candidate, found.is_same_sample, found.has_grown) == (True, False, True)
    shrunk = compare_runs(connection, first, more)
    assert (shrunk.is_same_candidate, shrunk.has_grown) == (True, False)


def test_one_other_answer_makes_another_candidate_and_another_label_does_not(connection, rows):
    first = rows("first", ("a1", "x", "x"), ("b1", "y", "x"))
    other = compare_runs(connection, rows("other", ("a1", "x", "y"), ("b1", "y", "x")), first)
    assert (other.is_same_candidate, other.is_same_sample) == (False, False)
    relabelled = compare_runs(connection, rows("relabelled", ("a1", "y", "x"), ("b1", "y", "x")), first)
    assert (relabelled.is_same_candidate, relabelled.is_same_sample, relabelled.has_grown) == (
        True,
        False,
        False,
    )


def test_a_difference_far_down_in_many_rows_is_found(connection, rows):
    one = rows("one", *((f"a{i:04}", "x", "x") for i in range(1500)))
    two = rows("two", *((f"a{i:04}", "x", "y" if i == 1400 else "x") for i in range(1500)))
    three = rows("three", *((f"a{i:04}", "x", "x") for i in range(1500)))
    assert compare_runs(connection, one, two) == Sameness(1500, 1500, 1500, 1, 1)
    assert compare_runs(connection, one, three).is_same_sample


def test_a_missing_answer_is_another_answer(connection, rows):
    first = rows("first", ("a1", "x", "x"), ("b1", "y", "x"))
    assert not compare_runs(
        connection, rows("silent", ("a1", "x", None), ("b1", "y", "x")), first
    ).is_same_candidate


def test_the_same_rows_with_another_dealing_of_clusters_or_one_more_column_are_the_same_sample(
    connection, rows
):
    first = rows("first", ("a1", "x", "x"), ("b1", "y", "x"))
    again = rows("again", ("a1", "x", "x"), ("b1", "y", "x"), group=3)
    connection.execute("ALTER TABLE again ADD COLUMN language VARCHAR DEFAULT 'de'")
    assert compare_runs(connection, again, first).is_same_sample


def test_runs_without_a_shared_case_say_nothing_of_the_candidate(connection, rows):
    found = compare_runs(connection, rows("one", ("a1", "x", "x")), rows("two", ("b1", "x", "x")))
    assert (found.shared, found.is_same_candidate) == (0, False)


def test_where_no_predictions_are_kept_the_outcomes_are_compared(connection, rows):
    one, two = (
        rows("one", ("a1", "x", "x"), ("b1", "x", "x")),
        rows("two", ("a1", "x", "x"), ("b1", "x", "y")),
    )
    for table in (one, two):
        connection.execute(f"UPDATE {table} SET prediction = NULL")
    assert compare_runs(connection, one, two).other_answers == 1


def test_unseen_rows_are_those_of_new_cases_in_new_clusters(connection, rows):
    # Clusters are the first letters: a2 is a new case of a cluster that was seen.
    whole = rows("whole", ("a1", "x", "x"), ("a2", "x", "x"), ("b1", "x", "x"), ("c1", "x", "x"))
    rows_unseen(connection, whole, [rows("one", ("a1", "x", "x")), rows("two", ("b1", "x", "x"))], "fresh")
    assert connection.execute("SELECT case_id FROM fresh").fetchall() == [("c1",)]


def test_shared_ids_are_counted_and_the_first_ones_named(connection, rows):
    one = rows("one", *((f"a{i}", "x", "x") for i in range(9)))
    two = rows("two", *((f"a{i}", "x", "x") for i in range(2, 12)))
    count, named = shared_ids(connection, (one, "case_id", "true"), (two, "case_id", "case_id <> 'a2'"))
    assert (count, named) == (6, ["a3", "a4", "a5", "a6", "a7"])
