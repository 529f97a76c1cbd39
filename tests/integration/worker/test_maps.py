"""Maps end to end: many items, failures among them, several workers, what items may do."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from engine_view import Runs, StartWorker
from tidewire import Cache, ChatMessage, Context, Flow
from tidewire.testing import ScriptedModel

NOTHING = timedelta()


async def test_map_of_200_items_retries_some_and_tolerates_others(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, calls = Flow("many"), Counter[int]()

    @flow.map(tolerance=0.1, max_attempts=2, backoff=NOTHING)
    async def double(ctx: Context, item: int) -> int:
        calls[item] += 1
        if item % 20 == 0 or (item % 7 == 0 and ctx.attempt == 1):
            raise OSError("no line")
        return 2 * item

    @flow.step()
    async def known(double: list[int | None]) -> int:
        return sum(value is not None for value in double)

    await start_worker(flow)
    run_id = await runs.start("many", list(range(200)))
    assert (await runs.finished(run_id))["output"] == 190

    (row,) = await runs.rows(
        "select * from public.flow_steps where run_id = $1 and step_slug = 'double'"
        " and item_index = -1",
        UUID(run_id),
    )
    assert row["output"] == [None if n % 20 == 0 else 2 * n for n in range(200)]
    assert (row["total_items"], row["failed_items"], row["remaining_items"]) == (200, 10, 0)
    assert calls == {n: 2 if n % 20 == 0 or n % 7 == 0 else 1 for n in range(200)}


async def test_two_workers_share_the_items_of_one_map(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, calls, running = Flow("shared"), Counter[int](), asyncio.Semaphore(0)
    all_run = asyncio.Event()

    @flow.map()
    async def pass_on(item: int) -> int:
        calls[item] += 1
        running.release()
        await all_run.wait()
        return item

    workers = [await start_worker(flow, slots=5) for _ in range(2)]
    run_id = await runs.start("shared", list(range(40)))
    for _ in range(10):
        await running.acquire()
    held = await runs.rows(
        "select worker_id from public.flow_steps where run_id = $1 and status = 'running'",
        UUID(run_id),
    )
    assert Counter(row["worker_id"] for row in held) == {w.worker_id: 5 for w in workers}
    all_run.set()
    assert (await runs.finished(run_id))["output"] == list(range(40))
    assert set(calls.values()) == {1}


async def test_item_asks_the_model(start_worker: StartWorker, runs: Runs) -> None:
    flow, model = Flow("asking"), ScriptedModel(["The ", "sea."])

    @flow.map()
    async def ask(ctx: Context, item: str) -> str:
        return (await ctx.model.text([ChatMessage("user", item)])).text

    await start_worker(flow, model=model)
    run_id = await runs.start("asking", ["one", "two", "three"])
    assert (await runs.finished(run_id))["output"] == ["The sea."] * 3
    assert {messages[-1].content for messages in model.asked} == {"one", "two", "three"}
    assert await runs.text(run_id) == ""


async def test_item_that_streams_is_refused_and_told_why(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, calls = Flow("talkative"), 0

    @flow.map(max_attempts=3, backoff=NOTHING)
    async def say(ctx: Context, item: int) -> None:
        nonlocal calls
        calls += 1
        async with ctx.stream.text() as part:
            await part.write("words")

    await start_worker(flow)
    run_id = await runs.start("talkative", [1])
    assert (await runs.finished(run_id))["status"] == "failed"
    (item,) = await runs.rows(
        "select error from public.flow_steps where run_id = $1 and item_index = 0", UUID(run_id)
    )
    assert item["error"].endswith("step say: items of a map write nothing to the log")
    assert (calls, await runs.text(run_id)) == (1, "")


async def test_too_many_failed_items_fail_the_run_and_no_item_is_left(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("brittle")

    @flow.map(tolerance=0.25, max_attempts=1)
    async def fail(item: int) -> int:
        if item < 2:
            raise OSError("no line")
        return item

    await start_worker(flow, slots=1)
    run_id = await runs.start("brittle", list(range(4)))
    run = await runs.finished(run_id)
    assert run["status"] == "failed"
    assert "fail" in run["error"]
    open_steps = await runs.rows(
        "select from public.flow_steps where run_id = $1 and finished_at is null", UUID(run_id)
    )
    assert open_steps == []


async def test_chain_of_fifty_empty_maps_completes(start_worker: StartWorker, runs: Runs) -> None:
    flow = Flow("hollow")

    async def pass_on(item: int) -> int:
        return item

    flow.map("map_0")(pass_on)
    for number in range(1, 50):
        flow.map(f"map_{number}", over=f"map_{number - 1}")(pass_on)
    await start_worker(flow)
    assert (await runs.finished(await runs.start("hollow", [])))["output"] == []


async def test_map_over_a_skipped_step_maps_an_empty_list(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("sourceless")

    @flow.step(when="$.input.go")
    async def source() -> list[int]:
        return [1]

    @flow.map(over="source")
    async def double(item: int) -> int:
        return 2 * item

    await start_worker(flow)
    run = await runs.finished(await runs.start("sourceless", {"go": False}))
    assert (run["status"], run["output"]) == ("completed", [])


@pytest.mark.parametrize("value", [0, "", False, [], {}, None])
async def test_falsy_items_are_handed_over_and_collected_as_they_are(
    value: Any, start_worker: StartWorker, runs: Runs
) -> None:
    flow, taken = Flow("falsy_items"), []

    @flow.map()
    async def pass_on(item: Any) -> Any:
        taken.append(item)
        return item

    await start_worker(flow)
    run = await runs.finished(await runs.start("falsy_items", [value, 1, value]))
    assert run["output"] == [value, 1, value]
    assert [type(item) for item in run["output"]] == [type(value), int, type(value)]
    assert taken.count(value) >= 2


async def test_map_with_a_cache_is_worked_once_for_one_list(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, calls = Flow("mapped_cache"), 0

    @flow.map(cache=Cache(fresh=timedelta(days=1)))
    async def double(item: int) -> int:
        nonlocal calls
        calls += 1
        return 2 * item

    await start_worker(flow)
    for items in ([1, 2], [1, 2], [2, 1]):
        run = await runs.finished(await runs.start("mapped_cache", items))
        assert run["output"] == [2 * item for item in items]
    assert calls == 4


async def test_map_over_what_is_no_list_fails_its_run_and_says_so(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("listless")

    @flow.map()
    async def double(item: int) -> int:
        return 2 * item

    await start_worker(flow)
    run = await runs.finished(await runs.start("listless", {"no": "list"}))
    assert run["status"] == "failed"
    assert "list" in run["error"]
