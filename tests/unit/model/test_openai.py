"""The adapter, with the real client, against the offline model and against failing providers."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from tidewire.errors import PermanentStepError, RetryableStepError, StepError
from tidewire.model import (
    ChatMessage,
    Document,
    Finish,
    ModelEvent,
    ReasoningDelta,
    TextDelta,
    write_documents,
)
from tidewire.model.openai import ChatModel, ModelConfig

DOCUMENTS = [
    Document(
        number,
        f"Chapter {number}",
        " ".join(
            f"Sentence {place} of chapter {number} says that the context manager number {place} "
            "enters before the body of the statement and exits after it."
            for place in range(8)
        ),
    )
    for number in (1, 2, 3)
]
MESSAGES = [
    ChatMessage("system", "Answer from the documents."),
    ChatMessage("user", f"{write_documents(DOCUMENTS)}\n\nWhen does a context manager exit?"),
]


def config(base_url: str, **changes: Any) -> ModelConfig:
    return ModelConfig(base_url, "sk-secret-key", **{"model": "offline", **changes})


async def read(settings: ModelConfig, partial: str = "") -> list[ModelEvent]:
    async with ChatModel(settings) as model:
        return [event async for event in model.stream(MESSAGES, partial=partial)]


def text_of(events: list[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_answer_streams_in_many_deltas_and_finishes(fast_model: str) -> None:
    *deltas, finish = await read(config(fast_model))
    assert len(deltas) >= 220
    assert "[1]" in text_of(deltas)
    assert isinstance(finish, Finish)
    assert finish.finish_reason == "stop"
    assert finish.usage is not None
    assert finish.usage.output_tokens == len(deltas)
    assert finish.usage.total_tokens == finish.usage.input_tokens + len(deltas)
    assert finish.timing.to_first_delta is not None
    assert finish.timing.to_first_delta <= finish.timing.total


@pytest.mark.parametrize("prefill", [True, False])
async def test_continued_answer_is_the_answer_that_was_cut_off(
    fast_model: str, prefill: bool
) -> None:
    whole = text_of(await read(config(fast_model)))
    for cut in (1, 30, 333, len(whole) - 2, len(whole)):
        rest = await read(config(fast_model, supports_prefill=prefill), whole[:cut])
        assert whole[:cut] + text_of(rest) == whole


async def test_repeated_sentence_of_a_continuation_is_trimmed(
    start_model: Callable[..., str],
) -> None:
    base_url = start_model("--rate", "0", "--repeat-last-sentence")
    whole = text_of(await read(config(base_url)))
    for cut in range(1, len(whole), 61):
        rest = text_of(await read(config(base_url), whole[:cut]))
        assert whole[:cut] + rest == whole


async def test_unknown_model_fails_for_good(fast_model: str) -> None:
    with pytest.raises(PermanentStepError, match="not known to its provider"):
        await read(config(fast_model, model="gpt-unknown"))


def http(status: int, body: bytes, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status} Status\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
    return f"{head}connection: close\r\n\r\n".encode() + body


def sse(*events: dict[str, Any] | str, more: bool = False) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    lines = (event if isinstance(event, str) else json.dumps(event) for event in events)
    return head + "".join(f"data: {line}\n\n" for line in lines).encode() + b"..." * more


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "m",
        "choices": [choice],
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, RetryableStepError) for status in (408, 409, 429, 500, 502, 503, 529)),
        *((status, PermanentStepError) for status in (400, 401, 403, 404, 422)),
    ],
)
async def test_provider_error_becomes_the_matching_step_error_without_its_text(
    start_provider: Any, status: int, kind: type[StepError]
) -> None:
    body = json.dumps({"error": {"message": "key sk-secret-key is odd"}}).encode()
    provider = await start_provider(http(status, body))
    with pytest.raises(kind, match=rf"\(HTTP {status}\)") as caught:
        await read(config(provider.base_url))
    assert "sk-secret" not in str(caught.value)
    assert provider.requests == 1


async def test_connection_that_fails_is_tried_again_before_any_answer(
    start_provider: Any,
) -> None:
    good = sse(chunk({"content": "yes"}), chunk({}, "stop"), "[DONE]")
    provider = await start_provider(b"", good)
    assert text_of(await read(config(provider.base_url))) == "yes"
    assert provider.requests == 2


async def test_unreachable_provider_is_retryable(start_provider: Any) -> None:
    provider = await start_provider(b"")
    with pytest.raises(RetryableStepError, match="could not be reached"):
        await read(config(provider.base_url))
    assert provider.requests == 3


@pytest.mark.parametrize(
    "broken",
    [
        sse(chunk({"content": "half an ans"})),
        sse(chunk({"content": "half"}), {"error": {"message": "overloaded"}}),
        sse(chunk({"content": "half"}), "{no json"),
    ],
)
async def test_answer_that_breaks_off_is_retryable_and_not_a_success(
    start_provider: Any, broken: bytes
) -> None:
    provider = await start_provider(broken)
    with pytest.raises(RetryableStepError):
        await read(config(provider.base_url))
    assert provider.requests == 1


@pytest.mark.parametrize(
    ("reason", "mapped"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content-filter"),
        ("tool_calls", "tool-calls"),
        ("error", "error"),
        ("eos", "other"),
    ],
)
async def test_finish_reason_is_one_that_the_page_knows(
    start_provider: Any, reason: str, mapped: str
) -> None:
    provider = await start_provider(sse(chunk({}, reason), "[DONE]"))
    [finish] = await read(config(provider.base_url))
    assert isinstance(finish, Finish)
    assert finish.finish_reason == mapped


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
async def test_reasoning_is_told_apart_from_the_answer(start_provider: Any, name: str) -> None:
    provider = await start_provider(
        sse(chunk({name: "hm"}), chunk({"content": "yes"}), chunk({}, "stop"), "[DONE]")
    )
    events = await read(config(provider.base_url))
    assert events[:2] == [ReasoningDelta("hm"), TextDelta("yes")]


async def test_request_carries_the_key_and_asks_for_usage(start_provider: Any) -> None:
    provider = await start_provider(sse(chunk({}, "stop"), "[DONE]"))
    await read(config(provider.base_url, model="some-model"), partial="So far")
    head, body = provider.last_request.split(b"\r\n\r\n", 1)
    assert b"authorization: bearer sk-secret-key" in head.lower()
    asked = json.loads(body)
    assert asked["model"] == "some-model"
    assert asked["stream"] is True
    assert asked["stream_options"] == {"include_usage": True}
    assert [m["role"] for m in asked["messages"]] == ["system", "user", "assistant", "user"]


async def test_chunks_that_lack_parts_are_read_as_far_as_they_go(start_provider: Any) -> None:
    provider = await start_provider(
        sse(
            {"choices": None, "usage": None},
            {"choices": [{"delta": None}]},
            {"choices": [{"delta": {"content": None}}]},
            chunk({"content": "yes"}, "stop"),
            {"usage": {"prompt_tokens": 2, "completion_tokens": 1}},
            "[DONE]",
        )
    )
    said, finish = await read(config(provider.base_url))
    assert said == TextDelta("yes")
    assert isinstance(finish, Finish)
    assert finish.usage is not None
    assert finish.usage.total_tokens == 3


async def test_closing_the_iterator_closes_the_request(start_provider: Any) -> None:
    provider = await start_provider(sse(chunk({"content": "one"}), more=True))
    async with ChatModel(config(provider.base_url)) as model:
        async with aclosing(model.stream(MESSAGES)) as events:
            assert await anext(events) == TextDelta("one")
        await asyncio.wait_for(provider.hung_up.wait(), 5)


async def test_cancelling_the_reader_closes_the_request(start_provider: Any) -> None:
    provider = await start_provider(sse(chunk({"content": "one"}), more=True))
    began = asyncio.Event()

    async def consume(model: ChatModel) -> None:
        async with aclosing(model.stream(MESSAGES)) as events:
            async for _ in events:
                began.set()

    async with ChatModel(config(provider.base_url)) as model:
        reading = asyncio.create_task(consume(model))
        await began.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await asyncio.wait_for(provider.hung_up.wait(), 5)


def test_settings_do_not_show_the_key() -> None:
    assert "secret" not in repr(config("http://127.0.0.1/v1"))


async def test_stream_keeps_the_pace_that_was_set(start_model: Callable[..., str]) -> None:
    base_url = start_model("--rate", "400")
    *deltas, finish = await read(config(base_url))
    assert isinstance(finish, Finish)
    assert finish.timing.total.total_seconds() >= (len(deltas) - 1) / 400


async def test_offline_model_says_what_it_is(fast_model: str) -> None:
    async with httpx.AsyncClient(base_url=fast_model) as client:
        [model] = (await client.get("/models")).json()["data"]
        health = await client.get(fast_model.removesuffix("/v1") + "/health")
    assert model["id"] == "offline"
    assert "Generates nothing" in model["description"]
    assert health.json()["status"] == "ok"


async def test_whole_answer_equals_the_streamed_one(fast_model: str) -> None:
    streamed = text_of(await read(config(fast_model)))
    messages = [{"role": m.role, "content": m.content} for m in MESSAGES]
    async with httpx.AsyncClient(base_url=fast_model) as client:
        asked = {"model": "offline", "messages": messages}
        answer = (await client.post("/chat/completions", json=asked)).json()
        short = (await client.post("/chat/completions", json=asked | {"max_tokens": 3})).json()
    assert answer["choices"][0]["message"]["content"] == streamed
    assert short["choices"][0]["finish_reason"] == "length"
    assert short["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("no json", None),
        ("{}", "model"),
        ('{"model": "offline", "messages": []}', "messages"),
        ('{"model": "offline", "messages": [{"role": "user"}]}', "messages.0.content"),
    ],
)
async def test_bad_request_is_answered_as_the_openai_api_does(
    fast_model: str, body: str, param: str | None
) -> None:
    async with httpx.AsyncClient(base_url=fast_model) as client:
        response = await client.post("/chat/completions", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.json()["error"]["param"] == param


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_offline_model_ends_quietly_when_told_to(sent: signal.Signals) -> None:
    command = [sys.executable, "-m", "tidewire.model.offline"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        health = httpx.get(base_url.removesuffix("/v1") + "/health")
        process.send_signal(sent)
        _, complaint = process.communicate(timeout=10)
    assert health.status_code == 200
    assert complaint == ""
