"""The model card, under the names of Hugging Face's template and metadata."""

from __future__ import annotations

from typing import Any

from shipworthy.define.documents.limits import limit_table
from shipworthy.define.documents.model import Block, Cell, Document, Paragraph, Section, Table
from shipworthy.define.documents.parts import (
    about,
    acceptances_table,
    budget_facts,
    decision_line,
    facts,
    failure_table,
    gate_table,
    guardrail_table,
    harm_table,
    listed,
    metric_table,
    numbers_table,
    product_name,
    source_table,
    strata_table,
)
from shipworthy.define.documents.prd import population_facts
from shipworthy.define.documents.telling import Telling

__all__ = ["model_card"]

#: Hugging Face's task of each kind; `other` where the kind does not say what is read.
TASKS = {"generator": "text-generation", "rag": "text-generation"}
NO_KEY = Cell("not said (no key of the spec holds it)", tone="missing")


def model_card(t: Telling) -> Document:
    """Return the model card: use, factors, metrics, data, results per group, risks, and who is missing."""
    candidate = ("systems", "candidate")
    subject = t.spec.systems.candidate
    is_recorded = subject is not None and subject.recorded is not None
    sections = (
        Section(
            "Model Details",
            (),
            (
                Section("Model Description", (_description(t),)),
                Section(
                    "Model Sources",
                    (facts(t, ("Answers from", (*candidate, "recorded" if is_recorded else "function"))),),
                ),
            ),
        ),
        Section(
            "Uses",
            (),
            (
                Section(
                    "Direct Use",
                    (
                        facts(
                            t,
                            ("Users", ("problem", "user")),
                            ("Job", ("problem", "job")),
                            ("Prediction", ("decision", "prediction")),
                            ("Triggers", ("decision", "action")),
                        ),
                    ),
                ),
                Section("Downstream Use", (facts(t, ("Who acts on it", ("decision", "actor"))),)),
                Section("Out-of-Scope Use", _out_of_scope(t)),
            ),
        ),
        Section(
            "Bias, Risks, and Limitations",
            (harm_table(t), failure_table(t), acceptances_table(t)),
            (Section("Recommendations", (guardrail_table(t), limit_table(t))),),
        ),
        Section("How to Get Started with the Model", (_start(t),)),
        Section(
            "Training Details",
            (),
            (
                Section("Training Data", (source_table(t), population_facts(t))),
                Section(
                    "Training Procedure",
                    (
                        facts(
                            t,
                            ("Strategy", (*candidate, "strategy")),
                            ("Trained again when", ("learning", "retrain", "trigger")),
                        ),
                    ),
                ),
            ),
        ),
        Section("Evaluation", (decision_line(t),), _evaluation(t)),
        Section("Environmental Impact", (Paragraph(NO_KEY),)),
        Section(
            "Technical Specifications",
            (budget_facts(t),),
        ),
        Section(
            "Model Card Contact",
            (
                facts(
                    t,
                    ("Product", ("owners", "product")),
                    ("Model", ("owners", "ml")),
                    ("On call", ("owners", "oncall")),
                ),
            ),
        ),
    )
    return Document("model-card", "Model card", product_name(t), about(t), sections, front=_front(t))


def _description(t: Telling) -> Block:
    said = facts(
        t,
        ("Developed by", ("owners", "ml")),
        ("Model", ("systems", "candidate", "model")),
        ("Model type", ("systems", "candidate", "type")),
        ("What it is", ("systems", "candidate", "what")),
        ("Why this model", ("systems", "candidate", "why")),
        ("Version", ("version",)),
    )
    rows = (*said.rows, ("Language(s)", NO_KEY), ("License", NO_KEY), ("Finetuned from model", NO_KEY))
    return type(said)(rows)


def _out_of_scope(t: Telling) -> tuple[Block, ...]:
    refused = tuple(
        (t.said("limits", at, "does_not"),)
        for at, limit in enumerate(t.spec.limits)
        if limit.does_not is not None
    )
    table = Table("What it does not do", ("It does not",), refused, t.missing("limits"))
    missing = t.said("data", "populations", "missing")
    blocks: list[Block] = [table]
    if t.spec.is_foundation:
        blocks.append(listed(t, "context", "envelope", "must_not"))
    blocks.append(
        Paragraph(Cell(f"Populations that are not in the data: {missing.text}", missing.keys, missing.tone))
    )
    return tuple(blocks)


def _start(t: Telling) -> Block:
    call = ("Call", ("systems", "candidate", "function"))
    return facts(t, call, ("Prompt", ("context", "prompt"))) if t.spec.is_foundation else facts(t, call)


def _evaluation(t: Telling) -> tuple[Section, ...]:
    m = t.measured
    data = facts(
        t,
        ("Golden set", ("golden", "path")),
        ("Sampled", ("golden", "sampled")),
        ("Held out by", ("golden", "holdout")),
    )
    judged = (
        ()
        if m.because
        else (
            (
                "Judged on",
                Cell(
                    f"{m.cases:,} cases, {m.population}",
                    (("golden", "path"),),
                    note=m.golden_version,
                    decision=m.decision,
                ),
            ),
        )
    )
    factors = facts(t, ("Groups", ("groups",)), ("Slices", ("slices",)))
    return (
        Section("Testing Data", (type(data)((*data.rows, *judged)), strata_table(t))),
        Section("Factors", (factors,)),
        Section("Metrics", (metric_table(t, "offline"), metric_table(t, "ops"))),
        Section("Results", (gate_table(t), numbers_table(t, groups=False))),
        Section("Results per group", (numbers_table(t, groups=True),)),
        Section("Missing populations", (Paragraph(t.said("data", "populations", "missing")),)),
    )


def _front(t: Telling) -> dict[str, Any]:
    """Return the metadata that the Hub reads; results only where something was measured."""
    spec, m = t.spec, t.measured
    candidate = spec.systems.candidate
    front: dict[str, Any] = {"tags": list(dict.fromkeys([spec.kind, "shipworthy", *spec.regulated]))}
    if spec.kind in TASKS:
        front["pipeline_tag"] = TASKS[spec.kind]
    values: dict[str, tuple[str, float]] = {}
    for number in m.metrics:
        if number.number is not None:
            values[number.metric] = (number.metric, number.number)
    for gate in spec.gates:
        answer = m.gates.get(gate.id)
        if answer is not None and answer.number is not None:
            left = str(gate.parsed.left)
            values.setdefault(left, (f"{left} (gate {gate.id}, {answer.words})", answer.number))
    if values and not m.because:
        front["metrics"] = list(values)
        name = candidate.model if candidate is not None and candidate.model else spec.id
        result = {
            "task": {"type": TASKS.get(spec.kind, "other"), "name": spec.decision.prediction},
            "dataset": {
                "name": f"golden set of {spec.id}",
                "type": spec.golden.path,
                "revision": m.golden_version,
            },
            "metrics": [
                {"type": key, "name": name_, "value": value} for key, (name_, value) in values.items()
            ],
        }
        front["model-index"] = [{"name": name, "results": [result]}]
    return front
