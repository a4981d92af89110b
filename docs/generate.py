"""Writes the generated part of the reference from the code itself.

    python docs/generate.py           write docs/reference/
    python docs/generate.py --check   exit 1 where a committed page differs

The pages are committed, so that a change of the code that changes the reference shows in its own diff.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from shipworthy.cli.main import COMMANDS, cli
from shipworthy.define.keys.part import Day, Duration, Listed, Names, Part, Texts
from shipworthy.define.levels import CONDITIONS, REQUIRED, Requirement
from shipworthy.define.lint.rule import RULES, LintRule
from shipworthy.define.schema import SCHEMA_FILE, SCHEMA_LINE, schema_text
from shipworthy.define.spec import KINDS, LATER_KEYS, LEVELS, OUTCOMES_BY_KIND, ROLES, Spec
from shipworthy.evaluate.scoring import SCORERS
from shipworthy.evidence.metric import METRICS, Definition

FOLDER = Path(__file__).resolve().parent / "reference"
WIDTH = 100
BANNER = "<!-- Written by docs/generate.py from the code. Change the code, then run `make docs`. -->\n\n"


def pages() -> dict[str, str]:
    """Return every generated file by its name under docs/reference/."""
    return {
        "commands.md": commands_page(),
        "lint.md": lint_page(),
        "metrics.md": metrics_page(),
        "scorers.md": scorers_page(),
        "spec.md": spec_page(),
        SCHEMA_FILE: schema_text(),
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
        for verb, inner in getattr(command, "commands", {}).items():
            path = f"shipworthy {name} {verb}"
            parts += [f"### {path}\n", _console(_help(inner, path))]
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


# -- rules of lint -------------------------------------------------------------------------------------


def lint_page() -> str:
    """Return every rule of lint, family by family, from their docstrings."""
    families: dict[str, list[LintRule]] = {}
    for _code, one in RULES:
        families.setdefault(one.check.__module__, []).append(one)
    lines = [
        "# Rules of lint\n",
        "What `shipworthy lint` asks of a spec; [Checking a spec](../lint.md) shows how it is used. "
        "`shipworthy lint --explain SW301` says the same in the terminal.\n",
        "A rule is asked from its level on: judge, launch, operate. One that needs the golden set, runs or a "
        "traffic sample says so where these are absent. SW507 is no rule: there are no gates on point "
        "estimates.\n",
    ]
    for module in sorted(families, key=lambda name: families[name][0].code):
        title = (import_module(module).__doc__ or "").strip().split(": ", 1)[-1].rstrip(".")
        lines += [
            f"## {title[0].upper()}{title[1:]}\n",
            "| Rule | | Level | What is wrong |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| [{one.code}](#{one.code.lower()}) | {one.severity} | {one.level} | {_cell(one.title)} |"
            for one in families[module]
        ]
        lines += ["", *(_lint_rule(one) for one in families[module])]
    return BANNER + "\n".join(lines)


def _lint_rule(one: LintRule) -> str:
    needs = f"; needs {' and '.join(one.needs)}" if one.needs else ""
    title, *rest = one.explanation.split("\n\n")
    paragraphs = "\n\n".join([f"**{title}**", *rest])
    asked = f"*{one.severity.capitalize()}, from level {one.level} on{needs}.*"
    return f"### {one.code}\n\n{asked}\n\n{paragraphs}\n"


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
_INHERITED = inspect.getdoc(Part) or ""


def spec_page() -> str:
    """Return every key of the spec: type, default, meaning, and which level asks for it."""
    later = ", ".join(f"`{name}`" for name in LATER_KEYS)
    lines = [
        "# Spec keys\n",
        "`shipworthy.yaml` is the promise of one product. Unknown keys, wrong types and names given twice "
        "are errors that name file, line and the nearest valid key.\n",
        "A spec speaks at one of three levels that add up: *judge* is enough for a verdict (about a dozen "
        "lines), *launch* says what must be decided before anybody outside sees the product, and *operate* "
        "what keeps it good in use. The column *Asked for* says from which level on `shipworthy lint` asks "
        "for a key, and of which kinds; a key without a level may be left out at every level. "
        "[Keys by level](#levels) says why.\n",
        "Three specs to read: [minimum.yaml](../examples/minimum.yaml) (judge), "
        "[loan.yaml](../examples/loan.yaml) (a classifier in a regulated field) and "
        "[support.yaml](../examples/support.yaml) (an agent), both at operate.\n",
        f"Not judged yet: no verdict looks at {later}. They are checked by lint, and every decision lists "
        "those that are present.\n",
        "## In an editor {#editor}\n",
        "An editor that reads JSON Schema completes these keys, shows what they mean and marks what is wrong "
        "or missing. `shipworthy init` puts [spec.schema.json](spec.schema.json) beside the spec, "
        "`shipworthy schema --write` brings it up to date, and the first line of the spec names it:\n",
        f"```yaml\n{SCHEMA_LINE}\n```\n",
        *sections(),
        _levels_section(),
        _roles_section(),
        _outcomes_section(),
    ]
    return BANNER + "\n".join(lines)


def sections() -> Iterator[str]:
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
        yield _section(path, model)


def _joined(path: str, name: str, field: FieldInfo) -> str:
    origin = get_origin(_bare(field.annotation))
    suffix = "[]" if origin is list else ".NAME" if origin is dict else ""
    return f"{path}.{_written(name, field)}{suffix}".lstrip(".")


def _section(path: str, model: type[BaseModel]) -> str:
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
    lines += ["| Key | Type | Default | What it is | Asked for |", "|---|---|---|---|---|"]
    for name, field in model.model_fields.items():
        lines.append(_key_row(path, name, field))
    return "\n".join(lines) + "\n"


def _key_row(path: str, name: str, field: FieldInfo) -> str:
    dotted = f"{path}.{_written(name, field)}".lstrip(".")
    inner = _models(field.annotation)
    shown = f"`{_written(name, field)}`"
    if inner:
        shown = f"[{shown}](#{_anchor(_section_of(path, name, field))})"
    kind = _named_type(field.metadata) or _type(field.annotation)
    return f"| {shown} | {kind} | {_default(field)} | {_cell(field.description or '')} | {_asked(dotted)} |"


def _written(name: str, field: FieldInfo) -> str:
    return field.alias or name


def _asked(dotted: str) -> str:
    """Return from which level on a key is asked for, of whom; "" where it never is."""
    asking = [need for need in REQUIRED if need.key == dotted or need.key.startswith(f"{dotted}.")]
    if not asking:
        return ""
    first = asking[0]
    whom = _whom(first) if all(list(_whom(need)) == list(_whom(first)) for need in asking) else ()
    return _cell("; ".join((first.level, *whom)))


def _whom(need: Requirement) -> Iterator[str]:
    if need.kinds != KINDS:
        yield ", ".join(need.kinds)
    if need.when:
        yield f"where {CONDITIONS[need.when].words}"


def _levels_section() -> str:
    lines = [
        "## Keys by level {#levels}\n",
        "Each level asks for its own keys and for those of the levels before it. `shipworthy lint` names the "
        "missing ones, each with the lines that add it; the rule that asks stands in the last column.\n",
    ]
    for level in LEVELS:
        lines += [f"### {level} {{#level-{level}}}\n", "| Key | Asked of | Why | Rule |", "|---|---|---|---|"]
        for need in (need for need in REQUIRED if need.level == level):
            rule = "refused at reading" if level == LEVELS[0] else need.rule
            whom = "; ".join(_whom(need)) or "all"
            lines.append(f"| `{need.key}` | {_cell(whom)} | {need.why} | {rule} |")
        lines.append("")
    return "\n".join(lines)


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
        "failure_modes[]": "Strata and gates they name must exist. The gate of a blocker always blocks.",
        "systems.candidate": "`live` and each of `baselines` have the same keys.",
    }.get(path, "")


def _parts_of(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    yield path, model
    for name, field in model.model_fields.items():
        for inner in _models(field.annotation):
            yield from _parts_of(inner, _joined(path.rstrip("."), name, field) + ".")


def all_keys() -> set[str]:
    """Return every dotted key of the spec."""
    return {
        f"{path}{_written(name, field)}"
        for path, model in _parts_of(Spec)
        for name, field in model.model_fields.items()
    }


def _bare(annotation: Any) -> Any:
    """Return an annotation without Annotated and without None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        alone = _without_none(annotation)
        return annotation if alone is annotation else _bare(alone)
    return annotation


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        return parts[0] if len(parts) == 1 else annotation
    return annotation


def _models(annotation: Any) -> list[type[BaseModel]]:
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return [bare]
    return [model for part in get_args(bare) for model in _models(part)]


#: Types of the spec that have a name of their own.
_NAMED = {
    "duration": Duration,
    "day": Day,
    "text or list of texts": Listed,
    "text, or list of at least one": Names,
    "value or list of values": Texts,
}


def _named_type(metadata: Iterable[Any]) -> str | None:
    given = [part for part in metadata if isinstance(part, BeforeValidator)]
    return next(
        (name for name, kind in _NAMED.items() if any(part in get_args(kind) for part in given)), None
    )


def _type(annotation: Any) -> str:
    annotation = _without_none(annotation)
    if get_origin(annotation) is Annotated and (named := _named_type(get_args(annotation)[1:])):
        return named
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
        "Only `case_id` is required.\n\n"
        "Cases may be files, such as images: `columns: {input_file: image}` says that the column `image` "
        "holds the path of each case's file, relative to the golden set's own folder. Every file must exist. "
        "What the files hold is part of the golden set's version, so that a changed image is another golden "
        "set. A function is asked with the path; where there is an `input` too, with both, as "
        '`{"input": ..., "input_file": ...}`. Records show PNG, JPEG, GIF and WebP files of up to 100 kB of '
        "the cases they list, and name all others.\n"
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
