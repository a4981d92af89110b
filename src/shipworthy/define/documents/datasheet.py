"""The datasheet of the data, by the questions of Gebru et al., "Datasheets for Datasets" (2021)."""

from __future__ import annotations

from shipworthy.define.documents.lineage_part import lineage_blocks
from shipworthy.define.documents.model import Block, Cell, Document, Facts, KeyPath, Paragraph, Section, Table
from shipworthy.define.documents.parts import about, product_name, rows_of, source_table, strata_table
from shipworthy.define.documents.telling import Telling, words_of

__all__ = ["datasheet"]

NO_KEY = "not said (no key of the spec holds it)"
_Asked = tuple[str, KeyPath | None]

MOTIVATION: tuple[_Asked, ...] = (
    ("For what purpose was the dataset created?", ("problem", "job")),
    ("Which decision does it serve?", ("decision", "prediction")),
    ("Who created the dataset?", ("owners", "data")),
    ("Who funded its creation?", None),
)
COMPOSITION: tuple[_Asked, ...] = (
    ("What do the instances represent?", ("decision", "prediction")),
    ("Is there a label associated with each instance?", ("data", "labels", "definition")),
    ("Who says what the label is?", ("data", "labels", "source")),
    ("Are there errors or noise; how are they looked for?", ("data", "labels", "noise_audit")),
    ("Is the dataset a sample; how were its cases chosen?", ("golden", "sampled")),
    ("Are there recommended data splits?", ("golden", "holdout")),
    ("Does it identify any subpopulations?", ("groups",)),
    ("Which populations are in it?", ("data", "populations", "included")),
    ("Which populations are missing?", ("data", "populations", "missing")),
    ("Does it contain data that might be considered confidential?", None),
)
COLLECTION: tuple[_Asked, ...] = (
    ("How was the data acquired?", ("data", "populations", "how_collected")),
    ("Over what timeframe was it collected?", ("data", "training_window")),
    ("When is a label known?", ("data", "labels", "matures_after")),
    ("What stands in until then?", ("data", "labels", "proxy")),
    ("Are outcomes known only where the answer was yes?", ("data", "labels", "selective")),
    ("Did the individuals consent?", None),
)
PREPROCESSING: tuple[_Asked, ...] = (
    ("What do the columns mean?", ("golden", "columns")),
    ("Which labels are the positive class?", ("golden", "positive")),
    ("Which rows are kept?", ("golden", "where")),
    ("Was any cleaning done before feedback became data?", ("learning", "feedback")),
)
USES: tuple[_Asked, ...] = (
    ("What has it been used for?", ("systems", "candidate")),
    ("Which files were systems trained on or shown?", ("golden", "training")),
    ("Which tasks should it not be used for?", ("limits",)),
)
DISTRIBUTION: tuple[_Asked, ...] = (
    ("Where is it kept?", ("golden", "path")),
    ("Under which version?", ("golden", "source_version")),
    ("Under which content hash?", ("golden", "version")),
    ("Under which license?", None),
)
MAINTENANCE: tuple[_Asked, ...] = (
    ("Who maintains it?", ("owners", "data")),
    ("When was it created?", ("golden", "created")),
    ("When was it last looked over?", ("golden", "refreshed")),
    ("When is it stale?", ("golden", "stale_after")),
    ("How do others contribute to it?", ("learning", "feedback")),
)


def datasheet(t: Telling) -> Document:
    """Return the datasheet, answered from what the spec says of data, labels and the golden set."""
    sections = (
        Section("Motivation", (_answered(t, MOTIVATION),)),
        Section("Composition", (_counted(t), _answered(t, COMPOSITION), strata_table(t))),
        Section(
            "Collection process",
            (_answered(t, COLLECTION), source_table(t)),
            (Section("Lineage", lineage_blocks(t)),),
        ),
        Section("Preprocessing, cleaning, labelling", (_answered(t, PREPROCESSING), _excluded(t))),
        Section("Uses", (_answered(t, USES),)),
        Section("Distribution", (_answered(t, DISTRIBUTION),)),
        Section("Maintenance", (_answered(t, MAINTENANCE), _feedback(t))),
    )
    return Document("datasheet", "Datasheet", product_name(t), about(t), sections)


def _answered(t: Telling, asked: tuple[_Asked, ...]) -> Facts:
    rows = []
    for question, path in asked:
        if path is None:
            rows.append((question, Cell(NO_KEY, tone="missing")))
        elif path == ("limits",):
            rows.append((question, _not_for(t)))
        elif path == ("learning", "feedback"):
            entries = t.spec.learning.feedback if t.spec.learning is not None else []
            said = "; ".join(
                f"{e.from_} to {e.to}" + (f", {e.scrub} taken out" if e.scrub else "") for e in entries
            )
            rows.append((question, Cell(said, (path,)) if said else t.missing(*path)))
        else:
            rows.append((question, t.said(*path)))
    return Facts(tuple(rows))


def _not_for(t: Telling) -> Cell:
    said = [t.said("limits", at, "does_not") for at, limit in enumerate(t.spec.limits) if limit.does_not]
    return t.joined(said, "; ") if said else t.missing("limits")


def _counted(t: Telling) -> Block:
    m = t.measured
    if m.because:
        return Paragraph(
            Cell(
                f"How many instances there are was not counted because {m.because}.",
                (("golden", "path"),),
                "not_measured",
            )
        )
    about_them = f"{m.population}; sampled: {m.sampled}"
    said = f"{words_of(m.cases)} instances were judged by decision {m.decision} ({about_them})."
    return Paragraph(Cell(said, (("golden", "path"),), note=m.golden_version, decision=m.decision))


def _excluded(t: Telling) -> Table:
    rows = rows_of(t, ("data", "training_window", "excluded"), "what", "reason")
    return Table(
        "Left out of training",
        ("What", "Why"),
        rows,
        Cell("nothing is said to be left out", (("data", "training_window", "excluded"),), "soft"),
    )


def _feedback(t: Telling) -> Table:
    rows = rows_of(t, ("learning", "feedback"), "from", "to", "review", "scrub")
    return Table(
        "How use comes back as data",
        ("From", "To", "Review", "Taken out first"),
        rows,
        t.missing("learning", "feedback"),
    )
