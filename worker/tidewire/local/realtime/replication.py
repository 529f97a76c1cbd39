"""Broadcasts from the database: rows of `realtime.messages`, by logical replication."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import psycopg2
from psycopg2 import extensions
from psycopg2.extras import LogicalReplicationConnection, ReplicationCursor

from tidewire.local.realtime.pgoutput import PgOutputDecoder, Row

_log = logging.getLogger(__name__)

PUBLICATION = "supabase_realtime_messages_publication"
_SLOT_PREFIX = "supabase_realtime_messages_"
_CONNECT_SECONDS = 10.0
_FEEDBACK_SECONDS = 5.0
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 0.1, 5.0


class MessageReplication:
    """Follows the inserts of the publication for ever, reconnecting when Postgres goes away.

    What is inserted while the connection is down is not delivered: the slot is temporary, as on
    the hosted server, since a broadcast is a hint and the tables hold the truth.

    Args:
      dsn: of a role that may replicate.
      on_row: called with each inserted row, in the order of the commits.
      on_started: called each time rows begin to flow, before the first one is handed on.
      on_stopped: called each time they cease.
    """

    def __init__(
        self,
        dsn: str,
        *,
        on_row: Callable[[Row], None],
        on_started: Callable[[], None],
        on_stopped: Callable[[], None],
    ) -> None:
        self._dsn = dsn
        self._on_row, self._on_started, self._on_stopped = on_row, on_started, on_stopped
        self._retry = _FIRST_RETRY_SECONDS

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._follow_once()
            except (psycopg2.Error, TimeoutError) as error:
                _log.warning("replication stopped", extra={"error": str(error).strip()})
            await asyncio.sleep(self._retry)
            self._retry = min(self._retry * 2, _LAST_RETRY_SECONDS)

    async def _follow_once(self) -> None:
        connection = psycopg2.connect(
            self._dsn, connection_factory=LogicalReplicationConnection, async_=True
        )
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await _completed(connection)
            cursor = connection.cursor()
            await self._start(connection, cursor)
            self._retry = _FIRST_RETRY_SECONDS
            await self._follow(connection, cursor)
        finally:
            connection.close()

    async def _start(
        self, connection: LogicalReplicationConnection, cursor: ReplicationCursor
    ) -> None:
        """Make the slot and start the stream.

        A slot waits for the transactions that were open before it, however long they take.
        """
        slot = f"{_SLOT_PREFIX}{uuid4().hex[:16]}"
        try:
            cursor.execute(
                f"CREATE_REPLICATION_SLOT {slot} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT"
            )
            await _completed(connection)
        except asyncio.CancelledError:
            with suppress(psycopg2.Error):
                connection.cancel()  # else Postgres would go on waiting, and keep the slot
            raise
        cursor.start_replication(
            slot_name=slot,
            decode=False,
            options={"proto_version": "1", "publication_names": PUBLICATION},
        )
        await _completed(connection)

    async def _follow(
        self, connection: LogicalReplicationConnection, cursor: ReplicationCursor
    ) -> None:
        """Hand on rows as the socket becomes readable, until the connection fails."""
        loop = asyncio.get_running_loop()
        failed: asyncio.Future[None] = loop.create_future()
        decoder = PgOutputDecoder()

        def drain() -> None:
            try:
                while (message := cursor.read_message()) is not None:
                    row = decoder.decode(message.payload)
                    if row is not None:
                        self._on_row(row)
            except psycopg2.Error as error:
                if not failed.done():
                    failed.set_exception(error)

        self._on_started()
        socket = connection.fileno()
        loop.add_reader(socket, drain)
        try:
            drain()
            while not failed.done():
                await asyncio.wait([failed], timeout=_FEEDBACK_SECONDS)
                if not failed.done():
                    _acknowledge(cursor)
            failed.result()
        finally:
            loop.remove_reader(socket)
            self._on_stopped()


async def _completed(connection: Any) -> None:
    """Wait until what was begun on an asynchronous connection is done."""
    while (state := connection.poll()) != extensions.POLL_OK:
        await _ready(connection.fileno(), writing=state == extensions.POLL_WRITE)


async def _ready(socket: int, *, writing: bool) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    add, remove = (
        (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    )
    add(socket, ready.set)
    try:
        await ready.wait()
    finally:
        remove(socket)


def _acknowledge(cursor: Any) -> None:
    """Let Postgres forget what has been read; also tells it that we are alive."""
    cursor.send_feedback(flush_lsn=cursor.wal_end, force=True)
