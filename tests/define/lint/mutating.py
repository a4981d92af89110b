"""Edits one key of a complete spec, or one fact beside it, and says which rules speak for the first time.

A file in mutations/ holds `MUTATIONS`, a list of `Mutation`. A key is dotted; an entry of a list is named by
its id (or `of`, `claim`, `rule`, `what`, `name`), or by its index; `+` as the last part adds an entry, and
`++` another:

    Mutation("SW111", "loan", {"learning.retrain.owner": DELETED, "owners.retraining": DELETED})
    Mutation("SW301", "support", {"gates.g_safe.rule": "safe[stratum = adversarial] >= 99.9%"})
    Mutation("SW303", "support", facts={"golden.strata.adversarial": 0})
    Mutation("SW401", "loan", {"failure_modes.+": {"id": "new", "severity": "minor", "what": "it"}})

Facts are dotted the same way: attributes of `Facts` and keys of its mappings; a whole value may be replaced,
as in {"golden": Unknown("there is none")}. The `today` of a mutation is the day of the check.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from shipworthy.api.known_sizes import Known, counted_population
from shipworthy.api.lint import gates_as_asked
from shipworthy.define.lint.facts import Facts, GoldenFacts, RunFacts
from shipworthy.define.lint.running import Found, Report, lint
from shipworthy.define.reading import SpecFile, spec_from_data
from shipworthy.define.spec import Spec

TODAY = date(2026, 1, 25)
FOLDER = Path(__file__).parent / "bases"


class Deleted:
    """Stands for a key that is taken out."""

    def __repr__(self) -> str:
        return "DELETED"


DELETED = Deleted()


@dataclass(frozen=True)
class Mutation:
    """One edit, and the one rule it must wake.

    Args:
        code: The rule.
        base: Name of a base: loan (classifier, regulated), support (agent) or minimum (level judge).
        change: Dotted key of the spec -> new value, or DELETED.
        facts: Dotted path in the facts -> new value.
        today: The day of the check.
        id: Id of the gate, mode or monitor that the finding must name; "" where that is open.
        says: Words that the finding must hold, such as a number that it must have computed.
    """

    code: str
    base: str
    change: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    today: date = TODAY
    id: str = ""
    says: str = ""

    def __str__(self) -> str:
        edited = [*self.change, *self.facts] or [str(self.today)]
        return f"{self.code}-{self.base}-{'+'.join(edited)}"


#: What is known beside each base; questions of gates follow from spec and counts.
FACTS: dict[str, Facts] = {
    "loan": Facts(
        golden=GoldenFacts(
            cases=4100,
            version="sha256:5d2c",
            columns=(
                "case_id",
                "label",
                "stratum",
                "channel",
                "region",
                "language",
                "age_62_plus",
                "thin_file",
                "time",
            ),
            strata={"representative": 4000, "boundary": 60, "failure_replay": 40},
            slices={
                "channel": {"web": 2100, "branch": 2000},
                "region": {"north": 2100, "south": 2000},
                "language": {"en": 3000, "es": 1100},
                "age_62_plus": {"yes": 1100, "no": 3000},
                "thin_file": {"yes": 1200, "no": 2900},
            },
            by_stratum={
                "representative": {
                    "age_62_plus": {"yes": 1050, "no": 2950},
                    "thin_file": {"yes": 1150, "no": 2850},
                    "language": {"en": 2900, "es": 1100},
                }
            },
            positives=0.5,
            sampled={"random": 4000, "curated": 60, "incident": 40},
            provenance={"real": 4100},
        ),
        runs=RunFacts(
            first_candidate=date(2026, 1, 10),
            candidates=1,
            looks={},
            values={},
            live_values={},
        ),
        traffic={"channel": {"web": 0.5, "branch": 0.5}, "language": {"en": 0.75, "es": 0.25}},
    ),
    "support": Facts(
        golden=GoldenFacts(
            cases=2440,
            version="sha256:aa10",
            columns=("case_id", "input", "stratum", "intent", "language", "plan"),
            strata={
                "representative": 600,
                "adversarial": 900,
                "tool_use": 300,
                "multi_turn": 300,
                "non_english": 300,
                "failure_replay": 40,
            },
            slices={
                "intent": {"invoice": 1240, "refund": 1200},
                "language": {"en": 2000, "de": 440},
                "plan": {"free": 1240, "pro": 1200},
            },
            sampled={"random": 2400, "incident": 40},
            provenance={"real": 1700, "synthetic": 740},
        ),
        runs=RunFacts(first_candidate=date(2026, 1, 10), candidates=1, discordance={"g_tone": 0.1}),
        traffic={"language": {"en": 0.8, "de": 0.2}},
        labels={"resolved": 200, "grounded": 200, "tone": 200},
    ),
    "minimum": Facts(
        golden=GoldenFacts(
            cases=1000,
            version="sha256:77aa",
            columns=("case_id", "label", "stratum"),
            strata={"mail": 600, "chat": 400},
            positives=0.5,
            sampled={"random": 1000},
        ),
        runs=RunFacts(),
        traffic={},
    ),
}


@cache
def _base(name: str) -> Any:
    return YAML(typ="safe", pure=True).load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def edited_data(base: str, change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a base's values with some keys changed."""
    data: dict[str, Any] = copy.deepcopy(_base(base))
    for key, value in change.items():
        *path, last = _parts(key)
        node: Any = data
        for part in path:
            node = node[_place(node, part)] if isinstance(node, list) else node.setdefault(part, {})
        if isinstance(node, list) and set(last) == {"+"}:
            node.append(value)
        elif value is DELETED:
            del node[_place(node, last)]
        else:
            node[_place(node, last)] = value
    return data


def _parts(key: str) -> list[str]:
    """Split a dotted key; a part in backticks may hold dots."""
    return [quoted or plain for quoted, plain in re.findall(r"`([^`]*)`|([^.`]+)", key)]


def _place(node: Any, part: str) -> Any:
    if not isinstance(node, list):
        return part
    if part.isdigit():
        return int(part)
    names = ("id", "of", "claim", "rule", "what", "name", "action", "from")
    for index, entry in enumerate(node):
        if entry == part or (isinstance(entry, dict) and part in [entry.get(name) for name in names]):
            return index
    raise KeyError(f"no entry {part!r} among {node}")


def edited_facts(facts: Any, path: list[str], value: Any) -> Any:
    """Return facts with one value changed, however deep."""
    if not path:
        return value
    first, *rest = path
    if is_dataclass(facts) and not isinstance(facts, type):
        return replace(facts, **{first: edited_facts(getattr(facts, first), rest, value)})
    changed = dict(facts)
    if not rest and value is DELETED:
        del changed[first]
    else:
        changed[first] = edited_facts(changed.get(first, {}), rest, value)
    return changed


def counted(spec: Spec, golden: GoldenFacts) -> dict[str, int | None]:
    """Return how many cases each gate counts, for gates on all, one stratum or one slice value."""
    counts: dict[str, int | None] = {}
    for gate in spec.gates:
        n: float | None = golden.cases
        for condition in counted_population(gate, spec).conditions:
            by_value = golden.strata if condition.column == "stratum" else golden.slices.get(condition.column)
            n = None
            if by_value is not None and condition.operator == "=":
                n = by_value.get(condition.values[0], 0)
            elif by_value is not None and condition.operator == "!=":
                n = sum(by_value.values()) - by_value.get(condition.values[0], 0)
        name = gate.parsed.left.name
        if n is not None and golden.positives is not None:
            n *= {"recall": golden.positives, "fpr": 1 - golden.positives}.get(name, 1)
        counts[gate.id] = None if n is None or name == "precision" else int(n)
    return counts


def linted(
    base: str,
    change: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    today: date = TODAY,
) -> Report:
    """Return what lint says of a base with some keys and facts changed."""
    path = FOLDER / f"{base}.yaml"
    spec = spec_from_data(edited_data(base, change or {}), path)
    known: Facts = FACTS.get(base, Facts())
    for key, value in (facts or {}).items():
        known = edited_facts(known, _parts(key), value)
    golden = known.golden if isinstance(known.golden, GoldenFacts) else None
    counts = counted(spec, golden) if golden is not None else {}
    cases = golden.cases if golden is not None else None
    sizes = Known(cases, "the golden set", counts, None, "", ())
    if golden is not None and known.columns == Facts().columns:
        known = replace(known, columns=golden.columns)
    runs = known.runs if isinstance(known.runs, RunFacts) else None
    questions, refused = gates_as_asked(spec, sizes, runs)
    known = replace(known, questions={**questions, **known.questions}, refused={**refused, **known.refused})
    return lint(SpecFile(spec, path, "", {}), known, today)


def codes_woken(mutation: Mutation) -> dict[str, list[Found]]:
    """Return code -> its findings that the unmutated base does not have."""
    if id(mutation) in _WOKEN:
        return _WOKEN[id(mutation)]
    before = {(found.code, found.what) for found in _of_base(mutation.base).findings}
    woken: dict[str, list[Found]] = {}
    for found in linted(mutation.base, mutation.change, mutation.facts, mutation.today).findings:
        if (found.code, found.what) not in before:
            woken.setdefault(found.code, []).append(found)
    _WOKEN[id(mutation)] = woken
    return woken


#: What mutations woke, by identity: several tests look at the same one, and its mappings have no hash.
_WOKEN: dict[int, dict[str, list[Found]]] = {}


@cache
def _of_base(base: str) -> Report:
    return linted(base)
