"""Hands steps back to the database before their handlers have come to an end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from tidewire.engine.attempt import Asleep, Attempt
from tidewire.errors import LeaseLost, RunCancelled
from tidewire.store import Reply, StepStore, is_transient
from tidewire.stream.pending import PendingStream

_log = logging.getLogger(__name__)

# A worker that shuts down has no time for more; the lease does the rest.
_RELEASE_LIMIT: Final = 2.0
_BUSY_TICK: Final = 0.01
_BACKOFF: Final = 0.2


class Handback:
    """Gives up leases without spending attempts.

    What cannot be given up is left to its lease, and then the attempt is spent.
    """

    def __init__(self, steps: StepStore) -> None:
        self._steps = steps

    async def release(self, attempt: Attempt, stream: PendingStream) -> None:
        """Put the step back in its line: this worker shuts down."""
        until = time.monotonic() + _RELEASE_LIMIT
        await self._hand(
            attempt,
            stream,
            lambda: self._steps.release([attempt.step.key()]),
            may_repeat=lambda: time.monotonic() < until,
        )

    async def sleep(self, attempt: Attempt, stream: PendingStream, asleep: Asleep) -> bool:
        """Let the step sleep, as soon as the database can be asked. Returns whether it does.

        Tries as long as the lease is held: a sleep that were given up would spend an attempt.
        """
        item = attempt.step.key() | {"name": asleep.name, "wait_ms": asleep.milliseconds}
        return await self._hand(
            attempt,
            stream,
            lambda: self._steps.sleep([item]),
            may_repeat=lambda: time.monotonic() < attempt.lease_until,
        )

    async def _hand(
        self,
        attempt: Attempt,
        stream: PendingStream,
        call: Callable[[], Awaitable[Reply]],
        *,
        may_repeat: Callable[[], bool],
    ) -> bool:
        try:
            await stream.flush()
            answer = await _answered(call, may_repeat)
        except Exception as error:
            if not is_transient(error) and not isinstance(error, LeaseLost | RunCancelled):
                raise
            answer = type(error).__name__
        if answer in ("released", "slept"):
            _log.info("step handed back", extra={"step": attempt.name, "answer": answer})
            return True
        _log.warning("step left to its lease", extra={"step": attempt.name, "answer": answer})
        return False


async def _answered(call: Callable[[], Awaitable[Reply]], may_repeat: Callable[[], bool]) -> str:
    """Make the call, again while its run is busy or the database is away."""
    while True:
        try:
            answer = (await call()).answers[0].name
        except Exception as error:
            if not is_transient(error) or not may_repeat():
                raise
            _log.warning("step not handed back, will retry", extra={"fault": repr(error)})
            await asyncio.sleep(_BACKOFF)
            continue
        if answer != "busy" or not may_repeat():
            return answer
        await asyncio.sleep(_BUSY_TICK)
