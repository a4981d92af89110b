"""A verdict without a spec: a file, some rules, and the spec that says the same."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from shipworthy import __version__
from shipworthy.api.runs import Maker
from shipworthy.decide.deciding import decide
from shipworthy.define.reading import spec_from_data
from shipworthy.define.rules import Call, parse_rule
from shipworthy.define.spec import OUTCOMES_BY_KIND, ROLES, Spec
from shipworthy.errors import RuleError, SpecError, UsageError, nearest
from shipworthy.evaluate.progress import Progress, Silent
from shipworthy.evidence.measuring import measure_evidence
from shipworthy.evidence.metric import find_definition
from shipworthy.golden.columns import guess_roles
from shipworthy.golden.entering import open_golden
from shipworthy.records import Decision
from shipworthy.store.hashes import hash_record
from shipworthy.tables.cases import column_holds
from shipworthy.tables.duck import ROW_NUMBER, Connection, ForeignFile, translated
from shipworthy.tables.engine import TableAddress, read_address
from shipworthy.tables.warehouse import connect_for, open_source, without_secret

__all__ = ["CheckRequest", "Checked", "check", "spec_text_for"]

GRADE_METRICS = {"good", "poor", "harmful"}
CLASS_METRICS = {
    "precision",
    "recall",
    "specificity",
    "fpr",
    "fnr",
    "f1",
    "f_beta",
    "mcc",
    "balanced_accuracy",
    "selection_rate",
    "equalised_odds",
    "auc",
    "average_precision",
    "brier",
    "log_loss",
    "net_benefit",
    "calibration_error",
    "kappa",
}
NUMBER_METRICS = {"mae", "rmse", "r2", "mape", "pinball", "interval_coverage", "interval_width"}
_GUARDRAIL = re.compile(r"^\s*(?P<outcome>[\w, ]+?)\s*[:= ]\s*(?P<caught>\d+)\s*/\s*(?P<tried>\d+)\s*$")
_ACCEPTANCE = re.compile(r"^\s*(?P<outcome>[\w, ]+?)\s*[:=]\s*(?P<reason>.+?)\s*\((?P<owner>[^()]+)\)\s*$")


@dataclass(frozen=True)
class CheckRequest:
    """What `check` was asked.

    Args:
        path: Graded outputs or predictions.
        rules: Gates as people say them.
        roles: Role -> column, as given.
        live: File of what is live now; None where there is none.
        baselines: Name -> file.
        where: Column -> value, rows of the judged file to keep.
        live_where: The same for the live file.
        kind: Kind of product; None to infer it.
        positive: Labels of the positive class.
        grades: Foreign grade -> good, poor or harmful.
        scorer: Name of a scorer that compares the output with the label; None where there is none.
        slices: Columns to cut by.
        costs: Kind of error -> cost.
        values: Kind of success -> value.
        currency: ISO code.
        review: Cost of one look by a person.
        volume: Cases per month.
        guardrails: Such as "harmful 46/50".
        acceptances: Such as "poor: an agent rewrites it (ana)".
        sampled: How the cases were chosen.
        threshold: Cut on the predicted score.
        confidence: One-sided confidence of every gate.
    """

    path: Path
    rules: Sequence[str]
    roles: Mapping[str, str] = field(default_factory=dict)
    live: Path | None = None
    baselines: Mapping[str, Path] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    live_where: Mapping[str, str] = field(default_factory=dict)
    kind: str | None = None
    positive: Sequence[str] = ()
    grades: Mapping[str, str] = field(default_factory=dict)
    scorer: str | None = None
    slices: Sequence[str] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    currency: str = "USD"
    review: float | None = None
    volume: float | None = None
    guardrails: Sequence[str] = ()
    acceptances: Sequence[str] = ()
    sampled: str = "unknown"
    threshold: float | None = None
    confidence: float = 0.95


@dataclass(frozen=True)
class Checked:
    """What `check` answers.

    Args:
        decision: The decision; nothing of it is kept.
        spec: The spec that says the same, as plain values.
        understood: Role -> column, as it was understood.
    """

    decision: Decision
    spec: Mapping[str, Any]
    understood: Mapping[str, str]

    @property
    def spec_text(self) -> str:
        """The spec that says the same, as YAML, with paths as they were given."""
        return _dump(self.spec)


def check(path: str | Path, *rules: str, progress: Progress | None = None, **options: Any) -> Checked:
    """Judge a file of graded outputs or predictions by rules, without a spec.

    Args:
        path: Graded outputs or predictions (CSV, TSV, JSONL, JSON, Parquet).
        rules: Gates such as "recall >= 0.95".
        progress: Watches the scoring.
        options: Fields of CheckRequest by name.

    Returns:
        The decision, and the spec that says the same.

    Raises:
        ShipworthyError: If the file, a rule or an option is wrong.
    """
    known = [part.name for part in fields(CheckRequest) if part.name not in ("path", "rules")]
    for name in options:
        if name not in known:
            raise UsageError(f"check has no option {name!r}.", fix=nearest(name, known))
    if options.get("live") is not None:
        options["live"] = Path(options["live"])
    if "baselines" in options:
        options["baselines"] = {name: Path(file) for name, file in options["baselines"].items()}
    return answer(CheckRequest(Path(path), rules, **options), progress or Silent())


def answer(request: CheckRequest, progress: Progress) -> Checked:
    """Answer one request.

    Args:
        request: What was asked.
        progress: Watches the scoring.
    """
    folder = Path()
    connection = connect_for(str(request.path))
    try:
        data, roles = _spec_data(connection, request, folder)
        spec = _read(data, request)
        golden = open_golden(connection, spec.golden, folder)
        maker = Maker(connection, spec, golden, folder)
        rows = {
            name: maker.in_memory(name, use, f"rows_{index}", progress)
            for index, (name, use) in enumerate(spec.systems.named().items())
        }
        subject = rows.pop("candidate")
        evidence = measure_evidence(
            connection,
            spec,
            subject,
            list(rows.values()),
            role="candidate",
            lineage=f"check:{_named(request.path).name}",
        )
        decision = decide(
            spec,
            evidence,
            spec_hash=hash_record(data),
            parents={"golden": golden.version, "rows": subject.pins.rows_hash},
            version=__version__,
        )
    finally:
        connection.close()
    return Checked(decision, data, roles)


def spec_text_for(request: CheckRequest, folder: Path) -> str:
    """Return the spec that says the same as a check, with paths relative to a folder.

    Args:
        request: What was asked.
        folder: Where the spec will lie.
    """
    connection = connect_for(str(request.path))
    try:
        return _dump(_spec_data(connection, request, folder)[0])
    finally:
        connection.close()


def _read(data: Mapping[str, Any], request: CheckRequest) -> Spec:
    """Read the made spec; a wrong rule is reported as the user wrote it, without a file they never saw."""
    for rule in request.rules:
        parse_rule(rule)
    try:
        return spec_from_data(data, Path("check"))
    except RuleError:
        raise
    except SpecError as error:
        raise UsageError(error.what, fix=error.fix) from None


def _spec_data(
    connection: Connection, request: CheckRequest, folder: Path
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the spec that says the same, as plain values, and what each column was understood to be."""
    if not request.rules:
        raise UsageError(
            "There is no rule to check by.", fix='Add one, such as "good >= 80%" or "recall >= 0.95".'
        )
    _check_others(request)
    file = open_source(connection, str(request.path), Path())
    names = {name for rule in request.rules for name in _metric_names(rule)}
    kind = request.kind or _kind(names, file, request.roles)
    roles = _roles(connection, file, request, names, kind)
    if request.scorer is None:
        _check_roles(file, names, roles)
    golden: dict[str, Any] = {"path": _relative(request.path, folder), "sampled": request.sampled}
    _add(golden, "where", dict(request.where))
    _add(golden, "columns", {role: name for role, name in roles.items() if role != name})
    _add(golden, "positive", list(request.positive))
    _add(golden, "grades", dict(request.grades))
    spec: dict[str, Any] = {
        "shipworthy": 1,
        "id": re.sub(r"[^A-Za-z0-9._-]+", "-", _named(request.path).stem).strip("-._") or "check",
        "kind": kind,
        "decision": {"prediction": "output", "action": ["use"], "actor": "user"},
    }
    _add(spec, "costs", _costs(request))
    spec["golden"] = golden
    spec["systems"] = _systems(connection, request, roles, folder)
    _add(spec, "slices", list(request.slices))
    if request.scorer is not None:
        spec["metrics"] = [{"id": "correct", "scorer": request.scorer}]
    spec["gates"] = [
        rule if request.confidence == 0.95 else {"rule": rule, "confidence": request.confidence}
        for rule in request.rules
    ]
    _add(spec, "guardrails", [_guardrail(text, kind, index) for index, text in enumerate(request.guardrails)])
    _add(spec, "acceptances", [_acceptance(text, kind) for text in request.acceptances])
    return spec, roles


def _check_others(request: CheckRequest) -> None:
    """Refuse a comparison with a system whose file was not given."""
    given = [*(["live"] if request.live is not None else []), *request.baselines]
    for rule in request.rules:
        left = parse_rule(rule).left
        if left.name in ("delta", "negative_flips") and left.arguments:
            name = str(left.arguments[-1])
            if name not in given:
                option = "--live FILE" if name == "live" else f"--baseline {name}=FILE"
                raise UsageError(
                    f"{rule!r} compares with {name!r}, and its file was not given.", fix=f"Add {option}."
                )


def _check_roles(file: ForeignFile, names: set[str], roles: Mapping[str, str]) -> None:
    """Refuse rules that need columns nobody could find, before every gate comes out as not measured."""
    needed: list[str] = []
    # A column called as its role is read by that name, whatever it holds; what is wrong in it is said there.
    found = {*roles, *file.names}
    if names & GRADE_METRICS and "grade" not in found:
        needed = ["--grade-column COLUMN"]
    elif names & CLASS_METRICS:
        needed = [] if "label" in found else ["--label COLUMN"]
        needed += [] if {"prediction", "predicted_score"} & found else ["--prediction COLUMN"]
    if needed:
        metric = sorted(names & (GRADE_METRICS | CLASS_METRICS))[0]
        raise UsageError(
            f"{metric} needs columns that {file.path.name} does not name in a way that is understood; "
            f"it has {', '.join(file.names[:12])}.",
            fix=f"Name them: {' '.join(needed)}.",
        )


def _add(target: dict[str, Any], key: str, value: Any) -> None:
    if value:
        target[key] = value


def _metric_names(rule: str) -> set[str]:
    parsed = parse_rule(rule)
    found: set[str] = set()
    waiting = [call for call in (parsed.left, parsed.right) if call is not None]
    while waiting:
        call = waiting.pop()
        found.add(call.name)
        waiting += [inner for inner in call.arguments if isinstance(inner, Call)]
    return found


def _kind(names: set[str], file: ForeignFile, roles: Mapping[str, str]) -> str:
    """Infer the kind of product from the rules and the columns."""
    if names & GRADE_METRICS:
        return "generator"
    if names & NUMBER_METRICS:
        return "regressor"
    if any(definition and "query_id" in definition.columns for definition in map(find_definition, names)):
        return "ranker"
    guessed = {**guess_roles(file), **roles}
    predicts = "label" in guessed and ("prediction" in guessed or "predicted_score" in guessed)
    return "classifier" if names & CLASS_METRICS or predicts else "generator"


def _roles(
    connection: Connection,
    file: ForeignFile,
    request: CheckRequest,
    names: set[str],
    kind: str,
) -> dict[str, str]:
    """Return role -> column: as given, else by the columns' own names where their values fit."""
    for role, column in request.roles.items():
        if role not in ROLES:
            raise UsageError(f"{role!r} is no role of a column.", fix=nearest(role, ROLES))
        if file.find(column) is None:
            raise UsageError(
                f"{_named(request.path)} has no column {column!r} to be the {role}.",
                fix=nearest(column, file.names),
            )
    guessed = {role: name for role, name in guess_roles(file).items() if name not in request.roles.values()}
    if names & GRADE_METRICS:
        for role in ("label", "prediction", "predicted_score", "correct"):
            guessed.pop(role, None)
    elif kind in ("classifier", "detector", "regressor", "ranker") or "label" in request.roles:
        guessed.pop("grade", None)
        guessed.pop("correct", None)
    with translated(str(_named(request.path))):
        fitting = {
            role: name for role, name in guessed.items() if _fits(connection, file, role, name, request, kind)
        }
    roles = {**fitting, **request.roles}
    scored = fitting.get("predicted_score")
    if (
        scored is not None
        and "prediction" not in roles
        and column_holds(connection, file, scored, ("0", "1"))
    ):
        # A column of zeros and ones is an answer, whatever it is called.
        roles["prediction"] = roles.pop("predicted_score")
    if "case_id" not in roles:
        repeated = guessed.get("case_id")
        if request.live is not None or request.baselines:
            what = "has no column of case ids" if repeated is None else f"repeats ids in {repeated!r}"
            raise UsageError(
                f"{_named(request.path)} {what}, so its rows cannot be paired with another file.",
                fix="Name the column of ids with --id COLUMN"
                + (", and the one that numbers repeats with --repeat COLUMN." if repeated else "."),
            )
        roles["case_id"] = ROW_NUMBER
        if repeated is not None:
            # Rows that share an id are no independent cases; as one cluster they do not pass for more.
            roles.setdefault("cluster_id", repeated)
    return roles


def _fits(
    connection: Connection, file: ForeignFile, role: str, name: str, request: CheckRequest, kind: str
) -> bool:
    """Return whether a guessed column holds what its role needs; an item may occur under many queries."""
    if role in ("predicted_score", "latency_ms", "run_cost", "weight"):
        return column_holds(connection, file, name, "number")
    if role == "repeat":
        return column_holds(connection, file, name, "whole number")
    if role == "correct":
        return column_holds(connection, file, name, ("0", "1", "true", "false", "yes", "no", "pass", "fail"))
    if role == "grade":
        known = (grade.lower() for grade in request.grades)
        return column_holds(connection, file, name, ("good", "poor", "harmful", *known))
    if role == "case_id":
        repeated = "repeat" in guess_roles(file) or bool(request.where) or kind == "ranker"
        return repeated or column_holds(connection, file, name, "unique")
    return True


def _systems(
    connection: Connection, request: CheckRequest, roles: Mapping[str, str], folder: Path
) -> dict[str, Any]:
    own: dict[str, Any] = {"recorded": _relative(request.path, folder)}
    _add(own, "where", dict(request.where))
    if request.threshold is not None:
        own["threshold"] = request.threshold
    systems: dict[str, Any] = {"candidate": own}
    if request.live is not None:
        systems["live"] = _other(connection, request, request.live, roles, folder, dict(request.live_where))
    if request.baselines:
        systems["baselines"] = {
            name: _other(connection, request, path, roles, folder, {})
            for name, path in request.baselines.items()
        }
    return systems


def _other(
    connection: Connection,
    request: CheckRequest,
    path: Path,
    roles: Mapping[str, str],
    folder: Path,
    where: Mapping[str, str],
) -> dict[str, Any]:
    """Describe another system's file; columns it names differently are found by its own names."""
    file = open_source(connection, str(path), Path())
    system: dict[str, Any] = {"recorded": _relative(path, folder)}
    _add(system, "where", dict(where))
    if request.threshold is not None:
        system["threshold"] = request.threshold
    guessed = guess_roles(file)
    columns = {
        role: guessed[role]
        for role, name in roles.items()
        if file.find(name) is None and role in guessed and role not in ("label", "input")
    }
    _add(system, "columns", columns)
    return system


def _costs(request: CheckRequest) -> dict[str, Any]:
    if not (request.costs or request.values) and request.review is None and request.volume is None:
        return {}
    found: dict[str, Any] = {"currency": request.currency}
    found.update(request.costs)
    found.update(request.values)
    if request.review is not None:
        found["review"] = request.review
    if request.volume is not None:
        found["volume_per_month"] = request.volume
    return found


def _guardrail(text: str, kind: str, index: int) -> dict[str, Any]:
    match = _GUARDRAIL.match(text)
    if match is None:
        raise UsageError(
            f"--guardrail {text!r} is no outcome with caught/tried.", fix='Write --guardrail "harmful 46/50".'
        )
    return {
        "id": f"guardrail_{index + 1}",
        "stops": _outcomes(match["outcome"], kind),
        "tried": int(match["tried"]),
        "caught": int(match["caught"]),
    }


def _acceptance(text: str, kind: str) -> dict[str, Any]:
    match = _ACCEPTANCE.match(text)
    if match is None:
        raise UsageError(
            f"--accept {text!r} is no outcome with reason and owner.",
            fix='Write --accept "poor: an agent rewrites it (ana)".',
        )
    return {
        "of": _outcomes(match["outcome"], kind),
        "reason": match["reason"],
        "owner": match["owner"].strip(),
    }


def _outcomes(text: str, kind: str) -> list[str]:
    names = [name for name in re.split(r"[,\s]+", text.strip()) if name and name != "and"]
    for name in names:
        if name not in OUTCOMES_BY_KIND[kind]:
            raise UsageError(
                f"{name!r} is no class of bad outcome of a {kind}.", fix=nearest(name, OUTCOMES_BY_KIND[kind])
            )
    return names


def _named(path: Path) -> Path | TableAddress:
    """Return a path, or the table that it names as a URL, whose password is not shown."""
    return read_address(str(path)) or path


def _relative(path: Path, folder: Path) -> str:
    if read_address(str(path)) is not None:
        return without_secret(str(path))
    if folder == Path():
        return str(path)
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _dump(spec: Mapping[str, Any]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    def styled(value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            inner = CommentedMap({key: styled(item, depth + 1) for key, item in value.items()})
            if depth > 0 and not any(isinstance(item, Mapping) for item in value.values()):
                inner.fa.set_flow_style()
            return inner
        if isinstance(value, list):
            seq = CommentedSeq([styled(item, depth + 1) for item in value])
            if all(not isinstance(item, Mapping) for item in value) and depth > 1:
                seq.fa.set_flow_style()
            return seq
        return value

    tree = styled(spec, 0)
    if isinstance(tree, CommentedMap):
        tree.yaml_set_start_comment("Written by `shipworthy check`; it says the same as that command.")
        tree.yaml_add_eol_comment("say what the output triggers, and who acts on it", "decision")
    buffer = io.StringIO()
    yaml = YAML()
    yaml.width = 110
    yaml.dump(tree, buffer)
    return buffer.getvalue()
