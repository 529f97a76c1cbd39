"""One WebSocket connection to Realtime, with the channels joined on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from realtime import AsyncRealtimeChannel, AsyncRealtimeClient, RealtimeSubscribeStates
from realtime.message import Message
from realtime.types import RealtimeAcknowledgementStatus, RealtimeChannelOptions

from tidewire.stream.payload import EVENT

_log = logging.getLogger(__name__)

MOST_CHANNELS: Final = 100
_PROBE_SECONDS: Final = 3
_SEND_SECONDS: Final = 5.0
_JOIN_SECONDS: Final = 10


class SendingDenied(Exception):
    """The server does not deliver what this key sends on private channels."""


class RealtimeSocket:
    """A connection that is thrown away once it is lost.

    The client could reconnect by itself, but gives up for good after some seconds and then takes
    sends in silence. So its reconnecting is off, and whoever holds the socket builds a new one.

    Args:
      lost: called once when the connection has ended without `close`.
    """

    def __init__(self, url: str, key: str, *, name: str, lost: Callable[[], None]) -> None:
        self._client = AsyncRealtimeClient(
            f"{url.rstrip('/')}/realtime/v1",
            token=key,
            auto_reconnect=False,
            max_retries=1,
            timeout=_JOIN_SECONDS,
        )
        self._probe_topic = f"tidewire:worker:{name}"
        self._lost = lost
        self._closed = False
        self._channels: dict[str, AsyncRealtimeChannel] = {}
        self._leaving: set[str] = set()
        self._number = 0

    @property
    def alive(self) -> bool:
        """Whether it can be used."""
        return not self._closed and self._client.is_connected

    @property
    def room(self) -> int:
        """How many more channels it may have."""
        return MOST_CHANNELS - len(self._channels)

    async def open(self) -> None:
        """Connect, and prove the right to send: a denial would be silent.

        Raises:
          SendingDenied: private messages of this key are not delivered.
          OSError: the server is not there.
        """
        await self._client.connect()
        channel = self._channel(self._probe_topic, acknowledged=True)
        await self._subscribe(channel, self._probe_topic)
        if not channel.is_joined:
            raise SendingDenied("the private probe channel could not be joined")
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def answer(ok: bool) -> Callable[..., None]:
            return lambda *_: None if answered.done() else answered.set_result(ok)

        body = {"type": "broadcast", "event": "probe", "payload": {}}
        push = await channel.push("broadcast", body, timeout=_PROBE_SECONDS)
        push.receive(RealtimeAcknowledgementStatus.Ok, answer(True))
        push.receive(RealtimeAcknowledgementStatus.Error, answer(False))
        push.receive(RealtimeAcknowledgementStatus.Timeout, answer(False))
        if not await answered:
            raise SendingDenied("a private probe message was not acknowledged")

    def joined(self, topic: str) -> bool:
        """Whether `send` may be used for the topic."""
        channel = self._channels.get(topic)
        return channel is not None and channel.is_joined and topic not in self._leaving

    async def join(self, topic: str) -> bool:
        """Join a private channel; return whether that worked."""
        if topic in self._channels:
            return self.joined(topic)
        channel = self._channel(topic, acknowledged=False)
        await self._subscribe(channel, topic)
        if not channel.is_joined:
            self._forget(topic)
            return False
        return True

    async def leave(self, topic: str) -> None:
        """Leave a channel. Its place is free once the server has closed it."""
        channel = self._channels.get(topic)
        if channel is None or topic in self._leaving or not self.alive:
            return
        self._leaving.add(topic)
        try:
            # Not `unsubscribe`, which starts a timer that outlives the connection.
            await self._send(channel, "phx_leave", {})
        except Exception as error:  # then the connection is lost, and the channel with it
            _log.debug("leave failed", extra={"topic": topic, "fault": repr(error)})

    async def send(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Send to a joined channel, without an acknowledgement.

        Raises:
          Exception: whatever the client makes of a broken or stuck connection, which is lost.
        """
        channel = self._channels[topic]
        body = {"type": "broadcast", "event": EVENT, "payload": payload}
        # Not `send_broadcast`, which keeps a task and a timer for each message.
        await self._send(channel, "broadcast", body)

    async def close(self) -> None:
        """Close the connection and end everything that belongs to it."""
        self._closed = True
        for topic in list(self._channels):
            self._forget(topic)
        await self._client.close()
        # The client cancels its tasks without waiting for them.
        await asyncio.sleep(0)

    def _channel(self, topic: str, *, acknowledged: bool) -> AsyncRealtimeChannel:
        options: RealtimeChannelOptions = {
            "config": {
                "broadcast": {"ack": acknowledged, "self": False},
                "presence": {"key": "", "enabled": False},
                "private": True,
            }
        }
        channel = self._client.channel(topic, options)
        self._channels[topic] = channel
        return channel

    async def _subscribe(self, channel: AsyncRealtimeChannel, topic: str) -> None:
        def changed(state: RealtimeSubscribeStates, _error: Exception | None) -> None:
            if state == RealtimeSubscribeStates.CLOSED:
                self._forget(topic)
            if not self._client.is_connected:
                self._report_loss()

        await channel.subscribe(changed)

    async def _send(
        self, channel: AsyncRealtimeChannel, event: str, payload: Mapping[str, Any]
    ) -> None:
        self._number += 1
        message = Message(
            event=event,
            topic=channel.topic,
            payload=payload,
            ref=f"tidewire-{self._number}",
            join_ref=channel.join_push.ref,
        )
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._client.send(message)
        except Exception:
            self._report_loss()
            raise

    def _forget(self, topic: str) -> None:
        channel = self._channels.pop(topic, None)
        self._leaving.discard(topic)
        if channel is not None:
            channel.rejoin_timer.reset()
            channel.join_push.destroy()
            if self._client.channels.get(channel.topic) is channel:
                del self._client.channels[channel.topic]

    def _report_loss(self) -> None:
        if not self._closed:
            self._closed = True
            self._lost()
