"""SW32x: the rubric, and judges that must themselves be measured."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shipworthy.define.lint.named import names_no_version, names_within
from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import yaml_snippet
from shipworthy.define.spec import Spec

FEWEST_LABELS = 60
ENOUGH_LABELS = 100
#: Least informedness (true-positive plus true-negative rate, less 1) at which a corrected rate is of any use.
LEAST_INFORMED = 0.3

#: What a scale from 1 to 5 sounds like.
_SCALE = re.compile(
    r"\b(likert|on a scale|scale (of|from)|out of (5|7|10|100)|stars?"
    r"|(rating|score)s? (of|from|above|at least)|at least [2-9] (of|out of) (5|7|10)"
    r"|[01]\s*(-|–|to)\s*(5|7|10|100)\b)",
    re.IGNORECASE,
)
#: What code sees better than a model does.
_CODE_CAN_CHECK = re.compile(
    r"\b(valid (json|xml|yaml|html)|(json|xml)?[ -]?schema\b|parses as|regular expression|regex|well-formed"
    r"|(at most|no more than|fewer than|under|exactly|between) \d+ (and \d+ )?"
    r"(words|characters|sentences|tokens|lines|bullets?)"
    r"|citation ids? exists?|cited (ids?|documents?|sources?) exists?"
    r"|(matches|equals) the (expected|golden|reference) (id|label|number|value|string)|exact match"
    r"|contains the (word|string|link|url))",
    re.IGNORECASE,
)


@rule("SW321", "error", level="judge", example=True)
def judge_is_not_checked_by_people(promise: Promise) -> Iterator[Finding]:
    """A gate rests on a judge's verdicts, and no person is to check the judge.

    A judge that was never measured passes its own errors on to every rate it gives.

    Let people label at least 100 of the judged outputs, drawn at random, and name the file under
    `judges: [{of, labels}]`; before it exists, say how many are planned with `labels_planned`. The rate is
    then corrected by how often the judge passes what people pass and fails what they fail.
    """
    spec = promise.spec
    judges = {judge.of: (place, judge) for place, judge in enumerate(spec.judges)}
    told: set[str] = set()
    for index, gate in enumerate(spec.gates):
        for score in dict.fromkeys(names_within(gate)):
            place, judge = judges.get(score, (None, None))
            checked = judge is not None and (judge.labels is not None or judge.labels_planned)
            if score in told or checked or (judge is None and not _is_judged(spec, score)):
                continue
            told.add(score)
            yield Finding(
                ("gates", index, "rule") if place is None else ("judges", place, "labels"),
                f"The gate {gate.id} rests on the judged score {score}, which no person checks.",
                yaml_snippet("judges", [{"of": score, "labels": f"labels/{score}.csv", "sampled": "random"}]),
                score,
            )


@rule("SW322", "error")
def too_few_labels(promise: Promise) -> Iterator[Finding]:
    """People have labelled too few outputs to say how often the judge errs.

    The judge's error is then so uncertain that the corrected rate proves nothing, however many cases it has.

    Have at least 100 outputs labelled per criterion, as many failing as passing ones where that can be had.
    Below 60 it is an error, below 100 a warning.
    """
    for index, judge in enumerate(promise.spec.judges):
        counted = promise.facts.labels.get(judge.of)
        known = isinstance(counted, int)
        labels = counted if isinstance(counted, int) else judge.labels_planned
        if labels is None or labels >= ENOUGH_LABELS:
            continue
        said = "labels by people" if known else "planned labels by people"
        yield Finding(
            ("judges", index, "labels" if known else "labels_planned"),
            f"The judge of {judge.of} has {labels:,} {said}, and needs at least {FEWEST_LABELS}, better "
            f"{ENOUGH_LABELS}.",
            yaml_snippet("judges", [{"of": judge.of, "labels_planned": ENOUGH_LABELS}]),
            judge.of,
            severity=None if labels < FEWEST_LABELS else "warning",
        )


@rule("SW323", "error", example=True)
def criterion_is_no_question(promise: Promise) -> Iterator[Finding]:
    """A criterion of the rubric asks for a number on a scale, and not for yes or no.

    People and judges agree on what passes far more often than on the difference between a 3 and a 4.

    Write what passes in one sentence, and ask one thing at a time; make two criteria of two questions.
    """
    for index, criterion in enumerate(promise.spec.rubric):
        if found := _SCALE.search(criterion.passes_if):
            yield Finding(
                ("rubric", index, "passes_if"),
                f"The criterion {criterion.id} asks for a number on a scale ({found[0].strip()!r}).",
                yaml_snippet(
                    "rubric",
                    [{"id": criterion.id, "passes_if": "every statement is supported by a source"}],
                ),
                criterion.id,
            )


@rule("SW324", "error")
def judge_may_be_hardly_better_than_chance(promise: Promise) -> Iterator[Finding]:
    """A judge is let in that would be hardly better than a coin.

    A rate is corrected by dividing by what the judge tells beyond chance, which blows up all noise near zero.

    Ask for more: `min_tpr` and `min_tnr` of 0.9 each are usual, and 0.8 each the least that is useful.
    """
    for index, judge in enumerate(promise.spec.judges):
        if judge.min_tpr is None or judge.min_tnr is None:
            continue
        informed = judge.min_tpr + judge.min_tnr - 1
        if informed <= LEAST_INFORMED + 1e-9:
            yield Finding(
                ("judges", index, "min_tpr"),
                f"The judge of {judge.of} may pass {judge.min_tpr:.0%} of what people pass and fail "
                f"{judge.min_tnr:.0%} of what they fail: {informed * 100:.0f} points better than chance.",
                yaml_snippet("judges", [{"of": judge.of, "min_tpr": 0.9, "min_tnr": 0.9}]),
                judge.of,
            )


@rule("SW325", "warning", example=True)
def judge_is_unpinned_or_judges_itself(promise: Promise) -> Iterator[Finding]:
    """A judge is the model that it judges, or nobody says which version of a model it is.

    A model likes its own answers, and a judge that changes overnight moves every rate without any release.

    Take a judge of another family than the candidate, and pin its version under `model`.
    """
    candidate = promise.spec.systems.candidate
    asked = candidate.model.lower() if candidate is not None and candidate.model else None
    for index, judge in enumerate(promise.spec.judges):
        if judge.model is not None and judge.model.lower() == asked:
            what = f"The judge of {judge.of} is {judge.model}, the candidate itself."
        elif judge.model is None:
            what = f"Nobody says which model the judge of {judge.of} is."
        elif names_no_version(judge.model):
            what = f"The judge of {judge.of}, {judge.model}, names no version."
        else:
            continue
        yield Finding(
            ("judges", index, "model"),
            what,
            yaml_snippet("judges", [{"of": judge.of, "model": "vendor:judge-2026-01"}]),
            judge.of,
        )


@rule("SW326", "warning", example=True)
def code_could_check_it(promise: Promise) -> Iterator[Finding]:
    """A judge answers a question that code answers exactly.

    Code is right every time, costs nothing and needs no labels; a judge errs on the easiest questions too.

    Score it with `json_schema`, `regex`, `contains`, `exact`, `numeric` or a function of your own, and keep
    judges for what takes reading.
    """
    judged = {judge.of for judge in promise.spec.judges}
    for index, criterion in enumerate(promise.spec.rubric):
        found = _CODE_CAN_CHECK.search(criterion.passes_if)
        if found is not None and criterion.id in judged:
            yield Finding(
                ("rubric", index, "passes_if"),
                f"The judge of {criterion.id} is asked what code can check ({found[0].strip()!r}).",
                yaml_snippet("metrics", [{"id": criterion.id, "scorer": {"function": "checks:passes"}}]),
                criterion.id,
            )


@rule("SW327", "warning")
def only_one_person_labels(promise: Promise) -> Iterator[Finding]:
    """One person alone says what is right, and nobody labels the same outputs again.

    Where two people would not agree, the judge is measured against one person's taste.

    Let a second person label some 30 of the outputs without seeing the first verdicts; `shipworthy agreement`
    says how far they agree.
    """
    for index, judge in enumerate(promise.spec.judges):
        if not judge.second_rater:
            yield Finding(
                ("judges", index, "second_rater"),
                f"Nobody labels a second time what the judge of {judge.of} is measured against.",
                yaml_snippet("judges", [{"of": judge.of, "second_rater": 30}]),
                judge.of,
            )


@rule("SW328", "warning", example=True)
def judges_examples_are_golden_cases(promise: Promise) -> Iterator[Finding]:
    """Examples that are shown to a judge are cases of the golden set.

    A judge that was shown the answers is measured on them too, and looks better than it is.

    Take the examples from elsewhere: older cases, other customers, or cases written for the purpose.
    """
    golden = promise.spec.golden
    cases = {golden.path} | ({golden.confirm.path} if golden.confirm is not None else set())
    shared = promise.golden.shared_with_training if promise.golden is not None else {}
    for index, criterion in enumerate(promise.spec.rubric):
        if criterion.examples is None:
            continue
        if criterion.examples in cases or shared.get(criterion.examples):
            yield Finding(
                ("rubric", index, "examples"),
                f"The examples of {criterion.id} ({criterion.examples}) are cases of the golden set.",
                yaml_snippet("rubric", [{"id": criterion.id, "examples": "rubric/other_cases.jsonl"}]),
                criterion.id,
            )


def _is_judged(spec: Spec, score: str) -> bool:
    """Return whether a score without an entry under `judges` is said to be a model's verdict."""
    for metric in spec.metrics:
        if metric.id == score and isinstance(metric.scorer, str):
            return bool(re.match(r"(llm[_ -]?)?judged?\b", metric.scorer, re.IGNORECASE))
    return False
