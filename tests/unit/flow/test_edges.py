"""What a step waits for, and what it is given of that."""

from __future__ import annotations

from typing import Any

import pytest

from tidewire.errors import FlowDefinitionError
from tidewire.flow import Context, Edges, Flow


def graph() -> Flow:
    """A flow whose first three steps stand beside each other."""
    flow = Flow("graph")

    @flow.step()
    def notes(input: dict[str, Any]) -> str:
        return ""

    @flow.step(on_exhausted="skip")
    def image() -> str:
        return ""

    @flow.step(when="$.input.wide == true")
    def web(input: Any) -> list[str]:
        return []

    return flow


def edges(flow: Flow) -> Edges:
    """Of the step that was added last."""
    return flow.shape().steps[-1].edges


def test_dependencies_are_in_the_order_of_definition_and_only_parameters_are_taken() -> None:
    flow = graph()

    @flow.step(after=["web"])
    def answer(ctx: Context, image: str | None, notes: str) -> str:
        return ""

    assert edges(flow) == Edges(("notes", "image", "web"), ("notes", "image"))


def test_order_of_parameters_and_of_after_makes_no_other_flow() -> None:
    first, second = graph(), graph()

    @first.step("answer", after={"web"})
    def one(input: Any, notes: str, image: str | None) -> None: ...

    @second.step("answer", after=("web",))
    def other(image: str | None, notes: str, input: Any) -> None: ...

    assert first.shape() == second.shape()


def test_step_that_takes_nothing_is_given_nothing() -> None:
    flow = graph()

    @flow.step(after=("notes",))
    def tidy() -> None: ...

    assert edges(flow) == Edges(("notes",), ())


def test_first_step_is_given_an_input_that_it_only_checks() -> None:
    flow = Flow("checked", input=dict[str, int])

    @flow.step()
    def first() -> None: ...

    @flow.step(after=("first",))
    def second() -> None: ...

    assert [step.edges.takes for step in flow.shape().steps] == [("input",), ()]


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        (("nowhere",), r"after must name a step defined above this one \(.*\), got 'nowhere'"),
        (("answer",), r"after must name a step defined above this one \(.*\), got 'answer'"),
        (("later",), r"after must name a step defined above this one \(.*\), got 'later'"),
        (("input",), "after must name a step defined above this one .*, got 'input'"),
        (("notes",), "after must not name what is a parameter already, got 'notes'"),
        ("notes", "after must be a tuple of slugs, got 'notes'"),
        (None, "after must be a tuple of slugs, got None"),
        ((1,), "after must be a tuple of slugs, got 1 in it"),
    ],
)
def test_edge_to_what_is_no_other_earlier_step_is_refused(after: Any, problem: str) -> None:
    flow = graph()
    with pytest.raises(FlowDefinitionError, match=f"flow graph, step answer: {problem}"):

        @flow.step(after=after)
        def answer(notes: str) -> None: ...

    @flow.step()
    def later() -> None: ...


def test_edge_that_a_map_has_already_is_refused() -> None:
    flow = graph()
    with pytest.raises(FlowDefinitionError, match=r"after must not name what over names .*'web'"):

        @flow.map(over="web", after=("web",))
        def read(item: str) -> None: ...


def test_dependency_that_may_be_skipped_needs_a_parameter_that_may_be_none() -> None:
    flow = graph()
    with pytest.raises(
        FlowDefinitionError,
        match=r"flow graph, step answer: parameter web must take None or have a default, because "
        r"step web may be skipped: write list\[str\] \| None, got list\[str\]",
    ):

        @flow.step()
        def answer(web: list[str]) -> None: ...


def test_dependency_that_may_fail_for_good_needs_a_parameter_that_may_be_none() -> None:
    flow = graph()
    with pytest.raises(FlowDefinitionError, match=r"step image may be skipped: write str \| None"):

        @flow.step()
        def answer(image: str) -> None: ...


def test_dependency_that_takes_its_dependents_along_is_never_missing() -> None:
    flow = Flow("strict")

    @flow.step(when="$.input", otherwise="skip_dependents", on_exhausted="skip_dependents")
    def search() -> int:
        return 1

    @flow.step(otherwise="skip")
    def count(search: int) -> int:
        return search

    @flow.step()
    def double(count: int) -> int:
        return 2 * count

    assert [step.may_be_skipped for step in flow.shape().steps] == [False, False, False]


def test_skipped_dependency_is_none_or_the_default() -> None:
    flow = graph()

    @flow.step()
    def answer(
        notes: str,
        image: str | None,
        web: list[str] = ["nothing"],  # noqa: B006
    ) -> tuple[Any, ...]:
        return notes, image, web

    step = flow.steps["answer"]
    assert step.bind(None, None, {"notes": "", "image": "", "web": []})() == ("", "", [])
    assert step.bind(None, None, {"notes": ""})() == ("", None, ["nothing"])


def test_skipped_dependency_is_none_to_an_untyped_handler() -> None:
    flow = graph()

    @flow.step()
    def answer(web, image):  # type: ignore[no-untyped-def]
        return web, image

    assert flow.steps["answer"].bind(None, None, {})() == (None, None)
