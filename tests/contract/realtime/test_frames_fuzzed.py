"""Whatever a client sends is a message or a malformed frame, never another failure."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from tidewire.local.realtime.frames import MalformedFrame, Version, decode_binary, decode_text

versions = st.sampled_from(list(Version))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=6),
)


@given(versions, st.binary())
def test_any_bytes_are_a_message_or_malformed(version: Version, data: bytes) -> None:
    for decode in (decode_text, decode_binary):
        with contextlib.suppress(MalformedFrame):
            decode(version, data)


@given(versions, values)
def test_any_json_is_a_message_or_malformed(version: Version, value: object) -> None:
    with contextlib.suppress(MalformedFrame):
        decode_text(version, json.dumps(value).encode())


@given(st.binary(max_size=400))
def test_any_user_push_is_decoded_or_malformed(rest: bytes) -> None:
    with contextlib.suppress(MalformedFrame):
        push = decode_binary(Version.V2, b"\x03" + rest)
        assert rest.endswith(push.payload)


@given(
    topic=st.text(max_size=60),
    event=st.text(max_size=60),
    payload=st.binary(max_size=100),
    is_json=st.booleans(),
)
def test_user_push_is_decoded_as_it_was_encoded(
    topic: str, event: str, payload: bytes, is_json: bool
) -> None:
    fields = [b"1", b"2", topic.encode(), event.encode(), b"{}"]
    header = bytes([3, *map(len, fields), int(is_json)])
    push = decode_binary(Version.V2, header + b"".join(fields) + payload)
    assert (push.topic, push.event, push.payload, push.is_json) == (topic, event, payload, is_json)
    assert (push.join_ref, push.ref) == ("1", "2")
