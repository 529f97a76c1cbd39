"""A result's text is what a reader of its log sees."""

from __future__ import annotations

from uuid import UUID

import pytest

from tidewire.testing import RunFailed, RunResult, StepResult


def _result(status: str = "completed", *log: dict[str, object], **steps: StepResult) -> RunResult:
    return RunResult(UUID(int=1), "flow", status, None, None, steps, log)


def _delta(part: str, text: str) -> dict[str, object]:
    return {"type": "text-delta", "id": part, "delta": text}


def test_text_is_part_after_part_however_they_were_written() -> None:
    log: list[dict[str, object]] = [
        _delta("a.0", "1"),
        _delta("b.0", "3"),
        _delta("a.0", "2"),
        {"type": "finish"},
    ]
    assert _result("completed", *log).text == "123"


def test_reset_parts_are_no_text() -> None:
    reset: dict[str, object] = {"type": "data-reset", "data": {"parts": ["a.0", "a.9"]}}
    log = [_delta("a.0", "first"), reset, _delta("a.1", "second")]
    assert _result("completed", *log).text == "second"


def test_check_tells_the_errors_of_items_too() -> None:
    item = StepResult("fetch", "failed", 3, None, "OSError: no line")
    step = StepResult("fetch", "failed", 1, None, None, (item,))
    with pytest.raises(RunFailed, match="fetch: OSError: no line"):
        _result("failed", fetch=step).check()
