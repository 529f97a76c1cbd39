"""A later attempt continues text, redoes the rest, and reuses no part id."""

from __future__ import annotations

from typing import Any

from tidewire.stream.earlier import EarlierText, resume


def _part(
    kind: str, text: str, at_checkpoint: str | None = None, *, is_open: bool = False
) -> dict[str, Any]:
    return {
        "type": kind,
        "text": text,
        "text_at_checkpoint": at_checkpoint,
        "open": is_open,
        "reset": False,
    }


_TEXTS = {
    "say.10": _part("text", "half", "ha", is_open=True),
    "say.2": _part("reasoning", "hm", "", is_open=True),
    "say.0": _part("text", "done"),
}
_OPEN = [
    {"type": "text", "id": "say.10"},
    {"type": "reasoning", "id": "say.2"},
    {"type": "tool", "id": "call-1"},
]


def test_ended_text_is_kept_open_text_continued_and_open_reasoning_and_tools_are_redone() -> None:
    earlier = resume("say", _TEXTS, _OPEN, restart=False, last_sequence=2)
    assert earlier.texts == [
        EarlierText("say.0", "done", "", ended=True),
        EarlierText("say.10", "half", "ha", ended=False),
    ]
    assert [chunk["type"] for chunk in earlier.opening] == [
        "reasoning-end",
        "tool-output-error",
        "data-reset",
    ]
    assert earlier.opening[-1]["data"]["parts"] == ["say.2", "call-1"]


def test_restart_discards_every_part_that_is_still_shown() -> None:
    texts = _TEXTS | {"say.9": _part("text", "old") | {"reset": True}}
    earlier = resume("say", texts, _OPEN, restart=True, last_sequence=2)
    assert earlier.texts == []
    assert earlier.opening[0] == {"type": "text-end", "id": "say.10"}
    assert earlier.opening[-1]["data"]["parts"] == ["say.10", "say.2", "say.0", "call-1"]


def test_new_parts_get_numbers_that_were_never_used() -> None:
    assert resume("say", _TEXTS, _OPEN, restart=False, last_sequence=2).next_number == 11
    assert resume("say", {}, [], restart=False, last_sequence=9).next_number == 9


def test_attempt_with_nothing_open_begins_without_a_reset() -> None:
    earlier = resume("say", {"say.0": _part("text", "done")}, [], restart=False, last_sequence=3)
    assert earlier.opening == []
    assert [text.ended for text in earlier.texts] == [True]
