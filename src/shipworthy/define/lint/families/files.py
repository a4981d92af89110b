"""SW00x: files that the spec names."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.define.lint.rule import Finding, Keys, Promise, rule


@rule("SW002", "info", level="judge")
def file_is_not_there(promise: Promise) -> Iterator[Finding]:
    """A file that the spec names does not exist.

    What it would hold can neither be counted nor be checked, so other rules could not look.

    Add the file, or correct its path, which is relative to the spec. A spec may well be written before its
    golden set is; then this is a reminder.
    """
    for key, path in promise.facts.files.items():
        keys: Keys = tuple(int(part) if part.isdigit() else part for part in key.split("."))
        yield Finding(keys, f"`{key}` names {path}, which does not exist", f"Add {path}, or correct `{key}`.")
