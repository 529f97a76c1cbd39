"""A joined channel: one topic on one socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, Protocol

from tidewire.local.realtime.authorization import AuthorizationUnavailable, Client
from tidewire.local.realtime.broadcast import Broadcast, broadcast_of
from tidewire.local.realtime.frames import Message, UserPush, Version
from tidewire.local.realtime.hub import TOPIC_PREFIX, Hub
from tidewire.local.realtime.join import JoinConfig, token_of
from tidewire.local.realtime.lane import Lane
from tidewire.local.realtime.payload_size import fits
from tidewire.local.realtime.tokens import Identity, Refusal, TokenRefused

_log = logging.getLogger(__name__)

_BACKLOG = 100
_LONGEST_TOKEN_CHECK_SECONDS = 300.0
# After a refused token push, these two show the name of the failure instead of its message.
_BARE_REFUSALS = {
    Refusal.SIGNATURE: ":signature_error",
    Refusal.SIGNER: ":error_generating_signer",
}


class Connection(Protocol):
    """The socket a channel belongs to."""

    version: Version
    headers: dict[str, str]

    def send(self, message: Message) -> None:
        """Send a message to this client alone."""

    def write(self, frame: bytes) -> None:
        """Write an encoded frame."""

    def forget(self, channel: Channel) -> None:
        """Let go of a channel that has closed."""


class Channel:
    """Handles a channel's messages in order and receives its broadcasts."""

    def __init__(
        self,
        connection: Connection,
        hub: Hub,
        *,
        topic: str,
        join_ref: Any,
        config: JoinConfig,
        identity: Identity,
    ) -> None:
        self.topic, self.join_ref = topic, join_ref
        self._connection, self._hub = connection, hub
        self._config, self._identity = config, identity
        self._may_receive = True
        self._may_send: bool | None = None if config.private else True
        self._open = True
        self._announced = False
        self._expiry: asyncio.TimerHandle | None = None
        self._lane: Lane[tuple[Message | UserPush, int]] = Lane(self._handle)

    @property
    def name(self) -> str:
        """The topic without its prefix: what policies and the database know."""
        return self.topic.removeprefix(TOPIC_PREFIX)

    def start(self, *, may_receive: bool) -> None:
        """Begin to receive. Called once, when the join has been answered."""
        self._may_receive = may_receive
        self._hub.subscribe(self, self.name, private=self._config.private)
        self._watch_expiry()
        if self._config.presence:
            self._push("presence_state", {})
        if self._hub.replicating:
            self.replication_started()

    def handle(self, message: Message | UserPush, size: int) -> Awaitable[None] | None:
        """Take a message of the client; `size` is the length of its text.

        Returns something to wait for when too much waits here already.
        """
        self._lane.push((message, size))
        return self._lane.drained() if self._lane.backlog > _BACKLOG else None

    def deliver(self, broadcast: Broadcast) -> None:
        frame = broadcast.frame(self._connection.version) if self._may_receive else None
        if frame is not None:
            self._connection.write(frame)

    def close_for_rate(self) -> None:
        self._shut("Too many messages per second")

    def replication_started(self) -> None:
        if self._config.replication_ready and not self._announced:
            self._announced = True
            self._push_system("ok", "Replication connection established")

    def close(self) -> None:
        """Stop receiving and tell the client."""
        if self._open:
            self.detach()
            self._connection.send(
                Message(self.topic, "phx_close", {}, self.join_ref, self.join_ref)
            )

    @property
    def busy(self) -> bool:
        """Whether messages of the client are still being handled."""
        return self._lane.busy

    async def idle(self) -> None:
        """Return when every message that came so far has been handled."""
        await self._lane.idle()

    def detach(self, *, relaying: bool = False) -> None:
        """Stop receiving without a word; `relaying` what the client had sent before."""
        self._open = False
        if self._expiry is not None:
            self._expiry.cancel()
        self._hub.unsubscribe(self, self.name, private=self._config.private)
        self._connection.forget(self)
        if relaying:
            self._lane.finish()
        else:
            self._lane.close()

    def _handle(self, item: tuple[Message | UserPush, int]) -> Awaitable[None] | None:
        message, size = item
        match message:
            case UserPush() | Message(event="broadcast"):
                if self._may_send is None:
                    return self._broadcast_after_check(message, size)
                self._broadcast(message, size)
            case Message(event="access_token"):
                return self._take_token(message.payload)
            case Message(event="presence"):
                self._reply(message.ref, "error", {})
            case _:
                _log.info("realtime event is unknown", extra={"event": message.event})
        return None

    async def _broadcast_after_check(self, message: Message | UserPush, size: int) -> None:
        try:
            allowed = await self._hub.authorizer.writable(self._client(), [self.name])
        except AuthorizationUnavailable as error:
            _log.warning("realtime write check failed", extra={"reason": error.reason})
            return
        self._may_send = self.name in allowed
        self._broadcast(message, size)

    def _broadcast(self, message: Message | UserPush, size: int) -> None:
        if not self._may_send:
            return
        if isinstance(message, Message) and not self._relayable(message):
            self._crash()
            return
        limit = self._hub.settings.max_payload_bytes
        payload = message.payload
        fitting = (
            5 + len(payload) + 1 <= limit
            if isinstance(message, UserPush)
            else fits(payload, text_bytes=size, limit=limit)
        )
        if fitting:
            self._hub.events.add()
            self._hub.publish(
                broadcast_of(message),
                self.name,
                private=self._config.private,
                skip=None if self._config.receive_own else self,
            )
        if self._config.ack and self._open:
            if fitting:
                self._reply(message.ref, "ok", {})
            else:
                self._reply(message.ref, "error", "payload_size_exceeded")

    def _relayable(self, message: Message) -> bool:
        return self._connection.version is Version.V1 or isinstance(message.payload, dict)

    def _take_token(self, payload: Any) -> Awaitable[None] | None:
        token = token_of(payload.get("access_token")) if isinstance(payload, dict) else None
        if token is None or token == self._identity.token:
            return None
        try:
            self._identity = self._hub.verifier.identify(token)
        except TokenRefused as error:
            self._shut(_BARE_REFUSALS.get(error.refusal, error.message))
            return None
        self._watch_expiry()
        return self._check_rights_again() if self._config.private else None

    async def _check_rights_again(self) -> None:
        self._may_send = None
        try:
            rights = await self._hub.authorizer.read_rights(
                self._client(), self.name, presence=self._config.presence
            )
        except AuthorizationUnavailable as error:
            self._shut(error.reason)
            return
        self._may_receive = rights.broadcast
        if not (rights.broadcast or rights.presence):
            self._shut(f"You do not have permissions to read from this Channel topic: {self.name}")

    def _watch_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        left = self._hub.verifier.seconds_left(self._identity)
        if left is not None:
            self._expiry = asyncio.get_running_loop().call_later(
                min(_LONGEST_TOKEN_CHECK_SECONDS, left), self._check_expiry
            )

    def _check_expiry(self) -> None:
        try:
            self._hub.verifier.check_unexpired(self._identity)
        except TokenRefused as error:
            self._shut(error.message)
        else:
            self._watch_expiry()

    def _client(self) -> Client:
        return Client(self._identity, self._connection.headers)

    def _shut(self, message: str) -> None:
        if self._open:
            self._push_system("error", message)
            self.close()

    def _crash(self) -> None:
        self.detach()
        self._connection.send(
            Message(
                self.topic, "phx_error", {"reason": "channel_crash"}, self.join_ref, self.join_ref
            )
        )

    def _push_system(self, status: str, message: str) -> None:
        self._push(
            "system",
            {"message": message, "status": status, "extension": "system", "channel": self.name},
        )

    def _push(self, event: str, payload: Any) -> None:
        self._connection.send(Message(self.topic, event, payload, None, self.join_ref))

    def _reply(self, ref: Any, status: str, response: Any) -> None:
        payload = {"status": status, "response": response}
        self._connection.send(Message(self.topic, "phx_reply", payload, ref, self.join_ref))
