"""The REST and Auth API behind the one port answers as hosted Supabase does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
import pytest_asyncio

from stack import StackUnderTest
from tidewire.local.stack import Stack

SCHEMA = """
drop table if exists public.api_rows;
create table public.api_rows (id int primary key, name text check (name <> 'bad'));
insert into public.api_rows select g, 'row' from generate_series(1, 2500) g;
alter table public.api_rows enable row level security;
create policy "All read" on public.api_rows for select to anon, authenticated using (true);
create policy "All write" on public.api_rows for insert to anon with check (true);
grant select, insert on public.api_rows to anon, authenticated;

create or replace function public.api_raise (code text) returns jsonb language plpgsql as $$
begin
  raise exception using errcode = code, message = 'told', detail = 'TW005', hint = 'wait';
end $$;
create or replace function public.api_size (document jsonb) returns int language sql
  as $$ select length(document::text) $$;
create or replace function public.api_echo (document jsonb) returns jsonb language sql
  as $$ select jsonb_build_object('document', document) $$;
create or replace function public.api_who () returns jsonb language sql as $$
  select jsonb_build_object('role', current_user, 'uid', auth.uid(), 'email', auth.email(),
    'timeout', current_setting('statement_timeout'))
$$;
create or replace function public.api_sleep () returns text language sql
  as $$ select pg_sleep(60)::text $$;
grant execute on function public.api_raise, public.api_size, public.api_echo, public.api_who,
  public.api_sleep to anon, authenticated, service_role;
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def embedded(stack: StackUnderTest) -> AsyncIterator[Stack]:
    if stack.embedded is None:
        pytest.skip("needs a schema of its own in the project")
    connection = await asyncpg.connect(stack.db_url)
    await connection.execute(SCHEMA)
    await connection.close()
    await stack.embedded.restart("api")
    yield stack.embedded
    connection = await asyncpg.connect(stack.db_url)
    await connection.execute(
        "drop table public.api_rows; drop function public.api_raise, public.api_size,"
        " public.api_echo, public.api_who, public.api_sleep"
    )
    await connection.close()


@pytest.fixture
async def client(embedded: Stack) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"apikey": embedded.publishable_key}
    async with httpx.AsyncClient(
        base_url=embedded.api_url, headers=headers, timeout=30
    ) as connected:
        yield connected


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("PT409", 409),
        ("PT413", 413),
        ("PT429", 429),
        ("TW001", 400),
        ("P0001", 400),
        ("40001", 500),
    ],
)
async def test_raised_errors_keep_code_message_details_and_hint(
    client: httpx.AsyncClient, code: str, status: int
) -> None:
    answer = await client.post("/rest/v1/rpc/api_raise", json={"code": code})
    assert answer.status_code == status
    assert answer.json() == {"code": code, "message": "told", "details": "TW005", "hint": "wait"}


async def test_violated_checks_are_a_bad_request(client: httpx.AsyncClient) -> None:
    answer = await client.post("/rest/v1/api_rows", json={"id": 0, "name": "bad"})
    assert (answer.status_code, answer.json()["code"]) == (400, "23514")


async def test_bodies_of_two_megabytes_arrive_whole(client: httpx.AsyncClient) -> None:
    document = {"text": "x" * 2_500_000}
    answer = await client.post("/rest/v1/rpc/api_size", json={"document": document})
    assert answer.json() == len('{"text": ""}') + 2_500_000


@pytest.mark.parametrize("value", [{"a": 1}, [1, "a"], "text", "5", 5, True, '{"a": 1}', "ü\u2028"])
async def test_json_arguments_arrive_as_they_were_sent(
    client: httpx.AsyncClient, value: object
) -> None:
    answer = await client.post("/rest/v1/rpc/api_echo", json={"document": value})
    assert answer.json() == {"document": value}


async def test_pages_are_cut_at_a_thousand_rows(client: httpx.AsyncClient) -> None:
    answer = await client.get("/rest/v1/api_rows", params={"select": "id", "limit": 2000})
    assert len(answer.json()) == 1000


async def test_anonymous_statements_are_cancelled_after_three_seconds(
    client: httpx.AsyncClient,
) -> None:
    began = time.monotonic()
    answer = await client.post("/rest/v1/rpc/api_sleep", json={})
    assert 2.5 < time.monotonic() - began < 6
    assert (answer.status_code, answer.json()["code"]) == (500, "57014")


async def test_a_user_acts_as_authenticated_with_their_own_id(client: httpx.AsyncClient) -> None:
    credentials = {"email": f"{time.time_ns()}@example.com", "password": "correct-horse"}
    session = (await client.post("/auth/v1/signup", json=credentials)).json()
    again = await client.post("/auth/v1/token?grant_type=password", json=credentials)
    bearer = {"authorization": f"Bearer {again.json()['access_token']}"}
    who = await client.post("/rest/v1/rpc/api_who", json={}, headers=bearer)
    assert who.json() == {
        "role": "authenticated",
        "uid": session["user"]["id"],
        "email": credentials["email"],
        "timeout": "8s",
    }


async def test_each_key_takes_its_role(embedded: Stack, client: httpx.AsyncClient) -> None:
    keys = embedded.keys
    for key, role in {
        keys.publishable_key: "anon",
        keys.anon_key: "anon",
        keys.secret_key: "service_role",
        keys.service_role_key: "service_role",
    }.items():
        headers = {"apikey": key, "authorization": f"Bearer {key}"}
        who = await client.post("/rest/v1/rpc/api_who", json={}, headers=headers)
        assert who.json()["role"] == role


@pytest.mark.parametrize("headers", [{}, {"apikey": "sb_publishable_wrong"}])
async def test_requests_without_a_known_key_are_refused(
    embedded: Stack, headers: dict[str, str]
) -> None:
    async with httpx.AsyncClient(base_url=embedded.api_url, headers=headers) as stranger:
        assert (await stranger.get("/rest/v1/api_rows")).status_code == 401


async def test_pages_on_other_ports_may_call_the_api(client: httpx.AsyncClient) -> None:
    origin = {"origin": "http://127.0.0.1:54380"}
    asked = {"access-control-request-headers": "apikey,x-client-info"}
    preflight = await client.options("/rest/v1/api_rows", headers={**origin, **asked})
    answer = await client.get("/rest/v1/api_rows", params={"limit": 1}, headers=origin)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-headers"] == "apikey,x-client-info"
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]


async def test_new_tables_are_served_without_a_restart(
    embedded: Stack, client: httpx.AsyncClient
) -> None:
    connection = await asyncpg.connect(embedded.db_url)
    await connection.execute(
        "create table public.api_late (id int); grant select on public.api_late to anon;"
        "alter table public.api_late enable row level security"
    )
    try:
        deadline = time.monotonic() + 10
        while (await client.get("/rest/v1/api_late")).status_code == 404:
            assert time.monotonic() < deadline
    finally:
        await connection.execute("drop table public.api_late")
        await connection.close()
