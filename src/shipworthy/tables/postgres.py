"""PostgreSQL: rows stay in the database, in temporary tables of one session; only totals come back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlglot import exp

from shipworthy.errors import InputError
from shipworthy.tables.engine import TableAddress
from shipworthy.tables.fetched import Fetched
from shipworthy.tables.translating import (
    Rule,
    ignoring_null,
    is_condition,
    literal_number,
    read_statement,
    special,
    with_zero_guard,
)

__all__ = ["Postgres"]

#: What a text must look like to be a double, in forms that PostgreSQL never refuses as out of range.
_NUMBER = (
    r"^\s*[-+]?("
    r"([0-9]{1,200}(\.[0-9]{0,200})?|\.[0-9]{1,200})(e[-+]?[0-9]{1,2})?"
    r"|[1-9](\.[0-9]{0,200})?e[-+]?([12][0-9]{2}|30[0-7])"
    r"|nan|inf|infinity)\s*$"
)
_WHOLE = r"^\s*[-+]?[0-9]{1,18}\s*$"
WHOLE_TYPES = {"TINYINT": 2**15, "SMALLINT": 2**15, "INT": 2**31, "BIGINT": 2**63}


def _matches(text: exp.Expression, pattern: str, *, any_case: bool = False) -> exp.Expression:
    kind = exp.RegexpILike if any_case else exp.RegexpLike
    return kind(this=_text(text), expression=exp.Literal.string(pattern))


def _text(node: exp.Expression) -> exp.Expression:
    """Return text that is compared byte by byte, as every engine does it, whatever the database's locale."""
    cast = exp.Cast(this=_plain(node), to=exp.DataType.build("text"))
    return exp.Collate(this=cast, expression=exp.Identifier(this="C", quoted=True))


def _plain(node: exp.Expression) -> exp.Expression:
    return node.copy() if isinstance(node, (exp.Column, exp.Paren, exp.Func)) else exp.paren(node.copy())


def _cast(node: exp.Expression) -> exp.Expression:
    to = node.args["to"].this.value
    if to in ("TEXT", "VARCHAR"):
        return _text(node.this)
    if to != "BOOLEAN" and is_condition(node.this):
        # A truth value becomes an integer there, and no other number.
        whole = exp.Cast(this=_plain(node.this), to=exp.DataType.build("int"))
        return whole if to == "INT" else exp.Cast(this=whole, to=node.args["to"].copy())
    return node


def _try_cast(node: exp.Expression) -> exp.Expression:
    to = node.args["to"].this.value
    if to in ("TEXT", "VARCHAR"):
        return _text(node.this)
    if to in WHOLE_TYPES:
        largest = exp.Literal.number(WHOLE_TYPES[to] - 1)
        wide = exp.cast(_plain(node.this), "bigint")
        value = exp.cast(_plain(node.this), to)
        inside = exp.Between(this=wide, low=exp.Neg(this=largest.copy()), high=largest)
        checked = exp.Case().when(inside, value)
        return exp.Case().when(_matches(node.this, _WHOLE), checked)
    number = exp.cast(_plain(node.this), "double")
    return exp.Case().when(_matches(node.this, _NUMBER, any_case=True), number)


def _position(node: exp.Expression) -> exp.Expression:
    listed, wanted = node.expressions
    return exp.Anonymous(this="array_position", expressions=[listed.copy(), _text(wanted)])


def _finite(node: exp.Expression) -> exp.Expression:
    value = _plain(node.expressions[0])
    above = exp.GT(this=value, expression=special("-Infinity"))
    return exp.paren(above.and_(exp.LT(this=value.copy(), expression=special("Infinity"))))


def _exp(node: exp.Expression) -> exp.Expression:
    """Return e to a power without the errors over overflow and underflow."""
    power = _plain(node.this)
    low = exp.LT(this=power, expression=exp.Literal.number(-700))
    high = exp.GT(this=power.copy(), expression=exp.Literal.number(700))
    return (
        exp.Case()
        .when(low, exp.cast(exp.Literal.number(0), "double"))
        .when(exp.and_(high, exp.LTE(this=power.copy(), expression=special("Infinity"))), special("Infinity"))
        .else_(node.copy())
    )


def _ln(node: exp.Expression) -> exp.Expression:
    value = exp.cast(_plain(node.this), "double")
    zero = exp.Literal.number(0)
    return (
        exp.Case()
        .when(exp.GT(this=value, expression=zero), exp.Ln(this=value.copy()))
        .when(exp.EQ(this=value.copy(), expression=zero.copy()), special("-Infinity"))
        .when(exp.LT(this=value.copy(), expression=zero.copy()), special("NaN"))
    )


def _sqrt(node: exp.Expression) -> exp.Expression:
    value = exp.cast(_plain(node.this), "double")
    negative = exp.LT(this=value, expression=exp.Literal.number(0))
    return exp.Case().when(negative, special("NaN")).else_(exp.Sqrt(this=value.copy()))


RULES: Mapping[str, Rule] = {
    "Cast": _cast,
    "TryCast": _try_cast,
    "Literal": literal_number,
    "Div": with_zero_guard,
    "Ln": _ln,
    "Exp": _exp,
    "Sqrt": _sqrt,
    "Least": ignoring_null,
    "Greatest": ignoring_null,
    "IsNan": lambda node: exp.EQ(this=_plain(node.this), expression=special("NaN")),
    "isfinite": _finite,
    "list_position": _position,
    "SimilarTo": lambda node: _matches(node.this, f"^(?:{node.expression.name})$"),
    "ApproxDistinct": lambda node: exp.Count(this=exp.Distinct(expressions=[node.this.copy()])),
}

#: Their type -> DuckDB's word for it, where a value is read otherwise than as text.
TYPES = {
    "double precision": "DOUBLE",
    "real": "FLOAT",
    "numeric": "DECIMAL",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "text": "VARCHAR",
    "character varying": "VARCHAR",
}


class Postgres:
    """One session in a PostgreSQL database.

    What it makes are temporary tables and views, which are gone when the session ends, however it ends; the
    user needs the right to read the tables and to make temporary ones, which everybody has by default.

    Args:
        address: A table in the database, whose server is connected to.

    Raises:
        InputError: If the driver is missing or the server refuses.
    """

    dialect = "postgres"

    def __init__(self, address: TableAddress) -> None:
        try:
            import psycopg
        except ImportError:
            raise InputError(
                "Reading from PostgreSQL needs a driver that is not installed.",
                where=str(address),
                fix="Install it: pip install 'shipworthy[postgres]'",
            ) from None
        self.address = address
        self._errors = psycopg.Error
        self._checksums: dict[str, str] = {}
        try:
            self._session = psycopg.connect(
                address.full_url, application_name="shipworthy", connect_timeout=15
            )
            # One snapshot for the whole session, never committed: the tables stand still while they are
            # judged, and nothing of ours is left.
            self._session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        except psycopg.Error as error:
            raise InputError(
                f"The server refused: {_first_line(error, address)}",
                where=str(address),
                fix="Check host, port, user and database; the password is read from PGPASSWORD or ~/.pgpass.",
            ) from None
        for setting in ("timezone = 'UTC'", "jit = off", "extra_float_digits = 1", "work_mem = '64MB'"):
            self._session.execute(f"SET {setting}".encode())

    def execute(self, query: str, parameters: Any = None, /) -> Fetched:
        """Run one statement of the house.

        Args:
            query: Our SQL.
            parameters: Must be empty.

        Raises:
            InputError: For anything the database says about its tables.
        """
        if parameters:
            raise TypeError("statements for a warehouse carry their values themselves")
        statement = read_statement(query, "postgres", RULES)
        name = f'"{statement.name}"'
        if statement.kind in ("query", "explain"):
            return self._run(statement.query)
        if statement.kind == "describe":
            return Fetched(("column_name", "column_type"), self.columns(statement.name))
        self._drop(statement.name)
        self._checksums.pop(statement.name, None)
        if statement.kind == "table":
            self._run(f"CREATE TEMP TABLE {name} AS {statement.query}")
            self._run(f"ANALYZE {name}")
        elif statement.kind == "view":
            self._run(f"CREATE TEMP VIEW {name} AS {statement.query}")
        return Fetched((), [])

    def close(self) -> None:
        """End the session, and with it all that was made."""
        self._session.rollback()
        self._session.close()

    def source(self, address: TableAddress) -> str:
        """Return the SQL name of a table.

        Args:
            address: The table.
        """
        return ".".join('"' + part.replace('"', '""') + '"' for part in address.parts)

    def columns(self, relation: str) -> list[tuple[str, str]]:
        """Return a relation's columns with their types in DuckDB's words.

        Args:
            relation: SQL name of a table or view.
        """
        with self._session.cursor() as cursor:
            self._checked(cursor, f"SELECT * FROM {relation} LIMIT 0")
            described = cursor.description or []
            codes = [column.type_code for column in described]
            cursor.execute(
                "SELECT oid::int, format_type(oid, NULL) FROM pg_type WHERE oid = ANY(%s)", [codes]
            )
            names: dict[int, str] = dict(cursor.fetchall())
        return [(column.name, TYPES.get(names[column.type_code], "OTHER")) for column in described]

    def checksum(self, relation: str) -> str:
        """Return a hash of a relation's content: its count, and the sums of two pieces of every row's MD5.

        Args:
            relation: SQL name of a table.
        """
        if relation in self._checksums:
            return self._checksums[relation]
        # A row as text tells its cells apart, a missing one from an empty one too.
        pieces = ", ".join(f"sum(('x' || substr(h, {first}, 14))::bit(56)::bigint)" for first in (1, 15))
        found = self._run(
            f"SELECT count(*), {pieces} FROM (SELECT md5(t::text) AS h FROM {relation} t) hashed"
        )
        self._checksums[relation] = "-".join(str(int(part or 0)) for part in found.fetchall()[0])
        return self._checksums[relation]

    def _drop(self, name: str) -> None:
        kind = self._run(
            f"SELECT relkind FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relname = '{name}'"
        ).fetchone()
        if kind is not None:
            self._run(f'DROP {"VIEW" if str(kind[0]) == "v" else "TABLE"} pg_temp."{name}" CASCADE')

    def _run(self, sql: str) -> Fetched:
        with self._session.cursor() as cursor:
            self._checked(cursor, sql)
            if cursor.description is None:
                return Fetched((), [])
            return Fetched(
                tuple(column.name for column in cursor.description),
                [tuple(_number(value) for value in row) for row in cursor.fetchall()],
            )

    def _checked(self, cursor: Any, sql: str) -> None:
        try:
            cursor.execute(sql.encode())
        except self._errors as error:
            raise InputError(
                f"PostgreSQL refused: {_first_line(error, self.address)}",
                where=str(self.address),
                fix="Check that the table is there, that this user may read it and make temporary ones.",
            ) from None


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _first_line(error: Exception, address: TableAddress) -> str:
    """Return what the driver said, without the URL it was given."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).replace(address.full_url, str(address))[:400]
