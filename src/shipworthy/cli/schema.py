"""`shipworthy schema`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("schema", short_help="print the JSON Schema of a spec, or write it where an editor finds it")
@click.argument("target", default=".", metavar="[FOLDER | SPEC]")
@click.option("--write", is_flag=True, help="Write spec.schema.json beside the spec instead of printing it.")
@click.option("--json", "as_json", is_flag=True, help="With --write: print what was written as JSON.")
def command(target: str, write: bool, as_json: bool) -> None:
    """Print the JSON Schema of a spec.

    An editor that reads it completes the keys of shipworthy.yaml, shows what each one means, and marks what
    is wrong or missing at the declared level while you type, offline. `shipworthy init` writes it beside the
    spec; after an upgrade of Shipworthy, --write brings it up to date.

    The editor finds it by the first line of the spec:

    \b
      # yaml-language-server: $schema=spec.schema.json

    \b
    Examples:
      shipworthy schema > spec.schema.json
      shipworthy schema my-product --write
    """
    from shipworthy.cli.console import print_json
    from shipworthy.define.schema import SCHEMA_FILE, SCHEMA_LINE, schema_text
    from shipworthy.errors import UsageError

    if not write:
        click.echo(schema_text(), nl=False)
        return
    spec = Path(target)
    folder = spec if spec.is_dir() else spec.parent
    if spec.is_symlink() and not spec.exists():
        raise UsageError(f"{str(spec)!r} leads nowhere.", fix="Name the product's folder or its spec.")
    file = folder / SCHEMA_FILE
    try:
        file.write_text(schema_text(), encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{str(file)!r} cannot be written: {error.strerror}.", fix="Name the product's folder."
        ) from None
    if as_json:
        print_json({"file": str(file), "line": SCHEMA_LINE})
        return
    click.echo(f"wrote {file}")
    click.echo(f"Let the spec begin with the line  {SCHEMA_LINE}")
