"""Decodes the few messages of Postgres's `pgoutput` plugin that inserts come in."""

from __future__ import annotations

import struct
from collections.abc import Mapping

Row = Mapping[str, bytes | None]

_RELATION, _INSERT = b"R"[0], b"I"[0]
_NULL, _TOAST, _TEXT = b"n"[0], b"u"[0], b"t"[0]


class PgOutputDecoder:
    """Remembers the columns of each relation and names the values of each inserted row."""

    def __init__(self) -> None:
        self._columns: dict[int, list[str]] = {}

    def decode(self, message: bytes) -> Row | None:
        """Return the row of an insert, as text; None for every other message.

        A relation is described before its first row, in the same stream.
        """
        if message[0] == _RELATION:
            self._remember(_Reader(message, 1))
            return None
        if message[0] != _INSERT:
            return None
        reader = _Reader(message, 1)
        columns = self._columns[reader.int32()]
        reader.int8()  # always 'N': the new row
        return dict(zip(columns, reader.values(), strict=True))

    def _remember(self, reader: _Reader) -> None:
        relation = reader.int32()
        reader.text()  # schema
        reader.text()  # table
        reader.int8()  # replica identity
        columns = list[str]()
        for _ in range(reader.int16()):
            reader.int8()  # part of the key
            columns.append(reader.text())
            reader.int32()  # type
            reader.int32()  # type modifier
        self._columns[relation] = columns


class _Reader:
    """Reads a message from left to right."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position

    def int8(self) -> int:
        return self._unpack("!B")

    def int16(self) -> int:
        return self._unpack("!H")

    def int32(self) -> int:
        return self._unpack("!I")

    def text(self) -> str:
        end = self._data.index(b"\0", self._position)
        value = self._data[self._position : end].decode()
        self._position = end + 1
        return value

    def values(self) -> list[bytes | None]:
        return [self._value() for _ in range(self.int16())]

    def _value(self) -> bytes | None:
        kind = self.int8()
        if kind in (_NULL, _TOAST):
            return None
        if kind != _TEXT:
            raise ValueError(f"column value must be text, got kind {chr(kind)!r}")
        length = self.int32()
        start, self._position = self._position, self._position + length
        return self._data[start : self._position]

    def _unpack(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._data, self._position)
        self._position += struct.calcsize(form)
        return int(value)
