"""One step's stream: what its handler writes, until the flusher has committed it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from tidewire.store import LeasedStep
from tidewire.stream.buffer import Batch, ChunkBuffer
from tidewire.stream.chunks import Chunk


class Owner(Protocol):
    """The attempt that a stream belongs to."""

    def stop(self, reason: Exception) -> None:
        """End the handler: its step is no longer its own, or its stream is broken."""


class PendingStream:
    """Chunks of one attempt on their way to the log.

    One append is in flight at a time. A handler that writes faster than the database takes waits
    in `room` once `limit` bytes are pending. After `stop` every wait raises the reason.
    """

    def __init__(
        self, step: LeasedStep, owner: Owner, *, limit: int, wake: Callable[[PendingStream], None]
    ) -> None:
        self.step, self.owner = step, owner
        self.buffer = ChunkBuffer(step.last_sequence)
        self.last_sent = 0.0
        self.due: float | None = None
        self.urgent = False
        self.sealed = False
        self.touched = False
        self._limit, self._wake = limit, wake
        self._in_flight = False
        self._stopped: Exception | None = None
        self._settled: asyncio.Future[None] | None = None

    @property
    def stopped(self) -> Exception | None:
        """Why nothing more can be written, if so."""
        return self._stopped

    @property
    def full(self) -> bool:
        """Whether a writer should wait in `room`."""
        return self.buffer.size > self._limit

    @property
    def busy(self) -> bool:
        """Whether a call with this stream's chunks is running."""
        return self._in_flight

    @property
    def unsettled(self) -> bool:
        """Whether something that was written is not yet known to be committed."""
        return self.buffer.waiting or self.buffer.out is not None

    def write(self, chunk: Chunk, *, urgent: bool = False, size: int = 0) -> None:
        """Take a chunk. Urgent: everything so far goes with the next call."""
        self._refuse()
        self.buffer.add(chunk, size)
        self._written(urgent)

    def write_delta(self, chunk: Chunk, *, urgent: bool = False) -> None:
        """Take a delta, which may be merged with the one before."""
        self._refuse()
        self.buffer.add_delta(chunk)
        self._written(urgent)

    async def room(self) -> None:
        """Wait until less than the limit is pending."""
        while self.full:
            self._flush_now()
            await self._next_settlement()

    async def flush(self) -> None:
        """Wait until everything written so far is committed."""
        while self.unsettled:
            self._refuse()
            self._flush_now()
            await self._next_settlement()

    async def hold(self) -> Batch:
        """Wait for the call in flight, then keep the flusher off and return what still waits.

        The caller commits the batch in a call of its own, and then calls `release`.
        """
        while self._in_flight or self.buffer.out is not None:
            self._refuse()
            self._flush_now()
            await self._next_settlement()
        self._refuse()
        self._in_flight = True
        self.due, self.urgent = None, False
        return self.buffer.take()

    def begin(self) -> Batch:
        """Start a call with everything that waits, or again with what it carried before."""
        self._in_flight = True
        self.due, self.urgent = None, False
        return self.buffer.take()

    def release(self, *, committed: bool) -> None:
        """The call has ended. What was not committed goes again, unchanged."""
        self._in_flight = False
        out = self.buffer.out
        if committed or (out is not None and not out.chunks):
            self.buffer.settle()
        self._settle()
        if self.unsettled and not self.sealed and self._stopped is None:
            self._wake(self)

    def seal(self) -> None:
        """Take no more chunks, and none to the flusher: the attempt is over."""
        self.sealed = True

    def stop(self, reason: Exception) -> None:
        """Write nothing more; everybody who waits is told the reason."""
        self._stopped = self._stopped or reason
        self._settle()

    def _written(self, urgent: bool) -> None:
        self.touched = True
        self.urgent = self.urgent or urgent
        if not self._in_flight and (self.due is None or urgent):
            self._wake(self)

    def _flush_now(self) -> None:
        if not self.urgent:
            self.urgent = True
            if not self._in_flight:
                self._wake(self)

    def _refuse(self) -> None:
        if self._stopped is not None:
            raise self._stopped
        if self.sealed:
            raise RuntimeError("the step has ended: its stream takes no more chunks")

    async def _next_settlement(self) -> None:
        self._refuse()
        if self._settled is None:
            self._settled = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._settled)
        self._refuse()

    def _settle(self) -> None:
        settled, self._settled = self._settled, None
        if settled is not None and not settled.done():
            settled.set_result(None)
