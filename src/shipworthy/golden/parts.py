"""What a case of a golden set is made of: its input, its label, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shipworthy.define.spec import ROLES, SAMPLINGS, Golden
from shipworthy.errors import InputError, nearest
from shipworthy.golden.columns import SYNONYMS, locate
from shipworthy.golden.entering import GoldenFile
from shipworthy.tables.case_table import cases_sql, fingerprints_sql, joined_text
from shipworthy.tables.duck import ROW_NUMBER, ForeignFile, text_literal

__all__ = ["CaseParts", "check_inputs", "column_of", "normalised", "parts_of", "sampled_sql"]

#: Roles of an answer: what a system said of a case is no part of the case.
_OF_ANSWERS = (
    "repeat",
    "output",
    "prediction",
    "predicted_score",
    "grade",
    "correct",
    "latency_ms",
    "run_cost",
    "unscored_reason",
    "failed_reason",
)

#: Names of ids: where another column tells cases apart, they describe no case either.
_IDS = ("case_id", "id", "uid", "uuid")


@dataclass(frozen=True)
class CaseParts:
    """The parts of a golden set's cases, each as SQL of its text over the file.

    Args:
        golden: The golden set.
        input: The input: what golden.inputs names, else the text or file, else all columns that describe the
            case.
        text: The column of text among those that the input is made of; None where there is none.
        tabular: Whether the input is made of neither text nor file, so that two cases may well be alike.
        features: The columns that the input is made of.
        label: The true class; None where there is none.
        stratum: The named kind of case; None where there is none.
        sampled: How the case was chosen: its own word, else what the spec says of its stratum or of all.
        provenance: Where the case came from; None where no column says it.
        rest: Every other column that is not an answer's.
    """

    golden: GoldenFile
    input: str | None
    text: str | None
    tabular: bool
    features: tuple[str, ...]
    label: str | None
    stratum: str | None
    sampled: str
    provenance: str | None
    rest: tuple[str, ...]

    @property
    def is_text(self) -> bool:
        """Whether the input is one column of text."""
        return self.text is not None and len(self.features) == 1

    @property
    def compared(self) -> str | None:
        """SQL of what tells equal inputs; None where no column describes a case."""
        return self.compare([_text(self.golden.file, name) for name in self.features])

    def compare(self, texts: Sequence[str]) -> str | None:
        """Return SQL of what tells equal inputs, from SQL of the text of each of the features."""
        told = [
            normalised(sql) if name == self.text else sql
            for name, sql in zip(self.features, texts, strict=True)
        ]
        if not told:
            return None
        return joined_text(told) if self.tabular or len(told) > 1 else told[0]

    def cases(self, **columns: str | None) -> str:
        """Return a query of the cases, each once.

        Args:
            **columns: Our name -> SQL; None for a column that is not there.
        """
        named = {name: sql or "CAST(NULL AS VARCHAR)" for name, sql in columns.items()}
        return cases_sql(
            self.golden.file.relation,
            self.golden.condition,
            {"case_id": self.golden.case_id, **named},
            repeated=self.golden.lists_repeats,
        )

    def fingerprints(self) -> str:
        """Return a query of each case's id and of hashes and words that say whether it was changed."""
        return fingerprints_sql(
            self.cases(
                input=self.input,
                label=self.label,
                stratum=self.stratum,
                sampled=self.sampled,
                provenance=self.provenance,
                rest=joined_text([self.golden.file.text(name) for name in self.rest]) if self.rest else None,
            )
        )


def column_of(file: ForeignFile, role: str, golden: Golden) -> str | None:
    """Return the file's own name of the column that plays a role; None where none does as a whole.

    Args:
        file: The file.
        role: The role, or a slice's name.
        golden: The spec's golden block.
    """
    names = [golden.columns[role]] if role in golden.columns else [role]
    if role == "case_id":
        names.append("id")
    if role == "input":
        names += ["question", "prompt"]
    for name in names:
        found = file.find(name)
        if found is not None and (found.name == name or found.name.lower() == name.lower()):
            return found.name
    return None


def sampled_sql(file: ForeignFile, golden: Golden) -> str:
    """Return SQL of how each case was chosen: by its own word, else by what the spec says.

    Args:
        file: The golden set.
        golden: The spec's golden block.
    """
    stratum = locate(file, "stratum", golden.columns)
    if isinstance(golden.sampled, str):
        said = text_literal(golden.sampled)
    elif stratum is None:
        said = text_literal(golden.sampling_of(None) if len(set(golden.sampled.values())) == 1 else "unknown")
    else:
        whens = " ".join(
            f"WHEN {text_literal(name)} THEN {text_literal(way)}" for name, way in golden.sampled.items()
        )
        said = f"CASE {stratum} {whens} ELSE 'unknown' END" if whens else "'unknown'"
    own = locate(file, "sampled", golden.columns)
    if own is None:
        return said
    known = ", ".join(text_literal(word) for word in SAMPLINGS)
    return (
        f"CASE WHEN {own} IS NULL THEN {said} WHEN lower({own}) IN ({known}) THEN lower({own}) "
        "ELSE 'unknown' END"
    )


def parts_of(golden: GoldenFile) -> CaseParts:
    """Return what the columns of a golden set say of its cases.

    Args:
        golden: The opened golden set.
    """
    file, spec = golden.file, golden.golden
    taken = {role: name for role in ROLES if (name := column_of(file, role, spec)) is not None}
    played = set(taken.values())
    plain = [n for n in file.names if n not in played and n != ROW_NUMBER and n.lower() not in _IDS]
    text, path = _text_column(golden), taken.get("input_file")
    answers = {taken[role] for role in _OF_ANSWERS if role in taken}
    own = {taken[role] for role in ("case_id", "label", "stratum", "sampled", "provenance") if role in taken}
    said = tuple(dict.fromkeys(spec.columns.get(name, name) for name in spec.inputs))
    features = said or tuple(name for name in (text, path) if name is not None)
    if features:
        roots = {found.name for name in features if (found := file.find(name)) is not None}
        rest = [n for n in file.names if n not in own | answers | roots | {*features, ROW_NUMBER}]
    else:
        features = tuple(plain)
        rest = [n for n in file.names if n in played and n not in own | answers]
    tabular = not {text, path} & set(features)
    texts = [_text(file, name) for name in features]
    joined = joined_text(texts) if tabular or len(texts) > 1 else texts[0]
    return CaseParts(
        golden=golden,
        input=joined if features else None,
        text=text if text in features else None,
        tabular=tabular,
        features=features,
        label=locate(file, "label", spec.columns),
        stratum=locate(file, "stratum", spec.columns),
        sampled=sampled_sql(file, spec),
        provenance=locate(file, "provenance", spec.columns),
        rest=tuple(rest),
    )


def _text(file: ForeignFile, name: str) -> str:
    """Return SQL of a column's text; NULL where an older file does not have it yet."""
    return file.text(name) if file.find(name) is not None else "CAST(NULL AS VARCHAR)"


def check_inputs(golden: GoldenFile) -> None:
    """Refuse golden.inputs that name a column which the golden set has not.

    Args:
        golden: The opened golden set.

    Raises:
        InputError: Naming the nearest column.
    """
    for name in golden.golden.inputs:
        if golden.file.find(golden.golden.columns.get(name, name)) is None:
            raise InputError(
                f"golden.inputs names the column {name!r}, which the golden set has not.",
                where=str(golden.file.path),
                fix=nearest(name, golden.file.names),
            )


def _text_column(golden: GoldenFile) -> str | None:
    """Return the column or path that holds the input; names that people use count where nothing is mapped."""
    mapped = golden.golden.columns.get("input")
    if mapped is not None and golden.file.find(mapped) is not None:
        return mapped
    lowered = {name.lower(): name for name in golden.file.names}
    return next((lowered[name] for name in SYNONYMS["input"] if name in lowered), None)


def same_input(parts: CaseParts, other: ForeignFile) -> tuple[str, str]:
    """Return SQL of the input of a golden set and of another file, so that equal texts are equal inputs.

    Args:
        parts: The golden set's parts.
        other: The other file, such as training data.

    Returns:
        SQL over the golden set's file, and SQL over the other.

    Raises:
        InputError: If the other file lacks a column that the input is made of.
    """
    golden = parts.golden.golden
    if parts.is_text:
        names = [golden.columns.get("input", ""), *parts.features, *SYNONYMS["input"]]
        found = next((name for name in names if name and other.find(name) is not None), None)
        if found is None:
            raise InputError(
                f"The file has no column {parts.features[0]!r} to compare inputs by.",
                where=str(other.path),
                fix=f"Call its column of inputs {parts.features[0]!r}.",
            )
        return str(parts.compared), normalised(other.text(found))
    missing = [name for name in parts.features if other.find(name) is None]
    if missing or not parts.features:
        raise InputError(
            f"The file lacks columns that make up a case: {', '.join(missing[:5])}"
            f"{' ...' if len(missing) > 5 else ''}."
            if missing
            else "The golden set has no column that describes a case.",
            where=str(other.path),
            fix="Say what makes up a case: golden: {inputs: [...]}, or golden: {columns: {input: ...}}; or "
            "give both files the same columns.",
        )
    return str(parts.compared), str(parts.compare([other.text(name) for name in parts.features]))


def normalised(text: str) -> str:
    """Return SQL of a text without what people do not mean: case, runs of blanks, and marks at its end.

    Marks inside stay, because they tell 1.5 from 15.

    Args:
        text: SQL of the text.
    """
    plain = f"lower(nfc_normalize({text}))"
    for blank in ("chr(9)", "chr(10)", "chr(13)", "chr(160)"):
        plain = f"replace({plain}, {blank}, ' ')"
    for _halving in range(4):
        plain = f"replace({plain}, '  ', ' ')"
    return f"trim({plain}, ' .,;:!?')"
