"""LISTEN on a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import asyncpg

from tidewire.store.database import Database

_CLOSE_LIMIT: Final = 2.0


class Listener:
    """Calls back for every notification on one channel, as long as its connection lives."""

    def __init__(self, database: Database, *, channel: str) -> None:
        self._database, self._channel = database, channel

    async def listen(self, heard: Callable[[], None]) -> None:
        """Listen until the connection is lost; then raise ConnectionError.

        Calls `heard` once when listening has begun, because what was sent before is lost, and
        then for every notification.

        Raises:
          OSError: the connection could not be made, or was lost.
        """
        connection = await self._database.connect()
        lost = asyncio.get_running_loop().create_future()

        def ended(_connection: Any) -> None:
            if not lost.done():
                lost.set_result(None)

        def notified(_connection: Any, _pid: int, _channel: str, _payload: object) -> None:
            heard()

        connection.add_termination_listener(ended)
        try:
            await connection.add_listener(self._channel, notified)
            heard()
            await lost
            raise ConnectionError(f"the connection that listens on {self._channel} was lost")
        finally:
            await _close(connection)


async def _close(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=_CLOSE_LIMIT)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
