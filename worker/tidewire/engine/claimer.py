"""Keeps the slots filled."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from tidewire.engine.slots import Slots
from tidewire.store import LeasedStep, LoggedEntries, Reply, StepStore, WorkerStore, is_transient
from tidewire.stream.alarm import Alarm

_log = logging.getLogger(__name__)

# How soon to ask again when ready steps were locked by others.
_BUSY_TICK: Final = 0.005
# How long to wait for more of the same before asking to be woken: the steps of a run that has
# just been worked on come back within this.
_GRACE: Final = 0.01
# When to look again after having asked to be woken. A start that did not see the wish yet and was
# committed after the claim behind it wakes nobody; it takes about as long as one of these.
_LOOKS: Final = (0.02, 0.1, 0.5)
_BACKOFF: Final = 0.5


class Claimer:
    """Claims steps while there are free slots and reason to believe that steps are ready.

    Completions bring claimed steps too; this loop claims only when none is under way.

    Args:
      execute: given each claimed step and when its lease ends, in monotonic time.
      published: told of entries once they are committed.
      completing: whether completions are under way.

    Attributes:
      claiming: a claim is under way.
      listening: notifications arrive; set by the wakeup.
    """

    def __init__(
        self,
        steps: StepStore,
        workers: WorkerStore,
        slots: Slots,
        *,
        lease: float,
        poll: float,
        execute: Callable[[LeasedStep, float], None],
        published: Callable[[LoggedEntries], None],
        completing: Callable[[], bool],
    ) -> None:
        self._steps, self._workers, self._slots = steps, workers, slots
        self._lease, self._poll = lease, poll
        self._execute, self._published, self._completing = execute, published, completing
        self._alarm = Alarm()
        self._hungry = True
        self._next_at: float | None = None
        self._quiet_since = 0.0
        self._asked_at = 0.0
        self._idle = False
        self._looks = iter(_LOOKS)
        self._wait = poll
        self._stopping = False
        self.claiming = False
        self.listening = False

    def wake(self) -> None:
        """There may be work."""
        self._hungry = True
        self._alarm.ring()

    def wake_in(self, seconds: float) -> None:
        """There will be work."""
        at = asyncio.get_running_loop().time() + seconds
        self._next_at = at if self._next_at is None else min(self._next_at, at)
        self._alarm.ring()

    def look(self) -> None:
        """Slots or the connection have become free."""
        self._alarm.ring()

    def stop(self) -> None:
        """Claim nothing more. Steps of a claim in flight are still executed."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """Whether no more steps are wanted."""
        return self._stopping

    def received(self, reply: Reply, asked: int, called_at: float) -> None:
        """Execute what a call has claimed, and learn from it whether more is ready.

        Args:
          reply: of a claim, or of a completion that asked for steps.
          asked: how many slots were reserved for it.
          called_at: monotonic time before the call, from which its leases count.
        """
        self._slots.settle(asked)
        for step in reply.claimed:
            self._execute(step, called_at + self._lease)
        if asked == 0:
            self._hungry = True
            return
        now = asyncio.get_running_loop().time()
        self._asked_at = now
        self._wait = next(self._looks, self._poll) if self._idle else self._poll
        if reply.claimed:
            self._quiet_since = now
            self._idle = False  # and so it is in the database
        nothing = reply.nothing_ready
        self._hungry = nothing is None
        self._next_at = None
        if nothing is not None:
            wait = _BUSY_TICK if nothing.busy else nothing.next_available
            self._next_at = None if wait is None else now + wait

    async def run(self) -> None:
        """Claim until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            if self._stopping:
                await self._alarm.wait()
                continue
            due = min(self._asked_at + self._wait, self._next_at or float("inf"))
            if (self._hungry or now >= due) and self._slots.free and not self._completing():
                await self._claim()
            elif self._hungry or not self.listening or self._idle or not self._slots.free:
                # Hungry, or due: slots or completions are in the way, and both ring.
                await self._alarm.wait(now + self._poll if self._hungry or now >= due else due)
            elif now < self._quiet_since + _GRACE:
                await self._alarm.wait(min(due, self._quiet_since + _GRACE))
            else:
                await self._go_idle()

    async def _claim(self) -> None:
        asked = self._slots.reserve(self._slots.size)
        called_at = time.monotonic()
        self.claiming = True
        try:
            reply = await self._steps.claim(asked)
        except BaseException as error:
            self._slots.settle(asked)
            if not is_transient(error):
                raise
            _log.warning("claim failed, will retry", extra={"fault": repr(error)})
            await asyncio.sleep(_BACKOFF)
            return
        finally:
            self.claiming = False
        self.received(reply, asked, called_at)
        for entries in reply.logged:
            self._published(entries)

    async def _go_idle(self) -> None:
        """Ask to be woken, then claim once more: what became ready in between woke nobody."""
        self._looks = iter(_LOOKS)
        self._idle = self._hungry = True
        try:
            await self._workers.set_idle(True)
        except Exception as error:
            if not is_transient(error):
                raise
            self._idle = False
            _log.warning("idle state not stored", extra={"fault": repr(error)})
            await asyncio.sleep(_BACKOFF)
