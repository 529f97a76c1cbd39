"""No more steps are asked for than can run."""

from __future__ import annotations

from tidewire.engine.slots import Slots


def test_reserved_slots_are_not_given_twice() -> None:
    slots = Slots(10)
    assert (slots.reserve(6), slots.reserve(6), slots.reserve(6)) == (6, 4, 0)
    slots.settle(6)
    assert slots.free == 6


def test_running_handlers_take_slots_until_they_end() -> None:
    slots = Slots(2)
    slots.enter()
    slots.enter()
    assert slots.free == 0
    slots.leave()
    assert slots.reserve(5) == 1
