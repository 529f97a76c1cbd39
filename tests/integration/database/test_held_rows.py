"""A row that somebody else holds delays its own run alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from integration.database.conftest import OpenSession
from integration.database.sessions import LEASE, WORKER_ID, Session, answers_of, key
from registered_flows import step

APPENDS = 100
TEXT = [{"type": "text-delta", "id": "only.1", "delta": "sea "}]


@asynccontextmanager
async def holding(session: Session, table: str, run_id: str) -> AsyncIterator[None]:
    """Hold the rows of a run in a table, as a slow transaction does."""
    async with session.connection.transaction():
        await session.value(f"select 1 from {table} where run_id = $1 for update", UUID(run_id))
        yield


async def leased_pair(worker: Session) -> list[dict[str, Any]]:
    """Two runs of one step, both under lease."""
    version = await worker.register("one_step", step("only"))
    user_id = await worker.add_user()
    for _ in range(2):
        await worker.start("one_step", user_id)
    # Any wait for a lock is an error at once from here on.
    await worker.connection.execute("set lock_timeout = '1ms'")
    return await worker.claim(version, 2)


async def test_an_append_to_a_held_run_is_busy_and_its_neighbours_commit(
    open_session: OpenSession,
) -> None:
    worker, other = await open_session(), await open_session()
    held, free = await leased_pair(worker)
    appends = [key(step_, first_sequence=0, chunks=TEXT) for step_ in (held, free)]

    async with holding(other, "public.flow_runs", held["run_id"]):
        assert answers_of(await worker.append(appends)) == ["busy", "appended"]
    assert answers_of(await worker.append(appends)) == ["appended", "duplicate"]
    assert (await worker.log_types(held["run_id"])).count("text-delta") == 1


async def test_every_batched_write_answers_busy_for_a_held_run(
    open_session: OpenSession,
) -> None:
    worker, other = await open_session(), await open_session()
    held, free = await leased_pair(worker)

    async with holding(other, "public.flow_runs", held["run_id"]):
        checkpoints = [key(leased, data={"n": 1}) for leased in (held, free)]
        saved = await worker.call("save_checkpoint", LEASE, checkpoints)
        failed = await worker.call("fail_steps", WORKER_ID, [key(held)])
        released = await worker.call("release_steps", WORKER_ID, [key(held)])
        completed = await worker.complete([key(held, output=1), key(free, output=1)])
    assert answers_of(saved) == ["busy", "saved"]
    assert answers_of(failed) == answers_of(released) == ["busy"]
    assert answers_of(completed) == ["busy", "completed"]
    assert answers_of(await worker.complete([key(held, output=1)])) == ["completed"]


@pytest.mark.parametrize("table", ["public.flow_runs", "public.flow_steps"])
async def test_a_heartbeat_waits_for_no_row(table: str, open_session: OpenSession) -> None:
    worker, other = await open_session(), await open_session()
    held, free = await leased_pair(worker)

    async with holding(other, table, held["run_id"]):
        rows = await worker.call("extend_leases", WORKER_ID, LEASE, [key(held), key(free)])
    held_answer = "busy" if table == "public.flow_steps" else "extended"
    assert answers_of(rows) == [held_answer, "extended"]


async def test_a_heartbeat_waits_for_nobody_who_holds_its_workers_row(
    open_session: OpenSession,
) -> None:
    worker, other = await open_session(), await open_session()
    held, free = await leased_pair(worker)

    async with other.connection.transaction():
        await other.value("select tidewire.set_idle($1, false)", WORKER_ID)
        rows = await worker.call("extend_leases", WORKER_ID, LEASE, [key(held), key(free)])
    assert answers_of(rows) == ["extended", "extended"]


async def test_maintenance_leaves_a_held_run_for_later(open_session: OpenSession) -> None:
    worker, other = await open_session(), await open_session()
    held, _ = await leased_pair(worker)
    await worker.connection.execute(
        "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
    )
    async with holding(other, "public.flow_runs", held["run_id"]):
        assert (await worker.value("select tidewire.maintain()"))["rescued"] == 1
    assert (await worker.value("select tidewire.maintain()"))["rescued"] == 1


async def test_deleting_a_user_and_appending_never_deadlock(open_session: OpenSession) -> None:
    worker, admin = await open_session(), await open_session()
    version = await worker.register("one_step", step("only"))

    for _ in range(20):
        user_id = await admin.add_user()
        run_ids = [await worker.start("one_step", user_id) for _ in range(3)]
        leased = await worker.claim(version, 3)
        assert len(leased) == len(run_ids)
        deleted, answers = await asyncio.gather(
            admin.connection.execute("delete from auth.users where id = $1", user_id),
            append_until_refused(worker, leased),
        )
        assert deleted == "DELETE 1"
        assert answers == ["cancelled"] * len(leased)
    assert await worker.value("select count(*) from public.streaming_chunks") == 0


async def append_until_refused(worker: Session, leased: list[dict[str, Any]]) -> list[str]:
    """Append to every step as a stream does; return what each got in the end."""
    sequences = [0] * len(leased)
    for _ in range(APPENDS * 100):
        appends = [
            key(leased_step, first_sequence=sequence, chunks=TEXT)
            for leased_step, sequence in zip(leased, sequences, strict=True)
        ]
        answers = answers_of(await worker.append(appends))
        assert set(answers) <= {"appended", "busy", "cancelled"}
        if set(answers) == {"cancelled"}:
            break
        sequences = [
            sequence + (answer == "appended")
            for sequence, answer in zip(sequences, answers, strict=True)
        ]
    return answers


async def test_two_steps_of_a_run_that_append_at_once_leave_no_gap(
    open_session: OpenSession,
) -> None:
    first, second = await open_session(), await open_session()
    version = await first.register("two_steps", step("one"), step("two"))
    run_id = await first.start("two_steps", await first.add_user())
    one, two = await first.claim(version, 2)

    async def append_all(session: Session, leased: dict[str, Any]) -> None:
        done = 0
        for _ in range(APPENDS * 100):
            append = key(leased, first_sequence=done, chunks=TEXT)
            (answer,) = answers_of(await session.append([append]))
            assert answer in ("appended", "busy")
            done += answer == "appended"
            if done == APPENDS:
                break
        assert done == APPENDS

    await asyncio.gather(append_all(first, one), append_all(second, two))
    assert (await first.log_types(run_id)).count("text-delta") == 2 * APPENDS
