"""The plan of one query: which totals are counted together, so that few arms answer many asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import prod

from shipworthy.tables.asks import LOST, Ask, Key, Reading
from shipworthy.tables.duck import text_literal

__all__ = ["Arm", "Cut", "Part", "arms_sql", "base_keys", "plan_arms"]

#: Cells that one arm may have so that its table stays in the processor's cache; above, totals stay apart.
MOST_CELLS = 16_384
#: Finer keys may take the place of a coarse one up to this many combinations.
MOST_COMBINATIONS = 4_096
#: Codes joined into one number beyond this need the wider type.
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
    """

    cut: Cut
    planned: bool
    by_group: bool
    inner: Ask | None = None
    keys: list[Key] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)

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
        """Give an ask whose units are no rows its own arm."""
        size = len(ask.split.labels)
        cut = Cut("", (), "true", ask.split.sql, size)
        keys, sums = list(ask.total.by), list(ask.total.sums)
        self.arms.append(Arm(cut, False, ask.by_group, ask, keys, sums))
        self.parts[ask] = Part(len(self.arms) - 1, (*range(size), -1))

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
        return set(keys) <= set(arm.keys) or arm.cells_with(keys) <= MOST_CELLS


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
        SQL with the columns arm, p, g, k (the keys' codes as one number, the last key fastest), n, s0...
    """
    names = _Names(groups, mean_weight)
    selects = [names.arm(index, arm, arms) for index, arm in enumerate(arms)]
    # One filter at the file is cheaper than one in every arm.
    where = "" if any(arm.planned for arm in arms) else " WHERE unscored_reason IS NULL"
    coded = f"SELECT {', '.join(names.coded())} FROM {rows}{where}"
    if names.joint:
        joint = ", ".join(f"{sql} AS {name}" for sql, name in names.joint.items())
        coded = f"SELECT *, {joint} FROM ({coded}) c"
    return f"WITH coded AS ({coded})\n" + "\nUNION ALL\n".join(selects)


class _Names:
    """Names of the coded expressions, each coded once."""

    def __init__(self, groups: int, mean_weight: float | None) -> None:
        self.groups, self.mean_weight = groups, mean_weight
        self.names: dict[str, str] = {}
        self.joint: dict[str, str] = {}
        self.needs_all = False

    def coded(self) -> list[str]:
        """Return the first projection."""
        weight = "1.0" if self.mean_weight is None else f"coalesce(weight, 1.0) / {self.mean_weight!r}"
        found = [f"{sql} AS {name}" for sql, name in self.names.items()]
        found += ["unscored_reason IS NULL AS usable", f"{weight} AS w"]
        found.append(f"{'cluster_group' if self.groups > 1 else '0'} AS g")
        return [*found, "*"] if self.needs_all else found

    def _name(self, sql: str) -> str:
        return self.names.setdefault(sql, f"c_{len(self.names)}")

    def _key(self, key: Key) -> str:
        return self._name(f"coalesce(CAST({key.sql} AS {_type(key.size)}), {key.size})")

    def _joint_code(self, keys: Sequence[Key]) -> str:
        """Return the codes of several keys as one number, coded once for all arms that count by them."""
        sizes = [key.size + 1 for key in keys]
        code = joined([self._key(key) for key in keys], sizes)
        return self.joint.setdefault(code, f"j_{len(self.joint)}") if len(keys) > 1 else code

    def _cut(self, cut: Cut) -> tuple[str, str]:
        """Return what rows are grouped by, and the population's code read off that."""
        if cut.column:
            listed = ", ".join(text_literal(value) for value in cut.values)
            # The bare position stays a dictionary of few values; only the groups are coded further.
            place = self._name(f"list_position([{listed}], {cut.column})")
            return place, f"coalesce({place}, {cut.size + 1}) - 1"
        if not cut.sql:
            return "0", "0"
        code = self._name(f"coalesce(CAST({cut.sql} AS {_type(cut.size)}), {cut.size})")
        return code, code

    def arm(self, index: int, arm: Arm, arms: Sequence[Arm]) -> str:
        """Return one arm, padded to the width of the widest."""
        where, source = [], "coded"
        if not arm.planned and any(each.planned for each in arms):
            where.append("usable")
        if arm.cut.within != "true":
            where.append(self._name(f"coalesce({arm.cut.within}, false)"))
        if arm.inner is None:
            grouped, population = self._cut(arm.cut)
            code = self._joint_code(arm.keys)
            by = [grouped, code]
            sums = [self._sum(sql) for sql in arm.sums]
        else:
            self.needs_all = True
            own = self._name(f"CAST({arm.cut.sql} AS INTEGER)")
            where.append(f"{own} IS NOT NULL")
            inner = arm.inner.total.grain.inner.format(population=own, where=" AND ".join(where))
            source, where, population = f"({inner}) u", [], "p"
            keys = [f"coalesce({key.sql}, {key.size})" for key in arm.keys]
            code = joined(keys, [key.size + 1 for key in arm.keys])
            by = [population, *keys]
            weight = "" if self.mean_weight is None else "w * "
            sums = [f"sum({weight}CAST({sql} AS DOUBLE))" for sql in arm.sums]
        group = "g" if self.groups > 1 and arm.by_group else "0"
        columns = [f"{index} AS arm", f"CAST({population} AS INTEGER) AS p", f"CAST({group} AS INTEGER) AS g"]
        columns.append(f"CAST({code} AS BIGINT) AS k")
        counted = "count(*)" if self.mean_weight is None else "sum(w)"
        columns.append(f"CAST({counted} AS DOUBLE) AS n")
        columns += [f"CAST({sql} AS DOUBLE) AS s{position}" for position, sql in enumerate(sums)]
        widest = max(len(each.sums) for each in arms)
        columns += [f"CAST(NULL AS DOUBLE) AS s{position}" for position in range(len(sums), widest)]
        condition = f" WHERE {' AND '.join(where)}" if where else ""
        listed = ", ".join(part for part in (*by, group) if part != "0")
        # Without a row there is no entry, whether anything is kept apart or not.
        end = f"GROUP BY {listed}" if listed else "HAVING count(*) > 0"
        return f"SELECT {', '.join(columns)} FROM {source}{condition} {end}"

    def _sum(self, sql: str) -> str:
        """Return the sum of an expression; whether a number is there is counted, not summed."""
        present = sql.removeprefix("CASE WHEN ").removesuffix(" IS NULL THEN 0 ELSE 1 END")
        if self.mean_weight is None and sql == f"CASE WHEN {present} IS NULL THEN 0 ELSE 1 END":
            return f"count({self._name(f'CAST({present} AS DOUBLE)')})"
        weight = "" if self.mean_weight is None else "w * "
        return f"sum({weight}{self._name(f'CAST({sql} AS DOUBLE)')})"


def joined(codes: Sequence[str], sizes: Sequence[int]) -> str:
    """Return SQL of several codes as one number, the last one fastest; 0 where there is none.

    Args:
        codes: SQL of each code, none of them NULL.
        sizes: Number of values of each.
    """
    if not codes:
        return "0"
    wide = prod(sizes) > MOST_OF_AN_INTEGER
    found = f"CAST({codes[0]} AS BIGINT)" if wide and len(codes) > 1 else codes[0]
    for code, size in zip(codes[1:], sizes[1:], strict=True):
        found = f"({found}) * {size} + {code}"
    return found


def _type(size: int) -> str:
    return "SMALLINT" if size < 32_767 else "INTEGER"
