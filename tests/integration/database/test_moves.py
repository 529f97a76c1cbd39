"""Runs that are moved to another version while workers claim and users cancel."""

from __future__ import annotations

import asyncio
from uuid import UUID

from integration.database.conftest import OpenSession
from integration.database.sessions import Session, answers_of, assert_ended_once, key
from registered_flows import step

ROUNDS = 40
ITEMS = 30
OLD = (step("only"),)
NEW = (step("only", max_attempts=5), step("more", "only"))


async def move(session: Session, new: str, old: str, limit: int = 1) -> list[tuple[str, str]]:
    """Move runs of a version; return each with its answer."""
    rows = await session.connection.fetch(
        "select run_id::text, answer from tidewire.move_runs('flow', $1, $2, $3)", new, old, limit
    )
    return [(row["run_id"], row["answer"]) for row in rows]


async def versions_of(session: Session, run_id: str) -> set[str]:
    """The versions that a run and its open steps are of."""
    rows = await session.connection.fetch(
        "select flow_version from public.flow_runs where run_id = $1 union"
        " select flow_version from public.flow_steps where run_id = $1 and finished_at is null",
        UUID(run_id),
    )
    return {row["flow_version"] for row in rows}


async def finish(worker: Session, version: str, run_id: str) -> None:
    """Execute the two steps of the new version."""
    for slug in ("only", "more"):
        (leased,) = await worker.claim(version, 1)
        assert (leased["run_id"], leased["step_slug"]) == (run_id, slug)
        assert answers_of(await worker.complete([key(leased, output=slug)])) == ["completed"]
    assert_ended_once(await worker.log_types(run_id))


async def test_a_run_is_either_claimed_or_moved(open_session: OpenSession) -> None:
    worker, operator = await open_session(), await open_session()
    old = await worker.register("flow", *OLD)
    user_id = await worker.add_user()
    for _ in range(ROUNDS):
        await worker.start("flow", user_id)
    new = await worker.register("flow", *NEW)

    left = ROUNDS
    while left:
        claimed, moved = await asyncio.gather(worker.claim(old, 1), move(operator, new, old))
        leased = {item["run_id"] for item in claimed}
        taken = {run_id for run_id, answer in moved if answer == "moved"}
        assert leased.isdisjoint(taken)
        for item in claimed:
            assert await versions_of(worker, item["run_id"]) == {old}
            assert answers_of(await worker.complete([key(item, output=1)])) == ["completed"]
        for run_id in taken:
            assert await versions_of(worker, run_id) == {new}
            await finish(worker, new, run_id)
        left -= len(leased) + len(taken)
    statuses = await worker.connection.fetch("select status, remaining_steps from flow_runs")
    assert [tuple(row) for row in statuses] == [("completed", 0)] * ROUNDS


async def test_a_move_does_not_wait_for_a_claim_that_is_not_committed(
    open_session: OpenSession,
) -> None:
    worker, operator = await open_session(), await open_session()
    old = await worker.register("flow", *OLD)
    run_id = await worker.start("flow", await worker.add_user())
    new = await worker.register("flow", *NEW)

    async with worker.connection.transaction():
        assert len(await worker.claim(old, 1)) == 1
        assert await move(operator, new, old) == [(run_id, "busy")]
    assert await move(operator, new, old) == [(run_id, "busy")]


async def test_a_claim_does_not_wait_for_a_move_that_is_not_committed(
    open_session: OpenSession,
) -> None:
    worker, operator = await open_session(), await open_session()
    old = await worker.register("flow", *OLD)
    run_id = await worker.start("flow", await worker.add_user())
    new = await worker.register("flow", *NEW)

    async with operator.connection.transaction():
        assert await move(operator, new, old) == [(run_id, "moved")]
        assert await worker.claim(old, 1) == []
    assert await worker.claim(old, 1) == []
    await finish(worker, new, run_id)


async def test_items_of_a_map_are_either_claimed_or_moved(open_session: OpenSession) -> None:
    worker, operator = await open_session(), await open_session()
    old = await worker.register("flow", step("score", over="input"))
    start = "select tidewire.start_run_for(null, 'flow', $1)"
    run_id = (await worker.value(start, list(range(ITEMS))))["run_id"]
    new = await worker.register("flow", step("score", over="input", max_attempts=9))

    async with worker.connection.transaction():
        leased = await worker.claim(old, 1)
        assert await move(operator, new, old) == [(run_id, "busy")]
    while leased:
        (item,) = leased
        done, moved = await asyncio.gather(
            worker.complete([key(item, item_index=item["item_index"], output=1)]),
            move(operator, new, old),
        )
        assert answers_of(done) in (["completed"], ["busy"])
        if answers_of(done) == ["completed"]:
            leased = await worker.claim(old, 1) or await worker.claim(new, 1)
        assert moved in ([], [(run_id, "busy")], [(run_id, "moved")])
    run = await worker.connection.fetchrow("select status, output from flow_runs")
    assert tuple(run or ()) == ("completed", [1] * ITEMS)


async def test_a_run_that_is_cancelled_while_it_moves_ends_once(open_session: OpenSession) -> None:
    user, operator = await open_session(), await open_session()
    old = await user.register("flow", *OLD)
    user_id = await user.add_user()
    await user.sign_in(user_id)
    started = [await user.start("flow", user_id) for _ in range(ROUNDS)]
    new = await user.register("flow", *NEW)

    for run_id in started:
        status, moved = await asyncio.gather(user.cancel(run_id), move(operator, new, old))
        assert status == "cancelled"
        assert dict(moved).get(run_id) in (None, "busy", "moved")
        assert_ended_once(await user.log_types(run_id))
    open_steps = "select count(*) from flow_steps where finished_at is null and run_id = any($1)"
    assert await user.value(open_steps, [UUID(run_id) for run_id in started]) == 0


async def test_a_cancel_waits_for_the_move_and_cancels_what_it_brought(
    open_session: OpenSession,
) -> None:
    user, operator = await open_session(), await open_session()
    old = await user.register("flow", *OLD)
    user_id = await user.add_user()
    await user.sign_in(user_id)
    run_id = await user.start("flow", user_id)
    new = await user.register("flow", *NEW)

    async with operator.connection.transaction():
        assert await move(operator, new, old) == [(run_id, "moved")]
        cancelling = asyncio.create_task(user.cancel(run_id))
        pid = user.connection.get_server_pid()
        while not await operator.value("select pg_blocking_pids($1) <> '{}'", pid):
            assert not cancelling.done()
    assert await cancelling == "cancelled"
    steps = await user.connection.fetch("select step_slug, status from flow_steps order by 1")
    assert [tuple(row) for row in steps] == [("more", "cancelled"), ("only", "cancelled")]
    assert_ended_once(await user.log_types(run_id))


async def test_a_move_does_not_wait_for_whoever_deletes_the_owner(
    open_session: OpenSession,
) -> None:
    deleter, operator = await open_session(), await open_session()
    old = await deleter.register("flow", *OLD)
    user_id = await deleter.add_user()
    run_id = await deleter.start("flow", user_id)
    new = await deleter.register("flow", *NEW)

    async with deleter.connection.transaction():
        await deleter.connection.execute("select from auth.users where id = $1 for update", user_id)
        assert await move(operator, new, old) == [(run_id, "busy")]
        await deleter.connection.execute("delete from auth.users where id = $1", user_id)
        assert await move(operator, new, old) == [(run_id, "busy")]
    assert await move(operator, new, old) == []
