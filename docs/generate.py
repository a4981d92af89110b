"""Writes the generated part of the reference from the code itself.

    python docs/generate.py           write docs/reference/
    python docs/generate.py --check   exit 1 where a committed page differs

The pages are committed, so that a change of the code that changes the reference shows in its own diff.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from shipworthy.cli.main import COMMANDS, cli
from shipworthy.define.spec import KINDS, OUTCOMES_BY_KIND, ROLES, Spec
from shipworthy.evaluate.scoring import SCORERS
from shipworthy.evidence.metric import METRICS, Definition

FOLDER = Path(__file__).resolve().parent / "reference"
WIDTH = 100
BANNER = "<!-- Written by docs/generate.py from the code. Change the code, then run `make docs`. -->\n\n"

#: What keys mean whose fields say it nowhere else; a description in the code wins.
MEANINGS = {
    "acceptances": "Classes of bad outcome that somebody accepts, each with reason and owner.",
    "comms": "What is told to whom.",
    "context": "Prompt, retrieval and tools of a foundation-model system.",
    "costs": "What errors cost and hits gain, in one currency.",
    "data": "Sources, training window, labels and populations.",
    "decision": "What the output triggers, and who acts on it.",
    "delay": "How long the true value takes to arrive.",
    "detect": "How it is noticed.",
    "expect": "Dated events that will hurt quality.",
    "expires": "Date after which it no longer counts.",
    "explore": "Share of cases decided at random, for unbiased labels.",
    "failure_modes": "Named ways to be wrong.",
    "goal": "Direction wanted: up or down.",
    "golden": "The test set.",
    "guardrails": "What stops harm when the system is wrong.",
    "id": "Short name.",
    "k": "Cut-off of a ranking metric.",
    "kind": "What kind of AI product it is.",
    "launch": "Stages, experiment, rollback and fallback.",
    "layer": "online, offline or ops.",
    "learning": "When to retrain, on what, and when to stop.",
    "level": "How much of the product's life the spec speaks of. The levels add up.",
    "limits": "What the product must not be said to do.",
    "mitigation": "What is done about it.",
    "model": "Candidate, baselines and budgets.",
    "monitor": "What watches it in use.",
    "monitors": "What is watched in use, with owner and action.",
    "outcomes": "What happens in the world afterwards.",
    "over": "Groups it is taken over.",
    "owner": "Who answers for it.",
    "owners": "Who answers for product, model, data, retraining and calls at night.",
    "pairs": "The metric it is paired with, offline to online.",
    "primary": "Whether it is the one metric that leads.",
    "problem": "User, job, what happens today, and without AI.",
    "proxy": "What stands in until the true value arrives.",
    "reason": "Why it is acceptable, in words.",
    "regulated": "Kinds of rules that apply, such as lending.",
    "role": "diagnostic or protected.",
    "routing": "Bands of the score that go to automation, a person or the fallback.",
    "rubric": "What good, poor and harmful mean.",
    "severity": "How bad it is.",
    "systems": "Who wants to ship, what users have now, and the simple alternatives.",
    "target": "Value aimed at.",
    "title": "Name for people.",
    "unit": "Unit of its value.",
    "version": "Version of the product.",
    "what": "What it is, in words.",
}

#: Parts of the schema that may be written shorter: definition -> the type of the short form.
SHORT_FORMS = {
    "_Gate": "string",
    "_MetricUse": "string",
    "_Labels": "string",
    "_Amount": "number",
    "_Gain": "number",
}

#: Lists that may be written as one text.
LONE_TEXTS = {
    "DecisionUse": ("action",),
    "Guardrail": ("stops",),
    "Acceptance": ("of",),
    "_Labels": ("passes",),
}

IN_USE = "in use"
LATER = "not judged yet"
KEPT = "recorded only"

#: Keys that stay in the spec's text and that nothing looks at.
RECORDED = {"guardrails[].measured_on"}


def pages() -> dict[str, str]:
    """Return every generated file by its name under docs/reference/."""
    return {
        "commands.md": commands_page(),
        "metrics.md": metrics_page(),
        "scorers.md": scorers_page(),
        "spec.md": spec_page(),
        "spec.schema.json": schema_text(),
    }


# -- commands ------------------------------------------------------------------------------------------


def commands_page() -> str:
    """Return the real --help of every command, in the order of the loop."""
    parts = [
        "# Commands\n",
        "Every command prints this with `--help`. `--json` prints what it found as JSON on standard output; "
        "messages go to standard error.\n",
        "## shipworthy\n",
        _console(_help(cli, "shipworthy")),
    ]
    for name in COMMANDS:
        command: click.Command = import_module(f"shipworthy.cli.{name}").command
        parts += [f"## shipworthy {name}\n", _console(_help(command, f"shipworthy {name}"))]
    return BANNER + "\n".join(parts)


def _help(command: click.Command, path: str) -> str:
    # The group's own settings decide the width, as they do in a terminal.
    context = click.Context(
        command,
        info_name=path,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    return click.unstyle(command.get_help(context))


def _console(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```\n"


# -- metrics -------------------------------------------------------------------------------------------


def metrics_page() -> str:
    """Return the catalogue of metrics."""
    found = [definition for _name, definition in METRICS]
    lines = [
        "# Metrics\n",
        "A rule names one of these, or a scorer of the spec by its id. `shipworthy metrics explain NAME` "
        "says the same in the terminal. How a rule is written stands under [Rules of gates](rules.md).\n",
        "A metric whose columns are missing is *not measured*, and says which column it needs. "
        "Every interval shown is two-sided at 95%. A gate uses the one-sided bound instead.\n",
        "| Metric | What it is | Unit | Better |",
        "|---|---|---|---|",
        *(
            f"| [`{one.name}`](#{_anchor(one.name)}) | {_cell(_first(one.definition))} "
            f"| {one.unit} | {one.better} |"
            for one in found
        ),
        "",
        *(_metric(one) for one in found),
    ]
    return BANNER + "\n".join(lines)


def _metric(one: Definition) -> str:
    rows = (
        ("Unit", one.unit),
        ("Better", one.better),
        (
            "Columns it needs",
            ", ".join(f"`{name}`" for name in one.columns) or "whatever makes a row right or wrong",
        ),
        ("One unit is", f"one {one.unit_of_total}"),
        ("Interval shown", one.interval),
        ("Bound of a gate", one.gate),
        ("Says little below", f"{one.smallest_n} units"),
        ("Source", one.source),
        ("Example", ", ".join(f"`{rule}`" for rule in (one.example, *one.forms))),
    )
    table = "\n".join(f"| {name} | {_cell(text)} |" for name, text in rows)
    return f"## {one.name} {{#{_anchor(one.name)}}}\n\n{one.definition}\n\n| | |\n|---|---|\n{table}\n"


def _first(text: str) -> str:
    return re.split(r"(?<=[.]) (?=[A-Z])", text)[0]


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# -- scorers -------------------------------------------------------------------------------------------


def scorers_page() -> str:
    """Return the catalogue of scorers, from their docstrings."""
    found = list(SCORERS)
    lines = [
        "# Scorers\n",
        "A scorer gives a verdict on one output. The spec names it under `metrics`, and a rule then names "
        "the metric's id: `correct >= 80%`. `shipworthy scorers explain NAME` says the same in the "
        "terminal.\n",
        "An output without an answer in the expected form has *failed*: it counts against the system. "
        "A scorer that cannot do its work leaves the output *unscored*: it counts as nobody's answer, and is "
        "tolerated only up to `golden.max_unscored`. "
        "[How a verdict is made](../verdict.md#failed-and-unscored) says why.\n",
        "A lone value fills the option marked *sole*: `contains: refund` is "
        "`contains: {texts: [refund]}`. The Python lines show what one scorer says to one output.\n",
        "| Scorer | What it asks |",
        "|---|---|",
        *(
            f"| [`{name}`](#{_anchor(name)}) | {_cell(_docs(kind)[0].partition(chr(10) * 2)[0])} |"
            for name, kind in found
        ),
        "",
        *(_scorer(name, kind) for name, kind in found),
    ]
    return BANNER + "\n".join(lines)


def _docs(kind: type[Any]) -> tuple[str, dict[str, str], str, str]:
    """Return a scorer's summary and body, its options, its YAML example and its Python examples."""
    text = inspect.getdoc(kind) or ""
    text, _mark, doctest = text.partition("\n>>> ")
    text, _mark, example = text.partition("\nExample:\n")
    body, _mark, listed = text.partition("\nArgs:\n")
    options: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(listed).splitlines():
        start = re.match(r"(\w+): (.*)", line)
        if start:
            name = start[1]
            options[name] = start[2]
        elif name:
            options[name] += " " + line.strip()
    return (
        body.strip(),
        options,
        textwrap.dedent(example).strip(),
        f">>> {doctest}".strip() if doctest else "",
    )


def _scorer(name: str, kind: type[Any]) -> str:
    body, options, example, doctest = _docs(kind)
    parts = [f"## {name} {{#{_anchor(name)}}}\n", body + "\n"]
    if options:
        parts += ["| Option | Default | What it is |", "|---|---|---|"]
        sole = getattr(kind, "sole", None)
        for field in fields(kind):
            if field.name not in options:
                continue
            written = field.name.rstrip("_")
            words = re.sub(rf"^`{written}`: ", "", options[field.name])
            mark = " *(sole)*" if field.name == sole else ""
            parts.append(
                f"| `{written}`{mark} | {_scorer_default(field)} | {_cell(words[:1].upper() + words[1:])} |"
            )
        parts.append("")
    if example:
        parts.append(f"```yaml\n{example}\n```\n")
    if doctest:
        parts.append(f"```pycon\n{doctest}\n```\n")
    return "\n".join(parts)


def _scorer_default(field: Any) -> str:
    if field.default is MISSING and field.default_factory is MISSING:
        return "required"
    return _value(field.default)


# -- spec ----------------------------------------------------------------------------------------------


#: The base class's own docstring, which says nothing about a part.
_INHERITED = inspect.getdoc(Spec.__mro__[1]) or ""


def schema_text() -> str:
    """Return the JSON Schema of a spec, for editors."""
    schema = Spec.model_json_schema(mode="validation")
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    definitions = schema["$defs"]
    for name, part in (*definitions.items(), ("Spec", schema)):
        if part.get("description", "").startswith(_INHERITED):
            del part["description"]
        for key in LONE_TEXTS.get(name, ()):
            listed = part["properties"][key]
            part["properties"][key] = {
                "description": listed["description"],
                "title": listed["title"],
                "anyOf": [{"type": "string"}, listed],
            }
    scalars = ["string", "number", "boolean"]
    positive = definitions["Golden"]["properties"]["positive"]
    positive["items"] = {"type": scalars}
    positive["type"] = [*scalars, "array"]
    for name, short in SHORT_FORMS.items():
        definitions[name] = {"anyOf": [{"type": short}, definitions[name]]}
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def spec_page() -> str:
    """Return every key of the spec: type, default, meaning, and whether it is judged yet."""
    later = later_keys()
    lines = [
        "# Spec keys\n",
        "`shipworthy.yaml` is the promise of one product. Unknown keys, wrong types and dangling references "
        "are errors that name file, line and the nearest valid key. An editor that reads JSON Schema "
        "completes and checks the keys with [spec.schema.json](spec.schema.json):\n",
        "```yaml\n# yaml-language-server: $schema=spec.schema.json\n```\n",
        f"Keys that are *{LATER}* belong to the levels *launch* and *operate*. They are accepted under "
        "these names, and every decision lists those that are present. "
        f"Keys that are *{KEPT}* stay in the spec's text, and no verdict looks at them.\n",
        *sections(later),
        _roles_section(),
        _outcomes_section(),
    ]
    return BANNER + "\n".join(lines)


def sections(later: set[str]) -> Iterator[str]:
    """Yield one section per part of the spec, the top first, then in the order of its keys."""
    waiting: list[tuple[str, type[BaseModel]]] = [("", Spec)]
    seen: set[type[BaseModel]] = set()
    while waiting:
        path, model = waiting.pop(0)
        if model in seen:
            continue
        seen.add(model)
        inner = [
            (_joined(path, name, field), part)
            for name, field in model.model_fields.items()
            for part in _models(field.annotation)
        ]
        waiting = inner + waiting if path else inner
        yield _section(path, model, later)


def _joined(path: str, name: str, field: FieldInfo) -> str:
    origin = get_origin(_bare(field.annotation))
    suffix = "[]" if origin is list else ".NAME" if origin is dict else ""
    return f"{path}.{name}{suffix}".lstrip(".")


def _section(path: str, model: type[BaseModel], later: set[str]) -> str:
    title = f"## {path} {{#{_anchor(path)}}}" if path else "## The top of the file"
    text = inspect.getdoc(model) or ""
    if text == _INHERITED:
        text = ""
    lines = [title + "\n"]
    if text and path:
        lines.append(text.splitlines()[0] + "\n")
    short = _shorthand(path)
    if short:
        lines.append(short + "\n")
    lines += ["| Key | Type | Default | What it is | Status |", "|---|---|---|---|---|"]
    for name, field in model.model_fields.items():
        lines.append(_key_row(path, name, field, later))
    return "\n".join(lines) + "\n"


def _key_row(path: str, name: str, field: FieldInfo, later: set[str]) -> str:
    dotted = f"{path}.{name}".lstrip(".")
    words = field.description or MEANINGS.get(name, "")
    is_open = field.annotation is Any
    judged = LATER if dotted in later else KEPT if dotted in RECORDED else IN_USE
    words = words.replace(" (level launch)", "")
    inner = _models(field.annotation)
    shown = f"`{name}`"
    if inner:
        shown = f"[`{name}`](#{_anchor(_section_of(path, name, field))})"
    kind = "anything" if is_open else _type(field.annotation)
    return f"| {shown} | {kind} | {_default(field)} | {_cell(words)} | {judged} |"


def _section_of(path: str, name: str, field: FieldInfo) -> str:
    """Return where a part is described: money and systems are described once."""
    model = _models(field.annotation)[0]
    return _FIRST.setdefault(model, _joined(path, name, field))


_FIRST: dict[type[BaseModel], str] = {}


def _shorthand(path: str) -> str:
    return {
        "gates[]": "A gate may be written as its rule alone: `- recall >= 0.95`. "
        "[Rules of gates](rules.md) describes the rule.",
        "metrics[]": "A metric may be written as its name alone: `- precision`.",
        "costs.false_positive": "Every cost is written like this, or as a bare number: `false_positive: 40`.",
        "costs.true_positive": "Every gain is written like this, or as a bare number: `true_positive: 120`.",
        "failure_modes[]": "Strata and gates they name must exist. No verdict looks at them yet.",
        "systems.candidate": "`live` and each of `baselines` have the same keys.",
    }.get(path, "")


def later_keys() -> set[str]:
    """Return the dotted keys that a spec holding all of them reports as not judged."""
    named = {
        "shipworthy": 1,
        "id": "x",
        "kind": "classifier",
        "gates": [{"rule": "recall >= 0.5", "id": "x"}],
    }
    parts: dict[str, Any] = {
        **named,
        "decision": {"prediction": "x", "action": "x", "actor": "x"},
        "golden": {"path": "x"},
        "costs": {},
        "failure_modes": [{"id": "x"}],
        "metrics": [{"id": "x"}],
    }
    holders: dict[str, Any] = {
        "": parts,
        "golden.": parts["golden"],
        "costs.": parts["costs"],
        "gates[].": parts["gates"][0],
        "failure_modes[].": parts["failure_modes"][0],
        "metrics[].": parts["metrics"][0],
    }
    for path, model in _parts_of(Spec):
        for name, field in model.model_fields.items():
            if field.annotation is Any and path in holders:
                holders[path][name] = "x"
    reported = Spec.model_validate(parts).not_judged()
    return {re.sub(r"^(gates|failure_modes|metrics)\.x\.", r"\1[].", name) for name in reported}


def _parts_of(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    yield path, model
    for name, field in model.model_fields.items():
        for inner in _models(field.annotation):
            yield from _parts_of(inner, _joined(path.rstrip("."), name, field) + ".")


def all_keys() -> set[str]:
    """Return every dotted key of the spec."""
    return {f"{path}{name}" for path, model in _parts_of(Spec) for name in model.model_fields}


def _bare(annotation: Any) -> Any:
    """Return an annotation without Annotated and without None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        return _bare(parts[0]) if len(parts) == 1 else annotation
    return annotation


def _models(annotation: Any) -> list[type[BaseModel]]:
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return [bare]
    return [model for part in get_args(bare) for model in _models(part)]


def _type(annotation: Any) -> str:
    bare = _bare(annotation)
    origin, inside = get_origin(bare), get_args(bare)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in inside if part is not type(None))
    if origin is Literal:
        return " \\| ".join(f"`{value}`" for value in inside)
    if origin is list:
        return f"list of {_plural(_type(inside[0]))}"
    if origin is dict:
        return f"name → {_type(inside[1])}"
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return "mapping"
    return {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}[bare]


def _plural(word: str) -> str:
    return {"mapping": "mappings", "text": "texts"}.get(word, word)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = (
        field.default
        if field.default is not PydanticUndefined
        else field.get_default(call_default_factory=True)
    )
    return "" if isinstance(value, BaseModel) else _value(value)


def _value(value: Any) -> str:
    if value is None or value in ((), [], {}, ""):
        return ""
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _roles_section() -> str:
    listed = ", ".join(f"`{role}`" for role in ROLES)
    return (
        "## Roles of columns {#roles}\n\n"
        "`golden.columns` and `systems.candidate.columns` map a role to a column of the file, or to a JSON "
        f"path such as `response.text`. The roles are {listed}. Every other name in `columns` is a slice or "
        "a score under that name. A column that already has the name of its role needs no entry. "
        "Only `case_id` is required.\n"
    )


def _outcomes_section() -> str:
    rows = "\n".join(
        f"| `{kind}` | {', '.join(f'`{name}`' for name in OUTCOMES_BY_KIND[kind])} |" for kind in KINDS
    )
    return (
        "## Classes of bad outcome by kind {#outcomes}\n\n"
        "`guardrails[].stops` and `acceptances[].of` name these. Each one that occurred needs a measured "
        "guardrail or an acceptance before anything ships.\n\n"
        f"| Kind | Classes of bad outcome |\n|---|---|\n{rows}\n"
    )


# -- main ----------------------------------------------------------------------------------------------


def stale() -> list[str]:
    """Return the names of committed files that differ from what the code says now."""
    return [
        name
        for name, text in pages().items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write the pages, or check them; return the exit code."""
    if arguments == ["--check"]:
        names = stale()
        for name in names:
            print(
                f"docs/reference/{name} is not what the code says: run `make docs` and commit it.",
                file=sys.stderr,
            )
        return 1 if names else 0
    if arguments:
        print("usage: python docs/generate.py [--check]", file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
