"""Every document by name, in the order in which a product grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shipworthy.define.documents.brief import brief
from shipworthy.define.documents.datasheet import datasheet
from shipworthy.define.documents.failures import failures
from shipworthy.define.documents.launch import launch
from shipworthy.define.documents.limits import limits
from shipworthy.define.documents.model import Document
from shipworthy.define.documents.model_card import model_card
from shipworthy.define.documents.prd import prd
from shipworthy.define.documents.self_audit import self_audit
from shipworthy.define.documents.telling import Telling

__all__ = ["DOCUMENTS"]

DOCUMENTS: Mapping[str, Callable[[Telling], Document]] = {
    "brief": brief,
    "prd": prd,
    "failures": failures,
    "launch": launch,
    "limits": limits,
    "model-card": model_card,
    "datasheet": datasheet,
    "self-audit": self_audit,
}
