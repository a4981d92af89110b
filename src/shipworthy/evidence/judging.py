"""Scores that a judge gave: corrected by people's verdicts, or kept out of every gate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from shipworthy.define.spec import Gate, Judge
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import CellMean, Floats, Metric, Unmeasurable, design_effect, jackknife
from shipworthy.golden.labels import GRADES, human_column
from shipworthy.records import Estimate, GateEvidence, JudgeMeasured
from shipworthy.stats.confidence import Affine, Confidence, Proportion
from shipworthy.stats.judges import (
    CheckedAgainstPeople,
    PoststratifiedDifference,
    PredictionPoweredRate,
    RoganGladenRate,
    poststratified_values,
    powered_values,
    rogan_gladen_values,
    subset_gap,
)
from shipworthy.tables.duck import quote
from shipworthy.tables.totals import Key, Total

__all__ = [
    "JudgedDifference",
    "JudgedRate",
    "corrected",
    "corrected_right",
    "judged_basis",
    "unfit_judges",
    "verdict_notes",
    "why_uncorrected",
    "with_judge",
]

#: Fewest labelled outputs in a population for which its rate is corrected.
FEWEST_LABELS = 10
#: Below this many labelled outputs the judge's rates say little, and it is said.
FEW_LABELS = 60
#: Confidence with which a judge must be shown to be better than chance.
CONFIDENCE = 0.95
#: A random subset differs from the rest by this many standard errors once in a thousand.
ODD = 3.29

UNFIT = " is unfit: "
NO_YES = (0.0, 1.0)


def judged_basis(frame: Frame) -> str | None:
    """Return the judged score that decides right and wrong; None where no judge does.

    Args:
        frame: The rows.
    """
    basis, scorers = frame.profile.basis, list(frame.scorers)
    deciding = {"grade": "grade", "correct": "correct"}.get(basis, "")
    if basis == "scored" and scorers:
        deciding = "correct" if "correct" in scorers else scorers[0]
    return deciding if deciding in frame.judges else None


def corrected(metric: CellMean, of: str | None, frame: Frame, yes: Sequence[float] = NO_YES) -> Metric:
    """Return a rate of a judge's verdicts as the rate people would find; any other rate as it is.

    Args:
        metric: The share of rows of which the score says yes.
        of: The score; None for one that no judge gave.
        frame: The rows.
        yes: 1 for each of people's verdicts, by its code, that says yes to what the metric counts.
    """
    if of is None or of not in frame.judges:
        return metric
    judge, labels = frame.judges[of], frame.profile.labels.get(of)
    column = human_column(of)
    held = frame.has(column)
    if frame.prefix:
        held = held and frame.paired is not None and column in frame.paired.columns
    verdict = quote(frame.prefix + column) if held else "NULL"
    failed = f"{frame.column('failed_reason')} IS NOT NULL"
    people = Key(
        f"{frame.prefix}{column}",
        f"CASE WHEN {failed} THEN {len(yes)} ELSE CAST({verdict} AS INTEGER) END",
        len(yes) + 1,
    )
    return JudgedRate(
        metric.name,
        metric.unit,
        metric.better,
        Total(by=(*metric.total.by, people)),
        judge=judge,
        yes=np.asarray(yes, dtype=float),
        own_set=np.asarray(labels.table, dtype=float) if labels is not None and labels.table else None,
        spoken_of=labels is not None,
        smallest_n=metric.smallest_n,
    )


def corrected_right(metric: CellMean, frame: Frame) -> Metric:
    """Return the share of right rows as people would find it, where a judge decides what is right.

    Args:
        metric: The share of rows that are right.
        frame: The rows.
    """
    of = judged_basis(frame)
    return corrected(
        metric, of, frame, [float(name == "good") for name in GRADES] if of == "grade" else NO_YES
    )


@dataclass(frozen=True, eq=False)
class JudgedRate(Metric):
    """A share of yes by a judge, corrected for the judge's errors as people's verdicts show them.

    Its table counts rows by the judge's verdict (no, yes, none) and by people's (each code, failed, none).
    A failed row needs no judge: it is what the metric makes of it.

    Args:
        judge: The judge and how the labelled outputs were chosen.
        yes: 1 for each of people's verdicts that says yes.
        own_set: Counts by the judge's and people's verdict of a set of its own; None where rows carry them.
        spoken_of: Whether people's verdicts speak of this system at all.
    """

    judge: Judge
    yes: Floats
    own_set: Floats | None = None
    spoken_of: bool = True

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the corrected share; nan where people's verdicts do not allow one."""
        people, others, failed = self._people(counts), self._others(counts), self._failed(counts)
        if self._is_random:
            people, others = _with_failed(people, others, failed)
            return powered_values(people, others)
        judged = people.sum(axis=-1) + others if self.own_set is None else others
        rate = rogan_gladen_values(people, judged)
        n, known = judged.sum(axis=-1), failed.sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((n * rate + failed[..., 1]) / (n + known))

    def units(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the number of judged rows, failed ones included."""
        return np.asarray(counts[..., :2, :].sum(axis=(-2, -1)))

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return PPI++ for a random subset, Rogan-Gladen otherwise; refuse a judge that is not fit."""
        why = self.why_not(counts)
        if why:
            raise Unmeasurable(why)
        return self._rate(counts)

    @property
    def extremes(self) -> tuple[float, float]:
        """No and yes."""
        return 0.0, 1.0

    def with_further(self, counts: Floats, low: int, high: int) -> Confidence:
        """Return the corrected share with further rows whose truth needs no judge, as that of failed ones."""
        further = counts.copy()
        further[0, self.yes.size] += low
        further[1, self.yes.size] += high
        return self._rate(further)

    def _rate(self, counts: Floats) -> Confidence:
        people, others, failed = self._people(counts), self._others(counts), self._failed(counts)
        if self._is_random:
            people, others = _with_failed(people, others, failed)
            return PredictionPoweredRate(_checked(people), float(others[1]), float(others.sum()))
        judged = people.sum(axis=-1) + others if self.own_set is None else others
        yes, n = float(judged[1]), float(judged.sum())
        if not n:
            raise Unmeasurable("every row failed, so the judge scored none")
        if failed[1]:
            turned = RoganGladenRate(_checked(people[::-1, ::-1]), n - yes, n, float(failed[1]))
            return Affine(turned, -1.0, 1.0)
        return RoganGladenRate(_checked(people), yes, n, float(failed[0]))

    def measured(self, counts: Floats) -> JudgeMeasured:
        """Return how the judge fared against people, and what it says without correction.

        Args:
            counts: (*sizes) counts.
        """
        people = self._people(counts)
        n = round(float(people.sum()))
        alone = counts[..., :2, :].sum(axis=-1)
        raw = _share(float(alone[1]), float(alone.sum()), "no row is judged")
        yes, no = people[:, 1].sum(), people[:, 0].sum()
        return JudgeMeasured(
            of=self.judge.of,
            labelled=n,
            sampled=self.judge.sampled,
            true_positive_rate=_share(float(people[1, 1]), float(yes), "people said yes to none"),
            true_negative_rate=_share(float(people[0, 0]), float(no), "people said no to none"),
            raw=raw,
            unfit=self._why_unfit(people) if yes and no else "",
        )

    def why_not(self, counts: Floats) -> str:
        """Return why people's verdicts do not allow a corrected rate; empty where they do.

        Args:
            counts: (*sizes) counts.
        """
        name = f"the judge of {self.judge.of}"
        if self.judge.labels is None:
            return f"{name} is not measured against people: name a file of their verdicts (judges: labels)"
        if not self.spoken_of:
            return f"{name} is not measured against people: no verdict speaks of this system's outputs"
        people = self._people(counts)
        n = float(people.sum())
        if n < FEWEST_LABELS:
            return (
                f"{name} is not measured against people here: {n:.0f} of these outputs are labelled, "
                f"and {FEWEST_LABELS} are the least"
            )
        yes, no = float(people[:, 1].sum()), float(people[:, 0].sum())
        if not yes or not no:
            said, rate = ("yes", "true-negative") if yes else ("no", "true-positive")
            return (
                f"{name} is not measured against people: they said {said} to all {n:,.0f} labelled outputs, "
                f"so its {rate} rate is not known; label more, until both verdicts occur"
            )
        unfit = self._why_unfit(people)
        return f"{name}{UNFIT}{unfit}" if unfit else self._why_not_random(counts)

    def _why_not_random(self, counts: Floats) -> str:
        """Return why the labelled outputs are no random part of all; empty where they may be one."""
        if not self._is_random:
            return ""
        said, rest = self._people(counts).sum(axis=-1), self._others(counts)
        gap = subset_gap(float(said[1]), float(said.sum()), float(rest[1]), float(rest.sum()))
        if not abs(gap) > ODD:
            return ""
        return (
            f"the labelled outputs of {self.judge.of} are no random part: the judge says yes to "
            f"{said[1] / said.sum():.1%} of them and to {rest[1] / rest.sum():.1%} of the rest, and fewer "
            "than one random part in 1,000 differs so much; draw them at random, or write sampled: other"
        )

    @property
    def is_pairable(self) -> bool:
        """Whether people's verdicts stand on a random part of the rows, so that those of two systems pair."""
        return self._is_random and self.spoken_of

    @property
    def _is_random(self) -> bool:
        return self.judge.sampled == "random" and self.own_set is None

    def _people(self, counts: Floats) -> Floats:
        """Return (..., 2, 2) counts by the judge's and people's verdict, no before yes."""
        if self.own_set is None:
            table, codes = counts[..., :2, :], self.yes.size
            return np.stack(
                [(table[..., :codes] * (self.yes == wanted)).sum(axis=-1) for wanted in (0.0, 1.0)], axis=-1
            )
        table = np.zeros((2, 2))
        for said, by_people in enumerate(self.own_set):
            for verdict, count in enumerate(by_people):
                table[int(self.yes[said]), int(self.yes[verdict])] += count
        return np.broadcast_to(table, (*counts.shape[:-2], 2, 2))

    def _others(self, counts: Floats) -> Floats:
        """Return (..., 2) counts of what only the judge scored; with a set of its own, of all it scored."""
        if self.own_set is None:
            return np.asarray(counts[..., :2, -1])
        return np.asarray(counts[..., :2, :].sum(axis=-1) - self._failed(counts))

    def _failed(self, counts: Floats) -> Floats:
        return np.asarray(counts[..., :2, self.yes.size])

    def _why_unfit(self, people: Floats) -> str:
        checked = _checked(people)
        hits, rejections = checked.true_positive_rate, checked.true_negative_rate
        for rate, least, name in (
            (hits, self.judge.min_tpr, "true-positive rate"),
            (rejections, self.judge.min_tnr, "true-negative rate"),
        ):
            if least is not None and rate.value < least:
                return f"its {name} is {_percent(rate)} on {rate.n:,.0f} outputs, below the stated {least:g}"
        if not checked.is_better_than_chance(CONFIDENCE):
            return (
                f"{checked.n:,.0f} labelled outputs do not show it to be better than chance "
                f"(true-positive rate {_percent(hits)}, true-negative rate {_percent(rejections)})"
            )
        return ""

    def _empty(self, whole: Floats) -> str:
        if not float(self.units(whole, ())) > 0:
            return "no row is judged"
        return self.why_not(whole) or "no row is judged"

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        naive = self.independent(whole, whole_sums)
        _value, error, _groups = jackknife(self, counts, sums)
        labelled = self._people(whole)
        events = float(min(labelled[:, 0].sum(), labelled[:, 1].sum()))
        effect = design_effect(error, naive.standard_error, float(self.units(whole, whole_sums)), events)
        divided = whole / effect
        unfit = self._why_unfit(self._people(divided)) if self.own_set is None else ""
        if unfit:
            raise Unmeasurable(f"the judge of {self.judge.of}{UNFIT}{unfit}")
        return self._rate(divided)


@dataclass(frozen=True, eq=False)
class JudgedDifference(Metric):
    """The difference of two systems' judged rates on the cases they share, by the cases labelled for both.

    Its table counts cases by the judge's and people's verdict on ours, then on theirs. Cases are put in
    strata by what the judge says of both (worse, alike, better) and by which of the two failed.

    Args:
        ours: The rate of the subject.
        theirs: That of the other system.
    """

    ours: JudgedRate
    theirs: JudgedRate

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the post-stratified difference."""
        return poststratified_values(*self.strata(counts))

    def strata(self, counts: Floats) -> tuple[Floats, Floats]:
        """Return (..., 6, 3) cases labelled for both by their difference, and (..., 6) further cases.

        Args:
            counts: (..., 3, codes + 2, 3, codes + 2) cases.
        """
        sizes = counts.shape[-4:]
        labelled, others = np.zeros((*sizes, 6, 3)), np.zeros((*sizes, 6))
        for said, by_people, other_said, other_by_people in product(*(range(size) for size in sizes)):
            if max(said, other_said) > 1:
                continue
            cell = said, by_people, other_said, other_by_people
            truth, has_failed = _truth(self.ours, said, by_people)
            other_truth, other_failed = _truth(self.theirs, other_said, other_by_people)
            stratum = (
                2 + has_failed + 2 * other_failed if has_failed or other_failed else said - other_said + 1
            )
            if truth is None or other_truth is None:
                others[(*cell, stratum)] = 1.0
            else:
                labelled[(*cell, stratum, int(truth - other_truth) + 1)] = 1.0
        axes = (-4, -3, -2, -1), (0, 1, 2, 3)
        return np.tensordot(counts, labelled, axes), np.tensordot(counts, others, axes)

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return the post-stratified difference with its bounds."""
        labelled, others = self.strata(counts)
        if labelled.sum() < FEWEST_LABELS:
            raise Unmeasurable(f"fewer than {FEWEST_LABELS} shared cases are labelled for both systems")
        return PoststratifiedDifference(labelled, others)

    def _empty(self, whole: Floats) -> str:
        return "no shared case is labelled for both systems"

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        naive = self.independent(whole, whole_sums)
        _value, error, _groups = jackknife(self, counts, sums)
        changed = float(self.strata(whole)[0][:, [0, 2]].sum())
        effect = design_effect(error, naive.standard_error, float(whole.sum()), changed)
        return self.independent(whole / effect, whole_sums)


def _truth(rate: JudgedRate, said: int, by_people: int) -> tuple[float | None, bool]:
    """Return what is known of a row, None where only the judge knows, and whether it failed."""
    if by_people < rate.yes.size:
        return float(rate.yes[by_people]), False
    return (float(said), True) if by_people == rate.yes.size else (None, False)


def _with_failed(people: Floats, others: Floats, failed: Floats) -> tuple[Floats, Floats]:
    """Deal failed rows, of which all is known, to the labelled and to the rest as if drawn at random."""
    labelled, rest = people.sum(axis=(-2, -1)), others.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.nan_to_num(labelled / (labelled + rest))[..., None]
    dealt = failed * share
    return people + dealt[..., None] * np.eye(2), others + failed - dealt


def _checked(people: Floats) -> CheckedAgainstPeople:
    return CheckedAgainstPeople(*(float(people[cell]) for cell in ((1, 1), (0, 1), (1, 0), (0, 0))))


def _share(successes: float, n: float, empty: str) -> Estimate:
    if not n:
        return Estimate.unknown_because(empty, "share")
    rate = Proportion(successes, n)
    low, high = rate.interval()
    return Estimate(rate.value, low, high, round(n), "share", rate.display_method)


def _percent(rate: Proportion) -> str:
    return f"{rate.value:.1%}"


def with_judge(evidence: GateEvidence, metric: Metric, counts: Floats) -> GateEvidence:
    """Add to a gate on a judged rate how the judge fared against people; any other gate stays as it is.

    Args:
        evidence: What was measured.
        metric: The gate's metric.
        counts: (groups, *sizes) counts of its population.
    """
    if not isinstance(metric, JudgedRate) or metric.judge.labels is None:
        return evidence
    whole = counts.sum(axis=0)
    measured = metric.measured(whole)
    if not measured.labelled:
        return evidence
    notes = (_judge_note(measured), *_label_notes(measured))
    lower, upper = evidence.lower, evidence.upper
    if lower is not None and upper is not None and lower < evidence.bar < upper:
        notes += (
            "The sizes assume that labelled outputs grow with the cases; labels are what is scarce here.",
        )
    return replace(evidence, judge=measured, notes=(*evidence.notes, *notes))


def _judge_note(measured: JudgeMeasured) -> str:
    hits, rejections = measured.true_positive_rate, measured.true_negative_rate
    chosen = "drawn at random" if measured.sampled == "random" else "chosen otherwise than at random"
    parts = [
        f"Judge of {measured.of}: true-positive rate {_of(hits)}, true-negative rate {_of(rejections)}, "
        f"against people on {measured.labelled:,} outputs {chosen}."
    ]
    if measured.raw.value is not None:
        parts.append(f"Uncorrected it says {measured.raw.value:.1%}.")
    return " ".join(parts)


def _of(rate: Estimate) -> str:
    if rate.value is None or rate.low is None or rate.high is None:
        return f"unknown ({rate.unknown})"
    return f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%}, n {rate.n:,})"


def _label_notes(measured: JudgeMeasured) -> tuple[str, ...]:
    notes = []
    if measured.labelled < FEW_LABELS:
        notes.append(
            f"Only {measured.labelled} outputs are labelled by people: "
            f"below {FEW_LABELS} the judge's rates say little."
        )
    return tuple(notes)


def unfit_judges(gates: Sequence[Gate], found: Sequence[GateEvidence]) -> list[str]:
    """Return why evidence cannot be judged: an unfit judge behind a blocking gate.

    Args:
        gates: The gates.
        found: What was measured for each.
    """
    blocking = {gate.id: gate for gate in gates if gate.blocking}
    return [
        f"{evidence.rule} rests on an unfit judge: {evidence.estimate.unknown}."
        for evidence in found
        if evidence.gate_id in blocking and UNFIT in (evidence.estimate.unknown or "")
    ]


def why_uncorrected(totals: Iterable[Total], frame: Frame) -> str | None:
    """Return why totals cannot be used: they count a judge's verdicts one by one; None where they do not.

    Args:
        totals: What is asked of the rows.
        frame: The rows.
    """
    if not frame.judges:
        return None
    judged = {rf'"(other_)?#?{re.escape(name)}"': name for name in frame.judges}
    basis = judged_basis(frame)
    if basis is not None:
        judged[r'(?<![\w:])"?(other_)?(ok|outcome|grade|correct)"?(?![\w:])'] = basis
    for total in totals:
        if any("#human:" in key.name for key in total.by):
            continue
        for text in (*(key.sql for key in total.by), *total.sums, total.grain.inner):
            for pattern, name in judged.items():
                if re.search(pattern, re.sub(r"'[^']*'", "''", text)):
                    return (
                        f"it counts the verdicts of the judge of {name} one by one, which nothing corrects; "
                        f"a rate such as pass_rate({name}) is corrected by people's verdicts"
                    )
    return None


def verdict_notes(frame: Frame) -> list[str]:
    """Say where a decision still shows a judge's uncorrected verdicts.

    Args:
        frame: The rows.
    """
    basis = judged_basis(frame)
    if basis is None:
        return []
    return [
        f"Right and wrong are verdicts of the judge of {basis}: outcome shares and examples show them "
        "uncorrected. Gates and metrics use corrected rates only."
    ]
