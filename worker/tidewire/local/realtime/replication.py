"""Broadcasts from the database: rows of `realtime.messages`, by logical replication."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg2
from psycopg2.extras import LogicalReplicationConnection, ReplicationCursor

from tidewire.local.realtime.pgoutput import PgOutputDecoder, Row

_log = logging.getLogger(__name__)

PUBLICATION = "supabase_realtime_messages_publication"
_SLOT_PREFIX = "supabase_realtime_messages_"
_FEEDBACK_SECONDS = 5.0
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 0.1, 5.0


class MessageReplication:
    """Follows the inserts of the publication for ever, reconnecting when Postgres goes away.

    What is inserted while the connection is down is not delivered: the slot is temporary, as on
    the hosted server, since a broadcast is a hint and the tables hold the truth.

    Args:
      dsn: of a role that may replicate.
      on_row: called in the event loop with each inserted row, in commit order.
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

    async def run(self) -> None:
        """Follow until cancelled."""
        retry = _FIRST_RETRY_SECONDS
        while True:
            try:
                connection, cursor = await asyncio.to_thread(self._connect)
            except psycopg2.Error as error:
                _log.warning("replication cannot start", extra={"error": str(error).strip()})
                await asyncio.sleep(retry)
                retry = min(retry * 2, _LAST_RETRY_SECONDS)
                continue
            retry = _FIRST_RETRY_SECONDS
            try:
                await self._follow(connection, cursor)
            except psycopg2.Error as error:
                _log.warning("replication stopped", extra={"error": str(error).strip()})
            finally:
                connection.close()

    def _connect(self) -> tuple[LogicalReplicationConnection, ReplicationCursor]:
        connection = psycopg2.connect(
            self._dsn, connection_factory=LogicalReplicationConnection, connect_timeout=10
        )
        try:
            cursor = connection.cursor()
            slot = f"{_SLOT_PREFIX}{uuid4().hex[:16]}"
            cursor.execute(
                f"CREATE_REPLICATION_SLOT {slot} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT"
            )
            cursor.start_replication(
                slot_name=slot,
                decode=False,
                options={"proto_version": "1", "publication_names": PUBLICATION},
            )
        except psycopg2.Error:
            connection.close()
            raise
        return connection, cursor

    async def _follow(
        self, connection: LogicalReplicationConnection, cursor: ReplicationCursor
    ) -> None:
        """Hand on rows as the socket becomes readable, until the connection fails."""
        loop = asyncio.get_running_loop()
        failed: asyncio.Future[None] = loop.create_future()
        decoder = PgOutputDecoder()

        def drain() -> None:
            try:
                self._drain(cursor, decoder)
            except psycopg2.Error as error:
                if not failed.done():
                    failed.set_exception(error)

        socket = connection.fileno()
        loop.add_reader(socket, drain)
        self._on_started()
        drain()
        try:
            while not failed.done():
                await asyncio.wait([failed], timeout=_FEEDBACK_SECONDS)
                if not failed.done():
                    _acknowledge(cursor)
            failed.result()
        finally:
            loop.remove_reader(socket)
            self._on_stopped()

    def _drain(self, cursor: ReplicationCursor, decoder: PgOutputDecoder) -> None:
        while (message := cursor.read_message()) is not None:
            row = decoder.decode(message.payload)
            if row is not None:
                self._on_row(row)


def _acknowledge(cursor: Any) -> None:
    """Let Postgres forget what has been read; also tells it that we are alive."""
    cursor.send_feedback(flush_lsn=cursor.wal_end, force=True)
