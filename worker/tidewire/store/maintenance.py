"""The functions that keep the tables in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidewire.store.database import Database


class MaintenanceStore:
    """Rescue, deadlines, promotion, folding."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def maintain(self) -> dict[str, Any]:
        """Do a bounded amount of everything that is due; return how much of each."""
        done: dict[str, Any] | None = await self._database.fetch_value("select tidewire.maintain()")
        return done or {}

    async def fold_messages(self, run_ids: Sequence[str]) -> None:
        """Turn the finished logs of these runs into the messages they answer."""
        await self._database.fetch(
            "select tidewire.fold_messages($1, $2)", list(run_ids), len(run_ids)
        )
