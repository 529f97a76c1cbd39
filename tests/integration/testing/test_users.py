"""Runs belong to users, and users see what row level security lets them see."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from tidewire import Context, Flow
from tidewire.errors import Conflict, NotFound
from tidewire.testing import FlowTester, run_flow

ADA, BOB = UUID(int=1), UUID(int=2)


@pytest.fixture
def greeting() -> Flow:
    flow = Flow("greeting", access="authenticated")

    @flow.step()
    async def greet(ctx: Context, input: str) -> str:
        return f"{input}, {ctx.user_id}"

    return flow


async def test_run_has_the_user_that_it_was_started_for(greeting: Flow) -> None:
    result = await run_flow(greeting, "Hello", user_id=ADA)
    assert result.output == f"Hello, {ADA}"
    assert (await run_flow(greeting, "Hello")).output == "Hello, None"


async def test_owner_sees_their_run_and_nobody_else_does(greeting: Flow) -> None:
    async with FlowTester(greeting) as tester:
        run = await tester.start(greeting, "Hello", user_id=ADA)
        await run.finished()
        seen = "select output from public.flow_runs"
        assert await tester.rows(seen, as_user=ADA) == [{"output": f"Hello, {ADA}"}]
        assert await tester.rows(seen, as_user=BOB) == []
        whose = await tester.rows("select user_id from public.flow_runs")
    assert whose == [{"user_id": ADA}]


async def test_user_starts_and_cancels_runs_as_the_api_lets_them(greeting: Flow) -> None:
    async with FlowTester(greeting) as tester:
        start = "select public.start_run($1, $2) as run"
        started = await tester.rows(start, "greeting", "Hi", as_user=ADA)
        run = tester.run(started[0]["run"]["run_id"])
        assert (await run.finished()).output == f"Hi, {ADA}"
        with pytest.raises(NotFound):
            await tester.rows("select public.cancel_run($1)", run.run_id, as_user=BOB)


async def test_idempotency_key_gives_the_same_run_again(greeting: Flow) -> None:
    async with FlowTester(greeting) as tester:
        first = await tester.start("greeting", "Hello", user_id=ADA, idempotency_key="1")
        again = await tester.start("greeting", "Hello", user_id=ADA, idempotency_key="1")
        other = await tester.start("greeting", "Hello", user_id=BOB, idempotency_key="1")
        assert first.run_id == again.run_id != other.run_id
        with pytest.raises(Conflict):
            await tester.start("greeting", "Goodbye", user_id=ADA, idempotency_key="1")


async def test_unknown_flows_runs_and_steps_are_not_found(greeting: Flow) -> None:
    async with FlowTester(greeting) as tester:
        with pytest.raises(NotFound):
            await tester.start("unknown")
        with pytest.raises(NotFound):
            await tester.run(uuid4()).finished()
        run = await tester.start(greeting, "Hello")
        with pytest.raises(NotFound, match="no step unknown"):
            await run.until("unknown", "completed")
