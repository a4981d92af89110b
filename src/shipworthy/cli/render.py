"""`shipworthy render`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipworthy.api.documents import Rendered


@click.command("render", short_help="write the brief, the PRD, the model card and other documents of a spec")
@click.argument("document", default="prd")
@click.argument("target", default=".", metavar="[FOLDER | SPEC]", type=click.Path(path_type=Path))
@click.option("--html", "as_html", is_flag=True, help="Write HTML (the default).")
@click.option("--markdown", "as_markdown", is_flag=True, help="Write Markdown.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    help="File or folder to write to; - prints it.  [default: FOLDER/documents]",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, every value with its key and line.")
def command(
    document: str,
    target: Path,
    as_html: bool,
    as_markdown: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write DOCUMENT from the spec and, where there is one, the latest decision.

    \b
    DOCUMENT is one of
      brief       one printed page: whose problem, what is done today, what an error costs
      prd         everything: metrics, model spec, eval plan, failure modes, data, launch
      failures    the failure-mode table
      launch      the launch plan, with six questions answered from evidence
      limits      what you may promise; what is not proven is struck through
      model-card  the model card, under Hugging Face's names
      datasheet   the datasheet of the data
      self-audit  four shares of what is there; the lowest is the headline
      all         every one of them

    Every value names the key it comes from; what the spec does not say is shown as not said.

    \b
    Examples:
      shipworthy render brief my-product
      shipworthy render limits my-product --markdown -o limits.md
      shipworthy render all my-product --html --markdown -o documents
    """
    from shipworthy.api.documents import render
    from shipworthy.cli.console import out, print_json
    from shipworthy.cli.outputs import write_text
    from shipworthy.define.documents.catalogue import DOCUMENTS

    if document not in (*DOCUMENTS, "all") and Path(document).exists() and target == Path():
        # `render my-product` can only mean the PRD of that product.
        document, target = "prd", Path(document)
    names = tuple(DOCUMENTS) if document == "all" else (document,)
    found = render(target, names)
    if as_json:
        described = [part.plain() for part in found]
        print_json(described if document == "all" else described[0])
        return
    formats = _formats(output, as_html, as_markdown)
    if output is not None and str(output) == "-":
        for part in found:
            click.echo(part.html() if formats == ("html",) else part.markdown(), nl=False)
        return
    for path, text in _files(found, formats, output or _folder(target)):
        write_text(path, text)
        out().print(f"wrote {path.resolve().as_uri() if path.suffix == '.html' else path}", markup=False)


def _folder(target: Path) -> Path:
    return (target if target.is_dir() else target.parent) / "documents"


def _formats(output: Path | None, as_html: bool, as_markdown: bool) -> tuple[str, ...]:
    """Return the formats to write: those asked for, else the one that the file's name says, else HTML."""
    from shipworthy.errors import UsageError

    asked = tuple(name for name, wanted in (("html", as_html), ("markdown", as_markdown)) if wanted)
    if output is not None and str(output) == "-" and len(asked) > 1:
        raise UsageError("Only one format can be printed.", fix="Leave out --html or --markdown.")
    if not asked and output is not None and output.suffix in (".md", ".markdown"):
        return ("markdown",)
    return asked or ("html",)


def _files(found: Sequence[Rendered], formats: tuple[str, ...], output: Path) -> list[tuple[Path, str]]:
    """Return what is written where; pages that lie in one folder link to each other."""
    from shipworthy.errors import UsageError

    is_file = output.suffix in (".html", ".htm", ".md", ".markdown")
    if is_file and (len(found) > 1 or len(formats) > 1):
        raise UsageError(f"{str(output)!r} is one file, and several are written.", fix="Name a folder.")
    beside = [(f"{part.document.name}.html", part.document.title) for part in found]
    written = []
    for part in found:
        for name in formats:
            place = (
                output if is_file else output / f"{part.document.name}.{'html' if name == 'html' else 'md'}"
            )
            siblings = beside if len(found) > 1 else ()
            written.append((place, part.html(siblings) if name == "html" else part.markdown()))
    return written
