"""Is the output JSON of the agreed shape?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from shipworthy.errors import UsageError
from shipworthy.evaluate import reasons
from shipworthy.evaluate.answers import spoken
from shipworthy.evaluate.scoring import EMPTY, RIGHT, WRONG, scorer
from shipworthy.records import Case, Output, Score

_FENCE = "```"


@scorer("json_schema")
@dataclass(frozen=True)
class JsonSchema:
    """The output is JSON that satisfies a JSON Schema.

    Output that is not JSON has failed; JSON of another shape scores 0. `format` is not checked, and a schema
    may refer to itself but never to the network.

    Args:
        schema: The schema itself, or a JSON file in the product's folder.
        fenced: Whether the JSON may stand between fences of three backticks.

    Example:
        metrics:
          - id: valid_json
            scorer: {json_schema: {schema: {type: object, required: [refund]}, fenced: true}}

    >>> shape = JsonSchema({"type": "object", "required": ["refund"]})
    >>> shape.score(Output("1", text='{"refund": 12}'), Case("1", "?")).value
    1.0
    >>> shape.score(Output("1", text="[]"), Case("1", "?")).value
    0.0
    >>> shape.score(Output("1", text="Sure! {}"), Case("1", "?")).failed
    'the output is not JSON'
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    sole: ClassVar[str] = "schema"

    schema: Any
    fenced: bool = False
    folder: Path = field(default=Path(), repr=False, compare=False)

    def __post_init__(self) -> None:
        # Kept as text with sorted keys: hashable, and equal for equal schemas wherever they were written.
        schema = _read(self.schema, self.folder)
        _check(schema)
        object.__setattr__(self, "schema", json.dumps(schema, sort_keys=True))

    def score(self, output: Output, case: Case) -> Score:
        """Return 1 where the output satisfies the schema, 0 where it is other JSON."""
        said = spoken(output)
        if not said:
            return EMPTY
        try:
            value = json.loads(_inside_fence(said) if self.fenced else said, parse_constant=_refuse)
        except RecursionError:
            return Score(failed="the output's JSON is nested too deeply")
        except ValueError:
            return Score(failed="the output is not JSON")
        try:
            return RIGHT if _validator(self.schema).is_valid(value) else WRONG
        except RecursionError:
            return Score(failed="the output's JSON is nested too deeply")


def _read(schema: Any, folder: Path) -> Any:
    if isinstance(schema, (Mapping, bool)):
        return schema
    if not isinstance(schema, str):
        raise UsageError(f"json_schema: {schema!r} is no schema", fix="Write a mapping or a file's path.")
    inline = schema.lstrip().startswith("{") or schema in ("true", "false")
    file = folder / schema
    try:
        return json.loads(schema if inline else file.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"json_schema: cannot read {str(file)!r}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        where = "" if inline else str(file)
        raise UsageError(
            f"json_schema: the schema is not JSON: {reasons.one_line(str(error))}", where=where
        ) from error


def _check(schema: Any) -> None:
    from jsonschema.exceptions import SchemaError

    try:
        text = json.dumps(schema, sort_keys=True)
        validator = _validator(text)
        validator.check_schema(validator.schema)
        # A reference to nowhere, or to itself, shows only when it is followed.
        samples: tuple[Any, ...] = (None, {}, [], "", 0)
        for sample in samples:
            validator.is_valid(sample)
    except SchemaError as error:
        place = "/".join(str(part) for part in error.absolute_path)
        what = f"json_schema: the schema is wrong at /{place}: {reasons.one_line(error.message)}"
        raise UsageError(what) from error
    except Exception as error:
        raise UsageError(f"json_schema: the schema cannot be used: {reasons.of_exception(error)}") from error


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    value = json.loads(schema)
    # An empty registry: without one, a reference would be fetched from the network.
    return validator_for(value, default=Draft202012Validator)(value, registry=Registry())


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _inside_fence(text: str) -> str:
    """Return what the first pair of fences holds, or the whole text where there is none."""
    start = text.find(_FENCE)
    line_end = text.find("\n", start)
    end = text.find(_FENCE, line_end)
    return text[line_end:end] if start >= 0 and 0 <= line_end < end else text
