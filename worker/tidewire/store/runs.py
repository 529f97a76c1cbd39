"""What the service may ask and start without a user's session."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from tidewire.store.database import Database


class RunStore:
    """Starts and repeats runs for trusted callers, and reads the conversations of runs."""

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

    async def retry(
        self, run_id: UUID, *, from_step: str | None = None, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Do an ended run again as a new one and return {run_id, message_id, status, created}.

        Args:
          run_id: the run that has ended; it stays as it is.
          from_step: redone with all that depends on it. Without it, what a failed or cancelled run
            had not finished is redone.
          idempotency_key: the same key for the same retry answers the run that it made first.

        Raises:
          NotFound: no such run.
          InvalidArgument: the flow has no such step, or nothing is left to redo.
          Conflict: the key was used before for something else.
          ThreadBusy: the run, or another one in its thread, is active.
        """
        run: dict[str, Any] = await self._database.fetch_value(
            "select tidewire.retry_run_for($1, $2, $3)", run_id, from_step, idempotency_key
        )
        return run

    async def regenerate(
        self, run_id: UUID, *, run_input: Any = None, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Redo the streaming steps of an ended run, and what depends on them, as a new run.

        Args:
          run_id: the run that has ended; it stays as it is.
          run_input: the new run's input; None for the same as before.
          idempotency_key: the same key for the same call answers the run that it made first.

        Returns:
          {run_id, message_id, status, created} of the new run.

        Raises:
          NotFound: no such run.
          InvalidArgument: no step of the flow streams, or the input is malformed.
          Conflict: the key was used before for something else.
          ThreadBusy: the run, or another one in its thread, is active.
        """
        run: dict[str, Any] = await self._database.fetch_value(
            "select tidewire.regenerate_for($1, $2::text::jsonb, $3)",
            run_id,
            None if run_input is None else orjson.dumps(run_input).decode(),
            idempotency_key,
        )
        return run
