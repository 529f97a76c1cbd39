"""A step's call is bound to decoded arguments, and its output is encoded."""

from __future__ import annotations

import asyncio

import pytest

from tidewire.errors import PermanentStepError
from tidewire.flow import ChatInput, Flow


def chat() -> Flow:
    flow = Flow("chat", input=ChatInput)

    @flow.step()
    def first() -> int:
        return 0

    @flow.step()
    async def second(ctx: str, input: ChatInput, first: int) -> str:
        return f"{ctx} {input.message.text} {first}"

    return flow


MESSAGE = {
    "id": "m1",
    "role": "user",
    "parts": [
        {"type": "text", "text": "how "},
        {"type": "file", "mediaType": "image/png", "url": "https://example.org/a.png"},
        {"type": "text", "text": "so"},
    ],
}


async def test_bound_call_has_context_input_and_outputs() -> None:
    step = chat().steps["second"]
    call = step.bind("context", {"message": MESSAGE}, {"first": 0})
    assert step.is_async
    assert await call() == "context how so 0"


def test_plain_function_is_known_as_plain() -> None:
    step = chat().steps["first"]
    assert not step.is_async
    assert step.bind(None, {"message": MESSAGE}, {})() == 0


def test_object_with_an_async_call_is_known_as_async() -> None:
    class Handler:
        __name__ = "handler"

        async def __call__(self, input: int) -> int:
            return input + 1

    flow = Flow("objects")
    flow.step()(Handler())
    assert flow.steps["handler"].is_async


def test_wrong_run_input_fails_for_good_and_names_the_field() -> None:
    bad = {"message": {"id": "m1", "role": "user", "parts": [{"type": "text"}]}}
    with pytest.raises(
        PermanentStepError, match=r"the run's input is not valid: message\.parts\.0"
    ):
        chat().steps["second"].bind(None, bad, {"first": 0})


def test_first_step_refuses_a_wrong_run_input_that_it_does_not_take() -> None:
    with pytest.raises(PermanentStepError, match="chat/first: the run's input is not valid: mess"):
        chat().steps["first"].bind(None, {}, {})


def test_error_about_a_wrong_input_keeps_its_value_to_itself() -> None:
    with pytest.raises(PermanentStepError) as caught:
        chat().steps["first"].bind(None, {"message": {"id": "m", "role": "secret word"}}, {})
    assert "secret word" not in str(caught.value)


def test_output_that_does_not_fit_the_parameter_names_both_steps() -> None:
    with pytest.raises(PermanentStepError, match="chat/second: the output of step first is not"):
        chat().steps["second"].bind(None, {"message": MESSAGE}, {"first": "zero"})


def test_missing_output_of_a_dependency_is_named() -> None:
    with pytest.raises(PermanentStepError, match="the output of step first is missing"):
        chat().steps["second"].bind(None, {"message": MESSAGE}, {})


def test_part_types_that_are_not_known_are_kept() -> None:
    message = ChatInput.model_validate({"message": MESSAGE}).message
    assert message.parts[1].model_dump(exclude_none=True)["mediaType"] == "image/png"


def test_step_carries_the_exceptions_that_are_never_retried() -> None:
    flow = Flow("sure")

    @flow.step(never_retry=[LookupError, asyncio.TimeoutError])
    def first() -> None: ...

    @flow.map(never_retry=(KeyError,))
    def second(item: int) -> None: ...

    assert flow.steps["first"].never_retry == (LookupError, TimeoutError)
    assert flow.steps["second"].never_retry == (KeyError,)
    assert chat().steps["first"].never_retry == ()


def test_exceptions_that_are_never_retried_make_no_other_version() -> None:
    def shape(*kinds: type[BaseException]) -> object:
        flow = Flow("sure")

        @flow.step(never_retry=kinds)
        def first() -> None: ...

        return flow.shape()

    assert shape(KeyError) == shape()
