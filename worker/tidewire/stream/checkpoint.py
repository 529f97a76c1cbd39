"""Saving a checkpoint, in one transaction with everything that was written before it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import orjson

from tidewire.errors import PayloadTooLarge
from tidewire.store import Answer, LoggedEntries, LogStore, is_transient
from tidewire.stream.flusher import refusal
from tidewire.stream.pending import PendingStream
from tidewire.stream.text import storable

_log = logging.getLogger(__name__)

_BUSY_TICK: Final = 0.005
_BACKOFF: Final = 0.2


async def save_checkpoint(
    stream: PendingStream,
    log: LogStore,
    data: Any,
    *,
    most_bytes: int,
    published: Callable[[LoggedEntries], None],
) -> None:
    """Save `data` for the step's next attempt and commit what the stream holds.

    Returns once both are committed. Repeats the call while the database is away.

    Raises:
      PayloadTooLarge: the data is over `most_bytes` as JSON.
      TypeError: the data is not JSON.
      LeaseLost, RunCancelled: the step is no longer this worker's; nothing was saved.
    """
    data = storable(data)
    size = len(orjson.dumps(data))
    if size > most_bytes:
        raise PayloadTooLarge(
            f"checkpoint of step {stream.step.step_slug} must be at most "
            f"{most_bytes} bytes, got {size}"
        )
    batch = await stream.hold()
    committed = False
    try:
        item = stream.step.key()
        item["data"] = data
        if batch.chunks:
            item["first_sequence"], item["chunks"] = batch.first_sequence, batch.chunks
        answer = await _call(stream, log, item)
        if answer.name != "saved":
            reason = refusal(stream.step, answer)
            stream.stop(reason)
            stream.owner.stop(reason)
            raise reason
        committed = True
        if batch.chunks:
            step = stream.step
            published(
                LoggedEntries(
                    step.run_id, answer.detail["first_index"], batch.chunks, step.broadcast
                )
            )
    finally:
        stream.release(committed=committed)


async def _call(stream: PendingStream, log: LogStore, item: dict[str, Any]) -> Answer:
    """Repeat the call until it is answered with something other than busy."""
    while True:
        if stream.stopped is not None:
            raise stream.stopped
        try:
            answer = (await log.save_checkpoints([item])).answers[0]
            if answer.name != "busy":
                return answer
            await asyncio.sleep(_BUSY_TICK)
        except Exception as error:
            if not is_transient(error):
                raise
            _log.warning("checkpoint failed, will retry", extra={"fault": repr(error)})
            await asyncio.sleep(_BACKOFF)
