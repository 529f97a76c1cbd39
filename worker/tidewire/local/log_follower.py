"""Shows what a program writes to its log file, as it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

_PAUSE = timedelta(milliseconds=150)


async def follow_log(follower: LogFollower, show: Callable[[str], None]) -> NoReturn:
    """Call `show` with each line as it is added."""
    while True:
        await asyncio.sleep(_PAUSE.total_seconds())
        for line in follower.added_lines():
            show(line)


class LogFollower:
    """Reads the whole lines added to a file since it was made; copes with a replaced file."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._position = log.stat().st_size if log.exists() else 0
        self._rest = b""

    def added_lines(self) -> list[str]:
        if not self._log.exists():
            return []
        if self._log.stat().st_size < self._position:
            self._position, self._rest = 0, b""
        with self._log.open("rb") as file:
            file.seek(self._position)
            added = file.read()
        self._position += len(added)
        *lines, self._rest = (self._rest + added).split(b"\n")
        return [line.decode(errors="replace").rstrip() for line in lines]
