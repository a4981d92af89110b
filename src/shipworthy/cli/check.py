"""`shipworthy check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path)

#: Option -> the role its column plays.
ROLE_OPTIONS = {
    "label": "label",
    "prediction": "prediction",
    "score": "predicted_score",
    "id_": "case_id",
    "grade_column": "grade",
    "repeat": "repeat",
    "cluster": "cluster_id",
    "latency": "latency_ms",
}


@click.command("check", short_help="a verdict on a file, without any spec")
@click.argument("file", type=FILE)
@click.argument("rules", nargs=-1)
@click.option("--label", metavar="COLUMN", help="Column of the true answer.")
@click.option("--prediction", metavar="COLUMN", help="Column of the prediction.")
@click.option("--score", metavar="COLUMN", help="Column of the model's own score.")
@click.option("--id", "id_", metavar="COLUMN", help="Column of the case ids.")
@click.option("--grade-column", metavar="COLUMN", help="Column of grades: good, poor, harmful.")
@click.option("--repeat", metavar="COLUMN", help="Column that numbers repeats of a case.")
@click.option("--cluster", metavar="COLUMN", help="Column of rows that belong together.")
@click.option("--latency", metavar="COLUMN", help="Column of latencies in milliseconds.")
@click.option("--column", "columns", multiple=True, metavar="ROLE=COLUMN", help="Any other role.")
@click.option("--live", type=FILE, help="File of what is live now, on the same cases.")
@click.option(
    "--baseline", "baselines", multiple=True, metavar="NAME=FILE", help="File of a simple alternative."
)
@click.option("--where", "where", multiple=True, metavar="COLUMN=VALUE", help="Rows of FILE to keep.")
@click.option(
    "--live-where", "live_where", multiple=True, metavar="COLUMN=VALUE", help="Rows of --live to keep."
)
@click.option(
    "--kind",
    type=click.Choice(["classifier", "regressor", "ranker", "detector", "generator", "rag", "agent"]),
    help="Kind of product; inferred from rules and columns where left out.",
)
@click.option("--positive", multiple=True, metavar="LABEL", help="Label of the positive class.")
@click.option("--grade", "grades", multiple=True, metavar="THEIRS=OURS", help="Foreign grade, as pass=good.")
@click.option(
    "--scorer", metavar="NAME", help="Compare output with label: exact, numeric, contains, label_match."
)
@click.option("--slice", "slices", multiple=True, metavar="COLUMN", help="Column to cut the results by.")
@click.option("--threshold", type=float, help="Cut on the score where there is no prediction.")
@click.option(
    "--cost", "costs", multiple=True, metavar="KIND=MONEY", help="As false_positive=40 or harmful=400."
)
@click.option("--value", "values", multiple=True, metavar="KIND=MONEY", help="As true_positive=120.")
@click.option("--review", type=float, help="Cost of one look by a person.")
@click.option("--volume", type=float, help="Cases per month.")
@click.option("--currency", default="USD", show_default=True, help="ISO code of all amounts.")
@click.option(
    "--guardrail", "guardrails", multiple=True, metavar='"OUTCOME CAUGHT/TRIED"', help="Measured guardrail."
)
@click.option(
    "--accept", "acceptances", multiple=True, metavar='"OUTCOME: REASON (OWNER)"', help="Accepted outcome."
)
@click.option(
    "--sampled",
    type=click.Choice(["random", "curated", "incident", "weights", "unknown"]),
    default="unknown",
    help="How the cases were chosen.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="One-sided confidence of every gate.",
)
@click.option("--write-spec", type=FILE, help="Write the spec that says the same into this folder or file.")
@click.option("--guardrails-in-place", is_flag=True, help="Exit 0 instead of 4 for ship_with_guardrails.")
@click.option("--html", type=FILE, help="Write the HTML record here.")
@click.option("--markdown", type=FILE, help="Write Markdown for a pull request here.")
@click.option("--junit", type=FILE, help="Write JUnit XML here.")
@click.option("--explain", is_flag=True, help="Also print the scans of the rows: what for and how long.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole decision as JSON.")
@click.pass_context
def command(ctx: click.Context, /, file: Path, rules: tuple[str, ...], **options: Any) -> None:
    """Judge FILE by RULES, without any spec: three-valued gates, intervals, and the cases still needed.

    FILE holds graded outputs or predictions (CSV, TSV, JSONL, JSON or Parquet), one row per case. Columns are
    found by their names (label, prediction, grade ...) or named by the options below.

    \b
    Examples:
      shipworthy check graded.csv "good >= 80%" "harmful <= 8%"
      shipworthy check predictions.csv --label y --prediction p --live old.csv \\
          --cost false_positive=40 --cost false_negative=400 \\
          "recall >= 0.95" "delta(expected_cost, live) < 0"
    """
    from shipworthy.api.check import answer, spec_text_for
    from shipworthy.cli.console import print_decision, print_json, print_scans, watcher
    from shipworthy.cli.outputs import write_outputs
    from shipworthy.records import Verdict, plain
    from shipworthy.tables.scans import scans_listed

    request = _request(file, rules, options)
    with scans_listed(options["explain"]) as scans:
        checked = answer(request, watcher())
    write_outputs(
        checked.decision, "", html=options["html"], markdown=options["markdown"], junit=options["junit"]
    )
    written = None
    if options["write_spec"] is not None:
        written = _write_spec(options["write_spec"], lambda folder: spec_text_for(request, folder))
    if options["as_json"]:
        print_json(
            {**plain(checked.decision), "spec": checked.spec_text, "understood": dict(checked.understood)}
            | ({"scans": plain(scans)} if options["explain"] else {})
        )
    else:
        print_decision(checked.decision)
        _next_step(checked.understood, written)
        if options["explain"]:
            print_scans(scans)
    verdict = checked.decision.verdict
    ctx.exit(
        0 if verdict is Verdict.ship_with_guardrails and options["guardrails_in_place"] else verdict.exit_code
    )


def _request(file: Path, rules: tuple[str, ...], options: dict[str, Any]) -> Any:
    from shipworthy.api.check import CheckRequest
    from shipworthy.cli.console import pairs_of

    roles = {role: options[name] for name, role in ROLE_OPTIONS.items() if options[name]}
    roles.update(pairs_of(options["columns"], "--column"))
    return CheckRequest(
        path=file,
        rules=rules,
        roles=roles,
        live=options["live"],
        baselines={name: Path(path) for name, path in pairs_of(options["baselines"], "--baseline").items()},
        where=pairs_of(options["where"], "--where"),
        live_where=pairs_of(options["live_where"], "--live-where"),
        kind=options["kind"],
        positive=options["positive"],
        grades=pairs_of(options["grades"], "--grade"),
        scorer=options["scorer"],
        slices=options["slices"],
        costs=_amounts(options["costs"], "--cost"),
        values=_amounts(options["values"], "--value"),
        currency=options["currency"],
        review=options["review"],
        volume=options["volume"],
        guardrails=options["guardrails"],
        acceptances=options["acceptances"],
        sampled=options["sampled"],
        threshold=options["threshold"],
        confidence=options["confidence"],
    )


def _amounts(values: tuple[str, ...], option: str) -> dict[str, float]:
    from shipworthy.cli.console import pairs_of
    from shipworthy.errors import UsageError

    found = {}
    for name, text in pairs_of(values, option).items():
        try:
            found[name] = float(text.replace(",", "").lstrip("$€£"))
        except ValueError:
            raise UsageError(
                f"{option} {name}={text}: {text!r} is no amount.", fix="Write a number."
            ) from None
    return found


def _write_spec(target: Path, text_for: Any) -> Path:
    from shipworthy.errors import UsageError
    from shipworthy.store.workspace import write_atomically

    path = target if target.suffix in (".yaml", ".yml") else target / "shipworthy.yaml"
    if path.exists():
        raise UsageError(f"{str(path)!r} exists already.", fix="Name another folder, or move it away.")
    text = text_for(path.parent)
    try:
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(
            f"Cannot write {str(path)!r}: {error.strerror}.", fix="Name a place that can be written to."
        ) from None
    return path


def _next_step(understood: Any, written: Path | None) -> None:
    from shipworthy.cli.console import say

    roles = ", ".join(f"{role} = {name}" for role, name in understood.items())
    say(f"Read as: {roles}")
    if written is not None:
        say(f"Wrote {written}. Judge it again with: shipworthy decide --product {written.parent}")
    else:
        say("Keep this promise: add --write-spec my-product to get the spec that says the same.")
