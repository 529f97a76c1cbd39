"""Broadcasts: encoded at most once per protocol version, however many subscribers there are."""

from __future__ import annotations

from typing import Any, Protocol

import orjson

from tidewire.local.realtime.frames import Message, UserPush, Version, binary_frame, text_frame

_KIND_USER_BROADCAST = 4
# The header counts its fields in one byte each.
_LONGEST_FIELD = 255


class Broadcast(Protocol):
    """Something every subscriber of a topic receives."""

    def frame(self, version: Version) -> bytes | None:
        """Return the WebSocket frame for clients of `version`; None if they cannot read it."""


class TextBroadcast:
    """A broadcast sent as JSON text: keys are sorted, nothing else is changed."""

    __slots__ = ("_body", "_frames", "_topic")

    def __init__(self, topic: str, payload: Any) -> None:
        self._topic = orjson.dumps(topic)
        self._body = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
        self._frames: dict[Version, bytes] = {}

    def frame(self, version: Version) -> bytes:
        frame = self._frames.get(version)
        if frame is None:
            frame = self._frames[version] = text_frame(
                broadcast_text(version, self._topic, self._body)
            )
        return frame


class UserBroadcast:
    """A broadcast whose payload is passed on byte for byte: of a binary frame, or of a row."""

    __slots__ = ("_event", "_frames", "_is_json", "_message_id", "_payload", "_topic")

    def __init__(
        self, topic: str, event: str, payload: bytes, *, is_json: bool, message_id: str | None
    ) -> None:
        self._topic, self._event, self._payload = topic, event, payload
        self._is_json, self._message_id = is_json, message_id
        self._frames: dict[Version, bytes | None] = {}

    def frame(self, version: Version) -> bytes | None:
        if version not in self._frames:
            self._frames[version] = self._binary() if version is Version.V2 else self._text(version)
        return self._frames[version]

    def _text(self, version: Version) -> bytes | None:
        if not self._is_json:
            return None
        meta = b'"meta":' + self._meta() + b"," if self._message_id is not None else b""
        body = (
            b'{"event":%b,%b"payload":%b,"type":"broadcast"}'
            % (orjson.dumps(self._event), meta, self._payload)
        )  # fmt: skip
        return text_frame(broadcast_text(version, orjson.dumps(self._topic), body))

    def _binary(self) -> bytes | None:
        topic, event = self._topic.encode(), self._event.encode()
        meta = self._meta() if self._message_id is not None else b""
        if max(len(topic), len(event), len(meta)) > _LONGEST_FIELD:
            # A 2.0.0 client reads text as well, and text has no such limit.
            return self._text(Version.V2)
        header = bytes(
            (_KIND_USER_BROADCAST, len(topic), len(event), len(meta), int(self._is_json))
        )
        return binary_frame(b"".join((header, topic, event, meta, self._payload)))

    def _meta(self) -> bytes:
        return orjson.dumps({"id": self._message_id})


def broadcast_text(version: Version, topic: bytes, body: bytes) -> bytes:
    """Return the text of a broadcast from its topic and payload, which are JSON already."""
    if version is Version.V1:
        return b'{"ref":null,"event":"broadcast","topic":%b,"payload":%b}' % (topic, body)
    return b'[null,null,%b,"broadcast",%b]' % (topic, body)


def broadcast_of(message: Message | UserPush) -> Broadcast:
    """Return the broadcast that a client's message asks for. Its metadata is not passed on."""
    if isinstance(message, Message):
        return TextBroadcast(message.topic, message.payload)
    return UserBroadcast(
        message.topic, message.event, message.payload, is_json=message.is_json, message_id=None
    )
