"""Workers of different versions of one flow, and runs whose workers are gone."""

from __future__ import annotations

import asyncio

from engine_view import Runs, StartWorker
from tidewire import Flow
from tidewire.store import OperatorStore


def old_flow(gate: asyncio.Event | None = None) -> Flow:
    """Search, then answer; answering waits for the gate."""
    flow = Flow("versioned", label="old")

    @flow.step()
    async def search() -> str:
        return "found by old"

    @flow.step()
    async def answer(search: str) -> str:
        if gate is not None:
            await gate.wait()
        return f"old answer to what was {search}"

    return flow


def new_flow() -> Flow:
    """The same with a step in between."""
    flow = Flow("versioned", label="new")

    @flow.step()
    async def search() -> str:
        return "found by new"

    @flow.step()
    async def rank(search: str) -> str:
        return f"{search}, ranked by new"

    @flow.step()
    async def answer(rank: str) -> str:
        return f"new answer to what was {rank}"

    return flow


async def test_run_of_a_version_that_is_gone_waits_until_it_is_moved(
    start_worker: StartWorker, runs: Runs
) -> None:
    old = await start_worker(old_flow(asyncio.Event()), shutdown_seconds=0)
    run_id = await runs.start("versioned", {})
    await runs.until_step(run_id, "answer", "running")
    await old.stop()

    await start_worker(new_flow())
    other = await runs.start("versioned", {})
    assert (await runs.finished(other))[
        "output"
    ] == "new answer to what was found by new, ranked by new"
    assert (await runs.step(run_id, "answer"))["status"] == "queued"
    operator = OperatorStore(runs.database)
    (stranded,) = await operator.stranded_runs()
    assert (str(stranded.run_id), stranded.label) == (run_id, "old")

    (moved,) = await operator.move_runs("versioned")
    assert (str(moved.run_id), moved.answer) == (run_id, "moved")
    run = await runs.finished(run_id)
    assert run["output"] == "new answer to what was found by old, ranked by new"
    assert await operator.stranded_runs() == []


async def test_old_and_new_workers_side_by_side_each_finish_their_own(
    start_worker: StartWorker, runs: Runs
) -> None:
    gate = asyncio.Event()
    await start_worker(old_flow(gate))
    first = await runs.start("versioned", {})
    await runs.until_step(first, "answer", "running")
    await start_worker(new_flow())
    second = await runs.start("versioned", {})
    done = await runs.finished(second)
    assert await OperatorStore(runs.database).move_runs("versioned") == []
    gate.set()
    assert (await runs.finished(first))["output"] == "old answer to what was found by old"
    assert done["output"] == "new answer to what was found by new, ranked by new"
