"""A run that somebody holds keeps neither claims nor the thread behind it waiting for good."""

from __future__ import annotations

import json
from uuid import UUID

from integration.database.conftest import OpenSession
from integration.database.sessions import Session
from registered_flows import step


async def waiting_run(session: Session) -> tuple[str, str]:
    """A thread whose active run has another one queued behind it: the ids of both."""
    await session.register("one_step", step("only"))
    user_id = await session.add_user()
    await session.value("select set_config('request.jwt.claims', $1, false)", claims(user_id))
    ids = []
    for message_id in ("m1", "m2"):
        message = {"id": message_id, "role": "user", "parts": [{"type": "text", "text": "?"}]}
        run = await session.value(
            "select public.send_message('t', $1, 'one_step', 'queue')", message
        )
        ids.append(str(run["run_id"]))
    return ids[0], ids[1]


def claims(user_id: UUID | str) -> str:
    return json.dumps({"sub": str(user_id), "role": "authenticated"})


async def test_a_held_run_at_the_head_of_the_line_blocks_no_claim(
    open_session: OpenSession,
) -> None:
    worker, other = await open_session(), await open_session()
    version = await worker.register("one_step", step("only"))
    user_id = await worker.add_user()
    first = await worker.start("one_step", user_id)
    second = await worker.start("one_step", user_id)
    async with other.connection.transaction():
        await other.value(
            "select 1 from public.flow_runs where run_id = $1 for update", UUID(str(first))
        )
        claimed = await worker.claim(version, 1)
    assert [leased["run_id"] for leased in claimed] == [str(second)]


async def test_a_turn_that_met_a_locked_run_is_passed_by_maintenance(
    open_session: OpenSession,
) -> None:
    session, other = await open_session(), await open_session()
    active, behind = await waiting_run(session)
    async with other.connection.transaction():
        await other.value(
            "select 1 from public.flow_runs where run_id = $1 for update", UUID(behind)
        )
        await session.value("select public.cancel_run($1)", UUID(active))
    await session.value("select tidewire.maintain()")
    held = await session.value("select held from public.flow_runs where run_id = $1", UUID(behind))
    assert held is False
