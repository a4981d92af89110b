"""SW53x: what a pass would prove: of whom, after how many tries, and with what chance."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import yaml_snippet
from shipworthy.define.rules import Population
from shipworthy.define.sizing import GateQuestion, chance_of_all, size_jointly
from shipworthy.define.spec import Gate
from shipworthy.stats.multiplicity import chance_one_passes

#: Candidates on one golden set from which on choosing among them is worth a word.
MANY_CANDIDATES = 3
EVEN, LIKELY = 0.5, 0.8
#: Samplings whose rates speak of nothing beyond the cases.
CHOSEN_BY_HAND = ("curated", "incident")


def _stratum_of(population: Population) -> str | None:
    """Return the one stratum that a population is; None where it is something else."""
    conditions = population.conditions
    if len(conditions) == 1 and conditions[0].column == "stratum" and conditions[0].operator == "=":
        return conditions[0].values[0]
    return None


def _rates(promise: Promise) -> Iterator[tuple[int, Gate, GateQuestion]]:
    """Yield the gates that infer something from cases to the rest of the world."""
    for index, gate in enumerate(promise.spec.gates):
        question = promise.facts.questions.get(gate.id)
        if question is not None and question.form != "list":
            yield index, gate, question


@rule("SW531", "warning", level="judge")
def rate_speaks_of_no_traffic(promise: Promise) -> Iterator[Finding]:
    """A gate bounds a rate on cases that nobody drew from traffic, or of which nobody says how they came.

    The bound then covers these cases, not your traffic, and every decision has to say so.

    Draw cases at random from traffic (or with known weights) and say so under `golden.sampled`, per stratum
    where they differ. Cases chosen by hand make a must-pass list, which needs no rate.
    """
    golden = promise.spec.golden
    by_sampling: dict[str, list[tuple[int, Gate]]] = {}
    for index, gate, question in _rates(promise):
        stratum = _stratum_of(question.population)
        sampling = golden.sampling_of(stratum)
        if sampling in CHOSEN_BY_HAND and stratum not in (None, "representative"):
            continue  # SW534 speaks of these.
        if sampling in ("unknown", *CHOSEN_BY_HAND):
            by_sampling.setdefault(sampling, []).append((index, gate))
    for sampling, gates in by_sampling.items():
        first = gates[0][1]
        others = f" and {len(gates) - 1} more" if len(gates) > 1 else ""
        verb, whose = ("speak", "their") if len(gates) > 1 else ("speaks", "its")
        how = f"{whose} cases are {sampling}"
        if sampling == "unknown":
            how = f"nobody says how {whose} cases were chosen"
        stated = "sampled" in golden.model_fields_set
        yield Finding(
            ("golden", "sampled") if stated else ("golden",),
            f"the gate {first.rule}{others} {verb} of traffic, and {how}",
            yaml_snippet("golden.sampled", "random")
            if sampling == "unknown"
            else "Draw cases at random from traffic, and say of them that they are random.",
            id=first.id,
        )


@rule("SW532", "warning", level="judge")
def gate_mixes_strata(promise: Promise) -> Iterator[Finding]:
    """A blocking gate adds up strata that were never in one proportion.

    Its rate then says how many cases of each kind somebody wrote, not how often anything happens.

    Call the stratum that looks like traffic `representative`; gates speak of it unless they say otherwise.
    Or say with `on:` which stratum, or `on: all`, is meant.
    """
    spec = promise.spec
    strata = list(spec.golden.strata)
    if len(strata) < 2 or "representative" in strata:
        return
    blocking = spec.blocking_gates()
    mixed = [
        (index, gate)
        for index, gate, question in _rates(promise)
        if gate.id in blocking
        and gate.on is None
        and all(condition.column != "stratum" for condition in question.population.conditions)
    ]
    if mixed:
        first = mixed[0][1]
        others = f" and {len(mixed) - 1} more" if len(mixed) > 1 else ""
        yield Finding(
            ("golden", "strata"),
            f"the gate {first.rule}{others} {'add' if others else 'adds'} up the strata {', '.join(strata)}",
            yaml_snippet("golden.strata", {"representative": 500}),
            id=first.id,
        )


@rule("SW533", "warning", level="judge", needs=("runs",))
def many_were_tried_on_one_set(promise: Promise) -> Iterator[Finding]:
    """Many candidates were judged on one golden set, or one candidate again and again.

    The best of many tries looks better than it is, and a bar that each passes wrongly one time in twenty is
    passed wrongly far more often by one of them.

    Keep a confirmation set of other cases (`golden.confirm`), to be used once by the candidate that is to
    ship. Where one candidate is judged while cases come in, `looks: many` keeps the promise over all looks.
    """
    golden, runs = promise.spec.golden, promise.runs
    if runs is None or golden.confirm is not None:
        return
    if runs.candidates >= MANY_CANDIDATES:
        risks = [1 - gate.confidence for _i, gate, _q in _rates(promise)]
        chance = chance_one_passes(runs.candidates, max(risks, default=0.05))
        yield Finding(
            ("golden",),
            f"{runs.candidates} candidates were judged on this set; if each lay exactly at a bar, one of "
            f"them passes it with a chance of {chance:.0%}",
            yaml_snippet("golden.confirm", "golden/confirm.jsonl"),
        )
    looked = {name: n for name, n in runs.looks.items() if n > 0}
    if looked and golden.looks == "once":
        gate_id = max(looked, key=lambda name: looked[name])
        yield Finding(
            ("golden", "looks") if "looks" in golden.model_fields_set else ("golden",),
            f"the candidate was looked at {looked[gate_id] + 1} times by {gate_id}, and `looks` plans one",
            yaml_snippet("golden.looks", "many"),
            id=gate_id,
        )


@rule("SW534", "warning", level="judge")
def list_and_rate_are_confused(promise: Promise) -> Iterator[Finding]:
    """Cases chosen by hand are gated by a rate, or a random sample by a list that lets none fail.

    A share of hand-picked cases is a share of nothing, and one that has to be flawless forgets that some
    failures are known by name.

    Gate curated and incident cases with failures[stratum = ...] <= 0, which names each one that fails; gate
    random cases with a rate.
    """
    spec = promise.spec
    for index, gate in enumerate(spec.gates):
        question = promise.facts.questions.get(gate.id)
        if question is None:
            continue
        stratum = _stratum_of(question.population)
        if stratum is None:
            continue
        sampling = spec.golden.sampling_of(stratum)
        is_list = question.form == "list"
        if not is_list and sampling in CHOSEN_BY_HAND and stratum != "representative":
            what = f"the gate {gate.rule} is a rate of the {sampling} cases of {stratum}"
            example = f"failures[stratum = {stratum}] <= 0"
        elif is_list and sampling == "random":
            what = f"the gate {gate.rule} lets none of the random cases of {stratum} fail"
            example = f"accuracy[stratum = {stratum}] >= 95%"
        elif is_list and question.bar > 0 and sampling in CHOSEN_BY_HAND:
            what = f"the gate {gate.rule} lets {question.bar:g} of the must-pass cases of {stratum} fail"
            example = f"failures[stratum = {stratum}] <= 0"
        else:
            continue
        yield Finding(
            ("gates", index, "rule"),
            what,
            yaml_snippet("gates", [{"id": gate.id, "rule": example, "on": "all"}]),
            id=gate.id,
        )


@rule("SW535", "warning", level="judge", needs=("golden",))
def gates_will_hardly_pass_together(promise: Promise) -> Iterator[Finding]:
    """All blocking gates together will hardly be proved, although each expected truth clears its bar.

    Five gates with a chance of 80% each are all proved one time in three, and the launch waits for the fifth.

    The chance supposes the expected truths (`expect`, or what was last measured) and independent proofs. Add
    cases: the finding says how many. A chance below an even one is a warning, below 80% a hint.
    """
    golden = promise.golden
    for _index, _gate, size in promise.sizes():
        alone = size.at_expected.chance if size.at_expected is not None else None
        if size.question.blocking and alone is not None and alone < LIKELY:
            return  # SW301, SW302 and SW304 speak of a gate that fails alone.
    questions = list(promise.facts.questions.values())
    chance = chance_of_all(questions, golden.cases) if golden is not None else None
    if golden is None or chance is None or chance >= LIKELY:
        return
    joint = size_jointly(questions, golden.cases)
    if joint is None:
        return
    wanted = f"{joint.likely:,} cases of the same mix make" if joint.likely else "no number of cases makes"
    path = promise.spec.golden.path
    yield Finding(
        ("gates",),
        f"the {len(joint.gates)} blocking gates with an expected truth are all proved with a chance of about "
        f"{chance:.0%}: {wanted} it 80%",
        f"Add cases to {path}: `shipworthy size` says how many each gate takes.",
        severity="warning" if chance < EVEN else "info",
    )
