"""Handlers that take long, block, or are not wanted any more."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from engine_view import Runs, StartWorker
from stack import Database as OwnDatabase
from tidewire import Context, Flow, PermanentStepError


class Odd(BaseException):
    """What some libraries raise to end a task, past all that catches exceptions."""


async def test_step_over_its_time_limit_is_cancelled_and_not_only_reported(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("slow")
    cancelled = asyncio.Event()

    @flow.step(max_attempts=1, timeout=timedelta(milliseconds=200))
    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    await start_worker(flow)
    run = await runs.finished(await runs.start("slow", {}))

    assert cancelled.is_set()
    assert run["error"] == "step wait took longer than 0.2 s"


async def test_plain_handler_runs_in_a_thread_and_learns_that_its_time_is_over(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("threaded")
    ended = threading.Event()
    names: list[str] = []

    @flow.step(max_attempts=1, timeout=timedelta(milliseconds=200))
    def spin(ctx: Context) -> None:
        names.append(threading.current_thread().name)
        while not ctx.cancelled:
            time.sleep(0.005)
        ended.set()

    await start_worker(flow)
    run_id = await runs.start("threaded", {})
    assert (await runs.finished(run_id))["status"] == "failed"
    assert await asyncio.to_thread(ended.wait, 5)
    assert names == [f"{run_id}/spin"]


async def test_handler_that_blocks_the_event_loop_keeps_its_lease(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("blocking")

    @flow.step(max_attempts=1)
    async def block(ctx: Context) -> int:
        time.sleep(2.5)  # noqa: ASYNC251  the fault under test
        return ctx.attempt

    await start_worker(flow, lease_seconds=1, heartbeat_seconds=0.3)
    run = await runs.finished(await runs.start("blocking", {}))
    assert (run["status"], run["output"]) == ("completed", 1)


async def test_one_slow_step_blocks_no_free_slot(start_worker: StartWorker, runs: Runs) -> None:
    flow, slow = Flow("quick"), Flow("endless")
    release = asyncio.Event()

    @flow.step()
    async def pass_on(input: int) -> int:
        return input

    @slow.step()
    async def hold() -> str:
        await release.wait()
        return "released"

    await start_worker(flow, slow, slots=2)
    slow_run = await runs.start("endless", {})
    await runs.until_step(slow_run, "hold", "running")
    quick_runs = [await runs.start("quick", number) for number in range(20)]
    outputs = [(await runs.finished(run_id))["output"] for run_id in quick_runs]
    assert outputs == list(range(20))

    assert (await runs.step(slow_run, "hold"))["status"] == "running"
    release.set()
    assert (await runs.finished(slow_run))["output"] == "released"


async def test_cancelling_a_run_reaches_its_handler(
    start_worker: StartWorker, runs: Runs, database: OwnDatabase
) -> None:
    flow = Flow("cancellable", access="authenticated")
    cancelled = asyncio.Event()

    @flow.step(stream=True)
    async def wait(ctx: Context) -> None:
        async with ctx.stream.text() as part:
            await part.write("so far")
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

    await start_worker(flow, lease_seconds=1, heartbeat_seconds=0.3)
    user_id = uuid4()
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        await connection.execute("insert into auth.users (id) values ($1)", user_id)
        run_id = await runs.start("cancellable", {}, user_id=user_id)
        await runs.until_text(run_id, "so far")
        async with connection.transaction():
            await connection.execute(
                "select set_config('request.jwt.claims', $1, true)",
                f'{{"sub": "{user_id}", "role": "authenticated"}}',
            )
            await connection.execute(
                "select set_config('request.jwt.claim.sub', $1, true)", str(user_id)
            )
            await connection.fetch("select public.cancel_run($1)", run_id)
    finally:
        await connection.close()

    async with asyncio.timeout(5):
        await cancelled.wait()
    kinds = [chunk["type"] for chunk in await runs.log(run_id)]
    assert kinds[-2:] == ["text-end", "abort"]


async def test_slot_of_a_cancelled_attempt_is_filled_again(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("crowded")
    begun = asyncio.Event()

    @flow.step(max_attempts=1)
    async def wait(input: bool) -> str:
        if input:
            begun.set()
            await asyncio.Event().wait()
        return "done"

    await start_worker(flow, slots=1, poll_seconds=60, lease_seconds=1, heartbeat_seconds=0.2)
    stuck = await runs.start("crowded", True)
    await begun.wait()
    waiting = await runs.start("crowded", False)
    # As an operator might: the step is taken from its worker.
    await runs.rows(
        "update public.flow_steps set lease_token = lease_token + 1 where run_id = $1", stuck
    )
    async with asyncio.timeout(10):
        assert (await runs.finished(waiting))["output"] == "done"


async def test_threads_that_ignore_their_cancellation_make_the_worker_want_a_restart(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("stubborn")
    release = threading.Event()

    @flow.step(max_attempts=1, timeout=timedelta(milliseconds=100))
    def ignore() -> None:
        release.wait(30)

    worker = await start_worker(flow, abandoned_threads=1)
    run_ids = [await runs.start("stubborn") for _ in range(2)]
    for run_id in run_ids:
        assert (await runs.finished(run_id))["status"] == "failed"

    async def asked() -> bool:
        return worker.wants_restart and worker.stop_requested

    await runs.until(asked)
    release.set()


@pytest.mark.parametrize("in_thread", [False, True])
async def test_handler_that_exits_fails_its_step_and_not_the_worker(
    in_thread: bool, start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("exiting")

    def leave_thread(ctx: Context) -> None:
        sys.exit(3)

    async def leave_loop(ctx: Context) -> None:
        sys.exit(3)

    add = flow.step("leave", max_attempts=1)
    if in_thread:
        add(leave_thread)
    else:
        add(leave_loop)
    await start_worker(flow)
    for _ in range(2):  # the second run shows that the worker is still there
        run_id = await runs.start("exiting", {})
        assert (await runs.finished(run_id))["status"] == "failed"


@pytest.mark.parametrize("in_thread", [False, True])
async def test_error_that_is_no_exception_fails_its_attempt_without_awaiting_the_lease(
    in_thread: bool, start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("odd")

    def raise_in_thread(ctx: Context) -> None:
        raise Odd("once")

    async def raise_in_loop(ctx: Context) -> None:
        raise Odd("once")

    flow.step("fall", max_attempts=1)(raise_in_thread if in_thread else raise_in_loop)
    await start_worker(flow)
    run_id = await runs.start("odd", {})
    assert (await runs.finished(run_id))["error"] == "step fall failed"
    assert "the handler raised Odd('once')" in (await runs.step(run_id, "fall"))["error"]


async def test_failure_whose_text_is_no_unicode_is_recorded_at_once(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, calls = Flow("surrogate"), 0

    @flow.step(max_attempts=3)
    async def read(ctx: Context) -> None:
        nonlocal calls
        calls += 1
        raise PermanentStepError("cannot read \udce4.txt")

    await start_worker(flow)
    run_id = await runs.start("surrogate", {})
    run = await runs.finished(run_id)
    assert (run["status"], run["error"], calls) == ("failed", "cannot read ?.txt", 1)


async def test_parallel_steps_of_one_run_are_all_handed_back_at_shutdown(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow, started = Flow("wide"), asyncio.Semaphore(0)

    async def wait(ctx: Context) -> None:
        started.release()
        await asyncio.Event().wait()

    for number in range(6):
        flow.step(f"wait_{number}", max_attempts=1)(wait)
    worker = await start_worker(flow, shutdown_seconds=0)
    run_id = await runs.start("wide", {})
    for _ in range(6):
        await started.acquire()
    await worker.stop()
    states = await runs.rows(
        "select status, attempt from public.flow_steps where run_id = $1", UUID(run_id)
    )
    assert [(row["status"], row["attempt"]) for row in states] == [("queued", 0)] * 6
