"""Delays, durable sleeps and time limits, with real workers that come and go."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import asyncpg
import pytest

from engine_view import Runs, StartWorker
from stack import Database
from tidewire import Context, Flow

SHORT = timedelta(milliseconds=50)


async def test_delay_is_waited_between_being_ready_and_the_first_attempt(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("delayed")

    @flow.step(delay=timedelta(milliseconds=300))
    async def wait(ctx: Context) -> int:
        return ctx.attempt

    await start_worker(flow)
    run_id = await runs.start("delayed", {})
    assert (await runs.step(run_id, "wait"))["status"] == "scheduled"
    assert (await runs.finished(run_id))["output"] == 1
    (row,) = await runs.rows(
        "select s.started_at - r.created_at as waited from public.flow_steps s"
        " join public.flow_runs r using (run_id) where run_id = $1",
        run_id,
    )
    assert row["waited"] >= timedelta(milliseconds=300)


async def test_async_handler_sleeps_twice_and_spends_no_attempt(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, seen = Flow("sleepy"), []

    @flow.step(max_attempts=1)
    async def rest(ctx: Context) -> int:
        seen.append(("top", ctx.attempt))
        await ctx.sleep("first", SHORT)
        seen.append(("first", ctx.attempt))
        await ctx.sleep("second", SHORT)
        return ctx.attempt

    await start_worker(flow)
    run = await runs.finished(await runs.start("sleepy", {}))
    assert (run["status"], run["output"]) == ("completed", 1)
    assert seen == [("top", 1), ("top", 1), ("first", 1), ("top", 1), ("first", 1)]


async def test_sleep_whose_call_is_cut_is_asked_for_again_and_spends_no_attempt(
    start_worker: StartWorker, runs: Runs, database: Database
) -> None:
    flow, begun, go_on = Flow("sleepy"), asyncio.Event(), asyncio.Event()

    @flow.step(max_attempts=1)
    async def rest(ctx: Context) -> int:
        begun.set()
        await go_on.wait()
        await ctx.sleep("nap", SHORT)
        return ctx.attempt

    await start_worker(flow)
    run_id = await runs.start("sleepy", {})
    await begun.wait()
    admin = await asyncpg.connect(database.superuser_dsn)
    cut = (
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where query like '%sleep_steps%' and wait_event_type = 'Lock'"
    )
    try:
        async with admin.transaction():
            await admin.execute("lock table public.flow_steps in access exclusive mode")
            go_on.set()
            await runs.until(lambda: admin.fetchval(cut))
    finally:
        await admin.close()
    run = await runs.finished(run_id)
    assert (run["status"], run["output"]) == ("completed", 1)


async def test_plain_handler_sleeps_twice_and_spends_no_attempt(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, seen = Flow("sleepy"), []

    @flow.step(max_attempts=1)
    def rest(ctx: Context) -> int:
        seen.append(("top", ctx.attempt))
        ctx.wait(ctx.sleep("first", SHORT))
        seen.append(("first", ctx.attempt))
        ctx.wait(ctx.sleep("second", SHORT))
        return ctx.attempt

    await start_worker(flow)
    run = await runs.finished(await runs.start("sleepy", {}))
    assert (run["status"], run["output"]) == ("completed", 1)
    assert seen == [("top", 1), ("top", 1), ("first", 1), ("top", 1), ("first", 1)]


async def test_item_of_a_map_sleeps_while_the_others_go_on(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("dozing")

    @flow.map(max_attempts=1)
    async def rest(ctx: Context, item: int) -> int:
        if item == 1:
            await ctx.sleep("nap", SHORT)
        return ctx.attempt

    await start_worker(flow, slots=1)
    run = await runs.finished(await runs.start("dozing", [0, 1, 2]))
    assert run["output"] == [1, 1, 1]


async def test_sleep_that_began_on_one_worker_ends_on_the_next(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, tops = Flow("moved"), 0

    @flow.step(max_attempts=1)
    async def rest(ctx: Context) -> int:
        nonlocal tops
        tops += 1
        await ctx.sleep("over", timedelta(seconds=1))
        return ctx.attempt

    first = await start_worker(flow)
    run_id = await runs.start("moved", {})
    await runs.until_step(run_id, "rest", "scheduled")
    await first.stop()
    assert (await runs.run(run_id))["status"] == "running"
    await start_worker(flow)
    assert ((await runs.finished(run_id))["output"], tops) == (1, 2)


async def test_failure_after_a_sleep_spends_an_attempt_and_does_not_sleep_again(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, seen = Flow("rough"), []

    @flow.step(max_attempts=2, backoff=timedelta())
    async def rest(ctx: Context) -> int:
        await ctx.sleep("nap", SHORT)
        seen.append(ctx.attempt)
        if ctx.attempt == 1:
            raise OSError("no line")
        return ctx.attempt

    await start_worker(flow)
    run = await runs.finished(await runs.start("rough", {}))
    assert (run["output"], seen) == (2, [1, 2])


async def test_item_over_its_time_limit_is_cancelled_and_fails_the_run_readably(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, cancelled = Flow("slow"), asyncio.Event()

    @flow.map(max_attempts=1, timeout=timedelta(milliseconds=200))
    async def wait(item: int) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    await start_worker(flow)
    run = await runs.finished(await runs.start("slow", [1]))
    assert cancelled.is_set()
    assert run["status"] == "failed"
    assert "wait" in run["error"]


async def test_error_that_is_never_retried_ends_its_run_at_once(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, calls = Flow("hopeless"), 0

    @flow.step(max_attempts=5, never_retry=(LookupError,))
    async def look() -> None:
        nonlocal calls
        calls += 1
        raise KeyError("nothing there")

    await start_worker(flow)
    run = await runs.finished(await runs.start("hopeless", {}))
    assert (run["status"], run["error"], calls) == ("failed", "step look failed", 1)


async def test_steps_are_claimed_no_more_during_shutdown_and_spend_no_attempt(
    start_worker: StartWorker, runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tidewire")
    flow, begun, release = Flow("closing"), asyncio.Event(), asyncio.Event()

    @flow.map(max_attempts=1)
    async def hold(item: int) -> int:
        begun.set()
        await release.wait()
        return item

    worker = await start_worker(flow, slots=1)
    run_id = await runs.start("closing", [0, 1, 2])
    await begun.wait()
    worker.request_stop()

    async def stopping() -> bool:
        return "worker stopping" in caplog.messages

    await runs.until(stopping)
    release.set()
    await worker.stop()
    rows = await runs.rows(
        "select status, attempt from public.flow_steps where run_id = $1 and item_index >= 0"
        " order by status, attempt",
        run_id,
    )
    assert [tuple(row.values()) for row in rows] == [
        ("completed", 1),
        ("queued", 0),
        ("queued", 0),
    ]
    await start_worker(flow)
    assert (await runs.finished(run_id))["output"] == [0, 1, 2]


async def test_sleep_that_the_database_could_not_keep_is_refused_at_once(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("restless")

    @flow.step(max_attempts=1)
    async def rest(ctx: Context) -> list[str]:
        refused = []
        for name, duration in (
            ("too long", timedelta(days=366)),
            ("backwards", timedelta(seconds=-1)),
            ("nul\0", SHORT),
            ("half \ud800", SHORT),
        ):
            try:
                await ctx.sleep(name, duration)
            except ValueError as error:
                refused.append(str(error).split(" must be ")[1][:26])
        await ctx.sleep("no time at all", timedelta())
        return refused

    await start_worker(flow)
    run = await runs.finished(await runs.start("restless", {}))
    a_time, a_name = "a timedelta from 0 to 365 ", "1 to 64 printable characte"
    assert run["output"] == [a_time, a_time, a_name, a_name]
