"""A user is deleted in the middle of everything: it waits for a call, and no call for it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from integration.database.conftest import OpenSession
from integration.database.meeting import Meeting, blocked_or_done
from integration.database.scenes import Stage
from integration.database.sessions import Session, answers_of, key, refusal_or_answer
from integration.database.transitions import (
    CANCEL,
    DELETE_USER,
    FAIL,
    LATE,
    PRESENT,
    RESCUE,
    Transition,
)
from registered_flows import step

ROUNDS = 24
DELETE = "delete from auth.users where id = $1"
LOCK = "select 1 from public.flow_runs where run_id = $1 for no key update"


# Calls of workers. What users call may hold the user first, and then only a race is a fair test.
# In its last attempt a step takes its run along, which more than one transition may do.
WORKERS_CALLS = [call for call in [*PRESENT, *LATE] if call not in (DELETE_USER, CANCEL)]
CALLS = [("ends", call) for call in WORKERS_CALLS] + [
    ("last_try", RESCUE),
    ("last_try", FAIL),
]


@pytest.mark.parametrize(("flow", "call"), CALLS, ids=lambda value: str(value))
async def test_a_call_never_waits_for_a_deletion_that_waits_for_its_run(
    flow: str, call: Transition, open_session: OpenSession
) -> None:
    caller, admin, watcher = [await open_session() for _ in range(3)]
    stage = await Stage.arrange(watcher, caller, admin)

    async with stage.scene(flow, call) as scene:
        # As in the middle of the call: it has the run's lock, and the deletion has come.
        async with caller.connection.transaction():
            await caller.value(LOCK, scene.run_id)
            deletion = asyncio.create_task(admin.connection.execute(DELETE, scene.user_id))
            await blocked_or_done(watcher, admin, deletion)
            assert not deletion.done()
            await call.call(caller, scene)
        assert await deletion == "DELETE 1"
        assert (await stage.state(scene)) == {"run": None, "steps": None, "log": None}


async def test_the_first_claim_of_a_run_never_waits_for_a_deletion_that_waits_for_it(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    run_id = await meeting.worker.start("one_step", meeting.user_id)

    async with meeting.worker.connection.transaction():
        await meeting.worker.value(LOCK, run_id)
        deletion = await meeting.while_it_waits(
            meeting.user, meeting.user.connection.execute(DELETE, meeting.user_id)
        )
        assert len(await meeting.worker.claim(meeting.version, 1)) == 1
    assert await deletion == "DELETE 1"


@pytest.mark.parametrize("on_busy", ["queue", "cancel"])
async def test_a_message_and_the_deletion_of_its_user_never_deadlock(
    on_busy: str, open_session: OpenSession
) -> None:
    meeting = await Meeting.arrange(open_session)

    for number in range(ROUNDS):
        user_id = await meeting.worker.add_user()
        await meeting.user.sign_in(user_id)
        for message in ("a", "b", "c"):
            await meeting.user.send("thread", message, "one_step", "queue")
        deleted, sent = await asyncio.gather(
            delete_after(meeting.worker, user_id, number % 8),
            refusal_or_answer(meeting.user, "thread", "d", on_busy),
        )
        assert deleted == "DELETE 1"
        assert isinstance(sent, dict) or sent[0] in ("PT401", "PT404", "23503"), sent
    assert await meeting.watcher.value("select count(*) from public.flow_messages") == 0


async def test_a_cancel_and_the_deletion_of_its_user_never_deadlock(
    open_session: OpenSession,
) -> None:
    user, admin = await open_session(), await open_session()
    await user.register("many_steps", *(step(f"s{n}") for n in range(100)))

    for number in range(ROUNDS):
        user_id = await admin.add_user()
        await user.sign_in(user_id)
        run_id = await user.start("many_steps", user_id)
        deleted, (cancelled,) = await asyncio.gather(
            delete_after(admin, user_id, number % 8),
            asyncio.gather(user.cancel(run_id), return_exceptions=True),
        )
        assert deleted == "DELETE 1"
        refusal = getattr(cancelled, "sqlstate", None)
        assert cancelled == "cancelled" or refusal in ("PT401", "PT404"), cancelled
    assert await admin.value("select count(*) from public.flow_steps") == 0


async def delete_after(admin: Session, user_id: UUID, round_trips: int) -> str:
    """Delete a user, a little later each time, so that it meets the other call everywhere."""
    for _ in range(round_trips):
        await admin.value("select 1")
    return str(await admin.connection.execute(DELETE, user_id))


async def test_the_last_answer_of_a_thread_never_waits_for_the_deletion_of_its_user(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    await meeting.user.send("thread", "a", "one_step", "reject")
    await meeting.user.send("thread", "b", "one_step", "queue")
    (leased,) = await meeting.worker.claim(meeting.version, 1)

    async with meeting.worker.connection.transaction():
        await meeting.worker.value(LOCK, leased["run_id"])
        deletion = await meeting.while_it_waits(
            meeting.user, meeting.user.connection.execute(DELETE, meeting.user_id)
        )
        completed = await meeting.worker.complete([key(leased, output=1)])
        assert answers_of(completed) == ["completed"]
    assert await deletion == "DELETE 1"


async def test_maintenance_that_ends_and_folds_a_run_never_waits_for_the_deletion_of_its_user(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    overdue = await meeting.user.send("thread", "a", "one_step", "reject")
    await meeting.watcher.connection.execute(
        "update public.flow_runs set deadline_at = now() - interval '1 s'"
    )
    async with meeting.worker.connection.transaction():
        await meeting.worker.value(LOCK, overdue["run_id"])
        deletion = await meeting.while_it_waits(
            meeting.user, meeting.user.connection.execute(DELETE, meeting.user_id)
        )
        await meeting.worker.value("select tidewire.maintain()")
    assert await deletion == "DELETE 1"


async def test_deleting_a_user_and_completing_a_batch_of_their_steps_never_deadlock(
    open_session: OpenSession,
) -> None:
    worker, admin = await open_session(), await open_session()
    version = await worker.register("two_steps", step("one"), step("two"))

    for number in range(ROUNDS):
        user_id = await admin.add_user()
        for _ in range(4):
            await worker.start("two_steps", user_id)
        leased = await worker.claim(version, 8)
        deleted, answers = await asyncio.gather(
            delete_after(admin, user_id, number % 8), complete_at_last(worker, leased)
        )
        assert deleted == "DELETE 1"
        assert set(answers) <= {"completed", "cancelled"}
    assert await worker.value("select count(*) from public.flow_steps") == 0


async def complete_at_last(worker: Session, leased: list[dict[str, Any]]) -> list[str]:
    """Complete all at once, again while some are busy; return what each got in the end."""
    answers = ["busy"] * len(leased)
    for _ in range(1000):
        items = [key(leased_step, output=1) for leased_step in leased]
        latest = answers_of(await worker.complete(items))
        answers = [
            old if old == "completed" else new for old, new in zip(answers, latest, strict=True)
        ]
        if "busy" not in answers:
            return answers
    raise AssertionError("a step must not be busy for ever")


async def test_a_completion_passes_by_the_runs_of_a_user_who_is_being_deleted(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.leased()

    async with meeting.user.connection.transaction():
        await meeting.user.connection.execute(DELETE, meeting.user_id)
        assert answers_of(await meeting.worker.complete([key(leased, output=1)])) == ["busy"]
    assert answers_of(await meeting.worker.complete([key(leased, output=1)])) == ["cancelled"]


async def test_the_deletion_of_a_user_waits_for_a_completion_and_takes_it_along(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    leased = await meeting.leased()

    async with meeting.worker.connection.transaction():
        assert answers_of(await meeting.worker.complete([key(leased, output=1)])) == ["completed"]
        deletion = await meeting.while_it_waits(
            meeting.user, meeting.user.connection.execute(DELETE, meeting.user_id)
        )
    assert await deletion == "DELETE 1"
    assert await meeting.watcher.value("select count(*) from public.flow_steps") == 0
