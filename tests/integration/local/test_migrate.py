"""Migrations are applied once, in order, and are refused when they cannot be trusted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from stack import StackUnderTest
from tidewire.errors import MigrationError
from tidewire.install.apply import apply_migrations
from tidewire.install.migration_files import MigrationFile, read_migrations
from tidewire.install.project import copy_migrations

FIRST = MigrationFile("20260101000000", "first", "create schema tidewire;\n")
SECOND = MigrationFile("20260101000100", "second", "create table tidewire.made (id int);\n")
BROKEN = MigrationFile("20260101000200", "broken", "select 1;\n\nselect nonsense;\n")


@pytest.fixture
async def dsn(stack: StackUnderTest, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """An empty database."""
    if stack.embedded is None:
        pytest.skip("makes databases of its own")
    name = f"migrate_{abs(hash(request.node.name)) % 10**8}"
    await stack.embedded.postgres.create_database(name)
    yield stack.embedded.postgres.dsn("postgres", name)
    await stack.embedded.postgres.drop_database(name)


async def applied_names(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("select name from tidewire.schema_migrations order by 1")
        return [row["name"] for row in rows]
    finally:
        await connection.close()


async def test_each_file_is_applied_once_and_new_ones_later(dsn: str) -> None:
    assert await apply_migrations(dsn, [FIRST]) == [FIRST]
    assert await apply_migrations(dsn, [FIRST, SECOND]) == [SECOND]
    assert await apply_migrations(dsn, [FIRST, SECOND]) == []
    assert await applied_names(dsn) == [FIRST.name, SECOND.name]


async def test_callers_at_the_same_time_take_turns(dsn: str) -> None:
    applied = await asyncio.gather(*[apply_migrations(dsn, [FIRST, SECOND]) for _ in range(4)])
    assert sorted(file.name for files in applied for file in files) == [FIRST.name, SECOND.name]


async def test_a_failing_file_names_its_line_and_leaves_nothing(dsn: str) -> None:
    with pytest.raises(MigrationError, match=r'broken.sql:3 failed: column "nonsense"'):
        await apply_migrations(dsn, [FIRST, BROKEN, SECOND])
    assert await applied_names(dsn) == [FIRST.name]


async def test_an_applied_file_that_was_edited_is_refused(dsn: str) -> None:
    await apply_migrations(dsn, [FIRST])
    windows = MigrationFile(FIRST.version, FIRST.subject, FIRST.sql.replace("\n", "\r\n"))
    assert await apply_migrations(dsn, [windows]) == []
    edited = MigrationFile(FIRST.version, FIRST.subject, FIRST.sql + "-- more")
    with pytest.raises(MigrationError, match=f"{FIRST.name} was edited"):
        await apply_migrations(dsn, [edited])


async def test_a_project_that_applies_the_files_itself_is_refused(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(FIRST.sql)
    await connection.close()
    with pytest.raises(MigrationError, match="tidewire init"):
        await apply_migrations(dsn, [FIRST, SECOND])


async def record_as_the_cli(dsn: str, *names: str) -> None:
    """Leave what the Supabase CLI's `db push` leaves."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(FIRST.sql)
    await connection.execute(
        "create schema supabase_migrations;"
        " create table supabase_migrations.schema_migrations"
        " (version text primary key, statements text[], name text)"
    )
    await connection.executemany(
        "insert into supabase_migrations.schema_migrations (version, name) values ($1, $2)",
        [(str(place), name) for place, name in enumerate(names)],
    )
    await connection.close()


async def test_files_that_the_supabase_cli_applied_are_left_to_it(dsn: str) -> None:
    await record_as_the_cli(dsn, "first", "tidewire_second")
    assert await apply_migrations(dsn, [FIRST, SECOND]) == []


async def test_a_file_that_the_supabase_cli_has_not_applied_is_named(dsn: str) -> None:
    await record_as_the_cli(dsn, "first", "a_table_of_the_project")
    with pytest.raises(MigrationError, match=SECOND.name):
        await apply_migrations(dsn, [FIRST, SECOND])


async def test_api_roles_see_nothing_of_the_records(dsn: str) -> None:
    await apply_migrations(dsn, [FIRST])
    connection = await asyncpg.connect(dsn)
    roles = ["anon", "authenticated", "service_role"]
    allowed = await connection.fetch(
        "select r from unnest($1::text[]) r"
        " where has_table_privilege(r, 'tidewire.schema_migrations', 'select')",
        roles,
    )
    await connection.close()
    assert allowed == []


async def test_an_unreachable_database_is_a_clear_error() -> None:
    with pytest.raises(MigrationError, match="could not be reached"):
        await apply_migrations("postgresql://postgres@127.0.0.1:1/postgres", [FIRST])


def test_copies_are_stamped_after_the_projects_last_migration(tmp_path: Path) -> None:
    folder = tmp_path / "supabase" / "migrations"
    folder.mkdir(parents=True)
    (folder / "20991231235959_theirs.sql").write_text("select 1;")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    copied = copy_migrations([FIRST, SECOND], tmp_path, now=now)
    assert [path.name for path in copied] == [
        "21000101000000_tidewire_first.sql",
        "21000101000001_tidewire_second.sql",
    ]
    assert copied[1].read_text() == SECOND.sql


def test_a_project_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "mistyped"
    with pytest.raises(MigrationError, match="mistyped"):
        copy_migrations([FIRST], missing)
    assert not missing.exists()


def test_a_file_in_the_way_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "supabase").write_text("")
    with pytest.raises(MigrationError, match="supabase/migrations could not be made"):
        copy_migrations([FIRST], tmp_path)


def test_an_upgrade_copies_only_the_new_files(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    copy_migrations([FIRST], tmp_path, now=now)
    assert [path.name for path in copy_migrations([FIRST, SECOND], tmp_path, now=now)] == [
        "20260101120001_tidewire_second.sql"
    ]
    assert copy_migrations([FIRST, SECOND], tmp_path, now=now) == []


def test_files_that_share_a_subject_are_refused(tmp_path: Path) -> None:
    for version in ("20260101000000", "20260101000001"):
        (tmp_path / f"{version}_same.sql").write_text("select 1;")
    with pytest.raises(MigrationError, match="must not share a subject"):
        read_migrations(tmp_path)
