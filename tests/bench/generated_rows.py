"""Rows of very many runs, made by set-based SQL out of a finished and a queued one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import asyncpg

from bench.ground import OwnDatabase
from tidewire.local.sql import connection

_TABLES: Final = ("flow_runs", "flow_steps")
# A version 7 uuid like those of real runs: n milliseconds after an hour ago.
_RUN_ID: Final = """(
  lpad(to_hex((extract(epoch from now()) * 1000)::bigint - 3600000 + n), 12, '0')
  || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15)
)::uuid"""
_CHANGED: Final[Mapping[str, Mapping[str, str]]] = {
    "flow_runs": {"run_id": "run_id_of_n", "message_id": "run_id_of_n::text"},
    "flow_steps": {
        "run_id": "run_id_of_n",
        "available_at": "t.available_at + n * interval '1 microsecond'",
    },
}


class GeneratedRows:
    """Copies of real runs: whatever columns the tables have, the copies are as real ones.

    Their logs stay empty. Statistics are left as they were while the tables were small, and
    autovacuum is kept off them, so that it never works while something is timed.
    """

    def __init__(self, database: OwnDatabase) -> None:
        self._dsn = database.superuser_dsn
        self._made = 0

    async def keep(self, kind: str, run_id: str) -> None:
        """Keep a run, as it is now, as the pattern of further ones."""
        async with connection(self._dsn) as admin:
            await admin.execute("create schema if not exists bench")
            for table in _TABLES:
                await admin.execute(
                    f"alter table public.{table} set (autovacuum_enabled = off);"
                    f"create table bench.{kind}_{table} as"
                    f" select * from public.{table} where run_id = '{run_id}'"
                )

    async def add(self, kind: str, runs: int) -> None:
        """Add copies of a kept run, newer ones last in line."""
        first, self._made = self._made + 1, self._made + runs
        async with connection(self._dsn) as admin, admin.transaction():
            # Without the triggers of foreign keys, which look every row up.
            await admin.execute("set local session_replication_role = replica")
            for table in _TABLES:
                await admin.execute(await _copying(admin, kind, table), first, self._made)

    async def settle(self) -> None:
        """Write everything to disk now, not while something is timed."""
        async with connection(self._dsn) as admin:
            await admin.execute("checkpoint")


async def _copying(admin: asyncpg.Connection, kind: str, table: str) -> str:
    """Return the statement that copies a kept run for every number from $1 to $2."""
    columns = await admin.fetch(
        "select quote_ident(attname) from pg_attribute"
        " where attrelid = ('public.' || $1)::regclass and attnum > 0"
        " and not attisdropped and attgenerated = ''",
        table,
    )
    names = [str(column[0]) for column in columns]
    values = [_CHANGED[table].get(name, f"t.{name}") for name in names]
    return (
        f"insert into public.{table} ({', '.join(names)}) select {', '.join(values)}"
        f" from (select n, {_RUN_ID} as run_id_of_n from generate_series($1::bigint, $2) n) ids"
        f" cross join bench.{kind}_{table} t"
    )
