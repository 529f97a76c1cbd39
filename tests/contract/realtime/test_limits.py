"""Every limit of the server, set low."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from contract.realtime.conftest import ServerFactory
from contract.realtime.server import RawClient, RealtimeServer

TOPIC = "realtime:limits"
ECHO = {"broadcast": {"ack": True, "self": True}}


async def test_payload_over_the_limit_is_refused(server_with: ServerFactory) -> None:
    async with server_with(max_payload_size_kb=1) as server, server.client() as client:
        await client.join(TOPIC, ECHO)
        await client.broadcast(TOPIC, "large", {"text": "x" * 2000})
        assert (await client.receive())[4] == {
            "status": "error",
            "response": "payload_size_exceeded",
        }
        await client.broadcast(TOPIC, "small", {"text": "x" * 900})
        assert (await client.receive())[3] == "broadcast"


async def test_frame_over_the_limit_closes_the_socket(server_with: ServerFactory) -> None:
    async with server_with(max_frame_bytes=10_000) as server, server.client() as client:
        with pytest.raises(ConnectionClosed):
            await client.broadcast(TOPIC, "huge", {"text": "x" * 20_000})
            await client.receive()
    assert client.socket.close_code == 1009


async def test_silent_socket_is_closed(server_with: ServerFactory) -> None:
    async with server_with(idle_timeout_ms=300) as server, server.client() as client:
        with pytest.raises(ConnectionClosed):
            await client.receive()
    assert client.socket.close_code == 1000


async def test_too_many_events_close_the_channels_that_receive(server_with: ServerFactory) -> None:
    echo = {"broadcast": {"self": True}}
    async with server_with(max_events_per_second=1) as server, server.client() as client:
        await client.join(TOPIC, echo)
        # A minute may hold 60 events: each broadcast is sent once and delivered once.
        for number in range(30):
            await client.broadcast(TOPIC, "many", {"n": number})
            assert (await client.receive())[3] == "broadcast"
        await client.broadcast(TOPIC, "many", {})
        assert (await client.receive())[4]["message"] == "Too many messages per second"
        assert (await client.receive())[3] == "phx_close"
        assert (await client.join(TOPIC, echo, ref="9"))["status"] == "ok"


async def test_too_many_joins_end_the_socket(server_with: ServerFactory) -> None:
    async with server_with(max_joins_per_second=1) as server, server.client() as client:
        with pytest.raises(ConnectionClosed):
            for number in range(100):
                await client.join(f"{TOPIC}:{number}", ref=str(number))
    assert client.socket.close_code == 1001


async def test_too_many_users_are_not_let_in(server_with: ServerFactory) -> None:
    async with server_with(max_concurrent_users=1) as server, server.client():
        with pytest.raises(InvalidStatus) as refusal:
            await connect(server.address())
    assert refusal.value.response.status_code == 429
    assert refusal.value.response.body == b'{"error":"Too many connected users"}'


async def test_public_channels_may_be_forbidden(server_with: ServerFactory) -> None:
    async with server_with(private_only=True) as server, server.client() as client:
        reply = await client.join(TOPIC)
    assert reply["response"]["reason"] == ("PrivateOnly: This project only allows private channels")


async def test_client_that_does_not_read_is_dropped(server_with: ServerFactory) -> None:
    payload = {"text": "x" * 200_000}
    async with (
        server_with(send_buffer_bytes=1_000_000) as server,
        server.client() as sender,
        connect(server.address(), compression=None, max_queue=1) as idle,
    ):
        await RawClient(idle, "1.0.0").join(TOPIC)
        await sender.join(TOPIC, {"broadcast": {"ack": True}})
        for _ in range(200):
            await sender.broadcast(TOPIC, "much", payload)
            await sender.receive()
        await sender.assert_silent()
        with pytest.raises(ConnectionClosed):
            for _ in range(200):
                await asyncio.wait_for(idle.recv(), 10)


async def test_messages_wait_in_order_behind_a_slow_join(server_with: ServerFactory) -> None:
    async with server_with(channel_error_backoff_ms=300) as server, server.client() as client:
        await client.send("realtime:", "phx_join", {}, ref="1")
        for number in range(2000):
            await client.send("phoenix", "heartbeat", {}, ref=str(number))
        assert (await client.receive())[4]["status"] == "error"
        refs = [(await client.receive())[1] for _ in range(2000)]
    assert refs == [str(number) for number in range(2000)]


async def test_stopping_server_asks_clients_to_come_back(server_with: ServerFactory) -> None:
    async with server_with() as server, server.client() as client:
        await client.join(TOPIC)
        await server.process.stop()
        with pytest.raises(ConnectionClosed):
            await client.receive()
    assert client.socket.close_code == 1012


async def test_hundred_clients_receive_every_broadcast_in_order(realtime: RealtimeServer) -> None:
    async with asyncio.TaskGroup() as group, realtime.client() as sender:
        ready = asyncio.Barrier(101)

        async def reader() -> None:
            async with realtime.client(vsn="2.0.0") as client:
                await client.join(TOPIC)
                await ready.wait()
                seen = [(await client.receive())[4]["payload"]["n"] for _ in range(20)]
            assert seen == list(range(20))

        for _ in range(100):
            group.create_task(reader())
        await sender.join(TOPIC)
        await ready.wait()
        for number in range(20):
            await sender.broadcast(TOPIC, "count", {"n": number})


async def test_request_body_over_the_limit_is_not_read(realtime: RealtimeServer) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b"x" * 1_000_000

    async with httpx.AsyncClient(base_url=realtime.http_url) as http:
        headers = {"apikey": realtime.keys.publishable_key}
        answer = await http.post("/api/broadcast", content=endless(), headers=headers)
    assert (answer.status_code, answer.text) == (413, "Request Entity Too Large")
