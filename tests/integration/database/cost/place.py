"""A database whose size a test decides, and what is copied there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from integration.database.cost.calls import FLOW, STEPS, USER_ID
from integration.database.cost.crowd import Crowd
from integration.database.sessions import Session, key, use_json
from stack import _TEMPLATE, StackUnderTest


class Place:
    """Sessions of a user and worker, and the crowd around them."""

    def __init__(self, dsn: str, crowd: Crowd) -> None:
        self._dsn, self.crowd = dsn, crowd

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A session that has planned nothing yet."""
        connection = await asyncpg.connect(self._dsn)
        try:
            await use_json(connection)
            session = Session(connection)
            await session.sign_in(USER_ID)
            yield session
        finally:
            await connection.close()

    async def analyze(self) -> None:
        await self.crowd.connection.execute("analyze")


@asynccontextmanager
async def place(stack: StackUnderTest) -> AsyncIterator[Place]:
    """A database of its own, with users and nothing else."""
    if stack.embedded is None:
        pytest.skip("a database of its own needs the embedded stack")
    postgres, name = stack.embedded.postgres, f"cost_{uuid4().hex[:12]}"
    await postgres.create_database(name, template=_TEMPLATE)
    superuser = await asyncpg.connect(postgres.dsn("supabase_admin", name))
    try:
        crowd = Crowd(superuser)
        await crowd.prepare()
        await superuser.execute("insert into auth.users (id, email) values ($1, 'me')", USER_ID)
        yield Place(postgres.dsn("postgres", name), crowd)
    finally:
        await superuser.close()
        await postgres.drop_database(name)


async def finished_answer(session: Session) -> str:
    """A conversation of one turn, answered and folded; return its run."""
    version = await session.register(FLOW, *STEPS)
    sent = await session.send("template", "a", FLOW, "reject")
    text = [{"type": "text-delta", "id": "write.1", "delta": f"{n} "} for n in range(3)]
    for _ in STEPS:
        (leased,) = await session.claim(version, 1)
        await session.complete([key(leased, output=1, first_sequence=0, chunks=text)])
    await session.value("select tidewire.maintain()")
    return str(sent["run_id"])
