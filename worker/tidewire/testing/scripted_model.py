"""A language model that says what a test wrote down."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import timedelta
from typing import Final

from tidewire.model import ChatMessage, Finish, ModelEvent, TextDelta, Timing

_NO_TIME: Final = Timing(to_first_delta=None, total=timedelta())


class ScriptedModel:
    """Stands in for a language model in tests of flows. It understands nothing it is asked.

    Args:
      answers: the deltas of the first answer, of the second, and so on; the last one is given to
        every further question too. An exception among the deltas is raised at its place.

    Attributes:
      asked: the messages of every question so far.
      partials: the beginning of the answer that every question asked to go on from, else "".
    """

    def __init__(self, *answers: Sequence[str | Exception]) -> None:
        if not answers or any(isinstance(answer, str) for answer in answers):
            raise TypeError('answers must be lists of deltas, such as ScriptedModel(["Hi ", "!"])')
        self._answers = answers
        self.asked: list[list[ChatMessage]] = []
        self.partials: list[str] = []

    async def stream(
        self, messages: Sequence[ChatMessage], *, partial: str = ""
    ) -> AsyncGenerator[ModelEvent, None]:
        """Yield the next answer; of one that begins with `partial`, what comes after that."""
        answer = self._answers[min(len(self.asked), len(self._answers) - 1)]
        self.asked.append(list(messages))
        self.partials.append(partial)
        for delta in _after(partial, answer):
            if isinstance(delta, Exception):
                raise delta
            yield TextDelta(delta)
        yield Finish("stop", None, _NO_TIME)


def _after(partial: str, answer: Sequence[str | Exception]) -> Iterator[str | Exception]:
    """Yield what of the answer is not in `partial`; all of it when it begins differently."""
    whole = "".join(delta for delta in answer if isinstance(delta, str))
    skipped = len(partial) if whole.startswith(partial) else 0
    for delta in answer:
        if isinstance(delta, Exception):
            if not skipped:
                yield delta
            continue
        rest, skipped = delta[skipped:], max(0, skipped - len(delta))
        if rest:
            yield rest
