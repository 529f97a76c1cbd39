"""What calls cost does not grow with what others left behind. Measured in pages, never in time."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from integration.database.cost import claims, growth, width
from integration.database.cost.calls import CALLS
from integration.database.cost.pages import Case
from integration.database.cost.place import place
from stack import StackUnderTest

BOUND = 1.5
# What a tree that is one level higher, or a row that moved, may cost a call of a few pages.
SLACK = 16


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cost_of_calls(stack: StackUnderTest) -> AsyncIterator[growth.Costs]:
    async with place(stack) as here, here.session() as old:
        yield await growth.grown_from_few(here, old)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cost_with_old_plans(stack: StackUnderTest) -> AsyncIterator[growth.Costs]:
    async with place(stack) as here, here.session() as old:
        yield await growth.grown_from_tiny(here, old)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cost_of_claims(stack: StackUnderTest) -> AsyncIterator[claims.Costs]:
    async with place(stack) as here, here.session() as session:
        short = await claims.short_line(here, session)
    async with place(stack) as here, here.session() as old:
        yield short | await claims.long_lines(here, old)


@pytest.mark.parametrize("state", growth.SMALL_BEFORE)
@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_a_call_costs_the_same_among_ten_times_the_rows(
    call: Case, state: str, cost_of_calls: growth.Costs
) -> None:
    costs = cost_of_calls[call.name]
    assert costs[state] <= BOUND * costs[growth.BASE] + SLACK, costs


@pytest.mark.parametrize("state", growth.TINY_BEFORE)
@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_a_call_costs_the_same_though_its_tables_were_tiny_when_it_was_planned(
    call: Case, state: str, cost_of_calls: growth.Costs, cost_with_old_plans: growth.Costs
) -> None:
    cost, base = cost_with_old_plans[call.name][state], cost_of_calls[call.name][growth.BASE]
    assert cost <= BOUND * base + SLACK


@pytest.mark.parametrize("claim", ["full", "empty"])
@pytest.mark.parametrize("state", claims.STATES)
async def test_a_claim_costs_the_same_among_a_million_finished_steps(
    state: str, claim: str, cost_of_claims: claims.Costs
) -> None:
    cost, base = cost_of_claims[state][claim], cost_of_claims[claims.BASE][claim]
    assert cost <= BOUND * base + SLACK


async def test_a_snapshot_held_open_makes_a_claim_at_most_twice_as_dear(
    stack: StackUnderTest,
) -> None:
    async with place(stack) as here, here.session() as session:
        before, after = await claims.held_back(here, session)
    assert after <= 2 * before + SLACK


async def test_a_wide_step_costs_in_proportion_to_what_it_depends_on(
    stack: StackUnderTest,
) -> None:
    async with place(stack) as here, here.session() as session:
        narrow = await width.of_width(here, session, width.NARROW)
        wide = await width.of_width(here, session, width.WIDE)
    times = width.WIDE / width.NARROW
    for what, cost in wide.items():
        assert cost <= BOUND * times * narrow[what] + SLACK, f"{what}: {narrow}, {wide}"
