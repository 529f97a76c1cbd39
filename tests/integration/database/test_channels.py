"""What reaches the private channels: rows of realtime.messages, and who may read them."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from integration.database.conftest import OpenSession
from integration.database.sessions import Session, key
from registered_flows import step


async def broadcasts(session: Session, topic: str) -> list[tuple[str, dict[str, Any]]]:
    """The private broadcasts to a topic, oldest first."""
    rows = await session.connection.fetch(
        "select event, payload - 'id' as payload from realtime.messages"
        " where topic = $1 and private and extension = 'broadcast' order by inserted_at, id",
        topic,
    )
    return [(row["event"], row["payload"]) for row in rows]


async def arranged(open_session: OpenSession) -> tuple[Session, str, UUID]:
    session = await open_session()
    version = await session.register("one_step", step("only"))
    user_id = await session.add_user()
    await session.sign_in(user_id)
    return session, version, user_id


async def test_entries_that_an_rpc_makes_are_broadcast_with_the_commit(
    open_session: OpenSession,
) -> None:
    session, _, user_id = await arranged(open_session)
    run_id = await session.start("one_step", user_id)
    await session.cancel(run_id)
    abort = {"type": "abort", "reason": "cancelled"}
    assert await broadcasts(session, f"tidewire:run:{run_id}") == [
        ("chunks", {"run_id": run_id, "first_index": 1, "chunks": [abort]})
    ]


async def test_entries_that_maintenance_makes_are_broadcast(open_session: OpenSession) -> None:
    session, version, user_id = await arranged(open_session)
    run_id = await session.start("one_step", user_id)
    await session.claim(version, 1)
    await session.connection.execute(
        "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
    )
    await session.value("select tidewire.maintain()")
    ((event, payload),) = await broadcasts(session, f"tidewire:run:{run_id}")
    assert (event, payload["first_index"]) == ("chunks", 2)
    assert payload["chunks"][0]["data"]["status"] == "retrying"


async def test_runs_of_the_service_are_never_broadcast(open_session: OpenSession) -> None:
    session, _, _ = await arranged(open_session)
    answer = await session.value("select tidewire.start_run_for(null, 'one_step', $1)", {})
    await session.connection.execute(
        "update public.flow_runs set deadline_at = now() - interval '1 s'"
    )
    assert (await session.value("select tidewire.maintain()"))["overdue"] == 1
    assert await broadcasts(session, f"tidewire:run:{answer['run_id']}") == []


async def test_entries_over_200_kilobytes_are_announced_without_their_chunks(
    open_session: OpenSession,
) -> None:
    session, version, user_id = await arranged(open_session)
    run_id = await session.start("one_step", user_id)
    (leased,) = await session.claim(version, 1)
    opened = [{"type": "text-start", "id": f"only.{number}" + "x" * 60} for number in range(4000)]
    await session.append([key(leased, first_sequence=0, chunks=opened)])
    await session.cancel(run_id)
    assert await broadcasts(session, f"tidewire:run:{run_id}") == [
        ("chunks", {"run_id": run_id, "first_index": 4002, "next_index": 8003})
    ]


async def test_a_message_is_announced_on_its_users_thread_topic(open_session: OpenSession) -> None:
    session, _, user_id = await arranged(open_session)
    sent = await session.send("thread", "a", "one_step", "reject")
    assert await broadcasts(session, f"tidewire:thread:{user_id}:thread") == [
        ("thread", {"run_id": sent["run_id"], "message_id": sent["message_id"]})
    ]


@pytest.mark.parametrize("apps_own_policies_are_wide_open", [False, True])
async def test_only_the_owner_receives_on_a_runs_channel_whatever_the_app_allows(
    apps_own_policies_are_wide_open: bool, open_session: OpenSession
) -> None:
    session, _, user_id = await arranged(open_session)
    run_id = await session.start("one_step", user_id)
    await session.cancel(run_id)
    if apps_own_policies_are_wide_open:
        await session.connection.execute(
            "create policy open_to_read on realtime.messages for select to authenticated, anon"
            " using (true);"
            "create policy open_to_send on realtime.messages for insert to authenticated, anon"
            " with check (true)"
        )
    topic = f"tidewire:run:{run_id}"
    assert await received(session, topic, user_id) == 1
    assert await received(session, topic, await session.add_user()) == 0
    assert await received(session, topic, None) == 0


@pytest.mark.parametrize("topic", ["tidewire:run:{run_id}", "tidewire:thread:{user_id}:thread"])
async def test_nobody_sends_on_a_channel_of_ours_not_even_its_owner(
    topic: str, open_session: OpenSession
) -> None:
    session, _, user_id = await arranged(open_session)
    run_id = await session.start("one_step", user_id)
    await session.connection.execute(
        "create policy open_to_send on realtime.messages for insert to authenticated"
        " with check (true)"
    )
    ours = topic.format(run_id=run_id, user_id=user_id)
    assert not await sends(session, ours, user_id)
    assert await sends(session, "room", user_id), "the app's own channels stay the app's"


async def become(session: Session, topic: str, user_id: UUID | None) -> None:
    """Take the role, claims and topic that Realtime asks the policies with."""
    role = "anon" if user_id is None else "authenticated"
    claims = {"role": role} | ({} if user_id is None else {"sub": str(user_id)})
    await session.connection.execute(f"set local role {role}")
    await session.value("select set_config('request.jwt.claims', $1, true)", json.dumps(claims))
    await session.value("select set_config('realtime.topic', $1, true)", topic)


async def received(session: Session, topic: str, user_id: UUID | None) -> int:
    """How many messages of a topic somebody could see on joining it."""
    async with session.connection.transaction():
        await become(session, topic, user_id)
        found = await session.value(
            "select count(*) from realtime.messages where topic = $1", topic
        )
    return int(found)


async def sends(session: Session, topic: str, user_id: UUID) -> bool:
    """Whether a user may insert a broadcast to a topic, as Realtime probes it."""
    transaction = session.connection.transaction()
    await transaction.start()
    try:
        await become(session, topic, user_id)
        await session.connection.execute(
            "insert into realtime.messages (topic, extension, private)"
            " values ($1, 'broadcast', true)",
            topic,
        )
    except asyncpg.InsufficientPrivilegeError:
        return False
    else:
        return True
    finally:
        await transaction.rollback()
