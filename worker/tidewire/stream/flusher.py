"""Commits what all streams of a worker have written: one call at a time for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tidewire.errors import LeaseLost, PermanentStepError, RunCancelled
from tidewire.store import Answer, LeasedStep, LoggedEntries, LogStore, is_transient
from tidewire.stream.alarm import Alarm
from tidewire.stream.linger import Linger, slack
from tidewire.stream.pending import Owner, PendingStream

_log = logging.getLogger(__name__)

# How soon a stream whose run is held by somebody else is tried again.
_BUSY_TICK: Final = 0.005
_FIRST_BACKOFF: Final = 0.05
_LONGEST_BACKOFF: Final = 1.0


class Flusher:
    """Coalesces the appends of many streams.

    Each stream waits its linger from its last append, then goes with the next call, together with
    all others that are due. A call that fails for the network's or the server's sake is repeated
    unchanged until it is answered or the streams are stopped, which happens when leases run out.

    Args:
      published: told of entries once they are committed, in the order of each stream.
      stream_limit: pending bytes at which a stream's writer waits.
    """

    def __init__(
        self,
        log: LogStore,
        *,
        linger: Linger,
        published: Callable[[LoggedEntries], None],
        stream_limit: int,
    ) -> None:
        self._store, self._linger, self._published = log, linger, published
        self._stream_limit = stream_limit
        self._alarm = Alarm()
        self._dirty: dict[PendingStream, None] = {}
        self._live: set[PendingStream] = set()

    def open(self, step: LeasedStep, owner: Owner) -> PendingStream:
        """Return the stream of an attempt. Costs nothing until something is written."""
        return PendingStream(step, owner, limit=self._stream_limit, wake=self._woken)

    def close(self, stream: PendingStream) -> None:
        """Forget a stream whose attempt has ended."""
        self._dirty.pop(stream, None)
        self._live.discard(stream)

    async def run(self) -> None:
        """Flush until cancelled. What is unflushed then stays unflushed."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            due = self._take_due(now)
            if due:
                await self._append(due)
                continue
            until = min((s.due for s in self._dirty if s.due is not None), default=None)
            await self._alarm.wait(until)

    def _woken(self, stream: PendingStream) -> None:
        now = asyncio.get_running_loop().time()
        if stream.step.broadcast:
            self._live.add(stream)
        window = self._linger.window(len(self._live))
        stream.due = now if stream.urgent else max(now, stream.last_sent + window)
        self._dirty[stream] = None
        self._alarm.ring()

    def _take_due(self, now: float) -> list[PendingStream]:
        limit = now + slack(self._linger.window(len(self._live)))
        due = [s for s in self._dirty if s.due is None or s.due <= limit]
        for stream in due:
            del self._dirty[stream]
        return [s for s in due if not s.busy and s.unsettled and s.stopped is None]

    async def _append(self, streams: Sequence[PendingStream]) -> None:
        """Commit what the streams have, and hand each its answer."""
        items = []
        for stream in streams:
            batch = stream.begin()
            item = stream.step.key()
            item["first_sequence"] = batch.first_sequence
            item["chunks"] = batch.chunks
            items.append(item)
        try:
            answers = await self._call(streams, items)
        except BaseException:
            for stream in streams:
                stream.release(committed=False)
            raise
        for place, stream in enumerate(streams):
            self._settle(stream, answers.get(place))

    async def _call(
        self, streams: Sequence[PendingStream], items: Sequence[Mapping[str, Any]]
    ) -> Mapping[int, Answer]:
        backoff = _FIRST_BACKOFF
        while not all(stream.stopped for stream in streams):
            try:
                return (await self._store.append(items)).answers
            except Exception as error:
                if not is_transient(error):
                    return await self._apart(streams, items, error)
                _log.warning("append failed, will retry", extra={"fault": repr(error)})
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)
        return {}

    async def _apart(
        self,
        streams: Sequence[PendingStream],
        items: Sequence[Mapping[str, Any]],
        error: Exception,
    ) -> Mapping[int, Answer]:
        """Find the append that the database refuses, so that it does not take others with it."""
        if len(items) == 1:
            return {0: Answer("invalid", {"reason": str(error)})}
        answers: dict[int, Answer] = {}
        for place, (stream, item) in enumerate(zip(streams, items, strict=True)):
            answer = (await self._call([stream], [item])).get(0)
            if answer is not None:
                answers[place] = answer
        return answers

    def _settle(self, stream: PendingStream, answer: Answer | None) -> None:
        batch = stream.buffer.take()
        match answer:
            case Answer("appended" | "duplicate", detail):
                stream.last_sent = asyncio.get_running_loop().time()
                if batch.chunks:
                    self._published(
                        LoggedEntries(
                            stream.step.run_id,
                            detail["first_index"],
                            batch.chunks,
                            stream.step.broadcast,
                        )
                    )
                stream.release(committed=True)
            case Answer("busy"):
                stream.release(committed=False)
                stream.due = asyncio.get_running_loop().time() + _BUSY_TICK
                self._dirty[stream] = None
            case _:
                self._refused(stream, answer)

    def _refused(self, stream: PendingStream, answer: Answer | None) -> None:
        reason = refusal(stream.step, answer)
        stream.stop(reason)
        stream.release(committed=False)
        stream.owner.stop(reason)


def refusal(step: LeasedStep, answer: Answer | None) -> Exception:
    """Return what a refused write means for the attempt that made it."""
    name = f"{step.run_id}/{step.step_slug}"
    match answer:
        case Answer("lease_lost"):
            return LeaseLost(f"step {name} is no longer leased under token {step.lease_token}")
        case Answer("cancelled"):
            return RunCancelled(f"run {step.run_id} has ended")
        case Answer("invalid", detail):
            return PermanentStepError(f"a chunk was refused: {detail.get('reason')}")
        case Answer("gap", detail):
            return RuntimeError(
                f"step {name}: the log expects sequence {detail.get('expected_sequence')}"
            )
        case _:
            return RuntimeError(f"step {name}: unexpected answer {answer}")
