"""What a claim costs when the tables are large, and while an old snapshot is held."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final, Self
from uuid import uuid4

from bench.flows import three_steps
from bench.generated_rows import GeneratedRows
from bench.ground import Ground, OwnDatabase
from bench.measurement import Measurement, Metric, Round, Values, at_most, percentile
from bench.runs import MeasurementFailed
from bench.sizes import Sizes
from tidewire.local.sql import connection
from tidewire.store import Database, RunStore, StepStore, WorkerStore

_STEPS: Final = 3
_QUANTITY: Final = 10
# From its sixth call on, a session may use one plan for all values.
_WARM_CLAIMS: Final = 10
_CHURN_QUANTITY: Final = 100
_WARMING_STEPS: Final = _WARM_CLAIMS * _CHURN_QUANTITY
_FEWEST_CLAIMS: Final = 2
_MOST_MS: Final = 3000.0
_LEASE: Final = timedelta(hours=1)


class Line:
    """The ready steps of one database.

    Attributes:
      older: a session as old as the tables: its plans were made while they were nearly empty.
    """

    def __init__(self, database: OwnDatabase, pool: Database, older: StepStore) -> None:
        self._database, self._pool, self.older = database, pool, older
        self.rows = GeneratedRows(database)

    @classmethod
    async def begin(cls, database: OwnDatabase, pool: Database) -> Self:
        """Register the flow, execute one run by hand, and claim until plans are cached."""
        line = cls(database, pool, await _registered(pool))
        runs = RunStore(pool)
        finished = await runs.start(three_steps.slug, None)
        for _ in range(_STEPS):
            claimed = (await line.older.claim(1)).claimed
            await line.older.complete([step.key() | {"output": 1} for step in claimed], claim=0)
        await line.rows.keep("finished", finished["run_id"])
        queued = await runs.start(three_steps.slug, None)
        await line.rows.keep("queued", queued["run_id"])
        await line.rows.add("queued", _WARM_CLAIMS)
        for _ in range(_WARM_CLAIMS):
            await line.older.claim(1)
        return line

    @asynccontextmanager
    async def newer(self) -> AsyncIterator[StepStore]:
        """Open a session that makes its plans now."""
        async with self._database.pool(1) as pool:
            yield self.older.on(pool)

    @asynccontextmanager
    async def old_snapshot(self) -> AsyncIterator[None]:
        """Hold a snapshot as an idle transaction or a backup does."""
        async with (
            connection(self._database.superuser_dsn) as reader,
            reader.transaction(isolation="repeatable_read", readonly=True),
        ):
            await reader.fetchval("select count(*) from tidewire.flows")
            yield

    async def prepare(self, session: StepStore, queued: int, churned: int) -> None:
        """Have `queued` steps ready, after `churned` ones in front of them were claimed.

        Those are dead to the index, and in the way as long as a snapshot may see them.
        """
        ready = await self._pool.fetch_value(
            "select count(*) from public.flow_steps where status = 'queued'"
        )
        if ready < queued + churned:
            await self.rows.add("queued", queued + churned - ready)
        for _ in range(0, churned, _CHURN_QUANTITY):
            await session.claim(_CHURN_QUANTITY)


async def _registered(pool: Database) -> StepStore:
    worker_id, queues = uuid4(), ["default"]
    workers = WorkerStore(pool, worker_id=worker_id)
    await workers.register({"name": "bench", "host": "bench", "pid": 1, "queues": queues})
    version = await workers.register_flow(three_steps.shape().definition())
    return StepStore(pool, worker_id=worker_id, queues=queues, versions=[version], lease=_LEASE)


@asynccontextmanager
async def open_claims(ground: Ground, sizes: Sizes) -> AsyncIterator[Round]:
    """Make a small and a large database, and sessions that were there before the rows."""
    async with AsyncExitStack() as stack:
        lines = []
        for _ in range(2):
            own = await stack.enter_async_context(ground.database())
            lines.append(await Line.begin(own, await stack.enter_async_context(own.pool(1))))
        small, large = lines
        await large.rows.add("finished", sizes.finished_steps // _STEPS)
        await large.rows.add("queued", sizes.many_queued)
        await large.rows.settle()

        async def measure() -> Values:
            async with small.newer() as few, large.newer() as many:
                await small.prepare(few, sizes.few_queued, _WARMING_STEPS)
                await large.prepare(many, sizes.many_queued, _WARMING_STEPS)
                small_ms, newer_ms, older_ms = await _in_turn([few, many, large.older], sizes)
                async with large.old_snapshot():
                    await small.prepare(few, sizes.few_queued, 0)
                    await large.prepare(many, sizes.many_queued, sizes.churned_steps)
                    small_again_ms, held_ms = await _in_turn([few, many], sizes)
            return {
                "claim_small": small_ms,
                "claim_newer": newer_ms / small_ms,
                "claim_older": older_ms / small_ms,
                "claim_snapshot": held_ms / small_again_ms,
            }

        yield measure


async def _in_turn(sessions: Sequence[StepStore], sizes: Sizes) -> list[float]:
    """Return the median claim of each session, in ms.

    In turn, so that a slow moment hits them all. A very slow session is asked less often.
    """
    times: list[list[float]] = [[] for _ in sessions]
    for number in range(sizes.claims):
        for session, taken in zip(sessions, times, strict=True):
            if number < _FEWEST_CLAIMS or sum(taken) < _MOST_MS:
                taken.append(await _timed_claim(session))
    return [percentile(taken, 50) for taken in times]


async def _timed_claim(session: StepStore) -> float:
    """Claim a few steps; return how long that took, in ms.

    Raises:
      MeasurementFailed: there were not enough.
    """
    began = time.monotonic()
    reply = await session.claim(_QUANTITY)
    took = (time.monotonic() - began) * 1000
    if len(reply.claimed) != _QUANTITY:
        raise MeasurementFailed(f"a claim must get {_QUANTITY} steps, got {len(reply.claimed)}")
    return took


CLAIMS: Final = Measurement(
    "claims",
    (
        Metric("claim_small", "claim of 10 steps, 1,500 queued, p50", "ms", None, "round_trip"),
        Metric("claim_newer", "claim, 1M finished and 100k queued", "times", at_most(1.3)),
        Metric("claim_older", "claim, the same, plans of empty tables", "times", at_most(1.3)),
        Metric("claim_snapshot", "claim, the same, an old snapshot held", "times", at_most(2)),
    ),
    open_claims,
)
