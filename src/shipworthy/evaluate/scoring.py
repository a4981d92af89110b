"""Scorers: what they are, how the spec names them, and how one is run without ever raising."""

from __future__ import annotations

import hashlib
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeVar, Union, get_args, get_origin, get_type_hints

from shipworthy.errors import UsageError, nearest
from shipworthy.evaluate import reasons
from shipworthy.evaluate.answers import spoken
from shipworthy.evaluate.loading import hash_of_files
from shipworthy.records import Case, Output, Score, plain
from shipworthy.registry import Registry

__all__ = [
    "EMPTY",
    "NO_LABEL",
    "RIGHT",
    "SCORERS",
    "WRONG",
    "Scorer",
    "build_scorer",
    "fingerprint",
    "options",
    "score_one",
    "scorer",
]

RIGHT = Score(value=1.0)
WRONG = Score(value=0.0)
EMPTY = Score(failed="empty output")
NO_LABEL = Score(unscored="the case has no label")

_INFINITE = float("inf")


class Scorer(Protocol):
    """Gives a verdict on one output.

    A scorer is a frozen dataclass decorated with `@scorer("name")`; its fields are its options. Two class
    variables are optional: `sole` names the field that a lone value fills (`contains: refund`), and a field
    of type Path called `folder` is filled with the product's folder. `files`, where it has one, lists the
    files that its verdicts rest on.
    """

    name: ClassVar[str]
    version: ClassVar[int]

    def score(self, output: Output, case: Case) -> Score:
        """Return the verdict on an output that is neither failed, unscored nor empty.

        Args:
            output: What the system said.
            case: What it was asked, with the label.
        """


SCORERS: Registry[type[Any]] = Registry("scorer", "shipworthy.evaluate.scorers")

C = TypeVar("C", bound=type[Any])


def scorer(name: str) -> Callable[[C], C]:
    """Return a decorator that registers a scorer.

    Args:
        name: The word that the spec uses.
    """

    def file_under_name(kind: C) -> C:
        kind.name = name
        SCORERS.register(name)(kind)
        return kind

    return file_under_name


def build_scorer(name_or_mapping: str | Mapping[str, Any], folder: Path) -> Scorer:
    """Make a scorer out of what the spec says.

    Args:
        name_or_mapping: `exact`, `{regex: {pattern: ..., take: last}}`, or `{contains: [refund]}`.
        folder: The product's folder, for scorers that read files or functions.

    Returns:
        The scorer.

    Raises:
        UsageError: If the scorer, an option or a value is unknown or wrong, with the nearest valid one.
        SystemLoadError: If it is a function that cannot be loaded.

    >>> build_scorer({"exact": {"ignore_case": True}}, Path())
    Exact(ignore_case=True, ignore_space=False)
    """
    name, argument = _name_and_argument(name_or_mapping)
    kind = SCORERS.get(name)
    given = _given(name, kind, argument)
    known = {_option_name(part): part for part in fields(kind) if _is_option(part)}
    for option in given:
        if option not in known:
            raise UsageError(f"The scorer {name!r} has no option {option!r}", fix=nearest(option, known))
    hints = get_type_hints(kind)
    values = {
        known[option].name: _fitted(value, hints[known[option].name], f"{name}.{option}")
        for option, value in given.items()
    }
    for option, part in known.items():
        if option not in given and part.default is MISSING and part.default_factory is MISSING:
            raise UsageError(
                f"The scorer {name!r} needs {option!r}", fix=f"Write {{{name}: {{{option}: ...}}}}."
            )
    if any(part.name == "folder" for part in fields(kind)):
        values["folder"] = folder
    built: Scorer = kind(**values)
    return built


def options(scorer: Scorer) -> dict[str, Any]:
    """Return the options of a scorer by the names that the spec uses, defaults included."""
    return {
        _option_name(part): plain(getattr(scorer, part.name))
        for part in fields(scorer)  # type: ignore[arg-type]
        if _is_option(part)
    }


def fingerprint(scorer: Scorer, folder: Path) -> str:
    """Return the SHA-256 of all that a scorer's verdicts rest on: name, version, options and files.

    Args:
        scorer: The scorer.
        folder: The product's folder; files are named relative to it.
    """
    rests_on = {
        "name": scorer.name,
        "version": scorer.version,
        "options": options(scorer),
        "files": hash_of_files(getattr(scorer, "files", ()), folder),
    }
    return hashlib.sha256(json.dumps(rests_on, sort_keys=True, default=str).encode()).hexdigest()


def score_one(scorer: Scorer, output: Output, case: Case) -> Score:
    """Return a scorer's verdict, whatever happens inside it.

    An output that failed or is unscored stays so and an empty one failed, without asking the scorer. A scorer
    that crashes, or gives a number that is not finite, leaves the output unscored.

    Args:
        scorer: The scorer.
        output: What the system said.
        case: What it was asked.
    """
    if output.failed is not None:
        return Score(failed=output.failed)
    if output.unscored is not None:
        return Score(unscored=output.unscored)
    if output.predicted_score is None and not spoken(output):
        return EMPTY
    try:
        score = scorer.score(output, case)
        value = score.value
        # Not a number is unequal to itself, so this one comparison finds all that is not finite.
        if value is not None and not -_INFINITE < value < _INFINITE:
            return Score(unscored=f"scorer {_title(scorer)} gave {value}, which is not finite")
    # A scorer is anybody's code: even sys.exit() in it must not end a run.
    except (Exception, SystemExit) as error:
        return Score(unscored=f"scorer {_title(scorer)} crashed: {reasons.of_exception(error)}")
    return score


def _title(scorer: Scorer) -> str:
    sole = getattr(scorer, getattr(scorer, "sole", "name"), None)
    return f"{scorer.name} {sole}" if scorer.name == "function" else scorer.name


def _name_and_argument(written: str | Mapping[str, Any]) -> tuple[str, Any]:
    if isinstance(written, str):
        return written, None
    if not isinstance(written, Mapping) or len(written) != 1:
        raise UsageError(
            f"{written!r} names no scorer",
            fix="Write `exact` or `{regex: {pattern: ...}}`: one name, its options.",
        )
    name, argument = next(iter(written.items()))
    return str(name), argument


def _given(name: str, kind: type[Any], argument: Any) -> dict[str, Any]:
    if argument is None:
        return {}
    if isinstance(argument, Mapping):
        return {str(key): value for key, value in argument.items()}
    sole = getattr(kind, "sole", None)
    if sole is None:
        raise UsageError(f"The scorer {name!r} takes options by name, not {argument!r}")
    return {str(sole): argument}


def _is_option(part: Field[Any]) -> bool:
    return part.init and part.name != "folder"


def _option_name(part: Field[Any]) -> str:
    """Return the spec's name of a field; `as_` is `as`, which Python keeps for itself."""
    return part.name.rstrip("_")


def _fitted(value: Any, hint: Any, where: str) -> Any:
    """Return an option's value as its field wants it.

    Raises:
        UsageError: If it does not fit.
    """
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _fitted_to_any(value, get_args(hint), where)
    if origin is Literal:
        if value not in get_args(hint):
            raise UsageError(
                f"{where} cannot be {value!r}", fix=nearest(str(value), map(str, get_args(hint)))
            )
        return value
    if origin is tuple:
        items = value if isinstance(value, (list, tuple)) else [value]
        return tuple(_fitted(item, get_args(hint)[0], where) for item in items)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is float and number and -_INFINITE < value < _INFINITE:
        return float(value)
    if hint is str and number:
        return str(value)
    if hint not in (bool, int, float, str) or (type(value) is hint and hint is not float):
        return value
    raise UsageError(f"{where} cannot be {value!r}", fix=f"Write {_in_words(hint)}.")


def _fitted_to_any(value: Any, hints: tuple[Any, ...], where: str) -> Any:
    if value is None and type(None) in hints:
        return None
    hints = tuple(hint for hint in hints if hint is not type(None))
    for hint in hints[:-1]:
        if type(value) is hint:
            return value
    return _fitted(value, hints[-1], where)


def _in_words(hint: type) -> str:
    return {bool: "true or false", int: "a whole number", float: "a finite number", str: "a text"}[hint]
