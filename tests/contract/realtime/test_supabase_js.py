"""The client library of browsers works with the server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from contract.realtime.conftest import ServerFactory
from contract.realtime.server import USER_2, RealtimeServer

HERE = Path(__file__).parent
# Where npm packages are looked for; the variable adds a folder in front.
FOLDERS = [
    *filter(None, [os.environ.get("TIDEWIRE_NODE_PACKAGES")]),
    str(HERE.parents[2] / "transport_spec"),
]
TOPIC = "room:browser"
PRIVATE = {"private": True, "broadcast": {"self": True, "ack": True}}

Fact = dict[str, Any]


class Browser:
    """A Node process with the client library in it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, action: str, **what: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"action": action, **what}).encode() + b"\n")
        await self._process.stdin.drain()

    async def until(self, wanted: Callable[[Fact], bool]) -> Fact:
        """Return the next fact that is wanted, passing over others."""
        assert self._process.stdout is not None
        while True:
            line = await asyncio.wait_for(self._process.stdout.readline(), 20)
            if not line:
                pytest.fail(await self._complaint())
            fact: Fact = json.loads(line)
            if wanted(fact):
                return fact

    async def join(self, topic: str = TOPIC) -> None:
        await self.do("join", topic=topic, config=PRIVATE)
        assert (await self.until(lambda fact: "status" in fact))["status"] == "SUBSCRIBED"

    async def message(self) -> Fact:
        fact = await self.until(lambda fact: "message" in fact)
        return dict(fact["message"])

    async def answer(self) -> Any:
        return (await self.until(lambda fact: "answer" in fact))["answer"]

    async def _complaint(self) -> str:
        assert self._process.stderr is not None
        return (await self._process.stderr.read()).decode()


@asynccontextmanager
async def browser(server: RealtimeServer, token: str | None = None) -> AsyncIterator[Browser]:
    node = shutil.which("node")
    assert node is not None, "node is not installed"
    process = await asyncio.create_subprocess_exec(
        node,
        str(HERE / "browser_client.mjs"),
        server.socket_url,
        server.keys.publishable_key,
        token or server.token(),
        *FOLDERS,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Browser(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_own_broadcasts_come_back_and_are_acknowledged(realtime: RealtimeServer) -> None:
    async with browser(realtime) as page:
        await page.join()
        await page.do("send", topic=TOPIC, event="said", payload={"text": "grüße 👋"})
        message = await page.message()
        assert message == {"type": "broadcast", "event": "said", "payload": {"text": "grüße 👋"}}
        assert await page.answer() == "ok"


async def test_broadcasts_of_the_database_are_received(
    realtime: RealtimeServer, sql: asyncpg.Connection
) -> None:
    async with browser(realtime) as page:
        await page.join()
        await sql.execute("select realtime.send('{\"n\": 1}', 'chunks', $1)", TOPIC)
        message = await page.message()
    assert message["event"] == "chunks"
    assert message["payload"] == {"n": 1, "id": message["meta"]["id"]}


async def test_broadcasts_by_request_are_received(realtime: RealtimeServer) -> None:
    async with browser(realtime) as page:
        await page.join()
        await page.do("httpSend", topic=TOPIC, event="posted", payload={"n": 2})
        message = await page.message()
        assert (message["event"], message["payload"]) == ("posted", {"n": 2})
        assert await page.answer() == {"success": True}


async def test_refused_channel_reports_the_reason(realtime: RealtimeServer) -> None:
    async with browser(realtime) as page:
        await page.do("join", topic="secret:plans", config=PRIVATE)
        fact = await page.until(lambda fact: fact.get("status") == "CHANNEL_ERROR")
    assert "You do not have permissions to read" in fact["error"]


async def test_leaving_is_answered(realtime: RealtimeServer) -> None:
    async with browser(realtime) as page:
        await page.join()
        await page.do("leave", topic=TOPIC)
        assert await page.answer() == "ok"


async def test_token_of_another_user_closes_the_channel(realtime: RealtimeServer) -> None:
    topic = "user:11111111-1111-1111-1111-111111111111"
    async with browser(realtime) as page:
        await page.join(topic)
        await page.do("setAuth", token=realtime.token(sub=USER_2))
        await page.until(lambda fact: fact.get("status") == "CLOSED")


async def test_client_subscribes_again_after_the_server_restarts(
    server_with: ServerFactory, sql: asyncpg.Connection
) -> None:
    async with server_with() as server, browser(server) as page:
        await page.join()
        await server.process.stop()
        await page.until(lambda fact: fact.get("status") == "CHANNEL_ERROR")
        await server.process.start()
        await server.until_ready()
        await page.until(lambda fact: fact.get("status") == "SUBSCRIBED")
        await sql.execute("select realtime.send('{}', 'back', $1)", TOPIC)
        assert (await page.message())["event"] == "back"
