"""The plan of one query: which totals are counted together, so that few arms answer many asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import prod
from typing import Literal

from shipworthy.tables.asks import LOST, Ask, Key, Reading
from shipworthy.tables.duck import text_literal

__all__ = ["Arm", "Counted", "Cut", "Part", "arms_sql", "base_keys", "coded_and_counted", "plan_arms"]

#: Cells that one arm may have so that its table stays in the processor's cache; above, totals stay apart.
MOST_CELLS = 16_384
#: Finer keys may take the place of a coarse one up to this many combinations.
MOST_COMBINATIONS = 4_096
#: Largest numbers that fit the small types with room for one more.
MOST_OF_A_TINYINT = 126
MOST_OF_A_SMALLINT = 32_766
MOST_OF_AN_INTEGER = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Cut:
    """The populations that an arm keeps apart.

    Args:
        column: SQL of the column as text; "" where there is none.
        values: The column's values, in the order of their codes; all other rows share the last slot.
        within: Condition that the arm's rows meet.
        sql: Integer code of the population where it is no column's value; NULL has the last slot.
        size: Number of codes, without the last slot.
    """

    column: str
    values: tuple[str, ...]
    within: str
    sql: str
    size: int


@dataclass(slots=True)
class Arm:
    """One GROUP BY over the coded rows.

    Args:
        cut: The populations kept apart.
        planned: Whether it counts all planned rows, not the usable ones only.
        by_group: Whether it keeps groups of clusters apart.
        inner: The ask whose units are no rows; None where they are.
        keys: The keys counted by.
        sums: The expressions summed.
        values: Name and SQL of what is computed of each unit, where units are no rows.
    """

    cut: Cut
    planned: bool
    by_group: bool
    inner: Ask | None = None
    keys: list[Key] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    def cells_with(self, keys: Iterable[Key]) -> int:
        """Return the number of cells the arm would have with these keys too."""
        wanted = dict.fromkeys([*self.keys, *keys])
        return prod(key.size + 1 for key in wanted) * (self.cut.size + 1)

    def take(self, keys: Iterable[Key], sums: Iterable[str]) -> None:
        """Count by these keys and sum these expressions too."""
        self.keys = list(dict.fromkeys([*self.keys, *keys]))
        self.sums = list(dict.fromkeys([*self.sums, *sums]))

    def holds(self, keys: Iterable[Key], sums: Iterable[str]) -> bool:
        """Return whether a table by these keys with these sums can be read off the arm."""
        return set(keys) <= set(self.keys) and set(sums) <= set(self.sums)


@dataclass(frozen=True, slots=True)
class Part:
    """How one ask is read off an arm.

    Args:
        arm: Position of the arm.
        populations: For each code of the arm's cut, the ask's population; -1 where it has none.
    """

    arm: int
    populations: tuple[int, ...]


#: What is summed of a column: its numbers, their squares, or 1 for each.
Summed = Literal["number", "square", "presence"]


@dataclass(frozen=True, slots=True)
class Counted:
    """Which columns of the coded rows an arm counts by.

    Args:
        where: Columns that are true in its rows.
        population: Column of the population: the value's place from 1, NULL for all others, where the cut is
            by a column, else its code; "0" where nothing is kept apart.
        code: Column of the codes of keys and group as one number; "0" where there are none.
        sums: Columns summed, each with what is summed of it.
        weighted: Whether each row counts by the column w.
    """

    where: tuple[str, ...]
    population: str
    code: str
    sums: tuple[tuple[str, Summed], ...]
    weighted: bool


def base_keys(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Return the keys that are counted by: the finer ones that these are functions of."""
    found: dict[Key, None] = {}
    for key in keys:
        if key.of and prod(part.size + 1 for part in key.of) <= MOST_COMBINATIONS:
            found.update(dict.fromkeys(base_keys(key.of)))
        else:
            found[key] = None
    return tuple(found)


def plan_arms(asks: Sequence[Ask], groups: int, unscored: bool = True) -> tuple[list[Arm], dict[Ask, Part]]:
    """Return the arms of one query, and how each ask is read off them.

    Args:
        asks: What is asked, without repetition.
        groups: Number of cluster groups that are kept apart.
        unscored: Whether any row may be unscored; else planned rows are the usable ones.
    """
    plan = _Plan(_columns(asks), groups, unscored)
    waiting = []
    for ask in sorted(asks, key=_cells, reverse=True):
        if ask.total.grain.inner:
            plan.apart(ask)
        elif not plan.by_column(ask):
            waiting.append(ask)
    for ask in waiting:
        plan.anywhere(ask)
    return plan.arms, plan.parts


def _cells(ask: Ask) -> int:
    return prod(key.size + 1 for key in base_keys(ask.total.by))


def _columns(asks: Sequence[Ask]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the values of each column that some ask keeps apart, by column and condition."""
    cuts = {
        (reading.column, reading.within)
        for ask in asks
        for reading in ask.split.readings
        if reading.column and len(reading.parts) > 1
    }
    values: dict[tuple[str, str], dict[str, None]] = {cut: {} for cut in sorted(cuts)}
    for ask in asks:
        for reading in ask.split.readings:
            held = values.get((reading.column, reading.within))
            if held is not None:
                held.update(dict.fromkeys(value for part in reading.parts for value in part))
    return {cut: tuple(held) for cut, held in values.items()}


class _Plan:
    """Arms as they grow."""

    def __init__(self, columns: dict[tuple[str, str], tuple[str, ...]], groups: int, unscored: bool) -> None:
        self.columns, self.groups, self.unscored = columns, groups, unscored
        self.arms: list[Arm] = []
        self.parts: dict[Ask, Part] = {}

    def apart(self, ask: Ask) -> None:
        """Place an ask whose units are no rows: in the arm of the same units, else in one of its own."""
        size, grain = len(ask.split.labels), ask.total.grain
        cut = Cut("", (), "true", ask.split.sql, size)
        alike = [
            index
            for index, arm in enumerate(self.arms)
            if arm.inner is not None
            and grain.values
            and (arm.inner.total.grain.inner, arm.cut, arm.by_group) == (grain.inner, cut, ask.by_group)
            and self._fits(arm, ask.total.by)
        ]
        if not alike:
            self.arms.append(Arm(cut, False, ask.by_group, ask))
        index = alike[0] if alike else len(self.arms) - 1
        self.arms[index].take(ask.total.by, ask.total.sums)
        self.arms[index].values.update(grain.values)
        self.parts[ask] = Part(index, (*range(size), -1))

    def by_column(self, ask: Ask) -> bool:
        """Place an ask with arms by a column that is kept apart anyway, or by its own code."""
        for reading in ask.split.readings:
            values = self.columns.get((reading.column, reading.within))
            if reading.column and values is not None:
                cut = Cut(reading.column, values, reading.within, "", len(values))
                self._place(ask, cut, _populations(reading, cut))
                return True
        if any(not reading.column for reading in ask.split.readings):
            return False
        size = len(ask.split.labels)
        self._place(ask, Cut("", (), "true", ask.split.sql, size), (*range(size), -1))
        return True

    def anywhere(self, ask: Ask) -> None:
        """Place an ask about all rows: any arm that keeps more apart can be added up for it."""
        reading = next(reading for reading in ask.split.readings if not reading.column)
        keys, planned = self._of(ask)
        serving = [
            (arm.cells_with(()), index)
            for index, arm in enumerate(self.arms)
            if arm.inner is None
            and arm.planned == planned
            and arm.by_group == ask.by_group
            and arm.cut.within == reading.within
            and not arm.cut.sql
            and arm.holds(keys, ask.total.sums)
        ]
        if serving:
            index = min(serving)[1]
            self.parts[ask] = Part(index, (0,) * (self.arms[index].cut.size + 1))
        else:
            self._place(ask, Cut("", (), reading.within, "", 0), (0,))

    def _place(self, ask: Ask, cut: Cut, populations: tuple[int, ...]) -> None:
        keys, planned = self._of(ask)
        alike = [
            index
            for index, arm in enumerate(self.arms)
            if (arm.cut, arm.planned, arm.by_group, arm.inner) == (cut, planned, ask.by_group, None)
            and self._fits(arm, keys)
        ]
        if not alike:
            self.arms.append(Arm(cut, planned, ask.by_group, None, list(keys), list(ask.total.sums)))
            alike = [len(self.arms) - 1]
        # Where several could take it, the one that grows to the fewest cells.
        chosen = min(alike, key=lambda index: self.arms[index].cells_with(keys))
        self.arms[chosen].take(keys, ask.total.sums)
        self.parts[ask] = Part(chosen, populations)

    def _of(self, ask: Ask) -> tuple[tuple[Key, ...], bool]:
        """Return what an ask counts by, and whether it counts all planned rows."""
        keys, planned = base_keys(ask.total.by), ask.total.grain.name == "planned"
        if not self.unscored:
            return tuple(key for key in keys if key != LOST), False
        return keys, planned

    def _fits(self, arm: Arm, keys: tuple[Key, ...]) -> bool:
        # Where no population is kept apart, groups of clusters alone make a table large.
        groups = self.groups if arm.by_group and not arm.cut.size else 1
        return set(keys) <= set(arm.keys) or arm.cells_with(keys) * groups <= MOST_CELLS


def _populations(reading: Reading, cut: Cut) -> tuple[int, ...]:
    """Return the population of each code of the cut, the slot for all other rows last; -1 for none."""
    found = [-1] * (cut.size + 1)
    for population, (values, others) in enumerate(zip(reading.parts, reading.others, strict=True)):
        codes = {cut.values.index(value) for value in values}
        taken = set(range(cut.size + 1)) - codes if others else codes
        for code in taken:
            if found[code] < 0:
                found[code] = population
    return tuple(found)


def arms_sql(rows: str, arms: Sequence[Arm], groups: int, mean_weight: float | None) -> str:
    """Return the one query of all arms: every expression is coded once, straight over the rows.

    Args:
        rows: Table, view or derived table of canonical rows.
        arms: The arms.
        groups: Number of cluster groups.
        mean_weight: Mean weight; None where rows carry no weights.

    Returns:
        SQL with the columns arm, p, k (the codes of the keys, then that of the group where groups are kept
        apart, as one number, the last one fastest), n, s0...
    """
    names = _Names(groups, mean_weight)
    selects = "\nUNION ALL\n".join(names.arm(index, arm, arms) for index, arm in enumerate(arms))
    return f"WITH coded AS ({_coded(names, rows, arms)})\n{selects}"


def coded_and_counted(
    rows: str, arms: Sequence[Arm], groups: int, mean_weight: float | None
) -> tuple[str, list[Counted]]:
    """Return the query that codes the rows, and which of its columns each arm counts by.

    Args:
        rows: Table, view or derived table of canonical rows.
        arms: The arms; units of all of them are rows.
        groups: Number of cluster groups.
        mean_weight: Mean weight; None where rows carry no weights.
    """
    names = _Names(groups, mean_weight)
    counted = [names.counted(arm, arms) for arm in arms]
    return _coded(names, rows, arms), counted


def _coded(names: _Names, rows: str, arms: Sequence[Arm]) -> str:
    # One filter at the file is cheaper than one in every arm.
    where = "" if any(arm.planned for arm in arms) else " WHERE unscored_reason IS NULL"
    coded = f"SELECT {', '.join(names.coded())} FROM {rows}{where}"
    if names.joint:
        joint = [f"{sql} AS {each}" for sql, each in names.joint.items()]
        kept = ["*"] if names.needs_all else list(names.read)
        coded = f"SELECT {', '.join([*kept, *joint])} FROM ({coded}) c"
    return coded


class _Names:
    """Names of the coded expressions, each coded once."""

    def __init__(self, groups: int, mean_weight: float | None) -> None:
        self.groups, self.mean_weight = groups, mean_weight
        self.names: dict[str, str] = {}
        self.joint: dict[str, str] = {}
        self.read: dict[str, None] = {}
        self.needs_all = False

    def coded(self) -> list[str]:
        """Return the first projection: narrow, for every arm goes over what it makes."""
        found = [f"{sql} AS {name}" for sql, name in self.names.items()]
        if self.needs_all or "usable" in self.read:
            found.append("unscored_reason IS NULL AS usable")
        if self.mean_weight is not None:
            found.append(f"coalesce(weight, 1.0) / {self.mean_weight!r} AS w")
        elif self.needs_all:
            found.append("1.0 AS w")
        if self.groups > 1:
            found.append("cluster_group AS g")
        elif self.needs_all:
            found.append("0 AS g")
        if not found:
            found.append("0 AS nothing")
        return [*found, "*"] if self.needs_all else found

    def _reading(self, name: str) -> str:
        self.read[name] = None
        return name

    def _name(self, sql: str) -> str:
        return self.names.setdefault(sql, f"c_{len(self.names)}")

    def _key(self, key: Key) -> str:
        return self._name(f"coalesce(CAST({key.sql} AS {_type(key.size)}), {key.size})")

    def _joint_code(self, keys: Sequence[Key], by_group: bool) -> str:
        """Return the codes of keys and group as one number, coded once for all arms that count by them."""
        codes, sizes = [self._key(key) for key in keys], [key.size + 1 for key in keys]
        if by_group:
            codes, sizes = [*codes, "g"], [*sizes, self.groups]
        if len(codes) < 2:
            return self._reading(codes[0]) if codes else "0"
        code = joined(codes, sizes)
        return self.joint.setdefault(code, f"j_{len(self.joint)}")

    def _cut(self, cut: Cut) -> tuple[str, str]:
        """Return what rows are grouped by, and the population's code read off that."""
        if cut.column:
            listed = ", ".join(text_literal(value) for value in cut.values)
            # The bare position stays a dictionary of few values; only the groups are coded further.
            position = f"list_position([{listed}], {cut.column})"
            narrow = "TINYINT" if cut.size < MOST_OF_A_TINYINT else _type(cut.size)
            place = self._reading(self._name(f"CAST({position} AS {narrow})"))
            return place, f"coalesce({place}, {cut.size + 1}) - 1"
        if not cut.sql:
            return "0", "0"
        code = self._reading(self._name(f"coalesce(CAST({cut.sql} AS {_type(cut.size)}), {cut.size})"))
        return code, code

    def counted(self, arm: Arm, arms: Sequence[Arm]) -> Counted:
        """Return the columns of an arm whose units are rows."""
        weighted = self.mean_weight is not None
        if weighted:
            self._reading("w")
        return Counted(
            where=tuple(self._where(arm, arms)),
            population=self._cut(arm.cut)[0],
            code=self._joint_code(arm.keys, self.groups > 1 and arm.by_group),
            sums=tuple(self._sum(sql) for sql in arm.sums),
            weighted=weighted,
        )

    def _where(self, arm: Arm, arms: Sequence[Arm]) -> list[str]:
        where = []
        if not arm.planned and any(each.planned for each in arms):
            where.append(self._reading("usable"))
        if arm.cut.within != "true":
            where.append(self._reading(self._name(f"coalesce({arm.cut.within}, false)")))
        return where

    def arm(self, index: int, arm: Arm, arms: Sequence[Arm]) -> str:
        """Return one arm, padded to the width of the widest."""
        source = "coded"
        if arm.inner is None:
            columns_of = self.counted(arm, arms)
            where, code = list(columns_of.where), columns_of.code
            by, population = [columns_of.population, code], self._cut(arm.cut)[1]
            weight = "w * " if columns_of.weighted else ""
            written = {
                "number": f"sum({weight}{{0}})",
                "square": f"sum({weight}{{0}} * {{0}})",
                "presence": "count({0})",
            }
            sums = [written[kind].format(name) for name, kind in columns_of.sums]
        else:
            self.needs_all = True
            own = self._name(f"CAST({arm.cut.sql} AS INTEGER)")
            within = " AND ".join([*self._where(arm, arms), f"{own} IS NOT NULL"])
            values = ", ".join(f"{sql} AS {name}" for name, sql in arm.values.items())
            inner = arm.inner.total.grain.inner.format(population=own, where=within, values=values)
            source, where, population = f"({inner}) u", [], "p"
            keys = [f"coalesce({key.sql}, {key.size})" for key in arm.keys]
            sizes = [key.size + 1 for key in arm.keys]
            if self.groups > 1 and arm.by_group:
                keys, sizes = [*keys, "g"], [*sizes, self.groups]
            code = joined(keys, sizes)
            by = [population, *keys]
            weight = "" if self.mean_weight is None else "w * "
            sums = [f"sum({weight}CAST({sql} AS DOUBLE))" for sql in arm.sums]
        columns = [f"{index} AS arm", f"CAST({population} AS INTEGER) AS p", f"CAST({code} AS BIGINT) AS k"]
        counted = "count(*)" if self.mean_weight is None else "sum(w)"
        if self.mean_weight is not None:
            self._reading("w")
        columns.append(f"CAST({counted} AS DOUBLE) AS n")
        columns += [f"CAST({sql} AS DOUBLE) AS s{position}" for position, sql in enumerate(sums)]
        widest = max(len(each.sums) for each in arms)
        columns += [f"CAST(NULL AS DOUBLE) AS s{position}" for position in range(len(sums), widest)]
        condition = f" WHERE {' AND '.join(where)}" if where else ""
        listed = ", ".join(part for part in by if part != "0")
        # Without a row there is no entry, whether anything is kept apart or not.
        end = f"GROUP BY {listed}" if listed else "HAVING count(*) > 0"
        return f"SELECT {', '.join(columns)} FROM {source}{condition} {end}"

    def _sum(self, sql: str) -> tuple[str, Summed]:
        """Return the column of a sum, and what is summed of it, so that one column serves several sums."""
        kind: Summed = "number"
        number = sql
        present = sql.removeprefix("CASE WHEN ").removesuffix(" IS NULL THEN 0 ELSE 1 END")
        factor = sql[: (len(sql) - len(" * ")) // 2]
        if self.mean_weight is None and sql == f"CASE WHEN {present} IS NULL THEN 0 ELSE 1 END":
            kind, number = "presence", present
        elif sql == f"{factor} * {factor}" and _is_in_brackets(factor):
            kind, number = "square", factor
        return self._reading(self._name(f"CAST({number} AS DOUBLE)")), kind


def _is_in_brackets(sql: str) -> bool:
    """Return whether one pair of brackets is around all of it."""
    depths = list(accumulate({"(": 1, ")": -1}.get(sign, 0) for sign in sql))
    return sql.startswith("(") and depths[-1] == 0 and 0 not in depths[:-1]


def joined(codes: Sequence[str], sizes: Sequence[int]) -> str:
    """Return SQL of several codes as one number, the last one fastest; 0 where there is none.

    Args:
        codes: SQL of each code, none of them NULL.
        sizes: Number of values of each.
    """
    if not codes:
        return "0"
    found, cells = codes[0], prod(sizes)
    if len(codes) > 1 and cells > MOST_OF_A_SMALLINT:
        found = f"CAST({found} AS {'BIGINT' if cells > MOST_OF_AN_INTEGER else 'INTEGER'})"
    for code, size in zip(codes[1:], sizes[1:], strict=True):
        found = f"({found}) * {size} + {code}"
    return found


def _type(size: int) -> str:
    return "SMALLINT" if size <= MOST_OF_A_SMALLINT else "INTEGER"
