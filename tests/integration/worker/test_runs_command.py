"""`tidewire runs` moves runs and lists those that nobody serves."""

from __future__ import annotations

import json

import asyncpg
import pytest

from integration.worker.test_command import complaint
from registered_flows import definition, step
from stack import Database

WORKER_ID = "00000000-0000-7000-8000-000000000001"


async def register(connection: asyncpg.Connection, *steps: dict[str, object]) -> str:
    """Register a version of flow `answer` by a worker that is gone again."""
    worker = {"name": "tests", "pid": 1, "host": "tests", "queues": ["default"]}
    await connection.execute(
        "select tidewire.register_worker($1, $2)", WORKER_ID, json.dumps(worker)
    )
    flow = json.dumps(definition("answer", "service", *steps))
    version = await connection.fetchval("select tidewire.register_flow($1, $2)", WORKER_ID, flow)
    await connection.execute("select tidewire.stop_worker($1)", WORKER_ID)
    return str(version)


@pytest.fixture
async def stranded(database: Database) -> str:
    """The id of a run of the old version; the current one has a step more."""
    connection = await asyncpg.connect(database.dsn)
    try:
        await register(connection, step("write"))
        start = "select tidewire.start_run_for(null, 'answer', '{}') ->> 'run_id'"
        run_id = str(await connection.fetchval(start))
        await register(connection, step("write"), step("check", "write"))
    finally:
        await connection.close()
    return run_id


async def test_stranded_runs_are_listed_as_a_table_and_as_json(
    database: Database, stranded: str
) -> None:
    code, printed = await complaint(database.dsn, "runs", "stranded")
    assert (code, stranded in printed, "deadline" in printed) == (0, True, True)
    code, printed = await complaint(database.dsn, "runs", "stranded", "--json")
    (run,) = json.loads(printed)
    assert (code, run["run_id"], run["flow_slug"], run["label"]) == (0, stranded, "answer", "1")


async def test_runs_are_moved_to_the_current_version(database: Database, stranded: str) -> None:
    arguments = ("runs", "move", "answer", "--to-version", "current")
    assert await complaint(database.dsn, *arguments) == (
        0,
        "answer: 1 moved, 0 busy, 0 refused\n",
    )
    assert await complaint(database.dsn, *arguments, "--json") == (0, "[]\n")


async def test_runs_that_are_not_moved_are_shown_with_the_reason(
    database: Database, stranded: str
) -> None:
    connection = await asyncpg.connect(database.dsn)
    try:
        async with connection.transaction():
            await connection.execute("select from public.flow_runs for update")
            code, printed = await complaint(
                database.dsn, "runs", "move", "answer", "--to-version", "current"
            )
            arguments = ("runs", "move", "answer", "--to-version", "current", "--json")
            json_code, json_printed = await complaint(database.dsn, *arguments)
    finally:
        await connection.close()
    assert (code, json_code) == (1, 1)
    assert f"{stranded}  busy    somebody else holds the run" in printed
    assert "answer: 0 moved, 1 busy, 0 refused" in printed
    (run,) = json.loads(json_printed)
    assert (run["run_id"], run["answer"]) == (stranded, "busy")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("nothing", "--to-version", "current"), "flow 'nothing' not found"),
        (("answer", "--to-version", "abcdef12"), "version 'abcdef12' of flow answer not found"),
        (("answer", "--to-version", "current", "--limit", "0"), "limit must be at least 1, got 0"),
    ],
)
async def test_what_cannot_be_moved_is_said_in_one_line(
    database: Database, stranded: str, arguments: tuple[str, ...], reason: str
) -> None:
    code, printed = await complaint(database.dsn, "runs", "move", *arguments)
    assert (code, printed) == (1, f"tidewire runs: {reason}\n")


async def test_a_database_that_is_not_there_is_said_in_one_line() -> None:
    code, printed = await complaint("postgresql://postgres@127.0.0.1:1/none", "runs", "stranded")
    assert code == 1
    assert printed.startswith("tidewire runs: database not reached: ")
    assert "Traceback" not in printed
