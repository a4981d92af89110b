"""Lint of a product: gathers what is known beside the spec, in few scans, and asks the rules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from shipworthy.api.known_sizes import Known, counts_of_gates, latest_decision
from shipworthy.api.size import questions_of
from shipworthy.define.lint.facts import Facts, GoldenFacts, RunFacts, Unknown
from shipworthy.define.lint.running import Report, lint_at
from shipworthy.define.lint.running import lint as ask_rules
from shipworthy.define.reading import SpecFile, read_spec
from shipworthy.define.rules import columns_compared, parse_rule
from shipworthy.define.sizing import Expected, GateQuestion, spread_of
from shipworthy.define.spec import Spec
from shipworthy.errors import ShipworthyError, UsageError
from shipworthy.evidence.gates.planning import check_rule
from shipworthy.golden.columns import locate, locate_number, rows_where
from shipworthy.golden.entering import GoldenFile, open_golden
from shipworthy.golden.parts import parts_of
from shipworthy.golden.summary import summary
from shipworthy.golden.twins import find_exact, find_leaks
from shipworthy.records import Decision, GateEvidence
from shipworthy.store.workspace import RunFolder, Workspace
from shipworthy.tables.case_counts import count_cases, count_groups, count_shared
from shipworthy.tables.duck import Connection, connect, quote
from shipworthy.tables.row_checks import usual_positive
from shipworthy.tables.warehouse import connect_for, is_warehouse, open_source

__all__ = ["Facts", "Report", "facts_of", "gates_as_asked", "lint"]

#: An interval tells of clusters where it is that much wider than a plain share's; near 0 and 1, or with few
#: cases, intervals of plain shares are as wide.
WIDER_THAN_CHANCE = 1.3
FEWEST_FOR_EFFECT = 50
CLEAR_OF_THE_ENDS = 0.05


def lint(path: str | Path = ".", *, level: str | None = None, today: date | None = None) -> Report:
    """Check a spec: what is missing, what contradicts itself, and what its cases can never prove.

    Nothing is run and nothing is written. The golden set, runs, labels and a traffic sample are counted
    where they are; what is absent is named in the report.

    Args:
        path: The product's folder, or its shipworthy.yaml.
        level: Another level than the spec's own: judge, launch or operate.
        today: The day of the check; by default today.

    Returns:
        The findings by line, those set aside, and the rules that could not look.

    Raises:
        ShipworthyError: If the spec cannot be read, or there is no such level.
    """
    file = read_spec(Path(path))
    facts = facts_of(file)
    day = today or datetime.now(UTC).date()
    if level is None:
        return ask_rules(file, facts, day)
    try:
        return lint_at(file, facts, day, level)
    except ValueError as error:
        raise UsageError(f"{error}.", fix="Leave --level out for the spec's own.") from None


def facts_of(file: SpecFile) -> Facts:
    """Gather what is known beside a spec: counts of its files, and what its workspace holds.

    Args:
        file: The spec.

    Returns:
        What is known; what is not says why.
    """
    spec = file.spec
    notes: list[str] = []
    decision, decision_id = latest_decision(file, notes)
    golden: GoldenFacts | Unknown
    traffic: Mapping[str, Mapping[str, float]] | Unknown
    counts: dict[str, int | None] = {}
    cases: int | None = None
    columns: tuple[str, ...] | Unknown
    answers: Mapping[str, tuple[str, ...]] = {}
    try:
        connection = connect_for(spec.golden.path)
    except ShipworthyError as error:
        golden = Unknown(f"the golden set cannot be reached: {_end_of_sentence(error)}")
        traffic, labels, columns = Unknown(golden.because), {}, Unknown(golden.because)
    else:
        try:
            try:
                opened = open_golden(connection, spec.golden, file.folder)
                cases, counts = counts_of_gates(connection, opened, spec)
                golden = _golden_facts(connection, opened, file, cases)
                columns, answers = _all_columns(connection, file, golden)
            except ShipworthyError as error:
                golden = Unknown(f"the golden set cannot be read: {_end_of_sentence(error)}")
                columns = Unknown(golden.because)
            traffic = _traffic(connection, file)
            labels = dict(_labels(connection, file))
        finally:
            connection.close()
    runs = _run_facts(file, decision, golden)
    known = Known(cases, "the golden set" if cases is not None else "", counts, decision, decision_id, ())
    questions, refused = gates_as_asked(spec, known, runs if isinstance(runs, RunFacts) else None)
    return Facts(
        golden=golden,
        runs=runs,
        traffic=traffic,
        labels=labels,
        files=dict(_absent_files(file)),
        columns=columns,
        questions=questions,
        refused=refused,
        answers=answers,
    )


def gates_as_asked(
    spec: Spec, known: Known, runs: RunFacts | None
) -> tuple[Mapping[str, GateQuestion], Mapping[str, tuple[str, str]]]:
    """Return each gate as far as its size needs it, and why the others cannot be asked.

    Args:
        spec: The spec.
        known: What the golden set and the latest decision say.
        runs: What runs say; None where nothing is known.

    Returns:
        Gate id -> its question; and gate id -> what is wrong with its rule, and what to do.
    """
    scorers = {metric.id for metric in spec.metrics if metric.scorer is not None}
    questions: dict[str, GateQuestion] = {}
    refused: dict[str, tuple[str, str]] = {}
    for gate in spec.gates:
        try:
            check_rule(gate.parsed, scorers)
            [question] = questions_of(spec, [gate], known)
        except UsageError as error:
            refused[gate.id] = (error.what, error.fix)
            continue
        if runs is not None:
            value = runs.values.get(gate.id)
            question = replace(
                question,
                design_effect=runs.design_effects.get(gate.id, question.design_effect),
                discordance=runs.discordance.get(gate.id, question.discordance),
                expected=question.expected or (None if value is None else Expected(value, "last measured")),
            )
        questions[gate.id] = question
    return questions, refused


def _end_of_sentence(error: ShipworthyError) -> str:
    what = error.what.rstrip(".")
    return what[:1].lower() + what[1:] if not what[:2].isupper() else what


# -- the golden set --------------------------------------------------------------------------------------


def _golden_facts(connection: Connection, golden: GoldenFile, file: SpecFile, cases: int) -> GoldenFacts:
    """Count the golden set: by stratum, slice, sampling, provenance, class and cluster."""
    spec = file.spec
    compared = [name for gate in spec.gates for name in columns_compared(gate.parsed.left)]
    slices = list(dict.fromkeys([*spec.slices, *spec.groups, *compared]))
    held = summary(connection, golden, slices)
    by_strata = {"stratum": held.strata} if "stratum" in slices and held.strata else {}
    return GoldenFacts(
        cases=cases,
        version=golden.version,
        columns=tuple(golden.file.names),
        strata=held.strata,
        slices={**held.slices, **by_strata},
        positives=None if held.positives is None else held.positives / held.labelled,
        sampled=held.sampled,
        provenance=held.provenance,
        clusters=held.clusters,
        by_stratum=held.by_stratum,
        sampled_by_stratum=held.sampled_by_stratum if held.own_sampling else {},
        classes=held.labels,
        usual_positive=bool(usual_positive(set(held.labels))),
        shared_with_training=dict(_shared(connection, golden, file)),
    )


def _flat(counts: Mapping[tuple[str, ...], int]) -> dict[str, int]:
    return {values[0]: n for values, n in counts.items()}


def _shared(connection: Connection, golden: GoldenFile, file: SpecFile) -> Iterator[tuple[str, int]]:
    """Yield each training file with the golden set's cases that it holds too, by id or by the same input."""
    named = file.spec.golden.training
    by_input: dict[str, int] = {}
    if named and not is_warehouse(connection):
        parts = parts_of(golden)
        twins = find_exact(connection, parts)
        if not twins.alike_by_chance:
            leaks = find_leaks(connection, parts, [(path, file.folder / path) for path in named])
            by_input = {leak.file: leak.exact or 0 for leak in leaks}
    for path in named:
        try:
            other = open_source(connection, path, file.folder)
        except ShipworthyError:
            other = None
        ids = locate(other, "case_id", file.spec.golden.columns) if other is not None else None
        by_id = 0
        if other is not None and ids is not None:
            by_id = count_shared(
                connection, golden.file, golden.case_id, golden.condition, golden.case_id, other, ids
            )
        if other is not None or path in by_input:
            yield path, max(by_id, by_input.get(path, 0))


def _all_columns(
    connection: Connection, file: SpecFile, golden: GoldenFacts
) -> tuple[tuple[str, ...] | Unknown, Mapping[str, tuple[str, ...]]]:
    """Return the columns a rule may cut by, of the golden set and the recorded files; and each file's own."""
    names = dict.fromkeys(golden.columns)
    answers: dict[str, tuple[str, ...]] = {}
    for name, system in file.spec.systems.named().items():
        if system.recorded is None:
            continue
        try:
            answers[name] = tuple(open_source(connection, system.recorded, file.folder).names)
        except ShipworthyError as error:
            return Unknown(f"the answers of {name} cannot be read: {_end_of_sentence(error)}"), answers
        names.update(dict.fromkeys(answers[name]))
        names.update(dict.fromkeys(system.columns))
    return tuple(names), answers


# -- traffic, labels, files ------------------------------------------------------------------------------


def _traffic(connection: Connection, file: SpecFile) -> Mapping[str, Mapping[str, float]] | Unknown:
    """Return the share of traffic per value of each slice column."""
    spec = file.spec
    if spec.golden.traffic is None:
        return Unknown("golden.traffic names no sample of production traffic")
    try:
        sample = open_source(connection, spec.golden.traffic, file.folder)
    except ShipworthyError as error:
        return Unknown(f"the traffic sample cannot be read: {_end_of_sentence(error)}")
    columns = {
        name: sql
        for name in dict.fromkeys([*spec.slices, *spec.groups])
        if (sql := locate(sample, name, spec.golden.columns)) is not None
    }
    counts = count_groups(connection, sample, None, "true", columns, [(name,) for name in columns])
    shares: dict[str, Mapping[str, float]] = {}
    for name, by_value in zip(columns, counts, strict=True):
        whole = sum(by_value.values())
        shares[name] = {value: n / whole for value, n in _flat(by_value).items()}
    return shares


def _labels(connection: Connection, file: SpecFile) -> Iterator[tuple[str, int | Unknown]]:
    """Yield each judged score with the number of labels that people gave."""
    for judge in file.spec.judges:
        if judge.labels is None:
            continue
        try:
            opened = open_source(connection, judge.labels.path, file.folder)
            mapping = {**judge.labels.columns}
            verdict = next(
                (sql for name in ("verdict", "label") if (sql := locate(opened, name, mapping)) is not None),
                None,
            )
            keep = rows_where(opened, judge.labels.where)
            known = f"({keep}) AND {verdict} IS NOT NULL" if verdict is not None else keep
            counted = count_groups(connection, opened, None, known, {"known": "'1'"}, [("known",)])
            yield judge.of, sum(counted[0].values())
        except ShipworthyError as error:
            yield judge.of, Unknown(f"its labels cannot be read: {_end_of_sentence(error)}")


def _absent_files(file: SpecFile) -> Iterator[tuple[str, str]]:
    """Yield the files that the spec names and that do not exist, with the key that names them."""
    spec = file.spec
    named: list[tuple[str, str | None]] = [("golden.path", spec.golden.path)]
    named += [(f"golden.training.{index}", path) for index, path in enumerate(spec.golden.training)]
    named.append(("golden.traffic", spec.golden.traffic))
    if spec.golden.confirm is not None:
        named.append(("golden.confirm.path", spec.golden.confirm.path))
    for name, system in spec.systems.declared().items():
        inside = name if name in ("candidate", "live") else f"baselines.{name}"
        named.append((f"systems.{inside}.recorded", system.recorded))
    for index, judge in enumerate(spec.judges):
        named.append((f"judges.{index}.labels", judge.labels.path if judge.labels is not None else None))
    for index, criterion in enumerate(spec.rubric):
        named.append((f"rubric.{index}.examples", criterion.examples))
    if spec.context is not None and spec.context.prompt is not None:
        named.append(("context.prompt.path", spec.context.prompt.path))
    for key, path in named:
        if path is not None and "://" not in path and not (file.folder / path).exists():
            yield key, path


# -- runs and decisions ----------------------------------------------------------------------------------


def _run_facts(
    file: SpecFile, decision: Decision | None, golden: GoldenFacts | Unknown
) -> RunFacts | Unknown:
    """Return what the workspace holds of runs, and what the latest decision measured."""
    runs = Workspace(file.folder).runs()
    if not runs and decision is None:
        return Unknown("there is no run yet")
    days = [day for run in runs if (day := _day_of_candidate(run.marker)) is not None]
    found = RunFacts(first_candidate=min(days, default=None), band_shares=_band_shares(file, runs))
    if decision is None:
        return found
    evidence = decision.evidence
    same_set = isinstance(golden, GoldenFacts) and evidence.subject.golden_version == golden.version
    current = {gate.id: str(gate.parsed.left) for gate in file.spec.gates}
    results = {
        result.evidence.gate_id: result
        for result in decision.gates
        if str(parse_rule(result.evidence.rule).left) == current.get(result.evidence.gate_id)
    }
    live_values: dict[str, float] = {}
    discordance: dict[str, float] = {}
    for gate in file.spec.gates:
        left = gate.parsed.left
        for comparison in evidence.comparisons:
            changed = (comparison.fixed or 0) + (comparison.broke or 0)
            if left.name == "delta" and str(left.arguments[-1]) == comparison.other and comparison.shared:
                discordance[gate.id] = changed / comparison.shared
            if comparison.other == "live" and gate.parsed.right is None:
                for part in comparison.differences:
                    if part.metric == str(left) and not part.column and part.theirs.value is not None:
                        live_values[gate.id] = part.theirs.value
    return replace(
        found,
        candidates=max((r.candidates_tried for r in results.values()), default=1) if same_set else 0,
        looks={name: result.earlier_looks for name, result in results.items()} if same_set else {},
        values={
            name: result.evidence.estimate.value
            for name, result in results.items()
            if result.evidence.estimate.value is not None
        },
        live_values=live_values,
        design_effects={
            name: effect for name, r in results.items() if (effect := _design_effect(r.evidence))
        },
        discordance=discordance,
        met={name: result.status.value == "met" for name, result in results.items()},
    )


def _band_shares(file: SpecFile, runs: list[RunFolder]) -> tuple[float, ...]:
    """Return the share of the candidate's newest run in each band; empty where no run has the score."""
    routing = file.spec.routing
    newest = next((run for run in runs if run.run_id.rsplit("-", 1)[0] == "candidate"), None)
    if routing is None or newest is None or not newest.rows.exists():
        return ()
    inside = []
    for low, high, _band in routing.ends():
        inside.append(f"score >= {low!r} AND score {'<=' if high >= 1 else '<'} {high!r}")
    connection = connect()
    try:
        rows = open_source(connection, newest.rows.name, newest.path)
        score = locate_number(rows, routing.score, {})
        if score is None:
            return ()
        whole, *parts = count_cases(
            connection, rows, quote("case_id"), "true", {"score": score}, ["score IS NOT NULL", *inside]
        )
    finally:
        connection.close()
    return tuple(part / whole for part in parts) if whole else ()


def _day_of_candidate(marker: Path) -> date | None:
    """Return the day on which a run of the candidate was made; None where it is another system's."""
    try:
        record = json.loads(marker.read_text(encoding="utf-8"))
        return datetime.fromisoformat(record["made_at"]).date() if record["system"] == "candidate" else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _design_effect(measured: GateEvidence) -> float | None:
    """Return by how much clusters and repeats widened a share's interval; None where they did not."""
    value, spread = measured.estimate.value, spread_of(measured)
    if measured.estimate.unit != "share" or value is None or spread is None:
        return None
    if measured.estimate.n < FEWEST_FOR_EFFECT or not CLEAR_OF_THE_ENDS < value < 1 - CLEAR_OF_THE_ENDS:
        return None
    effect = spread[0] ** 2 / (value * (1 - value))
    return effect if effect > WIDER_THAN_CHANCE else None
