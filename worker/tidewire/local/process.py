"""One program of the stack: its own OS process and log file, ended when this process ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tidewire.errors import StackError

_GUARD = Path(__file__).with_name("guard.py")
_LOG_LIMIT = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SystemUser:
    """The operating system's user that a program runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """What to run.

    Attributes:
      environment: added to this process's environment.
      log: file that takes standard output and standard error.
      user: None runs it as the current user; another one needs root.
      grace: how long after `stop_signal` the program may take before it is killed.
    """

    name: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    user: SystemUser | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: timedelta = timedelta(seconds=10)


class Process:
    """A program under a guard process.

    The guard ends the program when this process stops it, ends or is killed, so no orphan
    remains. `inherited` are descriptors the guard keeps open as long as it lives.
    """

    def __init__(self, program: Program, *, inherited: Sequence[int] = ()) -> None:
        self.program = program
        self.pid: int | None = None
        self._inherited = tuple(inherited)
        self._guard: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        return self._guard is not None and self._guard.returncode is None

    @property
    def exit_code(self) -> int | None:
        """The program's exit code, 128 + n when signal n ended it; None while it runs."""
        return None if self._guard is None else self._guard.returncode

    async def start(self) -> None:
        """Start the program. It may not be ready yet when this returns.

        Raises:
          StackError: the program could not be executed.
        """
        if self.running:
            raise StackError(f"{self.program.name} is already running as pid {self.pid}")
        _rotate(self.program.log)
        self._guard = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(_GUARD),
            _as_json(self.program),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **self.program.environment},
            pass_fds=self._inherited,
            start_new_session=True,
        )
        assert self._guard.stdout is not None
        line = await self._guard.stdout.readline()
        if not line:
            await self._guard.wait()
            raise StackError(f"{self.program.name} could not be started: {self.program.argv[0]}")
        self.pid = int(line)

    async def wait(self) -> int:
        """Wait until the program has ended; return its exit code."""
        if self._guard is None:
            raise StackError(f"{self.program.name} was never started")
        code = await self._guard.wait()
        self.pid = None
        return code

    async def stop(self) -> None:
        """Ask the program to end and wait for it. Does nothing when it has ended already.

        Cancelling the wait leaves the guard to finish the job on its own.
        """
        if self._guard is None:
            return
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        await self.wait()

    def kill(self) -> None:
        """Send SIGKILL to the program alone, as a crash would end it."""
        if self.running and self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)

    def log_tail(self, lines: int = 12) -> str:
        """Return the last lines of the log, for an error message."""
        if not self.program.log.exists():
            return ""
        text = self.program.log.read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])


async def run_to_end(program: Program, *, inherited: Sequence[int] = ()) -> None:
    """Run a program that ends by itself; when cancelled, end it.

    Raises:
      StackError: it failed; the message carries the end of its log.
    """
    process = Process(program, inherited=inherited)
    await process.start()
    try:
        code = await process.wait()
    finally:
        await process.stop()
    if code != 0:
        tail = process.log_tail(lines=25)
        raise StackError(f"{program.name} ended with code {code}:\n{tail}")


def _as_json(program: Program) -> str:
    user = program.user
    return json.dumps(
        {
            "argv": list(program.argv),
            "log": str(program.log),
            "directory": None if program.directory is None else str(program.directory),
            "uid": None if user is None else user.uid,
            "gid": None if user is None else user.gid,
            "stop_signal": int(program.stop_signal),
            "grace": program.grace.total_seconds(),
        }
    )


def _rotate(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
