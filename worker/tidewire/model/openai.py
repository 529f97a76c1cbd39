"""Chat models behind the OpenAI API, hosted or compatible. The only importer of `openai`."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Final, Self

import openai
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from tidewire.errors import RetryableStepError
from tidewire.model.continuation import continuation_messages
from tidewire.model.messages import (
    ChatMessage,
    Finish,
    FinishReason,
    ModelEvent,
    ReasoningDelta,
    TextDelta,
    Timing,
    Usage,
)
from tidewire.model.overlap import OverlapTrimmer
from tidewire.model.provider_errors import step_error

# A lease lasts 15 s. Connecting may take several tries, but must not eat into a takeover.
_CONNECT_BUDGET: Final = 6.0
_CONNECT_TRIES: Final = 3
# Models that reason are silent for minutes; the step's own timeout is the bound that matters.
_TIMEOUT: Final = openai.Timeout(connect=3.0, read=300.0, write=30.0, pool=30.0)

_FINISH_REASONS: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
    "error": "error",
}


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which model to ask, and where.

    Args:
      base_url: the API's root, such as `https://api.openai.com/v1`.
      api_key: may be empty where the server asks for none.
      supports_prefill: the model goes on from a trailing assistant message.
    """

    base_url: str
    api_key: str = field(repr=False)
    model: str
    supports_prefill: bool = False


class ChatModel:
    """Streams answers of one model. Safe to share between steps."""

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._client = openai.AsyncOpenAI(
            base_url=config.base_url,
            api_key=config.api_key or "none",
            max_retries=0,
            timeout=_TIMEOUT,
        )

    @property
    def config(self) -> ModelConfig:
        """The settings it was made with."""
        return self._config

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def stream(
        self, messages: Sequence[ChatMessage], *, partial: str = ""
    ) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer to `messages` as it comes; the last event is a Finish.

        Closing the generator, or cancelling the task that reads it, closes the request: read it
        inside `contextlib.aclosing`.

        Args:
          messages: the conversation, oldest first.
          partial: the beginning of the answer that an earlier attempt has written. Then only
            what follows is yielded.

        Raises:
          RetryableStepError: the provider is busy, unreachable or broke off.
          PermanentStepError: the provider refuses this request.
        """
        started = time.monotonic()
        try:
            async with await self._connect(messages, partial) as chunks:
                # A model that prefills repeats nothing, so nothing may be taken for a repetition.
                prefilled = self._config.supports_prefill
                answer = _Answer(started, OverlapTrimmer("" if prefilled else partial))
                async for chunk in chunks:
                    for event in answer.read(chunk):
                        yield event
        except openai.APIError as error:
            raise step_error(getattr(error, "status_code", None)) from error
        except json.JSONDecodeError as error:
            raise RetryableStepError("the language model sent an unreadable answer") from error
        for event in answer.finish():
            yield event

    async def _connect(
        self, messages: Sequence[ChatMessage], partial: str
    ) -> openai.AsyncStream[object]:
        sent = continuation_messages(
            messages, partial, supports_prefill=self._config.supports_prefill
        )
        body = {
            "model": self._config.model,
            "messages": [{"role": m.role, "content": m.content} for m in sent],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(openai.APIConnectionError),
            stop=stop_after_attempt(_CONNECT_TRIES) | stop_before_delay(_CONNECT_BUDGET),
            wait=wait_random_exponential(multiplier=0.2, max=1.0),
            reraise=True,
        ):
            with attempt:
                # As plain objects: the client's typed chunks cost several times what a delta
                # costs otherwise, and one worker reads hundreds of streams.
                return await self._client.post(
                    "/chat/completions",
                    cast_to=object,
                    body=body,
                    stream=True,
                    stream_cls=openai.AsyncStream[object],
                )
        raise AssertionError("unreachable: the last attempt returns or raises")


class _Answer:
    """Turns the chunks of one response into events. Whatever a chunk lacks is taken as absent."""

    def __init__(self, started: float, trimmer: OverlapTrimmer) -> None:
        self._started, self._trimmer = started, trimmer
        self._first_delta: float | None = None
        self._reason: str | None = None
        self._usage: Usage | None = None

    def read(self, chunk: object) -> list[ModelEvent]:
        if not isinstance(chunk, dict):
            return []
        self._usage = _usage(chunk.get("usage")) or self._usage
        events: list[ModelEvent] = []
        for choice in chunk.get("choices") or ():
            self._reason = choice.get("finish_reason") or self._reason
            delta = choice.get("delta") or {}
            # Compatible servers differ in what they call it.
            if reasoning := delta.get("reasoning_content") or delta.get("reasoning"):
                events.append(ReasoningDelta(str(reasoning)))
            said = (delta.get("content") or "") + (delta.get("refusal") or "")
            if text := self._trimmer.feed(said):
                events.append(TextDelta(text))
        if events and self._first_delta is None:
            self._first_delta = time.monotonic()
        return events

    def finish(self) -> list[ModelEvent]:
        if self._reason is None:
            # A connection that a proxy closes looks like an end, but is none.
            raise RetryableStepError("the language model broke off in the middle of its answer")
        now = time.monotonic()
        rest = self._trimmer.finish()
        if rest and self._first_delta is None:
            self._first_delta = now
        first = self._first_delta
        timing = Timing(
            to_first_delta=None if first is None else timedelta(seconds=first - self._started),
            total=timedelta(seconds=now - self._started),
        )
        finish = Finish(_FINISH_REASONS.get(self._reason, "other"), self._usage, timing)
        return [TextDelta(rest), finish] if rest else [finish]


def _usage(counts: object) -> Usage | None:
    if not isinstance(counts, dict):
        return None
    asked, answered = counts.get("prompt_tokens") or 0, counts.get("completion_tokens") or 0
    return Usage(asked, answered, counts.get("total_tokens") or asked + answered)
