"""A product's golden set: what it holds, its versions, its coverage, its duplicates, and new cases for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from shipworthy.api.size import Sized, size
from shipworthy.define.keys.part import length_of
from shipworthy.define.reading import SPEC_FILE, SpecFile, read_spec
from shipworthy.define.rules import Condition, Population
from shipworthy.define.sizing import GateSize
from shipworthy.define.spec import SAMPLINGS, Gate, Golden, Spec
from shipworthy.errors import ShipworthyError, StoreError, UsageError
from shipworthy.evidence.populations import columns_of
from shipworthy.golden.adding import Addition, NewCase, Plan, plan_addition, write_addition
from shipworthy.golden.columns import guess_roles
from shipworthy.golden.coverage import Coverage, cover
from shipworthy.golden.entering import GoldenFile, open_golden
from shipworthy.golden.parts import check_inputs, parts_of
from shipworthy.golden.summary import GoldenSummary, summary
from shipworthy.golden.twins import Leak, Twins, find_exact, find_leaks, find_twins
from shipworthy.golden.versions import (
    GoldenDiff,
    Side,
    diff,
    find_version,
    kept_versions,
    remember,
    with_uses,
)
from shipworthy.stats.homogeneity import cases_for_width
from shipworthy.stats.proportions import two_sided_z
from shipworthy.store.hashes import short
from shipworthy.store.workspace import RunFolder, Workspace
from shipworthy.tables.case_table import BETWEEN, NOTHING, failing_cases, list_cases
from shipworthy.tables.duck import Connection, connect, open_file
from shipworthy.tables.warehouse import connect_for, is_warehouse, open_source, refuse_secret, require_files

__all__ = [
    "AddRequest",
    "Adding",
    "GoldenShown",
    "KnownVersion",
    "MustPass",
    "StratumCount",
    "adding",
    "golden_coverage",
    "golden_diff",
    "golden_duplicates",
    "golden_versions",
    "show_golden",
]

MUST_PASS = ("curated", "incident")
#: Cases of the must-pass list that are named.
LISTED = 50
#: Kinds of product whose labels are classes, so that equal inputs with different labels bound an accuracy.
OF_CLASSES = ("classifier", "detector")
#: Roles that are looked for by their usual names where no spec names columns.
GUESSED = ("case_id", "input", "label", "stratum")
#: What a run's failures are, unless the call says otherwise: chosen because they failed, never at random.
OF_FAILURES = {"stratum": "failure_replay", "sampled": "incident", "provenance": "incident"}


@dataclass(frozen=True, slots=True)
class StratumCount:
    """One stratum against its minimum.

    Args:
        name: The stratum.
        cases: Cases in it.
        minimum: Cases that the spec asks for; None where it does not declare the stratum.
        sampled: Way of sampling -> cases in it.
    """

    name: str
    cases: int
    minimum: int | None
    sampled: Mapping[str, int]

    @property
    def short_by(self) -> int:
        """Cases that are missing."""
        return max(0, (self.minimum or 0) - self.cases)


@dataclass(frozen=True, slots=True)
class MustPass:
    """A case that must pass: it was chosen by hand or comes from an incident.

    Args:
        case_id: The case.
        sampled: curated or incident.
        stratum: Its stratum, where it has one.
        text: Beginning of its input.
    """

    case_id: str
    sampled: str
    stratum: str | None
    text: str


@dataclass(frozen=True)
class GoldenShown:
    """What a golden set is and holds.

    Args:
        product: The product's id.
        path: The file, as the spec names it.
        version: Content hash of the file and of what gives its columns meaning.
        source_version: Its version where it is kept; None where the spec says none.
        created: Day on which it was made.
        refreshed: Day on which it was last looked over.
        stale_after: Age at which it is stale, as written.
        age_days: Days since it was refreshed, or made; None where the spec says neither.
        stale: Whether it is older than that; None where its age is not known.
        counts: What it holds.
        strata: Strata against their minimum, declared ones first.
        must_pass: Cases that must pass, in all.
        must_pass_cases: The first of them.
        sized: What its cases can prove; None where that cannot be said.
        twins: Exact duplicates and contradicting labels; None where rows stay in a warehouse.
        leaks: What training files share with it.
        coverage: Against the traffic sample; None where there is none.
        coverage_unknown: Why there is none.
        problems: What is wrong and makes `golden check` fail.
        warnings: What should be known.
        to_do: What comes next where it has no case yet; empty elsewhere.
    """

    product: str
    path: str
    version: str
    source_version: str | None
    created: date | None
    refreshed: date | None
    stale_after: str
    age_days: int | None
    stale: bool | None
    counts: GoldenSummary
    strata: tuple[StratumCount, ...]
    must_pass: int
    must_pass_cases: tuple[MustPass, ...]
    sized: Sized | None
    twins: Twins | None
    leaks: tuple[Leak, ...]
    coverage: Coverage | None
    coverage_unknown: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    to_do: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Opened:
    """A product's golden set, opened."""

    file: SpecFile
    connection: Connection
    golden: GoldenFile

    @property
    def spec(self) -> Spec:
        return self.file.spec

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.file.folder)

    def slices(self) -> list[str]:
        """Return the columns that the spec cuts by: slices, protected groups and what gates compare."""
        gates = [name for gate in self.spec.gates for name in sorted(columns_of(gate.parsed))]
        known = [name for name in gates if self.golden.file.find(self.spec.golden.columns.get(name, name))]
        return [n for n in dict.fromkeys([*self.spec.slices, *self.spec.groups, *known]) if n != "stratum"]

    def training(self) -> list[tuple[str, Path]]:
        return [(name, self.file.folder / name) for name in self.spec.golden.training]


@contextmanager
def _opened(path: str | Path) -> Iterator[_Opened]:
    file = read_spec(Path(path))
    refuse_secret(file.spec.golden.path, file.where("golden", "path"))
    connection = connect_for(file.spec.golden.path)
    try:
        golden = open_golden(connection, file.spec.golden, file.folder)
        check_inputs(golden)
        yield _Opened(file, connection, golden)
    finally:
        connection.close()


def _remember(opened: _Opened) -> str:
    """Keep the present version for later diffs; return why that could not be done."""
    try:
        remember(opened.connection, opened.golden, opened.workspace)
    except OSError as error:
        return (
            f"This version could not be kept for later diffs: {opened.workspace.path} cannot be written to "
            f"({error.strerror})."
        )
    return ""


# -- show ----------------------------------------------------------------------------------------------


def show_golden(path: str | Path = ".", *, today: date | None = None) -> GoldenShown:
    """Say what a golden set holds, what is wrong with it, and what it can prove.

    Args:
        path: The product's folder, or its shipworthy.yaml.
        today: The day its age is told for; by default today.

    Returns:
        What it is and holds.

    Raises:
        ShipworthyError: If the spec or the golden set is wrong.
    """
    with _opened(path) as opened:
        spec, golden = opened.spec, opened.golden
        if not is_warehouse(opened.connection):
            not_kept = _remember(opened)
        else:
            not_kept = ""
        counts = summary(opened.connection, golden, opened.slices())
        must_pass = sum(counts.sampled.get(way, 0) for way in MUST_PASS)
        twins, leaks = None, []
        if not is_warehouse(opened.connection):
            parts = parts_of(golden)
            twins = find_exact(opened.connection, parts)
            leaks = find_leaks(opened.connection, parts, opened.training())
        covered, unknown = _coverage_shown(opened)
        age = _age(opened, today or datetime.now(UTC).date())
        shown = GoldenShown(
            product=spec.id,
            path=spec.golden.path,
            version=golden.version,
            source_version=spec.golden.source_version,
            created=spec.golden.created,
            refreshed=spec.golden.refreshed,
            stale_after=spec.golden.stale_after,
            age_days=age,
            stale=None if age is None else age > length_of(spec.golden.stale_after).days,
            counts=counts,
            strata=_strata(spec, counts),
            must_pass=must_pass,
            must_pass_cases=_must_pass_cases(opened) if must_pass else (),
            sized=_sized(path),
            twins=twins,
            leaks=tuple(leaks),
            coverage=covered,
            coverage_unknown=unknown,
            problems=(),
            warnings=(not_kept,) if not_kept else (),
        )
        return replace(
            shown,
            problems=tuple(_problems(shown, spec)),
            warnings=(*shown.warnings, *_warnings(shown, spec)),
            to_do=() if counts.cases else tuple(_to_do(opened)),
        )


def _to_do(opened: _Opened) -> Iterator[str]:
    """Yield what comes next where the golden set has no case yet."""
    golden = opened.spec.golden
    if golden.where:
        listed = ", ".join(f"{name}: {value}" for name, value in golden.where.items())
        yield f"golden.where ({listed}) keeps no row of {golden.path}: correct it if the file has rows."
    sheet = opened.file.folder / Path(golden.path).parent / "to_write.csv"
    if sheet.is_file():
        yield (
            f"Write the cases that {sheet.relative_to(opened.file.folder).as_posix()} lists, and add them: "
            "shipworthy golden add FILE."
        )
    else:
        yield f"Write cases into {golden.path}, or add a file of them: shipworthy golden add FILE."
    yield "How many each gate needs: shipworthy size."


def _age(opened: _Opened, today: date) -> int | None:
    made = opened.spec.golden.refreshed or opened.spec.golden.created
    return None if made is None else (today - made).days


def _strata(spec: Spec, counts: GoldenSummary) -> tuple[StratumCount, ...]:
    names = dict.fromkeys([*spec.golden.strata, *counts.strata])
    return tuple(
        StratumCount(
            name,
            counts.strata.get(name, 0),
            spec.golden.strata.get(name),
            counts.sampled_by_stratum.get(name, {}),
        )
        for name in names
    )


def _must_pass_cases(opened: _Opened) -> tuple[MustPass, ...]:
    parts = parts_of(opened.golden)
    # The words that join several columns are no engine's but DuckDB's.
    text = parts.input if parts.is_text or not is_warehouse(opened.connection) else None
    query = parts.cases(sampled=parts.sampled, stratum=parts.stratum, input=text)
    columns = ("case_id", "sampled", "stratum", "input")
    listed = ", ".join(f"'{way}'" for way in MUST_PASS)
    rows = list_cases(opened.connection, query, columns, f"sampled IN ({listed})", LISTED)
    return tuple(
        MustPass(str(case_id), str(way), stratum, (text or "").replace(BETWEEN, " · ").replace(NOTHING, ""))
        for case_id, way, stratum, text in rows
    )


def _sized(path: str | Path) -> Sized | None:
    try:
        return size(path)
    except ShipworthyError:
        # A gate that cannot be sized is refused where gates are asked for; the set can be shown without.
        return None


def _coverage_shown(opened: _Opened) -> tuple[Coverage | None, str]:
    if opened.spec.golden.traffic is None:
        return None, "golden.traffic names no sample of production traffic"
    try:
        return _cover(opened, opened.spec.golden.traffic, 0.10, 0.01), ""
    except ShipworthyError as error:
        return None, error.what.rstrip(".")


def _problems(shown: GoldenShown, spec: Spec) -> Iterator[str]:
    if not shown.counts.cases:
        yield "The golden set has no cases yet."
    for stratum in shown.strata:
        if stratum.short_by:
            yield (
                f"The stratum {stratum.name!r} has {_count(stratum.cases, 'case')}, and the spec asks for "
                f"{stratum.minimum:,}: {stratum.short_by:,} further."
            )
    pinned = spec.golden.version
    if pinned is not None and not _is_pinned(shown.version, pinned):
        yield f"golden.version pins {pinned}, and the golden set is {short(shown.version)}."
    if shown.twins is not None and shown.twins.conflicts and not shown.twins.tabular:
        yield (
            f"{_count(shown.twins.conflicts, 'input')} stand{'s' if shown.twins.conflicts == 1 else ''} "
            "in the "
            "set with different labels."
        )
    for leak in shown.leaks:
        if leak.exact and not (shown.twins and shown.twins.alike_by_chance):
            yield f"{leak.file} holds {_count(leak.exact, 'case')} of the golden set."


def _is_pinned(version: str, pinned: str) -> bool:
    return version.startswith(pinned) or short(version).startswith(pinned.removeprefix("sha256:"))


def _warnings(shown: GoldenShown, spec: Spec) -> Iterator[str]:
    if shown.stale:
        yield (
            f"It is stale: looked over {shown.age_days:,} days ago, and golden.stale_after is "
            f"{shown.stale_after}."
        )
    unknown = shown.counts.sampled.get("unknown", 0)
    if unknown:
        yield (
            f"How {_count(unknown, 'case')} {'was' if unknown == 1 else 'were'} sampled is not stated "
            "(golden.sampled, or a column `sampled`): no rate speaks of your traffic."
        )
    for word, n in list(shown.counts.odd_samplings.items())[:3]:
        yield (
            f"{_count(n, 'case')} say `sampled: {word}`, which is none of random, curated, incident, weights."
        )
    yield from _mixed(shown, spec)
    yield from _ungated(shown, spec)
    if shown.twins is not None:
        yield from _told_of_twins(shown.twins, spec.kind)
    for leak in shown.leaks:
        if leak.exact and shown.twins and shown.twins.alike_by_chance:
            yield (
                f"{leak.file} holds rows that equal {_count(leak.exact, 'case')} of the golden set in all "
                "compared columns. Cases of the set equal each other as well, so whether they are the same "
                "cases is not known from these columns."
            )
        if leak.unknown:
            yield f"Whether {leak.file} holds cases of the set is not known: {leak.unknown.rstrip('.')}."
    if shown.coverage is not None:
        for part in shown.coverage.likeness:
            if part.contradicted:
                yield (
                    f"The cases sampled: random are no random sample of {shown.coverage.traffic}: they "
                    "differ in "
                    f"{part.column} by {part.random_distance:.0%} of cases (chi-square p "
                    f"{'< 0.001' if (part.p_value or 0) < 0.001 else f'= {part.p_value:.3f}'})."
                )


def _told_of_twins(twins: Twins, kind: str) -> Iterator[str]:
    """Say what equal cases mean."""
    one = twins.extra == 1
    if not twins.extra:
        return
    if not twins.tabular:
        yield (
            f"{_count(twins.extra, 'case')} repeat{'s' if one else ''} the input of another: "
            f"{'it counts' if one else 'they count'} as further evidence and {'is' if one else 'are'} none."
        )
        return
    compared = _count(len(twins.compared_by), "compared column")
    yield (
        f"{_count(twins.extra, 'case')} equal{'s' if one else ''} another in {compared}: cases of their own "
        "that look alike are evidence, a row that was written twice is none. golden.inputs says which "
        "columns make up a case."
    )
    if twins.conflicts and twins.best_accuracy is not None and kind in OF_CLASSES:
        yield (
            f"{_count(twins.conflicts, 'input')} with different labels ({_count(twins.mixed, 'case')}, "
            f"{twins.mixed / twins.cases:.1%}): cases that look alike in {compared} end differently. A "
            f"system that sees only these columns is right on at most {twins.best_accuracy:.1%} of these "
            "cases."
        )


def _rows_of_gate(spec: Spec, gate: Gate) -> Population:
    return Population((*spec.population_of(gate).conditions, *gate.parsed.left.population.conditions))


def _takes(population: Population, stratum: str | None) -> bool:
    """Return whether a population takes all cases of a stratum; None stands for cases without one."""
    for condition in population.conditions:
        if condition.column != "stratum" or condition.operator not in ("=", "in", "!="):
            return False
        if stratum is None or (stratum in condition.values) == (condition.operator == "!="):
            return False
    return True


def _ungated(shown: GoldenShown, spec: Spec) -> Iterator[str]:
    """Say which cases that must pass hold no release, because no gate is a list of them."""
    lists = [_rows_of_gate(spec, gate) for gate in spec.gates if gate.parsed.left.name == "failures"]
    everywhere = ", on: all" if spec.default_population().conditions else ""
    left = {way: shown.counts.sampled.get(way, 0) for way in MUST_PASS}
    for stratum, ways in shown.counts.sampled_by_stratum.items():
        count = sum(ways.get(way, 0) for way in MUST_PASS)
        left = {way: n - ways.get(way, 0) for way, n in left.items()}
        if count and not any(_takes(rows, stratum) for rows in lists):
            population = Population((Condition("stratum", "=", (stratum,)),))
            yield (
                f"{_count(count, 'case')} of the stratum {stratum!r} must pass, and no gate asks for them: "
                f"only a gate holds a release, such as {{rule: 'failures[{population}] <= 0'{everywhere}}}."
            )
    count = sum(left.values())
    if count > 0 and not any(_takes(rows, None) for rows in lists):
        yield (
            f"{_count(count, 'case')} without a stratum must pass, and no gate asks for them: give them a "
            "stratum, and it a gate: failures[stratum = ...] <= 0."
        )


def _mixed(shown: GoldenShown, spec: Spec) -> Iterator[str]:
    """Say where the rows of a gate's rate hold cases of several ways of sampling."""
    default = spec.default_population()
    told = {default}
    for gate in spec.gates:
        rows = _rows_of_gate(spec, gate)
        if gate.parsed.left.name == "failures" or rows in told:
            continue
        told.add(rows)
        by_stratum = [ways for name, ways in shown.counts.sampled_by_stratum.items() if _takes(rows, name)]
        if not rows.conditions:
            by_stratum = [shown.counts.sampled]
        held = {way: n for way in (*SAMPLINGS, "unknown") if (n := sum(w.get(way, 0) for w in by_stratum))}
        if len(held) > 1 and any(way in held for way in MUST_PASS):
            listed = ", ".join(f"{n:,} {way}" for way, n in held.items())
            yield (
                f"The gate {gate.rule} speaks of cases chosen in several ways ({listed}): a rate over them "
                "is a rate of neither."
            )
    name = "representative" if default.conditions else ""
    ways = shown.counts.sampled_by_stratum.get(name, {}) if name else shown.counts.sampled
    rare = {way: n for way, n in ways.items() if n}
    if len(rare) > 1 and any(way in rare for way in MUST_PASS):
        listed = ", ".join(f"{n:,} {way}" for way, n in rare.items())
        where = f"The stratum {name!r}" if name else "All cases"
        yield (
            f"{where}, which gates speak of by default, mix{'es' if name else ''} ways of sampling "
            f"({listed}): a rate over them is a rate of neither. Give curated and incident cases a "
            "stratum of "
            "their own."
        )


def _count(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


# -- versions and diffs --------------------------------------------------------------------------------


@dataclass(frozen=True)
class KnownVersion:
    """A version of the golden set that the workspace knows of.

    Args:
        version: Its content hash.
        path: The file, as the spec named it.
        source_version: Its version where it is kept; empty where none was said.
        cases: Cases; None where only runs or decisions name it.
        first_seen: When it was met first, ISO 8601; empty where that is not known.
        runs: Ids of the runs on it.
        decisions: Ids of the decisions on it.
        kept: Whether hashes of its cases are kept, so that it can be compared case by case.
        present: Whether it is the golden set as it is now.
    """

    version: str
    path: str
    source_version: str
    cases: int | None
    first_seen: str
    runs: tuple[str, ...]
    decisions: tuple[str, ...]
    kept: bool
    present: bool


def golden_versions(path: str | Path = ".") -> tuple[KnownVersion, ...]:
    """Return the versions of the golden set that runs, decisions and earlier looks at it name.

    Args:
        path: The product's folder, or its shipworthy.yaml.

    Returns:
        The versions, the first met first, the present one included.
    """
    with _opened(path) as opened:
        _remember(opened)
        return tuple(_known_versions(opened.workspace, opened))


def _known_versions(workspace: Workspace, opened: _Opened) -> list[KnownVersion]:
    kept = {one.version: one for one in kept_versions(workspace)}
    runs: dict[str, list[str]] = {}
    decisions: dict[str, list[str]] = {}
    seen: dict[str, list[str]] = {}
    paths: dict[str, str] = {}
    cases: dict[str, int] = {}
    for run in workspace.runs():
        record = _marker(run)
        version = record.get("golden_version")
        if isinstance(version, str):
            runs.setdefault(version, []).append(run.run_id)
            seen.setdefault(version, []).append(str(record.get("made_at", "")))
            paths.setdefault(version, str(record.get("golden_path", "")))
    for decision_id in workspace.decision_ids():
        try:
            evidence = workspace.read_decision(decision_id)["evidence"]
            version = str(evidence["subject"]["golden_version"])
        except (StoreError, KeyError, TypeError):
            continue
        decisions.setdefault(version, []).append(decision_id)
    present = opened.golden.version
    versions = dict.fromkeys([*kept, *runs, *decisions, present])
    found = []
    for version in versions:
        one = kept.get(version)
        moments = [*([one.first_seen] if one is not None else []), *seen.get(version, [])]
        found.append(
            KnownVersion(
                version=version,
                path=one.path if one is not None else paths.get(version, ""),
                source_version=one.source_version if one is not None else "",
                cases=one.cases if one is not None else cases.get(version),
                first_seen=min((moment for moment in moments if moment), default=""),
                runs=tuple(runs.get(version, ())),
                decisions=tuple(decisions.get(version, ())),
                kept=one is not None,
                present=version == present,
            )
        )
    return sorted(found, key=lambda one: (one.present, one.first_seen, one.version))


def _marker(run: RunFolder) -> Mapping[str, Any]:
    try:
        record = json.loads(run.marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def golden_diff(old: str, new: str | None = None, path: str | Path = ".") -> GoldenDiff:
    """Set two versions of the golden set against each other, case by case.

    Args:
        old: A file, or the first digits of a known version's hash.
        new: The same; by default the golden set as it is now.
        path: The product's folder, or its shipworthy.yaml.

    Returns:
        Added, removed and changed cases, with what changed.

    Raises:
        UsageError: If there is no such file or version, or only its hash is known; or if there is no product
            and no column of a file has a usual name for ids.
    """
    if Path(path) == Path() and not Path(SPEC_FILE).exists():
        return _diff_of_files(old, new)
    with _opened(path) as opened:
        require_files(opened.connection, "Comparing versions", [opened.spec.golden.path])
        _remember(opened)
        sides = [_side(opened, text) for text in (old, new)]
        return with_uses(diff(opened.connection, sides[0], sides[1]), _uses(opened.spec))


def _diff_of_files(old: str, new: str | None) -> GoldenDiff:
    """Set two files against each other where no spec says what their columns mean."""
    for text in (old, new):
        if text is None or not Path(text).is_file():
            told = "only one file is named" if text is None else f"{text!r} is no file"
            raise UsageError(
                f"There is no product in this folder, and {told}.",
                fix="Name two files, or the product whose versions are meant: --product FOLDER.",
            )
    connection = connect()
    try:
        sides, guessed = [], []
        for text in (old, str(new)):
            roles = guess_roles(open_file(connection, Path(text)))
            columns = {role: roles[role] for role in GUESSED if role in roles}
            if "case_id" not in columns:
                raise UsageError(
                    f"No column of {text!r} is known to tell its cases apart.",
                    fix="Call one case_id or id, or name a product whose spec says it: --product FOLDER.",
                )
            golden = Golden.model_validate({"path": str(Path(text).resolve()), "columns": columns})
            sides.append(Side.of_file(open_golden(connection, golden, Path()), text))
            guessed.append(columns)
        return replace(diff(connection, sides[0], sides[1]), guessed=tuple(guessed))
    finally:
        connection.close()


def _side(opened: _Opened, text: str | None) -> Side:
    if text is None:
        return Side.of_file(opened.golden, opened.spec.golden.path)
    for place in (Path(text), opened.file.folder / text):
        if place.is_file():
            golden = opened.spec.golden.model_copy(update={"path": str(place.resolve())})
            return Side.of_file(open_golden(opened.connection, golden, opened.file.folder), text)
    if "/" in text or Path(text).suffix:
        raise UsageError(
            f"The file {text!r} does not exist.",
            fix="Name a file, or the first digits of a version: shipworthy golden versions.",
        )
    known = _known_versions(opened.workspace, opened)
    version = find_version(text, [one.version for one in known])
    if version == opened.golden.version:
        return Side.of_file(opened.golden, f"{short(version)} (now)")
    kept = next((one for one in kept_versions(opened.workspace) if one.version == version), None)
    if kept is None:
        raise UsageError(
            f"Of version {short(version)} only the hash is known: it was met before cases were kept, or "
            "elsewhere.",
            fix="Name its file instead, such as one taken out of version control: "
            "git show REVISION:golden/cases.csv > old.csv",
        )
    return Side.of_kept(kept)


def _uses(spec: Spec) -> dict[str, tuple[str, ...]]:
    """Return what the spec does with columns of the golden set."""
    found: dict[str, list[str]] = {}
    for role, column in spec.golden.columns.items():
        found.setdefault(column, []).append(f"golden.columns: {role}")
    for name in spec.slices:
        found.setdefault(spec.golden.columns.get(name, name), []).append("slices")
    for name in spec.groups:
        found.setdefault(spec.golden.columns.get(name, name), []).append("groups")
    for gate in spec.gates:
        for name in sorted(columns_of(gate.parsed)):
            found.setdefault(spec.golden.columns.get(name, name), []).append(f"gate {gate.rule}")
    return {column: tuple(dict.fromkeys(uses)) for column, uses in found.items()}


# -- coverage and duplicates ---------------------------------------------------------------------------


def golden_coverage(
    path: str | Path = ".",
    *,
    traffic: str | None = None,
    half_width: float = 0.10,
    least_share: float = 0.01,
) -> Coverage:
    """Set the golden set against a sample of traffic.

    Args:
        path: The product's folder, or its shipworthy.yaml.
        traffic: The sample, from where the command runs; by default golden.traffic.
        half_width: Half width of the 95% interval that every part should allow, as a fraction of one.
        least_share: Share of traffic from which a part is looked at.

    Returns:
        Parts by their share of traffic, with the cases they have and need.

    Raises:
        UsageError: If there is no sample.
    """
    with _opened(path) as opened:
        _remember(opened)
        sample = str(Path(traffic).resolve()) if traffic is not None and "://" not in traffic else traffic
        named = sample or opened.spec.golden.traffic
        if named is None:
            raise UsageError(
                "There is no sample of traffic to compare with.",
                where=opened.file.where("golden"),
                fix="Name one: --traffic FILE, or golden: {traffic: FILE} in the spec; one row per request, "
                "with the columns of `slices`.",
            )
        found = _cover(opened, named, half_width, least_share)
        return replace(found, traffic=traffic or named)


def _cover(opened: _Opened, named: str, half_width: float, least_share: float) -> Coverage:
    sample = open_source(opened.connection, named, opened.file.folder)
    usual = cases_for_width(half_width, two_sided_z(0.95))
    sized = _sized(opened.file.path)
    gates = sized.gates if sized is not None else ()

    def needs(where: Mapping[str, str]) -> tuple[int, str]:
        most, because = usual, f"±{100 * half_width:g} points at 95%"
        for gate in gates:
            wanted = _needed_by(gate, where)
            if wanted > most:
                most, because = wanted, f"gate {gate.question.rule}"
        return most, because

    found = cover(
        opened.connection,
        opened.golden,
        sample,
        opened.slices(),
        half_width=half_width,
        least_share=least_share,
        needs=needs,
    )
    return replace(found, traffic=named)


def _needed_by(gate: GateSize, where: Mapping[str, str]) -> int:
    """Return the cases that a gate on exactly this part needs; 0 where it speaks of another.

    That is for an 80% chance; where nobody says what is expected, for a proof at all.
    """
    conditions = gate.question.population.conditions
    if any(part.operator != "=" or len(part.values) != 1 for part in conditions):
        return 0
    if {part.column: str(part.values[0]) for part in conditions} != dict(where):
        return 0
    likely = gate.at_expected.likely if gate.at_expected is not None else None
    return likely or gate.flawless or 0


def golden_duplicates(
    path: str | Path = ".",
    *,
    training: Sequence[str] = (),
    alike: float = 0.7,
    tick: Callable[[int], None] = lambda _done: None,
) -> Twins:
    """Find duplicates and near duplicates in the golden set and between it and training files.

    Args:
        path: The product's folder, or its shipworthy.yaml.
        training: Further training or few-shot files, beside golden.training.
        alike: Likeness from which two texts are near duplicates, in [0.5, 1).
        tick: Told how many further texts were read.

    Returns:
        What was found.
    """
    with _opened(path) as opened:
        require_files(opened.connection, "Looking for duplicates", [opened.spec.golden.path])
        _remember(opened)
        for name in training:
            if not Path(name).is_file():
                raise UsageError(
                    f"The file {name!r} does not exist.", fix="Name a file of training cases, or a prompt."
                )
        declared = opened.training()
        known = {place.resolve() for _name, place in declared}
        files = [*declared, *((n, Path(n)) for n in training if Path(n).resolve() not in known)]
        return find_twins(opened.connection, parts_of(opened.golden), files, alike=alike, tick=tick)


# -- adding --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AddRequest:
    """What is to be added, and as what.

    Args:
        file: The file of new cases; None to take them from a run.
        run: Run id, its beginning, or a system's name.
        against: Another run: only cases that fail now and passed there.
        words: Role (stratum, sampled, provenance) -> the word for every new case; absent roles keep what the
            file says.
        columns: The golden set's column or role -> the file's column, where names do not say it.
        keep_repeats: Whether a case with an id of its own is added although its input is there already.
    """

    file: Path | None = None
    run: str | None = None
    against: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    keep_repeats: bool = False


class Adding:
    """New cases for a golden set: planned first, written when somebody has looked at them.

    Args:
        opened: The golden set.
        plan: What would be added.
    """

    def __init__(self, opened: _Opened, plan: Plan) -> None:
        self._opened = opened
        self.plan = plan

    def write(self, cases: Sequence[NewCase] | None = None) -> Addition:
        """Write the new cases into the golden set's file.

        Args:
            cases: The cases that were said yes to; by default all that were planned.

        Returns:
            What was added, with the version before and after.
        """
        _remember(self._opened)
        plan = self.plan if cases is None else self.plan.only(cases)
        done = write_addition(self._opened.connection, plan)
        golden = open_golden(self._opened.connection, self._opened.spec.golden, self._opened.file.folder)
        _remember(replace(self._opened, golden=golden))
        return replace(done, path=self._opened.spec.golden.path, new_version=golden.version)


@contextmanager
def adding(path: str | Path, request: AddRequest) -> Iterator[Adding]:
    """Plan what adding cases to a golden set would do; what is yielded writes it.

    Args:
        path: The product's folder, or its shipworthy.yaml.
        request: What is to be added, and as what.

    Yields:
        The plan, and the way to carry it out.

    Raises:
        ShipworthyError: If the source is missing or broken, or has nothing that could be a case.
    """
    with _opened(path) as opened:
        require_files(opened.connection, "Adding cases", [opened.spec.golden.path])
        if request.run is not None:
            yield Adding(opened, _plan_of_run(opened, request))
            return
        if request.file is None:
            raise UsageError("Nothing to add.", fix="Name a file, or a run: --from-run RUN --failures.")
        source = open_file(opened.connection, request.file)
        yield Adding(
            opened,
            plan_addition(
                opened.connection,
                opened.golden,
                source,
                name=str(request.file),
                words=request.words,
                columns=request.columns,
                keep_repeats=request.keep_repeats,
            ),
        )


def _plan_of_run(opened: _Opened, request: AddRequest) -> Plan:
    """Plan to add the cases that a run failed."""
    systems = list(opened.spec.systems.named())
    run = opened.workspace.find_run(str(request.run), systems)
    other = opened.workspace.find_run(request.against, systems) if request.against is not None else None
    failing = failing_cases(opened.connection, _rows_of(run), _rows_of(other) if other is not None else None)
    path = run.golden_path
    if path is None:
        raise StoreError(
            f"The run {run.run_id!r} does not say which cases it was made on.",
            where=str(run.marker),
            fix="Run it again, or name the file of its cases: shipworthy golden add FILE.",
        )
    source = open_source(opened.connection, path, opened.file.folder)
    words = {**OF_FAILURES, **request.words}
    name = f"{len(failing):,} cases that {run.run_id} fails" + (
        f" and {other.run_id} does not" if other is not None else ""
    )
    if source.path == opened.golden.file.path:
        return _already_there(opened, name, failing)
    plan = plan_addition(
        opened.connection,
        opened.golden,
        source,
        name=name,
        words=words,
        columns=request.columns,
        only=frozenset(failing),
    )
    notes = list(plan.notes)
    if plan.read < len(failing):
        notes.append(f"{len(failing) - plan.read:,} failing cases are no longer in {path}.")
    confirm = opened.spec.golden.confirm
    if confirm is not None and confirm.path == path and plan.cases:
        notes.append(
            "These cases are in the confirmation set: take them out of it, because a case that was looked at "
            "cannot confirm anything."
        )
    return replace(plan, notes=tuple(notes))


def _already_there(opened: _Opened, name: str, failing: Sequence[str]) -> Plan:
    """Return the plan for failures on the golden set itself: there is nothing to add."""
    note = (
        "The run was made on this golden set, so the cases that it fails are in it already. Add what fails "
        "elsewhere: a run on other cases, or a file of incidents."
    )
    return Plan(
        golden=opened.golden,
        source=name,
        read=len(failing),
        cases=(),
        duplicates=len(failing),
        duplicate_ids=tuple(failing[:LISTED]),
        conflicts=(),
        mapped={},
        missing=(),
        dropped=(),
        new_columns=(),
        made_ids=False,
        notes=(note,) if failing else (),
    )


def _rows_of(run: RunFolder) -> Path:
    """Return a run's rows after checking that they are the ones that were made.

    Raises:
        StoreError: If they are missing, changed, or in a warehouse.
    """
    record = run.read()
    if "warehouse" in record:
        raise StoreError(
            f"The rows of {run.run_id!r} lie in a warehouse.",
            fix="Export the cases it fails, and add the file: shipworthy golden add FILE.",
        )
    return run.rows
