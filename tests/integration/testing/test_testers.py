"""A tester has a database and a worker of its own, on whichever event loop it is used."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from tidewire import ConfigurationError, Flow, TidewireError
from tidewire.testing import FlowTester, NotReached, RunResult, run_flow


def _returning(slug: str, value: int = 0) -> Flow:
    flow = Flow(slug)

    @flow.step()
    async def only(input: int) -> int:
        return input + value

    return flow


async def test_one_worker_serves_several_flows_and_runs_on_one_database() -> None:
    async with FlowTester(_returning("plain"), _returning("more", 100)) as tester:
        runs = [await tester.start(slug, n) for n in range(3) for slug in ("plain", "more")]
        results = [await run.finished() for run in runs]
        count = await tester.rows("select count(*) from public.flow_runs")
    assert [result.output for result in results] == [0, 100, 1, 101, 2, 102]
    assert count == [{"count": 6}]


async def test_testers_know_nothing_of_one_another() -> None:
    async with FlowTester(_returning("one")) as first, FlowTester(_returning("one", 1)) as second:
        run = await first.start("one", 1)
        other = await second.start("one", 1)
        assert ((await run.finished()).output, (await other.finished()).output) == (1, 2)
        await first.move(timedelta(days=1))
        assert await first.now() - await second.now() > timedelta(hours=23)


async def test_nothing_is_left_of_a_tester() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()
    flow = Flow("endless")

    @flow.step()
    async def wait() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with FlowTester(flow) as tester:
        url = tester.database_url
        await tester.start("endless")
        await begun.wait()
    assert cancelled.is_set()
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)
    with pytest.raises(TidewireError, match="entered first"):
        await tester.start("endless")


async def test_failing_test_leaves_nothing_either() -> None:
    with pytest.raises(ZeroDivisionError):
        async with FlowTester(_returning("one")) as tester:
            url = tester.database_url
            raise ZeroDivisionError
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)


async def test_flows_of_one_slug_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="flow one must be defined once"):
        async with FlowTester(_returning("one"), _returning("one", 1)):
            pass


async def test_each_test_may_have_an_event_loop_of_its_own() -> None:
    def one_after_the_other() -> list[RunResult]:
        flow = _returning("one")
        return [asyncio.run(run_flow(flow, n)) for n in range(2)]

    both = await asyncio.gather(
        asyncio.to_thread(one_after_the_other), asyncio.to_thread(one_after_the_other)
    )
    assert [[result.output for result in results] for results in both] == [[0, 1], [0, 1]]


async def test_run_that_ends_before_what_is_waited_for_says_so_at_once() -> None:
    async with FlowTester(_returning("one")) as tester:
        run = await tester.start("one", 1)
        with pytest.raises(NotReached, match="only: completed, attempt 1 of 3"):
            await run.until("only", "scheduled")


async def test_worker_that_died_is_told_of_and_not_waited_for() -> None:
    with pytest.raises(ConfigurationError, match="claim_steps"):
        async with FlowTester(_returning("one")) as tester:
            run = await tester.start("one", 1)
            await run.finished()
            await tester.rows("drop function tidewire.claim_steps")
            again = await tester.start("one", 2)
            with pytest.raises(ConfigurationError, match="claim_steps"):
                await again.finished()
