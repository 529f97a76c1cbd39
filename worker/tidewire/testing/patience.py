"""Looks again and again at what another session writes, until a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar

Value = TypeVar("Value")

# Short at first, because most steps of tests take milliseconds.
_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.05
_GROWTH: Final = 1.3


async def wait_until(
    look: Callable[[], Awaitable[Value | None]],
    *,
    limit: timedelta,
    failure: Callable[[], Awaitable[Exception]],
) -> Value:
    """Return what `look` sees once that is neither None nor false.

    Args:
      look: called until it answers.
      limit: in real time.
      failure: makes the error to raise when the limit has passed.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit.total_seconds()
    pause = _FIRST_PAUSE
    while not (seen := await look()):
        if loop.time() >= deadline:
            raise await failure()
        await asyncio.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
    return seen
