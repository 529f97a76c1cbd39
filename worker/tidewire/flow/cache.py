"""How a step's output is used again by later runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, get_args

from tidewire.flow.choice import check_choice
from tidewire.flow.timing import MILLISECOND

CacheScope = Literal["owner", "shared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """For how long and by whom a step's output is used again instead of working the step.

    An output is found again by what the step takes, never across flows, steps or versions. The
    step that is given a Cache checks it.

    Args:
      fresh: how long after it was made an output may be used; at least 1 ms.
      scope: "owner" keeps each user's outputs apart. "shared" lets every user have them: the
        step's context then refuses whatever tells users apart.
      key: jsonpath over {"input": …, "<dependency>": …} whose results replace what the step takes
        as the key. Not with "shared".
    """

    fresh: timedelta
    scope: CacheScope = "owner"
    key: str | None = None

    def definition(self) -> dict[str, Any]:
        """Return the cache's part of the definition document."""
        return {"fresh_ms": self.fresh // MILLISECOND, "scope": self.scope, "key": self.key}


def check_cache(cache: object) -> None:
    """Check all but the names in the key.

    Raises:
      ValueError: `cache` is no Cache, or one of its values is out of range.
    """
    if not isinstance(cache, Cache):
        raise ValueError(f"cache must be a Cache, got {cache!r}")
    if not isinstance(cache.fresh, timedelta) or cache.fresh < MILLISECOND:
        raise ValueError(f"cache fresh must be a timedelta of at least 1 ms, got {cache.fresh!r}")
    check_choice("cache scope", cache.scope, get_args(CacheScope))
    if cache.scope == "shared" and cache.key is not None:
        raise ValueError(
            f"cache key must be left out with scope shared, got {cache.key!r}; "
            "shared outputs are found by all that the step takes"
        )
