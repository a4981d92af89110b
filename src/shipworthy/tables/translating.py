"""The house's SQL in the words of another engine: a guarded vocabulary, and what differs under one name.

The SQL of the house is DuckDB's. SQLGlot parses it and writes the other dialect, but lets names that it does
not know pass as they are, so everything outside the vocabulary is refused here, before an engine sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp, parse_one

from shipworthy.errors import ShipworthyError

__all__ = [
    "Rule",
    "Statement",
    "Untranslatable",
    "ignoring_null",
    "is_condition",
    "literal_number",
    "read_statement",
    "special",
    "with_zero_guard",
]

#: Functions and operators that mean the same everywhere, or are rewritten for each engine.
VOCABULARY: tuple[type[exp.Expression], ...] = (
    exp.Abs,
    exp.And,
    exp.ApproxDistinct,
    exp.Array,
    exp.Avg,
    exp.Case,
    exp.Cast,
    exp.Ceil,
    exp.Coalesce,
    exp.Count,
    exp.CountIf,
    exp.DenseRank,
    exp.Exists,
    exp.Exp,
    exp.Floor,
    exp.Greatest,
    exp.If,
    exp.IsNan,
    exp.Lag,
    exp.Lead,
    exp.Least,
    exp.Left,
    exp.Length,
    exp.Ln,
    exp.LogicalAnd,
    exp.LogicalOr,
    exp.Lower,
    exp.MD5,
    exp.Max,
    exp.Min,
    exp.Nullif,
    exp.Or,
    exp.Pow,
    exp.Rank,
    exp.RowNumber,
    exp.Sign,
    exp.SplitPart,
    exp.Sqrt,
    exp.StrPosition,
    exp.Substring,
    exp.Sum,
    exp.Trim,
    exp.TryCast,
    exp.Upper,
    exp.Xor,
)
#: Names that SQLGlot does not know; each engine says what they are there.
OWN_NAMES = frozenset({"isfinite", "list_position"})
TYPES = frozenset(
    {"BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "DOUBLE", "VARCHAR", "TEXT", "HUGEINT", "INT128"}
)


#: Asks for a query's plan, in every engine's words.
EXPLAIN = "EXPLAIN "


class Untranslatable(ShipworthyError):
    """A query uses what not every engine has: a fault of ours, never passed on silently."""


Rule = Callable[[Any], Any]


@dataclass(frozen=True)
class Statement:
    """One statement of the house, read.

    Args:
        kind: "query", "explain" (its plan is asked for), "table", "view", "drop" or "describe".
        name: The table or view it makes or drops, the relation it describes; "" for a query.
        query: The query in the other dialect; "" where there is none.
        first: Relations that the query reads more than once, by name, to be made before it.
    """

    kind: str
    name: str
    query: str
    first: tuple[tuple[str, str], ...] = ()


def read_statement(
    sql: str,
    dialect: str,
    rules: Mapping[str, Rule],
    *,
    apart: bool = False,
    reshape: Rule = lambda tree: tree,
) -> Statement:
    """Return one statement of the house in another dialect.

    Args:
        sql: Our SQL.
        dialect: SQLGlot's name of the other dialect.
        rules: Name of an expression class, or of a function SQLGlot does not know -> its rewriting.
        apart: Whether relations of a WITH are handed back apart, for an engine that would compute each of
            them again wherever it is named.
        reshape: Puts a whole query, in the other engine's words already, into a shape that suits it.

    Raises:
        Untranslatable: If it uses a function, a type or a statement outside the vocabulary.
    """
    if sql.startswith(EXPLAIN):
        asked = read_statement(sql.removeprefix(EXPLAIN), dialect, rules, apart=apart, reshape=reshape)
        return replace(asked, kind="explain", query=f"{EXPLAIN}{asked.query}")
    tree = parse_one(sql, read="duckdb")
    if isinstance(tree, exp.Drop):
        return Statement("drop", tree.find(exp.Table).name, "")  # type: ignore[union-attr]
    if isinstance(tree, exp.Describe):
        return Statement("describe", tree.this.sql("duckdb", identify=True), "")
    if isinstance(tree, exp.Create):
        kind = "view" if tree.kind == "VIEW" else "table"
        return Statement(kind, tree.this.name, _written(tree.expression, dialect, rules))
    if not isinstance(tree, exp.Query):
        raise Untranslatable(f"{type(tree).__name__} is no statement that every engine answers.")
    first: list[tuple[str, str]] = []
    if apart and (named := tree.args.get("with_")) is not None:
        first = [(part.alias, _written(part.this, dialect, rules)) for part in named.expressions]
        tree.set("with_", None)
    return Statement("query", "", _written(tree, dialect, rules, reshape), tuple(first))


def _written(tree: Any, dialect: str, rules: Mapping[str, Rule], reshape: Rule = lambda tree: tree) -> str:
    _guard(tree)
    for number, derived in enumerate(tree.find_all(exp.Subquery)):
        if not derived.alias and isinstance(derived.parent, (exp.From, exp.Join)):
            derived.set("alias", exp.TableAlias(this=exp.to_identifier(f"derived_{number}")))
    # From the leaves up: a rule that copies its operand then copies it as rewritten.
    for node in reversed(list(tree.walk(bfs=True))):
        name = str(node.this).lower() if isinstance(node, exp.Anonymous) else type(node).__name__
        rule = rules.get(name)
        if rule is not None:
            replacement = rule(node)
            if replacement is not node:
                if node is tree:
                    tree = replacement
                else:
                    node.replace(replacement)
    return str(reshape(tree).sql(dialect=dialect, identify=True))


def _guard(tree: exp.Expression) -> None:
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            name = str(node.this).lower()
            if name not in OWN_NAMES:
                raise Untranslatable(f"The function {name} is not one that every engine has.")
        elif isinstance(node, exp.Func) and not isinstance(node, VOCABULARY):
            raise Untranslatable(f"The function {node.sql_name().lower()} is not one that every engine has.")
        elif isinstance(node, exp.DataType) and node.this.value not in TYPES:
            raise Untranslatable(f"The type {node.this.value} is not one that every engine has.")
        elif isinstance(node, (exp.Star,)) and (node.args.get("except_") or node.args.get("replace")):
            raise Untranslatable("SELECT * EXCLUDE and REPLACE are DuckDB's own.")
        elif isinstance(node, (exp.Qualify, exp.Lambda, exp.Distinct)) and _is_own(node):
            raise Untranslatable(f"{type(node).__name__} is DuckDB's own.")


def _is_own(node: exp.Expression) -> bool:
    return not isinstance(node, exp.Distinct) or node.args.get("on") is not None


def is_condition(node: exp.Expression) -> bool:
    """Return whether an expression is true or false by its form."""
    inner = node.unnest()
    if isinstance(inner, exp.Coalesce):
        return is_condition(inner.this)
    return isinstance(
        inner, (exp.Predicate, exp.Connector, exp.Not, exp.Boolean, exp.LogicalAnd, exp.LogicalOr)
    )


def literal_number(node: exp.Expression) -> exp.Expression:
    """Return a number with a point or an exponent as a double: engines disagree about decimals."""
    if node.is_string or node.is_int:
        return node
    return exp.cast(exp.Literal.string(node.name), "double")


def ignoring_null(node: exp.Expression) -> exp.Expression:
    """Return LEAST or GREATEST as it is: these engines pass over NULL, and SQLGlot would write otherwise."""
    return exp.Anonymous(
        this=node.key, expressions=[node.this.copy(), *(part.copy() for part in node.expressions)]
    )


def with_zero_guard(node: exp.Expression) -> exp.Expression:
    """Return a quotient of doubles that gives infinity or NaN at zero instead of an error, as DuckDB does."""
    above, below = node.this, node.expression
    divisor = below.unnest()
    quotient = exp.Div(this=_double(above), expression=_double(below), typed=True, safe=False)
    if isinstance(divisor, exp.Cast) and isinstance(divisor.this, exp.Literal):
        divisor = divisor.this
    if isinstance(divisor, exp.Literal) and float(divisor.name) != 0:
        return quotient
    zero = exp.Literal.number(0)
    dividend, below = _double(above), _wrapped(below)
    of_nothing = exp.In(this=dividend, expressions=[zero, special("NaN")])
    at_zero = (
        exp.Case()
        .when(of_nothing, special("NaN"))
        .when(exp.GT(this=dividend.copy(), expression=zero.copy()), special("Infinity"))
        .when(exp.LT(this=dividend.copy(), expression=zero.copy()), special("-Infinity"))
    )
    return (
        exp.Case()
        .when(exp.NEQ(this=below, expression=zero.copy()), quotient)
        .when(exp.EQ(this=below.copy(), expression=zero.copy()), at_zero)
    )


def special(name: str) -> exp.Expression:
    """Return NaN, Infinity or -Infinity as a double."""
    return exp.cast(exp.Literal.string(name), "double")


def _double(node: exp.Expression) -> exp.Expression:
    return exp.cast(_wrapped(node), "double")


def _wrapped(node: exp.Expression) -> exp.Expression:
    return exp.paren(node.copy()) if isinstance(node, (exp.Binary, exp.Unary, exp.Connector)) else node.copy()
