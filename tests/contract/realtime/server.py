"""A Realtime server of the tests' own, and raw clients for it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
from websockets.asyncio.client import ClientConnection, connect

from tidewire.local.keys import Keys
from tidewire.local.ports import HOST, free_port
from tidewire.local.process import Process, Program

USER_1 = "11111111-1111-1111-1111-111111111111"
USER_2 = "22222222-2222-2222-2222-222222222222"
_START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class RealtimeServer:
    """One server process, seen from outside."""

    port: int
    keys: Keys
    process: Process

    @property
    def http_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def socket_url(self) -> str:
        """The address that the client libraries take."""
        return f"ws://{HOST}:{self.port}/socket"

    def token(self, *, secret: str | None = None, expires_in: float = 3600, **claims: Any) -> str:
        """Return a token for user 1, changed by `claims`; a claim of None is left out."""
        all_claims = {
            "role": "authenticated",
            "sub": USER_1,
            "exp": int(time.time() + expires_in),
            **claims,
        }
        present = {name: value for name, value in all_claims.items() if value is not None}
        return jwt.encode(present, secret or self.keys.jwt_secret, algorithm="HS256")

    def address(self, *, vsn: str | None = "1.0.0", apikey: str | None = None) -> str:
        query = {"apikey": self.keys.publishable_key if apikey is None else apikey}
        if vsn is not None:
            query["vsn"] = vsn
        return f"{self.socket_url}/websocket?{urlencode(query)}"

    @asynccontextmanager
    async def client(
        self, *, vsn: str = "1.0.0", apikey: str | None = None
    ) -> AsyncIterator[RawClient]:
        async with connect(self.address(vsn=vsn, apikey=apikey), compression=None) as socket:
            yield RawClient(socket, vsn)

    async def until_ready(self) -> None:
        """Wait until broadcasts from the database flow."""
        await self.until_replication(True)

    async def until_replication(self, wanted: bool) -> None:
        deadline = time.monotonic() + _START_SECONDS
        async with httpx.AsyncClient() as http:
            while not await self._reports(http, wanted):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"realtime not ready: {self.process.log_tail()}")
                await asyncio.sleep(0.02)

    async def _reports(self, http: httpx.AsyncClient, replication: bool) -> bool:
        try:
            answer = await http.get(f"{self.http_url}/health")
        except httpx.TransportError:
            return False
        return bool(answer.json()["replication"] is replication)


class RawClient:
    """Speaks the protocol frame by frame."""

    def __init__(self, socket: ClientConnection, vsn: str) -> None:
        self.socket, self._v1 = socket, vsn == "1.0.0"

    async def send(
        self, topic: str, event: str, payload: Any, *, ref: Any = "1", join_ref: Any = "1"
    ) -> None:
        message: Any = [join_ref, ref, topic, event, payload]
        if self._v1:
            message = {
                "topic": topic,
                "event": event,
                "payload": payload,
                "ref": ref,
                "join_ref": join_ref,
            }
        await self.socket.send(json.dumps(message))

    async def receive(self) -> list[Any]:
        """Return the next frame as [join_ref, ref, topic, event, payload]."""
        frame = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
        if self._v1:
            return [None, frame["ref"], frame["topic"], frame["event"], frame["payload"]]
        return list(frame)

    async def join(
        self, topic: str, config: Mapping[str, Any] | None = None, *, ref: str = "1", **payload: Any
    ) -> dict[str, Any]:
        """Join and return the reply's payload."""
        body = {"config": config or {}, **payload}
        await self.send(topic, "phx_join", body, ref=ref, join_ref=ref)
        reply = await self.receive()
        assert reply[2:4] == [topic, "phx_reply"], reply
        return dict(reply[4])

    async def broadcast(self, topic: str, event: str, payload: Any, *, ref: Any = "2") -> None:
        body = {"type": "broadcast", "event": event, "payload": payload}
        await self.send(topic, "broadcast", body, ref=ref)

    async def assert_silent(self) -> None:
        """Assert that nothing was sent: the answer to a heartbeat comes next."""
        await self.send("phoenix", "heartbeat", {}, ref="silence", join_ref=None)
        frame = await self.receive()
        assert frame[1:4] == ["silence", "phoenix", "phx_reply"], frame


@asynccontextmanager
async def running_server(
    dsn: str, keys: Keys, folder: Path, *, replicating: bool = True, **settings: Any
) -> AsyncIterator[RealtimeServer]:
    """Run a server on a free port.

    Args:
      replicating: wait until broadcasts from the database flow; else only until it answers.
      settings: those of the environment, in lower case.
    """
    port = free_port()
    environment = {
        "TIDEWIRE_REALTIME_DSN": dsn,
        "TIDEWIRE_JWT_SECRET": keys.jwt_secret,
        "TIDEWIRE_PUBLISHABLE_KEY": keys.publishable_key,
        "TIDEWIRE_SECRET_KEY": keys.secret_key,
        "TIDEWIRE_REALTIME_CHANNEL_ERROR_BACKOFF_MS": "10",
        "TIDEWIRE_REALTIME_CONNECT_ERROR_BACKOFF_MS": "10",
        **{f"TIDEWIRE_REALTIME_{name.upper()}": str(value) for name, value in settings.items()},
    }
    program = Program(
        name="realtime",
        argv=[sys.executable, "-m", "tidewire.local.realtime", "--port", str(port)],
        log=folder / f"realtime-{port}.log",
        environment=environment,
        grace=timedelta(seconds=5),
    )
    process = Process(program)
    await process.start()
    try:
        server = RealtimeServer(port, keys, process)
        await server.until_replication(replicating)
        yield server
    finally:
        await process.stop()
