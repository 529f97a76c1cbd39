"""Shows committed entries to whoever watches. Nothing here can fail a step: the table heals."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from tidewire.settings import Settings
from tidewire.store import LoggedEntries
from tidewire.stream.alarm import Alarm
from tidewire.stream.budget import Budget
from tidewire.stream.http_broadcast import MOST_MESSAGES, HttpBroadcast
from tidewire.stream.payload import Outbox, topic_of
from tidewire.stream.realtime_pool import RealtimePool

_log = logging.getLogger(__name__)

_REQUESTS_AT_ONCE: Final = 4
_MOST_WAITING: Final = 20_000
_DRAIN_SECONDS: Final = 2.0
_RESTART_SECONDS: Final = 1.0
# A channel whose run says nothing for this long is left, and joined again if it goes on.
_QUIET_SECONDS: Final = 120.0


class Lane:
    """One run's way to its watchers: one message at a time, in order."""

    __slots__ = ("ended", "follow", "outbox", "requested", "used_at")

    def __init__(self, run_id: str) -> None:
        self.outbox = Outbox(run_id)
        self.follow = False
        self.ended = False
        self.requested = False
        self.used_at = 0.0


class Broadcaster:
    """Sends entries after their commit, by WebSocket where the run streams, else by HTTP.

    The order of a run is kept. What cannot be sent is counted and dropped.
    """

    def __init__(self, settings: Settings, *, worker_id: UUID) -> None:
        url, key = settings.supabase_url, settings.supabase_secret_key
        self.enabled = settings.broadcast and url is not None and key is not None
        self.quota = settings.realtime_quota if self.enabled else 0.0
        self.dropped = 0
        self._budget = Budget(self.quota)
        self._lanes: dict[str, Lane] = {}
        self._dirty: dict[str, Lane] = {}
        self._alarm = Alarm()
        self._requests: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        if settings.broadcast and not self.enabled:
            _log.warning("SUPABASE_URL or SUPABASE_SECRET_KEY is not set, broadcasting nothing")
        if self.enabled and url is not None and key is not None:
            secret = key.get_secret_value()
            self._http = HttpBroadcast(url, secret)
            self._pool = RealtimePool(url, secret, name=str(worker_id), joined=self._rejoined)

    async def __aenter__(self) -> Self:
        if self.enabled:
            loops = (self._send_loop, self._pool.run)
            self._tasks = [asyncio.create_task(_kept_up(loop)) for loop in loops]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send what waits, for a moment, then close everything."""
        if not self.enabled:
            return
        deadline = asyncio.get_running_loop().time() + _DRAIN_SECONDS
        while self._dirty or self._requests:
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.01)
        tasks = [*self._tasks, *self._requests]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.close()

    def publish(self, entries: LoggedEntries) -> None:
        """Send entries that a call has committed. Returns at once."""
        if self.enabled and entries.broadcast and entries.chunks:
            self._take(entries, follow=False)

    def publish_stream(self, entries: LoggedEntries) -> None:
        """Send entries of a stream: more will come, so its run gets a channel."""
        if self.enabled and entries.broadcast and entries.chunks:
            self._take(entries, follow=True)

    def _take(self, entries: LoggedEntries, *, follow: bool) -> None:
        lane = self._lanes.get(entries.run_id)
        if lane is None:
            if len(self._lanes) >= _MOST_WAITING:
                self.dropped += 1
                return
            lane = self._lanes[entries.run_id] = Lane(entries.run_id)
        lane.follow = lane.follow or follow
        lane.ended = lane.ended or entries.end_the_log
        lane.outbox.add(entries)
        self._mark(lane)

    def _mark(self, lane: Lane) -> None:
        self._dirty[lane.outbox.run_id] = lane
        self._alarm.ring()

    def _rejoined(self, topic: str) -> None:
        self._alarm.ring()

    async def _send_loop(self) -> None:
        loop = asyncio.get_running_loop()
        swept_at = loop.time()
        until: float | None = None
        while True:
            await self._alarm.wait(until)
            until = await self._send_all()
            if loop.time() - swept_at > _QUIET_SECONDS / 4:
                swept_at = loop.time()
                await self._sweep(swept_at)

    async def _send_all(self) -> float | None:
        """Send what can be sent; return when to look again, if at a certain time."""
        loop = asyncio.get_running_loop()
        batch: list[tuple[Lane, dict[str, Any]]] = []
        until = None
        for run_id, lane in list(self._dirty.items()):
            by_socket = self._by_socket(lane)
            if lane.requested or not (by_socket or self._may_request(batch)):
                continue
            now = loop.time()
            if not self._budget.take(now):
                until = self._budget.next_at(now)
                break
            payload = lane.outbox.take()
            if lane.outbox.empty:
                del self._dirty[run_id]
            lane.used_at = now
            if by_socket:
                await self._by_channel(lane, payload)
            else:
                lane.requested = True
                batch.append((lane, payload))
        for start in range(0, len(batch), MOST_MESSAGES):
            request = asyncio.create_task(self._request(batch[start : start + MOST_MESSAGES]))
            self._requests.add(request)
            request.add_done_callback(self._requests.discard)
        return until

    def _by_socket(self, lane: Lane) -> bool:
        if not lane.follow or lane.requested:
            return False
        topic = topic_of(lane.outbox.run_id)
        if self._pool.can_send(topic):
            return True
        if not lane.ended:
            self._pool.want(topic)
        return False

    def _may_request(self, batch: list[tuple[Lane, dict[str, Any]]]) -> bool:
        free = _REQUESTS_AT_ONCE - len(self._requests)
        return len(batch) < free * MOST_MESSAGES

    async def _by_channel(self, lane: Lane, payload: dict[str, Any]) -> None:
        topic = topic_of(lane.outbox.run_id)
        try:
            await self._pool.send(topic, payload)
        except Exception as error:  # the connection broke; the pool replaces it
            self.dropped += 1
            _log.debug("broadcast dropped", extra={"topic": topic, "fault": repr(error)})
        await self._finish(lane)

    async def _request(self, batch: list[tuple[Lane, dict[str, Any]]]) -> None:
        ok = await self._http.send([payload for _, payload in batch])
        if not ok:
            self.dropped += len(batch)
            _log.debug("broadcasts dropped", extra={"messages": len(batch)})
        for lane, _ in batch:
            lane.requested = False
            await self._finish(lane)
        # Lanes that waited for a free request, or for their turn, may go now.
        self._alarm.ring()

    async def _finish(self, lane: Lane) -> None:
        """Forget a lane that will not be needed again, and give its channel up."""
        if not lane.outbox.empty:
            return
        if lane.ended or not lane.follow:
            await self._forget(lane)

    async def _forget(self, lane: Lane) -> None:
        self._lanes.pop(lane.outbox.run_id, None)
        if lane.follow:
            await self._pool.leave(topic_of(lane.outbox.run_id))

    async def _sweep(self, now: float) -> None:
        for lane in list(self._lanes.values()):
            quiet = lane.outbox.empty and not lane.requested
            if quiet and now - lane.used_at > _QUIET_SECONDS:
                await self._forget(lane)


async def _kept_up(loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop until cancelled. A fault in it costs live messages, never more."""
    while True:
        try:
            await loop()
        except Exception:
            _log.exception("broadcasting broke off, starting again")
        await asyncio.sleep(_RESTART_SECONDS)
