"""What every function and table of the database keeps, read from the catalogue."""

from __future__ import annotations

import asyncpg
import pytest

from stack import Database

CLIENT_RPCS = "('start_run', 'send_message', 'cancel_run', 'retry_run', 'regenerate', 'read_log')"
OURS = f"""
select p.oid::regprocedure::text as name, p.prosrc, p.proconfig, p.prosecdef, p.prokind::text,
  l.lanname, r.rolname as owner,
  exists (
    select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0
  ) as public_may_execute
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_language l on l.oid = p.prolang
join pg_roles r on r.oid = p.proowner
where n.nspname = 'tidewire' or (n.nspname = 'public' and p.proname in {CLIENT_RPCS})
"""


@pytest.fixture
async def functions(database: Database) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database.dsn)
    try:
        return list(await connection.fetch(OURS))
    finally:
        await connection.close()


async def test_every_function_sets_an_empty_search_path(functions: list[asyncpg.Record]) -> None:
    assert len(functions) > 40
    for function in functions:
        if function["prokind"] != "a":
            assert 'search_path=""' in (function["proconfig"] or []), function["name"]


async def test_no_function_is_executable_by_public(functions: list[asyncpg.Record]) -> None:
    assert [f["name"] for f in functions if f["public_may_execute"]] == []


async def test_functions_that_define_their_rights_belong_to_a_role_without_superuser(
    functions: list[asyncpg.Record],
) -> None:
    assert {f["owner"] for f in functions if f["prosecdef"]} == {"postgres"}


async def test_the_clock_can_serve_an_index_condition(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn)
    try:
        volatility = await connection.fetchval(
            "select provolatile::text from pg_proc where oid = 'tidewire.clock()'::regprocedure"
        )
    finally:
        await connection.close()
    assert volatility == "s"


async def test_every_table_has_row_level_security(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn)
    try:
        rows = await connection.fetch(
            "select c.oid::regclass::text as name, c.relrowsecurity from pg_class c"
            " where c.relkind in ('r', 'p')"
            " and c.relnamespace in ('public'::regnamespace, 'tidewire'::regnamespace)"
        )
    finally:
        await connection.close()
    assert len(rows) >= 10
    assert [row["name"] for row in rows if not row["relrowsecurity"]] == []
