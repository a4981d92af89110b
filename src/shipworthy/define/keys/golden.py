"""The golden set: where it lies, how its cases were chosen, and what its columns mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from shipworthy.define.keys.part import Count, Day, Duration, Listed, Part, Share, Texts, path_only

__all__ = ["ROLES", "SAMPLINGS", "Confirm", "Golden"]

SAMPLINGS = ("random", "curated", "incident", "weights")

#: Roles a foreign column can play; every other key of `columns` is a slice or a score by its own name.
ROLES = (
    "case_id",
    "repeat",
    "cluster_id",
    "query_id",
    "stratum",
    "sampled",
    "provenance",
    "input",
    "input_file",
    "output",
    "label",
    "prediction",
    "predicted_score",
    "grade",
    "correct",
    "latency_ms",
    "run_cost",
    "weight",
    "time",
    "unscored_reason",
    "failed_reason",
)


def _known_sampling(value: str | dict[str, str]) -> str | dict[str, str]:
    for word in value.values() if isinstance(value, dict) else [value]:
        if word not in (*SAMPLINGS, "unknown"):
            raise ValueError(f"{word!r} is no way of sampling; use one of {', '.join(SAMPLINGS)}")
    return value


_Sampled = Annotated[
    str | dict[str, str],
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [*SAMPLINGS, "unknown"]},
                {"type": "object", "additionalProperties": {"enum": [*SAMPLINGS, "unknown"]}},
            ]
        }
    ),
]


class _Confirm(Part):
    path: str = Field(description="Its file, with the golden set's columns, relative to the spec.")
    where: dict[str, Any] = Field(default_factory=dict, description="Keep only rows with these values.")
    sampled: _Sampled | None = Field(
        None, description="How its cases were chosen; by default as the golden set's."
    )
    recorded: dict[str, str] = Field(
        default_factory=dict,
        description="System -> file with its answers to these cases; by default the file of its other "
        "answers, or the confirmation set itself where the golden set holds the answers too.",
    )

    @field_validator("sampled")
    @classmethod
    def _known_sampling(cls, value: str | dict[str, str] | None) -> str | dict[str, str] | None:
        return None if value is None else _known_sampling(value)


Confirm = Annotated[_Confirm, BeforeValidator(path_only, json_schema_input_type=str | _Confirm)]


class Golden(Part):
    """The test set: where it lies, how its cases were chosen, and what its columns mean."""

    path: str = Field(description="JSONL, CSV or Parquet file, relative to the spec; or the URL of a table.")
    where: dict[str, Any] = Field(default_factory=dict, description="Keep only rows with these values.")
    sampled: _Sampled = Field(
        "unknown", description="random, curated, incident or weights; or one of these per stratum."
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description="Role or name -> the file's column, or a JSON path such as a.b."
    )
    inputs: Listed = Field(
        default_factory=list,
        description="Columns that make up a case, by which equal cases are told; by default the input's text "
        "or file, else every column that describes the case. Leave out what is known only afterwards.",
    )
    positive: Texts = Field(default_factory=list, description="Labels of the positive class.")
    strata: dict[str, Count] = Field(
        default_factory=dict, description="Named kinds of case -> minimum count."
    )
    max_unscored: Share = Field(0.02, description="Largest tolerated share of unscored rows.")
    repeats: int = Field(1, ge=1, le=1000, description="How often a function is asked each case.")
    grades: dict[str, Literal["good", "poor", "harmful"]] = Field(
        default_factory=dict, description="Foreign grade -> good, poor or harmful."
    )
    version: str | None = Field(
        None, description="Expected content hash (sha256:...); a mismatch is invalid."
    )
    source_version: str | None = Field(
        None, description="Its version where it is kept: dvc:9f3a, git:ab12, a lakehouse table's snapshot."
    )
    created: Day | None = Field(None, description="Day on which it was made.")
    refreshed: Day | None = Field(None, description="Day on which cases were last added or looked over.")
    stale_after: Duration = Field("90d", description="Age at which it is stale.")
    holdout: Literal["random", "time", "group"] | None = Field(
        None, description="How it was kept apart from training data."
    )
    training: Listed = Field(
        default_factory=list,
        description="Files the systems were trained on or shown as examples; their cases must not be in it.",
    )
    traffic: str | None = Field(
        None, description="File with a sample of production traffic, which the set should cover."
    )
    confirm: Confirm | None = Field(
        None, description="A confirmation set of other cases, to be used once: a path, or these keys."
    )
    looks: Literal["once", "many", "fresh"] = Field(
        "once",
        description="How a candidate is judged that was judged before on fewer cases. once: one look is "
        "planned and exact; later ones use a confidence sequence. many: a sequence from the first look on. "
        "fresh: later looks use only cases that no earlier look had seen.",
    )

    @field_validator("sampled")
    @classmethod
    def _known_sampling(cls, value: str | dict[str, str]) -> str | dict[str, str]:
        return _known_sampling(value)

    def sampling_of(self, stratum: str | None) -> str:
        """Return how the cases of a stratum (or of the whole set) were chosen."""
        if isinstance(self.sampled, str):
            return self.sampled
        if stratum is not None:
            return self.sampled.get(stratum, "unknown")
        words = set(self.sampled.values())
        return words.pop() if len(words) == 1 else "mixed"
