"""SW8xx: how it goes out, how it comes back, and who watches."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import timedelta

from shipworthy.define.keys.launching import Experiment, Launch, Stage
from shipworthy.define.keys.measures import MetricUse
from shipworthy.define.keys.operating import Monitor
from shipworthy.define.keys.part import length_of
from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import DAY, missing_of, yaml_snippet
from shipworthy.errors import nearest
from shipworthy.stats.sizing import cases_for_power_normal

DAYS_PER_MONTH = 365.25 / 12
LONGEST_PROMPT_ROLLBACK = timedelta(minutes=60)
DRILL_COUNTS_FOR = timedelta(days=90)
LARGEST_JUMP = 10.0
LARGEST_FIRST_STAGE = 25.0

_FOR = re.compile(r"\bfor (\d+(?:\.\d+)?\s*(?:ms|s|m|h|d|w))\b")
#: What is said of a component that has failed, after its name.
_FAILED = re.compile(
    r"[\s_-]*(is[\s_-]+)?(unavailable|down|outage|failed|fails|failure|error|errors|exhausted|timeout|timed[\s_-]out"
    r"|unreachable|missing|stale|broken)\b.*$",
    re.IGNORECASE,
)


@rule("SW801", "error", example=True)
def trigger_is_no_monitor(promise: Promise) -> Iterator[Finding]:
    """A rollback is to be triggered by something that nothing watches.

    A trigger that nothing can pull leaves the bad release where it is.

    Name monitors under `launch.rollback.triggers`, and declare each under `monitors` with series, rule,
    action and owner.
    """
    launch = promise.spec.launch
    monitors = [monitor.id for monitor in promise.spec.monitors]
    if launch is None or launch.rollback is None:
        return
    for name in launch.rollback.triggers:
        if name not in monitors:
            yield Finding(
                ("launch", "rollback", "triggers"),
                f"The rollback is triggered by {name!r}, which is no monitor. {nearest(name, monitors)}",
                yaml_snippet(
                    "monitors",
                    [{"id": name, "series": "...", "rule": "...", "do": "roll_back", "owner": "oncall"}],
                ),
                name,
            )


@rule("SW802", "error", example=True)
def rollback_leads_nowhere(promise: Promise) -> Iterator[Finding]:
    """There is nothing to roll back to, or it is the very version that is to be launched.

    A release that cannot be taken back is a bet with other people's time.

    Name the pinned version that served well before: a model, a prompt, or the release itself.
    """
    yield from missing_of(promise, "SW802")
    spec = promise.spec
    rollback = spec.launch.rollback if spec.launch is not None else None
    if rollback is None:
        return
    prompt = spec.context.prompt.version if spec.context is not None and spec.context.prompt else None
    candidate = spec.systems.candidate
    launched = {
        "the candidate": candidate.model if candidate is not None else None,
        "the prompt in use": prompt,
        "this version": spec.version,
    }
    for name, pinned in launched.items():
        if pinned is not None and rollback.to in (pinned, f"{spec.id}@{pinned}"):
            live = spec.systems.live
            before = live.model if live is not None and live.model not in (None, pinned) else "..."
            yield Finding(
                ("launch", "rollback", "to"),
                f"The rollback leads to {rollback.to}, which is {name}.",
                yaml_snippet("launch.rollback.to", before),
            )
            return


@rule("SW803", "error", example=True)
def rollback_is_slow_or_untried(promise: Promise) -> Iterator[Finding]:
    """The rollback takes more than an hour for a product that runs on a prompt, or was not tried lately.

    A way back that nobody has walked is found to be closed on the night it is needed.

    A prompt can be put back in minutes: promise 60m or less under `within`. Try it, and write the day under
    `last_drill`; a drill counts for 90 days and then gets a warning.
    """
    spec = promise.spec
    rollback = spec.launch.rollback if spec.launch is not None else None
    if rollback is None:
        return
    at = ("launch", "rollback")
    prompted = spec.is_foundation or (spec.context is not None and spec.context.prompt is not None)
    if prompted and rollback.within is not None and length_of(rollback.within) > LONGEST_PROMPT_ROLLBACK:
        yield Finding(
            (*at, "within"),
            f"The rollback may take {rollback.within}, and a prompt is put back within an hour.",
            yaml_snippet("launch.rollback.within", "60m"),
        )
    if rollback.last_drill is None:
        yield Finding(
            (*at, "last_drill"),
            "Nobody has tried the rollback, or nobody wrote down when.",
            yaml_snippet("launch.rollback.last_drill", DAY),
        )
    elif promise.today - rollback.last_drill > DRILL_COUNTS_FOR:
        age = (promise.today - rollback.last_drill).days
        yield Finding(
            (*at, "last_drill"),
            f"The rollback was last tried on {rollback.last_drill}, {age} days ago; a drill counts for "
            f"{DRILL_COUNTS_FOR.days} days.",
            yaml_snippet("launch.rollback.last_drill", DAY),
            severity="warning",
        )


@rule("SW804", "error", example=True)
def nothing_answers_instead(promise: Promise) -> Iterator[Finding]:
    """Nothing answers when the system cannot.

    Every system is down at times, and people still need an answer.

    Say under `launch.fallback` what has failed (`when`), what answers instead (`do`), and what that needs.
    """
    yield from missing_of(promise, "SW804")


@rule("SW805", "error", example=True)
def users_cannot_report(promise: Promise) -> Iterator[Finding]:
    """Users have no way to say that an output was bad.

    What users cannot report is learned from the press.

    Add a channel under `launch.feedback`, with the time within which somebody looks.
    """
    yield from missing_of(promise, "SW805")


@rule("SW806", "error", example=True)
def nobody_attacked_it(promise: Promise) -> Iterator[Finding]:
    """Nobody attacked the product before its launch, or what was attacked is another version.

    What nobody attacked before the launch is attacked after it, by people who do not write a report.

    Let somebody outside the team attack the candidate itself, and write who, when and which version under
    `launch.red_team`. An attack from before the candidate was first run gets a warning.
    """
    yield from missing_of(promise, "SW806")
    spec = promise.spec
    attack = spec.launch.red_team if spec.launch is not None else None
    if attack is None:
        return
    candidate = spec.systems.candidate
    known = [name for name in (spec.version, candidate.model if candidate is not None else None) if name]
    full = [*known, *(f"{spec.id}@{name}" for name in known)]
    first = promise.runs.first_candidate if promise.runs is not None else None
    if attack.candidate is not None and known and attack.candidate not in full:
        yield Finding(
            ("launch", "red_team", "candidate"),
            f"{attack.by} attacked {attack.candidate}, and the candidate is {known[0]}.",
            yaml_snippet("launch.red_team", {"on": DAY, "candidate": known[0]}),
        )
    elif attack.on is not None and first is not None and attack.on < first:
        yield Finding(
            ("launch", "red_team", "on"),
            f"{attack.by} attacked on {attack.on}, before the candidate was first run on {first}.",
            yaml_snippet("launch.red_team.on", DAY),
            severity="warning",
        )


@rule("SW807", "warning")
def exposure_jumps(promise: Promise) -> Iterator[Finding]:
    """The first stage reaches more than a quarter of users, or a stage reaches ten times more than the last.

    What goes wrong once in a thousand is not seen in the small stage, and hits everybody in the next one.

    Start small and grow by steps of at most ten: 1, 5, 25, 100 percent. Shadow stages do not count.
    """
    before: float | None = None
    for index, stage in _exposing(promise.spec.launch):
        name = stage.name or f"{stage.percent:g}%"
        at = ("launch", "stages", index, "percent")
        if before is None and stage.percent > LARGEST_FIRST_STAGE:
            yield Finding(
                at,
                f"The first stage, {name}, reaches {stage.percent:g}% of traffic at once.",
                f"Put a smaller stage before {name}: - {{percent: 5, for: 7d}}.",
                name,
            )
        elif before is not None and stage.percent > LARGEST_JUMP * before:
            between = math.sqrt(before * stage.percent)
            yield Finding(
                at,
                f"The stage {name} reaches {stage.percent / before:.0f} times the traffic of the one before.",
                f"Put a stage between {before:g}% and {name}: - {{percent: {round(between)}, for: 7d}}.",
                name,
            )
        before = stage.percent


@rule("SW808", "warning", level="operate")
def stage_ends_before_it_could_stop(promise: Promise) -> Iterator[Finding]:
    """A stage ends before a monitor that could stop it has seen one whole window.

    The next stage then begins before anybody could know that this one went wrong.

    Lengthen the stage, or let a faster monitor trigger the rollback.
    """
    launch = promise.spec.launch
    if launch is None or launch.rollback is None:
        return
    watching = [one for one in promise.spec.monitors if one.id in launch.rollback.triggers]
    for index, stage in _exposing(launch):
        if stage.for_ is None:
            continue
        late = [(_time_to_fire(monitor), monitor.id) for monitor in watching]
        slowest, monitor_id = max(late, default=(timedelta(0), ""))
        if slowest > length_of(stage.for_):
            name = stage.name or f"{stage.percent:g}%"
            yield Finding(
                ("launch", "stages", index, "for"),
                f"The stage {name} lasts {stage.for_}, and the monitor {monitor_id} fires after "
                f"{_span(slowest)} at the earliest.",
                yaml_snippet("launch.stages", [{"percent": stage.percent, "for": _span(slowest)}]),
                name,
            )


@rule("SW809", "error")
def experiment_cannot_find_its_effect(promise: Promise) -> Iterator[Finding]:
    """The experiment ends before enough users have seen it to find the effect it looks for.

    It will most likely end without an answer, and be read as if there were none.

    The cases needed in each half follow from the smallest effect (`mde`), from the spread (a share's follows
    from `baseline`, else `deviation`), from `alpha` and `power`: 2 (z_alpha/2 + z_power)^2 s^2 / mde^2. Run
    it longer, on more traffic, or look for a larger effect.
    """
    spec = promise.spec
    experiment = spec.launch.experiment if spec.launch is not None else None
    volume = spec.costs.volume_per_month if spec.costs is not None else None
    if spec.launch is None or experiment is None or volume is None:
        return
    primary = next((metric for metric in spec.metrics if metric.id == experiment.primary), None)
    spread = _spread_of_both(experiment, primary)
    seen = _cases_per_half(spec.launch, experiment, volume)
    if spread is None or seen is None:
        return
    needed = cases_for_power_normal(experiment.mde, spread, 1 - experiment.alpha / 2, experiment.power)
    if needed > seen:
        per_day = volume / DAYS_PER_MONTH * _share_of_traffic(experiment)
        longer = math.ceil(2 * needed / per_day)
        yield Finding(
            ("launch", "experiment"),
            f"To find {experiment.mde:g} in {experiment.primary} takes {needed:,} cases in each half, and "
            f"its traffic gives {math.floor(seen):,}.",
            yaml_snippet(
                "launch.experiment", {"percent": 100 * _share_of_traffic(experiment), "for": f"{longer}d"}
            ),
            experiment.primary,
        )


@rule("SW810", "warning")
def month_costs_more_than_its_budget(promise: Promise) -> Iterator[Finding]:
    """A month of calling the system costs more than its budget, at the traffic that is stated.

    The bill comes after the launch, when switching it off costs most.

    Lower what one answer may cost (`budgets.run_cost`), raise `budgets.monthly`, or route the easy cases to
    something cheaper.
    """
    spec = promise.spec
    volume = spec.costs.volume_per_month if spec.costs is not None else None
    budgets = spec.budgets
    if budgets is None or budgets.monthly is None or budgets.run_cost is None or volume is None:
        return
    month = budgets.run_cost * volume
    if month > budgets.monthly * (1 + 1e-9):
        currency = spec.costs.currency if spec.costs is not None else ""
        yield Finding(
            ("budgets", "monthly"),
            f"{volume:,.0f} cases a month at {budgets.run_cost:g} {currency} each cost {month:,.0f} "
            f"{currency}, and the budget is {budgets.monthly:,.0f} {currency}.",
            yaml_snippet("budgets.monthly", math.ceil(month)),
        )


@rule("SW811", "error", level="operate", example=True)
def monitor_calls_nobody(promise: Promise) -> Iterator[Finding]:
    """A monitor has no owner, or nothing happens when it fires.

    An alarm that nobody answers is learned to be ignored, and takes the good ones with it.

    Write who answers (`owner`) and what happens (`do`): page, diagnose, review, queue, retrain, hold, pause,
    fallback, suspend_gate or roll_back.
    """
    for index, monitor in enumerate(promise.spec.monitors):
        lacking = [name for name in ("owner", "do") if getattr(monitor, name) is None]
        if lacking:
            words = {"owner": "owner", "do": "action"}
            examples = {"owner": "oncall", "do": "diagnose"}
            yield Finding(
                ("monitors", index, lacking[0]),
                f"The monitor {monitor.id} has no {' and no '.join(words[name] for name in lacking)}.",
                yaml_snippet("monitors", [{"id": monitor.id, **{name: examples[name] for name in lacking}}]),
                monitor.id,
            )


@rule("SW812", "warning", level="operate", example=True)
def triggers_see_only_the_average(promise: Promise) -> Iterator[Finding]:
    """Every trigger of the rollback watches all users at once, and none watches a slice.

    A product can fail a tenth of its users completely while the average moves by a point.

    Watch the slice that fails first with a monitor of its own (`on: language != en`), and let it trigger the
    rollback.
    """
    spec = promise.spec
    rollback = spec.launch.rollback if spec.launch is not None else None
    cuts = [*spec.slices, *spec.groups]
    if rollback is None or not cuts:
        return
    watching = [monitor for monitor in spec.monitors if monitor.id in rollback.triggers]
    if not watching or any(monitor.on or _names_a_slice(monitor, cuts) for monitor in watching):
        return
    first = watching[0]
    yield Finding(
        ("launch", "rollback", "triggers"),
        f"No trigger watches a slice ({', '.join(monitor.id for monitor in watching)}), and the spec cuts by "
        f"{', '.join(cuts)}.",
        yaml_snippet(
            "monitors",
            [
                {
                    "id": f"{first.id}_{cuts[0]}",
                    "series": first.series[0],
                    "on": f"{cuts[0]} = ...",
                    "rule": first.rule,
                    "do": "roll_back",
                    "owner": first.owner or "oncall",
                }
            ],
        ),
    )


@rule("SW814", "error", example=True)
def fallback_needs_what_failed(promise: Promise) -> Iterator[Finding]:
    """The fallback needs the very component whose failure calls for it.

    Then both are down at once, and the fallback has never been one.

    Fall back to something that stands on its own: a rule, a search, a queue for people, a provider other than
    the one that failed.
    """
    fallback = promise.spec.launch.fallback if promise.spec.launch is not None else None
    if fallback is None:
        return
    candidate = promise.spec.systems.candidate
    model = candidate.model if candidate is not None else None
    failed = {_component(text): text for text in fallback.when}
    if model is not None and "model" in failed:
        failed[_component(model)] = failed["model"]
    for name in fallback.needs:
        if _component(name) in failed:
            yield Finding(
                ("launch", "fallback", "needs"),
                f"The fallback for {failed[_component(name)]} needs {name} itself.",
                yaml_snippet("launch.fallback", {"do": "queue for a person", "needs": []}),
                name,
            )


def _exposing(launch: Launch | None) -> Iterator[tuple[int, Stage]]:
    """Yield the stages that users see."""
    for index, stage in enumerate(launch.stages if launch is not None else ()):
        if stage.percent > 0:
            yield index, stage


def _time_to_fire(monitor: Monitor) -> timedelta:
    """Return how long a monitor needs at least until it can fire: its window, and the time its rule asks."""
    asked = [length_of(found) for found in _FOR.findall(monitor.rule)]
    return max([*asked, length_of(monitor.window) if monitor.window is not None else timedelta(0)])


def _span(length: timedelta) -> str:
    """Return a length as the spec writes it, in its largest whole unit."""
    seconds = length.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0 and seconds >= size:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _spread_of_both(experiment: Experiment, primary: MetricUse | None) -> float | None:
    """Return the standard deviation of the difference between one case of each half; None where unknown."""
    if experiment.deviation is not None:
        return math.sqrt(2) * experiment.deviation
    share = experiment.baseline
    if share is None or not 0 < share < 1:
        return None
    lower = primary is not None and primary.better == "lower"
    treated = share - experiment.mde if lower else share + experiment.mde
    if not 0 <= treated <= 1:
        return None
    return math.sqrt(share * (1 - share) + treated * (1 - treated))


def _share_of_traffic(experiment: Experiment) -> float:
    return (experiment.percent or 100.0) / 100


def _cases_per_half(launch: Launch, experiment: Experiment, volume: float) -> float | None:
    """Return how many cases each half gets (of unlike halves, what they are worth); None where open."""
    per_day = volume / DAYS_PER_MONTH
    parts: list[tuple[float, float, float]] = []
    if experiment.for_ is not None and experiment.percent is not None:
        half = experiment.percent / 200
        parts = [(length_of(experiment.for_) / timedelta(days=1), half, half)]
    else:
        stages = [
            stage for _index, stage in _exposing(launch) if stage.for_ is not None and stage.percent < 100
        ]
        whole = sum((length_of(stage.for_ or "0s") for stage in stages), timedelta(0))
        if not whole:
            return None
        for stage in stages:
            days = length_of(stage.for_ or "0s") / timedelta(days=1)
            if experiment.for_ is not None:
                days *= length_of(experiment.for_) / whole
            treated = stage.percent / 100 if experiment.percent is None else experiment.percent / 200
            parts.append((days, treated, treated if experiment.percent is not None else 1 - treated))
    treated = sum(days * per_day * share for days, share, _control in parts)
    control = sum(days * per_day * share for days, _treated, share in parts)
    return 2 / (1 / treated + 1 / control) if treated and control else None


def _names_a_slice(monitor: Monitor, cuts: list[str]) -> bool:
    return any("[" in name or any(cut in name for cut in cuts) for name in monitor.series)


def _component(text: str) -> str:
    """Return the component that a text speaks of, as `provider` in provider_unavailable."""
    return re.sub(r"[\s_-]+", "_", _FAILED.sub("", text.strip().lower()))
