"""Dead letters that are replayed while others replay, retry, write and delete."""

from __future__ import annotations

import asyncio

import asyncpg

from integration.database.conftest import OpenSession
from integration.database.meeting import Meeting
from integration.database.sessions import WORKER_ID, Session, answers_of, key
from integration.database.test_user_deletion import DELETE, delete_after
from registered_flows import step

ROUNDS = 24
DEAD = 10


async def replay(session: Session, limit: int = 100) -> list[str]:
    """Replay dead letters; return the runs that were done again."""
    rows = await session.connection.fetch(
        "select origin::text from tidewire.replay_dead_letters(p_limit => $1)", limit
    )
    return [row["origin"] for row in rows]


async def fail_all(worker: Session, version: str) -> set[str]:
    """Fail every ready step for good; return the runs."""
    leased = await worker.claim(version, 100)
    items = [key(step, error="no", message="no", retryable=False) for step in leased]
    assert set(answers_of(await worker.call("fail_steps", WORKER_ID, items))) == {"failed"}
    return {item["run_id"] for item in items}


async def test_two_replays_do_every_run_again_once(open_session: OpenSession) -> None:
    first, second = await open_session(), await open_session()
    version = await first.register("one_step", step("only"))
    user_id = await first.add_user()

    for _ in range(ROUNDS):
        for _ in range(DEAD):
            await first.start("one_step", user_id)
        dead = await fail_all(first, version)
        replayed = [
            run for runs in await asyncio.gather(replay(first), replay(second)) for run in runs
        ]
        # What one of them held when the other came by is left to the next.
        replayed += await replay(first)
        assert sorted(replayed) == sorted(dead)
        for leased in await first.claim(version, 100):
            assert answers_of(await first.complete([key(leased, output=1)])) == ["completed"]


async def test_a_replay_passes_by_what_another_one_has_not_committed(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    for _ in range(DEAD):
        await meeting.worker.start("one_step", meeting.user_id)
    dead = await fail_all(meeting.worker, meeting.version)

    async with meeting.worker.connection.transaction():
        first = await replay(meeting.worker, limit=4)
        second = await replay(meeting.watcher)
        assert (len(first), len(second)) == (4, DEAD - 4)
        assert {*first, *second} == dead


async def test_a_replay_passes_by_a_user_who_is_being_deleted(open_session: OpenSession) -> None:
    meeting = await Meeting.arrange(open_session)
    await meeting.user.send("thread", "a", "one_step", "reject")
    await meeting.worker.start("one_step", meeting.user_id)
    await fail_all(meeting.worker, meeting.version)

    async with meeting.user.connection.transaction():
        await meeting.user.connection.execute(DELETE, meeting.user_id)
        assert await replay(meeting.worker) == []


async def test_a_replay_passes_by_a_thread_that_somebody_holds(open_session: OpenSession) -> None:
    meeting = await Meeting.arrange(open_session)
    await meeting.user.send("thread", "a", "one_step", "reject")
    dead = await fail_all(meeting.worker, meeting.version)

    async with meeting.user.connection.transaction():
        await meeting.user.connection.execute("select from public.flow_threads for no key update")
        assert await replay(meeting.worker) == []
    assert set(await replay(meeting.worker)) == dead


async def test_a_replay_and_the_deletion_of_its_user_never_deadlock(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)

    for number in range(ROUNDS):
        user_id = await meeting.worker.add_user()
        await meeting.user.sign_in(user_id)
        for thread in ("one", "two"):
            await meeting.user.send(thread, "a", "one_step", "reject")
        await meeting.worker.start("one_step", user_id)
        await fail_all(meeting.worker, meeting.version)
        deleted, replayed = await asyncio.gather(
            delete_after(meeting.worker, user_id, number % 8), replay(meeting.user)
        )
        assert (deleted, len(replayed) in range(4)) == ("DELETE 1", True)
    assert await meeting.watcher.value("select count(*) from public.flow_runs") == 0
    assert await meeting.watcher.value("select count(*) from public.flow_steps") == 0


async def test_a_thread_gets_a_replay_or_a_message_and_never_both(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)

    for number in range(ROUNDS):
        thread = f"thread-{number}"
        await meeting.user.send(thread, "a", "one_step", "reject")
        (dead,) = await fail_all(meeting.worker, meeting.version)
        replayed, sent = await asyncio.gather(replay(meeting.worker), _sent(meeting.user, thread))
        assert (replayed, sent) in [([dead], ("PT409", "TW005")), ([], "started")]
        active = await meeting.watcher.value(
            "select count(*) from public.flow_runs where thread_id = $1 and finished_at is null",
            thread,
        )
        assert active == 1
        await _cancel_active(meeting, thread)


async def _sent(user: Session, thread: str) -> object:
    try:
        await user.send(thread, "b", "one_step", "reject")
    except asyncpg.PostgresError as error:
        return (error.sqlstate, error.detail)
    return "started"


async def _cancel_active(meeting: Meeting, thread: str) -> None:
    run_id = await meeting.watcher.value(
        "select active_run_id from public.flow_threads where thread_id = $1", thread
    )
    await meeting.user.cancel(str(run_id))
