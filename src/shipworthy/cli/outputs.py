"""Writes files that people and pipelines read: a decision in its formats, and other texts."""

from __future__ import annotations

from pathlib import Path

from shipworthy.decide.standing import Standing
from shipworthy.errors import UsageError
from shipworthy.records import Decision
from shipworthy.store.workspace import write_atomically

__all__ = ["write_outputs", "write_text"]


def write_outputs(
    decision: Decision,
    decision_id: str,
    *,
    html: Path | None = None,
    markdown: Path | None = None,
    junit: Path | None = None,
    files: Path | None = None,
    standing: Standing | None = None,
) -> None:
    """Write the record in every format that was asked for.

    Args:
        decision: The decision.
        decision_id: Its id; empty for `check`.
        html: Where to write the HTML record.
        markdown: Where to write Markdown.
        junit: Where to write JUnit XML.
        files: Folder of the golden set, whose pictures the HTML record shows; None to show none.
        standing: What stands of it with its signatures; None where nobody can sign.

    Raises:
        UsageError: If a place cannot be written to.
    """
    if html is not None:
        from shipworthy.decide.record.html import render_html

        shown = _pictures(decision, files) if files is not None else {}
        write_text(html, render_html(decision, decision_id=decision_id, pictures=shown, standing=standing))
    if markdown is not None:
        from shipworthy.decide.record.markdown import render_markdown

        write_text(markdown, render_markdown(decision, decision_id=decision_id, standing=standing))
    if junit is not None:
        from shipworthy.decide.record.junit import render_junit

        write_text(junit, render_junit(decision, standing=standing))


def _pictures(decision: Decision, files: Path) -> dict[str, str]:
    from shipworthy.golden.files import pictures

    return pictures(decision.evidence.listed_files(), files)


#: Endings of what people write and no command's output replaces.
KEPT = (".yaml", ".yml", ".csv", ".tsv", ".parquet", ".py")


def _is_somebodys(path: Path) -> bool:
    """Return whether a file holds what no command has written: a spec, data or code."""
    suffix = path.suffix.lower()
    if suffix in (".json", ".jsonl") and path.is_file():
        with path.open("rb") as file:
            return b"openlineage.io" not in file.read(4096)
    return suffix in KEPT


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all.

    Args:
        path: Where to write.
        text: What to write.

    Raises:
        UsageError: If the place cannot be written to, or holds a spec, data or code.
    """
    if path.exists() and _is_somebodys(path):
        raise UsageError(
            f"{str(path)!r} is there already and is no document; it was left as it is.",
            fix="Name another file, such as report.html.",
        )
    try:
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(
            f"{str(path)!r} cannot be written: {error.strerror}.",
            fix="Name a file in a folder you can write to.",
        ) from None
