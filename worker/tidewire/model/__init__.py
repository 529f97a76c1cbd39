"""Language models: the messages, the adapter for OpenAI-compatible APIs, the offline model."""

from __future__ import annotations

from tidewire.model.documents import Document, read_documents, write_documents
from tidewire.model.messages import (
    ChatMessage,
    Finish,
    FinishReason,
    ModelEvent,
    ReasoningDelta,
    Role,
    TextDelta,
    Timing,
    Usage,
)

__all__ = [
    "ChatMessage",
    "Document",
    "Finish",
    "FinishReason",
    "ModelEvent",
    "ReasoningDelta",
    "Role",
    "TextDelta",
    "Timing",
    "Usage",
    "read_documents",
    "write_documents",
]
