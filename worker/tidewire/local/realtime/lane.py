"""A lane: work done strictly in order, without a task while it need not wait."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_log = logging.getLogger(__name__)
_Item = TypeVar("_Item")


class Lane(Generic[_Item]):
    """Handles items one after the other.

    A handler that returns None is done; one that returns an awaitable holds up the items behind it
    until that is done. So the common case costs a function call, and order is never lost.
    """

    def __init__(self, handle: Callable[[_Item], Awaitable[None] | None]) -> None:
        self._handle = handle
        self._waiting: deque[_Item] = deque()
        self._current: asyncio.Future[None] | None = None
        self._drained: Callable[[], None] | None = None
        self._idle: asyncio.Event | None = None
        self._closed = False

    @property
    def backlog(self) -> int:
        """How many items wait behind the one being handled."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether anything is being handled or waits."""
        return self._current is not None or bool(self._waiting)

    def push(self, item: _Item) -> None:
        if self._closed:
            return
        self._waiting.append(item)
        if self._current is None:
            self._advance()

    def when_drained(self, notify: Callable[[], None]) -> None:
        """Call `notify` once, when nothing waits any more."""
        self._drained = notify

    async def drained(self) -> None:
        """Return when nothing waits any more."""
        empty = asyncio.Event()
        self.when_drained(empty.set)
        await empty.wait()

    async def idle(self) -> None:
        """Return when nothing waits and nothing is being handled."""
        if self.busy:
            self._idle = self._idle or asyncio.Event()
            await self._idle.wait()

    def finish(self) -> None:
        """Take nothing more, and handle what is there."""
        self._closed = True

    def close(self) -> None:
        """Forget what waits and cancel what is being handled."""
        self._closed = True
        self._waiting.clear()
        if self._current is not None:
            self._current.cancel()
        self._tell_drained()
        if self._current is None:
            self._tell_idle()

    def _advance(self) -> None:
        while self._waiting and self._current is None:
            try:
                pending = self._handle(self._waiting.popleft())
            except Exception:
                _log.exception("realtime message failed")
                continue
            if pending is not None:
                self._current = asyncio.ensure_future(pending)
                self._current.add_done_callback(self._finished)
        if not self._waiting:
            self._tell_drained()
        if not self.busy:
            self._tell_idle()

    def _finished(self, future: asyncio.Future[None]) -> None:
        self._current = None
        if not future.cancelled() and (error := future.exception()) is not None:
            _log.error("realtime message failed", exc_info=error)
        self._advance()

    def _tell_drained(self) -> None:
        if self._drained is not None:
            notify, self._drained = self._drained, None
            notify()

    def _tell_idle(self) -> None:
        if self._idle is not None:
            self._idle.set()
            self._idle = None
