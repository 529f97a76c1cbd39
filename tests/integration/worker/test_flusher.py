"""The flusher against a real log: what is committed when, and what one stream does to others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest_asyncio

from engine_view import Runs, settings_for
from stack import Database as OwnDatabase
from tidewire import Flow, LeaseLost
from tidewire.store import Database, LeasedStep, LoggedEntries, LogStore, StepStore, WorkerStore
from tidewire.stream.flusher import Flusher
from tidewire.stream.linger import Linger
from tidewire.stream.pending import PendingStream
from tidewire.stream.writer import StreamWriter


class Owner:
    """Stands where the attempt does: remembers why it was stopped."""

    def __init__(self) -> None:
        self.reason: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    def stop(self, reason: Exception) -> None:
        self.reason.set_result(reason)


class Desk:
    """A flusher with leased steps of a flow that nobody executes."""

    def __init__(self, database: Database, steps: StepStore, log: LogStore) -> None:
        self.database, self.steps, self.log = database, steps, log
        self.published: list[LoggedEntries] = []

    def flusher(self, linger: float, *, limit: int = 1_048_576) -> Flusher:
        return Flusher(
            self.log,
            linger=Linger(linger, quota=0),
            published=self.published.append,
            stream_limit=limit,
        )

    async def lease(self, runs: Runs, quantity: int) -> list[LeasedStep]:
        for _ in range(quantity):
            await runs.start("desk", {})
        return (await self.steps.claim(quantity)).claimed


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database: OwnDatabase) -> AsyncIterator[Desk]:
    flow = Flow("desk")

    @flow.step(stream=True)
    async def write() -> None:
        raise NotImplementedError

    settings = settings_for(database.dsn)
    async with Database(settings) as pool:
        worker_id = uuid4()
        workers = WorkerStore(pool, worker_id=worker_id)
        await workers.register({"name": "desk", "pid": 1, "host": "desk", "queues": ["default"]})
        version = await workers.register_flow(flow.shape().definition())
        steps = StepStore(
            pool,
            worker_id=worker_id,
            queues=["default"],
            versions=[version],
            lease=settings.lease,
        )
        yield Desk(pool, steps, LogStore(pool, lease=settings.lease))


def _open(flusher: Flusher, step: LeasedStep) -> tuple[PendingStream, StreamWriter]:
    stream = flusher.open(step, Owner())
    return stream, StreamWriter(stream, step_slug=step.step_slug)


async def test_first_delta_of_a_part_goes_at_once_and_the_rest_lingers(
    desk: Desk, runs: Runs
) -> None:
    [step] = await desk.lease(runs, 1)
    flusher = desk.flusher(linger=30)
    task = asyncio.create_task(flusher.run())
    _, writer = _open(flusher, step)
    async with writer.text() as part:
        await part.write("first")
        await runs.until_text(step.run_id, "first")
        for word in (" second", " third"):
            await part.write(word)
        assert await runs.text(step.run_id) == "first"
    await runs.until_text(step.run_id, "first second third")
    task.cancel()
    assert [len(entries.chunks) for entries in desk.published] == [2, 2]


async def test_every_stream_that_is_due_goes_with_one_call(desk: Desk, runs: Runs) -> None:
    steps = await desk.lease(runs, 20)
    flusher = desk.flusher(linger=0)
    streams = [_open(flusher, step) for step in steps]
    for _, writer in streams:
        await writer.metadata({"ready": True})
    task = asyncio.create_task(flusher.run())
    await asyncio.gather(*(stream.flush() for stream, _ in streams))
    task.cancel()
    written = await runs.rows(
        "select count(distinct xmin::text) as n from public.streaming_chunks"
        " where chunk_data ->> 'type' = 'message-metadata'"
    )
    assert written == [{"n": 1}]


async def test_run_row_held_by_somebody_else_delays_no_other_stream(
    desk: Desk, runs: Runs, database: OwnDatabase
) -> None:
    held, free = await desk.lease(runs, 2)
    flusher = desk.flusher(linger=0)
    task = asyncio.create_task(flusher.run())
    held_stream, held_writer = _open(flusher, held)
    free_stream, free_writer = _open(flusher, free)
    connection = await asyncpg.connect(database.dsn)
    try:
        async with connection.transaction():
            await connection.execute(
                "select 1 from public.flow_runs where run_id = $1 for update", held.run_id
            )
            await held_writer.metadata({"n": 1})
            for number in range(10):
                await free_writer.metadata({"n": number})
                async with asyncio.timeout(5):
                    await free_stream.flush()
            assert held_stream.unsettled
    finally:
        await connection.close()
    async with asyncio.timeout(5):
        await held_stream.flush()
    task.cancel()


async def test_writer_waits_while_too_much_is_pending(desk: Desk, runs: Runs) -> None:
    [step] = await desk.lease(runs, 1)
    flusher = desk.flusher(linger=0, limit=10_000)
    stream, writer = _open(flusher, step)
    part = await writer.text().__aenter__()

    async def write() -> None:
        for _ in range(20):
            await part.write("x" * 1000)

    writing = asyncio.create_task(write())
    await asyncio.wait((writing,), timeout=0.05)
    assert not writing.done()
    assert stream.buffer.size < 12_000
    task = asyncio.create_task(flusher.run())
    await writing
    await stream.flush()
    task.cancel()
    assert await runs.text(step.run_id) == "x" * 20_000


async def test_superseded_stream_is_stopped_and_writes_nothing(desk: Desk, runs: Runs) -> None:
    [step] = await desk.lease(runs, 1)
    flusher = desk.flusher(linger=0)
    task = asyncio.create_task(flusher.run())
    owner = Owner()
    stream = flusher.open(step, owner)
    await desk.steps.release([step.key()])
    await desk.steps.claim(1)
    StreamWriter(stream, step_slug=step.step_slug)
    stream.write({"type": "data-late", "data": 1}, urgent=True)
    assert isinstance(await owner.reason, LeaseLost)
    task.cancel()
    assert all(chunk["type"] != "data-late" for chunk in await runs.log(step.run_id))


async def test_refused_chunk_stops_its_own_stream_alone(desk: Desk, runs: Runs) -> None:
    wrong, right = await desk.lease(runs, 2)
    flusher = desk.flusher(linger=0)
    owner = Owner()
    wrong_stream, right_stream = flusher.open(wrong, owner), flusher.open(right, Owner())
    wrong_stream.write({"type": "finish"}, urgent=True)
    right_stream.write({"type": "data-fine", "data": 1}, urgent=True)
    task = asyncio.create_task(flusher.run())
    await right_stream.flush()
    assert "finish" in str(await owner.reason)
    task.cancel()
