"""Every table, column, sequence and function against the list of what each role may reach."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from contract.database import access_list, reachable
from contract.database.access_list import ROLES
from stack import Database


@pytest.fixture
async def postgres(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.dsn)
    yield connection
    await connection.close()


@pytest.mark.parametrize("role", ROLES)
async def test_role_executes_only_the_listed_functions(
    role: str, postgres: asyncpg.Connection
) -> None:
    found = await reachable.ask(postgres, reachable.FUNCTIONS, role)
    assert found == access_list.FUNCTIONS[role]


@pytest.mark.parametrize("role", ROLES)
async def test_role_has_only_the_listed_rights_on_tables(
    role: str, postgres: asyncpg.Connection
) -> None:
    assert await reachable.ask(postgres, reachable.TABLES, role) == access_list.TABLES[role]
    assert await reachable.ask(postgres, reachable.COLUMNS, role) == access_list.COLUMNS[role]


@pytest.mark.parametrize("role", ROLES)
async def test_role_may_use_no_sequence_and_create_nothing(
    role: str, postgres: asyncpg.Connection
) -> None:
    assert await reachable.ask(postgres, reachable.SEQUENCES, role) == set()
    assert await reachable.ask(postgres, reachable.SCHEMAS, role) == access_list.SCHEMAS[role]


async def test_no_role_inherits_the_workers(postgres: asyncpg.Connection) -> None:
    members = await postgres.fetch(
        "select m.member::regrole::text from pg_auth_members m"
        " where m.roleid = 'tidewire_worker'::regrole"
    )
    assert {row[0] for row in members} <= {"postgres"}


async def test_policies_let_users_read_alone(postgres: asyncpg.Connection) -> None:
    policies = await postgres.fetch(
        "select tablename, cmd, roles::text[] as roles, qual from pg_policies"
        " where schemaname in ('public', 'tidewire')"
    )
    assert {row["cmd"] for row in policies} == {"SELECT"}
    assert {role for row in policies for role in row["roles"]} == {
        "authenticated",
        "tidewire_worker",
    }
    for row in policies:
        if "authenticated" in row["roles"]:
            assert "auth.uid()" in row["qual"], row["tablename"]
