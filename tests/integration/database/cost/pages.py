"""What a call costs, in pages that it touches: the same on a slow machine and on a busy one."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from integration.database.sessions import Session

Arguments = list[Any]
Arrange = Callable[[Session], Awaitable[Any]]

# The first calls of a session read the catalogue and plan; the later ones are what a worker pays.
_REPETITIONS = 4


@dataclass(frozen=True, slots=True)
class Case:
    """A call and what comes before it, in a transaction that is undone.

    Attributes:
      arrange: brings about the state and returns the statement's arguments.
    """

    name: str
    arrange: Callable[[Session], Awaitable[Arguments]]
    statement: str

    def __str__(self) -> str:
        return self.name


async def touched(session: Session, case: Case) -> int:
    """How many pages the statement of a case touches, in the cache or not."""
    counts = [await _undone(session, case) for _ in range(_REPETITIONS)]
    return min(counts[1:])


async def touched_for_good(session: Session, case: Case) -> int:
    """The same, with everything committed: a transaction reads again all that it wrote before."""
    counts = [
        await _measured(session, case, await case.arrange(session)) for _ in range(_REPETITIONS)
    ]
    return min(counts[1:])


async def _undone(session: Session, case: Case) -> int:
    transaction = session.connection.transaction()
    await transaction.start()
    try:
        return await _measured(session, case, await case.arrange(session))
    finally:
        await transaction.rollback()


async def _measured(session: Session, case: Case, arguments: Arguments) -> int:
    explained = await session.value(
        f"explain (analyze, buffers, timing off, format json) {case.statement}", *arguments
    )
    plan = json.loads(explained)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
