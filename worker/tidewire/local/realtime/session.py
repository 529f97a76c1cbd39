"""A client's session: heartbeats, joins and leaves, and the channels of one socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from tidewire.local.realtime.authorization import AuthorizationUnavailable, Client, ReadRights
from tidewire.local.realtime.channel import Channel
from tidewire.local.realtime.frames import Message, UserPush, Version, encode
from tidewire.local.realtime.hub import TOPIC_PREFIX, Hub
from tidewire.local.realtime.join import JoinConfig, JoinRefused, refused_token
from tidewire.local.realtime.lane import Lane
from tidewire.local.realtime.tokens import Identity, TokenRefused

_log = logging.getLogger(__name__)

_GOING_AWAY = 1001


class Session:
    """Answers one client's messages in order; a join holds up what was sent behind it.

    Args:
      hub: shared with all sessions.
      version: of the protocol.
      identity: who connected; joins without a token of their own act as it.
      headers: the `x-` headers of the handshake, for policies.
      write: takes an encoded frame.
      close: closes the socket with a code.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        version: Version,
        identity: Identity,
        headers: dict[str, str],
        write: Callable[[bytes], None],
        close: Callable[[int], None],
    ) -> None:
        self.version, self.headers = version, headers
        self._hub, self._identity = hub, identity
        self._write, self._close = write, close
        self._channels: dict[str, Channel] = {}
        self._lane: Lane[tuple[Message | UserPush, int]] = Lane(self._handle)
        hub.users += 1

    @property
    def backlog(self) -> int:
        """How many messages wait for a join to be answered."""
        return self._lane.backlog

    def when_drained(self, notify: Callable[[], None]) -> None:
        """Call `notify` once, when no message waits any more."""
        self._lane.when_drained(notify)

    def receive(self, message: Message | UserPush, size: int) -> None:
        self._lane.push((message, size))

    def end(self) -> None:
        """Let go of every channel: the socket is gone."""
        self._lane.close()
        for channel in list(self._channels.values()):
            channel.detach(relaying=True)
        self._hub.users -= 1

    def send(self, message: Message) -> None:
        self._write(encode(self.version, message))

    def write(self, frame: bytes) -> None:
        self._write(frame)

    def forget(self, channel: Channel) -> None:
        if self._channels.get(channel.topic) is channel:
            del self._channels[channel.topic]

    def _handle(self, item: tuple[Message | UserPush, int]) -> Awaitable[None] | None:
        message, size = item
        channel = self._channels.get(message.topic)
        match message:
            case Message(topic="phoenix", event="heartbeat"):
                self._reply(message, "ok", {})
            case Message(event="phx_join") if message.topic.startswith(TOPIC_PREFIX):
                return self._join(message)
            case Message(event="phx_leave"):
                return self._leave(message, channel)
            case _ if channel is not None:
                return channel.handle(message, size)
            case _:
                self._reply(message, "error", {"reason": "unmatched topic"}, joined=False)
        return None

    def _leave(self, message: Message, channel: Channel | None) -> Awaitable[None] | None:
        if channel is None:
            self._reply(message, "ok", {})
        elif channel.join_ref == message.join_ref:
            if channel.busy:
                # What was sent before the leave is relayed, however long its check takes.
                return self._leave_when_idle(message, channel)
            self._reply(message, "ok", {})
            channel.close()
        return None

    async def _leave_when_idle(self, message: Message, channel: Channel) -> None:
        await channel.idle()
        self._leave(message, self._channels.get(message.topic))

    async def _join(self, message: Message) -> None:
        try:
            channel, config, rights = await self._admitted(message)
        except JoinRefused as refusal:
            # Slows down clients that try again at once; the messages behind the join wait too.
            await asyncio.sleep(self._hub.settings.channel_error_backoff_ms / 1000)
            self._reply(message, "error", {"reason": str(refusal)})
            return
        replaced = self._channels.get(message.topic)
        self._channels[message.topic] = channel
        self._reply(message, "ok", {"postgres_changes": config.postgres_changes})
        if replaced is not None:
            replaced.close()
        channel.start(may_receive=rights.broadcast)

    async def _admitted(self, message: Message) -> tuple[Channel, JoinConfig, ReadRights]:
        name = message.topic.removeprefix(TOPIC_PREFIX)
        if not name:
            raise JoinRefused("TopicNameRequired: You must provide a topic name")
        config = JoinConfig.parse(name, message.payload)
        self._check_limits(message.topic, config)
        identity = self._identify(config)
        rights = ReadRights(broadcast=True, presence=True)
        if config.private:
            rights = await self._read_rights(identity, name, config)
        if config.replay and not config.private:
            raise JoinRefused("UnableToReplayMessages: Replay is not allowed for public channels")
        if config.replay or config.presence or config.postgres_changes:
            _log.warning("channel asks for more than broadcasts", extra={"topic": message.topic})
        channel = Channel(
            self,
            self._hub,
            topic=message.topic,
            join_ref=message.join_ref,
            config=config,
            identity=identity,
        )
        return channel, config, rights

    def _check_limits(self, topic: str, config: JoinConfig) -> None:
        settings = self._hub.settings
        if settings.private_only and not config.private:
            raise JoinRefused("PrivateOnly: This project only allows private channels")
        if 0 < settings.max_concurrent_users < self._hub.users:
            raise JoinRefused("ConnectionRateLimitReached: Too many connected users")
        self._hub.joins.add()
        if self._hub.joins.exceeded:
            self._close(_GOING_AWAY)
            raise JoinRefused("ClientJoinRateLimitReached: Too many joins per second")
        others = len(self._channels.keys() - {topic})
        if others >= settings.max_channels_per_client:
            raise JoinRefused("ChannelRateLimitReached: Too many channels")

    def _identify(self, config: JoinConfig) -> Identity:
        verifier = self._hub.verifier
        try:
            if config.access_token is None:
                verifier.check_unexpired(self._identity)
                return self._identity
            return verifier.identify(config.access_token)
        except TokenRefused as error:
            raise refused_token(error) from error

    async def _read_rights(self, identity: Identity, name: str, config: JoinConfig) -> ReadRights:
        client = Client(identity, self.headers)
        try:
            rights = await self._hub.authorizer.read_rights(client, name, presence=config.presence)
        except AuthorizationUnavailable as error:
            raise JoinRefused(f"{error.code}: {error.reason}") from error
        if not (rights.broadcast or rights.presence):
            raise JoinRefused(
                f"Unauthorized: You do not have permissions to read from this Channel topic: {name}"
            )
        return rights

    def _reply(
        self, message: Message | UserPush, status: str, response: Any, *, joined: bool = True
    ) -> None:
        payload = {"status": status, "response": response}
        join_ref = message.join_ref if joined else None
        self.send(Message(message.topic, "phx_reply", payload, message.ref, join_ref))
