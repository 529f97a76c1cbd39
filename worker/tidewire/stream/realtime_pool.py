"""A supervised pool of Realtime connections."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from tidewire.stream.alarm import Alarm
from tidewire.stream.realtime_socket import RealtimeSocket, SendingDenied

_log = logging.getLogger(__name__)

_FIRST_BACKOFF: Final = 0.5
_LONGEST_BACKOFF: Final = 30.0
_DENIED_BACKOFF: Final = 60.0
# Connections without a user's token are ended by the server at 24 h.
_LIFETIME: Final = 22 * 3600.0
_JOINS_AT_ONCE: Final = 20
_REJOIN_DELAY: Final = 1.0


class RealtimePool:
    """Keeps enough connections open for the channels that are wanted.

    Args:
      joined: told of each topic that can be sent to from now on.
    """

    def __init__(self, url: str, key: str, *, name: str, joined: Callable[[str], None]) -> None:
        self._url, self._key, self._name, self._joined = url, key, name, joined
        self._sockets: dict[RealtimeSocket, float] = {}
        self._homes: dict[str, RealtimeSocket] = {}
        self._wanted: dict[str, None] = {}
        self._not_before: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._joins = 0
        self._alarm = Alarm()
        self._alarm.ring()

    def want(self, topic: str) -> None:
        """Join the topic's channel, unless it is joined or being joined."""
        if topic in self._wanted or topic in self._homes:
            return
        if asyncio.get_running_loop().time() >= self._not_before.get(topic, 0):
            self._wanted[topic] = None
            self._alarm.ring()

    def can_send(self, topic: str) -> bool:
        """Whether the topic's channel is joined now."""
        socket = self._homes.get(topic)
        return socket is not None and socket.alive and socket.joined(topic)

    async def send(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Send on a joined channel. Raises when the connection is lost."""
        await self._homes[topic].send(topic, payload)

    async def leave(self, topic: str) -> None:
        """Give the topic's channel up."""
        self._wanted.pop(topic, None)
        self._not_before.pop(topic, None)
        socket = self._homes.pop(topic, None)
        if socket is not None:
            await socket.leave(topic)

    async def run(self) -> None:
        """Build connections and join channels until cancelled."""
        backoff = _FIRST_BACKOFF
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._retire(loop.time())
                if self._lacks_room():
                    if await self._build():
                        backoff = _FIRST_BACKOFF
                    else:
                        await asyncio.sleep(backoff)
                        backoff = min(backoff * 2, _LONGEST_BACKOFF)
                    continue
                self._join_wanted()
                oldest = min(self._sockets.values(), default=loop.time())
                await self._alarm.wait(oldest + _LIFETIME)
        finally:
            await self._close_all()

    def _lacks_room(self) -> bool:
        if not self._sockets:
            return True
        return bool(self._wanted) and sum(s.room for s in self._sockets) - self._joins <= 0

    async def _build(self) -> bool:
        loop = asyncio.get_running_loop()
        socket = RealtimeSocket(self._url, self._key, name=self._name, lost=self._alarm.ring)
        try:
            await socket.open()
        except SendingDenied as error:
            _log.warning("realtime denies private sends, using HTTP", extra={"fault": str(error)})
            await socket.close()
            await asyncio.sleep(_DENIED_BACKOFF)
            return False
        except Exception as error:  # whatever a broken network or server makes of it
            hint = "check SUPABASE_SECRET_KEY" if "HTTP 401" in str(error) else None
            _log.warning(
                "realtime not reached, using HTTP",
                extra={"fault": str(error), **({} if hint is None else {"hint": hint})},
            )
            await socket.close()
            return False
        except BaseException:
            await socket.close()
            raise
        self._sockets[socket] = loop.time()
        return True

    def _retire(self, now: float) -> None:
        for socket, opened_at in list(self._sockets.items()):
            if socket.alive and now - opened_at < _LIFETIME:
                continue
            _log.warning("realtime connection ended, replacing it")
            del self._sockets[socket]
            self._homes = {t: s for t, s in self._homes.items() if s is not socket}
            self._spawn(self._close(socket))

    def _join_wanted(self) -> None:
        for topic in list(self._wanted):
            socket = max(self._sockets, key=lambda s: s.room, default=None)
            if socket is None or socket.room <= 0 or self._joins >= _JOINS_AT_ONCE:
                return
            del self._wanted[topic]
            self._homes[topic] = socket
            self._joins += 1
            self._spawn(self._join(socket, topic))

    async def _join(self, socket: RealtimeSocket, topic: str) -> None:
        ok = False
        try:
            ok = await socket.join(topic)
        except Exception as error:  # the connection broke in the middle of it
            _log.debug("join failed", extra={"topic": topic, "fault": repr(error)})
        finally:
            self._joins -= 1
            self._alarm.ring()
        if ok and self._homes.get(topic) is socket:
            self._joined(topic)
        elif ok:
            await socket.leave(topic)
        elif self._homes.get(topic) is socket:
            del self._homes[topic]
            self._not_before[topic] = asyncio.get_running_loop().time() + _REJOIN_DELAY

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self, socket: RealtimeSocket) -> None:
        try:
            await socket.close()
        except Exception as error:  # it is gone either way
            _log.debug("close failed", extra={"fault": repr(error)})

    async def _close_all(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for socket in self._sockets:
            await self._close(socket)
        self._sockets.clear()
