"""Live messages: what watchers of a run are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from tidewire.store import LoggedEntries

# Below the 256 kB that the smallest plan delivers, envelope and re-encoding included.
MOST_PAYLOAD_BYTES: Final = 200_000
EVENT: Final = "chunks"


def topic_of(run_id: str) -> str:
    """Return the private topic of a run."""
    return f"tidewire:run:{run_id}"


@dataclass(slots=True)
class Outbox:
    """Entries of one run that are committed and not yet sent, contiguous ones together."""

    run_id: str
    first_index: int = 0
    chunks: list[Mapping[str, Any]] = field(default_factory=list)
    later: list[LoggedEntries] = field(default_factory=list)

    def add(self, entries: LoggedEntries) -> None:
        """Take entries, in the order in which they were committed as far as it is known."""
        if self.later or (
            self.chunks and entries.first_index != self.first_index + len(self.chunks)
        ):
            self.later.append(entries)
            return
        if not self.chunks:
            self.first_index = entries.first_index
        self.chunks.extend(entries.chunks)

    def take(self) -> dict[str, Any] | None:
        """Return the next payload, or None when there is none."""
        if not self.chunks and self.later:
            waiting, self.later = self.later, []
            for entries in waiting:
                self.add(entries)
        if not self.chunks:
            return None
        first_index, chunks = self.first_index, self.chunks
        self.chunks = []
        return payload_of(self.run_id, first_index, chunks)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return not self.chunks and not self.later


def payload_of(run_id: str, first_index: int, chunks: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the message for these entries; over the size limit, only where to read them."""
    payload = {"run_id": run_id, "first_index": first_index, "chunks": chunks}
    if len(orjson.dumps(payload)) <= MOST_PAYLOAD_BYTES:
        return payload
    return {
        "run_id": run_id,
        "first_index": first_index,
        "next_index": first_index + len(chunks),
    }
