"""Keeps leases alive from a thread of its own, so that a handler that blocks keeps its lease."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from tidewire.engine.attempt import Attempt, Leases
from tidewire.errors import LeaseLost, RunCancelled
from tidewire.settings import Settings
from tidewire.store import Database, StepStore, is_transient

_log = logging.getLogger(__name__)

# A laptop that slept: the rows of silent workers are removed after a day.
_FORGOTTEN_AFTER: Final = 600.0


class Heartbeat:
    """Extends all leases in one statement, again and again.

    Runs on its own event loop with its own connection. It tells the worker's loop to stop what
    is lost or cancelled, and what it could not extend in time: somebody else may have that now.

    Args:
      loop: the worker's loop.
      steps: the step functions, which it calls over a connection of its own.
      lapsed: called on the worker's loop when the worker was silent for so long that others may
        have forgotten it.
    """

    def __init__(
        self,
        settings: Settings,
        leases: Leases,
        *,
        loop: asyncio.AbstractEventLoop,
        steps: StepStore,
        lapsed: Callable[[], None],
    ) -> None:
        self._settings, self._leases = settings, leases
        self._worker_loop, self._steps, self._lapsed = loop, steps, lapsed
        self._beat_at = time.monotonic()
        self._lease = settings.lease_seconds
        self._interval = settings.heartbeat_seconds
        self._thread: threading.Thread | None = None
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._started = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()
        self._started.wait()

    async def stop(self) -> None:
        """End the thread and wait for it."""
        if self._thread is None or self._own_loop is None or self._stop is None:
            return
        if self._thread.is_alive():
            self._own_loop.call_soon_threadsafe(self._stop.set)
        await asyncio.to_thread(self._thread.join)
        self._thread = None

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._beat_until_stopped())

    async def _beat_until_stopped(self) -> None:
        self._own_loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._started.set()
        database = Database(self._settings, connections=1)
        try:
            while not self._stop.is_set():
                await self._beat(database)
                try:
                    await asyncio.wait_for(self._stop.wait(), self._interval)
                except TimeoutError:
                    continue
        finally:
            await database.close()

    async def _beat(self, database: Database) -> None:
        attempts = self._leases.snapshot()
        began = time.monotonic()
        try:
            if not database.is_open:
                await database.open()
            reply = await self._steps.on(database).extend_leases(
                [attempt.step.key() for attempt in attempts],
                limit=timedelta(seconds=self._interval),
            )
        except Exception as error:
            if not is_transient(error):
                _log.exception("heartbeat refused")
            else:
                _log.warning("heartbeat failed, will retry", extra={"fault": repr(error)})
        else:
            if began - self._beat_at > _FORGOTTEN_AFTER:
                self._worker_loop.call_soon_threadsafe(self._lapsed)
            self._beat_at = began
            for place, attempt in enumerate(attempts):
                answer = reply.answers.get(place)
                if answer is not None:
                    self._take_answer(attempt, answer.name, began)
        self._give_up(attempts)

    def _take_answer(self, attempt: Attempt, answer: str, began: float) -> None:
        match answer:
            case "extended":
                attempt.lease_until = began + self._lease
            case "lease_lost":
                self._tell(attempt, LeaseLost(f"step {attempt.name} belongs to another attempt"))
            case "cancelled":
                self._tell(attempt, RunCancelled(f"run {attempt.step.run_id} has ended"))

    def _give_up(self, attempts: Sequence[Attempt]) -> None:
        now = time.monotonic()
        for attempt in attempts:
            if attempt.lease_until < now:
                self._tell(attempt, LeaseLost(f"step {attempt.name} could not be kept"))

    def _tell(self, attempt: Attempt, reason: Exception) -> None:
        if not attempt.finished:
            self._worker_loop.call_soon_threadsafe(attempt.stop, reason)
