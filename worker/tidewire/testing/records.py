"""What the tables say about runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tidewire.errors import NotFound
from tidewire.flow import Flow
from tidewire.store import Database
from tidewire.testing.result import RunResult, StepResult

_ENDED = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class StepRow:
    """One row of a run's steps: a step, or an item of a map step. `item_index` is -1 for a step."""

    step_slug: str
    item_index: int
    status: str
    attempt: int
    max_attempts: int
    available_at: datetime
    output: Any
    error: str | None

    def result(self, items: Sequence[StepResult] = ()) -> StepResult:
        return StepResult(
            self.step_slug, self.status, self.attempt, self.output, self.error, tuple(items)
        )


@dataclass(frozen=True, slots=True)
class RunRow:
    """One row of the runs."""

    run_id: UUID
    flow_slug: str
    status: str
    output: Any
    error: str | None
    log_length: int

    @property
    def ended(self) -> bool:
        return self.status in _ENDED


class Records:
    """Reads the tables of a test's database as their owner.

    Args:
      flows: by slug; they know the order of their steps.
    """

    def __init__(self, database: Database, flows: Mapping[str, Flow]) -> None:
        self._database, self._flows = database, flows

    async def now(self) -> datetime:
        """Return the moved time."""
        now: datetime = await self._database.fetch_value("select tidewire.clock()")
        return now

    async def run(self, run_id: UUID) -> RunRow:
        """Return the run's row.

        Raises:
          NotFound: no such run.
        """
        rows = await self._database.fetch(
            "select run_id, flow_slug, status, output, error, next_index as log_length"
            " from public.flow_runs where run_id = $1",
            run_id,
        )
        if not rows:
            raise NotFound(f"run {run_id} does not exist")
        # asyncpg has a UUID class of its own.
        return RunRow(UUID(str(rows[0]["run_id"])), *tuple(rows[0])[1:])

    async def steps(self, run_id: UUID) -> list[StepRow]:
        """Return the rows of the run's steps in the order of definition, items after their map."""
        rows = await self._database.fetch(
            "select step_slug, item_index, status, attempt, max_attempts, available_at, output,"
            " error from public.flow_steps where run_id = $1 order by step_slug, item_index",
            run_id,
        )
        flow = self._flows.get((await self.run(run_id)).flow_slug)
        order = {} if flow is None else {slug: place for place, slug in enumerate(flow.steps)}
        steps = [StepRow(*row) for row in rows]
        return sorted(steps, key=lambda step: order.get(step.step_slug, len(order)))

    async def step(self, run_id: UUID, step_slug: str) -> StepRow:
        """Return the row of one step.

        Raises:
          NotFound: the run has no such step.
        """
        for step in await self.steps(run_id):
            if step.step_slug == step_slug and step.item_index < 0:
                return step
        raise NotFound(f"run {run_id} has no step {step_slug}")

    async def result(self, run_id: UUID) -> RunResult:
        """Return everything about the run."""
        log = await self._database.fetch(
            "select chunk_data from public.streaming_chunks where run_id = $1 order by chunk_index",
            run_id,
        )
        run = await self.run(run_id)
        rows = await self.steps(run_id)
        steps = {
            row.step_slug: row.result(
                [i.result() for i in rows if i.step_slug == row.step_slug and i.item_index >= 0]
            )
            for row in rows
            if row.item_index < 0
        }
        return RunResult(
            run.run_id,
            run.flow_slug,
            run.status,
            run.output,
            run.error,
            steps,
            [row["chunk_data"] for row in log],
        )

    async def restless(self) -> list[UUID]:
        """Return the runs that something can happen to at the present time, none of them twice."""
        rows = await self._database.fetch(
            "select distinct run_id from public.flow_steps where status in ('queued', 'running')"
            " or status = 'scheduled' and available_at <= tidewire.clock()"
        )
        return [UUID(str(row["run_id"])) for row in rows]

    def sources_of(self, flow_slug: str) -> dict[str, Sequence[str]]:
        """Return which steps each step of a flow depends on."""
        flow = self._flows.get(flow_slug)
        steps = [] if flow is None else flow.shape().definition()["steps"]
        return {step["slug"]: step["deps"] for step in steps}
