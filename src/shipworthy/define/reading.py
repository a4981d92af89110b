"""Reads shipworthy.yaml: every refusal names the file, the line, the nearest valid name and what to do."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from shipworthy.define.keys.measures import FROM_COSTS
from shipworthy.define.rules import Call, Condition, parse_condition_text, parse_rule
from shipworthy.define.spec import GOOD_OUTCOMES_BY_KIND, OUTCOMES_BY_KIND, Spec
from shipworthy.errors import RuleError, SpecError, nearest

__all__ = ["SPEC_FILE", "SpecFile", "read_spec", "spec_from_data", "spec_from_text"]

SPEC_FILE = "shipworthy.yaml"


@dataclass(frozen=True)
class SpecFile:
    """A spec with the place of each of its keys.

    Args:
        spec: The checked spec.
        path: The file it came from.
        text: Its text.
        lines: Path of keys and indexes -> one-based line.
    """

    spec: Spec
    path: Path
    text: str
    lines: Mapping[tuple[str | int, ...], int]

    @property
    def hash(self) -> str:
        """Content hash of the text."""
        return "sha256:" + hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def folder(self) -> Path:
        """The product's folder."""
        return self.path.parent

    def where(self, *keys: str | int) -> str:
        """Return file and line of a key, or of the nearest key above it that has a line."""
        return _where(self.path, self.lines, keys)


def read_spec(path: Path) -> SpecFile:
    """Read and check a spec.

    Args:
        path: shipworthy.yaml itself, or the folder that holds it.

    Returns:
        The spec with the place of each key.

    Raises:
        SpecError: If it is missing, is no YAML, or says something impossible.
    """
    try:
        file = path / SPEC_FILE if path.is_dir() or not path.suffix else path
        if file.exists() and not file.is_file():
            raise SpecError(
                f"{str(file)!r} is no file.", fix="Name the product's folder, or its shipworthy.yaml."
            )
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpecError(
            f"There is no spec at {str(file)!r}.",
            fix="Go to the product's folder, or make one with `shipworthy init my-product`.",
        ) from None
    except UnicodeDecodeError as error:
        raise SpecError(
            f"The file is not UTF-8 text (byte {error.start}).", where=str(file), fix="Save it as UTF-8."
        ) from None
    except OSError as error:
        shown = str(path) if len(str(path)) < 200 else f"{str(path)[:200]}..."
        raise SpecError(f"The spec cannot be read: {error.strerror}.", where=shown) from None
    return spec_from_text(text, file)


def spec_from_text(text: str, path: Path) -> SpecFile:
    """Check a spec given as text.

    Args:
        text: YAML.
        path: Name used in messages, and whose folder relative paths start from.

    Returns:
        The spec with the place of each key.

    Raises:
        SpecError: If it is no YAML or says something impossible.
    """
    data, lines = _load_yaml(text, path)
    return SpecFile(_checked(data, path, lines), path, text, lines)


def spec_from_data(data: Mapping[str, Any], path: Path) -> Spec:
    """Check a spec given as plain values.

    Args:
        data: What the YAML would hold.
        path: Name used in messages.

    Returns:
        The spec.

    Raises:
        SpecError: If it says something impossible.
    """
    return _checked(data, path, {})


def _checked(data: Any, path: Path, lines: Mapping[tuple[str | int, ...], int]) -> Spec:
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        raise _explain(error, data, path, lines) from None
    _check_confidences(spec, path, lines)
    _check_rules(spec, path, lines)
    _check_metrics(spec, path, lines)
    _check_names(spec, path, lines)
    _check_conditions(spec, path, lines)
    _check_references(spec, path, lines)
    _check_judges(spec, path, lines)
    return spec


def _load_yaml(text: str, path: Path) -> tuple[Any, dict[tuple[str | int, ...], int]]:
    # A check has no YAML to read, and must answer within a second.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        reader = YAML(typ="rt")
        # An anchor that is used again means its last place, as YAML 1.2 says; it is no reason for a warning.
        reader.composer.warn_double_anchors = False
        # A day stays as written: 2026-02-31 is refused with its line, and a version such as 2026-01 is text.
        constructors = reader.constructor.yaml_constructors
        text_of = constructors["tag:yaml.org,2002:str"]
        reader.constructor.yaml_constructors = {**constructors, "tag:yaml.org,2002:timestamp": text_of}
        tree = reader.load(text)
    except RecursionError:
        raise SpecError(
            "The spec is nested too deeply.", where=str(path), fix="Close the brackets that are opened."
        ) from None
    except (ValueError, KeyError, OverflowError) as error:
        raise SpecError(
            f"The spec holds a value that YAML cannot read: {_first_line(error)}.",
            where=str(path),
            fix="Write the value plainly, without a !! tag; quote a long number.",
        ) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        problem = (error.problem or "it does not parse").split("\n")[0]
        fix = "Check indentation, quotes and colons near that line."
        if "duplicate key" in str(error):
            fix = "Keep one of the two."
        raise SpecError(f"This is no valid YAML: {problem}.", where=f"{path}:{line}", fix=fix) from None
    except YAMLError as error:
        raise SpecError(
            f"This is no valid YAML: {str(error).splitlines()[0]}.",
            where=str(path),
            fix="Check for control characters.",
        ) from None
    if tree is None:
        raise SpecError(
            "The spec is empty.", where=str(path), fix="`shipworthy init` writes one to start from."
        )
    if not isinstance(tree, dict):
        raise SpecError(
            "A spec is a mapping of keys, not a list or a text.",
            where=f"{path}:1",
            fix="Start with `shipworthy: 1`.",
        )
    _refuse_unfolding(tree, path)
    lines: dict[tuple[str | int, ...], int] = {(): 1}
    try:
        return _strip(tree, (), lines), lines
    except UnicodeError:
        raise SpecError(
            "The spec escapes half a character (a lone \\ud800 to \\udfff).",
            where=str(path),
            fix="Write the character itself.",
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0][:100].rstrip(".")


#: Values of a spec, every repetition by an alias counted.
MOST_VALUES = 100_000


def _refuse_unfolding(tree: Any, path: Path) -> None:
    """Refuse a text whose aliases repeat each other until it holds more than anybody wrote."""
    sizes: dict[int, int] = {}

    def size_of(node: Any) -> int:
        if not isinstance(node, (dict, list)):
            return 1
        known = sizes.get(id(node))
        if known is None:
            # While it is being counted, an alias of itself adds nothing; a cycle is found as too deep.
            sizes[id(node)] = 1
            inner = node.values() if isinstance(node, dict) else node
            known = sizes[id(node)] = 1 + sum(map(size_of, inner))
        return known

    if size_of(tree) > MOST_VALUES:
        raise SpecError(
            f"The spec holds more than {MOST_VALUES:,} values, aliases counted.",
            where=str(path),
            fix="Write what is meant without aliases of aliases.",
        )


def _strip(node: Any, at: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> Any:
    """Return plain Python values and note each key's line."""
    position = getattr(node, "lc", None)
    if isinstance(node, dict):
        plain: dict[str, Any] = {}
        for key, value in node.items():
            inner = (*at, str(key))
            if position is not None and position.data and key in position.data:
                lines[inner] = position.data[key][0] + 1
            plain[str(key)] = _strip(value, inner, lines)
        return plain
    if isinstance(node, list):
        for index, value in enumerate(node):
            if position is not None and position.data and index in position.data:
                lines[(*at, index)] = position.data[index][0] + 1
            node[index] = _strip(value, (*at, index), lines)
        return list(node)
    if isinstance(node, bool) or node is None:
        return node
    for simple in (int, float):
        if isinstance(node, simple):
            return simple(node)
    # JSON escapes a character beyond 16 bits as two halves, which YAML leaves apart.
    return str(node).encode("utf-16", "surrogatepass").decode("utf-16")


def _where(path: Path, lines: Mapping[tuple[str | int, ...], int], keys: tuple[str | int, ...]) -> str:
    while keys and keys not in lines:
        keys = keys[:-1]
    return f"{path}:{lines.get(keys, 1)}"


def _explain(error: ValidationError, data: Any, path: Path, lines: Mapping[Any, int]) -> SpecError:
    """Turn the first of pydantic's findings into one sentence a person can act on."""
    found = min(
        error.errors(include_url=False), key=lambda e: (e["type"] != "extra_forbidden", len(e["loc"]))
    )
    keys = tuple(
        part for part in found["loc"] if not (isinstance(part, str) and part.startswith("function-"))
    )
    keys = _real_keys(keys, data)
    where = _where(path, lines, keys)
    name = ".".join(str(key) for key in keys)
    if found["type"] == "extra_forbidden":
        return SpecError(
            f"Unknown key {name!r}.",
            where=where,
            fix=_gone(keys) or nearest(str(keys[-1]), _keys_beside(keys)),
        )
    if found["type"] == "missing":
        return SpecError(f"The key {name!r} is missing.", where=where, fix=_describe_missing(keys))
    if found["type"] == "value_error":
        reason = found["msg"].removeprefix("Value error, ")
        what, _semicolon, advice = reason.partition("; ")
        fix = f"{advice[:1].upper()}{advice[1:]}." if advice else VALUE_FIX
        return SpecError(f"{name or 'The spec'}: {what}.", where=where, fix=fix)
    wanted, fix = _wanted(found, keys)
    return SpecError(f"{name!r} must be {wanted}, not {_shown(found['input'])}.", where=where, fix=fix)


def _real_keys(keys: tuple[Any, ...], data: Any) -> tuple[str | int, ...]:
    """Drop the parts of a location that name a branch of a union and not a key."""
    kept: list[str | int] = []
    node = data
    for position, key in enumerate(keys):
        is_last = position == len(keys) - 1
        inside = (isinstance(node, dict) and key in node) or (
            isinstance(node, list) and isinstance(key, int) and key < len(node)
        )
        if inside:
            node = node[key]
            kept.append(key)
        elif is_last and isinstance(node, dict) and isinstance(key, str) and "[" not in key:
            kept.append(key)
    return tuple(kept)


def _model_at(keys: tuple[str | int, ...]) -> type[BaseModel] | None:
    model: Any = Spec
    for key in keys:
        if isinstance(key, int):
            continue
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return None
        field = _field_of(model, str(key))
        if field is None:
            return model if key == keys[-1] else _model_inside(model)
        model = _model_inside(field.annotation)
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _names_of(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _field_of(model: type[BaseModel], key: str) -> FieldInfo | None:
    return next((f for name, f in model.model_fields.items() if (f.alias or name) == key), None)


def _model_inside(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()) or ():
        found = _model_inside(part)
        if found is not None:
            return found
    return None


def _keys_beside(keys: tuple[str | int, ...]) -> list[str]:
    model = _model_at(keys[:-1])
    return _names_of(model) if model is not None else []


def _describe_missing(keys: tuple[str | int, ...]) -> str:
    model = _model_at(keys[:-1])
    field = _field_of(model, str(keys[-1])) if model is not None and keys else None
    if field is not None and field.description:
        return f"Add it: {field.description}"
    return "Add it; `shipworthy init` shows an example of every key."


def _gone(keys: tuple[str | int, ...]) -> str | None:
    """Return where to put what an older or another spec says under this key; None where nothing is known."""
    plain = [str(key) for key in keys if isinstance(key, str)]
    return GONE.get(".".join(plain)) or GONE.get("*." + plain[-1])


#: Keys of older drafts and of other tools -> where they went; `*.` stands for any place.
GONE = {
    "model": "`model` is gone: put it under systems.candidate (or live, or baselines) as its `model`; "
    "budgets stand at the top.",
    "incumbent": "What users have now is `systems.live`.",
    "systems.incumbent": "What users have now is `live`.",
    "systems.baseline": "Write `baselines: {NAME: {...}}`, with a name of its own for each.",
    "baselines": "Write them under `systems`, each with a name: `systems: {baselines: {NAME: {...}}}`.",
    "candidate": "Write it under `systems`.",
    "live": "Write it under `systems`.",
    "owner": "Write `owners: {product: NAME}`, with the other roles beside it.",
    "signers": "Write them under `owners`.",
    "sources": "Write them under `data`.",
    "labels": "What the truth is stands under `data.labels`; people's verdicts stand under `judges`.",
    "strata": "Write them under `golden`.",
    "repeats": "Write it under `golden`.",
    "tools": "Write them under `context`.",
    "prompt": "Write it under `context`.",
    "retrieval": "Write it under `context`.",
    "envelope": "Write it under `context`.",
    "stages": "Write them under `launch`.",
    "experiment": "Write it under `launch`.",
    "rollback": "Write it under `launch`.",
    "fallback": "Write it under `launch`.",
    "feedback": "How users complain stands under `launch.feedback`; what comes back as data under "
    "`learning.feedback`.",
    "retrain": "Write it under `learning`.",
    "comms": "Write it under `launch`.",
    "support": "Write it under `launch`.",
    "user_feedback": "Write it as `launch.feedback`.",
    "red_team": "Write it under `launch`.",
    "protected_groups": "Name the slice columns under `groups`.",
    "problem.decision": "`decision` stands at the top of the file.",
    "problem.costs": "`costs` stands at the top of the file.",
    "launch.user_feedback": "Write it as `feedback`.",
    "launch.uncertainty_ux": "Write it as `comms: {disclosure: ...}`.",
    "launch.stages.shadow": "Write `{name: shadow, percent: 0, for: 7d}`.",
    "launch.stages.internal": "Write `{name: internal, percent: 0, for: 3d}`.",
    "launch.experiment.guardrails": "Metrics that must not get worse stand under `protected`.",
    "launch.comms.support_macro": "Write it as `support`.",
    "launch.comms.adverse_action_reasons": "Write it as `adverse_reasons`.",
    "metrics.goal": "Write `better: higher` or `better: lower`.",
    "metrics.primary": "Write `role: primary`.",
    "metrics.over": "Write a gate such as `ratio(recall, age) >= 0.8`, and name the columns under `groups`.",
    "metrics.k": "Write it into the name, as in pass^3 or recall@6.",
    "rubric.pass": "Write it as `passes_if`.",
    "judges.labels_per_criterion": "Write one entry per judged score, each with its `labels_planned`.",
    "judges.revalidate": "Write it as `revalidate_every`.",
    "judges.expert": "Write it as `owner`.",
    "limits.not": "Write it as `does_not`.",
    "gates.worst_of": "Write it into the rule, as in pass^3 or mean_worst(SCORE).",
    "gates.threshold": "Write the bar into the rule, as in recall >= 0.95.",
    "context.retrieval.corpus_owner": "Write it as `owner`.",
    "context.tools.limit_usd": "Write it as `limit: 50 USD a call`.",
    "context.memory.pii": "Write it as `personal_data`.",
    "context.prompt.ref": "Write it as `version`.",
    "budgets.cost_per_task_usd": "Write it as `run_cost`.",
    "budgets.cost_per_1k_usd": "Write it as `run_cost`, of one case: a thousandth of it.",
    "budgets.monthly_usd": "Write it as `monthly`.",
    "budgets.tokens_per_task": "Write it as `tokens`.",
    "*.ref": "Write it as `model`.",
    "*.incumbent": "What users have now is `systems.live`.",
}

VALUE_FIX = "Correct it there; `shipworthy init` writes an example of each kind of product."

#: Words of older drafts and of other tools for a value: key, word -> what to write.
OTHER_WORDS = {
    ("role", "guardrail"): "A metric that must not get worse in an experiment is `protected`.",
    ("better", "up"): "Write `higher`.",
    ("better", "down"): "Write `lower`.",
    ("do", "rollback"): "Write `roll_back`.",
    ("do", "alert"): "Write `page`.",
    ("by", "human"): "Write `person`.",
    ("by", "model"): "Write `system`.",
    ("severity", "critical"): "Write `blocker`.",
    ("severity", "high"): "Write `major`, or `blocker` where it must not ship with it.",
    ("severity", "low"): "Write `minor`.",
}

#: What may stand for a whole mapping, by the mapping's first key.
SHORT_FORMS = {"means": "a number", "rule": "a rule such as recall >= 0.95", "id": "a name"}


def _shown(given: Any) -> str:
    """Return what was written in place of what was wanted, in words."""
    if given is None:
        return "empty"
    if isinstance(given, (list, dict)):
        return ("a list" if isinstance(given, list) else "a mapping of keys") if given else "empty"
    if isinstance(given, bool):
        return "true" if given else "false"
    return repr(given)


def _wanted(found: ErrorDetails, keys: tuple[str | int, ...]) -> tuple[str, str]:
    """Return what a value must be, in words, and what to write."""
    kind, limits, given = found["type"], found.get("ctx", {}), found["input"]
    if kind == "literal_error":
        known = re.findall(r"[\w.]+", limits.get("expected", "").replace(" or ", ", "))
        fix = OTHER_WORDS.get((str(keys[-1]), str(given))) or nearest(str(given), known)
        return " or ".join(known) if len(known) < 3 else "one of the known words", fix
    if kind in ("model_type", "dict_type"):
        names = _names_of(model)[:8] if (model := _model_at(keys)) is not None else []
        short = SHORT_FORMS.get(names[0]) if names and keys[0] in ("costs", "gates", "metrics") else None
        listed = f" Its keys: {', '.join(names)}." if names else ""
        return (
            f"{short} or a mapping of keys" if short else "a mapping of keys",
            f"Write it as key: value.{listed}",
        )
    if kind == "list_type":
        names = _names_of(model)[:8] if (model := _model_at(keys)) is not None else []
        listed = f" The keys of an entry: {', '.join(names)}." if names else ""
        inside = "{...}" if names else given if isinstance(given, str) else "..."
        return "a list", f"Write it in brackets, [{inside}], or with dashes.{listed}"
    if kind in ("too_short", "string_too_short"):
        least = limits.get("min_length", 1)
        return (
            "a list of at least one entry" if kind == "too_short" else f"a text of at least {least} letters",
            "Fill it in.",
        )
    if kind.startswith("bool"):
        return "true or false", "Write true or false."
    if kind.startswith("string"):
        if isinstance(given, float):
            return "text", "Write it in quotes, as it stands: 1.10 is a version, and the number 1.1 another."
        if isinstance(given, int):
            return "text", f'Write it in quotes: "{_shown(given)}".'
        return "text", "Write text; quote it if it looks like a number."
    words = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
    if kind in words:
        than = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}[words[kind]]
        limit = limits[words[kind]]
        share = isinstance(given, (int, float)) and 2 <= given <= 100 and limit == 1
        return (
            f"{than} {limit:g}",
            f"Write {given / 100:g} for {given:g}%." if share else "Write another number.",
        )
    if kind.startswith("int"):
        return "a whole number", "Write a number without a point."
    percent = str(given).strip().removesuffix("%")
    if str(given).strip().endswith("%") and percent.replace(".", "", 1).isdigit():
        written = float(percent) if keys[-1] == "percent" else float(percent) / 100
        return "a number", f"Write {written:g} for {given}."
    return "a number", "Write a number."


def _check_rules(spec: Spec, path: Path, lines: Mapping[Any, int]) -> None:
    """Parse every rule once, so that a typo is found before any work is done."""
    for index, gate in enumerate(spec.gates):
        where = _where(path, lines, ("gates", index, "rule"))
        try:
            rule = gate.parsed
            population = spec.population_of(gate)
        except RuleError as error:
            raise error.at(where) from None
        strata = [c for c in population.conditions if c.column == "stratum"]
        for call in (rule.left, rule.right):
            if call is not None:
                strata += [c for c in call.population.conditions if c.column == "stratum"]
        _check_strata(spec, strata, where)


def _check_confidences(spec: Spec, path: Path, lines: Mapping[Any, int]) -> None:
    """Refuse a confidence from costs that state no losses to take it from."""
    costs = spec.costs
    for index, gate in enumerate(spec.gates):
        if gate.stated == FROM_COSTS and spec.implied_confidence() is None:
            known = [
                name for name in ("wrong_ship", "wrong_hold") if costs is not None and getattr(costs, name)
            ]
            missing = [name for name in ("wrong_ship", "wrong_hold") if name not in known]
            raise SpecError(
                f"The gate {gate.id!r} takes its confidence from costs, which state no "
                f"{' and no '.join(missing)}.",
                where=_where(path, lines, ("gates", index, "confidence")),
                fix="Add under costs what a point on the wrong side of a bar loses per month, such as "
                "{wrong_ship: 5000, wrong_hold: 500}, or state a confidence such as 0.95.",
            )


def _check_metrics(spec: Spec, path: Path, lines: Mapping[Any, int]) -> None:
    """Refuse a metric that does not read as one, such as `recall >= 0.9` or two words."""
    for index, metric in enumerate(spec.metrics):
        if metric.layer == "online":
            continue
        try:
            rule = parse_rule(f"{metric.id} >= 0")
        except RuleError:
            rule = None
        if rule is None or rule.right is not None or str(rule.left) != metric.id.strip():
            raise SpecError(
                f"{metric.id!r} is no metric.",
                where=_where(path, lines, ("metrics", index)),
                fix="Write a name such as recall, ndcg@10 or mean(reward); bars belong under gates.",
            )


def _check_names(spec: Spec, path: Path, lines: Mapping[Any, int]) -> None:
    """Refuse two entries of one list under one name: whoever names it could mean either."""
    for (*keys, word), entries in (
        (("metrics", "metrics"), [one.id for one in spec.metrics]),
        (("rubric", "criteria of the rubric"), [one.id for one in spec.rubric]),
        (("gates", "gates"), [one.id for one in spec.gates]),
        (("failure_modes", "failure modes"), [one.id for one in spec.failure_modes]),
        (("guardrails", "guardrails"), [one.id for one in spec.guardrails]),
        (("monitors", "monitors"), [one.id for one in spec.monitors]),
        (("data", "sources", "sources"), [one.id for one in spec.data.sources] if spec.data else []),
        (("data", "lineage", "lineage nodes"), [one.id for one in spec.data.lineage] if spec.data else []),
        (("context", "tools", "tools"), [one.id for one in spec.context.tools] if spec.context else []),
    ):
        for index, name in enumerate(entries):
            if name in entries[:index]:
                raise SpecError(
                    f"Two {word} are called {name!r}.",
                    where=_where(path, lines, (*keys, index)),
                    fix="Give one of them another id.",
                )


def _check_conditions(spec: Spec, path: Path, lines: Mapping[Any, int]) -> None:
    """Parse every condition outside the gates."""
    found: list[tuple[tuple[str | int, ...], str]] = [
        (("monitors", index, "on"), monitor.on)
        for index, monitor in enumerate(spec.monitors)
        if monitor.on is not None
    ]
    found += [(("costs", "by_group", text), text) for text in (spec.costs.by_group if spec.costs else ())]
    for keys, text in found:
        try:
            parse_condition_text(text)
        except RuleError as error:
            raise error.at(_where(path, lines, keys)) from None


def _check_strata(spec: Spec, conditions: list[Condition], where: str) -> None:
    if not spec.golden.strata:
        return
    for condition in conditions:
        for value in condition.values:
            if value not in spec.golden.strata:
                raise SpecError(
                    f"No stratum named {value!r} is declared.",
                    where=where,
                    fix=nearest(value, spec.golden.strata) + " Strata are declared under golden.strata.",
                )


def _check_references(spec: Spec, path: Path, lines: Mapping[Any, int]) -> None:
    gate_ids = [gate.id for gate in spec.gates]
    known = OUTCOMES_BY_KIND[spec.kind]
    for outcome in spec.outcomes:
        if outcome not in (*known, *GOOD_OUTCOMES_BY_KIND[spec.kind]):
            raise SpecError(
                f"{outcome!r} is no class of outcome of a {spec.kind}.",
                where=_where(path, lines, ("outcomes", outcome)),
                fix=nearest(outcome, (*GOOD_OUTCOMES_BY_KIND[spec.kind], *known)),
            )
    for index, guardrail in enumerate(spec.guardrails):
        _check_outcomes(guardrail.stops, known, _where(path, lines, ("guardrails", index, "stops")), spec)
    for index, acceptance in enumerate(spec.acceptances):
        _check_outcomes(acceptance.of, known, _where(path, lines, ("acceptances", index, "of")), spec)
    for index, mode in enumerate(spec.failure_modes):
        if mode.gate is not None and mode.gate not in gate_ids:
            raise SpecError(
                f"Failure mode {mode.id!r} names the gate {mode.gate!r}, which does not exist.",
                where=_where(path, lines, ("failure_modes", index, "gate")),
                fix=nearest(mode.gate, gate_ids),
            )
        conditions = [Condition("stratum", "=", (name,)) for name in mode.cases]
        _check_strata(spec, conditions, _where(path, lines, ("failure_modes", index, "cases")))
    systems = spec.systems.declared()
    for index, gate in enumerate(spec.gates):
        rule = gate.parsed
        if rule.left.name in ("delta", "negative_flips") and rule.left.arguments:
            name = str(rule.left.arguments[-1])
            if name not in systems:
                raise SpecError(
                    f"The gate {gate.rule!r} compares with {name!r}, which is not under systems.",
                    where=_where(path, lines, ("gates", index)),
                    fix="What users have now is called `live`."
                    if name == "incumbent"
                    else nearest(name, systems),
                )


def _check_outcomes(named: list[str], known: tuple[str, ...], where: str, spec: Spec) -> None:
    for outcome in named:
        if outcome not in known:
            raise SpecError(
                f"{outcome!r} is no class of bad outcome of a {spec.kind}.",
                where=where,
                fix=nearest(outcome, known),
            )


def _check_judges(spec: Spec, path: Path, lines: Mapping[Any, int]) -> None:
    """Refuse a judge of a score that nothing speaks of, and two judges of one score."""
    scores = {metric.id for metric in spec.metrics if metric.scorer is not None} | {"correct", "grade"}
    calls = [parse_rule(f"{metric.id} >= 0").left for metric in spec.measured_metrics()]
    for rule in (gate.parsed for gate in spec.gates):
        calls += [call for call in (rule.left, rule.right) if call is not None]
    while calls:
        call = calls.pop()
        calls += [argument for argument in call.arguments if isinstance(argument, Call)]
        if call.name in ("pass_rate", "mean"):
            scores |= {argument for argument in call.arguments if isinstance(argument, str)}
    for index, judge in enumerate(spec.judges):
        where = _where(path, lines, ("judges", index, "of"))
        if judge.of not in scores:
            raise SpecError(
                f"No gate and no metric speaks of the score {judge.of!r} that this judge gives.",
                where=where,
                fix=nearest(judge.of, scores),
            )
        if judge.of in [other.of for other in spec.judges[:index]]:
            raise SpecError(
                f"{judge.of!r} has two judges.",
                where=where,
                fix="Keep one; a second judge needs a score of its own.",
            )
