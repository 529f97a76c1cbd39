"""Where it is measured: an embedded Postgres, and migrated databases on it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psutil

from bench.durability import refuse_unless_durable
from tidewire import Settings
from tidewire.install.apply import apply_migrations
from tidewire.install.migration_files import packaged_folder, read_migrations
from tidewire.local.postgres import Postgres
from tidewire.local.sql import connection
from tidewire.local.stack import Stack
from tidewire.store import Database

_TEMPLATE: Final = "bench_template"
_TICK: Final = 0.02


@dataclass(frozen=True, slots=True)
class OwnDatabase:
    """A migrated database of one round.

    Attributes:
      dsn: as `postgres`, which is what workers connect as.
      superuser_dsn: as `supabase_admin`, for what must be arranged behind the scenes.
    """

    name: str
    dsn: str
    superuser_dsn: str

    def pool(self, connections: int) -> Database:
        return Database(self.settings(), connections=connections)

    def settings(self, **overrides: Any) -> Settings:
        return Settings.load(database_url=self.dsn, broadcast=False, **overrides)


class Ground:
    """A server that is ours alone.

    Args:
      template: a migrated database that nobody is connected to.
      folder: takes the logs of workers.
      version: of the server, in full.
    """

    def __init__(
        self, postgres: Postgres, *, template: str, folder: Path, version: str = ""
    ) -> None:
        self.postgres, self._template = postgres, template
        self.folder, self.version = folder, version

    @asynccontextmanager
    async def database(self) -> AsyncIterator[OwnDatabase]:
        """Make a database as it is right after the migrations, and drop it at the end."""
        name = f"bench_{uuid4().hex[:12]}"
        await self.postgres.create_database(name, template=self._template)
        try:
            yield OwnDatabase(
                name,
                self.postgres.dsn("postgres", name),
                self.postgres.dsn("supabase_admin", name),
            )
        finally:
            await self.postgres.drop_database(name)

    async def commits(self, database: OwnDatabase) -> int:
        """Return how many transactions were committed on a database that everybody has left.

        Sessions report what they did once a second at most, and at their end.
        """
        async with connection(self.postgres.dsn("supabase_admin")) as admin:
            while await admin.fetchval(  # noqa: ASYNC110  other processes leave
                "select exists (select from pg_stat_activity"
                " where datname = $1 and backend_type = 'client backend')",
                database.name,
            ):
                await asyncio.sleep(_TICK)
            return int(
                await admin.fetchval(
                    "select xact_commit from pg_stat_database where datname = $1", database.name
                )
            )

    def cpu_seconds(self) -> float:
        """Return the CPU time of the server so far: sessions, ended ones too, and helpers."""
        postmaster = psutil.Process(self.postgres.pid)
        spent = 0.0
        for process in postmaster.children(recursive=True):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue  # its time is its parent's now
            spent += times.user + times.system
        times = postmaster.cpu_times()
        ended = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return float(spent + times.user + times.system + ended)


@asynccontextmanager
async def embedded_ground(version: int) -> AsyncIterator[Ground]:
    """Start a Postgres in a temporary folder with durable commits, and nothing beside it.

    Raises:
      StackError: it did not start.
      NotDurable: commits would not reach the disk.
    """
    with tempfile.TemporaryDirectory(prefix="tidewire-bench-") as folder:
        async with Stack(Path(folder), postgres_version=version) as stack:
            await apply_migrations(stack.db_url, read_migrations(packaged_folder()))
            # Migrations need the schema that the API makes; from here on they would only disturb.
            for part in ("proxy", "api", "realtime"):
                await stack.stop(part)
            async with connection(stack.db_url) as opened:
                await refuse_unless_durable(opened, stack.postgres.data)
                exact = await opened.fetchval("show server_version")
            await stack.postgres.create_database(_TEMPLATE, template="postgres", is_template=True)
            yield Ground(stack.postgres, template=_TEMPLATE, folder=Path(folder), version=exact)
