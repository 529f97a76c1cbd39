"""The scripted model says what it was told to, and goes on from where an answer ended."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tidewire import ChatMessage
from tidewire.model import Finish, TextDelta
from tidewire.testing import ScriptedModel

_QUESTION = [ChatMessage("user", "When?")]


async def _deltas(model: ScriptedModel, partial: str = "") -> list[str]:
    events = [event async for event in model.stream(_QUESTION, partial=partial)]
    assert isinstance(events[-1], Finish)
    return [event.text for event in events if isinstance(event, TextDelta)]


async def test_answers_come_in_order_and_the_last_one_again() -> None:
    model = ScriptedModel(["a", "b"], ["c"])
    assert [await _deltas(model) for _ in range(3)] == [["a", "b"], ["c"], ["c"]]
    assert model.asked == [_QUESTION] * 3


@pytest.mark.parametrize(
    ("partial", "rest"),
    [
        ("", ["twice ", "a day"]),
        ("twi", ["ce ", "a day"]),
        ("twice ", ["a day"]),
        ("twice a day", []),
        ("never", ["twice ", "a day"]),
    ],
)
async def test_continued_answer_leaves_out_what_was_said(partial: str, rest: list[str]) -> None:
    assert await _deltas(ScriptedModel(["twice ", "a day"]), partial) == rest


async def test_exception_is_raised_at_its_place() -> None:
    model = ScriptedModel(["twice ", OSError("cut off"), "a day"])
    said: list[object] = []
    with pytest.raises(OSError, match="cut off"):
        async for event in model.stream(_QUESTION):
            said.append(event)  # noqa: PERF401  what came before the exception counts
    assert said == [TextDelta("twice ")]
    assert await _deltas(model, "twice a") == [" day"]


@pytest.mark.parametrize("answers", [(), ("a string",), (["a list"], "a string")])
def test_answer_that_is_no_list_is_refused(answers: Sequence[Sequence[str]]) -> None:
    with pytest.raises(TypeError, match="lists of deltas"):
        ScriptedModel(*answers)
