"""Messages of the two protocol versions, to and from WebSocket frames."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import orjson
from websockets.frames import Frame, Opcode


class Version(enum.Enum):
    """A protocol version a client may ask for with `vsn`."""

    V1 = "1.0.0"
    V2 = "2.0.0"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the channel protocol. Refs are whatever JSON value the client sent."""

    topic: str
    event: str
    payload: Any
    ref: Any = None
    join_ref: Any = None


@dataclass(frozen=True, slots=True)
class UserPush:
    """A client's broadcast in a binary frame: its payload stays the bytes that were sent."""

    topic: str
    event: str
    ref: str
    join_ref: str
    payload: bytes
    is_json: bool


class MalformedFrame(Exception):
    """A frame is no message of the protocol. The server drops it and answers nothing."""


_KIND_USER_PUSH = 3
_USER_PUSH_HEADER = 7
_JSON_ENCODING = 1


def text_frame(data: bytes) -> bytes:
    """Return the WebSocket frame, as a server sends it, that carries `data` as text."""
    return Frame(Opcode.TEXT, data).serialize(mask=False)


def binary_frame(data: bytes) -> bytes:
    """Return the WebSocket frame, as a server sends it, that carries `data` as bytes."""
    return Frame(Opcode.BINARY, data).serialize(mask=False)


def decode_text(version: Version, data: bytes) -> Message:
    """Return the message of a text frame.

    Raises:
      MalformedFrame: no JSON, or not the shape of `version`.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise MalformedFrame("frame must be JSON") from error
    message = _from_object(value) if version is Version.V1 else _from_array(value)
    if not (isinstance(message.topic, str) and isinstance(message.event, str)):
        raise MalformedFrame("topic and event must be text")
    return message


def _from_object(value: Any) -> Message:
    if not isinstance(value, dict):
        raise MalformedFrame("frame must be an object")
    try:
        return Message(
            value["topic"], value["event"], value["payload"], value["ref"], value.get("join_ref")
        )
    except KeyError as error:
        raise MalformedFrame(f"frame must have the key {error}") from error


def _from_array(value: Any) -> Message:
    if not isinstance(value, list) or len(value) < 5:
        raise MalformedFrame("frame must be an array of five")
    join_ref, ref, topic, event, payload = value[:5]
    return Message(topic, event, payload, ref, join_ref)


def decode_binary(version: Version, data: bytes) -> UserPush:
    """Return the broadcast of a binary frame. A client's metadata is discarded.

    Raises:
      MalformedFrame: not a user push, cut short, or sent by a 1.0.0 client.
    """
    if version is Version.V1 or len(data) < _USER_PUSH_HEADER or data[0] != _KIND_USER_PUSH:
        raise MalformedFrame("binary frame must be a user push of protocol 2.0.0")
    position, fields = _USER_PUSH_HEADER, list[bytes]()
    for length in data[1:6]:
        fields.append(data[position : position + length])
        position += length
    if position > len(data):
        raise MalformedFrame("binary frame must hold the fields its header counts")
    try:
        join_ref, ref, topic, event = (field.decode() for field in fields[:4])
    except UnicodeDecodeError as error:
        raise MalformedFrame("fields must be UTF-8") from error
    return UserPush(topic, event, ref, join_ref, data[position:], data[6] == _JSON_ENCODING)


def encode(version: Version, message: Message) -> bytes:
    """Return the text frame of a message to one client. A 1.0.0 frame has no join ref."""
    if version is Version.V1:
        return text_frame(
            orjson.dumps(
                {
                    "ref": message.ref,
                    "event": message.event,
                    "topic": message.topic,
                    "payload": message.payload,
                }
            )
        )
    return text_frame(
        orjson.dumps([message.join_ref, message.ref, message.topic, message.event, message.payload])
    )
