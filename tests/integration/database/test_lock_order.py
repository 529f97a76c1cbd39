"""Six callers do everything at once to few runs: nobody deadlocks, and nothing is written twice."""

from __future__ import annotations

import asyncio

import pytest

from integration.database.callers import FLOW, Operator, Town, User, Worker
from integration.database.conftest import OpenSession
from integration.database.proof.laws import problems_of
from integration.database.proof.snapshot import QUERY, Snapshot
from integration.database.sessions import Session, key
from registered_flows import step

TURNS = 500
EASY: dict[str, object] = {"backoff_base_ms": 0, "backoff_cap_ms": 0, "max_attempts": 4}
STEPS = [step("one", **EASY), step("two", "one", **EASY)]


@pytest.mark.parametrize("deletes", [False, True], ids=["users stay", "users are deleted"])
async def test_no_mix_of_all_calls_deadlocks_or_collides(
    deletes: bool, open_session: OpenSession
) -> None:
    first, *sessions = [await open_session() for _ in range(7)]
    version = await first.register(FLOW, *STEPS)
    town = Town()
    town.users = [await first.add_user() for _ in range(2)]
    callers = [
        *(Worker(town, session, seed, version) for seed, session in enumerate(sessions[:3])),
        *(User(town, session, seed) for seed, session in enumerate(sessions[3:5])),
        Operator(town, sessions[5], 5, deletes),
    ]
    await asyncio.gather(*(caller.live(TURNS) for caller in callers))
    assert town.broken == []

    await finish(first, version)
    snapshot = Snapshot.of(await first.value(QUERY))
    assert problems_of(snapshot, {FLOW: {"one": [], "two": ["one"]}}) == []
    assert not any(snapshot.is_active(run_id) for run_id in snapshot.runs)


async def finish(session: Session, version: str) -> None:
    """Maintain and complete until every run has ended."""
    for _ in range(1000):
        await session.connection.execute(
            "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
            " where status = 'running'"
        )
        await session.value("select tidewire.maintain()")
        leased = await session.claim(version, 100)
        await session.complete([key(each, output=None) for each in leased])
        if not await session.value(
            "select count(*) from public.flow_runs where finished_at is null"
        ):
            return
    raise AssertionError("every run must end")
