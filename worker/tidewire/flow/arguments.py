"""What a step's handler is given, decoded from JSON by the types of its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tidewire.flow.codec import Codec

REQUIRED: Final = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Taken:
    """A parameter that takes a dependency's output.

    Attributes:
      default: stands for the output of a skipped step; `REQUIRED` when there is none.
    """

    codec: Codec
    default: Any = REQUIRED


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a handler is given.

    Attributes:
      context: whether it takes `ctx`.
      takes_input: whether it takes `input`.
      input: decodes the run's input; None when it is neither taken nor checked.
      item: decodes the item of a map; None for a step that is no map.
      deps: the dependencies whose outputs it takes, in the order of definition.
    """

    context: bool
    takes_input: bool
    input: Codec | None
    item: Codec | None
    deps: Mapping[str, Taken]

    @property
    def takes(self) -> tuple[str, ...]:
        """What the database has to hand over: "input" and slugs of dependencies."""
        return (() if self.input is None else ("input",)) + tuple(self.deps)

    def decode(
        self, ctx: Any, run_input: Any, inputs: Mapping[str, Any], item: Any
    ) -> dict[str, Any]:
        """Return the handler's arguments by name.

        Raises:
          ValueError: a value does not fit. The message names it and never quotes it.
        """
        arguments: dict[str, Any] = {}
        if self.context:
            arguments["ctx"] = ctx
        if self.input is not None:
            decoded = _decode(self.input, run_input, "the run's input")
            if self.takes_input:
                arguments["input"] = decoded
        if self.item is not None:
            arguments["item"] = _decode(self.item, item, "the item")
        for slug, taken in self.deps.items():
            if slug in inputs:
                arguments[slug] = _decode(taken.codec, inputs[slug], f"the output of step {slug}")
            else:
                arguments[slug] = _instead(taken, slug)
        return arguments


def _instead(taken: Taken, slug: str) -> Any:
    """Return what stands for the output of a step that was skipped."""
    if taken.default is not REQUIRED:
        return taken.default
    if not taken.codec.accepts(None):
        raise ValueError(f"the output of step {slug} is missing")
    return taken.codec.decode(None)


def _decode(codec: Codec, value: Any, subject: str) -> Any:
    try:
        return codec.decode(value)
    except ValueError as error:
        raise ValueError(f"{subject} is not valid: {error}") from error
