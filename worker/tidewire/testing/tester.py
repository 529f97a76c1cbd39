"""Runs flows inside a test."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from tidewire.engine.services import LanguageModel
from tidewire.errors import TidewireError
from tidewire.flow import Flow
from tidewire.testing.bench import Bench, open_bench
from tidewire.testing.errors import NotReached
from tidewire.testing.patience import wait_until
from tidewire.testing.result import RunResult
from tidewire.testing.run import Run

_LIMIT: Final = timedelta(seconds=30)


async def run_flow(
    flow: Flow,
    run_input: Any = None,
    *,
    user_id: UUID | None = None,
    model: LanguageModel | None = None,
    limit: timedelta = _LIMIT,
    database_url: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> RunResult:
    """Run a flow once, in a database of its own, and return what became of it.

    A run that failed is a result too: see its `error`, the errors of its steps, and `check`.

    Args:
      flow: its handlers run in this process, on this event loop.
      run_input: JSON, as a client would send it.
      user_id: the run's owner; None for a run of the service.
      model: see `FlowTester`, as for all that follow.
      limit: how long to wait for the run's end, in real time.
      database_url: a server to use instead of the embedded one.
      settings: fields of `tidewire.Settings` that differ from what is quick.

    Raises:
      NotReached: the run did not end within the limit; the message says what each step is doing.
      ConfigurationError: there is no Postgres to use.
    """
    async with FlowTester(
        flow, model=model, limit=limit, database_url=database_url, settings=settings
    ) as tester:
        run = await tester.start(flow, run_input, user_id=user_id)
        return await run.finished()


class FlowTester:
    """A database and a worker for one test: several flows, several runs, and time to move.

    An async context manager. Afterwards nothing is left: handlers that still run are cancelled,
    and the database is dropped.

    Args:
      flows: what the worker serves.
      model: what `ctx.model` talks to.
      limit: how long to wait for anything, in real time.
      database_url: a server to make the database on. Left out, TIDEWIRE_TEST_DATABASE_URL names
        it; without that it is the embedded one, started once in this process.
      settings: fields of `tidewire.Settings` that differ from what is quick.
    """

    def __init__(
        self,
        *flows: Flow,
        model: LanguageModel | None = None,
        limit: timedelta = _LIMIT,
        database_url: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._flows, self._model, self._limit = flows, model, limit
        self._server, self._settings = database_url, dict(settings or {})
        self._stack = AsyncExitStack()
        self._opened: Bench | None = None

    async def __aenter__(self) -> Self:
        """Make the database and start the worker.

        Raises:
          ConfigurationError: there is no Postgres to use, or a setting is wrong.
          FlowDefinitionError: the database refused a flow.
        """
        self._opened = await self._stack.enter_async_context(
            open_bench(self._flows, model=self._model, server=self._server, changes=self._settings)
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened = None
        await self._stack.aclose()

    @property
    def database_url(self) -> str:
        """Where the test's database is, as the owner of its tables."""
        return self._bench.settings.dsn

    async def start(
        self,
        flow: Flow | str,
        run_input: Any = None,
        *,
        user_id: UUID | None = None,
        idempotency_key: str | None = None,
        **more: Any,
    ) -> Run:
        """Start a run as trusted code does, and return it.

        Args:
          flow: one of the tester's flows, or its slug.
          run_input: JSON, as a client would send it.
          user_id: the run's owner, added to the users if there is none of that id.
          idempotency_key: the same key and input give the same run again.
          more: what else `tidewire.store.RunStore.start` takes, such as `thread_id`.

        Raises:
          NotFound: no such flow.
          Conflict: the key was used before with another input.
        """
        if user_id is not None:
            await self._bench.users.add(user_id)
        slug = flow if isinstance(flow, str) else flow.slug
        started = await self._bench.runs.start(
            slug, run_input, user_id=user_id, idempotency_key=idempotency_key, **more
        )
        return self.run(started["run_id"])

    def run(self, run_id: UUID | str) -> Run:
        """Return a run that was started by other means."""
        return Run(
            UUID(str(run_id)),
            self._bench.records,
            limit=self._limit,
            check_worker=self._check_worker,
        )

    async def now(self) -> datetime:
        """Return the database's time: the real time, and what it was moved by."""
        return await self._bench.records.now()

    async def move(self, by: timedelta, *, at_rest: bool = True) -> None:
        """Move the database's time: what it had to wait for until then is due.

        That is delayed steps, backoffs, durable sleeps, and the time limits of attempts and runs.
        The worker keeps its leases meanwhile, as it would if the time really passed. It is a jump:
        what is overdue is ended before what is due begins. Returns when maintenance has done all
        that; the steps that became ready may still be about to start.

        Args:
          by: more than nothing; time never goes back.
          at_rest: first wait until no step is ready or running, so that the time does not pass
            before the wait that it is meant for has begun. False moves it beneath running steps.

        Raises:
          NotReached: steps were still running at the tester's limit.
        """
        if at_rest:
            await self._rest()
        await self._bench.time.move(by, limit=self._limit)

    async def rows(
        self, statement: str, *arguments: Any, as_user: UUID | None = None
    ) -> list[dict[str, Any]]:
        """Run an SQL statement in the test's database and return its rows.

        Args:
          statement: with $1, $2, … for the arguments; a jsonb is any JSON value.
          *arguments: in that order.
          as_user: with the rights of this signed-in user, added if there is none of that id.
            Left out, with those of the tables' owner.
        """
        if as_user is None:
            return [dict(row) for row in await self._bench.database.fetch(statement, *arguments)]
        await self._bench.users.add(as_user)
        return [dict(row) for row in await self._bench.users.rows(as_user, statement, arguments)]

    @property
    def _bench(self) -> Bench:
        if self._opened is None:
            raise TidewireError("the tester must be entered first: async with FlowTester(...)")
        return self._opened

    async def _rest(self) -> None:
        async def rests() -> bool:
            resting = not await self._bench.records.restless()
            if not resting:
                await self._check_worker()
            return resting

        async def failure() -> NotReached:
            runs = [self.run(run_id) for run_id in await self._bench.records.restless()]
            reports = "\n".join([await run.report() for run in runs])
            return NotReached(
                f"steps did not come to rest within {self._limit.total_seconds():g} s, so time was"
                f" not moved; move(..., at_rest=False) moves it while they run:\n{reports}"
            )

        await wait_until(rests, limit=self._limit, failure=failure)

    async def _check_worker(self) -> None:
        worker = self._bench.worker
        if not worker.running:
            await worker.stop()  # raises what the worker has died of
            raise NotReached("the worker of the tester has stopped")
