"""The step functions: claim, heartbeat, complete, fail, release, sleep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from tidewire.store.answers import COLUMNS, LeasedStep, Reply, read_reply
from tidewire.store.database import Database


class StepStore:
    """The worker's only door to the step functions: one method per SQL function.

    Args:
      versions: the flow versions that this worker has; it claims no others.
      queues: the queues that it serves.
    """

    def __init__(
        self,
        database: Database,
        *,
        worker_id: UUID,
        queues: Sequence[str],
        versions: Sequence[str],
        lease: timedelta,
    ) -> None:
        self._database, self._worker_id, self._lease = database, worker_id, lease
        self._queues, self._versions = list(queues), list(versions)

    def on(self, database: Database) -> StepStore:
        """Return the same functions over another database, such as one of another loop."""
        return StepStore(
            database,
            worker_id=self._worker_id,
            queues=self._queues,
            versions=self._versions,
            lease=self._lease,
        )

    async def claim(self, quantity: int) -> Reply:
        """Lease up to `quantity` ready steps."""
        rows = await self._database.fetch(
            COLUMNS + "tidewire.claim_steps($1, $2, $3, $4, $5)",
            self._worker_id,
            self._queues,
            self._versions,
            self._lease,
            quantity,
        )
        return read_reply(rows)

    async def extend_leases(
        self, keys: Sequence[Mapping[str, Any]], *, limit: timedelta | None = None
    ) -> Reply:
        """Extend leases and say that the worker lives. `keys` may be empty."""
        rows = await self._database.fetch(
            COLUMNS + "tidewire.extend_leases($1, $2, $3)",
            self._worker_id,
            self._lease,
            keys,
            limit=limit,
        )
        return read_reply(rows)

    async def complete(self, completions: Sequence[Mapping[str, Any]], *, claim: int) -> Reply:
        """Record outputs, and lease up to `claim` ready steps in the same round trip."""
        rows = await self._database.fetch(
            COLUMNS + "tidewire.complete_steps($1, $2, $3, $4, $5, $6)",
            self._worker_id,
            completions,
            self._lease,
            self._queues,
            self._versions,
            claim,
        )
        return read_reply(rows)

    async def fail(self, failures: Sequence[Mapping[str, Any]]) -> Reply:
        """Record failures; the database decides about further attempts."""
        rows = await self._database.fetch(
            COLUMNS + "tidewire.fail_steps($1, $2)", self._worker_id, failures
        )
        return read_reply(rows)

    async def release(self, keys: Sequence[Mapping[str, Any]]) -> Reply:
        """Hand steps back without spending their attempts."""
        rows = await self._database.fetch(
            COLUMNS + "tidewire.release_steps($1, $2)", self._worker_id, keys
        )
        return read_reply(rows)

    async def sleep(self, sleeps: Sequence[Mapping[str, Any]]) -> Reply:
        """Let steps sleep without spending their attempts: keys with `name` and `wait_ms`."""
        rows = await self._database.fetch(
            COLUMNS + "tidewire.sleep_steps($1, $2)", self._worker_id, sleeps
        )
        return read_reply(rows)

    async def read_text(self, step: LeasedStep) -> dict[str, dict[str, Any]]:
        """Return what earlier attempts streamed, by part id.

        Each is {type, text, text_at_checkpoint, open, reset}.
        """
        document = await self._database.fetch_value(
            "select tidewire.read_step_text($1, $2, $3, $4)",
            step.run_id,
            step.step_slug,
            step.item_index,
            step.lease_token,
        )
        parts: dict[str, dict[str, Any]] = (document or {}).get("parts", {})
        return parts
