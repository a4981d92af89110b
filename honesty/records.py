"""Studies as plain numbers in docs/assets/honesty.json, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from honesty.studies import Found, Measured, Scenario, Study

__all__ = ["measured_from", "plain"]


def plain(measured: Measured) -> dict[str, Any]:
    """Return a measured study as plain numbers.

    Args:
        measured: The study.
    """
    study = measured.study
    return {
        "name": study.name,
        "title": study.title,
        "kind": study.kind,
        "limit": round(study.limit, 6),
        "promised": study.promised,
        "methods": list(study.methods),
        "note": study.note,
        "worst": round(measured.worst.rate, 6),
        "average": round(measured.average, 6),
        "scenarios": [
            {"words": scenario.words, "rate": round(found.rate, 6), "runs": found.runs}
            | ({} if found.average is None else {"average": round(found.average, 6)})
            for scenario, found in zip(study.scenarios, measured.found, strict=True)
        ],
    }


def measured_from(numbers: Mapping[str, Any]) -> list[Measured]:
    """Return the studies behind plain numbers; they cannot be run again.

    Args:
        numbers: The content of honesty.json.
    """

    def cannot() -> Found:
        raise NotImplementedError("these are stored numbers")

    return [
        Measured(
            Study(
                one["name"],
                one["title"],
                one["kind"],
                one["limit"],
                tuple(Scenario(scenario["words"], cannot) for scenario in one["scenarios"]),
                tuple(one["methods"]),
                one["promised"],
                one["note"],
            ),
            tuple(Found(s["rate"], s["runs"], s.get("average")) for s in one["scenarios"]),
        )
        for one in numbers["studies"]
    ]
