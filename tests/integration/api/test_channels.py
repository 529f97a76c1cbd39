"""Only owners receive on Tidewire channels, by the real Realtime protocol and client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from realtime import AsyncRealtimeChannel, RealtimeSubscribeStates
from realtime.types import BroadcastPayload, RealtimeChannelOptions

from accounts import Account, SignUp
from registered_flows import RegisteredFlows
from stack import StackUnderTest

_JOIN_LIMIT = 15.0


async def join(account: Account, topic: str) -> RealtimeSubscribeStates:
    """Join a private channel as the user and return how it went."""
    channel, state = await _subscribe(account, topic, lambda message: None)
    await account.client.remove_channel(channel)
    return state


@asynccontextmanager
async def listening(account: Account, topic: str) -> AsyncIterator[asyncio.Queue[BroadcastPayload]]:
    """Join a channel and collect what is broadcast on it."""
    received: asyncio.Queue[BroadcastPayload] = asyncio.Queue()
    channel, state = await _subscribe(account, topic, received.put_nowait)
    assert state == RealtimeSubscribeStates.SUBSCRIBED
    try:
        yield received
    finally:
        await account.client.remove_channel(channel)


async def _subscribe(
    account: Account, topic: str, handler: Callable[[BroadcastPayload], None]
) -> tuple[AsyncRealtimeChannel, RealtimeSubscribeStates]:
    await account.client.realtime.set_auth(account.access_token)
    outcome: asyncio.Future[RealtimeSubscribeStates] = asyncio.get_running_loop().create_future()

    def settled(state: RealtimeSubscribeStates, error: Exception | None) -> None:
        if not outcome.done():
            outcome.set_result(state)

    options: RealtimeChannelOptions = {
        "config": {"broadcast": None, "presence": None, "private": True}
    }
    channel = account.client.channel(topic, options)
    channel.on_broadcast("chunks", handler)
    channel.on_broadcast("thread", handler)
    await channel.subscribe(settled)
    return channel, await asyncio.wait_for(outcome, _JOIN_LIMIT)


async def start(account: Account, flow: str) -> str:
    answer = await account.client.rpc("start_run", {"flow_slug": flow, "input": {}}).execute()
    assert isinstance(answer.data, dict)
    return str(answer.data["run_id"])


@pytest_asyncio.fixture(loop_scope="session")
async def wide_open_policy(stack: StackUnderTest) -> AsyncIterator[None]:
    """The app's own policies: everybody may read and write every channel."""
    connection = await asyncpg.connect(stack.db_url, statement_cache_size=0)
    try:
        await connection.execute(
            'create policy "app: anything goes in" on realtime.messages'
            " for insert to authenticated with check (true)"
        )
        await connection.execute(
            'create policy "app: anything goes out" on realtime.messages'
            " for select to authenticated using (true)"
        )
        yield
        await connection.execute('drop policy "app: anything goes in" on realtime.messages')
        await connection.execute('drop policy "app: anything goes out" on realtime.messages')
    finally:
        await connection.close()


async def test_owner_joins_the_channels_of_their_run_and_thread(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    owner = await sign_up()
    run_id = await start(owner, registered_flows.open_to_users)
    for topic in (f"tidewire:run:{run_id}", f"tidewire:thread:{owner.user_id}:thread-1"):
        assert await join(owner, topic) == RealtimeSubscribeStates.SUBSCRIBED


async def test_another_user_cannot_join_a_run_or_thread_channel(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    owner, other = await sign_up(), await sign_up()
    run_id = await start(owner, registered_flows.open_to_users)
    for topic in (f"tidewire:run:{run_id}", f"tidewire:thread:{owner.user_id}:thread-1"):
        assert await join(other, topic) == RealtimeSubscribeStates.CHANNEL_ERROR


@pytest.mark.usefixtures("wide_open_policy")
async def test_a_policy_of_the_app_does_not_open_tidewire_channels(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    owner, other = await sign_up(), await sign_up()
    run_id = await start(owner, registered_flows.open_to_users)

    assert await join(other, "app-room") == RealtimeSubscribeStates.SUBSCRIBED
    assert await join(other, f"tidewire:run:{run_id}") == RealtimeSubscribeStates.CHANNEL_ERROR
    assert await join(other, f"tidewire:thread:{owner.user_id}:t") == (
        RealtimeSubscribeStates.CHANNEL_ERROR
    )


@pytest.mark.usefixtures("wide_open_policy")
async def test_an_owner_cannot_forge_entries_on_their_own_run_channel(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    owner = await sign_up()
    run_id = await start(owner, registered_flows.open_to_users)
    async with listening(owner, f"tidewire:run:{run_id}") as received:
        channel = next(iter(owner.client.get_channels()))
        await channel.send_broadcast("chunks", {"run_id": run_id, "first_index": 1, "chunks": []})
        await owner.client.rpc("cancel_run", {"run_id": run_id}).execute()
        message = await asyncio.wait_for(received.get(), _JOIN_LIMIT)
    # The database's own entry is the first to arrive: the forged one went nowhere.
    assert message["payload"]["chunks"] == [{"type": "abort", "reason": "cancelled"}]
    assert received.empty()


async def test_a_malformed_topic_is_refused_and_leaves_the_socket_usable(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    owner = await sign_up()
    for topic in ("tidewire:run:not-a-uuid", "tidewire:run:", f"tidewire:nothing:{uuid4()}"):
        assert await join(owner, topic) == RealtimeSubscribeStates.CHANNEL_ERROR
    run_id = await start(owner, registered_flows.open_to_users)
    assert await join(owner, f"tidewire:run:{run_id}") == RealtimeSubscribeStates.SUBSCRIBED


async def test_what_an_rpc_writes_is_broadcast_to_the_owner(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    owner = await sign_up()
    thread_topic = f"tidewire:thread:{owner.user_id}:thread-1"
    async with listening(owner, thread_topic) as thread:
        message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Why?"}]}
        call = {
            "thread_id": "thread-1",
            "message": message,
            "flow_slug": registered_flows.open_to_users,
        }
        sent = (await owner.client.rpc("send_message", call).execute()).data
        notice = await asyncio.wait_for(thread.get(), _JOIN_LIMIT)
    assert isinstance(sent, dict)
    assert notice["payload"]["run_id"] == sent["run_id"]
    assert notice["payload"]["message_id"] == sent["message_id"]
