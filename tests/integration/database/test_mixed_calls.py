"""Many sessions that do everything at once to few runs."""

from __future__ import annotations

import asyncio
import random
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

WORKERS = 4
TURNS = 250
THREADS = 3


class Worker:
    """Does random things to the steps it holds, as a worker does that trusts the answers."""

    def __init__(self, session: Session, version: str, seed: int) -> None:
        self._session, self._version, self._random = session, version, random.Random(seed)
        self._held: list[dict[str, Any]] = []

    async def work(self) -> None:
        calls = [self._append, self._append, self._complete, self._fail, self._beat, self._release]
        for _ in range(TURNS):
            self._held += await self._session.claim(self._version, 3)
            await self._random.choice(calls)()
            if self._random.random() < 0.1:
                await self._session.value("select tidewire.maintain()")

    async def _append(self) -> None:
        chunks = [
            {"type": "text-start", "id": "x.1"},
            {"type": "text-delta", "id": "x.1", "delta": "sea"},
        ]
        items = [key(s, first_sequence=s["last_sequence"], chunks=chunks) for s in self._held]
        answers = answers_of(await self._session.append(items))
        for leased, answer in zip(self._held, answers, strict=True):
            leased["last_sequence"] += len(chunks) if answer == "appended" else 0
        self._keep(answers, {"appended", "busy"})

    async def _complete(self) -> None:
        items = [key(leased, output=None) for leased in self._held]
        self._keep(answers_of(await self._session.complete(items)), {"busy"})

    async def _fail(self) -> None:
        items = [key(leased, retryable=self._random.random() < 0.5) for leased in self._held]
        rows = await self._session.call("fail_steps", WORKER_ID, items)
        self._keep(answers_of(rows), {"busy"})

    async def _beat(self) -> None:
        items = [key(leased) for leased in self._held]
        rows = await self._session.call("extend_leases", WORKER_ID, LEASE, items)
        self._keep(answers_of(rows), {"extended", "busy"})

    async def _release(self) -> None:
        items = [key(leased) for leased in self._held]
        rows = await self._session.call("release_steps", WORKER_ID, items)
        self._keep(answers_of(rows), {"busy"})

    def _keep(self, answers: list[str], kept: set[str]) -> None:
        held = zip(self._held, answers, strict=True)
        self._held = [leased for leased, answer in held if answer in kept]


async def chat(session: Session, seed: int) -> None:
    """Send messages of every kind, and cancel what was begun."""
    choice = random.Random(seed)
    for number in range(TURNS):
        on_busy = choice.choice(["queue", "cancel"])
        thread = f"thread-{choice.randrange(THREADS)}-{seed}"
        sent = await session.send(thread, f"m{number}", "two_steps", on_busy)
        if choice.random() < 0.3:
            await session.cancel(sent["run_id"])


async def finish_everything(session: Session, version: str) -> None:
    """Maintain and complete until nothing is left to do."""
    for _ in range(20 * TURNS):
        await session.connection.execute(
            "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
            " where status = 'running'"
        )
        await session.value("select tidewire.maintain()")
        leased = await session.claim(version, 100)
        await session.complete([key(step_, output=None) for step_ in leased])
        if not await session.value(
            "select count(*) from public.flow_runs where status in ('queued', 'running')"
        ):
            return
    raise AssertionError("every run must end")


async def test_no_mix_of_calls_deadlocks_and_every_log_ends_once(open_session: OpenSession) -> None:
    sessions = [await open_session() for _ in range(WORKERS + 2)]
    easy = {"backoff_base_ms": 0, "backoff_cap_ms": 0, "max_attempts": 5}
    first = sessions[0]
    version = await first.register("two_steps", step("one", **easy), step("two", "one", **easy))
    for session in sessions:
        await session.sign_in(await session.add_user())

    await asyncio.gather(
        *(Worker(session, version, seed).work() for seed, session in enumerate(sessions[:WORKERS])),
        *(chat(session, seed) for seed, session in enumerate(sessions[WORKERS:])),
    )
    await finish_everything(first, version)

    run_ids = await first.connection.fetch("select run_id::text from public.flow_runs")
    assert len(run_ids) == 2 * TURNS
    for row in run_ids:
        assert_ended_once(await first.log_types(row["run_id"]))
    left = "select count(*) from public.flow_steps where open_parts <> '[]' or finished_at is null"
    assert await first.value(left) == 0
    assert await first.value("select count(*) from public.flow_runs where held") == 0
