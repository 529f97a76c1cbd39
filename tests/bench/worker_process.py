"""`tidewire worker` with the flows of the benchmark, in a process of its own."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Self

import psutil

from bench.ground import Ground, OwnDatabase
from tidewire.local.process import Process, Program
from tidewire.local.worker_ready import wait_until_registered


class WorkerProcess:
    """A worker with the default settings, but without broadcasts.

    An async context manager: inside, its flows are registered.

    Args:
      environment: settings that differ from the default.
    """

    def __init__(self, ground: Ground, database: OwnDatabase, **environment: str) -> None:
        self._dsn = database.dsn
        program = Program(
            name="worker",
            argv=[sys.executable, "-m", "tidewire.cli", "worker", "--flows", "bench.flows"],
            log=ground.folder / "logs" / f"worker-{database.name}.log",
            environment=_environment(database.dsn) | environment,
        )
        self._process = Process(program)

    async def __aenter__(self) -> Self:
        await self._process.start()
        try:
            await wait_until_registered(self._process, self._dsn)
        except BaseException:
            await self._process.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            error.add_note(f"the worker's log ends:\n{self._process.log_tail()}")
        if self._process.running:
            self.resume()
        await self._process.stop()

    def pause(self) -> None:
        """Stop the process where it is. It must not be at work."""
        psutil.Process(self._process.pid).suspend()

    def resume(self) -> None:
        psutil.Process(self._process.pid).resume()

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process so far."""
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)


def _environment(dsn: str) -> dict[str, str]:
    """Return what makes the settings the default ones, whatever this shell has set."""
    ours = ("TIDEWIRE_", "SUPABASE_", "OPENAI_")
    unset = {name: "" for name in os.environ if name.startswith(ours)}
    return unset | {
        "DATABASE_URL": dsn,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "TIDEWIRE_BROADCAST": "false",
        "TIDEWIRE_LOG_LEVEL": "WARNING",
    }
