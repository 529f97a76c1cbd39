"""The functions by which a worker says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tidewire.store.database import Database


class WorkerStore:
    """Registration and idleness of one worker."""

    def __init__(self, database: Database, *, worker_id: UUID) -> None:
        self._database, self._worker_id = database, worker_id

    async def register(self, document: Mapping[str, Any]) -> dict[str, int]:
        """Announce the worker: {name, pid, host, queues}; return the limits {payload_bytes}."""
        limits: dict[str, int] = await self._database.fetch_value(
            "select tidewire.register_worker($1, $2)", self._worker_id, document
        )
        return limits

    async def register_flow(self, definition: Mapping[str, Any]) -> str:
        """Store a flow's definition and return its version.

        Raises:
          FlowDefinitionError: the database refused the definition.
          UnknownWorker: `register` comes first.
        """
        version: str = await self._database.fetch_value(
            "select tidewire.register_flow($1, $2)", self._worker_id, definition
        )
        return version

    async def set_idle(self, idle: bool) -> None:
        """Say whether the worker waits to be woken."""
        await self._database.fetch("select tidewire.set_idle($1, $2)", self._worker_id, idle)

    async def stop(self) -> None:
        """Say goodbye."""
        await self._database.fetch("select tidewire.stop_worker($1)", self._worker_id)
