"""The knowledge base in a real Postgres, seeded and searched as the project's own roles."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import asyncpg
import pytest

from flows.knowledge import seed
from flows.reference import edition, load_topics
from stack import Database

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def postgres(database: Database) -> AsyncIterator[Connection]:
    """A connection as `postgres` to a database that has been seeded."""
    assert await seed(database.dsn) > 0
    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()


async def search(connection: Connection, query: str, quantity: int = 10) -> list[dict[str, Any]]:
    async with connection.transaction():
        await connection.execute("set local role service_role")
        found = await connection.fetchval("select search_passages($1, $2)", query, quantity)
    return list(json.loads(found))


async def test_role_that_seeds_is_no_superuser(postgres: Connection) -> None:
    assert await postgres.fetchval("select current_setting('is_superuser')") == "off"


async def test_seeding_twice_loads_once(database: Database, postgres: Connection) -> None:
    before = await postgres.fetch("select passage_id, xmin::text from public.passages order by 1")
    assert await seed(database.dsn) == 0
    after = await postgres.fetch("select passage_id, xmin::text from public.passages order by 1")
    assert before == after
    assert len(after) > 200


async def test_second_seeding_takes_less_than_a_third_of_a_second(
    database: Database, postgres: Connection
) -> None:
    started = time.perf_counter()
    await seed(database.dsn)
    assert time.perf_counter() - started < 0.3


async def test_seeding_at_the_same_time_loads_once(database: Database) -> None:
    loaded = await asyncio.gather(*(seed(database.dsn) for _ in range(4)))
    assert sorted(loaded)[:3] == [0, 0, 0]
    assert max(loaded) > 0


@pytest.mark.parametrize("mark", ["Python 2", f"{edition()}, revision 1"])
async def test_passages_of_another_edition_or_cut_differently_are_replaced(
    database: Database, postgres: Connection, mark: str
) -> None:
    await postgres.execute(f"comment on table public.passages is 'Tidewire knowledge base: {mark}'")
    assert await seed(database.dsn) == await postgres.fetchval(
        "select count(*) from public.passages"
    )
    replaced = await postgres.fetchval("select obj_description('public.passages'::regclass)")
    assert edition() in replaced
    assert mark not in replaced


async def test_table_of_the_same_name_that_is_not_ours_is_left_alone(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn)
    try:
        await connection.execute("create table public.passages (mine text)")
        with pytest.raises(RuntimeError, match=r"public\.passages must be the demo's own"):
            await seed(database.dsn)
        assert await connection.fetchval("select count(*) from public.passages") == 0
    finally:
        await connection.close()


async def test_command_says_what_it_did(database: Database) -> None:
    said = []
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "flows.knowledge",
            env={**os.environ, "DATABASE_URL": database.dsn, "PYTHONPATH": "worker"},
            stdout=subprocess.PIPE,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0
        said.append(output.decode())
    assert "loaded" in said[0]
    assert "already holds" in said[1]


@pytest.mark.parametrize(
    ("query", "topic"),
    [
        ("context manager exit exception", "with"),
        ("nonlocal statement", "nonlocal"),
        ("global or nonlocal or binding", "nonlocal"),
        ("operator precedence table", "operator-summary"),
        ("__slots__", "attribute-access"),
    ],
)
async def test_search_finds_the_topic_that_is_asked_for(
    postgres: Connection, query: str, topic: str
) -> None:
    assert topic in [hit["topic"] for hit in await search(postgres, query)]


async def test_search_asks_again_with_alternatives_when_nothing_has_all_words(
    postgres: Connection,
) -> None:
    hits = await search(postgres, "how do I frobnicate a generator lambda nonlocal metaclass")
    assert len(hits) == 10
    assert all(hit["content"] and hit["title"] for hit in hits)


@pytest.mark.parametrize("query", ["", "   ", "the of and", "!!! ''' \\ : & | <->", "frobnicate"])
async def test_search_for_nothing_finds_nothing(postgres: Connection, query: str) -> None:
    assert await search(postgres, query) == []


async def test_search_returns_best_first_and_no_more_than_asked(postgres: Connection) -> None:
    hits = await search(postgres, "class or function", 7)
    ranks = [hit["rank"] for hit in hits]
    assert len(hits) == 7
    assert ranks == sorted(ranks, reverse=True)
    assert await search(postgres, "class or function", -1) == []
    assert len(await search(postgres, "class or function or statement", 10_000)) == 100


async def test_every_topic_of_the_reference_can_be_found(postgres: Connection) -> None:
    found = await postgres.fetch("select distinct topic from public.passages")
    topics = {row["topic"] for row in found}
    # A topic may be nothing but paragraphs of shorter ones.
    assert len(topics) > 0.9 * len(load_topics())


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize(
    "statement", ["select * from public.passages", "select search_passages('class', 1)"]
)
async def test_users_can_neither_read_nor_search(
    postgres: Connection, role: str, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with postgres.transaction():
            await postgres.execute(f"set local role {role}")
            await postgres.execute(statement)


async def test_row_level_security_is_on_and_the_service_can_only_read(
    postgres: Connection,
) -> None:
    row = await postgres.fetchrow(
        "select relrowsecurity, has_table_privilege('service_role', oid, 'select') as reads, "
        "has_table_privilege('service_role', oid, 'insert, update, delete, truncate') as writes "
        "from pg_class where oid = 'public.passages'::regclass"
    )
    assert row is not None
    assert dict(row) == {"relrowsecurity": True, "reads": True, "writes": False}
