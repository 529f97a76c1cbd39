"""Checks the edges of a step against the steps before it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tidewire.flow.arguments import REQUIRED, Taken
from tidewire.flow.codec import Codec, shown
from tidewire.flow.shape import MapOver
from tidewire.flow.step import Step


def check_over(
    over: MapOver | None, item: Codec | None, earlier: Mapping[str, Step], declared: Codec | None
) -> None:
    """Check what a map maps, and that its handler takes the items.

    Args:
      over: None for a step that is no map.
      item: what the handler takes by the name item.
      earlier: the steps defined so far.
      declared: the flow's input.

    Raises:
      ValueError: the source is no earlier step or no list, or items and handler do not fit.
    """
    if over is None:
        if item is not None:
            raise ValueError("parameter item must be in the handler of a @flow.map(), got a step's")
        return
    if item is None:
        raise ValueError("handler of a map must take a parameter item, got none")
    if over.source == "input":
        if declared is not None and not declared.may_be_list("validation"):
            raise ValueError(f"over must name a list, got input, a {shown(declared.annotation)}")
        return
    if over.source not in earlier:
        raise ValueError(f"over must be input or {_known(earlier)}, got {over.source!r}")
    source = earlier[over.source]
    if source.item is None and not source.output.may_be_list("serialization"):
        raise ValueError(
            f"over must name a list, got {over.source}, whose handler returns "
            f"{shown(source.output.annotation)}"
        )
    if _tolerates(source) and not item.accepts(None):
        raise ValueError(
            f"parameter item must take None for items of {over.source} that failed (its "
            f"tolerance is above 0): write {shown(item.annotation)} | None, "
            f"got {shown(item.annotation)}"
        )


def check_after(
    after: Collection[str],
    taken: Collection[str],
    over: MapOver | None,
    earlier: Mapping[str, Step],
) -> None:
    """Check the edges whose output is not taken.

    Raises:
      ValueError: one is no earlier step, or is an edge already.
    """
    for slug in after:
        if slug not in earlier:
            raise ValueError(f"after must name {_known(earlier)}, got {slug!r}")
        if slug in taken:
            raise ValueError(f"after must not name what is a parameter already, got {slug!r}")
        if over is not None and slug == over.source:
            raise ValueError(f"after must not name what over names already, got {slug!r}")


def check_taken(taken: Mapping[str, Taken], earlier: Mapping[str, Step]) -> None:
    """Check that parameters take what stands for outputs that are not made.

    Raises:
      ValueError: one refuses None where a step may be skipped, or an item may fail.
    """
    for slug, parameter in taken.items():
        codec, dependency = parameter.codec, earlier[slug]
        optional = parameter.default is not REQUIRED or codec.accepts(None)
        if dependency.shape.may_be_skipped and not optional:
            raise ValueError(
                f"parameter {slug} must take None or have a default, because step {slug} may be "
                f"skipped: write {shown(codec.annotation)} | None, got {shown(codec.annotation)}"
            )
        if _tolerates(dependency) and not codec.accepts([None]):
            raise ValueError(
                f"parameter {slug} must take a list with None in it for items that failed (the "
                f"map's tolerance is above 0): write list[… | None], got {shown(codec.annotation)}"
            )


def _tolerates(step: Step) -> bool:
    return step.shape.over is not None and step.shape.over.tolerance > 0


def _known(earlier: Collection[str]) -> str:
    return f"a step defined above this one ({', '.join(earlier) or 'none yet'})"
