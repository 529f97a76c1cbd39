"""The Realtime server as one application: hub, database and routes wired together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from tidewire.local.realtime import routes
from tidewire.local.realtime.authorization import TopicAuthorizer
from tidewire.local.realtime.database_broadcast import DatabaseBroadcaster
from tidewire.local.realtime.hub import Hub
from tidewire.local.realtime.replication import MessageReplication
from tidewire.local.realtime.settings import RealtimeSettings
from tidewire.local.realtime.tokens import TokenVerifier

_log = logging.getLogger(__name__)

_POOL_SIZE = 4
_COMMAND_SECONDS = 10.0
_MAINTENANCE_SECONDS = 3600.0
_MAINTENANCE_RETRY_SECONDS = 5.0

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[Mapping[str, Any]]]


def realtime_app(settings: RealtimeSettings) -> Starlette:
    """Return the application; its lifespan connects to the database, and survives its restarts."""
    return Starlette(
        routes=routes.ROUTES,
        lifespan=_lifespan(settings),
        exception_handlers={
            routes.Refused: routes.refused,
            HTTPException: routes.failed,
        },
    )


def _lifespan(settings: RealtimeSettings) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        dsn = settings.dsn.get_secret_value()
        # No connection is opened yet, so the server may start before its database.
        async with asyncpg.create_pool(
            dsn, min_size=0, max_size=_POOL_SIZE, command_timeout=_COMMAND_SECONDS
        ) as pool:
            hub = Hub(settings, _verifier(settings), TopicAuthorizer(pool))
            replication = MessageReplication(
                dsn,
                on_row=DatabaseBroadcaster(hub).publish,
                on_started=hub.replication_started,
                on_stopped=hub.replication_stopped,
            )
            loops = [
                asyncio.create_task(replication.run(), name="realtime-replication"),
                asyncio.create_task(_maintain_partitions(pool), name="realtime-partitions"),
            ]
            await _until_replicating(hub, settings.replication_wait_ms / 1000)
            try:
                yield {"hub": hub}
            finally:
                for loop in loops:
                    loop.cancel()
                await asyncio.gather(*loops, return_exceptions=True)

    return lifespan


async def _until_replicating(hub: Hub, seconds: float) -> None:
    """Open the port with broadcasts from the database flowing, if that does not take too long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await hub.until_replicating()


async def _maintain_partitions(pool: asyncpg.Pool) -> None:
    """Keep tomorrow's partition ready: without one, sends are lost with a warning."""
    while True:
        delay = _MAINTENANCE_RETRY_SECONDS
        with contextlib.suppress(OSError):
            try:
                await pool.execute("select realtime.maintain_message_partitions()")
                delay = _MAINTENANCE_SECONDS
            except (
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,
            ) as error:
                _log.warning("partitions not maintained", extra={"error": str(error)})
        await asyncio.sleep(delay)


def _verifier(settings: RealtimeSettings) -> TokenVerifier:
    return TokenVerifier(
        jwt_secret=settings.jwt_secret.get_secret_value(),
        publishable_key=settings.publishable_key.get_secret_value(),
        secret_key=settings.secret_key.get_secret_value(),
    )
