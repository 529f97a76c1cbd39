"""Chat completion requests as they are received, and the errors that answer bad ones."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tidewire.model.messages import ChatMessage

MODEL: Final = "offline"


class BadRequestError(Exception):
    """The request is answered with an error in the form of the OpenAI API."""

    def __init__(
        self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code


class TextPart(BaseModel):
    """A text part of a message's content."""

    type: Literal["text"]
    text: str


class Message(BaseModel):
    """One message; its content may come in parts."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str

    @field_validator("content", mode="before")
    @classmethod
    def _join_parts(cls, content: Any) -> Any:
        if isinstance(content, list):
            return "".join(TextPart.model_validate(part).text for part in content)
        return content


class StreamOptions(BaseModel):
    """What a stream carries besides the answer."""

    include_usage: bool = False


class CompletionRequest(BaseModel):
    """The part of a chat completion request that the offline model heeds."""

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)

    @property
    def include_usage(self) -> bool:
        """Whether the stream ends with token counts."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def most_tokens(self) -> int | None:
        """The longest answer allowed."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def chat(self) -> list[ChatMessage]:
        """The messages; `developer` is what newer clients call `system`."""
        return [
            ChatMessage("system" if m.role == "developer" else m.role, m.content)
            for m in self.messages
        ]


async def read_request(request: Request) -> CompletionRequest:
    """Return the request's body.

    Raises:
      BadRequestError: it is not what the API takes, or asks for another model.
    """
    try:
        wanted = CompletionRequest.model_validate_json(await request.body())
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        param = ".".join(map(str, problem["loc"])) or None
        raise BadRequestError(f"{param or 'body'}: {problem['msg']}", param=param) from error
    if wanted.model != MODEL:
        raise BadRequestError(
            f"The model {wanted.model!r} does not exist; this server has {MODEL!r}.",
            status=404,
            param="model",
            code="model_not_found",
        )
    return wanted


async def answer_bad_request(request: Request, error: Exception) -> Response:
    """Answer a BadRequestError."""
    assert isinstance(error, BadRequestError)
    body = {
        "message": str(error),
        "type": "invalid_request_error",
        "param": error.param,
        "code": error.code,
    }
    return JSONResponse({"error": body}, status_code=error.status)
