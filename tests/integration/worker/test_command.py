"""`tidewire worker` and `tidewire migrate` say in one line why they cannot start."""

from __future__ import annotations

import asyncio
import os
import sys
from urllib.parse import urlsplit

import pytest

from stack import Database, StackUnderTest


async def complaint(dsn: str, *arguments: str) -> tuple[int, str]:
    """Run the program against a database URL; return its exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tidewire.cli",
        *arguments,
        env=os.environ | {"DATABASE_URL": dsn, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


WORKER = ("worker", "--flows", "flows.research_chat")


@pytest.mark.parametrize("arguments", [WORKER, ("migrate",)], ids=["worker", "migrate"])
@pytest.mark.parametrize("password", ["S3cret/x", "S3cret#x", "S3cret[x", "S3cret?x"])
async def test_no_part_of_a_password_is_printed_when_the_url_is_malformed(
    password: str, arguments: tuple[str, ...]
) -> None:
    code, printed = await complaint(f"postgresql://postgres:{password}@127.0.0.1/db", *arguments)
    assert code == 1
    assert "S3cret" not in printed
    assert "percent-encoded" in printed
    assert "Traceback" not in printed


async def test_a_refused_login_names_the_variable_and_not_the_password(database: Database) -> None:
    password = urlsplit(database.dsn).password
    assert password is not None
    code, printed = await complaint(database.dsn.replace(password, "wrong-one"), *WORKER)
    assert code == 1
    assert 'DATABASE_URL: password authentication failed for user "postgres"' in printed
    assert "wrong-one" not in printed
    assert "Traceback" not in printed


async def test_a_database_without_the_migrations_is_told_of_migrate(stack: StackUnderTest) -> None:
    if stack.embedded is None:
        pytest.skip("makes a database of its own")
    postgres = stack.embedded.postgres
    await postgres.create_database("without_migrations")
    try:
        dsn = postgres.dsn("postgres", "without_migrations")
        code, printed = await complaint(dsn, *WORKER)
    finally:
        await postgres.drop_database("without_migrations")
    assert code == 1
    assert 'schema "tidewire" does not exist' in printed
    assert "`tidewire migrate`" in printed
    assert "Traceback" not in printed
