"""Shipworthy: is this AI product good enough to ship, how sure are we, and what must stand around it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Case",
    "Comparison",
    "Decided",
    "Decision",
    "Estimate",
    "GateStatus",
    "Output",
    "Product",
    "ProviderUnreachable",
    "Score",
    "ShipworthyError",
    "Sized",
    "Verdict",
    "Verification",
    "check",
    "lint",
    "open_product",
    "render_html",
    "render_junit",
    "render_markdown",
    "size",
    "size_rule",
    "write_product",
]

if TYPE_CHECKING:
    from shipworthy.api.check import check
    from shipworthy.api.lint import lint
    from shipworthy.api.product import Decided, Product, Verification, open_product
    from shipworthy.api.size import Sized, size, size_rule
    from shipworthy.decide.record.html import render_html
    from shipworthy.decide.record.junit import render_junit
    from shipworthy.decide.record.markdown import render_markdown
    from shipworthy.define.scaffold import write_product
    from shipworthy.errors import ProviderUnreachable, ShipworthyError
    from shipworthy.records import Case, Comparison, Decision, Estimate, GateStatus, Output, Score, Verdict

_HOMES = {
    "check": "api.check",
    "lint": "api.lint",
    "Decided": "api.product",
    "Product": "api.product",
    "Verification": "api.product",
    "open_product": "api.product",
    "render_html": "decide.record.html",
    "render_junit": "decide.record.junit",
    "render_markdown": "decide.record.markdown",
    "write_product": "define.scaffold",
    "ProviderUnreachable": "errors",
    "ShipworthyError": "errors",
    "Sized": "api.size",
    "size": "api.size",
    "size_rule": "api.size",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that `import shipworthy` stays instant."""
    if name not in __all__:
        raise AttributeError(f"module 'shipworthy' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"shipworthy.{_HOMES.get(name, 'records')}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
