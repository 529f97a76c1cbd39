"""Live messages: what watchers of a run are sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import orjson

from tidewire.store import LoggedEntries

# Below the 256 kB that the smallest plan delivers, envelope and re-encoding included.
MOST_PAYLOAD_BYTES: Final = 200_000
EVENT: Final = "chunks"


def topic_of(run_id: str) -> str:
    """Return the private topic of a run."""
    return f"tidewire:run:{run_id}"


class Outbox:
    """Entries of one run that are committed and not yet sent, in order."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._waiting: deque[tuple[int, Mapping[str, Any]]] = deque()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return not self._waiting

    def add(self, entries: LoggedEntries) -> None:
        """Take entries, in the order in which they were committed as far as it is known."""
        self._waiting.extend(enumerate(entries.chunks, entries.first_index))

    def take(self) -> dict[str, Any]:
        """Return the next message: as many contiguous entries as fit.

        Of an entry that does not fit alone, only its place is told.
        """
        first_index, chunk = self._waiting.popleft()
        chunks, size = [chunk], len(orjson.dumps(chunk))
        if size > MOST_PAYLOAD_BYTES:
            return {
                "run_id": self.run_id,
                "first_index": first_index,
                "next_index": first_index + 1,
            }
        while self._waiting and self._waiting[0][0] == first_index + len(chunks):
            size += len(orjson.dumps(self._waiting[0][1])) + 1
            if size > MOST_PAYLOAD_BYTES:
                break
            chunks.append(self._waiting.popleft()[1])
        return {"run_id": self.run_id, "first_index": first_index, "chunks": chunks}
