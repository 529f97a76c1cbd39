"""The log functions: append chunks, save checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from tidewire.store.answers import COLUMNS, Reply, read_reply
from tidewire.store.database import Database


class LogStore:
    """Writes to the logs of runs, for steps under lease."""

    def __init__(self, database: Database, *, lease: timedelta) -> None:
        self._database, self._lease = database, lease

    async def append(self, appends: Sequence[Mapping[str, Any]]) -> Reply:
        """Append the chunks of many steps at once; each append has an answer of its own."""
        rows = await self._database.fetch(
            COLUMNS + "tidewire.append_chunks($1, $2)", self._lease, appends
        )
        return read_reply(rows)

    async def save_checkpoints(self, checkpoints: Sequence[Mapping[str, Any]]) -> Reply:
        """Save checkpoints, each together with the chunks that come before it."""
        rows = await self._database.fetch(
            COLUMNS + "tidewire.save_checkpoint($1, $2)", self._lease, checkpoints
        )
        return read_reply(rows)
