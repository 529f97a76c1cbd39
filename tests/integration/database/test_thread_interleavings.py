"""Each order in which two messages of a thread, or a message and an end, can meet."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from integration.database.conftest import OpenSession
from integration.database.meeting import Meeting
from integration.database.sessions import answers_of, key


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


@pytest.mark.parametrize("commits", [True, False])
async def test_a_message_waits_for_another_also_in_a_thread_that_exists(
    commits: bool, open_session: OpenSession
) -> None:
    meeting = await Meeting.arrange(open_session)
    ended = await meeting.user.send("thread", "a", "one_step", "reject")
    await meeting.user.cancel(ended["run_id"])

    transaction = meeting.worker.connection.transaction()
    await transaction.start()
    await meeting.worker.send("thread", "b", "one_step", "reject")
    second = await meeting.while_it_waits(
        meeting.user, meeting.user.send("thread", "c", "one_step", "reject")
    )
    await (transaction.commit() if commits else transaction.rollback())
    outcomes = await asyncio.gather(second, return_exceptions=True)
    assert isinstance(outcomes[0], asyncpg.PostgresError) is commits
    active = "select count(*) from public.flow_runs where status = 'queued'"
    assert await meeting.watcher.value(active) == 1


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
