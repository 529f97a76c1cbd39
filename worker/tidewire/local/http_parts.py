"""API, Realtime and proxy: started together or one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal

from tidewire.errors import StackError
from tidewire.local.parts import Part, wait_until_ready
from tidewire.local.process import Process

HttpPartName = Literal["api", "realtime", "proxy"]
# Each is stopped before those it sends requests to.
_STOP_ORDER: tuple[HttpPartName, ...] = ("proxy", "realtime", "api")


class HttpParts:
    """The processes of the parts that speak HTTP. Their ports never change."""

    def __init__(self, parts: Mapping[HttpPartName, Part], *, inherited: Sequence[int]) -> None:
        self._parts = dict(parts)
        self._inherited = tuple(inherited)
        self._processes: dict[HttpPartName, Process] = {}

    @property
    def pids(self) -> dict[str, int]:
        """The pids of those that run now."""
        return {
            name: process.pid
            for name, process in self._processes.items()
            if process.running and process.pid is not None
        }

    async def start_all(self) -> None:
        """Start them at the same time.

        Raises:
          StackError: one did not start; the others are stopped or running, for `stop_all`.
        """
        try:
            async with asyncio.TaskGroup() as starting:
                for name in self._parts:
                    starting.create_task(self.start(name))
        except* StackError as failures:
            raise failures.exceptions[0] from None

    async def stop_all(self) -> None:
        for name in _STOP_ORDER:
            await self.stop(name)

    async def start(self, name: HttpPartName) -> None:
        """Start one and wait until it serves.

        Raises:
          StackError: it runs already, or did not start and is stopped again.
        """
        part = self._parts[name]
        process = self._processes.get(name)
        if process is not None and process.running:
            raise StackError(f"{name} is already running as pid {process.pid}")
        process = self._processes[name] = Process(part.program, inherited=self._inherited)
        await process.start()
        try:
            await wait_until_ready(process, part.health_url)
        except BaseException:
            await process.stop()
            raise

    async def stop(self, name: HttpPartName) -> None:
        """Stop one and leave the others alone. Does nothing when it does not run."""
        if name in self._processes:
            await self._processes[name].stop()

    async def wait(self, name: HttpPartName) -> int:
        """Wait until a running one has ended; return its exit code."""
        return await self._processes[name].wait()
