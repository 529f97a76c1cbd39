"""The body of `POST /api/broadcast`, checked as the hosted server checks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tidewire.local.realtime.payload_size import external_size

_BLANK, _INVALID = "can't be blank", "is invalid"
_TOO_LARGE = "Payload size exceeds tenant limit"


class InvalidRequest(Exception):
    """A body is refused; `errors` is what the sender is told."""

    def __init__(self, errors: Any) -> None:
        super().__init__("broadcast request is invalid")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class RequestedBroadcast:
    """One message of a batch. Its topic has no `realtime:` prefix."""

    topic: str
    event: str
    payload: dict[str, Any]
    private: bool
    message_id: str | None

    def wire_payload(self) -> dict[str, Any]:
        """Return the payload that subscribers receive."""
        meta = {} if self.message_id is None else {"meta": {"id": self.message_id}}
        return {"event": self.event, "payload": self.payload, "type": "broadcast", **meta}


def parse_batch(body: Any, *, payload_limit: int) -> list[RequestedBroadcast]:
    """Return the messages of a decoded body; one bad message refuses them all.

    Raises:
      InvalidRequest: with one entry a message, in order.
    """
    messages = body.get("messages") if isinstance(body, dict) else None
    if messages is None or messages == []:
        raise InvalidRequest([_BLANK])
    if not isinstance(messages, list) or not all(isinstance(item, dict) for item in messages):
        raise InvalidRequest([_INVALID])
    errors = [_errors(item, payload_limit) for item in messages]
    if any(errors):
        raise InvalidRequest(errors)
    return [
        RequestedBroadcast(
            item["topic"],
            item["event"],
            item["payload"],
            _boolean(item.get("private")) or False,
            item.get("id"),
        )
        for item in messages
    ]


def _errors(item: dict[str, Any], payload_limit: int) -> dict[str, list[str]]:
    found = {
        "event": _text_error(item.get("event"), required=True),
        "id": _text_error(item.get("id"), required=False),
        "payload": _payload_error(item.get("payload"), payload_limit),
        "private": None if _boolean(item.get("private")) is not None else _INVALID,
        "topic": _text_error(item.get("topic"), required=True),
    }
    return {field: [error] for field, error in found.items() if error is not None}


def _text_error(value: Any, *, required: bool) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return _BLANK if required else None
    return None if isinstance(value, str) else _INVALID


def _payload_error(value: Any, limit: int) -> str | None:
    if value is None:
        return _BLANK
    if not isinstance(value, dict):
        return _INVALID
    return _TOO_LARGE if external_size(value) > limit else None


def _boolean(value: Any) -> bool | None:
    if value is None or value is False or value in ("false", "0"):
        return False
    return True if value is True or value in ("true", "1") else None
