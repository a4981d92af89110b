"""`shipworthy init`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from shipworthy.define.wizard.questions import Question

KINDS = ("classifier", "regressor", "ranker", "detector", "generator", "rag", "agent")


@click.command("init", short_help="write a product to start from: an example, or one made of your answers")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--kind", type=click.Choice(KINDS), help="What kind of AI product it is.  [default: rag]")
@click.option(
    "--ask", is_flag=True, help="Ask plain questions, fewer than twenty; no model needs to exist yet."
)
@click.option(
    "--answers",
    "answers_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the answers from a YAML or JSON file; what is left out gets its default.",
)
@click.option("--questions", "list_questions", is_flag=True, help="Print the questions as JSON and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print the written files as JSON.")
def command(
    folder: Path | None,
    kind: str | None,
    ask: bool,
    answers_file: Path | None,
    list_questions: bool,
    as_json: bool,
) -> None:
    """Write a product to start from into FOLDER.

    By default a small working example with comments that teach: it runs and decides as it is; replace its
    golden set and outputs by yours, piece by piece. With --ask (or --answers) a spec of your own, made of
    your answers before any model exists, with an empty golden set and a sheet of the cases to write first.

    \b
    Examples:
      shipworthy init my-product --kind classifier
      shipworthy init my-product --ask
      shipworthy init --questions --kind agent > questions.json
      shipworthy init my-product --answers answers.yaml
    """
    from shipworthy.cli.console import print_json

    given = _read_answers(answers_file) if answers_file is not None else {}
    if kind is not None and (ask or answers_file is not None or list_questions):
        given = {"kind": kind, **given}
    if list_questions:
        from shipworthy.define.wizard.questions import checked, questions

        first = questions({})[0]
        print_json(
            [_described(question) for question in questions({"kind": checked(first, given.get("kind"))})]
        )
        return
    if folder is None:
        raise click.UsageError("Missing argument 'FOLDER'; name a new one, as my-product.")
    if ask or answers_file is not None:
        from shipworthy.define.scaffold import refuse_unless_free, write_answered
        from shipworthy.define.wizard.questions import answered

        refuse_unless_free(folder)
        answers = _asked(given) if ask else answered(given)
        kind, written = str(answers["kind"]), write_answered(folder, answers)
        steps = "write cases (golden/to_write.csv says which), then shipworthy lint and shipworthy size"
    else:
        from shipworthy.define.scaffold import write_product

        kind = kind or "rag"
        written, steps = write_product(folder, kind), "shipworthy run && shipworthy decide"
    if as_json:
        print_json({"folder": str(folder), "kind": kind, "files": [str(path) for path in written]})
        return
    click.echo(f"wrote {folder} ({kind}):")
    for path in written:
        click.echo(f"  {path}")
    joint = "&&" if steps.startswith("shipworthy") else "and"
    click.echo(f"next: cd {folder} {joint} {steps}")


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    """Ask one question after the other on standard error, so that standard output stays the result."""
    from shipworthy.define.wizard.questions import checked, next_question, questions
    from shipworthy.errors import UsageError

    click.echo(
        "Press Enter to take what stands in brackets. Nothing is written before the last answer.", err=True
    )
    answers: dict[str, Any] = {}
    while (question := next_question(answers)) is not None:
        if question.id in given:
            answers[question.id] = checked(question, given[question.id], answers)
            continue
        asked = questions(answers)
        number = f"{len(answers) + 1} of {len(asked)}" if len(asked) > 1 else "First"
        click.echo(f"\n{number}. {question.asks}", err=True)
        for name, means in (question.choices or {}).items():
            click.echo(f"    {name}{f': {means}' if means else ''}", err=True)
        if question.form not in ("choice", "choices", "modes"):
            click.echo(f"    For example: {question.example}", err=True)
        while question.id not in answers:
            shown = question.default or "leave open"
            try:
                written = click.prompt(
                    f"  [{shown}]", default="", show_default=False, prompt_suffix="> ", err=True
                )
            except click.Abort:
                _keep(answers)
                raise SystemExit(130) from None
            try:
                answers[question.id] = checked(question, written, answers)
            except UsageError as error:
                click.echo(f"    {error.what} {error.fix}", err=True)
    click.echo("", err=True)
    return answers


def _keep(answers: dict[str, Any]) -> None:
    """Print the answers so far, so that nobody has to think twice."""
    click.echo("\nStopped: nothing was written.", err=True)
    if not answers:
        return
    click.echo("To go on later, put these lines into a file and give it with --answers FILE --ask:", err=True)
    for name, answer in answers.items():
        if answer is not None:
            said = (
                "".join((f"{answer[0]:g}", f" {answer[1]}")).strip() if isinstance(answer, tuple) else answer
            )
            click.echo(f"{name}: {json.dumps(said, ensure_ascii=False)}", err=True)


def _read_answers(path: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from shipworthy.errors import InputError

    try:
        found = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            f"The answers are no valid YAML or JSON: {str(error).splitlines()[0]}.",
            where=str(path),
            fix="Write them as question: answer; `shipworthy init --questions` lists the questions.",
        ) from None
    if not isinstance(found, dict):
        raise InputError(
            "The answers are no mapping.",
            where=str(path),
            fix="Write them as question: answer; `shipworthy init --questions` lists the questions.",
        )
    return {str(name): answer for name, answer in found.items()}


def _described(question: Question) -> dict[str, Any]:
    return {
        "id": question.id,
        "asks": question.asks,
        "form": question.form,
        "example": question.example,
        "default": question.default,
        "choices": dict(question.choices) if question.choices is not None else None,
    }
