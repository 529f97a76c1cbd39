"""The messages that ask a model to go on with an answer that was cut off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tidewire.model.messages import ChatMessage

CONTINUE_INSTRUCTION: Final = (
    "Your answer above was cut off. Go on exactly where it ends, in the middle of the word if "
    "need be. Repeat nothing and do not mention the interruption."
)


def continuation_messages(
    messages: Sequence[ChatMessage], partial: str, *, supports_prefill: bool
) -> list[ChatMessage]:
    """Return `messages` followed by the request to continue `partial`.

    A model that can prefill goes on from a trailing assistant message. Any other takes that
    message for a finished turn and has to be told.
    """
    if not partial:
        return list(messages)
    continued = [*messages, ChatMessage("assistant", partial)]
    if not supports_prefill:
        continued.append(ChatMessage("user", CONTINUE_INSTRUCTION))
    return continued
