"""A migrated database for one test, and the template that it is copied from."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from tidewire.errors import ConfigurationError
from tidewire.install.apply import apply_migrations
from tidewire.install.migration_files import packaged_folder, read_migrations

_CONNECT_SECONDS: Final = 15.0
# Any number will do, as long as all processes that make a template use the same.
_TEMPLATE_LOCK: Final = 0x7465_6D70_6C61_7465
_EXISTS: Final = "select exists (select from pg_database where datname = $1)"
_SUPABASE_SQL: Final = Path(__file__).with_name("supabase.sql")
_TIME_SQL: Final = Path(__file__).with_name("movable_time.sql")


@asynccontextmanager
async def scratch_database(server_url: str) -> AsyncIterator[str]:
    """Make a migrated database whose time can be moved, yield its URL, and drop it afterwards.

    It is a copy of a template that the first call makes on that server. The template's name says
    what is in it, so every process with the same migrations shares it.

    Raises:
      ConfigurationError: the server cannot be reached, or its role may not make what is needed.
      MigrationError: a migration failed.
    """
    name = f"tidewire_test_{uuid4().hex[:16]}"
    async with AsyncExitStack() as stack:
        async with _session(server_url) as server:
            stack.push_async_callback(_drop, server_url, name)
            await _copy_template(server, server_url, name)
        yield _with_database(server_url, name)


async def _copy_template(server: asyncpg.Connection, server_url: str, name: str) -> None:
    template = await _template_name(server)
    copy = f'create database "{name}" template "{template}"'
    try:
        try:
            await server.execute(copy)
        except asyncpg.InvalidCatalogNameError:
            await _make_template(server, server_url, template)
            await server.execute(copy)
    except asyncpg.InsufficientPrivilegeError as error:
        raise ConfigurationError(
            "the role of the test database's URL must be allowed to make databases and roles"
            f" ({error}): use one with CREATEDB, CREATEROLE and BYPASSRLS, or leave the URL out"
            " to use the embedded Postgres"
        ) from error


async def _drop(server_url: str, name: str) -> None:
    async with _session(server_url) as server:
        await server.execute(f'drop database if exists "{name}" with (force)')


async def _make_template(server: asyncpg.Connection, server_url: str, template: str) -> None:
    """Make the template unless another process just has. It appears whole or not at all."""
    draft = f"{template}_draft"
    drop_draft = f'drop database if exists "{draft}" with (force)'
    await server.execute("select pg_advisory_lock($1)", _TEMPLATE_LOCK)
    try:
        if await server.fetchval(_EXISTS, template):
            return
        await server.execute(drop_draft)  # of a process that was killed over it
        await server.execute(f'create database "{draft}" template template0')
        await _fill(_with_database(server_url, draft))
        # Nobody can connect to it, so nobody is ever in the way of a copy.
        await server.execute(f'alter database "{draft}" with allow_connections false')
        await server.execute(f'alter database "{draft}" rename to "{template}"')
    finally:
        await server.execute(drop_draft)
        await server.execute("select pg_advisory_unlock($1)", _TEMPLATE_LOCK)


async def _fill(url: str) -> None:
    async with _session(url) as database:
        await database.execute(_SUPABASE_SQL.read_text())
    await apply_migrations(url, read_migrations(packaged_folder()))
    async with _session(url) as database:
        await database.execute(_TIME_SQL.read_text())


async def _template_name(server: asyncpg.Connection) -> str:
    """Name what is in the template, and whose it is: nobody else may copy it."""
    content = hashlib.sha256((await server.fetchval("select current_user")).encode())
    for file in read_migrations(packaged_folder()):
        content.update(file.checksum.encode())
    for path in (_SUPABASE_SQL, _TIME_SQL):
        content.update(path.read_bytes())
    return f"tidewire_template_{content.hexdigest()[:16]}"


@asynccontextmanager
async def _session(url: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        opened = await asyncpg.connect(url, timeout=_CONNECT_SECONDS, statement_cache_size=0)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise ConfigurationError(f"the test database could not be reached: {error}") from error
    except (ValueError, asyncpg.InterfaceError):
        # The reason would quote parts of the URL, which may be of the password.
        raise ConfigurationError("the test database's URL is malformed") from None
    try:
        yield opened
    finally:
        await opened.close(timeout=_CONNECT_SECONDS)


def _with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()
