"""What lint may know beyond the spec: counts of the golden set, of runs and of traffic, each known or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from shipworthy.define.sizing import GateQuestion

__all__ = ["Facts", "GoldenFacts", "RunFacts", "Unknown"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why something is not known.

    Args:
        because: The reason, as the end of a sentence: "there is no golden set at golden/cases.csv".
    """

    because: str


@dataclass(frozen=True)
class GoldenFacts:
    """What a golden set holds.

    Args:
        cases: Number of cases.
        version: Its content hash, sha256:...
        columns: Names of its columns.
        strata: Stratum -> number of cases.
        slices: Slice column -> value -> number of cases.
        positives: Share of cases of the positive class, in [0, 1]; None where there are no classes.
        sampled: Way of sampling -> number of cases.
        provenance: Provenance, such as real or incident, -> number of cases; empty where no column says it.
        shared_with_training: File -> number of the golden set's cases that it holds too.
        clusters: Number of clusters; None where cases are their own.
        by_stratum: Stratum -> slice column -> value -> number of cases.
        sampled_by_stratum: Stratum -> way of sampling -> number of cases; empty where only the spec says it.
        classes: Label -> number of cases, the most frequent first; at most 200.
        usual_positive: Whether labels say yes and no in usual words, so that no class need be named.
    """

    cases: int
    version: str = ""
    columns: tuple[str, ...] = ()
    strata: Mapping[str, int] = field(default_factory=dict)
    slices: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    positives: float | None = None
    sampled: Mapping[str, int] = field(default_factory=dict)
    provenance: Mapping[str, int] = field(default_factory=dict)
    shared_with_training: Mapping[str, int] = field(default_factory=dict)
    clusters: int | None = None
    by_stratum: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    sampled_by_stratum: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    classes: Mapping[str, int] = field(default_factory=dict)
    usual_positive: bool = False


@dataclass(frozen=True)
class RunFacts:
    """What the workspace holds of runs and decisions.

    Args:
        first_candidate: Day of the candidate's first run; None where it has none.
        candidates: Number of candidates that were judged on this golden lineage.
        looks: Gate id -> earlier looks.
        values: Gate id -> what was last measured of its left side.
        live_values: Gate id -> what was last measured of it for the live system.
        design_effects: Gate id -> factor by which clusters and repeats shrink the count.
        discordance: Gate id -> share of cases on which the two systems of a delta differ.
        met: Gate id -> whether the latest decision found it met.
        band_shares: Share of the candidate's last run in each band of `routing`, in their order; empty where
            no run has the score.
    """

    first_candidate: date | None = None
    candidates: int = 0
    looks: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    live_values: Mapping[str, float] = field(default_factory=dict)
    design_effects: Mapping[str, float] = field(default_factory=dict)
    discordance: Mapping[str, float] = field(default_factory=dict)
    met: Mapping[str, bool] = field(default_factory=dict)
    band_shares: tuple[float, ...] = ()


@dataclass(frozen=True)
class Facts:
    """All that is known beside the spec.

    Args:
        golden: The golden set's counts, or why they are not known.
        runs: What runs and decisions say, or why nothing is known.
        traffic: Slice column -> value -> share of traffic, or why it is not known.
        labels: Judged score -> labels that people gave, or why that is not known.
        files: Files named by the spec that do not exist, by dotted key.
        questions: Gate id -> the gate as far as its size needs it, with the cases it counts; a gate whose
            rule asks for what there is not, is in `refused` instead.
        columns: Names of all columns of the golden set and the recorded files, or why they are not known.
        refused: Gate id -> why its rule cannot be asked, and what to do.
        answers: System -> columns of the file with its recorded answers; systems without one are left out.
    """

    golden: GoldenFacts | Unknown = field(default_factory=lambda: Unknown("no data was looked at"))
    runs: RunFacts | Unknown = field(default_factory=lambda: Unknown("no data was looked at"))
    traffic: Mapping[str, Mapping[str, float]] | Unknown = field(
        default_factory=lambda: Unknown("no data was looked at")
    )
    labels: Mapping[str, int | Unknown] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] | Unknown = field(default_factory=lambda: Unknown("no data was looked at"))
    questions: Mapping[str, GateQuestion] = field(default_factory=dict)
    refused: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
