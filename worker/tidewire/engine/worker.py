"""A worker: its loops, wired, started and stopped together."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import UUID, uuid4

from tidewire.engine.catalog import Catalog
from tidewire.engine.engine import Engine
from tidewire.engine.services import LanguageModel
from tidewire.flow import Flow
from tidewire.settings import Settings
from tidewire.store import Database, WorkerStore, is_transient
from tidewire.stream.broadcaster import Broadcaster

_log = logging.getLogger(__name__)


class Worker:
    """Executes the steps of some flows until it is stopped.

    Use `run`, or as an async context manager `start` and `stop`.

    Args:
      flows: what it serves. Their shapes are registered at the start.
      model: what `ctx.model` talks to.
    """

    def __init__(
        self, settings: Settings, flows: Sequence[Flow], *, model: LanguageModel | None = None
    ) -> None:
        self.worker_id: UUID = uuid4()
        self._settings, self._model = settings, model
        self._catalog = Catalog(flows)
        self._ready, self._stopping = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.wants_restart = False

    async def __aenter__(self) -> Worker:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start in the background; return when it claims steps.

        Raises what `run` raises before that.
        """
        self._task = asyncio.create_task(self.run())
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait((self._task, ready), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """Stop gracefully and wait for the end. Raises what the worker has died of, if it has."""
        self.request_stop()
        if self._task is not None:
            await self._task

    @property
    def running(self) -> bool:
        """Whether it was started in the background and has not ended."""
        return self._task is not None and not self._task.done()

    @property
    def stop_requested(self) -> bool:
        """Whether it is stopping, or will when it has started."""
        return self._stopping.is_set()

    def request_stop(self) -> None:
        """Begin to stop: claim nothing more, let steps finish until the deadline."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until `request_stop`, or until a loop dies.

        Raises:
          OSError: the database cannot be reached at the start.
          FlowDefinitionError: the database refused a flow.
        """
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(Database(self._settings))
            workers = WorkerStore(database, worker_id=self.worker_id)
            limits = await self._register(workers)
            broadcaster = await stack.enter_async_context(
                Broadcaster(self._settings, worker_id=self.worker_id)
            )
            engine = Engine(
                self._settings,
                database,
                self._catalog,
                worker_id=self.worker_id,
                model=self._model,
                broadcaster=broadcaster,
                payload_bytes=limits["payload_bytes"],
                overrun=self._restart,
                lapsed=lambda: self._register(workers),
            )
            await self._work(engine)
            await self._say_goodbye(workers)

    def _restart(self) -> None:
        """Too many threads are stuck in handlers: a new process has them all back."""
        if not self.wants_restart:
            _log.error("too many abandoned handler threads, restart wanted")
        self.wants_restart = True
        self.request_stop()

    async def _register(self, workers: WorkerStore) -> dict[str, int]:
        document = {
            "name": f"{socket.gethostname()}:{os.getpid()}",
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "queues": self._catalog.queues,
        }
        limits = await workers.register(document)
        for flow in self._catalog.flows.values():
            version = await workers.register_flow(flow.shape().definition())
            self._catalog.register(version, flow.steps)
        _log.info(
            "worker registered",
            extra={"worker": str(self.worker_id), "flows": sorted(self._catalog.flows)},
        )
        return limits

    async def _work(self, engine: Engine) -> None:
        """Run the engine's loops until the worker is to stop, then bring it to rest."""
        await engine.start()
        loops = asyncio.create_task(engine.run())
        stopping = asyncio.create_task(self._stopping.wait())
        self._ready.set()
        try:
            await asyncio.wait((loops, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not loops.done():
                _log.info("worker stopping", extra={"running": len(engine.leases)})
                await engine.finish(timedelta(seconds=self._settings.shutdown_seconds))
        finally:
            stopping.cancel()
            loops.cancel()
            await asyncio.gather(stopping, loops, return_exceptions=True)
            await engine.stop()
        if not loops.cancelled():
            _raise_first(loops.exception())

    async def _say_goodbye(self, workers: WorkerStore) -> None:
        try:
            await workers.stop()
        except Exception as error:
            if not is_transient(error):
                raise
            _log.warning("worker not signed off", extra={"fault": repr(error)})
        _log.info("worker stopped", extra={"worker": str(self.worker_id)})


def _raise_first(error: BaseException | None) -> None:
    """Raise what the loops died of: the first of a group, since one loop's end ends the others."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if error is not None:
        raise error
