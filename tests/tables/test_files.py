"""Foreign files: one content is one table of rows, and a broken file is one clear refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from making import write_file
from shipworthy.api.check import check
from shipworthy.errors import InputError
from shipworthy.tables.duck import connect, open_file, translated

HEADER = b"case_id,label,prediction\n"

#: Name -> bytes, and words of the refusal.
BROKEN: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "empty"),
    "blank.csv": (b"  \n\n", "first line is empty"),
    "long_row.csv": (HEADER + b"1,1,1\n2,0,0,5\n", "Line 3 has 4 columns, and the first line names 3"),
    "long_rows.csv": (HEADER + b"1,1,1,9\n2,0,0,5\n", "Line 2 has 4 columns"),
    "short_row.csv": (HEADER + b"1,1,1\n2,0\n", "Line 3 has 2 columns"),
    "twice.csv": (b"case_id,label,label\n1,1,1\n", "Two columns are called 'label'"),
    "case.csv": (b"case_id,label,Label\n1,1,1\n", "differ only in case"),
    "latin.csv": (HEADER + "1,é,é\n".encode("latin-1"), "UTF-8"),
    "late_latin.csv": (HEADER + b"1,1,1\n" * 90_000 + "2,é,é\n".encode("latin-1"), "UTF-8"),
    "utf16.csv": ("case_id,label\n1,1\n".encode("utf-16"), "UTF-8"),
    "mixed_ends.csv": (b"case_id,label\r\n1,1\n2,0\r\n", "line ends are mixed"),
    "open_quote.csv": (HEADER + b'1,"1,1\n2,0,0\n', "never closed"),
    "junk.csv": (bytes(range(256)) * 20, "UTF-8"),
    "two_lines.csv": (b'case_id,"la\nbel"\n1,1\n', "runs over a line end"),
    "title.csv": (b"My report\ncase_id,label\n1,1\n", "no column 'case_id'"),
    "cut.jsonl": (b'{"case_id":"1","label":1}\n{"case_id":"2","la', r"Malformed JSON at byte \d+ of line 2"),
    "arrays.jsonl": (b"[1,2]\n[3,4]\n", "no objects"),
    "texts.jsonl": (b'"one"\n"two"\n', "no objects"),
    "twice.jsonl": (b'{"case_id":"1","label":1,"label":0}\n', "duplicate key"),
    "bom.jsonl": (b'\xef\xbb\xbf{"case_id":"1","label":1}\n', "byte order mark"),
    "latin.jsonl": ('{"case_id":"é"}\n'.encode("latin-1"), "UTF-8"),
    "half.jsonl": (b'{"case_id":"1","label":"\\ud83d"}\n', "surrogate"),
    "junk.jsonl": (bytes(range(256)) * 20, "JSON"),
    "pretty.jsonl": (b'{\n "case_id": "1"\n}\n', "JSON"),
    "cut.json": (b'[{"case_id":"1","label":1},', "does not end"),
    "number.json": (b"5", "no objects"),
    "junk.parquet": (b"PAR1" + bytes(range(256)) * 4 + b"PAR1", "Parquet"),
    "tiny.parquet": (b"PA", "Parquet"),
    "text.parquet": (HEADER, "Parquet"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_refusal_that_names_it(product: Any, name: str) -> None:
    content, words = BROKEN[name]
    made = product({name: content}, golden={"path": name}, systems={"candidate": {"recorded": name}})
    with pytest.raises(InputError, match=words) as caught:
        made.decide()
    assert name in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize("name", ["header.csv", "header.tsv", "none.jsonl", "none.json"])
def test_a_file_without_rows_is_refused(product: Any, name: str) -> None:
    content = {"csv": "case_id,label,prediction\n", "tsv": "case_id\tlabel\tprediction\n", "json": "[]"}
    text = content.get(name.split(".")[1], "\n")
    made = product({name: text}, golden={"path": name}, systems={"candidate": {"recorded": name}})
    with pytest.raises(InputError, match=name):
        made.decide()


def test_a_parquet_file_that_rots_in_the_middle_is_refused_wherever_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "full.parquet"
    made = connect()
    made.execute(
        "COPY (SELECT i::VARCHAR AS case_id, i % 2 AS label, repeat('x', 99) || i AS text "
        "FROM range(50000) r(i)) "
        f"TO '{path}' (FORMAT parquet)"
    )
    whole = bytearray(path.read_bytes())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut off"):
        open_file(made, path)
    for index in range(1000, len(whole) // 2, 7):
        whole[index] = 0xFF
    path.write_bytes(whole)
    file = open_file(made, path)
    with pytest.raises(InputError, match=r"full\.parquet"), translated(path):
        made.execute(f"SELECT sum(length(text)) FROM {file.relation}").fetchall()


def test_rows_that_a_sniffer_would_lose_are_kept(product: Any) -> None:
    rows = ["#1,'a,1", "2,b',0", "007,it's,1", '8,"# no, ""comment""",0', "-,#,1"]
    made = product(
        {"golden.csv": "case_id,note,label\n" + "\n".join(rows)},
        systems={"candidate": {"recorded": "golden.csv", "columns": {"prediction": "label"}}},
        slices=["note"],
    )
    evidence = made.decide().decision.evidence
    assert evidence.subject.denominator.planned == 5
    assert {part.value for part in evidence.slices} == {"'a", "b'", "it's", '# no, "comment"', "#"}


@pytest.mark.parametrize(
    "content",
    [
        b"case_id,label,prediction\r\n1,1,1\r\n2,0,1\r\n",
        b"\xef\xbb\xbfcase_id,label,prediction\n1,1,1\n2,0,1\n",
        b"case_id;label;prediction\n1;1;1\n2;0;1\n",
        b"case_id|label|prediction\n1|1|1\n2|0|1",
        b"case_id,label,prediction\n1,1,1\n\n2,0,1\n\n",
        b"case_id,label,prediction\r1,1,1\r2,0,1\r",
        b' case_id , label ,prediction,"long"\n1,1,1,' + b"x" * 5_000_000 + b"\n2,0,1,y\n",
    ],
    ids=["crlf", "bom", "semicolon", "bar", "blank lines", "cr", "huge cell"],
)
def test_what_only_looks_broken_is_read(product: Any, content: bytes) -> None:
    made = product({"golden.csv": content}, systems={"candidate": {"recorded": "golden.csv"}})
    estimate = made.decide().decision.evidence.gates[0].estimate
    assert (estimate.value, estimate.n) == (0.5, 2)


def test_a_file_name_is_no_pattern(product: Any) -> None:
    right, wrong = "case_id,label,prediction\n1,1,1\n2,0,0\n", "case_id,label,prediction\n1,1,0\n2,0,1\n"
    made = product(
        {"a[1]*.csv": right, "a1x.csv": wrong},
        golden={"path": "a[1]*.csv"},
        systems={"candidate": {"recorded": "a[1]*.csv"}},
    )
    assert made.decide().decision.evidence.gates[0].estimate.value == 1.0


def test_a_folder_that_looks_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "label=yes"
    folder.mkdir()
    made = connect()
    made.execute(f"COPY (SELECT 1 AS case_id) TO '{folder}/a.parquet' (FORMAT parquet)")
    (folder / "a.csv").write_text("case_id\n1\n")
    (folder / "a.jsonl").write_text('{"case_id": 1}\n')
    for name in ("a.parquet", "a.csv", "a.jsonl"):
        assert open_file(made, folder / name).names == ("case_id",)


def test_a_wide_file_of_sparse_objects_keeps_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "wide.jsonl"
    path.write_text("\n".join(json.dumps({"case_id": str(i), f"k{i}": i}) for i in range(300)))
    assert len(open_file(connect(), path).columns) == 301


# -- one content, five formats ---------------------------------------------------------------------------

RECORDS = [
    {"case_id": "007", "label": True, "prediction": True, "predicted_score": 0.5, "group": 1, "note": None},
    {"case_id": "08", "label": False, "prediction": True, "predicted_score": 1.0, "group": 2, "note": "a,b"},
    {"case_id": "9", "label": True, "prediction": None, "predicted_score": None, "group": 2, "note": "1.50"},
    {"case_id": "é", "label": False, "prediction": False, "predicted_score": 0.0, "group": 10, "note": 'q"'},
]


def write_as(path: Path) -> None:
    """Write RECORDS in the format of the suffix."""
    marks = {".csv": ",", ".tsv": "\t"}
    if path.suffix in marks:
        import csv

        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=marks[path.suffix])
            writer.writerow(RECORDS[0])
            for row in RECORDS:
                writer.writerow(
                    ["" if v is None else str(v).lower() if isinstance(v, bool) else v for v in row.values()]
                )
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in RECORDS), encoding="utf-8")
    else:
        path.with_suffix(".json").write_text(json.dumps(RECORDS), encoding="utf-8")
        if path.suffix == ".parquet":
            connect().execute(
                f"COPY (SELECT * FROM read_json('{path.with_suffix('.json')}', columns={{case_id: 'VARCHAR', "
                "label: 'BOOLEAN', prediction: 'BOOLEAN', predicted_score: 'FLOAT', \"group\": 'DOUBLE', "
                f"note: 'VARCHAR'}})) TO '{path}' (FORMAT parquet)"
            )


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
def test_the_same_content_is_the_same_rows_in_every_format(tmp_path: Path, product: Any, suffix: str) -> None:
    made = product(
        {},
        golden={"path": f"data{suffix}"},
        systems={"candidate": {"recorded": f"data{suffix}"}},
        slices=["group", "note"],
    )
    write_as(made.file.folder / f"data{suffix}")
    folder = made.workspace.find_run(made.run()[0].run_id)
    rows = (
        connect()
        .execute(
            'SELECT case_id, label, prediction, predicted_score, "group", note, outcome '
            f"FROM '{folder.rows}'"
        )
        .fetchall()
    )
    assert rows == [
        ("007", "true", "true", 0.5, "1", None, "true_positive"),
        ("08", "false", "true", 1.0, "2", "a,b", "false_positive"),
        ("9", "true", None, None, "2", "1.50", "failed"),
        ("é", "false", "false", 0.0, "10", 'q"', "true_negative"),
    ]


def test_one_and_one_point_zero_and_quoted_one_are_one_class(product: Any) -> None:
    made = product(
        {
            "golden.csv": "case_id,label\na,1\nb,0\nc,1.0\nd,0.00\n",
            "said.jsonl": [
                {"case_id": "a", "prediction": 1.0},
                {"case_id": "b", "prediction": "0"},
                {"case_id": "c", "prediction": 1},
                {"case_id": "d", "prediction": "0.0"},
            ],
        },
        systems={"candidate": {"recorded": "said.jsonl"}},
    )
    assert made.decide().decision.evidence.gates[0].estimate.value == 1.0


def test_python_booleans_and_json_booleans_are_the_same_classes(product: Any) -> None:
    said = [{"case_id": str(i), "prediction": i % 2 == 0} for i in range(6)]
    golden = "case_id,label\n" + "".join(f"{i},{i % 2 == 0}\n" for i in range(6))
    for positive in ([], [True]):
        made = product(
            {"golden.csv": golden, "said.jsonl": said},
            golden={"path": "golden.csv", "positive": positive},
            systems={"candidate": {"recorded": "said.jsonl"}},
            gates=["accuracy >= 50%", "recall >= 50%"],
        )
        assert [gate.estimate.value for gate in made.decide().decision.evidence.gates] == [1.0, 1.0]


def test_paths_into_objects_and_columns_with_dots_are_both_found(product: Any) -> None:
    rows = [
        {"id": "1", "a": {"b": {"c d": 1}}, "a.p": 1, "list": [{"x": 3}]},
        {"id": "2", "a": {"b": {"c d": 0}}, "a.p": 1, "list": []},
        {"id": "3", "a": {"b": None}, "a.p": 1},
    ]
    made = product(
        {"golden.jsonl": rows},
        golden={
            "path": "golden.jsonl",
            "columns": {"case_id": "id", "label": "a.b.c d", "prediction": "a.p"},
        },
        systems={"candidate": {"recorded": "golden.jsonl"}},
    )
    denominator = made.run()[0].denominator
    assert (denominator.scored, denominator.unscored_reasons) == (2, {"no label": 1})


def test_a_path_into_a_parquet_struct_is_found_and_a_wrong_one_finds_nothing(product: Any) -> None:
    made = product(
        {},
        golden={"path": "g.parquet", "columns": {"label": "a.b", "prediction": "a.p"}},
        systems={"candidate": {"recorded": "g.parquet"}},
    )
    connect().execute(
        "COPY (SELECT i::VARCHAR AS case_id, {b: i % 2, p: 1.0::FLOAT} AS a FROM range(4) r(i)) "
        f"TO '{made.file.folder}/g.parquet' (FORMAT parquet)"
    )
    assert made.decide().decision.evidence.gates[0].estimate.value == 0.5
    made = product(
        {},
        golden={"path": "g.parquet", "columns": {"label": "a.zz", "prediction": "a.p"}},
        systems={"candidate": {"recorded": "g.parquet"}},
    )
    assert made.run()[0].denominator.unscored_reasons == {"no label": 4}


def test_columns_that_differ_only_in_case_are_refused_in_json_too(tmp_path: Path, connection: Any) -> None:
    path = write_file(tmp_path / "rows.jsonl", [{"case_id": "1", "Label": 1, "label": 2}])
    with pytest.raises(InputError, match="'Label' and 'label' differ only in case"):
        open_file(connection, path)
    numbered = write_file(tmp_path / "numbered.jsonl", [{"case_id": "1", "x": 1, "x_1": 2}])
    assert open_file(connection, numbered).names == ("case_id", "x", "x_1")


def test_mixed_line_ends_are_called_by_their_name(tmp_path: Path) -> None:
    path = write_file(tmp_path / "mixed.csv", b"case_id,label,prediction\r\n1,a,a\n2,b,b\r\n3,c,c\n")
    with pytest.raises(InputError, match="The line ends are mixed"):
        check(path, "accuracy >= 50%")
