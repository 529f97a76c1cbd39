"""Callers that do random things to few runs, each on a session of its own."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from integration.database.sessions import LEASE, WORKER_ID, Item, Session, answers_of, key

FLOW = "two_steps"
THREADS = ("t1", "t2")
TEXT = [
    {"type": "text-start", "id": "x.1"},
    {"type": "text-delta", "id": "x.1", "delta": "sea"},
]
# Refusals of the contract, and what a user meets who is deleted in the middle of a call.
REFUSALS = ("PT401", "PT404", "PT409", "23503")


class Town:
    """The users there are at the moment, and what went wrong.

    Attributes:
      broken: errors that no caller may ever see, as (caller, SQLSTATE, message).
    """

    def __init__(self) -> None:
        self.users: list[UUID] = []
        self.broken: list[tuple[str, str, str]] = []


class Caller:
    """Does one of its calls after another."""

    def __init__(self, town: Town, session: Session, seed: int) -> None:
        self.town, self.session, self.random = town, session, random.Random(seed)

    def calls(self) -> list[Callable[[], Awaitable[object]]]:
        """What it may do next, the likely more often."""
        raise NotImplementedError

    async def live(self, turns: int) -> None:
        for _ in range(turns):
            call = self.random.choice(self.calls())
            try:
                await call()
            except asyncpg.PostgresError as error:
                if error.sqlstate not in REFUSALS:
                    name = f"{type(self).__name__}.{call.__name__}"
                    self.town.broken.append((name, str(error.sqlstate), str(error)))


class Worker(Caller):
    """Holds steps, loses some of them to their expiry, and trusts what it is answered."""

    def __init__(self, town: Town, session: Session, seed: int, version: str) -> None:
        super().__init__(town, session, seed)
        self._version = version
        self._held: list[Item] = []

    def calls(self) -> list[Callable[[], Awaitable[object]]]:
        writes = [self.append, self.append, self.checkpoint, self.complete, self.complete]
        others = [self.fail, self.beat, self.release]
        return [self.claim, self.claim, *writes, *others] if self._held else [self.claim]

    async def claim(self) -> None:
        # Some leases are over at once, so that others rescue what this one still works on.
        lease = self.random.choice([LEASE, LEASE, timedelta(0)])
        rows = await self.session.call(
            "claim_steps", WORKER_ID, ["default"], [self._version], lease, 3
        )
        self._take(rows)

    async def append(self) -> None:
        items = [key(s, first_sequence=s["last_sequence"], chunks=TEXT) for s in self._held]
        answers = await self._write("append_chunks", LEASE, items)
        for leased, answer in zip(self._held, answers, strict=True):
            leased["last_sequence"] += len(TEXT) if answer == "appended" else 0
        self._keep(answers, {"appended", "busy"})

    async def checkpoint(self) -> None:
        items = [
            key(s, data={"n": 1}, first_sequence=s["last_sequence"], chunks=TEXT)
            for s in self._held
        ]
        answers = await self._write("save_checkpoint", LEASE, items)
        for leased, answer in zip(self._held, answers, strict=True):
            leased["last_sequence"] += len(TEXT) if answer == "saved" else 0
        self._keep(answers, {"saved", "busy"})

    async def complete(self) -> None:
        items = [key(leased, output=None) for leased in self._held]
        rows = await self.session.call(
            "complete_steps", WORKER_ID, items, LEASE, ["default"], [self._version], 1
        )
        self._keep(answers_of(rows), {"busy"})
        self._take(rows)

    async def fail(self) -> None:
        items = [key(leased, retryable=self.random.random() < 0.7) for leased in self._held]
        self._keep(await self._write("fail_steps", WORKER_ID, items), {"busy"})

    async def beat(self) -> None:
        items = [key(leased) for leased in self._held]
        answers = await self._write("extend_leases", WORKER_ID, LEASE, items)
        self._keep(answers, {"extended", "busy"})

    async def release(self) -> None:
        items = [key(leased) for leased in self._held]
        self._keep(await self._write("release_steps", WORKER_ID, items), {"busy"})

    async def _write(self, function: str, *arguments: object) -> list[str]:
        return answers_of(await self.session.call(function, *arguments))

    def _keep(self, answers: list[str], kept: set[str]) -> None:
        held = zip(self._held, answers, strict=True)
        self._held = [leased for leased, answer in held if answer in kept]

    def _take(self, rows: list[dict[str, Any]]) -> None:
        self._held += [row["detail"] for row in rows if row["answer"] == "claimed"]


class User(Caller):
    """Chats in few threads, in every way, also as somebody who is just being deleted."""

    def calls(self) -> list[Callable[[], Awaitable[object]]]:
        return [self.send, self.send, self.start, self.start_in_thread, self.cancel]

    async def send(self) -> None:
        await self._sign_in()
        on_busy = self.random.choice(["reject", "queue", "queue", "cancel"])
        message_id = f"m{self.random.randrange(10_000)}"
        await self.session.send(self.random.choice(THREADS), message_id, FLOW, on_busy)

    async def start(self) -> None:
        await self._sign_in()
        key_ = f"k{self.random.randrange(20)}"
        start = "select public.start_run($1, $2, idempotency_key => $3)"
        await self.session.value(start, FLOW, {}, key_)

    async def start_in_thread(self) -> None:
        await self._sign_in()
        start = "select public.start_run($1, $2, thread_id => $3)"
        await self.session.value(start, FLOW, {}, self.random.choice(THREADS))

    async def cancel(self) -> None:
        user_id = await self._sign_in()
        run_ids = await self.session.connection.fetch(
            "select run_id::text from public.flow_runs"
            " where user_id = $1 and finished_at is null order by run_id",
            user_id,
        )
        if run_ids:
            await self.session.cancel(self.random.choice(run_ids)["run_id"])

    async def _sign_in(self) -> UUID:
        user_id = self.random.choice(self.town.users)
        await self.session.sign_in(user_id)
        return user_id


class Operator(Caller):
    """Maintains, rescues, and may delete users; there are always as many as before."""

    def __init__(self, town: Town, session: Session, seed: int, deletes: bool) -> None:
        super().__init__(town, session, seed)
        self._deletes = deletes

    def calls(self) -> list[Callable[[], Awaitable[object]]]:
        often: list[Callable[[], Awaitable[object]]] = [self.maintain, self.rescue, self.fold] * 3
        return [*often, self.delete_user] if self._deletes else often

    async def maintain(self) -> None:
        await self.session.value("select tidewire.maintain()")

    async def rescue(self) -> None:
        await self.session.call("rescue_expired_steps", 10)

    async def fold(self) -> None:
        await self.session.value("select tidewire.fold_messages()")

    async def delete_user(self) -> None:
        place = self.random.randrange(len(self.town.users))
        gone, self.town.users[place] = self.town.users[place], await self.session.add_user()
        await self.session.connection.execute("delete from auth.users where id = $1", gone)
