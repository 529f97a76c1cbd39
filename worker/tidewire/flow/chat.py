"""The input of chat flows: one UI message of a user, as the AI SDK's `useChat` sends it."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class MessagePart(BaseModel):
    """One part of a message. Parts other than text are kept as they came."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(min_length=1)
    text: str | None = None

    @model_validator(mode="after")
    def _text_part_has_text(self) -> Self:
        if self.type == "text" and self.text is None:
            raise ValueError("a part of type text must have text")
        return self


class UserMessage(BaseModel):
    """A message of the user, in the form of an AI SDK UIMessage."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(min_length=1)
    role: Literal["user"]
    parts: list[MessagePart] = Field(min_length=1)
    metadata: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(part.text or "" for part in self.parts if part.type == "text")


class ChatInput(BaseModel):
    """The run input that `send_message` makes."""

    model_config = ConfigDict(frozen=True)

    message: UserMessage
