"""A flow as a developer writes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from tidewire.errors import FlowDefinitionError
from tidewire.flow.codec import Codec, shown
from tidewire.flow.shape import (
    Access,
    FlowShape,
    OnRetry,
    RetryPolicy,
    StepShape,
    timeout_problem,
)
from tidewire.flow.signature import HandlerSignature, read_signature
from tidewire.flow.slug import RESERVED_STEP_SLUGS, slug_problem
from tidewire.flow.step import Step

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Flow:
    """A named set of steps, each depending on earlier ones by the names of its parameters.

    Args:
      slug: the flow's name for good.
      input: type of a run's input; left out, any JSON is taken.
      access: who may start it. "service" means the service alone.
      label: the author's version label. Changing it makes a new version of an equal shape.
      timeout: how long a run may take in all.

    Raises:
      FlowDefinitionError: an argument is wrong.
    """

    def __init__(
        self,
        slug: str,
        *,
        input: Any = None,
        access: Access = "service",
        label: str = "",
        timeout: timedelta = timedelta(hours=24),
    ) -> None:
        self._slug, self._access, self._label, self._timeout = slug, access, label, timeout
        self._steps: dict[str, Step] = {}
        problem = slug_problem(slug) or timeout_problem(timeout)
        if problem:
            raise self._wrong(problem)
        if access not in get_args(Access):
            raise self._wrong(f"access must be service or authenticated, got {access!r}")
        if not isinstance(label, str):
            raise self._wrong(f"label must be text, got {label!r}")
        try:
            self._input = None if input is None else Codec(input)
            self._schema = None if self._input is None else json.dumps(self._input.json_schema())
        except TypeError as error:
            raise self._wrong(f"input: {error}") from error

    @property
    def slug(self) -> str:
        """The flow's name."""
        return self._slug

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps by slug, in the order of definition."""
        return MappingProxyType(self._steps)

    def step(
        self,
        slug: str | None = None,
        *,
        stream: bool = False,
        publish: bool = False,
        max_attempts: int = 3,
        timeout: timedelta = timedelta(minutes=10),
        backoff: timedelta = timedelta(seconds=1),
        backoff_cap: timedelta = timedelta(minutes=5),
        on_retry: OnRetry = "continue",
        queue: str = "default",
        priority: int = 0,
    ) -> Callable[[Handler], Handler]:
        """Add the decorated function as a step and leave the function as it is.

        Args:
          slug: the function's name when left out.
          stream: the step writes parts of the answer into the run's log.
          publish: the run's owner may see the step's output.
          max_attempts: tries in all.
          timeout: how long one attempt may take.
          backoff: wait after the first failure; each further one doubles it.
          backoff_cap: upper bound of that wait.
          on_retry: whether a later attempt continues the streamed text or restarts it.
          queue: the line of ready steps that this one stands in.
          priority: higher is claimed earlier.

        Raises:
          FlowDefinitionError: an argument or the function's signature is wrong.
        """
        if slug is not None and not isinstance(slug, str):
            raise self._wrong("write @flow.step() with parentheses")

        def add(handler: Handler) -> Handler:
            name = str(slug or getattr(handler, "__name__", ""))
            self._check_step(name, timeout, on_retry, queue, priority)
            retry = self._retry_policy(name, max_attempts, backoff, backoff_cap)
            # Annotations as strings may name classes that are local to the place of definition.
            signature = self._read(handler, name, sys._getframe(1).f_locals)
            deps = tuple(signature.deps)
            shape = StepShape(
                name, deps, queue, priority, retry, timeout, stream, publish, on_retry
            )
            self._steps[name] = self._make_step(shape, handler, signature)
            return handler

        return add

    def shape(self) -> FlowShape:
        """Return the flow's shape as it is now.

        Raises:
          FlowDefinitionError: the flow has no step.
        """
        if not self._steps:
            raise self._wrong("a flow must have at least one step, got none")
        steps = tuple(step.shape for step in self._steps.values())
        return FlowShape(self._slug, self._label, self._access, self._timeout, self._schema, steps)

    def _check_step(
        self, slug: str, timeout: timedelta, on_retry: OnRetry, queue: str, priority: int
    ) -> None:
        problem = slug_problem(slug, reserved=RESERVED_STEP_SLUGS) or timeout_problem(timeout)
        if slug in self._steps:
            problem = "slug must be unique in the flow, got it twice"
        if on_retry not in get_args(OnRetry):
            problem = f"on_retry must be continue or restart, got {on_retry!r}"
        if not isinstance(queue, str) or not queue:
            problem = f"queue must be a name, got {queue!r}"
        if isinstance(priority, bool) or not isinstance(priority, int):
            problem = f"priority must be an integer, got {priority!r}"
        if problem:
            raise self._wrong(problem, slug)

    def _retry_policy(
        self, slug: str, max_attempts: int, base: timedelta, cap: timedelta
    ) -> RetryPolicy:
        try:
            return RetryPolicy(max_attempts, base, cap)
        except ValueError as error:
            raise self._wrong(str(error), slug) from error

    def _read(self, handler: Any, slug: str, namespace: Mapping[str, Any]) -> HandlerSignature:
        try:
            return read_signature(handler, slug=slug, earlier=self._steps, namespace=namespace)
        except TypeError as error:
            raise self._wrong(str(error), slug) from error

    def _make_step(self, shape: StepShape, handler: Any, signature: HandlerSignature) -> Step:
        declared, taken = self._input, signature.input
        if declared and taken and not _covers(taken.annotation, declared.annotation):
            raise self._wrong(
                f"parameter input must be {shown(declared.annotation)}, the flow's input, "
                f"got {shown(taken.annotation)}",
                shape.slug,
            )
        return Step(
            name=f"{self._slug}/{shape.slug}",
            shape=shape,
            handler=handler,
            takes_context=signature.takes_context,
            takes_input=taken is not None,
            # A first step refuses a wrong input even if only a later one reads it.
            checks_input=declared is not None and not shape.deps,
            input=declared or taken or Codec(Any),
            inputs=MappingProxyType(dict(signature.deps)),
            output=signature.output,
        )

    def _wrong(self, problem: str, step: str | None = None) -> FlowDefinitionError:
        subject = f"flow {self._slug}" if step is None else f"flow {self._slug}, step {step}"
        return FlowDefinitionError(f"{subject}: {problem}")


def _covers(annotation: Any, declared: Any) -> bool:
    """Whether a value of type `declared` is one of `annotation`, as far as can be told here."""
    if annotation is Any or annotation == declared:
        return True
    return (
        isinstance(annotation, type)
        and isinstance(declared, type)
        and issubclass(declared, annotation)
    )
