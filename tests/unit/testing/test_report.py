"""The report says what each step does, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tidewire.testing.records import RunRow, StepRow
from tidewire.testing.report import run_report

_NOW = datetime(2026, 11, 21, tzinfo=UTC)
_RUN = RunRow(UUID(int=1), "flow", "running", None, None, 4)


def _row(slug: str, status: str, item_index: int = -1, **more: Any) -> StepRow:
    facts = {"attempt": 1, "max_attempts": 3, "available_at": _NOW, "output": None, "error": None}
    return StepRow(slug, item_index, status, **{**facts, **more})


def _lines(*rows: StepRow, **sources: list[str]) -> list[str]:
    return run_report(_RUN, rows, sources=sources, now=_NOW).splitlines()[1:]


def test_waiting_step_names_what_it_waits_for() -> None:
    rows = [_row("a", "completed"), _row("b", "running"), _row("c", "waiting")]
    assert _lines(*rows, c=["a", "b"])[2] == "  c: waiting for b"
    assert _lines(_row("c", "waiting"))[0] == "  c: waiting for something outside its flow"


def test_scheduled_step_says_when_it_is_due_and_why_it_failed() -> None:
    later = _NOW + timedelta(hours=1)
    row = _row("a", "scheduled", available_at=later, error="Traceback\nOSError: no line")
    assert _lines(row) == [
        "  a: scheduled, due in 1:00:00 of the database's time, after attempt 1 of 3;"
        " last error: OSError: no line"
    ]


def test_items_of_a_map_are_counted_by_status() -> None:
    items = [_row("m", status, n) for n, status in enumerate(["completed", "queued", "completed"])]
    assert _lines(_row("m", "running"), *items) == [
        "  m: running, attempt 1 of 3; items: 2 completed, 1 queued"
    ]
