"""Handlers that are plain functions run in threads."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any


class HandlerThreads:
    """Runs functions in daemon threads, one each.

    A thread cannot be ended from outside. One whose caller was cancelled is abandoned: it is
    counted until it ends by itself, and never keeps the process alive.
    """

    def __init__(self) -> None:
        self.abandoned = 0

    async def call(self, function: Callable[[], Any], *, name: str) -> Any:
        """Return what `function` returns, or raise what it raises.

        When cancelled, leaves the function running and its result unused.
        """
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()
        left = False

        def settle(result: Any, error: BaseException | None) -> None:
            if left:
                self.abandoned -= 1
            if outcome.done():
                return
            if error is None:
                outcome.set_result(result)
            elif isinstance(error, StopIteration):
                outcome.set_exception(RuntimeError("the handler raised StopIteration"))
            else:
                outcome.set_exception(error)

        def work() -> None:
            result: Any = None
            error: BaseException | None = None
            try:
                result = context.run(function)
            except (Exception, asyncio.CancelledError) as raised:  # for whoever awaits the call
                error = raised
            except BaseException as raised:
                # A handler that exits ends itself, not the worker and everybody else's steps.
                error = RuntimeError(f"the handler raised {raised!r}")
            # The loop is closed when the worker ended without this thread.
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, result, error)

        threading.Thread(target=work, name=name, daemon=True).start()
        try:
            return await outcome
        except asyncio.CancelledError:
            if not outcome.done() or outcome.cancelled():
                left = True
                self.abandoned += 1
            raise
