"""Small parts whose every value counts."""

from __future__ import annotations

from typing import Any

import pytest

from tidewire.local.realtime.broadcast import UserBroadcast
from tidewire.local.realtime.frames import Version
from tidewire.local.realtime.payload_size import external_size, fits
from tidewire.local.realtime.rate import RollingRate


# Sizes as Erlang's external_size/1 gives them.
@pytest.mark.parametrize(
    ("payload", "size"),
    [
        (None, 6),
        (True, 7),
        (False, 8),
        (0, 3),
        (255, 3),
        (256, 6),
        (-1, 6),
        (2**31, 8),
        (-(2**31), 6),
        (2**40, 10),
        (1.5, 10),
        ("", 6),
        ("é", 8),
        ([], 2),
        ([1, 2, 3], 7),
        ([1000], 12),
        ({}, 6),
        ({"a": 1}, 14),
    ],
)
def test_external_size_is_that_of_erlang(payload: Any, size: int) -> None:
    assert external_size(payload) == size


def test_short_payloads_fit_without_being_counted() -> None:
    assert fits({"a": "x" * 100}, text_bytes=110, limit=1000)
    assert not fits({"a": "x" * 1000}, text_bytes=1010, limit=1000)


def test_rate_forgets_what_is_a_minute_old() -> None:
    now = 1000.0
    rate = RollingRate(1, clock=lambda: now)
    rate.add(61)
    assert rate.exceeded
    now += 59
    assert rate.exceeded
    now += 2
    assert not rate.exceeded
    assert rate.average == 0


def test_rate_without_a_limit_counts_nothing() -> None:
    rate = RollingRate(0)
    rate.add(10**9)
    assert not rate.exceeded


def test_broadcast_is_encoded_once_for_each_version() -> None:
    broadcast = UserBroadcast("realtime:t", "e", b"{}", is_json=True, message_id=None)
    for version in Version:
        assert broadcast.frame(version) is broadcast.frame(version)


def test_topic_too_long_for_a_binary_frame_goes_as_text() -> None:
    broadcast = UserBroadcast("realtime:" + "t" * 300, "e", b"{}", is_json=True, message_id=None)
    frame = broadcast.frame(Version.V2)
    assert frame is not None
    assert b'"broadcast",{"event":"e"' in frame
