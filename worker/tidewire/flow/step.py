"""One step: a handler, what it takes, and its place in the flow."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tidewire.errors import PermanentStepError
from tidewire.flow.codec import Codec
from tidewire.flow.shape import StepShape


@dataclass(frozen=True, slots=True)
class Step:
    """A handler bound to its shape and to the codecs of everything it takes and returns.

    Attributes:
      name: `flow/step`, as errors and logs name it.
      checks_input: decode the run's input even when the handler does not take it.
    """

    name: str
    shape: StepShape
    handler: Callable[..., Any]
    takes_context: bool
    takes_input: bool
    checks_input: bool
    input: Codec
    inputs: Mapping[str, Codec]
    output: Codec

    @property
    def is_async(self) -> bool:
        """Whether the handler is a coroutine function; a plain one belongs in a thread."""
        handler = self.handler
        return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
            getattr(handler, "__call__", None)  # noqa: B004  an object with an async __call__
        )

    def bind(self, ctx: Any, run_input: Any, inputs: Mapping[str, Any]) -> Callable[[], Any]:
        """Return the handler's call with its arguments decoded, ready to be made.

        Args:
          ctx: handed through.
          run_input: the run's input as JSON.
          inputs: the outputs of the steps this one depends on as JSON, by slug.

        Raises:
          PermanentStepError: a value does not fit its annotation, as it would not next time.
        """
        arguments: dict[str, Any] = {}
        if self.takes_context:
            arguments["ctx"] = ctx
        if self.takes_input or self.checks_input:
            decoded = self._decode(self.input, run_input, "the run's input")
            if self.takes_input:
                arguments["input"] = decoded
        for slug, codec in self.inputs.items():
            if slug not in inputs:
                raise PermanentStepError(f"{self.name}: the output of step {slug} is missing")
            arguments[slug] = self._decode(codec, inputs[slug], f"the output of step {slug}")
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

    def _decode(self, codec: Codec, value: Any, subject: str) -> Any:
        try:
            return codec.decode(value)
        except ValueError as error:
            raise PermanentStepError(f"{self.name}: {subject} is not valid: {error}") from error
