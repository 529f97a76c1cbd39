"""The WebSocket end of a client: handshake, frames, limits and closing."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import orjson
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from tidewire.local.realtime.frames import MalformedFrame, Version, decode_binary, decode_text
from tidewire.local.realtime.hub import Hub
from tidewire.local.realtime.session import Session
from tidewire.local.realtime.tokens import Identity, Refusal, TokenRefused

_log = logging.getLogger(__name__)

_PATH = "/socket/websocket"
_NORMAL, _SERVICE_RESTART = 1000, 1012
_CLOSING_SECONDS = 5.0
# How many messages may wait behind a join before the client is no longer read.
_BACKLOG = 1000


class HandshakeRefused(Exception):
    """A client is not let in."""

    def __init__(self, status: int, error: str | None) -> None:
        super().__init__(error)
        self.status, self.error = status, error


class WebSocketProtocol(asyncio.Protocol):
    """One socket, as uvicorn makes it for each upgrade. The hub comes by the lifespan's state.

    Frames from the server are not masked, so one encoding serves every subscriber: channels write
    ready frames straight to the transport. Nothing is ever sent in fragments.
    """

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        del config
        self._hub: Hub = app_state["hub"]
        self._connections = cast("set[Any]", server_state.connections)
        self._wire = ServerProtocol(max_size=self._hub.settings.max_frame_bytes, logger=_log)
        self._transport: asyncio.Transport
        self._session: Session | None = None
        self._closing = False
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._parts: list[bytes] = []
        self._opcode = Opcode.TEXT

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._session is not None:
            self._session.end()

    def shutdown(self) -> None:
        """Close because the server stops; uvicorn calls this."""
        self.close(_SERVICE_RESTART)

    def data_received(self, data: bytes) -> None:
        self._wire.receive_data(data)
        for event in self._wire.events_received():
            if isinstance(event, Request):
                self._handshake(event)
            elif isinstance(event, Frame):
                self._frame(event)
        self._flush()
        if self._wire.close_expected() and not self._closing:
            self._begin_closing()

    def write(self, frame: bytes) -> None:
        """Write an encoded frame. A client that does not read is dropped, not buffered for."""
        if self._closing:
            return
        if self._transport.get_write_buffer_size() > self._hub.settings.send_buffer_bytes:
            _log.warning("slow realtime client dropped")
            self._closing = True
            self._transport.abort()
            return
        self._transport.write(frame)

    def close(self, code: int) -> None:
        """Send a close frame and let the client answer it."""
        if self._closing:
            return
        if self._session is None:
            self._transport.close()
            return
        self._wire.send_close(code)
        self._flush()
        self._begin_closing()

    def _begin_closing(self) -> None:
        self._closing = True
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(_CLOSING_SECONDS, self._transport.abort)

    def _flush(self) -> None:
        for data in self._wire.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()

    def _handshake(self, request: Request) -> None:
        response = self._wire.accept(request)
        if response.status_code != 101:
            self._wire.send_response(response)
            return
        try:
            version, identity = self._admit(request)
        except HandshakeRefused as refusal:
            self._refuse(refusal)
            return
        self._wire.send_response(response)
        self._flush()
        self._session = Session(
            self._hub,
            version=version,
            identity=identity,
            headers=_client_headers(request),
            write=self.write,
            close=self.close,
        )
        self._heard_at = asyncio.get_running_loop().time()
        self._watch_idle()

    def _admit(self, request: Request) -> tuple[Version, Identity]:
        url = urlsplit(request.path)
        if url.path.rstrip("/") != _PATH:
            raise HandshakeRefused(404, None)
        query = parse_qs(url.query)
        try:
            version = Version(query.get("vsn", ["1.0.0"])[0])
        except ValueError as error:
            raise HandshakeRefused(403, None) from error
        key = request.headers.get("x-api-key") or query.get("apikey", [""])[0]
        if not key:
            raise HandshakeRefused(401, "API key is missing")
        try:
            identity = self._hub.verifier.identify(key)
        except TokenRefused as error:
            expired = error.refusal is Refusal.EXPIRED
            raise HandshakeRefused(
                401, "Token has expired" if expired else error.message
            ) from error
        settings = self._hub.settings
        if 0 < settings.max_concurrent_users <= self._hub.users:
            raise HandshakeRefused(429, "Too many connected users")
        if self._hub.joins.exceeded:
            raise HandshakeRefused(429, "Too many joins per second")
        return version, identity

    def _refuse(self, refusal: HandshakeRefused) -> None:
        """Answer a refused handshake: slowly, if it was refused for who the client is."""
        body = b"" if refusal.error is None else orjson.dumps({"error": refusal.error})
        headers = Headers(Connection="close")
        headers["Content-Length"] = str(len(body))
        delay = 0.0
        if refusal.error is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
            delay = self._hub.settings.connect_error_backoff_ms / 1000
        response = Response(refusal.status, HTTPStatus(refusal.status).phrase, headers, body)
        self._timer = asyncio.get_running_loop().call_later(delay, self._send_refusal, response)

    def _send_refusal(self, response: Response) -> None:
        self._wire.send_response(response)
        self._flush()
        self._transport.close()

    def _frame(self, frame: Frame) -> None:
        if self._session is None or self._closing:
            return
        self._heard_at = asyncio.get_running_loop().time()
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._opcode, self._parts = frame.opcode, [bytes(frame.data)]
        elif frame.opcode is Opcode.CONT:
            self._parts.append(bytes(frame.data))
        else:
            return
        if frame.fin:
            self._message(self._session, b"".join(self._parts))

    def _message(self, session: Session, data: bytes) -> None:
        decode = decode_text if self._opcode is Opcode.TEXT else decode_binary
        try:
            message = decode(session.version, data)
        except MalformedFrame as error:
            _log.info("malformed realtime frame dropped", extra={"error": str(error)})
            return
        session.receive(message, len(data))
        if session.backlog > _BACKLOG and not self._paused:
            self._paused = True
            self._transport.pause_reading()
            session.when_drained(self._resume)

    def _resume(self) -> None:
        self._paused = False
        if not self._closing:
            self._transport.resume_reading()

    def _watch_idle(self) -> None:
        loop = asyncio.get_running_loop()
        limit = self._hub.settings.idle_timeout_ms / 1000
        quiet = loop.time() - self._heard_at
        if quiet >= limit:
            self.close(_NORMAL)
        else:
            self._timer = loop.call_later(limit - quiet, self._watch_idle)


def _client_headers(request: Request) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in request.headers.raw_items()
        if name.lower().startswith("x-")
    }
