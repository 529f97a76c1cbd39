"""Two transactions that meet, and somebody who watches which of them waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

from integration.database.conftest import OpenSession
from integration.database.sessions import Session
from registered_flows import step


class Meeting:
    """A worker, a user who owns the runs, and somebody who watches who waits for whom."""

    def __init__(self, worker: Session, user: Session, watcher: Session, version: str) -> None:
        self.worker, self.user, self.watcher, self.version = worker, user, watcher, version
        self.user_id = UUID(int=0)

    @classmethod
    async def arrange(cls, open_session: OpenSession) -> Meeting:
        worker, user, watcher = [await open_session() for _ in range(3)]
        meeting = cls(worker, user, watcher, await worker.register("one_step", step("only")))
        meeting.user_id = await worker.add_user()
        await worker.sign_in(meeting.user_id)
        await user.sign_in(meeting.user_id)
        return meeting

    async def leased(self) -> dict[str, Any]:
        await self.worker.start("one_step", self.user_id)
        (leased,) = await self.worker.claim(self.version, 1)
        return leased

    async def expired(self) -> dict[str, Any]:
        """A step whose holder's lease is over, and which nobody has taken yet."""
        leased = await self.leased()
        await self.watcher.connection.execute(
            "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
            " where status = 'running'"
        )
        return leased

    async def while_it_waits(
        self, waiting: Session, call: Coroutine[Any, Any, Any]
    ) -> asyncio.Task[Any]:
        """Begin a call and return once its session waits for another's lock."""
        task = asyncio.create_task(call)
        await blocked_or_done(self.watcher, waiting, task)
        assert not task.done(), "the call must wait, but it came back"
        return task


async def blocked_or_done(watcher: Session, waiting: Session, task: asyncio.Task[Any]) -> None:
    """Look until a session waits for a lock, or its call came back without."""
    pid = waiting.connection.get_server_pid()
    for _ in range(20_000):
        if task.done() or await watcher.value("select pg_blocking_pids($1) <> '{}'", pid):
            return
    raise AssertionError("the call must come back or wait for a lock")
