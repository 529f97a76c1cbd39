"""A database for pgTAP, shared by its files: each rolls back what it did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from integration.database.pgtap import prepare
from stack import _TEMPLATE, StackUnderTest


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
