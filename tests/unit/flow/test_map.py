"""A map is worked once for each element of a list."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from annotated_types import Len
from pydantic import BaseModel, RootModel

from tidewire.errors import FlowDefinitionError, PermanentStepError
from tidewire.flow import Context, Edges, Flow, MapOver


@dataclass
class Document:
    title: str


class Named(BaseModel):
    name: str


class Names(RootModel[list[Named]]):
    pass


def library() -> Flow:
    flow = Flow("library")

    @flow.step()
    def titles(input: Any) -> list[str]:
        return []

    @flow.step()
    def count() -> int:
        return 0

    @flow.step()
    def anything(input):  # type: ignore[no-untyped-def]
        return input

    @flow.map(over="titles", tolerance=0.25)
    def fetch(item: str) -> Document:
        return Document(item)

    return flow


def test_map_depends_on_the_list_and_is_given_its_items_alone() -> None:
    assert library().steps["fetch"].shape.edges == Edges(
        ("titles",), (), MapOver("titles", tolerance=0.25)
    )


def test_map_takes_other_steps_and_the_whole_list_by_name() -> None:
    flow = library()

    @flow.map(over="titles", after=("anything",))
    def compare(ctx: Context, item: str, input: Any, count: int, titles: list[str]) -> None: ...

    assert flow.shape().steps[-1].edges == Edges(
        ("titles", "count", "anything"), ("input", "titles", "count"), MapOver("titles")
    )


def test_definition_of_a_map_names_its_source_and_tolerance() -> None:
    definition = library().shape().definition()["steps"][-1]
    assert definition["over"] == "titles"
    assert definition["tolerance"] == 0.25
    assert (definition["stream"], definition["on_retry"]) == (False, "continue")


def test_map_is_over_the_input_unless_it_says_otherwise() -> None:
    flow = Flow("all")

    @flow.map(tolerance=1)
    def double(item: int) -> int:
        return 2 * item

    assert flow.shape().steps[0].edges == Edges((), (), MapOver("input", 1))
    assert flow.steps["double"].bind(None, None, {}, item=4)() == 8


def test_item_is_decoded_and_the_output_of_one_item_is_encoded() -> None:
    flow = library()

    @flow.map(over="fetch")
    async def title(ctx: str, item: Document | None, count: int) -> Document:
        return Document(f"{item and item.title} {ctx} {count}")

    step = flow.steps["title"]
    assert step.item is not None
    call = step.bind("context", None, {"count": 0}, item={"title": "a"})
    assert step.is_async
    assert call.keywords == {"ctx": "context", "item": Document("a"), "count": 0}  # type: ignore[attr-defined]
    assert step.encode_output(Document("b")) == {"title": "b"}


@pytest.mark.parametrize("item", [0, "", False, [], {}, None])
def test_falsy_item_is_an_item(item: Any) -> None:
    flow = Flow("falsy")

    @flow.map()
    def same(item):  # type: ignore[no-untyped-def]
        return item

    step = flow.steps["same"]
    assert step.encode_output(step.bind(None, None, {}, item=item)()) == item


def test_wrong_item_fails_for_good_and_names_the_field() -> None:
    flow = Flow("read")

    @flow.map()
    def read(item: Document) -> None: ...

    with pytest.raises(PermanentStepError, match="read/read: the item is not valid: title: Field"):
        flow.steps["read"].bind(None, None, {}, item={})


def test_items_of_a_declared_input_are_checked_one_by_one() -> None:
    flow = Flow("names", input=list[Named])

    @flow.map()
    def greet(item):  # type: ignore[no-untyped-def]
        return item.name

    step = flow.steps["greet"]
    assert step.shape.edges.takes == ()
    assert step.bind(None, None, {}, item={"name": "Ada"})() == "Ada"
    with pytest.raises(PermanentStepError, match="names/greet: the item is not valid: name"):
        step.bind(None, None, {}, item={})


@pytest.mark.parametrize("declared", [Names, Annotated[list[int], Len(max_length=2)]])
def test_input_that_is_more_than_its_elements_is_checked_as_a_whole(declared: Any) -> None:
    flow = Flow("names", input=declared)

    @flow.map()
    def greet(item: Any) -> None: ...

    assert flow.steps["greet"].shape.edges.takes == ("input",)
    with pytest.raises(PermanentStepError, match="names/greet: the run's input is not valid"):
        flow.steps["greet"].bind(None, [1, 2, 3], {}, item=1)


def test_item_annotated_other_than_the_elements_of_the_input_is_refused() -> None:
    flow = Flow("names", input=list[Named])
    with pytest.raises(
        FlowDefinitionError,
        match="flow names, step greet: parameter item must be Named, an element of the flow's "
        "input, got Document",
    ):

        @flow.map()
        def greet(item: Document) -> None: ...


def test_item_may_be_annotated_wider_than_the_elements_of_the_input() -> None:
    flow = Flow("names", input=tuple[Named, ...])

    @flow.map()
    def greet(item: BaseModel | None) -> str:
        return str(item)

    assert flow.steps["greet"].bind(None, None, {}, item={"name": "Ada"})() == "name='Ada'"


def no_item(ctx: Context) -> None: ...
def takes_item(item: Any) -> None: ...
def takes_number(item: int) -> None: ...


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            {"over": "nowhere"},
            r"over must be input or a step defined above this one \(titles.*\), ",
        ),
        ({"over": "takes_item"}, "over must be input or a step defined above .* got 'takes_item'"),
        ({"over": ["titles"]}, "over must be input or the slug of a step, got .'titles'"),
        ({"over": None}, "over must be input or the slug of a step, got None"),
        ({"over": "count"}, "over must name a list, got count, whose handler returns int"),
        ({"tolerance": -0.1}, "tolerance must be a number from 0 to 1, got -0.1"),
        ({"tolerance": 1.1}, "tolerance must be a number from 0 to 1, got 1.1"),
        ({"tolerance": float("nan")}, "tolerance must be a number from 0 to 1, got nan"),
        ({"tolerance": True}, "tolerance must be a number from 0 to 1, got True"),
        ({"tolerance": "half"}, "tolerance must be a number from 0 to 1, got 'half'"),
    ],
)
def test_wrong_argument_of_a_map_is_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(FlowDefinitionError, match=f"flow library, step takes_item: {problem}"):
        library().map(**arguments)(takes_item)


def test_map_whose_handler_takes_no_item_is_refused() -> None:
    with pytest.raises(
        FlowDefinitionError,
        match="flow library, step no_item: handler of a map must take a parameter item, got none",
    ):
        library().map()(no_item)


def test_item_in_a_step_that_is_no_map_is_refused() -> None:
    with pytest.raises(
        FlowDefinitionError,
        match=r"step takes_item: parameter item must be in the handler of a @flow.map\(\), got",
    ):
        library().step()(takes_item)


def test_item_of_a_type_that_is_no_json_is_refused() -> None:
    with pytest.raises(
        FlowDefinitionError, match="step connect: parameter item: socket cannot be written as JSON"
    ):

        @library().map()
        def connect(item: socket.socket) -> None: ...


def test_map_without_parentheses_is_refused() -> None:
    with pytest.raises(FlowDefinitionError, match=r"write @flow.map\(\) with parentheses"):
        library().map(takes_item)  # type: ignore[arg-type]


@pytest.mark.parametrize("declared", [Document, int, dict[str, int], Document | None, None])
def test_map_over_an_input_that_is_no_list_is_refused(declared: Any) -> None:
    flow = Flow("single", input=type(None) if declared is None else declared)
    with pytest.raises(
        FlowDefinitionError, match="step takes_item: over must name a list, got input, a"
    ):
        flow.map()(takes_item)


@pytest.mark.parametrize(
    "returned",
    [list, list[int], tuple[int, str], set[str], frozenset[int], Names, Any, list[int] | None],
)
def test_map_over_a_step_that_may_return_a_list_is_taken(returned: Any) -> None:
    flow = Flow("listed")

    def source() -> Any: ...

    source.__annotations__["return"] = returned
    flow.step()(source)
    flow.map(over="source")(takes_item)
    assert flow.shape().steps[1].deps == ("source",)


@pytest.mark.parametrize("returned", [int, str, bytes, Document, dict[str, list[int]], None])
def test_map_over_a_step_that_returns_no_list_is_refused(returned: Any) -> None:
    flow = Flow("listed")

    def source() -> Any: ...

    source.__annotations__["return"] = returned
    flow.step()(source)
    with pytest.raises(FlowDefinitionError, match="over must name a list, got source, whose"):
        flow.map(over="source")(takes_item)


def test_taker_of_a_tolerant_map_takes_none_in_the_list() -> None:
    flow = library()
    with pytest.raises(
        FlowDefinitionError,
        match=r"flow library, step rank: parameter fetch must take a list with None in it .*: "
        r"write list\[… \| None\], got list\[.*Document\]",
    ):

        @flow.step("rank")
        def wrong(fetch: list[Document]) -> None: ...

    @flow.step()
    def rank(fetch: list[Document | None]) -> int:
        return len(fetch)

    assert flow.steps["rank"].bind(None, None, {"fetch": [None, {"title": ""}]})() == 2


def test_map_over_a_tolerant_map_takes_none_for_an_item() -> None:
    flow = library()
    with pytest.raises(
        FlowDefinitionError,
        match=r"flow library, step rate: parameter item must take None for items of fetch .*: "
        r"write Document \| None, got Document",
    ):

        @flow.map("rate", over="fetch")
        def wrong(item: Document) -> None: ...

    @flow.map(over="fetch")
    def rate(item: Document | None) -> str:
        return item.title if item else "none"

    assert flow.steps["rate"].bind(None, None, {}, item=None)() == "none"


def test_map_over_a_step_that_may_be_skipped_is_taken() -> None:
    flow = library()

    @flow.step(when="$.input.wide", on_exhausted="skip")
    def search() -> list[int]:
        return []

    @flow.map(over="search")
    def read(item: int) -> int:
        return item

    assert flow.shape().steps[-1].deps == ("search",)
