"""A flow as written becomes an immutable shape, or an error that names flow and step."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

import tidewire
from tidewire.errors import FlowDefinitionError
from tidewire.flow import ChatInput, Context, Flow


@dataclass
class Hit:
    passage_id: int
    score: float


def research() -> Flow:
    flow = Flow("research", input=ChatInput, access="authenticated", label="1")

    @flow.step(publish=True)
    async def search(ctx: Context, input: ChatInput) -> list[Hit]:
        return []

    @flow.step(stream=True, max_attempts=5, timeout=timedelta(minutes=2), on_retry="restart")
    async def generate(ctx: Context, input: ChatInput, search: list[Hit]) -> str:
        return ""

    return flow


STEP_DEFAULTS = {
    "over": None,
    "tolerance": 0,
    "when": None,
    "otherwise": "skip",
    "on_exhausted": "fail",
    "delay_ms": 0,
    "cache": None,
}


def test_definition_is_the_document_that_is_registered() -> None:
    definition = research().shape().definition()
    assert definition.pop("input_schema")["required"] == ["message"]
    assert definition == {
        "slug": "research",
        "label": "1",
        "access": "authenticated",
        "timeout_ms": 86_400_000,
        "steps": [
            {
                "slug": "search",
                "deps": [],
                "takes": ["input"],
                **STEP_DEFAULTS,
                "queue": "default",
                "priority": 0,
                "max_attempts": 3,
                "timeout_ms": 600_000,
                "backoff_base_ms": 1_000,
                "backoff_cap_ms": 300_000,
                "stream": False,
                "publish": True,
                "on_retry": "continue",
            },
            {
                "slug": "generate",
                "deps": ["search"],
                "takes": ["input", "search"],
                **STEP_DEFAULTS,
                "queue": "default",
                "priority": 0,
                "max_attempts": 5,
                "timeout_ms": 120_000,
                "backoff_base_ms": 1_000,
                "backoff_cap_ms": 300_000,
                "stream": True,
                "publish": False,
                "on_retry": "restart",
            },
        ],
    }


def test_equal_flows_have_equal_definitions() -> None:
    first, second = research().shape(), research().shape()
    assert first == second
    assert hash(first) == hash(second)
    assert json.dumps(first.definition()) == json.dumps(second.definition())


def test_flow_without_input_type_has_no_input_schema() -> None:
    flow = Flow("plain")

    @flow.step()
    def only() -> None: ...

    assert flow.shape().definition()["input_schema"] is None


def test_decorated_function_stays_callable() -> None:
    flow = Flow("plain")

    @flow.step()
    def double(input: int) -> int:
        return 2 * input

    assert double(4) == 8


def test_slug_of_a_step_can_differ_from_the_name_of_its_function() -> None:
    flow = Flow("plain")

    @flow.step("first")
    def compute() -> int:
        return 1

    @flow.step()
    def second(first: int) -> int:
        return first

    assert flow.shape().steps[1].deps == ("first",)


def test_annotations_may_name_classes_local_to_the_place_of_definition() -> None:
    class Local(BaseModel):
        size: int

    flow = Flow("plain", input=Local)

    @flow.step()
    def measure(input: Local) -> int:
        return input.size

    assert flow.steps["measure"].bind(None, {"size": 3}, {})() == 3


def test_flow_without_steps_is_refused() -> None:
    with pytest.raises(FlowDefinitionError, match="flow empty: a flow must have at least one step"):
        Flow("empty").shape()


@pytest.mark.parametrize("slug", ["", "Upper", "1st", "with-dash", "a" * 64, "line\n"])
def test_flow_slug_that_is_no_slug_is_refused(slug: str) -> None:
    with pytest.raises(FlowDefinitionError, match="slug must match"):
        Flow(slug)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"access": "public"}, "access must be service or authenticated"),
        ({"timeout": None}, "timeout must be a timedelta"),
        ({"timeout": timedelta()}, "timeout must be a timedelta"),
        ({"label": 1}, "label must be text"),
        ({"input": socket.socket}, "input: socket cannot be written as JSON"),
    ],
)
def test_wrong_argument_of_a_flow_is_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(FlowDefinitionError, match=f"flow broken: {problem}"):
        Flow("broken", **arguments)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"max_attempts": 0}, "max_attempts must be 1 to 1000, got 0"),
        ({"max_attempts": -1}, "max_attempts must be 1 to 1000, got -1"),
        ({"max_attempts": 1001}, "max_attempts must be 1 to 1000"),
        ({"max_attempts": True}, "max_attempts must be an integer"),
        ({"timeout": None}, "timeout must be a timedelta of at least 1 ms, got None"),
        ({"timeout": timedelta(seconds=-1)}, "timeout must be a timedelta"),
        ({"backoff": timedelta(seconds=-1)}, "backoff must be"),
        ({"backoff_cap": timedelta()}, "backoff_cap must be"),
        ({"on_retry": "again"}, "on_retry must be continue or restart"),
        ({"queue": ""}, "queue must be a name"),
        ({"priority": "high"}, "priority must be an integer"),
        ({"slug": "Bad"}, "slug must match"),
        ({"slug": "progress"}, "slug must not be one of the reserved words"),
        ({"slug": "item"}, "slug must not be one of the reserved words .*item"),
        ({"otherwise": "retry"}, "otherwise must be skip, skip_dependents or fail, got 'retry'"),
        ({"on_exhausted": None}, "on_exhausted must be fail, skip or skip_dependents, got None"),
        ({"delay": timedelta(seconds=-1)}, "delay must be a timedelta of 0 or more, got .*-1"),
        ({"delay": 5}, "delay must be a timedelta of 0 or more, got 5"),
        ({"never_retry": ValueError}, "never_retry must be a tuple of exception classes, got <cl"),
        ({"never_retry": (ValueError, "x")}, "never_retry must hold exception classes, got 'x'"),
        ({"never_retry": (ValueError(),)}, "never_retry must hold exception classes, got ValueErr"),
        ({"never_retry": (int,)}, "never_retry must hold exception classes, got <class 'int'>"),
    ],
)
def test_wrong_argument_of_a_step_is_refused(arguments: dict[str, Any], problem: str) -> None:
    flow = Flow("broken")
    with pytest.raises(FlowDefinitionError, match=f"flow broken, step .*{problem}"):

        @flow.step(**arguments)
        def only() -> None: ...


def test_slug_used_twice_is_refused() -> None:
    flow = research()
    with pytest.raises(FlowDefinitionError, match="flow research, step search: slug must be uniqu"):

        @flow.step("search")
        def again() -> None: ...


@pytest.mark.parametrize("slug", ["ctx", "input", "item", "progress", "run"])
def test_step_cannot_have_a_name_that_means_something_else(slug: str) -> None:
    with pytest.raises(FlowDefinitionError, match=f"flow broken, step {slug}: slug must not be on"):

        @Flow("broken").step(slug)
        def only() -> None: ...


def no_step(ctx: Context, rerank: Any) -> None: ...
def itself(itself: Any) -> None: ...
def positional(ctx: Any, /) -> None: ...
def many(*input: Any) -> None: ...
def named(**input: Any) -> None: ...
def optional(limit: int = 5) -> None: ...
def unknown_type(input: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
def unserialisable(input: Any) -> socket.socket: ...  # type: ignore[empty-body]
def function_output(input: Any) -> Callable[[], int]: ...  # type: ignore[empty-body]
async def streamed(input: Any) -> AsyncIterator[str]:
    yield ""


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        (no_step, "parameter rerank must be ctx, input or a step defined above this one .search"),
        (itself, "parameter itself names the step itself"),
        (positional, "parameter ctx must be passable by name"),
        (many, "parameter input must be passable by name"),
        (named, "parameter input must be passable by name"),
        (optional, "parameter limit must be ctx, input or a step"),
        (unknown_type, "parameter input: name 'Nowhere' is not defined"),
        (unserialisable, "return value: socket cannot be written as JSON"),
        (function_output, "return value: .* cannot be written as JSON"),
        (streamed, "handler must return its output, got a generator"),
    ],
)
def test_signature_that_no_step_can_have_is_refused(
    handler: Callable[..., Any], problem: str
) -> None:
    with pytest.raises(
        FlowDefinitionError, match=f"flow research, step {handler.__name__}: {problem}"
    ):
        research_before_generate().step()(handler)


def research_before_generate() -> Flow:
    flow = Flow("research")

    @flow.step()
    def search() -> int:
        return 1

    return flow


def test_step_that_refers_to_a_later_one_is_told_so() -> None:
    with pytest.raises(FlowDefinitionError, match="a step cannot depend on a later one"):
        research_before_generate().step()(no_step)


def test_input_annotated_other_than_the_flow_input_is_refused() -> None:
    flow = Flow("chat", input=ChatInput)
    with pytest.raises(FlowDefinitionError, match="parameter input must be ChatInput"):

        @flow.step()
        def wrong(input: Hit) -> None: ...


@pytest.mark.parametrize(
    ("declared", "taken"),
    [
        (list[Hit], list),
        (list[Hit], list[Hit] | None),
        (ChatInput, BaseModel),
        (ChatInput, ChatInput | str),
        (ChatInput, object),
        (dict[str, int], Any),
    ],
)
def test_input_annotated_wider_than_the_flow_input_is_taken(declared: Any, taken: Any) -> None:
    flow = Flow("wide", input=declared)

    def first(input: Any) -> None: ...

    first.__annotations__["input"] = taken
    flow.step()(first)
    assert flow.shape().steps[0].edges.takes == ("input",)


def test_public_names_are_sorted_and_there() -> None:
    for module in (tidewire, tidewire.flow):
        assert module.__all__ == sorted(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)
    assert tidewire.Cache is tidewire.flow.Cache


def test_decorator_without_parentheses_is_refused() -> None:
    flow = Flow("chat")
    with pytest.raises(FlowDefinitionError, match=r"write @flow.step\(\) with parentheses"):

        @flow.step  # type: ignore[arg-type]
        def bare() -> None: ...
