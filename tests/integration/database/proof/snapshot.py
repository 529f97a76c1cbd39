"""All that the database says of runs at one moment, as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
# run_id, step_slug, item_index
StepKey = tuple[str, str, int]

OPEN = ("waiting", "scheduled", "queued", "running")
ACTIVE = ("queued", "running")
TERMINAL_TYPES = ("finish", "error", "abort")

QUERY = """
select jsonb_build_object(
  'runs', (
    select coalesce(jsonb_agg(to_jsonb(r) order by r.created_at, r.run_id), '[]')
    from public.flow_runs r
  ),
  'steps', (
    select coalesce(
      jsonb_agg(to_jsonb(s) order by s.created_at, s.run_id, s.step_slug, s.item_index), '[]'
    )
    from public.flow_steps s
  ),
  'chunks', (
    select coalesce(jsonb_agg(to_jsonb(c) order by c.run_id, c.chunk_index), '[]')
    from public.streaming_chunks c
  ),
  'threads', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from public.flow_threads t),
  'messages', (
    select coalesce(jsonb_agg(to_jsonb(m) order by m.position), '[]') from public.flow_messages m
  )
)
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One log entry. A compacted row is as many as it was before."""

    index: int
    step_slug: str | None
    chunk: Row

    @property
    def type(self) -> str:
        return str(self.chunk["type"])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rows by their keys, and each run's log in order."""

    runs: dict[str, Row]
    steps: dict[StepKey, Row]
    logs: dict[str, list[Entry]]
    threads: list[Row]
    messages: list[Row]

    @classmethod
    def of(cls, tables: dict[str, list[Row]]) -> Snapshot:
        logs: dict[str, list[Entry]] = defaultdict(list)
        for chunk in tables["chunks"]:
            logs[chunk["run_id"]] += _entries(chunk)
        return cls(
            runs={row["run_id"]: row for row in tables["runs"]},
            steps={key_of(row): row for row in tables["steps"]},
            logs=dict(logs),
            threads=tables["threads"],
            messages=tables["messages"],
        )

    def steps_of(self, run_id: str) -> list[Row]:
        return [row for key, row in self.steps.items() if key[0] == run_id]

    def message(self, earlier: Row) -> Row:
        """What became of a message."""
        (found,) = [row for row in self.messages if row["position"] == earlier["position"]]
        return found

    def is_active(self, run_id: str) -> bool:
        return run_id in self.runs and self.runs[run_id]["status"] in ACTIVE

    def entries_of(self, key: StepKey) -> list[Entry]:
        return [entry for entry in self.logs.get(key[0], []) if entry.step_slug == key[1]]

    def deltas_of(self, key: StepKey) -> list[str]:
        return [e.chunk["delta"] for e in self.entries_of(key) if e.type == "text-delta"]


def key_of(row: Row) -> StepKey:
    """The key of a step row, a claimed row's detail, or a request item."""
    return (row["run_id"], row["step_slug"], row.get("item_index", -1))


def _entries(row: Row) -> Iterator[Entry]:
    """The entries of a row: of a compacted one, each delta under the index that it had."""
    if row["delta_ends"] is None:
        assert row["first_index"] == row["chunk_index"], row
        yield Entry(row["chunk_index"], row["step_slug"], row["chunk_data"])
        return
    begin = 0
    for index, end in enumerate(row["delta_ends"], start=row["first_index"]):
        delta = row["chunk_data"]["delta"][begin:end]
        yield Entry(index, row["step_slug"], row["chunk_data"] | {"delta": delta})
        begin = end
