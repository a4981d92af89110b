"""What the golden set and the latest decision already say about the size of gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shipworthy.define.reading import SpecFile
from shipworthy.define.rules import Call, Population, parse_rule
from shipworthy.define.spec import Gate, Spec
from shipworthy.errors import ShipworthyError, StoreError
from shipworthy.evidence.gates.setting import population_of
from shipworthy.evidence.metric import find_definition
from shipworthy.evidence.populations import population_sql
from shipworthy.golden.columns import locate
from shipworthy.golden.entering import GoldenFile, open_golden
from shipworthy.records import Decision, GateEvidence, rebuild
from shipworthy.store.workspace import Workspace
from shipworthy.tables.case_counts import count_cases
from shipworthy.tables.duck import Connection, text_literal
from shipworthy.tables.warehouse import connect_for

__all__ = ["OF_ITS_ANSWERS", "Known", "counted_population", "counts_of_gates", "latest_decision"]

#: Metrics that count only the cases of the positive class, or only the others.
POSITIVE_ONLY = ("recall", "fnr")
NEGATIVE_ONLY = ("specificity", "fpr")
#: Metrics whose denominator the system itself decides.
OF_ITS_ANSWERS = ("precision",)
#: What one unit of a metric may be for a case of the golden set to be one.
UNITS_OF_CASES = ("row", "planned row", "case", "pair of rows")


@dataclass(frozen=True)
class Known:
    """What the golden set and the latest decision say.

    Args:
        cases: Cases in all.
        cases_from: Who says so.
        counts: Gate id -> cases in the golden set that it counts; None where the set cannot tell.
        decision: The latest decision; None where there is none.
        decision_id: Its id.
        notes: What limits the answer.
    """

    cases: int | None
    cases_from: str
    counts: Mapping[str, int | None]
    decision: Decision | None
    decision_id: str
    notes: tuple[str, ...]

    @classmethod
    def of(cls, file: SpecFile, planned: int | None) -> Known:
        """Read what is there.

        Args:
            file: The spec.
            planned: Cases to plan with instead of those in the golden set; None to count them.
        """
        notes: list[str] = []
        whole, counts = _golden_counts(file, notes)
        decision, decision_id = latest_decision(file, notes)
        cases_from = "the golden set" if whole is not None else ""
        if planned is not None:
            if whole:
                scale = planned / whole
                counts = {name: None if n is None else round(n * scale) for name, n in counts.items()}
            else:
                counts = {gate.id: planned for gate in file.spec.gates if _counts_all(gate, file.spec)}
            whole, cases_from = planned, "said"
        return cls(whole, cases_from, counts, decision, decision_id, tuple(notes))

    def evidence(self, gate: Gate) -> GateEvidence | None:
        """Return what the latest decision measured for the same quantity."""
        if self.decision is None:
            return None
        for result in self.decision.gates:
            kept = result.evidence
            if kept.gate_id == gate.id and str(parse_rule(kept.rule).left) == str(gate.parsed.left):
                return kept if kept.estimate.value is not None else None
        return None


def _counts_all(gate: Gate, spec: Spec) -> bool:
    rule = gate.parsed
    return not population_of(gate, rule.left, spec).conditions and rule.left.name not in (
        *POSITIVE_ONLY,
        *NEGATIVE_ONLY,
        *OF_ITS_ANSWERS,
    )


def latest_decision(file: SpecFile, notes: list[str]) -> tuple[Decision | None, str]:
    """Return the latest decision and its id; None and a note where there is none that can be read.

    Args:
        file: The spec.
        notes: Takes what limits the answer.
    """
    workspace = Workspace(file.folder)
    ids = workspace.decision_ids()
    if not ids:
        return None, ""
    try:
        return rebuild(Decision, workspace.read_decision(ids[-1])), ids[-1]
    except (StoreError, TypeError):
        notes.append(f"The latest decision, {ids[-1]}, cannot be read, so nothing is taken from it.")
        return None, ""


def _golden_counts(file: SpecFile, notes: list[str]) -> tuple[int | None, dict[str, int | None]]:
    """Return the cases in the golden set, and how many of them each gate counts, in one scan."""
    spec = file.spec
    try:
        connection = connect_for(spec.golden.path)
    except ShipworthyError as error:
        notes.append(f"The golden set cannot be reached, so no case is counted: {error.what}")
        return None, {}
    try:
        try:
            golden = open_golden(connection, spec.golden, file.folder)
        except ShipworthyError as error:
            notes.append(f"The golden set is not there yet, so no case is counted: {error.what}")
            return None, {}
        return counts_of_gates(connection, golden, spec)
    finally:
        connection.close()


def counts_of_gates(
    connection: Connection, golden: GoldenFile, spec: Spec
) -> tuple[int, dict[str, int | None]]:
    """Return the cases in the golden set, and how many of them each gate counts, in one scan.

    Args:
        connection: The engine.
        golden: The golden set.
        spec: The spec.

    Returns:
        Cases in all; and gate id -> cases, None where the set cannot tell.
    """
    columns: dict[str, str] = {}
    conditions: dict[str, str] = {}
    for gate in spec.gates:
        condition = _condition(gate, spec, golden, columns)
        if condition is not None:
            conditions[gate.id] = condition
    found = count_cases(
        connection, golden.file, golden.case_id, golden.condition, columns, ["true", *conditions.values()]
    )
    counts: dict[str, int | None] = {gate.id: None for gate in spec.gates}
    counts.update(zip(conditions, found[1:], strict=True))
    return found[0], counts


def _condition(gate: Gate, spec: Spec, golden: GoldenFile, columns: dict[str, str]) -> str | None:
    """Return which cases a gate counts, as SQL; None where the golden set alone cannot tell."""
    rule = gate.parsed
    left = rule.left
    inner = left.arguments[0] if left.arguments and isinstance(left.arguments[0], Call) else left
    definition = find_definition(inner.name)
    if inner.name in OF_ITS_ANSWERS or rule.right is not None:
        return None
    if definition is not None and definition.unit_of_total not in UNITS_OF_CASES:
        return None
    population = counted_population(gate, spec)
    names = {condition.column for condition in population.conditions}
    one_class = inner.name in (*POSITIVE_ONLY, *NEGATIVE_ONLY)
    if one_class:
        if not spec.golden.positive or inner.named or (inner is not left and inner.arguments):
            return None
        names.add("label")
    for name in names:
        text = locate(golden.file, name, spec.golden.columns)
        if text is None:
            return None
        columns[name] = text
    parts = [population_sql(population, tuple(names))] if population.conditions else []
    if one_class:
        listed = ", ".join(text_literal(label) for label in spec.golden.positive)
        inside = f"coalesce(label IN ({listed}), false)"
        parts.append(inside if inner.name in POSITIVE_ONLY else f"label IS NOT NULL AND NOT {inside}")
    return " AND ".join(f"({part})" for part in parts) or "true"


def counted_population(gate: Gate, spec: Spec) -> Population:
    """Return the rows a gate speaks of, whichever form its rule has."""
    left = gate.parsed.left
    inner = left.arguments[0] if left.arguments and isinstance(left.arguments[0], Call) else None
    call = left if inner is None else replace(left, population=left.population.joined(inner.population))
    return population_of(gate, call, spec)
