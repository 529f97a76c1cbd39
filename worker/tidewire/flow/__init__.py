"""What a developer writes: a flow, its steps, and the types that pass between them.

Pure: nothing here does I/O or knows of a database, a worker or a model.
"""

from __future__ import annotations

from tidewire.flow.cache import Cache, CacheScope
from tidewire.flow.chat import ChatInput, MessagePart, UserMessage
from tidewire.flow.codec import Codec
from tidewire.flow.condition import Condition, Otherwise
from tidewire.flow.context import Context, StreamedText
from tidewire.flow.definition import Flow
from tidewire.flow.retry import OnExhausted, OnRetry, RetryPolicy
from tidewire.flow.shape import Access, Edges, FlowShape, MapOver, Outcome, StepShape
from tidewire.flow.step import Step
from tidewire.flow.timing import Timing

__all__ = [
    "Access",
    "Cache",
    "CacheScope",
    "ChatInput",
    "Codec",
    "Condition",
    "Context",
    "Edges",
    "Flow",
    "FlowShape",
    "MapOver",
    "MessagePart",
    "OnExhausted",
    "OnRetry",
    "Otherwise",
    "Outcome",
    "RetryPolicy",
    "Step",
    "StepShape",
    "StreamedText",
    "Timing",
    "UserMessage",
]
