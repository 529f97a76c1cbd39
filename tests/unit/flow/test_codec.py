"""Values cross a step's border as JSON, decoded and encoded by annotation."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import GenericAlias
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, RootModel, TypeAdapter
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from tidewire.errors import FlowDefinitionError, PermanentStepError
from tidewire.flow import Flow
from tidewire.flow.codec import Codec


class Colour(StrEnum):
    red = "red"
    none = ""


class Level(IntEnum):
    low = 0
    high = 1


class Mixed(Enum):
    number = 0
    text = "0"


@dataclass(frozen=True)
class Order:
    order_id: UUID
    placed_at: datetime
    total: Decimal
    colours: frozenset[Colour]
    attachment: bytes = b""


class Aliased(BaseModel):
    size: int = Field(alias="Size")


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    at: datetime


class Row(TypedDict):
    pair: tuple[int, str]
    raw: bytes


class Point(NamedTuple):
    x: int
    y: float


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 0


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str = ""


class Parcel(BaseModel):
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    order: Order
    row: Row | None
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


class Tree(BaseModel):
    branches: list[Tree] = []


class Text(BaseModel):
    raw: bytes


class File(Text):
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


ORDER = Order(
    UUID("0191f2d8-7b3c-7d30-a6f0-0d6c2f0c0001"),
    datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=UTC),
    Decimal("12.30"),
    frozenset({Colour.red}),
    b"\x00\xff",
)


def stored(annotation: Any, value: Any) -> Any:
    """What comes back of `value` when it has been text in the database."""
    codec = Codec(annotation)
    return codec.decode(json.loads(json.dumps(codec.encode(value), allow_nan=False)))


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Order, ORDER),
        (list[Order], [ORDER, ORDER]),
        (Aliased, Aliased(Size=3)),
        (Strict, Strict(at=datetime(2026, 1, 1, tzinfo=UTC))),
        (Row, {"pair": (1, "a"), "raw": b"\xff"}),
        (Parcel, Parcel(order=ORDER, row=None, pet=Dog(kind="dog"))),
        (Cat | Dog, Dog(kind="dog", name="Rex")),
        (File, File(raw=b"\xff\x00")),
        (Tree, Tree(branches=[Tree(), Tree(branches=[Tree()])])),
        (RootModel[list[int]], RootModel[list[int]]([0])),
        (Point, Point(0, 0.5)),
        (dict[int, UUID], {7: ORDER.order_id}),
        (dict[date, Level], {date(2026, 1, 1): Level.low}),
        (Annotated[int, Field(ge=0)], 0),
        (Mixed, Mixed.number),
        (Mixed, Mixed.text),
        (int | str, "0"),
        (bool | int, True),
        (bytes, b"\xfb\xff\x00plain"),
        (Any, {"nested": [0, "", False, None, []]}),
    ],
)
def test_value_comes_back_as_it_was(annotation: Any, value: Any) -> None:
    decoded = stored(annotation, value)
    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, 0),
        (float, 0.0),
        (str, ""),
        (bool, False),
        (bytes, b""),
        (type(None), None),
        (Decimal, Decimal(0)),
        (timedelta, timedelta()),
        (Colour, Colour.none),
        (Level, Level.low),
        (list[int], []),
        (tuple[int, ...], ()),
        (set[int], set()),
        (frozenset[int], frozenset()),
        (deque[int], deque()),
        (dict[str, int], {}),
        (list[Any], [0, "", False, [], {}, None]),
        (str | None, ""),
        (str | None, None),
    ],
)
def test_falsy_value_stays_what_it_is(annotation: Any, value: Any) -> None:
    decoded = stored(annotation, value)
    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize("value", [0, 0.0, "", False, [], {}, None])
def test_falsy_value_of_an_untyped_handler_stays_what_it_is(value: Any) -> None:
    decoded = stored(Any, value)
    assert decoded == value
    assert type(decoded) is type(value)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)
typed_values = st.one_of(
    st.tuples(st.just(str), texts),
    st.tuples(st.just(int), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(float), st.floats(allow_nan=False, allow_infinity=False)),
    st.tuples(st.just(bytes), st.binary()),
    st.tuples(st.just(UUID), st.uuids()),
    st.tuples(st.just(date), st.dates()),
    st.tuples(st.just(time), st.times()),
    st.tuples(st.just(datetime), st.datetimes(timezones=st.none() | st.just(UTC))),
    st.tuples(st.just(timedelta), st.timedeltas()),
    st.tuples(st.just(Decimal), st.decimals(allow_nan=False, allow_infinity=False)),
    st.tuples(st.just(Colour), st.sampled_from(Colour)),
    st.tuples(st.just(Mixed), st.sampled_from(Mixed)),
)


@given(json_values)
def test_any_json_passes_unannotated_steps_unchanged(value: Any) -> None:
    assert stored(Any, value) == value


@given(typed_values)
def test_any_value_of_a_type_comes_back_alone_and_in_containers(typed: tuple[Any, Any]) -> None:
    kind, value = typed
    annotations_and_values: list[tuple[Any, Any]] = [
        (kind, value),
        (kind | None, value),
        (GenericAlias(list, kind), [value]),
        (GenericAlias(tuple, (kind, int)), (value, 0)),
        (GenericAlias(set, kind), {value}),
        (GenericAlias(dict, (str, kind)), {"": value}),
    ]
    for annotation, whole in annotations_and_values:
        decoded = stored(annotation, whole)
        assert decoded == whole
        assert type(decoded) is type(whole)


orders = st.builds(
    Order,
    total=st.decimals(allow_nan=False, allow_infinity=False),
    placed_at=st.datetimes(timezones=st.just(UTC)),
)


@given(orders)
def test_any_dataclass_comes_back(order: Order) -> None:
    assert stored(Order, order) == order


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


def test_bytes_are_base64_that_is_safe_in_addresses_and_read_in_either_alphabet() -> None:
    codec = Codec(bytes)
    assert codec.encode(b"\xfb\xff") == "-_8="
    assert codec.decode("-_8=") == codec.decode("+/8=") == codec.decode("-_8") == b"\xfb\xff"


def test_model_whose_bytes_are_text_is_refused_as_output() -> None:
    flow = Flow("files")
    with pytest.raises(
        FlowDefinitionError,
        match="flow files, step read: return value: bytes in a model must be base64, got UTF-8",
    ):

        @flow.step("read")
        def wrong() -> list[Text]: ...  # type: ignore[empty-body]

    @flow.step()
    def read(input: Text) -> File:
        return File(raw=input.raw)

    assert flow.steps["read"].bind(None, {"raw": "plain"}, {})() == File(raw=b"plain")


def test_type_that_stands_for_json_of_its_own_is_encoded_by_it() -> None:
    celsius = Annotated[float, PlainSerializer(lambda value: f"{value} C", return_type=str)]
    assert Codec(celsius).encode(0.0) == "0.0 C"


@pytest.mark.parametrize(
    "annotation", [int, list[int], Aliased, Order, Parcel, Tree, list[Tree], Cat | Dog, Any]
)
def test_schema_is_the_one_that_pydantic_would_give(annotation: Any) -> None:
    given, found = TypeAdapter(annotation).json_schema(), Codec(annotation).json_schema()
    assert found == json.loads(json.dumps(given).replace("binary", "base64url"))


@pytest.mark.parametrize("annotation", [bytes, Row, Order])
def test_schema_says_base64_where_bytes_are(annotation: Any) -> None:
    assert '"base64url"' in json.dumps(Codec(annotation).json_schema())


def test_flow_input_that_has_no_schema_is_refused() -> None:
    unread = Annotated[Callable[[], int], PlainSerializer(lambda value: 0, return_type=int)]
    with pytest.raises(FlowDefinitionError, match=r"flow broken: input: .* cannot be written as"):
        Flow("broken", input=unread)
