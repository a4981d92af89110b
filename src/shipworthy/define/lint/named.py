"""What several rules of lint read out of a spec: names, people, and the metrics inside a gate."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shipworthy.define.rules import Call
from shipworthy.define.spec import Gate, Spec

__all__ = ["is_blank", "names_no_version", "names_within", "person_of", "unresolved_role"]

#: Words that stand where nothing has been decided yet.
_BLANKS = re.compile(r"\W*(tbd|tba|todo|n/?a|none|nobody|no one|unknown|xxx+|fixme|someone|\.\.\.)?\W*", re.I)
#: Roles of `owners` that an owner may be named by.
_ROLES = ("product", "ml", "data", "retraining", "oncall")


def is_blank(text: str | None) -> bool:
    """Return whether a text says nothing: it is missing, empty, or stands for an answer to come.

    >>> is_blank(" TBD "), is_blank("???"), is_blank("Ana")
    (True, True, False)
    """
    return text is None or _BLANKS.fullmatch(text) is not None


def person_of(spec: Spec, owner: str | None) -> str | None:
    """Return the person or team that an owner stands for: roles of `owners` are looked up, others are kept.

    Args:
        spec: The spec.
        owner: A name, a team, a role of `owners` or of its signers; None where none is written.
    """
    if owner is None or is_blank(owner):
        return None
    if spec.owners is None:
        return None if owner in _ROLES else owner
    named = spec.owners.named()
    if owner in named:
        return None if is_blank(named[owner]) else named[owner]
    return None if owner in _ROLES else owner


def unresolved_role(spec: Spec, owner: str | None) -> str | None:
    """Return an owner that is written and stands for nobody; None where it stands for somebody."""
    if owner is None or person_of(spec, owner) is not None:
        return None
    return owner


def names_within(gate: Gate) -> Iterator[str]:
    """Yield the names of the metrics and scores that a gate's rule is made of, forms left out."""
    rule = gate.parsed
    for call in (rule.left, rule.right):
        if call is not None:
            yield from _names(call)


def _names(call: Call) -> Iterator[str]:
    inner = [part for part in call.arguments if isinstance(part, Call)]
    if inner:
        for part in inner:
            yield from _names(part)
        return
    yield call.name
    if call.name in ("mean", "pass_rate", "mean_worst", "worst_of_repeats"):
        yield from (part for part in call.arguments if isinstance(part, str))


#: What does not say which version of a model it is.
_UNPINNED = re.compile(r"(^|[^a-z])(latest|current|default|newest)([^a-z]|$)", re.IGNORECASE)


def names_no_version(model: str) -> bool:
    """Return whether a model's name leaves open which version of it answers.

    >>> names_no_version("vendor:name-latest"), names_no_version("vendor:name-2026-01")
    (True, False)
    """
    return _UNPINNED.search(model) is not None or not re.search(r"\d", model)
