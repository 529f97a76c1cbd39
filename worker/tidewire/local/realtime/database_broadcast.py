"""Turns inserted rows of `realtime.messages` into broadcasts."""

from __future__ import annotations

import logging

from tidewire.local.realtime.broadcast import UserBroadcast
from tidewire.local.realtime.hub import TOPIC_PREFIX, Hub
from tidewire.local.realtime.pgoutput import Row

_log = logging.getLogger(__name__)


class DatabaseBroadcaster:
    """Publishes each row to the channels of its topic. No policy is asked: the join was."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def publish(self, row: Row) -> None:
        topic, event = _text(row["topic"]), row["event"]
        payload, binary = row["payload"], row.get("binary_payload")
        if binary is not None:
            payload = bytes.fromhex(binary.removeprefix(b"\\x").decode())
        if row["extension"] != b"broadcast" or event is None or payload is None:
            _log.warning("message of the database is incomplete", extra={"topic": topic})
            return
        if len(payload) > self._hub.settings.max_payload_bytes:
            _log.warning("message of the database is too large", extra={"topic": topic})
            return
        if self._hub.events.exceeded:
            _log.warning("message of the database is over the rate", extra={"topic": topic})
            return
        self._hub.events.add()
        broadcast = UserBroadcast(
            TOPIC_PREFIX + topic,
            event.decode(),
            payload,
            is_json=binary is None,
            message_id=_text(row["id"]),
        )
        self._hub.publish(broadcast, topic, private=row["private"] == b"t")


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode()
