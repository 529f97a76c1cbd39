"""Replays a recorded session against the server and compares every frame that comes back."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from contract.realtime.server import USER_2, RealtimeServer

Line = dict[str, Any]

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_AGE = re.compile(r"expired \d+ seconds")
_BARRIER = "realtime:after-the-record"
_SECONDS = 10


def read_lines(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def normalised(frame: str | bytes) -> str:
    """Return a frame without what differs from run to run."""
    if isinstance(frame, bytes):
        frame = "binary " + frame.decode("utf-8", errors="backslashreplace")
    return _AGE.sub("expired <n> seconds", _UUID.sub("<uuid>", frame))


class Replay:
    """Plays one scenario: sends what the client sent, runs its SQL, expects what it received."""

    def __init__(
        self, server: RealtimeServer, database: asyncpg.Connection, tokens: dict[str, str]
    ) -> None:
        self._server, self._database, self._tokens = server, database, tokens
        self._sockets: dict[str, ClientConnection] = {}
        self._notices: asyncio.Queue[str] = asyncio.Queue()
        self._note = ""
        self._sent_sql = False

    async def run(self, lines: list[Line]) -> None:
        def notice(connection: object, message: asyncpg.PostgresLogMessage) -> None:
            self._notices.put_nowait(f"{message.severity} {message.message}")

        self._database.add_log_listener(notice)
        try:
            for line in lines:
                await self._play(line)
            assert self._notices.empty()
        finally:
            self._database.remove_log_listener(notice)
            for socket in self._sockets.values():
                await socket.close()

    async def _play(self, line: Line) -> None:
        match line["dir"]:
            case "open":
                self._sockets[line["conn"]] = await self._connect(line)
            case "http_error":
                await self._expect_refusal(line)
            case "out":
                await self._sockets[line["conn"]].send(self._outgoing(line))
            case "in":
                await self._expect_frame(line)
            case "sql":
                self._sent_sql = True
                await self._database.execute(line["text"])
            case "sql_notice":
                seen = await asyncio.wait_for(self._notices.get(), _SECONDS)
                assert seen == f"{line['severity']} {line['message']}"
            case "note":
                self._note = line["text"]
            case "close":
                await self._close(line)
            case other:
                pytest.fail(f"record has an unknown direction {other!r}")

    async def _connect(self, line: Line) -> ClientConnection:
        url = urlsplit(self._filled(line["url"], line["conn"]))
        headers = {}
        if line["conn"] == "x-api-key header":
            headers["x-api-key"] = self._tokens["<ANON_JWT>"]
        address = f"{self._server.socket_url}/websocket?{url.query}"
        return await connect(address, compression=None, additional_headers=headers)

    async def _expect_refusal(self, line: Line) -> None:
        with pytest.raises(InvalidStatus) as refusal:
            await self._connect(line)
        response = refusal.value.response
        assert response.status_code == line["status"]
        assert (response.body or b"").decode() == line["body"]
        if "headers" in line:
            assert response.headers["content-type"] == line["headers"]

    def _outgoing(self, line: Line) -> str | bytes:
        if line.get("binary"):
            return bytes.fromhex(line["bytes_hex"])
        return self._filled(line["raw"], self._note)

    async def _expect_frame(self, line: Line) -> None:
        frame = await asyncio.wait_for(self._sockets[line["conn"]].recv(), _SECONDS)
        expected = bytes.fromhex(line["bytes_hex"]) if line.get("binary") else line["raw"]
        assert normalised(frame) == normalised(expected)

    async def _close(self, line: Line) -> None:
        """Close as the client did, after making sure that no further frame was on its way."""
        socket = self._sockets[line["conn"]]
        if self._sent_sql:
            await self._let_database_broadcasts_arrive()
        heartbeat = {"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": "last"}
        v2 = '[null,"last","phoenix","heartbeat",{}]'
        is_v2 = "vsn=2.0.0" in (socket.request.path if socket.request else "")
        await socket.send(v2 if is_v2 else json.dumps(heartbeat))
        frame = await asyncio.wait_for(socket.recv(), _SECONDS)
        assert isinstance(frame, str)
        assert '"last"' in frame, f"frame that was not recorded: {frame}"
        await socket.close()

    async def _let_database_broadcasts_arrive(self) -> None:
        """Send one more: rows arrive in the order of their commits."""
        async with self._server.client() as client:
            await client.join(_BARRIER)
            name = _BARRIER.removeprefix("realtime:")
            await self._database.execute("select realtime.send('{}', 'end', $1, false)", name)
            await client.receive()

    def _filled(self, text: str, about: str) -> str:
        """Return the text with today's tokens; which `<JWT>` is meant, the record's notes say."""
        for placeholder, token in self._tokens.items():
            text = text.replace(placeholder, token)
        return (
            text.replace("<JWT>", special_token(self._server, about)) if "<JWT>" in text else text
        )


def fresh_tokens(server: RealtimeServer) -> dict[str, str]:
    return {
        "<ANON_JWT>": server.token(role="anon", sub=None),
        "<ANON>": server.token(role="anon", sub=None),
        "<SERVICE_JWT>": server.token(role="service_role", sub=None),
        "<SERVICE>": server.token(role="service_role", sub=None),
        "<USER1_JWT>": server.token(),
        "<USER1_JWT_2>": server.token(session="another"),
        "<USER>": server.token(),
        "<USER2_JWT>": server.token(sub=USER_2),
        "<EXPIRED>": server.token(expires_in=-30),
    }


def special_token(server: RealtimeServer, about: str) -> str:
    """Return the broken token that a note of the record, or a connection's name, speaks of."""
    match about.rpartition(": ")[2]:
        case "bad signature" | "badsig":
            return server.token(secret="another-secret-that-is-long-enough-for-hs256")
        case "expired" | "public join with expired token":
            return server.token(expires_in=-30)
        case "missing exp":
            return server.token(exp=None)
        case "missing role" | "missing_claims":
            return server.token(role=None)
        case "alg none":
            header, payload, _ = server.token().split(".")
            header = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
            return f"{header}.{payload}."
        case "unknown db role":
            return server.token(role="nobody_of_that_name")
        case other:
            raise LookupError(f"no token for {other!r}")
