"""Makes a step out of a handler and its options, and checks its place in the flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tidewire.flow.annotation import covers, element_type
from tidewire.flow.arguments import Arguments
from tidewire.flow.codec import Codec, shown
from tidewire.flow.edges import check_after, check_over, check_taken
from tidewire.flow.jsonpath import check_path
from tidewire.flow.options import StepOptions
from tidewire.flow.shape import Edges, StepShape
from tidewire.flow.signature import HandlerSignature
from tidewire.flow.step import Step


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step is added.

    Attributes:
      flow: the flow's slug.
      input: the flow's declared input; None when it takes any.
      earlier: the steps defined so far.
    """

    flow: str
    input: Codec | None
    earlier: Mapping[str, Step]


def make_step(
    slug: str,
    handler: Callable[..., Any],
    signature: HandlerSignature,
    options: StepOptions,
    place: Place,
) -> Step:
    """Return the step that `handler` does.

    Raises:
      ValueError, TypeError: it cannot stand in this place. The message says what to change.
    """
    wiring, over = options.wiring, options.wiring.over
    check_over(over, signature.item, place.earlier, place.input)
    check_after(wiring.after, signature.deps, over, place.earlier)
    check_taken(signature.deps, place.earlier)
    source = () if over is None else (over.source,)
    wanted = {*signature.deps, *wiring.after, *source}
    deps = tuple(dep for dep in place.earlier if dep in wanted)
    for option, path in (
        ("when", options.condition.when),
        ("cache key", options.outcome.cache and options.outcome.cache.key),
    ):
        if path is not None:
            check_path(option, path, ("input", *deps))
    arguments = _arguments(signature, deps, options, place)
    edges = Edges(deps, arguments.takes, over)
    return Step(
        name=f"{place.flow}/{slug}",
        shape=StepShape(
            slug, edges, options.condition, options.timing, options.retry, options.outcome
        ),
        handler=handler,
        arguments=arguments,
        output=signature.output,
        never_retry=options.never_retry,
    )


def _arguments(
    signature: HandlerSignature, deps: tuple[str, ...], options: StepOptions, place: Place
) -> Arguments:
    taken = {dep: signature.deps[dep] for dep in deps if dep in signature.deps}
    declared, over = place.input, options.wiring.over
    item, checked_by_items = signature.item, False
    if declared is not None:
        _check_covers("input", signature.input, declared.annotation, "the flow's input")
        element = element_type(declared.annotation)
        if item is not None and over is not None and over.source == "input" and element:
            _check_covers("item", item, element[0], "an element of the flow's input")
            item, checked_by_items = Codec(element[0]), True
    # A first step refuses a wrong input even if only a later one reads it. Items of the input are
    # checked one by one: each would have to be given the whole list.
    checks = declared is not None and not deps and not checked_by_items
    takes = signature.input is not None
    return Arguments(
        context=signature.takes_context,
        takes_input=takes,
        input=(declared or signature.input) if takes or checks else None,
        item=item,
        deps=MappingProxyType(taken),
    )


def _check_covers(name: str, taken: Codec | None, declared: Any, meaning: str) -> None:
    if taken is not None and not covers(taken.annotation, declared):
        raise TypeError(
            f"parameter {name} must be {shown(declared)}, {meaning}, got {shown(taken.annotation)}"
        )
