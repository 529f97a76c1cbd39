"""Workers that wait are notified, and nobody is when none waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from integration.database.conftest import OpenSession
from integration.database.sessions import LEASE, WORKER_ID, Session, answers_of, key
from registered_flows import step


@pytest.fixture
async def notifications(open_session: OpenSession) -> AsyncIterator[asyncio.Queue[str]]:
    """What arrives on the workers' channel and on one of the test's own."""
    received: asyncio.Queue[str] = asyncio.Queue()
    connection = (await open_session()).connection

    def on_notify(_: object, __: int, channel: str, ___: object) -> None:
        received.put_nowait(channel)

    for channel in ("tidewire_wake", "test_marker"):
        await connection.add_listener(channel, on_notify)
    yield received
    for channel in ("tidewire_wake", "test_marker"):
        await connection.remove_listener(channel, on_notify)


async def until_marker(session: Session, received: asyncio.Queue[str]) -> list[str]:
    """Notifications so far: they arrive in the order of commits, so a last one ends them."""
    await session.connection.execute("notify test_marker")
    seen: list[str] = []
    async with asyncio.timeout(20):
        while (channel := await received.get()) != "test_marker":
            seen.append(channel)
    return seen


async def ready(session: Session) -> UUID:
    await session.register("one_step", step("only"))
    return await session.add_user()


async def test_a_start_wakes_an_idle_worker(
    open_session: OpenSession, notifications: asyncio.Queue[str]
) -> None:
    session = await open_session()
    user_id = await ready(session)
    await session.value("select tidewire.set_idle($1, true)", WORKER_ID)
    await session.start("one_step", user_id)
    assert "tidewire_wake" in await until_marker(session, notifications)


@pytest.mark.parametrize(
    "statement",
    [
        "select tidewire.set_idle($1, false)",
        "select tidewire.stop_worker($1)",
        "update tidewire.workers set last_seen_at = now() - interval '2 minutes'"
        " where worker_id = $1",
    ],
    ids=["busy", "stopped", "silent"],
)
async def test_a_start_notifies_nobody_when_no_worker_waits(
    statement: str, open_session: OpenSession, notifications: asyncio.Queue[str]
) -> None:
    session = await open_session()
    user_id = await ready(session)
    await session.value("select tidewire.set_idle($1, true)", WORKER_ID)
    await session.connection.execute(statement, WORKER_ID)
    await session.start("one_step", user_id)
    assert await until_marker(session, notifications) == []


async def test_a_turn_that_is_passed_wakes_an_idle_worker(
    open_session: OpenSession, notifications: asyncio.Queue[str]
) -> None:
    session = await open_session()
    user_id = await ready(session)
    await session.sign_in(user_id)
    first = await session.send("thread", "a", "one_step", "reject")
    await session.send("thread", "b", "one_step", "queue")
    await session.value("select tidewire.set_idle($1, true)", WORKER_ID)
    await session.cancel(first["run_id"])
    assert "tidewire_wake" in await until_marker(session, notifications)


async def test_a_stream_notifies_nobody_though_a_worker_waits(
    open_session: OpenSession, notifications: asyncio.Queue[str]
) -> None:
    session = await open_session()
    version = await session.register("one_step", step("only"))
    await session.start("one_step", await session.add_user())
    (leased,) = await session.claim(version, 1)
    await session.value("select tidewire.set_idle($1, true)", WORKER_ID)
    await until_marker(session, notifications)

    for number in range(10):
        chunk = {"type": "text-delta", "id": "only.1", "delta": "sea "}
        append = key(leased, first_sequence=number, chunks=[chunk])
        assert answers_of(await session.append([append])) == ["appended"]
    await session.call("save_checkpoint", LEASE, [key(leased, data=1)])
    await session.call("extend_leases", WORKER_ID, LEASE, [key(leased)])
    await session.complete([key(leased, output=1)])
    assert await until_marker(session, notifications) == []


async def test_a_run_that_came_while_its_worker_went_idle_is_found_or_announced(
    open_session: OpenSession, notifications: asyncio.Queue[str]
) -> None:
    worker, user = await open_session(), await open_session()
    version = await worker.register("one_step", step("only"))
    user_id = await worker.add_user()

    # The worker's protocol: claim nothing, say idle, claim once more, then listen.
    for is_idle in (False, True):
        assert await worker.claim(version, 1) == []
        if is_idle:
            await worker.value("select tidewire.set_idle($1, true)", WORKER_ID)
        run_id = await user.start("one_step", user_id)
        await worker.value("select tidewire.set_idle($1, true)", WORKER_ID)
        (found,) = await worker.claim(version, 1)
        assert found["run_id"] == run_id
        announced = "tidewire_wake" in await until_marker(user, notifications)
        assert announced is is_idle
        await worker.value("select tidewire.set_idle($1, false)", WORKER_ID)
        await worker.complete([key(found, output=1)])
