"""A worker lives through what happens to its connections, and leaves nothing behind."""

from __future__ import annotations

import asyncio

import asyncpg

from engine_view import Runs, StartWorker
from stack import Database as OwnDatabase
from tidewire import Context, Flow
from tidewire.store import is_transient


async def _end_all_sessions(database: OwnDatabase) -> int:
    """End every session of the database but one's own, as a restart of the server would."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        ended = await connection.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
            " and usename = 'postgres'"
        )
    finally:
        await connection.close()
    return len(ended)


async def test_ended_sessions_lose_no_committed_chunk_and_no_step(
    start_worker: StartWorker, runs: Runs, database: OwnDatabase
) -> None:
    flow = Flow("long")
    words = [f"{number} " for number in range(60)]
    cut = asyncio.Event()

    @flow.step(stream=True, max_attempts=1)
    async def stream(ctx: Context) -> int:
        async with ctx.stream.text() as part:
            for place, word in enumerate(words):
                await part.write(word)
                if place == 20:
                    await cut.wait()
                await asyncio.sleep(0.002)
        return len(words)

    await start_worker(flow, linger_ms=0, lease_seconds=10, heartbeat_seconds=1)
    run_id = await runs.start("long", {})
    await runs.until_text(run_id, "".join(words[:10]))
    assert await _end_all_sessions(database) > 1
    cut.set()

    async def look() -> bool:
        try:
            return bool((await runs.run(run_id))["status"] == "completed")
        except Exception as error:
            # Sessions that were ended break in many ways: the store says which of them are faults.
            if not is_transient(error):
                raise
            return False

    await runs.until(look)
    assert await runs.text(run_id) == "".join(words)
    next_run = await runs.start("long", {})
    assert (await runs.finished(next_run))["status"] == "completed"


async def test_workers_start_and_stop_again_and_again_without_losing_a_run(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("steady")

    @flow.step()
    async def double(input: int) -> int:
        return input * 2

    run_ids = []
    for number in range(8):
        worker = await start_worker(flow)
        run_ids += [await runs.start("steady", number) for _ in range(5)]
        await worker.stop()
    await start_worker(flow)
    outputs = [(await runs.finished(run_id))["output"] for run_id in run_ids]
    assert outputs == [number * 2 for number in range(8) for _ in range(5)]
    spent = await runs.rows("select max(attempt) as most from public.flow_steps")
    assert spent == [{"most": 1}]


async def test_run_started_while_the_worker_sleeps_wakes_it(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("sleepy")

    @flow.step()
    async def answer() -> str:
        return "awake"

    await start_worker(flow, poll_seconds=60)

    async def idle() -> bool:
        return (await runs.rows("select idle from tidewire.workers"))[0]["idle"] is True

    for _ in range(3):
        await runs.until(idle)
        async with asyncio.timeout(10):
            assert (await runs.finished(await runs.start("sleepy")))["output"] == "awake"


async def test_worker_behind_a_transaction_pooler_polls_and_prepares_nothing(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("pooled")

    @flow.step()
    async def answer() -> str:
        return "polled"

    await start_worker(flow, transaction_pooler=True, poll_seconds=0.05)
    assert (await runs.finished(await runs.start("pooled")))["output"] == "polled"
    assert await runs.rows("select 1 from tidewire.workers where idle") == []
