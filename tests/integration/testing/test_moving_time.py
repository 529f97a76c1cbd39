"""Time in a test's database is real time plus what the test moved it by."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from tidewire import Context, Flow
from tidewire.testing import FlowTester, NotReached

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def _flaky(*, max_attempts: int, succeeds_at: int) -> Flow:
    flow = Flow("flaky")

    @flow.step(max_attempts=max_attempts, backoff=HOUR, backoff_cap=HOUR)
    async def call(ctx: Context) -> int:
        if ctx.attempt < succeeds_at:
            raise OSError("no line")
        return ctx.attempt

    return flow


async def test_backoff_of_hours_passes_by_moving() -> None:
    async with FlowTester(_flaky(max_attempts=3, succeeds_at=3)) as tester:
        run = await tester.start("flaky")
        await tester.move(HOUR)
        await tester.move(HOUR)
        result = await run.finished()
    assert (result.status, result.output, result.steps["call"].attempt) == ("completed", 3, 3)


async def test_step_out_of_attempts_fails_its_run() -> None:
    async with FlowTester(_flaky(max_attempts=2, succeeds_at=3)) as tester:
        run = await tester.start("flaky")
        step = await run.until("call", "scheduled")
        assert (step.attempt, (step.error or "").splitlines()[-1]) == (1, "OSError: no line")
        await tester.move(HOUR)
        result = await run.finished()
    assert (result.status, result.error) == ("failed", "step call failed")


class Held:
    """A flow whose first attempts wait until they are let go, or cancelled."""

    def __init__(self, *, timeout: timedelta, run_timeout: timedelta = 24 * HOUR) -> None:
        self.flow = Flow("held", timeout=run_timeout)
        self.let_go, self.cancelled = asyncio.Event(), asyncio.Event()

        @self.flow.step(max_attempts=2, timeout=timeout, backoff=timedelta())
        async def work(ctx: Context) -> int:
            if ctx.attempt == 1:
                try:
                    await self.let_go.wait()
                except asyncio.CancelledError:
                    self.cancelled.set()
                    raise
            return ctx.attempt


# Less than a lease after the limit, too: the worker itself would have ended the attempt by then.
@pytest.mark.parametrize("passed", [timedelta(seconds=1), HOUR])
async def test_attempt_whose_time_is_up_is_cancelled_and_tried_again(passed: timedelta) -> None:
    held = Held(timeout=10 * MINUTE)
    async with FlowTester(held.flow) as tester:
        run = await tester.start("held")
        await run.until("work", "running")
        await tester.move(10 * MINUTE + passed, at_rest=False)
        await asyncio.wait_for(held.cancelled.wait(), 10)
        result = await run.finished()
    assert (result.status, result.output) == ("completed", 2)
    said = [chunk["data"] for chunk in result.log if chunk["type"] == "data-progress"]
    assert "retrying" in [entry["status"] for entry in said]


async def test_attempt_that_has_time_left_keeps_its_lease() -> None:
    held = Held(timeout=10 * MINUTE)
    async with FlowTester(held.flow) as tester:
        run = await tester.start("held")
        await run.until("work", "running")
        await tester.move(9 * MINUTE, at_rest=False)
        held.let_go.set()
        result = await run.finished()
    assert (result.output, held.cancelled.is_set()) == (1, False)


# Whether or not the step that it waits for has become due as well.
@pytest.mark.parametrize("backoff", [HOUR / 2, 100 * HOUR])
async def test_run_past_its_deadline_fails_while_it_waits(backoff: timedelta) -> None:
    flow = Flow("late", timeout=HOUR)

    @flow.step(backoff=backoff, backoff_cap=backoff)
    async def call() -> None:
        raise OSError("no line")

    async with FlowTester(flow) as tester:
        run = await tester.start("late")
        await run.until("call", "scheduled")
        await tester.move(HOUR)
        result = await run.look()
    assert (result.status, result.error, result.steps["call"].attempt) == (
        "failed",
        "the run took longer than its deadline allows",
        1,
    )
    assert result.log[-1]["type"] == "error"


async def test_run_past_its_deadline_cancels_its_running_step() -> None:
    held = Held(timeout=3 * HOUR, run_timeout=HOUR)
    async with FlowTester(held.flow) as tester:
        run = await tester.start("held")
        await run.until("work", "running")
        await tester.move(2 * HOUR, at_rest=False)
        result = await run.finished()
        await asyncio.wait_for(held.cancelled.wait(), 10)
    assert result.error == "the run took longer than its deadline allows"


async def test_time_is_not_moved_past_a_step_that_still_runs() -> None:
    held = Held(timeout=10 * MINUTE)
    async with FlowTester(held.flow, limit=timedelta(milliseconds=300)) as tester:
        before = await tester.now()
        await tester.start("held")
        with pytest.raises(NotReached, match=r"at_rest=False(.|\n)*work: running, attempt 1 of 2"):
            await tester.move(HOUR)
        assert await tester.now() - before < MINUTE


async def test_time_goes_forward_alone(one_step: Flow) -> None:
    async with FlowTester(one_step) as tester:
        for by in (timedelta(), -HOUR):
            with pytest.raises(ValueError, match="more than nothing"):
                await tester.move(by)


@pytest.fixture
def one_step() -> Flow:
    flow = Flow("one")

    @flow.step()
    async def only(input: int) -> int:
        return input

    return flow


async def test_both_clocks_move_by_the_same_for_every_session(one_step: Flow) -> None:
    clocks = "select tidewire.clock(), tidewire.wall_clock(), statement_timestamp()"
    async with FlowTester(one_step) as tester:
        session = await asyncpg.connect(tester.database_url)
        try:
            # Its days are not all of 24 hours, and those that a test moves are.
            await session.execute("set time zone 'Europe/Berlin'")
            for days in (0, 400):
                if days:
                    await tester.move(timedelta(days=days))
                read = await session.fetchrow(clocks)
                assert read is not None
                stable, wall, real = read
                assert stable - real == timedelta(days=days)
                assert timedelta() <= wall - stable < MINUTE
        finally:
            await session.close()


async def test_clocks_stay_what_the_functions_rely_on(one_step: Flow) -> None:
    async with FlowTester(one_step) as tester:
        found = await tester.rows(
            "select proname, provolatile, proconfig from pg_proc"
            " where pronamespace = 'tidewire'::regnamespace and proname like '%clock' order by 1"
        )
    assert [tuple(row.values()) for row in found] == [
        ("clock", b"s", ['search_path=""']),
        ("wall_clock", b"v", ['search_path=""']),
    ]


async def test_time_stands_still_within_a_transaction(one_step: Flow) -> None:
    async with FlowTester(one_step, limit=timedelta(milliseconds=500)) as tester:
        session = await asyncpg.connect(tester.database_url)
        try:
            async with session.transaction():
                before = await session.fetchval("select tidewire.clock()")
                with pytest.raises(NotReached, match="a transaction that has read the clock"):
                    await tester.move(HOUR)
                assert await session.fetchval("select tidewire.clock()") - before < MINUTE
            await tester.move(HOUR)
            assert await session.fetchval("select tidewire.clock()") - before > HOUR
        finally:
            await session.close()


async def test_worker_is_not_forgotten_however_far_time_moves(one_step: Flow) -> None:
    async with FlowTester(one_step) as tester:
        await tester.move(timedelta(days=30))
        alive = await tester.rows(
            "select last_seen_at > tidewire.clock() - interval '10 s' as alive"
            " from tidewire.workers"
        )
        run = await tester.start("one", 1)
        assert (await run.finished()).output == 1
    assert alive == [{"alive": True}]


async def test_moving_beneath_a_busy_worker_disturbs_no_attempt() -> None:
    flow = Flow("busy")
    words = [f"word{number} " for number in range(40)]

    @flow.step(stream=True)
    async def say(ctx: Context) -> int:
        async with ctx.stream.text() as part:
            for word in words:
                await part.write(word)
                await asyncio.sleep(0.005)
        return ctx.attempt

    @flow.step()
    async def sign(say: int) -> int:
        return say

    async with FlowTester(flow) as tester:
        runs = [await tester.start("busy") for _ in range(20)]
        for _ in range(9):  # in all less than the ten minutes of an attempt
            await tester.move(MINUTE, at_rest=False)
        results = [await run.finished() for run in runs]
    assert [result.output for result in results] == [1] * len(runs)
    assert {result.text for result in results} == {"".join(words)}
