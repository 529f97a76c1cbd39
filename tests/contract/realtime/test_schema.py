"""The schema `realtime` behaves and is granted as on a hosted project."""

from __future__ import annotations

import asyncpg
import pytest

from tidewire.local.postgres import Postgres
from tidewire.local.sql import connection


async def test_partitions_reach_from_yesterday_to_three_days_ahead(
    sql: asyncpg.Connection,
) -> None:
    missing = await sql.fetchval(
        """
        select count(*) from generate_series(current_date - 1, current_date + 3, '1 day') as day
        where to_regclass('realtime.messages_' || to_char(day, 'YYYY_MM_DD')) is null
        """
    )
    assert missing == 0


async def test_old_partitions_are_dropped(postgres: Postgres) -> None:
    async with connection(postgres.dsn("supabase_admin")) as admin:
        await admin.execute(
            """
            create table realtime.messages_2020_01_01 partition of realtime.messages
            for values from ('2020-01-01') to ('2020-01-02')
            """
        )
        await admin.execute("select realtime.maintain_message_partitions()")
        assert await admin.fetchval("select to_regclass('realtime.messages_2020_01_01')") is None


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "postgres"])
async def test_client_roles_hold_what_hosted_projects_grant(
    sql: asyncpg.Connection, role: str
) -> None:
    rights = await sql.fetchrow(
        """
        select has_schema_privilege($1, 'realtime', 'usage') as schema,
               has_table_privilege($1, 'realtime.messages', 'select') as read,
               has_table_privilege($1, 'realtime.messages', 'insert') as write,
               has_function_privilege($1, 'realtime.topic()', 'execute') as topic,
               has_function_privilege($1, 'realtime.send(jsonb, text, text, boolean)', 'execute')
                 as send
        """,
        role,
    )
    assert rights is not None
    assert all(rights.values())


async def test_row_level_security_is_on(sql: asyncpg.Connection) -> None:
    query = "select relrowsecurity from pg_class where oid = 'realtime.messages'::regclass"
    assert await sql.fetchval(query)


async def test_send_never_fails_its_transaction(sql: asyncpg.Connection) -> None:
    async with sql.transaction():
        await sql.execute("set local role anon")
        await sql.execute("select realtime.send('{}', 'event', 'any:topic')")
        assert await sql.fetchval("select 1") == 1
