"""Users that do the same ended run again at the same time."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg

from integration.database.conftest import OpenSession
from integration.database.sessions import Session
from registered_flows import step

ROUNDS = 20
RETRY = "select tidewire.retry_run_for($1, null, $2)"


async def ended_run(session: Session, user_id: UUID, thread: str | None = None) -> str:
    """Start a run of the flow one_step, answering a message when in a thread, and cancel it."""
    if thread is None:
        run_id = await session.start("one_step", user_id)
    else:
        run_id = (await session.send(thread, "question", "one_step", "reject"))["run_id"]
    await session.value("select public.cancel_run($1)", run_id)
    return run_id


async def outcome(session: Session, statement: str, *arguments: object) -> Any:
    """What a call answers, or the code and the TW code that it is refused with."""
    try:
        return await session.value(statement, *arguments)
    except asyncpg.PostgresError as error:
        return (error.sqlstate, error.detail)


async def test_two_retries_under_one_key_make_one_run(open_session: OpenSession) -> None:
    first, second = await open_session(), await open_session()
    await first.register("one_step", step("only"))
    user_id = await first.add_user()
    await first.sign_in(user_id)

    for number in range(ROUNDS):
        origin = await ended_run(first, user_id, f"thread-{number}" if number % 2 else None)
        answers = await asyncio.gather(
            first.value(RETRY, origin, f"key-{number}"),
            second.value(RETRY, origin, f"key-{number}"),
        )
        assert len({answer["run_id"] for answer in answers}) == 1
        assert sorted(answer["created"] for answer in answers) == [False, True]


async def test_two_retries_in_one_thread_make_one_run_and_one_refusal(
    open_session: OpenSession,
) -> None:
    first, second = await open_session(), await open_session()
    await first.register("one_step", step("only"))
    user_id = await first.add_user()
    await first.sign_in(user_id)

    for number in range(ROUNDS):
        origin = await ended_run(first, user_id, f"thread-{number}")
        answers = await asyncio.gather(
            outcome(first, RETRY, origin, None), outcome(second, RETRY, origin, None)
        )
        assert sum(isinstance(answer, dict) for answer in answers) == 1
        assert ("PT409", "TW005") in answers
        shown = await first.value(
            "select count(*) from public.flow_messages"
            " where thread_id = $1 and role = 'assistant' and superseded_by is null",
            f"thread-{number}",
        )
        assert shown == 1


async def test_deleting_the_user_meanwhile_leaves_nothing_or_is_too_late(
    open_session: OpenSession,
) -> None:
    first, second = await open_session(), await open_session()
    await first.register("one_step", step("only"))

    for number in range(ROUNDS):
        user_id = await first.add_user()
        await first.sign_in(user_id)
        origin = await ended_run(first, user_id, f"thread-{number}")
        answer, _ = await asyncio.gather(
            outcome(first, RETRY, origin, None),
            second.value("delete from auth.users where id = $1", user_id),
        )
        assert isinstance(answer, dict) or answer[0] in {"PT404", "23503"}, answer
        assert await first.value("select count(*) from public.flow_runs") == 0
        assert await first.value("select count(*) from public.flow_steps") == 0
        assert await first.value("select count(*) from public.streaming_chunks") == 0
