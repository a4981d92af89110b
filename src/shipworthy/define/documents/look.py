"""The house look: one style sheet and one way of filling templates that records and documents share."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from shipworthy.define.documents.escaping import visible

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["house_css", "page_environment", "text_of"]


@cache
def house_css() -> str:
    """Return the style sheet of everything that is read: tokens, type, sections, lists, tables."""
    return text_of("shipworthy.define.documents", "house.css")


def text_of(package: str, name: str) -> str:
    """Return a file that lies beside a package's modules.

    Args:
        package: Dotted name of the package.
        name: The file's name.
    """
    return files(package).joinpath(name).read_text(encoding="utf-8")


def page_environment(package: str, **names: Any) -> Environment:
    """Return the templates of a package: all that they print is escaped, and nothing hides in it.

    Args:
        package: Dotted name of the package that holds the templates.
        names: What templates may use.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(lambda name: text_of(package, name)),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(names)
    return environment


def _shown(value: Any) -> Any:
    """Whatever a template prints, with nothing hidden in it; our own markup as it is."""
    from markupsafe import Markup

    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
