"""What a handler may ask of the run that it works for. The engine has the class behind it."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

Value = TypeVar("Value")


class StreamedText(Protocol):
    """What `ctx.model.stream_text` returns when the model has finished."""

    @property
    def text(self) -> str:
        """The whole answer, with what an earlier attempt had already streamed."""

    @property
    def finish_reason(self) -> str:
        """One of stop, length, content-filter, tool-calls, error, other."""

    @property
    def usage(self) -> Any:
        """Token counts, where the provider reports them."""


class Thread(Protocol):
    """The conversation that the run belongs to."""

    async def messages(self, max_tokens: int | None = None) -> list[dict[str, Any]]:
        """Return the thread's UI messages, oldest first, without this run's own answer.

        Args:
          max_tokens: leave out the oldest ones until the rest is about this long.
        """


class Stream(Protocol):
    """The run's log, as far as this step may write it."""

    async def sources(self, sources: list[dict[str, Any]]) -> None:
        """Publish `data-sources`: entries of sourceId, title and, where there is one, url."""


class Model(Protocol):
    """The language model of the worker's settings."""

    async def stream_text(
        self, messages: Sequence[Any], *, part: str | None = None
    ) -> StreamedText:
        """Ask the model and stream its answer into the log as one text part.

        In a later attempt of a step with on_retry="continue" the answer goes on where the log
        ends, and the returned text is the whole of it.
        """


class Context(Protocol):
    """One attempt at one step."""

    @property
    def run_id(self) -> UUID: ...
    @property
    def user_id(self) -> UUID | None:
        """The run's owner; None when the run belongs to the service."""

    @property
    def thread_id(self) -> str | None:
        """The conversation's id; None for a run outside any."""

    @property
    def attempt(self) -> int:
        """1 for the first try."""

    @property
    def checkpoint(self) -> Any:
        """What an earlier attempt saved last, or None."""

    @property
    def cancelled(self) -> bool:
        """Whether the result is no longer wanted. A handler in a thread should look at it."""

    @property
    def thread(self) -> Thread: ...
    @property
    def stream(self) -> Stream: ...
    @property
    def model(self) -> Model: ...
    @property
    def supabase(self) -> Any:
        """The supabase-py AsyncClient with the secret key: row level security does not apply."""

    @property
    def logger(self) -> logging.Logger | logging.LoggerAdapter[Any]: ...

    async def progress(self, message: str, counts: Mapping[str, int] | None = None) -> None:
        """Tell the run's readers how far this step is."""

    async def save_checkpoint(self, data: Any) -> None:
        """Save JSON for the next attempt; returns once it is committed with all that was logged."""

    def wait(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Run one of this context's coroutines from a handler's thread and return its result."""
