"""A step's output may be used again by later runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tidewire import Cache
from tidewire.errors import FlowDefinitionError
from tidewire.flow import Flow

HOUR = timedelta(hours=1)


def cached(cache: Any, **options: Any) -> dict[str, Any]:
    """The definition of a step that has `cache`."""
    flow = Flow("reuse")

    @flow.step(cache=cache, **options)
    def embed(input: dict[str, str]) -> list[float]:
        return []

    definition: dict[str, Any] = flow.shape().definition()["steps"][0]
    return definition


@pytest.mark.parametrize(
    ("cache", "expected"),
    [
        (None, None),
        (Cache(fresh=HOUR), {"fresh_ms": 3_600_000, "scope": "owner", "key": None}),
        (
            Cache(fresh=timedelta(milliseconds=1), scope="shared"),
            {"fresh_ms": 1, "scope": "shared", "key": None},
        ),
        (
            Cache(fresh=HOUR, key="$.input.text"),
            {"fresh_ms": 3_600_000, "scope": "owner", "key": "$.input.text"},
        ),
    ],
)
def test_cache_is_part_of_the_definition(cache: Cache | None, expected: Any) -> None:
    assert cached(cache)["cache"] == expected


def test_map_may_have_a_cache() -> None:
    flow = Flow("reuse")

    @flow.map(cache=Cache(fresh=HOUR, key="$.input[*].id"))
    def embed(item: str) -> list[float]:
        return []

    assert flow.shape().definition()["steps"][0]["cache"]["key"] == "$.input[*].id"


@pytest.mark.parametrize(
    ("cache", "problem"),
    [
        (HOUR, "cache must be a Cache, got datetime.timedelta"),
        (Cache(fresh=timedelta(microseconds=999)), "cache fresh must be .* at least 1 ms, got"),
        (Cache(fresh=-HOUR), "cache fresh must be a timedelta of at least 1 ms, got"),
        (Cache(fresh=60), "cache fresh must be a timedelta of at least 1 ms, got 60"),  # type: ignore[arg-type]
        (Cache(fresh=HOUR, scope="all"), "cache scope must be owner or shared, got 'all'"),  # type: ignore[arg-type]
        (
            Cache(fresh=HOUR, scope="shared", key="$.input.text"),
            r"cache key must be left out with scope shared, got '\$.input.text'",
        ),
        (Cache(fresh=HOUR, key=""), "cache key must be a jsonpath such as .*, got ''"),
        (Cache(fresh=HOUR, key=5), "cache key must be a jsonpath such as .*, got 5"),  # type: ignore[arg-type]
    ],
)
def test_wrong_cache_is_refused(cache: Any, problem: str) -> None:
    with pytest.raises(FlowDefinitionError, match=f"flow reuse, step embed: {problem}"):
        cached(cache)


def test_step_that_streams_cannot_have_a_cache() -> None:
    with pytest.raises(
        FlowDefinitionError,
        match="flow reuse, step embed: cache must be left out of a step with stream=True, got Cac",
    ):
        cached(Cache(fresh=HOUR), stream=True)
