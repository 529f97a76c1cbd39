"""Hands steps back to the database before their handlers have come to an end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from tidewire.engine.attempt import Asleep, Attempt
from tidewire.errors import LeaseLost, RunCancelled
from tidewire.store import Reply, StepStore, is_transient
from tidewire.stream.pending import PendingStream

_log = logging.getLogger(__name__)

_LIMIT: Final = 2.0
_BUSY_TICK: Final = 0.01


class Handback:
    """Gives up leases without spending attempts. What cannot be given up is left to its lease."""

    def __init__(self, steps: StepStore) -> None:
        self._steps = steps

    async def release(self, attempt: Attempt, stream: PendingStream) -> None:
        """Put the step back in its line: this worker shuts down."""
        await self._hand(attempt, stream, lambda: self._steps.release([attempt.step.key()]))

    async def sleep(self, attempt: Attempt, stream: PendingStream, asleep: Asleep) -> bool:
        """Let the step sleep. Returns whether it does."""
        item = attempt.step.key() | {"name": asleep.name, "wait_ms": asleep.milliseconds}
        return await self._hand(attempt, stream, lambda: self._steps.sleep([item]))

    async def _hand(
        self, attempt: Attempt, stream: PendingStream, call: Callable[[], Awaitable[Reply]]
    ) -> bool:
        try:
            await stream.flush()
            answer = await self._answered(call)
        except Exception as error:
            if not is_transient(error) and not isinstance(error, LeaseLost | RunCancelled):
                raise
            answer = type(error).__name__
        if answer in ("released", "slept"):
            _log.info("step handed back", extra={"step": attempt.name, "answer": answer})
            return True
        _log.warning("step left to its lease", extra={"step": attempt.name, "answer": answer})
        return False

    async def _answered(self, call: Callable[[], Awaitable[Reply]]) -> str:
        """Make the call; while its run is busy, as with its parallel steps, try again."""
        deadline = asyncio.get_running_loop().time() + _LIMIT
        while True:
            answer = (await call()).answers[0].name
            if answer != "busy" or asyncio.get_running_loop().time() > deadline:
                return answer
            await asyncio.sleep(_BUSY_TICK)
