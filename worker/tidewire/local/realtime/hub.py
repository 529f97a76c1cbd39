"""The hub: which channels listen to which topic, and how often anything happens."""

from __future__ import annotations

import asyncio
from typing import Protocol

from tidewire.local.realtime.authorization import TopicAuthorizer
from tidewire.local.realtime.broadcast import Broadcast
from tidewire.local.realtime.rate import RollingRate
from tidewire.local.realtime.settings import RealtimeSettings
from tidewire.local.realtime.tokens import TokenVerifier

TOPIC_PREFIX = "realtime:"


class Subscriber(Protocol):
    """A joined channel, as the hub sees it."""

    def deliver(self, broadcast: Broadcast) -> None:
        """Write the broadcast to the client."""

    def close_for_rate(self) -> None:
        """Tell the client that the project sends too much, and close the channel."""

    def replication_started(self) -> None:
        """Learn that broadcasts from the database flow."""


class Hub:
    """Everything the sockets and routes of one server share."""

    def __init__(
        self, settings: RealtimeSettings, verifier: TokenVerifier, authorizer: TopicAuthorizer
    ) -> None:
        self.settings, self.verifier, self.authorizer = settings, verifier, authorizer
        self.events = RollingRate(settings.max_events_per_second)
        self.joins = RollingRate(settings.max_joins_per_second)
        self.users = 0
        self._replicating = asyncio.Event()
        # Public and private channels of one name share nothing. Dicts keep the order of joining.
        self._topics: dict[tuple[str, bool], dict[Subscriber, None]] = {}

    @property
    def replicating(self) -> bool:
        """Whether broadcasts from the database flow."""
        return self._replicating.is_set()

    async def until_replicating(self) -> None:
        await self._replicating.wait()

    def subscribe(self, subscriber: Subscriber, topic: str, *, private: bool) -> None:
        self._topics.setdefault((topic, private), {})[subscriber] = None

    def unsubscribe(self, subscriber: Subscriber, topic: str, *, private: bool) -> None:
        subscribers = self._topics.get((topic, private), {})
        subscribers.pop(subscriber, None)
        if not subscribers:
            self._topics.pop((topic, private), None)

    def publish(
        self, broadcast: Broadcast, topic: str, *, private: bool, skip: Subscriber | None = None
    ) -> None:
        """Deliver to every subscriber but `skip`; over the project's rate, close them instead."""
        subscribers = self._topics.get((topic, private))
        if not subscribers:
            return
        receivers = [subscriber for subscriber in subscribers if subscriber is not skip]
        if self.events.exceeded:
            for subscriber in receivers:
                subscriber.close_for_rate()
            return
        for subscriber in receivers:
            subscriber.deliver(broadcast)
        self.events.add(len(receivers))

    def replication_started(self) -> None:
        self._replicating.set()
        for subscribers in list(self._topics.values()):
            for subscriber in list(subscribers):
                subscriber.replication_started()

    def replication_stopped(self) -> None:
        self._replicating.clear()
