"""The library of failure modes: known ways in which AI products of each kind are wrong, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from shipworthy.define.keys.sources import Source
from shipworthy.define.spec import FOUNDATION_KINDS, KINDS, Spec
from shipworthy.errors import UsageError, nearest

__all__ = ["LIBRARY", "Mode", "expected_modes", "modes_for"]

Severity = Literal["blocker", "major", "minor"]

PREDICTING = tuple(kind for kind in KINDS if kind not in FOUNDATION_KINDS)
CLASSIFYING = ("classifier", "detector")


def _never(_spec: Spec) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Mode:
    """One known way to be wrong.

    Args:
        id: Short name, as a spec's failure mode would be called.
        kinds: Kinds of product that can have it.
        definition: What goes wrong, one sentence.
        severity: Its usual severity; a product may see it otherwise.
        stratum: Stratum of the golden set that tests it.
        detector: How it is noticed.
        guardrails: What could stop the harm when it occurs, the most usual first.
        monitor: Series that shows it in use.
        when: Whether the library expects it of a product, so that leaving it out needs a reason; a mode
            without such a sign in the spec is proposed and never demanded.
        words: Parts of other names under which a spec may list it.
    """

    id: str
    kinds: tuple[str, ...]
    definition: str
    severity: Severity
    stratum: str
    detector: str
    guardrails: tuple[str, ...]
    monitor: str
    when: Callable[[Spec], bool] = _never
    words: tuple[str, ...] = ()

    def is_among(self, ids: Iterable[str]) -> bool:
        """Return whether a spec that lists these failure modes lists this one, under its own or a like name.

        Args:
            ids: Ids of a spec's failure modes.

        >>> mode = next(mode for mode in LIBRARY if mode.id == "data_staleness")
        >>> mode.is_among(["stale_bureau"]), mode.is_among(["hallucination"])
        (True, False)
        """
        names = [name.lower() for name in ids]
        return self.id in names or any(word in name for word in self.words for name in names)


def modes_for(kind: str) -> tuple[Mode, ...]:
    """Return the failure modes that a kind of product can have, the gravest first.

    Args:
        kind: A kind of product, such as classifier or agent.

    Raises:
        UsageError: If there is no such kind.

    >>> [mode.id for mode in modes_for("agent")][:3]
    ['wrong_tool_call', 'fabricated_citation', 'harmful_code']
    """
    if kind not in KINDS:
        raise UsageError(f"There is no kind {kind!r}.", fix=nearest(kind, KINDS))
    grave = ("blocker", "major", "minor")
    # What only some kinds can have says more about them than what all can.
    return tuple(
        sorted(
            (mode for mode in LIBRARY if kind in mode.kinds),
            key=lambda mode: (grave.index(mode.severity), len(mode.kinds)),
        )
    )


def expected_modes(spec: Spec) -> tuple[Mode, ...]:
    """Return the failure modes that something in the spec makes likely, the gravest first.

    Args:
        spec: The spec.
    """
    return tuple(mode for mode in modes_for(spec.kind) if mode.when(spec))


# -- signs in a spec that make a mode likely ---------------------------------------------------------------


def _reads_what_others_write(spec: Spec) -> bool:
    candidate = spec.systems.candidate
    prompted = spec.is_foundation or (candidate is not None and (candidate.type or "").lower() == "llm")
    context = spec.context
    looks_up = context is not None and (context.retrieval is not None or bool(context.tools))
    return prompted and (looks_up or any(source.external for source in _sources(spec)))


def _must_be_fresh(spec: Spec) -> bool:
    retrieval = spec.context.retrieval if spec.context is not None else None
    if retrieval is not None and retrieval.fresh_within is not None:
        return True
    return any(source.fresh_within is not None for source in _sources(spec))


def _mixes_batch_and_stream(spec: Spec) -> bool:
    return {"batch", "stream"} <= {source.mode for source in _sources(spec)}


def _ranks(spec: Spec) -> bool:
    return spec.kind == "ranker"


def _users_see_the_outcome(spec: Spec) -> bool:
    adverse = spec.routing is not None and any(band.adverse for band in spec.routing.bands)
    comms = spec.launch.comms if spec.launch is not None else None
    return adverse or (comms is not None and comms.adverse_reasons is not None)


def _tells_groups_apart(spec: Spec) -> bool:
    return bool(spec.groups or spec.regulated)


def _calls_tools(spec: Spec) -> bool:
    return spec.context is not None and bool(spec.context.tools)


def _cites(spec: Spec) -> bool:
    return spec.context is not None and spec.context.retrieval is not None


def _sees_pictures(spec: Spec) -> bool:
    return spec.context is not None and bool({"image", "video"} & set(spec.context.inputs))


def _speaks_languages(spec: Spec) -> bool:
    return any(name.lower() in ("language", "lang", "locale") for name in spec.slices)


def _trusts_people_unmeasured(spec: Spec) -> bool:
    if spec.routing is None or not any(band.by == "person" for band in spec.routing.bands):
        return False
    audit = spec.routing.override_audit
    return audit is None or not audit.seeded_errors


def _leaves_out_days(spec: Spec) -> bool:
    window = spec.data.training_window if spec.data is not None else None
    return window is not None and window.days != "all"


def _sources(spec: Spec) -> list[Source]:
    return spec.data.sources if spec.data is not None else []


LIBRARY: tuple[Mode, ...] = (
    # -- products that predict -------------------------------------------------------------------------
    Mode(
        "wrong_prediction",
        ("classifier", "detector", "regressor"),
        "The prediction differs from the truth, and the action that follows is the wrong one.",
        "major",
        "representative",
        "labels of the golden set, and outcomes once they have matured",
        ("review band for unsure scores", "undo within a stated time"),
        "error rate on matured labels",
        words=("wrong_class", "wrong_label", "misclass"),
    ),
    Mode(
        "bad_ranking",
        ("ranker",),
        "What people want stands below what they do not want.",
        "major",
        "representative",
        "graded relevance per query; clicks and searches asked again",
        ("popular results as fallback", "pinned results for the most frequent queries"),
        "ndcg on a judged sample of queries",
        words=("ranking",),
    ),
    Mode(
        "false_positive",
        CLASSIFYING,
        "It raises the alarm, or grants, where it should not have.",
        "major",
        "representative",
        "labels of flagged cases; appeals and complaints",
        ("review before an adverse action", "appeal"),
        "precision on reviewed cases",
        words=("false_alarm", "false_approval"),
    ),
    Mode(
        "false_negative",
        CLASSIFYING,
        "It stays silent, or refuses, where it should not have.",
        "major",
        "representative",
        "labels of a random sample of what was not flagged",
        ("second reader for scores near the line", "a random sample of the rest is looked at"),
        "recall on a random audit sample",
        words=("missed", "misses", "false_reject"),
    ),
    Mode(
        "model_decay",
        PREDICTING,
        "It gets worse with time although nothing was released, because the world moves on.",
        "major",
        "failure_replay",
        "the main metric by age of the model, on matured labels",
        ("retraining with a gate", "fallback to the rule"),
        "main metric by week",
        words=("quality_decay", "model_drift"),
    ),
    Mode(
        "distribution_drift",
        PREDICTING,
        "What comes in is no longer what it was trained on.",
        "major",
        "edge",
        "a classifier that tells this week's inputs from the reference, with the columns that do it",
        ("review band widened while it lasts", "retraining"),
        "domain classifier AUC",
        words=("covariate", "distribution", "input_drift", "data_drift"),
    ),
    Mode(
        "poor_calibration",
        ("classifier", "detector", "ranker"),
        "Scores no longer mean what they say: of cases scored 0.9, not nine in ten are so.",
        "major",
        "representative",
        "calibration by score bin on matured labels",
        ("recalibration", "thresholds set again from costs"),
        "calibration by bin",
        words=("calibrat",),
    ),
    Mode(
        "label_noise",
        PREDICTING,
        "Some labels are wrong at random, so that training and every measurement blur.",
        "major",
        "representative",
        "a sample that a second person labels blind",
        ("majority of raters", "wrong labels mended before training"),
        "agreement of relabelled cases",
        words=("label_quality", "noisy_label"),
    ),
    Mode(
        "label_corruption",
        PREDICTING,
        "Labels of one period, region or source are systematically wrong.",
        "major",
        "failure_replay",
        "label share and relabelled agreement, by source and week",
        ("training stops until labels are checked", "source left out"),
        "label share by source",
        words=("label_corrupt", "contaminated_label"),
    ),
    Mode(
        "unequal_flag_rates",
        CLASSIFYING,
        "One group is flagged or refused far more often than another, and the truth gives no reason.",
        "blocker",
        "priority",
        "ratio of rates and of error rates between groups, each with its interval",
        ("review of adverse decisions in the group", "reweighting of training data"),
        "smallest ratio between groups",
        when=_tells_groups_apart,
        words=("unequal", "unfair", "fairness", "disparate", "bias_against", "group"),
    ),
    Mode(
        "training_serving_skew",
        PREDICTING,
        "A feature is computed differently in training (batch) and in use (stream).",
        "major",
        "edge",
        "the same cases through both paths, compared value by value",
        ("one feature code for both", "hold training until the paths agree"),
        "share of feature values that differ",
        when=_mixes_batch_and_stream,
        words=("skew", "parity"),
    ),
    Mode(
        "cold_start",
        ("ranker",),
        "New users or new items get bad results, or a few early clicks decide about them for long.",
        "major",
        "cold_start",
        "the main metric on users and items of the first days",
        ("popular results until there is enough history", "exploration with a cap"),
        "main metric of new users and items",
        when=_ranks,
        words=("cold", "new_user", "new_item"),
    ),
    Mode(
        "policy_change_artefact",
        CLASSIFYING,
        "A change of policy moves what is labelled positive, and looks like a change in the world.",
        "major",
        "policy_boundary",
        "dates of policy changes laid over the metric; old cases labelled by the new policy",
        ("labels name their policy version", "retraining on cases labelled by the new policy"),
        "label share by policy version",
        words=("policy_change", "policy_art"),
    ),
    Mode(
        "reporting_lag",
        PREDICTING,
        "Outcomes arrive late, so that the newest weeks always look better or worse than they are.",
        "minor",
        "failure_replay",
        "arrival of labels by age of the case",
        ("only matured weeks are compared", "a proxy with a known relation"),
        "label arrival by age",
        words=("reporting_lag", "label_delay", "late_label"),
    ),
    Mode(
        "domain_gap",
        ("classifier", "detector", "regressor"),
        "It is used on a site, device or population that its training data does not hold.",
        "major",
        "edge",
        "error by site or device against their share of training data",
        ("scores from unknown sites go to a person", "cases of the site are collected first"),
        "error by site",
        words=("domain_gap", "domain_shift", "new_site"),
    ),
    Mode(
        "missing_window",
        PREDICTING,
        "Training leaves out days, hours, regions or classes that occur in use, such as weekends.",
        "major",
        "edge",
        "share of weekdays, regions and classes in training against traffic",
        ("hold retraining until the window is whole", "fallback on those days"),
        "main metric by weekday",
        when=_leaves_out_days,
        words=("weekend", "missing_window", "window"),
    ),
    Mode(
        "schema_change",
        PREDICTING,
        "A column upstream is renamed, rescaled or filled otherwise, and the model reads nonsense.",
        "major",
        "edge",
        "schema and share of empty values at the entrance, against the contract",
        ("requests with a broken schema go to the fallback", "contract checked before release upstream"),
        "share of rows that break the contract",
        words=("schema",),
    ),
    Mode(
        "bias_loop",
        ("classifier", "detector", "ranker"),
        "It learns from what its own decisions let happen, so that its errors confirm themselves.",
        "major",
        "priority",
        "outcomes of a small random share that is decided otherwise",
        ("exploration under a loss cap", "training cases weighted by their chance of being seen"),
        "outcome gap between explored and chosen cases",
        words=("bias_loop", "feedback_loop", "selective_label"),
    ),
    Mode(
        "missing_context_feature",
        PREDICTING,
        "Errors gather where something matters that no feature says, as arrival times do in a traffic jam.",
        "major",
        "edge",
        "the slice in which most of the total error lies",
        ("a feature that says it", "a wider interval shown in that slice"),
        "error by slice",
        words=("missing_feature", "missing_context", "surge"),
    ),
    Mode(
        "gaming",
        PREDICTING,
        "People who see or feel the outcome learn what to change to get another one.",
        "minor",
        "adversarial",
        "features that move just across the line, and their outcomes later",
        ("signals that are hard to move", "a random share is checked"),
        "cases just across the line",
        when=_users_see_the_outcome,
        words=("gaming", "gamed", "manipulat"),
    ),
    # -- products that write, answer or act ---------------------------------------------------------------
    Mode(
        "hallucination",
        FOUNDATION_KINDS,
        "It states as fact what is not so, or what none of its sources says.",
        "major",
        "representative",
        "sentences compared with what was retrieved; a measured judge",
        ("no answer below a retrieval score", "sources shown beside each statement"),
        "groundedness of a sample",
        words=("hallucinat", "ungrounded", "fabricated_fact"),
    ),
    Mode(
        "fabricated_citation",
        ("rag", "agent"),
        "It cites a source that does not exist or does not say so.",
        "blocker",
        "representative",
        "code that looks every cited id up, and compares the passage",
        ("uncited or wrongly cited answers are blocked",),
        "share of citations that resolve",
        when=_cites,
        words=("citation", "cite"),
    ),
    Mode(
        "wrong_tool_call",
        ("agent",),
        "It calls the wrong tool, with wrong arguments, twice, or not at all.",
        "blocker",
        "tool_use",
        "the trace of calls against the expected one",
        ("limits per call", "approval by a person above a limit", "undo"),
        "denied and undone tool calls",
        when=_calls_tools,
        words=("tool", "wrong_action"),
    ),
    Mode(
        "privacy_leak",
        FOUNDATION_KINDS,
        "It shows one person's data to another, or repeats personal data from training.",
        "blocker",
        "adversarial",
        "planted marks that must never come out; a detector of personal data on outputs",
        ("permissions of the signed-in person only", "outputs with personal data are blocked"),
        "personal data found in outputs",
        words=("privacy", "pii", "personal_data"),
    ),
    Mode(
        "bad_refusal",
        FOUNDATION_KINDS,
        "It refuses what it should do, or does what it should refuse.",
        "major",
        "out_of_scope",
        "answers to requests inside and outside the envelope, judged as refusals",
        ("a refusal names the next step", "hand-off to a person"),
        "refusal rate",
        words=("refus",),
    ),
    Mode(
        "prompt_injection",
        FOUNDATION_KINDS,
        "Text that somebody else wrote, in a document, a mail or a tool's answer, is obeyed as an order.",
        "blocker",
        "adversarial",
        "planted orders that change the output or the calls when obeyed",
        ("outside text kept apart from orders", "no write tool while outside text is read"),
        "planted marks and attempts found",
        when=_reads_what_others_write,
        words=("inject",),
    ),
    Mode(
        "unsafe_output",
        FOUNDATION_KINDS,
        "It says what hurts people: dangerous advice, abuse, encouragement of harm.",
        "blocker",
        "adversarial",
        "attacks of a red team; a measured safety judge on outputs",
        ("outputs above a harm score are blocked", "hand-off to a person"),
        "blocked outputs",
        words=("unsafe", "toxic", "harmful_output", "harmful_advice"),
    ),
    Mode(
        "visual_artefact",
        ("generator", "rag", "agent"),
        "A picture it makes or reads comes out broken: limbs, text, objects that are not there.",
        "major",
        "multimodal",
        "a person or a measured judge looks at a sample of pictures",
        ("made again before it is shown", "no picture below a quality score"),
        "pictures reported or made again",
        when=_sees_pictures,
        words=("visual", "image", "picture"),
    ),
    Mode(
        "identity_drift",
        ("generator", "agent"),
        "A person, a character or a voice stops being itself over turns, pictures or edits.",
        "major",
        "multi_turn",
        "likeness of the first and the last output",
        ("reference given again at each turn", "edits that drift too far are refused"),
        "likeness over turns",
        words=("identity", "persona"),
    ),
    Mode(
        "prompt_leakage",
        FOUNDATION_KINDS,
        "It tells its own instructions, or secrets that stand in them.",
        "major",
        "adversarial",
        "a planted mark in the prompt that must never come out",
        ("no secret in the prompt", "outputs with the mark are blocked"),
        "planted marks found",
        words=("prompt_leak", "system_prompt"),
    ),
    Mode(
        "prompt_exploit",
        FOUNDATION_KINDS,
        "Users find wording that makes it do what it must not, and share it.",
        "major",
        "adversarial",
        "clusters of like requests that grow fast",
        ("limits per user", "requests like a known exploit are refused"),
        "largest cluster of like requests",
        words=("exploit", "jailbreak"),
    ),
    Mode(
        "harmful_code",
        ("generator", "agent"),
        "Code it writes is insecure or does harm, as after fine-tuning on leaked or poisoned examples.",
        "blocker",
        "adversarial",
        "static checks and tests run on written code",
        ("code runs in a sandbox", "review before a merge"),
        "findings of static checks",
        words=("code",),
    ),
    Mode(
        "non_english_misfire",
        FOUNDATION_KINDS,
        "It serves people in other languages worse than in the main one, and the average hides it.",
        "major",
        "non_english",
        "the main metric by language",
        ("hand-off where the language is not validated",),
        "main metric by language",
        when=_speaks_languages,
        words=("english", "language", "locale", "translat"),
    ),
    Mode(
        "tone_regression",
        FOUNDATION_KINDS,
        "What it says is right, and how it says it got worse.",
        "minor",
        "representative",
        "a yes-or-no question about tone, paired with what is live",
        ("drafts are read by a person",),
        "tone on a sample",
        words=("tone",),
    ),
    Mode(
        "mediocre_output",
        FOUNDATION_KINDS,
        "It is not wrong, and not worth reading: vague, padded, beside the point.",
        "minor",
        "ambiguous",
        "share graded poor by people",
        ("ask back instead of answering", "drafts are edited by a person"),
        "share edited or asked again",
        words=("mediocre", "vague", "poor_quality"),
    ),
    Mode(
        "cost_overrun",
        FOUNDATION_KINDS,
        "Long prompts, loops or retries make it cost more than it is worth.",
        "major",
        "multi_turn",
        "cost and tokens per case, by prompt version",
        ("a budget per case", "cheaper model when the budget is spent"),
        "run cost per case",
        words=("cost", "token", "budget"),
    ),
    Mode(
        "irreproducible_failure",
        FOUNDATION_KINDS,
        "A bad output was seen and cannot be made again, so nobody can mend it.",
        "minor",
        "failure_replay",
        "cases asked several times; pinned versions in every record",
        ("model, prompt and index pinned", "input and context kept with each report"),
        "reports that could be replayed",
        words=("irreproduc", "unrepeatable"),
    ),
    # -- both ------------------------------------------------------------------------------------------
    Mode(
        "data_staleness",
        KINDS,
        "It answers from data that is older than it may be.",
        "major",
        "failure_replay",
        "age of each source, and of the index, at the time of the answer",
        ("fallback above the allowed age", "the age is shown"),
        "age of sources",
        when=_must_be_fresh,
        words=("stale", "fresh", "outdated"),
    ),
    Mode(
        "query_drift",
        ("ranker", "rag", "agent", "generator"),
        "People ask about things that were not asked when it was built.",
        "major",
        "failure_replay",
        "clusters of requests with no good source or result",
        ("no answer below a score", "missing documents are queued for their owner"),
        "share without a good source",
        words=("query_drift", "new_topic", "intent_drift"),
    ),
    Mode(
        "relevance_decay",
        ("ranker", "rag"),
        "Results that were right get outdated while their scores stay high.",
        "minor",
        "failure_replay",
        "relevance of last year's queries judged again",
        ("age counts in the ranking", "documents expire"),
        "relevance by age of the document",
        words=("relevance_decay",),
    ),
    Mode(
        "training_contamination",
        KINDS,
        "Test cases, or what should never be learned, are in the training data.",
        "major",
        "representative",
        "cases of the golden set found in training or example files",
        ("cases are taken out and the model is trained again", "a confirmation set used once"),
        "overlap of golden set and training files",
        words=("contaminat", "data_leak"),
    ),
    Mode(
        "slow_answer",
        KINDS,
        "It answers after people, or the page, stopped waiting.",
        "major",
        "edge",
        "99th percentile of latency, by length of the input",
        ("fallback above a time limit", "cache"),
        "latency_p99_ms",
        words=("latency", "slow", "timeout"),
    ),
    Mode(
        "model_unavailable",
        KINDS,
        "The model or its provider does not answer at all.",
        "major",
        "edge",
        "share of calls without an answer",
        ("fallback that needs neither model nor provider", "queue and answer later"),
        "share of failed calls",
        words=("outage", "unavailable", "downtime"),
    ),
    Mode(
        "coverage_gap",
        KINDS,
        "A part of traffic has too few test cases for anybody to know how it does there.",
        "minor",
        "edge",
        "strata and slices of the golden set against a traffic sample",
        ("unmeasured parts go to a person",),
        "share of traffic without enough cases",
        words=("coverage", "untested"),
    ),
    # -- people ----------------------------------------------------------------------------------------
    Mode(
        "over_trust",
        KINDS,
        "People accept what it says without looking, so that review stops nothing.",
        "major",
        "ambiguous",
        "known errors mixed into what reviewers see",
        ("an audit of overrides with seeded errors", "reasons and sources shown first"),
        "share of seeded errors caught",
        when=_trusts_people_unmeasured,
        words=("over_trust", "overtrust", "rubber", "automation_bias"),
    ),
    Mode(
        "ignored_suggestions",
        KINDS,
        "People see what it suggests and do not use it.",
        "minor",
        "representative",
        "shown, used, edited and ignored suggestions, by confidence",
        ("only confident suggestions are shown",),
        "share of suggestions used",
        words=("ignored", "adoption"),
    ),
    Mode(
        "confusion_about_limits",
        KINDS,
        "Users do not know what it can and cannot do, and rely on it where they should not.",
        "minor",
        "out_of_scope",
        "requests outside its scope, and questions to support",
        ("limits are said where they matter", "out-of-scope requests are handed off"),
        "out-of-scope requests",
        words=("confus", "limits"),
    ),
    Mode(
        "overpromising",
        KINDS,
        "Somebody sells or announces what was never proved.",
        "minor",
        "out_of_scope",
        "claims in sales material against the limits of the spec",
        ("a limits sheet with the gate behind each claim",),
        "claims without a gate",
        words=("overpromis",),
    ),
    Mode(
        "no_way_to_report",
        KINDS,
        "Users who see a bad output cannot say so, and nobody learns of it.",
        "minor",
        "failure_replay",
        "reports per thousand outputs, against what a random audit finds",
        ("a report button with a reason", "triage within days"),
        "reports per thousand outputs",
        words=("no_way_to_report", "no_feedback"),
    ),
)
