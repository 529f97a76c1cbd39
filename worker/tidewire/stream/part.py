"""One text or reasoning part of an answer, while it is written."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from tidewire.stream.buffer import MOST_MERGED_CHARACTERS
from tidewire.stream.chunks import PartKind, part_delta, part_end, part_start
from tidewire.stream.earlier import EarlierText
from tidewire.stream.pending import PendingStream
from tidewire.stream.text import DeltaText


class StreamedPart:
    """A part of the answer, an async context manager.

    Leaving the block ends the part. Leaving it by an exception leaves the part open, so that the
    next attempt can go on in it; where there is none, the database closes it.

    Attributes:
      part_id: `<step>.<n>`.
      text_so_far: what an earlier attempt had streamed into this part, and nothing else.
      text_at_checkpoint: the beginning of it that was there at the last checkpoint.
      complete: an earlier attempt has ended the part; what is written all the same begins another.
    """

    def __init__(
        self,
        stream: PendingStream,
        kind: PartKind,
        part_id: str,
        *,
        earlier: EarlierText | None = None,
        next_id: Callable[[], str],
        ended: Callable[[StreamedPart], None],
    ) -> None:
        self.part_id, self.kind = part_id, kind
        self.text_so_far = "" if earlier is None else earlier.text
        self.text_at_checkpoint = "" if earlier is None else earlier.text_at_checkpoint
        self.complete = earlier is not None and earlier.ended
        self._stream, self._next_id, self._ended = stream, next_id, ended
        self._started = earlier is not None
        self._open = True
        self._first = True
        self._delta = DeltaText()

    async def __aenter__(self) -> Self:
        if not self._started:
            self._started = True
            self._stream.write(part_start(self.kind, self.part_id))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            await self.end()

    async def write(self, delta: str) -> None:
        """Append text. Waits while too much is unflushed, so that the model's socket waits too.

        Raises:
          LeaseLost, RunCancelled: the step is no longer this worker's.
        """
        if not self._started or not self._open:
            raise RuntimeError(f"part {self.part_id} is not open")
        text = self._delta.feed(delta)
        if text:
            if self.complete:
                self._begin_another()
            self._log(text)
            if self._stream.full:
                await self._stream.room()

    async def end(self) -> None:
        """End the part. Ending it again does nothing."""
        if self._open:
            self.close()
            await self._stream.room()

    def close(self) -> None:
        """End the part without waiting for room."""
        if not self._open:
            return
        self._open = False
        rest = self._delta.end()
        if rest:
            self._log(rest)
        if not self.complete:
            self._stream.write(part_end(self.kind, self.part_id), urgent=True)
        self._ended(self)

    def _begin_another(self) -> None:
        self.complete = False
        self.part_id = self._next_id()
        self._stream.write(part_start(self.kind, self.part_id))

    def _log(self, text: str) -> None:
        for start in range(0, len(text), MOST_MERGED_CHARACTERS):
            piece = text[start : start + MOST_MERGED_CHARACTERS]
            # The first delta goes at once: it is what a reader waits for.
            first, self._first = self._first, False
            self._stream.write_delta(part_delta(self.kind, self.part_id, piece), urgent=first)
