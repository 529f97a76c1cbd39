"""`ctx.model`: a language model whose answer goes into the run's log as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_never

from tidewire.engine.services import LanguageModel
from tidewire.errors import RetryableStepError
from tidewire.model import (
    ChatMessage,
    Finish,
    FinishReason,
    ModelEvent,
    ReasoningDelta,
    TextDelta,
    Usage,
)
from tidewire.stream.part import StreamedPart
from tidewire.stream.writer import StreamWriter


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A whole answer, with what an earlier attempt had already streamed of it."""

    text: str
    finish_reason: FinishReason
    usage: Usage | None


class StepModel:
    """Asks a model on behalf of one step.

    Args:
      stream: returns the step's writer, or raises when the step may not write.
    """

    def __init__(self, model: LanguageModel, stream: Callable[[], StreamWriter]) -> None:
        self._model, self._stream = model, stream

    async def text(self, messages: Sequence[ChatMessage]) -> ModelAnswer:
        """Ask the model and return its answer; nothing goes into the log.

        For steps whose output readers do not follow, and for items of a map. Cancelling closes the
        model's connection.
        """
        said: list[str] = []
        async with aclosing(self._events(messages)) as events:
            async for event in events:
                match event:
                    case TextDelta(text):
                        said.append(text)
                    case Finish():
                        return ModelAnswer("".join(said), event.finish_reason, event.usage)
        raise RetryableStepError("the language model ended its answer without a finish")

    def _events(
        self, messages: Sequence[ChatMessage], partial: str = ""
    ) -> AsyncGenerator[ModelEvent, None]:
        return self._model.stream(messages, partial=partial)

    async def stream_text(
        self, messages: Sequence[ChatMessage], *, part: str | None = None
    ) -> ModelAnswer:
        """Ask the model and stream its answer as one text part.

        A text part that an earlier attempt left open is continued: the model is given what is
        there, and the returned text is the whole of it. One that it had ended is returned without
        asking the model, with the finish reason "stop" and no usage. Reasoning becomes parts of
        its own. Usage and timing go into the message's metadata. Cancelling closes the model's
        connection.

        Args:
          messages: the conversation, oldest first.
          part: name of the text part, for a step that streams several at once.
        """
        stream = self._stream()
        begun = stream.text(part)
        if begun.complete:
            await begun.end()
            return ModelAnswer(begun.text_so_far, "stop", None)
        async with AsyncExitStack() as stack:
            answer = _Answer(stream, begun, stack)
            events = self._events(messages, answer.partial)
            async with aclosing(events):
                async for event in events:
                    match event:
                        case TextDelta(text):
                            await answer.say(text)
                        case ReasoningDelta(text):
                            await answer.think(text)
                        case Finish():
                            return await answer.finish(event)
                        case _:
                            assert_never(event)
        raise RetryableStepError("the language model ended its answer without a finish")


class _Answer:
    """The parts of one answer while it comes."""

    def __init__(self, stream: StreamWriter, text: StreamedPart, stack: AsyncExitStack) -> None:
        self._stream, self._text, self._stack = stream, text, stack
        self.partial = text.text_so_far
        self._said = [text.text_so_far] if text.text_so_far else []
        self._talking = False
        self._thought: StreamedPart | None = None

    async def say(self, text: str) -> None:
        if self._thought is not None:
            await self._thought.end()
            self._thought = None
        if not self._talking:
            # Not before there is something to say: thinking comes first in the log too.
            self._talking = True
            await self._stack.enter_async_context(self._text)
        self._said.append(text)
        await self._text.write(text)

    async def think(self, text: str) -> None:
        if self._thought is None:
            self._thought = await self._stack.enter_async_context(self._stream.reasoning())
        await self._thought.write(text)

    async def finish(self, event: Finish) -> ModelAnswer:
        if self._thought is not None:
            await self._thought.end()
        if self._talking or self.partial:
            await self._text.end()
        await self._stream.metadata(_metadata(event))
        return ModelAnswer("".join(self._said), event.finish_reason, event.usage)


def _metadata(event: Finish) -> dict[str, Any]:
    timing: dict[str, Any] = {"totalMs": _milliseconds(event.timing.total)}
    if event.timing.to_first_delta is not None:
        timing["toFirstDeltaMs"] = _milliseconds(event.timing.to_first_delta)
    metadata: dict[str, Any] = {"timing": timing}
    if event.usage is not None:
        metadata["usage"] = {
            "inputTokens": event.usage.input_tokens,
            "outputTokens": event.usage.output_tokens,
            "totalTokens": event.usage.total_tokens,
        }
    return metadata


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
