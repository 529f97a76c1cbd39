"""Says in words what the steps of a run are doing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from tidewire.testing.records import RunRow, StepRow

_SATISFIED: Final = ("completed", "skipped")


def run_report(
    run: RunRow,
    rows: Sequence[StepRow],
    *,
    sources: Mapping[str, Sequence[str]],
    now: datetime,
) -> str:
    """Return one line for the run and one for each of its steps.

    Args:
      run: the run's own row.
      rows: of all steps and items.
      sources: which steps each step depends on.
      now: the moved time.
    """
    status = {row.step_slug: row.status for row in rows if row.item_index < 0}
    lines = [
        f"run {run.run_id} of flow {run.flow_slug} is {run.status}"
        + (f": {run.error}" if run.error else "")
        + f" (log entries: {run.log_length})"
    ]
    for row in rows:
        if row.item_index >= 0:
            continue
        missing = [s for s in sources.get(row.step_slug, ()) if status.get(s) not in _SATISFIED]
        items = Counter(r.status for r in rows if r.step_slug == row.step_slug and r is not row)
        lines.append(f"  {row.step_slug}: {_state(row, missing, now)}{_items(items)}{_fault(row)}")
    return "\n".join(lines)


def _state(row: StepRow, missing: Sequence[str], now: datetime) -> str:
    attempt = f"attempt {row.attempt} of {row.max_attempts}"
    match row.status:
        case "waiting":
            return f"waiting for {', '.join(missing) or 'something outside its flow'}"
        case "scheduled":
            due = max(timedelta(), row.available_at - now)
            return f"scheduled, due in {due} of the database's time, after {attempt}"
        case "queued":
            return f"queued, not claimed yet, after {attempt}"
        case "running":
            return f"running, {attempt}"
        case _:
            return f"{row.status}, {attempt}"


def _items(statuses: Mapping[str, int]) -> str:
    if not statuses:
        return ""
    return "; items: " + ", ".join(f"{count} {name}" for name, count in sorted(statuses.items()))


def _fault(row: StepRow) -> str:
    """Return the last line of a traceback: what went wrong."""
    return f"; last error: {row.error.splitlines()[-1]}" if row.error else ""
