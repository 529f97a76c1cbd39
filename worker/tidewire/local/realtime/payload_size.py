"""The size of a payload as the hosted server counts it: in Erlang's external term format."""

from __future__ import annotations

from typing import Any

# No JSON value takes more than this many external bytes for each byte of its text:
# the worst are floats such as `1e1,`, nine bytes for four.
_WORST_RATIO = 2.5
_VERSION_BYTE = 1
_LONGEST_STRING_EXT = 65_535


def fits(payload: Any, *, text_bytes: int, limit: int) -> bool:
    """Return whether `payload` is within `limit` external bytes.

    Args:
      payload: decoded JSON.
      text_bytes: length of the JSON text it came from; spares most payloads the counting.
      limit: in bytes.
    """
    return text_bytes * _WORST_RATIO + 16 <= limit or external_size(payload) <= limit


def external_size(payload: Any) -> int:
    """Return the bytes `payload` takes in Erlang's external term format."""
    total, pending = _VERSION_BYTE, [payload]
    while pending:
        value = pending.pop()
        total += _own_size(value)
        if isinstance(value, dict):
            pending.extend(value.keys())
            pending.extend(value.values())
        elif isinstance(value, list) and not _is_byte_list(value):
            pending.extend(value)
    return total


def _own_size(value: Any) -> int:
    match value:
        case None:
            return 5
        case bool():
            return 6 if value else 7
        case int():
            return _integer_size(value)
        case float():
            return 9
        case str():
            return 5 + len(value.encode())
        case dict():
            return 5
        case []:
            return 1
        case list():
            return 3 + len(value) if _is_byte_list(value) else 6
        case _:
            raise TypeError(f"payload must be JSON, got {type(value).__name__}")


def _integer_size(value: int) -> int:
    if 0 <= value <= 255:
        return 2
    if -(2**31) <= value < 2**31:
        return 5
    return 3 + (abs(value).bit_length() + 7) // 8


def _is_byte_list(value: list[Any]) -> bool:
    """Short lists of small integers are strings to Erlang, a byte for each."""
    return 0 < len(value) <= _LONGEST_STRING_EXT and all(
        type(item) is int and 0 <= item <= 255 for item in value
    )
