"""The HTTP side of the server: broadcasts by request, and whether it is well."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tidewire.local.realtime.authorization import AuthorizationUnavailable, Client
from tidewire.local.realtime.broadcast import TextBroadcast, UserBroadcast
from tidewire.local.realtime.broadcast_request import (
    InvalidRequest,
    RequestedBroadcast,
    parse_batch,
)
from tidewire.local.realtime.hub import TOPIC_PREFIX, Hub
from tidewire.local.realtime.tokens import TokenRefused

_LARGEST_BODY = 8_000_000
_STATUS_TEXTS = {400: "Bad Request", 404: "Not Found", 413: "Request Entity Too Large"}
_OCTETS = "application/octet-stream"
_UNSUPPORTED_TYPE = "Unsupported Media Type. Use application/json or application/octet-stream"


class Refused(Exception):
    """A request is answered with this status and body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(str(body))
        self.status, self.body = status, body


async def broadcast_batch(request: Request) -> Response:
    """Broadcast several messages. Those the sender may not send are left out silently."""
    hub = _hub(request)
    client = _client(hub, request)
    body = _decoded(await _body(request))
    try:
        messages = parse_batch(body, payload_limit=hub.settings.max_payload_bytes)
    except InvalidRequest as error:
        raise Refused(422, {"errors": {"messages": error.errors}}) from error
    _check_rate(hub, len(messages))
    allowed = await _writable(hub, client, [item.topic for item in messages if item.private])
    for message in messages:
        if not message.private or message.topic in allowed:
            _publish(hub, message)
    return _accepted(request)


async def broadcast_one(request: Request) -> Response:
    """Broadcast one message; the body is its payload, JSON or bytes."""
    hub, topic = _hub(request), request.path_params["topic"]
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind not in ("application/json", _OCTETS):
        raise Refused(415, {"error": _UNSUPPORTED_TYPE})
    client = _client(hub, request)
    payload = await _body(request)
    if kind != _OCTETS:
        _decoded(payload)
    if len(payload) > hub.settings.max_payload_bytes:
        raise Refused(422, {"errors": {"payload": ["Payload size exceeds tenant limit"]}})
    _check_rate(hub, 1)
    private = request.query_params.get("private") == "true"
    if private and topic not in await _writable(hub, client, [topic]):
        raise Refused(403, {"message": "Unauthorized"})
    broadcast = UserBroadcast(
        TOPIC_PREFIX + topic,
        request.path_params["event"],
        payload,
        is_json=kind != _OCTETS,
        message_id=None,
    )
    hub.events.add()
    hub.publish(broadcast, topic, private=private)
    return _accepted(request)


async def ping(request: Request) -> Response:
    return _json(request, 200, {"message": "Success"})


async def healthcheck(request: Request) -> Response:
    return PlainTextResponse("ok")


async def health(request: Request) -> Response:
    """Tell whether broadcasts from the database flow; the server itself evidently works."""
    hub = _hub(request)
    return _json(request, 200, {"status": "ok", "replication": hub.replicating})


async def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _json(request, error.status, error.body)


async def failed(request: Request, error: Exception) -> Response:
    """Answer with the bare status; a known path with another method is unknown too."""
    assert isinstance(error, HTTPException)
    status = 404 if error.status_code == 405 else error.status_code
    return Response(_STATUS_TEXTS[status], status, media_type="text/html")


ROUTES = [
    Route("/api/broadcast", broadcast_batch, methods=["POST"]),
    Route("/api/broadcast/{topic:path}/events/{event:path}", broadcast_one, methods=["POST"]),
    Route("/api/ping", ping),
    Route("/healthcheck", healthcheck),
    Route("/health", health),
]


def _hub(request: Request) -> Hub:
    hub: Hub = request.state.hub
    return hub


def _client(hub: Hub, request: Request) -> Client:
    """Return who sends: by bearer token, else by API key."""
    authorization = request.headers.get("authorization")
    token = request.headers.get("apikey", "")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(500, "Internal Server Error")
    try:
        identity = hub.verifier.identify(token)
    except TokenRefused as error:
        raise Refused(401, {"message": "Unauthorized"}) from error
    headers = {name: value for name, value in request.headers.items() if name.startswith("x-")}
    return Client(identity, headers)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_BODY:
            raise HTTPException(413)
    return bytes(body)


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400) from error


def _check_rate(hub: Hub, count: int) -> None:
    limit, average = hub.events.limit, hub.events.average
    if not limit:
        return
    if average > limit:
        raise Refused(429, {"message": "You have exceeded your rate limit"})
    if average + count > limit:
        raise Refused(
            429, {"message": "Too many messages to broadcast, please reduce the batch size"}
        )


async def _writable(hub: Hub, client: Client, topics: list[str]) -> set[str]:
    if not topics:
        return set()
    try:
        return set(await hub.authorizer.writable(client, dict.fromkeys(topics)))
    except AuthorizationUnavailable as error:
        raise Refused(503, {"message": error.reason}) from error


def _publish(hub: Hub, message: RequestedBroadcast) -> None:
    hub.events.add()
    broadcast = TextBroadcast(TOPIC_PREFIX + message.topic, message.wire_payload())
    hub.publish(broadcast, message.topic, private=message.private)


def _accepted(request: Request) -> Response:
    return Response(status_code=202, headers=_headers(request))


def _json(request: Request, status: int, body: Any) -> Response:
    return Response(
        orjson.dumps(body),
        status,
        headers=_headers(request),
        media_type="application/json; charset=utf-8",
    )


def _headers(request: Request) -> dict[str, str]:
    rate = _hub(request).events
    headers = {}
    if "origin" in request.headers:
        headers["access-control-allow-origin"] = "*"
    if rate.limit:
        average = int(rate.average)
        headers["x-rate-limit"] = str(rate.limit)
        headers["x-rate-limit-remaining"] = str(max(0, rate.limit - average))
        headers["x-rate-rolling"] = str(average)
    return headers
