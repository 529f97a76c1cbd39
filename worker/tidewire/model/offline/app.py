"""The HTTP interface of the offline model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tidewire.model.offline.completion import Completion
from tidewire.model.offline.request import MODEL, BadRequestError, answer_bad_request, read_request


@dataclass(frozen=True, slots=True)
class OfflineConfig:
    """How the offline model behaves.

    Args:
      rate: deltas per second of one stream; 0 is as fast as possible.
      repeat_last_sentence: begin a continuation with the last sentence of what it continues.
    """

    rate: float = 50.0
    repeat_last_sentence: bool = False


def make_app(config: OfflineConfig) -> Starlette:
    """Return the ASGI application."""

    async def complete(request: Request) -> Response:
        wanted = await read_request(request)
        completion = Completion(wanted, repeat_last_sentence=config.repeat_last_sentence)
        if not wanted.stream:
            return JSONResponse(completion.whole())
        events = _stream(completion, rate=config.rate, include_usage=wanted.include_usage)
        headers = {"cache-control": "no-cache"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    return Starlette(
        routes=[
            Route("/health", _health),
            Route("/v1/models", _models),
            Route("/v1/chat/completions", complete, methods=["POST"]),
        ],
        exception_handlers={BadRequestError: answer_bad_request},
    )


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok", "model": MODEL})


async def _models(_: Request) -> Response:
    about = "Answers with sentences of the documents in its prompt. Generates nothing."
    model = {
        "id": MODEL,
        "object": "model",
        "created": 0,
        "owned_by": "tidewire",
        "description": about,
    }
    return JSONResponse({"object": "list", "data": [model]})


async def _stream(
    completion: Completion, *, rate: float, include_usage: bool
) -> AsyncIterator[str]:
    """Yield the stream's events, each delta at its time.

    The times are fixed when the stream begins: a late delta makes no later one late, so that
    the rate is kept on a busy machine.
    """
    yield _event(completion.chunk({"role": "assistant", "content": ""}))
    clock = asyncio.get_running_loop().time
    started = clock()
    for place, delta in enumerate(completion.deltas):
        due = started + place / rate if rate else 0.0
        await asyncio.sleep(max(0.0, due - clock()))
        yield _event(completion.chunk({"content": delta}))
    for event in _ending(completion, include_usage=include_usage):
        yield event


def _ending(completion: Completion, *, include_usage: bool) -> Iterator[str]:
    yield _event(completion.chunk({}, completion.finish_reason))
    if include_usage:
        yield _event(completion.usage_chunk())
    yield "data: [DONE]\n\n"


def _event(document: dict[str, Any]) -> str:
    return f"data: {json.dumps(document, separators=(',', ':'))}\n\n"
