"""Whether the promised numbers of cases resolve, and what looking again, trying again and judges do."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from scipy import special

from honesty.samples import SKEWED
from honesty.studies import STATED, Found, Scenario, Study, drawn, generator, meets, share
from shipworthy.define.rules import parse_rule
from shipworthy.define.spec import Gate
from shipworthy.evidence.gates.proof import from_confidence
from shipworthy.records import GateEvidence
from shipworthy.stats import sizing
from shipworthy.stats.confidence import ClusterRatio, Confidence, CountTableMean, Mean
from shipworthy.stats.judges import (
    CheckedAgainstPeople,
    PoststratifiedDifference,
    PredictionPoweredRate,
    RoganGladenRate,
)
from shipworthy.stats.multiplicity import chance_one_passes
from shipworthy.stats.paired import PairedProportion
from shipworthy.stats.sequential import (
    HORIZON,
    OVERRUN,
    chance_of_ever_passing,
    mean_distance,
    risk_left,
    risk_left_of_mean,
    sequence_needed,
)

__all__ = ["studies"]

TARGETS = (
    (0.80, 0.83, "at_least"),
    (0.80, 0.85, "at_least"),
    (0.90, 0.93, "at_least"),
    (0.95, 0.98, "at_least"),
    (0.98, 0.99, "at_least"),
    (0.05, 0.02, "at_most"),
    (0.01, 0.005, "at_most"),
)
SCHEDULES = {
    "two looks, at 500 and 1,000": [500, 1000],
    "four looks, at 500 to 2,000": [500, 1000, 1500, 2000],
    "twenty looks, at 500 to 10,000": list(range(500, 10_001, 500)),
}
CLOSE = STATED + 0.01
#: Words, and chances that only live, both, none and only the candidate is right on a case.
PAIRS = {
    "worse": ("4.5% lost and 2.5% won", (0.045, 0.855, 0.075, 0.025)),
    "nearly_one_way": ("1.8% lost and hardly any won", (0.018, 0.882, 0.0999, 0.0001)),
    "even": ("7% lost and 7% won", (0.07, 0.63, 0.23, 0.07)),
    "rare": ("0.5% lost and none won", (0.005, 0.985, 0.010, 0.0)),
}
PAIRED_GRID = tuple(
    (kind, labels, judged, skill)
    for kind in PAIRS
    for labels, judged in ((40, 500), (100, 2000), (200, 200))
    for skill in (0.6, 0.85, 0.98)
)


def studies(*, quick: bool, part: float = 1.0) -> list[Study]:
    """Return the studies of sizing, looks, candidates and judges.

    Args:
        quick: Whether grids and numbers of samples are small.
        part: Part of the full numbers of samples that is drawn.
    """
    targets = TARGETS[:2] if quick else TARGETS
    runs = 100 if quick else drawn(1000, part)
    further = 20 if quick else 300
    return [
        *(
            Study(
                f"share_resolves_{round(100 * power)}",
                f"Share: chance of proof from the promised number of cases on, promised {power:.0%}",
                "resolve",
                power,
                tuple(
                    Scenario(
                        f"bar {bar:g} {direction.replace('_', ' ')}, truth {truth:g}, "
                        f"worst of the next {further} numbers of cases",
                        partial(share_resolves, bar, truth, direction, power, further),
                    )
                    for bar, truth, direction in targets
                ),
            )
            for power in (0.5, 0.8)
        ),
        *(
            Study(
                f"others_resolve_{round(100 * power)}",
                f"Costs, means, clusters, pairs: chance of proof at the promised number, {power:.0%}",
                "resolve",
                power - 0.05,
                tuple(
                    Scenario(words, partial(other_resolves, words, power, runs))
                    for words in (list(OTHERS)[:1] if quick else OTHERS)
                ),
                note="Sized by the distance of the bound seen at a smaller number; five points are forgiven.",
            )
            for power in (0.5, 0.8)
        ),
        *_looks(quick, part),
        *_judges(quick, part),
    ]


# -- the promised number of cases ----------------------------------------------------------------------


def share_resolves(
    bar: float, truth: float, direction: sizing.Direction, power: float, further: int
) -> Found:
    """Smallest exact chance of proof over the promised number of cases and those that follow."""
    promised = sizing.cases_for_power(bar, truth, direction, 0.95, power)
    if promised is None:
        return Found(0.0)
    chances = [sizing.power(promised + more, bar, truth, direction) for more in range(further)]
    return Found(min(chances), average=float(np.mean(chances)))


def of_cost(random: np.random.Generator | None, n: int) -> Confidence:
    """Confidence in a cost; without a generator, of a sample that is just what is expected."""
    chances = np.array([0.88, 0.10, 0.02])
    counts = n * chances if random is None else random.multinomial(n, chances)
    return CountTableMean(counts.astype(float), np.array([0.0, 38.0, 4200.0]))


def of_mean(random: np.random.Generator | None, n: int) -> Confidence:
    """Confidence in the mean of exponential numbers from 0 up."""
    if random is None:
        return Mean(float(n), 2.0 * n, n, floor=0.0)
    values = random.exponential(size=n)
    return Mean(float(values.sum()), float((values**2).sum()), n, floor=0.0)


def of_clusters(random: np.random.Generator | None, n: int) -> Confidence:
    """Confidence in a share over clusters of four with an intraclass correlation of 0.3; n are cases."""
    count, a, b = max(2, n // 4), 0.9 * 0.7 / 0.3, 0.1 * 0.7 / 0.3
    k = np.arange(5)
    if random is None:
        chances = special.binom(4, k) * special.beta(k + a, 4 - k + b) / special.beta(a, b)
        right = np.repeat(k, np.round(count * chances).astype(int))
    else:
        right = random.binomial(4, random.beta(a, b, size=count))
    return ClusterRatio(right.astype(float), np.full(right.size, 4.0), 0.0, 1.0)


def of_pair(random: np.random.Generator | None, n: int) -> Confidence:
    """Confidence in a paired difference of two points, 8% won and 6% lost."""
    chances = np.array([0.80, 0.08, 0.06, 0.06])
    counts = n * chances if random is None else random.multinomial(n, chances)
    return PairedProportion(*counts.astype(float).tolist())


OTHERS = {
    "expected cost, misses 1 in 50, bar half as high again": (of_cost, 600, "expected_cost <= 131.7"),
    "mean of exponential numbers 1, bar 1.1": (of_mean, 200, "mae <= 1.1"),
    "clusters of four, ICC 0.3, rate 0.9, bar 0.86": (of_clusters, 400, "accuracy >= 0.86"),
    "paired difference of +2 points, bar -1 point": (of_pair, 300, "delta(accuracy, live) >= -1pt"),
}


def other_resolves(words: str, power: float, runs: int) -> Found:
    """Share of samples of the promised size that prove the bar, where what was seen is the truth."""
    make, n, text = OTHERS[words]
    seen = evidence(make(None, n), text, n)
    promised = seen.cases_even if power == 0.5 else seen.cases_80
    if promised is None:
        return Found(0.0)
    random, found = generator(words, power), 0
    rule = parse_rule(text)
    side = "lower" if rule.at_least else "upper"
    for _ in range(runs):
        found += meets(make(random, promised).bound(side, 0.95), rule.bar, side)
    return Found(found / runs, runs)


def evidence(confidence: Confidence, text: str, n: int) -> GateEvidence:
    """Return what a gate says of a confidence distribution."""
    rule = parse_rule(text)
    gate = Gate.model_validate({"id": "gate", "rule": text})
    return from_confidence(gate, rule, str(rule.left), confidence, n, "all cases", "number")


# -- looking again and trying again --------------------------------------------------------------------


def _looks(quick: bool, part: float) -> list[Study]:
    bars = (0.8,) if quick else (0.5, 0.8, 0.95)
    looks = dict(list(SCHEDULES.items())[: 2 if quick else 3])
    grid = [(words, bar) for words in looks for bar in bars]

    def of(form: str) -> tuple[Scenario, ...]:
        return tuple(
            Scenario(f"{words}, bar {bar:.0%}", partial(looked, SCHEDULES[words], bar, form))
            for words, bar in grid
        )

    runs = 300 if quick else drawn(4000, part)
    return [
        Study(
            "looks_repeated",
            "A share looked at again with the bound of a single look",
            "false_pass",
            STATED,
            of("exact"),
            promised=False,
            note="Why a repeated look gates on a confidence sequence.",
        ),
        Study(
            "looks_sequence",
            "A share looked at again, by a confidence sequence from the first look on",
            "false_pass",
            STATED,
            of("sequence"),
        ),
        Study(
            "looks_after_exact",
            "A share looked at again, exact at the first look and by a confidence sequence after it",
            "false_pass",
            STATED * (1 + OVERRUN),
            of("after"),
        ),
        Study(
            "looks_mean",
            "A mean looked at again, t at the first look and an asymptotic confidence sequence after it",
            "false_pass",
            CLOSE,
            tuple(
                Scenario(f"{words}, at {looks[0]} to {looks[-1]:,}", partial(mean_looked, words, looks, runs))
                for words in (list(SKEWED)[:1] if quick else SKEWED)
                for looks in (list(range(200, 2001, 200)),)
            ),
            ("confidence sequence, asymptotic",),
        ),
        Study(
            "candidates",
            "One of several candidates that are all exactly at the bar passes: at most what is printed",
            "false_pass",
            chance_one_passes(10, STATED),
            tuple(Scenario(f"10 candidates, n = {n}, bar {bar:.0%}", partial(tried, 10, n, bar))
                  for n in (100, 500, 1000) for bar in bars),
            note="The gate of each candidate holds its 5%; ten of them do not. The decision prints 40%.",
        ),
    ]  # fmt: skip


def looked(cases: list[int], bar: float, form: str) -> Found:
    """Exact chance that a share exactly at its bar passes at any of several looks."""
    planned = HORIZON * cases[0]
    needed = [sizing.observed_needed(n, bar, "at_least") for n in cases]
    if form != "exact":
        risk = STATED if form == "sequence" else risk_left(cases[0], bar, "at_least", 0.95)
        over = [sequence_needed(n, bar, planned, "at_least", 0.95, risk) for n in cases]
        needed = over if form == "sequence" else [needed[0], *over[1:]]
    return Found(chance_of_ever_passing(cases, needed, bar))


def mean_looked(words: str, cases: list[int], runs: int) -> Found:
    """Share of growing samples whose mean, exactly at its bar, passes at any look."""
    draw, truth = SKEWED[words]
    values = draw(generator("looks", words), (runs, cases[-1]))
    totals, squares = values.cumsum(axis=1), (values**2).cumsum(axis=1)
    left = risk_left_of_mean(0.95)
    passed = np.zeros(runs, dtype=bool)
    for at, n in enumerate(cases):
        # As `Looking.asked`: the confidence whose normal quantile is the sequence's distance.
        distance = mean_distance(n / (HORIZON * cases[0]), 0.95, left)
        confidence = 0.95 if at == 0 else 0.5 * math.erfc(-distance / math.sqrt(2))
        for run in np.flatnonzero(~passed):
            found = Mean(float(totals[run, n - 1]), float(squares[run, n - 1]), n)
            passed[run] = meets(found.bound("upper", confidence), truth, "upper")
    return Found(float(passed.mean()), runs)


def tried(candidates: int, n: int, bar: float) -> Found:
    """Chance that one of several independent candidates, each exactly at the bar, passes."""
    return Found(chance_one_passes(candidates, sizing.power(n, bar, bar, "at_least")))


# -- judges --------------------------------------------------------------------------------------------


def _judges(quick: bool, part: float) -> list[Study]:
    runs = 40 if quick else drawn(300, part)
    grid = [
        (labels, rate, skill)
        for labels in ([100] if quick else [60, 200])
        for rate in ([0.8] if quick else [0.7, 0.9])
        for skill in ([0.9] if quick else [0.7, 0.95])
    ]
    return [
        Study(
            "judge_at_chance",
            "A judge that guesses is accepted",
            "false_pass",
            CLOSE,
            tuple(
                Scenario(f"{labels} labels, {rate:.0%} good, says yes {yes:.0%}",
                         partial(guessing_accepted, labels, rate, yes, runs))
                for labels in ([60] if quick else [30, 100, 300]) for rate in (0.5, 0.8) for yes in (0.5, 0.9)
            ),
            note="An unfit judge behind a blocking gate makes the evidence invalid.",
        ),
        Study(
            "judge_narrows",
            "A judge that guesses narrows the bound of people's own labels",
            "false_pass",
            0.0,
            tuple(
                Scenario(f"{labels} labels, 5,000 judged", partial(guessing_narrows, labels, runs))
                for labels in ([100] if quick else [30, 100, 300])
            ),
            note="Counted: by more than one tenth, against people's labels alone.",
            promised=False,
        ),
        Study(
            "judge_subset",
            "Share by a judge, corrected by people's labels of a random part",
            "false_pass",
            CLOSE,
            tuple(
                Scenario(f"{m} labels, 2,000 judged, {rate:.0%} good, judge right {skill:.0%}",
                         partial(judged, "subset", m, rate, skill, runs))
                for m, rate, skill in grid
            ),
            ("PPI++, melded exact pieces",),
        ),
        Study(
            "judge_elsewhere",
            "Share by a judge, corrected by its rates measured elsewhere",
            "false_pass",
            CLOSE,
            tuple(
                Scenario(f"{m} labels, 2,000 judged, {rate:.0%} good, judge right {skill:.0%}",
                         partial(judged, "elsewhere", m, rate, skill, runs))
                for m, rate, skill in grid
            ),
            ("Rogan-Gladen, melded exact pieces",),
        ),
        Study(
            "judge_pair",
            "Paired difference by a judge, corrected by people's labels of both systems on a random part",
            "false_pass",
            CLOSE,
            tuple(
                Scenario(f"{m} labels, {n:,} judged, {PAIRS[kind][0]}, judge right {skill:.0%}",
                         partial(judged_pair, m, n, kind, skill, runs if quick else 2 * runs))
                for kind, m, n, skill in ([("worse", 60, 1000, 0.85)] if quick else PAIRED_GRID)
            ),
            ("paired, post-stratified by the judge, one worst case",),
        ),
    ]  # fmt: skip


def checked(
    random: np.random.Generator, labels: int, rate: float, yes: float, no: float
) -> CheckedAgainstPeople:
    """Return people's labels beside a judge that says yes of good ones and no of bad ones so often."""
    chances = [rate * yes, rate * (1 - yes), (1 - rate) * (1 - no), (1 - rate) * no]
    return CheckedAgainstPeople(*random.multinomial(labels, chances).astype(float).tolist())


def guessing_accepted(labels: int, rate: float, yes: float, runs: int) -> Found:
    """Share of samples in which a judge that ignores what it sees is called better than chance."""
    random = generator("guess", labels, rate, yes)
    chances = [rate * yes, rate * (1 - yes), (1 - rate) * yes, (1 - rate) * (1 - yes)]

    def accepted(counts: np.ndarray) -> bool:
        seen = CheckedAgainstPeople(*counts.tolist())
        return seen.has_both and seen.is_better_than_chance(0.95)

    return share(random.multinomial(labels, chances, size=runs), accepted)


def guessing_narrows(labels: int, runs: int) -> Found:
    """Share of samples in which a guessing judge brings the lower bound a tenth nearer to the value."""
    random, found = generator("narrow", labels), 0
    for _ in range(runs):
        seen = checked(random, labels, 0.8, 0.5, 0.5)
        with_judge = PredictionPoweredRate(seen, float(random.binomial(5000, 0.5)), 5000)
        alone = PredictionPoweredRate(seen, 0.0, 0.0)
        near = with_judge.value - with_judge.bound("lower", 0.95)
        found += near < 0.9 * (alone.value - alone.bound("lower", 0.95))
    return Found(found / runs, runs)


def judged(form: str, labels: int, rate: float, skill: float, runs: int) -> Found:
    """False passes of a judged share exactly at its bar."""
    random, found = generator("judged", form, labels, rate, skill), 0
    for _ in range(runs):
        seen = checked(random, labels, rate, skill, skill)
        yes = float(random.binomial(2000, rate * skill + (1 - rate) * (1 - skill)))
        if form == "subset":
            found += meets(PredictionPoweredRate(seen, yes, 2000).bound("lower", 0.95), rate, "lower")
        elif seen.has_both and seen.is_better_than_chance(0.95):
            found += meets(RoganGladenRate(seen, yes, 2000).bound("lower", 0.95), rate, "lower")
    return Found(found / runs, runs)


def judged_pair(labels: int, cases: int, kind: str, skill: float, runs: int) -> Found:
    """False passes of a judged difference exactly at its bar; a random part of the cases is labelled."""
    random, (_words, chances) = generator("judged pair", labels, cases, kind, skill), PAIRS[kind]
    bar = chances[3] - chances[0]
    # Live and the candidate by people: only live, both, none, only the candidate.
    by_people = np.array([[1, 0], [1, 1], [0, 0], [0, 1]])
    found = 0
    for _ in range(runs):
        truth = by_people[random.choice(4, cases, p=chances)]
        said = np.where(random.random(truth.shape) < skill, truth, 1 - truth)
        gained, stratum = truth[:, 1] - truth[:, 0], said[:, 1] - said[:, 0] + 1
        labelled = np.zeros((3, 3))
        # Cases are alike, so that the first are a random part.
        np.add.at(labelled, (stratum[:labels], gained[:labels] + 1), 1.0)
        others = np.bincount(stratum[labels:], minlength=3).astype(float)
        found += meets(PoststratifiedDifference(labelled, others).bound("lower", 0.95), bar, "lower")
    return Found(found / runs, runs)
