"""What a handler may ask of the run that it works for. The engine has the class behind it."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar
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


class StreamedPart(Protocol):
    """One text or reasoning part of the answer, an async context manager.

    Leaving the block ends the part; leaving it by an exception keeps it open for the next attempt.
    """

    @property
    def part_id(self) -> str:
        """`<step>.<n>`, or `<step>.<name>` for a named part."""

    @property
    def text_so_far(self) -> str:
        """What an earlier attempt had streamed into this part: go on after it."""

    @property
    def text_at_checkpoint(self) -> str:
        """The beginning of it that was there at the last checkpoint."""

    @property
    def complete(self) -> bool:
        """Whether an earlier attempt had ended the part, so that nothing is left to write."""

    async def write(self, delta: str) -> None:
        """Append text. Waits while too much is uncommitted."""

    async def end(self) -> None:
        """End the part. Ending it again does nothing."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Stream(Protocol):
    """The run's log, as far as this step may write it. Each call waits for room."""

    def text(self, name: str | None = None) -> StreamedPart:
        """Begin a text part, or go on in the one that an earlier attempt began.

        Args:
          name: for steps that write several parts at once and must find each again.
        """

    def reasoning(self) -> StreamedPart:
        """Begin a reasoning part."""

    async def sources(self, sources: Sequence[Mapping[str, Any]]) -> None:
        """Publish `data-sources`: entries of sourceId, title and, where there is one, url."""

    async def data(
        self, name: str, value: Any, id: str | None = None, transient: bool = False
    ) -> None:
        """Publish a data part.

        Args:
          name: readers see the type `data-<name>`.
          value: any JSON, at most 256 KiB.
          id: a later part of the same name and id replaces this one.
          transient: readers are told and the message keeps nothing.
        """

    async def metadata(self, metadata: Mapping[str, Any]) -> None:
        """Merge `metadata` into the message's metadata."""

    async def write(self, chunk: Mapping[str, Any]) -> None:
        """Write one UI-message chunk as it is, for example one of a tool call."""


class Model(Protocol):
    """The language model of the worker's settings."""

    async def text(self, messages: Sequence[Any]) -> StreamedText:
        """Ask the model and return its answer; nothing goes into the log.

        For steps whose output readers do not follow, and for items of a map.
        """

    async def stream_text(
        self, messages: Sequence[Any], *, part: str | None = None
    ) -> StreamedText:
        """Ask the model and stream its answer into the log as one text part.

        Messages are `tidewire.ChatMessage`, oldest first. In a later attempt of a step with
        on_retry="continue" the answer goes on where the log ends, and the returned text is the
        whole of it.
        """


class Context(Protocol):
    """One attempt at one step."""

    @property
    def run_id(self) -> UUID: ...
    @property
    def user_id(self) -> UUID | None:
        """The run's owner; None when the run belongs to the service.

        Refused, like `thread_id` and `thread`, in a step whose cache has scope="shared".
        """

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
    def stream(self) -> Stream:
        """The run's log, as far as this step may write it; refused to the items of a map."""

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

    async def sleep(self, name: str, duration: timedelta) -> None:
        """Sleep for `duration`, however long that is and whatever dies meanwhile.

        The first call with a name ends the attempt and frees the worker's slot. When the time has
        come the handler runs again from its top, and this call then returns at once: do nothing
        before it that must not be done twice, or keep what was done in a checkpoint. Sleeping takes
        none of the step's attempts. The time counts from the first call; a later call with another
        duration does not change it.

        Args:
          name: tells the sleeps of one step apart; each name sleeps once. 1 to 64 characters.
          duration: 0 to 365 days.
        """

    def wait(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Run one of this context's coroutines from a handler's thread and return its result."""
