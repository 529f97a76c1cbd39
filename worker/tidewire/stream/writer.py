"""`ctx.stream`: what a handler may write into its run's log."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tidewire.stream import chunks
from tidewire.stream.chunks import PartKind
from tidewire.stream.earlier import EarlierParts, EarlierText
from tidewire.stream.part import StreamedPart
from tidewire.stream.pending import PendingStream

# Not a number, so that a name never meets a numbered part.
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


class StreamWriter:
    """Writes entries of one step. Each call waits while too much is unflushed.

    Every method raises LeaseLost or RunCancelled when the step is no longer this worker's.
    """

    def __init__(
        self, pending: PendingStream, *, step_slug: str, earlier: EarlierParts | None = None
    ) -> None:
        self._pending, self._step_slug = pending, step_slug
        self._earlier = earlier or EarlierParts()
        self._number = self._earlier.next_number
        self._open: dict[str, StreamedPart] = {}
        self._used = set(self._earlier.used_ids)
        for chunk in self._earlier.opening:
            pending.write(chunk)

    def text(self, name: str | None = None) -> StreamedPart:
        """Begin a text part, or go on in the one that an earlier attempt began.

        Going on, the part's `text_so_far` is what readers have seen of it, and `complete` says
        that the earlier attempt had ended it, so that nothing is left to write.

        Args:
          name: makes the part's id `<step>.<name>`, for steps that write several parts at once
            and have to find each again in a later attempt. Left out, parts are numbered.

        Raises:
          ValueError: the name is not a name.
        """
        if name is not None and not _NAME.fullmatch(name):
            raise ValueError(f"part name must match {_NAME.pattern}, got {name!r}")
        part_id = None if name is None else f"{self._step_slug}.{name}"
        for earlier in self._earlier.texts:
            if earlier.part_id == part_id or (part_id is None and self._numbered(earlier.part_id)):
                self._earlier.texts.remove(earlier)
                return self._opened(self._part("text", earlier.part_id, earlier))
        if part_id is not None and part_id in self._used:
            # Readers know that part; a second start would show its text twice.
            part_id = None
        return self._new_part("text", part_id)

    def reasoning(self) -> StreamedPart:
        """Begin a reasoning part."""
        return self._new_part("reasoning")

    async def sources(self, sources: Sequence[Mapping[str, Any]]) -> None:
        """Publish the sources of the answer: entries of sourceId, title, and url where known."""
        await self._write(chunks.sources(sources))

    async def data(
        self, name: str, value: Any, id: str | None = None, transient: bool = False
    ) -> None:
        """Publish a data part.

        Args:
          name: readers see the type `data-<name>`.
          value: any JSON.
          id: a later part of the same name and id replaces this one.
          transient: readers are told and nothing is kept in the message.

        Raises:
          ValueError: `name` is not usable, or `value` is not JSON.
          PayloadTooLarge: the entry is over 256 KiB.
        """
        await self._write(chunks.data(name, value, data_id=id, transient=transient))

    async def metadata(self, metadata: Mapping[str, Any]) -> None:
        """Merge `metadata` into the message's metadata."""
        await self._write(chunks.message_metadata(metadata))

    async def write(self, chunk: Mapping[str, Any]) -> None:
        """Write a chunk as it is, for example one of a tool call.

        Raises:
          ValueError: it is not a chunk.
          PayloadTooLarge: it is over 256 KiB.
        """
        await self._write(chunk)

    def close(self) -> None:
        """End every part that is open, those of earlier attempts that nobody went on in too."""
        for part in list(self._open.values()):
            part.close()
        for earlier in self._earlier.texts:
            if not earlier.ended:
                self._pending.write(chunks.part_end("text", earlier.part_id), urgent=True)
        self._earlier.texts.clear()

    def _new_part(self, kind: PartKind, part_id: str | None = None) -> StreamedPart:
        return self._opened(self._part(kind, part_id or self._next_id()))

    def _part(
        self, kind: PartKind, part_id: str, earlier: EarlierText | None = None
    ) -> StreamedPart:
        return StreamedPart(
            self._pending,
            kind,
            part_id,
            earlier=earlier,
            next_id=self._next_id,
            ended=self._ended,
        )

    def _next_id(self) -> str:
        self._number += 1
        return f"{self._step_slug}.{self._number - 1}"

    def _numbered(self, part_id: str) -> bool:
        return part_id.removeprefix(f"{self._step_slug}.").isdecimal()

    def _opened(self, part: StreamedPart) -> StreamedPart:
        self._open[part.part_id] = part
        self._used.add(part.part_id)
        return part

    def _ended(self, part: StreamedPart) -> None:
        self._open.pop(part.part_id, None)

    async def _write(self, chunk: Mapping[str, Any]) -> None:
        stored = chunks.checked(chunk)
        self._pending.write(stored, urgent=True, size=len(str(stored)))
        if self._pending.full:
            await self._pending.room()
