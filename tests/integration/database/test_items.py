"""Items of maps that are claimed, completed, failed and cancelled by several sessions at once."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID

from integration.database.conftest import OpenSession
from integration.database.meeting import Meeting
from integration.database.sessions import (
    WORKER_ID,
    Item,
    Session,
    answers_of,
    assert_ended_once,
    key,
)
from registered_flows import step

NO_WAIT = {"backoff_base_ms": 0, "backoff_cap_ms": 0}
MAP_ROW = "select {} from public.flow_steps where run_id = $1 and item_index = -1"


def item_key(item: dict[str, Any], **more: object) -> Item:
    return key(item, item_index=item["item_index"], **more)


class Mapped:
    """A run of one map whose items are leased to two workers."""

    def __init__(self, meeting: Meeting, version: str, run_id: str) -> None:
        self.meeting, self.version, self.run_id = meeting, version, run_id
        self.one, self.two, self.watcher = meeting.worker, meeting.user, meeting.watcher

    @classmethod
    async def arrange(cls, open_session: OpenSession, items: int, **more: object) -> Mapped:
        meeting = await Meeting.arrange(open_session)
        definition = step("each", over="input", **(NO_WAIT | more))
        version = await meeting.worker.register("mapped", definition)
        return cls(meeting, version, await start(meeting.worker, meeting.user_id, items))

    async def leased(self, quantity: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for _ in range(5):  # the first claim may only expand the map
            found += await self.one.claim(self.version, quantity - len(found))
            if len(found) == quantity:
                return sorted(found, key=lambda item: int(item["item_index"]))
        raise AssertionError(f"expected {quantity} items, got {found}")

    async def map_row(self, column: str) -> Any:
        return await self.watcher.value(MAP_ROW.format(column), UUID(self.run_id))

    async def status(self) -> str:
        statement = "select status from public.flow_runs where run_id = $1"
        return str(await self.watcher.value(statement, UUID(self.run_id)))


async def start(session: Session, user_id: UUID, items: int) -> str:
    answer = await session.value(
        "select tidewire.start_run_for($1, 'mapped', $2)", user_id, list(range(items))
    )
    return str(answer["run_id"])


async def test_two_items_completed_at_once_are_busy_and_then_counted_exactly(
    open_session: OpenSession,
) -> None:
    mapped = await Mapped.arrange(open_session, 3)
    first, second, _ = await mapped.leased(3)

    async with mapped.one.connection.transaction():
        assert answers_of(await mapped.one.complete([item_key(first, output=1)])) == ["completed"]
        assert answers_of(await mapped.two.complete([item_key(second, output=2)])) == ["busy"]
    assert answers_of(await mapped.two.complete([item_key(second, output=2)])) == ["completed"]
    assert await mapped.map_row("remaining_items") == 1
    assert answers_of(await mapped.two.complete([item_key(second, output=2)])) == ["duplicate"]
    assert await mapped.map_row("remaining_items") == 1


async def test_last_item_that_meets_a_cancel_is_told_afterwards(open_session: OpenSession) -> None:
    mapped = await Mapped.arrange(open_session, 1)
    (item,) = await mapped.leased(1)

    async with mapped.two.connection.transaction():
        await mapped.two.cancel(mapped.run_id)
        assert answers_of(await mapped.one.complete([item_key(item, output=1)])) == ["busy"]
    assert answers_of(await mapped.one.complete([item_key(item, output=1)])) == ["cancelled"]
    assert_ended_once(await mapped.one.log_types(mapped.run_id))


async def test_cancel_that_waits_for_the_last_item_finds_the_run_completed(
    open_session: OpenSession,
) -> None:
    mapped = await Mapped.arrange(open_session, 1)
    (item,) = await mapped.leased(1)

    async with mapped.one.connection.transaction():
        await mapped.one.complete([item_key(item, output=1)])
        cancel = await mapped.meeting.while_it_waits(mapped.two, mapped.two.cancel(mapped.run_id))
    assert await cancel == "completed"
    assert_ended_once(await mapped.one.log_types(mapped.run_id))


async def test_cancel_that_waits_for_an_item_in_the_middle_does_not_deadlock(
    open_session: OpenSession,
) -> None:
    mapped = await Mapped.arrange(open_session, 2)
    first, second = await mapped.leased(2)

    transaction = mapped.one.connection.transaction()
    await transaction.start()
    await mapped.one.complete([item_key(first, output=1)])
    cancel = await mapped.meeting.while_it_waits(mapped.two, mapped.two.cancel(mapped.run_id))
    assert answers_of(await mapped.one.complete([item_key(second, output=2)])) == ["busy"]
    await transaction.commit()
    assert await cancel == "cancelled"
    assert_ended_once(await mapped.one.log_types(mapped.run_id))


async def test_item_that_completes_while_it_is_rescued_is_counted_once(
    open_session: OpenSession,
) -> None:
    mapped = await Mapped.arrange(open_session, 2, max_attempts=1, tolerance=1)
    first, _ = await mapped.leased(2)
    await mapped.watcher.connection.execute(
        "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
        " where item_index = 0"
    )
    async with mapped.one.connection.transaction():
        assert answers_of(await mapped.one.complete([item_key(first, output=1)])) == ["completed"]
        assert await mapped.two.call("rescue_expired_steps", 10) == []
    assert await mapped.two.call("rescue_expired_steps", 10) == []
    assert await mapped.map_row("(remaining_items, failed_items)") == (1, 0)


async def test_item_that_is_rescued_while_it_completes_is_lost_to_its_worker(
    open_session: OpenSession,
) -> None:
    mapped = await Mapped.arrange(open_session, 2, max_attempts=1, tolerance=1)
    first, _ = await mapped.leased(2)
    await mapped.watcher.connection.execute(
        "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
        " where item_index = 0"
    )
    async with mapped.two.connection.transaction():
        rows = await mapped.two.call("rescue_expired_steps", 10)
        assert "failed" in [row["answer"] for row in rows]
        assert answers_of(await mapped.one.complete([item_key(first, output=1)])) == ["busy"]
    assert answers_of(await mapped.one.complete([item_key(first, output=1)])) == ["lease_lost"]
    assert await mapped.map_row("(remaining_items, failed_items)") == (1, 1)


async def test_items_that_fail_and_complete_at_once_settle_one_after_the_other(
    open_session: OpenSession,
) -> None:
    mapped = await Mapped.arrange(open_session, 2, max_attempts=1, tolerance=0.5)
    first, second = await mapped.leased(2)

    async with mapped.one.connection.transaction():
        failing = await mapped.one.call("fail_steps", WORKER_ID, [item_key(first)])
        assert answers_of(failing) == ["failed"]
        assert answers_of(await mapped.two.complete([item_key(second, output=2)])) == ["busy"]
    assert answers_of(await mapped.two.complete([item_key(second, output=2)])) == ["completed"]
    assert (await mapped.map_row("output"), await mapped.status()) == ([None, 2], "completed")


async def test_items_are_claimed_and_completed_while_the_row_of_their_run_is_locked(
    open_session: OpenSession,
) -> None:
    mapped = await Mapped.arrange(open_session, 3)
    (first,) = await mapped.leased(1)

    async with mapped.two.connection.transaction():
        await mapped.two.connection.execute(
            "select from public.flow_runs where run_id = $1 for no key update", UUID(mapped.run_id)
        )
        (second,) = await mapped.one.claim(mapped.version, 1)
        done = [item_key(item, output=1) for item in (first, second)]
        assert answers_of(await mapped.one.complete(done)) == ["completed"] * 2
        (last,) = await mapped.one.claim(mapped.version, 1)
        assert answers_of(await mapped.one.complete([item_key(last, output=1)])) == ["busy"]
    assert answers_of(await mapped.one.complete([item_key(last, output=1)])) == ["completed"]
    assert await mapped.status() == "completed"


async def test_map_whose_run_is_being_cancelled_is_not_expanded_afterwards(
    open_session: OpenSession,
) -> None:
    mapped = await Mapped.arrange(open_session, 5)
    async with mapped.two.connection.transaction():
        await mapped.two.cancel(mapped.run_id)
        assert await mapped.one.claim(mapped.version, 5) == []
    assert await mapped.one.claim(mapped.version, 5) == []
    left = "select count(*) from public.flow_steps where finished_at is null"
    assert await mapped.watcher.value(left) == 0
    assert_ended_once(await mapped.one.log_types(mapped.run_id))


async def test_deletion_of_a_user_whose_map_runs_leaves_nothing(open_session: OpenSession) -> None:
    mapped = await Mapped.arrange(open_session, 4)
    first, second, *_ = await mapped.leased(3)
    delete = "delete from auth.users where id = $1"

    transaction = mapped.one.connection.transaction()
    await transaction.start()
    await mapped.one.complete([item_key(first, output=1)])
    deletion = await mapped.meeting.while_it_waits(
        mapped.two, mapped.two.connection.execute(delete, mapped.meeting.user_id)
    )
    await mapped.one.complete([item_key(second, output=1)])
    await mapped.one.claim(mapped.version, 1)
    await transaction.commit()
    assert await deletion == "DELETE 1"
    for table in ("flow_runs", "flow_steps", "streaming_chunks"):
        assert await mapped.watcher.value(f"select count(*) from public.{table}") == 0
    assert answers_of(await mapped.one.complete([item_key(first, output=1)])) == ["cancelled"]


async def test_map_of_300_items_hands_no_item_the_whole_list(open_session: OpenSession) -> None:
    mapped = await Mapped.arrange(open_session, 300, takes=[])
    for item in await mapped.leased(300):
        assert item["item"] == item["item_index"]
        assert not item.get("run_input")
        assert not item.get("inputs")


async def work(session: Session, version: str, seed: int) -> None:
    """Claim, complete and fail items until no run is left."""
    choice = random.Random(seed)
    held: list[dict[str, Any]] = []
    left = "select count(*) from public.flow_runs where status in ('queued', 'running')"
    for _ in range(2000):
        held += await session.claim(version, choice.randrange(1, 8))
        if not held and not await session.value(left):
            return
        picked = choice.sample(held, min(len(held), choice.randrange(1, 8)))
        if choice.random() < 0.2:
            rows = await session.call("fail_steps", WORKER_ID, [item_key(item) for item in picked])
        else:
            rows = await session.complete(
                [item_key(item, output=2 * item["item"]) for item in picked]
            )
        answers = zip(picked, answers_of(rows), strict=True)
        settled = [id(item) for item, answer in answers if answer != "busy"]
        held = [item for item in held if id(item) not in settled]
    raise AssertionError("every run must end")


async def test_four_sessions_settle_three_maps_in_any_order_and_every_item_once(
    open_session: OpenSession,
) -> None:
    mapped = await Mapped.arrange(open_session, 60, max_attempts=30)
    run_ids = [mapped.run_id]
    run_ids += [await start(mapped.one, mapped.meeting.user_id, 60) for _ in range(2)]
    sessions = [mapped.one, mapped.two, mapped.watcher, await open_session()]

    await asyncio.gather(
        *(work(session, mapped.version, seed) for seed, session in enumerate(sessions))
    )
    for run_id in run_ids:
        rows = await mapped.watcher.connection.fetch(
            "select output, remaining_items, failed_items from public.flow_steps"
            " where run_id = $1 and item_index = -1",
            UUID(run_id),
        )
        assert [tuple(row) for row in rows] == [([2 * n for n in range(60)], 0, 0)]
        assert_ended_once(await mapped.one.log_types(run_id))


async def disturb(session: Session, version: str, run_ids: list[str], seed: int) -> None:
    """Claim, hand back, send to sleep, let leases expire and, in the middle, cancel one run."""
    choice = random.Random(seed)
    for turn in range(60):
        held = await session.claim(version, 5)
        keys = [item_key(item) for item in held]
        match choice.randrange(3):
            case 0:
                await session.call("release_steps", WORKER_ID, keys)
            case 1:
                sleeps = [item_key(item, name=f"nap {turn}", wait_ms=1) for item in held]
                await session.call("sleep_steps", WORKER_ID, sleeps)
            case _:
                await session.connection.execute(
                    "with expired as (select run_id, step_slug, item_index from public.flow_steps"
                    " where status = 'running' and item_index >= 0 limit 3 for update skip locked)"
                    " update public.flow_steps s set lease_expires_at = now() - interval '1 s'"
                    " from expired e where (s.run_id, s.step_slug, s.item_index)"
                    " = (e.run_id, e.step_slug, e.item_index)"
                )
        await session.value("select tidewire.maintain()")
        if turn == 15:
            await session.cancel(run_ids[0])
    # What is still held goes to whoever is left.
    await session.connection.execute(
        "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
        " where status = 'running'"
    )
    await session.value("select tidewire.maintain()")


async def test_maps_survive_cancels_rescues_sleeps_and_handed_back_items(
    open_session: OpenSession,
) -> None:
    mapped = await Mapped.arrange(open_session, 120, max_attempts=60)
    run_ids = [mapped.run_id]
    run_ids += [await start(mapped.one, mapped.meeting.user_id, 120) for _ in range(2)]
    third, fourth = await open_session(), await open_session()
    await third.sign_in(mapped.meeting.user_id)

    async def settle_everything() -> None:
        left = "select count(*) from public.flow_runs where status in ('queued', 'running')"
        for _ in range(50):
            await mapped.watcher.connection.execute(
                "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
                " where status = 'running'"
            )
            await mapped.watcher.value("select tidewire.maintain()")
            held = await mapped.watcher.claim(mapped.version, 100)
            await mapped.watcher.complete(
                [item_key(item, output=2 * item["item"]) for item in held]
            )
            if not await mapped.watcher.value(left):
                return
        raise AssertionError("every run must end")

    await asyncio.gather(
        *(work_some(s, mapped.version, n) for n, s in enumerate((mapped.one, mapped.two, fourth))),
        disturb(third, mapped.version, run_ids, 7),
    )
    await settle_everything()
    for run_id in run_ids:
        row = await mapped.watcher.connection.fetchrow(
            "select r.status, s.output, s.remaining_items, s.failed_items"
            " from public.flow_steps s join public.flow_runs r using (run_id)"
            " where run_id = $1 and item_index = -1",
            UUID(run_id),
        )
        assert row is not None
        assert_ended_once(await mapped.one.log_types(run_id))
        if row["status"] == "completed":
            assert tuple(row)[1:] == ([2 * n for n in range(120)], 0, 0)
        else:
            assert (run_id, row["status"]) == (run_ids[0], "cancelled")
    left = "select count(*) from public.flow_steps where finished_at is null"
    assert await mapped.watcher.value(left) == 0


async def work_some(session: Session, version: str, seed: int) -> None:
    """Claim and complete items for a while; what is held at the end is left to others."""
    choice = random.Random(seed)
    for _ in range(60):
        held = await session.claim(version, choice.randrange(1, 4))
        await session.complete([item_key(item, output=2 * item["item"]) for item in held])
