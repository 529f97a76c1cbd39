"""Users that start, send and cancel at the same time, in one thread or under one key."""

from __future__ import annotations

import asyncio
from uuid import UUID

from integration.database.conftest import OpenSession
from integration.database.sessions import (
    Session,
    answers_of,
    assert_ended_once,
    key,
    refusal_or_answer,
)
from registered_flows import step

ROUNDS = 40
CANCELS = 200


async def test_two_starts_under_one_key_make_one_run(open_session: OpenSession) -> None:
    first, second = await open_session(), await open_session()
    await first.register("one_step", step("only"))
    user_id = await first.add_user()
    start = "select tidewire.start_run_for($1, 'one_step', $2, null, null, $3)"

    for number in range(ROUNDS):
        answers = await asyncio.gather(
            first.value(start, user_id, {}, f"key-{number}"),
            second.value(start, user_id, {}, f"key-{number}"),
        )
        assert len({answer["run_id"] for answer in answers}) == 1
        assert sorted(answer["created"] for answer in answers) == [False, True]
    assert await first.value("select count(*) from public.flow_runs") == ROUNDS


async def test_two_starts_with_one_run_id_make_one_run(open_session: OpenSession) -> None:
    first, second = await open_session(), await open_session()
    await first.register("one_step", step("only"))
    user_id = await first.add_user()
    start = "select tidewire.start_run_for($1, 'one_step', $2, $3)"

    for number in range(ROUNDS):
        run_id = UUID(int=number + 1)
        answers = await asyncio.gather(
            first.value(start, user_id, {}, run_id), second.value(start, user_id, {}, run_id)
        )
        assert sorted(answer["created"] for answer in answers) == [False, True]


async def test_two_messages_in_one_thread_make_one_run_and_one_refusal(
    open_session: OpenSession,
) -> None:
    first, second = await open_session(), await open_session()
    await first.register("one_step", step("only"))
    user_id = await first.add_user()
    await first.sign_in(user_id)
    await second.sign_in(user_id)

    for number in range(ROUNDS):
        answers = await asyncio.gather(
            refusal_or_answer(first, f"thread-{number}", "a", "reject"),
            refusal_or_answer(second, f"thread-{number}", "b", "reject"),
        )
        assert sum(isinstance(answer, dict) for answer in answers) == 1
        assert ("PT409", "TW005") in answers


async def test_one_message_sent_twice_at_once_makes_one_run(open_session: OpenSession) -> None:
    first, second = await open_session(), await open_session()
    await first.register("one_step", step("only"))
    user_id = await first.add_user()
    await first.sign_in(user_id)
    await second.sign_in(user_id)

    for number in range(ROUNDS):
        on_busy = ("reject", "queue", "cancel")[number % 3]
        answers = await asyncio.gather(
            first.send(f"thread-{number}", "a", "one_step", on_busy),
            second.send(f"thread-{number}", "a", "one_step", on_busy),
        )
        assert sorted(answer["created"] for answer in answers) == [False, True]
        assert len({answer["run_id"] for answer in answers}) == 1


async def test_a_message_that_cancels_and_a_completion_never_deadlock(
    open_session: OpenSession,
) -> None:
    worker, user = await open_session(), await open_session()
    version = await worker.register("one_step", step("only"))
    user_id = await worker.add_user()
    await user.sign_in(user_id)
    active = await user.send("thread", "first", "one_step", "reject")

    for number in range(CANCELS):
        (leased,) = await worker.claim(version, 1)
        assert leased["run_id"] == active["run_id"]
        completed, following = await asyncio.gather(
            worker.complete([key(leased, output=number)]),
            user.send("thread", f"m{number}", "one_step", "cancel"),
        )
        assert answers_of(completed)[0] in ("completed", "cancelled", "busy")
        assert following["created"] is True
        assert_ended_once(await worker.log_types(active["run_id"]))
        active = following


async def test_a_message_that_queues_while_the_run_ends_gets_its_turn(
    open_session: OpenSession,
) -> None:
    worker, user = await open_session(), await open_session()
    version = await worker.register("one_step", step("only"))
    user_id = await worker.add_user()
    await user.sign_in(user_id)
    await user.send("thread", "first", "one_step", "reject")

    for number in range(ROUNDS):
        (leased,) = await worker.claim(version, 1)
        _, following = await asyncio.gather(
            complete_at_last(worker, key(leased, output=number)),
            user.send("thread", f"m{number}", "one_step", "queue"),
        )
        await worker.value("select tidewire.maintain()")
        status = "select held from public.flow_runs where run_id = $1"
        assert await worker.value(status, UUID(following["run_id"])) is False


async def complete_at_last(session: Session, item: dict[str, object]) -> None:
    """Complete as a worker does: busy means send the same again."""
    for _ in range(1000):
        (answer,) = answers_of(await session.complete([item]))
        if answer != "busy":
            break
    assert answer == "completed"
