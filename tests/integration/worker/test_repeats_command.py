"""`tidewire runs` does failed runs again."""

from __future__ import annotations

import json
from uuid import UUID

import asyncpg
import pytest

from integration.worker.test_command import complaint
from integration.worker.test_runs_command import WORKER_ID
from registered_flows import definition, step
from stack import Database


@pytest.fixture
async def failed(database: Database) -> str:
    """The id of a run of flow `answer` that failed in its only step."""
    connection = await asyncpg.connect(database.dsn)
    worker = {"name": "tests", "pid": 1, "host": "tests", "queues": ["default"]}
    flow = definition("answer", "service", step("write"))
    try:
        await connection.execute(
            "select tidewire.register_worker($1, $2)", WORKER_ID, json.dumps(worker)
        )
        version = await connection.fetchval(
            "select tidewire.register_flow($1, $2)", WORKER_ID, json.dumps(flow)
        )
        start = "select tidewire.start_run_for(null, 'answer', '{}') ->> 'run_id'"
        run_id = str(await connection.fetchval(start))
        claimed = await connection.fetchval(
            "select detail from tidewire.claim_steps($1, '{default}', $2, '15 s', 1)"
            " where answer = 'claimed'",
            WORKER_ID,
            [version],
        )
        item = {**json.loads(claimed), "error": "no", "message": "no", "retryable": False}
        names = ("run_id", "step_slug", "lease_token", "error", "message", "retryable")
        await connection.execute(
            "select * from tidewire.fail_steps($1, $2)",
            WORKER_ID,
            json.dumps([{name: item[name] for name in names}]),
        )
    finally:
        await connection.close()
    return run_id


async def test_failed_runs_are_replayed_once(database: Database, failed: str) -> None:
    code, printed = await complaint(database.dsn, "runs", "replay", "--flow", "answer")
    assert (code, failed in printed, printed.endswith("1 replayed\n")) == (0, True, True)
    assert await complaint(database.dsn, "runs", "replay") == (0, "0 replayed\n")


async def test_what_is_replayed_is_narrowed_and_printed_as_json(
    database: Database, failed: str
) -> None:
    narrow = ("runs", "replay", "--json", "--step", "write", "--since")
    assert await complaint(database.dsn, *narrow, "2999-01-01") == (0, "[]\n")
    code, printed = await complaint(database.dsn, *narrow, "2020-01-31T12:00")
    (run,) = json.loads(printed)
    assert (code, run["origin"], str(UUID(run["run_id"]))) == (0, failed, run["run_id"])


async def test_a_failed_run_is_retried(database: Database, failed: str) -> None:
    code, printed = await complaint(database.dsn, "runs", "retry", failed, "--json")
    made = json.loads(printed)
    assert (code, made["created"]) == (0, True)
    code, printed = await complaint(database.dsn, "runs", "retry", failed, "--from-step", "write")
    assert (code, printed.startswith(f"run {failed} is done again by run ")) == (0, True)
    code, printed = await complaint(database.dsn, "runs", "retry", made["run_id"])
    assert (code, printed) == (1, f"tidewire runs: run {made['run_id']} is still active\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("retry", WORKER_ID), f"run {WORKER_ID} not found"),
        (("replay", "--limit", "0"), "limit must be at least 1, got 0"),
    ],
)
async def test_what_cannot_be_done_again_is_said_in_one_line(
    database: Database, arguments: tuple[str, ...], reason: str
) -> None:
    code, printed = await complaint(database.dsn, "runs", *arguments)
    assert (code, printed) == (1, f"tidewire runs: {reason}\n")


async def test_a_time_that_is_none_is_refused_before_the_database_is_asked() -> None:
    nowhere = "postgresql://postgres@127.0.0.1:1/none"
    code, printed = await complaint(nowhere, "runs", "replay", "--since", "yesterday")
    assert code == 2
    assert "since must be a time" in printed
