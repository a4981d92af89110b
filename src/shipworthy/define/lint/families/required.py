"""SW0xx: keys that a spec of this level must have and does not."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.define.levels import missing_keys
from shipworthy.define.lint.rule import Finding, Promise, rule
from shipworthy.define.lint.snippets import example_of


@rule("SW001", "error", level="judge", example=True)
def required_key_is_missing(promise: Promise) -> Iterator[Finding]:
    """A key that this level of the spec asks for is missing.

    A question that nobody answered before the launch is answered by whatever happens after it.

    Add the key, or declare a lower `level`: judge asks for what a verdict needs, launch for what must be
    decided before anybody outside sees it, and operate for what keeps it good in use. The reference says of
    each key which level, which kinds of product and which other keys ask for it.
    """
    for need in missing_keys(promise.spec):
        if need.rule == "SW001":
            yield Finding(
                need.keys,
                f"`{need.key}` is missing, which level {need.level} asks for",
                example_of(promise, need),
                why=need.why,
                missing=True,
            )
