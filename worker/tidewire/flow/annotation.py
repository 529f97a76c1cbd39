"""What can be told of types before there are values."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any, Final, Union, get_args, get_origin

_LISTS: Final = (list, set, frozenset, Sequence)
_UNIONS: Final = (Union, types.UnionType)


def covers(annotation: Any, declared: Any) -> bool:
    """Whether a value of type `declared` is one of `annotation`, as far as can be told here."""
    if annotation is Any or annotation is object or annotation == declared:
        return True
    if get_origin(annotation) in _UNIONS:
        return any(covers(member, declared) for member in get_args(annotation))
    kind = get_origin(declared) or declared
    return isinstance(annotation, type) and isinstance(kind, type) and issubclass(kind, annotation)


def element_type(annotation: Any) -> tuple[Any] | None:
    """Return in a tuple which type a list's elements have; None for all but plain lists.

    A type that says more of the list as a whole than its elements' type is no plain list.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in _LISTS:
        return (arguments[0],)
    if origin is tuple and arguments[1:] == (...,):
        return (arguments[0],)
    return None
