"""A batched call of a worker waits for no other: neither for what it keeps nor for what it ends."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from integration.database.conftest import OpenSession
from integration.database.meeting import Meeting
from integration.database.sessions import LEASE, WORKER_ID, Item, Session, answers_of, key
from registered_flows import step

CACHE = {"fresh_ms": 60_000, "scope": "shared", "key": None}


async def started(session: Session, slug: str, user_id: UUID, run_input: object) -> str:
    answer = await session.value(
        "select tidewire.start_run_for($1, $2, $3)", user_id, slug, run_input
    )
    return str(answer["run_id"])


async def only_step(session: Session, version: str) -> dict[str, Any]:
    (leased,) = await session.claim(version, 1)
    return leased


async def complete_and_claim(session: Session, item: Item, version: str) -> list[dict[str, Any]]:
    return await session.call("complete_steps", WORKER_ID, [item], LEASE, ["default"], [version], 1)


async def test_output_that_another_call_is_keeping_is_not_waited_for(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    one, two = meeting.worker, meeting.user
    version = await one.register("rates", step("read", cache=CACHE))
    leases = []
    for _ in range(2):
        await started(one, "rates", meeting.user_id, {})
        leases.append(await only_step(one, version))

    async with one.connection.transaction():
        assert answers_of(await one.complete([key(leases[0], output=1)])) == ["completed"]
        await two.connection.execute("set lock_timeout = '1s'")
        assert answers_of(await two.complete([key(leases[1], output=2)])) == ["completed"]
    kept = await meeting.watcher.connection.fetch("select output from tidewire.cache")
    assert [row["output"] for row in kept] == [1]


async def test_call_that_ends_a_run_holds_no_step_of_others_meanwhile(
    open_session: OpenSession,
) -> None:
    meeting = await Meeting.arrange(open_session)
    one, two = meeting.worker, meeting.user
    flow = (
        step("each", over="input", priority=-1, takes=["input"]),
        step("check"),
        step("next", "check", when="$.check", otherwise="fail"),
    )
    version = await one.register("pairs", *flow)
    await started(one, "pairs", meeting.user_id, [1])
    await started(one, "pairs", meeting.user_id, [1])
    first, second = await one.claim(version, 2)  # both checks; the items are left in line
    assert {first["step_slug"], second["step_slug"]} == {"check"}

    # Two has an item of one run under its hands and ends the other, and the reverse.
    transaction = two.connection.transaction()
    await transaction.start()
    taken = await only_step(two, version)
    ended, other = (first, second) if taken["run_id"] == first["run_id"] else (second, first)
    ending = await meeting.while_it_waits(
        one, complete_and_claim(one, key(ended, output=False), version)
    )
    assert answers_of(await two.complete([key(other, output=False)])) == ["completed"]
    await transaction.commit()

    rows = await ending
    assert answers_of(rows) == ["completed"]
    assert [row["detail"]["busy"] for row in rows if row["answer"] == "idle"] == [True]
    statuses = "select array_agg(status) from public.flow_runs where flow_slug = 'pairs'"
    assert await meeting.watcher.value(statuses) == ["failed", "failed"]
