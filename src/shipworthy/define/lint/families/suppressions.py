"""SW01x: findings that somebody set aside, and whether they still may be."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.define.keys.operating import Suppression
from shipworthy.define.lint.rule import RULES, Finding, Promise, rule


def _written(promise: Promise) -> list[Suppression]:
    return promise.spec.lint.ignore if promise.spec.lint is not None else []


@rule("SW011", "warning", level="judge")
def suppression_has_expired(promise: Promise) -> Iterator[Finding]:
    """A finding was set aside until a day that is past.

    A reason that nobody looked at again is no longer a reason.

    Mend what the rule finds, or look at the reason again and set a new day; until then the finding counts.
    """
    for index, one in enumerate(_written(promise)):
        if one.expires < promise.today:
            days = (promise.today - one.expires).days
            yield Finding(
                ("lint", "ignore", index, "expires"),
                f"{one.owner} set {one.rule} aside until {one.expires}; that was "
                f"{days} day{'' if days == 1 else 's'} ago",
                "lint:\n  ignore:\n"
                f"    - {{rule: {one.rule}, reason: ..., owner: {one.owner}, expires: YYYY-MM-DD}}",
                id=one.rule,
            )


@rule("SW012", "warning", level="judge", last=True)
def suppression_sets_nothing_aside(promise: Promise) -> Iterator[Finding]:
    """A suppression matches no finding.

    It would hide the next finding of that rule, which nobody has looked at.

    Take it out. It stays silent where its rule is not asked at this level, or cannot look today.
    """
    for index in promise.idle:
        one = _written(promise)[index]
        place = f" at {one.at}" if one.at is not None else ""
        yield Finding(
            ("lint", "ignore", index),
            f"{one.rule}{place} finds nothing that {one.owner} could set aside",
            f"Take the entry for {one.rule}{place} out of lint.ignore.",
            id=one.rule,
        )


@rule("SW013", "error", level="judge")
def suppression_names_no_rule(promise: Promise) -> Iterator[Finding]:
    """A suppression names a rule that does not exist.

    Somebody believes that a finding is set aside, and it is not.

    Write the code as lint prints it; `shipworthy lint --rules` lists them all.
    """
    for index, one in enumerate(_written(promise)):
        if one.rule not in RULES:
            yield Finding(
                ("lint", "ignore", index, "rule"),
                f"there is no rule {one.rule!r}",
                "Write a code such as SW106; `shipworthy lint --rules` lists them.",
                id=one.rule,
            )
