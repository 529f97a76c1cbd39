"""Durable AI flows that stream, on nothing but Supabase."""

from __future__ import annotations

from tidewire.errors import (
    ConfigurationError,
    FlowDefinitionError,
    LeaseLost,
    PayloadTooLarge,
    PermanentStepError,
    RetryableStepError,
    RunCancelled,
    StepError,
    TidewireError,
)
from tidewire.flow import Cache, ChatInput, Context, Flow
from tidewire.model import ChatMessage
from tidewire.settings import Settings

__all__ = [
    "Cache",
    "ChatInput",
    "ChatMessage",
    "ConfigurationError",
    "Context",
    "Flow",
    "FlowDefinitionError",
    "LeaseLost",
    "PayloadTooLarge",
    "PermanentStepError",
    "RetryableStepError",
    "RunCancelled",
    "Settings",
    "StepError",
    "TidewireError",
]
