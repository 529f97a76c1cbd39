"""Applies migrations that a database does not have yet, and records them there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import asyncpg

from tidewire.errors import MigrationError
from tidewire.install.migration_files import MigrationFile

# Any number will do, as long as every tidewire uses the same.
_ADVISORY_LOCK = 0x7469_6465_7769_7265
_LOCK_TIMEOUT = "60s"
_CONNECT_SECONDS = 15.0

_MAKE_RECORDS = """
create table if not exists tidewire.schema_migrations (
  version text primary key,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default clock_timestamp()
);
alter table tidewire.schema_migrations enable row level security;
revoke all on tidewire.schema_migrations from public, anon, authenticated, service_role;
comment on table tidewire.schema_migrations is 'Files applied by `tidewire migrate`.';
"""


async def apply_migrations(
    dsn: str,
    files: Sequence[MigrationFile],
    *,
    on_applied: Callable[[MigrationFile], None] = lambda file: None,
) -> list[MigrationFile]:
    """Apply, in order, the files that the database does not have; return those.

    Each file is one transaction, and callers take turns. When one fails, those before it stay
    applied and a later call goes on from there.

    Raises:
      MigrationError: a file failed, an applied one was edited since, or the database holds
        tidewire's tables without a record of this file, neither by this function nor by the
        Supabase CLI. The message names file and line.
    """
    async with _connection(dsn) as connection:
        applied = []
        for file in files:
            async with connection.transaction():
                await connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
                await connection.execute("set local statement_timeout = 0")
                await connection.execute("select pg_advisory_xact_lock($1)", _ADVISORY_LOCK)
                if await _is_applied(connection, file):
                    continue
                await _run(connection, file)
            applied.append(file)
            on_applied(file)
        return applied


@asynccontextmanager
async def _connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect so that a pooler in transaction mode will do: nothing prepared outlives a query."""
    try:
        opened = await asyncpg.connect(dsn, timeout=_CONNECT_SECONDS, statement_cache_size=0)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise MigrationError(f"the database could not be reached: {error}") from error
    except (ValueError, asyncpg.InterfaceError):
        # The reason would quote what it took for host or port, which may be of the password.
        raise MigrationError("the database URL is malformed") from None
    try:
        yield opened
    finally:
        await opened.close(timeout=_CONNECT_SECONDS)


async def _is_applied(connection: asyncpg.Connection, file: MigrationFile) -> bool:
    found = await connection.fetchrow(
        "select to_regnamespace('tidewire') is not null as installed,"
        " to_regclass('tidewire.schema_migrations') is not null as recorded"
    )
    assert found is not None
    if not found["installed"]:
        return False
    if not found["recorded"]:
        if await _is_applied_by_the_cli(connection, file):
            return True
        raise MigrationError(
            f"schema tidewire exists, and neither `tidewire migrate` nor the Supabase CLI has a"
            f" record of {file.name}: copy new files with `tidewire init`, then push them"
        )
    record = await connection.fetchrow(
        "select name, checksum from tidewire.schema_migrations where version = $1", file.version
    )
    if record is None:
        return False
    if record["checksum"] != file.checksum:
        raise MigrationError(
            f"{record['name']} was edited after it was applied; put it back and add a new file"
        )
    return True


async def _is_applied_by_the_cli(connection: asyncpg.Connection, file: MigrationFile) -> bool:
    """Whether the Supabase CLI applied it, under its own name or as `tidewire init` copied it."""
    records = "supabase_migrations.schema_migrations"
    if not await connection.fetchval("select to_regclass($1) is not null", records):
        return False
    names = [file.subject, f"tidewire_{file.subject}"]
    return bool(
        await connection.fetchval(
            f"select exists (select from {records} where name = any ($1))",  # noqa: S608  a constant
            names,
        )
    )


async def _run(connection: asyncpg.Connection, file: MigrationFile) -> None:
    try:
        await connection.execute(file.sql)
        await connection.execute(_MAKE_RECORDS)
        await connection.execute(
            "insert into tidewire.schema_migrations (version, name, checksum) values ($1, $2, $3)",
            file.version,
            file.name,
            file.checksum,
        )
    except asyncpg.PostgresError as error:
        raise MigrationError(_describe(file, error)) from error


def _describe(file: MigrationFile, error: asyncpg.PostgresError) -> str:
    position = error.position
    line = "" if position is None else f":{file.sql[: int(position)].count(chr(10)) + 1}"
    facts = [f"{file.name}{line} failed: {error.message or error} (SQLSTATE {error.sqlstate})"]
    facts += [
        f"{name}: {text}"
        for name, text in (
            ("detail", error.detail),
            ("hint", error.hint),
            ("context", error.context),
        )
        if text
    ]
    return "\n  ".join(facts)
