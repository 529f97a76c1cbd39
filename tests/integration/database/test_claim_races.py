"""Workers that claim, complete, cancel and rescue at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from integration.database.conftest import OpenSession
from integration.database.sessions import (
    LEASE,
    WORKER_ID,
    Session,
    answers_of,
    assert_ended_once,
    key,
)
from registered_flows import step

CLAIMS = 100
ROUNDS = 40


async def test_no_step_is_leased_twice_by_two_workers(open_session: OpenSession) -> None:
    first, second = await open_session(), await open_session()
    version = await first.register("two_steps", step("one"), step("two"))
    user_id = await first.add_user()
    started = {await first.start("two_steps", user_id) for _ in range(CLAIMS)}

    async def claim_all(session: Session) -> list[dict[str, Any]]:
        claimed: list[dict[str, Any]] = []
        for _ in range(CLAIMS):
            claimed += await session.claim(version, 3)
        return claimed

    both = await asyncio.gather(claim_all(first), claim_all(second))
    claimed = [(item["run_id"], item["step_slug"]) for items in both for item in items]
    assert len(claimed) == len(set(claimed)) == 2 * len(started)
    assert {item["attempt"] for items in both for item in items} == {1}
    for run_id in started:
        types = await first.log_types(run_id)
        assert Counter(types) == {"start": 1, "data-progress": 2}


async def test_a_run_ends_once_whether_its_completion_or_its_cancel_comes_first(
    open_session: OpenSession,
) -> None:
    worker, user = await open_session(), await open_session()
    version = await worker.register("one_step", step("only"))
    user_id = await worker.add_user()
    await user.sign_in(user_id)

    for _ in range(ROUNDS):
        run_id = await worker.start("one_step", user_id)
        (leased,) = await worker.claim(version, 1)
        completed, status = await asyncio.gather(
            worker.complete([key(leased, output=1)]), user.cancel(run_id)
        )
        (answer,) = answers_of(completed)
        if answer == "busy":
            (answer,) = answers_of(await worker.complete([key(leased, output=1)]))
        assert (answer, status) in {("completed", "completed"), ("cancelled", "cancelled")}
        types = await worker.log_types(run_id)
        assert_ended_once(types)
        assert types[-1] == {"completed": "finish", "cancelled": "abort"}[status]


async def test_a_step_is_either_completed_or_rescued(open_session: OpenSession) -> None:
    worker, rescuer = await open_session(), await open_session()
    version = await worker.register("one_step", step("only"))
    user_id = await worker.add_user()

    for _ in range(ROUNDS):
        run_id = await worker.start("one_step", user_id)
        (leased,) = await worker.claim(version, 1)
        await worker.connection.execute(
            "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
            " where status = 'running'"
        )
        completed, rescued = await asyncio.gather(
            worker.complete([key(leased, output=1)]), rescuer.call("rescue_expired_steps", 10)
        )
        (answer,) = answers_of(completed)
        if answer == "busy":
            (answer,) = answers_of(await worker.complete([key(leased, output=1)]))
        retried = [row["answer"] for row in rescued if row["answer"] == "retrying"]
        assert (answer, retried) in [("completed", []), ("lease_lost", ["retrying"])]
        if retried:
            (again,) = await worker.claim(version, 1)
            assert (again["attempt"], again["lease_token"]) == (2, 2)
            assert answers_of(await worker.complete([key(again, output=2)])) == ["completed"]
        assert_ended_once(await worker.log_types(run_id))


async def test_two_rescuers_take_a_step_once(open_session: OpenSession) -> None:
    first, second = await open_session(), await open_session()
    version = await first.register("one_step", step("only"))
    user_id = await first.add_user()
    started = [await first.start("one_step", user_id) for _ in range(CLAIMS)]
    assert len(await first.claim(version, CLAIMS)) == len(started)
    await first.connection.execute(
        "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
    )

    async def rescue(session: Session) -> list[str]:
        taken: list[str] = []
        running = "select count(*) from public.flow_steps where status = 'running'"
        for _ in range(100 * CLAIMS):
            rows = await session.call("rescue_expired_steps", 10)
            taken += [row["run_id"] for row in rows if row["answer"] == "retrying"]
            if not await session.value(running):
                break
        return taken

    taken, others = await asyncio.gather(rescue(first), rescue(second))
    assert sorted([*taken, *others]) == sorted(started)


async def test_parallel_last_steps_complete_their_run_once(open_session: OpenSession) -> None:
    first, second = await open_session(), await open_session()
    version = await first.register("two_steps", step("one"), step("two"))
    user_id = await first.add_user()

    for _ in range(ROUNDS):
        run_id = await first.start("two_steps", user_id)
        leased = await first.claim(version, 2)
        await asyncio.gather(
            complete_at_last(first, leased[0]), complete_at_last(second, leased[1])
        )
        assert_ended_once(await first.log_types(run_id))


async def complete_at_last(session: Session, leased: dict[str, Any]) -> None:
    """Complete as a worker does: busy means send the same again."""
    for _ in range(1000):
        (answer,) = answers_of(await session.complete([key(leased, output=1)]))
        if answer != "busy":
            break
    assert answer == "completed"


async def test_a_claim_leaves_steps_of_a_held_run_for_later_and_says_so(
    open_session: OpenSession,
) -> None:
    worker, other = await open_session(), await open_session()
    version = await worker.register("one_step", step("only"))
    user_id = await worker.add_user()
    held, free = [await worker.start("one_step", user_id) for _ in range(2)]

    async with other.connection.transaction():
        await other.value("select 1 from public.flow_runs where run_id = $1 for update", held)
        rows = await worker.call("claim_steps", WORKER_ID, ["default"], [version], LEASE, 2)
    assert [row["run_id"] for row in rows if row["answer"] == "claimed"] == [free]
    (idle,) = [row["detail"] for row in rows if row["answer"] == "idle"]
    assert idle["busy"] is True
    assert [leased["run_id"] for leased in await worker.claim(version, 2)] == [held]
