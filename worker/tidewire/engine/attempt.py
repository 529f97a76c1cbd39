"""One attempt at a step, from its claim to the answer about its result."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from tidewire.store import LeasedStep


class HandedBack(Exception):
    """The worker shuts down; the step goes back to its queue and the attempt is not spent."""


class Asleep(Exception):
    """The handler has asked for a durable sleep: the step goes on when its time has come.

    Attributes:
      name: of the sleep, unique in its step.
      milliseconds: how long, at least 1.
    """

    def __init__(self, name: str, milliseconds: int) -> None:
        super().__init__(f"the step sleeps: {name}")
        self.name, self.milliseconds = name, milliseconds


class Attempt:
    """What a worker holds under one lease.

    Attributes:
      lease_until: when the lease ends unless it is extended, in monotonic time.
      stopped: why the handler was told to end before its time, if it was.
      expired: the attempt's time limit has passed.
      finished: the handler has ended; only the database's answer is awaited.
    """

    __slots__ = ("expired", "finished", "lease_until", "step", "stopped", "task")

    def __init__(self, step: LeasedStep, *, lease_until: float) -> None:
        self.step = step
        self.lease_until = lease_until
        self.task: asyncio.Task[None] | None = None
        self.stopped: Exception | None = None
        self.expired = False
        self.finished = False

    @property
    def name(self) -> str:
        """`run/step`, as logs name it."""
        return f"{self.step.run_id}/{self.step.step_slug}"

    def stop(self, reason: Exception) -> None:
        """Cancel the handler. Only the first reason counts; a finished attempt is left alone."""
        if self.finished or self.stopped is not None:
            return
        self.stopped = reason
        if self.task is not None:
            self.task.cancel()


class Leases:
    """The attempts that this worker holds.

    The heartbeat's thread takes snapshots; everything else happens on the worker's loop.
    """

    def __init__(self) -> None:
        self._held: dict[int, Attempt] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Attempt]:
        return iter(self.snapshot())

    def add(self, attempt: Attempt) -> None:
        self._held[id(attempt)] = attempt

    def remove(self, attempt: Attempt) -> None:
        self._held.pop(id(attempt), None)

    def snapshot(self) -> list[Attempt]:
        """Return the attempts held now. Atomic, hence safe from another thread."""
        return list(self._held.values())
