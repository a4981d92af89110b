"""PostgreSQL and Spark on loopback: started once, and skipped with a reason where they are not installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shipworthy.tables.duck import connect, text_literal
from shipworthy.tables.warehouse import connect_for


def absent(reason: str) -> None:
    """Skip, or fail where every engine must be tested."""
    if os.environ.get("SHIPWORTHY_REQUIRE_ENGINES"):
        pytest.fail(f"SHIPWORTHY_REQUIRE_ENGINES is set, and {reason}")
    pytest.skip(reason)


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *([Path(found).resolve().parent] if found else [])]
    fitting = [folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()]
    return max(fitting, key=lambda folder: folder.parent.name) if fitting else None


def _unprivileged() -> list[str]:
    """Return the words before a command that run it as nobody in particular: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a PostgreSQL server on a free port of loopback, and return its URL."""
    if importlib.util.find_spec("psycopg") is None:
        absent("psycopg is not installed (pip install 'shipworthy[postgres]')")
    binaries = _binaries()
    if binaries is None:
        absent("PostgreSQL's server is not installed (apt-get install postgresql)")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Not pytest's own folder: another user has to reach it.
    folder = Path(tempfile.mkdtemp(prefix="shipworthy-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    words, data = _unprivileged(), folder / "data"
    run = {"check": True, "capture_output": True, "cwd": folder}
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    try:
        subprocess.run(
            [
                *words,
                f"{binaries}/initdb",
                "-D",
                data,
                "-U",
                "ana",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ],
            **run,
        )
        subprocess.run(
            [*words, f"{binaries}/pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"],
            **run,
        )
        yield f"postgresql://ana@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(
            [*words, f"{binaries}/pg_ctl", "-D", data, "-m", "immediate", "stop"],
            capture_output=True,
            check=False,
            cwd=folder,
        )
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def spark_session() -> Iterator[Any]:
    """Start Spark once; every connection of the tests then uses this session and leaves it running."""
    if importlib.util.find_spec("pyspark") is None:
        absent("pyspark is not installed (pip install 'shipworthy[spark]')")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        absent("Java is not installed (apt-get install default-jre-headless)")
    os.environ.setdefault("SPARK_LOCAL_DIRS", tempfile.gettempdir())
    holding = connect_for("spark+local:///nowhere.parquet")
    # Compiling each query takes longer than answering it over a few rows.
    holding._session.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    holding._session.conf.set("spark.sql.codegen.wholeStage", "false")
    yield holding
    holding.close()


@dataclass(frozen=True)
class Engine:
    """One engine under test.

    Args:
        name: "duckdb", "postgres" or "spark".
        connection: A connection to it.
        keep: Loads a Parquet file under a name, and returns the path or URL that a spec would name.
    """

    name: str
    connection: Any
    keep: Callable[[Path, str], str]


def _load(server: str, path: Path, name: str) -> str:
    """Copy a Parquet file into a table, column by column with its own type."""
    import psycopg

    types = {"DOUBLE": "double precision", "FLOAT": "real", "VARCHAR": "text", "TINYINT": "smallint"}
    with closing(connect()) as duck, psycopg.connect(server, autocommit=True) as session:
        relation = f"read_parquet({text_literal(str(path))})"
        described = duck.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        columns = ", ".join(f'"{row[0]}" {types.get(row[1], row[1])}' for row in described)
        session.execute(f'DROP TABLE IF EXISTS "{name}"'.encode())
        session.execute(f'CREATE TABLE "{name}" ({columns})'.encode())
        with session.cursor() as cursor, cursor.copy(f'COPY "{name}" FROM STDIN'.encode()) as copy:
            for row in duck.execute(f"SELECT * FROM {relation}").fetchall():
                copy.write_row(row)
    return f"{server}#public.{name}"


@pytest.fixture
def loaded_in_postgres() -> Callable[[str, Path, str], str]:
    """Return a function that loads a Parquet file into a server under a name, and returns the table's URL."""
    return _load


@pytest.fixture(params=["duckdb", "postgres", "spark"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Return each engine in turn."""
    name = str(request.param)
    if name == "duckdb":
        made, keep = connect(), lambda path, _name: str(path)
    elif name == "postgres":
        server = request.getfixturevalue("postgres_server")
        made = connect_for(f"{server}#nothing")
        keep = lambda path, table: _load(server, path, table)  # noqa: E731
    else:
        request.getfixturevalue("spark_session")
        made = connect_for("spark+local:///nowhere.parquet")
        keep = lambda path, _name: f"spark+local://{path}"  # noqa: E731
    yield Engine(name, made, keep)
    made.close()
