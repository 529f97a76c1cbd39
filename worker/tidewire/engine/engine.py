"""The parts of a worker, wired to one another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from tidewire.engine.attempt import Attempt, HandedBack, Leases
from tidewire.engine.catalog import Catalog
from tidewire.engine.claimer import Claimer
from tidewire.engine.completer import Completer
from tidewire.engine.executor import Executor
from tidewire.engine.heartbeat import Heartbeat
from tidewire.engine.maintenance import Maintenance
from tidewire.engine.services import LanguageModel, Services, SupabaseDoor
from tidewire.engine.slots import Slots
from tidewire.engine.wakeup import Wakeup
from tidewire.settings import Settings
from tidewire.store import (
    Database,
    LogStore,
    MaintenanceStore,
    RunStore,
    StepStore,
    WorkerStore,
)
from tidewire.stream.broadcaster import Broadcaster
from tidewire.stream.flusher import Flusher
from tidewire.stream.linger import Linger

# A cancelled handler may still save a checkpoint; whoever takes longer is left to its lease.
_CANCEL_LIMIT: Final = 5.0
_REST_TICK: Final = 0.01


class Engine:
    """Everything between the database and the handlers.

    Args:
      catalog: the flows, registered.
      payload_bytes: the most that an output or a checkpoint may have, as the database says.
      overrun: called when more handler threads are stuck than the settings allow.
      lapsed: registers the worker again after a long silence.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        catalog: Catalog,
        *,
        worker_id: UUID,
        model: LanguageModel | None,
        broadcaster: Broadcaster,
        payload_bytes: int,
        overrun: Callable[[], None],
        lapsed: Callable[[], Awaitable[object]],
    ) -> None:
        self._settings, self._database, self._catalog = settings, database, catalog
        self._overrun, self._lapsed = overrun, lapsed
        self._broadcaster = broadcaster
        self._lapse = asyncio.Event()
        self.leases, self._slots = Leases(), Slots(settings.slots)
        self._steps = StepStore(
            database,
            worker_id=worker_id,
            queues=catalog.queues,
            versions=catalog.versions,
            lease=settings.lease,
        )
        self._supabase = SupabaseDoor(settings)
        self._maintenance = Maintenance(
            MaintenanceStore(database), interval=settings.maintenance_seconds
        )
        self._wire_streams(settings, model, payload_bytes)
        self._wire_steps(settings, WorkerStore(database, worker_id=worker_id))

    def _wire_streams(
        self, settings: Settings, model: LanguageModel | None, payload_bytes: int
    ) -> None:
        log = LogStore(self._database, lease=settings.lease)
        self._flusher = Flusher(
            log,
            linger=Linger(settings.linger_ms / 1000, quota=self._broadcaster.quota),
            published=self._broadcaster.publish_stream,
            stream_limit=settings.stream_buffer_bytes,
        )
        self._services = Services(
            log=log,
            runs=RunStore(self._database),
            model=model,
            supabase=self._supabase,
            published=self._broadcaster.publish_stream,
            payload_bytes=payload_bytes,
        )

    def _wire_steps(self, settings: Settings, workers: WorkerStore) -> None:
        self._completer = Completer(
            self._steps,
            self._slots,
            published=self._broadcaster.publish,
            settled=self._settled,
            ended=self._maintenance.fold_soon,
        )
        self._executor = Executor(
            self._catalog,
            self.leases,
            self._slots,
            steps=self._steps,
            completer=self._completer,
            flusher=self._flusher,
            services=self._services,
            freed=lambda: self._claimer.look(),
            due_in=lambda seconds: self._claimer.wake_in(seconds),
        )
        self._claimer = Claimer(
            self._steps,
            workers,
            self._slots,
            lease=settings.lease_seconds,
            poll=settings.poll_seconds,
            execute=self._executor.start,
            published=self._broadcaster.publish,
            completing=lambda: self._completer.active,
        )
        self._completer.serve(self._claimer)
        self._wakeup = Wakeup(self._database, self._claimer)

    async def start(self) -> None:
        """Start the heartbeat."""
        self._heartbeat = Heartbeat(
            self._settings,
            self.leases,
            loop=asyncio.get_running_loop(),
            steps=self._steps,
            lapsed=self._lapse.set,
        )
        self._heartbeat.start()

    async def run(self) -> None:
        """Run every loop until cancelled. One that dies takes all with it."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._claimer.run())
            loops.create_task(self._completer.run())
            loops.create_task(self._flusher.run())
            loops.create_task(self._wakeup.run())
            loops.create_task(self._maintenance.run())
            loops.create_task(self._register_again())

    async def finish(self, limit: timedelta) -> None:
        """Claim nothing more, let steps finish within `limit`, then hand the rest back."""
        self._claimer.stop()
        loop = asyncio.get_running_loop()
        await self._rest(loop.time() + limit.total_seconds())
        for attempt in self.leases:
            attempt.stop(HandedBack())
        await self._rest(loop.time() + _CANCEL_LIMIT)
        await self._maintenance.fold()

    async def stop(self) -> None:
        """End what is left: handlers that ignored their cancellation so far."""
        tasks = [attempt.task for attempt in self.leases if attempt.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CANCEL_LIMIT)
        await self._heartbeat.stop()
        await self._supabase.close()

    async def _rest(self, until: float) -> None:
        """Wait until nothing is held and nothing is under way."""
        loop = asyncio.get_running_loop()
        while len(self.leases) or self._completer.active or self._claimer.claiming:
            if loop.time() >= until:
                return
            await asyncio.sleep(_REST_TICK)

    def _settled(self, attempt: Attempt) -> None:
        self.leases.remove(attempt)
        if self._executor.threads.abandoned > self._settings.abandoned_threads:
            self._overrun()

    async def _register_again(self) -> None:
        while True:
            await self._lapse.wait()
            self._lapse.clear()
            await self._lapsed()
