"""Removes from a continued answer what its beginning repeats of what was already written."""

from __future__ import annotations

from typing import Final

WINDOW: Final = 4096
"""Longest overlap looked for, in characters: some paragraphs, more than models repeat."""

MINIMUM: Final = 12
"""Shortest overlap removed, in characters that are not white space.

A good continuation may well begin with the words that stand before it ("New York, New York",
a closing bracket after a closing bracket), so short overlaps are kept. Models that lose their
place repeat a sentence or more. White space is not counted, or else the indentation of two equal
lines of code would be evidence. An overlap with all that was written is removed at any length:
then the model has begun its answer again.
"""


class OverlapTrimmer:
    """Passes a streamed continuation on, without the overlap at its beginning.

    The overlap is the longest suffix of `written` that is a prefix of what is fed. Text is held
    back only as long as such an overlap is still possible, so never more than `window` characters.
    """

    def __init__(self, written: str, *, window: int = WINDOW, minimum: int = MINIMUM) -> None:
        self._tail = written[-window:] if window else ""
        self._starts = _possible_starts(self._tail, len(self._tail) == len(written), minimum)
        self._held = ""
        self._decided = not self._starts

    def feed(self, text: str) -> str:
        """Return what can be passed on after `text` has come; often empty at first."""
        if self._decided:
            return text
        known, self._held = len(self._held), self._held + text
        self._starts = [start for start in self._starts if self._still_matches(start, known)]
        if any(len(self._tail) - start > len(self._held) for start in self._starts):
            return ""
        return self.finish()

    def finish(self) -> str:
        """Return what is still held back, less the overlap. Nothing more will come, or matter."""
        if self._decided:
            return ""
        self._decided = True
        lengths = (len(self._tail) - start for start in self._starts)
        overlap = max((length for length in lengths if length <= len(self._held)), default=0)
        rest, self._held = self._held[overlap:], ""
        return rest

    def _still_matches(self, start: int, known: int) -> bool:
        """Whether the suffix at `start`, equal in the first `known` characters, is so in all."""
        expected = self._tail[start + known : start + len(self._held)]
        return self._held.startswith(expected, known)


def _possible_starts(tail: str, is_all: bool, minimum: int) -> list[int]:
    """Return where in `tail` an overlap that would be removed can start, longest first."""
    starts: list[int] = []
    counted = 0
    for start in range(len(tail) - 1, -1, -1):
        counted += not tail[start].isspace()
        if counted >= minimum:
            starts.append(start)
    if is_all and tail.strip() and 0 not in starts:
        starts.append(0)
    return starts[::-1]
