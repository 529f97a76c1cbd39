"""What a developer writes: a flow, its steps, and the types that pass between them.

Pure: nothing here does I/O or knows of a database, a worker or a model.
"""

from __future__ import annotations

from tidewire.flow.chat import ChatInput, MessagePart, UserMessage
from tidewire.flow.codec import Codec
from tidewire.flow.context import Context, StreamedText
from tidewire.flow.definition import Flow
from tidewire.flow.shape import Access, FlowShape, OnRetry, RetryPolicy, StepShape
from tidewire.flow.step import Step

__all__ = [
    "Access",
    "ChatInput",
    "Codec",
    "Context",
    "Flow",
    "FlowShape",
    "MessagePart",
    "OnRetry",
    "RetryPolicy",
    "Step",
    "StepShape",
    "StreamedText",
    "UserMessage",
]
