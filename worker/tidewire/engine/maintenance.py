"""Keeps the tables in order, so that every run ends whatever dies."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Final

from tidewire.store import MaintenanceStore, is_transient
from tidewire.stream.alarm import Alarm

_log = logging.getLogger(__name__)

# Long enough for a burst of endings to share a call, short enough for the next page load.
_FOLD_DELAY: Final = 0.05
_MOST_FOLDS: Final = 50


class Maintenance:
    """Calls `maintain` every few seconds, and folds the logs that have just ended.

    The interval varies by chance, so that workers started together drift apart.
    """

    def __init__(self, store: MaintenanceStore, *, interval: float) -> None:
        self._store, self._interval = store, interval
        self._ended: dict[str, None] = {}
        self._alarm = Alarm()

    def fold_soon(self, run_id: str) -> None:
        """The log of a run in a thread has ended: make its message final."""
        self._ended[run_id] = None
        self._alarm.ring()

    async def run(self) -> None:
        """Maintain until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._interval * random.random()
        while True:
            if await self._alarm.wait(due):
                await asyncio.sleep(_FOLD_DELAY)
                await self.fold()
            # Whether or not logs end all the time: expired leases cannot wait for a quiet moment.
            if loop.time() >= due:
                await self._maintain()
                due = loop.time() + self._interval * random.uniform(0.75, 1.25)

    async def fold(self) -> None:
        """Fold what has ended so far. What fails is left to `maintain`."""
        while self._ended:
            run_ids = list(self._ended)[:_MOST_FOLDS]
            for run_id in run_ids:
                del self._ended[run_id]
            try:
                await self._store.fold_messages(run_ids)
            except Exception as error:
                if not is_transient(error):
                    raise
                _log.warning("folding failed, left to maintenance", extra={"fault": repr(error)})

    async def _maintain(self) -> None:
        try:
            done = await self._store.maintain()
        except Exception as error:
            if not is_transient(error):
                raise
            _log.warning("maintenance failed, will retry", extra={"fault": repr(error)})
            return
        did = {kind: count for kind, count in done.items() if count}
        if did:
            _log.info("maintained", extra=did)
