"""What the embedded stack allows is what hosted Supabase allows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from stack import Database, StackUnderTest

PRIVILEGES = """
select n.nspname, c.relname, c.relacl::text, a.attname, a.attacl::text
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_attribute a on a.attrelid = c.oid and a.attacl is not null
where n.nspname in ('public', 'tidewire', 'realtime', 'auth')
order by 1, 2, 4
"""
DEFAULT_PRIVILEGES = "select * from pg_default_acl order by oid"


async def connect(dsn: str) -> asyncpg.Connection:
    return await asyncpg.connect(dsn)


@pytest.fixture
async def postgres(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(database.dsn)
    yield connection
    await connection.close()


async def test_requests_to_the_api_change_no_privilege(stack: StackUnderTest) -> None:
    if stack.embedded is None:
        pytest.skip("reads the catalogue as superuser")
    admin = await connect(stack.embedded.superuser_url)
    postgres = await connect(stack.db_url)
    try:
        await postgres.execute(
            """
            drop table if exists public.notes;
            create table public.notes (id int primary key, owner text, secret text);
            alter table public.notes enable row level security;
            create policy "All read" on public.notes for select to anon using (true);
            revoke all on public.notes from anon, authenticated, service_role;
            grant select (id, owner) on public.notes to anon;
            insert into public.notes values (1, 'ada', 'hidden');
            """
        )
        await stack.embedded.restart("api")
        before = [await admin.fetch(PRIVILEGES), await admin.fetch(DEFAULT_PRIVILEGES)]
        headers = {"apikey": stack.publishable_key}
        async with httpx.AsyncClient(base_url=stack.api_url, headers=headers) as client:
            allowed = await client.get("/rest/v1/notes", params={"select": "id,owner"})
            refused = await client.get("/rest/v1/notes", params={"select": "secret"})
            written = await client.post("/rest/v1/notes", json={"id": 2})
        assert allowed.json() == [{"id": 1, "owner": "ada"}]
        assert (refused.status_code, refused.json()["code"]) == (401, "42501")
        assert (written.status_code, written.json()["code"]) == (401, "42501")
        assert before == [await admin.fetch(PRIVILEGES), await admin.fetch(DEFAULT_PRIVILEGES)]
    finally:
        await postgres.execute("drop table if exists public.notes")
        await postgres.close()
        await admin.close()


async def test_postgres_is_no_superuser_and_bypasses_row_level_security(
    postgres: asyncpg.Connection,
) -> None:
    role = await postgres.fetchrow("select * from pg_roles where rolname = current_user")
    assert role is not None
    assert not role["rolsuper"]
    assert role["rolbypassrls"] and role["rolcreaterole"] and role["rolcreatedb"]


async def test_postgres_makes_schemas_roles_tables_and_references_to_users(
    postgres: asyncpg.Connection,
) -> None:
    await postgres.execute(
        """
        create role shop_worker nologin;
        grant shop_worker to current_user;
        create schema shop;
        grant usage on schema shop to shop_worker, service_role;
        create table public.orders (
          id uuid primary key, user_id uuid references auth.users on delete cascade,
          embedding extensions.vector(3)
        );
        create function public.noop () returns trigger language plpgsql as 'begin return new; end';
        create trigger made after insert on auth.users for each row execute function public.noop();
        insert into auth.users (id, email) values (gen_random_uuid(), 'a@example.com');
        drop table public.orders;
        """
    )
    await postgres.execute("drop owned by shop_worker; drop role shop_worker")


@pytest.mark.parametrize(
    "statement",
    [
        "create table auth.mine (id int)",
        "create function auth.mine () returns int language sql as 'select 1'",
        "alter table auth.users add column mine int",
        "create index on auth.users (created_at)",
        "create or replace function auth.uid () returns uuid language sql as 'select null::uuid'",
        "create table realtime.mine (id int)",
        "alter table realtime.messages add column mine int",
        "alter table realtime.messages enable row level security",
        "alter table realtime.messages disable row level security",
        "create index on realtime.messages (topic)",
        "drop table realtime.messages",
        "create or replace function realtime.topic () returns text language sql as 'select null'",
        "drop function realtime.send (jsonb, text, text, boolean)",
        "set role supabase_realtime_admin",
        "set role supabase_auth_admin",
        "set role authenticator; create table auth.mine (id int)",
        "set role supabase_admin",
        "alter role postgres superuser",
        "copy (select 1) to program 'true'",
    ],
)
async def test_postgres_is_refused(postgres: asyncpg.Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await postgres.execute(statement)


async def test_postgres_makes_and_drops_policies_of_realtime_messages(
    postgres: asyncpg.Connection,
) -> None:
    await postgres.execute(
        'create policy "Mine" on realtime.messages for select to authenticated using (true);'
        'alter policy "Mine" on realtime.messages using (false);'
        'drop policy "Mine" on realtime.messages'
    )


async def test_definer_function_of_postgres_sends_to_realtime(postgres: asyncpg.Connection) -> None:
    await postgres.execute(
        """
        create function public.announce () returns void language sql security definer
        set search_path = '' as $$ select realtime.send('{"a": 1}', 'said', 'room', true) $$;
        grant execute on function public.announce () to authenticated;
        set role authenticated;
        select public.announce();
        reset role;
        """
    )
    assert await postgres.fetchval("select count(*) from realtime.messages where topic = 'room'")


async def test_auth_functions_read_both_forms_of_claims(postgres: asyncpg.Connection) -> None:
    user = "5f7a3f0e-6a34-4a43-a2f5-6f5a9b1f7a11"
    async with postgres.transaction():
        await postgres.execute("set local role authenticated")
        claims = f'{{"sub": "{user}", "role": "authenticated", "email": "a@example.com"}}'
        await postgres.execute("select set_config('request.jwt.claims', $1, true)", claims)
        row = await postgres.fetchrow(
            "select auth.uid()::text, auth.role(), auth.email(), auth.jwt() ->> 'sub' as sub"
        )
        assert row is not None
        assert tuple(row) == (user, "authenticated", "a@example.com", user)


async def test_new_tables_are_granted_to_nobody_unless_auto_grants_are_on(
    stack: StackUnderTest, postgres: asyncpg.Connection
) -> None:
    if stack.embedded is None:
        pytest.skip("projects differ")
    await postgres.execute("create table public.fresh (id int)")
    granted = await postgres.fetchval(
        "select has_table_privilege('service_role', 'public.fresh', 'select')"
        " and has_table_privilege('anon', 'public.fresh', 'insert')"
    )
    assert granted == stack.embedded.auto_grants
