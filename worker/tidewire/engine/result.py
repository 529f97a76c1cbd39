"""Results on their way to the database."""

from __future__ import annotations

from typing import Any

import orjson

from tidewire.engine.attempt import Attempt
from tidewire.engine.failure import Failure
from tidewire.stream.buffer import Batch


class Result:
    """What became of an attempt, as the item of a batched call. Repeated unchanged.

    Attributes:
      alone: send it in a call of its own, since some batch that held it was refused.
      map: run and step of the map that it is an item of; None for a step.
    """

    __slots__ = ("alone", "attempt", "item", "map")

    def __init__(self, attempt: Attempt, fields: dict[str, Any]) -> None:
        self.attempt = attempt
        self.item = attempt.step.key() | fields
        self.alone = False
        step = attempt.step
        self.map = (step.run_id, step.step_slug) if step.is_item else None


class Completion(Result):
    """An output, with the last chunks of the step's stream: the reply has them as entries.

    Args:
      output: JSON.
      batch: chunks that the completion carries; None when nothing was streamed.
    """

    __slots__ = ()

    def __init__(self, attempt: Attempt, output: bytes, batch: Batch | None) -> None:
        super().__init__(attempt, {"output": orjson.Fragment(output)})
        if batch is not None and batch.chunks:
            self.item["first_sequence"] = batch.first_sequence
            self.item["chunks"] = batch.chunks


class FailedAttempt(Result):
    """A failure. The chunks before it were committed by then."""

    __slots__ = ()

    def __init__(self, attempt: Attempt, failure: Failure) -> None:
        super().__init__(
            attempt,
            {
                "error": _storable(failure.error),
                "message": _storable(failure.message),
                "retryable": failure.retryable,
            },
        )


def _storable(text: str) -> str:
    """Replace what neither JSON nor Postgres takes: NUL and lone surrogates."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()
