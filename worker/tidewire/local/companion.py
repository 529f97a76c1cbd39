"""A program beside the stack: the worker, the page's server, the offline model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from tidewire.local.parts import wait_until_ready
from tidewire.local.process import Process, Program


class Companion:
    """A program that can be started again after it has ended.

    Args:
      health_url: answers 200 once the program serves; None when it serves nothing.
      ready: waits until a program that serves nothing does its work.
    """

    def __init__(
        self,
        program: Program,
        *,
        inherited: Sequence[int],
        health_url: str | None = None,
        ready: Callable[[Process], Awaitable[None]] | None = None,
    ) -> None:
        self.program = program
        self._inherited = tuple(inherited)
        self._health_url, self._ready = health_url, ready
        self._process = Process(program, inherited=self._inherited)

    async def start(self) -> None:
        """Start it and wait until it serves.

        Raises:
          StackError: it ended at once or stays silent.
        """
        self._process = Process(self.program, inherited=self._inherited)
        await self._process.start()
        try:
            if self._health_url is not None:
                await wait_until_ready(self._process, self._health_url)
            if self._ready is not None:
                await self._ready(self._process)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        await self._process.stop()

    async def wait(self) -> int:
        """Wait until it has ended; return its exit code."""
        return await self._process.wait()
