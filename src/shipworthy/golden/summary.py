"""What a golden set holds, counted in few scans: by stratum, slice, sampling, provenance and class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shipworthy.define.spec import SAMPLINGS
from shipworthy.golden.columns import locate
from shipworthy.golden.entering import GoldenFile
from shipworthy.golden.parts import sampled_sql
from shipworthy.tables.case_counts import count_cases, count_groups
from shipworthy.tables.duck import Connection, text_literal

__all__ = ["GoldenSummary", "summary"]

#: Values of one column that are counted; a column with more is no slice of people's making.
MOST_VALUES = 200


@dataclass(frozen=True)
class GoldenSummary:
    """What a golden set holds.

    Args:
        cases: Number of cases.
        strata: Stratum -> cases, the largest first.
        sampled: Way of sampling -> cases; a case without a word of its own counts as the spec says.
        provenance: Provenance -> cases; empty where no column says it.
        labels: Label -> cases; at most 200 labels.
        slices: Slice column -> value -> cases.
        by_stratum: Stratum -> slice column -> value -> cases.
        sampled_by_stratum: Stratum -> way of sampling -> cases.
        odd_samplings: Words in the column `sampled` that are no way of sampling -> cases.
        labelled: Cases with a label.
        positives: Cases of the positive class; None where no class is named positive, or no case has a label.
        clusters: Number of clusters; None where no column says which cases belong together.
        own_sampling: Whether a column says per case how it was chosen.
    """

    cases: int
    strata: Mapping[str, int] = field(default_factory=dict)
    sampled: Mapping[str, int] = field(default_factory=dict)
    provenance: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    slices: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    by_stratum: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    sampled_by_stratum: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    odd_samplings: Mapping[str, int] = field(default_factory=dict)
    labelled: int = 0
    positives: int | None = None
    clusters: int | None = None
    own_sampling: bool = False

    def without(self, counts: Mapping[str, int]) -> int:
        """Return how many cases have no value in a column, where all its values are counted."""
        return max(0, self.cases - sum(counts.values()))


def summary(connection: Connection, golden: GoldenFile, slices: Sequence[str] = ()) -> GoldenSummary:
    """Count a golden set.

    Args:
        connection: The engine.
        golden: The opened golden set.
        slices: Slice columns to count by; those that the file lacks are left out.

    Returns:
        The counts, of cases and not of rows.
    """
    file, mapping = golden.file, golden.golden.columns
    roles = ("stratum", "provenance", "label", "cluster_id")
    columns = {name: sql for name in (*roles, *slices) if (sql := locate(file, name, mapping)) is not None}
    if "label" in columns:
        columns["#class"] = _class_sql(columns["label"], golden.golden.positive)
    own = locate(file, "sampled", mapping)
    columns["#sampled"] = sampled_sql(file, golden.golden)
    if own is not None:
        columns["#own"] = own
    cut = [name for name in dict.fromkeys(slices) if name in columns and name != "stratum"]
    plain = [
        n for n in ("stratum", "#sampled", "#own", "provenance", "label", "#class", *cut) if n in columns
    ]
    cuts: list[tuple[str, ...]] = [(name,) for name in plain]
    if "stratum" in columns:
        cuts += [("stratum", name) for name in ("#sampled", *cut)]
    unit = golden.case_id if golden.lists_repeats else None
    counted = {name: sql for name, sql in columns.items() if name != "cluster_id"}
    groups = count_groups(connection, file, unit, golden.condition, counted, cuts, MOST_VALUES)
    found = dict(zip(cuts, groups, strict=True))
    by_stratum: dict[str, dict[str, dict[str, int]]] = {}
    for name in ("#sampled", *cut):
        for (stratum, value), n in found.get(("stratum", name), {}).items():
            by_stratum.setdefault(stratum, {}).setdefault(name, {})[value] = n
    sampled = _flat(found["#sampled",])
    labels = _flat(found.get(("label",), {}))
    classes = _flat(found.get(("#class",), {}))
    ways = {stratum: dict(parts.pop("#sampled", {})) for stratum, parts in by_stratum.items()}
    odd = {word: n for word, n in _flat(found.get(("#own",), {})).items() if word.lower() not in SAMPLINGS}
    return GoldenSummary(
        # Every case has a way of sampling, if only "unknown".
        cases=sum(sampled.values()),
        strata=_flat(found.get(("stratum",), {})),
        sampled=sampled,
        provenance=_flat(found.get(("provenance",), {})),
        labels=labels,
        slices={name: _flat(found[name,]) for name in cut},
        by_stratum=by_stratum,
        sampled_by_stratum=ways,
        odd_samplings=odd,
        labelled=sum(classes.values()),
        positives=classes.get("positive", 0) if golden.golden.positive and classes else None,
        clusters=_clusters(connection, golden, columns.get("cluster_id")),
        own_sampling=own is not None,
    )


def _class_sql(label: str, positive: Sequence[str]) -> str:
    """Return SQL of whether a case is of the positive class; NULL without a label."""
    listed = ", ".join(text_literal(text) for text in positive) or "NULL"
    return (
        f"CASE WHEN {label} IN ({listed}) THEN 'positive' WHEN {label} IS NOT NULL THEN 'other' "
        "ELSE CAST(NULL AS VARCHAR) END"
    )


def _flat(counts: Mapping[tuple[str, ...], int]) -> dict[str, int]:
    return {values[0]: n for values, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))}


def _clusters(connection: Connection, golden: GoldenFile, cluster: str | None) -> int | None:
    if cluster is None:
        return None
    return count_cases(connection, golden.file, cluster, golden.condition, {"known": "'1'"}, ["true"])[0]
