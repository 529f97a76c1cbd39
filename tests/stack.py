"""Fixtures: a Supabase stack for the whole session, and a fresh database for each test.

The stack is the embedded one, in a temporary folder, unless SUPABASE_URL, the keys and
DATABASE_URL name another. Options by environment:
  TIDEWIRE_TEST_POSTGRES     16 or 18 (default)
  TIDEWIRE_TEST_AUTO_GRANTS  1: default privileges of projects made before 2026-05-30
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from tidewire.install.apply import apply_migrations
from tidewire.install.migration_files import packaged_folder, read_migrations
from tidewire.local.stack import Stack

_TEMPLATE = "tidewire_template"


@dataclass(frozen=True, slots=True)
class StackUnderTest:
    """Where the stack is. `embedded` is None for one that somebody else started."""

    api_url: str
    db_url: str
    publishable_key: str
    secret_key: str
    jwt_secret: str | None
    embedded: Stack | None


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database of one test.

    Attributes:
      dsn: as `postgres`, which is not a superuser.
      superuser_dsn: as `supabase_admin`, for what a test must arrange behind the scenes.
    """

    name: str
    dsn: str
    superuser_dsn: str


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack() -> AsyncIterator[StackUnderTest]:
    """A stack with the migrations applied."""
    external = _external_stack()
    if external is not None:
        await _migrate(external.db_url)
        yield external
        return
    with tempfile.TemporaryDirectory(prefix="tidewire-") as state:
        async with _embedded_stack(Path(state)) as embedded:
            await _migrate(embedded.db_url)
            await _make_template(embedded)
            yield StackUnderTest(
                api_url=embedded.api_url,
                db_url=embedded.db_url,
                publishable_key=embedded.publishable_key,
                secret_key=embedded.secret_key,
                jwt_secret=embedded.jwt_secret,
                embedded=embedded,
            )


@pytest_asyncio.fixture(loop_scope="session")
async def database(stack: StackUnderTest) -> AsyncIterator[Database]:
    """A database of its own for the test: what the stack's was right after the migrations."""
    if stack.embedded is None:
        pytest.skip("a database for each test needs the embedded stack")
    postgres = stack.embedded.postgres
    name = f"test_{uuid4().hex[:12]}"
    await postgres.create_database(name, template=_TEMPLATE)
    try:
        yield Database(name, postgres.dsn("postgres", name), postgres.dsn("supabase_admin", name))
    finally:
        await postgres.drop_database(name)


def _external_stack() -> StackUnderTest | None:
    names = ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SECRET_KEY", "DATABASE_URL")
    found = [os.environ.get(name) for name in names]
    api_url, publishable_key, secret_key, db_url = found
    if not (api_url and publishable_key and secret_key and db_url):
        return None
    return StackUnderTest(
        api_url=api_url,
        db_url=db_url,
        publishable_key=publishable_key,
        secret_key=secret_key,
        jwt_secret=os.environ.get("SUPABASE_JWT_SECRET"),
        embedded=None,
    )


def _embedded_stack(state: Path) -> Stack:
    return Stack(
        state,
        postgres_version=int(os.environ.get("TIDEWIRE_TEST_POSTGRES", "18")),
        auto_grants=os.environ.get("TIDEWIRE_TEST_AUTO_GRANTS") == "1",
    )


async def _migrate(dsn: str) -> None:
    await apply_migrations(dsn, read_migrations(packaged_folder()))


async def _make_template(stack: Stack) -> None:
    """Copy the stack's database. The API made schema auth in it, so no script could stand in.

    Nobody may be connected to a database while it is copied, so API and Realtime step aside.
    """
    await stack.stop("api")
    await stack.stop("realtime")
    await stack.postgres.create_database(_TEMPLATE, template="postgres", is_template=True)
    await stack.start("realtime")
    await stack.start("api")
