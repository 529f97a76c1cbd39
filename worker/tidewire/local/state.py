"""The state directory: one stack at a time, and what a running one tells other programs."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import psutil

from tidewire.errors import StackError
from tidewire.local.keys import write_private

_LEFTOVER_LIMIT = timedelta(seconds=40)


class StateDirectory:
    """Owner of a state directory while `locked`.

    The lock is held by this process and by the guards of its programs. When this process is
    killed, the directory becomes free at the moment the last program has ended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: int | None = None

    @property
    def lock_descriptor(self) -> int:
        """The descriptor for the guards to inherit."""
        if self._lock is None:
            raise StackError(f"{self.path} is not locked")
        return self._lock

    @property
    def stack_file(self) -> Path:
        return self.path / "stack.json"

    async def lock(self) -> None:
        """Take the directory, waiting for the programs of a killed stack to end.

        Raises:
          StackError: a stack runs on it; the message names its pid.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / "logs").mkdir(exist_ok=True)
        deadline = time.monotonic() + _LEFTOVER_LIMIT.total_seconds()
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not _try_lock(lock):
                owner = _read_owner(lock)
                if owner is not None and _is_alive(owner):
                    raise StackError(
                        f"a stack already runs on {self.path} as pid {owner['pid']}; stop it first"
                    )
                if time.monotonic() > deadline:
                    raise StackError(f"programs of a killed stack still run on {self.path}")
                await asyncio.sleep(0.1)
            _write_owner(lock)
        except BaseException:
            os.close(lock)
            raise
        self._lock = lock

    def unlock(self) -> None:
        """Give the directory back. Does nothing when it is not locked."""
        if self._lock is None:
            return
        self.stack_file.unlink(missing_ok=True)
        os.ftruncate(self._lock, 0)
        os.close(self._lock)
        self._lock = None

    def publish(self, facts: Mapping[str, object]) -> None:
        """Write `stack.json` for tools that look for a running stack. It holds secrets."""
        write_private(self.stack_file, json.dumps(facts, indent=2))


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_owner(lock: int) -> None:
    me = psutil.Process()
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps({"pid": me.pid, "since": me.create_time()}).encode(), 0)


def _read_owner(lock: int) -> dict[str, float] | None:
    try:
        owner = json.loads(os.pread(lock, 4096, 0))
    except ValueError:
        return None
    return owner if isinstance(owner, dict) else None


def _is_alive(owner: Mapping[str, float]) -> bool:
    """A pid alone may have been given to another program since."""
    try:
        process = psutil.Process(int(owner["pid"]))
        ended = process.status() == psutil.STATUS_ZOMBIE
        return not ended and abs(process.create_time() - owner["since"]) < 1
    except psutil.Error:
        return False
