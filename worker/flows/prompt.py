"""The messages that ask the model to answer from the extracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flows.evidence import Extract
from tidewire.model import ChatMessage, Document, write_documents

_SYSTEM: Final = (
    "You answer questions about the Python language. Use nothing but the documents that come "
    "with the question, and cite them by number, like [1], after what you take from them. If "
    "they do not answer the question, say so. Answer in prose, in a few paragraphs."
)


def prompt(
    question: str, extracts: Sequence[Extract], earlier: Sequence[Mapping[str, Any]]
) -> list[ChatMessage]:
    """Return the messages for the model.

    Args:
      question: what the user asks now.
      extracts: what the answer may rest on.
      earlier: the UI messages before the question, oldest first, already cut to size.
    """
    documents = [Document(e.number, e.title, " ".join(e.sentences)) for e in extracts]
    turns = [
        ChatMessage("user" if message["role"] == "user" else "assistant", text)
        for message in earlier
        if (text := message_text(message))
    ]
    asked = f"{write_documents(documents)}\n\n{question}" if documents else question
    return [ChatMessage("system", _SYSTEM), *turns, ChatMessage("user", asked)]


def message_text(message: Mapping[str, Any]) -> str:
    """Return the text parts of a UI message, joined."""
    return "".join(part["text"] for part in message["parts"] if part.get("type") == "text")
