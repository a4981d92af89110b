"""SW314 to SW318: what gates and the golden set say of each other: lists, strata, version and classes."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import yaml_snippet
from shipworthy.define.rules import Call, Population, columns_compared, metrics_within
from shipworthy.define.spec import Gate, Spec

#: Ways of sampling whose cases must pass one by one.
MUST_PASS = ("curated", "incident")
#: Rates of one class: without a named class they speak of the positive one.
OF_THE_POSITIVE_CLASS = (
    "precision",
    "recall",
    "specificity",
    "fpr",
    "fnr",
    "selection_rate",
    "f1",
    "f_beta",
    "net_benefit",
    "auc",
    "average_precision",
)
#: What is counted from decisions, which a score alone does not make.
OF_DECISIONS = (
    *OF_THE_POSITIVE_CLASS[:-2],
    "accuracy",
    "balanced_accuracy",
    "mcc",
    "expected_cost",
    "negative_flips",
    "failures",
)


@rule("SW314", "error", level="judge")
def list_has_no_gate(promise: Promise) -> Iterator[Finding]:
    """A stratum of cases that must pass is named by no gate.

    Every one of them may then fail and the release still goes out: a must-pass list holds only by its gate.

    Add failures[stratum = NAME] <= 0 with `on: all` for each stratum that is sampled as `curated` or
    `incident`. Where the failure modes that it tests are accepted with a reason, nothing is asked. Below the
    level launch it is a warning.
    """
    spec = promise.spec
    held = _must_pass(promise)
    named = {stratum for gate in spec.gates for stratum in _strata_named(gate, spec)}
    everything = any(
        gate.parsed.left.name == "failures" and "stratum" not in _conditions(gate, spec)
        for gate in spec.gates
    )
    if everything:
        return
    for stratum, (sampling, cases) in held.items():
        if stratum in named:
            continue
        many = "its cases" if cases is None else "its case" if cases == 1 else f"its {cases:,} cases"
        yield Finding(
            ("golden", "sampled") if "sampled" in spec.golden.model_fields_set else ("golden",),
            f"The {sampling} stratum {stratum} is named by no gate: {many} may fail, and nothing holds.",
            yaml_snippet(
                "gates", [{"id": f"g_{stratum}", "rule": f"failures[stratum = {stratum}] <= 0", "on": "all"}]
            ),
            stratum,
            severity=None if spec.reaches("launch") else "warning",
        )


def _must_pass(promise: Promise) -> dict[str, tuple[str, int | None]]:
    """Return each stratum whose cases must pass, with its way of sampling and its cases where known."""
    spec, golden = promise.spec, promise.golden
    found: dict[str, tuple[str, int | None]] = {}
    known = dict.fromkeys(spec.golden.strata)
    # A column `sampled` says it case by case, and wins over the spec.
    by_case = golden.sampled_by_stratum if golden is not None else {}
    if golden is not None:
        known.update(dict.fromkeys(golden.strata))
    for stratum in known:
        ways = {way: n for way, n in by_case.get(stratum, {}).items() if n}
        if ways:
            chosen = {way: n for way, n in ways.items() if way in MUST_PASS}
            if chosen:
                found[stratum] = (next(iter(chosen)), sum(chosen.values()))
        elif spec.golden.sampling_of(stratum) in MUST_PASS:
            cases = golden.strata.get(stratum) if golden is not None else None
            found[stratum] = (spec.golden.sampling_of(stratum), cases)
    # Gates speak of it unless they say otherwise.
    found.pop("representative", None)
    tests: dict[str, list[bool]] = {}
    for mode in spec.failure_modes:
        for stratum in mode.cases:
            tests.setdefault(stratum, []).append(mode.accepted is not None or mode.dismissed is not None)
    return {stratum: one for stratum, one in found.items() if not all(tests.get(stratum, [False]))}


def _populations(gate: Gate, spec: Spec) -> Iterator[Population]:
    yield spec.population_of(gate)
    waiting = [call for call in (gate.parsed.left, gate.parsed.right) if call is not None]
    while waiting:
        call = waiting.pop()
        yield call.population
        waiting += [part for part in call.arguments if isinstance(part, Call)]


def _conditions(gate: Gate, spec: Spec) -> set[str]:
    return {one.column for population in _populations(gate, spec) for one in population.conditions}


def _strata_named(gate: Gate, spec: Spec) -> Iterator[str]:
    """Yield the strata that a gate names, and all of them where it compares them."""
    for population in _populations(gate, spec):
        for one in population.conditions:
            if one.column == "stratum" and one.operator in ("=", "in"):
                yield from one.values
    if "stratum" in columns_compared(gate.parsed.left):
        yield from spec.golden.strata


@rule("SW315", "error", level="judge", needs=("golden",))
def strata_have_no_column(promise: Promise) -> Iterator[Finding]:
    """Strata are declared, or a gate is about one, and no column says which case belongs to which.

    No case can then be counted as one of them, and the decision stops with an error.

    Map the column that tells the kinds of case apart under `golden.columns` as `stratum`, add such a column,
    or take the strata out.
    """
    spec, golden = promise.spec, promise.golden
    if golden is None or golden.strata or _has_stratum(promise):
        return
    about = [index for index, gate in enumerate(spec.gates) if "stratum" in _conditions(gate, spec)]
    if spec.golden.strata:
        at: tuple[str | int, ...] = ("golden", "strata")
        said = f"`golden.strata` names {', '.join(spec.golden.strata)}"
    elif about:
        at, said = ("gates", about[0], "rule"), f"The gate {spec.gates[about[0]].rule} is about a stratum"
    else:
        return
    listed = ", ".join(golden.columns[:8]) + (", ..." if len(golden.columns) > 8 else "")
    drop = "take `golden.strata` out" if spec.golden.strata else "write another condition"
    yield Finding(
        at,
        f"{said}, and {spec.golden.path} has no column `stratum` (it has {listed}).",
        f"Map the column that names the kind of each case, `golden: {{columns: {{stratum: COLUMN}}}}`, "
        f"or {drop}.",
    )


def _has_stratum(promise: Promise) -> bool:
    golden = promise.golden
    columns = promise.facts.columns
    return (
        "stratum" in promise.spec.golden.columns
        or (golden is not None and "stratum" in golden.columns)
        or (isinstance(columns, tuple) and "stratum" in columns)
    )


@rule("SW316", "error", level="judge", needs=("golden",))
def golden_set_is_another_version(promise: Promise) -> Iterator[Finding]:
    """The golden set is not the version that the spec pins.

    The bars were agreed on other cases, or on the same ones with other answers.

    Restore the file, or look at what changed (`shipworthy golden diff`) and pin the version it has now.
    """
    pinned = promise.spec.golden.version
    known = promise.golden.version if promise.golden is not None else ""
    if pinned is not None and known and pinned != known:
        yield Finding(
            ("golden", "version"),
            f"{promise.spec.golden.path} is {_short(known)}, and the spec pins {_short(pinned)}.",
            yaml_snippet("golden.version", known),
        )


def _short(version: str) -> str:
    """Return a version short enough to read, and long enough to tell it from another."""
    return version if len(version) <= 20 else f"{version[:19]}..."


@rule("SW317", "error", level="judge", needs=("golden",), example=True)
def positive_class_is_not_named(promise: Promise) -> Iterator[Finding]:
    """A gate bounds a rate of the positive class, and nobody says which class that is.

    Such a rate cannot be measured, and a gate that is not measured holds the release.

    Write the label that triggers the action under `golden.positive`, or name a class inside the rule, such as
    recall(urgent). Labels such as yes and no, or 1 and 0, need no word.
    """
    spec, golden = promise.spec, promise.golden
    if spec.kind not in ("classifier", "detector") or spec.golden.positive or golden is None:
        return
    if golden.usual_positive or "correct" in golden.columns:
        return
    for index, gate in enumerate(spec.gates):
        for call in _metrics(gate):
            if call.name in OF_THE_POSITIVE_CLASS and not call.named and not call.arguments:
                labels = list(golden.classes)
                listed = f" (labels: {', '.join(labels[:6])})" if labels else ""
                yield Finding(
                    ("gates", index, "rule"),
                    f"The gate {gate.rule} needs a positive class, and `golden.positive` names none{listed}.",
                    yaml_snippet("golden.positive", "LABEL"),
                    gate.id,
                )
                return


@rule("SW318", "error", level="judge", needs=("golden",), example=True)
def score_makes_no_decision(promise: Promise) -> Iterator[Finding]:
    """A system gives a score and no prediction, and nothing says from which score on it acts.

    A score is no decision, so no rate of right and wrong ones can be measured.

    Write the cut in use under the system's `threshold`, or record its predictions.
    """
    spec, golden = promise.spec, promise.golden
    if spec.kind not in ("classifier", "detector") or golden is None:
        return
    deciding = next((gate for gate in spec.gates if {c.name for c in _metrics(gate)} & {*OF_DECISIONS}), None)
    if deciding is None:
        return
    for name, columns in promise.facts.answers.items():
        system = spec.systems.named().get(name)
        if system is None or system.threshold is not None:
            continue
        known = {*columns, *golden.columns, *system.columns, *spec.golden.columns}
        if "predicted_score" in known and not known & {"prediction", "correct", "grade"}:
            inside = name if name in ("candidate", "live") else f"baselines.{name}"
            yield Finding(
                ("systems", *inside.split(".")),
                f"The system {name} gives predicted_score and no prediction, it has no `threshold`, and the "
                f"gate {deciding.rule} counts decisions.",
                yaml_snippet(f"systems.{inside}.threshold", 0.5),
                name,
            )


def _metrics(gate: Gate) -> Iterator[Call]:
    for side in (gate.parsed.left, gate.parsed.right):
        if side is not None:
            yield side
            yield from metrics_within(side)
