"""Each order in which two writes to one run can meet, held still where they meet."""

from __future__ import annotations

import pytest

from integration.database.conftest import OpenSession
from integration.database.meeting import Meeting
from integration.database.sessions import WORKER_ID, answers_of, assert_ended_once, key


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


async def test_a_claim_passes_by_what_another_is_claiming(open_session: OpenSession) -> None:
    meeting = await Meeting.arrange(open_session)
    started = {await meeting.worker.start("one_step", meeting.user_id) for _ in range(2)}

    async with meeting.worker.connection.transaction():
        (first,) = await meeting.worker.claim(meeting.version, 1)
        (second,) = await meeting.user.claim(meeting.version, 1)
        assert await meeting.user.claim(meeting.version, 1) == []
    assert {first["run_id"], second["run_id"]} == started


async def test_a_cancel_that_waits_for_an_append_closes_the_part_it_opened(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.leased()
    opened = key(leased, first_sequence=0, chunks=[{"type": "text-start", "id": "only.1"}])

    async with meeting.worker.connection.transaction():
        assert answers_of(await meeting.worker.append([opened])) == ["appended"]
        cancel = await meeting.while_it_waits(meeting.user, meeting.user.cancel(leased["run_id"]))
    assert await cancel == "cancelled"
    types = await meeting.worker.log_types(leased["run_id"])
    assert types == ["start", "data-progress", "text-start", "text-end", "abort"]


async def test_an_append_does_not_wait_for_a_cancel_and_comes_never_after_its_abort(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.leased()
    chunk = {"type": "text-delta", "id": "only.1", "delta": "sea"}
    append = key(leased, first_sequence=0, chunks=[chunk])

    async with meeting.user.connection.transaction():
        await meeting.user.cancel(leased["run_id"])
        assert answers_of(await meeting.worker.append([append])) == ["busy"]
    assert answers_of(await meeting.worker.append([append])) == ["cancelled"]
    assert_ended_once(await meeting.worker.log_types(leased["run_id"]))


@pytest.mark.parametrize(
    ("retryable", "status", "end"), [(True, "cancelled", "abort"), (False, "failed", "error")]
)
async def test_a_cancel_that_waits_for_a_failure_ends_what_that_left(
    retryable: bool, status: str, end: str, open_session: OpenSession
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.leased()

    async with meeting.worker.connection.transaction():
        item = key(leased, retryable=retryable)
        await meeting.worker.call("fail_steps", WORKER_ID, [item])
        cancel = await meeting.while_it_waits(meeting.user, meeting.user.cancel(leased["run_id"]))
    assert await cancel == status
    types = await meeting.worker.log_types(leased["run_id"])
    assert_ended_once(types)
    assert types[-1] == end


async def test_a_failure_does_not_wait_for_a_cancel_and_is_told_afterwards(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.leased()
    item = key(leased, retryable=False)

    async with meeting.user.connection.transaction():
        await meeting.user.cancel(leased["run_id"])
        failed = await meeting.worker.call("fail_steps", WORKER_ID, [item])
        assert answers_of(failed) == ["busy"]
    failed = await meeting.worker.call("fail_steps", WORKER_ID, [item])
    assert answers_of(failed) == ["cancelled"]
    assert (await meeting.worker.log_types(leased["run_id"]))[-1] == "abort"


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
