"""The client library of Python workers works with the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from realtime import AsyncRealtimeChannel, AsyncRealtimeClient, RealtimeSubscribeStates
from realtime.types import RealtimeChannelOptions

from contract.realtime.server import RealtimeServer

TOPIC = "room:worker"


@asynccontextmanager
async def connected(server: RealtimeServer, key: str) -> AsyncIterator[AsyncRealtimeClient]:
    client = AsyncRealtimeClient(server.socket_url, key, auto_reconnect=False)
    await client.connect()
    try:
        yield client
    finally:
        await client.close()


async def joined(
    client: AsyncRealtimeClient, topic: str = TOPIC
) -> tuple[AsyncRealtimeChannel, asyncio.Queue[dict[str, Any]]]:
    """Join a private channel; return it with the queue of what it receives."""
    options: RealtimeChannelOptions = {
        "config": {"private": True, "broadcast": {"ack": True, "self": True}, "presence": None}
    }
    channel = client.channel(topic, options)
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    states: asyncio.Queue[RealtimeSubscribeStates] = asyncio.Queue()
    channel.on_broadcast("*", lambda message: messages.put_nowait(dict(message)))
    await channel.subscribe(lambda state, error: states.put_nowait(state))
    assert await asyncio.wait_for(states.get(), 10) is RealtimeSubscribeStates.SUBSCRIBED
    return channel, messages


async def test_secret_key_sends_to_and_reads_from_every_private_channel(
    realtime: RealtimeServer,
) -> None:
    async with connected(realtime, realtime.keys.secret_key) as client:
        channel, messages = await joined(client, "any:topic")
        await channel.send_broadcast("chunks", {"first_index": 0})
        message = await asyncio.wait_for(messages.get(), 10)
    assert (message["event"], message["payload"]) == ("chunks", {"first_index": 0})


async def test_user_receives_broadcasts_of_the_database(
    realtime: RealtimeServer, sql: asyncpg.Connection
) -> None:
    async with connected(realtime, realtime.keys.publishable_key) as client:
        await client.set_auth(realtime.token())
        channel, messages = await joined(client)
        await sql.execute("select realtime.send('{\"n\": 1}', 'chunks', $1)", TOPIC)
        message = await asyncio.wait_for(messages.get(), 10)
        await channel.unsubscribe()
    assert message["payload"]["n"] == 1


async def test_worker_reaches_a_user_through_the_server(realtime: RealtimeServer) -> None:
    async with (
        connected(realtime, realtime.keys.publishable_key) as reader,
        connected(realtime, realtime.keys.secret_key) as worker,
    ):
        await reader.set_auth(realtime.token())
        _, received = await joined(reader)
        channel, _ = await joined(worker)
        for index in range(100):
            await channel.send_broadcast("chunks", {"first_index": index})
        seen = [(await asyncio.wait_for(received.get(), 10))["payload"] for _ in range(100)]
    assert seen == [{"first_index": index} for index in range(100)]
