"""What a decorator says of a step, before its handler and its place in the flow are known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tidewire.flow.condition import Condition
from tidewire.flow.retry import RetryPolicy
from tidewire.flow.shape import MapOver, Outcome
from tidewire.flow.timing import Timing

ExceptionTypes = tuple[type[BaseException], ...]


@dataclass(frozen=True, slots=True)
class Wiring:
    """The edges that are not in the handler's signature.

    Attributes:
      after: slugs of steps to wait for without taking their outputs.
      over: what a map maps; None for a step that is no map.
    """

    after: tuple[str, ...]
    over: MapOver | None = None


@dataclass(frozen=True, slots=True)
class StepOptions:
    """The options of one step, each group checked by itself."""

    wiring: Wiring
    condition: Condition
    timing: Timing
    retry: RetryPolicy
    outcome: Outcome
    never_retry: ExceptionTypes


def slugs(after: Iterable[str]) -> tuple[str, ...]:
    """Return the slugs that `after` names.

    Raises:
      ValueError: it is one text, or holds anything but texts.
    """
    if not isinstance(after, tuple | list | set | frozenset):
        raise ValueError(f"after must be a tuple of slugs, got {after!r}")
    for slug in after:
        if not isinstance(slug, str):
            raise ValueError(f"after must be a tuple of slugs, got {slug!r} in it")
    return tuple(after)


def exception_types(types: Iterable[type[BaseException]]) -> ExceptionTypes:
    """Return the exception classes that `never_retry` names.

    Raises:
      ValueError: it is no collection, or holds anything but exception classes.
    """
    if not isinstance(types, tuple | list | set | frozenset):
        raise ValueError(f"never_retry must be a tuple of exception classes, got {types!r}")
    for kind in types:
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise ValueError(f"never_retry must hold exception classes, got {kind!r}")
    return tuple(types)
