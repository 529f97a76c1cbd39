"""Everything that may happen to a step under lease: one call each, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from integration.database.sessions import LEASE, WORKER_ID, Item, Session, answers_of, key

# Somebody else held a row, or left nothing to do: the caller comes again.
AGAIN = ("busy", "nothing")
REFUSED = "refused"

TEXT = [
    {"type": "text-start", "id": "write.1"},
    {"type": "text-delta", "id": "write.1", "delta": "sea"},
]


@dataclass(frozen=True, slots=True)
class Scene:
    """A run whose first step is under lease for the second time.

    Attributes:
      lease: what the present holder presents.
      late: what the first one still presents, whose lease expired.
    """

    run_id: str
    user_id: UUID
    version: str
    lease: Item
    late: Item


Call = Callable[[Session, Scene], Coroutine[Any, Any, str]]


@dataclass(frozen=True, slots=True)
class Transition:
    """One call by one caller. `call` returns what it was answered, in a word."""

    name: str
    call: Call
    is_late: bool = False

    def __str__(self) -> str:
        return self.name


def _write(function: str, late: bool = False, **more: object) -> Call:
    """A batched write of one item: by the present holder, or by the one whose lease is lost."""

    async def call(session: Session, scene: Scene) -> str:
        items = [key(scene.late if late else scene.lease, **more)]
        match function:
            case "append_chunks" | "save_checkpoint":
                rows = await session.call(function, LEASE, items)
            case "extend_leases":
                rows = await session.call(function, WORKER_ID, LEASE, items)
            case "complete_steps":
                rows = await session.complete(items)
            case _:
                rows = await session.call(function, WORKER_ID, items)
        (answer,) = answers_of(rows)
        # Who is late is refused either way, whether the step is another's or nobody's any more.
        return REFUSED if late and answer in ("lease_lost", "cancelled") else answer

    return call


async def _claim(session: Session, scene: Scene) -> str:
    claimed = await session.claim(scene.version, 1)
    return "claimed" if claimed else "nothing"


async def _rescue(session: Session, scene: Scene) -> str:
    rows = await session.call("rescue_expired_steps", 10)
    outcomes = [row["answer"] for row in rows if row["answer"] in ("retrying", "failed")]
    return outcomes[0] if outcomes else "nothing"


async def _maintain(session: Session, scene: Scene) -> str:
    counts = await session.value("select tidewire.maintain()")
    return "ended" if counts["overdue"] else "nothing"


async def _cancel(session: Session, scene: Scene) -> str:
    try:
        return await session.cancel(scene.run_id)
    except asyncpg.PostgresError as error:
        if error.sqlstate not in ("PT401", "PT404"):
            raise
        return REFUSED


async def _delete_user(session: Session, scene: Scene) -> str:
    return await session.connection.execute("delete from auth.users where id = $1", scene.user_id)


def _appending(**more: Any) -> dict[str, Any]:
    return {"first_sequence": 0, "chunks": TEXT, **more}


DELETE_USER = Transition("deletion of the user", _delete_user)
CANCEL = Transition("cancel", _cancel)
OVERDUE = Transition("deadline", _maintain)
RESCUE = Transition("rescue", _rescue)
CLAIM = Transition("claim", _claim)
COMPLETE = Transition("completion", _write("complete_steps", output="done"))
FAIL = Transition("failure that is tried again", _write("fail_steps", retryable=True))
FAIL_FOR_GOOD = Transition("failure for good", _write("fail_steps", retryable=False))
RELEASE = Transition("release", _write("release_steps"))
APPEND = Transition("append", _write("append_chunks", **_appending()))
CHECKPOINT = Transition("checkpoint", _write("save_checkpoint", **_appending(data={"seen": 1})))
HEARTBEAT = Transition("heartbeat", _write("extend_leases"))
LATE_COMPLETE = Transition("late completion", _write("complete_steps", True, output="late"), True)
LATE_FAIL = Transition("late failure", _write("fail_steps", True, retryable=False), True)
LATE_RELEASE = Transition("late release", _write("release_steps", True), True)
LATE_APPEND = Transition("late append", _write("append_chunks", True, **_appending()), True)
LATE_CHECKPOINT = Transition(
    "late checkpoint", _write("save_checkpoint", True, **_appending(data="late")), True
)
LATE_HEARTBEAT = Transition("late heartbeat", _write("extend_leases", True), True)

PRESENT = [
    DELETE_USER, CANCEL, OVERDUE, RESCUE, CLAIM, COMPLETE, FAIL, FAIL_FOR_GOOD, RELEASE, APPEND,
    CHECKPOINT, HEARTBEAT,
]  # fmt: skip
LATE = [
    LATE_COMPLETE, LATE_FAIL, LATE_RELEASE, LATE_APPEND, LATE_CHECKPOINT, LATE_HEARTBEAT,
]  # fmt: skip
