"""What is said to a language model, and what comes back from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "content-filter", "tool-calls", "error", "other"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """The next piece of what the model thinks before it answers; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the provider counts them."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the model took, from the request on. `to_first_delta` is None without any delta."""

    to_first_delta: timedelta | None
    total: timedelta


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of an answer; always the last event."""

    finish_reason: FinishReason
    usage: Usage | None
    timing: Timing


ModelEvent = TextDelta | ReasoningDelta | Finish
