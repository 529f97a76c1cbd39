"""Values to JSON and back, by a type annotation.

JSON here means what `json.loads` returns. Everything that `encode` returns can be stored as jsonb.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.json_schema import JsonSchemaMode
from pydantic_core import PydanticSerializationError, to_json

# jsonb refuses NUL, and UTF-8 has no lone surrogates; both become U+FFFD, as in the log.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_SHOWN_PROBLEMS: Final = 3
_INT64: Final = range(-(2**63), 2**63)
_NOT_FINITE: Final = frozenset({"NaN", "sNaN", "Infinity", "-Infinity"})
# Left alone, pydantic writes a NaN as null, and the loss is silent; and bytes as UTF-8, which not
# all bytes are. A pydantic model inside keeps to its own config.
_CONFIG: Final = ConfigDict(
    ser_json_inf_nan="constants", ser_json_bytes="base64", val_json_bytes="base64"
)
_REFERENCE: Final = "#/$defs/"


class Codec:
    """Decodes and encodes the values of one annotation.

    Raises:
      TypeError: values of the annotation cannot be written as JSON.
    """

    __slots__ = ("_adapter", "_takes_anything", "annotation")

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        self._takes_anything = annotation is Any or annotation is object
        try:
            # In a tuple, because models bring a config of their own and refuse another.
            self._adapter: TypeAdapter[Any] = TypeAdapter(tuple[annotation], config=_CONFIG)
        except Exception as error:  # a type's own schema hooks may raise anything
            raise _unwritable(annotation, error) from error
        self._schema("serialization")

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema of what `decode` takes.

        Raises:
          TypeError: there is none, though what `encode` returns has one.
        """
        schema, definitions = self._schema("validation")
        if set(schema) == {"$ref"}:
            name = _definition_name(schema)
            if f'"{_REFERENCE}{name}"' not in json.dumps(definitions):
                schema = definitions.pop(name)
        return {"$defs": definitions, **schema} if definitions else schema

    def may_be_list(self, mode: JsonSchemaMode) -> bool:
        """Whether JSON of the annotation is a list, as far as can be told; when in doubt, it is.

        Args:
          mode: "validation" for what `decode` takes, "serialization" for what `encode` returns.
        """
        return _may_be_list(*self._schema(mode))

    def loses_bytes(self) -> bool:
        """Whether `encode` writes bytes as UTF-8, which not all bytes are.

        Only a pydantic model's own config makes it so.
        """
        return '"format": "binary"' in json.dumps(self._schema("serialization"))

    def accepts(self, value: Any) -> bool:
        """Whether the JSON `value` can be decoded."""
        try:
            self.decode(value)
        except Exception:  # a type's own validators may raise anything
            return False
        return True

    def decode(self, value: Any) -> Any:
        """Return the JSON `value` as the annotation says.

        Raises:
          ValueError: it does not fit. The message names the fields, never their values.
        """
        if self._takes_anything:
            return value
        try:
            # From bytes, because JSON has no dates or UUIDs: strict models accept their text too.
            return self._adapter.validate_json(to_json((value,)))[0]
        except ValidationError as error:
            raise ValueError(_problems(error)) from error

    def encode(self, value: Any) -> Any:
        """Return `value` as JSON. Falsy values stay what they are.

        Raises:
          ValueError: it is not what the annotation says, or holds a number that JSON has not.
        """
        try:
            # By alias, because `decode` reads aliases.
            dumped = self._adapter.dump_python(
                (value,), mode="json", by_alias=True, warnings="error"
            )[0]
        except (PydanticSerializationError, ValueError) as error:
            raise ValueError(str(error)) from error
        stored = _storable(dumped, "")
        if not _NOT_FINITE.isdisjoint(_texts(stored)):
            self.decode(stored)  # a Decimal that is no number is refused here, a text is not
        return stored

    def _schema(self, mode: JsonSchemaMode) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the annotation's JSON schema and the definitions that it refers to."""
        try:
            schema = self._adapter.json_schema(mode=mode)
        except Exception as error:  # a type's own schema hooks may raise anything
            raise _unwritable(self.annotation, error) from error
        return schema["prefixItems"][0], schema.get("$defs", {})


def shown(annotation: Any) -> str:
    """Return how `annotation` is named in an error."""
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _unwritable(annotation: Any, error: Exception) -> TypeError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return TypeError(f"{shown(annotation)} cannot be written as JSON: {reason}")


def _definition_name(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).removeprefix(_REFERENCE)


def _may_be_list(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    if "$ref" in schema:
        return _may_be_list(definitions[_definition_name(schema)], definitions)
    if "anyOf" in schema or "oneOf" in schema:
        members = schema.get("anyOf") or schema["oneOf"]
        return any(_may_be_list(member, definitions) for member in members)
    return bool(schema.get("type", "array") == "array")


def _storable(value: Any, path: str) -> Any:
    """Return JSON `value` with unstorable characters replaced; refuse unstorable numbers."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value) if _UNSTORABLE.search(value) else value
    if isinstance(value, dict):
        return {_storable(k, path): _storable(v, f"{path}.{k}") for k, v in value.items()}
    if isinstance(value, list):
        return [_storable(item, f"{path}.{place}") for place, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{_at(path)}number must be finite, got {value}")
    if isinstance(value, int) and value not in _INT64:
        raise ValueError(f"{_at(path)}integer must fit 64 bits, got one of {value.bit_length()}")
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _problems(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    # Every place begins with that in the tuple.
    lines = [f"{_at('.'.join(map(str, e['loc'][1:])))}{e['msg']}" for e in found[:_SHOWN_PROBLEMS]]
    if len(found) > _SHOWN_PROBLEMS:
        lines.append(f"and {len(found) - _SHOWN_PROBLEMS} more")
    return "; ".join(lines)


def _at(path: str) -> str:
    path = path.removeprefix(".")
    return f"{path}: " if path else ""
