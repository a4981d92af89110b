"""What may be asked of rows: keys, sums, units, and the populations that are kept apart."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["LOST", "ROW", "WHOLE", "Ask", "Grain", "Key", "Reading", "Split", "Total"]


@dataclass(frozen=True, slots=True)
class Key:
    """A small-integer key of a total.

    Args:
        name: Its name.
        sql: Integer expression over the canonical rows; NULL has its own slot, the last one.
        size: Number of values, without the slot for NULL.
        of: Finer keys that it is a function of, so that a table by them also answers a question by this one.
        codes: Its code for each combination of their codes (their slots for NULL included, the last key
            fastest); `size` for its own slot for NULL.
        is_local: Whether its codes mean something among these rows only, as ranks do, and items seen or not:
            such totals do not add up over parts.
    """

    name: str
    sql: str
    size: int
    of: tuple[Key, ...] = field(default=(), compare=False, repr=False)
    codes: tuple[int, ...] = field(default=(), compare=False, repr=False)
    is_local: bool = field(default=False, compare=False, repr=False)


#: Whether a planned row is unscored.
LOST = Key("lost", "CAST(unscored_reason IS NOT NULL AS INTEGER)", 2)


@dataclass(frozen=True, slots=True)
class Grain:
    """What one unit of a total is.

    Args:
        name: "row" (usable rows), "planned" (all rows), "case", "query" or "pair".
        inner: SQL of the units as a derived table over the coded rows, where a unit is no row; it must keep
            the columns p, g and w and may use any column of the rows.
        values: Name and SQL of what is computed of each unit, put where `inner` says {values}: metrics with
            the same units share one derived table.
    """

    name: str = "row"
    inner: str = ""
    values: tuple[tuple[str, str], ...] = ()


ROW = Grain("row")


@dataclass(frozen=True, slots=True)
class Total:
    """What a metric needs from the rows.

    Args:
        by: Keys.
        sums: Expressions summed beside the count.
        grain: What one unit is.
        wider: The same in wider bins, by which groups of clusters are kept apart; None where they are kept
            apart by these keys themselves.
    """

    by: tuple[Key, ...] = ()
    sums: tuple[str, ...] = ()
    grain: Grain = ROW
    wider: Total | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """A split seen as values of one column, so that a table by that column can answer for it.

    Args:
        column: SQL of the column as text; "" where the split keeps nothing apart.
        parts: For each population, the values it takes.
        others: For each population, whether it takes all other values (and rows without one) instead.
        within: Condition that every row of the split meets.
    """

    column: str
    parts: tuple[tuple[str, ...], ...]
    others: tuple[bool, ...]
    within: str = "true"

    @property
    def is_disjoint(self) -> bool:
        """Whether no row can belong to two of the populations, even before the first match wins."""
        for at, (values, others) in enumerate(zip(self.parts, self.others, strict=True)):
            for more, further in zip(self.parts[:at], self.others[:at], strict=True):
                both = set(values) & set(more)
                if (others and further) or (both and not others and not further):
                    return False
                if (others and set(more) - both) or (further and set(values) - both):
                    return False
        return True


@dataclass(frozen=True, slots=True)
class Split:
    """A cut of the rows into disjoint populations.

    Args:
        name: The slicing column, or the population in words.
        sql: Integer expression; NULL leaves the row out.
        labels: Name of each population, by code.
        readings: Ways to see it as values of one column, where there are any.
    """

    name: str
    sql: str
    labels: tuple[str, ...]
    readings: tuple[Reading, ...] = field(default=(), compare=False, repr=False)


WHOLE = Split("", "0", ("all",), (Reading("", ((),), (True,)),))


@dataclass(frozen=True, slots=True)
class Ask:
    """One total on one split.

    Args:
        total: The total.
        split: The split.
        by_group: Whether groups of clusters are kept apart where there are any; else they are added up.
    """

    total: Total
    split: Split = WHOLE
    by_group: bool = True
