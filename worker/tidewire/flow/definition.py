"""A flow as a developer writes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from tidewire.errors import FlowDefinitionError
from tidewire.flow.assembly import Place, make_step
from tidewire.flow.cache import Cache
from tidewire.flow.codec import Codec
from tidewire.flow.condition import Condition, Otherwise
from tidewire.flow.options import StepOptions, Wiring, exception_types, slugs
from tidewire.flow.retry import OnExhausted, OnRetry, RetryPolicy
from tidewire.flow.shape import Access, FlowShape, MapOver, Outcome
from tidewire.flow.signature import read_signature
from tidewire.flow.slug import RESERVED_STEP_SLUGS, slug_problem
from tidewire.flow.step import Step
from tidewire.flow.timing import Timing, timeout_problem

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
        after: Collection[str] = (),
        when: str | None = None,
        otherwise: Otherwise = "skip",
        delay: timedelta = timedelta(),
        timeout: timedelta = timedelta(minutes=10),
        max_attempts: int = 3,
        backoff: timedelta = timedelta(seconds=1),
        backoff_cap: timedelta = timedelta(minutes=5),
        never_retry: Collection[type[BaseException]] = (),
        on_retry: OnRetry = "continue",
        on_exhausted: OnExhausted = "fail",
        stream: bool = False,
        publish: bool = False,
        cache: Cache | None = None,
        queue: str = "default",
        priority: int = 0,
    ) -> Callable[[Handler], Handler]:
        """Add the decorated function as a step and leave the function as it is.

        Args:
          slug: the function's name when left out.
          after: slugs of steps to wait for without taking their outputs.
          when: jsonpath over {"input": …, "<dependency>": …}. It holds when its first result is
            there and is neither false nor null.
          otherwise: what is done when `when` does not hold. "skip" skips the step, and the steps
            that depend on it go on without its output; "skip_dependents" skips those too; "fail"
            fails the run.
          delay: wait between the step's being ready and its first attempt.
          timeout: how long one attempt may take.
          max_attempts: tries in all.
          backoff: wait after the first failure; each further one doubles it.
          backoff_cap: upper bound of that wait.
          never_retry: exceptions after which no further attempt is made.
          on_retry: whether a later attempt continues the streamed text or restarts it.
          on_exhausted: what is done when no attempt is left, with the words of `otherwise`.
          stream: the step writes parts of the answer into the run's log.
          publish: the run's owner may see the step's output.
          cache: for how long and by whom the output is used again; not with `stream`.
          queue: the line of ready steps that this one stands in.
          priority: higher is claimed earlier.

        Raises:
          FlowDefinitionError: an argument or the function's signature is wrong.
        """

        def options() -> StepOptions:
            return StepOptions(
                Wiring(slugs(after)),
                Condition(when, otherwise),
                Timing(queue, priority, delay, timeout),
                RetryPolicy(max_attempts, backoff, backoff_cap, on_retry, on_exhausted),
                Outcome(stream, publish, cache),
                exception_types(never_retry),
            )

        return self._adder("step", slug, options)

    def map(  # noqa: D417  what is not said here is said of `step`
        self,
        slug: str | None = None,
        *,
        over: str = "input",
        tolerance: float = 0.0,
        after: Collection[str] = (),
        when: str | None = None,
        otherwise: Otherwise = "skip",
        delay: timedelta = timedelta(),
        timeout: timedelta = timedelta(minutes=10),
        max_attempts: int = 3,
        backoff: timedelta = timedelta(seconds=1),
        backoff_cap: timedelta = timedelta(minutes=5),
        never_retry: Collection[type[BaseException]] = (),
        on_exhausted: OnExhausted = "fail",
        publish: bool = False,
        cache: Cache | None = None,
        queue: str = "default",
        priority: int = 0,
    ) -> Callable[[Handler], Handler]:
        """Add the decorated function as a step that is worked once for each element of a list.

        The function takes the element as `item`. The step's output is the list of what it
        returned, in the order of the elements. `when`, `delay` and `cache` are of the step as a
        whole. A source that was skipped is an empty list.

        Args:
          slug: the function's name when left out.
          over: where the list is: "input", or the slug of a step defined above.
          tolerance: share of the items that may fail, 0 to 1. The output has None in their places.

        The other options are those of `step`; attempts, backoff and timeout are each item's own.

        Raises:
          FlowDefinitionError: an argument or the function's signature is wrong.
        """

        def options() -> StepOptions:
            return StepOptions(
                Wiring(slugs(after), MapOver(over, tolerance)),
                Condition(when, otherwise),
                Timing(queue, priority, delay, timeout),
                RetryPolicy(max_attempts, backoff, backoff_cap, on_exhausted=on_exhausted),
                Outcome(publish=publish, cache=cache),
                exception_types(never_retry),
            )

        return self._adder("map", slug, options)

    def shape(self) -> FlowShape:
        """Return the flow's shape as it is now.

        Raises:
          FlowDefinitionError: the flow has no step.
        """
        if not self._steps:
            raise self._wrong("a flow must have at least one step, got none")
        steps = tuple(step.shape for step in self._steps.values())
        return FlowShape(self._slug, self._label, self._access, self._timeout, self._schema, steps)

    def _adder(
        self, decorator: str, slug: str | None, options: Callable[[], StepOptions]
    ) -> Callable[[Handler], Handler]:
        if slug is not None and not isinstance(slug, str):
            raise self._wrong(f"write @flow.{decorator}() with parentheses")

        def add(handler: Handler) -> Handler:
            name = str(slug or getattr(handler, "__name__", ""))
            # Annotations as strings may name classes that are local to the place of definition.
            namespace = sys._getframe(1).f_locals
            try:
                self._steps[name] = self._make(name, handler, options, namespace)
            except (TypeError, ValueError) as error:
                raise self._wrong(str(error), name) from error
            return handler

        return add

    def _make(
        self,
        slug: str,
        handler: Callable[..., Any],
        options: Callable[[], StepOptions],
        namespace: Mapping[str, Any],
    ) -> Step:
        problem = slug_problem(slug, reserved=RESERVED_STEP_SLUGS)
        if problem or slug in self._steps:
            raise ValueError(problem or "slug must be unique in the flow, got it twice")
        chosen = options()
        signature = read_signature(handler, slug=slug, earlier=self._steps, namespace=namespace)
        place = Place(self._slug, self._input, self._steps)
        return make_step(slug, handler, signature, chosen, place)

    def _wrong(self, problem: str, step: str | None = None) -> FlowDefinitionError:
        subject = f"flow {self._slug}" if step is None else f"flow {self._slug}, step {step}"
        return FlowDefinitionError(f"{subject}: {problem}")
