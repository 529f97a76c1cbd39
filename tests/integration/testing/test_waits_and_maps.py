"""Delayed steps and durable sleeps wait for the moved time, and items of maps are results."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tidewire import Context, Flow
from tidewire.install.migration_files import packaged_folder, read_migrations
from tidewire.testing import FlowTester, run_flow

pytestmark = pytest.mark.skipif(
    all("function tidewire.sleep_steps" not in f.sql for f in read_migrations(packaged_folder())),
    reason="the migrations have no delayed steps, sleeps and maps yet",
)

DAY = timedelta(days=1)


async def test_delayed_step_is_due_when_time_was_moved() -> None:
    flow = Flow("remind", timeout=30 * DAY)

    @flow.step()
    async def ask(input: str) -> str:
        return input

    @flow.step(delay=DAY)
    async def remind(ask: str) -> str:
        return f"{ask}!"

    async with FlowTester(flow) as tester:
        run = await tester.start("remind", "Well")
        await tester.move(DAY / 2)
        assert (await run.look()).steps["remind"].status == "scheduled"
        await tester.move(DAY / 2)
        result = await run.finished()
    assert result.check().output == "Well!"


async def test_durable_sleep_ends_when_time_was_moved() -> None:
    flow = Flow("night", timeout=30 * DAY)
    woken: list[str] = []

    @flow.step()
    async def rest(ctx: Context) -> int:
        await ctx.sleep("first", DAY)
        woken.append("first")
        await ctx.sleep("second", 7 * DAY)
        woken.append("second")
        return ctx.attempt

    async with FlowTester(flow) as tester:
        run = await tester.start("night")
        await tester.move(DAY)
        await tester.move(DAY)
        assert (await run.look()).status == "running"
        await tester.move(6 * DAY)
        result = await run.finished()
    assert result.check().output == 1
    assert woken[-1] == "second"


async def test_items_of_a_map_are_results_in_the_order_of_its_list() -> None:
    flow = Flow("doubles")

    @flow.map(tolerance=0.5, max_attempts=1)
    async def double(item: int) -> int:
        if item == 2:
            raise ValueError("two is not doubled")
        return 2 * item

    result = await run_flow(flow, [1, 2, 3])
    assert result.check().output == [2, None, 6]
    items = result.steps["double"].items
    assert [(item.status, item.output) for item in items] == [
        ("completed", 2),
        ("failed", None),
        ("completed", 6),
    ]
    assert "two is not doubled" in (items[1].error or "")
