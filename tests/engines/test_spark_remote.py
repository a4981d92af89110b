"""A cluster and Spark Connect, started on loopback: the same answer as over the file."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from engines.conftest import absent
from engines.test_decisions import write_tables
from shipworthy.tables.duck import connect, text_literal

pytestmark = [pytest.mark.xdist_group("engines"), pytest.mark.filterwarnings("default")]

STARTED_WITHIN = 90

#: For a few rows compiling a query takes far longer than answering it.
SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
}


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def surroundings(folder: Path) -> dict[str, str]:
    """Return the environment of servers and clients: loopback only, and nobody's own settings."""
    return os.environ | {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_CONF_DIR": str(folder),
        "SPARK_LOCAL_DIRS": str(folder),
        "SPARK_WORKER_DIR": str(folder / "work"),
        "PYSPARK_PYTHON": sys.executable,
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }


@contextmanager
def running(folder: Path, *commands: Sequence[str], until: str) -> Iterator[None]:
    """Run servers of the installed pyspark until the last one logs that it is there, and end them after."""
    if importlib.util.find_spec("pyspark") is None:
        absent("pyspark is not installed (pip install 'shipworthy[spark]')")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        absent("Java is not installed (apt-get install default-jre-headless)")
    import pyspark

    home, log = Path(pyspark.__file__).parent, folder / "server.log"
    defaults = "\n".join(f"{name} {value}" for name, value in SETTINGS.items())
    (folder / "spark-defaults.conf").write_text(defaults, encoding="utf-8")
    started: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("wb") as writing:
            for name, *words in commands:
                command = [str(home / "bin" / name), *words]
                env = surroundings(folder) | {"SPARK_HOME": str(home)}
                started.append(subprocess.Popen(command, stdout=writing, stderr=writing, cwd=folder, env=env))
        deadline = time.monotonic() + STARTED_WITHIN
        while until not in log.read_text(encoding="utf-8", errors="replace"):
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8", errors="replace")[-2000:]
            time.sleep(0.3)
        yield
    finally:
        for server in started:
            server.terminate()
        for server in started:
            server.wait(timeout=30)


def checked(source: str, folder: Path) -> dict[str, Any]:
    """Check two rules in a process of its own: one process holds one kind of Spark session."""
    folder.mkdir(exist_ok=True)
    words = [sys.executable, "-m", "shipworthy", "check", source, "accuracy >= 70%", "latency_p95_ms <= 400"]
    done = subprocess.run(
        [*words, "--json"], capture_output=True, text=True, cwd=folder, env=surroundings(folder), check=False
    )
    assert done.returncode in (0, 1), done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def answers_file(folder: Path) -> Path:
    """Write labelled answers as one Parquet file."""
    files = write_tables(folder)
    golden, candidate = (text_literal(str(files[name])) for name in ("golden", "candidate"))
    joined = folder / "answers.parquet"
    with closing(connect()) as duck:
        duck.execute(
            "COPY (SELECT id AS case_id, truth AS label, prediction, latency_ms "
            f"FROM read_parquet({golden}) g JOIN read_parquet({candidate}) a USING (id) ORDER BY id) "
            f"TO {text_literal(str(joined))}"
        )
    return joined


def bounds(found: dict[str, Any]) -> list[Any]:
    gates = found["gates"]
    return [
        (gate["status"], pytest.approx(gate["evidence"]["lower"]), pytest.approx(gate["evidence"]["upper"]))
        for gate in gates
    ]


def assert_same_as_the_file(server: str, tmp_path: Path) -> None:
    file = answers_file(tmp_path)
    there = checked(f'{server}#parquet."{file}"', tmp_path / "there")
    here = checked(str(file), tmp_path / "here")
    assert bounds(there) == bounds(here)
    assert len(bounds(here)) == 2


def test_a_cluster_answers_as_the_file_does(tmp_path: Path) -> None:
    port = free_port()
    master = f"spark://127.0.0.1:{port}"
    deploy, pages = "org.apache.spark.deploy", ("--webui-port", "0")
    with running(
        tmp_path,
        ("spark-class", f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(port), *pages),
        (
            "spark-class",
            f"{deploy}.worker.Worker",
            *("--host", "127.0.0.1", "--cores", "1", "--memory", "1g"),
            *pages,
            master,
        ),
        until="Successfully registered with master",
    ):
        assert_same_as_the_file(master, tmp_path)


def test_spark_connect_answers_as_the_file_does(tmp_path: Path) -> None:
    for needed in ("grpc", "grpc_status", "pyarrow", "pandas"):
        if importlib.util.find_spec(needed) is None:
            absent(f"{needed} is not installed (pip install 'pyspark[connect]')")
    port = free_port()
    settings = {
        "spark.connect.grpc.binding.port": str(port),
        "spark.connect.grpc.binding.address": "127.0.0.1",
    }
    with running(
        tmp_path,
        (
            "spark-submit",
            *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", "local[1]"),
            *(word for name, value in settings.items() for word in ("--conf", f"{name}={value}")),
            "spark-internal",
        ),
        until="Spark Connect server started",
    ):
        assert_same_as_the_file(f"sc://127.0.0.1:{port}", tmp_path)
