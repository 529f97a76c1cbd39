"""A wait that can be cut short, and that holds no timer while there is nothing to wait for."""

from __future__ import annotations

import asyncio
from typing import Self


class Alarm:
    """One task waits, others ring. A ring before the wait is not lost. Not for threads."""

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._rung = False

    def ring(self) -> None:
        """End the wait, now or when it begins."""
        self._rung = True
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def clear(self) -> Self:
        """Forget earlier rings."""
        self._rung = False
        return self

    async def wait(self, until: float | None = None) -> bool:
        """Wait for a ring or for the loop's time `until`; return whether it rang.

        `until` None waits for a ring alone. A ring that is answered here is forgotten.
        """
        if not self._rung:
            loop = asyncio.get_running_loop()
            if until is not None and until <= loop.time():
                return False
            self._waiter = waiter = loop.create_future()
            timer = None if until is None else loop.call_at(until, _end, waiter)
            try:
                await waiter
            finally:
                self._waiter = None
                if timer is not None:
                    timer.cancel()
        rung, self._rung = self._rung, False
        return rung


def _end(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
