"""What earlier attempts of a step left in the log, and how a new one goes on from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidewire.stream import chunks
from tidewire.stream.chunks import Chunk


@dataclass(frozen=True, slots=True)
class EarlierText:
    """A text part that an earlier attempt began.

    Attributes:
      ended: the attempt died after the part's end and before its result was stored.
    """

    part_id: str
    text: str
    text_at_checkpoint: str
    ended: bool


@dataclass(slots=True)
class EarlierParts:
    """The parts of earlier attempts.

    Attributes:
      texts: to be continued, or taken as they are where they have ended; oldest first.
      used_ids: of all parts there have been.
      next_number: of the next new part; no id is ever used twice.
      opening: entries that put the log in order before the handler writes.
    """

    texts: list[EarlierText] = field(default_factory=list)
    used_ids: frozenset[str] = frozenset()
    next_number: int = 0
    opening: list[Chunk] = field(default_factory=list)


def resume(
    step_slug: str,
    texts: Mapping[str, Mapping[str, Any]],
    open_parts: Sequence[Mapping[str, str]],
    *,
    restart: bool,
    last_sequence: int,
) -> EarlierParts:
    """Decide what a new attempt continues and what it does again.

    Open text is continued, and ended text kept. Open reasoning and tool parts are closed and
    reset, because no model goes on in the middle of them. With `restart` every part is.

    Args:
      step_slug: the step that the parts belong to.
      texts: what was streamed, by part id: type, text, text_at_checkpoint, open, reset.
      open_parts: {type, id} of the parts that were not ended, oldest first.
      restart: do everything again.
      last_sequence: how many chunks the step has appended, hence more than it has used part ids.
    """
    redone = [part for part in open_parts if restart or part["type"] != "text"]
    opening = [_closing(part) for part in redone]
    part_ids = {part["id"]: None for part in redone}
    if restart:
        shown = [part_id for part_id, part in texts.items() if not part.get("reset")]
        part_ids = dict.fromkeys(shown) | part_ids
    if part_ids:
        opening.append(chunks.reset(list(part_ids)))
    ids = [*texts, *(part["id"] for part in open_parts)]
    return EarlierParts(
        texts=[] if restart else _kept(texts),
        used_ids=frozenset(ids),
        next_number=max(_next_number(step_slug, ids), last_sequence),
        opening=opening,
    )


def _kept(texts: Mapping[str, Mapping[str, Any]]) -> list[EarlierText]:
    found = [
        EarlierText(
            part_id, part.get("text") or "", part.get("text_at_checkpoint") or "", not part["open"]
        )
        for part_id, part in texts.items()
        if part["type"] == "text" and not part.get("reset")
    ]
    return sorted(found, key=lambda text: _place(text.part_id))


def _place(part_id: str) -> tuple[int, str]:
    """Numbered parts in the order they were begun, then the named ones."""
    last = part_id.rpartition(".")[2]
    return (int(last), "") if last.isdecimal() else (1 << 62, last)


def _closing(part: Mapping[str, str]) -> Chunk:
    match part["type"]:
        case "text":
            return chunks.part_end("text", part["id"])
        case "reasoning":
            return chunks.part_end("reasoning", part["id"])
        case _:
            return chunks.tool_output_error(part["id"], "The tool call was interrupted.")


def _next_number(step_slug: str, part_ids: Iterable[str]) -> int:
    prefix = f"{step_slug}."
    numbers = [
        int(part_id.removeprefix(prefix))
        for part_id in part_ids
        if part_id.startswith(prefix) and part_id.removeprefix(prefix).isdecimal()
    ]
    return max(numbers, default=-1) + 1
