"""Writes a decision in the formats that people and pipelines read."""

from __future__ import annotations

from pathlib import Path

from shipworthy.errors import UsageError
from shipworthy.records import Decision
from shipworthy.store.workspace import write_atomically

__all__ = ["write_outputs"]


def write_outputs(
    decision: Decision,
    decision_id: str,
    *,
    html: Path | None = None,
    markdown: Path | None = None,
    junit: Path | None = None,
) -> None:
    """Write the record in every format that was asked for.

    Args:
        decision: The decision.
        decision_id: Its id; empty for `check`.
        html: Where to write the HTML record.
        markdown: Where to write Markdown.
        junit: Where to write JUnit XML.

    Raises:
        UsageError: If a place cannot be written to.
    """
    if html is not None:
        from shipworthy.decide.record.html import render_html

        _write(html, render_html(decision, decision_id=decision_id))
    if markdown is not None:
        from shipworthy.decide.record.markdown import render_markdown

        _write(markdown, render_markdown(decision, decision_id=decision_id))
    if junit is not None:
        from shipworthy.decide.record.junit import render_junit

        _write(junit, render_junit(decision))


def _write(path: Path, text: str) -> None:
    try:
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(
            f"{str(path)!r} cannot be written: {error.strerror}.",
            fix="Name a file in a folder you can write to.",
        ) from None
