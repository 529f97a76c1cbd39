"""What a handler gets as `ctx`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from tidewire.engine.attempt import Asleep, Attempt
from tidewire.engine.services import Services
from tidewire.engine.step_model import StepModel
from tidewire.errors import ConfigurationError, PermanentStepError
from tidewire.stream import chunks
from tidewire.stream.checkpoint import save_checkpoint
from tidewire.stream.earlier import EarlierParts
from tidewire.stream.pending import PendingStream
from tidewire.stream.writer import StreamWriter

Value = TypeVar("Value")

_logger = logging.getLogger("tidewire.step")
# What a token is worth in characters, on average over languages; good enough for a limit.
_CHARACTERS_A_TOKEN: Final = 4
_LONGEST_SLEEP_NAME: Final = 64
_LONGEST_SLEEP: Final = timedelta(days=365)  # as long as a run may take


class ThreadView:
    """The conversation that a run belongs to."""

    def __init__(self, services: Services, run_id: str) -> None:
        self._services, self._run_id = services, run_id

    async def messages(self, max_tokens: int | None = None) -> list[dict[str, Any]]:
        """Return the thread's UI messages, oldest first, without this run's own answer.

        Args:
          max_tokens: leave out the oldest messages until the text of the rest is about this long.
            The last message always stays.
        """
        messages = await self._services.runs.thread_messages(self._run_id)
        if max_tokens is None:
            return messages
        left = max_tokens * _CHARACTERS_A_TOKEN
        for place in range(len(messages) - 1, -1, -1):
            left -= sum(len(part.get("text") or "") for part in messages[place]["parts"])
            if left < 0 and place < len(messages) - 1:
                return messages[place + 1 :]
        return messages


class StepContext:
    """One attempt at one step.

    Its coroutines belong to the worker's loop: a handler that runs in a thread calls them by
    `ctx.wait(...)`.
    """

    def __init__(
        self,
        attempt: Attempt,
        pending: PendingStream,
        services: Services,
        loop: asyncio.AbstractEventLoop,
        earlier: EarlierParts | None,
        *,
        impersonal: bool = False,
    ) -> None:
        self._impersonal = impersonal
        self._attempt, self._pending, self._services = attempt, pending, services
        self._loop = loop
        self._writer: StreamWriter | None = None
        if earlier is not None:
            # Now, because its opening entries belong before anything the handler writes.
            self._writer = self._new_writer(earlier)

    @property
    def run_id(self) -> UUID:
        return UUID(self._attempt.step.run_id)

    @property
    def user_id(self) -> UUID | None:
        """The run's owner; None when the run belongs to the service."""
        self._refuse_if_impersonal("user_id")
        user_id = self._attempt.step.user_id
        return None if user_id is None else UUID(user_id)

    @property
    def thread_id(self) -> str | None:
        self._refuse_if_impersonal("thread_id")
        return self._attempt.step.thread_id

    @property
    def attempt(self) -> int:
        """1 for the first try."""
        return self._attempt.step.attempt

    @property
    def checkpoint(self) -> Any:
        """What an earlier attempt saved last, or None."""
        saved = self._attempt.step.checkpoint
        return None if saved is None else saved["data"]

    @property
    def cancelled(self) -> bool:
        """Whether the result is no longer wanted. A handler in a thread should look at it."""
        return self._attempt.stopped is not None or self._attempt.expired

    @property
    def thread(self) -> ThreadView:
        self._refuse_if_impersonal("thread")
        return ThreadView(self._services, self._attempt.step.run_id)

    @property
    def stream(self) -> StreamWriter:
        """The run's log, as far as this step may write it.

        Raises:
          PermanentStepError: an item of a map asks; the map's counts are in the log instead.
        """
        if self._attempt.step.is_item:
            raise PermanentStepError(
                f"step {self._attempt.step.step_slug}: items of a map write nothing to the log"
            )
        if self._writer is None:
            self._writer = self._new_writer(None)
        return self._writer

    @property
    def model(self) -> StepModel:
        """The language model of the worker's settings.

        Raises:
          ConfigurationError: no model is configured.
        """
        if self._services.model is None:
            raise ConfigurationError("OPENAI_API_KEY and OPENAI_MODEL must be set, got nothing")
        return StepModel(self._services.model, lambda: self.stream)

    @property
    def supabase(self) -> Any:
        """The supabase-py AsyncClient with the secret key: row level security does not apply."""
        return self._services.supabase.client()

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """Adds run, step and attempt to every line."""
        step = self._attempt.step
        facts = {"run": step.run_id, "step": step.step_slug, "attempt": step.attempt}
        return logging.LoggerAdapter(_logger, facts)

    async def progress(self, message: str, counts: Mapping[str, int] | None = None) -> None:
        """Tell the run's readers how far this step is."""
        step = self._attempt.step
        await self.stream.write(chunks.progress(step.step_slug, step.attempt, message, counts))

    async def save_checkpoint(self, data: Any) -> None:
        """Save JSON for the next attempt; returns once it is committed with all that was logged.

        Raises:
          PayloadTooLarge: the data is over the limit, 1 MiB by default.
          LeaseLost, RunCancelled: the step is no longer this worker's; nothing was saved.
        """
        await save_checkpoint(
            self._pending,
            self._services.log,
            data,
            most_bytes=self._services.payload_bytes,
            published=self._services.published,
        )

    async def sleep(self, name: str, duration: timedelta) -> None:
        """Sleep durably: see `tidewire.Context.sleep`.

        Raises:
          ValueError: the name is not 1 to 64 printable characters, or the duration not 0 to 365
            days.
        """
        milliseconds = _sleep_milliseconds(name, duration)
        if name in (self._attempt.step.sleeps or {}):
            return
        asleep = Asleep(name, milliseconds)
        self._attempt.stop(asleep)
        await asyncio.sleep(0)  # the cancellation arrives here
        # Not in a thread's call, which is a task of its own: the thread is ended by this.
        raise asleep

    def wait(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Run one of this context's coroutines from a handler's thread and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close_stream(self) -> None:
        """End the parts left open. The executor calls it when the handler has returned."""
        if self._writer is not None:
            self._writer.close()

    def _refuse_if_impersonal(self, name: str) -> None:
        if self._impersonal:
            raise PermanentStepError(
                f"step {self._attempt.step.step_slug}: ctx.{name} must not be read, "
                'since all users share its cached output (scope="shared")'
            )

    def _new_writer(self, earlier: EarlierParts | None) -> StreamWriter:
        return StreamWriter(self._pending, step_slug=self._attempt.step.step_slug, earlier=earlier)


def _sleep_milliseconds(name: object, duration: object) -> int:
    if (
        not isinstance(name, str)
        or not 1 <= len(name) <= _LONGEST_SLEEP_NAME
        or not name.isprintable()
    ):
        raise ValueError(
            f"name of a sleep must be 1 to {_LONGEST_SLEEP_NAME} printable characters, got {name!r}"
        )
    if not isinstance(duration, timedelta) or not timedelta() <= duration <= _LONGEST_SLEEP:
        raise ValueError(
            f"duration of sleep {name} must be a timedelta from 0 to {_LONGEST_SLEEP.days} days,"
            f" got {duration!r}"
        )
    return max(1, round(duration / timedelta(milliseconds=1)))
