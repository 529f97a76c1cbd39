"""Each order in which two transactions can meet, held still where they meet."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from integration.database.conftest import OpenSession
from integration.database.sessions import Session, answers_of, assert_ended_once, key
from registered_flows import step


class Meeting:
    """A worker, a user who owns the runs, and somebody who watches who waits for whom."""

    def __init__(self, worker: Session, user: Session, watcher: Session, version: str) -> None:
        self.worker, self.user, self.watcher, self.version = worker, user, watcher, version
        self.user_id = UUID(int=0)

    @classmethod
    async def arrange(cls, open_session: OpenSession) -> Meeting:
        worker, user, watcher = [await open_session() for _ in range(3)]
        meeting = cls(worker, user, watcher, await worker.register("one_step", step("only")))
        meeting.user_id = await worker.add_user()
        await worker.sign_in(meeting.user_id)
        await user.sign_in(meeting.user_id)
        return meeting

    async def leased(self) -> dict[str, Any]:
        await self.worker.start("one_step", self.user_id)
        (leased,) = await self.worker.claim(self.version, 1)
        return leased

    async def while_it_waits(
        self, waiting: Session, call: Coroutine[Any, Any, Any]
    ) -> asyncio.Task[Any]:
        """Begin a call and return once its session waits for another's lock."""
        task = asyncio.create_task(call)
        pid = waiting.connection.get_server_pid()
        for _ in range(20_000):
            if await self.watcher.value("select pg_blocking_pids($1) <> '{}'", pid):
                return task
            assert not task.done(), "the call must wait, but it came back"
        raise AssertionError("the call must wait for a lock")


async def test_a_cancel_that_waits_for_a_completion_finds_it_completed(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.leased()

    async with meeting.worker.connection.transaction():
        assert answers_of(await meeting.worker.complete([key(leased, output=1)])) == ["completed"]
        cancel = await meeting.while_it_waits(meeting.user, meeting.user.cancel(leased["run_id"]))
    assert await cancel == "completed"
    assert_ended_once(await meeting.worker.log_types(leased["run_id"]))


async def test_a_completion_does_not_wait_for_a_cancel_and_is_told_afterwards(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.leased()
    item = key(leased, output=1)

    async with meeting.user.connection.transaction():
        await meeting.user.cancel(leased["run_id"])
        assert answers_of(await meeting.worker.complete([item])) == ["busy"]
    assert answers_of(await meeting.worker.complete([item])) == ["cancelled"]
    assert_ended_once(await meeting.worker.log_types(leased["run_id"]))


async def test_a_cancel_that_waits_for_a_claim_ends_the_claimed_step(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    run_id = await meeting.worker.start("one_step", meeting.user_id)

    async with meeting.worker.connection.transaction():
        (leased,) = await meeting.worker.claim(meeting.version, 1)
        cancel = await meeting.while_it_waits(meeting.user, meeting.user.cancel(run_id))
    assert await cancel == "cancelled"
    assert answers_of(await meeting.worker.complete([key(leased, output=1)])) == ["cancelled"]
    types = await meeting.worker.log_types(run_id)
    assert types == ["start", "data-progress", "abort"]


async def test_a_claim_passes_by_a_run_that_is_being_cancelled(open_session: OpenSession) -> None:
    meeting = await Meeting.arrange(open_session)
    run_id = await meeting.worker.start("one_step", meeting.user_id)

    async with meeting.user.connection.transaction():
        await meeting.user.cancel(run_id)
        assert await meeting.worker.claim(meeting.version, 1) == []
    assert await meeting.worker.claim(meeting.version, 1) == []


@pytest.mark.parametrize("commits", [True, False])
async def test_a_start_waits_for_another_under_its_key_and_is_the_second_only_if_that_commits(
    commits: bool, open_session: OpenSession
) -> None:
    meeting = await Meeting.arrange(open_session)
    start = "select public.start_run('one_step', $1, null, null, 'key')"

    transaction = meeting.worker.connection.transaction()
    await transaction.start()
    first = await meeting.worker.value(start, {})
    second = await meeting.while_it_waits(meeting.user, meeting.user.value(start, {}))
    await (transaction.commit() if commits else transaction.rollback())
    answer = await second
    assert answer["created"] is not commits
    assert (answer["run_id"] == first["run_id"]) is commits
    assert await meeting.watcher.value("select count(*) from public.flow_runs") == 1


@pytest.mark.parametrize("commits", [True, False])
async def test_a_message_waits_for_another_in_its_thread_and_is_refused_only_if_that_commits(
    commits: bool, open_session: OpenSession
) -> None:
    meeting = await Meeting.arrange(open_session)

    transaction = meeting.worker.connection.transaction()
    await transaction.start()
    await meeting.worker.send("thread", "a", "one_step", "reject")
    second = await meeting.while_it_waits(
        meeting.user, meeting.user.send("thread", "b", "one_step", "reject")
    )
    await (transaction.commit() if commits else transaction.rollback())
    if commits:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await second
        assert (refused.value.sqlstate, refused.value.detail) == ("PT409", "TW005")
    else:
        assert (await second)["created"] is True
    assert await meeting.watcher.value("select count(*) from public.flow_messages") == 2


async def test_a_queued_message_that_waited_for_the_end_of_the_run_starts_at_once(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    first = await meeting.user.send("thread", "a", "one_step", "reject")
    (leased,) = await meeting.worker.claim(meeting.version, 1)

    async with meeting.worker.connection.transaction():
        await meeting.worker.complete([key(leased, output=1)])
        send = await meeting.while_it_waits(
            meeting.user, meeting.user.send("thread", "b", "one_step", "queue")
        )
    second = await send
    assert second["run_id"] != first["run_id"]
    (leased,) = await meeting.worker.claim(meeting.version, 1)
    assert leased["run_id"] == second["run_id"]


async def test_a_turn_that_could_not_be_passed_is_passed_by_maintenance(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    await meeting.user.send("thread", "a", "one_step", "reject")
    (leased,) = await meeting.worker.claim(meeting.version, 1)

    async with meeting.user.connection.transaction():
        second = await meeting.user.send("thread", "b", "one_step", "queue")
        completed = await meeting.worker.complete([key(leased, output=1)])
        assert answers_of(completed) == ["completed"]
    assert await meeting.worker.claim(meeting.version, 1) == []
    assert (await meeting.worker.value("select tidewire.maintain()"))["turns"] == 1
    (leased,) = await meeting.worker.claim(meeting.version, 1)
    assert leased["run_id"] == second["run_id"]


async def test_an_append_never_waits_for_the_deletion_of_its_user(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.leased()
    chunk = {"type": "text-delta", "id": "only.1", "delta": "sea"}
    append = key(leased, first_sequence=0, chunks=[chunk])

    async with meeting.user.connection.transaction():
        await meeting.user.connection.execute(
            "delete from auth.users where id = $1", meeting.user_id
        )
        assert answers_of(await meeting.worker.append([append])) == ["busy"]
    assert answers_of(await meeting.worker.append([append])) == ["cancelled"]


async def test_the_deletion_of_a_user_waits_for_an_append_and_takes_it_along(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.leased()
    chunk = {"type": "text-delta", "id": "only.1", "delta": "sea"}

    async with meeting.worker.connection.transaction():
        await meeting.worker.append([key(leased, first_sequence=0, chunks=[chunk])])
        delete = await meeting.while_it_waits(
            meeting.user,
            meeting.user.connection.execute(
                "delete from auth.users where id = $1", meeting.user_id
            ),
        )
    assert await delete == "DELETE 1"
    assert await meeting.watcher.value("select count(*) from public.streaming_chunks") == 0


async def test_a_run_that_fails_at_its_deadline_while_it_completes_ends_once(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.leased()
    await meeting.watcher.connection.execute(
        "update public.flow_runs set deadline_at = now() - interval '1 s'"
    )
    async with meeting.worker.connection.transaction():
        await meeting.worker.complete([key(leased, output=1)])
        assert (await meeting.watcher.value("select tidewire.maintain()"))["overdue"] == 0
    assert (await meeting.watcher.value("select tidewire.maintain()"))["overdue"] == 0
    assert_ended_once(await meeting.worker.log_types(leased["run_id"]))
