"""Finds flows in modules."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType

from tidewire.errors import ConfigurationError
from tidewire.flow import Flow


def load_flows(names: Sequence[str]) -> list[Flow]:
    """Return the flows that `module` or `module:name` name, each once.

    Raises:
      ConfigurationError: there is no such module, or no flow in it. What a module raises while
        it is imported is raised as it is.
    """
    flows: dict[int, Flow] = {}
    for name in names:
        module_name, _, attribute = name.partition(":")
        module = _import(module_name)
        found = [_named(module, attribute)] if attribute else _all_flows(module)
        flows.update({id(flow): flow for flow in found})
    return list(flows.values())


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise ConfigurationError(f"flows: there is no module {name}") from error


def _named(module: ModuleType, attribute: str) -> Flow:
    found = getattr(module, attribute, None)
    if not isinstance(found, Flow):
        raise ConfigurationError(
            f"flows: {module.__name__}:{attribute} must be a Flow, got {type(found).__name__}"
        )
    return found


def _all_flows(module: ModuleType) -> list[Flow]:
    found = [value for value in vars(module).values() if isinstance(value, Flow)]
    if not found:
        raise ConfigurationError(f"flows: module {module.__name__} must hold a Flow, got none")
    return found
