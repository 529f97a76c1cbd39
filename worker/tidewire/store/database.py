"""Connections to Postgres: how they are made, kept and used."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

import asyncpg
import orjson

from tidewire.settings import Settings
from tidewire.store.faults import translated

_JSONB_VERSION: Final = b"\x01"
_COMMAND_LIMIT: Final = 30.0
_CONNECT_LIMIT: Final = 10.0
_CLOSE_LIMIT: Final = 5.0


class Session(asyncpg.Connection):
    """A connection that keeps nothing between calls, so that giving it back costs no round trip."""

    def get_reset_query(self) -> str:
        return ""


class Database:
    """A pool of connections, or the means to open one.

    Every call is one SQL statement in one transaction of its own.

    Through a transaction pooler nothing is prepared, and each call is wrapped in an explicit
    transaction: even unnamed statements take two protocol rounds, and without it the pooler may
    send them to different sessions.
    """

    def __init__(self, settings: Settings, *, connections: int | None = None) -> None:
        self._dsn = settings.dsn
        self._pooled = settings.through_transaction_pooler
        self._connections = connections or settings.database_connections
        self._pool: asyncpg.Pool | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def can_listen(self) -> bool:
        """Whether LISTEN works on this database URL."""
        return not self._pooled

    @property
    def is_open(self) -> bool:
        """Whether `open` has succeeded and `close` not been called."""
        return self._pool is not None

    async def open(self) -> None:
        """Open the pool. Connections are made when they are needed."""
        self._pool = await asyncpg.create_pool(
            self._dsn,
            # No floor: the pool would restore it behind our back while the database is away.
            min_size=0,
            max_size=self._connections,
            max_inactive_connection_lifetime=0,
            connection_class=Session,
            init=prepare_session,
            **self._options(),
        )

    async def close(self) -> None:
        """Close every connection; those that do not end in time are cut."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            await asyncio.wait_for(pool.close(), _CLOSE_LIMIT)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pool.terminate()

    async def connect(self) -> asyncpg.Connection:
        """Open one connection outside the pool. The caller closes it."""
        connection: asyncpg.Connection = await asyncpg.connect(
            self._dsn, connection_class=Session, **self._options()
        )
        await prepare_session(connection)
        return connection

    async def fetch(
        self, statement: str, *arguments: object, limit: timedelta | None = None
    ) -> Sequence[asyncpg.Record]:
        """Run one statement and return its rows.

        Raises:
          TidewireError: the database refused the call.
          Exception: see `is_transient`; whether the statement took effect is then unknown.
        """
        if self._pool is None:
            raise asyncpg.InterfaceError("the pool is closed")
        seconds = _COMMAND_LIMIT if limit is None else limit.total_seconds()
        with translated():
            async with self._pool.acquire(timeout=seconds) as connection:
                try:
                    if not self._pooled:
                        return await connection.fetch(statement, *arguments, timeout=seconds)
                    async with connection.transaction():
                        return await connection.fetch(statement, *arguments, timeout=seconds)
                except asyncpg.InternalClientError:
                    # The session ended in the middle of the protocol; its state is of no use.
                    connection.terminate()
                    raise

    async def fetch_value(self, statement: str, *arguments: object) -> Any:
        """Run one statement and return the first column of its first row."""
        rows = await self.fetch(statement, *arguments)
        return rows[0][0] if rows else None

    def _options(self) -> dict[str, Any]:
        return {
            "timeout": _CONNECT_LIMIT,
            "command_timeout": _COMMAND_LIMIT,
            "statement_cache_size": 0 if self._pooled else 100,
        }


async def prepare_session(connection: Any) -> None:
    """Make jsonb values travel as Python values, in binary and without copies in between."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode, decoder=_decode, format="binary"
    )


def _encode(value: object) -> bytes:
    return _JSONB_VERSION + orjson.dumps(value)


def _decode(data: Any) -> Any:
    document = memoryview(data)[1:]
    try:
        return orjson.loads(document)
    except orjson.JSONDecodeError:
        # Numbers beyond a double's range are JSON to Postgres; the handler's types refuse them.
        return json.loads(bytes(document))
