"""What changed between two specs, in words: which promises are easier to keep, and what had been measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shipworthy.define.documents.telling import words_of
from shipworthy.define.keys.part import length_of
from shipworthy.define.rules import Rule, parse_rule
from shipworthy.define.spec import LEVELS, Spec
from shipworthy.errors import RuleError

__all__ = ["Change", "Eases", "Shown", "canonical_rule", "changes_between", "values_of"]

Eases = Literal["easier", "harder", "neither", "unclear"]
#: The order in which changes are told.
ORDER: tuple[Eases, ...] = ("easier", "unclear", "harder", "neither")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a decision had shown of a gate.

    Args:
        decision: The decision's id.
        run: The run it rests on.
        value: The measured value in words.
        rule: The gate's rule at the time.
    """

    decision: str
    run: str
    value: str
    rule: str


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two specs.

    Args:
        key: The changed key, with ids in place of indexes.
        text: What changed, in words.
        eases: Whether passing became easier, harder, neither; or unclear where the two cannot be compared.
        gate: Id of the gate that it bears on; empty where it bears on none.
        before: The old value as JSON text; empty where there was none.
        after: The new value as JSON text; empty where there is none.
    """

    key: str
    text: str
    eases: Eases
    gate: str = ""
    before: str = ""
    after: str = ""

    def said(self, shown: Mapping[str, Shown]) -> str:
        """Return the change in words, with what had been measured of its gate.

        Args:
            shown: Gate id -> what was last measured of it before the change.
        """
        known = shown.get(self.gate)
        if known is None:
            return self.text
        return f"{self.text} after decision {known.decision} (run {known.run}) had shown {known.value}"


Path = tuple[str, ...]
STAGES: Path = ("launch", "stages")
#: Lists of entries -> the keys that name an entry; all other lists are values.
NAMED_LISTS: Mapping[Path, tuple[str, ...]] = {
    ("problem", "harm"): ("who",),
    ("data", "sources"): ("id",),
    ("data", "lineage"): ("id",),
    ("data", "training_window", "excluded"): ("what",),
    ("context", "tools"): ("id",),
    ("metrics",): ("id",),
    ("rubric",): ("id",),
    ("judges",): ("of",),
    ("gates",): ("id",),
    ("failure_modes",): ("id",),
    ("guardrails",): ("id",),
    ("acceptances",): ("of",),
    ("launch", "stages"): ("name", "percent"),
    ("launch", "checks"): ("of", "by"),
    ("monitors",): ("id",),
    ("learning", "feedback"): ("from", "to"),
    ("expect",): ("what",),
    ("limits",): ("claim",),
    ("lint", "ignore"): ("rule", "at"),
}

#: Mappings whose keys are named by the spec: each key is told by itself, never the mapping as a whole.
MAPS: frozenset[Path] = frozenset(
    (*at, name)
    for at, names in (
        ((), ("outcomes",)),
        (("owners",), ("signers",)),
        (("golden",), ("strata", "columns", "grades", "where")),
        (("costs",), ("by_group",)),
        (("systems",), ("baselines",)),
    )
    for name in names
)


def canonical_rule(rule: str) -> str:
    """Return a rule in one spelling; one that this version cannot parse as it is.

    >>> canonical_rule("recall  >=0.95 ")
    'recall >= 0.95'
    """
    try:
        return str(parse_rule(rule))
    except RuleError:
        return rule


def values_of(spec: Spec) -> dict[Path, Any]:
    """Return every value of a spec by its path, with ids in place of indexes; entries of lists too.

    Args:
        spec: The spec.
    """
    found: dict[Path, Any] = {}
    _collect(spec.model_dump(by_alias=True, mode="json"), (), found)
    return found


def _collect(node: Any, at: Path, found: dict[Path, Any]) -> None:
    if isinstance(node, dict):
        if at and at not in MAPS and (named := {k: v for k, v in node.items() if v not in (None, [], {})}):
            found[at] = named
        for key, value in node.items():
            _collect(value, (*at, str(key)), found)
    elif isinstance(node, list) and at in NAMED_LISTS:
        for place, entry in enumerate(node):
            name = _name_of(at, entry) or str(place)
            while (*at, name) in found:
                name += "'"
            _collect(entry, (*at, name), found)
    elif node is not None and node != []:
        found[at] = node


def _name_of(at: Path, entry: Mapping[str, Any]) -> str:
    """Return how an entry of a named list is called; a stage by its name, else by its share of traffic."""
    if at == STAGES:
        return str(entry.get("name") or _percent(entry.get("percent")))
    return " ".join(words_of(entry[key]) for key in NAMED_LISTS[at] if entry.get(key))


def _percent(value: Any) -> str:
    return f"{float(value):g}%"


def changes_between(old: Spec, new: Spec) -> tuple[Change, ...]:
    """Return what changed from one spec to another, what became easier to pass first.

    A rule, a number or a list that is only spelled otherwise has not changed.

    Args:
        old: The spec before.
        new: The spec after.
    """
    before, after = values_of(old), values_of(new)
    told = _Telling(old, new)
    changes: list[Change] = []
    whole: list[Path] = []
    for path in sorted({**before, **after}, key=lambda p: (len(p), p)):
        if any(path[: len(entry)] == entry for entry in whole):
            continue
        was, now = before.get(path), after.get(path)
        if (isinstance(was, dict) and isinstance(now, dict)) or was == now:
            continue
        if isinstance(was, dict) != isinstance(now, dict):
            # An entry or a part came or went as a whole; its keys are not told one by one.
            whole.append(path)
        changes += told.change(path, was, now)
    return tuple(sorted(changes, key=lambda change: ORDER.index(change.eases)))


class _Telling:
    """Finds the words for one changed value."""

    def __init__(self, old: Spec, new: Spec) -> None:
        self.old, self.new = old, new
        self.blocked = {False: old.blocking_gates(), True: new.blocking_gates()}
        self.rules = [*(gate.rule for gate in old.gates), *(gate.rule for gate in new.gates)]

    def change(self, path: Path, was: Any, now: Any) -> Iterator[Change]:
        say = next((say for pattern, say in FAMILIES if _fits(pattern, path)), _any_value)
        found = say(self, path, was, now)
        if found is not None:
            text, eases = found
            yield Change(".".join(path), text, eases, self.gate_of(path), _as_json(was), _as_json(now))

    def gate_of(self, path: Path) -> str:
        """Return the gate that a key bears on."""
        if path[0] == "gates" and len(path) > 1:
            return path[1]
        if path[0] == "failure_modes" and len(path) > 1:
            modes = {mode.id: mode.gate for mode in (*self.new.failure_modes, *self.old.failure_modes)}
            return modes.get(path[1]) or ""
        return ""


Said = tuple[str, Eases] | None
Say = Callable[[_Telling, Path, Any, Any], Said]


def _fits(pattern: Path, path: Path) -> bool:
    return len(pattern) == len(path) and all(p in ("*", q) for p, q in zip(pattern, path, strict=True))


def _as_json(value: Any) -> str:
    return "" if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _quoted(value: Any) -> str:
    text = words_of(value)
    return f"“{text}”" if isinstance(value, str) and " " in text else text


def _named(path: Path) -> str:
    """Return a key as people say it: "severity of hallucination", "budgets.latency_p99_ms"."""
    if len(path) == 3 and path[:1] in NAMED_LISTS:
        return f"{path[2].replace('_', ' ')} of {path[1]}"
    if len(path) == 4 and path[:2] == STAGES:
        return f"{'time' if path[3] == 'for' else path[3]} of stage {path[2]}"
    return ".".join(path)


def _any_value(t: _Telling, path: Path, was: Any, now: Any) -> Said:
    name = _named(path)
    if isinstance(was, list) or isinstance(now, list):
        gone, come = _moved_items(was, now)
        parts = [f"{name} lost {', '.join(map(words_of, gone))}"] if gone else []
        parts += [f"{name} gained {', '.join(map(words_of, come))}"] if come else []
        return (" and ".join(parts), "neither") if parts else None
    if isinstance(was, dict) or isinstance(now, dict):
        return f"{name} was {'added' if was is None else 'removed'}", "neither"
    if was is None:
        return f"{name} was added: {_quoted(now)}", "neither"
    if now is None:
        return f"{name} was removed (it was {_quoted(was)})", "neither"
    return f"{name} changed from {_quoted(was)} to {_quoted(now)}", "neither"


def _moved_items(was: Any, now: Any) -> tuple[list[Any], list[Any]]:
    """Return the items that a list lost and gained; a change of order is none."""
    old, new = (list(v) if isinstance(v, list) else [] if v is None else [v] for v in (was, now))
    return [item for item in old if item not in new], [item for item in new if item not in old]


# -- families ------------------------------------------------------------------------------------------


def _gate(t: _Telling, path: Path, was: Any, now: Any) -> Said:
    gate, entry = path[1], now if was is None else was
    blocking = gate in t.blocked[was is None]
    kind = "the gate" if blocking else "the advisory gate"
    moved: Eases = ("harder" if was is None else "easier") if blocking else "neither"
    return f"{kind} {gate} ({entry['rule']}) was {'added' if was is None else 'removed'}", moved


def _rule(t: _Telling, path: Path, was: Any, now: Any) -> Said:
    gate, old, new = path[1], parse_rule(was), parse_rule(now)
    if (str(old.left), str(old.right), old.at_least) != (str(new.left), str(new.right), new.at_least):
        return f"the gate {gate} asks something else: {was} became {now}", "unclear"
    if old.bar == new.bar:
        if old.operator == new.operator:
            return None
        strict = new.operator in "<>"
        word = "no longer suffices for" if strict else "now suffices for"
        return f"the bar itself {word} {gate}: {was} became {now}", "harder" if strict else "easier"
    eases: Eases = "easier" if (new.bar < old.bar) == new.at_least else "harder"
    word = "lowered" if new.bar < old.bar else "raised"
    return f"bar of {gate} {word} from {_bar(old)} to {_bar(new)}", eases


def _bar(rule: Rule) -> str:
    if rule.right is None:
        return rule.text.rsplit("<" if "<" in rule.operator else ">", 1)[-1].lstrip("= ").strip()
    return f"{rule.bar * (100 if rule.bar_unit else 1):+.12g}{rule.bar_unit}"


def _population(t: _Telling, path: Path, was: Any, now: Any) -> Said:
    gates = [next((g for g in spec.gates if g.id == path[1]), None) for spec in (t.old, t.new)]
    rows = [str(s.population_of(g)) or "all rows" for s, g in zip((t.old, t.new), gates, strict=True) if g]
    if len(rows) < 2 or rows[0] == rows[1]:
        return None
    return f"{path[1]} now speaks of other rows: {rows[0]} became {rows[1]}", "unclear"


def _blocking(t: _Telling, path: Path, was: Any, now: Any) -> Said:
    held, holds = (path[1] in t.blocked[new] for new in (False, True))
    if held == holds:
        return None
    if holds:
        return f"{path[1]} is blocking now; it was advisory", "harder"
    return f"{path[1]} is advisory now and holds no release; it was blocking", "easier"


def _severity(t: _Telling, path: Path, was: Any, now: Any) -> Said:
    order = ("minor", "major", "blocker")
    lowered = order.index(now) < order.index(was)
    word = "lowered" if lowered else "raised"
    return f"severity of {path[1]} {word} from {was} to {now}", "easier" if lowered else "harder"


def _level(t: _Telling, path: Path, was: Any, now: Any) -> Said:
    lowered = LEVELS.index(now) < LEVELS.index(was)
    said = f"level {'lowered' if lowered else 'raised'} from {was} to {now}"
    return said + (": less is asked of the spec" if lowered else ""), "easier" if lowered else "harder"


def _number(eases_up: bool) -> Say:
    """Return how to tell a number whose rise (or fall) makes passing easier."""

    def say(t: _Telling, path: Path, was: Any, now: Any) -> Said:
        if was is None or now is None:
            text, _neither = _any_value(t, path, was, now) or ("", "neither")
            return text, "easier" if now is None else "harder"
        up = _size(now) > _size(was)
        eases: Eases = "easier" if up == eases_up else "harder"
        return (
            f"{_named(path)} {'raised' if up else 'lowered'} from {words_of(was)} to {words_of(now)}",
            eases,
        )

    return say


def _size(value: Any) -> float:
    return length_of(value).total_seconds() if isinstance(value, str) else float(value)


def _part(coming: Eases, going: Eases, what: str = "") -> Say:
    """Return how to tell an entry that comes or goes."""

    def say(t: _Telling, path: Path, was: Any, now: Any) -> Said:
        if was is not None and now is not None:
            return _any_value(t, path, was, now)
        noun = f"{what} {path[-1]}" if what else _named(path)
        reason = (now or {}).get("reason") if isinstance(now, dict) else now
        why = f": {_quoted(reason)}" if isinstance(reason, str) else ""
        return f"{noun} was {'added' if was is None else 'removed'}{why}", coming if was is None else going

    return say


def _stage(t: _Telling, path: Path, was: Any, now: Any) -> Said:
    """Tell a stage that comes or goes, with the next one that stays: fewer steps are larger steps."""
    if was is not None and now is not None:
        return _any_value(t, path, was, now)
    launch = (t.old if now is None else t.new).launch
    stages = launch.stages if launch is not None else []
    entry = was if now is None else now
    share = float(entry["percent"])
    called = f"stage {entry['name']} of {share:g}%" if entry.get("name") else f"stage of {share:g}%"
    following = min((stage.percent for stage in stages if stage.percent > share), default=None)
    before = f" before {following:g}%" if following is not None else " at the end"
    if was is None:
        return f"a {called} was put{before}", "unclear"
    return f"the {called}{before} was taken out", "unclear"


def _items(coming: Eases, going: Eases) -> Say:
    """Return how to tell a list of which each item counts."""

    def say(t: _Telling, path: Path, was: Any, now: Any) -> Said:
        gone, come = _moved_items(was, now)
        text, _neither = _any_value(t, path, was, now) or ("", "neither")
        found = {going} if gone else set()
        found |= {coming} if come else set()
        return (text, min(found, key=ORDER.index)) if found else None

    return say


def _unclear(t: _Telling, path: Path, was: Any, now: Any) -> Said:
    found = _any_value(t, path, was, now)
    return (found[0], "unclear") if found is not None else None


def _cost(gain: bool) -> Say:
    """Return how to tell a cost or a gain, which eases a gate only where one is on money."""

    def say(t: _Telling, path: Path, was: Any, now: Any) -> Said:
        found = _any_value(t, path, was, now)
        judged = [rule for rule in t.rules if "expected_cost" in rule]
        if found is None or not judged:
            return found
        if was is None or now is None or any("delta" in rule for rule in judged):
            return f"{found[0]}, which a gate on expected cost rests on", "unclear"
        eases: Eases = "easier" if (now > was) == gain else "harder"
        return f"{found[0]}, which a gate on expected cost rests on", eases

    return say


ERRORS = ("false_positive", "false_negative", "harmful", "poor", "wrong", "failed", "absolute_error")
GAINS = ("true_positive", "true_negative", "good", "right")

#: Patterns of keys with how to tell their changes; the first that fits is taken, else the plain words.
FAMILIES: tuple[tuple[Path, Say], ...] = (
    (("level",), _level),
    (("regulated",), _items("harder", "easier")),
    (("groups",), _items("harder", "easier")),
    (("owners", "signers", "*"), _part("harder", "easier", "the signer for")),
    (("gates", "*"), _gate),
    (("gates", "*", "rule"), _rule),
    (("gates", "*", "confidence"), _number(eases_up=False)),
    (("gates", "*", "on"), _population),
    (("gates", "*", "blocking"), _blocking),
    (("gates", "*", "waiver"), _part("easier", "harder")),
    (("golden", "max_unscored"), _number(eases_up=True)),
    (("golden", "stale_after"), _number(eases_up=True)),
    (("golden", "strata", "*"), _number(eases_up=False)),
    (("golden", "training"), _items("harder", "easier")),
    (("golden", "confirm"), _part("harder", "easier")),
    *(
        (("golden", name), _unclear)
        for name in (
            "path",
            "version",
            "where",
            "positive",
            "columns",
            "grades",
            "sampled",
            "repeats",
            "looks",
        )
    ),
    (("golden", "where", "*"), _unclear),
    (("golden", "columns", "*"), _unclear),
    (("golden", "grades", "*"), _unclear),
    (("golden", "sampled", "*"), _unclear),
    *((("costs", name, "cost"), _cost(gain=False)) for name in ERRORS),
    *((("costs", name, "value"), _cost(gain=True)) for name in GAINS),
    *((("costs", name), _cost(gain=False)) for name in (*ERRORS, *GAINS)),
    (("budgets", "*"), _number(eases_up=True)),
    (("rubric", "*"), _part("harder", "easier", "the criterion")),
    (("rubric", "*", "passes_if"), _unclear),
    (("judges", "*"), _part("harder", "easier", "the judge of")),
    (("judges", "*", "min_tpr"), _number(eases_up=False)),
    (("judges", "*", "min_tnr"), _number(eases_up=False)),
    (("judges", "*", "model"), _unclear),
    (("judges", "*", "revalidate_every"), _number(eases_up=True)),
    (("failure_modes", "*"), _part("harder", "easier", "the failure mode")),
    (("failure_modes", "*", "severity"), _severity),
    (("failure_modes", "*", "gate"), _part("harder", "easier")),
    (("failure_modes", "*", "monitor"), _part("harder", "easier")),
    (("failure_modes", "*", "accepted"), _part("easier", "harder")),
    (("failure_modes", "*", "dismissed"), _part("easier", "harder")),
    (("failure_modes", "*", "cases"), _items("harder", "easier")),
    (("failure_modes", "*", "mitigation"), _items("neither", "easier")),
    (("guardrails", "*"), _part("easier", "harder", "the guardrail")),
    (("guardrails", "*", "stops"), _items("easier", "harder")),
    (("acceptances", "*"), _part("easier", "harder", "the acceptance of")),
    (("context", "envelope", "must"), _items("harder", "easier")),
    (("context", "envelope", "must_not"), _items("harder", "easier")),
    (("context", "envelope", "may"), _items("unclear", "unclear")),
    (("data", "sources", "*", "fresh_within"), _number(eases_up=True)),
    (("data", "populations", "missing"), _items("unclear", "unclear")),
    (("routing", "bands"), _unclear),
    *(((name,), _part("harder", "easier")) for name in ("launch", "budgets", "learning", "context")),
    (("launch", "rollback", "within"), _number(eases_up=True)),
    (("launch", "rollback", "triggers"), _items("harder", "easier")),
    (("launch", "rollback"), _part("harder", "easier")),
    (("launch", "fallback"), _part("harder", "easier")),
    (("launch", "red_team"), _part("harder", "easier")),
    (("launch", "stages", "*"), _stage),
    (("launch", "stages", "*", "percent"), _unclear),
    (("launch", "experiment", "mde"), _number(eases_up=True)),
    (("launch", "experiment", "alpha"), _number(eases_up=True)),
    (("launch", "experiment", "power"), _number(eases_up=False)),
    (("launch", "experiment", "protected"), _items("harder", "easier")),
    (("monitors", "*"), _part("harder", "easier", "the monitor")),
    (("monitors", "*", "rule"), _unclear),
    (("learning", "retrain", "gate"), _items("harder", "easier")),
    (("learning", "retrain", "stop"), _items("harder", "easier")),
    (("lint", "ignore", "*"), _part("easier", "harder", "lint sets aside")),
)
