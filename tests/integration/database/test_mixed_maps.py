"""Maps, conditions, caches and failing runs, worked by many callers in large mixed batches."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest

from integration.database.conftest import OpenSession
from integration.database.sessions import (
    LEASE,
    WORKER_ID,
    Answers,
    Item,
    Session,
    answers_of,
    assert_ended_once,
    key,
)
from registered_flows import step

AT_ONCE: dict[str, Any] = {"backoff_base_ms": 0, "backoff_cap_ms": 0, "max_attempts": 20}
SHARED = {"fresh_ms": 60_000, "scope": "shared", "key": None}
CALLERS, RUNS = 5, 60

# About half of the runs fail on the way, and what others hold of them is cancelled meanwhile.
FLOW = (
    step("look", cache=SHARED, takes=[], **AT_ONCE),
    step("each", over="input", cache=SHARED, takes=[], **AT_ONCE),
    step("check", "look", when="$.look < 8", otherwise="fail", takes=[], **AT_ONCE),
    step("again", "each", over="each", takes=[], tolerance=0.5, **(AT_ONCE | {"max_attempts": 2})),
    step("sum", "again", "check", when="$.again ? (@ != null)", **AT_ONCE),
    step("tail", "sum", over="sum", takes=[], **AT_ONCE),
)

RECOUNT = """
select count(*)
from public.flow_steps m
cross join lateral (
  select
    count(*) filter (where i.status in ('completed', 'failed')) as settled,
    count(*) filter (where i.status = 'failed') as failed,
    count(*) as items
  from public.flow_steps i
  where i.run_id = m.run_id and i.step_slug = m.step_slug and i.item_index >= 0
) i
where m.item_index = -1 and m.total_items is not null
  and (m.total_items, m.remaining_items, m.failed_items)
    is distinct from (i.items::integer, (i.items - i.settled)::integer, i.failed::integer)
"""
LEFT = "select count(*) from public.flow_runs where status in ('queued', 'running')"
UNSETTLED = "select count(*) from public.flow_steps where finished_at is null"


class Caller:
    """One worker: claims, completes with a claim, fails and hands back, a batch a turn."""

    def __init__(self, session: Session, version: str, seed: int) -> None:
        self.session, self.version, self.choice = session, version, random.Random(seed)
        self.held: list[dict[str, Any]] = []
        self.settled = 0

    async def work(self) -> None:
        for _ in range(3000):
            if not self.held and not await self.session.value(LEFT):
                return
            await self.turn()
        raise AssertionError("every run must end")

    async def turn(self) -> None:
        most = self.choice.randrange(1, 30)
        picked = self.choice.sample(self.held, min(len(self.held), most))
        match self.choice.randrange(10):
            case 0:
                rows = await self.session.call("fail_steps", WORKER_ID, [_item(s) for s in picked])
            case 1:
                rows = await self.session.call(
                    "release_steps", WORKER_ID, [_item(s) for s in picked]
                )
            case _:
                items = [_item(s, output=self.output(s["step_slug"])) for s in picked]
                rows = await self.session.call(
                    "complete_steps", WORKER_ID, items, LEASE, ["default"], [self.version], most
                )
        self.answered(picked, rows)

    def output(self, slug: str) -> Any:
        if slug == "sum":
            return [1, 2, 3] if self.choice.random() < 0.7 else "no list"
        return self.choice.randrange(10)

    def answered(self, picked: list[dict[str, Any]], rows: Answers) -> None:
        answers = zip(picked, answers_of(rows), strict=True)
        done = [id(leased) for leased, answer in answers if answer != "busy"]
        self.settled += len(done)
        self.held = [leased for leased in self.held if id(leased) not in done]
        self.held += [row["detail"] for row in rows if row["answer"] == "claimed"]


def _item(leased: dict[str, Any], **more: object) -> Item:
    return key(leased, item_index=leased["item_index"], **more)


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_mixed_batch_deadlocks_and_every_item_is_counted_once(
    seed: int, open_session: OpenSession
) -> None:
    sessions = [await open_session() for _ in range(CALLERS)]
    user_id = await sessions[0].add_user()
    version = await sessions[0].register("mixed", *FLOW)
    choice, run_ids = random.Random(seed), []
    for _ in range(RUNS):
        elements = list(range(choice.randrange(0, 24)))
        answer = await sessions[0].value(
            "select tidewire.start_run_for($1, 'mixed', $2)", user_id, elements
        )
        run_ids.append(UUID(answer["run_id"]))

    callers = [Caller(session, version, 100 * seed + n) for n, session in enumerate(sessions)]
    await asyncio.gather(*(caller.work() for caller in callers))

    assert await sessions[0].value(RECOUNT) == 0
    assert await sessions[0].value(UNSETTLED) == 0
    for run_id in run_ids:
        assert_ended_once(await sessions[0].log_types(str(run_id)))
