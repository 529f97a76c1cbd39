"""One run of a test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from tidewire.testing.errors import NotReached
from tidewire.testing.patience import wait_until
from tidewire.testing.records import Records, RunRow, StepRow
from tidewire.testing.report import run_report
from tidewire.testing.result import RunResult, StepResult

Value = TypeVar("Value")


class Run:
    """A run that a test has started, or found.

    Args:
      limit: how long to wait for anything, in real time.
      check_worker: raises when no worker serves the run any more.
    """

    def __init__(
        self,
        run_id: UUID,
        records: Records,
        *,
        limit: timedelta,
        check_worker: Callable[[], Awaitable[None]],
    ) -> None:
        self.run_id = run_id
        self._records, self._limit, self._check_worker = records, limit, check_worker

    async def look(self) -> RunResult:
        """Return the run as it is now."""
        return await self._records.result(self.run_id)

    async def finished(self, *, limit: timedelta | None = None) -> RunResult:
        """Wait until the run has ended, in whichever way, and return it.

        Raises:
          NotReached: it did not end within the limit; the message says what each step is doing.
        """

        async def ended() -> RunRow | None:
            run = await self._records.run(self.run_id)
            if not run.ended:
                await self._check_worker()
            return run if run.ended else None

        await self._wait(ended, "did not end", limit)
        return await self.look()

    async def until(
        self, step_slug: str, status: str, *, limit: timedelta | None = None
    ) -> StepResult:
        """Wait until a step has a status, such as "scheduled", and return the step.

        Raises:
          NotReached: it did not come to that within the limit, or the run ended before.
        """
        goal = f"did not come to step {step_slug} being {status}"

        async def reached() -> StepRow | None:
            # The run first: what happens to the step after that is seen.
            run = await self._records.run(self.run_id)
            step = await self._records.step(self.run_id, step_slug)
            if step.status == status:
                return step
            if run.ended:
                raise NotReached(f"run {self.run_id} {goal}:\n{await self.report()}")
            await self._check_worker()
            return None

        return (await self._wait(reached, goal, limit)).result()

    async def report(self) -> str:
        """Return what the run and each of its steps are doing, in words."""
        run = await self._records.run(self.run_id)
        return run_report(
            run,
            await self._records.steps(self.run_id),
            sources=self._records.sources_of(run.flow_slug),
            now=await self._records.now(),
        )

    async def _wait(
        self, look: Callable[[], Awaitable[Value | None]], goal: str, limit: timedelta | None
    ) -> Value:
        within = self._limit if limit is None else limit

        async def failure() -> NotReached:
            passed = f"{goal} within {within.total_seconds():g} s"
            return NotReached(f"run {self.run_id} {passed}:\n{await self.report()}")

        return await wait_until(look, limit=within, failure=failure)
