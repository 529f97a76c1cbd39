"""Chunks are what AI SDK readers take, and what Postgres can store."""

from __future__ import annotations

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewire.errors import PayloadTooLarge
from tidewire.stream import chunks
from tidewire.stream.text import DeltaText, storable, storable_text

_HALVES = st.text(st.sampled_from(["a", "\x00", "\ud83d", "\ude00", "é", "\U0001f600"]))


def test_absent_fields_are_left_out_and_never_null() -> None:
    assert chunks.source_url("s1", "https://example.com") == {
        "type": "source-url",
        "sourceId": "s1",
        "url": "https://example.com",
    }
    assert chunks.data("note", None) == {"type": "data-note", "data": None}
    assert "transient" not in chunks.data("note", 1, transient=False)


@pytest.mark.parametrize("name", ["progress", "reset", "sources", "Upper", "", "a b"])
def test_data_under_a_name_of_tidewires_own_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="data name must match"):
        chunks.data(name, 1)


def test_chunk_over_the_limit_is_refused_with_its_size_and_the_limit() -> None:
    with pytest.raises(PayloadTooLarge, match=r"chunk data-big must be at most 262144 bytes"):
        chunks.checked(chunks.data("big", "x" * 262_144))


def test_chunk_with_a_value_that_is_not_json_is_refused() -> None:
    with pytest.raises(ValueError, match="chunk data-odd must hold JSON"):
        chunks.checked(chunks.data("odd", object()))


def test_chunk_without_a_type_is_refused() -> None:
    with pytest.raises(ValueError, match="chunk must have a type"):
        chunks.checked({"data": 1})


def test_unstorable_text_deep_in_a_chunk_is_replaced() -> None:
    stored = chunks.checked(chunks.data("note", {"a\x00": ["\ud800", "\ud83d\ude00"]}))
    assert stored["data"] == {"a\ufffd": ["\ufffd", "\U0001f600"]}


@given(st.recursive(_HALVES, lambda values: st.lists(values) | st.dictionaries(_HALVES, values)))
def test_everything_storable_can_be_written_as_json_without_nul(value: object) -> None:
    assert b"\\u0000" not in orjson.dumps(storable(value))


@given(_HALVES, st.lists(st.integers(0, 8)))
def test_text_cut_anywhere_into_deltas_is_the_text_that_was_meant(
    text: str, cuts: list[int]
) -> None:
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    delta = DeltaText()
    pieces = [delta.feed(text[start:end]) for start, end in pairwise(places)]
    assert "".join([*pieces, delta.end()]) == storable_text(text)
