"""Connections of the stack itself to its own Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

_BOOTSTRAP = Path(__file__).with_name("bootstrap")


def bootstrap_sql(name: str) -> str:
    return (_BOOTSTRAP / f"{name}.sql").read_text()


@asynccontextmanager
async def connection(dsn: str, *, timeout: float = 10.0) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(dsn, timeout=timeout, statement_cache_size=0)
    try:
        yield opened
    finally:
        await opened.close(timeout=timeout)


async def run_sql(dsn: str, sql: str, settings: Mapping[str, str] | None = None) -> None:
    """Run a script in one transaction, with `settings` visible to its `current_setting()`."""
    async with connection(dsn) as opened, opened.transaction():
        for name, value in (settings or {}).items():
            await opened.execute("select set_config($1, $2, true)", name, value)
        await opened.execute(sql)
