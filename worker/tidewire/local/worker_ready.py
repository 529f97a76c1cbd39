"""When a worker that was just started can be asked: before that, its flows are not found."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg

from tidewire.errors import StackError
from tidewire.local.process import Process
from tidewire.local.sql import connection

_START_LIMIT = timedelta(seconds=30)
_PROBE_PAUSE = timedelta(milliseconds=50)
_SERVES = (
    "select exists (select from tidewire.workers w"
    " where w.pid = $1 and w.stopped_at is null and w.versions <> '{}')"
)


async def wait_until_registered(worker: Process, dsn: str) -> None:
    """Wait until the database knows which flows the worker serves.

    Raises:
      StackError: it ended, or did not register in time; the message carries the end of its log.
    """
    try:
        async with connection(dsn) as opened, asyncio.timeout(_START_LIMIT.total_seconds()):
            while worker.running:
                if await opened.fetchval(_SERVES, worker.pid):
                    return
                await asyncio.sleep(_PROBE_PAUSE.total_seconds())
    except TimeoutError:
        raise StackError(f"the worker did not register its flows:\n{worker.log_tail()}") from None
    except (
        OSError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    ) as error:
        raise StackError(f"the worker's database could not be asked: {error}") from error
    raise StackError(f"the worker ended with code {worker.exit_code}:\n{worker.log_tail()}")
