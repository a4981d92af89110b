"""Spark: rows stay in the session or the cluster, as cached temporary views; only totals come back."""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlglot import exp

from shipworthy.errors import InputError
from shipworthy.tables.engine import TableAddress
from shipworthy.tables.fetched import Fetched
from shipworthy.tables.translating import (
    Rule,
    Statement,
    ignoring_null,
    literal_number,
    read_statement,
    special,
    with_zero_guard,
)

__all__ = ["Spark", "in_one_pass"]

#: From so many arms of a union on, one pass over the rows is faster than a job per arm.
FEWEST_ARMS = 3
#: Java reads "1d" and "1f" as numbers; nobody else does.
_JAVA_NUMBER = r"(?i)[0-9.][df]\s*$"


def _matches(text: exp.Expression, pattern: str) -> exp.Expression:
    return exp.RegexpLike(this=exp.cast(_plain(text), "text"), expression=exp.Literal.string(pattern))


def _plain(node: exp.Expression) -> exp.Expression:
    return node.copy() if isinstance(node, (exp.Column, exp.Paren, exp.Func)) else exp.paren(node.copy())


def _cast(node: exp.Expression) -> exp.Expression:
    """Return a cast to an integer that rounds as everywhere else, where Spark would cut off."""
    whole = node.args["to"].this.value in ("TINYINT", "SMALLINT", "INT", "BIGINT")
    inner = node.this.unnest()
    broken = isinstance(inner, (exp.Mul, exp.Add, exp.Sub, exp.Div)) and inner.find(exp.Div, exp.Ln, exp.Exp)
    if whole and broken and not inner.find(exp.Floor, exp.Ceil):
        rounded = exp.Anonymous(this="rint", expressions=[node.this.copy()])
        return exp.Cast(this=rounded, to=node.args["to"].copy())
    return node


def _try_cast(node: exp.Expression) -> exp.Expression:
    if node.args["to"].this.value != "DOUBLE":
        return node
    return exp.Case().when(exp.not_(_matches(node.this, _JAVA_NUMBER)), node.copy())


def _position(node: exp.Expression) -> exp.Expression:
    listed, wanted = node.expressions
    found = exp.Anonymous(
        this="array_position", expressions=[listed.copy(), exp.cast(_plain(wanted), "text")]
    )
    return exp.Nullif(this=found, expression=exp.Literal.number(0))


def _finite(node: exp.Expression) -> exp.Expression:
    value = _plain(node.expressions[0])
    above = exp.GT(this=value, expression=special("-Infinity"))
    return exp.paren(above.and_(exp.LT(this=value.copy(), expression=special("Infinity"))))


def _ln(node: exp.Expression) -> exp.Expression:
    value = exp.cast(_plain(node.this), "double")
    zero = exp.Literal.number(0)
    return (
        exp.Case()
        .when(exp.GT(this=value, expression=zero), exp.Ln(this=value.copy()))
        .when(exp.EQ(this=value.copy(), expression=zero.copy()), special("-Infinity"))
        .when(exp.LT(this=value.copy(), expression=zero.copy()), special("NaN"))
    )


RULES: Mapping[str, Rule] = {
    "Cast": _cast,
    "TryCast": _try_cast,
    "Literal": literal_number,
    "Div": with_zero_guard,
    "Ln": _ln,
    "Least": ignoring_null,
    "Greatest": ignoring_null,
    "IsNan": lambda node: exp.EQ(this=_plain(node.this), expression=special("NaN")),
    "isfinite": _finite,
    "list_position": _position,
    "SimilarTo": lambda node: _matches(node.this, f"^(?:{node.expression.name})$"),
    "ApproxDistinct": lambda node: exp.Count(this=exp.Distinct(expressions=[node.this.copy()])),
}


def in_one_pass(tree: exp.Expression) -> exp.Expression:
    """Return a UNION ALL of groupings of one relation as a single grouping over it.

    Spark runs every arm of a union as a job of its own, which costs more than all the counting; so each row
    is dealt out to the arms inside one job instead. Arms of another form stay as they are.

    Args:
        tree: A query in Spark's words.
    """
    arms = _arms(tree)
    dealt = [_dealt(arm) for arm in arms]
    simple = [arm for arm, part in zip(arms, dealt, strict=True) if part is not None]
    if len(simple) < FEWEST_ARMS or len({arm.args["from_"].this.name for arm in simple}) > 1:
        return tree
    names = [part.alias for part in simple[0].expressions]
    added_up = {part.alias for arm in simple for part in arm.expressions if part.find(exp.AggFunc)}
    grouped = [name for name in names if name not in added_up]
    listed = exp.Anonymous(this="array", expressions=[part for part in dealt if part is not None])
    source = exp.select(exp.Anonymous(this="inline", expressions=[listed])).from_(
        simple[0].args["from_"].this.copy()
    )
    columns = [
        exp.column(name)
        if name in grouped
        else exp.alias_(exp.cast(exp.Sum(this=exp.column(name)), "double"), name)
        for name in names
    ]
    single: exp.Expression = (
        exp.select(*columns)
        .from_(source.subquery("dealt"))
        .where(exp.column("kept"))
        .group_by(*(exp.column(name) for name in grouped))
    )
    for arm, part in zip(arms, dealt, strict=True):
        if part is None:
            single = exp.union(single, arm.copy(), distinct=False)
    return single


def _arms(tree: exp.Expression) -> list[exp.Select]:
    """Return the arms of a UNION ALL, or the one query."""
    found: list[exp.Select] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.Union) and not node.args.get("distinct"):
            waiting += [node.expression, node.this]
        elif isinstance(node, exp.Select):
            found.append(node)
    return found


def _dealt(arm: exp.Select) -> exp.Expression | None:
    """Return what an arm takes from one row as a struct; None where the arm is no plain grouping."""
    source = arm.args.get("from_")
    plain = source is not None and isinstance(source.this, exp.Table) and arm.args.get("group") is not None
    if not plain or any(arm.args.get(part) for part in ("joins", "having", "limit", "order", "windows")):
        return None
    parts: list[Any] = []
    for projection in arm.expressions:
        counted = projection.find(exp.AggFunc)
        value = projection.unalias()
        if counted is not None:
            inner = value.this if isinstance(value, exp.Cast) else value
            if inner is not counted or not isinstance(inner, (exp.Count, exp.Sum)):
                return None
            if isinstance(inner, exp.Count) and not isinstance(inner.this, exp.Star):
                return None
            one = exp.Literal.number(1) if isinstance(inner, exp.Count) else inner.this.copy()
            value = exp.cast(one, "double")
        parts.append(exp.alias_(value.copy(), projection.alias))
    where = arm.args.get("where")
    kept = where.this.copy() if where is not None else exp.true()
    parts.append(exp.alias_(exp.Coalesce(this=kept, expressions=[exp.false()]), "kept"))
    return exp.Anonymous(this="struct", expressions=parts)


#: Their type -> DuckDB's word for it, where a value is read otherwise than as text.
TYPES = {
    "double": "DOUBLE",
    "float": "FLOAT",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "string": "VARCHAR",
}
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
}


class Spark:
    """One Spark session: local, on a cluster, or through Spark Connect.

    What it makes are temporary views of this session, cached where rows were asked for; they are dropped when
    it is closed, and a session that was started here is stopped.

    Args:
        address: A table, whose session is connected to.

    Raises:
        InputError: If Spark is missing or the session cannot start.
    """

    dialect = "spark"

    def __init__(self, address: TableAddress) -> None:
        try:
            from pyspark.errors import PySparkException
            from pyspark.sql import SparkSession
        except ImportError:
            raise InputError(
                "Reading from Spark needs pyspark, which is not installed.",
                where=str(address),
                fix="Install it: pip install 'shipworthy[spark]'",
            ) from None
        self.address = address
        self._errors = PySparkException
        self._made: dict[str, Any] = {}
        self._checksums: dict[str, str] = {}
        self._own = SparkSession.getActiveSession() is None
        # Spark would log every query it refuses, and what was refused is told as our own error.
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
        builder = SparkSession.builder.appName("shipworthy")
        if address.full_url.startswith("sc://"):
            builder = builder.remote(address.full_url)
        elif self._own:
            builder = builder.master(address.full_url)
            if address.server == "spark+local":
                builder = _local(builder)
        try:
            with _quiet_start(), _own_interrupt():
                self._session = builder.getOrCreate()
            self._before = {name: self._session.conf.get(name, None) for name in SETTINGS}
            for name, value in SETTINGS.items():
                self._session.conf.set(name, value)
        except Exception as error:  # whatever the JVM or the network says
            raise InputError(
                f"The Spark session cannot start: {_first_line(error)}",
                where=str(address),
                fix="Check the address, and that Java 17 or newer is installed where it runs.",
            ) from None

    def execute(self, query: str, parameters: Any = None, /) -> Fetched:
        """Run one statement of the house.

        Args:
            query: Our SQL.
            parameters: Must be empty.

        Raises:
            InputError: For anything Spark says about its tables.
        """
        if parameters:
            raise TypeError("statements for a warehouse carry their values themselves")
        statement = read_statement(query, "spark", RULES, apart=True, reshape=in_one_pass)
        if statement.kind in ("query", "explain"):
            return self._answer(statement)
        if statement.kind == "describe":
            return Fetched(("column_name", "column_type"), self.columns(statement.name))
        self._drop(statement.name)
        self._checksums.pop(statement.name, None)
        if statement.kind in ("table", "view"):
            self._make(statement)
        return Fetched((), [])

    def _answer(self, statement: Statement) -> Fetched:
        """Return a query's answer; what it reads more than once is kept for as long as it runs."""
        try:
            for name, part in statement.first:
                self._make(Statement("table", name, part))
            return self._run(statement.query)
        finally:
            for name, _part in statement.first:
                self._drop(name)

    def _make(self, statement: Statement) -> None:
        """Make a view; of a table the rows are kept, so that nothing is computed twice."""
        try:
            self._session.sql(statement.query).createOrReplaceTempView(statement.name)
            # By the view's name: the query itself may name views that are gone when the rows are let go, and
            # through Spark Connect it would be read again then.
            made = self._session.table(statement.name)
            self._made[statement.name] = made.persist() if statement.kind == "table" else made
        except self._errors as error:
            raise self._refused(error) from None

    def close(self) -> None:
        """Drop what was made, give the settings back, and stop a session that was started here."""
        for name in list(self._made):
            self._drop(name)
        if self._own:
            self._session.stop()
            return
        for name, value in self._before.items():
            if value is None:
                self._session.conf.unset(name)
            else:
                self._session.conf.set(name, value)

    def source(self, address: TableAddress) -> str:
        """Return the SQL name of a table, or of a view over a Parquet file.

        Args:
            address: The table.
        """
        if address.server != "spark+local":
            return ".".join('"' + part.replace('"', '""') + '"' for part in address.parts)
        name = f"source_{hashlib.md5(str(address).encode(), usedforsecurity=False).hexdigest()}"
        if name in self._made:
            return f'"{name}"'
        path = address.table.replace("`", "``")
        self._make(Statement("view", name, f"SELECT * FROM parquet.`{path}`"))
        return f'"{name}"'

    def columns(self, relation: str) -> list[tuple[str, str]]:
        """Return a relation's columns with their types in DuckDB's words.

        Args:
            relation: SQL name of a table or view.
        """
        query = read_statement(f"SELECT * FROM {relation}", "spark", {}).query
        try:
            described = self._session.sql(query).schema.fields
        except self._errors as error:
            raise self._refused(error) from None
        return [(part.name, _type(part.dataType.simpleString())) for part in described]

    def checksum(self, relation: str) -> str:
        """Return a hash of a relation's content: its count, and the sums of two pieces of every row's MD5.

        Args:
            relation: SQL name of a table or view.
        """
        if relation in self._checksums:
            return self._checksums[relation]
        quoted = ["`" + name.replace("`", "``") + "`" for name, _type in self.columns(relation)]
        cells = ", ".join(
            f"coalesce(concat(length(CAST({name} AS STRING)), ':', CAST({name} AS STRING)), '-')"
            for name in quoted
        )
        pieces = ", ".join(
            f"sum(CAST(conv(substr(h, {first}, 14), 16, 10) AS DECIMAL(28, 0)))" for first in (1, 15)
        )
        name = relation.replace('"', "`")
        found = self._run(
            f"SELECT count(*), {pieces} FROM (SELECT md5(concat({cells})) AS h FROM {name}) hashed"
        )
        self._checksums[relation] = "-".join(str(int(part or 0)) for part in found.fetchall()[0])
        return self._checksums[relation]

    def _drop(self, name: str) -> None:
        made = self._made.pop(name, None)
        if made is not None:
            made.unpersist()
            self._session.catalog.dropTempView(name)

    def _run(self, sql: str) -> Fetched:
        try:
            frame = self._session.sql(sql)
            names = frame.columns
            rows = frame.collect() if names else []
        except self._errors as error:
            raise self._refused(error) from None
        return Fetched(names, [tuple(_number(value) for value in row) for row in rows])

    def _refused(self, error: Exception) -> InputError:
        return InputError(
            f"Spark refused: {_first_line(error)}",
            where=str(self.address),
            fix="Check that the table is there, and that this session may read it.",
        )


def _local(builder: Any) -> Any:
    """Return a builder of a session on this machine that opens no port but on loopback."""
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings = {
        "spark.sql.shuffle.partitions": str(os.cpu_count() or 2),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.log.level": "ERROR",
        # Nothing is kept there, but Spark makes the folder, by default where the user stands.
        "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / "shipworthy-spark"),
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder


@contextmanager
def _own_interrupt() -> Iterator[None]:
    """Keep Ctrl-C as it is: a starting session would put its own handler in its place."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _quiet_start() -> Iterator[None]:
    """Keep what a starting JVM prints away from the user's terminal."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _type(spark: str) -> str:
    return "DECIMAL" if spark.startswith("decimal") else TYPES.get(spark, "OTHER")


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:400]
