"""One system's rows as evidence sees them: a table in the engine, its profile, and where its texts are."""

from __future__ import annotations

from dataclasses import dataclass

from shipworthy.records import Denominator, RunPins
from shipworthy.tables.lists import TextSource
from shipworthy.tables.row_plan import RowsProfile

__all__ = ["RunRows", "denominator_of"]


@dataclass(frozen=True)
class RunRows:
    """One run, ready to be measured.

    Args:
        name: "candidate", "live" or a baseline's name.
        table: Its canonical rows in the engine.
        profile: What one look at them told.
        pins: What the run was made of.
        outputs: Where the outputs' texts are; None where there are none.
        inputs: Where the cases' texts are; None where there are none.
        input_files: Where the paths of the cases' files are; None where cases are no files.
    """

    name: str
    table: str
    profile: RowsProfile
    pins: RunPins
    outputs: TextSource | None = None
    inputs: TextSource | None = None
    input_files: TextSource | None = None


def denominator_of(profile: RowsProfile, tolerance: float) -> Denominator:
    """Return planned = scored + failed + unscored for rows.

    Args:
        profile: The rows' profile.
        tolerance: Largest tolerated share of unscored rows.
    """
    return Denominator(
        planned=profile.rows,
        scored=profile.scored,
        failed=profile.failed,
        unscored=profile.unscored,
        failed_reasons=dict(profile.failed_reasons),
        unscored_reasons=dict(profile.unscored_reasons),
        tolerance=tolerance,
    )
