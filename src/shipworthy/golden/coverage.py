"""The golden set against a sample of traffic: which parts have too few cases, and which exist only in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from shipworthy.errors import InputError, nearest
from shipworthy.golden.columns import locate
from shipworthy.golden.entering import GoldenFile
from shipworthy.golden.parts import sampled_sql
from shipworthy.stats.homogeneity import homogeneity, total_variation
from shipworthy.stats.multiplicity import holm
from shipworthy.tables.case_counts import count_groups
from shipworthy.tables.duck import Connection, ForeignFile

__all__ = ["Coverage", "Likeness", "TrafficPart", "cover"]

#: Values of one column above which it is no way of cutting traffic.
MOST_VALUES = 64
#: Values counted, so that a column with more shows itself.
COUNTED = 5000
#: p-value below which "drawn at random" is contradicted, over all columns.
CONTRADICTED = 0.01
#: Distance below which a difference from traffic is too small to matter, however sure it is.
NEGLIGIBLE = 0.02


@dataclass(frozen=True, slots=True)
class TrafficPart:
    """One part of traffic: a value of a column, or a crossing of two.

    Args:
        where: Column -> value.
        share: Its share of the traffic sample, in [0, 1].
        traffic: Rows of the sample in it.
        cases: Cases of the golden set in it.
        needed: Cases that it needs.
        because: What needs them: the precision, or a gate.
    """

    where: Mapping[str, str]
    share: float
    traffic: int
    cases: int
    needed: int
    because: str

    @property
    def further(self) -> int:
        """Cases that are missing."""
        return max(0, self.needed - self.cases)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How far the golden set and traffic differ along one column.

    Args:
        column: The column.
        distance: Total variation distance of all cases from traffic, in [0, 1].
        random_cases: Cases that are said to be drawn at random and have a value in it.
        random_distance: Total variation distance of those; None where there are none.
        p_value: Chi-square test of homogeneity of those against traffic, by Holm over columns; None where
            there are none.
        contradicted: Whether that says that they are no random sample of this traffic, by a distance that
            matters (2 of 100 cases).
    """

    column: str
    distance: float
    random_cases: int = 0
    random_distance: float | None = None
    p_value: float | None = None
    contradicted: bool = False


@dataclass(frozen=True)
class Coverage:
    """The golden set against a sample of traffic.

    Args:
        traffic: The file of the sample.
        rows: Its rows.
        cases: Cases of the golden set.
        half_width: Half width of the 95% interval that each part should allow for any rate.
        least_share: Share of traffic from which a part is looked at.
        parts: Every part of traffic that is large enough, by share.
        only_golden: Parts of the golden set that traffic does not have: column, value, cases.
        likeness: By column.
        notes: What was left out, and why.
    """

    traffic: str
    rows: int
    cases: int
    half_width: float
    least_share: float
    parts: tuple[TrafficPart, ...]
    only_golden: tuple[tuple[str, str, int], ...]
    likeness: tuple[Likeness, ...]
    notes: tuple[str, ...] = ()

    @property
    def thin(self) -> tuple[TrafficPart, ...]:
        """Parts with too few cases, the largest share of traffic first."""
        return tuple(part for part in self.parts if part.further)


Needs = Callable[[Mapping[str, str]], tuple[int, str]]


def cover(
    connection: Connection,
    golden: GoldenFile,
    sample: ForeignFile,
    columns: Sequence[str],
    *,
    half_width: float,
    least_share: float,
    needs: Needs,
) -> Coverage:
    """Set a golden set against a sample of traffic.

    Args:
        connection: The engine.
        golden: The opened golden set.
        sample: The sample, one row per request, with the golden set's names of columns.
        columns: Slice columns to cut by; `stratum` is one where both files have it.
        half_width: Half width that the needs are for, for the record.
        least_share: Share of traffic from which a part is looked at.
        needs: Says how many cases a part needs, and what for.

    Returns:
        What is covered and what is not.

    Raises:
        InputError: If the sample is empty, or has none of the columns.
    """
    mapping = golden.golden.columns
    wanted = dict.fromkeys([*columns, "stratum"])
    ours = {n: sql for n in wanted if (sql := locate(golden.file, n, mapping)) is not None}
    theirs = {n: sql for n in wanted if (sql := locate(sample, n, mapping)) is not None}
    notes = [f"The traffic sample has no column {n!r}." for n in columns if n not in theirs]
    notes += [f"The golden set has no column {n!r}." for n in columns if n in theirs and n not in ours]
    shared = [name for name in wanted if name in ours and name in theirs]
    if not shared:
        named = ", ".join(columns) or "none, and it declares no slices"
        raise InputError(
            "The golden set and the traffic sample have no column to compare by (the spec cuts by: "
            f"{named}).",
            where=str(sample.path),
            fix="Declare columns that both have, as slices: [intent, language]; map other names under "
            f"golden.columns. {nearest(columns[0], sample.names) if columns else ''}".strip(),
        )
    kept = _sliceable(connection, sample, theirs, shared, notes)
    cuts: list[tuple[str, ...]] = [(name,) for name in kept]
    cuts += list(combinations(kept, 2))
    traffic = _counts(connection, sample, None, "true", theirs, cuts)
    rows = count_groups(connection, sample, None, "true", {"all": "'1'"}, [("all",)])[0].get(("1",), 0)
    if not rows:
        raise InputError(
            "The traffic sample has no rows.",
            where=str(sample.path),
            fix="Name a file with one row per request.",
        )
    unit = golden.case_id if golden.lists_repeats else None
    held = _counts(connection, golden.file, unit, golden.condition, ours, cuts)
    way = sampled_sql(golden.file, golden.golden)
    random = _counts(
        connection, golden.file, unit, f"({golden.condition}) AND {way} = 'random'", ours, cuts[: len(kept)]
    )
    cases = count_groups(connection, golden.file, unit, golden.condition, {"all": "'1'"}, [("all",)])
    only = [
        (cut[0], values[0], n)
        for cut in cuts[: len(kept)]
        for values, n in held[cut].items()
        if values not in traffic[cut]
    ]
    return Coverage(
        traffic=str(sample.path),
        rows=rows,
        cases=cases[0].get(("1",), 0),
        half_width=half_width,
        least_share=least_share,
        parts=tuple(_parts(cuts, traffic, held, rows, least_share, needs)),
        only_golden=tuple(sorted(only, key=lambda item: (-item[2], item[0], item[1]))),
        likeness=tuple(_likeness(kept, traffic, held, random)),
        notes=tuple(notes),
    )


Counted = dict[tuple[str, ...], dict[tuple[str, ...], int]]


def _counts(
    connection: Connection,
    file: ForeignFile,
    unit: str | None,
    keep: str,
    columns: Mapping[str, str],
    cuts: Sequence[tuple[str, ...]],
) -> Counted:
    named = {name: columns[name] for name in dict.fromkeys(name for cut in cuts for name in cut)}
    return dict(
        zip(cuts, count_groups(connection, file, unit, keep, named, list(cuts), COUNTED), strict=True)
    )


def _sliceable(
    connection: Connection,
    sample: ForeignFile,
    columns: Mapping[str, str],
    shared: Sequence[str],
    notes: list[str],
) -> list[str]:
    """Return the columns with few enough values to cut by."""
    found = _counts(connection, sample, None, "true", columns, [(name,) for name in shared])
    kept = [name for name in shared if 0 < len(found[name,]) <= MOST_VALUES]
    for name in shared:
        if len(found[name,]) > MOST_VALUES:
            notes.append(
                f"{name!r} is not cut by: traffic has more than {MOST_VALUES} values in it. "
                "Put numbers into bands, or group rare values."
            )
        elif not found[name,]:
            notes.append(f"{name!r} is not cut by: it is empty in the traffic sample.")
    if not kept:
        raise InputError(
            "No column that both have can be cut by: " + " ".join(notes),
            where=str(sample.path),
            fix=f"Declare slices with at most {MOST_VALUES} values.",
        )
    return kept


def _parts(
    cuts: Sequence[tuple[str, ...]],
    traffic: Counted,
    held: Counted,
    rows: int,
    least_share: float,
    needs: Needs,
) -> list[TrafficPart]:
    found = []
    for cut in cuts:
        for values, n in traffic[cut].items():
            if n / rows < least_share:
                continue
            where = dict(zip(cut, values, strict=True))
            needed, because = needs(where)
            found.append(TrafficPart(where, n / rows, n, held[cut].get(values, 0), needed, because))
    return sorted(found, key=lambda part: (-part.share, len(part.where), tuple(part.where.items())))


def _likeness(columns: Sequence[str], traffic: Counted, held: Counted, random: Counted) -> list[Likeness]:
    found: list[Likeness] = []
    for name in columns:
        theirs, ours, drawn = traffic[name,], held[name,], random[name,]
        values = sorted({*theirs, *ours})
        if not ours:
            continue
        row = [theirs.get(value, 0) for value in values]
        distance = total_variation([ours.get(value, 0) for value in values], row)
        if not drawn:
            found.append(Likeness(name, distance))
            continue
        of_random = [drawn.get(value, 0) for value in values]
        _statistic, _freedom, p_value = homogeneity(of_random, row)
        found.append(Likeness(name, distance, sum(of_random), total_variation(of_random, row), p_value))
    tested = [part for part in found if part.p_value is not None]
    adjusted = holm(np.array([part.p_value or 0.0 for part in tested]))
    by_column = {part.column: float(p) for part, p in zip(tested, adjusted, strict=True)}
    return [
        part
        if part.column not in by_column
        else Likeness(
            part.column,
            part.distance,
            part.random_cases,
            part.random_distance,
            by_column[part.column],
            by_column[part.column] < CONTRADICTED and (part.random_distance or 0.0) >= NEGLIGIBLE,
        )
        for part in found
    ]
