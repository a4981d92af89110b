"""`shipworthy report`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report", short_help="write a decision's record as HTML, Markdown or JUnit")
@click.argument("decision", default="latest")
@click.option(
    "--product", "folder", default=".", type=click.Path(path_type=Path), help="The product's folder."
)
@click.option(
    "--html", type=click.Path(path_type=Path), help="Where to write HTML (default: record-ID.html)."
)
@click.option("--markdown", type=click.Path(path_type=Path), help="Write Markdown for a pull request here.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML here.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole decision as JSON instead.")
def command(
    decision: str, folder: Path, html: Path | None, markdown: Path | None, junit: Path | None, as_json: bool
) -> None:
    """Write the record of DECISION (an id, its beginning, or latest).

    The HTML record is one file without scripts or outside assets: open it, print it, mail it.

    \b
    Example:
      shipworthy report --markdown comment.md
    """
    from shipworthy.api.product import open_product
    from shipworthy.api.signing import standing_of
    from shipworthy.cli.console import out, print_json
    from shipworthy.cli.outputs import write_outputs
    from shipworthy.records import plain

    product = open_product(folder)
    found = product.decision(decision)
    standing = standing_of(product, found.id).standing
    if as_json:
        print_json(
            {"id": found.id, "path": str(found.path), **plain(found.decision), "standing": plain(standing)}
        )
        return
    if html is None and markdown is None and junit is None:
        html = folder / f"record-{found.id}.html"
    write_outputs(
        found.decision,
        found.id,
        html=html,
        markdown=markdown,
        junit=junit,
        files=product.files,
        standing=standing,
    )
    for path in (html, markdown, junit):
        if path is not None:
            out().print(f"wrote {path.resolve().as_uri() if path.suffix == '.html' else path}", markup=False)
