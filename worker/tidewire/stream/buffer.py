"""The chunks that a step has written and the database has not yet taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tidewire.stream.chunks import Chunk

_DELTA_TYPES: Final = frozenset({"text-delta", "reasoning-delta"})
# Text in JSON takes at most six bytes a character, so a merged delta stays under the limit.
MOST_MERGED_CHARACTERS: Final = 32_768
# What a chunk takes in memory besides its text; the bound need not be exact.
_CHUNK_OVERHEAD: Final = 128


@dataclass(frozen=True, slots=True)
class Batch:
    """Chunks on their way. Never changed, so that a retry is byte for byte the same."""

    first_sequence: int
    chunks: Sequence[Chunk]
    size: int


class ChunkBuffer:
    """Chunks in order, adjacent deltas of one part merged, numbered from the step's last sequence.

    At most one batch is out at a time: `take` it, then `settle` it.
    """

    def __init__(self, last_sequence: int) -> None:
        self._sequence = last_sequence
        self._chunks: list[Chunk] = []
        self._texts: list[str] | None = None
        self._text_size = 0
        self._size = 0
        self.out: Batch | None = None

    @property
    def size(self) -> int:
        """About how many bytes wait or are on their way."""
        return self._size + (0 if self.out is None else self.out.size)

    @property
    def waiting(self) -> bool:
        """Whether there are chunks beyond the batch that is out."""
        return bool(self._chunks)

    def add(self, chunk: Chunk, size: int = 0) -> None:
        """Append a chunk; `size` is its length when that is known to matter."""
        self._close_delta()
        self._chunks.append(chunk)
        self._size += size + _CHUNK_OVERHEAD

    def add_delta(self, chunk: Chunk) -> None:
        """Append a text or reasoning delta, merged with the one before if it is of the same part.

        The chunk's delta must not be longer than MOST_MERGED_CHARACTERS.
        """
        delta: str = chunk["delta"]
        length = len(delta)
        last: dict[str, Any] | None = self._chunks[-1] if self._chunks else None
        if (
            last is not None
            and last["type"] in _DELTA_TYPES
            and last["id"] == chunk["id"]
            and last["type"] == chunk["type"]
            and self._text_size + length <= MOST_MERGED_CHARACTERS
        ):
            if self._texts is None:
                self._texts = [last["delta"]]
            self._texts.append(delta)
            self._text_size += length
            self._size += length
            return
        self._close_delta()
        self._chunks.append(chunk)
        self._text_size = length
        self._size += length + _CHUNK_OVERHEAD

    def take(self) -> Batch:
        """Return the batch that is out, else a new one of everything that waits (maybe empty)."""
        if self.out is None:
            self._close_delta()
            self.out = Batch(self._sequence, self._chunks, self._size)
            self._chunks, self._size = [], 0
        return self.out

    def settle(self) -> None:
        """The batch that was out is committed."""
        if self.out is not None:
            self._sequence += len(self.out.chunks)
            self.out = None

    def _close_delta(self) -> None:
        if self._texts is not None:
            # A new dict: the chunk that was handed in is not ours to change.
            self._chunks[-1] = {**self._chunks[-1], "delta": "".join(self._texts)}
            self._texts = None
