"""Whatever versions a run is moved between, and whenever, it goes on to its end."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import pytest

from integration.database.conftest import OpenSession
from integration.database.sessions import WORKER_ID, Session, assert_ended_once, key
from registered_flows import step

SEEDS = 12
RUNS = 6
TURNS = 8
LAST_TURNS = 1000
ACTIVE = "select count(*) from public.flow_runs where finished_at is null"
SLUGS = "abcdef"
CONDITIONS = (None, None, "$.input[0]", "$.input[*] ? (@ > 5)", "$.a")
OUTCOMES = ("skip", "skip_dependents")
UNCOUNTED = """
select r.run_id, r.status, r.remaining_steps from public.flow_runs r
where r.finished_at is null and r.remaining_steps <> (
  select count(*)
  from tidewire.step_definitions d
  join public.flow_steps s on s.run_id = r.run_id and s.step_slug = d.step_slug
  where d.flow_version = r.flow_version and s.item_index = -1 and s.finished_at is null
)
"""
OF_ANOTHER_VERSION = """
select s.run_id, s.step_slug, s.item_index from public.flow_steps s
join public.flow_runs r using (run_id)
where r.finished_at is null and s.finished_at is null and s.flow_version <> r.flow_version
"""
MISCOUNTED_DEPENDENCIES = """
select s.run_id, s.step_slug, s.remaining_deps from public.flow_steps s
join public.flow_runs r using (run_id)
where r.finished_at is null and s.finished_at is null and s.item_index = -1
  and s.remaining_deps <> (
    select count(*) from tidewire.step_dependencies e
    join public.flow_steps o on o.run_id = s.run_id and o.step_slug = e.depends_on
    where e.flow_version = r.flow_version and e.step_slug = s.step_slug
      and o.item_index = -1 and o.finished_at is null
  )
"""


def any_steps(chance: random.Random) -> list[dict[str, object]]:
    """Steps of a version: some of the slugs, with any edges, maps, conditions and outcomes."""
    steps: list[dict[str, object]] = []
    slugs = sorted(chance.sample(SLUGS, chance.randint(1, len(SLUGS))))
    for place, slug in enumerate(slugs):
        deps = [dep for dep in slugs[:place] if chance.random() < 0.4]
        more: dict[str, object] = {
            "over": "input" if chance.random() < 0.1 else None,
            "tolerance": chance.choice((0, 1)),
            "when": chance.choice(CONDITIONS),
            "otherwise": chance.choice(OUTCOMES),
            "on_exhausted": chance.choice(OUTCOMES),
            "max_attempts": chance.choice((1, 4)),
            "priority": chance.randint(0, 3),
            "delay_ms": chance.choice((0, 0, 1)),
            "backoff_base_ms": 0,
        }
        steps.append(step(slug, *deps, **more))
    return steps


class Turn:
    """One thing that happens to what is ready."""

    def __init__(self, session: Session, chance: random.Random, versions: list[str]) -> None:
        self._session, self._chance, self._versions = session, chance, versions

    async def work(self) -> None:
        """Claim a few steps of all versions, and complete, fail, release or send them to sleep."""
        for version in self._versions:
            for leased in await self._session.claim(version, self._chance.randint(0, 3)):
                await self._settle(leased)

    async def _settle(self, leased: dict[str, Any]) -> None:
        item = key(leased, item_index=leased["item_index"])
        match self._chance.randrange(6):
            case 0 | 3:
                await self._session.call("fail_steps", WORKER_ID, [item | {"retryable": True}])
            case 1:
                await self._session.call("release_steps", WORKER_ID, [item])
            case 2:
                nap = item | {"name": "nap", "wait_ms": 1}
                await self._session.call("sleep_steps", WORKER_ID, [nap])
            case _:
                await self._session.complete(
                    [item | {"output": self._chance.choice((0, [1], None))}]
                )

    async def move(self) -> None:
        """Move every run to one of the versions, and look at the counts."""
        to = self._chance.choice(self._versions)
        for old in self._versions:
            rows = await self._session.connection.fetch(
                "select answer from tidewire.move_runs('flow', $1, $2)", to, old
            )
            assert {row["answer"] for row in rows} <= {"moved", "refused"}
        for wrong in (UNCOUNTED, OF_ANOTHER_VERSION, MISCOUNTED_DEPENDENCIES):
            assert await self._session.connection.fetch(wrong) == []


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_a_run_that_is_moved_at_any_time_ends(open_session: OpenSession, seed: int) -> None:
    session, chance = await open_session(), random.Random(seed)
    versions = [await session.register("flow", *any_steps(chance)) for _ in range(4)]
    for _ in range(RUNS):
        numbers = [chance.randint(0, 9) for _ in range(chance.randint(0, 4))]
        await session.value("select tidewire.start_run_for(null, 'flow', $1)", numbers)
    turn = Turn(session, chance, versions)
    for _ in range(TURNS):
        await turn.work()
        await turn.move()
    for _ in range(LAST_TURNS):
        await turn.work()
        if not await session.value(ACTIVE):
            break

    runs = await session.connection.fetch("select run_id, status from public.flow_runs")
    assert {row["status"] for row in runs} == {"completed"}
    for row in runs:
        assert_ended_once(await session.log_types(str(UUID(str(row["run_id"])))))
