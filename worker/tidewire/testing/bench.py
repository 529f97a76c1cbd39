"""What a tester has open: a database, a worker on it, and views of both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from tidewire.engine.services import LanguageModel
from tidewire.engine.worker import Worker
from tidewire.flow import Flow
from tidewire.settings import Settings
from tidewire.store import Database, RunStore
from tidewire.testing.movable_time import MovableTime
from tidewire.testing.quick_settings import quick_settings
from tidewire.testing.records import Records
from tidewire.testing.scratch import scratch_database
from tidewire.testing.server import server_url
from tidewire.testing.users import Users

_CONNECTIONS: Final = 2


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything belongs to the event loop that opened it."""

    settings: Settings
    database: Database
    worker: Worker
    runs: RunStore
    records: Records
    users: Users
    time: MovableTime


@asynccontextmanager
async def open_bench(
    flows: Sequence[Flow],
    *,
    model: LanguageModel | None,
    server: str | None,
    changes: Mapping[str, Any],
) -> AsyncIterator[Bench]:
    """Make a database, start a worker on it, and end both afterwards.

    Args:
      flows: what the worker serves.
      model: what `ctx.model` talks to.
      server: where to make the database; see `server_url`.
      changes: to the quick settings.
    """
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(scratch_database(await server_url(server)))
        settings = quick_settings(url, changes)
        database = await stack.enter_async_context(Database(settings, connections=_CONNECTIONS))
        worker = await stack.enter_async_context(Worker(settings, flows, model=model))
        yield Bench(
            settings,
            database,
            worker,
            RunStore(database),
            Records(database, {flow.slug: flow for flow in flows}),
            Users(database),
            MovableTime(database, settings, worker_id=worker.worker_id),
        )
