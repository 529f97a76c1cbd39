"""What waits for the database, and in what form it goes."""

from __future__ import annotations

from tidewire.stream.buffer import MOST_MERGED_CHARACTERS, ChunkBuffer
from tidewire.stream.chunks import part_delta, part_end, part_start


def _write(buffer: ChunkBuffer, part_id: str, *deltas: str) -> None:
    for delta in deltas:
        buffer.add_delta(part_delta("text", part_id, delta))


def test_adjacent_deltas_of_one_part_become_one_chunk() -> None:
    buffer = ChunkBuffer(0)
    buffer.add(part_start("text", "a.0"))
    _write(buffer, "a.0", "one ", "two ", "three")
    _write(buffer, "a.1", "other")
    _write(buffer, "a.0", " again")
    buffer.add(part_end("text", "a.0"))
    assert list(buffer.take().chunks) == [
        part_start("text", "a.0"),
        part_delta("text", "a.0", "one two three"),
        part_delta("text", "a.1", "other"),
        part_delta("text", "a.0", " again"),
        part_end("text", "a.0"),
    ]


def test_reasoning_and_text_of_one_id_are_not_merged() -> None:
    buffer = ChunkBuffer(0)
    buffer.add_delta(part_delta("reasoning", "a.0", "hm"))
    buffer.add_delta(part_delta("text", "a.0", "so"))
    assert len(buffer.take().chunks) == 2


def test_merged_delta_stays_below_the_chunk_limit() -> None:
    buffer = ChunkBuffer(0)
    _write(buffer, "a.0", *["x" * 1000] * 100)
    assert all(len(c["delta"]) <= MOST_MERGED_CHARACTERS for c in buffer.take().chunks)


def test_batch_on_its_way_is_repeated_unchanged_whatever_is_written_meanwhile() -> None:
    buffer = ChunkBuffer(7)
    _write(buffer, "a.0", "one")
    batch = buffer.take()
    sent = [dict(chunk) for chunk in batch.chunks]
    _write(buffer, "a.0", "two")
    again = buffer.take()
    assert again is batch
    assert list(again.chunks) == sent
    assert again.first_sequence == 7


def test_sequence_counts_the_chunks_that_are_settled() -> None:
    buffer = ChunkBuffer(7)
    _write(buffer, "a.0", "one", "two")
    buffer.take()
    _write(buffer, "a.0", "three")
    buffer.settle()
    batch = buffer.take()
    assert batch.first_sequence == 8
    assert [chunk["delta"] for chunk in batch.chunks] == ["three"]


def test_size_covers_what_waits_and_what_is_out() -> None:
    buffer = ChunkBuffer(0)
    _write(buffer, "a.0", "x" * 1000)
    buffer.take()
    _write(buffer, "a.0", "x" * 1000)
    assert buffer.size > 2000
    buffer.settle()
    assert 1000 < buffer.size < 2000
