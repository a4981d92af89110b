"""A warehouse named by URL: the same decision as over files, nothing left behind, and no secret told."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shipworthy.api.check import check
from shipworthy.api.product import Product, open_product
from shipworthy.api.size import size
from shipworthy.errors import InputError, VerificationFailed
from shipworthy.records import plain
from shipworthy.tables.duck import connect, text_literal
from shipworthy.tables.scans import scans_listed

pytestmark = [pytest.mark.xdist_group("engines"), pytest.mark.filterwarnings("default")]

GATES = [
    "accuracy >= 70%",
    "recall >= 60%",
    "auc >= 0.6",
    "expected_cost <= 5",
    "latency_p95_ms <= 400",
    "recall[plan = pro] >= recall[plan != pro] - 20pt",
    "delta(accuracy, live) >= -5pt",
    "negative_flips(live) <= 20%",
]
#: One row that nothing is wrong with.
SOUND = "SELECT 'a' AS case_id, 'x' AS label, 'x' AS prediction"
#: What is named by hash or time, and so differs between two tellings of the same.
HASHES = {
    "run_id", "golden_version", "system_hash", "rows_hash", "lineage", "candidate", "sample", "spec_hash",
    "parents", "decided_at", "previous", "confirmation",
}  # fmt: skip


def write_tables(folder: Path, seed: int = 1) -> dict[str, Path]:
    """Write a golden set and two systems' answers as Parquet files."""
    rng = random.Random(seed)
    golden, candidate, live = [], [], []
    for index in range(240):
        label = rng.random() < 0.4
        golden.append((f"c{index:03d}", "yes" if label else "no", rng.choice(["pro", "free", "Ünïcode's"])))
        for answers, skill in ((candidate, 0.85), (live, 0.8)):
            said = label if rng.random() < skill else not label
            score = round(min(max((0.7 if said else 0.3) + rng.gauss(0, 0.15), 0), 1), 3)
            answers.append((f"c{index:03d}", "yes" if said else "no", score, round(rng.expovariate(0.01), 2)))
    files = {}
    with closing(connect()) as duck:
        for name, columns, rows in (
            ("golden", "id, truth, plan", golden),
            ("candidate", "id, prediction, predicted_score, latency_ms", candidate),
            ("live", "id, prediction, predicted_score, latency_ms", live),
        ):
            values = ", ".join(
                "(" + ", ".join(text_literal(v) if isinstance(v, str) else f"{v}::DOUBLE" for v in row) + ")"
                for row in rows
            )
            files[name] = folder / f"{name}.parquet"
            duck.execute(
                f"COPY (SELECT * FROM (VALUES {values}) t({columns})) TO {text_literal(str(files[name]))} "
                "(FORMAT parquet)"
            )
    return files


def spec_of(places: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {
        "shipworthy": 1,
        "id": "shop",
        "kind": "classifier",
        "decision": {"prediction": "fraud", "action": "block", "actor": "system"},
        "costs": {"false_positive": 2, "false_negative": 20, "volume_per_month": 1000},
        "golden": {
            "path": places["golden"],
            "sampled": "random",
            "columns": {"case_id": "id", "label": "truth"},
            "positive": ["yes"],
        },
        "systems": {"candidate": {"recorded": places["candidate"]}, "live": {"recorded": places["live"]}},
        "slices": ["plan"],
        "gates": GATES,
    } | changes


def product_at(folder: Path, spec: dict[str, Any]) -> Product:
    folder.mkdir(exist_ok=True)
    (folder / "shipworthy.yaml").write_text(json.dumps(spec), encoding="utf-8")
    return open_product(folder)


def unlike(ours: Any, theirs: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield every part of two plain records that differs by more than rounding."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted((ours.keys() | theirs.keys()) - HASHES):
            yield from unlike(ours.get(key), theirs.get(key), f"{place}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from unlike(one, other, f"{place}[{index}]")
    elif isinstance(ours, float) and isinstance(theirs, (int, float)):
        if not math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12):
            yield place, ours, theirs
    elif ours != theirs:
        yield place, ours, theirs


@pytest.fixture
def places(engine: Any, tmp_path: Path) -> dict[str, str]:
    return {name: engine.keep(path, name) for name, path in write_tables(tmp_path).items()}


def test_a_decision_in_a_warehouse_is_the_decision_over_files(
    engine: Any, places: dict[str, str], tmp_path: Path
) -> None:
    files = {name: str(path) for name, path in write_tables(tmp_path).items()}
    expected = product_at(tmp_path / "files", spec_of(files)).decide()
    product = product_at(tmp_path / "there", spec_of(places))
    decided = product.decide()
    assert list(unlike(plain(expected.decision), plain(decided.decision))) == []
    assert decided.decision.evidence.comparisons[0].newly_failing
    assert product.verify().holds
    assert not product.decide().is_new
    if engine.name == "duckdb":
        return
    # Rows stay where they are: a run is its marker alone.
    for run in (product.workspace.path / "runs").iterdir():
        assert [path.name for path in run.iterdir()] == ["run.json"]


def test_a_changed_table_is_said_when_a_decision_is_verified(
    engine: Any, places: dict[str, str], tmp_path: Path
) -> None:
    if engine.name == "duckdb":
        pytest.skip("rows of files are kept with the run")
    product = product_at(tmp_path / "there", spec_of(places, gates=["accuracy >= 70%"]))
    product.decide()
    engine.keep(write_tables(tmp_path, seed=2)["candidate"], "candidate")
    with pytest.raises(VerificationFailed, match="tables have changed since"):
        product.verify()
    assert product.decide().is_new


def test_check_judges_a_table_by_its_url(engine: Any, tmp_path: Path) -> None:
    answers = tmp_path / "answers.parquet"
    with closing(connect()) as duck:
        duck.execute(
            "COPY (SELECT 'c' || range AS id, range % 3 = 0 AS label, "
            "range % 3 = 0 OR range % 10 = 1 AS prediction "
            f"FROM range(200)) TO {text_literal(str(answers))} (FORMAT parquet)"
        )
    found = check(engine.keep(answers, "answers"), "precision >= 60%", "recall >= 90%")
    assert [gate.status.value for gate in found.decision.gates] == ["met", "met"]
    assert found.decision.evidence.subject.denominator.scored == 200


def test_the_scans_of_a_decision_are_listed_on_every_engine(
    engine: Any, places: dict[str, str], tmp_path: Path
) -> None:
    product = product_at(tmp_path / "there", spec_of(places))
    with scans_listed() as scans:
        product.decide()
    assert {"totals"} <= {scan.serves for scan in scans}
    assert all(scan.tables >= 1 for scan in scans if scan.serves == "totals")


def test_a_golden_set_is_counted_where_it_lies(engine: Any, places: dict[str, str], tmp_path: Path) -> None:
    product_at(tmp_path / "there", spec_of(places))
    sized = size(tmp_path / "there")
    assert sized.cases == 240
    assert sized.notes == ()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (f"{SOUND} UNION ALL {SOUND.replace('x', 'y')}", "more than once: 'a' (2 times)"),
        (SOUND.replace("'a'", "CAST(NULL AS VARCHAR)"), "1 rows have no case_id"),
        (f"{SOUND} UNION ALL SELECT 'b', 'yes', 'maybe'", "'maybe' is no class"),
        (f"{SOUND}, 'nan'::DOUBLE AS predicted_score", "no finite number in 1 rows"),
        (f"{SOUND}, 'much' AS latency_ms", "'much' at case 'a'"),
        (f"{SOUND}, '1.5' AS repeat", "'1.5' of case 'a' is no whole number"),
    ],
)
def test_rows_are_checked_alike_on_every_engine(engine: Any, tmp_path: Path, columns: str, said: str) -> None:
    path = tmp_path / "rows.parquet"
    with closing(connect()) as duck:
        duck.execute(f"COPY ({columns}) TO {text_literal(str(path))} (FORMAT parquet)")
    source = engine.keep(path, "checked")
    golden = {"path": source, "positive": ["yes"]} if "maybe" in columns else {"path": source}
    spec = spec_of({"golden": source, "candidate": source, "live": source})
    product = product_at(
        tmp_path / "p",
        spec
        | {
            "golden": golden,
            "systems": {"candidate": {"recorded": source}},
            "slices": [],
            "gates": ["accuracy >= 50%"],
        },
    )
    with pytest.raises(
        InputError, match="^(?s:.*)" + said.replace("(", r"\(").replace(")", r"\)").replace(".", r"\.")
    ):
        product.decide()


def test_both_sides_must_lie_in_one_engine(engine: Any, places: dict[str, str], tmp_path: Path) -> None:
    if engine.name == "duckdb":
        pytest.skip("files are one engine")
    file = write_tables(tmp_path)["candidate"]
    for golden, candidate in ((places["golden"], str(file)), (str(file), places["candidate"])):
        spec = spec_of(places | {"golden": golden, "candidate": candidate})
        with pytest.raises(InputError, match="another engine than the golden set"):
            product_at(tmp_path / "mixed", spec).decide()


def test_rows_are_not_fetched_to_be_scored_one_by_one(
    engine: Any, places: dict[str, str], tmp_path: Path
) -> None:
    if engine.name == "duckdb":
        pytest.skip("files are read row by row")
    scored = spec_of(places, metrics=[{"id": "right", "scorer": "exact"}], gates=["right >= 50%"])
    with pytest.raises(InputError, match="rows of a warehouse stay there"):
        product_at(tmp_path / "scored", scored).decide()
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked" / "system.py").write_text("def answer(case):\n    return 'yes'\n", encoding="utf-8")
    asked = spec_of(places, systems={"candidate": {"function": "system:answer"}}, gates=["accuracy >= 50%"])
    with pytest.raises(InputError, match="rows of a warehouse stay there"):
        product_at(tmp_path / "asked", asked).run()


def test_nothing_stays_in_the_database(postgres_server: str, loaded_in_postgres: Any, tmp_path: Path) -> None:
    import psycopg

    places = {
        name: loaded_in_postgres(postgres_server, path, name) for name, path in write_tables(tmp_path).items()
    }

    def relations() -> list[Any]:
        with psycopg.connect(postgres_server) as session:
            kept = (
                "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            )
            return session.execute(
                f"{kept} WHERE n.nspname NOT IN ('pg_toast') ORDER BY 1, 2".encode()
            ).fetchall()

    before = relations()
    product_at(tmp_path / "p", spec_of(places)).decide()
    assert relations() == before


def test_a_password_is_neither_kept_nor_told(postgres_server: str, tmp_path: Path) -> None:
    with_password = postgres_server.replace("ana@", "ana:hunter2@")
    wrong = dict.fromkeys(("golden", "candidate", "live"), f"{with_password}#public.no_such_table")
    with pytest.raises(InputError, match="carries a password") as refused:
        product_at(tmp_path / "p", spec_of(wrong)).decide()
    assert "hunter2" not in str(refused.value)
    with pytest.raises(InputError, match="no_such_table") as missing:
        check(wrong["golden"], "accuracy >= 50%")
    assert "hunter2" not in str(missing.value)
    unreachable = "postgresql://ana:hunter2@127.0.0.1:1/shop#t"
    with pytest.raises(InputError, match="refused") as unreached:
        check(unreachable, "accuracy >= 50%")
    assert "hunter2" not in str(unreached.value)


def test_a_url_without_a_table_says_how_to_write_one() -> None:
    with pytest.raises(InputError, match="behind a #"):
        check("postgresql://ana@db/shop", "accuracy >= 50%")


@pytest.mark.parametrize(("module", "extra"), [("psycopg", "postgres"), ("pyspark.sql", "spark")])
def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch, module: str, extra: str) -> None:
    import sys

    monkeypatch.setitem(sys.modules, module, None)
    source = "postgresql://ana@db/shop#t" if extra == "postgres" else "spark+local:///t.parquet"
    with pytest.raises(InputError, match=rf"shipworthy\[{extra}\]"):
        check(source, "accuracy >= 50%")
