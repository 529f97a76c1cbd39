"""Reads from a handler's signature what the step depends on and which types it takes."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tidewire.flow.arguments import Taken
from tidewire.flow.codec import Codec

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class HandlerSignature:
    """What a handler takes. `input` and `item` are None when it does not take them."""

    takes_context: bool
    input: Codec | None
    item: Codec | None
    deps: Mapping[str, Taken]
    output: Codec


def read_signature(
    handler: Callable[..., Any],
    *,
    slug: str,
    earlier: Collection[str],
    namespace: Mapping[str, Any],
) -> HandlerSignature:
    """Return what `handler` takes and returns.

    Args:
      handler: the function that does the step.
      slug: the step's own slug.
      earlier: slugs of the steps defined so far.
      namespace: local names around the definition, for annotations written as strings.

    Raises:
      TypeError: the signature cannot be a step's. The message says what to change.
    """
    if inspect.isasyncgenfunction(handler) or inspect.isgeneratorfunction(handler):
        raise TypeError(
            "handler must return its output, got a generator; stream through ctx.stream"
        )
    signature = inspect.signature(handler)
    parameters = signature.parameters
    for parameter in parameters.values():
        problem = _parameter_problem(parameter, slug, earlier)
        if problem:
            raise TypeError(problem)

    def codec_of(subject: str, annotation: Any) -> Codec:
        try:
            return Codec(_resolve(annotation, handler, namespace))
        except (TypeError, NameError) as error:
            raise TypeError(f"{subject}: {error}") from error

    codecs = {
        name: codec_of(f"parameter {name}", parameter.annotation)
        for name, parameter in parameters.items()
        if name != "ctx"
    }
    output = codec_of("return value", signature.return_annotation)
    if output.loses_bytes():
        raise TypeError(
            "return value: bytes in a model must be base64, got UTF-8; write in the model "
            'model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")'
        )
    return HandlerSignature(
        takes_context="ctx" in parameters,
        input=codecs.pop("input", None),
        item=codecs.pop("item", None),
        deps={name: Taken(codec, parameters[name].default) for name, codec in codecs.items()},
        output=output,
    )


def _parameter_problem(
    parameter: inspect.Parameter, slug: str, earlier: Collection[str]
) -> str | None:
    name = parameter.name
    if parameter.kind not in _BY_NAME:
        return f"parameter {name} must be passable by name, got {parameter.kind.description}"
    if name in ("ctx", "input", "item") or name in earlier:
        return None
    if name == slug:
        return f"parameter {name} names the step itself; a step depends on earlier steps only"
    known = ", ".join(earlier) or "none yet"
    return (
        f"parameter {name} must be ctx, input or a step defined above this one ({known}); "
        "a step cannot depend on a later one"
    )


def _resolve(annotation: Any, handler: Callable[..., Any], namespace: Mapping[str, Any]) -> Any:
    """Return the annotation as a type; a missing one is Any."""
    if annotation is inspect.Signature.empty:
        return Any
    function = inspect.unwrap(handler)
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    names = getattr(function, "__globals__", {})
    hints = typing.get_type_hints(holder, names, dict(namespace), include_extras=True)
    return hints["it"]
