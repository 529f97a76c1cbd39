"""Outputs that are used again, by whom they may be, and what a shared one may not know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from engine_view import Runs, StartWorker
from stack import Database as OwnDatabase
from tidewire import Cache, Context, Flow

DAY = timedelta(days=1)


def caching(cache: Cache) -> tuple[Flow, list[Any]]:
    flow, calls = Flow("caching"), []

    @flow.step()
    async def first(input: dict[str, int]) -> dict[str, int]:
        return input

    @flow.step(cache=cache)
    async def costly(first: dict[str, int]) -> int:
        calls.append(first)
        return 2 * first["number"]

    return flow, calls


async def users(database: OwnDatabase, count: int) -> list[UUID]:
    made = [uuid4() for _ in range(count)]
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        for user_id in made:
            await connection.execute("insert into auth.users (id) values ($1)", user_id)
    finally:
        await connection.close()
    return made


async def test_output_is_used_again_for_the_same_inputs_alone(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, calls = caching(Cache(fresh=DAY))
    await start_worker(flow)
    outputs, reused = [], []
    for number in (1, 1, 2):
        run_id = await runs.start("caching", {"number": number})
        outputs.append((await runs.finished(run_id))["output"])
        reused.append((await runs.step(run_id, "costly"))["reused"])
    assert (outputs, reused) == ([2, 2, 4], [None, "cache", None])
    assert calls == [{"number": 1}, {"number": 2}]


async def test_key_path_tells_which_part_of_the_inputs_counts(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, calls = caching(Cache(fresh=DAY, key="$.first.number"))
    await start_worker(flow)
    for other in (1, 2):
        run_id = await runs.start("caching", {"number": 1, "other": other})
        assert (await runs.finished(run_id))["output"] == 2
    assert len(calls) == 1


@pytest.mark.parametrize(("scope", "expected"), [("owner", 2), ("shared", 1)])
async def test_output_is_used_again_for_its_owner_or_for_all(
    scope: str,
    expected: int,
    start_worker: StartWorker,
    runs: Runs,
    database: OwnDatabase,
) -> None:
    flow, calls = caching(Cache(fresh=DAY, scope=scope))  # type: ignore[arg-type]
    await start_worker(flow)
    for user_id in await users(database, 2):
        for _ in range(2):
            run_id = await runs.start("caching", {"number": 1}, user_id=user_id)
            assert (await runs.finished(run_id))["output"] == 2
    assert len(calls) == expected


@pytest.mark.parametrize("value", [0, "", False, [], {}, None])
async def test_falsy_output_is_used_again_as_it_was(
    value: Any, start_worker: StartWorker, runs: Runs
) -> None:
    flow, calls = Flow("falsy"), 0

    @flow.step(cache=Cache(fresh=DAY))
    async def costly(input: int) -> Any:
        nonlocal calls
        calls += 1
        return value

    await start_worker(flow)
    outputs = [(await runs.finished(await runs.start("falsy", 1)))["output"] for _ in range(2)]
    assert (outputs, calls) == ([value, value], 1)


@pytest.mark.parametrize("name", ["user_id", "thread_id", "thread"])
async def test_step_with_a_shared_cache_may_not_know_for_whom_it_works(
    name: str, start_worker: StartWorker, runs: Runs
) -> None:
    flow, calls = Flow("nosy"), 0

    @flow.step(max_attempts=3, cache=Cache(fresh=DAY, scope="shared"))
    async def look(ctx: Context) -> None:
        nonlocal calls
        calls += 1
        getattr(ctx, name)

    await start_worker(flow)
    run_id = await runs.start("nosy", {})
    run = await runs.finished(run_id)
    assert (run["status"], calls) == ("failed", 1)
    assert f"ctx.{name}" in (await runs.step(run_id, "look"))["error"]
