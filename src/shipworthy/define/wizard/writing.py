"""What the answers make: the spec, the columns of the golden set, and the cases to write first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from shipworthy.define.library.modes import Mode, modes_for
from shipworthy.define.wizard.kinds import KIND_SAYS
from shipworthy.define.wizard.questions import Answers, beyond, percent
from shipworthy.errors import UsageError
from shipworthy.stats.sizing import cases_for_power

__all__ = ["golden_header", "spec_text", "worksheet"]

#: Cases of a must-pass list to start with; it is no sample, so no number proves anything.
CASES_PER_LIST = 20
STUBS_PER_MODE = 2
#: Modes that only a rate, a date or an outage shows: nobody can write one case of them.
SEEN_IN_NO_CASE = frozenset(
    {
        "bias_loop",
        "coverage_gap",
        "cost_overrun",
        "distribution_drift",
        "gaming",
        "label_corruption",
        "label_noise",
        "missing_window",
        "model_decay",
        "model_unavailable",
        "over_trust",
        "poor_calibration",
        "query_drift",
        "relevance_decay",
        "schema_change",
        "slow_answer",
        "training_serving_skew",
        "unequal_flag_rates",
    }
)


@dataclass(frozen=True)
class _Promised:
    """One gate as the answers state it."""

    rule: str
    expected: float | None
    needed: int | None


def spec_text(answers: Answers, product: str, today: date) -> str:
    """Return the spec that the answers make, with a comment beside what is worth a thought.

    Args:
        answers: Checked answers to all questions.
        product: The product's id.
        today: The day on which the golden set is begun.

    Returns:
        YAML of a spec at level judge, whose systems are planned.
    """
    kind = str(answers["kind"])
    says = KIND_SAYS[kind]
    gates = _gates(answers)
    modes = _chosen(answers)
    lists = _lists(modes)
    needed = max((gate.needed for gate in gates if gate.needed is not None), default=100)
    costs = {key: said for key, _asks, _amount in says.costs if (said := answers[f"cost_{key}"]) is not None}
    brief = [name for name in ("user", "today", "without_ai", "success") if answers[name] is not None]
    lines = [
        "# Made from answers to `shipworthy init --ask`. Nothing here is settled: change the text.",
        "# yaml-language-server: $schema=spec.schema.json",
        "shipworthy: 1",
        f"id: {_scalar(product)}",
        f"kind: {kind}",
        "level: judge                    # launch and operate ask for more: shipworthy lint --level launch",
    ]
    if answers["regulated"]:
        lines.append(f"regulated: {_flow(answers['regulated'])}")
    if answers.get("groups"):
        lines.append(f"groups: {_flow(answers['groups'])}")
    lines += [
        "",
        f"owners: {{product: {_scalar(answers['owner'])}}}",
        "",
        *(["problem:"] if brief else []),
        *(f"  {name}: {_scalar(answers[name])}" for name in brief),
        *([""] if brief else []),
        "decision:                       # a prediction nobody acts on needs no model",
        f"  prediction: {_scalar(says.prediction)}",
        f"  action: {_flow(answers['action'])}",
        f"  actor: {_scalar(answers['actor'])}",
        "",
        *_cost_lines(costs, answers["volume"]),
        "golden:                         # cases with known answers; see golden/to_write.csv",
        "  path: golden/cases.csv",
        f"  created: {today.isoformat()}",
        *([f"  positive: {_scalar(answers['positive'])}"] if answers.get("positive") else []),
        *_sampled(lists),
        "  strata:                       # minimum counts",
        f"    representative: {needed}         # {_why_so_many(gates)}",
        *(f"    {name}: {CASES_PER_LIST}" for name in lists),
        "",
        "systems:                        # planned; add `recorded: FILE` or `function: module:name` later",
        f"  candidate: {{type: {says.type}, what: planned}}",
        f"  baselines: {{without_ai: {{type: {says.baseline}, "
        f"what: {_scalar(answers['without_ai'] or 'planned')}}}}}",
    ]
    if columns := _cuts(answers):
        lines += ["", f"slices: {_flow(columns)}      # columns of the golden set"]
    lines += ["", "gates:                          # each is met, not met or not proven at 95% confidence"]
    lines += [_gate_line(gate) for gate in gates]
    lines += [
        f"  - {{id: {_list_gate(name)}, rule: {_scalar(f'failures[stratum = {name}] <= 0')}, "
        "why: a must-pass list}"
        for name in lists
    ]
    if modes or _own(answers):
        lines += ["", "failure_modes:                  # from the library; say it in your own words"]
        lines += [line for mode in modes for line in _mode_lines(mode)]
        lines += [f"  - {{id: {name}, what: in your own words}}" for name in _own(answers)]
    return "\n".join(lines) + "\n"


def _cost_lines(costs: Mapping[str, tuple[float, str]], volume: float | None) -> list[str]:
    if not costs and volume is None:
        return []
    return [
        "costs:                          # what an error costs decides where the bars belong",
        f"  currency: {_currency(costs.values())}",
        *(f"  {key}: {amount:.10g}" for key, (amount, _named) in costs.items()),
        *([] if volume is None else [f"  volume_per_month: {volume:.10g}"]),
        "",
    ]


def _cuts(answers: Answers) -> list[str]:
    """Return the columns that results are cut by: situations, then groups of people."""
    return list(dict.fromkeys([*answers["slices"], *(answers.get("groups") or ())]))


def worksheet(answers: Answers) -> list[tuple[str, ...]]:
    """Return the cases to write first: two for each failure mode, with what to write in words.

    Modes that a sample of traffic shows have none: cases that somebody made up are no sample.

    Args:
        answers: Checked answers to all questions.

    Returns:
        Rows of a table, the header first; inputs and labels are empty.
    """
    columns = golden_header(answers)
    rows: list[tuple[str, ...]] = [(*columns, "failure_mode", "what_to_write")]
    for mode in filter(_has_list, _chosen(answers)):
        for number in range(1, STUBS_PER_MODE + 1):
            held = dict.fromkeys(("case_id", "query_id"), f"{mode.id}-{number}") | {"stratum": mode.stratum}
            filled = tuple(held.get(column, "") for column in columns)
            rows.append((*filled, mode.id, f"A case where this could happen: {mode.definition}"))
    return rows


def golden_header(answers: Answers) -> tuple[str, ...]:
    """Return the columns of the golden set, before it holds any case."""
    return tuple(dict.fromkeys((*KIND_SAYS[str(answers["kind"])].columns, *_cuts(answers))))


def _chosen(answers: Answers) -> list[Mode]:
    """Return the chosen modes of the library; what no case shows is tested on the sample."""
    known = {mode.id: mode for mode in modes_for(str(answers["kind"]))}
    found = [known[name] for name in answers["failure_modes"] if name in known]
    return [replace(mode, stratum="representative") if mode.id in SEEN_IN_NO_CASE else mode for mode in found]


def _own(answers: Answers) -> list[str]:
    """Return the chosen modes that the library does not have."""
    known = {mode.id for mode in modes_for(str(answers["kind"]))}
    return [name for name in answers["failure_modes"] if name not in known]


def _lists(modes: Iterable[Mode]) -> list[str]:
    """Return the strata beside the representative one that modes are tested on."""
    return list(dict.fromkeys(mode.stratum for mode in modes if mode.stratum != "representative"))


def _gates(answers: Answers) -> list[_Promised]:
    found = []
    for at, bar in enumerate(KIND_SAYS[str(answers["kind"])].bars, 1):
        value = float(answers[f"bar_{at}"])
        sign = ">=" if bar.at_least else "<="
        if not bar.share:
            found.append(_Promised(f"{bar.metric} {sign} {value:.10g}", None, None))
            continue
        expected = float(answers["expected"]) if at == 1 else beyond(value, bar.at_least)
        side: Literal["at_least", "at_most"] = "at_least" if bar.at_least else "at_most"
        is_beyond = expected > value if bar.at_least else expected < value
        needed = cases_for_power(value, expected, side, 0.95, 0.8) if is_beyond else None
        found.append(_Promised(f"{bar.metric} {sign} {percent(value)}", expected, needed))
    return found


def _gate_line(gate: _Promised) -> str:
    if gate.expected is None:
        return f"  - {gate.rule}"
    return f"  - {{rule: {_scalar(gate.rule)}, expect: {gate.expected:.10g}}}"


def _why_so_many(gates: Iterable[_Promised]) -> str:
    largest = max(
        (gate for gate in gates if gate.needed is not None), key=lambda gate: gate.needed or 0, default=None
    )
    if largest is None or largest.expected is None:
        return "drawn at random from what comes in; shipworthy size says how many it takes"
    counted = "; it counts only some cases, so you need more" if "recall" in largest.rule else ""
    counted = counted or (
        "; it counts only the alarms, so you need more" if "precision" in largest.rule else ""
    )
    return (
        f"{largest.rule} is proved by so many 4 times in 5, if {percent(largest.expected)} is true{counted}"
    )


def _sampled(lists: list[str]) -> list[str]:
    if not lists:
        return ["  sampled: random               # drawn at random from what comes in, or rates say nothing"]
    ways = {name: "incident" if name == "failure_replay" else "curated" for name in lists}
    curated = "".join(f", {name}: {way}" for name, way in ways.items())
    return [f"  sampled: {{representative: random{curated}}}"]


def _mode_lines(mode: Mode) -> list[str]:
    gate = f", gate: {_list_gate(mode.stratum)}" if mode.severity == "blocker" and _has_list(mode) else ""
    return [
        f"  - {{id: {mode.id}, severity: {mode.severity}, cases: {mode.stratum}{gate},",
        f"     what: {_scalar(mode.definition)},",
        f"     detect: {_scalar(mode.detector)},",
        f"     mitigation: {_flow(mode.guardrails)}}}",
    ]


def _has_list(mode: Mode) -> bool:
    return mode.stratum != "representative"


def _list_gate(stratum: str) -> str:
    return f"{stratum}_cases"


def _currency(amounts: Iterable[tuple[float, str]]) -> str:
    named = sorted({currency for _amount, currency in amounts if currency})
    if len(named) > 1:
        raise UsageError(
            f"Costs are in {' and '.join(named)}, and a spec has one currency.",
            fix="Give all amounts in one currency.",
        )
    return named[0] if named else "USD"


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _./@()+'-]*[A-Za-z0-9)]|[A-Za-z]")
_WORDS_OF_YAML = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")


def _scalar(text: str) -> str:
    """Return a text as YAML: bare where that is safe in every context, else quoted."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _flow(texts: Iterable[str]) -> str:
    return f"[{', '.join(_scalar(text) for text in texts)}]"
