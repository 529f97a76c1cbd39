"""Values cross a step's border as JSON, decoded and encoded by annotation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from tidewire.errors import PermanentStepError
from tidewire.flow import ChatInput, Flow
from tidewire.flow.codec import Codec


class Colour(StrEnum):
    red = "red"


@dataclass
class Order:
    order_id: UUID
    placed_at: datetime
    total: Decimal
    colours: set[Colour]


class Aliased(BaseModel):
    size: int = Field(alias="Size")


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    at: datetime


class Row(TypedDict):
    pair: tuple[int, str]


ORDER = Order(
    UUID("0191f2d8-7b3c-7d30-a6f0-0d6c2f0c0001"),
    datetime(2026, 2, 3, 4, 5, tzinfo=UTC),
    Decimal("12.30"),
    {Colour.red},
)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Order, ORDER),
        (list[Order], [ORDER, ORDER]),
        (Aliased, Aliased(Size=3)),
        (Strict, Strict(at=datetime(2026, 1, 1, tzinfo=UTC))),
        (Row, {"pair": (1, "a")}),
        (dict[int, UUID], {7: ORDER.order_id}),
        (Annotated[int, Field(ge=0)], 0),
        (bytes, b"plain"),
        (str | None, ""),
        (bool, False),
        (int, 0),
        (list[int], []),
        (type(None), None),
        (Any, {"nested": [0, "", False, None, []]}),
    ],
)
def test_value_comes_back_as_it_was(annotation: Any, value: Any) -> None:
    codec = Codec(annotation)
    decoded = codec.decode(codec.encode(value))
    assert decoded == value
    assert type(decoded) is type(value)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), inner)
    ),
)


@given(json_values)
def test_any_json_passes_unannotated_steps_unchanged(value: Any) -> None:
    codec = Codec(Any)
    assert codec.decode(codec.encode(value)) == value


class Measure(BaseModel):
    value: Any


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (float, float("nan")),
        (Any, float("inf")),
        (Any, {"a": [float("nan")]}),
        (Measure, Measure(value=float("nan"))),
        (list[Measure], [Measure(value=[float("-inf")])]),
        (Decimal, Decimal("NaN")),
        (int, 2**63),
        (int, "text"),
        (Order, {"order_id": "x"}),
        (Any, object()),
        (bytes, b"\xff"),
    ],
)
def test_output_that_is_not_json_or_not_as_annotated_fails_for_good(
    annotation: Any, value: Any
) -> None:
    flow = Flow("sums")

    def add() -> Any: ...

    add.__annotations__["return"] = annotation
    flow.step()(add)
    with pytest.raises(PermanentStepError, match="sums/add: the step's output cannot be stored"):
        flow.steps["add"].encode_output(value)


def test_text_that_means_no_number_is_kept_as_text() -> None:
    assert Codec(list[str]).encode(["NaN", "Infinity"]) == ["NaN", "Infinity"]


def test_characters_that_the_database_cannot_store_are_replaced() -> None:
    assert Codec(Any).encode({"a\x00": "b\ud800c"}) == {"a\ufffd": "b\ufffdc"}


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
