"""Chat completion objects: the whole one, and the chunks of a stream."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from typing import Any

from tidewire.model.messages import ChatMessage
from tidewire.model.offline.answer import continue_answer
from tidewire.model.offline.conversation import read_conversation
from tidewire.model.offline.request import MODEL, CompletionRequest

# About one word each, its white space first, as real tokenizers cut.
_DELTA = re.compile(r"\s*\S+|\s+\Z")


class Completion:
    """The answer to one request, in deltas."""

    def __init__(self, request: CompletionRequest, *, repeat_last_sentence: bool) -> None:
        messages = request.chat
        answer = continue_answer(
            read_conversation(messages), repeat_last_sentence=repeat_last_sentence
        )
        deltas: list[str] = _DELTA.findall(answer)
        self.deltas = deltas[: request.most_tokens]
        self.finish_reason = "stop" if len(self.deltas) == len(deltas) else "length"
        self.usage = _usage(messages, self.deltas)
        self._head = {"id": _identity(messages), "created": int(time.time()), "model": MODEL}

    def whole(self) -> dict[str, Any]:
        """Return the completion as one object."""
        message = {"role": "assistant", "content": "".join(self.deltas), "refusal": None}
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self.finish_reason,
        }
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self.usage,
        }

    def chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        """Return one chunk of the stream."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._head, "object": "chat.completion.chunk", "choices": [choice]}

    def usage_chunk(self) -> dict[str, Any]:
        """Return the chunk that follows the last choice when usage was asked for."""
        return {
            **self._head,
            "object": "chat.completion.chunk",
            "choices": [],
            "usage": self.usage,
        }


def _usage(messages: Sequence[ChatMessage], deltas: Sequence[str]) -> dict[str, int]:
    prompt = sum(len(_DELTA.findall(message.content)) for message in messages)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": len(deltas),
        "total_tokens": prompt + len(deltas),
    }


def _identity(messages: Sequence[ChatMessage]) -> str:
    """Return an id that is the same whenever the same is asked."""
    asked = "\x1e".join(f"{message.role}\x1f{message.content}" for message in messages)
    return f"chatcmpl-{hashlib.sha256(asked.encode(errors='replace')).hexdigest()[:24]}"
