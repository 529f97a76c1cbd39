"""Live messages hold contiguous entries and stay under the size that is delivered."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from tidewire.store import LoggedEntries
from tidewire.stream.payload import MOST_PAYLOAD_BYTES, Outbox, topic_of


def _entries(first_index: int, *sizes: int) -> LoggedEntries:
    chunks = [{"type": "data-x", "data": "x" * size} for size in sizes]
    return LoggedEntries("r", first_index, chunks, True)


def _drained(outbox: Outbox) -> list[dict[str, Any]]:
    messages = []
    while not outbox.empty:
        messages.append(outbox.take())
    return messages


def test_contiguous_entries_become_one_message() -> None:
    outbox = Outbox("r")
    outbox.add(_entries(3, 1, 1))
    outbox.add(_entries(5, 1))
    [message] = _drained(outbox)
    assert (message["run_id"], message["first_index"], len(message["chunks"])) == ("r", 3, 3)


def test_gap_between_entries_begins_a_new_message() -> None:
    outbox = Outbox("r")
    outbox.add(_entries(0, 1))
    outbox.add(_entries(2, 1))
    assert [message["first_index"] for message in _drained(outbox)] == [0, 2]


def test_entry_over_the_limit_is_only_pointed_at() -> None:
    outbox = Outbox("r")
    outbox.add(_entries(0, 10, MOST_PAYLOAD_BYTES, 10))
    first, large, last = _drained(outbox)
    assert (len(first["chunks"]), len(last["chunks"])) == (1, 1)
    assert large == {"run_id": "r", "first_index": 1, "next_index": 2}


@given(st.lists(st.integers(0, 120_000), min_size=1, max_size=12))
def test_messages_cover_every_entry_once_and_fit(sizes: list[int]) -> None:
    outbox = Outbox("r")
    outbox.add(_entries(0, *sizes))
    position = 0
    for message in _drained(outbox):
        assert message["first_index"] == position
        assert len(orjson.dumps(message["chunks"])) <= MOST_PAYLOAD_BYTES + 2
        position += len(message["chunks"])
    assert position == len(sizes)


def test_topic_of_a_run_carries_its_id() -> None:
    assert topic_of("1234") == "tidewire:run:1234"
