"""What a chat completion request asks, as the offline model understands it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidewire.model.continuation import CONTINUE_INSTRUCTION
from tidewire.model.documents import Document, read_documents, without_documents
from tidewire.model.messages import ChatMessage


@dataclass(frozen=True, slots=True)
class Conversation:
    """A question with its documents.

    Attributes:
      question: the last thing that the user said.
      earlier_questions: what the user said before, latest first.
      documents: from all messages, in order of appearance.
      partial: the beginning of the answer, when the request is to continue one.
    """

    question: str
    earlier_questions: tuple[str, ...]
    documents: tuple[Document, ...]
    partial: str


def read_conversation(messages: Sequence[ChatMessage]) -> Conversation:
    """Return what `messages` ask.

    Both ways of continuing are understood: a trailing assistant message, and one followed by the
    instruction to go on.
    """
    turns = list(messages)
    if len(turns) > 1 and turns[-1] == ChatMessage("user", CONTINUE_INSTRUCTION):
        turns.pop()
    partial = turns.pop().content if turns and turns[-1].role == "assistant" else ""
    asked = [without_documents(turn.content) for turn in turns if turn.role == "user"]
    question, *earlier = [text for text in reversed(asked) if text] or [""]
    documents = tuple(found for turn in turns for found in read_documents(turn.content))
    return Conversation(question, tuple(earlier), documents, partial)
