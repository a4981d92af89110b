"""The bundled products: set one up in a folder, and judge it there as any other product."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shipworthy.errors import UsageError, nearest

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from shipworthy.api.product import Decided
    from shipworthy.evaluate.progress import Progress

__all__ = ["PRODUCTS", "RECORD", "is_set_up", "judge", "missing", "set_up"]

PRODUCTS = ("screening", "docs_assistant")

RECORD = "record.html"
"""The record that `judge` writes, in the product's folder."""

_NEEDS = {"screening": ("sklearn", "scikit-learn")}
_LEFT_OUT = ("__init__.py", "__pycache__")


def missing(name: str) -> str:
    """Return the package that a product needs and that is not installed; empty where nothing is missing.

    Args:
        name: One of `PRODUCTS`.
    """
    module, package = _NEEDS.get(name, ("", ""))
    return package if module and find_spec(module) is None else ""


def is_set_up(target: Path, name: str) -> bool:
    """Tell whether a folder holds a product already, which `set_up` then keeps as it is.

    Args:
        target: The folder that holds the products.
        name: One of `PRODUCTS`.
    """
    return (target / name / "shipworthy.yaml").exists()


def set_up(target: Path, name: str) -> Path:
    """Copy a bundled product into a folder, where it is an ordinary product; one that is there is kept.

    It is written beside its place first and moved in at the end: either the whole product is there or
    nothing is.

    Args:
        target: The folder that holds the products; made where it does not exist.
        name: One of `PRODUCTS`.

    Returns:
        The product's folder: `target / name`.

    Raises:
        UsageError: If the product is unknown, needs a package that is not installed, or has no free place.
    """
    if name not in PRODUCTS:
        raise UsageError(f"No bundled product is named {name!r}.", fix=nearest(name, PRODUCTS))
    if package := missing(name):
        raise UsageError(
            f"The product {name!r} needs {package}, which is not installed.",
            fix='Install it: pip install "shipworthy[demo]"',
        )
    folder = target / name
    if is_set_up(target, name):
        return folder
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(
                f"{str(folder)!r} exists and is no product; nothing was written.",
                fix="Move it away, or name another folder: shipworthy demo --into FOLDER",
            )
        _write(folder, name)
    except OSError as error:
        raise UsageError(
            f"The product cannot be written to {str(folder)!r}: {error.strerror or error}.",
            fix="Name a folder that you may write to: shipworthy demo --into FOLDER",
        ) from error
    return folder


def judge(folder: Path, progress: Progress | None = None) -> Decided:
    """Run every system of a product, decide on the candidate, and write the record as HTML.

    Args:
        folder: The product's folder.
        progress: Watches the runs.

    Returns:
        The decision; its record is `RECORD` in the folder.
    """
    from shipworthy.api.product import open_product
    from shipworthy.decide.record.html import render_html
    from shipworthy.store.workspace import write_atomically

    product = open_product(folder)
    for name in product.spec.systems.named():
        product.run(name, progress=progress)
    decided = product.decide(progress=progress)
    write_atomically(folder / RECORD, render_html(decided.decision, decision_id=decided.id))
    return decided


def _write(folder: Path, name: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
    try:
        product = workshop / name
        for path, content in _files(name):
            file = product / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        if name == "screening":
            from shipworthy.demo.screening.screening import write_golden

            write_golden(product / "golden" / "cases.csv")
        if folder.exists():
            folder.rmdir()
        product.rename(folder)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _files(name: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    yield from _walk(files(f"shipworthy.demo.{name}"), PurePosixPath())
    ignored = files("shipworthy.define") / "templates" / "gitignore.txt"
    yield PurePosixPath(".gitignore"), ignored.read_bytes()


def _walk(folder: Traversable, inside: PurePosixPath) -> Iterator[tuple[PurePosixPath, bytes]]:
    for entry in folder.iterdir():
        if entry.name in _LEFT_OUT:
            continue
        if entry.is_file():
            yield inside / entry.name, entry.read_bytes()
        else:
            yield from _walk(entry, inside / entry.name)
