"""Which keys a spec must have: by level, by kind of product, and by what else it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from shipworthy.define.keys.part import value_at
from shipworthy.define.spec import FOUNDATION_KINDS, KINDS, Spec

__all__ = [
    "BOUNDS_AN_ANSWER",
    "CONDITIONS",
    "REQUIRED",
    "Condition",
    "Requirement",
    "missing_keys",
]


@dataclass(frozen=True, slots=True)
class Condition:
    """What else a spec must say before a key is asked for.

    Args:
        words: The condition, as the end of "asked for where ...".
        holds: Whether it holds for a spec.
    """

    words: str
    holds: Callable[[Spec], bool]


def _has_person(spec: Spec) -> bool:
    return spec.routing is not None and any(band.by == "person" for band in spec.routing.bands)


def _is_trained(spec: Spec) -> bool:
    return spec.data is not None and spec.data.training_window is not None


#: What a rule names that bounds what one answer takes.
BOUNDS_AN_ANSWER = "latency|ttft|run_cost|tokens"


def _is_unbounded(spec: Spec) -> bool:
    return not any(re.search(BOUNDS_AN_ANSWER, gate.rule) for gate in spec.gates)


CONDITIONS: Mapping[str, Condition] = {
    "": Condition("", lambda spec: True),
    "regulated": Condition("`regulated` names a field", lambda spec: bool(spec.regulated)),
    "routed": Condition("there is `routing`", lambda spec: spec.routing is not None),
    "reviewed": Condition("a band of `routing` is decided by a person", _has_person),
    "rubric": Condition("there is a `rubric`", lambda spec: bool(spec.rubric)),
    "judged": Condition("there are `judges`", lambda spec: bool(spec.judges)),
    "unbounded": Condition("no gate bounds latency or what an answer costs", _is_unbounded),
    "trained": Condition("there is `data.training_window`", _is_trained),
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One key that a spec must have.

    Args:
        key: Its dotted name.
        level: The first level that asks for it; the levels above ask too.
        why: Why it is needed, one sentence.
        example: The smallest value, as YAML that stands after `key: `.
        kinds: Kinds of product that need it.
        when: Name of one of `CONDITIONS`; "" where it is always asked for.
        rule: Rule of lint that asks for it, where another rule than SW001 does.
    """

    key: str
    level: str
    why: str
    example: str
    kinds: tuple[str, ...] = KINDS
    when: str = ""
    rule: str = "SW001"

    @property
    def keys(self) -> tuple[str, ...]:
        """The key as a path from the top of the file."""
        return tuple(self.key.split("."))

    @property
    def yaml(self) -> str:
        """The smallest lines that add it, from the top of the file."""
        *outer, last = self.keys
        lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(outer)]
        return "\n".join([*lines, f"{'  ' * len(outer)}{last}: {self.example}"])

    def asked_of(self, spec: Spec) -> bool:
        """Return whether a spec of this level, kind and content needs it."""
        return spec.reaches(self.level) and spec.kind in self.kinds and CONDITIONS[self.when].holds(spec)


_PREDICTS = tuple(kind for kind in KINDS if kind not in FOUNDATION_KINDS)

#: The keys of each level, in the order of the file; reading itself refuses a spec without those of `judge`.
REQUIRED: tuple[Requirement, ...] = (
    # -- judge: enough for a verdict
    Requirement("shipworthy", "judge", "The format may change; a spec says which one it is in.", "1"),
    Requirement("id", "judge", "Records and files need a name that does not change.", "my-product"),
    Requirement("kind", "judge", "It decides which metrics and which bad outcomes exist.", "classifier"),
    Requirement(
        "decision.prediction", "judge", "A bar means nothing before it is clear what is predicted.", "leaves"
    ),
    Requirement("decision.action", "judge", "An output that triggers nothing needs no model.", "[call]"),
    Requirement("decision.actor", "judge", "An action nobody answers for should not be automated.", "desk"),
    Requirement(
        "golden.path", "judge", "A verdict is only worth what its cases are worth.", "golden/cases.csv"
    ),
    Requirement("gates", "judge", "Bars written after the results prove nothing.", "[accuracy >= 90%]"),
    # -- launch: enough to let it out
    Requirement("version", "launch", "A release that has no version cannot be restored.", "1.0.0"),
    Requirement(
        "owners.product", "launch", "Somebody must answer for the bars and for what they let out.", "Ana"
    ),
    Requirement("owners.ml", "launch", "Somebody must answer for the model when it is wrong.", "Ben"),
    Requirement(
        "owners.oncall", "launch", "A product that fails at night needs somebody to call.", '"#oncall"'
    ),
    Requirement(
        "owners.signers",
        "launch",
        "Regulated releases are signed by somebody other than the team that wants them.",
        "{legal: Lee}",
        when="regulated",
        rule="SW114",
    ),
    Requirement(
        "problem.user",
        "launch",
        "A product for nobody in particular cannot be judged by its effect.",
        "Underwriters",
    ),
    Requirement(
        "problem.job",
        "launch",
        "What people want done is what success is measured by.",
        "An answer the same day",
    ),
    Requirement(
        "problem.today",
        "launch",
        "Without a number for today, nobody can tell whether it became better.",
        '"Median 26 h, 41 min of work"',
    ),
    Requirement(
        "problem.without_ai",
        "launch",
        "What would be done without a model is the alternative that it must beat.",
        '"A rule: score >= 680"',
        rule="SW103",
    ),
    Requirement(
        "problem.success",
        "launch",
        "Success that was not written before the results is found in any result.",
        '"Median 26 -> 5 h"',
    ),
    Requirement(
        "problem.harm",
        "launch",
        "In a regulated field harm that nobody named is harm that nobody looks for.",
        '[{who: newcomers, how: "declined for missing history"}]',
        when="regulated",
    ),
    Requirement(
        "costs",
        "launch",
        "What errors cost decides where the bars belong.",
        "{false_positive: 40, false_negative: 400}",
        rule="SW101",
    ),
    Requirement(
        "costs.by_group",
        "launch",
        "The same error can cost one group of people more than another.",
        '{"thin_file = yes": {false_negative: 75}}',
        when="regulated",
        rule="SW601",
    ),
    Requirement(
        "data.sources",
        "launch",
        "A source without owner and version changes without anybody knowing.",
        '[{id: orders, owner: Dora, version: "git:ab12"}]',
    ),
    Requirement(
        "data.labels.definition",
        "launch",
        "Two teams that mean different things by right cannot agree on a rate.",
        '"90 days past due within 12 months"',
        rule="SW704",
    ),
    Requirement(
        "data.populations",
        "launch",
        "People who are missing from the data are the ones it is wrong about.",
        "{included: [customers], missing: [newcomers]}",
        when="regulated",
        rule="SW604",
    ),
    Requirement(
        "context.prompt",
        "launch",
        "A prompt that is not pinned is another product tomorrow.",
        "{version: prompts/support@41}",
        kinds=FOUNDATION_KINDS,
    ),
    Requirement(
        "context.retrieval",
        "launch",
        "An answer is only as right and as fresh as what was looked up.",
        "{index: kb@2026-01-20, owner: Kim, fresh_within: 24h}",
        kinds=("rag",),
    ),
    Requirement(
        "context.tools",
        "launch",
        "Every tool is a way to do damage; its scope and limit bound it.",
        "[{id: lookup, scope: read}]",
        kinds=("agent",),
    ),
    Requirement(
        "context.envelope",
        "launch",
        "What it must never do has to be written before somebody makes it do so.",
        "{must_not: [legal_advice]}",
        kinds=FOUNDATION_KINDS,
    ),
    Requirement(
        "budgets",
        "launch",
        "An answer that comes too late or costs too much is no answer.",
        "{latency_p95_ms: 4000, run_cost: 0.03}",
        when="unbounded",
        rule="SW206",
    ),
    Requirement(
        "golden.version",
        "launch",
        "A set that may change under its bars makes two results incomparable.",
        '"sha256:..."',
        rule="SW305",
    ),
    Requirement(
        "golden.strata",
        "launch",
        "A set without named kinds of case (its column `stratum`) may hold none of the cases that hurt.",
        "{representative: 500}",
    ),
    Requirement(
        "systems.candidate",
        "launch",
        "What wants to ship must be named and pinned.",
        "{model: models:loan/3.2.0, recorded: recorded/candidate.csv}",
    ),
    Requirement(
        "systems.baselines",
        "launch",
        "A model that nobody compared with something simple may not be needed.",
        "{rule: {type: rule, what: score above 680}}",
        rule="SW521",
    ),
    Requirement(
        "groups",
        "launch",
        "Unequal treatment shows only where the results are cut by group.",
        "[age_62_plus]",
        when="regulated",
        rule="SW602",
    ),
    Requirement(
        "metrics",
        "launch",
        "What is measured before the launch must be tied to what users feel after it.",
        "[{id: recall, role: primary}, {id: churn, layer: online, pairs: recall}]",
    ),
    Requirement(
        "rubric",
        "launch",
        "A judge that was not asked one yes-or-no question answers its own.",
        "[{id: grounded, passes_if: every sentence is supported by a passage}]",
        when="judged",
    ),
    Requirement(
        "judges",
        "launch",
        "A verdict that was never compared with people's cannot be relied on.",
        "[{of: grounded, labels: labels.csv, sampled: random}]",
        when="rubric",
    ),
    Requirement(
        "outcomes",
        "launch",
        "Good, poor and harmful mean what was written, not what the reader thinks.",
        "{good: right and sourced, harmful: a false promise}",
        kinds=FOUNDATION_KINDS,
    ),
    Requirement(
        "routing.owner",
        "launch",
        "Where the lines are drawn is a decision about money and people, and needs a name.",
        "Ana",
        when="routed",
        rule="SW502",
    ),
    Requirement(
        "failure_modes",
        "launch",
        "A way to be wrong that nobody named is tested by nobody.",
        "[{id: hallucination, severity: blocker, cases: representative}]",
    ),
    Requirement(
        "launch.stages",
        "launch",
        "What goes to everybody at once is wrong for everybody at once.",
        "[{percent: 5, for: 7d}, {percent: 100}]",
    ),
    Requirement(
        "launch.rollback",
        "launch",
        "A release that cannot be taken back is a bet.",
        "{to: 1.3.2, within: 60m}",
        rule="SW802",
    ),
    Requirement(
        "launch.fallback",
        "launch",
        "Every system is down at times, and people still need an answer.",
        "{when: model_unavailable, do: queue for a person}",
        rule="SW804",
    ),
    Requirement(
        "launch.red_team",
        "launch",
        "What nobody attacked before the launch is attacked after it.",
        "{by: Sam, cases: adversarial}",
        kinds=FOUNDATION_KINDS,
        rule="SW806",
    ),
    Requirement(
        "launch.feedback",
        "launch",
        "Users see bad outputs first, and need a place to say so.",
        "{channel: thumbs with a reason, triage_within: 2d}",
        kinds=FOUNDATION_KINDS,
        rule="SW805",
    ),
    # -- operate: enough to keep it out
    Requirement(
        "owners.retraining",
        "operate",
        "A model that nobody trains again gets worse without anybody deciding it.",
        "Ben",
        rule="SW111",
    ),
    Requirement(
        "data.labels.matures_after",
        "operate",
        "A quality figure drawn before its labels are known is too good.",
        "365d",
        kinds=_PREDICTS,
        rule="SW704",
    ),
    Requirement(
        "data.lineage",
        "operate",
        "When a source breaks, somebody must know what depends on it.",
        "[{id: features, kind: feature, from: orders, owner: Dora}]",
        when="trained",
        rule="SW706",
    ),
    Requirement(
        "routing.override_audit",
        "operate",
        "People who decide err too, and only an audit shows how often.",
        "{every: 30d, sample: 200, seeded_errors: 0.05}",
        when="reviewed",
    ),
    Requirement(
        "monitors",
        "operate",
        "What was proved before the launch stops being true after it.",
        '[{id: m_recall, series: recall, rule: "< 0.8 for 7d", do: page, owner: oncall}]',
    ),
    Requirement(
        "learning.retrain",
        "operate",
        "When it learns, what the new model must pass, and who decides it must be known beforehand.",
        '{trigger: "every 90d", gate: [recall], owner: Ben}',
        rule="SW901",
    ),
    Requirement(
        "learning.retrain.stop",
        "operate",
        "A model that learns from bad data gets worse the more it learns.",
        "[m_labels]",
        rule="SW902",
    ),
)


def missing_keys(spec: Spec) -> tuple[Requirement, ...]:
    """Return the required keys that a spec does not have, in the order of the file.

    Args:
        spec: The spec, read.

    Returns:
        One requirement per missing key that this level, this kind and what else it says ask for.
    """
    return tuple(
        need for need in REQUIRED if need.asked_of(spec) and _says_nothing(value_at(spec, need.keys))
    )


def _says_nothing(value: Any) -> bool:
    if isinstance(value, BaseModel):
        return not value.model_fields_set
    return value in (None, "", [], {})
