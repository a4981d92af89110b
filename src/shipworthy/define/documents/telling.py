"""The spec as documents tell it: each value with its key, and "not said" where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel

from shipworthy.define.documents.evidence import GateMeasured, Measured
from shipworthy.define.documents.model import Cell, KeyPath, Tone
from shipworthy.define.keys.part import value_at
from shipworthy.define.reading import SpecFile
from shipworthy.define.spec import Spec

__all__ = ["Telling", "key_name", "words_of"]


@dataclass(frozen=True)
class Telling:
    """A spec with what was measured of it.

    Args:
        file: The spec with the place of each key.
        measured: What the latest decision says.
        today: Day on which the document is made.
    """

    file: SpecFile
    measured: Measured
    today: date

    @property
    def spec(self) -> Spec:
        """The spec."""
        return self.file.spec

    def said(self, *path: str | int) -> Cell:
        """Return what the spec says under a key, or that it does not say it."""
        value = value_at(self.spec, path)
        if value is None or (isinstance(value, (str, list, tuple, dict)) and not value):
            return self.missing(*path)
        return Cell(words_of(value), (path,))

    def missing(self, *path: str | int) -> Cell:
        """Return the cell for a key that is not filled in."""
        return Cell(f"not said (key {key_name(self.spec, path)})", (path,), "missing")

    def maybe(self, *path: str | int, none: str = "") -> Cell:
        """Return what the spec says under a key that need not be filled in, else `none` or "not said"."""
        cell = self.said(*path)
        if cell.tone != "missing":
            return cell
        return Cell(none, (path,), "soft") if none else Cell("not said", (path,), "open")

    def own(self, text: str, *paths: KeyPath, tone: Tone = "", note: str = "") -> Cell:
        """Return our own words about what stands under some keys."""
        return Cell(text, paths, tone, note)

    def joined(self, cells: Iterable[Cell], between: str = ", ") -> Cell:
        """Return several cells as one; what is not said is left out where anything is."""
        every = list(cells)
        there = [cell for cell in every if cell.tone not in ("missing", "open")] or every[:1]
        keys = tuple(dict.fromkeys(key for cell in there for key in cell.keys))
        tone = there[0].tone if there and all(cell.tone == there[0].tone for cell in there) else ""
        return Cell(between.join(cell.text for cell in there), keys, tone)

    def answer(self, gate_id: str) -> GateMeasured:
        """Return a gate's latest answer."""
        return self.measured.gate(gate_id)

    def answered(self, gate_id: str) -> Cell:
        """Return a gate's latest answer as a cell that traces to the gate and to the decision."""
        at = next((i for i, gate in enumerate(self.spec.gates) if gate.id == gate_id), None)
        keys: tuple[KeyPath, ...] = () if at is None else (("gates", at, "rule"),)
        answer = self.answer(gate_id)
        if answer.status == "not_measured":
            # That there is no decision at all is said once, where the document begins.
            note = "" if self.measured.because else _without(answer.sentence, "not measured yet ")
            return Cell("not measured yet", keys, "not_measured", note)
        return Cell(answer.words, keys, answer.status, answer.value, self.measured.decision)

    def key(self, path: KeyPath) -> str:
        """Return a key's name, with ids in place of indexes."""
        return key_name(self.spec, path)

    def line(self, path: KeyPath) -> int:
        """Return the one-based line of a key, or of the nearest key above it that has one."""
        return int(self.file.where(*path).rsplit(":", 1)[1])


def key_name(spec: object, path: KeyPath) -> str:
    """Return a key as people write it: dotted, with an entry's id in place of its index.

    Args:
        spec: The spec, for the ids.
        path: Keys and indexes.
    """
    parts = []
    for at, key in enumerate(path):
        if isinstance(key, int):
            entry = value_at(spec, path[: at + 1])
            known = next((getattr(entry, n) for n in ("id", "of", "name") if getattr(entry, n, None)), key)
            percent = getattr(entry, "percent", None)
            if known == key and percent is not None:
                # A stage without a name is known by its share of traffic.
                known = f"{percent:g}%"
            parts.append(str(known) if isinstance(known, (str, int)) else str(key))
        else:
            parts.append(key)
    return ".".join(parts)


def words_of(value: Any) -> str:
    """Return a value of the spec as people read it.

    >>> words_of(["a", "b"]), words_of(True), words_of(4200.0), words_of(0.95)
    ('a, b', 'yes', '4,200', '0.95')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.10g}" if abs(value) < 1e15 else f"{value:g}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {words_of(inner)}" for key, inner in value.items() if inner is not None)
    if isinstance(value, (list, tuple)):
        return ", ".join(words_of(inner) for inner in value)
    if isinstance(value, BaseModel):
        said = value.model_dump(by_alias=True, exclude_unset=True, mode="json")
        return ", ".join(f"{key}: {words_of(inner)}" for key, inner in said.items())
    return str(value).strip()


def _without(text: str, beginning: str) -> str:
    return text.removeprefix(beginning)
