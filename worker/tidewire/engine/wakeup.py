"""Wakes the claimer when steps become ready."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from tidewire.engine.claimer import Claimer
from tidewire.store import Database, Listener, is_transient

_log = logging.getLogger(__name__)

_CHANNEL: Final = "tidewire_wake"
_BACKOFF: Final = 1.0


class Wakeup:
    """Listens where the database URL allows it; else, and beneath it, the claimer polls."""

    def __init__(self, database: Database, claimer: Claimer) -> None:
        self._database, self._claimer = database, claimer

    async def run(self) -> None:
        """Listen until cancelled, again after every loss of the connection."""
        if not self._database.can_listen:
            _log.info("no LISTEN through a transaction pooler, polling")
            return
        listener = Listener(self._database, channel=_CHANNEL)
        while True:
            try:
                await listener.listen(self._heard)
            except Exception as error:
                if not is_transient(error):
                    _log.warning("LISTEN failed, polling", extra={"fault": repr(error)})
            finally:
                self._claimer.listening = False
            await asyncio.sleep(_BACKOFF)

    def _heard(self) -> None:
        self._claimer.listening = True
        self._claimer.wake()
