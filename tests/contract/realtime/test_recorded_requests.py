"""HTTP broadcasts are answered and delivered as the hosted server does, byte for byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract.realtime.conftest import ServerFactory
from contract.realtime.replay import Line, fresh_tokens, read_lines
from contract.realtime.server import RawClient, RealtimeServer

RECORD = read_lines(Path(__file__).with_name("frames") / "rest.jsonl")
REQUESTS = [line for line in RECORD if "label" in line]
NOT_REPLAYED = {"unknown tenant": "the embedded server serves one project alone"}
# These two depend on what the project sent in the last minute.
VARYING_HEADERS = {"x-rate-limit-remaining", "x-rate-rolling"}
LISTENED = {"rest-pub": False, "room:rest": True, "secret:rest": True}
END = "end of the record"


@pytest.fixture(scope="module")
async def limited(server_with: ServerFactory) -> AsyncIterator[RealtimeServer]:
    """A server with the limit of the recorded project."""
    async with server_with(max_events_per_second=100) as server:
        yield server


async def test_requests_are_answered_as_recorded(limited: RealtimeServer) -> None:
    tokens = fresh_tokens(limited)
    for line in REQUESTS:
        if line["label"] in NOT_REPLAYED:
            continue
        response = await send(limited, line, tokens)
        assert response.status_code == line["status"], line["label"]
        assert response.text == line["body"], line["label"]
        for name, value in line["headers"].items():
            seen = response.headers.get(name)
            assert seen is not None, (line["label"], name)
            assert name in VARYING_HEADERS or seen == value, (line["label"], name)


@pytest.mark.parametrize(("vsn", "key"), [("1.0.0", "v1"), ("2.0.0", "v2")])
async def test_requests_are_delivered_as_recorded(
    limited: RealtimeServer, vsn: str, key: str
) -> None:
    tokens = fresh_tokens(limited)
    async with limited.client(vsn=vsn, apikey=tokens["<SERVICE>"]) as listener:
        seen = await joined(listener)
        for line in REQUESTS:
            if line["label"] not in NOT_REPLAYED:
                await send(limited, line, tokens)
        seen += await frames_until_end(limited, listener, tokens)
    recorded = [as_comparable(line[f"listener_frame_{key}"]) for line in RECORD
                if f"listener_frame_{key}" in line]  # fmt: skip
    # The record joined its three topics in another order for each client.
    assert sorted(seen[:3]) == sorted(recorded[:3])
    assert seen[3:] == recorded[3:]


async def joined(listener: RawClient) -> list[str]:
    replies = []
    for ref, (topic, private) in enumerate(LISTENED.items(), start=1):
        body = {"config": {"private": private}}
        await listener.send(f"realtime:{topic}", "phx_join", body, ref=str(ref), join_ref=str(ref))
        replies.append(as_comparable(await listener.socket.recv()))
    return replies


async def frames_until_end(
    server: RealtimeServer, listener: RawClient, tokens: dict[str, str]
) -> list[str]:
    message = {"topic": "rest-pub", "event": END, "payload": {}}
    async with httpx.AsyncClient(base_url=server.http_url) as http:
        headers = {"apikey": tokens["<ANON>"]}
        await http.post("/api/broadcast", json={"messages": [message]}, headers=headers)
    frames: list[str] = []
    while True:
        frame = as_comparable(await asyncio.wait_for(listener.socket.recv(), 10))
        if END in frame:
            return frames
        frames.append(frame)


def as_comparable(frame: str | bytes | dict[str, str]) -> str:
    if isinstance(frame, dict):
        return frame["hex"]
    return frame.hex() if isinstance(frame, bytes) else frame


async def send(server: RealtimeServer, line: Line, tokens: dict[str, str]) -> httpx.Response:
    request = line["request"]
    headers = {}
    for name, value in request["headers"].items():
        for placeholder, token in tokens.items():
            value = value.replace(placeholder, token)
        headers[name] = value
    headers.setdefault("content-type", "application/json")
    async with httpx.AsyncClient(base_url=server.http_url) as http:
        return await http.request(
            request["method"], request["path"], headers=headers, content=body_of(line)
        )


def body_of(line: Line) -> bytes | None:
    """Return the body that was sent; the record shortens long ones and writes bytes as hex."""
    request: dict[str, Any] = line["request"]
    if "body" not in request:
        return None
    match line["label"]:
        case "too large":
            opening, _, length = str(request["body"]).partition("…")
            ending = '"}}]}'
            padding = int(length.strip("<>")) - len(opening) - len(ending)
            return (opening + "x" * padding + ending).encode()
        case "batch of 150 (limit 100/s)":
            messages = [{"topic": "none", "event": "e", "payload": {"i": i}} for i in range(150)]
            return json.dumps({"messages": messages}).encode()
        case "single binary":
            return bytes.fromhex(request["body"])
        case _:
            return str(request["body"]).encode()
