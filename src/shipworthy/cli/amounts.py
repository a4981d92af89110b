"""Amounts as people write them on the command line."""

from __future__ import annotations

import math
from typing import Any

import click

__all__ = ["SHARE", "ShareType"]


class ShareType(click.ParamType[float]):
    """A share, written as 0.95 or 95%, and returned as a fraction of one."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the share; refuse what is none."""
        text = str(value).strip()
        try:
            number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            number = math.nan
        if not 0 <= number <= 1:
            self.fail(f"{value!r} is no share, such as 1% or 0.01.", param, ctx)
        return number


SHARE = ShareType()
