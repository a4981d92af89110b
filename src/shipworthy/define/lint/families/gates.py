"""SW50x: routing bands, and gates that cannot mean what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shipworthy.define.keys.routing import Band
from shipworthy.define.lint.named import is_blank, person_of
from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import yaml_snippet
from shipworthy.define.rules import Call, columns_compared
from shipworthy.define.sizing import is_reached
from shipworthy.define.spec import ROLES, Gate, Spec
from shipworthy.errors import nearest
from shipworthy.stats.multiplicity import chance_one_passes

#: Distance between a band's cut and the one that costs least, beyond which both are printed.
FAR_FROM_BEST = 0.1
#: Blocking gates from which on the chance of a false alarm somewhere is worth a word.
MANY_GATES = 10
DAYS_PER_MONTH = 30.0

_ADVERSE = re.compile(
    r"(^|[^a-z])(declin|reject|den(y|ied)|ban|block|suspend|terminat|evict|cancel|close_account|refus)", re.I
)


@rule("SW501", "error", level="judge")
def bands_do_not_tile(promise: Promise) -> Iterator[Finding]:
    """The bands of `routing` leave a score without an action, or give it two.

    Scores between two bands do occur, and what happens to them is then decided by whoever wrote the code.

    The bands must cover every score from 0 to 1 once: each starts where the one before ends, the last ends
    at 1. Leaving `from` out does that.
    """
    routing = promise.spec.routing
    if routing is None:
        return
    ends = sorted(enumerate(routing.ends()), key=lambda one: (one[1][0], one[1][1]))
    reached, before = 0.0, "0"
    for index, (low, high, band) in ends:
        if low > reached:
            yield _untiled(index, f"no band holds the scores from {reached:g} to {low:g}", reached, band)
        elif low < reached:
            yield _untiled(
                index, f"the scores from {low:g} to {min(high, reached):g} are in two bands ({before} and "
                f"{band.action})", reached, band
            )  # fmt: skip
        reached, before = max(reached, high), band.action
    if reached < 1:
        index, (_low, _high, band) = ends[-1]
        yield Finding(
            ("routing", "bands", index),
            f"no band holds the scores from {reached:g} to 1",
            yaml_snippet("routing.bands", [{"to": 1, "action": band.action}]),
            id=band.action,
        )


def _untiled(index: int, what: str, reached: float, band: Band) -> Finding:
    fixed = {"from": reached, "to": 1.0 if band.to is None else band.to, "action": band.action}
    return Finding(("routing", "bands", index), what, yaml_snippet("routing.bands", [fixed]), id=band.action)


@rule("SW502", "error", example=True)
def bands_are_not_the_product_owners(promise: Promise) -> Iterator[Finding]:
    """Somebody other than the product owner draws the lines between automation and people.

    Where they lie decides about money, work and harm, which is not a matter of the model.

    Name the product owner under `routing.owner`.
    """
    spec = promise.spec
    if spec.routing is None:
        return
    product = spec.owners.product if spec.owners is not None else None
    owner = person_of(spec, spec.routing.owner)
    if owner is None or (product is not None and owner != product):
        who = f"to {spec.routing.owner}" if spec.routing.owner is not None else "to nobody"
        yield Finding(
            ("routing", "owner"),
            f"the bands belong {who}" + (f", and the product to {product}" if product else ""),
            yaml_snippet("routing.owner", product or "Ana"),
        )


@rule("SW503", "warning")
def band_is_cut_against_the_costs(promise: Promise) -> Iterator[Finding]:
    """A band is cut far from where the stated costs put the line.

    Either the costs or the cut is wrong, and both are paid for every day.

    A case should go to a person as long as the look costs less than the error it prevents. With p the chance
    of being positive, automatic acceptance pays from p = 1 - review / (false_positive * caught) on, and
    automatic rejection below p = review / (false_negative * caught), where caught is the share of errors
    that people catch (`guardrails`, else all). Move the cut, or correct the costs. It supposes that the
    score is the calibrated chance of the positive class.
    """
    spec = promise.spec
    routing, costs = spec.routing, spec.costs
    if routing is None or costs is None or not costs.review or spec.kind not in ("classifier", "detector"):
        return
    ends = routing.ends()
    for index, (low, high, band) in enumerate(ends):
        if band.by != "person":
            continue
        above = next((b for start, _end, b in ends if start == high and b.by == "system"), None)
        below = next((b for _start, end, b in ends if end == low and b.by == "system"), None)
        for cut, other, error in ((high, above, "false_positive"), (low, below, "false_negative")):
            cost = costs.of(error)
            if other is None or not cost or cost <= 0:
                continue
            caught = _caught(spec, error)
            share = costs.review / (cost * caught)
            best = 1 - share if error == "false_positive" else share
            if not 0 < best < 1 or abs(best - cut) <= FAR_FROM_BEST:
                continue
            name = error.replace("_", " ")
            key = "to" if error == "false_positive" else "from"
            yield Finding(
                ("routing", "bands", index),
                f"the line between {band.action} and {other.action} is at {cut:g}; at {costs.review:g} "
                f"{costs.currency} for a look, {cost:g} for a {name} and {caught:.0%} of them caught it "
                f"costs least at {best:.2f}",
                yaml_snippet("routing.bands", [{key: round(best, 2), "action": band.action, "by": "person"}]),
                id=band.action,
            )


def _caught(spec: Spec, error: str) -> float:
    """Return the share of errors that people catch, as measured; all of them where nobody measured."""
    for guardrail in spec.guardrails:
        if error in guardrail.stops and guardrail.tried and guardrail.caught:
            return guardrail.caught / guardrail.tried
    return 1.0


@rule("SW504", "error", needs=("runs",))
def more_reviews_than_people(promise: Promise) -> Iterator[Finding]:
    """More cases go to people every day than they can look at.

    A queue that grows every day is not a guardrail; after a week people wave cases through.

    The share of cases in the bands of people comes from the candidate's last run, the volume from
    `costs.volume_per_month`. Narrow the band, add people, or let some of it go to the fallback.
    """
    spec, runs = promise.spec, promise.runs
    if spec.routing is None or runs is None or spec.costs is None or spec.costs.volume_per_month is None:
        return
    capacity = spec.routing.review_capacity_per_day
    if capacity is None or len(runs.band_shares) != len(spec.routing.bands):
        return
    share = sum(
        part for part, band in zip(runs.band_shares, spec.routing.bands, strict=True) if band.by == "person"
    )
    daily = spec.costs.volume_per_month / DAYS_PER_MONTH
    if share * daily > capacity:
        yield Finding(
            ("routing", "review_capacity_per_day"),
            f"{share:.0%} of {daily:,.0f} cases a day are {share * daily:,.0f} looks, and people have time "
            f"for {capacity:,.0f}",
            yaml_snippet("routing.review_capacity_per_day", round(share * daily + 0.5)),
        )


@rule("SW505", "error", example=True)
def machine_alone_decides_against_people(promise: Promise) -> Iterator[Finding]:
    """In a regulated field the system alone decides against somebody, without giving reasons.

    People have a right to a reason, or to a person, and a court finds out which one was missing.

    Let a person decide in that band (`by: person`), or say under `launch.comms.adverse_reasons` which
    reasons are given.
    """
    spec = promise.spec
    comms = spec.launch.comms if spec.launch is not None else None
    if not spec.regulated or spec.routing is None:
        return
    if comms is not None and not is_blank(comms.adverse_reasons):
        return
    for index, band in enumerate(spec.routing.bands):
        if band.by != "person" and (band.adverse or _ADVERSE.search(band.action)):
            yield Finding(
                ("routing", "bands", index),
                f"{band.action} is decided by the {band.by} alone, and no reasons are given",
                yaml_snippet("launch.comms", {"adverse_reasons": "the four reasons that weighed most"}),
                id=band.action,
            )


@rule("SW506", "error", level="judge")
def gate_speaks_of_what_is_not_there(promise: Promise) -> Iterator[Finding]:
    """A gate names a metric or a slice that does not exist.

    It will be "not measured" on the day of the launch, and what is not measured holds.

    Correct the name, declare the score under `metrics` with its scorer, or map the column under
    `golden.columns`. Columns are looked for in the golden set and in the recorded files.
    """
    spec = promise.spec
    columns = promise.facts.columns
    scores = [metric.id for metric in spec.metrics if metric.scorer is not None]
    known = {*columns, *spec.golden.columns, *ROLES, *scores} if isinstance(columns, tuple) else None
    held = [*columns, *spec.golden.columns, *scores] if isinstance(columns, tuple) else []
    for index, gate in enumerate(spec.gates):
        refused = promise.facts.refused.get(gate.id)
        if refused is not None:
            what, fix = refused
            yield Finding(("gates", index, "rule"), f"the gate {gate.rule}: {what}", fix, id=gate.id)
        elif known is not None:
            for name in _columns_of(gate, spec):
                if not _is_known(name, known):
                    yield Finding(
                        ("gates", index, "rule"),
                        f"the gate {gate.rule} cuts by {name}, which no file has",
                        _nearest_column(name, held),
                        id=gate.id,
                    )
    if known is not None:
        for key in ("slices", "groups"):
            for index, name in enumerate(getattr(spec, key)):
                if not _is_known(name, known):
                    yield Finding(
                        (key, index),
                        f"`{key}` names {name}, which no file has",
                        _nearest_column(name, held),
                        id=name,
                    )


def _nearest_column(name: str, held: list[str]) -> str:
    """Return the nearest column that a file has, and what else would do."""
    return f"{nearest(name, held)} Or add the column {name} to the golden set."


def _is_known(name: str, known: set[str]) -> bool:
    """Return whether there is a column of that name, or one that a path such as meta.language starts from."""
    return name in known or name.split(".", 1)[0] in known


def _columns_of(gate: Gate, spec: Spec) -> list[str]:
    """Return the columns by which a gate cuts."""
    rule_ = gate.parsed
    names = [condition.column for condition in spec.population_of(gate).conditions]
    names += columns_compared(rule_.left)
    for call in (rule_.left, rule_.right):
        if call is not None:
            names += [condition.column for condition in call.population.conditions]
            inner = [part for part in call.arguments if isinstance(part, Call)]
            names += [condition.column for part in inner for condition in part.population.conditions]
    return list(dict.fromkeys(names))


@rule("SW508", "error", level="judge")
def gate_has_one_answer(promise: Promise) -> Iterator[Finding]:
    """A gate can never fail, or can never pass.

    The first is decoration, and the second holds every release whatever it is like.

    A rate that must be 100%, or 0%, is never proved by any number of cases: write the bar that is meant, such
    as 99%, or make it a must-pass list (`failures[stratum = ...] <= 0`). A bar that everything clears says
    nothing: take it out, or raise it.
    """
    for index, gate in enumerate(promise.spec.gates):
        question = promise.facts.questions.get(gate.id)
        if question is None or question.form == "list":
            continue
        least, most = {"share": (0.0, 1.0), "points": (-1.0, 1.0)}.get(question.unit, (None, None))
        if least is None and question.unit in ("ms", "ratio") and gate.parsed.left.name != "delta":
            least = 0.0
        at_least = question.better == "at_least"
        always = question.bar <= least if at_least and least is not None else (
            not at_least and most is not None and question.bar >= most
        )  # fmt: skip
        never = question.bar >= most if at_least and most is not None else (
            not at_least and least is not None and question.bar <= least
        )  # fmt: skip
        if always or never:
            word = "can never fail" if always else "can never pass"
            bar = {True: "90%", False: "1%"}[at_least]
            example = f"{gate.parsed.left} {gate.parsed.operator} {bar}"
            yield Finding(
                ("gates", index, "rule"),
                f"the gate {gate.rule} {word}: nothing lies beyond {question.bar:g}",
                yaml_snippet("gates", [{"id": gate.id, "rule": example}]),
                id=gate.id,
            )


@rule("SW509", "warning")
def many_gates_hold_by_chance(promise: Promise) -> Iterator[Finding]:
    """So many gates block that one of them will often be not met by chance.

    A candidate that is exactly as good as promised is then held again and again, and people learn to wave
    gates through.

    All blocking gates must hold, so no correction is due for shipping what is bad; holding what is good is
    what grows. Make gates advisory that nobody would hold a release for, or join them in one metric.
    """
    spec = promise.spec
    blocking = spec.blocking_gates()
    tested = [gate for gate in spec.gates if gate.id in blocking and gate.parsed.left.name != "failures"]
    if len(tested) <= MANY_GATES:
        return
    confidence = min(gate.confidence for gate in tested)
    chance = chance_one_passes(len(tested), 1 - confidence)
    yield Finding(
        ("gates",),
        f"{len(tested)} gates block at {confidence:.0%}; a candidate exactly at every bar is found not met "
        f"on at least one of them with a chance of up to {chance:.0%}",
        yaml_snippet("gates", [{"id": tested[-1].id, "rule": tested[-1].rule, "blocking": False}]),
    )


@rule("SW510", "error", level="judge", example=True)
def waiver_is_not_argued(promise: Promise) -> Iterator[Finding]:
    """A gate is set aside without owner, reason or last day, or the day is past.

    A gate that nobody may question any more is no gate.

    Write who set it aside, why, and until when.
    """
    for index, gate in enumerate(promise.spec.gates):
        waiver = gate.waiver
        if waiver is None:
            continue
        lacks = [
            name
            for name, missing in (
                ("owner", is_blank(waiver.owner)),
                ("reason", is_blank(waiver.reason)),
                ("expires", waiver.expires is None),
            )
            if missing
        ]
        if lacks:
            what = f"the waiver of {gate.id} has no {' and no '.join(lacks)}"
        elif waiver.expires is not None and waiver.expires < promise.today:
            what = f"the waiver of {gate.id} ended on {waiver.expires}"
        else:
            continue
        yield Finding(
            ("gates", index, "waiver"),
            what,
            yaml_snippet(
                "gates",
                [
                    {
                        "id": gate.id,
                        "rule": gate.rule,
                        "waiver": {"owner": "Ana", "reason": "why", "expires": "YYYY-MM-DD"},
                    }
                ],
            ),
            id=gate.id,
        )


@rule("SW511", "warning", level="judge", needs=("runs",))
def gate_is_tighter_than_what_is_live(promise: Promise) -> Iterator[Finding]:
    """A blocking gate asks for more than what is live was measured at.

    If the product in use could not pass, the bar may hold every improvement of it.

    Set the bar to what is needed, and promise the improvement as a comparison with live. It stays silent
    once a candidate was measured beyond the bar.
    """
    spec, runs = promise.spec, promise.runs
    if runs is None:
        return
    blocking = spec.blocking_gates()
    for index, gate in enumerate(spec.gates):
        question, live = promise.facts.questions.get(gate.id), runs.live_values.get(gate.id)
        if question is None or live is None or gate.id not in blocking:
            continue
        ours = runs.values.get(gate.id)
        if is_reached(question.better, question.bar, live) or (
            ours is not None and is_reached(question.better, question.bar, ours)
        ):
            continue
        left = gate.parsed.left
        yield Finding(
            ("gates", index, "rule"),
            f"the gate {gate.rule}, and what is live was measured at {live:.3g}",
            yaml_snippet("gates", [{"rule": f"delta({left}, live) {gate.parsed.operator} 0"}]),
            id=gate.id,
        )
