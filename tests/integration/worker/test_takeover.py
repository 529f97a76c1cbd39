"""A step outlives its worker."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from engine_view import Runs, StartWorker
from tidewire import Context, Flow

_HERE = Path(__file__).parent
_NO_WAIT = timedelta()
_NUMBERS = "".join(f"{number} " for number in range(1, 21))


@asynccontextmanager
async def _worker_process(dsn: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `tidewire worker` with short leases."""
    environment = os.environ | {
        "DATABASE_URL": dsn,
        "PYTHONPATH": os.pathsep.join([str(_HERE), *sys.path]),
        "TIDEWIRE_LEASE_SECONDS": "1.5",
        "TIDEWIRE_HEARTBEAT_SECONDS": "0.5",
        "TIDEWIRE_BROADCAST": "false",
        "TIDEWIRE_MAINTENANCE_SECONDS": "0.3",
        "TIDEWIRE_SHUTDOWN_SECONDS": "0.2",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tidewire.cli",
        "worker",
        "--flows",
        "served_flows:counting",
        env=environment,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _flow_is_known(runs: Runs) -> None:
    async def known() -> bool:
        return bool(await runs.rows("select 1 from tidewire.flows where flow_slug = 'counting'"))

    await runs.until(known)


async def test_step_of_a_killed_worker_goes_on_in_the_next_one_without_repeating_text(
    runs: Runs,
) -> None:
    async with _worker_process(runs.dsn) as first:
        await _flow_is_known(runs)
        run_id = await runs.start("counting", {"stop_at": 7})
        await runs.until_text(run_id, "1 2 3 4 5 6 7 ")
        first.send_signal(signal.SIGKILL)
        await first.wait()

    async with _worker_process(runs.dsn):
        run = await runs.finished(run_id)

    assert (run["status"], run["output"]) == ("completed", "1 2 3 4 5 6 7 ")
    assert await runs.text(run_id) == _NUMBERS
    assert (await runs.step(run_id, "count"))["attempt"] == 2
    kinds = [chunk["type"] for chunk in await runs.log(run_id)]
    assert (kinds.count("text-start"), kinds.count("text-end")) == (1, 1)


async def test_stopped_worker_hands_its_step_back_without_spending_the_attempt(
    runs: Runs,
) -> None:
    async with _worker_process(runs.dsn) as first:
        await _flow_is_known(runs)
        run_id = await runs.start("counting", {"stop_at": 7})
        await runs.until_text(run_id, "1 2 3 4 5 6 7 ")
        first.send_signal(signal.SIGTERM)
        assert await first.wait() == 0

    step = await runs.step(run_id, "count")
    assert (step["status"], step["attempt"]) == ("queued", 0)
    assert await runs.text(run_id) == "1 2 3 4 5 6 7 "


async def test_stopping_worker_lets_steps_finish_before_its_deadline(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("short")
    release, begun = asyncio.Event(), asyncio.Event()

    @flow.step()
    async def work() -> str:
        begun.set()
        await release.wait()
        return "done"

    worker = await start_worker(flow, shutdown_seconds=30)
    run_id = await runs.start("short", {})
    await begun.wait()
    worker.request_stop()
    release.set()
    await worker.stop()
    assert (await runs.run(run_id))["output"] == "done"


async def test_handler_may_save_a_checkpoint_when_its_worker_stops(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("resumable")
    begun = asyncio.Event()
    seen: list[object] = []

    @flow.step()
    async def work(ctx: Context) -> object:
        seen.append(ctx.checkpoint)
        if ctx.checkpoint is not None:
            return ctx.checkpoint
        try:
            begun.set()
            return await asyncio.Event().wait()
        except asyncio.CancelledError:
            await ctx.save_checkpoint({"page": 3})
            raise

    worker = await start_worker(flow, shutdown_seconds=0)
    run_id = await runs.start("resumable", {})
    await begun.wait()
    await worker.stop()
    await start_worker(flow)
    run = await runs.finished(run_id)
    assert (run["output"], seen) == ({"page": 3}, [None, {"page": 3}])
    assert (await runs.step(run_id, "work"))["attempt"] == 1


async def test_restarted_step_discards_what_earlier_attempts_streamed(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("again")

    @flow.step(stream=True, on_retry="restart", backoff=_NO_WAIT)
    async def say(ctx: Context) -> None:
        async with ctx.stream.text() as part:
            await part.write(f"attempt {ctx.attempt}")
            if ctx.attempt == 1:
                raise OSError("the line is dead")

    await start_worker(flow)
    run_id = await runs.start("again", {})
    assert (await runs.finished(run_id))["status"] == "completed"
    chunks = [c for c in await runs.log(run_id) if c["type"].split("-")[-1] != "progress"]
    first = chunks[1]["id"]
    second = next(c["id"] for c in chunks if c["type"] == "text-start" and c["id"] != first)
    assert chunks[1:-1] == [
        {"type": "text-start", "id": first},
        {"type": "text-delta", "id": first, "delta": "attempt 1"},
        {"type": "text-end", "id": first},
        {"type": "data-reset", "data": {"parts": [first]}},
        {"type": "text-start", "id": second},
        {"type": "text-delta", "id": second, "delta": "attempt 2"},
        {"type": "text-end", "id": second},
    ]


async def test_open_reasoning_is_reset_and_open_text_goes_on(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("thinking")

    @flow.step(stream=True, backoff=_NO_WAIT)
    async def say(ctx: Context) -> str:
        async with ctx.stream.text() as part:
            if ctx.attempt == 1:
                await part.write("half a ")
                thought = await ctx.stream.reasoning().__aenter__()
                await thought.write("hm")
                raise OSError("the line is dead")
            await part.write("sentence")
        return part.part_id

    await start_worker(flow)
    run_id = await runs.start("thinking", {})
    assert (await runs.finished(run_id))["output"] == "say.0"
    assert await runs.text(run_id) == "half a sentence"
    chunks = await runs.log(run_id)
    assert {"type": "reasoning-end", "id": "say.1"} in chunks
    assert {"type": "data-reset", "data": {"parts": ["say.1"]}} in chunks
