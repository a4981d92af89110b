"""Frozen dataclasses that travel between rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum, StrEnum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

__all__ = [
    "BAD_OUTCOMES",
    "GOOD_OUTCOMES",
    "Case",
    "CaseChange",
    "Comparison",
    "Coverage",
    "Decision",
    "Denominator",
    "Difference",
    "Estimate",
    "Evidence",
    "FailureModeResult",
    "GateEvidence",
    "GateLook",
    "GateResult",
    "GateStatus",
    "GateWaiver",
    "GroupPart",
    "HoldCost",
    "JudgeMeasured",
    "Look",
    "Money",
    "OutcomeShare",
    "Output",
    "Reason",
    "RunPins",
    "Score",
    "SliceEstimate",
    "SpecChange",
    "Together",
    "Verdict",
    "Waiting",
    "plain",
    "rebuild",
]

GOOD_OUTCOMES = ("good", "right", "true_positive", "true_negative")
BAD_OUTCOMES = ("poor", "harmful", "wrong", "false_positive", "false_negative", "failed")

Direction = Literal["at_least", "at_most"]


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a golden set.

    Args:
        case_id: Unique within the golden set.
        input: What the system is asked: text, a number, or a mapping of columns.
        label: The expected answer (text, a list of accepted answers, or None where there is none).
        stratum: The named kind of case, or None.
        columns: Every other column of the case, by the file's own names.
    """

    case_id: str
    input: Any
    label: Any = None
    stratum: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Output:
    """What a system said about one case.

    Args:
        case_id: The case.
        repeat: Zero-based repetition of the case.
        text: The output as text; None where there was none.
        prediction: The predicted class or number, as text; None where the system gives none.
        predicted_score: The model's own number, usually in [0, 1].
        latency_ms: Wall time of the call in milliseconds.
        run_cost: What the call cost, in the spec's currency.
        failed: Why the system itself gave no usable answer; None where it did.
        unscored: Why the instrument or the road failed; None where it did not.
    """

    case_id: str
    repeat: int = 0
    text: str | None = None
    prediction: str | None = None
    predicted_score: float | None = None
    latency_ms: float | None = None
    run_cost: float | None = None
    failed: str | None = None
    unscored: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """A scorer's verdict on one output.

    Args:
        value: A number; 1.0 is a pass and 0.0 a fail for scorers that say yes or no. None with `failed`
            or `unscored`, or where only a grade is given.
        grade: "good", "poor" or "harmful", where the scorer grades.
        answer: The answer found in the output, where the scorer extracts one.
        failed: Why the output has no answer in the expected form (the system's fault).
        unscored: Why the scorer could not do its work (the instrument's fault).
    """

    value: float | None = None
    grade: str | None = None
    answer: str | None = None
    failed: str | None = None
    unscored: str | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval and its n, or *unknown because ...*.

    Args:
        value: The point estimate; None where unknown.
        low: Lower end of the two-sided 95% interval.
        high: Upper end.
        n: Number of units it rests on.
        unit: "share", "money", "ms", "points", or "number".
        method: How the interval was made, in words.
        unknown: Why there is no value; None where there is one.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    unit: str = "number"
    method: str = ""
    unknown: str | None = None

    @classmethod
    def unknown_because(cls, reason: str, unit: str = "number") -> Estimate:
        """Return the estimate that never passes a gate.

        >>> Estimate.unknown_because("no case has an outcome").value is None
        True
        """
        return cls(value=None, unit=unit, unknown=reason)


@dataclass(frozen=True, slots=True)
class SliceEstimate:
    """One metric on one slice, set against the slice's complement.

    Args:
        column: The slicing column; empty for the whole population.
        value: The slice's value of that column.
        metric: The metric's name as written in a rule.
        estimate: The metric on the slice.
        gap: Metric on the slice less the metric on its complement (disjoint rows); None for the whole.
        p_value: Two-sided p of the gap, adjusted by Benjamini-Hochberg over the explored slices.
    """

    column: str
    value: str
    metric: str
    estimate: Estimate
    gap: Estimate | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class GroupPart:
    """One group inside a ratio or gap between groups."""

    group: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class JudgeMeasured:
    """How a judge fared against people on the outputs a gate speaks of.

    Args:
        of: The judged score.
        labelled: Outputs that people judged too.
        sampled: How they were chosen: "random" or "other".
        true_positive_rate: Share of people's yes that the judge called yes.
        true_negative_rate: Share of people's no that the judge called no.
        raw: The judge's own share of yes, uncorrected.
        unfit: Why it may not gate; empty where it may, or where a rate is unknown.
    """

    of: str
    labelled: int
    sampled: str
    true_positive_rate: Estimate
    true_negative_rate: Estimate
    raw: Estimate
    unfit: str = ""


@dataclass(frozen=True, slots=True)
class GateEvidence:
    """What was measured for one gate; `decide` turns it into a status.

    Args:
        gate_id: The gate.
        rule: The rule as written.
        metric: Name of the metric in it.
        better: "at_least" where the rule asks for at least the bar, "at_most" where for at most.
        strict: Whether the bar itself does not suffice (> or <).
        bar: The bar, in the estimate's unit.
        estimate: The measured quantity (for a two-sided rule: left less right).
        lower: One-sided lower bound at the gate's confidence; None where unknown.
        upper: One-sided upper bound at the gate's confidence; None where unknown.
        confidence: One-sided confidence of the bounds.
        bound_method: How the bounds were made, in words.
        population: The rows it speaks of, in words.
        successes: Whole count behind a plain proportion; None otherwise.
        needed_now: The count out of n that would have proven it; None where that is not a count.
        cases_even: Total cases of one look for an even chance of proof if the observed rate is the truth;
            None if never.
        cases_80: The same for an 80% chance.
        chance_now: Chance that a fresh sample of this size proves it, if the observed value is the truth.
        unscored: Unscored rows in the population.
        worst_lower: `lower` if every unscored row had counted against the gate; None where not computable.
        worst_upper: `upper` in the same case.
        best_lower: `lower` if every unscored row had counted for the gate.
        best_upper: `upper` in the same case.
        parts: Groups, where the rule compares groups.
        failing: Ids of failing cases, for a must-pass rule (`failures`).
        notes: Sentences that qualify the number (sampling, small n, approximation).
        out_of: Rows judged in all, of which the gate counts n; 0 where that is not known.
        per_case: Rows of one case on average, where rows are counted; 1 where cases are.
        question: The rule without its bar, and its population: what looks are counted by.
        over_looks: Whether the bounds hold over all looks together (a confidence sequence), not over one.
        again_even: Total cases for an even chance of proof at the next look, today's among them; None where
            looks are not counted.
        again_80: The same for an 80% chance.
        next_confidence: One-sided confidence at which a bound of one look stands where the next look's will;
            None where the next look is judged by itself.
        judge: How the judge behind it fared against people; None where no judge is.
        blur: How far binned scores may have moved the value, counted against the gate in both bounds; 0 where
            nothing is binned or an exact pass settled it.
        implied_confidence: One-sided confidence that the costs of a wrong ship and a wrong hold imply; None
            where the spec states none, or where nothing is inferred.
        from_costs: Whether the gate balances those costs, at that confidence, and promises no risk.
    """

    gate_id: str
    rule: str
    metric: str
    better: Direction
    strict: bool
    bar: float
    estimate: Estimate
    lower: float | None
    upper: float | None
    confidence: float
    bound_method: str
    population: str
    successes: int | None = None
    needed_now: int | None = None
    cases_even: int | None = None
    cases_80: int | None = None
    chance_now: float | None = None
    unscored: int = 0
    worst_lower: float | None = None
    worst_upper: float | None = None
    best_lower: float | None = None
    best_upper: float | None = None
    parts: tuple[GroupPart, ...] = ()
    failing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    out_of: int = 0
    per_case: float = 1.0
    question: str = ""
    over_looks: bool = False
    again_even: int | None = None
    again_80: int | None = None
    next_confidence: float | None = None
    judge: JudgeMeasured | None = None
    blur: float = 0.0
    implied_confidence: float | None = None
    from_costs: bool = False

    @property
    def settled_even(self) -> int | None:
        """Total cases for an even chance of proof when today's cases are kept."""
        return self.cases_even if self.again_even is None else self.again_even

    @property
    def settled_80(self) -> int | None:
        """Total cases for an 80% chance of proof when today's cases are kept."""
        return self.cases_80 if self.again_80 is None else self.again_80


class GateStatus(StrEnum):
    """Three answers and one silence."""

    met = "met"
    not_met = "not_met"
    not_proven = "not_proven"
    not_measured = "not_measured"

    @property
    def words(self) -> str:
        """The status as people read it."""
        return self.value.replace("_", " ")


class Verdict(StrEnum):
    """The five verdicts, in the order in which they are tried."""

    roll_back = "roll_back"
    invalid = "invalid"
    hold = "hold"
    ship_with_guardrails = "ship_with_guardrails"
    ship = "ship"

    @property
    def words(self) -> str:
        """The verdict as people read it."""
        return self.value.replace("_", " ")

    @property
    def exit_code(self) -> int:
        """The process exit code that carries the verdict."""
        return {"ship": 0, "ship_with_guardrails": 4, "invalid": 3}.get(self.value, 1)


@dataclass(frozen=True, slots=True)
class GateWaiver:
    """Who set a gate aside, why, and until when.

    Args:
        owner: Who set it aside; empty where nobody is named.
        reason: Why; empty where nothing is said.
        expires: Last day on which it counts, ISO 8601; empty where none is said.
        void: Why it counts for nothing; empty where it is in force.
    """

    owner: str
    reason: str
    expires: str
    void: str = ""

    @property
    def sentence(self) -> str:
        """The waiver in one sentence.

        >>> GateWaiver("Ana", "fixed in 1.2", "2026-03-01").sentence
        'Waived until 2026-03-01 by Ana: fixed in 1.2.'
        """
        if self.void:
            return f"Its waiver counts for nothing: {self.void}."
        return f"Waived until {self.expires} by {self.owner}: {self.reason.rstrip('.')}."


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate with its answer.

    Args:
        evidence: What was measured.
        status: The answer.
        blocking: Whether it can hold a release.
        owner: Who answers for it, where named.
        sentence: The answer in one sentence, with the interval in words and what would settle it.
        earlier_looks: Earlier decisions on other evidence about this candidate, for the same question and
            golden lineage.
        candidates_tried: Distinct candidates judged by the same question and golden lineage, this one
            included.
        tried_again: What trying again does to the stated risk; empty for a first look at a first candidate.
        unscored_could_change: Whether the unscored rows could turn the answer.
        risk_in_all: Largest chance that one of the candidates tried, each exactly at the bar, passes at one
            of the looks; None where no chance is at play.
        waiver: Who set it aside; None where nobody did.
    """

    evidence: GateEvidence
    status: GateStatus
    blocking: bool
    owner: str | None
    sentence: str
    earlier_looks: int = 0
    candidates_tried: int = 1
    tried_again: str = ""
    unscored_could_change: bool = False
    risk_in_all: float | None = None
    waiver: GateWaiver | None = None

    @property
    def waived(self) -> bool:
        """Whether it holds nothing back now because somebody set it aside."""
        return self.waiver is not None and not self.waiver.void


@dataclass(frozen=True, slots=True)
class Denominator:
    """planned = scored + failed + unscored, always.

    Args:
        planned: Rows that should exist: cases times repeats.
        scored: Rows with a usable answer and a score.
        failed: Rows without a usable answer through the system's own fault; they count as bad.
        unscored: Rows that the instrument or the road lost; they are tolerated up to a share.
        failed_reasons: Count of failed rows by reason.
        unscored_reasons: Count of unscored rows by reason.
        tolerance: The largest tolerated share of unscored rows.
    """

    planned: int
    scored: int
    failed: int
    unscored: int
    failed_reasons: Mapping[str, int] = field(default_factory=dict)
    unscored_reasons: Mapping[str, int] = field(default_factory=dict)
    tolerance: float = 0.02


@dataclass(frozen=True, slots=True)
class RunPins:
    """What a run was made of, by hash.

    Args:
        run_id: The run; empty for `check`, which keeps none.
        system: "candidate", "live" or a baseline's name.
        golden_version: Content hash of the golden set.
        system_hash: Fingerprint of the system.
        rows_hash: Content hash of the scored rows.
        cases: Number of distinct cases.
        pins: Named hashes that the system itself reports (corpus, prompt, model ...).
        denominator: planned, scored, failed and unscored rows.
    """

    run_id: str
    system: str
    golden_version: str
    system_hash: str
    rows_hash: str
    cases: int
    pins: Mapping[str, str]
    denominator: Denominator


@dataclass(frozen=True, slots=True)
class OutcomeShare:
    """How often one class of outcome occurred.

    Args:
        outcome: good, poor, harmful; right, wrong; true_positive ...; failed.
        count: Rows.
        estimate: Its share of all scored and failed rows of the population.
        good: Whether it is an outcome the product wants.
    """

    outcome: str
    count: int
    estimate: Estimate
    good: bool


@dataclass(frozen=True, slots=True)
class Confusion:
    """Which class was taken for which, over the rows with a label of the default population.

    Args:
        classes: The classes.
        counts: One row per true class: rows by predicted class, and last those without a usable answer;
            fractions where rows carry weights.
        money: What the rows of each cell cost in all (a gain is negative); None where no costs are stated.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]
    money: tuple[tuple[float, ...], ...] | None = None

    @property
    def answers(self) -> tuple[str, ...]:
        """What the columns stand for; the last one is left out where every row was answered."""
        failed = any(row[-1] for row in self.counts)
        return (*self.classes, *(["no usable answer"] if failed else []))

    @property
    def mistakes(self) -> tuple[tuple[str, str, float, float | None], ...]:
        """True class, answer, rows and money of every kind of mistake that occurred, commonest first."""
        found = [
            (label, answer, self.counts[row][column], self.money[row][column] if self.money else None)
            for row, label in enumerate(self.classes)
            for column, answer in enumerate(self.answers)
            if column != row and self.counts[row][column] > 0
        ]
        return tuple(sorted(found, key=lambda mistake: -mistake[2]))


@dataclass(frozen=True, slots=True)
class Coverage:
    """What stands around one class of bad outcome that occurred.

    Args:
        outcome: The class.
        count: Rows in which it occurred.
        guardrails: Ids of guardrails with a measured catch rate that stop it.
        catch: Best measured catch rate among them, with its interval; None where there is none.
        slips_per_month: Outcomes per month that pass the best guardrail, at volume; None where unknown.
        accepted: Reason of the acceptance, with its owner; None where there is none.
        ended: The acceptance that would cover it, had it not ended; None where there is none.
        example_ids: A few case ids.
    """

    outcome: str
    count: int
    guardrails: tuple[str, ...] = ()
    catch: Estimate | None = None
    slips_per_month: Estimate | None = None
    accepted: str | None = None
    example_ids: tuple[str, ...] = ()
    ended: str | None = None

    @property
    def covered(self) -> bool:
        """Whether something measured or accepted stands around it."""
        return bool(self.guardrails) or self.accepted is not None


@dataclass(frozen=True, slots=True)
class CaseChange:
    """One case whose outcome differs between two systems."""

    case_id: str
    repeat: int
    before: str
    after: str
    input: str = ""
    before_text: str = ""
    after_text: str = ""
    label: str = ""
    input_file: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric on two systems, on the same cases.

    Args:
        metric: The metric's name.
        better: "higher" or "lower".
        ours: The subject's estimate.
        theirs: The other system's estimate.
        delta: Ours less theirs, paired.
        verdict: "better", "worse", "no difference shown" or "unknown".
        column: Slicing column, empty for the whole.
        value: Slice value.
        p_value: Two-sided p-value of the difference where a test exists (Holm over slices).
    """

    metric: str
    better: str
    ours: Estimate
    theirs: Estimate
    delta: Estimate
    verdict: str
    column: str = ""
    value: str = ""
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the cases they share.

    Args:
        subject: The system that wants to ship.
        other: What it is set against.
        pins: The other run's pins.
        shared: Rows compared.
        same_golden: Whether both ran on the same golden version.
        fixed: Rows wrong before and right now.
        broke: Rows right before and wrong now.
        mid_p: McNemar mid-p of fixed against broke; None where neither occurred.
        newly_failing: Up to a page of the broken rows, first.
        newly_fixed: Up to a page of the fixed rows.
        differences: Metric by metric.
        slices: Accuracy-like difference per slice against the other system.
        money: Cost difference per month (ours less theirs); None where costs or volume are unknown.
        note: What limits the comparison, if anything.
    """

    subject: str
    other: str
    pins: RunPins
    shared: int
    same_golden: bool
    fixed: int | None
    broke: int | None
    mid_p: float | None
    newly_failing: tuple[CaseChange, ...] = ()
    newly_fixed: tuple[CaseChange, ...] = ()
    differences: tuple[Difference, ...] = ()
    slices: tuple[Difference, ...] = ()
    money: Estimate | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Money:
    """Errors in money.

    Args:
        currency: ISO code as written in the spec.
        per_case: Expected cost per case (a gain is negative).
        per_month: The same per month at the stated volume; None where no volume is stated.
        volume_per_month: Cases per month; None where not stated.
        by_outcome: Share of cases, cost of one, and cost per case for each class of outcome.
        break_even: Precision at which acting stops paying; None where it does not apply.
        break_even_note: That number in words, with the observed precision beside it.
        against_none: Cost per month of doing without the model, less ours; None where unknown.
        options: What could be done instead, each as one sentence with its consequence.
    """

    currency: str
    per_case: Estimate
    per_month: Estimate | None
    volume_per_month: float | None
    by_outcome: tuple[tuple[str, float, float, float], ...] = ()
    break_even: float | None = None
    break_even_note: str = ""
    against_none: Estimate | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FailureModeResult:
    """A named way to be wrong, with what bounds it.

    Args:
        id: The failure mode.
        severity: blocker, major or minor.
        what: What goes wrong, in words.
        gate: Id of the gate that bounds it; None where there is none.
        status: That gate's answer; None where there is no gate.
        accepted: Why it is accepted; None where it is not.
        owner: Who answers for it.
    """

    id: str
    severity: str
    what: str | None = None
    gate: str | None = None
    status: GateStatus | None = None
    accepted: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class HoldCost:
    """What holding costs each month against what is live; a value or the reason it is unknown."""

    per_month: Estimate
    sentence: str


@dataclass(frozen=True, slots=True)
class GateLook:
    """What one earlier decision saw of one gate.

    Args:
        question: The rule without its bar, and its population.
        n: Units the estimate rested on; 0 where it was not measured.
        lower: One-sided lower bound; None where unknown.
        upper: One-sided upper bound; None where unknown.
        confidence: One-sided confidence of the bounds.
        over_looks: Whether they held over all looks together.
    """

    question: str
    n: int
    lower: float | None
    upper: float | None
    confidence: float
    over_looks: bool = False


@dataclass(frozen=True, slots=True)
class Together:
    """Blocking gates that bound a rate of the same rows.

    Args:
        gate_ids: The gates.
        chance: Chance that a fresh sample of this size proves all of them if what was seen is the truth, with
            the dependence that was seen.
    """

    gate_ids: tuple[str, ...]
    chance: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waiting for more cases would bring and cost, beside what is live.

    Args:
        further_even: Further cases in all for an even chance that all blocking gates are proven, if what was
            seen is the truth and proofs are independent; None where no number is enough or one is unmeasured.
        further_80: The same for an 80% chance.
        together: How many cases prove all blocking gates, in words; empty where one gate says it itself.
        knowing: What knowing the true cost difference to live would be worth, per month that the choice
            stands; None where it is not known.
        labels: Further cases, what labelling them would be worth per month, and what it would cost once;
            None where `costs.review` is not stated.
        best_labels: Number of further cases whose worth for one month exceeds their cost by the most; None
            where it is not known.
        cost_of_waiting: What a month of holding costs on average; below 0 where live is cheaper.
        worst_loss: What a month at full exposure would lose at the worse end of the interval.
        exposure: Largest share of the traffic whose worst loss does not exceed what waiting costs; None where
            it is not known or a gate on harm stands against any exposure.
        exposure_cases: The same in cases per month.
        sentences: What labels are worth and which exposure is cheaper, in words, or why that is not known.
    """

    further_even: int | None = None
    further_80: int | None = None
    together: str = ""
    knowing: float | None = None
    labels: tuple[tuple[int, float, float | None], ...] = ()
    best_labels: int | None = None
    cost_of_waiting: float | None = None
    worst_loss: float | None = None
    exposure: float | None = None
    exposure_cases: float | None = None
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """One earlier decision on the same golden lineage, as far as counting needs it.

    Args:
        decision_id: The decision.
        candidate: Name of the candidate it judged; the same for the same answers on more cases.
        sample: Name of the rows it judged; the same for the same answers on the same cases.
        run_id: The run that holds them.
        cases: Distinct cases among them.
        gates: What it saw of each gate.
        grown: Whether the rows of its own earlier looks were all among them, unchanged.
    """

    decision_id: str
    candidate: str
    sample: str
    run_id: str
    cases: int
    gates: tuple[GateLook, ...] = ()
    grown: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was measured about one subject; `decide` reads nothing else.

    Args:
        product: The product's id.
        kind: The product's kind.
        subject: Pins of the judged run.
        role: "candidate", "live" or a baseline's name.
        lineage: Name under which looks and candidates are counted.
        population: The default population in words.
        gates: One entry per gate, in the spec's order.
        metrics: Metrics on the default population.
        slices: Metrics per slice.
        outcomes: How often each class of outcome occurred.
        comparisons: Against live and each baseline.
        examples: A few cases per bad class of outcome.
        money: Errors in money; None where no costs are stated.
        holding: What holding costs.
        invalid: Why the evidence cannot be judged; empty where it can.
        notes: Sentences about the evidence as a whole.
        sampled: How the cases of the default population were sampled.
        must_pass: Named failing cases of curated and incident strata, up to a page.
        must_pass_failing: How many fail in all.
        together: How gates on the same rows go together; None where fewer than two are such.
        confusion: Which class was taken for which; None where rows have no classes.
        candidate: Name under which the looks at one candidate are counted; the same for the same answers on
            more cases. Empty where looks are not counted.
        sample: Name of the judged rows; the same for the same answers on the same cases.
        grown: Whether all rows of the earlier looks at the candidate are among the judged ones, unchanged.
        confirmation: The confirmation set's file, where the decision is on it; empty for the golden set.
    """

    product: str
    kind: str
    subject: RunPins
    role: str
    lineage: str
    population: str
    gates: tuple[GateEvidence, ...]
    metrics: tuple[SliceEstimate, ...] = ()
    slices: tuple[SliceEstimate, ...] = ()
    outcomes: tuple[OutcomeShare, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    examples: tuple[CaseChange, ...] = ()
    money: Money | None = None
    holding: HoldCost | None = None
    invalid: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sampled: str = "unknown"
    must_pass: tuple[CaseChange, ...] = ()
    must_pass_failing: int = 0
    together: Together | None = None
    confusion: Confusion | None = None
    candidate: str = ""
    sample: str = ""
    grown: bool = True
    confirmation: str = ""

    def listed_files(self) -> tuple[str, ...]:
        """Return the files of the cases that are listed by name, as the golden set writes their paths."""
        lists = [part for one in self.comparisons for part in (one.newly_failing, one.newly_fixed)]
        cases = [case for part in (*lists, self.must_pass, self.examples) for case in part]
        return tuple(dict.fromkeys(case.input_file for case in cases if case.input_file))


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that forced the verdict, and what would change it.

    Args:
        of: Gate id, class of outcome, "evidence", or the role of a signature.
        text: What forced it.
        change: What would change it.
        kind: What `of` names.
    """

    of: str
    text: str
    change: str = ""
    kind: Literal["gate", "outcome", "evidence", "signature"] = "gate"


@dataclass(frozen=True, slots=True)
class SpecChange:
    """One way in which the promise was moved after something had been measured by it.

    Args:
        key: The key that was changed, with ids in place of indexes, such as gates.g_good.rule.
        text: The change in words, with what had been measured when it was made.
        eases: Whether it makes passing "easier", "harder" or "neither", or "unclear" where the old and the
            new cannot be compared.
        after: Id of the last decision that was made by the old spec.
        before: The old value as JSON text; empty where there was none.
    """

    key: str
    text: str
    eases: Literal["easier", "harder", "neither", "unclear"]
    after: str
    before: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Verdict, reasons, evidence and parents; immutable once written.

    Args:
        verdict: The verdict.
        headline: One sentence.
        forced_by: What forced it, most important first.
        gates: Every gate with its answer.
        coverage: What stands around each class of bad outcome that occurred.
        got_worse: What got worse against live or a baseline, even when the verdict is good.
        chance_all_pass: Chance that all blocking gates pass on a fresh sample if the observed rates are the
            truth, as (at least, about, at most); None where a gate could not be measured.
        evidence: What was measured.
        not_judged: Keys of the spec that this level does not judge yet.
        spec_hash: Hash of the spec's text.
        parents: Hashes of everything it rests on, by name.
        previous: Id of the previous decision of this product; None for the first.
        decided_at: ISO 8601 time, UTC.
        shipworthy_version: The version that decided.
        failure_modes: Every named failure mode with what bounds it.
        waiting: On a hold, what waiting for more cases would bring and cost; None otherwise.
        spec_changes: How the promise was moved after earlier decisions, easier ones first.
    """

    verdict: Verdict
    headline: str
    forced_by: tuple[Reason, ...]
    gates: tuple[GateResult, ...]
    coverage: tuple[Coverage, ...]
    got_worse: tuple[str, ...]
    chance_all_pass: tuple[float, float, float] | None
    evidence: Evidence
    not_judged: tuple[str, ...]
    spec_hash: str
    parents: Mapping[str, str]
    previous: str | None = None
    decided_at: str = ""
    shipworthy_version: str = ""
    failure_modes: tuple[FailureModeResult, ...] = ()
    waiting: Waiting | None = None
    spec_changes: tuple[SpecChange, ...] = ()


def plain(value: Any) -> Any:
    """Return dataclasses, enums, tuples and mappings as JSON-ready values; non-finite numbers as text.

    Args:
        value: Any record.

    Returns:
        dicts, lists, strings, numbers, booleans and None only.
    """
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def rebuild(kind: Any, value: Any) -> Any:
    """Return a record from what `plain` made of it.

    Args:
        kind: The type to build: a dataclass, enum, tuple, mapping, union or plain type.
        value: JSON-ready value; keys that the type does not know are ignored.

    >>> rebuild(Estimate, plain(Estimate(0.5, 0.4, 0.6, 10, "share"))).high
    0.6
    """
    origin, inside = get_origin(kind), get_args(kind)
    if value is None:
        return None
    if origin in (Union, UnionType):
        return rebuild(next(part for part in inside if part is not type(None)), value)
    if origin is tuple:
        if len(inside) == 2 and inside[1] is Ellipsis:
            return tuple(rebuild(inside[0], item) for item in value)
        return tuple(rebuild(part, item) for part, item in zip(inside, value, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: rebuild(inside[1], item) for key, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        known = {part.name for part in fields(kind)}
        return kind(**{name: rebuild(hints[name], item) for name, item in value.items() if name in known})
    if kind is float and isinstance(value, (int, str)):
        return float(value)
    return value
