"""Each order in which a lease can change hands while its holder writes, held still."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from integration.database.conftest import OpenSession
from integration.database.meeting import Meeting, blocked_or_done
from integration.database.sessions import (
    LEASE,
    WORKER_ID,
    Answers,
    Session,
    answers_of,
    assert_ended_once,
    key,
)

TEXT = [{"type": "text-delta", "id": "only.1", "delta": "sea"}]


async def rescued(session: Session) -> list[str]:
    """What a rescue did to the steps it took."""
    rows = await session.call("rescue_expired_steps", 10)
    return [row["answer"] for row in rows if row["answer"] in ("retrying", "failed")]


async def beat(session: Session, leased: dict[str, Any]) -> list[str]:
    return answers_of(await session.call("extend_leases", WORKER_ID, LEASE, [key(leased)]))


async def save(session: Session, leased: dict[str, Any]) -> Answers:
    item = key(leased, data={"seen": 1}, first_sequence=0, chunks=TEXT)
    return await session.call("save_checkpoint", LEASE, [item])


async def test_a_rescue_passes_by_a_step_that_is_being_completed(open_session: OpenSession) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.expired()

    async with meeting.worker.connection.transaction():
        assert answers_of(await meeting.worker.complete([key(leased, output=1)])) == ["completed"]
        assert await rescued(meeting.user) == []
    assert await rescued(meeting.user) == []
    assert_ended_once(await meeting.watcher.log_types(leased["run_id"]))


@pytest.mark.parametrize("commits", [True, False])
async def test_a_completion_that_meets_a_rescue_is_recorded_only_if_that_is_undone(
    commits: bool, open_session: OpenSession
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.expired()
    item = key(leased, output=1)

    transaction = meeting.user.connection.transaction()
    await transaction.start()
    assert await rescued(meeting.user) == ["retrying"]
    assert answers_of(await meeting.worker.complete([item])) == ["busy"]
    await (transaction.commit() if commits else transaction.rollback())
    answer = "lease_lost" if commits else "completed"
    assert answers_of(await meeting.worker.complete([item])) == [answer]


async def test_a_zombies_completion_never_wins_over_the_new_owners(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    zombie = await meeting.expired()
    assert await rescued(meeting.worker) == ["retrying"]
    (owner,) = await meeting.worker.claim(meeting.version, 1)

    async with meeting.worker.connection.transaction():
        await meeting.worker.complete([key(owner, output="new")])
        late = answers_of(await meeting.user.complete([key(zombie, output="old")]))
        assert late == ["lease_lost"]
    late = answers_of(await meeting.user.complete([key(zombie, output="old")]))
    assert late == ["lease_lost"]
    assert await meeting.watcher.value("select output from public.flow_runs") == "new"


async def test_a_completion_sent_again_before_the_first_has_committed_is_a_duplicate_afterwards(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    item = key(await meeting.leased(), output=1)

    async with meeting.worker.connection.transaction():
        assert answers_of(await meeting.worker.complete([item])) == ["completed"]
        assert answers_of(await meeting.user.complete([item])) == ["busy"]
    assert answers_of(await meeting.user.complete([item])) == ["duplicate"]


async def test_a_step_that_is_being_released_is_not_rescued_too(open_session: OpenSession) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.expired()

    async with meeting.worker.connection.transaction():
        released = await meeting.worker.call("release_steps", WORKER_ID, [key(leased)])
        assert answers_of(released) == ["released"]
        assert await rescued(meeting.user) == []
    assert await rescued(meeting.user) == []
    (again,) = await meeting.worker.claim(meeting.version, 1)
    assert (again["attempt"], again["lease_token"]) == (1, 2)


async def test_a_step_that_is_being_rescued_is_not_released_too(open_session: OpenSession) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.expired()

    async with meeting.user.connection.transaction():
        assert await rescued(meeting.user) == ["retrying"]
        released = await meeting.worker.call("release_steps", WORKER_ID, [key(leased)])
        assert answers_of(released) == ["busy"]
    released = await meeting.worker.call("release_steps", WORKER_ID, [key(leased)])
    assert answers_of(released) == ["lease_lost"]
    (again,) = await meeting.worker.claim(meeting.version, 1)
    assert (again["attempt"], again["lease_token"]) == (2, 2)


async def test_a_heartbeat_meets_a_completion_without_a_wait_and_is_told_afterwards(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.leased()

    async with meeting.worker.connection.transaction():
        await meeting.worker.complete([key(leased, output=1)])
        assert await beat(meeting.user, leased) == ["busy"]
    assert await beat(meeting.user, leased) == ["lease_lost"]


async def test_a_completion_that_meets_a_heartbeat_is_recorded(open_session: OpenSession) -> None:
    meeting = await Meeting.arrange(open_session)
    item = key(leased := await meeting.leased(), output=1)

    async with meeting.user.connection.transaction():
        assert await beat(meeting.user, leased) == ["extended"]
        completion = asyncio.create_task(meeting.worker.complete([item]))
        await blocked_or_done(meeting.watcher, meeting.worker, completion)
    if answers_of(await completion) == ["busy"]:
        completion = asyncio.create_task(meeting.worker.complete([item]))
    assert answers_of(await completion) == ["completed"]


async def test_a_heartbeat_that_came_first_keeps_its_step_from_being_rescued(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.expired()

    async with meeting.worker.connection.transaction():
        assert await beat(meeting.worker, leased) == ["extended"]
        assert await rescued(meeting.user) == []
    assert await rescued(meeting.user) == []
    assert answers_of(await meeting.worker.complete([key(leased, output=1)])) == ["completed"]


async def test_a_heartbeat_meets_a_rescue_without_a_wait_and_is_told_afterwards(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.expired()

    async with meeting.user.connection.transaction():
        assert await rescued(meeting.user) == ["retrying"]
        assert await beat(meeting.worker, leased) == ["busy"]
    assert await beat(meeting.worker, leased) == ["lease_lost"]


async def test_a_checkpoint_that_came_first_is_seen_by_the_attempt_after_the_rescue(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.expired()

    async with meeting.worker.connection.transaction():
        assert answers_of(await save(meeting.worker, leased)) == ["saved"]
        assert await rescued(meeting.user) == []
    await meeting.watcher.connection.execute(
        "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
    )
    assert await rescued(meeting.user) == ["retrying"]
    (again,) = await meeting.user.claim(meeting.version, 1)
    assert again["checkpoint"] == {"data": {"seen": 1}, "index": again["last_index"]}
    assert again["last_sequence"] == len(TEXT)


async def test_a_checkpoint_that_meets_a_rescue_saves_nothing(open_session: OpenSession) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.expired()

    async with meeting.user.connection.transaction():
        assert await rescued(meeting.user) == ["retrying"]
        assert answers_of(await save(meeting.worker, leased)) == ["busy"]
    assert answers_of(await save(meeting.worker, leased)) == ["lease_lost"]
    (again,) = await meeting.user.claim(meeting.version, 1)
    assert (again["checkpoint"], again["last_sequence"]) == (None, 0)
    assert "text-delta" not in await meeting.watcher.log_types(leased["run_id"])
