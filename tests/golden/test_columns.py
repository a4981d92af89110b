"""What a foreign file's columns mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shipworthy.errors import InputError
from shipworthy.golden.columns import check_mapping, guess_roles, locate, rows_where
from shipworthy.tables.duck import connect, open_file


def opened(tmp_path: Path, header: str, *rows: str) -> tuple[Any, Any]:
    path = tmp_path / "made.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    connection = connect()
    return connection, open_file(connection, path)


def test_one_column_plays_one_role(tmp_path: Path) -> None:
    _connection, file = opened(tmp_path, "ID,y_true,Pred,proba,question,answer", "1,1,1,1,1,1")
    assert guess_roles(file) == {
        "case_id": "ID",
        "label": "y_true",
        "prediction": "Pred",
        "predicted_score": "proba",
        "input": "question",
        "output": "answer",
    }


def test_a_mapped_column_that_no_file_has_is_refused_with_the_nearest(tmp_path: Path) -> None:
    _connection, file = opened(tmp_path, "id,verdict", "1,1")
    with pytest.raises(
        InputError, match=r"'grade' to 'verdct', which no file has.\n.*Did you mean 'verdict'"
    ):
        check_mapping([file], {"grade": "verdct"})


def test_a_role_is_found_by_its_own_name_only_and_a_slice_in_any_case(tmp_path: Path) -> None:
    _connection, file = opened(tmp_path, "id,Label,Race", "1,1,1")
    assert locate(file, "label", {}) is None
    assert locate(file, "race", {}) is not None
    assert locate(file, "case_id", {}) is not None
    assert locate(file, "label", {"label": "Label"}) is not None


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({}, 4),
        ({"plan": "pro"}, 2),
        ({"plan": ["pro", "it's"]}, 3),
        ({"score": 1}, 2),
        ({"score": 1.0}, 2),
        ({"flag": True, "plan": "pro"}, 1),
        ({"plan": "'; DROP TABLE x; --"}, 0),
    ],
)
def test_rows_are_kept_by_value_in_any_spelling(tmp_path: Path, where: dict[str, Any], kept: int) -> None:
    connection, file = opened(
        tmp_path, "plan,score,flag", "pro,1,true", "pro,2,false", "it's,1.0,true", "free,3,"
    )
    found = connection.execute(
        f"SELECT count(*) FROM {file.relation} WHERE {rows_where(file, where)}"
    ).fetchone()
    assert found == (kept,)


def test_a_where_on_a_missing_column_is_refused(tmp_path: Path) -> None:
    _connection, file = opened(tmp_path, "plan", "pro")
    with pytest.raises(InputError, match=r"'pln', which the file has not.\n.*Did you mean 'plan'"):
        rows_where(file, {"pln": "pro"})
