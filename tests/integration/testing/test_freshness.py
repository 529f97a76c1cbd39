"""Outputs that are used again age with the moved time, and a sleep does not outlast its run."""

from __future__ import annotations

from datetime import timedelta

from tidewire import Cache, Context, Flow
from tidewire.testing import FlowTester

HOUR = timedelta(hours=1)


async def test_output_is_worked_again_when_it_is_not_fresh_any_more() -> None:
    flow, calls = Flow("rates"), 0

    @flow.step(cache=Cache(fresh=2 * HOUR))
    async def look() -> int:
        nonlocal calls
        calls += 1
        return calls

    async with FlowTester(flow) as tester:
        seen = []
        for _ in range(3):
            run = await tester.start("rates", 1)
            seen.append((await run.finished()).check().output)
            await tester.move(1.5 * HOUR)
    assert seen == [1, 1, 2]


async def test_plain_handler_sleeps_for_days_without_an_attempt() -> None:
    flow = Flow("patient", timeout=timedelta(days=9))

    @flow.step(max_attempts=1)
    def rest(ctx: Context) -> int:
        ctx.wait(ctx.sleep("days", timedelta(days=2)))
        return ctx.attempt

    async with FlowTester(flow) as tester:
        run = await tester.start("patient")
        await tester.move(timedelta(days=1))
        assert (await run.look()).steps["rest"].status == "scheduled"
        await tester.move(timedelta(days=1))
        assert (await run.finished()).check().output == 1


async def test_run_whose_time_ends_in_a_sleep_fails() -> None:
    flow, woken = Flow("oversleeping", timeout=HOUR), False

    @flow.step()
    async def rest(ctx: Context) -> None:
        nonlocal woken
        await ctx.sleep("too long", 2 * HOUR)
        woken = True

    async with FlowTester(flow) as tester:
        run = await tester.start("oversleeping")
        await tester.move(1.5 * HOUR)
        result = await run.finished()
    assert (result.status, woken) == ("failed", False)
    assert result.error == "the run took longer than its deadline allows"
