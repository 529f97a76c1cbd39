"""A database that pgTAP files share, and sessions that race on one of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from integration.database.pgtap import prepare
from integration.database.sessions import Session, use_json
from stack import _TEMPLATE, Database, StackUnderTest

pytest.register_assert_rewrite("integration.database.proof")

OpenSession = Callable[[], Awaitable[Session]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pgtap_dsn(stack: StackUnderTest) -> AsyncIterator[str]:
    """Where pgTAP and the tests' arrangements are installed. Connects as `postgres`."""
    if stack.embedded is None:
        pytest.skip("on another stack, `supabase test db` runs these files")
    postgres = stack.embedded.postgres
    name = f"pgtap_{uuid4().hex[:12]}"
    await postgres.create_database(name, template=_TEMPLATE)
    try:
        dsn = postgres.dsn("postgres", name)
        await prepare(dsn)
        yield dsn
    finally:
        await postgres.drop_database(name)


@pytest_asyncio.fixture(loop_scope="session")
async def open_session(database: Database) -> AsyncIterator[OpenSession]:
    """Opens sessions on the test's own database. A wait of 20 s for a lock is an error."""
    connections: list[asyncpg.Connection] = []

    async def make() -> Session:
        connection = await asyncpg.connect(
            database.dsn, server_settings={"lock_timeout": "20s", "statement_timeout": "30s"}
        )
        connections.append(connection)
        await use_json(connection)
        return Session(connection)

    yield make
    for connection in connections:
        await connection.close()
