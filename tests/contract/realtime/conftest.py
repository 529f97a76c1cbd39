"""A Postgres with the recorded policies, and Realtime servers on it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from contract.realtime.server import RealtimeServer, running_server
from tidewire.local.keys import Keys, load_or_make_keys
from tidewire.local.ports import free_port
from tidewire.local.postgres import Postgres
from tidewire.local.sql import run_sql

FRAMES = Path(__file__).with_name("frames")

ServerFactory = Callable[..., AbstractAsyncContextManager[RealtimeServer]]


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    state = tmp_path_factory.mktemp("realtime-postgres")
    version = int(os.environ.get("TIDEWIRE_TEST_POSTGRES", "18"))
    async with Postgres(
        state, port=free_port(), version=version, settings={"fsync": "off"}
    ) as server:
        await prepare(server)
        yield server


async def prepare(server: Postgres) -> None:
    """Make the schema, twice since it must be idempotent, and the recorded policies."""
    schema = (files("tidewire.local.realtime") / "schema.sql").read_text()
    admin = server.dsn("supabase_admin")
    await run_sql(admin, schema)
    await run_sql(admin, schema)
    await run_sql(admin, (FRAMES / "policies.sql").read_text())


@pytest.fixture(scope="session")
def keys(postgres: Postgres) -> Keys:
    return load_or_make_keys(postgres.state / "keys.json")


@pytest.fixture(scope="session")
def server_with(
    postgres: Postgres, keys: Keys, tmp_path_factory: pytest.TempPathFactory
) -> ServerFactory:
    """Return a factory of servers with settings of their own."""
    folder = tmp_path_factory.mktemp("realtime-logs")

    def make(**settings: Any) -> AbstractAsyncContextManager[RealtimeServer]:
        return running_server(postgres.dsn("supabase_admin"), keys, folder, **settings)

    return make


@pytest.fixture(scope="session")
async def realtime(server_with: ServerFactory) -> AsyncIterator[RealtimeServer]:
    async with server_with() as server:
        yield server


@pytest.fixture
async def sql(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres.dsn("postgres"))
    yield connection
    await connection.close()
