"""Projects differ in what they grant on new objects; after the migrations they do not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from contract.database import reachable
from contract.database.access_list import ROLES
from stack import Database
from tidewire.install.apply import apply_migrations
from tidewire.install.migration_files import packaged_folder, read_migrations

KINDS = ("tables", "sequences", "functions")
GRANT = "alter default privileges for role {owner} in schema public {change} all on {kind} {to}"
REMOVE = """
do $$
declare
  v_object text;
begin
  for v_object in
    select format('drop policy %I on realtime.messages', p.policyname)
    from pg_policies p
    where p.schemaname = 'realtime' and p.qual || coalesce(p.with_check, '') like '%tidewire%'
      or p.with_check like '%tidewire%'
  loop
    execute v_object;
  end loop;
  drop table public.flow_runs, public.flow_steps, public.streaming_chunks, public.flow_threads,
    public.flow_messages cascade;
  for v_object in
    select format('drop function %s', p.oid::regprocedure)
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and p.proname in (
        'start_run', 'send_message', 'cancel_run', 'retry_run', 'regenerate', 'read_log'
      )
  loop
    execute v_object;
  end loop;
  drop schema tidewire cascade;
end
$$
"""


@pytest.fixture
async def postgres(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()


async def privileges_when_installed(
    connection: asyncpg.Connection, dsn: str, change: str, to: str
) -> set[object]:
    """Install again under other default privileges, and list what every role can reach then."""
    await connection.execute("set client_min_messages = warning")
    await connection.execute(REMOVE)
    for kind in KINDS:
        await connection.execute(GRANT.format(owner="postgres", change=change, kind=kind, to=to))
    await apply_migrations(dsn, read_migrations(packaged_folder()))
    return await reachable.everything(connection, (*ROLES, "public"))


async def test_privileges_are_the_same_whatever_the_project_grants_by_default(
    postgres: asyncpg.Connection, database: Database
) -> None:
    api_roles = "anon, authenticated, service_role"
    revoked = await privileges_when_installed(postgres, database.dsn, "revoke", f"from {api_roles}")
    granted = await privileges_when_installed(postgres, database.dsn, "grant", f"to {api_roles}")
    everyone = await privileges_when_installed(postgres, database.dsn, "grant", "to public")
    assert granted - revoked == set()
    assert everyone - revoked == set()
    assert revoked - granted == set()
