"""Values come through the database as they went in, and those that are too large fail at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import BaseModel

from engine_view import Runs, StartWorker
from stack import Database as OwnDatabase
from tidewire import Context, Flow


@pytest.mark.parametrize("value", [0, "", False, [], {}, None])
async def test_falsy_output_is_kept_through_two_steps(
    value: Any, start_worker: StartWorker, runs: Runs
) -> None:
    flow, taken = Flow("falsy"), []

    @flow.step()
    async def first() -> Any:
        return value

    @flow.step()
    async def second(first: Any) -> Any:
        taken.append(first)
        return first

    await start_worker(flow)
    run = await runs.finished(await runs.start("falsy", {}))
    assert (run["status"], [*taken, run["output"]]) == ("completed", [value, value])
    assert {type(seen) for seen in (*taken, run["output"])} == {type(value)}


class Page(BaseModel):
    url: str
    read_at: datetime


@dataclass(frozen=True)
class Price:
    amount: Decimal
    of: UUID


PAGE = Page(url="https://example.org", read_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC))
PRICE = Price(Decimal("1.2300000000000000000000001"), UUID(int=7))


async def test_typed_values_come_back_as_they_were(start_worker: StartWorker, runs: Runs) -> None:
    flow, taken = Flow("typed"), []

    @flow.step()
    async def page() -> Page:
        return PAGE

    @flow.step()
    async def price() -> Price:
        return PRICE

    @flow.step()
    async def plain() -> tuple[datetime, UUID, Decimal]:
        return PAGE.read_at, PRICE.of, PRICE.amount

    @flow.step()
    async def look(page: Page, price: Price, plain: tuple[datetime, UUID, Decimal]) -> bool:
        taken.extend([page, price, plain])
        return True

    await start_worker(flow)
    run = await runs.finished(await runs.start("typed", {}))
    assert run["status"] == "completed"
    assert taken == [PAGE, PRICE, (PAGE.read_at, PRICE.of, PRICE.amount)]


@pytest.mark.parametrize("what", ["output", "checkpoint"])
async def test_changed_payload_limit_is_obeyed_and_nothing_is_tried_again(
    what: str, start_worker: StartWorker, runs: Runs, database: OwnDatabase
) -> None:
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        await connection.execute("update tidewire.limits set payload_bytes = 2000")
    finally:
        await connection.close()
    flow, calls = Flow("large"), 0

    @flow.step(max_attempts=3)
    async def make(ctx: Context, input: int) -> str:
        nonlocal calls
        calls += 1
        text = "x" * input
        if what == "checkpoint":
            await ctx.save_checkpoint(text)
            return "saved"
        return text

    await start_worker(flow)
    small = await runs.finished(await runs.start("large", 1900))
    assert (small["status"], calls) == ("completed", 1)
    run_id = await runs.start("large", 2100)
    large = await runs.finished(run_id)
    assert (large["status"], calls) == ("failed", 2)
    assert "2000" in (await runs.step(run_id, "make"))["error"]
