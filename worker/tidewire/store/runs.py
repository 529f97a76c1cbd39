"""What the service may ask and start without a user's session."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from tidewire.store.database import Database


class RunStore:
    """Starts runs for trusted callers and reads the conversations that runs belong to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def thread_messages(self, run_id: str) -> list[dict[str, Any]]:
        """Return the UI messages of the run's thread, oldest first, without its own answer."""
        messages: list[dict[str, Any]] | None = await self._database.fetch_value(
            "select tidewire.thread_messages($1)", run_id
        )
        return messages or []

    async def start(
        self,
        flow_slug: str,
        run_input: Any,
        *,
        user_id: UUID | None = None,
        run_id: UUID | None = None,
        thread_id: str | None = None,
        idempotency_key: str | None = None,
        priority: int = 0,
    ) -> dict[str, Any]:
        """Start a run and return {run_id, message_id, status, created}.

        Raises:
          NotFound: no such flow.
          Conflict: the run id or key was used before with another input.
          ThreadBusy: the thread has an active run.
        """
        run: dict[str, Any] = await self._database.fetch_value(
            # As text, because a driver cannot tell a JSON null from an SQL one.
            "select tidewire.start_run_for($1, $2, $3::text::jsonb, $4, $5, $6, $7)",
            user_id,
            flow_slug,
            orjson.dumps(run_input).decode(),
            run_id,
            thread_id,
            idempotency_key,
            priority,
        )
        return run
