"""One step: a handler, what it takes, and its place in the flow."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tidewire.errors import PermanentStepError
from tidewire.flow.arguments import Arguments
from tidewire.flow.codec import Codec
from tidewire.flow.shape import StepShape


@dataclass(frozen=True, slots=True)
class Step:
    """A handler bound to its shape and to the codecs of everything it takes and returns.

    Attributes:
      name: `flow/step`, as errors and logs name it.
      output: encodes what the handler returns; for a map, the output of one item.
      never_retry: exceptions after which no further attempt is made.
    """

    name: str
    shape: StepShape
    handler: Callable[..., Any]
    arguments: Arguments
    output: Codec
    never_retry: tuple[type[BaseException], ...] = ()

    @property
    def is_async(self) -> bool:
        """Whether the handler is a coroutine function; a plain one belongs in a thread."""
        handler = self.handler
        return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
            getattr(handler, "__call__", None)  # noqa: B004  an object with an async __call__
        )

    @property
    def item(self) -> Codec | None:
        """Decodes the item of a map; None for a step that is no map."""
        return self.arguments.item

    def bind(
        self, ctx: Any, run_input: Any, inputs: Mapping[str, Any], item: Any = None
    ) -> Callable[[], Any]:
        """Return the handler's call with its arguments decoded, ready to be made.

        Args:
          ctx: handed through.
          run_input: the run's input as JSON; anything when the step's shape does not take it.
          inputs: outputs of the steps this one depends on as JSON, by slug. For one that is not
            there because it was skipped, the parameter's default stands, or None.
          item: the element as JSON that this attempt is for, when the step is a map.

        Raises:
          PermanentStepError: a value does not fit its annotation, as it would not next time.
        """
        try:
            arguments = self.arguments.decode(ctx, run_input, inputs, item)
        except ValueError as error:
            raise PermanentStepError(f"{self.name}: {error}") from error
        return functools.partial(self.handler, **arguments)

    def encode_output(self, value: Any) -> Any:
        """Return what the handler returned as JSON.

        Raises:
          PermanentStepError: it is not what the return annotation says, or not JSON.
        """
        try:
            return self.output.encode(value)
        except ValueError as error:
            raise PermanentStepError(
                f"{self.name}: the step's output cannot be stored: {error}"
            ) from error
